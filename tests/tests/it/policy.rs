//! `docs/permissions.md`, walked: every operation by every kind of user in every kind of room is answered as the page says.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{Account, RawRequest, Rest};
use rookery_tests::{readme, shared};
use serde_json::{Value, json};

use crate::accounts::admin;
use crate::schedules::later;

/// An id that nobody and nothing has.
const NOBODY: &str = "01890000-0000-7000-8000-000000000000";
/// What the page refuses with: none of it may answer what it allows.
const REFUSALS: [&str; 6] = ["forbidden", "not_a_member", "unknown_room", "banned", "muted", "unauthenticated"];

/// The page.
struct Policy {
    /// Who may, by operation.
    operations: Vec<(String, String)>,
    /// The code of the refusal, by kind of room and server role, rule and membership; empty if it is allowed.
    rules: BTreeMap<(String, String, String), String>,
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|')
        .split('|')
        .map(|cell| cell.trim().trim_matches('`').to_owned())
        .collect()
}

impl Policy {
    fn read() -> Self {
        let page = readme::file("docs/permissions.md");
        let section = |title: &str| {
            let (_, rest) = page.split_once(title).unwrap_or_else(|| panic!("no {title}"));
            let rest = rest.split("\n#").next().unwrap().to_owned();
            let rows: Vec<Vec<String>> = rest.lines().filter(|line| line.starts_with('|')).map(cells).collect();
            rows
        };
        let operations = section("\n## Operations").split_off(2);
        let operations = operations.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        let mut rules = BTreeMap::new();
        for title in page.lines().filter_map(|line| line.strip_prefix("### A ")) {
            let rows = section(&format!("\n### A {title}"));
            for row in &rows[2..] {
                for (membership, code) in rows[0].iter().zip(row).skip(1) {
                    let (rule, code) = (row[0].clone(), code.clone());
                    rules.insert((title.to_owned(), rule, membership.clone()), code);
                }
            }
        }
        Self { operations, rules }
    }

    /// The code that the page says; empty if it is allowed.
    fn expected(&self, who: &str, server: &str, place: &Place) -> String {
        let allowed = match who {
            "whoever is logged in" => true,
            "moderators and admins of the server" => server != "user",
            "admins of the server" => server == "admin",
            rule => {
                let people = match server {
                    "user" => "users",
                    "moderator" => "moderators of the server",
                    _ => "admins of the server",
                };
                let title = format!("{} room, {people}", place.visibility);
                let key = (title, rule.to_owned(), place.membership.to_owned());
                return self.rules.get(&key).unwrap_or_else(|| panic!("no rule {key:?}")).clone();
            }
        };
        if allowed { String::new() } else { "forbidden".to_owned() }
    }
}

/// A user of one kind, and a room in which it is that.
struct Place {
    user: Account,
    room: String,
    visibility: &'static str,
    membership: &'static str,
}

/// Nobody but its maker comes into a private room yet.
const KINDS: [(&str, &str); 8] = [
    ("public", "outsider"),
    ("public", "banned"),
    ("public", "muted member"),
    ("public", "member"),
    ("public", "moderator"),
    ("public", "owner"),
    ("private", "outsider"),
    ("private", "owner"),
];

impl Place {
    async fn make(rest: &Rest, owner: &Account, (visibility, membership): (&'static str, &'static str)) -> Self {
        let user = rest.new_user("policy").await;
        let own = membership == "owner" || membership == "moderator";
        let room = rest.new_room(if own { &user } else { owner }, visibility).await;
        let act = async |act: &str| {
            let case = [room.as_str(), user.user_id.as_str(), act];
            assert_eq!(rest.moderate(Method::PUT, case, owner, &json!({})).await.status, 204, "{act}");
        };
        match membership {
            "banned" => act("ban").await,
            "member" | "muted member" => {
                let _joined = rest.join(&room, &user).await.expect(200);
                if membership == "muted member" {
                    act("mute").await;
                }
            }
            "moderator" => {
                let _joined = rest.join(&room, owner).await.expect(200);
                let path = format!("/api/v1/rooms/{room}/transfer");
                let _handed = rest.post(&path, Some(&user.token), &json!({"user_id": owner.user_id})).await.expect(200);
            }
            _ => {}
        }
        Self { user, room, visibility, membership }
    }
}

