//! What the `/` line lets through: the language of `--where`, and bare words for those in a hurry.

pub(crate) use inspect::filter::Filter;

/// Reads a line. A single word without a sign is part of an application's name.
///
/// # Errors
/// What was not understood, in one line.
pub(crate) fn parse(text: &str) -> Result<Filter, String> {
    let text = text.trim();
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '*' | '?');
    let word = !text.is_empty() && text.chars().all(is_word);
    let written = if word { format!("app~\"*{text}*\"") } else { text.to_owned() };
    Filter::parse(&written).map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use inspect::catalog::State;

    use super::super::state::tests::session;
    use super::parse;

    #[test]
    fn a_word_is_part_of_a_name_and_everything_else_is_the_language() {
        let matches = |text: &str| {
            let filter = parse(text).unwrap();
            ["wall-api", "celery"].map(|app| filter.matches(&session(1, app, State::Idle, 400.0)))
        };
        assert_eq!(matches(""), [true, true]);
        assert_eq!(matches(" api "), [true, false]);
        assert_eq!(matches("app=celery"), [false, true]);
        assert_eq!(matches("idle>5m and app~\"wall*\""), [true, false]);
        assert!(parse("app=").is_err_and(|why| !why.is_empty() && !why.contains('\n')));
    }
}
