//! Texts of files, each read once and never without end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;

use plan::Files;
use plan::place::FILE_BYTES_MAX;

/// The name for standard input.
const STDIN: &str = "-";

/// The files of the machine, and what was read of them.
#[derive(Debug, Default)]
pub struct Disk {
    read: RefCell<BTreeMap<String, Arc<str>>>,
    takes_stdin: bool,
}

impl Disk {
    /// One where `-` is standard input, which is the program's to give away.
    pub fn with_stdin() -> Self {
        Self { takes_stdin: true, ..Self::default() }
    }

    /// Every text that was read, by the name it was asked for by.
    pub fn into_texts(self) -> BTreeMap<String, Arc<str>> {
        self.read.into_inner()
    }
}

impl Files for Disk {
    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        if let Some(text) = self.read.borrow().get(path) {
            return Ok(Arc::clone(text));
        }
        let text = match path {
            STDIN if self.takes_stdin => whole(std::io::stdin().lock())?,
            _ if is_pipe(path) => {
                return Err(match self.takes_stdin {
                    true => "a pipe: give it as standard input, -f -".into(),
                    false => "a pipe: nobody may ever write to it".into(),
                });
            }
            _ => opened(path)?,
        };
        self.read.borrow_mut().insert(path.to_owned(), Arc::clone(&text));
        Ok(text)
    }
}

/// True for a pipe with a name: it waits for a writer that may never come. Those that a shell opened for us have one.
pub fn is_pipe(path: &str) -> bool {
    let opened = path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/") || path == "/dev/stdin";
    !opened && std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_fifo())
}

/// The text of what is no pipe; the error is a sentence without the path.
pub(crate) fn opened(path: &str) -> Result<Arc<str>, String> {
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "no such file".to_owned(),
        ErrorKind::PermissionDenied => "we may not read it".to_owned(),
        _ => error.to_string(),
    })?;
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if meta.is_dir() {
        return Err("a folder stands where a file is needed".into());
    }
    whole(file)
}

/// All of it: a device that never ends is cut off at the limit.
fn whole(input: impl Read) -> Result<Arc<str>, String> {
    let mut text = String::new();
    let read = input.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| match error.kind() {
        ErrorKind::InvalidData => "not UTF-8 text".to_owned(),
        _ => error.to_string(),
    })?;
    match text.len() as u64 > FILE_BYTES_MAX {
        true => Err(format!("larger than {} MiB: no description of a deployment", FILE_BYTES_MAX >> 20)),
        false => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn why(path: &str) -> String {
        Disk::default().text(path).unwrap_err()
    }

    #[test]
    fn what_cannot_be_a_text_is_refused_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        fs::write(path("bytes"), [0xff, 0xfe]).unwrap();
        fs::write(path("large"), vec![b'a'; FILE_BYTES_MAX as usize + 1]).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(why(&path("nowhere")), "no such file");
        assert_eq!(why(&path("")), "a folder stands where a file is needed");
        assert_eq!(why(&path("bytes")), "not UTF-8 text");
        assert!(why(&path("large")).starts_with("larger than"), "{}", why(&path("large")));
        assert_eq!(why(&path("pipe")), "a pipe: nobody may ever write to it");
        assert_eq!(
            Disk::with_stdin().text(&path("pipe")).unwrap_err(),
            "a pipe: give it as standard input, -f -"
        );
        assert!(why("/dev/zero").starts_with("larger than"), "{}", why("/dev/zero"));
        assert_eq!(why("-"), "no such file", "standard input is not everybody's");
    }

    #[test]
    fn a_text_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").to_string_lossy().into_owned();
        fs::write(&path, "before").unwrap();
        let disk = Disk::default();
        assert_eq!(&*disk.text(&path).unwrap(), "before");
        fs::write(&path, "after").unwrap();
        assert_eq!(&*disk.text(&path).unwrap(), "before");
        assert_eq!(disk.into_texts().into_keys().collect::<Vec<_>>(), [path]);
    }
}
