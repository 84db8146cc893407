//! From tokens to meaning. `or` binds least, then `and`, then `not`.

use std::ops::Range;

use regex::RegexBuilder;

use super::ast::{Expr, FIELDS, Field, FlagField, Order, Pattern, TextField, TextTest};
use super::error::{FilterError, nearest};
use super::glob::Glob;
use super::lexer::{self, Operator, Token};
use super::network::Origin;
use super::span::Span;
use crate::catalog::State;

/// Most parentheses and `not`s inside each other.
const DEPTH_MAX: usize = 64;
/// Most memory of a compiled regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// The whole text; `None` for an empty one.
pub(super) fn parse(text: &str) -> Result<Option<Expr>, FilterError> {
    let located = |error: FilterError| error.of(text);
    let tokens = lexer::tokens(text).map_err(located)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.len() };
    parser.whole().map(Some).map_err(located)
}

struct Parser<'a> {
    tokens: &'a [(Token, Range<usize>)],
    at: usize,
    end: usize,
}

impl<'a> Parser<'a> {
    fn whole(&mut self) -> Result<Expr, FilterError> {
        let expr = self.or(0)?;
        match self.peek() {
            None => Ok(expr),
            Some(Token::Close) => Err(FilterError::new(self.here(), "a parenthesis that was not opened")),
            Some(_) => Err(FilterError::new(self.here(), "expected `and` or `or` here")
                .fix("a value of several words is quoted: state=\"idle in transaction\"")),
        }
    }

    fn or(&mut self, depth: usize) -> Result<Expr, FilterError> {
        self.list(depth, &["or", "||"], Self::and, Expr::Or)
    }

    fn and(&mut self, depth: usize) -> Result<Expr, FilterError> {
        self.list(depth, &["and", "&&"], Self::not, Expr::And)
    }

    fn list(
        &mut self,
        depth: usize,
        words: &[&str],
        item: fn(&mut Self, usize) -> Result<Expr, FilterError>,
        made: fn(Vec<Expr>) -> Expr,
    ) -> Result<Expr, FilterError> {
        let first = item(self, depth)?;
        let mut items = vec![first];
        while self.took_word(words) {
            items.push(item(self, depth)?);
        }
        Ok(if items.len() == 1 { items.remove(0) } else { made(items) })
    }

