//! The objects of the files: what they are called, and how one finds another.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::Kind;
use super::report::Report;
use super::{DANGLING, TWICE};
use crate::yaml::Node;
use crate::{Place, Text};

mod file;

use file::File;

/// An object of a kind that is read.
pub(super) struct Object<'a> {
    pub(super) kind: Kind,
    /// As written; nothing if it is not.
    pub(super) namespace: Option<String>,
    pub(super) name: Text,
    pub(super) node: &'a Node,
    /// Whether the API makes the rest of the name up, so that no other object has it.
    generated: bool,
    /// Kind and name of those that made it.
    owners: Vec<(Kind, String)>,
}

impl Object<'_> {
    /// `api`, or `shop/api` in a namespace that is not the default one.
    pub(super) fn full_name(&self) -> String {
        match self.space() {
            "" => self.name.text.clone(),
            space => format!("{space}/{}", self.name.text),
        }
    }

    /// `Deployment shop/api`.
    pub(super) fn called(&self) -> String {
        format!("{} {}", self.kind.word(), self.full_name())
    }

    /// Where it begins.
    pub(super) fn place(&self) -> &Place {
        &self.node.place
    }

    /// An annotation's value.
    pub(super) fn annotation(&self, key: &str) -> Option<Text> {
        self.node.at(&["metadata", "annotations", key])?.word()
    }

    /// Its namespace, empty for the default one.
    fn space(&self) -> &str {
        self.namespace.as_deref().filter(|space| *space != "default").unwrap_or("")
    }
}

/// All objects that are read, in the order of the files.
pub(super) struct Objects<'a> {
    all: Vec<Object<'a>>,
    /// Where those of a kind and a name stand.
    index: BTreeMap<(Kind, String), Vec<usize>>,
}

impl<'a> Objects<'a> {
    /// The objects of files. Of two with the same name the later one counts; what another object of the files made (a
    /// deployment's pods in a dump of a cluster) does not count again.
    pub(super) fn of(files: &'a [(&str, Vec<Node>)], report: &mut Report) -> Self {
        let mut all = Vec::new();
        for (path, documents) in files {
            let file = File { path };
            if file.is_kustomization() {
                if let Some(first) = documents.first() {
                    file.refuse_kustomization(&first.place, report);
                }
                continue;
            }
            for document in documents {
                file.collect(document, &mut all, report);
            }
        }
        let all = without_overridden(all, report);
        let mut objects = Self { index: index(&all), all };
        let owned: BTreeSet<usize> = objects
            .all
            .iter()
            .enumerate()
            .filter(|(_, object)| objects.has_owner_of(object))
            .map(|(at, _)| at)
            .collect();
        if !owned.is_empty() {
            let mut at = 0..;
            objects.all.retain(|_| at.next().is_none_or(|at| !owned.contains(&at)));
            objects.index = index(&objects.all);
        }
        objects
    }

    /// Every object with its number.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &Object<'a>)> {
        self.all.iter().enumerate()
    }

    /// The object of a kind and a name, seen from a namespace. Where a namespace is not written, the command line
    /// gives it (`-n`), so an object without one may be in any.
    pub(super) fn find(&self, kind: Kind, from: &Object<'_>, name: &str) -> Option<(usize, &Object<'a>)> {
        let named = self.index.get(&(kind, name.to_owned()))?;
        let of = |at: &usize| self.all.get(*at).map(|object| (*at, object));
        let same = named.iter().filter_map(of).find(|(_, object)| object.space() == from.space());
        same.or_else(|| {
            let mut near = named
                .iter()
                .filter_map(of)
                .filter(|(_, object)| object.namespace.is_none() || from.namespace.is_none());
            near.next().filter(|_| near.next().is_none())
        })
    }

    /// Another namespace's object of this kind and name.
    pub(super) fn elsewhere(&self, kind: Kind, name: &str) -> Option<&Object<'a>> {
        self.all.get(*self.index.get(&(kind, name.to_owned()))?.first()?)
    }

    /// Says that a reference leads nowhere.
    pub(super) fn report_missing(&self, kind: Kind, from: &Object<'_>, name: &Text, report: &mut Report) {
        let word = kind.word();
        let fix = match self.elsewhere(kind, &name.text) {
            Some(other) => format!("{} is in another namespace; give both the same", other.called()),
            None => format!("correct the name, or give the file that holds {word} {} as well", name.text),
        };
        report.say(
            &DANGLING,
            &name.place,
            format!("{} refers to {word} {}, which is not in these files", from.called(), name.text),
            fix,
        );
    }

    fn has_owner_of(&self, object: &Object<'_>) -> bool {
        object.owners.iter().any(|(kind, name)| {
            let named = self.index.get(&(*kind, name.clone())).map_or(&[][..], Vec::as_slice);
            named.iter().any(|at| self.all.get(*at).is_some_and(|owner| owner.space() == object.space()))
        })
    }
}

fn index(all: &[Object<'_>]) -> BTreeMap<(Kind, String), Vec<usize>> {
    let mut index: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, object) in all.iter().enumerate() {
        index.entry((object.kind, object.name.text.clone())).or_default().push(at);
    }
    index
}

fn without_overridden<'a>(all: Vec<Object<'a>>, report: &mut Report) -> Vec<Object<'a>> {
    let mut seen: BTreeMap<(Kind, String), usize> = BTreeMap::new();
    let mut kept: Vec<Option<Object<'a>>> = Vec::with_capacity(all.len());
    for object in all {
        if !object.generated
            && let Some(before) = seen.insert((object.kind, object.full_name()), kept.len())
            && let Some(first) = kept.get_mut(before).and_then(Option::take)
        {
            report.say(
                &TWICE,
                object.place(),
                format!(
                    "{} stands here a second time, after {}: this one counts",
                    object.called(),
                    first.place()
                ),
                "keep one of the two, or give them names or namespaces of their own",
            );
        }
        kept.push(Some(object));
    }
    kept.into_iter().flatten().collect()
}
