//! Who is told who is in a room.

use rookery_tests::dialect::Dialect;
use rookery_tests::shared;
use serde_json::{Value, json};

use super::Scene;

#[tokio::test]
async fn members_are_listed_in_pages_for_who_may_see_the_room() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment, Dialect::Native).await;
        let mut joined = vec![scene.owner.clone(), scene.member.clone()];
        for name in ["third", "fourth", "fifth"] {
            let user = scene.rest.new_user(name).await;
            let _joined = scene.rest.join(&scene.room, &user).await.expect(200);
            joined.push(user);
        }
        let path = format!("/api/v1/rooms/{}/members", scene.room);
        let (mut seen, mut query) = (Vec::new(), "limit=2".to_owned());
        loop {
            let page = scene
                .rest
                .get(&format!("{path}?{query}"), Some(&scene.member.token))
                .await
                .expect(200)
                .json();
            seen.extend(page["members"].as_array().expect("members").clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            query = format!("limit=2&cursor={next}");
        }
        let names = |members: &[Value]| -> Vec<String> {
            members
                .iter()
                .map(|member| member["username"].as_str().unwrap_or_default().to_owned())
                .collect()
        };
        assert_eq!(names(&seen), joined.iter().map(|user| user.username.clone()).collect::<Vec<_>>());
        assert_eq!((&seen[0]["role"], &seen[1]["role"]), (&json!("owner"), &json!("member")));
        assert!(seen.iter().all(|member| member["joined_at"].is_string()));
        for bad in ["limit=0", "limit=201", "cursor=x", "cursor=", "page=2"] {
            let answer = scene.rest.get(&format!("{path}?{bad}"), Some(&scene.member.token)).await;
            answer.expect_problem(400, "bad_field");
        }
        let first = scene
            .rest
            .get(&format!("{path}?limit=1"), Some(&scene.member.token))
            .await
            .expect(200)
            .json();
        let cursor = first["next_cursor"].as_str().expect("there is more");
        let secret = scene.rest.new_room(&scene.owner, "private").await;
        let foreign = format!("/api/v1/rooms/{secret}/members?cursor={cursor}");
        scene.rest.get(&foreign, Some(&scene.owner.token)).await.expect_problem(400, "bad_field");
        let hidden = format!("/api/v1/rooms/{secret}/members");
        scene
            .rest
            .get(&hidden, Some(&scene.member.token))
            .await
            .expect_problem(404, "unknown_room");
    }
}
