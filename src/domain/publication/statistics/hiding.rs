//! Which cells of a table to hide: the disclosure control behind [`super::tabulate`].
//!
//! **The table.** Three axes; on each, place 0 is the total and the others are the codes. A table of
//! fewer dimensions is given axes with a single code, on which total and code are the same cell. So
//! there is one shape, and every line (all places of one axis, the others fixed) says "total = sum
//! of the parts". Those equations and the published numbers are all that a reader of the table has,
//! with one more: zeros are published, so a hidden cell is at least 1.
//!
//! **When a cell is safe.** A hidden cell is safe when another table of whole numbers agrees with
//! everything published and has another number there. The difference of the two tables is a *move*: a
//! table that changes only hidden cells and adds up to nothing on every line when totals are counted
//! with the opposite sign. [`Hiding::cheapest_move`] looks for a move of steps of one that raises or
//! lowers the cell and never takes a hidden cell below 1. A move found is a proof. It is stronger than
//! a test of rank: when the cell's unit vector is in the row space of the equations no move exists,
//! and a move also answers "the hidden sum equals the number of hidden cells" and every other way in
//! which bounds may meet. It needs neither fractions nor prime numbers; the tests compute the ranks and
//! try all tables by brute force to see that it is right.
//!
//! **Which moves.** A move is looked for in two parallel slices of the table, up in the one what is
//! down in the other. There it is a closed walk between the rows and the columns of the slice, and the
//! cheapest one is a shortest path (Cox, *Network models for complementary cell suppression*, 1995).
//! For one and two dimensions these are all the moves there are; for three there are others, and
//! where only such a one exists more is hidden than strictly must be. There is always a move to be
//! had: the cube of a base cell and all its totals can go up by one together.

use std::collections::BTreeSet;

/// The places of a table of three axes, each axis with its total at 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// How many places each axis has: its codes and the total.
    pub(super) sizes: [usize; 3],
}

impl Grid {
    pub(super) fn len(self) -> usize {
        self.sizes.iter().product()
    }

    pub(super) fn place(self, at: [usize; 3]) -> usize {
        (at[0] * self.sizes[1] + at[1]) * self.sizes[2] + at[2]
    }

    pub(super) fn at(self, place: usize) -> [usize; 3] {
        let row = place / self.sizes[2];
        [row / self.sizes[1], row % self.sizes[1], place % self.sizes[2]]
    }

    /// Whether the cell counts with the opposite sign when a line is to add up to nothing.
    fn is_opposite(self, place: usize) -> bool {
        self.at(place).iter().filter(|at| **at == 0).count() % 2 == 1
    }

    /// All lines; of each the places, the total first.
    fn lines(self) -> impl Iterator<Item = Vec<usize>> {
        (0..3).flat_map(move |axis| {
            (0..self.len()).filter(move |place| self.at(*place)[axis] == 0).map(move |total| {
                let mut at = self.at(total);
                (0..self.sizes[axis])
                    .map(|step| {
                        at[axis] = step;
                        self.place(at)
                    })
                    .collect()
            })
        })
    }
}

/// A table while it is decided which of its cells are hidden.
#[derive(Debug)]
pub(super) struct Hiding {
    pub(super) grid: Grid,
    /// Groups of fewer than this many and more than none must not be seen.
    pub(super) threshold: u64,
    /// How many there are in each cell. A hidden number that is not known may stand as 1: a reader
    /// knows that much, and no move lowers it.
    pub(super) counts: Vec<u64>,
    /// Other numbers that add up as `counts` do and whose groups are protected too.
    pub(super) parts: Vec<Vec<u64>>,
    /// What an earlier table said of the same cells; empty when there is none.
    pub(super) before: Vec<Option<u64>>,
    pub(super) hidden: Vec<bool>,
    /// Hidden cells that are known to be in some move.
    safe: Vec<bool>,
}

impl Hiding {
    pub(super) fn new(grid: Grid, threshold: u64, counts: Vec<u64>, parts: Vec<Vec<u64>>) -> Self {
        let hidden = vec![false; grid.len()];
        Self { grid, threshold, counts, parts, before: Vec::new(), safe: hidden.clone(), hidden }
    }

