//! SQLAlchemy, psycopg_pool, asyncpg and Tortoise.

use super::{Ground, Pooled};
use crate::pools::{Pool, literal, rules, sums};
use crate::{Number, Text};

const SIZES: [&str; 7] = [
    "SQLALCHEMY_POOL_SIZE",
    "DB_POOL_SIZE",
    "DATABASE_POOL_SIZE",
    "POSTGRES_POOL_SIZE",
    "PG_POOL_SIZE",
    "SQL_POOL_SIZE",
    "POOL_SIZE",
];
const OVERFLOWS: [&str; 8] = [
    "SQLALCHEMY_MAX_OVERFLOW",
    "DB_MAX_OVERFLOW",
    "DB_POOL_MAX_OVERFLOW",
    "DATABASE_MAX_OVERFLOW",
    "POSTGRES_MAX_OVERFLOW",
    "PG_MAX_OVERFLOW",
    "SQL_MAX_OVERFLOW",
    "MAX_OVERFLOW",
];

pub(super) fn pooled(ground: &Ground) -> Pooled {
    let told = ground.told;
    let scheme = ground.target.scheme();
    let overflow = OVERFLOWS.iter().any(|name| told.is_set(name));
    if told.any_begins("TORTOISE_") || matches!(scheme, "asyncpg" | "psycopg") {
        return tortoise(ground);
    }
    if scheme.contains('+') || told.any_begins("SQLALCHEMY_") || overflow {
        return sqlalchemy(ground);
    }
    if told.any_begins("PSYCOPG_POOL") {
        return psycopg(ground);
    }
    if told.any_begins("ASYNCPG_") {
        return asyncpg(ground);
    }
    super::unknown(ground, "")
}

fn sqlalchemy(ground: &Ground) -> Pooled {
    let told = ground.told;
    let options = told.given(&["SQLALCHEMY_ENGINE_OPTIONS"]);
    let options = options.map(|given| Text::new(given.text, given.place.clone()));
    let of_options = |key: &str| {
        let (text, place) = literal::entry(options.as_ref()?, key)?;
        let text = text.split([',', '}']).next().unwrap_or("");
        told.number(text, &place, key)
    };
    let size = of_options("pool_size").or_else(|| told.variable(&SIZES)).unwrap_or_else(|| {
        Number::assumed(5, "SQLAlchemy 2 keeps up to 5 connections: pool_size is not set")
    });
    let limitless = told.given(&OVERFLOWS).filter(|given| given.text == "-1");
    let overflow = match limitless {
        Some(given) => {
            told.complain(
                &rules::UNBOUNDED,
                given.place,
                format!("{} is -1: SQLAlchemy opens as many connections as are asked for", given.name),
                "write how many it may open beyond its pool",
            );
            Number::assumed(10, format!("{} is -1, WITHOUT A LIMIT; 10 assumed", given.name))
        }
        None => of_options("max_overflow").or_else(|| told.variable(&OVERFLOWS)).unwrap_or_else(|| {
            Number::assumed(10, "SQLAlchemy 2 opens up to 10 beyond its pool: max_overflow is not set")
        }),
    };
    let sum = sums::plus(&size, &overflow);
    let most = match sum.assumption() {
        Some(_) => ground.by_default("SQLAlchemy", sum),
        None => {
            ground.compare(&sum, "pool_size and max_overflow together");
            sum
        }
    };
    Pooled { library: "SQLAlchemy", pool: Pool { kept: sums::at_most(size, &most), most } }
}

fn psycopg(ground: &Ground) -> Pooled {
    let told = ground.told;
    let kept = told.variable_or(
        &["PSYCOPG_POOL_MIN_SIZE"],
        4,
        "psycopg_pool 3 keeps 4 connections: min_size is not seen",
    );
    let most = told.variable(&["PSYCOPG_POOL_MAX_SIZE", "PSYCOPG_POOL_SIZE"]).unwrap_or_else(|| kept.clone());
    Pooled { library: "psycopg_pool", pool: ground.between(kept, most, "PSYCOPG_POOL_MIN_SIZE") }
}

fn asyncpg(ground: &Ground) -> Pooled {
    let told = ground.told;
    let most = told.variable_or(
        &["ASYNCPG_POOL_MAX_SIZE", "ASYNCPG_MAX_SIZE", "ASYNCPG_POOL_SIZE"],
        10,
        "a pool of asyncpg opens 10 connections: max_size is not seen",
    );
    let kept = told.variable_or(
        &["ASYNCPG_POOL_MIN_SIZE", "ASYNCPG_MIN_SIZE"],
        10,
        "a pool of asyncpg keeps 10 connections: min_size is not seen",
    );
    Pooled { library: "asyncpg", pool: ground.between(kept, most, "ASYNCPG_POOL_MIN_SIZE") }
}

fn tortoise(ground: &Ground) -> Pooled {
    let most = ground
        .size(&["maxsize"], &["TORTOISE_MAXSIZE", "TORTOISE_POOL_SIZE"])
        .unwrap_or_else(|| Number::assumed(5, "Tortoise opens up to 5 connections: maxsize is not set"));
    let kept = ground
        .target
        .parameter("minsize")
        .and_then(|text| ground.told.number(&text.text, &text.place, "minsize"));
    let kept =
        kept.unwrap_or_else(|| Number::assumed(1, "Tortoise keeps one connection: minsize is not set"));
    Pooled { library: "Tortoise", pool: ground.between(kept, most, "minsize") }
}
