//! `docs/traps.md` names only what exists, forgets no trap, and names every test of this binary.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Traps that this version must not fall into.
fn expected() -> BTreeSet<u32> {
    let spans = [1..=16, 19..=22, 25..=45, 47..=47, 49..=49, 51..=52, 54..=66, 68..=71];
    spans.into_iter().flatten().collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The number and the `path::name`s of each row.
fn rows() -> Vec<(u32, Vec<(String, String)>)> {
    let text = fs::read_to_string(root().join("docs/traps.md")).expect("the table is there");
    let number = |line: &str| line.strip_prefix("| ")?.split(' ').next()?.parse().ok();
    let names = |line: &str| {
        let quoted = line.split('`').skip(1).step_by(2).filter_map(|word| word.split_once("::"));
        quoted.map(|(path, name)| (path.to_owned(), name.to_owned())).collect()
    };
    text.lines().filter_map(|line| Some((number(line)?, names(line)))).collect()
}

fn exists(path: &str, name: &str) -> bool {
    let (file, mark) = match path.rsplit_once('.') {
        Some((_, "rs")) => (path.to_owned(), format!("fn {name}(")),
        Some((_, "py")) => (path.to_owned(), format!("def {name}(")),
        _ => (format!("conformance/scenarios/{path}"), format!("== {name}\n")),
    };
    fs::read_to_string(root().join(file)).is_ok_and(|text| text.contains(&mark))
}

#[test]
fn every_test_the_table_names_exists() {
    let named = rows().into_iter().flat_map(|(_, names)| names);
    let missing: Vec<_> = named.filter(|(path, name)| !exists(path, name)).collect();
    assert_eq!(missing, []);
    assert!(!exists("pipeline.txt", "a_scenario_nobody_wrote") && !exists("src/nowhere.rs", "a_test"));
}

#[test]
fn every_trap_stands_in_the_table_with_a_test() {
    let tested = |names: &[(String, String)]| names.iter().any(|(path, _)| !path.ends_with(".txt"));
    let there: BTreeSet<u32> =
        rows().into_iter().filter(|(_, names)| tested(names)).map(|(number, _)| number).collect();
    assert_eq!(expected().difference(&there).collect::<Vec<_>>(), Vec::<&u32>::new());
}

#[test]
fn every_test_of_this_binary_stands_in_the_table() {
    let named: BTreeSet<String> =
        rows().into_iter().flat_map(|(_, names)| names).map(|(_, name)| name).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traps");
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("its entries can be read").path();
        let text = fs::read_to_string(&path).expect("a test is text");
        if path.ends_with("table.rs") {
            continue;
        }
        for after in text.split("#[test]\nfn ").skip(1) {
            let name = after.split('(').next().unwrap_or_default();
            assert!(named.contains(name), "{}: {name} is in no row of docs/traps.md", path.display());
        }
    }
}
