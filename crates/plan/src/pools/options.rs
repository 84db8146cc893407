//! Options of a command line: `-w 4`, `-w4`, `--workers=4`, `--workers 4`. Words that begin with `#` are no options.

use super::told::Told;
use crate::{Number, Text};

/// The value of the last option of these names.
pub(super) fn value(words: &[Text], names: &[&str]) -> Option<Text> {
    values(words, names).pop()
}

/// The values of all options of these names, in order.
pub(super) fn values(words: &[Text], names: &[&str]) -> Vec<Text> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(rest) = names.iter().find_map(|name| behind(&word.text, name)) else { continue };
        match rest {
            None => found.extend(words.get(at + 1).cloned()),
            Some(rest) => found.push(Text::new(rest, word.place.clone())),
        }
    }
    found
}

/// Whether one of these options is given.
pub(super) fn given(words: &[Text], names: &[&str]) -> bool {
    words.iter().any(|word| names.iter().any(|name| behind(&word.text, name).is_some()))
}

/// The number behind the last option of these names.
pub(super) fn number(words: &[Text], names: &[&str], told: &Told) -> Option<Number> {
    let text = value(words, names)?;
    let name = names.last().copied().unwrap_or("");
    told.number(&text.text, &text.place, name)
}

/// What of a word follows an option's name: `None` where the next word is the value. No such option: `None` outside.
fn behind<'w>(word: &'w str, name: &str) -> Option<Option<&'w str>> {
    let rest = word.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(None);
    }
    if let Some(value) = rest.strip_prefix('=') {
        return Some(Some(value));
    }
    let short = name.len() == 2 && name.starts_with('-') && !name.ends_with('-');
    (short && rest.starts_with(|c: char| c.is_ascii_digit() || c == '$')).then_some(Some(rest))
}

#[cfg(test)]
mod tests {
    use super::super::testing::place;
    use super::*;

    fn workers(line: &str) -> Option<String> {
        let words: Vec<Text> = line.split_whitespace().map(|word| Text::new(word, place())).collect();
        value(&words, &["-w", "--workers"]).map(|text| text.text)
    }

    #[test]
    fn an_option_is_written_in_four_ways_and_the_last_one_wins() {
        for (line, found) in [
            ("-w 4", Some("4")),
            ("-w4", Some("4")),
            ("-w$X", Some("$X")),
            ("--workers=4", Some("4")),
            ("--workers 4", Some("4")),
            ("-w 4 a:app --workers=5", Some("5")),
            ("--worker-class sync", None),
            ("-worker 4", None),
            ("a:app", None),
            ("-w", None),
            ("--workers=", Some("")),
            ("# -w", None),
            ("#-w 4", None),
        ] {
            assert_eq!(workers(line).as_deref(), found, "{line}");
        }
    }
}
