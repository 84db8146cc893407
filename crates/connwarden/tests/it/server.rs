//! Commands that log in: which server, what is said on the way, and what is left behind.

use testbed::proxy::Wanted;
use testbed::{Address, Client, Login, Postgres, PostgresOptions, Proxy, wait};

use crate::shell::{Dir, Ran};

fn server(options: PostgresOptions) -> Postgres {
    let postgres = Postgres::start(options).unwrap();
    postgres.run("postgres", "create role app login password 'geheim'; create role other login").unwrap();
    postgres
}

/// A URL of the unix socket.
fn url(postgres: &Postgres, login: &str) -> String {
    let dir = postgres.host().display().to_string().replace('/', "%2F");
    format!("postgres://{login}@{dir}:{}/postgres", postgres.port())
}

fn status(dir: &Dir, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    dir.run_with(&[&["status"], arguments].concat(), variables)
}

#[test]
fn a_target_stands_for_its_dsn_and_a_flag_wins_over_it() {
    let postgres = server(PostgresOptions::default());
    let dir = Dir::new("target");
    let good = url(&postgres, "app");
    dir.write(
        "connwarden.toml",
        &format!("[target.shop]\ndsn = \"{good}\"\n[target.hidden]\ndsn = {{ env = \"SHOP_DSN\" }}\n"),
    );
    assert_eq!(status(&dir, &["--target", "shop"], &[]).code, 0);
    let ran = status(&dir, &["--target", "shop", "-U", "postgres", "-o", "json"], &[]);
    assert!(ran.out.contains("\"user\": \"postgres\""), "{}", ran.out);
    assert_eq!(status(&dir, &["--target", "hidden"], &[("SHOP_DSN", &good)]).code, 0);
    let ran = status(&dir, &["--target", "hidden"], &[]);
    assert!(ran.code == 78 && ran.err.contains("SHOP_DSN is not set"), "{}", ran.err);
    let ran = status(&dir, &["--target", "shpo"], &[]);
    assert!(ran.code == 78 && ran.err.contains("the file has hidden, shop"), "{}", ran.err);
    assert_eq!(dir.run(&["config", "check"]).code, 0, "a file for commands is whole without a server");
    let ran = dir.run(&["proxy"]);
    assert!(ran.code == 78 && ran.err.contains("nothing to serve"), "{}", ran.err);
}

#[test]
fn every_way_to_name_a_server_leads_there() {
    let postgres = server(PostgresOptions::default());
    let dir = Dir::new("ways");
    let (host, port) = (postgres.host().display().to_string(), postgres.port().to_string());
    let there = url(&postgres, "app");
    type Way<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let ways: [Way<'_>; 5] = [
        (&["-d", &there], &[]),
        (&["-h", &host, "-p", &port, "-U", "app", "--dbname", "postgres"], &[]),
        (&[], &[("PGHOST", &host), ("PGPORT", &port), ("PGUSER", "app"), ("PGDATABASE", "postgres")]),
        (&[], &[("DATABASE_URL", &there)]),
        (&["-d", "postgres", "-U", "app"], &[("PGHOST", &host), ("PGPORT", &port)]),
    ];
    for (arguments, variables) in ways {
        let ran = status(&dir, arguments, variables);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?} {variables:?}");
    }
}

