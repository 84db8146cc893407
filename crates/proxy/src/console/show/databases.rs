//! SHOW DATABASES and SHOW USERS: what the configuration allows, beside what is in use.

use std::sync::Arc;

use engine::steward::DatabaseRow;
use model::config::checked::{Database, Host};

use super::CONSOLE;
use crate::console::table::{Row, number, switch, text};
use crate::control::Frame;

pub(super) fn databases(frame: &Frame, listen_port: u16) -> Vec<Row> {
    let mut rows: Vec<Row> = frame.books.databases.iter().filter_map(|row| database(frame, row)).collect();
    rows.push(console(frame, listen_port));
    rows
}

/// A database's row; none where the configuration has lost it and only its pools still close.
fn database(frame: &Frame, row: &DatabaseRow) -> Option<Row> {
    let config = &frame.config;
    let section: &Arc<Database> = config.database(&row.name).ok()?;
    let server = config.servers.get(&section.server)?;
    let proxy = &config.proxy;
    let dbname = section.dbname.clone().unwrap_or_else(|| row.name.clone());
    Some(vec![
        text(&*row.name),
        host(&server.host),
        number(server.port),
        text(&*dbname),
        section.user.as_deref().map(str::to_owned),
        number(section.pool_size.over(&proxy.default_pool_size)),
        number(section.min_pool_size.over(&proxy.min_pool_size)),
        number(section.reserve_pool_size.over(&proxy.reserve_pool_size)),
        number(section.server_lifetime.over(&proxy.server_lifetime).as_secs()),
        section.pool_mode.0.map(|mode| mode.word().to_owned()),
        None,
        number(section.max_db_connections.over(&proxy.max_db_connections).max().unwrap_or(0)),
        number(row.connections),
        number(section.max_db_client_connections.over(&proxy.max_db_client_connections).max().unwrap_or(0)),
        number(row.clients),
        switch(row.paused || frame.books.paused),
        switch(row.disabled),
    ])
}

/// PgBouncer shows the directory of a unix socket as a host, too.
fn host(host: &Host) -> Option<String> {
    text(host.to_string())
}

fn console(frame: &Frame, listen_port: u16) -> Row {
    vec![
        text(CONSOLE),
        None,
        number(listen_port),
        text(CONSOLE),
        text(CONSOLE),
        number(2u64),
        number(0u64),
        number(0u64),
        number(frame.config.proxy.server_lifetime.as_secs()),
        text("statement"),
        None,
        number(0u64),
        number(0u64),
        number(0u64),
        number(frame.guests),
        switch(false),
        switch(false),
    ]
}

pub(super) fn users(frame: &Frame) -> Vec<Row> {
    let proxy = &frame.config.proxy;
    let padded = |size: Option<u32>| text(size.map_or_else(String::new, |size| format!("{size:9}")));
    let row = |row: &engine::steward::UserRow| {
        let section = frame.config.users.get(&row.name);
        let own =
            |limit: fn(&model::config::checked::User) -> Option<u32>| section.and_then(|user| limit(user));
        vec![
            text(&*row.name),
            padded(own(|user| user.pool_size.0)),
            padded(own(|user| user.reserve_pool_size.0)),
            section.and_then(|user| user.pool_mode.0).map(|mode| mode.word().to_owned()),
            number(
                section
                    .map_or(proxy.max_user_connections, |user| {
                        user.max_user_connections.over(&proxy.max_user_connections)
                    })
                    .max()
                    .unwrap_or(0),
            ),
            number(row.connections),
            number(
                section
                    .map_or(proxy.max_user_client_connections, |user| {
                        user.max_user_client_connections.over(&proxy.max_user_client_connections)
                    })
                    .max()
                    .unwrap_or(0),
            ),
            number(row.clients),
        ]
    };
    frame.books.users.iter().map(row).collect()
}
