//! A preset as lines to put into a file, sized for the memory there is.

use std::fmt::Write;

use model::preset::{MEMORY_PERCENT, Preset};

use super::{needs_restart, size, size_setting};
use crate::catalog::{Setup, Source};
use crate::quote;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A piece of postgresql.conf.
    Conf,
    /// The `command:` of a compose file's service.
    Compose,
    /// `ALTER SYSTEM` statements.
    Sql,
}

/// What a sheet is made for.
#[derive(Clone, Copy, Debug)]
pub struct For<'a> {
    /// The major version, which decides which settings exist.
    pub major: u32,
    /// Memory the server can have, in bytes; `None` where nobody knows.
    pub memory_bytes: Option<u64>,
    /// What a backend takes, in bytes.
    pub backend_bytes: u64,
    /// The server's settings, where one was asked.
    pub setup: Option<&'a Setup>,
}

/// One setting of a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The setting.
    pub name: &'static str,
    /// Its value, as PostgreSQL reads it.
    pub value: String,
    /// Takes effect at a restart, not at a reload.
    pub restart: bool,
    /// What the server has now, where one was asked and it is not a default.
    pub now: Option<String>,
}

/// A preset, written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Which.
    pub preset: Preset,
    /// The major version it is for.
    pub major: u32,
    /// The memory it is sized for, in bytes.
    pub memory_bytes: Option<u64>,
    /// Its settings.
    pub lines: Vec<Line>,
    /// What belongs to it and is no setting of the server.
    pub notes: Vec<String>,
}

impl Sheet {
    /// Sizes a preset.
    pub fn of(preset: Preset, wanted: For<'_>) -> Self {
        let server = preset.server();
        let mut notes = Vec::new();
        let sized = server.sized(wanted.memory_bytes, wanted.backend_bytes);
        match wanted.memory_bytes {
            Some(memory) if sized.connections_max < server.connections_max => notes.push(format!(
                "max_connections is {} instead of the preset's {}: backends of {} and shared buffers shall stay \
                 below {MEMORY_PERCENT} % of {}",
                sized.connections_max,
                server.connections_max,
                size(wanted.backend_bytes),
                size(memory)
            )),
            Some(_) => {}
            None => notes.push(
                "nobody knows how much memory there is: sizes for a small server; --memory 4GB scales them"
                    .to_owned(),
            ),
        }
        let lines = server.settings(&sized, wanted.major).into_iter();
        let lines = lines.map(|(name, value)| Line { name, value, restart: needs_restart(name), now: None });
        let mut sheet = Self {
            preset,
            major: wanted.major,
            memory_bytes: wanted.memory_bytes,
            lines: lines.collect(),
            notes,
        };
        sheet.applications();
        sheet.compare(wanted.setup);
        sheet
    }

    /// What the applications of the environment are given.
    fn applications(&mut self) {
        let process = self.preset.process();
        self.notes.push(format!(
            "each process of the application: DB_MAX_CONNS={} CONN_MAX_AGE={} DEBUG={}",
            process.connections_max,
            process.connection_age_max.as_secs(),
            process.debug
        ));
        if self.preset.server().proxied {
            self.notes.push("in front of it: connwarden proxy --server \"$DATABASE_URL\"".to_owned());
        }
    }

    fn compare(&mut self, setup: Option<&Setup>) {
        let Some(setup) = setup else { return };
        let mut fixed = Vec::new();
        for line in &mut self.lines {
            let Some(setting) = setup.setting(line.name) else { continue };
            let unit = setting.unit.as_deref().filter(|unit| *unit != "8kB").unwrap_or_default();
            line.now = match (setting.source, setting.unit.as_deref(), setup.bytes(line.name)) {
                (Source::Default, ..) => None,
                (_, Some("8kB"), Some(bytes)) => Some(size_setting(bytes)),
                _ => Some(format!("{}{unit}", setting.value)),
            };
            if setting.source == Source::CommandLine {
                fixed.push(line.name);
            }
        }
        if !fixed.is_empty() {
            self.notes.push(format!(
                "on the server's command line, which wins over its files, stand now: {}; change them there",
                fixed.join(", ")
            ));
        }
    }

