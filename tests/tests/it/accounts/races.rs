//! What happens at the same moment, at two apis and two gateways, after random delays. `ROOKERY_RACE_ROUNDS=200` plays long ones;
//! a seed that failed is played again by `ROOKERY_RACE_SEED`.

use std::env;
use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::names;
use rookery_tests::node::Node;
use rookery_tests::rest::{Account, Answer, PASSWORD, Rest};
use rookery_tests::ws::Socket;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::erasure::receipt;
use super::second_factor::{BEGIN, Device, secured, with_code};
use super::{Person, admin};

/// Rounds of a race in a run of all tests.
const ROUNDS: u64 = 12;
/// Longest random delay, in microseconds.
const DELAY_MAX: u64 = 30_000;

fn number(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told by its environment what to play"
    )]
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number: {text}")))
}

/// A deployment with two apis, where it has more than one process.
struct Racers {
    deployment: Deployment,
    other: Option<Node>,
    root: Account,
    dice: StdRng,
    rounds: u64,
}

impl Racers {
    #[expect(clippy::print_stdout, reason = "a failure is played again by its seed")]
    async fn both(name: &str) -> Vec<Self> {
        let seed = number("ROOKERY_RACE_SEED").unwrap_or_else(rand::random);
        println!("{name}: ROOKERY_RACE_SEED={seed}");
        let mut all = Vec::new();
        for deployment in Deployment::both_with(&[]).await {
            let other = if let Deployment::Cluster(cluster) = &deployment {
                Some(cluster.another_api())
            } else {
                None
            };
            if let Some(other) = &other {
                other.start().await;
            }
            let root = admin(&deployment).await;
            let rounds = number("ROOKERY_RACE_ROUNDS").unwrap_or(ROUNDS);
            all.push(Self { deployment, other, root, dice: StdRng::seed_from_u64(seed), rounds });
        }
        all
    }

    fn apis(&self) -> [Rest; 2] {
        let one = self.deployment.rest();
        let other = self
            .other
            .as_ref()
            .map_or_else(|| self.deployment.rest(), |other| Rest::new(other.public_url()));
        [one, other]
    }

    fn delay(&mut self) -> Duration {
        Duration::from_micros(self.dice.random_range(0..DELAY_MAX))
    }

    fn delays<const N: usize>(&mut self) -> [Duration; N] {
        [(); N].map(|()| self.delay())
    }
}

/// Sends texts until the socket ends; which of them were acknowledged.
async fn talk(mut socket: Socket, room: String, first: Duration, between: Duration) -> (Vec<String>, Option<u16>) {
    let end = Instant::now() + Duration::from_secs(30);
    sleep(first).await;
    let mut acked = Vec::new();
    for n in 0.. {
        let client_id = names::unique("c");
        let content = format!("{client_id} {n}");
        socket
            .send(json!({"type": "message", "room": room, "client_id": client_id, "content": content}))
            .await;
        let until = Instant::now() + between;
        loop {
            match timeout_at(until, socket.incoming()).await {
                Ok(Incoming::Frame(frame)) if frame["type"] == "ack" => {
                    acked.push(frame["client_id"].as_str().expect("an id").to_owned());
                }
                Ok(Incoming::Frame(_)) => {}
                Ok(Incoming::Closed(code)) => return (acked, code),
                Ok(Incoming::Lost(_)) => return (acked, None),
                Err(_) => break,
            }
        }
        assert!(Instant::now() < end, "the socket never ends");
    }
    (acked, None)
}

#[tokio::test]
async fn an_account_is_deleted_while_it_sends_from_two_gateways() {
    for mut racers in Racers::both("deleted while sending").await {
        let ([rest, other], sockets) = (racers.apis(), racers.deployment.sockets());
        let friend = rest.new_user("witness").await;
        let room = rest.new_room(&friend, "public").await;
        for round in 0..racers.rounds {
            let user = rest.new_user("leaver").await;
            let _joined = rest.join(&room, &user).await.expect(200);
            let mut talking = Vec::new();
            for base in &sockets {
                let mut socket = Socket::login(base, "/ws", &user.token).await;
                socket.subscribe(&room).await;
                let [first, between] = racers.delays();
                talking.push(tokio::spawn(talk(socket, room.clone(), first, between / 4)));
            }
            sleep(racers.delay() * 5).await;
            let gone = other
                .post("/api/v1/users/me/delete", Some(&user.token), &json!({"password": PASSWORD}))
                .await;
            assert_eq!(gone.status, 204, "round {round}: {}", gone.text);
            let mut acked = Vec::new();
            for talked in join_all(talking).await {
                let (texts, code) = talked.expect("it ends");
                assert_eq!(code, Some(4409), "round {round}");
                acked.extend(texts);
            }
            let receipt = receipt(&rest, &racers.root, &user.user_id).await;
            let history = rest.history(&room, &friend.token).await;
            assert_history(&history, &user, &acked).unwrap_or_else(|why| panic!("round {round}: {why}\n{receipt}"));
        }
    }
}

