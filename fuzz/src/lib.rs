//! What strangers' bytes must never do, one function for each place that reads them.
//!
//! Each [`Target`] takes any bytes and panics if a promise about them is broken. `make fuzz` looks for such bytes with
//! libFuzzer (`runner`); the test of this crate plays what it has found so far (`corpus`).

mod bytes;
pub mod rest;
mod targets;

/// A place that reads what strangers send.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder in the corpus.
    pub name: &'static str,
    /// Plays one input. Panics if a promise is broken.
    pub play: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "client_frame", play: targets::client_frame },
    Target { name: "socketio_packet", play: targets::socketio_packet },
    Target { name: "event", play: targets::event },
    Target { name: "text_rules", play: targets::text_rules },
    Target { name: "filter", play: targets::filter },
    Target { name: "search_query", play: targets::search_query },
    Target { name: "cursor", play: targets::cursor },
    Target { name: "picture", play: targets::picture },
    Target { name: "upload", play: targets::upload },
    Target { name: "multipart", play: targets::multipart },
    Target { name: "rest", play: rest::play },
];

/// The target of this name.
pub fn find(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Whatever was found once stays mended. The corpus has an example of each kind of input, and each finding.
    #[test]
    fn the_corpora_play() {
        for target in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
            let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            let mut played = 0;
            for entry in entries {
                let path = entry.unwrap().path();
                println!("{}", path.display());
                let input = std::fs::read(&path).unwrap();
                (target.play)(&input);
                // Whatever is cut off or damaged is an input as well.
                (target.play)(&input[..input.len() / 2]);
                let turned: Vec<u8> = input.iter().rev().copied().collect();
                (target.play)(&turned);
                played += 1;
            }
            assert!(played > 0, "{} has no input", folder.display());
        }
    }
}
