//! What somebody uploads who means harm: rows U01 to U14 of the attack rows.

use std::time::Duration;

use http::Method;
use image::ImageFormat;
use rookery_tests::deployment::Deployment;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::{shared, wait};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{FILES, get, id, picture, send, status, try_upload, upload};

/// Where bytes of files and uploads are.
fn folder(deployment: &Deployment) -> std::path::PathBuf {
    match deployment {
        Deployment::Cluster(cluster) => format!("{}-files", cluster.keys_dir.display()).into(),
        Deployment::Standalone(server) => server.data_dir.join("files"),
    }
}

/// How many files there are below a folder, of which nobody takes one away meanwhile.
pub(super) fn count(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 })
        .sum()
}

async fn form(rest: &Rest, user: &Account, content_type: &str, body: Vec<u8>) -> Answer {
    let request = RawRequest {
        method: Method::POST,
        path: FILES,
        token: Some(&user.token),
        content_type: Some(content_type),
        body,
    };
    rest.raw(request).await.expect("an answer")
}

/// Begins an upload that says that it has so many bytes, and sends some.
pub(super) async fn begin(deployment: &Deployment, user: &Account, length: usize, sent: &[u8]) -> TcpStream {
    let base = deployment.api().public_url();
    let address = base.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "POST {FILES}?name=a.txt HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: {length}\r\n\r\n",
        user.token
    );
    stream.write_all(head.as_bytes()).await.expect("it is read");
    stream.write_all(sent).await.expect("it is read");
    stream
}

#[tokio::test]
async fn u01_uploads_that_are_too_long_or_make_no_sense_leave_nothing() {
    let settings = [("file_bytes_max", "100000".to_owned())];
    for deployment in &Deployment::both_with(&settings).await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("bad").await);
        let text = |count: usize| vec![b'x'; count];
        let kept = try_upload(&rest, &user, "a.txt", None, text(100_000)).await.expect(201).json();
        assert_eq!(count(&folder(deployment)), 1, "{kept}");
        try_upload(&rest, &user, "a.txt", None, text(100_001))
            .await
            .expect_problem(413, "file_too_large");
        try_upload(&rest, &user, "a.txt", None, text(1_000_000))
            .await
            .expect_problem(413, "file_too_large");
        let part = |content: &[u8]| {
            let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n\r\n";
            [&head[..], content, b"\r\n--b--\r\n"].concat()
        };
        let whole = "multipart/form-data; boundary=b";
        let sent = form(&rest, &user, whole, part(&text(100_000))).await.expect(201).json();
        assert_eq!((&sent["name"], &sent["size"]), (&json!("f.txt"), &json!(100_000)));
        form(&rest, &user, whole, part(&text(100_001)))
            .await
            .expect_problem(413, "file_too_large");
        form(&rest, &user, "multipart/form-data", part(b"x"))
            .await
            .expect_problem(400, "bad_field");
        form(&rest, &user, "multipart/form-data; boundary=c", part(b"x"))
            .await
            .expect_problem(400, "bad_field");
        let many = b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n".repeat(2_000);
        form(&rest, &user, whole, many).await.expect_problem(400, "bad_field");
        let endless = [&b"--b\r\nX-Endless: "[..], &text(90_000)].concat();
        form(&rest, &user, whole, endless).await.expect_problem(400, "bad_field");
        let cut = part(&text(5_000));
        form(&rest, &user, whole, cut[..4_000].to_vec()).await.expect_problem(400, "bad_field");
        // It says that it is longer than it is, and goes.
        drop(begin(deployment, &user, 50_000, &text(20_000)).await);
        wait::until("nothing else is kept", async || count(&folder(deployment)) == 2).await;
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn u02_uploads_that_do_not_go_on_take_a_place_of_their_user_only() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, other) = (rest.new_user("slow").await, rest.new_user("other").await);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(begin(deployment, &user, 1_000, b"x").await);
        }
        wait::until("a fifth is refused", async || {
            // The one that asks may have come before one of the four, which was refused instead.
            for stream in &mut held {
                if stream.try_read(&mut [0]).is_ok() {
                    *stream = begin(deployment, &user, 1_000, b"x").await;
                }
            }
            try_upload(&rest, &user, "a.txt", None, b"x".to_vec()).await.code() == "too_many_uploads"
        })
        .await;
        let _fine = upload(&rest, &other, "a.txt", b"x").await;
        let mut answer = [0; 12];
        let first = held.first_mut().expect("one");
        tokio::time::timeout(Duration::from_secs(40), first.read_exact(&mut answer))
            .await
            .expect("it does not wait for ever")
            .expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 408", "nothing came for half a minute");
        drop(held);
        wait::until("the places are free again", async || {
            try_upload(&rest, &user, "a.txt", None, b"x".to_vec()).await.status == 201
        })
        .await;
    }
}

