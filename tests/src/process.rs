//! A child process: started, signalled, killed, started again with the same arguments. It writes to a log file and
//! never outlives its owner.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::{guardian, wait};

const LOG_TAIL_BYTES: usize = 4_000;

/// What to start.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Name in messages and of the log file.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// What is added to the environment.
    pub env: Vec<(String, String)>,
    /// Its working folder, where the log file lies too.
    pub dir: PathBuf,
}

/// A process that runs or can be started again.
pub struct Process {
    spec: Spec,
    child: Mutex<Option<Child>>,
}

impl Process {
    /// A process that does not run yet.
    pub fn prepare(spec: Spec) -> Self {
        Self { spec, child: Mutex::new(None) }
    }

    /// A write beyond the limit of its files (`prlimit --fsize`) is an error for it from now on, as on a full disk, and
    /// not the signal XFSZ, which would be its end. It must not be running.
    #[must_use]
    pub fn with_full_disks_as_errors(mut self) -> Self {
        let program = std::mem::replace(&mut self.spec.program, "env".into());
        let program = program.display().to_string();
        self.spec.args.splice(0..0, ["--ignore-signal=XFSZ".to_owned(), program]);
        self
    }

    /// The same program with more arguments, as a command of its own.
    pub fn command(&self, args: &[&str]) -> Spec {
        let mut spec = self.spec.clone();
        spec.args.extend(args.iter().map(|&arg| arg.to_owned()));
        spec
    }

    /// Starts it. It must not be running.
    pub fn start(&self) {
        let mut slot = self.child.lock();
        assert!(slot.is_none(), "{} runs already", self.spec.name);
        let child = self.spec.spawn();
        guardian::watch(child.id());
        *slot = Some(child);
    }

