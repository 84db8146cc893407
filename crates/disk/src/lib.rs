//! The planner's files on this machine: which of them are meant, and their texts. `plan` itself opens nothing; the program,
//! the Python package and the Rust crate open what they give it by this.

mod folders;
mod texts;

pub use folders::{Meant, here, meant};
pub use texts::{Disk, is_pipe};
