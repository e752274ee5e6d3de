//! What people call things: rooms, users, addresses, status texts, and the passwords that are as good as none.
//! (Rows B14, C1, C2, C3 and C6 of the regressions.)

use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, PASSWORD, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::ws::Socket;
use rookery_tests::{names, process, shared, tools};
use serde_json::json;

use crate::talk::refused;

async fn make(rest: &Rest, user: &Account, name: &str) -> Answer {
    rest.post("/api/v1/rooms", Some(&user.token), &json!({"name": name})).await
}

async fn register(rest: &Rest, username: &str, email: &str, password: &str) -> Answer {
    let body = json!({"username": username, "email": email, "password": password});
    rest.post("/api/v1/auth/register", None, &body).await
}

#[tokio::test]
async fn c01_another_name_is_another_room_and_the_same_name_is_none() {
    for deployment in shared::both().await {
        let (rest, word) = (deployment.rest(), names::unique("x"));
        let ann = rest.new_user("ann").await;
        let mut slugs = Vec::new();
        for name in ["Bär", "Bör", "日本語", "日本語?", "!", "?"] {
            let room = make(&rest, &ann, &format!("{name} {word}")).await.expect(201).json();
            slugs.push(room["slug"].as_str().unwrap_or_else(|| panic!("no slug: {room}")).to_owned());
        }
        assert_eq!(slugs[..2], ["bar", "bor"].map(|slug| format!("{slug}-{word}").to_ascii_lowercase()));
        assert!(slugs[3].ends_with("-2") && slugs[5].ends_with("-2"), "{slugs:?}");
        for slug in &slugs {
            let _found = rest.get(&format!("/api/v1/rooms/{slug}"), Some(&ann.token)).await.expect(200);
        }
        for name in ["bär", "BÄR", "  Ba\u{308}r", "Ｂär"] {
            let answer = make(&rest, &ann, &format!("{name} {word}")).await;
            answer.expect_problem(409, "room_name_taken");
            assert_eq!(answer.json()["field"], "name");
        }
        let body = json!({"name": format!("Bär {word}"), "visibility": "private"});
        let _private = rest.post("/api/v1/rooms", Some(&ann.token), &body).await.expect(201);
    }
}

#[tokio::test]
async fn c01_of_many_who_make_one_room_at_once_one_does() {
    for deployment in shared::both().await {
        let (rest, word) = (deployment.rest(), names::unique("same"));
        let ann = rest.new_user("ann").await;
        let made = futures_util::future::join_all((0..8).map(|_| make(&rest, &ann, &word))).await;
        assert_eq!(made.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(made.iter().all(|answer| [201, 409].contains(&answer.status)));
        // Names that differ, and whose slugs do not.
        let named = futures_util::future::join_all((0..8).map(|n| {
            let name = format!("{word}{}", "!".repeat(n + 1));
            let (rest, ann) = (rest.clone(), ann.clone());
            async move { make(&rest, &ann, &name).await.status }
        }));
        assert_eq!(named.await, [201; 8]);
    }
}

#[tokio::test]
async fn c02_reserved_words_are_nobodys() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let ann = rest.new_user("ann").await;
        let made = make(&rest, &ann, "Mine").await;
        // The tests of one run share a server, and the name is one.
        assert!(made.status == 201 || made.code() == "room_name_taken", "{}", made.text);
        let slug = made.json()["slug"].as_str().map(str::to_owned);
        assert!(slug.is_none_or(|slug| slug.starts_with("mine-")), "{}", made.text);
        let mine = rest.get("/api/v1/rooms/mine", Some(&ann.token)).await.expect(200).json();
        assert!(mine["rooms"].is_array(), "the caller's rooms: {mine}");
        for name in ["admin", "Moderator", "SYSTEM", "general", "rookery"] {
            let answer = register(&rest, name, &format!("{}@example.org", names::unique("a")), PASSWORD).await;
            answer.expect_problem(409, "username_taken");
        }
    }
}

#[tokio::test]
async fn c03_names_are_visible_and_turn_nothing_around() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let ann = rest.new_user("ann").await;
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws", &ann.token).await;
        for bad in [
            "\u{200b}",
            " ",
            "\u{202e}liam",
            "a\u{2066}b",
            "\u{3164}",
            "two\nlines",
            "a\u{0}b",
            "a\u{feff}b",
            "a\u{1d173}",
            "\u{fffc}",
            "a\u{e000}",
            "a\u{378}",
        ] {
            make(&rest, &ann, bad).await.expect_problem(400, "bad_field");
            let body = json!({"status": "away", "text": bad});
            let said = rest.put("/api/v1/users/me/presence", Some(&ann.token), &body).await;
            said.expect_problem(400, "bad_field");
            refused(&mut socket, json!({"type": "presence", "status": "away", "text": bad}), "bad_field").await;
            let answer = register(&rest, &format!("{bad}liam"), "liam@example.org", PASSWORD).await;
            answer.expect_problem(400, "bad_field");
        }
        let body = json!({"name": names::unique("described"), "description": "a\u{202e}b"});
        let described = rest.post("/api/v1/rooms", Some(&ann.token), &body).await;
        described.expect_problem(400, "bad_field");
        let name = format!("  Cafe\u{301} {} ", names::unique("x"));
        let made = make(&rest, &ann, &name).await.expect(201).json();
        assert_eq!(made["name"], name.trim().replace("e\u{301}", "é"), "trimmed and in one form");
    }
}

