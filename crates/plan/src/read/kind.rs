//! Which reader a file is for: by its name, then by what stands at the beginning of its lines.

use std::sync::Arc;

use crate::{Finding, Level, Place, Rule};

/// A file nobody reads.
pub const UNKNOWN: Rule =
    Rule { id: "READ001", level: Level::Error, summary: "A file is of no kind that deploys services." };

/// A file that could not be opened.
pub const MISSING: Rule = Rule { id: "READ002", level: Level::Error, summary: "A file could not be opened." };

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A compose file.
    Compose,
    /// Kubernetes manifests.
    Kubernetes,
    /// A Procfile.
    Procfile,
    /// A systemd unit.
    Systemd,
}

/// The kind of a file by its name and text.
///
/// # Errors
/// A text that shows none.
pub fn kind(path: &str, text: &str) -> Result<Kind, Finding> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "Procfile" || name.starts_with("Procfile.") {
        return Ok(Kind::Procfile);
    }
    if name.ends_with(".service") || name.ends_with(".timer") {
        return Ok(Kind::Systemd);
    }
    let begins = |key: &str| {
        text.lines().any(|line| {
            let line = line.trim_start_matches(['{', ' ', '"', '-']);
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with(':'))
        })
    };
    let at_margin = |key: &str| {
        text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')))
    };
    if at_margin("services") || (at_margin("include") && !at_margin("kind")) {
        return Ok(Kind::Compose);
    }
    if begins("apiVersion") && begins("kind") {
        return Ok(Kind::Kubernetes);
    }
    if begins("services") {
        return Ok(Kind::Compose);
    }
    // A template may hide what it makes; its reader says what to do about it.
    if text.contains("{{") {
        return Ok(Kind::Kubernetes);
    }
    let file: Arc<str> = path.into();
    Err(Finding::at(
        &UNKNOWN,
        &Place::whole(&file),
        "neither a compose file, nor manifests, a Procfile or a unit",
        "give files with services:, with apiVersion: and kind:, a Procfile, or NAME.service",
    ))
}

/// Whether a file of a folder is worth opening when the folder was named.
pub fn may_deploy(name: &str) -> bool {
    let ends = |ending: &str| name.ends_with(ending);
    let is_yaml = ends(".yaml") || ends(".yml") || ends(".json");
    let is_other = name == "Procfile" || ends(".service");
    let hidden = name.starts_with('.');
    // What `plan suggest` wrote are changes to files, not files that deploy.
    let suggested = name.contains(".connwarden.");
    !hidden && !suggested && (is_yaml || is_other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_name_or_by_its_keys() {
        let is = |path, text| kind(path, text).ok();
        assert_eq!(is("a/Procfile", ""), Some(Kind::Procfile));
        assert_eq!(is("api.service", ""), Some(Kind::Systemd));
        assert_eq!(is("x.yaml", "# c\nservices:\n  a: {}\n"), Some(Kind::Compose));
        assert_eq!(is("x.yaml", "kind: Deployment\napiVersion: apps/v1\n"), Some(Kind::Kubernetes));
        assert_eq!(is("x.json", "{\"apiVersion\": \"v1\",\n \"kind\": \"List\"}"), Some(Kind::Kubernetes));
        assert_eq!(is("x.yaml", "a: 1\n"), None);
        assert_eq!(is("x.yaml", "name: {{ .Values.x }}\n"), Some(Kind::Kubernetes));
    }
}
