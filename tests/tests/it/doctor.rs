//! `doctor` finds what is wrong with real deployments: Redis without a file or with another policy, proxies that say
//! nothing, keys that others may read, origins that are not named.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use rookery_tests::cluster::Cluster;
use rookery_tests::front::{Front, Make, Servers};
use rookery_tests::ports;
use rookery_tests::process::Spec;
use rookery_tests::redis::{self, Redis};
use rookery_tests::rest::Rest;
use rookery_tests::standalone::Standalone;
use serde_json::Value;

/// What it found, by check; a check that was made twice has its worst outcome.
struct Found {
    severities: BTreeMap<String, String>,
    text: String,
    code: Option<i32>,
}

impl Found {
    fn by(spec: &Spec) -> Self {
        let output = spec.fed("");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}"));
        let mut severities = BTreeMap::<String, String>::new();
        for finding in report["findings"].as_array().expect("findings") {
            let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            assert!(word("found").ends_with('.'), "a sentence: {finding}");
            assert_eq!(word("severity") == "ok", finding.get("advice").is_none(), "what to do: {finding}");
            let known = severities.entry(word("check")).or_insert_with(|| "ok".to_owned());
            if known != "error" && word("severity") != "ok" {
                *known = word("severity");
            }
        }
        Self { severities, text, code: output.status.code() }
    }

    fn of(&self, check: &str) -> &str {
        self.severities.get(check).unwrap_or_else(|| panic!("no finding {check}: {}", self.text))
    }

    fn assert(&self, wanted: &[(&str, &str)]) {
        for (check, severity) in wanted {
            assert_eq!(self.of(check), *severity, "{check}: {}", self.text);
        }
        let has_errors = self.severities.values().any(|severity| severity == "error");
        assert_eq!(self.code, Some(i32::from(has_errors)), "{}", self.text);
    }
}

fn of_cluster(cluster: &Cluster) -> Found {
    Found::by(&cluster.api.process.command(&["doctor", "--json"]))
}

fn of_standalone(server: &Standalone) -> Found {
    Found::by(&server.node.process.command(&["doctor", "--json"]))
}

#[tokio::test]
async fn a_cluster_is_examined_and_what_is_wrong_with_redis_is_told() {
    let cluster = Cluster::start().await;
    // An api by itself has no sockets.
    let as_it_is = [
        ("signing_keys", "ok"),
        ("key_permissions", "ok"),
        ("redis_clock", "ok"),
        ("redis_version", "ok"),
        ("redis_policy", "ok"),
        ("redis_persistence", "ok"),
        ("redis_replication", "ok"),
        ("mongo_clock", "ok"),
        ("mongo_version", "ok"),
        ("mongo_replica_set", "ok"),
        ("mongo_indexes", "ok"),
        ("clock_api", "ok"),
        ("public_address", "ok"),
        ("client_address", "ok"),
        ("websocket", "error"),
    ];
    of_cluster(&cluster).assert(&as_it_is);
    let mut elsewhere = cluster.api.process.command(&["doctor", "--json"]);
    elsewhere
        .env
        .push(("ROOKERY_MONGO_DATABASE".to_owned(), "nobody_has_this_database".to_owned()));
    Found::by(&elsewhere).assert(&[("mongo_indexes", "error"), ("mongo_version", "ok")]);
    for command in [["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"], ["CONFIG", "SET", "appendonly", "no"]] {
        assert!(
            redis::ask(cluster.redis.port(), &command)
                .await
                .is_some_and(|answer| answer.starts_with("+OK"))
        );
    }
    let found = of_cluster(&cluster);
    found.assert(&[("redis_policy", "error"), ("redis_persistence", "error"), ("redis_clock", "ok")]);
    assert!(
        found.text.contains("allkeys-lru") && found.text.contains("CONFIG SET appendonly yes"),
        "{}",
        found.text
    );

    // For people, in the same order, with what to do below.
    let output = cluster.api.process.command(&["doctor"]).fed("");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        !output.status.success() && text.contains("ERROR    redis_policy") && text.contains("→ CONFIG SET"),
        "{text}"
    );
    assert!(text.contains(" errors, ") && !text.contains("internal-secret-of-the-tests"), "{text}");
}

