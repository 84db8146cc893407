//! Files put into a container: configs, secrets, and what is mounted from beside the compose file.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::UNKNOWN_NAME;
use super::environment::Environment;
use super::project::Project;
use crate::yaml::Node;
use crate::{Container, Finding, Place, Text};

/// What is looked for in a folder that is mounted whole: settings of servers and poolers.
const LOOKED_FOR: [&str; 7] = [
    "pgbouncer.ini",
    "postgresql.conf",
    "connwarden.toml",
    "pgcat.toml",
    "pgdog.toml",
    "odyssey.conf",
    "gunicorn.conf.py",
];

/// A section of things that services may be given.
struct Section<'t> {
    name: &'static str,
    /// The folder in a container that they are put into.
    folder: &'static str,
    defined: BTreeMap<&'t str, &'t Node>,
}

/// All configs and secrets of a project.
pub(super) struct Defined<'t>([Section<'t>; 2]);

impl<'t> Defined<'t> {
    /// What a tree defines.
    pub(super) fn of(tree: &'t Node) -> Self {
        let section = |name, folder| {
            let pairs = tree.get(name).map(Node::pairs).unwrap_or_default();
            let defined = pairs.iter().map(|(key, node)| (key.text.as_str(), node)).collect();
            Section { name, folder, defined }
        };
        Self([section("configs", "/"), section("secrets", "/run/secrets/")])
    }
}

/// Puts the files of a service into its container.
pub(super) fn put(
    project: &mut Project<'_>,
    container: &mut Container,
    service: &Node,
    defined: &Defined<'_>,
    environment: &Environment<'_>,
) {
    for section in &defined.0 {
        for item in service.get(section.name).map(Node::items).unwrap_or_default() {
            granted(project, container, item, section, environment);
        }
    }
    for item in service.get("volumes").map(Node::items).unwrap_or_default() {
        if let Some((source, target)) = bind(item) {
            mounted(project, container, &source, &target);
        }
    }
}

/// A config or a secret that a service is given.
fn granted(
    project: &mut Project<'_>,
    container: &mut Container,
    item: &Node,
    section: &Section<'_>,
    environment: &Environment<'_>,
) {
    let Some(source) = item.word().or_else(|| item.get("source").and_then(Node::word)) else { return };
    let Some(defined) = section.defined.get(source.text.as_str()) else {
        let message = format!("no {} {:?} is defined", section.name.trim_end_matches('s'), source.text);
        let fix = format!("define it below {}: at the top of the file", section.name);
        project.findings.push(Finding::at(&UNKNOWN_NAME, &source.place, message, fix));
        return;
    };
    let folder = section.folder;
    let target = match item.get("target").and_then(Node::text) {
        Some(target) if target.starts_with('/') => target.to_owned(),
        Some(target) => format!("{folder}{target}"),
        None => format!("{folder}{}", source.text),
    };
    let content = defined.get("content").and_then(Node::word).or_else(|| {
        let name = defined.get("environment").and_then(Node::word)?;
        Some(Text::new(environment.value(&name.text)?, name.place))
    });
    match (content, defined.get("file").and_then(Node::word)) {
        (Some(content), _) => keep(project, container, &target, content),
        (None, Some(file)) => {
            let path = project.path(&file.place.file, &file.text);
            file_at(project, container, &path, &target);
        }
        (None, None) => {}
    }
}

/// What a volume mounts from the machine, and where. `None` for volumes and everything else.
fn bind(item: &Node) -> Option<(Text, String)> {
    let (source, target) = match item.word() {
        Some(short) => {
            let (source, rest) = short.text.split_once(':')?;
            let target = rest.split(':').next().unwrap_or_default().to_owned();
            (Text::new(source, short.place.clone()), target)
        }
        None => {
            let bound = item.get("type").and_then(Node::text) == Some("bind");
            (
                item.get("source").and_then(Node::word).filter(|_| bound)?,
                item.get("target")?.text()?.to_owned(),
            )
        }
    };
    let here = source.text.starts_with(['.', '/']);
    (here && target.starts_with('/')).then_some((source, target))
}

fn mounted(project: &mut Project<'_>, container: &mut Container, source: &Text, target: &str) {
    let path = project.path(&source.place.file, &source.text);
    if file_at(project, container, &path, target) {
        return;
    }
    for name in LOOKED_FOR {
        let target = format!("{}/{name}", target.trim_end_matches('/'));
        let inside: Arc<str> = if path.is_empty() { name.into() } else { format!("{path}/{name}").into() };
        file_at(project, container, &inside, &target);
    }
}

/// Puts a file in, if it is there. Its text begins at its first line and column.
fn file_at(project: &mut Project<'_>, container: &mut Container, path: &Arc<str>, target: &str) -> bool {
    let Ok(text) = project.text(path) else { return false };
    keep(project, container, target, Text::new(&*text, Place::new(path, 1, 1)));
    true
}

fn keep(project: &mut Project<'_>, container: &mut Container, target: &str, content: Text) {
    let is_text = !content.text.contains('\0');
    if is_text && project.spend_bytes(content.text.len(), &content.place) {
        container.files.insert(target.to_owned(), content);
    }
}
