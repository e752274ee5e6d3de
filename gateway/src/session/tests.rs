//! The rules, spoken as a client would.

use std::time::Duration;

use rookery_protocol::client::ClientFrame;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{SessionId, UserId};
use rookery_protocol::limits::{AUTH_DEADLINE, BAD_FRAMES_PER_MINUTE_MAX, TOKEN_LEEWAY};
use rookery_protocol::server::{AckMode, ServerFrame};
use rookery_runtime::token::{AUDIENCE, Claims, Signer, TokenError};

use super::*;
use crate::limits::TOKEN_WARNING;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const LIFE: Duration = Duration::from_mins(15);

fn claims(user: UserId) -> Claims {
    Claims {
        iss: "rookery".into(),
        aud: AUDIENCE.into(),
        sub: user,
        sid: SessionId::generate(),
        name: "alice".into(),
        iat: NOW.seconds(),
        exp: NOW.plus(LIFE).seconds(),
        signer: Signer::default(),
        ticket: None,
    }
}

/// When a token of this life is warned of.
fn warning_before(life: Duration) -> UnixMillis {
    let before = i64::try_from(TOKEN_WARNING.as_millis()).unwrap();
    UnixMillis(NOW.plus(life).0 - before)
}

fn say(session: &mut ProtocolState, text: &str) -> Vec<Output> {
    let input = match ClientFrame::decode(text) {
        Ok(frame) => Input::Frame(frame),
        Err(rejected) => Input::Rejected(rejected),
    };
    session.handle(input, NOW)
}

/// A token comes and its login is open.
fn present(session: &mut ProtocolState, claims: Claims) -> Vec<Output> {
    let outputs = session.handle(Input::Token(Ok(claims.clone())), NOW);
    assert_eq!(outputs, [Output::Check(Box::new(claims.clone()))], "nothing is done before the answer");
    session.handle(Input::Checked(Box::new(claims), LoginState::Open), NOW)
}

fn greeted(room: Option<&str>) -> (ProtocolState, UserId) {
    let user = UserId::generate();
    let mut session = ProtocolState::new(room.map(|room| room.parse().unwrap()), AckMode::Stored, NOW);
    present(&mut session, claims(user));
    (session, user)
}

