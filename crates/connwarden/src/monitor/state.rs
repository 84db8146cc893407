//! Everything the live view knows. Only `update` changes it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use inspect::catalog::{Blocking, Contender, Sample, Session};
use inspect::census::{By, Owner, Pace, Plan};
use inspect::checks::Limits;
use inspect::record::Kept;
use jiff::tz::TimeZone;

use super::closing::{Done, Order, Planned};
use super::columns::{self, Column};
use super::filter::Filter;
use super::history::History;
use super::interval::Interval;
use super::layout::Layout;
use super::listing::Listing;
use super::news::Tone;
use super::rows::{AppRow, IdleOn};
use super::services::ServiceRow;
use super::theme::Theme;

/// Most events that are remembered.
pub(crate) const NEWS_MAX: usize = 500;

/// The views, in the order of their number keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Apps,
    Sessions,
    Blocking,
    Limits,
    Events,
    /// Only beside a plan.
    Plan,
}

impl View {
    pub(crate) const ALL: [Self; 6] =
        [Self::Apps, Self::Sessions, Self::Blocking, Self::Limits, Self::Events, Self::Plan];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Apps => "Apps",
            Self::Sessions => "Sessions",
            Self::Blocking => "Blocking",
            Self::Limits => "Limits",
            Self::Events => "Events",
            Self::Plan => "Plan",
        }
    }

    pub(crate) fn place(self) -> usize {
        Self::ALL.iter().position(|view| *view == self).unwrap_or(0)
    }
}

/// Who a session is: its pid, and when it began.
pub(crate) type Identity = (i32, Option<String>);

/// What the sessions of a list have in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Group {
    /// A key.
    Key(By, String),
    /// Whose they are by the plan.
    Of(Owner),
}

/// What is on the screen. Enter goes deeper, Esc comes back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Screen {
    /// A view.
    View(View),
    /// The sessions of one group.
    SessionsOf(Group),
    /// One session.
    Session(Identity),
}

impl Screen {
    /// The view whose list it is; `None` where there is no list.
    pub(crate) fn view(&self) -> Option<View> {
        match self {
            Self::View(view) => Some(*view),
            Self::SessionsOf(..) => Some(View::Sessions),
            Self::Session(_) => None,
        }
    }
}

/// Where the samples come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A server, asked in a rhythm.
    Server { interval: Interval },
    /// A recording.
    File { speed: f64, playing: bool, ended: bool },
}

/// Where the samples come from, and what it is called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Origin {
    pub(crate) place: String,
    pub(crate) kind: Kind,
}

impl Origin {
    pub(crate) fn server(place: String, interval: Interval) -> Self {
        Self { place, kind: Kind::Server { interval } }
    }

    pub(crate) fn file(place: String) -> Self {
        Self { place, kind: Kind::File { speed: 1.0, playing: true, ended: false } }
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }
}

/// Whether the server answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Link {
    Up,
    Down {
        /// By our clock that never goes back.
        since_s: f64,
        /// The server's or the system's exact words.
        why: String,
        /// How often it was tried.
        attempts: u32,
    },
}

/// A piece of news.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewsItem {
    pub(crate) at_us: i64,
    pub(crate) tone: Tone,
    pub(crate) text: String,
    /// It came this often in a row.
    pub(crate) times: u32,
    /// The sample at that time.
    pub(crate) number: u64,
}

/// The `/` line while it is being written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Edit {
    pub(crate) text: String,
    pub(crate) error: Option<String>,
}

/// A dialog of closing or cancelling.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Dialog {
    /// The plan is being made.
    Planning { order: Order, asked: bool },
    /// It is shown, and somebody has to say yes.
    Ask { planned: Arc<Planned>, typed: String },
    /// It is being carried out.
    Acting { planned: Arc<Planned>, begun: bool, stopped: bool },
    /// It was.
    Done(Done),
}

/// A row of the Blocking view.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blocked {
    pub(crate) contender: Contender,
    /// 0 for who holds up the others.
    pub(crate) depth: u32,
    /// How many wait behind a root.
    pub(crate) waiters: u32,
}

/// The rows of the screen that is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) apps: Vec<AppRow>,
    /// Places in the sample.
    pub(crate) sessions: Vec<usize>,
    /// Places in the sample.
    pub(crate) limits: Vec<usize>,
    /// Who waits for whom, trees from their roots down.
    pub(crate) blocking: Vec<Blocked>,
    /// Services beside the plan.
    pub(crate) services: Vec<ServiceRow>,
    /// Of the selected group.
    pub(crate) idle_on: Vec<IdleOn>,
}

