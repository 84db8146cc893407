//! Words of SQL about prepared statements that the proxy must understand: `DEALLOCATE` and `DISCARD ALL`.

/// What a simple query's text says about statements, where it is one of three words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deallocate<'a> {
    /// Something else.
    No,
    /// `DEALLOCATE [PREPARE] name`; the name as the server would fold it is compared by the caller.
    Name {
        /// The name, without its quotes.
        name: &'a [u8],
        /// It stood in quotes.
        quoted: bool,
    },
}

/// Reads `DEALLOCATE name` off a short text. Anything unusual (escaped quotes, comments) counts as something else.
pub fn deallocate(text: &[u8]) -> Deallocate<'_> {
    let rest = text.trim_ascii_start();
    if !matches!(rest.first(), Some(b'd' | b'D')) {
        return Deallocate::No;
    }
    let rest = rest.trim_ascii_end();
    let rest = rest.strip_suffix(b";").unwrap_or(rest).trim_ascii_end();
    let Some(rest) = word(rest, b"deallocate") else { return Deallocate::No };
    let rest = word(rest, b"prepare").unwrap_or(rest);
    if let Some(inner) = rest.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        let plain = !inner.is_empty() && !inner.contains(&b'"');
        return if plain { Deallocate::Name { name: inner, quoted: true } } else { Deallocate::No };
    }
    let plain = !rest.is_empty()
        && !rest.eq_ignore_ascii_case(b"all")
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
    if plain { Deallocate::Name { name: rest, quoted: false } } else { Deallocate::No }
}

/// True where a text may take all prepared statements away: `DISCARD ALL`, `DEALLOCATE ALL`.
pub fn may_clear(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    matches!(text.first(), Some(b'd' | b'D'))
        && (word(text, b"discard").is_some() || word(text, b"deallocate").is_some())
}

fn word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (front, rest) = text.split_at_checked(word.len())?;
    let blank = rest.first().is_some_and(u8::is_ascii_whitespace);
    (blank && front.eq_ignore_ascii_case(word)).then(|| rest.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deallocate_is_read_off_plain_texts_only() {
        let name = |name, quoted| Deallocate::Name { name, quoted };
        assert_eq!(deallocate(b"DEALLOCATE \"_pg3_7\""), name(b"_pg3_7", true));
        assert_eq!(deallocate(b" deallocate prepare S1 ; "), name(b"S1", false));
        for other in ["DEALLOCATE ALL", "deallocate", "deallocate a b", "deallocate \"a\"\"b\"", "select 1"] {
            assert_eq!(deallocate(other.as_bytes()), Deallocate::No, "{other}");
        }
    }
}
