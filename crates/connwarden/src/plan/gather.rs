//! Which files are meant, and their texts: the only place of the planner that opens anything.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use inspect::form::clean;
use model::preset::Preset;
use plan::budget::{self, Budget};
use plan::declared::{self, Declared};
use plan::deployed::Deployed;
use plan::place::FILE_BYTES_MAX;
use plan::read::{self, Found, Paths, World, dotenv, may_deploy};
use plan::{Files, Finding, Scene};

use super::check::LimitOptions;
use crate::exit::Exit;
use crate::say;

/// Folders below a named one that are looked into, at most.
const DEPTH_MAX: usize = 8;
/// Files taken from a folder, at most.
const FILES_MAX: usize = 5_000;

/// The name for standard input.
const STDIN: &str = "-";

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
        let mut paths = Paths::default();
        for path in &named {
            expand(path, &mut paths);
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
        disk.look_for_environments();
        Ok(Gathered { deployed, declared, findings, texts: disk.read.into_inner() })
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
    if path == STDIN {
        return whole(std::io::stdin().lock());
    }
    if is_pipe(path) {
        return Err("a pipe: give it as standard input, -f -".into());
    }
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "we may not read it".to_owned(),
        _ => error.to_string(),
    })?;
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if meta.is_dir() {
        return Err("a folder stands where a file is needed".into());
    }
    whole(file)
}

/// A pipe with a name waits for a writer that may never come. Those that a shell opened for us have one.
pub(super) fn is_pipe(path: &str) -> bool {
    let opened = path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/") || path == "/dev/stdin";
    !opened && std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_fifo())
}

/// All of it: a device that never ends is cut off at the limit.
fn whole(input: impl Read) -> Result<Arc<str>, String> {
    let mut text = String::new();
    let read = input.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
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

/// A folder's files that deploy something; a file's own name, whatever it holds. What cannot be looked at is told.
fn expand(path: &str, paths: &mut Paths) {
    if !Path::new(path).is_dir() {
        paths.named.push(path.to_owned());
        return;
    }
    let mut found = BTreeSet::new();
    let mut projects = Vec::new();
    let mut open = vec![(PathBuf::from(path), 0)];
    while let Some((folder, depth)) = open.pop() {
        let project: Vec<String> = composed(&folder).iter().map(|path| plain(path)).collect();
        projects.extend((!project.is_empty()).then_some(project));
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                passed_over(&folder, &error.to_string());
                continue;
            }
        };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            // Links are not followed: a folder may link to itself.
            let kind = entry.file_type().ok();
            if kind.is_some_and(|kind| kind.is_dir()) {
                let skipped = name.starts_with('.') || name == "node_modules" || name == "target";
                match (skipped, depth < DEPTH_MAX) {
                    (true, _) => {}
                    (false, true) => open.push((path, depth + 1)),
                    (false, false) => passed_over(&path, "deeper than 8 folders"),
                }
            } else if may_deploy(&name) && is_meant(&path) {
                if found.len() == FILES_MAX {
                    passed_over(&path, "more than 5000 files");
                    break;
                }
                found.insert(plain(&path));
            }
        }
    }
    projects.sort();
    paths.named.extend(found);
    paths.projects.extend(projects);
}

fn passed_over(path: &Path, why: &str) {
    say::err(&clean(&format!("warning: {}: {why}: passed over", plain(path))));
}

/// Whether a file of a folder deploys something: other YAML lies there too, and of several compose files only the one that
/// compose would take counts.
fn is_meant(path: &Path) -> bool {
    // A pipe or a device in a folder is nobody's manifest, and may never end. A link is looked through.
    if !path.is_file() {
        return false;
    }
    match opened(&plain(path)) {
        Ok(text) => matches!(read::kind(&plain(path), &text), Ok(kind) if kind != read::Kind::Compose),
        Err(why) => {
            // Data lies in folders, too: nobody writes a manifest of that size, or in that format, as JSON.
            if path.extension().is_none_or(|end| end != "json") {
                passed_over(path, &why);
            }
            false
        }
    }
}

fn plain(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).to_string_lossy().into_owned()
}
