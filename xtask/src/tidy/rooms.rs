//! What each room must not do: the engine has no clock, socket, file, log or static; its halves don't know each other.

use super::source::Source;

/// A room and the paths that are not for it.
struct Ban {
    room: &'static str,
    paths: &'static [&'static str],
    why: &'static str,
}

/// A name that ends in `::` stands for everything below it.
const PURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::os",
    "std::io::stdout",
    "std::io::stderr",
    "std::io::stdin",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::",
    "SystemTime::",
    "tracing::",
    "log::",
    "mio::",
    "tokio::",
    "rustix::",
    "socket2::",
    "rand::",
    "getrandom::",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "dbg!",
    "static",
    "OnceLock::",
    "LazyLock::",
    "std::sync::OnceLock",
    "std::sync::LazyLock",
    "std::hash::RandomState",
    "std::collections::hash_map::RandomState",
    "ahash::RandomState::new",
];

const BANS: &[Ban] = &[
    Ban { room: "crates/engine/src", paths: PURE, why: "the engine only decides" },
    Ban { room: "crates/wire/src", paths: PURE, why: "wire only reads and writes bytes" },
    Ban { room: "crates/model/src", paths: PURE, why: "the model only holds data" },
    Ban { room: "crates/plan/src", paths: PURE, why: "the planner is given its files" },
    Ban {
        room: "crates/engine/src/session",
        paths: &["crate::pool", "crate::worker", "crate::steward"],
        why: "a session knows no pool",
    },
    Ban {
        room: "crates/engine/src/pool",
        paths: &["crate::session", "crate::worker", "crate::steward"],
        why: "a pool knows no session",
    },
];

/// Addresses are data; everything else of `std::net` is a socket or a look-up.
const ADDRESSES: &[&str] = &["IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr", "SocketAddrV4", "SocketAddrV6"];

/// Uses of what is not theirs.
pub(super) fn offences(sources: &[Source]) -> Vec<String> {
    let mut offences = Vec::new();
    for source in sources {
        for ban in BANS
            .iter()
            .filter(|ban| source.is_in(ban.room) || source.path.ends_with(format!("{}.rs", ban.room)))
        {
            let mut said: Vec<String> = Vec::new();
            for path in source.paths() {
                let banned = ban.paths.iter().any(|banned| is_below(&path, banned))
                    || (ban.paths == PURE && is_socket(&path))
                    || (ban.paths != PURE && names_sibling(&path, ban));
                if banned && !said.contains(&path) {
                    offences.push(format!("{}: {path}: {}", source.path.display(), ban.why));
                    said.push(path);
                }
            }
        }
    }
    offences
}

fn is_below(path: &str, banned: &str) -> bool {
    let below = |rest: &str| rest.is_empty() || rest.starts_with("::") || banned.ends_with("::");
    path.strip_prefix(banned).is_some_and(below)
}

fn is_socket(path: &str) -> bool {
    path.strip_prefix("std::net::")
        .is_some_and(|name| !ADDRESSES.iter().any(|address| is_below(name, address)))
}

/// `super::super::pool` is `crate::pool` too.
fn names_sibling(path: &str, ban: &Ban) -> bool {
    let Some(rest) = path.strip_prefix("super::") else { return false };
    let rest = rest.trim_start_matches("super::");
    ban.paths.iter().filter_map(|banned| banned.strip_prefix("crate::")).any(|name| is_below(rest, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        offences(&[Source::new(path.into(), text)]).len()
    }

    #[test]
    fn the_engine_may_hold_an_address_and_not_a_socket() {
        let path = "crates/engine/src/a.rs";
        assert_eq!(found(path, "use std::net::{IpAddr, SocketAddr};"), 0);
        assert_eq!(found(path, "use std::net::{IpAddr, TcpStream};"), 1);
        assert_eq!(found(path, "static X: u8 = 1; fn f() -> &'static str { tracing::info!(); }"), 2);
        assert_eq!(found("crates/proxy/src/a.rs", "use std::net::TcpStream;"), 0);
    }

    #[test]
    fn a_session_and_a_pool_never_meet() {
        assert_eq!(found("crates/engine/src/session/a.rs", "use crate::{pool::Slice, ledger};"), 1);
        assert_eq!(found("crates/engine/src/session.rs", "use super::pool;"), 1);
        assert_eq!(found("crates/engine/src/pool/a.rs", "use super::super::session::Client;"), 1);
        assert_eq!(found("crates/engine/src/worker.rs", "use crate::{pool, session};"), 0);
    }
}
