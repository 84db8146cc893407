//! What keys and looks do, without a terminal and without a server.

use inspect::catalog::{Contender, Limit, LimitKind, State as SessionState};
use inspect::census::{By, Owner, Standing, Thresholds};
use inspect::closing::{Action as Deed, Ended, Evidence, Outcome};
use inspect::form::Marks;
use jiff::tz::TimeZone;

use super::super::closing::{self, Done, Order, Target};
use super::super::columns::{self, apps, sessions};
use super::super::event::{Action, Event, Key};
use super::super::filter::Filter;
use super::super::keys;
use super::super::services::Placed;
use super::super::services::tests::plan;
use super::super::state::tests::{sample, session};
use super::super::state::{Dialog, Group, Kind, Link, NEWS_MAX, Origin, Screen, State, View};
use super::super::theme::Theme;
use super::*;
use crate::exit::Exit;

fn live() -> State {
    let mut state =
        State::new(Theme::bare(Marks::Unicode), Origin::server("db1:5432".into(), "5".parse().unwrap()));
    state.zone = TimeZone::UTC;
    at(&mut state, 0.0);
    state
}

fn replayed() -> State {
    let mut state = State::new(Theme::bare(Marks::Unicode), Origin::file("db1:5432".into()));
    state.zone = TimeZone::UTC;
    state
}

fn at(state: &mut State, now_s: f64) -> Vec<Action> {
    update(state, Event::Tick { now_s, clock_us: 1_763_906_531_000_000 + (now_s * 1e6) as i64 })
}

fn see(state: &mut State, sample: Sample) {
    update(state, Event::Sample(Box::new(sample), Some(1.0)));
}

fn press(state: &mut State, keys: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    for c in keys.chars() {
        let key = match c {
            '\n' => Key::Enter,
            '\u{1b}' => Key::Esc,
            '\t' => Key::Tab,
            '\u{8}' => Key::Backspace,
            c => Key::Char(c),
        };
        actions.extend(update(state, Event::Key(key)));
    }
    actions
}

fn names(state: &State) -> Vec<&str> {
    state.rows.apps.iter().map(|row| row.key.as_str()).collect()
}

#[test]
fn it_looks_in_its_rhythm_and_never_twice_at_once() {
    let mut state = live();
    assert_eq!(at(&mut state, 0.0), []);
    see(&mut state, sample(0, &[("a", 1)]));
    assert_eq!(at(&mut state, 4.9), []);
    assert_eq!(at(&mut state, 5.0), [Action::Look]);
    assert_eq!(at(&mut state, 30.0), [], "one look at a time");
    see(&mut state, sample(30, &[("a", 1)]));
    assert_eq!(at(&mut state, 30.1), [Action::Look], "what was late is not made late twice");
    press(&mut state, "-");
    assert_eq!(state.origin.kind, Kind::Server { interval: "2".parse().unwrap() });
    see(&mut state, sample(31, &[("a", 1)]));
    assert_eq!(at(&mut state, 32.2), [Action::Look]);
}

#[test]
fn a_selected_group_stays_selected_wherever_it_goes() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 9), ("b", 5), ("c", 1)]));
    assert_eq!(names(&state), ["a", "b", "c"]);
    press(&mut state, "j");
    see(&mut state, sample(5, &[("a", 2), ("b", 1), ("c", 7)]));
    assert_eq!(names(&state), ["c", "a", "b"]);
    assert_eq!(state.selected_app().unwrap().key, "b");
    see(&mut state, sample(10, &[("a", 2), ("c", 7)]));
    assert_eq!(state.selected_app().unwrap().key, "a", "what is gone leaves its place to its neighbour");
}

#[test]
fn lists_sort_by_what_is_chosen() {
    let mut state = live();
    see(&mut state, sample(0, &[("b", 3), ("a", 9)]));
    assert_eq!(state.listing(View::Apps).sort, apps::CONN);
    press(&mut state, "<");
    assert_eq!((names(&state), state.listing(View::Apps).sort), (vec!["a", "b"], apps::NAME));
    press(&mut state, "r");
    assert_eq!(names(&state), ["b", "a"]);
    press(&mut state, "<<");
    assert_eq!(state.listing(View::Apps).sort, apps::NAME, "< stops at the first");
    let sorting = apps::ALL.iter().filter(|column| column.order != columns::Order::None).count();
    for _ in 0..sorting {
        press(&mut state, "s");
    }
    assert_eq!(state.listing(View::Apps).sort, apps::NAME, "s goes round");
}

