//! The word somebody meant.

/// The known word nearest to one that is not known, if it is near enough to be meant.
pub(super) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let plain = plain(word);
    if plain.len() > 40 {
        return None;
    }
    let slips_max = match plain.len() {
        0..3 => 0,
        3..6 => 1,
        _ => 2,
    };
    let slips = |known: &'k str| (distance(&plain, &self::plain(known)), known);
    known
        .map(slips)
        .filter(|(slips, _)| *slips <= slips_max)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, known)| known)
}

/// Without what people mix up: case, and how parts are joined.
fn plain(word: &str) -> Vec<char> {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Letters to put in, take out, replace, or swap with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut two_above: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let mut least = at(&above, j) + usize::from(x != y);
            least = least.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                least = least.min(at(&two_above, j - 1) + 1);
            }
            row.push(least);
        }
        two_above = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen_through_and_another_word_is_left_alone() {
        let known = ["environment", "env_file", "image", "command", "depends_on", "tty"];
        let meant = |word| nearest(word, known.into_iter());
        assert_eq!(meant("enviroment"), Some("environment"));
        assert_eq!(meant("Environment"), Some("environment"));
        assert_eq!(meant("envfile"), Some("env_file"));
        assert_eq!(meant("depends-on"), Some("depends_on"));
        assert_eq!(meant("comamnd"), Some("command"));
        assert_eq!(meant("imgae"), Some("image"));
        assert_eq!(meant("volumes"), None);
        assert_eq!(meant("tt"), None);
        assert_eq!(meant(&"x".repeat(100_000)), None);
    }
}
