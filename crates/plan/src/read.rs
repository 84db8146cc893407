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

/// The files to read.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// Named one by one. Compose files among them are merged in their order, as `docker compose -f A -f B` does.
    pub named: Vec<String>,
    /// Compose projects found in folders: the file of each and what is merged over it. Where there are several, their
    /// services are named after their folders.
    pub projects: Vec<Vec<String>>,
}

/// What all these files deploy. Manifests are read together, so that one may name what another holds.
pub fn files(paths: &Paths, world: &World<'_>) -> Found {
    let mut found = Found::default();
    let mut of_kind: Vec<(Kind, Vec<&str>)> = Vec::new();
    for path in &paths.named {
        match kind_of(path, world) {
            Ok(kind) => match of_kind.iter_mut().find(|(one, _)| *one == kind) {
                Some((_, paths)) => paths.push(path),
                None => of_kind.push((kind, vec![path])),
            },
            Err(finding) => found.findings.push(finding),
        }
    }
    let named_compose = usize::from(of_kind.iter().any(|(kind, _)| *kind == Kind::Compose));
    for (kind, paths) in of_kind {
        match kind {
            Kind::Compose => found.add(compose::read(&paths, world)),
            Kind::Kubernetes => found.add(kubernetes::read(&paths, world)),
            Kind::Procfile => paths.iter().for_each(|path| found.add(procfile::read(path, world))),
            Kind::Systemd => {
                let units = paths.iter().filter(|path| path.ends_with(".service"));
                units.for_each(|path| found.add(systemd::read(path, world)));
            }
        }
    }
    let several = paths.projects.len() + named_compose > 1;
    for project in &paths.projects {
        let files: Vec<&str> = project.iter().map(String::as_str).collect();
        let mut part = compose::read(&files, world);
        let folder = files.first().and_then(|path| path.rsplit('/').nth(1)).filter(|_| several);
        if let Some(folder) = folder {
            for workload in &mut part.deployed.workloads {
                workload.name = format!("{folder}/{}", workload.name);
            }
        }
        found.add(part);
    }
    found
}

fn kind_of(path: &str, world: &World<'_>) -> Result<Kind, Finding> {
    match world.files.text(path) {
        Ok(text) => kind::kind(path, &text),
        Err(why) => {
            let file: Arc<str> = path.into();
            let fix = "name a file or a folder that is there and can be read";
            Err(Finding::at(&kind::MISSING, &Place::whole(&file), why, fix))
        }
    }
}

impl Found {
    fn add(&mut self, part: Self) {
        self.deployed.workloads.extend(part.deployed.workloads);
        self.findings.extend(part.findings);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn projects_of_different_folders_do_not_mix() {
        let compose = |image: &str| format!("services:\n  db: {{image: \"{image}\"}}\n");
        let files = BTreeMap::from([
            ("x/a/compose.yaml".to_owned(), compose("postgres:15")),
            ("x/b/compose.yaml".to_owned(), compose("postgres:16")),
        ]);
        let world = World { files: &files, environment: &|_| None, profiles: &[] };
        let names = |projects: &[&str]| {
            let projects = projects.iter().map(|path| vec![(*path).to_owned()]).collect();
            let found = super::files(&Paths { named: Vec::new(), projects }, &world);
            assert_eq!(found.findings, []);
            let all = found.deployed.workloads.into_iter();
            all.map(|one| (one.name, one.containers[0].image.as_ref().unwrap().text.clone()))
                .collect::<Vec<_>>()
        };
        let (a, b) = ("x/a/compose.yaml", "x/b/compose.yaml");
        assert_eq!(names(&[a]), [("db".into(), "postgres:15".into())]);
        assert_eq!(
            names(&[a, b]),
            [("a/db".into(), "postgres:15".into()), ("b/db".into(), "postgres:16".into())]
        );
    }
}
