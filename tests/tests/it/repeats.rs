//! Requests that are sent again under their `Idempotency-Key`: the same answer, and nothing is done twice; on one process and
//! over two apis.

use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::rest::{Account, Answer, PASSWORD, Rest};
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::accounts::admin;
use crate::joining::rest_of_another_api;
use crate::schedules::later;

const ROOMS: &str = "/api/v1/rooms";

async fn post(rest: &Rest, path: &str, by: &Account, key: &str, body: &Value) -> Answer {
    rest.post_keyed(path, &by.token, key, body).await
}

/// What an answer says: its body is new only where it names the request.
fn said(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    if let Some(problem) = body.as_object_mut() {
        problem.remove("request_id");
    }
    (answer.status, body)
}

/// Public rooms of the user.
async fn rooms_of(rest: &Rest, user: &Account) -> usize {
    let mine = rest.get("/api/v1/rooms/mine?limit=200", Some(&user.token)).await.expect(200).json();
    mine["rooms"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_repeat_has_the_same_answer_and_another_request_is_refused() {
    for deployment in shared::both().await {
        let (rest, (other, _api)) = (deployment.rest(), rest_of_another_api(deployment).await);
        let (ada, bob) = (rest.new_user("ada").await, rest.new_user("bob").await);
        let body = json!({"name": names::unique("Tea"), "visibility": "private"});
        let first = post(&rest, ROOMS, &ada, "k-1", &body).await.expect(201);
        assert!(first.json()["invite_url"].is_string(), "{}", first.text);
        let again = post(&other, ROOMS, &ada, "k-1", &body).await;
        assert_eq!(
            (said(&again), again.headers.get("content-type")),
            (said(&first), first.headers.get("content-type"))
        );
        let reused = |answer: Answer| answer.expect_problem(409, "idempotency_key_reused");
        reused(post(&other, ROOMS, &ada, "k-1", &json!({"name": names::unique("Else")})).await);
        reused(post(&rest, "/api/v1/direct", &ada, "k-1", &body).await);
        let _another_key = post(&rest, ROOMS, &ada, "k-2", &body).await.expect(201);
        let _another_user = post(&rest, ROOMS, &bob, "k-1", &body).await.expect(201);
        // Of the general room, and those of the two keys.
        assert_eq!(rooms_of(&rest, &ada).await, 3);
    }
}

#[tokio::test]
async fn refusals_are_kept_unless_they_may_end() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let ada = rest.new_user("ada").await;
        let name = names::unique("Taken");
        let bad = json!({"name": name, "members_max": 1});
        let first = post(&rest, ROOMS, &ada, "bad", &bad).await;
        first.expect_problem(400, "bad_field");
        let again = post(&rest, ROOMS, &ada, "bad", &bad).await;
        assert_eq!(said(&again), said(&first));
        assert_ne!(again.json()["request_id"], first.json()["request_id"]);
        let taken = json!({"name": name, "visibility": "public"});
        let _taken = rest.post(ROOMS, Some(&ada.token), &taken).await.expect(201);
        post(&rest, ROOMS, &ada, "taken", &taken).await.expect_problem(409, "room_name_taken");
        rest.post_keyed(ROOMS, "no token", "k", &taken)
            .await
            .expect_problem(401, "unauthenticated");
        for key in ["", "two words", &"x".repeat(256)] {
            let refused = post(&rest, ROOMS, &ada, key, &taken).await;
            refused.expect_problem(400, "bad_field");
            assert_eq!(refused.json()["field"], "Idempotency-Key");
        }
        // Where nothing is made, the header says nothing.
        let path = format!("{ROOMS}/general/leave");
        let _left = post(&rest, &path, &ada, "", &json!({})).await.expect(204);
    }
}

