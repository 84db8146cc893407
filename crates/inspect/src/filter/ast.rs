//! What a filter means. Negated operators are `Not` around the plain one, so there is one way to say a thing.

use std::fmt;

use super::glob::Glob;
use super::network::Origin;
use super::span::Span;

/// A condition. `And` and `Or` hold two or more.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Text(TextField, TextTest),
    Client(Vec<Origin>),
    Pid(Order, i32),
    PidIn(Vec<i32>),
    Age(AgeField, Order, Span),
    Flag(FlagField),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
}

/// Fields that are texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextField {
    App,
    User,
    Db,
    Client,
    State,
    Query,
    Wait,
}

/// Fields that are ages. `Idle` is the time outside of a transaction, `Xact` the time in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgeField {
    Login,
    Idle,
    Xact,
    State,
}

/// Fields that are true or false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlagField {
    Superuser,
    Hidden,
}

/// What is asked of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TextTest {
    Is(Vec<String>),
    Glob(Glob),
    /// The same, large letters or small. What is written is a regular expression that says so.
    AnyCase(Glob),
    Regex(Pattern),
}

/// Which side a number or an age is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

/// A regular expression that compiles; equal if its text is.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub(super) regex::Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// Every field by its name in the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Text(TextField),
    Pid,
    Age(AgeField),
    Flag(FlagField),
}

pub(super) const FIELDS: [(&str, Field); 14] = [
    ("app", Field::Text(TextField::App)),
    ("user", Field::Text(TextField::User)),
    ("db", Field::Text(TextField::Db)),
    ("client", Field::Text(TextField::Client)),
    ("state", Field::Text(TextField::State)),
    ("pid", Field::Pid),
    ("query", Field::Text(TextField::Query)),
    ("wait", Field::Text(TextField::Wait)),
    ("age", Field::Age(AgeField::Login)),
    ("idle", Field::Age(AgeField::Idle)),
    ("xact", Field::Age(AgeField::Xact)),
    ("state_age", Field::Age(AgeField::State)),
    ("superuser", Field::Flag(FlagField::Superuser)),
    ("hidden", Field::Flag(FlagField::Hidden)),
];

impl Order {
    pub(super) fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::AtLeast => left >= right,
            Self::More => left > right,
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }
}

fn name(field: Field) -> &'static str {
    FIELDS.iter().find(|(_, known)| *known == field).map_or("", |(name, _)| name)
}

/// The regular expression of a glob: of the whole text, large letters or small, over the ends of lines.
fn any_case(glob: &Glob) -> String {
    let pieces = glob.as_str().chars().map(|c| match c {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        c => regex::escape(c.encode_utf8(&mut [0; 4])),
    });
    format!(r"(?is)\A{}\z", pieces.collect::<String>())
}

/// Quoted; a quote inside is doubled.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn one_of(f: &mut fmt::Formatter<'_>, field: Field, values: &[String]) -> fmt::Result {
    match values {
        [value] => write!(f, "{} = {value}", name(field)),
        values => write!(f, "{} in ({})", name(field), values.join(", ")),
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(field, TextTest::Is(texts)) => {
                one_of(f, Field::Text(*field), &texts.iter().map(|text| quoted(text)).collect::<Vec<_>>())
            }
            Self::Text(field, TextTest::Glob(glob)) => {
                write!(f, "{} ~ {}", name(Field::Text(*field)), quoted(glob.as_str()))
            }
            Self::Text(field, TextTest::AnyCase(glob)) => {
                write!(f, "{} =~ {}", name(Field::Text(*field)), quoted(&any_case(glob)))
            }
            Self::Text(field, TextTest::Regex(Pattern(regex))) => {
                write!(f, "{} =~ {}", name(Field::Text(*field)), quoted(regex.as_str()))
            }
            Self::Client(origins) => {
                let origins: Vec<String> = origins.iter().map(Origin::to_string).collect();
                one_of(f, Field::Text(TextField::Client), &origins)
            }
            Self::Pid(order, pid) => write!(f, "pid {} {pid}", order.symbol()),
            Self::PidIn(pids) => one_of(f, Field::Pid, &pids.iter().map(i32::to_string).collect::<Vec<_>>()),
            Self::Age(field, order, span) => {
                write!(f, "{} {} {span}", name(Field::Age(*field)), order.symbol())
            }
            Self::Flag(field) => f.write_str(name(Field::Flag(*field))),
            Self::Not(inner) => match **inner {
                Self::And(_) | Self::Or(_) => write!(f, "not ({inner})"),
                _ => write!(f, "not {inner}"),
            },
            Self::And(items) => joined(f, items, " and ", |item| matches!(item, Self::And(_) | Self::Or(_))),
            Self::Or(items) => joined(f, items, " or ", |item| matches!(item, Self::Or(_))),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, items: &[Expr], word: &str, wraps: fn(&Expr) -> bool) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        if wraps(item) {
            write!(f, "({item})")?;
        } else {
            write!(f, "{item}")?;
        }
    }
    Ok(())
}
