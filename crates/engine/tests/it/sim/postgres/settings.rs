//! Run-time settings of a session: defaults, values of the session and of the transaction, and which are reported.

use std::collections::BTreeMap;

use super::session::SqlError;

/// What PostgreSQL 15 reports by itself.
pub(crate) const REPORTED: [&str; 13] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

const FIXED: [&str; 5] =
    ["in_hot_standby", "integer_datetimes", "is_superuser", "server_encoding", "server_version"];
const PLAIN: [&str; 8] = [
    "search_path",
    "work_mem",
    "statement_timeout",
    "row_security",
    "role",
    "client_min_messages",
    "extra_float_digits",
    "client_connection_check_interval",
];

/// The settings of one session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// What RESET goes back to: built in, or from the startup packet.
    base: BTreeMap<String, String>,
    built_in: BTreeMap<String, String>,
    session: BTreeMap<String, String>,
    local: BTreeMap<String, String>,
}

/// What a rollback restores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark {
    session: BTreeMap<String, String>,
    local: BTreeMap<String, String>,
}

/// The spelling under which a setting is kept, where it exists.
fn canonical(name: &str) -> Option<String> {
    let known = REPORTED.iter().chain(PLAIN.iter()).find(|known| known.eq_ignore_ascii_case(name));
    match known {
        Some(known) => Some((*known).to_owned()),
        None if name.contains('.') => Some(name.to_lowercase()),
        None => None,
    }
}

fn unknown(name: &str) -> SqlError {
    SqlError::new("42704", format!("unrecognized configuration parameter \"{name}\""), "find_option")
}

fn invalid(name: &str, value: &str) -> SqlError {
    let text = format!("invalid value for parameter \"{name}\": \"{value}\"");
    SqlError::new("22023", text, "parse_and_validate_value")
}

/// The value as the server keeps it.
fn checked(name: &str, value: &str, before: &str) -> Result<String, SqlError> {
    let lower = value.to_lowercase();
    Ok(match name {
        "client_encoding" => match lower.replace(['-', '_'], "").as_str() {
            "utf8" | "unicode" => "UTF8".to_owned(),
            "latin1" | "iso88591" => "LATIN1".to_owned(),
            "sqlascii" => "SQL_ASCII".to_owned(),
            _ => return Err(invalid(name, value)),
        },
        "DateStyle" => {
            let order = before.rsplit(", ").next().unwrap_or("MDY");
            match lower.as_str() {
                "iso" => format!("ISO, {order}"),
                "sql" => format!("SQL, {order}"),
                "iso, dmy" => "ISO, DMY".to_owned(),
                "iso, mdy" => "ISO, MDY".to_owned(),
                "iso, ymd" => "ISO, YMD".to_owned(),
                "sql, dmy" => "SQL, DMY".to_owned(),
                "german, dmy" => "German, DMY".to_owned(),
                _ => return Err(invalid(name, value)),
            }
        }
        "TimeZone" if lower.starts_with("nowhere") => return Err(invalid(name, value)),
        "standard_conforming_strings" | "default_transaction_read_only" | "row_security" => {
            match lower.as_str() {
                "on" | "true" | "1" => "on".to_owned(),
                "off" | "false" | "0" => "off".to_owned(),
                _ => {
                    let text = format!("parameter \"{name}\" requires a Boolean value");
                    return Err(SqlError::new("22023", text, "parse_and_validate_value"));
                }
            }
        }
        "IntervalStyle" => match lower.as_str() {
            "postgres" | "iso_8601" | "sql_standard" => lower,
            _ => return Err(invalid(name, value)),
        },
        "application_name" => value.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
        _ => value.to_owned(),
    })
}

impl Settings {
    /// Those of a fresh session. `Err` ends the login.
    pub(crate) fn new(user: &str, startup: &[(String, String)]) -> Result<Self, SqlError> {
        let mut settings = Self::default();
        for (name, value) in [
            ("application_name", ""),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO, MDY"),
            ("default_transaction_read_only", "off"),
            ("in_hot_standby", "off"),
            ("integer_datetimes", "on"),
            ("IntervalStyle", "postgres"),
            ("is_superuser", "off"),
            ("server_encoding", "UTF8"),
            ("server_version", "15.20"),
            ("session_authorization", user),
            ("standard_conforming_strings", "on"),
            ("TimeZone", "Etc/UTC"),
            ("search_path", "\"$user\", public"),
            ("work_mem", "4MB"),
            ("statement_timeout", "0"),
            ("row_security", "on"),
            ("role", "none"),
            ("client_min_messages", "notice"),
            ("extra_float_digits", "1"),
            ("client_connection_check_interval", "0"),
        ] {
            settings.base.insert(name.to_owned(), value.to_owned());
        }
        settings.built_in.clone_from(&settings.base);
        for (name, value) in startup {
            let known = canonical(name).ok_or_else(|| unknown(name))?;
            if FIXED.contains(&known.as_str()) {
                return Err(fixed(&known));
            }
            let before = settings.base.get(&known).cloned().unwrap_or_default();
            let value = checked(&known, value, &before)?;
            settings.base.insert(known, value);
        }
        Ok(settings)
    }

    /// The value in force; `None`: no such setting.
    pub(crate) fn show(&self, name: &str) -> Option<&str> {
        let known = canonical(name)?;
        let value =
            self.local.get(&known).or_else(|| self.session.get(&known)).or_else(|| self.base.get(&known));
        value.map(String::as_str)
    }

    pub(crate) fn show_or_fail(&self, name: &str) -> Result<&str, SqlError> {
        self.show(name).ok_or_else(|| unknown(name))
    }

    /// SET, SET LOCAL and their DEFAULT; the value now in force.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<String, SqlError> {
        let known = canonical(name).ok_or_else(|| unknown(name))?;
        if FIXED.contains(&known.as_str()) {
            return Err(fixed(&known));
        }
        let base = self.base.get(&known).cloned().unwrap_or_default();
        let value = match value {
            Some(value) => checked(&known, value, self.show(&known).unwrap_or(&base))?,
            None => base.clone(),
        };
        if local {
            self.local.insert(known, value.clone());
        } else {
            self.local.remove(&known);
            if value == base {
                self.session.remove(&known);
            } else {
                self.session.insert(known, value.clone());
            }
        }
        Ok(value)
    }

    /// RESET ALL: neither role nor session_authorization.
    pub(crate) fn reset_all(&mut self) {
        let kept = |name: &String| name == "role" || name == "session_authorization";
        self.session.retain(|name, _| kept(name));
        self.local.retain(|name, _| kept(name));
    }

    /// What a rollback will restore.
    pub(crate) fn mark(&self) -> Mark {
        Mark { session: self.session.clone(), local: self.local.clone() }
    }

    pub(crate) fn back_to(&mut self, mark: &Mark) {
        self.session.clone_from(&mark.session);
        self.local.clone_from(&mark.local);
    }

    /// The transaction has ended well.
    pub(crate) fn commit(&mut self) {
        self.local.clear();
    }

    /// Settings whose value is not the one built in, sorted.
    pub(crate) fn changed(&self) -> Vec<(&str, &str)> {
        let mut names: Vec<&String> =
            self.session.keys().chain(self.local.keys()).chain(self.base.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let changed = names.into_iter().filter_map(|name| {
            let value = self.show(name)?;
            (self.built_in.get(name).map(String::as_str).unwrap_or_default() != value)
                .then_some((name.as_str(), value))
        });
        changed.collect()
    }
}

fn fixed(name: &str) -> SqlError {
    SqlError::new("55P02", format!("parameter \"{name}\" cannot be changed"), "set_config_option")
}
