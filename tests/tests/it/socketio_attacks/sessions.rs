//! Namespaces, acknowledgements, transports and sessions that belong to somebody else or to nobody.

use std::collections::BTreeMap;

use http::Method;
use rookery_tests::exchange::{Exchange, Step};
use rookery_tests::rest::{Answer, RawRequest};
use serde_json::{Value, json};

use super::{Attack, Said, Scene, assert_ends, assert_told};

/// More than may wait at once.
const FLOOD: u64 = 1_100;

#[tokio::test]
async fn i06_no_other_namespace_and_no_room_is_entered_by_its_name() {
    let scene = Scene::new().await;
    let token = json!({"token": scene.attacker.token});
    let mut attack = scene.opened().await;
    let long = format!("/{}", "a".repeat(20_000));
    for name in ["/admin", "/socket.io/", "/__proto__", "//", long.as_str()] {
        attack.say(&format!("40{name},{token}")).await;
        let Said::Packet(answer) = attack.next().await else { panic!("{name:.20}") };
        assert!(answer.starts_with("44/") && answer.contains("Invalid namespace"), "{answer:.200}");
        assert!(answer.len() < 200, "what is told back is short: {}", answer.len());
    }
    attack.say(&format!("40{token}")).await;
    assert!(matches!(attack.next().await, Said::Packet(packet) if packet.starts_with("40{")));
    attack.next().await;
    for again in ["40", "40/socket.io,", "40/admin,"] {
        attack.say(&format!("{again}{token}")).await;
        assert!(matches!(attack.next().await, Said::Packet(packet) if packet.starts_with("44")), "{again}");
    }
    let rest = scene.deployment.rest();
    let owner = rest.new_user("owner").await;
    let (public, hidden) = (rest.new_room(&owner, "public").await, rest.new_room(&owner, "private").await);
    let unknown = "01920000-0000-7000-8000-000000000001".to_owned();
    let cases = [(public, "not_a_member"), (hidden, "unknown_room"), (unknown, "unknown_room")];
    for (id, (room, code)) in cases.into_iter().enumerate() {
        let (id, join) = (2 * id as u64, json!(["joinRoom", {"chatroomId": room, "epoch": "e1", "seq": 1}]));
        attack.say(&format!("42{id}{join}")).await;
        assert_eq!(attack.acknowledged(id).await["error"]["code"], code);
        let message = json!(["chatroomMessage", {"chatroomId": room, "message": "x"}]);
        attack.say(&format!("42{}{message}", id + 1)).await;
        assert_eq!(attack.acknowledged(id + 1).await["error"]["code"], code);
    }
    attack.lives().await;
    scene.nothing_happened().await;
}

#[tokio::test]
async fn i06_events_of_a_namespace_that_was_not_entered_end_the_connection() {
    let events = |scene: &Scene| {
        ["/admin", "/socket.io", "/"].map(|name| format!("42{name},{}", json!(["chatroomMessage", scene.message()])))
            [..2]
            .to_vec()
    };
    assert_ends(true, events, 1008).await;
}

