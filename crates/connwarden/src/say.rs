//! Data to standard output, talk to standard error. A reader that went away is no reason to panic.

use std::io::Write;

use inspect::form::clean;

use crate::exit::Exit;

/// Data, as it is.
pub(crate) fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Talk, a line.
pub(crate) fn err(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
}

/// One JSON document on standard output.
pub(crate) fn json(document: &impl serde::Serialize) {
    match serde_json::to_string_pretty(document) {
        Ok(text) => out(&format!("{}\n", harmless(&text))),
        Err(error) => err(&format!("error: {error}")),
    }
}

/// A JSON document on one line.
pub(crate) fn json_line(document: &impl serde::Serialize) -> String {
    serde_json::to_string(document).map_or_else(|error| error.to_string(), |line| harmless(&line))
}

/// JSON in which nothing speaks to a terminal: what `clean` would hide is written as its number. Line breaks stand between
/// values only.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || clean(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    out
}

/// What on the command line makes no sense, and the exit code for it.
pub(crate) fn usage(error: &impl std::fmt::Display) -> Exit {
    err(&format!("error: {error}"));
    Exit::Usage
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_line_holds_nothing_that_a_terminal_obeys_and_stays_json() {
        let json = serde_json::to_string(&"a\u{9b}2J\u{7f}\u{202e}\u{1b}]0;x\u{7}?é").unwrap();
        let line = harmless(&json);
        assert!(!line.chars().any(char::is_control) && !line.contains('\u{202e}'), "{line}");
        assert_eq!(
            serde_json::from_str::<String>(&line).unwrap(),
            "a\u{9b}2J\u{7f}\u{202e}\u{1b}]0;x\u{7}?é"
        );
    }
}
