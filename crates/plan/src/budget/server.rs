//! Which server a connection goes to, and what is known of that server.

use super::{Known, Slots};
use crate::declared::Declared;
use crate::deployed::Workload;
use crate::{Number, pools};

/// A server that is connected to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The host as services name it; `None` where nothing names one.
    pub host: Option<String>,
    /// Every name it is reached under.
    names: Vec<String>,
    /// What its container says, if it is one of those deployed.
    pub said: Option<pools::Server>,
}

impl Target {
    /// A server that is one of the workloads.
    pub(super) fn deployed(workload: &Workload, said: pools::Server) -> Self {
        let names = names(workload);
        Self { host: names.first().cloned(), names, said: Some(said) }
    }

    /// The standbys of one that is: each has the limits of the one it copies.
    pub(super) fn standing_by(workload: &Workload, said: pools::Server) -> Option<Self> {
        let names = workload.standbys.clone();
        Some(Self { host: Some(names.first()?.clone()), names, said: Some(said) })
    }

    /// A server somewhere else.
    pub(super) fn elsewhere(host: Option<&str>) -> Self {
        Self { host: host.map(str::to_owned), names: host.map(label).into_iter().collect(), said: None }
    }

    /// Whether this host is this server.
    pub(super) fn is(&self, host: &str) -> bool {
        let host = label(host);
        self.names.iter().any(|name| label(name) == host)
    }

    /// Its slots, as far as anybody says: the caller, then the plan file, then its own arguments.
    pub(super) fn slots(&self, declared: &Declared, known: &Known) -> Option<Slots> {
        let said = self.said.as_ref();
        let pick = |known: &Option<Number>, declared: &Option<Number>, said: Option<&Number>| {
            known.clone().or_else(|| declared.clone()).or_else(|| said.cloned())
        };
        let server = &declared.server;
        let assumed = |value: u32, setting: &str| {
            Number::assumed(value, format!("{setting} is not given: PostgreSQL's own {value}"))
        };
        Some(Slots {
            connections_max: pick(
                &known.connections_max,
                &server.connections_max,
                said.map(|s| &s.connections_max),
            )?,
            superuser_reserved: pick(
                &known.superuser_reserved,
                &server.superuser_reserved,
                said.map(|said| &said.superuser_reserved),
            )
            .unwrap_or_else(|| assumed(3, "superuser_reserved_connections")),
            reserved: pick(&known.reserved, &server.reserved, said.map(|said| &said.reserved))
                .unwrap_or_else(|| Number::implied(0)),
        })
    }
}

/// The names a workload is reached under, its own first.
pub(super) fn names(workload: &Workload) -> Vec<String> {
    let own = workload.name.rsplit('/').next().unwrap_or(&workload.name);
    std::iter::once(own.to_owned()).chain(workload.aliases.iter().cloned()).collect()
}

/// Whether a workload is reached under this host.
pub(crate) fn reached_as(workload: &Workload, host: &str) -> bool {
    let host = label(host);
    names(workload).iter().any(|name| label(name) == host)
}

/// Whether the host is the container's own machine or pod.
pub(crate) fn is_local(host: &str) -> bool {
    host.is_empty() || host.starts_with('/') || matches!(host, "localhost" | "127.0.0.1" | "::1" | "0.0.0.0")
}

/// What names the machine: `db` of `db.shop.svc.cluster.local`; the whole of a name outside the cluster or of an address.
fn label(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let inside = host.split_once('.').filter(|(_, rest)| {
        rest.ends_with("svc.cluster.local") || rest.ends_with(".svc") || !rest.contains('.')
    });
    match inside {
        Some((first, _)) if first.parse::<u8>().is_err() => first.to_owned(),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_with_and_without_its_clusters_domain() {
        assert_eq!(label("db.shop.svc.cluster.local"), "db");
        assert_eq!(label("DB.shop.svc"), "db");
        assert_eq!(label("db.shop"), "db");
        assert_eq!(label("db"), "db");
        assert_eq!(label("db1.example.org"), "db1.example.org");
        assert_eq!(label("10.0.0.5"), "10.0.0.5");
        assert!(is_local("localhost") && is_local("/var/run/postgresql") && !is_local("db"));
    }
}
