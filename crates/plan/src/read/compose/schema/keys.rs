//! The keys of the Compose specification.

use super::Key;
use super::Shape::{
    Any, Choice, Either, Integer, List, Map, Memory, Names, Pairs, Processors, Service, Strings, Switch,
    Whole, Word,
};

const ORDERS: &[&str] = &["start-first", "stop-first"];
const CONDITIONS: &[&str] = &["service_started", "service_healthy", "service_completed_successfully"];

/// What people write at a service, and what compose calls it.
pub(super) const MEANT: &[(&str, &str)] = &[
    ("cmd", "command"),
    ("cpu", "cpus"),
    ("cpu_limit", "cpus"),
    ("env", "environment"),
    ("envs", "environment"),
    ("instances", "scale"),
    ("memory", "mem_limit"),
    ("memory_limit", "mem_limit"),
    ("replicas", "scale, or deploy: replicas:"),
    ("resources", "deploy: resources:"),
    ("update_config", "deploy: update_config:"),
];

pub(super) const DOCUMENT: &[Key] = &[
    ("version", Word),
    ("name", Word),
    ("include", List(&Either(&[Word, Map(INCLUDE)]))),
    ("services", Names(&Service)),
    ("models", Names(&Any)),
    ("networks", Names(&Any)),
    ("volumes", Names(&Any)),
    ("secrets", Names(&Map(SECRET))),
    ("configs", Names(&Map(CONFIG))),
];

const INCLUDE: &[Key] = &[
    ("path", Either(&[Word, List(&Word)])),
    ("env_file", Either(&[Word, List(&Word)])),
    ("project_directory", Word),
];

const CONFIG: &[Key] = &[
    ("name", Word),
    ("content", Word),
    ("environment", Word),
    ("file", Word),
    ("external", Either(&[Switch, Any])),
    ("labels", Pairs),
    ("template_driver", Word),
];

const SECRET: &[Key] = &[
    ("name", Word),
    ("environment", Word),
    ("file", Word),
    ("external", Either(&[Switch, Any])),
    ("labels", Pairs),
    ("driver", Word),
    ("driver_opts", Names(&Word)),
    ("template_driver", Word),
];

pub(super) const SERVICE: &[Key] = &[
    ("annotations", Pairs),
    ("attach", Switch),
    ("blkio_config", Any),
    ("build", Either(&[Word, Map(BUILD)])),
    ("cap_add", List(&Word)),
    ("cap_drop", List(&Word)),
    ("cgroup", Word),
    ("cgroup_parent", Word),
    ("command", Either(&[Word, Strings])),
    ("configs", List(&Either(&[Word, Map(MOUNT)]))),
    ("container_name", Word),
    ("cpu_count", Whole),
    ("cpu_percent", Word),
    ("cpu_period", Word),
    ("cpu_quota", Word),
    ("cpu_rt_period", Word),
    ("cpu_rt_runtime", Word),
    ("cpu_shares", Word),
    ("cpus", Processors),
    ("cpuset", Word),
    ("credential_spec", Any),
    ("depends_on", Either(&[List(&Word), Names(&Map(DEPENDENCY))])),
    ("deploy", Map(DEPLOY)),
    ("develop", Any),
    ("device_cgroup_rules", List(&Word)),
    ("devices", List(&Any)),
    ("dns", Either(&[Word, List(&Word)])),
    ("dns_opt", List(&Word)),
    ("dns_search", Either(&[Word, List(&Word)])),
    ("domainname", Word),
    ("entrypoint", Either(&[Word, Strings])),
    ("env_file", Either(&[Word, List(&Either(&[Word, Map(ENV_FILE)]))])),
    ("environment", Pairs),
    ("expose", List(&Word)),
    ("extends", Either(&[Word, Map(EXTENDS)])),
    ("external_links", List(&Word)),
    ("extra_hosts", Any),
    ("gpus", Any),
    ("group_add", List(&Word)),
    ("healthcheck", Map(HEALTHCHECK)),
    ("hostname", Word),
    ("image", Word),
    ("init", Switch),
    ("ipc", Word),
    ("isolation", Word),
    ("label_file", Either(&[Word, List(&Word)])),
    ("labels", Pairs),
    ("links", List(&Word)),
    ("logging", Map(LOGGING)),
    ("mac_address", Word),
    ("mem_limit", Memory),
    ("mem_reservation", Memory),
    ("mem_swappiness", Word),
    ("memswap_limit", Memory),
    ("models", Any),
    ("network_mode", Word),
    ("networks", Either(&[List(&Word), Names(&Any)])),
    ("oom_kill_disable", Switch),
    ("oom_score_adj", Integer),
    ("pid", Word),
    ("pids_limit", Integer),
    ("platform", Word),
    ("ports", List(&Any)),
    ("post_start", List(&Map(HOOK))),
    ("pre_start", List(&Map(HOOK))),
    ("pre_stop", List(&Map(HOOK))),
    ("privileged", Switch),
    ("profiles", List(&Word)),
    ("provider", Any),
    ("pull_policy", Word),
    ("pull_refresh_after", Word),
    ("read_only", Switch),
    ("restart", Word),
    ("runtime", Word),
    ("scale", Whole),
    ("secrets", List(&Either(&[Word, Map(MOUNT)]))),
    ("security_opt", List(&Word)),
    ("shm_size", Memory),
    ("stdin_open", Switch),
    ("stop_grace_period", Word),
    ("stop_signal", Word),
    ("storage_opt", Any),
    ("sysctls", Pairs),
    ("tmpfs", Either(&[Word, List(&Word)])),
    ("tty", Switch),
    ("ulimits", Names(&Any)),
    ("use_api_socket", Switch),
    ("user", Word),
    ("userns_mode", Word),
    ("uts", Word),
    ("volumes", List(&Either(&[Word, Map(VOLUME)]))),
    ("volumes_from", List(&Word)),
    ("working_dir", Word),
];

