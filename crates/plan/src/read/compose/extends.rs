//! `extends`: services that start from another service, of the same file or of another.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::include::local;
use super::load::{Context, prepare};
use super::merge;
use super::project::{Project, size};
use super::tags::{self, Taken};
use super::{CYCLE, UNKNOWN_NAME};
use crate::yaml::{Node, Value};
use crate::{Finding, Place, Text};

/// How many services may start from one another.
const CHAIN_MAX: usize = 64;

/// Files that services were taken from, each loaded once; `None` could not be.
pub(super) type Shelves = BTreeMap<Arc<str>, Option<Shelf>>;

/// A document that services are taken from.
#[derive(Clone)]
pub(super) struct Shelf {
    document: Rc<Node>,
    taken: Rc<Taken>,
    file: Arc<str>,
}

/// One service of a chain, as it is written.
struct Link {
    name: String,
    service: Node,
    shelf: Shelf,
}

/// Completes every service of a document that extends another.
pub(super) fn apply<'w>(
    project: &mut Project<'w>,
    document: &mut Node,
    taken: &Taken,
    context: &mut Context<'w>,
) {
    let Some(services) = document.get("services") else { return };
    let names: Vec<String> = services
        .pairs()
        .iter()
        .filter(|(_, service)| service.get("extends").is_some())
        .map(|(name, _)| name.text.clone())
        .collect();
    if names.is_empty() {
        return;
    }
    let shelf = Shelf {
        document: Rc::new(document.clone()),
        taken: Rc::new(taken.clone()),
        file: Arc::clone(&document.place.file),
    };
    for name in names {
        let links = chain(project, &shelf, &name, context);
        let Some(service) = fold(project, links) else { continue };
        if let Some(place) = slot(document, &name) {
            *place = service;
        }
    }
}

fn slot<'n>(document: &'n mut Node, service: &str) -> Option<&'n mut Node> {
    let below = |node: &'n mut Node, name: &str| match &mut node.value {
        Value::Map(pairs) => pairs.iter_mut().find(|(key, _)| key.text == name).map(|(_, node)| node),
        Value::Null | Value::Scalar(_) | Value::List(_) => None,
    };
    below(below(document, "services")?, service)
}

/// A service and those it starts from, itself first.
fn chain<'w>(project: &mut Project<'w>, shelf: &Shelf, name: &str, context: &mut Context<'w>) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut next = Some((shelf.clone(), name.to_owned(), None));
    while let Some((shelf, name, named)) = next.take() {
        let named: Option<Place> = named;
        if let (Some(begin), Some(at)) =
            (links.iter().position(|link| link.name == name && link.shelf.file == shelf.file), named.as_ref())
        {
            circle(project, at, links.get(begin..).unwrap_or_default(), &name);
            break;
        }
        let Some(service) = service(project, &shelf, &name, named.as_ref()) else { break };
        if links.len() >= CHAIN_MAX {
            let message = format!("services extend services {CHAIN_MAX} deep here");
            project.findings.push(Finding::at(&CYCLE, &service.place, message, "extend fewer of them"));
            break;
        }
        next = base(project, &shelf, &service, context);
        links.push(Link { name, service, shelf });
    }
    links
}

/// A copy of a service, which is counted.
fn service(project: &mut Project<'_>, shelf: &Shelf, name: &str, named: Option<&Place>) -> Option<Node> {
    match shelf.document.at(&["services", name]) {
        Some(service) => {
            let at = named.unwrap_or(&service.place).clone();
            project.spend_nodes(size(service), &at).then(|| service.clone())
        }
        None => {
            let message = format!("{} has no service {name:?} to extend", shelf.file);
            let fix = "name a service of that file; with several -f files, extends sees only its own, or the one \
                       that `file:` names";
            project.findings.push(Finding::at(&UNKNOWN_NAME, named?, message, fix));
            None
        }
    }
}

/// Where the service stands that another starts from.
fn base<'w>(
    project: &mut Project<'w>,
    shelf: &Shelf,
    service: &Node,
    context: &mut Context<'w>,
) -> Option<(Shelf, String, Option<Place>)> {
    let extends = service.get("extends")?;
    let name = extends.word().or_else(|| extends.get("service").and_then(Node::word))?;
    let shelf = match extends.get("file").and_then(Node::word) {
        Some(file) => other(project, &file, context)?,
        None => shelf.clone(),
    };
    Some((shelf, name.text, Some(name.place)))
}

/// The documents of another file, merged. What it includes stays out, as compose leaves it out.
fn other<'w>(project: &mut Project<'w>, named: &Text, context: &mut Context<'w>) -> Option<Shelf> {
    let path = local(project, named)?;
    if let Some(known) = context.shelves.get(&path) {
        return known.clone();
    }
    let shelf = load(project, &path, named, context);
    context.shelves.insert(path, shelf.clone());
    shelf
}

fn load<'w>(
    project: &mut Project<'w>,
    path: &Arc<str>,
    named: &Text,
    context: &Context<'w>,
) -> Option<Shelf> {
    project.anchor(path, path);
    let documents = project.documents(path, Some(&named.place))?;
    let mut merged: Option<(Node, Taken)> = None;
    for document in documents.iter() {
        let mut document = document.clone();
        let taken = tags::taken(project, &mut document);
        prepare(project, &mut document, &context.environment);
        merged = Some(match merged {
            None => (document, taken),
            Some((mut tree, _)) => {
                taken.out_of(&mut tree);
                (merge::merge(project, tree, document), taken)
            }
        });
    }
    let (document, taken) = merged?;
    Some(Shelf { document: Rc::new(document), taken: Rc::new(taken), file: Arc::clone(path) })
}

/// The service that a chain comes to: each merged over the one it starts from.
fn fold(project: &mut Project<'_>, links: Vec<Link>) -> Option<Node> {
    let mut links = links.into_iter().rev();
    let mut merged = links.next()?.service;
    for link in links {
        link.shelf.taken.out_of_service(&mut merged, &link.name);
        merged = merge::extend(project, merged, link.service);
    }
    if let Value::Map(pairs) = &mut merged.value {
        pairs.retain(|(key, _)| key.text != "extends");
    }
    Some(merged)
}

fn circle(project: &mut Project<'_>, at: &Place, links: &[Link], name: &str) {
    let one_file =
        links.iter().all(|link| Some(&link.shelf.file) == links.first().map(|link| &link.shelf.file));
    let shown = |link: &Link| match one_file {
        true => link.name.clone(),
        false => format!("{} ({})", link.name, link.shelf.file),
    };
    let mut way: Vec<String> = links.iter().map(shown).collect();
    way.push(links.first().map_or_else(|| name.to_owned(), shown));
    let message = format!("services extend each other in a circle: {}", way.join(" -> "));
    project.findings.push(Finding::at(&CYCLE, at, message, "take one of these extends out"));
}
