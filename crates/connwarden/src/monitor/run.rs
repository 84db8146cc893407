//! The live view's loop: what happens becomes an event, what the event asks for is done, the state is drawn.

use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use inspect::record::{Entry, Recording};
use ratatui::crossterm::event::{self, Event as TerminalEvent};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::event::{Action, Event};
use super::news::Tone;
use super::source::{Report, Source};
use super::state::State;
use super::terminal::Screen;
use super::update::update;
use super::{draw, keys};
use crate::exit::Exit;
use crate::say;
use crate::value::now_us;

/// Keys that wait for us at most; a terminal that sends faster waits itself.
const KEYS_WAITING_MAX: usize = 256;
/// How long a look under way is waited for at the end.
const GOODBYE: Duration = Duration::from_millis(300);

type Looking = Pin<Box<dyn Future<Output = (Source, Report)>>>;

/// Runs the view until it is left.
pub(crate) async fn run(source: Source, recording: Option<Recording>, state: State) -> Exit {
    let mut view = match View::open(source, recording, state) {
        Ok(view) => view,
        Err(error) => {
            say::err(&format!("error: the terminal cannot be used: {error}"));
            return Exit::Nothing;
        }
    };
    let end = view.turn().await;
    let source = view.source_at_the_end().await;
    // The terminal first: what is said afterwards shall be read.
    drop(view);
    if let Some(source) = source {
        source.close().await;
    }
    end.unwrap_or_else(|error| {
        say::err(&format!("error: the terminal is gone: {error}"));
        Exit::Nothing
    })
}

struct View {
    screen: Screen,
    state: State,
    began: Instant,
    source: Option<Source>,
    looking: Option<Looking>,
    recording: Option<Recording>,
    /// Ends what is being carried out behind the present session.
    stop: Arc<AtomicBool>,
    keys: mpsc::Receiver<io::Result<TerminalEvent>>,
    signals: [Signal; 3],
}

impl View {
    fn open(source: Source, recording: Option<Recording>, mut state: State) -> io::Result<Self> {
        let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        let [interrupt, terminate, hangup] = signals;
        let screen = Screen::take()?;
        let size = screen.terminal.size()?;
        state.size = (size.width, size.height);
        Ok(Self {
            screen,
            state,
            began: Instant::now(),
            source: Some(source),
            looking: None,
            recording,
            stop: Arc::default(),
            keys: read_keys(),
            signals: [interrupt?, terminate?, hangup?],
        })
    }

    async fn turn(&mut self) -> io::Result<Exit> {
        loop {
            for event in self.next().await? {
                for action in update(&mut self.state, event) {
                    if let Some(exit) = self.act(action)? {
                        return Ok(exit);
                    }
                }
            }
            let state = &self.state;
            self.screen.terminal.draw(|frame| draw::draw(frame, state))?;
        }
    }

    /// The next things that happen, behind the time at which they do.
    async fn next(&mut self) -> io::Result<Vec<Event>> {
        let wait = Duration::from_secs_f64((self.state.wake_s() - self.now_s()).clamp(0.0, 1.0));
        let looking = async {
            match &mut self.looking {
                Some(looking) => looking.await,
                None => pending().await,
            }
        };
        let [interrupt, terminate, hangup] = &mut self.signals;
        let mut events = Vec::new();
        tokio::select! {
            (source, report) = looking => {
                self.looking = None;
                self.source = Some(source);
                events.push(self.tick());
                events.extend(self.reported(report));
            }
            key = self.keys.recv() => {
                events.push(self.tick());
                // Keys that came together are drawn together.
                let mut next = key;
                while let Some(key) = next {
                    events.extend(heard(key?));
                    next = self.keys.try_recv().ok();
                }
            }
            _ = interrupt.recv() => events.push(Event::Leave(Exit::Interrupted)),
            _ = terminate.recv() => events.push(Event::Leave(Exit::Done)),
            _ = hangup.recv() => events.push(Event::Leave(Exit::Done)),
            () = sleep(wait) => events.push(self.tick()),
        }
        Ok(events)
    }

    fn now_s(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn tick(&self) -> Event {
        Event::Tick { now_s: self.now_s(), clock_us: now_us() }
    }

    /// A report is recorded and becomes events.
    fn reported(&mut self, report: Report) -> Vec<Event> {
        let mut events = Vec::new();
        let entry = match report {
            Report::Ended => return vec![Event::Ended],
            Report::Planned(planned) => return vec![Event::Planned(planned)],
            Report::Acted(done) => return vec![Event::Acted(done)],
            Report::Failed { why, at_us, lost } => {
                let entry = Entry::Failure { at_us: now_us(), why: why.clone() };
                events.push(Event::Failed { why, at_us, lost });
                events.extend(self.record(&entry));
                return events;
            }
            Report::Sample(sample, blocking, gap_s) => {
                events.push(Event::Blocking(blocking));
                (Entry::Sample(sample), gap_s)
            }
        };
        let (entry, gap_s) = entry;
        events.extend(self.record(&entry));
        if let Entry::Sample(sample) = entry {
            events.insert(1, Event::Sample(sample, gap_s));
        }
        events
    }

    fn record(&mut self, entry: &Entry) -> Option<Event> {
        let recording = self.recording.as_mut()?;
        match recording.add(entry) {
            Ok(None) => None,
            Ok(Some(older)) => {
                let text = format!("the recording was full: what it held is in {} now", older.display());
                Some(Event::Remark(Tone::Plain, text))
            }
            Err(error) => {
                self.recording = None;
                Some(Event::Remark(Tone::Bad, format!("nothing is recorded any more: {error}")))
            }
        }
    }

    fn act(&mut self, action: Action) -> io::Result<Option<Exit>> {
        match action {
            Action::Look => {
                if let Some(source) = self.source.take() {
                    self.looking = Some(Box::pin(source.look()));
                }
            }
            Action::Plan(order) => {
                if let Some(source) = self.source.take() {
                    self.looking = Some(Box::pin(source.plan(order)));
                }
            }
            Action::Act(planned) => {
                self.stop.store(false, Ordering::Relaxed);
                if let Some(source) = self.source.take() {
                    self.looking = Some(Box::pin(source.act(planned, Arc::clone(&self.stop))));
                }
            }
            Action::Stop => self.stop.store(true, Ordering::Relaxed),
            Action::Copy(text) => self.screen.copy(&text)?,
            Action::Redraw => self.screen.terminal.clear()?,
            Action::Quit(exit) => return Ok(Some(exit)),
        }
        Ok(None)
    }

    async fn source_at_the_end(&mut self) -> Option<Source> {
        match self.looking.take() {
            Some(looking) => timeout(GOODBYE, looking).await.ok().map(|(source, _)| source),
            None => self.source.take(),
        }
    }
}

/// Keys are read by a thread of their own, which ends with the program.
fn read_keys() -> mpsc::Receiver<io::Result<TerminalEvent>> {
    let (sender, receiver) = mpsc::channel(KEYS_WAITING_MAX);
    std::thread::spawn(move || {
        loop {
            let event = event::read();
            let over = event.is_err();
            if sender.blocking_send(event).is_err() || over {
                return;
            }
        }
    });
    receiver
}

fn heard(event: TerminalEvent) -> Option<Event> {
    match event {
        TerminalEvent::Key(key) => keys::read(&key).map(Event::Key),
        TerminalEvent::Resize(columns, rows) => Some(Event::Resize(columns, rows)),
        TerminalEvent::FocusGained | TerminalEvent::FocusLost | TerminalEvent::Mouse(_) => None,
        TerminalEvent::Paste(_) => None,
    }
}
