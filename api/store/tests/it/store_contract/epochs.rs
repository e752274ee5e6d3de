//! Epochs of partitions.

use std::collections::BTreeSet;
use std::sync::Arc;

use rookery_protocol::id::{Epoch, Partition};
use rookery_protocol::limits::PARTITIONS;
use rookery_store::{EpochStart, Epochs};

use super::{Home, at_once};

pub(crate) async fn epochs_grow(home: Home) {
    let epochs = home.stores().await.epochs;
    let partition = Partition(3);
    assert_eq!(epochs.current(partition).await.unwrap(), None);
    let mut last = Epoch(0);
    for _ in 0..50 {
        let next = epochs.next(partition).await.unwrap();
        assert!(next > last, "{next} after {last}");
        assert_eq!(epochs.current(partition).await.unwrap(), Some(next));
        last = next;
    }
}

/// Two stores with the same past: what each gives next, the other never does.
pub(crate) async fn timelines_do_not_share_epochs(home: Home) {
    let (one, other) = (home.stores().await.epochs, home.another().stores().await.epochs);
    let mut given = BTreeSet::new();
    for _ in 0..10 {
        assert!(given.insert(one.next(Partition(0)).await.unwrap()));
        assert!(given.insert(other.next(Partition(0)).await.unwrap()), "{given:?}");
    }
}

pub(crate) async fn partitions_have_epochs_of_their_own(home: Home) {
    let epochs = home.stores().await.epochs;
    let last = Partition(PARTITIONS - 1);
    epochs.next(Partition(0)).await.unwrap();
    epochs.next(Partition(0)).await.unwrap();
    let (first, other) = (epochs.current(Partition(0)).await.unwrap(), epochs.next(last).await.unwrap());
    assert_eq!(epochs.current(Partition(1)).await.unwrap(), None);
    assert_eq!(epochs.current(Partition(0)).await.unwrap(), first);
    assert_eq!(epochs.current(last).await.unwrap(), Some(other));
}

pub(crate) async fn epoch_race(home: Home) {
    let epochs = home.stores().await.epochs;
    let given = at_once(50, |_| {
        let epochs = epochs.clone();
        async move { epochs.next(Partition(0)).await.unwrap().0 }
    })
    .await;
    let given = BTreeSet::from_iter(given);
    assert_eq!(given.len(), 50);
    assert_eq!(epochs.current(Partition(0)).await.unwrap().map(|epoch| epoch.0), given.last().copied());
}

fn begun(epoch: u64, fence: &str) -> EpochStart {
    EpochStart { epoch: Epoch(epoch), fence: fence.to_owned() }
}

async fn begun_in(epochs: &Arc<dyn Epochs>, partition: Partition) -> Option<EpochStart> {
    epochs.begun(&[partition]).await.unwrap().remove(&partition)
}

/// An epoch that was given late does not begin after a newer one.
pub(crate) async fn epochs_begin_in_order(home: Home) {
    let epochs = home.stores().await.epochs;
    let partition = Partition(5);
    assert_eq!(begun_in(&epochs, partition).await, None);
    for _ in 0..3 {
        epochs.next(partition).await.unwrap();
    }
    assert_eq!(begun_in(&epochs, partition).await, None, "given is not begun");
    assert!(epochs.begin(partition, begun(2, "a")).await.unwrap());
    assert!(!epochs.begin(partition, begun(2, "b")).await.unwrap());
    assert!(!epochs.begin(partition, begun(1, "b")).await.unwrap());
    assert_eq!(begun_in(&epochs, partition).await, Some(begun(2, "a")));
    assert!(epochs.begin(partition, begun(3, "b")).await.unwrap());
    assert_eq!(begun_in(&epochs, partition).await, Some(begun(3, "b")));
    assert_eq!(begun_in(&epochs, Partition(6)).await, None);
    epochs.next(Partition(7)).await.unwrap();
    assert!(epochs.begin(Partition(7), begun(1, "c")).await.unwrap());
    let all: Vec<Partition> = (0..PARTITIONS).map(Partition).collect();
    let expected = [(partition, begun(3, "b")), (Partition(7), begun(1, "c"))];
    assert_eq!(epochs.begun(&all).await.unwrap(), expected.into());
    assert!(epochs.next(partition).await.unwrap() > Epoch(3));
}
