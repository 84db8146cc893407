//! SHOW CLIENTS, SHOW SERVERS and SHOW SOCKETS: one row per connection.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::contract::Peer;
use engine::orders::{PoolKey, Replication};
use engine::snapshot::{ClientRow, ClientState, ServerRow, ServerState};
use model::config::checked::{Config, Host};
use model::id::{ConnId, WorkerId};

use super::CONSOLE;
use crate::console::guests::Guest;
use crate::console::table::{Row, number, switch, text};
use crate::control::Shelf;
use crate::observe::format::moment;
use crate::observe::phrase::pointer;

/// Which names states have: SHOW SOCKETS prints longer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Short,
    Long,
}

/// What turns spans into moments.
pub(super) struct Clock {
    wall_us: u64,
    age: Duration,
    listen_port: u16,
}

impl Clock {
    pub(super) fn now(age: Duration, listen_port: u16) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX), age, listen_port }
    }

    fn ago(&self, micros: u64) -> Option<String> {
        let at = self.wall_us.saturating_sub(micros) / 1_000_000;
        text(format!("{} UTC", moment(at, 0).trim_end_matches(".000")))
    }

    fn since(&self, age: Duration) -> u64 {
        u64::try_from(self.age.saturating_sub(age).as_micros()).unwrap_or(u64::MAX)
    }
}

/// What a row is made of, whatever it is about.
struct Line<'a> {
    kind: &'a str,
    user: &'a str,
    database: &'a str,
    replication: Replication,
    state: &'a str,
    address: (String, u64),
    connected_us: u64,
    requested_us: u64,
    waited_us: u64,
    close_needed: bool,
    pointer: String,
    link: String,
    pid: u64,
    application: String,
    statements: u32,
    id: u64,
}

impl Line<'_> {
    fn row(self, clock: &Clock) -> Row {
        let replication = match self.replication {
            Replication::No => "none",
            Replication::Logical => "logical",
            Replication::Physical => "physical",
        };
        vec![
            text(self.kind),
            text(self.user),
            text(self.database),
            text(replication),
            text(self.state),
            text(self.address.0),
            number(self.address.1),
            // Which of our addresses a peer has found is not booked.
            text(""),
            number(clock.listen_port),
            clock.ago(self.connected_us),
            clock.ago(self.requested_us),
            number(self.waited_us / 1_000_000),
            number(self.waited_us % 1_000_000),
            switch(self.close_needed),
            text(self.pointer),
            text(self.link),
            number(self.pid),
            text(""),
            text(self.application),
            number(self.statements),
            number(self.id),
        ]
    }
}

fn link(worker: WorkerId, link: Option<ConnId>) -> String {
    link.map_or_else(String::new, |conn| pointer(worker, conn))
}

fn address(peer: &Peer, listen_port: u16) -> (String, u64) {
    match peer {
        Peer::Ip(ip, port) => (ip.to_string(), u64::from(*port)),
        Peer::Unix { .. } => ("unix".into(), u64::from(listen_port)),
    }
}

