//! From what is deployed and what the plan file says to rows.

use std::collections::{BTreeSet, HashSet};

use super::correct::{correct, replaced_as, replicas};
use super::host::space_of;
use super::overlap::replaced;
use super::said::{self, Shown};
use super::server::Target;
use super::{Budget, Known, Replicated, Row, Runs, Sums, row};
use crate::declared::{Declared, Service};
use crate::deployed::{Deployed, Life, Overlap, Stage, Workload};
use crate::pools::{self, Address, Opener, Part, Pooler};
use crate::{Container, Number, Place};

/// A row on its way.
pub(super) struct Draft<'a> {
    pub(super) row: Row,
    pub(super) workload: Option<&'a Workload>,
    pub(super) to: Option<Address>,
    /// Of a pooler: how many clients one replica lets in.
    pub(super) pooler: Option<Number>,
    /// The pooler that the plan file says it goes through; an empty name: none.
    pub(super) via: Option<crate::Text>,
}

pub(super) fn budget(deployed: &Deployed, declared: &Declared, known: &Known) -> Budget {
    let mut build = Build {
        declared,
        drafts: Vec::new(),
        targets: Vec::new(),
        standbys: Vec::new(),
        spaces: deployed.workloads.iter().map(|workload| space_of(&workload.name).to_owned()).collect(),
        taken: HashSet::new(),
        shown: Vec::new(),
        findings: Vec::new(),
    };
    for workload in &deployed.workloads {
        build.workload(workload);
    }
    build.astray(deployed);
    build.declared_alone(deployed);
    build.through_poolers();
    build.servers(known)
}

/// Everything on its way.
pub(super) struct Build<'a> {
    pub(super) declared: &'a Declared,
    pub(super) drafts: Vec<Draft<'a>>,
    pub(super) targets: Vec<Target>,
    /// Of servers among the files; targets once somebody connects to them.
    pub(super) standbys: Vec<Target>,
    /// The namespaces of the workloads.
    pub(super) spaces: BTreeSet<String>,
    /// The names of rows so far.
    taken: HashSet<String>,
    /// What the workloads came to.
    pub(super) shown: Vec<Shown>,
    pub(super) findings: Vec<crate::Finding>,
}

/// A row before the plan file corrects it.
struct Piece {
    row: Row,
    to: Option<Address>,
    clients_max: Option<Number>,
    /// It ends before the main programs begin.
    is_early: bool,
}

impl<'a> Build<'a> {
    fn workload(&mut self, workload: &'a Workload) {
        let whole = self.said(&workload.name);
        if whole.is_some_and(|said| said.ignored) {
            // It opens nothing; a server among what it runs keeps its limits for those who come.
            for container in &workload.containers {
                if let Part::Server(server) = pools::look(container).part {
                    self.serves(workload, server);
                }
            }
            return;
        }
        let mut pieces = self.pieces(workload);
        distinct(&mut pieces, workload.kind, &mut self.taken);
        let mut rows: Vec<String> = pieces.iter().map(|piece| piece.row.name.clone()).collect();
        pieces.retain(|piece| !self.said(&piece.row.name).is_some_and(|said| said.ignored));
        let is_main = |piece: &Piece| !piece.is_early && piece.clients_max.is_none();
        let mains = pieces.iter().filter(|piece| is_main(piece)).count();
        let exact = pieces.iter().any(|piece| piece.row.name == workload.name);
        if !pieces.is_empty() && mains != 1 && !exact {
            self.undecided(workload, &rows);
        }
        let found = pieces.len();
        let told = self.told(workload, &rows);
        rows.extend(told.iter().map(|piece| piece.row.name.clone()));
        pieces.extend(told);
        self.shown.push(Shown { workload: workload.name.clone(), rows });
        let mut drafts = Vec::new();
        for (at, piece) in pieces.into_iter().enumerate() {
            let own = self.said(&piece.row.name);
            // A row of the workload's own name is the one that its section means, if there is one.
            let sole = at < found && mains == 1 && !exact && is_main(&piece);
            let said = said::of(own, whole, sole);
            let via = said.as_ref().and_then(|said| said.via.clone());
            let row = corrected(piece.row, workload, said.as_ref());
            let draft = Draft { row, workload: Some(workload), to: piece.to, pooler: piece.clients_max, via };
            drafts.push((piece.is_early, draft));
        }
        self.drafts.extend(beyond_main(drafts));
    }

    fn serves(&mut self, workload: &Workload, server: pools::Server) {
        self.standbys.extend(Target::standing_by(workload, server.clone()));
        self.targets.push(Target::deployed(workload, server));
    }

    /// What was recognised in the containers of a workload.
    fn pieces(&mut self, workload: &'a Workload) -> Vec<Piece> {
        let mut openers = Vec::new();
        let mut poolers = Vec::new();
        for container in &workload.containers {
            let look = pools::look(container);
            self.findings.extend(look.findings);
            match look.part {
                Part::Opens(found) => openers.extend(found.into_iter().map(|one| (container, one))),
                Part::Pooler(pooler) => poolers.push((container, pooler)),
                Part::Server(server) => self.serves(workload, server),
                Part::Nothing => {}
            }
        }
        let several = openers.len() + poolers.len() > 1;
        let name = |container: &Container| match several && container.name != workload.name {
            true => within(workload, container),
            false => workload.name.clone(),
        };
        let poolers = poolers
            .into_iter()
            .map(|(container, one)| pooled(workload, &name(container), &container.place, one));
        let mut pieces: Vec<Piece> = poolers.collect();
        pieces.extend(openers.into_iter().map(|(container, one)| Piece {
            row: opened(workload, &name(container), &container.place, &one),
            is_early: is_early(container, &one),
            to: one.to,
            clients_max: None,
        }));
        pieces
    }

