//! From what was given to what the code reads, with every mistake found on the way.
//!
//! Later layers win: defaults, environment, file, command line. Nothing is read here: the caller's [`Outside`] is asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::check;
use super::checked::{Checks, Config, Database, SecretText, Server, Target, User};
use super::explain::{self, Explained, Origin};
use super::raw::{Entry, Head, Raw, What};
use super::report::{self, Mistake, Place, Report, Source};
use super::value::{Given, Refused};
use crate::catalog::{Kind, Section};

/// What the configuration has to ask of the world.
pub trait Outside {
    /// A variable of the environment.
    fn env(&self, name: &str) -> Option<String>;
    /// A file with one secret, without its last line end; an error says why it can't be read.
    fn secret(&self, path: &Path) -> Result<String, String>;
    /// The user list's names and secrets; an error says everything that is wrong with it.
    fn userlist(&self, path: &Path) -> Result<Vec<(String, String)>, String>;
    /// True where users other than the owner and root may read the file.
    fn open_to_others(&self, path: &Path) -> bool;
}

/// Nothing outside: no variable, no file.
pub struct Nothing;

impl Outside for Nothing {
    fn env(&self, _: &str) -> Option<String> {
        None
    }
    fn secret(&self, path: &Path) -> Result<String, String> {
        Err(format!("{} does not exist", path.display()))
    }
    fn userlist(&self, path: &Path) -> Result<Vec<(String, String)>, String> {
        Err(format!("{} does not exist", path.display()))
    }
    fn open_to_others(&self, _: &Path) -> bool {
        false
    }
}

/// A setting from outside the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Its section, one without names.
    pub section: Section,
    /// Its key.
    pub key: String,
    /// Its value as text.
    pub text: String,
    /// [`Place::CommandLine`] or [`Place::Environment`].
    pub place: Place,
}

/// A configuration that holds together.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the code reads.
    pub config: Config,
    /// Where each value came from.
    pub explained: Explained,
    /// What may be meant otherwise.
    pub warnings: Vec<Mistake>,
    /// What the warnings point into.
    pub source: Source,
}

/// Reads and checks it all.
///
/// # Errors
/// Every mistake, each at its place.
pub fn load(source: Source, overrides: &[Override], outside: &dyn Outside) -> Result<Loaded, Report> {
    let (raw, mut mistakes) = Raw::from_toml(&source.text);
    let mut below = Raw::default();
    let mut above = Raw::default();
    for given in overrides {
        let layer = if matches!(given.place, Place::Environment(_)) { &mut below } else { &mut above };
        if let Err(mistake) = layer.push_word(given.section, &given.key, &given.text, given.place.clone()) {
            mistakes.push(mistake);
        }
    }
    let places = Places { tried: raw.tried.clone(), ..Places::default() };
    let mut build = Build { config: Config::default(), places, mistakes, warnings: Vec::new() };
    let torn = raw.torn;
    build.heads(&raw);
    for entry in below.entries.into_iter().chain(raw.entries).chain(above.entries) {
        build.entry(entry, outside);
    }
    build.secrets_in_the_open(&source, outside);
    let listed = build.userlist(outside);
    if !torn {
        check::all(&mut build);
    }
    build.finish(source, listed)
}

