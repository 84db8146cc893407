//! What a client sends: the same messages as libpq, made once and sent again and again.

use serde::Serialize;

use crate::line::Place;
use crate::messages;

const STATEMENT: &str = "p0";

/// pgbench's three protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// Query.
    Simple,
    /// Parse Bind Describe Execute Sync, unnamed.
    Extended,
    /// Parse and Sync once, then Bind Describe Execute Sync.
    Prepared,
}

impl Protocol {
    pub(crate) const ALL: [Self; 3] = [Self::Simple, Self::Extended, Self::Prepared];

    /// As pgbench's `-M` spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Extended => "extended",
            Self::Prepared => "prepared",
        }
    }
}

/// Whom to call and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) user: String,
    pub(crate) dbname: String,
}

/// The bytes of one client's life.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) startup: Vec<u8>,
    /// Sent once after login; ends with Sync.
    pub(crate) prepare: Option<Vec<u8>>,
    pub(crate) transaction: Vec<u8>,
    pub(crate) messages_per_transaction: u64,
}

impl Script {
    pub(crate) fn new(target: &Target, protocol: Protocol, text: &str) -> Self {
        let startup = messages::startup(&target.user, &target.dbname);
        let mut transaction = Vec::new();
        let mut prepare = None;
        let messages_per_transaction = match protocol {
            Protocol::Simple => {
                messages::query(&mut transaction, text);
                1
            }
            Protocol::Extended => {
                messages::parse(&mut transaction, "", text);
                messages::bind_describe_execute(&mut transaction, "");
                messages::sync(&mut transaction);
                5
            }
            Protocol::Prepared => {
                let mut once = Vec::new();
                messages::parse(&mut once, STATEMENT, text);
                messages::sync(&mut once);
                prepare = Some(once);
                messages::bind_describe_execute(&mut transaction, STATEMENT);
                messages::sync(&mut transaction);
                4
            }
        };
        Self { startup, prepare, transaction, messages_per_transaction }
    }
}
