//! Fills in the variables of a document.

use super::VARIABLE;
use super::environment::Environment;
use super::project::{Before, Project};
use crate::read::interpolate::{self, Fault, FaultKind};
use crate::yaml::{Node, Scalar, Style, Value};
use crate::{Finding, Level, Place};

/// The most bytes one value may grow by.
const GROWTH_MAX: usize = 128 * 1024;

/// Fills in every value below a node. Keys are never touched.
pub(super) fn fill(project: &mut Project<'_>, node: &mut Node, environment: &Environment<'_>) {
    match &mut node.value {
        Value::Null => {}
        Value::Scalar(scalar) => fill_scalar(project, scalar, &node.place, environment),
        Value::List(items) => {
            for item in items {
                fill(project, item, environment);
            }
        }
        Value::Map(pairs) => {
            for (_, value) in pairs {
                fill(project, value, environment);
            }
        }
    }
}

fn fill_scalar(project: &mut Project<'_>, scalar: &mut Scalar, place: &Place, environment: &Environment<'_>) {
    if !scalar.text.contains('$') {
        return;
    }
    let growth_max = GROWTH_MAX.min(project.bytes_left());
    let filled = interpolate::fill(&scalar.text, &|name| environment.value(name), growth_max);
    if !filled.faults.is_empty() && !project.findings.is_full() {
        tell(project, scalar, place, &filled.faults);
    }
    project.spend_bytes(filled.text.len().saturating_sub(scalar.text.len()), place);
    let text = std::mem::replace(&mut scalar.text, filled.text);
    project.before.insert(place.clone(), Before { text, pieces: filled.pieces });
}

fn tell(project: &mut Project<'_>, scalar: &Scalar, place: &Place, faults: &[Fault]) {
    let source = project.source(&place.file);
    let mut trace = source.as_ref().map(|source| source.trace(place, scalar.style, &scalar.text));
    let mut faults = faults.to_vec();
    faults.sort_by_key(|fault| fault.at);
    for fault in faults {
        if project.findings.is_full() {
            break;
        }
        let at = trace.as_mut().map_or_else(|| place.clone(), |trace| trace.place(fault.at));
        project.findings.push(finding(&fault.kind, &at));
    }
}

fn finding(kind: &FaultKind, place: &Place) -> Finding {
    let wrong = |message: String, fix: String| Finding {
        level: Level::Error,
        ..Finding::at(&VARIABLE, place, message, fix)
    };
    match kind {
        FaultKind::Unset(name) => Finding::at(
            &VARIABLE,
            place,
            format!("{} is not set: nothing stands in its place", interpolate::called(name)),
            "set it in .env or in the environment, give it a default (${NAME:-...}), or write $$ for a plain $".to_owned(),
        ),
        FaultKind::Required { name, said } => {
            let colon = if said.is_empty() { "" } else { ": " };
            wrong(
                format!("the variable {name} is not set, and the file insists on it{colon}{said}"),
                "set it in .env beside the compose file, or in the environment".into(),
            )
        }
        FaultKind::Open => {
            wrong("a ${ is never closed".into(), "close it with }, or write $$ for a plain $".into())
        }
        FaultKind::Bad => wrong(
            "what stands in ${...} is no variable".into(),
            "write ${NAME} or ${NAME:-default}, or $$ for a plain $".into(),
        ),
        FaultKind::Deep => wrong("defaults stand in defaults too deeply".into(), "nest them less".into()),
        FaultKind::Long => wrong("this value grows beyond 128 KiB".into(), "shorten it".into()),
    }
}

/// Whether compose takes a scalar for a number, a switch or nothing rather than for text: it is written without quotes,
/// and no variable made it.
pub(super) fn is_typed(project: &Project<'_>, scalar: &Scalar, place: &Place) -> bool {
    let text = scalar.text.as_str();
    let switch = matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE");
    let number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && (text.parse::<f64>().is_ok()
            || text.strip_prefix("0x").is_some_and(|hex| u64::from_str_radix(hex, 16).is_ok()));
    scalar.style == Style::Plain && (switch || number) && !project.before.contains_key(place)
}
