//! All bytes the process keeps for its connections, against one cap.
//!
//! Counted only where bytes are kept at all: never on a query that fits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The process's count; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Hoard(Arc<AtomicUsize>);

impl Hoard {
    /// A connection keeps so many instead of so many.
    #[inline]
    pub fn changed(&self, before: usize, after: usize) {
        if after > before {
            self.0.fetch_add(after - before, Ordering::Relaxed);
        } else if before > after {
            self.0.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// Bytes kept now.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
