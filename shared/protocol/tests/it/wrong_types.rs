//! Every field of every frame of a client with every wrong value: the decoder and the document refuse the same, and the
//! decoder names the field. Row P02 of the attack rows.

use rookery_protocol::asyncapi::{Side, document};
use rookery_protocol::client::ClientFrame;
use rookery_tests::traffic::Document;
use serde_json::{Value, json};

use crate::golden::{CLIENT_FRAMES, read};

fn values() -> [Value; 12] {
    [
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x y"),
        json!("*"),
        json!([]),
        json!([7]),
        json!({}),
        json!({"$ne": ""}),
    ]
}

/// Where the values of a frame are, as JSON pointers.
fn places(value: &Value, here: &str) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, field)| places(field, &format!("{here}/{name}"))).collect()
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(n, item)| places(item, &format!("{here}/{n}")))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    // Not the frame itself: what is no object is no frame, which `bad_client_frames.json` has.
    [here.to_owned()].into_iter().filter(|here| !here.is_empty()).chain(below).collect()
}

/// The path that an error frame names: `rooms[0].seq`.
fn path_of(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, part| match part.parse::<usize>() {
        Ok(n) => format!("{path}[{n}]"),
        Err(_) if path.is_empty() => part.to_owned(),
        Err(_) => format!("{path}.{part}"),
    })
}

#[test]
fn p02_decoder_and_document_refuse_the_same_wrong_values() {
    let document = Document::read(&document());
    let (mut tried, mut refused, mut odd) = (0, 0, Vec::new());
    for example in read::<Value>(CLIENT_FRAMES) {
        let frame = &example["frame"];
        for place in places(frame, "") {
            for value in values() {
                let mut wrong = frame.clone();
                *wrong.pointer_mut(&place).unwrap() = value;
                tried += 1;
                let described = document.faults(Side::Client, &wrong).is_empty();
                match ClientFrame::decode(&wrong.to_string()) {
                    Ok(_) if described => {}
                    Err(rejected) if !described => {
                        refused += 1;
                        let named = rejected.field.as_deref().is_some_and(|field| path_of(&place).starts_with(field));
                        // What is missing below is named by what is there.
                        let below = rejected.field.as_deref().is_some_and(|field| field.starts_with(&path_of(&place)));
                        if !named && !below {
                            odd.push(format!("{wrong}: names {:?}", rejected.field));
                        }
                    }
                    Ok(_) => odd.push(format!("{wrong} is taken, but not described")),
                    Err(rejected) => odd.push(format!("{wrong} is described, but refused: {rejected:?}")),
                }
            }
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(tried > 800 && refused > tried / 2, "{refused} of {tried} refused");
}
