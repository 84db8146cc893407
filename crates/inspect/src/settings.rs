//! Which server, as whom, and how: libpq's connection settings. Manual: "Database Connection Control Functions".
//!
//! Flags win over the DSN, that over its service, that over the environment, that over defaults. Nothing here touches
//! the process: an [`Environment`] is asked for variables and files, and nothing is dialled.

mod dsn;
mod environment;
mod error;
mod hosts;
mod keyword;
mod passfile;
mod resolve;
mod service;
mod typed;
mod words;

#[cfg(test)]
mod tests;

pub use dsn::is_dsn;
pub use environment::{Environment, File};
pub use error::{Origin, SettingsError};
pub use hosts::Host;
pub use resolve::{Dsn, Request, Settings};
pub use typed::{ChannelBinding, Method, RequireAuth, TargetSession};
