//! From TOML to what the plan file says, with every mistake on the way.

use std::sync::Arc;

use model::config::suggest::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Declared, Other, Rollout, Server, Service, Thresholds, Together, mistake};
use crate::deployed::Share;
use crate::place::{Lines, beside};
use crate::{Finding, Number, Place, Text};

/// Counts beyond this are typing errors: PostgreSQL's own upper end for `max_connections`.
const COUNT_MAX: i64 = 262_143;

/// Services that one plan names, at most.
const SERVICES_MAX: usize = 2_000;
/// Mistakes told, at most: who has more mends these first.
const MISTAKES_MAX: usize = 200;

const TOP: [&str; 4] = ["files", "server", "service", "other"];
const SERVER: [&str; 7] =
    ["max_connections", "superuser_reserved", "reserved", "host", "warn", "crit", "rollout"];
const SERVICE: [&str; 13] = [
    "ignore",
    "replicas",
    "replicas_max",
    "processes",
    "pool",
    "pool_min",
    "listeners",
    "rollout",
    "surge",
    "unavailable",
    "terminating",
    "via",
    "application_name",
];
const OTHER: [&str; 2] = ["connections", "application_name"];

type Value<'a> = Spanned<DeValue<'a>>;

pub(super) struct Reader<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    lines: Lines,
    pub(super) mistakes: Vec<Finding>,
}

/// A table whose keys have been held against the known ones.
struct Section<'a, 'b> {
    title: String,
    table: &'b DeTable<'a>,
}

