//! Each rule with a server that sets it off, and a near miss that does not.

use super::{Evidence, Finding, Outcome, Remedy, Severity, examine, rules};
use crate::catalog::{
    Client, Counters, Facts, FileLine, Override, Role, Sample, Session, Setting, Setup, Source, State,
};
use crate::local::{Backends, Machine};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// A server that no rule has anything against.
pub(crate) fn healthy() -> Evidence {
    let facts = Facts {
        version_num: 180_000,
        version: "18.0".into(),
        max_connections: 100,
        superuser_reserved: 3,
        reserved: 2,
        max_wal_senders: 10,
        uptime_s: 1e6,
        pid: 77,
        user: "postgres".into(),
        is_superuser: true,
        sees_all: true,
        ..Facts::default()
    };
    let mut evidence = Evidence {
        sample: Sample {
            facts,
            sessions: vec![session("shop", "shop-api"), session("shop", "shop-api")],
            counters: Some(Counters { sessions: 10_000, transactions: 900_000, ..Counters::default() }),
            ..Sample::default()
        },
        setup: Setup { files: Some(Vec::new()), md5_roles: Some(Vec::new()), ..Setup::default() },
        machine: Ok(Machine {
            memory_bytes: 16 * GIB,
            memory_limit_bytes: None,
            backends: Ok(Backends { measured: 2, median_bytes: 4 * MIB, largest_bytes: 9 * MIB }),
        }),
        memory_said_bytes: None,
        announced_pid: 77,
    };
    for (name, value, unit) in [
        ("authentication_timeout", "15", "s"),
        ("client_connection_check_interval", "10000", "ms"),
        ("effective_cache_size", "524288", "8kB"),
        ("hash_mem_multiplier", "2", ""),
        ("idle_in_transaction_session_timeout", "300000", "ms"),
        ("idle_session_timeout", "0", "ms"),
        ("listen_addresses", "*", ""),
        ("lock_timeout", "0", "ms"),
        ("max_connections", "100", ""),
        ("password_encryption", "scram-sha-256", ""),
        ("reserved_connections", "2", ""),
        ("shared_buffers", "16384", "8kB"),
        ("statement_timeout", "0", "ms"),
        ("tcp_keepalives_count", "3", ""),
        ("tcp_keepalives_idle", "600", "s"),
        ("tcp_keepalives_interval", "30", "s"),
        ("transaction_timeout", "0", "ms"),
        ("wal_level", "replica", ""),
        ("work_mem", "4096", "kB"),
    ] {
        set(&mut evidence, name, value, unit);
    }
    evidence.setup.roles = vec![
        Role { name: "postgres".into(), is_superuser: true, is_bootstrap: true, ..Role::default() },
        Role { name: "shop".into(), limit: Some(40), ..Role::default() },
    ];
    for name in ["statement_timeout", "lock_timeout"] {
        let role = Some("shop".to_owned());
        evidence.setup.overrides.push(Override {
            role,
            database: None,
            name: name.into(),
            value: "30s".into(),
        });
    }
    evidence
}

fn set(evidence: &mut Evidence, name: &str, value: &str, unit: &str) {
    let unit = Some(unit.to_owned()).filter(|unit| !unit.is_empty());
    let setting = Setting { value: value.into(), unit, source: Source::File, pending_restart: false };
    evidence.setup.settings.insert(name.into(), setting);
}

fn session(user: &str, application: &str) -> Session {
    Session {
        pid: 1000,
        started: None,
        changed: None,
        database: Some("shop".into()),
        user: Some(user.into()),
        is_superuser: user == "postgres",
        is_replication: false,
        application: application.into(),
        client: Client::Address([10, 0, 0, 1].into(), 5000),
        is_walsender: false,
        state: State::Idle,
        wait: None,
        age_s: Some(60.0),
        state_age_s: Some(5.0),
        xact_age_s: None,
        query_age_s: None,
        holds_snapshot: false,
        query: None,
    }
}

