//! Names of those who connect, and what a role does not see of them.

use text::{clean, clean_within};

use crate::quote;

/// Most characters of a name.
pub const NAME_CHARS_MAX: usize = 40;

/// An application's name.
pub fn app(name: &str) -> String {
    if name.is_empty() { "(empty name)".to_owned() } else { clean_within(name, NAME_CHARS_MAX) }
}

/// One that others wait for: its application, or what it is where it is no client.
pub fn contender(pid: i32, backend_type: Option<&str>, application: &str) -> String {
    match backend_type {
        _ if pid == 0 => "a prepared transaction".to_owned(),
        Some("client backend") | None => app(application),
        Some(kind) => clean_within(kind, NAME_CHARS_MAX),
    }
}

/// A statement on one line.
pub fn statement(query: &str, chars_max: usize) -> String {
    let words: Vec<&str> = query.split_whitespace().collect();
    clean_within(&words.join(" "), chars_max)
}

/// What a role does not see, and what mends it.
pub fn partial_view(user: &str) -> String {
    format!("partial view: {}; {}", hidden_from(user), grant_that_mends(user))
}

/// What a role does not see.
pub fn hidden_from(user: &str) -> String {
    format!("states and ages of other roles' sessions are hidden from {}", clean(user))
}

/// What lets it see.
pub fn grant_that_mends(user: &str) -> String {
    format!("a superuser mends it: GRANT pg_monitor TO {};", quote::name(user))
}
