//! What surrounds rooms and messages: limits, documents, origins, and the end of an account.

use rookery_tests::cluster::{ALLOWED_ORIGIN, Cluster};
use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{PASSWORD, Rest};
use rookery_tests::shared;
use rookery_tests::standalone::Standalone;
use rookery_tests::{dirs, tools};
use serde_json::json;
use tokio::process::Command;

#[tokio::test]
async fn s3_26_requests_and_messages_are_limited() {
    let limits = [("limit_user_commands", "10/3600000")];
    let (cluster, server) = (Cluster::start_limited(1, &limits).await, Standalone::prepare_with(&limits));
    server.node.start().await;
    for url in [cluster.api.public_url(), server.node.public_url()] {
        let rest = Rest::new(url);
        let user = rest.new_user("hasty").await;
        let room = rest.new_room(&user, "public").await;
        let mut refused = None;
        for number in 0..50 {
            let answer = rest.say(&room, &user, &json!({"content": format!("{number}")})).await;
            if answer.status == 429 {
                refused = Some(answer);
                break;
            }
        }
        let refused = refused.expect("fifty messages at once are too many");
        refused.expect_problem(429, "rate_limited");
        assert!(refused.json()["retry_after_ms"].is_u64(), "{}", refused.text);
    }
}

#[tokio::test]
async fn s2_22_s3_35_the_api_is_described_and_can_be_tried_at_docs() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let page = rest.get("/docs/", None).await.expect(200).text;
        assert!(page.contains("swagger-ui"), "{page}");
        let document = rest.get("/openapi.json", None).await.expect(200).json();
        assert!(document["paths"]["/api/v1/auth/login"]["post"].is_object());
        assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    }
}

#[tokio::test]
async fn s4_16_pages_of_origins_that_are_set_may_ask_and_others_may_not() {
    for deployment in &Deployment::both_with(&[("allowed_origins", ALLOWED_ORIGIN.to_owned())]).await {
        let url = format!("{}/api/v1/auth/login", deployment.api().public_url());
        let client = reqwest::Client::new();
        for (origin, may) in [(ALLOWED_ORIGIN, true), ("https://evil.example", false)] {
            let asked = client
                .request(reqwest::Method::OPTIONS, &url)
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type")
                .send()
                .await
                .expect("an answer");
            let allowed = asked.headers().get("access-control-allow-origin");
            assert_eq!(allowed.is_some_and(|allowed| allowed == origin), may, "{origin}: {allowed:?}");
        }
    }
}

#[tokio::test]
async fn s2_06_users_delete_their_own_account_and_nobody_elses() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, other) = (rest.new_user("leaver").await, rest.new_user("other").await);
        let path = format!("/api/v1/users/{}", other.user_id);
        rest.delete(&path, Some(&user.token)).await.expect_problem(405, "method_not_allowed");
        let delete = async |password: &str| {
            rest.post("/api/v1/users/me/delete", Some(&user.token), &json!({"password": password}))
                .await
        };
        delete("not the password").await.expect_problem(403, "password_wrong");
        let _deleted = delete(PASSWORD).await.expect(204);
        rest.login(&user.username, PASSWORD).await.expect_problem(401, "bad_credentials");
        rest.get("/api/v1/users/me", Some(&user.token))
            .await
            .expect_problem(401, "unauthenticated");
        let _other = rest.login(&other.username, PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn s4_18_trouble_is_explained_by_a_code_and_a_sentence() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("lost").await;
        let wrong = [
            (rest.get("/api/v1/users/me", Some("no.such.token")).await, 401, "unauthenticated"),
            (rest.get("/api/v1/users/me", None).await, 401, "unauthenticated"),
            (rest.login(&user.username, "another horse 8").await, 401, "bad_credentials"),
            (rest.login("nobody-at-all", PASSWORD).await, 401, "bad_credentials"),
            (rest.get("/api/v1/no/such/path", Some(&user.token)).await, 404, "not_found"),
        ];
        for (answer, status, code) in wrong {
            answer.expect_problem(status, code);
            let problem = answer.json();
            for field in ["title", "detail", "request_id"] {
                assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
            }
        }
    }
}

/// The drill of deploy/drill starts what is only read here.
#[tokio::test]
async fn s1_24_s4_14_one_command_of_compose_starts_everything_on_port_8000() {
    let env = dirs::fresh("compose").join("env");
    let program = tools::repository().join("scripts/compose-secrets");
    let made = Command::new(program).env("ENV_FILE", &env).output().await.expect("the script runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let output = Command::new("docker-compose")
        .arg("--env-file")
        .arg(&env)
        .arg("config")
        .envs([("PORT", "8000"), ("BIND_HOST", "0.0.0.0")])
        .current_dir(tools::repository())
        .output();
    let output = output.await.expect("docker-compose is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let config = String::from_utf8_lossy(&output.stdout);
    assert!(config.contains("0.0.0.0:8000:8080"), "{config}");
    let services = config.split_once("\nservices:\n").expect("there are services").1;
    for service in ["gateway-1", "gateway-2", "api-1", "api-2"] {
        let head = format!("  {service}:\n");
        let from = services.find(&head).unwrap_or_else(|| panic!("no {service}: {services}")) + head.len();
        let own = services[from..].lines().take_while(|line| line.starts_with("    "));
        assert!(own.clone().any(|line| line.trim() == "restart: unless-stopped"), "{service} stays down");
    }
}
