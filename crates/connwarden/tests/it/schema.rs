//! Documents against the committed schemas. Knows the words of JSON Schema that ours use, and stops at any other: a word
//! that nobody checks would let everything pass. A key that the schema does not describe is a mistake, too.

use std::path::Path;

use serde_json::Value;

/// Words that say nothing about a document's validity.
const REMARKS: &[&str] = &["$schema", "$defs", "title", "description", "format"];

/// The schema of `connwarden.NAME/VERSION`.
pub(crate) fn committed(name: &str) -> Value {
    let file = format!("{}.json", name.strip_prefix("connwarden.").unwrap().replace('/', "-"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Reads a document and holds it against the schema that it names.
#[track_caller]
pub(crate) fn document(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    let schema = committed(document["schema"].as_str().unwrap());
    let mistakes = mistakes(&schema, &document);
    assert!(mistakes.is_empty(), "{mistakes:#?}\n{text}");
    document
}

/// What is wrong with a document.
pub(crate) fn mistakes(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, document, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let Some(words) = schema.as_object() else {
        assert_eq!(schema, &Value::Bool(true), "a schema is an object or true");
        return;
    };
    let mut wrong = |what: String| found.push(format!("{place}: {what}"));
    for (word, said) in words {
        match word.as_str() {
            "type" if !is_of_type(said, value) => wrong(format!("{value} is not {said}")),
            "const" if said != value => wrong(format!("{value} is not {said}")),
            "enum" if !said.as_array().unwrap().contains(value) => wrong(format!("{value} is not of {said}")),
            "minimum" if value.as_f64().is_some_and(|n| n < said.as_f64().unwrap()) => {
                wrong(format!("{value} is below {said}"));
            }
            "maximum" if value.as_f64().is_some_and(|n| n > said.as_f64().unwrap()) => {
                wrong(format!("{value} is above {said}"));
            }
            "required" => {
                for key in said.as_array().unwrap().iter().map(|key| key.as_str().unwrap()) {
                    if value.is_object() && value.get(key).is_none() {
                        wrong(format!("{key} is missing"));
                    }
                }
            }
            "oneOf" | "anyOf" => {
                let fitting = said.as_array().unwrap().iter().filter(|one| fits(root, one, value)).count();
                if fitting == 0 || (word == "oneOf" && fitting > 1) {
                    wrong(format!("{value} fits {fitting} of {word}"));
                }
            }
            "$ref" | "items" | "properties" | "additionalProperties" => {}
            "type" | "const" | "enum" | "minimum" | "maximum" => {}
            word => assert!(REMARKS.contains(&word), "the check does not know {word:?}"),
        }
    }
    descend(root, schema, value, place, found);
}

fn descend(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(path) = schema["$ref"].as_str() {
        let pointer = path.strip_prefix('#').unwrap();
        check(
            root,
            root.pointer(pointer).unwrap_or_else(|| panic!("{path} is nowhere")),
            value,
            place,
            found,
        );
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        for (at, item) in items.iter().enumerate() {
            check(root, schema, item, &format!("{place}/{at}"), found);
        }
    }
    let Some(fields) = value.as_object() else { return };
    // A reference or a choice was followed above: nothing is said of fields here.
    if schema.get("properties").is_none() && schema.get("additionalProperties").is_none() {
        return;
    }
    for (key, field) in fields {
        let place = format!("{place}/{key}");
        match (schema["properties"].get(key), schema.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema)) => check(root, schema, field, &place, found),
            (None, None) => found.push(format!("{place}: the schema does not know it")),
        }
    }
}

fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut found = Vec::new();
    check(root, schema, value, "", &mut found);
    found.is_empty()
}

fn is_of_type(said: &Value, value: &Value) -> bool {
    match said {
        Value::String(kind) => match kind.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("the check does not know the type {other}"),
        },
        Value::Array(kinds) => kinds.iter().any(|kind| is_of_type(kind, value)),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn a_document_that_is_out_of_shape_is_found_out() {
    let schema = committed("connwarden.error/1");
    let good = serde_json::json!({"schema": "connwarden.error/1", "code": "auth", "message": "no"});
    assert_eq!(mistakes(&schema, &good), Vec::<String>::new());
    for (key, value, word) in [
        ("schema", serde_json::json!("connwarden.error/2"), "is not"),
        ("code", serde_json::json!("tired"), "fits 0"),
        ("message", serde_json::json!(7), "is not"),
        ("sqlstate", serde_json::json!({}), "is not"),
        ("colour", serde_json::json!("red"), "does not know"),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        let said = mistakes(&schema, &bad);
        assert!(said.len() == 1 && said[0].contains(word), "{key}: {said:?}");
    }
    let mut bad = good;
    bad.as_object_mut().unwrap().remove("message");
    assert_eq!(mistakes(&schema, &bad), [": message is missing"]);
}
