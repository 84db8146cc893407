//! `doctor` for people: what to write, and why, so that it can be copied.

use super::{Marks, Style, Tone, clean, count, wrap};
use crate::doctor::{Effect, Severity, size};
use crate::report::{AdviceReport, DoctorReport, NoteReport, Place, RemedyReport, Visibility};

/// Width of text where nobody says how wide the place is.
const WIDTH: usize = 80;
const WIDTH_MIN: usize = 40;
const WIDTH_MAX: usize = 110;

/// One line for each rule: level, name, what is. Then the summary.
pub fn plain(report: &DoctorReport) -> String {
    let mut out = String::new();
    for advice in &report.advice {
        line(&mut out, &format!("{}  {}: {}", word(advice.severity), advice.id, clean(&advice.what)));
        for remedy in &advice.write {
            for text in remedy_lines(remedy) {
                line(&mut out, &format!("  write: {text}"));
            }
        }
    }
    for (word, notes) in [("OK", &report.fine), ("SKIP", &report.skipped)] {
        for note in notes {
            line(&mut out, &format!("{word}  {}: {}", note.id, clean(&note.text)));
        }
    }
    line(&mut out, &summary(report));
    out
}

/// The whole of it. `all`: also what is fine.
pub fn human(report: &DoctorReport, style: Style, all: bool) -> String {
    let width = style.width.unwrap_or(WIDTH).clamp(WIDTH_MIN, WIDTH_MAX);
    let paint = style.paint();
    let mut out = String::new();
    let target = &report.target;
    line(
        &mut out,
        &format!(
            "{}   {}  PostgreSQL {}{}",
            paint.tone(Tone::Strong, "=== Advice ==="),
            clean(&target.place),
            clean(&target.version),
            if target.in_recovery { "  standby" } else { "" },
        ),
    );
    if report.visibility == Visibility::Partial {
        let user = clean(&target.user);
        let text =
            format!("partial view: {user} does not see other roles' states; GRANT pg_monitor mends it");
        line(&mut out, &paint.tone(Tone::Warn, &text));
    }
    if let Some(bytes) = report.memory.available_bytes {
        line(&mut out, &format!("Memory: {}{}", size(bytes), backends(report)));
    }
    for advice in &report.advice {
        line(&mut out, "");
        one(&mut out, advice, style, width);
    }
    if all {
        notes(&mut out, "In order", &report.fine, style, width);
    }
    notes(&mut out, "Not looked at", &report.skipped, style, width);
    line(&mut out, "");
    line(&mut out, &paint.tone(Tone::Strong, &summary(report)));
    if !all && !report.fine.is_empty() {
        line(&mut out, "--all shows what is in order");
    }
    out
}

fn backends(report: &DoctorReport) -> String {
    let memory = &report.memory;
    match (memory.backend_median_bytes, memory.backend_largest_bytes) {
        (Some(median), Some(largest)) => format!(
            "   a backend takes {} (the largest of {} measured: {})",
            size(median),
            memory.backends_measured,
            size(largest)
        ),
        _ => String::new(),
    }
}

fn summary(report: &DoctorReport) -> String {
    let of = |severity| report.advice.iter().filter(|advice| advice.severity == severity).count();
    format!(
        "{} critical, {} to mend, {} to consider; {} in order, {} not looked at",
        of(Severity::Critical),
        of(Severity::Warning),
        of(Severity::Advice),
        count(report.fine.len() as u32, "rule"),
        report.skipped.len()
    )
}

fn one(out: &mut String, advice: &AdviceReport, style: Style, width: usize) {
    let paint = style.paint();
    let (mark, tone) = match (advice.severity, style.marks) {
        (Severity::Critical, Marks::Unicode) => ("🚨 CRITICAL", Tone::Bad),
        (Severity::Warning, Marks::Unicode) => ("⚠️ WARNING", Tone::Warn),
        (Severity::Advice, Marks::Unicode) => ("💡 ADVICE", Tone::Good),
        (severity, Marks::Ascii) => (word(severity), tone(severity)),
    };
    line(out, &format!("{}  {}", paint.tone(tone, mark), paint.tone(Tone::Strong, advice.id)));
    let mut what = clean(&advice.what);
    // The name of a setting stays as it is written.
    let is_word = !what.split(' ').next().unwrap_or_default().contains('_');
    if let Some(first) = what.chars().next().filter(|_| is_word) {
        what.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
    }
    wrap(out, &format!("{what}."), "  ", "    ", width);
    wrap(out, &format!("Why: {}.", advice.why), "  ", "    ", width);
    for remedy in &advice.write {
        for text in remedy_lines(remedy) {
            line(out, &format!("      {text}"));
        }
    }
    if let Some(when) = when(&advice.write) {
        line(out, &paint.tone(Tone::Faint, &format!("      {when}")));
    }
}

/// The lines to be copied: as they are, nothing around them.
fn remedy_lines(remedy: &RemedyReport) -> Vec<String> {
    let text = match (remedy.place, &remedy.alter_system) {
        (Place::PostgresqlConf, Some(sql)) if !remedy.on_command_line => sql,
        (Place::PostgresqlConf | Place::Sql | Place::Application | Place::Pooler, _) => &remedy.text,
    };
    text.lines().map(clean).collect()
}

