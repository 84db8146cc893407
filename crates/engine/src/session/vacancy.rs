//! Statements that PostgreSQL carries out only while nobody else is in a database: `DROP DATABASE`, `ALTER DATABASE ...
//! RENAME` and `... TABLESPACE`, and `CREATE DATABASE` of the one that is copied. The manual: "CREATE DATABASE", "DROP
//! DATABASE", "ALTER DATABASE"; the error is 55006.
//!
//! Nothing of a text but these is read, and they are read as PostgreSQL's grammar has them: folding, quotes, comments.
//! What has a second statement behind it is none of them: the server refuses it. What is spelled with escapes (`U&"..."`,
//! `E'\x'`, `$$...$$`) counts as something else.

/// The longest name a server has; more is cut off, as it does itself (`NAMEDATALEN`).
const NAME_BYTES_MAX: usize = 63;
/// Of session mode's messages, which stream, so long ones are collected to be looked into.
pub const VACANCY_BYTES_MAX: u32 = 4_096;
/// What is copied where no template is named.
const TEMPLATE: &str = "template1";

/// What a statement needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vacancy {
    /// The database nobody else may be in, by the server's name of it.
    pub database: Box<str>,
    /// The statement may be said from within it; else the server refuses it there, whoever else there is.
    pub within: bool,
}

/// Where a connection is with a statement that needs a vacancy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// There is none.
    #[default]
    No,
    /// It is held back until the steward says that the database is vacant, or patience is at its end.
    Asked {
        /// Names the answer.
        ticket: model::id::Ticket,
        /// Since when.
        since: crate::time::Now,
    },
    /// The one that was held back goes through when it is offered again; `None`: nothing need be kept vacant for it.
    Free(Option<model::id::Ticket>),
    /// It was sent, and not all that was sent is answered.
    Running(model::id::Ticket),
}

impl Need {
    /// True while a statement is held back.
    #[inline]
    pub fn holds(self) -> bool {
        matches!(self, Need::Asked { .. } | Need::Free(_))
    }

    /// Under which name a database is kept vacant.
    pub fn ticket(self) -> Option<model::id::Ticket> {
        match self {
            Need::No => None,
            Need::Asked { ticket, .. } | Need::Running(ticket) => Some(ticket),
            Need::Free(ticket) => ticket,
        }
    }
}

/// False where the text is surely none of these, by its first two letters; the front of a text is enough. This is asked
/// for every query.
#[inline]
pub fn may_need(text: &[u8]) -> bool {
    let second = |letter: u8| text.get(1).is_none_or(|byte| byte | 0x20 == letter);
    match text.first() {
        Some(b'c' | b'C' | b'd' | b'D') => second(b'r'),
        Some(b'a' | b'A') => second(b'l'),
        Some(b' ' | b'\t'..=b'\r' | b'-' | b'/' | b';') | None => true,
        Some(_) => false,
    }
}

impl Vacancy {
    /// Reads one off a text, up to its end or its first zero byte.
    #[cold]
    pub fn of_text(text: &[u8]) -> Option<Vacancy> {
        let text = memchr::memchr(0, text).map_or(text, |end| &text[..end]);
        let mut words = Words { rest: text };
        words.semicolons()?;
        let verb = words.next()?;
        if !words.next()?.is(b"database") {
            return None;
        }
        if verb.is(b"create") {
            create(&mut words)
        } else if verb.is(b"drop") {
            drop(&mut words)
        } else if verb.is(b"alter") {
            alter(&mut words)
        } else {
            None
        }
    }
}

fn create(words: &mut Words<'_>) -> Option<Vacancy> {
    words.next()?.name()?;
    let mut template = None;
    let mut option = words.next()?;
    if option.is(b"with") {
        option = words.next()?;
    }
    while !option.is_end() {
        let (key, unquoted) = (option.name()?, matches!(option, Token::Word(_)));
        if &*key == "connection" && unquoted && !words.next()?.is(b"limit") {
            return None;
        }
        let value = words.value()?;
        if &*key == "template" {
            template = Some(if value.is(b"default") { TEMPLATE.into() } else { value.text()? });
        }
        option = words.next()?;
    }
    words.end(option)?;
    Some(Vacancy { database: template.unwrap_or_else(|| TEMPLATE.into()), within: true })
}

fn drop(words: &mut Words<'_>) -> Option<Vacancy> {
    let mut exists = words.clone();
    if exists.next()?.is(b"if") && exists.next()?.is(b"exists") {
        *words = exists;
    }
    let database = words.next()?.name()?;
    let mut next = words.next()?;
    if next.is(b"with") {
        next = words.next()?;
        if !next.is_sign(b'(') {
            return None;
        }
    }
    if next.is_sign(b'(') {
        loop {
            words.next()?.name()?;
            match words.next()? {
                Token::Sign(b',') => {}
                Token::Sign(b')') => break,
                _ => return None,
            }
        }
        next = words.next()?;
    }
    words.end(next)?;
    Some(Vacancy { database, within: false })
}

fn alter(words: &mut Words<'_>) -> Option<Vacancy> {
    let database = words.next()?.name()?;
    let verb = words.next()?;
    if verb.is(b"rename") {
        if !words.next()?.is(b"to") {
            return None;
        }
        words.next()?.name()?;
    } else if verb.is(b"set") {
        if !words.next()?.is(b"tablespace") {
            return None;
        }
        words.next()?.name()?;
    } else {
        let option = if verb.is(b"with") { words.next()? } else { verb };
        if option.name().as_deref() != Some("tablespace") {
            return None;
        }
        words.value()?;
    }
    let next = words.next()?;
    words.end(next)?;
    Some(Vacancy { database, within: false })
}

