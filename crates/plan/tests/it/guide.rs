//! The guide's system: what lint finds in it, and what is suggested for each environment. `UPDATE=1` writes the
//! expectations anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use connwarden_plan::budget::{Budget, Row, Runs, ServerBudget, Slots, Sums};
use connwarden_plan::declared::{Declared, Thresholds};
use connwarden_plan::deployed::{Deployed, Life, Overlap, Replicas};
use connwarden_plan::pools::{Address, Opener, Part, Pool, Pooler, Server};
use connwarden_plan::suggest::{Suggestion, Wanted, suggest};
use connwarden_plan::{Container, Looked, Number, Place, Scene, Stage, Text, Variable, Workload};
use model::preset::Preset;

const COMPOSE: &str = include_str!("guide/compose.yaml");
const SIMULATOR: &str = include_str!("guide/simulator.env");
const SETTINGS: &str = include_str!("guide/settings.py");
const RAISE: &str = include_str!("guide/raise.sql");

/// The place of a text behind another one.
fn place(file: &str, text: &str, behind: &str, wanted: &str) -> Place {
    let from = text.find(behind).unwrap();
    let at = from + text[from..].find(wanted).unwrap();
    Place::of_byte(&file.into(), text, at)
}

fn compose(behind: &str, wanted: &str) -> Place {
    place("compose.yaml", COMPOSE, &format!("\n  {behind}:\n"), wanted)
}

fn workload(name: &str) -> Workload {
    let at = compose(name, name);
    Workload {
        name: name.into(),
        aliases: Vec::new(),
        standbys: Vec::new(),
        kind: "service",
        place: at.clone(),
        replicas: Replicas::fixed(Number::implied(1)),
        life: Life::Service(Overlap::None),
        containers: vec![Container::new(name, at)],
    }
}

fn file(name: &str, text: &str) -> Text {
    Text::new(text, Place::new(&name.into(), 1, 1))
}

fn postgres() -> (Workload, Part) {
    let mut workload = workload("postgres");
    let container = &mut workload.containers[0];
    container.image = Some(Text::new("postgres:15", compose("postgres", "postgres:15")));
    let user = Variable { value: Some("wall".into()), place: compose("postgres", "POSTGRES_USER") };
    container.environment.insert("POSTGRES_USER".into(), user);
    container.files.insert("/srv/raise.sql".into(), file("raise.sql", RAISE));
    let folded = COMPOSE.split("command: >\n").nth(1).unwrap().split("    volumes").next().unwrap();
    let mut settings = Vec::new();
    for line in folded.lines() {
        for word in line.split_whitespace() {
            let at = place("compose.yaml", COMPOSE, line.trim(), word);
            container.command.push(Text::new(word, at.clone()));
            if let Some((name, value)) = word.split_once('=') {
                settings.push((Text::new(name, at.clone()), Text::new(value, at)));
            }
        }
    }
    let server = Server {
        connections_max: Number::written(200, &compose("postgres", "max_connections")),
        superuser_reserved: Number::assumed(3, "superuser_reserved_connections is not set: 3"),
        reserved: Number::implied(0),
        settings,
    };
    (workload, Part::Server(server))
}

fn service(name: &str, what: &str, processes: u32) -> (Workload, Part) {
    let mut workload = workload(name);
    let container = &mut workload.containers[0];
    let own = name == "simulator";
    let at = |wanted: &str| match own {
        true => place("simulator.env", SIMULATOR, wanted, wanted),
        false => compose(name, wanted),
    };
    for (name, value) in [
        ("DB_HOST", "postgres"),
        ("DB_PORT", "5432"),
        ("DB_NAME", "wall"),
        ("DB_USER", "wall"),
        ("DB_MAX_CONNS", "50"),
        ("CONN_MAX_AGE", "600"),
    ] {
        container.environment.insert(name.into(), Variable { value: Some(value.into()), place: at(name) });
    }
    if name == "api" {
        container.command.extend(
            ["gunicorn", "wall.wsgi", "--workers=4", "--threads=50"]
                .map(|word| Text::new(word, compose(name, word))),
        );
        container.files.insert("/srv/wall/settings.py".into(), file("settings.py", SETTINGS));
    }
    let opener = Opener {
        what: what.into(),
        processes: Number::implied(processes),
        pool: Pool::fixed(Number::written(50, &at("DB_MAX_CONNS"))),
        aside: Number::implied(0),
        to: Some(Address {
            host: "postgres".into(),
            port: Some(5432),
            database: Some("wall".into()),
            user: Some("wall".into()),
            place: at("DB_HOST"),
        }),
        application: own.then(|| "wall-django-simulator".into()),
        stage: Stage::Main,
    };
    (workload, Part::Opens(vec![opener]))
}

