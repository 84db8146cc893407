//! Closing and cancelling sessions: rules, a plan that says who and who not and why, and its careful execution.
//!
//! Rules and plan are pure. Only [`Act`] touches a server, one session at a time, and only a session that is still the
//! one that was listed. What cannot be seen from outside is said in [`Evidence`].

mod act;
mod evidence;
mod habits;
mod plan;
mod protection;
mod returned;
mod rules;
mod statements;

pub use act::{Act, Acted, Ended, Outcome, Pace};
pub use evidence::Evidence;
pub use plan::{Application, Plan};
pub use protection::{POOLERS, PROTECTED, SYSTEM_ROLES};
pub use returned::returned;
pub use rules::{Action, MAX_AT_ONCE, MIN_AGE_FLOOR, Mistake, Reason, Rules};