#[tokio::test]
async fn a_redis_that_forgets_what_its_replica_lacks_is_told() {
    let cluster = Cluster::start().await;
    let port = cluster.redis.port().to_string();
    let replica = Redis::prepare_with(&["--replicaof", "127.0.0.1", &port]);
    replica.start().await;
    cluster.redis.replicated().await;
    of_cluster(&cluster).assert(&[("redis_replication", "warning")]);
    let command = ["CONFIG", "SET", "min-replicas-to-write", "1"];
    assert!(
        redis::ask(cluster.redis.port(), &command)
            .await
            .is_some_and(|answer| answer.starts_with("+OK"))
    );
    of_cluster(&cluster).assert(&[("redis_replication", "ok")]);
    let elsewhere = [("ROOKERY_REDIS_URL".to_owned(), replica.url())];
    let mut spec = cluster.api.process.command(&["doctor", "--json"]);
    spec.env.extend(elsewhere);
    Found::by(&spec).assert(&[("redis_replication", "error")]);
}

#[tokio::test]
async fn parts_that_are_away_are_errors_and_no_crash() {
    let cluster = Cluster::start().await;
    let mut spec = cluster.api.process.command(&["doctor", "--json"]);
    let nowhere = format!("127.0.0.1:{}", ports::free());
    spec.env.push(("ROOKERY_REDIS_URL".to_owned(), format!("redis://{nowhere}")));
    spec.env
        .push(("ROOKERY_MONGO_URL".to_owned(), format!("mongodb://{nowhere}/?directConnection=true")));
    spec.env.push(("ROOKERY_PUBLIC_URL".to_owned(), format!("http://{nowhere}")));
    Found::by(&spec).assert(&[("redis", "error"), ("mongo", "error"), ("public_address", "error")]);
}

#[tokio::test]
async fn one_process_is_well_and_its_keys_are_for_it_alone() {
    let server = Standalone::start().await;
    let all_ok = of_standalone(&server);
    all_ok.assert(&[
        ("signing_keys", "ok"),
        ("key_permissions", "ok"),
        ("open_files", "ok"),
        ("public_address", "ok"),
        ("client_address", "ok"),
        ("websocket", "ok"),
        ("origins", "ok"),
    ]);
    let key = server.data_dir.join("keys/first.pem");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    of_standalone(&server).assert(&[("key_permissions", "error")]);
    fs::set_permissions(&key, Permissions::from_mode(0o440)).unwrap();
    of_standalone(&server).assert(&[("key_permissions", "warning")]);
    fs::rename(&key, server.data_dir.join("keys/first.bak")).unwrap();
    of_standalone(&server).assert(&[("signing_keys", "error")]);
}

#[tokio::test]
async fn who_lets_clients_choose_their_address_is_told() {
    let server = Standalone::prepare_with(&[("limits", "off"), ("trusted_proxies", "0.0.0.0/0")]);
    server.node.start().await;
    let rest = Rest::new(server.node.public_url());
    assert_eq!(rest.get("/api/v1/server", None).await.expect(200).json()["your_address"], "127.0.0.1");
    let forged = Rest::forwarded(server.node.public_url(), "203.0.113.9");
    assert_eq!(forged.get("/api/v1/server", None).await.expect(200).json()["your_address"], "203.0.113.9");
    of_standalone(&server).assert(&[("client_address", "error"), ("websocket", "ok")]);
}

/// HAProxy and nginx in front, with right and wrong settings of the server behind them.
#[tokio::test]
async fn a_proxy_that_nobody_trusts_is_told_and_so_is_an_address_that_nobody_named() {
    for trusted in ["127.0.0.1", ""] {
        let server = Standalone::prepare_with(&[("limits", "off"), ("trusted_proxies", trusted)]);
        server.node.start().await;
        for make in [Make::Haproxy, Make::Nginx] {
            let front = Front::start(make, Servers::one(&server.node)).await;
            let mut spec = server.node.process.command(&["doctor", "--json"]);
            spec.env.push(("ROOKERY_PUBLIC_URL".to_owned(), format!("http://{}", front.address())));
            let client_address = if trusted.is_empty() { "error" } else { "ok" };
            Found::by(&spec).assert(&[("public_address", "ok"), ("client_address", client_address), ("origins", "ok")]);
        }
    }
}

#[tokio::test]
async fn pages_of_a_name_that_only_the_doctor_knows_are_refused() {
    let server = Standalone::start().await;
    let mut spec = server.node.process.command(&["doctor", "--json"]);
    // Another loopback name than that of the page's own request.
    let public = format!("http://localhost:{}", server.node.public_port());
    spec.env.push(("ROOKERY_PUBLIC_URL".to_owned(), public));
    Found::by(&spec).assert(&[("public_address", "ok"), ("public_url", "ok"), ("websocket", "ok")]);
    let other = Standalone::start().await;
    let mut spec = server.node.process.command(&["doctor", "--json"]);
    spec.env.push(("ROOKERY_PUBLIC_URL".to_owned(), other.node.public_url()));
    let found = Found::by(&spec);
    found.assert(&[("public_address", "error")]);
    assert!(found.text.contains("another deployment"), "{}", found.text);
}
