//! `letter=value` pairs between commas.

use super::{MESSAGE_BYTES_MAX, ScramError, limit};

/// What is left of a message.
pub(super) struct Attributes<'a> {
    /// `None` behind the last one.
    rest: Option<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    /// Begins a message, or the rest of one.
    pub(super) fn of(message: &'a [u8]) -> Result<Self, ScramError> {
        limit("message", message.len(), MESSAGE_BYTES_MAX)?;
        if message.contains(&0) {
            return Err(ScramError::Malformed { expected: "no NUL" });
        }
        Ok(Self { rest: Some(message) })
    }

    /// The text up to the next comma, whatever it is.
    pub(super) fn part(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        match memchr::memchr(b',', rest) {
            Some(comma) => {
                self.rest = rest.get(comma + 1..);
                rest.get(..comma)
            }
            None => self.rest.take(),
        }
    }

    /// What is left, as it stands.
    pub(super) fn rest(&self) -> Option<&'a [u8]> {
        self.rest
    }

    /// The next pair.
    pub(super) fn pair(&mut self) -> Result<Option<(u8, &'a [u8])>, ScramError> {
        match self.part() {
            None => Ok(None),
            Some([letter, b'=', value @ ..]) if letter.is_ascii_alphabetic() => Ok(Some((*letter, value))),
            Some(_) => Err(ScramError::Malformed { expected: "an attribute" }),
        }
    }

    /// The value of the next pair, which has to have this letter.
    pub(super) fn value(&mut self, letter: u8, expected: &'static str) -> Result<&'a [u8], ScramError> {
        match self.pair()? {
            Some((found, value)) if found == letter => Ok(value),
            Some((b'm', _)) => Err(ScramError::Extension),
            Some(_) | None => Err(ScramError::Malformed { expected }),
        }
    }

    /// Passes over optional extensions to the end; they have to be pairs.
    pub(super) fn ignore_rest(&mut self) -> Result<(), ScramError> {
        while self.pair()?.is_some() {}
        Ok(())
    }
}