/// The whole of it.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) theme: Theme,
    pub(crate) zone: TimeZone,
    pub(crate) thresholds: Limits,
    /// What services may hold.
    pub(crate) plan: Option<Plan>,
    pub(crate) read_only: bool,
    pub(crate) looks_left: Option<u64>,
    pub(crate) size: (u16, u16),
    pub(crate) now_s: f64,
    pub(crate) clock_us: i64,
    pub(crate) origin: Origin,
    pub(crate) link: Link,
    /// A look is under way.
    pub(crate) looking: bool,
    /// When the next one is due.
    pub(crate) due_s: f64,
    pub(crate) history: History,
    pub(crate) shown: Option<Kept>,
    /// Who waited for whom at the newest look.
    pub(crate) blocking: Option<Blocking>,
    /// The picture stays, whatever comes.
    pub(crate) held: bool,
    /// Between the shown sample and the one before it.
    pub(crate) pace: Option<Pace>,
    pub(crate) screens: Vec<Screen>,
    pub(crate) listings: [Listing; View::ALL.len()],
    pub(crate) by: By,
    pub(crate) filter_text: String,
    pub(crate) filter: Filter,
    pub(crate) edit: Option<Edit>,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) rows: Rows,
    pub(crate) tagged: BTreeSet<Identity>,
    pub(crate) news: VecDeque<NewsItem>,
    pub(crate) help: bool,
    /// Something short at the bottom, until a moment.
    pub(crate) notice: Option<(String, f64)>,
}

impl State {
    /// Shows only these sessions, as if it had been written into the `/` line.
    pub(crate) fn let_through(&mut self, filter: Filter) {
        self.filter_text = if filter.is_everything() { String::new() } else { filter.to_string() };
        self.filter = filter;
    }

    /// The tagged sessions of the list on the screen.
    pub(crate) fn tagged_here(&self) -> BTreeSet<Identity> {
        let listed = self.rows.sessions.iter().filter_map(|at| self.sample()?.sessions.get(*at));
        listed.map(identity_of).filter(|identity| self.tagged.contains(identity)).collect()
    }

    /// Before the first sample.
    pub(crate) fn new(theme: Theme, origin: Origin) -> Self {
        let sorts = View::ALL.map(|view| match view {
            View::Apps => columns::apps::CONN,
            View::Sessions => columns::sessions::AGE,
            View::Limits => columns::limits::SHARE,
            View::Plan => columns::plan::USED,
            View::Blocking | View::Events => 0,
        });
        Self {
            theme,
            zone: TimeZone::system(),
            thresholds: Limits::default(),
            plan: None,
            read_only: false,
            looks_left: None,
            size: (80, 24),
            now_s: 0.0,
            clock_us: 0,
            origin,
            link: Link::Up,
            looking: false,
            due_s: 0.0,
            history: History::new(),
            shown: None,
            blocking: None,
            held: false,
            pace: None,
            screens: vec![Screen::View(View::Apps)],
            listings: sorts.map(Listing::sorted_by),
            by: By::App,
            filter_text: String::new(),
            filter: Filter::default(),
            edit: None,
            dialog: None,
            rows: Rows::default(),
            tagged: BTreeSet::new(),
            news: VecDeque::new(),
            help: false,
            notice: None,
        }
    }

    /// What is on the screen.
    pub(crate) fn screen(&self) -> &Screen {
        self.screens.last().unwrap_or(&Screen::View(View::Apps))
    }

    /// The sample that is shown.
    pub(crate) fn sample(&self) -> Option<&Arc<Sample>> {
        self.shown.as_ref().map(|kept| &kept.sample)
    }

    /// The shown sample is not the newest.
    pub(crate) fn is_past(&self) -> bool {
        let newest = self.history.ring.newest().map(|kept| kept.number);
        self.shown.as_ref().map(|kept| kept.number) != newest
    }

