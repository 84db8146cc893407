//! From paths to one tree: every file read, filled in, checked, completed and merged over those before it.

use std::sync::Arc;

use super::environment::Environment;
use super::extends::Shelves;
use super::project::Project;
use super::{extends, fill, include, merge, schema, tags};
use crate::Place;
use crate::yaml::{Node, Value};

/// Where a file is loaded for.
pub(super) struct Context<'w> {
    pub environment: Environment<'w>,
    /// The file whose folder relative paths start from.
    pub anchor: Arc<str>,
    /// The files that include one another, from the outermost to this one.
    pub including: Vec<Arc<str>>,
    /// Other files that services were taken from.
    pub shelves: Shelves,
}

impl<'w> Context<'w> {
    pub(super) fn new(environment: Environment<'w>, anchor: Arc<str>, including: Vec<Arc<str>>) -> Self {
        Self { environment, anchor, including, shelves: Shelves::new() }
    }
}

/// All files merged, and the environment of the first one's folder; nothing if none could be read.
pub(super) fn all<'w>(project: &mut Project<'w>, paths: &[&str]) -> Option<(Node, Environment<'w>)> {
    let paths: Vec<Arc<str>> = paths.iter().map(|path| Arc::from(*path)).collect();
    let anchor = Arc::clone(paths.first()?);
    let mut environment = Environment::around(project);
    environment.add_beside(project, &anchor);
    name_project(project, &paths, &anchor, &mut environment);
    let mut context = Context::new(environment, anchor, Vec::new());
    let mut tree = None;
    for path in &paths {
        tree = file(project, path, None, &mut context, tree);
    }
    Some((tree?, context.environment))
}

/// One file merged over a tree. `named`: where it is named, if in a file.
pub(super) fn file<'w>(
    project: &mut Project<'w>,
    path: &Arc<str>,
    named: Option<&Place>,
    context: &mut Context<'w>,
    tree: Option<Node>,
) -> Option<Node> {
    project.anchor(path, &context.anchor);
    let Some(documents) = project.documents(path, named) else { return tree };
    context.including.push(Arc::clone(path));
    let mut tree = tree;
    for document in documents.iter() {
        let mut document = document.clone();
        let taken = tags::taken(project, &mut document);
        prepare(project, &mut document, &context.environment);
        include::apply(project, &mut document, &taken, context);
        if let Some(tree) = &mut tree {
            taken.out_of(tree);
        }
        extends::apply(project, &mut document, &taken, context);
        tree = Some(match tree {
            Some(tree) => merge::merge(project, tree, document),
            None => document,
        });
    }
    context.including.pop();
    tree
}

/// Fills in a document and checks its shape.
pub(super) fn prepare(project: &mut Project<'_>, document: &mut Node, environment: &Environment<'_>) {
    fill::fill(project, document, environment);
    schema::check(project, document);
}

/// The project's name: the last file's `name`, or the name of the folder.
fn name_project<'w>(
    project: &mut Project<'w>,
    paths: &[Arc<str>],
    anchor: &Arc<str>,
    environment: &mut Environment<'w>,
) {
    let mut name = None;
    for path in paths {
        let documents = project.documents(path, None);
        for document in documents.iter().flat_map(|documents| documents.iter()) {
            if let Some(Value::Scalar(scalar)) = document.get("name").map(|node| &node.value) {
                let text =
                    crate::read::interpolate::fill(&scalar.text, &|name| environment.value(name), 1024).text;
                name = Some(text);
            }
        }
    }
    let folder = anchor.rsplit('/').nth(1).filter(|folder| !folder.is_empty() && !folder.starts_with('.'));
    if let Some(name) = name.as_deref().or(folder) {
        environment.name_project(name);
    }
}
