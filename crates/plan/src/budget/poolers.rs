//! Who goes through a pooler, and whether it has room for them.

use super::assemble::Build;
use super::host::{Host, Reached, is_local, resolve, space_of};
use super::{Replicated, Sums};
use crate::deployed::Workload;
use crate::{Finding, Level, Rule, Text};

/// A pooler lets in fewer than come.
pub(super) const CROWDED: Rule = Rule {
    id: "BUDGET001",
    level: Level::Warning,
    summary: "A pooler lets in fewer clients than its services may open.",
};

/// The plan file names nobody.
pub(super) const STRANGER: Rule = Rule {
    id: "BUDGET002",
    level: Level::Error,
    summary: "The plan file goes through a pooler that is not there.",
};

impl Build<'_> {
    /// Who goes through a pooler opens no slots of the server but places of the pooler.
    pub(super) fn through_poolers(&mut self) {
        let poolers: Vec<(String, &Workload, Reached)> = self
            .drafts
            .iter()
            .filter(|draft| draft.pooler.is_some())
            .filter_map(|draft| Some((draft.row.name.clone(), draft.workload?)))
            .map(|(name, workload)| (name, workload, Reached::workload(workload)))
            .collect();
        for draft in self.drafts.iter_mut().filter(|draft| draft.pooler.is_none()) {
            if let Some(via) = &draft.via {
                let there = poolers.iter().find(|(name, ..)| *name == via.text);
                let there = there.or_else(|| poolers.iter().find(|(_, own, _)| own.name == via.text));
                draft.row.via = there.map(|(name, ..)| name.clone());
                let told = self.findings.iter().any(|one| one.place.as_ref() == Some(&via.place));
                if there.is_none() && !via.text.is_empty() && !told {
                    let names: Vec<&str> = poolers.iter().map(|(name, ..)| name.as_str()).collect();
                    self.findings.push(stranger(&draft.row.name, via, &names));
                }
                continue;
            }
            let Some(to) = &draft.to else { continue };
            if is_local(&to.host) {
                let beside = |own: &Workload| draft.workload.is_some_and(|one| std::ptr::eq(one, own));
                draft.row.via = poolers.iter().find(|(_, own, _)| beside(own)).map(|(name, ..)| name.clone());
                continue;
            }
            // Servers are asked as well: the one in the client's own namespace is nearer than a pooler in another.
            let servers = self.targets.iter().chain(&self.standbys);
            let all = poolers
                .iter()
                .map(|(name, _, reached)| (Some(name), reached))
                .chain(servers.filter_map(|one| Some((None, one.reached.as_ref()?))));
            let host = Host::of(&to.host, |space| self.spaces.contains(space));
            draft.row.via = resolve(&host, space_of(&draft.row.workload), all).one().flatten().cloned();
        }
        self.crowds();
    }

    /// A pooler's own replicas grow as its clients do: each moment is held against those there are then.
    fn crowds(&mut self) {
        for pooler in self.drafts.iter().filter(|draft| draft.pooler.is_some()) {
            let Some(clients_max) = &pooler.pooler else { continue };
            let clients = |of: fn(&Sums) -> u64| {
                let through =
                    self.drafts.iter().filter(|draft| draft.row.via.as_deref() == Some(&pooler.row.name));
                through.map(|draft| of(&draft.row.sums)).fold(0, u64::saturating_add)
            };
            let replicas = pooler.row.replicas.as_ref();
            let room = |replicas: Option<u32>| {
                u64::from(clients_max.value).saturating_mul(u64::from(replicas.unwrap_or(1).max(1)))
            };
            let moments = [
                ("at the peak", clients(|sums| sums.peak), room(replicas.map(|one| one.most.value))),
                ("in a rollout", clients(|sums| sums.rollout), room(replicas.map(Replicated::at_rollout))),
            ];
            let Some((when, clients, room)) = moments.into_iter().find(|(_, clients, room)| clients > room)
            else {
                continue;
            };
            let message = format!(
                "{} lets in {room} clients {when}, and its services may open {clients}",
                pooler.row.name
            );
            let place = clients_max.place().unwrap_or(&pooler.row.place);
            let fix = "raise max_client_conn, or lower the services' pools";
            self.findings.push(Finding::at(&CROWDED, place, message, fix));
        }
    }
}

fn stranger(name: &str, via: &Text, poolers: &[&str]) -> Finding {
    let fix = match poolers {
        [] => "give the file that deploys the pooler, or remove via".to_owned(),
        poolers => format!("poolers here: {}", poolers.join(", ")),
    };
    let message = format!("{name} goes via {:?}, which is no pooler among the files", via.text);
    Finding::at(&STRANGER, &via.place, message, fix)
}
