//! Screens of a made-up server, compared with committed ones. UPDATE_SCREENS=1 writes them anew: look at them.

use std::path::PathBuf;

use inspect::catalog::{Blocking, Contender, Counters, Limit, LimitKind, Sample, State as SessionState};
use inspect::census::{By, Plan};
use inspect::closing::{Action, Evidence};
use inspect::form::Marks;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::closing::{Order, Target, planned};
use super::super::event::{Event, Key};
use super::super::filter::Filter;
use super::super::services::tests::plan;
use super::super::state::tests::{sample, session};
use super::super::state::{Dialog, Origin, State};
use super::super::theme::Theme;
use super::super::update::update;
use super::draw;

/// Fifteen minutes: a leak that grows, a worker, a lock, a restart of nobody.
fn look(n: i64) -> Sample {
    let leaked = (n as usize / 6).min(40);
    let mut sample = sample(n * 5, &[("wall-django-materializer", 7), ("", 3)]);
    let query =
        "SELECT session_key, session_data FROM django_session WHERE session_key = $1 AND expire_date > $2";
    for at in 0..leaked {
        let age = (n - 6 * at as i64).max(0) as f64 * 5.0;
        let mut session = session(2_000 + at as i32, "wall-django-api", SessionState::Idle, age);
        session.query = Some(query.into());
        session.client = inspect::catalog::Client::Address([10, 0, 0, (at % 3) as u8].into(), 40_000);
        sample.sessions.push(session);
    }
    let mut holder = session(3_000, "migrate", SessionState::IdleInTransaction, n as f64);
    holder.xact_age_s = Some(n as f64 * 5.0);
    holder.query = Some("ALTER TABLE orders ADD COLUMN note text".into());
    sample.sessions.push(holder);
    if n % 50 > 25 {
        let mut waiter = session(3_001, "wall-django-api", SessionState::Active, 20.0);
        waiter.xact_age_s = Some(21.0);
        waiter.wait = Some(("Lock".into(), "relation".into()));
        waiter.query = Some("SELECT * FROM orders".into());
        sample.sessions.push(waiter);
    }
    let limit =
        |kind, name: &str, limit, exempt, used| Limit { kind, name: name.into(), limit, exempt, used };
    sample.limits = vec![
        limit(LimitKind::Role, "wall_app", 60, false, 52),
        limit(LimitKind::Database, "wall", 90, false, 52),
        limit(LimitKind::Role, "root", 5, true, 5),
    ];
    sample.counters = Some(Counters { sessions: n * 10, transactions: n * 410, ..Counters::default() });
    sample
}

/// One that holds a lock, and a line behind it.
fn lock() -> Blocking {
    let contender = |pid: i32, waits_for: &[i32], application: &str| Contender {
        pid,
        waits_for: waits_for.to_vec(),
        application: application.into(),
        state: Some(if waits_for.is_empty() {
            SessionState::IdleInTransaction
        } else {
            SessionState::Active
        }),
        wait: (!waits_for.is_empty()).then(|| "relation".to_owned()),
        xact_age_s: Some(995.0),
        waited_s: Some(20.0),
        query: Some("ALTER TABLE orders ADD COLUMN note text".into()),
        ..Contender::default()
    };
    let line = vec![
        contender(3_000, &[], "migrate"),
        contender(3_001, &[3_000], "wall-django-api"),
        contender(3_002, &[3_000, 3_001], "wall-django-api"),
        contender(3_003, &[3_002], "\u{1b}[2Jevil"),
    ];
    line.into()
}

fn state(size: (u16, u16), marks: Marks) -> State {
    beside(None, size, marks)
}

/// One service above its rollout, one above its peak, one that is away, and some that are nobody's. The plan fits, its
/// rollout does not.
fn planned_state(size: (u16, u16), marks: Marks) -> State {
    let plan = plan(&[
        ("wall/web", &["wall-django-api*", "wall-django-web*"], 24, 36),
        ("materializer", &["wall-django-materializer"], 4, 6),
        ("beat", &["celery@*", "beat"], 2, 2),
        ("reports", &["reports-*"], 35, 44),
    ]);
    beside(Some(plan), size, marks)
}

