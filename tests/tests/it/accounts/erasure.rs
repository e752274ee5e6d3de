//! Erasing an account: what people hear of it, and that nothing of the person is left anywhere.

use std::path::Path;

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::dirs;
use rookery_tests::mail::MailServer;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::redis::ask;
use rookery_tests::rest::{Account, PASSWORD, Rest};
use rookery_tests::wait::{self, PATIENCE};
use rookery_tests::ws::Socket;
use serde_json::{Value, json};

use super::{ME, Person, REGISTER, admin, with_mail};
use crate::talk::say;

const DELETE: &str = "/api/v1/users/me/delete";
const DELETED: &str = "deleted user";

/// Twenty letters that nobody else has.
fn letters() -> String {
    (0..20).map(|_| char::from(rand::random_range(b'a'..=b'z'))).collect()
}

/// The receipt of an erasure, once it is finished.
pub(super) async fn receipt(rest: &Rest, root: &Account, user_id: &str) -> Value {
    let mut last = Value::Null;
    wait::until("the erasure is finished", async || {
        last = rest
            .delete(&format!("/api/v1/admin/users/{user_id}"), Some(&root.token))
            .await
            .expect(200)
            .json();
        last["state"] == "done"
    })
    .await;
    last
}

/// Somebody with a name, an address and more of twenty letters each, that are found if they are anywhere.
struct Planted {
    account: Account,
    /// Everything that must be gone.
    texts: Vec<String>,
    first_name: String,
}

impl Planted {
    /// Does what people do with an account: is renamed, asks for links, has a second factor, a device and a profile.
    async fn in_use(rest: &Rest, mail: &MailServer) -> Self {
        let [first_name, name, address, other_address, display, bio, device] = [(); 7].map(|()| letters());
        let email = format!("{address}@example.org");
        let body = json!({"username": first_name, "email": email, "password": PASSWORD});
        let _begun = rest.post(REGISTER, None, &body).await.expect(201);
        let login = json!({"login": first_name, "password": PASSWORD, "device": device});
        let token = rest.post("/api/v1/auth/login", None, &login).await.expect(200).json();
        let token = token["access_token"].as_str().map(str::to_owned);
        let profile = json!({"display_name": display, "bio": format!("I am {bio}")});
        let _shown = rest.patch(ME, token.as_deref(), &profile).await.expect(200);
        let renamed = json!({"username": name});
        let _renamed = rest.put("/api/v1/users/me/username", token.as_deref(), &renamed).await.expect(200);
        let _forgot = rest
            .post("/api/v1/auth/password/forgot", None, &json!({"email": email}))
            .await
            .expect(202);
        mail.nth_to(&email, 1).await;
        let other = json!({"email": format!("{other_address}@example.org"), "password": PASSWORD});
        let _asked = rest.put("/api/v1/users/me/email", token.as_deref(), &other).await.expect(202);
        mail.nth_to(&format!("{other_address}@example.org"), 1).await;
        let factor = json!({"password": PASSWORD});
        let _factor = rest.post("/api/v1/users/me/totp", token.as_deref(), &factor).await.expect(200);
        let account = rest.login(&name, PASSWORD).await.expect(200).account(email);
        Self {
            account,
            texts: vec![first_name.clone(), name, address, other_address, display, bio, device],
            first_name,
        }
    }

    fn token(&self) -> &str {
        &self.account.token
    }
}

/// A room of somebody else in which much was said and done, one that the person owns, and one where nobody else is.
struct Scene {
    room: String,
    owned: String,
    alone: String,
    friend: Account,
    listener: Socket,
    own_socket: Socket,
}

