//! Statistical tables with disclosure control: aggregates that leave the house and name nobody.
//!
//! A table has up to three dimensions. It has a cell for every combination of codes and for every
//! total over one or more dimensions, down to the grand total. Before it is sent, the cells that would
//! tell of fewer than `threshold` units are hidden (primary suppression), and as many others as are
//! needed so that nobody gets the hidden ones back by subtraction (secondary suppression):
//!
//! * no hidden cell has only one number that fits what is published;
//! * on no line can the hidden cells be told from a published total and published parts as a group
//!   of 1 to `threshold` − 1;
//! * a cell without units is published as 0, so a hidden cell is at least 1, and both rules hold for a
//!   reader who knows it.
//!
//! How this is found and why it is enough is told in the module `hiding`.
//!
//! A report does not say which hidden cells are the small ones. A reader who knew that would know that
//! the others are not small: of a small and a large one that are 6 together, with a threshold of 5, the
//! small one is 1.
//!
//! **What is not protected.** The rules are about numbers of units. A sum over many units of which one
//! has nearly all (dominance) is published. Two reports of one day with different dimensions are not
//! protected against each other; [`safe_against`] compares cell with cell, for reports of different days.

mod hiding;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use hiding::{Grid, Hiding};

/// The most cells a table may have. A debug build protects that many in some seconds.
pub const MAX_CELLS: usize = 50_000;

/// Decimals of a published average.
const AVERAGE_DECIMALS: u32 = 2;

/// What is made of a value over the rows of a cell. Rows without the value do not take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How many rows have the value.
    Count,
    /// The exact sum; 0 when no row has the value.
    Sum,
    /// The mean with two decimals, halves away from zero; nothing when no row has the value.
    Average,
}

/// A number that is published beside the count of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name in the report.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// What a table is broken down by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Its name in the report.
    pub name: String,
    /// The codes for which every report has cells, used or not. Codes found in the rows are added,
    /// unless the whole table is below the threshold: then they would tell of the few units in it.
    pub codes: Vec<String>,
}

/// One unit that is counted: a person, a post, a record.
///
/// The threshold protects units. When persons are to be protected and one may have several records,
/// the unit is the person and the caller makes one row of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<U> {
    /// Its code in each dimension.
    pub keys: Vec<String>,
    /// Its value for each measure; `None` when it has none.
    pub values: Vec<Option<Decimal>>,
    /// What it is, to see that nothing is counted twice. It is not in the report.
    pub unit: U,
}

/// A cell of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The code in each dimension; `None` stands for the total over that dimension.
    pub keys: Vec<Option<String>>,
    /// How many units; `None` when suppressed.
    pub count: Option<u64>,
    /// The measures, in their order; all `None` when suppressed.
    #[serde(with = "decimals")]
    pub values: Vec<Option<Decimal>>,
    /// Whether the cell is withheld, itself small or hidden for the sake of another: a report does not
    /// tell which, see the [module](self).
    pub suppressed: bool,
}

/// A table that may be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Names of the dimensions.
    pub dimensions: Vec<String>,
    /// The measures.
    pub measures: Vec<Measure>,
    /// The smallest group that is shown.
    pub threshold: u64,
    /// All cells, by keys, totals before codes: the grand total is the first.
    pub cells: Vec<Cell>,
}

/// Why there is no table. Rows are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TableFault {
    /// A table has at most three dimensions.
    #[error("a table has at most three dimensions")]
    Dimensions,
    /// More than [`MAX_CELLS`].
    #[error("the table would have more than {MAX_CELLS} cells")]
    Cells,
    /// A row has another number of keys than there are dimensions.
    #[error("row {0} does not have one key for each dimension")]
    Keys(usize),
    /// A row has another number of values than there are measures.
    #[error("row {0} does not have one place for each measure")]
    Values(usize),
    /// A unit has two rows, so counts would be of something else than units.
    #[error("row {0} counts a unit a second time")]
    Unit(usize),
    /// A sum has more digits than a decimal can hold exactly.
    #[error("measure {0} has a sum with too many digits")]
    Sum(usize),
}

