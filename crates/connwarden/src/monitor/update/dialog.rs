//! The dialogs of closing and cancelling: a plan is asked for, shown, and carried out only after a clear yes.

use std::collections::BTreeSet;
use std::sync::Arc;

use inspect::closing::Action as Deed;

use super::super::closing::{Done, Order, Planned, Target};
use super::super::event::{Action, Key};
use super::super::news::Tone;
use super::super::state::{Dialog, Kind, Link, Screen, State, View, identity_of};
use super::press::say;
use super::tell;

/// Longest answer that is taken.
const TYPED_CHARS_MAX: usize = 12;

/// Opens a dialog about what is selected.
pub(super) fn open(state: &mut State, action: Deed) {
    if state.read_only || state.origin.is_file() {
        return;
    }
    if let Link::Down { .. } = state.link {
        return say(state, "there is no connection to do it over");
    }
    let target = match state.screen() {
        Screen::View(View::Apps) => {
            state.selected_app().map(|row| Target::Group(state.filter.clone().in_group(state.by, &row.key)))
        }
        Screen::View(View::Plan) => {
            let plan = state.plan.as_ref();
            let row = state.selected_service();
            plan.zip(row).map(|(plan, row)| Target::Group(plan.within(row.owner, state.filter.clone())))
        }
        Screen::View(View::Sessions) | Screen::SessionsOf(..) if !state.tagged_here().is_empty() => {
            Some(Target::Sessions(state.tagged_here()))
        }
        Screen::View(View::Sessions) | Screen::SessionsOf(..) | Screen::Session(_) => {
            state.selected_session().map(|session| Target::Sessions(BTreeSet::from([identity_of(session)])))
        }
        Screen::View(View::Blocking | View::Limits | View::Events) => None,
    };
    if let Some(target) = target {
        state.dialog = Some(Dialog::Planning { order: Order { action, target }, asked: false });
    }
}

/// What a dialog waits for, as soon as the connection is free.
pub(super) fn carry_on(state: &mut State) -> Vec<Action> {
    if state.looking || !matches!(state.origin.kind, Kind::Server { .. }) {
        return Vec::new();
    }
    match &mut state.dialog {
        Some(Dialog::Planning { order, asked }) if !*asked => {
            *asked = true;
            state.looking = true;
            vec![Action::Plan(order.clone())]
        }
        Some(Dialog::Acting { planned, begun, .. }) if !*begun => {
            *begun = true;
            state.looking = true;
            vec![Action::Act(Arc::clone(planned))]
        }
        Some(Dialog::Planning { .. } | Dialog::Acting { .. } | Dialog::Ask { .. } | Dialog::Done(_))
        | None => Vec::new(),
    }
}

/// A plan is there. Whoever has left the dialog meanwhile does not see it again.
pub(super) fn planned(state: &mut State, planned: Planned) {
    state.looking = false;
    if let Some(Dialog::Planning { asked: true, .. }) = state.dialog {
        state.dialog = Some(Dialog::Ask { planned: Arc::new(planned), typed: String::new() });
    }
}

/// It was done.
pub(super) fn acted(state: &mut State, done: Done) {
    state.looking = false;
    // Look at once at what came of it.
    state.due_s = state.now_s;
    state.tagged.clear();
    let tone = if done.trouble().is_some() { Tone::Warn } else { Tone::Good };
    let mut text = done.summary();
    if let Some(trouble) = done.trouble() {
        text.push_str(&format!(" ({})", inspect::form::clean(trouble)));
    }
    tell(state, state.clock_us, tone, text);
    state.dialog = Some(Dialog::Done(done));
}

/// Keys while a dialog is open. Enter alone is no.
pub(super) fn press(state: &mut State, key: Key) -> Vec<Action> {
    match state.dialog.take() {
        Some(Dialog::Ask { planned, mut typed }) => {
            match key {
                Key::Enter if is_yes(&planned, &typed) => {
                    state.dialog = Some(Dialog::Acting { planned, begun: false, stopped: false });
                    return carry_on(state);
                }
                Key::Enter => return Vec::new(),
                Key::Esc => return Vec::new(),
                Key::Char(c) if typed.chars().count() < TYPED_CHARS_MAX => typed.push(c),
                Key::Backspace => {
                    typed.pop();
                }
                Key::EraseLine => typed.clear(),
                Key::Char(_) | Key::Tab | Key::BackTab | Key::Up | Key::Down | Key::PageUp => {}
                Key::PageDown | Key::Home | Key::End | Key::Interrupt | Key::Redraw => {}
            }
            state.dialog = Some(Dialog::Ask { planned, typed });
        }
        Some(Dialog::Acting { planned, begun, stopped }) => {
            let stops = matches!(key, Key::Esc | Key::Interrupt);
            state.dialog = Some(Dialog::Acting { planned, begun, stopped: stopped || stops });
            if stops {
                return vec![Action::Stop];
            }
        }
        Some(Dialog::Planning { order, asked }) => {
            if key != Key::Esc {
                state.dialog = Some(Dialog::Planning { order, asked });
            }
        }
        Some(Dialog::Done(_)) | None => {}
    }
    Vec::new()
}

/// `y` for what loses nothing, the number of sessions for what does.
pub(crate) fn is_yes(planned: &Planned, typed: &str) -> bool {
    let victims = planned.plan.victims.len();
    let typed = typed.trim();
    victims > 0
        && match planned.plan.action {
            Deed::CloseIdle | Deed::Cancel => {
                typed.eq_ignore_ascii_case("y") || typed.eq_ignore_ascii_case("yes")
            }
            Deed::ForceClose => typed == victims.to_string(),
        }
}
