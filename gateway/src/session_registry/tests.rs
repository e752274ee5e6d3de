//! Who subscribed that a login is over: by push, by asking, and by being remembered. Time is paused.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rookery_bus::signal::Signal;
use rookery_protocol::event::Sender;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::token::{AUDIENCE, Claims, Signer};

use super::*;
use crate::dialect::Translator;
use crate::limits::{REVOCATION_POLL_INTERVAL, REVOCATION_ROUND};
use crate::metrics::Metrics;
use crate::send_queue::{Flushed, SendQueue};
use crate::session::LoginState;
use crate::testing::{ClientEnd, FakeAuthority, FakeBus, pipe};

struct Setup {
    bus: Arc<FakeBus>,
    authority: Arc<FakeAuthority>,
    session_registry: Arc<SessionRegistry>,
}

impl Setup {
    fn new() -> Self {
        Self::with_sockets(usize::MAX)
    }

    fn with_sockets(sockets_max: usize) -> Self {
        let (bus, authority, shutdown) = (FakeBus::new(), FakeAuthority::new(), Shutdown::new());
        let metrics = Arc::new(Metrics::new().unwrap());
        let hub = Hub::new(bus.clone(), authority.clone(), metrics, shutdown.clone());
        let permissions = Permissions::new(Arc::clone(&authority) as _, Shutdown::new());
        let (told, asked) = (Arc::clone(&bus) as _, Arc::clone(&authority) as _);
        let session_registry = SessionRegistry::new(SessionRegistryParts {
            bus: told,
            authority: asked,
            hub,
            permissions,
            shutdown,
            sockets_max,
        });
        Self { bus, authority, session_registry }
    }

    /// A connection of the user that lives by the session.
    fn enter(&self, user: UserId, session: SessionId) -> Arc<Subscriber> {
        let member = Arc::new(Subscriber::new(user, SendQueue::unwritten(), false));
        self.let_in(&member, session);
        member
    }

    /// As if it had been asked about before anybody listened.
    fn let_in(&self, member: &Arc<Subscriber>, session: SessionId) {
        self.session_registry.enter(member, &self.session_registry.expect(member.user, session));
    }

    /// Whether this node would hear of the user's logins.
    async fn subscribed(&self, user: UserId) -> bool {
        let mut signals = self.bus.signals();
        self.bus.revoke(user, Revoked::All).await.unwrap();
        matches!(signals.try_recv(), Ok(Signal::Session { user: heard, .. }) if heard == user)
    }
}

/// Whether the client was told that its login is over; asking takes what it was told.
fn is_ended(member: &Subscriber) -> bool {
    member.send_queue.take().iter().any(|frame| frame.as_text().contains("unauthenticated"))
}

fn claims(user: UserId, session: SessionId, name: &str) -> Claims {
    let (iss, aud, name, signer) = ("test".to_owned(), AUDIENCE.to_owned(), name.to_owned(), Signer::default());
    Claims { iss, aud, sub: user, sid: session, name, iat: 0, exp: i64::MAX, signer, ticket: None }
}

fn renamed(user: UserId, name: &str) -> UserNews {
    let (username, display_name, avatar) = (name.to_owned(), None, None);
    UserNews::Frame { frame: UserFrame::UserUpdated { user_id: user, username, display_name, avatar } }
}

fn ids() -> (UserId, SessionId) {
    (UserId::generate(), SessionId::generate())
}

#[tokio::test(start_paused = true)]
async fn one_session_ends_with_all_its_connections_and_no_other() {
    let setup = Setup::new();
    let (user, session) = ids();
    let [first, second] = [(); 2].map(|()| setup.enter(user, session));
    let other_session = setup.enter(user, SessionId::generate());
    let other_user = setup.enter(UserId::generate(), session);
    setup.session_registry.revoke(user, Revoked::One(session));
    assert!(is_ended(&first) && is_ended(&second));
    assert!(!is_ended(&other_session) && !is_ended(&other_user));
}

