//! What is right and wrong with a server's connections: small pure checks over samples, and one verdict.

mod check;
mod flow;
mod history;
mod limits;
mod look;
mod memory;
mod planned;
mod sessions;
mod slots;
mod verdict;

pub use check::{Check, CheckLevel, Evidence, Id};
pub use history::{HISTORY_SCHEMA, Point, forecast_s};
pub use limits::Limits;
pub use look::Look;
pub use memory::Memory;
pub use sessions::{
    SameStatement, ends_a_turn, frozen_on_one_statement, is_tool, superuser_applications, without_literals,
};
pub use verdict::{leading, refused, run, worst};