/// A body that an operation takes, and that changes as little as may be. None for an operation that the walk leaves out: it
/// would end the walk's own logins or rights, and the tests of its feature have it.
fn body(operation: &str) -> Option<Value> {
    let wrong = json!({"password": "not the password 7"});
    Some(match operation {
        "POST /api/v1/auth/logout-all"
        | "PUT /api/v1/users/me/username"
        | "POST /api/v1/rooms"
        | "DELETE /api/v1/rooms/{room}" => return None,
        "PUT /api/v1/users/me/email" => json!({"email": "x@example.org", "password": "not the password 7"}),
        "PUT /api/v1/users/me/password" => json!({"password": "not the password 7", "new_password": "another horse 8"}),
        "PUT /api/v1/users/me/presence" => json!({"status": "online"}),
        "POST /api/v1/users/me/totp" => wrong,
        "POST /api/v1/users/me/totp/confirm" => json!({"code": "000000"}),
        "POST /api/v1/users/me/totp/disable" | "POST /api/v1/users/me/totp/recovery-codes" => {
            json!({"password": "not the password 7", "code": "000000"})
        }
        "PUT /api/v1/rooms/{room}/filter" | "PUT /api/v1/admin/filter" => json!({"mode": "off"}),
        "POST /api/v1/rooms/{room}/transfer" => json!({"user_id": NOBODY}),
        "PUT /api/v1/rooms/{room}/members/{user}/role" => json!({"role": "member"}),
        "POST /api/v1/rooms/{room}/messages" | "PUT /api/v1/rooms/{room}/messages/{message}" => {
            json!({"content": "hi"})
        }
        "PUT /api/v1/rooms/{room}/read" => json!({"seq": 1}),
        "POST /api/v1/rooms/{room}/messages/{message}/report" => json!({"reason": "spam"}),
        "POST /api/v1/moderation/reports/{report}/resolve" => json!({"action": "none"}),
        "POST /api/v1/rooms/{room}/scheduled" => json!({"content": "hi", "send_at": later(Duration::from_hours(24))}),
        "POST /api/v1/files/links" => json!({"files": []}),
        _ => json!({}),
    })
}

async fn answered(rest: &Rest, operation: &str, token: Option<&str>, room: &str) -> (u16, String) {
    let (method, path) = operation.split_once(' ').expect("a method and a path");
    let path = path.replace("{room}", room).replace("{emoji}", "%F0%9F%91%8D");
    let path = ["{user}", "{message}", "{session}", "{invite}", "{job}", "{schedule}", "{report}", "{file}"]
        .iter()
        .fold(path, |path, name| path.replace(name, NOBODY));
    let path = if path.ends_with("/users/presence") {
        format!("{path}?ids={NOBODY}")
    } else {
        path
    };
    let method: Method = method.parse().expect("a method");
    let body = body(operation).expect("it is walked");
    let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    let (content_type, body) = if has_body {
        (Some("application/json"), body.to_string().into_bytes())
    } else {
        (None, Vec::new())
    };
    let request = RawRequest { method, path: &path, token, content_type, body };
    let answer = rest.raw(request).await.unwrap_or_else(|error| panic!("{operation}: {error}"));
    (answer.status, answer.code())
}

async fn walk(deployment: &Deployment, policy: &Policy) -> Vec<String> {
    let (rest, root) = (deployment.rest(), admin(deployment).await);
    let owner = rest.new_user("owner").await;
    let mut wrong = Vec::new();
    for server in ["user", "moderator", "admin"] {
        for kind in KINDS {
            let place = Place::make(&rest, &owner, kind).await;
            let path = format!("/api/v1/admin/users/{}", place.user.user_id);
            let _ranked = rest.patch(&path, Some(&root.token), &json!({"role": server})).await.expect(200);
            // What ends or begins a membership comes last.
            let ends = |what: &str| what.ends_with("/leave") || what.ends_with("/join");
            let (last, first): (Vec<_>, Vec<_>) = policy.operations.iter().partition(|(what, _)| ends(what));
            let leaves = last.iter().filter(|(what, _)| what.ends_with("/join"));
            for (what, who) in first.into_iter().chain(leaves.copied()) {
                if who == "anyone" || body(what).is_none() {
                    continue;
                }
                let (status, code) = answered(&rest, what, Some(&place.user.token), &place.room).await;
                let expected = policy.expected(who, server, &place);
                let is_right = if expected.is_empty() {
                    !REFUSALS.contains(&code.as_str()) && status < 500
                } else {
                    code == expected
                };
                if !is_right {
                    let of = (server, place.visibility, place.membership);
                    wrong.push(format!("{of:?} {what}: {status} {code:?}, not {expected:?}"));
                }
            }
        }
    }
    for (what, who) in policy.operations.iter().filter(|(what, who)| who != "anyone" && body(what).is_some()) {
        let (status, code) = answered(&rest, what, None, NOBODY).await;
        if (status, code.as_str()) != (401, "unauthenticated") {
            wrong.push(format!("nobody {what} ({who}): {status} {code:?}"));
        }
    }
    wrong
}

#[tokio::test]
async fn every_operation_is_answered_as_the_page_says() {
    let policy = Policy::read();
    assert!(policy.operations.len() > 60 && policy.rules.len() > 200, "the page was read");
    for deployment in shared::both().await {
        let wrong = walk(deployment, &policy).await;
        assert!(wrong.is_empty(), "{}:\n{}", deployment.name(), wrong.join("\n"));
    }
}
