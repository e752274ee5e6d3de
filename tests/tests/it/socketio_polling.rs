//! Socket.IO by HTTP long-polling, where the setting allows it: stock clients, bounds of bodies, sessions that belong to
//! one client, and the move to a WebSocket (rows I04, I05 and I07 of the attack rows).

use http::{HeaderValue, Method};
use rookery_protocol::limits::FRAME_BYTES_MAX;
use rookery_tests::exchange::{Exchange, Step};
use rookery_tests::foreign::{Foreign, Make, Options};
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::raw::{CLOSE, Masking, RawSocket, TEXT};
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::socketio_clients::{MAKES, subscribe};
use crate::talk::exchange;

const SEPARATOR: &str = "\u{1e}";
const PONG: &str = r#"42["frame",{"type":"pong"}]"#;
const ANSWERS_BEFORE_PONG_MAX: usize = 4;
/// Of Engine.IO.
const UNKNOWN_SESSION: u64 = 1;
const BAD_REQUEST: u64 = 3;

async fn server() -> &'static Standalone {
    static SERVER: OnceCell<Standalone> = OnceCell::const_new();
    SERVER
        .get_or_init(|| async {
            let server = Standalone::prepare_with(&[("limits", "off"), ("socketio_polling", "on")]);
            server.node.start().await;
            server
        })
        .await
}

/// A client that has its token in the header of every request, or says it when it connects.
struct Polling {
    rest: Rest,
    token: Option<String>,
    sid: String,
}

impl Polling {
    /// A connection that has entered no namespace yet.
    async fn open(token: Option<&str>) -> Self {
        let rest = Rest::new(server().await.node.public_url());
        let mut client = Self { rest, token: token.map(str::to_owned), sid: String::new() };
        let answer = client.ask(Method::GET, "EIO=4&transport=polling", Vec::new()).await.expect(200);
        let open: Value = serde_json::from_str(answer.text.strip_prefix('0').expect("an open packet")).expect("JSON");
        assert_eq!(open["upgrades"], json!(["websocket"]));
        assert_eq!(open["maxPayload"], FRAME_BYTES_MAX);
        open["sid"].as_str().expect("a sid").clone_into(&mut client.sid);
        client
    }

