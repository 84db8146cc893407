//! What a server is asked, and the types of its answers. One round trip brings one [`Sample`].

mod blocking;
mod counters;
mod facts;
mod limits;
mod sample;
mod session;

pub use blocking::{Blocking, Branch, Contender, Tree};
pub use counters::Counters;
pub use facts::Facts;
pub use limits::{Limit, LimitKind};
pub use sample::{Sample, Wants};
pub use session::{Client, QUERY_CHARS_MAX, Session, State};
