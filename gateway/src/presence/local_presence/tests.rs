//! The rules, with a clock of paper.

use rookery_protocol::presence::Status;

use super::*;
use crate::limits::{PRESENCE_GOODBYE_GRACE, PRESENCE_GRACE};

struct Scene {
    local: LocalPresence,
    now: Instant,
    user: UserId,
    room: RoomId,
}

impl Scene {
    fn new() -> Self {
        let (user, room) = (UserId::generate(), RoomId::generate());
        Self { local: LocalPresence::default(), now: Instant::now(), user, room }
    }

    fn wait(&mut self, span: Duration) {
        self.now += span;
    }

    /// What is written of users until nothing is due any more.
    fn write(&mut self) -> Vec<Change> {
        let mut written = Vec::new();
        while let due @ [_, ..] = self.local.due_users(self.now).as_slice() {
            for (user, change) in due {
                let setting = match change {
                    Change::Connect(setting) => setting.clone(),
                    Change::SetStatus(setting) => Some(setting.clone()),
                    Change::Disconnect => None,
                };
                let online = !matches!(change, Change::Disconnect);
                let presence = UserPresence { user: *user, online, setting, seen: None };
                self.local.confirm(change, &presence, self.now);
                written.push(change.clone());
            }
        }
        written
    }

    fn write_rooms(&mut self, users: &[UserId]) -> Vec<usize> {
        let due = self.local.due_rooms(self.now);
        let occupancies = due.into_iter().filter_map(|room| self.local.occupy(room, users.to_vec(), self.now));
        occupancies
            .map(|(_, occupancy)| occupancy.map_or(0, |occupancy| occupancy.count))
            .collect()
    }
}

fn say(status: Status) -> Setting {
    Setting { status, text: None }
}

#[test]
fn first_in_and_last_out_are_written_and_nothing_between() {
    let mut scene = Scene::new();
    for _ in 0..3 {
        scene.local.connect(scene.user, scene.now);
    }
    assert_eq!(scene.write(), [Change::Connect(None)]);
    for _ in 0..3 {
        scene.local.disconnect(scene.user, &[], PRESENCE_GOODBYE_GRACE, scene.now);
        assert_eq!(scene.write(), []);
    }
    assert_eq!(scene.local.next(), Some(scene.now + PRESENCE_GOODBYE_GRACE));
    scene.wait(PRESENCE_GOODBYE_GRACE);
    assert_eq!(scene.write(), [Change::Disconnect]);
    assert_eq!((scene.local.len(), scene.local.next()), (0, None));
}

#[test]
fn who_comes_back_in_time_leaves_no_trace() {
    let mut scene = Scene::new();
    scene.local.connect(scene.user, scene.now);
    scene.write();
    for _ in 0..10 {
        scene.local.disconnect(scene.user, &[], PRESENCE_GRACE, scene.now);
        scene.wait(PRESENCE_GRACE * 9 / 10);
        scene.local.connect(scene.user, scene.now);
        scene.wait(PRESENCE_GRACE);
        assert_eq!(scene.write(), []);
    }
}

#[test]
fn a_status_that_flaps_is_written_once_a_second() {
    let mut scene = Scene::new();
    scene.local.connect(scene.user, scene.now);
    scene.write();
    let mut written = Vec::new();
    for index in 0..100 {
        let status = if index % 2 == 0 { Status::Away } else { Status::Dnd };
        scene.local.set_status(scene.user, say(status), scene.now);
        written.extend(scene.write());
        scene.wait(Duration::from_millis(10));
    }
    scene.wait(PRESENCE_INTERVAL);
    written.extend(scene.write());
    assert_eq!(written, [Change::SetStatus(say(Status::Away)), Change::SetStatus(say(Status::Dnd))]);
    scene.local.set_status(scene.user, say(Status::Dnd), scene.now);
    assert_eq!(scene.write(), [], "nothing new");
}

#[test]
fn rooms_are_written_once_a_second_and_keep_who_lingers() {
    let mut scene = Scene::new();
    let (user, room) = (scene.user, scene.room);
    scene.local.touch(room, scene.now);
    assert_eq!(scene.write_rooms(&[user]), [1]);
    for _ in 0..5 {
        scene.local.touch(room, scene.now);
        assert_eq!(scene.write_rooms(&[user, UserId::generate()]), [0_usize; 0]);
    }
    scene.wait(PRESENCE_INTERVAL);
    assert_eq!(scene.write_rooms(&[user, UserId::generate()]), [2]);
    scene.local.disconnect(user, &[room], PRESENCE_GRACE, scene.now);
    scene.wait(PRESENCE_GRACE * 9 / 10);
    scene.local.touch(room, scene.now);
    assert_eq!(scene.write_rooms(&[]), [1], "it may come back");
    scene.wait(PRESENCE_INTERVAL);
    assert_eq!(scene.write_rooms(&[]), [0]);
    scene.wait(PRESENCE_INTERVAL);
    assert_eq!(scene.write_rooms(&[]), [0_usize; 0]);
    assert_eq!(scene.local.next(), None, "and is forgotten");
}

#[test]
fn who_was_shut_out_does_not_linger() {
    let mut scene = Scene::new();
    let (user, room) = (scene.user, scene.room);
    scene.local.touch(room, scene.now);
    assert_eq!(scene.write_rooms(&[user]), [1]);
    scene.local.disconnect(user, &[room], PRESENCE_GRACE, scene.now);
    scene.wait(PRESENCE_INTERVAL);
    scene.local.expel(room, user, scene.now);
    assert_eq!(scene.write_rooms(&[]), [0]);
}

#[test]
fn what_is_lost_is_written_again_with_what_was_said() {
    let mut scene = Scene::new();
    let (user, room) = (scene.user, scene.room);
    scene.local.connect(user, scene.now);
    scene.write();
    scene.local.set_status(user, say(Status::Away), scene.now);
    scene.write();
    scene.local.touch(room, scene.now);
    assert_eq!(scene.write_rooms(&[user]), [1]);
    scene.local.write_again(scene.now);
    assert_eq!(scene.write(), [Change::Connect(Some(say(Status::Away)))]);
    assert_eq!(scene.write_rooms(&[user]), [1]);
}