/// Many at once: one is carried out, the others wait for its answer.
#[tokio::test]
async fn identical_requests_at_once_are_done_once() {
    for deployment in shared::both().await {
        let (rest, (other, _api)) = (deployment.rest(), rest_of_another_api(deployment).await);
        let (ada, bob, eve) = (rest.new_user("ada").await, rest.new_user("bob").await, rest.new_user("eve").await);
        let room = rest.new_room(&ada, "public").await;
        let group = json!({"user_ids": [bob.user_id, eve.user_id]});
        let cases = [
            (ROOMS.to_owned(), json!({"name": names::unique("Race"), "visibility": "private"})),
            ("/api/v1/direct".to_owned(), group),
            (format!("{ROOMS}/{room}/messages"), json!({"content": "once"})),
            (
                format!("{ROOMS}/{room}/scheduled"),
                json!({"content": "later", "send_at": later(Duration::from_hours(1))}),
            ),
            (format!("{ROOMS}/{room}/invites"), json!({"max_uses": 1})),
        ];
        for (path, body) in &cases {
            for round in 0..3 {
                let key = format!("{path} {round}").replace(' ', "-");
                let all = (0..16).map(|n| post(if n % 2 == 0 { &rest } else { &other }, path, &ada, &key, body));
                let all = join_all(all).await;
                assert_eq!(all[0].status, 201, "{path}: {}", all[0].text);
                assert!(all.iter().all(|one| said(one) == said(&all[0])), "{path}: {all:#?}");
            }
        }
        let history = rest.history(&room, &ada.token).await;
        assert_eq!(history.iter().filter(|event| event["message"]["content"] == "once").count(), 3);
        let listed = |path: &str| rest_list(&rest, &ada, path.to_owned());
        assert_eq!(listed(&format!("{ROOMS}/{room}/scheduled")).await["scheduled"].as_array().unwrap().len(), 3);
        assert_eq!(listed(&format!("{ROOMS}/{room}/invites")).await["invites"].as_array().unwrap().len(), 3);
        // The general room, the one above, three private ones and three groups.
        assert_eq!(rooms_of(&rest, &ada).await, 8);
    }
}

async fn rest_list(rest: &Rest, by: &Account, path: String) -> Value {
    rest.get(&path, Some(&by.token)).await.expect(200).json()
}

/// An answer that is shown once is shown again under its key, and the store has neither the code nor a password.
#[tokio::test]
async fn answers_with_secrets_are_given_again_and_kept_sealed() {
    let deployment = shared::standalone().await;
    let rest = deployment.rest();
    let admin = admin(deployment).await;
    let path = "/api/v1/admin/invites";
    let first = post(&rest, path, &admin, "invite", &json!({"max_uses": 3})).await.expect(201);
    let again = post(&rest, path, &admin, "invite", &json!({"max_uses": 3})).await;
    assert_eq!(said(&again), said(&first));
    let copy = json!({"password": PASSWORD});
    let _asked = post(&rest, "/api/v1/users/me/export", &admin, "copy", &copy).await.expect(202);
    let code = first.json()["code"].as_str().expect("a code").to_owned();
    for name in ["rookery.db", "rookery.db-wal"] {
        let bytes = std::fs::read(deployment.keys_dir().join(name)).unwrap_or_default();
        for secret in [code.as_bytes(), PASSWORD.as_bytes()] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{name}");
        }
    }
}

/// Only the bytes of a file say whether it is the same.
#[tokio::test]
async fn a_file_is_uploaded_once_under_its_key() {
    for deployment in shared::both().await {
        let (rest, (other, _api)) = (deployment.rest(), rest_of_another_api(deployment).await);
        let ada = rest.new_user("ada").await;
        let path = "/api/v1/files?name=notes.txt";
        let send =
            async |rest: &Rest, bytes: &[u8]| rest.raw_keyed([path, &ada.token, "file"], None, bytes.to_vec()).await;
        let (first, second, third) = tokio::join!(send(&rest, b"milk"), send(&other, b"milk"), send(&rest, b"milk"));
        let all = [first, second, third];
        assert_eq!(all[0].status, 201, "{}", all[0].text);
        assert!(all.iter().all(|one| said(one) == said(&all[0])), "{all:#?}");
        assert_eq!(said(&send(&other, b"milk").await), said(&all[0]));
        send(&rest, b"mild").await.expect_problem(409, "idempotency_key_reused");
        // The boundary of a form is another one each time.
        let form = |boundary: &str| {
            let text = format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ntext\r\n--{boundary}--\r\n"
            );
            let content_type = format!("multipart/form-data; boundary={boundary}");
            let (rest, token) = (rest.clone(), ada.token.clone());
            async move {
                let (path, body) = ("/api/v1/files", text.into_bytes());
                rest.raw_keyed([path, &token, "form"], Some(&content_type), body).await
            }
        };
        let (first, again) = (form("one").await.expect(201), form("two").await);
        assert_eq!(said(&again), said(&first));
    }
}
