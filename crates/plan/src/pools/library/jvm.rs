//! HikariCP (Spring, Micronaut, by itself) and Agroal (Quarkus).

use super::{Ground, Pooled, properties};
use crate::Number;

pub(super) fn pooled(ground: &Ground) -> Pooled {
    let quarkus = ground.told.any_begins("QUARKUS_")
        || ground.words.iter().any(|word| word.text.contains("quarkus"))
        || ground
            .told
            .files(|path| path.ends_with(".properties"))
            .any(|(_, file)| file.text.contains("quarkus.datasource"));
    if quarkus { agroal(ground) } else { hikari(ground) }
}

fn hikari(ground: &Ground) -> Pooled {
    let number = |names: &[&str]| properties::number(ground.told, ground.words, names);
    let most = number(&[
        "spring.datasource.hikari.maximum-pool-size",
        "datasources.default.maximum-pool-size",
        "datasources.default.hikari.maximum-pool-size",
        "hikari.maximum-pool-size",
        "spring.r2dbc.pool.max-size",
        "spring.datasource.tomcat.max-active",
    ]);
    let most = most.or_else(|| ground.size(&["maximumPoolSize"], &["HIKARI_MAX_POOL_SIZE", "DB_POOL_SIZE"]));
    let most = most.unwrap_or_else(|| {
        Number::assumed(
            10,
            "HikariCP 6 opens 10 connections: spring.datasource.hikari.maximum-pool-size is not set",
        )
    });
    let kept = number(&[
        "spring.datasource.hikari.minimum-idle",
        "datasources.default.minimum-idle",
        "hikari.minimum-idle",
        "spring.r2dbc.pool.min-idle",
    ]);
    let pool = match kept {
        Some(kept) => ground.between(kept, most, "minimum-idle"),
        // HikariCP keeps as many as it may open.
        None => crate::pools::Pool::fixed(most),
    };
    Pooled { library: "HikariCP", pool }
}

fn agroal(ground: &Ground) -> Pooled {
    let number = |names: &[&str]| properties::number(ground.told, ground.words, names);
    let most = number(&["quarkus.datasource.jdbc.max-size", "quarkus.datasource.reactive.max-size"]);
    let most = most.unwrap_or_else(|| {
        Number::assumed(
            20,
            "Agroal of Quarkus 3 opens up to 20 connections: quarkus.datasource.jdbc.max-size is not set",
        )
    });
    let kept = number(&["quarkus.datasource.jdbc.min-size"]).unwrap_or_else(|| {
        Number::assumed(0, "Agroal of Quarkus 3 keeps none: quarkus.datasource.jdbc.min-size is not set")
    });
    Pooled { library: "Agroal", pool: ground.between(kept, most, "quarkus.datasource.jdbc.min-size") }
}
