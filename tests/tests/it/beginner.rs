//! The README as a beginner follows it: its commands and its program are run as they stand there, only the port is
//! another one.

use std::path::{Path, PathBuf};

use rookery_tests::foreign::node_dir;
use rookery_tests::process::{Process, Spec};
use rookery_tests::readme::{self, Block};
use rookery_tests::rest::Rest;
use rookery_tests::{dirs, ports, tools, wait};

/// What the two ways of a browser, script and module, print each.
const HI: &str = r#""content":"hi""#;

#[tokio::test]
async fn the_programs_of_the_readme_do_what_it_says() {
    let port = ports::free().to_string();
    let readme = readme::file("README.md").replace("8080", &port);
    let blocks = readme::blocks(&readme);
    let _server = make_run(&blocks, &port, &dirs::fresh("make-run")).await;
    let program = blocks.iter().find(|block| block.language == "js").expect("the README has the program");
    assert!(program.text.contains("/ws/chat/general?token="), "it connects as the protocol's page says");
    assert!(readme.contains("until Ctrl-C"), "it says that the program does not end by itself");

    let dir = node_dir("beginner");
    std::fs::write(dir.join("hello.mjs"), &program.text).unwrap();
    let node = shell(&command(&blocks, "node hello.mjs"), dir);
    node.until("prints its own message", async || said(&node, "new_message") >= 1).await;
    node.until("prints the ack", async || node.log().contains(r#""type":"ack""#)).await;
    let me = shell(&command(&blocks, "auth/login"), dirs::fresh("beginner"));
    assert!(me.ended().await.success(), "{}", me.log_tail());
    assert!(me.log().contains(r#""username":"testuser""#), "{}", me.log_tail());

    // The page's console has no `process` and no packages.
    let dir = node_dir("beginner");
    std::fs::write(dir.join("hello.mjs"), &program.text).unwrap();
    std::fs::copy(tools::client("console.mjs"), dir.join("console.mjs")).unwrap();
    let browser = shell("node --experimental-vm-modules console.mjs hello.mjs", dir);
    browser
        .until("prints the messages of a script and of a module", async || said(&browser, "ack") >= 2)
        .await;
    assert!(said(&browser, "new_message") >= 2, "{}", browser.log_tail());
}

#[tokio::test]
async fn two_servers_of_make_run_stand_side_by_side() {
    let blocks = readme::blocks(&readme::file("README.md"));
    let data = dirs::fresh("make-run");
    let first = ports::free();
    // Somebody else has the port that would follow.
    let follower = std::net::TcpListener::bind(("127.0.0.1", first + 1_000));
    let second = ports::free();
    let _first = make_run(&blocks, &first.to_string(), &data).await;
    let _second = make_run(&blocks, &second.to_string(), &data).await;
    drop(follower);
    for port in [first, second] {
        assert!(data.join(format!("standalone-{port}/rookery.db")).exists(), "{port} has data of its own");
    }
    let taken = make("run", &first.to_string(), &data);
    assert!(!taken.ended().await.success(), "the port is taken");
    assert!(taken.log().contains(&format!("port {first} already")), "{}", taken.log_tail());
    assert!(taken.log().contains("make run PORT="), "{}", taken.log_tail());
}

#[tokio::test]
async fn the_cluster_of_make_cluster_lets_the_demo_users_in_and_is_administered_by_one_command() {
    let (port, data) = (ports::free().to_string(), dirs::fresh("make-cluster"));
    let cluster = make("cluster", &port, &data);
    cluster.until("is ready", async || cluster.log().contains("scripts/admin")).await;
    let rest = Rest::new(format!("http://127.0.0.1:{port}"));
    let login = async |name: &str, password: &str| {
        let body = serde_json::json!({"login": name, "password": password});
        rest.post("/api/v1/auth/login", None, &body).await.status
    };
    for (name, password) in [("testuser", "testpass123"), ("alice", "alicepass123")] {
        wait::until("the demo users are there", async || login(name, password).await == 200).await;
    }
    // No address and no secret of the cluster is needed.
    let admin = |arguments: &str| {
        let repository = tools::repository().display().to_string();
        let command = format!("cd '{repository}' && PORT={port} DATA='{}' scripts/admin {arguments}", data.display());
        shell(&command, dirs::fresh("admin"))
    };
    let disabled = admin("user disable alice");
    assert!(disabled.ended().await.success(), "{}", disabled.log_tail());
    assert_eq!(login("alice", "alicepass123").await, 403);
    let enabled = admin("user enable alice");
    assert!(enabled.ended().await.success(), "{}", enabled.log_tail());
    assert_eq!(login("alice", "alicepass123").await, 200);
    let listed = admin("");
    assert!(listed.ended().await.success() && listed.log().contains("restore"), "{}", listed.log_tail());
    let file = dirs::fresh("backup").join("cluster.backup").display().to_string();
    let copied = admin(&format!("backup {file}"));
    assert!(copied.ended().await.success(), "{}", copied.log_tail());
    let refused = admin(&format!("restore {file} --replace"));
    assert!(!refused.ended().await.success() && refused.log().contains("stop all"), "{}", refused.log_tail());
    // What Ctrl-C does.
    cluster.signal("INT");
    let _ended = cluster.ended().await;
    let front = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await;
    assert!(front.is_err(), "nothing of it is left");
    let restored = admin(&format!("--cluster restore {file} --replace"));
    assert!(restored.ended().await.success() && restored.log().contains("are back"), "{}", restored.log_tail());
    cluster.start();
    wait::until("the cluster is there again", async || {
        rest.try_get("/api/v1/rooms", None)
            .await
            .is_ok_and(|answer| answer.status == 200 || answer.status == 401)
    })
    .await;
    wait::until("its users are there", async || login("alice", "alicepass123").await == 200).await;
    cluster.signal("INT");
    let _ended = cluster.ended().await;
}

/// Writing a file as it is is enough for that, and gives cargo nothing to build.
#[tokio::test]
async fn s4_17_make_watch_starts_again_when_a_source_changes_and_shows_the_page_as_it_is() {
    let (port, data) = (ports::free().to_string(), dirs::fresh("make-watch"));
    let watch = make("watch", &port, &data);
    let address = format!("http://127.0.0.1:{port}/");
    let starts = async || watch.log().matches(&address).count();
    watch.until("serves", async || starts().await == 1).await;
    drop(
        std::fs::File::options()
            .append(true)
            .open(tools::repository().join("Cargo.lock"))
            .unwrap(),
    );
    watch.until("serves again", async || starts().await == 2).await;
    let icon = Restored::keep(tools::repository().join("web/static/assets/lock.svg"));
    let changed = format!("{}<!-- {port} -->\n", icon.text);
    std::fs::write(&icon.path, &changed).unwrap();
    let shown = reqwest::get(format!("{address}assets/lock.svg")).await.unwrap().text().await.unwrap();
    assert_eq!(shown, changed);
    drop(icon);
    assert_eq!(starts().await, 2, "the page needs no new start");
    // What Ctrl-C does.
    watch.signal("INT");
    let _ended = watch.ended().await;
    let served = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await;
    assert!(served.is_err(), "nothing of it is left");
}

/// A file of the sources that is as it was afterwards, however the test ends.
struct Restored {
    path: PathBuf,
    text: String,
}

impl Restored {
    fn keep(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap();
        Self { path, text }
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        std::fs::write(&self.path, &self.text).unwrap();
    }
}

fn said(process: &Process, kind: &str) -> usize {
    let kind = format!(r#""type":"{kind}""#);
    let log = process.log();
    let of_kind = log.lines().filter(|line| line.contains(&kind));
    of_kind.filter(|line| kind.contains("ack") || line.contains(HI)).count()
}

/// The first command of the README, on another port and with its data elsewhere; runs when its health is good.
async fn make_run(blocks: &[Block], port: &str, data: &Path) -> Process {
    let first = blocks.iter().find(|block| block.language == "sh").expect("the README has commands");
    assert!(first.text.starts_with("make run "), "{}", first.text);
    let server = make("run", port, data);
    let address = format!("http://127.0.0.1:{port}/");
    server.until("prints its address", async || server.log().contains(&address)).await;
    let log = server.log();
    let internal = log.split("metrics on ").nth(1).and_then(|rest| rest.split(')').next());
    let ready = format!("{}ready", internal.expect("it tells where its health is"));
    server
        .until("is ready", async || reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200))
        .await;
    server
}

fn make(target: &str, port: &str, data: &Path) -> Process {
    let settings = [("PORT", port.to_owned()), ("DATA", data.display().to_string())];
    let process = Process::prepare(Spec {
        name: format!("make-{target}-{port}"),
        program: "make".into(),
        args: vec!["-C".into(), tools::repository().display().to_string(), target.to_owned()],
        env: settings.map(|(name, value)| (name.to_owned(), value)).into(),
        dir: dirs::fresh("make"),
    });
    process.start();
    process
}

fn shell(commands: &str, dir: PathBuf) -> Process {
    let process = Process::prepare(Spec {
        name: "beginner".into(),
        program: "bash".into(),
        args: vec!["-euc".into(), commands.to_owned()],
        env: Vec::new(),
        dir,
    });
    process.start();
    process
}

#[test]
fn every_make_target_of_the_readme_exists() {
    let makefile = readme::file("Makefile");
    let targets = readme::make_targets(&readme::file("README.md"));
    for needed in ["run", "test"] {
        assert!(targets.contains(needed), "the README names `make {needed}`");
    }
    for target in targets {
        let rule = format!("{target}:");
        assert!(makefile.lines().any(|line| line.starts_with(&rule)), "the Makefile has no `{target}`");
    }
}

/// The shell block that says this.
fn command(blocks: &[Block], part: &str) -> String {
    let mut shell = blocks.iter().filter(|block| block.language == "sh");
    let block = shell.find(|block| block.text.contains(part));
    block.unwrap_or_else(|| panic!("the README does not say {part}")).text.clone()
}
