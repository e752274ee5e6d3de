//! Files: uploaded, attached to messages, got by who reads them and by nobody else, and gone with what they belong to.

use std::io::Cursor;
use std::time::Duration;

use http::{HeaderMap, Method};
use image::{DynamicImage, ImageFormat, RgbImage};
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::{names, shared, wait};
use serde_json::{Value, json};

use crate::schedules::later;

mod attacks;
mod avatars;
mod bucket;
mod large;
mod outsiders;
mod refused;

const FILES: &str = "/api/v1/files";

pub(crate) fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([u8::try_from(x % 256).unwrap_or(0), u8::try_from(y % 256).unwrap_or(0), 7])
    });
    let mut bytes = Vec::new();
    DynamicImage::from(picture)
        .write_to(&mut Cursor::new(&mut bytes), format)
        .expect("it is a picture");
    bytes
}

/// Uploads bytes as they are.
pub(crate) async fn try_upload(
    rest: &Rest,
    user: &Account,
    name: &str,
    content_type: Option<&str>,
    body: Vec<u8>,
) -> Answer {
    let encoded = name.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
    let path = format!("{FILES}?name={encoded}");
    let request = RawRequest { method: Method::POST, path: &path, token: Some(&user.token), content_type, body };
    rest.raw(request).await.expect("an answer")
}

pub(crate) async fn upload(rest: &Rest, user: &Account, name: &str, body: &[u8]) -> Value {
    try_upload(rest, user, name, None, body.to_vec()).await.expect(201).json()
}

pub(crate) fn id(file: &Value) -> String {
    file["file_id"].as_str().expect("an id").to_owned()
}

/// What comes back for an address, with or without a token.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) async fn get(deployment: &Deployment, path: &str, token: Option<&str>, headers: &[(&str, &str)]) -> Got {
    let url = if path.starts_with("http") {
        path.to_owned()
    } else {
        format!("{}{path}", deployment.api().public_url())
    };
    let mut request = reqwest::Client::new().get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Got { status, headers, bytes: answer.bytes().await.expect("a body").to_vec() }
}

pub(crate) async fn status(deployment: &Deployment, file: &str, user: &Account) -> u16 {
    get(deployment, &format!("{FILES}/{file}"), Some(&user.token), &[]).await.status
}

pub(crate) async fn links(rest: &Rest, user: &Account, files: &[&str]) -> Value {
    let answer = rest.post("/api/v1/files/links", Some(&user.token), &json!({"files": files})).await;
    answer.expect(200).json()["links"].clone()
}

pub(crate) async fn send(rest: &Rest, room: &str, user: &Account, content: &str, files: &[&str]) -> Answer {
    let client_id = names::unique("file");
    rest.say(room, user, &json!({"content": content, "client_id": client_id, "attachments": files}))
        .await
}

#[tokio::test]
async fn s3_34_s4_23_files_are_shared_in_a_room() {
    for deployment in shared::both().await {
        are_shared_in_a_room(deployment).await;
    }
}

