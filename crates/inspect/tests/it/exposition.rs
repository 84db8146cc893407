//! A small reader of Prometheus' text format, as strict as the real one where it matters.

use std::collections::{BTreeMap, BTreeSet};

/// A sample's name and labels.
pub(crate) type Series = (String, BTreeMap<String, String>);

/// All samples; panics where a collector would refuse the text.
pub(crate) fn read(text: &str) -> BTreeMap<Series, f64> {
    assert!(text.ends_with('\n'), "the last line ends");
    let mut kinds: BTreeMap<String, String> = BTreeMap::new();
    let mut helped: BTreeSet<String> = BTreeSet::new();
    let mut samples = BTreeMap::new();
    let mut closed: BTreeSet<String> = BTreeSet::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && helped.insert(name.into()), "{line}");
            assert!(closed.insert(std::mem::replace(&mut family, name.into())), "{line}");
            assert!(!closed.contains(name), "{name} comes in one piece");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(name == family && ["gauge", "counter"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(kinds.insert(name.into(), kind.into()).is_none(), "{line}");
        } else {
            let (series, value) = sample(line);
            assert!(series.0 == family && kinds.contains_key(&family), "{line}");
            assert!(
                series.0.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
                "{line}"
            );
            assert!(samples.insert(series, value).is_none(), "twice: {line}");
        }
    }
    samples
}

fn sample(line: &str) -> (Series, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, behind) = rest.split_once("=\"").unwrap();
            let (value, behind) = quoted(behind);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = behind.strip_prefix(',').unwrap_or(behind);
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').unwrap();
    ((name.to_owned(), labels), value.parse().unwrap())
}

/// A label's value up to its closing quote, and what follows.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match rest.next().unwrap().1 {
                'n' => '\n',
                c @ ('"' | '\\') => c,
                other => panic!("\\{other} is no escape"),
            }),
            c => value.push(c),
        }
    }
    panic!("a label without end")
}
