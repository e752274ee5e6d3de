//! Floods (rows R of the threat model): how much one user and one address may ask for, over all nodes together.

use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderValue, Method};
use rookery_tests::cluster::Cluster;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, RawRequest, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::{Attempt, Socket, Way, with_token};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::{Instant, interval};

mod big_room;
mod descriptors;

const BURST: u64 = 40;
const INTERVAL_MS: u64 = 50;
/// Of one socket; four of them are ten times the rate.
const TICK: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r01_one_user_on_four_gateways_is_held_to_one_limit() {
    let cluster = Cluster::start_limited(4, &[("limit_user_commands", "40/50")]).await;
    let rest = Rest::new(cluster.api.public_url());
    let (user, other) = (rest.new_user("flood").await, rest.new_user("calm").await);
    let began = Instant::now();
    let floods = cluster.gateways.iter().enumerate().map(|(n, gateway)| {
        let (user, base) = (&user, gateway.socket_url());
        async move { flood(&base, user, n, began + Duration::from_secs(4)).await }
    });
    let counts = join_all(floods).await;
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).expect("a short time");
    let (accepted, refused) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    let limit = BURST + elapsed_ms / INTERVAL_MS;
    assert!(accepted * 100 <= limit * 105, "{accepted} of {limit} in {elapsed_ms} ms");
    assert!(
        accepted * 10 >= limit * 7 && refused > accepted,
        "{accepted} accepted of {limit}, {refused} refused"
    );

    // Nobody else pays, and REST counts along.
    let mut calm = Socket::login(&cluster.gateways[0].socket_url(), "/ws", &other.token).await;
    assert_eq!(said(&mut calm, "calm").await["type"], "ack");
    let answers = join_all((0..10).map(|_| rest.get("/api/v1/users/me", Some(&user.token)))).await;
    let refused = answers.iter().find(|answer| answer.status == 429).expect("REST counts along");
    refused.expect_problem(429, "rate_limited");
    assert_eq!(refused.headers["ratelimit-remaining"], "0");
    assert_eq!(refused.headers["retry-after"], "1");
    let fine = rest.get("/api/v1/users/me", Some(&other.token)).await.expect(200);
    assert_eq!(fine.headers["ratelimit-limit"], "40");
    assert_eq!(fine.headers["ratelimit-policy"], "40;w=2");
    for node in [&cluster.api, &cluster.gateways[0]] {
        let metrics = Rest::new(node.internal_url()).get("/metrics", None).await.text;
        assert!(metrics.contains("limited_total{limit=\"user_commands\"}"), "{metrics}");
    }
}

/// Talks without waiting for answers; how many were accepted and refused.
async fn flood(base: &str, user: &Account, node: usize, until: Instant) -> (u64, u64) {
    let mut socket = Socket::login(base, "/ws", &user.token).await;
    let (mut ticks, mut sent) = (interval(TICK), 0);
    while Instant::now() < until {
        ticks.tick().await;
        socket.send(message(&format!("{node}-{sent}"))).await;
        sent += 1;
    }
    let (mut accepted, mut refused) = (0, 0);
    while accepted + refused < sent {
        let answer = socket.expect("an answer", |frame| frame["client_id"].is_string()).await;
        if answer["type"] == "ack" {
            accepted += 1;
        } else {
            assert_eq!(answer["code"], "rate_limited", "{answer}");
            let wait = answer["retry_after_ms"].as_u64().expect("when to try again");
            assert!(wait <= INTERVAL_MS, "{answer}");
            refused += 1;
        }
    }
    (accepted, refused)
}

fn message(client_id: &str) -> Value {
    json!({"type": "message", "room": "general", "client_id": client_id, "content": "hi"})
}

async fn said(socket: &mut Socket, client_id: &str) -> Value {
    socket.send(message(client_id)).await;
    socket.expect("an answer", |frame| frame["client_id"] == client_id).await
}