    /// A connection of this user, by the header.
    async fn login(user: &Account) -> Self {
        let client = Self::open(Some(&user.token)).await;
        client.post("40").await;
        let answer = client.get().await.expect(200).text;
        assert!(answer.starts_with("40{") && answer.contains(r#"42["frame",{"type":"hello""#), "{answer}");
        client
    }

    async fn ask(&self, method: Method, query: &str, body: Vec<u8>) -> Answer {
        let path = format!("/socket.io/?{query}");
        let request = RawRequest { method, path: &path, token: self.token.as_deref(), content_type: None, body };
        self.rest.raw(request).await.expect("an answer")
    }

    fn query(&self) -> String {
        format!("EIO=4&transport=polling&sid={}", self.sid)
    }

    async fn get(&self) -> Answer {
        self.ask(Method::GET, &self.query(), Vec::new()).await
    }

    async fn bring(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.ask(Method::POST, &self.query(), body.into()).await
    }

    async fn post(&self, body: &str) {
        assert_eq!(self.bring(body).await.expect(200).text, "ok");
    }

    /// It is served as if nothing had been.
    async fn lives(&self) {
        self.post(r#"42["frame",{"type":"ping"}]"#).await;
        // What was told to the user meanwhile may come first, in a body of its own.
        for _ in 0..ANSWERS_BEFORE_PONG_MAX {
            if self.get().await.expect(200).text.split(SEPARATOR).any(|packet| packet == PONG) {
                return;
            }
        }
        panic!("no pong in {ANSWERS_BEFORE_PONG_MAX} answers");
    }

    /// There is no such connection any more.
    async fn is_over(&self) {
        assert_refused(&self.get().await, UNKNOWN_SESSION);
        assert_refused(&self.bring("3").await, UNKNOWN_SESSION);
    }

    /// The same once its task is done.
    async fn is_over_soon(&self) {
        rookery_tests::wait::until("the connection is over", async || self.get().await.status == 400).await;
        self.is_over().await;
    }

    /// A WebSocket for the connection, with a token in its header; nothing is said on it yet.
    async fn websocket(&self, token: &str) -> RawSocket {
        let address = server().await.node.public_address();
        let stream = TcpStream::connect(address).await.expect("the server accepts connections");
        RawSocket::upgrade_to(stream, &format!("/socket.io/?EIO=4&transport=websocket&sid={}", self.sid), token).await
    }
}

fn assert_refused(answer: &Answer, code: u64) {
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(code)), "{}", answer.text);
}

async fn text(socket: &mut RawSocket) -> Option<String> {
    match socket.frame().await {
        Some((TEXT, text)) => Some(String::from_utf8(text).expect("UTF-8")),
        Some((CLOSE, _)) | None => None,
        Some(other) => panic!("{other:?}"),
    }
}

async fn say(socket: &mut RawSocket, packet: &str) {
    socket.send(TEXT, Masking::Masked, packet.as_bytes()).await;
}

async fn new_user() -> Account {
    Rest::new(server().await.node.public_url()).new_user("polling").await
}

/// A stock client and one of our own talk; returns the stock client.
async fn talks(make: Make, transports: &[&str]) -> Foreign {
    let node = &server().await.node;
    let (rest, user) = (Rest::new(node.public_url()), new_user().await);
    let room = rest.new_room(&user, "public").await;
    let options = Options { token: &user.token, way: "auth", transports };
    let mut stock = Foreign::connect(make, &node.public_url(), &options);
    stock.expect_type("hello").await;
    subscribe(&mut stock, &room).await;
    let mut native = Socket::login(&node.socket_url(), "/ws", &user.token).await;
    native.subscribe(&room).await;
    exchange(&mut stock, &mut native, &room).await;
    stock
}

#[tokio::test]
async fn stock_clients_begin_with_polling_and_move_to_a_websocket() {
    for make in MAKES {
        let mut stock = talks(make, &[]).await;
        for _ in 0..100 {
            if stock.transports.iter().any(|transport| transport == "websocket") {
                break;
            }
            stock.send(json!({"type": "ping"})).await;
            stock.expect_type("pong").await;
        }
        // The one of Python says what it has when it has connected, which is after the move.
        let begun = if make == Make::SocketIoJs {
            &["polling", "websocket"][..]
        } else {
            &["websocket"]
        };
        assert_eq!(stock.transports, begun, "{make:?}");
        stock.leave().await;
    }
}

#[tokio::test]
async fn stock_clients_talk_by_polling_alone() {
    for make in MAKES {
        let stock = talks(make, &["polling"]).await;
        assert_eq!(stock.transports, ["polling"], "{make:?}");
        stock.leave().await;
    }
}

#[tokio::test]
async fn i04_a_body_has_the_bound_of_a_frame_and_its_packets_those_of_frames() {
    let user = new_user().await;
    let client = Polling::login(&user).await;
    let room = client.rest.new_room(&user, "public").await;
    let stored = client.rest.history(&room, &user.token).await;
    let message = json!(["chatroomMessage", {"chatroomId": room, "message": "x".repeat(FRAME_BYTES_MAX)}]);
    for body in [format!("42{message}").into_bytes(), vec![b'3'; 100_000_000]] {
        let answer = client.bring(body).await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (413, Some(BAD_REQUEST)), "{}", answer.text);
    }
    client.lives().await;

    // As many packets as fit into a body, again and again.
    let tiny = vec!["3"; FRAME_BYTES_MAX / 2].join(SEPARATOR);
    let flood = async {
        for _ in 0..20 {
            client.bring(tiny.as_str()).await;
        }
    };
    let (answer, ()) = tokio::join!(client.get(), flood);
    assert_eq!(answer.expect(200).text, format!("41{SEPARATOR}1"), "a flood ends the connection for good");
    client.is_over_soon().await;
    assert_eq!(Polling::login(&user).await.rest.history(&room, &user.token).await, stored, "nothing is stored");
}

