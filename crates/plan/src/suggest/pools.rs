//! How many connections each process may have so that no sum passes the target.

use super::Wanted;
use super::proxy::{self, Proxy};
use crate::budget::{Row, Runs, ServerBudget, Sums, total};
use crate::declared::Together;
use crate::pools::Opener;
use crate::{Looked, Number, Scene, Stage, Variable};

/// Rows as they would be.
pub(super) struct Sized {
    /// In the budget's order; the proxy behind them.
    pub rows: Vec<Row>,
    /// What they add up to.
    pub sums: Sums,
    /// The proxy, if one is to stand in front.
    pub proxy: Option<Proxy>,
    /// A sentence for each number.
    pub why: Vec<String>,
}

/// What a row's processes would like.
#[derive(Clone, Copy)]
struct Want {
    processes: u32,
    pool: u32,
}

pub(super) fn sized(scene: &Scene<'_>, budget: &ServerBudget, wanted: &Wanted, room: u64) -> Sized {
    let together = scene.declared.together;
    let mut why = Vec::new();
    let mut rows: Vec<Row> = budget.rows.iter().map(|row| desired(scene, row, wanted, &mut why)).collect();
    let limits: Vec<u32> = rows.iter().map(|row| row.pool.value).collect();
    let direct = || fitting(&rows, together, room).filter(|_| !wanted.preset.server().proxied);
    let there = rows.iter().find(|row| is_pooler(row)).map(|row| row.name.clone());
    let mut proxy = None;
    match (direct(), rows.iter().any(is_served)) {
        (Some(fitting), _) => rows = fitting,
        (None, false) => rows = fitting(&rows, together, room).unwrap_or_else(|| at_least(&rows)),
        (None, true) => {
            if fitting(&rows, together, room).is_none() {
                why.push(
                    "not even one connection for each process fits on the server: a proxy in front shares fewer among them"
                        .to_owned(),
                );
            }
            match there {
                Some(there) => proxy::behind(&mut rows, &there, together, room, &mut why),
                None => proxy = Some(proxy::front(scene, budget, wanted, &mut rows, room, &mut why)),
            }
        }
    }
    shrunk(&budget.rows, &rows, room, &mut why);
    let moved = |at: usize| budget.rows.get(at).is_some_and(|row| row.via.is_none());
    for (at, (row, limit)) in rows.iter().zip(&limits).enumerate() {
        if row.scales && moved(at) && row.pool.value > 0 {
            why.push(sentence(scene, row, *limit, wanted, room));
        }
    }
    let sums = total(&rows, together);
    if sums.largest() > room {
        why.push(format!(
            "{} connections stay above the target of {room}: what cannot be made smaller here is too much by itself. Run fewer \
             processes, or a larger server",
            sums.largest()
        ));
    }
    Sized { rows, sums, proxy, why }
}

/// A row of ours to size: nobody's pooler, nobody's administrators, not behind a pooler.
pub(super) fn is_sized(row: &Row) -> bool {
    row.scales && row.via.is_none()
}

/// A service that runs always: what a proxy may serve. Migrations need a session of their own.
pub(super) fn is_served(row: &Row) -> bool {
    is_sized(row) && row.runs == Runs::Always && row.pool.value > 0
}

/// The opener that a row was made of.
pub(super) fn opener_of<'s, 'a>(scene: &'s Scene<'a>, row: &Row) -> Option<(&'s Looked<'a>, &'s Opener)> {
    let own = |(looked, opener): &(&Looked<'_>, &Opener)| {
        row.workload == looked.workload.name
            && opener.stage == Stage::Main
            && (row.what.is_empty() || row.what == opener.what)
    };
    scene.openers().find(own)
}

/// The variable that sets the size of a row's pool: its whole value is that number. One that holds it as a part (a
/// connection string) is not set to a number.
pub(super) fn variable_of<'s>(scene: &'s Scene<'_>, row: &Row) -> Option<(&'s Looked<'s>, &'s str)> {
    let (looked, opener) = opener_of(scene, row)?;
    let own = [&row.pool, &opener.pool.most].into_iter().find_map(|number| {
        let place = number.place()?;
        let mut here = looked.container.environment.iter().filter(|(_, variable)| variable.place == *place);
        here.find(|(_, variable)| is_whole(variable, number))
    });
    own.map(|(name, _)| (looked, name.as_str()))
}

/// Whether a variable is this number and nothing else.
pub(super) fn is_whole(variable: &Variable, number: &Number) -> bool {
    variable.value.as_deref().and_then(|value| value.trim().parse().ok()) == Some(number.value)
}

/// A row with what the preset gives each process. More than it has only where the preset's own variable asks for it.
fn desired(scene: &Scene<'_>, row: &Row, wanted: &Wanted, why: &mut Vec<String>) -> Row {
    let mut row = row.clone();
    // An init container stands beside main ones that may have become smaller: all of it counts.
    if let Runs::BeforeMain(_) = row.runs {
        row.runs = Runs::BeforeMain(0);
    }
    if !row.scales {
        return row;
    }
    let given = wanted.preset.process().connections_max;
    let asks = variable_of(scene, &row).is_some_and(|(_, name)| name.ends_with("MAX_CONNS"));
    let want = Want {
        processes: processes(scene, &row, wanted, why),
        pool: match asks && row.runs == Runs::Always {
            true => given,
            false => row.pool.value.min(given),
        },
    };
    if row.kept.value == row.pool.value {
        row.kept.value = want.pool;
    }
    row.resize(want.processes, want.pool);
    row
}

