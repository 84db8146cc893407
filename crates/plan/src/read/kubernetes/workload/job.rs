//! What runs to its end: jobs, cron jobs, and the jobs KEDA makes.

use super::hook::hook;
use super::{leave_out, template, workload};
use crate::read::kubernetes::objects::Object;
use crate::read::kubernetes::report::Report;
use crate::read::kubernetes::scaling::keda_bounds;
use crate::read::kubernetes::settings::Scope;
use crate::read::kubernetes::shape;
use crate::yaml::Node;
use crate::{Life, Number, Replicas, Workload};

pub(super) fn job(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Option<Workload> {
    if is_suspended(scope.object, spec, report) {
        return None;
    }
    let pod = template(scope, spec, report)?;
    let count = parallel(scope.object, spec, report);
    let life = Life::Job { with_rollout: hook(scope.object).is_some() };
    Some(workload(scope.object, Replicas::fixed(count), life, Some(pod)))
}

pub(super) fn cron(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Option<Workload> {
    let object = scope.object;
    if is_suspended(object, spec, report) {
        return None;
    }
    let policy = report.word(spec, "concurrencyPolicy");
    let overlaps = match policy.as_ref().map(|policy| policy.text.as_str()) {
        None | Some("Allow") => true,
        Some("Forbid" | "Replace") => false,
        Some(_) => {
            if let Some(policy) = &policy {
                report.refuse(
                    &policy.place,
                    "concurrencyPolicy is none of Allow, Forbid and Replace",
                    "write concurrencyPolicy: Forbid to keep runs apart",
                );
            }
            true
        }
    };
    let job = report.map(spec, "jobTemplate", &shape::TEMPLATE);
    let Some(job) = job.and_then(|job| report.map(job, "spec", &shape::JOB)) else {
        if spec.at(&["jobTemplate", "spec"]).is_none() {
            let message = format!("{} has no job: jobTemplate.spec is missing", object.called());
            report.refuse(&spec.place, message, "write jobTemplate: with spec: below it");
        }
        return None;
    };
    let pod = template(scope, job, report)?;
    let count = parallel(object, job, report);
    Some(workload(object, Replicas::fixed(count), Life::Cron { overlaps }, Some(pod)))
}

pub(super) fn scaled_job(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Option<Workload> {
    let object = scope.object;
    let Some(job) = report.map(spec, "jobTargetRef", &shape::JOB) else {
        if spec.get("jobTargetRef").is_none() {
            let message = format!("{} has no jobTargetRef", object.called());
            report.refuse(&spec.place, message, "write jobTargetRef: with template: below it");
        }
        return None;
    };
    let pod = template(scope, job, report)?;
    let each = parallel(object, job, report);
    let (least, most) = keda_bounds(object, spec, report);
    let times = |jobs: Number| match each.value {
        1 => jobs,
        each => Number { value: jobs.value.saturating_mul(each), ..jobs },
    };
    let (usual, most) = (times(least), times(most));
    let usual = if usual.value > most.value { most.clone() } else { usual };
    let replicas = Replicas { usual, most };
    Some(workload(object, replicas, Life::Job { with_rollout: false }, Some(pod)))
}

/// How many pods of a job run at once.
fn parallel(object: &Object<'_>, spec: &Node, report: &mut Report) -> Number {
    let parallelism = report.count(spec, "parallelism").unwrap_or_else(|| {
        Number::assumed(1, format!("{} runs one pod at a time: parallelism is not set", object.called()))
    });
    match report.count(spec, "completions") {
        Some(completions) if completions.value < parallelism.value => completions,
        Some(_) | None => parallelism,
    }
}

fn is_suspended(object: &Object<'_>, spec: &Node, report: &mut Report) -> bool {
    let Some((true, place)) = report.flag(spec, "suspend") else { return false };
    leave_out(object, &place, "it is suspended", report);
    true
}
