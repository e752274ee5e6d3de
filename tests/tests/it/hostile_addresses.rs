//! What one address can take from all others: connections, the accept rate, answers that it never reads, passwords; and
//! what operators are told of it. Addresses are those of the loopback network.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method};
use rookery_tests::exchange::{Exchange, Reply, Step};
use rookery_tests::rest::{Account, Answer, PASSWORD, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::{names, wait};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

/// Clients that ask for much and read nothing.
const SILENT: usize = 60;
/// Addresses that try passwords, with three tries under way each.
const SPRAYERS: usize = 20;
/// Requests of each at once.
const ASKED: usize = 8;
/// The largest file there is, about 1.5 MB.
const LARGE: &str = "/docs/swagger-ui-bundle.js";

async fn started(settings: &[(&'static str, &str)]) -> Standalone {
    let server = Standalone::prepare_with(settings);
    server.node.start().await;
    server
}

async fn connect_from(source: &str, server: &Standalone) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let source: IpAddr = source.parse().expect("an address");
    socket.bind(SocketAddr::new(source, 0)).expect("a loopback address is ours");
    let address = server.node.public_address().parse().expect("an address");
    socket.connect(address).await.expect("the kernel takes it")
}

/// The answer to one request from an address; none if the connection ends without one.
async fn ask_from(source: &str, server: &Standalone) -> Option<Reply> {
    let mut client = Exchange::over(connect_from(source, server).await);
    let request = "GET /api/v1/users/me HTTP/1.1\r\nHost: rookery\r\nConnection: close\r\n\r\n";
    client.step(&Step::Send(request.to_owned())).await;
    client.reply(false).await
}

async fn counted(server: &Standalone, limit: &str) -> u64 {
    let text = Rest::new(server.node.internal_url()).get("/metrics", None).await.text;
    let line = format!("rookery_gateway_limited_total{{limit=\"{limit}\"}} ");
    let value = text.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok());
    value.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b3_answers_that_nobody_reads_are_given_up() {
    let server = started(&[("limits", "off")]).await;
    let request = format!("GET {LARGE} HTTP/1.1\r\nHost: rookery\r\n\r\n").repeat(ASKED);
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        let mut stream = connect_from("127.0.0.2", &server).await;
        stream.write_all(request.as_bytes()).await.expect("requests are small");
        silent.push(stream);
    }
    wait::until("all are reset", async || counted(&server, "answer").await == SILENT as u64).await;
    let mut sink = vec![0; 1024 * 1024];
    for stream in &silent {
        let gone = async || loop {
            match stream.try_read(&mut sink) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        };
        wait::until("the client hears of it", gone).await;
    }
    assert_eq!(ask_from("127.0.0.3", &server).await.expect("an answer").status, 401);
}

#[tokio::test]
async fn b3_one_address_takes_no_more_than_half_of_the_connections() {
    let server = started(&[("connections_max", "40"), ("address_accepts_per_second", "0")]).await;
    let crowd = join_all((0..40).map(|_| connect_from("127.0.0.2", &server))).await;
    let others = ask_from("127.0.0.3", &server).await.expect("an answer");
    assert_eq!(others.status, 401, "others are served");
    let told = ask_from("127.0.0.2", &server).await.expect("who is over it is told");
    assert_eq!((told.status, told.header("retry-after")), (429, Some("2")));
    assert!(counted(&server, "address_connections").await >= 20);
    drop(crowd);
    let is_served = async || ask_from("127.0.0.2", &server).await.is_some_and(|reply| reply.status == 401);
    wait::until("there is room again", is_served).await;
}

#[tokio::test]
async fn b3_a_proxy_that_is_trusted_is_not_counted() {
    let settings = [("connections_max", "40"), ("trusted_proxies", "127.0.0.2"), ("address_accepts_per_second", "1")];
    let server = started(&settings).await;
    let crowd = join_all((0..30).map(|_| connect_from("127.0.0.2", &server))).await;
    assert_eq!(ask_from("127.0.0.2", &server).await.expect("an answer").status, 401);
    assert_eq!(counted(&server, "address_connections").await + counted(&server, "address_accepts").await, 0);
    drop(crowd);
}

#[tokio::test]
async fn b12_one_source_does_not_take_the_accept_rate_of_all() {
    let server = started(&[("accepts_per_second", "30"), ("address_accepts_per_second", "5")]).await;
    let flood = join_all((0..200).map(|_| ask_from("127.0.0.2", &server))).await;
    let let_in = flood.iter().flatten().filter(|reply| reply.status == 401).count();
    assert!(let_in < 60, "{let_in} of one source: the rate of all would be 60 at once");
    assert!(
        flood.iter().flatten().all(|reply| matches!(reply.status, 401 | 429)),
        "nobody is told that all is full"
    );
    for source in ["127.0.0.3", "127.0.0.4", "127.0.0.5"] {
        assert_eq!(ask_from(source, &server).await.expect("an answer").status, 401);
    }
    assert!(counted(&server, "address_accepts").await > 0);
    assert_eq!(counted(&server, "accepts").await, 0);
}

/// Statuses of so many posts of the same, with a valid token.
async fn statuses(rest: &Rest, user: &Account, path: &str, bodies: impl Iterator<Item = Value>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for body in bodies {
        statuses.push(rest.post(path, Some(&user.token), &body).await.status);
    }
    statuses
}

#[tokio::test]
async fn b2_a_token_switches_off_no_limit_of_an_address() {
    let server = started(&[
        ("limit_address_logins", "5/600000"),
        ("limit_address_registrations", "4/600000"),
        ("limit_address_refreshes", "3/600000"),
    ])
    .await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("bearer").await;
    let wrong = (0..8).map(|n| json!({"login": format!("nobody{n}"), "password": "x"}));
    assert_eq!(statuses(&rest, &user, "/api/v1/auth/login", wrong).await, [401, 401, 401, 401, 429, 429, 429, 429]);
    let new = (0..5).map(|_| {
        let name = names::unique("new");
        json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD})
    });
    assert_eq!(statuses(&rest, &user, "/api/v1/auth/register", new).await, [201, 201, 201, 429, 429]);
    let bad = (0..5).map(|_| json!({"refresh_token": "x"}));
    assert_eq!(statuses(&rest, &user, "/api/v1/auth/refresh", bad).await, [401, 401, 401, 429, 429]);
    let bad = (0..1).map(|_| json!({"refresh_token": "x"}));
    assert_eq!(statuses(&rest, &user, "/api/v1/auth/logout", bad).await, [429]);
    let bad = (0..1).map(|_| json!({"token": "x"}));
    assert_eq!(
        statuses(&rest, &user, "/api/v1/users/me/email/confirm", bad).await,
        [429],
        "counted with the logins"
    );
    let refused = server.node.process.log().matches("login refused").count();
    assert!(refused >= 9, "each is a line, also those that only the address has too many of: {refused}");
}

