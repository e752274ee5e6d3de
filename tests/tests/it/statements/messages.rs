//! Messages.

use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::{Attempt, Socket, Way};
use rookery_tests::{names, shared};
use serde_json::json;

use super::Scene;
use crate::talk::{hear, say};

#[tokio::test]
async fn s1_19_s1_20_s1_21_s4_03_s4_04_s4_12_what_is_sent_by_frame_is_pushed_to_every_member() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (mut owner, mut member) = (scene.live(0, &scene.owner).await, scene.live(1, &scene.member).await);
        let said = say(&mut owner, &scene.room, "hello").await;
        hear(&mut member, &said).await;
        let message = &said["message"];
        assert!(message["message_id"].is_string(), "{said}");
        assert_eq!(
            (&message["user_id"], &message["username"], &message["content"]),
            (&json!(scene.owner.user_id), &json!(scene.owner.username), &json!("hello"))
        );
        let at = message["timestamp"].as_str().expect("a time");
        assert!(at.ends_with('Z') && at.contains('T'), "{at}");
    }
}

#[tokio::test]
async fn s4_01_every_path_and_socket_of_chats_needs_a_login() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        for path in [scene.path(""), scene.path("/messages"), scene.path("/members"), "/api/v1/rooms".to_owned()] {
            scene.rest.get(&path, None).await.expect_problem(401, "unauthenticated");
        }
        let said = scene.rest.post(&scene.path("/messages"), None, &json!({"content": "anonymous"})).await;
        said.expect_problem(401, "unauthenticated");
        if let Attempt::Open(mut socket) =
            Socket::connect(&deployment.sockets()[0], "/ws", "nonsense", Way::Header).await
        {
            assert_eq!(socket.closed(PATIENCE).await, Some(4401), "a socket without a login");
        }
    }
}

#[tokio::test]
async fn s4_05_who_sent_a_message_is_told_by_the_token_and_never_by_the_frame() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut member = scene.live(1, &scene.member).await;
        for (field, lie) in [("user_id", &scene.owner.user_id), ("username", &scene.owner.username)] {
            let client_id = names::unique("lie");
            let mut frame =
                json!({"type": "message", "room": scene.room, "client_id": client_id, "content": "I am another"});
            frame[field] = json!(lie);
            member.send(frame).await;
            let said = member
                .expect("the echo", |frame| frame["message"]["client_id"] == client_id.as_str())
                .await;
            assert_eq!(
                (&said["message"]["user_id"], &said["message"]["username"]),
                (&json!(scene.member.user_id), &json!(scene.member.username))
            );
            let mut body = json!({"content": "I am another"});
            body[field] = json!(lie);
            scene.rest.say(&scene.room, &scene.member, &body).await.expect_problem(400, "bad_field");
        }
    }
}

#[tokio::test]
async fn s2_12_s3_17_a_message_sent_over_rest_reaches_open_sockets() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut owner = scene.live(1, &scene.owner).await;
        let body = json!({"content": "by REST"});
        let sent = scene.rest.say(&scene.room, &scene.member, &body).await.expect(201).json();
        let heard = owner
            .expect("the message", |frame| frame["message"]["message_id"] == sent["message_id"])
            .await;
        assert_eq!((&heard["message"]["content"], &heard["seq"]), (&json!("by REST"), &sent["seq"]));
        scene
            .rest
            .post(&scene.path("/messages"), None, &body)
            .await
            .expect_problem(401, "unauthenticated");
        scene
            .rest
            .say(&scene.room, &scene.stranger, &body)
            .await
            .expect_problem(403, "not_a_member");
    }
}

