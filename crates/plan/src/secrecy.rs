//! What of a secret may be told: counts and names, addresses without their passwords, a pooler's file without them; and
//! which lines of a file may hold one.

mod lines;

pub(crate) use lines::{may_hold_secret, secret_lines};

/// Parts of names of what must not be told. One is enough.
const PASSWORDS: [&str; 22] = [
    "pass",
    "passwd",
    "password",
    "passphrase",
    "pwd",
    "pw",
    "secret",
    "secrets",
    "token",
    "key",
    "keys",
    "credential",
    "credentials",
    "auth",
    "cert",
    "private",
    "salt",
    "hash",
    "dsn",
    "url",
    "uri",
    "jdbc",
];

/// Parts of names of counts, switches and addresses.
const HARMLESS: [&str; 46] = [
    "max",
    "min",
    "size",
    "count",
    "conns",
    "connections",
    "pool",
    "overflow",
    "workers",
    "worker",
    "threads",
    "thread",
    "processes",
    "concurrency",
    "limit",
    "timeout",
    "age",
    "replicas",
    "instances",
    "idle",
    "recycle",
    "lifetime",
    "host",
    "hostname",
    "port",
    "user",
    "username",
    "name",
    "database",
    "dbname",
    "schema",
    "mode",
    "env",
    "debug",
    "level",
    "sslmode",
    "pghost",
    "pgport",
    "pguser",
    "pgdatabase",
    "pgsslmode",
    "region",
    "engine",
    "adapter",
    "driver",
    "locale",
];

/// Whether the names of a secret's key and of the variable that takes it show that the value is no password.
pub(crate) fn is_harmless(key: &str, variable: &str) -> bool {
    let (key, variable) = (words(key), words(variable));
    let any = |names: &[&str], words: &[String]| words.iter().any(|word| names.contains(&word.as_str()));
    let telling =
        |words: &[String]| words.iter().any(|word| word.contains("pass") || word.contains("secret"));
    let hidden = |words: &[String]| any(&PASSWORDS, words) || telling(words);
    !hidden(&key) && !hidden(&variable) && any(&HARMLESS, &key) && any(&HARMLESS, &variable)
}

/// The words of a name in small letters: of `DB_MAX_CONNS`, `db.max-conns` and `dbMaxConns` the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (lower && c.is_uppercase()) {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// An address of PostgreSQL without its password; nothing if it is none, or if a password may be left in it.
pub(crate) fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.trim().split_once("://")?;
    let known = scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | ':'))
        && ["postg", "psql", "pgsql"].iter().any(|name| scheme.contains(name));
    if !known || rest.contains(char::is_whitespace) {
        return None;
    }
    let (user, server) = match rest.split_once('@') {
        Some((_, server)) if server.contains('@') => return None,
        Some((login, server)) => (Some(login.split_once(':').map_or(login, |(user, _)| user)), server),
        None => (None, rest),
    };
    let small = server.to_ascii_lowercase();
    if ["pass", "pwd", "secret", "token", "key", "cert"].iter().any(|word| small.contains(word)) {
        return None;
    }
    Some(match user {
        Some(user) => format!("{scheme}://{user}@{server}"),
        None => format!("{scheme}://{server}"),
    })
}

/// The text of a pooler's file with every password in it replaced. Lines that hold one in another way are emptied.
pub(crate) fn ini_without_passwords(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(line_without_password).collect();
    lines.join("\n")
}

fn line_without_password(line: &str) -> String {
    // Lower-casing ASCII alone keeps every byte where it is.
    let small = line.to_ascii_lowercase();
    let Some(at) = small.find("password") else {
        let hides = ["pass", "secret", "://", "scram-sha", "md5"].iter().any(|sign| small.contains(sign));
        let setting = small.split_once('=').map_or("", |(name, _)| name.trim());
        let known = setting.starts_with("auth_") && !small.contains("://");
        return if hides && !known { String::new() } else { line.to_owned() };
    };
    let (before, rest) = line.split_at(at);
    let Some(value) = rest.get("password".len()..).and_then(|rest| rest.trim_start().strip_prefix('='))
    else {
        return String::new();
    };
    let value = value.trim_start();
    let end = if value.starts_with('\'') {
        quoted_end(value)
    } else {
        value.find(char::is_whitespace).or(Some(value.len()))
    };
    let after =
        end.and_then(|end| value.get(end..)).filter(|after| !after.to_ascii_lowercase().contains("pass"));
    after.map_or_else(String::new, |after| format!("{before}password=***{after}"))
}

/// Where a word in single quotes ends; a doubled quote in it is one of its letters.
fn quoted_end(value: &str) -> Option<usize> {
    let mut from = 1;
    loop {
        let at = from + value.get(from..)?.find('\'')?;
        if value.get(at + 1..)?.starts_with('\'') {
            from = at + 2;
        } else {
            return Some(at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whether_a_secret_is_a_password() {
        for name in ["DB_MAX_CONNS", "WEB_CONCURRENCY", "dbPoolSize", "pool.max-size", "PGHOST", "DB_USER"] {
            assert!(is_harmless(name, name), "{name}");
        }
        for name in [
            "DB_PASSWORD",
            "PGPASSWORD",
            "DATABASE_URL",
            "API_KEY",
            "MAX_TOKEN",
            "DB_PASS_MAX",
            "DB",
            "userpass",
            "",
        ] {
            assert!(!is_harmless(name, name), "{name}");
        }
        assert!(!is_harmless("password", "DB_MAX_CONNS"));
        assert!(!is_harmless("DB_MAX_CONNS", "DB_PASSWORD"));
    }

    #[test]
    fn an_address_is_told_without_its_password() {
        let told = |text| without_password(text);
        assert_eq!(
            told("postgres://app:s3cr3t/x@pg:5432/shop?connection_limit=5").as_deref(),
            Some("postgres://app@pg:5432/shop?connection_limit=5")
        );
        assert_eq!(
            told("postgresql+asyncpg://app:x@pg/shop").as_deref(),
            Some("postgresql+asyncpg://app@pg/shop")
        );
        assert_eq!(told("jdbc:postgresql://pg:5432/shop").as_deref(), Some("jdbc:postgresql://pg:5432/shop"));
        for text in [
            "s3cr3t",
            "redis://:s3cr3t@redis/0",
            "postgres://app:s3@cr3t@pg/shop",
            "jdbc:postgresql://pg/shop?user=app&password=s3cr3t",
            "host=pg password=s3cr3t",
            "postgres://pg/shop?sslpassword=s3cr3t",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn a_pooler_s_file_is_told_without_passwords() {
        let text = "[databases]\nshop = host=pg password=s3cr3t pool_size=20\nb = host=pg password = 'it''s x' port=1\n\
                    c = host=pg password='open\nd = postgres://u:s3cr3t@pg\n[pgbouncer]\nauth_type = scram-sha-256\n\
                    default_pool_size = 20\n;passphrase x";
        assert_eq!(
            ini_without_passwords(text),
            "[databases]\nshop = host=pg password=*** pool_size=20\nb = host=pg password=*** port=1\n\n\n[pgbouncer]\n\
             auth_type = scram-sha-256\ndefault_pool_size = 20\n"
        );
        assert_eq!(line_without_password("a = password=x password=y"), "");
        assert_eq!(line_without_password("a = password"), "");
    }
}
