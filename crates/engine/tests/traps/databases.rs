//! Databases that are dropped, renamed or copied: the server refuses that while anybody else is in them, and who rests in a
//! pool is somebody.

use engine::orders::{Back, Note, Order};
use model::id::Ticket;

use super::stand::Stand;

const TICKET: Ticket = Ticket(9);

/// The name of the worker's question for a database to be vacant, where it has one.
fn asked(stand: &mut Stand) -> Option<Ticket> {
    let notes = std::mem::take(&mut stand.notes);
    notes.into_iter().find_map(|note| match note {
        Note::Vacate { ticket, .. } => Some(ticket),
        _ => None,
    })
}

/// The steward was told that the database need not be vacant any more.
fn is_over(stand: &Stand) -> bool {
    stand.notes.iter().any(|note| matches!(note, Note::VacancyOver { .. }))
}

fn is_vacant(stand: &Stand) -> bool {
    stand.notes.iter().any(|note| matches!(note, Note::Vacant { .. }))
}

fn vacate(stand: &mut Stand) {
    let slice = stand.slice();
    stand.credits = 0;
    stand.order(Order::Vacate { ticket: TICKET, slice });
}

#[test]
fn a_drop_waits_until_the_connections_of_our_pools_are_gone() {
    let mut stand = Stand::new(1);
    let client = stand.client();
    let server = stand.servers[0];
    stand.hear(server);
    stand.say(client, "Q \"drop database x\"");
    assert_eq!(stand.hear(server), "");
    let ticket = asked(&mut stand).expect("the steward is asked");
    stand.order(Order::Vacant { ticket });
    assert_eq!(stand.hear(server), "Q \"drop database x\"");
    assert!(!is_over(&stand), "it has not ended");
    stand.say(server, "C \"DROP DATABASE\" | Z I");
    assert_eq!(stand.hear(client), "C \"DROP DATABASE\" | Z I");
    assert!(is_over(&stand));
}

#[test]
fn a_pool_has_left_a_database_when_the_ends_of_its_resting_servers_were_seen() {
    let mut stand = Stand::new(1);
    stand.client();
    let server = stand.servers[0];
    vacate(&mut stand);
    assert!(stand.is_over(server) && !is_vacant(&stand));
    stand.gone(server);
    assert!(is_vacant(&stand));
}

#[test]
fn a_client_at_work_in_a_database_that_is_dropped_is_not_cut_and_its_server_does_not_stay() {
    let mut stand = Stand::new(1);
    let client = stand.client();
    let server = stand.servers[0];
    stand.begin(client, server);
    vacate(&mut stand);
    assert!(is_vacant(&stand) && !stand.is_over(server));
    stand.hear(client);
    let (asked, answer) = stand.exchange(client, server, "Q commit", "C COMMIT | Z I");
    assert_eq!((&*asked, &*answer), ("Q \"commit\"", "C \"COMMIT\" | Z I"));
    assert!(stand.is_over(server));
}

#[test]
fn a_dropped_database_is_not_kept_vacant_for_a_client_that_has_left() {
    let mut stand = Stand::new(1);
    let client = stand.client();
    let server = stand.servers[0];
    stand.say(client, "Q \"drop database x\"");
    assert!(asked(&mut stand).is_some());
    stand.gone(client);
    assert!(is_over(&stand));
    assert!(!stand.is_over(server), "its server was told nothing and stays");
    assert_eq!(stand.backs, [] as [Back; 0]);
}

#[test]
fn a_drop_that_waits_in_vain_is_sent_for_the_server_to_refuse() {
    let mut stand = Stand::new(1);
    let client = stand.client();
    let server = stand.servers[0];
    stand.hear(server);
    stand.say(client, "Q \"drop database x\"");
    stand.wait(4);
    assert_eq!(stand.hear(server), "");
    stand.wait(2);
    assert_eq!(stand.hear(server), "Q \"drop database x\"");
}
