//! More about the selected row.

use inspect::catalog::LimitKind;
use inspect::form::{clean_within, count, span};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::clock;
use super::super::news::Tone;
use super::super::rows::IdleOn;
use super::super::state::{Screen, State, View};
use super::apps::name_of;
use super::sessions::wait;
use super::{Canvas, events, fit, limits, plan};

pub(super) fn about(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height < 3 {
        return;
    }
    let (title, lines) = match state.screen() {
        Screen::View(View::Apps) => about_group(state, usize::from(area.height) - 2),
        Screen::View(View::Sessions) | Screen::SessionsOf(..) => about_session(state, area),
        Screen::View(View::Blocking) => about_blocked(state, area),
        Screen::View(View::Limits) => about_limit(state),
        Screen::View(View::Events) => about_event(state, area),
        Screen::View(View::Plan) => plan::about(state, usize::from(area.height) - 2),
        Screen::Session(_) => return,
    };
    let inside = canvas.panel(area, &clean_within(&title, 48), canvas.theme.title());
    for (y, pieces) in (inside.y..inside.bottom()).zip(lines) {
        canvas.pieces(inside.x + 1, y, inside.width.saturating_sub(2), &pieces);
    }
}

/// Lines of pieces.
pub(super) type Lines = Vec<Vec<(String, Style)>>;

fn about_group(state: &State, rows: usize) -> (String, Lines) {
    let theme = state.theme;
    let Some(row) = state.selected_app() else { return ("Selected".to_owned(), Vec::new()) };
    let title = name_of(state.by, &row.key);
    if state.rows.idle_on.is_empty() {
        return (title, vec![vec![("none of its sessions is idle".to_owned(), theme.faint())]]);
    }
    let lines = state.rows.idle_on.iter().take(rows).map(|idle| idle_line(state, idle)).collect();
    (title, lines)
}

fn idle_line(state: &State, idle: &IdleOn) -> Vec<(String, Style)> {
    let theme = state.theme;
    let statement = match idle.query.trim() {
        "" => "(none yet)",
        statement => statement,
    };
    let mut pieces = Vec::new();
    if idle.leak_like {
        pieces.push((format!("{} leak-like: ", theme.mark("▲", "!")), theme.tone(Tone::Warn)));
    }
    let same = if idle.number > 1 { "the same last statement" } else { "the last statement" };
    pieces.push((format!("{} idle on {same}, up to {}: ", idle.number, span(idle.oldest_s)), theme.strong()));
    pieces.push((statement.to_owned(), Style::new()));
    pieces
}

fn about_session(state: &State, area: Rect) -> (String, Lines) {
    let Some(session) = state.selected_session() else { return ("Selected".to_owned(), Vec::new()) };
    let mut title = format!("pid {}  {}", session.pid, session.state.name());
    if let Some(wait) = wait(session) {
        title.push_str(&format!("  waits for {wait}"));
    }
    let statement = inspect::form::clean(session.query.as_deref().unwrap_or("(not shown)"));
    let room = usize::from(area.height).saturating_sub(2);
    let lines = fit::wrapped(&statement, area.width.saturating_sub(4), room);
    (title, lines.into_iter().map(|line| vec![(line, Style::new())]).collect())
}

fn about_blocked(state: &State, area: Rect) -> (String, Lines) {
    let Some(row) = state.selected_blocked() else { return ("Selected".to_owned(), Vec::new()) };
    let title = match row.waiters {
        0 => format!("pid {}  waits", row.contender.pid),
        waiters => format!("pid {}  holds up {}", row.contender.pid, count(waiters, "session")),
    };
    let statement = inspect::form::clean(row.contender.query.as_deref().unwrap_or("(not shown)"));
    let room = usize::from(area.height).saturating_sub(2);
    let lines = fit::wrapped(&statement, area.width.saturating_sub(4), room);
    (title, lines.into_iter().map(|line| vec![(line, Style::new())]).collect())
}

fn about_limit(state: &State) -> (String, Lines) {
    let at = state.rows.limits.get(state.listing(View::Limits).selected);
    let Some(limit) = at.and_then(|at| state.sample()?.limits.get(*at)) else {
        let text = "ALTER ROLE ... CONNECTION LIMIT keeps one role from taking every slot".to_owned();
        return ("Limits".to_owned(), vec![vec![(text, state.theme.faint())]]);
    };
    let over = match limit.kind {
        LimitKind::Role => "counts the role's sessions in all databases",
        LimitKind::Database => "counts all roles' sessions in the database; superusers pass it",
    };
    let left = limit.limit.saturating_sub(limit.used);
    let text = if limit.exempt {
        "a superuser: the limit is not applied".to_owned()
    } else {
        format!("{left} left; {over}")
    };
    (format!("{} {}", limits::kind(limit.kind), limit.name), vec![vec![(text, Style::new())]])
}

fn about_event(state: &State, area: Rect) -> (String, Lines) {
    let Some(item) = state.selected_news() else { return ("Selected".to_owned(), Vec::new()) };
    let title = clock::whole(item.at_us, &state.zone);
    let room = usize::from(area.height).saturating_sub(2);
    let lines = fit::wrapped(events::told(state, item).trim(), area.width.saturating_sub(4), room);
    (title, lines.into_iter().map(|line| vec![(line, state.theme.tone(item.tone))]).collect())
}
