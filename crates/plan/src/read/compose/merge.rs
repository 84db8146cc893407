//! How one file's settings are laid over another's. Lists grow, maps are merged key by key, and a few keys have a way
//! of their own.

use std::collections::BTreeMap;

use super::CONFLICT;
use super::project::Project;
use crate::yaml::{Node, Scalar, Style, Value};
use crate::{Finding, Text};

/// Where in a compose file two values meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    Root,
    Services,
    Service,
    Deploy,
    Healthcheck,
    /// All networks or volumes.
    Resources,
    /// One of them.
    Resource,
    /// The later one holds, all of it.
    Replaced,
    /// `NAME=value` lines or a map: one name once.
    Pairs,
    /// A word or a list of words: all of them.
    Words,
    /// Names, or a map with more about each.
    Names,
    DependsOn,
    /// A word is the context.
    Build,
    /// Options of one driver do not suit another.
    Logging,
    /// One limit, or a map of two.
    Limits,
    /// Everything else.
    Plain,
}

impl Spot {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Root, "services") => Self::Services,
            (Self::Root, "networks" | "volumes") => Self::Resources,
            (Self::Services, _) => Self::Service,
            (Self::Resources, _) => Self::Resource,
            (Self::Service, "command" | "entrypoint") | (Self::Healthcheck, "test") => Self::Replaced,
            (Self::Service, "environment" | "labels" | "annotations" | "sysctls" | "extra_hosts")
            | (Self::Build, "args" | "labels" | "additional_contexts" | "extra_hosts")
            | (Self::Deploy | Self::Resource, "labels") => Self::Pairs,
            (Self::Service, "dns" | "dns_opt" | "dns_search" | "env_file" | "label_file" | "tmpfs") => {
                Self::Words
            }
            (Self::Service, "networks" | "models") => Self::Names,
            (Self::Service, "depends_on") => Self::DependsOn,
            (Self::Service, "build") => Self::Build,
            (Self::Service, "deploy") => Self::Deploy,
            (Self::Service, "healthcheck") => Self::Healthcheck,
            (Self::Service, "logging") => Self::Logging,
            (Self::Service, "ulimits") => Self::Limits,
            (Self::Limits, _) => Self::Replaced,
            _ => Self::Plain,
        }
    }
}

/// A whole document over another.
pub(super) fn merge(project: &mut Project<'_>, base: Node, over: Node) -> Node {
    merged(project, Spot::Root, "", base, over)
}

/// A service over the one it extends.
pub(super) fn extend(project: &mut Project<'_>, base: Node, over: Node) -> Node {
    merged(project, Spot::Service, "", base, over)
}

/// A document over what it includes: its own keys keep their order and come first.
pub(super) fn bring(project: &mut Project<'_>, brought: Node, own: Node) -> Node {
    let mut whole = own;
    let Value::Map(pairs) = &mut whole.value else { return whole };
    for (section, node) in brought.pairs() {
        let spot = Spot::Root.below(&section.text);
        let Some((_, mine)) = pairs.iter_mut().find(|(key, _)| key.text == section.text) else {
            pairs.push((section.clone(), node.clone()));
            continue;
        };
        if mine.is_null() {
            *mine = node.clone();
        }
        let Value::Map(mine) = &mut mine.value else { continue };
        let at = index(mine);
        for (name, node) in node.pairs() {
            match at.get(&name.text).and_then(|at| mine.get_mut(*at)) {
                None => mine.push((name.clone(), node.clone())),
                Some((key, own)) if node != own => {
                    let below = spot.below(&name.text);
                    *own = merged(project, below, &key.text, node.clone(), own.clone());
                }
                Some(_) => {}
            }
        }
    }
    whole
}

fn merged(project: &mut Project<'_>, spot: Spot, key: &str, base: Node, over: Node) -> Node {
    if base.is_null() || spot == Spot::Replaced {
        return over;
    }
    let (base, over) = match spot {
        Spot::Pairs => (pairs(base), pairs(over)),
        Spot::Words => (words(base), words(over)),
        Spot::Names => (names(base, false), names(over, false)),
        Spot::DependsOn => (names(base, true), names(over, true)),
        Spot::Build => (build(base), build(over)),
        _ => (base, over),
    };
    let place = over.place.clone();
    match (base.value, over.value) {
        (value, Value::Null) => Node { value, place: base.place },
        (Value::Map(base), Value::Map(over)) if spot == Spot::Logging && driver(&base) != driver(&over) => {
            let value = if driver(&base).is_some() && driver(&over).is_some() {
                over
            } else {
                joined(project, spot, base, over)
            };
            Node { value: Value::Map(value), place }
        }
        (Value::Map(mine), Value::Map(over)) => {
            Node { value: Value::Map(joined(project, spot, mine, over)), place: base.place }
        }
        (Value::List(mut items), Value::List(over)) => {
            items.extend(over);
            Node { value: Value::List(items), place: base.place }
        }
        (base_value, value) => {
            let clash = matches!(base_value, Value::Map(_) | Value::List(_)) && spot != Spot::Replaced;
            let over = Node { value, place };
            if clash {
                let base = Node { value: base_value, place: base.place };
                let message = format!(
                    "{key:?} is {} here and {} at {}: they cannot be merged",
                    over.what(),
                    base.what(),
                    base.place
                );
                project.findings.push(Finding::at(
                    &CONFLICT,
                    &over.place,
                    message,
                    "write both in the same form",
                ));
            }
            over
        }
    }
}

