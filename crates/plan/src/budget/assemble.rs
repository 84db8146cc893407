//! From what is deployed and what the plan file says to rows, servers and sums.

use super::correct::{correct, replaced_as};
use super::overlap::replaced;
use super::server::{Target, is_local};
use super::{Budget, Known, Replicated, Row, Runs, ServerBudget, Sums, fit, row, verdict};
use crate::declared::{Declared, Thresholds};
use crate::deployed::{Deployed, Life, Overlap, Stage, Workload};
use crate::pools::{self, Address, Opener, Part, Pooler};
use crate::{Container, Finding, Level, Number, Place, Rule, declared};

/// Somebody's server is not known.
pub(super) const ADRIFT: Rule = Rule {
    id: "BUDGET003",
    level: Level::Note,
    summary: "A service does not say which of several servers it connects to.",
};

/// A row on its way.
pub(super) struct Draft<'a> {
    pub(super) row: Row,
    pub(super) workload: Option<&'a Workload>,
    pub(super) to: Option<Address>,
    /// Of a pooler: how many clients one replica lets in.
    pub(super) pooler: Option<Number>,
}

pub(super) fn budget(deployed: &Deployed, declared: &Declared, known: &Known) -> Budget {
    let mut build = Build {
        declared,
        drafts: Vec::new(),
        targets: Vec::new(),
        standbys: Vec::new(),
        findings: Vec::new(),
    };
    for workload in &deployed.workloads {
        build.workload(workload);
    }
    build.declared_alone(deployed);
    build.through_poolers();
    build.servers(known)
}

