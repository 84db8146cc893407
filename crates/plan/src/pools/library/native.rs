//! Go, Rust, .NET, Elixir and PHP.

use super::{Ground, Pooled};
use crate::Number;
use crate::pools::{Pool, rules};

pub(super) fn go(ground: &Ground) -> Pooled {
    let told = ground.told;
    let pgx = ["pool_max_conns", "pool_min_conns", "pool_max_conn_lifetime"]
        .iter()
        .any(|name| ground.target.parameter(name).is_some());
    if pgx || told.any_begins("PGX_") {
        return pgx_pool(ground);
    }
    let names = [
        "DB_MAX_OPEN_CONNS",
        "DATABASE_MAX_OPEN_CONNS",
        "POSTGRES_MAX_OPEN_CONNS",
        "PG_MAX_OPEN_CONNS",
        "SQL_MAX_OPEN_CONNS",
        "MAX_OPEN_CONNS",
        "DB_MAX_CONNS",
    ];
    let limit = ground.size(&[], &names).filter(|limit| limit.value > 0);
    let most = limit.unwrap_or_else(|| {
        told.complain(
            &rules::UNBOUNDED,
            &told.container.place,
            "nothing bounds the connections of this Go program: database/sql opens as many as are asked for",
            "call SetMaxOpenConns and say the number in DB_MAX_OPEN_CONNS, or pool_max_conns in the \
                URL for pgx",
        );
        Number::assumed(
            10,
            "database/sql of Go opens connections WITHOUT A LIMIT; 10 assumed: DB_MAX_OPEN_CONNS is \
                not set (pgxpool: at least 4)",
        )
    });
    let idle = ["DB_MAX_IDLE_CONNS", "DATABASE_MAX_IDLE_CONNS", "MAX_IDLE_CONNS"];
    let kept =
        told.variable_or(&idle, 2, "database/sql of Go keeps 2 connections: DB_MAX_IDLE_CONNS is not set");
    // SetMaxIdleConns above SetMaxOpenConns is lowered to it.
    Pooled { library: "Go", pool: Pool { kept: crate::pools::sums::at_most(kept, &most), most } }
}

fn pgx_pool(ground: &Ground) -> Pooled {
    let told = ground.told;
    let most =
        ground.size(&["pool_max_conns"], &["PGX_MAX_CONNS", "PGX_POOL_MAX_CONNS"]).unwrap_or_else(|| {
            let most = told.cores().0.max(4);
            Number::assumed(
                most,
                format!(
                    "pgxpool 5 opens 4 connections or as many as cores {}: pool_max_conns is not set",
                    told.cores_why()
                ),
            )
        });
    let kept = ground
        .target
        .parameter("pool_min_conns")
        .and_then(|text| told.number(&text.text, &text.place, "pool_min_conns"));
    let kept = kept.unwrap_or_else(|| Number::assumed(0, "pgxpool 5 keeps none: pool_min_conns is not set"));
    Pooled { library: "pgx", pool: ground.between(kept, most, "pool_min_conns") }
}

pub(super) fn rust(ground: &Ground) -> Pooled {
    let told = ground.told;
    let names = [
        "DATABASE_MAX_CONNECTIONS",
        "DB_MAX_CONNECTIONS",
        "SQLX_MAX_CONNECTIONS",
        "DATABASE__MAX_CONNECTIONS",
        "APP_DATABASE__MAX_CONNECTIONS",
        "DATABASE_POOL_SIZE",
        "DB_POOL_SIZE",
        "POOL__MAX_SIZE",
        "PG__POOL__MAX_SIZE",
    ];
    let deadpool = told.any_begins("PG__") || told.any_begins("POOL__") || told.any_begins("DEADPOOL");
    let most = ground.size(&["max_connections"], &names).unwrap_or_else(|| {
        if deadpool {
            let why =
                format!("deadpool opens twice its cores {}: POOL__MAX_SIZE is not set", told.cores_why());
            return Number::assumed(told.cores().0.saturating_mul(2), why);
        }
        Number::assumed(
            10,
            "a pool of 10 assumed, as sqlx 0.9, bb8 0.9 and r2d2 0.8 (diesel) have \
            it: DATABASE_MAX_CONNECTIONS is not set",
        )
    });
    let names = ["DATABASE_MIN_CONNECTIONS", "DB_MIN_CONNECTIONS", "SQLX_MIN_CONNECTIONS"];
    let kept = told.variable(&names).unwrap_or_else(|| Number::implied(0));
    Pooled {
        library: if deadpool { "deadpool" } else { "Rust" },
        pool: ground.between(kept, most, "min_connections"),
    }
}

pub(super) fn npgsql(ground: &Ground) -> Pooled {
    let told = ground.told;
    let parameter = |names: &[&'static str]| {
        names.iter().find_map(|name| {
            let text = ground.target.parameter(name)?;
            told.number(&text.text, &text.place, name)
        })
    };
    let off = ground.target.parameter("pooling").is_some_and(|text| text.text.eq_ignore_ascii_case("false"));
    let most = match off {
        true => None,
        false => parameter(&["Maximum Pool Size", "Max Pool Size"]).or_else(|| ground.size_by_name()),
    };
    let most = most.unwrap_or_else(|| match off {
        true => {
            Number::assumed(100, "Pooling is false: Npgsql opens connections WITHOUT A LIMIT; 100 assumed")
        }
        false => Number::assumed(
            100,
            "Npgsql opens up to 100 connections: Maximum Pool Size is not in the connection string",
        ),
    });
    let kept = parameter(&["Minimum Pool Size", "Min Pool Size"]).unwrap_or_else(|| {
        Number::assumed(0, "Npgsql keeps none: Minimum Pool Size is not in the connection string")
    });
    Pooled { library: "Npgsql", pool: ground.between(kept, most, "Minimum Pool Size") }
}

pub(super) fn ecto(ground: &Ground) -> Pooled {
    let size = ground.size(&["pool_size"], &["POOL_SIZE", "DB_POOL_SIZE", "DATABASE_POOL_SIZE"]);
    let size = size.unwrap_or_else(|| {
        Number::assumed(
            10,
            "Phoenix's runtime.exs opens 10 connections: POOL_SIZE is not set \
            (assumed; Ecto without it opens fewer)",
        )
    });
    let count = ground.told.variable(&["POOL_COUNT", "ECTO_POOL_COUNT"]).filter(|count| count.value > 1);
    let size = match count {
        Some(count) => Number { value: size.value.saturating_mul(count.value), ..size },
        None => size,
    };
    Pooled { library: "Ecto", pool: Pool::fixed(size) }
}

/// A connection for as long as a request lasts, and no longer unless it is made persistent.
pub(super) fn php() -> Pooled {
    Pooled { library: "PHP", pool: Pool { kept: Number::implied(0), most: Number::implied(1) } }
}
