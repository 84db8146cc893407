//! What is known while a project's files are read: their texts, where relative paths start, what was found wrong, and
//! how much more may be read.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::{MISSING_FILE, TOO_LARGE};
use crate::place::FILE_BYTES_MAX;
use crate::read::findings::Findings;
use crate::read::interpolate::Piece;
use crate::read::source::Source;
use crate::read::{Found, World};
use crate::yaml::{self, Node};
use crate::{Finding, Place, Workload};

/// How many nodes all files may have together, each extension counted.
const NODES_MAX: usize = 1_000_000;

/// How many bytes may be copied into values, environments and containers.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many files may be loaded, each inclusion counted.
const LOADS_MAX: usize = 500;

/// A scalar as it was before its variables were filled in.
pub(super) struct Before {
    pub text: String,
    pub pieces: Vec<Piece>,
}

/// A project while it is read.
pub(super) struct Project<'w> {
    pub world: &'w World<'w>,
    pub findings: Findings,
    /// Scalars that held variables, by their place.
    pub before: BTreeMap<Place, Before>,
    sources: BTreeMap<Arc<str>, Rc<Source>>,
    parsed: BTreeMap<Arc<str>, Rc<Vec<Node>>>,
    texts: BTreeMap<Arc<str>, Result<Arc<str>, String>>,
    /// For a file: the file whose folder its relative paths start from.
    anchors: BTreeMap<Arc<str>, Arc<str>>,
    nodes_left: usize,
    bytes_left: usize,
    loads_left: usize,
    /// It is told once.
    is_too_large: bool,
}

impl<'w> Project<'w> {
    pub(super) fn new(world: &'w World<'w>) -> Self {
        Self {
            world,
            findings: Findings::default(),
            before: BTreeMap::new(),
            sources: BTreeMap::new(),
            parsed: BTreeMap::new(),
            texts: BTreeMap::new(),
            anchors: BTreeMap::new(),
            nodes_left: NODES_MAX,
            bytes_left: BYTES_MAX,
            loads_left: LOADS_MAX,
            is_too_large: false,
        }
    }

    pub(super) fn found(self, workloads: Vec<Workload>) -> Found {
        Found { deployed: crate::deployed::Deployed { workloads }, findings: self.findings.into_vec() }
    }

    /// The text of a file, read once.
    pub(super) fn text(&mut self, path: &Arc<str>) -> Result<Arc<str>, String> {
        let read = || {
            let text = self.world.files.text(path)?;
            let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
            if bytes > FILE_BYTES_MAX { Err("it is longer than 4 MiB".into()) } else { Ok(text) }
        };
        match self.texts.get(path) {
            Some(text) => text.clone(),
            None => {
                let text = read();
                self.texts.insert(Arc::clone(path), text.clone());
                text
            }
        }
    }

    /// The documents of a compose file as they are written; none if it is not there or is no YAML, which is then
    /// found. `named`: where it is named, if in a file.
    pub(super) fn documents(&mut self, path: &Arc<str>, named: Option<&Place>) -> Option<Rc<Vec<Node>>> {
        let at = named.cloned().unwrap_or_else(|| Place::whole(path));
        match self.loads_left.checked_sub(1) {
            Some(left) => self.loads_left = left,
            None => {
                self.too_large(&at, "more than 500 files are loaded");
                return None;
            }
        }
        let documents = match self.parsed.get(path) {
            Some(known) => Rc::clone(known),
            None => Rc::new(self.parse(path, &at)?),
        };
        self.parsed.insert(Arc::clone(path), Rc::clone(&documents));
        let nodes = documents.iter().map(size).sum();
        self.spend_nodes(nodes, &at).then_some(documents)
    }

    fn parse(&mut self, path: &Arc<str>, at: &Place) -> Option<Vec<Node>> {
        let text = match self.text(path) {
            Ok(text) => text,
            Err(why) => {
                self.missing(at, path, &why);
                return None;
            }
        };
        self.sources.insert(Arc::clone(path), Rc::new(Source::new(path, &text)));
        match yaml::documents(path, &text) {
            Ok(documents) => Some(documents),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        }
    }

    /// A file that is named and could not be read.
    pub(super) fn missing(&mut self, at: &Place, path: &str, why: &str) {
        self.findings.push(Finding::at(
            &MISSING_FILE,
            at,
            format!("{path} could not be read: {why}"),
            "mend the path: it is meant from the folder of the first compose file, or of the one that is extended \
             or included",
        ));
    }

    pub(super) fn source(&self, file: &str) -> Option<Rc<Source>> {
        self.sources.get(file).cloned()
    }

    /// Says which file's folder the relative paths of a file start from. The first word holds.
    pub(super) fn anchor(&mut self, file: &Arc<str>, anchor: &Arc<str>) {
        self.anchors.entry(Arc::clone(file)).or_insert_with(|| Arc::clone(anchor));
    }

    /// A path as it is meant in a file.
    pub(super) fn path(&self, written_in: &Arc<str>, path: &str) -> Arc<str> {
        let anchor = self.anchors.get(written_in).unwrap_or(written_in);
        crate::place::beside(anchor, path).into()
    }

    /// Counts nodes that are about to be copied. Says whether they may be.
    pub(super) fn spend_nodes(&mut self, nodes: usize, at: &Place) -> bool {
        let left = self.nodes_left.checked_sub(nodes);
        self.nodes_left = left.unwrap_or(0);
        if left.is_none() {
            self.too_large(at, "they hold more than a million nodes");
        }
        left.is_some()
    }

    /// Counts bytes that are about to be copied. Says whether they may be.
    pub(super) fn spend_bytes(&mut self, bytes: usize, at: &Place) -> bool {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.unwrap_or(0);
        if left.is_none() {
            self.too_large(at, "their values hold more than 64 MiB");
        }
        left.is_some()
    }

    pub(super) fn bytes_left(&self) -> usize {
        self.bytes_left
    }

    fn too_large(&mut self, at: &Place, what: &str) {
        if std::mem::replace(&mut self.is_too_large, true) {
            return;
        }
        let message = format!("with all they include and extend, these files are too large: {what}");
        self.findings.push_over(Finding::at(
            &TOO_LARGE,
            at,
            message,
            "name only the files that deploy something",
        ));
    }
}

/// How many nodes a tree has.
pub(super) fn size(node: &Node) -> usize {
    let below: usize = node.items().iter().map(size).sum();
    let beside: usize = node.pairs().iter().map(|(_, node)| size(node)).sum();
    below.saturating_add(beside).saturating_add(1)
}
