//! A temporary folder with a short path.
//!
//! Short, because a unix socket's path has at most 107 bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::account;
use crate::error::{Doing, Result};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A folder that belongs to the account of the servers and is removed on drop.
#[derive(Debug)]
pub struct Folder(PathBuf);

/// In memory where the system has such a place: servers that come and go write much and keep nothing.
fn place() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let writable = rustix::fs::access(&memory, rustix::fs::Access::WRITE_OK).is_ok();
    if std::env::var_os("TMPDIR").is_none() && writable { memory } else { std::env::temp_dir() }
}

impl Folder {
    /// A new, empty folder.
    pub fn create() -> Result<Self> {
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = place().join(format!("cw-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    account::own(&path)?;
                    return Ok(Self(path));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).doing(format!("creating {}", path.display())),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file that the servers' account may read.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.join(name);
        fs::write(&path, text).doing(format!("writing {}", path.display()))?;
        account::own(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
