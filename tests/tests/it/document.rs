//! Server and OpenAPI document agree, in both directions: schemathesis makes requests of what the document says, valid
//! and not, as anybody, a member, an owner, a moderator and an admin, and holds every answer against it.
//!
//! `tests/contract` says how, and what is left out. Each run has a seed of its own and prints it; CI's comes from the document.
//! `ROOKERY_DOCUMENT_SEED=17` repeats a run, `ROOKERY_DOCUMENT_EXAMPLES=50` makes a long one.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use futures_util::{StreamExt as _, stream};
use rookery_protocol::clock::UnixMillis;
use rookery_tests::rest::{Account, PASSWORD, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::{dirs, tools};
use serde_json::{Value, json};
use tokio::process::Command;

/// Who calls.
const ROLES: [&str; 5] = ["anonymous", "user", "owner", "moderator", "admin"];
/// Callers at the same time: as many as a small machine has processors.
const ROLES_AT_ONCE: usize = 2;
/// Cases of one operation in each phase and by each caller, unless more are asked for. Not every operation has as many that differ:
/// 20 left one at 94 cases in all.
const EXAMPLES: &str = "24";
/// Cases of each operation, by all callers and in all phases.
const CASES_MIN: u64 = 100;
/// The same for an operation that takes nothing: one case is like the other, and the program does not repeat them.
const CASES_WITHOUT_INPUT_MIN: u64 = 25;
/// Messages that acts are tried on; the deleted ones are of no use any more.
const MESSAGES: usize = 200;

/// The people, rooms and messages that requests are about.
struct World {
    people: BTreeMap<&'static str, Account>,
    /// Where the messages are.
    talk: String,
    /// Where the same people are, and a private one of the owner.
    others: [String; 2],
    /// Where rights are taken away.
    spare: String,
    /// Where callers come and go.
    hall: String,
    messages: Vec<String>,
}

impl World {
    async fn make(rest: &Rest) -> Self {
        let mut people = BTreeMap::new();
        for name in ["user", "owner", "moderator", "admin", "passer", "victim", "renamed"] {
            people.insert(name, rest.new_user(name).await);
        }
        let owner = &people["owner"];
        let [talk, lounge, spare, hall] = [
            rest.new_room(owner, "public").await,
            rest.new_room(owner, "public").await,
            rest.new_room(owner, "public").await,
            rest.new_room(&people["victim"], "public").await,
        ];
        let hidden = rest.new_room(owner, "private").await;
        for person in people.values() {
            for room in [&talk, &lounge, &spare, &hall] {
                let _joined = rest.join(room, person).await.expect(200);
            }
        }
        let messages = Self::say(rest, &talk, &people).await;
        Self { talk, others: [lounge, hidden], spare, hall, messages, people }
    }

    async fn say(rest: &Rest, room: &str, people: &BTreeMap<&'static str, Account>) -> Vec<String> {
        let authors = ["user", "owner", "moderator", "admin"].into_iter().cycle();
        let said = stream::iter(authors.take(MESSAGES).enumerate()).map(|(number, author)| async move {
            let body = json!({"content": format!("message {number}")});
            let said = rest.say(room, &people[author], &body).await.expect(201).json();
            said["message_id"].as_str().expect("a message has an id").to_owned()
        });
        said.buffered(8).collect().await
    }

    /// Nothing over REST makes somebody a moderator or an admin yet, so it is written into the database.
    async fn promote(&self, server: &Standalone) {
        let _status = server.node.process.terminate().await;
        let database = server.data_dir.join("rookery.db");
        let output = Command::new(tools::python("python"))
            .arg(contract("promote.py"))
            .arg(database)
            .args([&self.people["moderator"].user_id, &self.people["admin"].user_id])
            .output();
        let output = output.await.expect("Python starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        server.node.start().await;
    }

    /// A folder with the program, and with what it has to know.
    fn write(&self, url: &str) -> PathBuf {
        let dir = dirs::fresh("document");
        for name in ["schemathesis.toml", "hooks.py"] {
            std::fs::copy(contract(name), dir.join(name)).expect("the configuration can be copied");
        }
        let names: BTreeMap<_, _> = self.people.iter().map(|(role, person)| (*role, &person.username)).collect();
        let renamed = &self.people["renamed"].email;
        let world = json!({"url": url, "password": PASSWORD, "people": names, "renamed": renamed});
        std::fs::write(dir.join("world.json"), world.to_string()).expect("the folder can be written");
        let general = "general".to_owned();
        let list = |name: &str, values: &[&String]| {
            let lines: Vec<String> = values.iter().map(|value| format!("\"{value}\"\n")).collect();
            std::fs::write(dir.join(name), lines.concat()).expect("the folder can be written");
        };
        list("rooms.txt", &[&self.talk, &self.others[0], &self.others[1], &general]);
        list("talk.txt", &[&self.talk]);
        list("spare_rooms.txt", &[&self.spare]);
        list("hall.txt", &[&self.hall]);
        list("users.txt", &[&self.people["victim"].user_id]);
        list("messages.txt", &self.messages.iter().collect::<Vec<_>>());
        dir
    }
}

fn contract(name: &str) -> PathBuf {
    tools::repository().join("tests/contract").join(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment what to play"
)]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A new one for each run. CI's is that of the document: a tree that passed there passes again.
fn seed(document: &str) -> String {
    let of_run = || match asked("CI") {
        Some(_) => hash(document),
        None => UnixMillis::now().0.unsigned_abs(),
    };
    asked("ROOKERY_DOCUMENT_SEED").unwrap_or_else(|| (of_run() % u64::from(u32::MAX)).to_string())
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

async fn play(dir: &Path, url: &str, role: &'static str, seed: &str) -> (&'static str, Output) {
    let examples = asked("ROOKERY_DOCUMENT_EXAMPLES").unwrap_or_else(|| EXAMPLES.to_owned());
    let output = Command::new(tools::python("schemathesis"))
        .args(["--config-file", "schemathesis.toml", "run", "--no-color", "--seed", seed])
        .args(["--max-examples", &examples, &format!("{url}/openapi.json")])
        .env("ROOKERY_CONTRACT_ROLE", role)
        .current_dir(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    (role, output.await.expect("schemathesis starts"))
}

/// What is wrong, as the program tells it.
fn failures(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = text.find("FAILURES").or_else(|| text.find("ERRORS")).map(|at| text[at..].to_owned());
    told.unwrap_or(text) + &String::from_utf8_lossy(&output.stderr)
}

/// How often each operation of the document was called.
fn calls(dir: &Path) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for role in ROLES {
        let text = std::fs::read_to_string(dir.join(format!("calls-{role}.json"))).expect("each role tells its calls");
        let counts: BTreeMap<String, u64> = serde_json::from_str(&text).expect("counts are JSON");
        for (operation, count) in counts {
            *sums.entry(operation).or_default() += count;
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_and_document_agree_for_everybody() {
    let server = Standalone::start().await;
    let (rest, url) = (Rest::new(server.node.public_url()), server.node.public_url());
    let document = rest.get("/openapi.json", None).await.expect(200);
    let seed = seed(&document.text);
    println!("ROOKERY_DOCUMENT_SEED={seed}");
    let world = World::make(&rest).await;
    world.promote(&server).await;
    let dir = world.write(&url);
    let played = stream::iter(ROLES).map(|role| play(&dir, &url, role, &seed));
    let played: Vec<_> = played.buffer_unordered(ROLES_AT_ONCE).collect().await;
    let bad = played.iter().filter(|(_, output)| !output.status.success());
    let bad: Vec<String> = bad.map(|(role, output)| format!("as {role}: {}", failures(output))).collect();
    assert!(bad.is_empty(), "ROOKERY_DOCUMENT_SEED={seed}\n{}", bad.join("\n"));

    let (document, calls) = (document.json(), calls(&dir));
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("the document has paths") {
        for (method, operation) in item.as_object().into_iter().flatten() {
            operations += 1;
            let count = calls.get(&format!("{} {path}", method.to_uppercase())).copied().unwrap_or(0);
            let takes_something = ["parameters", "requestBody"].iter().any(|part| operation.get(part).is_some());
            let wanted = if takes_something { CASES_MIN } else { CASES_WITHOUT_INPUT_MIN };
            assert!(count >= wanted, "{method} {path}: {count} cases only");
        }
    }
    assert!(operations > 30, "they were found");
    assert!(server.node.process.runs());
}

/// What outsiders sent, once more by name: the document allowed it and the server refused it, or the other way round.
#[tokio::test]
async fn what_the_document_allows_is_taken_and_what_it_forbids_is_not() {
    let server = Standalone::start().await;
    let rest = Rest::new(server.node.public_url());
    let (owner, other) = (rest.new_user("owner").await, rest.new_user("other").await);
    let room = rest.new_room(&owner, "public").await;
    let token = Some(owner.token.as_str());
    let path = |end: &str| format!("/api/v1/rooms/{room}{end}");
    for (body, status) in [
        (json!({"seq": 1.0}), 200),
        (json!({"seq": 1, "epoch": null}), 200),
        (json!({"seq": 1.5}), 400),
        (json!({"seq": "1"}), 400),
    ] {
        let _answer = rest.put(&path("/read"), token, &body).await.expect(status);
    }
    for (body, status) in [
        (json!({}), 200),
        (json!({"slow_mode_ms": 0.0}), 200),
        (json!({"slow_mode_ms": null}), 400),
        (json!({"frozen": null}), 400),
        (json!({"color": "red"}), 400),
    ] {
        let _answer = rest.patch(&path(""), token, &body).await.expect(status);
    }
    let ban = path(&format!("/members/{}/ban", other.user_id));
    for (body, status) in [
        (json!({"until": "2096-01-01T00:00:00Z", "duration_s": 5}), 400),
        (json!({"until": null, "duration_s": 5.0}), 204),
        (json!({"until": "2096-01-01T00:00:00Z", "duration_s": null}), 204),
    ] {
        let _answer = rest.put(&ban, token, &body).await.expect(status);
    }
    let status = json!({"status": "away", "text": null});
    let _answer = rest.put("/api/v1/users/me/presence", token, &status).await.expect(200);
    let simple = other.user_id.replace('-', "");
    for (path, status) in [
        ("/api/v1/rooms?cursor=".to_owned(), 400),
        (format!("/api/v1/users/presence?ids={}", other.user_id), 200),
        (format!("/api/v1/users/presence?ids={}", [other.user_id.as_str(); 201].join(",")), 400),
        (format!("/api/v1/users/presence?ids={simple}"), 400),
        (format!("/api/v1/rooms/{}", room.replace('-', "")), 404),
    ] {
        let _answer = rest.get(&path, token).await.expect(status);
    }
}

/// A program that takes the document at its word: each operation says whether it needs a token.
#[tokio::test]
async fn every_operation_says_who_may_call_it() {
    let server = Standalone::start().await;
    let document = Rest::new(server.node.public_url()).get("/openapi.json", None).await.expect(200).json();
    for (path, item) in document["paths"].as_object().expect("the document has paths") {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let is_public =
                ["/api/v1/auth/", "/api/v1/server", "/api/v1/avatars/", "/api/v1/linked-files/", "/.well-known/"]
                    .iter()
                    .any(|start| path.starts_with(start));
            let is_public = is_public && !path.ends_with("/logout-all") && !path.ends_with("/auth/ticket");
            // What a server is, and a link that somebody was sent who may be logged out by now.
            let is_public = is_public || ["/api/v1/server", "/api/v1/users/me/email/confirm"].contains(&path.as_str());
            let is_public = is_public || path.contains("/avatar/{avatar}/");
            let wanted = if is_public { json!([]) } else { json!([{"bearer": []}]) };
            assert_eq!(operation["security"], wanted, "{method} {path}");
            assert_ne!(operation["responses"]["431"], Value::Null, "{method} {path}");
        }
    }
}