fn row(name: &str, kind: &'static str, what: &str, processes: u32, pool: Number, place: Place) -> Row {
    let each = u64::from(processes) * u64::from(pool.value);
    Row {
        name: name.into(),
        workload: name.into(),
        kind,
        what: what.into(),
        place,
        replicas: None,
        processes: Number::implied(processes),
        kept: pool.clone(),
        pool,
        aside: Number::implied(0),
        via: None,
        runs: Runs::Always,
        sums: Sums { steady: each, peak: each, rollout: each },
        applications: vec![name.into()],
        scales: kind == "service",
    }
}

struct Wall {
    deployed: Deployed,
    parts: Vec<Part>,
    budget: Budget,
    texts: BTreeMap<String, Arc<str>>,
    declared: Declared,
}

fn wall(kind: &'static str) -> Wall {
    let made = [
        postgres(),
        service("api", "gunicorn, Django", 4),
        service("materializer", "manage.py, Django", 1),
        service("simulator", "manage.py, Django", 1),
    ];
    let (mut workloads, parts): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    let mut rows = Vec::new();
    for (workload, part) in workloads.iter_mut().zip(&parts) {
        workload.kind = kind;
        let Part::Opens(openers) = part else { continue };
        let one = &openers[0];
        let at = one.pool.most.place().unwrap().clone();
        rows.push(row(&workload.name, "service", &one.what, one.processes.value, one.pool.most.clone(), at));
    }
    let admin = Number::implied(10);
    rows.push(row("admin", "other", "", 1, admin, Place::new(&"connwarden-plan.toml".into(), 2, 1)));
    let server = ServerBudget {
        host: Some("postgres".into()),
        slots: Some(Slots {
            connections_max: Number::implied(200),
            superuser_reserved: Number::implied(3),
            reserved: Number::implied(0),
        }),
        thresholds: Thresholds { warn: 70, crit: 85 },
        rows,
        totals: Sums::default(),
        verdicts: Vec::new(),
        fit: None,
    };
    let texts = [
        ("compose.yaml", COMPOSE),
        ("simulator.env", SIMULATOR),
        ("settings.py", SETTINGS),
        ("raise.sql", RAISE),
    ];
    Wall {
        deployed: Deployed { workloads },
        parts,
        budget: Budget { servers: vec![server], findings: Vec::new() },
        texts: texts.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect(),
        declared: Declared::default(),
    }
}

impl Wall {
    fn scene(&self) -> Scene<'_> {
        let pairs = self.deployed.workloads.iter().zip(&self.parts);
        let looked = pairs
            .map(|(workload, part)| Looked {
                workload,
                container: &workload.containers[0],
                part: part.clone(),
            })
            .collect();
        Scene {
            deployed: &self.deployed,
            looked,
            declared: &self.declared,
            budget: &self.budget,
            texts: &self.texts,
            found: &[],
        }
    }

    fn suggestion(&self, preset: Preset) -> Suggestion {
        suggest(&self.scene(), &Wanted { preset, memory_bytes: None, cores: None })
    }
}

fn expect(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/guide").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}");
}

#[test]
fn every_environment_of_the_guide_is_written_out() {
    let wall = wall("service");
    for preset in Preset::ALL {
        let suggestion = wall.suggestion(preset);
        assert!(suggestion.fits, "{suggestion:#?}");
        expect(&format!("{}.expected", preset.name()), &connwarden_plan::suggest::text(&suggestion));
    }
}

#[test]
fn the_guides_production_is_160_of_400() {
    let suggestion = wall("service").suggestion(Preset::Production);
    assert_eq!((suggestion.sums.peak, suggestion.usable), (160, 397));
}

