//! Leases by name.

use rookery_protocol::clock::UnixMillis;
use rookery_store::job::Lease;
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::NOON;

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

fn lease(ms: i64) -> Lease {
    Lease { id: Uuid::new_v4(), until: at(ms) }
}

pub(crate) async fn a_lease_has_one_holder(home: Home) {
    let leases = home.stores().await.leases;
    let (first, second) = (lease(100), lease(300));
    assert!(leases.hold("a", first, at(0)).await.unwrap());
    assert!(!leases.hold("a", second, at(99)).await.unwrap());
    assert!(leases.hold("b", second, at(99)).await.unwrap(), "names do not share a holder");
    assert!(leases.hold("a", Lease { until: at(200), ..first }, at(99)).await.unwrap(), "it is prolonged");
    assert!(!leases.hold("a", second, at(150)).await.unwrap());
    assert!(leases.hold("a", second, at(200)).await.unwrap(), "it has ended");
    assert!(!leases.hold("a", first, at(250)).await.unwrap());
    leases.release("a", first).await.unwrap();
    assert!(!leases.hold("a", first, at(250)).await.unwrap(), "it was not theirs to give back");
    leases.release("a", second).await.unwrap();
    assert!(leases.hold("a", first, at(250)).await.unwrap());
}

pub(crate) async fn lease_race(home: Home) {
    let leases = home.stores().await.leases;
    for round in 0..5 {
        let held = at_once(10, |_| {
            let leases = leases.clone();
            async move { leases.hold(&format!("race {round}"), lease(1_000), at(0)).await.unwrap() }
        })
        .await;
        assert_eq!(held.into_iter().filter(|held| *held).count(), 1);
    }
}
