//! Pictures of accounts: drawn anew, at addresses that nobody guesses.

use std::io::Cursor;
use std::time::Duration;

use http::Method;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::redirect::Policy;
use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::{shared, wait};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::ME;

const MINE: &str = "/api/v1/users/me/avatar";

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let shade = |y: u32| u8::try_from(y % 200).unwrap_or_default();
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([if x < width / 2 { 250 } else { 5 }, 9, shade(y)]));
    let mut bytes = Vec::new();
    DynamicImage::from(picture)
        .write_to(&mut Cursor::new(&mut bytes), format)
        .expect("it is a picture");
    bytes
}

async fn put(rest: &Rest, user: &Account, body: Vec<u8>) -> Answer {
    let request = RawRequest {
        method: Method::PUT,
        path: MINE,
        token: Some(&user.token),
        content_type: Some("image/png"),
        body,
    };
    rest.raw(request).await.expect("an answer")
}

fn address(answer: &Answer) -> String {
    answer.json()["avatar"].as_str().expect("an address").to_owned()
}

async fn fetch(deployment: &Deployment, path: &str) -> reqwest::Response {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()
        .expect("the options are valid");
    let url = format!("{}{path}", deployment.api().public_url());
    client.get(url).send().await.expect("an answer")
}

#[tokio::test]
async fn s3_08_an_avatar_is_uploaded_and_shown_to_everybody() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, other) = (rest.new_user("avatar").await, rest.new_user("looker").await);
        let path = format!("/api/v1/users/{}/avatar", user.user_id);
        rest.get(&path, Some(&other.token)).await.expect_problem(404, "not_found");
        let mut seen = Vec::new();
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let large = address(&put(&rest, &user, picture(300, 200, format)).await.expect(200));
            let (id, size) = large
                .strip_prefix("/api/v1/avatars/")
                .and_then(|rest| rest.split_once('/'))
                .expect("a path");
            assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && size == "512", "{large}");
            let small = format!("/api/v1/avatars/{id}/64");
            for (address, side) in [(&large, 512), (&small, 64)] {
                let answer = fetch(deployment, address).await;
                assert_eq!(answer.status(), 200, "without a login: {address}");
                let headers = answer.headers().clone();
                assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
                assert_eq!(headers["x-content-type-options"], "nosniff");
                assert!(headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("image/")));
                let drawn = image::load_from_memory(&answer.bytes().await.expect("bytes")).expect("a picture");
                assert_eq!((drawn.width(), drawn.height()), (side, side));
            }
            seen.push(large);
        }
        let last = seen.last().expect("three").clone();
        for shown in [
            rest.get(ME, Some(&user.token)).await.expect(200).json()["avatar"].clone(),
            rest.get(&format!("/api/v1/users/{}", user.user_id), Some(&other.token))
                .await
                .expect(200)
                .json()["avatar"]
                .clone(),
            rest.get(&format!("/api/v1/users?q={}", user.username), Some(&other.token))
                .await
                .expect(200)
                .json()["users"][0]["avatar"]
                .clone(),
        ] {
            assert_eq!(shown, json!(last));
        }
        redirected(deployment, &path, &other, &last).await;
        // What was replaced is gone, and what is taken away, too.
        assert_eq!(fetch(deployment, &seen[0]).await.status(), 404);
        let _gone = rest.delete(MINE, Some(&user.token)).await.expect(204);
        let _again = rest.delete(MINE, Some(&user.token)).await.expect(204);
        assert_eq!(fetch(deployment, &last).await.status(), 404);
        assert_eq!(rest.get(ME, Some(&user.token)).await.expect(200).json()["avatar"], Value::Null);
        rest.get(&path, Some(&other.token)).await.expect_problem(404, "not_found");
    }
}

async fn redirected(deployment: &Deployment, path: &str, by: &Account, to: &str) {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()
        .expect("the options are valid");
    let ask = async |query: &str| {
        let url = format!("{}{path}{query}", deployment.api().public_url());
        client.get(url).bearer_auth(&by.token).send().await.expect("an answer")
    };
    let small = to.replace("/512", "/64");
    for (query, to) in [("", to), ("?size=512", to), ("?size=64", small.as_str())] {
        let answer = ask(query).await;
        assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (302, &to.parse().expect("a header")));
        assert_eq!(answer.headers()["cache-control"], "no-store", "it may be another one in a moment");
    }
    assert_eq!(ask("?size=65").await.status(), 400);
    assert_eq!(fetch(deployment, path).await.status(), 401);
    for nothing in ["/api/v1/avatars/x/512", "/api/v1/avatars/00000000000000000000000000000000/512"] {
        assert_eq!(fetch(deployment, nothing).await.status(), 404, "{nothing}");
    }
    let id = to.split('/').nth(4).expect("an id");
    for size in ["65", "0512", "-1", "512%00", "..%2f"] {
        assert_eq!(fetch(deployment, &format!("/api/v1/avatars/{id}/{size}")).await.status(), 404, "{size}");
    }
}

