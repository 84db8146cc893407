//! `[server.NAME]`: one PostgreSQL server, and how hard its door may be knocked at.

use super::*;

section! {
    /// `[server.NAME]`: one postmaster. Two databases of one server name the same section, so that what
    /// holds for the server is counted once.
    Server Server(name: Arc<str> = "NAME.") {
        host: Host = "127.0.0.1", Reload, OURS,
            "Host name, address, or the directory of its unix socket.";
        port: u16 = "5432", Reload, OURS,
            "Its port.";
        dial_rate: u32 = "50", Reload, OURS,
            "New connections per second that may be started in the long run.";
        dial_burst: u32 = "50", Reload, OURS,
            "New connections that may be started at once after a quiet time.";
        dials_max: u32 = "20", Reload, OURS,
            "New connections that may be under way at a time.";
    }
}
