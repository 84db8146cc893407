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
    services: Rc<BTreeMap<String, Node>>,
    taken: Rc<Taken>,
    file: Arc<str>,
}

impl Shelf {
    fn of(document: &Node, taken: Taken, file: &Arc<str>) -> Self {
        let services = document.get("services").map(Node::pairs).unwrap_or_default();
        let services = services.iter().map(|(name, service)| (name.text.clone(), service.clone()));
        Self { services: Rc::new(services.collect()), taken: Rc::new(taken), file: Arc::clone(file) }
    }
}

/// One service of a chain, as it is written.
struct Link {
    name: String,
    service: Node,
    /// Where it names the one it starts from.
    extends: Option<Place>,
    shelf: Shelf,
}

/// Completes every service of a document that extends another.
pub(super) fn apply<'w>(
    project: &mut Project<'w>,
    document: &mut Node,
    taken: &Taken,
    context: &mut Context<'w>,
) {
    let extending = |(_, service): &&(Text, Node)| service.get("extends").is_some();
    if document.get("services").is_none_or(|services| !services.pairs().iter().any(|pair| extending(&pair))) {
        return;
    }
    let shelf = Shelf::of(document, taken.clone(), &document.place.file);
    let Value::Map(sections) = &mut document.value else { return };
    let services =
        sections.iter_mut().filter(|(key, _)| key.text == "services").map(|(_, services)| services);
    for services in services {
        let Value::Map(services) = &mut services.value else { continue };
        for (name, service) in services.iter_mut().filter(|(_, service)| service.get("extends").is_some()) {
            let links = chain(project, &shelf, &name.text, context);
            if let Some(whole) = fold(project, links) {
                *service = whole;
            }
        }
    }
}

/// A service and those it starts from, itself first.
fn chain<'w>(project: &mut Project<'w>, shelf: &Shelf, name: &str, context: &mut Context<'w>) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut next = Some((shelf.clone(), Text::new(name, Place::whole(&shelf.file))));
    while let Some((shelf, named)) = next.take() {
        if let Some(begin) =
            links.iter().position(|link| link.name == named.text && link.shelf.file == shelf.file)
        {
            circle(project, links.get(begin..).unwrap_or_default());
            break;
        }
        let Some(service) = service(project, &shelf, &named) else { break };
        if links.len() >= CHAIN_MAX {
            let message = format!("services extend services {CHAIN_MAX} deep here");
            project.findings.push(Finding::at(&CYCLE, &service.place, message, "extend fewer of them"));
            break;
        }
        next = base(project, &shelf, &service, context);
        let extends = next.as_ref().map(|(_, named)| named.place.clone());
        links.push(Link { name: named.text, service: without_extends(service), extends, shelf });
    }
    links
}

/// A copy of a service, which is counted.
fn service(project: &mut Project<'_>, shelf: &Shelf, named: &Text) -> Option<Node> {
    match shelf.services.get(&named.text) {
        Some(service) => project.spend_nodes(size(service), &service.place).then(|| service.clone()),
        None => {
            let message = format!("{} has no service {:?} to extend", shelf.file, named.text);
            let fix = "name a service of that file; with several -f files, extends sees only its own, or the one \
                       that `file:` names";
            project.findings.push(Finding::at(&UNKNOWN_NAME, &named.place, message, fix));
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
) -> Option<(Shelf, Text)> {
    let extends = service.get("extends")?;
    let name = extends.word().or_else(|| extends.get("service").and_then(Node::word))?;
    let shelf = match extends.get("file").and_then(Node::word) {
        Some(file) => other(project, &file, context)?,
        None => shelf.clone(),
    };
    Some((shelf, name))
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
    Some(Shelf::of(&document, taken, path))
}

/// The service that a chain comes to: each merged over the one it starts from.
fn fold(project: &mut Project<'_>, links: Vec<Link>) -> Option<Node> {
    let mut links = links.into_iter().rev();
    let mut merged = links.next()?.service;
    for link in links {
        link.shelf.taken.out_of_service(&mut merged, &link.name);
        merged = merge::extend(project, merged, link.service);
    }
    Some(merged)
}

fn without_extends(mut service: Node) -> Node {
    if let Value::Map(pairs) = &mut service.value {
        pairs.retain(|(key, _)| key.text != "extends");
    }
    service
}

/// Tells a circle once, whichever of its services it is met from.
fn circle(project: &mut Project<'_>, links: &[Link]) {
    let key = |link: &&Link| (Arc::clone(&link.shelf.file), link.name.clone());
    let Some(first) = links.iter().enumerate().min_by_key(|(_, link)| key(link)).map(|(at, _)| at) else {
        return;
    };
    let (behind, ahead) = links.split_at(first);
    let way: Vec<&Link> = ahead.iter().chain(behind).chain(ahead.first()).collect();
    let one_file =
        links.iter().all(|link| way.first().is_some_and(|first| first.shelf.file == link.shelf.file));
    let shown = |link: &&Link| match one_file {
        true => link.name.clone(),
        false => format!("{} ({})", link.name, link.shelf.file),
    };
    let message = format!(
        "services extend each other in a circle: {}",
        way.iter().map(shown).collect::<Vec<_>>().join(" -> ")
    );
    let last = behind.last().or(ahead.last()).and_then(|link| link.extends.clone());
    if let Some(place) = last {
        project.findings.push(Finding::at(&CYCLE, &place, message, "take one of these extends out"));
    }
}
