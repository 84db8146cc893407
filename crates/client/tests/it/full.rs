//! A server without a free slot.

use connwarden_client::{CheckId, Failure, Status};
use testbed::PostgresOptions;

use crate::bed;

fn small() -> testbed::Postgres {
    let options =
        PostgresOptions::default().set("max_connections", "8").set("superuser_reserved_connections", "2");
    bed::server(options)
}

#[test]
fn a_full_server_is_critical_and_still_answers_over_the_held_connection() {
    let (postgres, runtime) = (small(), bed::runtime());
    let monitor = bed::monitor(&postgres, "watch");
    let before = runtime.block_on(monitor.health());
    assert_eq!((before.status, before.healthy), (Status::Ok, true), "{before:?}");
    // The monitor's own is the sixth of six that ordinary roles can get; a superuser takes one that is kept back.
    let mut held = bed::hold(&postgres, "app", 5).unwrap();
    held.extend(bed::hold(&postgres, "postgres", 1).unwrap());
    let full = runtime.block_on(monitor.health());
    assert_eq!((full.status, full.healthy), (Status::Critical, false), "{full:?}");
    assert!(full.error.is_none());
    let info = full.postgresql.unwrap();
    assert_eq!((info.total_connections, info.max_connections, info.usable_connections), (6, 8, 6));
    assert_eq!(info.utilization_percent, 75.0);
    let holder = &info.connections_by_application[0];
    assert_eq!((holder.application.as_str(), holder.total), ("holder", 6));
    assert!(bed::hold(&postgres, "app", 1).unwrap_err().is_code("53300"), "it is full indeed");
    drop(held);
    bed::until(&runtime, &monitor, Status::Ok);
    runtime.block_on(monitor.close());
}

#[test]
fn who_comes_to_a_full_server_is_told_that_it_is_full_and_later_let_in() {
    let (postgres, runtime) = (small(), bed::runtime());
    let held = bed::hold(&postgres, "app", 6).unwrap();
    let monitor = bed::monitor(&postgres, "watch");
    let health = runtime.block_on(monitor.health());
    assert_eq!((health.status, health.postgresql), (Status::Critical, None));
    let error = health.error.unwrap();
    assert_eq!((error.code, error.sqlstate.as_deref()), (Failure::ServerFull, Some("53300")));
    assert_eq!(health.checks.iter().map(|check| check.id).collect::<Vec<_>>(), [CheckId::Login]);
    drop(held);
    bed::until(&runtime, &monitor, Status::Ok);
}

#[test]
fn a_role_with_replication_gets_into_a_full_server() {
    let (postgres, runtime) = (small(), bed::runtime());
    postgres.run("postgres", "alter role watch replication").unwrap();
    postgres.settled().unwrap();
    let _held = bed::hold(&postgres, "app", 6).unwrap();
    let health = runtime.block_on(bed::monitor(&postgres, "watch").health());
    assert_eq!((health.status, health.error), (Status::Critical, None));
    assert_eq!(health.postgresql.map(|info| info.total_connections), Some(6));
}
