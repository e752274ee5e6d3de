//! A connection as HTTP requests see it, without HTTP.

use std::io::IoSlice;

use rookery_protocol::close::CloseCode;

use super::*;
use crate::frame::Frame;
use crate::testing::pipe;

const OWNER: Owner = Owner { address: 1, user: None };

fn allowed() -> Arc<PollingConnections> {
    PollingConnections::new(Switch::On, IntGauge::new("open", "Open connections").unwrap())
}

fn open(connections: &Arc<PollingConnections>) -> (Sid, Arc<PollingConnection>, Registration) {
    connections.open(OWNER).expect("there is room")
}

fn write(connection: &PollingConnection, frame: &Frame) {
    connection.stream().try_write(&[IoSlice::new(frame.bytes())]).unwrap();
}

fn read(connection: &PollingConnection) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 1_000];
    let count = connection.stream().try_read(&mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

#[tokio::test]
async fn a_connection_is_known_to_its_owner_while_its_task_runs() {
    let connections = allowed();
    let (sid, connection, registration) = open(&connections);
    assert!(connections.find(sid, OWNER).is_some());
    assert!(connections.find(sid, Owner { address: 2, ..OWNER }).is_none());
    assert!(connections.find(sid, Owner { user: Some(UserId::generate()), ..OWNER }).is_none());
    assert!(connections.find(Sid::generate(), OWNER).is_none());
    drop(registration);
    assert!(connections.find(sid, OWNER).is_none());
    assert_eq!(connection.poll().await.unwrap(), "1", "a request that is under way learns of the end");
    assert_eq!(read(&connection).unwrap(), Vec::<u8>::new());
}

#[tokio::test]
async fn there_are_no_more_than_may_be() {
    let connections = allowed();
    let mut all: Vec<_> = (0..POLLING_CONNECTIONS_MAX).map(|_| open(&connections)).collect();
    assert!(connections.open(OWNER).is_none());
    all.pop();
    assert!(connections.open(OWNER).is_some());
}

#[tokio::test]
async fn packets_wait_for_a_request_and_a_request_for_packets() {
    let connections = allowed();
    let (_, connection, _registration) = open(&connections);
    write(&connection, &Frame::text("0{}"));
    assert_eq!(connection.poll().await.unwrap(), "0{}");
    let (polled, ()) = tokio::join!(connection.poll(), async {
        tokio::task::yield_now().await;
        write(&connection, &Frame::close(CloseCode::Restart));
    });
    assert_eq!(polled.unwrap(), "1");
}

#[tokio::test]
async fn a_second_request_of_a_kind_ends_the_connection() {
    let connections = allowed();
    let (_, connection, _registration) = open(&connections);
    let (first, second) =
        tokio::join!(tokio::time::timeout(std::time::Duration::from_millis(10), connection.poll()), connection.poll());
    assert!(first.is_err(), "it waits");
    assert_eq!(second, Err(BadRequest::Overlap));
    assert_eq!(read(&connection).unwrap(), Vec::<u8>::new(), "the client is gone");
}

#[tokio::test]
async fn an_upgrade_keeps_what_waits_in_both_directions() {
    let connections = allowed();
    let (_, connection, _registration) = open(&connections);
    connection.post("2first").await.unwrap();
    write(&connection, &Frame::text("4"));
    let upgrade = connection.upgrade().unwrap();
    assert!(connection.upgrade().is_none(), "one at a time");
    let (websocket, client) = pipe(1_000);
    upgrade.finish(websocket, b"behind").await.unwrap();
    write(&connection, &Frame::text("5"));
    let expected = [Frame::text("4"), Frame::text("5")].map(|frame| frame.bytes().to_vec()).concat();
    let mut client = client;
    let mut written = vec![0; expected.len()];
    tokio::io::AsyncReadExt::read_exact(&mut client, &mut written).await.unwrap();
    assert_eq!(written, expected);
    tokio::io::AsyncWriteExt::write_all(&mut client, b" and then").await.unwrap();
    let received = [read(&connection).unwrap(), read(&connection).unwrap_or_default()].concat();
    let first = frames_of("2first").unwrap();
    assert_eq!(received, [first.as_slice(), b"behind and then"].concat());
    assert_eq!(connection.poll().await, Err(BadRequest::Upgraded));
    assert_eq!(connection.post("2").await, Err(BadRequest::Upgraded));
}

#[tokio::test]
async fn a_given_up_upgrade_changes_nothing() {
    let connections = allowed();
    let (_, connection, _registration) = open(&connections);
    drop(connection.upgrade());
    write(&connection, &Frame::text("2"));
    assert_eq!(connection.poll().await.unwrap(), "2");
    let upgrade = connection.upgrade();
    assert_eq!(connection.poll().await.unwrap(), "6", "a request that waits is let go");
    assert!(upgrade.is_some());
}

#[tokio::test]
async fn a_request_that_comes_while_a_connection_moves_is_refused_and_ends_nothing() {
    let connections = allowed();
    let (_, connection, _registration) = open(&connections);
    let upgrade = connection.upgrade().unwrap();
    let (_no_poll, _no_post) = (connection.poll.lock().await, connection.post.lock().await);
    assert_eq!(connection.poll().await, Err(BadRequest::Upgraded));
    assert_eq!(connection.post("3").await, Err(BadRequest::Upgraded));
    let still_open = read(&connection).map_err(|error| error.kind());
    assert_eq!(still_open, Err(std::io::ErrorKind::WouldBlock));
    drop(upgrade);
}
