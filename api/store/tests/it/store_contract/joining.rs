//! Invites to rooms, and requests to be let in.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::joining::{Asked, Entry, JoinMessage, JoinRequest, RequestState, RoomInvite};
use rookery_store::room::{Room, SettingsChange};
use rookery_store::sanction::SanctionAction;
use rookery_store::{Cause, StoreError, Stores};
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::{NOON, joined, left, member, room};

const fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

pub(crate) fn invite(room_id: RoomId, by: UserId, max_uses: Option<u32>) -> RoomInvite {
    let id = Uuid::now_v7();
    let mut hash = [7; 32];
    hash[..16].copy_from_slice(id.as_bytes());
    RoomInvite {
        id,
        room_id,
        hash,
        uses: 0,
        max_uses,
        by,
        by_moderator: true,
        approval: false,
        created_at: NOON,
        expires_at: Some(UnixMillis(NOON.0 + 1_000_000)),
    }
}

pub(crate) fn request(room_id: RoomId, user_id: UserId, created_at: UnixMillis) -> JoinRequest {
    let message = Some(JoinMessage::try_from("Let me in, please.".to_owned()).unwrap());
    JoinRequest { room_id, user_id, message, created_at, state: RequestState::Open, decided_at: None }
}

/// A room with a member who makes invites.
async fn hosted(stores: &Stores) -> (RoomId, UserId) {
    let (room, host) = (Room { members_may_invite: true, ..room(None) }, UserId::generate());
    stores.rooms.insert(&room).await.unwrap();
    stores.members.join(&member(room.id, host), &joined(host)).await.unwrap();
    (room.id, host)
}

async fn enter(stores: &Stores, room: RoomId, user: UserId, entry: Entry) -> Result<bool, StoreError> {
    let entered = stores.members.enter(&member(room, user), entry, &joined(user)).await;
    entered.map(|announced| announced.is_some())
}