fn pid(peer: &Peer) -> u64 {
    match peer {
        Peer::Ip(..) => 0,
        Peer::Unix { pid, .. } => u64::from(*pid),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn who(key: &PoolKey, login: bool) -> (&str, &str) {
    match (login, &*key.database) {
        (true, "") => ("(nouser)", "(nodb)"),
        (_, database) => (&key.user, database),
    }
}

/// Clients, and the console's guests behind them. SHOW CLIENTS lists who is logged in.
pub(super) fn clients(shelf: &Shelf, guests: &[Guest], clock: &Clock, names: Names) -> Vec<Row> {
    let listed = |row: &ClientRow| names == Names::Long || row.state != ClientState::Login;
    let rows = shelf.clients.iter().filter(|(_, row)| listed(row));
    let rows = rows.map(|(worker, row)| client(*worker, row, clock, names));
    rows.chain(guests.iter().map(|guest| console(guest, clock, names))).collect()
}

fn client(worker: WorkerId, row: &ClientRow, clock: &Clock, names: Names) -> Row {
    let (user, database) = who(&row.key, row.state == ClientState::Login);
    let state = match (row.state, names) {
        (ClientState::Login, _) => "cl_login",
        (ClientState::Idle, Names::Short) => "idle",
        (ClientState::Active, Names::Short) => "active",
        (ClientState::Idle | ClientState::Active, Names::Long) => "cl_active",
        (ClientState::Waiting, Names::Short) => "waiting",
        (ClientState::Waiting, Names::Long) => "cl_waiting",
    };
    let line = Line {
        kind: "C",
        user,
        database,
        replication: row.key.replication,
        state,
        address: address(&row.peer, clock.listen_port),
        connected_us: row.connected_us,
        requested_us: row.requested_us,
        waited_us: row.waiting_us,
        close_needed: false,
        pointer: pointer(worker, row.conn),
        link: link(worker, row.link),
        pid: pid(&row.peer),
        application: lossy(&row.application),
        statements: row.statements,
        id: row.public.0,
    };
    line.row(clock)
}

fn console(guest: &Guest, clock: &Clock, names: Names) -> Row {
    let line = Line {
        kind: "C",
        user: &guest.user,
        database: CONSOLE,
        replication: Replication::No,
        state: if names == Names::Short { "active" } else { "cl_active" },
        address: address(&guest.peer, clock.listen_port),
        connected_us: clock.since(guest.came),
        requested_us: clock.since(guest.asked),
        waited_us: 0,
        close_needed: false,
        // Guests have no place in a worker's tables; their number stands for it.
        pointer: format!("{:#x}", u64::MAX - guest.number.0),
        link: String::new(),
        pid: pid(&guest.peer),
        application: String::new(),
        statements: 0,
        id: guest.number.0,
    };
    line.row(clock)
}

/// Connections to servers. Those that have said goodbye are closed in PgBouncer's eyes and not listed.
pub(super) fn servers(shelf: &Shelf, config: &Config, clock: &Clock, names: Names) -> Vec<Row> {
    let rows = shelf.servers.iter().filter(|(_, row)| row.state != ServerState::Closing);
    rows.map(|(worker, row)| server(*worker, row, place(config, &row.key), clock, names)).collect()
}

/// Where the pool's servers are, as the configuration has it.
fn place(config: &Config, key: &PoolKey) -> (String, u64) {
    let server = config.database(&key.database).ok().and_then(|section| config.servers.get(&section.server));
    server.map_or_else(Default::default, |server| {
        let host = match &server.host {
            Host::Unix(_) => "unix".into(),
            host @ (Host::Name(_) | Host::Ip(_)) => host.to_string(),
        };
        (host, u64::from(server.port))
    })
}

fn server(worker: WorkerId, row: &ServerRow, address: (String, u64), clock: &Clock, names: Names) -> Row {
    let state = match (row.state, names) {
        (ServerState::Login, Names::Short) => "new",
        (ServerState::Login, Names::Long) => "sv_login",
        (ServerState::Active, Names::Short) => "active",
        (ServerState::Active, Names::Long) => "sv_active",
        (ServerState::Idle, Names::Short) => "idle",
        (ServerState::Idle, Names::Long) => "sv_idle",
        (ServerState::Used, Names::Short) => "used",
        (ServerState::Used, Names::Long) => "sv_used",
        (ServerState::Tested, Names::Short) => "tested",
        (ServerState::Tested, Names::Long) => "sv_tested",
        (ServerState::BeingCanceled, Names::Short) => "being_canceled",
        (ServerState::BeingCanceled, Names::Long) => "sv_being_canceled",
        (ServerState::ActiveCancel, Names::Short) => "active_cancel",
        (ServerState::ActiveCancel, Names::Long) => "sv_active_cancel",
        (ServerState::Closing, _) => "closing",
    };
    let line = Line {
        kind: "S",
        user: &row.key.user,
        database: &row.key.database,
        replication: row.key.replication,
        state,
        address,
        connected_us: row.connected_us,
        requested_us: row.requested_us,
        waited_us: 0,
        close_needed: row.close_needed,
        pointer: pointer(worker, row.conn),
        link: link(worker, row.link),
        pid: u64::from(row.pid),
        application: lossy(&row.application),
        statements: row.statements,
        id: row.public.0,
    };
    line.row(clock)
}