#[test]
fn in_a_cluster_it_is_patches_of_manifests() {
    let wall = wall("Deployment");
    let suggestion = wall.suggestion(Preset::Staging);
    let file = suggestion.files.iter().find(|file| file.path == "kubernetes.connwarden.yaml").unwrap();
    expect("kubernetes.expected", &file.text);
    assert_eq!(
        connwarden_plan::yaml::documents(&"k".into(), &file.text).unwrap().len(),
        3,
        "one for each service"
    );
}

#[test]
fn what_is_written_can_be_read_again() {
    for preset in Preset::ALL {
        for file in wall("service").suggestion(preset).files {
            if file.path.ends_with(".yaml") {
                let documents = connwarden_plan::yaml::documents(&"f".into(), &file.text).unwrap();
                assert!(documents[0].get("services").is_some(), "{}", file.text);
            }
        }
    }
}

#[test]
fn memory_and_cores_come_from_a_limit_and_else_from_the_caller() {
    let mut wall = wall("service");
    let api = &mut wall.parts[1];
    let Part::Opens(openers) = api else { panic!("{api:?}") };
    let assumed = Number::assumed(1, "gunicorn runs one worker: --workers is not given");
    openers[0].processes = assumed.clone();
    wall.budget.servers[0].rows[0].processes = assumed;
    let given = Wanted { preset: Preset::Production, memory_bytes: Some(16 << 30), cores: Some(6) };
    let value = |suggestion: &Suggestion, name: &str| {
        suggestion.settings.iter().find(|line| line.name == name).map(|line| line.value.clone()).unwrap()
    };
    let suggestion = suggest(&wall.scene(), &given);
    assert_eq!(
        (value(&suggestion, "shared_buffers").as_str(), suggestion.rows[0].processes.value),
        ("4GB", 6)
    );
    let compose = suggestion.files.iter().find(|file| file.path == "compose.connwarden.yaml").unwrap();
    assert!(compose.text.contains("WEB_CONCURRENCY: \"6\""), "{}", compose.text);

    let at = Place::new(&"compose.yaml".into(), 1, 1);
    let containers = &mut wall.deployed.workloads;
    containers[0].containers[0].memory_bytes_max = Some((2 << 30, at.clone()));
    containers[1].containers[0].cpu_millis_max = Some(Number::written(1500, &at));
    let suggestion = suggest(&wall.scene(), &given);
    assert_eq!(
        (value(&suggestion, "max_connections").as_str(), suggestion.rows[0].processes.value),
        ("160", 2)
    );
}

#[test]
fn a_configuration_that_is_there_is_changed_line_by_line() {
    let mut wall = wall("service");
    let conf = "# ours\nmax_connections = 200   # once\nlog_statement = 'ddl'\n";
    wall.texts.insert("postgresql.conf".into(), conf.into());
    let files = &mut wall.deployed.workloads[0].containers[0].files;
    files.insert("/etc/postgresql/postgresql.conf".into(), file("postgresql.conf", conf));
    let suggestion = wall.suggestion(Preset::Development);
    let file = suggestion.files.iter().find(|file| file.path == "postgresql.conf").unwrap();
    assert!(
        file.text.starts_with("# ours\nmax_connections = 200  # once\nlog_statement = 'ddl'\n"),
        "{}",
        file.text
    );
    assert!(file.patch.starts_with("--- a/postgresql.conf\n+++ b/postgresql.conf\n@@ "), "{}", file.patch);
    assert!(suggestion.files.iter().all(|file| file.path != "postgresql.connwarden.conf"));
}

#[test]
fn an_operators_resource_has_its_settings_in_a_map() {
    let mut wall = wall("Deployment");
    wall.deployed.workloads[0].kind = "Cluster";
    let suggestion = wall.suggestion(Preset::Production);
    let file = suggestion.files.iter().find(|file| file.path == "kubernetes.connwarden.yaml").unwrap();
    let documents = connwarden_plan::yaml::documents(&"k".into(), &file.text).unwrap();
    let parameters = documents[0].at(&["spec", "postgresql", "parameters"]).unwrap();
    assert_eq!(parameters.get("max_connections").unwrap().text(), Some("400"));
}

