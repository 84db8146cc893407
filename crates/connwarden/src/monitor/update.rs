//! What an event does to the state, and what is to be done about it. A function of both: no clock, no terminal, no socket.

use std::collections::BTreeSet;
use std::sync::Arc;

use inspect::catalog::{Sample, Session};
use inspect::census::Pace;
use inspect::form::{clean, partial_view, span};
use inspect::record::Kept;

use super::event::{Action, Event};
use super::news::{self, Tone};
use super::state::{Group, Identity, Kind, Link, NEWS_MAX, NewsItem, Rows, Screen, State, View, identity_of};
use super::{rows, services};
use crate::exit::Exit;

pub(in crate::monitor) mod dialog;
mod press;
#[cfg(test)]
mod tests;

/// The first pause before a server is asked again, in seconds; each further one is twice as long.
const RETRY_FIRST_S: f64 = 0.5;
/// The longest.
const RETRY_LAST_S: f64 = 15.0;
/// Nights in a recording pass in so many seconds.
const GAP_MAX_S: f64 = 5.0;

/// Takes an event in.
pub(crate) fn update(state: &mut State, event: Event) -> Vec<Action> {
    let mut actions = taken(state, event);
    actions.extend(dialog::carry_on(state));
    actions
}

fn taken(state: &mut State, event: Event) -> Vec<Action> {
    match event {
        Event::Tick { now_s, clock_us } => return tick(state, now_s, clock_us),
        Event::Resize(columns, rows) => {
            state.size = (columns, rows);
            fit(state);
        }
        Event::Key(key) => return press::press(state, key),
        Event::Sample(sample, gap_s) => return sampled(state, *sample, gap_s),
        Event::Failed { why, at_us, lost } => failed(state, &why, at_us, lost),
        Event::Blocking(blocking) => state.blocking = blocking,
        Event::Planned(planned) => dialog::planned(state, *planned),
        Event::Acted(done) => dialog::acted(state, done),
        Event::Ended => {
            state.looking = false;
            if let Kind::File { playing, ended, .. } = &mut state.origin.kind {
                (*playing, *ended) = (false, true);
            }
        }
        Event::Remark(tone, text) => tell(state, state.clock_us, tone, text),
        Event::Leave(exit) => return vec![Action::Quit(exit)],
    }
    Vec::new()
}

fn tick(state: &mut State, now_s: f64, clock_us: i64) -> Vec<Action> {
    state.now_s = now_s;
    state.clock_us = clock_us;
    if state.notice.as_ref().is_some_and(|(_, until)| *until <= now_s) {
        state.notice = None;
    }
    if state.looking || !state.is_running() || now_s < state.due_s {
        return Vec::new();
    }
    // A recording is played from where it is looked at.
    if let Kind::File { .. } = state.origin.kind
        && state.is_past()
    {
        step(state, true);
        state.due_s = now_s + 1.0 / speed(state);
        return Vec::new();
    }
    look(state)
}

fn look(state: &mut State) -> Vec<Action> {
    if state.looking {
        return Vec::new();
    }
    state.looking = true;
    if let Kind::Server { interval } = state.origin.kind {
        state.due_s = state.now_s + interval.seconds();
    }
    vec![Action::Look]
}

fn sampled(state: &mut State, sample: Sample, gap_s: Option<f64>) -> Vec<Action> {
    state.looking = false;
    let at_us = sample.facts.now_us;
    if let Link::Down { since_s, .. } = state.link {
        state.link = Link::Up;
        let text = format!("the server answers again, after {}", span(state.now_s - since_s));
        tell(state, at_us, Tone::Good, text);
    }
    if !state.origin.is_file() {
        // A tag of somebody who is gone would stay for ever.
        let here: BTreeSet<Identity> = sample.sessions.iter().map(identity_of).collect();
        state.tagged.retain(|identity| here.contains(identity));
    }
    let before = state.history.ring.newest().cloned();
    let follows_shown = !state.held && (!state.origin.is_file() || !state.is_past());
    let kept = state.history.push(Arc::new(sample));
    if before.is_none() && kept.sample.is_partial() {
        let text = partial_view(&kept.sample.facts.user);
        tell(state, at_us, Tone::Warn, text);
    }
    if let Some(before) = before {
        for (tone, text) in news::between(&before.sample, &kept.sample, state.thresholds.utilization) {
            tell(state, at_us, tone, text);
        }
    }
    if follows_shown {
        show(state, kept);
    }
    if let Kind::File { .. } = state.origin.kind {
        state.due_s = state.now_s + gap_s.unwrap_or(0.0).min(GAP_MAX_S) / speed(state);
    }
    state.looks_left = state.looks_left.map(|left| left.saturating_sub(1));
    if state.looks_left == Some(0) { vec![Action::Quit(Exit::Done)] } else { Vec::new() }
}

fn failed(state: &mut State, why: &str, at_us: i64, lost: bool) {
    state.looking = false;
    // A plan that was not made, or not carried out, is not tried again behind somebody's back.
    state.dialog = None;
    let why = clean(why);
    let at_us = if at_us == 0 { state.clock_us } else { at_us };
    let text = if lost { format!("connection lost: {why}") } else { format!("no connection: {why}") };
    tell(state, at_us, Tone::Bad, text);
    if state.origin.is_file() {
        state.due_s = state.now_s + 1.0 / speed(state);
        return;
    }
    let (since_s, attempts) = match state.link {
        Link::Up => (state.now_s, 1),
        Link::Down { since_s, attempts, .. } => (since_s, attempts.saturating_add(1)),
    };
    state.link = Link::Down { since_s, why, attempts };
    let doubled = RETRY_FIRST_S * 2_f64.powi(attempts.min(16) as i32 - 1);
    state.due_s = state.now_s + doubled.min(RETRY_LAST_S);
    fit(state);
}

