//! A server's settings beside the memory its container has.

use model::preset::{
    BACKEND_BYTES, BACKEND_RANGE, MEMORY_PERCENT, SHARED_PERCENT_MAX, backends_fitting, fitting_work_mem,
};
use model::size::{size, size_setting};

use super::{place_or, rule};
use crate::pools::Server;
use crate::{Finding, Level, Looked, Place, Rule, Scene, setting};

/// `max_connections` beside the memory.
pub(super) const SLOTS: Rule = rule(
    "SERVER001",
    Level::Warning,
    "Backends on all slots and shared buffers take more than 80 % of the memory of the server's container.",
);

/// `shared_buffers` beside the memory.
pub(super) const BUFFERS: Rule = rule(
    "SERVER002",
    Level::Warning,
    "shared_buffers takes more than 40 % of the memory of the server's container.",
);

/// `/dev/shm`.
pub(super) const SHARED: Rule = rule(
    "SERVER003",
    Level::Note,
    "A container has 64 MB of /dev/shm unless shm_size says otherwise: parallel queries need more.",
);

/// `work_mem` beside the memory.
pub(super) const WORK: Rule = rule(
    "SERVER006",
    Level::Note,
    "One hash of work_mem in every backend does not fit into the memory of the server's container.",
);

/// PostgreSQL's own.
const SHARED_BUFFERS: u64 = 128 << 20;
const HASH_FACTOR: u64 = 2;
const MIB: u64 = 1 << 20;

struct Limited<'s, 'a> {
    looked: &'s Looked<'a>,
    server: &'s Server,
    memory: u64,
    shared: u64,
    slots: u64,
}

impl Limited<'_, '_> {
    fn place(&self, setting: &str) -> &Place {
        let limit = self.looked.container.memory_bytes_max.as_ref().map(|(_, place)| place);
        let written = self.server.setting(setting).map(|value| &value.place);
        place_or(written.or(limit), &self.looked.container.place)
    }
}

fn limited<'s, 'a>(scene: &'s Scene<'a>) -> impl Iterator<Item = Limited<'s, 'a>> {
    scene.servers().filter_map(|(looked, server)| {
        let memory = looked.container.memory_bytes_max.as_ref()?.0;
        let shared = match server.setting("shared_buffers") {
            Some(value) => setting::bytes(&value.text, setting::BLOCK)?,
            None => SHARED_BUFFERS,
        };
        Some(Limited { looked, server, memory, shared, slots: u64::from(server.connections_max.value) })
    })
}

pub(super) fn slots(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for it in limited(scene) {
        let need = it.slots.saturating_mul(BACKEND_BYTES).saturating_add(it.shared);
        if need <= it.memory / 100 * MEMORY_PERCENT {
            continue;
        }
        let fits = backends_fitting(it.memory, it.shared, BACKEND_BYTES);
        let fix = match fits {
            0..10 => "give the container more memory, or shared_buffers less".to_owned(),
            fits => format!(
                "max_connections = {fits}, or more memory; a pooler serves more clients with fewer slots"
            ),
        };
        let mut finding = Finding::at(
            &SLOTS,
            it.place("max_connections"),
            format!(
                "{} backends of {} each, assumed ({BACKEND_RANGE}), and {} of shared buffers come to {} of {}",
                it.slots,
                size(BACKEND_BYTES),
                size(it.shared),
                size(need),
                size(it.memory)
            ),
            fix,
        );
        if need > it.memory {
            finding.level = Level::Error;
        }
        found.push(finding);
    }
    found
}

pub(super) fn buffers(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for it in limited(scene) {
        if it.shared <= it.memory / 100 * SHARED_PERCENT_MAX {
            continue;
        }
        found.push(Finding::at(
            &BUFFERS,
            it.place("shared_buffers"),
            format!(
                "the container may use {}, and shared_buffers {} is over {SHARED_PERCENT_MAX} % of it",
                size(it.memory),
                size(it.shared)
            ),
            format!(
                "shared_buffers = {}, or more memory for the container",
                size_setting(it.memory / 4 / MIB * MIB)
            ),
        ));
    }
    found
}

