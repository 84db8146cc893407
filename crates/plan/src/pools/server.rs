//! The PostgreSQL server itself: how many connections it lets in, and every setting that its arguments and files give.

use super::calls::{Call, base};
use super::told::Told;
use super::{Server, lines, options, rules, words};
use crate::{Number, Text};

/// The last parts of images that are a PostgreSQL server.
const IMAGES: &[&str] = &[
    "postgres",
    "postgresql",
    "postgresql-repmgr",
    "postgis",
    "timescaledb",
    "timescaledb-ha",
    "timescaledb-postgis",
    "pgvector",
    "citus",
    "spilo",
    "crunchy-postgres",
    "crunchy-postgres-gis",
    "pgrouting",
    "paradedb",
    "orioledb",
    "alloydbomni",
];

/// Programs that are the server, or end up as it.
const PROGRAMS: &[&str] =
    &["postgres", "postmaster", "patroni", "pg_autoctl", "run-postgresql", "start-tune"];

/// The server, if the container is one.
pub(super) fn look(told: &Told, calls: &[Call]) -> Option<Server> {
    let by_image = IMAGES.contains(&told.image_name())
        || told
            .image_name()
            .strip_prefix("postgresql-")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let runs = |call: &&Call| PROGRAMS.contains(&call.program.as_str());
    let call = calls.iter().find(runs).or_else(|| {
        let own = |call: &&Call| call.program.is_empty() || is_start(&call.program);
        calls.iter().find(own).filter(|_| by_image)
    });
    if call.is_none() && !(by_image && told.container.command.is_empty()) {
        return None;
    }
    let mut settings = Settings::default();
    settings.of_files(told);
    settings.of_variables(told);
    if let Some(call) = call {
        settings.of_arguments(&call.words);
    }
    settings.without_effect(told);
    Some(settings.server(told))
}

/// Scripts of images that start the server.
fn is_start(program: &str) -> bool {
    program.contains("entrypoint")
        || matches!(base(program), "run.sh" | "launch.sh" | "start.sh" | "postgres.sh")
}

#[derive(Default)]
struct Settings {
    given: Vec<(Text, Text)>,
}

impl Settings {
    /// A setting. Of several of one name the last holds; the others are kept for whoever asks why.
    fn set(&mut self, name: &str, value: &str, place: &crate::Place) {
        let name = name.trim().replace('-', "_").to_ascii_lowercase();
        let fits =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if !fits {
            return;
        }
        let value = value.trim().trim_matches(['\'', '"']);
        self.given.push((Text::new(name, place.clone()), Text::new(value, place.clone())));
    }

    fn of_files(&mut self, told: &Told) {
        let named = |path: &str| {
            path.ends_with(".conf") && !path.ends_with("pg_hba.conf") && !path.ends_with("pg_ident.conf")
        };
        for (_, file) in told.files(named) {
            for pair in lines::pairs(file) {
                if pair.section.is_empty() && !pair.key.starts_with("include") {
                    self.set(pair.key, pair.value, &pair.place);
                }
            }
        }
    }

    /// What images read from the environment, and flags they hand on.
    fn of_variables(&mut self, told: &Told) {
        const NAMES: [(&str, &str); 4] = [
            ("POSTGRESQL_MAX_CONNECTIONS", "max_connections"),
            ("TS_TUNE_MAX_CONNS", "max_connections"),
            ("POSTGRESQL_SHARED_BUFFERS", "shared_buffers"),
            ("POSTGRESQL_EFFECTIVE_CACHE_SIZE", "effective_cache_size"),
        ];
        for (variable, name) in NAMES {
            if let Some(given) = told.given(&[variable]) {
                self.set(name, given.text, given.place);
            }
        }
        for variable in ["POSTGRES_INITDB_ARGS", "POSTGRESQL_EXTRA_FLAGS"] {
            if let Some(given) = told.given(&[variable]) {
                self.of_arguments(&words::split(&Text::new(given.text, given.place.clone())));
            }
        }
    }

