//! Web Push: devices that no page is open on are told of notices, by a real push service that decrypts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rookery_tests::deployment::Deployment;
use rookery_tests::push::{Device, PushService, claims};
use rookery_tests::rest::{Account, PASSWORD, Rest};
use rookery_tests::{names, wait};
use serde_json::{Value, json};

use crate::accounts::admin;

const SUBSCRIPTIONS: &str = "/api/v1/push/subscriptions";
const SETTINGS: &str = "/api/v1/users/me/settings";

/// Two members of a room, one of whom has a device.
struct Scene<'a> {
    rest: Rest,
    service: &'a PushService,
    ann: Account,
    ben: Account,
    room: String,
    device: Device,
}

async fn deployments(service: &PushService) -> [Deployment; 2] {
    let contact = "mailto:ops@example.org".to_owned();
    Deployment::both_with(&[("outgoing_allow", service.origin()), ("push_contact", contact)]).await
}

impl<'a> Scene<'a> {
    async fn on(deployment: &Deployment, service: &'a PushService) -> Self {
        let rest = deployment.rest();
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &ben).await.expect(200);
        let device = service.device();
        let scene = Self { rest, service, ann, ben, room, device };
        scene.subscribe(&scene.device).await;
        scene
    }

    async fn subscribe(&self, device: &Device) {
        let put = self.rest.put(SUBSCRIPTIONS, Some(&self.ben.token), &device.subscription()).await;
        assert_eq!(put.status, 204, "{put:?}");
    }

    /// Somebody mentions ben.
    async fn call(&self, text: &str) -> (u64, String) {
        let content = format!("{text} @{}", self.ben.username);
        let body = json!({"client_id": names::unique("p"), "content": content});
        let said = self.rest.say(&self.room, &self.ann, &body).await.expect(201).json();
        (said["seq"].as_u64().unwrap(), said["message_id"].as_str().unwrap().to_owned())
    }

    async fn settings(&self, notifications: Value) {
        let change = json!({"notifications": notifications});
        let _changed = self.rest.patch(SETTINGS, Some(&self.ben.token), &change).await.expect(200);
    }

    async fn inbox(&self) -> Vec<Value> {
        let page = self.rest.get("/api/v1/notifications", Some(&self.ben.token)).await.expect(200).json();
        page["notifications"].as_array().unwrap().clone()
    }

    /// All pushes to the device once there are `count`.
    async fn pushed(&self, count: usize) -> Vec<Value> {
        let all = self.service.expect(&self.device, count).await;
        all.iter().map(|sent| self.device.read(sent)).collect()
    }
}

#[tokio::test]
async fn s4_28_a_device_is_told_of_a_mention_and_of_its_being_read() {
    let service = PushService::start().await;
    for deployment in deployments(&service).await {
        let scene = Scene::on(&deployment, &service).await;
        let server = scene.rest.get("/api/v1/server", None).await.expect(200).json();
        let push_key = server["push_key"].as_str().unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(push_key).unwrap().len(), 65);
        let (seq, message) = scene.call("a secret").await;
        let sent = scene.service.expect(&scene.device, 1).await.remove(0);
        let told = scene.device.read(&sent);
        let row = scene.inbox().await.remove(0);
        for field in ["id", "kind", "room", "message", "by", "created_at"] {
            assert_eq!(told[field], row[field], "{field}");
        }
        assert_eq!((&told["type"], &told["message"]), (&json!("notification"), &json!(message)));
        assert!(!told.to_string().contains("secret") && told.get("text").is_none(), "ids only: {told}");
        assert_eq!((sent.header("urgency"), sent.header("content-encoding")), ("high", "aes128gcm"));
        let ttl: u64 = sent.header("ttl").parse().unwrap();
        assert!((1..=86_400).contains(&ttl));
        let topic = sent.header("topic").to_owned();
        assert!(URL_SAFE_NO_PAD.decode(&topic).is_ok() && topic.len() <= 32, "{topic}");
        let claims = claims(&sent, push_key);
        assert_eq!((&claims["aud"], &claims["sub"]), (&json!(service.origin()), &json!("mailto:ops@example.org")));

        // An admin sees what has become of it.
        let root = admin(&deployment).await;
        let lookup = format!("/api/v1/admin/lookup/message/{message}");
        wait::until("the push is done", async || {
            let found = scene.rest.get(&lookup, Some(&root.token)).await.expect(200).json();
            found["pushes"] == json!({"open": 0, "done": 1, "dead": 0})
        })
        .await;

        // Read on another device: it is taken away here, and what was not delivered is replaced.
        let read = format!("/api/v1/rooms/{}/read", scene.room);
        let _read = scene.rest.put(&read, Some(&scene.ben.token), &json!({"seq": seq})).await.expect(200);
        let sent = scene.service.expect(&scene.device, 2).await.remove(1);
        assert_eq!(scene.device.read(&sent), json!({"type": "read", "room": scene.room}));
        assert_eq!(sent.header("topic"), topic);

        scene.settings(json!({"push_text": true})).await;
        scene.call("no secret").await;
        let told = scene.pushed(3).await.remove(2);
        assert!(told["text"].as_str().unwrap().starts_with("no secret"), "{told}");
        assert_eq!(told["by_name"], json!(scene.ann.username));
        let up_to = scene.inbox().await[0]["id"].clone();
        let read = json!({"up_to": up_to});
        assert_eq!(scene.rest.post("/api/v1/notifications/read", Some(&scene.ben.token), &read).await.status, 204);
        assert_eq!(scene.pushed(4).await[3], json!({"type": "read"}));
    }
}

