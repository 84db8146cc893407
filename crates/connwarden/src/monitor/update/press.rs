//! What keys do.

use inspect::catalog::LimitKind;
use inspect::census::By;
use inspect::closing::Action as Deed;

use super::super::columns::Order;
use super::super::columns::apps;
use super::super::event::{Action, Key};
use super::super::filter;
use super::super::history::KEYS;
use super::super::listing::Step;
use super::super::rows::next_sort;
use super::super::services::allowance;
use super::super::state::{Dialog, Edit, Group, Kind, Screen, State, View, identity_of};
use super::{about, dialog, fit, look, rebuild, remake, show, step};
use crate::exit::Exit;

/// A notice stays for so many seconds.
const NOTICE_S: f64 = 3.0;
/// How fast a recording can be played.
const SPEEDS: [f64; 8] = [0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];
/// Most characters of a filter.
const FILTER_CHARS_MAX: usize = 400;

/// Takes a key in.
pub(super) fn press(state: &mut State, key: Key) -> Vec<Action> {
    match key {
        // While sessions are being closed, the first one stops that and leaves its result to be read.
        Key::Interrupt if matches!(state.dialog, Some(Dialog::Acting { stopped: false, .. })) => {
            return dialog::press(state, key);
        }
        Key::Interrupt => return vec![Action::Quit(Exit::Interrupted)],
        Key::Redraw => return vec![Action::Redraw],
        _ if state.dialog.is_some() => return dialog::press(state, key),
        _ if state.edit.is_some() => write(state, key),
        _ if state.help => state.help = false,
        Key::Char('q') => return vec![Action::Quit(Exit::Done)],
        Key::Char('y') => return copy(state),
        Key::Char(c) => return letter(state, c),
        Key::Enter => enter(state),
        Key::Esc => back(state),
        Key::Tab => turn(state, 1),
        Key::BackTab => turn(state, state.views().len() - 1),
        Key::Up => go(state, Step::Up),
        Key::Down => go(state, Step::Down),
        Key::PageUp => go(state, Step::PageUp),
        Key::PageDown => go(state, Step::PageDown),
        Key::Home => go(state, Step::First),
        Key::End => go(state, Step::Last),
        Key::Backspace | Key::EraseLine => {}
    }
    Vec::new()
}

fn letter(state: &mut State, c: char) -> Vec<Action> {
    match c {
        '1'..='9' => {
            if let Some(view) = state.views().get(c as usize - '1' as usize) {
                open(state, vec![Screen::View(*view)]);
            }
        }
        'j' => go(state, Step::Down),
        'k' => go(state, Step::Up),
        '?' => state.help = true,
        '/' => {
            if matches!(state.screen(), Screen::View(View::Apps | View::Sessions) | Screen::SessionsOf(..)) {
                state.edit = Some(Edit { text: state.filter_text.clone(), error: None });
            }
        }
        's' => sort(state, true, true),
        '>' => sort(state, true, false),
        '<' => sort(state, false, false),
        'r' => turn_round(state),
        'g' => group(state),
        'x' => dialog::open(state, Deed::CloseIdle),
        'K' => dialog::open(state, Deed::ForceClose),
        'C' => dialog::open(state, Deed::Cancel),
        'p' => return pause(state),
        'b' => open(state, vec![Screen::View(View::Blocking)]),
        ' ' => tag(state),
        '[' => scrub(state, false),
        ']' => return forward(state),
        '+' | '=' => pace(state, true),
        '-' => pace(state, false),
        _ => {}
    }
    Vec::new()
}

/// The `/` line. What is understood is applied as it is written.
fn write(state: &mut State, key: Key) {
    let Some(mut edit) = state.edit.take() else { return };
    match key {
        Key::Enter => {
            if edit.error.is_none() {
                state.filter_text = edit.text.trim().to_owned();
                rebuild(state);
                return;
            }
        }
        Key::Esc => {
            // As it was before.
            state.filter = filter::parse(&state.filter_text).unwrap_or_default();
            rebuild(state);
            return;
        }
        Key::Backspace => {
            edit.text.pop();
        }
        Key::EraseLine => edit.text.clear(),
        Key::Char(c) if edit.text.chars().count() < FILTER_CHARS_MAX => edit.text.push(c),
        Key::Char(_) => {}
        Key::Tab | Key::BackTab | Key::Up | Key::Down | Key::PageUp | Key::PageDown => {}
        Key::Home | Key::End | Key::Interrupt | Key::Redraw => {}
    }
    match filter::parse(&edit.text) {
        Ok(filter) => {
            state.filter = filter;
            edit.error = None;
        }
        Err(why) => edit.error = Some(why),
    }
    state.edit = Some(edit);
    rebuild(state);
}

