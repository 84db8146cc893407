//! Whom a container connects to, and how sure that is.

use super::Address;
use super::amount;
use super::told::{Given, Told, place_in};
use super::url::{self, Url};
use crate::{Place, Text};

/// How sure it is that it connects to PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Its settings say so.
    Shown,
    /// A setting whose value no file shows says so by its name.
    Hidden(String),
    /// It connects to a database of another kind.
    Other,
    /// Nothing says so.
    None,
}

/// What its settings say about the database.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) proof: Proof,
    pub(super) address: Option<Address>,
    pub(super) application: Option<String>,
    /// The connection string and where it is written.
    pub(super) url: Option<(Url, Place)>,
}

impl Target {
    /// A parameter of the connection string, with its place.
    pub(super) fn parameter(&self, name: &str) -> Option<Text> {
        let (url, place) = self.url.as_ref()?;
        url.parameter(name).map(|value| Text::new(value, place.clone()))
    }

    /// How the connection string begins.
    pub(super) fn scheme(&self) -> &str {
        self.url.as_ref().map_or("", |(url, _)| url.scheme.as_str())
    }
}

/// Variables that hold a host, the surest first. Their beginnings lead to port, database and user.
const HOSTS: [&str; 18] = [
    "PGHOST",
    "PG_HOST",
    "PG__HOST",
    "POSTGRES_HOST",
    "POSTGRESQL_HOST",
    "POSTGRES_SERVER",
    "POSTGRES_HOSTNAME",
    "DB_POSTGRESDB_HOST",
    "DB_HOST",
    "DB_HOSTNAME",
    "DATABASE_HOST",
    "DATABASE_HOSTNAME",
    "SQL_HOST",
    "RDS_HOSTNAME",
    "TYPEORM_HOST",
    "MB_DB_HOST",
    "KC_DB_URL_HOST",
    "GF_DATABASE_HOST",
];

const HOST_ENDINGS: [&str; 8] = [
    "_DB_HOST",
    "_DATABASE_HOST",
    "_DATABASE__HOST",
    "_POSTGRES_HOST",
    "_POSTGRESQL_HOST",
    "_PG_HOST",
    "__PG__HOST",
    "_PGHOST",
];

/// Looks through a container's variables and the words of one of its programs.
pub(super) fn target(told: &Told, words: &[Text]) -> Target {
    let url = best_url(told, words);
    let address = url.as_ref().and_then(of_url).or_else(|| of_variables(told));
    let application = application(told, url.as_ref().map(|(url, _)| url));
    let proof = match (&url, &address, kind(told)) {
        (Some(_), ..) | (None, _, Proof::Shown) => Proof::Shown,
        (None, _, Proof::Other) => Proof::Other,
        (None, Some(_), _) => Proof::Shown,
        (None, None, Proof::None)
            if told.files(is_settings).any(|(_, file)| file.text.contains("postgresql")) =>
        {
            Proof::Shown
        }
        (None, None, kind) => kind,
    };
    let address = address.filter(|_| proof != Proof::Other);
    Target { proof, address, application, url }
}

fn best_url(told: &Told, words: &[Text]) -> Option<(Url, Place)> {
    let of_variable = |given: Given| {
        let url = Url::of(&amount::expanded(given.text, told))?;
        Some((score(given.name), url, given.place.clone()))
    };
    let of_word = |word: &Text| {
        let text = word.text.strip_prefix("-D").and_then(|pair| pair.split_once('=')).map(|(_, value)| value);
        let text = text.or_else(|| {
            word.text.starts_with("--").then(|| word.text.split_once('=')).flatten().map(|(_, v)| v)
        });
        let text = text.unwrap_or(&word.text);
        let url = text.contains("://").then(|| Url::of(&amount::expanded(text, told))).flatten()?;
        Some((0, url, word.place.clone()))
    };
    let of_file = |(_, file): (&str, &Text)| {
        let (url, at) = url_in(&file.text)?;
        Some((5, url, place_in(file, at)))
    };
    let found = words.iter().filter_map(of_word).chain(told.values().filter_map(of_variable));
    let found = found.chain(told.files(is_settings).filter_map(of_file));
    found.min_by_key(|(score, ..)| *score).map(|(_, url, place)| (url, place))
}

/// Files that applications take their settings from.
fn is_settings(path: &str) -> bool {
    let ends = [
        ".py",
        ".yml",
        ".yaml",
        ".properties",
        ".json",
        ".toml",
        ".rb",
        ".env",
        ".exs",
        ".xml",
        ".js",
        ".ts",
    ];
    ends.iter().any(|end| path.ends_with(end))
}

