//! Clients that send through faults, and the comparison of what they were told with what history tells.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rookery_protocol::id::RoomId;
use rookery_tests::foreign::{Foreign, Make};
use rookery_tests::rest::{Account, Rest};
use rookery_tests::sender::{Progress, Report, Route, Sender};
use rookery_tests::view::{entry, place, timeline_of};
use rookery_tests::wait;
use serde_json::Value;
use tokio::task::{AbortHandle, JoinSet};

/// Where reading history again is cheap.
pub(crate) const MANY: usize = 10;
/// Where every fault makes everybody read history again, and the database of the tests reads a page by sorting a room.
pub(crate) const FEW: usize = 4;
/// Acks between two faults: proof that the clients have come back.
const ACKS_PER_STEP: usize = 100;

/// Clients that send all the time, spread over the nodes.
pub(crate) struct Crowd {
    rest: Rest,
    room: String,
    owner: Account,
    progress: Arc<Progress>,
    senders: JoinSet<Report>,
    handles: Vec<AbortHandle>,
}

impl Crowd {
    /// So many members of a new room, who begin to send.
    pub(crate) async fn gather(rest: Rest, nodes: Vec<String>, clients: usize) -> Self {
        let owner = rest.new_user("owner").await;
        let room = rest.new_room(&owner, "public").await;
        let progress = Arc::new(Progress::default());
        let (mut senders, mut handles) = (JoinSet::new(), Vec::new());
        for n in 0..clients {
            let account = rest.new_user("sender").await;
            let _joined = rest.join(&room, &account).await.expect(200);
            let mut route = Route { nodes: nodes.clone(), rest: rest.clone(), room: room.clone() };
            route.nodes.rotate_left(n % nodes.len());
            handles.push(senders.spawn(Sender::new(account, route, Arc::clone(&progress)).run()));
        }
        Self { rest, room, owner, progress, senders, handles }
    }

    /// One more of them, through a client of another make that comes back to this address by itself.
    pub(crate) async fn joined_by(&mut self, make: Make, url: &str) {
        let account = self.rest.new_user("stock").await;
        let _joined = self.rest.join(&self.room, &account).await.expect(200);
        let route = Route { nodes: vec![url.to_owned()], rest: self.rest.clone(), room: self.room.clone() };
        let client = Foreign::login(make, url, &account.token).await;
        let sender = Sender::new(account, route, Arc::clone(&self.progress));
        self.handles.push(self.senders.spawn(sender.run_by(client)));
    }

    /// Where they are.
    pub(crate) fn room(&self) -> RoomId {
        self.room.parse().unwrap()
    }

    /// Waits until many more messages are acknowledged.
    pub(crate) async fn goes_on(&self, when: &str) {
        let acked = || self.progress.acked.load(Ordering::Relaxed);
        let goal = acked() + ACKS_PER_STEP;
        let went_on = wait::holds(wait::PATIENCE, async || {
            self.assert_nobody_failed();
            acked() >= goal
        });
        assert!(went_on.await, "{when}: {} of {goal} acks; last error: {}", acked(), self.progress.last_error.lock());
    }

    fn assert_nobody_failed(&self) {
        assert!(!self.handles.iter().any(AbortHandle::is_finished), "a sender failed; its panic is above");
    }

    /// Everybody falls silent, gets the acks that are open, and sees what history tells.
    pub(crate) async fn agrees(self) {
        self.agrees_after(2).await;
    }

    /// The same, for a fault after which no client has to have lost its connection.
    pub(crate) async fn agrees_connected(self) {
        self.agrees_after(1).await;
    }

    async fn agrees_after(mut self, connections: usize) {
        self.progress.quiet.store(true, Ordering::Relaxed);
        let all_acked =
            wait::holds(wait::PATIENCE, async || self.progress.drained.load(Ordering::Relaxed) == self.handles.len())
                .await;
        assert!(all_acked, "without an ack: {:#?}", self.progress.open.lock());
        let history = self.rest.history(&self.room, &self.owner.token).await;
        *self.progress.target.lock() = history.last().map(|frame| entry(frame).0);
        let mut reports = Vec::new();
        let all = async {
            while let Some(report) = self.senders.join_next().await {
                reports.push(report.expect("a sender does not panic"));
            }
        };
        tokio::time::timeout(wait::PATIENCE, all)
            .await
            .expect("every view arrives at the end of the history");
        assert_eq!(self.rest.history(&self.room, &self.owner.token).await, history, "the history is settled");
        assert_history_is_right(&history, &reports, connections);
    }
}

fn assert_history_is_right(history: &[Value], reports: &[Report], least: usize) {
    let mut found: HashMap<&str, Vec<&Value>> = HashMap::new();
    for frame in history.iter().filter(|frame| frame["type"] == "new_message") {
        found.entry(frame["message"]["client_id"].as_str().unwrap()).or_default().push(frame);
    }
    let timeline = timeline_of(history);
    assert!(timeline.is_sorted(), "history is in the order of places");
    for Report { username, acked, view, connections } in reports {
        assert!(*connections >= least, "{username} connected {connections} times, not {least}");
        for (client_id, ack) in acked {
            let stored = found.get(client_id.as_str()).map_or(&[][..], Vec::as_slice);
            assert_eq!(stored.len(), 1, "{client_id} is in history once: {stored:?}");
            assert_eq!(stored[0]["message"]["message_id"], ack["message_id"], "as it was acknowledged");
            assert_eq!(entry(stored[0]).0, place(ack), "where it was acknowledged: {ack}, {}", stored[0]);
        }
        assert_eq!(view.timeline(), timeline, "{username} saw what history tells, in its order");
    }
    let acked: usize = reports.iter().map(|report| report.acked.len()).sum();
    assert_eq!(found.len(), acked, "nothing is in history that was not acknowledged in the end");
}
