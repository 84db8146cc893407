//! What a configuration asks of this machine: variables, secret files, the user list.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use model::config::load::Outside;
use model::limits;
use wire::userlist;

use super::found::reason;

/// This machine; relative paths are taken from where the configuration file stands.
pub(super) struct World {
    base: PathBuf,
}

impl World {
    /// Paths relative to the working directory.
    pub(super) fn here() -> Self {
        Self { base: PathBuf::new() }
    }
    /// Paths relative to this file's directory.
    pub(super) fn beside(file: &Path) -> Self {
        Self { base: file.parent().map(Path::to_path_buf).unwrap_or_default() }
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, String> {
        let path = self.base.join(path);
        let named = |why: String| format!("{}: {why}", path.display());
        let size = std::fs::metadata(&path).map_err(|error| named(reason(&error)))?.len();
        if size > limits::FILE_BYTES_MAX {
            return Err(named(format!("{size} bytes are too many")));
        }
        std::fs::read(&path).map_err(|error| named(reason(&error)))
    }
}

impl Outside for World {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn secret(&self, path: &Path) -> Result<String, String> {
        let mut text = String::from_utf8(self.bytes(path)?)
            .map_err(|_| format!("{}: the secret is not UTF-8", path.display()))?;
        if text.ends_with('\n') {
            text.pop();
        }
        if text.ends_with('\r') {
            text.pop();
        }
        if text.is_empty() {
            return Err(format!("{}: the file is empty", path.display()));
        }
        Ok(text)
    }

    fn userlist(&self, path: &Path) -> Result<Vec<(String, String)>, String> {
        let bytes = self.bytes(path)?;
        userlist::parse(&bytes).map_err(|errors| {
            let shown: Vec<String> = errors.iter().take(20).map(ToString::to_string).collect();
            let more = errors.len().saturating_sub(20);
            let rest = if more > 0 { format!("; and {more} more lines") } else { String::new() };
            format!("{}: {}{rest}", path.display(), shown.join("; "))
        })?;
        entries(&bytes).map_err(|line| format!("{}: line {line}: not UTF-8", path.display()))
    }

    fn open_to_others(&self, path: &Path) -> bool {
        std::fs::metadata(self.base.join(path)).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o004 != 0)
    }
}

/// The names and secrets as they are written, of a list that was found to be right. An error is a line's number.
fn entries(list: &[u8]) -> Result<Vec<(String, String)>, usize> {
    let mut entries = Vec::new();
    for (number, line) in (1usize..).zip(list.split(|&byte| byte == b'\n')) {
        let line = line.trim_ascii_start();
        if line.is_empty() || line.starts_with(b";") {
            continue;
        }
        let line = std::str::from_utf8(line).map_err(|_| number)?;
        let Some((name, rest)) = quoted(line) else { continue };
        let Some((secret, _)) = quoted(rest) else { continue };
        entries.push((name, secret));
    }
    Ok(entries)
}

/// `"a ""b"" c" rest` -> `a "b" c`, ` rest`.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.trim_start().strip_prefix('"')?;
    let mut value = String::with_capacity(rest.len());
    loop {
        let (part, after) = rest.split_once('"')?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::entries;

    #[test]
    fn names_and_secrets_arrive_as_they_are_written() {
        let list = b"; users\n\"app\" \"se\"\"cret\" and more\n\n  \"old\"  \"md50123456789abcdef0123456789abcdef\"\n\"none\" \"\"\n";
        let pair = |name: &str, secret: &str| (name.to_owned(), secret.to_owned());
        let expected =
            [pair("app", "se\"cret"), pair("old", "md50123456789abcdef0123456789abcdef"), pair("none", "")];
        assert_eq!(entries(list).unwrap(), expected);
    }
}
