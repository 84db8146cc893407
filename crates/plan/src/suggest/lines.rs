//! Changing single lines of files that people wrote: all others stay as they are.

/// How a file writes a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `NAME=value`
    Env,
    /// `name = value`, the last one wins, `#` begins a comment.
    Conf,
    /// `name = value` in the section `[pgbouncer]`, `;` begins a comment.
    Ini,
}

/// The text with these names set: where one is set its last line is changed, else a line is added.
pub(super) fn set(text: &str, entries: &[(&str, String)], style: Style) -> String {
    let feed = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let ended = text.is_empty() || text.ends_with('\n');
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let last = lines.last().filter(|_| !ended).cloned();
    for (name, value) in entries {
        let (begin, end) = match style {
            Style::Env | Style::Conf => (0, lines.len()),
            Style::Ini => section(&mut lines),
        };
        let own = (begin..end).rev().find(|at| lines.get(*at).is_some_and(|line| sets(line, name, style)));
        match own.and_then(|at| lines.get_mut(at)) {
            Some(line) => *line = changed(line, name, value, style),
            None => {
                let mut at = end;
                while at > begin && lines.get(at - 1).is_some_and(|line| line.trim().is_empty()) {
                    at -= 1;
                }
                // Behind a last line without an end nothing is added: that line would change, and it may hold a secret.
                if !ended && at == lines.len() && at > begin {
                    at -= 1;
                }
                lines.insert(at, written(name, value, style));
            }
        }
    }
    let as_it_was = last.is_some() && last.as_ref() == lines.last();
    let mut text = lines.join(feed);
    if !as_it_was {
        text.push_str(feed);
    }
    text
}

/// The lines of `[pgbouncer]`, which is added where it is missing.
fn section(lines: &mut Vec<String>) -> (usize, usize) {
    let is_head = |line: &String| line.trim_start().starts_with('[');
    let head = lines.iter().position(|line| line.trim().eq_ignore_ascii_case("[pgbouncer]"));
    let begin = match head {
        Some(at) => at + 1,
        None => {
            lines.push("[pgbouncer]".to_owned());
            lines.len()
        }
    };
    let end = lines.iter().skip(begin).position(is_head).map_or(lines.len(), |at| begin + at);
    (begin, end)
}

fn sets(line: &str, name: &str, style: Style) -> bool {
    let line = line.trim_start();
    let line = if style == Style::Env { line.strip_prefix("export ").unwrap_or(line) } else { line };
    let own = match style {
        Style::Env => line.strip_prefix(name),
        // Names of settings have no case.
        Style::Conf | Style::Ini => line
            .split_at_checked(name.len())
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, rest)| rest),
    };
    own.is_some_and(|rest| match style {
        Style::Env => rest.starts_with('='),
        Style::Conf => rest.starts_with(['=', ' ', '\t']),
        Style::Ini => rest.trim_start().starts_with('='),
    })
}

fn written(name: &str, value: &str, style: Style) -> String {
    match style {
        Style::Env => format!("{name}={value}"),
        Style::Conf | Style::Ini => format!("{name} = {value}"),
    }
}

/// A line with another value; its indent and its comment stay.
fn changed(line: &str, name: &str, value: &str, style: Style) -> String {
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let export = if style == Style::Env && line.trim_start().starts_with("export ") { "export " } else { "" };
    let mark = match style {
        Style::Env => " #",
        Style::Conf => "#",
        // PgBouncer knows no comment behind a value.
        Style::Ini => "\0",
    };
    let comment = line.find(mark).and_then(|at| line.get(at..)).map_or("", str::trim_start);
    let gap = if comment.is_empty() { "" } else { "  " };
    format!("{indent}{export}{}{gap}{comment}", written(name, value, style))
}