#[tokio::test]
async fn i07_ids_of_acknowledgements_that_no_client_counts_to_are_refused() {
    let ids = |scene: &Scene| {
        ["9007199254740992", "18446744073709551616", &"9".repeat(5_000)]
            .map(|id| format!("42{id}{}", json!(["chatroomMessage", scene.message()])))
            .to_vec()
    };
    assert_told(ids, "bad_field").await;
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    let largest = 9_007_199_254_740_991;
    attack
        .say(&format!(r#"42{largest}["leaveRoom",{{"chatroomId":"{}"}}]"#, scene.room))
        .await;
    assert_eq!(attack.acknowledged(largest).await, json!({"ok": true}), "it is not live, as was asked for");
    attack.say(r#"421["leaveRoom",{"chatroomId":"not-joined"}]"#).await;
    assert_eq!(attack.acknowledged(1).await, json!({"ok": true}), "nor is a room by its slug");
    // Acknowledgements of what nobody asked for.
    attack.say(r#"437[{"ok":true}]"#).await;
    attack.say("43").await;
    attack.lives().await;
    scene.nothing_happened().await;
}

/// Says all packets at once; the answers by number.
async fn answers(attack: &mut Attack, packets: Vec<String>) -> BTreeMap<u64, Vec<Value>> {
    let count = packets.len();
    for packet in packets {
        attack.say(&packet).await;
    }
    let mut answers = BTreeMap::<u64, Vec<Value>>::new();
    for _ in 0..count {
        let said = attack.next().await;
        let Said::Packet(packet) = &said else { panic!("{said:?} after {} answers", answers.len()) };
        let Some((id, answer)) = packet.strip_prefix("43").and_then(|rest| rest.split_once('[')) else {
            panic!("{packet} is no acknowledgement")
        };
        let answer = serde_json::from_str::<Value>(answer.trim_end_matches(']')).expect("one argument");
        answers.entry(id.parse().expect("a number")).or_default().push(answer);
    }
    answers
}

/// What is told is what has come of the request, and by the names that its client knows.
#[tokio::test]
async fn an_acknowledgement_is_what_has_come_of_the_request() {
    let scene = Scene::new().await;
    let rest = scene.deployment.rest();
    let owner = rest.new_user("owner").await;
    let (public, hidden) = (rest.new_room(&owner, "public").await, rest.new_room(&owner, "private").await);
    let banned = rest.new_room(&owner, "public").await;
    let _joined = rest.join(&banned, &scene.attacker).await.expect(200);
    let ban = [banned.as_str(), &scene.attacker.user_id, "ban"];
    let _banned = rest.moderate(Method::PUT, ban, &owner, &json!({})).await.expect(204);
    let unknown = "01920000-0000-7000-8000-000000000001".to_owned();
    let mut attack = scene.connected().await;
    let cases = [
        (public, "not_a_member"),
        (hidden, "unknown_room"),
        (banned, "banned"),
        (unknown, "unknown_room"),
        ("nope".to_owned(), "unknown_room"),
    ];
    for (id, (room, code)) in (0_u64..).zip(cases) {
        for (event, name) in [("read", "chatroomId"), ("frame", "room")] {
            attack
                .say(&format!("42{id}{}", json!([event, {"type": "read", name: room, "seq": 1}])))
                .await;
            let answer = attack.acknowledged(id).await;
            assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!(code)), "{room}: {answer}");
            assert_eq!((&answer["error"]["chatroomId"], &answer["error"]["field"]), (&json!(room), &Value::Null));
        }
    }
    let watch = json!(["frame", {"type": "watch", "rooms": [scene.room]}]);
    attack.say(&format!("4210{watch}")).await;
    assert_eq!(attack.acknowledged(10).await["error"]["code"], "unknown_room", "it is not live");
    // Who is watched from now on: nobody.
    let _watching = attack.next().await;
    for (id, event, payload, field) in [
        (11, "frame", json!({"type": "message", "room": scene.room, "content": 5}), "content"),
        (12, "frame", json!({"type": "typing"}), "room"),
        (13, "chatroomMessage", json!({"chatroomId": scene.room, "message": 5}), "message"),
    ] {
        attack.say(&format!("42{id}{}", json!([event, payload]))).await;
        assert_eq!(attack.acknowledged(id).await["error"]["field"], field, "{event} {payload}");
        if id != 12 {
            attack.say(&format!("42{}", json!([event, payload]))).await;
            assert_eq!(attack.told().await["field"], field, "{event} {payload} without an acknowledgement");
        }
    }
    attack.say(&format!("4214{}", json!(["read", {}, 2, 3, 4, 5, 6, 7, 8, 9, 10]))).await;
    let answer = attack.acknowledged(14).await;
    assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!("bad_field")), "{answer}");
    attack.lives().await;
    // The first mark is moved at once; those behind it wait for their turn, and are told then.
    for id in 7..10_u64 {
        let read = json!(["read", {"chatroomId": scene.room, "seq": 1}]);
        attack.say(&format!("42{id}{read}")).await;
    }
    let mut told = Vec::new();
    while told.len() < 3 {
        let Said::Packet(packet) = attack.next().await else { panic!("an end after {told:?}") };
        told.extend(packet.strip_prefix("43").map(str::to_owned));
    }
    assert_eq!(told, ["7", "8", "9"].map(|id| format!(r#"{id}[{{"ok":true}}]"#)));
    scene.nothing_happened().await;
}

/// Every request is answered once, done or refused; none waits forever.
#[tokio::test]
async fn i07_a_flood_of_requests_for_acknowledgements_is_answered_one_by_one() {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    let message =
        |n: u64| json!(["chatroomMessage", {"chatroomId": scene.room, "message": "x", "clientId": format!("f-{n}")}]);
    let answers = answers(&mut attack, (0..FLOOD).map(|n| format!("42{n}{}", message(n))).collect()).await;
    assert_eq!(answers.keys().copied().collect::<Vec<_>>(), (0..FLOOD).collect::<Vec<_>>());
    let done: Vec<&Value> = answers.values().map(|said| &said[0]).filter(|said| said["ok"] == true).collect();
    let mut refused = answers.values().map(|said| &said[0]).filter(|said| said["ok"] == false);
    assert_eq!(refused.find(|said| said["error"]["code"] != "overloaded"), None);
    let history = scene.deployment.rest().history(&scene.room, &scene.attacker.token).await;
    let stored: Vec<&Value> = history
        .iter()
        .filter(|event| event["type"] == "new_message")
        .map(|event| &event["message"]["message_id"])
        .collect();
    let mut told: Vec<&Value> = done.iter().map(|said| &said["messageId"]).collect();
    told.sort_by_key(|id| stored.iter().position(|known| known == id));
    assert_eq!(told, stored, "what was acknowledged is stored, and nothing else");
    attack.lives().await;
    Scene { stored: history, ..scene }.nothing_happened().await;
}

/// The same name, and the same number, again while the first one waits.
#[tokio::test]
async fn i07_repeats_and_numbers_that_are_used_twice_are_all_answered() {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    let message = |name: &str| json!(["chatroomMessage", {"chatroomId": scene.room, "message": "x", "clientId": name}]);
    let packets =
        [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (4, "c")].map(|(id, name)| format!("42{id}{}", message(name)));
    let mut packets = packets.to_vec();
    // The name of one that waits, for something that nobody takes.
    packets.push(format!(r#"425["chatroomMessage",{{"chatroomId":"{}","message":"","clientId":"a"}}]"#, scene.room));
    let answers = answers(&mut attack, packets).await;
    let counts: Vec<(u64, usize)> = answers.iter().map(|(id, said)| (*id, said.len())).collect();
    assert_eq!(counts, [(1, 1), (2, 1), (3, 1), (4, 2), (5, 1)]);
    assert_eq!(answers[&5][0]["error"]["code"], "empty_content");
    let ids: Vec<&Value> = (1..4).map(|id| &answers[&id][0]["messageId"]).collect();
    assert!(ids[0].is_string() && ids.iter().all(|id| *id == ids[0]), "one message: {ids:?}");
    attack.lives().await;
}

/// Requests that are refused for different reasons are answered under their own numbers.
#[tokio::test]
async fn i07_refusals_in_a_row_are_answered_under_their_own_numbers() {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    let unknown = "01920000-0000-7000-8000-000000000001";
    let cases = [
        (json!(["fly", {}]), "unknown_type"),
        (json!(["joinRoom", {}]), "bad_field"),
        (json!(["leaveRoom", {}]), "bad_field"),
        (json!(["joinRoom", {"chatroomId": unknown}]), "unknown_room"),
        (json!(["chatroomMessage", {"chatroomId": scene.room, "message": ""}]), "empty_content"),
        (json!(["chatroomMessage", {"chatroomId": unknown, "message": "x"}]), "unknown_room"),
        (json!(["frame", {"type": "fly"}]), "unknown_type"),
        (json!([7]), "bad_field"),
    ];
    let packets = cases.iter().enumerate().map(|(id, (event, _))| format!("42{id}{event}"));
    let answers = answers(&mut attack, packets.collect()).await;
    for (id, (event, code)) in cases.iter().enumerate() {
        let said = &answers[&(id as u64)];
        assert_eq!((said.len(), &said[0]["error"]["code"]), (1, &json!(code)), "{event}");
    }
    attack.lives().await;
    scene.nothing_happened().await;
}

/// A transport that has changed is what it is: nothing of an upgrade is half done.
#[tokio::test]
async fn i07_what_belongs_to_an_upgrade_does_nothing_on_a_websocket() {
    let scene = Scene::new().await;
    let mut attack = scene.connected().await;
    attack.say("2probe").await;
    assert_eq!(attack.next().await, Said::Packet("3probe".to_owned()));
    for packet in ["5", "6", "3probe", "5"] {
        attack.say(packet).await;
    }
    attack.lives().await;
    scene.nothing_happened().await;
}

async fn asked(scene: &Scene, method: Method, query: &str, body: Vec<u8>) -> Answer {
    let path = format!("/socket.io/?{query}");
    let base = scene.deployment.sockets()[0].replace("ws://", "http://");
    let request = RawRequest { method, path: &path, token: Some(&scene.attacker.token), content_type: None, body };
    rookery_tests::rest::Rest::new(base).raw(request).await.expect("an answer")
}

/// As stock clients ask for a WebSocket; what the server says instead of opening one.
async fn handshake(scene: &Scene, query: &str) -> (u16, Value) {
    let mut exchange = Exchange::connect(&scene.deployment.sockets()[0].replace("ws://", "")).await;
    let head = format!(
        "GET /socket.io/?{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    exchange.step(&Step::Send(head)).await;
    let reply = exchange.reply(false).await.expect("an answer");
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
}

#[tokio::test]
async fn other_revisions_and_transports_are_refused_with_the_codes_of_engine_io() {
    let scene = Scene::new().await;
    for (query, code) in [
        ("EIO=3&transport=websocket", 5),
        ("EIO=5&transport=websocket", 5),
        ("EIO=&transport=websocket", 5),
        ("transport=websocket", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=flashsocket", 0),
        ("EIO=4&transport=__proto__", 0),
        ("EIO=4&EIO=3&transport=websocket", 3),
        ("EIO=4&transport=websocket&transport=polling", 3),
    ] {
        let (status, body) = handshake(&scene, query).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{query}: {body}");
        let answer = asked(&scene, Method::GET, query, Vec::new()).await;
        assert_eq!(answer.status, if query == "EIO=4&transport=websocket" { 426 } else { 400 }, "{query}");
    }
    scene.nothing_happened().await;
}

/// Where long-polling is off, who begins with it is told the name of the setting, and no body is read.
#[tokio::test]
async fn i04_polling_that_is_off_is_refused_with_the_name_of_the_setting() {
    let scene = Scene::new().await;
    let answer = asked(&scene, Method::GET, "EIO=4&transport=polling&t=x", Vec::new()).await;
    assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(0)));
    assert!(answer.json()["message"].as_str().unwrap().contains("socketio_polling"), "{}", answer.text);
    let body = format!("42{}", json!(["chatroomMessage", scene.message()])).into_bytes();
    let answer = asked(&scene, Method::POST, "EIO=4&transport=polling&sid=x", body).await;
    assert!(matches!(answer.status, 400 | 405), "{} {}", answer.status, answer.text);
    let mut exchange = Exchange::connect(&scene.deployment.sockets()[0].replace("ws://", "")).await;
    let head =
        "POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
    exchange.step(&Step::Send(head.to_owned())).await;
    let reply = exchange.reply(false).await.expect("an answer before the body");
    assert!(matches!(reply.status, 400 | 405 | 413), "{}", reply.status);
    scene.nothing_happened().await;
}

/// A sid is no key: neither a guess nor the one that somebody else was given opens anything.
#[tokio::test]
async fn i05_a_transport_with_the_sid_of_somebody_else_is_refused() {
    let scene = Scene::new().await;
    let mut victim = scene.opened_with_sid().await;
    for sid in [victim.1.as_str(), "x", "", "01920000-0000-7000-8000-000000000001", "__proto__"] {
        let (status, body) = handshake(&scene, &format!("EIO=4&transport=websocket&sid={sid}")).await;
        assert_eq!((status, &body["code"]), (400, &json!(1)), "{sid}: {body}");
        let answer = asked(&scene, Method::GET, &format!("EIO=4&transport=polling&sid={sid}"), Vec::new()).await;
        assert_eq!(answer.status, 400, "{sid}");
    }
    victim.0.say("40").await;
    assert!(matches!(victim.0.next().await, Said::Packet(packet) if packet.starts_with("40{")));
    victim.0.next().await;
    victim.0.lives().await;
    scene.nothing_happened().await;
}
