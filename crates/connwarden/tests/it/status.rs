//! `connwarden status` before a real server.

use testbed::client::{Client, Login};
use testbed::{Postgres, PostgresOptions};

use crate::shell::{Dir, Ran};

/// A server with the sessions of a small system, which stay as long as this does.
struct Scene {
    postgres: Postgres,
    sessions: Vec<Client>,
}

impl Scene {
    fn open(options: PostgresOptions) -> Self {
        let postgres = Postgres::start(options).unwrap();
        postgres.run("postgres", "create role app login; create role watcher login").unwrap();
        postgres.run("postgres", "grant pg_monitor to watcher").unwrap();
        Self { postgres, sessions: Vec::new() }
    }

    /// One more session of the role `app`, which has run `sql`.
    fn session(&mut self, application: &str, sql: &str) -> &mut Client {
        let login = Login::new("app", "postgres").with("application_name", application);
        let mut client = Client::login(&self.postgres.socket(), &login).unwrap();
        client.query(sql).unwrap();
        self.sessions.push(client);
        self.sessions.last_mut().unwrap()
    }

    fn run(&self, user: &str, arguments: &[&str]) -> Ran {
        self.postgres.settled().unwrap();
        let (host, port) = (self.postgres.host().display().to_string(), self.postgres.port().to_string());
        let variables =
            [("PGHOST", host.as_str()), ("PGPORT", &port), ("PGUSER", user), ("PGDATABASE", "postgres")];
        Dir::new("status").run_with(&[&["status"], arguments].concat(), &variables)
    }
}

fn small_system() -> Scene {
    let mut scene = Scene::open(PostgresOptions::default().set("max_connections", "40"));
    for _ in 0..6 {
        scene.session("wall-django-api", "select 1");
    }
    scene.session("wall-django-api", "begin");
    scene.session("wall-django-materializer", "select 1");
    scene.session("", "select 1");
    scene
}

#[test]
fn a_pipe_gets_the_lines_that_scripts_know() {
    let scene = small_system();
    let ran = scene.run("watcher", &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let expected = "Max Connections: 40\nTotal Connections: 9\nActive Connections: 0\nIdle Connections: 8\n\
                    Idle in Transaction: 1\nUtilization: 22.5%\n✅ Connection utilization is healthy\n\n\
                    === Connections by Application ===\n\
                    wall-django-api: 7 connections (idle, idle in transaction)\n\
                    (empty name): 1 connection (idle)\nwall-django-materializer: 1 connection (idle)\n";
    assert_eq!(ran.out, expected);
    assert!(scene.run("watcher", &["--ascii"]).out.contains("\nOK Connection utilization is healthy\n"));
}

#[test]
fn groups_are_made_by_whatever_is_asked_for() {
    let scene = small_system();
    let ran = scene.run("watcher", &["--by", "user,state", "--top", "1", "-o", "human"]);
    assert!(ran.out.contains("=== Connections by User and State ==="), "{}", ran.out);
    assert!(ran.out.contains("... and 1 more (--top 2 shows all)"), "{}", ran.out);
    assert!(ran.out.contains("(23.1% of") || ran.out.contains("(24.3% of the 37 usable"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "no colour into a pipe");
    assert!(scene.run("watcher", &["-o", "human", "--color", "always"]).out.contains("\u{1b}["));
}

#[test]
fn a_role_that_sees_little_says_so_once_with_what_mends_it() {
    let mut scene = small_system();
    scene.postgres.run("postgres", "create role \"odd\"\"name\" login").unwrap();
    let ran = scene.run("odd\"name", &["-o", "human"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("Total Connections: 9"), "{}", ran.out);
    assert_eq!(ran.out.matches("GRANT pg_monitor TO \"odd\"\"name\";").count(), 1, "{}", ran.out);
    let json = scene.run("odd\"name", &["-o", "json"]).out;
    assert!(json.contains("\"visibility\": \"partial\"") && json.contains("\"hidden\": 9"), "{json}");
    scene.sessions.clear();
}

#[test]
fn a_name_with_escape_sequences_reaches_no_terminal() {
    let mut scene = Scene::open(PostgresOptions::default());
    scene.session("\u{9b}31m\u{202e}x", "set application_name = E'a\\x1b[2Jb'");
    for form in ["human", "plain"] {
        let ran = scene.run("watcher", &["-o", form]);
        assert!(!ran.out.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{:?}", ran.out);
    }
}

#[test]
fn the_exit_code_is_the_verdict_only_when_it_is_asked_for() {
    let mut scene = Scene::open(PostgresOptions::default().max_connections(10));
    for _ in 0..7 {
        scene.session("app", "select 1");
    }
    assert_eq!(scene.run("watcher", &["--check"]).code, 0, "70 % is not above 70 %");
    scene.session("app", "select 1");
    let ran = scene.run("watcher", &["--check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("Connection utilization is above 70%"), "{}", ran.out);
    scene.session("app", "select 1");
    assert_eq!(scene.run("watcher", &["--check"]).code, 2);
    assert_eq!(scene.run("watcher", &[]).code, 0);
}

#[test]
fn limits_are_shown_with_the_fullest_first() {
    let mut scene = Scene::open(PostgresOptions::default());
    scene.postgres.run("postgres", "alter role app connection limit 4").unwrap();
    scene.postgres.run("postgres", "alter database postgres connection limit 50").unwrap();
    scene.postgres.run("postgres", "alter role watcher connection limit 10").unwrap();
    for _ in 0..3 {
        scene.session("app", "select 1");
    }
    let out = scene.run("watcher", &["-o", "human"]).out;
    let limits = out.split("=== Limits closest to full ===").nth(1).unwrap();
    let first = limits.lines().nth(2).unwrap();
    assert!(first.starts_with("role") && first.contains("app") && first.contains("3/4"), "{out}");
}

#[test]
fn nobody_there_is_3_and_names_the_place() {
    let ran = Dir::new("status-nobody").run(&["status", "-h", "127.0.0.1", "-p", "1"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(ran.err.contains("127.0.0.1:1"), "{}", ran.err);
}