async fn are_shared_in_a_room(deployment: &Deployment) {
    let rest = deployment.rest();
    let (ada, bob, eve) = (rest.new_user("ada").await, rest.new_user("bob").await, rest.new_user("eve").await);
    let room = rest.new_room(&ada, "public").await;
    let _joined = rest.join(&room, &bob).await.expect(200);
    let mut live = rookery_tests::ws::Socket::login(&deployment.sockets()[1], "/ws", &bob.token).await;
    live.subscribe(&room).await;
    let photo = upload(&rest, &ada, "holiday.jpg", &picture(640, 400, ImageFormat::Jpeg)).await;
    assert_eq!(
        (&photo["type"], &photo["width"], &photo["height"]),
        (&json!("image/jpeg"), &json!(640), &json!(400))
    );
    assert_eq!((&photo["name"], &photo["thumbnail"]), (&json!("holiday.jpg"), &json!(true)));
    let notes = upload(&rest, &ada, "notes.txt", b"remember the milk").await;
    assert_eq!((&notes["size"], &notes["thumbnail"], notes.get("width")), (&json!(17), &json!(false), None));
    for file in [&photo, &notes] {
        assert_eq!((status(deployment, &id(file), &ada).await, status(deployment, &id(file), &bob).await), (200, 404));
    }
    let sent = send(&rest, &room, &ada, "", &[&id(&photo), &id(&notes)]).await.expect(201).json();
    let attached = |file: &Value| {
        json!({"file_id": file["file_id"], "name": file["name"], "type": file["type"], "size": file["size"],
            "width": file.get("width"), "height": file.get("height")})
    };
    let expected = json!([attached(&photo), attached(&notes)]);
    let heard = live
        .expect("the message", |frame| frame["message"]["message_id"] == sent["message_id"])
        .await;
    assert_eq!(heard["message"]["attachments"], expected);
    let history = rest.history(&room, &bob.token).await;
    let told = history.iter().find(|event| event["message"]["message_id"] == sent["message_id"]);
    assert_eq!(told.expect("it is there")["message"]["attachments"], expected);
    let got = get(deployment, &format!("{FILES}/{}", id(&notes)), Some(&bob.token), &[]).await;
    assert_eq!((got.status, got.bytes.as_slice()), (200, &b"remember the milk"[..]));
    let small = get(deployment, &format!("{FILES}/{}/thumbnail", id(&photo)), Some(&bob.token), &[]).await;
    let small = image::load_from_memory(&small.bytes).expect("a picture");
    assert_eq!((small.width(), small.height()), (320, 200));
    assert_eq!(status(deployment, &id(&photo), &eve).await, 404, "she is not in the room");
    rest.delete(&format!("{FILES}/{}", id(&photo)), Some(&ada.token))
        .await
        .expect_problem(409, "file_attached");
    let again = send(&rest, &room, &ada, "again", &[&id(&photo)]).await;
    again.expect_problem(400, "bad_attachment");
}

#[tokio::test]
async fn a_frame_carries_files_and_a_repeat_is_the_same_message() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (ada, bob) = (rest.new_user("ada").await, rest.new_user("bob").await);
        let room = rest.new_room(&ada, "private").await;
        let mut live = rookery_tests::ws::Socket::login(&deployment.sockets()[0], "/ws", &ada.token).await;
        live.subscribe(&room).await;
        let file = id(&upload(&rest, &ada, "a.txt", b"x").await);
        let foreign = id(&upload(&rest, &bob, "b.txt", b"y").await);
        let client_id = names::unique("frame");
        let frame = json!({"type": "message", "room": room, "client_id": client_id, "attachments": [file]});
        live.send(frame.clone()).await;
        let ack = live.expect("the ack", |frame| frame["type"] == "ack").await;
        live.send(frame.clone()).await;
        let again = live.expect("the ack", |frame| frame["type"] == "ack").await;
        assert_eq!((&ack["message_id"], &ack["seq"]), (&again["message_id"], &again["seq"]));
        for files in [json!([foreign]), json!([file]), json!(["01920000-0000-7000-8000-0000000000a1"])] {
            live.send(json!({"type": "message", "room": room, "content": "mine?", "attachments": files}))
                .await;
            let error = live.expect("an error", |frame| frame["type"] == "error").await;
            assert_eq!((&error["code"], &error["field"]), (&json!("bad_attachment"), &json!("attachments")));
        }
        let many: Vec<String> = (0..11).map(|_| foreign.clone()).collect();
        live.send(json!({"type": "message", "room": room, "content": "x", "attachments": many}))
            .await;
        let error = live.expect("an error", |frame| frame["type"] == "error").await;
        assert_eq!((&error["code"], &error["field"]), (&json!("bad_field"), &json!("attachments")));
        assert_eq!(status(deployment, &foreign, &bob).await, 200, "nothing has happened to it");
        // The same text with another file is another message under a name that is taken.
        let other = id(&upload(&rest, &ada, "c.txt", b"z").await);
        let body = json!({"client_id": client_id, "attachments": [other]});
        rest.say(&room, &ada, &body).await.expect_problem(409, "client_id_reused");
    }
}

