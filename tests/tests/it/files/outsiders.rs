//! U12 in random order: people come, go and are sent away, messages and rooms go, and after each act nobody outside of a room
//! gets a byte of its files, unless by a link that was made for somebody inside and is not five minutes old.
//!
//! The seed is random and printed; `ROOKERY_FILES_SEED=17` plays that run again.

use std::collections::HashSet;
use std::env;
use std::time::Duration;

use http::Method;
use image::ImageFormat;
use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::{shared, wait};
use serde_json::{Value, json};

use super::{FILES, id, links, picture, send, upload};

const STEPS: usize = 45;
const USERS: usize = 5;
const ROOMS: usize = 2;
/// Files that are asked for after each act.
const ASKED_MAX: usize = 8;

struct Room {
    id: String,
    inside: HashSet<usize>,
    banned: HashSet<usize>,
}

struct Kept {
    id: String,
    owner: usize,
    is_picture: bool,
    /// Its message, once it has one.
    message: Option<String>,
    /// The number of its room, which stays the same when the room is made anew.
    room: Option<usize>,
    is_gone: bool,
    /// Links that were made for those who might have it.
    links: Vec<String>,
}

struct Play<'a> {
    deployment: &'a Deployment,
    rest: Rest,
    http: reqwest::Client,
    rng: u64,
    /// The first owns the rooms.
    users: Vec<Account>,
    rooms: Vec<Room>,
    files: Vec<Kept>,
    done: Vec<String>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment what to play"
)]
fn seed() -> u64 {
    let given = env::var("ROOKERY_FILES_SEED").ok();
    given.map_or_else(|| rand::random::<u32>().into(), |given| given.parse().expect("a whole number"))
}

#[tokio::test]
async fn u12_nobody_outside_gets_a_byte_whatever_happens() {
    let seed = seed();
    println!("ROOKERY_FILES_SEED={seed}");
    for deployment in shared::both().await {
        let mut play = Play::on(deployment, seed).await;
        for _ in 0..STEPS {
            play.step().await;
            play.check().await;
        }
        deployment.assert_alive();
    }
}

impl<'a> Play<'a> {
    async fn on(deployment: &'a Deployment, seed: u64) -> Self {
        let rest = deployment.rest();
        let mut users = Vec::new();
        for _ in 0..USERS {
            users.push(rest.new_user("u12").await);
        }
        let mut play = Self {
            deployment,
            http: reqwest::Client::new(),
            // No state of the generator is zero.
            rng: seed.wrapping_mul(2) + 1,
            users,
            rooms: Vec::new(),
            files: Vec::new(),
            done: vec![format!("ROOKERY_FILES_SEED={seed} on {}", deployment.name())],
            rest,
        };
        for _ in 0..ROOMS {
            let room = play.new_room().await;
            play.rooms.push(room);
        }
        for room in 0..ROOMS {
            for user in 1..USERS - 1 {
                play.join(room, user).await;
            }
        }
        play
    }

