//! YAML as a tree whose every node knows its place. Anchors, aliases and merge keys are resolved; scalars are text.
//!
//! What a scalar means (a number, a switch) is for whoever reads it to say: a compose file's `25`, `"25"` and `'25'` are
//! the same setting.

use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::place::Lines;
use crate::{Finding, Level, Place, Rule, Text};

/// A file that is no YAML.
pub const UNREADABLE: Rule =
    Rule { id: "YAML001", level: Level::Error, summary: "A file could not be read as YAML." };

/// A template that nobody has rendered.
pub const TEMPLATE: Rule = Rule {
    id: "YAML002",
    level: Level::Error,
    summary: "A template was given where its rendered form is needed.",
};

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing: `key:`, `~`, `null`.
    Null,
    /// Text.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// Pairs in the order of the file, merged ones behind a map's own. No key twice.
    Map(Vec<(Text, Node)>),
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Without quotes, folded and unescaped as YAML says.
    pub text: String,
    /// How it is written.
    pub style: Style,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `word`
    Plain,
    /// `"word"` or `'word'`
    Quoted,
    /// `>` or `|`, on lines of its own: in it `#` begins no comment.
    Block,
}

/// A value at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it is written; of an alias or a merged pair, where it is defined.
    pub place: Place,
}

impl Node {
    /// The value of a key, if this is a map that has it. A value that is null counts as missing.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.pairs()
            .iter()
            .find(|(name, _)| name.text == key)
            .map(|(_, node)| node)
            .filter(|node| !node.is_null())
    }

    /// The value at the end of a way of keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Its pairs; none if it is no map.
    pub fn pairs(&self) -> &[(Text, Self)] {
        match &self.value {
            Value::Map(pairs) => pairs,
            Value::Null | Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// Its items; none if it is no list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Scalar(_) | Value::Map(_) => &[],
        }
    }

    /// Its text, if it is a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Its text with its place, if it is a scalar.
    pub fn word(&self) -> Option<Text> {
        self.text().map(|text| Text::new(text, self.place.clone()))
    }

    /// Whether nothing is written.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// What it is, in words: "a list".
    pub fn what(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a word",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// The documents of a text. Empty ones are left out.
///
/// # Errors
/// The first thing that is no YAML, an unrendered template among them, or a document beyond the limits: depth 48,
/// 200,000 nodes with all aliases resolved.
pub fn documents(file: &Arc<str>, text: &str) -> Result<Vec<Node>, Finding> {
    if let Some(found) = template(file, text) {
        return Err(found);
    }
    let read: Result<Vec<Spanned<Raw>>, _> = serde_saphyr::from_multiple_with_options(text, options());
    let documents = read.map_err(|error| unreadable(file, &error))?;
    let scribe = Scribe { file, text, lines: Lines::of(text) };
    Ok(documents.into_iter().map(|raw| scribe.node(raw)).filter(|node| !node.is_null()).collect())
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: 48,
            max_nodes: 200_000,
            max_documents: 2_000,
        },
    }
}

fn unreadable(file: &Arc<str>, error: &serde_saphyr::Error) -> Finding {
    let place = error
        .location()
        .map_or_else(|| Place::whole(file), |at| Place::new(file, at_u32(at.line()), at_u32(at.column())));
    let said = error.without_snippet().to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let (message, fix) = if said.starts_with("budget breached") || said.contains("limit") {
        (
            format!("this file is beyond the limits of a deployment's description ({said})"),
            "split it, or name only the files that deploy something",
        )
    } else if said.starts_with("duplicate mapping key") {
        let key = said.split([':', ',']).nth(1).unwrap_or("").trim();
        (format!("the key {key:?} stands here a second time"), "keep one of the two")
    } else {
        (format!("not YAML: {said}"), "mend the line; a linter of YAML shows the same place")
    };
    Finding::at(&UNREADABLE, &place, message, fix)
}