fn outcome(evidence: &Evidence, rule: &str) -> Outcome {
    let found: Vec<Finding> = examine(evidence).into_iter().filter(|finding| finding.rule == rule).collect();
    assert_eq!(found.len(), 1, "{rule}");
    found[0].outcome.clone()
}

/// What a rule says of the healthy server with one change.
fn after(rule: &str, change: impl FnOnce(&mut Evidence)) -> Outcome {
    let mut evidence = healthy();
    change(&mut evidence);
    outcome(&evidence, rule)
}

#[track_caller]
fn fires(severity: Severity, rule: &str, change: impl FnOnce(&mut Evidence)) -> super::Advice {
    match after(rule, change) {
        Outcome::Advised(advice) if advice.severity == severity => advice,
        other => panic!("{rule}: {other:?}"),
    }
}

#[track_caller]
fn is_quiet(rule: &str, change: impl FnOnce(&mut Evidence)) {
    let said = after(rule, change);
    assert!(matches!(said, Outcome::Fine(_)), "{rule}: {said:?}");
}

#[track_caller]
fn is_skipped(rule: &str, word: &str, change: impl FnOnce(&mut Evidence)) {
    match after(rule, change) {
        Outcome::Skipped(why) if why.contains(word) => {}
        other => panic!("{rule}: {other:?}"),
    }
}

fn written(advice: &super::Advice) -> Vec<String> {
    let text = |remedy: &Remedy| match remedy {
        Remedy::Setting { name, value, .. } => format!("{name} = {value}"),
        Remedy::Sql(text, _) | Remedy::Application(text) | Remedy::Pooler(text) => text.clone(),
    };
    advice.write.iter().map(text).collect()
}

#[test]
fn a_healthy_server_gets_no_advice_and_no_rule_is_left_out() {
    let findings = examine(&healthy());
    assert_eq!(findings.len(), 25);
    let said: Vec<_> =
        findings.iter().filter(|finding| !matches!(finding.outcome, Outcome::Fine(_))).collect();
    assert!(said.is_empty(), "{said:#?}");
}

#[test]
fn every_rule_is_in_the_document() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/doctor.md")).unwrap();
    let told: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(told, rules().collect::<Vec<_>>());
}

#[test]
fn what_matters_most_comes_first() {
    let mut evidence = healthy();
    set(&mut evidence, "client_connection_check_interval", "0", "ms");
    set(&mut evidence, "idle_in_transaction_session_timeout", "0", "ms");
    evidence.sample.facts.superuser_reserved = 0;
    let order: Vec<&str> = examine(&evidence).iter().take(3).map(|finding| finding.rule).collect();
    assert_eq!(order, ["superuser-reserved", "idle-in-transaction-timeout", "connection-check"]);
}

#[test]
fn slots_that_are_kept_back() {
    fires(Severity::Critical, "superuser-reserved", |e| e.sample.facts.superuser_reserved = 0);
    fires(Severity::Warning, "superuser-reserved", |e| e.sample.facts.superuser_reserved = 2);
    fires(Severity::Advice, "reserved", |e| set(e, "reserved_connections", "0", ""));
    is_skipped("reserved", "PostgreSQL 16", |e| {
        e.sample.facts.version_num = 150_000;
        e.setup.settings.remove("reserved_connections");
    });
}

