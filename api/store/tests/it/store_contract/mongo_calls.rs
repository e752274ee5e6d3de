//! One call of each kind, so that each question to the database is seen once.

use super::joining;
use crate::samples::{NOON, joined, left, member, messages, room, session, user};
use rookery_protocol::access::{RoomKind, RoomRole, Until};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{Event, Sender, SequencedEvent};
use rookery_protocol::id::{ClientId, Epoch, MessageId, Partition, RoomId, RoomRef, Seq, SessionId, UserId};
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_protocol::position::Position;
use rookery_store::joining::Entry;
use rookery_store::message::{Kinds, Window};
use rookery_store::room::{Member, Pair, Room, SettingsChange};
use rookery_store::sanction::SanctionAction as Sanction;
use rookery_store::unread::{Reader, Span};
use rookery_store::{Cause, PageQuestion, Reaction, Rotation, Stores};

#[expect(clippy::too_many_lines, reason = "one call of each kind")]
pub(super) async fn exercise(stores: &Stores) {
    let (ada, login, place) = (user("ada"), session(), room(Some("general")));
    stores.users.insert(&ada).await.unwrap();
    stores.users.by_id(ada.id).await.unwrap();
    stores.users.by_login("ada").await.unwrap();
    stores.users.by_login("ada@example.org").await.unwrap();
    stores.sessions.insert(&login).await.unwrap();
    stores.sessions.by_lookup(&login.lookup).await.unwrap();
    let to = Rotation { current: [5; 32], at: NOON, expires_at: NOON, replaced: Vec::new() };
    stores.sessions.rotate(login.id, &login.current, to).await.unwrap();
    stores.sessions.revoke(SessionId::generate(), NOON).await.unwrap();
    stores.rooms.insert(&place).await.unwrap();
    stores.rooms.find(&RoomRef::Id(place.id)).await.unwrap();
    stores.rooms.find(&"general".parse().unwrap()).await.unwrap();
    stores.rooms.public(None, 5).await.unwrap();
    stores.rooms.public(Some(place.id), 5).await.unwrap();
    stores.rooms.by_ids(&[place.id, RoomId::generate()]).await.unwrap();
    stores.members.join(&member(place.id, ada.id), &joined(ada.id)).await.unwrap();
    stores.members.of_user(ada.id, 5).await.unwrap();
    stores.members.count(place.id).await.unwrap();
    stores.members.counts(&[place.id, RoomId::generate()]).await.unwrap();
    let page = stores.members.page(place.id, None, 5).await.unwrap();
    stores.members.page(place.id, Some(page[0].place()), 5).await.unwrap();
    stores.members.visible_users(ada.id, &[ada.id], Some(place.id)).await.unwrap();
    stores.users.by_ids(&[ada.id]).await.unwrap();
    assert_eq!(stores.users.by_names(&["ada".to_owned(), "nobody".to_owned()]).await.unwrap().len(), 1);
    stores.members.transfer(place.id, ada.id, Cause::Server(&left(ada.id))).await.unwrap();
    let bob = UserId::generate();
    stores.members.join(&member(place.id, bob), &joined(bob)).await.unwrap();
    stores.members.transfer(place.id, bob, Cause::Server(&left(ada.id))).await.unwrap();
    let frozen = SettingsChange { slow_mode_ms: None, frozen: Some(true), ..SettingsChange::default() };
    stores.rooms.apply_settings(place.id, &frozen, &left(ada.id)).await.unwrap();
    stores.members.leave(place.id, ada.id, &left(ada.id)).await.unwrap();
    stores.members.get(place.id, UserId::generate()).await.unwrap();
    stores.members.among(place.id, &[ada.id]).await.unwrap();
    for act in [Sanction::Mute(Until::Revoked), Sanction::Ban(Until::Revoked), Sanction::Kick] {
        stores.sanctions.apply(place.id, ada.id, act, Cause::Server(&left(ada.id))).await.unwrap();
    }
    stores.sanctions.get(place.id, ada.id).await.unwrap();
    stores.sanctions.over(NOON, 5).await.unwrap();
    stores.sanctions.among(&[(place.id, ada.id)]).await.unwrap();
    let many: Vec<_> = (0..9).map(|_| (RoomId::generate(), ada.id)).collect();
    stores.members.places(&many).await.unwrap();
    stores.members.places(&[(place.id, ada.id), (RoomId::generate(), ada.id)]).await.unwrap();
    stores.sanctions.among(&many).await.unwrap();
    stores.sessions.revoke_all(ada.id, NOON).await.unwrap();
    stores.sessions.open(&[login.id]).await.unwrap();
    stores
        .sessions
        .rename(login.user_id, &"ada".to_owned().try_into().unwrap())
        .await
        .unwrap();
    stores.sessions.revoke_beyond(ada.id, 1, NOON).await.unwrap();
    stores.sessions.purge(NOON, 5).await.unwrap();
    stores.users.set_disabled(ada.id, true).await.unwrap();
    stores.outbox.pending(5).await.unwrap();
    stores.outbox.pending_in(place.id, 5).await.unwrap();
    stores.outbox.done(MessageId::generate()).await.unwrap();
    let events = messages(place.id, 1, 1..=3);
    stores.messages.apply(&events).await.unwrap();
    let middle = events[1].position();
    for window in [Window::Latest, Window::Before(middle), Window::After(middle)] {
        assert!(!stores.messages.page(place.id, PageQuestion::all(window, 2)).await.unwrap().is_empty());
        let shown = PageQuestion { window, kinds: Kinds::WithoutChanges, limit: 2 };
        assert!(!stores.messages.page(place.id, shown).await.unwrap().is_empty());
    }
    stores.messages.last(place.id).await.unwrap();
    act_on(stores, &events[0]).await;
    count_unread(stores, &events).await;
    answer(stores, &events[2]).await;
    save(stores).await;
    push(stores).await;
    pin(stores, place.id).await;
    carry_jobs_out(stores).await;
    fill_inboxes(stores).await;
    search_rooms(stores).await;
    choose(stores).await;
    use_accounts(stores).await;
    erase(stores, events[0].event.user_id).await;
    keep_the_index(stores, &events).await;
    send_later(stores).await;
    report(stores, place.id).await;
    purge(stores).await;
    keep_files(stores).await;
    keep_answers(stores).await;
    stores.epochs.next(Partition(1)).await.unwrap();
    stores.epochs.current(Partition(1)).await.unwrap();
    end_a_room(stores).await;
}

