//! The proxy in front: who goes through it, and how many connections it may have on the server.

use std::fmt::Write;

use super::Wanted;
use super::pools::{at_least, capped, fitting, is_served, is_sized, largest, opener_of, proxy_row};
use crate::Scene;
use crate::budget::{Row, ServerBudget, reached_as, total};
use crate::declared::Together;

/// The name it goes by: as a service, a host, and in the budget.
pub(super) const NAME: &str = "connwarden";
/// Its port.
pub(super) const PORT: u16 = 6432;
/// Server connections where nobody says how many cores there are.
const CONNECTIONS: u64 = 40;
/// Statements at work and as many transactions between two statements, for each core: two and two.
const PER_CORE: u64 = 4;
const CONNECTIONS_MIN: u64 = 10;
/// Clients beyond those that are known.
const CLIENTS_MIN: u64 = 1_000;

/// What the proxy is told.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    /// Where the server is, as the services say.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Databases with the users that ask for them, in order; one pool for each pair.
    pub pools: Vec<(String, String)>,
    /// `pool_size` of each.
    pub pool_size: u32,
    /// `reserve_pool_size` of each.
    pub reserve: u32,
    /// `max_client_conn`.
    pub clients_max: u64,
}

impl Proxy {
    /// The most connections it opens for clients.
    pub(super) fn connections(&self) -> u32 {
        let pools = u32::try_from(self.pools.len()).unwrap_or(u32::MAX);
        pools.saturating_mul(self.pool_size.saturating_add(self.reserve))
    }

    /// The variable that holds a user's password.
    pub(super) fn password_of(user: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        format!("{}_PASSWORD", user.chars().map(plain).collect::<String>())
    }
}

/// The port of a pooler: of one that is there the port it is told, or the one that its clients know.
pub(super) fn port(scene: &Scene<'_>, pooler: &str) -> u16 {
    let own = scene
        .poolers()
        .map(|(looked, _)| looked)
        .find(|looked| pooler == looked.workload.name || pooler == looked.name());
    let Some(looked) = own else { return PORT };
    let files = looked.container.files.values().filter_map(|file| listen_port(&file.text));
    let variables = ["PGBOUNCER_LISTEN_PORT", "PGBOUNCER_PORT", "LISTEN_PORT"];
    let variables =
        variables.into_iter().filter_map(|name| looked.container.value(name)?.0.trim().parse().ok());
    let clients = scene.openers().filter_map(|(_, opener)| opener.to.as_ref());
    let clients = clients.filter(|to| reached_as(looked.workload, &to.host)).filter_map(|to| to.port);
    files.chain(variables).chain(clients).next().unwrap_or(PORT)
}

/// `listen_port = 6432` of an ini or a TOML file.
fn listen_port(text: &str) -> Option<u16> {
    let value = |line: &str| {
        let value = line.trim().strip_prefix("listen_port")?.trim_start().strip_prefix('=')?;
        value.split(['#', ';']).next()?.trim().parse().ok()
    };
    text.lines().filter_map(value).next_back()
}

