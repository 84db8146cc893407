//! Compose files as people write them, good and bad.

use connwarden_plan::read::{self, Found, World};

mod bad;
mod folder;
mod listing;
mod mutations;
mod semantics;

pub(crate) use folder::Folder;

/// One project: its folder, the files given, the environment around, the profiles that are on.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) files: &'static [&'static str],
    pub(crate) around: &'static [(&'static str, &'static str)],
    pub(crate) profiles: &'static [&'static str],
}

const fn case(name: &'static str, files: &'static [&'static str]) -> Case {
    Case { name, files, around: &[], profiles: &[] }
}

pub(crate) const CASES: &[Case] = &[
    case("wall", &["compose.yaml"]),
    case("django_celery", &["compose.yaml"]),
    case("rails_sidekiq", &["docker-compose.yml"]),
    case("node_prisma", &["compose.yml"]),
    Case { around: &[("TAG", "1.4.0"), ("GOMAXPROCS", "4")], ..case("go_api", &["compose.yaml"]) },
    case("rust_axum", &["compose.yaml"]),
    case("spring_hikari", &["compose.yaml"]),
    case("pgbouncer", &["compose.yaml"]),
    case("swarm", &["stack.yml"]),
    case("profiles", &["compose.yaml"]),
    case("extends", &["compose.yaml"]),
    case("anchors", &["compose.yaml"]),
    Case {
        around: &[("SENTRY_DSN", "https://k@s/1")],
        ..case("override", &["compose.yaml", "compose.prod.yaml"])
    },
    case("env_chain", &["compose.yaml"]),
    case("include", &["compose.yaml"]),
    Case { around: &[("TAG", "9")], ..case("interpolation", &["compose.yaml"]) },
    case("shell_lines", &["compose.yaml"]),
    case("legacy", &["docker-compose.yml"]),
];

fn read_case(case: &Case) -> Found {
    let profiles: Vec<String> = case.profiles.iter().map(|profile| (*profile).to_owned()).collect();
    let around = |name: &str| {
        case.around.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let folder = Folder::of(case.name);
    read::compose::read(case.files, &World { files: &folder, environment: &around, profiles: &profiles })
}

/// `UPDATE=1` writes the listings anew.
#[test]
fn every_project_is_read_as_its_listing_says() {
    let mut wrong = Vec::new();
    for case in CASES {
        let listing = listing::of(&read_case(case));
        let path = folder::root().join(format!("{}.expected", case.name));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &listing).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if listing != expected {
            wrong.push(format!("{}: expected\n{expected}\nbut read\n{listing}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_folder_of_files_is_a_case() {
    let folders = std::fs::read_dir(folder::root()).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = folders.filter(|path| path.is_dir()).collect();
    folders.retain(|path| CASES.iter().all(|case| !path.ends_with(case.name)));
    assert!(folders.is_empty(), "{folders:?}");
}

#[test]
fn profiles_come_from_the_command_line_or_from_compose_profiles() {
    let names = |case: &Case| -> Vec<String> {
        read_case(case).deployed.workloads.into_iter().map(|workload| workload.name).collect()
    };
    let base = case("profiles", &["compose.yaml"]);
    assert_eq!(names(&base), ["web", "db"]);
    let around = &[("COMPOSE_PROFILES", "mail, bench")];
    assert_eq!(
        names(&Case { around, ..case("profiles", &["compose.yaml"]) }),
        ["web", "db", "mailhog", "load"]
    );
    let named = Case { around, profiles: &["debug"], ..case("profiles", &["compose.yaml"]) };
    assert_eq!(names(&named), ["web", "db", "adminer"]);
    let all = Case { profiles: &["*"], ..case("profiles", &["compose.yaml"]) };
    assert_eq!(names(&all).len(), 5);
}
