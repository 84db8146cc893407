//! The loop: what is due next happens.

use std::collections::VecDeque;

use super::arriving::Arriving;
use super::check::mistakes;
use super::meter::{Event, Meter, Now};
use super::pools::{Met, Pools, Request};
use super::server::{Agenda, Working};
use super::{Arrivals, Mistake, Outcome, Scenario};

/// Plays a scenario through.
///
/// # Errors
/// What is wrong with the scenario: all of it at once.
pub fn run(scenario: &Scenario) -> Result<Outcome, Vec<Mistake>> {
    let mistakes = mistakes(scenario);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut play = Play::new(scenario);
    play.through();
    Ok(play.outcome())
}

/// What ends by itself, whoever else is there.
enum Later {
    /// The application's part of a hold.
    Rest(Request),
    /// A client's thinking.
    Thought,
}

/// A request that gives up then, unless it has got its connection.
struct Patience {
    until_s: f64,
    process: usize,
    number: u64,
}

/// What is due.
enum Next {
    Worked,
    Later,
    GivesUp,
    Comes,
}

struct Play<'a> {
    scenario: &'a Scenario,
    now_s: f64,
    arriving: Arriving<'a>,
    pools: Pools,
    working: Working<Request>,
    later: Agenda<Later>,
    /// In the order of time, for all have the same patience.
    patience: VecDeque<Patience>,
    meter: Meter,
    numbers: u64,
}

impl<'a> Play<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let Scenario { processes, pool_size, waiting_max, spreading, seed, .. } = *scenario;
        let mut play = Self {
            scenario,
            now_s: 0.0,
            arriving: Arriving::new(&scenario.arrivals, &scenario.hold, seed),
            pools: Pools::new(processes, pool_size, waiting_max, spreading, seed),
            working: Working::new(scenario.server),
            later: Agenda::new(),
            patience: VecDeque::new(),
            meter: Meter::new(scenario.warm_up_s, scenario.duration_s),
            numbers: 0,
        };
        if let Arrivals::Clients { count, .. } = scenario.arrivals {
            for _ in 0..count {
                play.think();
            }
        }
        play
    }

    fn through(&mut self) {
        loop {
            let (at_s, next) = self.next();
            let end_s = self.scenario.duration_s;
            self.meter.advance(at_s.min(end_s), self.now());
            if at_s > end_s {
                return;
            }
            self.now_s = at_s;
            match next {
                Next::Worked => {
                    if let Some(request) = self.working.end(at_s) {
                        self.worked(request);
                    }
                }
                Next::Later => match self.later.take().map(|due| due.what) {
                    Some(Later::Rest(request)) => self.done(request),
                    Some(Later::Thought) => self.come(),
                    None => {}
                },
                Next::GivesUp => self.give_up(),
                Next::Comes => self.come(),
            }
        }
    }

    /// What is due next, and when. Of what is due at once, ends come first: who leaves makes room for who comes.
    fn next(&mut self) -> (f64, Next) {
        while let Some(first) = self.patience.front()
            && !self.pools.is_waiting(first.process, first.number)
        {
            self.patience.pop_front();
        }
        let gives_up_s = self.patience.front().map_or(f64::INFINITY, |first| first.until_s);
        let mut soonest = (self.working.next_s(), Next::Worked);
        for other in [
            (self.later.next(), Next::Later),
            (gives_up_s, Next::GivesUp),
            (self.arriving.next_s(), Next::Comes),
        ] {
            if other.0 < soonest.0 {
                soonest = other;
            }
        }
        soonest
    }

    fn now(&self) -> Now {
        Now { waiting: self.pools.waiting(), lent: self.pools.lent(), running: self.working.running() }
    }

    fn come(&mut self) {
        let hold_s = self.arriving.take();
        let rest_s = hold_s * self.scenario.application_share;
        self.numbers += 1;
        let (process, number) = (self.pools.process(), self.numbers);
        let request = Request { arrived_s: self.now_s, work_s: hold_s - rest_s, rest_s, process, number };
        self.meter.count(self.now_s, Event::Arrived);
        match self.pools.come(request) {
            Met::Lent => self.begin(request),
            Met::Waits => {
                if let Some(patience_s) = self.scenario.wait_timeout_s {
                    self.patience.push_back(Patience { until_s: self.now_s + patience_s, process, number });
                }
            }
            Met::Refused => {
                self.meter.count(self.now_s, Event::Refused);
                self.think();
            }
        }
    }

    fn begin(&mut self, request: Request) {
        self.meter.count(self.now_s, Event::Got { wait_s: self.now_s - request.arrived_s });
        if request.work_s > 0.0 {
            self.working.begin(self.now_s, request.work_s, request);
        } else {
            self.worked(request);
        }
    }

    fn worked(&mut self, request: Request) {
        if request.rest_s > 0.0 {
            self.later.add(self.now_s + request.rest_s, Later::Rest(request));
        } else {
            self.done(request);
        }
    }

    fn done(&mut self, request: Request) {
        self.meter.count(self.now_s, Event::Done { latency_s: self.now_s - request.arrived_s });
        if let Some(next) = self.pools.give_back(request.process) {
            self.begin(next);
        }
        self.think();
    }

    fn give_up(&mut self) {
        if let Some(Patience { process, .. }) = self.patience.pop_front() {
            self.pools.give_up(process);
            self.meter.count(self.now_s, Event::TimedOut);
            self.think();
        }
    }

    fn think(&mut self) {
        if matches!(self.scenario.arrivals, Arrivals::Clients { .. }) {
            let think_s = self.arriving.think_s();
            self.later.add(self.now_s + think_s, Later::Thought);
        }
    }

    fn outcome(self) -> Outcome {
        let connections = self.scenario.pool_size * self.scenario.processes;
        let clients = match self.scenario.arrivals {
            Arrivals::Clients { count, .. } => count,
            Arrivals::Poisson { .. } | Arrivals::Trace(_) | Arrivals::Concurrency(_) => 0,
        };
        let mut meter = self.meter;
        meter.whole.waiting = u64::from(self.pools.waiting());
        meter.whole.holding = u64::from(self.pools.lent());
        meter.outcome(connections, self.scenario.server.cores, self.pools.waiting_most, clients)
    }
}
