//! The kinds of objects that are read, and the API groups they belong to.

/// A kind that says something about connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    Job,
    CronJob,
    Pod,
    HorizontalPodAutoscaler,
    /// KEDA's autoscaler.
    ScaledObject,
    /// KEDA's maker of jobs.
    ScaledJob,
    /// Argo's deployment.
    Rollout,
    /// CloudNativePG's server.
    Cluster,
    /// CloudNativePG's PgBouncer.
    Pooler,
    /// Zalando's server, with or without a PgBouncer.
    Postgresql,
    ConfigMap,
    Secret,
}

const CLOUD_NATIVE_PG: &[&str] = &["postgresql.cnpg.io", "postgresql.k8s.enterprisedb.io"];
const APPS: &[&str] = &["apps", "extensions"];

/// Each kind, its name in files, its API groups.
const KINDS: [(Kind, &str, &[&str]); 16] = [
    (Kind::Deployment, "Deployment", APPS),
    (Kind::StatefulSet, "StatefulSet", APPS),
    (Kind::DaemonSet, "DaemonSet", APPS),
    (Kind::ReplicaSet, "ReplicaSet", APPS),
    (Kind::Job, "Job", &["batch"]),
    (Kind::CronJob, "CronJob", &["batch"]),
    (Kind::Pod, "Pod", &[""]),
    (Kind::HorizontalPodAutoscaler, "HorizontalPodAutoscaler", &["autoscaling"]),
    (Kind::ScaledObject, "ScaledObject", &["keda.sh"]),
    (Kind::ScaledJob, "ScaledJob", &["keda.sh"]),
    (Kind::Rollout, "Rollout", &["argoproj.io"]),
    (Kind::Cluster, "Cluster", CLOUD_NATIVE_PG),
    (Kind::Pooler, "Pooler", CLOUD_NATIVE_PG),
    (Kind::Postgresql, "postgresql", &["acid.zalan.do"]),
    (Kind::ConfigMap, "ConfigMap", &[""]),
    (Kind::Secret, "Secret", &[""]),
];

impl Kind {
    /// The kind of this name in this API version; without one, in the group the name belongs to.
    pub(super) fn of(name: &str, api_version: Option<&str>) -> Option<Self> {
        let group = api_version.map(group);
        KINDS
            .iter()
            .find(|(_, known, groups)| *known == name && group.is_none_or(|group| groups.contains(&group)))
            .map(|(kind, _, _)| *kind)
    }

    /// Its name in files.
    pub(super) fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _, _)| *kind == self).map_or("", |(_, name, _)| name)
    }

    /// Every name a file may give.
    pub(super) fn words() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(_, name, _)| *name)
    }
}

/// The group of an API version: `apps` of `apps/v1`, nothing of `v1`.
pub(super) fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_its_name_and_its_group() {
        assert_eq!(Kind::of("Deployment", Some("apps/v1")), Some(Kind::Deployment));
        assert_eq!(Kind::of("Deployment", None), Some(Kind::Deployment));
        assert_eq!(Kind::of("Pod", Some("v1")), Some(Kind::Pod));
        assert_eq!(Kind::of("Cluster", Some("cluster.x-k8s.io/v1beta1")), None);
        assert_eq!(Kind::of("Job", Some("batch.volcano.sh/v1alpha1")), None);
        for (kind, name, _) in KINDS {
            assert_eq!(kind.word(), name);
        }
    }
}
