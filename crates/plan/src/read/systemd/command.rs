//! Command lines of units: quotes, prefixes, variables. Specifiers (`%i`) stay as they are.

use super::unit::Value;
use super::{UNREADABLE, UNSEEN};
use crate::read::findings::Findings;
use crate::{Container, Finding, Place, Text};

/// One word of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Without quotes and escapes.
    pub text: String,
    /// The byte of the value it begins at.
    pub begin: usize,
}

/// How many words of a value are read.
const WORDS_MAX: usize = 10_000;

/// Variables systemd sets by itself, to values no file shows.
const SET_BY_SYSTEMD: [&str; 15] = [
    "CACHE_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "HOME",
    "INVOCATION_ID",
    "LANG",
    "LOGNAME",
    "LOGS_DIRECTORY",
    "MAINPID",
    "PATH",
    "RUNTIME_DIRECTORY",
    "SHELL",
    "STATE_DIRECTORY",
    "SYSTEMD_EXEC_PID",
    "USER",
];

/// The words a command line runs, variables filled in from what the unit is told.
pub(super) fn words(value: &Value, told: &Container, findings: &mut Findings) -> Vec<Text> {
    let mut words = split(value, findings).into_iter();
    let Some(mut program) = words.next() else { return Vec::new() };
    let bare = program.text.trim_start_matches(['@', '-', ':', '+', '!']);
    let prefixes = program.text[..program.text.len() - bare.len()].to_owned();
    program.begin += prefixes.len();
    program.text = bare.into();
    let mut command = vec![Text::new(program.text, value.place(program.begin))];
    if prefixes.contains('@') {
        // What the program is to be called follows, and is no argument.
        words.next();
    }
    let mut bytes_left = GROWTH_MAX;
    for word in words {
        let place = value.place(word.begin);
        if prefixes.contains(':') {
            command.push(Text::new(word.text, place));
            continue;
        }
        let alone = word.text.strip_prefix('$').filter(|name| is_name(name));
        match alone.map(|name| look(name, told)) {
            Some(Look::Value(text)) if text.len() <= bytes_left => {
                bytes_left -= text.len();
                command.extend(text.split_whitespace().map(|part| Text::new(part, place.clone())));
            }
            Some(Look::Value(_)) => {}
            Some(Look::Unset) => unset(alone.unwrap_or_default(), &place, findings),
            Some(Look::Unseen) => command.push(Text::new(word.text, place)),
            None => {
                let text = filled(&word.text, told, &place, &mut bytes_left, findings);
                command.push(Text::new(text, place));
            }
        }
    }
    command
}

enum Look<'c> {
    Value(&'c str),
    /// It is set by something no file shows.
    Unseen,
    Unset,
}

fn look<'c>(name: &str, told: &'c Container) -> Look<'c> {
    match told.environment.get(name) {
        Some(variable) => variable.value.as_deref().map_or(Look::Unseen, Look::Value),
        None if !told.unseen.is_empty() || SET_BY_SYSTEMD.contains(&name) => Look::Unseen,
        None => Look::Unset,
    }
}

fn unset(name: &str, place: &Place, findings: &mut Findings) {
    findings.push(Finding::at(
        &UNSEEN,
        place,
        format!("the variable {name} is not set: nothing stands in its place"),
        "set it with Environment=, or write $$ for a plain $",
    ));
}

/// The most bytes a command may grow by its variables. The kernel takes no longer one.
const GROWTH_MAX: usize = 2 * 1024 * 1024;

/// `${NAME}` and `$$` within a word.
fn filled(
    text: &str,
    told: &Container,
    place: &Place,
    bytes_left: &mut usize,
    findings: &mut Findings,
) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        let braced = behind
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'))
            .filter(|(name, _)| is_name(name));
        rest = match (behind.strip_prefix('$'), braced) {
            (Some(behind), _) => {
                out.push('$');
                behind
            }
            (None, Some((name, behind))) => {
                match look(name, told) {
                    Look::Value(value) if value.len() <= *bytes_left => {
                        *bytes_left -= value.len();
                        out.push_str(value);
                    }
                    Look::Value(_) => {}
                    Look::Unseen => out.extend(["${", name, "}"]),
                    Look::Unset => unset(name, place, findings),
                }
                behind
            }
            (None, None) => {
                out.push('$');
                behind
            }
        };
    }
    out.push_str(rest);
    out
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|c| c == b'_' || c.is_ascii_alphanumeric())
        && text.bytes().next().is_some_and(|c| !c.is_ascii_digit())
}

/// A value as words: blanks part them, quotes hold them together, a backslash escapes as in C.
pub(super) fn split(value: &Value, findings: &mut Findings) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let mut chars = value.text.char_indices();
    while let Some((at, c)) = chars.next() {
        if words.len() > WORDS_MAX {
            let message = format!("more than {WORDS_MAX} words stand here");
            findings.push(Finding::at(
                &UNREADABLE,
                &value.place(0),
                message,
                "put them into a file of their own",
            ));
            return words;
        }
        if quote.is_none() && c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let open = word.get_or_insert_with(|| Word { text: String::new(), begin: at });
        match c {
            '"' | '\'' if quote.is_none() => quote = Some((c, at)),
            c if quote.is_some_and(|(quote, _)| quote == c) => quote = None,
            '\\' => escape(&mut chars, &mut open.text),
            c => open.text.push(c),
        }
    }
    words.extend(word);
    if let Some((_, at)) = quote {
        findings.push(Finding::at(
            &UNREADABLE,
            &value.place(at),
            "this quote is never closed",
            "close it, or write \\ before it if it is meant as it stands",
        ));
    }
    words
}

/// What stands behind a backslash.
fn escape(chars: &mut std::str::CharIndices<'_>, out: &mut String) {
    let digits = |count: usize, radix: u32| {
        let text = chars.as_str().get(1..=count)?;
        char::from_u32(u32::from_str_radix(text, radix).ok()?).map(|c| (c, count))
    };
    let first = chars.as_str().chars().next();
    let (put, more) = match first {
        Some('a') => ('\u{7}', 0),
        Some('b') => ('\u{8}', 0),
        Some('f') => ('\u{c}', 0),
        Some('n') => ('\n', 0),
        Some('r') => ('\r', 0),
        Some('s') => (' ', 0),
        Some('t') => ('\t', 0),
        Some('v') => ('\u{b}', 0),
        Some(c @ ('\\' | '"' | '\'' | ';')) => (c, 0),
        Some('x') => digits(2, 16).unwrap_or(('\\', usize::MAX)),
        Some('u') => digits(4, 16).unwrap_or(('\\', usize::MAX)),
        Some('U') => digits(8, 16).unwrap_or(('\\', usize::MAX)),
        Some('0'..='7') => {
            let octal = chars.as_str().get(..3).and_then(|text| u8::from_str_radix(text, 8).ok());
            octal.map_or(('\\', usize::MAX), |code| (char::from(code), 2))
        }
        _ => ('\\', usize::MAX),
    };
    out.push(put);
    // An escape that is none stays as it is written.
    if more != usize::MAX {
        for _ in 0..=more {
            chars.next();
        }
    }
}
