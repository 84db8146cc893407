//! Whether a session is meant: yes, no, or not to be known.

use super::ast::{AgeField, Expr, FlagField, Order, TextField, TextTest};
use super::span::Span;
use crate::catalog::{QUERY_CHARS_MAX, Session, State};

/// `None` where we do not see enough to say.
pub(super) fn truth(expr: &Expr, session: &Session) -> Option<bool> {
    match expr {
        Expr::Text(field, test) => text(*field, test, session),
        Expr::Client(origins) => any(origins.iter().map(|origin| origin.holds(&session.client))),
        Expr::Pid(order, pid) => Some(order.holds(session.pid, *pid)),
        Expr::PidIn(pids) => Some(pids.contains(&session.pid)),
        Expr::Age(field, order, span) => age(*field, *order, *span, session),
        Expr::Flag(FlagField::Hidden) => Some(session.state == State::Hidden),
        Expr::Flag(FlagField::Superuser) => session.user.as_ref().map(|_| session.is_superuser),
        Expr::Not(inner) => truth(inner, session).map(|known| !known),
        Expr::And(items) => {
            any(items.iter().map(|item| truth(item, session).map(|known| !known))).map(|known| !known)
        }
        Expr::Or(items) => any(items.iter().map(|item| truth(item, session))),
    }
}

/// One yes is enough; without it one that is not known leaves it open.
fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(false);
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all = None,
        }
    }
    all
}

fn fits(test: &TextTest, text: &str) -> bool {
    match test {
        TextTest::Is(texts) => texts.iter().any(|wanted| wanted == text),
        TextTest::Glob(glob) => glob.matches(text),
        TextTest::AnyCase(glob) => glob.matches_any_case(text),
        TextTest::Regex(pattern) => pattern.0.is_match(text),
    }
}

fn text(field: TextField, test: &TextTest, session: &Session) -> Option<bool> {
    let hidden = session.state == State::Hidden;
    match field {
        TextField::App => Some(fits(test, &session.application)),
        TextField::User => session.user.as_deref().map(|user| fits(test, user)),
        TextField::Db => session.database.as_deref().map(|database| fits(test, database)),
        TextField::Client if session.client == crate::catalog::Client::Hidden => None,
        TextField::Client => Some(fits(test, &session.client.host())),
        TextField::State if hidden => None,
        // What it does is not known, only that nobody says so.
        TextField::State if session.state == State::Disabled => {
            fits(test, session.state.name()).then_some(true)
        }
        TextField::State => Some(fits(test, session.state.name())),
        TextField::Query if hidden || session.state == State::Disabled => None,
        TextField::Query => session.query.as_deref().and_then(|query| statement(test, query)),
        TextField::Wait if hidden => None,
        TextField::Wait => Some(waits(test, session)),
    }
}

/// Of a long statement we have the beginning only: what fits it fits, what does not might still.
fn statement(test: &TextTest, query: &str) -> Option<bool> {
    if query.chars().count() < QUERY_CHARS_MAX {
        return Some(fits(test, query));
    }
    fits(test, &format!("{query}…")).then_some(true)
}

/// By its kind, its event, or both with a slash between; no wait is the empty text.
fn waits(test: &TextTest, session: &Session) -> bool {
    match &session.wait {
        None => fits(test, ""),
        Some((kind, event)) => {
            fits(test, kind) || fits(test, event) || fits(test, &format!("{kind}/{event}"))
        }
    }
}

fn age(field: AgeField, order: Order, span: Span, session: &Session) -> Option<bool> {
    let unseen = matches!(session.state, State::Hidden | State::Disabled);
    let seconds = match field {
        AgeField::Login => session.age_s?,
        AgeField::State if unseen => return None,
        AgeField::State => session.state_age_s?,
        AgeField::Idle if unseen => return None,
        // Not idle is not idle for any time at all.
        AgeField::Idle if session.state != State::Idle => return Some(false),
        AgeField::Idle => session.idle_s()?,
        AgeField::Xact if unseen => return None,
        AgeField::Xact => match session.xact_age_s {
            None => return Some(false),
            Some(seconds) => seconds,
        },
    };
    Some(order.holds(seconds, span.seconds()))
}
