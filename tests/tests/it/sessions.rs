//! Refresh tokens: each is good for one successor, and reuse ends the whole family. Sessions: bounded in number and life.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use rookery_protocol::limits::{REFRESH_GRACE, REFRESHES_AT_ONCE_MAX, SESSIONS_PER_USER_MAX};
use rookery_tests::dialect::Dialect;
use rookery_tests::forge::Forge;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{PASSWORD, Rest};
use rookery_tests::shared;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::{Socket, Way};
use serde_json::{Value, json};

fn refresh_token(body: &Value) -> String {
    body["refresh_token"].as_str().expect("a refresh token").to_owned()
}

async fn next(rest: &Rest, token: &str) -> String {
    refresh_token(&rest.refresh(token).await.expect(200).json())
}

async fn assert_ended(rest: &Rest, token: &str) {
    rest.refresh(token).await.expect_problem(401, "bad_refresh_token");
}

#[tokio::test]
async fn rotation_gives_new_tokens_that_work() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("rotate").await;
        let body = rest.refresh(&user.refresh_token).await.expect(200).json();
        assert_ne!(refresh_token(&body), user.refresh_token);
        assert_eq!(body["user"]["user_id"], user.user_id.as_str());
        let _me = rest.get("/api/v1/users/me", body["access_token"].as_str()).await.expect(200);
        next(&rest, &refresh_token(&body)).await;
    }
}

#[tokio::test]
async fn the_parent_gets_the_same_child_for_a_moment() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("grace").await;
        let first = next(&rest, &user.refresh_token).await;
        let second = next(&rest, &user.refresh_token).await;
        assert_eq!(first, second, "two tabs, or a lost reply");
        next(&rest, &first).await;
    }
}

/// Longer than a token that was replaced still counts.
async fn grace_is_over() {
    tokio::time::sleep(REFRESH_GRACE + Duration::from_millis(500)).await;
}

#[tokio::test]
async fn an_older_token_ends_the_family() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("reuse").await;
        let child = next(&rest, &user.refresh_token).await;
        grace_is_over().await;
        let grandchild = next(&rest, &child).await;
        assert_ended(&rest, &user.refresh_token).await;
        assert_ended(&rest, &grandchild).await;
        assert_ended(&rest, &child).await;
    }
}

#[tokio::test]
async fn c8_every_token_that_was_replaced_a_moment_ago_gets_the_valid_one() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("steps").await;
        let mut chain = vec![user.refresh_token.clone()];
        for _ in 0..3 {
            chain.push(next(&rest, chain.last().unwrap()).await);
        }
        let valid = chain.last().unwrap().clone();
        for token in &chain[..3] {
            assert_eq!(next(&rest, token).await, valid, "{}", deployment.name());
        }
        let answers = join_all((0..30).map(|n| rest.refresh(&chain[n % 3]))).await;
        assert!(answers.into_iter().all(|answer| refresh_token(&answer.expect(200).json()) == valid));
        next(&rest, &valid).await;
    }
}

#[tokio::test]
async fn c8_more_refreshes_in_a_moment_than_anybody_needs_have_to_wait() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("hasty").await;
        let mut token = user.refresh_token.clone();
        for _ in 0..REFRESHES_AT_ONCE_MAX {
            token = next(&rest, &token).await;
        }
        let refused = rest.refresh(&token).await;
        refused.expect_problem(429, "rate_limited");
        let wait = refused.json()["retry_after_ms"].as_u64().expect("it says when");
        tokio::time::sleep(Duration::from_millis(wait)).await;
        next(&rest, &token).await;
    }
}

#[tokio::test]
async fn b13_one_session_too_many_ends_the_oldest_and_its_sockets() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("many").await;
        let [base, _] = deployment.sockets();
        let mut oldest = Socket::login(&base, "/ws", &user.token).await;
        let second = rest.login(&user.username, PASSWORD).await.expect(200).account(user.email.clone());
        for _ in 2..SESSIONS_PER_USER_MAX {
            let _more = rest.login(&user.username, PASSWORD).await.expect(200);
        }
        oldest.sync().await;
        let _last = rest.login(&user.username, PASSWORD).await.expect(200);
        assert_eq!(oldest.closed(PATIENCE).await, Some(4409));
        assert_ended(&rest, &user.refresh_token).await;
        rest.get("/api/v1/users/me", Some(&user.token))
            .await
            .expect_problem(401, "unauthenticated");
        next(&rest, &second.refresh_token).await;
    }
}

#[tokio::test]
async fn b13_a_token_of_a_session_that_nobody_knows_opens_nothing() {
    tokens_of_unknown_sessions(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_b13_a_token_of_a_session_that_nobody_knows_opens_nothing() {
    tokens_of_unknown_sessions(Dialect::SocketIo).await;
}

async fn tokens_of_unknown_sessions(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let rest = deployment.rest();
        let user = rest.new_user("unknown").await;
        let token =
            Forge::new(&deployment.keys_dir(), &user).claim("sid", json!("01920000-0000-7000-8000-000000000001"));
        rest.get("/api/v1/users/me", Some(&token)).await.expect_problem(401, "unauthenticated");
        let [base, _] = deployment.sockets_in(dialect);
        let mut socket = Socket::connect(&base, "/ws", &token, Way::Header).await.open();
        assert_eq!(socket.closed(PATIENCE).await, Some(4409));
    }
}

#[tokio::test]
async fn one_family_ends_and_the_others_live() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("families").await;
        let other = refresh_token(&rest.login(&user.email, PASSWORD).await.expect(200).json());
        assert_eq!(rest.logout(&user.refresh_token).await.status, 204);
        assert_ended(&rest, &user.refresh_token).await;
        next(&rest, &other).await;
    }
}

#[tokio::test]
async fn logout_may_be_repeated_and_says_nothing() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("logout").await;
        for _ in 0..2 {
            assert_eq!(rest.logout(&user.refresh_token).await.status, 204);
        }
    }
}

#[tokio::test]
async fn parallel_refreshes_make_one_chain() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("race").await;
        let answers = join_all((0..50).map(|_| rest.refresh(&user.refresh_token))).await;
        let children: BTreeSet<String> =
            answers.into_iter().map(|answer| refresh_token(&answer.expect(200).json())).collect();
        assert_eq!(children.len(), 1, "one parent has one child");
        next(&rest, children.first().unwrap()).await;
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_never_given_is_refused() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("forged").await;
        let mut changed = user.refresh_token.clone().into_bytes();
        let last = changed.len() - 2;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        for bad in ["", "x", &"A".repeat(64), &"A".repeat(5_000), &user.token] {
            let status = rest.refresh(bad).await.status;
            assert!(matches!(status, 400 | 401), "{status} for {bad:.20}");
        }
        assert_ended(&rest, &String::from_utf8(changed).unwrap()).await;
    }
}
