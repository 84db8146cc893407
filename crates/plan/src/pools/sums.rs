//! Sums of numbers that keep where their parts come from.

use crate::{Number, Origin};

/// Sentences of one sum: more would not be read.
const SENTENCES_MAX: usize = 3;

/// The sum of two numbers: assumed if one of them is, else written where the first is.
pub(super) fn plus(left: &Number, right: &Number) -> Number {
    of([left, right].map(Clone::clone))
}

/// The sum of numbers. One that is zero by nature adds nothing to the origin.
pub(super) fn of(parts: impl IntoIterator<Item = Number>) -> Number {
    let mut value = 0_u32;
    let mut sentences: Vec<String> = Vec::new();
    let mut written = None;
    for part in parts {
        value = value.saturating_add(part.value);
        match part.origin {
            Origin::Assumed(why)
                if sentences.len() < SENTENCES_MAX && !sentences.iter().any(|said| **said == *why) =>
            {
                sentences.push(why.into_owned());
            }
            Origin::Written(place) => {
                written.get_or_insert(place);
            }
            Origin::Assumed(_) | Origin::Implied => {}
        }
    }
    match (sentences.is_empty(), written) {
        (false, _) => Number::assumed(value, sentences.join("; ")),
        (true, Some(place)) => Number::written(value, &place),
        (true, None) => Number::implied(value),
    }
}

/// A number, but not more than another.
pub(super) fn at_most(number: Number, limit: &Number) -> Number {
    if number.value > limit.value { limit.clone() } else { number }
}

/// An assumed number with another reason behind its own. A written one stays.
pub(super) fn doubted(number: Number, why: &str) -> Number {
    match number.origin {
        Origin::Assumed(said) => Number::assumed(number.value, format!("{said}; {why}")),
        Origin::Written(_) | Origin::Implied => number,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{mark, place};
    use super::*;

    #[test]
    fn a_sum_is_as_sure_as_its_weakest_part() {
        let written = Number::written(2, &place());
        let assumed = Number::assumed(10, "a");
        assert_eq!(mark(&plus(&written, &written)), "4w");
        assert_eq!(mark(&plus(&written, &Number::implied(1))), "3w");
        assert_eq!(mark(&plus(&Number::implied(1), &Number::implied(1))), "2");
        let sum = of([written, assumed.clone(), assumed, Number::assumed(1, "b")]);
        assert_eq!((sum.value, sum.assumption()), (23, Some("a; b")));
        assert_eq!(of([Number::implied(u32::MAX), Number::implied(1)]).value, u32::MAX);
    }
}
