//! What is left after the numbers have gone on in another epoch.

use super::*;

#[tokio::test(start_paused = true)]
async fn who_is_live_learns_what_survived_and_gets_the_new_epoch_from_its_beginning() {
    let setup = Setup::new();
    let members = [setup.join(None).await, setup.join(None).await];
    setup.say(1, 5);
    wait_until_idle().await;
    setup.bus.fail_over(setup.room, 3);
    setup.say(6, 7);
    wait_until_idle().await;
    for member in &members {
        assert_eq!(told(member)[2..], ["1", "2", "3", "4", "5", "reset e2 5, e1 3 survived", "6", "7"]);
    }
    assert_eq!((setup.ranges(), setup.authority.reads.load(Ordering::SeqCst)), (1, 0), "one read for all");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_from_the_epoch_before_is_told_from_memory() {
    let setup = Setup::new();
    let staying = setup.join(None).await;
    setup.say(1, 5);
    wait_until_idle().await;
    setup.bus.fail_over(setup.room, 3);
    setup.say(6, 7);
    wait_until_idle().await;
    told(&staying);
    let ranges = setup.ranges();
    let ahead = setup.join(Some((1, 5))).await;
    assert_eq!(told(&ahead), ["head 7", "reset e2 5, e1 3 survived", "6", "7", "caught up 7"]);
    let behind = setup.join(Some((1, 1))).await;
    assert_eq!(told(&behind), ["head 7", "2", "3", "reset e2 5, e1 3 survived", "6", "7", "caught up 7"]);
    assert_eq!((setup.ranges(), setup.authority.reads.load(Ordering::SeqCst)), (ranges, 0));
    setup.say(8, 8);
    wait_until_idle().await;
    for member in [&staying, &ahead, &behind] {
        assert_eq!(told(member), ["8"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_after_several_epochs_is_led_through_all_of_them() {
    let setup = Setup::new();
    setup.say(1, 5);
    setup.bus.fail_over(setup.room, 3);
    setup.say(6, 7);
    setup.bus.fail_over(setup.room, 6);
    setup.say(8, 8);
    let back = setup.join(Some((1, 4))).await;
    let both = ["reset e2 5, e1 3 survived", "6", "reset e3 7, e2 6 survived", "8"];
    assert_eq!(told(&back), [&["head 8"][..], &both, &["caught up 8"]].concat());
    let unknown = setup.join(Some((0, 2))).await;
    assert_eq!(told(&unknown), ["head 8", "reset e3 8", "caught up 8"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_member_misses_of_the_old_epoch_comes_before_the_reset() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    setup.say(1, 1);
    setup.lose(2, 4);
    setup.bus.fail_over(setup.room, 3);
    setup.bus.signal(Signal::Suspect);
    wait_until_idle().await;
    assert_eq!(told(&member)[2..], ["1", "2", "3", "reset e2 4, e1 3 survived"]);
}

#[tokio::test(start_paused = true)]
async fn epochs_that_a_node_missed_are_told_one_by_one() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    setup.say(1, 2);
    wait_until_idle().await;
    setup.bus.fail_over(setup.room, 1);
    setup.lose(3, 4);
    setup.bus.fail_over(setup.room, 3);
    setup.say(5, 5);
    wait_until_idle().await;
    let both = ["reset e2 2, e1 1 survived", "3", "reset e3 4, e2 3 survived", "5"];
    assert_eq!(told(&member)[2..], [&["1", "2"][..], &both].concat());
}
