//! What browsers are told with every answer of every public listener, whoever makes the answer (row X04).

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::shared;
use rookery_tests::standalone::Standalone;

/// Answers of the api, of gateways, of Engine.IO, and of the listener itself.
const ASKED: [(Method, &str); 8] = [
    (Method::GET, "/"),
    (Method::GET, "/nope"),
    (Method::GET, "/ws"),
    (Method::POST, "/ws"),
    (Method::GET, "/socket.io/"),
    (Method::GET, "/socket.io/?EIO=4&transport=polling"),
    (Method::OPTIONS, "/socket.io/"),
    (Method::GET, "/api/v1/users/me"),
];

/// The answer's header names and values, but for those that differ from one to the next.
async fn assert_complete(base: &str, is_https: bool) {
    let client = reqwest::Client::new();
    for (method, path) in ASKED {
        let answer = client.request(method.clone(), format!("{base}{path}")).send().await.unwrap();
        let said = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let case = format!("{method} {base}{path}: {} {:?}", answer.status(), answer.headers());
        assert_eq!(said("x-content-type-options").as_deref(), Some("nosniff"), "{case}");
        for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
            assert_eq!(said(name).as_deref(), Some("same-origin"), "{case}");
        }
        assert!(
            said("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")),
            "{case}"
        );
        assert!(said("cache-control").is_some(), "{case}");
        assert_eq!(said("strict-transport-security").is_some(), is_https, "{case}");
    }
}

async fn of_all(deployment: &Deployment) {
    let sockets = deployment.sockets()[0].replace("ws://", "http://");
    for base in [deployment.api().public_url(), sockets] {
        assert_complete(&base, false).await;
    }
}

#[tokio::test]
async fn x04_every_answer_says_what_browsers_may_do_with_it() {
    for deployment in shared::both().await {
        of_all(deployment).await;
    }
}

#[tokio::test]
async fn x04_where_people_come_by_tls_every_answer_says_to_use_nothing_else() {
    let settings = [("limits", "off"), ("socketio_polling", "on"), ("public_url", "https://chat.example")];
    let server = Standalone::prepare_with(&settings);
    server.node.start().await;
    assert_complete(&server.node.public_url(), true).await;
}