const BUILD: &[Key] = &[
    ("additional_contexts", Pairs),
    ("args", Pairs),
    ("cache_from", List(&Word)),
    ("cache_to", List(&Word)),
    ("context", Word),
    ("dockerfile", Word),
    ("dockerfile_inline", Word),
    ("entitlements", List(&Word)),
    ("extra_hosts", Any),
    ("isolation", Word),
    ("labels", Pairs),
    ("network", Word),
    ("no_cache", Switch),
    ("no_cache_filter", Either(&[Word, List(&Word)])),
    ("platforms", List(&Word)),
    ("privileged", Switch),
    ("provenance", Word),
    ("pull", Switch),
    ("sbom", Word),
    ("secrets", List(&Either(&[Word, Map(MOUNT)]))),
    ("shm_size", Memory),
    ("ssh", Any),
    ("tags", List(&Word)),
    ("target", Word),
    ("ulimits", Names(&Any)),
];

const DEPENDENCY: &[Key] = &[("condition", Choice(CONDITIONS)), ("required", Switch), ("restart", Switch)];

const DEPLOY: &[Key] = &[
    ("endpoint_mode", Word),
    ("labels", Pairs),
    ("mode", Choice(&["replicated", "global", "replicated-job", "global-job"])),
    ("placement", Any),
    ("replicas", Whole),
    ("resources", Map(&[("limits", Map(RESOURCES)), ("reservations", Map(RESOURCES))])),
    ("restart_policy", Map(RESTART_POLICY)),
    ("rollback_config", Map(UPDATE)),
    ("update_config", Map(UPDATE)),
];

const RESOURCES: &[Key] = &[
    ("cpus", Processors),
    ("devices", Any),
    ("generic_resources", Any),
    ("memory", Memory),
    ("pids", Integer),
];

const RESTART_POLICY: &[Key] = &[
    ("condition", Choice(&["none", "on-failure", "any"])),
    ("delay", Word),
    ("max_attempts", Whole),
    ("window", Word),
];

const UPDATE: &[Key] = &[
    ("delay", Word),
    ("failure_action", Word),
    ("max_failure_ratio", Word),
    ("monitor", Word),
    ("order", Choice(ORDERS)),
    ("parallelism", Whole),
];

const ENV_FILE: &[Key] = &[("format", Word), ("path", Word), ("required", Switch)];

const EXTENDS: &[Key] = &[("file", Word), ("service", Word)];

const HEALTHCHECK: &[Key] = &[
    ("disable", Switch),
    ("interval", Word),
    ("retries", Whole),
    ("start_interval", Word),
    ("start_period", Word),
    ("test", Either(&[Word, List(&Word)])),
    ("timeout", Word),
];

const HOOK: &[Key] = &[
    ("command", Either(&[Word, Strings])),
    ("environment", Pairs),
    ("image", Word),
    ("per_replica", Switch),
    ("privileged", Switch),
    ("user", Word),
    ("working_dir", Word),
];

const LOGGING: &[Key] = &[("driver", Word), ("options", Names(&Word))];

const MOUNT: &[Key] = &[("gid", Word), ("mode", Word), ("source", Word), ("target", Word), ("uid", Word)];

const VOLUME: &[Key] = &[
    ("bind", Any),
    ("consistency", Word),
    ("image", Any),
    ("read_only", Switch),
    ("source", Word),
    ("target", Word),
    ("tmpfs", Any),
    ("type", Choice(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"])),
    ("volume", Any),
];
