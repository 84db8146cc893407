//! `explain` as a shell sees it: with a server, without one, and when it knows nothing.

use testbed::{Client, Login, Postgres, PostgresOptions};

use crate::shell::Dir;

const NOBODY: [&str; 8] = ["-h", "127.0.0.1", "-p", "1", "-U", "u", "--dbname", "d"];

#[test]
fn a_server_puts_the_causes_into_order() {
    let postgres = Postgres::start(PostgresOptions::default().max_connections(20)).unwrap();
    let login = Login::new("postgres", "postgres").with("application_name", "wall-api");
    let _held: Vec<Client> = (0..6).map(|_| Client::login(&postgres.socket(), &login).unwrap()).collect();
    let (host, port) = (postgres.host().display().to_string(), postgres.port().to_string());
    let dir = Dir::new("causes");
    let server = ["-h", &host, "-p", &port, "-U", "postgres", "--dbname", "postgres", "--ascii"];
    let ran = dir.run(&[&["explain", "FATAL:  sorry, too many clients already"][..], &server].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("  1. The application logs in as a superuser"), "{}", ran.out);
    assert!(ran.out.contains("-> seen: wall-api logs in as superuser postgres: 6 sessions"), "{}", ran.out);
    assert!(ran.out.contains("-> seen: superuser_reserved_connections is 0"), "{}", ran.out);
    assert!(ran.out.contains("next: connwarden status"), "{}", ran.out);
}

#[test]
fn without_a_server_the_page_stands_and_says_so() {
    let dir = Dir::new("alone");
    let ran = dir.run(&[&["explain", "57P01"][..], &NOBODY].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("terminating connection due to administrator command"), "{}", ran.out);
    assert!(ran.out.contains("no server was looked at: 127.0.0.1:1"), "{}", ran.out);
    let ran = dir.run(&["explain", "57P01", "--no-connect"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(!ran.out.contains("no server was looked at"), "nobody wanted it to be: {}", ran.out);
}

#[test]
fn words_need_no_quotes_and_json_is_one_document() {
    let dir = Dir::new("words");
    let ran = dir.run(&["explain", "QueuePool", "limit", "of", "size", "5", "--no-connect", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["schema"]), (0, &"connwarden.explain/1".into()));
    assert_eq!(report["page"]["id"], "sqlalchemy-pool");
    assert_eq!(report["page"]["causes"][0]["evidence"], "unknown");
}

#[test]
fn what_is_not_known_says_so_with_the_nearest_and_asks_no_server() {
    let ran = Dir::new("unknown").run(&["explain", "the", "flux", "capacitor", "is", "empty"]);
    assert_eq!((ran.code, ran.err.as_str()), (2, ""));
    assert!(
        ran.out.starts_with("nothing is known of: the flux capacitor is empty\nthe nearest:\n"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.matches("connwarden explain ").count(), 3);
}