impl<'a> Section<'a, '_> {
    fn value(&self, key: &str) -> Option<&Value<'a>> {
        self.table.get(key)
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a Arc<str>, text: &'a str) -> Self {
        Self { file, text, lines: Lines::of(text), mistakes: Vec::new() }
    }

    fn place(&self, byte: usize) -> Place {
        self.lines.place(self.file, self.text, byte)
    }

    fn refuse(&mut self, byte: usize, message: impl Into<String>, fix: impl Into<String>) {
        if self.mistakes.len() < MISTAKES_MAX {
            let place = self.place(byte);
            self.mistakes.push(mistake(&place, message, fix));
        }
    }

    pub(super) fn file(&mut self) -> Declared {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let at = error.span().unwrap_or(0..0).start;
            self.refuse(at, format!("not TOML: {}", error.message()), "mend the line");
        }
        let mut declared = Declared::default();
        if !errors.is_empty() {
            return declared;
        }
        let top = Section { title: String::new(), table: table.get_ref() };
        self.known(&top, &TOP);
        declared.files = self.words(&top, "files");
        for file in &mut declared.files {
            file.text = beside(self.file, &file.text);
        }
        if let Some(section) = self.section(&top, "server") {
            self.server(&section, &mut declared);
        }
        for (name, at, section) in self.named(&top, "service") {
            let name = Text::new(name, self.place(at));
            let service = self.service(&section, name);
            declared.services.push(service);
        }
        for (name, at, section) in self.named(&top, "other") {
            let name = Text::new(name, self.place(at));
            declared.others.extend(self.other(&section, at, name));
        }
        declared.services.sort_by_key(|one| (one.name.place.line, one.name.place.column));
        declared.others.sort_by_key(|one| (one.name.place.line, one.name.place.column));
        declared
    }

    fn server(&mut self, section: &Section<'a, '_>, declared: &mut Declared) {
        self.known(section, &SERVER);
        declared.server = Server {
            connections_max: self.count(section, "max_connections", 1),
            superuser_reserved: self.count(section, "superuser_reserved", 0),
            reserved: self.count(section, "reserved", 0),
            host: self.word(section, "host"),
        };
        let Thresholds { warn, crit } = declared.thresholds;
        let percent = |given: Option<Number>, or: u32| given.map_or(or, |number| number.value);
        let said = (self.count(section, "warn", 1), self.count(section, "crit", 1));
        let thresholds = Thresholds { warn: percent(said.0, warn), crit: percent(said.1, crit) };
        if thresholds.warn > thresholds.crit || thresholds.crit > 100 {
            let at = section.value("crit").or(section.value("warn")).map_or(0, |value| value.span().start);
            self.refuse(
                at,
                format!("warn is {} and crit is {}, in percent", thresholds.warn, thresholds.crit),
                "warn <= crit <= 100: warn = 70, crit = 85",
            );
        }
        declared.thresholds = thresholds;
        declared.together = self
            .choice(section, "rollout", &[("all", Together::All), ("one", Together::One)])
            .unwrap_or(Together::All);
    }

    fn service(&mut self, section: &Section<'a, '_>, name: Text) -> Service {
        self.known(section, &SERVICE);
        let styles = [
            ("recreate", Rollout::Recreate),
            ("rolling", Rollout::Rolling),
            ("blue-green", Rollout::BlueGreen),
        ];
        let replicas = self.count(section, "replicas", 0);
        let replicas_max = self.count(section, "replicas_max", 0);
        if let (Some(usual), Some(most)) = (&replicas, &replicas_max) {
            self.ordered(usual, most);
        }
        Service {
            ignored: self.switch(section, "ignore") == Some(true),
            replicas,
            replicas_max,
            processes: self.count(section, "processes", 0),
            pool: self.count(section, "pool", 0),
            pool_min: self.count(section, "pool_min", 0),
            listeners: self.count(section, "listeners", 0),
            rollout: self.choice(section, "rollout", &styles),
            surge: self.share(section, "surge"),
            unavailable: self.share(section, "unavailable"),
            terminating: self.switch(section, "terminating"),
            via: self.word(section, "via"),
            applications: self.words(section, "application_name").into_iter().map(|word| word.text).collect(),
            name,
        }
    }

    fn ordered(&mut self, usual: &Number, most: &Number) {
        if let Some(place) = most.place().filter(|_| most.value < usual.value) {
            self.mistakes.push(mistake(
                place,
                format!("replicas_max is {} and replicas is {}", most.value, usual.value),
                format!("replicas <= replicas_max: replicas_max = {}", usual.value),
            ));
        }
    }

    fn other(&mut self, section: &Section<'a, '_>, at: usize, name: Text) -> Option<Other> {
        self.known(section, &OTHER);
        let connections = self.count(section, "connections", 0);
        if connections.is_none() && section.value("connections").is_none() {
            self.refuse(at, format!("{} says no number", section.title), "add connections = 10");
        }
        let applications =
            self.words(section, "application_name").into_iter().map(|word| word.text).collect();
        Some(Other { name, connections: connections?, applications })
    }

    fn known(&mut self, section: &Section<'a, '_>, known: &[&str]) {
        for (key, _) in section.table {
            let name: &str = key.get_ref();
            if known.contains(&name) || self.mistakes.len() >= MISTAKES_MAX {
                continue;
            }
            let place = if section.title.is_empty() { "a plan" } else { &section.title };
            let fix = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known here: {}", known.join(", ")),
            };
            self.refuse(key.span().start, format!("{place} has no key {name:?}"), fix);
        }
    }

    fn section<'b>(&mut self, parent: &Section<'a, 'b>, key: &str) -> Option<Section<'a, 'b>> {
        let value = parent.table.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section { title: format!("[{key}]"), table }),
            _ => {
                self.refuse(value.span().start, format!("{key} is no table"), format!("write [{key}]"));
                None
            }
        }
    }

    /// The tables `[key.NAME]`, each with its name and where it begins.
    fn named<'b>(&mut self, top: &Section<'a, 'b>, key: &str) -> Vec<(String, usize, Section<'a, 'b>)> {
        let Some(all) = self.section(top, key) else { return Vec::new() };
        let mut found = Vec::new();
        if all.table.len() > SERVICES_MAX {
            let at = top.value(key).map_or(0, |value| value.span().start);
            self.refuse(at, format!("more than {SERVICES_MAX} tables [{key}.NAME]"), "split the plan");
            return found;
        }
        for (name, value) in all.table {
            let at = name.span().start;
            let title = format!("[{key}.{}]", name.get_ref());
            match value.get_ref() {
                DeValue::Table(table) => {
                    found.push((name.get_ref().to_string(), at, Section { title, table }));
                }
                _ => self.refuse(
                    at,
                    format!("{key}.{} is no table", name.get_ref()),
                    format!("name it: [{key}.NAME]"),
                ),
            }
        }
        found
    }

    fn count(&mut self, section: &Section<'a, '_>, key: &str, least: i64) -> Option<Number> {
        let value = section.value(key)?;
        let at = value.span().start;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number.filter(|number| (least..=COUNT_MAX).contains(number)) {
            Some(number) => Some(Number::written(u32::try_from(number).unwrap_or(0), &self.place(at))),
            None => {
                self.refuse(
                    at,
                    format!("{key} is no whole number from {least} to {COUNT_MAX}"),
                    format!("write {key} = {}", least.max(10)),
                );
                None
            }
        }
    }

    fn share(&mut self, section: &Section<'a, '_>, key: &str) -> Option<Share> {
        let value = section.value(key)?;
        let DeValue::String(text) = value.get_ref() else {
            return self.count(section, key, 0).map(Share::Count);
        };
        let at = value.span().start;
        let percent = text.strip_suffix('%').and_then(|digits| digits.trim().parse::<u32>().ok());
        match percent.filter(|percent| *percent <= 1000) {
            Some(percent) => Some(Share::Percent(Number::written(percent, &self.place(at)))),
            None => {
                self.refuse(
                    at,
                    format!("{key} is neither a number nor a percentage"),
                    format!("write {key} = 1 or {key} = \"25%\""),
                );
                None
            }
        }
    }

    fn switch(&mut self, section: &Section<'a, '_>, key: &str) -> Option<bool> {
        let value = section.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(switch) => Some(*switch),
            _ => {
                self.refuse(
                    value.span().start,
                    format!("{key} is neither true nor false"),
                    format!("write {key} = true"),
                );
                None
            }
        }
    }

    fn word(&mut self, section: &Section<'a, '_>, key: &str) -> Option<Text> {
        let value = section.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Text::new(text.as_ref(), self.place(value.span().start))),
            _ => {
                self.refuse(
                    value.span().start,
                    format!("{key} is no text"),
                    format!("write {key} = \"...\""),
                );
                None
            }
        }
    }

    /// A text or a list of texts.
    fn words(&mut self, section: &Section<'a, '_>, key: &str) -> Vec<Text> {
        let Some(value) = section.value(key) else { return Vec::new() };
        let items: Vec<&Value<'a>> = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let mut found = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::String(text) => found.push(Text::new(text.as_ref(), self.place(item.span().start))),
                _ => self.refuse(
                    item.span().start,
                    format!("{key} holds something that is no text"),
                    format!("write {key} = [\"...\"]"),
                ),
            }
        }
        found
    }

    fn choice<T: Copy>(&mut self, section: &Section<'a, '_>, key: &str, all: &[(&str, T)]) -> Option<T> {
        let word = self.word(section, key)?;
        let found = all.iter().find(|(name, _)| *name == word.text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = all.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let names = names.join(", ");
            self.mistakes.push(mistake(
                &word.place,
                format!("{key} cannot be {:?}", word.text),
                format!("one of {names}"),
            ));
        }
        found
    }
}
