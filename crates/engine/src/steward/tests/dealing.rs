use std::time::Duration;

use super::*;
use crate::contract::DialError;
use crate::orders::DialRefusal;
use model::config::checked::Server;
use wire::sqlstate::SqlState;

fn said(code: &[u8], routine: &str) -> Back {
    let code = SqlState::from_bytes(code);
    Back::Refused(DialRefusal::Server { code, routine: routine.into(), message: "no".into() })
}

fn learned(table: &mut Table) -> Vec<(CeilingOf, u32)> {
    table.command(Command::Books);
    let Some(Answer::Books(books)) = table.answer() else { panic!("books are answered") };
    books.ceilings.iter().filter_map(|row| Some((row.limit.clone(), row.learned?))).collect()
}

#[test]
fn a_wish_is_granted_at_once_and_never_above_the_pool_size() {
    let mut table = Table::new(1, |config| config.proxy.default_pool_size = 3);
    let slice = table.pool("d", "ann");
    assert_eq!(table.want(slice, 2), 2);
    assert_eq!(table.want(slice, 5), 1);
    assert_eq!(table.want(slice, 5), 0);
    assert_eq!(granted(&table.back(slice, Back::Closed), slice), 1);
}

#[test]
fn the_reserve_opens_for_who_has_been_waiting_long() {
    let mut table = Table::new(1, |config| {
        config.proxy.default_pool_size = 1;
        config.proxy.reserve_pool_size = 1;
        config.proxy.reserve_pool_timeout = Some(Duration::from_secs(5));
    });
    let slice = table.pool("d", "ann");
    table.opened(slice, 1);
    assert_eq!(table.want(slice, 3), 0);
    assert_eq!(granted(&table.later(5 * SECOND - 1), slice), 0);
    assert_eq!(granted(&table.later(1), slice), 1);
    assert!(table.out.remarks.iter().any(|remark| matches!(remark, StewardRemark::ReserveUsed { .. })));
    assert_eq!(granted(&table.later(SECOND), slice), 0);
}

#[test]
fn a_minimum_is_kept_while_somebody_is_here() {
    let mut table = Table::new(1, |config| config.proxy.min_pool_size = 2);
    let conn = ConnId::client(1, 0);
    let orders = table.note(Note::Knock { conn, key: key("d", "ann") });
    let floor = |orders: &[(WorkerId, Order)]| {
        orders.iter().find_map(|(_, order)| match order {
            Order::Floor { servers, .. } => Some(*servers),
            _ => None,
        })
    };
    assert_eq!(floor(&orders), Some(2));
    let slice = SliceId(0);
    assert_eq!(granted(&orders, slice), 2);
    assert_eq!(floor(&table.note(Note::Left { slice })), Some(0));
}

#[test]
fn an_idle_server_is_called_back_for_a_pool_of_the_same_database_that_waits() {
    let mut table = Table::new(1, |config| config.proxy.max_db_connections = Limit(Some(4)));
    let (ann, bob) = (table.pool("d", "ann"), table.pool("d", "bob"));
    table.opened(ann, 4);
    table.idle(ann, 3);
    table.now = Now(table.now.0 + SECOND);
    let orders = table.note(Note::Want { slice: bob, servers: 1, oldest: Some(table.now), idle: 0 });
    assert_eq!((revoked(&orders, ann), granted(&orders, bob)), (1, 0));
    assert_eq!(revoked(&table.later(SECOND), ann), 0, "what is on its way back is not asked for twice");
    assert_eq!(granted(&table.back(ann, Back::Closed), bob), 1);
}

#[test]
fn a_busy_pool_gives_up_what_is_above_its_share() {
    let mut table = Table::new(1, |config| config.proxy.max_db_connections = Limit(Some(4)));
    let (ann, bob) = (table.pool("d", "ann"), table.pool("d", "bob"));
    table.opened(ann, 4);
    table.want(ann, 10);
    table.now = Now(table.now.0 + SECOND);
    let orders = table.note(Note::Want { slice: bob, servers: 10, oldest: Some(table.now), idle: 0 });
    assert_eq!(revoked(&orders, ann), 2);
}

#[test]
fn one_place_for_two_pools_goes_to_the_longer_wait_after_a_second() {
    let mut table = Table::new(1, |config| config.proxy.max_db_connections = Limit(Some(1)));
    let (ann, bob) = (table.pool("d", "ann"), table.pool("d", "bob"));
    table.opened(ann, 1);
    table.want(bob, 1);
    assert_eq!(revoked(&table.later(SECOND - 1), ann), 0);
    let younger = Some(table.now);
    table.note(Note::Want { slice: ann, servers: 1, oldest: younger, idle: 0 });
    assert_eq!(revoked(&table.later(1), ann), 1);
}

#[test]
fn dials_are_metered_per_server() {
    let mut table = Table::new(1, |config| {
        let server =
            Server { dial_rate: 10, dial_burst: 3, dials_max: 100, ..Server::with_defaults("main".into()) };
        config.add_server(server);
    });
    let slice = table.pool("d", "ann");
    assert_eq!(table.want(slice, 20), 3);
    assert_eq!(granted(&table.later(SECOND / 10), slice), 1);
    assert_eq!(granted(&table.later(SECOND / 5), slice), 2);
}

