//! The text of a starter file.

use model::config::checked::{Config, RESERVED};
use model::config::explain::{key, quote};

/// What is known of the server.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) databases: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) max_connections: Option<u32>,
    pub(super) reserved: u32,
    pub(super) version: Option<String>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 5432,
            user: "app".into(),
            databases: Vec::new(),
            roles: Vec::new(),
            max_connections: None,
            reserved: 0,
            version: None,
        }
    }
}

/// The variable that holds a role's password: `APP_PASSWORD`.
pub(super) fn variable(user: &str) -> String {
    let name: String =
        user.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    format!("{}{name}_PASSWORD", if digit { "_" } else { "" })
}

/// The whole file.
pub(super) fn text(facts: &Facts) -> String {
    let mut text = String::from(
        "# connwarden: see docs/settings.md for every setting, `connwarden config show` for every value.\n\
         # Durations and sizes have a unit: \"15s\", \"250ms\", \"64KiB\". After a change: connwarden config check\n\n",
    );
    text.push_str(&proxy(facts));
    text.push_str(&server(facts));
    text.push_str(&databases(facts));
    text.push_str(&users(facts));
    text.push_str(&format!(
        "# Who may use the console: psql -p 6432 -U {} connwarden -c 'SHOW POOLS'\n[admin]\nadmin_users = [{}]\n",
        facts.user,
        quote(&facts.user)
    ));
    text
}

fn proxy(facts: &Facts) -> String {
    let default = Config::default().proxy.default_pool_size;
    let usable = facts.max_connections.map(|max| max.saturating_sub(facts.reserved));
    let size = usable.map_or(default, |usable| (usable * 4 / 5).clamp(1, default));
    let pools = match usable {
        Some(usable) => format!("; the server has {usable} to give"),
        None => String::new(),
    };
    format!(
        "[proxy]\n\
         # Where clients connect; \"*\" for every address of this machine.\n\
         listen_addr = \"127.0.0.1\"\n\
         listen_port = 6432\n\
         # A client holds a server connection for one transaction. \"session\": until it leaves.\n\
         pool_mode = \"transaction\"\n\
         # Server connections per pool, a pool being one database and user{pools}.\n\
         default_pool_size = {size}\n\
         max_client_conn = 10000\n\
         # A client that waits longer for a server connection is refused.\n\
         query_wait_timeout = \"2m\"\n\
         # metrics_listen = \"127.0.0.1:9930\"\n\n"
    )
}

fn server(facts: &Facts) -> String {
    let about = match (&facts.version, facts.max_connections) {
        (Some(version), Some(max)) => {
            format!(
                "# PostgreSQL {version}: max_connections {max}, of which {} are reserved.\n",
                facts.reserved
            )
        }
        _ => "# The PostgreSQL server: a name, an address, or the directory of its unix socket.\n".to_owned(),
    };
    format!("{about}[server.main]\nhost = {}\nport = {}\n\n", quote(&facts.host), facts.port)
}

fn databases(facts: &Facts) -> String {
    if facts.databases.is_empty() {
        return "# What clients may ask for: \"*\" is every database of the server. One alone, with settings of its own:\n\
                # [database.shop]\n# pool_size = 5\n[database.\"*\"]\n\n"
            .to_owned();
    }
    let mut text = String::from(
        "# What clients may ask for. Settings of its own stand below a head, like pool_size = 5.\n",
    );
    for name in &facts.databases {
        if RESERVED.contains(&name.as_str()) {
            text.push_str(&format!(
                "# The name {name} leads to the console; under another name:\n# [database.{name}_db]\n# dbname = \"{name}\"\n"
            ));
        } else {
            text.push_str(&format!("[database.{}]\n", key(&name.as_str().into())));
        }
    }
    text.push('\n');
    text
}

fn users(facts: &Facts) -> String {
    let user = |name: &str, lead: &str| {
        format!("{lead}[user.{}]\n{lead}password = {{ env = \"{}\" }}\n", key(&name.into()), variable(name))
    };
    let mut text = String::from(
        "# Who may log in. The password is checked here and used on the server: a text, { env = \"NAME\" } or\n\
         # { file = \"/path\" }. A user list of PgBouncer: auth_file = \"userlist.txt\" in [proxy].\n",
    );
    text.push_str(&user(&facts.user, ""));
    if !facts.roles.is_empty() {
        text.push_str("# Other roles of the server that may log in:\n");
        text.extend(facts.roles.iter().map(|name| user(name, "# ")));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use model::config::load::{Outside, load};
    use model::config::report::Source;

    use super::*;

    struct Set;

    impl Outside for Set {
        fn env(&self, _: &str) -> Option<String> {
            Some("x".into())
        }
        fn secret(&self, _: &std::path::Path) -> Result<String, String> {
            Err("none".into())
        }
        fn userlist(&self, _: &std::path::Path) -> Result<Vec<(String, String)>, String> {
            Err("none".into())
        }
        fn open_to_others(&self, _: &std::path::Path) -> bool {
            false
        }
    }

    #[test]
    fn what_is_written_is_accepted_without_a_warning() {
        let many = Facts {
            host: "/run/postgresql".into(),
            databases: vec!["shop".into(), "pgbouncer".into(), "odd \"name\"".into(), "postgres".into()],
            roles: vec!["jürgen".into(), "2nd-role".into()],
            user: "o'app".into(),
            max_connections: Some(15),
            reserved: 3,
            version: Some("15.1".into()),
            ..Facts::default()
        };
        for facts in [Facts::default(), many] {
            let text = text(&facts);
            let loaded = load(Source { path: "c.toml".into(), text: text.clone() }, &[], &Set)
                .unwrap_or_else(|report| panic!("{report}\n{text}"));
            assert_eq!(loaded.warnings, []);
            let commented =
                text.replace("# [", "[").replace("# password", "password").replace("# dbname", "dbname");
            if facts.version.is_some() {
                load(Source { path: "c.toml".into(), text: commented }, &[], &Set)
                    .unwrap_or_else(|r| panic!("{r}"));
                assert_eq!(loaded.config.proxy.default_pool_size, 9);
            }
        }
    }

    #[test]
    fn a_variable_is_named_after_its_role() {
        assert_eq!(variable("app"), "APP_PASSWORD");
        assert_eq!(variable("2nd-role"), "_2ND_ROLE_PASSWORD");
    }
}
