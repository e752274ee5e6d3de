//! How people get together: direct rooms and groups, invites, requests to join. On a cluster and on one process; each test
//! is named after the statement of `docs/features.md` that it proves, or after its promise.

mod direct;
mod invites;

use rookery_tests::deployment::Deployment;
use rookery_tests::node::Node;
use rookery_tests::rest::Rest;
use serde_json::Value;

fn id_of(room: &Value) -> String {
    room["room_id"].as_str().expect("a room has an id").to_owned()
}

/// A second api of a cluster, and the one that there is of one process; it lives as long as what comes with it.
pub(crate) async fn rest_of_another_api(deployment: &Deployment) -> (Rest, Option<Node>) {
    let Deployment::Cluster(cluster) = deployment else { return (deployment.rest(), None) };
    let other = cluster.another_api();
    other.start().await;
    (Rest::new(other.public_url()), Some(other))
}
