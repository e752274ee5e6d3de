//! Logins, sessions, passwords, addresses and names.

use rookery_tests::deployment::Deployment;
use rookery_tests::forge::now_seconds;
use rookery_tests::mail::Mail;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{PASSWORD, RawRequest, Rest};
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::{Socket, Way};
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use super::{ME, Person, with_mail};

const OTHER: &str = "another horse 8";

async fn log_in(rest: &Rest, body: &Value) -> Value {
    rest.post("/api/v1/auth/login", None, body).await.expect(200).json()
}

#[tokio::test]
async fn s1_04_s2_02_s3_02_s5_02_a_login_gives_an_access_and_a_refresh_token() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("login").await);
        for login in [&user.username, &user.email, &user.username.to_uppercase()] {
            let tokens = rest.login(login, PASSWORD).await.expect(200).json();
            assert_eq!(tokens["token_type"], "Bearer");
            assert_eq!(tokens["access_token"].as_str().expect("a JWT").split('.').count(), 3);
            assert!(tokens["refresh_token"].is_string(), "{tokens}");
        }
        rest.login(&user.username, OTHER).await.expect_problem(401, "bad_credentials");
        rest.login(&names::unique("nobody"), PASSWORD)
            .await
            .expect_problem(401, "bad_credentials");
    }
}

#[tokio::test]
async fn s1_05_a_refresh_token_gives_a_new_access_token_and_nothing_else_does() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("fresh").await);
        let fresh = rest.refresh(&user.refresh_token).await.expect(200).json();
        let token = fresh["access_token"].as_str().expect("a token");
        let _me = rest.get(ME, Some(token)).await.expect(200);
        rest.refresh(token).await.expect_problem(401, "bad_refresh_token");
        rest.get(ME, fresh["refresh_token"].as_str()).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn s1_06_lifetimes_of_tokens_are_settings() {
    let settings = [("access_token_minutes", "2".to_owned()), ("refresh_token_days", "1".to_owned())];
    for deployment in &Deployment::both_with(&settings).await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("short").await);
        let tokens = rest.login(&user.username, PASSWORD).await.expect(200).json();
        assert_eq!(tokens["expires_in"], 120);
        let life = expiry(tokens["access_token"].as_str().expect("a token")) - now_seconds();
        assert!((115..=121).contains(&life), "{life}");
        let printed = deployment.command(&["config"], "");
        assert!(printed.contains("refresh_token_days"), "{printed}");
    }
    for deployment in shared::both().await {
        let user = deployment.rest().new_user("usual").await;
        assert_eq!(deployment.rest().login(&user.username, PASSWORD).await.expect(200).json()["expires_in"], 900);
    }
}

fn expiry(token: &str) -> i64 {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).expect("a payload");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    let claims: Value = serde_json::from_slice(&bytes).expect("JSON");
    claims["exp"].as_i64().expect("an end")
}

#[tokio::test]
async fn s3_03_a_logout_ends_the_session_and_its_token() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("leaver").await);
        let other = rest.login(&user.username, PASSWORD).await.expect(200).account(String::new());
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws/general", &user.token).await;
        socket.live().await;
        let bare = |token| RawRequest {
            method: http::Method::POST,
            path: "/api/v1/auth/logout",
            token,
            content_type: None,
            body: Vec::new(),
        };
        let _ended = rest.raw(bare(Some(&user.token))).await.unwrap().expect(204);
        assert_eq!(socket.closed(PATIENCE).await, Some(4409));
        rest.get(ME, Some(&user.token)).await.expect_problem(401, "unauthenticated");
        rest.refresh(&user.refresh_token).await.expect_problem(401, "bad_refresh_token");
        rest.raw(bare(None)).await.unwrap().expect_problem(401, "unauthenticated");
        rest.raw(bare(Some(&user.token))).await.unwrap().expect_problem(401, "unauthenticated");
        let _other = rest.get(ME, Some(&other.token)).await.expect(200);
        let _ended = rest.logout(&other.refresh_token).await.expect(204);
        rest.get(ME, Some(&other.token)).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn sessions_have_names_and_end_one_by_one() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("devices").await);
        let body = json!({"login": user.username, "password": PASSWORD, "device": " Ada's phone "});
        let phone = log_in(&rest, &body).await;
        let token = phone["access_token"].as_str().expect("a token");
        let list = rest.get("/api/v1/users/me/sessions", Some(token)).await.expect(200).json();
        let rows = list["sessions"].as_array().expect("a list");
        assert_eq!(rows.len(), 2);
        assert_eq!((&rows[0]["device"], &rows[0]["current"]), (&json!("Ada's phone"), &json!(true)));
        assert_eq!((&rows[1]["device"], &rows[1]["current"]), (&Value::Null, &json!(false)));
        assert!(rows.iter().all(|row| row["created_at"].is_string() && row["last_used_at"].is_string()), "{list}");
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws/general", &user.token).await;
        socket.live().await;
        let path = |row: &Value| format!("/api/v1/users/me/sessions/{}", row["session_id"].as_str().expect("an id"));
        let _ended = rest.delete(&path(&rows[1]), Some(token)).await.expect(204);
        assert_eq!(socket.closed(PATIENCE).await, Some(4409));
        rest.delete(&path(&rows[1]), Some(token)).await.expect_problem(404, "not_found");
        let stranger = rest.new_user("stranger").await;
        rest.delete(&path(&rows[0]), Some(&stranger.token)).await.expect_problem(404, "not_found");
        let _still = rest.get(ME, Some(token)).await.expect(200);
    }
}