fn beside(plan: Option<Plan>, size: (u16, u16), marks: Marks) -> State {
    let origin = Origin::server("db1:5432".into(), "5".parse().unwrap());
    let mut state = State::new(Theme::bare(marks), origin);
    state.zone = TimeZone::UTC;
    state.plan = plan;
    update(&mut state, Event::Resize(size.0, size.1));
    for n in 0..200 {
        at(&mut state, n as f64 * 5.0);
        update(&mut state, Event::Blocking(Some(lock())));
        update(&mut state, Event::Sample(Box::new(look(n)), None));
    }
    state
}

fn at(state: &mut State, now_s: f64) {
    update(state, Event::Tick { now_s, clock_us: 1_763_906_531_000_000 + (now_s * 1e6) as i64 });
}

fn press(state: &mut State, keys: &str) {
    for c in keys.chars() {
        let key = match c {
            '\n' => Key::Enter,
            c => Key::Char(c),
        };
        update(state, Event::Key(key));
    }
}

fn drawn(state: &State) -> String {
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn compare(name: &str, state: &State) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/monitor/draw/screens")
        .join(format!("{name}.txt"));
    let here = drawn(state);
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &here).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(here == wanted, "{name} differs; now it is\n{here}\nand was\n{wanted}");
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

#[test]
fn every_view_looks_as_it_was_agreed_to_at_every_size() {
    for size in SIZES {
        let name = |what: &str| format!("{what}-{}x{}", size.0, size.1);
        let mut shown = state(size, Marks::Unicode);
        compare(&name("apps"), &shown);
        press(&mut shown, "2");
        compare(&name("sessions"), &shown);
        press(&mut shown, "\n");
        compare(&name("session"), &shown);
        press(&mut shown, "3");
        compare(&name("view-3"), &shown);
        press(&mut shown, "4");
        compare(&name("view-4"), &shown);
        press(&mut shown, "5");
        compare(&name("view-5"), &shown);
        press(&mut shown, "1?");
        compare(&name("help"), &shown);
    }
}

#[test]
fn beside_a_plan_it_is_seen_who_keeps_to_it_at_every_size() {
    for size in SIZES {
        let name = |what: &str| format!("{what}-{}x{}", size.0, size.1);
        let mut shown = planned_state(size, Marks::Unicode);
        compare(&name("apps-planned"), &shown);
        press(&mut shown, "6");
        compare(&name("view-6"), &shown);
        press(&mut shown, "j\n");
        compare(&name("service"), &shown);
    }
}

#[test]
fn the_past_a_filter_and_a_lost_server_say_so() {
    let mut shown = state((80, 24), Marks::Unicode);
    press(&mut shown, "[[[[");
    compare("past", &shown);
    press(&mut shown, "]]]]]/mater\n");
    compare("filtered", &shown);
    at(&mut shown, 1_000.0);
    let why = "connection to db1:5432: FATAL: sorry, too many clients already (SQLSTATE 53300)";
    update(&mut shown, Event::Failed { why: why.into(), at_us: 0, lost: true });
    at(&mut shown, 1_012.0);
    compare("lost", &shown);
}

#[test]
fn a_plan_is_shown_before_anything_is_done() {
    let mut shown = state((80, 24), Marks::Unicode);
    for (keys, name) in [("x", "plan-close-idle"), ("K", "plan-terminate")] {
        at(&mut shown, 999.9);
        let order = Order {
            action: if keys == "x" { Action::CloseIdle } else { Action::ForceClose },
            target: Target::Group(Filter::default().in_group(By::App, "wall-django-api")),
        };
        let mut sample = Sample::clone(shown.sample().unwrap());
        for session in &mut sample.sessions {
            session.changed = Some("2026-11-23 13:30:00+00".into());
        }
        let planned = planned(sample, &Evidence::default(), &order);
        shown.dialog = Some(Dialog::Ask { planned: planned.into(), typed: String::new() });
        compare(name, &shown);
    }
}