pub(super) fn work(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for it in limited(scene) {
        let Some(value) = it.server.setting("work_mem") else { continue };
        let Some(work) = setting::bytes(&value.text, setting::KILOBYTE) else { continue };
        let all = it.slots.saturating_mul(work).saturating_mul(HASH_FACTOR);
        let worst = all.saturating_add(it.shared);
        let fitting = fitting_work_mem(it.memory, it.shared, it.slots);
        if worst <= it.memory || fitting >= work {
            continue;
        }
        let mut finding = Finding::at(
            &WORK,
            &value.place,
            format!(
                "one hash in each of {} backends may take {} (work_mem {} x hash_mem_multiplier {HASH_FACTOR}), with shared buffers \
                 {} of {}",
                it.slots,
                size(all),
                size(work),
                size(worst),
                size(it.memory)
            ),
            format!(
                "work_mem = {}; give more to the one role that reports: ALTER ROLE ... SET work_mem",
                size_setting(fitting)
            ),
        );
        if worst > it.memory.saturating_mul(4) {
            finding.level = Level::Warning;
        }
        found.push(finding);
    }
    found
}

/// A compose file's service without `shm_size`. Only where its text is at hand, and nothing in it speaks of shared
/// memory: another file may set it as well.
pub(super) fn shared(scene: &Scene<'_>) -> Vec<Finding> {
    let speaks = |text: &str| {
        ["shm_size", "/dev/shm", "ipc:", "max_parallel_workers_per_gather=0"]
            .iter()
            .any(|word| text.contains(word))
    };
    let mut found = Vec::new();
    for (looked, server) in scene.servers().filter(|(looked, _)| looked.workload.kind == "service") {
        let text = scene.texts.get(&*looked.container.place.file);
        let off =
            server.setting("max_parallel_workers_per_gather").is_some_and(|value| value.text.trim() == "0");
        let hidden = text.is_none() || scene.texts.values().any(|text| speaks(text));
        if hidden || off || looked.container.image.is_none() {
            continue;
        }
        found.push(Finding::at(
            &SHARED,
            &looked.container.place,
            format!(
                "{} has no shm_size: in 64 MB of /dev/shm a parallel query fails with \"could not resize shared memory segment\"",
                looked.name()
            ),
            "shm_size: 256mb, or max_parallel_workers_per_gather = 0",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;
    use super::MIB;
    use crate::Level;

    fn server(settings: &[(&str, &str)], mebibytes: u64) -> World {
        World::default().server(settings).memory(mebibytes * MIB)
    }

    #[test]
    fn backends_and_buffers_are_held_against_the_containers_memory() {
        // 200 * 7 + 128 = 1528 MiB.
        let level = |mebibytes| {
            server(&[("max_connections", "200")], mebibytes).all("SERVER001").first().map(|it| it.level)
        };
        assert_eq!(level(1024), Some(Level::Error));
        assert_eq!(level(1800), Some(Level::Warning));
        assert_eq!(level(1920), None);
        let none = World::default().server(&[("max_connections", "4000")]);
        assert_eq!(none.found("SERVER001"), [], "no limit, nothing to hold it against");
    }

    #[test]
    fn the_fix_is_what_fits() {
        let found = server(&[("max_connections", "400"), ("shared_buffers", "512MB")], 2048).all("SERVER001");
        assert!(found[0].fix.starts_with("max_connections = 160,"), "{}", found[0].fix);
    }

    #[test]
    fn buffers_leave_three_fifths_to_the_rest() {
        let found = server(&[("shared_buffers", "512MB")], 1024).found("SERVER002");
        assert!(found[0].1.contains("shared_buffers 512 MiB is over 40 % of it"), "{}", found[0].1);
        assert_eq!(server(&[("shared_buffers", "400MB")], 1024).found("SERVER002"), []);
        assert_eq!(server(&[("shared_buffers", "${BUFFERS}")], 1024).found("SERVER002"), []);
    }

    #[test]
    fn sorts_on_all_slots_are_a_note_and_four_times_the_memory_a_warning() {
        let level = |work| {
            server(&[("max_connections", "100"), ("work_mem", work)], 4096)
                .all("SERVER006")
                .first()
                .map(|it| it.level)
        };
        assert_eq!(
            (level("4MB"), level("64MB"), level("256MB")),
            (None, Some(Level::Note), Some(Level::Warning))
        );
    }

    #[test]
    fn dev_shm_is_a_matter_where_the_file_is_seen_and_silent() {
        let world = |text: &str| World::default().server(&[]).image("postgres:16").text("compose.yaml", text);
        assert_eq!(world("services:\n").found("SERVER003").len(), 1);
        assert_eq!(world("services:\n shm_size: 1g\n").found("SERVER003"), []);
        assert_eq!(World::default().server(&[]).image("postgres:16").found("SERVER003"), []);
    }
}
