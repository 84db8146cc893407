//! The lines of a file: what stands first, and what follows.

use serde::{Deserialize, Serialize};

use super::sample_line::SampleLine;
use crate::catalog::Sample;

/// What the first line calls the format.
pub const SCHEMA: &str = "connwarden.samples/1";

/// The first line: where the samples of this stretch come from. A program that goes on with a file writes one more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Where the server was reached.
    pub place: String,
    /// Seconds between two looks, as wanted at the start.
    pub interval_s: f64,
}

/// A further line.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A stretch begins.
    Origin(Origin),
    /// One look.
    Sample(Box<Sample>),
    /// A look that failed.
    Failure {
        /// Our own clock: microseconds since 1970, UTC.
        at_us: i64,
        /// Why, in the words that were shown.
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
struct OriginLine {
    schema: String,
    #[serde(flatten)]
    origin: Origin,
}

#[derive(Serialize, Deserialize)]
struct FailureLine {
    failed_us: i64,
    why: String,
}

/// Why a line means nothing.
pub(super) enum Misread {
    /// Not JSON, or JSON of another shape.
    Json(serde_json::Error),
    /// The schema of something else.
    Schema(String),
}

impl Entry {
    /// The line, without its end.
    pub(super) fn written(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Origin(origin) => {
                serde_json::to_string(&OriginLine { schema: SCHEMA.to_owned(), origin: origin.clone() })
            }
            Self::Sample(sample) => serde_json::to_string(&SampleLine::of(sample)),
            Self::Failure { at_us, why } => {
                serde_json::to_string(&FailureLine { failed_us: *at_us, why: why.clone() })
            }
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, Misread> {
        /// What tells the kinds apart.
        #[derive(Deserialize)]
        struct Kind {
            schema: Option<String>,
            failed_us: Option<i64>,
        }
        let kind: Kind = serde_json::from_str(text).map_err(Misread::Json)?;
        match kind {
            Kind { schema: Some(schema), .. } if schema != SCHEMA => Err(Misread::Schema(schema)),
            Kind { schema: Some(_), .. } => serde_json::from_str::<OriginLine>(text)
                .map(|line| Self::Origin(line.origin))
                .map_err(Misread::Json),
            Kind { failed_us: Some(at_us), .. } => serde_json::from_str::<FailureLine>(text)
                .map(|line| Self::Failure { at_us, why: line.why })
                .map_err(Misread::Json),
            Kind { schema: None, failed_us: None } => serde_json::from_str::<SampleLine>(text)
                .map(|line| Self::Sample(Box::new(line.into_sample())))
                .map_err(Misread::Json),
        }
    }
}