#[test]
fn a_file_with_a_mistake_is_not_a_change_that_waits() {
    let line = |name: &str, error: &str| FileLine {
        file: "/etc/postgresql.conf".into(),
        line: 7,
        name: Some(name.into()),
        value: Some("13".into()),
        applied: false,
        error: Some(error.into()),
    };
    let waits = |e: &mut Evidence| {
        e.sample.facts.pending_restart = vec!["max_connections".into()];
        e.setup.files = Some(vec![line("max_connections", "setting could not be applied")]);
    };
    is_quiet("config-files", waits);
    let advice = fires(Severity::Warning, "restart-waiting", waits);
    assert!(advice.what.contains("max_connections: 100 now, 13 after a restart"), "{}", advice.what);
    // A start with the same command line changes nothing.
    is_quiet("config-files", |e| {
        e.setup.files = Some(vec![line("max_connections", "setting could not be applied")]);
        e.setup.settings.get_mut("max_connections").unwrap().source = Source::CommandLine;
    });
    let broken = |e: &mut Evidence| e.setup.files = Some(vec![line("work_memm", "unrecognized parameter")]);
    assert!(fires(Severity::Critical, "config-files", broken).what.contains("/etc/postgresql.conf:7"));
    is_quiet("restart-waiting", broken);
    is_skipped("config-files", "superusers", |e| e.setup.files = None);
}

#[test]
fn memory_is_counted_with_what_backends_take() {
    // 100 x 4 MiB + 128 MiB = 528 MiB.
    is_quiet("max-connections-memory", |e| e.memory_said_bytes = Some(661 * MIB));
    let tight = fires(Severity::Warning, "max-connections-memory", |e| e.memory_said_bytes = Some(600 * MIB));
    assert_eq!(written(&tight), ["max_connections = 88"]);
    fires(Severity::Critical, "max-connections-memory", |e| e.memory_said_bytes = Some(500 * MIB));
    is_skipped("max-connections-memory", "--memory", |e| e.machine = Err("the server is elsewhere".into()));
    is_quiet("work-mem", |e| e.memory_said_bytes = Some(928 * MIB));
    fires(Severity::Advice, "work-mem", |e| e.memory_said_bytes = Some(927 * MIB));
    fires(Severity::Warning, "work-mem", |e| {
        set(e, "work_mem", "262144", "kB");
        e.memory_said_bytes = Some(8 * GIB);
    });
}

#[test]
fn a_container_is_smaller_than_its_machine() {
    let limited = |e: &mut Evidence, limit| {
        if let Ok(machine) = &mut e.machine {
            machine.memory_limit_bytes = Some(limit);
        }
    };
    is_quiet("container-memory", |e| limited(e, 4 * GIB));
    let advice = fires(Severity::Warning, "container-memory", |e| limited(e, 2 * GIB));
    assert_eq!(written(&advice), ["effective_cache_size = 1536MB"]);
    fires(Severity::Warning, "container-memory", |e| {
        limited(e, 4 * GIB);
        set(e, "shared_buffers", "262144", "8kB");
    });
    is_skipped("container-memory", "elsewhere", |e| e.machine = Err("the server is elsewhere".into()));
}

#[test]
fn slots_that_nobody_takes() {
    let wide = |e: &mut Evidence| e.sample.facts.max_connections = 1000;
    fires(Severity::Advice, "max-connections-unused", wide);
    is_skipped("max-connections-unused", "too short", |e| {
        wide(e);
        e.sample.facts.uptime_s = 3600.0;
    });
    is_quiet("max-connections-unused", |e| {
        wide(e);
        e.sample.sessions = vec![session("shop", "shop-api"); 100];
    });
}

#[test]
fn walsenders() {
    fires(Severity::Advice, "wal-senders", |e| e.sample.facts.max_wal_senders = 0);
    let standbys = |e: &mut Evidence, number| {
        e.sample.facts.max_wal_senders = 3;
        for _ in 0..number {
            e.sample.sessions.push(Session { is_walsender: true, ..session("standby", "walreceiver") });
        }
    };
    is_quiet("wal-senders", |e| standbys(e, 1));
    fires(Severity::Warning, "wal-senders", |e| standbys(e, 2));
}

