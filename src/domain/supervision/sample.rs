//! Samples that anybody can draw again: places chosen by a seed, and by nothing else.

use std::collections::BTreeSet;
use std::ops::Range;

/// Numbers that follow from a seed: SplitMix64 (Steele, Lea and Flood, 2014). They need not be secret, only not of
/// the reviewer's own choosing.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `most`, each as likely: what would favour the lower ones is thrown away.
    fn up_to(&mut self, most: u64) -> u64 {
        let Some(count) = most.checked_add(1) else {
            return self.next();
        };
        let surplus = (u64::MAX % count).wrapping_add(1) % count;
        loop {
            let number = self.next();
            if number <= u64::MAX - surplus {
                return number % count;
            }
        }
    }
}

/// At most `n` places of `places`, each as likely as any other; the same for the same seed. Floyd's way: as many
/// steps as places drawn, however many there are to choose from.
pub fn draw(seed: u64, places: &Range<u64>, n: usize) -> BTreeSet<u64> {
    let count = places.end.saturating_sub(places.start);
    let wanted = u64::try_from(n).unwrap_or(u64::MAX).min(count);
    let mut numbers = Numbers(seed);
    let mut chosen = BTreeSet::new();
    for most in count - wanted..count {
        let place = numbers.up_to(most);
        if !chosen.insert(places.start + place) {
            chosen.insert(places.start + most);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sample_has_the_size_asked_for_lies_inside_and_is_the_same_again(
            seed in any::<u64>(), start in 0_u64..1_000_000, count in 0_u64..5_000, n in 0_usize..600,
        ) {
            let places = start..start + count;
            let sample = draw(seed, &places, n);
            prop_assert_eq!(sample.len() as u64, count.min(n as u64));
            prop_assert!(sample.iter().all(|p| places.contains(p)));
            prop_assert_eq!(&sample, &draw(seed, &places, n));
        }
    }

    #[test]
    fn no_place_is_favoured() {
        let mut drawn = [0_u32; 10];
        for seed in 0..20_000 {
            for place in draw(seed, &(0..10), 3) {
                drawn[usize::try_from(place).unwrap()] += 1;
            }
        }
        // 6,000 each are expected; five standard deviations are 325.
        assert!(drawn.iter().all(|n| (5_675..6_325).contains(n)), "{drawn:?}");
    }

    #[test]
    fn all_numbers_of_a_range_can_come_up_even_the_widest() {
        assert_eq!(draw(1, &(0..1), 5), BTreeSet::from([0]));
        assert!(draw(1, &(5..5), 5).is_empty());
        assert_eq!(draw(1, &(0..u64::MAX), 5).len(), 5);
    }
}