/// One target of a file, its DSN fetched, and what is not as it should be though it does not hinder. What is wrong elsewhere in
/// the file's values does not matter to it.
///
/// # Errors
/// What is wrong with the target, or that it is not there; a file that is not TOML.
pub fn target(source: Source, name: &str, outside: &dyn Outside) -> Result<(Target, Vec<String>), Report> {
    let (raw, mistakes) = Raw::from_toml(&source.text);
    let head: Head = (Section::Target, Some(name.into()));
    let places = Places::default();
    let mut build = Build { config: Config::default(), places, mistakes, warnings: Vec::new() };
    let mut target = Target::with_defaults(name.into());
    for Entry { head, key, what, place } in raw.entries.into_iter().filter(|entry| entry.head == head) {
        build.places.keys.insert((head, key.to_owned()), place.clone());
        match build.given(key, what, &place, outside) {
            Ok(Some(given)) => {
                if let Some(Err(refused)) = target.set(key, &given) {
                    build.mistakes.push(Mistake::of_value(place, key, refused));
                }
            }
            Ok(None) => {}
            Err(mistake) => build.mistakes.push(mistake),
        }
    }
    let there = raw.heads.iter().find(|(other, _)| *other == head);
    match there {
        None => {
            let names = raw.heads.iter().filter(|((section, _), _)| *section == Section::Target);
            let names: Vec<&str> = names.filter_map(|((_, name), _)| name.as_deref()).collect();
            let fix = match names.as_slice() {
                [] => format!("write [target.{name}] and below it dsn = \"postgres://USER@HOST/DBNAME\""),
                names => format!("the file has {}", names.join(", ")),
            };
            build.mistakes.push(Mistake::new(Place::Whole, format!("there is no [target.{name}]"), fix));
        }
        Some((_, place)) if target.dsn.is_none() && build.mistakes.is_empty() => {
            build.mistakes.push(check::target_without_dsn(name, place.clone()));
        }
        Some(_) => {}
    }
    if build.mistakes.is_empty() {
        build.secrets_in_the_open(&source, outside);
        let warnings = build.warnings.iter().map(|warning| source.describe("warning", warning)).collect();
        return Ok((target, warnings));
    }
    report::sort(&mut build.mistakes);
    Err(Report { source, mistakes: build.mistakes })
}

/// Reads `[checks]` alone: a file that serves a command which only looks needs no server and no user.
///
/// # Errors
/// Every mistake of `[checks]`, and whatever nobody knows anywhere in the file.
pub fn load_checks(source: Source) -> Result<Checks, Report> {
    let (raw, mistakes) = Raw::from_toml(&source.text);
    let mut build =
        Build { config: Config::default(), places: Places::default(), mistakes, warnings: Vec::new() };
    build.heads(&raw);
    for entry in raw.entries.into_iter().filter(|entry| entry.head.0 == Section::Checks) {
        build.entry(entry, &Nothing);
    }
    check::checks(&mut build);
    build.finish(source, Vec::new()).map(|loaded| loaded.config.checks)
}

/// A configuration made by the program, not read: without a file, checked all the same.
///
/// # Errors
/// As [`load`].
pub fn load_made(
    config: Config,
    option: &str,
    overrides: &[Override],
    outside: &dyn Outside,
) -> Result<Loaded, Report> {
    let mut build = Build { config, places: Places::default(), mistakes: Vec::new(), warnings: Vec::new() };
    build.places.made = Some(Place::CommandLine(option.to_owned()));
    let mut layer = Raw::default();
    for given in overrides {
        if let Err(mistake) = layer.push_word(given.section, &given.key, &given.text, given.place.clone()) {
            build.mistakes.push(mistake);
        }
    }
    for entry in layer.entries {
        build.entry(entry, outside);
    }
    let listed = build.userlist(outside);
    check::all(&mut build);
    build.finish(Source::default(), listed)
}

/// Where keys and sections stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    keys: BTreeMap<(Head, String), Place>,
    heads: BTreeMap<Head, Place>,
    /// Kinds of sections that were refused.
    tried: Vec<Section>,
    /// What made the sections that stand nowhere.
    made: Option<Place>,
}

impl Places {
    /// The key's place, else its section's, else none in particular.
    pub(super) fn of(&self, head: &Head, key: &str) -> Place {
        self.key(head, key)
            .or_else(|| self.heads.get(head).cloned())
            .or_else(|| self.made.clone())
            .unwrap_or(Place::Whole)
    }
    /// The key's place, where somebody set it.
    pub(super) fn key(&self, head: &Head, key: &str) -> Option<Place> {
        self.keys.get(&(head.clone(), key.to_owned())).cloned()
    }
    /// True where a section of the kind was written, if wrongly.
    pub(super) fn tried(&self, section: Section) -> bool {
        self.tried.contains(&section)
    }
    /// True where the program made the sections itself.
    pub(super) fn made(&self) -> bool {
        self.made.is_some()
    }
}

