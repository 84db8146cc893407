//! Writing a file of samples, within bounds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::line::{Entry, Origin};
use super::reader::Reader;

/// Why nothing is recorded.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The name does not say what it is.
    #[error("{}: the name of a recording ends in .cwlog", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// Something else is there, and stays.
    #[error("{}: it is there already and is not a recording", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The system said no.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
}

/// A file that is being written. When it reaches its limit it becomes `NAME.1.cwlog`, in the place of an older one, and a
/// new file is begun: together they never hold more than twice the limit.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: File,
    origin: Origin,
    bytes: u64,
    bytes_max: u64,
}

impl Recording {
    /// Begins a file, or goes on with one that is a recording. `bytes_max` is the limit of one file.
    ///
    /// # Errors
    /// Another name than `*.cwlog`, a file of something else, the system.
    pub fn open(path: &Path, origin: Origin, bytes_max: u64) -> Result<Self, RecordingError> {
        let owned = path.to_path_buf();
        if path.extension().is_none_or(|ending| ending != "cwlog") {
            return Err(RecordingError::Name { path: owned });
        }
        let io = |error| RecordingError::Io { path: path.to_path_buf(), error };
        let mut file = own_file(path).map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        if bytes > 0 {
            let first = Reader::new(BufReader::new(&mut file)).entry();
            if !matches!(first, Ok(Some(Entry::Origin(_)))) {
                return Err(RecordingError::Foreign { path: owned });
            }
        }
        let mut recording = Self { path: owned, file, origin, bytes, bytes_max };
        recording.end_torn_line().map_err(io)?;
        recording.head()?;
        Ok(recording)
    }

    /// Adds an entry. Returns where the full file went, if it was full.
    ///
    /// # Errors
    /// Of the system; the entry may be written in part.
    pub fn add(&mut self, entry: &Entry) -> Result<Option<PathBuf>, RecordingError> {
        let text = entry.written().map_err(|error| self.failed(error.into()))?;
        let full = self.bytes > 0 && self.bytes + text.len() as u64 + 1 > self.bytes_max;
        let moved = if full { Some(self.begin_anew()?) } else { None };
        self.write(&text)?;
        Ok(moved)
    }

    fn begin_anew(&mut self) -> Result<PathBuf, RecordingError> {
        let older = self.path.with_extension("1.cwlog");
        fs::rename(&self.path, &older).map_err(|error| self.failed(error))?;
        self.file = own_file(&self.path).map_err(|error| self.failed(error))?;
        self.bytes = 0;
        self.head()?;
        Ok(older)
    }

    fn head(&mut self) -> Result<(), RecordingError> {
        let text = Entry::Origin(self.origin.clone()).written().map_err(|error| self.failed(error.into()))?;
        self.write(&text)
    }

    /// One write for a line: what a crash tears is the last line only.
    fn write(&mut self, text: &str) -> Result<(), RecordingError> {
        let line = format!("{text}\n");
        self.file.write_all(line.as_bytes()).map_err(|error| self.failed(error))?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// A line that a crash cut off is taken away, so that what follows stands on a line of its own.
    fn end_torn_line(&mut self) -> io::Result<()> {
        if self.bytes == 0 {
            return Ok(());
        }
        self.file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        self.file.read_exact(&mut last)?;
        if last == *b"\n" {
            return Ok(());
        }
        self.file.rewind()?;
        let mut whole = 0;
        let mut input = BufReader::new(&mut self.file);
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line)? > 0 {
            if line.ends_with(b"\n") {
                whole += line.len() as u64;
            }
            line.clear();
        }
        self.file.set_len(whole)?;
        self.bytes = whole;
        Ok(())
    }

    fn failed(&self, error: io::Error) -> RecordingError {
        RecordingError::Io { path: self.path.clone(), error }
    }
}

fn own_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample_line::tests::sample;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("connwarden-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn origin() -> Origin {
        Origin { place: "db:5432".into(), interval_s: 5.0 }
    }

    fn entries(path: &Path) -> Vec<Entry> {
        let mut reader = Reader::new(BufReader::new(File::open(path).unwrap()));
        std::iter::from_fn(|| reader.entry().unwrap()).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = Folder::new("record-round");
        let path = folder.0.join("a.cwlog");
        let wanted = [
            Entry::Sample(Box::new(sample(3))),
            Entry::Failure { at_us: 7, why: "FATAL: \"no\"\nmore".into() },
        ];
        let mut recording = Recording::open(&path, origin(), 1 << 20).unwrap();
        for entry in &wanted {
            assert_eq!(recording.add(entry).unwrap(), None);
        }
        let read = entries(&path);
        assert_eq!(read[0], Entry::Origin(origin()));
        assert_eq!(read[1..], wanted);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_recording_is_gone_on_with_behind_a_torn_line() {
        let folder = Folder::new("record-torn");
        let path = folder.0.join("a.cwlog");
        Recording::open(&path, origin(), 1 << 20).unwrap().add(&Entry::Sample(Box::new(sample(1)))).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"facts\":{\"ver").unwrap();
        Recording::open(&path, origin(), 1 << 20).unwrap().add(&Entry::Sample(Box::new(sample(2)))).unwrap();
        let read = entries(&path);
        assert_eq!(read.len(), 4);
        assert_eq!(read[1], Entry::Sample(Box::new(sample(1))));
        assert_eq!(read[3], Entry::Sample(Box::new(sample(2))));
    }

    #[test]
    fn other_files_are_left_alone() {
        let folder = Folder::new("record-foreign");
        let (other, note) = (folder.0.join("a.cwlog"), folder.0.join("a.txt"));
        fs::write(&other, "my notes\n").unwrap();
        assert!(matches!(Recording::open(&other, origin(), 99), Err(RecordingError::Foreign { .. })));
        assert_eq!(fs::read_to_string(&other).unwrap(), "my notes\n");
        assert!(matches!(Recording::open(&note, origin(), 99), Err(RecordingError::Name { .. })));
        assert!(!note.exists());
    }

    #[test]
    fn a_full_file_makes_room_and_both_can_be_read() {
        let folder = Folder::new("record-full");
        let path = folder.0.join("a.cwlog");
        let bytes_max = 4_000;
        let mut recording = Recording::open(&path, origin(), bytes_max).unwrap();
        let mut moved = 0;
        for n in 0..40 {
            if let Some(older) = recording.add(&Entry::Sample(Box::new(sample(n)))).unwrap() {
                moved += 1;
                assert!(fs::metadata(&older).unwrap().len() <= bytes_max);
                assert_eq!(entries(&older)[0], Entry::Origin(origin()));
            }
        }
        assert!(moved > 1, "{moved}");
        assert_eq!(entries(&path).last(), Some(&Entry::Sample(Box::new(sample(39)))));
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2);
    }
}
