//! What the rows of a sample come to: totals, groups, how full the server is. Pure.

mod groups;
mod pace;
mod plan;
mod totals;
mod utilization;

pub use groups::{By, Group, group};
pub use pace::Pace;
pub use plan::{Allowance, Held, Owner, Plan, Standing};
pub use totals::Totals;
pub(crate) use totals::older;
pub use utilization::{Level, Thresholds, Utilization};
