//! Good files that were changed at random: nothing panics, whatever comes out.

use proptest::prelude::*;

use super::{found, manifests};

fn all_manifests() -> Vec<String> {
    manifests().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// What a slip of the editor, or malice, makes of a line.
fn broken(line: &str, how: u8) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let key = line.split(':').next().unwrap_or("");
    match how {
        0 => String::new(),
        1 => format!("{line}\n{line}"),
        2 => format!("{key}: []"),
        3 => format!("{key}: {{}}"),
        4 => format!("{key}: -1"),
        5 => format!("{key}: \"99999999999999999999%\""),
        6 => format!("{key}:"),
        7 => format!("  {line}"),
        8 => line.trim_start().to_owned(),
        9 => format!("{indent}- {}", line.trim_start()),
        10 => line.replace(['"', '{', '['], ""),
        11 => format!("{key}: \"$($($$(é\""),
        12 => line.chars().rev().collect(),
        13 => format!("{indent}? {}", line.trim_start()),
        14 => format!("{key}: [{{a: [{{b: 1}}]}}, null, 5]"),
        _ => format!("{line}é\u{0}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_manifest_mutated_anyhow_never_panics(
        which in any::<prop::sample::Index>(),
        slips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..16), 1..6),
    ) {
        let all = all_manifests();
        let mut lines: Vec<String> = which.get(&all).lines().map(str::to_owned).collect();
        for (at, how) in slips {
            let at = at.index(lines.len());
            lines[at] = broken(&lines[at], how);
        }
        let found = found(&[("f.yaml", &lines.join("\n"))]);
        for workload in &found.deployed.workloads {
            prop_assert!(workload.replicas.usual.value <= workload.replicas.most.value);
        }
        for finding in &found.findings {
            prop_assert!(finding.place.is_some() && !finding.fix.is_empty());
        }
    }

    /// What remains YAML after a slip exercises the reader itself: any value in the place of any other.
    #[test]
    fn any_value_in_the_place_of_any_other_never_panics(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["~", "[]", "{}", "x", "-1", "1e9", "true", "[[[]]]", "{a: {b: c}}", "\"é\"", "%", "5%"]),
    ) {
        let all = all_manifests();
        let text = which.get(&all);
        let colons: Vec<usize> = text.match_indices(": ").map(|(at, _)| at).collect();
        let begin = *at.get(&colons) + 2;
        let end = text[begin..].find(['\n', ',', '}', ']']).map_or(text.len(), |end| begin + end);
        let changed = format!("{}{value}{}", &text[..begin], &text[end..]);
        let found = found(&[("f.yaml", &changed)]);
        for workload in &found.deployed.workloads {
            prop_assert!(workload.replicas.usual.value <= workload.replicas.most.value);
        }
    }
}