/// Where the lines go and when they take effect.
fn when(remedies: &[RemedyReport]) -> Option<String> {
    let first = remedies.first()?;
    let setting = first.place == Place::PostgresqlConf;
    Some(match (first.place, remedies.iter().map(|remedy| remedy.effect).find(|effect| *effect == Effect::Restart)) {
        _ if setting && first.on_command_line => {
            "set on the server's command line (-c), which wins over ALTER SYSTEM: change it there; restart".to_owned()
        }
        (Place::PostgresqlConf, Some(_)) => "or in postgresql.conf; takes effect at a restart".to_owned(),
        (Place::PostgresqlConf, None) => {
            "or in postgresql.conf; takes effect with SELECT pg_reload_conf();".to_owned()
        }
        (Place::Sql, _) => match first.effect {
            Effect::NewSessions => "as a superuser; holds for sessions that begin after it".to_owned(),
            Effect::Now | Effect::Reload | Effect::Restart => "as a superuser".to_owned(),
        },
        (Place::Application, _) => "in the application's settings".to_owned(),
        (Place::Pooler, _) => "in the pooler's settings".to_owned(),
    })
}

fn notes(out: &mut String, heading: &str, notes: &[NoteReport], style: Style, width: usize) {
    if notes.is_empty() {
        return;
    }
    line(out, "");
    line(out, &style.paint().tone(Tone::Strong, &format!("=== {heading} ===")));
    for note in notes {
        wrap(out, &format!("{}: {}", note.id, clean(&note.text)), "", "  ", width);
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::Warning => "WARNING",
        Severity::Advice => "ADVICE",
    }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Advice => Tone::Good,
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn remedy(place: Place, text: &str, on_command_line: bool) -> RemedyReport {
        RemedyReport {
            place,
            text: text.to_owned(),
            alter_system: (place == Place::PostgresqlConf).then(|| format!("ALTER SYSTEM SET {text};")),
            effect: if place == Place::Sql { Effect::NewSessions } else { Effect::Reload },
            on_command_line,
        }
    }

    fn told(write: Vec<RemedyReport>) -> String {
        let advice = AdviceReport {
            id: "keepalives",
            severity: Severity::Warning,
            what: "a \u{1b}[31mclient".into(),
            why: "it keeps its slot ".repeat(8).trim().to_owned(),
            write,
        };
        let mut out = String::new();
        one(&mut out, &advice, Style::default(), 50);
        out
    }

    #[test]
    fn lines_to_copy_stand_whole_and_say_where_they_go() {
        let sql =
            "ALTER ROLE \"a name that is much longer than the screen is wide\" SET lock_timeout = '5s';";
        let out = told(vec![remedy(Place::Sql, sql, false)]);
        assert!(
            out.contains(&format!(
                "      {sql}\n      as a superuser; holds for sessions that begin after it\n"
            )),
            "{out}"
        );
        let out = told(vec![remedy(Place::PostgresqlConf, "x = '1'", false)]);
        assert!(out.contains("      ALTER SYSTEM SET x = '1';\n      or in postgresql.conf;"), "{out}");
        let out = told(vec![remedy(Place::PostgresqlConf, "x = '1'", true)]);
        assert!(out.contains("      x = '1'\n      set on the server's command line (-c)"), "{out}");
    }

    #[test]
    fn sentences_are_broken_at_the_width_and_cannot_speak_to_the_terminal() {
        let out = told(Vec::new());
        assert!(out.lines().all(|line| line.width() <= 50), "{out}");
        assert!(out.starts_with("WARNING  keepalives\n  A ?[31mclient.\n  Why: it keeps"), "{out}");
    }

    fn screen(style: Style, all: bool) -> String {
        let mut evidence = crate::doctor::staged::healthy();
        evidence.sample.facts.superuser_reserved = 0;
        evidence.sample.sessions[0].application = "\u{1b}]0;owned\u{7}".into();
        evidence.setup.files = None;
        let findings = crate::doctor::examine(&evidence);
        human(&DoctorReport::of(&evidence, &findings, "db1:5432", None), style, all)
    }

    #[test]
    fn the_screen_says_what_is_wrong_first_and_how_much_was_looked_at() {
        let expected = "\
=== Advice ===   db1:5432  PostgreSQL 18.0
Memory: 16 GiB   a backend takes 4 MiB (the largest of 2 measured: 9 MiB)

CRITICAL  superuser-reserved
  No slot is kept back for superusers (superuser_reserved_connections = 0).
  Why: when applications hold all 100 slots, nobody can log in to relieve the
    server: everybody reads \"sorry, too many clients already\".
      ALTER SYSTEM SET superuser_reserved_connections = '3';
      or in postgresql.conf; takes effect at a restart

ADVICE  shared-role
  Role shop serves ?]0;owned?, shop-api.
  Why: a CONNECTION LIMIT, a timeout and a right hold for the role: applications
    that share one cannot be told apart, and one of them can take the other's
    slots.
      CREATE ROLE U&\"\\+00001B]0;owned\\+000007\" LOGIN CONNECTION LIMIT 20;
      as a superuser; holds for sessions that begin after it

=== Not looked at ===
config-files: configuration files are shown to superusers only

1 critical, 0 to mend, 1 to consider; 22 rules in order, 1 not looked at
--all shows what is in order
";
        assert_eq!(screen(Style::default(), false), expected);
        let all = screen(Style { width: Some(60), ..Style::default() }, true);
        assert!(
            all.contains("\n=== In order ===\nrestart-waiting: no changed setting waits for a restart\n"),
            "{all}"
        );
        assert!(!all.contains("--all") && !all.contains('\u{1b}'), "{all}");
    }
}