/// A configuration on its way.
pub(super) struct Build {
    pub(super) config: Config,
    pub(super) places: Places,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
}

impl Build {
    fn heads(&mut self, raw: &Raw) {
        for (head, place) in &raw.heads {
            self.places.heads.insert(head.clone(), place.clone());
            let (section, Some(name)) = head else { continue };
            let name = name.clone();
            match section {
                Section::Server => self.config.add_server(Server::with_defaults(name)),
                Section::Database => self.config.add_database(Database::with_defaults(name)),
                Section::User => self.config.add_user(User::with_defaults(name)),
                Section::Target => self.config.add_target(Target::with_defaults(name)),
                Section::Proxy | Section::Admin | Section::Checks => {}
            }
        }
    }

    fn entry(&mut self, entry: Entry, outside: &dyn Outside) {
        let Entry { head, key, what, place } = entry;
        self.places.keys.insert((head.clone(), key.to_owned()), place.clone());
        // A secret of a target is for whoever uses the target, not for every process that reads the file.
        if let (Section::Target, Some(name), What::SecretEnv(_) | What::SecretFile(_)) =
            (head.0, &head.1, &what)
        {
            if let Some(target) = self.config.targets.get_mut(name) {
                Arc::make_mut(target).dsn = Some(SecretText::new(String::new()));
            }
            return;
        }
        let given = match self.given(key, what, &place, outside) {
            Ok(Some(given)) => given,
            Ok(None) => return,
            Err(mistake) => return self.mistakes.push(mistake),
        };
        if let Some(Err(refused)) = self.set(&head, key, &given) {
            self.mistakes.push(Mistake::of_value(place, key, refused));
        }
    }

    fn set(&mut self, (section, name): &Head, key: &str, given: &Given) -> Option<Result<(), Refused>> {
        let name = name.as_ref();
        let config = &mut self.config;
        match section {
            Section::Proxy => config.proxy.set(key, given),
            Section::Admin => config.admin.set(key, given),
            Section::Checks => config.checks.set(key, given),
            Section::Server => Arc::make_mut(config.servers.get_mut(name?)?).set(key, given),
            Section::Database => Arc::make_mut(config.databases.get_mut(name?)?).set(key, given),
            Section::User => Arc::make_mut(config.users.get_mut(name?)?).set(key, given),
            Section::Target => Arc::make_mut(config.targets.get_mut(name?)?).set(key, given),
        }
    }

    /// Fetches a secret from where it is.
    fn given(
        &mut self,
        key: &str,
        what: What,
        place: &Place,
        outside: &dyn Outside,
    ) -> Result<Option<Given>, Mistake> {
        match what {
            What::Broken => Ok(None),
            What::Value(given) => Ok(Some(given)),
            What::SecretEnv(name) => match outside.env(&name) {
                Some(text) if !text.is_empty() => Ok(Some(Given::Text(text))),
                found => {
                    let state = if found.is_some() { "is empty" } else { "is not set" };
                    let problem = format!("{key}: the variable {name} {state}");
                    Err(Mistake::new(place.clone(), problem, format!("export {name} before the start")))
                }
            },
            What::SecretFile(path) => {
                if outside.open_to_others(&path) {
                    let problem = format!("{key}: {} can be read by other users", path.display());
                    self.warnings.push(Mistake::new(
                        place.clone(),
                        problem,
                        format!("chmod 600 {}", path.display()),
                    ));
                }
                outside.secret(&path).map(|text| Some(Given::Text(text))).map_err(|why| {
                    Mistake::new(
                        place.clone(),
                        format!("{key}: {why}"),
                        "name a file that this process can read",
                    )
                })
            }
        }
    }

