//! What no single value can tell: ranges, and how values fit together.

use std::sync::Arc;

use super::checked::{AuthType, Config, Database, FALLBACK, Limit, RESERVED, User};
use super::load::Build;
use super::raw::Head;
use super::report::{Mistake, Place};
use crate::catalog::Section;
use crate::limits;

mod ranges;

const PROXY: Head = (Section::Proxy, None);
const ADMIN: Head = (Section::Admin, None);
const CHECKS: Head = (Section::Checks, None);

/// Every check.
pub(super) fn all(build: &mut Build) {
    ranges::all(build);
    build.listeners();
    build.trust();
    build.servers();
    build.databases();
    build.users();
    build.admins();
    build.targets();
    checks(build);
}

/// A target that leads nowhere.
pub(super) fn target_without_dsn(name: &str, place: Place) -> Mistake {
    let fix = "write dsn = \"postgres://USER@HOST/DBNAME\" or dsn = { env = \"NAME\" }";
    Mistake::new(place, format!("[target.{name}] has no dsn"), fix)
}

/// A warning that comes after the alarm is no warning.
pub(super) fn checks(build: &mut Build) {
    let checks = build.config.checks.clone();
    let pairs = [
        ("warn", "crit", checks.warn.0 > checks.crit.0),
        ("idle_tx_warn", "idle_tx_crit", checks.idle_tx_warn > checks.idle_tx_crit),
        ("limit_warn", "limit_crit", checks.limit_warn.0 > checks.limit_crit.0),
        ("blocked_warn", "blocked_crit", checks.blocked_warn > checks.blocked_crit),
    ];
    for (warn, crit, _) in pairs.into_iter().filter(|(_, _, wrong)| *wrong) {
        let key = if build.places.key(&CHECKS, warn).is_some() { warn } else { crit };
        let fix = format!("write {warn} below {crit}");
        build.refuse(&CHECKS, key, format!("{warn} is above {crit}: there would be no warning"), fix);
    }
}

fn server_head(name: &Arc<str>) -> Head {
    (Section::Server, Some(name.clone()))
}
fn database_head(name: &Arc<str>) -> Head {
    (Section::Database, Some(name.clone()))
}
fn user_head(name: &Arc<str>) -> Head {
    (Section::User, Some(name.clone()))
}

impl Build {
    pub(super) fn refuse(
        &mut self,
        head: &Head,
        key: &str,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let place = self.places.of(head, key);
        self.mistakes.push(Mistake::new(place, problem, fix));
    }

    /// What the proxy needs. A file for the commands that look at servers may do without.
    fn missing(&mut self, problem: &str, fix: &str) {
        if self.config.is_for_looking_only() {
            return;
        }
        self.mistakes.push(Mistake::new(Place::Whole, problem, fix));
    }

    fn warn(&mut self, head: &Head, key: &str, problem: impl Into<String>, fix: impl Into<String>) {
        let place = self.places.of(head, key);
        self.warnings.push(Mistake::new(place, problem, fix));
    }

    fn targets(&mut self) {
        let names: Vec<Arc<str>> = self.config.targets.keys().cloned().collect();
        for name in names {
            let head = (Section::Target, Some(name.clone()));
            if self.places.key(&head, "dsn").is_none() {
                let place = self.places.of(&head, "");
                self.mistakes.push(target_without_dsn(&name, place));
            }
        }
    }

    fn listeners(&mut self) {
        let proxy = &self.config.proxy;
        let (port, dir) = (proxy.listen_port, proxy.unix_socket_dir.clone());
        if proxy.listen_addr.is_empty() && dir.is_none() {
            let fix = "write listen_addr = \"127.0.0.1\" or unix_socket_dir = \"/tmp\"";
            self.refuse(
                &PROXY,
                "listen_addr",
                "listen_addr and unix_socket_dir are both empty: nobody can connect",
                fix,
            );
        }
        // sun_path has 108 bytes, the last one zero.
        if let Some(dir) = dir {
            let path = format!("{}/.s.PGSQL.{port}", dir.display());
            if path.len() > 107 {
                let problem =
                    format!("unix_socket_dir: {path} has {} bytes; the system allows 107", path.len());
                self.refuse(&PROXY, "unix_socket_dir", problem, "choose a shorter directory");
            }
        }
    }