    /// The views there are.
    pub(crate) fn views(&self) -> &'static [View] {
        static ALL: [View; View::ALL.len()] = View::ALL;
        match self.plan {
            Some(_) => &ALL,
            None => ALL.strip_suffix(&[View::Plan]).unwrap_or(&ALL),
        }
    }

    /// The plan, where groups are made by what it knows.
    pub(crate) fn plan_of_groups(&self) -> Option<&Plan> {
        self.plan.as_ref().filter(|_| self.by == By::App)
    }

    /// The columns of a view.
    pub(crate) fn columns(&self, view: View) -> &'static [Column] {
        match view {
            View::Apps if self.plan_of_groups().is_some() => &columns::apps::PLANNED,
            View::Apps => &columns::apps::ALL,
            View::Sessions => &columns::sessions::ALL,
            View::Blocking => &columns::blocking::ALL,
            View::Limits => &columns::limits::ALL,
            View::Events => &columns::events::ALL,
            View::Plan => &columns::plan::ALL,
        }
    }

    /// Rows of a view's list.
    pub(crate) fn rows_of(&self, view: View) -> usize {
        match view {
            View::Apps => self.rows.apps.len(),
            View::Sessions => self.rows.sessions.len(),
            View::Blocking => self.rows.blocking.len(),
            View::Limits => self.rows.limits.len(),
            View::Events => self.news.len(),
            View::Plan => self.rows.services.len(),
        }
    }

    /// Rows of the list that fit on the screen.
    pub(crate) fn list_height(&self) -> usize {
        usize::from(Layout::of(self).list.height)
    }

    pub(crate) fn listing(&self, view: View) -> &Listing {
        &self.listings[view.place()]
    }

    /// The selected group of the Apps view.
    pub(crate) fn selected_app(&self) -> Option<&AppRow> {
        self.rows.apps.get(self.listing(View::Apps).selected)
    }

    /// The session that the screen is about: the selected one, or the one that was opened.
    pub(crate) fn selected_session(&self) -> Option<&Session> {
        let sample = self.sample()?;
        match self.screen() {
            Screen::Session(identity) => {
                sample.sessions.iter().find(|session| identity_of(session) == *identity)
            }
            Screen::View(View::Sessions) | Screen::SessionsOf(..) => {
                let at = self.rows.sessions.get(self.listing(View::Sessions).selected)?;
                sample.sessions.get(*at)
            }
            Screen::View(View::Apps | View::Blocking | View::Limits | View::Events | View::Plan) => None,
        }
    }

    /// The selected row of the Plan view.
    pub(crate) fn selected_service(&self) -> Option<&ServiceRow> {
        self.rows.services.get(self.listing(View::Plan).selected)
    }

    /// The selected row of the Blocking view.
    pub(crate) fn selected_blocked(&self) -> Option<&Blocked> {
        self.rows.blocking.get(self.listing(View::Blocking).selected)
    }

    /// The selected event; the newest stands first.
    pub(crate) fn selected_news(&self) -> Option<&NewsItem> {
        self.news.iter().rev().nth(self.listing(View::Events).selected)
    }

    /// When something will look different without anything happening.
    pub(crate) fn wake_s(&self) -> f64 {
        let second = self.now_s + 1.0 - (self.clock_us.rem_euclid(1_000_000) as f64) / 1e6;
        let waits = !self.looking && self.is_running();
        let due = if waits { self.due_s } else { f64::INFINITY };
        let notice = self.notice.as_ref().map_or(f64::INFINITY, |(_, until)| *until);
        second.min(due).min(notice)
    }

    /// Looks go on by themselves.
    pub(crate) fn is_running(&self) -> bool {
        match self.origin.kind {
            Kind::Server { .. } => true,
            Kind::File { playing, .. } => playing,
        }
    }
}

/// Who a session is.
pub(crate) fn identity_of(session: &Session) -> Identity {
    (session.pid, session.started.clone())
}

#[cfg(test)]
pub(in crate::monitor) mod tests {
    use inspect::catalog::{Client, Facts, State as SessionState};

    use super::*;

    /// A session that has been in its state for `age` seconds.
    pub(in crate::monitor) fn session(pid: i32, application: &str, state: SessionState, age: f64) -> Session {
        Session {
            pid,
            started: Some(format!("2026-11-23 13:00:00.{pid:06}+00")),
            changed: None,
            database: Some("wall".into()),
            user: Some("wall_app".into()),
            is_superuser: false,
            is_replication: false,
            application: application.into(),
            client: Client::Address("10.0.0.7".parse().unwrap(), 40_000),
            is_walsender: false,
            state,
            wait: None,
            age_s: Some(age + 60.0),
            state_age_s: Some(age),
            xact_age_s: None,
            query_age_s: Some(age),
            holds_snapshot: false,
            query: Some("SELECT 1".into()),
        }
    }

    /// A server of 100 slots, 3 of them kept back, `second` seconds behind the beginning, with so many sessions of each
    /// application; every third one runs.
    pub(in crate::monitor) fn sample(second: i64, applications: &[(&str, usize)]) -> Sample {
        let mut sessions = Vec::new();
        for (application, number) in applications {
            for n in 0..*number {
                let pid = 1_000 + sessions.len() as i32;
                let state = if n % 3 == 1 { SessionState::Active } else { SessionState::Idle };
                sessions.push(session(pid, application, state, 10.0 + n as f64 * 7.0));
            }
        }
        Sample {
            facts: Facts {
                version_num: 160_004,
                version: "16.4 (Debian 16.4-1)".into(),
                now_us: 1_763_906_531_000_000 + second * 1_000_000,
                max_connections: 100,
                superuser_reserved: 3,
                uptime_s: 1_036_800.0 + second as f64,
                sees_all: true,
                user: "monitor".into(),
                dbname: "wall".into(),
                ..Facts::default()
            },
            sessions,
            limits: Vec::new(),
            counters: None,
        }
    }
}
