//! What images and operators ask programs: `health` of a running server, `--version`, and the metric of the build.

use std::process::Output;

use rookery_tests::certificates::Certificates;
use rookery_tests::cluster::Cluster;
use rookery_tests::node::Node;
use rookery_tests::process::{Process, Spec};
use rookery_tests::rest::Rest;
use rookery_tests::standalone::Standalone;
use rookery_tests::{dirs, ports, shared, tools};

const PROGRAMS: [&str; 3] = ["rookery", "rookery-gateway", "rookery-api"];

fn health(node: &Node) -> (Option<i32>, String) {
    told(&node.process.command(&["health"]).fed(""))
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn spec(program: &str, args: &[&str], env: &[(&str, String)]) -> Spec {
    Spec {
        name: program.to_owned(),
        program: tools::binary(program),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: env.iter().map(|(name, value)| (format!("ROOKERY_{name}"), value.clone())).collect(),
        dir: dirs::fresh("health"),
    }
}

#[tokio::test]
async fn a_server_that_is_ready_is_healthy() {
    for deployment in shared::both().await {
        for node in deployment.nodes() {
            assert_eq!(health(node), (Some(0), String::new()));
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_ready_says_why() {
    let server = Standalone::prepare();
    let (code, why) = health(&server.node);
    assert!(code == Some(1) && why.contains("no connection") && why.contains("refused"), "{code:?} {why}");
    // Without Redis and the api a gateway lives and is not ready.
    let cluster = Cluster::prepare(rookery_tests::mongo::Mongo::shared().await);
    let gateway = &cluster.gateways[0];
    gateway.process.start();
    gateway.until_internal("/live", 200).await;
    let (code, why) = health(gateway);
    assert!(code == Some(1) && why.contains("no public keys from the api yet"), "{code:?} {why}");
    // Something else listens there.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let (code, why) = told(&spec("rookery-gateway", &["health", "--internal-listen", &address], &[]).fed(""));
    assert!(code == Some(1) && why.contains("no answer within 5000 ms"), "{code:?} {why}");
}

#[test]
fn health_needs_no_other_setting_and_fails_with_1() {
    for program in PROGRAMS {
        let nobody = format!("127.0.0.1:{}", ports::free());
        let (code, why) = told(&spec(program, &["health"], &[("INTERNAL_LISTEN", nobody)]).fed(""));
        assert!(code == Some(1) && why.contains("no connection"), "{program}: {code:?} {why}");
        let (code, why) = told(&spec(program, &["health"], &[("INTERNAL_LISTEN", "nonsense".to_owned())]).fed(""));
        assert!(code == Some(1) && why.contains("must be a host and a port"), "{program}: {code:?} {why}");
        let (code, why) = told(&spec(program, &["health", "--listen", "127.0.0.1:0"], &[]).fed(""));
        assert!(code == Some(1) && why.contains("any port"), "{program}: {code:?} {why}");
    }
}

/// As in a container: it listens on all addresses.
#[tokio::test]
async fn what_listens_everywhere_is_asked_on_loopback() {
    for host in ["0.0.0.0", "[::]"] {
        let data = dirs::fresh("health").join("data").display().to_string();
        let internal = format!("{host}:{}", ports::free());
        let env = [("LISTEN", format!("{host}:{}", ports::free())), ("INTERNAL_LISTEN", internal), ("DATA_DIR", data)];
        let server = Process::prepare(spec("rookery", &[], &env));
        server.start();
        server
            .until("is healthy", async || server.command(&["health"]).fed("").status.success())
            .await;
    }
}

#[tokio::test]
async fn an_api_with_tls_is_asked_with_tls() {
    let certificates = Certificates::make();
    let (cert, key, ca) =
        (certificates.path("server.pem"), certificates.path("server.key"), certificates.path("ca.pem"));
    // With an authority for gateways, too: whoever asks how it is needs no certificate.
    let settings = [("internal_cert", cert.as_str()), ("internal_cert_key", &key), ("internal_client_ca", &ca)];
    let cluster = Cluster::prepare_apis_with(&settings).await;
    cluster.redis.start().await;
    cluster.api.process.start();
    let healthy = async || health(&cluster.api).0 == Some(0);
    cluster.api.process.until("is healthy", healthy).await;
    cluster.api.process.kill();
    let (code, why) = health(&cluster.api);
    assert!(code == Some(1) && why.contains("no connection"), "{code:?} {why}");
}

#[test]
fn every_program_says_its_version_and_commit() {
    for program in PROGRAMS {
        let output = spec(program, &["--version"], &[]).fed("");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rest = text.trim_end().strip_prefix(&format!("{program} ")).expect("its name comes first");
        let (version, commit) = rest.split_once(' ').expect("version and commit");
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
        let commit = commit.strip_prefix('(').and_then(|commit| commit.strip_suffix(')'));
        assert!(commit.is_some_and(|commit| !commit.is_empty()), "{text}");
    }
}

#[tokio::test]
async fn every_process_shows_its_build_once() {
    for deployment in shared::both().await {
        for node in deployment.nodes() {
            let metrics = Rest::new(node.internal_url()).get("/metrics", None).await.expect(200).text;
            let version = format!("version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
            let lines: Vec<&str> = metrics.lines().filter(|line| line.starts_with("rookery_build_info{")).collect();
            assert!(matches!(&lines[..], [line] if line.contains(&version) && line.contains("commit=\"")), "{lines:?}");
        }
    }
}
