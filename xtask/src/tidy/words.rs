//! Documents speak of the project: no numbers of tickets, no hosts of registries, no places it was made at.

use std::path::{Path, PathBuf};

use crate::{files, read};

/// Parts of words that don't belong into a document. In halves, so that this file may be searched too.
const WORDS: &[(&str, &str)] = &[
    ("crates", ".io"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("npmjs", ".org"),
    ("deb.debian", ".org"),
    ("proxy.golang", ".org"),
    ("/wo", "rk/"),
];

/// Words that don't belong, with their lines.
pub(super) fn offences(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut offences = Vec::new();
    for path in documents(root)? {
        let short = path.strip_prefix(root).unwrap_or(&path);
        for (number, line) in (1..).zip(read(&path)?.lines()) {
            offences.extend(found(line).map(|word| format!("{}:{number}: {word}", short.display())));
        }
    }
    Ok(offences)
}

fn documents(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(root)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.is_file() && path.extension().is_some_and(|ending| ending == "md"));
    for dir in ["docs", "crates", "bench", "conformance", "fuzz", "examples", "packaging", "python", "web"] {
        paths.extend(files(&root.join(dir), ".md")?);
    }
    paths.sort();
    Ok(paths)
}

fn found(line: &str) -> Option<String> {
    let word =
        WORDS.iter().map(|(left, right)| format!("{left}{right}")).find(|word| line.contains(word.as_str()));
    word.or_else(|| ticket(line))
}

/// `#123` that is no colour and no part of a link.
fn ticket(line: &str) -> Option<String> {
    line.match_indices('#').find_map(|(at, _)| {
        let free = !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '&' | '`' | '"'));
        let digits: String = line[at + 1..].chars().take_while(char::is_ascii_digit).collect();
        let ends = !line[at + 1 + digits.len()..].starts_with(|c: char| c.is_alphanumeric());
        (free && ends && !digits.is_empty()).then(|| format!("#{digits}"))
    })
}

#[cfg(test)]
mod tests {
    use super::found;

    #[test]
    fn tickets_and_registries_are_found() {
        assert_eq!(found("see #12."), Some("#12".to_owned()));
        assert_eq!(found("colour #123abc, heading # 1, `#5`"), None);
        assert!(found(&format!("from {}{}", "crates", ".io")).is_some());
    }
}
