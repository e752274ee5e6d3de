//! What a reply answers: a message that this node has relayed costs no question, any other one question.

use rookery_bus::authority::MessageFacts;
use rookery_protocol::attachment::Attachment;
use rookery_protocol::id::{FileId, MessageId};

use super::*;

fn reply(to: impl std::fmt::Display) -> String {
    format!(r#"{{"content":"yes","client_id":"c-1","reply_to":"{to}"}}"#)
}

#[tokio::test(start_paused = true)]
async fn b15_replies_to_what_was_relayed_ask_nobody() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    let said = setup.bus.say(setup.authority.room, "a question");
    assert_eq!(client.next().await["message"]["content"], "a question");
    setup.authority.looks.store(0, Ordering::SeqCst);
    client.say(&reply(said.event.id)).await;
    assert_eq!(client.next().await["message"]["reply_to"], said.event.id.to_string());
    assert_eq!(setup.authority.looks.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn b15_replies_to_anything_else_are_asked_about_once() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    let known = MessageId::generate();
    let facts = MessageFacts { author: UserId::generate(), deleted: true, emojis: Vec::new(), now: None };
    setup.authority.messages.lock().insert(known, facts);
    for _ in 0..3 {
        client.say(&format!(r#"{{"content":"yes","reply_to":"{known}"}}"#)).await;
        assert_eq!(client.next().await["message"]["reply_to"], known.to_string());
    }
    assert_eq!(setup.authority.looks.load(Ordering::SeqCst), 1);
    client.say(&reply(MessageId::generate())).await;
    let error = client.next().await;
    assert_eq!((&error["code"], &error["field"]), (&Value::from("unknown_message"), &Value::from("reply_to")));
    setup.authority.away.store(true, Ordering::SeqCst);
    client.say(&reply(MessageId::generate())).await;
    let error = client.next().await;
    assert_eq!((&error["code"], &error["client_id"]), (&Value::from("unavailable"), &Value::from("c-1")));
    assert!(error["retry_after_ms"].is_u64());
}

#[tokio::test(start_paused = true)]
async fn files_are_claimed_whatever_is_known_of_what_a_message_answers() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    let said = setup.bus.say(setup.authority.room, "a question");
    assert_eq!(client.next().await["message"]["content"], "a question");
    let file = Attachment { name: "a.txt".to_owned(), size: 7, ..Attachment::unclaimed(FileId::generate()) };
    setup.authority.files.lock().insert(file.file_id, file.clone());
    let facts = MessageFacts { author: UserId::generate(), deleted: false, emojis: Vec::new(), now: None };
    setup.authority.messages.lock().insert(said.event.id, facts);
    let frame =
        |file: FileId| format!(r#"{{"type":"message","reply_to":"{}","attachments":["{file}"]}}"#, said.event.id);
    client.say(&frame(file.file_id)).await;
    let heard = client.next().await;
    assert_eq!(heard["message"]["attachments"], serde_json::json!([file]));
    client.say(&frame(FileId::generate())).await;
    let error = client.next().await;
    assert_eq!((&error["code"], &error["field"]), (&Value::from("bad_attachment"), &Value::from("attachments")));
}
