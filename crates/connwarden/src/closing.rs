//! `close-idle`, `force-close` and `cancel`: three sets of options and one flow. Who may be touched is decided by
//! `inspect::closing`; here it is shown, asked, written down and told.

mod audit;
pub(crate) mod cancel;
pub(crate) mod close_idle;
mod consent;
mod flow;
pub(crate) mod force_close;
mod options;

/// What all three leave behind.
const EXIT_CODES: &str = "\
Without --apply the plan is shown, and on a terminal you are asked.

Exit codes: 0 done, nothing to do, or only shown; 1 partly done; 2 nothing done;
3 server not reached; 64 usage; 130 stopped by Ctrl-C.";
