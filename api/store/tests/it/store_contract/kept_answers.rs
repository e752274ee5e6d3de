//! Answers to requests that are repeated.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::kept_answer::{KeyClaim, KeyState};
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::NOON;

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

pub(super) fn claim(user: UserId, key: u8, ms: i64) -> KeyClaim {
    KeyClaim {
        key: [key; 32],
        user,
        request: [9; 32],
        holder: Uuid::new_v4(),
        at: at(ms),
        until: at(ms + 100),
        expires_at: at(ms + 1_000),
    }
}

pub(crate) async fn a_key_has_one_holder_and_then_its_answer(home: Home) {
    let answers = home.stores().await.kept_answers;
    let user = UserId::generate();
    let first = claim(user, 1, 0);
    assert_eq!(answers.claim(&first).await.unwrap(), KeyState::Claimed);
    let other = KeyClaim { request: [8; 32], ..claim(user, 1, 50) };
    assert_eq!(answers.claim(&other).await.unwrap(), KeyState::Underway([9; 32]));
    assert!(!answers.keep(&other.key, other.holder, b"no").await.unwrap(), "it is not theirs");
    answers.give_up(&other.key, other.holder).await.unwrap();
    assert!(answers.keep(&first.key, first.holder, b"yes").await.unwrap());
    answers.give_up(&first.key, first.holder).await.unwrap();
    let answered = KeyState::Answered([9; 32], b"yes".to_vec());
    assert_eq!(answers.claim(&claim(user, 1, 500)).await.unwrap(), answered, "an answer stays");
    assert_eq!(answers.claim(&claim(user, 2, 500)).await.unwrap(), KeyState::Claimed, "keys share nothing");
    assert_eq!(answers.claim(&claim(user, 1, 1_000)).await.unwrap(), KeyState::Claimed, "it is over");
}

pub(crate) async fn a_key_passes_on_when_its_holder_gives_it_up_or_is_gone(home: Home) {
    let answers = home.stores().await.kept_answers;
    let user = UserId::generate();
    let (first, second) = (claim(user, 1, 0), claim(user, 1, 100));
    assert_eq!(answers.claim(&first).await.unwrap(), KeyState::Claimed);
    assert_eq!(answers.claim(&second).await.unwrap(), KeyState::Claimed, "the time of the first is over");
    assert!(!answers.keep(&first.key, first.holder, b"late").await.unwrap());
    answers.give_up(&second.key, second.holder).await.unwrap();
    assert_eq!(answers.claim(&claim(user, 1, 110)).await.unwrap(), KeyState::Claimed);
}

pub(crate) async fn a_holder_that_goes_on_keeps_its_key(home: Home) {
    let answers = home.stores().await.kept_answers;
    let user = UserId::generate();
    let first = claim(user, 1, 0);
    assert_eq!(answers.claim(&first).await.unwrap(), KeyState::Claimed);
    assert!(answers.renew(&first.key, first.holder, at(300)).await.unwrap());
    assert!(!answers.renew(&first.key, Uuid::new_v4(), at(900)).await.unwrap(), "it is not theirs");
    assert!(matches!(answers.claim(&claim(user, 1, 299)).await.unwrap(), KeyState::Underway(_)));
    let second = claim(user, 1, 300);
    assert_eq!(answers.claim(&second).await.unwrap(), KeyState::Claimed, "its time is over");
    assert!(!answers.renew(&first.key, first.holder, at(900)).await.unwrap(), "it has passed on");
    assert!(answers.keep(&second.key, second.holder, b"yes").await.unwrap());
    assert!(!answers.renew(&second.key, second.holder, at(900)).await.unwrap(), "it has its answer");
}

pub(crate) async fn key_race(home: Home) {
    let answers = home.stores().await.kept_answers;
    for round in 0..5 {
        let states = at_once(10, |_| {
            let answers = answers.clone();
            async move { answers.claim(&claim(UserId::generate(), round, 0)).await.unwrap() }
        })
        .await;
        assert_eq!(states.iter().filter(|state| **state == KeyState::Claimed).count(), 1);
    }
}

pub(crate) async fn keys_have_a_bound_and_an_end(home: Home) {
    let answers = home.stores().await.kept_answers;
    let (user, other) = (UserId::generate(), UserId::generate());
    for number in 0..6 {
        answers.claim(&claim(user, number, i64::from(number))).await.unwrap();
    }
    let kept = claim(other, 10, 0);
    answers.claim(&kept).await.unwrap();
    assert!(answers.keep(&kept.key, kept.holder, b"x").await.unwrap());
    assert_eq!(answers.trim(user, 6, 10).await.unwrap(), 0);
    assert_eq!(answers.trim(user, 2, 3).await.unwrap(), 3);
    assert_eq!(answers.trim(user, 2, 3).await.unwrap(), 1);
    assert!(
        matches!(answers.claim(&claim(user, 5, 10)).await.unwrap(), KeyState::Underway(_)),
        "the newest stay"
    );
    assert!(matches!(answers.claim(&claim(other, 10, 10)).await.unwrap(), KeyState::Answered(..)));
    assert_eq!(answers.purge(at(1_000), 10).await.unwrap(), 0);
    assert_eq!(answers.purge(at(1_001), 10).await.unwrap(), 1);
    assert_eq!(answers.purge(at(2_000), 10).await.unwrap(), 2);
}
