//! What a client leaves behind in a server's session, as far as tags and a look at texts can show.
//!
//! The server's own command tags tell; there is no SQL parser. Marking too much (SET LOCAL has SET's tag) costs a round
//! trip, never correctness. What hides in functions is not seen.

use std::fmt;

/// Reasons to clean a server before anybody else gets it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Taint(u16);

/// Names of the bits, in order: labels of metrics.
pub const NAMES: [&str; 9] = [
    "SET",
    "LISTEN",
    "PREPARE",
    "DECLARE CURSOR",
    "LOAD",
    "temporary object",
    "set_config",
    "advisory lock",
    "pg_temp",
];

impl Taint {
    /// A setting may differ.
    pub const SET: Taint = Taint(1);
    /// Channels are listened to.
    pub const LISTEN: Taint = Taint(1 << 1);
    /// SQL-level prepared statements exist.
    pub const PREPARE: Taint = Taint(1 << 2);
    /// A cursor that may outlive its transaction exists.
    pub const CURSOR: Taint = Taint(1 << 3);
    /// A library was loaded.
    pub const LOAD: Taint = Taint(1 << 4);
    /// A temporary object may exist.
    pub const TEMP: Taint = Taint(1 << 5);
    /// `set_config(` was seen.
    pub const SET_CONFIG: Taint = Taint(1 << 6);
    /// A session's advisory lock may be held.
    pub const ADVISORY: Taint = Taint(1 << 7);
    /// `pg_temp` was seen.
    pub const PG_TEMP: Taint = Taint(1 << 8);

    /// True where there is no reason.
    #[inline]
    pub fn is_clean(self) -> bool {
        self.0 == 0
    }
    /// Adds reasons.
    #[inline]
    pub fn mark(&mut self, other: Taint) {
        self.0 |= other.0;
    }
    /// True where one of these reasons stands.
    pub fn has(self, other: Taint) -> bool {
        self.0 & other.0 != 0
    }
    /// The reasons, by name, with their bit number.
    pub fn reasons(self) -> impl Iterator<Item = (u32, &'static str)> {
        (0u32..).zip(NAMES).filter(move |(bit, _)| self.0 & (1 << bit) != 0)
    }

    /// What the tag of a CommandComplete tells.
    #[inline]
    pub fn of_tag(tag: &[u8]) -> Taint {
        match tag {
            b"SET" => Taint::SET,
            b"LISTEN" => Taint::LISTEN,
            b"PREPARE" => Taint::PREPARE,
            b"DECLARE CURSOR" => Taint::CURSOR,
            b"LOAD" => Taint::LOAD,
            _ => Taint::default(),
        }
    }

    /// What a look at a statement's text tells.
    pub fn of_text(text: &[u8]) -> Taint {
        let mut taint = Taint::default();
        let mut temp = false;
        for at in memchr::memchr3_iter(b'_', b'm', b'M', text) {
            let (before, after) = (&text[..at], &text[at + 1..]);
            // The letter before decides, nearly always: this is read for every query.
            match before.last().map(u8::to_ascii_lowercase) {
                Some(b't') if text[at] == b'_' && ends(before, b"set") && starts(after, b"config") => {
                    taint.mark(Taint::SET_CONFIG);
                }
                Some(b'y') if text[at] == b'_' && ends(before, b"advisory") && starts(after, b"lock") => {
                    taint.mark(Taint::ADVISORY);
                }
                Some(b'g') if text[at] == b'_' && ends(before, b"pg") && starts(after, b"temp") => {
                    taint.mark(Taint::PG_TEMP);
                }
                Some(b'e') if text[at] != b'_' && ends(before, b"te") && starts(after, b"p") => {
                    temp |= word_before(&before[..before.len() - 2]);
                }
                Some(_) | None => {}
            }
        }
        if temp && (holds(text, b"create") || holds(text, b"into")) {
            taint.mark(Taint::TEMP);
        }
        taint
    }
}

impl fmt::Debug for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.reasons().map(|(_, name)| name)).finish()
    }
}

fn ends(text: &[u8], word: &[u8]) -> bool {
    text.len() >= word.len() && text[text.len() - word.len()..].eq_ignore_ascii_case(word)
}

fn starts(text: &[u8], word: &[u8]) -> bool {
    text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word)
}

/// True where no letter stands directly before.
fn word_before(text: &[u8]) -> bool {
    text.last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_marked() {
        for (text, taint) in [
            ("select set_config('a','b',false)", Taint::SET_CONFIG),
            ("SELECT PG_CATALOG.SET_CONFIG ('a','b',false)", Taint::SET_CONFIG),
            ("select pg_advisory_lock(1)", Taint::ADVISORY),
            ("select pg_try_advisory_lock_shared(1)", Taint::ADVISORY),
            ("create temp table x()", Taint::TEMP),
            ("CREATE\nTEMPORARY VIEW x as select 1", Taint::TEMP),
            ("select 1 into temp t", Taint::TEMP),
            ("insert into pg_temp.x values (1)", Taint::PG_TEMP),
        ] {
            assert_eq!(Taint::of_text(text.as_bytes()), taint, "{text}");
        }
    }

    #[test]
    fn harmless_texts_are_not_marked() {
        for text in [
            "select 1",
            "select pg_advisory_xact_lock(1)",
            "select temp from weather",
            "create table attempt (a int)",
            "select * from temperature",
        ] {
            assert!(Taint::of_text(text.as_bytes()).is_clean(), "{text}");
        }
    }

    #[test]
    fn tags_are_marked() {
        assert_eq!(Taint::of_tag(b"SET"), Taint::SET);
        assert_eq!(Taint::of_tag(b"SELECT 1"), Taint::default());
        assert_eq!(Taint::of_tag(b"PREPARE TRANSACTION"), Taint::default());
    }
}
