//! The frames as TypeScript types, for clients: `web/protocol.d.ts` is this text. It is made from the same schemas as the
//! AsyncAPI document.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::asyncapi::Side;
use crate::schema::{DEFINITIONS, FrameSchema, Schemas};

const HEAD: &str = "\
// Frames of the sockets. Printed by `rookery typescript`; written again by `make docs`.
//
// A later server may send more fields and more types of frames: ignore what you do not know.
";

/// The declarations: first what frames share, then the frames of clients, then those of servers.
pub fn text() -> String {
    let sides = Side::ALL.map(|side| (side, side.schemas()));
    let mut shared = Map::new();
    for (_, schemas) in &sides {
        shared.extend(schemas.definitions.clone());
    }
    let mut text = HEAD.to_owned();
    for (name, schema) in &shared {
        declare(&mut text, name, schema["description"].as_str(), schema);
    }
    for (side, Schemas { frames, .. }) in sides {
        frames_of(&mut text, side, frames);
    }
    text
}

fn frames_of(text: &mut String, side: Side, frames: &[FrameSchema]) {
    let (prefix, says) = match side {
        Side::Client => ("Client", "What a client may say."),
        Side::Server => ("Server", "What the server may say."),
    };
    let mut names = Vec::new();
    for FrameSchema { kind, summary, schema } in frames {
        let name = format!("{prefix}{}", pascal(kind));
        declare(text, &name, Some(summary), schema);
        names.push(name);
    }
    push(text, format_args!("\n/** {says} */\nexport type {prefix}Frame =\n  | {};\n", names.join("\n  | ")));
}

fn declare(text: &mut String, name: &str, description: Option<&str>, schema: &Value) {
    push(text, format_args!("\n{}export type {name} = {};\n", comment(description, ""), type_of(schema, "")));
}

/// Writing into a text cannot fail.
fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).unwrap_or_default();
}

fn comment(description: Option<&str>, indent: &str) -> String {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace("*/", "*\\/");
    description.map_or_else(String::new, |text| format!("{indent}/** {} */\n", one_line(text)))
}

fn type_of(schema: &Value, indent: &str) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.trim_start_matches(DEFINITIONS).to_owned();
    }
    if let Some(only) = schema.get("const") {
        return only.to_string();
    }
    let alternatives = ["enum", "anyOf", "oneOf", "allOf"]
        .into_iter()
        .find_map(|key| Some((key, schema[key].as_array()?)));
    if let Some((key, parts)) = alternatives {
        let parts = parts
            .iter()
            .map(|part| if key == "enum" { part.to_string() } else { type_of(part, indent) });
        return parts.collect::<Vec<_>>().join(if key == "allOf" { " & " } else { " | " });
    }
    match &schema["type"] {
        Value::String(name) => of_kind(name, schema, indent),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str).map(|name| of_kind(name, schema, indent));
            names.collect::<Vec<_>>().join(" | ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "unknown".to_owned(),
    }
}

fn of_kind(kind: &str, schema: &Value, indent: &str) -> String {
    match kind {
        "integer" | "number" => "number".to_owned(),
        "array" => format!("Array<{}>", type_of(&schema["items"], indent)),
        "object" => object(schema, indent),
        // `string`, `boolean` and `null` have the same names.
        same => same.to_owned(),
    }
}

fn object(schema: &Value, indent: &str) -> String {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let inner = format!("{indent}  ");
    let mut text = "{\n".to_owned();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let optional = if required.iter().any(|known| known == name) { "" } else { "?" };
        let comment = comment(property["description"].as_str(), &inner);
        push(&mut text, format_args!("{comment}{inner}{name}{optional}: {};\n", type_of(property, &inner)));
    }
    text + indent + "}"
}

/// `new_message` is `NewMessage`.
fn pascal(kind: &str) -> String {
    kind.split('_')
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_uppercase() + rest
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_or_null_says_so() {
        let text = text();
        let frame = text.split("export type ServerSubscribed = ").nth(1).unwrap().split("};").next().unwrap();
        assert!(frame.contains("  type: \"subscribed\";"), "{frame}");
        assert!(frame.contains("  slug: Slug | null;"), "{frame}");
        assert!(frame.contains("  head: Seq;"), "{frame}");
        let frame = text
            .split("export type ServerMemberBanned = ")
            .nth(1)
            .unwrap()
            .split("};")
            .next()
            .unwrap();
        assert!(frame.contains("  until?: Timestamp;"), "{frame}");
    }
}
