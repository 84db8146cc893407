//! A file beside what it was, as `patch` and `git apply --unidiff-zero` read it. No line of it may hold a secret: where
//! one stands near a change, fewer lines are shown around it, or none.

use std::fmt::Write;
use std::ops::Range;

use similar::{ChangeTag, TextDiff};

use crate::secrecy::secret_lines;

/// Lines shown around a change.
const RADIUS: usize = 3;

/// A line of one or both texts.
struct Line<'a> {
    tag: ChangeTag,
    text: &'a str,
    secret: bool,
}

/// The unified diff of a file, from nothing where it is new. Empty where nothing changes. `None` where a line that changes
/// may hold a secret.
pub(super) fn unified(path: &str, before: Option<&str>, after: &str) -> Option<String> {
    let path = path.trim_start_matches('/');
    let lines = lines(path, before.unwrap_or(""), after);
    // What is not there yet is ours.
    let tells = |line: &Line<'_>| line.secret && line.tag != ChangeTag::Equal;
    if before.is_some() && lines.iter().any(tells) {
        return None;
    }
    let hunks = hunks(&lines);
    if hunks.is_empty() {
        return Some(String::new());
    }
    let from = match before {
        Some(_) => format!("a/{path}"),
        None => "/dev/null".to_owned(),
    };
    let mut out = format!("--- {from}\n+++ b/{path}\n");
    let (mut at, mut old, mut new) = (0, 0, 0);
    for hunk in hunks {
        let (before, own) = (lines.get(at..hunk.start), lines.get(hunk.clone()));
        let (before, own) = (before.unwrap_or(&[]), own.unwrap_or(&[]));
        old += count(before, ChangeTag::Insert);
        new += count(before, ChangeTag::Delete);
        let (old_len, new_len) = (count(own, ChangeTag::Insert), count(own, ChangeTag::Delete));
        let _ = writeln!(out, "@@ -{} +{} @@", range(old, old_len), range(new, new_len));
        own.iter().for_each(|line| write(&mut out, line));
        (at, old, new) = (hunk.end, old + old_len, new + new_len);
    }
    Some(out)
}

fn lines<'a>(path: &str, before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let (was, is) = (secret_lines(path, before), secret_lines(path, after));
    let before: Vec<&str> = before.split_inclusive('\n').collect();
    let after: Vec<&str> = after.split_inclusive('\n').collect();
    let of = |flags: &[bool], at: Option<usize>| at.and_then(|at| flags.get(at)).is_some_and(|it| *it);
    let text = |lines: &[&'a str], at: Option<usize>| at.and_then(|at| lines.get(at)).copied();
    let diff = TextDiff::from_slices(&before, &after);
    let line = |tag, old, new| Line {
        tag,
        text: text(&before, old).or_else(|| text(&after, new)).unwrap_or(""),
        secret: of(&was, old) || of(&is, new),
    };
    diff.iter_all_changes().map(|one| line(one.tag(), one.old_index(), one.new_index())).collect()
}

/// The lines to show: those that change, and up to three on each side as far as no secret stands between.
fn hunks(lines: &[Line<'_>]) -> Vec<Range<usize>> {
    let mut shown = vec![false; lines.len()];
    let plain = |line: &&Line<'_>| line.tag == ChangeTag::Equal && !line.secret;
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.tag != ChangeTag::Equal) {
        let ahead = lines.iter().take(at).rev().take(RADIUS).take_while(plain).count();
        let behind = lines.iter().skip(at + 1).take(RADIUS).take_while(plain).count();
        if let Some(own) = shown.get_mut(at - ahead..=at + behind) {
            own.fill(true);
        }
    }
    let mut hunks: Vec<Range<usize>> = Vec::new();
    for (at, _) in shown.iter().enumerate().filter(|(_, shown)| **shown) {
        match hunks.last_mut().filter(|last| last.end == at) {
            Some(last) => last.end = at + 1,
            None => hunks.push(at..at + 1),
        }
    }
    hunks
}

