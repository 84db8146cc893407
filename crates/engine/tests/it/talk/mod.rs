//! Golden conversations: what the engine gets stands at the margin, what it does is indented below.
//!
//! The first line may be `config:` with settings. A line `also:` has others, under which all goes the same: so a setting
//! of a database or a user is shown to win over the wider one.
//!
//! `UPDATE=1 cargo test -p connwarden-engine --test it talk` writes down what it does now.

mod notation;
pub(crate) mod stage;

use std::fs;
use std::path::PathBuf;

use stage::{Sent, Stage};

/// One conversation: its name, and its text.
pub(crate) struct Talk {
    pub(crate) name: String,
    text: String,
    path: PathBuf,
}

/// All of them, by name.
pub(crate) fn all() -> Vec<Talk> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/talk");
    let mut talks = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("its entries can be read").path();
        if path.extension().is_some_and(|extension| extension == "talk") {
            let text = fs::read_to_string(&path).expect("a conversation is text");
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            talks.push(Talk { name, text, path });
        }
    }
    talks.sort_by(|a, b| a.name.cmp(&b.name));
    talks
}

impl Talk {
    fn settings(&self) -> &str {
        self.text.lines().find_map(|line| line.strip_prefix("config:")).unwrap_or_default()
    }

    /// Other settings under which it goes the same.
    fn also(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| line.strip_prefix("also:"))
    }

    /// Lines that go in.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| !line.starts_with(' ') && is_spoken(line))
    }

    /// The conversation as it goes now.
    fn now(&self, settings: &str) -> String {
        let mut stage = Stage::new(settings);
        let mut text = String::new();
        for line in self.text.lines().filter(|line| !line.starts_with(' ')) {
            text.push_str(line);
            text.push('\n');
            if !is_spoken(line) {
                continue;
            }
            stage.play(line);
            for said in stage.lines.drain(..) {
                text.push_str(said.trim_end());
                text.push('\n');
            }
        }
        text
    }

    /// What is sent in all, with the bytes of line `at` offered in these pieces.
    pub(crate) fn sent(&self, at: usize, cuts: &[usize]) -> Sent {
        let mut stage = Stage::new(self.settings());
        for (number, line) in self.inputs().enumerate() {
            stage.cuts = if number == at || at == usize::MAX { cuts.to_vec() } else { Vec::new() };
            stage.play(line);
        }
        stage.sent
    }
}

fn is_spoken(line: &str) -> bool {
    !(line.is_empty() || line.starts_with('#') || line.starts_with("config:") || line.starts_with("also:"))
}

#[test]
fn every_conversation_goes_as_written() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for talk in all() {
        let first = talk.now(talk.settings());
        if update {
            fs::write(&talk.path, &first).expect("a conversation can be written");
        }
        let written = if update { &first } else { &talk.text };
        for settings in std::iter::once(talk.settings()).chain(talk.also()) {
            let now = talk.now(settings);
            if now != *written {
                let differs = now.lines().zip(written.lines()).find(|(now, then)| now != then);
                wrong.push(format!("{}:{settings}: (now, written) {differs:?}", talk.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
