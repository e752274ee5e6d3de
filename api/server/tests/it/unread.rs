//! Unread counts beside a naive recount: random runs of sends, edits, deletions, reactions, reads on two devices, leaves
//! and returns, through the services, on both stores. A failure names its seed; `ROOKERY_UNREAD_SEED=17` plays that one.

use std::collections::HashMap;
use std::sync::Arc;

use rookery_api::app::{App, AppParts};
use rookery_api::journal::StoreJournal;
use rookery_api::messages::changes::MessageChangeRequest;
use rookery_api::moderation::deletions::DeletionLog;
use rookery_api::notices::feed::feed;
use rookery_api::push::PushOptions;
use rookery_api::rooms::NewRoom;
use rookery_bus::authority::ReadMarks as _;
use rookery_bus::limiter::Limiter;
use rookery_bus::memory::MemoryBus;
use rookery_bus::pace::RoomRateLimit;
use rookery_media::objects::Objects;
use rookery_media::options::ObjectOptions;
use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{NewMessage, Sender};
use rookery_protocol::id::{ClientId, Epoch, MessageId, RoomId, RoomRef, Seq, UserId};
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_protocol::unread::ReadTo;
use rookery_runtime::origin::Origins;
use rookery_runtime::outgoing::{Exempt, Outgoing};
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::tls::without_authorities;
use rookery_runtime::token::SigningKeys;
use rookery_store::room::{RoomName, SettingsChange};
use tokio::task::JoinSet;

use crate::home::Home;
use crate::samples::user;

const USERS: usize = 3;
const ROOMS: usize = 2;
const STEPS: usize = 60;
/// How often counts that were left out are asked for again.
const LEFT_OUT_MAX: usize = 40;

/// xorshift64*: the same numbers for the same seed, everywhere and for all time.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        (!from.is_empty()).then(|| &from[self.below(from.len())])
    }
}

/// An api in one process on this store.
pub(crate) async fn app(home: &Home, shutdown: &Shutdown) -> (Arc<App>, Arc<MemoryBus>) {
    let stores = home.stores().await;
    let journal = Arc::new(StoreJournal {
        messages: Arc::clone(&stores.messages),
        notices: feed().0,
        deletions: DeletionLog::new(&stores),
    });
    let bus = MemoryBus::start(Epoch(1), RoomRateLimit::OFF, journal, shutdown);
    let keys = tempfile::tempdir().unwrap();
    SigningKeys::generate(keys.path(), "first").unwrap();
    let keys = SigningKeys::load(keys.path(), None).unwrap();
    let parts = AppParts {
        objects: Objects::open(&ObjectOptions::None).unwrap(),
        settings: rookery_api::settings::ServerSettings {
            registration: rookery_api::accounts::registration::Registration::Open,
            verification: rookery_api::accounts::registration::Verification::None,
            verification_minutes: 10,
            banner: None,
            retention_days: None,
            file_bytes_max: 1_000_000,
            user_quota_bytes: 10_000_000,
            filter: rookery_protocol::filter::FilterRules::default(),
        },
        files: rookery_api::files::options::FileOptions::default(),
        mail: rookery_api::mail::MailOptions::default(),
        push: PushOptions { contact: None, outgoing: Outgoing::new(without_authorities().unwrap(), Exempt::default()) },
        stores,
        bus: bus.clone(),
        presence: bus.clone(),
        keys,
        tokens: rookery_api::accounts::token_options::TokenOptions::of("test"),
        origins: Origins::default(),
        limiter: Limiter::off(),
        pace: RoomRateLimit::OFF,
    };
    let app = App::new(parts).unwrap();
    app.prepare().await.unwrap();
    app.run_background(shutdown);
    (app, bus)
}

/// What was said, as somebody who only looks at the room would write it down.
struct Said {
    seq: u64,
    id: MessageId,
    author: usize,
    text: String,
    is_deleted: bool,
}

#[derive(Default)]
struct Naive {
    said: Vec<Said>,
    head: u64,
    /// The marks of those who are in the room.
    marks: HashMap<usize, u64>,
}