#[tokio::test]
async fn s1_09_another_password_needs_the_current_one_and_ends_other_sessions() {
    let (mail, both) = with_mail(&[]).await;
    for deployment in &both {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("password").await);
        let other = rest.login(&user.username, PASSWORD).await.expect(200).account(String::new());
        let change = async |old: &str, new: &str| {
            rest.put("/api/v1/users/me/password", Some(&user.token), &json!({"password": old, "new_password": new}))
                .await
        };
        change(OTHER, OTHER).await.expect_problem(403, "password_wrong");
        change(PASSWORD, "password1").await.expect_problem(400, "password_too_common");
        let _changed = change(PASSWORD, OTHER).await.expect(204);
        rest.get(ME, Some(&other.token)).await.expect_problem(401, "unauthenticated");
        let _own = rest.get(ME, Some(&user.token)).await.expect(200);
        rest.login(&user.username, PASSWORD).await.expect_problem(401, "bad_credentials");
        let _new = rest.login(&user.username, OTHER).await.expect(200);
        assert!(mail.nth_to(&user.email, 1).await.subject.contains("password was changed"));
    }
}

/// A password is what was typed, to the byte; one that is too long is refused before anybody counts with it.
#[tokio::test]
async fn a24_passwords_of_every_kind_are_taken_as_they_are_or_refused() {
    let deployment = shared::standalone().await;
    let rest = deployment.rest();
    let register = async |name: &str, password: &str| {
        let body = json!({"username": name, "email": format!("{name}@example.com"), "password": password});
        rest.post("/api/v1/auth/register", None, &body).await
    };
    let emoji = "🔑🦀🍋🎷🛶🪁🧊🦉🌵🥁";
    for (password, near) in [
        ("  leading and trailing 7 ", "leading and trailing 7"),
        ("nul\0in the middle 7", "nul"),
        (emoji, "🔑"),
        ("e\u{301}tude of many words", "étude of many words"),
    ] {
        let name = names::unique("pw");
        let _made = register(&name, password).await.expect(201);
        let _in = rest.login(&name, password).await.expect(200);
        assert_eq!(rest.login(&name, near).await.status, 401, "{near:?} is another password than {password:?}");
    }
    for long in ["a".repeat(1 << 20), "a7 ".repeat(1_000)] {
        let answer = register(&names::unique("pw"), &long).await;
        assert!(matches!(answer.status, 400 | 413), "{} bytes: {} {}", long.len(), answer.status, answer.text);
    }
    deployment.assert_alive();
}

#[tokio::test]
async fn who_has_forgotten_a_password_sets_another_with_a_link_that_works_once() {
    let (mail, both) = with_mail(&[]).await;
    for deployment in &both {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("forgot").await);
        let forgot =
            async |email: &str| rest.post("/api/v1/auth/password/forgot", None, &json!({"email": email})).await;
        let nobody = Person::new("nobody").email;
        let _alike = forgot(&nobody).await.expect(202);
        for n in 1..=4 {
            let _sent = forgot(&user.email).await.expect(202);
            mail.nth_to(&user.email, n).await;
        }
        let tokens: Vec<String> = mail.mails_to(&user.email).iter().map(Mail::token).collect();
        assert!(tokens.iter().all(|token| token.len() == 22), "128 bits: {tokens:?}");
        let renew = async |token: &str, password: &str| {
            rest.post("/api/v1/auth/password/reset", None, &json!({"token": token, "password": password}))
                .await
        };
        renew("nonsense", OTHER).await.expect_problem(400, "token_invalid");
        renew(&tokens[1], "password1").await.expect_problem(400, "password_too_common");
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws/general", &user.token).await;
        socket.live().await;
        let mut done = 0;
        for token in &tokens {
            let answer = renew(token, OTHER).await;
            if answer.status == 204 {
                done += 1;
            } else {
                answer.expect_problem(400, "token_invalid");
            }
        }
        assert_eq!(done, 1, "the oldest had made place, the first that was used ended the others");
        assert_eq!(socket.closed(PATIENCE).await, Some(4409));
        rest.refresh(&user.refresh_token).await.expect_problem(401, "bad_refresh_token");
        let _new = rest.login(&user.username, OTHER).await.expect(200);
        assert!(mail.nth_to(&user.email, 5).await.subject.contains("password was changed"));
        assert!(mail.mails_to(&nobody).is_empty());
    }
}

