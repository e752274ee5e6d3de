//! Reads `/openapi.json` so that tests meet every operation without a list of their own.

use http::Method;
use serde_json::{Map, Value, json};

use crate::names;

const DEPTH_MAX: usize = 8;

/// One operation of the document.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Method.
    pub method: Method,
    /// Path with its parameters filled in.
    pub path: String,
    /// Names and schemas of its query parameters.
    pub query: Vec<String>,
    /// A body of the right shape, if it takes one.
    pub body: Option<Value>,
}

/// Every operation of the document; path parameters become `room`.
pub fn operations(document: &Value, room: &str) -> Vec<Operation> {
    let paths = document["paths"].as_object().expect("the document has paths");
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            if [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&method) {
                found.push(read(document, path, method, operation, room));
            }
        }
    }
    found
}

fn read(document: &Value, path: &str, method: Method, operation: &Value, room: &str) -> Operation {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let query = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query");
    Operation {
        method,
        path: filled(path, room),
        query: query.filter_map(|p| Some(p["name"].as_str()?.to_owned())).collect(),
        body: schema.is_object().then(|| sample(document, schema, "", 0)),
    }
}

fn filled(path: &str, room: &str) -> String {
    let mut parts = path.split(['{', '}']);
    let first = parts.next().unwrap_or_default().to_owned();
    parts
        .enumerate()
        .fold(first, |path, (i, part)| path + if i % 2 == 0 { room } else { part })
}

/// A value that fits a schema. Every property is present, so that a test can replace each of them.
fn sample(document: &Value, schema: &Value, name: &str, depth: usize) -> Value {
    assert!(depth < DEPTH_MAX, "the schema of {name} is too deep");
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).expect("references lead somewhere");
        return sample(document, target, name, depth + 1);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    // Beside them choices say which properties may be left out.
    if schema["properties"].is_object() {
        return object(document, schema, depth);
    }
    let choices = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    if let Some(choice) = choices.into_iter().find(|choice| choice["type"] != "null") {
        return sample(document, choice, name, depth + 1);
    }
    match kind(schema) {
        "object" => object(document, schema, depth),
        "array" => json!([sample(document, &schema["items"], name, depth + 1)]),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        _ => json!(text(name)),
    }
}

fn object(document: &Value, schema: &Value, depth: usize) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let fields = properties.map(|(name, schema)| (name.clone(), sample(document, schema, name, depth + 1)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn kind(schema: &Value) -> &str {
    let listed = schema["type"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find(|&t| t != "null");
    schema["type"].as_str().or(listed).unwrap_or("string")
}

fn text(name: &str) -> String {
    match name {
        "email" => format!("{}@example.org", names::unique("sample")),
        "reply_to" => "01890000-0000-7000-8000-000000000000".to_owned(),
        _ => names::unique("sample"),
    }
}

/// JSON pointers of every string in a value.
pub fn strings(value: &Value) -> Vec<String> {
    pointers(value, Value::is_string)
}

/// JSON pointers of every string, number and truth value in a value.
pub fn leaves(value: &Value) -> Vec<String> {
    pointers(value, |leaf| leaf.is_string() || leaf.is_number() || leaf.is_boolean())
}

fn pointers(value: &Value, fits: fn(&Value) -> bool) -> Vec<String> {
    let below =
        |name: &str, value: &Value| pointers(value, fits).into_iter().map(|rest| format!("/{name}{rest}")).collect();
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(i, item)| -> Vec<String> { below(&i.to_string(), item) })
            .collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, field)| -> Vec<String> { below(name, field) }).collect()
        }
        leaf if fits(leaf) => vec![String::new()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// A copy of `body` with the value at `pointer` replaced.
pub fn replaced(body: &Value, pointer: &str, value: &Value) -> Value {
    let mut copy = body.clone();
    *copy.pointer_mut(pointer).expect("the pointer comes from this body") = value.clone();
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_every_string() {
        let document = json!({
            "paths": {"/rooms/{room}/x": {"post": {"requestBody": {"content": {"application/json": {"schema":
                {"$ref": "#/components/schemas/Body"}}}}}}},
            "components": {"schemas": {"Body": {"type": "object", "properties": {
                "name": {"type": "string"},
                "kind": {"oneOf": [{"type": "null"}, {"type": "string", "enum": ["a", "b"]}]},
                "note": {"type": ["string", "null"]},
                "count": {"type": "integer"},
                "tags": {"type": "array", "items": {"type": "string"}},
            }}}},
        });
        let [operation] = &operations(&document, "R")[..] else { panic!("one operation") };
        assert_eq!((&operation.method, operation.path.as_str()), (&Method::POST, "/rooms/R/x"));
        let body = operation.body.as_ref().unwrap();
        assert_eq!(strings(body), ["/kind", "/name", "/note", "/tags/0"]);
        assert_eq!(leaves(body), ["/count", "/kind", "/name", "/note", "/tags/0"]);
        assert_eq!(replaced(body, "/tags/0", &json!(1))["tags"], json!([1]));
    }
}
