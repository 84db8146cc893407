//! `explain` for people.

use super::{Marks, Style, Tone, clean, clean_within, wrap};
use crate::report::{Bearing, CauseReport, ExplainReport, PageReport};

/// Where lines are broken, if nobody says how wide the screen is.
const WIDTH: usize = 80;
const ASKED_CHARS_MAX: usize = 120;

/// The page, or what is near. Plain text is the same without colour.
pub fn text(report: &ExplainReport, style: Style) -> String {
    let mut out = String::new();
    match &report.page {
        Some(page) => known(&mut out, report, page, style),
        None => unknown(&mut out, report),
    }
    out
}

fn known(out: &mut String, report: &ExplainReport, page: &PageReport, style: Style) {
    let paint = style.paint();
    let width = style.width.unwrap_or(WIDTH).clamp(40, 100);
    let codes = if page.codes.is_empty() { String::new() } else { format!("   {}", page.codes.join(", ")) };
    out.push_str(&format!("{}{codes}\n", paint.tone(Tone::Strong, &format!("=== {} ===", page.title))));
    wrap(out, page.meaning, "", "", width);
    out.push('\n');
    let looked = match (&report.target, &report.not_looked) {
        (Some(target), _) => format!("Likely causes, by what {} shows now:", clean(&target.place)),
        (None, Some(_)) | (None, None) => "Likely causes:".to_owned(),
    };
    out.push_str(&format!("{}\n", paint.tone(Tone::Strong, &looked)));
    for (number, cause) in (1..).zip(&page.causes) {
        let head = format!("{number:>3}. ");
        wrap(out, cause.text, &head, "     ", width);
        if let Some((tone, seen)) = evidence(cause, style.marks) {
            let mut lines = String::new();
            wrap(&mut lines, &seen, "     ", "       ", width);
            for line in lines.lines() {
                out.push_str(&format!("     {}\n", paint.tone(tone, line.trim_start())));
            }
        }
    }
    if let Some(why) = &report.not_looked {
        out.push('\n');
        wrap(out, &format!("(no server was looked at: {})", clean(why)), "", " ", width);
    }
    out.push('\n');
    for step in &page.next {
        out.push_str(&format!("next: {step}\n"));
    }
}

fn evidence(cause: &CauseReport, marks: Marks) -> Option<(Tone, String)> {
    let seen = cause.seen.as_ref()?;
    let mark = if marks == Marks::Ascii { "->" } else { "→" };
    match cause.evidence {
        Bearing::Seen => Some((Tone::Warn, format!("{mark} seen: {seen}"))),
        Bearing::NotSeen => Some((Tone::Faint, format!("   not now: {seen}"))),
        Bearing::Unknown => None,
    }
}

fn unknown(out: &mut String, report: &ExplainReport) {
    out.push_str(&format!("nothing is known of: {}\n", clean_within(report.asked.trim(), ASKED_CHARS_MAX)));
    out.push_str("the nearest:\n");
    let names = report.nearest.iter().map(|page| page.id.len()).max().unwrap_or(0);
    for page in &report.nearest {
        out.push_str(&format!("  connwarden explain {:names$}   {}\n", page.id, page.title));
    }
}
