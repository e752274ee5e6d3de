//! Refresh tokens: each is good for one successor, and reuse ends the whole family.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rookery_tests::rest::{PASSWORD, Rest};
use rookery_tests::shared;
use serde_json::Value;

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

#[tokio::test]
async fn an_older_token_ends_the_family() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("reuse").await;
        let child = next(&rest, &user.refresh_token).await;
        let grandchild = next(&rest, &child).await;
        assert_ended(&rest, &user.refresh_token).await;
        assert_ended(&rest, &grandchild).await;
        assert_ended(&rest, &child).await;
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
