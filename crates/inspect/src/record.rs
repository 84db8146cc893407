//! Samples that are kept: a ring in memory, and files of JSON Lines (`.cwlog`).
//!
//! The first line of a file names its schema and where the samples come from; every further line is one look at the
//! server, or one look that failed. Fields that a reader doesn't know are passed over, so a newer program's file can be
//! read as well. Files hold statements and names: they are made for their owner only.

mod file;
mod line;
mod reader;
mod ring;
mod sample_line;

pub use file::{Recording, RecordingError};
pub use line::{Entry, Origin, SCHEMA};
pub use reader::{ReadError, Reader};
pub use ring::{Kept, Ring};
