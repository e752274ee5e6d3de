//! A1 and A2: one data folder through restarts, restored copies and second processes that go past the lock, in random
//! order. Within one timeline nothing acknowledged is lost; who had more than a restored copy is told by `reset`; and
//! nowhere does `(epoch, seq)` name two events.
//!
//! `ROOKERY_TIMELINES=100` plays more of them, `ROOKERY_TIMELINES_SEED` those of a run that failed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rookery_protocol::clock::UnixMillis;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::rest::{Account, RawRequest, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::view::{self, Place, View};
use rookery_tests::ws::Socket;
use rookery_tests::{dirs, names};
use serde_json::json;

const PLAYS: u64 = 10;
/// Steps of a play beside one restore and one second process.
const MORE_STEPS: usize = 4;
const CLIENTS: usize = 3;
/// Messages that are said to two processes until one of them has noticed the other.
const SAID_TO_BOTH_MAX: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Say,
    Restart,
    Kill,
    CatchUp,
    Save,
    Restore,
    Rival,
}

/// A copy of the folder, and what had been acknowledged when it was begun.
struct Saved {
    kind: Kind,
    path: PathBuf,
    acked: HashSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The whole folder of a stopped process.
    Folder,
    /// `rookery.db` of a stopped process.
    File,
    /// Made by `rookery backup` beside the running process.
    Backup,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).unwrap() % bound
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

#[derive(Debug, Default)]
struct Counts {
    restores: usize,
    rivals: usize,
    acked: usize,
    resets: usize,
}

struct Play {
    dialect: Dialect,
    dice: Dice,
    server: Standalone,
    account: Account,
    room: String,
    /// Acknowledged in the timeline that goes on.
    acked: HashSet<String>,
    saved: Vec<Saved>,
    clients: Vec<View>,
    /// What each place has named, in all timelines.
    named: HashMap<Place, String>,
    counts: Counts,
}

