//! Service files. Manual: "The Connection Service File".

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::dsn::may_hold_secret;
use super::environment::{Environment, File};
use super::error::{Origin, SettingsError};
use super::keyword;
use super::words::{Words, known};

/// Where a system keeps its service file when nobody says otherwise.
const SYSTEM_DIR: &str = "/etc/postgresql-common";

/// Takes what the service says, of its first definition that is found.
pub(super) fn fill(
    words: &mut Words,
    name: &str,
    asked_by: &Origin,
    environment: &dyn Environment,
) -> Result<(), SettingsError> {
    let named = words
        .text("servicefile")
        .map(str::to_owned)
        .or_else(|| environment.variable("PGSERVICEFILE").filter(|path| !path.is_empty()))
        .map(PathBuf::from);
    let own = match &named {
        Some(path) => Some(path.clone()),
        None => environment.home().map(|home| home.join(".pg_service.conf")),
    };
    let system = environment.variable("PGSYSCONFDIR").filter(|dir| !dir.is_empty());
    let system = PathBuf::from(system.unwrap_or_else(|| SYSTEM_DIR.into())).join("pg_service.conf");
    let mut looked = Vec::new();
    for path in own.into_iter().chain([system]) {
        match environment.file(&path) {
            File::Text { text, .. } => {
                if section(words, name, &path, &text)? {
                    return Ok(());
                }
            }
            File::Absent if named.as_ref() == Some(&path) => {
                let problem = format!("the service file {} does not exist", path.display());
                return Err(SettingsError::new(
                    &Origin::Variable("PGSERVICEFILE"),
                    problem,
                    "name one that does",
                ));
            }
            File::Absent => {}
            File::Unusable(why) => {
                let problem = format!("the service file {}: {why}", path.display());
                return Err(SettingsError::new(asked_by, problem, "make it a file that this user can read"));
            }
        }
        looked.push(path.display().to_string());
    }
    let fix = format!("write [{name}] into one of {}", looked.join(" and "));
    Err(SettingsError::new(asked_by, format!("there is no service {name:?}"), fix))
}

/// Reads the section of this name; false where the file has none.
fn section(words: &mut Words, name: &str, path: &Path, text: &str) -> Result<bool, SettingsError> {
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(head) = line.strip_prefix('[') {
            if inside {
                return Ok(true);
            }
            inside = head.strip_prefix(name).is_some_and(|rest| rest.starts_with(']'));
            continue;
        }
        if !inside {
            continue;
        }
        let origin = Origin::Service { name: name.to_owned(), path: path.to_owned(), line: number };
        let Some((key, value)) = line.split_once('=') else {
            return Err(SettingsError::new(
                &origin,
                "the line has no =",
                "write keyword=value, without spaces around =",
            ));
        };
        let name = match keyword::find(key) {
            Some(found) if !matches!(found.name, "service" | "servicefile") => found.name,
            Some(_) => {
                return Err(SettingsError::new(
                    &origin,
                    "a service cannot name a service",
                    "take the line out",
                ));
            }
            None if keyword::find(key.trim()).is_some() => {
                let fix = format!("write {}=..., without spaces around =", key.trim());
                return Err(SettingsError::new(&origin, "a space stands before the =", fix));
            }
            None => known(key, !may_hold_secret(line), &origin)?,
        };
        words.fill(name, Zeroizing::new(value.to_owned()), &origin);
    }
    Ok(inside)
}
