//! Messages that are sent later: once, in time, under the rights of then, whatever process ends meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use rookery_protocol::clock::UnixMillis;
use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{Account, Answer, Rest};
use rookery_tests::{names, shared, wait};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::files::{id, upload};

/// So far ahead at least.
const SOONEST: Duration = Duration::from_secs(10);

/// How long thirty requests may take a slow machine before the first is due, and what must lie ahead of the last.
const DUE_AFTER: Duration = Duration::from_secs(20);

/// A time so far from now, as requests have it.
pub(crate) fn later(ahead: Duration) -> String {
    UnixMillis::now().plus(ahead).to_string()
}

/// A little later than the soonest time, as a request takes a while.
fn soon() -> String {
    later(SOONEST + Duration::from_secs(3))
}

async fn schedule(rest: &Rest, room: &str, user: &Account, body: &Value) -> Answer {
    rest.post(&format!("/api/v1/rooms/{room}/scheduled"), Some(&user.token), body).await
}

async fn scheduled(rest: &Rest, room: &str, user: &Account) -> Vec<Value> {
    let page = rest.get(&format!("/api/v1/rooms/{room}/scheduled?limit=200"), Some(&user.token)).await;
    page.expect(200).json()["scheduled"].as_array().expect("a list").clone()
}

fn path(room: &str, schedule: &Value) -> String {
    format!("/api/v1/rooms/{room}/scheduled/{}", schedule["schedule_id"].as_str().expect("an id"))
}

/// Waits until none of these waits any more.
async fn until_over(rest: &Rest, room: &str, user: &Account, count: usize) -> Vec<Value> {
    let mut all = Vec::new();
    wait::until("all are sent", async || {
        all = scheduled(rest, room, user).await;
        all.len() == count && all.iter().all(|one| one["state"] == "sent" || one["state"] == "failed")
    })
    .await;
    all
}

/// How often each text was said in a room.
async fn said(rest: &Rest, room: &str, user: &Account) -> BTreeMap<String, Vec<Value>> {
    let mut said: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in rest.history(room, &user.token).await {
        if event["type"] == "new_message" {
            let message = event["message"].clone();
            said.entry(message["content"].as_str().expect("a text").to_owned())
                .or_default()
                .push(message);
        }
    }
    said
}

fn time(value: &Value) -> UnixMillis {
    serde_json::from_value(value.clone()).expect("a time")
}

