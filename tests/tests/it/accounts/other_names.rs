//! Settings under the names that other back ends give them: whole servers start with nothing else.

use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::mongo::Mongo;
use rookery_tests::node::Node;
use rookery_tests::redis::Redis;
use rookery_tests::rest::{PASSWORD, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{dirs, names, process, tools};
use serde_json::json;

/// 256 bits.
const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn port(url: &str) -> String {
    url.rsplit(':').next().expect("a port").split('/').next().expect("a port").to_owned()
}

/// What the config of a program says of other names.
fn remarks(node: &Node) -> String {
    let output = node.process.command(&["config"]).command().output().expect("it starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn lives_are(rest: &Rest, seconds: u64) {
    let user = rest.new_user("other").await;
    assert_eq!(rest.login(&user.username, PASSWORD).await.expect(200).json()["expires_in"], seconds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_23_s2_21_s3_36_a_cluster_starts_with_the_settings_of_other_back_ends() {
    let (dir, keys, redis, mongo) =
        (dirs::fresh("other"), dirs::fresh("other-keys"), Redis::prepare(), Mongo::shared().await);
    process::run(&tools::binary("rookery-api"), &["keygen", "--out", &keys.display().to_string()], &dir);
    redis.start().await;
    let (database, redis_port, mongo_port) = (names::unique("other"), port(&redis.url()), port(&mongo.url()));
    let shared = [
        ("REDIS_HOST", "127.0.0.1".to_owned()),
        ("REDIS_PORT", redis_port),
        ("SECRET_KEY", SECRET.to_owned()),
        ("JWT_ALGO", "HS256".to_owned()),
        ("ACCESS_TOKEN_EXPIRATION_MINUTES", "7".to_owned()),
        ("REFRESH_TOKEN_EXPIRATION_DAYS", "2".to_owned()),
        ("VERIFICATION_CODE_EXPIRATION_MINUTES", "3".to_owned()),
    ];
    let by_parts = [
        ("MONGODB_HOST", "127.0.0.1".to_owned()),
        ("MONGODB_PORT", mongo_port),
        ("MONGODB_DATABASE", database.clone()),
    ];
    let by_uri = [("MONGO_URI", mongo.url()), ("MONGODB_DATABASE", database)];
    let settings = [("keys_dir", keys.display().to_string()), ("limits", "off".to_owned())];
    let mut user = None;
    for mongo in [&by_parts[..], &by_uri] {
        let variables = [&shared[..], mongo].concat();
        let api = Node::prepare_with_variables("rookery-api", dir.clone(), &settings, &variables, &[]);
        api.start().await;
        let settings = [("api_url", api.internal_url()), ("limits", "off".to_owned())];
        let gateway = Node::prepare_with_variables("rookery-gateway", dir.clone(), &settings, &shared, &[]);
        gateway.start().await;
        let rest = Rest::new(api.public_url());
        lives_are(&rest, 420).await;
        let known = match user.take() {
            Some(known) => known,
            None => rest.new_user("kept").await.username,
        };
        let again = rest.login(&known, PASSWORD).await.expect(200).account(String::new());
        let mut socket = Socket::login(&gateway.socket_url(), "/ws/general", &again.token).await;
        socket.live().await;
        socket.send(json!({"type": "message", "content": "hi", "client_id": "c-1"})).await;
        socket.expect_type("ack").await;
        user = Some(known);
        let told = remarks(&api);
        for part in [
            "# REDIS_HOST, REDIS_PORT counts as redis_url",
            "# SECRET_KEY counts as internal_secret",
            "counts as mongo_url",
            "# MONGODB_DATABASE counts as mongo_database",
            "# VERIFICATION_CODE_EXPIRATION_MINUTES counts as verification_minutes",
            "# JWT_ALGO is passed over",
            "verification_minutes = \"3\"",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(!told.contains(SECRET) && !api.process.log().contains(SECRET), "secrets are not told");
        assert!(api.process.log().contains("SECRET_KEY counts as internal_secret"), "the log says it, too");
        gateway.process.terminate().await;
        api.process.terminate().await;
    }
    redis.process.kill();
}

#[tokio::test]
async fn s1_23_s2_21_s3_36_one_process_starts_with_them_and_says_what_it_does_not_need() {
    let dir = dirs::fresh("other-one");
    let settings = [("data_dir", dir.join("data").display().to_string()), ("limits", "off".to_owned())];
    let variables = [
        ("JWT_SECRET", SECRET.to_owned()),
        ("JWT_ALGO", "HS256".to_owned()),
        ("MONGODB_URI", "mongodb://127.0.0.1:1/chat".to_owned()),
        ("REDIS_HOST", "127.0.0.1".to_owned()),
        ("ACCESS_TOKEN_EXPIRATION_MINUTES", "9".to_owned()),
    ];
    let node = Node::prepare_with_variables("rookery", dir.clone(), &settings, &variables, &[]);
    node.start().await;
    lives_are(&Rest::new(node.public_url()), 540).await;
    let told = remarks(&node);
    for part in [
        "# JWT_SECRET is passed over",
        "# JWT_ALGO is passed over",
        "ACCESS_TOKEN_EXPIRATION_MINUTES counts as",
    ] {
        assert!(told.contains(part) && !told.contains(SECRET), "{part} in {told}");
    }
    node.process.terminate().await;
    // Its own names count more.
    let settings = [&settings[..], &[("access_token_minutes", "4".to_owned())]].concat();
    let node = Node::prepare_with_variables("rookery", dir, &settings, &variables, &[]);
    node.start().await;
    lives_are(&Rest::new(node.public_url()), 240).await;
    node.process.terminate().await;
}
