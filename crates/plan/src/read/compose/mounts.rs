//! Files put into a container: configs, secrets, and what is mounted from beside the compose file.

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

/// Puts the files of a service into its container.
pub(super) fn put(
    project: &mut Project<'_>,
    container: &mut Container,
    service: &Node,
    tree: &Node,
    environment: &Environment<'_>,
) {
    for (section, folder) in [("configs", "/"), ("secrets", "/run/secrets/")] {
        for item in service.get(section).map(Node::items).unwrap_or_default() {
            granted(project, container, item, (tree, section, folder), environment);
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
    (tree, section, folder): (&Node, &str, &str),
    environment: &Environment<'_>,
) {
    let Some(source) = item.word().or_else(|| item.get("source").and_then(Node::word)) else { return };
    let Some(defined) = tree.at(&[section, &source.text]) else {
        if tree.get(section).is_none_or(|all| all.pairs().iter().all(|(key, _)| key.text != source.text)) {
            let message = format!("no {} {:?} is defined", section.trim_end_matches('s'), source.text);
            let fix = format!("define it below {section}: at the top of the file");
            project.findings.push(Finding::at(&UNKNOWN_NAME, &source.place, message, fix));
        }
        return;
    };
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