/// Everything that was acknowledged is there once, nobody's name is, and nothing comes behind the end of the membership.
fn assert_history(history: &[Value], user: &Account, acked: &[String]) -> Result<(), String> {
    let by = |event: &Value| [&event["message"]["user_id"], &event["user"]["user_id"]].contains(&&json!(user.user_id));
    let own: Vec<&Value> = history.iter().filter(|event| by(event)).collect();
    for client_id in acked {
        let copies = own.iter().filter(|event| event["message"]["client_id"] == client_id.as_str()).count();
        if copies != 1 {
            return Err(format!("{client_id} was acknowledged and is there {copies} times"));
        }
    }
    let last = own.last().map(|event| event["type"].clone());
    if last != Some(json!("member_left")) {
        return Err(format!("the last one of them is {last:?}"));
    }
    if json!(history).to_string().contains(&user.username) {
        return Err(format!("{} is named", user.username));
    }
    Ok(())
}

#[tokio::test]
async fn a_code_of_a_device_is_shown_twice_at_once() {
    for mut racers in Racers::both("a code twice").await {
        let apis = racers.apis();
        for round in 0..racers.rounds {
            let user = apis[0].new_user("factor").await;
            let (device, _, _) = secured(&apis[0], &user).await;
            let body = with_code(&user, &device.code(1));
            let delays: [Duration; 2] = racers.delays();
            let answers = join_all(apis.iter().zip(delays).map(|(api, delay)| {
                let body = &body;
                async move {
                    sleep(delay / 10).await;
                    api.post("/api/v1/auth/login", None, body).await.status
                }
            }))
            .await;
            let taken = answers.iter().filter(|status| **status == 200).count();
            assert!(taken == 1 && answers.contains(&401), "round {round}: {answers:?}");
        }
    }
}

