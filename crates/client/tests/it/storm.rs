//! Many probes at once.

use std::time::Duration;

use connwarden_client::{CheckId, Status};
use testbed::{Postgres, PostgresOptions, wait};

use crate::bed;

fn logged() -> Postgres {
    bed::server(PostgresOptions::default().set("log_connections", "on"))
}

fn sessions(postgres: &Postgres) -> Vec<Vec<Option<String>>> {
    let sql = "select application_name from pg_stat_activity where usename = 'watch'";
    postgres.run("postgres", sql).unwrap()
}

#[test]
fn a_thousand_probes_are_one_login() {
    let (postgres, runtime) = (logged(), bed::runtime());
    let monitor = bed::builder(&postgres, "watch").cache_for(Duration::from_secs(1)).build().unwrap();
    let statuses = runtime.block_on(async {
        let probes: Vec<_> = (0..1_000)
            .map(|_| {
                let monitor = monitor.clone();
                tokio::spawn(async move { monitor.health().await.status })
            })
            .collect();
        let mut statuses = Vec::new();
        for probe in probes {
            statuses.push(probe.await.unwrap());
        }
        statuses
    });
    assert_eq!(statuses, vec![Status::Ok; 1_000]);
    assert_eq!(sessions(&postgres), [[Some("connwarden client".to_owned())]]);
    assert_eq!(bed::logins(&postgres, "watch"), 1);
}

#[test]
fn probes_that_give_up_leave_the_connection_whole() {
    let (postgres, runtime) = (logged(), bed::runtime());
    let monitor = bed::monitor(&postgres, "watch");
    runtime.block_on(async {
        for _ in 0..100 {
            // Polled once, and dropped.
            tokio::select! {
                biased;
                _ = monitor.health() => {}
                () = std::future::ready(()) => {}
            }
        }
        assert_eq!(monitor.health().await.status, Status::Ok);
    });
    assert_eq!(bed::logins(&postgres, "watch"), 1);
}

#[test]
fn a_server_that_is_away_is_not_dialled_by_each_probe() {
    let mut postgres = logged();
    let runtime = bed::runtime();
    let monitor = bed::monitor(&postgres, "nobody");
    for _ in 0..200 {
        assert_eq!(runtime.block_on(monitor.health()).status, Status::Unknown);
    }
    let refusals = wait::until("a refusal in the log", wait::PATIENCE, || {
        let refusals = postgres.log().matches("role \"nobody\" does not exist").count();
        Ok((refusals > 0).then_some(refusals))
    })
    .unwrap();
    assert!(refusals < 20, "{refusals} logins for 200 probes");
    postgres.crash();
}

#[test]
fn checks_are_those_that_were_asked_for_and_show_no_statement() {
    let (postgres, runtime) = (logged(), bed::runtime());
    let mut held = bed::hold(&postgres, "app", 6).unwrap();
    held.iter_mut().for_each(|client| drop(client.query("select 'vault'").unwrap()));
    let monitor = bed::builder(&postgres, "watch").checks([CheckId::LeakLike]).build().unwrap();
    let health = runtime.block_on(monitor.health());
    assert_eq!(health.checks.iter().map(|check| check.id).collect::<Vec<_>>(), [CheckId::LeakLike]);
    assert_eq!(health.checks[0].value, Some(6.0));
    assert!(health.checks[0].evidence.is_empty());
}
