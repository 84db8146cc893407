//! A server that is gone, slow, or comes back.

use std::net::TcpListener;
use std::time::Duration;

use connwarden_client::{Failure, Monitor, Status};
use testbed::PostgresOptions;

use crate::bed;

#[test]
fn a_stopped_server_is_unknown_and_one_that_comes_back_is_found_again() {
    let (mut postgres, runtime) = (bed::server(PostgresOptions::default()), bed::runtime());
    let monitor = bed::monitor(&postgres, "watch");
    assert_eq!(runtime.block_on(monitor.health()).status, Status::Ok);
    postgres.stop().unwrap();
    let gone = runtime.block_on(monitor.health());
    assert_eq!((gone.status, gone.healthy, &gone.postgresql), (Status::Unknown, false, &None));
    assert_eq!(gone.error.unwrap().code, Failure::Network);
    postgres.start_again().unwrap();
    let back = bed::until(&runtime, &monitor, Status::Ok);
    assert!(back.error.is_none() && back.postgresql.is_some());
}

#[test]
fn a_held_connection_that_was_ended_is_replaced_within_the_same_look() {
    let (postgres, runtime) = (bed::server(PostgresOptions::default()), bed::runtime());
    let monitor = bed::monitor(&postgres, "watch");
    runtime.block_on(monitor.health());
    let ended = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'watch'";
    assert_eq!(postgres.run("postgres", ended).unwrap().len(), 1);
    assert_eq!(runtime.block_on(monitor.health()).status, Status::Ok);
}

#[test]
fn a_monitor_outlives_the_runtime_that_it_first_looked_in() {
    let postgres = bed::server(PostgresOptions::default());
    let monitor = bed::monitor(&postgres, "watch");
    for _ in 0..2 {
        let runtime = bed::runtime();
        let health = runtime.block_on(monitor.health());
        assert_eq!(health.status, Status::Ok, "{health:?}");
    }
}

#[test]
fn one_that_says_nothing_is_not_waited_for_longer_than_asked() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let monitor = Monitor::builder()
        .dsn(format!("postgres://app@{}/x?sslmode=disable", silent.local_addr().unwrap()))
        .timeout(Duration::from_secs(3600))
        .answer_within(Duration::from_millis(20))
        .build()
        .unwrap();
    let runtime = bed::runtime();
    for _ in 0..3 {
        let health = runtime.block_on(monitor.health());
        assert_eq!(health.status, Status::Unknown);
        assert_eq!(health.error.unwrap().code, Failure::Timeout);
    }
    runtime.shutdown_background();
}

#[test]
fn settings_that_make_no_sense_are_an_error_for_the_builder() {
    let error = Monitor::builder().dsn("mysql://app@db/x").build().unwrap_err();
    assert!(error.to_string().contains("not PostgreSQL's"), "{error}");
}
