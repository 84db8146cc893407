//! SHOW STATE, SHOW CONFIG and SHOW LISTS.

use engine::snapshot::ClientState;
use engine::steward::Books;
use model::catalog::Change;
use model::config::checked::Config;

use crate::console::table::{Row, number, text};
use crate::control::{Frame, Shelf};
use crate::resolve::Known;

pub(super) fn state(books: &Books) -> Vec<Row> {
    let yes = |on: bool| text(if on { "yes" } else { "no" });
    vec![
        vec![text("active"), yes(!books.paused)],
        vec![text("paused"), yes(books.paused)],
        vec![text("suspended"), yes(false)],
    ]
}

pub(super) fn config(config: &Config) -> Vec<Row> {
    let row = |(setting, value): (&'static model::catalog::Setting, String)| {
        let changeable = if setting.change == Change::Reload { "yes" } else { "no" };
        vec![text(setting.key), text(value), text(setting.default), text(changeable)]
    };
    config.texts().into_iter().map(row).collect()
}

/// PgBouncer's list. Nothing is kept in reserve here, so the free ones are none.
pub(super) fn lists(frame: &Frame, clients: &Shelf, names: &[Known]) -> Vec<Row> {
    let logins = clients.clients.iter().filter(|(_, row)| row.state == ClientState::Login).count() as u64;
    let mut pools: Vec<_> = frame.slices.iter().map(|at| (&at.row.key.database, &at.row.key.user)).collect();
    pools.sort();
    pools.dedup();
    let servers: u64 = frame.books.pools.iter().map(|pool| u64::from(pool.granted)).sum();
    // The console is a database and a pool of its own.
    let items: [(&str, u64); 14] = [
        ("databases", frame.config.databases.len() as u64 + 1),
        ("users", frame.books.users.len() as u64),
        ("peers", 0),
        ("pools", pools.len() as u64 + 1),
        ("peer_pools", 0),
        ("free_clients", 0),
        ("used_clients", u64::from(frame.books.clients) + u64::from(frame.guests)),
        ("login_clients", logins),
        ("free_servers", 0),
        ("used_servers", servers),
        ("dns_names", names.len() as u64),
        ("dns_zones", 0),
        ("dns_queries", 0),
        ("dns_pending", names.iter().filter(|name| name.pending).count() as u64),
    ];
    items.into_iter().map(|(list, count)| vec![text(list), number(count)]).collect()
}
