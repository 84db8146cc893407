//! "Did you mean ...?"

/// The nearest of the known names, where one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(name);
    let allowed = match wanted.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|&(steps, _)| steps <= allowed)
        .min_by_key(|&(steps, _)| steps)
        .map(|(_, candidate)| candidate)
}

/// In small letters, with one sign for all that joins words.
fn plain(name: &str) -> String {
    name.chars()
        .take(64)
        .map(|c| if matches!(c, '-' | ' ' | '.') { '_' } else { c.to_ascii_lowercase() })
        .collect()
}

/// Letters to add, drop, change or swap with a neighbour (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0usize; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let changed = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut steps = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                steps = steps.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = steps;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let known = ["listen_addr", "listen_port", "pool_mode", "pool_size"];
        assert_eq!(nearest("listen_adr", known), Some("listen_addr"));
        assert_eq!(nearest("listen-port", known), Some("listen_port"));
        assert_eq!(nearest("PoolMode", known), Some("pool_mode"));
        assert_eq!(nearest("pool_szie", known), Some("pool_size"));
    }

    #[test]
    fn a_name_far_from_all_others_finds_nothing() {
        assert_eq!(nearest("banana", ["listen_addr", "pool_mode"]), None);
        assert_eq!(nearest("", ["a"]), None);
    }
}
