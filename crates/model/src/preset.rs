//! Environments an application runs in, and what each wants of its processes and of its server. One table: whoever
//! advises on settings, plans a budget or writes a document reads it here.
//!
//! The sizes are those of a small server. Whoever knows how much memory there is scales them; the counts and the times
//! stand as they are.

use std::time::Duration;

mod sized;

pub use sized::{
    BACKEND_BYTES, BACKEND_RANGE, MEMORY_PERCENT, RESERVED, SHARED_PERCENT_MAX, SUPERUSER_RESERVED, Sized,
    backends_fitting, fitting_work_mem,
};

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// An environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// One developer's machine, which has other things to do as well.
    Development,
    /// The dress rehearsal: production's server, fewer connections per process.
    Staging,
    /// The usual production.
    Production,
    /// Many processes with few connections each, behind the proxy.
    HighLoad,
}

/// What one process of the application is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Connections it may hold: `DB_MAX_CONNS`.
    pub connections_max: u32,
    /// How long it keeps one, counted from its login: Django's `CONN_MAX_AGE`.
    pub connection_age_max: Duration,
    /// Whether it runs in debug mode.
    pub debug: bool,
}

/// When a server gives up on a client that does not answer: `tcp_keepalives_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalives {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Time between probes.
    pub interval: Duration,
    /// Probes without an answer until the connection counts as lost.
    pub count: u32,
}

impl Keepalives {
    /// The kernel's own on Linux, which hold where nobody sets any.
    pub const LINUX: Self =
        Self { idle: Duration::from_secs(7200), interval: Duration::from_secs(75), count: 9 };

    /// How long a client that vanished keeps its slot.
    pub fn patience(&self) -> Duration {
        self.idle + self.interval * self.count
    }
}

/// What the server is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// `max_connections`.
    pub connections_max: u32,
    /// `shared_buffers`, in bytes.
    pub shared_buffers_bytes: u64,
    /// `effective_cache_size`, in bytes.
    pub effective_cache_bytes: u64,
    /// `maintenance_work_mem`, in bytes; `None` leaves the default.
    pub maintenance_work_bytes: Option<u64>,
    /// `idle_in_transaction_session_timeout`; `None` leaves it off.
    pub idle_in_transaction_timeout: Option<Duration>,
    /// `tcp_keepalives_*`; `None` leaves the kernel's.
    pub keepalives: Option<Keepalives>,
    /// The server has its machine for itself, so that sizes may grow with the memory there is.
    pub has_its_machine: bool,
    /// The proxy stands in front of it.
    pub proxied: bool,
}

const DEVELOPMENT: Server = Server {
    connections_max: 200,
    shared_buffers_bytes: 128 * MIB,
    effective_cache_bytes: 512 * MIB,
    maintenance_work_bytes: None,
    idle_in_transaction_timeout: None,
    keepalives: None,
    has_its_machine: false,
    proxied: false,
};

const PRODUCTION: Server = Server {
    connections_max: 400,
    shared_buffers_bytes: 256 * MIB,
    effective_cache_bytes: GIB,
    maintenance_work_bytes: Some(128 * MIB),
    idle_in_transaction_timeout: Some(Duration::from_secs(300)),
    keepalives: Some(Keepalives {
        idle: Duration::from_secs(600),
        interval: Duration::from_secs(30),
        count: 3,
    }),
    has_its_machine: true,
    proxied: false,
};

impl Preset {
    /// All, from the smallest to the largest.
    pub const ALL: [Self; 4] = [Self::Development, Self::Staging, Self::Production, Self::HighLoad];

    /// Its name on the command line and in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
            Self::HighLoad => "high-load",
        }
    }

    /// The preset of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// What one process of the application is given.
    pub const fn process(self) -> Process {
        let (connections_max, age_s, debug) = match self {
            Self::Development => (10, 180, true),
            Self::Staging => (20, 300, false),
            Self::Production => (25, 600, false),
            Self::HighLoad => (15, 300, false),
        };
        Process { connections_max, connection_age_max: Duration::from_secs(age_s), debug }
    }

    /// What the server is given.
    pub const fn server(self) -> Server {
        match self {
            Self::Development => DEVELOPMENT,
            Self::Staging | Self::Production => PRODUCTION,
            Self::HighLoad => Server { proxied: true, ..PRODUCTION },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_found_by_its_name() {
        for preset in Preset::ALL {
            assert_eq!(Preset::named(preset.name()), Some(preset));
        }
        assert_eq!(Preset::named("Production"), None);
    }

    #[test]
    fn a_vanished_client_keeps_its_slot_for_hours_unless_somebody_says_otherwise() {
        assert_eq!(Keepalives::LINUX.patience(), Duration::from_secs(2 * 3600 + 11 * 60 + 15));
        let ours = Preset::Production.server().keepalives.unwrap().patience();
        assert_eq!(ours, Duration::from_secs(690));
    }

    #[test]
    fn the_calculation_of_the_guide_comes_out() {
        let each = Preset::Production.process().connections_max;
        assert_eq!(4 * each + each + each + 10, 160);
        assert_eq!(Preset::Staging.server(), Preset::Production.server());
        assert!(Preset::HighLoad.server().proxied && !Preset::Production.server().proxied);
    }
}
