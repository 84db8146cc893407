//! Names and values inside SQL that somebody will run. What cannot be shown on a terminal is written as an escape of
//! SQL's own, so that a text that was copied from a screen still means what it meant.

use std::fmt::Write;

use crate::form::clean;

/// A name, always quoted: `"Weird ""name"""`.
pub fn name(name: &str) -> String {
    quoted(name, '"', "U&")
}

/// A value: `'it''s'`.
pub fn value(value: &str) -> String {
    if is_plain(value) && value.contains('\\') {
        // Means the same whatever standard_conforming_strings says.
        return format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "''"));
    }
    quoted(value, '\'', "U&")
}

fn is_plain(text: &str) -> bool {
    clean(text) == text
}

fn quoted(text: &str, quote: char, escaped: &str) -> String {
    let double = |c: char| if c == quote { format!("{c}{c}") } else { c.to_string() };
    if is_plain(text) {
        return format!("{quote}{}{quote}", text.chars().map(double).collect::<String>());
    }
    let mut out = format!("{escaped}{quote}");
    for c in text.chars() {
        let harmless = is_plain(c.encode_utf8(&mut [0; 4]));
        match c {
            '\\' => out.push_str("\\\\"),
            c if !harmless => {
                let _ = write!(out, "\\+{:06X}", u32::from(c));
            }
            c => out.push_str(&double(c)),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_name() {
        assert_eq!(name("app"), "\"app\"");
        assert_eq!(name("a\"; drop table x; --"), "\"a\"\"; drop table x; --\"");
        assert_eq!(name("a\\b"), "\"a\\b\"");
        assert_eq!(name("a\nb\\\"\u{1b}"), "U&\"a\\+00000Ab\\\\\"\"\\+00001B\"");
    }

    #[test]
    fn a_value_stays_one_value() {
        assert_eq!(value("it's"), "'it''s'");
        assert_eq!(value("a\\'b"), "E'a\\\\''b'");
        assert_eq!(value("a\u{202e}'"), "U&'a\\+00202E'''");
    }
}