#[tokio::test]
async fn a_device_is_confirmed_twice_at_once() {
    for mut racers in Racers::both("a device confirmed twice").await {
        let apis = racers.apis();
        for round in 0..racers.rounds {
            let user = apis[0].new_user("twice").await;
            let begun = apis[0]
                .post(BEGIN, Some(&user.token), &json!({"password": PASSWORD}))
                .await
                .expect(200)
                .json();
            let body = json!({"code": Device::of(&begun).code(0)});
            let delays: [Duration; 2] = racers.delays();
            let answers = join_all(apis.iter().zip(delays).map(|(api, delay)| {
                let (path, body, user) = (format!("{BEGIN}/confirm"), &body, &user);
                async move {
                    sleep(delay / 10).await;
                    api.post(&path, Some(&user.token), body).await
                }
            }))
            .await;
            let confirmed: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
            assert_eq!(confirmed.len(), 1, "round {round}: {answers:?}");
            let shown = confirmed[0].json();
            let code = shown["recovery_codes"][0].as_str().expect("a code");
            let _login = apis[1].post("/api/v1/auth/login", None, &with_code(&user, code)).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_login_with_the_old_password_comes_in_while_it_is_changed() {
    for mut racers in Racers::both("the old password").await {
        let apis = racers.apis();
        for round in 0..racers.rounds {
            let user = apis[0].new_user("changing").await;
            let delays: [Duration; 4] = racers.delays();
            let change = async {
                let body = json!({"password": PASSWORD, "new_password": "another horse 8"});
                apis[0].put("/api/v1/users/me/password", Some(&user.token), &body).await.expect(204)
            };
            let logins = join_all(delays.into_iter().enumerate().map(|(n, delay)| {
                let (api, user) = (&apis[n % 2], &user);
                async move {
                    sleep(delay * 3).await;
                    api.login(&user.username, PASSWORD).await
                }
            }));
            let (_changed, logins) = tokio::join!(change, logins);
            for login in &logins {
                assert!([200, 401].contains(&login.status), "round {round}: {login:?}");
                if login.status == 200 {
                    let token = login.json()["refresh_token"].as_str().expect("a token").to_owned();
                    apis[1].refresh(&token).await.expect_problem(401, "bad_refresh_token");
                }
            }
            let own = apis[1].get("/api/v1/users/me/sessions", Some(&user.token)).await.expect(200).json();
            assert_eq!(own["sessions"].as_array().map(Vec::len), Some(1), "round {round}: {own}");
        }
    }
}

#[tokio::test]
async fn an_account_is_renamed_thrice_at_once() {
    for mut racers in Racers::both("three names").await {
        let apis = racers.apis();
        for round in 0..racers.rounds {
            let user = apis[0].new_user("many").await;
            let wanted: [String; 3] = [(); 3].map(|()| names::unique("name"));
            let delays: [Duration; 3] = racers.delays();
            let answers = join_all(wanted.iter().zip(delays).enumerate().map(|(n, (name, delay))| {
                let (api, user) = (&apis[n % 2], &user);
                async move {
                    sleep(delay / 10).await;
                    let body = json!({"username": name});
                    api.put("/api/v1/users/me/username", Some(&user.token), &body).await.status
                }
            }))
            .await;
            assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "round {round}: {answers:?}");
            let thief = Person { username: user.username.clone(), email: Person::new("thief").email };
            thief.register(&apis[1]).await.expect_problem(409, "username_taken");
        }
    }
}

#[tokio::test]
async fn the_last_two_admins_lower_each_other_at_once() {
    for mut racers in Racers::both("two demotions").await {
        let (apis, mut one, mut two) = (racers.apis(), racers.root.clone(), admin(&racers.deployment).await);
        for round in 0..racers.rounds {
            let bodies = [json!({"role": "user"}), json!({"role": "moderator"}), json!({"disabled": true})];
            let choice = bodies[racers.dice.random_range(0..bodies.len())].clone();
            let targets = if racers.dice.random_bool(0.5) { [&one, &two] } else { [&two, &one] };
            let (callers, delays): (_, [Duration; 2]) = ([&one, &two], racers.delays());
            let answers = join_all((0..2).map(|n| {
                let (api, choice, delay) = (&apis[n], &choice, delays[n] / 5);
                let (path, token) = (format!("/api/v1/admin/users/{}", targets[n].user_id), &callers[n].token);
                async move {
                    sleep(delay).await;
                    api.patch(&path, Some(token), choice).await.status
                }
            }))
            .await;
            let done = answers.iter().filter(|status| **status == 200).count();
            assert!(answers.iter().all(|status| [200, 401, 403, 409].contains(status)), "round {round}: {answers:?}");
            assert_eq!(done, 1, "round {round}: {answers:?}");
            // Whoever is left lifts both.
            for (by, of) in [(&one, &two), (&two, &one)] {
                let path = format!("/api/v1/admin/users/{}", of.user_id);
                apis[0].patch(&path, Some(&by.token), &json!({"role": "admin", "disabled": false})).await;
            }
            if choice["disabled"] == true {
                for admin in [&mut one, &mut two] {
                    *admin = apis[0].login(&admin.username, PASSWORD).await.expect(200).account(admin.email.clone());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_name_is_taken_by_a_change_and_by_a_registration_at_once() {
    for mut racers in Racers::both("one name twice").await {
        let [rest, other] = racers.apis();
        for round in 0..racers.rounds {
            let user = rest.new_user("renamed").await;
            let new = Person::new("wanted");
            let [first, second] = racers.delays::<2>();
            let change = async {
                sleep(first).await;
                let body = json!({"username": new.username});
                rest.put("/api/v1/users/me/username", Some(&user.token), &body).await.status
            };
            let registration = async {
                // Its password is hashed before it looks at the name.
                sleep(second / 2).await;
                other.post("/api/v1/auth/register", None, &new.body()).await.status
            };
            let outcome = tokio::join!(change, registration);
            assert!(
                [(200, 409), (409, 201)].contains(&outcome),
                "round {round}: {outcome:?}, one of them has the name"
            );
            let found = rest
                .get(&format!("/api/v1/users?q={}", new.username), Some(&user.token))
                .await
                .expect(200)
                .json();
            assert_eq!(found["users"].as_array().map(Vec::len), Some(1), "round {round}: {found}");
        }
    }
}
