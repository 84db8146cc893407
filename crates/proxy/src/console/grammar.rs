//! What may be said on the console: `WORD [WORD] [;]`, `SET key (=|TO) value [;]`, `RECORD 'file' FOR time [;]`, in any case.
//!
//! PgBouncer's grammar, with four additions: RECORD; nothing at all is no error; BEGIN and its kin are accepted and do nothing,
//! because drivers say them unasked; and words may stand in any of the usual blanks.

use super::rights::{PRETENCES, Pretence, TOPICS, Takes, TopicLine, VERBS, VerbLine};
use super::table::Columns;

/// Longest name of a database and longest value, as in PgBouncer.
const WORD_BYTES_MAX: usize = 63;
const VALUE_BYTES_MAX: usize = 255;

/// One thing said.
#[derive(Clone, Debug)]
pub enum Statement {
    /// Nothing.
    Empty,
    /// SHOW of something of ours.
    Show(&'static TopicLine),
    /// SHOW of a parameter that drivers ask about.
    Pretend(&'static Pretence),
    /// A command and what stands behind it, unquoted.
    Act(&'static VerbLine, Option<String>),
    /// SET of a setting.
    Set {
        /// Which.
        key: String,
        /// To what.
        value: String,
    },
    /// RECORD into a file.
    Record {
        /// Its line of the table.
        line: &'static VerbLine,
        /// Where to.
        file: String,
        /// For how long, as it was said.
        time: String,
    },
    /// SET of a parameter that drivers set: ignored.
    SetPretence,
    /// BEGIN, COMMIT, ROLLBACK, DISCARD: the tag to answer with.
    Nothing(&'static str),
}

impl Statement {
    /// The columns of its answer; none where it has no rows.
    pub fn columns(&self) -> Columns {
        match self {
            Statement::Show(line) => line.columns,
            Statement::Pretend(pretence) => pretence.columns,
            Statement::Empty
            | Statement::Act(..)
            | Statement::Record { .. }
            | Statement::Set { .. }
            | Statement::SetPretence
            | Statement::Nothing(_) => &[],
        }
    }
}

/// Why something said can't be understood; the text is PgBouncer's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misunderstood {
    /// No such command.
    #[error("invalid command '{0}', use SHOW HELP;")]
    Syntax(String),
    /// A word is too long.
    #[error("bad arguments")]
    TooLong,
}

/// A word or value of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Equals,
    End,
}

/// Understands one thing said.
///
/// # Errors
/// [`Misunderstood`], with what was said.
pub fn parse(said: &str) -> Result<Statement, Misunderstood> {
    let syntax = || Misunderstood::Syntax(said.into());
    let tokens = tokens(said).ok_or_else(syntax)?;
    let plain = match tokens.strip_suffix(&[Token::End]) {
        Some(rest) => rest,
        None => &tokens,
    };
    match plain {
        [] => Ok(Statement::Empty),
        [Token::Word(set), key, Token::Equals, value] if is(set, "set") => {
            assignment(key, value).unwrap_or_else(|| Err(syntax()))
        }
        [Token::Word(set), key, Token::Word(to), value] if is(set, "set") && is(to, "to") => {
            assignment(key, value).unwrap_or_else(|| Err(syntax()))
        }
        [Token::Word(record), file, Token::Word(lasts), time] if is(record, "record") && is(lasts, "for") => {
            recording(record, file, time).ok_or_else(syntax)
        }
        [Token::Word(word) | Token::Quoted(word)] => command(word, None).unwrap_or_else(|| Err(syntax())),
        [Token::Word(word) | Token::Quoted(word), Token::Word(argument) | Token::Quoted(argument)] => {
            command(word, Some(argument)).unwrap_or_else(|| Err(syntax()))
        }
        _ => Err(syntax()),
    }
}

fn is(word: &str, expected: &str) -> bool {
    word.eq_ignore_ascii_case(expected)
}

/// `None`: not a command.
fn command(word: &str, argument: Option<&str>) -> Option<Result<Statement, Misunderstood>> {
    if argument.is_some_and(|argument| argument.len() > WORD_BYTES_MAX) {
        return Some(Err(Misunderstood::TooLong));
    }
    if is(word, "show") || is(word, "select") {
        let argument = argument?;
        if let Some(pretence) = PRETENCES.iter().find(|pretence| is(argument, pretence.word)) {
            return Some(Ok(Statement::Pretend(pretence)));
        }
        return TOPICS.iter().find(|line| is(argument, line.word)).map(|line| Ok(Statement::Show(line)));
    }
    if let Some(tag) = transaction(word, argument) {
        return Some(Ok(Statement::Nothing(tag)));
    }
    let line = VERBS.iter().find(|line| is(word, line.word))?;
    match (line.takes, argument) {
        (Takes::Nothing, Some(_)) => None,
        (Takes::Nothing | Takes::Maybe | Takes::Word, _) => {
            Some(Ok(Statement::Act(line, argument.map(str::to_owned))))
        }
    }
}

/// The file's name stands in quotes; a time needs them where it has a point.
fn recording(word: &str, file: &Token, time: &Token) -> Option<Statement> {
    let (Token::Text(file) | Token::Quoted(file)) = file else { return None };
    let (Token::Word(time) | Token::Text(time) | Token::Quoted(time)) = time else { return None };
    let line = VERBS.iter().find(|line| is(word, line.word))?;
    Some(Statement::Record { line, file: file.clone(), time: time.clone() })
}

fn transaction(word: &str, argument: Option<&str>) -> Option<&'static str> {
    let plain = argument.is_none_or(|argument| is(argument, "transaction") || is(argument, "work"));
    match word.to_ascii_lowercase().as_str() {
        "begin" if plain => Some("BEGIN"),
        "start" if argument.is_some() && plain => Some("START TRANSACTION"),
        "commit" | "end" if plain => Some("COMMIT"),
        "rollback" | "abort" if plain => Some("ROLLBACK"),
        "discard" if argument.is_some_and(|argument| is(argument, "all")) => Some("DISCARD ALL"),
        _ => None,
    }
}

fn assignment(key: &Token, value: &Token) -> Option<Result<Statement, Misunderstood>> {
    let (Token::Word(key) | Token::Quoted(key)) = key else { return None };
    let (Token::Word(value) | Token::Quoted(value) | Token::Text(value)) = value else { return None };
    if key.is_empty() || key.len() > WORD_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
        return Some(Err(Misunderstood::TooLong));
    }
    Some(Ok(match PRETENCES.iter().any(|pretence| is(key, pretence.word)) {
        true => Statement::SetPretence,
        false => Statement::Set { key: key.clone(), value: value.clone() },
    }))
}

