//! Rows under columns, as plain text until somebody sends them.

/// What a column holds, by the type PgBouncer gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// int4
    Int4,
    /// int8
    Int8,
    /// numeric, whole numbers only
    Numeric,
    /// text
    Text,
}

impl Type {
    /// PostgreSQL's number of the type (`pg_type.oid`).
    pub const fn oid(self) -> u32 {
        match self {
            Type::Int4 => 23,
            Type::Int8 => 20,
            Type::Numeric => 1700,
            Type::Text => 25,
        }
    }
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// What it holds.
    pub kind: Type,
}

/// The columns of one answer.
pub type Columns = &'static [Column];
/// One row: a text or null per column.
pub type Row = Vec<Option<String>>;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Headings and types.
    pub columns: Columns,
    /// Rows, each as long as the columns.
    pub rows: Vec<Row>,
}

impl Table {
    /// A table; every row must fit the columns.
    pub fn new(columns: Columns, rows: Vec<Row>) -> Self {
        assert!(rows.iter().all(|row| row.len() == columns.len()), "rows fit their columns");
        Self { columns, rows }
    }
}

/// A number as a cell.
pub fn number(number: impl Into<u64>) -> Option<String> {
    Some(number.into().to_string())
}

/// A text as a cell.
pub fn text(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

/// A switch as PgBouncer prints it where the column is a number.
pub fn switch(on: bool) -> Option<String> {
    number(u64::from(on))
}