#[tokio::test]
async fn b2_what_is_aimed_at_is_counted_wherever_it_comes_from() {
    let server = started(&[
        ("trusted_proxies", "127.0.0.0/8"),
        ("limit_account_registrations", "3/600000"),
        ("limit_session_refreshes", "2/600000"),
    ])
    .await;
    let from = |n: u32| Rest::forwarded(server.node.public_url(), &format!("203.0.113.{n}"));
    let mut answers = Vec::new();
    for n in 0..5 {
        let body = json!({"username": names::unique("same"), "email": "same@example.org", "password": PASSWORD});
        answers.push(from(n).post("/api/v1/auth/register", None, &body).await.status);
    }
    assert_eq!(answers, [201, 409, 409, 429, 429]);
    let user = from(9).new_user("refreshes").await;
    let mut token = user.refresh_token;
    for (n, status) in [(10, 200), (11, 200), (12, 429)] {
        let answer = from(n).refresh(&token).await;
        assert_eq!(answer.status, status);
        token = answer.json()["refresh_token"].as_str().unwrap_or_default().to_owned();
    }
}

#[tokio::test]
async fn b11_an_account_is_one_by_whichever_name() {
    let server = started(&[("limit_account_logins", "6/600000")]).await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("target").await;
    let limits = |answer: &Answer| {
        let shown = |name| answer.headers.get(name).map(|value| value.to_str().unwrap_or_default().to_owned());
        (answer.status, ["ratelimit-limit", "ratelimit-policy"].map(shown))
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..8 {
        let login = if n % 2 == 0 { user.username.to_uppercase() } else { user.email.clone() };
        known.push(limits(&rest.login(&login, "not the password").await));
        unknown.push(limits(&rest.login("Nobody@example.org", "not the password").await));
    }
    // The login of `new_user` was one.
    assert_eq!(known.iter().map(|row| row.0).collect::<Vec<_>>(), [401, 401, 401, 401, 401, 429, 429, 429]);
    assert_eq!(unknown.iter().map(|row| row.0).collect::<Vec<_>>(), [401, 401, 401, 401, 401, 401, 429, 429]);
    assert_eq!((known.first(), known.last()), (unknown.first(), unknown.last()), "answered alike");
}

#[tokio::test]
async fn b17_documents_files_and_addresses_of_nothing_are_counted() {
    let server = started(&[("limit_address_files", "4/600000"), ("limit_address_requests", "2/600000")]).await;
    let rest = Rest::new(server.node.public_url());
    for path in ["/openapi.json", "/asyncapi.json", "/docs/", "/"] {
        let _served = rest.get(path, None).await.expect(200);
    }
    for path in ["/openapi.json", "/asyncapi.json", "/docs/", "/", "/.well-known/jwks.json"] {
        rest.get(path, None).await.expect_problem(429, "rate_limited");
    }
    let asked = async |path| rest.get(path, None).await.status;
    assert_eq!([asked("/nothing").await, asked("/nothing/else").await, asked("/nothing").await], [404, 404, 429]);
}

#[tokio::test]
async fn b18_d12_the_log_tells_who_tries_passwords_and_nothing_of_what_went_well() {
    let server = started(&[("limit_account_logins", "3/600000"), ("log_format", "json")]).await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("logged").await;
    let nobody = names::unique("nobody");
    let _refused = rest.login(&user.email, "wrong").await.expect(401);
    let _refused = rest.login(&nobody, "wrong").await.expect(401);
    for status in [401, 429] {
        let _refused = rest.login(&user.username, "wrong").await.expect(status);
    }
    // Whoever has a session and asks for what takes the password is counted with the account.
    let body = json!({"password": "wrong"});
    rest.post("/api/v1/users/me/export", Some(&user.token), &body)
        .await
        .expect_problem(429, "rate_limited");
    let log = server.node.process.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let refused: Vec<_> = lines
        .filter(|line| line["message"] == "login refused")
        .map(|line| [line["level"].clone(), line["client"].clone(), line["reason"].clone()])
        .collect();
    let line = |reason: &str| [json!("WARN"), json!("127.0.0.1"), json!(reason)];
    let wrong = || line("wrong password");
    assert_eq!(refused, [wrong(), line("no such account"), wrong(), line("too many tries"), line("too many tries")]);
    for name in [&user.email, &user.username, &nobody] {
        assert!(!log.contains(name.as_str()), "no name is logged");
    }
    assert!(!log.contains("request answered\""), "a request is no line");
}

fn page_of(origin: &'static str, more: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("origin", HeaderValue::from_static(origin));
    for (name, value) in more {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    headers
}

#[tokio::test]
async fn d11_a_page_of_an_allowed_origin_may_log_in_and_others_may_not() {
    let server = started(&[("allowed_origins", "https://chat.example"), ("public_url", "https://own.example")]).await;
    let user = Rest::new(server.node.public_url()).new_user("page").await;
    let url = format!("{}/api/v1/auth/login", server.node.public_url());
    let client = reqwest::Client::new();
    let asks = [("access-control-request-method", "POST"), ("access-control-request-headers", "content-type")];
    for (origin, allowed) in [
        ("https://chat.example", true),
        ("https://own.example", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let before = client
            .request(Method::OPTIONS, &url)
            .headers(page_of(origin, &asks))
            .send()
            .await
            .unwrap();
        let told = |headers: &HeaderMap, name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or_default().to_lowercase())
                .unwrap_or_default()
        };
        assert_eq!(told(before.headers(), "access-control-allow-origin") == origin, allowed, "{origin}");
        assert_eq!(before.headers().get("access-control-allow-credentials"), None);
        let body = json!({"login": user.username, "password": PASSWORD}).to_string();
        let login = client
            .post(&url)
            .headers(page_of(origin, &[("content-type", "application/json")]))
            .body(body);
        let answer = login.send().await.unwrap();
        assert_eq!(told(answer.headers(), "access-control-allow-origin") == origin, allowed, "{origin}");
        if allowed {
            assert!(told(before.headers(), "access-control-allow-methods").contains("post"));
            assert!(told(before.headers(), "access-control-allow-headers").contains("authorization"));
            let exposed = told(answer.headers(), "access-control-expose-headers");
            for name in ["retry-after", "ratelimit-remaining", "ratelimit-reset", "x-request-id"] {
                assert!(exposed.contains(name), "{exposed}");
            }
            assert_eq!(answer.status(), 200);
        }
    }
    let asked = client.request(Method::OPTIONS, &url).send().await.unwrap();
    assert_eq!(asked.status(), 405, "without a page it is a request like any");
}

#[tokio::test]
async fn b9_the_own_name_is_the_one_that_is_set_whatever_a_proxy_made_of_host() {
    let server = started(&[("public_url", "http://chat.example:8080/")]).await;
    let handshake = async |host: &str, origin: &str| {
        let mut client = Exchange::connect(&server.node.public_address()).await;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        client.step(&Step::Send(request)).await;
        client.reply(false).await.expect("an answer").status
    };
    for host in ["chat.example:8080", "chat.example", "gateway-1:8081"] {
        assert_eq!(handshake(host, "http://chat.example:8080").await, 101, "{host}");
    }
    for (host, origin, status) in [
        ("evil.example", "http://evil.example", 403),
        ("chat.example:8080", "http://evil.example", 403),
        ("chat.example", "http://chat.example", 403),
        ("localhost:8080", "http://localhost:8080", 101),
        ("localhost", "http://localhost:8080", 101),
        ("localhost:8080", "http://localhost:3000", 403),
        ("192.0.2.7", "http://192.0.2.7", 403),
    ] {
        assert_eq!(handshake(host, origin).await, status, "{origin} at {host}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_who_sprays_passwords_waits_behind_who_does_not() {
    // Only the queue of passwords is looked at.
    let server = started(&[
        ("trusted_proxies", "127.0.0.0/8"),
        ("limit_address_logins", "0"),
        ("limit_address_requests", "0"),
        ("limit_account_logins", "0"),
    ])
    .await;
    let friend = Rest::forwarded(server.node.public_url(), "203.0.113.200");
    let user = friend.new_user("friend").await;
    let base = server.node.public_url();
    let tried = Arc::new(AtomicUsize::new(0));
    let spray = |n: usize| {
        let (tried, rest) = (Arc::clone(&tried), Rest::forwarded(base.clone(), &format!("203.0.113.{}", n % SPRAYERS)));
        async move {
            loop {
                let answer = rest.login("nobody", "wrong").await;
                tried.fetch_add(usize::from(answer.status == 401), Ordering::Relaxed);
            }
        }
    };
    let mut sprayers = tokio::task::JoinSet::new();
    for n in 0..3 * SPRAYERS {
        sprayers.spawn(spray(n));
    }
    // Each of them has tried as often as the friend has: its registration was one password.
    let have_tried = async || tried.load(Ordering::Relaxed) >= 3 * SPRAYERS;
    wait::until("all have tried", have_tried).await;
    let mut busy = 0;
    for _ in 0..20 {
        let answer = friend.login(&user.username, PASSWORD).await;
        busy += usize::from(answer.status != 200);
    }
    assert_eq!(busy, 0, "of 20 logins with the right password were told to wait");
    sprayers.shutdown().await;
    tokio::time::timeout(Duration::from_secs(30), friend.login(&user.username, PASSWORD))
        .await
        .unwrap();
}
