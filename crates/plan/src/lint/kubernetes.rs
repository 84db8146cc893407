//! What Kubernetes makes of replicas, rollouts and ends.

use super::rule;
use crate::budget::{Phase, Row, ServerBudget, total};
use crate::declared::Together;
use crate::deployed::{Life, Overlap, Share};
use crate::yaml::{self, Node};
use crate::{Finding, Level, Looked, Place, Rule, Scene, Workload};

/// An autoscaler's upper end.
pub(super) const SCALES_BEYOND: Rule =
    rule("K8S001", Level::Warning, "An autoscaler may start more replicas than the server has slots for.");

/// No memory limit.
pub(super) const NO_MEMORY: Rule = rule(
    "K8S002",
    Level::Note,
    "A PostgreSQL container has no memory limit: it shares its node's memory with everybody.",
);

/// `maxSurge: 100%`
pub(super) const DOUBLED: Rule =
    rule("K8S003", Level::Note, "A rollout starts all new replicas beside all old ones.");

/// A grace that is too short.
pub(super) const CUT_SHORT: Rule = rule(
    "K8S004",
    Level::Warning,
    "A pod is killed before its server has finished its requests: their sessions end in the middle of a transaction.",
);

/// Kubernetes' own `terminationGracePeriodSeconds`, and gunicorn's own `--graceful-timeout`.
const GRACE: u64 = 30;
const GRACEFUL: u64 = 30;

pub(super) fn scales_beyond(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for server in &scene.budget.servers {
        for (at, row) in server.rows.iter().enumerate().filter(|(_, row)| row.via.is_none()) {
            let Some(replicas) = row.replicas.as_ref().filter(|it| it.most.value > it.usual.value) else {
                continue;
            };
            let Some(fits) = replicas_fitting(server, at) else { continue };
            if fits >= replicas.most.value {
                continue;
            }
            let what = match fits < replicas.usual.value {
                true => "not even the usual number fits".to_owned(),
                false => format!("{fits} fit"),
            };
            found.push(Finding::at(
                &SCALES_BEYOND,
                replicas.most.place().unwrap_or(&row.place),
                format!(
                    "{} may grow to {} replicas of {} connections, and below {} % of the usable slots {what}",
                    row.name,
                    replicas.most.value,
                    row.per_replica(),
                    server.thresholds.warn
                ),
                "lower maxReplicas, make each replica's pool smaller, or put a pooler in front",
            ));
        }
    }
    found
}

/// The most replicas of one row with which the peak stays below the first threshold, all others at their most.
fn replicas_fitting(server: &ServerBudget, at: usize) -> Option<u32> {
    let room = u64::from(server.slots.as_ref()?.usable()) * u64::from(server.thresholds.warn) / 100;
    let others: Vec<Row> = server
        .rows
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at)
        .map(|(_, row)| row.clone())
        .collect();
    let taken = total(&others, Together::All).of(Phase::Peak);
    let each = server.rows.get(at)?.per_replica().max(1);
    Some(u32::try_from(room.saturating_sub(taken) / each).unwrap_or(u32::MAX))
}

/// A compose file's service has no limit as a rule; in a cluster the node's other pods have a say.
pub(super) fn no_memory(scene: &Scene<'_>) -> Vec<Finding> {
    let clustered = |kind: &str| matches!(kind, "StatefulSet" | "Deployment" | "Cluster" | "postgresql");
    scene
        .servers()
        .filter(|(looked, _)| clustered(looked.workload.kind) && looked.container.memory_bytes_max.is_none())
        .map(|(looked, server)| {
            Finding::at(
                &NO_MEMORY,
                &looked.container.place,
                format!(
                    "{} has no limits.memory: whether {} backends fit, nobody can say, and the node's kernel decides whom to kill",
                    looked.name(),
                    server.connections_max.value
                ),
                "set resources.limits.memory, with requests.memory the same",
            )
        })
        .collect()
}

pub(super) fn doubled(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for (looked, opener) in scene.openers() {
        let Life::Service(Overlap::Rolling { surge, .. }) = &looked.workload.life else { continue };
        let most = looked.workload.replicas.most.value;
        let (number, all) = match surge {
            Share::Percent(percent) => (percent, percent.value >= 100),
            Share::Count(count) => (count, count.value >= most),
        };
        let Some(place) = number.place().filter(|_| all && most > 1) else { continue };
        if found.iter().any(|it| it.place.as_ref() == Some(place)) || opener.pool.most.value == 0 {
            continue;
        }
        found.push(Finding::at(
            &DOUBLED,
            place,
            format!("a rollout of {} starts all {most} new replicas beside the old ones: it holds twice its connections", looked.name()),
            "maxSurge: 25%, or 1",
        ));
    }
    found
}

