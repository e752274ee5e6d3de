//! Packets of Socket.IO that mean harm (rows I of the attack rows): whatever comes, the answer is an error or an end, the
//! process lives, nothing is stored, and nobody else notices.

use rookery_protocol::limits::FRAME_BYTES_MAX;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::raw::{BINARY, CLOSE, ENDS, GOES_ON, Masking, RawSocket, TEXT, TEXT_BEGINS};
use rookery_tests::rest::Account;
use rookery_tests::shared;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::talk::say;

mod sessions;

/// An attacker who is a member of a room, and somebody else who talks in another one.
struct Scene {
    deployment: &'static Deployment,
    attacker: Account,
    room: String,
    stored: Vec<Value>,
    bystander: Socket,
    elsewhere: String,
}

/// A connection of the attacker.
struct Attack {
    socket: RawSocket,
}

/// What the server says next.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Packet(String),
    Closed(Option<u16>),
}

impl Scene {
    async fn new() -> Self {
        let deployment = shared::standalone().await;
        let rest = deployment.rest();
        let (attacker, other) = (rest.new_user("attacker").await, rest.new_user("other").await);
        let (room, elsewhere) = (rest.new_room(&attacker, "public").await, rest.new_room(&other, "public").await);
        let stored = rest.history(&room, &attacker.token).await;
        let [base, _] = deployment.sockets_in(Dialect::SocketIo);
        let mut bystander = Socket::login(&base, "/ws", &other.token).await;
        bystander.subscribe(&elsewhere).await;
        Self { deployment, attacker, room, stored, bystander, elsewhere }
    }

    /// A connection that has said nothing yet.
    async fn opened(&self) -> Attack {
        self.opened_with_sid().await.0
    }