/// The table of `rows` by `dimensions`, with every cell hidden that would tell of fewer than
/// `threshold` units.
///
/// Groups within a cell are protected like cells: rows that have a value, because its sum is about
/// them alone, and for a [`Kind::Count`] also the rows that do not have it. When all rows together are
/// fewer than `threshold` (and not none) nothing is published, not even which cells are empty.
///
/// # Errors
/// [`TableFault`] when the rows do not fit the table or a sum cannot be exact.
pub fn tabulate<U: Ord>(
    dimensions: &[Dimension],
    measures: Vec<Measure>,
    rows: &[Row<U>],
    threshold: u64,
) -> Result<Report, TableFault> {
    check(dimensions, &measures, rows)?;
    let is_tiny = !rows.is_empty() && u64::try_from(rows.len()).is_ok_and(|n| n < threshold);
    let layout = Layout::new(dimensions, if is_tiny { &[] } else { rows })?;
    let mut report = Report {
        dimensions: dimensions.iter().map(|d| d.name.clone()).collect(),
        measures,
        threshold,
        cells: Vec::new(),
    };
    if is_tiny {
        report.cells = layout.cells().map(|(_, keys)| withheld(keys, report.measures.len())).collect();
        return Ok(report);
    }

    let sums = Sums::of(rows, &report.measures, &layout)?;
    let mut hiding = Hiding::new(layout.grid, threshold, sums.counts.clone(), sums.groups(&report.measures));
    hiding.hide_small();
    for (place, keys) in layout.cells() {
        report.cells.push(if hiding.hidden[place] {
            withheld(keys, report.measures.len())
        } else {
            Cell {
                keys,
                count: Some(sums.counts[place]),
                values: sums.values(place, &report.measures)?,
                suppressed: false,
            }
        });
    }
    Ok(report)
}

/// `next` without the cells that could be told by subtracting `previous`, an earlier report that the
/// same reader has.
///
/// Hidden are, besides what `next` hides already: cells whose count differs by 1 to `k` − 1 from that
/// of the same cell in `previous` (the same code in the same dimensions; a code that `previous` does
/// not know had nobody), cells of fewer than `k` units, and whatever must be hidden with them. The
/// hidden cells of a line are a cell here too: where they can be told from total and parts in both
/// reports and together differ by that little, another is hidden. A cell with nobody stays published:
/// those who left it were in a published cell of at least `k`, and all of them left.
///
/// Not covered: a change of a sum whose count stayed the same, and a reader who guesses that a hidden
/// number did not change in between. When nothing at all differs, `next` is `previous` and tells nothing
/// new. A `next` whose cells are not those of a whole table is withheld entirely.
#[must_use]
pub fn safe_against(previous: &Report, next: &Report, k: u64) -> Report {
    let mut report = Report { threshold: next.threshold.max(k), ..next.clone() };
    let Some((layout, cell_of)) = Layout::of_report(next) else {
        for cell in &mut report.cells {
            withhold(cell);
        }
        return report;
    };
    let said = Said::by(previous);
    let published: Vec<Option<u64>> = cell_of.iter().map(|cell| next.cells[*cell].count).collect();

    let counts = published.iter().map(|count| count.unwrap_or(1)).collect();
    let mut hiding = Hiding::new(layout.grid, k, counts, Vec::new());
    hiding.hidden = published.iter().map(Option::is_none).collect();
    hiding.before = cell_of.iter().map(|cell| said.count(&next.dimensions, &next.cells[*cell].keys)).collect();
    let exposed = (0..layout.grid.len()).filter(|place| {
        published[*place].is_some_and(|count| {
            let differs = hiding.before[*place].is_some_and(|before| hiding.is_small(count.abs_diff(before)));
            count > 0 && (differs || hiding.is_small(count))
        })
    });
    hiding.hide(exposed.collect());
    for (place, cell) in cell_of.iter().enumerate() {
        if hiding.hidden[place] {
            withhold(&mut report.cells[*cell]);
        }
    }
    report
}

fn withheld(keys: Vec<Option<String>>, measures: usize) -> Cell {
    Cell { keys, count: None, values: vec![None; measures], suppressed: true }
}

fn withhold(cell: &mut Cell) {
    cell.count = None;
    cell.values.fill(None);
    cell.suppressed = true;
}

/// What a report said of cells, found by what they are and not by where they stand.
struct Said<'a> {
    dimensions: &'a [String],
    counts: BTreeMap<BTreeSet<(&'a str, &'a str)>, Option<u64>>,
    /// What it says of a cell that it does not have.
    otherwise: Option<u64>,
}

