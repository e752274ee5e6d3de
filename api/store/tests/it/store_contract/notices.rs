//! Inboxes.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::notice::{Notice, NoticeKind, Occasion};
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::{NOON, left, user};

fn place(seq: u64) -> Position {
    Position { epoch: Epoch(1), seq: Seq::new(seq) }
}

fn said(kind: NoticeKind, to: UserId, room: RoomId, seq: u64) -> Notice {
    let message = MessageId::from_uuid(Uuid::from_u128(u128::from(seq)));
    let occasion = Occasion::said(kind, room, message, place(seq), UserId::generate());
    occasion.notice(to, UnixMillis(NOON.0 + i64::try_from(seq).unwrap()))
}

/// A mention by the message with this number.
pub(crate) fn mention(to: UserId, room: RoomId, seq: u64) -> Notice {
    said(NoticeKind::Mention, to, room, seq)
}

/// That something was said in a direct room.
pub(crate) fn direct(to: UserId, room: RoomId, seq: u64) -> Notice {
    said(NoticeKind::DirectMessage, to, room, seq)
}

pub(crate) async fn a_notice_is_made_once(home: Home) {
    let notices = home.stores().await.notices;
    let (to, room) = (UserId::generate(), RoomId::generate());
    let role = Occasion::in_room(NoticeKind::RoleChanged, Uuid::new_v4(), room, UserId::generate())
        .with_detail("moderator")
        .with_text(Some("thanks"))
        .notice(to, NOON);
    let told = at_once(8, |_| {
        let (notices, role) = (notices.clone(), role.clone());
        async move { notices.add(&[role]).await.unwrap().len() }
    })
    .await;
    assert_eq!(told.into_iter().sum::<usize>(), 1);
    let all = [mention(to, room, 7), role.clone(), mention(to, room, 8)];
    assert_eq!(notices.add(&all).await.unwrap(), [all[0].id, all[2].id], "the others all the same");
    assert_eq!(notices.get(to, role.id).await.unwrap(), Some(role.clone()));
    assert_eq!(notices.get(UserId::generate(), role.id).await.unwrap(), None, "that of somebody else");
    assert_eq!(notices.get(to, all[0].id).await.unwrap().as_ref(), Some(&all[0]));
    assert_eq!(notices.withdraw(NoticeKind::Mention, Uuid::from_u128(7), &[to]).await.unwrap(), 1);
    assert_eq!(notices.get(to, all[0].id).await.unwrap(), None);
}

pub(crate) async fn inboxes_come_in_pages_newest_first(home: Home) {
    let notices = home.stores().await.notices;
    let (to, room) = (UserId::generate(), RoomId::generate());
    let mut all: Vec<Notice> = (1..=7).map(|seq| mention(to, room, seq)).collect();
    // Some of the same moment.
    all[3].at = all[4].at;
    notices.add(&all).await.unwrap();
    notices.add(&[mention(UserId::generate(), room, 9)]).await.unwrap();
    all.sort_by_key(|notice| std::cmp::Reverse(notice.position()));
    for size in [1, 3, 7, 50] {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = notices.page(to, before, size).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.position());
            found.extend(page);
        }
        assert_eq!(found, all, "pages of {size}");
    }
}

pub(crate) async fn a_direct_room_has_one_notice_that_is_made_anew(home: Home) {
    let notices = home.stores().await.notices;
    let (to, room) = (UserId::generate(), RoomId::generate());
    for (seq, is_new) in [(5, true), (5, false), (6, true), (4, false)] {
        let outcome = notices.add(&[direct(to, room, seq)]).await.unwrap();
        assert_eq!(outcome.len(), usize::from(is_new), "{seq}");
    }
    let found = notices.page(to, None, 9).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].place, found[0].at), (Some(place(6)), UnixMillis(NOON.0 + 6)));
    assert_eq!(notices.read_room(to, room, place(6)).await.unwrap(), 1);
    assert_eq!(notices.add(&[direct(to, room, 6)]).await.unwrap(), []);
    assert!(notices.page(to, None, 9).await.unwrap()[0].read, "a repeat does not undo that");
    assert_eq!(notices.add(&[direct(to, room, 7)]).await.unwrap().len(), 1);
    assert!(!notices.page(to, None, 9).await.unwrap()[0].read);
}

