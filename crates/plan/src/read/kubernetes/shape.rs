//! The fields of the API's maps: those that are read, and those that only must not be taken for a slip of the pen.

use model::config::suggest::nearest;

/// A map of the API.
pub(super) struct Shape {
    /// Fields that are read here.
    read: &'static [&'static str],
    /// The API's others.
    others: &'static [&'static str],
}

impl Shape {
    /// The field that was probably meant by a key that is none.
    pub(super) fn meant(&self, key: &str) -> Option<&'static str> {
        let known = self.read.contains(&key) || self.others.contains(&key);
        if known { None } else { nearest(key, self.read.iter().copied()) }
    }
}

pub(super) const OBJECT: Shape = Shape {
    read: &["apiVersion", "kind", "metadata", "spec"],
    others: &["status", "data", "stringData", "binaryData", "immutable", "type", "items"],
};

pub(super) const METADATA: Shape = Shape {
    read: &["name", "generateName", "namespace", "annotations", "ownerReferences"],
    others: &[
        "labels",
        "uid",
        "generation",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "finalizers",
        "managedFields",
        "selfLink",
        "clusterName",
        "continue",
        "remainingItemCount",
    ],
};

pub(super) const SETTINGS: Shape = Shape {
    read: &["data", "stringData", "metadata", "kind", "apiVersion"],
    others: &["binaryData", "immutable", "type"],
};

/// The spec of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Rollout. They are close enough to share one.
pub(super) const REPLICATED: Shape = Shape {
    read: &["replicas", "template", "strategy", "updateStrategy", "workloadRef"],
    others: &[
        "selector",
        "minReadySeconds",
        "revisionHistoryLimit",
        "paused",
        "progressDeadlineSeconds",
        "progressDeadlineAbort",
        "podReplacementPolicy",
        "serviceName",
        "podManagementPolicy",
        "volumeClaimTemplates",
        "persistentVolumeClaimRetentionPolicy",
        "ordinals",
        "templateGeneration",
        "rollbackTo",
        "analysis",
        "restartAt",
        "rollbackWindow",
    ],
};

pub(super) const STRATEGY: Shape =
    Shape { read: &["type", "rollingUpdate", "canary", "blueGreen"], others: &[] };

pub(super) const ROLLING: Shape =
    Shape { read: &["maxSurge", "maxUnavailable"], others: &["partition", "podUpdatePolicy"] };

pub(super) const CANARY: Shape = Shape {
    read: &["maxSurge", "maxUnavailable", "trafficRouting", "dynamicStableScale"],
    others: &[
        "canaryService",
        "stableService",
        "steps",
        "analysis",
        "antiAffinity",
        "canaryMetadata",
        "stableMetadata",
        "scaleDownDelaySeconds",
        "scaleDownDelayRevisionLimit",
        "abortScaleDownDelaySeconds",
        "minPodsPerReplicaSet",
        "pingPong",
        "replicaProgressThreshold",
    ],
};

pub(super) const TEMPLATE: Shape = Shape { read: &["spec", "metadata"], others: &["apiVersion", "kind"] };

pub(super) const JOB: Shape = Shape {
    read: &["parallelism", "completions", "suspend", "template"],
    others: &[
        "activeDeadlineSeconds",
        "backoffLimit",
        "backoffLimitPerIndex",
        "completionMode",
        "managedBy",
        "manualSelector",
        "maxFailedIndexes",
        "podFailurePolicy",
        "podReplacementPolicy",
        "selector",
        "successPolicy",
        "ttlSecondsAfterFinished",
    ],
};

pub(super) const CRON: Shape = Shape {
    read: &["concurrencyPolicy", "suspend", "jobTemplate"],
    others: &[
        "schedule",
        "timeZone",
        "startingDeadlineSeconds",
        "successfulJobsHistoryLimit",
        "failedJobsHistoryLimit",
    ],
};

pub(super) const AUTOSCALER: Shape = Shape {
    read: &["scaleTargetRef", "minReplicas", "maxReplicas"],
    others: &["metrics", "behavior", "targetCPUUtilizationPercentage"],
};

pub(super) const SCALED_OBJECT: Shape = Shape {
    read: &["scaleTargetRef", "minReplicaCount", "maxReplicaCount"],
    others: &[
        "idleReplicaCount",
        "pollingInterval",
        "cooldownPeriod",
        "initialCooldownPeriod",
        "advanced",
        "triggers",
        "fallback",
    ],
};

pub(super) const SCALED_JOB: Shape = Shape {
    read: &["jobTargetRef", "minReplicaCount", "maxReplicaCount"],
    others: &[
        "pollingInterval",
        "successfulJobsHistoryLimit",
        "failedJobsHistoryLimit",
        "envSourceContainerName",
        "rolloutStrategy",
        "rollout",
        "scalingStrategy",
        "triggers",
    ],
};

pub(super) const TARGET: Shape =
    Shape { read: &["kind", "name", "apiVersion"], others: &["envSourceContainerName", "scaleDown"] };

