//! When a service runs: always, or once to its end.

use std::collections::BTreeSet;

use super::{deploy, merge};
use crate::Life;
use crate::yaml::Node;

/// What services wait for.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Until it has ended well.
    ended: BTreeSet<String>,
    /// Until it runs.
    running: BTreeSet<String>,
}

impl Waits {
    /// What these services wait for.
    pub(super) fn of<'n>(services: impl Iterator<Item = &'n Node>) -> Self {
        let mut waits = Self::default();
        for service in services {
            let Some(needed) = service.get("depends_on") else { continue };
            for (name, how) in merge::names(needed.clone(), true).pairs() {
                let ended =
                    how.get("condition").and_then(Node::text) == Some("service_completed_successfully");
                let set = if ended { &mut waits.ended } else { &mut waits.running };
                set.insert(name.text.clone());
            }
        }
        waits
    }

    /// When a service runs. One that others wait to see ended is a job. So is one that is never to be restarted,
    /// unless something else shows that it stays: it publishes a port, is asked for its health, or others need it
    /// running.
    pub(super) fn life(&self, name: &str, service: &Node) -> Life {
        let mode = service.at(&["deploy", "mode"]).and_then(Node::text);
        let never =
            service.get("restart").and_then(Node::text).is_some_and(|text| matches!(text, "no" | "false"))
                || service.at(&["deploy", "restart_policy", "condition"]).and_then(Node::text)
                    == Some("none");
        let stays = self.running.contains(name)
            || ["ports", "expose", "healthcheck"].iter().any(|key| service.get(key).is_some());
        let job =
            self.ended.contains(name) || mode.is_some_and(|mode| mode.ends_with("-job")) || (never && !stays);
        if job { Life::Job { with_rollout: true } } else { Life::Service(deploy::overlap(service)) }
    }
}
