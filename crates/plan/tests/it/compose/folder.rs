//! Files of a folder beside the tests.

use std::path::PathBuf;
use std::sync::Arc;

use connwarden_plan::Files;

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/compose")
}

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn of(name: &str) -> Self {
        Self(root().join(name))
    }

    pub(crate) fn at(path: &std::path::Path) -> Self {
        Self(path.to_owned())
    }
}

impl Files for Folder {
    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        match std::fs::read_to_string(self.0.join(path)) {
            Ok(text) => Ok(text.into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err("no such file".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}
