//! A container's environment: `env`, `envFrom`, and `$(NAME)` in values, commands and arguments.

use std::collections::BTreeMap;

use super::DANGLING;
use super::fields::Report;
use super::kind::Kind;
use super::quantity::Quantity;
use super::settings::{Entry, Scope};
use super::shape;
use crate::yaml::Node;
use crate::{Container, Text, Variable};

/// Linux starts no program with a longer variable or argument: 128 KiB.
const EXPANDED_BYTES_MAX: usize = 128 * 1024;

type Environment = BTreeMap<String, Variable>;

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

/// A text with every `$(NAME)` that is known replaced, and `$$` by `$`.
pub(super) fn expand(text: &str, environment: &Environment) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        said.push_str(before);
        let name = after.strip_prefix('(').and_then(|open| open.split_once(')'));
        rest = if let Some((name, behind)) = name {
            match environment.get(name).and_then(|variable| variable.value.as_ref()) {
                Some(value) => said.push_str(value),
                None => said.extend(["$(", name, ")"]),
            }
            behind
        } else {
            said.push('$');
            after.strip_prefix('$').unwrap_or(after)
        };
        if said.len() > EXPANDED_BYTES_MAX {
            return text.to_owned();
        }
    }
    said + rest
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

    fn world(pairs: &[(&str, Option<&str>)]) -> Environment {
        let place = Place::whole(&"f".into());
        let variable =
            |value: &Option<&str>| Variable { value: value.map(str::to_owned), place: place.clone() };
        pairs.iter().map(|(name, value)| ((*name).to_owned(), variable(value))).collect()
    }

    #[test]
    fn references_are_replaced_where_they_are_known() {
        let known = world(&[("A", Some("1")), ("P", None)]);
        for (text, meant) in [
            ("$(A)", "1"),
            ("x$(A)y$(A)", "x1y1"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$(B)", "$(B)"),
            ("$(P)@pg", "$(P)@pg"),
            ("$(A", "$(A"),
            ("$A ${A} $", "$A ${A} $"),
            ("$$", "$"),
            ("é$(A)é", "é1é"),
        ] {
            assert_eq!(expand(text, &known), meant, "{text}");
        }
    }

    #[test]
    fn a_value_that_is_only_an_unknown_variable_is_unknown() {
        let mut container = Container::new("c", Place::whole(&"f".into()));
        container.environment = world(&[("A", Some("1")), ("P", None)]);
        assert_eq!(value_of("$(P)", &container), None);
        assert_eq!(value_of("$(A)", &container).as_deref(), Some("1"));
        assert_eq!(value_of("postgres://u:$(P)@pg", &container).as_deref(), Some("postgres://u:$(P)@pg"));
        assert_eq!(value_of("$(B)", &container).as_deref(), Some("$(B)"));
        container.unseen.push(Text::new("secret s", Place::whole(&"f".into())));
        assert_eq!(value_of("$(B)", &container), None);
    }

    #[test]
    fn variables_that_double_each_other_end() {
        let mut known = world(&[("A", Some("xxxxxxxx"))]);
        for _ in 0..60 {
            let doubled = expand("$(A)$(A)", &known);
            known = world(&[("A", Some(&doubled))]);
        }
        assert!(known["A"].value.as_ref().unwrap().len() <= 2 * EXPANDED_BYTES_MAX);
    }
}