#[tokio::test]
async fn u03_a_user_has_so_much_and_chat_goes_on() {
    let settings = [("user_quota_bytes", "10000".to_owned())];
    for deployment in &Deployment::both_with(&settings).await {
        let rest = deployment.rest();
        let (ada, bob) = (rest.new_user("ada").await, rest.new_user("bob").await);
        let first = id(&upload(&rest, &ada, "a.txt", &[b'x'; 9_000]).await);
        try_upload(&rest, &ada, "b.txt", None, vec![b'x'; 1_001])
            .await
            .expect_problem(403, "quota_exceeded");
        let _more = upload(&rest, &ada, "b.txt", &[b'x'; 1_000]).await;
        try_upload(&rest, &ada, "c.txt", None, b"x".to_vec())
            .await
            .expect_problem(403, "quota_exceeded");
        let _others = upload(&rest, &bob, "a.txt", &[b'x'; 9_000]).await;
        let room = rest.new_room(&ada, "private").await;
        let _said = rest.say(&room, &ada, &json!({"content": "still here"})).await.expect(201);
        let _gone = rest.delete(&format!("{FILES}/{first}"), Some(&ada.token)).await.expect(204);
        let _again = upload(&rest, &ada, "c.txt", &[b'x'; 9_000]).await;
    }
}

#[tokio::test]
async fn u04_what_could_run_is_kept_as_what_it_is_and_never_shown() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("markup").await;
        let (html, svg) = (&b"<!doctype html><script>alert(1)</script>"[..], &b"<svg onload='alert(1)'/>"[..]);
        let pdf = &b"%PDF-1.7\n1 0 obj<</S/JavaScript/JS(app.alert(1))>>"[..];
        for (name, content_type, body) in [
            ("a.png", None, html),
            ("a", Some("image/png"), html),
            ("a.png", None, svg),
            ("a.png", Some("image/png"), pdf),
            ("a.txt", None, pdf),
            ("a.html", Some("text/html"), &picture(9, 9, ImageFormat::Png)),
            ("a.exe", None, b"MZ\x90\0\x03\0\0\0"),
            ("a", None, b"\x7fELF\x02\x01\x01\0"),
            ("a", None, b"\0\x01\x02\x03\x04"),
        ] {
            let answer = try_upload(&rest, &user, name, content_type, body.to_vec()).await;
            assert_eq!((answer.status, answer.code().as_str()), (415, "file_type_refused"), "{name}");
        }
        for (name, body, kind) in [
            ("a.html", html, "text/html; charset=utf-8"),
            ("a.svg", svg, "image/svg+xml"),
            ("a.pdf", pdf, "application/pdf"),
            ("a.js", b"alert(document.cookie)", "text/plain; charset=utf-8"),
            ("a.zip", b"PK\x03\x04 a bomb that nobody unpacks", "application/zip"),
        ] {
            let file = id(&upload(&rest, &user, name, body).await);
            let got = get(deployment, &format!("{FILES}/{file}"), Some(&user.token), &[]).await;
            assert_eq!((got.status, got.bytes.as_slice()), (200, body), "{name}");
            assert_eq!(got.headers["content-type"], kind, "{name}");
            let disposition = got.headers["content-disposition"].to_str().expect("a text");
            assert!(disposition.starts_with("attachment; "), "{name}: {disposition}");
            assert_eq!(got.headers["x-content-type-options"], "nosniff");
            assert_eq!(got.headers["content-security-policy"], "default-src 'none'; sandbox; frame-ancestors 'none'");
            assert_eq!(got.headers["cache-control"], "private, no-cache");
            assert_eq!(got.headers["cross-origin-resource-policy"], "same-origin");
        }
        let shown = id(&upload(&rest, &user, "a.png", &picture(9, 9, ImageFormat::Png)).await);
        let got = get(deployment, &format!("{FILES}/{shown}"), Some(&user.token), &[]).await;
        assert!(got.headers["content-disposition"].to_str().expect("a text").starts_with("inline; "));
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn u04_files_have_an_origin_of_their_own_where_that_is_set() {
    let settings = [("files_origin", "http://files.example".to_owned())];
    for deployment in &Deployment::both_with(&settings).await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("origin").await);
        let file = id(&upload(&rest, &user, "a.png", &picture(9, 9, ImageFormat::Png)).await);
        let link = super::links(&rest, &user, &[&file]).await[&file]["url"]
            .as_str()
            .expect("a link")
            .to_owned();
        let path = link.strip_prefix("http://files.example").expect("the origin").to_owned();
        let there = [("host", "files.example")];
        assert_eq!(get(deployment, &path, None, &there).await.status, 200);
        assert_eq!(get(deployment, &path, None, &[]).await.status, 404, "links lead nowhere else");
        let own = format!("{FILES}/{file}");
        for elsewhere in ["/", "/api/v1/server", own.as_str()] {
            let got = get(deployment, elsewhere, Some(&user.token), &there).await;
            assert_eq!(got.status, 404, "{elsewhere}: nothing else is there");
        }
    }
}

