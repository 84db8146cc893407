//! What files deploy: a compose file, Kubernetes manifests, a Procfile, systemd units. One reader for each, and the
//! choice between them.

use std::sync::Arc;

use crate::deployed::Deployed;
use crate::{Files, Finding, Place};

pub mod compose;
pub mod dotenv;
mod kind;
pub mod kubernetes;
pub mod procfile;
pub mod systemd;

pub use kind::{Kind, MISSING, UNKNOWN, kind, may_deploy};
mod findings;
mod interpolate;
mod quantity;
mod source;

/// What a reader found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The workloads.
    pub deployed: Deployed,
    /// What is wrong in the files, as far as reading shows. With an error among them the sum would be wrong.
    pub findings: Vec<Finding>,
}

/// What the world around the files says.
pub struct World<'a> {
    /// Files beside those named.
    pub files: &'a dyn Files,
    /// The environment that `${NAME}` in a compose file reads, with what stands in `.env` beside the file below it.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Compose profiles that are on.
    pub profiles: &'a [String],
}

/// What all these files deploy. Compose files are merged in their order, as `docker compose -f A -f B` does; manifests are read
/// together, so that one may name what another holds.
pub fn files(paths: &[&str], world: &World<'_>) -> Found {
    let mut found = Found::default();
    let mut of_kind: Vec<(Kind, Vec<&str>)> = Vec::new();
    for path in paths {
        let file: Arc<str> = (*path).into();
        let kind = match world.files.text(path) {
            Ok(text) => kind::kind(path, &text),
            Err(why) => Err(Finding::at(
                &kind::MISSING,
                &Place::whole(&file),
                why,
                "name a file or a folder that is there",
            )),
        };
        match kind {
            Ok(kind) => match of_kind.iter_mut().find(|(one, _)| *one == kind) {
                Some((_, paths)) => paths.push(path),
                None => of_kind.push((kind, vec![path])),
            },
            Err(finding) => found.findings.push(finding),
        }
    }
    for (kind, paths) in of_kind {
        let parts = match kind {
            Kind::Compose => vec![compose::read(&paths, world)],
            Kind::Kubernetes => vec![kubernetes::read(&paths, world)],
            Kind::Procfile => paths.iter().map(|path| procfile::read(path, world)).collect(),
            Kind::Systemd => paths
                .iter()
                .filter(|path| path.ends_with(".service"))
                .map(|path| systemd::read(path, world))
                .collect(),
        };
        for part in parts {
            found.deployed.workloads.extend(part.deployed.workloads);
            found.findings.extend(part.findings);
        }
    }
    found
}
