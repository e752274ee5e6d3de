//! Commands whose callers have gone while Redis could not be reached.

use std::time::Duration;

use rookery_bus::limits::BUS_COMMAND_DEADLINE;
use rookery_protocol::id::UserId;
use rookery_tests::faults::proxy::{Mode, Proxy};
use tokio::time::{sleep, timeout};

use crate::bus_contract::message;
use crate::fixture::Fixture;

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent_when_redis_is_back() {
    let fixture = Fixture::redis().await;
    let room = fixture.room(0, 1).await;
    let url = fixture.server().url();
    let wire = Proxy::start(url.trim_start_matches("redis://").to_owned()).await;
    let behind = Fixture::at(format!("redis://{}", wire.address()));
    behind.until_up().await;
    behind.bus.append(message(room, UserId::generate(), "c-1", "before")).await.unwrap();
    wire.set(Mode::Cut);
    sleep(Duration::from_millis(200)).await;
    for n in 0..20 {
        let late = behind.bus.append(message(room, UserId::generate(), &format!("late-{n}"), "late"));
        assert!(timeout(Duration::from_millis(10), late).await.is_err(), "nobody answers");
    }
    sleep(BUS_COMMAND_DEADLINE + Duration::from_millis(500)).await;
    wire.set(Mode::Open);
    behind.until_up().await;
    let after = behind.bus.append(message(room, UserId::generate(), "c-2", "after")).await.unwrap();
    assert_eq!(after.seq.get(), 2, "nothing came between");
}
