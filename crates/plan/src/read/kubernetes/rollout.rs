//! How old and new pods stand beside each other while a rollout replaces them.

use super::report::Report;
use super::shape;
use crate::yaml::Node;
use crate::{Number, Overlap, Share};

/// What replaces whose pods.
pub(super) struct Rollout<'a> {
    /// `Deployment shop/api`.
    pub(super) called: &'a str,
    /// Whether a pod that is told to end runs on for a while.
    pub(super) lingers: bool,
}

impl Rollout<'_> {
    /// A Deployment's, by its `strategy`.
    pub(super) fn of_deployment(&self, strategy: Option<&Node>, report: &mut Report) -> Overlap {
        let kind = strategy.and_then(|strategy| report.word(strategy, "type"));
        let rolling = strategy.and_then(|strategy| report.map(strategy, "rollingUpdate", &shape::ROLLING));
        match kind.as_ref().map(|kind| kind.text.as_str()) {
            None | Some("RollingUpdate") => self.rolling(rolling, report),
            Some("Recreate") => {
                if let Some(rolling) = rolling {
                    report.refuse(
                        &rolling.place,
                        "rollingUpdate stands beside type: Recreate, which knows none",
                        "remove rollingUpdate:, or write type: RollingUpdate",
                    );
                }
                Overlap::None
            }
            Some(_) => {
                if let Some(kind) = &kind {
                    report.refuse(
                        &kind.place,
                        "this strategy's type is neither RollingUpdate nor Recreate",
                        "write type: RollingUpdate or type: Recreate",
                    );
                }
                self.rolling(rolling, report)
            }
        }
    }

    /// A DaemonSet's, by its `updateStrategy`: unless it has a surge, a node's old pod ends before its new one begins.
    pub(super) fn of_daemon_set(&self, strategy: Option<&Node>, report: &mut Report) -> Overlap {
        let Some(rolling) = strategy.and_then(|s| report.map(s, "rollingUpdate", &shape::ROLLING)) else {
            return Overlap::None;
        };
        let unavailable = report.share(rolling, "maxUnavailable");
        match report.share(rolling, "maxSurge") {
            Some(surge) if !is_zero(&surge) => {
                if unavailable.as_ref().is_none_or(|share| !is_zero(share)) {
                    report.refuse(
                        &rolling.place,
                        "a DaemonSet with a maxSurge must have a maxUnavailable of 0 (it is 1 unless written)",
                        "write maxUnavailable: 0 below maxSurge:",
                    );
                }
                let unavailable = unavailable.unwrap_or(Share::Count(Number::implied(0)));
                Overlap::Rolling { surge, unavailable, lingers: self.lingers }
            }
            Some(_) | None => Overlap::None,
        }
    }

    /// An Argo Rollout's, by its `strategy`.
    pub(super) fn of_argo(&self, spec: &Node, report: &mut Report) -> Overlap {
        let strategy = report.map(spec, "strategy", &shape::STRATEGY);
        let blue = strategy.and_then(|strategy| strategy.get("blueGreen"));
        let canary = strategy.and_then(|strategy| report.map(strategy, "canary", &shape::CANARY));
        match (blue, canary) {
            (Some(_), None) => Overlap::BlueGreen,
            // The stable pods stay in full number until all traffic has moved; maxSurge means nothing then.
            (None, Some(canary)) if canary.get("trafficRouting").is_some() => Overlap::BlueGreen,
            (None, Some(canary)) => self.rolling(Some(canary), report),
            (Some(_), Some(_)) | (None, None) => {
                report.refuse(
                    strategy.map_or(&spec.place, |strategy| &strategy.place),
                    format!("{} needs one strategy: canary or blueGreen", self.called),
                    "write strategy: with canary: {} or blueGreen: below it, not both",
                );
                if blue.is_some() { Overlap::BlueGreen } else { self.rolling(None, report) }
            }
        }
    }

    fn rolling(&self, node: Option<&Node>, report: &mut Report) -> Overlap {
        let surge = node.and_then(|node| report.share(node, "maxSurge"));
        let unavailable = node.and_then(|node| report.share(node, "maxUnavailable"));
        if let Some(Share::Percent(percent)) = &unavailable
            && percent.value > 100
            && let Some(place) = percent.place()
        {
            report.refuse(place, "maxUnavailable is more than all", "write 100% or less");
        }
        let both = surge.as_ref().is_some_and(is_zero) && unavailable.as_ref().is_some_and(is_zero);
        if let Some(node) = node.filter(|_| both) {
            report.refuse(
                &node.place,
                "maxSurge and maxUnavailable are both 0: no pod could ever be replaced",
                "write maxSurge: 1, or maxUnavailable: 1",
            );
        }
        let assumed = |what: &str, setting: &str| {
            let why =
                format!("a rollout of {} may {what} 25 % of its pods: {setting} is not set", self.called);
            Share::Percent(Number::assumed(25, why))
        };
        Overlap::Rolling {
            surge: surge.unwrap_or_else(|| assumed("add", "maxSurge")),
            unavailable: unavailable.unwrap_or_else(|| assumed("lack", "maxUnavailable")),
            lingers: self.lingers,
        }
    }
}

fn is_zero(share: &Share) -> bool {
    match share {
        Share::Count(number) | Share::Percent(number) => number.value == 0,
    }
}
