//! What is suggested for systems that are written down in files.

use std::collections::BTreeMap;

use connwarden_plan::budget::{self, Known};
use connwarden_plan::declared::Declared;
use connwarden_plan::read::{self, World};
use connwarden_plan::suggest::{Suggestion, Wanted, suggest, text};
use connwarden_plan::{Finding, Scene};
use model::preset::Preset;

const SERVER: &str =
    "services:\n  db:\n    image: postgres:16\n    command: postgres -c max_connections=200\n";

/// What is suggested for `compose.yaml` with the files beside it.
fn suggestion(files: &[(&str, &str)], preset: Preset) -> Suggestion {
    let files: BTreeMap<String, String> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let world = World { files: &files, environment: &|_| None, profiles: &[] };
    let found =
        read::files(&read::Paths { named: vec!["compose.yaml".into()], ..read::Paths::default() }, &world);
    let declared = Declared::default();
    let budget = budget::of(&found.deployed, &declared, &Known::default());
    let texts = files.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
    let said: Vec<Finding> = found.findings.iter().chain(&budget.findings).cloned().collect();
    let scene = Scene::of(&found.deployed, &declared, &budget, &texts, &said);
    suggest(&scene, &Wanted { preset, memory_bytes: None, cores: None })
}

fn compose(service: &str) -> String {
    format!("{SERVER}  api:\n    image: example/api\n    deploy: {{replicas: 90}}\n{service}")
}

#[test]
fn a_pool_s_size_inside_a_connection_string_is_for_its_owner_to_change() {
    let prisma = "DATABASE_URL=postgres://app:hunter2@db/shop?connection_limit=5";
    let npgsql =
        "ConnectionStrings__Main=Host=db;Database=s;Username=u;Password=hunter2;Maximum Pool Size=20";
    for (command, pair, parameter) in
        [("node a.js", prisma, "connection_limit = "), ("dotnet a.dll", npgsql, "Maximum Pool Size = ")]
    {
        let (name, value) = pair.split_once('=').unwrap();
        let set = compose(&format!("    command: {command}\n    environment:\n      {name}: \"{value}\"\n"));
        let by_file = compose(&format!("    command: {command}\n    env_file: api.env\n"));
        let env = format!("A=1\n{pair}\nB=2\n");
        for files in [&[("compose.yaml", set.as_str())][..], &[("compose.yaml", &by_file), ("api.env", &env)]]
        {
            let suggestion = suggestion(files, Preset::Production);
            let text = text(&suggestion);
            assert!(suggestion.rows.iter().any(|row| row.name == "api" && row.pool.value < 5), "{text}");
            let sentence = suggestion.why.iter().find(|why| why.starts_with(&format!("api: {name}: ")));
            assert!(sentence.is_some_and(|why| why.contains(parameter)), "{text}");
            assert!(!text.contains("hunter2") && !text.contains(&format!("{name}: \"")), "{text}");
            assert!(!text.contains(&format!("+{name}=")), "{text}");
        }
    }
}

#[test]
fn a_variable_that_is_nothing_but_the_size_is_set() {
    let service = "    command: node a.js\n    environment:\n      DATABASE_URL: postgres://app@db/shop\n      PG_POOL_MAX: 20\n";
    let suggestion = suggestion(&[("compose.yaml", &compose(service))], Preset::Production);
    let file = suggestion.files.iter().find(|file| file.path == "compose.connwarden.yaml").unwrap();
    assert!(file.text.contains("PG_POOL_MAX: \""), "{}", file.text);
    assert!(!file.text.contains("DATABASE_URL"), "{}", file.text);
}

#[test]
fn a_server_s_command_with_a_secret_is_not_written_anew() {
    let service = "    command: node a.js\n    environment: {PGHOST: db}\n";
    let secret =
        compose(service).replace("-c max_connections=200", "-c max_connections=200 -c myext.token=hunter2");
    let suggestion = suggestion(&[("compose.yaml", &secret)], Preset::Production);
    let text = text(&suggestion);
    let said = "db: its command sets myext.token, which may hold a secret, so it is not written anew";
    assert!(suggestion.why.iter().any(|why| why.starts_with(said)), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("    command:\n      - postgres"), "{text}");
}

/// A service that is sent through a pooler: the high load's.
const BEHIND: &str = "    command: node a.js\n    environment: {A_DB_ENGINE: postgres, DB_ENGINE: postgres, DB_HOST: postgres, DB_PORT: 5432, DB_NAME: shop, DB_USER: app}\n";

#[test]
fn of_several_variables_with_the_host_s_name_the_one_that_is_the_host_is_changed() {
    let compose = compose(BEHIND).replace("  db:\n", "  postgres:\n");
    let suggestion = suggestion(&[("compose.yaml", &compose)], Preset::HighLoad);
    let file = suggestion.files.iter().find(|file| file.path == "compose.connwarden.yaml").unwrap();
    assert!(file.text.contains("      DB_HOST: \"connwarden\"\n"), "{}", file.text);
    assert!(file.text.contains("      DB_PORT: \"6432\"\n"), "{}", file.text);
    assert!(!file.text.contains("DB_ENGINE"), "{}", file.text);
}

#[test]
fn a_pooler_that_is_there_is_reached_at_its_own_port() {
    let ini = "[databases]\n* = host=postgres\n[pgbouncer]\nlisten_port = 7432\npool_mode = transaction\n";
    let mounted = "  pgbouncer:\n    image: edoburu/pgbouncer\n    volumes: [./pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini]\n";
    let told = "  pgbouncer:\n    image: edoburu/pgbouncer\n    environment: {DB_HOST: postgres, LISTEN_PORT: 7432}\n";
    for pooler in [mounted, told] {
        let compose = compose(BEHIND).replace("  db:\n", "  postgres:\n") + pooler;
        let suggestion = suggestion(&[("compose.yaml", &compose), ("pgbouncer.ini", ini)], Preset::HighLoad);
        let file = suggestion.files.iter().find(|file| file.path == "compose.connwarden.yaml").unwrap();
        assert!(file.text.contains("      DB_HOST: \"pgbouncer\"\n"), "{}", file.text);
        assert!(file.text.contains("      DB_PORT: \"7432\"\n"), "{}", file.text);
    }
}

#[test]
fn what_was_not_read_or_not_found_is_no_promise() {
    let service = "    command: node a.js\n    environment: {PGHOST: db, PG_POOL_MAX: 1}\n";
    let whole = compose(service);
    let of = |text: &str| suggestion(&[("compose.yaml", text)], Preset::Staging);
    let doubts = |text: &str| of(text).doubts.join("\n");
    assert_eq!((of(&whole).fits, doubts(&whole).as_str()), (true, ""));
    let torn = whole.replace("replicas: 90", "replicas: many");
    assert!(doubts(&torn).starts_with("the files hold an error"), "{}", doubts(&torn));
    let alone = "services:\n  api:\n    image: example/api\n    command: node a.js\n    environment: {PGHOST: elsewhere}\n";
    assert!(doubts(alone).starts_with("no PostgreSQL server was found"), "{}", doubts(alone));
    assert!(doubts(SERVER).contains("nothing was found that opens connections"), "{}", doubts(SERVER));
    let nothing = "services:\n  web:\n    image: nginx\n";
    assert!(
        doubts(nothing).contains("no PostgreSQL server") && doubts(nothing).contains("nothing was found")
    );
}
