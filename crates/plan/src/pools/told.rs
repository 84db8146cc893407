//! What one container is told, asked by name: variables, files, cores. And the place where doubts about it are noted.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

use super::amount::{self, Amount};
use super::rules;
use crate::{Container, Finding, Number, Place, Rule, Text, Variable};

/// Cores where no limit says how many.
const CORES_ASSUMED: u32 = 2;

/// A container, a view of its environment, and the findings about it.
pub(super) struct Told<'a> {
    /// Its image, files and limits.
    pub(super) container: &'a Container,
    environment: Cow<'a, BTreeMap<String, Variable>>,
    findings: &'a RefCell<Vec<Finding>>,
}

/// A variable that has a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'t> {
    /// Its name.
    pub(super) name: &'t str,
    /// Its value, trimmed and not empty.
    pub(super) text: &'t str,
    /// Where it is set.
    pub(super) place: &'t Place,
}

impl<'a> Told<'a> {
    pub(super) fn new(container: &'a Container, findings: &'a RefCell<Vec<Finding>>) -> Self {
        Self { container, environment: Cow::Borrowed(&container.environment), findings }
    }

    /// The same container, with the assignments that stand before one of its commands.
    pub(super) fn with(&self, assignments: &[(String, Text)]) -> Self {
        let mut environment = self.environment.clone();
        for (name, value) in assignments {
            let text = amount::expanded(&value.text, self);
            let variable = Variable { value: Some(text), place: value.place.clone() };
            environment.to_mut().insert(name.clone(), variable);
        }
        Self { container: self.container, environment, findings: self.findings }
    }

    pub(super) fn complain(
        &self,
        rule: &'static Rule,
        place: &Place,
        message: impl Into<String>,
        fix: impl Into<Cow<'static, str>>,
    ) {
        let finding = Finding::at(rule, place, message, fix);
        let mut findings = self.findings.borrow_mut();
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }

    /// All variables, by name.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.environment.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// All variables that have a value.
    pub(super) fn values(&self) -> impl Iterator<Item = Given<'_>> {
        self.environment.iter().filter_map(|(name, variable)| given(name, variable))
    }

    /// The first of these variables that has a value.
    pub(super) fn given(&self, names: &[&str]) -> Option<Given<'_>> {
        names.iter().find_map(|name| {
            let (name, variable) = self.environment.get_key_value(*name)?;
            given(name, variable)
        })
    }

    /// The value of a variable, if it has one.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given(&[name]).map(|given| given.text)
    }

    /// The first of these that is set to something no file shows.
    pub(super) fn hidden(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            let (name, variable) = self.environment.get_key_value(*name)?;
            variable.value.is_none().then_some(name.as_str())
        })
    }

    /// Whether a variable is set, to whatever.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.environment.get(name).is_some_and(|variable| variable.value.as_deref() != Some(""))
    }

    /// Whether a variable's name begins like this.
    pub(super) fn any_begins(&self, beginning: &str) -> bool {
        self.environment.keys().any(|name| name.starts_with(beginning))
    }

    /// The number in the first of these variables that has a value.
    pub(super) fn variable(&self, names: &[&str]) -> Option<Number> {
        let given = self.given(names)?;
        self.number(given.text, given.place, given.name)
    }

    /// The number in the first of these variables, or this one with the reason why.
    pub(super) fn variable_or(
        &self,
        names: &[&str],
        value: u32,
        why: impl Into<Cow<'static, str>>,
    ) -> Number {
        if let Some(number) = self.variable(names) {
            return number;
        }
        match self.hidden(names) {
            Some(name) => {
                Number::assumed(value, format!("{name} is set where no file shows it: {value} assumed"))
            }
            None => Number::assumed(value, why),
        }
    }

    /// What is written there as a number. What is none is complained about.
    pub(super) fn number(&self, text: &str, place: &Place, name: &str) -> Option<Number> {
        self.judge(amount::read(text, self), place, name)
    }

    /// What a Python file says in an expression, as a number. What is more than arithmetic is passed over in silence.
    pub(super) fn python(&self, text: &str, place: &Place) -> Option<Number> {
        match amount::read_python(text, self) {
            Amount::Wrong | Amount::Unknown(_) => None,
            known @ Amount::Known { .. } => self.judge(known, place, ""),
        }
    }

    fn judge(&self, amount: Amount, place: &Place, name: &str) -> Option<Number> {
        match amount {
            Amount::Known { value, of_cores: false } => Some(Number::written(value, place)),
            Amount::Known { value, of_cores: true } => {
                Some(Number::assumed(value, format!("{name} counts cores {}", self.cores_why())))
            }
            Amount::Unknown(variable) => {
                self.complain(
                    &rules::UNKNOWN_VARIABLE,
                    place,
                    format!("{name} is {variable}, which none of these files sets"),
                    "set it in the container's environment, or write the number",
                );
                None
            }
            Amount::Wrong => {
                self.complain(
                    &rules::NO_NUMBER,
                    place,
                    format!("{name} is not a number from 0 to {}", amount::VALUE_MAX),
                    format!("write {name} as a whole number"),
                );
                None
            }
        }
    }

    /// How many cores a program counts, and whether a limit says so.
    pub(super) fn cores(&self) -> (u32, bool) {
        match &self.container.cpu_millis_max {
            Some(limit) => (limit.value.div_ceil(1000).max(1), true),
            None => (CORES_ASSUMED, false),
        }
    }

    /// `(2 assumed: the container has no cpu limit)`
    pub(super) fn cores_why(&self) -> String {
        match self.cores() {
            (cores, true) => {
                format!(
                    "({cores} by the container's cpu limit; a program that ignores it counts the machine's)"
                )
            }
            (cores, false) => format!("({cores} assumed: the container has no cpu limit)"),
        }
    }

    /// A file put into the container, by the end of its path.
    pub(super) fn file(&self, path: &str) -> Option<&'a Text> {
        let path = path.trim_start_matches("./");
        let ends = |whole: &str| {
            whole.strip_suffix(path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        let named = || self.container.files.iter().find(|(whole, _)| ends(whole)).map(|(_, text)| text);
        (!path.is_empty()).then(named).flatten()
    }

    /// The files whose path passes, with their paths.
    pub(super) fn files(&self, passes: impl Fn(&str) -> bool) -> impl Iterator<Item = (&'a str, &'a Text)> {
        self.container
            .files
            .iter()
            .filter(move |(path, _)| passes(path))
            .map(|(path, text)| (path.as_str(), text))
    }

    /// Where more of its environment comes from: `secret api-secrets`.
    pub(super) fn unseen(&self) -> Option<&'a str> {
        self.container.unseen.first().map(|text| text.text.as_str())
    }

    /// Its image without registry, tag and digest: `bitnami/postgresql`.
    pub(super) fn image(&self) -> &'a str {
        let whole = self.container.image.as_ref().map_or("", |image| image.text.as_str());
        let whole = whole.split('@').next().unwrap_or("");
        let name = whole.rfind('/').map_or(0, |at| at + 1);
        match whole.get(name..).and_then(|last| last.find(':')) {
            Some(colon) => whole.get(..name + colon).unwrap_or(whole),
            None => whole,
        }
    }

    /// The last part of its image's name: `postgresql`.
    pub(super) fn image_name(&self) -> &'a str {
        self.image().rsplit('/').next().unwrap_or("")
    }
}

