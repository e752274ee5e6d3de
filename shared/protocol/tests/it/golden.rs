//! The examples in `shared/fixtures` are what the types read and write, and every variant has one.
//!
//! The tests of the browser client read the same files, so the two languages cannot drift apart.

use std::collections::BTreeSet;

use rookery_protocol::asyncapi::{Side, frame_types};
use rookery_protocol::client::ClientFrame;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::server::ServerFrame;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) const CLIENT_FRAMES: &str = include_str!("../../../fixtures/client_frames.json");
pub(crate) const SERVER_FRAMES: &str = include_str!("../../../fixtures/server_frames.json");
pub(crate) const BAD_CLIENT_FRAMES: &str = include_str!("../../../fixtures/bad_client_frames.json");
const CLOSE_CODES: &str = include_str!("../../../fixtures/close_codes.json");
const ERROR_CODES: &str = include_str!("../../../fixtures/error_codes.json");

/// A frame with the text it has in the file.
#[derive(Deserialize)]
struct Example {
    name: String,
    frame: Box<RawValue>,
}

#[derive(Deserialize)]
pub(crate) struct BadExample {
    pub(crate) name: String,
    text: Option<String>,
    text_repeat: Option<(String, String, usize, String)>,
    code: ErrorCode,
    field: Option<String>,
}

impl BadExample {
    pub(crate) fn text(&self) -> String {
        match (&self.text, &self.text_repeat) {
            (Some(text), None) => text.clone(),
            (None, Some((before, unit, times, after))) => format!("{before}{}{after}", unit.repeat(*times)),
            (Some(_), Some(_)) | (None, None) => panic!("{}: either text or text_repeat", self.name),
        }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseRow {
    code: u16,
    reason: String,
    may_return: bool,
}

pub(crate) fn read<T: DeserializeOwned>(file: &str) -> Vec<T> {
    serde_json::from_str(file).unwrap()
}

fn assert_names_are_unique<'a>(names: impl Iterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name), "{name} is there twice");
    }
}

/// The types of frames that are described have examples, and the other way round.
fn assert_all_shown(shown: &BTreeSet<String>, side: Side) {
    assert_eq!(*shown, frame_types(side).into_iter().collect());
}

fn type_of(frame: &Value) -> String {
    frame["type"].as_str().expect("an example has a type").to_owned()
}

#[test]
fn client_frames_are_read_and_written_as_shown() {
    let examples: Vec<Example> = read(CLIENT_FRAMES);
    assert_names_are_unique(examples.iter().map(|example| example.name.as_str()));
    let mut shown = BTreeSet::new();
    for Example { name, frame } in &examples {
        let decoded = ClientFrame::decode(frame.get()).unwrap_or_else(|rejected| panic!("{name}: {rejected:?}"));
        let value: Value = serde_json::from_str(frame.get()).unwrap();
        shown.insert(type_of(&value));
        assert_eq!(serde_json::to_value(&decoded).unwrap(), value, "{name}");
        assert_eq!(serde_json::to_string(&decoded).unwrap(), frame.get(), "{name}");
    }
    assert_all_shown(&shown, Side::Client);
}

#[test]
fn server_frames_are_read_and_written_as_shown() {
    let examples: Vec<Example> = read(SERVER_FRAMES);
    assert_names_are_unique(examples.iter().map(|example| example.name.as_str()));
    let mut shown = BTreeSet::new();
    for Example { name, frame } in &examples {
        let decoded: ServerFrame = serde_json::from_str(frame.get()).unwrap_or_else(|error| panic!("{name}: {error}"));
        shown.insert(type_of(&serde_json::from_str(frame.get()).unwrap()));
        assert_eq!(decoded.to_json(), frame.get(), "{name}");
    }
    assert_all_shown(&shown, Side::Server);
}

#[test]
fn bad_client_frames_are_refused_as_shown() {
    let examples: Vec<BadExample> = read(BAD_CLIENT_FRAMES);
    assert_names_are_unique(examples.iter().map(|example| example.name.as_str()));
    let wrong: Vec<String> = examples.iter().filter_map(difference).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a decoder did with a bad frame that the file does not say.
fn difference(example: &BadExample) -> Option<String> {
    let name = &example.name;
    match ClientFrame::decode(&example.text()) {
        Ok(frame) => Some(format!("{name}: was read as {frame:?}")),
        Err(rejected) if rejected.code != example.code || rejected.field != example.field => Some(format!(
            "{name}: {:?} at {:?}, not {:?} at {:?} ({})",
            rejected.code, rejected.field, example.code, example.field, rejected.detail
        )),
        Err(_) => None,
    }
}

#[test]
fn close_codes_are_as_shown() {
    let table: Vec<CloseRow> = CloseCode::ALL
        .into_iter()
        .map(|code| CloseRow { code: code.number(), reason: code.reason().to_owned(), may_return: code.may_return() })
        .collect();
    assert_eq!(read::<CloseRow>(CLOSE_CODES), table);
}

/// `CloseCode::ALL` is written by hand beside the enum. Another variant does not compile here, nor does one too few there.
#[test]
fn the_list_of_close_codes_is_whole() {
    macro_rules! variants {
        ($($variant:ident)+) => {{
            let is_listed = |code: CloseCode| match code {
                $(CloseCode::$variant => CloseCode::ALL.contains(&code),)+
            };
            [$(CloseCode::$variant),+].into_iter().filter(|code| !is_listed(*code)).collect::<Vec<_>>()
        }};
    }
    let missing = variants!(Normal GoingAway ProtocolError Unsupported InvalidUtf8 Policy TooBig Internal Restart
        Overloaded Unauthenticated Forbidden NoSuchRoom Timeout TooSlow SessionRevoked Flooding Replaced);
    assert_eq!(missing, []);
}

#[test]
fn error_codes_are_as_shown() {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(read::<String>(ERROR_CODES), codes);
}