#[tokio::test]
async fn s3_32_a_message_is_sent_once_at_its_time_unless_it_is_changed_or_cancelled() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("scheduler").await;
        let room = rest.new_room(&user, "public").await;
        let answered = rest.say(&room, &user, &json!({"content": "first"})).await.expect(201).json();
        let body = json!({"content": "later", "send_at": soon(), "reply_to": answered["message_id"]});
        let made = schedule(&rest, &room, &user, &body).await.expect(201).json();
        assert_eq!(
            (&made["state"], &made["message_id"], &made["room"]),
            (&json!("scheduled"), &Value::Null, &json!(room))
        );
        let changed = schedule(&rest, &room, &user, &json!({"content": "before", "send_at": soon()}))
            .await
            .expect(201);
        let change = json!({"content": "after"});
        let changed = rest
            .patch(&path(&room, &changed.json()), Some(&user.token), &change)
            .await
            .expect(200)
            .json();
        assert_eq!((&changed["content"], &changed["state"]), (&json!("after"), &json!("scheduled")));
        let cancelled = schedule(&rest, &room, &user, &json!({"content": "never", "send_at": soon()}))
            .await
            .expect(201);
        let cancelled = path(&room, &cancelled.json());
        let _gone = rest.delete(&cancelled, Some(&user.token)).await.expect(204);
        rest.delete(&cancelled, Some(&user.token)).await.expect_problem(404, "not_found");
        let stranger = rest.new_user("stranger").await;
        let _joined = rest.join(&room, &stranger).await.expect(200);
        assert!(scheduled(&rest, &room, &stranger).await.is_empty(), "they are one's own");
        rest.patch(&path(&room, &made), Some(&stranger.token), &change)
            .await
            .expect_problem(404, "not_found");
        rest.delete(&path(&room, &made), Some(&stranger.token))
            .await
            .expect_problem(404, "not_found");
        let all = until_over(&rest, &room, &user, 2).await;
        let history = said(&rest, &room, &user).await;
        assert_eq!(history.keys().collect::<Vec<_>>(), ["after", "first", "later"]);
        for one in &all {
            let message = &history[one["content"].as_str().expect("a text")];
            assert_eq!((message.len(), &one["state"]), (1, &json!("sent")), "{one}");
            assert_eq!(message[0]["message_id"], one["message_id"]);
            assert!(time(&message[0]["timestamp"]) >= time(&one["send_at"]), "not before its time");
        }
        assert_eq!(history["later"][0]["reply_to"], answered["message_id"]);
        let sent = path(&room, &all[0]);
        rest.patch(&sent, Some(&user.token), &change).await.expect_problem(409, "already_sent");
        let _forgotten = rest.delete(&sent, Some(&user.token)).await.expect(204);
        assert_eq!(scheduled(&rest, &room, &user).await.len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_scheduled_is_refused() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, outsider) = (rest.new_user("refused").await, rest.new_user("outsider").await);
        let room = rest.new_room(&user, "public").await;
        let hours = |hours: u64| later(Duration::from_hours(hours));
        for (send_at, code) in [
            (later(Duration::from_secs(5)), "bad_field"),
            (hours(367 * 24), "bad_field"),
            ("yesterday".to_owned(), "bad_field"),
        ] {
            let body = json!({"content": "x", "send_at": send_at});
            schedule(&rest, &room, &user, &body).await.expect_problem(400, code);
        }
        let empty = json!({"content": " ", "send_at": hours(1)});
        schedule(&rest, &room, &user, &empty).await.expect_problem(400, "empty_content");
        let more = json!({"content": "x", "send_at": hours(1), "attachments": ["x"]});
        schedule(&rest, &room, &user, &more).await.expect_problem(400, "bad_field");
        let unknown = "01890000-0000-7000-8000-000000000000";
        let reply = json!({"content": "x", "send_at": hours(1), "reply_to": unknown});
        schedule(&rest, &room, &user, &reply).await.expect_problem(400, "unknown_message");
        let good = json!({"content": "x", "send_at": hours(1)});
        schedule(&rest, &room, &outsider, &good).await.expect_problem(403, "not_a_member");
        let mut made = Vec::new();
        for _ in 0..100 {
            made.push(schedule(&rest, &room, &user, &good).await.expect(201).json());
        }
        schedule(&rest, &room, &user, &good).await.expect_problem(409, "too_many_scheduled");
        let first = rest
            .get(&format!("/api/v1/rooms/{room}/scheduled?limit=60"), Some(&user.token))
            .await
            .expect(200)
            .json();
        let cursor = first["next_cursor"].as_str().expect("more").to_owned();
        let path_of_rest = format!("/api/v1/rooms/{room}/scheduled?limit=60&cursor={cursor}");
        let rest_of = rest.get(&path_of_rest, Some(&user.token)).await.expect(200).json();
        let ids = |page: &Value| {
            page["scheduled"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| one["schedule_id"].clone())
                .collect::<Vec<_>>()
        };
        let newest_first: Vec<Value> = made.iter().rev().map(|one| one["schedule_id"].clone()).collect();
        assert_eq!([ids(&first), ids(&rest_of)].concat(), newest_first);
        assert_eq!(rest_of["next_cursor"], Value::Null);
        rest.patch(&path(&room, &made[0]), Some(&user.token), &json!({"send_at": later(SOONEST / 2)}))
            .await
            .expect_problem(400, "bad_field");
        rest.patch(&path(&room, &made[0]), Some(&user.token), &json!({"content": null}))
            .await
            .expect_problem(400, "bad_field");
        for one in &made {
            let _gone = rest.delete(&path(&room, one), Some(&user.token)).await.expect(204);
        }
        let _again = schedule(&rest, &room, &user, &good).await.expect(201);
    }
}

