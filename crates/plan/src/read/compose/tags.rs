//! `!reset` and `!override`: how a file takes something away that an earlier one says.
//!
//! The YAML layer drops tags, so they are looked up in the file's text, between a key and its value.

use std::collections::BTreeMap;

use super::project::Project;
use crate::Text;
use crate::read::source::Source;
use crate::yaml::{Node, Value};

/// What a document takes away from what it is merged over.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    /// All of it.
    whole: bool,
    /// Something below these keys.
    below: BTreeMap<String, Self>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Reset,
    Override,
}

/// What a document takes away. Values that are there only to reset leave it.
pub(super) fn taken(project: &Project<'_>, document: &mut Node) -> Taken {
    let tagged = |source: &Source| ["!reset", "!override"].iter().any(|tag| source.text().contains(tag));
    match project.source(&document.place.file).filter(|source| tagged(source)) {
        Some(source) => collect(&source, document),
        None => Taken::default(),
    }
}

fn collect(source: &Source, node: &mut Node) -> Taken {
    let mut taken = Taken::default();
    let Value::Map(pairs) = &mut node.value else { return taken };
    pairs.retain_mut(|(key, value)| {
        let tag = tag(source, key);
        let below = match tag {
            Some(_) => Taken { whole: true, below: BTreeMap::new() },
            None => collect(source, value),
        };
        if below.whole || !below.below.is_empty() {
            taken.below.insert(key.text.clone(), below);
        }
        tag != Some(Tag::Reset)
    });
    taken
}

impl Taken {
    /// Takes it out of a tree.
    pub(super) fn out_of(&self, tree: &mut Node) {
        let Value::Map(pairs) = &mut tree.value else { return };
        if self.below.is_empty() {
            return;
        }
        pairs.retain_mut(|(key, value)| match self.below.get(&key.text) {
            Some(taken) if taken.whole => false,
            Some(taken) => {
                taken.out_of(value);
                true
            }
            None => true,
        });
    }

    /// Takes out of a service what the one of this name, which extends it, takes away.
    pub(super) fn out_of_service(&self, base: &mut Node, name: &str) {
        if let Some(taken) = self.below.get("services").and_then(|services| services.below.get(name)) {
            taken.out_of(base);
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
