//! One shell per test process that ends all our children when the test process ends for any reason.
//!
//! It reads `add PID`, `del PID` and `dir PATH` lines from a pipe. End of file means that the test process is gone,
//! however it went: then every process group still on the list is killed and the folders are removed.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use parking_lot::Mutex;

const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids=' '
dirs=''
while read -r op arg; do
  case $op in
    add) pids="$pids$arg " ;;
    del) pids="${pids%% $arg *} ${pids#* $arg }" ;;
    dir) dirs=$arg ;;
  esac
done
for pid in $pids; do kill -s KILL -- "-$pid" 2>/dev/null; done
if [ -n "$dirs" ]; then rm -rf -- "$dirs"; fi
"#;

static SHELL: OnceLock<Mutex<Child>> = OnceLock::new();

/// From now on the process group of `pid` dies with this process.
pub fn watch(pid: u32) {
    tell(&format!("add {pid}\n"));
}

/// The group is gone already; its number may be given to somebody else.
pub fn release(pid: u32) {
    tell(&format!("del {pid}\n"));
}

/// The folder is removed when this process ends.
pub fn remove_at_exit(dir: &Path) {
    tell(&format!("dir {}\n", dir.display()));
}

fn tell(line: &str) {
    let mut shell = SHELL.get_or_init(|| Mutex::new(start())).lock();
    let pipe = shell.stdin.as_mut().expect("its input is a pipe");
    pipe.write_all(line.as_bytes()).expect("the guardian shell reads its pipe");
}

fn start() -> Child {
    Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("sh starts")
}
