//! Which files are meant, and their texts: the only place of the planner that opens anything.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use model::preset::Preset;
use plan::declared::{self, Declared};
use plan::deployed::Deployed;
use plan::place::FILE_BYTES_MAX;
use plan::read::{self, Found, World, dotenv, may_deploy};
use plan::{Files, Finding};

/// Folders below a named one that are looked into, at most.
const DEPTH_MAX: usize = 8;
/// Files taken from a folder, at most.
const FILES_MAX: usize = 5_000;

/// What compose looks for in a folder, and the file that it merges over it.
const COMPOSE: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
const OVERRIDE: [&str; 4] = [
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
];

/// What is deployed, and the plan file.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Files")]
pub(crate) struct FilesOptions {
    /// Compose file, manifest, Procfile, unit, or a folder of them; repeatable. Without: the plan file's, else compose.yaml and
    /// Procfile here
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
        let disk = Disk::default();
        let (declared, mut findings) = self.declared(&disk)?;
        let named: Vec<String> = match self.files.is_empty() {
            false => self.files.clone(),
            true if !declared.files.is_empty() => {
                declared.files.iter().map(|file| file.text.clone()).collect()
            }
            true => here(),
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
        let paths: Vec<String> = named.iter().flat_map(|path| expanded(path)).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let own = |name: &str| std::env::var(name).ok();
        let texts = self.env_file.iter().map(|path| {
            disk.text(path)
                .map(|text| (path.as_str(), text))
                .map_err(|why| format!("--env-file {path}: {why}"))
        });
        let (around, mistakes) = dotenv::around(&texts.collect::<Result<Vec<_>, _>>()?, &own);
        findings.extend(mistakes);
        let environment = |name: &str| own(name).or_else(|| around.get(name).cloned());
        let world = World { files: &disk, environment: &environment, profiles: &self.profile };
        let Found { deployed, findings: found } = read::files(&paths, &world);
        findings.extend(found);
        disk.look_for_environments();
        Ok(Gathered { deployed, declared, findings, texts: disk.read.into_inner() })
    }

    fn declared(&self, disk: &Disk) -> Result<(Declared, Vec<Finding>), String> {
        let path = match &self.plan {
            Some(path) => path.as_str(),
            None if Self::is_here() => declared::FILE,
            None => return Ok((Declared::default(), Vec::new())),
        };
        let text = disk.text(path).map_err(|why| format!("{path}: {why}"))?;
        Ok(match declared::read(&path.into(), &text) {
            Ok(declared) => (declared, Vec::new()),
            Err(mistakes) => (Declared::default(), mistakes),
        })
    }
}

/// The files of the machine, and what was read of them.
#[derive(Default)]
struct Disk {
    read: RefCell<BTreeMap<String, Arc<str>>>,
}

impl Disk {
    /// Env files of the presets that lie here: a suggestion is said as a change of them.
    fn look_for_environments(&self) {
        for preset in Preset::ALL {
            // One that is not there is no mistake.
            let _ = self.text(&format!("{}.env", preset.name()));
        }
    }
}

impl Files for Disk {
    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        if let Some(text) = self.read.borrow().get(path) {
            return Ok(Arc::clone(text));
        }
        let text = opened(path)?;
        self.read.borrow_mut().insert(path.to_owned(), Arc::clone(&text));
        Ok(text)
    }
}

fn opened(path: &str) -> Result<Arc<str>, String> {
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "we may not read it".to_owned(),
        _ => error.to_string(),
    })?;
    // What is no file (a pipe, a device) may never end.
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if meta.is_dir() {
        return Err("a folder stands where a file is needed".into());
    }
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => "not UTF-8 text".to_owned(),
        _ => error.to_string(),
    })?;
    match text.len() as u64 > FILE_BYTES_MAX {
        true => Err(format!("larger than {} MiB: no description of a deployment", FILE_BYTES_MAX >> 20)),
        false => Ok(text.into()),
    }
}

/// What stands in the working directory.
fn here() -> Vec<String> {
    let mut all = composed(Path::new("."));
    all.extend(Path::new("Procfile").is_file().then(|| PathBuf::from("Procfile")));
    all.into_iter().map(|path| plain(&path)).collect()
}

/// The compose file of a folder with its override, as compose finds them.
fn composed(folder: &Path) -> Vec<PathBuf> {
    let first =
        |names: [&str; 4]| names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file());
    match first(COMPOSE) {
        Some(base) => std::iter::once(base).chain(first(OVERRIDE)).collect(),
        None => Vec::new(),
    }
}

/// A folder's files that deploy something; a file's own name, whatever it holds.
fn expanded(path: &str) -> Vec<String> {
    if !Path::new(path).is_dir() {
        return vec![path.to_owned()];
    }
    let mut found = BTreeSet::new();
    let mut open = vec![(PathBuf::from(path), 0)];
    while let Some((folder, depth)) = open.pop() {
        found.extend(composed(&folder).iter().map(|path| plain(path)));
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            // Links are not followed: a folder may link to itself.
            let kind = entry.file_type().ok();
            if kind.is_some_and(|kind| kind.is_dir()) {
                let skipped = name.starts_with('.') || name == "node_modules" || name == "target";
                if !skipped && depth < DEPTH_MAX {
                    open.push((path, depth + 1));
                }
            } else if may_deploy(&name) && found.len() < FILES_MAX && is_meant(&path) {
                found.insert(plain(&path));
            }
        }
    }
    found.into_iter().collect()
}

/// Whether a file of a folder deploys something: other YAML lies there too, and of several compose files only the one that
/// compose would take counts.
fn is_meant(path: &Path) -> bool {
    let path = plain(path);
    let Ok(text) = opened(&path) else { return false };
    matches!(read::kind(&path, &text), Ok(kind) if kind != read::Kind::Compose)
}

fn plain(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).to_string_lossy().into_owned()
}
