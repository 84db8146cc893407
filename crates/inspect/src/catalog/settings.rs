//! How a server is set up: the settings that concern connections, where each came from, what its configuration files
//! say, its roles, and what is set for roles and databases. Asked once for advice, not at every look.

use std::collections::BTreeMap;

use crate::connect::{Answer, Answers, AskError, Row, one};

/// Settings that somebody may be advised on. One that a version lacks has no row.
const NAMES: &[&str] = &[
    "authentication_timeout",
    "client_connection_check_interval",
    "effective_cache_size",
    "hash_mem_multiplier",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "listen_addresses",
    "lock_timeout",
    "maintenance_work_mem",
    "max_connections",
    "max_wal_senders",
    "password_encryption",
    "reserved_connections",
    "shared_buffers",
    "statement_timeout",
    "superuser_reserved_connections",
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "transaction_timeout",
    "wal_level",
    "work_mem",
];

/// What `ALTER ROLE ... SET` and `ALTER DATABASE ... SET` may say about connections.
const OVERRIDES: &str = "^(statement_timeout|lock_timeout|idle_in_transaction_session_timeout|idle_session_timeout|\
                         transaction_timeout)=";

const RIGHTS: &str = "\
SELECT pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
       AND pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') AS sees_files,
       pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS sees_passwords";

/// The role with this oid made the cluster and stays a superuser for ever.
const ROLES: &str = "\
SELECT rolname::text AS name, rolsuper, rolreplication, rolconnlimit, oid = 10 AS is_bootstrap
  FROM pg_catalog.pg_roles WHERE rolcanlogin ORDER BY rolname";

const FILES: &str = "\
SELECT sourcefile, sourceline, name, setting, applied, error FROM pg_catalog.pg_file_settings ORDER BY seqno";

const MD5: &str = "\
SELECT rolname::text AS name FROM pg_catalog.pg_authid
 WHERE rolcanlogin AND rolpassword LIKE 'md5%' ORDER BY rolname";

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// postgresql.conf, or a file beside it.
    File,
    /// `-c` of the server's command line: it wins over the files.
    CommandLine,
    /// The environment, or what the server found out by itself.
    Server,
    /// Our own role, database or session: the server's own value is hidden behind it.
    Ours,
}

impl Source {
    fn read(text: &str) -> Self {
        match text {
            "default" | "dynamic default" => Self::Default,
            "configuration file" => Self::File,
            "command line" => Self::CommandLine,
            "environment variable" | "override" | "global" => Self::Server,
            // database, user, database user, client, interactive, session, test
            _ => Self::Ours,
        }
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its value, a number in `unit`s or a word.
    pub value: String,
    /// `ms`, `s`, `min`, `B`, `kB`, `8kB`, `MB`.
    pub unit: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// A new value waits for a restart.
    pub pending_restart: bool,
}

impl Setting {
    fn read(row: &Row<'_>) -> Result<Self, AskError> {
        Ok(Self {
            value: row.owned("setting")?.unwrap_or_default(),
            unit: row.owned("unit")?,
            source: Source::read(row.text("source")?.unwrap_or_default()),
            pending_restart: row.flag("pending_restart")?,
        })
    }

    /// The number in its base unit: milliseconds, bytes, or as it is.
    fn number(&self) -> Option<f64> {
        let factor = match self.unit.as_deref() {
            None | Some("ms" | "B") => 1.0,
            Some("s") => 1_000.0,
            Some("min") => 60_000.0,
            Some("kB") => 1024.0,
            Some("8kB") => 8.0 * 1024.0,
            Some("MB") => 1024.0 * 1024.0,
            Some(_) => return None,
        };
        Some(self.value.parse::<f64>().ok()? * factor)
    }
}

/// A line of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLine {
    /// The file.
    pub file: String,
    /// The line in it.
    pub line: u32,
    /// The setting, if the line could be read that far.
    pub name: Option<String>,
    /// Its value.
    pub value: Option<String>,
    /// It is in force, or will be after the next reload.
    pub applied: bool,
    /// Why it is not.
    pub error: Option<String>,
}

/// A role that may log in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// A superuser.
    pub is_superuser: bool,
    /// The one that made the cluster.
    pub is_bootstrap: bool,
    /// May stream the whole cluster.
    pub is_replication: bool,
    /// CONNECTION LIMIT; `None` for none.
    pub limit: Option<u32>,
}

/// A setting of a role, of a database, or of a role in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The role; `None` for every role.
    pub role: Option<String>,
    /// The database; `None` for every database.
    pub database: Option<String>,
    /// The setting.
    pub name: String,
    /// Its value, as it was written.
    pub value: String,
}

/// How a server is set up, as far as our role may see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Settings by name.
    pub settings: BTreeMap<String, Setting>,
    /// Lines of the configuration files; `None` where we may not read them.
    pub files: Option<Vec<FileLine>>,
    /// Roles that may log in.
    pub roles: Vec<Role>,
    /// Timeouts that are set for roles and databases.
    pub overrides: Vec<Override>,
    /// Roles whose password is stored as MD5; `None` where we may not see it.
    pub md5_roles: Option<Vec<String>>,
}

