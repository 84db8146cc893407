//! What happened between two samples: sessions coming, and what they were used for.

use std::collections::HashSet;

use crate::catalog::Sample;

/// Rates between two samples of one server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// New sessions a second. From the server's counters where it has them (14 and later), which also see those that came
    /// and went in between; otherwise, and never less, from the sessions that were not there before.
    pub new_per_s: f64,
    /// Transactions per new session, if there were new ones and the server counts them.
    pub transactions_per_session: Option<f64>,
    /// Transactions a second, where the server counts them.
    pub transactions_per_s: Option<f64>,
}

impl Pace {
    /// Between two samples. `None` if no time has passed, or if the server was restarted in between.
    pub fn between(before: &Sample, after: &Sample) -> Option<Self> {
        let seconds = (after.facts.now_us - before.facts.now_us) as f64 / 1e6;
        if seconds <= 0.0 || after.facts.uptime_s < seconds {
            return None;
        }
        let known: HashSet<_> = before.sessions.iter().map(|s| (s.pid, s.started.as_deref())).collect();
        let seen =
            after.slot_holders().filter(|s| !known.contains(&(s.pid, s.started.as_deref()))).count() as f64;
        // Counters that went back were reset in between.
        let counted = before.counters.as_ref().zip(after.counters.as_ref());
        let counted = counted
            .map(|(a, b)| ((b.sessions - a.sessions) as f64, (b.transactions - a.transactions) as f64))
            .filter(|(sessions, transactions)| *sessions >= 0.0 && *transactions >= 0.0);
        let sessions = counted.map_or(seen, |(sessions, _)| sessions.max(seen));
        Some(Self {
            new_per_s: sessions / seconds,
            transactions_per_session: counted.filter(|(sessions, _)| *sessions > 0.0).map(|(s, t)| t / s),
            transactions_per_s: counted.map(|(_, transactions)| transactions / seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Client, Counters, Facts, Session, State};

    fn sample(second: i64, pids: &[i32], counters: Option<(i64, i64)>) -> Sample {
        let session = |pid: &i32| Session {
            pid: *pid,
            started: Some("then".into()),
            changed: None,
            database: None,
            user: None,
            is_superuser: false,
            is_replication: false,
            application: String::new(),
            client: Client::Local,
            is_walsender: false,
            state: State::Idle,
            wait: None,
            age_s: None,
            state_age_s: None,
            xact_age_s: None,
            query_age_s: None,
            holds_snapshot: false,
            query: None,
        };
        Sample {
            facts: Facts {
                now_us: second * 1_000_000,
                uptime_s: 1_000.0 + second as f64,
                ..Facts::default()
            },
            sessions: pids.iter().map(session).collect(),
            limits: Vec::new(),
            counters: counters.map(|(sessions, transactions)| Counters {
                sessions,
                transactions,
                ..Counters::default()
            }),
        }
    }

    #[test]
    fn counters_see_those_that_came_and_went() {
        let pace =
            Pace::between(&sample(0, &[1], Some((10, 100))), &sample(5, &[1], Some((30, 300)))).unwrap();
        assert_eq!((pace.new_per_s, pace.transactions_per_session), (4.0, Some(10.0)));
    }

    #[test]
    fn without_counters_or_where_they_lag_the_newcomers_are_counted() {
        let pace = Pace::between(&sample(0, &[1, 2], None), &sample(2, &[2, 3, 4], None)).unwrap();
        assert_eq!((pace.new_per_s, pace.transactions_per_session), (1.0, None));
        let late = Pace::between(&sample(0, &[], Some((9, 0))), &sample(1, &[3, 4], Some((9, 5)))).unwrap();
        assert_eq!((late.new_per_s, late.transactions_per_s), (2.0, Some(5.0)));
    }

    #[test]
    fn counters_that_were_reset_and_restarts_make_no_nonsense() {
        let reset = Pace::between(&sample(0, &[1], Some((50, 50))), &sample(1, &[1], Some((1, 1)))).unwrap();
        assert_eq!((reset.new_per_s, reset.transactions_per_s), (0.0, None));
        let mut after = sample(60, &[1], None);
        after.facts.uptime_s = 3.0;
        assert_eq!(Pace::between(&sample(0, &[1], None), &after), None);
        assert_eq!(Pace::between(&sample(5, &[], None), &sample(5, &[], None)), None);
    }
}
