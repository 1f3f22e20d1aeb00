//! Names as people write them: what counts as the same, and what is near.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

use crate::domain::statute::{Label, Language};

/// The most names that a fault proposes.
const NEAREST: usize = 3;
/// The longest text that is compared with names; whoever writes more than that meant none.
const LONGEST: usize = 100;

/// A text in lower case, composed, with one blank where there is any white space: names that fold alike are the same.
pub(super) fn folded(text: &str) -> String {
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text without any white space, in lower case: clauses are compared so.
pub(super) fn compact(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()).collect()
}

/// The texts of a label in all its languages.
pub(super) fn texts(label: &Label) -> impl Iterator<Item = &str> {
    // Estonian first, as sheets have always been read.
    Language::ALL.into_iter().filter_map(|language| label.text(language))
}

/// Of `candidates`, each with its names, the few that are written most like `wanted`, each once; none that is far away.
pub(super) fn nearest<T: Clone + Eq + std::hash::Hash>(
    wanted: &str,
    candidates: impl Iterator<Item = (T, String)>,
) -> Vec<T> {
    let wanted = folded(wanted);
    if wanted.chars().count() > LONGEST {
        return Vec::new();
    }
    let near = |(what, name): (T, String)| {
        let name = folded(&name);
        let far = wanted.chars().count().min(name.chars().count()) / 2 + 1;
        let contained = wanted.chars().count() > 3 && (name.contains(&wanted) || wanted.contains(&name));
        let distance = distance(&wanted, &name);
        (distance <= far || contained && !name.is_empty()).then_some((distance, what))
    };
    let mut near: Vec<_> = candidates.filter_map(near).collect();
    near.sort_by_key(|(distance, _)| *distance);
    let mut seen = HashSet::new();
    let once = near.into_iter().map(|(_, what)| what).filter(|what| seen.insert(what.clone()));
    once.take(NEAREST).collect()
}

/// How many characters must be put in, taken out or replaced to make one text of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, of_a) in a.chars().enumerate() {
        let mut last = i + 1;
        let mut next = vec![last];
        for ((above_left, above), of_b) in row.iter().zip(row.iter().skip(1)).zip(&b) {
            last = (above_left + usize::from(of_a != *of_b)).min(above + 1).min(last + 1);
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_in_case_and_blanks_only_is_the_same() {
        assert_eq!(folded(" Õppe\u{a0}\n asutus "), "õppe asutus");
        assert_eq!(folded("O\u{303}pe"), folded("õPE"));
        assert_eq!(compact("§ 9 lg 6 p 16"), compact("§9 Lg6 p16"));
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = ["isikukood", "registrikood", "eesnimi", "märkused"];
        let near = |wanted| nearest(wanted, names.iter().map(|n| (*n, (*n).to_owned())));
        assert_eq!(near("Isiku kood").first(), Some(&"isikukood"));
        assert_eq!(near("eesnmi"), ["eesnimi"]);
        assert!(near("qqqqqqqqqqqq").is_empty());
    }

    proptest! {
        #[test]
        fn a_distance_is_a_metric(a in "[abõ]{0,6}", b in "[abõ]{0,6}", c in "[abõ]{0,6}") {
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert!(distance(&a, &c) <= distance(&a, &b) + distance(&b, &c));
        }
    }
}