    fn trust(&mut self) {
        let proxy = &self.config.proxy;
        let far = proxy.listen_addr.iter().find(|address| !address.is_loopback()).map(ToString::to_string);
        let (auth_type, allowed) = (proxy.auth_type, proxy.allow_trust_from_network);
        let Some(far) = far else { return };
        match auth_type {
            AuthType::Trust if !allowed => {
                let problem =
                    format!("auth_type = \"trust\" lets everybody in who reaches listen_addr {far}");
                let fix = if self.places.made() {
                    "put the password into the URL, or listen on 127.0.0.1"
                } else {
                    "use auth_type = \"scram-sha-256\", listen on 127.0.0.1, or write allow_trust_from_network = true"
                };
                self.refuse(&PROXY, "auth_type", problem, fix);
            }
            AuthType::Plain => {
                let problem =
                    format!("auth_type = \"plain\" sends passwords in clear text over listen_addr {far}");
                self.warn(&PROXY, "auth_type", problem, "use auth_type = \"scram-sha-256\"");
            }
            AuthType::Trust | AuthType::Md5 | AuthType::ScramSha256 => {}
        }
    }

    fn servers(&mut self) {
        let names: Vec<Arc<str>> = self.config.servers.keys().cloned().collect();
        if names.is_empty() && !self.places.tried(Section::Server) {
            let fix = "write [server.main] and below it host = \"127.0.0.1\"";
            self.missing("there is no [server.NAME]: the proxy has nowhere to go", fix);
        }
        for name in &names {
            let head = server_head(name);
            if name.is_empty() {
                self.refuse(&head, "", "a server's name is empty", "write [server.main]");
            }
            if self.places.key(&head, "host").is_none() && !self.places.made() {
                let problem = format!("[server.{name}] has no host");
                self.refuse(
                    &head,
                    "",
                    problem,
                    "write host = \"127.0.0.1\" below it, or the directory of a unix socket",
                );
            }
            let used = self
                .config
                .databases
                .values()
                .any(|database| database.server == *name || database.server.is_empty());
            if !used && !self.config.databases.is_empty() {
                let problem = format!("no database is on [server.{name}]");
                self.warn(
                    &head,
                    "",
                    problem,
                    format!("write server = \"{name}\" below a [database.NAME], or take it out"),
                );
            }
        }
    }

    fn databases(&mut self) {
        if self.config.databases.is_empty() && !self.places.tried(Section::Database) {
            let fix =
                "write [database.\"*\"] to serve every database of the server, or [database.NAME] for one";
            self.missing("there is no [database.NAME]: clients can ask for nothing", fix);
        }
        for (name, database) in self.config.databases.clone() {
            self.database_name(&name);
            self.database_server(&name, &database);
            self.database_sizes(&name, &database);
            if database.password.is_some() && database.user.is_none() {
                let fix = "write user = \"...\" beside it, or move it to [user.NAME]";
                self.refuse(
                    &database_head(&name),
                    "password",
                    "password: without user it belongs to nobody",
                    fix,
                );
            }
            if let Some(worker) = database.worker.0
                && u32::from(worker) >= self.config.proxy.workers
            {
                let workers = self.config.proxy.workers;
                let problem = format!(
                    "worker: there is no worker {worker}; workers = {workers}, and they count from 0"
                );
                self.refuse(
                    &database_head(&name),
                    "worker",
                    problem,
                    "choose a lower number, or raise workers",
                );
            }
        }
    }

    fn database_name(&mut self, name: &Arc<str>) {
        let head = database_head(name);
        if RESERVED.contains(&&**name) {
            let problem = format!("the name {name} is reserved: it leads to the console");
            let fix = format!("choose another name and write dbname = \"{name}\" below it");
            self.refuse(&head, "", problem, fix);
        } else if name.is_empty() {
            self.refuse(
                &head,
                "",
                "a database's name is empty",
                "write [database.NAME], or [database.\"*\"] for all others",
            );
        } else if name.len() > limits::NAME_BYTES_MAX || name.contains('\0') {
            let problem =
                format!("a database's name may have {} bytes, none of them zero", limits::NAME_BYTES_MAX);
            self.refuse(&head, "", problem, "choose a shorter name");
        }
    }