/// As many processes as cores, where nobody says and the program would follow.
fn processes(scene: &Scene<'_>, row: &Row, wanted: &Wanted, why: &mut Vec<String>) -> u32 {
    let Some((looked, opener)) = opener_of(scene, row) else { return row.processes.value };
    let follows = ["gunicorn", "uvicorn", "puma", "Puma"].iter().any(|name| opener.what.contains(name));
    if row.processes.assumption().is_none() || !follows {
        return row.processes.value;
    }
    let limit = looked.container.cpu_millis_max.as_ref().map(|limit| limit.value.div_ceil(1000).max(1));
    let Some(cores) = limit.or(wanted.cores) else { return row.processes.value };
    let whose = if limit.is_some() {
        "one for each core of its container"
    } else {
        "one for each of the cores given"
    };
    why.push(format!(
        "{}: WEB_CONCURRENCY = {cores}: {whose}; nothing says how many processes there are",
        row.name
    ));
    cores
}

/// The rows with no pool above a cap.
pub(super) fn capped(rows: &[Row], cap: u32) -> Vec<Row> {
    let mut rows = rows.to_vec();
    for row in rows.iter_mut().filter(|row| is_sized(row)) {
        row.resize(row.processes.value, row.pool.value.min(cap));
    }
    rows
}

/// The largest number from 1 to `most` that passes. If one passes, all below it do. With nothing to size, 0 may pass.
pub(super) fn largest(most: u32, passes: impl Fn(u32) -> bool) -> Option<u32> {
    let least = most.min(1);
    if !passes(least) {
        return None;
    }
    let (mut passing, mut failing) = (least, most.saturating_add(1));
    while failing - passing > 1 {
        let middle = passing + (failing - passing) / 2;
        if passes(middle) { passing = middle } else { failing = middle }
    }
    Some(passing)
}

/// A pooler that takes slots of the server.
fn is_pooler(row: &Row) -> bool {
    row.kind == "pooler" && row.via.is_none()
}

/// The rows with pools that fit, the largest there are: poolers get smaller only where one connection for each other
/// process does not fit beside them. `None` where nothing fits.
pub(super) fn fitting(rows: &[Row], together: Together, room: u64) -> Option<Vec<Row>> {
    let poolers = |rows: &[Row], cap: u32| {
        let mut rows = rows.to_vec();
        for row in rows.iter_mut().filter(|row| is_pooler(row)) {
            row.resize(row.processes.value, row.pool.value.min(cap));
        }
        rows
    };
    let most =
        |of: fn(&Row) -> bool| rows.iter().filter(|row| of(row)).map(|row| row.pool.value).max().unwrap_or(0);
    let fits = |rows: &[Row]| total(rows, together).largest() <= room;
    let cap = largest(most(is_pooler), |cap| fits(&poolers(&capped(rows, 1), cap)))?;
    let rows = poolers(rows, cap);
    let cap = largest(most(is_sized), |cap| fits(&capped(&rows, cap)))?;
    Some(capped(&rows, cap))
}

/// The rows with one connection for each process.
pub(super) fn at_least(rows: &[Row]) -> Vec<Row> {
    let mut rows = capped(rows, 1);
    for row in rows.iter_mut().filter(|row| is_pooler(row)) {
        row.resize(row.processes.value, row.pool.value.min(1));
    }
    rows
}

/// The sentences of poolers that got smaller.
fn shrunk(before: &[Row], after: &[Row], room: u64, why: &mut Vec<String>) {
    for (old, new) in
        before.iter().zip(after).filter(|(old, new)| is_pooler(old) && new.pool.value < old.pool.value)
    {
        why.push(format!(
            "{}: {} server connections for each process instead of {}: so many that all its replicas stay within the target of {room}",
            new.name, new.pool.value, old.pool.value
        ));
    }
}

fn sentence(scene: &Scene<'_>, row: &Row, limit: u32, wanted: &Wanted, room: u64) -> String {
    let preset = wanted.preset.name();
    let name = variable_of(scene, row).map_or("connections of each process", |(_, name)| name);
    let given = wanted.preset.process().connections_max;
    let because = match &row.via {
        Some(via) => format!("{preset}'s at most; {via} shares the server's connections among them"),
        None if row.pool.value < limit => {
            format!("instead of {limit}: so few that no rollout passes the target of {room} connections")
        }
        None if row.pool.value == given => format!("{preset}'s"),
        None => format!("it has no more now, and {preset} allows {given}"),
    };
    format!("{}: {name} = {}: {because}", row.name, row.pool.value)
}

/// The row of a pooler of ours.
pub(super) fn proxy_row(proxy: &Proxy, like: &Row) -> Row {
    let mut row = Row {
        name: proxy::NAME.to_owned(),
        workload: proxy::NAME.to_owned(),
        kind: "pooler",
        what: proxy::NAME.to_owned(),
        place: like.place.clone(),
        replicas: None,
        processes: Number::implied(1),
        kept: Number::implied(0),
        pool: Number::implied(proxy.connections()),
        // The connection that counts what the server has.
        aside: Number::implied(1),
        via: None,
        runs: Runs::Always,
        sums: Sums::default(),
        applications: vec![format!("{} proxy*", proxy::NAME)],
        scales: false,
    };
    row.resize(1, proxy.connections());
    row
}
