use super::*;

#[test]
fn a_home_is_opened_before_its_first_client_is_let_in() {
    let mut table = Table::new(2, |_| {});
    let conn = ConnId::client(4, 0);
    let orders = table.on(StewardInput::Note(WorkerId(1), Note::Knock { conn, key: key("d", "ann") }));
    assert!(matches!(&orders[0], (W0, Order::Open { stale: false, .. })));
    let (WorkerId(1), Order::Admit { verdict: Ok(place), .. }) = &orders[1] else { panic!("{orders:?}") };
    assert_eq!((place.home, place.public), (W0, PublicId(1)));
    assert_eq!(orders.len(), 2);
}

#[test]
fn new_pools_go_where_the_fewest_are_unless_the_configuration_says_where() {
    let mut table = Table::new(3, |config| {
        let mut pinned = model::config::checked::Database::with_defaults("pinned".into());
        pinned.server = "main".into();
        pinned.worker.0 = Some(2);
        config.add_database(pinned);
    });
    let homes = |table: &mut Table, names: &[&str]| -> Vec<u16> {
        names.iter().map(|name| table.knock(name, "ann").expect("there is room").home.0).collect()
    };
    assert_eq!(homes(&mut table, &["pinned", "a", "b", "c", "d"]), [2, 0, 1, 0, 1]);
    assert_eq!(homes(&mut table, &["a"]), [0]);
    assert_eq!(homes(&mut table, &["e"]), [2]);
}

#[test]
fn a_departure_makes_room_at_once() {
    let mut table = Table::new(1, |config| config.proxy.max_client_conn = 1);
    let slice = table.pool("d", "ann");
    assert_eq!(table.knock("d", "ann"), Err(Refusal::TooManyClients));
    table.note(Note::Left { slice });
    assert!(table.knock("d", "bob").is_ok());
}

#[test]
fn limits_of_databases_and_users_are_named_in_the_refusal() {
    let mut table = Table::new(1, |config| {
        config.proxy.max_db_client_connections = Limit(Some(2));
        config.proxy.max_user_client_connections = Limit(Some(1));
    });
    table.pool("d", "ann");
    assert!(matches!(table.knock("e", "ann"), Err(Refusal::TooManyUserClients { .. })));
    table.pool("d", "bob");
    assert!(matches!(table.knock("d", "eve"), Err(Refusal::TooManyDatabaseClients { .. })));
}

#[test]
fn who_knocks_at_a_draining_process_is_told_so() {
    let mut table = Table::new(1, |_| {});
    table.command(Command::Shutdown(Shutdown::WaitForClients));
    assert_eq!(table.knock("d", "ann"), Err(Refusal::ShuttingDown));
}

#[test]
fn a_disabled_database_refuses_until_it_is_enabled() {
    let mut table = Table::new(1, |_| {});
    table.command(Command::Disable("d".into()));
    assert!(matches!(table.knock("d", "ann"), Err(Refusal::DatabaseDisabled { .. })));
    assert!(table.knock("e", "ann").is_ok());
    table.command(Command::Enable("d".into()));
    assert!(table.knock("d", "ann").is_ok());
}

#[test]
fn a_slice_that_nobody_uses_is_closed_after_an_hour_and_leaves_its_counts() {
    let mut table = Table::new(1, |_| {});
    let slice = table.pool("d", "ann");
    table.note(Note::Left { slice });
    assert!(table.later(3599 * SECOND).is_empty());
    let orders = table.later(SECOND);
    assert!(matches!(orders[..], [(W0, Order::Shut { slice: shut })] if shut == slice), "{orders:?}");
    let tally = Box::new(crate::tally::SliceTally { queries: 5, ..Default::default() });
    table.note(Note::Shut { slice, tally });
    assert_ne!(table.pool("d", "ann"), slice);
    table.command(Command::Books);
    let Some(Answer::Books(books)) = table.answer() else { panic!("books are answered") };
    assert_eq!(books.retired[0].tally.queries, 5);
}

#[test]
#[should_panic(expected = "no client leaves that was not admitted")]
fn a_client_that_leaves_twice_stops_the_process() {
    let mut table = Table::new(1, |_| {});
    let slice = table.pool("d", "ann");
    table.note(Note::Left { slice });
    table.note(Note::Left { slice });
}

#[test]
fn cancels_are_passed_on_and_come_back_at_once_where_they_name_no_worker() {
    let mut table = Table::new(2, |_| {});
    let conn = ConnId::client(9, 3);
    let cancel = |to| Note::Cancel { to: WorkerId(to), conn, pid: 5, secret: Box::from([1, 2, 3, 4]) };
    let orders = table.note(cancel(1));
    assert!(matches!(orders[..], [(WorkerId(1), Order::Cancel { from: (W0, _), pid: 5, .. })]));
    let orders = table.note(cancel(2));
    assert!(matches!(orders[..], [(W0, Order::Cancel { from: (W0, to), pid: 5, .. })] if to == conn));
    let orders = table.on(StewardInput::Note(WorkerId(1), Note::CancelDone { at: (W0, conn) }));
    assert!(matches!(orders[..], [(W0, Order::CancelDone { conn: done })] if done == conn));
}

#[test]
fn a_pool_lives_where_there_is_least_to_do() {
    let mut table = Table::new(2, |config| {
        let mut pinned = model::config::checked::Database::with_defaults("pinned".into());
        pinned.server = "main".into();
        pinned.worker.0 = Some(0);
        config.add_database(pinned);
    });
    let home = |table: &mut Table, database: &str| table.knock(database, "ann").expect("there is room").home;
    let first: Vec<_> = ["a", "b", "c", "d"].map(|name| home(&mut table, name)).into();
    assert_eq!(first, [0, 1, 0, 1].map(WorkerId), "nobody has done anything: by number");
    table.on(StewardInput::Busy([900, 20].into()));
    assert_eq!(["e", "f", "g"].map(|name| home(&mut table, name)), [1; 3].map(WorkerId), "one is full");
    assert_eq!(home(&mut table, "a"), WorkerId(0), "a pool does not move");
    table.on(StewardInput::Busy([900, 700].into()));
    assert_eq!(home(&mut table, "h"), WorkerId(0), "both are: fewer pools count again");
    table.on(StewardInput::Busy([1_000, 0].into()));
    assert_eq!(home(&mut table, "pinned"), WorkerId(0), "the configuration wins");
}
