//! Connection strings, in both forms. Manual: "Connection Strings".

use zeroize::Zeroizing;

use super::error::{Origin, SettingsError};
use super::words::known;

/// Keywords and values in the order they stand.
pub(super) type Pairs = Vec<(&'static str, Zeroizing<String>)>;

/// What to do about a keyword nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It is a mistake.
    Refuse,
    /// It is for somebody else, who reads the same string.
    PassOver,
}

/// Whether libpq would take the text for a connection string; else it is the name of a database.
pub fn is_dsn(text: &str) -> bool {
    scheme(text).is_some() || text.contains('=')
}

/// What follows `postgres://`. A driver's name behind a plus sign is passed over.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let (name, driver) = scheme.split_once('+').unwrap_or((scheme, ""));
    let plain = driver.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (matches!(name, "postgres" | "postgresql") && plain).then_some(rest)
}

/// A URL, and not one of ours: of another database, or misspelled. It may hold a password, so that it is neither a database's
/// name nor to be quoted.
pub(super) fn is_foreign(text: &str) -> bool {
    let begin = text.split('=').next().unwrap_or_default();
    scheme(text).is_none() && begin.contains(":/")
}

/// Reads a connection string.
pub(super) fn parse(text: &str, unknown: Unknown, origin: &Origin) -> Result<Pairs, SettingsError> {
    if text.contains('\0') {
        return Err(SettingsError::new(origin, "there is a zero byte in it", "leave it out"));
    }
    if is_foreign(text) {
        let fix = "write postgres://USER@HOST:PORT/DBNAME, or keyword=value words";
        return Err(SettingsError::new(origin, "this is a URL, and not PostgreSQL's", fix));
    }
    match scheme(text) {
        Some(rest) => Uri { origin, unknown, quotable: !may_hold_secret(text), pairs: Vec::new() }.read(rest),
        None => keywords(text, origin),
    }
}

/// Somewhere in this text stands a password, or what was meant for one.
pub(super) fn may_hold_secret(text: &str) -> bool {
    let login = scheme(text).unwrap_or(text).rsplit_once('@').map_or("", |(login, _)| login);
    login.contains(':') || text.to_ascii_lowercase().contains("passw")
}

/// `postgres://user:password@host:port,host:port/dbname?keyword=value`.
struct Uri<'a> {
    origin: &'a Origin,
    unknown: Unknown,
    quotable: bool,
    pairs: Pairs,
}

