//! A setting that nobody reads is a promise that nobody keeps.

use std::collections::BTreeSet;

use model::catalog;

use super::source::Source;

/// Where the merged settings of a pool give a setting another name.
const READ_AS: &[(&str, &str)] = &[
    ("default_pool_size", "pool_size"),
    ("pool_mode", "mode"),
    ("client_encoding", "startup"),
    ("datestyle", "startup"),
    ("timezone", "startup"),
    ("application_name", "startup"),
    ("password", "secret"),
];

/// Settings that have done their work when the configuration is loaded.
const DONE_AT_LOADING: &[&str] = &["auth_file", "allow_trust_from_network"];

/// Settings that no room reads.
pub(super) fn offences(sources: &[Source]) -> Vec<String> {
    let readers = sources.iter().filter(|source| {
        source.is_in("crates")
            && !source.is_in("crates/model")
            && !source.is_in("crates/connwarden/src/config")
    });
    let read: BTreeSet<String> = readers.flat_map(|source| fields(&source.code)).collect();
    let mut offences = Vec::new();
    let mut said = BTreeSet::new();
    for setting in catalog::all().filter(|setting| said.insert(setting.key)) {
        let name = READ_AS.iter().find(|(key, _)| *key == setting.key).map_or(setting.key, |(_, name)| *name);
        let is_read =
            read.contains(name) || read.contains(setting.key) || DONE_AT_LOADING.contains(&setting.key);
        if !is_read {
            offences.push(format!("nothing reads {} of {}", setting.key, setting.section.head()));
        }
    }
    offences
}

/// Names that follow a dot and are not called, or that a pattern takes out of a struct.
fn fields(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = ' ';
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let name = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())];
        if name.is_empty() {
            if !c.is_whitespace() {
                before = c;
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        rest = &rest[name.len()..];
        let called = rest.starts_with('(') || rest.starts_with("::") || rest.starts_with('!');
        if matches!(before, '.' | ',' | '{') && !called {
            found.push(name.to_owned());
        }
        before = 'a';
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_counts_as_read_where_its_field_is_taken() {
        let read = |code: &str| fields(code).contains(&"dns_max_ttl".to_owned());
        assert!(read("config.proxy.dns_max_ttl"));
        assert!(read("let Proxy { port, dns_max_ttl, .. } = x;"));
        assert!(!read("fn dns_max_ttl() {} x.dns_max_ttl()"));
        assert!(!read("let dns_max_ttl = 1;"));
    }
}