#[tokio::test]
async fn u13_files_go_with_their_message_their_room_and_their_owner() {
    for deployment in shared::both().await {
        go_with_what_they_belong_to(deployment).await;
    }
}

async fn go_with_what_they_belong_to(deployment: &Deployment) {
    let rest = deployment.rest();
    let (ada, bob) = (rest.new_user("ada").await, rest.new_user("bob").await);
    let [kept, ended] = [rest.new_room(&ada, "public").await, rest.new_room(&ada, "public").await];
    for room in [&kept, &ended] {
        let _joined = rest.join(room, &bob).await.expect(200);
    }
    let mut files = Vec::new();
    for _ in 0..4 {
        files.push(id(&upload(&rest, &ada, "a.png", &picture(9, 9, ImageFormat::Png)).await));
    }
    let [deleted, in_room, sent, loose] = [&files[0], &files[1], &files[2], &files[3]];
    let message = send(&rest, &kept, &ada, "going", &[deleted]).await.expect(201).json();
    let _sent = send(&rest, &ended, &ada, "ending", &[in_room]).await.expect(201);
    let _sent = send(&rest, &kept, &ada, "staying", &[sent]).await.expect(201);
    let all = links(&rest, &ada, &[deleted, in_room, sent, loose]).await;
    let url = |file: &str| all[file]["url"].as_str().expect("a link").to_owned();
    for file in [deleted, in_room, sent, loose] {
        assert_eq!(get(deployment, &url(file), None, &[]).await.status, 200, "without a login");
    }
    let path = format!("/api/v1/rooms/{kept}/messages/{}", message["message_id"].as_str().expect("an id"));
    let _gone = rest.delete(&path, Some(&ada.token)).await.expect(200);
    let _gone = rest.delete(&format!("/api/v1/rooms/{ended}"), Some(&ada.token)).await.expect(204);
    for file in [deleted, in_room] {
        assert_eq!(status(deployment, file, &bob).await, 404);
        wait::within(Duration::from_mins(1), "the file is gone for everybody", async || {
            status(deployment, file, &ada).await == 404 && get(deployment, &url(file), None, &[]).await.status == 404
        })
        .await;
    }
    let history = rest.history(&kept, &bob.token).await;
    let told = history.iter().find(|event| event["message"]["message_id"] == message["message_id"]);
    assert_eq!(told.expect("a place")["message"]["attachments"], json!([]));
    assert_eq!(status(deployment, sent, &bob).await, 200);
    let body = json!({"password": rookery_tests::rest::PASSWORD});
    let _erased = rest.post("/api/v1/users/me/delete", Some(&ada.token), &body).await.expect(204);
    wait::within(Duration::from_mins(1), "what was not sent is gone", async || {
        get(deployment, &url(loose), None, &[]).await.status == 404
    })
    .await;
    assert_eq!(status(deployment, sent, &bob).await, 200, "what was said stays");
}