/// Only where the manifest's text is at hand: how long a pod has to end is not among what is deployed.
pub(super) fn cut_short(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for looked in scene.looked.iter().filter(|looked| gunicorn(looked)) {
        let Some((grace, grace_at)) = grace(scene, looked.workload) else { continue };
        let graceful = graceful(looked);
        let wanted = graceful.as_ref().map_or(GRACEFUL, |(seconds, _)| *seconds);
        if wanted <= grace {
            continue;
        }
        let place =
            graceful.map(|(_, place)| place).or(grace_at).unwrap_or_else(|| looked.container.place.clone());
        found.push(Finding::at(
            &CUT_SHORT,
            &place,
            format!(
                "{} may take {wanted} s to end its requests, and is killed after {grace} s",
                looked.name()
            ),
            format!(
                "terminationGracePeriodSeconds: {}, or --graceful-timeout {}",
                wanted.saturating_add(10),
                grace.saturating_sub(5).max(1)
            ),
        ));
    }
    found
}

fn gunicorn(looked: &Looked<'_>) -> bool {
    let clustered = matches!(looked.workload.kind, "Deployment" | "StatefulSet" | "DaemonSet");
    clustered
        && looked
            .container
            .command
            .iter()
            .any(|word| word.text == "gunicorn" || word.text.ends_with("/gunicorn"))
}

fn graceful(looked: &Looked<'_>) -> Option<(u64, Place)> {
    const OPTION: &str = "--graceful-timeout";
    let words = &looked.container.command;
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = word.text.strip_prefix(OPTION)?;
        let (text, place) = match rest.strip_prefix('=') {
            Some(value) => (value, &word.place),
            None => words.get(at + 1).map(|next| (next.text.as_str(), &next.place))?,
        };
        Some((text.trim().parse().ok()?, place.clone()))
    })
}

/// Seconds a pod of a workload has, with the place where somebody wrote them.
fn grace(scene: &Scene<'_>, workload: &Workload) -> Option<(u64, Option<Place>)> {
    let text = scene.texts.get(&*workload.place.file)?;
    let documents = yaml::documents(&workload.place.file, text).ok()?;
    let own = |node: &&Node| {
        let name = node.at(&["metadata", "name"]).and_then(Node::text);
        let kind = node.get("kind").and_then(Node::text);
        kind == Some(workload.kind) && name == workload.name.rsplit('/').next()
    };
    let pod = documents.iter().find(own)?.at(&["spec", "template", "spec"])?;
    match pod.get("terminationGracePeriodSeconds") {
        Some(node) => Some((node.text()?.trim().parse().ok()?, Some(node.place.clone()))),
        None => Some((GRACE, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;
    use crate::deployed::{Life, Overlap, Share};
    use crate::{Number, Place};

    const PLAN: &str = "[server]\nmax_connections = 103\n[service.api]\nreplicas = 2\nreplicas_max = 10\npool = 10\n[other.admin]\nconnections = 10\n";

    #[test]
    fn an_autoscaler_that_goes_beyond_what_fits_is_found_at_its_upper_end() {
        let found = World::default().plan(PLAN).found("K8S001");
        assert_eq!(found[0].0, 5);
        assert!(
            found[0].1.contains(
                "may grow to 10 replicas of 10 connections, and below 70 % of the usable slots 6 fit"
            ),
            "{}",
            found[0].1
        );
        assert_eq!(World::default().plan(&PLAN.replace("= 103", "= 200")).found("K8S001"), []);
        assert_eq!(World::default().plan(&PLAN.replace("replicas_max = 10\n", "")).found("K8S001"), []);
    }

    #[test]
    fn a_server_in_a_cluster_has_a_memory_limit() {
        let bare = World::default().kind("StatefulSet").server(&[]);
        assert_eq!(bare.found("K8S002").len(), 1);
        assert_eq!(bare.memory(1 << 30).found("K8S002"), []);
        assert_eq!(World::default().server(&[]).found("K8S002"), [], "a compose file's service");
    }

    #[test]
    fn a_rollout_that_doubles_everything_is_noted() {
        let world = |percent| {
            let place = Place::new(&"k.yaml".into(), 7, 1);
            let surge = Share::Percent(Number::written(percent, &place));
            let life = Life::Service(Overlap::Rolling {
                surge,
                unavailable: Share::Count(Number::implied(0)),
                lingers: true,
            });
            World::default()
                .kind("Deployment")
                .opener("api", "node", 10)
                .replicas(3, life)
                .found("K8S003")
                .len()
        };
        assert_eq!((world(100), world(25)), (1, 0));
    }

    #[test]
    fn a_pod_that_is_killed_before_its_server_has_ended_is_found() {
        let world = |option: &str, grace: &str| {
            let text = format!(
                "kind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      containers: []\n{grace}"
            );
            World::default()
                .kind("Deployment")
                .opener("api", "gunicorn, Django", 1)
                .command(&[(8, "gunicorn"), (9, option)])
                .text("compose.yaml", &text)
                .found("K8S004")
        };
        assert_eq!(world("--graceful-timeout=60", "")[0].0, 9);
        assert_eq!(world("--graceful-timeout=60", "      terminationGracePeriodSeconds: 90\n"), []);
        assert_eq!(world("--workers=4", ""), []);
        assert_eq!(world("--workers=4", "      terminationGracePeriodSeconds: 10\n")[0].0, 7);
    }
}