    /// Hides the cells with a small group and all that must be hidden with them.
    pub(super) fn hide_small(&mut self) {
        let small =
            |place: &usize| self.is_small(self.counts[*place]) || self.parts.iter().any(|p| self.is_small(p[*place]));
        self.hide((0..self.grid.len()).filter(small).collect());
    }

    /// Hides `cells` and, until nothing is exposed, further ones.
    pub(super) fn hide(&mut self, cells: BTreeSet<usize>) {
        let mut fresh = cells;
        loop {
            for cell in &fresh {
                self.hidden[*cell] = true;
            }
            for cell in fresh {
                self.protect(cell);
            }
            fresh = BTreeSet::new();
            for line in self.grid.lines() {
                while let Some(victim) = self.group_victim(&line) {
                    self.hidden[victim] = true;
                    fresh.insert(victim);
                }
            }
            if fresh.is_empty() {
                return;
            }
        }
    }

    pub(super) fn is_small(&self, number: u64) -> bool {
        number > 0 && number < self.threshold
    }

    /// The smallest published cell of the line whose hiding helps, when the group of the hidden parts can
    /// be told from the total and the published parts and is small, or differs by little from what it was.
    fn group_victim(&self, line: &[usize]) -> Option<usize> {
        let (total, parts) = line.split_first()?;
        if self.hidden[*total] || parts.iter().all(|part| !self.hidden[*part]) {
            return None;
        }
        let smallest = |helps: &dyn Fn(usize) -> bool| {
            let published = line.iter().copied().filter(|p| !self.hidden[*p] && self.counts[*p] > 0);
            published.filter(|place| helps(*place)).min_by_key(|place| (self.counts[*place], *place))
        };
        for numbers in std::iter::once(&self.counts).chain(&self.parts) {
            let published = parts.iter().filter(|p| !self.hidden[**p]).map(|p| numbers[*p]);
            if self.is_small(less(numbers[*total], published)) {
                return smallest(&|place| numbers[place] > 0);
            }
        }
        let is_seen = |victim| self.group_change(*total, parts, victim).is_some_and(|change| self.is_small(change));
        if is_seen(None) { smallest(&|place| place == *total || !is_seen(Some(place))) } else { None }
    }

    /// By how much the hidden parts of a line and the `victim` differ together from the earlier table, if
    /// it told them. The total must be published.
    fn group_change(&self, total: usize, parts: &[usize], victim: Option<usize>) -> Option<u64> {
        let before = |place: usize| self.before.get(place).copied().flatten();
        let (group, rest): (Vec<usize>, Vec<usize>) =
            parts.iter().copied().partition(|part| self.hidden[*part] || Some(*part) == victim);
        let sum_before = |cells: &[usize]| cells.iter().try_fold(0u64, |sum, cell| sum.checked_add(before(*cell)?));
        let group_before = sum_before(&group).or_else(|| before(total)?.checked_sub(sum_before(&rest)?))?;
        let group_now = less(self.counts[total], rest.iter().map(|p| self.counts[*p]));
        Some(group_now.abs_diff(group_before))
    }

    /// Sees to it that the hidden cell is in some move, at the cost of as few as can be.
    fn protect(&mut self, cell: usize) {
        if self.safe[cell] {
            return;
        }
        let found = self.cheapest_move(cell, false).or_else(|| self.cheapest_move(cell, true));
        // Only a table whose numbers do not add up has no move at all. Nothing of it is shown.
        for cell in found.unwrap_or_else(|| (0..self.grid.len()).collect()) {
            self.hidden[cell] = true;
            self.safe[cell] = true;
        }
    }

    /// The cells of the move that changes `cell` and hides the fewest in cells still published; only
    /// hidden cells take part unless `buying`. Among equals the first by axis, slice and keys.
    fn cheapest_move(&self, cell: usize, buying: bool) -> Option<Vec<usize>> {
        let at = self.grid.at(cell);
        let mut best: Option<(u64, Vec<usize>)> = None;
        for axis in 0..3 {
            for far in (0..self.grid.sizes[axis]).filter(|far| *far != at[axis]) {
                for raised in [true, false] {
                    let bound = best.as_ref().map_or(u64::MAX, |(cost, _)| *cost);
                    if bound == 0 {
                        return best.map(|(_, cells)| cells);
                    }
                    best = Slices { table: self, axis, near: at[axis], far, buying }.walk(at, raised, bound).or(best);
                }
            }
        }
        best.map(|(_, cells)| cells)
    }
}

