//! Connections by long-polling: how long one lives whose client asks, and one whose client does not.

use prometheus::IntGauge;

use super::*;
use crate::dialect::socketio::{Sid, SocketIo};
use crate::polling::{Owner, PollingConnection, PollingConnections};

const OWNER: Owner = Owner { address: 1, user: None };

async fn enter(setup: &Setup, connections: &Arc<PollingConnections>) -> (Sid, Arc<PollingConnection>) {
    let (sid, polled, registration) = connections.open(OWNER).expect("there is room");
    let socket = Socket::new(polled.stream(), Vec::new(), Bounds::default());
    let translator = Translator::SocketIo(Box::new(SocketIo::polling(sid)));
    let opening = Opening {
        credential: Some(Credential::Token(setup.token(setup.member()))),
        place: None,
        translator,
        pending: None,
        trace: None,
    };
    let serving = serve(Arc::clone(&setup.gateway.node), socket, opening);
    setup.shutdown.spawn_work("connection", async move {
        serving.await;
        drop(registration);
    });
    polled.post("40").await.unwrap();
    let mut told = String::new();
    while !told.contains("hello") {
        told += &polled.poll().await.unwrap();
    }
    (sid, polled)
}

fn allowed() -> Arc<PollingConnections> {
    PollingConnections::new(Switch::On, IntGauge::new("open", "Open connections").unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_polls_no_more_is_given_up() {
    let (setup, connections) = (Setup::new(), allowed());
    let (sid, _) = enter(&setup, &connections).await;
    tokio::time::sleep(HEARTBEAT_DEADLINE / 2).await;
    assert!(connections.find(sid, OWNER).is_some());
    tokio::time::sleep(HEARTBEAT_DEADLINE).await;
    assert!(connections.find(sid, OWNER).is_none());
    assert_eq!(setup.closes("timeout"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_polls_and_answers_pings_stays() {
    let (setup, connections) = (Setup::new(), allowed());
    let (sid, polled) = enter(&setup, &connections).await;
    for _ in 0..10 {
        assert_eq!(polled.poll().await.unwrap(), "2");
        polled.post("3").await.unwrap();
    }
    assert!(connections.find(sid, OWNER).is_some());
}