    /// Warns of passwords in a file that everybody may read.
    fn secrets_in_the_open(&mut self, source: &Source, outside: &dyn Outside) {
        if source.path.is_empty() || !outside.open_to_others(Path::new(&source.path)) {
            return;
        }
        let holds = |kind: Kind| kind == Kind::Secret;
        let written = self.places.keys.iter().find(|(((section, _), key), place)| {
            let secret =
                section.settings().iter().any(|setting| setting.key == key.as_str() && holds(setting.kind));
            let Place::File(span) = place else { return false };
            secret && !source.text.get(span.clone()).is_some_and(|text| text.starts_with('{'))
        });
        if let Some((_, place)) = written {
            let problem = "this file holds a password and can be read by other users";
            let fix = format!("chmod 600 {}, or write password = {{ env = \"NAME\" }}", source.path);
            self.warnings.push(Mistake::new(place.clone(), problem, fix));
        }
    }

    /// Joins the user list; gives the names that came from it.
    fn userlist(&mut self, outside: &dyn Outside) -> Vec<Arc<str>> {
        let Some(path) = self.config.proxy.auth_file.clone() else { return Vec::new() };
        let place = self.places.of(&(Section::Proxy, None), "auth_file");
        if outside.open_to_others(&path) {
            let problem = format!("auth_file: {} can be read by other users", path.display());
            self.mistakes.push(Mistake::new(place.clone(), problem, format!("chmod 600 {}", path.display())));
        }
        match outside.userlist(&path) {
            Ok(entries) => {
                let own: Vec<Arc<str>> = self.config.users.keys().cloned().collect();
                self.config.add_userlist(entries);
                self.config.users.keys().filter(|name| !own.contains(name)).cloned().collect()
            }
            Err(why) => {
                let fix = "a line is \"name\" \"secret\", and this process must be able to read the file";
                self.mistakes.push(Mistake::new(place, format!("auth_file: {why}"), fix));
                Vec::new()
            }
        }
    }

    fn finish(mut self, source: Source, listed: Vec<Arc<str>>) -> Result<Loaded, Report> {
        report::sort(&mut self.mistakes);
        report::sort(&mut self.warnings);
        if !self.mistakes.is_empty() {
            return Err(Report { source, mistakes: self.mistakes });
        }
        let list =
            self.config.proxy.auth_file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let line = |byte| source.line_column(byte).0;
        let explained = Explained::of(&self.config, |head, key| {
            let from_list = head.1.as_ref().is_some_and(|name| listed.contains(name));
            if let Some(place) = self.places.key(head, key) {
                return explain::origin(&source.path, line, &place);
            }
            match (head.0, key, &self.places.made) {
                (Section::User, "password", _) if from_list => Origin::Userlist(list.clone()),
                (_, _, Some(place)) if self.made_by_program(head, key) => explain::origin("", line, place),
                _ => Origin::Default,
            }
        });
        Ok(Loaded { config: self.config, explained, warnings: self.warnings, source })
    }

    /// True where a made section's value is not the default.
    fn made_by_program(&self, head: &Head, key: &str) -> bool {
        let texts = match (head.0, &head.1) {
            (Section::Server, Some(name)) => self.config.servers.get(name).map(|server| server.texts()),
            (Section::Database, Some(name)) => {
                self.config.databases.get(name).map(|database| database.texts())
            }
            (Section::User, Some(name)) => self.config.users.get(name).map(|user| user.texts()),
            (Section::Target, Some(name)) => self.config.targets.get(name).map(|target| target.texts()),
            (Section::Admin, _) => Some(self.config.admin.texts()),
            (Section::Checks, _) => Some(self.config.checks.texts()),
            (Section::Proxy, _) => Some(self.config.proxy.texts()),
            (Section::Server | Section::Database | Section::User | Section::Target, None) => None,
        };
        texts.into_iter().flatten().any(|(setting, text)| setting.key == key && text != setting.default)
    }
}