#[test]
fn timeouts_of_sessions_and_transactions() {
    fires(Severity::Warning, "idle-in-transaction-timeout", |e| {
        set(e, "idle_in_transaction_session_timeout", "0", "ms");
    });
    fires(Severity::Advice, "idle-in-transaction-timeout", |e| {
        set(e, "idle_in_transaction_session_timeout", "7200000", "ms");
    });
    let long = |e: &mut Evidence, age| e.sample.sessions[0].xact_age_s = Some(age);
    fires(Severity::Advice, "transaction-timeout", |e| long(e, 301.0));
    is_quiet("transaction-timeout", |e| long(e, 299.0));
    is_skipped("transaction-timeout", "pg_monitor", |e| e.sample.facts.sees_all = false);
    fires(Severity::Advice, "authentication-timeout", |e| set(e, "authentication_timeout", "60", "s"));
    let half_open = |e: &mut Evidence, number| {
        let login = Session { state: State::Starting, user: None, database: None, ..session("", "") };
        e.sample.sessions.extend(vec![login; number]);
    };
    is_quiet("authentication-timeout", |e| half_open(e, 5));
    fires(Severity::Warning, "authentication-timeout", |e| half_open(e, 6));
}

#[test]
fn idle_sessions_of_people_and_of_poolers() {
    let old = |e: &mut Evidence, age| e.sample.sessions[0].state_age_s = Some(age);
    let advice = fires(Severity::Advice, "idle-session-timeout", |e| old(e, 3601.0));
    assert_eq!(written(&advice), ["ALTER ROLE \"shop\" SET idle_session_timeout = '1h';"]);
    is_quiet("idle-session-timeout", |e| old(e, 3599.0));
    let limited = |e: &mut Evidence| set(e, "idle_session_timeout", "600000", "ms");
    is_quiet("idle-session-timeout", limited);
    fires(Severity::Warning, "idle-session-timeout", |e| {
        limited(e);
        e.announced_pid = 4;
    });
}

#[test]
fn timeouts_belong_to_the_roles_of_applications() {
    for rule in ["statement-timeout", "lock-timeout"] {
        fires(Severity::Advice, rule, |e| e.setup.overrides.clear());
        is_quiet(rule, |e| {
            e.setup.overrides.clear();
            set(e, &rule.replace('-', "_"), "1000", "ms");
        });
        fires(Severity::Advice, rule, |e| {
            e.setup.overrides.iter_mut().for_each(|set| set.role = Some("other".into()))
        });
        is_quiet(rule, |e| {
            e.setup.overrides.clear();
            e.sample.sessions = vec![session("postgres", "psql")];
        });
    }
}

#[test]
fn a_value_of_a_database_counts_for_who_is_in_it() {
    let in_database = |e: &mut Evidence, database: &str| {
        set(e, "idle_in_transaction_session_timeout", "0", "ms");
        e.sample.sessions[0].xact_age_s = Some(400.0);
        e.sample.sessions[1].state_age_s = Some(4000.0);
        for name in ["idle_in_transaction_session_timeout", "transaction_timeout", "idle_session_timeout"] {
            let database = Some(database.to_owned());
            e.setup.overrides.push(Override { role: None, database, name: name.into(), value: "1h".into() });
        }
    };
    for rule in ["transaction-timeout", "idle-session-timeout"] {
        is_quiet(rule, |e| in_database(e, "shop"));
        fires(Severity::Advice, rule, |e| in_database(e, "mail"));
    }
    is_quiet("idle-in-transaction-timeout", |e| in_database(e, "shop"));
    fires(Severity::Warning, "idle-in-transaction-timeout", |e| in_database(e, "mail"));
}

#[test]
fn the_kernels_patience_counts_where_nobody_sets_one() {
    let untouched = |e: &mut Evidence| {
        for (name, value) in [
            ("tcp_keepalives_idle", "7200"),
            ("tcp_keepalives_interval", "75"),
            ("tcp_keepalives_count", "9"),
        ] {
            set(e, name, value, "");
            e.setup.settings.get_mut(name).unwrap().source = Source::Default;
        }
    };
    let advice = fires(Severity::Warning, "keepalives", untouched);
    assert!(advice.what.contains("2h 11m"), "{}", advice.what);
    assert_eq!(written(&advice)[0], "tcp_keepalives_idle = 600");
    is_quiet("keepalives", |e| {
        untouched(e);
        set(e, "listen_addresses", "", "");
    });
    fires(Severity::Advice, "connection-check", |e| set(e, "client_connection_check_interval", "0", "ms"));
}

