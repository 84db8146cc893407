//! The planner's files on this machine: which of them are meant, and their texts. `plan` itself opens nothing; the program,
//! the Python package and the Rust crate open what they give it by this.

use plan::read::{self, Found, World};

mod folders;
mod texts;

pub use folders::{Meant, here, meant};
pub use texts::{Disk, is_pipe};

impl Disk {
    /// What these files and folders deploy, with the variables of this process; and what was passed over, a sentence each.
    pub fn deployed(&self, names: &[String]) -> (Found, Vec<String>) {
        let Meant { paths, passed_over } = meant(names);
        let environment = |name: &str| std::env::var(name).ok();
        let found = read::files(&paths, &World { files: self, environment: &environment, profiles: &[] });
        (found, passed_over)
    }
}