    /// What the plan file says of what shows nothing makes it one that opens connections.
    fn told(&self, workload: &Workload, found: &[String]) -> Vec<Piece> {
        let opens = |name: &str| self.said(name).is_some_and(|said| said::opens(said) && !said.ignored);
        let piece = |name: &str, place: &Place, is_early: bool| Piece {
            row: blank(workload, name, place),
            to: None,
            clients_max: None,
            is_early,
        };
        let whole = found.is_empty() && opens(&workload.name);
        let mut told: Vec<Piece> =
            whole.then(|| piece(&workload.name, &workload.place, false)).into_iter().collect();
        for container in workload.containers.iter().filter(|_| workload.containers.len() > 1) {
            let name = within(workload, container);
            if !found.contains(&name) && opens(&name) {
                told.push(piece(&name, &container.place, container.stage == Stage::Init));
            }
        }
        told
    }

    /// Services of the plan file that no deployment shows, and the connections of nobody's.
    fn declared_alone(&mut self, deployed: &Deployed) {
        for said in &self.declared.services {
            let own = |workload: &Workload| {
                let rest = said.name.text.strip_prefix(&workload.name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with(" ("))
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
            let row = corrected(blank(&alone, &alone.name, &alone.place), &alone, Some(said));
            self.taken.insert(alone.name);
            self.drafts.push(Draft { row, workload: None, to: None, pooler: None, via: said.via.clone() });
        }
        for other in &self.declared.others {
            let connections = other.connections.clone();
            let each = u64::from(connections.value);
            let row = Row {
                name: free(&other.name.text, "other", &mut self.taken),
                workload: other.name.text.clone(),
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
            self.drafts.push(Draft { row, workload: None, to: None, pooler: None, via: None });
        }
    }
}

/// A row as the plan file corrects it, added up.
fn corrected(mut row: Row, workload: &Workload, said: Option<&Service>) -> Row {
    let mut life = workload.life.clone();
    let mut wanted = workload.replicas.clone();
    if let Some(said) = said {
        wanted = replicas(wanted, said);
        life = replaced_as(life, said);
        correct(&mut row, said);
    }
    let surge = replaced(&life, wanted.most.value);
    row.runs = match &life {
        Life::Service(_) => Runs::Always,
        Life::Job { with_rollout: true } => Runs::WithRollout,
        Life::Job { with_rollout: false } | Life::Cron { .. } => Runs::AtTimes,
    };
    row.replicas = Some(Replicated { usual: wanted.usual, most: wanted.most, replaced: surge });
    row.sums = row::sums(&row);
    row
}

/// While what comes early runs, nothing of the main programs is open yet: only what goes beyond them counts.
fn beyond_main(drafts: Vec<(bool, Draft<'_>)>) -> impl Iterator<Item = Draft<'_>> {
    let main: u64 = drafts
        .iter()
        .filter(|(is_early, draft)| !is_early && draft.pooler.is_none())
        .map(|(_, draft)| draft.row.per_replica())
        .fold(0, u64::saturating_add);
    drafts.into_iter().filter_map(move |(is_early, mut draft)| {
        if is_early {
            if draft.row.per_replica() <= main {
                return None;
            }
            draft.row.runs = Runs::BeforeMain(main);
            draft.row.sums = row::sums(&draft.row);
        }
        Some(draft)
    })
}

/// Several programs of one container go by what they are: the first main one keeps the name. What bears another
/// workload's name goes by its kind: `api (CronJob)`.
fn distinct(pieces: &mut [Piece], kind: &str, taken: &mut HashSet<String>) {
    let mut own: HashSet<String> = HashSet::new();
    let (early, main): (Vec<_>, Vec<_>) = pieces.iter_mut().partition(|piece| piece.is_early);
    for piece in main.into_iter().chain(early) {
        let plain = piece.row.name.clone();
        let what = match own.insert(plain.clone()) {
            true => kind,
            false => piece.row.what.split(',').map(str::trim).find(|what| !what.is_empty()).unwrap_or(kind),
        };
        piece.row.name = free(&plain, what, taken);
    }
}

/// A name that is not taken yet, and then is.
fn free(plain: &str, what: &str, taken: &mut HashSet<String>) -> String {
    let mut name = plain.to_owned();
    let mut count = 1u32;
    while !taken.insert(name.clone()) {
        name = match count {
            1 => format!("{plain} ({what})"),
            _ => format!("{plain} ({what} {count})"),
        };
        count = count.saturating_add(1);
    }
    name
}

fn within(workload: &Workload, container: &Container) -> String {
    format!("{}/{}", workload.name, container.name)
}

fn pooled(workload: &Workload, name: &str, place: &Place, pooler: Pooler) -> Piece {
    let clients_max = Number {
        value: pooler.clients_max.value.saturating_mul(pooler.processes.value),
        origin: pooler.clients_max.origin,
    };
    let row = Row {
        kind: "pooler",
        what: pooler.what,
        place: pooler.most.place().unwrap_or(place).clone(),
        processes: pooler.processes,
        kept: pooler.kept,
        pool: pooler.most,
        scales: false,
        ..blank(workload, name, place)
    };
    Piece { row, to: pooler.to, clients_max: Some(clients_max), is_early: false }
}

/// It ends before the main programs begin: an init container, a migration in front of the server in one command.
fn is_early(container: &Container, one: &Opener) -> bool {
    container.stage == Stage::Init || one.stage == Stage::Init
}

/// A row of a workload in which nothing was recognised.
fn blank(workload: &Workload, name: &str, place: &Place) -> Row {
    Row {
        name: name.to_owned(),
        workload: workload.name.clone(),
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