impl Setup {
    /// Asks: up to three round trips.
    ///
    /// # Errors
    /// As [`Answers::answers`].
    pub async fn take(server: &mut impl Answers) -> Result<Self, AskError> {
        let names = NAMES.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(",");
        let settings = format!(
            "SELECT name, setting, unit, source, pending_restart FROM pg_catalog.pg_settings
              WHERE name IN ({names}) OR pending_restart OR source = 'command line'"
        );
        let overrides = format!(
            "SELECT r.rolname::text AS role, d.datname::text AS db, entry
               FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) entry
               LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
               LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
              WHERE entry ~ '{OVERRIDES}'"
        );
        let answers = server.answers(&[settings.as_str(), ROLES, overrides.as_str(), RIGHTS]).await?;
        let [settings, roles, overrides, rights] = answers.as_slice() else {
            return Err(AskError::Shape("fewer answers than questions".into()));
        };
        let rights = rights.only()?;
        let (sees_files, sees_passwords) = (rights.flag("sees_files")?, rights.flag("sees_passwords")?);
        let mut setup = Self {
            settings: settings
                .rows()
                .map(|row| Ok((row.value("name")?, Setting::read(&row)?)))
                .collect::<Result<_, AskError>>()?,
            files: None,
            roles: roles.rows().map(|row| Role::read(&row)).collect::<Result<_, AskError>>()?,
            overrides: overrides.rows().map(|row| Override::read(&row)).collect::<Result<_, AskError>>()?,
            md5_roles: None,
        };
        if sees_files {
            setup.files = Some(files(&one(server, FILES).await?)?);
        }
        if sees_passwords {
            let answer = one(server, MD5).await?;
            setup.md5_roles =
                Some(answer.rows().map(|row| row.value("name")).collect::<Result<_, AskError>>()?);
        }
        Ok(setup)
    }

    /// A setting that this version has.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.get(name)
    }

    /// What holds for everybody: `None` where the version lacks it, and where our own role, database or session hides it.
    pub fn value(&self, name: &str) -> Option<&Setting> {
        self.setting(name).filter(|setting| setting.source != Source::Ours)
    }

    /// A word; as [`Self::value`].
    pub fn word(&self, name: &str) -> Option<&str> {
        Some(self.value(name)?.value.as_str())
    }

    /// It stands on the server's command line, which wins over all files: what they say of it never holds.
    pub fn is_on_command_line(&self, name: &str) -> bool {
        self.setting(name).is_some_and(|setting| setting.source == Source::CommandLine)
    }

    /// A configuration file sets it to something else than 0; `None` where the files cannot be read.
    pub fn is_set_in_files(&self, name: &str) -> Option<bool> {
        let mut lines = self.files.as_ref()?.iter().rev();
        let line = lines.find(|line| line.applied && line.name.as_deref() == Some(name));
        Some(line.is_some_and(|line| line.value.as_deref() != Some("0")))
    }

    /// A duration in milliseconds; as [`Self::value`].
    pub fn millis(&self, name: &str) -> Option<u64> {
        self.number(name).map(|millis| millis.max(0.0) as u64)
    }

    /// A size in bytes; as [`Self::value`].
    pub fn bytes(&self, name: &str) -> Option<u64> {
        self.number(name).map(|bytes| bytes.max(0.0) as u64)
    }

    /// A number; as [`Self::value`].
    pub fn number(&self, name: &str) -> Option<f64> {
        self.value(name)?.number()
    }

    /// A role by its name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }
}

impl Role {
    fn read(row: &Row<'_>) -> Result<Self, AskError> {
        let limit: i64 = row.value("rolconnlimit")?;
        Ok(Self {
            name: row.value("name")?,
            is_superuser: row.flag("rolsuper")?,
            is_bootstrap: row.flag("is_bootstrap")?,
            is_replication: row.flag("rolreplication")?,
            limit: u32::try_from(limit).ok(),
        })
    }
}

impl Override {
    fn read(row: &Row<'_>) -> Result<Self, AskError> {
        let entry: String = row.value("entry")?;
        let (name, value) = entry.split_once('=').unwrap_or((&entry, ""));
        Ok(Self {
            role: row.owned("role")?,
            database: row.owned("db")?,
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

fn files(answer: &Answer) -> Result<Vec<FileLine>, AskError> {
    let read = |row: Row<'_>| {
        Ok(FileLine {
            file: row.owned("sourcefile")?.unwrap_or_default(),
            line: row.maybe("sourceline")?.unwrap_or(0),
            name: row.owned("name")?,
            value: row.owned("setting")?,
            applied: row.flag("applied")?,
            error: row.owned("error")?,
        })
    };
    answer.rows().map(read).collect()
}
