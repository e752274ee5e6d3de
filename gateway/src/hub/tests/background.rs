//! Connections that nobody looks at: what is said waits, and comes by number once somebody does.

use super::*;

impl Setup {
    /// Somebody looks again: what the connection's task does then.
    async fn look(&self, member: &Arc<Subscriber>) {
        assert!(member.set_background(false));
        for (room, position) in member.take_behind().unwrap_or_default() {
            assert_eq!(room, self.room);
            let joining =
                SubscribeRequest { member: Arc::clone(member), position: Some(position), ..self.joining(None) };
            self.hub.catch_up(&joining).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_in_the_background_comes_whole_and_once_when_somebody_looks() {
    let setup = Setup::new();
    setup.say(1, 2);
    let (away, here) = (setup.join(None).await, setup.join(None).await);
    assert_eq!(told(&away), ["head 2", "caught up 2"]);
    assert!(away.set_background(true));
    assert!(!away.set_background(true), "it is");
    setup.say(3, 7);
    wait_until_idle().await;
    assert_eq!(told(&away), Vec::<String>::new());
    assert_eq!(told(&here)[2..], ["3", "4", "5", "6", "7"]);
    assert_eq!((away.behind(), away.take_behind()), (vec![setup.room], None));
    setup.look(&away).await;
    assert_eq!(told(&away), ["3", "4", "5", "6", "7", "caught up 7"]);
    setup.say(8, 8);
    wait_until_idle().await;
    assert_eq!(told(&away), ["8"]);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_silent_has_nothing_to_catch_up_with() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    told(&member);
    member.set_background(true);
    wait_until_idle().await;
    assert!(member.behind().is_empty());
    setup.look(&member).await;
    assert_eq!(told(&member), Vec::<String>::new());
    setup.say(1, 1);
    wait_until_idle().await;
    assert_eq!(told(&member), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn who_subscribes_in_the_background_gets_what_was_missed_and_then_waits() {
    let setup = Setup::new();
    setup.say(1, 3);
    let joining = setup.joining(Some((1, 1)));
    joining.member.set_background(true);
    setup.hub.attach(&joining).await.unwrap();
    assert_eq!(told(&joining.member), ["head 3", "2", "3", "caught up 3"]);
    setup.say(4, 5);
    wait_until_idle().await;
    assert_eq!(told(&joining.member), Vec::<String>::new());
    setup.look(&joining.member).await;
    assert_eq!(told(&joining.member), ["4", "5", "caught up 5"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_removed_in_the_background_is_told_and_gets_nothing_of_it_later() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    told(&member);
    member.set_background(true);
    let left = EventBody::Membership(MembershipChange::Left {});
    setup.bus.put(setup.room, member.user, left);
    wait_until_idle().await;
    assert_eq!(told(&member), ["out"]);
    assert!(member.behind().is_empty());
    setup.look(&member).await;
    assert_eq!(told(&member), Vec::<String>::new());
}