/// Nothing of it is a picture, or not only a picture.
fn hostile() -> Vec<(&'static str, u16, &'static str, Vec<u8>)> {
    let png = picture(64, 64, ImageFormat::Png);
    let with = |bytes: &[u8], more: &[u8]| [bytes, more].concat();
    let mut huge = png.clone();
    huge[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    huge[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    vec![
        ("nothing", 415, "file_type_refused", Vec::new()),
        ("text", 415, "file_type_refused", b"hello".to_vec()),
        (
            "SVG",
            415,
            "file_type_refused",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(),
        ),
        ("GIF", 415, "file_type_refused", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec()),
        ("page", 415, "file_type_refused", b"<!doctype html><script>alert(1)</script>".to_vec()),
        ("program", 415, "file_type_refused", b"\x7fELF\x02\x01\x01".to_vec()),
        ("half a PNG", 400, "bad_image", png[..png.len() / 2].to_vec()),
        ("half a JPEG", 400, "bad_image", {
            let jpeg = picture(64, 64, ImageFormat::Jpeg);
            jpeg[..jpeg.len() / 3].to_vec()
        }),
        ("a PNG and a ZIP", 400, "bad_image", with(&png, b"PK\x03\x04evil")),
        ("a WebP and a page", 400, "bad_image", with(&picture(64, 64, ImageFormat::WebP), b"<script>")),
        ("a bomb whose checksum is wrong", 400, "bad_image", huge),
        ("too many pixels", 400, "bad_image", picture(8_193, 2, ImageFormat::Png)),
    ]
}

#[tokio::test]
async fn hostile_pictures_are_refused_and_change_nothing() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("hostile").await);
        for (what, status, code, body) in hostile() {
            let answer = put(&rest, &user, body).await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}: {}", answer.text);
        }
        assert_eq!(rest.get(ME, Some(&user.token)).await.expect(200).json()["avatar"], Value::Null);
        deployment.assert_alive();
    }
}

/// What is answered to an upload that does not end.
async fn in_chunks(deployment: &Deployment, user: &Account) -> String {
    let base = deployment.api().public_url();
    let address = base.strip_prefix("http://").expect("an address");
    let (mut reader, mut writer) = TcpStream::connect(address).await.expect("it listens").into_split();
    let head = format!(
        "PUT {MINE} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ntransfer-encoding: chunked\r\n\r\n",
        user.token
    );
    let sending = tokio::spawn(async move {
        let chunk = [b"10000\r\n".as_slice(), &vec![0; 0x10000], b"\r\n"].concat();
        writer.write_all(head.as_bytes()).await.ok();
        // The server closes when it has seen enough.
        while writer.write_all(&chunk).await.is_ok() {}
    });
    let mut answer = [0; 13];
    reader.read_exact(&mut answer).await.expect("an answer");
    sending.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn h03_a_picture_over_its_limit_is_refused_with_413() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("large").await);
        let most = 8 * 1024 * 1024;
        put(&rest, &user, vec![0; most]).await.expect_problem(415, "file_type_refused");
        put(&rest, &user, vec![0; most + 1]).await.expect_problem(413, "file_too_large");
        // Without a length the server counts itself.
        assert!(in_chunks(deployment, &user).await.starts_with("HTTP/1.1 413 "));
        let stranger = RawRequest {
            method: Method::PUT,
            path: MINE,
            token: None,
            content_type: Some("image/png"),
            body: picture(9, 9, ImageFormat::Png),
        };
        rest.raw(stranger).await.expect("an answer").expect_problem(401, "unauthenticated");
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn pictures_stay_over_a_restart_and_only_the_last_of_many_is_left() {
    for deployment in &Deployment::both_with(&[]).await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("kept").await);
        let puts = (0..8).map(|n| put(&rest, &user, picture(60 + n, 60, ImageFormat::Png)));
        let mut addresses = Vec::new();
        for answer in futures_util::future::join_all(puts).await {
            addresses.push(address(&answer.expect(200)));
        }
        deployment.restart_all().await;
        let shown = rest.get(ME, Some(&user.token)).await.expect(200).json()["avatar"].clone();
        assert_eq!(fetch(deployment, shown.as_str().expect("an address")).await.status(), 200);
        let others: Vec<&String> = addresses.iter().filter(|address| **address != shown).collect();
        assert_eq!(others.len(), 7, "{shown} is one of them");
        wait::within(Duration::from_secs(100), "the others are gone", async || {
            let mut left = 0;
            for address in &others {
                left += usize::from(fetch(deployment, address).await.status() != 404);
            }
            left == 0
        })
        .await;
    }
}
