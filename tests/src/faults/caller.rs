//! Which process a connection on this machine comes from, as the kernel tells in `/proc`.

use std::fs::{read_dir, read_link, read_to_string};

/// Whether the connection from one port of this machine to another belongs to a process.
pub fn is_of(process: u32, from: u16, to: u16) -> bool {
    let table = read_to_string("/proc/net/tcp").unwrap_or_default();
    let Some(inode) = table.lines().find_map(|line| inode_of(line, from, to)) else { return false };
    let wanted = format!("socket:[{inode}]");
    let Ok(handles) = read_dir(format!("/proc/{process}/fd")) else { return false };
    handles
        .flatten()
        .any(|handle| read_link(handle.path()).is_ok_and(|link| link.as_os_str() == wanted.as_str()))
}

/// The socket's number in a line of the table, if the line is about this connection.
fn inode_of(line: &str, from: u16, to: u16) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, local, remote, ..] = fields[..] else { return None };
    let is_it = local.ends_with(&format!(":{from:04X}")) && remote.ends_with(&format!(":{to:04X}"));
    is_it.then(|| fields.get(9).copied()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_of_the_process_that_made_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap().port();
        let stream = std::net::TcpStream::connect(("127.0.0.1", to)).unwrap();
        let from = stream.local_addr().unwrap().port();
        assert!(is_of(std::process::id(), from, to));
        assert!(!is_of(1, from, to) || std::process::id() == 1);
        assert!(!is_of(std::process::id(), to, to));
    }
}
