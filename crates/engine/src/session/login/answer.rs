//! Messages of a client that is proving who it is: only `p` and `X`, and small.

use wire::frame::{self, HEADER, cstr};
use wire::tag::FrontendTag;

use crate::contract::Then;

/// Most bytes of a message during authentication, by its length field.
const ANSWER_BYTES_MAX: u32 = 10_000;

/// What is at the front of the input.
pub(super) enum Answer<'a> {
    /// Not all of a message.
    Need(Then),
    /// Its body, and how many bytes the whole takes.
    Body(&'a [u8], usize),
    /// Goodbye.
    Leave,
    /// Not what may come here.
    Broken(Box<str>),
}

/// Reads one message. `expected` names it for the refusal of another one, which comes at its first byte.
pub(super) fn read_answer<'a>(bytes: &'a [u8], expected: &str) -> Answer<'a> {
    let Some(&tag) = bytes.first() else { return Answer::Need(Then::AtLeast(HEADER)) };
    match FrontendTag::from_byte(tag) {
        Some(FrontendTag::Password) => {}
        Some(FrontendTag::Terminate) => return Answer::Leave,
        Some(_) | None => {
            let text = format!("expected {expected} response, got message type {tag}");
            return Answer::Broken(text.into());
        }
    }
    let header = match frame::peek(bytes, ANSWER_BYTES_MAX) {
        Ok(Some(header)) => header,
        Ok(None) => return Answer::Need(Then::AtLeast(HEADER)),
        Err(error) => return Answer::Broken(error.to_string().into()),
    };
    match bytes.get(HEADER..header.total()) {
        Some(body) => Answer::Body(body, header.total()),
        None => Answer::Need(Then::AtLeast(header.total())),
    }
}

/// Reads PasswordMessage: a text that ends in the body's only NUL.
pub(super) fn password(body: &[u8]) -> Option<&[u8]> {
    let (text, rest) = cstr(body)?;
    rest.is_empty().then_some(text)
}

/// Reads SASLInitialResponse: the mechanism, and the client's first message. PostgreSQL would also take a message
/// without one (length -1); no client of it sends that.
pub(super) fn sasl_initial(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mechanism, rest) = cstr(body)?;
    let (length, data) = rest.split_first_chunk::<4>()?;
    (usize::try_from(i32::from_be_bytes(*length)) == Ok(data.len())).then_some((mechanism, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_ends_with_the_message() {
        assert_eq!(password(b"pw\0"), Some(&b"pw"[..]));
        assert_eq!(password(b"\0"), Some(&b""[..]));
        for body in [&b""[..], b"pw", b"p\0w", b"p\0w\0", b"pw\0\0"] {
            assert_eq!(password(body), None);
        }
    }

    #[test]
    fn an_initial_response_is_as_long_as_it_says() {
        assert_eq!(sasl_initial(b"M\0\0\0\0\x02ab"), Some((&b"M"[..], &b"ab"[..])));
        for body in [&b"M"[..], b"M\0", b"M\0\0\0\0", b"M\0\0\0\0\x03ab", b"M\0\0\0\0\x01ab"] {
            assert_eq!(sasl_initial(body), None);
        }
        assert_eq!(sasl_initial(b"M\0\xff\xff\xff\xff"), None);
        assert_eq!(sasl_initial(b"M\0\x80\0\0\0"), None);
    }

    #[test]
    fn another_message_is_refused_at_its_first_byte_and_a_long_one_at_its_fifth() {
        let refusal = |bytes: &[u8]| match read_answer(bytes, "password") {
            Answer::Broken(text) => Some(text.into_string()),
            Answer::Need(_) | Answer::Body(..) | Answer::Leave => None,
        };
        assert_eq!(refusal(b"Q").as_deref(), Some("expected password response, got message type 81"));
        assert_eq!(refusal(b"\0").as_deref(), Some("expected password response, got message type 0"));
        assert!(refusal(b"p\0\0\x27\x11").is_some_and(|text| text.contains("10001")));
        assert!(refusal(b"p\xff\xff\xff\xff").is_some());
        assert!(refusal(b"p\0\0\x27\x10").is_none());
        assert!(matches!(read_answer(b"X", ""), Answer::Leave));
    }
}