impl Naive {
    fn count(&self, reader: usize, name: &str) -> Option<(u64, u64)> {
        let mark = *self.marks.get(&reader)?;
        let unread = self
            .said
            .iter()
            .filter(|said| said.seq > mark && said.author != reader && !said.is_deleted);
        let of_me = |said: &&Said| said.text.split(' ').any(|word| word.to_lowercase() == format!("@{name}"));
        let (unread, mentions): (Vec<&Said>, Vec<&Said>) = (unread.clone().collect(), unread.filter(of_me).collect());
        Some((unread.len() as u64, mentions.len() as u64))
    }
}

struct Run {
    app: Arc<App>,
    rng: Rng,
    people: Vec<Sender>,
    rooms: Vec<(RoomRef, RoomId, Naive)>,
    seed: u64,
}

impl Run {
    async fn new(app: Arc<App>, stores_user: impl AsyncFn(&str) -> UserId, seed: u64) -> Self {
        let mut people = Vec::new();
        for number in 0..USERS {
            let username = format!("user{number}x{seed}");
            people.push(Sender { user_id: stores_user(&username).await, username });
        }
        let mut rooms = Vec::new();
        for _ in 0..ROOMS {
            let (name, visibility) = (unnamed(), Visibility::Public);
            let new = NewRoom { name, visibility, settings: SettingsChange::default() };
            let made = app.rooms.create(people[0].clone(), new, UnixMillis::now()).await.unwrap().room.id;
            // The owner's join is the first event.
            let naive = Naive { head: 1, marks: HashMap::from([(0, 0)]), ..Naive::default() };
            rooms.push((RoomRef::Id(made), made, naive));
        }
        Self { app, rng: Rng::new(seed), people, rooms, seed }
    }

    async fn step(&mut self) {
        let (who, room) = (self.rng.below(USERS), self.rng.below(ROOMS));
        let is_member = self.rooms[room].2.marks.contains_key(&who);
        match self.rng.below(20) {
            _ if !is_member => self.join(who, room).await,
            0..=7 => self.say(who, room).await,
            8..=10 => self.edit(who, room).await,
            11..=12 => self.delete(who, room).await,
            13 => self.react(who, room).await,
            14..=18 => self.read(who, room).await,
            _ => self.leave(who, room).await,
        }
    }

    fn text(&mut self) -> String {
        let mut words = Vec::new();
        for _ in 0..=self.rng.below(3) {
            let name = self.people[self.rng.below(USERS)].username.clone();
            let name = if self.rng.below(2) == 0 { name.to_uppercase() } else { name };
            words.push(match self.rng.below(4) {
                0 => format!("@{name}"),
                1 => name,
                2 => format!("x@{name}"),
                _ => "word".to_owned(),
            });
        }
        words.join(" ")
    }

    async fn say(&mut self, who: usize, room: usize) {
        let text = self.text();
        let message = NewMessage {
            content: text.clone(),
            client_id: ClientId::generate(),
            reply_to: None,
            attachments: Vec::new(),
        };
        let (reference, _, naive) = &mut self.rooms[room];
        let sent = self.app.messages.send(self.people[who].clone(), reference, message).await.unwrap();
        naive.head += 1;
        assert_eq!(sent.first.seq.get(), naive.head, "seed {}", self.seed);
        let id = sent.id;
        naive.said.push(Said { seq: naive.head, id, author: who, text, is_deleted: false });
    }

    /// Does something to a message of this user, if there is one.
    async fn act(&mut self, who: usize, room: usize, kind: ChangeKind) -> Option<usize> {
        let (reference, _, naive) = &mut self.rooms[room];
        let own = |(_, said): &(usize, &Said)| said.author == who && !said.is_deleted;
        let own: Vec<usize> = naive.said.iter().enumerate().filter(own).map(|(index, _)| index).collect();
        let index = *self.rng.pick(&own)?;
        let request = MessageChangeRequest {
            sender: self.people[who].clone(),
            client_id: ClientId::generate(),
            change: MessageChange { message_id: naive.said[index].id, kind },
        };
        // What changes nothing is no event.
        naive.head += u64::from(self.app.messages.change(reference, request).await.unwrap().is_some());
        Some(index)
    }

    async fn edit(&mut self, who: usize, room: usize) {
        let text = self.text();
        if let Some(index) = self.act(who, room, ChangeKind::Edit(text.clone())).await {
            self.rooms[room].2.said[index].text = text;
        }
    }

    async fn delete(&mut self, who: usize, room: usize) {
        if let Some(index) = self.act(who, room, ChangeKind::Delete).await {
            self.rooms[room].2.said[index].is_deleted = true;
        }
    }

