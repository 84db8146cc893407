//! Workloads out of a tree of services.

use std::collections::BTreeMap;

use super::environment::Environment;
use super::life::Waits;
use super::mounts::Defined;
use super::project::Project;
use super::{NO_SERVICE, command, deploy, merge, mounts, references};
use crate::read::dotenv::{self, Dialect};
use crate::read::quantity;
use crate::yaml::{Node, Value};
use crate::{Container, Finding, Level, Stage, Text, Variable, Workload};

/// The workloads of all services that are on, in the order of the files.
pub(super) fn workloads(
    project: &mut Project<'_>,
    tree: &Node,
    environment: &Environment<'_>,
) -> Vec<Workload> {
    let services = tree.get("services").map(Node::pairs).unwrap_or_default();
    let on = references::services_on(project, services, environment);
    if on.is_empty() {
        nothing_on(project, tree, services.is_empty());
    }
    references::check(project, services, &on);
    let defined = Defined::of(tree);
    let waits = Waits::of(on.iter().map(|(_, service)| service));
    let mut workloads = Vec::new();
    for (name, service) in on {
        if !matches!(service.value, Value::Map(_)) {
            continue;
        }
        workloads.push(Workload {
            name: name.text.clone(),
            aliases: aliases(service),
            standbys: Vec::new(),
            kind: "service",
            place: name.place.clone(),
            replicas: deploy::replicas(project, &name.text, service),
            life: waits.life(&name.text, service),
            containers: containers(project, name, service, &defined, environment),
        });
    }
    workloads
}

/// The names by which other services reach it, beside its own.
fn aliases(service: &Node) -> Vec<String> {
    let alone = ["container_name", "hostname"].into_iter().filter_map(|key| service.get(key));
    let networks = service.get("networks").map(Node::pairs).unwrap_or_default();
    let aliases =
        networks.iter().flat_map(|(_, network)| network.get("aliases").map(Node::items).unwrap_or_default());
    let mut all: Vec<String> = alone.chain(aliases).filter_map(Node::text).map(str::to_owned).collect();
    all.sort();
    all.dedup();
    all
}

fn nothing_on(project: &mut Project<'_>, tree: &Node, none: bool) {
    let (level, message, fix) = match none {
        true => (Level::Error, "no service stands in these files", "name the file that holds services:"),
        false => (Level::Warning, "every service here needs a profile, and none is on", "turn a profile on"),
    };
    project.findings.push(Finding { level, ..Finding::at(&NO_SERVICE, &tree.place, message, fix) });
}

/// The containers of a service: those that run before it, and its own.
fn containers(
    project: &mut Project<'_>,
    name: &Text,
    service: &Node,
    defined: &Defined<'_>,
    environment: &Environment<'_>,
) -> Vec<Container> {
    let mut main = Container::new(&name.text, name.place.clone());
    main.image = service.get("image").and_then(Node::word).filter(|image| !image.text.is_empty());
    for key in ["entrypoint", "command"] {
        if let Some(node) = service.get(key) {
            main.command.extend(command::words(project, node, key));
        }
    }
    variables(project, &mut main, service, environment);
    mounts::put(project, &mut main, service, defined, environment);
    deploy::limits(project, &mut main, service);
    let mut containers = Vec::new();
    for (at, hook) in service.get("pre_start").map(Node::items).unwrap_or_default().iter().enumerate() {
        let told = main.environment.iter().map(|(name, variable)| {
            name.len().saturating_add(variable.value.as_ref().map_or(0, String::len))
        });
        if !project.spend_bytes(told.sum(), &hook.place) {
            break;
        }
        let mut before = Container::new(format!("{} pre_start {}", name.text, at + 1), hook.place.clone());
        before.stage = Stage::Init;
        before.image = hook.get("image").and_then(Node::word).or_else(|| main.image.clone());
        if let Some(node) = hook.get("command") {
            before.command = command::words(project, node, "command");
        }
        before.environment = main.environment.clone();
        before.unseen = main.unseen.clone();
        before.environment.extend(own_variables(project, hook, environment));
        containers.push(before);
    }
    containers.push(main);
    containers
}

/// The environment: its files in their order, and over them what the service itself says.
fn variables(
    project: &mut Project<'_>,
    container: &mut Container,
    service: &Node,
    environment: &Environment<'_>,
) {
    let own = own_variables(project, service, environment);
    let lookup = |name: &str| {
        environment.value(name).or_else(|| own.get(name).and_then(|variable| variable.value.clone()))
    };
    let mut earlier = BTreeMap::new();
    for file in env_files(service) {
        if project.bytes_left() == 0 {
            break;
        }
        let path = project.path(&file.path.place.file, &file.path.text);
        match project.text(&path) {
            Ok(text) => {
                let settings = match file.raw {
                    true => dotenv::literal(&path, &text, Dialect::Raw, &mut project.findings),
                    false => dotenv::compose(&path, &text, &lookup, &mut earlier, &mut project.findings),
                };
                settle(project, container, settings, &lookup);
            }
            Err(why) => {
                if file.required {
                    project.missing(&file.path.place, &path, &why);
                }
                container.unseen.push(Text::new(format!("env file {path}"), file.path.place));
            }
        }
    }
    container.environment.extend(own);
}

fn settle(
    project: &mut Project<'_>,
    container: &mut Container,
    settings: Vec<dotenv::Setting>,
    lookup: &dyn Fn(&str) -> Option<String>,
) {
    for setting in settings {
        let Text { text: name, place } = setting.key;
        // A name alone is only set if the environment around knows it.
        let Some(value) = setting.value.or_else(|| lookup(&name)) else { continue };
        if project.spend_bytes(value.len().saturating_add(name.len()), &place) {
            container.environment.insert(name, Variable { value: Some(value), place });
        }
    }
}

/// What stands below `environment`.
fn own_variables(
    project: &mut Project<'_>,
    service: &Node,
    environment: &Environment<'_>,
) -> BTreeMap<String, Variable> {
    let mut variables = BTreeMap::new();
    let Some(node) = service.get("environment") else { return variables };
    for (name, node) in merge::pairs(node.clone()).pairs() {
        let value = match &node.value {
            Value::Scalar(scalar) => Some(scalar.text.clone()),
            Value::Null => environment.value(&name.text),
            Value::List(_) | Value::Map(_) => continue,
        };
        let bytes = value.as_ref().map_or(0, String::len).saturating_add(name.text.len());
        if project.spend_bytes(bytes, &name.place) {
            variables.insert(name.text.clone(), Variable { value, place: name.place.clone() });
        }
    }
    variables
}

struct EnvFile {
    path: Text,
    required: bool,
    /// `format: raw`
    raw: bool,
}

/// The env files of a service. One that is named twice is read where it is named first.
fn env_files(service: &Node) -> Vec<EnvFile> {
    let Some(node) = service.get("env_file") else { return Vec::new() };
    let mut files: Vec<EnvFile> = Vec::new();
    let mut known = BTreeMap::new();
    for item in std::iter::once(node).filter(|node| node.text().is_some()).chain(node.items()) {
        let long = |key| item.get(key).and_then(Node::text);
        let Some(path) = item.word().or_else(|| item.get("path").and_then(Node::word)) else { continue };
        let required = long("required").and_then(quantity::switch).unwrap_or(true);
        let at = *known.entry(path.text.clone()).or_insert(files.len());
        let file = EnvFile { path, required, raw: long("format") == Some("raw") };
        match files.get_mut(at) {
            Some(known) => *known = file,
            None => files.push(file),
        }
    }
    files
}