/// What the ends of rooms ask, found and not found.
async fn end_a_room(stores: &Stores) {
    use rookery_protocol::access::RoomRole;
    use rookery_store::room::{Closing, Member, Room};
    let owner = UserId::generate();
    let place = Room { owner: Some(owner), expires_at: Some(NOON), ..room(None) };
    stores.rooms.insert(&place).await.unwrap();
    let first = Member { role: RoomRole::Owner, ..member(place.id, owner) };
    stores.members.join(&first, &joined(owner)).await.unwrap();
    let more = UserId::generate();
    stores.members.join(&member(place.id, more), &joined(more)).await.unwrap();
    stores.members.set_role(place.id, more, RoomRole::Moderator, &left(owner)).await.unwrap();
    stores.members.of_role(place.id, RoomRole::Owner, None, 5).await.unwrap();
    stores.members.of_role(place.id, RoomRole::Owner, Some(first.place()), 5).await.unwrap();
    stores.sanctions.of_room(place.id, None, 5).await.unwrap();
    stores.sanctions.of_room(place.id, Some(owner), 5).await.unwrap();
    stores.sanctions.against(owner, 5).await.unwrap();
    assert_eq!(stores.rooms.expired(NOON, 5).await.unwrap().len(), 1);
    assert!(stores.rooms.close(place.id, Closing::Deleted, &left(owner)).await.unwrap().is_some());
    stores.rooms.tombstone(place.id).await.unwrap();
    stores.rooms.ended(&"tea".to_owned().try_into().unwrap(), owner).await.unwrap();
    stores.messages.apply(&messages(place.id, 1, 1..=3)).await.unwrap();
    let later = rookery_protocol::clock::UnixMillis(rookery_protocol::clock::UnixMillis::now().0 + 1_000);
    assert!(!stores.room_erasures.due(later, 5).await.unwrap().is_empty());
    while stores.room_erasures.erase(place.id, 2).await.unwrap() {}
}

