//! Acts on messages: edits, deletions, reactions. Whatever is repeated and in whatever order it comes, the end is the same.

use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{Event, EventBody, MessageChanged, NewMessage, Sender, SequencedEvent};
use rookery_protocol::id::{ClientId, MessageId, RoomId, UserId};
use rookery_protocol::limits::{REACTION_USERS_MAX, REACTIONS_PER_MESSAGE_MAX};
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_store::message::{Kinds, Window};
use rookery_store::message_state::MessageState;
use rookery_store::{PageQuestion, Reaction, Stores};

use super::{Home, at_once};
use crate::samples::{at, message};

/// A message at 1, and acts on it from 2 on.
struct Scene {
    room: RoomId,
    said: SequencedEvent,
    user: UserId,
}

impl Scene {
    fn new() -> Self {
        let room = RoomId::generate();
        let said = message(room, 1, 1);
        Self { room, user: said.event.user_id, said }
    }

    fn id(&self) -> MessageId {
        self.said.event.id
    }

    fn by(&self, user: UserId, seq: u64, kind: ChangeKind) -> SequencedEvent {
        let sender = Sender { user_id: user, username: "ada".to_owned() };
        let act = MessageChange { message_id: self.id(), kind };
        at(self.room, 1, seq, Event::message_change(self.room, sender, &ClientId::generate(), act))
    }

    fn act(&self, seq: u64, kind: ChangeKind) -> SequencedEvent {
        self.by(self.user, seq, kind)
    }

    fn edit(&self, seq: u64) -> SequencedEvent {
        self.act(seq, ChangeKind::Edit(format!("\u{1F980} version {seq} \"quoted\"")))
    }

    async fn history(&self, stores: &Stores) -> Vec<SequencedEvent> {
        stores.messages.page(self.room, PageQuestion::all(Window::Latest, 1_000)).await.unwrap()
    }

    async fn state(&self, stores: &Stores) -> MessageState {
        let mut states = stores.messages.states(&[self.id(), MessageId::generate()], &[]).await.unwrap();
        states.remove(&self.id()).unwrap_or_default()
    }

    async fn text(&self, stores: &Stores) -> Option<String> {
        self.state(stores).await.edit.map(|edit| edit.content)
    }

    async fn shown(&self, stores: &Stores) -> Vec<(String, Vec<UserId>)> {
        let reactions = self.state(stores).await.visible_reactions();
        reactions.into_iter().map(|reaction| (reaction.emoji.into(), reaction.user_ids)).collect()
    }
}

fn emoji(n: u32) -> Emoji {
    Emoji::try_from(char::from_u32(0x1F600 + n).unwrap().to_string()).unwrap()
}

fn content(event: &SequencedEvent) -> Option<&str> {
    match &event.event.body {
        EventBody::Message(NewMessage { content, .. })
        | EventBody::MessageChange(MessageChanged::Edited { content, .. }) => Some(content),
        EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => None,
    }
}

pub(crate) async fn acts_are_history_and_change_their_message(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let events = [
        scene.said.clone(),
        scene.edit(2),
        scene.act(3, ChangeKind::React(emoji(1))),
        scene.act(4, ChangeKind::Unreact(emoji(1))),
        scene.act(5, ChangeKind::React(emoji(2))),
    ];
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(scene.history(&stores).await, events, "every event keeps its place");
    let state = scene.state(&stores).await;
    assert_eq!(
        state.edit.as_ref().map(|edit| (edit.place, edit.at)),
        Some((events[1].position(), events[1].timestamp))
    );
    assert_eq!(state.edit.map(|edit| edit.content).as_deref(), content(&events[1]));
    assert_eq!(scene.shown(&stores).await, [(emoji(2).into(), vec![scene.user])]);
    let stores = home.stores().await;
    assert_eq!(scene.shown(&stores).await.len(), 1, "also after a restart");
}

pub(crate) async fn repeated_acts_change_nothing(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let events = [
        scene.said.clone(),
        scene.edit(2),
        scene.act(3, ChangeKind::React(emoji(1))),
        scene.edit(4),
        scene.act(5, ChangeKind::Unreact(emoji(1))),
    ];
    stores.messages.apply(&events).await.unwrap();
    let (before, state) = (scene.history(&stores).await, scene.state(&stores).await);
    for part in [&events[..], &events[1..3], &events[2..]] {
        stores.messages.apply(part).await.unwrap();
        assert_eq!(scene.history(&stores).await, before);
        assert_eq!(scene.state(&stores).await, state);
    }
}

/// The bus has forgotten the first send and gives the repeat a second place: the first one counts.
pub(crate) async fn a_late_repeat_of_an_act_changes_nothing(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let (first, second) = (scene.edit(2), scene.edit(3));
    stores.messages.apply(&[scene.said.clone(), first.clone(), second.clone()]).await.unwrap();
    stores.messages.apply(&[at(scene.room, 1, 9, first.event.clone())]).await.unwrap();
    assert_eq!(scene.text(&stores).await.as_deref(), content(&second));
}

