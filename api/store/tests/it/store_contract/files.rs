//! What is known of files: claimed by one, gone with what they belong to.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, NewMessage, Sender};
use rookery_protocol::id::{ClientId, FileId, MessageId, RoomId, ScheduleId, UserId};
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_store::Files;
use rookery_store::file::{Claim, Claimed, Doomed, File, FileState, Holder, Pixels, Usage};

use super::{Home, at_once};
use crate::samples::{NOON, at};

const MOST: Usage = Usage { files: 100, bytes: 1_000_000 };

fn later(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

pub(crate) fn file(owner: UserId) -> File {
    File {
        id: FileId::generate(),
        owner,
        name: "żółć.png".to_owned(),
        media_type: "image/png".to_owned(),
        size: 900,
        pixels: Some(Pixels { width: 7, height: 9 }),
        thumbnail: Some(100),
        state: FileState::Ready,
        holder: None,
        room: None,
        held_at: None,
        check_at: Some(later(1_000)),
        created_at: NOON,
    }
}

fn claim(files: &[&File], holder: Holder, room: RoomId) -> Claim {
    Claim {
        files: files.iter().map(|file| file.id).collect(),
        owner: files[0].owner,
        room,
        holder,
        from: Vec::new(),
        at: later(1),
        check_at: later(2_000),
        again: None,
    }
}

fn message() -> Holder {
    Holder::Message(MessageId::generate())
}

async fn added(files: &dyn Files, owner: UserId) -> File {
    let new = file(owner);
    assert!(files.insert(&new, MOST).await.unwrap());
    new
}

async fn now(files: &dyn Files, id: FileId) -> Option<File> {
    files.by_ids(&[id, FileId::generate()]).await.unwrap().pop()
}

pub(crate) async fn a_file_is_found_as_it_was_written(home: Home) {
    let files = home.stores().await.files;
    let owner = UserId::generate();
    let picture = added(&*files, owner).await;
    let plain = File { state: FileState::Arriving, pixels: None, thumbnail: None, check_at: None, ..file(owner) };
    assert!(files.insert(&plain, MOST).await.unwrap());
    assert_eq!(now(&*files, picture.id).await, Some(picture.clone()));
    assert_eq!(now(&*files, plain.id).await, Some(plain.clone()));
    assert!(files.arrived(plain.id, later(5)).await.unwrap());
    assert!(!files.arrived(plain.id, later(6)).await.unwrap(), "once");
    let ready = File { state: FileState::Ready, check_at: Some(later(5)), ..plain };
    assert_eq!(now(&*files, ready.id).await, Some(ready.clone()));
    let all = [picture, ready];
    assert_eq!(files.of_user(owner, None, 10).await.unwrap(), all);
    assert_eq!(files.of_user(owner, Some(all[0].id), 10).await.unwrap(), all[1..]);
    assert_eq!(files.of_user(owner, None, 1).await.unwrap(), all[..1]);
    assert_eq!(files.usage(owner).await.unwrap(), Usage { files: 2, bytes: 1_900 });
    assert_eq!(files.usage(UserId::generate()).await.unwrap(), Usage::default());
}

pub(crate) async fn a_user_has_no_more_than_the_quota(home: Home) {
    let files = home.stores().await.files;
    let owner = UserId::generate();
    for (most, fits) in [
        (Usage { files: 9, bytes: 1_999 }, true),
        (Usage { files: 9, bytes: 1_999 }, false),
        (Usage { files: 1, bytes: 9_999 }, false),
        (Usage { files: 2, bytes: 2_000 }, true),
    ] {
        assert_eq!(files.insert(&file(owner), most).await.unwrap(), fits, "{most:?}");
    }
    assert!(
        files.insert(&file(UserId::generate()), Usage { files: 1, bytes: 1_000 }).await.unwrap(),
        "others have theirs"
    );
    let race = UserId::generate();
    let most = Usage { files: 100, bytes: 5_000 };
    let added = at_once(12, |_| {
        let files = files.clone();
        async move { files.insert(&file(race), most).await.unwrap() }
    })
    .await;
    let used = files.usage(race).await.unwrap();
    assert_eq!(added.into_iter().filter(|added| *added).count() as u64, used.files);
    assert!(used.bytes <= most.bytes, "{used:?}");
}

pub(crate) async fn files_are_claimed_all_or_none(home: Home) {
    let files = home.stores().await.files;
    let (owner, room) = (UserId::generate(), RoomId::generate());
    let [one, two, three] = [added(&*files, owner).await, added(&*files, owner).await, added(&*files, owner).await];
    let (first, second) = (message(), message());
    assert_eq!(files.claim(&claim(&[&one, &two], first, room)).await.unwrap(), Claimed::Alone(later(1)));
    let held = now(&*files, one.id).await.unwrap();
    assert_eq!((held.holder, held.room, held.held_at), (Some(first), Some(room), Some(later(1))));
    assert_eq!(files.claim(&claim(&[&one, &two], first, room)).await.unwrap(), Claimed::Shared, "also again");
    assert_eq!((held.check_at, held.shown_in()), (Some(later(2_000)), Some(room)));
    assert!(
        !files.claim(&claim(&[&three, &two], second, room)).await.unwrap().is_held(),
        "one of them belongs to another"
    );
    assert_eq!(now(&*files, three.id).await, Some(three.clone()), "none is taken then");
    let foreign = Claim { owner: UserId::generate(), ..claim(&[&three], second, room) };
    assert!(!files.claim(&foreign).await.unwrap().is_held());
    let unknown = Claim { files: vec![three.id, FileId::generate()], ..claim(&[&three], second, room) };
    assert!(!files.claim(&unknown).await.unwrap().is_held());
    let arriving = File { state: FileState::Arriving, ..file(owner) };
    assert!(files.insert(&arriving, MOST).await.unwrap());
    assert!(!files.claim(&claim(&[&arriving], second, room)).await.unwrap().is_held());
    let taken = Claim { from: vec![first], ..claim(&[&two, &three], second, room) };
    assert!(files.claim(&taken).await.unwrap().is_held(), "where that is allowed");
    assert_eq!(now(&*files, two.id).await.unwrap().holder, Some(second));
}

pub(crate) async fn file_claim_race(home: Home) {
    let files = home.stores().await.files;
    let (owner, room) = (UserId::generate(), RoomId::generate());
    for _ in 0..5 {
        let [one, two] = [added(&*files, owner).await, added(&*files, owner).await];
        let won = at_once(8, |n| {
            let (files, one, two) = (files.clone(), one.clone(), two.clone());
            async move {
                let order = if n % 2 == 0 { [&one, &two] } else { [&two, &one] };
                let holder = message();
                files.claim(&claim(&order, holder, room)).await.unwrap().is_held().then_some(holder)
            }
        })
        .await;
        let won: Vec<Holder> = won.into_iter().flatten().collect();
        let holders = [now(&*files, one.id).await.unwrap().holder, now(&*files, two.id).await.unwrap().holder];
        assert!(won.len() <= 1, "{won:?}");
        if let Some(winner) = won.first() {
            assert_eq!(holders, [Some(*winner); 2]);
        } else {
            assert_eq!(holders, [None; 2]);
        }
    }
}

pub(crate) async fn what_is_released_may_be_claimed_again(home: Home) {
    let files = home.stores().await.files;
    let (owner, room) = (UserId::generate(), RoomId::generate());
    let new = added(&*files, owner).await;
    let schedule = Holder::Schedule(ScheduleId::generate());
    assert!(files.claim(&claim(&[&new], schedule, room)).await.unwrap().is_held());
    assert_eq!(now(&*files, new.id).await.unwrap().shown_in(), None, "nobody sees it before it is sent");
    let kept = added(&*files, owner).await;
    assert!(files.claim(&claim(&[&kept], schedule, room)).await.unwrap().is_held());
    files.release(schedule, &[kept.id], later(7)).await.unwrap();
    assert_eq!(now(&*files, kept.id).await.unwrap().holder, Some(schedule));
    assert_eq!(now(&*files, new.id).await, Some(File { check_at: Some(later(7)), ..new.clone() }));
    let sent = message();
    assert!(files.claim(&claim(&[&new], sent, room)).await.unwrap().is_held());
    files.check_again(&new, None).await.unwrap();
    assert!(now(&*files, new.id).await.unwrap().check_at.is_some(), "it passed to another holder meanwhile");
    let held = now(&*files, new.id).await.unwrap();
    files.check_again(&held, Some(later(9))).await.unwrap();
    assert_eq!(now(&*files, new.id).await.unwrap().check_at, Some(later(9)));
    files.check_again(&held, None).await.unwrap();
    assert_eq!(now(&*files, new.id).await.unwrap().check_at, None);
}

pub(crate) async fn a_try_gives_back_what_it_holds_alone(home: Home) {
    let files = home.stores().await.files;
    let (owner, room, sent) = (UserId::generate(), RoomId::generate(), message());
    let [one, two] = [added(&*files, owner).await, added(&*files, owner).await];
    let first = claim(&[&one, &two], sent, room);
    assert_eq!(files.claim(&first).await.unwrap(), Claimed::Alone(later(1)));
    let again = Claim { at: later(5), again: Some(later(1)), ..first.clone() };
    assert_eq!(files.claim(&again).await.unwrap(), Claimed::Alone(later(1)), "the same try, once more");
    files.withdraw(message(), later(1), later(7)).await.unwrap();
    files.withdraw(sent, later(2), later(7)).await.unwrap();
    assert_eq!(now(&*files, one.id).await.unwrap().holder, Some(sent), "that is none of its");
    files.withdraw(sent, later(1), later(7)).await.unwrap();
    for file in [&one, &two] {
        assert_eq!(now(&*files, file.id).await, Some(File { check_at: Some(later(7)), ..file.clone() }));
    }
    assert_eq!(files.claim(&first).await.unwrap(), Claimed::Alone(later(1)));
    assert_eq!(files.claim(&first).await.unwrap(), Claimed::Shared, "another try of the message");
    files.withdraw(sent, later(1), later(7)).await.unwrap();
    let held = now(&*files, one.id).await.unwrap();
    assert_eq!((held.holder, held.check_at), (Some(sent), Some(later(2_000))), "the other may succeed");
    assert_eq!(files.claim(&again).await.unwrap(), Claimed::Shared, "the first is not alone any more");
    // What is known to be sent stays as it is, whoever tries again.
    let held = now(&*files, one.id).await.unwrap();
    files.check_again(&held, None).await.unwrap();
    let alone = Claim { files: vec![one.id], at: later(9), ..first };
    assert_eq!(files.claim(&alone).await.unwrap(), Claimed::Shared);
    let settled = now(&*files, one.id).await.unwrap();
    assert_eq!((settled.held_at, settled.is_settled()), (held.held_at, true));
    files.withdraw(sent, held.held_at.unwrap(), later(7)).await.unwrap();
    assert_eq!(now(&*files, one.id).await, Some(settled));
}

pub(crate) async fn what_is_due_is_found_first_things_first(home: Home) {
    let files = home.stores().await.files;
    let owner = UserId::generate();
    let mut all = Vec::new();
    for ms in [30, 10, 20, 40] {
        let new = File { check_at: Some(later(ms)), ..file(owner) };
        assert!(files.insert(&new, MOST).await.unwrap());
        all.push(new);
    }
    let never = File { check_at: None, ..file(owner) };
    assert!(files.insert(&never, MOST).await.unwrap());
    let due = files.due(later(30), 10).await.unwrap();
    assert_eq!(due.iter().map(|file| file.id).collect::<Vec<_>>(), [all[1].id, all[2].id, all[0].id]);
    assert_eq!(files.due(later(30), 2).await.unwrap(), due[..2]);
    assert_eq!(files.condemn(Doomed::One(all[3].id, None)).await.unwrap(), 1);
    assert_eq!(files.condemn(Doomed::One(all[3].id, None)).await.unwrap(), 0);
    assert_eq!(files.due(later(0), 10).await.unwrap()[0].id, all[3].id, "at once");
    files.remove(all[0].id).await.unwrap();
    assert!(now(&*files, all[0].id).await.is_some(), "only what was condemned is forgotten");
    files.remove(all[3].id).await.unwrap();
    assert_eq!(now(&*files, all[3].id).await, None);
}

pub(crate) async fn files_go_with_what_they_belong_to(home: Home) {
    let stores = home.stores().await;
    let files = &stores.files;
    let (owner, room) = (UserId::generate(), RoomId::generate());
    let state = async |file: &File| now(&**files, file.id).await.unwrap().state;
    let [sent, other, planned, free] = [
        added(&**files, owner).await,
        added(&**files, owner).await,
        added(&**files, owner).await,
        added(&**files, owner).await,
    ];
    let sender = || Sender { user_id: owner, username: "ada".to_owned() };
    let attachments = vec![sent.attachment()];
    let new = NewMessage { content: String::new(), client_id: ClientId::generate(), reply_to: None, attachments };
    let said = at(room, 1, 1, Event::message(room, sender(), new));
    let message_id = said.event.id;
    assert!(files.claim(&claim(&[&sent], Holder::Message(message_id), room)).await.unwrap().is_held());
    assert!(files.claim(&claim(&[&other], message(), room)).await.unwrap().is_held());
    let schedule = Holder::Schedule(ScheduleId::generate());
    assert!(files.claim(&claim(&[&planned], schedule, room)).await.unwrap().is_held());
    assert_eq!(files.condemn(Doomed::One(sent.id, None)).await.unwrap(), 0, "it belongs to something");
    let change = MessageChange { message_id, kind: ChangeKind::Delete };
    let deletion = at(room, 1, 2, Event::message_change(room, sender(), &ClientId::generate(), change));
    stores.messages.apply(&[said, deletion]).await.unwrap();
    assert_eq!(state(&sent).await, FileState::Condemned, "with its message");
    let kept = stores.messages.message(room, message_id).await.unwrap().unwrap();
    assert!(!rookery_store::search::has_file(&kept), "its name, too");
    assert_eq!(state(&other).await, FileState::Ready);
    assert_eq!(files.condemn(Doomed::Unattached(owner)).await.unwrap(), 2);
    assert_eq!((state(&planned).await, state(&free).await), (FileState::Condemned, FileState::Condemned));
    assert_eq!(state(&other).await, FileState::Ready, "what was sent stays");
    assert_eq!(files.condemn(Doomed::Room(RoomId::generate(), 5)).await.unwrap(), 0);
    assert_eq!(files.condemn(Doomed::Room(room, 5)).await.unwrap(), 1);
    assert_eq!(files.condemn(Doomed::Room(room, 5)).await.unwrap(), 0);
    assert_eq!(state(&other).await, FileState::Condemned);
    let [third, fourth] = [added(&**files, owner).await, added(&**files, owner).await];
    let ids = [MessageId::generate(), MessageId::generate()];
    for (file, id) in [&third, &fourth].into_iter().zip(ids) {
        assert!(files.claim(&claim(&[file], Holder::Message(id), room)).await.unwrap().is_held());
    }
    assert_eq!(files.condemn(Doomed::Messages(&ids)).await.unwrap(), 2);
    assert!(
        !files.claim(&claim(&[&third], Holder::Message(ids[0]), room)).await.unwrap().is_held(),
        "nobody gets it any more"
    );
}