/// The first line that only a template engine understands.
fn template(file: &Arc<str>, text: &str) -> Option<Finding> {
    let at = text.match_indices("{{").map(|(at, _)| at).find(|at| {
        let line = text[..*at].rfind('\n').map_or(0, |begin| begin + 1);
        let before = text[line..*at].trim_start();
        let after = text[at + 2..].trim_start_matches('-').trim_start();
        let names = [
            ".Values",
            ".Release",
            ".Chart",
            ".Capabilities",
            "if ",
            "range ",
            "include ",
            "template ",
            "with ",
            "end",
            "define ",
            "else",
            "toYaml ",
            "/*",
            "$",
        ];
        !before.starts_with('#') && names.iter().any(|name| after.starts_with(name))
    })?;
    Some(Finding::at(
        &TEMPLATE,
        &Place::of_byte(file, text, at),
        "this is a Helm template, not yet a manifest",
        "render it and give the result: helm template . > rendered.yaml",
    ))
}

fn at_u32(n: impl TryInto<u32>) -> u32 {
    n.try_into().unwrap_or(u32::MAX)
}

/// A node as the library hands it over.
enum Raw {
    Null,
    /// Text that is text by its look.
    Text(String),
    /// A number or a switch: its text is what stands in the file.
    Typed(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<Self>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = entries.next_entry()? {
            pairs.push(pair);
        }
        Ok(Raw::Map(pairs))
    }
}

/// Turns the library's nodes into ours: places and the text as it is written.
struct Scribe<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    lines: Lines,
}