#[test]
fn one_goes_down_into_a_group_and_into_a_session_and_comes_back() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 9), ("b", 4)]));
    press(&mut state, "j\n");
    assert_eq!(*state.screen(), Screen::SessionsOf(Group::Key(By::App, "b".into())));
    assert_eq!(state.rows.sessions.len(), 4);
    press(&mut state, "jj\n");
    let open = state.selected_session().unwrap().pid;
    assert!(matches!(state.screen(), Screen::Session((pid, _)) if *pid == open));
    see(&mut state, sample(5, &[("a", 9), ("b", 4)]));
    assert_eq!(state.selected_session().unwrap().pid, open);
    press(&mut state, "\u{1b}");
    assert_eq!(state.selected_session().unwrap().pid, open, "back on the row it was opened from");
    press(&mut state, "\u{1b}");
    assert_eq!(state.selected_app().unwrap().key, "b");
    press(&mut state, "\u{1b}");
    assert_eq!(*state.screen(), Screen::View(View::Apps));
}

#[test]
fn a_session_that_is_open_and_ends_is_not_mistaken_for_another_with_its_pid() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 1)]));
    press(&mut state, "2\n");
    assert!(state.selected_session().is_some());
    let mut later = sample(5, &[("a", 1)]);
    later.sessions[0].started = Some("2026-11-23 14:00:00+00".into());
    see(&mut state, later);
    assert!(state.selected_session().is_none());
}

#[test]
fn number_keys_and_tab_go_through_the_views_that_there_are() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 1)]));
    for beside in [None, Some(plan(&[("a", &["a"], 1, 1)]))] {
        state.plan = beside;
        let last = if state.plan.is_some() { View::Plan } else { View::Events };
        assert_eq!(state.views().last(), Some(&last));
        for (at, view) in state.views().iter().enumerate() {
            press(&mut state, &(at + 1).to_string());
            assert_eq!(*state.screen(), Screen::View(*view));
        }
        press(&mut state, "9");
        assert_eq!(*state.screen(), Screen::View(last));
        press(&mut state, "\t");
        assert_eq!(*state.screen(), Screen::View(View::Apps));
        press(&mut state, "6");
        assert_eq!(*state.screen() == Screen::View(View::Plan), state.plan.is_some());
        press(&mut state, "1");
        update(&mut state, Event::Key(Key::BackTab));
        assert_eq!(*state.screen(), Screen::View(last));
    }
}

#[test]
fn groups_are_made_by_each_key_in_turn() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 9), ("b", 4)]));
    let mut seen = Vec::new();
    for _ in 0..5 {
        press(&mut state, "g");
        seen.push((state.by, state.rows.apps.len()));
    }
    assert_eq!(seen, [(By::User, 1), (By::Db, 1), (By::Client, 1), (By::State, 2), (By::App, 2)]);
}

#[test]
fn the_filter_is_applied_as_it_is_written_kept_by_enter_and_left_by_esc() {
    let mut state = live();
    see(&mut state, sample(0, &[("wall-api", 9), ("celery", 4)]));
    press(&mut state, "/cel");
    assert_eq!(names(&state), ["celery"]);
    press(&mut state, "\u{1b}");
    assert_eq!((names(&state).len(), state.edit.is_some()), (2, false));
    press(&mut state, "/wall-q\u{8}\u{8}\n");
    assert_eq!((names(&state), state.filter_text.as_str()), (vec!["wall-api"], "wall"));
    see(&mut state, sample(5, &[("wall-api", 1), ("celery", 4)]));
    assert_eq!(names(&state), ["wall-api"]);
    press(&mut state, "2");
    assert_eq!(state.rows.sessions.len(), 1, "it holds in all views of sessions");
    press(&mut state, "/");
    update(&mut state, Event::Key(Key::EraseLine));
    press(&mut state, "\n");
    assert_eq!(state.rows.sessions.len(), 5);
}