#[tokio::test]
async fn u05_odd_names_are_names_of_files_and_nothing_else() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("names").await);
        for (given, name) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\evil.txt", "evil.txt"),
            ("a\0b\r\nSet-Cookie: x=y.txt", "abSet-Cookie_ x=y.txt"),
            ("con", "_con"),
            (".hidden", "hidden"),
            ("evil\u{202e}txt.exe", "eviltxt.exe"),
            ("日本.txt", "日本.txt"),
        ] {
            let file = upload(&rest, &user, given, b"x").await;
            assert_eq!(file["name"], json!(name), "{given:?}");
            let got = get(deployment, &format!("{FILES}/{}", id(&file)), Some(&user.token), &[]).await;
            assert_eq!(got.status, 200);
            let disposition = got.headers["content-disposition"].to_str().expect("a text").to_owned();
            assert!(disposition.contains("filename*=UTF-8''") && disposition.is_ascii(), "{disposition}");
            assert!(got.headers.get("set-cookie").is_none());
        }
        let long = upload(&rest, &user, &"x".repeat(5_000), b"x").await;
        assert!(long["name"].as_str().is_some_and(|name| name.len() < 120));
    }
}

#[tokio::test]
async fn u06_u08_pictures_that_are_bombs_or_broken_are_refused() {
    for deployment in shared::both().await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("bombs").await);
        let png = picture(64, 64, ImageFormat::Png);
        let mut huge = png.clone();
        huge[16..20].copy_from_slice(&50_000_u32.to_be_bytes());
        huge[20..24].copy_from_slice(&50_000_u32.to_be_bytes());
        let jpeg = picture(64, 64, ImageFormat::Jpeg);
        let hostile = [
            huge,
            picture(8_193, 2, ImageFormat::Png),
            png[..png.len() / 2].to_vec(),
            jpeg[..jpeg.len() / 3].to_vec(),
            jpeg[..jpeg.len() - 20].to_vec(),
            [&png[..], b"PK\x03\x04 another file behind it"].concat(),
            b"GIF89a/*\0\0\0\0*/=1;alert(1)".to_vec(),
        ];
        for body in hostile {
            try_upload(&rest, &user, "a", None, body).await.expect_problem(400, "bad_image");
        }
        // Bits that are flipped give an error or a picture, and never anything else.
        let mut seed = 0x9e37_79b9_u64;
        for _ in 0..40 {
            let mut flipped = if seed.is_multiple_of(2) { png.clone() } else { jpeg.clone() };
            for _ in 0..4 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = 12 + usize::try_from(seed >> 33).unwrap_or(0) % (flipped.len() - 12);
                flipped[at] ^= 1 << (seed % 8);
            }
            let answer = try_upload(&rest, &user, "a", None, flipped).await;
            assert!(matches!(answer.status, 201 | 400 | 415 | 429), "{}", answer.text);
        }
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn u09_where_a_picture_was_taken_is_not_passed_on() {
    for deployment in shared::both().await {
        nothing_beside_the_picture_is_kept(deployment).await;
    }
}

