//! The AsyncAPI document is valid, and says of frames, codes and bounds exactly what the code does.

use std::collections::BTreeSet;
use std::path::Path;

use jsonschema::Validator;
use rookery_protocol::asyncapi::{Side, document, frame_types, limits};
use rookery_protocol::client::ClientFrame;
use rookery_protocol::close::CloseCode;
use rookery_protocol::cost::PRICES;
use rookery_protocol::error_code::ErrorCode;
use rookery_tests::tools;
use rookery_tests::traffic::Document;
use serde::Deserialize;
use serde_json::Value;

use crate::golden::{BAD_CLIENT_FRAMES, BadExample, CLIENT_FRAMES, SERVER_FRAMES, read};

/// What the server refuses although schemas cannot say it: a name twice, a number of more than 64 bits in a text, what
/// can be seen of a text, its length in bytes.
const BEYOND_SCHEMAS: &[&str] = &[
    "type_twice",
    "subscribe_epoch_text_too_large",
    "content_empty_spaces",
    "content_empty_line_breaks",
    "content_empty_zero_width",
    "content_empty_nul",
    "content_empty_direction_mark",
    "content_empty_braille_blank",
    "content_3001_emoji",
    "edit_to_nothing",
];

#[derive(Deserialize)]
pub(crate) struct Example {
    pub(crate) name: String,
    pub(crate) frame: Value,
}

fn names(list: &Value, field: &str) -> Vec<String> {
    let rows = list.as_array().expect("a list");
    rows.iter().map(|row| row[field].as_str().expect("a text").to_owned()).collect()
}

/// The rules of AsyncAPI 3.
pub(crate) fn asyncapi_3() -> Validator {
    let path = tools::node_modules().join("@asyncapi/specs/schemas/3.1.0-without-$id.json");
    let schema = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{error}; run `make deps`"));
    let schema: Value = serde_json::from_str(&schema).unwrap();
    jsonschema::options().with_draft(jsonschema::Draft::Draft7).build(&schema).unwrap()
}

/// What is wrong with a value, and where.
pub(crate) fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|fault| format!("{fault} at {}", fault.instance_path()))
        .collect()
}

/// That every reference of a document leads somewhere, and that it has more than so many.
pub(crate) fn assert_references(document: &Value, more_than: usize) {
    let text = document.to_string();
    let references: BTreeSet<&str> =
        text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() > more_than, "they were found");
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn it_is_valid_asyncapi_3() {
    let (validator, document) = (asyncapi_3(), document());
    let faults = faults(&validator, &document);
    assert!(faults.is_empty(), "{faults:#?}");
    let mut broken = document;
    broken["channels"]["rooms"]["messages"] = Value::from("none");
    assert!(!validator.is_valid(&broken), "the schema tells right from wrong");
}

#[test]
fn every_reference_leads_somewhere() {
    assert_references(&document(), 100);
}

#[test]
fn every_example_is_as_its_schema_says_and_shown_with_its_message() {
    let value = document();
    let document = Document::read(&value);
    for (side, file) in [(Side::Client, CLIENT_FRAMES), (Side::Server, SERVER_FRAMES)] {
        let mut seen = BTreeSet::new();
        for Example { name, frame } in read(file) {
            assert_eq!(document.faults(side, &frame), Vec::<String>::new(), "{name}");
            let kind = frame["type"].as_str().unwrap().to_owned();
            let shown = value["components"]["messages"][side.name_of(&kind)]["examples"].as_array().unwrap();
            assert!(shown.iter().any(|e| e["name"] == *name && e["payload"] == frame), "{name} is shown");
            seen.insert(kind);
        }
        // Every variant of the enums has an example, so both lists are whole.
        assert_eq!(seen, frame_types(side).into_iter().collect());
    }
}

#[test]
fn what_the_server_refuses_is_not_described_either() {
    let document = Document::read(&document());
    let mut odd = Vec::new();
    for example in read::<BadExample>(BAD_CLIENT_FRAMES) {
        let Ok(frame) = serde_json::from_str::<Value>(&example.text()) else { continue };
        if frame.is_object() && document.faults(Side::Client, &frame).is_empty() {
            odd.push(example.name);
        }
    }
    assert_eq!(odd, BEYOND_SCHEMAS);
}

#[test]
fn the_codes_are_those_of_the_tables() {
    let document = document();
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names(&document["x-error-codes"], "code"), codes);
    assert_eq!(document["components"]["schemas"]["ErrorCode"]["enum"], serde_json::json!(codes));
    let reasons: Vec<&str> = CloseCode::ALL.iter().map(|code| code.reason()).collect();
    assert_eq!(names(&document["x-close-codes"], "reason"), reasons);
}

/// `hello` of the examples announces what the code announces, see `golden`.
#[test]
fn what_hello_announces_is_in_the_table_of_limits() {
    let examples: Vec<Example> = read(SERVER_FRAMES);
    let hello = examples.iter().find(|example| example.name == "hello").unwrap();
    for (name, value) in hello.frame["limits"].as_object().unwrap() {
        let limit = limits::table()
            .into_iter()
            .find(|limit| limit.name == name)
            .unwrap_or_else(|| panic!("{name}"));
        assert_eq!(*value, Value::from(limit.value), "{name}");
    }
}

/// One table of the page: the cells of each row.
fn table(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once(&format!("## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_page_has_the_same_tables() {
    let codes = ErrorCode::ALL
        .iter()
        .map(|code| vec![format!("`{}`", code.as_str()), code.message().to_owned()]);
    assert_eq!(table("Error codes"), codes.collect::<Vec<_>>());
    let closes = CloseCode::ALL.into_iter().map(|code| {
        let may_return = if code.may_return() { "yes" } else { "no" };
        vec![code.number().to_string(), format!("`{}`", code.reason()), may_return.to_owned()]
    });
    assert_eq!(table("Close codes"), closes.collect::<Vec<_>>());
    let prices = PRICES.iter().map(|price| vec![price.what.to_owned(), price.tokens.to_owned()]);
    assert_eq!(table("Rate limits"), prices.collect::<Vec<_>>());
    let limits = limits::table().into_iter().map(|limit| {
        vec![format!("`{}`", limit.name), limit.value.to_string(), limit.unit.to_owned(), limit.beyond.to_owned()]
    });
    assert_eq!(table("Limits"), limits.collect::<Vec<_>>());
}

#[test]
fn the_page_tells_of_every_frame() {
    let said = table("What a client sends");
    let in_first_cell = |kind: &str| said.iter().any(|row| row[0].contains(&format!("\"type\":\"{kind}\"")));
    for kind in frame_types(Side::Client) {
        assert!(in_first_cell(&kind), "{kind} is not on the page");
    }
    let heard = table("What the server sends");
    for kind in frame_types(Side::Server) {
        assert!(heard.iter().any(|row| row[0].split(", ").any(|cell| cell == format!("`{kind}`"))), "{kind}");
    }
    // And nothing but frames.
    for row in said {
        let text = row[0].trim_matches('`').replace('…', "01920000-0000-8000-8000-0000000000c1");
        assert!(
            ClientFrame::decode(&text.replace("\"R\"", "\"general\"").replace("\"S\"", "\"s\"")).is_ok(),
            "{text}"
        );
    }
    let known = frame_types(Side::Server);
    for kind in heard.iter().flat_map(|row| row[0].split(", ")) {
        assert!(known.iter().any(|known| known == kind.trim_matches('`')), "{kind} is no frame");
    }
}
