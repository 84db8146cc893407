//! The statements that the model understands: a few shapes of real SQL, and `WHOAMI`, which shows the session's state.

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// Nothing but blanks.
    Empty,
    /// `SELECT 'x'`
    Literal(String),
    /// `SELECT $1`
    Parameter,
    /// `SELECT $1 || 'x'`
    ParameterWith(String),
    /// `select pg_catalog.set_config($1, $2, false), ...`: so many pairs.
    Configure(usize),
    /// `SELECT set_config('x', 'y', false)`
    ConfigureTo {
        name: String,
        value: String,
        local: bool,
    },
    /// `BEGIN`; holds its tag.
    Begin(&'static str),
    Commit,
    Rollback,
    Savepoint(String),
    RollbackTo(String),
    Release(String),
    /// `SET x = 'y'`; `None` is DEFAULT.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    /// `SET TRANSACTION ...`
    SetTransaction,
    SetAuthorization(Option<String>),
    Reset(String),
    ResetAll,
    Show(String),
    /// `SELECT 'x' FROM pg_sleep(0.005)`
    Sleep {
        us: u64,
        token: String,
    },
    /// `SELECT repeat('x', 10) FROM generate_series(1, 50)`
    Rows {
        rows: u64,
        token: String,
        times: usize,
    },
    /// `SELECT 1/0`
    Fail,
    /// `DO $$BEGIN RAISE NOTICE 'x'; END$$`
    Notice(String),
    /// `COPY t FROM STDIN`
    CopyIn,
    /// `COPY (SELECT 'x' FROM generate_series(1, 5)) TO STDOUT`
    CopyOut {
        rows: u64,
        token: String,
    },
    /// `INSERT INTO t VALUES ('x')`
    Insert(String),
    /// `CREATE TEMP TABLE x (i int)`
    CreateTemp(String),
    Listen(String),
    Unlisten(Option<String>),
    Notify {
        channel: String,
        payload: String,
    },
    /// `DECLARE c CURSOR [WITH HOLD] FOR SELECT 'x'`
    Declare {
        name: String,
        hold: bool,
        token: String,
    },
    /// `FETCH c`
    Fetch(String),
    CloseCursor(Option<String>),
    /// `PREPARE p AS SELECT 'x'`
    Prepare {
        name: String,
        inner: Box<Statement>,
    },
    /// `EXECUTE p`
    Execute(String),
    Deallocate(Option<String>),
    Discard(Discard),
    /// `SELECT pg_advisory_lock(5)`
    Lock(String),
    /// `SELECT pg_advisory_unlock_all()`
    UnlockAll,
    /// `ALTER TABLE t ADD ...`
    Alter,
    /// `SELECT 'x', * FROM t LIMIT 0`: what an ALTER TABLE breaks.
    FromTable(String),
    /// `DROP DATABASE x`, `ALTER DATABASE x RENAME TO y`, `CREATE DATABASE y TEMPLATE x`: what needs nobody else in x. The
    /// model has its databases all the same, whatever becomes of them.
    Alone {
        database: String,
        tag: &'static str,
    },
    /// `WHOAMI 'x'`
    Whoami(String),
}

/// What to discard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discard {
    All,
    Temp,
    Sequences,
    Plans,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            c if c.is_whitespace() => c.len_utf8(),
            '\'' => {
                let end = rest[1..].find('\'')?;
                found.push(Token::Text(rest[1..=end].to_owned()));
                end + 2
            }
            '"' => {
                let end = rest[1..].find('"')?;
                found.push(Token::Word(rest[1..=end].to_owned()));
                end + 2
            }
            c if word_char(c) => {
                let end = rest.find(|c| !word_char(c)).unwrap_or(rest.len());
                found.push(Token::Word(rest[..end].to_owned()));
                end
            }
            c => {
                found.push(Token::Sign(c));
                c.len_utf8()
            }
        };
        rest = &rest[len..];
    }
    Some(found)
}

fn word_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$')
}

/// Splits at semicolons outside of quotes and of `$$`.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut dollar) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            '\'' if !dollar => quoted = !quoted,
            '$' if text[at..].starts_with("$$") => dollar = !dollar,
            ';' if !quoted && !dollar => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Reads a whole query string. `Err`: the word that does not parse.
pub(crate) fn parse(text: &str) -> Result<Vec<Statement>, String> {
    split(text).into_iter().map(statement).collect()
}

fn statement(text: &str) -> Result<Statement, String> {
    let text = text.trim();
    let refused = || text.split_whitespace().next().unwrap_or_default().to_owned();
    let tokens = tokens(text).ok_or_else(refused)?;
    shape(&tokens).ok_or_else(refused)
}

