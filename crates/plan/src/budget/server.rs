//! Which server a connection goes to, and what is known of that server.

use super::host::{Host, Reached};
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
    pub reached: Option<Reached>,
    /// What its container says, if it is one of those deployed.
    pub said: Option<pools::Server>,
}

impl Target {
    /// A server that is one of the workloads.
    pub(super) fn deployed(workload: &Workload, said: pools::Server) -> Self {
        let own = workload.name.rsplit('/').next().unwrap_or(&workload.name);
        Self { host: Some(own.to_owned()), reached: Some(Reached::workload(workload)), said: Some(said) }
    }

    /// The standbys of one that is: each has the limits of the one it copies.
    pub(super) fn standing_by(workload: &Workload, said: pools::Server) -> Option<Self> {
        let host = workload.standbys.first()?.clone();
        Some(Self { host: Some(host), reached: Some(Reached::standbys(workload)), said: Some(said) })
    }

    /// A server somewhere else, as a client in the namespace `from` names it.
    pub(super) fn elsewhere(host: &str, from: &Host, space: &str) -> Self {
        Self { host: Some(host.to_owned()), reached: Some(Reached::elsewhere(from, space)), said: None }
    }

    /// The one server of whom nobody says more than perhaps a name.
    pub(super) const fn unseen(host: Option<String>) -> Self {
        Self { host, reached: None, said: None }
    }

    /// Its slots, as far as anybody says: its own arguments, and over them what the plan file and the caller say of
    /// the one server they mean (`meant`).
    pub(super) fn slots(&self, meant: Option<(&Declared, &Known)>) -> Option<Slots> {
        let said = self.said.as_ref();
        let pick = |known: &Option<Number>, declared: &Option<Number>, said: Option<&Number>| {
            known.clone().or_else(|| declared.clone()).or_else(|| said.cloned())
        };
        let (server, known) =
            meant.map_or_else(Default::default, |(declared, known)| (declared.server.clone(), known.clone()));
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
