//! The directory of public rooms: found by the beginnings of words, most members first, as they are now.

use rookery_tests::rest::{Account, Rest};
use rookery_tests::{names, shared};
use serde_json::{Value, json};

async fn make(rest: &Rest, owner: &Account, name: &str, visibility: &str) -> String {
    let body = json!({"name": name, "description": "Über alles Mögliche", "visibility": visibility});
    let made = rest.post("/api/v1/rooms", Some(&owner.token), &body).await.expect(201).json();
    made["room_id"].as_str().unwrap().to_owned()
}

async fn found(rest: &Rest, who: &Account, query: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/rooms?limit=1&q={query}{cursor}");
        let page = rest.get(&path, Some(&who.token)).await.expect(200).json();
        let rooms = page["rooms"].as_array().unwrap();
        all.extend(rooms.iter().map(|room| room["room_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn public_rooms_are_found_by_beginnings_of_words_and_as_they_are_now() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let word = names::unique("q").replace(['-', '_'], "");
        let public = make(&rest, &ann, &format!("Bär {word}"), "public").await;
        let private = make(&rest, &ann, &format!("Privat {word}"), "private").await;
        for query in [word.clone(), word.to_uppercase(), format!("bar%20{word}"), format!("{word}%20m%C3%B6gl")] {
            assert_eq!(found(&rest, &ben, &query).await, std::slice::from_ref(&public), "{query}");
        }
        assert_eq!(found(&rest, &ben, &format!("{word}%20nothing")).await, Vec::<String>::new());
        for signs in ["%25", "'", "!!!", "%F0%9F%8E%89", "%E2%80%8B"] {
            assert_eq!(found(&rest, &ben, signs).await, Vec::<String>::new(), "{signs}");
        }
        let own = found(&rest, &ann, &format!("{word}&mine=true")).await;
        let mut both = [private.clone(), public.clone()];
        both.sort();
        both.reverse();
        assert_eq!(own, both, "each once, of as many members the newest first");
        let path = format!("/api/v1/rooms/{private}/members/{}", ben.user_id);
        let _added = rest.put(&path, Some(&ann.token), &json!({})).await.expect(201);
        let own = found(&rest, &ann, &format!("{word}&mine=true")).await;
        assert_eq!(own, [private.clone(), public.clone()], "most members first");
        let _left = rest.leave(&private, &ben).await.expect(204);
        assert_eq!(found(&rest, &ben, &format!("{word}&mine=true")).await, std::slice::from_ref(&public));
        assert_eq!(found(&rest, &ben, &format!("fuch%20{word}")).await, Vec::<String>::new());
        let renamed = json!({"name": format!("Fuchs {word}")});
        let path = format!("/api/v1/rooms/{public}");
        let _renamed = rest.patch(&path, Some(&ann.token), &renamed).await.expect(200);
        assert_eq!(found(&rest, &ben, &format!("fuch%20{word}")).await, std::slice::from_ref(&public));
        let shown = json!({"visibility": "public"});
        let _shown = rest
            .patch(&format!("/api/v1/rooms/{private}"), Some(&ann.token), &shown)
            .await
            .expect(200);
        let mut both = found(&rest, &ben, &word).await;
        both.sort();
        let mut expected = [public.clone(), private];
        expected.sort();
        assert_eq!(both, expected);
        let long = "x".repeat(81);
        rest.get(&format!("/api/v1/rooms?q={long}"), Some(&ben.token))
            .await
            .expect_problem(400, "bad_field");
        let page: Value = rest.get("/api/v1/rooms?limit=1", Some(&ben.token)).await.expect(200).json();
        let cursor = page["next_cursor"].as_str().unwrap();
        let other = format!("/api/v1/rooms?q={word}&cursor={cursor}");
        rest.get(&other, Some(&ben.token)).await.expect_problem(400, "bad_field");
    }
}
