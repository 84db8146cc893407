//! What error texts, SQLSTATEs and checks mean: pages, how a page is found, and what this server has to say about its causes.

mod evidence;
mod find;
mod page;
mod pages;

pub use evidence::Scene;
pub use find::{Found, find};
pub use page::{Cause, Finding, Page};
pub use pages::all;
