//! What existing chat back ends do with rooms and messages, statement by statement (`tests/features.tsv`), on a cluster and
//! on one process. How it holds under faults and attacks is the matter of other suites.

use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::ws::Socket;

mod messages;
mod rooms;
mod service;

/// A public room with its owner and a member, and somebody who is not in it.
struct Scene {
    deployment: &'static Deployment,
    rest: Rest,
    room: String,
    owner: Account,
    member: Account,
    stranger: Account,
}

impl Scene {
    async fn on(deployment: &'static Deployment) -> Self {
        let rest = deployment.rest();
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        let stranger = rest.new_user("stranger").await;
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &member).await.expect(200);
        Self { deployment, rest, room, owner, member, stranger }
    }

    /// The room's address, and what is below it.
    fn path(&self, end: &str) -> String {
        format!("/api/v1/rooms/{}{end}", self.room)
    }

    /// Connected to one of the nodes, in the room.
    async fn live(&self, node: usize, user: &Account) -> Socket {
        let mut socket = Socket::login(&self.deployment.sockets()[node], "/ws", &user.token).await;
        socket.subscribe(&self.room).await;
        socket
    }
}
