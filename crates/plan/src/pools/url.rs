//! A connection string of any of the usual kinds, taken apart. Its password is read over and never kept.

/// What a connection string says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    /// How it is written: `postgresql+asyncpg`, `jdbc:postgresql`; empty for `key=value` pairs.
    pub(super) scheme: String,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) user: Option<String>,
    /// Parameters: names in small letters, without blanks and underscores (`maximumpoolsize`, `connectionlimit`).
    pub(super) parameters: Vec<(String, String)>,
}

/// Schemes of PostgreSQL, without what follows a plus sign.
const SCHEMES: [&str; 10] = [
    "postgres",
    "postgresql",
    "postgis",
    "pgsql",
    "psql",
    "ecto",
    "asyncpg",
    "psycopg",
    "timescale",
    "timescaledb",
];

/// Schemes of other databases.
const OTHERS: [&str; 12] = [
    "mysql",
    "mysql2",
    "mariadb",
    "sqlite",
    "sqlite3",
    "mongodb",
    "mssql",
    "sqlserver",
    "oracle",
    "file",
    "clickhouse",
    "cockroachdb",
];

impl Url {
    /// Reads a connection string of a PostgreSQL.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.split_once("://") {
            Some((scheme, rest)) if is_ours(scheme) => Some(Self::of_url(scheme, rest)),
            Some(_) => None,
            None => Self::of_pairs(text),
        }
    }

    /// The value of a parameter, whatever the spelling of its name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let name = plain(name);
        self.parameters.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    fn of_url(scheme: &str, rest: &str) -> Self {
        // A password may hold a question mark, though it should not: the login ends at the last @ before the path.
        let path = rest.find('/').unwrap_or(rest.len());
        let (login, rest) = match rest[..path].rfind('@') {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => ("", rest),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, place) = match rest.rsplit_once('@') {
            Some((more, place)) if login.is_empty() => (more, place),
            _ => (login, rest),
        };
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        let (host, port) = host_port(hosts.split(',').next().unwrap_or(""));
        let mut url = Self {
            scheme: scheme.to_ascii_lowercase(),
            host: some(decoded(host)),
            port: port.parse().ok(),
            database: some(decoded(database.split(['/', '#']).next().unwrap_or(""))),
            user: some(decoded(login.split(':').next().unwrap_or(""))),
            parameters: Vec::new(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            url.set(key, &decoded(value));
        }
        url
    }

    /// `Host=db;Username=app;Maximum Pool Size=20` and `host=db user=app dbname=shop`.
    fn of_pairs(text: &str) -> Option<Self> {
        let mut url = Self::default();
        let semicolons = text.contains(';');
        let pairs: Vec<&str> = match semicolons {
            true => text.split(';').collect(),
            false => text.split_whitespace().collect(),
        };
        for pair in pairs.iter().filter(|pair| !pair.trim().is_empty()) {
            let (key, value) = pair.split_once('=')?;
            url.set(key, value.trim().trim_matches(['\'', '"']));
        }
        let other =
            url.parameter("initial catalog").is_some() || url.parameter("trusted_connection").is_some();
        let named = url.user.is_some() || url.database.is_some();
        (url.host.is_some() && named && !other && pairs.len() > 1).then_some(url)
    }

    fn set(&mut self, key: &str, value: &str) {
        let key = plain(key);
        match key.as_str() {
            "host" | "server" | "hostaddr" => {
                let (host, port) = host_port(value.split(',').next().unwrap_or(""));
                self.host = some(host.to_owned());
                self.port = port.parse().ok().or(self.port);
            }
            "port" => self.port = value.parse().ok(),
            "database" | "dbname" | "db" => self.database = some(value.to_owned()),
            "user" | "username" | "userid" | "uid" => self.user = some(value.to_owned()),
            "password" | "pwd" | "passwd" | "sslpassword" | "passfile" => {}
            _ => self.parameters.push((key, value.to_owned())),
        }
    }
}