/// What is around accounts, found and not found.
#[expect(clippy::too_many_lines, reason = "one call of each kind")]
async fn use_accounts(stores: &Stores) {
    use super::accounts::{invite, registration, second_factor, token};
    use rookery_store::account::{Keep, Purpose};
    use rookery_store::change::Change;
    use rookery_store::user::{ServerRole, UserChange, Username};
    let (eve, later) = (user("eve"), UnixMillis(NOON.0 + 1_000_000));
    stores.users.insert(&eve).await.unwrap();
    let change = UserChange { verified: Some(true), display_name: Change::Clear, ..UserChange::default() };
    stores.users.change(eve.id, &change).await.unwrap();
    let name = Username::try_from("evelyn".to_owned()).unwrap();
    assert!(stores.users.rename(eve.id, &name, NOON, NOON).await.unwrap());
    stores.users.set_role(eve.id, ServerRole::User).await.unwrap();
    let found = stores.users.search("e", None, 5).await.unwrap();
    stores.users.search("e", Some(&found[0].0), 5).await.unwrap();
    stores.sessions.by_id(SessionId::generate()).await.unwrap();
    stores.sessions.of_user(eve.id, NOON, 5).await.unwrap();
    let pending = registration("pending");
    stores.registrations.insert(&pending).await.unwrap();
    for login in ["pending", "pending@example.org"] {
        assert!(stores.registrations.by_login(login).await.unwrap().is_some());
    }
    stores.registrations.by_id(pending.id).await.unwrap();
    stores.registrations.attempt(pending.id, NOON).await.unwrap();
    stores.registrations.replace_code(pending.id, &pending.code).await.unwrap();
    stores.registrations.purge(later, 5).await.unwrap();
    stores.registrations.remove(pending.id).await.unwrap();
    for _ in 0..2 {
        assert!(stores.names.claim("kept", eve.id.as_uuid(), Some(NOON), NOON).await.unwrap());
    }
    stores.names.purge(NOON, 5).await.unwrap();
    stores.names.release("kept", eve.id.as_uuid()).await.unwrap();
    let link = token(eve.id, Purpose::Recovery, 1);
    stores.one_time_tokens.insert(&link, Keep::Newest(3)).await.unwrap();
    stores.one_time_tokens.by_id(link.id).await.unwrap();
    stores.one_time_tokens.find(&link.hash, Purpose::Recovery, NOON).await.unwrap();
    stores.one_time_tokens.take(link.id).await.unwrap();
    stores.one_time_tokens.remove_all(eve.id, Purpose::Recovery).await.unwrap();
    stores.one_time_tokens.purge(later, 5).await.unwrap();
    let invite = invite(Some(1), 1);
    stores.server_invites.insert(&invite).await.unwrap();
    assert!(stores.server_invites.spend(&invite.hash, NOON).await.unwrap());
    stores.server_invites.give_back(&invite.hash).await.unwrap();
    stores.server_invites.page(Some(uuid::Uuid::nil()), 5).await.unwrap();
    stores.server_invites.purge(later, 5).await.unwrap();
    stores.server_invites.remove(invite.id).await.unwrap();
    stores.second_factors.put(&second_factor(eve.id)).await.unwrap();
    stores.second_factors.get(eve.id).await.unwrap();
    assert!(stores.second_factors.advance(eve.id, 9).await.unwrap());
    assert!(stores.second_factors.spend(eve.id, &[1; 32]).await.unwrap());
    stores.second_factors.replace_recovery(eve.id, &[]).await.unwrap();
    stores.second_factors.remove(eve.id).await.unwrap();
    note_acts(stores, eve.id).await;
    let purged = stores.audit.purge(later, 5).await.unwrap();
    assert_eq!(purged, 1);
    let pair = Pair::new(eve.id, UserId::generate()).unwrap();
    let other = pair.other(eve.id).unwrap();
    stores.blocks.put(eve.id, other, NOON, &left(eve.id)).await.unwrap();
    let blocked = stores.blocks.page(eve.id, None, 5).await.unwrap();
    assert!(stores.blocks.is_blocked(eve.id, blocked[0].0).await.unwrap());
    stores.blocks.remove(eve.id, other, &left(eve.id)).await.unwrap();
    let direct = Room { id: pair.room(), kind: RoomKind::Direct, pair: Some(pair), ..room(None) };
    stores
        .rooms
        .insert_with(&direct, &pair.both().map(|user| member(direct.id, user)))
        .await
        .unwrap();
    assert!(stores.blocks.put(eve.id, other, NOON, &left(eve.id)).await.unwrap().is_some());
    assert_eq!(stores.blocks.of_pairs(&[pair]).await.unwrap().len(), 1);
    assert!(stores.blocks.remove(eve.id, other, &left(eve.id)).await.unwrap().is_some());
    let group = room(None);
    let maker = Member { role: RoomRole::Owner, ..member(group.id, eve.id) };
    stores.rooms.insert_with(&group, &[maker]).await.unwrap();
    let (invite, guest) = (joining::invite(group.id, eve.id, Some(2)), UserId::generate());
    stores.room_invites.insert(&invite).await.unwrap();
    stores.room_invites.by_id(invite.id).await.unwrap();
    assert!(stores.room_invites.spend(&invite.hash, NOON).await.unwrap());
    for by in [None, Some(eve.id)] {
        stores.room_invites.page(group.id, by, Some(uuid::Uuid::nil()), 5).await.unwrap();
    }
    stores
        .members
        .enter(&member(group.id, guest), Entry::Invite(invite.hash), &joined(guest))
        .await
        .unwrap();
    stores.room_invites.purge(later, 5).await.unwrap();
    stores.room_invites.remove(invite.id).await.unwrap();
    for user in [UserId::generate(), UserId::generate(), UserId::generate()] {
        let request = joining::request(group.id, user, NOON);
        stores.join_requests.ask(&request, NOON, 5).await.unwrap();
    }
    let waiting = stores.join_requests.of_room(group.id, None, 5).await.unwrap();
    stores.join_requests.of_room(group.id, Some(waiting[0].place()), 5).await.unwrap();
    stores.join_requests.of_user(waiting[0].user_id, None, 5).await.unwrap();
    stores
        .join_requests
        .of_user(waiting[0].user_id, Some(waiting[0].own_place()), 5)
        .await
        .unwrap();
    assert!(stores.join_requests.withdraw(group.id, waiting[0].user_id).await.unwrap());
    assert!(stores.join_requests.deny(group.id, waiting[1].user_id, NOON).await.unwrap());
    stores.join_requests.ask(&waiting[1], later, 5).await.unwrap();
    let user = waiting[2].user_id;
    stores
        .members
        .enter(&member(group.id, user), Entry::Request, &joined(user))
        .await
        .unwrap();
    assert_eq!(stores.join_requests.purge(later, 5).await.unwrap(), 1);
}

