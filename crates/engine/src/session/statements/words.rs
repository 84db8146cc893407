//! Words of SQL about prepared statements that the proxy must understand: `DEALLOCATE` and `DISCARD ALL`.

/// A text that is longer than this is not read for a `DEALLOCATE name`.
pub const DEALLOCATE_BYTES_MAX: usize = 160;

/// The name in a short `DEALLOCATE [PREPARE] name`, as the server would fold it. Anything unusual (escaped quotes, comments) counts as something else.
pub fn deallocated(text: &[u8]) -> Option<Vec<u8>> {
    let rest = text.trim_ascii_start();
    if text.len() > DEALLOCATE_BYTES_MAX || !matches!(rest.first(), Some(b'd' | b'D')) {
        return None;
    }
    let rest = rest.trim_ascii_end();
    let rest = rest.strip_suffix(b";").unwrap_or(rest).trim_ascii_end();
    let rest = word(rest, b"deallocate")?;
    let rest = word(rest, b"prepare").unwrap_or(rest);
    if let Some(inner) = rest.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        return (!inner.is_empty() && !inner.contains(&b'"')).then(|| inner.to_vec());
    }
    let plain = !rest.is_empty()
        && !rest.eq_ignore_ascii_case(b"all")
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
    plain.then(|| rest.to_ascii_lowercase())
}

/// True where a text may take all prepared statements away: `DISCARD ALL`, `DEALLOCATE ALL`, somewhere in it. This is
/// asked for every query.
#[inline]
pub fn may_clear(text: &[u8]) -> bool {
    match text.first() {
        // Blanks and comments may stand in front.
        Some(b'd' | b'D' | b' ' | b'\t'..=b'\r' | b'-' | b'/' | b';') => clears_somewhere(text),
        Some(_) => memchr::memchr(b';', text)
            .is_some_and(|end| text.len() - end > 2 && clears_somewhere(&text[end..])),
        None => false,
    }
}

#[cold]
fn clears_somewhere(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'd', b'D', text)
        .any(|at| word(&text[at..], b"discard").is_some() || word(&text[at..], b"deallocate").is_some())
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
    fn what_clears_is_found_anywhere() {
        for text in
            ["DISCARD ALL", " deallocate all;", "/* why */ Discard all", "select 1; select 2;deallocate all"]
        {
            assert!(may_clear(text.as_bytes()), "{text}");
        }
        for text in [
            "select 1;",
            "select 1;\0",
            "select discarded",
            "",
            "drop table d",
            "insert into discard values (1)",
        ] {
            assert!(!may_clear(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn deallocate_is_read_off_plain_texts_only() {
        let read = |text: &str| deallocated(text.as_bytes()).map(|name| String::from_utf8(name).unwrap());
        assert_eq!(read("DEALLOCATE \"_Pg3_7\"").as_deref(), Some("_Pg3_7"));
        assert_eq!(read(" deallocate prepare S1 ; ").as_deref(), Some("s1"));
        let long = format!("deallocate {}", "a".repeat(DEALLOCATE_BYTES_MAX));
        let others = ["DEALLOCATE ALL", "deallocate", "deallocate a b", "deallocate \"a\"\"b\"", "select 1"];
        for other in others.into_iter().chain([long.as_str()]) {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
