//! node-postgres and what stands on it, Prisma, knex, Sequelize.

use super::{Ground, Pooled};
use crate::Number;
use crate::pools::Pool;

const SIZES: [&str; 16] = [
    "PG_POOL_MAX",
    "PG_POOL_SIZE",
    "PGPOOLSIZE",
    "PGMAX",
    "PG_MAX_POOL_SIZE",
    "DB_POOL_MAX",
    "DB_POOL_SIZE",
    "DB_MAX_CONNECTIONS",
    "DATABASE_POOL_MAX",
    "DATABASE_POOL_SIZE",
    "DATABASE_MAX_CONNECTIONS",
    "POSTGRES_POOL_MAX",
    "POSTGRES_POOL_SIZE",
    "TYPEORM_POOL_SIZE",
    "TYPEORM_MAX_CONNECTIONS",
    "POOL_MAX",
];

pub(super) fn pooled(ground: &Ground) -> Pooled {
    let told = ground.told;
    let prisma = told.any_begins("PRISMA_")
        || ["connection_limit", "pool_timeout", "schema", "pgbouncer"]
            .iter()
            .any(|name| ground.target.parameter(name).is_some());
    if prisma {
        return prisma_pool(ground);
    }
    if told.any_begins("KNEX_") {
        return between(ground, "knex", &["KNEX_POOL_MAX"], 10, &["KNEX_POOL_MIN", "DB_POOL_MIN"], 2);
    }
    if told.any_begins("SEQUELIZE_") {
        return between(
            ground,
            "Sequelize",
            &["SEQUELIZE_POOL_MAX"],
            5,
            &["SEQUELIZE_POOL_MIN", "DB_POOL_MIN"],
            0,
        );
    }
    let library = if told.any_begins("TYPEORM_") { "TypeORM" } else { "node-postgres" };
    let most = ground.size(&["max", "pool_size"], &SIZES).unwrap_or_else(|| {
        Number::assumed(
            10,
            "a pool of 10 assumed, the max of node-postgres 8 and postgres.js 3, on which TypeORM and Drizzle stand: PG_POOL_MAX and \
             its like are not set",
        )
    });
    Pooled { library, pool: Pool { kept: Number::implied(0), most } }
}

fn between(
    ground: &Ground,
    library: &'static str,
    most_names: &[&str],
    most: u32,
    kept_names: &[&str],
    kept: u32,
) -> Pooled {
    let names: Vec<&str> = most_names.iter().chain(&SIZES).copied().collect();
    let most = ground.size(&[], &names).unwrap_or_else(|| {
        Number::assumed(most, format!("{library} opens up to {most} connections: pool.max is not seen"))
    });
    let kept = ground.told.variable_or(
        kept_names,
        kept,
        format!("{library} keeps {kept} connections: pool.min is not seen"),
    );
    Pooled { library, pool: ground.between(kept, most, "pool.min") }
}

/// Prisma up to 6 has an engine with a pool of its own; 7 uses the driver's, 10 of node-postgres.
fn prisma_pool(ground: &Ground) -> Pooled {
    let most = ground.size(&["connection_limit"], &["PRISMA_CONNECTION_LIMIT"]).unwrap_or_else(|| {
        let most = ground.told.cores().0.saturating_mul(2).saturating_add(1);
        let cores = ground.told.cores_why();
        Number::assumed(
            most,
            format!(
                "Prisma up to 6 opens {most}, twice its cores and one {cores}: \
                 connection_limit in DATABASE_URL is not set (Prisma 7: 10)"
            ),
        )
    });
    Pooled { library: "Prisma", pool: Pool { kept: Number::implied(0), most } }
}
