//! PgCat, PgDog, Odyssey and Pgpool-II, as far as their files say it plainly.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::pooler;
use crate::pools::told::{Told, place_in};
use crate::pools::{Pooler, address, lines, rules, sums};
use crate::{Number, Text};

/// `pools.NAME.users.N.pool_size`; each server of a shard gets as many.
pub(super) fn pgcat(told: &Told) -> Pooler {
    let file = told.files(|path| path.ends_with("pgcat.toml")).next().map(|(_, file)| file);
    let sizes = file.and_then(|file| {
        let table = table(told, file)?;
        let pools = items(&table, "pools").into_iter().filter_map(|(_, pool)| pool.get_ref().as_table());
        let users: Vec<_> = pools.flat_map(|pool| items(pool, "users")).collect();
        let size = |(_, user): &(&str, &Spanned<DeValue>)| {
            let of_user = user.get_ref().as_table().and_then(|user| count(file, user, "pool_size"));
            of_user.unwrap_or_else(|| {
                Number::assumed(15, "PgCat opens 15 connections for a user: pool_size is not set")
            })
        };
        Some(users.iter().map(size).collect::<Vec<_>>())
    });
    let most = match sizes.filter(|sizes| !sizes.is_empty()) {
        Some(sizes) => sums::of(sizes),
        None => {
            Number::assumed(15, "a pool of 15 assumed, PgCat's default for one user: pgcat.toml is not seen")
        }
    };
    finish("PgCat", told, Number::implied(0), most)
}

/// `[[databases]]` of pgdog.toml times `[[users]]` of users.toml.
pub(super) fn pgdog(told: &Told) -> Pooler {
    const UNTOLD: &str =
        "PgDog opens 10 connections for each user of a database: default_pool_size is not set";
    let named =
        |name: &'static str| told.files(move |path| path.ends_with(name)).next().map(|(_, file)| file);
    let (file, list) = (named("pgdog.toml"), named("users.toml"));
    let config = file.and_then(|file| Some((file, table(told, file)?)));
    let users = list.and_then(|file| Some((file, table(told, file)?)));
    let general = config.as_ref().and_then(|(file, config)| {
        let (_, general) =
            items(config, "general").into_iter().find(|(key, _)| *key == "default_pool_size")?;
        number(file, general)
    });
    let default = || general.clone().unwrap_or_else(|| Number::assumed(10, UNTOLD));
    let databases = config.as_ref().map(|(file, config)| (*file, tables(config, "databases")));
    let users = users.as_ref().map(|(file, users)| (*file, tables(users, "users")));
    let mut sizes = Vec::new();
    for (file, database) in
        databases.iter().flat_map(|(file, list)| list.iter().map(move |entry| (file, entry)))
    {
        let own = count(file, database, "pool_size");
        let Some((file, users)) = &users else {
            let size = own.unwrap_or_else(default).value;
            let one =
                Number::assumed(size, "one user of each database of PgDog assumed: users.toml is not seen");
            sizes.push(one);
            continue;
        };
        let mine =
            |user: &&&DeTable| word(user, "database").is_none_or(|name| Some(name) == word(database, "name"));
        let size = |user: &&DeTable| count(file, user, "pool_size").or(own.clone()).unwrap_or_else(default);
        sizes.extend(users.iter().filter(mine).map(size));
    }
    let most = match sizes.is_empty() {
        false => sums::of(sizes),
        true => {
            Number::assumed(10, format!("{UNTOLD}; one user of one database assumed: pgdog.toml is not seen"))
        }
    };
    finish("PgDog", told, Number::implied(0), most)
}

