//! What the command line names, read: files that deploy, the plan file, variables.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use disk::{Disk, Meant};
use inspect::form::clean;
use model::preset::Preset;
use plan::budget::{self, Budget};
use plan::declared::{self, Declared};
use plan::deployed::Deployed;
use plan::read::{self, Found, World, dotenv};
use plan::{Files, Finding, Scene};

use super::check::LimitOptions;
use crate::exit::Exit;
use crate::say;

/// What is deployed, and the plan file.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Files")]
pub(crate) struct FilesOptions {
    /// Compose file, manifest, Procfile, unit, a folder of them, or - for standard input; repeatable. Without: the plan file's,
    /// else compose.yaml and Procfile here
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    files: Vec<String>,
    /// Plan file; without: connwarden-plan.toml here, if there is one
    #[arg(long, value_name = "FILE")]
    plan: Option<String>,
    /// Variables of compose files, below those of the environment; repeatable
    #[arg(long, value_name = "FILE")]
    env_file: Vec<String>,
    /// A compose profile that is on; repeatable
    #[arg(long, value_name = "NAME")]
    profile: Vec<String>,
}

/// Everything that was read.
pub(crate) struct Gathered {
    pub(crate) deployed: Deployed,
    pub(crate) declared: Declared,
    /// Of the plan file, and of the files that deploy.
    pub(crate) findings: Vec<Finding>,
    /// Every text that was read, by the name that places bear.
    pub(crate) texts: BTreeMap<String, Arc<str>>,
}

/// What was read, added up: what lint and suggestions look at.
pub(super) struct Judged {
    deployed: Deployed,
    declared: Declared,
    texts: BTreeMap<String, Arc<str>>,
    budget: Budget,
    /// Of the readers and of the sums.
    pub(super) findings: Vec<Finding>,
}

impl Judged {
    /// Reads the files and adds them up.
    ///
    /// # Errors
    /// Told already.
    pub(super) fn of(files: &FilesOptions, limits: &LimitOptions) -> Result<Self, Exit> {
        let Gathered { deployed, declared, mut findings, texts } =
            files.gather().map_err(|why| say::usage(&why))?;
        limits.in_order(declared.thresholds).map_err(|why| say::usage(&why))?;
        let budget = budget::of(&deployed, &declared, &limits.known());
        findings.extend(budget.findings.iter().cloned());
        Ok(Self { deployed, declared, texts, budget, findings })
    }

    pub(super) fn scene(&self) -> Scene<'_> {
        Scene::of(&self.deployed, &self.declared, &self.budget, &self.texts, &self.findings)
    }
}

impl FilesOptions {
    /// The files that a plan file names.
    pub(super) fn of_plan(plan: Option<String>) -> Self {
        Self { plan, ..Self::default() }
    }

    /// A plan file stands in the working directory.
    pub(super) fn is_here() -> bool {
        Path::new(declared::FILE).is_file()
    }

    /// Reads it all.
    ///
    /// # Errors
    /// Nothing was named, and nothing is here.
    pub(crate) fn gather(&self) -> Result<Gathered, String> {
        let disk = Disk::with_stdin();
        let (declared, mut findings) = self.declared(&disk)?;
        let named: Vec<String> = match self.files.is_empty() {
            false => self.files.clone(),
            true if !declared.files.is_empty() => {
                declared.files.iter().map(|file| file.text.clone()).collect()
            }
            true => disk::here(),
        };
        if named.is_empty()
            && declared.services.is_empty()
            && declared.others.is_empty()
            && findings.is_empty()
        {
            return Err(
                "no file is named, and there is no compose.yaml, Procfile or connwarden-plan.toml here\n  \
                        = name what is deployed: connwarden plan check -f compose.yaml -f k8s/"
                    .into(),
            );
        }
        let Meant { paths, passed_over } = disk::meant(&named);
        for why in passed_over {
            say::err(&clean(&format!("warning: {why}")));
        }
        let own = |name: &str| std::env::var(name).ok();
        let texts = self.env_file.iter().map(|path| {
            disk.text(path)
                .map(|text| (path.as_str(), text))
                .map_err(|why| format!("--env-file {}: {why}", clean(path)))
        });
        let (around, mistakes) = dotenv::around(&texts.collect::<Result<Vec<_>, _>>()?, &own);
        findings.extend(mistakes);
        let environment = |name: &str| own(name).or_else(|| around.get(name).cloned());
        let world = World { files: &disk, environment: &environment, profiles: &self.profile };
        let Found { deployed, findings: found } = read::files(&paths, &world);
        findings.extend(found);
        look_for_environments(&disk);
        Ok(Gathered { deployed, declared, findings, texts: disk.into_texts() })
    }

    fn declared(&self, disk: &Disk) -> Result<(Declared, Vec<Finding>), String> {
        let path = match &self.plan {
            Some(path) => path.as_str(),
            None if Self::is_here() => declared::FILE,
            None => return Ok((Declared::default(), Vec::new())),
        };
        let text = disk.text(path).map_err(|why| format!("{}: {why}", clean(path)))?;
        Ok(match declared::read(&path.into(), &text) {
            Ok(declared) => (declared, Vec::new()),
            Err(mistakes) => (Declared::default(), mistakes),
        })
    }
}

/// Env files of the presets that lie here: a suggestion is said as a change of them.
fn look_for_environments(disk: &Disk) {
    for preset in Preset::ALL {
        // One that is not there is no mistake.
        let _ = disk.text(&format!("{}.env", preset.name()));
    }
}
