//! Searching what was said: what is found, what is not, and who finds it.

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{Account, Answer, Rest};
use rookery_tests::{names, shared, wait};
use serde_json::{Value, json};

use crate::accounts::admin;

/// A search, with the rest of its parameters.
async fn search(rest: &Rest, user: &Account, q: &str, more: &str) -> Answer {
    let q = q.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    rest.get(&format!("/api/v1/search/messages?q={q}{more}"), Some(&user.token)).await
}

async fn hits(rest: &Rest, user: &Account, q: &str, more: &str) -> Vec<Value> {
    search(rest, user, q, more).await.expect(200).json()["hits"]
        .as_array()
        .expect("a list")
        .clone()
}

fn ids(hits: &[Value]) -> Vec<Value> {
    hits.iter().map(|hit| hit["message"]["message_id"].clone()).collect()
}

async fn until_found(rest: &Rest, user: &Account, q: &str, count: usize) {
    wait::until(&format!("{q} is found {count} times"), async || {
        hits(rest, user, q, "&limit=200").await.len() == count
    })
    .await;
}

async fn say(rest: &Rest, room: &str, user: &Account, content: &str) -> Value {
    rest.say(room, user, &json!({"content": content})).await.expect(201).json()["message_id"].clone()
}

#[tokio::test]
async fn s4_27_what_is_said_is_found_and_what_is_changed_or_deleted_is_not_any_more() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("seeker").await;
        let room = rest.new_room(&user, "private").await;
        let word = names::unique("x").replace('-', "");
        let text = format!("Café {word}, 東京都 – https://example.org");
        let message = say(&rest, &room, &user, &text).await;
        until_found(&rest, &user, &word, 1).await;
        let hit = hits(&rest, &user, &format!("CAFE {word}"), "").await.remove(0);
        assert_eq!(
            (&hit["message"]["message_id"], &hit["room"], &hit["message"]["content"]),
            (&message, &json!(room), &json!(text))
        );
        assert_eq!(hit["message"]["replies"], json!({"count": 0, "users": []}));
        let answer = json!({"content": "an answer", "reply_to": message});
        let _said = rest.say(&room, &user, &answer).await.expect(201);
        let answered = hits(&rest, &user, &format!("CAFE {word}"), "").await.remove(0);
        assert_eq!(answered["message"]["replies"]["count"], 1, "as a list says it");
        assert_eq!(hit["highlights"], json!([{"start": 0, "end": 4}, {"start": 5, "end": 5 + word.chars().count()}]));
        assert!(hit["seq"].is_u64() && hit["epoch"].is_string());
        for (q, is_found) in [
            (format!("京都 {word}"), true),
            (format!("東都 {word}"), false),
            (format!("\"{word} 東京\""), true),
            (format!("\"東京 {word}\""), false),
            (format!("{word} -cafe"), false),
            (format!("{word} -tea"), true),
        ] {
            assert_eq!(hits(&rest, &user, &q, "").await.len(), usize::from(is_found), "{q}");
        }
        let path = format!("/api/v1/rooms/{room}/messages/{}", message.as_str().expect("an id"));
        let edit = json!({"content": format!("{word} without a drink")});
        let _edited = rest.put(&path, Some(&user.token), &edit).await.expect(200);
        // From this moment on the old text is not shown, whatever the index says.
        assert!(hits(&rest, &user, &format!("cafe {word}"), "").await.is_empty());
        until_found(&rest, &user, &format!("drink {word}"), 1).await;
        let _deleted = rest.delete(&path, Some(&user.token)).await.expect(200);
        assert!(hits(&rest, &user, &word, "").await.is_empty());
    }
}

#[tokio::test]
async fn people_find_what_they_read_at_that_moment_and_nothing_else() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (owner, user) = (rest.new_user("owner").await, rest.new_user("reader").await);
        let word = names::unique("y").replace('-', "");
        let (public, private) = (rest.new_room(&owner, "public").await, rest.new_room(&owner, "private").await);
        for room in [&public, &private] {
            say(&rest, room, &owner, &word).await;
        }
        until_found(&rest, &owner, &word, 2).await;
        assert!(hits(&rest, &user, &word, "").await.is_empty());
        search(&rest, &user, &word, &format!("&room={private}"))
            .await
            .expect_problem(404, "unknown_room");
        search(&rest, &user, &word, &format!("&room={public}"))
            .await
            .expect_problem(403, "not_a_member");
        let _joined = rest.join(&public, &user).await.expect(200);
        assert_eq!(hits(&rest, &user, &word, "").await.len(), 1);
        assert_eq!(hits(&rest, &user, &word, &format!("&room={public}")).await.len(), 1);
        assert_eq!(rest.leave(&public, &user).await.status, 204);
        assert!(hits(&rest, &user, &word, "").await.is_empty());
        let _joined = rest.join(&public, &user).await.expect(200);
        let case = [public.as_str(), user.user_id.as_str(), "ban"];
        assert_eq!(rest.moderate(Method::PUT, case, &owner, &json!({})).await.status, 204);
        assert!(hits(&rest, &user, &word, "").await.is_empty());
        search(&rest, &user, &word, &format!("&room={public}"))
            .await
            .expect_problem(403, "banned");
    }
}

