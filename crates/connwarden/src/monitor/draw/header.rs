//! The first line: which server, how old the picture is. And what is said while the server does not answer.

use inspect::form::{clean, span};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::clock;
use super::super::news::Tone;
use super::super::state::{Kind, Link, State};
use super::Canvas;
use super::fit;

pub(super) fn header(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let mut right = Vec::new();
    if state.read_only {
        right.push(("RO".to_owned(), theme.tone(Tone::Warn)));
    }
    right.push(("? help".to_owned(), theme.faint()));
    let right_cells: u16 = right.iter().map(|(text, _)| fit::cells(text) + 2).sum();

    let mut middle: Vec<(String, Style)> = Vec::new();
    let mut dbname = String::new();
    if let Some(sample) = state.sample() {
        let facts = &sample.facts;
        dbname = format!("/{}", clean(&facts.dbname));
        middle.push((format!("PG {}", clean(facts.short_version())), Style::new()));
        if facts.in_recovery {
            middle.push(("standby".to_owned(), theme.tone(Tone::Warn)));
        }
        middle.push((format!("up {}", span(facts.uptime_s)), Style::new()));
    }
    if let Kind::Server { interval } = state.origin.kind {
        middle.push((interval.to_string(), Style::new()));
    }
    middle.push(status(state));
    middle.push((time(state), Style::new()));
    let middle_cells: u16 = middle.iter().map(|(text, _)| fit::cells(text) + 2).sum();

    // Of a long path the end says more; our own name and the database's are said where there is room for them.
    let room = area.width.saturating_sub(middle_cells + right_cells + 2);
    let name = "connwarden  ";
    let mut place = clean(&state.origin.place);
    let has_room = |text: &str| fit::cells(text) + fit::cells(name) <= room;
    let name = if has_room(&place) { name } else { "" };
    if has_room(&format!("{place}{dbname}")) {
        place.push_str(&dbname);
    }
    let place = fit::fit_end(&place, room - fit::cells(name).min(room), theme.mark("…", "~"));
    let mut pieces = vec![(format!(" {name}"), theme.title()), (place, theme.strong())];
    pieces.extend(middle.into_iter().map(|(text, style)| (format!("  {text}"), style)));
    canvas.pieces(area.x, area.y, area.width.saturating_sub(right_cells), &pieces);
    let mut at = area.right().saturating_sub(right_cells);
    for (text, style) in right {
        at += canvas.put(at, area.y, area.width, &format!("{text}  "), style);
    }
}

/// Live, held, in the past, without a server, or playing.
fn status(state: &State) -> (String, Style) {
    let theme = state.theme;
    let (play, hold, back, none) =
        (theme.mark("▶", ">"), theme.mark("‖", "="), theme.mark("◀", "<"), theme.mark("✖", "x"));
    if let Kind::File { speed, playing, ended } = state.origin.kind {
        return match (playing, ended) {
            (true, _) => (format!("{play} replay {speed}x"), theme.tone(Tone::Good)),
            (false, true) if !state.is_past() => (format!("{hold} end of replay"), theme.tone(Tone::Warn)),
            (false, _) => (format!("{hold} replay paused"), theme.tone(Tone::Warn)),
        };
    }
    if state.held && state.is_past() {
        return (format!("{back} {} ago", span(age_s(state))), theme.tone(Tone::Warn));
    }
    match state.link {
        Link::Down { .. } => (format!("{none} {} old", span(age_s(state))), theme.tone(Tone::Bad)),
        Link::Up if state.held => (format!("{hold} paused"), theme.tone(Tone::Warn)),
        Link::Up => (format!("{play} live"), theme.tone(Tone::Good)),
    }
}

/// How old the picture is. Against the newest look where there is one: the server's clock may not be ours.
fn age_s(state: &State) -> f64 {
    let shown_us = state.sample().map_or(0, |sample| sample.facts.now_us);
    let newest_us = state.history.ring.newest().map_or(shown_us, |kept| kept.sample.facts.now_us);
    let since_newest = match state.link {
        Link::Up => 0.0,
        Link::Down { since_s, .. } => state.now_s - since_s,
    };
    (newest_us - shown_us) as f64 / 1e6 + since_newest
}

fn time(state: &State) -> String {
    let live = !state.origin.is_file() && !state.is_past();
    let at_us = state.sample().filter(|_| !live).map_or(state.clock_us, |sample| sample.facts.now_us);
    clock::time_of_day(at_us, &state.zone)
}

/// Why there is no answer, in the exact words, and when the next try is.
pub(super) fn banner(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let Link::Down { since_s, why, attempts } = &state.link else { return };
    let theme = state.theme;
    let next = if state.looking {
        "trying".to_owned()
    } else {
        format!("next try in {}", span((state.due_s - state.now_s).max(0.0).ceil()))
    };
    let head = format!(
        " {} no answer for {}; {next} (attempt {attempts})",
        theme.mark("✖", "x"),
        span((state.now_s - since_s).floor())
    );
    canvas.put(area.x, area.y, area.width, &head, theme.tone(Tone::Bad));
    canvas.put(area.x + 3, area.y + 1, area.width.saturating_sub(4), why, theme.tone(Tone::Warn));
}
