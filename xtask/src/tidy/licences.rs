//! Dependencies: their licences, those we don't want, and those that come twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::crates::packages;

const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const BANNED: &[(&str, &str)] = &[
    ("openssl-sys", "rustls is the TLS of this program"),
    ("native-tls", "rustls is the TLS of this program"),
    ("async-std", "one runtime is enough"),
    ("chrono", "time comes in with the input; jiff or std where a date is printed"),
    ("atty", "std::io::IsTerminal does it"),
];

/// Dependencies that come in two versions, because one of ours needs the older. An entry that is not needed fails.
const TWICE: &[&str] = &[
    // The proxy's entropy, TLS's and the tests' come from three ages of one library.
    "getrandom",
    "rand_core",
    "cpufeatures",
    // Macros of some are older than those of others; nothing of them is in the program.
    "syn",
    // The drivers of PostgreSQL in the client's tests and examples hash with the next age of one library, sqlx keeps its
    // statements in an older map and reads addresses with newer macros; nothing of them is in the program.
    "block-buffer",
    "crypto-common",
    "digest",
    "hashbrown",
    "hmac",
    "md-5",
    "sha2",
    "synstructure",
];

/// Offences of every kind.
pub(super) fn offences(metadata: &Value) -> anyhow::Result<Vec<String>> {
    let used = used(metadata);
    let mut offences = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages(metadata)?
        .iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| used.contains(id)))
    {
        let name = package["name"].as_str().unwrap_or_default();
        let version = package["version"].as_str().unwrap_or_default();
        versions.entry(name).or_default().insert(version);
        if package["source"].is_null() {
            continue;
        }
        let licence = package["license"].as_str().unwrap_or("none");
        if !allowed(licence) {
            offences.push(format!("{name} {version}: licence {licence}"));
        }
        if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            offences.push(format!("{name} {version} is banned: {why}"));
        }
    }
    let twice = versions.iter().filter(|(name, versions)| versions.len() > 1 && !TWICE.contains(name));
    offences.extend(twice.map(|(name, versions)| {
        format!("{name} comes as {}", versions.iter().copied().collect::<Vec<_>>().join(" and "))
    }));
    let once = TWICE.iter().filter(|name| versions.get(*name).is_none_or(|versions| versions.len() < 2));
    offences.extend(
        once.map(|name| format!("{name} comes once now: take it out of the list of those that come twice")),
    );
    Ok(offences)
}

/// Packages that end up in something we build, tests included.
fn used(metadata: &Value) -> BTreeSet<&str> {
    let nodes = metadata["resolve"]["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let edges: BTreeMap<&str, Vec<&str>> = nodes
        .iter()
        .filter_map(|node| {
            let dependencies = node["dependencies"].as_array()?.iter().filter_map(Value::as_str).collect();
            Some((node["id"].as_str()?, dependencies))
        })
        .collect();
    let members = metadata["workspace_members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut open: Vec<&str> = members.iter().filter_map(Value::as_str).collect();
    let mut used = BTreeSet::new();
    while let Some(id) = open.pop() {
        if used.insert(id) {
            open.extend(edges.get(id).into_iter().flatten());
        }
    }
    used
}

/// Whether a licence expression can be fulfilled by the list.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&tokens, &mut at) && at == tokens.len()
}

fn either(tokens: &[&str], at: &mut usize) -> bool {
    let mut good = both(tokens, at);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        good |= both(tokens, at);
    }
    good
}

fn both(tokens: &[&str], at: &mut usize) -> bool {
    let mut good = one(tokens, at);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        good &= one(tokens, at);
    }
    good
}

fn one(tokens: &[&str], at: &mut usize) -> bool {
    let Some(&token) = tokens.get(*at) else { return false };
    *at += 1;
    if token == "(" {
        let good = either(tokens, at);
        *at += 1;
        return good;
    }
    if tokens.get(*at) == Some(&"WITH") {
        let exception = tokens.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return LICENCES.contains(&token) || LICENCES.contains(&format!("{token} WITH {exception}").as_str());
    }
    LICENCES.contains(&token)
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn an_expression_is_judged_as_a_whole() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "GPL-2.0 OR Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "none", "(MIT OR Apache-2.0) AND GPL-3.0", ""] {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
