//! Who came back: a pool opens at once what was closed.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Sample, Session};

/// New sessions of the victims' applications, by application. `before` was taken just before the first was closed.
pub fn returned(before: &Sample, after: &Sample, victims: &[Session]) -> BTreeMap<String, u32> {
    let known: BTreeSet<(i32, Option<&str>)> =
        before.sessions.iter().map(|session| (session.pid, session.started.as_deref())).collect();
    let hurt: BTreeSet<&str> = victims.iter().map(|session| session.application.as_str()).collect();
    let mut returned = BTreeMap::new();
    for session in after.slot_holders() {
        let is_new = !known.contains(&(session.pid, session.started.as_deref()));
        if is_new && hurt.contains(session.application.as_str()) {
            *returned.entry(session.application.clone()).or_default() += 1;
        }
    }
    returned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::tests::someone;

    #[test]
    fn only_new_sessions_of_those_who_lost_some_have_come_back() {
        let named = |pid, name: &str| Session { application: name.to_owned(), ..someone(pid) };
        let again = Session { started: Some("later".to_owned()), ..named(1, "api") };
        let before =
            Sample { sessions: vec![named(1, "api"), named(2, "api"), named(3, "web")], ..Sample::default() };
        let now = vec![again, named(2, "api"), named(3, "web"), named(4, "web"), named(5, "api")];
        let after = Sample { sessions: now, ..Sample::default() };
        let came = returned(&before, &after, &[named(1, "api")]);
        assert_eq!(came, BTreeMap::from([("api".to_owned(), 2)]), "a process id may come twice");
    }
}
