//! What the limit on connections may cost in memory.

use model::preset::{BACKEND_BYTES, BACKEND_RANGE, MEMORY_PERCENT, SHARED_PERCENT_MAX, fitting_work_mem};

use super::{Evidence, Outcome, Severity, no_value, size, size_setting};

const MIB: u64 = 1 << 20;

impl Evidence {
    /// What a backend takes, in bytes, and where that is from.
    pub(super) fn backend_bytes(&self) -> (u64, String) {
        match self.machine.as_ref().map(|machine| &machine.backends) {
            Ok(Ok(backends)) => {
                let bytes = backends.median_bytes.max(MIB);
                let text = format!(
                    "{} each, the middle of {} measured here (largest {})",
                    size(bytes),
                    backends.measured,
                    size(backends.largest_bytes)
                );
                (bytes, text)
            }
            Ok(Err(_)) | Err(_) => {
                (BACKEND_BYTES, format!("{} each, assumed ({BACKEND_RANGE})", size(BACKEND_BYTES)))
            }
        }
    }
}

/// Every slot taken, by backends as they are today.
pub(super) fn max_connections(evidence: &Evidence) -> Outcome {
    let memory = match evidence.memory() {
        Ok(memory) => memory,
        Err(why) => return Outcome::Skipped(why),
    };
    let Some(shared) = evidence.setup.bytes("shared_buffers") else {
        return no_value(evidence, "shared_buffers", 0);
    };
    let slots = u64::from(evidence.sample.facts.max_connections);
    let (each, told) = evidence.backend_bytes();
    let need = slots * each + shared;
    let sum = format!(
        "{slots} backends of {told} and {} of shared buffers come to {} of {}",
        size(shared),
        size(need),
        size(memory)
    );
    let fits = (memory * MEMORY_PERCENT / 100).saturating_sub(shared) / each;
    if need * 100 <= memory * MEMORY_PERCENT {
        return Outcome::Fine(sum);
    }
    let severity = if need > memory { Severity::Critical } else { Severity::Warning };
    let mut write = Vec::new();
    if fits >= 10 {
        write.push(evidence.set("max_connections", fits.to_string()));
    }
    Outcome::advised(
        severity,
        sum,
        format!(
            "the kernel needs the rest for its page cache and for sorts, and at the end it kills a backend, which restarts \
             every session; {fits} slots fit into {MEMORY_PERCENT} % of the memory. A pooler serves more clients with fewer"
        ),
        write,
    )
}

/// Every slot sorting at once.
pub(super) fn work_mem(evidence: &Evidence) -> Outcome {
    let Some(work) = evidence.setup.bytes("work_mem") else { return no_value(evidence, "work_mem", 0) };
    let memory = match evidence.memory() {
        Ok(memory) => memory,
        Err(why) => return Outcome::Skipped(why),
    };
    // A hash may take this many times work_mem; the setting came with 13.
    let factor = evidence.setup.number("hash_mem_multiplier").unwrap_or(1.0).max(1.0);
    let slots = u64::from(evidence.sample.facts.max_connections);
    let each = (work as f64 * factor) as u64;
    let shared = evidence.setup.bytes("shared_buffers").unwrap_or(0);
    let worst = slots * each + shared;
    let sum = format!(
        "one hash in each of {slots} backends may take {} (work_mem {} x hash_mem_multiplier {factor}), with shared buffers \
         {} of {}",
        size(slots * each),
        size(work),
        size(worst),
        size(memory)
    );
    if worst <= memory {
        return Outcome::Fine(sum);
    }
    let fitting = fitting_work_mem(memory, shared, slots);
    let severity = if worst > memory.saturating_mul(4) { Severity::Warning } else { Severity::Advice };
    let why = "work_mem holds for each sort and hash of a statement, not for the server; a burst of large statements on all \
               slots is what the kernel's out-of-memory killer ends. Give more to the one role that reports: ALTER ROLE ... \
               SET work_mem";
    let write =
        if fitting < work { vec![evidence.set("work_mem", size_setting(fitting))] } else { Vec::new() };
    Outcome::advised(severity, sum, why, write)
}

/// A limit of the container that the settings do not know.
pub(super) fn container(evidence: &Evidence) -> Outcome {
    let machine = match &evidence.machine {
        Ok(machine) => machine,
        Err(why) => return Outcome::Skipped(why.clone()),
    };
    let Some(limit) = machine.memory_limit_bytes.filter(|limit| *limit < machine.memory_bytes) else {
        return Outcome::Fine(format!("no limit below the machine's {}", size(machine.memory_bytes)));
    };
    let setup = &evidence.setup;
    let shared = setup.bytes("shared_buffers").unwrap_or(0);
    let cache = setup.bytes("effective_cache_size").unwrap_or(0);
    let mut said = Vec::new();
    let mut write = Vec::new();
    if shared * 100 > limit * SHARED_PERCENT_MAX {
        said.push(format!("shared_buffers {} is over {SHARED_PERCENT_MAX} % of it", size(shared)));
        write.push(evidence.set("shared_buffers", size_setting(limit / 4 / MIB * MIB)));
    }
    if cache > limit {
        said.push(format!("effective_cache_size {} is more than it", size(cache)));
        write.push(evidence.set("effective_cache_size", size_setting(limit / 4 * 3 / MIB * MIB)));
    }
    let place =
        format!("the container may use {} of the machine's {}", size(limit), size(machine.memory_bytes));
    if said.is_empty() {
        return Outcome::Fine(place);
    }
    Outcome::advised(
        Severity::Warning,
        format!("{place}, and {}", said.join(", ")),
        "PostgreSQL does not read the limit of its control group: past it the kernel kills a backend, and the postmaster \
         restarts all sessions",
        write,
    )
}
