//! Who waits for whose locks, for people.

use super::{Marks, NAME_CHARS_MAX, Style, Tone, clean_within, contender, count, span, statement};
use crate::report::{BlockingReport, ContenderReport};

const QUERY_CHARS_MAX: usize = 100;

/// The trees, a line for each session, and below a root its last statement.
pub fn text(trees: &[BlockingReport], style: Style) -> String {
    let paint = style.paint();
    let mut out = format!("{}\n", paint.tone(Tone::Strong, "=== Blocking ==="));
    if trees.is_empty() {
        out.push_str("nobody waits for a lock\n");
    }
    for tree in trees {
        for session in &tree.sessions {
            let is_root = session.depth == 0;
            let said = if is_root { root(session, tree) } else { waiter(session) };
            let said = if is_root { paint.tone(Tone::Bad, &said) } else { said };
            let (twig, gap) = indent(session.depth, style.marks);
            out.push_str(&format!("{twig}{said}\n"));
            let query = statement(session.query.as_deref().unwrap_or_default(), QUERY_CHARS_MAX);
            if !query.is_empty() {
                out.push_str(&format!("{gap}{}\n", paint.tone(Tone::Faint, &query)));
            }
        }
    }
    out
}

fn root(session: &ContenderReport, tree: &BlockingReport) -> String {
    let blocks = format!("blocks {}", count(tree.waiters, "session"));
    if session.pid == 0 {
        return format!("a prepared transaction (see pg_prepared_xacts) {blocks}");
    }
    let circle = if tree.is_cycle { ", in a circle" } else { "" };
    let age =
        |what: &str, age: Option<f64>| age.map(|age| format!("{what}{}", span(age))).unwrap_or_default();
    format!(
        "pid {}  {}  {}{}{}  {blocks}{circle}",
        session.pid,
        who(session),
        state(session),
        age(" ", session.state_age_s),
        age(", transaction ", session.xact_age_s),
    )
}

fn waiter(session: &ContenderReport) -> String {
    let waited = session.waited_s.map(|age| format!(" {}", span(age))).unwrap_or_default();
    let what = session.wait.as_deref().map(|wait| format!(" for {}", clean_within(wait, NAME_CHARS_MAX)));
    let others = match session.waits_for.len() {
        0 | 1 => String::new(),
        _ => {
            let pids: Vec<String> = session.waits_for.iter().take(8).map(i32::to_string).collect();
            let more = if session.waits_for.len() > 8 { ", ..." } else { "" };
            format!("  behind {}{more}", pids.join(", "))
        }
    };
    format!("pid {}  {}  waits{waited}{}{others}", session.pid, who(session), what.unwrap_or_default())
}

fn who(session: &ContenderReport) -> String {
    let name = contender(session.pid, session.backend_type.as_deref(), &session.app);
    match (&session.user, &session.db) {
        (Some(user), Some(db)) => {
            format!("{name}  {}@{}", clean_within(user, NAME_CHARS_MAX), clean_within(db, NAME_CHARS_MAX))
        }
        (Some(_), None) | (None, Some(_)) | (None, None) => name,
    }
}

fn state(session: &ContenderReport) -> &'static str {
    session.state.map_or("state unknown", crate::catalog::State::name)
}

/// What stands before a session's line, and before its statement's.
fn indent(depth: u32, marks: Marks) -> (String, String) {
    let twig = if marks == Marks::Ascii { "`- " } else { "└─ " };
    // A very deep chain stays on the screen.
    let gap = "   ".repeat(depth.min(12) as usize);
    match depth {
        0 => (String::new(), "   ".to_owned()),
        _ => (format!("{}{twig}", &gap[3..]), format!("{gap}   ")),
    }
}