#[test]
fn a_pooler_that_opens_too_much_gets_less() {
    let mut wall = wall("service");
    let ini = "[databases]\nwall = host=postgres\n* = host=postgres\n[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 300 \nmax_client_conn = 100\n";
    wall.texts.insert("pgbouncer.ini".into(), ini.into());
    let mut workload = workload("api");
    workload.name = "pgbouncer".into();
    workload.containers[0].name = "pgbouncer".into();
    workload.containers[0].files.insert("/etc/pgbouncer/pgbouncer.ini".into(), file("pgbouncer.ini", ini));
    wall.deployed.workloads.push(workload);
    wall.parts.push(Part::Pooler(Pooler {
        what: "PgBouncer".into(),
        processes: Number::implied(1),
        kept: Number::implied(0),
        most: Number::implied(600),
        clients_max: Number::implied(100),
        to: None,
    }));
    let rows = &mut wall.budget.servers[0].rows;
    for row in rows.iter_mut().filter(|row| row.scales) {
        row.via = Some("pgbouncer".into());
    }
    let at = Place::new(&"pgbouncer.ini".into(), 6, 1);
    rows.push(row("pgbouncer", "pooler", "PgBouncer", 1, Number::implied(600), at));
    let suggestion = wall.suggestion(Preset::Production);
    assert!(suggestion.fits);
    assert!(suggestion.rows.iter().all(|row| row.name != "connwarden"), "there is a pooler already");
    let file = suggestion.files.iter().find(|file| file.path == "pgbouncer.ini").unwrap();
    expect("pgbouncer.expected", &file.patch);
}

#[test]
fn no_patch_shows_a_secret_that_stands_beside_a_change() {
    let mut wall = wall("service");
    let secret =
        |line: &str| format!("DB_PASSWORD=hunter2\n{line}\nTOKEN=hunter2\nTLS_KEY=\"hunter2\nhunter2\"\n");
    let env: String = SIMULATOR.lines().map(secret).collect();
    let compose = COMPOSE.replace("      DB_MAX_CONNS:", "      API_TOKEN: hunter2\n      DB_MAX_CONNS:");
    let ini = "[databases]\na = host=db password=hunter2\n[pgbouncer]\nmax_client_conn = 1\n";
    wall.texts.insert("simulator.env".into(), env.as_str().into());
    wall.texts.insert("compose.yaml".into(), compose.as_str().into());
    wall.texts.insert("production.env".into(), "A=1\nSECRET=hunter2".into());
    wall.texts.insert("pgbouncer.ini".into(), ini.into());
    for (line, text) in env.lines().enumerate() {
        let name = text.split('=').next().unwrap();
        let environment = &mut wall.deployed.workloads[3].containers[0].environment;
        if let Some(variable) = environment.get_mut(name) {
            variable.place = Place::new(&"simulator.env".into(), u32::try_from(line + 1).unwrap(), 1);
        }
    }
    let at = wall.deployed.workloads[3].containers[0].environment["DB_MAX_CONNS"].place.clone();
    let Part::Opens(openers) = &mut wall.parts[3] else { panic!("it opens") };
    openers[0].pool.most = Number::written(50, &at);
    wall.budget.servers[0].rows[2].pool = Number::written(50, &at);
    let suggestion = wall.suggestion(Preset::Production);
    let of = |path: &str| &suggestion.files.iter().find(|file| file.path == path).unwrap().patch;
    assert!(of("simulator.env").contains("-DB_MAX_CONNS=50"), "{}", of("simulator.env"));
    assert!(of("production.env").contains("+DB_MAX_CONNS="), "{}", of("production.env"));
    let text = connwarden_plan::suggest::text(&suggestion);
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn what_the_guide_wrote_down_is_found() {
    let wall = wall("service");
    let mut text = String::new();
    for finding in connwarden_plan::lint::lint(&wall.scene()) {
        let place = finding.place.as_ref().map_or_else(String::new, ToString::to_string);
        let _ = writeln!(
            text,
            "{place} {:?} {}: {}\n  {}",
            finding.level, finding.rule.id, finding.message, finding.fix
        );
    }
    expect("lint.expected", &text);
}
