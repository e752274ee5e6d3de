//! What users say of themselves, are found by, and have chosen.

use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::Account;
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use super::ME;

#[tokio::test]
async fn s1_07_s3_05_users_see_their_own_account() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("self").await);
        let me = rest.get(ME, Some(&user.token)).await.expect(200).json();
        for field in [
            "user_id",
            "username",
            "display_name",
            "bio",
            "email",
            "verified",
            "role",
            "avatar",
            "created_at",
            "settings",
            "two_factor",
        ] {
            assert!(me.get(field).is_some(), "{field} in {me}");
        }
        assert_eq!((&me["username"], &me["email"]), (&json!(user.username), &json!(user.email)));
        rest.get(ME, None).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn s2_05_s3_06_users_change_their_own_profile_and_nobody_elses() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, other) = (rest.new_user("profile").await, rest.new_user("other").await);
        let body = json!({"display_name": " Ada Lovelace ", "bio": "line\nline", "language": "en-GB"});
        let me = rest.patch(ME, Some(&user.token), &body).await.expect(200).json();
        assert_eq!((&me["display_name"], &me["bio"]), (&json!("Ada Lovelace"), &json!("line\nline")));
        let me = rest.patch(ME, Some(&user.token), &json!({"bio": null})).await.expect(200).json();
        assert_eq!(
            (&me["display_name"], &me["bio"], &me["language"]),
            (&json!("Ada Lovelace"), &Value::Null, &json!("en-GB"))
        );
        for bad in [
            json!({"display_name": ""}),
            json!({"display_name": "a\u{202e}b"}),
            json!({"bio": "x".repeat(501)}),
            json!({"language": "en_GB"}),
            json!({"role": "admin"}),
            json!({"verified": true}),
            json!({"_id": "x"}),
            json!({"email": "x@example.org"}),
            json!({"display_name": {"$ne": null}}),
        ] {
            rest.patch(ME, Some(&user.token), &bad).await.expect_problem(400, "bad_field");
        }
        assert_eq!(rest.get(ME, Some(&user.token)).await.expect(200).json()["role"], "user");
        let path = format!("/api/v1/users/{}", user.user_id);
        for answer in [
            rest.patch(&path, Some(&other.token), &body).await,
            rest.put(&path, Some(&other.token), &body).await,
            rest.delete(&path, Some(&other.token)).await,
        ] {
            answer.expect_problem(405, "method_not_allowed");
        }
        rest.patch(ME, None, &body).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn s2_04_s3_07_one_user_is_shown_to_another() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, other) = (rest.new_user("shown").await, rest.new_user("looker").await);
        let path = format!("/api/v1/users/{}", user.user_id);
        let _named = rest.patch(ME, Some(&user.token), &json!({"display_name": "Shown"})).await.expect(200);
        let room = rest.new_room(&user, "public").await;
        let _joined = rest.join(&room, &other).await.expect(200);
        let profile = rest.get(&path, Some(&other.token)).await.expect(200).json();
        assert_eq!((&profile["username"], &profile["display_name"]), (&json!(user.username), &json!("Shown")));
        assert!(profile["shared_rooms"].as_array().expect("a list").contains(&json!(room)), "{profile}");
        assert_eq!((&profile["blocked"], profile.get("email")), (&json!(false), None));
        rest.get(&path, None).await.expect_problem(401, "unauthenticated");
        for nobody in ["01890000-0000-7000-8000-000000000000", "nonsense", "%00"] {
            rest.get(&format!("/api/v1/users/{nobody}"), Some(&other.token))
                .await
                .expect_problem(404, "not_found");
        }
    }
}

async fn found(deployment: &Deployment, by: &Account, query: &str) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/users?limit=2&q={query}{cursor}");
        let page = deployment.rest().get(&path, Some(&by.token)).await.expect(200).json();
        names.extend(page["users"].as_array().expect("a list").iter().map(|user| {
            assert!(user.get("email").is_none(), "{user}");
            user["username"].as_str().expect("a name").to_owned()
        }));
        let Some(next) = page["next_cursor"].as_str() else { return names };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn s2_03_users_are_listed_and_found_by_name_and_display_name() {
    for deployment in &Deployment::both_with(&[]).await {
        let rest = deployment.rest();
        rest.get("/api/v1/users", None).await.expect_problem(401, "unauthenticated");
        let mut users = Vec::new();
        for prefix in ["zoe", "zora", "anton"] {
            users.push(rest.new_user(prefix).await);
        }
        let _named = rest
            .patch(ME, Some(&users[2].token), &json!({"display_name": "Zoë Ångström"}))
            .await
            .expect(200);
        let mut all = found(deployment, &users[0], "").await;
        all.sort();
        let mut wanted: Vec<String> = users.iter().map(|user| user.username.clone()).collect();
        wanted.sort();
        assert_eq!(all, wanted, "each once");
        let mut z = found(deployment, &users[0], "ZO").await;
        z.sort();
        assert_eq!(z, wanted, "without regard to case and accents");
        assert_eq!(found(deployment, &users[0], "angstr").await, [users[2].username.clone()]);
        for none in ["example.org", "%25", "_", ".*"] {
            assert!(found(deployment, &users[0], none).await.is_empty(), "{none}");
        }
        let room = rest.new_room(&users[0], "public").await;
        let _joined = rest.join(&room, &users[1]).await.expect(200);
        let page = rest.get("/api/v1/users?q=zo", Some(&users[0].token)).await.expect(200).json();
        let presence = |name: &str| {
            let users = page["users"].as_array().expect("a list");
            users.iter().find(|user| user["username"] == name).expect("found")["presence"].clone()
        };
        assert!(presence(&users[1].username).is_object() && presence(&users[2].username).is_null(), "{page}");
        let cursor = rest.get("/api/v1/users?limit=1&q=zo", Some(&users[0].token)).await.expect(200).json();
        let cursor = cursor["next_cursor"].as_str().expect("more").to_owned();
        let other = format!("/api/v1/users?q=a&cursor={cursor}");
        rest.get(&other, Some(&users[0].token)).await.expect_problem(400, "bad_field");
    }
}

