//! Words and numbers, and what a stranger's text may do to a terminal: nothing.

use unicode_width::UnicodeWidthStr;

/// A text from outside, fit for a terminal and for one line: control characters (and with them every escape sequence),
/// line breaks and invisible marks of direction become `?`.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if is_harmless(c) { c } else { '?' }).collect()
}

/// The same, no longer than `chars_max` characters; what was cut off shows as `…`.
pub fn clean_within(text: &str, chars_max: usize) -> String {
    let mut cleaned: String =
        text.chars().take(chars_max).map(|c| if is_harmless(c) { c } else { '?' }).collect();
    if text.chars().nth(chars_max).is_some() {
        cleaned.pop();
        cleaned.push('…');
    }
    cleaned
}

/// Breaks between words, at most `width` columns; the first line begins with `head`, the others with `rest`.
pub fn wrap(out: &mut String, text: &str, head: &str, rest: &str, width: usize) {
    let mut line = head.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.width() + 1 + word.width() > width {
            out.push_str(line.trim_end());
            out.push('\n');
            line = rest.to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// A text broken between words into lines of at most `width` columns; a longer word has a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

fn is_harmless(c: char) -> bool {
    // C0, DEL, C1; zero-width and bidirectional marks; line and paragraph separators; the byte-order mark, and what no XML may hold.
    !(c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'))
}

/// A duration as people say it: `0.4s`, `9s`, `4m 02s`, `2h 05m`, `12d 3h`.
pub fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 1.0 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    match whole {
        0..60 => format!("{whole}s"),
        60..3_600 => format!("{minutes}m {:02}s", whole % 60),
        3_600..86_400 => format!("{hours}h {minutes:02}m"),
        86_400.. => format!("{days}d {hours}h"),
    }
}

/// `22.5%`.
pub fn percent(value: f64) -> String {
    format!("{value:.1}%")
}

/// `1 session`, `2 sessions`.
pub fn count(number: u32, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_name_cannot_speak_to_the_terminal() {
        assert_eq!(clean("\u{1b}]0;owned\u{7}x"), "?]0;owned?x");
        assert_eq!(clean("a\nb\r\tc\u{9b}2J"), "a?b??c?2J");
        assert_eq!(clean("ab\u{202e}cd\u{200b}"), "ab?cd?");
        assert_eq!(clean("größe ✓ 日本"), "größe ✓ 日本");
    }

    #[test]
    fn what_is_cut_off_shows() {
        assert_eq!(clean_within("abcdef", 6), "abcdef");
        assert_eq!(clean_within("abcdefg", 6), "abcde…");
    }

    #[test]
    fn durations_are_said_as_people_say_them() {
        let said: Vec<String> =
            [0.04, 1.0, 59.9, 60.0, 242.0, 3_600.0, 86_399.0, 86_400.0 * 12.5].map(span).into();
        assert_eq!(said, ["0.0s", "1s", "59s", "1m 00s", "4m 02s", "1h 00m", "23h 59m", "12d 12h"]);
        assert_eq!(span(-1.0), "0.0s");
    }

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("extraordinary", 5), ["extraordinary"]);
        assert!(wrapped("  ", 5).is_empty());
    }
}
