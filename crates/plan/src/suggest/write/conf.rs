//! The server's settings: in the file it has, or as a piece of one.

use std::fmt::Write;

use super::{Out, Sheet, Wanted, head, near};
use crate::suggest::lines::{self, Style};

pub(super) fn write(out: &mut Out<'_, '_>, wanted: &Wanted, sheet: &Sheet<'_, '_>) {
    let entries: Vec<(&str, String)> =
        sheet.settings.iter().map(|line| (line.name, line.value.clone())).collect();
    if let Some(path) = own(out, sheet) {
        let text = out.now(&path).map(str::to_owned).unwrap_or_default();
        out.put(path, lines::set(&text, &entries, Style::Conf));
        return;
    }
    let mut text = head(
        wanted,
        "A piece of postgresql.conf: include it there. max_connections and shared_buffers need a restart.",
    );
    for line in &sheet.settings {
        let _ = writeln!(text, "# {}\n{} = {}", line.because, line.name, line.value);
    }
    let path = near(out.scene, "postgresql.connwarden.conf");
    out.put(path, text);
}

/// The server's configuration, if it is a file of its own.
fn own(out: &Out<'_, '_>, sheet: &Sheet<'_, '_>) -> Option<String> {
    let (looked, _) = sheet.found?;
    let files = looked.container.files.iter().filter(|(path, _)| path.ends_with("postgresql.conf"));
    files
        .map(|(_, file)| (file.place.file.to_string(), &file.text))
        .find(|(path, text)| out.scene.texts.get(path).is_some_and(|known| **known == ***text))
        .map(|(path, _)| path)
}
