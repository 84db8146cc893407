//! Bad files and what is said about each, to the letter. `GOLDEN=write` writes what is said now: read the difference.

use std::path::{Path, PathBuf};

use model::config::load::load;
use model::config::report::Source;

use crate::outside::World;

/// What `@rest` stands for, so that a case shows only what it is about.
const SERVER: &str = "[server.main]\nhost = \"127.0.0.1\"\n";
const DATABASE: &str = "[database.\"*\"]\n";
const USER: &str = "[user.app]\npassword = \"x\"\n";

fn said(text: &str) -> String {
    let text = text
        .replace("@rest\n", &format!("{SERVER}{DATABASE}{USER}"))
        .replace("@server\n", SERVER)
        .replace("@database\n", DATABASE)
        .replace("@user\n", USER);
    let source =
        Source { path: if text.contains("# open file") { "open.toml" } else { "c.toml" }.into(), text };
    match load(source, &[], &World) {
        Err(report) => format!("{report}\n"),
        Ok(loaded) => {
            let warned = loaded.warnings.iter().map(|w| loaded.source.describe("warning", w));
            format!("{}accepted\n", warned.collect::<Vec<_>>().concat())
        }
    }
}

fn files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/refused");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_is_said_about_each_bad_file_is_what_was_agreed() {
    let mut cases = 0;
    let mut wrong = String::new();
    for path in files() {
        let agreed = std::fs::read_to_string(&path).unwrap();
        let mut now = String::new();
        for case in agreed.split("=== ").skip(1) {
            let (name, rest) = case.split_once('\n').unwrap();
            let given = rest.split("---\n").next().unwrap();
            now.push_str(&format!("=== {name}\n{given}---\n{}", said(given)));
            cases += 1;
        }
        if now != agreed && std::env::var_os("GOLDEN").is_some() {
            std::fs::write(&path, &now).unwrap();
        } else if now != agreed {
            wrong.push_str(&format!("{}:\n{now}\n", path.display()));
        }
    }
    assert!(cases >= 60, "{cases} cases");
    assert!(wrong.is_empty(), "GOLDEN=write rewrites the files\n{wrong}");
}

#[test]
fn a_file_that_ends_anywhere_is_judged_and_no_secret_is_said() {
    for path in files() {
        let agreed = std::fs::read_to_string(&path).unwrap();
        for case in agreed.split("=== ").skip(1) {
            let given = case.split_once('\n').unwrap().1.split("---\n").next().unwrap();
            let ends = (0..=given.len()).filter(|&end| given.is_char_boundary(end));
            for cut in ends.map(|end| &given[..end]) {
                for text in [cut.to_owned(), format!("{cut}\n{USER}"), format!("{cut}\"{DATABASE}")] {
                    let said = said(&text);
                    assert!(!said.contains("geheim"), "{text}\n---\n{said}");
                }
            }
        }
    }
}
