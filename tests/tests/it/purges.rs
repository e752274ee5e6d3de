//! Purges, and what admins see of rooms and messages, on a cluster and on one process.

use std::time::Duration;

use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{shared, wait};
use serde_json::{Value, json};

use crate::accounts::admin;

struct Scene {
    deployment: &'static Deployment,
    rest: Rest,
    room: String,
    owner: Account,
    spammer: Account,
}

impl Scene {
    async fn on(deployment: &'static Deployment) -> Self {
        let rest = deployment.rest();
        let (owner, spammer) = (rest.new_user("owner").await, rest.new_user("spammer").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &spammer).await.expect(200);
        Self { deployment, rest, room, owner, spammer }
    }

    async fn said(&self, by: &Account, body: Value) -> String {
        let said = self.rest.say(&self.room, by, &body).await.expect(201).json();
        said["message_id"].as_str().expect("an id").to_owned()
    }

    async fn purge(&self, by: &Account, whom: &Account, body: &Value) -> Answer {
        let path = format!("/api/v1/rooms/{}/members/{}/purge", self.room, whom.user_id);
        self.rest.post(&path, Some(&by.token), body).await
    }

    async fn get(&self, path: &str) -> Answer {
        let path = format!("/api/v1/rooms/{}{path}", self.room);
        self.rest.get(&path, Some(&self.owner.token)).await
    }

    /// What is left of the texts of a user.
    async fn texts(&self, of: &Account) -> Vec<String> {
        let history = self.rest.history(&self.room, &self.owner.token).await;
        let own = history.iter().filter(|event| event["message"]["user_id"] == json!(of.user_id));
        own.filter(|event| event["message"]["deleted"] != json!(true))
            .map(|event| event["message"]["content"].as_str().expect("a text").to_owned())
            .collect()
    }
}

#[tokio::test]
async fn a_purge_hides_at_once_and_everywhere() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (owner, spammer) = (&scene.owner, &scene.spammer);
        let root = scene.said(owner, json!({"content": "what do you think"})).await;
        let mut purged = Vec::new();
        for number in 0..3 {
            let body = json!({"content": format!("buy zebrafish {number} @{}", owner.username), "reply_to": root});
            purged.push(scene.said(spammer, body).await);
        }
        let pin = format!("/api/v1/rooms/{}/messages/{}/pin", scene.room, purged[0]);
        let _pinned = scene.rest.put(&pin, Some(&owner.token), &json!({})).await.expect(204);
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &owner.token).await;
        socket.subscribe(&scene.room).await;
        let preview = scene.purge(owner, spammer, &json!({"preview": true})).await.expect(200).json();
        assert_eq!(preview, json!({"messages": 3}));
        assert_eq!(scene.texts(spammer).await.len(), 3, "a preview changes nothing");
        scene.purge(spammer, owner, &json!({})).await.expect_problem(403, "forbidden");

        let begun = scene.purge(owner, spammer, &json!({})).await.expect(202).json();
        assert!(begun["purge_id"].is_string() && begun["messages"] == json!(3), "{begun}");
        assert!(scene.texts(spammer).await.is_empty(), "from the answer on");
        assert_eq!(scene.texts(owner).await.len(), 1);
        let event = socket.expect("the event", |frame| frame["type"] == "messages_purged").await;
        assert_eq!(event["user"]["user_id"], json!(spammer.user_id), "{event}");
        assert!(event["from"].is_null() && event["to"].is_string(), "{event}");
        for message in &purged {
            let one = scene.get(&format!("/messages/{message}")).await.expect(200).json();
            assert_eq!((&one["message"]["deleted"], &one["message"]["content"]), (&json!(true), &json!("")), "{one}");
            scene
                .get(&format!("/messages/{message}/edits"))
                .await
                .expect_problem(404, "unknown_message");
        }
        let edit = format!("/api/v1/rooms/{}/messages/{}", scene.room, purged[1]);
        let edited = scene.rest.put(&edit, Some(&spammer.token), &json!({"content": "again"})).await;
        edited.expect_problem(404, "unknown_message");
        let found = format!("/api/v1/search/messages?q=zebrafish&room={}", scene.room);
        let found = scene.rest.get(&found, Some(&owner.token)).await.expect(200).json();
        assert_eq!(found["hits"], json!([]), "{found}");
        wait::until("threads and pins agree", async || {
            let one = scene.get(&format!("/messages/{root}")).await.expect(200).json();
            let pins = scene.get("/pins").await.expect(200).json();
            one["message"]["replies"]["count"] == json!(0) && pins["pins"] == json!([])
        })
        .await;
        let mentions = scene.rest.get("/api/v1/users/me/mentions", Some(&owner.token)).await.expect(200).json();
        assert_eq!(mentions["mentions"].as_array().map(Vec::len), Some(0), "{mentions}");
        let again = scene.purge(owner, spammer, &json!({"preview": true})).await.expect(200).json();
        assert_eq!(again, json!({"messages": 0}));
        let begun = scene.purge(owner, spammer, &json!({})).await.expect(202).json();
        assert!(begun["purge_id"].is_string() && begun["messages"] == json!(0), "{begun}");
        let silent = scene.rest.new_user("silent").await;
        let begun = scene.purge(owner, &silent, &json!({})).await.expect(202).json();
        assert_eq!(begun["messages"], json!(0));
        let history = scene.rest.history(&scene.room, &owner.token).await;
        let told = history.iter().filter(|event| event["type"] == "messages_purged").count();
        assert_eq!(told, 1, "nothing is told where nothing was removed");
        let late = scene.said(spammer, json!({"content": "zebra"})).await;
        assert_eq!(scene.texts(spammer).await, ["zebra"], "what is said later stays: {late}");
        let audit = scene.get("/audit").await.expect(200).json();
        assert_eq!(audit["entries"][0]["action"], json!("messages_purged"), "{audit}");
    }
}

