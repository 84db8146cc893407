//! How a panic ends: a worker's with the whole process, a module's as an exception of the process that has loaded it.

use std::fs;
use std::path::Path;

use anyhow::Context;
use toml::Table;

/// Each profile that something is shipped or tested with, and its `panic`.
const PANICS: [(&str, &str); 4] =
    [("release", "abort"), ("fast", "abort"), ("wheel", "unwind"), ("wheel-fast", "unwind")];

/// Profiles of the workspace whose panics end otherwise.
pub(super) fn offences(root: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(root.join("Cargo.toml")).context("Cargo.toml")?;
    Ok(offences_of(&text.parse().context("Cargo.toml")?))
}

fn offences_of(manifest: &Table) -> Vec<String> {
    PANICS
        .iter()
        .filter_map(|(profile, wanted)| {
            let found = panic_of(manifest, profile).unwrap_or("unwind");
            (found != *wanted)
                .then(|| format!("Cargo.toml: profile.{profile}: panic is {found:?}, not {wanted:?}"))
        })
        .collect()
}

/// What a profile says of itself, or the one it inherits from.
fn panic_of<'a>(manifest: &'a Table, profile: &str) -> Option<&'a str> {
    let own = manifest.get("profile")?.get(profile)?;
    match own.get("panic") {
        Some(panic) => panic.as_str(),
        None => panic_of(manifest, own.get("inherits")?.as_str()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[profile.release]\npanic = 'abort'\n[profile.fast]\ninherits = 'release'\n\
        [profile.wheel]\ninherits = 'release'\npanic = 'unwind'\n[profile.wheel-fast]\ninherits = 'wheel'\n";

    #[test]
    fn what_a_profile_inherits_counts() {
        assert_eq!(offences_of(&GOOD.parse().unwrap()), Vec::<String>::new());
    }

    #[test]
    fn a_module_that_would_end_its_process_is_found() {
        let bad = GOOD.replace("inherits = 'wheel'", "inherits = 'fast'");
        assert_eq!(
            offences_of(&bad.parse().unwrap()),
            [r#"Cargo.toml: profile.wheel-fast: panic is "abort", not "unwind""#]
        );
    }
}
