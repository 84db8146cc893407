//! Look, plan, show, ask, act, look again, tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use inspect::catalog::{Sample, Wants};
use inspect::closing::{Act, Acted, Action, Ended, Evidence, Pace, Plan, Rules, returned};
use inspect::connect::Connection;
use inspect::form::{clean, close as form};
use inspect::report::{CloseReport, EndReport, VictimResult};
use tokio::time::sleep;

use super::audit::{Audit, Occasion};
use super::consent::{Course, Question, Said, asked, course, somebody_is_there};
use super::options::ActOptions;
use crate::exit::Exit;
use crate::output::Form;
use crate::say;
use crate::server::{Entrance, Failed};

/// What was ordered.
pub(super) struct Order {
    pub(super) rules: Rules,
    pub(super) pace: Pace,
    pub(super) options: ActOptions,
    pub(super) question: Question,
}

/// One command from its beginning to its end.
pub(super) async fn carry_out(order: Order) -> Exit {
    let options = &order.options;
    let said = Said {
        dry_run: options.dry_run,
        apply: options.apply,
        yes: options.yes,
        confirm: options.confirm.as_deref(),
    };
    let entrance = match options.server.entrance() {
        Ok(entrance) => entrance,
        Err(failed) => return failed.say(&options.output),
    };
    let asks = somebody_is_there(options.output.form());
    let course = match course(said, asks, entrance.protected.as_deref()) {
        Ok(course) => course,
        Err(refusal) => return say::usage(&refusal),
    };
    match planned(&order, course, entrance).await {
        Ok(exit) => exit,
        Err(failed) => failed.say(&options.output),
    }
}

async fn planned(order: &Order, course: Course, mut entrance: Entrance) -> Result<Exit, Failed> {
    let (rules, options) = (&order.rules, &order.options);
    let mut connection = entrance.connect(&format!("connwarden {}", rules.action.name())).await?;
    let sample = Sample::take(&mut connection, Wants::default()).await?;
    let evidence = Evidence::take_for(rules.action, &mut connection).await?;
    let plan = Plan::of(&sample, &evidence, rules);
    let mut report = CloseReport::of(&sample, connection.place(), rules, &plan, options.reason.as_deref());
    if course == Course::Show || plan.victims.is_empty() {
        connection.close().await;
        show(order, &report);
        if !plan.victims.is_empty() {
            say::err(&not_done(order, entrance.protected.as_deref()));
        }
        return Ok(Exit::Done);
    }
    if options.output.form() != Form::Json {
        show(order, &report);
    }
    if course == Course::Ask && !asked(order.question, rules.action, plan.victims.len()) {
        connection.close().await;
        say::err(match rules.action {
            Action::CloseIdle | Action::ForceClose => "Nothing closed.",
            Action::Cancel => "Nothing cancelled.",
        });
        return Ok(Exit::Nothing);
    }
    let occasion = Occasion::of(
        rules.action,
        &sample.facts.user,
        connection.place(),
        &report.filter,
        options.reason.as_deref(),
    );
    let mut audit = match Audit::open(occasion, options.audit_log.as_deref()) {
        Ok(audit) => audit,
        Err(error) => {
            say::err(&format!("error: audit log: {error}\n  = nothing was done"));
            return Ok(Exit::Nothing);
        }
    };
    let before = Sample::take(&mut connection, Wants::default()).await?;
    let stop = stop_on_interrupt();
    let is_stopped = || stop.load(Ordering::Relaxed);
    let act = Act::new(&mut connection, rules, &sample.facts, &order.pace, &is_stopped);
    let acted = act.run(&plan, |victim, outcome| audit.note(victim, outcome)).await;
    report.done(&acted);
    look_again(order, &mut report, &mut connection, (&before, &plan, &acted), &is_stopped).await;
    connection.close().await;
    tell(order, &report);
    Ok(exit(&report))
}

/// The plan, in the form that was asked for.
fn show(order: &Order, report: &CloseReport) {
    let output = &order.options.output;
    match output.form() {
        Form::Human => say::out(&form::plan(report, output.style())),
        Form::Plain => say::out(&form::plain(report)),
        Form::Json => say::json(report),
    }
}

fn not_done(order: &Order, protected: Option<&str>) -> String {
    let (past, verb) = match order.rules.action {
        Action::CloseIdle | Action::ForceClose => ("closed", "close"),
        Action::Cancel => ("cancelled", "cancel"),
    };
    let confirm = protected.map(|name| format!(" --confirm {name}")).unwrap_or_default();
    format!("Nothing {past} (dry run). Add --apply --yes{confirm} to {verb}.")
}

fn tell(order: &Order, report: &CloseReport) {
    match order.options.output.form() {
        Form::Human | Form::Plain => say::out(&form::done(report, order.options.recheck.seconds())),
        Form::Json => say::json(report),
    }
}

/// Who came back. Not asked where nobody left, nor by somebody who is in a hurry.
async fn look_again(
    order: &Order,
    report: &mut CloseReport,
    connection: &mut Connection,
    (before, plan, acted): (&Sample, &Plan, &Acted),
    is_stopped: &impl Fn() -> bool,
) {
    let recheck = order.options.recheck.duration();
    let lost = matches!(acted.ended, Ended::Lost(_));
    if recheck.is_zero()
        || lost
        || order.rules.action == Action::Cancel
        || report.count(VictimResult::Closed) == 0
    {
        return;
    }
    if order.options.output.form() == Form::Human {
        say::err(&format!("waiting {} to see who comes back", order.options.recheck));
    }
    let mut left = recheck;
    while !left.is_zero() && !is_stopped() {
        let nap = left.min(Duration::from_millis(50));
        sleep(nap).await;
        left -= nap;
    }
    if is_stopped() {
        report.ended = Some(EndReport::Interrupted);
        return;
    }
    match Sample::take(connection, Wants::default()).await {
        Ok(after) => report.reconnected = Some(returned(before, &after, &plan.victims)),
        Err(error) => {
            say::err(&format!("warning: who came back is not known: {}", clean(&error.to_string())))
        }
    }
}

/// Ctrl-C ends it between two sessions; a second one at once.
fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if told.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            say::err("stopping after this session");
        }
    });
    stop
}

fn exit(report: &CloseReport) -> Exit {
    let good = match report.action {
        Action::CloseIdle | Action::ForceClose => VictimResult::Closed,
        Action::Cancel => VictimResult::Cancelled,
    };
    let good = report.count(good) + report.count(VictimResult::Gone);
    let seen = report.victims.iter().filter(|victim| victim.result.is_some()).count() as u32;
    match report.ended {
        Some(EndReport::Interrupted) => Exit::Interrupted,
        Some(EndReport::Finished | EndReport::Enough) | None if good == seen => Exit::Done,
        Some(_) | None if good > 0 => Exit::Partly,
        Some(_) | None => Exit::Nothing,
    }
}
