//! News in words. Where PgBouncer has a phrase, it is repeated to the letter: operators' tools match it. No secrets, no SQL.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use engine::contract::{DialError, Gone, Peer};
use engine::orders::{DialRefusal, PoolKey, Replication};
use engine::remark::{ClientOut, Remark};
use model::id::{ConnId, WorkerId};

/// A line and how much it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A human must act.
    Error(String),
    /// Somebody was hurt.
    Warning(String),
    /// So it went.
    Info(String),
}

/// The line for a piece of news. `from`: our own end of the connection it is about, where that has an address.
pub fn line(worker: WorkerId, remark: &Remark, from: Option<SocketAddr>) -> Line {
    match remark {
        Remark::ClientIn { conn, key, peer } => Line::Info(format!(
            "{}login attempt: db={} user={} tls=no replication={}",
            client(worker, *conn, Some(key), peer),
            key.database,
            key.user,
            replication(key.replication),
        )),
        Remark::ClientOut { conn, key, peer, why, age } => {
            Line::Info(format!("{}{}", client(worker, *conn, key.as_ref(), peer), closing(&left(why), *age)))
        }
        Remark::ServerIn { conn, key } => {
            // As in PgBouncer, a unix socket comes from nowhere.
            let from = from.map(|from| format!(" (from {from})")).unwrap_or_default();
            Line::Info(format!("{}new connection to server{from}", server(worker, *conn, key)))
        }
        Remark::ServerOut { conn, key, why, age } => {
            Line::Info(format!("{}{}", server(worker, *conn, key), closing(why.label(), *age)))
        }
        Remark::DialRefused { key, why } => {
            Line::Warning(format!("{}/{}: {}", key.database, key.user, refused(why)))
        }
        Remark::OutOfStep { client, server, key, tag, owed, ring } => Line::Error(format!(
            "{}message {:?} does not fit what is owed ({owed}); nothing was delivered, both ends are closed \
             (client={client:?} last={})",
            self::server(worker, *server, key),
            char::from(*tag),
            last(ring),
        )),
        Remark::Tainted { key, reason } => Line::Info(format!(
            "{}/{}: servers are cleaned when they are given back, because of {reason}",
            key.database, key.user
        )),
        Remark::WrongCancelKey { peer } => {
            Line::Warning(format!("(nodb)/(nouser)@{} sends cancel keys that nobody holds", seat(peer)))
        }
    }
}

/// The beginning of a client's lines.
pub fn client(worker: WorkerId, conn: ConnId, key: Option<&PoolKey>, peer: &Peer) -> String {
    let (database, user) = key.map_or(("(nodb)", "(nouser)"), |key| (&*key.database, &*key.user));
    format!("C-{}: {database}/{user}@{} ", pointer(worker, conn), seat(peer))
}

fn server(worker: WorkerId, conn: ConnId, key: &PoolKey) -> String {
    format!("S-{}: {}/{} ", pointer(worker, conn), key.database, key.user)
}

/// What stands where PgBouncer prints an address in memory: equal for all lines of a connection, and for no other's.
pub(crate) fn pointer(worker: WorkerId, conn: ConnId) -> String {
    format!("{:#x}", (u64::from(worker.0) << 48) ^ conn.token())
}

fn seat(peer: &Peer) -> String {
    match peer {
        Peer::Ip(ip, port) => SocketAddr::new(*ip, *port).to_string(),
        Peer::Unix { pid, .. } => format!("unix({pid})"),
    }
}

fn closing(reason: &str, age: Duration) -> String {
    format!("closing because: {reason} (age={}s)", age.as_secs())
}

fn left(why: &ClientOut) -> String {
    match why {
        ClientOut::Left => "client close request".into(),
        ClientOut::Lost(Gone::Eof | Gone::Reset) => "client unexpected eof".into(),
        ClientOut::Lost(Gone::TimedOut) => "client connection timed out".into(),
        ClientOut::Lost(Gone::Tls) => "TLS failed".into(),
        ClientOut::Refused(refusal) => refusal.text(),
        ClientOut::ServerSaid(words) => words.to_string(),
    }
}

pub(crate) fn refused(why: &DialRefusal) -> String {
    match why {
        DialRefusal::Socket(DialError::Unresolved) => "server DNS lookup failed".into(),
        DialRefusal::Socket(DialError::TimedOut) | DialRefusal::TimedOut => "connect timeout".into(),
        DialRefusal::Socket(DialError::Refused) => "connect failed: connection refused".into(),
        DialRefusal::Socket(DialError::Unreachable) => "connect failed: unreachable".into(),
        DialRefusal::Socket(DialError::Local) => {
            "connect failed: no descriptor, port or memory left here".into()
        }
        DialRefusal::Lost => "login failed: server conn crashed?".into(),
        DialRefusal::Server { message, .. } => format!("server login failed: FATAL {message}"),
        DialRefusal::Credentials(text) => format!("login failed: {text}"),
    }
}

fn replication(kind: Replication) -> &'static str {
    match kind {
        Replication::No => "none",
        Replication::Logical => "logical",
        Replication::Physical => "physical",
    }
}

fn last(ring: &[(char, u8, u32)]) -> String {
    ring.iter().fold(String::new(), |mut text, (direction, tag, bytes)| {
        // Writing to a String does not fail.
        let _ = write!(text, "{direction}{}{bytes} ", char::from(*tag));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::refuse::Refusal;
    use engine::remark::ServerOut;

    fn key() -> PoolKey {
        PoolKey { database: "shop".into(), user: "app".into(), replication: Replication::No }
    }

    fn text(remark: Remark) -> String {
        match line(WorkerId(0), &remark, None) {
            Line::Error(text) | Line::Warning(text) | Line::Info(text) => text,
        }
    }

    #[test]
    fn closes_read_as_pgbouncer_writes_them() {
        let out = Remark::ClientOut {
            conn: ConnId::client(3, 1),
            key: Some(key()),
            peer: Peer::Ip([10, 0, 0, 1].into(), 4711),
            why: ClientOut::Refused(Refusal::WaitTimeout { last: None }),
            age: Duration::from_secs(12),
        };
        assert_eq!(
            text(out),
            "C-0x100000003: shop/app@10.0.0.1:4711 closing because: query_wait_timeout (age=12s)"
        );
        let out = Remark::ServerOut {
            conn: ConnId::server(1, 0),
            key: key(),
            why: ServerOut::ServerClosed,
            age: Duration::from_secs(1),
        };
        assert_eq!(text(out), "S-0x80000001: shop/app closing because: server conn crashed? (age=1s)");
    }

    #[test]
    fn a_new_server_says_where_from() {
        let up = Remark::ServerIn { conn: ConnId::server(1, 0), key: key() };
        let said = |from: Option<&str>| line(WorkerId(0), &up, from.map(|from| from.parse().unwrap()));
        for (from, words) in [
            (Some("10.0.0.1:4711"), " (from 10.0.0.1:4711)"),
            (Some("[::1]:5"), " (from [::1]:5)"),
            (None, ""),
        ] {
            let text = format!("S-0x80000001: shop/app new connection to server{words}");
            assert_eq!(said(from), Line::Info(text));
        }
    }

    #[test]
    fn logins_read_as_pgbouncer_writes_them() {
        let login =
            Remark::ClientIn { conn: ConnId::client(0, 0), key: key(), peer: Peer::Unix { uid: 0, pid: 9 } };
        assert_eq!(
            text(login),
            "C-0x0: shop/app@unix(9) login attempt: db=shop user=app tls=no replication=none"
        );
    }
}
