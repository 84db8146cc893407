//! Sums, and whether they fit.
