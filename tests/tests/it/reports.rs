//! Reports: from the message to the decision and what both sides are told, on a cluster and on one process.

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{shared, wait};
use serde_json::{Value, json};

use crate::accounts::admin;

struct Scene {
    rest: Rest,
    room: String,
    owner: Account,
    author: Account,
    reporter: Account,
    root: Account,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let (rest, admin) = (deployment.rest(), admin(deployment).await);
        let (owner, author) = (rest.new_user("owner").await, rest.new_user("author").await);
        let reporter = rest.new_user("reporter").await;
        let room = rest.new_room(&owner, "public").await;
        for user in [&author, &reporter] {
            let _joined = rest.join(&room, user).await.expect(200);
        }
        Self { rest, room, owner, author, reporter, root: admin }
    }

    async fn said(&self, by: &Account, text: &str) -> String {
        let said = self.rest.say(&self.room, by, &json!({"content": text})).await.expect(201).json();
        said["message_id"].as_str().expect("an id").to_owned()
    }

    fn path(&self, message: &str) -> String {
        format!("/api/v1/rooms/{}/messages/{message}/report", self.room)
    }

    /// The id of a new report.
    async fn reported(&self, message: &str) -> String {
        let body = json!({"reason": "abuse", "note": "he means me"});
        let made = self
            .rest
            .post(&self.path(message), Some(&self.reporter.token), &body)
            .await
            .expect(201)
            .json();
        made["report_id"].as_str().expect("an id").to_owned()
    }

    async fn seen(&self, by: &Account, filter: &str) -> Vec<Value> {
        let path = format!("/api/v1/moderation/reports?limit=200&room={}{filter}", self.room);
        let page = self.rest.get(&path, Some(&by.token)).await.expect(200).json();
        page["reports"].as_array().expect("a list").clone()
    }

    async fn decide(&self, by: &Account, report: &str, body: Value) -> rookery_tests::rest::Answer {
        let path = format!("/api/v1/moderation/reports/{report}/resolve");
        self.rest.post(&path, Some(&by.token), &body).await
    }

    /// A notice that came to this.
    async fn told(&self, to: &Account, detail: &str) -> Value {
        self.find_notice(to, |notice| notice["detail"] == detail).await
    }

    async fn notice(&self, of: &Account, kind: &str) -> Value {
        self.find_notice(of, |notice| notice["kind"] == kind).await
    }

    async fn find_notice(&self, of: &Account, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut found = Value::Null;
        wait::until("the notice is there", async || {
            let page = self.rest.get("/api/v1/notifications", Some(&of.token)).await.expect(200).json();
            let notices = page["notifications"].as_array().expect("a list").clone();
            found = notices.into_iter().find(|notice| is_it(notice)).unwrap_or_default();
            !found.is_null()
        })
        .await;
        found
    }
}

#[tokio::test]
async fn s3_23_a_report_keeps_what_was_said_and_is_made_once() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let message = scene.said(&scene.author, "you fool").await;
        let report = scene.reported(&message).await;
        assert_eq!(scene.reported(&message).await, report, "once");
        let edit = format!("/api/v1/rooms/{}/messages/{message}", scene.room);
        let _edited = scene
            .rest
            .put(&edit, Some(&scene.author.token), &json!({"content": "hello"}))
            .await
            .expect(200);
        let seen = scene.seen(&scene.owner, "").await;
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!((&seen[0]["content"], &seen[0]["status"]), (&json!("you fool"), &json!("open")), "{seen:?}");
        assert_eq!((&seen[0]["reason"], &seen[0]["note"]), (&json!("abuse"), &json!("he means me")), "{seen:?}");
        let spam = json!({"reason": "spam"});
        let path = scene.path(&message);
        let own = scene.rest.post(&path, Some(&scene.author.token), &spam).await;
        own.expect_problem(403, "forbidden");
        let wrong = scene.rest.post(&path, Some(&scene.reporter.token), &json!({"reason": "dull"})).await;
        wrong.expect_problem(400, "bad_field");
        let stranger = scene.rest.new_user("stranger").await;
        let outside = scene.rest.post(&path, Some(&stranger.token), &spam).await;
        outside.expect_problem(403, "not_a_member");
        let nothing = scene.path("01890000-0000-7000-8000-000000000000");
        let nothing = scene.rest.post(&nothing, Some(&scene.reporter.token), &spam).await;
        nothing.expect_problem(404, "unknown_message");
    }
}