    fn not(&mut self, depth: usize) -> Result<Expr, FilterError> {
        if depth > DEPTH_MAX {
            return Err(FilterError::new(
                self.here(),
                format!("more than {DEPTH_MAX} levels inside each other"),
            ));
        }
        if self.took_word(&["not", "!"]) {
            return Ok(Expr::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.took(&Token::Open) {
            let inner = self.or(depth + 1)?;
            if !self.took(&Token::Close) {
                return Err(FilterError::new(self.here(), "expected `)` here"));
            }
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr, FilterError> {
        let at = self.here();
        let Some((Token::Word(word), _)) = self.next() else {
            return Err(FilterError::new(at, "expected a field here").fix(names()));
        };
        let known = FIELDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        let Some((name, field)) = known else {
            let near = nearest(word, FIELDS.iter().map(|(name, _)| *name));
            let fix = near.map_or_else(names, |name| format!("did you mean {name}?"));
            return Err(FilterError::new(at, format!("unknown field {word:?}")).fix(fix));
        };
        if let Field::Flag(flag) = field {
            return self.flag(*flag);
        }
        let turned = self.took_word(&["not"]);
        if self.took_word(&["in"]) {
            let values = self.values()?;
            let found = one_of(*field, &values)?;
            return Ok(if turned { negated(found) } else { found });
        }
        let at = self.here();
        let operator = match self.next() {
            Some((Token::Operator(operator), _)) if !turned => *operator,
            _ => {
                let like = if matches!(field, Field::Age(_)) { ">5m" } else { "=..." };
                return Err(FilterError::new(at, format!("expected an operator behind {name}"))
                    .fix(format!("write {name}{like}, or one of = != ~ !~ =~ < <= > >= in (..)")));
            }
        };
        let value = self.value()?;
        compared(*field, name, operator, at, value)
    }

    /// `superuser`, or `superuser=no`.
    fn flag(&mut self, flag: FlagField) -> Result<Expr, FilterError> {
        let wanted = match self.peek() {
            Some(Token::Operator(Operator::Is)) => true,
            Some(Token::Operator(Operator::IsNot)) => false,
            _ => return Ok(Expr::Flag(flag)),
        };
        self.at += 1;
        let value = self.value()?;
        let said = match value.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => true,
            "false" | "no" | "off" => false,
            _ => return Err(FilterError::new(value.at, "expected yes or no")),
        };
        Ok(if said == wanted { Expr::Flag(flag) } else { negated(Expr::Flag(flag)) })
    }

    fn values(&mut self) -> Result<Vec<Value>, FilterError> {
        if !self.took(&Token::Open) {
            return Err(FilterError::new(self.here(), "expected `(` behind in").fix("write in (a, b)"));
        }
        let mut values = vec![self.value()?];
        loop {
            if self.took(&Token::Close) {
                return Ok(values);
            }
            if !self.took(&Token::Comma) {
                return Err(FilterError::new(self.here(), "expected `,` or `)` here"));
            }
            values.push(self.value()?);
        }
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        let at = self.here();
        match self.next() {
            Some((Token::Word(text) | Token::Quoted(text), at)) => {
                Ok(Value { text: text.clone(), at: at.clone() })
            }
            _ => Err(FilterError::new(at, "expected a value here")),
        }
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<&'a (Token, Range<usize>)> {
        let token = self.tokens.get(self.at);
        self.at += usize::from(token.is_some());
        token
    }

    fn here(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |(_, at)| at.clone())
    }

    fn took(&mut self, token: &Token) -> bool {
        let is = self.peek() == Some(token);
        self.at += usize::from(is);
        is
    }

    fn took_word(&mut self, words: &[&str]) -> bool {
        let is = match self.peek() {
            Some(Token::Word(word)) => words.iter().any(|known| known.eq_ignore_ascii_case(word)),
            _ => false,
        };
        self.at += usize::from(is);
        is
    }
}

/// What a field is compared with.
pub(super) struct Value {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

fn names() -> String {
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    format!("fields are {}", names.join(", "))
}

pub(super) fn negated(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

fn compared(
    field: Field,
    name: &str,
    operator: Operator,
    at: Range<usize>,
    value: Value,
) -> Result<Expr, FilterError> {
    let order = match operator {
        Operator::Is => return one_of(field, &[value]),
        Operator::IsNot => return one_of(field, &[value]).map(negated),
        Operator::Glob | Operator::NotGlob | Operator::Regex => {
            let Field::Text(field) = field else {
                return Err(FilterError::new(at, format!("{name} is not a text"))
                    .fix(format!("compare {name} with = != < <= > >=")));
            };
            return Ok(match operator {
                Operator::Regex => Expr::Text(field, TextTest::Regex(pattern(&value)?)),
                Operator::NotGlob => negated(glob(field, &value.text)),
                _ => glob(field, &value.text),
            });
        }
        Operator::Less => Order::Less,
        Operator::AtMost => Order::AtMost,
        Operator::AtLeast => Order::AtLeast,
        Operator::More => Order::More,
    };
    match field {
        Field::Pid => Ok(Expr::Pid(order, pid(&value)?)),
        Field::Age(field) => Ok(Expr::Age(field, order, span(&value)?)),
        Field::Text(_) | Field::Flag(_) => Err(FilterError::new(at, format!("{name} has no order"))
            .fix(format!("compare {name} with = != ~ !~ =~ or in (..)"))),
    }
}

/// `=` and `in`.
pub(super) fn one_of(field: Field, values: &[Value]) -> Result<Expr, FilterError> {
    match field {
        Field::Text(TextField::Client) => {
            values.iter().map(origin).collect::<Result<_, _>>().map(Expr::Client)
        }
        Field::Text(TextField::State) => {
            let names = values.iter().map(state).collect::<Result<_, _>>()?;
            Ok(Expr::Text(TextField::State, TextTest::Is(names)))
        }
        Field::Text(field) => {
            Ok(Expr::Text(field, TextTest::Is(values.iter().map(|value| value.text.clone()).collect())))
        }
        Field::Pid => values.iter().map(pid).collect::<Result<_, _>>().map(Expr::PidIn),
        Field::Age(field) => {
            let mut ages = values.iter().map(|value| Ok(Expr::Age(field, Order::Equal, span(value)?)));
            let first =
                ages.next().unwrap_or_else(|| Err(FilterError::new(0..0, "expected a value here")))?;
            let rest = ages.collect::<Result<Vec<_>, _>>()?;
            let all: Vec<Expr> = std::iter::once(first.clone()).chain(rest).collect();
            Ok(if all.len() == 1 { first } else { Expr::Or(all) })
        }
        Field::Flag(flag) => Ok(Expr::Flag(flag)),
    }
}

/// States may be written with underscores, as in JSON.
pub(super) fn glob(field: TextField, text: &str) -> Expr {
    let text = if field == TextField::State { text.replace('_', " ") } else { text.to_owned() };
    Expr::Text(field, TextTest::Glob(Glob::new(text)))
}

pub(super) fn pattern(value: &Value) -> Result<Pattern, FilterError> {
    RegexBuilder::new(&value.text).size_limit(REGEX_BYTES_MAX).build().map(Pattern).map_err(|error| {
        let said = error.to_string();
        let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        FilterError::new(value.at.clone(), format!("not a regular expression: {last}"))
    })
}

pub(super) fn pid(value: &Value) -> Result<i32, FilterError> {
    let number = value.text.parse().ok().filter(|pid| *pid > 0);
    number.ok_or_else(|| FilterError::new(value.at.clone(), format!("{:?} is not a process id", value.text)))
}

fn span(value: &Value) -> Result<Span, FilterError> {
    value.text.parse().map_err(|wrong: String| match wrong.split_once("; ") {
        Some((what, fix)) => FilterError::new(value.at.clone(), what).fix(fix),
        None => FilterError::new(value.at.clone(), wrong),
    })
}

pub(super) fn origin(value: &Value) -> Result<Origin, FilterError> {
    value.text.parse().map_err(|()| {
        FilterError::new(value.at.clone(), format!("{:?} is not an address", value.text))
            .fix("write 10.1.2.3, a network like 10.0.0.0/8, or local; for a pattern client~\"10.1.*\"")
    })
}

/// The states a session can be seen in; `hidden` is a field of its own.
const STATES: [State; 7] = [
    State::Active,
    State::Idle,
    State::IdleInTransaction,
    State::IdleInTransactionAborted,
    State::Fastpath,
    State::Starting,
    State::Disabled,
];

/// PostgreSQL's name of a state, also from `idle_in_transaction`, `idle_in_transaction_aborted` and `fastpath`.
fn state(value: &Value) -> Result<String, FilterError> {
    let plain = |text: &str| {
        text.to_lowercase().replace(['_', '(', ')'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let wanted = plain(&value.text);
    let known = STATES.iter().map(|state| state.name());
    let found = known
        .clone()
        .find(|name| plain(name) == wanted || (wanted == "fastpath" && name.starts_with(&wanted)));
    found.map(str::to_owned).ok_or_else(|| {
        let near = nearest(&wanted, known.clone());
        let fix = near.map_or_else(
            || format!("states are {}", known.clone().collect::<Vec<_>>().join(", ")),
            |name| format!("did you mean {name:?}?"),
        );
        FilterError::new(value.at.clone(), format!("unknown state {:?}", value.text)).fix(fix)
    })
}
