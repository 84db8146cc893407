//! The file of earlier looks: JSON lines below a line that says what it is. Bounded.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use inspect::checks::{HISTORY_SCHEMA, Point};

use crate::say;

/// Looks that are kept.
const LINES_MAX: usize = 10_000;
/// The file is written anew once it holds so many more.
const SLACK: usize = 1_000;

/// Earlier looks, in memory and, where a file was named, in it.
#[derive(Debug, Default)]
pub(crate) struct History {
    path: Option<PathBuf>,
    points: Vec<Point>,
    /// Lines of the file, the first not counted.
    lines: usize,
}

impl History {
    /// Reads the file; one that is not there is made at the first look.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else, which shall not be written over.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let mut lines = text.lines();
        if let Some(first) = lines.next()
            && !first.contains(HISTORY_SCHEMA)
        {
            return Err(format!(
                "{}: this is no history; name a file that does not exist yet",
                path.display()
            ));
        }
        let lines: Vec<&str> = lines.collect();
        let points: Vec<Point> = lines.iter().filter_map(|line| Point::read(line)).collect();
        if points.len() < lines.len() {
            let torn = lines.len() - points.len();
            say::err(&format!("warning: {}: {torn} lines are torn and left out", path.display()));
        }
        Ok(Self { path: Some(path), lines: lines.len(), points })
    }

    /// Earlier looks at this server.
    pub(crate) fn of(&self, place: &str) -> Vec<Point> {
        self.points.iter().filter(|point| point.place == place).cloned().collect()
    }

    /// Keeps a look. A file that cannot be written is told and changes no verdict.
    pub(crate) fn keep(&mut self, point: Point) {
        let line = point.line();
        self.points.push(point);
        if self.points.len() > LINES_MAX + SLACK {
            self.points.drain(..self.points.len() - LINES_MAX);
        }
        let Some(path) = self.path.clone() else { return };
        if let Err(error) = self.write(&path, &line) {
            say::err(&format!("warning: {}: {error}", path.display()));
        }
    }

    fn write(&mut self, path: &Path, line: &str) -> std::io::Result<()> {
        let header = format!("{{\"schema\":\"{HISTORY_SCHEMA}\"}}\n");
        if self.lines < LINES_MAX + SLACK {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            let start = if file.metadata()?.len() == 0 { header.as_str() } else { "" };
            file.write_all(format!("{start}{line}\n").as_bytes())?;
            self.lines += 1;
            return Ok(());
        }
        let kept = &self.points[self.points.len().saturating_sub(LINES_MAX)..];
        let lines: String = kept.iter().map(|point| point.line() + "\n").collect();
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}", std::process::id()));
        fs::write(&beside, header + &lines)?;
        fs::rename(&beside, path)?;
        self.lines = kept.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(ts_us: i64) -> Point {
        Point { ts_us, place: "db".into(), total: 1, usable: 97, ..Point::default() }
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("connwarden-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn what_was_kept_is_there_at_the_next_look_and_of_this_server_alone() {
        let folder = folder("kept");
        let path = folder.join("history");
        let mut history = History::open(Some(path.clone())).unwrap();
        history.keep(point(1));
        history.keep(Point { place: "other".into(), ..point(2) });
        let again = History::open(Some(path)).unwrap();
        assert_eq!(again.of("db"), [point(1)]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_file_is_bounded_and_keeps_the_last() {
        let folder = folder("bounded");
        let path = folder.join("history");
        let lines: String = (0..11_000).map(|at| point(at).line() + "\n").collect();
        fs::write(&path, format!("{{\"schema\":\"{HISTORY_SCHEMA}\"}}\n{lines}")).unwrap();
        let mut history = History::open(Some(path.clone())).unwrap();
        history.keep(point(11_000));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 10_001);
        assert_eq!(text.lines().last().and_then(Point::read), Some(point(11_000)));
        assert_eq!(text.lines().nth(1).and_then(Point::read), Some(point(1_001)));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn another_file_is_not_written_into_and_a_torn_line_is_left_out() {
        let folder = folder("other");
        let path = folder.join("history");
        fs::write(&path, "root:x:0:0\n").unwrap();
        assert!(History::open(Some(path.clone())).is_err());
        fs::write(&path, format!("{{\"schema\":\"{HISTORY_SCHEMA}\"}}\n{}\n{{\"ts_us\":5", point(4).line()))
            .unwrap();
        assert_eq!(History::open(Some(path)).unwrap().of("db"), [point(4)]);
        fs::remove_dir_all(folder).unwrap();
    }
}