#[tokio::test]
async fn s2_13_s3_16_s4_06_s4_07_s5_05_s5_06_s5_15_s5_16_history_is_kept_for_members_only() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        for number in 0..7 {
            let body = json!({"content": format!("number {number}")});
            let _said = scene.rest.say(&scene.room, &scene.owner, &body).await.expect(201);
        }
        let page = scene
            .rest
            .get(&scene.path("/messages?limit=5"), Some(&scene.member.token))
            .await
            .expect(200)
            .json();
        let events = page["events"].as_array().expect("a page");
        let texts: Vec<&str> = events.iter().filter_map(|event| event["message"]["content"].as_str()).collect();
        assert_eq!(texts, ["number 2", "number 3", "number 4", "number 5", "number 6"]);
        for event in events {
            assert_eq!(
                (&event["room"], &event["message"]["user_id"]),
                (&json!(scene.room), &json!(scene.owner.user_id))
            );
            assert!(event["message"]["timestamp"].is_string(), "{event}");
        }
        let cursor = page["prev_cursor"].as_str().expect("there is more");
        let older = format!("/messages?limit=5&before={cursor}");
        let older = scene.rest.get(&scene.path(&older), Some(&scene.member.token)).await.expect(200).json();
        assert!(older.to_string().contains("number 1"), "{older}");
        let strange = scene.rest.get(&scene.path("/messages"), Some(&scene.stranger.token)).await;
        strange.expect_problem(403, "not_a_member");
    }
}

#[tokio::test]
async fn s3_18_s4_26_authors_edit_their_messages() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut owner = scene.live(0, &scene.owner).await;
        let body = json!({"content": "first"});
        let sent = scene.rest.say(&scene.room, &scene.member, &body).await.expect(201).json();
        let id = sent["message_id"].as_str().expect("an id").to_owned();
        let path = scene.path(&format!("/messages/{id}"));
        let edit = json!({"content": "second"});
        scene
            .rest
            .put(&path, Some(&scene.stranger.token), &edit)
            .await
            .expect_problem(403, "not_a_member");
        let _edited = scene.rest.put(&path, Some(&scene.member.token), &edit).await.expect(200);
        let told = owner.expect_type("message_edited").await;
        assert_eq!((&told["message_id"], &told["content"]), (&json!(id), &json!("second")));
        let history = scene.rest.history(&scene.room, &scene.owner.token).await;
        assert!(history.iter().any(|frame| frame["message"]["content"] == "second"), "{history:?}");
    }
}

#[tokio::test]
async fn s3_19_s4_08_authors_delete_their_messages_and_no_other_member_does() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut member = scene.live(1, &scene.member).await;
        let body = json!({"content": "to be deleted"});
        let sent = scene.rest.say(&scene.room, &scene.owner, &body).await.expect(201).json();
        let path = scene.path(&format!("/messages/{}", sent["message_id"].as_str().expect("an id")));
        let other = scene.rest.delete(&path, Some(&scene.member.token)).await;
        assert!([403, 404].contains(&other.status), "{}", other.text);
        let deleted = scene.rest.delete(&path, Some(&scene.owner.token)).await;
        assert!([200, 204].contains(&deleted.status), "{}", deleted.text);
        let told = member.expect_type("message_deleted").await;
        assert_eq!(told["message_id"], sent["message_id"]);
        let history = scene.rest.get(&scene.path("/messages"), Some(&scene.member.token)).await.expect(200);
        assert!(!history.text.contains("to be deleted"), "{}", history.text);
    }
}

#[tokio::test]
async fn s3_20_s4_24_members_react_with_emoji_and_write_them() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut owner = scene.live(0, &scene.owner).await;
        let said = say(&mut owner, &scene.room, "party 🎉👩‍👩‍👧‍👦").await;
        let id = said["message"]["message_id"].as_str().expect("an id");
        let path = scene.path(&format!("/messages/{id}/reactions/%F0%9F%8E%89"));
        let reacted = scene.rest.put(&path, Some(&scene.member.token), &json!(null)).await;
        assert!([200, 204].contains(&reacted.status), "{}", reacted.text);
        let told = owner.expect_type("reaction_added").await;
        assert_eq!((&told["message_id"], &told["emoji"]), (&json!(id), &json!("🎉")));
    }
}

#[tokio::test]
async fn s3_30_s4_21_typing_reaches_the_others_in_the_room() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (mut owner, mut member) = (scene.live(0, &scene.owner).await, scene.live(1, &scene.member).await);
        member.send(json!({"type": "typing", "room": scene.room})).await;
        let told = owner.expect_type("typing").await;
        assert_eq!((&told["room"], &told["user"]["user_id"]), (&json!(scene.room), &json!(scene.member.user_id)));
    }
}