/// Whether a text is the URL of another kind of database.
pub(super) fn is_other(text: &str) -> bool {
    let scheme = text.trim().trim_start_matches("jdbc:").split(':').next().unwrap_or("");
    let scheme = scheme.split('+').next().unwrap_or("");
    OTHERS.contains(&scheme.to_ascii_lowercase().as_str())
}

fn is_ours(scheme: &str) -> bool {
    let scheme = scheme.to_ascii_lowercase();
    let scheme = scheme.rsplit(':').next().unwrap_or("");
    SCHEMES.contains(&scheme.split('+').next().unwrap_or(""))
}

fn host_port(text: &str) -> (&str, &str) {
    match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or("")),
        None if text.starts_with('/') => (text, ""),
        None => text.rsplit_once(':').unwrap_or((text, "")),
    }
}

fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).collect::<String>().to_ascii_lowercase()
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Undoes `%41`. What is no such escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let value = digits.filter(|_| byte == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(value.unwrap_or(byte));
        rest = if value.is_some() { after.get(2..).unwrap_or(&[]) } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        let Some(url) = Url::of(text) else { return "none".into() };
        let word = |word: &Option<String>| word.clone().unwrap_or("-".into());
        let port = url.port.map_or("-".into(), |port| port.to_string());
        let parameters: String =
            url.parameters.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        format!(
            "{} {}:{port} {} {}{parameters}",
            url.scheme,
            word(&url.host),
            word(&url.database),
            word(&url.user)
        )
    }

    #[test]
    fn a_connection_string_is_taken_apart() {
        for (text, parts) in [
            ("postgres://app:geheim@db:5433/shop", "postgres db:5433 shop app"),
            ("postgresql+asyncpg://app:a@b@db/shop?ssl=1", "postgresql+asyncpg db:- shop app ssl=1"),
            ("postgres://db", "postgres db:- - -"),
            ("postgres:///shop?host=/run/postgresql", "postgres /run/postgresql:- shop -"),
            ("postgres://a@[::1]:6432/s", "postgres ::1:6432 s a"),
            ("postgres://a@h1:1,h2:2/s", "postgres h1:1 s a"),
            ("postgres://a%40b:x@db/s%20t", "postgres db:- s t a@b"),
            (
                "postgres://a@db/s?connection_limit=5&pool_timeout=2",
                "postgres db:- s a connectionlimit=5 pooltimeout=2",
            ),
            (
                "jdbc:postgresql://db:5432/s?user=a&ApplicationName=x",
                "jdbc:postgresql db:5432 s a applicationname=x",
            ),
            ("vertx-reactive:postgresql://db/s", "vertx-reactive:postgresql db:- s -"),
            (
                "Host=db;Port=5432;Database=s;Username=a;Password=x;Maximum Pool Size=20",
                " db:5432 s a maximumpoolsize=20",
            ),
            (
                "host=db port=5432 user=a dbname=s password='x' pool_max_conns=7",
                " db:5432 s a poolmaxconns=7",
            ),
            ("mysql://a@db/s", "none"),
            ("redis://cache:6379/0", "none"),
            ("Server=db;Initial Catalog=s;User Id=sa", "none"),
            ("a=b", "none"),
            ("host=db", "none"),
            ("plain words", "none"),
            ("", "none"),
        ] {
            assert_eq!(shown(text), parts, "{text}");
        }
    }

    #[test]
    fn a_password_is_not_kept() {
        for text in [
            "postgres://a:geheim@db/s?password=geheim",
            "Host=db;Username=a;Pwd=geheim",
            "host=db user=a password=geheim",
        ] {
            assert!(!format!("{:?}", Url::of(text)).contains("geheim"), "{text}");
        }
    }

    #[test]
    fn another_database_is_known_by_its_scheme() {
        assert!(is_other("mysql://a@db/s"));
        assert!(is_other("jdbc:mysql://db/s"));
        assert!(is_other("sqlite:///db.sqlite3"));
        assert!(!is_other("postgres://db"));
        assert!(!is_other("https://x"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(postgres://)?[a-z%:@/?&=;,#é\\[\\] ]{0,60}") {
            Url::of(&text);
            is_other(&text);
        }
    }
}
