//! `explain`: every text that is promised is known, and evidence puts the causes into order.

use engine::refuse::Refusal;
use inspect::catalog::{LimitKind, State};
use inspect::checks::Limits;
use inspect::explain::{Found, Scene, find};
use inspect::report::{Bearing, ExplainReport};

use crate::synthetic::{add, busy, limit, server, session};

fn id(text: &str) -> &'static str {
    match find(text) {
        Found::Page(page) => page.id,
        Found::Nearest(_) => panic!("nothing is known of {text}"),
    }
}

#[test]
fn errors_are_known_as_drivers_and_servers_write_them() {
    let texts = [
        ("FATAL:  sorry, too many clients already", "too-many-clients"),
        (
            "FATAL:  remaining connection slots are reserved for non-replication superuser connections",
            "slots-reserved",
        ),
        (
            "FATAL:  remaining connection slots are reserved for roles with privileges of the \
             \"pg_use_reserved_connections\" role",
            "slots-reserved",
        ),
        (
            "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
            "slots-superuser",
        ),
        ("FATAL:  too many connections for role \"wall\"", "role-limit"),
        ("FATAL:  too many connections for database \"wall\"", "database-limit"),
        (
            "FATAL:  number of requested standby connections exceeds max_wal_senders (currently 10)",
            "walsenders",
        ),
        ("ERROR:  no more connections allowed (max_client_conn)", "pooler-max-clients"),
        ("FATAL: query_wait_timeout", "query-wait-timeout"),
        ("FATAL:  terminating connection due to administrator command", "terminated"),
        ("FATAL:  the database system is starting up", "starting-up"),
        ("FATAL:  terminating connection due to idle-in-transaction timeout", "idle-in-transaction-timeout"),
        ("FATAL:  terminating connection due to idle-session timeout", "idle-session-timeout"),
        ("FATAL:  terminating connection due to transaction timeout", "transaction-timeout"),
        (
            "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\
             \tbefore or while processing the request.",
            "server-closed",
        ),
        (
            "connection to server at \"db\" (10.0.0.1), port 5432 failed: Connection refused",
            "connection-refused",
        ),
        ("Error: connect ECONNREFUSED 127.0.0.1:5432", "connection-refused"),
        ("FATAL:  password authentication failed for user \"wall\"", "password"),
        (
            "FATAL:  no pg_hba.conf entry for host \"10.0.0.9\", user \"wall\", database \"wall\", no encryption",
            "not-allowed",
        ),
        ("FATAL:  role \"walll\" does not exist", "not-allowed"),
        ("FATAL:  database \"walll\" does not exist", "no-database"),
        ("psycopg2.OperationalError: SSL SYSCALL error: EOF detected", "ssl-syscall"),
        (
            "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
            "sqlalchemy-pool",
        ),
        (
            "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms.",
            "hikari-pool",
        ),
        ("psycopg_pool.PoolTimeout: couldn't get a connection after 30.00 sec", "psycopg-pool"),
        ("django.db.utils.InterfaceError: connection already closed", "already-closed"),
        ("psycopg.OperationalError: the connection is closed", "already-closed"),
        ("Error code: P2024 Timed out fetching a new connection from the connection pool.", "prisma-pool"),
        ("Error: timeout exceeded when trying to connect", "node-postgres-pool"),
        (
            "ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the pool within 5.000 seconds",
            "rails-pool",
        ),
    ];
    for (text, page) in texts {
        assert_eq!(id(text), page, "{text}");
    }
}

#[test]
fn codes_are_known() {
    let codes = [
        ("53300", "53300"),
        ("57P01", "terminated"),
        ("57P03", "starting-up"),
        ("25P03", "idle-in-transaction-timeout"),
        ("57P05", "idle-session-timeout"),
        ("25P04", "transaction-timeout"),
        ("08006", "server-closed"),
        ("28P01", "password"),
        ("28000", "not-allowed"),
        ("3D000", "no-database"),
        ("P2024", "prisma-pool"),
    ];
    for (code, page) in codes {
        assert_eq!(id(code), page);
        assert_eq!(id(&format!("ERROR: something (SQLSTATE {})", code.to_lowercase())), page);
    }
}

