//! Message headers: a tag byte and a length that counts itself. Manual: "Overview", "Messages and formats".

use thiserror::Error;

/// Bytes of a header: tag and length.
pub const HEADER: usize = 5;

/// A header that was read and whose length is within its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The tag byte as it stood on the wire.
    pub tag: u8,
    /// Bytes after the header.
    pub body: u32,
}

impl Header {
    /// Bytes of the whole message, header included.
    #[inline]
    pub const fn total(self) -> usize {
        HEADER + self.body as usize
    }

    /// The five bytes of this header.
    #[inline]
    pub const fn bytes(self) -> [u8; HEADER] {
        let l = (self.body + 4).to_be_bytes();
        [self.tag, l[0], l[1], l[2], l[3]]
    }
}

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The length counts itself, so it is at least 4.
    #[error("message {:?} claims {bytes} bytes; a message has at least 4", *tag as char)]
    TooShort {
        /// The tag byte.
        tag: u8,
        /// The length as it stood on the wire.
        bytes: i32,
    },
    /// The length passes the limit.
    #[error("message {:?} claims {bytes} bytes; the limit is {bytes_max}", *tag as char)]
    TooLong {
        /// The tag byte.
        tag: u8,
        /// The length as it stood on the wire.
        bytes: u32,
        /// The limit it was compared with.
        bytes_max: u32,
    },
}

/// Looks at the header at the front of `bytes`. `Ok(None)`: fewer than [`HEADER`] bytes are here.
///
/// # Errors
/// A length below 4, negative, or above `bytes_max` (which counts the length field, as the wire does).
#[inline]
pub fn peek(bytes: &[u8], bytes_max: u32) -> Result<Option<Header>, FrameError> {
    let [tag, a, b, c, d, ..] = *bytes else { return Ok(None) };
    let length = i32::from_be_bytes([a, b, c, d]);
    if length < 4 {
        return Err(FrameError::TooShort { tag, bytes: length });
    }
    let length = length as u32;
    if length > bytes_max {
        return Err(FrameError::TooLong { tag, bytes: length, bytes_max });
    }
    Ok(Some(Header { tag, body: length - 4 }))
}

/// Splits a text that ends in NUL off the front: the text without its NUL, and what follows it.
/// `None` where no NUL is in `bytes`.
#[inline]
pub fn cstr(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    // Most names are empty, which is no work for a vector search.
    if let [0, rest @ ..] = bytes {
        return Some((&[], rest));
    }
    let end = memchr::memchr(0, bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_round_trips() {
        let header = Header { tag: b'Q', body: 9 };
        assert_eq!(peek(&header.bytes(), 1 << 30), Ok(Some(header)));
        assert_eq!(header.total(), 14);
    }

    #[test]
    fn four_bytes_are_not_a_header() {
        assert_eq!(peek(b"Q\0\0\0", 100), Ok(None));
        assert_eq!(peek(b"", 100), Ok(None));
    }

    #[test]
    fn lengths_below_four_and_negative_ones_are_refused() {
        for length in [i32::MIN, -1, 0, 3] {
            let mut bytes = vec![b'Q'];
            bytes.extend(length.to_be_bytes());
            assert_eq!(peek(&bytes, u32::MAX), Err(FrameError::TooShort { tag: b'Q', bytes: length }));
        }
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert!(peek(b"Q\0\0\0\x0a", 10).is_ok());
        assert_eq!(
            peek(b"Q\0\0\0\x0b", 10),
            Err(FrameError::TooLong { tag: b'Q', bytes: 11, bytes_max: 10 })
        );
    }
}