fn joined(
    project: &mut Project<'_>,
    spot: Spot,
    mut base: Vec<(Text, Node)>,
    over: Vec<(Text, Node)>,
) -> Vec<(Text, Node)> {
    let mut at = index(&base);
    for (key, value) in over {
        let slot = at.get(&key.text).and_then(|at| base.get_mut(*at));
        let Some((name, mine)) = slot else {
            at.insert(key.text.clone(), base.len());
            base.push((key, value));
            continue;
        };
        if spot == Spot::Pairs {
            // A name alone is a setting too: the value comes from the environment then.
            (*name, *mine) = (key, value);
            continue;
        }
        let nothing = Node { value: Value::Null, place: mine.place.clone() };
        let taken = std::mem::replace(mine, nothing);
        let result = merged(project, spot.below(&key.text), &key.text, taken, value);
        *mine = result;
    }
    base
}

/// Where each key stands.
fn index(pairs: &[(Text, Node)]) -> BTreeMap<String, usize> {
    pairs.iter().enumerate().map(|(at, (key, _))| (key.text.clone(), at)).collect()
}

/// `NAME=value` lines as a map; a name alone has no value. A later line of the same name holds.
pub(super) fn pairs(node: Node) -> Node {
    let Value::List(items) = node.value else { return node };
    let mut pairs: Vec<(Text, Node)> = Vec::with_capacity(items.len());
    let mut at = BTreeMap::new();
    for item in items {
        let Value::Scalar(scalar) = &item.value else { continue };
        let (name, value) = match scalar.text.split_once('=') {
            Some((name, value)) => (name, Value::Scalar(Scalar { text: value.into(), style: Style::Quoted })),
            None => (scalar.text.as_str(), Value::Null),
        };
        let pair = (Text::new(name, item.place.clone()), Node { value, place: item.place.clone() });
        match at.get(name).and_then(|at: &usize| pairs.get_mut(*at)) {
            Some(earlier) => *earlier = pair,
            None => {
                at.insert(name.to_owned(), pairs.len());
                pairs.push(pair);
            }
        }
    }
    Node { value: Value::Map(pairs), place: node.place }
}

fn words(node: Node) -> Node {
    match &node.value {
        Value::Scalar(_) => {
            let place = node.place.clone();
            Node { value: Value::List(vec![node]), place }
        }
        Value::Null | Value::List(_) | Value::Map(_) => node,
    }
}

/// A list of names as a map. Of a dependency, a name alone says as much as the long form with its defaults.
pub(super) fn names(node: Node, depends_on: bool) -> Node {
    let Value::List(items) = node.value else { return node };
    let pair = |item: Node| {
        let name = item.word()?;
        let word = |text: &str| Node {
            value: Value::Scalar(Scalar { text: text.into(), style: Style::Plain }),
            place: item.place.clone(),
        };
        let key = |text: &str| Text::new(text, item.place.clone());
        let value = match depends_on {
            true => {
                Value::Map(vec![(key("condition"), word("service_started")), (key("required"), word("true"))])
            }
            false => Value::Null,
        };
        Some((name, Node { value, place: item.place.clone() }))
    };
    Node { value: Value::Map(items.into_iter().filter_map(pair).collect()), place: node.place }
}

fn build(node: Node) -> Node {
    match &node.value {
        Value::Scalar(_) => {
            let place = node.place.clone();
            let key = Text::new("context", place.clone());
            Node { value: Value::Map(vec![(key, node)]), place }
        }
        Value::Null | Value::List(_) | Value::Map(_) => node,
    }
}

fn driver(pairs: &[(Text, Node)]) -> Option<&str> {
    pairs.iter().find(|(key, _)| key.text == "driver").and_then(|(_, node)| node.text())
}
