//! A sample as one line: texts that many sessions share are written once, what is empty is left out.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::catalog::{Client, Counters, Facts, Limit, LimitKind, Sample, Session, State};

/// Texts of a sample, each once; sessions name them by their places.
#[derive(Default)]
struct Texts<'a> {
    places: HashMap<&'a str, u32>,
    texts: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    fn place(&mut self, text: &'a str) -> u32 {
        *self.places.entry(text).or_insert_with(|| {
            self.texts.push(text);
            u32::try_from(self.texts.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct SampleLine {
    facts: FactsLine,
    texts: Vec<String>,
    sessions: Vec<SessionLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    limits: Vec<LimitLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counters: Option<CountersLine>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct FactsLine {
    version_num: u32,
    version: String,
    now_us: i64,
    max_connections: u32,
    superuser_reserved: u32,
    reserved: u32,
    max_wal_senders: u32,
    idle_in_transaction_timeout_ms: i64,
    idle_session_timeout_ms: Option<i64>,
    transaction_timeout_ms: Option<i64>,
    in_recovery: bool,
    uptime_s: f64,
    pid: i32,
    user: String,
    dbname: String,
    is_superuser: bool,
    sees_all: bool,
    can_signal: bool,
    can_use_reserved: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pending_restart: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct SessionLine {
    pid: i32,
    #[serde(rename = "begun", default, skip_serializing_if = "Option::is_none")]
    started: Option<String>,
    #[serde(rename = "chg", default, skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    #[serde(rename = "db", default, skip_serializing_if = "Option::is_none")]
    database: Option<u32>,
    #[serde(rename = "usr", default, skip_serializing_if = "Option::is_none")]
    user: Option<u32>,
    #[serde(rename = "su", default, skip_serializing_if = "is_false")]
    is_superuser: bool,
    #[serde(rename = "repl", default, skip_serializing_if = "is_false")]
    is_replication: bool,
    #[serde(rename = "app")]
    application: u32,
    #[serde(rename = "from")]
    client: ClientLine,
    #[serde(rename = "wal", default, skip_serializing_if = "is_false")]
    is_walsender: bool,
    #[serde(rename = "st")]
    state: State,
    #[serde(rename = "wait", default, skip_serializing_if = "Option::is_none")]
    wait: Option<(u32, u32)>,
    #[serde(rename = "age", default, skip_serializing_if = "Option::is_none")]
    age_s: Option<f64>,
    #[serde(rename = "st_age", default, skip_serializing_if = "Option::is_none")]
    state_age_s: Option<f64>,
    #[serde(rename = "tx_age", default, skip_serializing_if = "Option::is_none")]
    xact_age_s: Option<f64>,
    #[serde(rename = "q_age", default, skip_serializing_if = "Option::is_none")]
    query_age_s: Option<f64>,
    #[serde(rename = "snap", default, skip_serializing_if = "is_false")]
    holds_snapshot: bool,
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    query: Option<u32>,
}

#[derive(Serialize, Deserialize)]
enum ClientLine {
    #[serde(rename = "ip")]
    Address(std::net::IpAddr, u16),
    #[serde(rename = "local")]
    Local,
    #[serde(rename = "hidden")]
    Hidden,
}

#[derive(Serialize, Deserialize)]
struct LimitLine {
    kind: LimitKind,
    name: String,
    limit: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    exempt: bool,
    used: u32,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct CountersLine {
    sessions: i64,
    abandoned: i64,
    fatal: i64,
    killed: i64,
    active_ms: f64,
    transactions: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl SampleLine {
    pub(super) fn of(sample: &Sample) -> Self {
        let mut texts = Texts::default();
        let sessions = sample.sessions.iter().map(|session| SessionLine::of(session, &mut texts)).collect();
        let limits = sample.limits.iter().map(|limit| LimitLine {
            kind: limit.kind,
            name: limit.name.clone(),
            limit: limit.limit,
            exempt: limit.exempt,
            used: limit.used,
        });
        Self {
            facts: FactsLine::of(&sample.facts),
            sessions,
            texts: texts.texts.into_iter().map(str::to_owned).collect(),
            limits: limits.collect(),
            counters: sample.counters.as_ref().map(|counters| CountersLine {
                sessions: counters.sessions,
                abandoned: counters.abandoned,
                fatal: counters.fatal,
                killed: counters.killed,
                active_ms: counters.active_ms,
                transactions: counters.transactions,
            }),
        }
    }

    pub(super) fn into_sample(self) -> Sample {
        let texts = self.texts;
        let limits = self.limits.into_iter().map(|limit| Limit {
            kind: limit.kind,
            name: limit.name,
            limit: limit.limit,
            exempt: limit.exempt,
            used: limit.used,
        });
        Sample {
            facts: self.facts.into_facts(),
            sessions: self.sessions.into_iter().map(|session| session.into_session(&texts)).collect(),
            limits: limits.collect(),
            counters: self.counters.map(|counters| Counters {
                sessions: counters.sessions,
                abandoned: counters.abandoned,
                fatal: counters.fatal,
                killed: counters.killed,
                active_ms: counters.active_ms,
                transactions: counters.transactions,
            }),
        }
    }
}

impl SessionLine {
    fn of<'a>(session: &'a Session, texts: &mut Texts<'a>) -> Self {
        let mut place = |text: &'a Option<String>| text.as_deref().map(|text| texts.place(text));
        let (database, user, query) = (place(&session.database), place(&session.user), place(&session.query));
        Self {
            pid: session.pid,
            started: session.started.clone(),
            changed: session.changed.clone(),
            database,
            user,
            is_superuser: session.is_superuser,
            is_replication: session.is_replication,
            application: texts.place(&session.application),
            client: match session.client {
                Client::Address(address, port) => ClientLine::Address(address, port),
                Client::Local => ClientLine::Local,
                Client::Hidden => ClientLine::Hidden,
            },
            is_walsender: session.is_walsender,
            state: session.state,
            wait: session.wait.as_ref().map(|(kind, event)| (texts.place(kind), texts.place(event))),
            age_s: session.age_s,
            state_age_s: session.state_age_s,
            xact_age_s: session.xact_age_s,
            query_age_s: session.query_age_s,
            holds_snapshot: session.holds_snapshot,
            query,
        }
    }

    /// A place that the line doesn't have reads as an empty text: a look at the rest is worth more than an error.
    fn into_session(self, texts: &[String]) -> Session {
        let text = |place: u32| texts.get(place as usize).cloned().unwrap_or_default();
        Session {
            pid: self.pid,
            started: self.started,
            changed: self.changed,
            database: self.database.map(text),
            user: self.user.map(text),
            is_superuser: self.is_superuser,
            is_replication: self.is_replication,
            application: text(self.application),
            client: match self.client {
                ClientLine::Address(address, port) => Client::Address(address, port),
                ClientLine::Local => Client::Local,
                ClientLine::Hidden => Client::Hidden,
            },
            is_walsender: self.is_walsender,
            state: self.state,
            wait: self.wait.map(|(kind, event)| (text(kind), text(event))),
            age_s: self.age_s,
            state_age_s: self.state_age_s,
            xact_age_s: self.xact_age_s,
            query_age_s: self.query_age_s,
            holds_snapshot: self.holds_snapshot,
            query: self.query.map(text),
        }
    }
}

impl FactsLine {
    fn of(facts: &Facts) -> Self {
        Self {
            version_num: facts.version_num,
            version: facts.version.clone(),
            now_us: facts.now_us,
            max_connections: facts.max_connections,
            superuser_reserved: facts.superuser_reserved,
            reserved: facts.reserved,
            max_wal_senders: facts.max_wal_senders,
            idle_in_transaction_timeout_ms: facts.idle_in_transaction_timeout_ms,
            idle_session_timeout_ms: facts.idle_session_timeout_ms,
            transaction_timeout_ms: facts.transaction_timeout_ms,
            in_recovery: facts.in_recovery,
            uptime_s: facts.uptime_s,
            pid: facts.pid,
            user: facts.user.clone(),
            dbname: facts.dbname.clone(),
            is_superuser: facts.is_superuser,
            sees_all: facts.sees_all,
            can_signal: facts.can_signal,
            can_use_reserved: facts.can_use_reserved,
            pending_restart: facts.pending_restart.clone(),
        }
    }

    fn into_facts(self) -> Facts {
        Facts {
            version_num: self.version_num,
            version: self.version,
            now_us: self.now_us,
            max_connections: self.max_connections,
            superuser_reserved: self.superuser_reserved,
            reserved: self.reserved,
            max_wal_senders: self.max_wal_senders,
            idle_in_transaction_timeout_ms: self.idle_in_transaction_timeout_ms,
            idle_session_timeout_ms: self.idle_session_timeout_ms,
            transaction_timeout_ms: self.transaction_timeout_ms,
            in_recovery: self.in_recovery,
            uptime_s: self.uptime_s,
            pid: self.pid,
            user: self.user,
            dbname: self.dbname,
            is_superuser: self.is_superuser,
            sees_all: self.sees_all,
            can_signal: self.can_signal,
            can_use_reserved: self.can_use_reserved,
            pending_restart: self.pending_restart,
        }
    }
}

#[cfg(test)]
pub(in crate::record) mod tests {
    use super::*;

    /// A sample in which everything is set somewhere.
    pub(in crate::record) fn sample(n: i64) -> Sample {
        let session = |pid: i32, state: State, client: Client| Session {
            pid,
            started: Some("2026-11-23 14:02:11.000001+00".into()),
            changed: None,
            database: Some("wall".into()),
            user: Some("app".into()),
            is_superuser: pid == 1,
            is_replication: pid == 2,
            application: "wall \u{1b}[2J \"api\"".into(),
            client,
            is_walsender: pid == 2,
            state,
            wait: Some(("Client".into(), "ClientRead".into())),
            age_s: Some(0.1 + 0.2),
            state_age_s: Some(1e-6),
            xact_age_s: None,
            query_age_s: Some(12_345.678_901),
            holds_snapshot: pid == 3,
            query: Some("SELECT 1\n-- ü".into()),
        };
        Sample {
            facts: Facts {
                version_num: 170_010,
                version: "17.10 (x)".into(),
                now_us: 1_790_000_000_000_000 + n,
                max_connections: 100,
                superuser_reserved: 3,
                idle_session_timeout_ms: Some(0),
                uptime_s: 1.5,
                pending_restart: vec!["max_connections".into()],
                sees_all: true,
                ..Facts::default()
            },
            sessions: vec![
                session(1, State::IdleInTransactionAborted, Client::Address("::1".parse().unwrap(), 5)),
                session(2, State::Active, Client::Local),
                Session {
                    database: None,
                    user: None,
                    query: None,
                    ..session(3, State::Starting, Client::Hidden)
                },
            ],
            limits: vec![Limit {
                kind: LimitKind::Role,
                name: "app".into(),
                limit: 20,
                exempt: false,
                used: 3,
            }],
            counters: Some(Counters { sessions: 5, active_ms: 0.3, ..Counters::default() }),
        }
    }

    #[test]
    fn a_sample_comes_back_as_it_was() {
        for sample in [sample(0), Sample::default()] {
            let text = serde_json::to_string(&SampleLine::of(&sample)).unwrap();
            let line: SampleLine = serde_json::from_str(&text).unwrap();
            assert_eq!(line.into_sample(), sample, "{text}");
        }
    }

    #[test]
    fn a_text_that_many_share_is_written_once() {
        let mut sample = sample(0);
        sample.sessions = vec![sample.sessions[0].clone(); 50];
        let text = serde_json::to_string(&SampleLine::of(&sample)).unwrap();
        assert_eq!(text.matches("ClientRead").count(), 1);
        assert!(text.len() < 50 * 260, "{}", text.len());
    }
}
