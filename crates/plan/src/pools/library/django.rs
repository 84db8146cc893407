//! Django: a connection for each thread, or (5.1 and later, with psycopg 3) a pool for each process.

use super::{Ground, Pooled};
use crate::pools::launch::Threads;
use crate::pools::told::Told;
use crate::pools::{Pool, literal, rules};
use crate::{Number, Place, Text};

/// Where a settings module may say it, and the variables that settings are usually made from.
const AGES: [&str; 4] = ["CONN_MAX_AGE", "DB_CONN_MAX_AGE", "DJANGO_CONN_MAX_AGE", "DATABASE_CONN_MAX_AGE"];
const POOL_MOST: [&str; 4] =
    ["DB_POOL_MAX_SIZE", "DATABASE_POOL_MAX_SIZE", "DJANGO_DB_POOL_MAX_SIZE", "POSTGRES_POOL_MAX_SIZE"];
const POOL_LEAST: [&str; 4] =
    ["DB_POOL_MIN_SIZE", "DATABASE_POOL_MIN_SIZE", "DJANGO_DB_POOL_MIN_SIZE", "POSTGRES_POOL_MIN_SIZE"];
const LIMITS: [&str; 3] = ["DB_MAX_CONNS", "DJANGO_DB_MAX_CONNS", "DATABASE_MAX_CONNS"];

/// How long connections are kept between requests.
enum Age {
    /// `CONN_MAX_AGE` is 0, or nothing is seen of it.
    Closed { seen: bool },
    /// It is more, or None.
    Kept(Place),
}

pub(super) fn pooled(ground: &Ground) -> Pooled {
    let told = ground.told;
    let settings = settings(told);
    let age = age(told, settings);
    let pool = match native_pool(ground, settings) {
        Some(pool) => {
            if let Age::Kept(place) = &age {
                told.complain(
                    &rules::AGE_WITH_POOL,
                    place,
                    "CONN_MAX_AGE is not 0 and there is a pool: Django refuses to start with both",
                    "set CONN_MAX_AGE to 0 (the pool keeps the connections), or take the pool out",
                );
            }
            pool
        }
        None => by_thread(ground, &age),
    };
    if let Some(place) = settings.and_then(useless_limit) {
        told.complain(
            &rules::NO_EFFECT,
            &place,
            "MAX_CONNS is no setting of Django: it is ignored, and inside OPTIONS it fails every connection",
            "bound the threads of a process, or use OPTIONS[\"pool\"] with max_size",
        );
    }
    Pooled { library: "Django", pool }
}

/// The settings module among the files, if there is one.
fn settings<'a>(told: &Told<'a>) -> Option<&'a Text> {
    let python = told.files(|path| path.ends_with(".py"));
    python.map(|(_, file)| file).find(|file| file.text.contains("DATABASES") && file.text.contains("ENGINE"))
}

/// `MAX_CONNS` where no third-party backend reads it.
fn useless_limit(settings: &Text) -> Option<Place> {
    let read = settings.text.contains("geventpool") || settings.text.contains("dj_db_conn_pool");
    literal::entry(settings, "MAX_CONNS").map(|(_, place)| place).filter(|_| !read)
}

fn age(told: &Told, settings: Option<&Text>) -> Age {
    let kept = |text: &str, place: &Place| match text.trim_matches(['"', '\'', ' ']) {
        "0" | "0.0" => Age::Closed { seen: true },
        _ => Age::Kept(place.clone()),
    };
    if let Some(given) = told.given(&AGES) {
        return kept(given.text, given.place);
    }
    match settings.and_then(|file| literal::entry(file, "CONN_MAX_AGE")) {
        Some((text, place)) => match literal::number(text, &place, told) {
            Some(number) => kept(&number.value.to_string(), &place),
            None => kept(text, &place),
        },
        None => Age::Closed { seen: false },
    }
}

/// `OPTIONS["pool"]`: `True` is psycopg_pool's defaults, 4 and no more.
fn native_pool(ground: &Ground, settings: Option<&Text>) -> Option<Pool> {
    let told = ground.told;
    let option = settings.and_then(|file| literal::entry(file, "pool"));
    let of_file = |key: &str| {
        let (text, place) = settings.and_then(|file| literal::entry(file, key))?;
        literal::number(text, &place, told)
    };
    let most = told.variable(&POOL_MOST);
    let least = told.variable(&POOL_LEAST);
    let off = option.as_ref().is_some_and(|(text, _)| text.starts_with("False"));
    if off || (option.is_none() && most.is_none() && least.is_none()) {
        return None;
    }
    let most = most.or_else(|| of_file("max_size"));
    let kept = least.or_else(|| of_file("min_size")).unwrap_or_else(|| {
        Number::assumed(4, "psycopg_pool 3 keeps 4 connections: min_size of OPTIONS[\"pool\"] is not seen")
    });
    let most = most.unwrap_or_else(|| match kept.assumption() {
        None => kept.clone(),
        Some(_) => Number::assumed(
            4,
            "psycopg_pool 3 opens no more than its min_size of 4: max_size of OPTIONS[\"pool\"] is not seen",
        ),
    });
    Some(ground.between(kept, most, "min_size"))
}

/// Without a pool each thread has a connection of its own.
fn by_thread(ground: &Ground, age: &Age) -> Pool {
    let told = ground.told;
    let limit = told.variable(&LIMITS).or_else(|| ground.size_by_name());
    if let Some(limit) = &limit {
        ground.compare(limit, told.given(&LIMITS).map_or("the limit", |given| given.name));
    }
    let most =
        limit.map_or_else(|| threads(ground), |limit| ground.grows_no_further(&limit).unwrap_or(limit));
    let kept = match age {
        Age::Kept(_) => match &ground.launch.threads {
            Threads::Count(threads) => Number::implied(threads.value.min(most.value)),
            _ => most.clone(),
        },
        Age::Closed { seen: true } => Number::implied(0),
        Age::Closed { seen: false } => {
            Number::assumed(0, "Django closes a connection when its request ends: CONN_MAX_AGE is not seen")
        }
    };
    Pool { kept, most }
}

fn threads(ground: &Ground) -> Number {
    let program = ground.launch.program;
    match &ground.launch.threads {
        Threads::Count(threads) => threads.clone(),
        Threads::Green(green) => {
            if let Some(why) = green.assumption() {
                unbounded(ground, "each green thread has a connection of its own");
                let value = green.value;
                return Number::assumed(
                    value,
                    format!("Django opens a connection for each green thread, up to {value}: {why}"),
                );
            }
            green.clone()
        }
        Threads::Unbounded => {
            unbounded(ground, "each request that is served has a connection of its own");
            let value = ground.told.cores().0.saturating_add(4).min(32);
            let why = format!(
                "Django under {program} opens a connection for each request being served, WITHOUT A LIMIT; {value} assumed, \
                 the threads of Python's default executor: DB_MAX_CONNS is not set, and no pool is seen in OPTIONS"
            );
            Number::assumed(value, why)
        }
        Threads::Unknown => Number::assumed(
            1,
            format!("Django opens a connection for each thread; one thread assumed for {program}"),
        ),
    }
}

fn unbounded(ground: &Ground, why: &str) {
    ground.told.complain(
        &rules::UNBOUNDED,
        &ground.told.container.place,
        format!("nothing bounds the connections of Django under {}: {why}", ground.launch.program),
        "use OPTIONS[\"pool\"] with max_size (Django 5.1 and later), or say DB_MAX_CONNS",
    );
}