#[tokio::test]
async fn what_a_push_service_answers_is_heeded() {
    let service = PushService::start().await;
    for deployment in deployments(&service).await {
        let scene = Scene::on(&deployment, &service).await;
        scene.settings(json!({"push_text": true})).await;
        // Too long: the same without its words.
        scene.service.answer(&scene.device, 413, None);
        scene.call("long").await;
        let told = scene.pushed(2).await;
        assert!(told[0].get("text").is_some() && told[1].get("text").is_none(), "{told:?}");
        assert_eq!(told[0]["id"], told[1]["id"]);
        // Too often, then out of order: the same later.
        scene.service.answer(&scene.device, 429, Some(1));
        scene.service.answer(&scene.device, 503, None);
        let (_, message) = scene.call("later").await;
        let told = scene.pushed(5).await;
        assert!(told[2..].iter().all(|told| told["message"] == message.as_str()), "{told:?}");
        // Unknown or gone: forgotten, and other devices are told as before.
        for status in [404, 410] {
            let other = scene.service.device();
            scene.subscribe(&other).await;
            scene.service.answer(&other, status, None);
            scene.call("gone").await;
            scene.service.expect(&other, 1).await;
            let before = scene.service.deliveries(&scene.device).len();
            scene.call("again").await;
            scene
                .service
                .expect(&scene.device, before.max(scene.service.deliveries(&scene.device).len()) + 1)
                .await;
            scene.service.expect(&other, 1).await;
        }
    }
}