/// All refusals whose words are the proxy's own.
fn refusals() -> Vec<Refusal> {
    let name = || Box::<str>::from("wall");
    vec![
        Refusal::WrongPassword { user: name() },
        Refusal::NoSuchDatabase { database: name() },
        Refusal::DatabaseDisabled { database: name() },
        Refusal::TooManyClients,
        Refusal::TooManyDatabaseClients { database: name() },
        Refusal::TooManyUserClients { user: name() },
        Refusal::TooManyLogins,
        Refusal::TooManyWaiting,
        Refusal::UnsupportedParameter(name()),
        Refusal::MessageTooLarge { bytes: 9, bytes_max: 8 },
        Refusal::StatementTooLarge { bytes_max: 8 },
        Refusal::TooManyStatements { statements_max: 8 },
        Refusal::LoginTimeout,
        Refusal::WaitTimeout { last: None },
        Refusal::WaitTimeout { last: Some("no route".into()) },
        Refusal::QueryTimeout,
        Refusal::TransactionTimeout,
        Refusal::IdleTransactionTimeout,
        Refusal::ClientIdleTimeout,
        Refusal::ClientWriteTimeout,
        Refusal::TransactionInStatementMode,
        Refusal::SimpleQueryDisabled,
        Refusal::ShuttingDown,
        Refusal::Killed,
        Refusal::DatabaseRemoved,
        Refusal::ServerUnreachable(name()),
        Refusal::ServerLost,
        Refusal::OutOfStep,
    ]
}

#[test]
fn every_refusal_of_our_proxy_is_explained() {
    for refusal in refusals() {
        let page = id(&format!("FATAL:  {}", refusal.text()));
        let general = ["pooler-", "query-wait", "password", "terminated", "no-database"];
        assert!(general.iter().any(|start| page.starts_with(start)), "{}: {page}", refusal.text());
    }
}

fn causes(text: &str, sample: &inspect::catalog::Sample) -> Vec<(Bearing, &'static str)> {
    let report = ExplainReport::of(
        text,
        &find(text),
        Some(&Scene { sample, blocking: None, limits: &Limits::default() }),
    );
    report.page.unwrap().causes.into_iter().map(|cause| (cause.evidence, cause.text)).collect()
}

#[test]
fn what_the_server_bears_out_comes_first() {
    let mut sample = server(15);
    add(&mut sample, 90, "api", State::Idle);
    sample.sessions.iter_mut().for_each(|session| session.query = Some("select 1 from a where b = 2".into()));
    let ordinary = causes("sorry, too many clients already", &sample);
    let place = |causes: &[(Bearing, &str)], start: &str| {
        causes.iter().position(|(_, text)| text.starts_with(start)).unwrap()
    };
    assert_eq!(ordinary[0], (Bearing::Seen, "One application holds most connections"));
    assert_eq!(ordinary[place(&ordinary, "The application logs in as a superuser")].0, Bearing::NotSeen);
    assert_eq!(ordinary[place(&ordinary, "A login storm")].0, Bearing::Unknown, "not to be seen on 15");
    sample.sessions.iter_mut().for_each(|session| session.is_superuser = true);
    let boss = causes("sorry, too many clients already", &sample);
    assert!(boss[0].1.starts_with("The application logs in as a superuser") && boss[0].0 == Bearing::Seen);
    sample.facts.superuser_reserved = 0;
    let bare = causes("sorry, too many clients already", &sample);
    assert_eq!(bare[1], (Bearing::Seen, "No slot is kept back for superusers"));
}

#[test]
fn half_open_logins_and_full_limits_are_evidence() {
    let mut sample = server(18);
    add(&mut sample, 9, "", State::Starting);
    let storm = causes("sorry, too many clients already", &sample);
    assert!(
        storm.iter().any(|(bearing, text)| *bearing == Bearing::Seen && text.starts_with("A login storm"))
    );
    let mut sample = busy(10);
    sample.limits = vec![limit(LimitKind::Role, "wall", 10, 10)];
    assert_eq!(
        causes("too many connections for role \"wall\"", &sample)[0],
        (Bearing::Seen, "The role is at its limit")
    );
}

#[test]
fn a_role_that_sees_a_part_does_not_take_it_for_the_whole() {
    let mut sample = server(15);
    sample.facts.sees_all = false;
    let mut hidden = session(5, "api", State::Hidden);
    hidden.query = None;
    sample.sessions.push(hidden);
    let causes = causes("idle-in-transaction", &sample);
    assert!(causes.iter().all(|(bearing, _)| *bearing == Bearing::Unknown), "{causes:?}");
}