fn open(state: &mut State, screens: Vec<Screen>) {
    state.screens = screens;
    rebuild(state);
}

fn turn(state: &mut State, by: usize) {
    let here = state.screens.first().and_then(Screen::view).map_or(0, View::place);
    let views = state.views();
    open(state, vec![Screen::View(views[(here + by) % views.len()])]);
}

fn go(state: &mut State, step: Step) {
    let Some(view) = state.screen().view() else { return };
    let (rows, height) = (state.rows_of(view), state.list_height());
    state.listings[view.place()].go(step, rows, height);
    about(state);
}

fn enter(state: &mut State) {
    let deeper = match state.screen() {
        Screen::View(View::Apps) => {
            state.selected_app().map(|row| Screen::SessionsOf(Group::Key(state.by, row.key.clone())))
        }
        Screen::View(View::Sessions) | Screen::SessionsOf(..) => {
            state.selected_session().map(|session| Screen::Session(identity_of(session)))
        }
        Screen::View(View::Limits) => {
            let at = state.rows.limits.get(state.listing(View::Limits).selected);
            let limit = at.and_then(|at| state.sample()?.limits.get(*at));
            limit.map(|limit| {
                let by = match limit.kind {
                    LimitKind::Role => By::User,
                    LimitKind::Database => By::Db,
                };
                Screen::SessionsOf(Group::Key(by, limit.name.clone()))
            })
        }
        Screen::View(View::Plan) => {
            state.selected_service().map(|row| Screen::SessionsOf(Group::Of(row.owner)))
        }
        Screen::View(View::Events) => return go_there(state),
        Screen::View(View::Blocking) => state.selected_blocked().and_then(|row| {
            let pid = row.contender.pid;
            let sample = state.sample()?;
            let session = sample.sessions.iter().find(|session| session.pid == pid)?;
            Some(Screen::Session(identity_of(session)))
        }),
        Screen::Session(_) => None,
    };
    let Some(deeper) = deeper else { return };
    if let Screen::SessionsOf(..) = deeper {
        state.listings[View::Sessions.place()].selected = 0;
    }
    state.screens.push(deeper);
    rebuild(state);
}

/// Shows the server as it was when the selected event came.
fn go_there(state: &mut State) {
    let Some(number) = state.selected_news().map(|item| item.number) else { return };
    let ring = &state.history.ring;
    let still = ring.oldest().is_some_and(|oldest| oldest.number <= number);
    let Some(kept) = ring.before(number + 1).cloned().filter(|_| still) else {
        return say(state, "that look is no longer remembered");
    };
    state.held = true;
    stop_playing(state);
    show(state, kept);
    open(state, vec![Screen::View(View::Apps)]);
}

fn back(state: &mut State) {
    if state.screens.len() > 1 {
        let left = state.selected_session().map(identity_of);
        state.screens.pop();
        remake(state);
        // Back in the list, on the session that was open.
        let sample = state.sample().cloned();
        let found = sample.zip(left).and_then(|(sample, left)| {
            state.rows.sessions.iter().position(|at| identity_of(&sample.sessions[*at]) == left)
        });
        if let Some(at) = found {
            state.listings[View::Sessions.place()].selected = at;
        }
        fit(state);
    } else if state.held && !state.origin.is_file() {
        live(state);
    }
}

fn sort(state: &mut State, on: bool, round: bool) {
    let Some(view) = state.screen().view() else { return };
    let columns = state.columns(view);
    let listing = &mut state.listings[view.place()];
    let next = next_sort(columns, listing.sort, on, round);
    if next != listing.sort {
        (listing.sort, listing.reversed) = (next, false);
    }
    rebuild(state);
}

fn turn_round(state: &mut State) {
    let Some(view) = state.screen().view() else { return };
    let columns = state.columns(view);
    let listing = &mut state.listings[view.place()];
    if columns[listing.sort].order != Order::None {
        listing.reversed = !listing.reversed;
    }
    rebuild(state);
}

