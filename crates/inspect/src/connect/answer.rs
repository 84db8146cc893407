//! What a statement returned: rows of text, read by the names of their columns.

use std::str::FromStr;

use super::AskError;

/// One statement's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Answer {
    /// Without rows yet. Columns by their names, in order.
    pub fn new(columns: Vec<String>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// One more row, its values as text in the columns' order; `None` for NULL.
    ///
    /// # Errors
    /// More or fewer values than columns.
    pub fn push(&mut self, row: Vec<Option<String>>) -> Result<(), AskError> {
        if row.len() != self.columns.len() {
            return Err(AskError::Shape(format!("{} columns and {} values", self.columns.len(), row.len())));
        }
        self.rows.push(row);
        Ok(())
    }

    /// The columns' names, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// All rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { columns: &self.columns, values })
    }

    /// The only row.
    ///
    /// # Errors
    /// None, or several.
    pub fn only(&self) -> Result<Row<'_>, AskError> {
        match self.rows.as_slice() {
            [values] => Ok(Row { columns: &self.columns, values }),
            rows => Err(AskError::Shape(format!("{} rows where one was expected", rows.len()))),
        }
    }
}

/// One row. A column that is not there, and a value that does not parse, are errors: the server is not what it seems.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    columns: &'a [String],
    values: &'a [Option<String>],
}

impl<'a> Row<'a> {
    /// A text; `None` for NULL.
    pub fn text(&self, column: &str) -> Result<Option<&'a str>, AskError> {
        let at = self.columns.iter().position(|name| name == column);
        let at = at.ok_or_else(|| AskError::Shape(format!("no column {column}")))?;
        Ok(self.values[at].as_deref())
    }

    /// A text of our own; `None` for NULL.
    pub fn owned(&self, column: &str) -> Result<Option<String>, AskError> {
        Ok(self.text(column)?.map(str::to_owned))
    }

    /// Anything that is written in text; `None` for NULL.
    pub fn maybe<T: FromStr>(&self, column: &str) -> Result<Option<T>, AskError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| AskError::Shape(format!("{column} is {text:?}")))
    }

    /// Anything that is written in text and never NULL.
    pub fn value<T: FromStr>(&self, column: &str) -> Result<T, AskError> {
        self.maybe(column)?.ok_or_else(|| AskError::Shape(format!("{column} is NULL")))
    }

    /// `t` or `f`; NULL is false.
    pub fn flag(&self, column: &str) -> Result<bool, AskError> {
        Ok(self.text(column)? == Some("t"))
    }
}
