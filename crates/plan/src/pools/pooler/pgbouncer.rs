//! PgBouncer: pools of databases times users, from pgbouncer.ini and userlist.txt or from the variables that images make
//! them of.

use super::named;
use super::tally::{Entry, Tally};
use crate::pools::told::Told;
use crate::pools::url::Url;
use crate::pools::{Address, Pooler, address, amount, lines, sums, words};
use crate::{Number, Place, Text};

/// Databases and users are not listed beyond this.
const NAMES_MAX: usize = 1_000;

/// Where settings are looked up: the ini, else variables.
struct Ini<'a> {
    told: &'a Told<'a>,
    pairs: Vec<lines::Pair<'a>>,
}

/// `[databases]` NAME = keys.
struct Database {
    name: String,
    keys: Vec<Text>,
    place: Place,
}

/// Its pools, the clients it lets in, and its server.
fn tallied<'a>(told: &'a Told<'a>, ini: Option<&'a Text>) -> (Tally, Number, Option<Address>) {
    let ini = Ini { told, pairs: ini.map(lines::pairs).unwrap_or_default() };
    let databases = ini.databases();
    let (users, unknown) = ini.users();
    let mut tally = Tally::default();
    for database in &databases {
        let forced = database.key("user").map(|text| text.text);
        let names: Vec<String> = match forced {
            Some(name) => vec![name],
            None => users.clone(),
        };
        for user in names {
            let size = ini.size(database, &user, "pool_size", "default_pool_size", 20);
            let reserve = ini.size(database, &user, "reserve_pool_size", "reserve_pool_size", 0);
            let most = match (unknown, database.key("user")) {
                (Some(why), None) => Number::assumed(
                    size.value.saturating_add(reserve.value),
                    sums::plus(&size, &reserve)
                        .assumption()
                        .map_or(why.to_owned(), |said| format!("{why}; {said}")),
                ),
                _ => sums::plus(&size, &reserve),
            };
            let kept = ini.size(database, "", "min_pool_size", "min_pool_size", 0).value;
            tally.limit_user(&user, ini.user_limit(&user));
            tally.add(Entry { database: database.name.clone(), user, most, kept });
        }
        let own = database.number(told, "max_db_connections");
        tally.limit_database(&database.name, own.or_else(|| ini.number("max_db_connections")));
    }
    let clients = ini.number("max_client_conn").unwrap_or_else(|| {
        Number::assumed(
            100,
            "PgBouncer 1.25 lets 100 clients in: \
            max_client_conn is not set",
        )
    });
    let to = databases.iter().find_map(Database::address);
    (tally, clients, to)
}

/// What PgBouncer opens; `what` is who stands in its place.
pub(super) fn pooler(told: &Told, given: &[Text], what: &str) -> Pooler {
    let is_ini = |path: &str, text: &str| path.ends_with(".ini") && text.contains("[pgbouncer]");
    let (tally, clients, to) = tallied(told, named(told, given, is_ini));
    let target = address::target(told, &[]);
    let pooler = super::pooler(what, Number::implied(tally.kept()), tally.most(), clients, target);
    Pooler { to: to.or(pooler.to), ..pooler }
}

impl Database {
    fn key(&self, name: &str) -> Option<Text> {
        let found = self.keys.iter().rev().find_map(|word| {
            let (key, value) = word.text.split_once('=')?;
            (key == name).then(|| Text::new(value, word.place.clone()))
        });
        found.filter(|text| !text.text.is_empty())
    }

    fn number(&self, told: &Told, name: &str) -> Option<Number> {
        let text = self.key(name)?;
        told.number(&text.text, &text.place, name)
    }

    fn address(&self) -> Option<Address> {
        let host = self.key("host")?.text;
        Some(Address {
            host: host.split(',').next().unwrap_or("").to_owned(),
            port: self.key("port").and_then(|text| text.text.parse().ok()),
            database: self
                .key("dbname")
                .map(|text| text.text)
                .or_else(|| (self.name != "*").then(|| self.name.clone())),
            user: self.key("user").map(|text| text.text),
            place: self.place.clone(),
        })
    }
}

