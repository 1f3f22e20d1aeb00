//! What a reader of a report can find out. Nothing of the code under test is used but the report.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;

/// All lines of the table: numbers of cells, the total first.
pub(super) fn lines(report: &Report) -> Vec<Vec<usize>> {
    let mut lines: BTreeMap<(usize, Vec<Option<String>>), Vec<usize>> = BTreeMap::new();
    for (number, cell) in report.cells.iter().enumerate() {
        for dimension in 0..cell.keys.len() {
            let mut keys = cell.keys.clone();
            let is_total = keys[dimension].take().is_none();
            let line = lines.entry((dimension, keys)).or_default();
            if is_total { line.insert(0, number) } else { line.push(number) }
        }
    }
    lines.into_values().collect()
}

/// Sums of 1 to `threshold` - 1 of the hidden parts of a line, found as published total less published parts.
pub(super) fn small_groups(report: &Report, threshold: u64) -> Vec<u64> {
    lines(report)
        .iter()
        .filter_map(|line| {
            let parts: u64 = line[1..].iter().filter_map(|cell| report.cells[*cell].count).sum();
            Some(report.cells[line[0]].count? - parts)
        })
        .filter(|group| *group > 0 && *group < threshold)
        .collect()
}

/// By how little the hidden parts of a line changed together, where both reports tell their sum.
pub(super) fn small_group_changes(previous: &Report, next: &Report, threshold: u64) -> Vec<u64> {
    let rest = |report: &Report, line: &[usize]| {
        let known: Option<u64> = line[1..]
            .iter()
            .filter(|cell| next.cells[**cell].count.is_some())
            .map(|cell| report.cells[*cell].count)
            .sum();
        Some(report.cells[line[0]].count? - known?)
    };
    lines(next)
        .iter()
        .filter(|line| line[1..].iter().any(|cell| next.cells[*cell].suppressed))
        .filter_map(|line| Some(rest(next, line)?.abs_diff(rest(previous, line)?)))
        .filter(|change| *change > 0 && *change < threshold)
        .collect()
}

/// Whether some table of whole numbers, at least 1 where hidden, agrees with the report and has another
/// number in the cell than the truth. All tables are tried, with base cells up to a little over the
/// largest of the truth.
pub(super) fn can_differ(report: &Report, truth: &Report, cell: usize) -> bool {
    let covers = |total: usize, part: usize| {
        let keys = report.cells[total].keys.iter().zip(&report.cells[part].keys);
        keys.into_iter().all(|(total, part)| total.is_none() || total == part)
    };
    let mut base: Vec<usize> =
        (0..report.cells.len()).filter(|c| report.cells[*c].keys.iter().all(Option::is_some)).collect();
    let sums = (0..report.cells.len())
        .map(|total| {
            (base.iter().copied().filter(|part| covers(total, *part)).collect(), report.cells[total].count, total)
        })
        .collect();
    // The attacked ones first: then what cannot be is seen early.
    base.sort_by_key(|part| !covers(cell, *part));
    let largest = base.iter().filter_map(|c| truth.cells[*c].count).max().unwrap_or(0) + 2;
    let known = truth.cells[cell].count.unwrap();
    let mut search = Search { report, truth, sums, known, cell, values: BTreeMap::new(), largest };
    search.descend(&base)
}

struct Search<'a> {
    report: &'a Report,
    truth: &'a Report,
    /// Of each cell: the base cells it is the sum of, and what it is published as.
    sums: Vec<(BTreeSet<usize>, Option<u64>, usize)>,
    cell: usize,
    known: u64,
    values: BTreeMap<usize, u64>,
    largest: u64,
}

