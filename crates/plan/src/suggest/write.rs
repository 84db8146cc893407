//! The files of a suggestion: those that are there with single lines changed, and new ones beside them.

use std::collections::BTreeMap;

use super::change::{Edit, Set};
use super::lines;
use super::pools::Sized;
use super::server::Sheet;
use super::{File, Wanted, diff, proxy};
use crate::Scene;
use crate::place::beside;

mod bouncer;
mod compose;
mod conf;
mod env;
mod kubernetes;

/// Files on their way: what each will hold.
pub(super) struct Out<'s, 'a> {
    scene: &'s Scene<'a>,
    files: BTreeMap<String, String>,
    /// Paths of files that could not be changed without showing what may be a secret.
    refused: Vec<String>,
}

impl Out<'_, '_> {
    /// What a file holds by now.
    fn now(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str).or_else(|| self.scene.texts.get(path).map(|text| &**text))
    }

    /// Whether a file can be so without a patch that shows what may be a secret.
    fn may_become(&self, path: &str, text: &str) -> bool {
        diff::unified(path, self.scene.texts.get(path).map(|text| &**text), text).is_some()
    }

    fn put(&mut self, path: impl Into<String>, text: String) {
        let path = path.into();
        if self.may_become(&path, &text) {
            self.files.insert(path, text);
        } else if !self.refused.contains(&path) {
            self.refused.push(path);
        }
    }
}

pub(super) fn files(
    scene: &Scene<'_>,
    wanted: &Wanted,
    sheet: &Sheet<'_, '_>,
    sized: &Sized,
    set: &[Set],
    edits: &mut [Edit],
    why: &mut Vec<String>,
) -> Vec<File> {
    let mut out = Out { scene, files: BTreeMap::new(), refused: Vec::new() };
    let given = env::preset(&mut out, wanted, sized, why);
    edits.sort_by(|a, b| a.place.cmp(&b.place));
    for edit in edits.iter() {
        numbers(&mut out, edit, &given, why);
    }
    let mut set = set.to_vec();
    set.extend(bouncer::write(&mut out, sized, why));
    let mut rest = env::changed(&mut out, &set);
    let all = rest.len();
    rest.retain(|one| !given.reaches(&out, one));
    let file = (rest.len() < all).then_some(given.path.as_str());
    conf::write(&mut out, wanted, sheet);
    compose::write(&mut out, wanted, sheet, sized, &rest, file, why);
    kubernetes::write(&mut out, wanted, sheet, &rest, why);
    if let Some(made) = &sized.proxy {
        let path = near(scene, "connwarden.toml");
        out.put(path, proxy::toml(made));
    }
    for path in &out.refused {
        why.push(format!(
            "{path}: left as it is: a line that would change may hold a secret, which no patch here shows"
        ));
    }
    let file = |(path, text): (String, String)| {
        let before = scene.texts.get(&path).map(|text| &**text);
        let patch = diff::unified(&path, before, &text).filter(|patch| !patch.is_empty())?;
        Some(File { path, text, patch })
    };
    out.files.into_iter().filter_map(file).collect()
}

/// A number that stands in a file, replaced there; or the variable that the file reads instead.
fn numbers(out: &mut Out<'_, '_>, edit: &Edit, given: &env::Given, why: &mut Vec<String>) {
    let Edit { place, old, new, name } = edit;
    let path = place.file.to_string();
    let changed = out.now(&path).and_then(|text| lines::number(text, place.line, *old, *new));
    let line = out.scene.line(place).unwrap_or("");
    let read =
        given.entries.iter().find(|(entry, value)| *value == new.to_string() && env::reads(line, entry));
    match (changed, read) {
        (Some(text), _) if out.may_become(&path, &text) => out.put(path, text),
        (Some(_), _) => why.push(format!(
            "{name}: write {new} in place of {old} at {place}: that line may hold a secret, so no patch here shows it"
        )),
        (None, Some((entry, _))) => {
            why.push(format!("{name}: {entry} = {new}, which {place} reads: from {}", given.path))
        }
        (None, None) => why.push(format!("{name}: write {new} in place of {old} at {place}")),
    }
}

/// A file's path beside the first workload's.
fn near(scene: &Scene<'_>, name: &str) -> String {
    scene.deployed.workloads.first().map_or_else(|| name.to_owned(), |first| beside(&first.place.file, name))
}

/// The head of a new file.
fn head(wanted: &Wanted, how: &str) -> String {
    format!("# connwarden plan suggest --preset {}\n# {how}\n", wanted.preset.name())
}

/// A word in double quotes, as YAML and JSON read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