pub(crate) async fn notices_are_read_up_to_one(home: Home) {
    let notices = home.stores().await.notices;
    let (to, other, room) = (UserId::generate(), UserId::generate(), RoomId::generate());
    let all: Vec<Notice> = (1..=4).map(|seq| mention(to, room, seq)).collect();
    notices.add(&all).await.unwrap();
    notices.add(&[mention(other, room, 1)]).await.unwrap();
    assert_eq!(notices.read_up_to(to, all[1].position()).await.unwrap(), 2);
    assert_eq!(notices.read_up_to(to, all[1].position()).await.unwrap(), 0);
    let read: Vec<bool> = notices.page(to, None, 9).await.unwrap().iter().map(|notice| notice.read).collect();
    assert_eq!(read, [false, false, true, true]);
    assert!(!notices.page(other, None, 9).await.unwrap()[0].read);
}

pub(crate) async fn reading_a_room_clears_what_it_is_about(home: Home) {
    let notices = home.stores().await.notices;
    let (to, room) = (UserId::generate(), RoomId::generate());
    let invite = Occasion::in_room(NoticeKind::Invite, Uuid::new_v4(), room, UserId::generate()).notice(to, NOON);
    let all = [mention(to, room, 1), mention(to, room, 3), mention(to, RoomId::generate(), 2), invite];
    notices.add(&all).await.unwrap();
    assert_eq!(notices.read_room(to, room, place(2)).await.unwrap(), 2);
    assert_eq!(notices.read_room(to, room, place(2)).await.unwrap(), 0);
    for (notice, read) in all.iter().zip([true, false, false, true]) {
        assert_eq!(notices.get(to, notice.id).await.unwrap().unwrap().read, read, "{notice:?}");
    }
    let later = Position { epoch: Epoch(2), seq: Seq::new(1) };
    assert_eq!(
        notices.read_room(to, room, later).await.unwrap(),
        1,
        "a later epoch is behind all of the one before"
    );
}

pub(crate) async fn inboxes_have_a_bound_and_an_end(home: Home) {
    let notices = home.stores().await.notices;
    let (to, room) = (UserId::generate(), RoomId::generate());
    let all: Vec<Notice> = (1..=6).map(|seq| mention(to, room, seq)).collect();
    notices.add(&all).await.unwrap();
    assert_eq!((notices.trim(to, 4).await.unwrap(), notices.trim(to, 4).await.unwrap()), (2, 0));
    assert_eq!(notices.page(to, None, 9).await.unwrap().last(), Some(&all[2]));
    assert_eq!(notices.purge(all[5].at, 2).await.unwrap(), 2);
    assert_eq!(notices.purge(all[5].at, 9).await.unwrap(), 1);
    assert_eq!(notices.page(to, None, 9).await.unwrap(), all[5..]);
}

pub(crate) async fn notices_go_with_their_people(home: Home) {
    let stores = home.stores().await;
    let (ada, bob, room) = (user("ada"), UserId::generate(), RoomId::generate());
    stores.users.insert(&ada).await.unwrap();
    let by_ada = Occasion::in_room(NoticeKind::Invite, Uuid::new_v4(), room, ada.id).notice(bob, NOON);
    stores
        .notices
        .add(&[mention(ada.id, room, 1), by_ada, mention(bob, room, 2)])
        .await
        .unwrap();
    stores.erasures.begin(ada.id, ada.id, NOON).await.unwrap();
    stores.erasures.forget(ada.id).await.unwrap();
    assert_eq!(stores.notices.page(ada.id, None, 9).await.unwrap(), []);
    let left = stores.notices.page(bob, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|notice| notice.kind).collect::<Vec<_>>(), [NoticeKind::Mention]);
}

pub(crate) async fn blocks_are_found_from_both_sides(home: Home) {
    let blocks = home.stores().await.blocks;
    let [ada, bob, cy, dan] = std::array::from_fn(|_| UserId::generate());
    blocks.put(ada, bob, NOON, &left(ada)).await.unwrap();
    blocks.put(cy, ada, NOON, &left(cy)).await.unwrap();
    blocks.put(bob, dan, NOON, &left(bob)).await.unwrap();
    let mut found = blocks.between(ada, &[bob, cy, dan]).await.unwrap();
    found.sort();
    let mut expected = [bob, cy];
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(blocks.between(ada, &[]).await.unwrap(), []);
}
