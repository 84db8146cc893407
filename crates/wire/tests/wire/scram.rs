//! Both SCRAM roles against each other, with any password and with messages changed on their way.

use proptest::prelude::*;
use wire::auth::scram::client::{self, Challenged, Credential};
use wire::auth::scram::server::ClientFirst;
use wire::auth::scram::{ScramError, Verifier, derive};

/// Runs an exchange. `meddle` may change each of the four messages.
fn exchange(
    given: &[u8],
    stored: Verifier,
    nonces: ([u8; 18], [u8; 18]),
    mut meddle: impl FnMut(usize, &mut Vec<u8>),
) -> Result<(), ScramError> {
    let (client, mut message) = client::start(Credential::Password, &nonces.0);
    meddle(0, &mut message);
    let (server, mut message) = ClientFirst::read(&message)?.challenge(stored, &nonces.1);
    meddle(1, &mut message);
    let Challenged::NeedsDerive(client) = client.server_first(&message)? else { panic!("it has no keys") };
    // A changed message can ask for many rounds; what they make is wrong anyway.
    let keys = derive(given, client.salt(), client.iterations().min(2)).keys();
    let (client, mut message) = client.derived(&keys);
    meddle(2, &mut message);
    let mut message = server.client_final(&message)?.server_final;
    meddle(3, &mut message);
    client.server_final(&message)
}

fn stored(password: &[u8], salt: &[u8]) -> Verifier {
    Verifier::of(&derive(password, salt, 2), salt, 2)
}

proptest! {
    #[test]
    fn the_right_password_gets_in_and_another_does_not(
        password in prop::collection::vec(any::<u8>(), 1..80),
        salt in prop::collection::vec(any::<u8>(), 1..40),
        nonces: ([u8; 18], [u8; 18]),
    ) {
        prop_assert_eq!(exchange(&password, stored(&password, &salt), nonces, |_, _| {}), Ok(()));
        let mut other = password.clone();
        other.push(b'x');
        let refused = exchange(&other, stored(&password, &salt), nonces, |_, _| {});
        prop_assert_eq!(refused, Err(ScramError::WrongPassword));
    }

    #[test]
    fn a_message_changed_on_its_way_ends_the_exchange(
        which in 0usize..4,
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let mut changed = false;
        let result = exchange(b"secret", stored(b"secret", b"salt"), ([1; 18], [2; 18]), |turn, message| {
            if turn == which {
                let at = at.index(message.len());
                changed = message[at] != to;
                message[at] = to;
            }
        });
        prop_assert_eq!(result.is_err(), changed, "{:?}", result);
    }

    #[test]
    fn a_message_cut_on_its_way_ends_the_exchange(which in 0usize..4, at in any::<prop::sample::Index>()) {
        let result = exchange(b"secret", stored(b"secret", b"salt"), ([1; 18], [2; 18]), |turn, message| {
            if turn == which {
                message.truncate(at.index(message.len()));
            }
        });
        prop_assert!(result.is_err());
    }
}