/// An account that goes, and the events of somebody.
async fn erase(stores: &Stores, speaker: UserId) {
    use rookery_store::erasure::{Removed, Trace, TracePlace};
    use rookery_store::export::Export;
    let (zoe, other, now) = (user("zoe"), UserId::generate(), UnixMillis::now());
    stores.users.insert(&zoe).await.unwrap();
    let export = Export {
        id: uuid::Uuid::now_v7(),
        user: zoe.id,
        room: None,
        by: other,
        created_at: NOON,
        expires_at: NOON,
        pieces: None,
        bytes: 0,
    };
    for _ in 0..2 {
        let export = Export { id: uuid::Uuid::now_v7(), ..export.clone() };
        stores.exports.insert(&export).await.unwrap();
        stores.exports.put_piece(export.id, 0, &[1]).await.unwrap();
        stores.exports.piece(export.id, 0).await.unwrap();
        assert!(stores.exports.complete(export.id, 1, 1, NOON).await.unwrap());
    }
    assert_eq!(stores.exports.purge(now, 5).await.unwrap(), 1);
    stores.erasures.begin(zoe.id, other, NOON).await.unwrap();
    assert_eq!(stores.erasures.open(5).await.unwrap(), [zoe.id]);
    stores.erasures.note(zoe.id, &Removed::default()).await.unwrap();
    for trace in [Trace::Author, Trace::Member] {
        let found = stores.traces.page(speaker, trace, None, 5).await.unwrap();
        let after = found
            .first()
            .map_or(TracePlace { room: RoomId::generate(), epoch: Epoch(1), seq: Seq::ZERO }, TracePlace::from);
        stores.traces.page(speaker, trace, Some(after), 5).await.unwrap();
        let ids: Vec<_> = found.iter().map(|found| found.event.id).collect();
        stores.traces.unname(trace, &ids).await.unwrap();
    }
    assert_ne!(stores.erasures.forget(zoe.id).await.unwrap(), 0);
    stores.erasures.finish(zoe.id, NOON).await.unwrap();
    assert!(!stores.names.claim("zoe", uuid::Uuid::new_v4(), None, now).await.unwrap());
}

/// The index of messages, kept and asked, and the lease under which it is.
async fn keep_the_index(stores: &Stores, events: &[SequencedEvent]) {
    use rookery_store::search::{Building, Entry, FoundPlace, Question};
    let (search, room) = (&stores.search, events[0].room);
    let waiting = search.waiting(NOON, 5).await.unwrap();
    assert!(!waiting.is_empty());
    let ids: Vec<MessageId> = events.iter().map(|event| event.event.id).collect();
    search.messages(&ids, &[]).await.unwrap();
    let entry = Entry {
        message: ids[0],
        room,
        at: NOON,
        place: events[0].position(),
        terms: Some(vec!["word".to_owned()]),
    };
    for again in [false, false, true] {
        search.put(std::slice::from_ref(&entry), again).await.unwrap();
    }
    search.postpone(&ids, NOON).await.unwrap();
    search.done(&ids).await.unwrap();
    let before = Some(FoundPlace { at: NOON, message: ids[1] });
    for rooms in [&[room][..], &[room, RoomId::generate()]] {
        let question = Question { rooms, term: "word", since: Some(NOON), before: None, limit: 5 };
        assert_eq!(search.find(question).await.unwrap().len(), 1);
        search.find(Question { before, since: None, ..question }).await.unwrap();
    }
    let stretch = search.stretch(None, 2).await.unwrap();
    search.stretch(stretch.next.as_deref(), 2).await.unwrap();
    search.building().await.unwrap();
    search.begin(&Building::default()).await.unwrap();
    assert!(search.advance(&Building::default()).await.unwrap());
    assert_eq!(search.erase_room(room, 5).await.unwrap(), 1);
    let lease = super::jobs::lease(100);
    for _ in 0..2 {
        assert!(stores.leases.hold("a", lease, NOON).await.unwrap());
    }
    stores.leases.release("a", lease).await.unwrap();
}

