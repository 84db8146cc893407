//! Whole deployments and the table they come to, as committed text. `UPDATE=1` writes it anew.

use std::path::{Path, PathBuf};

use connwarden_plan::budget::{self, Budget, Known};
use connwarden_plan::declared::{self, Declared};
use connwarden_plan::form::{github, human, junit, sarif};
use connwarden_plan::read::{self, Paths, World};
use connwarden_plan::report::{Judgement, PlanReport};
use connwarden_plan::{Finding, rules};
use text::Style;

use crate::compose::{CASES, Case, Folder};

fn files(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(kind)
}

/// What the files of a folder come to.
fn budget(folder: &Folder, paths: &[&str], case: Option<&Case>) -> (Budget, Vec<Finding>) {
    let around = |name: &str| {
        let around = case.map_or(&[] as &[_], |case| case.around);
        around.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let profiles =
        case.map_or_else(Vec::new, |case| case.profiles.iter().map(|one| (*one).to_owned()).collect());
    let world = World { files: folder, environment: &around, profiles: &profiles };
    let named = paths.iter().map(|path| (*path).to_owned()).collect();
    let found = read::files(&Paths { named, projects: Vec::new() }, &world);
    let plan = connwarden_plan::Files::text(folder, declared::FILE).ok();
    let declared =
        plan.map_or_else(Declared::default, |text| declared::read(&declared::FILE.into(), &text).unwrap());
    (budget::of(&found.deployed, &declared, &Known::default()), found.findings)
}

fn report(folder: &Folder, paths: &[&str], case: Option<&Case>) -> PlanReport {
    let (budget, findings) = budget(folder, paths, case);
    PlanReport::of(&budget, &findings)
}

fn wall() -> PlanReport {
    report(&Folder::of("wall"), &["compose.yaml"], None)
}

/// The table committed beside the files.
fn held(wrong: &mut Vec<String>, committed: &Path, table: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(committed, table).unwrap();
    }
    let expected = std::fs::read_to_string(committed).unwrap_or_default();
    if table != expected {
        wrong.push(format!("{}: expected\n{expected}\nbut came to\n{table}", committed.display()));
    }
}

#[test]
fn every_deployment_comes_to_its_table() {
    let mut wrong = Vec::new();
    for case in CASES {
        let report = report(&Folder::of(case.name), case.files, Some(case));
        let committed = files("compose").join(format!("{}.table", case.name));
        held(&mut wrong, &committed, &human::budget(&report, Style::default()));
    }
    let mut manifests: Vec<PathBuf> = std::fs::read_dir(files("kubernetes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    manifests.sort();
    for path in manifests {
        let folder = Folder::at(&files("kubernetes"));
        let name = path.file_name().unwrap().to_str().unwrap();
        let report = report(&folder, &[name], None);
        held(&mut wrong, &path.with_extension("table"), &human::budget(&report, Style::default()));
    }
    assert!(wrong.is_empty(), "{}\nUPDATE=1 commits it", wrong.join("\n\n"));
}

#[test]
fn the_guides_system_comes_to_160_of_200_and_to_more_than_its_own_target() {
    let report = wall();
    let server = &report.servers[0];
    assert_eq!((server.totals.peak, server.limits.as_ref().unwrap().max_connections), (160, 200));
    let peak = &server.verdicts[1];
    assert_eq!((peak.phase, peak.percent, peak.above), ("peak", 81.2, Some(70)));
    assert_eq!(report.verdict, Judgement::Warning);
}

#[test]
fn machines_are_told_the_same_with_file_and_line() {
    let report = wall();
    let github = github::budget(&report);
    assert!(
        github.contains("::warning file=compose.yaml,line=12,col=5,title=BUDGET101::postgres: peak 160 of 197 usable (81.2%25): above 70%25 | "),
        "{github}"
    );
    let sarif = sarif::budget(&report, &rules(), "1.2.3");
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    let peak =
        results.iter().find(|one| one["message"]["text"].as_str().unwrap().contains("peak 160")).unwrap();
    assert_eq!(peak["locations"][0]["physicalLocation"]["region"]["startLine"], 12);
    let known = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert!(known.iter().any(|rule| rule["id"] == result["ruleId"]), "{result}");
    }
    let junit = junit::budget(&report);
    assert!(junit.contains("<testcase classname=\"postgres\" name=\"steady\"/>"), "{junit}");
    assert!(junit.contains("failure message=\"peak 160 of 197 usable (81.2%): above 70%\""), "{junit}");
    assert_eq!(junit.matches("<failure").count(), junit.matches("</failure>").count());
}