impl Uri<'_> {
    fn read(mut self, text: &str) -> Result<Pairs, SettingsError> {
        let login_end = text.find(['@', '/']).filter(|&at| text[at..].starts_with('@'));
        let mut rest = text;
        if let Some(end) = login_end {
            let (user, password) = text[..end].split_once(':').unwrap_or((&text[..end], ""));
            self.some("user", user)?;
            self.some("password", password)?;
            rest = &text[end + 1..];
        }
        rest = self.hosts(rest)?;
        if let Some(path) = rest.strip_prefix('/') {
            let (dbname, query) = path.split_at(path.find('?').unwrap_or(path.len()));
            if dbname.contains('@') {
                return Err(self.refused(
                    "an @ stands behind the first /",
                    "write / as %2F in a user or password, and @ as %40 in a database's name",
                ));
            }
            self.some("dbname", dbname)?;
            rest = query;
        }
        if let Some(query) = rest.strip_prefix('?') {
            self.query(query)?;
        }
        Ok(self.pairs)
    }

    /// The list of hosts; gives what follows it.
    fn hosts<'t>(&mut self, text: &'t str) -> Result<&'t str, SettingsError> {
        let (mut hosts, mut ports) = (String::new(), String::new());
        let mut rest = text;
        loop {
            if let Some(inner) = rest.strip_prefix('[') {
                let (address, after) = inner
                    .split_once(']')
                    .ok_or_else(|| self.refused("an IPv6 address has no ] behind it", "write [::1]:5432"))?;
                if address.is_empty() || !after.is_empty() && !after.starts_with([':', '/', '?', ',']) {
                    return Err(self.refused("what stands around [] is no address", "write [::1]:5432"));
                }
                hosts.push_str(address);
                rest = after;
            } else {
                let end = rest.find([':', '/', '?', ',']).unwrap_or(rest.len());
                hosts.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            if let Some(after) = rest.strip_prefix(':') {
                let end = after.find(['/', '?', ',']).unwrap_or(after.len());
                ports.push_str(&after[..end]);
                rest = &after[end..];
            }
            let Some(next) = rest.strip_prefix(',') else { break };
            hosts.push(',');
            ports.push(',');
            rest = next;
        }
        self.some("host", &hosts)?;
        self.some("port", &ports)?;
        Ok(rest)
    }

    fn query(&mut self, query: &str) -> Result<(), SettingsError> {
        let query = query.strip_suffix('&').unwrap_or(query);
        if query.is_empty() {
            return Ok(());
        }
        for pair in query.split('&') {
            let (name, value) = match pair.split_once('=') {
                Some((name, value)) if !value.contains('=') => (name, value),
                Some(_) => {
                    return Err(self.refused("a parameter has two =", "write = inside a value as %3D"));
                }
                None => {
                    return Err(
                        self.refused("a parameter has no =", "write name=value, and & inside a value as %26")
                    );
                }
            };
            let (name, value) = (self.decode(name)?, self.decode(value)?);
            match (name.as_str(), value.as_str()) {
                ("ssl", "true") => self.pairs.push(("sslmode", Zeroizing::new("require".into()))),
                (name, _) => match known(name, self.quotable, self.origin) {
                    Ok(name) => self.pairs.push((name, value)),
                    Err(_) if self.unknown == Unknown::PassOver => {}
                    Err(refused) => return Err(refused),
                },
            }
        }
        Ok(())
    }

    /// Takes a part that says something.
    fn some(&mut self, keyword: &'static str, text: &str) -> Result<(), SettingsError> {
        if !text.is_empty() {
            let value = self.decode(text)?;
            self.pairs.push((keyword, value));
        }
        Ok(())
    }

    fn refused(&self, problem: &str, fix: &str) -> SettingsError {
        SettingsError::new(self.origin, problem, fix)
    }

    /// Undoes `%41`.
    fn decode(&self, text: &str) -> Result<Zeroizing<String>, SettingsError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (Some(high), Some(low)) = (digit(), digit()) else {
                return Err(self.refused(
                    "there is a % that two hexadecimal digits do not follow",
                    "write %25 for a percent sign itself",
                ));
            };
            bytes.push((high * 16 + low) as u8);
        }
        if bytes.contains(&0) {
            return Err(self.refused("there is a zero byte in it (%00)", "leave it out"));
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(self.refused("a part is not UTF-8", "encode it as UTF-8 before writing it with %")),
        }
    }
}

/// `host=db user='a b'`.
fn keywords(text: &str, origin: &Origin) -> Result<Pairs, SettingsError> {
    let quotable = !may_hold_secret(text);
    let refused = |problem: &str, fix: &str| SettingsError::new(origin, problem, fix);
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start_matches(blank);
    while !rest.is_empty() {
        let end = rest.find(|c| c == '=' || blank(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        let Some(value) = rest[end..].trim_start_matches(blank).strip_prefix('=') else {
            return Err(refused(
                "a word has no = behind it",
                "write keyword=value, and a value with spaces between quotes: password='two words'",
            ));
        };
        let (value, after) = match value.trim_start_matches(blank) {
            quoted if quoted.starts_with('\'') => quoted_value(&quoted[1..]).ok_or_else(|| {
                refused("a quote is not closed", "write ' behind the value, and \\' inside")
            })?,
            bare => bare_value(bare),
        };
        pairs.push((known(name, quotable, origin)?, value));
        rest = after.trim_start_matches(blank);
    }
    Ok(pairs)
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Up to a blank; a backslash keeps the next character as it is.
fn bare_value(text: &str) -> (Zeroizing<String>, &str) {
    let mut value = Zeroizing::new(String::new());
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, kept)| kept)),
            c if blank(c) => return (value, &text[at..]),
            c => value.push(c),
        }
    }
    (value, "")
}

/// Up to the closing quote; `None` where there is none.
fn quoted_value(text: &str) -> Option<(Zeroizing<String>, &str)> {
    let mut value = Zeroizing::new(String::new());
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '\'' => return Some((value, &text[at + 1..])),
            c => value.push(c),
        }
    }
    None
}
