//! How two transcripts differ.

use crate::transcript::Transcript;

/// Lines that stand in one transcript only: `A - line` in the first, `A + line` in the second.
pub fn difference(first: &Transcript, second: &Transcript) -> Vec<String> {
    let mut clients: Vec<char> = first.clients().chain(second.clients()).collect();
    clients.sort_unstable();
    clients.dedup();
    let of = |who| lines(first.of(who), second.of(who)).into_iter().map(move |line| format!("{who} {line}"));
    clients.into_iter().flat_map(of).collect()
}

/// The shortest edit, by the longest common subsequence.
fn lines(first: &[String], second: &[String]) -> Vec<String> {
    let same_head = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    let (first, second) = (&first[same_head..], &second[same_head..]);
    let same_tail = first.iter().rev().zip(second.iter().rev()).take_while(|(a, b)| a == b).count();
    let (first, second) = (&first[..first.len() - same_tail], &second[..second.len() - same_tail]);

    let width = second.len() + 1;
    let mut common = vec![0_usize; (first.len() + 1) * width];
    for i in (0..first.len()).rev() {
        for j in (0..second.len()).rev() {
            common[i * width + j] = if first[i] == second[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut edit) = (0, 0, Vec::new());
    while i < first.len() || j < second.len() {
        if i < first.len() && j < second.len() && first[i] == second[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == second.len()
            || (i < first.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            edit.push(format!("- {}", first[i]));
            i += 1;
        } else {
            edit.push(format!("+ {}", second[j]));
            j += 1;
        }
    }
    edit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &[&str]) -> Transcript {
        let mut transcript = Transcript::default();
        lines.iter().for_each(|line| transcript.note('A', line));
        transcript
    }

    #[test]
    fn equal_transcripts_differ_in_nothing() {
        let same = transcript(&["1", "2"]);
        assert!(difference(&same, &same).is_empty());
    }

    #[test]
    fn only_lines_of_one_side_are_told() {
        let (first, second) = (transcript(&["1", "x", "3"]), transcript(&["1", "3", "y"]));
        assert_eq!(difference(&first, &second), ["A - x", "A + y"]);
    }

    #[test]
    fn a_client_of_one_side_only_is_told() {
        assert_eq!(difference(&Transcript::default(), &transcript(&["Z I"])), ["A + Z I"]);
    }
}
