//! The promises of tickets and of nodes' cards, held against both implementations, and every kind of Redis.

use futures_util::future::join_all;
use rookery_bus::node::{NodeCard, NodeHead, NodeKind};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, Seq, TicketId};
use rookery_protocol::position::Position;
use uuid::Uuid;

use crate::fixture::Fixture;

async fn a_ticket_is_spent_once_by_whoever_asks_first(fixture: Fixture) {
    let (one, other) = (TicketId::generate(), TicketId::generate());
    let spent = join_all((0..50).map(|_| fixture.bus.spend(one))).await;
    assert_eq!(spent.iter().filter(|spent| **spent == Ok(true)).count(), 1);
    assert_eq!(spent.iter().filter(|spent| **spent == Ok(false)).count(), 49);
    assert_eq!(fixture.bus.spend(other).await, Ok(true), "another one is another one");
    assert_eq!(fixture.bus.spend(one).await, Ok(false));
}

fn card(kind: NodeKind) -> NodeCard {
    NodeCard {
        id: Uuid::new_v4(),
        kind,
        host: "here".to_owned(),
        version: "1.2.3".to_owned(),
        started_at: UnixMillis(7),
        connections: 1,
        rooms: 2,
        lag_ms: Some(3),
        draining: false,
        event_generation: 2,
    }
}

async fn a_card_takes_the_place_of_the_one_before(fixture: Fixture) {
    let (gateway, api) = (card(NodeKind::Gateway), card(NodeKind::Api));
    fixture.bus.announce(&gateway).await.unwrap();
    fixture.bus.announce(&api).await.unwrap();
    let later = NodeCard { draining: true, lag_ms: None, ..gateway.clone() };
    fixture.bus.announce(&later).await.unwrap();
    let all = fixture.bus.nodes().await.unwrap();
    assert_eq!(all.iter().filter(|card| card.id == gateway.id).collect::<Vec<_>>(), [&later]);
    assert!(all.contains(&api));
}

async fn nodes_answer_where_they_stand_and_a_later_answer_counts(fixture: Fixture) {
    let (ask, another) = (Uuid::new_v4(), Uuid::new_v4());
    let at = |node: Uuid, seq: u64| NodeHead { node, head: Position { epoch: Epoch(1), seq: Seq::new(seq) } };
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(fixture.bus.answered_heads(ask).await, Ok(Vec::new()));
    for answer in [at(one, 3), at(other, 4), at(one, 5)] {
        fixture.bus.answer_head(ask, answer).await.unwrap();
    }
    fixture.bus.answer_head(another, at(one, 9)).await.unwrap();
    let mut heads = fixture.bus.answered_heads(ask).await.unwrap();
    heads.sort_unstable_by_key(|answer| answer.head.seq);
    assert_eq!(heads, [at(other, 4), at(one, 5)]);
}

contract!(
    Fixture:
    a_ticket_is_spent_once_by_whoever_asks_first,
    a_card_takes_the_place_of_the_one_before,
    nodes_answer_where_they_stand_and_a_later_answer_counts,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_redis_share_tickets_and_cards() {
    let one = Fixture::redis().await;
    let other = one.another();
    let (ticket, gateway) = (TicketId::generate(), card(NodeKind::Gateway));
    assert_eq!(one.bus.spend(ticket).await, Ok(true));
    assert_eq!(other.bus.spend(ticket).await, Ok(false));
    one.bus.announce(&gateway).await.unwrap();
    assert_eq!(other.bus.nodes().await, Ok(vec![gateway]));
    one.server().process.kill();
    assert!(other.bus.spend(TicketId::generate()).await.is_err(), "nobody knows");
}
