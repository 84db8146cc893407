//! `connwarden monitor` and `connwarden replay`: a server, or a recording of one, watched over time.
//!
//! Both read samples from a [`source::Source`]. In a pipe each sample becomes a line (`watch`); on a terminal it becomes an
//! event of the live view: `run` turns what happens into events, `update` is a function of state and event that says what
//! to do, `draw` looks at the state and changes nothing.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use inspect::form::clean;
use inspect::record::{Origin, Recording};

use crate::cli::HelpOption;
use crate::exit::Exit;
use crate::filter::FilterOptions;
use crate::output::{Form, OutputOptions};
use crate::plan::PlanFile;
use crate::say;
use crate::server::ServerOptions;
use crate::thresholds;
use crate::value::now_us;

mod clock;
mod closing;
mod columns;
mod draw;
mod event;
mod filter;
mod history;
mod interval;
mod keys;
mod layout;
mod listing;
mod news;
mod rows;
mod run;
mod services;
mod source;
mod state;
mod terminal;
mod theme;
mod update;
mod watch;

use interval::Interval;
use source::{FileSource, ServerSource, Source};

/// Largest file of a recording; it is kept once more under another name when it is full.
const RECORDING_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// That there is no plan is said at the bottom for so many seconds.
const NO_PLAN_NOTICE_S: f64 = 10.0;

const MONITOR: &str = "\
On a terminal: the live view; ? in it lists the keys. Elsewhere, and with --plain
or -o json: a line per look. util is the share of the slots that applications can
get, waiting counts sessions that wait for a lock, churn is new sessions a second.
A filter begins the view's / line; in lines it holds for the counts, while util and
churn stay those of the whole server.

It holds one connection and never opens a second one. When it is lost, the last
picture stays and the server is asked again, after up to 15 seconds.

Beside a plan (connwarden-plan.toml here, or --plan) the view says what each service
holds of it: a column in Apps, and a view of its own behind the key 6.

A recording (--record) holds statements and is readable by its owner only. At
256 MiB it is renamed to NAME.1.cwlog, in the place of an older one.

Examples:
  connwarden monitor
  connwarden monitor --watch --interval=5 >> connections.log
  connwarden monitor --interval=0.5s --record incident.cwlog
  connwarden monitor --plain --count 1 -o json | jq .total
  connwarden monitor --app 'wall-*' --where 'not state=active'

Exit codes: 0 ended by q, by --count or by its reader, 2 the recording cannot be
written, 3 server not reached at the start, 64 usage, 130 Ctrl-C.";

#[derive(Args, Clone, Debug)]
#[command(after_help = MONITOR, disable_help_flag = true)]
pub(crate) struct MonitorOptions {
    /// Keep on looking (it always does; for scripts that say so)
    #[arg(long)]
    watch: bool,
    /// Time between two looks: 5, 0.5s, 500ms, 1m; at least 0.5s, at most 1h
    #[arg(short, long, value_name = "TIME", default_value = "5s")]
    interval: Interval,
    /// End after so many looks
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Lines, on a terminal as well
    #[arg(long)]
    plain: bool,
    /// Write every look to this file (*.cwlog), for replay
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// No key of the view ends or cancels anything; so it is for a protected target
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    plan: PlanFile,
    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    server: ServerOptions,
}

const REPLAY: &str = "\
The view of monitor, over a recording: p plays and pauses, [ and ] step, + and -
change the speed. Elsewhere than on a terminal: a line per look, all at once.

Examples:
  connwarden replay incident.cwlog
  connwarden replay --plan connwarden-plan.toml incident.cwlog
  connwarden replay incident.cwlog | sort -t= -k2 -n | tail -1

Exit codes: 0 done, 2 no recording there or not to be read, 64 usage, 130 Ctrl-C.";

#[derive(Args, Clone, Debug)]
#[command(after_help = REPLAY, disable_help_flag = true)]
pub(crate) struct ReplayOptions {
    #[command(flatten)]
    help: HelpOption,
    /// What `monitor --record` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Lines, on a terminal as well
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    plan: PlanFile,
    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    output: OutputOptions,
}