impl Scene {
    async fn played(deployment: &Deployment, planted: &Planted) -> Self {
        let (rest, sockets) = (deployment.rest(), deployment.sockets());
        let friend = rest.new_user("friend").await;
        let room = rest.new_room(&friend, "public").await;
        let owned = rest.new_room(&planted.account, "public").await;
        let alone = rest.new_room(&planted.account, "private").await;
        let _joined = rest.join(&room, &planted.account).await.expect(200);
        let _joined = rest.join(&owned, &friend).await.expect(200);
        let mut own_socket = Socket::login(&sockets[0], "/ws", &planted.account.token).await;
        let mut listener = Socket::login(&sockets[1], "/ws", &friend.token).await;
        for place in [&room, &owned] {
            own_socket.subscribe(place).await;
            listener.subscribe(place).await;
        }
        for n in 0..5 {
            let said = say(&mut own_socket, &room, &format!("question {n}")).await;
            say(&mut listener, &room, &format!("answer {n}")).await;
            if n == 0 {
                let message = said["message"]["message_id"].as_str().expect("an id").to_owned();
                let path = format!("/api/v1/rooms/{room}/messages/{message}");
                let _edited = rest.put(&path, Some(planted.token()), &json!({"content": "question zero"})).await;
                let _reacted = rest.put(&format!("{path}/reactions/👍"), Some(planted.token()), &json!({})).await;
            }
        }
        say(&mut own_socket, &owned, "mine").await;
        say(
            &mut Socket::login(&sockets[0], &format!("/ws/{alone}"), &planted.account.token).await,
            &alone,
            "alone",
        )
        .await;
        for (method, act) in [(Method::PUT, "mute"), (Method::DELETE, "mute")] {
            let case = [room.as_str(), &planted.account.user_id, act];
            assert_eq!(rest.moderate(method, case, &friend, &json!({})).await.status, 204);
        }
        let blocked = format!("/api/v1/users/me/blocks/{}", friend.user_id);
        let _blocked = rest.put(&blocked, Some(planted.token()), &json!({})).await.expect(204);
        Self { room, owned, alone, friend, listener, own_socket }
    }
}

/// What was said by whom, without what may differ.
fn talk(history: &[Value]) -> Vec<(Value, Value)> {
    let said = history.iter().filter(|event| event["type"] == "new_message");
    said.map(|event| (event["message"]["user_id"].clone(), event["message"]["content"].clone()))
        .collect()
}

/// Every store, index, log and Redis value of a deployment, as one heap of bytes by where they are.
async fn everything(deployment: &Deployment) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    match deployment {
        Deployment::Cluster(cluster) => {
            let dir = dirs::fresh("searched");
            let backup = dir.join("backup").display().to_string();
            cluster.run_api(&["backup", &backup], "");
            all.push(("a backup of MongoDB".to_owned(), std::fs::read(backup).expect("it was written")));
            let port = cluster.redis.port();
            // Without compression each text is in the file as it is in memory.
            ask(port, &["CONFIG", "SET", "rdbcompression", "no"]).await.expect("an answer");
            ask(port, &["SAVE"]).await.expect("an answer");
            let mut settings = Vec::new();
            for name in ["dir", "dbfilename"] {
                let answer = ask(port, &["CONFIG", "GET", name]).await.expect("an answer");
                settings.push(answer.lines().last().expect("a value").to_owned());
            }
            let file = Path::new(&settings[0]).join(&settings[1]);
            all.push(("Redis".to_owned(), std::fs::read(file).expect("it was saved")));
        }
        Deployment::Standalone(server) => {
            let mut folders = vec![server.data_dir.clone()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).expect("a folder") {
                    let path = entry.expect("an entry").path();
                    if path.is_dir() {
                        folders.push(path);
                    } else {
                        all.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
                    }
                }
            }
        }
    }
    all.extend(
        deployment
            .nodes()
            .iter()
            .enumerate()
            .map(|(n, node)| (format!("log {n}"), node.process.log().into_bytes())),
    );
    all
}

