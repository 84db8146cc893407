//! All about one session.

use inspect::form::{app, span};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{Screen, State};
use super::Canvas;
use super::fit;
use super::sessions::wait;

/// Width of the names.
const NAME_CELLS: u16 = 18;

pub(super) fn session(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let Screen::Session((pid, _)) = state.screen() else { return };
    let inside = canvas.panel(area, &format!("Session {pid}"), theme.title());
    let Some(session) = state.selected_session() else {
        canvas.put(inside.x + 1, inside.y, inside.width, "it has ended, or was not there yet", theme.faint());
        return;
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let since = |age: Option<f64>| age.map_or_else(|| "-".to_owned(), |age| format!("{} ago", span(age)));
    let lasts = |age: Option<f64>| age.map_or_else(String::new, |age| format!(" for {}", span(age)));
    let mut user = text(&session.user);
    if session.is_superuser {
        user.push_str("  (superuser)");
    }
    if session.is_replication {
        user.push_str("  (replication)");
    }
    let application = app(&session.application);
    let transaction = match session.xact_age_s {
        Some(age) if session.holds_snapshot => format!("open for {}; holds back vacuum", span(age)),
        Some(age) => format!("open for {}", span(age)),
        None => "none".to_owned(),
    };
    let facts = [
        ("Application", application),
        ("User", user),
        ("Database", text(&session.database)),
        ("Client", session.client.to_string()),
        ("State", format!("{}{}", session.state.name(), lasts(session.state_age_s))),
        ("Waits for", wait(session).unwrap_or_else(|| "nothing".to_owned())),
        ("Transaction", transaction),
        ("Logged in", format!("{}  ({})", text(&session.started), since(session.age_s))),
        ("Last statement", since(session.query_age_s)),
    ];
    let mut y = inside.y;
    for (name, value) in facts {
        if y >= inside.bottom() {
            return;
        }
        canvas.put(inside.x + 1, y, NAME_CELLS, name, theme.faint());
        let width = inside.width.saturating_sub(NAME_CELLS + 2);
        canvas.put(inside.x + 1 + NAME_CELLS, y, width, &value, Style::new());
        y += 1;
    }
    let statement = inspect::form::clean(session.query.as_deref().unwrap_or("(not shown)"));
    let room = usize::from(inside.bottom().saturating_sub(y));
    for line in fit::wrapped(&statement, inside.width.saturating_sub(4), room) {
        canvas.put(inside.x + 3, y, inside.width.saturating_sub(3), &line, theme.strong());
        y += 1;
    }
}