/// A request that is repeated.
async fn keep_answers(stores: &Stores) {
    let (answers, user) = (&stores.kept_answers, UserId::generate());
    let first = super::kept_answers::claim(user, 1, 0);
    for late in [0, 10, 200] {
        answers.claim(&super::kept_answers::claim(user, 1, late)).await.unwrap();
    }
    answers.keep(&first.key, first.holder, b"x").await.unwrap();
    answers.give_up(&first.key, first.holder).await.unwrap();
    answers.trim(user, 0, 5).await.unwrap();
    answers.purge(UnixMillis(NOON.0 + 10_000), 5).await.unwrap();
}

/// A message that is sent later, and one that is not.
async fn send_later(stores: &Stores) {
    use rookery_store::schedule::{Outcome, ScheduleChange};
    let (schedules, owner, room) = (&stores.schedules, UserId::generate(), RoomId::generate());
    let [sent, gone] = [0, 1].map(|_| super::schedules::schedule(owner, room));
    for new in [&sent, &gone] {
        assert!(schedules.insert(new, 5).await.unwrap());
        schedules.get(new.id).await.unwrap();
    }
    assert!(!schedules.insert(&super::schedules::schedule(owner, room), 2).await.unwrap());
    schedules.page(owner, room, None, 5).await.unwrap();
    schedules.of_user(owner, Some(gone.id), 5).await.unwrap();
    let change = ScheduleChange { content: Some("x".to_owned()), ..ScheduleChange::default() };
    assert!(schedules.change(sent.id, &change).await.unwrap().is_some());
    schedules.change(sent.id, &ScheduleChange::default()).await.unwrap();
    assert!(schedules.remove(gone.id).await.unwrap());
    let lease = super::jobs::lease(100);
    schedules.claim(lease, NOON, 1).await.unwrap();
    let outcome = Outcome::Failed("x".to_owned(), NOON);
    assert!(schedules.settle(sent.id, lease.id, &outcome).await.unwrap());
    assert_eq!(schedules.purge(UnixMillis(NOON.0 + 1), 5).await.unwrap(), 1);
    schedules.erase_about(owner).await.unwrap();
    schedules.erase_room(room, 5).await.unwrap();
}

/// Files that come, are claimed, and go.
async fn keep_files(stores: &Stores) {
    use super::files::file;
    use rookery_store::file::{Claim, Doomed, File, FileState, Holder, Usage};
    let (files, owner, room) = (&stores.files, UserId::generate(), RoomId::generate());
    let most = Usage { files: 2, bytes: 10_000 };
    let new = File { state: FileState::Arriving, ..file(owner) };
    let more = file(owner);
    for added in [&new, &more] {
        assert!(files.insert(added, most).await.unwrap());
    }
    assert!(!files.insert(&file(owner), most).await.unwrap());
    assert!(files.arrived(new.id, NOON).await.unwrap());
    files.usage(owner).await.unwrap();
    files.of_user(owner, Some(new.id), 5).await.unwrap();
    let message = MessageId::generate();
    let claim = Claim {
        files: vec![new.id, more.id],
        owner,
        room,
        holder: Holder::Message(message),
        from: Vec::new(),
        at: NOON,
        check_at: NOON,
        again: None,
    };
    assert!(files.claim(&claim).await.unwrap().is_held());
    assert!(files.claim(&claim).await.unwrap().is_held(), "another try of the same holder");
    files.withdraw(claim.holder, NOON, NOON).await.unwrap();
    let held = files.by_ids(&[new.id]).await.unwrap();
    files.check_again(&held[0], None).await.unwrap();
    assert_eq!(files.due(NOON, 5).await.unwrap().len(), 1);
    files.release(claim.holder, &[], NOON).await.unwrap();
    assert!(files.claim(&claim).await.unwrap().is_held());
    assert_eq!(files.condemn(Doomed::Messages(&[message])).await.unwrap(), 2);
    files.condemn(Doomed::One(new.id, None)).await.unwrap();
    files.condemn(Doomed::Unattached(owner)).await.unwrap();
    files.condemn(Doomed::Room(room, 5)).await.unwrap();
    files.remove(new.id).await.unwrap();
}

async fn note_acts(stores: &Stores, by: UserId) {
    use rookery_store::audit::{AuditFilter, StoredSettings};
    let act = super::audit::entry(by, "act", Some(RoomId::generate()));
    let settings = StoredSettings { version: 1, values: "{}".to_owned() };
    assert!(stores.server_settings.replace(&settings, &act).await.unwrap());
    let (room, actor, action) = (act.room, Some(by), Some("act".to_owned()));
    for filter in [
        AuditFilter::default(),
        AuditFilter { room, ..AuditFilter::default() },
        AuditFilter { actor, ..AuditFilter::default() },
        AuditFilter { action: action.clone(), ..AuditFilter::default() },
        AuditFilter { room, actor, ..AuditFilter::default() },
        AuditFilter { room, action: action.clone(), ..AuditFilter::default() },
        AuditFilter { actor, action: action.clone(), ..AuditFilter::default() },
        AuditFilter { room, actor, action },
    ] {
        assert_eq!(stores.audit.page(&filter, None, 5).await.unwrap().len(), 1);
    }
}

