//! The planner's files, from the disk.

use std::io::Read;
use std::sync::Arc;

use plan::declared::Declared;
use plan::deployed::Deployed;
use plan::place::FILE_BYTES_MAX;
use plan::read::{self, Paths, World};
use plan::{Files, Finding, Level};

/// What the files deploy that a plan file names.
///
/// # Errors
/// What is wrong in them, the harmless included.
pub(super) fn deployed(declared: &Declared) -> Result<Deployed, Vec<Finding>> {
    let named = declared.files.iter().map(|file| file.text.clone()).collect();
    let environment = |name: &str| std::env::var(name).ok();
    let world = World { files: &Disk, environment: &environment, profiles: &[] };
    let found = read::files(&Paths { named, projects: Vec::new() }, &world);
    if found.findings.iter().any(|finding| finding.level == Level::Error) {
        return Err(found.findings);
    }
    Ok(found.deployed)
}

struct Disk;

impl Files for Disk {
    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        text(path)
    }
}

/// A plain file's text.
///
/// # Errors
/// A sentence without the path.
pub(super) fn text(path: &str) -> Result<Arc<str>, String> {
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => error.to_string(),
    })?;
    // A pipe or a device may never end.
    if !meta.is_file() {
        return Err("not a plain file: name the files that deploy one by one".into());
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("larger than {} MiB", FILE_BYTES_MAX >> 20));
    }
    Ok(text.into())
}