#[test]
fn keys_that_quit_are_letters_while_a_filter_is_written() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 1)]));
    assert_eq!(press(&mut state, "/q"), []);
    assert_eq!(update(&mut state, Event::Key(Key::Interrupt)), [Action::Quit(Exit::Interrupted)]);
    assert_eq!(update(&mut state, Event::Leave(Exit::Done)), [Action::Quit(Exit::Done)]);
    assert_eq!(press(&mut state, "\u{1b}q"), [Action::Quit(Exit::Done)]);
    assert_eq!(press(&mut state, "?q"), [], "the first key closes the help");
}

#[test]
fn the_past_is_shown_until_it_is_left_and_looks_go_on_meanwhile() {
    let mut state = live();
    for n in 0..5 {
        see(&mut state, sample(n * 5, &[("a", n as usize + 1)]));
    }
    press(&mut state, "[[");
    assert_eq!((state.rows.apps[0].group.total, state.held, state.is_past()), (3, true, true));
    see(&mut state, sample(25, &[("a", 6)]));
    assert_eq!(state.rows.apps[0].group.total, 3);
    press(&mut state, "[[[[");
    assert_eq!(state.rows.apps[0].group.total, 1, "it stops at the oldest");
    press(&mut state, "]");
    assert_eq!(state.rows.apps[0].group.total, 2);
    press(&mut state, "]]]]");
    assert_eq!((state.rows.apps[0].group.total, state.is_past()), (6, false));
    press(&mut state, "]");
    assert!(!state.held, "behind the newest it is live");
    press(&mut state, "p");
    see(&mut state, sample(30, &[("a", 7)]));
    assert_eq!((state.rows.apps[0].group.total, state.held), (6, true));
    press(&mut state, "p");
    assert_eq!((state.rows.apps[0].group.total, state.held), (7, false));
    press(&mut state, "[\u{1b}");
    assert!(!state.held, "Esc leaves the past");
}

#[test]
fn a_lost_server_keeps_the_picture_and_is_asked_again_with_growing_patience() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 3)]));
    at(&mut state, 5.0);
    let why = "FATAL: terminating connection due to administrator command (SQLSTATE 57P01)";
    update(&mut state, Event::Failed { why: why.into(), at_us: 0, lost: true });
    assert_eq!(state.rows.apps[0].group.total, 3);
    assert!(matches!(&state.link, Link::Down { why: told, attempts: 1, .. } if told == why));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let from = state.now_s;
        pauses.push(state.due_s - from);
        let due = state.due_s;
        assert_eq!(at(&mut state, due), [Action::Look]);
        assert_eq!(at(&mut state, due + 0.1), [], "one attempt at a time");
        at(&mut state, due);
        update(&mut state, Event::Failed { why: "FATAL: starting up".into(), at_us: 0, lost: false });
    }
    assert_eq!(pauses, [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]);
    let told: Vec<(&str, u32)> = state.news.iter().map(|item| (item.text.as_str(), item.times)).collect();
    assert_eq!(
        told[1],
        ("no connection: FATAL: starting up", 8),
        "the same refusal is told once, and counted"
    );
    let mut back = sample(60, &[("a", 1)]);
    back.facts.uptime_s = 2.0;
    see(&mut state, back);
    assert_eq!(state.link, Link::Up);
    let told: Vec<&str> = state.news.iter().map(|item| item.text.as_str()).collect();
    assert!(told[2].starts_with("the server answers again, after "), "{told:?}");
    assert_eq!(told[3], "the server was restarted");
}

#[test]
fn news_is_bounded_and_can_be_gone_to() {
    let mut state = live();
    for n in 0..NEWS_MAX as i64 + 20 {
        let app = format!("app{n}");
        see(&mut state, sample(n * 5, &[("a", 1), (app.as_str(), 1)]));
    }
    assert_eq!(state.news.len(), NEWS_MAX);
    press(&mut state, &(View::Events.place() + 1).to_string());
    press(&mut state, "jjj");
    let item = state.selected_news().unwrap().clone();
    see(&mut state, sample(10_000, &[("a", 1)]));
    assert_eq!(state.selected_news(), Some(&item), "who reads an old one goes on reading it");
    press(&mut state, "\n");
    assert_eq!((state.held, state.shown.as_ref().unwrap().number), (true, item.number));
}

