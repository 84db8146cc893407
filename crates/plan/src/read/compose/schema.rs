//! What keys there are and what may stand behind them: everything wrong is found, and nothing is stopped.

use super::fill::is_typed;
use super::nearest::nearest;
use super::project::Project;
use super::{UNKNOWN_KEY, WRONG_TYPE};
use crate::read::quantity;
use crate::yaml::{Node, Value};
use crate::{Finding, Place, Text};

mod keys;

/// What may stand behind a key.
#[derive(Debug)]
enum Shape {
    Any,
    /// Any word.
    Word,
    /// A word that is a whole number, of -1 upwards where that means "no limit".
    Whole,
    Integer,
    /// A number of processors.
    Processors,
    /// A size of memory; -1 for "no limit" is allowed where compose allows it.
    Memory,
    Switch,
    Choice(&'static [&'static str]),
    /// A map of these keys.
    Map(&'static [Key]),
    /// A map of a service's keys. There must be some.
    Service,
    /// A map of any names.
    Names(&'static Self),
    /// `NAME: value` or a list of `NAME=value`.
    Pairs,
    List(&'static Self),
    /// Words that YAML must not take for numbers or switches.
    Strings,
    /// The first of these that a node could be.
    Either(&'static [Self]),
}

type Key = (&'static str, Shape);

/// Holds a whole document against the keys there are.
pub(super) fn check(project: &mut Project<'_>, document: &Node) {
    let mut checking = Checking { project };
    checking.node(document, &Shape::Map(keys::DOCUMENT), "the file");
    for (name, _) in document.get("services").map(Node::pairs).unwrap_or_default() {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.text.is_empty() || !name.text.chars().all(plain) {
            let message = format!("{:?} is no name for a service", name.text);
            checking.wrong(&name.place, message, "use letters, digits, '.', '_' and '-'");
        }
    }
}

struct Checking<'p, 'w> {
    project: &'p mut Project<'w>,
}

impl Checking<'_, '_> {
    fn wrong(&mut self, place: &Place, message: String, fix: impl Into<std::borrow::Cow<'static, str>>) {
        self.project.findings.push(Finding::at(&WRONG_TYPE, place, message, fix));
    }

    fn node(&mut self, node: &Node, shape: &Shape, name: &str) {
        if node.is_null() || self.project.findings.is_full() {
            return;
        }
        match (shape, &node.value) {
            (Shape::Any, _) | (Shape::Word, Value::Scalar(_)) => {}
            (
                Shape::Whole
                | Shape::Integer
                | Shape::Processors
                | Shape::Memory
                | Shape::Switch
                | Shape::Choice(_),
                Value::Scalar(scalar),
            ) => self.word(node, &scalar.text, shape, name),
            (Shape::Map(keys), Value::Map(pairs)) => self.map(pairs, keys, &[], name),
            (Shape::Service, Value::Map(pairs)) => self.map(pairs, keys::SERVICE, keys::MEANT, name),
            (Shape::Names(shape), Value::Map(pairs)) => {
                for (key, value) in pairs {
                    self.entry(key, value, shape);
                }
            }
            (Shape::Pairs, Value::Map(pairs)) => {
                for (key, value) in pairs {
                    self.node(value, &Shape::Word, &key.text);
                }
            }
            (Shape::Pairs, Value::List(items)) => self.lines(items, name),
            (Shape::List(shape), Value::List(items)) => {
                items.iter().for_each(|item| self.node(item, shape, name))
            }
            (Shape::Strings, Value::List(items)) => items.iter().for_each(|item| self.string(item, name)),
            (Shape::Either(shapes), value) => match shapes.iter().find(|shape| shape.fits(value)) {
                Some(shape) => self.node(node, shape, name),
                None => self.misfit(node, shape, name),
            },
            _ => self.misfit(node, shape, name),
        }
    }

    /// A value under a name that a user chose.
    fn entry(&mut self, key: &Text, value: &Node, shape: &Shape) {
        match (shape, &value.value) {
            (Shape::Service, Value::Null) => {
                let message = format!("nothing stands under the service {:?}", key.text);
                self.wrong(&key.place, message, "give it an image or a build, or take it out");
            }
            _ => self.node(value, shape, &key.text),
        }
    }

    fn map(&mut self, pairs: &[(Text, Node)], keys: &'static [Key], meant: &[(&str, &str)], name: &str) {
        for (key, value) in pairs {
            if key.text.starts_with("x-") {
                continue;
            }
            match keys.iter().find(|(known, _)| *known == key.text) {
                Some((known, shape)) => self.node(value, shape, known),
                None if self.project.findings.is_full() => return,
                None => self.unknown(key, keys, meant, name),
            }
        }
    }

    fn unknown(&mut self, key: &Text, keys: &'static [Key], meant: &[(&str, &str)], name: &str) {
        let known = meant.iter().find(|(said, _)| *said == key.text).map(|(_, meant)| *meant);
        let meant = known.or_else(|| nearest(&key.text, keys.iter().map(|(known, _)| *known)));
        let fix = match meant {
            Some(meant) => format!("write {meant}, if that is meant"),
            None => "take it out, or let its name begin with x-".into(),
        };
        let message =
            format!("compose knows no key {:?} in {name}", key.text.chars().take(60).collect::<String>());
        self.project.findings.push(Finding::at(&UNKNOWN_KEY, &key.place, message, fix));
    }

    /// Lines of `NAME=value`. Their text may hold a password.
    fn lines(&mut self, items: &[Node], name: &str) {
        for item in items {
            match &item.value {
                Value::Scalar(_) => {}
                Value::Null => {
                    self.wrong(&item.place, format!("{name} holds an empty item"), "take the dash out")
                }
                Value::List(_) | Value::Map(_) => {
                    let message = format!("an item of {name} is {}, where NAME=value is needed", item.what());
                    self.wrong(&item.place, message, "write - NAME=value, or NAME: value without the dash");
                }
            }
        }
    }

    fn string(&mut self, item: &Node, name: &str) {
        match &item.value {
            Value::Scalar(scalar) if is_typed(self.project, scalar, &item.place) => {
                let message =
                    format!("an item of {name} is a number or a switch, and compose takes only text there");
                self.wrong(&item.place, message, "put it in quotes");
            }
            Value::Scalar(_) => {}
            Value::Null => {
                self.wrong(&item.place, format!("{name} holds an empty item"), "take the dash out")
            }
            Value::List(_) | Value::Map(_) => self.misfit(item, &Shape::Word, name),
        }
    }

    fn word(&mut self, node: &Node, text: &str, shape: &Shape, name: &str) {
        let unlimited = text.trim() == "-1";
        let fits = match shape {
            Shape::Whole => quantity::whole(text).is_some(),
            Shape::Integer => text.trim().parse::<i64>().is_ok(),
            Shape::Processors => quantity::millis(text).is_some(),
            Shape::Memory => unlimited || quantity::bytes(text).is_some(),
            Shape::Switch => quantity::switch(text).is_some(),
            Shape::Choice(words) => words.contains(&text),
            _ => true,
        };
        if !fits {
            self.wrong(&node.place, format!("{name} is not {}", shape.needed()), shape.fix(name));
        }
    }

    fn misfit(&mut self, node: &Node, shape: &Shape, name: &str) {
        let message = format!("{name} is {}, where {} is needed", node.what(), shape.needed());
        self.wrong(&node.place, message, shape.fix(name));
    }
}

impl Shape {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Word
            | Self::Whole
            | Self::Integer
            | Self::Processors
            | Self::Memory
            | Self::Switch
            | Self::Choice(_) => matches!(value, Value::Scalar(_)),
            Self::Map(_) | Self::Service | Self::Names(_) => matches!(value, Value::Map(_)),
            Self::Pairs => matches!(value, Value::Map(_) | Value::List(_)),
            Self::List(_) | Self::Strings => matches!(value, Value::List(_)),
            Self::Either(shapes) => shapes.iter().any(|shape| shape.fits(value)),
        }
    }

    fn needed(&self) -> String {
        match self {
            Self::Any => "anything".into(),
            Self::Word => "a word".into(),
            Self::Whole => format!("a whole number from 0 to {}", u32::MAX),
            Self::Integer => "a whole number".into(),
            Self::Processors => "a number of processors".into(),
            Self::Memory => "a size of memory".into(),
            Self::Switch => "true or false".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Map(_) | Self::Service | Self::Names(_) => "a map".into(),
            Self::Pairs => "a map or a list of NAME=value".into(),
            Self::List(_) | Self::Strings => "a list".into(),
            Self::Either(shapes) => shapes.iter().map(Self::needed).collect::<Vec<_>>().join(" or "),
        }
    }

    fn fix(&self, name: &str) -> String {
        match self {
            Self::Whole | Self::Integer => format!("write a number: {name}: 4"),
            Self::Processors => format!("write a number: {name}: \"0.5\""),
            Self::Memory => format!("write a number with a unit: {name}: 512m"),
            Self::Switch => format!("write {name}: true or {name}: false"),
            Self::Choice(words) => format!("write {name}: {}", words.first().copied().unwrap_or_default()),
            Self::Word => format!("write {name}: and one word"),
            Self::Map(_) | Self::Service | Self::Names(_) => {
                format!("write pairs of key and value below {name}:")
            }
            Self::Pairs => format!("write lines of NAME: value below {name}:"),
            Self::List(_) | Self::Strings => format!("write lines that begin with a dash below {name}:"),
            Self::Any | Self::Either(_) => "compare with the Compose specification".into(),
        }
    }
}
