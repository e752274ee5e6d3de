//! Rooms always have an owner, unless nobody is in them; and who is in a room is for those who are. (Rows B16 and D13 of the
//! regressions.)

use http::Method;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, PASSWORD, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::ws::Socket;
use rookery_tests::{process, shared, tools};
use serde_json::{Value, json};

use crate::talk::{notice, refused};

async fn transfer(rest: &Rest, room: &str, by: &Account, to: &Account) -> Answer {
    rest.post(&format!("/api/v1/rooms/{room}/transfer"), Some(&by.token), &json!({"user_id": to.user_id}))
        .await
}

async fn members(rest: &Rest, room: &str, by: &Account) -> Answer {
    rest.get(&format!("/api/v1/rooms/{room}/members"), Some(&by.token)).await
}

#[tokio::test]
async fn d13_an_owner_hands_the_room_over_before_leaving() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (ann, ben, eve) = (rest.new_user("ann").await, rest.new_user("ben").await, rest.new_user("eve").await);
        let room = rest.new_room(&ann, "public").await;
        for user in [&ben, &eve] {
            let _joined = rest.join(&room, user).await.expect(200);
        }
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws", &ben.token).await;
        socket.subscribe(&room).await;
        rest.leave(&room, &ann).await.expect_problem(409, "owner_must_transfer");
        transfer(&rest, &room, &ben, &ben).await.expect_problem(403, "forbidden");
        let stranger = rest.new_user("stranger").await;
        transfer(&rest, &room, &ann, &stranger).await.expect_problem(404, "not_found");
        let given = transfer(&rest, &room, &ann, &ben).await.expect(200).json();
        assert_eq!(given["role"], "moderator", "what the one is who had it");
        let told = socket.expect_type("owner_changed").await;
        assert_eq!((&told["by"]["user_id"], &told["previous"]), (&json!(ann.user_id), &json!(ann.user_id)));
        assert_eq!(told["user"]["user_id"], ben.user_id.as_str());
        let _again = transfer(&rest, &room, &ben, &ben).await.expect(200);
        transfer(&rest, &room, &ann, &eve).await.expect_problem(403, "forbidden");
        let _left = rest.leave(&room, &ann).await.expect(204);
        notice(&mut socket, "member_left", &room, &ann.user_id).await;
        // The new owner may do what an owner does, on every node.
        let case = [room.as_str(), eve.user_id.as_str(), "kick"];
        assert_eq!(rest.moderate(Method::POST, case, &ben, &json!({})).await.status, 204);
        let _last = rest.leave(&room, &ben).await.expect(204);
        for user in [&ann, &ben] {
            rest.join(&room, user).await.expect_problem(404, "unknown_room");
        }
        refused(&mut socket, json!({"type": "message", "room": room, "content": "still here?"}), "unknown_room").await;
    }
}

/// A room of the fixture whose owner left at a time when that was possible.
#[tokio::test]
async fn d13_an_admin_gives_a_room_without_an_owner_a_new_one() {
    let server = Standalone::prepare();
    std::fs::create_dir_all(&server.data_dir).unwrap();
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.executescript(open(sys.argv[2]).read()); \
        db.execute(\"UPDATE users SET role = 'admin' WHERE username = 'eve'\"); db.commit()";
    let file = server.data_dir.join("rookery.db").display().to_string();
    let fixture = tools::repository()
        .join("api/store/tests/fixtures/store_of_2d92d35.sql")
        .display()
        .to_string();
    process::run(&tools::python("python3"), &["-c", script, &file, &fixture], &server.data_dir);
    server.node.start().await;
    let rest = Rest::new(server.node.public_url());
    let login = async |name: &str| rest.login(name, PASSWORD).await.expect(200).account(String::new());
    let (admin, bob, mallory) = (login("eve").await, login("bob").await, login("mallory").await);
    transfer(&rest, "orphan", &bob, &bob).await.expect_problem(403, "forbidden");
    transfer(&rest, "orphan", &mallory, &bob).await.expect_problem(403, "not_a_member");
    let _given = transfer(&rest, "orphan", &admin, &bob).await.expect(200);
    let room = rest.get("/api/v1/rooms/orphan", Some(&bob.token)).await.expect(200).json();
    assert_eq!(room["role"], "owner");
}

#[tokio::test]
async fn b16_members_are_told_to_members() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (ann, ben, eve) = (rest.new_user("ann").await, rest.new_user("ben").await, rest.new_user("eve").await);
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &ben).await.expect(200);
        let own = members(&rest, &room, &ben).await.expect(200).json();
        assert_eq!((&own["count"], own["members"].as_array().unwrap().len()), (&json!(2), 2));
        let outside = members(&rest, &room, &eve).await.expect(200).json();
        assert_eq!(outside, json!({"count": 2, "members": []}), "an outsider learns how many there are");
        let case = [room.as_str(), eve.user_id.as_str(), "ban"];
        assert_eq!(rest.moderate(Method::PUT, case, &ann, &json!({})).await.status, 204);
        members(&rest, &room, &eve).await.expect_problem(404, "unknown_room");
    }
}

/// Everybody is in `general`: that makes nobody acquainted.
#[tokio::test]
async fn b16_to_be_in_general_makes_nobody_acquainted() {
    for deployment in shared::both().await {
        let (rest, sockets) = (deployment.rest(), deployment.sockets());
        let (ann, eve) = (rest.new_user("ann").await, rest.new_user("eve").await);
        let mut here = Socket::login(&sockets[0], "/ws", &ann.token).await;
        let mut there = Socket::login(&sockets[1], "/ws", &eve.token).await;
        here.subscribe("general").await;
        there.subscribe("general").await;
        let watch = json!({"type": "watch", "users": [ann.user_id, eve.user_id], "rooms": ["general"]});
        here.send(watch.clone()).await;
        let seen = |frame: &Value| -> Vec<String> {
            let users = frame["users"].as_array().unwrap().iter();
            users.map(|user| user["user_id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(seen(&here.expect_type("watching").await), [ann.user_id.as_str()], "only oneself");
        let crowd = here.expect_type("room_presence").await;
        assert_eq!((crowd.get("users"), crowd["whole"].as_bool()), (None, Some(true)), "only counted: {crowd}");
        let path = format!("/api/v1/users/presence?ids={}", eve.user_id);
        let asked = rest.get(&path, Some(&ann.token)).await.expect(200).json();
        assert_eq!(asked["users"], json!([]));
        let room = rest.get("/api/v1/rooms/general/presence", Some(&ann.token)).await.expect(200).json();
        assert_eq!(room.get("users"), None);
        let shared = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&shared, &eve).await.expect(200);
        here.send(watch).await;
        assert_eq!(seen(&here.expect_type("watching").await).len(), 2, "who shares another room is seen");
    }
}
