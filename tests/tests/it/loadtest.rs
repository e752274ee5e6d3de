//! The load tests measure a real cluster behind HAProxy, and a run that measured nothing does not pass.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use rookery_tests::{dirs, ports, tools};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

/// The scenario itself ends after less than half of this, also where nobody answers.
const RUN_MAX: Duration = Duration::from_mins(5);

/// `make loadtest` as people call it, with some more variables.
async fn smoke(out: &Path, variables: &[(&str, &str)]) -> Output {
    let run = Command::new("make")
        .args(["loadtest", "SCENARIO=smoke"])
        .current_dir(tools::repository())
        .env("OUT", out)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    timeout(RUN_MAX, run).await.expect("the load test ends").expect("make runs")
}

fn count(out: &Path, metric: &str) -> u64 {
    let text = std::fs::read_to_string(out.join("summary.json")).expect("a run leaves a summary");
    let summary: Value = serde_json::from_str(&text).expect("the summary is JSON");
    summary["metrics"][metric]["values"]["count"]
        .as_u64()
        .unwrap_or_else(|| panic!("{metric} was not measured"))
}

#[tokio::test]
async fn smoke_measures_a_cluster_behind_haproxy() {
    let out = dirs::fresh("loadtest");
    let run = smoke(&out, &[("DURATION", "10"), ("ROOMS", "2"), ("USERS", "20")]).await;
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {said}", run.status);
    assert_eq!(count(&out, "messages_acked"), count(&out, "messages_sent"));
    assert_eq!(
        count(&out, "acked_verified"),
        count(&out, "messages_acked"),
        "history has everything that was acked"
    );
    assert!(count(&out, "messages_delivered") > count(&out, "messages_sent"), "others heard it, too");
    for file in ["summary.md", "summary.html"] {
        let text = std::fs::read_to_string(out.join(file)).expect("it is written");
        assert!(text.contains("Passed.") && text.contains("acked_missing"), "{text}");
    }
}

#[tokio::test]
async fn where_nobody_answers_nothing_is_measured_and_that_is_no_success() {
    let (out, nobody) = (dirs::fresh("loadtest"), format!("http://127.0.0.1:{}", ports::free()));
    let credentials = dirs::fresh("seeded").join("credentials.json");
    let seeded = json!({"rooms": ["a"], "tokens": ["a.b.c"]});
    std::fs::write(&credentials, seeded.to_string()).expect("a file can be written");
    let credentials = credentials.to_str().expect("a name of UTF-8");
    let run = smoke(&out, &[("DURATION", "1"), ("BASE", &nobody), ("CREDENTIALS", credentials)]).await;
    assert!(!run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(count(&out, "messages_acked"), 0);
}
