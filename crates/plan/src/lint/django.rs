//! Settings of Django that do something else than their names say.

use super::python::{Entry, entries};
use super::{place_or, rule};
use crate::pools::Opener;
use crate::{Finding, Level, Looked, Place, Rule, Scene, Text};

/// `MAX_CONNS`.
pub(super) const MAX_CONNS: Rule =
    rule("DJANGO001", Level::Warning, "Django has no setting MAX_CONNS: it bounds nothing.");

/// `CONN_MAX_AGE` beside a pool.
pub(super) const AGE_WITH_POOL: Rule =
    rule("DJANGO002", Level::Error, "Django refuses to start with a pool and a CONN_MAX_AGE that is not 0.");

/// `CONN_MAX_AGE` under ASGI.
pub(super) const AGE_WITH_ASGI: Rule = rule(
    "DJANGO003",
    Level::Warning,
    "Under ASGI a CONN_MAX_AGE leaves connections behind that nobody uses.",
);

/// No name.
pub(super) const NAMELESS: Rule = rule(
    "DJANGO004",
    Level::Note,
    "A service sends no application_name: on the server its sessions have no owner.",
);

const ASGI: &[&str] = &["uvicorn", "daphne", "hypercorn", "granian", "UvicornWorker", "UvicornH11Worker"];

fn djangos<'s, 'a>(scene: &'s Scene<'a>) -> Vec<(&'s Looked<'a>, &'s Opener)> {
    let mut seen: Vec<*const crate::Container> = Vec::new();
    let mut own = |looked: &Looked<'_>| {
        let at = std::ptr::from_ref(looked.container);
        let new = !seen.contains(&at);
        seen.push(at);
        new
    };
    scene.openers().filter(|(_, one)| one.what.contains("Django")).filter(|(looked, _)| own(looked)).collect()
}

/// A container's files of Python.
fn settings<'s>(looked: &'s Looked<'_>) -> impl Iterator<Item = &'s Text> {
    looked.container.files.iter().filter(|(path, _)| path.ends_with(".py")).map(|(_, text)| text)
}

/// A backend of its own may well know it: django-db-geventpool does.
fn max_conns_is_known(file: &Text) -> bool {
    file.text.contains("geventpool")
}

pub(super) fn max_conns(scene: &Scene<'_>) -> Vec<Finding> {
    const FIX: &str = "Django opens one connection for each thread: lower the server's threads, or with 5.1 and psycopg 3 \
                       write OPTIONS: {\"pool\": {\"max_size\": N}} and CONN_MAX_AGE 0";
    let mut found = Vec::new();
    for (looked, _) in djangos(scene) {
        for file in settings(looked).filter(|file| !max_conns_is_known(file)) {
            for entry in entries(&file.text, "MAX_CONNS").into_iter().filter(|it| it.inside.is_some()) {
                let mut finding = Finding::at(
                    &MAX_CONNS,
                    &scene.place_in(file, entry.at),
                    "MAX_CONNS is no setting of Django's: it is ignored without a word",
                    FIX,
                );
                if entry.inside == Some("OPTIONS") {
                    finding.level = Level::Error;
                    finding.message =
                        "MAX_CONNS in OPTIONS is handed to libpq, which refuses it: invalid connection option".into();
                }
                found.push(finding);
            }
        }
        found.extend(variable(scene, looked).map(|(name, place)| Finding {
            level: Level::Note,
            ..Finding::at(
                &MAX_CONNS,
                place,
                format!(
                    "{name} bounds nothing by itself: Django has no such setting, and {} has other numbers",
                    looked.name()
                ),
                FIX,
            )
        }));
    }
    found
}

/// A variable of this name that no number of the container agrees with: whoever set it hopes in vain.
fn variable<'s>(scene: &Scene<'_>, looked: &'s Looked<'_>) -> Option<(&'s str, &'s Place)> {
    let environment = &looked.container.environment;
    let (name, variable) = environment.iter().find(|(name, _)| name.ends_with("MAX_CONNS"))?;
    let value: u32 = variable.value.as_deref()?.trim().parse().ok()?;
    if settings(looked).any(max_conns_is_known) {
        return None;
    }
    let mut numbers = scene
        .openers()
        .filter(|(other, _)| std::ptr::eq(other.container, looked.container))
        .flat_map(|(_, one)| [&one.pool.most, &one.processes]);
    let used = numbers.any(|number| number.value == value || number.place() == Some(&variable.place));
    (!used).then_some((name.as_str(), &variable.place))
}