/// Puts the proxy in front of every service, and its row behind theirs.
pub(super) fn front(
    scene: &Scene<'_>,
    budget: &ServerBudget,
    wanted: &Wanted,
    rows: &mut Vec<Row>,
    room: u64,
    why: &mut Vec<String>,
) -> Proxy {
    let together = scene.declared.together;
    let mut served = rows.iter_mut().filter(|row| is_served(row));
    let Some(first) = served.next() else { return nobody() };
    let like = first.clone();
    let mut clients = first.sums.largest();
    first.via = Some(NAME.to_owned());
    for row in served {
        clients = clients.saturating_add(row.sums.largest());
        row.via = Some(NAME.to_owned());
    }
    let pools = pools(scene, rows);
    let number = pools.len() as u64;
    let cores = server_cores(scene, budget, wanted);
    let good = cores.map_or(CONNECTIONS, |cores| (u64::from(cores) * PER_CORE).max(CONNECTIONS_MIN));
    // What goes past it leaves it its place, or at least one connection for each pool; and the one with which it counts.
    let most = rows.iter().filter(|row| is_sized(row)).map(|row| row.pool.value).max().unwrap_or(0);
    let beside = |places: u64| {
        let passes = |cap: u32| {
            total(&capped(rows, cap), together).largest().saturating_add(places).saturating_add(1) <= room
        };
        largest(most, passes)
    };
    let cap = beside(good * 5 / 4).or_else(|| beside(number)).unwrap_or(1);
    *rows = capped(rows, cap);
    let left = room.saturating_sub(total(rows, together).largest()).saturating_sub(1);
    // A fifth is the reserve.
    let each = good.min(left * 4 / 5) / number.max(1);
    let pool_size = u32::try_from(each.max(1)).unwrap_or(u32::MAX);
    let (host, port) = server_at(scene, budget, rows);
    let clients_max = clients.saturating_mul(2).max(CLIENTS_MIN).div_ceil(100).saturating_mul(100);
    let proxy = Proxy { host, port, pools, pool_size, reserve: pool_size / 4, clients_max };
    let measure = match cores {
        Some(cores) => format!("{PER_CORE} for each of {cores} cores, at least {CONNECTIONS_MIN}"),
        None => format!("{CONNECTIONS} where nobody says how many cores the server has (--cores tells it)"),
    };
    why.push(format!(
        "{NAME}: pool_size = {pool_size}: {measure}, {}with a quarter more in reserve; {left} of the target of {room} are left for it",
        if number > 1 { format!("shared by {number} pools, ") } else { String::new() }
    ));
    why.push(format!("{NAME}: reserve_pool_size = {}: for clients that have waited", proxy.reserve));
    why.push(format!("{NAME}: max_client_conn = {clients_max}: twice the {clients} that its services may open at once, at least {CLIENTS_MIN}"));
    why.push(format!(
        "{NAME}: one proxy; several of them share these numbers, so divide pool_size by how many there are"
    ));
    let row = proxy_row(&proxy, &like);
    rows.push(row);
    proxy
}

/// Sends every service through a pooler that is there.
pub(super) fn behind(
    rows: &mut Vec<Row>,
    pooler: &str,
    together: Together,
    room: u64,
    why: &mut Vec<String>,
) {
    for row in rows.iter_mut().filter(|row| is_served(row)) {
        row.via = Some(pooler.to_owned());
    }
    *rows = fitting(rows, together, room).unwrap_or_else(|| at_least(rows));
    why.push(format!("{pooler}: it is there already, so the services go through it, in transaction mode"));
}

fn nobody() -> Proxy {
    Proxy {
        host: "localhost".into(),
        port: 5432,
        pools: Vec::new(),
        pool_size: 1,
        reserve: 0,
        clients_max: CLIENTS_MIN,
    }
}

/// The cores the server may use.
fn server_cores(scene: &Scene<'_>, budget: &ServerBudget, wanted: &Wanted) -> Option<u32> {
    let own = scene
        .servers()
        .find(|(looked, _)| budget.host.as_deref().is_none_or(|host| reached_as(looked.workload, host)));
    let limit = own.and_then(|(looked, _)| looked.container.cpu_millis_max.as_ref());
    limit.map(|limit| limit.value.div_ceil(1000).max(1)).or(wanted.cores)
}

/// Databases and users of the services behind it. Where none is known, one of each.
fn pools(scene: &Scene<'_>, rows: &[Row]) -> Vec<(String, String)> {
    let mut pools: Vec<(String, String)> = Vec::new();
    for row in rows.iter().filter(|row| row.via.as_deref() == Some(NAME)) {
        let to = opener_of(scene, row).and_then(|(_, opener)| opener.to.as_ref());
        let Some((database, user)) = to.and_then(|to| Some((to.database.clone()?, to.user.clone()?))) else {
            continue;
        };
        if !pools.contains(&(database.clone(), user.clone())) {
            pools.push((database, user));
        }
    }
    pools.sort();
    if pools.is_empty() {
        pools.push(("app".to_owned(), "app".to_owned()));
    }
    pools
}

