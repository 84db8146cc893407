//! Writers: whole messages appended to a buffer that the caller owns, and ready-made ones.
//!
//! Names and texts end in NUL on the wire. A NUL inside one would let what follows it be read as another field, so
//! a text is cut at its first NUL; a place that must not lose bytes refuses NULs before it comes here.

mod backend;
mod frontend;

pub use backend::{
    BIND_COMPLETE, CLOSE_COMPLETE, Column, EMPTY_QUERY, ErrorText, NO_DATA, PARSE_COMPLETE, PORTAL_SUSPENDED,
    READY_FAILED, READY_IDLE, READY_IN_TRANSACTION, auth_cleartext, auth_md5, auth_ok, auth_sasl,
    auth_sasl_continue, auth_sasl_final, backend_key, bind_complete, close_complete, command_complete,
    data_row, empty_query, error, error_fields, negotiate, no_data, notice, parameter_status, parse_complete,
    ready, ready_frame, row_description,
};
pub use frontend::{
    COPY_DONE, FLUSH, GSS_ENC_REQUEST, SSL_REQUEST, SYNC, TERMINATE, Version, bind_header, bind_text,
    cancel_request, close, copy_fail, describe, execute, flush, parse, password, query, sasl_initial,
    sasl_response, settings_batch, ssl_request, startup, sync, terminate,
};

use crate::frame::HEADER;

/// The longest message PostgreSQL takes, by the length field (which counts itself): one byte less than its largest
/// allocation.
pub const MESSAGE_BYTES_MAX: u32 = 0x3fff_fffe;

/// Appends one message: tag, length, and what `body` appends.
///
/// # Panics
/// On a body of 2 GiB or more: every text that reaches an encoder passed a smaller limit before.
fn message(out: &mut Vec<u8>, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[tag, 0, 0, 0, 0]);
    body(out);
    set_length(out, start + 1);
}

/// Writes the length field at `at`: bytes from there to the end.
fn set_length(out: &mut [u8], at: usize) {
    let length = i32::try_from(out.len() - at);
    assert!(length.is_ok(), "a made message fits its length field");
    out[at..at + HEADER - 1].copy_from_slice(&length.unwrap_or_default().to_be_bytes());
}

/// The part of a text that stands on the wire before its NUL.
fn before_nul(text: &[u8]) -> &[u8] {
    match memchr::memchr(0, text) {
        Some(end) => &text[..end],
        None => text,
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(before_nul(text));
    out.push(0);
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count16 = u16::try_from(count);
    assert!(count16.is_ok(), "{count} items fit a count of 16 bits");
    out.extend_from_slice(&count16.unwrap_or_default().to_be_bytes());
}

/// A value with its length in front; `None` is null.
fn put_value(out: &mut Vec<u8>, value: Option<&[u8]>) {
    let Some(value) = value else { return out.extend_from_slice(&(-1i32).to_be_bytes()) };
    let length = i32::try_from(value.len());
    assert!(length.is_ok(), "a made value fits its length field");
    out.extend_from_slice(&length.unwrap_or_default().to_be_bytes());
    out.extend_from_slice(value);
}