/// Where a text is found, in any case.
fn found(all: &[(String, Vec<u8>)], text: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
    all.iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn an_erased_person_is_found_nowhere_and_conversations_stay() {
    let (mail, both) = with_mail(&[]).await;
    for deployment in &both {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let planted = Planted::in_use(&rest, &mail).await;
        let mut scene = Scene::played(deployment, &planted).await;
        let before = rest.history(&scene.room, &scene.friend.token).await;
        let _asked = rest
            .post("/api/v1/users/me/export", Some(planted.token()), &json!({"password": PASSWORD}))
            .await
            .expect(202);
        let all = everything(deployment).await;
        for text in &planted.texts {
            assert!(!found(&all, text).is_empty(), "{}: the search finds what is there: {text}", deployment.name());
        }

        let wrong = json!({"password": "another horse 8"});
        rest.post(DELETE, Some(planted.token()), &wrong)
            .await
            .expect_problem(403, "password_wrong");
        let _gone = rest.post(DELETE, Some(planted.token()), &json!({"password": PASSWORD})).await.expect(204);
        assert_eq!(scene.own_socket.closed(PATIENCE).await, Some(4409));
        for room in [&scene.room, &scene.owned] {
            let left = scene
                .listener
                .expect("member_left", |frame| frame["type"] == "member_left" && frame["room"] == room.as_str())
                .await;
            assert_eq!(left["user"], json!({"user_id": planted.account.user_id, "username": DELETED}));
        }
        let receipt = receipt(&rest, &root, &planted.account.user_id).await;
        let removed = &receipt["removed"];
        assert_eq!(
            (&removed["memberships"], &removed["rooms_passed_on"], &removed["rooms_closed"]),
            (&json!(4), &json!(1), &json!(1)),
            "{receipt}"
        );
        assert!(removed["events"].as_u64() > Some(10) && removed["records"].as_u64() > Some(3), "{receipt}");

        let all = everything(deployment).await;
        for text in &planted.texts {
            assert_eq!(found(&all, text), Vec::<String>::new(), "{}: {text}", deployment.name());
        }
        assert_conversation(&rest, &scene, &planted, &before).await;
        assert_access_ended(&rest, &scene, &planted).await;
    }
}

async fn assert_conversation(rest: &Rest, scene: &Scene, planted: &Planted, before: &[Value]) {
    let after = rest.history(&scene.room, &scene.friend.token).await;
    assert_eq!(talk(&after), talk(before), "all that was said stays");
    for text in &planted.texts {
        assert!(!json!(after).to_string().contains(text.as_str()), "{text}");
    }
    let own = |event: &&Value| event["message"]["user_id"] == planted.account.user_id.as_str();
    assert!(after.iter().filter(own).all(|event| event["message"]["username"] == DELETED));
    let owned = rest
        .get(&format!("/api/v1/rooms/{}", scene.owned), Some(&scene.friend.token))
        .await
        .expect(200)
        .json();
    assert_eq!(owned["role"], "owner", "{owned}");
    let alone = rest.get(&format!("/api/v1/rooms/{}", scene.alone), Some(&scene.friend.token)).await;
    alone.expect_problem(404, "unknown_room");
}

async fn assert_access_ended(rest: &Rest, scene: &Scene, planted: &Planted) {
    rest.get(ME, Some(planted.token())).await.expect_problem(401, "unauthenticated");
    rest.refresh(&planted.account.refresh_token)
        .await
        .expect_problem(401, "bad_refresh_token");
    for login in [&planted.account.username, &planted.account.email] {
        rest.login(login, PASSWORD).await.expect_problem(401, "bad_credentials");
    }
    let friend = Some(scene.friend.token.as_str());
    let user = format!("/api/v1/users/{}", planted.account.user_id);
    rest.get(&user, friend).await.expect_problem(404, "not_found");
    let found = rest
        .get(&format!("/api/v1/users?q={}", planted.account.username), friend)
        .await
        .expect(200)
        .json();
    assert_eq!(found["users"], json!([]));
    for name in [&planted.account.username, &planted.first_name] {
        let again = Person { username: name.to_uppercase(), email: Person::new("again").email };
        again.register(rest).await.expect_problem(409, "username_taken");
    }
    let again = Person { username: Person::new("again").username, email: planted.account.email.clone() };
    let _free = again.register(rest).await.expect(201);
}

#[tokio::test]
async fn admins_erase_accounts_and_the_last_admin_stays() {
    for deployment in &Deployment::both_with(&[]).await {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let user = rest.new_user("erased").await;
        let path = |user: &Account| format!("/api/v1/admin/users/{}", user.user_id);
        rest.delete(&path(&root), Some(&user.token)).await.expect_problem(403, "forbidden");
        rest.delete(&path(&root), Some(&root.token)).await.expect_problem(409, "last_admin");
        rest.post(DELETE, Some(&root.token), &json!({"password": PASSWORD}))
            .await
            .expect_problem(409, "last_admin");
        let nobody = "/api/v1/admin/users/01890000-0000-7000-8000-000000000000";
        rest.delete(nobody, Some(&root.token)).await.expect_problem(404, "not_found");
        let first = receipt(&rest, &root, &user.user_id).await;
        assert_eq!(
            (&first["removed"]["sessions"], &first["removed"]["memberships"]),
            (&json!(1), &json!(1)),
            "{first}"
        );
        assert_eq!(receipt(&rest, &root, &user.user_id).await, first, "the receipt is kept");
        rest.patch(&path(&user), Some(&root.token), &json!({"disabled": false}))
            .await
            .expect_problem(404, "not_found");
        let log = rest
            .get("/api/v1/moderation/audit?action=user_erased", Some(&root.token))
            .await
            .expect(200)
            .json();
        assert_eq!(log["entries"].as_array().map(Vec::len), Some(1), "{log}");
        let other = admin(deployment).await;
        let _gone = rest.post(DELETE, Some(&root.token), &json!({"password": PASSWORD})).await.expect(204);
        rest.delete(&path(&other), Some(&other.token)).await.expect_problem(409, "last_admin");
        assert_eq!(receipt(&rest, &other, &root.user_id).await["state"], "done");
    }
}
