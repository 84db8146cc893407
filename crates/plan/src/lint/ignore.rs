//! What nobody wants to hear: rules named on the command line, and comments beside the lines they are about.

use super::Texts;
use crate::{Finding, Place};

/// How many findings were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// By the rules that were named.
    pub named: usize,
    /// By a comment.
    pub commented: usize,
}

/// The findings that stay. `named`: rules to leave out everywhere. A comment `# connwarden: ignore COMPOSE001` on the line of
/// a finding, or alone on the line above, leaves that rule out there; `--` and `;` begin comments as well.
pub fn unignored(findings: Vec<Finding>, named: &[String], texts: &Texts) -> (Vec<Finding>, Ignored) {
    let mut ignored = Ignored::default();
    let stays = |finding: &Finding| {
        if named.iter().any(|name| name.eq_ignore_ascii_case(finding.rule.id)) {
            ignored.named += 1;
            return false;
        }
        let commented =
            finding.place.as_ref().is_some_and(|place| is_commented(finding.rule.id, place, texts));
        ignored.commented += usize::from(commented);
        !commented
    };
    let kept = findings.into_iter().filter(stays).collect();
    (kept, ignored)
}

fn is_commented(rule: &str, place: &Place, texts: &Texts) -> bool {
    let Some(text) = texts.get(&*place.file) else { return false };
    let line = |number: u32| {
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        text.lines().nth(at)
    };
    let own = line(place.line).and_then(asked);
    let above = line(place.line.saturating_sub(1))
        .filter(|line| line.trim_start().starts_with(['#', ';']) || line.trim_start().starts_with("--"))
        .and_then(asked);
    [own, above].into_iter().flatten().any(|mut rules| rules.any(|named| named.eq_ignore_ascii_case(rule)))
}

/// The rules that a line's comment asks to ignore.
fn asked(line: &str) -> Option<impl Iterator<Item = &str>> {
    let (before, rules) = line.split_once("connwarden: ignore ")?;
    let mark = before.trim_end();
    let begins = mark.ends_with(['#', ';']) || mark.ends_with("--");
    // What follows the names is a reason, for people.
    begins.then(|| {
        rules.split([' ', ',', '\t']).filter(|word| !word.is_empty()).map_while(|word| {
            let name = word.trim_end_matches(':');
            let is_name = name.ends_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(|b| b.is_ascii_alphanumeric());
            is_name.then_some(name)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, Rule};

    const RULE: Rule = super::super::rule("COMPOSE001", Level::Error, "Text.");

    fn stays(text: &str, line: u32) -> bool {
        let texts = Texts::from([("f".to_owned(), text.into())]);
        let finding = Finding::at(&RULE, &Place::new(&"f".into(), line, 1), "m", "f");
        !unignored(vec![finding], &[], &texts).0.is_empty()
    }

    #[test]
    fn a_comment_holds_for_its_line_and_for_the_one_below_it() {
        assert!(!stays("a: 1  # connwarden: ignore COMPOSE001\nb: 2\n", 1));
        assert!(!stays("# connwarden: ignore PGB001, compose001\nb: 2\n", 2));
        assert!(!stays("-- connwarden: ignore COMPOSE001: on purpose\nALTER SYSTEM\n", 2));
        assert!(!stays("x = 1\n; connwarden: ignore COMPOSE001\ny = 2\n", 3));
    }

    #[test]
    fn it_holds_for_nothing_else() {
        assert!(
            stays("a: 1  # connwarden: ignore COMPOSE001\nb: 2\n", 2),
            "beside a value it is that line's"
        );
        assert!(stays("# connwarden: ignore COMPOSE002\nb: 2\n", 2));
        assert!(stays("# connwarden: ignore COMPOSE001\n\nb: 2\n", 3));
        assert!(stays("connwarden: ignore COMPOSE001\n", 1), "no comment");
        assert!(stays("", 7));
    }

    #[test]
    fn a_rule_that_is_named_is_left_out_everywhere_and_counted() {
        let finding = Finding::at(&RULE, &Place::new(&"f".into(), 1, 1), "m", "f");
        let (kept, ignored) = unignored(vec![finding; 2], &["compose001".into()], &Texts::new());
        assert!(kept.is_empty());
        assert_eq!(ignored, Ignored { named: 2, commented: 0 });
    }
}
