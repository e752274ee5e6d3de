//! What programs say to the person or the pipe that started them. Every binary prints through it: the reader of a pipe
//! may go away at any time (`| head`), which is no error.

use std::io::{self, Write};

/// Prints the result of a command. A pipe that nobody reads any more is a quiet end.
///
/// # Errors
/// If what was printed got lost, for instance on a full disk.
pub fn print(text: &str) -> io::Result<()> {
    unless_unread(write(&mut io::stdout().lock(), text))
}

/// Says why the program ends. There may be nobody to hear it, and nobody else to tell that.
pub fn complain(text: &str) {
    let _unheard = write(&mut io::stderr().lock(), &format!("{text}\n"));
}

fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn unless_unread(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
