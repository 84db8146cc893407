//! What is deployed, in words that all readers share: workloads, how many there are of each, and what their containers
//! are told. No pool is known here yet.

use std::collections::BTreeMap;

use crate::{Number, Place, Text};

/// Everything the files deploy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployed {
    /// In the order of the files.
    pub workloads: Vec<Workload>,
}

/// One service, deployment, job or unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its name: `api`; of a namespace that is not the default one `shop/api`.
    pub name: String,
    /// Other names under which it is reached: a Kubernetes Service's, a network alias, a container's name.
    pub aliases: Vec<String>,
    /// Names under which only its copies are reached: a server's standbys, which have limits of their own.
    pub standbys: Vec<String>,
    /// What the file calls it: `service`, `Deployment`, `CronJob`, `process`, `unit`.
    pub kind: &'static str,
    /// Where it begins.
    pub place: Place,
    /// How many there are.
    pub replicas: Replicas,
    /// When it runs.
    pub life: Life,
    /// What each replica runs.
    pub containers: Vec<Container>,
}

/// How many replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// On a usual day.
    pub usual: Number,
    /// At most: an autoscaler's upper end. Never below `usual`.
    pub most: Number,
}

impl Replicas {
    /// Always the same number.
    pub fn fixed(count: Number) -> Self {
        Self { most: count.clone(), usual: count }
    }
}

/// When a workload runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Always; a rollout replaces it.
    Service(Overlap),
    /// To its end, once. `with_rollout`: each rollout runs it (a migration, a hook), and nothing else does.
    Job {
        /// Only rollouts run it.
        with_rollout: bool,
    },
    /// Again and again.
    Cron {
        /// A run may begin while the one before is still running.
        overlaps: bool,
    },
}

/// How old and new replicas stand beside each other while a rollout replaces them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// The old ones have ended before new ones begin.
    None,
    /// New ones come before old ones go.
    Rolling {
        /// How many there may be beyond the wanted number.
        surge: Share,
        /// How many may be missing.
        unavailable: Share,
        /// Those told to end keep their connections while the next ones begin. A pod that terminates counts neither
        /// as surge nor as available.
        lingers: bool,
    },
    /// All old ones beside all new ones.
    BlueGreen,
}

/// A number or a part of the replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Count(Number),
    /// So many percent of the replicas.
    Percent(Number),
}

/// What one replica runs, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name; a compose service's is the service's own.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// Its image, as written: `postgres:16`.
    pub image: Option<Text>,
    /// The words of entrypoint and arguments, in order. One word that is a whole shell line stays one word
    /// (`sh -c "..."`): whoever looks for programs splits it.
    pub command: Vec<Text>,
    /// Its environment; later settings have replaced earlier ones.
    pub environment: BTreeMap<String, Variable>,
    /// Where more of the environment comes from that no file shows: `secret api-secrets`.
    pub unseen: Vec<Text>,
    /// Files put into it, by their path inside: a config map's, a bind mount's.
    pub files: BTreeMap<String, Text>,
    /// The most memory it gets, in bytes.
    pub memory_bytes_max: Option<(u64, Place)>,
    /// The most processor time it gets, in thousandths of a core.
    pub cpu_millis_max: Option<Number>,
    /// When it runs.
    pub stage: Stage,
}

impl Container {
    /// A container of a name that is told nothing.
    pub fn new(name: impl Into<String>, place: Place) -> Self {
        Self {
            name: name.into(),
            place,
            image: None,
            command: Vec::new(),
            environment: BTreeMap::new(),
            unseen: Vec::new(),
            files: BTreeMap::new(),
            memory_bytes_max: None,
            cpu_millis_max: None,
            stage: Stage::Main,
        }
    }
}

/// A variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its value; `None` where it comes from a secret or from a machine no file shows.
    pub value: Option<String>,
    /// Where it is set.
    pub place: Place,
}

/// When a container of a replica runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the main ones, one after the other: an init container.
    Init,
    /// All along: main containers and sidecars.
    Main,
}
