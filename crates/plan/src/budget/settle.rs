//! Which rows go to which server, and what each server comes to.

use super::assemble::{Build, Draft};
use super::host::is_local;
use super::host::{Found, Host, resolve, space_of};
use super::server::Target;
use super::{Budget, Known, Row, ServerBudget, fit, row, verdict};
use crate::declared::{Declared, Thresholds};
use crate::{Finding, Level, Place, Rule};

/// Somebody's server is not known.
pub(super) const ADRIFT: Rule = Rule {
    id: "BUDGET003",
    level: Level::Note,
    summary: "A service does not say which of several servers it connects to.",
};

/// The server that is meant is not known.
pub(super) const MISSED: Rule = Rule {
    id: "BUDGET004",
    level: Level::Error,
    summary: "The server that is meant is none that services connect to.",
};

impl Build<'_> {
    pub(super) fn servers(mut self, known: &Known) -> Budget {
        self.connected();
        let wanted = known.host.as_ref().map(|host| (host.as_str(), None)).or_else(|| {
            self.declared.server.host.as_ref().map(|host| (host.text.as_str(), Some(&host.place)))
        });
        if self.targets.is_empty() {
            self.targets.push(Target::unseen(wanted.map(|(host, _)| host.to_owned())));
        }
        self.tell_apart();
        let chosen = wanted.and_then(|(host, place)| self.chosen(host, place));
        let first = chosen.unwrap_or(0);
        let rows = self.shared_out(first);
        let mut servers: Vec<ServerBudget> = Vec::new();
        for (index, (target, rows)) in self.targets.iter().zip(rows).enumerate() {
            if (chosen.is_some() || rows.is_empty()) && index != first {
                continue;
            }
            servers.push(server(target, rows, self.declared, known, index == first));
        }
        Budget { servers, findings: self.findings }
    }

    fn host(&self, host: &str) -> Host {
        Host::of(host, |space| self.spaces.contains(space))
    }

    fn target(&self, host: &str, from: &str) -> Found<usize> {
        let all = self.targets.iter().enumerate();
        resolve(&self.host(host), from, all.filter_map(|(at, one)| Some((at, one.reached.as_ref()?))))
    }

    /// A target for every host that somebody connects to.
    fn connected(&mut self) {
        let direct = |draft: &&Draft<'_>| draft.row.via.is_none();
        let named = |draft: &Draft<'_>| {
            let host = draft.to.as_ref().filter(|to| !is_local(&to.host))?.host.clone();
            Some((host, space_of(&draft.row.workload).to_owned()))
        };
        let hosts: Vec<(String, String)> = self.drafts.iter().filter(direct).filter_map(named).collect();
        for (host, from) in hosts {
            if self.target(&host, &from) != Found::Nobody {
                continue;
            }
            let name = self.host(&host);
            let all = self.standbys.iter().filter_map(|one| Some((one, one.reached.as_ref()?)));
            let standby = resolve(&name, &from, all).one().cloned();
            self.targets.push(standby.unwrap_or_else(|| Target::elsewhere(&host, &name, &from)));
        }
    }

    /// Servers of the same name in several namespaces are shown with theirs.
    fn tell_apart(&mut self) {
        let hosts: Vec<Option<String>> = self.targets.iter().map(|target| target.host.clone()).collect();
        for (at, target) in self.targets.iter_mut().enumerate() {
            let shared = hosts.iter().enumerate().any(|(other, host)| other != at && *host == target.host);
            if let (true, Some(reached), Some(host)) = (shared, &target.reached, &mut target.host) {
                *host = reached.in_full(host);
            }
        }
    }

    /// The server of this host, or what is wrong with it.
    fn chosen(&mut self, host: &str, place: Option<&Place>) -> Option<usize> {
        let message = match self.target(host, "") {
            Found::One(at) => return Some(at),
            Found::Several => format!("{host:?} is the name of several servers"),
            // The only one there is bears this name already, or none.
            Found::Nobody if self.targets.iter().all(|target| target.reached.is_none()) => return Some(0),
            Found::Nobody => format!("no service connects to a server {host:?}"),
        };
        let known: Vec<&str> = self.targets.iter().filter_map(|target| target.host.as_deref()).collect();
        self.findings.push(Finding {
            rule: &MISSED,
            level: MISSED.level,
            place: place.cloned(),
            message,
            fix: format!("servers here: {}", known.join(", ")).into(),
        });
        None
    }

    /// The rows of each server; of who does not name one, with the `first`.
    fn shared_out(&mut self, first: usize) -> Vec<Vec<Row>> {
        let mut rows: Vec<Vec<Row>> = self.targets.iter().map(|_| Vec::new()).collect();
        let mut via: Vec<Row> = Vec::new();
        for draft in std::mem::take(&mut self.drafts) {
            if draft.row.via.is_some() {
                via.push(draft.row);
                continue;
            }
            let from = space_of(&draft.row.workload);
            let named = draft.to.as_ref().and_then(|to| self.target(&to.host, from).one());
            if named.is_none() && self.targets.len() > 1 && draft.workload.is_some() {
                let host = self.targets.get(first).and_then(|target| target.host.as_deref());
                let host = host.unwrap_or("the first");
                let message =
                    format!("{} does not say which server it connects to: counted to {host}", draft.row.name);
                self.findings.push(Finding::at(
                    &ADRIFT,
                    &draft.row.place,
                    message,
                    "write its host where it is deployed, or [server] host in the plan file",
                ));
            }
            if let Some(rows) = rows.get_mut(named.unwrap_or(first)) {
                rows.push(draft.row);
            }
        }
        for row in via {
            let home =
                rows.iter().position(|rows| rows.iter().any(|pooler| Some(&pooler.name) == row.via.as_ref()));
            if let Some(rows) = rows.get_mut(home.unwrap_or(first)) {
                rows.push(row);
            }
        }
        rows
    }
}

fn server(
    target: &Target,
    rows: Vec<Row>,
    declared: &Declared,
    known: &Known,
    is_meant: bool,
) -> ServerBudget {
    let thresholds = Thresholds {
        warn: known.warn.unwrap_or(declared.thresholds.warn),
        crit: known.crit.unwrap_or(declared.thresholds.crit),
    };
    let slots = target.slots(is_meant.then_some((declared, known)));
    let totals = row::total(&rows, declared.together);
    let verdicts = slots.as_ref().map_or_else(Vec::new, |slots| verdict::judge(totals, slots, thresholds));
    let misfit = verdicts.iter().any(|verdict| verdict.passed.is_some());
    let fit =
        slots.as_ref().filter(|_| misfit).map(|slots| fit::fit(&rows, declared.together, slots, thresholds));
    ServerBudget { host: target.host.clone(), slots, thresholds, rows, totals, verdicts, fit }
}
