//! Properties of the whole crate: what is written is read back, and nothing that comes from outside panics.

mod outside;
mod round_trips;
mod scram;

use proptest::collection::vec;
use proptest::prelude::*;

/// A text as it may stand before a NUL.
fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(1u8.., 0..40)
}

/// Bytes, among which those that mean something to a parser are frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => any::<u8>(),
        2 => Just(0u8),
        3 => prop::sample::select(b"\"\\ -=,:$;SPRVCMnyprscivme\xff\n\x01\x03\x0a".to_vec()),
    ];
    vec(byte, 0..120)
}

/// The tag and the body of the only message in `out`.
fn only(out: &[u8]) -> (u8, &[u8]) {
    let (tag, body, rest) = first(out);
    assert!(rest.is_empty(), "one message was written");
    (tag, body)
}

/// The tag and the body of the first message, and what follows it.
fn first(out: &[u8]) -> (u8, &[u8], &[u8]) {
    let header =
        wire::frame::peek(out, u32::MAX).expect("the length is right").expect("a header was written");
    let (message, rest) = out.split_at(header.total());
    (header.tag, &message[wire::frame::HEADER..], rest)
}