/// The text with one number replaced: the only one of this value on that line, the first being line 1. `None` where it
/// stands there not at all or twice.
pub(super) fn number(text: &str, line: u32, old: u32, new: u32) -> Option<String> {
    let at = usize::try_from(line.checked_sub(1)?).ok()?;
    let own = text.lines().nth(at)?;
    let old = old.to_string();
    let alone = |begin: usize| {
        let before = own.get(..begin).and_then(|text| text.chars().next_back());
        let after = own.get(begin + old.len()..).and_then(|text| text.chars().next());
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        !joins(before) && !joins(after)
    };
    let mut places = own.match_indices(&old).map(|(begin, _)| begin).filter(|begin| alone(*begin));
    let begin = places.next()?;
    if places.next().is_some() {
        return None;
    }
    let changed = format!("{}{new}{}", own.get(..begin)?, own.get(begin + old.len()..)?);
    let before: usize = text.split_inclusive('\n').take(at).map(str::len).sum();
    Some(format!("{}{changed}{}", text.get(..before)?, text.get(before + own.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, name: &str, value: &str, style: Style) -> String {
        set(text, &[(name, value.to_owned())], style)
    }

    #[test]
    fn a_line_that_is_there_is_changed_and_all_others_stay() {
        let env = "# ours\nexport DB_MAX_CONNS=50 # each\nDB_MAX_CONNS_OLD=1\n";
        assert_eq!(
            one(env, "DB_MAX_CONNS", "25", Style::Env),
            "# ours\nexport DB_MAX_CONNS=25  # each\nDB_MAX_CONNS_OLD=1\n"
        );
        let conf = "Max_Connections 100\t# old\n#work_mem = 1MB\n";
        assert_eq!(
            one(conf, "max_connections", "400", Style::Conf),
            "max_connections = 400  # old\n#work_mem = 1MB\n"
        );
        assert_eq!(
            one(conf, "work_mem", "4MB", Style::Conf),
            "Max_Connections 100\t# old\n#work_mem = 1MB\nwork_mem = 4MB\n"
        );
    }

    #[test]
    fn the_ends_of_lines_stay_as_they_are() {
        assert_eq!(one("A=1\r\nB=2\r\n", "A", "3", Style::Env), "A=3\r\nB=2\r\n");
        assert_eq!(one("A=1\nPASS=x", "B", "2", Style::Env), "A=1\nB=2\nPASS=x");
        assert_eq!(one("A=1\nPASS=x", "A", "2", Style::Env), "A=2\nPASS=x");
        assert_eq!(one("A=1\nB=1", "B", "2", Style::Env), "A=1\nB=2\n");
    }

    #[test]
    fn of_several_lines_the_last_one_counts() {
        assert_eq!(one("a = 1\na = 2\n", "a", "3", Style::Conf), "a = 1\na = 3\n");
    }

    #[test]
    fn an_ini_keeps_its_sections_apart() {
        let ini = "[databases]\npool_size = 9\n[pgbouncer]\npool_mode = session\n\n[users]\na = b\n";
        assert_eq!(
            one(ini, "pool_size", "5", Style::Ini),
            "[databases]\npool_size = 9\n[pgbouncer]\npool_mode = session\npool_size = 5\n\n[users]\na = b\n"
        );
        assert_eq!(one("", "x", "1", Style::Ini), "[pgbouncer]\nx = 1\n");
    }

    #[test]
    fn a_number_is_replaced_where_there_is_no_doubt() {
        let text = "a\n  - --threads=25 --workers=4\nb 25\n";
        assert_eq!(number(text, 2, 25, 12).as_deref(), Some("a\n  - --threads=12 --workers=4\nb 25\n"));
        assert_eq!(number("25 of 25\n", 1, 25, 1), None);
        assert_eq!(number("256MB t25 2.25 25_\n", 1, 25, 1), None);
        assert_eq!(number("25", 1, 25, 1).as_deref(), Some("1"));
        assert_eq!((number("25", 0, 25, 1), number("25", 2, 25, 1)), (None, None));
    }
}