pub(super) async fn nothing_beside_the_picture_is_kept(deployment: &Deployment) {
    let (rest, user) = (deployment.rest(), deployment.rest().new_user("exif").await);
    let jpeg = picture(400, 300, ImageFormat::Jpeg);
    let secret = b"Exif\0\0GPS 52.5200 13.4050";
    let length = u16::try_from(secret.len() + 2).expect("short").to_be_bytes();
    let tagged = [&jpeg[..2], &[0xff, 0xe1], &length, secret, &jpeg[2..]].concat();
    let file = id(&upload(&rest, &user, "a.jpg", &tagged).await);
    for path in [format!("{FILES}/{file}"), format!("{FILES}/{file}/thumbnail")] {
        let got = get(deployment, &path, Some(&user.token), &[]).await;
        assert_eq!(got.status, 200);
        let has = |wanted: &[u8]| got.bytes.windows(wanted.len()).any(|part| part == wanted);
        assert!(!has(b"GPS") && !has(b"Exif"), "{path}");
    }
}

#[tokio::test]
async fn u11_what_nobody_can_look_into_is_not_taken() {
    for (command, status, code) in [
        ("grep -qv HARMFUL", 201, ""),
        ("/no/such/scanner", 503, "unavailable"),
        ("sleep --no-such-option", 201, ""),
    ] {
        let settings = [("scan_command", command.to_owned())];
        for deployment in &Deployment::both_with(&settings).await {
            let (rest, user) = (deployment.rest(), deployment.rest().new_user("scan").await);
            let answer = try_upload(&rest, &user, "a.txt", None, b"harmless\n".to_vec()).await;
            if command.starts_with("sleep") {
                // `sleep` ends with 1 for an option that it does not know, which says that something was found.
                answer.expect_problem(422, "file_infected");
                continue;
            }
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{command}: {}", answer.text);
            if status == 201 {
                let answer = try_upload(&rest, &user, "a.txt", None, b"HARMFUL\n".to_vec()).await;
                answer.expect_problem(422, "file_infected");
            }
        }
    }
}

#[tokio::test]
async fn u14_parts_of_a_file_are_given_one_at_a_time() {
    for deployment in shared::both().await {
        parts_are_given_one_at_a_time(deployment).await;
    }
}

pub(super) async fn parts_are_given_one_at_a_time(deployment: &Deployment) {
    let rest = deployment.rest();
    let user = rest.new_user("ranges").await;
    let file = id(&upload(&rest, &user, "a.txt", b"0123456789").await);
    let room = rest.new_room(&user, "private").await;
    let _sent = send(&rest, &room, &user, "x", &[&file]).await.expect(201);
    assert_eq!(status(deployment, &file, &user).await, 200);
    let path = format!("{FILES}/{file}");
    let ask = async |headers: &[(&str, &str)]| get(deployment, &path, Some(&user.token), headers).await;
    for (range, expected, place) in [
        ("bytes=0-3", &b"0123"[..], "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
    ] {
        let got = ask(&[("range", range)]).await;
        assert_eq!((got.status, got.bytes.as_slice()), (206, expected), "{range}");
        assert_eq!(got.headers["content-range"], place);
    }
    let many = format!("bytes={}", vec!["0-1"; 1_000].join(","));
    for range in ["bytes=10-", "bytes=0-5,3-8", many.as_str()] {
        let got = ask(&[("range", range)]).await;
        assert_eq!(got.status, 416, "{range}");
        assert_eq!(got.headers["content-range"], "bytes */10");
    }
    let whole = ask(&[]).await;
    let tag = whole.headers["etag"].to_str().expect("a text").to_owned();
    assert_eq!(
        (whole.headers["content-length"].as_bytes(), &whole.headers["accept-ranges"]),
        (&b"10"[..], &"bytes".parse().expect("a header"))
    );
    assert_eq!(ask(&[("if-none-match", &tag)]).await.status, 304);
    assert_eq!(ask(&[("range", "bytes=0-3"), ("if-range", &tag)]).await.status, 206);
    assert_eq!(ask(&[("range", "bytes=0-3"), ("if-range", "\"other\"")]).await.status, 200);
}
