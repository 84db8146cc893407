//! .NET, Elixir, programs that work on one connection, and programs that have nothing to do with a database.

use super::super::calls::Call;
use super::super::options;
use super::super::told::Told;
use super::{Language, Launch, Recognised, Span};
use crate::Number;

pub(super) fn recognise(call: &Call, told: &Told) -> Recognised {
    match call.program.as_str() {
        "dotnet" => match call.operand() {
            "ef" => Launch::short("a migration", Language::Dotnet).into(),
            _ => Launch::serves("dotnet", Language::Dotnet, Number::implied(1)).into(),
        },
        "mix" | "iex" | "elixir" => match call.operand() {
            command if command.starts_with("ecto.") || command.starts_with("ash.") => {
                Launch::short("a migration", Language::Elixir).into()
            }
            _ => Launch::serves("mix", Language::Elixir, Number::implied(1)).into(),
        },
        "pg_dump" | "pg_restore" | "pg_dumpall" => dump(call, told).into(),
        "pgbench" => {
            let clients =
                options::number(&call.words, &["-c", "--client"], told).unwrap_or_else(|| Number::implied(1));
            Launch {
                life: Span::Runs,
                ..Launch::serves("pgbench", Language::Unknown, Number::implied(1)).with_threads(clients)
            }
            .into()
        }
        "psql" | "vacuumdb" | "reindexdb" | "createdb" | "dropdb" | "createuser" | "pgcli" => {
            Launch::short("psql", Language::Unknown).into()
        }
        "goose" | "migrate" | "dbmate" | "sqlx" | "diesel" | "sqitch" | "atlas" | "tern" | "migra"
        | "refinery" | "sea-orm-cli" | "bytebase" => Launch::short("a migration", Language::Unknown).into(),
        "nginx" | "caddy" | "haproxy" | "traefik" | "envoy" | "redis-server" | "redis-cli"
        | "valkey-server" | "memcached" | "rabbitmq-server" | "mongod" | "mysqld" | "mariadbd" | "minio"
        | "prometheus" | "crond" | "cron" | "tail" | "ssh" | "sshd" | "rsync" | "aws" | "gsutil"
        | "kubectl" | "helm" | "git" | "id" | "nslookup" | "ping" | "pause" => Recognised::Silent,
        _ => Recognised::Unknown,
    }
}

/// With `-j` there is a connection for each job beside the first.
fn dump(call: &Call, told: &Told) -> Launch {
    let launch = Launch::short("pg_dump", Language::Unknown);
    match options::number(&call.words, &["-j", "--jobs"], told).filter(|jobs| jobs.value > 1) {
        Some(jobs) => Launch {
            life: Span::Runs,
            ..launch.with_threads(Number { value: jobs.value.saturating_add(1), ..jobs })
        },
        None => launch,
    }
}