pub(crate) async fn acts_end_alike_in_any_order_and_any_batches(home: Home) {
    let stores = home.stores().await;
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
        for batch in [1, 2, 4] {
            let scene = Scene::new();
            let events = [
                scene.said.clone(),
                scene.edit(2),
                scene.edit(3),
                scene.by(UserId::generate(), 4, ChangeKind::React(emoji(1))),
            ];
            let shuffled: Vec<_> = order.iter().map(|index| events[*index].clone()).collect();
            for part in shuffled.chunks(batch) {
                stores.messages.apply(part).await.unwrap();
            }
            assert_eq!(scene.history(&stores).await, events);
            assert_eq!(scene.text(&stores).await.as_deref(), content(&events[2]), "{order:?} by {batch}");
            assert_eq!(scene.shown(&stores).await.len(), 1);
        }
    }
}

pub(crate) async fn a_deleted_text_is_nowhere(home: Home) {
    let stores = home.stores().await;
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [0, 3, 1, 2]] {
        for batch in [1, 2, 4] {
            let scene = Scene::new();
            let events = [scene.said.clone(), scene.edit(2), scene.act(3, ChangeKind::Delete), scene.edit(4)];
            let shuffled: Vec<_> = order.iter().map(|index| events[*index].clone()).collect();
            for part in shuffled.chunks(batch).chain([&events[..]]) {
                stores.messages.apply(part).await.unwrap();
            }
            assert_eq!(scene.state(&stores).await, MessageState { deleted: true, ..MessageState::default() });
            let history = scene.history(&stores).await;
            assert_eq!(
                history.iter().map(SequencedEvent::position).collect::<Vec<_>>(),
                events.iter().map(SequencedEvent::position).collect::<Vec<_>>()
            );
            assert!(history.iter().all(|event| content(event).unwrap_or_default().is_empty()), "{order:?} by {batch}");
            let edits = stores.messages.edits(scene.id(), 10).await.unwrap();
            assert!(edits.iter().all(|edit| content(edit) == Some("")));
            let said = stores.messages.message(scene.room, scene.id()).await.unwrap();
            assert_eq!(said.as_ref().and_then(content), Some(""), "the tombstone stays");
        }
    }
}

pub(crate) async fn edits_are_kept_with_their_places(home: Home) {
    let (stores, scene, other) = (home.stores().await, Scene::new(), Scene::new());
    let edits: Vec<_> = (2..=6).map(|seq| scene.edit(seq)).collect();
    stores.messages.apply(&edits).await.unwrap();
    stores
        .messages
        .apply(&[scene.said.clone(), other.said.clone(), other.edit(2)])
        .await
        .unwrap();
    assert_eq!(stores.messages.edits(scene.id(), 10).await.unwrap(), edits);
    assert_eq!(stores.messages.edits(scene.id(), 2).await.unwrap(), edits[3..], "the newest");
    assert_eq!(stores.messages.edits(MessageId::generate(), 10).await.unwrap(), []);
}

pub(crate) async fn reactions_are_the_last_word_of_each_user(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let (ann, ben) = (UserId::generate(), UserId::generate());
    let events = [
        scene.said.clone(),
        scene.by(ann, 2, ChangeKind::React(emoji(1))),
        scene.by(ben, 3, ChangeKind::React(emoji(2))),
        scene.by(ben, 4, ChangeKind::React(emoji(1))),
        scene.by(ben, 5, ChangeKind::Unreact(emoji(2))),
        scene.by(ann, 6, ChangeKind::Unreact(emoji(1))),
        scene.by(ann, 7, ChangeKind::React(emoji(1))),
        scene.by(ann, 8, ChangeKind::Unreact(emoji(3))),
    ];
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(scene.shown(&stores).await, [(emoji(1).into(), vec![ben, ann])]);
}

pub(crate) async fn too_many_reactions_are_not_shown(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let reactions: Vec<_> = (0..30).map(|n| scene.act(u64::from(n) + 2, ChangeKind::React(emoji(n)))).collect();
    stores.messages.apply(&reactions).await.unwrap();
    let shown: Vec<String> = scene.shown(&stores).await.into_iter().map(|(emoji, _)| emoji).collect();
    let first: Vec<String> = (0..30).take(REACTIONS_PER_MESSAGE_MAX).map(|n| emoji(n).into()).collect();
    assert_eq!(shown, first);
}

pub(crate) async fn a_message_is_found_in_its_room(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let edit = scene.edit(2);
    stores.messages.apply(&[scene.said.clone(), edit.clone()]).await.unwrap();
    let find = |room, id| stores.messages.message(room, id);
    assert_eq!(find(scene.room, scene.id()).await.unwrap().as_ref(), Some(&scene.said));
    assert_eq!(find(RoomId::generate(), scene.id()).await.unwrap(), None, "another room");
    assert_eq!(find(scene.room, edit.event.id).await.unwrap(), None, "not a message");
    assert_eq!(find(scene.room, MessageId::generate()).await.unwrap(), None);
    assert!(stores.messages.states(&[], &[]).await.unwrap().is_empty());
}

