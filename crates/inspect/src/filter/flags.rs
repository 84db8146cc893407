//! The flags of a command line in the same language.

use super::ast::{AgeField, Expr, Field, Order, TextField, TextTest};
use super::error::FilterError;
use super::parse::{self, Value, negated};
use super::span::Span;

/// What was given, as it was written. Each entry may begin with `!`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--app`: globs.
    pub app: Vec<String>,
    /// `--user`: globs.
    pub user: Vec<String>,
    /// `--db`: globs.
    pub db: Vec<String>,
    /// `--client`: addresses, networks, `local`.
    pub client: Vec<String>,
    /// `--state`: names or globs.
    pub state: Vec<String>,
    /// `--pid`: process ids.
    pub pid: Vec<String>,
    /// `--query-match`: regular expressions.
    pub query_match: Vec<String>,
    /// `--min-age`: at least so long in the present state.
    pub min_age: Option<Span>,
    /// `--where`: whole conditions.
    pub conditions: Vec<String>,
}

/// All flags together; `None` without any.
pub(super) fn expression(flags: &Flags) -> Result<Option<Expr>, FilterError> {
    let mut all = Vec::new();
    let globs = |field: TextField| move |value: &Value| Ok(parse::glob(field, &value.text));
    alternatives(&mut all, "--app", &flags.app, globs(TextField::App))?;
    alternatives(&mut all, "--user", &flags.user, globs(TextField::User))?;
    alternatives(&mut all, "--db", &flags.db, globs(TextField::Db))?;
    alternatives(&mut all, "--client", &flags.client, |value| Ok(Expr::Client(vec![parse::origin(value)?])))?;
    alternatives(&mut all, "--state", &flags.state, state)?;
    alternatives(&mut all, "--pid", &flags.pid, |value| Ok(Expr::PidIn(vec![parse::pid(value)?])))?;
    alternatives(&mut all, "--query-match", &flags.query_match, |value| {
        Ok(Expr::Text(TextField::Query, TextTest::Regex(parse::pattern(value)?)))
    })?;
    if let Some(span) = flags.min_age {
        all.push(Expr::Age(AgeField::State, Order::AtLeast, span));
    }
    for text in &flags.conditions {
        all.extend(parse::parse(text).map_err(|error| error.given_by("--where"))?);
    }
    Ok(one_or(all, Expr::And))
}

fn state(value: &Value) -> Result<Expr, FilterError> {
    if value.text.contains(['*', '?']) {
        return Ok(parse::glob(TextField::State, &value.text));
    }
    parse::one_of(Field::Text(TextField::State), std::slice::from_ref(value))
}

/// One of those without `!`, and none of those with it.
fn alternatives(
    all: &mut Vec<Expr>,
    flag: &str,
    given: &[String],
    read: impl Fn(&Value) -> Result<Expr, FilterError>,
) -> Result<(), FilterError> {
    let mut wanted = Vec::new();
    for text in given {
        let (refused, value) = text.strip_prefix('!').map_or((false, text.as_str()), |rest| (true, rest));
        let at = text.len() - value.len()..text.len();
        let value = Value { text: value.to_owned(), at };
        let expr = read(&value).map_err(|error| error.of(text).given_by(flag))?;
        if refused { all.push(negated(expr)) } else { wanted.push(expr) }
    }
    all.extend(one_or(wanted, Expr::Or));
    Ok(())
}

fn one_or(mut items: Vec<Expr>, made: fn(Vec<Expr>) -> Expr) -> Option<Expr> {
    if items.len() > 1 { Some(made(items)) } else { items.pop() }
}
