//! What is kept, as a backup has it: a copy of all that the store holds, in either deployment.

use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::PASSWORD;
use rookery_tests::ws::Socket;
use rookery_tests::{dirs, names, shared};
use serde_json::json;

fn has(copy: &[u8], text: &str) -> bool {
    copy.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn s5_17_users_messages_rooms_and_members_are_stored_and_no_password_is() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (creator, member) = (rest.new_user("creator").await, rest.new_user("member").await);
        let (name, description) = (names::unique("Stored room"), names::unique("what it is about"));
        let room = json!({"name": name, "description": description, "visibility": "public"});
        let room = rest.post("/api/v1/rooms", Some(&creator.token), &room).await.expect(201).json();
        let id = room["room_id"].as_str().or(room["id"].as_str()).expect("an id").to_owned();
        let _joined = rest.join(&id, &member).await.expect(200);
        let (general, inside) = (names::unique("to everybody"), names::unique("to the room"));
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws", &member.token).await;
        for (room, text) in [("general", &general), (id.as_str(), &inside)] {
            socket.subscribe(room).await;
            socket
                .send(json!({"type": "message", "room": room, "content": text, "client_id": names::unique("c")}))
                .await;
            socket.expect_type("ack").await;
        }
        let shown = rest.get(&format!("/api/v1/rooms/{id}"), Some(&creator.token)).await.expect(200).json();
        assert_eq!((&shown["name"], &shown["description"]), (&json!(name), &json!(description)));
        let members = rest
            .get(&format!("/api/v1/rooms/{id}/members"), Some(&creator.token))
            .await
            .expect(200)
            .json();
        let role = |user: &str| {
            let rows = members["members"].as_array().expect("a list");
            let row = rows.iter().find(|row| row["user_id"] == json!(user));
            row.map(|row| row["role"].clone())
        };
        assert_eq!(role(&creator.user_id), Some(json!("owner")), "{members}");
        assert_eq!(role(&member.user_id), Some(json!("member")), "{members}");
        let file = dirs::fresh("stored").join("copy").display().to_string();
        deployment.command(&["backup", &file], "");
        let copy = std::fs::read(&file).expect("a backup");
        for text in [&creator.username, &creator.email, &name, &description, &general, &inside] {
            assert!(has(&copy, text), "{}: {text}", deployment.name());
        }
        assert!(has(&copy, "$argon2id$") && !has(&copy, PASSWORD), "{}", deployment.name());
    }
}
