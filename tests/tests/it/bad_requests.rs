//! Bad REST requests. The routes come from `/openapi.json`, so that none is forgotten.

use http::Method;
use rookery_protocol::limits::BODY_BYTES_MAX;
use rookery_tests::deployment::Deployment;
use rookery_tests::openapi::{Operation, leaves, operations, replaced, strings};
use rookery_tests::rest::{Account, Answer, RawRequest};
use rookery_tests::shared;
use serde_json::{Value, json};

/// A deployment with its operations, and a user with a room that the operations are aimed at.
struct Target {
    deployment: &'static Deployment,
    user: Account,
    room: String,
    operations: Vec<Operation>,
    before: Counts,
}

/// What must be the same afterwards.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    events: usize,
    rooms: usize,
}

impl Target {
    async fn both() -> Vec<Self> {
        let mut targets = Vec::new();
        for deployment in shared::both().await {
            targets.push(Self::new(deployment).await);
        }
        targets
    }

    async fn new(deployment: &'static Deployment) -> Self {
        let rest = deployment.rest();
        let user = rest.new_user("attack").await;
        // Nobody else gets as far as the bodies of what admins do.
        deployment.command(&["user", "role", &user.username, "admin"], "");
        let room = rest.new_room(&user, "public").await;
        let document = rest.get("/openapi.json", None).await.expect(200).json();
        assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
        let operations = operations(&document, &room);
        let mut target = Self { deployment, user, room, operations, before: Counts { events: 0, rooms: 0 } };
        target.before = target.counts().await;
        target
    }

    fn with_body(&self) -> impl Iterator<Item = (&Operation, &Value)> {
        self.operations.iter().filter_map(|operation| Some((operation, operation.body.as_ref()?)))
    }

    async fn counts(&self) -> Counts {
        let rest = self.deployment.rest();
        let mine = rest.get("/api/v1/rooms/mine", Some(&self.user.token)).await.expect(200).json();
        let rooms = mine["rooms"].as_array().expect("a list").len();
        Counts { events: rest.history(&self.room, &self.user.token).await.len(), rooms }
    }

    async fn assert_unharmed(self) {
        assert_eq!(self.counts().await, self.before, "nothing was stored");
        self.deployment.assert_alive();
    }