pub(super) const POD: Shape = Shape {
    read: &["containers", "initContainers", "volumes", "restartPolicy", "terminationGracePeriodSeconds"],
    others: &[
        "activeDeadlineSeconds",
        "affinity",
        "automountServiceAccountToken",
        "dnsConfig",
        "dnsPolicy",
        "enableServiceLinks",
        "ephemeralContainers",
        "hostAliases",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "hostUsers",
        "hostname",
        "hostnameOverride",
        "imagePullSecrets",
        "nodeName",
        "nodeSelector",
        "os",
        "overhead",
        "preemptionPolicy",
        "priority",
        "priorityClassName",
        "readinessGates",
        "resourceClaims",
        "resources",
        "runtimeClassName",
        "schedulerName",
        "schedulingGates",
        "securityContext",
        "serviceAccount",
        "serviceAccountName",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "subdomain",
        "tolerations",
        "topologySpreadConstraints",
    ],
};

pub(super) const CONTAINER: Shape = Shape {
    read: &[
        "name",
        "image",
        "command",
        "args",
        "env",
        "envFrom",
        "resources",
        "volumeMounts",
        "restartPolicy",
    ],
    others: &[
        "imagePullPolicy",
        "lifecycle",
        "livenessProbe",
        "ports",
        "readinessProbe",
        "resizePolicy",
        "restartPolicyRules",
        "securityContext",
        "startupProbe",
        "stdin",
        "stdinOnce",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "tty",
        "volumeDevices",
        "workingDir",
    ],
};

pub(super) const VARIABLE: Shape = Shape { read: &["name", "value", "valueFrom"], others: &[] };

pub(super) const VALUE_FROM: Shape = Shape {
    read: &["configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef"],
    others: &["fileKeyRef"],
};

pub(super) const ENV_FROM: Shape = Shape { read: &["configMapRef", "secretRef", "prefix"], others: &[] };

pub(super) const REFERENCE: Shape = Shape { read: &["name", "key", "optional"], others: &[] };

pub(super) const RESOURCES: Shape = Shape { read: &["limits", "requests"], others: &["claims"] };

pub(super) const LIMITS: Shape =
    Shape { read: &["memory", "cpu"], others: &["ephemeral-storage", "storage", "pods"] };

pub(super) const MOUNT: Shape = Shape {
    read: &["name", "mountPath", "subPath"],
    others: &["readOnly", "subPathExpr", "mountPropagation", "recursiveReadOnly"],
};

pub(super) const CONFIG_VOLUME: Shape = Shape {
    read: &["name", "secretName", "items", "optional", "sources", "configMap", "secret"],
    others: &["defaultMode", "serviceAccountToken", "downwardAPI", "clusterTrustBundle", "podCertificate"],
};

/// CloudNativePG's `Cluster`.
pub(super) const CLUSTER: Shape = Shape {
    read: &["instances", "imageName", "postgresql", "env", "envFrom", "resources"],
    others: &["imageCatalogRef", "imagePullPolicy", "imagePullSecrets"],
};

/// CloudNativePG's `Pooler`.
pub(super) const POOLER: Shape = Shape {
    read: &["cluster", "type", "instances", "template", "deploymentStrategy", "pgbouncer"],
    others: &["monitoring", "serviceTemplate", "serviceAccountName"],
};

pub(super) const PGBOUNCER: Shape = Shape {
    read: &["poolMode", "parameters"],
    others: &["pg_hba", "authQuery", "authQuerySecret", "paused", "clientCASecret", "clientTLSSecret"],
};

pub(super) const POSTGRESQL: Shape = Shape {
    read: &["parameters"],
    others: &[
        "version",
        "pg_hba",
        "pg_ident",
        "synchronous",
        "extensions",
        "ldap",
        "shared_preload_libraries",
    ],
};

/// Zalando's `postgresql`.
pub(super) const ZALANDO: Shape = Shape {
    read: &[
        "numberOfInstances",
        "dockerImage",
        "postgresql",
        "env",
        "resources",
        "connectionPooler",
        "enableConnectionPooler",
        "enableReplicaConnectionPooler",
    ],
    others: &["teamId", "volume", "users", "databases", "patroni", "standby", "streams", "sidecars"],
};

pub(super) const ZALANDO_POOLER: Shape = Shape {
    read: &["numberOfInstances", "maxDBConnections", "mode", "dockerImage", "resources"],
    others: &["schema", "user"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_a_field_that_is_not_read() {
        assert_eq!(POD.meant("container"), Some("containers"));
        assert_eq!(POD.meant("resources"), None);
        assert_eq!(CONTAINER.meant("envfrom"), Some("envFrom"));
        assert_eq!(CONTAINER.meant("volumeMount"), Some("volumeMounts"));
        assert_eq!(CONTAINER.meant("volumeDevices"), None);
        assert_eq!(ROLLING.meant("maxsurge"), Some("maxSurge"));
        assert_eq!(REPLICATED.meant("replica"), Some("replicas"));
        assert_eq!(JOB.meant("ttlSecondsAfterFinished"), None);
        assert_eq!(AUTOSCALER.meant("maxReplica"), Some("maxReplicas"));
    }
}
