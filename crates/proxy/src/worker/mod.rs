//! One worker thread: sockets, buffers and the loop that carries them to the engine and back.

pub mod socket;
