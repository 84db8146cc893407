//! Which crate may import which.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// The house: a crate and those it may import. Whoever is not here may import nobody; the program may import all.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("connwarden-wire", &[]),
    ("connwarden-model", &[]),
    ("connwarden-text", &[]),
    ("connwarden-tls", &[]),
    ("connwarden-engine", &["connwarden-wire", "connwarden-model"]),
    ("connwarden-inspect", &["connwarden-model", "connwarden-text", "connwarden-tls", "connwarden-wire"]),
    ("connwarden-plan", &["connwarden-model", "connwarden-text"]),
    ("connwarden-disk", &["connwarden-plan"]),
    ("connwarden-serve", &["connwarden-model", "connwarden-inspect"]),
    (
        "connwarden-proxy",
        &[
            "connwarden-engine",
            "connwarden-inspect",
            "connwarden-serve",
            "connwarden-tls",
            "connwarden-model",
            "connwarden-wire",
        ],
    ),
    ("connwarden-client", &["connwarden-disk", "connwarden-inspect", "connwarden-plan", "connwarden-wire"]),
    (
        "connwarden-python",
        &["connwarden-disk", "connwarden-inspect", "connwarden-model", "connwarden-plan", "connwarden-text"],
    ),
    ("xtask", &["connwarden-model", "connwarden-engine", "connwarden-inspect", "connwarden-plan"]),
];
/// Imports all, and nobody imports it.
const PROGRAM: &str = "connwarden";
/// Measures and compares; stands outside the house.
const OUTSIDE: &[&str] = &["connwarden-bench", "bench", "connwarden-conformance", "conformance"];

/// What cargo knows of the workspace and its dependencies.
pub(super) fn metadata(root: &Path) -> anyhow::Result<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The packages of a list.
pub(super) fn packages(metadata: &Value) -> anyhow::Result<&Vec<Value>> {
    metadata["packages"].as_array().context("cargo metadata has packages")
}

/// Imports that are not allowed. What only tests import is free, unless it is the program.
pub(super) fn offences(metadata: &Value) -> anyhow::Result<Vec<String>> {
    let mut offences = Vec::new();
    for package in packages(metadata)?.iter().filter(|package| package["source"].is_null()) {
        let name = package["name"].as_str().unwrap_or_default();
        let imports = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        for import in imports.iter().filter(|import| !import["path"].is_null()) {
            let test = import["kind"] == "dev";
            let import = import["name"].as_str().unwrap_or_default();
            if !may(name, import, test) {
                offences.push(format!("{name} imports {import}"));
            }
        }
    }
    Ok(offences)
}

fn may(name: &str, import: &str, test: bool) -> bool {
    if import == PROGRAM {
        return false;
    }
    if test || name == PROGRAM || OUTSIDE.contains(&name) {
        return true;
    }
    MAY_IMPORT.iter().any(|(who, whom)| *who == name && whom.contains(&import))
}

#[cfg(test)]
mod tests {
    use super::may;

    #[test]
    fn doors_open_one_way() {
        assert!(may("connwarden-engine", "connwarden-wire", false));
        assert!(!may("connwarden-wire", "connwarden-engine", false));
        assert!(!may("connwarden-model", "connwarden-wire", false));
        assert!(may("connwarden", "connwarden-proxy", false));
        assert!(!may("connwarden-proxy", "connwarden", true));
        assert!(!may("connwarden-unknown", "connwarden-model", false));
    }
}