/// Lines of one side: all but those of the other.
fn count(lines: &[Line<'_>], other: ChangeTag) -> usize {
    lines.iter().filter(|line| line.tag != other).count()
}

/// The first line and how many; of none the line before.
fn range(before: usize, len: usize) -> String {
    match len {
        0 => format!("{before},0"),
        1 => (before + 1).to_string(),
        len => format!("{},{len}", before + 1),
    }
}

fn write(out: &mut String, line: &Line<'_>) {
    out.push(match line.tag {
        ChangeTag::Equal => ' ',
        ChangeTag::Delete => '-',
        ChangeTag::Insert => '+',
    });
    out.push_str(line.text);
    if !line.text.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(path: &str, before: Option<&str>, after: &str) -> String {
        unified(path, before, after).unwrap()
    }

    /// What `patch` makes of a text: each hunk at its line, whose lines it must find there.
    fn patched(before: &str, patch: &str) -> String {
        let mut rest: Vec<&str> = before.split_inclusive('\n').collect();
        let mut out = String::new();
        let mut taken = 0;
        let mut lines = patch.split_inclusive('\n').skip(2).peekable();
        while let Some(line) = lines.next() {
            if let Some(ranges) = line.strip_prefix("@@ -") {
                let old = ranges.split(' ').next().unwrap();
                let (begin, len) = old.split_once(',').unwrap_or((old, "1"));
                let begin: usize = begin.parse().unwrap();
                let begin = if len == "0" { begin } else { begin - 1 };
                out.extend(rest.drain(..begin - taken));
                taken = begin;
                continue;
            }
            let (sign, text) = line.split_at(1);
            let ends = lines.next_if(|next| next.starts_with('\\')).is_none();
            let text = if ends { text } else { text.trim_end_matches('\n') };
            if sign != "+" {
                assert_eq!(rest.remove(0), text, "{patch}");
                taken += 1;
            }
            if sign != "-" {
                out.push_str(text);
            }
        }
        out.extend(rest);
        out
    }

    #[test]
    fn a_new_file_comes_from_nothing() {
        assert_eq!(
            shown("x.env", None, "A=1\nB=2\n"),
            "--- /dev/null\n+++ b/x.env\n@@ -0,0 +1,2 @@\n+A=1\n+B=2\n"
        );
    }

    #[test]
    fn a_changed_line_stands_between_three_that_stay() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = before.replace('5', "five");
        let wanted = "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(shown("f", Some(before), &after), wanted);
        assert_eq!(shown("f", Some(before), before), "");
    }

    #[test]
    fn a_missing_end_of_the_last_line_is_said() {
        let patch = shown("f", Some("a"), "b\n");
        assert!(patch.contains("-a\n\\ No newline at end of file\n+b\n"), "{patch}");
    }

    #[test]
    fn a_secret_beside_a_change_is_not_shown() {
        let before = "A=1\nDB_PASSWORD=hunter2\nB=2\nPOOL=50\nAPI_KEY=hunter2\nC=3\n";
        let after = before.replace("50", "25");
        let patch = shown(".env", Some(before), &after);
        assert_eq!(patch, "--- a/.env\n+++ b/.env\n@@ -3,2 +3,2 @@\n B=2\n-POOL=50\n+POOL=25\n");
        assert_eq!(patched(before, &patch), after);
    }

    #[test]
    fn a_secret_that_would_change_itself_makes_no_patch() {
        assert_eq!(unified(".env", Some("DB_PASSWORD=hunter2"), "DB_PASSWORD=hunter2\nA=1\n"), None);
        assert_eq!(unified("x", Some("a: postgres://u:p@h?pool=50\n"), "a: postgres://u:p@h?pool=5\n"), None);
        assert!(unified("x", None, "password = { env = \"X\" }\n").is_some(), "what is new is ours");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_patch_leads_from_one_text_to_the_other_and_tells_no_secret(
            lines in prop::collection::vec((0u8..4, any::<bool>(), any::<bool>()), 0..40),
            ended in any::<bool>(),
        ) {
            let line = |(at, (kind, _, _)): (usize, &(u8, bool, bool))| match kind {
                0 => format!("PASSWORD_{at}=hunter2\n"),
                _ => format!("A_{at}=1\n"),
            };
            let mut before: String = lines.iter().enumerate().map(line).collect();
            let mut after = String::new();
            for (at, one @ (kind, changes, grows)) in lines.iter().enumerate() {
                match kind {
                    1 if *changes => {}
                    2 if *changes => after.push_str(&format!("A_{at}=2\n")),
                    _ => after.push_str(&line((at, one))),
                }
                if *grows {
                    after.push_str(&format!("B_{at}=1\n"));
                }
            }
            if !ended && !before.ends_with("hunter2\n") {
                before.pop();
            }
            let patch = shown(".env", Some(&before), &after);
            prop_assert!(!patch.contains("hunter2"), "{patch}");
            if !patch.is_empty() {
                prop_assert_eq!(patched(&before, &patch), after);
            } else {
                prop_assert_eq!(before, after);
            }
        }
    }
}