    async fn react(&mut self, who: usize, room: usize) {
        let emoji = Emoji::try_from("👍".to_owned()).unwrap();
        self.act(who, room, ChangeKind::React(emoji)).await;
    }

    /// Two devices of one user read at once, neither of them knowing where the other is.
    async fn read(&mut self, who: usize, room: usize) {
        let (_, id, naive) = &mut self.rooms[room];
        let head = usize::try_from(naive.head).unwrap();
        let places = [self.rng.below(head + 3), self.rng.below(head + 3)].map(|seq| u64::try_from(seq).unwrap());
        let (user, id, authority) = (self.people[who].user_id, *id, self.app.authority());
        let epochs = [None, Some(Epoch(1))].map(|epoch| (epoch, Arc::clone(&authority)));
        let mut reads = JoinSet::new();
        for (seq, (epoch, authority)) in places.into_iter().zip(epochs) {
            let to = ReadTo { epoch, seq: Seq::new(seq) };
            reads.spawn(async move { authority.mark_read(user, id, to).await.unwrap() });
        }
        reads.join_all().await;
        let mark = naive.marks.get_mut(&who).unwrap();
        *mark = (*mark).max(places[0]).max(places[1]).min(naive.head);
    }

    async fn leave(&mut self, who: usize, room: usize) {
        let (reference, _, naive) = &mut self.rooms[room];
        if who == 0 {
            // Whoever made the room has to stay in it.
            return;
        }
        self.app.rooms.leave(self.people[who].clone(), reference).await.unwrap();
        naive.head += 1;
        naive.marks.remove(&who);
    }

    async fn join(&mut self, who: usize, room: usize) {
        let (reference, _, naive) = &mut self.rooms[room];
        self.app.rooms.join(self.people[who].clone(), reference, UnixMillis::now()).await.unwrap();
        // The mark is where the room stood before the join became an event.
        naive.marks.insert(who, naive.head);
        naive.head += 1;
    }

    async fn check(&self, step: usize) {
        let ids: Vec<RoomId> = self.rooms.iter().map(|(_, id, _)| *id).collect();
        for (who, sender) in self.people.iter().enumerate() {
            let is_member = self.rooms.iter().any(|(_, _, naive)| naive.marks.contains_key(&who));
            let mut states = HashMap::new();
            // A server that counts for many others leaves counts out.
            for _ in 0..if is_member { LEFT_OUT_MAX } else { 1 } {
                let told = self.app.authority().read_states(sender.user_id, &ids).await.unwrap();
                states = told.into_iter().collect::<HashMap<RoomId, _>>();
                if !states.is_empty() {
                    break;
                }
            }
            for (_, id, naive) in &self.rooms {
                let told = states.get(id).map(|state| (state.unread, state.mentions));
                let expected = naive.count(who, &sender.username);
                assert_eq!(told, expected, "seed {} step {step}: {}", self.seed, sender.username);
            }
        }
    }

    async fn play(mut self) {
        for step in 0..STEPS {
            self.step().await;
            if step % 10 == 9 {
                self.check(step).await;
            }
        }
    }
}

/// A name without letters that could become an address, so that rooms of many runs do not collide.
fn unnamed() -> RoomName {
    RoomName::try_from(format!("部屋 {}", RoomId::generate())).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
fn asked_seed() -> Option<u64> {
    std::env::var("ROOKERY_UNREAD_SEED").ok().map(|seed| seed.parse().unwrap())
}

async fn play_seeds(home: Home, runs: u64) {
    let shutdown = Shutdown::new();
    let ((app, _), stores) = (app(&home, &shutdown).await, home.open().await);
    let seeds: Vec<u64> = asked_seed().map_or_else(|| (1..=runs).collect(), |seed| vec![seed]);
    for seeds in seeds.chunks(10) {
        let mut playing = JoinSet::new();
        for seed in seeds {
            let add = async |name: &str| {
                let account = user(name);
                stores.users.insert(&account).await.unwrap();
                account.id
            };
            let run = Run::new(Arc::clone(&app), add, *seed).await;
            playing.spawn(run.play());
        }
        // A failed run ends the test with its own words.
        playing.join_all().await;
    }
    shutdown.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_equal_a_recount_on_sqlite() {
    play_seeds(Home::sqlite(), 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_equal_a_recount_on_mongo() {
    play_seeds(Home::mongo(), 6).await;
}
