//! Replays of more than the hot tail has: from the store, in pieces, with live events behind them.

use rookery_protocol::limits::TAIL_EVENTS_MAX;

use super::*;

impl Setup {
    /// Reads what is enqueued for a member while it joins, as its connection would.
    async fn join_reading(&self, position: (u64, u64)) -> (Arc<Subscriber>, Vec<String>) {
        let joining = self.joining(Some(position));
        let mut heard = Vec::new();
        let attach = self.hub.attach(&joining);
        let mut attach = std::pin::pin!(attach);
        loop {
            match tokio::time::timeout(Duration::from_millis(1), attach.as_mut()).await {
                Ok(outcome) => break outcome.unwrap(),
                Err(_) => heard.extend(told(&joining.member)),
            }
        }
        heard.extend(told(&joining.member));
        (Arc::clone(&joining.member), heard)
    }

    /// Events 1 to `last` are said and stored; the bus remembers the newest 200.
    fn say_and_store(&self, last: u64) {
        self.say(1, last);
        let old = self.bus.keep_newest(self.room, TAIL_EVENTS_MAX);
        *self.authority.stored.lock() = Some(old);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_tail_no_longer_has_is_replayed_from_the_store() {
    let setup = Setup::new();
    setup.say_and_store(600);
    let (member, heard) = setup.join_reading((1, 100)).await;
    assert_eq!(heard[0], "head 600");
    assert_eq!(heard[1..=500], numbers(101, 600));
    assert_eq!(heard[501..], ["caught up 600"]);
    assert_eq!(setup.authority.reads.load(Ordering::SeqCst), 2, "two pages");
    setup.say(601, 601);
    wait_until_idle().await;
    assert_eq!(told(&member), ["601"]);
}

#[tokio::test(start_paused = true)]
async fn without_the_api_an_old_position_gets_a_gap() {
    let setup = Setup::new();
    setup.say_and_store(600);
    *setup.authority.stored.lock() = None;
    let (_, heard) = setup.join_reading((1, 150)).await;
    assert_eq!(heard, ["head 600", "gap 151-600", "caught up 600"]);
    let (_, heard) = setup.join_reading((1, 450)).await;
    assert_eq!(heard.len(), 152, "the tail needs no api");
}

/// Live events must not come between the pieces of a replay, or the client would see a sequence gap.
#[tokio::test(start_paused = true)]
async fn events_that_come_during_a_long_replay_come_after_it() {
    let setup = Setup::new();
    setup.say_and_store(600);
    let joining = setup.joining(Some((1, 100)));
    let attach = setup.hub.attach(&joining);
    let mut attach = std::pin::pin!(attach);
    let (mut heard, mut said) = (Vec::new(), 600);
    while tokio::time::timeout(Duration::from_millis(1), attach.as_mut()).await.is_err() {
        heard.extend(told(&joining.member));
        said += 1;
        setup.say(said, said);
    }
    wait_until_idle().await;
    heard.extend(told(&joining.member));
    heard.retain(|frame| !frame.contains(' '));
    assert!(said > 600);
    assert_eq!(heard, numbers(101, said));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_during_a_long_replay_gets_no_more_of_it() {
    let setup = Setup::new();
    setup.say_and_store(600);
    let joining = setup.joining(Some((1, 100)));
    let attach = setup.hub.attach(&joining);
    let mut attach = std::pin::pin!(attach);
    assert!(tokio::time::timeout(Duration::from_millis(1), attach.as_mut()).await.is_err());
    setup
        .bus
        .put(setup.room, joining.member.user, EventBody::Membership(MembershipChange::Left {}));
    wait_until_idle().await;
    let heard = told(&joining.member);
    assert_eq!(heard.last().unwrap(), "out");
    attach.await.unwrap();
    setup.say(602, 602);
    wait_until_idle().await;
    assert_eq!(told(&joining.member), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_hole_that_is_older_than_the_tail_is_filled_from_the_store() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    setup.lose(1, 300);
    *setup.authority.stored.lock() = Some(setup.bus.keep_newest(setup.room, TAIL_EVENTS_MAX));
    setup.say(301, 301);
    wait_until_idle().await;
    assert_eq!(told(&member)[2..], numbers(1, 301));
}
