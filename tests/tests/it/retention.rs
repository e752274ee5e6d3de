//! What rooms do not keep any longer is gone wherever it was, and who comes back to it is told so.

use std::path::Path;
use std::time::Duration;

use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{dirs, names, process, tools, wait};
use serde_json::{Value, json};

use crate::accounts::admin;
use crate::files;

/// One api looks each minute.
const ERASED_WITHIN: Duration = Duration::from_mins(3);
/// Every room of these servers keeps what was said for so long unless it says otherwise.
const DAYS: u32 = 30;

struct Scene<'a> {
    deployment: &'a Deployment,
    rest: Rest,
    ada: Account,
}

/// Whatever a room has said so far is older by so many days. One process has to be down for that.
async fn age(deployment: &Deployment, rooms: &[&str], days: u32) {
    let script = tools::client("age.py").display().to_string();
    let place = match deployment {
        Deployment::Standalone(server) => {
            server.node.process.terminate().await;
            vec!["sqlite".to_owned(), server.data_dir.join("rookery.db").display().to_string()]
        }
        Deployment::Cluster(cluster) => vec!["mongo".to_owned(), cluster.mongo.url(), cluster.database().to_owned()],
    };
    for room in rooms {
        let days = days.to_string();
        let args: Vec<&str> = [&*script, &*days, room].into_iter().chain(place.iter().map(String::as_str)).collect();
        process::run(&tools::python("python"), &args, Path::new(&dirs::fresh("age")));
    }
    if let Deployment::Standalone(server) = deployment {
        server.node.start().await;
    }
}

impl Scene<'_> {
    async fn say(&self, room: &str, text: &str) -> Value {
        let body = json!({"content": text, "client_id": names::unique("r")});
        self.rest.say(room, &self.ada, &body).await.expect(201).json()
    }

    /// Texts of a room as its history has them; those of places without a text are empty.
    async fn texts(&self, room: &str) -> Vec<String> {
        let history = self.rest.history(room, &self.ada.token).await;
        let texts = history.iter().filter_map(|event| event["message"]["content"].as_str());
        texts.map(str::to_owned).collect()
    }

    async fn found(&self, word: &str) -> usize {
        let path = format!("/api/v1/search/messages?q={word}");
        let page = self.rest.get(&path, Some(&self.ada.token)).await.expect(200).json();
        page["hits"].as_array().expect("a list").len()
    }

    /// What somebody is told who has heard the room up to this place.
    async fn come_back(&self, room: &str, place: &Value) -> Vec<Value> {
        let mut socket = Socket::login(&self.deployment.sockets()[1], "/ws", &self.ada.token).await;
        let position = json!({"room": room, "epoch": place["epoch"], "seq": place["seq"]});
        socket.send(json!({"type": "subscribe", "rooms": [position]})).await;
        socket.expect_type("caught_up").await;
        let told = socket.mailbox().seen.clone();
        told.into_iter().filter(|frame| frame["room"] == room).collect()
    }
}

