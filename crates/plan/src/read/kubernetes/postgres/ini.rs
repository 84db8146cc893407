//! The file an operator writes for its PgBouncer.

use crate::read::kubernetes::objects::Object;
use crate::read::kubernetes::report::Report;
use crate::{Container, Place, Text};

/// The `pgbouncer.ini` an operator writes. It begins where the object begins, and each setting stands on the line that
/// gives it in the manifest, so that a reader of the file names the right lines.
pub(super) struct Ini {
    begin: Place,
    text: String,
    line: u32,
}

impl Ini {
    pub(super) fn new(object: &Object<'_>, host: Option<&str>) -> Self {
        let begin = object.place().clone();
        let mut ini = Self { line: begin.line, begin, text: String::new() };
        ini.push("[databases]");
        if let Some(host) = host {
            ini.push(&format!("* = host={host}"));
        }
        ini.push("[pgbouncer]");
        ini
    }

    pub(super) fn set(&mut self, place: &Place, name: &str, value: &str) {
        let line = format!("{name} = {value}").replace(['\n', '\r'], " ");
        self.line(place, &line);
    }

    pub(super) fn line(&mut self, place: &Place, line: &str) {
        while self.line < place.line {
            self.push("");
        }
        self.push(line);
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.line = self.line.saturating_add(1);
    }

    pub(super) fn put(self, container: &mut Container, path: &str, report: &mut Report) {
        if !report.copies(self.text.len(), &self.begin) {
            return;
        }
        container.command = ["pgbouncer", path].map(|word| Text::new(word, self.begin.clone())).into();
        container.files.insert(path.to_owned(), Text::new(self.text, self.begin));
    }
}
