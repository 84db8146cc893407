//! A container's environment: `env`, `envFrom`, and `$(NAME)` in values, commands and arguments.

use std::collections::BTreeMap;

use super::DANGLING;
use super::kind::Kind;
use super::quantity::Quantity;
use super::report::Report;
use super::settings::{Entry, Scope};
use super::shape;
use crate::yaml::Node;
use crate::{Container, Text, Variable};

mod expand;

pub(super) use expand::expand;

/// Variables by their names.
pub(super) type Environment = BTreeMap<String, Variable>;

/// Fills in a container's environment in the order of the kubelet: `envFrom` first, then `env`, each of which may name
/// those before it.
pub(super) fn read(scope: &Scope<'_>, node: &Node, into: &mut Container, report: &mut Report) {
    for source in report.maps(node, "envFrom", &shape::ENV_FROM) {
        take_all(scope, source, into, report);
    }
    for item in report.maps(node, "env", &shape::VARIABLE) {
        let Some(name) = report.word(item, "name") else {
            if item.get("name").is_none() {
                report.refuse(
                    &item.place,
                    "a variable has no name here",
                    "write - name: and value: below it",
                );
            }
            continue;
        };
        let variable = match (item.get("value"), report.map(item, "valueFrom", &shape::VALUE_FROM)) {
            (None, Some(from)) => referred(scope, node, &name, from, report),
            (value, _) => {
                let text = value.map_or_else(
                    || Some(Text::new("", item.place.clone())),
                    |value| report.string("this variable's value", value),
                );
                text.map(|text| Variable { value: value_of(&text.text, into), place: text.place })
            }
        };
        let Some(variable) = variable else { continue };
        if report.copies(variable.value.as_ref().map_or(0, String::len), &item.place) {
            into.environment.insert(name.text, variable);
        }
    }
}

/// What a written value comes to. One that is nothing but a variable no file shows is not known either; in a longer
/// one that part stays as it is written.
fn value_of(text: &str, container: &Container) -> Option<String> {
    let alone = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
    if let Some(name) = alone.filter(|name| !name.contains(')')) {
        match container.environment.get(name) {
            Some(variable) => return variable.value.clone(),
            None if !container.unseen.is_empty() => return None,
            None => {}
        }
    }
    Some(expand(text, &container.environment))
}

/// Takes every key of a config map or secret.
fn take_all(scope: &Scope<'_>, source: &Node, into: &mut Container, report: &mut Report) {
    let prefix = report.word(source, "prefix").map_or_else(String::new, |prefix| prefix.text);
    for (field, kind, called) in
        [("configMapRef", Kind::ConfigMap, "config map"), ("secretRef", Kind::Secret, "secret")]
    {
        let Some(reference) = report.map(source, field, &shape::REFERENCE) else { continue };
        let Some(name) = report.word(reference, "name") else {
            report.refuse(&reference.place, format!("this {field} has no name"), "write name: below it");
            continue;
        };
        let Some(entries) = scope.entries(kind, &name.text) else {
            into.unseen.push(Text::new(format!("{called} {}", name.text), name.place));
            continue;
        };
        for (key, entry) in entries {
            let variable = format!("{prefix}{key}");
            let value = entry.as_variable(key, &variable);
            if !report.copies(value.as_ref().map_or(0, String::len), &name.place) {
                return;
            }
            into.environment.insert(variable, Variable { value, place: entry.place().clone() });
        }
    }
}

/// What a `valueFrom` gives; nothing if the variable is not set at all.
fn referred(
    scope: &Scope<'_>,
    container: &Node,
    variable: &Text,
    from: &Node,
    report: &mut Report,
) -> Option<Variable> {
    let unknown = Variable { value: None, place: variable.place.clone() };
    for (field, kind) in [("configMapKeyRef", Kind::ConfigMap), ("secretKeyRef", Kind::Secret)] {
        let Some(reference) = report.map(from, field, &shape::REFERENCE) else { continue };
        let (Some(name), Some(key)) = (report.word(reference, "name"), report.word(reference, "key")) else {
            report.refuse(
                &reference.place,
                format!("this {field} has no name or no key"),
                "write name: and key:",
            );
            return Some(unknown);
        };
        let Some(entries) = scope.entries(kind, &name.text) else { return Some(unknown) };
        return match entries.get(&key.text) {
            Some(entry) => Some(Variable {
                value: entry.as_variable(&key.text, &variable.text),
                place: entry.place().clone(),
            }),
            None if report.flag(reference, "optional").is_some_and(|(optional, _)| optional) => None,
            None => {
                no_key(kind, &name.text, &key, entries, report);
                Some(unknown)
            }
        };
    }
    if let Some(reference) = from.get("resourceFieldRef") {
        return Some(resource(container, reference).unwrap_or(unknown));
    }
    let field = from.at(&["fieldRef", "fieldPath"]).and_then(Node::text);
    let value = scope.object.namespace.clone().filter(|_| field == Some("metadata.namespace"));
    Some(Variable { value, ..unknown })
}

/// Says that a config map or secret lacks a key.
pub(super) fn no_key(
    kind: Kind,
    name: &str,
    key: &Text,
    entries: &BTreeMap<String, Entry>,
    report: &mut Report,
) {
    let near = model::config::suggest::nearest(&key.text, entries.keys().map(String::as_str));
    let fix = match near {
        Some(near) => format!("write key: {near}"),
        None => format!("add the key to the {}, or write optional: true", kind.word()),
    };
    report.say(
        &DANGLING,
        &key.place,
        format!("{} {name} has no key {}: the pod would not start", kind.word(), key.text),
        fix,
    );
}

/// A limit or request of the container itself, as the downward API gives it. An unwritten request is the limit; an
/// unwritten limit is the node's, which no file shows.
fn resource(container: &Node, reference: &Node) -> Option<Variable> {
    let other = reference.get("containerName").and_then(Node::text);
    if other.is_some() && other != container.get("name").and_then(Node::text) {
        return None;
    }
    let (what, of) = reference.get("resource")?.text()?.split_once('.')?;
    let written = |what| container.at(&["resources", what, of]).and_then(Node::word);
    let amount = written(what).or_else(|| written("limits").filter(|_| what == "requests"))?;
    let divisor = match reference.get("divisor").and_then(Node::text) {
        None | Some("0") => "1",
        Some(divisor) => divisor,
    };
    let value = Quantity::parse(&amount.text)?.divided(Quantity::parse(divisor)?)?;
    Some(Variable { value: Some(value.to_string()), place: amount.place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    #[test]
    fn a_value_that_is_only_an_unknown_variable_is_unknown() {
        let mut container = Container::new("c", Place::whole(&"f".into()));
        for (name, value) in [("A", Some("1")), ("P", None)] {
            let variable = Variable { value: value.map(str::to_owned), place: Place::whole(&"f".into()) };
            container.environment.insert(name.to_owned(), variable);
        }
        assert_eq!(value_of("$(P)", &container), None);
        assert_eq!(value_of("$(A)", &container).as_deref(), Some("1"));
        assert_eq!(value_of("postgres://u:$(P)@pg", &container).as_deref(), Some("postgres://u:$(P)@pg"));
        assert_eq!(value_of("$(B)", &container).as_deref(), Some("$(B)"));
        container.unseen.push(Text::new("secret s", Place::whole(&"f".into())));
        assert_eq!(value_of("$(B)", &container), None);
    }
}