#[derive(Clone, Copy, Debug)]
enum Token<'t> {
    /// Not in quotes: a keyword or a name.
    Word(&'t [u8]),
    /// In double quotes, which may be doubled within.
    Quoted(&'t [u8]),
    /// In single quotes, the same.
    Text(&'t [u8]),
    Number(&'t [u8]),
    Sign(u8),
    End,
}

impl Token<'_> {
    /// This keyword.
    fn is(&self, keyword: &[u8]) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
    fn is_sign(&self, sign: u8) -> bool {
        matches!(self, Token::Sign(found) if *found == sign)
    }
    fn is_end(&self) -> bool {
        matches!(self, Token::End | Token::Sign(b';'))
    }
    /// As a name: folded, or as it stands in its quotes.
    fn name(&self) -> Option<Box<str>> {
        match self {
            Token::Word(word) => cut(&word.to_ascii_lowercase()),
            Token::Quoted(inner) if !inner.is_empty() => cut(&single(inner, b'"')),
            Token::Quoted(_) | Token::Text(_) | Token::Number(_) | Token::Sign(_) | Token::End => None,
        }
    }
    /// As the value of an option.
    fn text(&self) -> Option<Box<str>> {
        match self {
            Token::Text(inner) => Some(str::from_utf8(&single(inner, b'\'')).ok()?.into()),
            Token::Number(digits) => Some(str::from_utf8(digits).ok()?.into()),
            Token::Word(_) | Token::Quoted(_) => self.name(),
            Token::Sign(_) | Token::End => None,
        }
    }
}

/// A name as long as names are, cut between characters.
fn cut(name: &[u8]) -> Option<Box<str>> {
    let name = str::from_utf8(name).ok()?;
    Some(name[..name.floor_char_boundary(NAME_BYTES_MAX)].into())
}

/// Doubled quotes made single.
fn single(inner: &[u8], quote: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        out.push(*byte);
        if *byte == quote {
            bytes.next();
        }
    }
    out
}

#[derive(Clone)]
struct Words<'t> {
    rest: &'t [u8],
}

impl<'t> Words<'t> {
    /// The next token; `None` where it can't be read.
    fn next(&mut self) -> Option<Token<'t>> {
        self.blanks()?;
        let Some(first) = self.rest.first() else { return Some(Token::End) };
        let token = match first {
            b'"' => Token::Quoted(self.quoted(b'"')?),
            b'\'' => {
                // Whether a backslash means something is a setting's to say.
                let inner = self.quoted(b'\'')?;
                if inner.contains(&b'\\') {
                    return None;
                }
                Token::Text(inner)
            }
            b'0'..=b'9' => Token::Number(self.run(|byte| byte.is_ascii_digit() || byte == b'.')),
            byte if is_letter(*byte) => {
                let word = self.run(|byte| is_letter(byte) || byte.is_ascii_digit() || byte == b'$');
                match self.rest.first() {
                    // A prefix of a literal: E'', U&"".
                    Some(b'\'' | b'&') => return None,
                    Some(_) | None => Token::Word(word),
                }
            }
            byte => {
                self.rest = &self.rest[1..];
                Token::Sign(*byte)
            }
        };
        Some(token)
    }

    /// An option's value, with the sign that may stand before it.
    fn value(&mut self) -> Option<Token<'t>> {
        let mut value = self.next()?;
        if value.is_sign(b'=') {
            value = self.next()?;
        }
        if value.is_sign(b'-') || value.is_sign(b'+') {
            value = self.next()?;
        }
        match value {
            Token::Sign(_) | Token::End => None,
            Token::Word(_) | Token::Quoted(_) | Token::Text(_) | Token::Number(_) => Some(value),
        }
    }

    /// Semicolons at the front of a text say nothing.
    fn semicolons(&mut self) -> Option<()> {
        loop {
            self.blanks()?;
            match self.rest.strip_prefix(b";") {
                Some(rest) => self.rest = rest,
                None => return Some(()),
            }
        }
    }

    /// Nothing but semicolons from this token on.
    fn end(&mut self, mut next: Token<'t>) -> Option<()> {
        while next.is_sign(b';') {
            next = self.next()?;
        }
        matches!(next, Token::End).then_some(())
    }

    fn run(&mut self, mut belongs: impl FnMut(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|byte| !belongs(*byte)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }

    /// What stands between quotes of this kind.
    fn quoted(&mut self, quote: u8) -> Option<&'t [u8]> {
        let mut at = 1;
        loop {
            at += memchr::memchr(quote, self.rest.get(at..)?)?;
            if self.rest.get(at + 1) != Some(&quote) {
                break;
            }
            at += 2;
        }
        let inner = &self.rest[1..at];
        self.rest = &self.rest[at + 1..];
        Some(inner)
    }

    /// Blanks and comments; `None` where a comment has no end.
    fn blanks(&mut self) -> Option<()> {
        loop {
            self.run(|byte| byte == b' ' || (b'\t'..=b'\r').contains(&byte));
            if self.rest.starts_with(b"--") {
                self.run(|byte| byte != b'\n' && byte != b'\r');
            } else if self.rest.starts_with(b"/*") {
                self.comment()?;
            } else {
                return Some(());
            }
        }
    }

    /// A comment, which may hold others.
    fn comment(&mut self) -> Option<()> {
        let mut depth = 0u32;
        loop {
            if let Some(rest) = self.rest.strip_prefix(b"/*") {
                depth += 1;
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix(b"*/") {
                depth -= 1;
                self.rest = rest;
                if depth == 0 {
                    return Some(());
                }
            } else {
                self.rest = self.rest.get(1..)?;
            }
        }
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests;