#[test]
fn each_meaning_of_53300_lowers_its_own_ceiling_and_no_other() {
    let cases = [
        ("InitializeSessionUserId", CeilingOf::Role { server: "main".into(), role: "ann".into() }),
        ("CheckMyDatabase", CeilingOf::ServerDatabase { server: "main".into(), dbname: "d".into() }),
        ("InitPostgres", CeilingOf::Server("main".into())),
        ("InitProcess", CeilingOf::Server("main".into())),
    ];
    for (routine, limit) in cases {
        let mut table = Table::new(1, |_| {});
        let slice = table.pool("d", "ann");
        table.opened(slice, 3);
        table.want(slice, 1);
        table.back(slice, said(b"53300", routine));
        assert_eq!(learned(&mut table), [(limit, 3)], "{routine}");
        assert_eq!(table.want(slice, 5), 0, "no room: {routine}");
        assert_eq!(granted(&table.later(SECOND), slice), 1, "one probe: {routine}");
    }
}

#[test]
fn a_server_that_starts_up_teaches_patience_and_no_ceiling() {
    let mut table = Table::new(1, |_| {});
    let slice = table.pool("d", "ann");
    table.want(slice, 3);
    for _ in 0..3 {
        table.back(slice, said(b"57P03", "ProcessStartupPacket"));
    }
    assert_eq!(learned(&mut table), []);
    assert_eq!(table.want(slice, 3), 0);
    assert_eq!(granted(&table.later(SECOND), slice), 1, "one dial finds out");
    table.note(Note::Up { slice });
    assert_eq!(table.want(slice, 3), 3);
}

#[test]
fn a_wrong_password_of_one_user_does_not_stop_the_others() {
    let mut table = Table::new(1, |_| {});
    let (ann, bob) = (table.pool("d", "ann"), table.pool("d", "bob"));
    table.want(ann, 1);
    table.back(ann, said(b"28P01", "auth_failed"));
    assert_eq!(table.want(ann, 1), 0);
    assert_eq!(table.want(bob, 1), 1);
}

#[test]
fn what_this_machine_lacks_is_not_the_servers_fault() {
    let mut table = Table::new(1, |_| {});
    let (ann, bob) = (table.pool("d", "ann"), table.pool("d", "bob"));
    table.want(ann, 1);
    table.back(ann, Back::Refused(DialRefusal::Socket(DialError::Local)));
    assert_eq!(table.want(bob, 1), 1);
    table.want(ann, 1);
    assert_eq!(granted(&table.later(SECOND / 10), ann), 1);
    assert!(table.steward.is_ready(table.now));
}

#[test]
#[should_panic(expected = "no more credits come back than went out")]
fn a_credit_too_many_stops_the_process() {
    let mut table = Table::new(1, |_| {});
    let slice = table.pool("d", "ann");
    table.back(slice, Back::Closed);
}

#[test]
fn a_lower_size_after_a_reload_calls_the_excess_back() {
    let mut table = Table::new(1, |config| config.proxy.default_pool_size = 5);
    let slice = table.pool("d", "ann");
    table.opened(slice, 5);
    table.now = Now(table.now.0 + SECOND);
    let orders = table.on(StewardInput::Configure(config(|config| config.proxy.default_pool_size = 2)));
    assert!(matches!(orders[0], (_, Order::Configure(_))));
    assert!(matches!(orders[1], (_, Order::Open { stale: false, .. })));
    assert_eq!(revoked(&orders, slice), 3);
}

#[test]
fn a_moved_server_makes_its_connections_stale_and_a_removed_user_shuts_the_pool() {
    let mut table = Table::new(1, |_| {});
    let (ann, bob) = (table.pool("d", "ann"), table.pool("d", "bob"));
    let orders = table.on(StewardInput::Configure(config(|config| {
        config.add_server(Server { port: 6000, ..Server::with_defaults("main".into()) });
        config.users.remove("bob");
    })));
    let opened = |order: &Order| matches!(order, Order::Open { slice, stale: true, .. } if *slice == ann);
    let shut = |order: &Order| matches!(order, Order::Shut { slice } if *slice == bob);
    assert!(orders.iter().any(|(_, order)| opened(order)));
    assert!(orders.iter().any(|(_, order)| shut(order)));
    assert!(matches!(table.knock("d", "bob"), Err(Refusal::NoSuchDatabase { .. })));
    table.note(Note::Left { slice: bob });
    table.note(Note::Shut { slice: bob, tally: Box::default() });
}

#[test]
fn readiness_is_lost_when_nobody_lets_us_in_for_a_minute() {
    let mut table = Table::new(1, |_| {});
    assert!(table.steward.is_ready(table.now), "nothing was ever asked");
    let slice = table.pool("d", "ann");
    table.opened(slice, 1);
    table.back(slice, Back::Closed);
    table.want(slice, 1);
    table.now = Now(table.now.0 + SECOND);
    table.back(slice, Back::Refused(DialRefusal::Lost));
    assert!(table.steward.is_ready(table.now));
    assert!(!table.steward.is_ready(Now(table.now.0 + 60 * SECOND)));
    table.command(Command::Shutdown(Shutdown::Drain));
    assert!(!table.steward.is_ready(table.now));
}
