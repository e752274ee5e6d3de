//! Tickets: what opens one socket, for half a minute.

use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::forge::Forge;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::shared;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::{Attempt, Socket, Way};
use serde_json::json;

use super::ME;

const TICKET: &str = "/api/v1/auth/ticket";

async fn ticket(rest: &Rest, token: &str) -> String {
    let answer = rest.post(TICKET, Some(token), &json!({})).await.expect(200).json();
    assert_eq!(answer["expires_in"], 30);
    answer["ticket"].as_str().expect("a ticket").to_owned()
}

/// What becomes of an attempt with a ticket: the frames that are heard but for errors, and the close code.
async fn outcome(base: &str, ticket: &str) -> (bool, Option<u16>) {
    match Socket::connect(base, "/ws", ticket, Way::Ticket).await {
        Attempt::Open(mut socket) => {
            let code = socket.closed(PATIENCE).await;
            (socket.mailbox().seen.iter().any(|frame| frame["type"] == "hello"), code)
        }
        Attempt::Refused(status) => (false, Some(status)),
        Attempt::Unreachable(why) => panic!("{why}"),
    }
}

#[tokio::test]
async fn a26_a_ticket_opens_one_socket_on_one_node() {
    for dialect in [Dialect::Native, Dialect::SocketIo] {
        for deployment in shared::speaking(dialect).await {
            let (rest, user) = (deployment.rest(), deployment.rest().new_user("ticket").await);
            rest.post(TICKET, None, &json!({})).await.expect_problem(401, "unauthenticated");
            let ticket = ticket(&rest, &user.token).await;
            let [first, second] = deployment.sockets_in(dialect);
            let mut socket = Socket::connect(&first, "/ws", &ticket, Way::Ticket).await.open();
            let hello = socket.expect_type("hello").await;
            assert_eq!(hello["user"]["user_id"], json!(user.user_id));
            for base in [&first, &second] {
                assert_eq!(outcome(base, &ticket).await, (false, Some(4401)), "{}", deployment.name());
            }
            socket.subscribe("general").await;
        }
    }
}

#[tokio::test]
async fn of_many_who_bring_one_ticket_at_once_one_gets_in() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("crowd").await);
        for _ in 0..5 {
            let ticket = ticket(&rest, &user.token).await;
            let bases = deployment.sockets();
            let attempts = (0..8).map(|n| Socket::connect(&bases[n % 2], "/ws", &ticket, Way::Ticket));
            let mut greeted = 0;
            for attempt in futures_util::future::join_all(attempts).await {
                let mut socket = attempt.open();
                let first = socket.expect("an answer", |frame| frame["type"] == "hello" || frame["type"] == "error");
                greeted += usize::from(first.await["type"] == "hello");
            }
            assert_eq!(greeted, 1, "{}", deployment.name());
        }
    }
}

#[tokio::test]
async fn a09_a_ticket_is_no_token_and_a_token_is_no_ticket() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("kinds").await);
        let ticket = ticket(&rest, &user.token).await;
        rest.get(ME, Some(&ticket)).await.expect_problem(401, "unauthenticated");
        rest.refresh(&ticket).await.expect_problem(401, "bad_refresh_token");
        for way in Way::ALL {
            match Socket::connect(&deployment.sockets()[0], "/ws", &ticket, way).await {
                Attempt::Open(mut socket) => assert_eq!(socket.closed(PATIENCE).await, Some(4401), "{way:?}"),
                Attempt::Refused(status) => assert_eq!(status, 401, "{way:?}"),
                Attempt::Unreachable(why) => panic!("{way:?}: {why}"),
            }
        }
        let forge = Forge::new(&deployment.keys_dir(), &user);
        let typed = |kind: &str| forge.field("typ", json!(kind));
        let base = &deployment.sockets()[0];
        for bad in [user.token.clone(), forge.right(), typed("ticket+jwt"), "nonsense".to_owned(), String::new()] {
            assert_eq!(outcome(base, &bad).await, (false, Some(4401)), "{bad}");
        }
        let (start, end) = ticket.split_at(ticket.len() - 9);
        let turned: String = end.chars().rev().collect();
        assert_eq!(outcome(base, &format!("{start}{turned}")).await, (false, Some(4401)));
        // None of it has spent it.
        let mut socket = Socket::connect(base, "/ws", &ticket, Way::Ticket).await.open();
        socket.expect_type("hello").await;
    }
}

#[tokio::test]
async fn a_ticket_is_of_no_use_once_its_session_has_ended_and_ends_with_it() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("ended").await);
        let (spent, unused) = (ticket(&rest, &user.token).await, ticket(&rest, &user.token).await);
        let base = &deployment.sockets()[0];
        let mut socket = Socket::connect(base, "/ws", &spent, Way::Ticket).await.open();
        socket.expect_type("hello").await;
        let _left = rest.logout(&user.refresh_token).await.expect(204);
        assert_eq!(socket.closed(PATIENCE).await, Some(4409));
        assert_eq!(outcome(base, &unused).await, (false, Some(4409)));
    }
}

/// A token that has a few seconds left, as if it were minutes old.
fn old_token(deployment: &Deployment, user: &Account, seconds: i64) -> String {
    let forge = Forge::new(&deployment.keys_dir(), user);
    forge.claim("exp", json!(rookery_tests::forge::now_seconds() + seconds))
}

#[tokio::test]
async fn the_socket_of_a_ticket_ends_with_the_access_token() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("short").await);
        let token = old_token(deployment, &user, 3);
        let answer = rest.post(TICKET, Some(&token), &json!({})).await.expect(200).json();
        assert!(answer["expires_in"].as_u64() <= Some(3), "no longer than its token: {answer}");
        let ticket = answer["ticket"].as_str().expect("a ticket");
        let mut socket = Socket::connect(&deployment.sockets()[0], "/ws", ticket, Way::Ticket).await.open();
        socket.expect_type("hello").await;
        socket.expect_type("token_expiring").await;
        assert_eq!(socket.closed(PATIENCE).await, Some(4401));
        assert_eq!(outcome(&deployment.sockets()[0], ticket).await, (false, Some(4401)), "it is over");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_nobody_knows_whether_a_ticket_was_used() {
    let cluster = Cluster::start().await;
    let rest = Rest::new(cluster.api.public_url());
    let user = rest.new_user("away").await;
    let (held, base) = (ticket(&rest, &user.token).await, cluster.gateways[0].socket_url());
    cluster.redis.process.kill();
    for base in [base.clone(), Dialect::SocketIo.address(&base)] {
        assert_eq!(outcome(&base, &held).await, (false, Some(1013)), "{base}");
    }
    // A token needs no Redis to be let in.
    Socket::login(&base, "/ws", &user.token).await;
    cluster.redis.start().await;
    cluster.ready().await;
    let fresh = ticket(&rest, &user.token).await;
    let mut socket = Socket::connect(&base, "/ws", &fresh, Way::Ticket).await.open();
    socket.expect_type("hello").await;
}
