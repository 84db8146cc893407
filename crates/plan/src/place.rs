//! Where something is written, and what lets a reader look into files.

use std::fmt;
use std::sync::Arc;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file's name, as it was given or as it was found from there.
    pub file: Arc<str>,
    /// From 1; 0 means the file as a whole.
    pub line: u32,
    /// In characters, from 1; 0 with line 0.
    pub column: u32,
}

impl Place {
    /// A line and a column of a file, both from 1.
    pub fn new(file: &Arc<str>, line: u32, column: u32) -> Self {
        Self { file: Arc::clone(file), line, column }
    }

    /// The file as a whole.
    pub fn whole(file: &Arc<str>) -> Self {
        Self::new(file, 0, 0)
    }

    /// The line and column of a byte of a text.
    pub fn of_byte(file: &Arc<str>, text: &str, byte: usize) -> Self {
        let mut byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &text[..byte];
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self::new(file, count(before.matches('\n').count() + 1), count(before[begin..].chars().count() + 1))
    }
}

/// Where the lines of a text begin: whoever asks for many places of one text counts them once.
#[derive(Clone, Debug)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// The lines of a text; there is at least one.
    pub fn of(text: &str) -> Self {
        let behind = text.bytes().enumerate().filter(|(_, c)| *c == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(behind).collect())
    }

    /// Which line a byte is in, from 0.
    pub fn index(&self, byte: usize) -> usize {
        self.0.partition_point(|begin| *begin <= byte).saturating_sub(1)
    }

    /// The byte that a line begins at, counted from 0.
    pub fn begin(&self, index: usize) -> Option<usize> {
        self.0.get(index).copied()
    }

    /// The line and column of a byte of this text.
    pub fn place(&self, file: &Arc<str>, text: &str, byte: usize) -> Place {
        let line = self.index(byte);
        let begin = self.begin(line).unwrap_or(0);
        let letters = text.get(begin..byte).map_or(0, |before| before.chars().count());
        let from_one = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        Place::new(file, from_one(line), from_one(letters))
    }
}

/// `file:line`, as tables show it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// A word with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What is written, resolved: quotes, escapes and variables are gone.
    pub text: String,
    /// Where.
    pub place: Place,
}

impl Text {
    /// A word at a place.
    pub fn new(text: impl Into<String>, place: Place) -> Self {
        Self { text: text.into(), place }
    }
}

/// The most a file may hold: 4 MiB. A larger one is no description of a deployment.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The files around those that were named: env files, extended and included ones.
pub trait Files {
    /// The text of the file of this path, or why there is none. Refuses what is longer than [`FILE_BYTES_MAX`].
    ///
    /// # Errors
    /// A sentence without the path: "no such file".
    fn text(&self, path: &str) -> Result<Arc<str>, String>;
}

impl Files for std::collections::BTreeMap<String, String> {
    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        self.get(path).map(|text| text.as_str().into()).ok_or_else(|| "no such file".into())
    }
}

/// A path as it is meant in a file: relative ones start from that file's folder. `./` and `x/../` are resolved.
pub fn beside(file: &str, path: &str) -> String {
    let whole = match (path.starts_with('/'), file.rfind('/')) {
        (false, Some(at)) => format!("{}/{path}", &file[..at]),
        _ => path.to_owned(),
    };
    let mut kept: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "." => {}
            "" if !kept.is_empty() => {}
            ".." if kept.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_a_line_and_a_column_in_characters() {
        let file: Arc<str> = "f".into();
        let place = |byte| {
            let place = Place::of_byte(&file, "é: 1\nzwei: 2", byte);
            (place.line, place.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(2), (1, 2));
        assert_eq!(place(6), (2, 1));
        assert_eq!(place(99), (2, 8));
        let text = "é: 1\nzwei: 2";
        let lines = Lines::of(text);
        for (byte, _) in text.char_indices() {
            assert_eq!(lines.place(&file, text, byte), Place::of_byte(&file, text, byte), "{byte}");
        }
        assert_eq!(Place::whole(&file).to_string(), "f");
        assert_eq!(Place::new(&file, 3, 1).to_string(), "f:3");
    }

    #[test]
    fn a_path_is_meant_from_the_folder_of_the_file_that_names_it() {
        assert_eq!(beside("compose.yaml", ".env"), ".env");
        assert_eq!(beside("deploy/compose.yaml", "./env/../api.env"), "deploy/api.env");
        assert_eq!(beside("deploy/compose.yaml", "../base.yaml"), "base.yaml");
        assert_eq!(beside("../compose.yaml", "../a"), "../../a");
        assert_eq!(beside("/srv/a/compose.yaml", "b/c"), "/srv/a/b/c");
        assert_eq!(beside("x/compose.yaml", "/etc/a"), "/etc/a");
    }
}
