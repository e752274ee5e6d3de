//! Running the server: accounts, settings, and what is known of it afterwards.

use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{PASSWORD, Rest};
use rookery_tests::shared;
use rookery_tests::standalone::Standalone;
use rookery_tests::wait::{PATIENCE, within};
use rookery_tests::ws::Socket;
use serde_json::{Value, json};

use super::{ME, Person, admin};

const SETTINGS: &str = "/api/v1/admin/settings";

fn path(user: &str) -> String {
    format!("/api/v1/admin/users/{user}")
}

#[tokio::test]
async fn s3_04_roles_limit_what_a_user_may_do_from_the_next_request_on() {
    for deployment in shared::both().await {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let user = rest.new_user("ranked").await;
        let give = async |role: &str| {
            rest.patch(&path(&user.user_id), Some(&root.token), &json!({"role": role}))
                .await
                .expect(200)
                .json()
        };
        let audit = async || rest.get("/api/v1/moderation/audit?limit=1", Some(&user.token)).await;
        let settings = async || rest.get(SETTINGS, Some(&user.token)).await;
        audit().await.expect_problem(403, "forbidden");
        assert_eq!(give("moderator").await["role"], "moderator");
        let _staff = audit().await.expect(200);
        settings().await.expect_problem(403, "forbidden");
        give("admin").await;
        let _admin = settings().await.expect(200);
        give("user").await;
        settings().await.expect_problem(403, "forbidden");
        audit().await.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn admins_change_accounts_and_each_act_is_known_afterwards() {
    for deployment in shared::both().await {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let (user, token) = (rest.new_user("changed").await, Some(root.token.as_str()));
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws/general", &user.token).await;
        socket.live().await;
        let _out = rest.post(&format!("{}/logout", path(&user.user_id)), token, &json!({})).await.expect(204);
        assert_eq!(socket.closed(PATIENCE).await, Some(4409));
        rest.get(ME, Some(&user.token)).await.expect_problem(401, "unauthenticated");
        let again = rest.login(&user.username, PASSWORD).await.expect(200).account(String::new());
        let body = json!({"disabled": true, "verified": true});
        let changed = rest.patch(&path(&user.user_id), token, &body).await.expect(200).json();
        assert_eq!(
            (&changed["disabled"], &changed["verified"], &changed["email"]),
            (&json!(true), &json!(true), &json!(user.email))
        );
        rest.get(ME, Some(&again.token)).await.expect_problem(401, "unauthenticated");
        rest.login(&user.username, PASSWORD).await.expect_problem(403, "account_disabled");
        let listed = async |query: &str| {
            let page = rest
                .get(&format!("/api/v1/admin/users?q={}{query}", user.username), token)
                .await
                .expect(200)
                .json();
            page["users"].as_array().expect("a list").len()
        };
        assert_eq!((listed("").await, listed("&disabled=true").await, listed("&disabled=false").await), (1, 1, 0));
        assert_eq!((listed("&role=user").await, listed("&role=admin").await), (1, 0));
        rest.get("/api/v1/admin/users?role=owner", token).await.expect_problem(400, "bad_field");
        let _enabled = rest.patch(&path(&user.user_id), token, &json!({"disabled": false})).await.expect(200);
        let _in = rest.login(&user.username, PASSWORD).await.expect(200);
        let log = format!("/api/v1/moderation/audit?actor={}", root.user_id);
        let log = rest.get(&log, token).await.expect(200).json();
        let acts: Vec<&str> = log["entries"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|entry| {
                assert_eq!(entry["user"], json!(user.user_id));
                entry["action"].as_str().expect("an act")
            })
            .collect();
        assert_eq!(acts, ["user_enabled", "user_verified", "user_disabled", "user_logged_out"]);
        for bad in [json!({"role": "owner"}), json!({"role": null}), json!({"password": "x"})] {
            rest.patch(&path(&user.user_id), token, &bad).await.expect_problem(400, "bad_field");
        }
        let nobody = path("01890000-0000-7000-8000-000000000000");
        rest.patch(&nobody, token, &json!({"verified": true}))
            .await
            .expect_problem(404, "not_found");
        rest.patch(&path(&root.user_id), Some(&user.token), &json!({}))
            .await
            .expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn what_changes_nothing_is_no_act() {
    for deployment in shared::both().await {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let (user, token) = (rest.new_user("unchanged").await, Some(root.token.as_str()));
        let logout = format!("{}/logout", path(&user.user_id));
        let _out = rest.post(&logout, token, &json!({})).await.expect(204);
        let _again = rest.post(&logout, token, &json!({})).await.expect(204);
        for body in [json!({"role": "user"}), json!({"disabled": false}), json!({"verified": false}), json!({})] {
            let _same = rest.patch(&path(&user.user_id), token, &body).await.expect(200);
        }
        let _same = rest.patch(SETTINGS, token, &json!({})).await.expect(200);
        let log = format!("/api/v1/moderation/audit?actor={}", root.user_id);
        let log = rest.get(&log, token).await.expect(200).json();
        let acts: Vec<&Value> =
            log["entries"].as_array().expect("a list").iter().map(|entry| &entry["action"]).collect();
        assert_eq!(acts, ["user_logged_out"]);
    }
}

#[tokio::test]
async fn the_same_filter_and_banner_again_are_no_change_of_settings() {
    // One of its own: the settings of a server are those of all who use it.
    let deployment = Deployment::Standalone(Box::new(Standalone::start().await));
    let (rest, root) = (deployment.rest(), admin(&deployment).await);
    let token = Some(root.token.as_str());
    let (filter, off) = (json!({"mode": "mask", "words": ["snarfle"]}), json!({"mode": "off"}));
    for filter in [&off, &filter, &filter, &off, &off] {
        let _set = rest.put("/api/v1/admin/filter", token, filter).await.expect(200);
    }
    for banner in [json!(null), json!("hi"), json!("hi"), json!(null), json!(null)] {
        let _set = rest.patch(SETTINGS, token, &json!({"banner": banner})).await.expect(200);
    }
    let log = "/api/v1/moderation/audit?action=settings_changed";
    let log = rest.get(log, token).await.expect(200).json();
    assert_eq!(log["entries"].as_array().expect("a list").len(), 4, "{log}");
}

#[tokio::test]
async fn the_last_admin_stays() {
    for deployment in &Deployment::both_with(&[]).await {
        let (rest, one) = (deployment.rest(), admin(deployment).await);
        for body in [json!({"role": "user"}), json!({"role": "moderator"}), json!({"disabled": true})] {
            let answer = rest.patch(&path(&one.user_id), Some(&one.token), &body).await;
            answer.expect_problem(409, "last_admin");
        }
        let two = admin(deployment).await;
        for round in 0..100 {
            // Each lowers the other, or itself.
            let body = if round % 2 == 0 {
                json!({"role": "user"})
            } else {
                json!({"role": "moderator"})
            };
            let targets = if round % 3 == 0 { [&one, &two] } else { [&two, &one] };
            let callers = [&one, &two];
            let answers = join_all((0..2).map(|n| {
                let (rest, body) = (&rest, &body);
                let (path, token) = (path(&targets[n].user_id), callers[n].token.clone());
                async move {
                    tokio::time::sleep(Duration::from_micros(fastrand(round, n))).await;
                    rest.patch(&path, Some(&token), body).await.status
                }
            }))
            .await;
            assert!(answers.iter().all(|status| [200, 403, 409].contains(status)), "{answers:?}");
            assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
            // Whoever is left lifts both.
            for (by, of) in [(&one, &two), (&two, &one)] {
                rest.patch(&path(&of.user_id), Some(&by.token), &json!({"role": "admin"})).await;
            }
        }
    }
}

/// Up to two milliseconds, another one for each.
fn fastrand(round: usize, n: usize) -> u64 {
    (round as u64 * 7_919 + n as u64 * 104_729) % 2_000
}

fn usual_settings() -> Value {
    json!({
        "registration": "open", "verification": "none", "verification_minutes": 10, "banner": null,
        "retention_days": null, "file_bytes_max": 26_214_400, "user_quota_bytes": 1_073_741_824,
        "filter": {"mode": "off", "words": [], "allow": [], "builtin": false},
    })
}

#[tokio::test]
async fn settings_live_on_every_api_within_seconds_and_over_restarts() {
    for deployment in &Deployment::both_with(&[]).await {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let token = Some(root.token.as_str());
        let other = match deployment {
            Deployment::Cluster(cluster) => Some(cluster.another_api()),
            Deployment::Standalone(_) => None,
        };
        if let Some(other) = &other {
            other.start().await;
        }
        let elsewhere = other.as_ref().map_or_else(|| deployment.rest(), |other| Rest::new(other.public_url()));
        assert_eq!(rest.get(SETTINGS, token).await.expect(200).json(), usual_settings());
        let body = json!({"registration": "closed", "banner": "Maintenance at noon", "file_bytes_max": 1_000,
            "user_quota_bytes": 1_500});
        let changed = rest.patch(SETTINGS, token, &body).await.expect(200).json();
        assert_eq!((&changed["registration"], &changed["banner"]), (&json!("closed"), &json!("Maintenance at noon")));
        Person::new("late").register(&rest).await.expect_problem(403, "registration_closed");
        within(Duration::from_secs(5), "the other api knows it", async || {
            let info = elsewhere.get("/api/v1/server", None).await.expect(200).json();
            let limits = [&info["limits"]["file_bytes_max"], &info["limits"]["user_quota_bytes"]];
            let is_known = info["registration"] == "closed" && info["banner"] == "Maintenance at noon";
            is_known && limits == [&json!(1_000), &json!(1_500)]
        })
        .await;
        Person::new("late").register(&elsewhere).await.expect_problem(403, "registration_closed");
        let upload =
            async |length: usize| crate::files::try_upload(&elsewhere, &root, "a.txt", None, vec![b'x'; length]).await;
        upload(1_001).await.expect_problem(413, "file_too_large");
        let _fits = upload(1_000).await.expect(201);
        upload(501).await.expect_problem(403, "quota_exceeded");
        rest.patch(SETTINGS, token, &json!({"verification": "required"}))
            .await
            .expect_problem(400, "bad_field");
        for bad in [
            json!({"registration": "some"}),
            json!({"banner": ""}),
            json!({"verification_minutes": 0}),
            json!({"file_bytes_max": 0}),
            json!({"file_bytes_max": null}),
            json!({"file_bytes_max": 17_179_869_185_u64}),
            json!({"user_quota_bytes": -1}),
            json!({"user_quota_bytes": "1000"}),
            json!({"x": 1}),
        ] {
            rest.patch(SETTINGS, token, &bad).await.expect_problem(400, "bad_field");
        }
        deployment.api().process.terminate().await;
        deployment.api().start().await;
        let kept = rest.get(SETTINGS, token).await.expect(200).json();
        assert_eq!(kept, changed);
        let _back = rest
            .patch(SETTINGS, token, &json!({"registration": "open", "banner": null}))
            .await
            .expect(200);
        let _free = Person::new("free").register(&rest).await.expect(201);
        let log = rest
            .get("/api/v1/moderation/audit?action=settings_changed", token)
            .await
            .expect(200)
            .json();
        let entries = log["entries"].as_array().expect("a list");
        assert_eq!(entries.len(), 2);
        assert_eq!((&entries[1]["actor"], &entries[1]["detail"]), (&json!(root.user_id), &body));
        assert_eq!(entries[0]["detail"]["banner"], Value::Null);
    }
}
