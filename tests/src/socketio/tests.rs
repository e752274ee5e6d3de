use super::*;

fn connected() -> Packets {
    let mut packets = Packets::default();
    let open = r#"0{"sid":"01920000-0000-7000-8000-000000000001","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":32768}"#;
    assert_eq!(packets.read(open), Heard::Frames(Vec::new()));
    assert_eq!(packets.read(r#"40{"sid":"x"}"#), Heard::Frames(Vec::new()));
    packets
}

fn heard(packets: &mut Packets, text: &str) -> Value {
    match packets.read(text) {
        Heard::Frames(frames) if frames.len() == 1 => frames[0].clone(),
        other @ (Heard::Frames(_) | Heard::Ping) => panic!("{other:?}"),
    }
}

#[test]
fn a_message_goes_out_and_comes_back_as_in_the_protocol() {
    let mut packets = connected();
    let frame =
        json!({"type": "message", "room": "01920000-0000-7000-8000-0000000000a1", "client_id": "c", "content": "hi"});
    assert_eq!(
        packets.write(&frame),
        r#"421["chatroomMessage",{"chatroomId":"01920000-0000-7000-8000-0000000000a1","clientId":"c","message":"hi"}]"#
    );
    let ack = heard(
        &mut packets,
        r#"431[{"ok":true,"messageId":"01920000-0000-8000-8000-000000000001","epoch":"e1","seq":1,"timestamp":"2026-03-12T10:00:00.123Z"}]"#,
    );
    let expected = json!({"type": "ack", "client_id": "c", "room": "01920000-0000-7000-8000-0000000000a1", "message_id": "01920000-0000-8000-8000-000000000001", "epoch": "e1", "seq": 1,
        "timestamp": "2026-03-12T10:00:00.123Z"});
    assert_eq!(ack, expected);
    packets.write(&frame);
    let failed = r#"432[{"ok":false,"error":{"code":"muted","message":"…","field":"chatroomId","retryAfterMs":7}}]"#;
    let error = json!({"type": "error", "code": "muted", "message": "…", "field": "room", "retry_after_ms": 7,
        "client_id": "c"});
    assert_eq!(heard(&mut packets, failed), error);
    let told = heard(
        &mut packets,
        r#"42["newMessage",{"chatroomId":"01920000-0000-7000-8000-0000000000a1","messageId":"01920000-0000-8000-8000-000000000001","userId":"01920000-0000-7000-8000-000000000002","username":"n","message":"hi","timestamp":"2026-03-12T10:00:00.123Z","epoch":"e1","seq":1,"clientId":"c"}]"#,
    );
    let message = json!({"message_id": "01920000-0000-8000-8000-000000000001", "user_id": "01920000-0000-7000-8000-000000000002", "username": "n", "content": "hi", "timestamp": "2026-03-12T10:00:00.123Z",
        "client_id": "c", "reply_to": null, "attachments": []});
    assert_eq!(
        told,
        json!({"type": "new_message", "room": "01920000-0000-7000-8000-0000000000a1", "epoch": "e1", "seq": 1, "message": message})
    );
}

#[test]
fn a_join_is_acknowledged_as_what_it_was() {
    let mut packets = connected();
    let frame = json!({"type": "subscribe", "rooms": [{"room": "general", "epoch": "e1", "seq": 1}]});
    assert_eq!(packets.write(&frame), r#"421["joinRoom",{"chatroomId":"general","epoch":"e1","seq":1}]"#);
    heard(
        &mut packets,
        r#"42["frame",{"type":"subscribed","room":"01920000-0000-7000-8000-0000000000a1","slug":"general","name":"General","epoch":"e1","head":2,"stored":2,"you":{"role":"member"}}]"#,
    );
    heard(
        &mut packets,
        r#"42["messageDeleted",{"chatroomId":"01920000-0000-7000-8000-0000000000a1","messageId":"01920000-0000-8000-8000-000000000001","userId":"01920000-0000-7000-8000-000000000002","username":"n","timestamp":"2026-03-12T10:00:00.123Z","epoch":"e1","seq":2}]"#,
    );
    let done = heard(&mut packets, r#"431[{"ok":true,"epoch":"e1","seq":2,"missed":1}]"#);
    assert_eq!(done, json!({"type": "caught_up", "room": "01920000-0000-7000-8000-0000000000a1", "seq": 2}));
}

fn fails(packets: &str) -> bool {
    std::panic::catch_unwind(|| connected().read(packets)).is_err()
}

#[test]
fn what_the_documents_do_not_know_fails() {
    assert!(!fails(r#"42["frame",{"type":"pong"}]"#));
    for packet in [
        r#"42["surprise",{}]"#,
        r#"42["typing",{"chatroomId":"01920000-0000-7000-8000-0000000000a1","userId":"01920000-0000-7000-8000-000000000002","username":"n","email":"x"}]"#,
        r#"42["typing",{"chatroomId":"01920000-0000-7000-8000-0000000000a1"}]"#,
        r#"42["frame"]"#,
        r#"437[{"ok":true}]"#,
        r#"40{"sid":"again"}"#,
        "9",
        "",
    ] {
        assert!(fails(packet), "{packet}");
    }
}

#[test]
fn who_is_not_to_come_back_is_told_so() {
    let mut packets = connected();
    packets.closed(Some(1012));
    packets.closed(Some(4401));
    let broken = std::panic::catch_unwind(|| connected().closed(Some(4409)));
    assert!(broken.is_err(), "a stock client would try again");
    packets.read("41");
    packets.closed(Some(4409));
}