#[tokio::test]
async fn s3_24_reports_are_shown_to_those_who_keep_order_only() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let report = scene.reported(&scene.said(&scene.author, "one").await).await;
        let about_owner = scene.reported(&scene.said(&scene.owner, "two").await).await;
        let list = "/api/v1/moderation/reports";
        let refused = scene.rest.get(list, Some(&scene.reporter.token)).await;
        refused.expect_problem(403, "forbidden");
        let of_owner = scene.seen(&scene.owner, "").await;
        assert_eq!(of_owner.len(), 1, "{of_owner:?}");
        assert_eq!(of_owner[0]["report_id"], json!(report));
        assert!(of_owner[0].get("reporter").is_none(), "who reported is for staff: {of_owner:?}");
        let of_staff = scene.seen(&scene.root, "").await;
        assert_eq!(of_staff.len(), 2, "{of_staff:?}");
        assert_eq!(of_staff[0]["report_id"], json!(about_owner));
        assert_eq!(of_staff[0]["reporter"]["user_id"], json!(scene.reporter.user_id));
        let hidden = scene.decide(&scene.owner, &about_owner, json!({"action": "none"})).await;
        hidden.expect_problem(404, "not_found");
        let foreign = scene.rest.new_user("other").await;
        let _room = scene.rest.new_room(&foreign, "public").await;
        assert!(scene.seen(&foreign, "").await.is_empty());
        scene
            .decide(&foreign, &report, json!({"action": "none"}))
            .await
            .expect_problem(404, "not_found");
        let _decided = scene.decide(&scene.root, &about_owner, json!({"action": "none"})).await.expect(204);
        assert_eq!(scene.seen(&scene.root, "&status=resolved").await.len(), 1);
        assert_eq!(scene.seen(&scene.root, "&status=open").await.len(), 1);
    }
}

#[tokio::test]
async fn one_of_two_claims_wins_and_a_decision_is_made_once() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let message = scene.said(&scene.author, "one").await;
        let report = scene.reported(&message).await;
        let path = format!("/api/v1/moderation/reports/{report}/claim");
        let claim = async |by: &Account| scene.rest.post(&path, Some(&by.token), &json!({})).await;
        let (mine, theirs) = tokio::join!(claim(&scene.owner), claim(&scene.root));
        let mut both = [mine.status, theirs.status];
        both.sort_unstable();
        assert_eq!(both, [204, 409]);
        let (winner, loser) = if mine.status == 204 {
            (&scene.owner, &scene.root)
        } else {
            (&scene.root, &scene.owner)
        };
        claim(loser).await.expect_problem(409, "already_decided");
        let none = || json!({"action": "none"});
        scene.decide(loser, &report, none()).await.expect_problem(409, "already_decided");
        let _again = claim(winner).await.expect(204);
        let log = format!("/api/v1/moderation/audit?action=report_claimed&actor={}", winner.user_id);
        let log = scene.rest.get(&log, Some(&scene.root.token)).await.expect(200).json();
        let claimed = log["entries"].as_array().expect("a list").iter();
        let claimed = claimed.filter(|entry| entry["detail"]["report_id"] == report.as_str());
        assert_eq!(claimed.count(), 1, "{log}");
        let _decided = scene.decide(winner, &report, none()).await.expect(204);
        scene.decide(winner, &report, none()).await.expect_problem(409, "already_decided");
        let told = scene.notice(&scene.reporter, "report_resolved").await;
        assert_eq!((&told["detail"], &told["message"]), (&json!("none"), &json!(message)), "{told}");
        assert!(told.get("by").is_none(), "{told}");
    }
}

#[tokio::test]
async fn what_is_decided_is_done_noted_and_told() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (owner, root) = (&scene.owner, &scene.root);
        let message = scene.said(&scene.author, "one").await;
        let report = scene.reported(&message).await;
        let body = json!({"action": "delete", "note": "not here"});
        let _done = scene.decide(root, &report, body).await.expect(204);
        let history = scene.rest.history(&scene.room, &scene.reporter.token).await;
        let gone = history
            .iter()
            .find(|event| event["message"]["message_id"] == json!(message))
            .expect("its place");
        assert_eq!(gone["message"]["deleted"], json!(true), "staff need not be in the room: {gone}");
        let told = scene.notice(&scene.author, "sanctioned").await;
        assert_eq!((&told["detail"], &told["text"]), (&json!("delete"), &json!("not here")), "{told}");

        let report = scene.reported(&scene.said(&scene.author, "two").await).await;
        let wrong = json!({"action": "kick", "until": "2100-01-01T00:00:00.000Z"});
        scene.decide(owner, &report, wrong).await.expect_problem(400, "bad_field");
        scene
            .decide(owner, &report, json!({"action": "disable"}))
            .await
            .expect_problem(403, "forbidden");
        let ban = json!({"action": "ban", "until": "2100-01-01T00:00:00.000Z", "note": "enough"});
        let _done = scene.decide(owner, &report, ban).await.expect(204);
        let refused = scene.rest.say(&scene.room, &scene.author, &json!({"content": "hi"})).await;
        refused.expect_problem(403, "banned");
        let path = format!("/api/v1/rooms/{}/sanctions", scene.room);
        let held = scene.rest.get(&path, Some(&owner.token)).await.expect(200).json();
        assert_eq!(held["bans"][0]["until"], json!("2100-01-01T00:00:00.000Z"), "{held}");
        let path = format!("/api/v1/rooms/{}/audit", scene.room);
        let noted = scene.rest.get(&path, Some(&owner.token)).await.expect(200).json();
        let acts: Vec<&Value> = noted["entries"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|entry| &entry["action"])
            .collect();
        assert_eq!(acts[..3], ["report_resolved", "member_banned", "report_resolved"], "{noted}");

        let other = scene.rest.new_user("other").await;
        let _joined = scene.rest.join(&scene.room, &other).await.expect(200);
        let report = scene.reported(&scene.said(&other, "three").await).await;
        let _done = scene.decide(root, &report, json!({"action": "disable"})).await.expect(204);
        wait::until("its session is over", async || {
            scene.rest.get("/api/v1/users/me", Some(&other.token)).await.status == 401
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_refused_takes_nothing_up_and_nobody_learns_who_reported_them() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let _joined = scene.rest.join(&scene.room, &scene.root).await.expect(200);
        let staff = scene.rest.new_user("staff").await;
        let path = format!("/api/v1/admin/users/{}", staff.user_id);
        let role = json!({"role": "moderator"});
        let _named = scene.rest.patch(&path, Some(&scene.root.token), &role).await.expect(200);
        let report = scene.reported(&scene.said(&scene.root, "because I can").await).await;
        let refused = scene.decide(&staff, &report, json!({"action": "ban"})).await;
        refused.expect_problem(403, "forbidden");
        let of_staff = scene.seen(&staff, "").await;
        assert_eq!(of_staff[0]["status"], "open", "{of_staff:?}");
        assert_eq!(of_staff[0]["reporter"]["user_id"], scene.reporter.user_id.as_str());
        let of_author = scene.seen(&scene.root, "").await;
        assert!(of_author.iter().all(|report| report.get("reporter").is_none()), "{of_author:?}");
    }
}