#[test]
fn copying_takes_what_is_selected_or_what_is_tagged() {
    let mut state = live();
    see(&mut state, sample(0, &[("wall\u{1b}[2J", 3)]));
    assert_eq!(press(&mut state, "y"), [Action::Copy("wall\u{1b}[2J".into())]);
    assert!(state.notice.is_some());
    at(&mut state, 60.0);
    assert!(state.notice.is_none());
    press(&mut state, "2");
    assert_eq!(press(&mut state, "y"), [Action::Copy("1002".into())]);
    assert_eq!(press(&mut state, "  y"), [Action::Copy("1001 1002".into())]);
    press(&mut state, "k ");
    assert_eq!(state.tagged.len(), 1, "a second time takes the tag away");
}

#[test]
fn a_limit_leads_to_the_sessions_that_it_counts() {
    let mut state = live();
    let mut sample = sample(0, &[("a", 3)]);
    let limit = |name: &str, used: u32, exempt: bool| Limit {
        kind: LimitKind::Role,
        name: name.into(),
        limit: 4,
        exempt,
        used,
    };
    sample.limits = vec![limit("root", 4, true), limit("other", 0, false), limit("wall_app", 3, false)];
    see(&mut state, sample);
    press(&mut state, &(View::Limits.place() + 1).to_string());
    let sample = state.sample().unwrap();
    let order: Vec<&str> = state.rows.limits.iter().map(|at| sample.limits[*at].name.as_str()).collect();
    assert_eq!(order, ["wall_app", "other", "root"], "a limit that stops nobody is the last to worry about");
    press(&mut state, "\n");
    assert_eq!(*state.screen(), Screen::SessionsOf(Group::Key(By::User, "wall_app".into())));
    assert_eq!(state.rows.sessions.len(), 3);
}

#[test]
fn every_key_on_every_screen_of_every_size_is_survived() {
    let keys = "12345678 9jk\n\u{1b}\t\u{8}sr<>gpy[]+-/x\n?q";
    for size in [(1, 1), (80, 24), (120, 40), (200, 50), (500, 200)] {
        for full in [false, true] {
            let mut state = live();
            state.plan = full.then(|| plan(&[("a", &["a"], 1, 1), ("c", &[], 0, 0)]));
            update(&mut state, Event::Resize(size.0, size.1));
            if full {
                see(&mut state, sample(0, &[("a", 60), ("b", 9)]));
            }
            for view in 1..=View::ALL.len() {
                press(&mut state, &view.to_string());
                for key in [Key::Home, Key::End, Key::PageUp, Key::PageDown, Key::Up, Key::Down] {
                    update(&mut state, Event::Key(key));
                }
                press(&mut state, keys);
            }
            if let Some(view) = state.screen().view() {
                let listing = state.listing(view);
                assert!(listing.selected < state.rows_of(view).max(1), "{size:?} {full} {listing:?}");
            }
        }
    }
}

#[test]
fn a_smaller_screen_still_shows_the_selected_row() {
    let mut state = live();
    update(&mut state, Event::Resize(200, 50));
    see(&mut state, sample(0, &[("a", 90)]));
    press(&mut state, "2");
    update(&mut state, Event::Key(Key::End));
    update(&mut state, Event::Key(Key::Up));
    update(&mut state, Event::Resize(80, 24));
    let (height, listing) = (state.list_height(), state.listing(View::Sessions));
    assert!(listing.visible(90, height).contains(&listing.selected), "{listing:?}");
    assert_eq!(listing.sort, sessions::AGE);
}

#[test]
fn a_recording_is_played_paused_stepped_and_ends() {
    let mut state = replayed();
    assert_eq!(at(&mut state, 0.0), [Action::Look]);
    update(&mut state, Event::Sample(Box::new(sample(0, &[("a", 1)])), Some(5.0)));
    assert_eq!(at(&mut state, 4.0), []);
    assert_eq!(at(&mut state, 5.0), [Action::Look]);
    press(&mut state, "+++");
    update(&mut state, Event::Sample(Box::new(sample(5, &[("a", 2)])), Some(36_000.0)));
    assert_eq!(
        at(&mut state, 5.6),
        [Action::Look],
        "ten times as fast, and a night is no longer than a few seconds"
    );
    update(&mut state, Event::Sample(Box::new(sample(10, &[("a", 3)])), None));
    press(&mut state, "p");
    assert_eq!(at(&mut state, 100.0), []);
    press(&mut state, "[[");
    assert_eq!(state.rows.apps[0].group.total, 1);
    press(&mut state, "]");
    assert_eq!(state.rows.apps[0].group.total, 2);
    press(&mut state, "p");
    assert_eq!(at(&mut state, 101.0), [], "it is played from where it is looked at");
    assert_eq!(state.rows.apps[0].group.total, 3);
    assert_eq!(at(&mut state, 103.0), [Action::Look]);
    update(&mut state, Event::Ended);
    assert_eq!(at(&mut state, 200.0), []);
    assert_eq!(press(&mut state, "]p"), []);
    press(&mut state, "[");
    assert_eq!(state.rows.apps[0].group.total, 2);
}