#[tokio::test]
async fn an_address_changes_when_it_is_confirmed_and_the_old_one_can_undo_it() {
    let (mail, both) = with_mail(&[]).await;
    for deployment in &both {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("mover").await);
        let (new, token) = (Person::new("moved").email, Some(user.token.as_str()));
        let change = async |email: &str, password: &str| {
            rest.put("/api/v1/users/me/email", token, &json!({"email": email, "password": password}))
                .await
        };
        let confirm =
            async |link: &str| rest.post("/api/v1/users/me/email/confirm", token, &json!({"token": link})).await;
        let email = async || rest.get(ME, token).await.expect(200).json()["email"].clone();
        change(&new, OTHER).await.expect_problem(403, "password_wrong");
        let _asked = change(&new, PASSWORD).await.expect(202);
        let link = mail.nth_to(&new, 1).await.token();
        assert_eq!(email().await, json!(user.email), "not before it is confirmed");
        confirm("nonsense").await.expect_problem(400, "token_invalid");
        let _confirmed = confirm(&link).await.expect(204);
        confirm(&link).await.expect_problem(400, "token_invalid");
        let me = rest.get(ME, token).await.expect(200).json();
        assert_eq!((&me["email"], &me["verified"]), (&json!(new), &json!(true)));
        let _by_new = rest.login(&new, PASSWORD).await.expect(200);
        rest.login(&user.email, PASSWORD).await.expect_problem(401, "bad_credentials");
        let undo = mail.nth_to(&user.email, 1).await;
        // Its owner may be logged out everywhere by now.
        let body = json!({"token": undo.token()});
        let _undone = rest.post("/api/v1/users/me/email/confirm", None, &body).await.expect(204);
        rest.get(ME, token).await.expect_problem(401, "unauthenticated");
        let back = rest.login(&user.email, PASSWORD).await.expect(200).account(String::new());
        assert_eq!(rest.get(ME, Some(&back.token)).await.expect(200).json()["email"], json!(user.email));
        // Another one's address: the answer is the same, and its owner is told.
        let owner = rest.new_user("owner").await;
        let body = json!({"email": owner.email, "password": PASSWORD});
        let _alike = rest.put("/api/v1/users/me/email", Some(&back.token), &body).await.expect(202);
        let notice = mail.nth_to(&owner.email, 1).await;
        assert!(!notice.text.contains("/#"), "no link: {}", notice.text);
    }
}

#[tokio::test]
async fn whoever_had_the_account_for_a_while_does_not_get_it_back() {
    let (mail, both) = with_mail(&[]).await;
    for deployment in &both {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("victim").await);
        let follow =
            async |link: &str| rest.post("/api/v1/users/me/email/confirm", None, &json!({"token": link})).await;
        let ask = async |token: &str, email: &str, password: &str| {
            let body = json!({"email": email, "password": password});
            let _asked = rest.put("/api/v1/users/me/email", Some(token), &body).await.expect(202);
            mail.nth_to(email, 1).await.token()
        };
        let [first, second, third] = ["first", "second", "third"].map(|name| Person::new(name).email);
        let _moved = follow(&ask(&user.token, &first, PASSWORD).await).await.expect(204);
        let undo = mail.nth_to(&user.email, 1).await.token();
        let squatter = Person { username: names::unique("squatter"), email: user.email.clone() };
        squatter.register(&rest).await.expect_problem(409, "account_exists");
        let _moved = follow(&ask(&user.token, &second, PASSWORD).await).await.expect(204);
        let stolen = mail.nth_to(&first, 2).await.token();
        let _undone = follow(&undo).await.expect(204);
        follow(&stolen).await.expect_problem(400, "token_invalid");
        // A link that was asked for before the password was changed.
        let back = rest.login(&user.email, PASSWORD).await.expect(200).account(String::new());
        let waiting = ask(&back.token, &third, PASSWORD).await;
        let body = json!({"password": PASSWORD, "new_password": OTHER});
        let _changed = rest.put("/api/v1/users/me/password", Some(&back.token), &body).await.expect(204);
        follow(&waiting).await.expect_problem(400, "token_invalid");
        let me = rest.get(ME, Some(&back.token)).await.expect(200).json();
        assert_eq!(me["email"], json!(user.email));
    }
}

