//! The shell of the proxy: the only room that touches sockets. It performs what `engine` decides and decides nothing.

pub mod mail;
pub mod worker;