pub(crate) async fn acts_at_once_end_with_the_newest(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let edits: Vec<_> = (2..=13).map(|seq| scene.edit(seq)).collect();
    at_once(12, |n| {
        let (store, edit) = (stores.messages.clone(), edits[n].clone());
        async move { store.apply(&[edit]).await.unwrap() }
    })
    .await;
    assert_eq!(scene.text(&stores).await.as_deref(), content(&edits[11]));
}

pub(crate) async fn b06_pages_of_what_is_shown_leave_acts_out(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let others: Vec<_> = (100..=104).map(|seq| message(scene.room, 1, seq)).collect();
    let acts: Vec<_> = (2..100).map(|seq| scene.edit(seq)).collect();
    for part in [&[scene.said.clone()][..], &acts, &others] {
        stores.messages.apply(part).await.unwrap();
    }
    let shown = |window, limit| {
        let question = PageQuestion { window, kinds: Kinds::WithoutChanges, limit };
        let (messages, room) = (stores.messages.clone(), scene.room);
        async move { messages.page(room, question).await.unwrap() }
    };
    let all: Vec<_> = std::iter::once(scene.said.clone()).chain(others.iter().cloned()).collect();
    assert_eq!(shown(Window::Latest, 50).await, all);
    assert_eq!(shown(Window::Latest, 3).await, all[3..]);
    assert_eq!(shown(Window::Before(others[0].position()), 50).await, all[..1]);
    assert_eq!(shown(Window::Before(acts[50].position()), 50).await, all[..1], "a place between acts");
    assert_eq!(shown(Window::After(scene.said.position()), 2).await, all[1..3]);
    assert_eq!(shown(Window::After(others[4].position()), 2).await, []);
    assert_eq!(scene.history(&stores).await.len(), 1 + 98 + 5, "the others are there all the same");
}

pub(crate) async fn b06_who_reacted_comes_in_pages(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let users: Vec<UserId> = (0..30).map(|_| UserId::generate()).collect();
    let reactions: Vec<_> = (2..)
        .zip(&users)
        .map(|(seq, user)| scene.by(*user, seq, ChangeKind::React(emoji(1))))
        .collect();
    stores.messages.apply(&reactions).await.unwrap();
    let back = [scene.by(users[3], 50, ChangeKind::Unreact(emoji(1))), scene.act(51, ChangeKind::React(emoji(2)))];
    stores.messages.apply(&back).await.unwrap();
    let reaction = Reaction { message: scene.id(), emoji: &emoji(1) };
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = stores.messages.reacted(reaction, after, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.place);
        listed.extend(page.iter().map(|reacted| reacted.user));
    }
    let wanted: Vec<UserId> = users.iter().copied().filter(|user| *user != users[3]).collect();
    assert_eq!(listed, wanted);
    let asked = [users[3], users[29], UserId::generate()];
    let state = stores.messages.states(&[scene.id()], &asked).await.unwrap().remove(&scene.id()).unwrap();
    let shown = state.visible_reactions();
    assert_eq!((shown[0].count, &shown[0].user_ids[..]), (29, &wanted[..REACTION_USERS_MAX]));
    assert_eq!(asked.map(|user| state.reactions.of(user).len()), [0, 1, 0]);
}

pub(crate) async fn b06_reactions_that_were_taken_back_go(home: Home) {
    let (stores, scene) = (home.stores().await, Scene::new());
    let sweep = |before| stores.messages.sweep(before, 2);
    let now = UnixMillis::now();
    let (given, taken) = (scene.act(2, ChangeKind::React(emoji(1))), scene.act(3, ChangeKind::Unreact(emoji(1))));
    stores.messages.apply(&[taken.clone(), given.clone()]).await.unwrap();
    assert_eq!(sweep(now.minus(Duration::from_secs(1))).await.unwrap(), 0, "not yet");
    stores
        .messages
        .apply(&[scene.by(UserId::generate(), 4, ChangeKind::React(emoji(1)))])
        .await
        .unwrap();
    assert_eq!(scene.shown(&stores).await.len(), 1, "the late one does not count");
    for seq in [5, 7, 9] {
        let user = UserId::generate();
        let both = [
            scene.by(user, seq, ChangeKind::React(emoji(2))),
            scene.by(user, seq + 1, ChangeKind::Unreact(emoji(2))),
        ];
        stores.messages.apply(&both).await.unwrap();
    }
    let later = UnixMillis::now().plus(Duration::from_secs(1));
    let rows = [sweep(later).await.unwrap(), sweep(later).await.unwrap(), sweep(later).await.unwrap()];
    assert_eq!(rows, [2, 2, 0], "all that were taken back, so many at a time");
    assert_eq!(scene.shown(&stores).await.len(), 1, "and nothing else");
}
