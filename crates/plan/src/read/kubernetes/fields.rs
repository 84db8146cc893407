//! Reading fields: each has a type, and what is of another type is reported where it stands.
//!
//! Kubernetes is strict where YAML is not: `replicas: "3"` and `value: 5` are both refused by the API. They are reported,
//! and read as they were meant, so that one mistake does not hide the next.

use super::report::Report;
use super::shape::Shape;
use crate::yaml::{Node, Style, Value};
use crate::{Number, Place, Share, Text};

impl Report {
    /// A field that is a map, its keys checked.
    pub(super) fn map<'a>(&mut self, parent: &'a Node, key: &str, shape: &Shape) -> Option<&'a Node> {
        let node = self.free_map(parent, key)?;
        self.spelling(node, shape);
        Some(node)
    }

    /// A field that is a map of anything: data, annotations.
    pub(super) fn free_map<'a>(&mut self, parent: &'a Node, key: &str) -> Option<&'a Node> {
        let node = parent.get(key)?;
        if matches!(node.value, Value::Map(_)) {
            return Some(node);
        }
        self.refuse(
            &node.place,
            format!("{key} is {} here, not a map", node.what()),
            format!("put its fields on lines of their own below {key}:, each as field: value"),
        );
        None
    }

    /// A field that is a list, its items.
    pub(super) fn list<'a>(&mut self, parent: &'a Node, key: &str) -> &'a [Node] {
        let Some(node) = parent.get(key) else { return &[] };
        if !matches!(node.value, Value::List(_)) {
            self.refuse(
                &node.place,
                format!("{key} is {} here, not a list", node.what()),
                format!("begin each item below {key}: with \"- \""),
            );
        }
        node.items()
    }

    /// A field that is a list of maps, its items with their keys checked.
    pub(super) fn maps<'a>(&mut self, parent: &'a Node, key: &str, shape: &Shape) -> Vec<&'a Node> {
        let mut maps = Vec::new();
        for item in self.list(parent, key) {
            if matches!(item.value, Value::Map(_)) {
                self.spelling(item, shape);
                maps.push(item);
            } else {
                self.refuse(
                    &item.place,
                    format!("an item of {key} is {} here, not a map", item.what()),
                    "write its fields as field: value",
                );
            }
        }
        maps
    }

    /// A field that is a word: a name, a choice.
    pub(super) fn word(&mut self, parent: &Node, key: &str) -> Option<Text> {
        let node = parent.get(key)?;
        let word = node.word();
        if word.is_none() {
            self.refuse(
                &node.place,
                format!("{key} is {} here, not a word", node.what()),
                format!("write one word behind {key}:"),
            );
        }
        word
    }

    /// Text that the API takes only as a string: a variable's value, a config map's.
    pub(super) fn string(&mut self, what: &str, node: &Node) -> Option<Text> {
        match &node.value {
            Value::Scalar(scalar) => {
                if scalar.style == Style::Plain && is_typed(&scalar.text) {
                    self.refuse(
                        &node.place,
                        format!("{what} is a number or a switch to YAML; Kubernetes takes only text there"),
                        "put it in quotes",
                    );
                }
                Some(Text::new(scalar.text.clone(), node.place.clone()))
            }
            Value::Null => Some(Text::new("", node.place.clone())),
            Value::List(_) | Value::Map(_) => {
                self.refuse(
                    &node.place,
                    format!("{what} is {} here, not text", node.what()),
                    "write one value, in quotes",
                );
                None
            }
        }
    }

    /// A field that counts: replicas, instances.
    pub(super) fn count(&mut self, parent: &Node, key: &str) -> Option<Number> {
        let node = parent.get(key)?;
        let Value::Scalar(scalar) = &node.value else {
            self.no_count(&node.place, key, node.what());
            return None;
        };
        let Some(value) = whole(&scalar.text) else {
            self.no_count(&node.place, key, &format!("{:?}", shortened(&scalar.text)));
            return None;
        };
        if scalar.style != Style::Plain {
            self.quoted(&node.place, key, value);
        }
        Some(Number::written(value, &node.place))
    }

    fn no_count(&mut self, place: &Place, key: &str, seen: &str) {
        self.refuse(
            place,
            format!("{key} is {seen}, not a whole number from 0 to {}", i32::MAX),
            format!("write {key}: and a number"),
        );
    }

    fn quoted(&mut self, place: &Place, key: &str, value: u32) {
        self.refuse(
            place,
            format!("{key} is text in quotes; Kubernetes takes only a number there"),
            format!("write {key}: {value}"),
        );
    }

    /// A switch.
    pub(super) fn flag(&mut self, parent: &Node, key: &str) -> Option<(bool, Place)> {
        let node = parent.get(key)?;
        let value = match &node.value {
            Value::Scalar(scalar) if scalar.style == Style::Plain => switch(&scalar.text),
            Value::Scalar(_) | Value::Null | Value::List(_) | Value::Map(_) => None,
        };
        if value.is_none() {
            self.refuse(
                &node.place,
                format!("{key} is neither true nor false"),
                format!("write {key}: true or {key}: false, without quotes"),
            );
        }
        value.map(|value| (value, node.place.clone()))
    }

    /// A number or a percentage.
    pub(super) fn share(&mut self, parent: &Node, key: &str) -> Option<Share> {
        let node = parent.get(key)?;
        let Value::Scalar(scalar) = &node.value else {
            self.no_share(&node.place, key, node.what());
            return None;
        };
        if let Some(percent) = scalar.text.strip_suffix('%').and_then(whole) {
            return Some(Share::Percent(Number::written(percent, &node.place)));
        }
        let Some(value) = whole(&scalar.text) else {
            self.no_share(&node.place, key, &format!("{:?}", shortened(&scalar.text)));
            return None;
        };
        if scalar.style != Style::Plain {
            self.quoted(&node.place, key, value);
        }
        Some(Share::Count(Number::written(value, &node.place)))
    }

    fn no_share(&mut self, place: &Place, key: &str, seen: &str) {
        self.refuse(
            place,
            format!("{key} is {seen}, neither a whole number nor a percentage"),
            format!("write {key}: 1 or {key}: 25%"),
        );
    }
}

