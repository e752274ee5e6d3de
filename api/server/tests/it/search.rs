//! Searches beside a brute-force recount: random texts in ten scripts that are said, edited and deleted by people who leave,
//! come back, are banned and pardoned, on both stores. A failure names its seed; `ROOKERY_SEARCH_SEED=17` plays that one, and
//! `ROOKERY_SEARCH_ROUNDS=200` plays many.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rookery_api::app::App;
use rookery_api::messages::changes::MessageChangeRequest;
use rookery_api::metrics::Metrics;
use rookery_api::rooms::NewRoom;
use rookery_api::search::indexer::{Indexer, Left};
use rookery_api::search::{HitPage, Wanted};
use rookery_protocol::access::{Until, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{NewMessage, Sender};
use rookery_protocol::id::{ClientId, MessageId, RoomId, RoomRef};
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_runtime::shutdown::Shutdown;
use rookery_store::Stores;
use rookery_store::room::{RoomName, SettingsChange};
use rookery_store::sanction::SanctionAction;
use rookery_store::search::{Query, Question};

use crate::home::Home;
use crate::samples::{left, messages, user};
use crate::unread::{Rng, app};

const USERS: usize = 3;
const ROOMS: usize = 3;
const STEPS: usize = 60;

/// Words between spaces, each as it may be written.
const WORDS: [&[&str]; 12] = [
    &["cafe", "Café", "CAFE\u{301}", "ＣＡＦＥ"],
    &["strasse", "Straße", "STRASSE"],
    &["naïve", "naive"],
    &["λόγος", "ΛΟΓΟΣ", "λογοσ"],
    &["οδός", "ΟΔΟΣ"],
    &["ёлка", "Елка", "ЁЛКА"],
    &["привет", "ПРИВЕТ"],
    &["مَرْحَبًا", "مرحبا", "مرحـبا"],
    &["שָׁלוֹם", "שלום"],
    &["नमस्ते"],
    &["दुनिया"],
    &["42", "４２"],
];

/// Characters of scripts without spaces.
const CHARACTERS: [&[&str]; 5] = [
    &["東", "京", "都", "大", "学"],
    &["あ", "り", "が"],
    &["サ", "ー", "バ"],
    &["한", "국", "어"],
    &["ไ", "ท", "ย"],
];

/// A part of a text between spaces, as somebody who knows the language sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Word(usize),
    Run(Vec<&'static str>),
}

impl Rng {
    fn part(&mut self) -> Part {
        if self.below(3) == 0 {
            let script = CHARACTERS[self.below(CHARACTERS.len())];
            Part::Run((0..=self.below(4)).map(|_| script[self.below(script.len())]).collect())
        } else {
            Part::Word(self.below(WORDS.len()))
        }
    }

    fn parts(&mut self) -> Vec<Part> {
        (0..=self.below(5)).map(|_| self.part()).collect()
    }

    fn written(&mut self, parts: &[Part]) -> String {
        let between = [" ", ", ", "\n", " – ", "! "];
        let mut text = String::new();
        for part in parts {
            if !text.is_empty() {
                text.push_str(between[self.below(between.len())]);
            }
            match part {
                Part::Word(word) => text.push_str(WORDS[*word][self.below(WORDS[*word].len())]),
                Part::Run(run) => text.extend(run.iter().copied()),
            }
        }
        text
    }
}

/// Whether some parts follow each other: words as they are, of a run a piece that stands by itself.
fn has(text: &[Part], wanted: &[Part]) -> bool {
    if let [Part::Run(piece)] = wanted {
        return text
            .iter()
            .any(|part| matches!(part, Part::Run(run) if run.windows(piece.len()).any(|w| w == piece)));
    }
    text.windows(wanted.len()).any(|window| window == wanted)
}

/// What is searched for.
struct Asked {
    wanted: Vec<Vec<Part>>,
    unwanted: Vec<Vec<Part>>,
    text: String,
}

impl Asked {
    fn new(rng: &mut Rng) -> Self {
        let mut asked = Self { wanted: Vec::new(), unwanted: Vec::new(), text: String::new() };
        for n in 0..=rng.below(3) {
            let phrase = if rng.below(3) == 0 {
                vec![Part::Word(rng.below(WORDS.len())), Part::Word(rng.below(WORDS.len()))]
            } else {
                vec![rng.part()]
            };
            let is_unwanted = n > 0 && rng.below(2) == 0;
            let words: Vec<String> = phrase.iter().map(|part| rng.written(std::slice::from_ref(part))).collect();
            let quoted = if phrase.len() > 1 {
                format!("\"{}\"", words.join(" "))
            } else {
                words.concat()
            };
            let minus = if is_unwanted { "-" } else { "" };
            asked.text.extend([" ", minus, &quoted]);
            if is_unwanted { &mut asked.unwanted } else { &mut asked.wanted }.push(phrase);
        }
        asked
    }

    fn matches(&self, text: &[Part]) -> bool {
        self.wanted.iter().all(|phrase| has(text, phrase)) && !self.unwanted.iter().any(|phrase| has(text, phrase))
    }
}

struct Said {
    id: MessageId,
    at: UnixMillis,
    author: usize,
    parts: Vec<Part>,
    is_deleted: bool,
}

struct Place {
    id: RoomId,
    said: Vec<Said>,
    members: BTreeSet<usize>,
    banned: BTreeSet<usize>,
}

struct Run {
    app: Arc<App>,
    stores: Stores,
    rng: Rng,
    people: Vec<Sender>,
    places: Vec<Place>,
    seed: u64,
}

impl Run {
    async fn new(app: Arc<App>, seed: u64) -> Self {
        let stores = app.stores.clone();
        let mut people = Vec::new();
        for number in 0..USERS {
            let account = user(&format!("searcher{number}x{seed}"));
            stores.users.insert(&account).await.unwrap();
            people.push(Sender { user_id: account.id, username: account.username.as_str().to_owned() });
        }
        let mut places = Vec::new();
        for _ in 0..ROOMS {
            let name = RoomName::try_from(format!("部屋 {}", RoomId::generate())).unwrap();
            let new = NewRoom { name, visibility: Visibility::Public, settings: SettingsChange::default() };
            let id = app.rooms.create(people[0].clone(), new, UnixMillis::now()).await.unwrap().room.id;
            places.push(Place { id, said: Vec::new(), members: [0].into(), banned: BTreeSet::new() });
        }
        Self { app, stores, rng: Rng::new(seed), people, places, seed }
    }

    async fn step(&mut self) {
        let (who, room) = (self.rng.below(USERS), self.rng.below(ROOMS));
        let (is_member, is_banned) =
            (self.places[room].members.contains(&who), self.places[room].banned.contains(&who));
        match self.rng.below(20) {
            _ if is_banned => self.sanction(who, room, SanctionAction::Unban).await,
            _ if !is_member => self.join(who, room).await,
            0..=9 => self.say(who, room).await,
            10..=13 => self.change(who, room, false).await,
            14..=16 => self.change(who, room, true).await,
            17..=18 if who > 0 => self.leave(who, room).await,
            19 if who > 0 => self.sanction(who, room, SanctionAction::Ban(Until::Revoked)).await,
            _ => {}
        }
    }

    fn place(&self, room: usize) -> RoomRef {
        RoomRef::Id(self.places[room].id)
    }

    async fn say(&mut self, who: usize, room: usize) {
        let parts = self.rng.parts();
        let content = self.rng.written(&parts);
        let message = NewMessage { content, client_id: ClientId::generate(), reply_to: None, attachments: Vec::new() };
        let sent = self
            .app
            .messages
            .send(self.people[who].clone(), &self.place(room), message)
            .await
            .unwrap();
        let said = Said { id: sent.id, at: sent.first.timestamp, author: who, parts, is_deleted: false };
        self.places[room].said.push(said);
    }

    async fn change(&mut self, who: usize, room: usize, is_deletion: bool) {
        let own = |(_, said): &(usize, &Said)| said.author == who && !said.is_deleted;
        let own: Vec<usize> = self.places[room].said.iter().enumerate().filter(own).map(|(n, _)| n).collect();
        let Some(index) = self.rng.pick(&own).copied() else { return };
        let parts = self.rng.parts();
        let kind = if is_deletion {
            ChangeKind::Delete
        } else {
            ChangeKind::Edit(self.rng.written(&parts))
        };
        let change = MessageChange { message_id: self.places[room].said[index].id, kind };
        let sender = self.people[who].clone();
        let request = MessageChangeRequest { sender, client_id: ClientId::generate(), change };
        self.app.messages.change(&self.place(room), request).await.unwrap();
        let said = &mut self.places[room].said[index];
        if is_deletion {
            said.is_deleted = true;
        } else {
            said.parts = parts;
        }
    }

    async fn join(&mut self, who: usize, room: usize) {
        let joined = self.app.rooms.join(self.people[who].clone(), &self.place(room), UnixMillis::now()).await;
        joined.unwrap();
        self.places[room].members.insert(who);
    }

    async fn leave(&mut self, who: usize, room: usize) {
        self.app.rooms.leave(self.people[who].clone(), &self.place(room)).await.unwrap();
        self.places[room].members.remove(&who);
    }

    async fn sanction(&mut self, who: usize, room: usize, action: SanctionAction) {
        let (id, event) = (self.people[who].user_id, left(self.people[0].user_id));
        self.stores
            .sanctions
            .apply(self.places[room].id, id, action, rookery_store::Cause::Server(&event))
            .await
            .unwrap();
        if action == SanctionAction::Unban {
            self.places[room].banned.remove(&who);
        } else {
            self.places[room].members.remove(&who);
            self.places[room].banned.insert(who);
        }
    }

    /// What a recount finds, newest first.
    fn recount(&self, who: usize, asked: &Asked, from: Option<usize>) -> Vec<MessageId> {
        let rooms = self.places.iter().filter(|place| place.members.contains(&who));
        let said = rooms.flat_map(|place| &place.said).filter(|said| {
            !said.is_deleted && from.is_none_or(|from| said.author == from) && asked.matches(&said.parts)
        });
        let mut found: Vec<(UnixMillis, MessageId)> = said.map(|said| (said.at, said.id)).collect();
        found.sort_unstable();
        found.into_iter().rev().map(|(_, id)| id).collect()
    }

    async fn search(&mut self, who: usize, asked: &Asked, from: Option<usize>) -> Vec<MessageId> {
        let mut wanted = Wanted {
            query: Query::parse(&asked.text).unwrap(),
            room: None,
            from: from.map(|from| self.people[from].user_id),
            has_link: false,
            has_file: false,
            sent_after: None,
            sent_before: None,
            before: None,
            limit: 1 + self.rng.below(7),
        };
        let mut all = Vec::new();
        loop {
            let HitPage { hits, next } = self.app.searching.page(self.people[who].user_id, &wanted).await.unwrap();
            assert!(hits.iter().all(|hit| !hit.highlights.is_empty()));
            all.extend(hits.iter().map(|hit| hit.said.event.id));
            wanted.before = next;
            if next.is_none() {
                return all;
            }
        }
    }

    async fn check(&mut self, step: usize) {
        indexed(&self.stores).await;
        for _ in 0..20 {
            let (who, asked) = (self.rng.below(USERS), Asked::new(&mut self.rng));
            let from = (self.rng.below(4) == 0).then(|| self.rng.below(USERS));
            let expected = self.recount(who, &asked, from);
            let found = self.search(who, &asked, from).await;
            assert_eq!(found, expected, "seed {} step {step}: {:?} by {who}", self.seed, asked.text);
        }
    }

    async fn play(mut self) {
        for step in 0..STEPS {
            self.step().await;
            if step % 15 == 14 {
                self.check(step).await;
            }
        }
    }
}

/// What is looked at again later is due by then.
fn soon() -> UnixMillis {
    UnixMillis::now().plus(Duration::from_mins(1))
}

/// Waits until nothing waits for the index.
async fn indexed(stores: &Stores) {
    for _ in 0..3_000 {
        if stores.search.waiting(soon(), 1).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the index is never up to date");
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

async fn play_seeds(home: Home, rounds: u64) {
    let shutdown = Shutdown::new();
    let (app, _bus) = app(&home, &shutdown).await;
    let rounds = number("ROOKERY_SEARCH_ROUNDS").unwrap_or(rounds);
    let seeds = number("ROOKERY_SEARCH_SEED").map_or_else(|| (1..=rounds).collect(), |seed| vec![seed]);
    for seed in seeds {
        Run::new(Arc::clone(&app), seed).await.play().await;
    }
    shutdown.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_equal_a_recount_on_sqlite() {
    play_seeds(Home::sqlite(), 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_equal_a_recount_on_mongo() {
    play_seeds(Home::mongo(), 3).await;
}

/// A store of an earlier release, whose messages never waited for an index.
async fn what_was_said_before_is_taken_in(home: Home) {
    let (stores, room) = (home.stores().await, RoomId::generate());
    let before = messages(room, 1, 1..=450);
    stores.messages.apply(&before).await.unwrap();
    let ids: Vec<MessageId> = before.iter().map(|event| event.event.id).collect();
    stores.search.done(&ids).await.unwrap();
    let live = messages(room, 1, 451..=451);
    stores.messages.apply(&live).await.unwrap();
    let indexer = Indexer::new(stores.clone(), Metrics::new().unwrap());
    for _ in 0..20 {
        if indexer.pass().await.unwrap() == Left::Nothing && done(&stores).await {
            break;
        }
    }
    let rooms = [room];
    let question = Question { rooms: &rooms, term: "epoch", since: None, before: None, limit: 1_000 };
    assert_eq!(stores.search.find(question).await.unwrap().len(), 451);
    let only = Question { term: "7", ..question };
    assert_eq!(stores.search.find(only).await.unwrap().len(), 1);
}

async fn done(stores: &Stores) -> bool {
    stores
        .search
        .building()
        .await
        .unwrap()
        .is_some_and(|building| building.finished_at.is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_before_is_taken_in_on_sqlite() {
    what_was_said_before_is_taken_in(Home::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_before_is_taken_in_on_mongo() {
    what_was_said_before_is_taken_in(Home::mongo()).await;
}

/// An edit that was stored a moment before its message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_waits_for_its_message() {
    use rookery_protocol::event::Event;
    let home = Home::sqlite();
    let stores = home.stores().await;
    let said = messages(RoomId::generate(), 1, 1..=1).remove(0);
    let sender = Sender { user_id: said.event.user_id, username: "ada".to_owned() };
    let change = MessageChange { message_id: said.event.id, kind: ChangeKind::Edit("mended".to_owned()) };
    let event = Event::message_change(said.room, sender, &ClientId::generate(), change);
    let mut edit = crate::samples::at(said.room, 1, 2, event);
    edit.timestamp = UnixMillis::now();
    let indexer = Indexer::new(stores.clone(), Metrics::new().unwrap());
    stores.messages.apply(&[edit]).await.unwrap();
    indexer.pass().await.unwrap();
    let waits = stores.search.waiting(soon(), 9).await.unwrap();
    assert_eq!(waits.len(), 1, "it is looked at again");
    stores.messages.apply(std::slice::from_ref(&said)).await.unwrap();
    indexer.pass().await.unwrap();
    let rooms = [said.room];
    let question = Question { rooms: &rooms, term: "mended", since: None, before: None, limit: 9 };
    assert_eq!(stores.search.find(question).await.unwrap().len(), 1);
    let old = Question { term: "number", ..question };
    assert_eq!(stores.search.find(old).await.unwrap().len(), 0);
}
