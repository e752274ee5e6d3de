//! A2 and A6 on a cluster: a backup that is put back by the documents, a database behind its Redis, data of newer programs.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use rookery_tests::cluster::Cluster;
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::redis::ask;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::view::{self, View};
use rookery_tests::ws::Socket;
use rookery_tests::{dirs, tools};
use serde_json::json;

struct Scene {
    cluster: Cluster,
    rest: Rest,
    user: Account,
    room: String,
}

impl Scene {
    async fn set() -> Self {
        let cluster = Cluster::start().await;
        let rest = Rest::new(cluster.api.public_url());
        let user = rest.new_user("restored").await;
        let room = rest.new_room(&user, "public").await;
        Self { cluster, rest, user, room }
    }

    async fn say(&self, count: usize) {
        for _ in 0..count {
            let _said = self.rest.say(&self.room, &self.user, &json!({"content": "hi"})).await.expect(201);
        }
    }

    /// A direct room and a group.
    async fn nameless_rooms(&self) -> [String; 2] {
        let (ann, ben) = (self.rest.new_user("ann").await, self.rest.new_user("ben").await);
        let token = Some(self.user.token.as_str());
        let direct = self
            .rest
            .put(&format!("/api/v1/direct/{}", ann.user_id), token, &json!(null))
            .await
            .expect(201);
        let users = json!({"user_ids": [ann.user_id, ben.user_id]});
        let group = self.rest.post("/api/v1/direct", token, &users).await.expect(201);
        [direct, group].map(|room| room.json()["room_id"].as_str().expect("an id").to_owned())
    }

    async fn assert_nameless(&self, rooms: &[String; 2]) {
        for room in rooms {
            let shown = self.rest.get(&format!("/api/v1/rooms/{room}"), Some(&self.user.token)).await.expect(200);
            assert!(shown.json()["name"].is_null(), "{}", shown.text);
        }
    }

    /// The client comes back with its position; whether it was told `reset`.
    async fn catch_up(&self, shown: &mut View) -> bool {
        let mut socket = Socket::login(&self.cluster.gateways[0].socket_url(), "/ws", &self.user.token).await;
        socket.send(shown.subscribe_frame()).await;
        let mut was_reset = false;
        loop {
            let Incoming::Frame(frame) = socket.incoming().await else { panic!("the connection ended") };
            shown.apply(&frame);
            was_reset |= frame["type"] == "reset";
            if frame["type"] == "caught_up" {
                break;
            }
        }
        let history = self.rest.history(&self.room, &self.user.token).await;
        if shown.needs_history() {
            shown.merge(&history);
        }
        assert_eq!(shown.timeline(), view::timeline_of(&history));
        was_reset
    }

    async fn stop(&self) {
        for node in self.cluster.gateways.iter().chain([&self.cluster.api]) {
            node.process.terminate().await;
        }
    }

    async fn unready(&self) -> String {
        let mut text = String::new();
        self.cluster
            .api
            .process
            .until("says why it is not ready", async || {
                let answer = Rest::new(self.cluster.api.internal_url()).try_get("/ready", None).await;
                text = answer.map(|answer| answer.text).unwrap_or_default();
                text.contains("reasons") && !text.contains("not prepared yet")
            })
            .await;
        text
    }
}

