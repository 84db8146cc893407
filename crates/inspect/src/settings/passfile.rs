//! The password file: `host:port:database:user:password`. Manual: "The Password File".

use std::path::PathBuf;

use wire::auth::secret::Password;
use zeroize::Zeroizing;

use super::environment::{Environment, File};
use super::hosts::Host;
use super::words::Words;

/// What the file says.
pub(super) struct Filed {
    /// A password for each host.
    pub(super) passwords: Vec<Option<Password>>,
    /// Where it was looked and why nothing was found, if nothing was.
    pub(super) looked: Option<String>,
    /// What hinders the file from being read.
    pub(super) warning: Option<String>,
}

/// Asks the password file for each host.
pub(super) fn read(
    words: &Words,
    environment: &dyn Environment,
    hosts: &[Host],
    user: &str,
    dbname: &str,
) -> Filed {
    let none = Filed { passwords: vec![None; hosts.len()], looked: None, warning: None };
    let own = || environment.home().map(|home| home.join(".pgpass"));
    let Some(path) = words.text("passfile").map(PathBuf::from).or_else(own) else { return none };
    let shown = path.display();
    match environment.file(&path) {
        File::Absent => Filed { looked: Some(format!("{shown} (not there)")), ..none },
        File::Unusable(why) => Filed {
            looked: Some(format!("{shown} ({why})")),
            warning: Some(format!("password file \"{shown}\" cannot be read: {why}")),
            ..none
        },
        File::Text { open: true, .. } => Filed {
            looked: Some(format!("{shown} (not read: chmod 600 it)")),
            warning: Some(format!(
                "password file \"{shown}\" has group or world access; permissions should be u=rw (0600) or less"
            )),
            ..none
        },
        File::Text { text, open: false } => {
            let one = |host: &Host| {
                let port = host.port.to_string();
                find(&text, Wanted { host: &host.known_as, port: &port, dbname, user })
            };
            let passwords: Vec<Option<Password>> = hosts.iter().map(one).collect();
            let first = hosts.first().filter(|_| passwords.iter().all(Option::is_none));
            let looked = first.map(|host| {
                format!("{shown} (no line fits {}:{}:{dbname}:{user})", host.known_as, host.port)
            });
            Filed { passwords, looked, warning: None }
        }
    }
}

/// What a line has to fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// The password of the first line that fits.
pub(super) fn find(text: &str, wanted: Wanted<'_>) -> Option<Password> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for value in [wanted.host, wanted.port, wanted.dbname, wanted.user] {
            rest = behind(rest, value)?;
        }
        let password = plain(rest);
        (!password.is_empty()).then(|| Password::new(password.as_bytes()))
    })
}

/// What stands behind a field and its colon, where the field is `*` or this value.
fn behind<'a>(line: &'a str, value: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut wanted = value.chars();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        let c = match c {
            ':' => return wanted.next().is_none().then(|| &line[at + 1..]),
            '\\' => chars.next()?.1,
            c => c,
        };
        if wanted.next() != Some(c) {
            return None;
        }
    }
    None
}

/// Without the backslashes.
fn plain(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let wanted = Wanted { host: "db", port: "5432", dbname: "a:b", user: "us\\er" };
        find(text, wanted).map(|password| String::from_utf8_lossy(password.reveal()).into_owned())
    }

    #[test]
    fn the_first_line_that_fits_is_taken() {
        let text = "# db:5432:*:*:comment\nother:*:*:*:no\ndb:5433:*:*:no\ndb:5432:a\\:b:us\\\\er:p\\:w\\\\d\n*:*:*:*:late\n";
        assert_eq!(found(text).as_deref(), Some("p:w\\d"));
        assert_eq!(found("*:*:*:*:any:thing").as_deref(), Some("any:thing"));
    }

    #[test]
    fn a_star_is_the_whole_field_and_a_line_without_five_fields_is_none() {
        for text in ["d*:*:*:*:x", "db:5432:*", "db", "", "db:5432:*:*:", "db\\", "*:*:*:**:x"] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