#[test]
fn nothing_but_ascii_is_drawn_where_ascii_is_asked_for() {
    let mut shown = state((80, 24), Marks::Ascii);
    compare("ascii", &shown);
    for keys in ["2", "\n", "3", "4", "5", "1?"] {
        press(&mut shown, keys);
        let text = drawn(&shown);
        assert!(text.is_ascii(), "{keys}: {}", text.chars().filter(|c| !c.is_ascii()).collect::<String>());
    }
    let mut shown = planned_state((80, 24), Marks::Ascii);
    for (keys, wanted) in [("1", "! 34/24"), ("6", "x 117%"), ("jjjj", "unplanned"), ("\n1?", "1-6")] {
        press(&mut shown, keys);
        let text = drawn(&shown);
        assert!(text.is_ascii() && text.contains(wanted), "{keys}: {text}");
    }
}

#[test]
fn hostile_names_break_no_frame() {
    let names = [
        "\u{1b}[2J\u{1b}]0;x\u{7}\r\n\t\u{9b}31m".to_owned(),
        "日".repeat(200),
        "a\u{301}".repeat(200),
        "\u{202e}\u{200d}\u{feff}👩‍👩‍👧‍👦🏳️‍🌈".to_owned(),
        "x".repeat(100_000),
    ];
    for size in SIZES {
        let mut shown = planned_state(size, Marks::Unicode);
        shown.plan = Some(plan(&[(&names[0], &[&names[1], "*"], 1, 2), (&names[1], &[&names[0]], 0, 0)]));
        let mut bad = sample(2_000, &[]);
        for (n, name) in names.iter().enumerate() {
            let mut session = session(n as i32, name, SessionState::Idle, 5.0);
            (session.user, session.query) = (Some(name.clone()), Some(name.clone()));
            bad.sessions.push(session);
        }
        bad.facts.dbname = names[0].clone();
        bad.limits =
            vec![Limit { kind: LimitKind::Role, name: names[1].clone(), limit: 9, exempt: false, used: 3 }];
        update(&mut shown, Event::Sample(Box::new(bad), None));
        for keys in ["1", "j", "j", "j", "2", "j", "\n", "3", "4", "5", "6", "j", "\n", "1\n"] {
            press(&mut shown, keys);
            let text = drawn(&shown);
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{size:?} {keys:?}");
            // The frames stand where they stand: the panels' right edges are whole.
            for line in text.lines().skip(1).take(2) {
                let edge = line.chars().last();
                assert!(matches!(edge, Some('│' | '┐')), "{size:?} {keys:?} {line:?}");
            }
            let about: Vec<&str> = text.lines().rev().skip(1).take(2).collect();
            assert!(about[0].ends_with('┘') && about[1].ends_with('│'), "{size:?} {keys:?} {about:?}");
        }
    }
}

#[test]
fn of_ten_thousand_sessions_only_those_on_the_screen_are_written_out() {
    let mut shown = state((80, 24), Marks::Unicode);
    let many: Vec<(String, usize)> = (0..2_000).map(|n| (format!("app{n:04}"), 5)).collect();
    let many: Vec<(&str, usize)> = many.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    update(&mut shown, Event::Sample(Box::new(sample(2_000, &many)), None));
    for keys in ["1", "2"] {
        press(&mut shown, keys);
        update(&mut shown, Event::Key(Key::End));
        let (written, rows) = super::list::counted(|| drawn(&shown));
        assert!(written.contains("of 2000 ") || written.contains("of 10000 "), "{written}");
        assert!(rows > 0 && rows <= shown.list_height() * 12, "{rows} cells were written out");
    }
}

#[test]
fn a_screen_that_is_too_small_says_what_it_needs() {
    for size in [(79, 24), (80, 23), (20, 5), (1, 1)] {
        let shown = state(size, Marks::Unicode);
        let text = drawn(&shown);
        assert!(size.0 < 20 || text.contains("80x24"), "{text}");
    }
}
