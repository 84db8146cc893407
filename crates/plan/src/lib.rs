//! What deployed services may open on a PostgreSQL server, whether that fits, and what a pool size does to waiting.
//!
//! Pure: files come in through [`Files`], so that a test writes its world down; nothing here opens, waits or prints.
//!
//! The way of a number: [`read`] finds what is deployed ([`Workload`]s of [`Container`]s) in compose files, manifests
//! and units; [`pools`] says how many processes and connections a container makes of that; [`declared`] is what the
//! plan file says over it; [`budget`] adds up and judges. Every number keeps its [`Origin`]: the line it is written
//! in, or the assumption it rests on.
//!
//! Beside it: [`queue`] has the formulae of waiting for a connection, [`simulate`] plays pool sizes through, and [`chart`]
//! draws what came of it.

pub mod budget;
pub mod chart;
pub mod declared;
pub mod deployed;
pub mod finding;
pub mod form;
pub mod lint;
pub mod measure;
pub mod number;
pub mod place;
pub mod pools;
pub mod queue;
pub mod read;
pub mod report;
mod rules;
pub mod scene;
pub mod script;
mod secrecy;
mod setting;
pub mod simulate;
pub mod suggest;
pub mod yaml;

pub use deployed::{Container, Life, Overlap, Replicas, Share, Stage, Variable, Workload};
pub use finding::{Finding, Level, Rule};
pub use number::{Number, Origin};
pub use place::{Files, Place, Text};
pub use rules::rules;
pub use scene::{Looked, Scene};