#[tokio::test]
async fn c06_an_address_is_one_in_whatever_form() {
    for deployment in shared::both().await {
        let (rest, word) = (deployment.rest(), names::unique("ada"));
        let email = format!("{word}@bücher.example");
        let _made = register(&rest, &word, &email, PASSWORD).await.expect(201);
        for login in [
            format!("{word} "),
            format!(" {}\n", word.to_uppercase()),
            email.to_uppercase(),
            format!("{word}@xn--bcher-kva.example"),
            format!(" {word}@XN--BCHER-KVA.example "),
        ] {
            let _in = rest.login(&login, PASSWORD).await.expect(200);
        }
        let (composed, apart) = (format!("é{word}@example.org"), format!("e\u{301}{word}@example.org"));
        let _made = register(&rest, &names::unique("zoe"), &composed, PASSWORD).await.expect(201);
        let _in = rest.login(&apart, PASSWORD).await.expect(200);
        register(&rest, &names::unique("eve"), &apart, PASSWORD)
            .await
            .expect_problem(409, "account_exists");
        let other = format!("{word}@XN--bcher-kva.example");
        register(&rest, &names::unique("eve"), &other, PASSWORD)
            .await
            .expect_problem(409, "account_exists");
        for bad in [
            "<a@example.org>",
            "a@example.org,b@example.org",
            "a\u{0}@example.org",
            "a b@example.org",
            "a@b@example.org",
        ] {
            let answer = register(&rest, &names::unique("eve"), bad, PASSWORD).await;
            answer.expect_problem(400, "bad_field");
            assert_eq!(answer.json()["field"], "email", "{bad:?}");
        }
    }
}

#[tokio::test]
async fn b14_the_first_passwords_that_are_tried_are_refused() {
    for deployment in shared::both().await {
        let (rest, name) = (deployment.rest(), names::unique("ada"));
        let email = format!("{name}@example.org");
        for bad in ["password", "Password1", "12345678", "qwertyuiop", &name.to_uppercase(), &email] {
            let answer = register(&rest, &name, &email, bad).await;
            answer.expect_problem(400, "password_too_common");
            assert_eq!(answer.json()["field"], "password");
        }
        let _made = register(&rest, &name, &email, PASSWORD).await.expect(201);
    }
}

/// The store of the fixture, opened by a whole server: see `api/store/tests/it/store_contract/old_store.rs` for all that is in it.
#[tokio::test]
async fn c06_nobody_of_an_old_store_is_locked_out() {
    let server = Standalone::prepare();
    std::fs::create_dir_all(&server.data_dir).unwrap();
    let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())";
    let file = server.data_dir.join("rookery.db").display().to_string();
    let fixture = tools::repository()
        .join("api/store/tests/fixtures/store_of_2d92d35.sql")
        .display()
        .to_string();
    process::run(&tools::python("python3"), &["-c", script, &file, &fixture], &server.data_dir);
    server.node.start().await;
    let rest = Rest::new(server.node.public_url());
    for login in [
        "ada",
        "eve",
        "admin",
        "bob",
        "mallory",
        "ada@bücher.example",
        "ADA@xn--bcher-kva.example",
        "bob@bücher.example",
        "bob@xn--bcher-kva.example",
        "<admin@example.org>",
        "mallory@example.org",
    ] {
        let _in = rest.login(login, PASSWORD).await.expect(200);
    }
    let ada = rest.login("ada", PASSWORD).await.expect(200).account(String::new());
    let rooms = rest.get("/api/v1/rooms", Some(&ada.token)).await.expect(200).json();
    assert_eq!(rooms["rooms"].as_array().unwrap().len(), 11);
    assert!(server.node.process.log().contains("room has another name or address"), "it is told in the log");
    let mut socket = Socket::login(&server.node.socket_url(), "/ws", &ada.token).await;
    socket.subscribe("ri-ben-yu").await;
    socket
        .send(json!({"type": "message", "room": "ri-ben-yu", "content": "still here", "client_id": "c-1"}))
        .await;
    socket.expect_type("ack").await;
}
