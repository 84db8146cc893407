//! `pidfile`: the process number for init scripts, and a lock, so that no second process takes the file over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum NoPidFile {
    /// Another process lives by it.
    #[error("{} belongs to process {pid}, which is running; stop it, or change pidfile", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
        /// What it says.
        pid: String,
    },
    /// The system refuses it.
    #[error("cannot write {}: {error}; change pidfile", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// A file that holds our number, locked as long as we live, gone when dropped.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    _locked: File,
}

impl PidFile {
    /// Writes the file; one that a dead process left behind is taken over.
    ///
    /// # Errors
    /// Somebody else lives by it, or it can't be written.
    pub fn create(path: &Path) -> Result<Self, NoPidFile> {
        let refused = |error: io::Error| NoPidFile::System { path: path.into(), error };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = open.map_err(refused)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(refused)?;
                return Err(NoPidFile::Taken { path: path.into(), pid: text.trim().into() });
            }
            Err(error) => return Err(refused(error.into())),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(refused)?;
        Ok(Self { path: path.into(), _locked: file })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Somebody else may have cleared it away; then there is nothing left to do.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_process_keeps_its_file_and_a_dead_one_does_not() {
        let path = std::env::temp_dir().join(format!("connwarden-pidfile-{}", std::process::id()));
        fs::write(&path, "99999999\n").unwrap();
        let ours = PidFile::create(&path).unwrap();
        let number = std::process::id().to_string();
        assert_eq!(fs::read_to_string(&path).unwrap().trim(), number);
        match PidFile::create(&path) {
            Err(NoPidFile::Taken { pid, .. }) => assert_eq!(pid, number),
            other => panic!("{other:?}"),
        }
        drop(ours);
        assert!(!path.exists());
    }
}