#[tokio::test]
async fn i04_a_body_that_is_none_ends_the_connection_or_does_nothing() {
    let user = new_user().await;
    let client = Polling::login(&user).await;
    assert_refused(&client.bring(vec![0xFF, 0xFE]).await, BAD_REQUEST);
    client.lives().await;
    assert_refused(&client.bring("").await, BAD_REQUEST);
    client.is_over_soon().await;
    for (body, is_error) in [("9", true), ("b4AAAA", true), ("1", false)] {
        let client = Polling::login(&user).await;
        client.post(body).await;
        if is_error {
            assert!(client.get().await.expect(200).text.starts_with(r#"42["error","#), "{body}");
            client.lives().await;
        } else {
            client.is_over_soon().await;
        }
    }
    assert!(server().await.node.process.runs());
}

#[tokio::test]
async fn i05_a_guessed_sid_opens_nothing() {
    let client = Polling::login(&new_user().await).await;
    let last = if client.sid.ends_with('0') { "1" } else { "0" };
    let near = format!("{}{last}", &client.sid[..client.sid.len() - 1]);
    for sid in ["", "x", "0", "+0", "__proto__", "ffffffffffffffffffffffffffffffff", &near, &client.sid[..16]] {
        for transport in ["polling", "websocket"] {
            let query = format!("EIO=4&transport={transport}&sid={sid}");
            assert_refused(&client.ask(Method::GET, &query, Vec::new()).await, UNKNOWN_SESSION);
        }
        let query = format!("EIO=4&transport=polling&sid={sid}");
        assert_refused(&client.ask(Method::POST, &query, b"3".to_vec()).await, UNKNOWN_SESSION);
    }
    client.lives().await;
}

#[tokio::test]
async fn i05_the_sid_of_another_user_opens_nothing() {
    let (user, other) = (new_user().await, new_user().await);
    let victim = Polling::login(&user).await;
    for token in [Some(other.token.clone()), None, Some("no-token".to_owned())] {
        let thief = Polling { rest: victim.rest.clone(), token, sid: victim.sid.clone() };
        thief.is_over().await;
        let query = format!("EIO=4&transport=websocket&sid={}", victim.sid);
        assert_refused(&thief.ask(Method::GET, &query, Vec::new()).await, UNKNOWN_SESSION);
    }
    victim.lives().await;
    // Nor is the connection of somebody who brings the token later one for whoever has another.
    let later = Polling::open(None).await;
    let thief = Polling { rest: later.rest.clone(), token: Some(other.token.clone()), sid: later.sid.clone() };
    thief.is_over().await;
    later.post(&format!("40{}", json!({"token": format!("Bearer {}", user.token)}))).await;
    assert!(later.get().await.expect(200).text.starts_with("40{"));
    later.lives().await;
}

#[tokio::test]
async fn i05_two_requests_that_wait_for_packets_end_the_connection() {
    let client = Polling::login(&new_user().await).await;
    let (first, second) = tokio::join!(client.get(), client.get());
    let (ended, refused) = if first.status == 200 { (first, second) } else { (second, first) };
    assert_refused(&refused, BAD_REQUEST);
    assert_eq!((ended.status, ended.text.as_str()), (200, "1"));
    client.is_over().await;
}

/// Whoever says no token in time is sent away, and the connection is forgotten. Played beside other sockets without one.
pub(crate) async fn i05_a_connection_without_a_token_ends_by_itself() {
    let client = Polling::open(None).await;
    let answer = client.get().await.expect(200).text;
    assert!(answer.ends_with('1') && answer.contains("unauthenticated"), "{answer}");
    client.is_over_soon().await;
}

#[tokio::test]
async fn a_login_that_is_over_ends_a_connection_by_polling_for_good() {
    let user = new_user().await;
    let client = Polling::login(&user).await;
    assert_eq!(client.rest.logout(&user.refresh_token).await.status, 204);
    let mut told = String::new();
    while !told.ends_with('1') || told.ends_with("41") {
        told += &client.get().await.expect(200).text;
    }
    assert!(told.contains("unauthenticated") && told.contains("41"), "{told}");
    client.is_over_soon().await;
}

#[tokio::test]
async fn i07_an_upgrade_is_done_once_and_the_old_transport_is_over() {
    let user = new_user().await;
    let client = Polling::login(&user).await;
    let (mut first, mut second) = (client.websocket(&user.token).await, client.websocket(&user.token).await);
    say(&mut first, "2probe").await;
    assert_eq!(text(&mut first).await.as_deref(), Some("3probe"));
    say(&mut second, "2probe").await;
    assert_eq!(text(&mut second).await, None, "one at a time");
    // What waits for packets is let go, and what is brought until then is done.
    assert_eq!(client.get().await.expect(200).text, "6");
    client.post(r#"42["frame",{"type":"ping"}]"#).await;
    say(&mut first, "5").await;
    assert_eq!(text(&mut first).await.as_deref(), Some(r#"42["frame",{"type":"pong"}]"#));
    assert_refused(&client.get().await, BAD_REQUEST);
    assert_refused(&client.bring("3").await, BAD_REQUEST);
    say(&mut first, r#"42["frame",{"type":"ping"}]"#).await;
    assert_eq!(text(&mut first).await.as_deref(), Some(r#"42["frame",{"type":"pong"}]"#));
    // It is a WebSocket already.
    let mut late = Exchange::connect(&server().await.node.public_address()).await;
    let head = format!(
        "GET /socket.io/?EIO=4&transport=websocket&sid={} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        client.sid, user.token
    );
    late.step(&Step::Send(head)).await;
    let reply = late.reply(false).await.expect("an answer");
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!((reply.status, body["code"].as_u64()), (400, Some(BAD_REQUEST)), "{body}");
}

/// Pages of an allowed origin ask before they post, and what they ask is answered.
#[tokio::test]
async fn the_questions_of_browsers_are_answered() {
    let page = "https://page.example";
    let settings = [("limits", "off"), ("socketio_polling", "on"), ("allowed_origins", page)];
    let server = Standalone::prepare_with(&settings);
    server.node.start().await;
    let url = format!("{}/socket.io/?EIO=4&transport=polling&sid=x", server.node.public_url());
    let client = reqwest::Client::new();
    let ask = |method: Method, origin: &str| client.request(method, &url).header("origin", origin);
    let question = ask(Method::OPTIONS, page)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = question.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], page);
    let allowed = |name: &str| answer.headers()[name].to_str().unwrap().to_ascii_lowercase();
    assert!(allowed("access-control-allow-methods").contains("post"));
    let headers = allowed("access-control-allow-headers");
    assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
    let other = ask(Method::OPTIONS, "https://other.example").header("access-control-request-method", "POST");
    assert!(!other.send().await.unwrap().headers().contains_key("access-control-allow-origin"));
    let wrong = ask(Method::PUT, page).send().await.unwrap();
    assert_eq!((wrong.status().as_u16(), &wrong.headers()["allow"]), (405, &HeaderValue::from_static("GET, POST")));
    assert_eq!(wrong.headers()["access-control-allow-origin"], page);
}

#[tokio::test]
async fn i07_an_upgrade_that_is_given_up_changes_nothing() {
    let user = new_user().await;
    let client = Polling::login(&user).await;
    for words in [&["2probe"][..], &["5"], &["2other"], &["42[\"frame\",{\"type\":\"ping\"}]"], &["2probe", "2probe"]] {
        let mut socket = client.websocket(&user.token).await;
        for word in words {
            say(&mut socket, word).await;
        }
        while text(&mut socket).await.is_some() && words.len() != 1 {}
        drop(socket);
        client.lives().await;
    }
}