/// The first connection string in a text, and its byte.
fn url_in(text: &str) -> Option<(Url, usize)> {
    let outer = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '=' | ',' | ';');
    text.match_indices("://").take(64).find_map(|(at, _)| {
        let begin = text.get(..at)?.rfind(outer).map_or(0, |before| before + 1);
        let rest = text.get(begin..)?;
        let end = rest.find(|c: char| outer(c) && c != '=').unwrap_or(rest.len());
        Some((Url::of(rest.get(..end)?)?, begin))
    })
}

/// How far a variable is from being the one that says where the database is.
fn score(name: &str) -> u32 {
    let upper = name.to_ascii_uppercase();
    let aside = ["REPLICA", "READ", "SHADOW", "TEST", "RESULT", "DIRECT", "MIGRAT", "ADMIN", "CACHE"];
    match upper.as_str() {
        "DATABASE_URL" => 1,
        _ if aside.iter().any(|word| upper.contains(word)) => 4,
        _ if upper.contains("DATABASE") || upper.contains("DATASOURCE") || upper.contains("POSTGRES") => 2,
        _ => 3,
    }
}

fn of_url((url, place): &(Url, Place)) -> Option<Address> {
    Some(Address {
        host: url.host.clone()?,
        port: url.port,
        database: url.database.clone(),
        user: url.user.clone(),
        place: place.clone(),
    })
}

