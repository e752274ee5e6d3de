//! Copies of what is kept about somebody.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use http::{HeaderValue, Method};
use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{Account, PASSWORD, Rest};
use rookery_tests::{names, shared, wait};
use serde_json::{Value, json};

use super::admin;

const EXPORT: &str = "/api/v1/users/me/export";

/// The files of a copy.
async fn downloaded(deployment: &Deployment, url: &str, by: &Account) -> BTreeMap<String, Value> {
    let address = format!("{}{url}", deployment.api().public_url());
    let answer = reqwest::Client::new()
        .get(address)
        .bearer_auth(&by.token)
        .send()
        .await
        .expect("an answer");
    let kind = answer.headers().get("content-type").cloned();
    assert_eq!(
        (answer.status().as_u16(), kind.as_ref().map(HeaderValue::as_bytes)),
        (200, Some(&b"application/zip"[..]))
    );
    let bytes = answer.bytes().await.expect("all of it");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a ZIP");
    let names: Vec<String> = archive.file_names().map(|name| name.expect("a name").into_owned()).collect();
    let mut files = BTreeMap::new();
    for name in names {
        let mut text = String::new();
        archive.by_name(&name).expect("a file").read_to_string(&mut text).expect("text");
        files.insert(
            name.clone(),
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}")),
        );
    }
    files
}

async fn done(rest: &Rest, user: &Account) -> String {
    let mut url = String::new();
    wait::until("the copy is made", async || {
        let shown = rest.get(EXPORT, Some(&user.token)).await.expect(200).json();
        shown["url"].as_str().unwrap_or_default().clone_into(&mut url);
        shown["state"] == "done"
    })
    .await;
    url
}

/// A room of the owner's that the user has asked to join.
async fn waiting_room(rest: &Rest, owner: &Account, user: &Account) -> String {
    let room = json!({"name": names::unique("asked"), "visibility": "public", "join": "approval"});
    let room = rest.post("/api/v1/rooms", Some(&owner.token), &room).await.expect(201).json();
    let id = room["room_id"].as_str().expect("an id").to_owned();
    let body = json!({"message": "please let me in"});
    let _waits = rest.post(&format!("/api/v1/rooms/{id}/join"), Some(&user.token), &body).await.expect(202);
    id
}