/// Cuts what was said into tokens; `None` where a character fits none.
fn tokens(said: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = said.trim_start_matches([' ', '\t', '\r', '\n']);
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '"' => quoted(rest, '"').map(|(text, after)| (Token::Quoted(text), after))?,
            '\'' => quoted(rest, '\'').map(|(text, after)| (Token::Text(text), after))?,
            '=' => (Token::Equals, &rest[1..]),
            ';' => (Token::End, &rest[1..]),
            _ => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                if end == 0 {
                    return None;
                }
                (Token::Word(rest[..end].into()), &rest[end..])
            }
        };
        tokens.push(token);
        rest = after.trim_start_matches([' ', '\t', '\r', '\n']);
    }
    Some(tokens)
}

/// A text between quotes, doubled ones inside meaning one; and what follows it.
fn quoted(said: &str, quote: char) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = &said[1..];
    loop {
        let end = rest.find(quote)?;
        text.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix(quote) {
            Some(more) => {
                text.push(quote);
                rest = more;
            }
            None => return Some((text, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rights::{Topic, Verb};
    use super::*;

    fn act(said: &str) -> (Verb, Option<String>) {
        match parse(said) {
            Ok(Statement::Act(line, argument)) => (line.verb, argument),
            other => panic!("{said}: {other:?}"),
        }
    }

    #[test]
    fn commands_are_read_in_any_case_with_or_without_a_semicolon() {
        assert!(matches!(parse(" show\tPools ; "), Ok(Statement::Show(line)) if line.topic == Topic::Pools));
        assert!(matches!(parse("select version"), Ok(Statement::Show(line)) if line.topic == Topic::Version));
        assert_eq!(act("PAUSE"), (Verb::Pause, None));
        assert_eq!(act("pause MyDb;"), (Verb::Pause, Some("MyDb".into())));
        assert_eq!(act("Pause \"a \"\"b\"\"-c\""), (Verb::Pause, Some("a \"b\"-c".into())));
    }

    #[test]
    fn settings_are_read_with_equals_or_to_quoted_or_not() {
        for said in ["SET a=b", "set a = 'b';", "SET \"a\" TO b", "set a to 'b'"] {
            let set = parse(said);
            assert!(
                matches!(&set, Ok(Statement::Set { key, value }) if key == "a" && value == "b"),
                "{said}"
            );
        }
        let empty = parse("set a = ''");
        assert!(matches!(&empty, Ok(Statement::Set { value, .. }) if value.is_empty()));
        assert!(matches!(parse("SET DateStyle TO 'ISO'"), Ok(Statement::SetPretence)));
    }

    #[test]
    fn a_recording_has_a_file_in_quotes_and_a_time() {
        for said in ["RECORD '/tmp/it''s' FOR 60s", "record \"/tmp/it's\" for '60s';"] {
            let said = parse(said);
            assert!(
                matches!(&said, Ok(Statement::Record { file, time, .. }) if file == "/tmp/it's" && time == "60s"),
                "{said:?}"
            );
        }
        assert_eq!(act("RECORD stop"), (Verb::Record, Some("stop".into())));
        for said in
            ["RECORD 'f'", "RECORD 'f' FOR", "RECORD f FOR 60s", "RECORD 'f' TO 60s", "RECORD 'f' FOR 1.5h"]
        {
            assert!(matches!(parse(said), Err(Misunderstood::Syntax(_))), "{said}");
        }
    }

    #[test]
    fn what_is_not_understood_is_repeated_in_the_error() {
        for said in
            ["SHOW", "SHOW nonsense", "frobnicate", "PAUSE a b", "RELOAD now", "SET a", "SHOW POOLS;;", "p'"]
        {
            let error = parse(said).expect_err(said);
            assert_eq!(error.to_string(), format!("invalid command '{said}', use SHOW HELP;"));
        }
    }

    #[test]
    fn catalogue_queries_of_psql_are_errors_and_nothing_worse() {
        let said = "SELECT c.relname FROM pg_catalog.pg_class c WHERE (c.relkind IN ('r','p')) LIMIT 1000";
        assert!(matches!(parse(said), Err(Misunderstood::Syntax(_))));
    }

    #[test]
    fn long_words_are_bad_arguments() {
        let said = format!("PAUSE {}", "x".repeat(64));
        assert_eq!(parse(&said).map(|_| ()), Err(Misunderstood::TooLong));
    }

    #[test]
    fn what_drivers_say_unasked_is_accepted() {
        for said in ["BEGIN", "begin;", "START TRANSACTION", "COMMIT", "ROLLBACK", "DISCARD ALL"] {
            assert!(matches!(parse(said), Ok(Statement::Nothing(_))), "{said}");
        }
        assert!(matches!(parse(""), Ok(Statement::Empty)));
        assert!(matches!(parse(" ; "), Ok(Statement::Empty)));
    }
}
