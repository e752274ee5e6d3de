//! Pictures of rooms.

use http::Method;
use image::ImageFormat;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::shared;
use serde_json::{Value, json};

use super::{get, picture};

async fn put(rest: &Rest, room: &str, user: &Account, body: Vec<u8>) -> Answer {
    let path = format!("/api/v1/rooms/{room}/avatar");
    let content_type = Some("image/png");
    let request = RawRequest { method: Method::PUT, path: &path, token: Some(&user.token), content_type, body };
    rest.raw(request).await.expect("an answer")
}

async fn shown(rest: &Rest, room: &str, user: &Account) -> Value {
    rest.get(&format!("/api/v1/rooms/{room}"), Some(&user.token)).await.expect(200).json()["avatar"].clone()
}

#[tokio::test]
async fn rooms_have_pictures_that_their_owners_choose() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        for visibility in ["public", "private"] {
            let room = rest.new_room(&owner, visibility).await;
            if visibility == "public" {
                let _joined = rest.join(&room, &member).await.expect(200);
                put(&rest, &room, &member, picture(9, 9, ImageFormat::Png))
                    .await
                    .expect_problem(403, "forbidden");
            }
            put(&rest, &room, &owner, b"nothing".to_vec())
                .await
                .expect_problem(415, "file_type_refused");
            assert_eq!(shown(&rest, &room, &owner).await, Value::Null);
            let first = put(&rest, &room, &owner, picture(300, 200, ImageFormat::Png)).await.expect(200).json();
            let address = first["avatar"].as_str().expect("an address").to_owned();
            let got = get(deployment, &address, None, &[]).await;
            assert_eq!(got.status, 200, "{address}");
            let drawn = image::load_from_memory(&got.bytes).expect("a picture");
            assert_eq!((drawn.width(), drawn.height()), (512, 512));
            let now = shown(&rest, &room, &owner).await.as_str().expect("an address").to_owned();
            assert_eq!(get(deployment, &now, None, &[]).await.status, 200);
            if visibility == "public" {
                assert_eq!((now.as_str(), shown(&rest, &room, &member).await), (address.as_str(), json!(address)));
            } else {
                let (bare, _) = now.split_once('?').expect("it is signed");
                assert_eq!(
                    get(deployment, bare, None, &[]).await.status,
                    404,
                    "an address of a private room is signed"
                );
            }
            let small = now.replace("/512", "/64");
            assert_eq!(get(deployment, &small, None, &[]).await.status, 200);
            let second = put(&rest, &room, &owner, picture(50, 50, ImageFormat::Jpeg)).await.expect(200).json();
            assert_ne!(second["avatar"], first["avatar"]);
            assert_eq!(get(deployment, &address, None, &[]).await.status, 404, "the one before is gone");
            let path = format!("/api/v1/rooms/{room}/avatar");
            let _gone = rest.delete(&path, Some(&owner.token)).await.expect(204);
            let _again = rest.delete(&path, Some(&owner.token)).await.expect(204);
            assert_eq!(shown(&rest, &room, &owner).await, Value::Null);
            assert_eq!(get(deployment, second["avatar"].as_str().expect("an address"), None, &[]).await.status, 404);
        }
    }
}
