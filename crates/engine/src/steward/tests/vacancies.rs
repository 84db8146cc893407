//! Databases that must be vacant for a while.

use model::config::checked::{Database, Server};

use super::*;

const ASKED: Ticket = Ticket(41);

/// A database of ours by this name is this one of that server.
fn database(config: &mut Config, name: &str, server: &str, dbname: &str) {
    let defaults = Database::with_defaults(name.into());
    config.add_database(Database { server: server.into(), dbname: Some(dbname.into()), ..defaults });
}

fn table() -> Table {
    Table::new(2, |config| {
        let main = config.servers["main"].clone();
        config.add_server(Server { name: "again".into(), ..(*main).clone() });
        config.add_server(Server { name: "other".into(), port: main.port + 1, ..(*main).clone() });
        database(config, "home", "main", "home");
        database(config, "x", "main", "x");
        database(config, "alias", "again", "x");
        database(config, "elsewhere", "other", "x");
        database(config, "y", "main", "y");
    })
}

fn ask(table: &mut Table, slice: SliceId, ticket: Ticket) -> Vec<(WorkerId, Order)> {
    table.note(Note::Vacate { ticket, slice, database: "x".into() })
}

/// The slices that are told, and the name of it.
fn told(orders: &[(WorkerId, Order)]) -> (Vec<SliceId>, Option<Ticket>) {
    let told = |(_, order): &(WorkerId, Order)| match order {
        Order::Vacate { ticket, slice } => Some((*slice, *ticket)),
        _ => None,
    };
    let told: Vec<_> = orders.iter().filter_map(told).collect();
    (told.iter().map(|(slice, _)| *slice).collect(), told.first().map(|(_, ticket)| *ticket))
}

fn is_vacant(orders: &[(WorkerId, Order)]) -> bool {
    orders.iter().any(|(_, order)| matches!(order, Order::Vacant { ticket } if *ticket == ASKED))
}

fn reopened(orders: &[(WorkerId, Order)]) -> usize {
    orders.iter().filter(|(_, order)| matches!(order, Order::Reopen { .. })).count()
}

#[test]
fn every_pool_of_the_database_on_that_server_is_told_whatever_clients_call_it() {
    let mut table = table();
    let home = table.pool("home", "ann");
    let x = [table.pool("x", "ann"), table.pool("x", "bob"), table.pool("alias", "ann")];
    let others = [table.pool("elsewhere", "ann"), table.pool("y", "ann")];
    let orders = ask(&mut table, home, ASKED);
    let (slices, ticket) = told(&orders);
    assert_eq!(slices, x);
    assert!(!slices.iter().any(|slice| others.contains(slice)));
    let ticket = ticket.expect("they were told");
    for (slice, last) in x.into_iter().zip([false, false, true]) {
        let orders = table.note(Note::Vacant { ticket, slice });
        assert_eq!(is_vacant(&orders), last, "{slice:?}");
    }
    assert_eq!(reopened(&table.note(Note::VacancyOver { ticket: ASKED })), x.len());
}

#[test]
fn a_database_without_a_pool_is_vacant_at_once() {
    let mut table = table();
    let home = table.pool("home", "ann");
    let orders = ask(&mut table, home, ASKED);
    assert!(is_vacant(&orders));
}

#[test]
fn no_connection_is_opened_to_a_vacant_database_before_its_statement_has_ended() {
    let mut table = table();
    let home = table.pool("home", "ann");
    let x = table.pool("x", "ann");
    let (_, ticket) = told(&ask(&mut table, home, ASKED));
    assert_eq!(table.want(x, 1), 0);
    table.note(Note::Vacant { ticket: ticket.expect("it was told"), slice: x });
    assert_eq!(granted(&table.later(SECOND), x), 0);
    // A pool that comes meanwhile is one of them.
    let late = table.pool("alias", "bob");
    assert_eq!(table.want(late, 1), 0);
    let other = table.pool("y", "ann");
    assert_eq!(table.want(other, 1), 1);
    let orders = table.note(Note::VacancyOver { ticket: ASKED });
    assert_eq!((granted(&orders, x), granted(&orders, late)), (1, 1));
}

#[test]
fn a_statement_that_ends_unheard_leaves_nothing_behind() {
    let mut table = table();
    let home = table.pool("home", "ann");
    let x = table.pool("x", "ann");
    let (_, ticket) = told(&ask(&mut table, home, ASKED));
    assert_eq!(reopened(&table.note(Note::VacancyOver { ticket: ASKED })), 1);
    let late = table.note(Note::Vacant { ticket: ticket.expect("it was told"), slice: x });
    assert!(!is_vacant(&late));
    assert_eq!(table.want(x, 1), 1);
    assert_eq!(reopened(&table.note(Note::VacancyOver { ticket: ASKED })), 0);
}

#[test]
fn two_statements_keep_a_database_vacant_until_both_have_ended() {
    let mut table = table();
    let home = table.pool("home", "ann");
    let x = table.pool("x", "ann");
    ask(&mut table, home, ASKED);
    ask(&mut table, home, Ticket(42));
    table.note(Note::VacancyOver { ticket: ASKED });
    assert_eq!(table.want(x, 1), 0);
    let orders = table.note(Note::VacancyOver { ticket: Ticket(42) });
    assert_eq!(granted(&orders, x), 1);
}

#[test]
fn a_pool_that_has_closed_down_is_not_waited_for() {
    let mut table = table();
    let home = table.pool("home", "ann");
    let x = table.pool("x", "ann");
    let mut config = (*table.steward.config).clone();
    ask(&mut table, home, ASKED);
    config.databases.remove("x");
    config.databases.remove("*");
    table.on(StewardInput::Configure(Arc::new(config)));
    table.note(Note::Left { slice: x });
    let orders = table.note(Note::Shut { slice: x, tally: Box::default() });
    assert!(is_vacant(&orders));
}
