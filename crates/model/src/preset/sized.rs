//! A server's settings, sized for the memory there is: one arithmetic for whoever advises on a running server and for
//! whoever plans one.

use super::{MIB, Server};
use crate::size::{size_setting, span_setting};

/// What a backend takes that has run a few hundred small statements, in bytes (proportional set size).
pub const BACKEND_BYTES: u64 = 7 * MIB;
/// The same, as people should know it.
pub const BACKEND_RANGE: &str = "3 to 7 MiB for a backend that ran a few hundred small statements, up to 70 MiB for one \
                                 that touched thousands of tables";
/// Share of the memory, in per cent, that backends and shared buffers together may take.
pub const MEMORY_PERCENT: u64 = 80;
/// Share of a container's memory, in per cent, above which shared buffers leave too little for the rest.
pub const SHARED_PERCENT_MAX: u64 = 40;
/// `superuser_reserved_connections`.
pub const SUPERUSER_RESERVED: u32 = 3;
/// `reserved_connections`: a monitoring and an operating role. 16 and later.
pub const RESERVED: u32 = 2;

/// What a server is never given less of.
const SHARED_BUFFERS_MIN: u64 = 32 * MIB;
const CONNECTIONS_MIN: u64 = 10;

/// The sizes that depend on the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sized {
    /// `max_connections`.
    pub connections_max: u32,
    /// `shared_buffers`, in bytes.
    pub shared_buffers_bytes: u64,
    /// `effective_cache_size`, in bytes.
    pub effective_cache_bytes: u64,
    /// `maintenance_work_mem`, in bytes; `None` leaves the default.
    pub maintenance_work_bytes: Option<u64>,
    /// `work_mem`, in bytes; `None` leaves the default.
    pub work_bytes: Option<u64>,
}

impl Server {
    /// Sizes for this much memory, where a backend takes so much; the table's own where nobody knows the memory.
    pub fn sized(&self, memory_bytes: Option<u64>, backend_bytes: u64) -> Sized {
        let (mut shared, mut cache) = (self.shared_buffers_bytes, self.effective_cache_bytes);
        let Some(memory) = memory_bytes else {
            return Sized {
                connections_max: self.connections_max,
                shared_buffers_bytes: shared,
                effective_cache_bytes: cache,
                maintenance_work_bytes: self.maintenance_work_bytes,
                work_bytes: None,
            };
        };
        let (quarter, most) = (memory / 4 / MIB * MIB, memory / 4 * 3 / MIB * MIB);
        (shared, cache) =
            if self.has_its_machine { (quarter, most) } else { (shared.min(quarter), cache.min(most)) };
        shared = shared.max(SHARED_BUFFERS_MIN);
        let fits = backends_fitting(memory, shared, backend_bytes);
        let slots = match u64::from(self.connections_max) {
            wanted if fits < wanted => (fits / 10 * 10).max(CONNECTIONS_MIN),
            wanted => wanted,
        };
        Sized {
            connections_max: u32::try_from(slots).unwrap_or(u32::MAX),
            shared_buffers_bytes: shared,
            effective_cache_bytes: cache,
            maintenance_work_bytes: self
                .maintenance_work_bytes
                .map(|bytes| bytes.min(memory / 16 / MIB * MIB).max(16 * MIB)),
            work_bytes: Some(fitting_work_mem(memory, shared, slots)),
        }
    }

    /// The settings of a server of this major version, each as PostgreSQL's files have it. With sizes from
    /// [`Server::sized`].
    pub fn settings(&self, sized: &Sized, major: u32) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("max_connections", sized.connections_max.to_string()),
            ("superuser_reserved_connections", SUPERUSER_RESERVED.to_string()),
        ];
        if major >= 16 {
            lines.push(("reserved_connections", RESERVED.to_string()));
        }
        lines.push(("shared_buffers", size_setting(sized.shared_buffers_bytes)));
        lines.push(("effective_cache_size", size_setting(sized.effective_cache_bytes)));
        let sizes = [("maintenance_work_mem", sized.maintenance_work_bytes), ("work_mem", sized.work_bytes)];
        lines.extend(sizes.into_iter().filter_map(|(name, bytes)| Some((name, size_setting(bytes?)))));
        if let Some(timeout) = self.idle_in_transaction_timeout {
            lines.push(("idle_in_transaction_session_timeout", span_setting(timeout)));
        }
        if let Some(keepalives) = self.keepalives {
            lines.push(("tcp_keepalives_idle", keepalives.idle.as_secs().to_string()));
            lines.push(("tcp_keepalives_interval", keepalives.interval.as_secs().to_string()));
            lines.push(("tcp_keepalives_count", keepalives.count.to_string()));
            if major >= 14 {
                lines.push(("client_connection_check_interval", "10s".to_owned()));
            }
        }
        lines
    }
}

/// Backends of this size that fit beside the shared buffers into [`MEMORY_PERCENT`] of the memory.
pub fn backends_fitting(memory: u64, shared: u64, backend_bytes: u64) -> u64 {
    (memory / 100)
        .saturating_mul(MEMORY_PERCENT)
        .saturating_add(memory % 100 * MEMORY_PERCENT / 100)
        .saturating_sub(shared)
        / backend_bytes.max(1)
}

/// Three sorts or hashes at once in every backend share what shared buffers leave; never less than 4 MiB.
pub fn fitting_work_mem(memory: u64, shared: u64, slots: u64) -> u64 {
    let bytes = memory.saturating_sub(shared) / slots.max(1).saturating_mul(3);
    (bytes / MIB * MIB).max(4 * MIB)
}

#[cfg(test)]
mod tests {
    use super::super::{GIB, Preset};
    use super::*;

    #[test]
    fn a_servers_backends_and_buffers_stay_below_four_fifths_of_its_memory() {
        for preset in Preset::ALL {
            for mebibytes in [256, 512, 1024, 2048, 4096, 65536] {
                let memory = mebibytes * MIB;
                let sized = preset.server().sized(Some(memory), BACKEND_BYTES);
                let need = u64::from(sized.connections_max) * BACKEND_BYTES + sized.shared_buffers_bytes;
                assert!(need <= memory * MEMORY_PERCENT / 100, "{} of {mebibytes} MiB", preset.name());
            }
        }
    }

    #[test]
    fn what_nobody_sized_is_the_table() {
        let server = Preset::Production.server();
        let sized = server.sized(None, BACKEND_BYTES);
        assert_eq!((sized.connections_max, sized.shared_buffers_bytes), (400, 256 * MIB));
        assert_eq!(sized.work_bytes, None);
        let names =
            |major| server.settings(&sized, major).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert!(names(16).contains(&"reserved_connections") && !names(15).contains(&"reserved_connections"));
        assert!(names(14).contains(&"client_connection_check_interval"));
        assert!(!names(13).contains(&"client_connection_check_interval"));
    }

    #[test]
    fn no_memory_makes_the_arithmetic_wrap() {
        for memory in [0, 1, 99, u64::MAX] {
            let sized = Preset::HighLoad.server().sized(Some(memory), 0);
            assert!(sized.connections_max >= 10);
        }
        assert_eq!(backends_fitting(2 * GIB, 512 * MIB, 7 * MIB), 160);
    }
}
