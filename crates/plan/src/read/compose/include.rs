//! `include`: other projects brought in, each read in its own folder with its own `.env`.

use std::sync::Arc;

use super::load::{self, Context};
use super::merge;
use super::project::Project;
use super::tags::Taken;
use super::{CYCLE, MISSING_FILE};
use crate::yaml::{Node, Value};
use crate::{Finding, Place, Text};

/// How deep files may include files.
const DEPTH_MAX: usize = 16;

/// What may come out of an included file.
const BROUGHT: [&str; 6] = ["services", "volumes", "networks", "secrets", "configs", "models"];

struct Include {
    /// The first is the project; the others are merged over it.
    paths: Vec<Text>,
    env_files: Vec<Text>,
    project_directory: Option<Text>,
}

/// Brings in what a document includes. What the document itself says is merged over it.
pub(super) fn apply<'w>(
    project: &mut Project<'w>,
    document: &mut Node,
    taken: &Taken,
    context: &mut Context<'w>,
) {
    let includes: Vec<Include> = match document.get("include") {
        Some(node) => node.items().iter().map(include).collect(),
        None => return,
    };
    for include in includes {
        let Some(mut tree) = bring(project, &include, context) else { continue };
        taken.out_of(&mut tree);
        let Value::Map(pairs) = &mut tree.value else { continue };
        pairs.retain(|(key, _)| BROUGHT.contains(&key.text.as_str()));
        let nothing = Node { value: Value::Null, place: document.place.clone() };
        let own = std::mem::replace(document, nothing);
        *document = merge::bring(project, tree, own);
    }
}

fn include(item: &Node) -> Include {
    let words = |node: &Node| -> Vec<Text> {
        node.word().into_iter().chain(node.items().iter().filter_map(Node::word)).collect()
    };
    let words_of = |key: &str| item.get(key).map(words).unwrap_or_default();
    match item.word() {
        Some(path) => Include { paths: vec![path], env_files: Vec::new(), project_directory: None },
        None => Include {
            paths: words_of("path"),
            env_files: words_of("env_file"),
            project_directory: item.get("project_directory").and_then(Node::word),
        },
    }
}

fn bring<'w>(project: &mut Project<'w>, include: &Include, context: &Context<'w>) -> Option<Node> {
    let first = include.paths.first()?;
    let written_in = &first.place.file;
    let path = project.path(written_in, &first.text);
    if let Some(begin) = context.including.iter().position(|file| *file == path) {
        cycle(project, &first.place, context.including.get(begin..).unwrap_or_default(), &path);
        return None;
    }
    if context.including.len() >= DEPTH_MAX {
        let message = format!("files include files {DEPTH_MAX} deep here");
        project.findings.push(Finding::at(&CYCLE, &first.place, message, "include them from fewer files"));
        return None;
    }
    let anchor: Arc<str> = match &include.project_directory {
        Some(folder) => within(&project.path(written_in, &folder.text)),
        None => Arc::clone(&path),
    };
    let mut environment = context.environment.clone();
    if include.env_files.is_empty() {
        environment.add_beside(project, &anchor);
    } else {
        environment.add_files(project, written_in, &include.env_files);
    }
    let mut inner = Context::new(environment, anchor, context.including.clone());
    let mut tree = None;
    for named in &include.paths {
        if let Some(path) = local(project, named) {
            tree = load::file(project, &path, Some(&named.place), &mut inner, tree);
        }
    }
    tree
}

/// A path whose folder is the given one.
fn within(folder: &str) -> Arc<str> {
    if folder.is_empty() { ".".into() } else { format!("{folder}/.").into() }
}

/// The path of a file that is named, unless it lies on another machine.
pub(super) fn local(project: &mut Project<'_>, named: &Text) -> Option<Arc<str>> {
    let text = &named.text;
    let remote = ["http://", "https://", "git://", "oci://", "ssh://", "git@", "github.com/"];
    if remote.iter().any(|begin| text.starts_with(begin)) {
        project.findings.push(Finding::at(
            &MISSING_FILE,
            &named.place,
            "this file lies on another machine, and nothing is fetched here",
            "fetch it, and give the result of docker compose config instead",
        ));
        return None;
    }
    Some(project.path(&named.place.file, text))
}

fn cycle(project: &mut Project<'_>, at: &Place, including: &[Arc<str>], path: &str) {
    let way: Vec<&str> = including.iter().map(AsRef::as_ref).chain([path]).collect();
    let message = format!("files include each other in a circle: {}", way.join(" -> "));
    project.findings.push(Finding::at(&CYCLE, at, message, "take one of these includes out"));
}
