//! One file's documents: which of them are objects that are read, and what the others seem to be.

use super::Object;
use crate::read::kubernetes::kind::{Kind, group};
use crate::read::kubernetes::report::Report;
use crate::read::kubernetes::{INVALID, UNRENDERED, shape};
use crate::yaml::{Node, Value};
use crate::{Place, Text};

/// A file that objects are collected from.
pub(super) struct File<'a> {
    pub(super) path: &'a str,
}

impl File<'_> {
    fn base(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    fn folder(&self) -> &str {
        match self.path.rsplit_once('/') {
            Some(("", _)) => "/",
            Some((folder, _)) => folder,
            None => ".",
        }
    }

    pub(super) fn is_kustomization(&self) -> bool {
        matches!(self.base(), "kustomization.yaml" | "kustomization.yml" | "Kustomization")
    }

    pub(super) fn refuse_kustomization(&self, place: &Place, report: &mut Report) {
        report.say(
            &UNRENDERED,
            place,
            "this is a kustomization: it says how manifests are made, and is none",
            format!("render it and give the result: kubectl kustomize {} > rendered.yaml", self.folder()),
        );
    }

    /// Takes the objects of a document; those of a list, and of lists in it, one by one.
    pub(super) fn collect<'a>(&self, document: &'a Node, all: &mut Vec<Object<'a>>, report: &mut Report) {
        let mut waiting = vec![document];
        while let Some(node) = waiting.pop() {
            if !matches!(node.value, Value::Map(_)) {
                report.say(
                    &INVALID,
                    &node.place,
                    format!("this is {}, not a Kubernetes object", node.what()),
                    "a manifest is a map with apiVersion, kind and metadata",
                );
                continue;
            }
            let Some(kind) = report.word(node, "kind") else {
                if node.get("kind").is_none() {
                    self.refuse_kindless(node, report);
                }
                continue;
            };
            let version = report.word(node, "apiVersion");
            let group = version.as_ref().map_or("", |version| group(&version.text));
            if matches!(kind.text.as_str(), "Kustomization" | "Component")
                && group == "kustomize.config.k8s.io"
            {
                self.refuse_kustomization(&node.place, report);
            } else if kind.text.ends_with("List")
                && matches!(node.get("items"), Some(items) if !items.is_null())
            {
                waiting.extend(report.list(node, "items").iter().rev());
            } else {
                self.object(node, &kind, version.as_ref(), all, report);
            }
        }
    }

    fn object<'a>(
        &self,
        node: &'a Node,
        written: &Text,
        version: Option<&Text>,
        all: &mut Vec<Object<'a>>,
        report: &mut Report,
    ) {
        let Some(kind) = Kind::of(&written.text, version.map(|version| version.text.as_str())) else {
            return miscased(written, version, report);
        };
        if version.is_none() {
            report.refuse(
                &node.place,
                format!("this {} has no apiVersion", kind.word()),
                "write apiVersion: above kind:, as the kind's documentation has it",
            );
        }
        let settings = matches!(kind, Kind::ConfigMap | Kind::Secret);
        report.spelling(node, if settings { &shape::SETTINGS } else { &shape::OBJECT });
        let metadata = report.map(node, "metadata", &shape::METADATA);
        let name = metadata.and_then(|metadata| report.word(metadata, "name"));
        let prefix = metadata.and_then(|metadata| report.word(metadata, "generateName"));
        let generated = name.is_none();
        let prefix = prefix.map(|prefix| Text::new(prefix.text.trim_end_matches('-'), prefix.place));
        let Some(name) = name.or(prefix) else {
            report.refuse(
                &node.place,
                format!("this {} has no name", kind.word()),
                "write metadata: with name: below it",
            );
            return;
        };
        let namespace = metadata.and_then(|metadata| report.word(metadata, "namespace"));
        let namespace = namespace.map(|space| space.text).filter(|space| !space.is_empty());
        let owners = metadata.map_or_else(Vec::new, owners);
        all.push(Object { kind, namespace, name, node, generated, owners });
    }

    /// A document without a kind: says what it seems to be.
    fn refuse_kindless(&self, node: &Node, report: &mut Report) {
        let has = |keys: &[&str]| keys.iter().all(|key| node.get(key).is_some());
        let folder = self.folder();
        let (message, fix) = if self.base().starts_with("Chart.") || has(&["apiVersion", "name", "version"]) {
            (
                "this describes a Helm chart, and is no manifest",
                format!("render the chart and give the result: helm template {folder} > rendered.yaml"),
            )
        } else if self.base().contains("values") {
            (
                "these are values for a Helm chart, and no manifest",
                format!(
                    "render the chart with them and give the result: helm template {folder} -f {} > rendered.yaml",
                    self.path
                ),
            )
        } else if has(&["services"]) {
            ("this looks like a compose file, and is no manifest", "give it as a compose file".to_owned())
        } else if has(&["resources"]) || has(&["bases"]) {
            return self.refuse_kustomization(&node.place, report);
        } else {
            (
                "this has no kind, and is no Kubernetes object",
                "write apiVersion: and kind: at its top, or leave the file out".to_owned(),
            )
        };
        report.say(&UNRENDERED, &node.place, message, fix);
    }
}

/// A kind that no group knows, and that is one but for its letters.
fn miscased(written: &Text, version: Option<&Text>, report: &mut Report) {
    let group = version.map_or("", |version| group(&version.text));
    let meant = Kind::words().find(|word| {
        word.eq_ignore_ascii_case(&written.text)
            && *word != written.text
            && Kind::of(word, version.map(|version| version.text.as_str())).is_some()
    });
    if let Some(meant) = meant {
        report.refuse(
            &written.place,
            format!("the API group {group:?} has no kind {:?}", written.text),
            format!("write kind: {meant}"),
        );
    }
}

fn owners(metadata: &Node) -> Vec<(Kind, String)> {
    let all = metadata.get("ownerReferences").map_or(&[][..], Node::items);
    let word = |owner: &Node, key| owner.get(key).and_then(Node::text).map(str::to_owned);
    all.iter()
        .filter_map(|owner| {
            let version = word(owner, "apiVersion");
            Some((Kind::of(&word(owner, "kind")?, version.as_deref())?, word(owner, "name")?))
        })
        .collect()
}