#[test]
fn so_many_looks_and_no_more() {
    let mut state = live();
    state.looks_left = Some(2);
    assert_eq!(update(&mut state, Event::Sample(Box::new(sample(0, &[])), None)), []);
    let last = update(&mut state, Event::Sample(Box::new(sample(5, &[])), None));
    assert_eq!(last, [Action::Quit(Exit::Done)]);
}

/// `api` has passed its peak, `worker` its rollout; what begins with `wall-api` is not the worker's.
fn planned() -> State {
    let mut state = live();
    state.plan = Some(plan(&[("api", &["wall-api*"], 2, 9), ("worker", &["wall-*"], 1, 1)]));
    see(&mut state, sample(0, &[("wall-api-1", 2), ("wall-api-2", 1), ("Wall-Beat", 2), ("psql", 4)]));
    state
}

#[test]
fn an_application_says_where_its_service_stands() {
    let mut state = planned();
    let placed = |state: &State, key: &str| {
        state.rows.apps.iter().find(|row| row.key == key).and_then(|row| row.placed)
    };
    let of_api = Placed::Service { held: 3, peak: 2, standing: Standing::AbovePeak };
    assert_eq!(placed(&state, "wall-api-2"), Some(of_api));
    let of_worker = Placed::Service { held: 2, peak: 1, standing: Standing::AboveRollout };
    assert_eq!(placed(&state, "Wall-Beat"), Some(of_worker));
    assert_eq!(placed(&state, "psql"), Some(Placed::Unplanned));
    press(&mut state, "/psql or app~\"*2\"\u{1b}/2\n");
    assert_eq!(placed(&state, "wall-api-2"), Some(of_api), "a filter makes no service smaller");
    press(&mut state, "g");
    assert!(state.rows.apps.iter().all(|row| row.placed.is_none()), "no plan knows of users");
}

#[test]
fn groups_sort_by_their_plan_while_it_is_shown() {
    let mut state = planned();
    press(&mut state, "s");
    assert_eq!(state.listing(View::Apps).sort, apps::PLAN);
    assert_eq!(names(&state), ["Wall-Beat", "wall-api-1", "wall-api-2", "psql"]);
    press(&mut state, "r");
    assert_eq!(names(&state), ["psql", "wall-api-1", "wall-api-2", "Wall-Beat"]);
    press(&mut state, "g");
    let listing = state.listing(View::Apps);
    assert_eq!((listing.sort, listing.reversed), (apps::CONN, false), "its column is gone");
    press(&mut state, "s");
    assert_eq!(state.listing(View::Apps).sort, apps::ACTIVE, "a column that nobody sees does not sort");
}

#[test]
fn a_service_leads_to_its_sessions_and_stays_selected() {
    let mut state = planned();
    press(&mut state, "6");
    let owners = |state: &State| state.rows.services.iter().map(|row| row.owner).collect::<Vec<_>>();
    assert_eq!(owners(&state), [Owner::Service(1), Owner::Service(0), Owner::Unplanned]);
    press(&mut state, "j");
    assert_eq!(press(&mut state, "y"), [Action::Copy("api".into())]);
    see(&mut state, sample(5, &[("wall-api-1", 60), ("Wall-Beat", 2), ("psql", 4)]));
    assert_eq!(owners(&state), [Owner::Service(0), Owner::Service(1), Owner::Unplanned]);
    assert_eq!(state.selected_service().unwrap().owner, Owner::Service(0));
    press(&mut state, "\n");
    assert_eq!(*state.screen(), Screen::SessionsOf(Group::Of(Owner::Service(0))));
    assert_eq!(state.rows.sessions.len(), 60);
    press(&mut state, "\u{1b}");
    update(&mut state, Event::Key(Key::End));
    press(&mut state, "\n");
    let unplanned = state.rows.sessions.len();
    assert_eq!((unplanned, state.selected_session().unwrap().application.as_str()), (4, "psql"));
}