#[tokio::test]
async fn a_purge_takes_what_was_said_since_and_whatever_was_sent_meanwhile() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (owner, spammer) = (&scene.owner, &scene.spammer);
        scene.said(spammer, json!({"content": "before"})).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let marker = scene
            .rest
            .say(&scene.room, owner, &json!({"content": "from here on"}))
            .await
            .expect(201)
            .json();
        let since = marker["timestamp"].as_str().expect("a time").to_owned();
        let flood = async {
            for number in 0..20 {
                let answer = scene.rest.say(&scene.room, spammer, &json!({"content": format!("spam {number}")})).await;
                assert!([201, 202, 429].contains(&answer.status), "{}", answer.text);
            }
        };
        let purge = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            scene.purge(owner, spammer, &json!({"since": since})).await.expect(202)
        };
        let ((), _begun) = tokio::join!(flood, purge);
        let _last = scene.purge(owner, spammer, &json!({"since": since})).await.expect(202);
        assert_eq!(scene.texts(spammer).await, ["before"]);
        // Also when all is erased and nothing hides it any more.
        wait::until("the jobs are done", async || {
            let lately = scene
                .purge(owner, spammer, &json!({"since": since, "preview": true}))
                .await
                .expect(200)
                .json();
            lately["messages"] == json!(0)
        })
        .await;
        assert_eq!(scene.texts(spammer).await, ["before"]);
    }
}

