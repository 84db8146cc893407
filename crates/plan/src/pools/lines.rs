//! Files of `key = value` lines: pgbouncer.ini, uwsgi.ini, postgresql.conf, application.properties, puma.rb, gunicorn.conf.py.

use super::told::place_in;
use crate::{Place, Text};

/// A line that sets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair<'f> {
    /// The section it stands in, without brackets; empty before the first.
    pub(super) section: &'f str,
    /// What stands before the first `=` or blank.
    pub(super) key: &'f str,
    /// What follows, without quotes around the whole.
    pub(super) value: &'f str,
    /// Where the line begins.
    pub(super) place: Place,
}

/// The lines of a file that set something. Comments begin with `#` or `;` at a line's start, or with ` #` in it.
pub(super) fn pairs(file: &Text) -> Vec<Pair<'_>> {
    let mut found = Vec::new();
    let mut section = "";
    let mut begin = 0;
    for whole in file.text.split_inclusive('\n') {
        let at = begin;
        begin += whole.len();
        let line = whole.trim();
        if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("//") {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            section = name.0.trim();
            continue;
        }
        let line = uncommented(line);
        let end = line.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(line.len());
        let (key, rest) = line.split_at(end);
        let rest = rest.trim_start();
        let value = unquoted(rest.strip_prefix('=').unwrap_or(rest).trim());
        let indent = whole.len() - whole.trim_start().len();
        found.push(Pair { section, key, value, place: place_in(file, at + indent) });
    }
    found
}

/// The last line that sets a key in whatever section.
pub(super) fn last<'p, 'f>(pairs: &'p [Pair<'f>], keys: &[&str]) -> Option<&'p Pair<'f>> {
    pairs.iter().rev().find(|pair| keys.contains(&pair.key))
}

/// Cuts what follows ` #` outside of quotes.
fn uncommented(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if c == '#' && before.is_whitespace() => return line.get(..at).unwrap_or(line).trim_end(),
            None => {}
        }
        before = c;
    }
    line
}

fn unquoted(text: &str) -> &str {
    let inner = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.filter(|inner| !inner.contains(['\'', '"'])).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_pair_knows_its_line() {
        let name: Arc<str> = "pgbouncer.ini".into();
        let text = "; note\n[databases]\nshop = host=db user='a b'\n* = host=db\n\n[pgbouncer]\n  pool_size=20 # few\n\
                    max_connections 300\nname = 'x # y'\nworkers\n";
        let file = Text::new(text, Place::whole(&name));
        let shown: Vec<String> = pairs(&file)
            .iter()
            .map(|p| format!("{} {}|{}|{}", p.place.line, p.section, p.key, p.value))
            .collect();
        assert_eq!(
            shown,
            [
                "3 databases|shop|host=db user='a b'",
                "4 databases|*|host=db",
                "7 pgbouncer|pool_size|20",
                "8 pgbouncer|max_connections|300",
                "9 pgbouncer|name|x # y",
                "10 pgbouncer|workers|",
            ]
        );
    }

    #[test]
    fn a_file_inside_another_has_that_ones_place() {
        let name: Arc<str> = "manifest.yaml".into();
        let file = Text::new("a = 1\nb = 2", Place::new(&name, 40, 3));
        assert_eq!(pairs(&file)[1].place, Place::new(&name, 40, 3));
    }
}
