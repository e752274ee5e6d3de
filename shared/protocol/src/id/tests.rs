//! What is an id, and what is not.

use super::*;

#[test]
fn room_ref_tells_ids_from_slugs() {
    let id = RoomId::generate();
    assert_eq!(id.to_string().parse(), Ok(RoomRef::Id(id)));
    assert!(matches!("general".parse(), Ok(RoomRef::Slug(_))));
    for bad in ["", "General", "a b", "*", "a\n", "{x}", &"a".repeat(65)] {
        assert_eq!(bad.parse::<RoomRef>(), Err(BadId), "{bad:?}");
    }
}

#[test]
fn an_id_has_one_form() {
    let id = UserId::generate();
    let (text, simple) = (id.to_string(), id.as_uuid().simple().to_string());
    assert_eq!(UserId::from_hyphenated(&text.to_uppercase()), Ok(id));
    assert_eq!(serde_json::from_value::<UserId>(text.clone().into()).ok(), Some(id));
    for other in [simple, format!("{{{text}}}"), format!("urn:uuid:{text}"), format!("{text} ")] {
        assert_eq!(UserId::from_hyphenated(&other), Err(BadId), "{other}");
        assert!(serde_json::from_value::<UserId>(other.clone().into()).is_err(), "{other}");
        assert_eq!(other.parse::<RoomRef>(), Err(BadId), "{other}");
    }
}

#[test]
fn a_number_is_whole_however_it_is_written() {
    let read = |text: &str| serde_json::from_str::<Seq>(text).ok().map(Seq::get);
    for (text, number) in [("7", 7), ("7.0", 7), ("7e0", 7), ("70e-1", 7), ("0", 0), ("-0", 0), ("-0.0", 0)] {
        assert_eq!(read(text), Some(number), "{text}");
    }
    assert_eq!([read("9007199254740991"), read("9007199254740991.0")], [Some(Seq::MAX.get()); 2]);
    for bad in ["7.5", "-1", "-1.0", "1e300", "9007199254740992", "9007199254740992.0", "\"7\"", "null", "true"] {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn epoch_text_is_strict() {
    assert_eq!("e12".parse(), Ok(Epoch(12)));
    for bad in ["", "e", "12", "e-1", "e+1", "e1x", "e99999999999999999999"] {
        assert_eq!(bad.parse::<Epoch>(), Err(BadId), "{bad:?}");
    }
}

#[test]
fn a_message_id_depends_on_every_part() {
    let (room, user) = (RoomId::generate(), UserId::generate());
    let name = ClientId::generate();
    let id = MessageId::derive(room, user, &name, "hi");
    assert_eq!(id, MessageId::derive(room, user, &name, "hi"));
    assert_ne!(id, MessageId::derive(RoomId::generate(), user, &name, "hi"));
    assert_ne!(id, MessageId::derive(room, UserId::generate(), &name, "hi"));
    assert_ne!(id, MessageId::derive(room, user, &ClientId::generate(), "hi"));
    assert_ne!(id, MessageId::derive(room, user, &name, "ho"));
}