fn given<'t>(name: &'t str, variable: &'t Variable) -> Option<Given<'t>> {
    let text = variable.value.as_deref()?.trim();
    (!text.is_empty()).then_some(Given { name, text, place: &variable.place })
}

/// The place of a byte of a file. Of a file that stands inside another one (a config map), that one's place.
pub(super) fn place_in(file: &Text, byte: usize) -> Place {
    match file.place.line {
        0 | 1 => Place::of_byte(&file.place.file, &file.text, byte),
        _ => file.place.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{container, place};
    use super::*;

    #[test]
    fn an_image_has_a_name_without_registry_tag_and_digest() {
        let findings = RefCell::default();
        for (image, whole, name) in [
            ("postgres", "postgres", "postgres"),
            ("postgres:16", "postgres", "postgres"),
            ("registry:5000/team/api:1.2", "registry:5000/team/api", "api"),
            ("bitnami/postgresql@sha256:00", "bitnami/postgresql", "postgresql"),
        ] {
            let container = container(image, &[], &[]);
            let told = Told::new(&container, &findings);
            assert_eq!((told.image(), told.image_name()), (whole, name));
        }
    }

    #[test]
    fn a_file_is_found_by_the_end_of_its_path() {
        let findings = RefCell::default();
        let mut container = container("x", &[], &[]);
        container.files.insert("/app/config/puma.rb".into(), Text::new("workers 2", place()));
        let told = Told::new(&container, &findings);
        assert!(told.file("config/puma.rb").is_some());
        assert!(told.file("./puma.rb").is_some());
        assert!(told.file("a.rb").is_none());
        assert!(told.file("").is_none());
    }

    #[test]
    fn a_core_that_is_shared_is_one_core() {
        let findings = RefCell::default();
        let mut container = container("x", &[], &[]);
        assert_eq!(Told::new(&container, &findings).cores(), (2, false));
        container.cpu_millis_max = Some(Number::implied(2500));
        assert_eq!(Told::new(&container, &findings).cores(), (3, true));
        container.cpu_millis_max = Some(Number::implied(0));
        assert_eq!(Told::new(&container, &findings).cores(), (1, true));
    }
}
