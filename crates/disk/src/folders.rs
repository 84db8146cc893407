//! Which files are meant by a name: a file itself, or what deploys something in a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plan::read::{self, Paths, may_deploy};

use crate::texts::opened;

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

/// What was meant.
#[derive(Debug, Default)]
pub struct Meant {
    /// The files, and what lies together as a project.
    pub paths: Paths,
    /// What could not be looked at, a sentence each: somebody may count on it.
    pub passed_over: Vec<String>,
}

/// What names mean: a folder's files that deploy something; a file's own name, whatever it holds.
pub fn meant(names: &[String]) -> Meant {
    let mut meant = Meant::default();
    for name in names {
        match Path::new(name).is_dir() {
            true => meant.expand(Path::new(name)),
            false => meant.paths.named.push(name.clone()),
        }
    }
    meant
}

/// What stands in the working directory: a compose file with its override, a Procfile.
pub fn here() -> Vec<String> {
    let mut all = composed(Path::new("."));
    all.extend(Path::new("Procfile").is_file().then(|| PathBuf::from("Procfile")));
    all.into_iter().map(|path| plain(&path)).collect()
}

impl Meant {
    fn expand(&mut self, folder: &Path) {
        let mut found = BTreeSet::new();
        let mut projects = Vec::new();
        let mut open = vec![(folder.to_path_buf(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let project: Vec<String> = composed(&folder).iter().map(|path| plain(path)).collect();
            projects.extend((!project.is_empty()).then_some(project));
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.pass_over(&folder, &error.to_string());
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
                        (false, false) => self.pass_over(&path, "deeper than 8 folders"),
                    }
                } else if may_deploy(&name) && self.deploys(&path) {
                    if found.len() == FILES_MAX {
                        self.pass_over(&path, "more than 5000 files");
                        break;
                    }
                    found.insert(plain(&path));
                }
            }
        }
        projects.sort();
        self.paths.named.extend(found);
        self.paths.projects.extend(projects);
    }

    fn pass_over(&mut self, path: &Path, why: &str) {
        self.passed_over.push(format!("{}: {why}: passed over", plain(path)));
    }

    /// Whether a file of a folder deploys something: other YAML lies there too, and of several compose files only the one
    /// that compose would take counts.
    fn deploys(&mut self, path: &Path) -> bool {
        // A pipe or a device in a folder is nobody's manifest, and may never end. A link is looked through.
        if !path.is_file() {
            return false;
        }
        match opened(&plain(path)) {
            Ok(text) => matches!(read::kind(&plain(path), &text), Ok(kind) if kind != read::Kind::Compose),
            Err(why) => {
                // Data lies in folders, too: nobody writes a manifest of that size, or in that format, as JSON.
                if path.extension().is_none_or(|end| end != "json") {
                    self.pass_over(path, &why);
                }
                false
            }
        }
    }
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

fn plain(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn of_a_folder_what_deploys_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("k8s/node_modules")).unwrap();
        let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n";
        fs::write(at("compose.yaml"), "services: {}\n").unwrap();
        fs::write(at("compose.override.yml"), "services: {}\n").unwrap();
        fs::write(at("docker-compose.yml"), "services: {}\n").unwrap();
        fs::write(at("k8s/api.yaml"), manifest).unwrap();
        fs::write(at("k8s/node_modules/other.yaml"), manifest).unwrap();
        fs::write(at("k8s/broken.yaml"), [0xff]).unwrap();
        fs::write(at("k8s/values.yaml"), "replicas: 3\n").unwrap();
        let name = |at: PathBuf| at.to_string_lossy().into_owned();
        let all = meant(&[name(folder.path().to_path_buf()), "elsewhere.yaml".into()]);
        assert_eq!(all.paths.named, [name(at("k8s/api.yaml")), "elsewhere.yaml".to_owned()]);
        assert_eq!(all.paths.projects, [[name(at("compose.yaml")), name(at("compose.override.yml"))]]);
        assert_eq!(
            all.passed_over,
            [format!("{}: not UTF-8 text: passed over", name(at("k8s/broken.yaml")))]
        );
    }
}