#[tokio::test]
async fn staff_see_of_a_private_room_the_copy_only() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let private = scene.rest.new_room(&scene.owner, "private").await;
        let path = format!("/api/v1/rooms/{private}/members/{}", scene.reporter.user_id);
        let added = scene.rest.put(&path, Some(&scene.owner.token), &json!({})).await.status;
        assert!([201, 204].contains(&added), "{added}");
        let said = scene
            .rest
            .say(&private, &scene.owner, &json!({"content": "psst"}))
            .await
            .expect(201)
            .json();
        let message = said["message_id"].as_str().expect("an id");
        let path = format!("/api/v1/rooms/{private}/messages/{message}/report");
        let report = scene
            .rest
            .post(&path, Some(&scene.reporter.token), &json!({"reason": "illegal"}))
            .await
            .expect(201)
            .json();
        let list = format!("/api/v1/moderation/reports?room={private}");
        let seen = scene.rest.get(&list, Some(&scene.root.token)).await.expect(200).json();
        assert_eq!(seen["reports"][0]["content"], json!("psst"), "{seen}");
        let read = format!("/api/v1/rooms/{private}/messages/{message}");
        scene.rest.get(&read, Some(&scene.root.token)).await.expect_problem(404, "unknown_room");
        let report = report["report_id"].as_str().expect("an id");
        let _done = scene.decide(&scene.root, report, json!({"action": "delete"})).await.expect(204);
        let gone = scene.rest.get(&read, Some(&scene.reporter.token)).await.expect(200).json();
        assert_eq!(gone["message"]["deleted"], json!(true), "{gone}");
    }
}

#[tokio::test]
async fn a_mute_and_a_ban_that_are_over_say_so_once() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (room, author) = (scene.room.as_str(), &scene.author);
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws", &scene.owner.token).await;
        socket.subscribe(room).await;
        for (act, over) in [("mute", "member_unmuted"), ("ban", "member_unbanned")] {
            let case = [room, author.user_id.as_str(), act];
            let body = json!({"duration_s": 1, "reason": "calm down"});
            assert_eq!(scene.rest.moderate(Method::PUT, case, &scene.owner, &body).await.status, 204, "{act}");
            let heard = socket.expect("its end", |frame| frame["type"] == over).await;
            assert_eq!(heard["user"]["user_id"], json!(author.user_id), "{heard}");
            let told = scene.told(author, &format!("un{act}")).await;
            assert_eq!(told["kind"], json!("sanctioned"), "{told}");
            assert!(told.get("by").is_none(), "nobody's act: {told}");
        }
        let _again = scene.rest.join(room, author).await.expect(200);
        scene.said(author, "back again").await;
        let history = scene.rest.history(room, &scene.owner.token).await;
        let ends = history
            .iter()
            .filter(|event| event["type"] == "member_unmuted" || event["type"] == "member_unbanned");
        assert_eq!(ends.count(), 2, "{history:?}");
        let path = format!("/api/v1/rooms/{room}/sanctions");
        let held = scene.rest.get(&path, Some(&scene.owner.token)).await.expect(200).json();
        assert_eq!((&held["bans"], &held["mutes"]), (&json!([]), &json!([])), "{held}");
    }
}
