//! The same conversation by clients that nobody here wrote, one on each gateway.

use rookery_tests::deployment::Deployment;
use rookery_tests::foreign::{Foreign, Make};
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::shared;
use serde_json::json;

use crate::talk::{exchange, notice, refused};

#[tokio::test]
async fn cluster_python_and_node_clients_chat() {
    python_and_node_clients_chat(shared::cluster().await).await;
}

#[tokio::test]
async fn standalone_python_and_node_clients_chat() {
    python_and_node_clients_chat(shared::standalone().await).await;
}

async fn python_and_node_clients_chat(deployment: &Deployment) {
    let rest = deployment.rest();
    let (pia, nils) = (rest.new_user("pia").await, rest.new_user("nils").await);
    let room = rest.new_room(&pia, "public").await;
    let [left, right] = deployment.sockets();

    let mut python = Foreign::login(Make::PythonWebsockets, &format!("{left}/ws"), &pia.token).await;
    python
        .send(json!({"type": "subscribe", "rooms": [{"room": room}, {"room": "general"}]}))
        .await;
    for _ in 0..2 {
        python.expect_type("caught_up").await;
    }
    let mut node = Foreign::login(Make::NodeWs, &format!("{right}/ws/chat/general"), &nils.token).await;
    node.expect_type("caught_up").await;
    exchange(&mut python, &mut node, "general").await;

    refused(&mut node, json!({"type": "subscribe", "rooms": [{"room": room}]}), "not_a_member").await;
    let _joined = rest.join(&room, &nils).await.expect(200);
    notice(&mut python, "member_joined", &room, &nils.user_id).await;
    node.send(json!({"type": "subscribe", "rooms": [{"room": room}]})).await;
    node.expect("the room is live", |frame| frame["type"] == "caught_up" && frame["room"] == room.as_str())
        .await;
    exchange(&mut node, &mut python, &room).await;
    let _left = rest.leave(&room, &nils).await.expect(204);
    notice(&mut python, "member_left", &room, &nils.user_id).await;

    python.leave().await;
    node.leave().await;
}
