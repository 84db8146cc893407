//! A pooler that was found on the way to a server.

use schemars::JsonSchema;
use serde::Serialize;

use crate::connect::{PoolView, PoolerView};

/// What stands in between, and what its console says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PoolerReport {
    /// Its name and version; `None` where its console does not let us in.
    pub version: Option<String>,
    /// Its pools.
    pub pools: Vec<PoolView>,
}

impl PoolerReport {
    /// Of what the console said, if it said anything.
    pub fn of(view: Option<&PoolerView>) -> Self {
        let pools = view.map(|view| view.pools.clone()).unwrap_or_default();
        Self { version: view.map(|view| view.version.clone()), pools }
    }
}