#[tokio::test]
async fn people_get_a_copy_of_what_is_theirs_and_of_nothing_else() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, other) = (rest.new_user("copied").await, rest.new_user("bystander").await);
        let room = rest.new_room(&other, "public").await;
        let _joined = rest.join(&room, &user).await.expect(200);
        for n in 0..520 {
            // More than one page of rows; what was said before it was stored is in it, too.
            let said = rest.say(&room, &user, &json!({"content": format!("mine {n}")})).await;
            assert!([201, 202].contains(&said.status), "{}", said.text);
        }
        let _said = rest.say(&room, &other, &json!({"content": "a secret of somebody else"})).await;
        let asked = waiting_room(&rest, &other, &user).await;
        let none = rest.get(EXPORT, Some(&user.token)).await.expect(200).json();
        assert_eq!(none, json!({"state": "none"}));
        rest.post(EXPORT, Some(&user.token), &json!({"password": "another horse 8"}))
            .await
            .expect_problem(403, "password_wrong");
        let _asked = rest.post(EXPORT, Some(&user.token), &json!({"password": PASSWORD})).await.expect(202);
        let url = done(&rest, &user).await;
        let files = downloaded(deployment, &url, &user).await;
        let listed: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(
            listed,
            [
                "account.json",
                "blocks.json",
                "files.json",
                "join-requests.json",
                "messages.json",
                "notifications.json",
                "preferences.json",
                "push-subscriptions.json",
                "reports.json",
                "rooms.json",
                "sanctions.json",
                "saved.json",
                "scheduled.json",
                "sessions.json"
            ]
        );
        let account = &files["account.json"];
        assert_eq!((&account["username"], &account["email"]), (&json!(user.username), &json!(user.email)));
        let messages = files["messages.json"].as_array().expect("a list");
        let own: Vec<&str> = messages
            .iter()
            .filter(|message| message["kind"] == "message")
            .filter_map(|message| message["content"].as_str())
            .collect();
        let wanted: Vec<String> = (0..520).map(|n| format!("mine {n}")).collect();
        assert_eq!(own, wanted);
        assert!(
            files["rooms.json"]
                .as_array()
                .expect("a list")
                .iter()
                .any(|listed| listed["room_id"] == room.as_str())
        );
        assert_eq!(files["sessions.json"].as_array().map(Vec::len), Some(1));
        let request = &files["join-requests.json"][0];
        assert_eq!((&request["room_id"], &request["message"]), (&json!(asked), &json!("please let me in")));
        let text = json!(files).to_string();
        for foreign in ["somebody else", other.username.as_str(), other.email.as_str(), "argon2"] {
            assert!(!text.contains(foreign), "{foreign}");
        }
        rest.get(&url, Some(&other.token)).await.expect_problem(404, "not_found");
        rest.get(&url, None).await.expect_problem(401, "unauthenticated");
        let _out = rest.post("/api/v1/auth/logout-all", Some(&user.token), &json!({})).await.expect(204);
        rest.get(&url, Some(&user.token)).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_copy_has_the_reports_that_were_made_and_what_was_decided_against_its_owner() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, owner) = (rest.new_user("copied").await, rest.new_user("owner").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &user).await.expect(200);
        let said = rest.say(&room, &owner, &json!({"content": "a rude word"})).await.expect(201).json();
        let message = said["message_id"].as_str().expect("an id");
        let path = format!("/api/v1/rooms/{room}/messages/{message}/report");
        let body = json!({"reason": "abuse", "note": "that was me he meant"});
        let made = rest.post(&path, Some(&user.token), &body).await.expect(201).json();
        let mute = [room.as_str(), user.user_id.as_str(), "mute"];
        assert_eq!(rest.moderate(Method::PUT, mute, &owner, &json!({})).await.status, 204);
        let _asked = rest.post(EXPORT, Some(&user.token), &json!({"password": PASSWORD})).await.expect(202);
        let files = downloaded(deployment, &done(&rest, &user).await, &user).await;
        let reports = files["reports.json"].as_array().expect("a list");
        assert_eq!(reports.len(), 1, "{reports:?}");
        for (field, value) in [
            ("report_id", &made["report_id"]),
            ("message_id", &said["message_id"]),
            ("note", &body["note"]),
            ("state", &json!("open")),
        ] {
            assert_eq!(reports[0][field], *value, "{field}");
        }
        let decided = json!([{"room_id": room, "muted": {"until": null}, "banned": null}]);
        assert_eq!(files["sanctions.json"], decided);
        assert!(!json!(files).to_string().contains("a rude word"), "what others said stays out");
    }
}

#[tokio::test]
async fn admins_have_copies_made_and_a_new_one_replaces_the_old_one() {
    for deployment in shared::both().await {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let user = rest.new_user("copied").await;
        let path = format!("/api/v1/admin/users/{}/export", user.user_id);
        rest.post(&path, Some(&user.token), &json!({})).await.expect_problem(403, "forbidden");
        let mut urls = Vec::new();
        for _ in 0..2 {
            let asked = rest.post(&path, Some(&root.token), &json!({})).await.expect(202).json();
            let url = asked["url"].as_str().expect("an address").to_owned();
            wait::until("the copy is made", async || rest.get(&url, Some(&root.token)).await.status == 200).await;
            let files = downloaded(deployment, &url, &root).await;
            assert_eq!(files["account.json"]["username"], json!(user.username));
            rest.get(&url, Some(&user.token)).await.expect_problem(404, "not_found");
            urls.push(url);
        }
        rest.get(&urls[0], Some(&root.token)).await.expect_problem(404, "not_found");
        let shown = rest.get(EXPORT, Some(&user.token)).await.expect(200).json();
        assert_eq!(shown, json!({"state": "none"}), "it is not the user's");
        let nobody = "/api/v1/admin/users/01890000-0000-7000-8000-000000000000/export";
        rest.post(nobody, Some(&root.token), &json!({})).await.expect_problem(404, "not_found");
        rest.get("/api/v1/exports/x", Some(&root.token)).await.expect_problem(404, "not_found");
    }
}
