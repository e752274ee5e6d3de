//! A room of thousands that many join at once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::ws::Socket;
use serde_json::json;
use tokio::time::interval;

use crate::load::seed;

const MEMBERS: usize = 5_000;
/// One each 20 ms.
const JOINS: usize = 50;
const LISTENERS: usize = 20;

/// Who joins a room of thousands is heard of once and in order by those who are there, and nobody has to read them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r09_a_room_of_five_thousand_members_takes_fifty_joins_a_second() {
    let server = Deployment::standalone().await;
    let members = MEMBERS.to_string();
    let (rest, made) = (server.rest(), seed(&server, &["--users", &members, "--public"]));
    let joining = seed(&server, &["--users", &JOINS.to_string()]);
    let (room, url) = (&made.rooms[0], server.sockets()[0].clone());
    let mut speaker = Socket::login(&url, "/ws", &made.tokens[0]).await;
    speaker.subscribe(room).await;
    let mut listeners = Vec::new();
    for token in &made.tokens[1..=LISTENERS] {
        let mut listener = Socket::login(&url, "/ws", token).await;
        listener.subscribe(room).await;
        listeners.push(listener);
    }
    let join = format!("/api/v1/rooms/{room}/join");
    let joins = async {
        let mut ticks = interval(Duration::from_millis(20));
        let mut under_way = Vec::new();
        for token in &joining.tokens {
            ticks.tick().await;
            let (rest, join) = (&rest, &join);
            under_way.push(async move { rest.post(join, Some(token), &json!({})).await.expect(200) });
        }
        join_all(under_way).await;
    };
    let talk = async {
        for n in 0..JOINS {
            speaker
                .send(json!({"type": "message", "room": room, "client_id": format!("r09-{n}"), "content": "x"}))
                .await;
            speaker.expect_type("ack").await;
        }
    };
    tokio::join!(joins, talk);
    for listener in &mut listeners {
        let (mut joined, mut said) = (BTreeSet::new(), 0);
        for seq in 1..=2 * JOINS {
            let frame = listener.expect("an event", |frame| frame["seq"].is_u64()).await;
            assert_eq!(frame["seq"], seq, "{frame}");
            if frame["type"] == "new_message" {
                said += 1;
            } else {
                assert_eq!(frame["type"], "member_joined", "{frame}");
                joined.insert(frame["user"]["user_id"].to_string());
            }
        }
        assert_eq!((joined.len(), said), (JOINS, JOINS));
    }
    let (mut seen, mut query) = (BTreeSet::new(), "limit=200".to_owned());
    loop {
        let path = format!("/api/v1/rooms/{room}/members?{query}");
        let page = rest.get(&path, Some(&made.tokens[0])).await.expect(200).json();
        let members = page["members"].as_array().expect("members");
        assert!(members.len() <= 200, "a page is no longer than asked for");
        seen.extend(members.iter().map(|member| member["user_id"].to_string()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("limit=200&cursor={next}");
    }
    assert_eq!(seen.len(), MEMBERS + JOINS);
}