/// Every `pool_size` of its rules; 0 is no limit.
pub(super) fn odyssey(told: &Told) -> Pooler {
    let file = told.files(|path| path.ends_with("odyssey.conf")).next().map(|(_, file)| file);
    let pairs = file.map(lines::pairs).unwrap_or_default();
    let sizes: Vec<Number> = pairs
        .iter()
        .filter(|pair| pair.key == "pool_size")
        .filter_map(|pair| told.number(pair.value, &pair.place, "pool_size"))
        .collect();
    let most = sums::of(sizes.iter().cloned());
    let most = match sizes.is_empty() || sizes.iter().any(|size| size.value == 0) {
        true => {
            told.complain(
                &rules::UNBOUNDED,
                &told.container.place,
                "nothing bounds the connections of Odyssey: pool_size is 0 or not seen",
                "set pool_size in each rule of odyssey.conf",
            );
            Number::assumed(
                most.value.max(100),
                "Odyssey opens connections WITHOUT A LIMIT; 100 assumed: pool_size is 0 or not seen",
            )
        }
        false => most,
    };
    finish("Odyssey", told, Number::implied(0), most)
}

/// Each child keeps a connection for each of its last `max_pool` users and databases.
pub(super) fn pgpool(told: &Told) -> Pooler {
    let file = told.files(|path| path.ends_with("pgpool.conf")).next().map(|(_, file)| file);
    let pairs = file.map(lines::pairs).unwrap_or_default();
    let number = |key: &str, default: u32, why: &'static str| {
        let of_file = lines::last(&pairs, &[key]).and_then(|pair| told.number(pair.value, &pair.place, key));
        let variable = format!("PGPOOL_{}", key.to_ascii_uppercase());
        of_file.unwrap_or_else(|| told.variable_or(&[&variable], default, why))
    };
    let children = number("num_init_children", 32, "Pgpool-II has 32 children: num_init_children is not set");
    let pools = number(
        "max_pool",
        4,
        "a child of Pgpool-II keeps 4 connections (assumed): max_pool \
        is not set",
    );
    let value = children.value.saturating_mul(pools.value);
    let origin = sums::plus(&children, &pools).origin;
    let most = Number { value, origin };
    Pooler { clients_max: children, ..finish("Pgpool-II", told, Number::implied(0), most) }
}

fn finish(what: &str, told: &Told, kept: Number, most: Number) -> Pooler {
    let clients =
        Number::assumed(1_000, format!("1000 clients of {what} assumed: its limit is not looked up"));
    pooler(what, kept, most, clients, address::target(told, &[]))
}

fn table<'f>(told: &Told, file: &'f Text) -> Option<DeTable<'f>> {
    match DeTable::parse(&file.text) {
        Ok(table) => Some(table.into_inner()),
        Err(error) => {
            let place = place_in(file, error.span().map_or(0, |span| span.start));
            told.complain(
                &rules::UNREADABLE,
                &place,
                "this file is not TOML",
                "check it with the program that reads it",
            );
            None
        }
    }
}

/// What a table inside a table holds.
fn items<'t, 'f>(table: &'t DeTable<'f>, name: &str) -> Vec<(&'t str, &'t Spanned<DeValue<'f>>)> {
    let inner =
        table.iter().find(|(key, _)| key.get_ref() == name).and_then(|(_, value)| value.get_ref().as_table());
    inner.into_iter().flat_map(DeTable::iter).map(|(key, value)| (&**key.get_ref(), value)).collect()
}

/// The tables of a list of tables.
fn tables<'t, 'f>(table: &'t DeTable<'f>, name: &str) -> Vec<&'t DeTable<'f>> {
    let list =
        table.iter().find(|(key, _)| key.get_ref() == name).and_then(|(_, value)| value.get_ref().as_array());
    list.into_iter().flat_map(|list| list.iter()).filter_map(|entry| entry.get_ref().as_table()).collect()
}

fn word<'t>(table: &'t DeTable, name: &str) -> Option<&'t str> {
    table.iter().find(|(key, _)| key.get_ref() == name).and_then(|(_, value)| value.get_ref().as_str())
}

fn count(file: &Text, table: &DeTable, name: &str) -> Option<Number> {
    let (_, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
    number(file, value)
}

fn number(file: &Text, value: &Spanned<DeValue>) -> Option<Number> {
    let count: u32 = value.get_ref().as_integer()?.as_str().replace('_', "").parse().ok()?;
    Some(Number::written(count, &place_in(file, value.span().start)))
}