/// The number from 0 to the largest the API counts to that a text is.
fn whole(text: &str) -> Option<u32> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    let value: i32 = digits.parse().ok()?;
    u32::try_from(value).ok()
}

/// A switch as the YAML of Kubernetes' tools has it.
fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Whether an unquoted text is a number or a switch to Kubernetes' tools.
fn is_typed(text: &str) -> bool {
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric = bare.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    switch(text).is_some()
        || (numeric && bare.replace('_', "").parse::<f64>().is_ok())
        || bare.strip_prefix("0x").is_some_and(|hex| u64::from_str_radix(hex, 16).is_ok())
        || bare.strip_prefix("0o").is_some_and(|octal| u64::from_str_radix(octal, 8).is_ok())
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 24 {
        return text.to_owned();
    }
    text.chars().take(23).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        crate::yaml::documents(&"f.yaml".into(), text).unwrap().remove(0)
    }

    #[test]
    fn a_number_in_quotes_is_reported_and_still_read() {
        let mut report = Report::default();
        let node = one("a: 3\nb: \"3\"\nc: three\nd: -1\ne: [1]\nf: 3.0\ng: 4294967296\n");
        let read: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"]
            .map(|key| report.count(&node, key).map(|n| n.value))
            .into();
        assert_eq!(read, [Some(3), Some(3), None, None, None, Some(3), None, None]);
        let findings = report.in_order_of(&["f.yaml"]);
        assert_eq!(findings.len(), 5);
        assert_eq!(findings[0].fix, "write b: 3");
    }

    #[test]
    fn a_share_is_a_number_or_a_percentage() {
        let mut report = Report::default();
        let node = one("a: 25%\nb: '25%'\nc: 2\nd: \"2\"\ne: abc\nf: {}\ng: 12.5%\n");
        let percent =
            |n, line| Some(Share::Percent(Number::written(n, &Place::new(&"f.yaml".into(), line, 4))));
        assert_eq!(report.share(&node, "a"), percent(25, 1));
        assert_eq!(report.share(&node, "b"), percent(25, 2));
        assert!(matches!(report.share(&node, "c"), Some(Share::Count(n)) if n.value == 2));
        assert!(std::mem::take(&mut report).in_order_of(&[]).is_empty());
        assert!(matches!(report.share(&node, "d"), Some(Share::Count(n)) if n.value == 2));
        assert_eq!(
            (report.share(&node, "e"), report.share(&node, "f"), report.share(&node, "g")),
            (None, None, None)
        );
        assert_eq!(report.in_order_of(&[]).len(), 4);
    }

    #[test]
    fn numbers_and_switches_are_no_text_unless_quoted() {
        for text in ["5", "-5", "1.5", "1e3", ".5", "true", "No", "on", "0x1F", "1_000"] {
            assert!(is_typed(text), "{text}");
        }
        for text in ["", "5s", "1.2.3", "10.0.0.1", "nan", "inf", "-", "e3", "2024-01-01", "yess"] {
            assert!(!is_typed(text), "{text}");
        }
    }
}