fn server_at(scene: &Scene<'_>, budget: &ServerBudget, rows: &[Row]) -> (String, u16) {
    let mut openers =
        rows.iter().filter_map(|row| opener_of(scene, row)).filter_map(|(_, one)| one.to.as_ref());
    match openers.next() {
        Some(to) => (to.host.clone(), to.port.unwrap_or(5432)),
        None => (budget.host.clone().unwrap_or_else(|| "localhost".to_owned()), 5432),
    }
}

/// `connwarden.toml`
pub(super) fn toml(proxy: &Proxy) -> String {
    let mut out = String::from(
        "# The proxy in front of PostgreSQL. Check it: connwarden config check --config connwarden.toml\n\n[proxy]\n# Other \
         containers come by TCP. Nothing here is encrypted: keep this network to yourself.\nlisten_addr = \"*\"\n",
    );
    let _ = writeln!(
        out,
        "listen_port = {PORT}\npool_mode = \"transaction\"\nmax_client_conn = {}",
        proxy.clients_max
    );
    out.push_str("# A request that has waited so long for the database has failed anyhow; better to say so.\nquery_wait_timeout = \"15s\"\n");
    let _ = writeln!(out, "\n[server.main]\nhost = {}\nport = {}", quoted(&proxy.host), proxy.port);
    let mut databases: Vec<&str> = proxy.pools.iter().map(|(database, _)| database.as_str()).collect();
    databases.dedup();
    for database in databases {
        let _ = writeln!(
            out,
            "\n[database.{}]\npool_size = {}\nreserve_pool_size = {}",
            quoted(database),
            proxy.pool_size,
            proxy.reserve
        );
    }
    let mut users: Vec<&str> = proxy.pools.iter().map(|(_, user)| user.as_str()).collect();
    users.sort_unstable();
    users.dedup();
    for user in users {
        let _ = writeln!(
            out,
            "\n[user.{}]\npassword = {{ env = \"{}\" }}",
            quoted(user),
            Proxy::password_of(user)
        );
    }
    out
}

/// A string of TOML; also good as a key.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use model::config::load::{Outside, load};
    use model::config::report::Source;

    use super::*;

    struct Passwords;

    impl Outside for Passwords {
        fn env(&self, name: &str) -> Option<String> {
            name.ends_with("_PASSWORD").then(|| "x".to_owned())
        }
        fn secret(&self, _: &std::path::Path) -> Result<String, String> {
            Err("none".to_owned())
        }
        fn userlist(&self, _: &std::path::Path) -> Result<Vec<(String, String)>, String> {
            Err("none".to_owned())
        }
        fn open_to_others(&self, _: &std::path::Path) -> bool {
            false
        }
    }

    fn proxy(pools: &[(&str, &str)]) -> Proxy {
        let pools =
            pools.iter().map(|(database, user)| ((*database).to_owned(), (*user).to_owned())).collect();
        Proxy { host: "db".into(), port: 5433, pools, pool_size: 12, reserve: 3, clients_max: 2_000 }
    }

    #[test]
    fn the_proxy_takes_the_file_that_is_written_for_it() {
        let text = toml(&proxy(&[("wall", "wall"), ("wall", "report"), ("odd \"name\"", "o'neil-2")]));
        let source = Source { path: "connwarden.toml".into(), text: text.as_str().into() };
        let loaded = load(source, &[], &Passwords).unwrap_or_else(|report| panic!("{report}\n{text}"));
        assert_eq!(text.matches("[database.").count(), 2, "each once\n{text}");
        assert_eq!(loaded.config.databases.len(), 2);
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    }

    #[test]
    fn every_pair_of_database_and_user_has_a_pool() {
        assert_eq!(proxy(&[("a", "b"), ("a", "c")]).connections(), 30);
        assert_eq!(Proxy::password_of("o'neil-2"), "O_NEIL_2_PASSWORD");
    }
}