#[test]
fn closing_a_service_means_its_sessions_and_whoever_becomes_anothers_is_spared() {
    let mut state = planned();
    let mut old = Sample::clone(state.sample().unwrap());
    for session in &mut old.sessions {
        session.state_age_s = Some(900.0);
        session.changed = Some("2026-11-23 13:30:00+00".into());
    }
    see(&mut state, old);
    press(&mut state, "6");
    let order = ask(&mut state, "K");
    let planned = closing::planned(Sample::clone(state.sample().unwrap()), &Evidence::default(), &order);
    let names: Vec<&str> = planned.plan.victims.iter().map(|session| session.application.as_str()).collect();
    assert_eq!(names, ["Wall-Beat", "Wall-Beat"]);
    let Target::Group(filter) = &order.target else { panic!("{order:?}") };
    let mut renamed = planned.plan.victims[0].clone();
    assert!(filter.matches(&renamed));
    renamed.application = "wall-api-9".into();
    assert!(!filter.matches(&renamed), "it is the api's now");
    assert_eq!(answer(&mut state, &order), 2);
    press(&mut state, "\u{1b}");
    update(&mut state, Event::Key(Key::End));
    let order = ask(&mut state, "x");
    assert_eq!(answer(&mut state, &order), 3, "the idle ones of those that are nobody's");
}

#[test]
fn without_a_plan_nothing_speaks_of_one() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 1)]));
    press(&mut state, "6");
    assert_eq!(*state.screen(), Screen::View(View::Apps));
    assert!(state.rows.apps[0].placed.is_none());
    assert!(keys::bindings(&state).iter().any(|(key, _, _)| *key == "1-5"));
}

#[test]
fn the_thresholds_are_those_that_were_given() {
    let mut state = live();
    state.thresholds.utilization = Thresholds { warn: 5.0, crit: 9.0 };
    see(&mut state, sample(0, &[("a", 1)]));
    see(&mut state, sample(5, &[("a", 10)]));
    assert_eq!(state.news.back().unwrap().text, "utilization 10.3%: above 9%");
}

#[test]
fn what_the_selected_group_is_idle_on_follows_the_selection() {
    let mut state = live();
    let mut sample = sample(0, &[("a", 2)]);
    let mut idle = session(7, "b", SessionState::Idle, 90.0);
    idle.query = Some("SELECT leaked".into());
    sample.sessions.push(idle);
    see(&mut state, sample);
    assert_eq!(state.rows.idle_on[0].query, "SELECT ?");
    press(&mut state, "j");
    assert_eq!(state.rows.idle_on[0].query, "SELECT leaked");
}

fn ask(state: &mut State, keys: &str) -> Order {
    match press(state, keys).pop() {
        Some(Action::Plan(order)) => order,
        other => panic!("{other:?}"),
    }
}

fn answer(state: &mut State, order: &Order) -> usize {
    let sample = Sample::clone(state.sample().unwrap());
    let planned = closing::planned(sample, &Evidence::default(), order);
    let victims = planned.plan.victims.len();
    update(state, Event::Planned(Box::new(planned)));
    victims
}

/// Old enough to be closed, and one that works.
fn with_old_ones() -> State {
    let mut state = live();
    let mut sample = sample(0, &[("a", 6), ("b", 6)]);
    for session in &mut sample.sessions {
        session.state_age_s = Some(900.0);
        session.changed = Some("2026-11-23 13:30:00+00".into());
    }
    see(&mut state, sample);
    state
}