    /// `-c name=value`, `-cname=value`, `--name=value`, `-N 200`, `-B 16384`, `-p 5433`. What begins with `#` is none of these.
    fn of_arguments(&mut self, words: &[Text]) {
        const SHORT: [(&str, &str); 6] = [
            ("-N", "max_connections"),
            ("-B", "shared_buffers"),
            ("-p", "port"),
            ("-h", "listen_addresses"),
            ("-S", "work_mem"),
            ("-k", "unix_socket_directories"),
        ];
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let text = word.text.as_str();
            let pair = match text {
                "-c" | "--set" => rest
                    .next()
                    .filter(|next| !next.text.starts_with('#'))
                    .map(|next| (next.text.as_str(), next)),
                _ if text.starts_with("-c") => text.get(2..).map(|pair| (pair, word)),
                _ => text.strip_prefix("--").map(|pair| (pair, word)),
            };
            if let Some(((name, value), word)) =
                pair.and_then(|(pair, word)| Some((pair.split_once('=')?, word)))
            {
                self.set(name, value, &word.place);
                continue;
            }
            for (option, name) in SHORT {
                if text == option
                    && let Some(value) = rest.clone().next()
                {
                    self.set(name, &value.text, &value.place);
                } else if options::given(std::slice::from_ref(word), &[option]) && text != option {
                    self.set(name, text.get(2..).unwrap_or("").trim_start_matches('='), &word.place);
                }
            }
        }
    }

    /// The official image reads POSTGRES_USER and its like, and no setting of the server.
    fn without_effect(&self, told: &Told) {
        let set = self.given.iter().any(|(name, _)| name.text == "max_connections");
        let given = told.given(&["POSTGRES_MAX_CONNECTIONS", "PG_MAX_CONNECTIONS", "MAX_CONNECTIONS"]);
        if let Some(given) = given.filter(|_| !set) {
            told.complain(
                &rules::NO_EFFECT,
                given.place,
                format!("{} sets nothing: PostgreSQL and its image do not read it", given.name),
                "give the server the arguments -c max_connections=NUMBER",
            );
        }
    }

    fn server(self, told: &Told) -> Server {
        let number = |name: &str, value: u32, why: &'static str| {
            let given = self.given.iter().rev().find(|(other, _)| other.text == name);
            let number = given.and_then(|(_, text)| told.number(&text.text, &text.place, name));
            number.unwrap_or_else(|| Number::assumed(value, why))
        };
        Server {
            connections_max: number(
                "max_connections",
                100,
                "PostgreSQL lets 100 connections in: max_connections is not set",
            ),
            superuser_reserved: number(
                "superuser_reserved_connections",
                3,
                "PostgreSQL keeps 3 connections for superusers: superuser_reserved_connections is not set",
            ),
            reserved: number(
                "reserved_connections",
                0,
                "PostgreSQL keeps none for pg_use_reserved_connections: reserved_connections is not set",
            ),
            settings: self.given,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{container, line, mark, place, rules};
    use super::super::{Part, look};
    use super::*;
    use crate::Container;

    fn limits(container: &Container) -> String {
        match look(container).part {
            Part::Server(server) => [server.connections_max, server.superuser_reserved, server.reserved]
                .map(|n| mark(&n))
                .join(" "),
            _ => "no server".into(),
        }
    }

    #[test]
    fn a_server_is_known_by_its_image_or_its_program() {
        for (image, command, environment, found) in [
            ("postgres:16", "", &[][..], "100a 3a 0a"),
            ("docker.io/library/postgres", "", &[], "100a 3a 0a"),
            ("postgis/postgis:16-3.4", "", &[], "100a 3a 0a"),
            ("pgvector/pgvector:pg16", "", &[], "100a 3a 0a"),
            ("registry/team/db", "postgres -c max_connections=200", &[], "200w 3a 0a"),
            (
                "postgres",
                "postgres -c max_connections=200 -c superuser_reserved_connections=5",
                &[],
                "200w 5w 0a",
            ),
            ("postgres", "-c max_connections=200", &[], "200w 3a 0a"),
            ("postgres", "postgres -cmax_connections=200 -c reserved_connections=2", &[], "200w 3a 2w"),
            ("postgres", "postgres --max_connections=200", &[], "200w 3a 0a"),
            ("postgres", "postgres --max-connections=200", &[], "200w 3a 0a"),
            ("postgres", "postgres -N 200", &[], "200w 3a 0a"),
            ("postgres", "postgres -N200", &[], "200w 3a 0a"),
            ("postgres", "postgres -c max_connections=200 -c max_connections=300", &[], "300w 3a 0a"),
            ("postgres", "docker-entrypoint.sh postgres -c max_connections=200", &[], "200w 3a 0a"),
            (
                "postgres",
                "sh -c|exec docker-entrypoint.sh postgres -c max_connections=200",
                &[],
                "200w 3a 0a",
            ),
            ("postgres", "postgres # -c max_connections=200", &[], "200w 3a 0a"),
            ("postgres", "postgres -c #max_connections=200", &[], "100a 3a 0a"),
            ("postgres", "postgres #-N 200 #--max_connections=300", &[], "100a 3a 0a"),
            ("postgres", "postgres -c max_connections=$MAX", &["MAX=250"], "250w 3a 0a"),
            ("bitnami/postgresql:16", "", &["POSTGRESQL_MAX_CONNECTIONS=300"], "300w 3a 0a"),
            ("postgres", "", &["POSTGRES_INITDB_ARGS=--data-checksums -c max_connections=150"], "150w 3a 0a"),
            ("postgres", "psql -h db", &[], "no server"),
            ("postgres", "pg_dump shop", &[], "no server"),
            ("postgres", "sh -c|until pg_isready; do sleep 1; done", &[], "no server"),
            ("prometheuscommunity/postgres-exporter", "", &[], "no server"),
            ("postgrest/postgrest", "", &[], "no server"),
            ("team/postgres-backup", "", &[], "no server"),
            ("redis", "redis-server", &[], "no server"),
        ] {
            assert_eq!(
                limits(&line(image, command, environment)),
                found,
                "{image} {command} {environment:?}"
            );
        }
    }

    #[test]
    fn a_configuration_file_is_read_and_arguments_win() {
        let mut container = container("postgres", &["postgres", "-c", "shared_buffers=1GB"], &[]);
        let conf =
            "# server\nmax_connections = 400 # many\nshared_buffers = '256MB'\nidle_session_timeout 60000\n";
        container.files.insert("/etc/postgresql/postgresql.conf".into(), Text::new(conf, place()));
        assert_eq!(limits(&container), "400w 3a 0a");
        let Part::Server(server) = look(&container).part else { panic!("no server") };
        let shown: Vec<_> =
            server.settings.iter().map(|(name, value)| format!("{}={}", name.text, value.text)).collect();
        assert_eq!(
            shown,
            [
                "max_connections=400",
                "shared_buffers=256MB",
                "idle_session_timeout=60000",
                "shared_buffers=1GB"
            ]
        );
    }

    #[test]
    fn a_variable_that_nobody_reads_is_said() {
        let container = line("postgres", "", &["POSTGRES_MAX_CONNECTIONS=300"]);
        assert_eq!((limits(&container).as_str(), rules(&container)), ("100a 3a 0a", vec!["POOL009"]));
        let command = "postgres -c max_connections=${POSTGRES_MAX_CONNECTIONS}";
        let container = line("postgres", command, &["POSTGRES_MAX_CONNECTIONS=300"]);
        assert_eq!((limits(&container).as_str(), rules(&container)), ("300w 3a 0a", vec![]));
    }

    #[test]
    fn a_limit_that_is_no_number_is_said() {
        let container = line("postgres", "postgres -c max_connections=viele", &[]);
        assert_eq!((limits(&container).as_str(), rules(&container)), ("100a 3a 0a", vec!["POOL001"]));
    }
}
