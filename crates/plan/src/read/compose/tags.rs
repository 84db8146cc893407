//! `!reset` and `!override`: how a file takes something away that an earlier one says.
//!
//! The YAML layer drops tags, so they are looked up in the file's text, between a key and its value.

use super::project::Project;
use crate::Text;
use crate::read::source::Source;
use crate::yaml::{Node, Value};

/// What a document takes away from what it is merged over: ways of keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken(Vec<Vec<String>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Reset,
    Override,
}

/// What a document takes away. Values that are there only to reset leave it.
pub(super) fn taken(project: &Project<'_>, document: &mut Node) -> Taken {
    let mut taken = Taken::default();
    let source = project.source(&document.place.file);
    if let Some(source) =
        source.filter(|source| ["!reset", "!override"].iter().any(|tag| source.text().contains(tag)))
    {
        collect(&source, document, &mut Vec::new(), &mut taken.0);
    }
    taken
}

fn collect(source: &Source, node: &mut Node, way: &mut Vec<String>, taken: &mut Vec<Vec<String>>) {
    let Value::Map(pairs) = &mut node.value else { return };
    pairs.retain_mut(|(key, value)| {
        way.push(key.text.clone());
        let tag = tag(source, key);
        match tag {
            Some(_) => taken.push(way.clone()),
            None => collect(source, value, way, taken),
        }
        way.pop();
        tag != Some(Tag::Reset)
    });
}

impl Taken {
    /// Takes it out of a whole tree.
    pub(super) fn out_of(&self, tree: &mut Node) {
        for way in &self.0 {
            take(tree, way);
        }
    }

    /// Takes out of a service what the one of this name, which extends it, takes away.
    pub(super) fn out_of_service(&self, base: &mut Node, name: &str) {
        for way in &self.0 {
            if let [services, service, rest @ ..] = way.as_slice()
                && services == "services"
                && service == name
            {
                take(base, rest);
            }
        }
    }
}

fn take(node: &mut Node, way: &[String]) {
    let Value::Map(pairs) = &mut node.value else { return };
    match way {
        [] => {}
        [last] => pairs.retain(|(key, _)| key.text != *last),
        [first, rest @ ..] => {
            if let Some((_, value)) = pairs.iter_mut().find(|(key, _)| key.text == *first) {
                take(value, rest);
            }
        }
    }
}

/// The tag between a key and its value.
fn tag(source: &Source, key: &Text) -> Option<Tag> {
    let rest = source.text().get(source.byte(&key.place)?..)?;
    let behind = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest.get(1..)?.split_once(quote)?.1,
        _ => rest.strip_prefix(key.text.as_str())?,
    };
    let mut rest = behind.trim_start().strip_prefix(':')?;
    loop {
        rest = rest.trim_start();
        let word = rest.split(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']')).next()?;
        match word {
            "!reset" => return Some(Tag::Reset),
            "!override" => return Some(Tag::Override),
            _ if word.starts_with(['&', '!']) && word.len() > 1 => rest = rest.get(word.len()..)?,
            _ => return None,
        }
    }
}
