//! One PostgreSQL for all tests that run at a time; a database, a role and proxies for each of them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use testbed::proxy::Ready;
use testbed::wait::{self, PATIENCE};
use testbed::{Address, Client, Folder, Login, Postgres, PostgresOptions, Proxy};

/// The password of every role.
pub(crate) const PASSWORD: &str = "open sesame";

/// A test's database and role, both of its name.
pub(crate) struct Bed {
    pub(crate) name: &'static str,
    pub(crate) folder: Folder,
    pub(crate) postgres: Arc<Postgres>,
}

/// A configuration in the making. A line replaces the default of the same key.
pub(crate) struct Setup<'a> {
    bed: &'a Bed,
    proxy: String,
    database: String,
    user: String,
    rest: String,
}

/// The server lives as long as somebody uses it.
fn shared() -> Arc<Postgres> {
    static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(postgres) = shared.upgrade() {
        return postgres;
    }
    let options =
        PostgresOptions::default().tcp().hba("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256");
    let postgres = Arc::new(Postgres::start(options).unwrap());
    *shared = Arc::downgrade(&postgres);
    postgres
}

impl Bed {
    pub(crate) fn new(name: &'static str) -> Self {
        let postgres = shared();
        postgres.run("postgres", &format!("create role {name} login password '{PASSWORD}'")).unwrap();
        postgres.run("postgres", &format!("create database {name} owner {name}")).unwrap();
        Self { name, folder: Folder::create().unwrap(), postgres }
    }

    /// Lines of `[proxy]`.
    pub(crate) fn with(&self, proxy: &str) -> Setup<'_> {
        let [database, user, rest] = [const { String::new() }; 3];
        Setup { bed: self, proxy: proxy.to_owned(), database, user, rest }
    }

    /// The first value of SQL past the proxy.
    pub(crate) fn value(&self, sql: &str) -> String {
        self.postgres.admin(self.name).unwrap().value(sql).unwrap()
    }

    /// Servers of the proxies of this test.
    pub(crate) fn sessions(&self) -> usize {
        let name = self.name;
        let sql = format!("select count(*) from pg_stat_activity where usename = '{name}'");
        self.value(&sql).parse().unwrap()
    }

    /// A session through this proxy.
    pub(crate) fn client(&self, proxy: &Proxy) -> Client {
        proxy.client(self.name, self.name).unwrap()
    }

    pub(crate) fn login(&self) -> Login {
        Login::new(self.name, self.name)
    }
}

impl Setup<'_> {
    /// Lines of `[database.NAME]`.
    pub(crate) fn database(mut self, lines: &str) -> Self {
        self.database = lines.to_owned();
        self
    }

    /// Lines of `[user.NAME]`.
    pub(crate) fn user(mut self, lines: &str) -> Self {
        self.user = lines.to_owned();
        self
    }

    /// More sections.
    pub(crate) fn rest(mut self, text: &str) -> Self {
        self.rest = text.to_owned();
        self
    }

    pub(crate) fn text(&self) -> String {
        let (bed, name) = (self.bed, self.bed.name);
        let defaults = [("listen_port", "0"), ("unix_socket_dir", "\"\""), ("auth_type", "\"trust\"")];
        let mut proxy = self.proxy.clone();
        for (key, value) in defaults {
            if !self.proxy.lines().any(|line| line.starts_with(key)) {
                proxy.push_str(&format!("\n{key} = {value}"));
            }
        }
        let host = bed.postgres.host().display();
        let server = if self.database.contains("server =") { "" } else { "server = \"main\"" };
        format!(
            "[proxy]\n{proxy}\n[server.main]\nhost = \"{host}\"\nport = {}\n[database.{name}]\n{server}\n{}\n\
             [user.{name}]\n{}\n{}\n",
            bed.postgres.port(),
            self.database,
            self.user,
            self.rest
        )
    }

    pub(crate) fn start(&self) -> Proxy {
        Proxy::start(&self.text()).unwrap()
    }
}

/// Waits for a line of the log that has all of these words.
pub(crate) fn logged(proxy: &Proxy, words: &[&str]) -> String {
    let line = |log: String| {
        log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
    };
    wait::until(&format!("the log says {words:?}"), PATIENCE, || Ok(line(proxy.log()))).unwrap_or_else(
        |error| {
            panic!("{error}\n{}", proxy.log());
        },
    )
}

/// The only unix socket.
pub(crate) fn unix(ready: &Ready) -> std::path::PathBuf {
    match &ready.unix[..] {
        [Address::Unix(path)] => path.clone(),
        other => panic!("one unix socket is expected, not {other:?}"),
    }
}