fn error_of(outputs: &[Output]) -> &rookery_protocol::server::ErrorFrame {
    match outputs.first() {
        Some(Output::Send(ServerFrame::Error(error))) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_is_answered_with_hello_and_the_only_room_is_entered() {
    let user = UserId::generate();
    let mut session = ProtocolState::new(Some("general".parse().unwrap()), AckMode::Stored, NOW);
    let outputs = present(&mut session, claims(user));
    assert_eq!(outputs[0], Output::Welcome(user));
    assert!(matches!(&outputs[1], Output::Send(ServerFrame::Hello { user: brief, .. }) if brief.user_id == user));
    assert_eq!(outputs[2], Output::Run(Command::Enter("general".parse().unwrap())));
    assert_eq!(outputs.len(), 3);
}

#[test]
fn without_a_token_the_deadline_ends_it() {
    let mut session = ProtocolState::new(None, AckMode::Stored, NOW);
    assert_eq!(session.deadline(), NOW.plus(AUTH_DEADLINE));
    assert_eq!(session.handle(Input::Tick, NOW), Vec::new());
    let outputs = session.handle(Input::Tick, session.deadline());
    assert_eq!(error_of(&outputs).code, ErrorCode::Unauthenticated);
    assert_eq!(outputs[1], Output::Close(CloseCode::Unauthenticated));
}

#[test]
fn a_bad_token_ends_it_with_a_reason() {
    let mut session = ProtocolState::new(None, AckMode::Stored, NOW);
    let outputs = session.handle(Input::Token(Err(TokenError::Expired)), NOW);
    assert_eq!(error_of(&outputs).code, ErrorCode::Unauthenticated);
    assert_eq!(outputs[1], Output::Close(CloseCode::Unauthenticated));
}

#[test]
fn a_node_without_keys_asks_to_come_back() {
    let outputs = ProtocolState::new(None, AckMode::Stored, NOW).handle(Input::Keyless, NOW);
    assert_eq!(error_of(&outputs).code, ErrorCode::Unavailable);
    assert_eq!(outputs[1], Output::Close(CloseCode::Overloaded));
}

#[test]
fn before_hello_nothing_is_done() {
    let mut session = ProtocolState::new(Some("general".parse().unwrap()), AckMode::Stored, NOW);
    let outputs = say(&mut session, r#"{"content":"hi","client_id":"c-1"}"#);
    assert_eq!(outputs.len(), 1);
    assert_eq!(error_of(&outputs).code, ErrorCode::Unauthenticated);
    assert_eq!(error_of(&outputs).client_id.as_ref().unwrap().as_str(), "c-1");
    assert_eq!(say(&mut session, r#"{"type":"ping"}"#), vec![Output::Send(ServerFrame::Pong {})]);
}

#[test]
fn a_message_needs_a_room_from_somewhere() {
    let (mut many, _) = greeted(None);
    let outputs = say(&mut many, r#"{"type":"message","content":"hi","client_id":"c-1"}"#);
    assert_eq!(error_of(&outputs).code, ErrorCode::RoomRequired);
    assert_eq!(error_of(&outputs).client_id.as_ref().unwrap().as_str(), "c-1");

    let (mut one, user) = greeted(Some("general"));
    let outputs = say(&mut one, r#"{"content":"hi","client_id":"c-1"}"#);
    let [Output::Run(Command::Send(outgoing))] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!(outgoing.room, "general".parse().unwrap());
    assert_eq!(outgoing.sender.user_id, user);
    assert_eq!(outgoing.message.client_id.as_str(), "c-1");
}

#[test]
fn half_a_position_is_refused() {
    let (mut session, _) = greeted(None);
    let text = r#"{"type":"subscribe","rooms":[{"room":"a"},{"room":"b","seq":4}]}"#;
    let outputs = say(&mut session, text);
    assert_eq!(error_of(&outputs).field.as_deref(), Some("rooms[1].epoch"));
    let text = r#"{"type":"subscribe","rooms":[{"room":"b","seq":4,"epoch":"e2"}]}"#;
    assert!(matches!(say(&mut session, text).as_slice(), [Output::Run(Command::Subscribe(targets))]
        if targets[0].position.is_some()));
}

#[test]
fn nonsense_is_answered_until_the_budget_is_spent() {
    let (mut session, _) = greeted(None);
    for _ in 0..BAD_FRAMES_PER_MINUTE_MAX {
        assert_eq!(say(&mut session, "nonsense").len(), 1);
    }
    assert_eq!(say(&mut session, "nonsense")[1], Output::Close(CloseCode::Policy));
}

#[test]
fn a_session_ends_with_its_token() {
    let (mut session, _) = greeted(None);
    let end = NOW.plus(LIFE).plus(TOKEN_LEEWAY);
    session.handle(Input::Tick, UnixMillis(end.0 - 1));
    assert_eq!(session.deadline(), end);
    assert_eq!(session.handle(Input::Tick, UnixMillis(end.0 - 1)), Vec::new());
    assert_eq!(session.handle(Input::Tick, end)[1], Output::Close(CloseCode::Unauthenticated));
}

#[test]
fn a16_a_client_is_told_once_that_its_token_ends() {
    let (mut session, user) = greeted(None);
    let warning = warning_before(LIFE);
    assert_eq!(session.deadline(), warning);
    assert_eq!(session.handle(Input::Tick, UnixMillis(warning.0 - 1)), Vec::new());
    let told = |after_ms| vec![Output::Send(ServerFrame::TokenExpiring { after_ms })];
    assert_eq!(session.handle(Input::Tick, UnixMillis(warning.0 + 1)), told(59_999));
    assert_eq!(session.handle(Input::Tick, UnixMillis(warning.0 + 2)), Vec::new());
    let later = Claims { exp: NOW.plus(LIFE * 2).seconds(), ..claims(user) };
    assert_eq!(present(&mut session, later), Vec::new());
    assert_eq!(session.handle(Input::Tick, NOW.plus(LIFE)), Vec::new(), "the renewed one holds");
    assert_eq!(session.handle(Input::Tick, session.deadline()), told(60_000));
}

#[test]
fn a16_a_token_that_is_nearly_over_is_warned_of_at_once() {
    let user = UserId::generate();
    let mut session = ProtocolState::new(None, AckMode::Stored, NOW);
    let short = Claims { exp: NOW.seconds() + 7, ..claims(user) };
    present(&mut session, short);
    let outputs = session.handle(Input::Tick, NOW);
    assert_eq!(outputs, vec![Output::Send(ServerFrame::TokenExpiring { after_ms: 7_000 })]);
}

#[test]
fn a_token_is_renewed_in_place_for_the_same_user_only() {
    let (mut session, user) = greeted(None);
    let later = Claims { exp: NOW.plus(LIFE * 2).seconds(), name: "alicia".into(), ..claims(user) };
    assert_eq!(present(&mut session, later), Vec::new());
    assert_eq!(session.deadline(), warning_before(LIFE * 2));

    let outputs = session.handle(Input::Token(Ok(claims(UserId::generate()))), NOW);
    assert_eq!(outputs[1], Output::Close(CloseCode::Unauthenticated));
}

#[test]
fn hello_says_what_an_ack_means() {
    for mode in [AckMode::Stored, AckMode::Accepted] {
        let mut session = ProtocolState::new(None, mode, NOW);
        let outputs = present(&mut session, claims(UserId::generate()));
        assert!(matches!(&outputs[1], Output::Send(ServerFrame::Hello { ack, .. }) if *ack == mode));
    }
}

#[test]
fn acts_need_a_room_and_get_a_name() {
    let message = rookery_protocol::id::MessageId::generate();
    let frame = format!(r#"{{"type":"delete","client_id":"c-1","message_id":"{message}"}}"#);
    let (mut session, _) = greeted(None);
    let outputs = say(&mut session, &frame);
    let error = error_of(&outputs);
    assert_eq!((error.code, error.client_id.as_ref().unwrap().as_str()), (ErrorCode::RoomRequired, "c-1"));
    let (mut session, user) = greeted(Some("general"));
    let outputs = say(&mut session, &format!(r#"{{"type":"react","message_id":"{message}","emoji":"👍"}}"#));
    let [Output::Run(Command::MessageChange(request))] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((request.sender.user_id, request.change.message_id), (user, message));
    assert!(!request.client_id.as_str().is_empty());
}

#[test]
fn a18_a_login_that_is_over_or_that_nobody_knows_of_is_never_greeted() {
    for (state, code, end) in [
        (LoginState::Ended, ErrorCode::Unauthenticated, CloseCode::SessionRevoked),
        (LoginState::Unknown, ErrorCode::Unavailable, CloseCode::Overloaded),
    ] {
        let mut session = ProtocolState::new(Some("general".parse().unwrap()), AckMode::Stored, NOW);
        let token = claims(UserId::generate());
        session.handle(Input::Token(Ok(token.clone())), NOW);
        let outputs = session.handle(Input::Checked(Box::new(token), state), NOW);
        assert_eq!((error_of(&outputs).code, &outputs[1..]), (code, &[Output::Close(end)][..]));
    }
}

#[test]
fn a_token_that_ends_while_its_login_is_asked_about_is_refused() {
    let mut session = ProtocolState::new(None, AckMode::Stored, NOW);
    let token = claims(UserId::generate());
    session.handle(Input::Token(Ok(token.clone())), NOW);
    let end = NOW.plus(LIFE).plus(TOKEN_LEEWAY);
    let outputs = session.handle(Input::Checked(Box::new(token), LoginState::Open), end);
    assert_eq!(outputs[1], Output::Close(CloseCode::Unauthenticated));
}

#[test]
fn the_deadline_of_a_token_does_not_count_while_its_login_is_asked_about() {
    let mut session = ProtocolState::new(None, AckMode::Stored, NOW);
    let late = session.deadline();
    session.handle(Input::Token(Ok(claims(UserId::generate()))), NOW);
    assert_eq!(session.handle(Input::Tick, late), Vec::new());
    assert_eq!(session.deadline(), late.plus(AUTH_DEADLINE), "but not for ever");
    assert_eq!(session.handle(Input::Tick, session.deadline())[1], Output::Close(CloseCode::Unauthenticated));
}

#[test]
fn a_token_of_another_login_of_the_user_is_asked_about_and_one_of_the_same_is_not() {
    let user = UserId::generate();
    let mut session = ProtocolState::new(None, AckMode::Stored, NOW);
    let first = claims(user);
    present(&mut session, first.clone());
    let later = Claims { exp: NOW.plus(LIFE * 2).seconds(), ..first };
    assert_eq!(session.handle(Input::Token(Ok(later)), NOW), Vec::new(), "renewed without the api");
    let other = claims(user);
    session.handle(Input::Token(Ok(other.clone())), NOW);
    let unknown = session.handle(Input::Checked(Box::new(other.clone()), LoginState::Unknown), NOW);
    assert_eq!((error_of(&unknown).code, unknown.len()), (ErrorCode::Unavailable, 1), "the old one holds");
    assert_eq!(session.deadline(), warning_before(LIFE * 2));
    let over = session.handle(Input::Checked(Box::new(other), LoginState::Ended), NOW);
    assert_eq!(over[1], Output::Close(CloseCode::SessionRevoked));
}