#[tokio::test]
async fn a2_a_cluster_is_restored_and_tells_who_had_more() {
    let scene = Scene::set().await;
    scene.say(3).await;
    let nameless = scene.nameless_rooms().await;
    let file = dirs::fresh("backup").join("cluster.backup");
    let path = file.display().to_string();
    let told = scene.cluster.run_api(&["backup", &path], "");
    assert!(told.contains("documents") && told.contains("1 signing key"), "{told}");
    assert!(
        scene.cluster.run_api(&["verify", &path], "").contains("the database has"),
        "a live database has all of it"
    );
    let settings = scene.cluster.run_api(&["verify", &path, "--settings"], "");
    assert!(
        settings.contains("internal_secret = (hidden)") && settings.contains("mongo_database = "),
        "{settings}"
    );
    scene.say(4).await;
    assert!(scene.cluster.run_api(&["verify", &path], "").contains("has changed since"));
    let mut shown = View::new(&scene.room);
    scene.catch_up(&mut shown).await;
    assert_eq!(shown.timeline().len(), 1 + 7);

    for command in [&["restore", &path, "--replace"][..], &["restored"]] {
        assert!(scene.cluster.refused_api(command).contains("stop all gateways and apis"), "{command:?}");
    }
    scene.catch_up(&mut shown).await;
    assert_eq!(shown.timeline().len(), 1 + 7, "nothing was changed");
    for _ in 0..2 {
        scene.stop().await;
        // The keys come back with it, for their owner only: who was logged in stays so.
        let keys = std::fs::read_dir(&scene.cluster.keys_dir).unwrap().map(|entry| entry.unwrap().path());
        keys.for_each(|key| std::fs::remove_file(key).unwrap());
        let told = scene.cluster.run_api(&["restore", &path, "--replace"], "");
        assert!(told.contains("1 signing key"), "{told}");
        for key in std::fs::read_dir(&scene.cluster.keys_dir).unwrap() {
            assert_eq!(key.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let verified = scene.cluster.run_api(&["verify", &path], "");
        assert!(verified.contains("has exactly that"), "{verified}");
        scene.cluster.start_services().await;
        scene.assert_nameless(&nameless).await;
        assert!(scene.catch_up(&mut shown).await, "it had more");
        assert_eq!(shown.timeline().len(), 1 + 3);
        scene.say(6).await;
        scene.catch_up(&mut shown).await;
        assert_eq!(shown.timeline().len(), 1 + 3 + 6);
    }
    // A file that is cut off or changed is refused before anything happens.
    scene.stop().await;
    let whole = std::fs::read(&file).unwrap();
    let damaged = file.with_extension("damaged");
    let refused = |bytes: &[u8]| {
        std::fs::write(&damaged, bytes).unwrap();
        scene.cluster.refused_api(&["restore", &damaged.display().to_string(), "--replace"])
    };
    assert!(refused(&whole[..whole.len() - 1]).contains("not a backup"));
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    assert!(refused(&changed).contains("not a backup"));
    assert!(
        scene
            .cluster
            .refused_api(&["verify", &damaged.display().to_string()])
            .contains("not a backup")
    );
    assert!(scene.cluster.refused_api(&["restore", &path]).contains("--replace"));
    scene.cluster.start_services().await;
    scene.catch_up(&mut shown).await;
    assert_eq!(shown.timeline().len(), 1 + 3 + 6);
}

/// What Redis knows and the database does not was lost when that was put back, or it is another one.
#[tokio::test]
async fn a2_a_database_behind_its_redis_is_not_served() {
    let scene = Scene::set().await;
    scene.say(2).await;
    let port = scene.cluster.redis.port();
    let noted = ask(port, &["GET", "rookery:timeline"]).await.unwrap();
    let id = noted.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned();
    // Ahead by a thousand looks; and of a database that this one never was.
    for ahead in [format!("\"{id} 1000000\""), "\"01920000-0000-4000-8000-000000000001 1\"".to_owned()] {
        ask(port, &["SET", "rookery:timeline", &ahead]).await.unwrap();
        scene
            .cluster
            .api
            .process
            .until("notices", async || scene.cluster.api.process.log().contains("serves no more"))
            .await;
        scene.cluster.api.until_internal("/ready", 503).await;
        scene.stop().await;
        scene.cluster.api.process.start();
        let text = scene.unready().await;
        assert!(text.contains("rookery-api restored"), "{text}");
        scene.cluster.api.process.terminate().await;
        let told = scene.cluster.run_api(&["restored"], "");
        assert!(told.contains("keys of Redis are gone"), "{told}");
        std::fs::remove_file(scene.cluster.api.process.log_path()).unwrap();
        scene.cluster.start_services().await;
        scene.say(1).await;
    }
    assert_eq!(scene.rest.history(&scene.room, &scene.user.token).await.len(), 1 + 4);
}

#[tokio::test]
async fn a6_another_layout_of_redis_is_refused() {
    let scene = Scene::set().await;
    ask(scene.cluster.redis.port(), &["SET", "rookery:layout", "2"]).await.unwrap();
    scene.cluster.api.process.terminate().await;
    scene.cluster.api.process.start();
    let text = scene.unready().await;
    assert!(text.contains("layout 2") && text.contains("layout 1"), "{text}");
}

#[tokio::test]
async fn a6_a_newer_store_is_not_served() {
    let server = Standalone::start().await;
    server.node.process.terminate().await;
    let note = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
        db.execute(\"INSERT INTO migrations VALUES ('9999_later', 0)\"); db.commit()";
    let file = server.data_dir.join("rookery.db");
    let status = Command::new(tools::python("python")).args(["-c", note]).arg(&file).status();
    assert!(status.unwrap().success());
    server.node.process.start();
    assert!(!server.node.process.ended().await.success());
    let log = server.node.process.log();
    assert!(log.contains("9999_later") && log.contains("0010"), "{log}");
    assert!(server.refused(&["user", "list"]).contains("9999_later"));
}