#[tokio::test]
async fn sessions_are_listed_by_pages() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("pages").await);
        for _ in 0..4 {
            let _login = rest.login(&user.username, PASSWORD).await.expect(200);
        }
        let page = async |query: &str| rest.get(&format!("/api/v1/users/me/sessions{query}"), Some(&user.token)).await;
        let whole = page("").await.expect(200).json();
        let whole = whole["sessions"].as_array().expect("a list").clone();
        assert_eq!(whole.len(), 5);
        let (mut walked, mut query) = (Vec::new(), "?limit=2".to_owned());
        loop {
            let part = page(&query).await.expect(200).json();
            walked.extend(part["sessions"].as_array().expect("a list").clone());
            let Some(next) = part["next_cursor"].as_str() else { break };
            query = format!("?limit=2&cursor={next}");
        }
        assert_eq!(walked, whole);
        for bad in ["?limit=0", "?limit=201", "?cursor=x", "?other=1"] {
            page(bad).await.expect_problem(400, "bad_field");
        }
    }
}

#[tokio::test]
async fn s1_08_a_name_changes_once_a_day_and_the_old_one_is_kept() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("renamed").await);
        let rename = async |name: &str| {
            rest.put("/api/v1/users/me/username", Some(&user.token), &json!({"username": name})).await
        };
        let taken = rest.new_user("taken").await;
        let room = rest.new_room(&user, "public").await;
        let _said = rest.say(&room, &user, &json!({"content": "under the old name"})).await.expect(201);
        rename(&taken.username.to_uppercase()).await.expect_problem(409, "username_taken");
        rename("admin").await.expect_problem(409, "username_taken");
        rename("x").await.expect_problem(400, "bad_field");
        let new = names::unique("fresh");
        let me = rename(&new).await.expect(200).json();
        assert_eq!(me["username"], json!(new));
        assert_eq!(rest.get(ME, Some(&user.token)).await.expect(200).json()["username"], json!(new));
        let history = rest.get(&format!("/api/v1/rooms/{room}/messages"), Some(&user.token)).await.expect(200);
        assert!(history.text.contains(&new) && !history.text.contains(&user.username), "{}", history.text);
        let _login = rest.login(&new, PASSWORD).await.expect(200);
        rest.login(&user.username, PASSWORD).await.expect_problem(401, "bad_credentials");
        let soon = rename(&names::unique("soon")).await;
        soon.expect_problem(429, "rate_limited");
        assert!(soon.json()["retry_after_ms"].as_u64() > Some(80_000_000), "{}", soon.text);
        rename(&user.username).await.expect_problem(429, "rate_limited");
        let thief = Person { username: user.username.clone(), email: Person::new("thief").email };
        thief.register(&rest).await.expect_problem(409, "username_taken");
    }
}

#[tokio::test]
async fn after_a_rename_a_token_of_before_speaks_under_the_new_name() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("renamed").await);
        let (room, ends) = (rest.new_room(&user, "public").await, deployment.sockets());
        let mut before = Socket::login(&ends[0], "/ws", &user.token).await;
        before.subscribe(&room).await;
        let new = names::unique("fresh");
        let body = json!({"username": new});
        let _me = rest.put("/api/v1/users/me/username", Some(&user.token), &body).await.expect(200);
        before.expect_type("user_updated").await;
        let mut after = Socket::login(ends.last().expect("a gateway"), "/ws", &user.token).await;
        after.subscribe(&room).await;
        let ticket = rest.post("/api/v1/auth/ticket", Some(&user.token), &json!({})).await.expect(200).json();
        let ticket = ticket["ticket"].as_str().expect("a ticket");
        let mut by_ticket = Socket::connect(&ends[0], "/ws", ticket, Way::Ticket).await.open();
        by_ticket.expect_type("hello").await;
        by_ticket.subscribe(&room).await;
        let _said = rest.say(&room, &user, &json!({"content": "by REST"})).await.expect(201);
        before
            .send(json!({"type": "message", "room": room, "content": "by the old socket"}))
            .await;
        after.send(json!({"type": "message", "room": room, "content": "by the new socket"})).await;
        by_ticket.send(json!({"type": "message", "room": room, "content": "by a ticket"})).await;
        let mut said = Vec::new();
        while said.len() < 4 {
            let frame = before.expect_type("new_message").await;
            assert_eq!(frame["message"]["username"], json!(new), "{frame}");
            said.push(frame["message"]["content"].clone());
        }
        let whole = ["by REST", "by the old socket", "by the new socket", "by a ticket"];
        assert!(whole.iter().all(|text| said.contains(&json!(text))), "{said:?}");
    }
}

