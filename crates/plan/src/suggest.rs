//! What to write so that everything fits: pools, the server's settings, and a proxy in front where nothing else helps.
//! Each number comes with its sentence.
//!
//! Sizes are those of `model::preset`, by the same arithmetic that `doctor` has. What is deployed decides how much of
//! them there is room for.

use std::fmt::Write;

use model::preset::Preset;

use crate::budget::{Row, ServerBudget, Sums};
use crate::{Level, Scene};

mod change;
mod diff;
mod lines;
mod pools;
mod proxy;
mod server;
mod write;

pub use server::Line;

/// What the caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The environment.
    pub preset: Preset,
    /// The server's memory in bytes, where its container has no limit.
    pub memory_bytes: Option<u64>,
    /// Cores of a service's container, and of the server, where they have no limit.
    pub cores: Option<u32>,
}

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// For which environment.
    pub preset: Preset,
    /// What opens connections, as it would be; the proxy among them if there is one.
    pub rows: Vec<Row>,
    /// The server's settings.
    pub settings: Vec<Line>,
    /// Slots that ordinary roles can get with these settings.
    pub usable: u32,
    /// Of them, in percent, what no sum shall pass.
    pub target: u32,
    /// What all rows add up to.
    pub sums: Sums,
    /// No sum passes the target. Where this is `false`, what cannot be made smaller is too much by itself.
    pub fits: bool,
    /// Why `fits` is no promise: files with errors, no server, nothing that opens connections. A sentence each.
    pub doubts: Vec<String>,
    /// Each number with the reason: `max_connections = 400: production's`.
    pub why: Vec<String>,
    /// Files, in the order of their paths.
    pub files: Vec<File>,
}

/// A file as it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path, from the folder of the files that were read.
    pub path: String,
    /// All of it.
    pub text: String,
    /// The way from what it is to that: a unified diff, from `/dev/null` where there is none yet.
    pub patch: String,
}

/// What to write for the first server of the budget.
pub fn suggest(scene: &Scene<'_>, wanted: &Wanted) -> Suggestion {
    let Some(budget) = scene.budget.servers.first() else {
        return Suggestion {
            preset: wanted.preset,
            rows: Vec::new(),
            settings: Vec::new(),
            usable: 0,
            target: scene.declared.thresholds.warn,
            sums: Sums::default(),
            fits: false,
            doubts: doubts(scene, None, false),
            why: Vec::new(),
            files: Vec::new(),
        };
    };
    let sheet = server::sheet(scene, budget, wanted);
    let mut why: Vec<String> = sheet
        .settings
        .iter()
        .map(|line| format!("{} = {}: {}", line.name, line.value, line.because))
        .collect();
    let room = u64::from(sheet.usable) * u64::from(budget.thresholds.warn) / 100;
    let sized = pools::sized(scene, budget, wanted, room);
    let change::Changes { set, mut edits, said } = change::changes(scene, budget, wanted, &sized);
    why.extend(sized.why.iter().cloned());
    why.extend(said);
    why.extend(sheet.notes.iter().cloned());
    if scene.budget.servers.len() > 1 {
        let host = budget.host.as_deref().unwrap_or("the first");
        why.push(format!(
            "this is for {host}; the other servers need a plan of their own: [server] host chooses"
        ));
    }
    let files = write::files(scene, wanted, &sheet, &sized, &set, &mut edits, &mut why);
    Suggestion {
        preset: wanted.preset,
        usable: sheet.usable,
        target: budget.thresholds.warn,
        fits: sized.sums.largest() <= room,
        doubts: doubts(scene, Some(budget), sheet.found.is_some()),
        sums: sized.sums,
        rows: sized.rows,
        settings: sheet.settings,
        why,
        files,
    }
}

/// What keeps a suggestion from being a promise.
fn doubts(scene: &Scene<'_>, budget: Option<&ServerBudget>, is_found: bool) -> Vec<String> {
    let mut doubts = Vec::new();
    match scene.found.iter().filter(|finding| finding.level == Level::Error).count() {
        0 => {}
        1 => doubts.push("the files hold an error: what it hides is in no sum here".to_owned()),
        number => doubts.push(format!("the files hold {number} errors: what they hide is in no sum here")),
    }
    if !is_found && budget.is_none_or(|budget| budget.slots.is_none()) {
        doubts.push(
            "no PostgreSQL server was found, and nothing says how many connections one allows: name its file, or give \
             --max-connections"
                .to_owned(),
        );
    }
    if budget.is_none_or(|budget| budget.rows.is_empty()) {
        doubts.push("nothing was found that opens connections: there is nothing to size".to_owned());
    }
    doubts
}

/// The suggestion for a terminal or a file: sums, reasons, and the patches.
pub fn text(suggestion: &Suggestion) -> String {
    let mut out = String::new();
    let verdict = match suggestion.fits {
        true => format!("within {} % of them", suggestion.target),
        false => format!("above {} % of them", suggestion.target),
    };
    let sums = &suggestion.sums;
    let _ = writeln!(
        out,
        "{}: steady {}, peak {}, rollout {} of {} usable slots, {verdict}\n",
        suggestion.preset.name(),
        sums.steady,
        sums.peak,
        sums.rollout,
        suggestion.usable
    );
    for row in &suggestion.rows {
        let replicas = row.replicas.as_ref().map_or(1, |replicas| replicas.most.value);
        let via = row.via.as_ref().map(|via| format!(", through {via}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "  {}: {replicas} x {} x {} = {}{via}",
            row.name, row.processes.value, row.pool.value, row.sums.peak
        );
    }
    out.push_str("\nWhy\n");
    for reason in &suggestion.why {
        let _ = writeln!(out, "  {reason}");
    }
    for file in suggestion.files.iter().filter(|file| !file.patch.is_empty()) {
        let _ = write!(out, "\n{}", file.patch);
    }
    out
}

#[cfg(test)]
mod tests;