fn number(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told by its environment what to play"
    )]
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_a2_random_interleavings_of_restores_and_second_processes() {
    random_interleavings(Dialect::Native, number("ROOKERY_TIMELINES").unwrap_or(PLAYS)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socketio_a1_a2_random_interleavings_of_restores_and_second_processes() {
    random_interleavings(Dialect::SocketIo, number("ROOKERY_TIMELINES").unwrap_or(1)).await;
}

#[expect(clippy::print_stdout, reason = "a failure is played again by its seed")]
async fn random_interleavings(dialect: Dialect, plays: u64) {
    let seed = number("ROOKERY_TIMELINES_SEED").unwrap_or_else(|| UnixMillis::now().0.unsigned_abs());
    let mut counts = Counts::default();
    for play in 0..plays {
        let seed = seed + play;
        println!("ROOKERY_TIMELINES=1 ROOKERY_TIMELINES_SEED={seed}");
        let played = Play::begin(dialect, seed).await.run().await;
        counts.restores += played.restores;
        counts.rivals += played.rivals;
        counts.acked += played.acked;
        counts.resets += played.resets;
    }
    println!("{plays} plays: {counts:?}");
    let each = usize::try_from(plays).unwrap();
    assert!(counts.restores >= each && counts.rivals >= each, "{counts:?}");
}

impl Play {
    async fn begin(dialect: Dialect, seed: u64) -> Self {
        let server = Standalone::start().await;
        let rest = Rest::new(server.node.public_url());
        let account = rest.new_user("timelines").await;
        let room = rest.new_room(&account, "public").await;
        let clients = (0..CLIENTS).map(|_| View::new(&room)).collect();
        // The generator stands still at zero, and neighbours begin alike.
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        dice.below(2);
        let (acked, saved, named) = (HashSet::new(), Vec::new(), HashMap::new());
        Self {
            dialect,
            dice,
            server,
            account,
            room,
            acked,
            saved,
            clients,
            named,
            counts: Counts::default(),
        }
    }

    async fn run(mut self) -> Counts {
        let mut steps = vec![Step::Restore, Step::Rival];
        for _ in 0..MORE_STEPS {
            let all = [Step::Restart, Step::Kill, Step::CatchUp, Step::Save, Step::Restore, Step::Rival];
            let step = self.dice.one_of(&all);
            steps.insert(self.dice.below(steps.len() + 1), step);
        }
        for step in steps {
            self.take(Step::Say).await;
            let who = self.dice.below(CLIENTS);
            self.catch_up(who).await;
            self.take(step).await;
            self.check().await;
        }
        for who in 0..CLIENTS {
            self.catch_up(who).await;
        }
        self.counts
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Say => {
                for _ in 0..=self.dice.below(4) {
                    assert!(self.say(&self.rest()).await, "{}", self.server.node.process.log_tail());
                }
            }
            Step::Restart => self.server.restart().await,
            Step::Kill => {
                self.server.node.process.kill();
                self.server.node.start().await;
            }
            Step::CatchUp => {
                let who = self.dice.below(CLIENTS);
                self.catch_up(who).await;
            }
            Step::Save => self.save().await,
            Step::Restore => self.restore().await,
            Step::Rival => self.rival().await,
        }
    }

    fn rest(&self) -> Rest {
        Rest::new(self.server.node.public_url())
    }

    /// Says something; whether it was acknowledged. What was not may be stored or not.
    async fn say(&mut self, rest: &Rest) -> bool {
        let body = json!({"content": "hi", "client_id": names::unique("c")}).to_string().into_bytes();
        let path = format!("/api/v1/rooms/{}/messages", self.room);
        let (method, token) = (http::Method::POST, Some(self.account.token.as_str()));
        let request = RawRequest { method, path: &path, token, content_type: Some("application/json"), body };
        let Ok(answer) = rest.raw(request).await else { return false };
        if answer.status != 201 {
            assert_eq!(answer.status, 503, "{}", answer.text);
            return false;
        }
        self.counts.acked += 1;
        self.acked.insert(answer.json()["message_id"].as_str().unwrap().to_owned());
        true
    }

    async fn save(&mut self) {
        let (kind, acked) = (self.dice.one_of(&[Kind::Folder, Kind::File, Kind::Backup]), self.acked.clone());
        let path = dirs::fresh("saved").join("copy");
        if kind == Kind::Backup {
            let (server, file) = (&self.server, path.display().to_string());
            server.done(&["backup", &file], "");
        } else {
            self.server.node.process.terminate().await;
            match kind {
                Kind::Folder => copy(&self.server.data_dir, &path),
                Kind::File | Kind::Backup => copy(&self.server.data_dir.join("rookery.db"), &path),
            }
            self.server.node.start().await;
        }
        self.saved.push(Saved { kind, path, acked });
    }

    async fn restore(&mut self) {
        if self.saved.is_empty() {
            self.save().await;
            Box::pin(self.take(Step::Say)).await;
        }
        for who in 0..CLIENTS - 1 {
            self.catch_up(who).await;
        }
        let saved = &self.saved[self.dice.below(self.saved.len())];
        if saved.kind == Kind::Backup && self.dice.below(2) == 0 {
            self.server.node.process.kill();
        } else {
            self.server.node.process.terminate().await;
        }
        let data_dir = &self.server.data_dir;
        match saved.kind {
            Kind::Folder => {
                fs::remove_dir_all(data_dir).unwrap();
                copy(&saved.path, data_dir);
            }
            Kind::File => copy(&saved.path, &data_dir.join("rookery.db")),
            Kind::Backup => {
                self.server.done(&["restore", &saved.path.display().to_string(), "--replace"], "");
            }
        }
        self.acked.clone_from(&saved.acked);
        self.server.node.start().await;
        self.counts.restores += 1;
        // From here on all that the copy had counts, also what was said while it was made.
        let history = self.check().await;
        self.acked.extend(history);
        for who in 0..CLIENTS - 1 {
            self.catch_up(who).await;
        }
    }

    /// A second process that the lock does not keep out. The first one notices, and what both acknowledge is kept.
    async fn rival(&mut self) {
        fs::remove_file(self.server.data_dir.join("rookery.lock")).unwrap();
        let rival = self.server.rival();
        rival.node.process.start();
        let (first, second) = (self.rest(), Rest::new(rival.node.public_url()));
        let mut said = 0;
        while self.server.node.process.runs() {
            self.say(&first).await;
            self.say(&second).await;
            said += 1;
            assert!(said < SAID_TO_BOTH_MAX, "{}", self.server.node.process.log_tail());
        }
        rival.node.ready().await;
        let log = self.server.node.process.log();
        assert!(log.contains("may no longer write"), "{}", self.server.node.process.log_tail());
        self.server = rival;
        self.counts.rivals += 1;
        assert!(self.say(&second).await, "{}", self.server.node.process.log_tail());
    }

    /// Everything acknowledged is in history, once, and no place has had another event. The ids of what was said.
    async fn check(&mut self) -> Vec<String> {
        let history = self.rest().history(&self.room, &self.account.token).await;
        let timeline = view::timeline_of(&history);
        let ids: Vec<String> = timeline.iter().map(|(_, id)| id.clone()).collect();
        let known: HashSet<&String> = ids.iter().collect();
        assert_eq!(known.len(), ids.len(), "twice in history");
        let lost: Vec<_> = self.acked.iter().filter(|id| !known.contains(id)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}\n{}", self.server.node.process.log_tail());
        for (place, id) in timeline {
            let named = self.named.entry(place).or_insert_with(|| id.clone());
            assert_eq!(*named, id, "two events at {place:?}");
        }
        let is_message = |frame: &&serde_json::Value| frame["type"] == "new_message";
        history.iter().filter(is_message).map(|frame| view::entry(frame).1).collect()
    }

    /// One client comes back with its position; afterwards it shows what history has.
    async fn catch_up(&mut self, who: usize) {
        let history = self.rest().history(&self.room, &self.account.token).await;
        let stored: HashSet<String> = view::timeline_of(&history).into_iter().map(|(_, id)| id).collect();
        let shown = &mut self.clients[who];
        let had_more = shown.timeline().iter().any(|(_, id)| !stored.contains(id));
        let base = self.dialect.address(&self.server.node.socket_url());
        let mut socket = Socket::login(&base, "/ws", &self.account.token).await;
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
        if shown.needs_history() {
            shown.merge(&history);
        }
        assert!(was_reset || !had_more, "a client that had more was not told");
        assert_eq!(shown.timeline(), view::timeline_of(&history), "client {who}");
        self.counts.resets += usize::from(was_reset);
        socket.leave().await;
    }
}

/// As an operator would, with `cp`.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success(), "{} is copied to {}", from.display(), to.display());
}
