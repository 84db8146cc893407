//! PgBouncer's `auth_file`: one user a line, `"name" "secret"`.
//!
//! What follows the secret on its line is ignored. `""` inside of quotes is a quote. Lines that begin with `;` and
//! blank lines are skipped. Where a name comes twice, the later line counts.

use crate::auth::secret::{Secret, SecretError};
use crate::startup::IDENTITY_BYTES_MAX;
use thiserror::Error;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The user's name; never empty.
    pub user: Vec<u8>,
    /// `None` for `""`: the user is known and has no password.
    pub secret: Option<Secret>,
    /// Its place in the file, from 1.
    pub line: usize,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {mistake}")]
pub struct UserlistError {
    /// Its place in the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub mistake: Mistake,
}

/// See [`UserlistError`]. Never quotes the line, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Mistake {
    /// No quote where a text should begin.
    #[error("the {field} has to stand in double quotes")]
    NoQuote {
        /// `user name` or `secret`.
        field: &'static str,
    },
    /// The line ends inside of quotes.
    #[error("the {field} has no closing quote")]
    Unclosed {
        /// `user name` or `secret`.
        field: &'static str,
    },
    /// `""` as a name.
    #[error("the user name is empty")]
    NoName,
    /// More than [`IDENTITY_BYTES_MAX`].
    #[error("the user name has {bytes} bytes; the limit is {bytes_max}")]
    NameTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A NUL in a name.
    #[error("the user name has a NUL byte")]
    Nul,
    /// The second text is no secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Reads a whole file.
///
/// # Errors
/// All lines that are wrong.
pub fn parse(text: &[u8]) -> Result<Vec<Entry>, Vec<UserlistError>> {
    let mut entries = Vec::new();
    let mut errors = Vec::new();
    for (line, text) in (1..).zip(text.split(|b| *b == b'\n')) {
        match text.trim_ascii_start() {
            [] | [b';', ..] => {}
            text => match entry(text) {
                Ok((user, secret)) => entries.push(Entry { user, secret, line }),
                Err(mistake) => errors.push(UserlistError { line, mistake }),
            },
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

fn entry(text: &[u8]) -> Result<(Vec<u8>, Option<Secret>), Mistake> {
    let (user, rest) = quoted(text, "user name")?;
    if user.is_empty() {
        return Err(Mistake::NoName);
    }
    if user.contains(&0) {
        return Err(Mistake::Nul);
    }
    if user.len() > IDENTITY_BYTES_MAX {
        return Err(Mistake::NameTooLong { bytes: user.len(), bytes_max: IDENTITY_BYTES_MAX });
    }
    let (secret, _) = quoted(rest.trim_ascii_start(), "secret")?;
    let secret = zeroize::Zeroizing::new(secret);
    let secret = if secret.is_empty() { None } else { Some(Secret::parse(&secret)?) };
    Ok((user, secret))
}

/// A text in quotes, its doubled quotes halved, and what follows it.
fn quoted<'a>(text: &'a [u8], field: &'static str) -> Result<(Vec<u8>, &'a [u8]), Mistake> {
    let mut rest = text.strip_prefix(b"\"").ok_or(Mistake::NoQuote { field })?;
    // Never grows, so no copy of a password is left behind.
    let mut value = Vec::with_capacity(rest.len());
    loop {
        let end = memchr::memchr(b'"', rest).ok_or(Mistake::Unclosed { field })?;
        let (part, more) = rest.split_at_checked(end).ok_or(Mistake::Unclosed { field })?;
        value.extend_from_slice(part);
        match more {
            [b'"', b'"', more @ ..] => {
                value.push(b'"');
                rest = more;
            }
            _ => return Ok((value, more.get(1..).unwrap_or_default())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::secret::Password;

    fn plain(password: &str) -> Option<Secret> {
        Some(Secret::Plain(Password::new(password)))
    }

    fn read(text: &str) -> Vec<(String, Option<Secret>, usize)> {
        let name = |entry: &Entry| String::from_utf8_lossy(&entry.user).into_owned();
        let entries = parse(text.as_bytes()).expect("the file is right");
        entries.into_iter().map(|entry| (name(&entry), entry.secret, entry.line)).collect()
    }

    #[test]
    fn users_and_secrets_stand_in_quotes_and_the_rest_is_ignored() {
        let text = "; a comment\n\n\"alice\" \"secret\" {more} \"x\"\r\n  \"bob\"\t\"\"\n \t\n\"eve\"\"x\"";
        // The last line is a name with a quote in it, and no secret.
        assert!(parse(text.as_bytes()).is_err());
        let text = &text[..text.len() - 8];
        let expected = [("alice".to_owned(), plain("secret"), 3), ("bob".to_owned(), None, 4)];
        assert_eq!(read(text), expected);
    }

    #[test]
    fn a_doubled_quote_is_a_quote() {
        assert_eq!(read(r#""a""b" "c""""d""#), [(r#"a"b"#.to_owned(), plain(r#"c""d"#), 1)]);
        assert_eq!(read(r#""a" """""#), [("a".to_owned(), plain("\""), 1)]);
    }

    #[test]
    fn stored_hashes_are_known_by_their_form() {
        let entries = parse(b"\"a\" \"md54a0a68b43b6cd5cf266fa02f196e2371\"").expect("the file is right");
        assert!(matches!(entries[..], [Entry { secret: Some(Secret::Md5(_)), .. }]));
    }

    #[test]
    fn all_mistakes_are_reported_with_their_lines_and_without_their_text() {
        let long = format!("\"{}\" \"x\"", "u".repeat(IDENTITY_BYTES_MAX + 1));
        let text = format!(
            "alice \"hunter2\"\n\"a\" hunter2\n\"a\" \"hunter2\n\"\" \"x\"\n\"ok\" \"x\"\n{long}\n\
             \"a\0\" \"x\"\n\"a\" \"SCRAM-SHA-256$hunter2\"\n\"a\n"
        );
        let errors = parse(text.as_bytes()).expect_err("the file is wrong");
        let lines: Vec<usize> = errors.iter().map(|e| e.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 6, 7, 8, 9]);
        let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(shown[0], "line 1: the user name has to stand in double quotes");
        assert_eq!(shown[2], "line 3: the secret has no closing quote");
        assert!(shown.iter().all(|text| !text.contains("hunter2")), "{shown:?}");
    }
}