#[test]
fn applications_that_are_superusers() {
    let advice = fires(Severity::Warning, "superuser-application", |e| {
        e.sample.sessions.push(session("postgres", "wall-django-api"));
    });
    assert!(
        advice.what.contains("wall-django-api") && written(&advice)[0].contains("CREATE ROLE \"shop_app\"")
    );
    is_quiet("superuser-application", |e| e.sample.sessions.push(session("postgres", "psql")));
    is_quiet("superuser-application", |e| {
        e.sample.sessions.push(Session { client: Client::Local, ..session("postgres", "") });
    });
}

#[test]
fn roles_without_limits_and_with_too_many_masters() {
    let unlimited = |e: &mut Evidence| e.setup.roles[1].limit = None;
    let advice = fires(Severity::Advice, "role-limits", unlimited);
    assert_eq!(written(&advice), ["ALTER ROLE \"shop\" CONNECTION LIMIT 10;"]);
    fires(Severity::Warning, "role-limits", |e| {
        unlimited(e);
        e.sample.sessions.push(session("mail", "mailer"));
    });
    is_quiet("shared-role", |e| e.sample.sessions.push(session("shop", "psql")));
    fires(Severity::Advice, "shared-role", |e| e.sample.sessions.push(session("shop", "shop-worker")));
    fires(Severity::Advice, "replication-role", |e| e.setup.roles[1].is_replication = true);
    fires(Severity::Advice, "application-names", |e| e.sample.sessions.push(session("shop", "")));
    fires(Severity::Warning, "application-names", |e| {
        e.sample.sessions = vec![session("shop", ""), session("shop", "x")];
    });
}

#[test]
fn passwords_that_can_be_replayed() {
    fires(Severity::Warning, "password-md5", |e| set(e, "password_encryption", "md5", ""));
    let advice = fires(Severity::Warning, "password-md5", |e| e.setup.md5_roles = Some(vec!["a\"b".into()]));
    assert_eq!(written(&advice), ["\\password \"a\"\"b\""]);
    is_quiet("password-md5", |e| e.setup.md5_roles = None);
}

#[test]
fn logins_that_are_not_kept() {
    let counters = |sessions, transactions| Some(Counters { sessions, transactions, ..Counters::default() });
    fires(Severity::Warning, "churn", |e| e.sample.counters = counters(1_000, 3_000));
    is_quiet("churn", |e| e.sample.counters = counters(1_000, 3_001));
    is_skipped("churn", "too few", |e| e.sample.counters = counters(999, 999));
    is_skipped("churn", "14", |e| e.sample.counters = None);
    fires(Severity::Advice, "pooler", |e| e.announced_pid = 78);
    fires(Severity::Advice, "pooler", |e| e.sample.sessions.push(session("shop", "pgbouncer")));
}

#[test]
fn a_value_that_our_own_session_set_is_not_the_servers() {
    is_skipped("idle-in-transaction-timeout", "hidden", |e| {
        e.setup.settings.get_mut("idle_in_transaction_session_timeout").unwrap().source = Source::Ours;
    });
}

#[test]
fn a_value_of_the_command_line_is_changed_there() {
    let advice = fires(Severity::Advice, "connection-check", |e| {
        set(e, "client_connection_check_interval", "0", "ms");
        e.setup.settings.get_mut("client_connection_check_interval").unwrap().source = Source::CommandLine;
    });
    assert!(matches!(&advice.write[0], Remedy::Setting { on_command_line: true, .. }));
}