fn speed(state: &State) -> f64 {
    match state.origin.kind {
        Kind::Server { .. } => 1.0,
        Kind::File { speed, .. } => speed,
    }
}

/// Adds a piece of news; the same one again in a row is counted.
fn tell(state: &mut State, at_us: i64, tone: Tone, text: String) {
    let number = state.history.ring.newest().map_or(0, |kept| kept.number);
    if let Some(last) = state.news.back_mut()
        && last.text == text
    {
        last.times += 1;
        last.at_us = at_us;
        return;
    }
    state.news.push_back(NewsItem { at_us, tone, text, times: 1, number });
    if state.news.len() > NEWS_MAX {
        state.news.pop_front();
    }
    // Whoever reads an older one goes on reading it.
    let events = View::Events.place();
    if state.listings[events].selected > 0 {
        state.listings[events].selected += 1;
    }
    fit(state);
}

/// One look back or on among those that are remembered.
fn step(state: &mut State, forward: bool) {
    let Some(here) = state.shown.as_ref().map(|kept| kept.number) else { return };
    let ring = &state.history.ring;
    let found = if forward { ring.after(here) } else { ring.before(here) };
    let Some(kept) = found.cloned() else { return };
    show(state, kept);
}

/// Shows a sample.
fn show(state: &mut State, kept: Kept) {
    let before = state.history.ring.before(kept.number).filter(|before| before.number < kept.number);
    state.pace = before.and_then(|before| Pace::between(&before.sample, &kept.sample));
    state.shown = Some(kept);
    rebuild(state);
}

/// Makes the rows again. What was selected stays selected, wherever it stands now.
fn rebuild(state: &mut State) {
    let app = state.selected_app().map(|row| row.key.clone());
    let session = state.selected_session().map(identity_of);
    let owner = state.selected_service().map(|row| row.owner);
    remake(state);
    if let Some(at) = app.and_then(|key| state.rows.apps.iter().position(|row| row.key == key)) {
        state.listings[View::Apps.place()].selected = at;
    }
    if let Some(at) = owner.and_then(|owner| state.rows.services.iter().position(|row| row.owner == owner)) {
        state.listings[View::Plan.place()].selected = at;
    }
    let sample = state.sample().cloned();
    if let (Some(identity), Some(sample)) = (session, sample)
        && let Some(at) =
            state.rows.sessions.iter().position(|at| {
                sample.sessions.get(*at).is_some_and(|session| identity_of(session) == identity)
            })
    {
        state.listings[View::Sessions.place()].selected = at;
    }
    fit(state);
}

/// The rows of what is on the screen; lists that nobody sees cost nothing.
fn remake(state: &mut State) {
    let Some(sample) = state.sample().cloned() else { return };
    let mut rows = Rows {
        apps: std::mem::take(&mut state.rows.apps),
        services: std::mem::take(&mut state.rows.services),
        ..Rows::default()
    };
    let (by, filter) = (state.by, &state.filter);
    match state.screen() {
        Screen::View(View::Apps) => {
            let listing = state.listing(View::Apps);
            let plan = state.plan_of_groups();
            rows.apps = rows::apps(&sample, by, plan, |session| filter.matches(session), listing);
        }
        Screen::View(View::Sessions) => {
            rows.sessions =
                rows::sessions(&sample, |session| filter.matches(session), state.listing(View::Sessions));
        }
        Screen::SessionsOf(Group::Key(of, key)) => {
            let keep = |session: &Session| of.key(session) == *key && filter.matches(session);
            rows.sessions = rows::sessions(&sample, keep, state.listing(View::Sessions));
        }
        Screen::SessionsOf(Group::Of(owner)) => {
            // What the plan counts, and no walsender of the same name.
            let owners = state.plan.as_ref().map(|plan| plan.owners(&sample)).unwrap_or_default();
            let keep = |session: &Session| {
                owners.get(session.application.as_str()) == Some(owner)
                    && !session.is_walsender
                    && filter.matches(session)
            };
            rows.sessions = rows::sessions(&sample, keep, state.listing(View::Sessions));
        }
        Screen::View(View::Plan) => {
            let services = |plan| services::services(plan, &sample, state.listing(View::Plan));
            rows.services = state.plan.as_ref().map(services).unwrap_or_default();
        }
        Screen::View(View::Blocking) => {
            rows.blocking = state.blocking.as_ref().map(rows::blocking).unwrap_or_default();
        }
        Screen::View(View::Limits) => rows.limits = rows::limits(&sample, state.listing(View::Limits)),
        Screen::View(View::Events) | Screen::Session(_) => {}
    }
    state.rows = rows;
}

/// Keeps every list's place in its list, and what is said about the selected row true.
fn fit(state: &mut State) {
    if let Some(view) = state.screen().view() {
        let (rows, height) = (state.rows_of(view), state.list_height());
        state.listings[view.place()].fit(rows, height);
    }
    about(state);
}

/// What the sessions of the selected group are idle on.
fn about(state: &mut State) {
    let Screen::View(View::Apps) = state.screen() else { return };
    let (Some(sample), Some(key)) = (state.sample(), state.selected_app().map(|row| &row.key)) else {
        return;
    };
    let (by, filter) = (state.by, &state.filter);
    let idle_on = rows::idle_on(sample, |session| by.key(session) == *key && filter.matches(session));
    state.rows.idle_on = idle_on;
}
