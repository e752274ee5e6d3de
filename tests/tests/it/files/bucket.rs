//! Files in a bucket: the same as in a folder, and nothing is left there that nobody needs.

use std::time::Duration;

use image::ImageFormat;
use rookery_tests::deployment::Deployment;
use rookery_tests::s3::S3;
use rookery_tests::wait;

use super::attacks::{begin, count, nothing_beside_the_picture_is_kept, parts_are_given_one_at_a_time};
use super::{
    FILES, are_deleted_by_their_owner, are_shared_in_a_room, get, go_with_what_they_belong_to, id, links, picture,
    send, upload,
};

/// More than is put into a bucket in one piece.
const LARGE: usize = 20_000_000;

async fn nothing_is_left(bucket: &S3, what: &str) {
    wait::within(Duration::from_mins(1), what, async || {
        bucket.names().await.is_empty() && count(bucket.uploads()) == 0
    })
    .await;
}

#[tokio::test]
async fn files_in_a_bucket_are_as_those_in_a_folder() {
    let bucket = S3::start().await;
    for deployment in &Deployment::both_with(&bucket.settings()).await {
        are_shared_in_a_room(deployment).await;
        parts_are_given_one_at_a_time(deployment).await;
        nothing_beside_the_picture_is_kept(deployment).await;
        go_with_what_they_belong_to(deployment).await;
        are_deleted_by_their_owner(deployment).await;
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn a_bucket_keeps_nothing_of_what_is_gone_or_never_came() {
    let bucket = S3::start().await;
    for deployment in &Deployment::both_with(&bucket.settings()).await {
        let (rest, user) = (deployment.rest(), deployment.rest().new_user("bucket").await);
        let room = rest.new_room(&user, "private").await;
        for length in [50_000, LARGE] {
            drop(begin(deployment, &user, length, &vec![b'x'; length / 2]).await);
        }
        nothing_is_left(&bucket, "what was cut off is nowhere").await;

        let large: Vec<u8> = (0..LARGE).map(|at| b'a' + u8::try_from(at % 23).unwrap_or(0)).collect();
        let file = id(&upload(&rest, &user, "large.txt", &large).await);
        let photo = id(&upload(&rest, &user, "a.jpg", &picture(700, 500, ImageFormat::Jpeg)).await);
        let mut names = bucket.names().await;
        names.sort();
        let mut expected = vec![
            format!("files/{file}/original"),
            format!("files/{photo}/original"),
            format!("files/{photo}/thumbnail"),
        ];
        expected.sort();
        assert_eq!(names, expected);
        let path = format!("{FILES}/{file}");
        assert!(get(deployment, &path, Some(&user.token), &[]).await.bytes == large, "in the order in which it came");
        let part = get(deployment, &path, Some(&user.token), &[("range", "bytes=8388600-8388620")]).await;
        assert_eq!(
            (part.status, part.bytes.as_slice()),
            (206, &large[8_388_600..=8_388_620]),
            "over the end of a part"
        );

        let sent = send(&rest, &room, &user, "both", &[&file, &photo]).await.expect(201).json();
        let link = links(&rest, &user, &[&photo]).await[&photo]["url"].as_str().expect("a link").to_owned();
        assert_eq!(get(deployment, &link, None, &[]).await.status, 200);
        let message = format!("/api/v1/rooms/{room}/messages/{}", sent["message_id"].as_str().expect("an id"));
        let _gone = rest.delete(&message, Some(&user.token)).await.expect(200);
        assert_eq!(get(deployment, &link, None, &[]).await.status, 404);
        nothing_is_left(&bucket, "the files went with their message").await;
    }
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_an_error_and_leaves_nothing() {
    let bucket = S3::start().await;
    let [_, deployment] = Deployment::both_with(&bucket.settings()).await;
    let (rest, user) = (deployment.rest(), deployment.rest().new_user("bucket").await);
    let kept = id(&upload(&rest, &user, "a.txt", b"here").await);
    bucket.process.kill();
    let refused = super::try_upload(&rest, &user, "b.txt", None, b"lost".to_vec()).await;
    refused.expect_problem(503, "unavailable");
    assert_eq!(get(&deployment, &format!("{FILES}/{kept}"), Some(&user.token), &[]).await.status, 503);
    assert_eq!(count(bucket.uploads()), 0);
    deployment.assert_alive();
}