    async fn send(&self, operation: &Operation, content_type: Option<&str>, body: Vec<u8>) -> Answer {
        let Operation { method, path, .. } = operation;
        let request = RawRequest { method: method.clone(), path, token: Some(&self.user.token), content_type, body };
        let answer = self.deployment.rest().raw(request).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    async fn send_json(&self, operation: &Operation, body: &Value) -> Answer {
        self.send(operation, Some("application/json"), body.to_string().into_bytes()).await
    }
}

fn assert_bad_field(answer: &Answer, operation: &Operation, body: &Value) {
    assert_refused(answer, "bad_field", operation, body);
}

fn assert_refused(answer: &Answer, code: &str, operation: &Operation, body: &Value) {
    let what = format!("{} {} with {body:.300}: {}", operation.method, operation.path, answer.text);
    assert_eq!((answer.status, answer.code().as_str()), (400, code), "{what}");
}

#[tokio::test]
async fn every_operation_of_the_issue_is_in_the_document() {
    for target in Target::both().await {
        let has = |method: Method, end: &str| {
            target
                .operations
                .iter()
                .any(|operation| operation.method == method && operation.path.ends_with(end))
        };
        for end in ["/auth/register", "/auth/login", "/auth/refresh", "/auth/logout", "/rooms", "/join", "/leave"] {
            assert!(has(Method::POST, end), "POST …{end}");
        }
        for end in ["/users/me", "/rooms", "/rooms/mine", "/messages", "/.well-known/jwks.json"] {
            assert!(has(Method::GET, end), "GET …{end}");
        }
        assert!(has(Method::POST, "/messages"));
        assert!(target.with_body().count() >= 6);
    }
}

#[tokio::test]
async fn n01_operator_objects_in_every_field_are_refused() {
    let operators = [json!({"$ne": ""}), json!({"$gt": ""}), json!({"$regex": ".*"}), json!({"$where": "true"})];
    for target in Target::both().await {
        for (operation, body) in target.with_body() {
            assert!(!leaves(body).is_empty(), "{} takes something", operation.path);
            for (pointer, operator) in leaves(body).iter().flat_map(|p| operators.iter().map(move |o| (p, o))) {
                let body = replaced(body, pointer, operator);
                assert_bad_field(&target.send_json(operation, &body).await, operation, &body);
            }
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn n01_operators_in_queries_and_paths_are_refused() {
    for target in Target::both().await {
        for operation in target.operations.iter().filter(|operation| operation.method == Method::GET) {
            for name in &operation.query {
                for query in [format!("{name}[$ne]=x"), format!("{name}=%7B%22$ne%22:%22%22%7D")] {
                    let path = format!("{}?{query}", operation.path);
                    let answer = target.deployment.rest().get(&path, Some(&target.user.token)).await;
                    // A link that is none says nothing of what it leads to.
                    let is_none = answer.status == 404 && ["expires", "signature"].contains(&name.as_str());
                    assert!(is_none || matches!(answer.status, 200 | 400), "{path}: {} {}", answer.status, answer.text);
                }
            }
        }
        for room in ["%7B%22$ne%22:%22%22%7D", "..%2f..%2f", "%00", "*", &"r".repeat(4_096)] {
            let path = format!("/api/v1/rooms/{room}");
            let answer = target.deployment.rest().get(&path, Some(&target.user.token)).await;
            assert!(matches!(answer.status, 400 | 404), "{path:.80}: {}", answer.status);
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn wrong_types_in_every_field_are_refused() {
    let wrong = [json!(7), json!(true), json!([]), json!(["x"]), json!({}), json!(1e308)];
    for target in Target::both().await {
        for (operation, body) in target.with_body() {
            for (pointer, value) in strings(body).iter().flat_map(|p| wrong.iter().map(move |w| (p, w))) {
                let body = replaced(body, pointer, value);
                assert_bad_field(&target.send_json(operation, &body).await, operation, &body);
            }
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn unknown_fields_are_refused() {
    for target in Target::both().await {
        for (operation, body) in target.with_body() {
            for field in ["role", "_id", "is_admin", "user_id", "$where", "__proto__"] {
                // What is a field of the operation is not unknown to it.
                if field == "role" && body.get(field).is_some() {
                    continue;
                }
                let mut body = body.clone();
                body[field] = json!("admin");
                assert_bad_field(&target.send_json(operation, &body).await, operation, &body);
            }
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn a_missing_body_is_refused() {
    for target in Target::both().await {
        // A sanction, a purge or an invite for good needs no field, and neither does a change of nothing.
        let may_be_empty = |Operation { method, path, .. }: &Operation| {
            let ends = ["/ban", "/mute", "/kick", "/invites", "/join", "/deny", "/purge"];
            *method == Method::PATCH || ends.iter().any(|end| path.ends_with(end))
        };
        for (operation, _) in target.with_body().filter(|(operation, _)| !may_be_empty(operation)) {
            let empty = json!({});
            // A message may have files for a text, so what it lacks is no field.
            let code = if operation.path.ends_with("/messages") {
                "empty_content"
            } else {
                "bad_field"
            };
            assert_refused(&target.send_json(operation, &empty).await, code, operation, &empty);
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_413() {
    for target in Target::both().await {
        for (operation, body) in target.with_body() {
            let pointer = &leaves(body)[0];
            // Lists of words may be longer.
            let has_words = ["/filter", "/admin/settings"].iter().any(|end| operation.path.ends_with(end));
            let bytes = if has_words { 32 * BODY_BYTES_MAX } else { BODY_BYTES_MAX };
            let body = replaced(body, pointer, &json!("x".repeat(bytes)));
            target.send_json(operation, &body).await.expect_problem(413, "body_too_large");
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn another_content_type_is_refused_with_415() {
    for target in Target::both().await {
        for (operation, body) in target.with_body() {
            for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
                let answer = target.send(operation, content_type, body.to_string().into_bytes()).await;
                answer.expect_problem(415, "unsupported_media_type");
            }
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn what_is_not_json_is_refused_with_400() {
    let deep = "[".repeat(10_000);
    let bad: [&[u8]; 9] =
        [b"", b"hello", b"{", b"[]", b"null", b"7", b"{\"a\":1}{}", b"{\"a\":\"\xff\"}", deep.as_bytes()];
    for target in Target::both().await {
        for (operation, _) in target.with_body() {
            // Without a body a logout ends the session of the access token, and nothing is said to who asks to come in,
            // or is sent away.
            let may_be_absent = ["/auth/logout", "/join", "/kick", "/deny"]
                .iter()
                .any(|end| operation.path.ends_with(end));
            for body in bad.into_iter().filter(|body| !(may_be_absent && body.is_empty())) {
                let answer = target.send(operation, Some("application/json"), body.to_vec()).await;
                assert_eq!(answer.status, 400, "{} {}", operation.path, String::from_utf8_lossy(body));
                assert!(matches!(answer.code().as_str(), "bad_json" | "bad_field"), "{}", answer.text);
            }
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn another_method_is_refused_with_405() {
    for target in Target::both().await {
        for operation in &target.operations {
            let other = Operation { method: Method::TRACE, ..operation.clone() };
            target.send(&other, None, Vec::new()).await.expect_problem(405, "method_not_allowed");
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn an_unknown_path_is_refused_with_404() {
    for target in Target::both().await {
        for path in ["/api/v1/nothing", "/api/v2/rooms", "/api/v1/", "/internal/v1/authorize", "/ws2"] {
            let answer = target.deployment.rest().get(path, Some(&target.user.token)).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn every_operation_that_needs_a_login_says_so() {
    for target in Target::both().await {
        let free = [
            "/auth/register",
            "/auth/verify",
            "/auth/verify/resend",
            "/auth/login",
            "/auth/refresh",
            "/auth/logout",
            "/auth/password/forgot",
            "/auth/password/reset",
            "/users/me/email/confirm",
            "/api/v1/server",
            "jwks.json",
        ];
        for operation in &target.operations {
            if free.iter().any(|end| operation.path.ends_with(end)) || !operation.path.starts_with("/api/") {
                continue;
            }
            // Pages show pictures without a header.
            let shown = ["/api/v1/avatars/", "/api/v1/linked-files/"];
            if shown.iter().any(|start| operation.path.starts_with(start)) || operation.path.contains("/avatar/") {
                continue;
            }
            let Operation { method, path, body, .. } = operation;
            let content_type = Some("application/json");
            let body = body.as_ref().unwrap_or(&json!({})).to_string().into_bytes();
            let request = RawRequest { method: method.clone(), path, token: None, content_type, body };
            let answer = target.deployment.rest().raw(request).await.expect("an answer");
            answer.expect_problem(401, "unauthenticated");
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn cursors_that_were_changed_or_belong_to_another_room_are_refused() {
    for target in Target::both().await {
        let rest = target.deployment.rest();
        let other = rest.new_room(&target.user, "public").await;
        for n in 0..3 {
            let _sent = rest.say(&other, &target.user, &json!({"content": format!("{n}")})).await.expect(201);
        }
        let token = Some(target.user.token.as_str());
        let page = rest
            .get(&format!("/api/v1/rooms/{other}/messages?limit=2"), token)
            .await
            .expect(200)
            .json();
        let cursor = page["prev_cursor"].as_str().expect("there is more before").to_owned();
        let foreign = format!("/api/v1/rooms/{}/messages?before={cursor}", target.room);
        rest.get(&foreign, token).await.expect_problem(400, "bad_field");
        for bad in ["x", "%00", "e1.5", &"A".repeat(3_000), &cursor[1..], &format!("{cursor}A")] {
            for way in ["before", "after"] {
                let path = format!("/api/v1/rooms/{other}/messages?{way}={bad}");
                rest.get(&path, token).await.expect_problem(400, "bad_field");
            }
        }
    }
}