async fn carry_jobs_out(stores: &Stores) {
    use rookery_store::job::{Failure, JobState, Then};
    let jobs = &stores.jobs;
    for (key, dies) in [("a", false), ("b", true)] {
        let (new, holder) = (super::jobs::job(key), super::jobs::lease(100));
        jobs.add(&new).await.unwrap();
        jobs.claim(holder, NOON, 1).await.unwrap();
        jobs.renew(new.id, holder).await.unwrap();
        let failure = Failure { error: String::new(), then: Then::Dead(NOON) };
        if dies {
            assert!(jobs.fail(new.id, holder.id, &failure).await.unwrap());
            assert!(jobs.retry(new.id, NOON).await.unwrap());
        } else {
            assert!(jobs.complete(new.id, holder.id, NOON).await.unwrap());
        }
    }
    jobs.page(JobState::Dead, None, 5).await.unwrap();
    jobs.page(JobState::Done, Some(rookery_protocol::id::JobId::generate()), 5).await.unwrap();
    jobs.count(JobState::Open, 5).await.unwrap();
    assert_eq!(jobs.purge(UnixMillis(NOON.0 + 1), 5).await.unwrap(), 1);
    jobs.erase_about(UserId::generate()).await.unwrap();
}

async fn choose(stores: &Stores) {
    use rookery_store::preference::PreferencesChange;
    let (to, place) = (UserId::generate(), RoomId::generate());
    let hide = PreferencesChange { hidden: Some(true), ..PreferencesChange::default() };
    assert!(stores.preferences.change(to, place, &hide).await.unwrap().hidden);
    stores.preferences.get(to, place).await.unwrap();
    stores.preferences.of_user(to, 5).await.unwrap();
    stores.preferences.among(&[(place, to), (place, UserId::generate())]).await.unwrap();
    stores.server_announcements.page(None, 5).await.unwrap();
    stores.server_announcements.by_id(uuid::Uuid::now_v7()).await.unwrap();
    stores.server_announcements.remove(uuid::Uuid::now_v7()).await.unwrap();
}

async fn search_rooms(stores: &Stores) {
    use rookery_store::room_search::{RoomEntry, searched};
    let entry = RoomEntry::of(&room(Some("found")), 3);
    stores.room_search.put(&entry).await.unwrap();
    for query in ["", "found", "found rau"] {
        let found = stores.room_search.search(&searched(query), None, 5).await.unwrap();
        assert_eq!(found, [entry.place]);
        stores.room_search.search(&searched(query), Some(found[0]), 5).await.unwrap();
    }
    stores.room_search.remove(entry.place.room).await.unwrap();
}

/// Notices of both kinds, read in every way.
async fn fill_inboxes(stores: &Stores) {
    use super::notices::{direct, mention};
    let (notices, to, place) = (&stores.notices, UserId::generate(), RoomId::generate());
    let all = [mention(to, place, 1), mention(to, place, 2), direct(to, place, 3)];
    assert_eq!(notices.add(&all).await.unwrap().len(), 3);
    assert_eq!(notices.add(&[direct(to, place, 4)]).await.unwrap().len(), 1);
    assert_eq!(notices.add(&[direct(to, place, 3)]).await.unwrap().len(), 0);
    notices.get(to, all[0].id).await.unwrap();
    let page = notices.page(to, None, 2).await.unwrap();
    notices.page(to, Some(page[0].position()), 2).await.unwrap();
    let first = Position { epoch: Epoch(1), seq: Seq::new(1) };
    assert_eq!(notices.read_room(to, place, first).await.unwrap(), 1);
    assert_eq!(notices.read_up_to(to, page[0].position()).await.unwrap(), 2);
    assert_eq!(notices.trim(to, 2).await.unwrap(), 1);
    assert_eq!(notices.purge(UnixMillis(NOON.0 + 2), 5).await.unwrap(), 0);
    assert_eq!(notices.remove(&[all[2].id]).await.unwrap(), 1);
    stores.blocks.between(to, &[UserId::generate(), UserId::generate()]).await.unwrap();
}

