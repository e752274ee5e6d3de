//! Epochs of partitions.

use std::collections::BTreeSet;
use std::sync::Arc;

use rookery_api::store::{Begun, Epochs};
use rookery_shared::id::{Epoch, Partition};
use rookery_shared::limits::PARTITIONS;

use super::{Home, at_once};

pub(crate) async fn epochs_grow(home: Home) {
    let epochs = home.stores().await.epochs;
    let partition = Partition(3);
    assert_eq!(epochs.current(partition).await.unwrap(), None);
    for n in 1..=5 {
        assert_eq!(epochs.next(partition).await.unwrap(), Epoch(n));
        assert_eq!(epochs.current(partition).await.unwrap(), Some(Epoch(n)));
    }
}

pub(crate) async fn partitions_have_epochs_of_their_own(home: Home) {
    let epochs = home.stores().await.epochs;
    let last = Partition(PARTITIONS - 1);
    epochs.next(Partition(0)).await.unwrap();
    epochs.next(Partition(0)).await.unwrap();
    assert_eq!(epochs.next(last).await.unwrap(), Epoch(1));
    assert_eq!(epochs.current(Partition(1)).await.unwrap(), None);
    assert_eq!(epochs.current(Partition(0)).await.unwrap(), Some(Epoch(2)));
}

pub(crate) async fn epoch_race(home: Home) {
    let epochs = home.stores().await.epochs;
    let given = at_once(50, |_| {
        let epochs = epochs.clone();
        async move { epochs.next(Partition(0)).await.unwrap().0 }
    })
    .await;
    assert_eq!(BTreeSet::from_iter(given), (1..=50).collect());
    assert_eq!(epochs.current(Partition(0)).await.unwrap(), Some(Epoch(50)));
}

fn begun(epoch: u64, fence: &str) -> Begun {
    Begun { epoch: Epoch(epoch), fence: fence.to_owned() }
}

async fn begun_in(epochs: &Arc<dyn Epochs>, partition: Partition) -> Option<Begun> {
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
    assert_eq!(epochs.next(partition).await.unwrap(), Epoch(4));
}