fn of_variables(told: &Told) -> Option<Address> {
    let by_ending =
        || told.values().find(|given| HOST_ENDINGS.iter().any(|ending| given.name.ends_with(ending)));
    let host = told.given(&HOSTS).or_else(by_ending)?;
    let stem =
        ["HOSTNAME", "HOST", "SERVER"].iter().find_map(|end| host.name.strip_suffix(end)).unwrap_or("");
    let word = |ends: &[&str]| {
        let names: Vec<String> = ends.iter().map(|end| format!("{stem}{end}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        told.given(&names).map(|given| amount::expanded(given.text, told))
    };
    let text = amount::expanded(host.text, told);
    let (name, behind) = match text.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => {
            (name.to_owned(), port.parse().ok())
        }
        _ => (text, None),
    };
    // A URL in a host's place may hold a password.
    if name.contains(['@', '/']) && !name.starts_with('/') {
        return None;
    }
    Some(Address {
        host: name,
        port: word(&["PORT"]).and_then(|port| port.parse().ok()).or(behind),
        database: word(&["DATABASE", "NAME", "DB", "DBNAME", "DB_NAME"]),
        user: word(&["USER", "USERNAME"]),
        place: host.place.clone(),
    })
}

/// What kind of database its variables name.
fn kind(told: &Told) -> Proof {
    const OTHERS: [&str; 7] = ["mysql", "mariadb", "sqlite", "mssql", "sqlserver", "oracle", "mongo"];
    const SURE: [&str; 6] = ["PGHOST", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGPASSFILE"];
    let mut hidden = None;
    for (name, variable) in told.variables() {
        let upper = name.to_ascii_uppercase();
        let sure = SURE.contains(&name) || (upper.contains("POSTGRES") && !upper.contains("EXPORTER"));
        let of_database = upper.contains("DB") || upper.contains("DATABASE") || upper.contains("DATASOURCE");
        let Some(value) = variable.value.as_deref().map(str::to_ascii_lowercase) else {
            let says = ["URL", "URI", "DSN", "HOST", "PASSWORD", "PASS", "USER", "CONNECTION_STRING"];
            if sure || (of_database && says.iter().any(|end| upper.ends_with(end))) {
                hidden.get_or_insert(name.to_owned());
            }
            continue;
        };
        let ends = [
            "ENGINE",
            "CONNECTION",
            "TYPE",
            "ADAPTER",
            "DRIVER",
            "DIALECT",
            "CLIENT",
            "KIND",
            "VENDOR",
            "DB",
        ];
        if of_database && ends.iter().any(|end| upper.ends_with(end)) {
            if OTHERS.iter().any(|other| value.contains(other)) {
                return Proof::Other;
            }
            if ["postgres", "pgsql", "psycopg"].iter().any(|ours| value.contains(ours)) {
                return Proof::Shown;
            }
        }
        let other_port =
            upper.ends_with("PORT") && matches!(value.as_str(), "3306" | "27017" | "1433" | "1521");
        if of_database && (other_port || url::is_other(&value)) {
            return Proof::Other;
        }
        if sure && !value.is_empty() {
            return Proof::Shown;
        }
    }
    hidden.map_or(Proof::None, Proof::Hidden)
}

fn application(told: &Told, url: Option<&Url>) -> Option<String> {
    const NAMES: [&str; 5] = [
        "PGAPPNAME",
        "DB_APPLICATION_NAME",
        "DATABASE_APPLICATION_NAME",
        "DB_APP_NAME",
        "POSTGRES_APPLICATION_NAME",
    ];
    let of_url = url.and_then(|url| {
        url.parameter("application_name").or_else(|| url.parameter("fallback_application_name"))
    });
    of_url.or_else(|| told.given(&NAMES).map(|given| given.text)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::testing::container;
    use super::*;

    fn found(environment: &[&str]) -> String {
        let container = container("", &[], environment);
        let findings = RefCell::default();
        let target = target(&Told::new(&container, &findings), &[]);
        let application = target.application.map(|name| format!(" as {name}")).unwrap_or_default();
        let address = target.address.map(|a| {
            let port = a.port.map_or("-".into(), |port| port.to_string());
            format!(
                " {}:{port}/{}@{}",
                a.host,
                a.database.unwrap_or("-".into()),
                a.user.unwrap_or("-".into())
            )
        });
        format!("{:?}{}{application}", target.proof, address.unwrap_or_default())
    }

    #[test]
    fn a_file_of_settings_says_it_too() {
        for (path, text, says) in [
            ("app.yaml", "db:\n  url: \"jdbc:postgresql://db:5432/s\"\n", "Shown Some(\"db\")"),
            ("settings.py", "ENGINE = 'django.db.backends.postgresql'\n", "Shown None"),
            ("app.yaml", "cache: redis://r:6379/0\n", "None None"),
            ("notes.txt", "postgres://db/s", "None None"),
        ] {
            let mut container = container("", &[], &[]);
            container.files.insert(path.into(), Text::new(text, super::super::testing::place()));
            let findings = RefCell::default();
            let target = target(&Told::new(&container, &findings), &[]);
            assert_eq!(format!("{:?} {:?}", target.proof, target.address.map(|to| to.host)), says, "{path}");
        }
    }

    #[test]
    fn settings_say_whom_it_connects_to() {
        for (environment, says) in [
            (
                &["DATABASE_URL=postgres://app:x@db/shop?application_name=api"][..],
                "Shown db:-/shop@app as api",
            ),
            (&["A_REPLICA_URL=postgres://replica/s", "DATABASE_URL=postgres://db/s"], "Shown db:-/s@-"),
            (&["DATABASE_URL=postgres://$(HOST)/s", "HOST=db"], "Shown db:-/s@-"),
            (
                &["PGHOST=db", "PGPORT=6432", "PGUSER=app", "PGDATABASE=shop", "PGAPPNAME=api"],
                "Shown db:6432/shop@app as api",
            ),
            (&["DB_HOST=db", "DB_PORT=5432", "DB_NAME=wall", "DB_USER=wall"], "Shown db:5432/wall@wall"),
            (&["POSTGRES_HOST=db", "POSTGRES_DB=s", "POSTGRES_USER=u"], "Shown db:-/s@u"),
            (&["APP_DB_HOST=db:5433"], "Shown db:5433/-@-"),
            (
                &["SPRING_DATASOURCE_URL=jdbc:postgresql://db:5432/s?ApplicationName=x"],
                "Shown db:5432/s@- as x",
            ),
            (&["ConnectionStrings__Main=Host=db;Database=s;Username=u;Password=p"], "Shown db:-/s@u"),
            (&["POSTGRES_PASSWORD=x"], "Shown"),
            (&["DB_CONNECTION=pgsql"], "Shown"),
            (&["DATABASE_URL=?"], "Hidden(\"DATABASE_URL\")"),
            (&["PGPASSWORD=?"], "Hidden(\"PGPASSWORD\")"),
            (&["DB_HOST=db", "DB_PORT=3306"], "Other"),
            (&["DB_HOST=db", "DB_CONNECTION=mysql"], "Other"),
            (&["DATABASE_URL=mysql://db/s"], "Other"),
            (&["REDIS_URL=redis://r/0", "HOST=0.0.0.0", "PORT=80"], "None"),
            (&["DB_HOST="], "None"),
            (&[], "None"),
        ] {
            assert_eq!(found(environment), says, "{environment:?}");
        }
    }
}