/// Marks, lists and counts, of messages that mention somebody and are edited and deleted.
async fn count_unread(stores: &Stores, events: &[SequencedEvent]) {
    let (ada, place) = (user("ada2"), room(None));
    stores.rooms.insert(&place).await.unwrap();
    stores.members.join(&member(place.id, ada.id), &joined(ada.id)).await.unwrap();
    let to = events[1].position();
    stores.unread.advance(place.id, ada.id, to).await.unwrap();
    stores.unread.advance(place.id, UserId::generate(), to).await.unwrap();
    assert_eq!(stores.unread.receipts(place.id, 5).await.unwrap().len(), 1);
    let rooms = stores.unread.rooms(ada.id, None, 5).await.unwrap();
    stores.unread.rooms(ada.id, Some(rooms[0].membership_place()), 5).await.unwrap();
    stores.unread.marks(ada.id, &[place.id, RoomId::generate()]).await.unwrap();
    let said = crate::samples::said(place.id, 1, 20, "@ada");
    stores.messages.apply(std::slice::from_ref(&said)).await.unwrap();
    for (seq, kind) in [(21, ChangeKind::Edit("@ada @eve".to_owned())), (22, ChangeKind::Delete)] {
        let upto = Position { epoch: Epoch(1), seq: Seq::new(30) };
        let span = Span { room: place.id, after: Position::START, upto };
        let reader = Reader { user: ada.id, name: "ada".to_owned() };
        let same_epoch = Span { after: Position { epoch: Epoch(1), seq: Seq::ZERO }, ..span };
        let counts = stores.unread.counts(&reader, &[span, same_epoch], 5).await.unwrap();
        assert_eq!(counts.iter().map(|counts| counts.mentions).collect::<Vec<_>>(), [1, 1]);
        let mentions = stores.mentions.page(&reader, None, 5).await.unwrap();
        let before = mentions.found.first().map(Into::into);
        stores.mentions.page(&reader, before, 5).await.unwrap();
        let edit = super::unread::act(&said, seq, kind);
        stores.messages.apply(&[edit]).await.unwrap();
    }
}

async fn pin(stores: &Stores, room: RoomId) {
    use rookery_store::pin::Pinned;
    let kept = super::pins::pin(MessageId::generate(), 1);
    for _ in 0..2 {
        stores.pins.pin(room, &kept, 1, &left(kept.by)).await.unwrap();
    }
    let other = super::pins::pin(MessageId::generate(), 2);
    assert_eq!(stores.pins.pin(room, &other, 1, &left(kept.by)).await.unwrap(), Pinned::Full);
    let found = stores.pins.page(room, None, 5).await.unwrap();
    stores.pins.page(room, Some((&found[0]).into()), 5).await.unwrap();
    assert!(stores.pins.unpin(room, kept.message, &left(kept.by)).await.unwrap().is_some());
}

async fn push(stores: &Stores) {
    let user = UserId::generate();
    for (endpoint, at) in [("https://push.example/1", 1), ("https://push.example/2", 2)] {
        let new = super::pushes::subscription(user, endpoint, at);
        stores.pushes.subscribe(&new, 1).await.unwrap();
        stores.pushes.subscription(new.id).await.unwrap();
    }
    let found = stores.pushes.subscriptions(&[user, UserId::generate()], 9).await.unwrap();
    for topic in [None, Some("t")] {
        stores.pushes.note_shown(&found[0], "t", NOON, NOON).await.unwrap();
        assert_eq!(stores.pushes.take_shown(user, topic, 9).await.unwrap(), [found[0].id]);
    }
    assert!(stores.pushes.unsubscribe(user, found[0].id).await.unwrap());
    for key in [1, 2] {
        stores.pushes.push_key(&[key]).await.unwrap();
    }
}

async fn save(stores: &Stores) {
    let (user, kept) = (UserId::generate(), super::saved::saved(RoomId::generate(), 1));
    assert!(stores.saved.put(user, &kept, 1).await.unwrap());
    assert!(!stores.saved.put(user, &super::saved::saved(kept.room, 2), 1).await.unwrap());
    let found = stores.saved.page(user, None, 5).await.unwrap();
    stores.saved.page(user, Some((&found[0]).into()), 5).await.unwrap();
    stores.saved.remove(user, kept.message).await.unwrap();
}

/// What is erased before its room is, and how much there is.
async fn purge(stores: &Stores) {
    let place = room(None);
    stores.rooms.insert(&place).await.unwrap();
    let events = messages(place.id, 1, 1..=4);
    stores.messages.apply(&events).await.unwrap();
    let made = super::purges::purge(place.id, events[0].event.user_id);
    for wanted in [true, false] {
        assert_eq!(stores.purges.begin(&made, &left(made.by)).await.unwrap().is_some(), wanted);
    }
    stores.purges.by_id(made.id).await.unwrap();
    assert_eq!(stores.purges.hiding(&[place.id, RoomId::generate()], NOON).await.unwrap().len(), 1);
    stores.purges.discard(&[events[0].event.id]).await.unwrap();
    stores.purges.finish(made.id, NOON).await.unwrap();
    assert_eq!(stores.purges.purge(UnixMillis(NOON.0 + 1), 5).await.unwrap(), 1);
    let later = UnixMillis(UnixMillis::now().0 + 1_000_000);
    assert!(stores.room_erasures.erase_before(place.id, later, 5).await.unwrap() >= 3);
    stores.search.forget(place.id, &[events[0].event.id]).await.unwrap();
    assert!(!stores.rooms.all(None, 2).await.unwrap().is_empty());
    stores.rooms.all(Some(place.id), 2).await.unwrap();
    stores.figures.add_messages(NOON, 1).await.unwrap();
    stores.figures.add_messages(NOON, 1).await.unwrap();
    assert_eq!(stores.figures.messages(3).await.unwrap().len(), 1);
}