#[tokio::test]
async fn what_is_too_old_is_gone_and_who_comes_back_is_told() {
    for deployment in &Deployment::both_with(&[("retention_days", DAYS.to_string())]).await {
        let rest = deployment.rest();
        let ada = rest.new_user("ada").await;
        let scene = Scene { deployment, rest: rest.clone(), ada: ada.clone() };
        let root = admin(deployment).await;
        let settings = rest.get("/api/v1/admin/settings", Some(&root.token)).await.expect(200).json();
        assert_eq!(settings["retention_days"], json!(DAYS), "as the configuration says");
        let [mixed, old, kept] = [
            rest.new_room(&ada, "private").await,
            rest.new_room(&ada, "private").await,
            rest.new_room(&ada, "private").await,
        ];
        let longer = json!({"retention_days": 365});
        let _changed = rest.patch(&format!("/api/v1/rooms/{kept}"), Some(&ada.token), &longer).await.expect(200);
        let word = names::unique("gone").replace('-', "");
        let file = files::id(&files::upload(&rest, &ada, "a.txt", b"old").await);
        let first = scene.say(&mixed, &format!("{word} first")).await;
        let _with = files::send(&rest, &mixed, &ada, &format!("{word} file"), &[&file]).await.expect(201);
        let mut epochs = Vec::new();
        for room in [&mixed, &old, &kept] {
            for number in 0..5 {
                let said = scene.say(room, &format!("{word} {number}")).await;
                epochs.push(said["epoch"].clone());
            }
        }
        wait::until("all is indexed", async || scene.found(&word).await == 17).await;
        let link = files::links(&rest, &ada, &[&file]).await[&file]["url"]
            .as_str()
            .expect("a link")
            .to_owned();

        age(deployment, &[&mixed, &old, &kept], DAYS + 10).await;
        let news = scene.say(&mixed, "news").await;
        wait::within(ERASED_WITHIN, "what is too old is gone", async || {
            scene.texts(&mixed).await == ["news"] && scene.texts(&old).await.iter().all(String::is_empty)
        })
        .await;
        assert_eq!(scene.texts(&kept).await.len(), 5, "this room keeps it for a year");
        wait::until("it is found no more", async || scene.found(&word).await == 5).await;
        wait::until("nor got", async || {
            files::status(deployment, &file, &ada).await == 404
                && files::get(deployment, &link, None, &[]).await.status == 404
        })
        .await;
        let message = format!("/api/v1/rooms/{mixed}/messages/{}", first["message_id"].as_str().expect("an id"));
        rest.get(&message, Some(&ada.token)).await.expect_problem(404, "unknown_message");
        let path = format!("/api/v1/admin/rooms/{mixed}/export");
        let copy = rest.post(&path, Some(&root.token), &json!({})).await.expect(202).json();
        let url = copy["url"].as_str().expect("an address");
        let mut bytes = Vec::new();
        wait::until("the copy is made", async || {
            let got = files::get(deployment, url, Some(&root.token), &[]).await;
            bytes = got.bytes;
            got.status == 200
        })
        .await;
        assert!(!unzipped(&bytes).contains(&word), "a copy has only what is kept");

        // Numbers go on, and what is missing is told as a gap that ends where something is.
        let again = scene.say(&old, "again").await;
        for (room, epoch, last) in [(&mixed, &epochs[0], &news), (&old, &epochs[5], &again)] {
            let told = scene.come_back(room, &json!({"epoch": epoch, "seq": 1})).await;
            whole(&told, 1, last["seq"].as_u64().expect("a number"));
            let replayed: Vec<&Value> = told.iter().filter(|frame| frame["type"] == "new_message").collect();
            assert!(replayed.iter().all(|frame| !frame.to_string().contains(&word)), "{told:?}");
        }
        deployment.assert_alive();
    }
}

/// Every number after `after` up to `last` was replayed, or is part of a gap.
fn whole(told: &[Value], after: u64, last: u64) {
    let mut reached = after;
    for frame in told {
        match frame["type"].as_str().expect("a type") {
            "gap" => {
                assert_eq!(frame["from"].as_u64(), Some(reached + 1), "{told:?}");
                reached = frame["to"].as_u64().expect("a number");
            }
            "subscribed" | "caught_up" => {}
            // One process that was down begins another epoch, and numbers go on.
            "reset" => assert_eq!(frame["survived"]["seq"].as_u64(), Some(reached), "{told:?}"),
            _ => {
                assert_eq!(frame["seq"].as_u64(), Some(reached + 1), "a hole: {told:?}");
                reached += 1;
            }
        }
    }
    assert_eq!(reached, last, "{told:?}");
}

fn unzipped(bytes: &[u8]) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a ZIP");
    let mut all = String::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).expect("a file");
        std::io::Read::read_to_string(&mut file, &mut all).expect("text");
    }
    all
}
