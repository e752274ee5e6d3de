//! `docs/metrics.md` and what real processes show are the same, and Prometheus' own check has nothing to say.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use rookery_tests::deployment::Deployment;
use rookery_tests::metrics::{Metric, page, read, scrape};
use rookery_tests::node::Node;
use rookery_tests::shared;
use rookery_tests::ws::Socket;

use crate::talk::exchange;

/// Which sections of the page a program has.
const GATEWAY: &[&str] = &["Every process", "Gateways", "Redis, as gateways and apis see it"];
const API: &[&str] = &["Every process", "Apis", "Redis, as gateways and apis see it", "MongoDB, as apis see it"];
const STANDALONE: &[&str] = &["Every process", "The one process", "Gateways", "Apis"];

async fn busy(deployment: &Deployment) {
    let user = deployment.rest().new_user("watched").await;
    let [left, right] = deployment.sockets();
    let mut here = Socket::login(&left, "/ws/general", &user.token).await;
    let mut there = Socket::login(&right, "/ws/general", &user.token).await;
    here.live().await;
    there.live().await;
    exchange(&mut here, &mut there, "general").await;
}

fn of_sections(names: &[&str]) -> BTreeMap<String, Metric> {
    let page = page();
    let section = |name: &&str| page.get(*name).unwrap_or_else(|| panic!("the page has no section {name}")).clone();
    names.iter().flat_map(section).collect()
}

async fn assert_as_on_the_page(node: &Node, sections: &[&str]) {
    let (shown, told) = (read(&scrape(node).await), of_sections(sections));
    for (name, metric) in &shown {
        let Some(known) = told.get(name) else { panic!("{name} is not on the page for {sections:?}") };
        assert_eq!(metric.kind, known.kind, "{name}");
        assert!(metric.labels.is_subset(&known.labels), "{name} has {:?}, not {:?}", metric.labels, known.labels);
        // Those of the library have its own sentences.
        if name.starts_with("rookery_") {
            assert_eq!(metric.help, known.help, "{name}");
        }
    }
    for (name, metric) in &told {
        let by_label = !metric.labels.is_empty();
        assert!(by_label || shown.contains_key(name), "{name} is on the page and not shown by {}", node.public_url());
    }
}

#[tokio::test]
async fn the_page_of_metrics_tells_what_real_processes_show() {
    let [cluster, standalone] = shared::both().await;
    busy(cluster).await;
    busy(standalone).await;
    let Deployment::Cluster(parts) = cluster else { unreachable!("the shared cluster is one") };
    assert_as_on_the_page(&parts.gateways[0], GATEWAY).await;
    assert_as_on_the_page(&parts.api, API).await;
    assert_as_on_the_page(standalone.api(), STANDALONE).await;
}

#[tokio::test]
async fn the_check_of_prometheus_finds_nothing() {
    let [cluster, standalone] = shared::both().await;
    busy(cluster).await;
    busy(standalone).await;
    for node in cluster.nodes().into_iter().chain(standalone.nodes()) {
        let text = scrape(node).await;
        let mut check = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool is installed by `make deps`");
        check.stdin.take().expect("piped").write_all(text.as_bytes()).expect("promtool reads");
        let output = check.wait_with_output().expect("promtool ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.trim().is_empty(), "{}: {said}", node.public_url());
    }
}
