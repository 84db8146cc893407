//! Manifests in the style of real projects, and what is read from them, as committed text. `UPDATE=1` writes it anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use connwarden_plan::Level;
use connwarden_plan::read::kubernetes::read;
use connwarden_plan::read::{Found, World};

mod listing;
mod mutated;
mod wrong;

use listing::{Listing, exact};
use wrong::WRONG;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/kubernetes")
}

fn found(files: &[(&str, &str)]) -> Found {
    let held: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    read(&paths, &World { files: &held, environment: &|_| None, profiles: &[] })
}

fn manifests() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    all.sort();
    all
}

#[test]
fn manifests_of_real_projects_are_read_to_the_letter() {
    let all = manifests();
    assert!(all.len() >= 16, "{} files", all.len());
    let mut wrong = Vec::new();
    for path in all {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let listing = Listing::of(&found(&[(&name, &std::fs::read_to_string(&path).unwrap())]));
        let committed = path.with_extension("expected");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&committed, &listing).unwrap();
        } else if std::fs::read_to_string(&committed).ok().as_deref() != Some(&listing) {
            wrong.push(format!("{name} now reads as\n{listing}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nUPDATE=1 commits it", wrong.join("\n"));
}

#[test]
fn all_mistakes_of_a_file_are_reported_each_with_its_place_and_a_fix() {
    for (path, manifest, wanted) in WRONG {
        let told: Vec<(String, String)> = found(&[(path, manifest)])
            .findings
            .into_iter()
            .filter(|finding| finding.level != Level::Note)
            .map(|finding| {
                let place = finding.place.unwrap();
                let what =
                    format!("{}:{} {} {}", place.file, exact(&place), finding.rule.id, finding.message);
                (what, finding.fix.into_owned())
            })
            .collect();
        let wanted: Vec<(String, String)> =
            wanted.iter().map(|(what, fix)| ((*what).to_owned(), (*fix).to_owned())).collect();
        assert_eq!(told, wanted, "{path}:\n{told:#?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_the_others_are_read() {
    let held: BTreeMap<String, String> = [(
        "pod.yaml".to_owned(),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: p}]}\n".to_owned(),
    )]
    .into();
    let world = World { files: &held, environment: &|_| None, profiles: &[] };
    let found = read(&["gone.yaml", "pod.yaml"], &world);
    assert_eq!(found.deployed.workloads.len(), 1);
    assert_eq!(found.findings.len(), 1);
    assert_eq!(found.findings[0].message, "this file cannot be read: no such file");
    assert_eq!(found.findings[0].level, Level::Error);
}

#[test]
fn objects_of_several_files_are_joined_and_later_ones_win() {
    let deployment = |replicas: u32| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  replicas: {replicas}\n  template:\n    \
             spec: {{containers: [{{name: api, envFrom: [{{configMapRef: {{name: api}}}}]}}]}}\n"
        )
    };
    let scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: api}\nspec:\n  \
                  scaleTargetRef: {kind: Deployment, name: api}\n  minReplicas: 1\n  maxReplicas: 9\n";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\ndata: {POOL: '3'}\n";
    let found = found(&[
        ("scaler.yaml", scaler),
        ("base.yaml", &deployment(2)),
        ("map.yaml", map),
        ("overlay.yaml", &deployment(4)),
    ]);
    let [workload] = &found.deployed.workloads[..] else { panic!("{:?}", found.deployed) };
    assert_eq!((workload.replicas.usual.value, workload.replicas.most.value), (4, 9));
    assert_eq!(&*workload.place.file, "overlay.yaml");
    assert_eq!(workload.containers[0].environment["POOL"].value.as_deref(), Some("3"));
    let [twice] = &found.findings[..] else { panic!("{:?}", found.findings) };
    assert_eq!(twice.place.as_ref().unwrap().to_string(), "overlay.yaml:1");
    assert!(twice.message.contains("after base.yaml:1"));
}

#[test]
fn no_password_of_a_secret_is_told_by_what_is_read_or_found() {
    for path in manifests() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let told = format!("{:?}", found(&[(&name, &std::fs::read_to_string(&path).unwrap())]));
        for password in ["correct-horse", "not-to-be-told", "hunter2", "s3cr3t", "cGFzc3dvcmQ", "aHVudGVyMg"]
        {
            assert!(!told.contains(password), "{name} tells {password}");
        }
    }
    let (path, manifest, _) = WRONG.iter().find(|(path, _, _)| *path == "environment.yaml").unwrap();
    assert!(!format!("{:?}", found(&[(path, manifest)])).contains("s3cr3t"));
}

#[test]
fn many_containers_that_take_one_large_config_map_end_in_an_error() {
    let mut text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata: {{BLOB: {}}}\n",
        "x".repeat(1 << 20)
    );
    for pod in 0..500 {
        text += &format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{pod}}}\nspec: {{containers: [{{name: p, envFrom: \
             [{{configMapRef: {{name: big}}}}]}}]}}\n"
        );
    }
    let found = found(&[("big.yaml", &text)]);
    let errors: Vec<_> = found.findings.iter().filter(|finding| finding.level == Level::Error).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].message.contains("beyond 64 MiB"));
    let held: usize = found
        .deployed
        .workloads
        .iter()
        .flat_map(|workload| &workload.containers)
        .flat_map(|container| container.environment.values())
        .filter_map(|variable| variable.value.as_ref().map(String::len))
        .sum();
    assert!(held <= 64 << 20, "{held}");
}