#[tokio::test]
async fn rights_are_those_of_the_moment_of_sending() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (owner, user) = (rest.new_user("keeper").await, rest.new_user("leaver").await);
        let mut cases = Vec::new();
        for (act, code) in [("leave", "not_a_member"), ("ban", "banned"), ("mute", "muted")] {
            let room = rest.new_room(&owner, "public").await;
            let _joined = rest.join(&room, &user).await.expect(200);
            let file = id(&upload(&rest, &user, "a.txt", b"a").await);
            let body = json!({"content": "too late", "send_at": soon(), "attachments": [file]});
            let _made = schedule(&rest, &room, &user, &body).await.expect(201);
            if act == "leave" {
                assert_eq!(rest.leave(&room, &user).await.status, 204);
            } else {
                let case = [room.as_str(), user.user_id.as_str(), act];
                assert_eq!(rest.moderate(Method::PUT, case, &owner, &json!({})).await.status, 204);
            }
            cases.push((room, code, file));
        }
        for (room, code, file) in cases {
            let all = until_over(&rest, &room, &user, 1).await;
            assert_eq!(
                (&all[0]["state"], &all[0]["error"], &all[0]["message_id"]),
                (&json!("failed"), &json!(code), &Value::Null)
            );
            assert!(said(&rest, &room, &owner).await.is_empty());
            let inbox = rest.get("/api/v1/notifications", Some(&user.token)).await.expect(200).json();
            let told = inbox["notifications"].as_array().expect("a list").iter().any(|notice| {
                notice["kind"] == "schedule_failed" && notice["room"] == json!(room) && notice["detail"] == code
            });
            assert!(told, "{inbox}");
            let free = rest.delete(&format!("/api/v1/files/{file}"), Some(&user.token)).await;
            assert_eq!(free.status, 204, "it is attached to nothing: {}", free.text);
        }
    }
}

/// The process that sends is killed while many are due, and another one, or itself after a while, goes on.
#[tokio::test]
async fn killed_while_schedules_are_due_none_is_lost_and_none_is_sent_twice() {
    for deployment in Deployment::both_with(&[]).await {
        let other = if let Deployment::Cluster(cluster) = &deployment {
            let other = cluster.another_api();
            other.start().await;
            Some(other)
        } else {
            None
        };
        let rest = deployment.rest();
        let user = rest.new_user("unstoppable").await;
        let room = rest.new_room(&user, "public").await;
        let begun = UnixMillis::now();
        let mut texts = Vec::new();
        for n in 0..30_u64 {
            let content = names::unique("due");
            let send_at = begun.plus(DUE_AFTER + Duration::from_millis(n * 50)).to_string();
            let body = json!({"content": content, "send_at": send_at});
            let _made = schedule(&rest, &room, &user, &body).await.expect(201);
            texts.push(content);
        }
        let until = begun.plus(DUE_AFTER + Duration::from_millis(600));
        sleep(until.since(UnixMillis::now())).await;
        deployment.api().process.kill();
        let rest = if let Some(other) = &other {
            Rest::new(other.public_url())
        } else {
            deployment.api().start().await;
            rest
        };
        let all = until_over(&rest, &room, &user, texts.len()).await;
        assert!(all.iter().all(|one| one["state"] == "sent"), "{all:?}");
        let history = said(&rest, &room, &user).await;
        for text in &texts {
            assert_eq!(history.get(text).map(Vec::len), Some(1), "{}: {text}", deployment.name());
        }
        for one in &all {
            let message = &history[one["content"].as_str().expect("a text")][0];
            assert_eq!(message["message_id"], one["message_id"]);
        }
    }
}
