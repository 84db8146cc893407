//! `$(NAME)` in values, commands and arguments.

use super::Environment;

/// Linux starts no program with a longer variable or argument: 128 KiB.
const EXPANDED_BYTES_MAX: usize = 128 * 1024;

/// A text with every `$(NAME)` that is known replaced, and `$$` by `$`.
pub(in crate::read::kubernetes) fn expand(text: &str, environment: &Environment) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        said.push_str(before);
        let name = after.strip_prefix('(').and_then(|open| open.split_once(')'));
        rest = if let Some((name, behind)) = name {
            match environment.get(name).and_then(|variable| variable.value.as_ref()) {
                Some(value) => said.push_str(value),
                None => said.extend(["$(", name, ")"]),
            }
            behind
        } else {
            said.push('$');
            after.strip_prefix('$').unwrap_or(after)
        };
        if said.len() > EXPANDED_BYTES_MAX {
            return text.to_owned();
        }
    }
    said + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Place, Variable};

    fn world(pairs: &[(&str, Option<&str>)]) -> Environment {
        let place = Place::whole(&"f".into());
        let variable =
            |value: &Option<&str>| Variable { value: value.map(str::to_owned), place: place.clone() };
        pairs.iter().map(|(name, value)| ((*name).to_owned(), variable(value))).collect()
    }

    #[test]
    fn references_are_replaced_where_they_are_known() {
        let known = world(&[("A", Some("1")), ("P", None)]);
        for (text, meant) in [
            ("$(A)", "1"),
            ("x$(A)y$(A)", "x1y1"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$(B)", "$(B)"),
            ("$(P)@pg", "$(P)@pg"),
            ("$(A", "$(A"),
            ("$A ${A} $", "$A ${A} $"),
            ("$$", "$"),
            ("é$(A)é", "é1é"),
        ] {
            assert_eq!(expand(text, &known), meant, "{text}");
        }
    }

    #[test]
    fn variables_that_double_each_other_end() {
        let mut known = world(&[("A", Some("xxxxxxxx"))]);
        for _ in 0..60 {
            let doubled = expand("$(A)$(A)", &known);
            known = world(&[("A", Some(&doubled))]);
        }
        assert!(known["A"].value.as_ref().unwrap().len() <= 2 * EXPANDED_BYTES_MAX);
    }
}
