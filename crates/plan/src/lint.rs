//! What is deployed, held against what is known to go wrong. Each rule has a name for ever, and looks only at what is
//! visible: where a file is missing, a rule is silent.
//!
//! Nothing here reads files (the readers have said what is wrong in them), and nothing adds up (that is `budget`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Finding, Level, Place, Rule, Scene};

mod command;
mod django;
mod ignore;
mod kubernetes;
mod memory;
mod pooler;
mod python;
mod server;
mod sql;
mod sums;
mod timeouts;

#[cfg(test)]
pub(crate) mod testing;

pub(crate) use django::{Age, is_asgi, is_named, is_pooled, kept};
pub use ignore::{Ignored, unignored};
pub(crate) use sums::PASSED;

/// A rule with its function.
pub struct Check {
    /// Its name, its level, and what it is about.
    pub rule: &'static Rule,
    run: fn(&Scene<'_>) -> Vec<Finding>,
}

/// Every rule, in the order of their names.
pub const ALL: &[Check] = &[
    Check { rule: &sums::PASSED, run: sums::passed },
    Check { rule: &sums::ALONE, run: sums::alone },
    Check { rule: &command::COMMENT, run: command::comment },
    Check { rule: &command::TWICE, run: command::twice },
    Check { rule: &django::MAX_CONNS, run: django::max_conns },
    Check { rule: &django::AGE_WITH_POOL, run: django::age_with_pool },
    Check { rule: &django::AGE_WITH_ASGI, run: django::age_with_asgi },
    Check { rule: &django::NAMELESS, run: django::nameless },
    Check { rule: &kubernetes::SCALES_BEYOND, run: kubernetes::scales_beyond },
    Check { rule: &kubernetes::NO_MEMORY, run: kubernetes::no_memory },
    Check { rule: &kubernetes::DOUBLED, run: kubernetes::doubled },
    Check { rule: &kubernetes::CUT_SHORT, run: kubernetes::cut_short },
    Check { rule: &pooler::NO_STATEMENTS, run: pooler::no_statements },
    Check { rule: &pooler::OUTLIVED, run: pooler::outlived },
    Check { rule: &pooler::TOO_WIDE, run: pooler::too_wide },
    Check { rule: &pooler::SESSIONS, run: pooler::sessions },
    Check { rule: &server::SUPERUSER, run: server::superuser },
    Check { rule: &memory::SLOTS, run: memory::slots },
    Check { rule: &memory::BUFFERS, run: memory::buffers },
    Check { rule: &memory::SHARED, run: memory::shared },
    Check { rule: &server::RESERVED, run: server::reserved },
    Check { rule: &server::MANY, run: server::many },
    Check { rule: &memory::WORK, run: memory::work },
    Check { rule: &sql::RESTART, run: sql::restart },
    Check { rule: &timeouts::IN_TRANSACTION, run: timeouts::in_transaction },
    Check { rule: &timeouts::STATEMENT, run: timeouts::statement },
    Check { rule: &timeouts::CONNECT, run: timeouts::connect },
    Check { rule: &timeouts::IDLE_SESSION, run: timeouts::idle_session },
    Check { rule: &timeouts::KEEPALIVES, run: timeouts::keepalives },
];

/// The rules of [`ALL`], for lists of rules.
pub const RULES: [&Rule; ALL.len()] = {
    let mut rules = [ALL[0].rule; ALL.len()];
    let mut at = 0;
    while at < rules.len() {
        rules[at] = ALL[at].rule;
        at += 1;
    }
    rules
};

/// Rules of readers and looks that are about the same as one of ours: what they have said is not said again.
const SAME: &[(&str, &str)] = &[("DJANGO001", "POOL009"), ("DJANGO002", "POOL003")];

/// Runs every rule. The findings stand in the order of their places; those of the whole come last. What comments
/// ask to ignore is among them: [`unignored`] leaves that out, and counts it.
pub fn lint(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = ALL.iter().flat_map(|check| (check.run)(scene)).collect();
    found.retain(|finding| !is_said(scene, finding));
    found.sort_by(|a, b| {
        let key = |it: &Finding| (it.place.is_none(), it.place.clone(), it.rule.id);
        key(a).cmp(&key(b))
    });
    found.dedup();
    found
}

fn is_said(scene: &Scene<'_>, finding: &Finding) -> bool {
    let Some((_, same)) = SAME.iter().find(|(own, _)| *own == finding.rule.id) else { return false };
    let file = |it: &Finding| it.place.as_ref().map(|place| Arc::clone(&place.file));
    scene.found.iter().any(|other| other.rule.id == *same && file(other) == file(finding))
}

/// A rule.
const fn rule(id: &'static str, level: Level, summary: &'static str) -> Rule {
    Rule { id, level, summary }
}

/// Words in a sentence: the first few, and how many more.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN_MAX: usize = 5;
    let mut names: Vec<&str> = names.into_iter().collect();
    names.dedup();
    let mut text = names.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN_MAX {
        text.push_str(&format!(" and {} more", names.len() - SHOWN_MAX));
    }
    text
}

/// Texts by the names that places bear.
type Texts = BTreeMap<String, Arc<str>>;

/// The place where something is written, else where its container begins.
fn place_or<'p>(place: Option<&'p Place>, or: &'p Place) -> &'p Place {
    place.unwrap_or(or)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_they_stand_in_order() {
        let names: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.is_sorted(), "{names:?}");
        for check in ALL {
            assert!(check.rule.summary.ends_with('.'), "{}", check.rule.id);
        }
    }

    #[test]
    fn what_a_comment_ignores_is_found_and_then_counted() {
        let text = "# connwarden: ignore DJANGO001\nDATABASES = {'default': {'MAX_CONNS': 20, 'OPTIONS': {'application_name': 'api'}}}";
        let found = testing::World::default().django("services/settings.py", text).lint();
        assert_eq!(found.iter().map(|it| it.rule.id).collect::<Vec<_>>(), ["DJANGO001"]);
        let texts = Texts::from([("services/settings.py".to_owned(), text.into())]);
        let (kept, ignored) = unignored(found, &[], &texts);
        assert_eq!((kept, ignored), (Vec::new(), Ignored { named: 0, commented: 1 }));
    }

    #[test]
    fn what_a_look_has_said_is_not_said_again() {
        const SAID: Rule = rule("POOL009", Level::Warning, "The same.");
        let text = "DATABASES = {'default': {'MAX_CONNS': 20, 'OPTIONS': {'application_name': 'api'}}}";
        let world = testing::World::default().django("services/settings.py", text);
        assert_eq!(world.ids(), ["DJANGO001"]);
        let place = Place::new(&"services/settings.py".into(), 1, 1);
        let said = world.finds(Finding::at(&SAID, &place, "known", "known"));
        assert_eq!(said.ids(), [""; 0]);
    }
}
