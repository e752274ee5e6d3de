//! Logins that are over: nothing is done for them, however the frames and the news of the end come.

use rookery_bus::RoomLog as _;
use rookery_bus::signal::Revoked;
use rookery_runtime::token::AUDIENCE;

use super::*;
use crate::dialect::Translator;
use crate::limits::{AUTHORITY_DEADLINE, CLOSE_DEADLINE};
use crate::socket::Bounds;

impl Setup {
    /// The number of the room's last event.
    async fn head(&self) -> u64 {
        let heads = self.bus.heads(&[self.authority.room]).await.unwrap();
        heads[0].unwrap().seq.get()
    }

    /// A token of a member, and its login.
    fn login(&self) -> (UserId, SessionId, String) {
        let (user, session) = (self.member(), SessionId::generate());
        (user, session, self.token_of(user, session))
    }

    pub(super) fn token_of(&self, user: UserId, sid: SessionId) -> String {
        let now = UnixMillis::now().seconds();
        let claims = Claims {
            iss: "rookery".into(),
            aud: AUDIENCE.into(),
            sub: user,
            sid,
            name: "alice".into(),
            iat: now,
            exp: now + 3_600,
            signer: rookery_runtime::token::Signer::default(),
            ticket: None,
        };
        self.keys.sign(&claims).unwrap()
    }

    /// A connection whose messages came with the handshake, in one piece.
    async fn connect_saying(&self, token: &str, count: usize) -> Client {
        let (ours, theirs) = pipe(1 << 20);
        let mut frames = Vec::new();
        for n in 0..count {
            let text = format!(r#"{{"content":"m{n}","client_id":"c-{n}"}}"#);
            let length = u8::try_from(text.len()).unwrap();
            frames.extend([0x81, 0x80 | length, 0, 0, 0, 0]);
            frames.extend(text.as_bytes());
        }
        let place = Some("general".parse().unwrap());
        let opening = Opening {
            credential: Some(Credential::Token(token.to_owned())),
            place,
            translator: Translator::Native,
            pending: None,
            trace: None,
        };
        let socket = Socket::new(ours, frames, Bounds::default());
        self.shutdown
            .spawn_work("connection", serve(Arc::clone(&self.gateway.node), socket, opening));
        Client { stream: WebSocketStream::from_raw_socket(theirs, Role::Client, None).await }
    }
}

const MESSAGES: usize = 20;

#[tokio::test(start_paused = true)]
async fn a18_frames_behind_the_handshake_wait_for_the_answer_about_the_login() {
    let setup = Setup::new();
    let (_, _, token) = setup.login();
    let mut client = setup.connect_saying(&token, MESSAGES).await;
    assert_eq!(client.kinds(3).await, ["hello", "subscribed", "caught_up"]);
    assert_eq!(client.kinds(MESSAGES).await, ["new_message"; MESSAGES]);
}

#[tokio::test(start_paused = true)]
async fn a18_of_a_login_that_is_over_nothing_is_done_and_nothing_is_told() {
    let setup = Setup::new();
    let (_, session, token) = setup.login();
    setup.authority.ended.lock().insert(session);
    for bus_is_away in [false, true] {
        setup.bus.away.store(bus_is_away, Ordering::SeqCst);
        let mut client = setup.connect_saying(&token, MESSAGES).await;
        assert_eq!(client.next().await["code"], "unauthenticated");
        assert_eq!(client.close_code().await, 4409);
        setup.bus.away.store(false, Ordering::SeqCst);
        tokio::time::sleep(AUTHORITY_DEADLINE).await;
        assert_eq!(setup.head().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a18_without_an_answer_about_the_login_there_is_no_hello() {
    let setup = Setup::new();
    let (_, _, token) = setup.login();
    setup.authority.sessions_away.store(true, Ordering::SeqCst);
    let mut client = setup.connect_saying(&token, MESSAGES).await;
    let error = client.next().await;
    assert_eq!((&error["code"], &error["retry_after_ms"]), (&"unavailable".into(), &1_000.into()));
    assert_eq!(client.close_code().await, 1013);
    assert_eq!(setup.head().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a18_commands_that_wait_or_are_under_way_end_with_the_login() {
    let setup = Setup::new();
    let (user, session, token) = setup.login();
    // The first command waits for its rights, and the others for the first.
    setup.authority.hanging.store(1, Ordering::SeqCst);
    let mut client = setup.connect(None, Some(token), 1 << 20).await;
    assert_eq!(client.kinds(1).await, ["hello"]);
    for n in 0..MESSAGES {
        client.say(&format!(r#"{{"type":"message","room":"general","content":"m{n}"}}"#)).await;
    }
    wait_until_idle().await;
    setup.gateway.node.session_registry.revoke(user, Revoked::One(session));
    assert_eq!(client.next().await["code"], "unauthenticated");
    assert_eq!(client.close_code().await, 4409);
    tokio::time::sleep(AUTHORITY_DEADLINE * 2).await;
    assert_eq!(setup.head().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a18_a_client_that_does_not_read_cannot_put_off_the_end_of_its_login() {
    let setup = Setup::new();
    let (user, _, token) = setup.login();
    let mut client = setup.connect(Some("general"), Some(token), 1_024).await;
    wait_until_idle().await;
    for _ in 0..5 {
        setup.bus.say(setup.authority.room, &"x".repeat(4_000));
        wait_until_idle().await;
    }
    setup.gateway.node.session_registry.revoke(user, Revoked::All);
    client.say(r#"{"content":"too late"}"#).await;
    tokio::time::sleep(CLOSE_DEADLINE * 3).await;
    assert_eq!((setup.head().await, setup.closes("session_revoked")), (5, 1));
    assert_eq!(setup.gateway.node.metrics.connections.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a17_a_renewal_with_a_login_that_is_over_ends_the_connection() {
    let setup = Setup::new();
    let (user, _, token) = setup.login();
    let mut client = setup.connect(None, Some(token), 1 << 20).await;
    assert_eq!(client.kinds(1).await, ["hello"]);
    let other = SessionId::generate();
    let renewal = format!(r#"{{"type":"auth","token":"{}"}}"#, setup.token_of(user, other));
    setup.authority.sessions_away.store(true, Ordering::SeqCst);
    client.say(&renewal).await;
    assert_eq!(client.next().await["code"], "unavailable", "the old one holds");
    setup.authority.sessions_away.store(false, Ordering::SeqCst);
    setup.authority.ended.lock().insert(other);
    client.say(&renewal).await;
    client.say(r#"{"type":"message","room":"general","content":"too late"}"#).await;
    assert_eq!(client.next().await["code"], "unauthenticated");
    assert_eq!(client.close_code().await, 4409);
    assert_eq!(setup.head().await, 0);
}
