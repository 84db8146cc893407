//! The shell of the proxy: the only room that touches sockets. It performs what `engine` decides and decides nothing.

pub mod console;
pub mod control;
pub mod derive;
pub mod door;
pub mod life;
pub mod mail;
pub mod observe;
pub mod resolve;
pub mod worker;
