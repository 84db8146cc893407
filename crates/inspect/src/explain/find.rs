//! Which page a text is about. Names, numbers and case do not matter.

use super::{Page, all};

/// Shorter pieces of a phrase could be of any.
const PIECE_CHARS_MIN: usize = 6;
/// Pages that are named where none fits.
const NEAREST: usize = 3;

/// What was found.
#[derive(Debug)]
pub enum Found {
    /// The page.
    Page(&'static Page),
    /// None; these are the nearest.
    Nearest(Vec<&'static Page>),
}

/// Looks for a text, a code or a page's name.
pub fn find(text: &str) -> Found {
    let text = normal(text);
    if let Some(page) = all().find(|page| page.id == text) {
        return Found::Page(page);
    }
    let score = |page: &Page| page.phrases.iter().filter_map(|phrase| fit(&text, phrase)).max();
    // The first of those that fit equally well.
    let best =
        all().filter_map(|page| Some((score(page)?, page))).reduce(|a, b| if b.0 > a.0 { b } else { a });
    if let Some((_, page)) = best {
        return Found::Page(page);
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() == 5);
    let by_code =
        |word: &str| all().find(|page| page.codes.iter().any(|code| code.eq_ignore_ascii_case(word)));
    if let Some(page) = words.filter(|word| word.contains(|c: char| c.is_ascii_digit())).find_map(by_code) {
        return Found::Page(page);
    }
    let mut near: Vec<(u32, &'static Page)> = all().map(|page| (likeness(&text, page), page)).collect();
    near.sort_by_key(|(likeness, _)| std::cmp::Reverse(*likeness));
    Found::Nearest(near.into_iter().take(NEAREST).map(|(_, page)| page).collect())
}

/// Lower case, one space between words, straight quotes.
fn normal(text: &str) -> String {
    let text: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            c => c,
        })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many characters of a phrase the text has: all of its parts in order; or the text is a piece of the phrase.
fn fit(text: &str, phrase: &str) -> Option<usize> {
    let mut rest = text;
    let mut length = 0;
    let whole = phrase.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            length += part.len();
            true
        }
        None => false,
    });
    // A whole phrase beats any piece.
    if whole {
        return Some(length + 1_000);
    }
    (text.len() >= PIECE_CHARS_MIN && phrase.contains(text)).then_some(text.len())
}

/// Pairs of letters that a text shares with a page's name, title or phrases, in thousandths.
fn likeness(text: &str, page: &Page) -> u32 {
    let title = normal(page.title);
    let texts = page.phrases.iter().copied().chain([page.id, title.as_str()]);
    texts.map(|known| shared_pairs(text, known)).max().unwrap_or(0)
}

fn shared_pairs(a: &str, b: &str) -> u32 {
    let pairs = |text: &str| {
        let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
        letters.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
    };
    let (a, mut b) = (pairs(a), pairs(b));
    let both = a.len() + b.len();
    let shared = a
        .iter()
        .filter(|pair| b.iter().position(|other| other == *pair).map(|at| b.swap_remove(at)).is_some());
    let shared = shared.count();
    (shared * 2_000).checked_div(both).unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> &'static str {
        match find(text) {
            Found::Page(page) => page.id,
            Found::Nearest(_) => "-",
        }
    }

    #[test]
    fn a_text_is_found_whatever_stands_around_it() {
        let django = "django.db.utils.OperationalError: connection to server at \"db\" (10.0.0.7), port 5432 failed: \
                      FATAL:  sorry, too many clients already";
        assert_eq!(id(django), "too-many-clients");
        assert_eq!(id("TOO MANY CLIENTS"), "too-many-clients");
        assert_eq!(id("FATAL:  too many connections for role \u{201c}wall_app\u{201d}"), "role-limit");
    }

    #[test]
    fn a_code_is_enough_and_a_text_says_more_than_a_code() {
        assert_eq!(id("53300"), "53300");
        assert_eq!(id("SQLSTATE[53300]"), "53300");
        assert_eq!(id("ERROR 53300: too many connections for database \"x\""), "database-limit");
        assert_eq!(id("57p01"), "terminated");
    }

    #[test]
    fn an_unknown_text_has_nearest_pages() {
        let Found::Nearest(near) = find("idle in transation timeuot") else { panic!("it is known") };
        assert_eq!(near.len(), 3);
        assert!(near.iter().any(|page| page.id.contains("idle")), "{:?}", near[0].id);
        assert_eq!(id("x"), "-");
    }
}