#[tokio::test(start_paused = true)]
async fn all_sessions_of_a_user_end_and_those_of_others_do_not() {
    let setup = Setup::new();
    let user = UserId::generate();
    let own = [(); 3].map(|()| setup.enter(user, SessionId::generate()));
    let other = setup.enter(UserId::generate(), SessionId::generate());
    setup.session_registry.revoke(user, Revoked::All);
    assert!(own.iter().all(|member| is_ended(member)));
    assert!(!is_ended(&other));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_lets_nobody_in_again() {
    let setup = Setup::new();
    let (user, session) = ids();
    // The push came before the connection.
    setup.session_registry.revoke(user, Revoked::One(session));
    assert!(is_ended(&setup.enter(user, session)));
    assert!(!is_ended(&setup.enter(user, SessionId::generate())));
}

#[tokio::test(start_paused = true)]
async fn a_connection_lives_by_its_newest_session_only() {
    let setup = Setup::new();
    let (user, old) = ids();
    let member = setup.enter(user, old);
    let new = SessionId::generate();
    setup.let_in(&member, new);
    setup.session_registry.revoke(user, Revoked::One(old));
    assert!(!is_ended(&member));
    setup.session_registry.revoke(user, Revoked::One(new));
    assert!(is_ended(&member));
}

#[tokio::test(start_paused = true)]
async fn who_left_is_told_nothing() {
    let setup = Setup::new();
    let (user, session) = ids();
    let (gone, here) = (setup.enter(user, session), setup.enter(user, session));
    setup.session_registry.leave(&gone);
    setup.session_registry.revoke(user, Revoked::One(session));
    assert!(!is_ended(&gone) && is_ended(&here));
}

#[tokio::test(start_paused = true)]
async fn users_are_heard_of_as_long_as_they_are_here() {
    let setup = Setup::new();
    let following = tokio::spawn(Arc::clone(&setup.session_registry).follow());
    let (user, session) = ids();
    let [first, second] = [(); 2].map(|()| setup.enter(user, session));
    sleep(LOGIN_GATHER * 2).await;
    assert!(setup.subscribed(user).await);
    setup.session_registry.leave(&first);
    sleep(LOGIN_GATHER * 2).await;
    assert!(setup.subscribed(user).await, "one connection is left");
    setup.session_registry.leave(&second);
    sleep(LOGIN_GATHER * 2).await;
    assert!(!setup.subscribed(user).await);
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn users_who_came_while_the_bus_was_away_are_heard_of_later() {
    let setup = Setup::new();
    let following = tokio::spawn(Arc::clone(&setup.session_registry).follow());
    setup.bus.away.store(true, Ordering::SeqCst);
    let (user, session) = ids();
    let _member = setup.enter(user, session);
    sleep(Duration::from_secs(5)).await;
    setup.bus.away.store(false, Ordering::SeqCst);
    sleep(LOGIN_RETRY_PAUSE * 2).await;
    assert!(setup.subscribed(user).await);
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_before_its_connection_came_is_found_by_asking() {
    let setup = Setup::new();
    let following = tokio::spawn(Arc::clone(&setup.session_registry).follow());
    let (user, session) = ids();
    setup.authority.ended.lock().insert(session);
    let member = setup.enter(user, session);
    assert!(!is_ended(&member), "nobody was asked yet");
    sleep(LOGIN_GATHER * 2).await;
    assert!(is_ended(&member));
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn what_no_push_told_is_found_within_seconds() {
    let setup = Setup::new();
    let polling = tokio::spawn(Arc::clone(&setup.session_registry).poll());
    let (user, session) = ids();
    let (member, other) = (setup.enter(user, session), setup.enter(user, SessionId::generate()));
    sleep(REVOCATION_POLL_INTERVAL * 2).await;
    assert!(!is_ended(&member));
    setup.authority.ended.lock().insert(session);
    sleep(Duration::from_secs(5)).await;
    assert!(is_ended(&member) && !is_ended(&other));
    polling.abort();
}

#[tokio::test(start_paused = true)]
async fn what_no_change_told_is_found_in_one_round() {
    let setup = Setup::new();
    setup.authority.is_still.store(true, Ordering::SeqCst);
    let polling = tokio::spawn(Arc::clone(&setup.session_registry).poll());
    let session_registry: Vec<_> = (0..100).map(|_| ids()).collect();
    let members: Vec<_> = session_registry.iter().map(|(user, session)| setup.enter(*user, *session)).collect();
    sleep(REVOCATION_POLL_INTERVAL * 2).await;
    let (over, here) = (&session_registry[..50], &members[50..]);
    setup.authority.ended.lock().extend(over.iter().map(|(_, session)| *session));
    sleep(REVOCATION_POLL_INTERVAL * u32::try_from(REVOCATION_ROUND).unwrap()).await;
    assert!(members[..50].iter().all(|member| is_ended(member)));
    assert!(!here.iter().any(|member| is_ended(member)));
    polling.abort();
}

#[tokio::test(start_paused = true)]
async fn one_socket_too_many_ends_the_oldest() {
    let setup = Setup::with_sockets(2);
    let (user, session) = ids();
    let enter = |user| {
        let (wire, client) = pipe(1 << 16);
        let member = Arc::new(Subscriber::new(user, SendQueue::new(wire, Translator::Native), false));
        setup.let_in(&member, session);
        (member, client)
    };
    let is_over =
        |(member, _): &(Arc<Subscriber>, ClientEnd)| member.send_queue.flush() == Flushed::End(CloseCode::Replaced);
    let [first, second] = [enter(user), enter(user)];
    // Its token was renewed, which makes it no younger.
    setup.let_in(&first.0, SessionId::generate());
    let (other, third) = (enter(UserId::generate()), enter(user));
    assert_eq!([&first, &second, &third, &other].map(is_over), [true, false, false, false]);
    setup.session_registry.leave(&first.0);
    let fourth = enter(user);
    assert_eq!([&second, &third, &fourth].map(is_over), [true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a18_a_login_is_asked_about_after_its_user_is_subscribed_of() {
    let setup = Setup::new();
    let following = tokio::spawn(Arc::clone(&setup.session_registry).follow());
    let (user, session) = ids();
    let mut candidate = setup.session_registry.expect(user, session);
    assert!(!setup.subscribed(user).await);
    assert_eq!(candidate.ask().await, LoginState::Open);
    assert!(setup.subscribed(user).await && candidate.is_subscribed());
    drop(candidate);
    sleep(LOGIN_GATHER * 2).await;
    assert!(!setup.subscribed(user).await, "nobody came of it");
    setup.authority.ended.lock().insert(session);
    assert_eq!(setup.session_registry.expect(user, session).ask().await, LoginState::Ended);
    setup.authority.sessions_away.store(true, Ordering::SeqCst);
    assert_eq!(setup.session_registry.expect(user, SessionId::generate()).ask().await, LoginState::Unknown);
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn a18_an_end_between_the_answer_and_the_entry_counts() {
    let setup = Setup::new();
    for revoked in [Revoked::All, Revoked::One(SessionId::generate())] {
        let user = UserId::generate();
        let session = if let Revoked::One(session) = revoked {
            session
        } else {
            SessionId::generate()
        };
        let mut candidate = setup.session_registry.expect(user, session);
        assert_eq!(candidate.ask().await, LoginState::Open);
        setup.session_registry.revoke(user, revoked);
        assert!(candidate.is_over());
        let member = Arc::new(Subscriber::new(user, SendQueue::unwritten(), false));
        setup.session_registry.enter(&member, &candidate);
        assert_eq!(member.verdict(), Some(CloseCode::SessionRevoked));
        assert!(is_ended(&member));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_name_is_known_whenever_it_was_given() {
    let setup = Setup::new();
    let (user, session) = ids();
    let mut candidate = setup.session_registry.expect(user, session);
    setup.authority.renamed.lock().insert(session, "grace".to_owned());
    assert_eq!(candidate.ask().await, LoginState::Open);
    let mut claims = claims(user, session, "ada");
    candidate.name(&mut claims);
    assert_eq!(claims.name, "grace");
    let member = Arc::new(Subscriber::new(user, SendQueue::unwritten(), false));
    let sender = || member.named(Sender { user_id: user, username: claims.name.clone() }).username;
    setup.session_registry.notify_user(user, &renamed(user, "joan"));
    setup.session_registry.enter(&member, &candidate);
    assert_eq!(sender(), "joan", "it was given between the answer and the entry");
    setup.session_registry.notify_user(user, &renamed(user, "edith"));
    assert_eq!(sender(), "edith");
}

#[tokio::test(start_paused = true)]
async fn without_the_bus_logins_are_asked_about_all_the_same_and_again_when_it_is_back() {
    let setup = Setup::new();
    let following = tokio::spawn(Arc::clone(&setup.session_registry).follow());
    setup.bus.away.store(true, Ordering::SeqCst);
    let (user, session) = ids();
    let mut candidate = setup.session_registry.expect(user, session);
    assert_eq!((candidate.ask().await, candidate.is_subscribed()), (LoginState::Open, false));
    let member = Arc::new(Subscriber::new(user, SendQueue::unwritten(), false));
    setup.session_registry.enter(&member, &candidate);
    setup.authority.ended.lock().insert(session);
    sleep(LOGIN_RETRY_PAUSE * 3).await;
    assert!(!is_ended(&member));
    setup.bus.away.store(false, Ordering::SeqCst);
    sleep(LOGIN_RETRY_PAUSE * 2).await;
    assert!(is_ended(&member));
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_logins_are_asked_about_with_few_calls() {
    let setup = Setup::new();
    let following = tokio::spawn(Arc::clone(&setup.session_registry).follow());
    let asked = (0..10_000).map(|_| {
        let (user, session) = ids();
        let mut candidate = setup.session_registry.expect(user, session);
        async move { candidate.ask().await }
    });
    let states = futures_util::future::join_all(asked).await;
    assert!(states.iter().all(|state| *state == LoginState::Open));
    let calls = setup.authority.sessions_asked.load(Ordering::SeqCst);
    // Each is answered at once here, so that few wait together; an api that takes a while gathers more.
    assert!(calls <= 10_000 / 25, "{calls}");
    following.abort();
}
