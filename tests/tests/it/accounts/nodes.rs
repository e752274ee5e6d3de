//! What admins see of the processes.

use rookery_tests::deployment::Deployment;
use rookery_tests::rest::Account;
use rookery_tests::ws::Socket;
use rookery_tests::{shared, wait};
use serde_json::Value;

use super::admin;

const NODES: &str = "/api/v1/admin/nodes";

async fn nodes(deployment: &Deployment, by: &Account) -> Vec<Value> {
    let list = deployment.rest().get(NODES, Some(&by.token)).await.expect(200).json();
    list["nodes"].as_array().expect("a list").clone()
}

fn of_kind(nodes: &[Value], kind: &str) -> usize {
    nodes.iter().filter(|node| node["kind"] == kind).count()
}

#[tokio::test]
async fn admins_see_every_process_with_its_sockets_and_when_it_drains() {
    for deployment in &[Deployment::standalone().await, Deployment::cluster().await] {
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let user = rest.new_user("nodes").await;
        rest.get(NODES, Some(&user.token)).await.expect_problem(403, "forbidden");
        rest.get(NODES, None).await.expect_problem(401, "unauthenticated");
        let gateways = if deployment.name() == "cluster" { 2 } else { 1 };
        let mut sockets = Vec::new();
        for base in deployment.sockets() {
            let mut socket = Socket::login(&base, "/ws/general", &user.token).await;
            socket.live().await;
            sockets.push(socket);
        }
        wait::until("all are there with their sockets", async || {
            let nodes = nodes(deployment, &root).await;
            let of_gateways = || nodes.iter().filter(|node| node["kind"] == "gateway");
            let sockets: u64 = of_gateways().filter_map(|node| node["connections"].as_u64()).sum();
            // A gateway tells now and then how it is: its sockets may be told before their rooms.
            let have_rooms = of_gateways().all(|node| node["rooms"].as_u64() >= Some(1));
            have_rooms && (of_kind(&nodes, "gateway"), of_kind(&nodes, "api"), sockets) == (gateways, 1, 2)
        })
        .await;
        for node in nodes(deployment, &root).await {
            assert!(node["version"].as_str().is_some_and(|version| version.contains('.')), "{node}");
            assert_eq!((&node["draining"], node["host"].is_string()), (&Value::Bool(false), true), "{node}");
            assert!(node["kind"] == "api" || node["rooms"].as_u64() >= Some(1), "{node}");
        }
        if let Deployment::Cluster(cluster) = deployment {
            cluster.gateways[1].process.terminate().await;
            wait::until("the one that ended is no longer shown", async || {
                of_kind(&nodes(deployment, &root).await, "gateway") == 1
            })
            .await;
        }
    }
}

#[tokio::test]
async fn an_api_that_stores_says_how_long_events_wait() {
    for deployment in shared::both().await {
        if deployment.name() != "cluster" {
            continue;
        }
        let (rest, root) = (deployment.rest(), admin(deployment).await);
        let user = rest.new_user("lag").await;
        let _said = rest.say("general", &user, &serde_json::json!({"content": "hi"})).await.expect(201);
        wait::until("an api has a lag", async || {
            nodes(deployment, &root)
                .await
                .iter()
                .any(|node| node["lag_ms"].as_u64().is_some_and(|ms| ms < 60_000))
        })
        .await;
    }
}
