//! A configuration in one line.

use model::config::checked::Config;

/// `1 server, 2 databases, 3 users; transaction mode, 20 servers per pool; listens on ...`.
pub(super) fn summary(config: &Config) -> String {
    let proxy = &config.proxy;
    let mut listeners: Vec<String> = proxy
        .listen_addr
        .iter()
        .map(|address| {
            let address = address.to_string();
            if address.contains(':') {
                format!("[{address}]:{}", proxy.listen_port)
            } else {
                format!("{address}:{}", proxy.listen_port)
            }
        })
        .collect();
    listeners.extend(
        proxy.unix_socket_dir.as_ref().map(|dir| format!("{}/.s.PGSQL.{}", dir.display(), proxy.listen_port)),
    );
    format!(
        "{}, {}, {}; {} mode, {} per pool; listens on {}",
        count(config.servers.len(), "server"),
        count(config.databases.len(), "database"),
        count(config.users.len(), "user"),
        proxy.pool_mode,
        count(proxy.default_pool_size as usize, "server connection"),
        listeners.join(" and ")
    )
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
