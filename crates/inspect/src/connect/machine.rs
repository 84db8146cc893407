//! The process's own surroundings, for the settings.

use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::settings::{Environment, File};

/// Longest file of settings or passwords that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// This process, its user and its files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Environment for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn home(&self) -> Option<PathBuf> {
        let variable = self.variable("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        variable.or_else(|| account().map(|account| PathBuf::from(account.home)))
    }

    fn user(&self) -> Option<String> {
        let variable = |name| self.variable(name).filter(|user| !user.is_empty());
        account().map(|account| account.name).or_else(|| variable("USER")).or_else(|| variable("LOGNAME"))
    }

    fn file(&self, path: &Path) -> File {
        let unusable = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => File::Absent,
            ErrorKind::PermissionDenied => File::Unusable("this user may not read it".into()),
            _ => File::Unusable(error.to_string()),
        };
        let meta = match std::fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) => return unusable(error),
        };
        if !meta.is_file() {
            return File::Unusable("it is no plain file".into());
        }
        if meta.len() > FILE_BYTES_MAX {
            return File::Unusable(format!("{} bytes are too many for such a file", meta.len()));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        let read =
            std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
        if let Err(error) = read {
            return unusable(error);
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => File::Text { text: Zeroizing::new(text.to_owned()), open: meta.mode() & 0o077 != 0 },
            Err(_) => File::Unusable("it is not UTF-8".into()),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }
}

/// A line of the system's list of users.
struct Account {
    name: String,
    home: String,
}

fn account() -> Option<Account> {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let list = std::fs::read_to_string("/etc/passwd").ok()?;
    list.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, id, _, _, home, ..] = fields.as_slice() else { return None };
        (*id == uid).then(|| Account { name: (*name).to_owned(), home: (*home).to_owned() })
    })
}
