//! Good files with random damage: whatever stands there is read or refused, and nothing panics.

use std::collections::BTreeMap;
use std::sync::Arc;

use connwarden_plan::read::{self, World};
use connwarden_plan::{Files, Level};
use proptest::prelude::*;

use super::folder::Folder;
use super::{CASES, Case};

/// A folder of which one file is damaged.
struct Damaged<'a> {
    folder: Folder,
    files: BTreeMap<&'a str, String>,
}

impl Files for Damaged<'_> {
    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        match self.files.get(path) {
            Some(text) => Ok(text.as_str().into()),
            None => self.folder.text(path),
        }
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Cut { at: usize, chars: usize },
    Insert { at: usize, text: &'static str },
    Move { from: usize, to: usize },
}

const PIECES: &[&str] = &[
    "\n",
    " ",
    "  ",
    ":",
    "- ",
    "${",
    "}",
    "$",
    "'",
    "\"",
    "#",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: ",
    "!reset ",
    "!override ",
    "|",
    ">-\n",
    "\\",
    "~",
    "é",
    "\u{feff}",
    "\t",
    "\r",
    "extends: web\n",
    "include: [compose.yaml]\n",
    "=",
    "-1",
    "\0",
    "%",
];

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 1_usize..30).prop_map(|(at, chars)| Damage::Cut { at, chars }),
        (any::<usize>(), prop::sample::select(PIECES)).prop_map(|(at, text)| Damage::Insert { at, text }),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Damage::Move { from, to }),
    ]
}

fn apply(text: &str, damage: &Damage) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let len = chars.len().max(1);
    match damage {
        Damage::Cut { at, chars: count } => {
            let at = at % len;
            chars.drain(at.min(chars.len())..(at + count).min(chars.len()));
        }
        Damage::Insert { at, text } => {
            let at = (at % len).min(chars.len());
            chars.splice(at..at, text.chars());
        }
        Damage::Move { from, to } => {
            let mut lines: Vec<&str> = text.lines().collect();
            if !lines.is_empty() {
                let line = lines.remove(from % lines.len());
                lines.insert(to % (lines.len() + 1), line);
            }
            return lines.join("\n");
        }
    }
    chars.into_iter().collect()
}

fn read_damaged(case: &Case, path: &str, damages: &[Damage]) {
    let folder = Folder::of(case.name);
    let mut text = folder.text(path).unwrap_or_default().to_string();
    for damage in damages {
        text = apply(&text, damage);
    }
    let damaged = Damaged { folder, files: BTreeMap::from([(path, text)]) };
    let found = read::compose::read(
        case.files,
        &World { files: &damaged, environment: &|_| None, profiles: &["*".to_owned()] },
    );
    for finding in &found.findings {
        assert!(
            finding.place.is_some() && !finding.fix.is_empty() && !finding.message.is_empty(),
            "{finding:?}"
        );
    }
    let silent = found.findings.iter().all(|finding| finding.level < Level::Warning);
    assert!(!(silent && found.deployed.workloads.is_empty()), "nothing was read, and nothing is said");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_compose_file_is_read_or_refused(
        case in prop::sample::select((0..CASES.len()).collect::<Vec<_>>()),
        damages in prop::collection::vec(damage(), 1..6),
    ) {
        let case = &CASES[case];
        read_damaged(case, case.files[0], &damages);
    }

    #[test]
    fn a_damaged_env_file_is_read_or_refused(damages in prop::collection::vec(damage(), 1..6)) {
        let chain = CASES.iter().find(|case| case.name == "env_chain").unwrap();
        for path in [".env", "a.env", "b.env", "raw.env"] {
            read_damaged(chain, path, &damages);
        }
    }

    #[test]
    fn a_damaged_unit_and_a_damaged_procfile_are_read_or_refused(damages in prop::collection::vec(damage(), 1..6)) {
        let unit = "[Service]\nEnvironment=A=1 \"B=x y\"\nEnvironmentFile=-e\nExecStart=@/a b ${A} $B \\\n  'c' \\x41\nMemoryMax=1G\n";
        let procfile = "web: gunicorn app --workers 4\n# no\nrelease: migrate\n";
        let damaged = |text: &str| damages.iter().fold(text.to_owned(), |text, damage| apply(&text, damage));
        let files = BTreeMap::from([
            ("a.service".to_owned(), damaged(unit)),
            ("e".to_owned(), damaged("A=1\nB='x'\n")),
            ("Procfile".to_owned(), damaged(procfile)),
            (".env".to_owned(), damaged("A=1 # x\nexport B=\"x\n y\"\n")),
        ]);
        let world = World { files: &files, environment: &|_| None, profiles: &[] };
        for found in [read::systemd::read("a.service", &world), read::procfile::read("Procfile", &world)] {
            for finding in &found.findings {
                prop_assert!(finding.place.is_some() && !finding.fix.is_empty(), "{finding:?}");
            }
        }
    }
}
