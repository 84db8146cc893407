//! Idle servers, waiting clients and credits. Knows nothing of sessions.

pub mod slice;