impl Ini<'_> {
    /// A setting of `[pgbouncer]`: from the ini, else from the variable that the images of Bitnami, edoburu and Crunchy read.
    fn number(&self, key: &str) -> Option<Number> {
        let of_file = self.pairs.iter().rev().find(|pair| pair.section == "pgbouncer" && pair.key == key);
        if let Some(pair) = of_file {
            return self.told.number(pair.value, &pair.place, key);
        }
        let upper = key.to_ascii_uppercase();
        self.told.variable(&[&format!("PGBOUNCER_{upper}"), &upper])
    }

    /// A pool's number: the user's, else the database's, else the common one.
    fn size(&self, database: &Database, user: &str, key: &str, common: &str, default: u32) -> Number {
        let of_database = || {
            let own = database.number(self.told, key);
            own.or_else(|| {
                (key == "reserve_pool_size").then(|| database.number(self.told, "reserve_pool")).flatten()
            })
        };
        self.user_number(user, key).or_else(of_database).or_else(|| self.number(common)).unwrap_or_else(
            || match default {
                0 => Number::implied(0),
                _ => Number::assumed(
                    default,
                    format!(
                        "PgBouncer 1.25 opens {default} connections for \
                each user of a database: {common} is not set"
                    ),
                ),
            },
        )
    }

    /// `[users]` NAME = pool_size=... max_user_connections=...
    fn user_number(&self, user: &str, key: &str) -> Option<Number> {
        let pair = self.pairs.iter().rev().find(|pair| pair.section == "users" && pair.key == user)?;
        let database =
            Database { name: String::new(), keys: keys(pair.value, &pair.place), place: pair.place.clone() };
        database.number(self.told, key)
    }

    fn user_limit(&self, user: &str) -> Option<Number> {
        self.user_number(user, "max_user_connections").or_else(|| self.number("max_user_connections"))
    }

    fn text(&self, key: &str) -> Option<&str> {
        let of_file = self.pairs.iter().rev().find(|pair| pair.section == "pgbouncer" && pair.key == key);
        let upper = key.to_ascii_uppercase();
        let of_file = of_file.map(|pair| pair.value);
        of_file.or_else(|| self.told.given(&[&format!("PGBOUNCER_{upper}"), &upper]).map(|given| given.text))
    }

    fn databases(&self) -> Vec<Database> {
        let listed = self.pairs.iter().filter(|pair| pair.section == "databases").take(NAMES_MAX);
        let listed: Vec<Database> = listed
            .map(|pair| Database {
                name: pair.key.to_owned(),
                keys: keys(pair.value, &pair.place),
                place: pair.place.clone(),
            })
            .collect();
        if !listed.is_empty() {
            return listed;
        }
        let urls = self.told.given(&["DATABASE_URLS", "DATABASE_URL"]);
        let of_urls: Vec<Database> = urls
            .iter()
            .flat_map(|given| {
                let url = |text: &str| {
                    Url::of(&amount::expanded(text, self.told)).map(|url| of_url(&url, given.place))
                };
                given.text.split(',').filter_map(url).take(NAMES_MAX).collect::<Vec<_>>()
            })
            .collect();
        if !of_urls.is_empty() {
            return of_urls;
        }
        let place = &self.told.container.place;
        let value =
            |names: &[&str]| self.told.given(names).map(|given| amount::expanded(given.text, self.told));
        let name = value(&["PGBOUNCER_DATABASE", "DATABASES_DBNAME", "DB_NAME", "POSTGRESQL_DATABASE"]);
        let host = value(&["POSTGRESQL_HOST", "DATABASES_HOST", "DB_HOST", "PG_SERVICE"]);
        let port = value(&["POSTGRESQL_PORT", "DATABASES_PORT", "DB_PORT"]);
        let pair = |key: &str, value: Option<String>| {
            value.map(|value| Text::new(format!("{key}={value}"), place.clone()))
        };
        let keys = [pair("host", host), pair("port", port)].into_iter().flatten().collect();
        vec![Database { name: name.unwrap_or_else(|| "*".into()), keys, place: place.clone() }]
    }

    /// The users that may have pools, and why they are assumed if they are.
    fn users(&self) -> (Vec<String>, Option<&'static str>) {
        let listed = |key: &str| -> Vec<String> {
            let names = self.text(key).unwrap_or("").split(',').map(|name| name.trim().to_owned());
            names.filter(|name| !name.is_empty()).collect()
        };
        let asides: Vec<String> = listed("auth_user").into_iter().chain(listed("stats_users")).collect();
        let list =
            self.text("auth_file").and_then(|path| self.told.file(path.rsplit('/').next().unwrap_or("")));
        let list = list
            .or_else(|| self.told.files(|path| path.ends_with("userlist.txt")).next().map(|(_, file)| file));
        let mut users: Vec<String> = list.map(userlist).unwrap_or_default();
        users.retain(|name| !asides.contains(name));
        users.truncate(NAMES_MAX);
        let asked = self.text("auth_query").is_some() || self.text("auth_user").is_some();
        match (users.is_empty(), asked) {
            (false, false) => (users, None),
            (false, true) => (
                users,
                Some(
                    "PgBouncer also asks the server for users (auth_query): those of the user list are counted",
                ),
            ),
            (true, _) => {
                (vec![String::new()], Some("one user of each database assumed: no user list is seen"))
            }
        }
    }
}

/// `host=db user='a b' pool_size=5` as words without quotes.
fn keys(value: &str, place: &Place) -> Vec<Text> {
    words::split(&Text::new(value, place.clone()))
}

fn of_url(url: &Url, place: &Place) -> Database {
    let pair = |key: &str, value: Option<String>| {
        value.map(|value| Text::new(format!("{key}={value}"), place.clone()))
    };
    let port = url.port.map(|port| port.to_string());
    let keys = [pair("host", url.host.clone()), pair("port", port)].into_iter().flatten().collect();
    Database { name: url.database.clone().unwrap_or_else(|| "*".into()), keys, place: place.clone() }
}

/// The names of `"name" "secret"` lines. Secrets are passed over.
fn userlist(file: &Text) -> Vec<String> {
    let name = |line: &str| {
        let rest = line.trim().strip_prefix('"')?;
        Some(rest.split_once('"')?.0.to_owned()).filter(|name| !name.is_empty())
    };
    file.text.lines().filter_map(name).collect()
}