    /// xorshift64*
    fn below(&mut self, bound: usize) -> usize {
        self.rng ^= self.rng >> 12;
        self.rng ^= self.rng << 25;
        self.rng ^= self.rng >> 27;
        let drawn = self.rng.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).expect("31 bits") % bound
    }

    fn story(&self) -> String {
        self.done.join("\n")
    }

    async fn new_room(&self) -> Room {
        let visibility = if self.rooms.len().is_multiple_of(2) { "public" } else { "private" };
        let id = self.rest.new_room(&self.users[0], visibility).await;
        Room { id, inside: HashSet::from([0]), banned: HashSet::new() }
    }

    async fn step(&mut self) {
        let (room, user) = (self.below(ROOMS), 1 + self.below(USERS - 1));
        let act = self.below(24);
        self.done.push(format!("{act} in room {room} by or on user {user}"));
        match act {
            0..=2 => self.join(room, user).await,
            3 => self.leave(room, user).await,
            4 => self.send_away(room, user, "kick").await,
            5 => self.send_away(room, user, "ban").await,
            6 => self.unban(room, user).await,
            7..=13 => self.share(room, user).await,
            14..=15 => self.upload(user).await,
            16..=17 => self.delete_message().await,
            18 => self.purge(room, user).await,
            19 => self.end(room).await,
            _ => self.link(user).await,
        }
    }

    async fn join(&mut self, room: usize, user: usize) {
        let (place, who) = (&self.rooms[room], &self.users[user]);
        if place.inside.contains(&user) || place.banned.contains(&user) {
            return;
        }
        // Into a private room one is let in.
        let path = format!("/api/v1/rooms/{}/members/{}", place.id, who.user_id);
        let added = self.rest.put(&path, Some(&self.users[0].token), &json!({})).await;
        assert!([201, 204].contains(&added.status), "{}\n{}", added.text, self.story());
        self.rooms[room].inside.insert(user);
    }

    async fn leave(&mut self, room: usize, user: usize) {
        if self.rooms[room].inside.remove(&user) {
            let left = self.rest.leave(&self.rooms[room].id, &self.users[user]).await;
            assert!(left.status < 300, "{}\n{}", left.text, self.story());
        }
    }

    async fn send_away(&mut self, room: usize, user: usize, act: &str) {
        if !self.rooms[room].inside.remove(&user) {
            return;
        }
        let method = if act == "ban" { Method::PUT } else { Method::POST };
        self.moderate(method, [room, user], act).await;
        if act == "ban" {
            self.rooms[room].banned.insert(user);
        }
    }

    async fn unban(&mut self, room: usize, user: usize) {
        if self.rooms[room].banned.remove(&user) {
            self.moderate(Method::DELETE, [room, user], "ban").await;
        }
    }

    async fn moderate(&self, method: Method, [room, user]: [usize; 2], act: &str) {
        let case = [&*self.rooms[room].id, &*self.users[user].user_id, act];
        let body = if method == Method::PUT { json!({}) } else { Value::Null };
        let answer = self.rest.moderate(method, case, &self.users[0], &body).await;
        assert!(answer.status < 300, "{}\n{}", answer.text, self.story());
    }

    async fn upload(&mut self, user: usize) {
        let is_picture = self.below(3) == 0;
        let (name, bytes) = if is_picture {
            ("a.png", picture(340, 20, ImageFormat::Png))
        } else {
            ("a.txt", b"not for everybody".to_vec())
        };
        let id = id(&upload(&self.rest, &self.users[user], name, &bytes).await);
        let links = Vec::new();
        self.files
            .push(Kept { id, owner: user, is_picture, message: None, room: None, is_gone: false, links });
    }

    async fn share(&mut self, room: usize, user: usize) {
        if !self.rooms[room].inside.contains(&user) {
            return;
        }
        let is_free = |file: &&Kept| file.owner == user && file.message.is_none() && !file.is_gone;
        if self.files.iter().find(is_free).is_none() {
            self.upload(user).await;
        }
        let at = self.files.iter().position(|file| is_free(&file)).expect("one was uploaded");
        let sent = send(&self.rest, &self.rooms[room].id, &self.users[user], "look", &[&self.files[at].id]).await;
        let sent = sent.expect(201).json();
        self.files[at].message = Some(sent["message_id"].as_str().expect("an id").to_owned());
        self.files[at].room = Some(room);
    }

    async fn delete_message(&mut self) {
        let shown: Vec<usize> = (0..self.files.len())
            .filter(|at| self.files[*at].message.is_some() && !self.files[*at].is_gone)
            .collect();
        if shown.is_empty() {
            return;
        }
        let at = shown[self.below(shown.len())];
        let file = &self.files[at];
        let (room, message) = (file.room.expect("a room"), file.message.as_ref().expect("a message"));
        let path = format!("/api/v1/rooms/{}/messages/{message}", self.rooms[room].id);
        let _deleted = self.rest.delete(&path, Some(&self.users[0].token)).await.expect(200);
        self.is_gone_for_its_owner(at).await;
        self.files[at].is_gone = true;
    }

    async fn is_gone_for_its_owner(&self, at: usize) {
        let file = &self.files[at];
        let path = format!("{FILES}/{}", file.id);
        wait::within(Duration::from_mins(1), "the file is gone", async || {
            self.ask(&path, Some(&self.users[file.owner])).await.0 == 404
        })
        .await;
    }

    /// From the answer on nobody has what was purged.
    async fn purge(&mut self, room: usize, user: usize) {
        let path = format!("/api/v1/rooms/{}/members/{}/purge", self.rooms[room].id, self.users[user].user_id);
        let _begun = self.rest.post(&path, Some(&self.users[0].token), &json!({})).await.expect(202);
        for file in self.files.iter_mut().filter(|file| file.owner == user && file.room == Some(room)) {
            file.is_gone = true;
        }
    }

    /// The room ends, and another one takes its place.
    async fn end(&mut self, room: usize) {
        let path = format!("/api/v1/rooms/{}", self.rooms[room].id);
        let _gone = self.rest.delete(&path, Some(&self.users[0].token)).await.expect(204);
        let visibility = if room == 0 { "public" } else { "private" };
        let id = self.rest.new_room(&self.users[0], visibility).await;
        self.rooms[room] = Room { id, inside: HashSet::from([0]), banned: HashSet::new() };
        for at in 0..self.files.len() {
            let is_there = self.files[at].room == Some(room) && !self.files[at].is_gone;
            if !is_there {
                continue;
            }
            for user in (0..USERS).filter(|user| *user != self.files[at].owner) {
                self.refused(at, user).await;
            }
            self.is_gone_for_its_owner(at).await;
            self.files[at].is_gone = true;
        }
    }

    /// A link is made for whoever may have the file, and for nobody else.
    async fn link(&mut self, user: usize) {
        if self.files.is_empty() {
            return;
        }
        let at = self.below(self.files.len());
        let file = &self.files[at];
        let made = links(&self.rest, &self.users[user], &[&file.id]).await;
        let url = made[&file.id]["url"].as_str().map(str::to_owned);
        assert_eq!(url.is_some(), self.may_have(file, user), "{made}\n{}", self.story());
        self.files[at].links.extend(url);
    }

    fn may_have(&self, file: &Kept, user: usize) -> bool {
        let is_inside = file.room.is_some_and(|room| self.rooms[room].inside.contains(&user));
        !file.is_gone && (file.owner == user || is_inside)
    }

    async fn check(&mut self) {
        let first = self.files.len().saturating_sub(ASKED_MAX);
        let mut asked: Vec<usize> = (first..self.files.len()).collect();
        if first > 0 {
            asked.push(self.below(first));
        }
        for at in asked {
            for user in 0..USERS {
                if self.may_have(&self.files[at], user) {
                    let path = format!("{FILES}/{}", self.files[at].id);
                    let (status, _) = self.ask(&path, Some(&self.users[user])).await;
                    assert_eq!(status, 200, "user {user}, file {at}\n{}", self.story());
                } else {
                    self.refused(at, user).await;
                }
            }
            let file = &self.files[at];
            for path in [format!("{FILES}/{}", file.id), format!("/api/v1/linked-files/{}", file.id)] {
                let (status, bytes) = self.ask(&path, None).await;
                assert!([401, 404].contains(&status) && bytes.starts_with(b"{"), "{status}\n{}", self.story());
            }
            for link in &file.links {
                let wanted = if file.is_gone { 404 } else { 200 };
                let (status, bytes) = self.ask(link, None).await;
                assert_eq!(status, wanted, "the link of file {at}\n{}", self.story());
                assert!(!file.is_gone || bytes.starts_with(b"{"), "file {at}\n{}", self.story());
            }
        }
    }

    async fn refused(&self, at: usize, user: usize) {
        let file = &self.files[at];
        let thumbnail = file.is_picture.then(|| format!("{FILES}/{}/thumbnail", file.id));
        for path in [Some(format!("{FILES}/{}", file.id)), thumbnail].into_iter().flatten() {
            let (status, bytes) = self.ask(&path, Some(&self.users[user])).await;
            let context = || format!("{path}, user {user}, file {at}\n{}", self.story());
            assert_eq!(status, 404, "{}", context());
            assert!(bytes.starts_with(b"{"), "{}", context());
        }
    }

    async fn ask(&self, path: &str, user: Option<&Account>) -> (u16, Vec<u8>) {
        let mut request = self.http.get(format!("{}{path}", self.deployment.api().public_url()));
        if let Some(user) = user {
            request = request.bearer_auth(&user.token);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.bytes().await.expect("a body").to_vec())
    }
}
