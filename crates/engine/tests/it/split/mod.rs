//! Every conversation again, with what comes in cut anywhere: the same bytes go out in each direction.

use crate::rng::Rng;
use crate::talk::{Talk, all};

fn same(talk: &Talk, at: usize, cuts: &[usize]) {
    let whole = talk.sent(usize::MAX, &[]);
    let cut = talk.sent(at, cuts);
    for (who, bytes) in &whole {
        assert_eq!(
            cut.get(who).map(|bytes| String::from_utf8_lossy(bytes)),
            Some(String::from_utf8_lossy(bytes)),
            "{}: what {who} is sent differs with line {at} cut at {cuts:?}",
            talk.name
        );
    }
    assert_eq!(whole.len(), cut.len(), "{}: somebody else is spoken to", talk.name);
}

#[test]
fn a_cut_at_any_byte_changes_nothing() {
    for talk in all() {
        let lines: Vec<&str> = talk.inputs().collect();
        for (at, line) in
            lines.iter().enumerate().filter(|(_, line)| line.contains('<') || line.contains("logs in"))
        {
            for cut in 1..=line.len().min(90) * 2 {
                same(&talk, at, &[cut]);
            }
        }
    }
}

#[test]
fn bytes_that_come_one_by_one_change_nothing() {
    for talk in all() {
        same(&talk, usize::MAX, &[1; 4_000]);
    }
}

#[test]
fn fragments_of_any_size_change_nothing() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let cuts: Vec<usize> = (0..500).map(|_| rng.between(1, 30) as usize).collect();
        for talk in all() {
            same(&talk, usize::MAX, &cuts);
        }
    }
}
