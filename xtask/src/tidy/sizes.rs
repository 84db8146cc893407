//! A file that is too long hides a second noun.

use super::source::Source;

/// Lines of a production file at most.
const LINES_MAX: usize = 600;

/// The long ones.
pub(super) fn offences(sources: &[Source]) -> Vec<String> {
    let long = sources.iter().filter(|source| source.lines > LINES_MAX);
    long.map(|source| format!("{}: {} lines, at most {LINES_MAX}", source.path.display(), source.lines))
        .collect()
}