    /// As text.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Conf => self.conf(),
            Format::Compose => self.compose(),
            Format::Sql => self.sql(),
        }
    }

    fn head(&self, mark: &str) -> String {
        let memory =
            self.memory_bytes.map(|bytes| format!(", {} of memory", size(bytes))).unwrap_or_default();
        let mut out = format!(
            "{mark} connwarden preset {} for PostgreSQL {}{memory}\n",
            self.preset.name(),
            self.major
        );
        for note in &self.notes {
            let _ = writeln!(out, "{mark} {note}");
        }
        out
    }

    fn conf(&self) -> String {
        let mut out = self.head("#");
        for line in &self.lines {
            let text = format!("{} = {}", line.name, conf_value(&line.value));
            let mut notes = Vec::new();
            if line.restart {
                notes.push("restart".to_owned());
            }
            notes.extend(line.now.iter().map(|now| format!("now {}", crate::form::clean(now))));
            let text = if notes.is_empty() { text } else { format!("{text:<50} # {}", notes.join(", ")) };
            let _ = writeln!(out, "{text}");
        }
        out
    }

    /// A list and never a folded scalar, in which a comment would become an argument of the server.
    fn compose(&self) -> String {
        let mut out = self.head("    #");
        out.push_str("    command:\n      - \"postgres\"\n");
        for line in &self.lines {
            let _ = writeln!(out, "      - \"-c\"\n      - \"{}={}\"", line.name, line.value);
        }
        out
    }

    fn sql(&self) -> String {
        let mut out = self.head("--");
        for line in &self.lines {
            let _ = writeln!(out, "ALTER SYSTEM SET {} = {};", line.name, quote::value(&line.value));
        }
        out.push_str("SELECT pg_reload_conf();\n");
        let waits: Vec<&str> = self.lines.iter().filter(|line| line.restart).map(|line| line.name).collect();
        let _ = writeln!(
            out,
            "-- the reload does not apply these, they wait for a restart: {}",
            waits.join(", ")
        );
        out
    }
}

