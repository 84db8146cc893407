//! What the console answers, and how that looks on the wire. Manual: "Message Flow", "Message Formats".

use wire::encode::{self, ErrorText};
use wire::sqlstate::SqlState;

use super::table::{Columns, Row, Table, Type};
use crate::control::NoAnswer;

/// An answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To nothing.
    Empty,
    /// Rows; their tag is always SHOW.
    Rows(Table),
    /// It is done.
    Done {
        /// The tag.
        tag: String,
        /// A NOTICE before it, and its DETAIL.
        notice: Option<(&'static str, Option<&'static str>)>,
    },
}

impl Reply {
    /// Done, without more words.
    pub fn done(tag: impl Into<String>) -> Self {
        Self::Done { tag: tag.into(), notice: None }
    }
    /// Done, with a NOTICE.
    pub fn noted(tag: impl Into<String>, notice: &'static str, detail: Option<&'static str>) -> Self {
        Self::Done { tag: tag.into(), notice: Some((notice, detail)) }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Said to the guest, who stays.
    Error {
        /// SQLSTATE.
        code: SqlState,
        /// The text; PgBouncer's where it has one.
        message: String,
        /// More.
        detail: Option<String>,
    },
    /// The process ends, and that is the answer: the connection is closed without a word.
    Ended,
}

impl Failure {
    /// PgBouncer's errors all have this code.
    pub fn plain(message: impl Into<String>) -> Self {
        Self::Error { code: SqlState::PROTOCOL_VIOLATION, message: message.into(), detail: None }
    }
    /// The same, with more words.
    pub fn explained(message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Error {
            code: SqlState::PROTOCOL_VIOLATION,
            message: message.into(),
            detail: Some(detail.into()),
        }
    }
}

impl From<NoAnswer> for Failure {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Ended => Self::Ended,
            NoAnswer::Late => Self::plain(why.to_string()),
        }
    }
}

/// How values of a result are wanted: format codes as Bind has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formats(pub Vec<u16>);

impl Formats {
    /// True where the column is wanted in binary.
    pub fn is_binary(&self, column: usize) -> bool {
        match self.0[..] {
            [] => false,
            [all] => all == 1,
            _ => self.0.get(column) == Some(&1),
        }
    }
}

/// RowDescription, or NoData where there are no columns.
pub fn put_columns(out: &mut Vec<u8>, columns: Columns, formats: &Formats) {
    if columns.is_empty() {
        return encode::no_data(out);
    }
    let start = out.len();
    let described: Vec<_> = columns
        .iter()
        .map(|column| encode::Column { name: column.name, type_oid: column.kind.oid() })
        .collect();
    encode::row_description(out, &described);
    // The writer knows text only: each field's last two bytes are its format.
    let mut at = start + 7;
    for (index, column) in columns.iter().enumerate() {
        at += column.name.len() + 1 + 18;
        out[at - 1] = u8::from(formats.is_binary(index));
    }
}

/// DataRow.
pub fn put_row(out: &mut Vec<u8>, columns: Columns, row: &Row, formats: &Formats) {
    let cell = |(index, (cell, column)): (usize, (&Option<String>, &super::table::Column))| {
        let text = cell.as_ref()?;
        Some(if formats.is_binary(index) { binary(column.kind, text) } else { text.clone().into_bytes() })
    };
    let cells: Vec<_> = row.iter().zip(columns).enumerate().map(cell).collect();
    let cells: Vec<_> = cells.iter().map(Option::as_deref).collect();
    encode::data_row(out, &cells);
}

/// A value in the type's binary form. What is no number where one belongs is a fault of the rows' makers.
fn binary(kind: Type, text: &str) -> Vec<u8> {
    let number: u64 = text.parse().unwrap_or(0);
    match kind {
        Type::Text => text.as_bytes().to_vec(),
        Type::Int4 => i32::try_from(number).unwrap_or(i32::MAX).to_be_bytes().to_vec(),
        Type::Int8 => i64::try_from(number).unwrap_or(i64::MAX).to_be_bytes().to_vec(),
        Type::Numeric => numeric(number),
    }
}

/// A whole number as `numeric_send` writes it: count of base-10000 digits, weight of the first, sign, scale, digits.
fn numeric(mut number: u64) -> Vec<u8> {
    let mut digits = Vec::new();
    while number > 0 {
        digits.push((number % 10_000) as u16);
        number /= 10_000;
    }
    let weight = digits.len().saturating_sub(1) as u16;
    let head = [digits.len() as u16, weight, 0, 0];
    head.into_iter().chain(digits.into_iter().rev()).flat_map(u16::to_be_bytes).collect()
}

/// An error.
pub fn put_error(out: &mut Vec<u8>, severity: &str, code: SqlState, message: &str, detail: Option<&str>) {
    encode::error(out, &ErrorText { severity, code, message, detail, hint: None });
}

/// A notice.
pub fn put_notice(out: &mut Vec<u8>, message: &str, detail: Option<&str>) {
    let code = SqlState::SUCCESSFUL_COMPLETION;
    encode::notice(out, &ErrorText { severity: "NOTICE", code, message, detail, hint: None });
}

#[cfg(test)]
mod tests {
    use super::super::columns;
    use super::*;

    #[test]
    fn numbers_in_binary_are_as_the_server_sends_them() {
        assert_eq!(numeric(0), [0, 0, 0, 0, 0, 0, 0, 0]);
        // select numeric_send(12345678): 1234 5678
        assert_eq!(numeric(12_345_678), [0, 2, 0, 1, 0, 0, 0, 0, 0x04, 0xd2, 0x16, 0x2e]);
        assert_eq!(numeric(10_000), [0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(binary(Type::Int4, "7"), [0, 0, 0, 7]);
    }

    #[test]
    fn a_description_says_which_columns_are_binary() {
        let mut out = Vec::new();
        put_columns(&mut out, columns::LISTS, &Formats(vec![0, 1]));
        assert_eq!(out.len(), 7 + "list".len() + 19 + "items".len() + 19);
        assert_eq!((out[7 + 4 + 18], out[out.len() - 1]), (0, 1));
        assert_eq!(out[out.len() - 9..out.len() - 8], [23]);
    }
}