/// What is left of a total without some of its parts.
fn less(total: u64, mut parts: impl Iterator<Item = u64>) -> u64 {
    parts.try_fold(total, u64::checked_sub).unwrap_or(0)
}

/// Two parallel slices of a table.
#[derive(Clone, Copy)]
struct Slices<'a> {
    table: &'a Hiding,
    /// The axis on which the slices differ.
    axis: usize,
    near: usize,
    far: usize,
    /// Whether published cells may be taken, at the cost of what they count.
    buying: bool,
}

impl Slices<'_> {
    /// The axis of the rows and the axis of the columns.
    fn rows_and_columns(self) -> (usize, usize) {
        match self.axis {
            0 => (1, 2),
            1 => (0, 2),
            _ => (0, 1),
        }
    }

    /// The cells of both slices in this row and column.
    fn cells(self, row: usize, column: usize) -> [usize; 2] {
        let (rows, columns) = self.rows_and_columns();
        let mut at = [0; 3];
        at[rows] = row;
        at[columns] = column;
        [self.near, self.far].map(|slice| {
            at[self.axis] = slice;
            self.table.grid.place(at)
        })
    }

    /// What it costs to change the cells of this row and column, signs of the totals counted: the near
    /// one up and the far one down, or the other way. `None` when that cannot be.
    fn cost(self, row: usize, column: usize, near_up: bool) -> Option<u64> {
        let [near, far] = self.cells(row, column);
        Some(self.cell_cost(near, near_up)?.saturating_add(self.cell_cost(far, !near_up)?))
    }

    fn cell_cost(self, cell: usize, signed_up: bool) -> Option<u64> {
        let count = self.table.counts[cell];
        let least = if signed_up == self.table.grid.is_opposite(cell) { 2 } else { 1 };
        if count < least {
            None
        } else if self.table.hidden[cell] {
            Some(0)
        } else {
            self.buying.then_some(count)
        }
    }

    /// The cheapest closed walk through the cell at `at` that raises (or lowers) it and costs less than
    /// `bound`: its cost and its cells.
    ///
    /// A row or column that is entered by a rise is left by a fall. Stations are numbered rows first.
    fn walk(self, at: [usize; 3], raised: bool, bound: u64) -> Option<(u64, Vec<usize>)> {
        let (rows, columns) = self.rows_and_columns();
        let (height, width) = (self.table.grid.sizes[rows], self.table.grid.sizes[columns]);
        let (row, column) = (at[rows], at[columns]);
        let up = raised != self.table.grid.is_opposite(self.table.grid.place(at));
        let (start, goal) = (height + column, row);

        let mut reached: Vec<Option<(u64, usize)>> = vec![None; height + width];
        let mut done = vec![false; height + width];
        reached[start] = Some((self.cost(row, column, up)?, start));
        loop {
            let open = (0..height + width).filter(|station| !done[*station]);
            let (cost, station) = open.filter_map(|s| reached[s].map(|(cost, _)| (cost, s))).min()?;
            if cost >= bound {
                return None;
            }
            if station == goal {
                return Some((cost, self.trace(&reached, start, goal, height)));
            }
            done[station] = true;
            let neighbours = if station < height { height..height + width } else { 0..height };
            for next in neighbours.filter(|next| !done[*next]) {
                let (r, c, step_up) =
                    if station < height { (station, next - height, up) } else { (next, station - height, !up) };
                if (r, c) == (row, column) {
                    continue;
                }
                if let Some(step) = self.cost(r, c, step_up) {
                    let candidate = cost.saturating_add(step);
                    if reached[next].is_none_or(|(known, _)| candidate < known) {
                        reached[next] = Some((candidate, station));
                    }
                }
            }
        }
    }

    /// The cells of the walk that ended at `goal`, with those that lead from `goal` back to `start`.
    fn trace(self, reached: &[Option<(u64, usize)>], start: usize, goal: usize, height: usize) -> Vec<usize> {
        let mut cells = Vec::from(self.cells(goal, start - height));
        let mut station = goal;
        while station != start
            && let Some((_, from)) = reached[station]
        {
            cells.extend(self.cells(station.min(from), station.max(from) - height));
            station = from;
        }
        cells
    }
}
