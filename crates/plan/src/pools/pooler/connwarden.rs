//! connwarden itself, from connwarden.toml or from the server's URL on its command line.

use model::catalog::{self, Section};
use model::config::checked::{Config, FALLBACK};
use model::config::load::{self, Outside, Override};
use model::config::report::{self, Source};
use model::config::server_url;
use std::path::Path;

use super::named;
use super::tally::{Entry, Tally};
use crate::pools::told::{Told, place_in};
use crate::pools::{Address, Pooler, address, options, rules};
use crate::{Number, Place, Text};

/// Secrets and user lists are not here: what stands for them passes every check.
struct Elsewhere;

impl Outside for Elsewhere {
    fn env(&self, _: &str) -> Option<String> {
        Some("elsewhere".into())
    }
    fn secret(&self, _: &Path) -> Result<String, String> {
        Ok("elsewhere".into())
    }
    fn userlist(&self, _: &Path) -> Result<Vec<(String, String)>, String> {
        Ok(Vec::new())
    }
    fn open_to_others(&self, _: &Path) -> bool {
        false
    }
}

/// The proxy; `None` if neither a file nor a URL is seen.
pub(super) fn pooler(told: &Told, words: &[Text]) -> Option<Pooler> {
    if let Some(server) = options::value(words, &["--server"]) {
        let url = server_url::parse(&crate::pools::amount::expanded(&server.text, told)).ok();
        return Some(told_by(told, words, &server.place, url.map(|url| url.to_config()), None));
    }
    let file = named(told, words, |path, _| path.ends_with("connwarden.toml"));
    match file {
        Some(file) => Some(told_by(told, words, &file.place, read(told, words, file), Some(file))),
        None => Some(told_by(told, words, &told.container.place, None, None)),
    }
}

/// Reads the file with the options of the command line over it. Mistakes are complained about.
fn read(told: &Told, words: &[Text], file: &Text) -> Option<Config> {
    let source = Source { path: file.place.file.to_string(), text: file.text.clone() };
    let overrides: Vec<Override> =
        words.iter().enumerate().filter_map(|(at, word)| over(words, at, word)).collect();
    match load::load(source, &overrides, &Elsewhere) {
        Ok(loaded) => Some(loaded.config),
        Err(report) => {
            for mistake in &report.mistakes {
                let place = match &mistake.place {
                    report::Place::File(span) => place_in(file, span.start),
                    _ => file.place.clone(),
                };
                let fix = mistake.fix.clone().unwrap_or_else(|| "see connwarden config check".into());
                told.complain(&rules::UNREADABLE, &place, mistake.problem.clone(), fix);
            }
            None
        }
    }
}

/// `--default-pool-size=30` as a setting of `[proxy]`.
fn over(words: &[Text], at: usize, word: &Text) -> Option<Override> {
    let rest = word.text.strip_prefix("--")?;
    let (option, value) = match rest.split_once('=') {
        Some((option, value)) => (option, value.to_owned()),
        None => (rest, words.get(at + 1)?.text.clone()),
    };
    let key = option.replace('-', "_");
    catalog::find(Section::Proxy, &key)?;
    let place = report::Place::CommandLine(format!("--{option}"));
    Some(Override { section: Section::Proxy, key, text: value, place })
}

fn told_by(
    told: &Told,
    words: &[Text],
    place: &Place,
    config: Option<Config>,
    file: Option<&Text>,
) -> Pooler {
    let target = address::target(told, words);
    let Some(config) = config else {
        let why = "a pool of 20 assumed for one user of one database: connwarden.toml is not seen, \
            or could not be read";
        let clients =
            Number::assumed(10_000, "connwarden lets 10000 clients in: max_client_conn is not seen");
        return super::pooler("connwarden", Number::implied(0), Number::assumed(20, why), clients, target);
    };
    let tally = tally(&config, file, place);
    let clients = number(
        config.proxy.max_client_conn,
        file,
        "max_client_conn",
        "connwarden lets 10000 clients in: max_client_conn is not set",
    );
    let pooler = super::pooler("connwarden", Number::implied(tally.kept()), tally.most(), clients, target);
    Pooler { to: server(&config, place).or(pooler.to), ..pooler }
}

fn tally(config: &Config, file: Option<&Text>, place: &Place) -> Tally {
    let mut tally = Tally::default();
    let console_only = |name: &str| {
        let listed = |names: &[std::sync::Arc<str>]| names.iter().any(|other| &**other == name);
        listed(&config.admin.stats_users) && !listed(&config.admin.admin_users)
    };
    let users: Vec<&str> =
        config.users.keys().map(|name| &**name).filter(|name| !console_only(name)).collect();
    let set =
        |key: &str| file.and_then(|file| crate::pools::literal::entry(file, key)).map(|(_, place)| place);
    let written = set("pool_size").or_else(|| set("default_pool_size"));
    for name in config.databases.keys() {
        let forced = config.databases.get(name).and_then(|database| database.user.clone());
        let names: Vec<&str> = match &forced {
            Some(user) => vec![user],
            None => users.clone(),
        };
        for user in names {
            // A forced role may be one that clients never name: any known user leads to its pool.
            let asked = if config.users.contains_key(user) { Some(user) } else { users.first().copied() };
            let Some(Ok(pool)) = asked.map(|user| config.pool(name, user)) else { continue };
            let value = pool.pool_size.saturating_add(pool.reserve_pool_size);
            let most = match &written {
                Some(place) => Number::written(value, place),
                None => Number::assumed(
                    value,
                    "connwarden opens 20 connections for each user of a database: default_pool_size is not set",
                ),
            };
            let limit =
                |limit: model::config::words::Limit| limit.max().map(|max| Number::written(max, place));
            tally.limit_database(name, limit(pool.max_db_connections));
            tally.limit_user(user, limit(pool.max_user_connections));
            tally.add(Entry {
                database: name.to_string(),
                user: user.to_owned(),
                most,
                kept: pool.min_pool_size,
            });
        }
    }
    tally
}

fn number(value: u32, file: Option<&Text>, key: &str, why: &'static str) -> Number {
    match file.and_then(|file| crate::pools::literal::entry(file, key)) {
        Some((_, place)) => Number::written(value, &place),
        None => Number::assumed(value, why),
    }
}

fn server(config: &Config, place: &Place) -> Option<Address> {
    let database = config.databases.values().next()?;
    let server = config.servers.get(&database.server)?;
    let name =
        database.dbname.clone().or_else(|| (&*database.name != FALLBACK).then(|| database.name.clone()));
    Some(Address {
        host: server.host.to_string(),
        port: Some(server.port),
        database: name.map(|name| name.to_string()),
        user: database.user.as_ref().map(ToString::to_string),
        place: place.clone(),
    })
}