pub(crate) async fn invites_of_rooms_are_found_as_they_were_written(home: Home) {
    let stores = home.stores().await;
    let (room, host) = hosted(&stores).await;
    let mut made = Vec::new();
    for max_uses in [Some(1), None, Some(9)] {
        let invite = invite(room, host, max_uses);
        stores.room_invites.insert(&invite).await.unwrap();
        assert_eq!(stores.room_invites.by_hash(&invite.hash).await.unwrap().as_ref(), Some(&invite));
        assert_eq!(stores.room_invites.by_id(invite.id).await.unwrap().as_ref(), Some(&invite));
        made.push(invite);
    }
    let first = stores.room_invites.page(room, None, None, 2).await.unwrap();
    assert_eq!(first, made[..2]);
    assert_eq!(stores.room_invites.page(room, None, Some(first[1].id), 9).await.unwrap(), made[2..]);
    assert!(stores.room_invites.page(RoomId::generate(), None, None, 9).await.unwrap().is_empty());
    assert_eq!(stores.room_invites.page(room, Some(host), Some(made[0].id), 9).await.unwrap(), made[1..]);
    assert!(
        stores
            .room_invites
            .page(room, Some(UserId::generate()), None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(stores.room_invites.remove(made[0].id).await.unwrap());
    assert!(!stores.room_invites.remove(made[0].id).await.unwrap());
    assert_eq!(stores.room_invites.purge(at(2_000_000), 9).await.unwrap(), 2);
    assert!(stores.room_invites.page(room, None, None, 9).await.unwrap().is_empty());
}

pub(crate) async fn an_invite_lets_in_as_many_as_it_says(home: Home) {
    let stores = home.stores().await;
    let (room, host) = hosted(&stores).await;
    let (once, other) = (invite(room, host, Some(1)), hosted(&stores).await.0);
    stores.room_invites.insert(&once).await.unwrap();
    let over = |outcome: Result<bool, StoreError>| matches!(outcome, Err(StoreError::InviteOver));
    assert!(over(enter(&stores, other, UserId::generate(), Entry::Invite(once.hash)).await), "of another room");
    assert!(over(enter(&stores, room, UserId::generate(), Entry::Invite([1; 32])).await));
    assert!(!enter(&stores, room, host, Entry::Invite(once.hash)).await.unwrap(), "a member uses none");
    let guest = UserId::generate();
    assert!(enter(&stores, room, guest, Entry::Invite(once.hash)).await.unwrap());
    assert!(over(enter(&stores, room, UserId::generate(), Entry::Invite(once.hash)).await));
    assert_eq!(stores.room_invites.by_hash(&once.hash).await.unwrap().map(|invite| invite.uses), Some(1));
    assert!(!stores.room_invites.spend(&once.hash, NOON).await.unwrap());
    assert_eq!(stores.members.count(room).await.unwrap(), 2, "who is refused is no member");
    let ended = RoomInvite { expires_at: Some(NOON), ..invite(room, host, None) };
    stores.room_invites.insert(&ended).await.unwrap();
    assert!(over(enter(&stores, room, UserId::generate(), Entry::Invite(ended.hash)).await));
}

/// Ten at once, with one use left, on several nodes.
pub(crate) async fn invite_race(home: Home) {
    let stores = home.stores().await;
    let (room, host) = hosted(&stores).await;
    let invite = RoomInvite { uses: 1, ..invite(room, host, Some(2)) };
    stores.room_invites.insert(&invite).await.unwrap();
    let outcomes = at_once(10, |_| {
        let (stores, user) = (stores.clone(), UserId::generate());
        async move { enter(&stores, room, user, Entry::Invite(invite.hash)).await }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count(), 1, "{outcomes:?}");
    assert_eq!(stores.members.count(room).await.unwrap(), 2);
    assert_eq!(stores.room_invites.by_hash(&invite.hash).await.unwrap().map(|invite| invite.uses), Some(2));
    let spent = at_once(4, |_| {
        let (stores, hash) = (stores.clone(), invite.hash);
        async move { stores.room_invites.spend(&hash, NOON).await.unwrap() }
    })
    .await;
    assert!(spent.iter().all(|spent| !spent));
}

pub(crate) async fn invites_end_with_the_membership_of_who_made_them(home: Home) {
    let stores = home.stores().await;
    let (room, host) = hosted(&stores).await;
    let (leaver, kicked) = (UserId::generate(), UserId::generate());
    for user in [leaver, kicked] {
        stores.members.join(&member(room, user), &joined(user)).await.unwrap();
        stores.room_invites.insert(&invite(room, user, None)).await.unwrap();
    }
    let stays = invite(room, host, None);
    stores.room_invites.insert(&stays).await.unwrap();
    stores.members.leave(room, leaver, &left(leaver)).await.unwrap();
    stores
        .sanctions
        .apply(room, kicked, SanctionAction::Kick, Cause::Server(&left(kicked)))
        .await
        .unwrap();
    assert_eq!(stores.room_invites.page(room, None, None, 9).await.unwrap(), [stays]);
    // One that was written as its maker left lets nobody in.
    let late = invite(room, leaver, None);
    stores.room_invites.insert(&late).await.unwrap();
    let outcome = enter(&stores, room, UserId::generate(), Entry::Invite(late.hash)).await;
    assert!(matches!(outcome, Err(StoreError::InviteOver)), "{outcome:?}");
}

pub(crate) async fn invites_of_members_hold_while_members_may_invite(home: Home) {
    let stores = home.stores().await;
    let (room, host) = hosted(&stores).await;
    let invite = invite(room, host, None);
    stores.room_invites.insert(&invite).await.unwrap();
    let wanted = [(true, true), (false, false), (true, true)];
    for (members_may, holds) in wanted {
        let change = SettingsChange { members_may_invite: Some(members_may), ..SettingsChange::default() };
        stores.rooms.apply_settings(room, &change, &left(host)).await.unwrap();
        let outcome = enter(&stores, room, UserId::generate(), Entry::Invite(invite.hash)).await;
        assert_eq!(matches!(outcome, Ok(true)), holds, "{outcome:?}");
        assert_eq!(matches!(outcome, Err(StoreError::InviteOver)), !holds, "{outcome:?}");
    }
}

pub(crate) async fn own_requests_are_listed_in_pages(home: Home) {
    let stores = home.stores().await;
    let user = UserId::generate();
    let mut asked = Vec::new();
    // Two of the same moment.
    for created in [5, 7, 7, 9] {
        let request = request(hosted(&stores).await.0, user, at(created));
        assert_eq!(stores.join_requests.ask(&request, NOON, 9).await.unwrap(), Asked::New);
        asked.push(request);
    }
    asked.sort_by_key(|request| (request.created_at, request.room_id));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = stores.join_requests.of_user(user, after, 1).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.own_place());
        found.extend(page);
    }
    assert_eq!(found, asked);
}

pub(crate) async fn requests_wait_and_are_decided_once(home: Home) {
    let stores = home.stores().await;
    let (room, _) = hosted(&stores).await;
    let (ada, bob, eve) = (UserId::generate(), UserId::generate(), UserId::generate());
    let requests = &stores.join_requests;
    let ask =
        async |user, created: i64| requests.ask(&request(room, user, at(created)), at(created - 100), 3).await.unwrap();
    for (n, user) in [(10, ada), (11, bob), (12, eve)] {
        assert_eq!(ask(user, n).await, Asked::New);
        assert_eq!(ask(user, n).await, Asked::Waits);
    }
    assert_eq!(ask(UserId::generate(), 13).await, Asked::Crowded);
    assert_eq!(requests.get(room, ada).await.unwrap(), Some(request(room, ada, at(10))));
    let first = requests.of_room(room, None, 2).await.unwrap();
    assert_eq!(first, [request(room, ada, at(10)), request(room, bob, at(11))]);
    assert_eq!(requests.of_room(room, Some(first[1].place()), 9).await.unwrap(), [request(room, eve, at(12))]);
    assert_eq!(requests.of_user(bob, None, 9).await.unwrap(), [request(room, bob, at(11))]);

    assert!(requests.deny(room, ada, at(50)).await.unwrap());
    assert!(!requests.deny(room, ada, at(51)).await.unwrap(), "it is decided");
    let outcome = enter(&stores, room, ada, Entry::Request).await;
    assert!(matches!(outcome, Err(StoreError::Decided)), "{outcome:?}");
    assert_eq!(ask(ada, 60).await, Asked::Denied(at(50)));
    assert_eq!(ask(ada, 151).await, Asked::New);

    assert!(enter(&stores, room, bob, Entry::Request).await.unwrap());
    assert!(!requests.deny(room, bob, at(52)).await.unwrap());
    assert_eq!(requests.get(room, bob).await.unwrap().map(|found| found.state), Some(RequestState::Approved));
    // Who comes in another way no longer waits.
    assert!(enter(&stores, room, eve, Entry::Open).await.unwrap());
    assert_eq!(requests.of_room(room, None, 9).await.unwrap(), [request(room, ada, at(151))]);
    assert!(requests.withdraw(room, ada).await.unwrap());
    assert!(!requests.withdraw(room, ada).await.unwrap());
    assert!(!requests.withdraw(room, bob).await.unwrap(), "it is decided");
    assert_eq!(requests.purge(at(1_000_000), 9).await.unwrap(), 2);
    assert_eq!(requests.get(room, bob).await.unwrap(), None);
}

/// One lets in, the other does not, at the same moment: one of them decides.
pub(crate) async fn decision_race(home: Home) {
    let stores = home.stores().await;
    let (room, _) = hosted(&stores).await;
    for round in 0..4 {
        let user = UserId::generate();
        let asked = stores.join_requests.ask(&request(room, user, at(round)), NOON, 9).await.unwrap();
        assert_eq!(asked, Asked::New);
        let approve = enter(&stores, room, user, Entry::Request);
        let (approved, denied) = tokio::join!(approve, stores.join_requests.deny(room, user, at(round)));
        let is_in = stores.members.get(room, user).await.unwrap().is_some();
        assert_eq!((matches!(approved, Ok(true)), denied.unwrap()), (is_in, !is_in), "{approved:?}");
    }
}
