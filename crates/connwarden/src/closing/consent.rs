//! Whether a plan may be carried out: what the command line says, where we are, and what a person answers.

use std::io::{BufRead, IsTerminal, Write};

use inspect::closing::Action;

use crate::output::Form;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Enter is no.
    YesOrNo,
    /// How many sessions: a number has to be read before it is typed.
    TheNumber,
}

/// What to do with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Show it.
    Show,
    /// Show it and ask.
    Ask,
    /// Carry it out.
    Act,
}

/// What the command line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said<'a> {
    pub(super) dry_run: bool,
    pub(super) apply: bool,
    pub(super) yes: bool,
    pub(super) confirm: Option<&'a str>,
}

/// `asks`: somebody is there to be asked. `protected`: the target's name, if it wants to be confirmed.
///
/// # Errors
/// What is missing, and what to add.
pub(super) fn course(said: Said<'_>, asks: bool, protected: Option<&str>) -> Result<Course, String> {
    let confirmed = protected.is_none_or(|name| said.confirm == Some(name));
    if said.dry_run || (!said.apply && !asks) {
        return Ok(Course::Show);
    }
    match protected {
        Some(name) if said.apply && !(confirmed && said.yes) => {
            return Err(format!("target {name} is protected\n  = add --apply --yes --confirm {name}"));
        }
        // A question answered by habit is no protection.
        Some(_) if !said.apply => return Ok(Course::Show),
        Some(_) | None => {}
    }
    match (said.yes, asks) {
        (true, _) => Ok(Course::Act),
        (false, true) => Ok(Course::Ask),
        (false, false) => Err("--apply asks, and there is no terminal to ask on\n  = add --yes".to_owned()),
    }
}

/// Somebody sees the plan and can answer.
pub(super) fn somebody_is_there(form: Form) -> bool {
    form != Form::Json && std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Asks on standard error; anything but a clear yes is no.
pub(super) fn asked(question: Question, action: Action, victims: usize) -> bool {
    let (verb, noun) = match action {
        Action::CloseIdle | Action::ForceClose => ("Close", "session"),
        Action::Cancel => ("Cancel", "statement"),
    };
    let plural = if victims == 1 { "" } else { "s" };
    let text = match question {
        Question::YesOrNo => format!("{verb} {victims} {noun}{plural}? [y/N] "),
        Question::TheNumber => format!("Type {victims} to continue: "),
    };
    let mut stderr = std::io::stderr().lock();
    let mut answer = String::new();
    let heard = write!(stderr, "{text}")
        .and_then(|()| stderr.flush())
        .and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    heard.is_ok() && is_yes(question, victims, &answer)
}

fn is_yes(question: Question, victims: usize, answer: &str) -> bool {
    let answer = answer.trim();
    match question {
        Question::YesOrNo => answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes"),
        Question::TheNumber => answer == victims.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_done_unless_somebody_said_so() {
        let bare = Said::default();
        let apply = Said { apply: true, ..bare };
        let yes = Said { yes: true, ..apply };
        let dry = Said { dry_run: true, ..bare };
        assert_eq!(course(bare, true, None), Ok(Course::Ask));
        assert_eq!(course(bare, false, None), Ok(Course::Show));
        assert_eq!(course(apply, true, None), Ok(Course::Ask));
        assert!(course(apply, false, None).unwrap_err().ends_with("= add --yes"));
        assert_eq!(course(yes, true, None), Ok(Course::Act));
        assert_eq!(course(yes, false, None), Ok(Course::Act));
        for asks in [true, false] {
            assert_eq!(course(dry, asks, None), Ok(Course::Show));
            assert_eq!(course(dry, asks, Some("prod")), Ok(Course::Show));
        }
    }

    #[test]
    fn a_protected_target_wants_its_name() {
        let yes = Said { apply: true, yes: true, ..Said::default() };
        for asks in [true, false] {
            assert_eq!(course(Said::default(), asks, Some("prod")), Ok(Course::Show));
            for said in [
                yes,
                Said { yes: false, ..yes },
                Said { confirm: Some("stage"), ..yes },
                Said { yes: false, confirm: Some("prod"), ..yes },
            ] {
                let refused = course(said, asks, Some("prod")).unwrap_err();
                assert!(refused.contains("--confirm prod"), "{said:?} {refused}");
            }
            assert_eq!(course(Said { confirm: Some("prod"), ..yes }, asks, Some("prod")), Ok(Course::Act));
        }
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        for (question, answer, yes) in [
            (Question::YesOrNo, "y\n", true),
            (Question::YesOrNo, "YES", true),
            (Question::YesOrNo, "\n", false),
            (Question::YesOrNo, "", false),
            (Question::YesOrNo, "3", false),
            (Question::TheNumber, "3\n", true),
            (Question::TheNumber, "y", false),
            (Question::TheNumber, "33", false),
            (Question::TheNumber, "", false),
        ] {
            assert_eq!(is_yes(question, 3, answer), yes, "{question:?} {answer:?}");
        }
    }
}