/// A report that is taken up, left, taken up by somebody else and decided.
async fn report(stores: &Stores, room: RoomId) {
    use rookery_store::report::{ReportAction, ReportFilter, ReportState, Reported, Resolution};
    let (reports, by) = (&stores.reports, UserId::generate());
    let made = super::reports::report(room, UserId::generate(), UserId::generate());
    for wanted in [Reported::New(made.id), Reported::Known(made.id)] {
        assert_eq!(reports.add(&made, 5).await.unwrap(), wanted);
    }
    reports.by_id(made.id).await.unwrap();
    assert_eq!(reports.made_by(made.reporter, None, 5).await.unwrap().len(), 1);
    assert_eq!(reports.made_by(made.reporter, Some(made.message), 5).await.unwrap(), []);
    for (room, state, for_staff) in [
        (None, None, true),
        (None, Some(ReportState::Open), true),
        (Some(room), None, true),
        (Some(room), None, false),
        (Some(room), Some(ReportState::Open), true),
        (Some(room), Some(ReportState::Open), false),
    ] {
        assert_eq!(reports.page(&ReportFilter { room, state, for_staff }, None, 5).await.unwrap().len(), 1);
    }
    let later = UnixMillis(NOON.0 + 1);
    assert_eq!(reports.count(ReportState::Open, 5).await.unwrap(), 1);
    assert!(reports.claim(made.id, UserId::generate(), NOON, NOON).await.unwrap());
    assert!(reports.claim(made.id, by, later, later).await.unwrap());
    assert!(reports.claim(made.id, by, later, later).await.unwrap());
    let resolution = Resolution { by, at: later, action: ReportAction::None, answer: None };
    assert!(reports.resolve(made.id, &resolution).await.unwrap());
    assert_eq!(reports.purge(UnixMillis(NOON.0 + 2), 5).await.unwrap(), 1);
    assert_eq!(reports.erase_about(by).await.unwrap(), 0);
}

/// Answers that come and go, and every question about them.
async fn answer(stores: &Stores, said: &SequencedEvent) {
    let answer = super::threads::reply(UserId::generate(), said, 40);
    stores.messages.apply(std::slice::from_ref(&answer)).await.unwrap();
    for after in [None, Some(Position::START)] {
        assert_eq!(stores.threads.page(said.room, said.event.id, after, 5).await.unwrap().len(), 1);
    }
    stores
        .messages
        .apply(&[super::unread::act(&answer, 41, ChangeKind::Delete)])
        .await
        .unwrap();
    assert!(stores.threads.replies(&[(said.room, said.event.id)]).await.unwrap().is_empty());
    assert!(stores.messages.first_since(said.room, NOON).await.unwrap().is_some());
    assert_eq!(stores.messages.by_ids(&[said.event.id]).await.unwrap().len(), 1);
}

/// Every act, twice, and every question about them.
async fn act_on(stores: &Stores, said: &SequencedEvent) {
    let message_id = said.event.id;
    let emoji = || Emoji::try_from("👍".to_owned()).unwrap();
    let kinds = [
        ChangeKind::Edit("x".to_owned()),
        ChangeKind::React(emoji()),
        ChangeKind::Unreact(emoji()),
        ChangeKind::Delete,
    ];
    for (seq, kind) in (10..).zip(kinds) {
        let sender = Sender { user_id: said.event.user_id, username: "ada".to_owned() };
        let event = Event::message_change(said.room, sender, &ClientId::generate(), MessageChange { message_id, kind });
        let event = crate::samples::at(said.room, 1, seq, event);
        stores.messages.apply(std::slice::from_ref(&event)).await.unwrap();
        stores.messages.apply(&[event]).await.unwrap();
        stores.messages.states(&[message_id], &[]).await.unwrap();
        stores.messages.edits(message_id, 5).await.unwrap();
        stores.messages.place(said.room, message_id).await.unwrap();
        let reaction = Reaction { message: message_id, emoji: &emoji() };
        stores.messages.reacted(reaction, None, 5).await.unwrap();
        stores.messages.reacted(reaction, Some(Position::START), 5).await.unwrap();
        stores.messages.sweep(UnixMillis::now(), 5).await.unwrap();
        stores.messages.message(said.room, message_id).await.unwrap();
    }
}
