//! Access tokens that must be refused everywhere: on the socket by each way to bring them, and on REST.

use std::time::Duration;

use rookery_protocol::limits::TOKEN_LEEWAY;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::forge::{Forge, now_seconds};
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::shared;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::{Attempt, Socket, Way};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

const ME: &str = "/api/v1/users/me";

/// Forges tokens on both deployments and asserts that nobody takes any of them.
async fn assert_refused(forge: impl Fn(Forge) -> Vec<String>) {
    assert_refused_in(Dialect::Native, forge).await;
}

async fn assert_refused_in(dialect: Dialect, forge: impl Fn(Forge) -> Vec<String>) {
    for deployment in shared::both().await {
        let user = deployment.rest().new_user("token").await;
        let tokens = forge(Forge::new(&deployment.keys_dir(), &user));
        for (n, token) in tokens.iter().enumerate() {
            assert_refused_by_rest(deployment, token).await;
            assert_refused_by_socket(deployment, dialect, token, Way::ALL[n % Way::ALL.len()]).await;
        }
        deployment.assert_alive();
    }
}

async fn assert_refused_by_rest(deployment: &Deployment, token: &str) {
    let answer = deployment.rest().get(ME, Some(token)).await;
    answer.expect_problem(401, "unauthenticated");
    assert!(answer.headers.contains_key("www-authenticate"));
}

/// Either the upgrade is answered 401, or the connection closes with 4401 and says nothing before but an error.
async fn assert_refused_by_socket(deployment: &Deployment, dialect: Dialect, token: &str, way: Way) {
    let [base, _] = deployment.sockets_in(dialect);
    match Socket::connect(&base, "/ws/chat/general", token, way).await {
        Attempt::Refused(status) => assert_eq!(status, 401, "{way:?}"),
        Attempt::Unreachable(cause) => panic!("{way:?}: {cause}"),
        Attempt::Open(mut socket) => {
            assert_eq!(socket.closed(PATIENCE).await, Some(4401), "{way:?}: {token}");
            let told: Vec<&Value> = socket.mailbox().seen.iter().filter(|frame| frame["type"] != "error").collect();
            assert!(told.is_empty(), "a stranger is told nothing: {told:?}");
        }
    }
}

fn values(forge: &Forge, claim: &str, values: &[Value]) -> Vec<String> {
    values.iter().map(|value| forge.claim(claim, value.clone())).collect()
}

