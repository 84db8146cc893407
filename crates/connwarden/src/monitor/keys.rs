//! Keys: what the terminal sends as the view knows it, and what each one does, for the help and for the bottom line.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::event::Key;
use super::state::{Screen, State, View};

/// A key of the terminal; `None` for those that mean nothing here.
pub(crate) fn read(event: &KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    // Alt and a letter is Esc and the letter in haste: that was not meant.
    if event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return match event.code {
            KeyCode::Char('c') => Some(Key::Interrupt),
            KeyCode::Char('l') => Some(Key::Redraw),
            KeyCode::Char('u') => Some(Key::EraseLine),
            _ => None,
        };
    }
    match event.code {
        KeyCode::Char(c) => Some(Key::Char(c)),
        KeyCode::Enter => Some(Key::Enter),
        KeyCode::Esc => Some(Key::Esc),
        KeyCode::Tab => Some(Key::Tab),
        KeyCode::BackTab => Some(Key::BackTab),
        KeyCode::Backspace => Some(Key::Backspace),
        KeyCode::Up => Some(Key::Up),
        KeyCode::Down => Some(Key::Down),
        KeyCode::PageUp => Some(Key::PageUp),
        KeyCode::PageDown => Some(Key::PageDown),
        KeyCode::Home => Some(Key::Home),
        KeyCode::End => Some(Key::End),
        _ => None,
    }
}

/// A key, what it does in a word or two, and what it does in full.
pub(crate) type Binding = (&'static str, &'static str, &'static str);

/// The keys that do something on this screen, the most wanted first.
pub(crate) fn bindings(state: &State) -> Vec<Binding> {
    let theme = state.theme;
    let screen = state.screen();
    let list = screen.view().is_some();
    let mut keys: Vec<Binding> = Vec::new();
    let enter = theme.mark("↵", "Enter");
    match screen {
        Screen::View(View::Apps) => keys.push((enter, "sessions", "show the sessions of the selected row")),
        Screen::View(View::Sessions) | Screen::SessionsOf(..) => {
            keys.push((enter, "open", "show all about the selected session"));
        }
        Screen::View(View::Blocking) => keys.push((enter, "open", "show all about the selected session")),
        Screen::View(View::Limits) => {
            keys.push((enter, "sessions", "show the sessions that the limit counts"))
        }
        Screen::View(View::Plan) => {
            keys.push((enter, "sessions", "show the sessions of the selected service"))
        }
        Screen::View(View::Events) => keys.push((enter, "go there", "show the server as it was then")),
        Screen::Session(_) => {}
    }
    if state.screens.len() > 1 {
        keys.push(("Esc", "back", "back to where you came from"));
    }
    let filters = matches!(screen, Screen::View(View::Apps | View::Sessions) | Screen::SessionsOf(..));
    if filters {
        keys.push(("/", "filter", "let only some sessions through; an empty line lets all"));
    }
    if matches!(screen, Screen::View(View::Apps)) {
        keys.push(("g", "group", "group by application, user, database, client, state"));
    }
    if matches!(screen, Screen::View(View::Sessions) | Screen::SessionsOf(..)) {
        keys.push((
            "Space",
            "tag",
            "tag the selected session; y, x, K and C take all of this list that are tagged",
        ));
    }
    if screen.view().is_some_and(|view| !matches!(view, View::Events | View::Blocking)) {
        keys.push(("s", "sort", "sort by the next column; < and > choose one, r turns the order round"));
    }
    let is_file = state.origin.is_file();
    let acts = matches!(
        screen,
        Screen::View(View::Apps | View::Sessions | View::Plan) | Screen::SessionsOf(..) | Screen::Session(_)
    );
    if acts && !is_file && !state.read_only {
        keys.push((
            "x",
            "close-idle",
            "close idle sessions of the selection: shows the plan first, Enter is No",
        ));
        keys.push(("K", "terminate", "end sessions whatever they do: the same, and asks for their number"));
        keys.push(("C", "cancel", "cancel running statements, the sessions stay: the same"));
    }
    if is_file {
        keys.push(("p", "play", "play and pause"));
    } else {
        keys.push(("p", "pause", "hold the picture; the server is still looked at"));
    }
    keys.push(("y", "copy", "copy the selected name, pid or text into the clipboard (OSC 52)"));
    keys.push(("?", "help", "this"));
    keys.push(("q", "quit", "end; Ctrl-C as well"));
    if is_file {
        keys.push(("[ ]", "step", "one look back, one look on"));
        keys.push(("+ -", "speed", "faster, slower"));
    } else {
        keys.push(("[ ]", "history", "one look back, one look on; behind the newest it is live again"));
        keys.push(("+ -", "interval", "look less often, more often"));
    }
    if list {
        keys.push(("j k", "", "down, up; arrows, PgUp, PgDn, Home and End as well"));
    }
    let views = if state.plan.is_some() { "1-6" } else { "1-5" };
    keys.push((views, "", "go to a view; Tab and Shift-Tab go round, b is Blocking"));
    keys
}