#[tokio::test]
async fn users_block_each_other_without_being_told() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, other) = (rest.new_user("blocker").await, rest.new_user("blocked").await);
        let (token, path) = (Some(user.token.as_str()), format!("/api/v1/users/me/blocks/{}", other.user_id));
        for _ in 0..2 {
            let _blocked = rest.put(&path, token, &json!({})).await.expect(204);
        }
        let list = rest.get("/api/v1/users/me/blocks", token).await.expect(200).json();
        assert_eq!(list["blocks"][0]["user_id"], json!(other.user_id));
        assert_eq!(list["blocks"].as_array().expect("a list").len(), 1);
        let seen = async |of: &Account, by: &Account| {
            rest.get(&format!("/api/v1/users/{}", of.user_id), Some(&by.token))
                .await
                .expect(200)
                .json()["blocked"]
                .clone()
        };
        assert_eq!((seen(&other, &user).await, seen(&user, &other).await), (json!(true), json!(false)));
        let _unblocked = rest.delete(&path, token).await.expect(204);
        assert_eq!(seen(&other, &user).await, json!(false));
        let own = format!("/api/v1/users/me/blocks/{}", user.user_id);
        rest.put(&own, token, &json!({})).await.expect_problem(400, "bad_field");
        let nobody = format!("/api/v1/users/me/blocks/{}", "01890000-0000-7000-8000-000000000000");
        rest.put(&nobody, token, &json!({})).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn what_changes_nothing_is_told_to_nobody() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("same").await);
        let token = Some(user.token.as_str());
        let room = rest.new_room(&user, "public").await;
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws", &user.token).await;
        socket.subscribe(&room).await;
        let preferences = format!("/api/v1/users/me/rooms/{room}");
        for path in [ME, "/api/v1/users/me/settings"] {
            let _same = rest.patch(path, token, &json!({})).await.expect(200);
        }
        let _same = rest.patch(&preferences, token, &json!({"hidden": false})).await.expect(204);
        let _same = rest.delete("/api/v1/users/me/avatar", token).await.expect(204);
        let _other = rest.patch(&preferences, token, &json!({"favourite": true})).await.expect(204);
        let told = socket
            .expect("the first frame that tells a change", |frame| {
                let kind = frame["type"].as_str().unwrap_or_default();
                ["user_updated", "settings_updated", "room_preferences"].contains(&kind)
            })
            .await;
        assert!(told["type"] == "room_preferences" && told.to_string().contains(r#""favourite":true"#), "{told}");
    }
}

#[tokio::test]
async fn settings_change_one_by_one() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user(&names::unique("s")[..8]).await);
        let (path, token) = ("/api/v1/users/me/settings", Some(user.token.as_str()));
        let usual = rest.get(path, token).await.expect(200).json();
        let wanted = json!({"read_receipts": true, "typing": true, "direct_from": "all",
            "notifications": {"level": "mentions", "push_text": false}});
        assert_eq!(usual, wanted);
        let body = json!({"direct_from": "shared", "theme": "dark",
            "notifications": {"quiet_hours": {"from_minute": 1320, "to_minute": 420}}});
        let changed = rest.patch(path, token, &body).await.expect(200).json();
        assert_eq!(
            (&changed["direct_from"], &changed["theme"], &changed["typing"]),
            (&json!("shared"), &json!("dark"), &json!(true))
        );
        assert_eq!(changed["notifications"]["level"], "mentions");
        let body = json!({"theme": null, "notifications": {"quiet_hours": null, "level": "none"}});
        let changed = rest.patch(path, token, &body).await.expect(200).json();
        assert_eq!(changed["notifications"], json!({"level": "none", "push_text": false}));
        assert_eq!((changed.get("theme"), &changed["direct_from"]), (None, &json!("shared")));
        assert_eq!(rest.get(ME, token).await.expect(200).json()["settings"], changed);
        for bad in [
            json!({"typing": null}),
            json!({"direct_from": "some"}),
            json!({"theme": "x".repeat(33)}),
            json!({"color": "red"}),
            json!({"notifications": {"quiet_hours": {"from_minute": 1440, "to_minute": 0}}}),
            json!({"notifications": {"quiet_hours": [1320, 360]}}),
            json!({"notifications": ["none", null, true]}),
            json!({"notifications": []}),
        ] {
            rest.patch(path, token, &bad).await.expect_problem(400, "bad_field");
        }
    }
}