    /// Fills in the only server there is.
    fn database_server(&mut self, name: &Arc<str>, database: &Arc<Database>) {
        let head = database_head(name);
        let servers: Vec<Arc<str>> = self.config.servers.keys().cloned().collect();
        match servers.as_slice() {
            [] => {}
            [only] if database.server.is_empty() => {
                let mut filled = Database::clone(database);
                filled.server = only.clone();
                self.config.add_database(filled);
            }
            many if database.server.is_empty() => {
                let problem = format!("[database.{name}] does not say on which server it is");
                self.refuse(&head, "", problem, format!("write server = one of {}", quoted(many)));
            }
            many if !many.contains(&database.server) => {
                let problem = format!("server: there is no [server.{}]", database.server);
                let fix = match super::suggest::nearest(&database.server, many.iter().map(|name| &**name)) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("write one of {}", quoted(many)),
                };
                self.refuse(&head, "server", problem, fix);
            }
            _ => {}
        }
    }

    fn database_sizes(&mut self, name: &Arc<str>, database: &Database) {
        let head = database_head(name);
        let proxy = &self.config.proxy;
        let size = database.pool_size.over(&proxy.default_pool_size);
        let min = database.min_pool_size.over(&proxy.min_pool_size);
        let max = database.max_db_connections.over(&proxy.max_db_connections);
        let own = database.pool_size.0.is_some() || database.min_pool_size.0.is_some();
        if own && min > size {
            let key = if database.min_pool_size.0.is_some() { "min_pool_size" } else { "pool_size" };
            let problem = format!("min_pool_size is {min}, more than the pool's size {size}");
            self.refuse(
                &head,
                key,
                problem,
                format!("write min_pool_size = {size} or less, or a larger pool_size"),
            );
        }
        if let Limit(Some(max)) = max
            && min > max
        {
            let problem = format!("min_pool_size is {min}, and max_db_connections allows {max}");
            self.refuse(
                &head,
                "max_db_connections",
                problem,
                format!("raise max_db_connections to {min} or more"),
            );
        }
    }

    fn users(&mut self) {
        let Config { proxy, users, .. } = &self.config;
        let (auth_type, has_file) = (proxy.auth_type, proxy.auth_file.is_some());
        if users.is_empty() && !has_file && !self.places.tried(Section::User) {
            let fix = "write [user.NAME] with a password, or auth_file = \"userlist.txt\" in [proxy]";
            self.missing("there is no user: nobody can log in", fix);
        }
        for (name, user) in self.config.users.clone() {
            self.user(&name, &user, auth_type, has_file);
        }
    }

    fn user(&mut self, name: &Arc<str>, user: &User, auth_type: AuthType, has_file: bool) {
        let head = user_head(name);
        if name.is_empty() || name.len() > limits::NAME_BYTES_MAX || name.contains('\0') {
            let problem =
                format!("a user's name must have 1 to {} bytes, none of them zero", limits::NAME_BYTES_MAX);
            self.refuse(&head, "", problem, "choose another name");
        } else if &**name == FALLBACK {
            self.refuse(&head, "", "\"*\" stands for databases only", "write one [user.NAME] for each user");
        }
        if auth_type == AuthType::Trust {
            return;
        }
        match &user.password {
            None if !has_file && self.places.key(&head, "password").is_none() => {
                let problem = format!("[user.{name}] has no password and can't log in");
                self.refuse(&head, "", problem, "write password = \"...\" or password = { env = \"NAME\" }");
            }
            Some(secret) if auth_type == AuthType::ScramSha256 && is_md5(secret.expose()) => {
                let problem = format!("user {name}: an MD5 hash can't answer auth_type = \"scram-sha-256\"");
                let fix = "store the password or its SCRAM-SHA-256 secret, or use auth_type = \"md5\"";
                if self.places.key(&head, "password").is_some() {
                    self.refuse(&head, "password", problem, fix);
                } else {
                    self.warn(&PROXY, "auth_file", problem, fix);
                }
            }
            None | Some(_) => {}
        }
    }

    fn admins(&mut self) {
        let Config { admin, users, .. } = &self.config;
        let named = admin.admin_users.iter().map(|name| ("admin_users", name));
        let named = named.chain(admin.stats_users.iter().map(|name| ("stats_users", name)));
        let unknown: Vec<_> = named
            .filter(|(_, name)| !users.contains_key(&**name) && !RESERVED.contains(&&***name))
            .map(|(key, name)| (key, name.clone()))
            .collect();
        for (key, name) in unknown {
            let problem = format!("{key}: there is no user {name}, so nobody can log in by that name");
            self.warn(
                &ADMIN,
                key,
                problem,
                format!("write [user.{name}] with a password, or put {name} into auth_file"),
            );
        }
    }
}

fn is_md5(secret: &str) -> bool {
    secret
        .strip_prefix("md5")
        .is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn quoted(names: &[Arc<str>]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