fn group(state: &mut State) {
    let Screen::View(View::Apps) = state.screen() else { return };
    let at = KEYS.iter().position(|by| *by == state.by).unwrap_or(0);
    state.by = KEYS[(at + 1) % KEYS.len()];
    let columns = state.columns(View::Apps);
    let listing = &mut state.listings[View::Apps.place()];
    listing.selected = 0;
    if columns[listing.sort].order == Order::None {
        // Its column is not there any more.
        (listing.sort, listing.reversed) = (apps::CONN, false);
    }
    state.rows.apps.clear();
    rebuild(state);
}

fn tag(state: &mut State) {
    if !matches!(state.screen(), Screen::View(View::Sessions) | Screen::SessionsOf(..)) {
        return;
    }
    let Some(identity) = state.selected_session().map(identity_of) else { return };
    if !state.tagged.remove(&identity) {
        state.tagged.insert(identity);
    }
    go(state, Step::Down);
}

fn pause(state: &mut State) -> Vec<Action> {
    if let Kind::File { playing, ended, .. } = &mut state.origin.kind {
        if *ended && !*playing {
            say(state, "that was the last look of the recording");
            return Vec::new();
        }
        *playing = !*playing;
        state.held = false;
        state.due_s = state.now_s;
    } else if state.held {
        live(state);
    } else {
        state.held = true;
    }
    Vec::new()
}

fn live(state: &mut State) {
    state.held = false;
    if let Some(kept) = state.history.ring.newest().cloned() {
        show(state, kept);
    }
}

fn stop_playing(state: &mut State) {
    if let Kind::File { playing, .. } = &mut state.origin.kind {
        *playing = false;
    }
}

fn scrub(state: &mut State, on: bool) {
    state.held = true;
    stop_playing(state);
    step(state, on);
}

/// One look on; behind the newest one it is live, and a recording is read on.
fn forward(state: &mut State) -> Vec<Action> {
    if state.is_past() {
        scrub(state, true);
        return Vec::new();
    }
    match state.origin.kind {
        Kind::Server { .. } => live(state),
        Kind::File { ended: true, .. } => say(state, "that was the last look of the recording"),
        Kind::File { ended: false, .. } => {
            stop_playing(state);
            state.held = false;
            return look(state);
        }
    }
    Vec::new()
}

fn pace(state: &mut State, more: bool) {
    match &mut state.origin.kind {
        Kind::Server { interval } => {
            *interval = if more { interval.longer() } else { interval.shorter() };
            state.due_s = state.due_s.min(state.now_s + interval.seconds());
        }
        Kind::File { speed, .. } => {
            let next = if more {
                SPEEDS.into_iter().find(|step| step > speed)
            } else {
                SPEEDS.into_iter().rev().find(|step| step < speed)
            };
            *speed = next.unwrap_or(*speed);
            state.due_s = state.due_s.min(state.now_s + 1.0);
        }
    }
}

fn copy(state: &mut State) -> Vec<Action> {
    let text = match state.screen() {
        Screen::View(View::Apps) => state.selected_app().map(|row| row.key.clone()),
        Screen::View(View::Sessions) | Screen::SessionsOf(..) if !state.tagged_here().is_empty() => {
            let pids: Vec<String> = state.tagged_here().iter().map(|(pid, _)| pid.to_string()).collect();
            Some(pids.join(" "))
        }
        Screen::View(View::Sessions) | Screen::SessionsOf(..) => {
            state.selected_session().map(|session| session.pid.to_string())
        }
        Screen::Session(_) => state.selected_session().and_then(|session| session.query.clone()),
        Screen::View(View::Limits) => {
            let at = state.rows.limits.get(state.listing(View::Limits).selected);
            at.and_then(|at| state.sample()?.limits.get(*at)).map(|limit| limit.name.clone())
        }
        Screen::View(View::Blocking) => state.selected_blocked().map(|row| row.contender.pid.to_string()),
        Screen::View(View::Events) => state.selected_news().map(|item| item.text.clone()),
        Screen::View(View::Plan) => {
            let plan = state.plan.as_ref();
            let service = state.selected_service().and_then(|row| allowance(plan?, row.owner));
            service.map(|service| service.service.clone())
        }
    };
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Vec::new() };
    say(state, "sent to the clipboard of the terminal");
    vec![Action::Copy(text)]
}

pub(super) fn say(state: &mut State, text: &str) {
    state.notice = Some((text.to_owned(), state.now_s + NOTICE_S));
}
