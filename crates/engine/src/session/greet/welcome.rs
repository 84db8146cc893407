//! What a server says about itself between AuthenticationOk and ReadyForQuery.

use std::fmt;
use std::sync::Arc;

use wire::backend;

use super::refusal::broken;
use crate::orders::DialRefusal;

/// Most settings that a server may report. PostgreSQL 18 reports 15.
pub const PARAMETERS_MAX: usize = 256;

/// A setting and its value.
pub type Report = (Arc<[u8]>, Arc<[u8]>);

/// What a server said about itself. All of it may be missing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Welcome {
    /// The settings that it reports, each once, with the last value.
    pub parameters: Vec<Report>,
    /// The first half of its cancel key; 0 where it gave none.
    pub pid: u32,
    /// The second half; empty where it gave none, and then nothing can be cancelled.
    pub secret: Box<[u8]>,
}

impl Welcome {
    /// Takes a ParameterStatus.
    pub(super) fn report(&mut self, body: &[u8]) -> Result<(), DialRefusal> {
        let (name, value) =
            backend::parameter_status(body).ok_or_else(|| broken("malformed ParameterStatus"))?;
        let full = self.parameters.len() >= PARAMETERS_MAX;
        match self.parameters.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = value.into(),
            None if full => {
                return Err(broken(&format!("the server reports more than {PARAMETERS_MAX} settings")));
            }
            None => self.parameters.push((name.into(), value.into())),
        }
        Ok(())
    }
}

impl fmt::Debug for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Welcome")
            .field("parameters", &self.parameters.len())
            .field("pid", &self.pid)
            .field("secret", &"***")
            .finish()
    }
}
