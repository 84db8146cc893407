//! Every rule that can speak, room by room: for machines that list rules, and for `--ignore`.

use crate::{Rule, budget, declared, lint, pools, read, script, simulate, yaml};

/// All of them.
pub fn rules() -> Vec<&'static Rule> {
    let rooms: [&[&'static Rule]; 8] = [
        &[&yaml::UNREADABLE, &yaml::TEMPLATE, &declared::PLAN, &read::UNKNOWN, &read::MISSING],
        &read::compose::RULES,
        &[
            &read::dotenv::MALFORMED,
            &read::dotenv::VARIABLE,
            &read::procfile::UNREADABLE,
            &read::systemd::UNREADABLE,
            &read::systemd::UNSEEN,
        ],
        &read::kubernetes::RULES,
        &pools::rules::ALL,
        &budget::RULES,
        &[&script::UNFIT, &simulate::trace::TRACE001],
        &lint::RULES,
    ];
    rooms.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_says_what_it_is_about() {
        let all = rules();
        for (index, rule) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other.id != rule.id), "{} stands twice", rule.id);
            assert!(rule.summary.ends_with('.'), "{}", rule.id);
        }
    }
}