#[test]
fn closing_shows_its_plan_and_enter_alone_is_no() {
    let mut state = with_old_ones();
    let order = ask(&mut state, "jx");
    assert_eq!(order.target, Target::Group(Filter::default().in_group(By::App, "b")));
    assert_eq!(answer(&mut state, &order), 4, "the idle ones of the group, and of no other");
    assert_eq!(press(&mut state, "\n"), []);
    assert!(state.dialog.is_none());
    let order = ask(&mut state, "x");
    answer(&mut state, &order);
    assert_eq!(press(&mut state, "n\n"), []);
    let order = ask(&mut state, "x");
    answer(&mut state, &order);
    assert!(matches!(press(&mut state, "y\n")[..], [Action::Act(_)]));
    assert_eq!(at(&mut state, 60.0), [], "no look while the connection is at work");
    let outcomes = vec![(7, "b".to_owned(), Outcome::Closed), (8, "b".to_owned(), Outcome::BecameBusy)];
    update(&mut state, Event::Acted(Done { action: Deed::CloseIdle, outcomes, ended: Ended::Finished }));
    assert_eq!(state.news.back().unwrap().text, "close-idle: 1 closed, 1 changed meanwhile and left alone");
    assert!(matches!(state.dialog, Some(Dialog::Done(_))));
    assert_eq!(press(&mut state, "q"), [], "the first key closes the result");
    assert_eq!(at(&mut state, 60.1), [Action::Look]);
}

#[test]
fn terminating_wants_the_number_of_sessions() {
    let mut state = with_old_ones();
    press(&mut state, "2");
    let order = ask(&mut state, "  K");
    let victims = answer(&mut state, &order);
    assert_eq!(victims, 2, "those that are tagged");
    assert_eq!(press(&mut state, "y\n"), []);
    assert!(state.dialog.is_none());
    let order = ask(&mut state, "K");
    answer(&mut state, &order);
    assert!(matches!(press(&mut state, "2\n")[..], [Action::Act(_)]));
    assert_eq!(press(&mut state, "\u{1b}"), [Action::Stop]);
}

#[test]
fn a_plan_waits_for_a_look_that_is_under_way_and_dies_with_the_connection() {
    let mut state = with_old_ones();
    assert_eq!(at(&mut state, 5.0), [Action::Look]);
    assert_eq!(press(&mut state, "x"), []);
    let actions = update(&mut state, Event::Sample(Box::new(sample(5, &[("a", 6)])), None));
    assert!(matches!(actions[..], [Action::Plan(_)]), "{actions:?}");
    update(&mut state, Event::Failed { why: "gone".into(), at_us: 0, lost: true });
    assert!(state.dialog.is_none());
    assert_eq!(press(&mut state, "x"), [], "nothing to do it over");
    assert!(state.dialog.is_none());
}

#[test]
fn a_plan_that_comes_after_its_dialog_was_left_is_not_shown() {
    let mut state = with_old_ones();
    let order = ask(&mut state, "x");
    press(&mut state, "\u{1b}");
    answer(&mut state, &order);
    assert!(state.dialog.is_none());
    assert!(!state.looking);
}

#[test]
fn read_only_and_recordings_end_nobody() {
    let mut state = with_old_ones();
    state.read_only = true;
    assert_eq!(press(&mut state, "xKC"), []);
    assert!(!keys::bindings(&state).iter().any(|(key, _, _)| ["x", "K", "C"].contains(key)));
    let mut state = replayed();
    see(&mut state, sample(0, &[("a", 6)]));
    assert_eq!(press(&mut state, "xKC"), []);
    assert!(state.dialog.is_none());
}

#[test]
fn nobody_to_close_leaves_nothing_to_say_yes_to() {
    let mut state = live();
    see(&mut state, sample(0, &[("a", 6)]));
    let order = ask(&mut state, "x");
    assert_eq!(answer(&mut state, &order), 0, "all are younger than five minutes");
    assert_eq!(press(&mut state, "y\n"), []);
}

#[test]
fn who_holds_up_others_is_listed_above_them_and_can_be_opened() {
    let mut state = live();
    let waiter = Contender { pid: 1_001, waits_for: vec![1_000], ..Contender::default() };
    update(&mut state, Event::Blocking(Some(vec![waiter].into())));
    see(&mut state, sample(0, &[("a", 2)]));
    press(&mut state, "b");
    let rows: Vec<(i32, u32)> =
        state.rows.blocking.iter().map(|row| (row.contender.pid, row.depth)).collect();
    assert_eq!(rows, [(1_000, 0), (1_001, 1)]);
    assert_eq!(press(&mut state, "y"), [Action::Copy("1000".into())]);
    press(&mut state, "\n");
    assert_eq!(state.selected_session().unwrap().pid, 1_000);
    press(&mut state, "\u{1b}");
    update(&mut state, Event::Blocking(None));
    see(&mut state, sample(5, &[("a", 2)]));
    assert!(state.rows.blocking.is_empty());
}