#[tokio::test]
async fn admins_see_how_much_there_is_and_where_a_message_is() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let root = admin(deployment).await;
        let message = scene.said(&scene.spammer, json!({"content": "a secret"})).await;
        let get = async |path: &str| scene.rest.get(path, Some(&root.token)).await;
        let found = get(&format!("/api/v1/admin/lookup/message/{message}")).await.expect(200);
        assert!(!found.text.contains("a secret"), "{}", found.text);
        let found = found.json();
        assert_eq!((&found["room"], &found["stored"]), (&json!(scene.room), &json!(true)), "{found}");
        assert_eq!((&found["is_published"], &found["deleted"]), (&json!(true), &json!(false)), "{found}");
        let nodes = found["nodes"].as_array().expect("a list");
        assert!(!nodes.is_empty() && nodes.iter().all(|node| node["head"].is_null()), "nobody is connected: {found}");
        assert_eq!(found["pushes"], json!({"open": 0, "done": 0, "dead": 0}), "{found}");
        let mut sockets = Vec::new();
        for base in &deployment.sockets() {
            let mut socket = Socket::login(base, "/ws", &scene.owner.token).await;
            socket.subscribe(&scene.room).await;
            sockets.push(socket);
        }
        let found = get(&format!("/api/v1/admin/lookup/message/{message}")).await.expect(200).json();
        let mut heads = 0;
        for node in found["nodes"].as_array().expect("a list") {
            let is_there = node["kind"] == "gateway";
            assert_eq!(!node["head"].is_null(), is_there, "{found}");
            heads += usize::from(is_there && node["head"]["seq"].as_u64() >= found["numbered"]["seq"].as_u64());
        }
        assert!(heads > 0, "{found}");
        get("/api/v1/admin/lookup/message/01890000-0000-7000-8000-000000000000")
            .await
            .expect_problem(404, "unknown_message");
        let refused = scene.rest.get("/api/v1/admin/stats", Some(&scene.owner.token)).await;
        refused.expect_problem(403, "forbidden");
        wait::until("the message is counted", async || {
            let stats = get("/api/v1/admin/stats").await.expect(200).json();
            assert!(stats["users"].as_u64() > Some(2) && stats["rooms"].as_u64() > Some(1), "{stats}");
            assert!(stats["storage"]["bytes"].as_u64() > Some(0), "{stats}");
            stats["messages_per_day"][0]["messages"].as_u64() > Some(0)
        })
        .await;
        let (mut rooms, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = get(&format!("/api/v1/admin/rooms?limit=100{cursor}")).await.expect(200).json();
            rooms.extend(page["rooms"].as_array().expect("a list").iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let own = rooms.iter().find(|room| room["room_id"] == json!(scene.room)).expect("the room");
        assert_eq!((&own["members"], &own["owner_id"]), (&json!(2), &json!(scene.owner.user_id)), "{own}");
        assert!(scene.deployment.sockets().len() > 1);
    }
}

#[tokio::test]
async fn admins_have_a_copy_made_of_a_room() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let root = admin(deployment).await;
        scene.said(&scene.spammer, json!({"content": "to be kept"})).await;
        let path = format!("/api/v1/admin/rooms/{}/export", scene.room);
        scene
            .rest
            .post(&path, Some(&scene.owner.token), &json!({}))
            .await
            .expect_problem(403, "forbidden");
        let asked = scene.rest.post(&path, Some(&root.token), &json!({})).await.expect(202).json();
        let url = asked["url"].as_str().expect("an address").to_owned();
        wait::until("the copy is made", async || scene.rest.get(&url, Some(&root.token)).await.status == 200).await;
        scene.rest.get(&url, Some(&scene.owner.token)).await.expect_problem(404, "not_found");
        let nothing = scene
            .rest
            .post("/api/v1/admin/rooms/nowhere-at-all/export", Some(&root.token), &json!({}))
            .await;
        nothing.expect_problem(404, "unknown_room");
    }
}

#[tokio::test]
async fn how_long_messages_are_kept_is_a_setting_of_server_and_room() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let staff = admin(deployment).await;
        let path = "/api/v1/admin/settings";
        for wrong in [json!(0), json!(100_000), json!("x")] {
            let body = json!({"retention_days": wrong});
            scene.rest.patch(path, Some(&staff.token), &body).await.expect_problem(400, "bad_field");
        }
        let limited = json!({"retention_days": 3650});
        let changed = scene.rest.patch(path, Some(&staff.token), &limited).await.expect(200).json();
        assert_eq!(changed["retention_days"], json!(3650), "{changed}");
        let ended = json!({"retention_days": null});
        let changed = scene.rest.patch(path, Some(&staff.token), &ended).await.expect(200).json();
        assert_eq!(changed["retention_days"], json!(null), "{changed}");
        let room = format!("/api/v1/rooms/{}", scene.room);
        let changed = scene
            .rest
            .patch(&room, Some(&scene.owner.token), &json!({"retention_days": 30}))
            .await
            .expect(200);
        assert_eq!(changed.json()["retention_days"], json!(30));
    }
}
