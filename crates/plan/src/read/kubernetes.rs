//! Kubernetes manifests, written by hand or rendered by Helm or Kustomize.
//!
//! All files are read first, because their objects speak of each other: an autoscaler of its deployment, a container of
//! its config maps. What an operator would make of a custom resource is known for a few; every other kind is skipped.
//! Templates, charts and kustomizations are not rendered here.

use super::{Found, World};
use crate::deployed::Deployed;
use crate::{Finding, Level, Place, Rule, yaml};

mod environment;
mod fields;
mod kind;
mod objects;
mod pod;
mod postgres;
mod quantity;
mod report;
mod rollout;
mod scaling;
mod services;
mod settings;
mod shape;
mod volumes;
mod workload;

use objects::Objects;
use report::Report;
use services::Services;
use settings::{Scope, Settings};

/// What the API server, or the controller behind it, would refuse.
pub const INVALID: Rule =
    Rule { id: "KUBE001", level: Level::Error, summary: "A manifest holds what Kubernetes would refuse." };

/// A file that becomes manifests, given in their place.
pub const UNRENDERED: Rule = Rule {
    id: "KUBE002",
    level: Level::Error,
    summary: "A chart, its values, a kustomization or another file was given where manifests are needed.",
};

/// A key that is nearly one of the API's.
pub const SPELLING: Rule = Rule {
    id: "KUBE003",
    level: Level::Warning,
    summary: "A key looks like a misspelled field of the Kubernetes API, which ignores or refuses it.",
};

/// Two objects where one can be.
pub const TWICE: Rule = Rule {
    id: "KUBE004",
    level: Level::Warning,
    summary: "Two objects have the same kind, namespace and name, or two autoscalers the same target.",
};

/// A reference that leads nowhere.
pub const DANGLING: Rule = Rule {
    id: "KUBE005",
    level: Level::Warning,
    summary: "An object refers to another, or to a key in it, that the files do not hold.",
};

/// What is not counted, and why.
pub const LEFT_OUT: Rule = Rule {
    id: "KUBE006",
    level: Level::Note,
    summary: "A workload is not counted: it is suspended, or runs neither usually nor in a rollout.",
};

/// A value that is allowed and surely not meant.
pub const UNMEANT: Rule =
    Rule { id: "KUBE007", level: Level::Warning, summary: "A value means something else than it seems." };

/// What an operator decides where the manifest is silent.
pub const OPERATOR: Rule = Rule {
    id: "KUBE008",
    level: Level::Note,
    summary: "A number is the default of an operator's own configuration, which the files do not show.",
};

/// Every rule of this reader.
pub const RULES: [&Rule; 8] =
    [&INVALID, &UNRENDERED, &SPELLING, &TWICE, &DANGLING, &LEFT_OUT, &UNMEANT, &OPERATOR];

/// What manifests deploy together.
pub fn read(paths: &[&str], world: &World<'_>) -> Found {
    let mut report = Report::default();
    let files: Vec<(&str, Vec<yaml::Node>)> =
        paths.iter().map(|path| (*path, documents(path, world, &mut report))).collect();
    let objects = Objects::of(&files, &mut report);
    let settings = Settings::of(&objects, &mut report);
    let services = Services::of(&files);
    let scaling = scaling::read(&objects, &mut report);
    let mut deployed = Deployed::default();
    for (at, object) in objects.all() {
        let scope = Scope { objects: &objects, settings: &settings, object };
        let mut made = workload::read(&scope, scaling.get(&at), &mut report);
        // An operator's pooler is made beside its server, and has a name of its own.
        if let Some(first) = made.first_mut() {
            first.aliases = services.names(object);
            first.standbys = services::standbys(object);
        }
        deployed.workloads.extend(made);
    }
    Found { deployed, findings: report.in_order_of(paths) }
}

fn documents(path: &str, world: &World<'_>, report: &mut Report) -> Vec<yaml::Node> {
    let file = path.into();
    let read = match world.files.text(path) {
        Ok(text) => yaml::documents(&file, &text),
        Err(why) => Err(Finding::at(
            &yaml::UNREADABLE,
            &Place::whole(&file),
            format!("this file cannot be read: {why}"),
            "name a file of manifests",
        )),
    };
    read.unwrap_or_else(|found| {
        report.push(found);
        Vec::new()
    })
}