#[tokio::test]
async fn u12_nobody_outside_of_the_room_gets_a_byte() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let owner = rest.new_user("owner").await;
        let [member, left, kicked, banned, outsider] = [
            rest.new_user("member").await,
            rest.new_user("left").await,
            rest.new_user("kicked").await,
            rest.new_user("banned").await,
            rest.new_user("outsider").await,
        ];
        let room = rest.new_room(&owner, "public").await;
        for user in [&member, &left, &kicked, &banned] {
            let _joined = rest.join(&room, user).await.expect(200);
        }
        let file = id(&upload(&rest, &owner, "a.png", &picture(400, 400, ImageFormat::Png)).await);
        let _sent = send(&rest, &room, &owner, "look", &[&file]).await.expect(201);
        let paths = [format!("{FILES}/{file}"), format!("{FILES}/{file}/thumbnail")];
        for user in [&owner, &member, &left, &kicked, &banned] {
            for path in &paths {
                assert_eq!(get(deployment, path, Some(&user.token), &[]).await.status, 200);
            }
        }
        let _left = rest.leave(&room, &left).await;
        let _kicked = rest.moderate(Method::POST, [&room, &kicked.user_id, "kick"], &owner, &Value::Null).await;
        let _banned = rest.moderate(Method::PUT, [&room, &banned.user_id, "ban"], &owner, &json!({})).await;
        for user in [&left, &kicked, &banned, &outsider] {
            for path in &paths {
                let headers = [("range", "bytes=0-3"), ("if-none-match", "*")];
                for headers in [&headers[..], &headers[..1], &[]] {
                    let got = get(deployment, path, Some(&user.token), headers).await;
                    assert_eq!(got.status, 404, "{path}");
                    assert!(got.bytes.starts_with(b"{"), "a problem and nothing else");
                }
            }
            assert_eq!(links(&rest, user, &[&file]).await, json!({}));
        }
        for path in &paths {
            assert_eq!(get(deployment, path, None, &[]).await.status, 401);
        }
        let link = links(&rest, &member, &[&file]).await[&file].clone();
        for url in [&link["url"], &link["thumbnail_url"]] {
            let url = url.as_str().expect("a link");
            assert_eq!(get(deployment, url, None, &[]).await.status, 200);
            let (path, query) = url.split_once('?').expect("a query");
            let other = path.replace(&file, &id(&upload(&rest, &owner, "b.txt", b"b").await));
            let later = query.replacen("expires=1", "expires=2", 1);
            for forged in
                [path.to_owned(), format!("{other}?{query}"), format!("{path}?{later}"), format!("{path}?{query}x")]
            {
                assert_eq!(get(deployment, &forged, None, &[]).await.status, 404, "{forged}");
            }
        }
        let swapped = link["url"].as_str().expect("a link").replacen(&file, &format!("{file}/thumbnail"), 1);
        assert_eq!(get(deployment, &swapped, None, &[]).await.status, 404, "a link is to one thing");
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn files_of_scheduled_messages_are_kept_for_them() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (ada, bob) = (rest.new_user("ada").await, rest.new_user("bob").await);
        let room = rest.new_room(&ada, "public").await;
        let _joined = rest.join(&room, &bob).await.expect(200);
        let path = format!("/api/v1/rooms/{room}/scheduled");
        let [sent, freed] =
            [id(&upload(&rest, &ada, "a.txt", b"a").await), id(&upload(&rest, &ada, "b.txt", b"b").await)];
        let soon = later(Duration::from_millis(10_700));
        let body = json!({"content": "see", "send_at": soon, "attachments": [sent]});
        let made = rest.post(&path, Some(&ada.token), &body).await.expect(201).json();
        assert_eq!(made["attachments"], json!([sent]));
        rest.post(&path, Some(&ada.token), &body).await.expect_problem(400, "bad_attachment");
        send(&rest, &room, &ada, "now", &[&sent]).await.expect_problem(400, "bad_attachment");
        assert_eq!(status(deployment, &sent, &bob).await, 404, "it is not sent yet");
        let body = json!({"send_at": later(Duration::from_hours(1)), "attachments": [freed]});
        let other = rest.post(&path, Some(&ada.token), &body).await.expect(201).json();
        let cancelled = format!("{path}/{}", other["schedule_id"].as_str().expect("an id"));
        let _gone = rest.delete(&cancelled, Some(&ada.token)).await.expect(204);
        let _sent = send(&rest, &room, &ada, "now", &[&freed]).await.expect(201);
        wait::within(Duration::from_secs(40), "the message is sent", async || {
            status(deployment, &sent, &bob).await == 200
        })
        .await;
        let history = rest.history(&room, &bob.token).await;
        let told = history.iter().find(|event| event["message"]["content"] == "see").expect("it is there");
        assert_eq!(told["message"]["attachments"][0]["file_id"], json!(sent));
    }
}