/// A view of tokens that is easy to match: words in lower case, texts and signs told apart.
fn shape(tokens: &[Token]) -> Option<Statement> {
    let words: Vec<String> = tokens
        .iter()
        .map(|token| match token {
            Token::Word(word) => word.to_lowercase(),
            Token::Text(_) => "''".to_owned(),
            Token::Sign(sign) => sign.to_string(),
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let text = |n: usize| -> String {
        let texts = tokens.iter().filter_map(|t| if let Token::Text(text) = t { Some(text) } else { None });
        texts.clone().nth(n).cloned().unwrap_or_default()
    };
    let raw = |n: usize| match tokens.get(n) {
        Some(Token::Word(word) | Token::Text(word)) => word.clone(),
        Some(Token::Sign(_)) | None => String::new(),
    };
    select(&words, &text)
        .or_else(|| transaction(&words))
        .or_else(|| setting(&words, &raw))
        .or_else(|| object(&words, &text, &raw, tokens))
}

fn select(words: &[&str], text: &dyn Fn(usize) -> String) -> Option<Statement> {
    use Statement as S;
    Some(match words {
        ["select", "''"] => S::Literal(text(0)),
        ["select", "$1"] => S::Parameter,
        ["select", "$1", "|", "|", "''"] => S::ParameterWith(text(0)),
        ["select", "pg_catalog.set_config", "(", rest @ ..] => {
            S::Configure(1 + rest.iter().filter(|word| **word == "pg_catalog.set_config").count())
        }
        ["select", "set_config", "(", "''", ",", "''", ",", local, ")"] => {
            S::ConfigureTo { name: text(0), value: text(1), local: *local == "true" }
        }
        ["select", "''", "from", "pg_sleep", "(", seconds, ")"] => {
            let seconds: f64 = seconds.parse().ok()?;
            S::Sleep { us: (seconds * 1e6) as u64, token: text(0) }
        }
        [
            "select",
            "repeat",
            "(",
            "''",
            ",",
            times,
            ")",
            "from",
            "generate_series",
            "(",
            "1",
            ",",
            rows,
            ")",
        ] => S::Rows { rows: rows.parse().ok()?, token: text(0), times: times.parse().ok()? },
        ["select", "1", "/", "0"] => S::Fail,
        ["select", "pg_advisory_lock", "(", key, ")"] => S::Lock((*key).to_owned()),
        ["select", "pg_advisory_unlock_all", "(", ")"] => S::UnlockAll,
        ["select", "''", ",", "*", "from", "t", "limit", "0"] => S::FromTable(text(0)),
        ["whoami", "''"] => S::Whoami(text(0)),
        _ => return None,
    })
}

fn transaction(words: &[&str]) -> Option<Statement> {
    use Statement as S;
    Some(match words {
        ["begin", ..] => S::Begin("BEGIN"),
        ["start", "transaction", ..] => S::Begin("START TRANSACTION"),
        ["commit" | "end"] => S::Commit,
        ["rollback" | "abort"] => S::Rollback,
        ["savepoint", name] => S::Savepoint((*name).to_owned()),
        ["rollback", "to", "savepoint", name] | ["rollback", "to", name] => S::RollbackTo((*name).to_owned()),
        ["release", "savepoint", name] | ["release", name] => S::Release((*name).to_owned()),
        _ => return None,
    })
}

fn setting(words: &[&str], raw: &dyn Fn(usize) -> String) -> Option<Statement> {
    use Statement as S;
    let value = |at: usize| Some(raw(at)).filter(|value| !value.eq_ignore_ascii_case("default"));
    Some(match words {
        ["set", "transaction", ..] => S::SetTransaction,
        ["set", "session", "authorization", _] => S::SetAuthorization(value(3)),
        ["set", "role", _] => S::Set {
            name: "role".into(),
            value: value(2).filter(|role| !role.eq_ignore_ascii_case("none")),
            local: false,
        },
        ["set", "local", _, "=" | "to", _] => S::Set { name: raw(2), value: value(4), local: true },
        ["set", "session", _, "=" | "to", _] => S::Set { name: raw(2), value: value(4), local: false },
        ["set", _, "=" | "to", _] => S::Set { name: raw(1), value: value(3), local: false },
        ["reset", "all"] => S::ResetAll,
        ["reset", "session", "authorization"] => S::SetAuthorization(None),
        ["reset", _] => S::Reset(raw(1)),
        ["show", _] => S::Show(raw(1)),
        _ => return None,
    })
}

fn object(
    words: &[&str],
    text: &dyn Fn(usize) -> String,
    raw: &dyn Fn(usize) -> String,
    tokens: &[Token],
) -> Option<Statement> {
    use Statement as S;
    Some(match words {
        [] => S::Empty,
        ["do", "$$begin", "raise", "notice", "''", ..] => S::Notice(text(0)),
        ["copy", "t", "from", "stdin"] => S::CopyIn,
        [
            "copy",
            "(",
            "select",
            "''",
            "from",
            "generate_series",
            "(",
            "1",
            ",",
            rows,
            ")",
            ")",
            "to",
            "stdout",
        ] => S::CopyOut { rows: rows.parse().ok()?, token: text(0) },
        ["insert", "into", "t", "values", "(", "''", ")"] => S::Insert(text(0)),
        ["create", "temp", "table", _, ..] => S::CreateTemp(raw(3)),
        ["listen", _] => S::Listen(raw(1)),
        ["unlisten", "*"] => S::Unlisten(None),
        ["unlisten", _] => S::Unlisten(Some(raw(1))),
        ["notify", _, ",", "''"] => S::Notify { channel: raw(1), payload: text(0) },
        ["declare", _, "cursor", "with", "hold", "for", "select", "''"] => {
            S::Declare { name: raw(1), hold: true, token: text(0) }
        }
        ["declare", _, "cursor", "for", "select", "''"] => {
            S::Declare { name: raw(1), hold: false, token: text(0) }
        }
        ["fetch", _] => S::Fetch(raw(1)),
        ["close", "all"] => S::CloseCursor(None),
        ["close", _] => S::CloseCursor(Some(raw(1))),
        ["prepare", _, "as", ..] => S::Prepare { name: raw(1), inner: Box::new(shape(tokens.get(3..)?)?) },
        ["execute", _] => S::Execute(raw(1)),
        ["deallocate", "all"] => S::Deallocate(None),
        ["deallocate", _] => S::Deallocate(Some(raw(1))),
        ["discard", "all"] => S::Discard(Discard::All),
        ["discard", "temp"] => S::Discard(Discard::Temp),
        ["discard", "sequences"] => S::Discard(Discard::Sequences),
        ["discard", "plans"] => S::Discard(Discard::Plans),
        ["alter", "table", "t", ..] => S::Alter,
        ["drop", "database", "if", "exists", _, ..] => S::Alone { database: raw(4), tag: "DROP DATABASE" },
        ["drop", "database", _, ..] => S::Alone { database: raw(2), tag: "DROP DATABASE" },
        ["alter", "database", _, "rename", "to", _] => S::Alone { database: raw(2), tag: "ALTER DATABASE" },
        ["create", "database", _, "template", _] => S::Alone { database: raw(4), tag: "CREATE DATABASE" },
        _ => return None,
    })
}

impl Statement {
    /// So many parameters does it take.
    pub(crate) fn parameters(&self) -> usize {
        match self {
            Self::Parameter | Self::ParameterWith(_) => 1,
            Self::Configure(pairs) => 2 * pairs,
            _ => 0,
        }
    }

    /// The only statements that a failed transaction takes.
    pub(crate) fn ends_transaction(&self) -> bool {
        matches!(self, Self::Commit | Self::Rollback | Self::RollbackTo(_))
    }

    /// The heading of its one column; `None`: it returns no rows. (Several columns: see `Configure`.)
    pub(crate) fn column(&self) -> Option<&str> {
        match self {
            Self::Literal(_)
            | Self::Parameter
            | Self::ParameterWith(_)
            | Self::Sleep { .. }
            | Self::FromTable(_) => Some("?column?"),
            Self::Configure(_) | Self::ConfigureTo { .. } => Some("set_config"),
            Self::Rows { .. } => Some("repeat"),
            Self::Show(name) => Some(name),
            Self::Lock(_) => Some("pg_advisory_lock"),
            Self::UnlockAll => Some("pg_advisory_unlock_all"),
            Self::Fetch(_) => Some("?column?"),
            Self::Whoami(_) => Some("whoami"),
            _ => None,
        }
    }

    /// So many columns.
    pub(crate) fn columns(&self) -> usize {
        match self {
            Self::Configure(pairs) => *pairs,
            _ => usize::from(self.column().is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read() {
        assert_eq!(parse("").as_deref(), Ok(&[][..]));
        assert_eq!(parse("SELECT 'a;b'; BEGIN").map(|s| s.len()), Ok(2));
        assert_eq!(
            parse("select pg_catalog.set_config($1, $2, false), pg_catalog.set_config($3, $4, false)"),
            Ok(vec![Statement::Configure(2)])
        );
        assert_eq!(
            parse("SELECT 'x' FROM pg_sleep(0.005)"),
            Ok(vec![Statement::Sleep { us: 5000, token: "x".into() }])
        );
        assert_eq!(parse("FLY me").unwrap_err(), "FLY");
    }
}
