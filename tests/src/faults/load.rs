//! A crowd: some clients in each of some rooms, spread over the gateways, all talking at once; and its ledgers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::client::{Client, Report};
use super::ledger::{Findings, Kept, Outcome as Sent};
use super::operations::{Operator, Performed};
use super::outcome::Outcome;
use super::pager::Pager;
use crate::faults::talk::{Common, Pace, Talk};
use crate::rest::{Account, Rest};
use crate::wait;

const CLIENTS_PER_ROOM: usize = 3;
/// From the last word to the last ack, and from there until everybody shows everything.
const DRAIN_DEADLINE: Duration = Duration::from_secs(90);
const SHOW_DEADLINE: Duration = Duration::from_mins(1);
/// How long clients are waited for that were not heard yet since the fault.
const RECOVERY_DEADLINE: Duration = Duration::from_mins(1);
const HISTORIES_AT_ONCE: usize = 4;

/// Everybody who talks.
pub struct Load {
    common: Arc<Common>,
    rooms: Vec<(Arc<Talk>, Pager, Vec<JoinHandle<Report>>)>,
    /// The room that no client is a member of, as its owner sees it.
    foreign: Pager,
    /// What is done in the first room beside talking.
    operations: Option<(Arc<Operator>, JoinHandle<Performed>)>,
}

impl Load {
    /// Makes users and rooms, and starts to talk; with `operations` more than that is done in one room.
    pub async fn start(rest: &Rest, nodes: &[String], pace: Pace, operations: bool) -> Self {
        // One after the other: hashing passwords is what a busy machine refuses first.
        let mut users = Vec::new();
        for _ in 0..CLIENTS_PER_ROOM {
            users.push(rest.new_user("talker").await);
        }
        let stranger = rest.new_user("stranger").await;
        let foreign_room = rest.new_room(&stranger, "public").await;
        let visitor = rest.new_user("visitor").await;
        let common = Arc::new(Common {
            start: Instant::now(),
            acked: AtomicUsize::new(0),
            history_reads: AtomicUsize::new(0),
            drained: AtomicUsize::new(0),
            recovered: AtomicUsize::new(0),
            fault_over_ms: AtomicU64::new(u64::MAX),
            talk_ms: AtomicU64::new(0),
            quiet: AtomicBool::new(false),
            over: AtomicBool::new(false),
            surprises: Mutex::default(),
        });
        let mut rooms = Vec::new();
        for number in 0..pace.rooms {
            let room = rest.new_room(&users[0], "public").await;
            let visitor = (number == 0).then_some(&visitor);
            join_all(users[1..].iter().chain(visitor).map(|user| rest.join(&room, user))).await;
            let (common, target) = (Arc::clone(&common), Mutex::default());
            let talk = Arc::new(Talk { pace, foreign_room: foreign_room.clone(), common, target });
            let pager = |user: &Account| Pager { rest: rest.clone(), token: user.token.clone(), room: room.clone() };
            let clients = users.iter().enumerate().map(|(index, user)| {
                let mut nodes = nodes.to_vec();
                let first = (number + index) % nodes.len().max(1);
                nodes.rotate_left(first);
                let client = Client::new(format!("r{number}-{index}"), nodes, pager(user), Arc::clone(&talk));
                tokio::spawn(client.run())
            });
            let clients = clients.collect();
            rooms.push((talk, pager(&users[0]), clients));
        }
        let foreign = Pager { rest: rest.clone(), token: stranger.token, room: foreign_room };
        let operations = rooms.first().filter(|_| operations).map(|(_, pager, _)| {
            let (rest, room, common) = (rest.clone(), pager.room.clone(), Arc::clone(&common));
            let (owner, author) = (users[0].clone(), users[1].clone());
            let operator = Arc::new(Operator { rest, room, owner, author, visitor, common });
            let operating = Arc::clone(&operator);
            (operator, tokio::spawn(async move { operating.run().await }))
        });
        Self { common, rooms, foreign, operations }
    }

    /// Milliseconds of the load.
    pub fn now_ms(&self) -> u64 {
        self.common.now_ms()
    }

    /// The same for a moment that has passed.
    pub fn ms_at(&self, moment: Instant) -> u64 {
        self.common.ms_at(moment)
    }

    /// Acks so far.
    pub fn acked(&self) -> usize {
        self.common.acked.load(Ordering::Relaxed)
    }