#[tokio::test]
async fn files_of_scheduled_messages_may_be_others() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (ada, bob) = (rest.new_user("ada").await, rest.new_user("bob").await);
        let room = rest.new_room(&ada, "private").await;
        let path = format!("/api/v1/rooms/{room}/scheduled");
        let [first, second, foreign] = [
            id(&upload(&rest, &ada, "a.txt", b"a").await),
            id(&upload(&rest, &ada, "b.txt", b"b").await),
            id(&upload(&rest, &bob, "c.txt", b"c").await),
        ];
        let body = json!({"send_at": later(Duration::from_hours(1)), "attachments": [first]});
        let made = rest.post(&path, Some(&ada.token), &body).await.expect(201).json();
        let path = format!("{path}/{}", made["schedule_id"].as_str().expect("an id"));
        let change = async |body: Value| rest.patch(&path, Some(&ada.token), &body).await;
        change(json!({"attachments": [first, foreign]}))
            .await
            .expect_problem(400, "bad_attachment");
        change(json!({"attachments": [first, first]})).await.expect_problem(400, "bad_field");
        change(json!({"attachments": []})).await.expect_problem(400, "empty_content");
        let both = change(json!({"attachments": [second, first]})).await.expect(200).json();
        assert_eq!(both["attachments"], json!([second, first]));
        send(&rest, &room, &ada, "now", &[&second]).await.expect_problem(400, "bad_attachment");
        let one = change(json!({"content": "one", "attachments": [second]})).await.expect(200).json();
        assert_eq!((&one["attachments"], &one["content"]), (&json!([second]), &json!("one")));
        let _sent = send(&rest, &room, &ada, "now", &[&first]).await.expect(201);
        let soon = json!({"send_at": later(Duration::from_millis(10_700)), "content": ""});
        let _soon = change(soon).await.expect(200);
        wait::within(Duration::from_secs(40), "the message is sent with its file", async || {
            let history = rest.history(&room, &ada.token).await;
            history.iter().any(|event| event["message"]["attachments"][0]["file_id"] == json!(second))
        })
        .await;
        change(json!({"content": "late", "attachments": []}))
            .await
            .expect_problem(409, "already_sent");
    }
}

#[tokio::test]
async fn messages_with_files_are_found_by_that() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let ada = rest.new_user("ada").await;
        let room = rest.new_room(&ada, "private").await;
        let file = id(&upload(&rest, &ada, "a.txt", b"a").await);
        let word = names::unique("word").replace('-', "");
        let with = send(&rest, &room, &ada, &format!("{word} one"), &[&file]).await.expect(201).json();
        let _without = rest.say(&room, &ada, &json!({"content": format!("{word} two")})).await.expect(201);
        let found = async |query: &str| {
            let path = format!("/api/v1/search/messages?q={word}{query}");
            let page = rest.get(&path, Some(&ada.token)).await.expect(200).json();
            let hits = page["hits"].as_array().expect("a list").clone();
            hits.into_iter().map(|hit| hit["message"]["message_id"].clone()).collect::<Vec<_>>()
        };
        wait::until("both are found", async || found("").await.len() == 2).await;
        assert_eq!(found("&has=file").await, [with["message_id"].clone()]);
        let bad = format!("/api/v1/search/messages?q={word}&has=files");
        rest.get(&bad, Some(&ada.token)).await.expect_problem(400, "bad_field");
    }
}

#[tokio::test]
async fn a_file_that_is_attached_to_nothing_is_deleted_by_its_owner() {
    for deployment in shared::both().await {
        are_deleted_by_their_owner(deployment).await;
    }
}

async fn are_deleted_by_their_owner(deployment: &Deployment) {
    let rest = deployment.rest();
    let (ada, bob) = (rest.new_user("ada").await, rest.new_user("bob").await);
    let file = id(&upload(&rest, &ada, "a.png", &picture(9, 9, ImageFormat::WebP)).await);
    let path = format!("{FILES}/{file}");
    rest.delete(&path, Some(&bob.token)).await.expect_problem(404, "not_found");
    let link = links(&rest, &ada, &[&file]).await[&file]["url"].as_str().expect("a link").to_owned();
    let _gone = rest.delete(&path, Some(&ada.token)).await.expect(204);
    rest.delete(&path, Some(&ada.token)).await.expect_problem(404, "not_found");
    assert_eq!(status(deployment, &file, &ada).await, 404);
    assert_eq!(get(deployment, &link, None, &[]).await.status, 404);
    let room = rest.new_room(&ada, "private").await;
    send(&rest, &room, &ada, "gone", &[&file]).await.expect_problem(400, "bad_attachment");
}
