//! Sessions, one a row.

use inspect::catalog::{Session, State as SessionState};
use inspect::form::span;

use super::super::columns::sessions as columns;
use super::super::layout::Layout;
use super::super::news::Tone;
use super::super::state::{State, View, identity_of};
use super::Canvas;
use super::list::{Cell, List, list};

pub(super) fn sessions(canvas: &mut Canvas<'_>, layout: &Layout, state: &State) {
    let Some(sample) = state.sample() else { return };
    let session = |row: usize| &sample.sessions[state.rows.sessions[row]];
    let nothing = if state.filter_text.is_empty() && state.edit.is_none() {
        "no session is left here"
    } else {
        "no session passes the filter"
    };
    let rows = List {
        columns: &columns::ALL,
        first_title: None,
        listing: state.listing(View::Sessions),
        rows: state.rows.sessions.len(),
        nothing,
    };
    let mark = |row: usize| {
        if state.tagged.contains(&identity_of(session(row))) { state.theme.mark("●", "*") } else { " " }
    };
    list(canvas, layout, &rows, |row, column, _| cell(state, session(row), column), mark);
}

fn cell(state: &State, session: &Session, column: usize) -> Cell {
    let theme = state.theme;
    let age = |age: Option<f64>| Cell::plain(age.map_or_else(|| "-".to_owned(), span));
    let text = |text: &Option<String>| Cell::plain(text.as_deref().unwrap_or("-"));
    match column {
        columns::PID => Cell::plain(session.pid.to_string()),
        columns::APP if session.application.is_empty() => Cell::toned("(empty name)", theme.faint()),
        columns::APP => Cell::plain(session.application.as_str()),
        columns::USER => text(&session.user),
        columns::DB => text(&session.database),
        columns::CLIENT => Cell::plain(session.client.host()),
        columns::STATE => Cell::toned(state_word(session), theme.tone(state_tone(session))),
        columns::AGE => age(session.state_age_s),
        columns::TX => age(session.xact_age_s),
        columns::WAIT => Cell::plain(wait(session).unwrap_or_else(|| "-".to_owned())),
        columns::QUERY => text(&session.query),
        _ => Cell::plain(""),
    }
}

/// What a session waits for, other than its client.
pub(super) fn wait(session: &Session) -> Option<String> {
    let (kind, event) = session.wait.as_ref().filter(|(kind, _)| kind != "Client")?;
    Some(format!("{kind}: {event}"))
}

fn state_word(session: &Session) -> &'static str {
    match session.state {
        _ if session.waits_for_lock() => "waits lock",
        _ if session.is_walsender => "walsender",
        SessionState::Active => "active",
        SessionState::Idle => "idle",
        SessionState::IdleInTransaction => "idle in tx",
        SessionState::IdleInTransactionAborted => "aborted tx",
        SessionState::Fastpath => "fastpath",
        SessionState::Starting => "starting",
        SessionState::Disabled => "disabled",
        SessionState::Hidden => "hidden",
    }
}

fn state_tone(session: &Session) -> Tone {
    match session.state {
        _ if session.waits_for_lock() => Tone::Bad,
        SessionState::Active | SessionState::Fastpath => Tone::Good,
        SessionState::IdleInTransaction | SessionState::IdleInTransactionAborted => Tone::Warn,
        SessionState::Idle | SessionState::Starting | SessionState::Disabled | SessionState::Hidden => {
            Tone::Plain
        }
    }
}
