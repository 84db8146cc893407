//! The dialogs of closing and cancelling.

use inspect::closing::Action;
use inspect::form::{count, span};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::closing::{Done, Planned};
use super::super::news::Tone;
use super::super::state::{Dialog, State};
use super::Canvas;

/// Rows of a dialog besides the victims: frame, heads, what is spared, the question.
const OTHER_ROWS: u16 = 7;

pub(super) fn dialog(canvas: &mut Canvas<'_>, state: &State) {
    let Some(dialog) = &state.dialog else { return };
    match dialog {
        Dialog::Planning { order, .. } => {
            let inside = frame(canvas, order.action, 3);
            canvas.put(
                inside.x + 1,
                inside.y,
                inside.width,
                "looking at the server to make a plan",
                Style::new(),
            );
        }
        Dialog::Ask { planned, typed } => ask(canvas, state, planned, typed),
        Dialog::Acting { planned, .. } => {
            let action = planned.plan.action;
            let inside = frame(canvas, action, 4);
            let text = format!(
                "{}: at work, ten a second at most",
                count(planned.plan.victims.len() as u32, noun(action))
            );
            canvas.put(inside.x + 1, inside.y, inside.width, &text, Style::new());
            canvas.put(
                inside.x + 1,
                inside.y + 1,
                inside.width,
                "Esc stops behind the present one",
                state.theme.faint(),
            );
        }
        Dialog::Done(done) => told(canvas, state, done),
    }
}

fn frame(canvas: &mut Canvas<'_>, action: Action, height: u16) -> Rect {
    let screen = canvas.area;
    let width = 110.min(screen.width.saturating_sub(4));
    let height = height.min(screen.height.saturating_sub(2));
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 2, width, height };
    canvas.clear(area);
    let title = match action {
        Action::CloseIdle => "Close idle sessions",
        Action::ForceClose => "Terminate sessions, whatever they do",
        Action::Cancel => "Cancel running statements",
    };
    canvas.panel(area, title, canvas.theme.tone(Tone::Warn))
}

fn noun(action: Action) -> &'static str {
    match action {
        Action::CloseIdle | Action::ForceClose => "session",
        Action::Cancel => "statement",
    }
}

fn ask(canvas: &mut Canvas<'_>, state: &State, planned: &Planned, typed: &str) {
    let theme = state.theme;
    let plan = &planned.plan;
    let victims = plan.victims.len();
    let rows = (victims as u16).min(canvas.area.height.saturating_sub(OTHER_ROWS + 4)).max(1);
    let inside = frame(canvas, plan.action, rows + OTHER_ROWS);
    let (x, width) = (inside.x + 1, inside.width.saturating_sub(2));
    let mut y = inside.y;
    let mut head = match plan.action {
        Action::CloseIdle => format!("{}, idle for 5 minutes or more:", count(victims as u32, "session")),
        Action::ForceClose => format!("{}:", count(victims as u32, "session")),
        Action::Cancel => format!("{}; the sessions stay:", count(victims as u32, "statement")),
    };
    if plan.action == Action::ForceClose && plan.running() + plan.in_transaction() > 0 {
        let (running, waiting) = (plan.running(), plan.in_transaction());
        head.push_str(&format!("  {running} running and {waiting} in transaction LOSE THEIR WORK"));
    }
    if victims == 0 {
        head = "nobody fits".to_owned();
    }
    canvas.put(x, y, width, &head, theme.strong());
    y += 1;
    for session in plan.victims.iter().take(usize::from(rows)) {
        let text = format!(
            "{:>8}  {:<20.20}  {:<10.10}  {:<11.11} {:>8}  {}",
            session.pid,
            super::apps::name_of(inspect::census::By::App, &session.application),
            session.user.as_deref().unwrap_or("-"),
            session.state.name(),
            session.state_age_s.map_or_else(|| "-".to_owned(), span),
            session.query.as_deref().unwrap_or("")
        );
        canvas.put(x, y, width, &text, Style::new());
        y += 1;
    }
    let more = victims.saturating_sub(usize::from(rows));
    if more > 0 {
        canvas.put(x, y, width, &format!("... and {more} more"), theme.faint());
    }
    y += 1;
    let spared: Vec<String> =
        plan.left_alone().map(|(reason, number)| format!("{number} {}", reason.words())).collect();
    let spared = if spared.is_empty() { "nobody".to_owned() } else { spared.join(", ") };
    canvas.put(x, y, width, &format!("Left alone: {spared}"), theme.tone(Tone::Good));
    y += 2;
    if victims == 0 {
        canvas.put(x, y, width, "Enter or Esc: back", theme.faint());
        return;
    }
    let question = match plan.action {
        Action::CloseIdle => "Close them? Type y, then Enter; Enter alone is No: ".to_owned(),
        Action::Cancel => "Cancel them? Type y, then Enter; Enter alone is No: ".to_owned(),
        Action::ForceClose => format!("Type {victims}, then Enter, to terminate them; Enter alone is No: "),
    };
    let used = canvas.put(x, y, width, &question, theme.strong());
    canvas.put(
        x + used,
        y,
        width.saturating_sub(used),
        &format!("{typed}{}", theme.mark("▏", "_")),
        theme.title(),
    );
}

fn told(canvas: &mut Canvas<'_>, state: &State, done: &Done) {
    let theme = state.theme;
    let inside = frame(canvas, done.action, 6);
    let (x, width) = (inside.x + 1, inside.width.saturating_sub(2));
    canvas.put(x, inside.y, width, &done.summary(), theme.strong());
    if let Some(trouble) = done.trouble() {
        canvas.put(x, inside.y + 1, width, trouble, theme.tone(Tone::Warn));
    }
    canvas.put(x, inside.y + 3, width, "any key closes this; the Events view keeps it", theme.faint());
}
