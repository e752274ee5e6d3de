//! TLS between the parts of a cluster: it carries a conversation, it refuses whom nobody knows, says why and tries again.

use std::process::Command;

use rookery_runtime::limits::WARNING_INTERVAL;
use rookery_tests::certificates::Certificates;
use rookery_tests::node::Node;
use rookery_tests::process::{self, Process, Spec};
use rookery_tests::rest::Rest;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::Socket;
use rookery_tests::{dirs, ports, tools};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const SECRET: &str = "internal-secret-of-the-test";
/// What our programs say of a certificate whose authority they do not know.
const UNKNOWN: &str = "UnknownIssuer";

type Setting = (&'static str, String);
type Settings = Vec<Setting>;

/// A cluster of one gateway whose every inner connection is TLS with a certificate on both ends, as far as both can. Servers
/// show the certificates `redis`, `mongo` and `api`.
struct Secure {
    certificates: Certificates,
    redis: Process,
    mongo: Process,
    api: Node,
    gateway: Node,
    ports: Ports,
}

#[derive(Clone, Copy)]
struct Ports {
    redis: u16,
    mongo: u16,
    internal: u16,
}

impl Secure {
    /// Servers show what `shown` is the certificate of; nothing runs yet.
    fn prepare(shown: &str) -> Self {
        let certificates = Certificates::make();
        for server in ["redis", "mongo", "api"] {
            certificates.copy(shown, server);
        }
        let ports = Ports { redis: ports::free(), mongo: ports::free(), internal: ports::free() };
        let path = |file: &str| certificates.path(file);
        let redis = format!(
            "--port 0 --bind 127.0.0.1 --tls-port {} --tls-cert-file {} --tls-key-file {} --tls-ca-cert-file {} \
             --tls-auth-clients yes",
            ports.redis,
            path("redis.pem"),
            path("redis.key"),
            path("ca.pem")
        );
        let mongo = format!(
            "--port {} --storage-path data --tls-cert-file {} --tls-key-file {}",
            ports.mongo,
            path("mongo.pem"),
            path("mongo.key")
        );
        Self {
            redis: server("redis-server", "redis-server".into(), &redis),
            mongo: server("mongo", tools::python("secantusd-py"), &mongo),
            api: api(&of_api(&certificates, ports)),
            gateway: gateway(&certified(&certificates, ports)),
            certificates,
            ports,
        }
    }

    async fn start_servers(&self) {
        listening(&self.redis, self.ports.redis).await;
        listening(&self.mongo, self.ports.mongo).await;
    }

    /// The status that the api's internal listener answers to somebody who knows the secret; 0 where there is no TLS.
    fn status(&self, who: Option<&str>, more: &[&str], path: &str) -> u16 {
        let (status, _) = self.call(who, more, path);
        status
    }

    fn call(&self, who: Option<&str>, more: &[&str], path: &str) -> (u16, String) {
        let mut curl = Command::new("curl");
        curl.args([
            "-s",
            "-w",
            "\n%{http_code}",
            "--cacert",
            "ca.pem",
            "-H",
            &format!("Authorization: Bearer {SECRET}"),
        ]);
        if let Some(who) = who {
            curl.args(["--cert", &format!("{who}.pem"), "--key", &format!("{who}.key")]);
        }
        curl.args(more).arg(format!("https://127.0.0.1:{}{path}", self.ports.internal));
        let output = curl.current_dir(self.certificates.dir()).output().expect("curl runs; make deps");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').expect("the status comes last");
        (status.parse().expect("a number"), body.to_owned())
    }

    /// How often the api's listeners have refused by this limit, as its metrics count it.
    fn refused(&self, limit: &str) -> usize {
        let (_, metrics) = self.call(None, &["--insecure"], "/metrics");
        let start = format!("rookery_api_limited_total{{limit=\"{limit}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok());
        count.unwrap_or(0)
    }

    async fn converse(&self) {
        let user = Rest::new(self.api.public_url()).new_user("secure").await;
        let mut socket = Socket::login(&self.gateway.socket_url(), "/ws/general", &user.token).await;
        socket.live().await;
        crate::talk::say(&mut socket, "general", "over TLS").await;
    }
}

fn server(name: &str, program: std::path::PathBuf, args: &str) -> Process {
    let args = args.split_whitespace().map(str::to_owned).collect();
    Process::prepare(Spec { name: name.to_owned(), program, args, env: Vec::new(), dir: dirs::fresh(name) })
}

async fn listening(server: &Process, port: u16) {
    server.start();
    server
        .until("listens", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok())
        .await;
}

/// What api and gateway have in common: how they reach Redis.
fn common(certificates: &Certificates, ports: Ports) -> Settings {
    vec![
        ("redis_url", format!("rediss://127.0.0.1:{}", ports.redis)),
        ("redis_ca", certificates.path("ca.pem")),
        ("redis_client_cert", certificates.path("client.pem")),
        ("redis_client_key", certificates.path("client.key")),
        ("internal_secret", SECRET.to_owned()),
        ("limits", "off".to_owned()),
    ]
}

fn of_api(certificates: &Certificates, ports: Ports) -> Settings {
    let mut settings = common(certificates, ports);
    settings.extend([
        ("mongo_url", format!("mongodb://127.0.0.1:{}/?directConnection=true", ports.mongo)),
        ("mongo_ca", certificates.path("ca.pem")),
        ("keys_dir", "keys".to_owned()),
        ("internal_listen", format!("127.0.0.1:{}", ports.internal)),
        ("internal_cert", certificates.path("api.pem")),
        ("internal_cert_key", certificates.path("api.key")),
        ("internal_client_ca", certificates.path("ca.pem")),
    ]);
    settings
}

fn api(settings: &[Setting]) -> Node {
    let dir = dirs::fresh("api");
    process::run(&tools::binary("rookery-api"), &["keygen", "--out", "keys"], &dir);
    Node::prepare("rookery-api", dir, settings, &[])
}

/// Of a gateway without a certificate.
fn of_gateway(certificates: &Certificates, ports: Ports) -> Settings {
    let mut settings = common(certificates, ports);
    settings.extend([
        ("api_url", format!("https://127.0.0.1:{}", ports.internal)),
        ("api_ca", certificates.path("ca.pem")),
    ]);
    settings
}

fn certified(certificates: &Certificates, ports: Ports) -> Settings {
    let mut settings = of_gateway(certificates, ports);
    settings.extend([
        ("api_client_cert", certificates.path("client.pem")),
        ("api_client_key", certificates.path("client.key")),
    ]);
    settings
}

fn gateway(settings: &[Setting]) -> Node {
    Node::prepare("rookery-gateway", dirs::fresh("gateway"), settings, &[])
}

/// Warnings of a process that have all these words.
fn warnings(process: &Process, words: [&str; 2]) -> usize {
    let log = process.log();
    let told = log
        .lines()
        .filter(|line| line.contains("WARN") && words.iter().all(|word| line.contains(word)));
    told.count()
}

async fn warned(process: &Process, words: [&str; 2]) {
    process.until(&format!("warns: {words:?}"), async || warnings(process, words) > 0).await;
}

async fn serves(api: &Node) {
    let url = format!("{}/api/v1/rooms", api.public_url());
    api.process
        .until("serves", async || reqwest::get(&url).await.is_ok_and(|answer| answer.status() != 503))
        .await;
}

#[tokio::test]
async fn b07_every_inner_connection_may_be_tls_with_a_certificate_on_both_ends() {
    let secure = Secure::prepare("server");
    secure.start_servers().await;
    secure.api.process.start();
    secure.gateway.start().await;
    serves(&secure.api).await;
    secure.converse().await;
}

/// First all servers show certificates of an authority that nobody knows, then one after the other is renewed.
#[tokio::test]
async fn b07_an_unknown_authority_is_refused_told_and_tried_again_until_it_is_a_known_one() {
    let secure = Secure::prepare("stranger");
    let Secure { api, gateway, redis, mongo, .. } = &secure;
    secure.start_servers().await;
    let begin = Instant::now();
    api.process.start();
    gateway.process.start();
    for node in [api, gateway] {
        warned(&node.process, ["no connection to Redis", UNKNOWN]).await;
    }
    warned(&gateway.process, ["public keys not fetched", UNKNOWN]).await;
    warned(&api.process, ["TLS handshake failed", "UnknownCA"]).await;
    assert_eq!(gateway.internal_status("/ready").await, Some(503));
    // It goes on trying and does not say so each time.
    gateway.process.until("has tried again", async || secure.refused("tls") > 8).await;
    let told = warnings(&gateway.process, ["public keys not fetched", UNKNOWN]);
    let allowed = 1 + begin.elapsed().as_secs() / WARNING_INTERVAL.as_secs();
    assert!(told as u64 <= allowed, "{told} times\n{}", gateway.process.log_tail());

    renew(&secure, "redis", (redis, secure.ports.redis)).await;
    warned(&api.process, ["not prepared yet", UNKNOWN]).await;
    renew(&secure, "mongo", (mongo, secure.ports.mongo)).await;
    serves(api).await;
    renew(&secure, "api", (&api.process, secure.ports.internal)).await;
    gateway.ready().await;
    serves(api).await;
    secure.converse().await;
}

#[tokio::test]
async fn b07_handshakes_have_a_deadline_and_count_as_connections() {
    let mut secure = Secure::prepare("server");
    let few = [("connections_max", "4".to_owned())];
    secure.api = api(&[of_api(&secure.certificates, secure.ports).as_slice(), &few].concat());
    let Secure { api, ports, .. } = &secure;
    api.process.start();
    let serves = async || secure.status(None, &[], "/live") == 200;
    api.process.until("serves", serves).await;
    let mut silent = Vec::new();
    let full = async || {
        silent.push(TcpStream::connect(("127.0.0.1", ports.internal)).await.expect("the system accepts"));
        !serves().await
    };
    api.process.until("takes no more", full).await;
    for mut stream in silent {
        let end = timeout(PATIENCE, stream.read(&mut [0])).await.expect("the api ends what says nothing");
        assert!(!matches!(end, Ok(1..)), "to whom nothing was said");
    }
    api.process.until("serves again", serves).await;
    assert!(secure.refused("connections") > 0 && secure.refused("tls") > 2);
}

/// What a program says that cannot start with these settings.
fn refusal(program: &str, settings: &[Setting], wrong: &[Setting]) -> String {
    let env = settings
        .iter()
        .chain(wrong)
        .map(|(key, value)| (format!("ROOKERY_{}", key.to_uppercase()), value.clone()));
    let (args, dir) = (vec!["config".to_owned()], dirs::fresh("refused"));
    let spec = Spec { name: program.to_owned(), program: tools::binary(program), args, env: env.collect(), dir };
    let output = spec.fed("");
    assert_eq!(output.status.code(), Some(2), "{program} starts with {wrong:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn b07_files_and_settings_that_cannot_be_used_are_refused_by_name() {
    let (certificates, ports) = (Certificates::make(), Ports { redis: 1, mongo: 1, internal: 1 });
    certificates.copy("server", "api");
    let (no_file, no_certificate) = (certificates.path("missing.pem"), certificates.path("ca.key"));
    let no_tls = "mongodb://127.0.0.1:1/?tls=false".to_owned();
    for (key, value, why) in [
        ("api_ca", no_file.clone(), "must be a PEM file of certificates: "),
        ("redis_ca", no_certificate.clone(), "must be a PEM file of certificates: it has none"),
        ("api_client_key", certificates.path("ca.pem"), "must be a PEM file with a key: "),
        (
            "api_client_cert",
            certificates.path("server.pem"),
            "must be a certificate that can be used with its key: ",
        ),
        ("api_url", "http://127.0.0.1:1".to_owned(), "is not used: the address is not one of TLS"),
        ("redis_url", "redis://127.0.0.1:1".to_owned(), "is not used: the address is not one of TLS"),
    ] {
        let told = refusal("rookery-gateway", &certified(&certificates, ports), &[(key, value)]);
        // Where an address has no TLS, the file is what is not used.
        let named = key.replace("_url", "_ca").to_uppercase();
        assert!(told.lines().any(|line| line.contains(&named) && line.contains(why)), "{key}: {told}");
    }
    for (key, value, why) in [
        ("mongo_ca", no_file, "must be a PEM file of certificates: "),
        ("mongo_url", no_tls, "is not used: mongo_url turns TLS off"),
        ("internal_client_ca", no_certificate, "must be a PEM file of certificates: it has none"),
        (
            "internal_cert",
            certificates.path("client.pem"),
            "must be a certificate that can be used with its key: ",
        ),
    ] {
        let told = refusal("rookery-api", &of_api(&certificates, ports), &[(key, value)]);
        let named = key.replace("_url", "_ca").to_uppercase();
        assert!(told.lines().any(|line| line.contains(&named) && line.contains(why)), "{key}: {told}");
    }
}

/// As `docs/operations.md` says: new files, then a restart.
async fn renew(secure: &Secure, certificate: &str, (server, port): (&Process, u16)) {
    secure.certificates.copy("server", certificate);
    server.terminate().await;
    listening(server, port).await;
}

#[tokio::test]
async fn b07_whoever_has_no_certificate_may_only_ask_the_api_how_it_is() {
    let secure = Secure::prepare("server");
    secure.start_servers().await;
    secure.api.process.start();
    serves(&secure.api).await;
    let call = ["-H", "Content-Type: application/json", "-d", r#"{"since":null}"#];
    for (who, live, keys, changes) in
        [(None, 200, 401, 401), (Some("client"), 200, 200, 200), (Some("stranger"), 0, 0, 0)]
    {
        assert_eq!(secure.status(who, &[], "/live"), live, "{who:?}");
        assert_eq!(secure.status(who, &[], "/.well-known/jwks.json"), keys, "{who:?}");
        assert_eq!(secure.status(who, &call, "/internal/v1/changes"), changes, "{who:?}");
    }
    warned(&secure.api.process, ["TLS handshake failed", UNKNOWN]).await;
    // A gateway without one hears it and is not ready.
    let gateway = gateway(&of_gateway(&secure.certificates, secure.ports));
    gateway.process.start();
    warned(&gateway.process, ["public keys not fetched", "unauthenticated"]).await;
    assert_eq!(gateway.internal_status("/ready").await, Some(503));
    // What holds for requests without TLS holds here: an upgrade to nothing, a host that is missing, a body with a coding.
    for (header, status) in [("Host;", 400), ("Content-Encoding: gzip", 415)] {
        let arguments = [["-H", header].as_slice(), &call].concat();
        assert_eq!(secure.status(Some("client"), &arguments, "/internal/v1/changes"), status, "{header}");
    }
}