    /// `kill -9` of the whole group; returns when it is gone.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().take() {
            signal_group(child.id(), "KILL");
            child.wait().expect("a killed child can be waited for");
            guardian::release(child.id());
        }
    }

    /// Its number; panics if it was never started.
    pub fn id(&self) -> u32 {
        let id = self.child.lock().as_ref().map(Child::id);
        id.unwrap_or_else(|| panic!("{} does not run", self.spec.name))
    }

    /// Sends a signal by its name: `TERM`, `STOP`, `CONT` …
    pub fn signal(&self, name: &str) {
        let pid = self.child.lock().as_ref().map(Child::id);
        signal_group(pid.unwrap_or_else(|| panic!("{} does not run", self.spec.name)), name);
    }

    /// The same, without effect on one that does not run.
    pub fn signal_if_running(&self, name: &str) {
        let pid = self.child.lock().as_ref().map(Child::id);
        if let Some(pid) = pid {
            signal_group(pid, name);
        }
    }

    /// Waits until it ends by itself, and how.
    pub async fn ended(&self) -> ExitStatus {
        let mut status = None;
        wait::until(&format!("{} ends\n{}", self.spec.name, self.log_tail()), async || {
            status = self.try_wait();
            status.is_some()
        })
        .await;
        status.expect("set when the wait ended")
    }

    /// SIGTERM, then waits for the end.
    pub async fn terminate(&self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// Memory that it holds now, in KiB.
    pub fn rss_kib(&self) -> u64 {
        let pid = self.child.lock().as_ref().map(Child::id);
        let path = format!("/proc/{}/status", pid.unwrap_or_else(|| panic!("{} does not run", self.spec.name)));
        let status = std::fs::read_to_string(path).expect("a running process has a status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("the status tells its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
    }

    /// Whether it was started and has not ended.
    pub fn runs(&self) -> bool {
        let running = self.child.lock().is_some();
        running && self.try_wait().is_none()
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        let text = self.log();
        let start = text.len().saturating_sub(LOG_TAIL_BYTES);
        let start = (start..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        format!("--- end of the log of {}:\n{}", self.spec.name, &text[start..])
    }

    /// All that it wrote so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.spec.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Where its log is.
    pub fn log_path(&self) -> PathBuf {
        self.spec.log_path()
    }

    /// Waits until `check` holds, and panics with the log if the process ends before.
    pub async fn until<F: AsyncFnMut() -> bool>(&self, what: &str, mut check: F) {
        let what = format!("{}: {what}", self.spec.name);
        let end = tokio::time::Instant::now() + wait::PATIENCE;
        while !check().await {
            assert!(self.runs(), "{what}: the process ended\n{}", self.log_tail());
            assert!(tokio::time::Instant::now() < end, "{what}: not in time\n{}", self.log_tail());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    fn try_wait(&self) -> Option<ExitStatus> {
        let mut slot = self.child.lock();
        let child = slot.as_mut().unwrap_or_else(|| panic!("{} was never started", self.spec.name));
        let status = child.try_wait().expect("a child can be waited for")?;
        guardian::release(child.id());
        *slot = None;
        Some(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Spec {
    fn log_path(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }

    fn spawn(&self) -> Child {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log file can be written");
        self.command()
            .stdout(log.try_clone().expect("a file handle can be copied"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}; run `make deps`", self.program.display()))
    }

    /// The command in its own process group, without settings that the caller's environment happens to have and
    /// without what cargo tells a test: a person's shell has none of it, and a nested build would take it for a change.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.dir).stdin(Stdio::null()).process_group(0);
        for (name, _) in std::env::vars_os() {
            if is_of_the_test(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Spec {
    /// Runs it to its end with a text as standard input.
    pub fn fed(&self, input: &str) -> Output {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        // A program that reads nothing may be gone already.
        child.stdin.take().expect("its input is a pipe").write_all(input.as_bytes()).ok();
        child.wait_with_output().expect("a child can be waited for")
    }
}

fn is_of_the_test(name: &str) -> bool {
    let lasting = ["CARGO_HOME", "CARGO_TARGET_DIR"].contains(&name);
    name.starts_with("ROOKERY_") || (name.starts_with("CARGO_") && !lasting)
}

/// Runs a program to its end and returns what it printed; panics if it fails.
pub fn run(program: &Path, args: &[&str], dir: &Path) -> String {
    run_with(program, args, Vec::new(), dir)
}

/// The same with settings in its environment.
pub fn run_with(program: &Path, args: &[&str], env: Vec<(String, String)>, dir: &Path) -> String {
    let spec = Spec {
        name: program.display().to_string(),
        program: program.to_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env,
        dir: dir.to_owned(),
    };
    let output = spec.fed("");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {args:?}: {}\n{text}{errors}", spec.name, output.status);
    text
}

/// Whether it ended by itself with code 0, not by a signal.
pub fn is_clean(status: ExitStatus) -> bool {
    status.success() && status.signal().is_none()
}

/// One shell for all signals: it has `kill` built in, where a small machine has no program of that name, and a process that
/// is stopped and let go on twenty times a second must not cost forty others.
const SIGNALLER: &str =
    r#"trap '' INT TERM HUP; while read -r name pid; do kill -s "$name" -- "-$pid" 2>/dev/null; echo; done"#;

static SHELL: OnceLock<Mutex<Signaller>> = OnceLock::new();

struct Signaller {
    shell: Child,
    lines: ChildStdin,
    answers: ChildStdout,
}

impl Signaller {
    fn start() -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", SIGNALLER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh starts");
        let lines = shell.stdin.take().expect("its input is a pipe");
        let answers = shell.stdout.take().expect("its output is a pipe");
        Self { shell, lines, answers }
    }

    /// Returns when the signal was sent. A group that is gone already is what KILL and TERM want anyway.
    fn send(&mut self, pid: u32, name: &str) {
        self.lines
            .write_all(format!("{name} {pid}\n").as_bytes())
            .expect("the shell reads its pipe");
        let answer = self.answers.read_exact(&mut [0]);
        answer.unwrap_or_else(|error| panic!("the shell {} for signals has ended: {error}", self.shell.id()));
    }
}

fn signal_group(pid: u32, name: &str) {
    SHELL.get_or_init(|| Mutex::new(Signaller::start())).lock().send(pid, name);
}