/// Numbers stand bare in postgresql.conf, everything else in quotes.
fn conf_value(value: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        value.to_owned()
    } else {
        quote::value(value)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::span_setting;
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    fn sheet(preset: Preset, major: u32, memory_bytes: Option<u64>) -> Sheet {
        Sheet::of(preset, For { major, memory_bytes, backend_bytes: 7 * MIB, setup: None })
    }

    fn value(sheet: &Sheet, name: &str) -> Option<String> {
        sheet.lines.iter().find(|line| line.name == name).map(|line| line.value.clone())
    }

    #[test]
    fn without_memory_the_table_stands_as_it_is() {
        let text = sheet(Preset::Production, 15, None).write(Format::Conf);
        for line in [
            "max_connections = 400 ",
            "shared_buffers = 256MB ",
            "effective_cache_size = 1GB\n",
            "maintenance_work_mem = 128MB\n",
            "idle_in_transaction_session_timeout = 5min\n",
            "tcp_keepalives_idle = 600\n",
            "tcp_keepalives_interval = 30\n",
            "tcp_keepalives_count = 3\n",
        ] {
            assert!(text.contains(line), "{line:?} in\n{text}");
        }
        assert!(!text.contains("reserved_connections = 2"), "16 and later only:\n{text}");
    }

    #[test]
    fn settings_follow_the_version() {
        let has = |major, name| value(&sheet(Preset::Production, major, None), name).is_some();
        assert!(has(16, "reserved_connections") && !has(15, "reserved_connections"));
        assert!(has(14, "client_connection_check_interval") && !has(13, "client_connection_check_interval"));
    }

    #[test]
    fn sizes_grow_with_the_memory_and_the_slots_shrink_to_fit() {
        let large = sheet(Preset::Production, 16, Some(16 * GIB));
        assert_eq!(value(&large, "shared_buffers").as_deref(), Some("4GB"));
        assert_eq!(value(&large, "effective_cache_size").as_deref(), Some("12GB"));
        assert_eq!(value(&large, "max_connections").as_deref(), Some("400"));
        assert_eq!(value(&large, "work_mem").as_deref(), Some("10MB"));
        let small = sheet(Preset::Production, 16, Some(2 * GIB));
        // (80 % of 2048 MiB - 512 MiB) / 7 MiB = 160.9
        assert_eq!(value(&small, "max_connections").as_deref(), Some("160"));
        assert!(small.notes[0].contains("instead of the preset's 400"));
        let laptop = sheet(Preset::Development, 16, Some(16 * GIB));
        assert_eq!(value(&laptop, "shared_buffers").as_deref(), Some("128MB"), "it has other things to do");
    }

    #[test]
    fn a_tiny_server_still_gets_values_that_it_can_start_with() {
        let tiny = sheet(Preset::Production, 16, Some(64 * MIB));
        assert_eq!(value(&tiny, "max_connections").as_deref(), Some("10"));
        assert_eq!(value(&tiny, "shared_buffers").as_deref(), Some("32MB"));
        assert_eq!(value(&tiny, "work_mem").as_deref(), Some("4MB"));
        assert_eq!(value(&tiny, "maintenance_work_mem").as_deref(), Some("16MB"));
    }

    #[test]
    fn compose_is_a_list_whose_comments_stay_outside() {
        let text = sheet(Preset::HighLoad, 16, None).write(Format::Compose);
        let (head, command) = text.split_once("    command:\n").unwrap();
        assert!(head.lines().all(|line| line.starts_with("    #")) && head.contains("connwarden proxy"));
        assert!(!command.contains('#') && command.starts_with("      - \"postgres\"\n      - \"-c\"\n"));
        assert!(command.contains("      - \"max_connections=400\"\n"));
    }

    #[test]
    fn statements_end_with_the_reload_and_say_what_it_does_not_do() {
        let text = sheet(Preset::Staging, 16, None).write(Format::Sql);
        assert!(text.contains("ALTER SYSTEM SET max_connections = '400';\n"));
        let end = text.split_once("SELECT pg_reload_conf();\n").unwrap().1;
        assert!(end.contains("restart: max_connections, superuser_reserved_connections"), "{end}");
    }

    #[test]
    fn the_example_says_the_same() {
        for preset in Preset::ALL {
            let (process, server) = (preset.process(), preset.server());
            let path = format!("{}/../../examples/wall/{}.env", env!("CARGO_MANIFEST_DIR"), preset.name());
            let text = std::fs::read_to_string(&path).unwrap();
            let seconds = |span: Duration| span.as_secs().to_string();
            let keepalives =
                |of: fn(model::preset::Keepalives) -> u64| server.keepalives.map_or(0, of).to_string();
            for (name, value) in [
                ("DB_MAX_CONNS", process.connections_max.to_string()),
                ("CONN_MAX_AGE", seconds(process.connection_age_max)),
                ("DEBUG", process.debug.to_string()),
                ("DB_HOST", if server.proxied { "connwarden" } else { "postgres" }.to_owned()),
                ("PG_MAX_CONNECTIONS", server.connections_max.to_string()),
                ("PG_SHARED_BUFFERS", size_setting(server.shared_buffers_bytes)),
                ("PG_EFFECTIVE_CACHE_SIZE", size_setting(server.effective_cache_bytes)),
                // Where the table leaves the default, the example writes it.
                ("PG_MAINTENANCE_WORK_MEM", size_setting(server.maintenance_work_bytes.unwrap_or(64 * MIB))),
                (
                    "PG_IDLE_IN_TRANSACTION",
                    span_setting(server.idle_in_transaction_timeout.unwrap_or_default()),
                ),
                ("PG_KEEPALIVES_IDLE", keepalives(|it| it.idle.as_secs())),
                ("PG_KEEPALIVES_INTERVAL", keepalives(|it| it.interval.as_secs())),
                ("PG_KEEPALIVES_COUNT", keepalives(|it| u64::from(it.count))),
            ] {
                assert!(text.lines().any(|line| line == format!("{name}={value}")), "{path}: {name}={value}");
            }
        }
    }
}
