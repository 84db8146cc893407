//! `*` for any text, `?` for one character, all else for itself.

use std::fmt;

/// A pattern for a whole text.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Any text is a pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole text fits.
    pub fn matches(&self, text: &str) -> bool {
        fits(&self.0.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
    }

    /// The whole text fits, whether its letters are large or small.
    pub fn matches_any_case(&self, text: &str) -> bool {
        fits(
            &self.0.to_lowercase().chars().collect::<Vec<_>>(),
            &text.to_lowercase().chars().collect::<Vec<_>>(),
        )
    }
}

impl Glob {
    /// One of these patterns fits, large letters or small.
    pub fn any_of(patterns: &[&str], text: &str) -> bool {
        patterns.iter().any(|pattern| Self::new(*pattern).matches_any_case(text))
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Only the last `*` is ever taken back: work is at most one length times the other.
fn fits(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[read] => {
                at += 1;
                read += 1;
            }
            Some(_) | None => {
                let Some((back, taken)) = star else { return false };
                star = Some((back, taken + 1));
                at = back + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_fits_a_whole_text() {
        for (pattern, text, fits) in [
            ("api*", "api-1", true),
            ("api*", "my-api", false),
            ("*api*", "my-api-1", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("[a]", "[a]", true),
            ("?", "日", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), fits, "{pattern} {text}");
        }
        assert!(Glob::new("pgBouncer*").matches_any_case("PGBOUNCER 1"));
    }
}
