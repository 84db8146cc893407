//! `options` of the startup packet: a command line, of which only settings are taken.
//!
//! PostgreSQL also takes old one-letter switches there (`-e`, `-S 100`, ...). A pooler could not replay them, so they
//! are refused by name instead of being dropped.

use super::SETTINGS_MAX;
use crate::sqlstate::SqlState;
use thiserror::Error;

/// A setting's name and its value.
pub type Setting = (Vec<u8>, Vec<u8>);

/// Why `options` are refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// Not `-c` nor `--name=value`.
    #[error("invalid command-line argument for server process: {switch}")]
    Unknown {
        /// The word as it stood there.
        switch: String,
    },
    /// A name without `=`.
    #[error("{switch} requires a value")]
    NoValue {
        /// The switch with its name.
        switch: String,
    },
    /// `=` without a name.
    #[error("unrecognized configuration parameter \"\"")]
    NoName,
    /// More than [`SETTINGS_MAX`] settings.
    #[error("options have more than {settings_max} settings")]
    TooMany {
        /// The limit.
        settings_max: usize,
    },
}

impl OptionsError {
    /// The code that a client is told.
    pub const fn code(&self) -> SqlState {
        match self {
            Self::Unknown { .. } | Self::NoValue { .. } => SqlState::SYNTAX_ERROR,
            Self::NoName => SqlState::UNDEFINED_OBJECT,
            Self::TooMany { .. } => SqlState::PROGRAM_LIMIT_EXCEEDED,
        }
    }
}

/// Reads `-c name=value`, `-cname=value` and `--name=value`. Dashes in a name stand for underscores. A word ends at a
/// blank; a backslash takes the next byte as it is. Each name comes once, with its last value.
///
/// # Errors
/// Any other switch or word, a name without value, a value without name.
pub fn parse_options(text: &[u8]) -> Result<Vec<Setting>, OptionsError> {
    let mut settings: Vec<Setting> = Vec::new();
    let mut rest = text;
    let mut only_words = false;
    while let Some(word) = next_word(&mut rest) {
        let setting = match word.strip_prefix(b"-") {
            Some(b"-") if !only_words => {
                only_words = true;
                continue;
            }
            Some(b"c") if !only_words => {
                let argument = next_word(&mut rest).ok_or_else(|| unknown(&word))?;
                assignment("-c ", &argument)?
            }
            Some([b'c', argument @ ..]) if !only_words => assignment("-c ", argument)?,
            Some([b'-', argument @ ..]) if !only_words => assignment("--", argument)?,
            _ => return Err(unknown(&word)),
        };
        settings.retain(|(earlier, _)| !earlier.eq_ignore_ascii_case(&setting.0));
        if settings.len() == SETTINGS_MAX {
            return Err(OptionsError::TooMany { settings_max: SETTINGS_MAX });
        }
        settings.push(setting);
    }
    Ok(settings)
}

fn unknown(word: &[u8]) -> OptionsError {
    OptionsError::Unknown { switch: shown(word) }
}

/// The beginning of a word, to be quoted in an error.
fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word.get(..63).unwrap_or(word)).into_owned()
}

fn assignment(switch: &str, text: &[u8]) -> Result<Setting, OptionsError> {
    let mut parts = text.splitn(2, |b| *b == b'=');
    let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
        return Err(OptionsError::NoValue { switch: format!("{switch}{}", shown(text)) });
    };
    if name.is_empty() {
        return Err(OptionsError::NoName);
    }
    let name = name.iter().map(|b| if *b == b'-' { b'_' } else { *b }).collect();
    Ok((name, value.to_vec()))
}

/// What C calls a space.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Takes a word off the front of `rest`, its escapes resolved. A backslash at the very end stands for nothing.
fn next_word(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let start = rest.iter().position(|b| !is_blank(*b))?;
    let mut bytes = rest.get(start..)?.iter();
    let mut word = Vec::new();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => word.extend(bytes.next()),
            blank if is_blank(blank) => break,
            other => word.push(other),
        }
    }
    *rest = bytes.as_slice();
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let string = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
        match parse_options(text.as_bytes()) {
            Ok(settings) => Ok(settings.into_iter().map(|(n, v)| (string(n), string(v))).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn settings_have_three_spellings() {
        let expected = |list: &[(&str, &str)]| {
            Ok(list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
        };
        assert_eq!(read("-c a=1 -cb=2 --c=3"), expected(&[("a", "1"), ("b", "2"), ("c", "3")]));
        assert_eq!(read(""), expected(&[]));
        assert_eq!(read(" \t\n --  "), expected(&[]));
        assert_eq!(read("--work-mem=1-2 -c x-y=-z"), expected(&[("work_mem", "1-2"), ("x_y", "-z")]));
        assert_eq!(read("-c a="), expected(&[("a", "")]));
        assert_eq!(read("-c a=b=c"), expected(&[("a", "b=c")]));
        assert_eq!(read(r"-c\ a=1"), expected(&[(" a", "1")]));
        assert_eq!(read("-c a=1 -c A=2"), expected(&[("A", "2")]));
    }

    #[test]
    fn a_backslash_takes_the_next_byte_as_it_is() {
        let value = |text: &str| read(text).map(|list| list.into_iter().next().map(|(_, v)| v));
        assert_eq!(value(r"-c a=x\ y"), Ok(Some("x y".to_owned())));
        assert_eq!(value(r"-c a=x\\ -c b=1"), Ok(Some(r"x\".to_owned())));
        assert_eq!(value(r"-c a=x\"), Ok(Some("x".to_owned())));
        assert_eq!(
            value("-c a=x\\\ny\x0bz"),
            Err("invalid command-line argument for server process: z".into())
        );
    }

    #[test]
    fn what_is_no_setting_is_refused_by_name() {
        for word in ["-e", "-S", "foo", "-", "-x=1"] {
            let error = format!("invalid command-line argument for server process: {word}");
            assert_eq!(read(&format!("-c a=1 {word}")), Err(error));
        }
        assert_eq!(read("-c"), Err("invalid command-line argument for server process: -c".into()));
        assert_eq!(read("-- --a=1"), Err("invalid command-line argument for server process: --a=1".into()));
        assert_eq!(read("-c a"), Err("-c a requires a value".into()));
        assert_eq!(read("--a"), Err("--a requires a value".into()));
        assert_eq!(read("-c =x"), Err("unrecognized configuration parameter \"\"".into()));
    }

    #[test]
    fn the_number_of_settings_is_limited() {
        let text = |count: usize| (0..count).map(|i| format!("-ca{i}= ")).collect::<String>();
        assert_eq!(read(&text(SETTINGS_MAX)).map(|l| l.len()), Ok(SETTINGS_MAX));
        assert_eq!(read(&text(SETTINGS_MAX + 1)), Err("options have more than 256 settings".into()));
    }
}