    /// The same, and its sid.
    async fn opened_with_sid(&self) -> (Attack, String) {
        let address = self.deployment.sockets()[0].replace("ws://", "");
        let stream = TcpStream::connect(address).await.expect("the gateway accepts connections");
        let (socket, _) = RawSocket::upgrade_in(Dialect::SocketIo, stream, &self.attacker.token, "", &[]).await;
        let mut attack = Attack { socket };
        let Said::Packet(open) = attack.next().await else { panic!("no open packet") };
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap_or_default()).expect("an open packet");
        (attack, open["sid"].as_str().expect("a sid").to_owned())
    }

    /// A connection whose user is known.
    async fn connected(&self) -> Attack {
        let mut attack = self.opened().await;
        attack.say("40").await;
        let Said::Packet(connected) = attack.next().await else { panic!("not connected") };
        assert!(connected.starts_with(r#"40{"sid":"#), "{connected}");
        let Said::Packet(hello) = attack.next().await else { panic!("not greeted") };
        assert!(hello.starts_with(r#"42["frame",{"type":"hello""#), "{hello}");
        attack
    }

    /// A message that must not be stored.
    fn message(&self) -> Value {
        json!({"chatroomId": self.room, "message": "must not be stored"})
    }

    async fn nothing_happened(mut self) {
        let history = self.deployment.rest().history(&self.room, &self.attacker.token).await;
        assert_eq!(history, self.stored, "nothing is stored");
        say(&mut self.bystander, &self.elsewhere, "as before").await;
        self.deployment.assert_alive();
    }
}

impl Attack {
    async fn say(&mut self, packet: &str) {
        self.socket.send(TEXT, Masking::Masked, packet.as_bytes()).await;
    }

    async fn next(&mut self) -> Said {
        loop {
            match self.socket.frame().await {
                Some((TEXT, text)) => return Said::Packet(String::from_utf8(text).expect("UTF-8")),
                Some((CLOSE, payload)) => {
                    return Said::Closed(payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
                }
                Some(_) => {}
                None => return Said::Closed(None),
            }
        }
    }

    /// The packets until the server closes, and its code.
    async fn end(&mut self) -> (Vec<String>, Option<u16>) {
        let mut packets = Vec::new();
        loop {
            match self.next().await {
                Said::Packet(packet) => packets.push(packet),
                Said::Closed(code) => return (packets, code),
            }
        }
    }

    /// The acknowledgement of this number, which is the next thing to come.
    async fn acknowledged(&mut self, id: u64) -> Value {
        let said = self.next().await;
        let Said::Packet(packet) = &said else { panic!("{said:?} instead of an acknowledgement") };
        let answer = packet
            .strip_prefix(&format!("43{id}"))
            .unwrap_or_else(|| panic!("{packet} is not for {id}"));
        serde_json::from_str::<Value>(answer).expect("an array")[0].take()
    }

    /// The event `error`, which is the next thing to come.
    async fn told(&mut self) -> Value {
        let said = self.next().await;
        let Said::Packet(packet) = &said else { panic!("{said:?} instead of an error") };
        let event: Value = serde_json::from_str(packet.strip_prefix("42").unwrap_or_default()).expect("an event");
        assert_eq!(event[0], "error", "{packet}");
        event[1].clone()
    }

    /// It is served as if nothing had been.
    async fn lives(&mut self) {
        self.say(r#"42["frame",{"type":"ping"}]"#).await;
        assert_eq!(self.next().await, Said::Packet(r#"42["frame",{"type":"pong"}]"#.to_owned()));
    }
}

/// Says each packet on one connection; each is refused with this code, and the connection lives.
async fn assert_told(packets: impl Fn(&Scene) -> Vec<String>, code: &str) {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    for packet in packets(&scene) {
        attack.say(&packet).await;
        assert_eq!(attack.told().await["code"], code, "{packet:.60}");
    }
    attack.lives().await;
    scene.nothing_happened().await;
}

/// Says each packet on a connection of its own; each ends it with this code.
async fn assert_ends(is_connected: bool, packets: impl Fn(&Scene) -> Vec<String>, code: u16) {
    let scene = Scene::new().await;
    for packet in packets(&scene) {
        let mut attack = if is_connected { scene.connected().await } else { scene.opened().await };
        attack.say(&packet).await;
        let (told, closed) = attack.end().await;
        assert_eq!(closed, Some(code), "{packet:.60}: {told:?}");
        let is_told = told.last().is_some_and(|last| last == "41");
        assert_eq!(is_told, is_connected, "{packet:.60}: {told:?}");
    }
    scene.nothing_happened().await;
}

#[tokio::test]
async fn i01_names_of_events_that_are_no_texts_or_have_a_meaning_elsewhere_are_refused() {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    let odd = [json!({}), json!([]), json!(7), json!(-1.5), json!(null), json!(true), json!({"toString": 1})];
    let reserved = ["__proto__", "constructor", "connect", "disconnect", "connect_error", "newListener", "", "42"];
    let names = odd.into_iter().map(|name| (name, "bad_field"));
    let names = names.chain(reserved.into_iter().map(|name| (json!(name), "unknown_type")));
    for (id, (name, code)) in names.enumerate() {
        attack.say(&format!("42{id}[{name},{}]", scene.message())).await;
        let answer = attack.acknowledged(id as u64).await;
        assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!(code)), "{name}");
    }
    attack.lives().await;
    scene.nothing_happened().await;
}

#[tokio::test]
async fn i01_names_of_prototypes_are_names_of_nothing() {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    for (id, payload) in [
        r#"{"chatroomId":"__proto__","message":"x"}"#.to_owned(),
        r#"{"__proto__":{"chatroomId":"general","message":"x"}}"#.to_owned(),
        format!(r#"{{"chatroomId":{:?},"constructor":{{"prototype":{{"message":"x"}}}}}}"#, scene.room),
    ]
    .into_iter()
    .enumerate()
    {
        attack.say(&format!(r#"42{id}["chatroomMessage",{payload}]"#)).await;
        assert_eq!(attack.acknowledged(id as u64).await["ok"], false, "{payload}");
    }
    attack.lives().await;
    scene.nothing_happened().await;
}

#[tokio::test]
async fn i02_binary_attachments_that_are_announced_are_not_waited_for() {
    let announced = |scene: &Scene| {
        let event = json!(["chatroomMessage", scene.message()]);
        let mut packets: Vec<String> = ["1", "10", "11", "5999999", "99999999999999999999", "0", ""]
            .map(|count| format!("45{count}-{event}"))
            .to_vec();
        packets.extend([format!("461-7{event}"), "45".to_owned(), "45-".to_owned(), format!("45{event}")]);
        packets
    };
    assert_told(announced, "bad_field").await;
}

#[tokio::test]
async fn i02_binary_messages_end_the_connection() {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    attack
        .say(&format!(r#"451-["chatroomMessage",{}]"#, json!({"_placeholder": true, "num": 0})))
        .await;
    attack.told().await;
    attack.socket.send(BINARY, Masking::Masked, scene.message().to_string().as_bytes()).await;
    assert_eq!(attack.end().await, (vec!["41".to_owned()], Some(1003)));
    scene.nothing_happened().await;
}

#[tokio::test]
async fn i03_placeholders_are_objects_like_any_other() {
    let placeholders = |scene: &Scene| {
        let with = |message: Value| json!(["chatroomMessage", {"chatroomId": scene.room, "message": message}]);
        let nested = json!({"a": [{"_placeholder": true, "num": 0}]});
        [json!({"_placeholder": true, "num": 0}), json!({"_placeholder": true, "num": -1}), nested]
            .map(|message| format!("42{}", with(message)))
            .to_vec()
    };
    assert_told(placeholders, "bad_field").await;
}

#[tokio::test]
async fn i03_deep_json_is_refused() {
    let deep = |scene: &Scene| {
        let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
        let objects = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
        let room = &scene.room;
        vec![
            format!("42{open}{close}"),
            format!("42{open}"),
            format!(r#"42["chatroomMessage",{{"chatroomId":"{room}","more":{open}{close}}}]"#),
            format!(r#"42["chatroomMessage",{{"chatroomId":"{room}"}},{objects}]"#),
        ]
    };
    assert_told(deep, "bad_field").await;
    let frame = |_: &Scene| vec![format!(r#"42["frame",{}{}]"#, "[".repeat(10_000), "]".repeat(10_000))];
    assert_told(frame, "bad_json").await;
}

#[tokio::test]
async fn w08_a_packet_in_a_thousand_fragments_is_one_packet_and_has_the_bound_of_one() {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    let refused = format!(r#"421["chatroomMessage",{{"chatroomId":"{}","more":"{}"}}]"#, scene.room, "x".repeat(930));
    let (first, rest) = refused.split_at(1);
    let (middle, last) = rest.split_at(rest.len() - 1);
    attack.socket.send(TEXT_BEGINS, Masking::Masked, first.as_bytes()).await;
    for piece in middle.as_bytes().chunks(1) {
        attack.socket.send(GOES_ON, Masking::Masked, piece).await;
    }
    attack.socket.send(ENDS, Masking::Masked, last.as_bytes()).await;
    assert_eq!(attack.acknowledged(1).await["error"]["field"], "message");
    attack.lives().await;

    attack.socket.send(TEXT_BEGINS, Masking::Masked, br#"42["chatroomMessage",""#).await;
    for _ in 0..1_000 {
        attack.socket.send(GOES_ON, Masking::Masked, &[b'x'; FRAME_BYTES_MAX / 900]).await;
    }
    assert_eq!(attack.end().await, (vec!["41".to_owned()], Some(1009)));
    scene.nothing_happened().await;
}

#[tokio::test]
async fn what_is_no_packet_is_refused_and_too_much_of_it_ends_the_connection() {
    let nonsense = |_: &Scene| {
        ["", "9", "4", "47", "0{}", "40{", "ÿ", "b4AAAA", "42/\u{1e}42"]
            .map(str::to_owned)
            .to_vec()
    };
    // What has the form of an event is told apart from what has none.
    let broken = |_: &Scene| ["42", "42{}", "42\"x\"", r#"42["joinRoom"]x"#, "42[]x"].map(str::to_owned).to_vec();
    assert_told(|scene| nonsense(scene)[..8].to_vec(), "bad_json").await;
    assert_told(broken, "bad_field").await;
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    for _ in 0..100 {
        attack.say("9").await;
    }
    let (told, code) = attack.end().await;
    assert_eq!((told.last().map(String::as_str), code), (Some("41"), Some(1008)));
    scene.nothing_happened().await;
}

#[tokio::test]
async fn what_comes_before_the_namespace_is_entered_ends_the_connection() {
    let early = |scene: &Scene| {
        let message = json!(["chatroomMessage", scene.message()]);
        vec![
            format!("42{message}"),
            format!("421{message}"),
            format!("42/socket.io,{message}"),
            "9".to_owned(),
            "40{".to_owned(),
            format!("451-{message}"),
        ]
    };
    assert_ends(false, early, 1008).await;
    let no_token = |_: &Scene| {
        ["{}", "[]", "7", r#""x""#, r#"{"token":7}"#, r#"{"token":{"$ne":""}}"#, r#"{"token":""}"#]
            .map(|auth| format!("40{auth}"))
            .to_vec()
    };
    let scene = Scene::new().await;
    for packet in no_token(&scene) {
        // The header has a good token, and what is no token does not take its place.
        let mut attack = scene.opened().await;
        attack.say(&packet).await;
        let Said::Packet(answer) = attack.next().await else { panic!("{packet}: an end without a word") };
        assert!(answer.starts_with("40") || answer.starts_with("44"), "{packet}: {answer}");
        assert_eq!(answer.starts_with("44"), packet.contains(r#""token":"""#), "{packet}: {answer}");
    }
    scene.nothing_happened().await;
}
