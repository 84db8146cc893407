//! The words of a command, as compose splits them.

use super::COMMAND;
use super::project::Project;
use crate::read::interpolate::raw_byte;
use crate::yaml::{Node, Scalar, Value};
use crate::{Finding, Level, Place, Text};

/// The words a command is given as, or is split into.
pub(super) fn words(project: &mut Project<'_>, node: &Node, name: &str) -> Vec<Text> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(Node::word).collect(),
        Value::Scalar(scalar) => of_string(project, scalar, &node.place, name),
        Value::Null | Value::Map(_) => Vec::new(),
    }
}

fn of_string(project: &mut Project<'_>, scalar: &Scalar, place: &Place, name: &str) -> Vec<Text> {
    let split = split(&scalar.text);
    let places = places(project, scalar, place, &split);
    let end = places.last().cloned().unwrap_or_else(|| place.clone());
    match split.end {
        End::Whole => {}
        End::Open => project.findings.push(Finding::at(
            &COMMAND,
            place,
            format!(
                "{name} holds a quote, a bracket or a backslash that is never closed: compose refuses it"
            ),
            "close it, or give the words as a list",
        )),
        End::Cut { sign, .. } => project.findings.push(Finding {
            level: Level::Warning,
            ..Finding::at(
                &COMMAND,
                &end,
                format!("compose runs no shell here, and drops all of {name} from this '{sign}' on"),
                "run a shell: [\"sh\", \"-c\", \"...\"], or put the sign in quotes",
            )
        }),
    }
    split.words.into_iter().zip(places).map(|(word, place)| Text::new(word.text, place)).collect()
}

/// The place of every word, and of the sign that cuts the rest off.
fn places(project: &Project<'_>, scalar: &Scalar, place: &Place, split: &Split) -> Vec<Place> {
    let before = project.before.get(place);
    let raw = before.map_or(scalar.text.as_str(), |before| before.text.as_str());
    let cut = match split.end {
        End::Cut { at, .. } => Some(at),
        End::Whole | End::Open => None,
    };
    let begins = split.words.iter().map(|word| word.begin).chain(cut);
    let Some(source) = project.source(&place.file) else {
        return begins.map(|_| place.clone()).collect();
    };
    let mut trace = source.trace(place, scalar.style, raw);
    begins.map(|begin| trace.place(before.map_or(begin, |before| raw_byte(&before.pieces, begin)))).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Split {
    words: Vec<Word>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
struct Word {
    text: String,
    /// The byte it begins at.
    begin: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    /// A quote, a bracket or a backslash is open.
    Open,
    /// A shell's sign stands there, and the rest is not looked at.
    Cut {
        sign: char,
        at: usize,
    },
}

/// What holds blanks and signs together. Quotes count within backticks too, and not within brackets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Held {
    quote: Option<char>,
    backtick: bool,
    /// `$(`
    bracket: bool,
}

/// Words as the shell-like splitter of compose makes them. It knows no comments, and no shell's grammar.
fn split(line: &str) -> Split {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut held = Held::default();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        let nothing_held = held == Held::default();
        if nothing_held && matches!(c, ' ' | '\t' | '\r' | '\n') {
            words.extend(word.take());
            continue;
        }
        if nothing_held && matches!(c, ';' | '&' | '|' | '<' | '>') {
            // `2>` goes with its sign.
            let number = |word: &Word| c == '>' && word.text.starts_with(|c: char| c.is_ascii_digit());
            words.extend(word.take().filter(|word| !number(word)));
            return Split { words, end: End::Cut { sign: c, at } };
        }
        let open = word.get_or_insert_with(|| Word { text: String::new(), begin: at });
        match c {
            '\\' if held.quote != Some('\'') => match chars.next() {
                Some((_, 't')) => open.text.push('\t'),
                Some((_, 'n')) => open.text.push('\n'),
                Some((_, c)) => open.text.push(c),
                None => return Split { words: closed(words, word), end: End::Open },
            },
            '"' | '\'' if !held.bracket && held.quote.is_none() => held.quote = Some(c),
            '"' | '\'' if !held.bracket && held.quote == Some(c) => held.quote = None,
            '(' | ')' if held.quote.is_none() && !held.backtick => {
                let fits = if c == ')' { held.bracket } else { !held.bracket && open.text.ends_with('$') };
                if !fits {
                    return Split { words: closed(words, word), end: End::Open };
                }
                held.bracket = c == '(';
                open.text.push(c);
            }
            c => {
                if c == '`' && held.quote.is_none() && !held.bracket {
                    held.backtick = !held.backtick;
                }
                open.text.push(c);
            }
        }
    }
    let end = if held == Held::default() { End::Whole } else { End::Open };
    Split { words: closed(words, word), end }
}

fn closed(mut words: Vec<Word>, last: Option<Word>) -> Vec<Word> {
    words.extend(last);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> (Vec<String>, End) {
        let split = split(line);
        (split.words.into_iter().map(|word| word.text).collect(), split.end)
    }

    #[test]
    fn words_are_split_as_compose_splits_them() {
        for (line, words) in [
            ("gunicorn app:app -w 4", &["gunicorn", "app:app", "-w", "4"][..]),
            (" a\t b\n", &["a", "b"]),
            ("sh -c \"a 'b' && c\"", &["sh", "-c", "a 'b' && c"]),
            ("a 'b \"c\" \\d'e", &["a", "b \"c\" \\de"]),
            ("a \"\" ''", &["a", "", ""]),
            ("a\\ b \\tc", &["a b", "\tc"]),
            ("x # not a comment", &["x", "#", "not", "a", "comment"]),
            ("a $(b c) `d e`", &["a", "$(b c)", "`d e`"]),
            ("a=$(b)c", &["a=$(b)c"]),
            ("`a 'b' c` $(\"d\")", &["`a b c`", "$(\"d\")"]),
            ("", &[]),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(texts(line), (words, End::Whole), "{line}");
        }
    }

    #[test]
    fn a_shells_sign_cuts_the_rest_off() {
        let cut = |line| {
            let (words, end) = texts(line);
            match end {
                End::Cut { sign, at } => (words, sign, at),
                other => panic!("{line}: {other:?}"),
            }
        };
        assert_eq!(cut("a b && c"), (vec!["a".into(), "b".into()], '&', 4));
        assert_eq!(cut("a; b"), (vec!["a".into()], ';', 1));
        assert_eq!(cut("a 2>&1"), (vec!["a".into()], '>', 3));
        assert_eq!(cut("a x>y"), (vec!["a".into(), "x".into()], '>', 3));
    }

    #[test]
    fn what_is_left_open_is_told() {
        for line in ["a 'b", "a \"b", "a `b", "a $(b", "a (b)", "a )", "a \\"] {
            assert_eq!(texts(line).1, End::Open, "{line}");
        }
    }
}