#[test]
fn a_password_in_the_command_line_is_warned_of_and_never_said() {
    let postgres = server(PostgresOptions::default().hba("local all app scram-sha-256"));
    let dir = Dir::new("argv");
    let ran = status(&dir, &["-d", &url(&postgres, "app:geheim")], &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("everybody on this machine can read the password"), "{}", ran.err);
    assert!(!ran.err.contains("geheim"));
    let ran = status(&dir, &["-d", &url(&postgres, "app")], &[("PGPASSWORD", "geheim")]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let ran = status(&dir, &["-d", &url(&postgres, "app")], &[("HOME", "/nowhere")]);
    assert_eq!(ran.code, 3);
    for looked in ["$PGPASSWORD", "/nowhere/.pgpass (not there)"] {
        assert!(ran.err.contains(looked), "{}", ran.err);
    }
}

#[test]
fn mistakes_are_the_callers_and_a_server_that_is_away_is_3() {
    let dir = Dir::new("mistakes");
    for arguments in [
        &["-d", "host=a sslmod=require"][..],
        &["-d", "postgres://h:x/d"],
        &["--timeout", "5"],
        &["-d", "host=a", "--target", "b"],
        &["-p", "0"],
    ] {
        let ran = status(&dir, arguments, &[]);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{arguments:?} {}", ran.err);
    }
    let ran = status(&dir, &["-h", "127.0.0.1", "-p", "1", "-o", "json"], &[]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("\"code\": \"network\"") && ran.out.contains("\"hint\""), "{}", ran.out);
    assert!(ran.err.contains("127.0.0.1:1: Connection refused"), "{}", ran.err);
}

#[test]
fn a_full_server_is_critical_to_a_check_and_shows_itself_to_who_may_stream() {
    let options = PostgresOptions::default().max_connections(4);
    let postgres = server(options);
    let login = Login::new("postgres", "postgres");
    let one = || match Client::login(&postgres.socket(), &login) {
        Ok(client) => Ok(Some(client)),
        Err(error) if error.is_code("53300") => Ok(None),
        Err(error) => Err(error),
    };
    let held: Vec<Client> =
        (0..4).map(|_| wait::until("a slot is free", wait::PATIENCE, one).unwrap()).collect();
    let dir = Dir::new("full");
    let app = url(&postgres, "app");
    let ran = status(&dir, &["-d", &app], &[]);
    assert_eq!(ran.code, 3);
    for said in ["sorry, too many clients already", "--wait-slot", "a walsender's slot was tried"] {
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    let ran = status(&dir, &["-d", &app, "--check", "-o", "json"], &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.out.contains("\"code\": \"server_full\"") && ran.out.contains("\"53300\""), "{}", ran.out);
    let ran = status(&dir, &["-d", &url(&postgres, "postgres"), "--check"], &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.out.contains("Total Connections: 4\n"), "{}", ran.out);
    assert!(ran.err.contains("logged in as a walsender"), "{}", ran.err);
    drop(held);
}

#[test]
fn a_starter_file_is_made_from_what_the_server_has() {
    let postgres = server(PostgresOptions::default().max_connections(20));
    postgres.run("postgres", "create database shop").unwrap();
    let dir = Dir::new("from");
    let ran = dir.run(&["config", "init", "--from", &url(&postgres, "postgres"), "--output", "-"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for text in [
        format!("host = \"{}\"", postgres.host().display()),
        "[database.shop]".into(),
        "[user.postgres]".into(),
        "[user.app]".into(),
    ] {
        assert!(ran.out.contains(&text), "{text}\n{}", ran.out);
    }
}

#[test]
fn a_pooler_in_between_is_told_with_what_its_console_says() {
    let postgres = server(PostgresOptions::default());
    let config = Wanted::new("transaction", 3, "postgres").config(&postgres);
    let proxy = Proxy::start(&format!("{config}\n[admin]\nstats_users = [\"app\"]\n")).unwrap();
    let Address::Tcp(address) = proxy.address().unwrap() else { panic!("it listens on TCP") };
    let dir = Dir::new("pooler");
    let through = |user: &str| format!("postgres://{user}@{address}/postgres?sslmode=disable");
    let ran = status(&dir, &["-d", &through("app")], &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("note: a pooler stands between us and the server (connwarden "), "{}", ran.err);
    assert!(ran.err.contains(" waiting, on 1 servers)"), "{}", ran.err);
    let ran = status(&dir, &["-d", &through("other")], &[]);
    assert!(ran.err.contains("its console does not let us in"), "{} {}", ran.code, ran.err);
}

/// Logins that are begun and not finished: the server waits for a password, and the slot is taken.
fn half_open(postgres: &Postgres, number: usize) -> Vec<Client> {
    let login = Login::new("app", "postgres");
    let begin = |_| {
        // Whoever has just left may still hold its slot.
        wait::until("a login that is asked for its password", wait::PATIENCE, || {
            let mut client = Client::connect(&postgres.socket())?;
            client.send(&login.packet())?;
            let asked = client.read("the question for a password")?.tag == b'R';
            Ok(asked.then_some(client))
        })
        .unwrap()
    };
    (0..number).map(begin).collect()
}

#[test]
fn a_server_that_half_open_logins_have_filled_is_entered_and_they_are_counted_where_they_can_be_seen() {
    let postgres = server(PostgresOptions::default().max_connections(10).hba("local all app scram-sha-256"));
    let dir = Dir::new("half-open");
    let held = half_open(&postgres, 10);
    let full = postgres.admin("postgres").err().map(|error| error.to_string()).unwrap_or_default();
    assert!(full.contains("sorry, too many clients already"), "{full}");
    let ran = status(&dir, &["-d", &url(&postgres, "postgres")], &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("logged in as a walsender"), "{}", ran.err);
    // Before 18 such logins are in no view: the server is full, and nobody is seen.
    let seen = if ran.out.contains("(starting)") { 10 } else { 0 };
    assert!(ran.out.contains(&format!("Total Connections: {seen}\n")), "{}", ran.out);
    drop(held);
}