impl Search<'_> {
    fn descend(&mut self, open: &[usize]) -> bool {
        // The cell that has the least room: the last ones of a published sum follow from the others.
        let Some(next) = open.iter().min_by_key(|cell| self.room(**cell)) else { return true };
        let rest: Vec<usize> = open.iter().copied().filter(|cell| cell != next).collect();
        // The nearest to the truth first: where there are others they are mostly close by.
        let truth = self.truth.cells[*next].count.unwrap_or(0);
        let mut tries: Vec<u64> =
            self.report.cells[*next].count.map_or((1..=self.largest).collect(), |told| vec![told]);
        tries.sort_by_key(|value| value.abs_diff(truth));
        for value in tries {
            self.values.insert(*next, value);
            if self.is_possible(*next) && self.descend(&rest) {
                return true;
            }
        }
        self.values.remove(next);
        false
    }

    /// How many open cells there are in the published sum with the fewest that the cell is in.
    fn room(&self, cell: usize) -> usize {
        let sums = self.sums.iter().filter(|(parts, published, _)| published.is_some() && parts.contains(&cell));
        sums.map(|(parts, _, _)| parts.iter().filter(|part| !self.values.contains_key(part)).count())
            .min()
            .unwrap_or(usize::MAX)
    }

    /// Whether the sums that the base cell is in can still come out, and the attacked cell otherwise than known.
    fn is_possible(&self, changed: usize) -> bool {
        self.sums.iter().filter(|(parts, _, _)| parts.contains(&changed)).all(|(parts, published, total)| {
            let set: u64 = parts.iter().filter_map(|part| self.values.get(part)).sum();
            let open = parts.iter().filter(|part| !self.values.contains_key(part));
            let least: u64 = open.clone().map(|part| self.report.cells[*part].count.unwrap_or(1)).sum();
            let is_open = open.clone().any(|part| self.report.cells[*part].count.is_none());
            let fits = published.is_none_or(|sum| set + least == sum || is_open && set + least < sum);
            fits && (*total != self.cell || is_open || set + least != self.known)
        })
    }
}

/// The hidden cells that follow from the published ones by linear algebra: those whose unit vector is in
/// the row space of the equations over the hidden cells, that is, those which are alone in a row of the
/// reduced echelon form.
///
/// Computed modulo two primes of 61 bits. The coefficients are 0, 1 and -1; to mislead one of them a
/// minor that is not 0 would have to be divisible by it.
pub(super) fn determined(report: &Report) -> Vec<usize> {
    let mut cells: Vec<usize> =
        [(1u64 << 61) - 1, (1u64 << 61) - 31].iter().flat_map(|prime| determined_modulo(report, *prime)).collect();
    cells.sort_unstable();
    cells.dedup();
    cells
}

fn determined_modulo(report: &Report, prime: u64) -> Vec<usize> {
    let times = |a: u64, b: u64| u64::try_from(u128::from(a) * u128::from(b) % u128::from(prime)).unwrap();
    let is_hidden = |cell: &usize| report.cells[*cell].suppressed;
    // Reduced rows, by pivot; of each the coefficients that are not 0.
    let mut reduced: BTreeMap<usize, BTreeMap<usize, u64>> = BTreeMap::new();
    let subtract = |row: &mut BTreeMap<usize, u64>, factor: u64, other: &BTreeMap<usize, u64>| {
        for (cell, coefficient) in other {
            let left = row.entry(*cell).or_default();
            *left = (*left + prime - times(factor, *coefficient)) % prime;
        }
        row.retain(|_, coefficient| *coefficient != 0);
    };
    for line in lines(report) {
        let signed = line.iter().enumerate().map(|(place, cell)| (*cell, if place == 0 { prime - 1 } else { 1 }));
        let mut row: BTreeMap<usize, u64> = signed.filter(|(cell, _)| is_hidden(cell)).collect();
        for cell in row.clone().into_keys() {
            if let Some(other) = reduced.get(&cell) {
                let factor = row[&cell];
                subtract(&mut row, factor, other);
            }
        }
        let Some((pivot, leading)) = row.first_key_value().map(|(cell, leading)| (*cell, *leading)) else { continue };
        let inverse = power(leading, prime - 2, &times);
        for coefficient in row.values_mut() {
            *coefficient = times(*coefficient, inverse);
        }
        for other in reduced.values_mut() {
            if let Some(factor) = other.get(&pivot).copied() {
                subtract(other, factor, &row);
            }
        }
        reduced.insert(pivot, row);
    }
    reduced.into_iter().filter(|(_, row)| row.len() == 1).map(|(pivot, _)| pivot).collect()
}

fn power(base: u64, exponent: u64, times: &impl Fn(u64, u64) -> u64) -> u64 {
    if exponent == 0 {
        return 1;
    }
    let half = power(base, exponent / 2, times);
    let square = times(half, half);
    if exponent % 2 == 1 { times(square, base) } else { square }
}