impl<'a> Said<'a> {
    fn by(report: &'a Report) -> Self {
        let counts = report.cells.iter().map(|cell| (identity(&report.dimensions, &cell.keys), cell.count)).collect();
        let says_something = report.cells.iter().any(|cell| !cell.suppressed);
        Self { dimensions: &report.dimensions, counts, otherwise: says_something.then_some(0) }
    }

    /// The count that was published of this cell; 0 of one that had no reason to be in the report.
    fn count(&self, dimensions: &[String], keys: &[Option<String>]) -> Option<u64> {
        let identity = identity(dimensions, keys);
        match self.counts.get(&identity) {
            Some(count) => *count,
            None if identity.iter().all(|(name, _)| self.dimensions.iter().any(|d| d == name)) => self.otherwise,
            None => None,
        }
    }
}

/// The codes of a cell with the names of their dimensions.
fn identity<'a>(dimensions: &'a [String], keys: &'a [Option<String>]) -> BTreeSet<(&'a str, &'a str)> {
    dimensions.iter().zip(keys).filter_map(|(name, key)| Some((name.as_str(), key.as_deref()?))).collect()
}

/// Refuses rows that do not fit.
fn check<U: Ord>(dimensions: &[Dimension], measures: &[Measure], rows: &[Row<U>]) -> Result<(), TableFault> {
    let mut units = BTreeSet::new();
    for (number, row) in rows.iter().enumerate() {
        if row.keys.len() != dimensions.len() {
            return Err(TableFault::Keys(number));
        }
        if row.values.len() != measures.len() {
            return Err(TableFault::Values(number));
        }
        if !units.insert(&row.unit) {
            return Err(TableFault::Unit(number));
        }
    }
    Ok(())
}

/// Which codes stand where in a [`Grid`].
struct Layout {
    grid: Grid,
    /// Of each dimension the codes, in order; the first is at place 1.
    codes: Vec<Vec<String>>,
}

impl Layout {
    fn new<U>(dimensions: &[Dimension], rows: &[Row<U>]) -> Result<Self, TableFault> {
        let mut codes: Vec<BTreeSet<&String>> = dimensions.iter().map(|d| d.codes.iter().collect()).collect();
        for row in rows {
            for (codes, key) in codes.iter_mut().zip(&row.keys) {
                codes.insert(key);
            }
        }
        Self::of_codes(codes)
    }

    fn of_codes(codes: Vec<BTreeSet<&String>>) -> Result<Self, TableFault> {
        if codes.len() > 3 {
            return Err(TableFault::Dimensions);
        }
        // A dimension that is not there has one code, and then the total is that code.
        let mut sizes = [2; 3];
        for (size, codes) in sizes.iter_mut().zip(&codes) {
            *size = codes.len() + 1;
        }
        let cells = sizes.iter().zip(0..codes.len()).try_fold(1usize, |cells, (size, _)| cells.checked_mul(*size));
        if cells.is_none_or(|cells| cells > MAX_CELLS) {
            return Err(TableFault::Cells);
        }
        let codes = codes.into_iter().map(|codes| codes.into_iter().cloned().collect()).collect();
        Ok(Self { grid: Grid { sizes }, codes })
    }

    /// The layout of a report and for each place its cell; `None` when cells are missing or too many.
    fn of_report(report: &Report) -> Option<(Self, Vec<usize>)> {
        let mut codes = vec![BTreeSet::new(); report.dimensions.len()];
        let mut cells = BTreeMap::new();
        for (number, cell) in report.cells.iter().enumerate() {
            if cell.keys.len() != codes.len() || cells.insert(&cell.keys, number).is_some() {
                return None;
            }
            for (codes, key) in codes.iter_mut().zip(&cell.keys) {
                codes.extend(key);
            }
        }
        let layout = Self::of_codes(codes).ok()?;
        let cell_of: Option<Vec<usize>> =
            (0..layout.grid.len()).map(|place| cells.get(&layout.keys(place)).copied()).collect();
        Some((layout, cell_of?))
    }

    /// Where the cell of a row and all its totals are.
    fn places(&self, keys: &[String]) -> impl Iterator<Item = usize> {
        let mut own = [1; 3];
        for ((own, codes), key) in own.iter_mut().zip(&self.codes).zip(keys) {
            *own = codes.binary_search(key).map_or(0, |found| found + 1);
        }
        (0..8usize).map(move |totals| {
            let at = [0, 1, 2].map(|axis| if totals >> axis & 1 == 1 { 0 } else { own[axis] });
            self.grid.place(at)
        })
    }

