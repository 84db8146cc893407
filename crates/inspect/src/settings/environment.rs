//! What settings ask of the world around them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// A file that may hold settings or passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// It is not there.
    Absent,
    /// It is there and cannot be used: why.
    Unusable(String),
    /// It is there.
    Text {
        /// What stands in it.
        text: Zeroizing<String>,
        /// Its group or others may do something with it.
        open: bool,
    },
}

/// The process's surroundings, or what a test says they are.
pub trait Environment {
    /// A variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// The home directory.
    fn home(&self) -> Option<PathBuf>;
    /// The name of the user that runs us.
    fn user(&self) -> Option<String>;
    /// A file's text.
    fn file(&self, path: &Path) -> File;
    /// Whether anything is there.
    fn exists(&self, path: &Path) -> bool;
}
