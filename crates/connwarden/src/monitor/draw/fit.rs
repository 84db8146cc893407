//! Texts cut to cells, whatever width their characters have.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Cells that a text takes.
pub(super) fn cells(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// The text in at most `width` cells; what was cut off shows as `mark`. Characters without a width of their own are left
/// out: a terminal may heap any number of them on one cell.
pub(super) fn fit(text: &str, width: u16, mark: &str) -> String {
    let width = usize::from(width);
    let mark_cells = mark.width();
    let mut fitted = String::new();
    let mut used = 0;
    // Where to cut if it does not fit.
    let mut cut = 0;
    for c in text.chars() {
        let cells = c.width().unwrap_or(0);
        if cells == 0 {
            continue;
        }
        if used + cells > width {
            fitted.truncate(cut);
            if mark_cells <= width {
                fitted.push_str(mark);
            }
            return fitted;
        }
        used += cells;
        fitted.push(c);
        if used + mark_cells <= width {
            cut = fitted.len();
        }
    }
    fitted
}

/// The same, cut off at the left: of a path, the end says more.
pub(super) fn fit_end(text: &str, width: u16, mark: &str) -> String {
    let turned: String = text.chars().rev().collect();
    fit(&turned, width, mark).chars().rev().collect()
}

/// A text in lines of at most `width` cells, broken between words where there are any; at most `lines_max`.
pub(super) fn wrapped(text: &str, width: u16, lines_max: usize) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let here = lines.last().map_or(0, |line| line.width());
        if here > 0 && here + 1 + word.width() > width {
            lines.push(String::new());
        } else if here > 0 {
            append(&mut lines, " ");
        }
        for c in word.chars() {
            if lines.last().map_or(0, |line| line.width()) + c.width().unwrap_or(0) > width {
                lines.push(String::new());
            }
            append(&mut lines, c.encode_utf8(&mut [0; 4]));
        }
        if lines.len() > lines_max {
            break;
        }
    }
    lines.truncate(lines_max);
    lines
}

fn append(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_cells_and_not_to_characters() {
        assert_eq!(fit("abcdef", 6, "…"), "abcdef");
        assert_eq!(fit("abcdefg", 6, "…"), "abcde…");
        assert_eq!(fit("日本語日本語", 6, "…"), "日本…");
        assert_eq!(fit("日本語", 6, "…"), "日本語");
        assert_eq!(fit("日本語", 1, "…"), "…");
        assert_eq!(fit("a\u{301}\u{301}\u{301}b", 2, "…"), "ab");
        assert_eq!(fit("abc", 0, "…"), "");
        assert_eq!(fit_end("/tmp/a/.s.PGSQL.5432", 12, "…"), "….PGSQL.5432");
    }

    #[test]
    fn lines_break_between_words_and_long_words_anywhere() {
        assert_eq!(wrapped("select one from two", 10, 9), ["select one", "from two"]);
        assert_eq!(wrapped("abcdefghijkl mn", 5, 9), ["abcde", "fghij", "kl mn"]);
        assert_eq!(wrapped("a b c d", 1, 2), ["a", "b"]);
    }
}