/// How long Django keeps a connection, as far as a file says.
pub(crate) fn kept(scene: &Scene<'_>, looked: &Looked<'_>) -> Option<(Place, Age)> {
    for file in settings(looked) {
        let keys = ["CONN_MAX_AGE", "conn_max_age"].into_iter().flat_map(|name| entries(&file.text, name));
        let dictionary = |entry: &Entry<'_>| entry.inside.is_some();
        if let Some(entry) = keys.into_iter().find(dictionary) {
            return age(looked, entry.value).map(|age| (scene.place_in(file, entry.at), age));
        }
    }
    let names = ["CONN_MAX_AGE", "DB_CONN_MAX_AGE", "DATABASE_CONN_MAX_AGE"];
    let (text, place) = names.into_iter().find_map(|name| looked.container.value(name))?;
    Some((place.clone(), literal(text)?))
}

/// See [`kept`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Seconds since the login; 0 closes it with the request.
    Seconds(u64),
    /// For ever.
    Unlimited,
}

fn literal(text: &str) -> Option<Age> {
    match text.trim() {
        "None" => Some(Age::Unlimited),
        text => text.parse().ok().map(Age::Seconds),
    }
}

/// A number, `None`, or an expression with one variable of the environment in quotes.
fn age(looked: &Looked<'_>, value: &str) -> Option<Age> {
    literal(value).or_else(|| {
        let quoted = value.split(['"', '\'']).nth(1)?;
        literal(looked.container.value(quoted)?.0)
    })
}

/// Whether its settings give it Django's own pool.
pub(crate) fn is_pooled(looked: &Looked<'_>) -> bool {
    let is_pool =
        |entry: &Entry<'_>| entry.inside == Some("OPTIONS") && !matches!(entry.value, "False" | "None" | "");
    settings(looked).any(|file| entries(&file.text, "pool").iter().any(is_pool))
}

pub(super) fn age_with_pool(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (looked, _) in djangos(scene).into_iter().filter(|(looked, _)| is_pooled(looked)) {
        let Some((place, age)) = kept(scene, looked).filter(|(_, age)| *age != Age::Seconds(0)) else {
            continue;
        };
        found.push(Finding::at(
            &AGE_WITH_POOL,
            &place,
            format!(
                "{} has a pool and a CONN_MAX_AGE of {}: Django raises ImproperlyConfigured",
                looked.name(),
                said(age)
            ),
            "write CONN_MAX_AGE 0: the pool's max_lifetime and max_idle take its place",
        ));
    }
    found
}

fn said(age: Age) -> String {
    match age {
        Age::Seconds(seconds) => format!("{seconds} s"),
        Age::Unlimited => "None".into(),
    }
}

/// Whether a server of ASGI runs it: then each request has a thread, and a connection, of its own.
pub(crate) fn is_asgi(looked: &Looked<'_>, opener: &Opener) -> bool {
    let named =
        |text: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| ASGI.contains(&word));
    named(&opener.what) || looked.container.command.iter().any(|word| named(&word.text))
}

pub(super) fn age_with_asgi(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (looked, _) in djangos(scene).into_iter().filter(|(looked, opener)| is_asgi(looked, opener)) {
        let Some((place, age)) = kept(scene, looked).filter(|(_, age)| *age != Age::Seconds(0)) else {
            continue;
        };
        found.push(Finding::at(
            &AGE_WITH_ASGI,
            &place,
            format!(
                "{} runs under ASGI, where each request has a thread of its own: with a CONN_MAX_AGE of {} its connection stays \
                 behind, and nobody takes it again",
                looked.name(),
                said(age)
            ),
            "write CONN_MAX_AGE 0, and take a pool (OPTIONS: {\"pool\": ...}) or a pooler to keep connections",
        ));
    }
    found
}

/// Whether it sends a name, as far as its settings show.
pub(crate) fn is_named(looked: &Looked<'_>, opener: &Opener) -> bool {
    opener.application.is_some()
        || settings(looked).any(|file| file.text.contains("application_name"))
        || looked.container.environment.iter().any(|(name, variable)| {
            name == "PGAPPNAME"
                || variable.value.as_deref().is_some_and(|value| value.contains("application_name="))
        })
}