#[tokio::test]
async fn a_right_token_is_taken_by_every_way() {
    right_tokens(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_a_right_token_is_taken_by_every_way() {
    right_tokens(Dialect::SocketIo).await;
}

async fn right_tokens(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let user = deployment.rest().new_user("right").await;
        let token = Forge::new(&deployment.keys_dir(), &user).right();
        let _me = deployment.rest().get(ME, Some(&token)).await.expect(200);
        for way in Way::ALL {
            for base in deployment.sockets_in(dialect) {
                let mut socket = Socket::connect(&base, "/ws", &token, way).await.open();
                let hello = socket.expect_type("hello").await;
                assert_eq!(hello["user"]["user_id"], user.user_id.as_str(), "{way:?}");
            }
        }
    }
}

#[tokio::test]
async fn rest_without_a_token_is_refused() {
    for deployment in shared::both().await {
        deployment.rest().get(ME, None).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a01_unsigned_tokens_are_refused() {
    assert_refused(|forge| ["none", "None", "NONE", "EdDSA"].map(|alg| forge.unsigned(alg)).to_vec()).await;
}

#[tokio::test]
async fn socketio_a01_a07_a08_a10_forged_expired_and_broken_tokens_are_refused() {
    assert_refused_in(Dialect::SocketIo, |forge| {
        let expired = forge.claim("exp", json!(now_seconds() - 60));
        let mut tokens = vec![forge.unsigned("none"), expired, forge.tampered(), forge.with_foreign_key().right()];
        tokens.extend(["x", "a.b.c", "null", ""].map(str::to_owned));
        tokens
    })
    .await;
}

#[tokio::test]
async fn a02_hmac_with_the_public_key_is_refused() {
    assert_refused(|forge| forge.hmac_with_public_key()).await;
}

#[tokio::test]
async fn a03_other_algorithms_are_refused() {
    assert_refused(|forge| {
        ["RS256", "ES256", "PS256", "HS256", "eddsa", "EDDSA", "Ed25519", ""]
            .map(|alg| forge.field("alg", json!(alg)))
            .to_vec()
    })
    .await;
}

#[tokio::test]
async fn a04_unknown_and_odd_key_ids_are_refused() {
    assert_refused(|forge| {
        let odd = ["unknown", "../../etc/passwd", "http://127.0.0.1/key", "' or 1=1 --", &"k".repeat(2_048)];
        let mut tokens: Vec<String> = odd.map(|kid| forge.field("kid", json!(kid))).to_vec();
        tokens.push(forge.field("kid", json!(7)));
        tokens.push(forge.without_field("kid"));
        tokens
    })
    .await;
}

#[tokio::test]
async fn a05_a_key_in_the_header_is_not_believed() {
    assert_refused(|forge| {
        let stranger = forge.with_foreign_key();
        vec![
            stranger.field("jku", json!("http://127.0.0.1/keys")),
            stranger.field("x5u", json!("http://127.0.0.1/keys")),
            stranger.field("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})),
        ]
    })
    .await;
}

#[tokio::test]
async fn a06_nobody_asks_where_a_token_points() {
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/keys", trap.local_addr().unwrap());
    assert_refused(|forge| {
        let mut tokens = values(&forge, "iss", &[json!(address)]);
        let stranger = forge.with_foreign_key();
        tokens.extend(["jku", "x5u", "kid"].map(|name| stranger.field(name, json!(address))));
        tokens.push(stranger.claim("iss", json!(address)));
        tokens
    })
    .await;
    // Everything was answered, so whoever wanted to ask has asked.
    assert!(timeout(Duration::from_millis(100), trap.accept()).await.is_err(), "somebody asked the stranger");
}

#[tokio::test]
async fn a07_a_foreign_key_under_our_key_id_is_refused() {
    assert_refused(|forge| vec![forge.with_foreign_key().right()]).await;
}

#[tokio::test]
async fn a08_an_expired_token_is_refused() {
    assert_refused(|forge| vec![forge.claim("exp", json!(now_seconds() - 60))]).await;
}

#[tokio::test]
async fn a08_times_of_the_wrong_kind_are_refused() {
    assert_refused(|forge| {
        let later = now_seconds() + 600;
        let mut tokens = values(&forge, "exp", &[json!(later.to_string()), json!(null), json!([later]), json!(-1)]);
        tokens.extend(values(&forge, "iat", &[json!("now"), json!(null), json!({})]));
        tokens.push(forge.without("exp"));
        tokens
    })
    .await;
}

#[tokio::test]
async fn a09_another_issuer_is_refused() {
    assert_refused(|forge| {
        let mut tokens = values(&forge, "iss", &[json!("somebody"), json!(""), json!(null), json!(["rookery"])]);
        tokens.push(forge.without("iss"));
        tokens
    })
    .await;
}

#[tokio::test]
async fn a09_another_audience_is_refused() {
    assert_refused(|forge| {
        let mut tokens = values(&forge, "aud", &[json!("somebody"), json!(""), json!(null)]);
        tokens.push(forge.without("aud"));
        tokens
    })
    .await;
}

#[tokio::test]
async fn a09_another_type_is_refused() {
    assert_refused(|forge| {
        let mut tokens = ["JWT", "rt+jwt", "", "application/json"]
            .map(|typ| forge.field("typ", json!(typ)))
            .to_vec();
        tokens.push(forge.without_field("typ"));
        tokens
    })
    .await;
}

#[tokio::test]
async fn a09_a_refresh_token_is_no_access_token() {
    refresh_tokens_are_refused(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_a09_a_refresh_token_is_no_access_token() {
    refresh_tokens_are_refused(Dialect::SocketIo).await;
}

async fn refresh_tokens_are_refused(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let user = deployment.rest().new_user("token").await;
        assert_refused_by_rest(deployment, &user.refresh_token).await;
        for way in Way::ALL {
            assert_refused_by_socket(deployment, dialect, &user.refresh_token, way).await;
        }
        let answer = deployment.rest().refresh(&user.token).await;
        assert!(matches!(answer.status, 400 | 401), "an access token is no refresh token: {}", answer.status);
    }
}

#[tokio::test]
async fn a10_changed_and_cut_tokens_are_refused() {
    assert_refused(|forge| {
        let right = forge.right();
        let cut = right[..right.len() - 4].to_owned();
        vec![forge.tampered(), cut, format!("{right}=="), format!("{right}.{right}"), right.replace('.', "..")]
    })
    .await;
}

#[tokio::test]
async fn a10_nonsense_is_refused() {
    assert_refused(|_| ["x", "a.b.c", "..", "null", "e30.e30.e30"].map(str::to_owned).to_vec()).await;
}

#[tokio::test]
async fn a10_a_subject_that_is_no_id_is_refused() {
    assert_refused(|forge| {
        let mut tokens = values(&forge, "sub", &[json!("admin"), json!({"$ne": ""}), json!(null), json!(1)]);
        tokens.push(forge.without("sub"));
        tokens
    })
    .await;
}

#[tokio::test]
async fn a10_an_endless_token_is_refused() {
    endless_tokens_are_refused(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_a10_an_endless_token_is_refused() {
    endless_tokens_are_refused(Dialect::SocketIo).await;
}

async fn endless_tokens_are_refused(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let token = "a".repeat(8 * 1024);
        assert_refused_by_rest(deployment, &token).await;
        for way in [Way::Header, Way::Query] {
            assert_refused_by_socket(deployment, dialect, &token, way).await;
        }
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn a16_an_expired_token_closes_with_4401_unless_it_was_renewed() {
    // Side by side, since most of it is waiting.
    tokio::join!(expired_tokens_close(Dialect::Native), expired_tokens_close(Dialect::SocketIo));
}

async fn expired_tokens_close(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let user = deployment.rest().new_user("short").await;
        let forge = Forge::new(&deployment.keys_dir(), &user);
        let short = forge.claim("exp", json!(now_seconds() + 3));
        let mut expiring = Socket::login(&deployment.sockets_in(dialect)[0], "/ws", &short).await;
        let mut renewed = Socket::login(&deployment.sockets_in(dialect)[1], "/ws", &short).await;
        renewed.send(json!({"type": "auth", "token": user.token})).await;
        assert_eq!(expiring.closed(TOKEN_LEEWAY * 4).await, Some(4401));
        assert!(expiring.mailbox().seen.iter().any(|frame| frame["code"] == "unauthenticated"));
        renewed.sync().await;
        deployment.assert_alive();
    }
}
