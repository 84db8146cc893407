//! One worker thread: sockets, buffers and the loop that carries them to the engine and back.

pub mod brain;
pub mod conn;
pub mod crew;
mod deliver;
pub mod dial;
pub mod errands;
mod gather;
pub mod hoard;
pub mod linger;
mod pulse;
pub mod room;
pub mod socket;
pub mod tuning;
pub mod turn;
