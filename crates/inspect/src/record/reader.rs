//! Reading a file of samples, line by line.

use std::io::{self, BufRead};

use thiserror::Error;

use super::line::{Entry, Misread, SCHEMA};

/// Longest line that is taken: some 50,000 sessions.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is wrong with a file, and in which line.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The system said no.
    #[error("line {line}: {error}")]
    Io {
        /// The line that was being read, from 1.
        line: u64,
        /// The system's words.
        error: io::Error,
    },
    /// The first line is not ours.
    #[error("not a recording: its first line does not say \"schema\":\"{SCHEMA}\"")]
    Foreign,
    /// The schema of something else.
    #[error("line {line}: schema {schema:?} where {SCHEMA:?} is understood")]
    Schema {
        /// From 1.
        line: u64,
        /// What it says.
        schema: String,
    },
    /// Not what a line looks like.
    #[error("line {line}: {error}")]
    Broken {
        /// From 1.
        line: u64,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// Too long.
    #[error("line {line} is longer than {bytes_max} bytes")]
    TooLong {
        /// From 1.
        line: u64,
        /// The limit.
        bytes_max: u64,
    },
}

/// Reads entries in order. A last line that was cut off while it was written is not an error, it is passed over.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: u64,
    torn: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads from `input`, at its beginning.
    pub fn new(input: R) -> Self {
        Self { input, line: 0, torn: false }
    }

    /// The last line ended in the middle.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// Of the system; a line that is no line of ours. Reading can go on behind it.
    pub fn entry(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            let Some(text) = self.text()? else { return Ok(None) };
            let whole = text.ends_with('\n');
            if text.trim().is_empty() {
                continue;
            }
            let line = self.line;
            let first = line == 1;
            return match Entry::read(&text) {
                Ok(entry) if first && !matches!(entry, Entry::Origin(_)) => Err(ReadError::Foreign),
                Ok(entry) => Ok(Some(entry)),
                Err(_) if !whole && !first => {
                    self.torn = true;
                    Ok(None)
                }
                Err(Misread::Schema(schema)) => Err(ReadError::Schema { line, schema }),
                Err(Misread::Json(_)) if first => Err(ReadError::Foreign),
                Err(Misread::Json(error)) => Err(ReadError::Broken { line, error }),
            };
        }
    }

    /// A line with its end. Bytes that are not UTF-8 make the JSON fail, which is told with the line.
    fn text(&mut self) -> Result<Option<String>, ReadError> {
        let mut bytes = Vec::new();
        self.line += 1;
        let line = self.line;
        let mut limited = io::Read::take(&mut self.input, LINE_BYTES_MAX);
        let read = limited.read_until(b'\n', &mut bytes).map_err(|error| ReadError::Io { line, error })?;
        if read as u64 >= LINE_BYTES_MAX {
            return Err(ReadError::TooLong { line, bytes_max: LINE_BYTES_MAX });
        }
        Ok((read > 0).then(|| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Origin;

    const HEAD: &str = r#"{"schema":"connwarden.samples/1","place":"db:5432","interval_s":5.0,"later":true}"#;

    fn read(text: &str) -> (Vec<Entry>, Option<String>, bool) {
        let mut reader = Reader::new(text.as_bytes());
        let mut entries = Vec::new();
        loop {
            match reader.entry() {
                Ok(Some(entry)) => entries.push(entry),
                Ok(None) => return (entries, None, reader.is_torn()),
                Err(error) => return (entries, Some(error.to_string()), reader.is_torn()),
            }
        }
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let sample = r#"{"facts":{"version_num":150013,"later":1},"texts":["a"],"sessions":[{"pid":7,"app":0,"from":"local","st":"idle","later":[]}],"later":2}"#;
        let (entries, error, _) = read(&format!("{HEAD}\n{sample}\n"));
        assert_eq!(error, None);
        assert_eq!(entries[0], Entry::Origin(Origin { place: "db:5432".into(), interval_s: 5.0 }));
        let Entry::Sample(sample) = &entries[1] else { panic!("{entries:?}") };
        assert_eq!((sample.facts.version_num, sample.sessions[0].application.as_str()), (150_013, "a"));
    }

    #[test]
    fn a_torn_last_line_is_the_end_and_not_an_error() {
        let (entries, error, torn) =
            read(&format!("{HEAD}\n{{\"failed_us\":1,\"why\":\"x\"}}\n{{\"facts\":{{\"ver"));
        assert_eq!((entries.len(), error, torn), (2, None, true));
    }

    #[test]
    fn a_broken_line_in_the_middle_is_told_with_its_number() {
        let (entries, error, _) = read(&format!("{HEAD}\n{{\"facts\":\n{{\"failed_us\":1,\"why\":\"x\"}}\n"));
        assert_eq!(entries.len(), 1);
        assert!(error.as_deref().is_some_and(|error| error.starts_with("line 2: ")), "{error:?}");
    }

    #[test]
    fn another_file_is_refused_and_said_so() {
        assert!(read("pid,app\n1,x\n").1.is_some_and(|error| error.starts_with("not a recording")));
        assert!(
            read(r#"{"facts":{},"texts":[],"sessions":[]}"#)
                .1
                .is_some_and(|error| error.starts_with("not a recording"))
        );
        let other = read("{\"schema\":\"connwarden.samples/9\"}\n").1;
        assert!(other.as_deref().is_some_and(|error| error.contains("samples/9")), "{other:?}");
        assert_eq!(read(""), (Vec::new(), None, false));
    }
}