    /// The fault has ended now; waits until every client was heard since, so many times as long as usual at most. Whoever
    /// was not, shows in the outcome.
    pub async fn recover(&self, patience: u32) {
        self.common.fault_over_ms.store(self.now_ms(), Ordering::Relaxed);
        let clients = self.clients();
        wait::holds(RECOVERY_DEADLINE * patience, async || self.common.recovered.load(Ordering::Relaxed) == clients)
            .await;
    }

    fn clients(&self) -> usize {
        self.rooms.iter().map(|(_, _, clients)| clients.len()).sum()
    }

    /// Stops talking and lets everybody finish, so many times as long as usual at most.
    pub async fn drain(&self, patience: u32) {
        self.common.talk_ms.store(self.now_ms(), Ordering::Relaxed);
        self.common.quiet.store(true, Ordering::Relaxed);
        let clients = self.clients();
        let drained = async || {
            let are_done = self.operations.as_ref().is_none_or(|(_, performing)| performing.is_finished());
            are_done && self.common.drained.load(Ordering::Relaxed) == clients
        };
        // Whoever has not finished shows up as unknown.
        wait::holds(DRAIN_DEADLINE * patience, drained).await;
    }

    /// Compares, after [`Self::drain`]. `fault` is when it began and ended, `restored` when a backup was begun and put back.
    pub async fn compare(mut self, fault: (u64, u64), restored: Option<(u64, u64)>) -> Result<Outcome, String> {
        let (talk_ms, clients) = (self.common.talk_ms.load(Ordering::Relaxed), self.clients());
        let (operations, mut sent) = self.operations().await?;
        // A few at a time: an api that reads more at once refuses some.
        let histories = stream::iter(&self.rooms).map(|(_, pager, _)| whole(pager)).buffered(HISTORIES_AT_ONCE);
        let histories: Vec<Vec<Kept>> = histories.try_collect().await?;
        for ((talk, _, _), history) in self.rooms.iter().zip(&histories) {
            *talk.target.lock() = history.last().map(|kept| kept.event.place);
        }
        let end = Instant::now() + SHOW_DEADLINE;
        let mut outcome = Outcome { restored, ..Outcome::of(clients, talk_ms, fault) };
        let foreign = whole(&self.foreign).await?;
        outcome.findings.add(&operations);
        outcome.findings.ghosts += foreign.iter().filter(|kept| kept.client_id.is_some()).count();
        for ((_, _, clients), history) in self.rooms.into_iter().zip(histories) {
            let mut reports = Vec::new();
            for mut client in clients {
                let ended = tokio::time::timeout_at(end, &mut client).await;
                let ended = if let Ok(ended) = ended {
                    ended
                } else {
                    self.common.over.store(true, Ordering::Relaxed);
                    client.await
                };
                reports.push(ended.map_err(|error| format!("a client failed: {error}"))?);
            }
            // Operations are done in the first room.
            outcome.add_room(reports, std::mem::take(&mut sent), history);
        }
        outcome.history_reads = self.common.history_reads.load(Ordering::Relaxed);
        outcome.surprises.clone_from(&self.common.surprises.lock());
        Ok(outcome)
    }

    /// What came of the operations: the findings, and the ledger of the messages among them.
    async fn operations(&mut self) -> Result<(Findings, BTreeMap<String, Sent>), String> {
        let Some((operator, performing)) = self.operations.take() else { return Ok(Default::default()) };
        let Ok(performed) = timeout(SHOW_DEADLINE, performing).await else {
            self.common.over.store(true, Ordering::Relaxed);
            return Err("operations were not answered in time".to_owned());
        };
        let performed = performed.map_err(|error| format!("an operation failed: {error}"))?;
        let looked = timeout(DRAIN_DEADLINE, operator.look_for(performed)).await;
        looked.map_err(|_| "operations could not be looked for in time".to_owned())?
    }
}

/// The whole history; the api may have to catch up first.
async fn whole(pager: &Pager) -> Result<Vec<Kept>, String> {
    let mut last = String::new();
    let read = timeout(DRAIN_DEADLINE, async {
        loop {
            match pager.newest(0).await {
                Ok(history) => return history,
                Err(error) => last = error,
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    read.await.map_err(|_| format!("history cannot be read: {last}"))
}
