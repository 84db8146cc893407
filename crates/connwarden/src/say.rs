//! Data to standard output, talk to standard error. A reader that went away is no reason to panic.

use std::io::Write;

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
        Ok(text) => out(&format!("{text}\n")),
        Err(error) => err(&format!("error: {error}")),
    }
}

/// What on the command line makes no sense, and the exit code for it.
pub(crate) fn usage(error: &impl std::fmt::Display) -> Exit {
    err(&format!("error: {error}"));
    Exit::Usage
}