/// `monitor`.
pub(crate) async fn run(options: MonitorOptions) -> Exit {
    let filter = match options.filter.filter() {
        Ok(filter) => filter,
        Err(error) => return say::usage(&error),
    };
    let thresholds = match thresholds::of_file(options.server.config()) {
        Ok(thresholds) => thresholds,
        Err(refusal) => return refusal.say(),
    };
    let entrance = match options.server.entrance() {
        Ok(entrance) => entrance,
        Err(failed) => return failed.say(&options.output),
    };
    let protected = entrance.protected.is_some();
    let mut source = ServerSource::new(entrance);
    // Before the terminal is ours: a login may ask for a password, and a first refusal is an answer.
    if let Err(failed) = source.connect().await {
        return failed.say(&options.output);
    }
    let place = source.place();
    let recording = match &options.record {
        None => None,
        Some(path) => {
            let origin = Origin { place: place.clone(), interval_s: options.interval.seconds() };
            match Recording::open(path, origin, RECORDING_BYTES_MAX) {
                Ok(recording) => Some(recording),
                Err(error) => {
                    say::err(&format!("error: {error}"));
                    return Exit::Nothing;
                }
            }
        }
    };
    let lines = lines_are_wanted(options.plain, &options.output);
    source.wants_blocking = !lines;
    let source = Source::Server(Box::new(source));
    if lines {
        let pace = watch::Pacing::Every(options.interval.duration());
        let (form, thresholds) = (options.output.form(), thresholds.utilization);
        return watch::run(source, recording, pace, options.count, filter, form, thresholds).await;
    }
    let style = options.output.style();
    let mut state =
        state::State::new(theme::Theme::of(style), state::Origin::server(place, options.interval));
    // Who protected a target wants its name repeated, which keys can't.
    state.read_only = options.read_only || protected;
    state.let_through(filter);
    state.looks_left = options.count;
    state.thresholds = thresholds;
    hold_against(&mut state, &options.plan);
    run::run(source, recording, state).await
}

/// `replay`.
pub(crate) async fn replay(options: ReplayOptions) -> Exit {
    let filter = match options.filter.filter() {
        Ok(filter) => filter,
        Err(error) => return say::usage(&error),
    };
    let thresholds = match thresholds::of_file(None) {
        Ok(thresholds) => thresholds,
        Err(refusal) => return refusal.say(),
    };
    let source = match FileSource::open(&options.file) {
        Ok(source) => source,
        Err(why) => {
            // A recording is a stranger's text, too.
            say::err(&format!("error: {}: {}", options.file.display(), clean(&why)));
            return Exit::Nothing;
        }
    };
    let place = source.place();
    let source = Source::File(Box::new(source));
    if lines_are_wanted(options.plain, &options.output) {
        let (form, thresholds) = (options.output.form(), thresholds.utilization);
        return watch::run(source, None, watch::Pacing::AtOnce, None, filter, form, thresholds).await;
    }
    let style = options.output.style();
    let mut state = state::State::new(theme::Theme::of(style), state::Origin::file(place));
    state.let_through(filter);
    state.thresholds = thresholds;
    hold_against(&mut state, &options.plan);
    run::run(source, None, state).await
}

/// The plan is read once. One that cannot be read is told inside, where it is seen.
fn hold_against(state: &mut state::State, plan: &PlanFile) {
    match plan.read() {
        Ok(plan) => state.plan = plan,
        Err(why) => {
            state.clock_us = now_us();
            let why = why.lines().next().unwrap_or_default().to_owned();
            state.notice = Some((why.clone(), NO_PLAN_NOTICE_S));
            update::update(state, event::Event::Remark(news::Tone::Warn, why));
        }
    }
}

/// A live view needs a terminal at both ends.
fn lines_are_wanted(plain: bool, output: &OutputOptions) -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    plain || dumb || output.form() != Form::Human || !std::io::stdout().is_terminal()
}