impl Scribe<'_> {
    fn node(&self, raw: Spanned<Raw>) -> Node {
        let at = raw.defined;
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Text(text) => Value::Scalar(Scalar { text, style: self.style(&at) }),
            Raw::Typed(seen) => Value::Scalar(Scalar {
                text: self.written(&at).map_or(seen, str::to_owned),
                style: Style::Plain,
            }),
            Raw::List(items) => Value::List(items.into_iter().map(|item| self.node(item)).collect()),
            Raw::Map(pairs) => {
                Value::Map(pairs.into_iter().map(|(key, value)| (self.key(key), self.node(value))).collect())
            }
        };
        Node { value, place: self.place(&at) }
    }

    fn key(&self, raw: Spanned<Raw>) -> Text {
        let node = self.node(raw);
        let text = node.text().unwrap_or_default().to_owned();
        Text { text, place: node.place }
    }

    fn place(&self, at: &Location) -> Place {
        Place::new(self.file, at_u32(at.line()), at_u32(at.column()))
    }

    /// What stands in the file there.
    fn written(&self, at: &Location) -> Option<&str> {
        let span = at.span();
        let begin = usize::try_from(span.byte_offset()?).ok()?;
        let len = usize::try_from(span.byte_len()?).ok()?;
        self.text.get(begin..begin.checked_add(len)?).map(str::trim).filter(|text| !text.is_empty())
    }

    fn style(&self, at: &Location) -> Style {
        let span = at.span();
        let Some(begin) = span.byte_offset().and_then(|at| usize::try_from(at).ok()) else {
            return Style::Plain;
        };
        match self.text.as_bytes().get(begin) {
            Some(b'"' | b'\'') => return Style::Quoted,
            None => return Style::Plain,
            Some(_) => {}
        }
        // A block's text begins on a line of its own, behind a line that ends in its sign.
        let line = self.lines.index(begin);
        let alone = self.line(line).get(..begin - self.lines.begin(line).unwrap_or(begin));
        if !alone.is_some_and(|before| before.trim().is_empty()) {
            return Style::Plain;
        }
        let above = (0..line).rev().map(|index| self.line(index).trim_end_matches(['\n', '\r']));
        let above = above.into_iter().find(|line| !line.is_empty()).unwrap_or("");
        let above = above.split(" #").next().unwrap_or(above).trim_end();
        let sign = above.trim_end_matches(|c: char| matches!(c, '+' | '-') || c.is_ascii_digit());
        if sign.ends_with(['>', '|']) { Style::Block } else { Style::Plain }
    }

    /// A line with its end, counted from 0.
    fn line(&self, index: usize) -> &str {
        let begin = self.lines.begin(index).unwrap_or(self.text.len());
        let end = self.lines.begin(index + 1).unwrap_or(self.text.len());
        self.text.get(begin..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        let mut all = documents(&"f.yaml".into(), text).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn refused(text: &str) -> (u32, u32, String) {
        let found = documents(&"f.yaml".into(), text).unwrap_err();
        let place = found.place.unwrap();
        (place.line, place.column, found.message)
    }

    #[test]
    fn every_value_knows_its_line() {
        let node = one("a:\n  b: 25\n  c: [x, 'y']\n");
        let b = node.at(&["a", "b"]).unwrap();
        assert_eq!((b.text(), b.place.line, b.place.column), (Some("25"), 2, 6));
        let c = node.at(&["a", "c"]).unwrap();
        assert_eq!(c.items()[1].text(), Some("y"));
        assert_eq!(node.pairs()[0].1.pairs()[1].0.place.line, 3);
    }

    #[test]
    fn what_looks_like_a_number_or_a_switch_keeps_its_letters() {
        let node = one("a: 0x10\nb: 010\nc: yes\nd: 1e3\ne: \"25\"\nf: 1_000\ng: 3.10\n");
        let texts: Vec<_> = node.pairs().iter().map(|(_, node)| node.text().unwrap()).collect();
        assert_eq!(texts, ["0x10", "010", "yes", "1e3", "25", "1_000", "3.10"]);
    }

    #[test]
    fn nothing_is_missing_whatever_its_spelling() {
        let node = one("a:\nb: ~\nc: null\nd: ''\n");
        for key in ["a", "b", "c", "z"] {
            assert!(node.get(key).is_none(), "{key}");
        }
        assert_eq!(node.get("d").unwrap().text(), Some(""));
    }

    #[test]
    fn merged_pairs_come_from_their_anchor_and_yield_to_a_maps_own() {
        let node = one("x: &x {A: 1, B: 2}\ny:\n  <<: *x\n  A: 3\n");
        let y = node.get("y").unwrap();
        assert_eq!(y.get("A").unwrap().text(), Some("3"));
        let b = y.get("B").unwrap();
        assert_eq!((b.text(), b.place.line), (Some("2"), 1));
    }

    #[test]
    fn a_block_is_told_from_a_quoted_and_a_plain_word() {
        let node = one("a: >\n  x # y\n  z\nb: 'q'\nc: p\nd: |-\n  l\ne:\n  f\ng: >2-  # said\n    h\n");
        let styles: Vec<_> = node
            .pairs()
            .iter()
            .map(|(_, node)| match &node.value {
                Value::Scalar(scalar) => scalar.style,
                other => panic!("{other:?}"),
            })
            .collect();
        use Style::{Block, Plain, Quoted};
        assert_eq!(styles, [Block, Quoted, Plain, Block, Plain, Block]);
        assert_eq!(node.get("a").unwrap().text(), Some("x # y z\n"));
    }

    #[test]
    fn what_is_no_yaml_is_refused_at_its_place() {
        assert_eq!(refused("a: 1\nb: 2\na: 3\n").0, 3);
        assert!(refused("a: 1\na: 2\n").2.contains("\"a\" stands here a second time"));
        assert_eq!(refused("a: [1\n").0, 1);
        assert_eq!(refused("a: b\nc: *nobody\n").0, 2);
        assert_eq!(refused("a: &x [*x]\n").0, 1);
        assert!(refused("ok: 1\nname: {{ .Values.name }}\n").2.contains("Helm template"));
        assert_eq!(refused("{{- if .Values.x }}\na: 1\n{{- end }}\n").0, 1);
        assert_eq!(documents(&"f".into(), "").unwrap(), []);
        assert_eq!(documents(&"f".into(), "---\n---\n# only talk {{ .Values.x }}\n").unwrap(), []);
    }

    #[test]
    fn bombs_and_towers_are_refused() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..10 {
            let names = vec![format!("*a{}", i - 1); 10].join(",");
            bomb += &format!("a{i}: &a{i} [{names}]\n");
        }
        assert!(refused(&bomb).2.contains("beyond the limits"));
        assert!(refused(&"[".repeat(100_000)).2.contains("limit"));
        assert!(refused(&"- ".repeat(50_000)).2.contains("limit"));
    }
}