#[tokio::test]
async fn quiet_hours_and_levels_are_kept_and_a_room_has_the_last_word() {
    let service = PushService::start().await;
    for deployment in deployments(&service).await {
        let scene = Scene::on(&deployment, &service).await;
        scene.settings(json!({"quiet_hours": {"from_minute": 0, "to_minute": 1439}})).await;
        let (_, night) = scene.call("in the night").await;
        rookery_tests::wait::until("it is in the inbox", async || scene.inbox().await.len() == 1).await;
        // Its push would be due by then.
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        scene.settings(json!({"quiet_hours": null, "level": "none"})).await;
        let (_, unheard) = scene.call("to nobody").await;
        let room = format!("/api/v1/users/me/rooms/{}", scene.room);
        let chosen = scene.rest.patch(&room, Some(&scene.ben.token), &json!({"notify": "mentions"})).await;
        assert_eq!(chosen.status, 204);
        // It is deleted before its push is due.
        let (_, deleted) = scene.call("said too early").await;
        let path = format!("/api/v1/rooms/{}/messages/{deleted}", scene.room);
        assert_eq!(scene.rest.delete(&path, Some(&scene.ann.token)).await.status, 200);
        // Of a muted room nothing is pushed, not even what is done there.
        let muted = json!({"muted_until": "2999-01-01T00:00:00.000Z"});
        assert_eq!(scene.rest.patch(&room, Some(&scene.ben.token), &muted).await.status, 204);
        let role = format!("/api/v1/rooms/{}/members/{}/role", scene.room, scene.ben.user_id);
        let raised = scene.rest.put(&role, Some(&scene.ann.token), &json!({"role": "moderator"})).await;
        assert_eq!(raised.status, 204);
        let is_told = async || scene.inbox().await.iter().any(|row| row["kind"] == "role_changed");
        rookery_tests::wait::until("it is in the inbox", is_told).await;
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        let back = json!({"muted_until": null});
        assert_eq!(scene.rest.patch(&room, Some(&scene.ben.token), &back).await.status, 204);
        let (_, heard) = scene.call("to this room").await;
        let told = scene.pushed(1).await;
        assert_eq!(told[0]["message"], json!(heard));
        let inbox = scene.inbox().await;
        let has = |message: &str| inbox.iter().any(|row| row["message"] == message);
        assert!(
            has(&night) && has(&heard) && !has(&unheard),
            "the room's choice counts, quiet hours do not: {inbox:?}"
        );
        // A login that has ended has no devices.
        let other = scene.rest.login(&scene.ben.username, PASSWORD).await.expect(200).account(String::new());
        let later = scene.service.device();
        let put = scene.rest.put(SUBSCRIPTIONS, Some(&other.token), &later.subscription()).await;
        assert_eq!(put.status, 204);
        assert_eq!(scene.rest.logout(&scene.ben.refresh_token).await.status, 204);
        let (_, last) = scene.call("after the logout").await;
        let sent = scene.service.expect(&later, 1).await.remove(0);
        assert_eq!(later.read(&sent)["message"], json!(last));
        scene.pushed(1).await;
    }
}

#[tokio::test]
async fn a_subscription_is_public_well_formed_and_one_of_ten() {
    let service = PushService::start().await;
    for deployment in deployments(&service).await {
        let scene = Scene::on(&deployment, &service).await;
        let Scene { rest, ben, .. } = &scene;
        let good = scene.device.subscription();
        for endpoint in [
            "http://push.example/a",
            "https://127.0.0.1/a",
            "https://2130706433/a",
            "https://0x7f.1/a",
            "https://[::1]/a",
            "https://[::ffff:10.0.0.1]/a",
            "https://169.254.169.254/latest",
            "https://localhost/a",
            "https://push.example:6379/a",
            "https://a:b@push.example/",
            "nonsense",
            "",
        ] {
            let mut bad = good.clone();
            bad["endpoint"] = json!(endpoint);
            let refused = rest.put(SUBSCRIPTIONS, Some(&ben.token), &bad).await;
            refused.expect_problem(400, "bad_field");
            assert_eq!(refused.json()["field"], "endpoint", "{endpoint}");
        }
        let wrong_keys = [
            json!({"p256dh": "AAAA", "auth": good["keys"]["auth"]}),
            json!({"p256dh": URL_SAFE_NO_PAD.encode([4; 65]), "auth": good["keys"]["auth"]}),
            json!({"p256dh": good["keys"]["p256dh"], "auth": "AAAA"}),
            json!({"p256dh": good["keys"]["p256dh"]}),
            json!([good["keys"]["p256dh"], good["keys"]["auth"]]),
        ];
        for keys in wrong_keys {
            let bad = json!({"endpoint": good["endpoint"], "keys": keys});
            rest.put(SUBSCRIPTIONS, Some(&ben.token), &bad).await.expect_problem(400, "bad_field");
        }
        rest.put(SUBSCRIPTIONS, None, &good).await.expect_problem(401, "unauthenticated");
        // Ten more: the first one is told nothing any more.
        let more: Vec<Device> = (0..10).map(|_| scene.service.device()).collect();
        for device in &more {
            scene.subscribe(device).await;
        }
        for gone in [&more[0], &more[0]] {
            let path = format!("{SUBSCRIPTIONS}?endpoint={}", gone.endpoint);
            assert_eq!(rest.delete(&path, Some(&ben.token)).await.status, 204);
        }
        rest.delete(SUBSCRIPTIONS, Some(&ben.token)).await.expect_problem(400, "bad_field");
        scene.call("who is there?").await;
        for device in &more[1..] {
            scene.service.expect(device, 1).await;
        }
        assert!(scene.service.deliveries(&more[0]).is_empty() && scene.service.deliveries(&scene.device).is_empty());
    }
}
