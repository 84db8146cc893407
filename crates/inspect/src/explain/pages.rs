//! The pages.

mod checks;
mod ended;
mod full;
mod login;
mod pools;
mod proxy;

use super::Page;

/// All pages; where two fit a text equally well, the first is taken.
pub fn all() -> impl Iterator<Item = &'static Page> {
    [full::PAGES, ended::PAGES, login::PAGES, pools::PAGES, proxy::PAGES, checks::PAGES].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::checks::Id;
    use crate::explain::{Found, find};

    #[test]
    fn every_page_has_a_name_of_its_own_a_meaning_causes_and_a_next_step() {
        let mut names = BTreeSet::new();
        for page in all() {
            assert!(names.insert(page.id), "{} twice", page.id);
            assert!(
                page.meaning.ends_with('.') && !page.causes.is_empty() && !page.next.is_empty(),
                "{}",
                page.id
            );
            for phrase in page.phrases {
                assert_eq!(*phrase, phrase.to_lowercase(), "{}", page.id);
            }
        }
    }

    #[test]
    fn every_page_is_found_by_its_name_and_by_each_of_its_phrases() {
        for page in all() {
            let texts = page.phrases.iter().map(|phrase| phrase.replace('*', "wall 7"));
            for text in texts.chain([page.id.to_owned()]) {
                let Found::Page(found) = find(&text) else { panic!("{text} is not found") };
                assert_eq!(found.id, page.id, "{text}");
            }
        }
    }

    #[test]
    fn every_check_has_a_page() {
        for id in Id::ALL {
            assert!(all().any(|page| page.id == id.name()), "{id}");
        }
    }
}
