//! What files deploy: a compose file, Kubernetes manifests, a Procfile, systemd units. One reader for each, and the
//! choice between them.

use crate::deployed::Deployed;
use crate::{Files, Finding};

pub mod compose;
pub mod dotenv;
pub mod kubernetes;
pub mod procfile;
pub mod systemd;

mod findings;
mod interpolate;
mod quantity;
mod source;

/// What a reader found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The workloads.
    pub deployed: Deployed,
    /// What is wrong in the files, as far as reading shows. With an error among them the sum would be wrong.
    pub findings: Vec<Finding>,
}

/// What the world around the files says.
pub struct World<'a> {
    /// Files beside those named.
    pub files: &'a dyn Files,
    /// The environment that `${NAME}` in a compose file reads, with what stands in `.env` beside the file below it.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Compose profiles that are on.
    pub profiles: &'a [String],
}