/// Behind a proxy that tests play; each test comes from addresses of its own.
async fn behind_a_proxy() -> &'static Standalone {
    static SERVER: OnceCell<Standalone> = OnceCell::const_new();
    SERVER
        .get_or_init(|| {
            started(&[
                ("trusted_proxies", "127.0.0.0/8"),
                ("limit_user_commands", "30/1000"),
                ("limit_address_connects", "300/1000"),
                ("limit_address_requests", "20/60000"),
                ("limit_account_logins", "5/60000"),
                ("user_sockets_max", "10"),
                ("pending_sockets_max", "20"),
            ])
        })
        .await
}

async fn started(limits: &[(&'static str, &str)]) -> Standalone {
    let server = Standalone::prepare_with(limits);
    server.node.start().await;
    server
}

/// Every request is answered, those beyond the limit with the time to try again.
#[tokio::test]
async fn socketio_r01_requests_beyond_the_limit_of_a_user_are_refused() {
    const SENT: usize = 80;
    let server = behind_a_proxy().await;
    let user = Rest::forwarded(server.node.public_url(), "203.0.113.53").new_user("flood").await;
    let request = forwarded_in(Dialect::SocketIo, server, &user.token, "203.0.113.53");
    let mut socket = Socket::open(request).await.open();
    socket.expect_type("hello").await;
    for n in 0..SENT {
        socket.send(message(&format!("flood-{n}"))).await;
    }
    let mut refused = 0;
    for _ in 0..SENT {
        let answer = socket.expect("an answer", |frame| frame["client_id"].is_string()).await;
        if answer["type"] != "ack" {
            assert_eq!(answer["code"], "rate_limited", "{answer}");
            assert!(answer["retry_after_ms"].as_u64().is_some_and(|ms| ms <= 1_000), "{answer}");
            refused += 1;
        }
    }
    assert!((SENT - 45..SENT - 20).contains(&refused), "{refused} of {SENT} refused");
}

#[tokio::test]
async fn r03_ten_thousand_spoofed_addresses_are_one() {
    let server = started(&[
        ("limit_address_requests", "20/60000"),
        ("limit_address_connects", "20/60000"),
        // A thousand at once come here from one real address.
        ("address_accepts_per_second", "0"),
        ("address_connections_max", "0"),
    ])
    .await;
    let client = reqwest::Client::new();
    let url = format!("{}/api/v1/users/me", server.node.public_url());
    let mut passed = 0;
    for thousand in 0..10 {
        let requests = (0..1_000).map(|n| {
            let spoofed = format!("10.{thousand}.{}.{}", n / 250, n % 250);
            client.get(&url).header("x-forwarded-for", spoofed).send()
        });
        for answer in join_all(requests).await {
            let status = answer.expect("an answer").status().as_u16();
            assert!(matches!(status, 401 | 429), "{status}");
            passed += u32::from(status == 401);
        }
    }
    assert_eq!(passed, 20);
    let mut opened = 0;
    for n in 0..100 {
        match Socket::open(forwarded(&server, "nobody", &format!("10.0.0.{n}"))).await {
            Attempt::Open(_) => opened += 1,
            Attempt::Refused(status) => assert_eq!(status, 429),
            Attempt::Unreachable(cause) => panic!("{cause}"),
        }
    }
    assert_eq!(opened, 20);
}

#[tokio::test]
async fn r03_a_trusted_proxy_tells_addresses_apart_and_is_read_from_the_right() {
    let server = behind_a_proxy().await;
    let status = async |forwarded: &str| {
        Rest::forwarded(server.node.public_url(), forwarded)
            .get("/api/v1/users/me", None)
            .await
            .status
    };
    for n in 0..20 {
        assert_eq!(status(&format!("10.0.0.{n}, 203.0.113.1")).await, 401);
    }
    assert_eq!(status("10.9.9.9, 203.0.113.1").await, 429);
    assert_eq!(status("10.9.9.9, 203.0.113.1, 127.0.0.9").await, 429);
    assert_eq!(status("203.0.113.1, 203.0.113.2").await, 401);
}

/// A handshake as the proxy sends it for a client.
fn forwarded(server: &Standalone, token: &str, address: &str) -> http::Request<()> {
    forwarded_in(Dialect::Native, server, token, address)
}

fn forwarded_in(dialect: Dialect, server: &Standalone, token: &str, address: &str) -> http::Request<()> {
    let way = if token.is_empty() { Way::FirstFrame } else { Way::Header };
    let mut request = with_token(&dialect.address(&server.node.socket_url()), "/ws", token, way);
    let address = HeaderValue::from_str(address).expect("an address");
    request.headers_mut().insert("x-forwarded-for", address);
    request
}

#[tokio::test]
async fn r04_too_many_sockets_of_a_user_end_the_oldest() {
    too_many_sockets_of_a_user(Dialect::Native, "203.0.113.40").await;
}

#[tokio::test]
async fn socketio_r04_too_many_sockets_of_a_user_end_the_oldest() {
    too_many_sockets_of_a_user(Dialect::SocketIo, "203.0.113.50").await;
}

async fn too_many_sockets_of_a_user(dialect: Dialect, address: &str) {
    let server = behind_a_proxy().await;
    let rest = Rest::forwarded(server.node.public_url(), address);
    let (user, other) = (rest.new_user("crowd").await, rest.new_user("alone").await);
    let open = async |user: &Account| {
        let mut socket = Socket::open(forwarded_in(dialect, server, &user.token, address)).await.open();
        socket.expect_type("hello").await;
        socket
    };
    let mut bystander = open(&other).await;
    let mut sockets = Vec::new();
    for _ in 0..25 {
        sockets.push(open(&user).await);
    }
    for socket in &mut sockets[..15] {
        assert_eq!(socket.closed(PATIENCE).await, Some(4410));
    }
    for socket in &mut sockets[15..] {
        socket.sync().await;
    }
    bystander.sync().await;
}

#[tokio::test]
async fn r04_sockets_without_a_token_keep_nobody_out() {
    sockets_without_a_token(Dialect::Native, ["203.0.113.41", "203.0.113.42"]).await;
}

#[tokio::test]
async fn socketio_r04_sockets_without_a_token_keep_nobody_out() {
    sockets_without_a_token(Dialect::SocketIo, ["203.0.113.51", "203.0.113.52"]).await;
}

async fn sockets_without_a_token(dialect: Dialect, addresses: [&str; 2]) {
    let server = behind_a_proxy().await;
    let rest = Rest::forwarded(server.node.public_url(), addresses[0]);
    let user = rest.new_user("late").await;
    let attempts = (0..200).map(|_| Socket::open(forwarded_in(dialect, server, "", addresses[0])));
    let attempts = join_all(attempts).await;
    let open = attempts.iter().filter(|attempt| matches!(attempt, Attempt::Open(_))).count();
    assert_eq!(open, 20);
    assert!(attempts.iter().all(|attempt| matches!(attempt, Attempt::Open(_) | Attempt::Refused(429))));
    for address in addresses {
        let mut socket = Socket::open(forwarded_in(dialect, server, &user.token, address)).await.open();
        socket.expect_type("hello").await;
    }
    // A place is free again when somebody who had it has gone or has said who it is.
    drop(attempts);
    rookery_tests::wait::until("a place is free", async || {
        matches!(Socket::open(forwarded_in(dialect, server, "", addresses[0])).await, Attempt::Open(_))
    })
    .await;
}

#[tokio::test]
async fn r07_joining_leaving_and_subscribing_in_a_flood_is_refused() {
    let server = behind_a_proxy().await;
    let rest = Rest::forwarded(server.node.public_url(), "203.0.113.70");
    let (owner, user) = (rest.new_user("owner").await, rest.new_user("restless").await);
    let room = rest.new_room(&owner, "public").await;
    let mut accepted = 0;
    for n in 0..60 {
        let answer = if n % 2 == 0 {
            rest.join(&room, &user).await
        } else {
            rest.leave(&room, &user).await
        };
        match answer.status {
            200 | 204 => accepted += 1,
            _ => answer.expect_problem(429, "rate_limited"),
        }
    }
    assert!((30..45).contains(&accepted), "{accepted}");
    let mut socket = Socket::open(forwarded(server, &user.token, "203.0.113.70")).await.open();
    socket.expect_type("hello").await;
    for n in 0..100 {
        let rooms: Vec<Value> = (0..100).map(|i| json!({"room": format!("room-{n}-{i}")})).collect();
        socket.send(json!({"type": "subscribe", "rooms": rooms})).await;
    }
    let refused = socket.expect("a refusal", |frame| frame["code"] == "rate_limited").await;
    assert!(refused["room"].is_string() && refused["retry_after_ms"].is_u64(), "{refused}");
    let mut owner = Socket::open(forwarded(server, &owner.token, "203.0.113.71")).await.open();
    assert_eq!(said(&mut owner, "o-1").await["type"], "ack", "others talk");
}

#[tokio::test]
async fn r08_a_message_shows_no_more_reactions_than_one_may_see() {
    let server = behind_a_proxy().await;
    let rest = Rest::forwarded(server.node.public_url(), "203.0.113.80");
    let user = rest.new_user("fond").await;
    let mut socket = Socket::open(forwarded(server, &user.token, "203.0.113.80")).await.open();
    socket.expect_type("hello").await;
    let message_id = said(&mut socket, "r-0").await["message_id"].clone();
    let mut codes = Vec::new();
    for (n, emoji) in ('😀'..).take(25).enumerate() {
        let (client_id, emoji) = (format!("r-{}", n + 1), emoji.to_string());
        socket
            .send(json!({"type": "react", "room": "general", "message_id": message_id, "emoji": emoji, "client_id": client_id}))
            .await;
        let answer = socket.expect("an answer", |frame| frame["client_id"] == client_id.as_str()).await;
        codes.push(answer["code"].as_str().unwrap_or("ack").to_owned());
    }
    assert!(codes[..20].iter().all(|code| code == "ack"), "{codes:?}");
    assert!(codes[20..].iter().all(|code| code == "too_many_reactions"), "{codes:?}");
}

#[tokio::test]
async fn r10_a_flood_of_new_rooms_is_refused() {
    let server = behind_a_proxy().await;
    let rest = Rest::forwarded(server.node.public_url(), "203.0.113.100");
    let user = rest.new_user("builder").await;
    let made = join_all((0..100).map(|n| {
        let body = json!({"name": rookery_tests::names::unique(&format!("r{n}")), "visibility": "private"});
        let (rest, token) = (&rest, &user.token);
        async move { rest.post("/api/v1/rooms", Some(token), &body).await }
    }));
    let answers = made.await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!(count(201) + count(429), 100);
    assert!((30..40).contains(&count(201)), "{}", count(201));
}

#[tokio::test]
async fn a23_wrong_passwords_are_slowed_down_where_they_come_from_and_nowhere_else() {
    let server = behind_a_proxy().await;
    let at_home = Rest::forwarded(server.node.public_url(), "203.0.113.23");
    let user = at_home.new_user("target").await;
    for (n, name) in [&user.username, &rookery_tests::names::unique("nobody")].into_iter().enumerate() {
        let attacker = Rest::forwarded(server.node.public_url(), &format!("203.0.113.{}", 24 + n));
        let answers = join_all((0..15).map(|n| {
            let attacker = &attacker;
            // Nobody is fooled by the writing of a name.
            let name = if n % 2 == 0 { name.to_uppercase() } else { name.clone() };
            async move { attacker.login(&name, "not the password").await }
        }));
        let answers = answers.await;
        let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
        assert_eq!(refused.len(), 10, "a known and an unknown name are answered alike");
        for answer in &refused {
            answer.expect_problem(429, "rate_limited");
        }
        assert!(refused.iter().all(|answer| answer.headers["ratelimit-limit"] == "5"));
    }
    let _mine = at_home.login(&user.username, rookery_tests::rest::PASSWORD).await.expect(200);
    let request = RawRequest {
        method: Method::GET,
        path: "/api/v1/users/me",
        token: Some(&user.token),
        content_type: None,
        body: Vec::new(),
    };
    assert_eq!(at_home.raw(request).await.expect("an answer").status, 200);
}
