//! Words, quoted texts, operators.

use std::ops::Range;

use super::error::FilterError;

/// What stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Quoted(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Is,
    IsNot,
    Glob,
    NotGlob,
    Regex,
    Less,
    AtMost,
    AtLeast,
    More,
}

/// The longer ones first.
const OPERATORS: [(&str, Operator); 11] = [
    ("==", Operator::Is),
    ("=~", Operator::Regex),
    ("!=", Operator::IsNot),
    ("<>", Operator::IsNot),
    ("!~", Operator::NotGlob),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Is),
    ("~", Operator::Glob),
    ("<", Operator::Less),
    (">", Operator::More),
];
/// Longest filter.
const BYTES_MAX: usize = 16 * 1024;

/// Tokens with the bytes they take.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, FilterError> {
    if text.len() > BYTES_MAX {
        return Err(FilterError::new(
            0..0,
            format!("a filter of {} bytes; {BYTES_MAX} are allowed", text.len()),
        ));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let operator = OPERATORS.iter().find(|(symbol, _)| rest.starts_with(symbol));
        let (token, length) = match c {
            _ if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '"' | '\'' => quoted(rest, c).ok_or_else(|| {
                FilterError::new(at..at + 1, "a quote that is not closed")
                    .fix(format!("write {c} at its end"))
            })?,
            _ => match operator {
                Some((symbol, operator)) => (Token::Operator(*operator), symbol.len()),
                None => word(rest),
            },
        };
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

/// A doubled quote stands for one; a backslash for itself, as regular expressions want it.
fn quoted(rest: &str, quote: char) -> Option<(Token, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
            text.push(quote);
        } else {
            return Some((Token::Quoted(text), at + 1));
        }
    }
    None
}

fn word(rest: &str) -> (Token, usize) {
    let ends = |c: char| c.is_whitespace() || "()\"',=<>~".contains(c);
    let mut end = rest.find(ends).unwrap_or(rest.len());
    // `app!=x`: the mark belongs to the operator.
    let cut = rest[..end].find('!').filter(|cut| *cut > 0 && rest[cut + 1..].starts_with(['=', '~']));
    end = cut.unwrap_or(end).max(rest.chars().next().map_or(0, char::len_utf8));
    (Token::Word(rest[..end].to_owned()), end)
}