#[tokio::test]
async fn s4_15_a_disabled_user_cannot_log_in_and_is_told_after_the_right_password_only() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("disabled").await);
        deployment.command(&["user", "disable", &user.username], "");
        rest.login(&user.username, OTHER).await.expect_problem(401, "bad_credentials");
        rest.login(&user.username, PASSWORD).await.expect_problem(403, "account_disabled");
        rest.refresh(&user.refresh_token).await.expect_problem(401, "bad_refresh_token");
        rest.get(ME, Some(&user.token)).await.expect_problem(401, "unauthenticated");
        deployment.command(&["user", "enable", &user.username], "");
        let _enabled = rest.login(&user.username, PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn s5_03_every_socket_needs_a_valid_token() {
    use rookery_tests::ws::Attempt;
    for deployment in shared::both().await {
        let user = deployment.rest().new_user("socket").await;
        for way in Way::ALL {
            let attempt = Socket::connect(&deployment.sockets()[0], "/ws/chat/general", &user.token, way).await;
            let Attempt::Open(mut socket) = attempt else { panic!("{way:?}") };
            socket.expect_type("hello").await;
            match Socket::connect(&deployment.sockets()[0], "/ws/chat/general", "nonsense", way).await {
                Attempt::Open(mut socket) => assert_eq!(socket.closed(PATIENCE).await, Some(4401), "{way:?}"),
                Attempt::Refused(status) => assert_eq!(status, 401, "{way:?}"),
                Attempt::Unreachable(why) => panic!("{way:?}: {why}"),
            }
        }
    }
}

#[tokio::test]
async fn a_page_keeps_its_refresh_token_in_a_cookie_that_pages_of_others_cannot_use() {
    use rookery_tests::cluster::ALLOWED_ORIGIN;
    for deployment in shared::both().await {
        let user = deployment.rest().new_user("cookie").await;
        let base = deployment.api().public_url();
        let client = reqwest::Client::new();
        let own = base.clone();
        let ask = async |path: &str, origin: Option<&str>, cookie: Option<&str>, body: Option<&Value>| {
            let mut request = client.post(format!("{base}/api/v1/auth/{path}"));
            for (name, value) in [("origin", origin), ("cookie", cookie)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let request = if let Some(body) = body { request.json(body) } else { request };
            request.send().await.expect("an answer")
        };
        let body = json!({"login": user.username, "password": PASSWORD, "cookie": true});
        let foreign = ask("login", Some("https://evil.example"), None, Some(&body)).await;
        assert_eq!(foreign.status(), 403);
        let answer = ask("login", Some(&own), None, Some(&body)).await;
        assert_eq!(answer.status(), 200);
        let given = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
        for part in ["__Host-rookery_refresh=", "; Path=/;", "Max-Age=604800", "Secure", "HttpOnly", "SameSite=Strict"]
        {
            assert!(given.contains(part), "{part} in {given}");
        }
        let tokens: Value = answer.json().await.expect("JSON");
        assert!(tokens.get("refresh_token").is_none() && tokens["access_token"].is_string(), "{tokens}");
        let cookie = given.split(';').next().expect("a pair").to_owned();
        for origin in [None, Some("https://evil.example"), Some("null")] {
            assert_eq!(ask("refresh", origin, Some(&cookie), None).await.status(), 403, "{origin:?}");
            assert_eq!(ask("logout", origin, Some(&cookie), None).await.status(), 403, "{origin:?}");
        }
        let fresh = ask("refresh", Some(&own), Some(&cookie), None).await;
        assert_eq!(fresh.status(), 200);
        let next = fresh.headers()["set-cookie"].to_str().expect("text").to_owned();
        let next = next.split(';').next().expect("a pair").to_owned();
        assert_ne!(next, cookie);
        let left = ask("logout", Some(&own), Some(&next), None).await;
        assert_eq!(left.status(), 204);
        assert!(left.headers()["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
        assert_eq!(ask("refresh", Some(&own), Some(&next), None).await.status(), 401);
        let allowed = matches!(deployment, Deployment::Standalone(_));
        if allowed {
            assert_eq!(ask("login", Some(ALLOWED_ORIGIN), None, Some(&body)).await.status(), 200);
        }
    }
}
