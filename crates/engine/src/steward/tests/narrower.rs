//! What a database or a user has of its own wins over what `[proxy]` says, and each limit is counted over what it names.

use std::time::Duration;

use super::*;
use crate::orders::DialRefusal;
use model::config::checked::{Database, Own, Server};

fn database(name: &str, change: impl FnOnce(&mut Database)) -> Database {
    let mut database = Database { server: "main".into(), ..Database::with_defaults(name.into()) };
    change(&mut database);
    database
}

fn changed(name: &str, change: impl FnOnce(&mut User)) -> User {
    let mut user = user(name);
    change(&mut user);
    user
}

#[test]
fn the_size_of_a_user_wins_over_the_databases_and_that_over_the_default() {
    let mut table = Table::new(1, |config| {
        config.proxy.default_pool_size = 4;
        config.add_database(database("d", |d| d.pool_size = Own(Some(2))));
        config.add_user(changed("bob", |bob| bob.pool_size = Own(Some(3))));
    });
    let pools = [table.pool("e", "ann"), table.pool("d", "ann"), table.pool("d", "bob")];
    assert_eq!(pools.map(|pool| table.want(pool, 9)), [4, 2, 3]);
}

#[test]
fn the_minimum_of_a_database_wins_over_the_default() {
    let mut table = Table::new(1, |config| {
        config.proxy.min_pool_size = 1;
        config.add_database(database("d", |d| d.min_pool_size = Own(Some(3))));
    });
    for (name, floor, number) in [("e", 1, 0), ("d", 3, 1)] {
        let conn = ConnId::client(number, 0);
        let orders = table.note(Note::Knock { conn, key: key(name, "ann") });
        let kept = orders.iter().find_map(|(_, order)| match order {
            Order::Floor { servers, .. } => Some(*servers),
            _ => None,
        });
        assert_eq!((kept, granted(&orders, SliceId(number))), (Some(floor), floor), "{name}");
    }
}

#[test]
fn the_reserve_of_a_user_wins_over_the_databases_and_that_over_the_default() {
    let mut table = Table::new(1, |config| {
        config.proxy.default_pool_size = 1;
        config.proxy.reserve_pool_size = 1;
        config.proxy.reserve_pool_timeout = Some(Duration::from_secs(5));
        config.add_database(database("d", |d| d.reserve_pool_size = Own(Some(2))));
        config.add_user(changed("bob", |bob| bob.reserve_pool_size = Own(Some(3))));
    });
    for (name, who, reserve) in [("e", "ann", 1), ("d", "ann", 2), ("d", "bob", 3)] {
        let pool = table.pool(name, who);
        table.opened(pool, 1);
        assert_eq!(table.want(pool, 9), 0);
        assert_eq!(granted(&table.later(5 * SECOND), pool), reserve, "{name}/{who}");
        table.want(pool, 0);
    }
}

#[test]
fn servers_of_a_database_are_counted_over_its_users() {
    let mut table = Table::new(1, |config| {
        config.proxy.max_db_connections = Limit(Some(4));
        config.add_database(database("d", |d| d.max_db_connections = Own(Some(Limit(Some(3))))));
    });
    let (ann, bob) = (table.pool("d", "ann"), table.pool("d", "bob"));
    assert_eq!((table.want(ann, 2), table.want(bob, 9)), (2, 1));
    let other = table.pool("e", "ann");
    assert_eq!(table.want(other, 9), 4);
}

#[test]
fn servers_of_a_user_are_counted_over_databases() {
    let mut table = Table::new(1, |config| {
        config.proxy.max_user_connections = Limit(Some(4));
        config.add_user(changed("bob", |bob| bob.max_user_connections = Own(Some(Limit(Some(3))))));
    });
    for (who, most) in [("ann", 4), ("bob", 3)] {
        let (first, second) = (table.pool("d", who), table.pool("e", who));
        assert_eq!((table.want(first, 2), table.want(second, 9)), (2, most - 2), "{who}");
    }
}

#[test]
fn clients_are_limited_by_the_narrower_section() {
    let mut table = Table::new(1, |config| {
        config.proxy.max_db_client_connections = Limit(Some(2));
        config.proxy.max_user_client_connections = Limit(Some(3));
        config.add_database(database("d", |d| d.max_db_client_connections = Own(Some(Limit(Some(1))))));
        config.add_user(changed("bob", |bob| bob.max_user_client_connections = Own(Some(Limit(None)))));
        config.add_user(changed("eve", |eve| eve.max_user_client_connections = Own(Some(Limit(Some(1))))));
    });
    table.pool("d", "bob");
    assert!(matches!(table.knock("d", "bob"), Err(Refusal::TooManyDatabaseClients { .. })));
    for name in ["e", "f", "g", "h"] {
        table.pool(name, "bob");
    }
    table.pool("e", "eve");
    assert!(matches!(table.knock("f", "eve"), Err(Refusal::TooManyUserClients { .. })));
}

#[test]
fn a_heavier_database_gets_more_when_both_want_all() {
    let mut table = Table::new(1, |config| {
        config.proxy.max_user_connections = Limit(Some(4));
        config.add_database(database("heavy", |d| d.weight = 300));
        config.add_database(database("light", |d| d.weight = 100));
    });
    let (light, heavy) = (table.pool("light", "ann"), table.pool("heavy", "ann"));
    table.opened(light, 4);
    table.want(light, 10);
    table.now = Now(table.now.0 + SECOND);
    let orders = table.note(Note::Want { slice: heavy, servers: 10, oldest: Some(table.now), idle: 0 });
    assert_eq!(revoked(&orders, light), 3);
}

#[test]
fn so_many_dials_are_under_way_at_a_time() {
    let mut table = Table::new(1, |config| {
        config.add_server(Server { dials_max: 2, ..Server::with_defaults("main".into()) });
    });
    let pool = table.pool("d", "ann");
    assert_eq!(table.want(pool, 9), 2);
    assert_eq!(granted(&table.note(Note::Up { slice: pool }), pool), 1);
}

#[test]
fn a_server_that_fails_is_tried_again_within_the_longest_pause() {
    let dials_in_a_minute = |longest: u64| {
        let mut table =
            Table::new(1, |config| config.proxy.server_login_retry = Duration::from_secs(longest));
        let pool = table.pool("d", "ann");
        let (mut dials, mut granted_now) = (0, table.want(pool, 1));
        while table.now < Now(61 * SECOND) {
            dials += granted_now;
            if granted_now > 0 {
                table.back(pool, Back::Refused(DialRefusal::Lost));
                granted_now = table.want(pool, 1);
            } else {
                granted_now = granted(&table.later(SECOND / 10), pool);
            }
        }
        dials
    };
    let (often, seldom) = (dials_in_a_minute(1), dials_in_a_minute(15));
    assert!(often >= 60, "{often}");
    assert!((8..20).contains(&seldom), "{seldom}");
}
