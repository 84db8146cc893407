//! Who goes through a pooler, and whether it has room for them.

use super::assemble::Build;
use super::server::{is_local, reached_as};
use crate::deployed::Workload;
use crate::{Finding, Level, Rule};

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
        let poolers: Vec<(String, Option<&Workload>)> = self
            .drafts
            .iter()
            .filter(|draft| draft.pooler.is_some())
            .map(|draft| (draft.row.name.clone(), draft.workload))
            .collect();
        for draft in &mut self.drafts {
            if draft.pooler.is_some() {
                continue;
            }
            let said = self.declared.services.iter().find(|said| said.name.text == draft.row.name);
            if let Some(via) = said.and_then(|said| said.via.as_ref()) {
                let there = poolers.iter().any(|(name, _)| *name == via.text);
                if !there && !via.text.is_empty() {
                    let fix = if poolers.is_empty() {
                        "give the file that deploys the pooler, or remove via".to_owned()
                    } else {
                        let names: Vec<&str> = poolers.iter().map(|(name, _)| name.as_str()).collect();
                        format!("poolers here: {}", names.join(", "))
                    };
                    let message = format!(
                        "{} goes via {:?}, which is no pooler among the files",
                        draft.row.name, via.text
                    );
                    self.findings.push(Finding::at(&STRANGER, &via.place, message, fix));
                }
                draft.row.via = there.then(|| via.text.clone());
                continue;
            }
            let Some(to) = &draft.to else { continue };
            draft.row.via = poolers
                .iter()
                .find(|(_, pooler)| match (pooler, draft.workload) {
                    (Some(pooler), Some(own)) if is_local(&to.host) => std::ptr::eq(*pooler, own),
                    (Some(pooler), _) => reached_as(pooler, &to.host),
                    (None, _) => false,
                })
                .map(|(name, _)| name.clone());
        }
        self.crowds();
    }

    fn crowds(&mut self) {
        for pooler in self.drafts.iter().filter(|draft| draft.pooler.is_some()) {
            let Some(clients_max) = &pooler.pooler else { continue };
            let clients: u64 = self
                .drafts
                .iter()
                .filter(|draft| draft.row.via.as_deref() == Some(&pooler.row.name))
                .map(|draft| draft.row.sums.rollout.max(draft.row.sums.peak))
                .fold(0, u64::saturating_add);
            let replicas = pooler.row.replicas.as_ref().map_or(1, |replicas| replicas.usual.value);
            let room = u64::from(clients_max.value).saturating_mul(u64::from(replicas.max(1)));
            if clients > room {
                let message = format!(
                    "{} lets in {room} clients, and its services may open {clients}",
                    pooler.row.name
                );
                let place = clients_max.place().unwrap_or(&pooler.row.place);
                self.findings.push(Finding::at(
                    &CROWDED,
                    place,
                    message,
                    "raise max_client_conn, or lower the services' pools",
                ));
            }
        }
    }
}