#[tokio::test]
async fn filters_and_pages() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, other) = (rest.new_user("filter").await, rest.new_user("other").await);
        let room = rest.new_room(&user, "public").await;
        let _joined = rest.join(&room, &other).await.expect(200);
        let word = names::unique("z").replace('-', "");
        let mut said = Vec::new();
        for n in 0..12 {
            let (by, link) =
                (if n % 3 == 0 { &other } else { &user }, if n % 4 == 0 { " http://a.example" } else { "" });
            said.push(say(&rest, &room, by, &format!("{word} {n}{link}")).await);
        }
        until_found(&rest, &user, &word, 12).await;
        let newest_first: Vec<Value> = said.iter().rev().cloned().collect();
        assert_eq!(ids(&hits(&rest, &user, &word, "").await), newest_first);
        let expected = |which: fn(usize) -> bool| -> Vec<Value> {
            said.iter()
                .enumerate()
                .rev()
                .filter(|(n, _)| which(*n))
                .map(|(_, id)| id.clone())
                .collect()
        };
        let from = format!("&from={}", other.user_id);
        assert_eq!(ids(&hits(&rest, &user, &word, &from).await), expected(|n| n % 3 == 0));
        assert_eq!(ids(&hits(&rest, &user, "7", &format!("&room={room}")).await), expected(|n| n == 7));
        assert_eq!(ids(&hits(&rest, &user, &word, "&has=link").await), expected(|n| n % 4 == 0));
        assert_eq!(ids(&hits(&rest, &user, &word, &format!("&has=link{from}")).await), expected(|n| n == 0));
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = search(&rest, &user, &word, &format!("&limit=5{cursor}")).await.expect(200).json();
            seen.extend(ids(page["hits"].as_array().expect("a list")));
            let Some(next) = page["next_cursor"].as_str() else { break };
            search(&rest, &other, &word, &format!("&cursor={next}"))
                .await
                .expect_problem(400, "bad_field");
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, newest_first);
        let middle = hits(&rest, &user, &word, "").await[6]["message"]["timestamp"]
            .as_str()
            .expect("a time")
            .to_owned();
        let after = hits(&rest, &user, &word, &format!("&sent_after={middle}")).await.len();
        let before = hits(&rest, &user, &word, &format!("&sent_before={middle}")).await.len();
        assert!(after >= 7 && before <= 5 && after + before == 12, "{after} {before}");
    }
}

#[tokio::test]
async fn searches_that_make_no_sense_are_refused() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("nonsense").await;
        for q in ["", " ", "-word", "!!!", "\"\"", "a b c d e f g h i", &"x".repeat(257)] {
            search(&rest, &user, q, "").await.expect_problem(400, "bad_query");
        }
        rest.get("/api/v1/search/messages", Some(&user.token))
            .await
            .expect_problem(400, "bad_query");
        for more in ["&has=text", "&from=me", "&sent_after=noon", "&limit=0", "&cursor=x", "&x=1"] {
            search(&rest, &user, "word", more).await.expect_problem(400, "bad_field");
        }
        search(&rest, &user, "word", "&room=nowhere").await.expect_problem(404, "unknown_room");
        rest.get("/api/v1/search/messages?q=x", None).await.expect_problem(401, "unauthenticated");
    }
}

/// What keeps the index is killed and comes back, and the index is built again.
#[tokio::test]
async fn the_index_catches_up_by_itself_and_can_be_built_again() {
    for deployment in Deployment::both_with(&[]).await {
        let (rest, house) = (deployment.rest(), admin(&deployment).await);
        let user = rest.new_user("survivor").await;
        let room = rest.new_room(&user, "private").await;
        let word = names::unique("w").replace('-', "");
        for _ in 0..40 {
            say(&rest, &room, &user, &word).await;
        }
        deployment.api().process.kill();
        deployment.api().start().await;
        until_found(&rest, &user, &word, 40).await;
        let index = async || rest.get("/api/v1/admin/search", Some(&house.token)).await.expect(200).json();
        wait::until("it is built", async || index().await["building"]["finished_at"].is_string()).await;
        let first = index().await["building"]["begun_at"].clone();
        let told = deployment.command(&["search", "rebuild"], "");
        assert!(told.contains("built again"), "{told}");
        wait::until("it is built again", async || {
            let building = index().await["building"].take();
            building["finished_at"].is_string()
                && building["begun_at"] != first
                && building["done"].as_u64() >= Some(40)
        })
        .await;
        until_found(&rest, &user, &word, 40).await;
        rest.get("/api/v1/admin/search", Some(&user.token)).await.expect_problem(403, "forbidden");
    }
}