    fn keys(&self, place: usize) -> Vec<Option<String>> {
        let at = self.grid.at(place);
        self.codes.iter().zip(at).map(|(codes, at)| codes.get(at.checked_sub(1)?).cloned()).collect()
    }

    /// The cells of the report, in order, each once.
    fn cells(&self) -> impl Iterator<Item = (usize, Vec<Option<String>>)> {
        (0..self.grid.len())
            .filter(|place| self.grid.at(*place)[self.codes.len()..].iter().all(|at| *at == 0))
            .map(|place| (place, self.keys(place)))
    }
}

/// The numbers of a table.
struct Sums {
    counts: Vec<u64>,
    /// Of each measure: how many decimals its sums have.
    scales: Vec<u32>,
    /// Of each measure, in each place: how many rows have the value, and its sum in units of the last
    /// decimal.
    tallies: Vec<Vec<(u64, i128)>>,
}

impl Sums {
    fn of<U>(rows: &[Row<U>], measures: &[Measure], layout: &Layout) -> Result<Self, TableFault> {
        let scale = |m: usize| rows.iter().filter_map(|row| row.values[m]).map(|v| v.scale()).max().unwrap_or(0);
        let mut sums = Self {
            counts: vec![0; layout.grid.len()],
            scales: (0..measures.len()).map(scale).collect(),
            tallies: vec![vec![(0, 0); layout.grid.len()]; measures.len()],
        };
        for row in rows {
            for place in layout.places(&row.keys) {
                sums.counts[place] += 1;
                for (m, value) in row.values.iter().enumerate() {
                    let Some(value) = value else { continue };
                    let (having, sum) = &mut sums.tallies[m][place];
                    *having += 1;
                    if measures[m].kind != Kind::Count {
                        let added = in_units(*value, sums.scales[m]).and_then(|value| sum.checked_add(value));
                        *sum = added.ok_or(TableFault::Sum(m))?;
                    }
                }
            }
        }
        Ok(sums)
    }

    /// The groups within cells that are protected beside the cells themselves.
    fn groups(&self, measures: &[Measure]) -> Vec<Vec<u64>> {
        let mut groups = Vec::new();
        for (measure, tallies) in measures.iter().zip(&self.tallies) {
            let having: Vec<u64> = tallies.iter().map(|(having, _)| *having).collect();
            if measure.kind == Kind::Count {
                groups.push(self.counts.iter().zip(&having).map(|(all, having)| all - having).collect());
            }
            groups.push(having);
        }
        groups.retain(|group| *group != self.counts);
        groups
    }

    fn values(&self, place: usize, measures: &[Measure]) -> Result<Vec<Option<Decimal>>, TableFault> {
        let value = |(m, measure): (usize, &Measure)| {
            let (having, sum) = self.tallies[m][place];
            if measure.kind == Kind::Count {
                return Ok(Some(Decimal::from(having)));
            }
            let sum = Decimal::try_from_i128_with_scale(sum, self.scales[m]).map_err(|_| TableFault::Sum(m))?;
            Ok(match measure.kind {
                Kind::Count | Kind::Sum => Some(sum),
                Kind::Average => sum
                    .checked_div(Decimal::from(having))
                    .map(|mean| mean.round_dp_with_strategy(AVERAGE_DECIMALS, RoundingStrategy::MidpointAwayFromZero)),
            })
        };
        measures.iter().enumerate().map(value).collect()
    }
}

/// `value` in units of its decimal number `scale`, when that is a whole number that fits.
fn in_units(value: Decimal, scale: u32) -> Option<i128> {
    10i128.checked_pow(scale.checked_sub(value.scale())?)?.checked_mul(value.mantissa())
}

/// Decimals as text, so that no reader of JSON makes them floating-point numbers.
mod decimals {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(values: &[Option<Decimal>], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|value| value.map(|value| value.to_string())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Option<Decimal>>, D::Error> {
        let texts = Vec::<Option<String>>::deserialize(from)?;
        texts.into_iter().map(|text| text.map(|text| text.parse().map_err(D::Error::custom)).transpose()).collect()
    }
}
