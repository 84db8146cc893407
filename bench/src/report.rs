//! Results for people (a table on standard output) and for programs (a JSON file).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde_json::{Value, json};

/// A table; every row has as many cells as there are columns.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { rows: vec![columns.iter().map(|&column| column.to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.rows[0].len(), "a row has a cell for each column");
        self.rows.push(cells);
    }
}

impl std::fmt::Display for Table {
    /// As Markdown, so that it can be put into a document as it is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let widths: Vec<usize> = (0..self.rows[0].len())
            .map(|at| self.rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
            .collect();
        for (number, row) in self.rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                for width in &widths {
                    write!(f, "|{:-<width$}", "", width = width + 2)?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// Prints the table and writes the file `target/bench/MEASUREMENT.json`, or the one asked for.
pub(crate) fn publish(
    measurement: &str,
    file: Option<&Path>,
    table: &Table,
    circumstances: &Value,
    results: &Value,
) -> anyhow::Result<()> {
    println!("{table}");
    let file =
        file.map_or_else(|| PathBuf::from(format!("target/bench/{measurement}.json")), Path::to_path_buf);
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let document = json!({
        "measurement": measurement,
        "ended_unix_seconds": seconds,
        "command": std::env::args().skip(1).collect::<Vec<_>>(),
        "circumstances": circumstances,
        "results": results,
    });
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&file, format!("{document:#}\n"))
        .with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("written: {}", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["a", "long"]);
        table.row(vec!["12".to_owned(), "x".to_owned()]);
        assert_eq!(table.to_string(), "| a  | long |\n|----|------|\n| 12 | x    |\n");
    }
}