/// Everything on its way.
pub(super) struct Build<'a> {
    pub(super) declared: &'a Declared,
    pub(super) drafts: Vec<Draft<'a>>,
    targets: Vec<Target>,
    /// Of servers among the files; targets once somebody connects to them.
    standbys: Vec<Target>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Build<'a> {
    fn said(&self, name: &str) -> Option<&'a declared::Service> {
        self.declared.services.iter().find(|service| service.name.text == name)
    }

    fn workload(&mut self, workload: &'a Workload) {
        if self.said(&workload.name).is_some_and(|said| said.ignored) {
            return;
        }
        let mut openers = Vec::new();
        let mut poolers = Vec::new();
        for container in &workload.containers {
            let look = pools::look(container);
            self.findings.extend(look.findings);
            match look.part {
                Part::Opens(found) => openers.extend(found.into_iter().map(|one| (container, one))),
                Part::Pooler(pooler) => poolers.push((container, pooler)),
                Part::Server(server) => {
                    self.standbys.extend(Target::standing_by(workload, server.clone()));
                    self.targets.push(Target::deployed(workload, server));
                }
                Part::Nothing => {}
            }
        }
        // What the plan file says of a service that shows nothing makes it one that opens connections.
        if openers.is_empty() && poolers.is_empty() {
            if let Some(said) = self.said(&workload.name).filter(|said| said.pool.is_some()) {
                let row =
                    self.corrected(blank(workload, &workload.name, &workload.place), workload, Some(said));
                self.drafts.push(Draft { row, workload: Some(workload), to: None, pooler: None });
            }
            return;
        }
        let main: u64 = openers
            .iter()
            .filter(|(container, one)| !is_early(container, one))
            .map(|(_, one)| per_replica(one))
            .fold(0, u64::saturating_add);
        let several = openers.len() + poolers.len() > 1;
        let name = |container: &str| match several && container != workload.name {
            true => format!("{}/{container}", workload.name),
            false => workload.name.clone(),
        };
        for (container, pooler) in poolers {
            self.pooler(workload, &name(&container.name), &container.place, pooler);
        }
        for (container, one) in openers {
            let mut made = opened(workload, &name(&container.name), &container.place, &one);
            if is_early(container, &one) {
                // Nothing of the main containers is open yet: only what goes beyond them counts.
                if per_replica(&one) <= main {
                    continue;
                }
                made.runs = Runs::BeforeMain(main);
            }
            let said = self.said(&made.name).or_else(|| self.said(&workload.name));
            let row = self.corrected(made, workload, said);
            self.drafts.push(Draft { row, workload: Some(workload), to: one.to, pooler: None });
        }
    }

    fn pooler(&mut self, workload: &'a Workload, name: &str, place: &Place, pooler: Pooler) {
        let made = Row {
            kind: "pooler",
            what: pooler.what,
            place: pooler.most.place().unwrap_or(place).clone(),
            processes: pooler.processes.clone(),
            kept: pooler.kept,
            pool: pooler.most,
            scales: false,
            ..blank(workload, name, place)
        };
        let said = self.said(name).or_else(|| self.said(&workload.name));
        let row = self.corrected(made, workload, said);
        let clients_max = Number {
            value: pooler.clients_max.value.saturating_mul(pooler.processes.value),
            origin: pooler.clients_max.origin,
        };
        self.drafts.push(Draft { row, workload: Some(workload), to: pooler.to, pooler: Some(clients_max) });
    }

    /// A row as the plan file corrects it, added up.
    fn corrected(&self, mut row: Row, workload: &Workload, said: Option<&declared::Service>) -> Row {
        let mut life = workload.life.clone();
        let mut replicas = workload.replicas.clone();
        if let Some(said) = said {
            if let Some(usual) = &said.replicas {
                replicas.usual = usual.clone();
                replicas.most = if said.replicas_max.is_none() || replicas.most.value < usual.value {
                    usual.clone()
                } else {
                    replicas.most
                };
            }
            if let Some(most) = &said.replicas_max {
                replicas.most = most.clone();
            }
            life = replaced_as(life, said);
            correct(&mut row, said);
        }
        let surge = replaced(&life, replicas.most.value);
        row.runs = match (row.runs, &life) {
            (before @ Runs::BeforeMain(_), _) => before,
            (_, Life::Service(_)) => Runs::Always,
            (_, Life::Job { with_rollout: true }) => Runs::WithRollout,
            (_, Life::Job { with_rollout: false } | Life::Cron { .. }) => Runs::AtTimes,
        };
        row.replicas = Some(Replicated { usual: replicas.usual, most: replicas.most, replaced: surge });
        row.sums = row::sums(&row);
        row
    }

    /// Services of the plan file that no deployment shows, and the connections of nobody's.
    fn declared_alone(&mut self, deployed: &Deployed) {
        for said in &self.declared.services {
            let own = |workload: &Workload| {
                let rest = said.name.text.strip_prefix(&workload.name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let found = deployed.workloads.iter().any(own);
            let shown = self.drafts.iter().any(|draft| draft.row.name == said.name.text) || found;
            if shown || said.ignored {
                continue;
            }
            let alone = Workload {
                name: said.name.text.clone(),
                aliases: Vec::new(),
                standbys: Vec::new(),
                kind: "service",
                place: said.name.place.clone(),
                replicas: crate::Replicas::fixed(Number::assumed(1, "replicas is not in the plan file: 1")),
                life: Life::Service(Overlap::None),
                containers: Vec::new(),
            };
            let row = self.corrected(blank(&alone, &alone.name, &alone.place), &alone, Some(said));
            self.drafts.push(Draft { row, workload: None, to: None, pooler: None });
        }
        for other in &self.declared.others {
            let connections = other.connections.clone();
            let each = u64::from(connections.value);
            let row = Row {
                name: other.name.text.clone(),
                kind: "other",
                what: String::new(),
                place: connections.place().unwrap_or(&other.name.place).clone(),
                replicas: None,
                processes: Number::implied(1),
                kept: connections.clone(),
                pool: connections,
                aside: Number::implied(0),
                via: None,
                runs: Runs::Always,
                sums: Sums { steady: each, peak: each, rollout: each },
                applications: other.applications.clone(),
                scales: false,
            };
            self.drafts.push(Draft { row, workload: None, to: None, pooler: None });
        }
    }

    fn servers(mut self, known: &Known) -> Budget {
        for draft in &self.drafts {
            if draft.row.via.is_some() {
                continue;
            }
            let Some(to) = draft.to.as_ref().filter(|to| !is_local(&to.host)) else { continue };
            if !self.targets.iter().any(|target| target.is(&to.host)) {
                let standby = self.standbys.iter().find(|target| target.is(&to.host)).cloned();
                self.targets.push(standby.unwrap_or_else(|| Target::elsewhere(Some(&to.host))));
            }
        }
        let wanted =
            known.host.clone().or_else(|| self.declared.server.host.as_ref().map(|host| host.text.clone()));
        let first = wanted
            .as_ref()
            .and_then(|host| self.targets.iter().position(|target| target.is(host)))
            .unwrap_or(0);
        if self.targets.is_empty() {
            self.targets.push(Target::elsewhere(wanted.as_deref()));
        }
        let mut rows: Vec<Vec<Row>> = self.targets.iter().map(|_| Vec::new()).collect();
        let mut via: Vec<Row> = Vec::new();
        for draft in std::mem::take(&mut self.drafts) {
            if draft.row.via.is_some() {
                via.push(draft.row);
                continue;
            }
            let named =
                draft.to.as_ref().and_then(|to| self.targets.iter().position(|target| target.is(&to.host)));
            if named.is_none() && self.targets.len() > 1 && draft.workload.is_some() {
                let host = self.targets[first].host.as_deref().unwrap_or("the first");
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
        let only = wanted.is_some();
        let mut servers: Vec<ServerBudget> = Vec::new();
        for (index, (target, rows)) in self.targets.iter().zip(rows).enumerate() {
            if (only || rows.is_empty()) && index != first {
                continue;
            }
            servers.push(server(target, rows, self.declared, known));
        }
        Budget { servers, findings: self.findings }
    }
}

fn server(target: &Target, rows: Vec<Row>, declared: &Declared, known: &Known) -> ServerBudget {
    let thresholds = Thresholds {
        warn: known.warn.unwrap_or(declared.thresholds.warn),
        crit: known.crit.unwrap_or(declared.thresholds.crit),
    };
    let slots = target.slots(declared, known);
    let totals = row::total(&rows, declared.together);
    let verdicts = slots.as_ref().map_or_else(Vec::new, |slots| verdict::judge(totals, slots, thresholds));
    let misfit = verdicts.iter().any(|verdict| verdict.passed.is_some());
    let fit =
        slots.as_ref().filter(|_| misfit).map(|slots| fit::fit(&rows, declared.together, slots, thresholds));
    ServerBudget { host: target.host.clone(), slots, thresholds, rows, totals, verdicts, fit }
}

/// It ends before the main programs begin: an init container, a migration in front of the server in one command.
fn is_early(container: &Container, one: &Opener) -> bool {
    container.stage == Stage::Init || one.stage == Stage::Init
}

fn per_replica(one: &Opener) -> u64 {
    u64::from(one.processes.value)
        .saturating_mul(u64::from(one.pool.most.value).saturating_add(u64::from(one.aside.value)))
}

/// A row of a workload in which nothing was recognised.
fn blank(workload: &Workload, name: &str, place: &Place) -> Row {
    Row {
        name: name.to_owned(),
        kind: workload.kind,
        what: String::new(),
        place: place.clone(),
        replicas: None,
        processes: Number::implied(1),
        kept: Number::implied(0),
        pool: Number::implied(0),
        aside: Number::implied(0),
        via: None,
        runs: Runs::Always,
        sums: Sums::default(),
        applications: vec![name.to_owned()],
        scales: true,
    }
}

fn opened(workload: &Workload, name: &str, place: &Place, one: &Opener) -> Row {
    Row {
        what: one.what.clone(),
        place: one.pool.most.place().unwrap_or(place).clone(),
        processes: one.processes.clone(),
        kept: one.pool.kept.clone(),
        pool: one.pool.most.clone(),
        aside: one.aside.clone(),
        applications: vec![one.application.clone().unwrap_or_else(|| name.to_owned())],
        ..blank(workload, name, place)
    }
}
