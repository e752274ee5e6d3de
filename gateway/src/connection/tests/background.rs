//! A whole connection that nobody looks at.

use super::*;
use crate::limits::BACKGROUND_COUNTS_INTERVAL;

fn in_background(setup: &Setup) -> i64 {
    setup.gateway.node.metrics.background_connections.get()
}

#[tokio::test(start_paused = true)]
async fn frames_of_rooms_wait_for_somebody_to_look_and_counting_ends() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    let mut witness = setup.enter().await;
    client.say(r#"{"type":"background","on":true}"#).await;
    wait_until_idle().await;
    assert_eq!(in_background(&setup), 1);
    for text in ["one", "two"] {
        setup.bus.say(setup.authority.room, text);
        assert_eq!(witness.next().await["message"]["content"], text);
    }
    tokio::time::sleep(BACKGROUND_COUNTS_INTERVAL * 2).await;
    client.say(r#"{"type":"ping"}"#).await;
    assert_eq!(client.next().await["type"], "pong", "nothing comes before it");
    client.say(r#"{"type":"background","on":false}"#).await;
    assert_eq!(client.kinds(3).await, ["new_message", "new_message", "caught_up"]);
    assert_eq!(in_background(&setup), 0);
    setup.bus.say(setup.authority.room, "three");
    assert_eq!(client.next().await["message"]["content"], "three");
    client.say(r#"{"type":"background","on":true}"#).await;
    wait_until_idle().await;
    assert_eq!(in_background(&setup), 1);
    client.stream.close(None).await.unwrap();
    wait_until_idle().await;
    assert_eq!(in_background(&setup), 0, "it is gone");
}