pub(super) fn nameless(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (looked, opener) in djangos(scene) {
        // Its settings must be seen: the name may stand in them.
        let shown = settings(looked).any(|file| file.text.contains("DATABASES"));
        if is_named(looked, opener) || !shown {
            continue;
        }
        let place = opener.to.as_ref().map(|to| &to.place);
        let name = &looked.workload.name;
        found.push(Finding::at(
            &NAMELESS,
            place_or(place, &looked.container.place),
            format!(
                "{} sends no application_name: when the server is full, nobody knows whose sessions they are",
                looked.name()
            ),
            format!("\"OPTIONS\": {{\"application_name\": \"{name}\"}} in DATABASES, or ?application_name={name} in the URL"),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;
    use crate::Level;

    const AGED: &str = "DATABASES = {\n  'default': {\n    'CONN_MAX_AGE': int(environ['AGE']),\n    'OPTIONS': {'application_name': 'x', 'pool': True}}}";

    fn django(settings: &str) -> World {
        World::default().django("settings.py", settings)
    }

    #[test]
    fn max_conns_is_ignored_at_the_top_and_refused_in_options() {
        let found =
            django("DATABASES = {'default': {\n 'MAX_CONNS': 20,\n 'OPTIONS': {\n  'MAX_CONNS': 20}}}")
                .all("DJANGO001");
        let lines: Vec<_> =
            found.iter().map(|it| (it.place.as_ref().map(|place| place.line), it.level)).collect();
        assert_eq!(lines, [(Some(2), Level::Warning), (Some(4), Level::Error)]);
    }

    #[test]
    fn a_backend_that_knows_max_conns_may_have_it() {
        let geventpool = "DATABASES = {'default': {'ENGINE': 'django_db_geventpool.backends.postgresql_psycopg3', 'OPTIONS': {'MAX_CONNS': 20}}}";
        assert_eq!(django(geventpool).found("DJANGO001"), []);
        assert_eq!(django("MAX_CONNS = 20\n").found("DJANGO001"), [], "a name of the project's own");
    }

    #[test]
    fn a_variable_that_no_number_follows_is_noted() {
        let world =
            World::default().opener("api", "gunicorn, Django", 4).variable("DB_MAX_CONNS", Some("25"));
        assert_eq!(world.all("DJANGO001")[0].level, Level::Note);
        let threads =
            World::default().opener("api", "gunicorn, Django", 25).variable("DB_MAX_CONNS", Some("25"));
        assert_eq!(threads.found("DJANGO001"), [], "the threads are as many");
    }

    #[test]
    fn a_pool_and_an_age_do_not_go_together() {
        let found = django(AGED).variable("AGE", Some("600")).found("DJANGO002");
        assert_eq!(found[0].0, 3);
        assert!(found[0].1.contains("600 s"), "{}", found[0].1);
        assert_eq!(django(AGED).variable("AGE", Some("0")).found("DJANGO002"), []);
        assert_eq!(django(AGED).variable("AGE", None).found("DJANGO002"), [], "no file shows it");
        let none = AGED.replace("'pool': True", "'pool': False");
        assert_eq!(django(&none).variable("AGE", Some("600")).found("DJANGO002"), []);
    }

    #[test]
    fn an_age_under_asgi_leaves_connections_behind() {
        let asgi = |age| {
            World::default()
                .opener("api", "uvicorn, Django", 40)
                .variable("CONN_MAX_AGE", Some(age))
                .found("DJANGO003")
        };
        assert_eq!((asgi("600").len(), asgi("None").len(), asgi("0").len()), (1, 1, 0));
        let wsgi =
            World::default().opener("api", "gunicorn, Django", 4).variable("CONN_MAX_AGE", Some("600"));
        assert_eq!(wsgi.found("DJANGO003"), []);
        let worker = wsgi.command(&[(3, "gunicorn"), (3, "--worker-class=uvicorn.workers.UvicornWorker")]);
        assert_eq!(worker.found("DJANGO003").len(), 1);
    }

    #[test]
    fn a_service_whose_settings_are_seen_and_give_no_name_is_noted() {
        let bare = "DATABASES = {'default': {}}";
        assert_eq!(django(bare).found("DJANGO004").len(), 1);
        assert_eq!(django(AGED).found("DJANGO004"), []);
        assert_eq!(django(bare).variable("PGAPPNAME", Some("api")).found("DJANGO004"), []);
        assert_eq!(
            World::default().opener("api", "Django", 4).found("DJANGO004"),
            [],
            "its settings are not seen"
        );
    }
}
