//! The README as a beginner follows it: its commands and its program are run as they stand there, only the port is
//! another one.

use rookery_tests::foreign::node_dir;
use rookery_tests::process::{Process, Spec};
use rookery_tests::readme::{self, Block};
use rookery_tests::{dirs, ports, tools};

#[tokio::test]
async fn the_program_of_the_readme_prints_what_it_says() {
    let port = ports::free().to_string();
    let readme = readme::file("README.md").replace("8080", &port);
    let blocks = readme::blocks(&readme);
    let _server = make_run(&blocks, &port).await;
    let program = blocks.iter().find(|block| block.language == "js").expect("the README has the program");
    assert!(program.text.contains("/ws/chat/general?token="), "it connects as the protocol's page says");
    assert!(program.text.contains(r#""hi""#), "it says hi");

    let dir = node_dir("beginner");
    std::fs::write(dir.join("hello.mjs"), &program.text).unwrap();
    let shell = Process::prepare(Spec {
        name: "beginner".into(),
        program: "bash".into(),
        args: vec!["-euc".into(), commands(&blocks)],
        env: Vec::new(),
        dir,
    });
    shell.start();
    shell
        .until("prints its own message", async || {
            shell
                .log()
                .lines()
                .any(|line| line.contains("new_message") && line.contains(r#""content":"hi""#))
        })
        .await;
}

/// The first command of the README, on another port and with a data folder of its own.
async fn make_run(blocks: &[Block], port: &str) -> Process {
    let first = blocks.iter().find(|block| block.language == "sh").expect("the README has commands");
    assert!(first.text.starts_with("make run "), "{}", first.text);
    let dir = dirs::fresh("make-run");
    let internal = format!("127.0.0.1:{}", ports::free());
    let settings = [
        ("PORT", port.to_owned()),
        ("ROOKERY_DATA_DIR", dir.join("data").display().to_string()),
        ("ROOKERY_INTERNAL_LISTEN", internal.clone()),
    ];
    let server = Process::prepare(Spec {
        name: "make-run".into(),
        program: "make".into(),
        args: vec!["-C".into(), tools::repository().display().to_string(), "run".into()],
        env: settings.map(|(name, value)| (name.to_owned(), value)).into(),
        dir,
    });
    server.start();
    let address = format!("http://127.0.0.1:{port}/");
    server.until("prints its address", async || server.log().contains(&address)).await;
    let ready = format!("http://{internal}/ready");
    server
        .until("is ready", async || reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200))
        .await;
    server
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

/// The shell blocks from the login up to the start of the program.
fn commands(blocks: &[Block]) -> String {
    let shell: Vec<&Block> = blocks.iter().filter(|block| block.language == "sh").collect();
    let login = shell
        .iter()
        .position(|block| block.text.contains("auth/login"))
        .expect("the README logs in");
    let run = shell
        .iter()
        .position(|block| block.text.contains("node hello.mjs"))
        .expect("it runs the program");
    assert!(login <= run, "the login comes first");
    shell[login..=run].iter().map(|block| block.text.as_str()).collect()
}
