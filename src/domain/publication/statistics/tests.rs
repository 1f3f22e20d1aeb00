//! The tests of the tables. Two attackers check what is published, written without the code under test:
//! [`attack::can_differ`] tries tables of whole numbers, [`attack::determined`] does linear algebra.

mod attack;

use proptest::prelude::*;

use super::*;

fn dimension(name: &str, codes: &[&str]) -> Dimension {
    Dimension { name: name.to_owned(), codes: codes.iter().map(|code| (*code).to_owned()).collect() }
}

fn measure(name: &str, kind: Kind) -> Measure {
    Measure { name: name.to_owned(), kind }
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Rows without measures: as many of each combination of keys as said.
fn people(groups: &[(&[&str], usize)]) -> Vec<Row<usize>> {
    let mut rows = Vec::new();
    for (keys, count) in groups {
        for _ in 0..*count {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            rows.push(Row { keys, values: Vec::new(), unit: rows.len() });
        }
    }
    rows
}

/// A table of these sizes filled with these counts, the last dimension running fastest.
fn filled(sizes: &[usize], counts: &[usize]) -> (Vec<Dimension>, Vec<Row<usize>>) {
    let names: Vec<Vec<String>> = sizes.iter().map(|n| (0..*n).map(|code| format!("{code:02}")).collect()).collect();
    let dimensions = names
        .iter()
        .enumerate()
        .map(|(d, codes)| Dimension { name: format!("dimension {d}"), codes: codes.clone() })
        .collect();
    let mut rows = Vec::new();
    for (cell, count) in counts.iter().enumerate().take(sizes.iter().product()) {
        let mut rest = cell;
        let mut keys: Vec<String> = Vec::new();
        for codes in names.iter().rev() {
            keys.insert(0, codes[rest % codes.len()].clone());
            rest /= codes.len();
        }
        for _ in 0..*count {
            rows.push(Row { keys: keys.clone(), values: Vec::new(), unit: rows.len() });
        }
    }
    (dimensions, rows)
}

fn counted(sizes: &[usize], counts: &[usize], threshold: u64) -> Report {
    let (dimensions, rows) = filled(sizes, counts);
    tabulate(&dimensions, Vec::new(), &rows, threshold).unwrap()
}

fn cell<'a>(report: &'a Report, keys: &[&str]) -> &'a Cell {
    let keys: Vec<Option<String>> = keys.iter().map(|key| (*key != "*").then(|| (*key).to_owned())).collect();
    report.cells.iter().find(|cell| cell.keys == keys).unwrap()
}

fn hidden(report: &Report) -> usize {
    report.cells.iter().filter(|cell| cell.suppressed).count()
}

#[test]
fn every_combination_and_every_total_has_a_cell_and_the_grand_total_is_the_first() {
    let rows = people(&[(&["teacher", "f"], 3), (&["cook", "m"], 4)]);
    let dimensions = [dimension("post", &["driver"]), dimension("sex", &[])];
    let report = tabulate(&dimensions, Vec::new(), &rows, 0).unwrap();
    let told: Vec<String> = report
        .cells
        .iter()
        .map(|c| {
            let keys: Vec<&str> = c.keys.iter().map(|key| key.as_deref().unwrap_or("*")).collect();
            format!("{}={}", keys.join(","), c.count.unwrap())
        })
        .collect();
    let expected = "*,*=7 *,f=3 *,m=4 cook,*=4 cook,f=0 cook,m=4 driver,*=0 driver,f=0 driver,m=0 \
                    teacher,*=3 teacher,f=3 teacher,m=0";
    assert_eq!(told.join(" "), expected);
}

#[test]
fn a_small_cell_takes_the_smallest_other_cell_of_its_line_with_it() {
    let rows = people(&[(&["cook"], 2), (&["driver"], 9), (&["nurse"], 7), (&["teacher"], 30)]);
    let report = tabulate(&[dimension("post", &[])], Vec::new(), &rows, 5).unwrap();
    assert_eq!(cell(&report, &["cook"]).count, None);
    assert_eq!(cell(&report, &["nurse"]).count, None);
    assert_eq!(cell(&report, &["driver"]).count, Some(9));
    assert_eq!(cell(&report, &["*"]).count, Some(48));
}

#[test]
fn of_equally_small_cells_the_first_by_code_is_hidden() {
    let rows = people(&[(&["cook"], 2), (&["driver"], 7), (&["nurse"], 7), (&["teacher"], 30)]);
    let report = tabulate(&[dimension("post", &[])], Vec::new(), &rows, 5).unwrap();
    assert_eq!(cell(&report, &["driver"]).count, None);
    assert_eq!(hidden(&report), 2);
}

#[test]
fn two_small_cells_do_not_cover_each_other_when_together_they_are_still_small() {
    let rows = people(&[(&["cook"], 2), (&["driver"], 2), (&["nurse"], 7), (&["teacher"], 30)]);
    let report = tabulate(&[dimension("post", &[])], Vec::new(), &rows, 5).unwrap();
    assert_eq!(cell(&report, &["nurse"]).count, None, "41 less 37 would be a group of 4");
    assert_eq!(hidden(&report), 3);
}

#[test]
fn hidden_ones_are_not_told_by_there_being_as_many_of_them_as_hidden_cells() {
    // Three posts of one person each are a group of 3, which is not small. But 3 in 3 cells, none of
    // them empty, is 1 in each.
    let rows = people(&[(&["cook"], 1), (&["driver"], 1), (&["nurse"], 1), (&["teacher"], 30)]);
    let report = tabulate(&[dimension("post", &[])], Vec::new(), &rows, 3).unwrap();
    assert_eq!(cell(&report, &["teacher"]).count, None);
    assert_eq!(cell(&report, &["*"]).count, Some(33));
}

#[test]
fn empty_cells_are_published_as_nobody() {
    let rows = people(&[(&["cook"], 2), (&["teacher"], 30)]);
    let report = tabulate(&[dimension("post", &["nurse"])], Vec::new(), &rows, 5).unwrap();
    assert_eq!(cell(&report, &["nurse"]).count, Some(0));
    assert_eq!(cell(&report, &["teacher"]).count, None);
}

#[test]
fn of_a_house_with_fewer_people_than_the_threshold_nothing_is_told() {
    let rows = people(&[(&["cook"], 1), (&["teacher"], 3)]);
    let report = tabulate(&[dimension("post", &["nurse", "teacher"])], Vec::new(), &rows, 5).unwrap();
    let codes: Vec<Option<&str>> = report.cells.iter().map(|c| c.keys[0].as_deref()).collect();
    assert_eq!(codes, [None, Some("nurse"), Some("teacher")], "that there is a cook is nobody's business");
    assert!(report.cells.iter().all(|c| c.suppressed && c.count.is_none()));
}

#[test]
fn a_table_without_dimensions_is_one_number() {
    assert_eq!(tabulate(&[], Vec::new(), &people(&[(&[], 5)]), 5).unwrap().cells[0].count, Some(5));
    assert!(tabulate(&[], Vec::new(), &people(&[(&[], 4)]), 5).unwrap().cells[0].suppressed);
    assert_eq!(tabulate(&[], Vec::new(), &people(&[]), 5).unwrap().cells[0].count, Some(0));
}

#[test]
fn a_dimension_with_one_code_hides_its_total_with_it() {
    let rows = people(&[(&["school", "cook"], 2), (&["school", "teacher"], 9), (&["school", "driver"], 12)]);
    let report = tabulate(&[dimension("house", &[]), dimension("post", &[])], Vec::new(), &rows, 5).unwrap();
    for post in ["cook", "teacher"] {
        assert!(cell(&report, &["school", post]).suppressed && cell(&report, &["*", post]).suppressed);
    }
    assert_eq!(hidden(&report), 4);
}

#[test]
fn sums_are_exact_and_averages_are_rounded_half_up() {
    let row = |unit, pay: Option<&str>| Row {
        keys: vec!["cook".to_owned()],
        values: vec![pay.map(dec), pay.map(dec), pay.map(dec)],
        unit,
    };
    let measures = vec![measure("paid", Kind::Count), measure("pay", Kind::Sum), measure("mean pay", Kind::Average)];
    let rows = [row(1, Some("0.1")), row(2, Some("0.20")), row(3, Some("1000.005")), row(4, None)];
    let report = tabulate(&[dimension("post", &["nurse"])], measures, &rows, 1).unwrap();
    assert_eq!(cell(&report, &["cook"]).count, Some(4));
    // 1000.305 of three is 333.435.
    let expected = [Some(dec("3")), Some(dec("1000.305")), Some(dec("333.44"))];
    assert_eq!(cell(&report, &["cook"]).values, expected);
    assert_eq!(cell(&report, &["*"]).values, expected);
    assert_eq!(cell(&report, &["nurse"]).values, [Some(dec("0")), Some(dec("0")), None]);
}

#[test]
fn a_hidden_count_hides_its_sums_and_averages() {
    let measures = vec![measure("pay", Kind::Sum), measure("mean pay", Kind::Average)];
    let rows: Vec<Row<usize>> = people(&[(&["cook"], 2), (&["nurse"], 7), (&["teacher"], 8)])
        .into_iter()
        .map(|row| Row { values: vec![Some(dec("1500")); 2], ..row })
        .collect();
    let report = tabulate(&[dimension("post", &[])], measures, &rows, 5).unwrap();
    assert_eq!(cell(&report, &["cook"]).values, [None, None]);
    assert_eq!(cell(&report, &["nurse"]).values, [None, None]);
    assert_eq!(cell(&report, &["teacher"]).values, [Some(dec("12000")), Some(dec("1500.00"))]);
}

#[test]
fn a_sum_over_many_is_hidden_when_it_is_the_bonus_of_one() {
    let mut rows = people(&[(&["cook"], 9), (&["nurse"], 9), (&["teacher"], 9)]);
    for (number, row) in rows.iter_mut().enumerate() {
        row.values = vec![(number >= 8).then(|| dec("100"))];
    }
    let report = tabulate(&[dimension("post", &[])], vec![measure("bonus", Kind::Sum)], &rows, 5).unwrap();
    assert!(cell(&report, &["cook"]).suppressed, "one of nine cooks has a bonus");
    assert!(!cell(&report, &["teacher"]).suppressed);
}

#[test]
fn a_count_of_those_who_have_something_is_hidden_when_it_tells_of_the_one_who_has_not() {
    let mut rows = people(&[(&["cook"], 9), (&["nurse"], 9), (&["teacher"], 18)]);
    for (number, row) in rows.iter_mut().enumerate() {
        row.values = vec![(number > 0 && number < 27).then(|| dec("1"))];
    }
    let qualified = |kind| tabulate(&[dimension("post", &[])], vec![measure("qualified", kind)], &rows, 5).unwrap();
    assert!(cell(&qualified(Kind::Count), &["cook"]).suppressed);
    assert_eq!(hidden(&qualified(Kind::Sum)), 0);
}

#[test]
fn nobody_is_counted_twice_and_rows_must_fit() {
    let fault =
        |dimensions: &[Dimension], measures, rows: &[Row<usize>]| tabulate(dimensions, measures, rows, 5).unwrap_err();
    let post = [dimension("post", &[])];
    let mut rows = people(&[(&["cook"], 3)]);
    assert_eq!(fault(&[], Vec::new(), &rows), TableFault::Keys(0));
    assert_eq!(fault(&post, vec![measure("pay", Kind::Sum)], &rows), TableFault::Values(0));
    rows[2].unit = 1;
    assert_eq!(fault(&post, Vec::new(), &rows), TableFault::Unit(2));
    let four: Vec<Dimension> = (0..4).map(|_| dimension("d", &["a"])).collect();
    assert_eq!(fault(&four, Vec::new(), &[]), TableFault::Dimensions);
    let codes: Vec<String> = (0..MAX_CELLS).map(|code| code.to_string()).collect();
    assert_eq!(fault(&[Dimension { name: "d".to_owned(), codes }], Vec::new(), &[]), TableFault::Cells);
}

#[test]
fn a_sum_that_cannot_be_exact_is_refused() {
    let row = |unit, value: &str| Row { keys: Vec::new(), values: vec![Some(dec(value))], unit };
    let rows = [row(1, "79228162514264337593543950335"), row(2, "0.1")];
    assert_eq!(tabulate(&[], vec![measure("pay", Kind::Sum)], &rows, 0), Err(TableFault::Sum(0)));
}

#[test]
fn a_report_survives_json_and_writes_decimals_as_text() {
    let mut rows = people(&[(&["cook"], 2), (&["nurse"], 7), (&["teacher"], 8)]);
    for row in &mut rows {
        row.values = vec![Some(dec("10.50"))];
    }
    let report = tabulate(&[dimension("post", &[])], vec![measure("pay", Kind::Sum)], &rows, 5).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json["cells"][3],
        serde_json::json!({ "keys": ["teacher"], "count": 8, "values": ["84.00"], "suppressed": false })
    );
    assert_eq!(
        json["cells"][1],
        serde_json::json!({ "keys": ["cook"], "count": null, "values": [null], "suppressed": true })
    );
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}

#[test]
fn the_attackers_see_through_a_table_with_only_its_small_cells_hidden() {
    let truth = counted(&[2, 2], &[2, 9, 9, 9], 0);
    let small = truth.cells.iter().position(|c| c.count == Some(2)).unwrap();
    let mut report = truth.clone();
    withhold(&mut report.cells[small]);
    assert!(!attack::can_differ(&report, &truth, small));
    assert_eq!(attack::determined(&report), [small]);

    // Ones in every hidden cell: algebra does not find it, counting does.
    let truth = counted(&[3], &[1, 1, 9], 0);
    let mut report = truth.clone();
    for cell in [1, 2] {
        withhold(&mut report.cells[cell]);
    }
    assert_eq!(attack::determined(&report), Vec::<usize>::new());
    assert!(!attack::can_differ(&report, &truth, 1));
}

#[test]
fn a_table_of_ten_by_ten_by_ten_is_protected() {
    let counts: Vec<usize> = (0..1000).map(|cell| (cell * 7919 % 101) * (cell * 104_729 % 11) / 60).collect();
    let (report, truth) = (counted(&[10, 10, 10], &counts, 5), counted(&[10, 10, 10], &counts, 0));
    assert_eq!(report.cells.len(), 1331);
    assert!(hidden(&report) < 1000, "{}", hidden(&report));
    for (told, true_cell) in report.cells.iter().zip(&truth.cells) {
        assert!(told.count == true_cell.count || told.count.is_none() && true_cell.count != Some(0));
    }
    assert_eq!(attack::determined(&report), Vec::<usize>::new());
    assert_eq!(attack::small_groups(&report, 5), Vec::<u64>::new());
}

#[test]
fn a_cell_that_one_person_joined_is_hidden_in_the_next_report() {
    let (spring, autumn) = (counted(&[4], &[10, 20, 30, 40], 5), counted(&[4], &[11, 20, 30, 50], 5));
    assert_eq!(hidden(&autumn), 0);
    let safe = safe_against(&spring, &autumn, 5);
    assert!(cell(&safe, &["00"]).suppressed, "one came");
    assert_eq!(cell(&safe, &["02"]).count, Some(30));
    // 00 and 01 are 31 together and were 30, which tells of the one who came; with 03 eleven came.
    assert!(cell(&safe, &["03"]).suppressed);
    assert_eq!(cell(&safe, &["*"]).count, Some(111));
}

#[test]
fn a_report_is_safe_against_itself() {
    let report = counted(&[3, 3], &[2, 9, 9, 9, 0, 8, 12, 1, 7], 5);
    assert_eq!(safe_against(&report, &report, 5), report);
}

#[test]
fn a_new_code_is_compared_with_nobody_and_reports_by_other_dimensions_in_what_they_share() {
    let before = tabulate(&[dimension("post", &[])], Vec::new(), &people(&[(&["cook"], 20)]), 1).unwrap();
    let rows = people(&[(&["cook", "f"], 10), (&["cook", "m"], 10), (&["nurse", "f"], 3), (&["nurse", "m"], 9)]);
    let dimensions = [dimension("post", &[]), dimension("sex", &[])];
    let next = tabulate(&dimensions, Vec::new(), &rows, 1).unwrap();
    assert_eq!(hidden(&next), 0);
    let same = safe_against(&before, &next, 1);
    assert_eq!(hidden(&same), 0);
    let large = safe_against(&before, &next, 13);
    assert!(cell(&large, &["nurse", "*"]).suppressed, "12 more than nobody");
    assert!(cell(&large, &["*", "*"]).suppressed, "32 is 12 more than 20");
    assert_eq!(large.threshold, 13);
}

#[test]
fn a_report_with_cells_missing_is_withheld() {
    let before = counted(&[2, 2], &[10, 20, 30, 40], 5);
    let mut next = before.clone();
    next.cells.remove(4);
    assert!(safe_against(&before, &next, 5).cells.iter().all(|c| c.suppressed && c.count.is_none()));
}

#[test]
fn a_report_whose_numbers_do_not_add_up_is_withheld_where_it_cannot_be_protected() {
    let before = counted(&[1], &[9], 5);
    let mut next = counted(&[1], &[10], 5);
    next.cells[0].count = Some(0);
    assert!(safe_against(&before, &next, 5).cells.iter().all(|c| c.suppressed && c.count.is_none()));
}

/// Sizes of small tables, counts for them and a threshold.
fn small_tables() -> impl Strategy<Value = (Vec<usize>, Vec<usize>, u64)> {
    let sizes = prop_oneof![
        Just(vec![]),
        (1usize..6).prop_map(|n| vec![n]),
        (1usize..4, 1usize..4).prop_map(|(n, m)| vec![n, m]),
        (1usize..3, 1usize..3, 1usize..4).prop_map(|(n, m, l)| vec![n, m, l]),
    ];
    let count = prop_oneof![2 => Just(0), 4 => 1usize..4, 3 => 4usize..8];
    (sizes, prop::collection::vec(count, 12), 2u64..6)
}

/// A later table: mostly the same counts, some a little different.
fn changed(counts: &[usize], changes: &[i8]) -> Vec<usize> {
    counts.iter().zip(changes).map(|(count, change)| count.saturating_add_signed(isize::from(*change))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_hidden_cell_has_only_one_number_that_fits((sizes, counts, threshold) in small_tables()) {
        let (report, truth) = (counted(&sizes, &counts, threshold), counted(&sizes, &counts, 0));
        if truth.cells[0].count.is_some_and(|all| all > 0 && all < threshold) {
            prop_assert_eq!(hidden(&report), report.cells.len());
            return Ok(());
        }
        for (number, (told, true_cell)) in report.cells.iter().zip(&truth.cells).enumerate() {
            let count = true_cell.count.unwrap();
            prop_assert!(told.suppressed || count == 0 || count >= threshold);
            prop_assert_eq!(told.suppressed, told.count.is_none());
            if let Some(published) = told.count {
                prop_assert_eq!(published, count);
            } else {
                prop_assert!(count > 0);
                prop_assert!(attack::can_differ(&report, &truth, number), "{:?} in {:?}", told.keys, report);
            }
        }
        prop_assert_eq!(attack::determined(&report), Vec::<usize>::new());
        prop_assert_eq!(attack::small_groups(&report, threshold), Vec::<u64>::new());
    }

    #[test]
    fn a_table_without_small_cells_hides_nothing(
        (sizes, counts, threshold) in small_tables(),
    ) {
        let large: Vec<usize> = counts.iter().map(|c| if *c == 0 { 0 } else { c + usize::try_from(threshold).unwrap() }).collect();
        let report = counted(&sizes, &large, threshold);
        prop_assert_eq!(hidden(&report), 0);
        for line in attack::lines(&report) {
            let counts: Vec<u64> = line.iter().map(|cell| report.cells[*cell].count.unwrap()).collect();
            prop_assert_eq!(counts[0], counts[1..].iter().sum::<u64>());
        }
    }

    #[test]
    fn the_order_of_the_rows_changes_nothing((sizes, counts, threshold) in small_tables()) {
        let (dimensions, mut rows) = filled(&sizes, &counts);
        let report = tabulate(&dimensions, Vec::new(), &rows, threshold).unwrap();
        rows.reverse();
        prop_assert_eq!(tabulate(&dimensions, Vec::new(), &rows, threshold).unwrap(), report);
    }

    #[test]
    fn no_difference_of_two_reports_tells_of_a_few(
        (sizes, counts, threshold) in small_tables(),
        changes in prop::collection::vec(prop_oneof![5 => Just(0i8), 2 => -3i8..4, 1 => Just(9i8)], 12),
    ) {
        let later = changed(&counts, &changes);
        let previous = counted(&sizes, &counts, threshold);
        let (next, truth) = (counted(&sizes, &later, threshold), counted(&sizes, &later, 0));
        let safe = safe_against(&previous, &next, threshold);
        if truth.cells[0].count.is_some_and(|all| all < threshold) {
            prop_assert_eq!(safe, next);
            return Ok(());
        }
        for (number, told) in safe.cells.iter().enumerate() {
            if let Some(published) = told.count {
                prop_assert_eq!(Some(published), next.cells[number].count);
                let before = previous.cells[number].count.unwrap_or(published);
                let differs = published.abs_diff(before);
                prop_assert!(differs == 0 || differs >= threshold || published == 0);
            } else {
                prop_assert!(attack::can_differ(&safe, &truth, number), "{:?} in {:?}", told.keys, safe);
            }
        }
        prop_assert_eq!(attack::small_groups(&safe, threshold), Vec::<u64>::new());
        prop_assert_eq!(attack::small_group_changes(&previous, &safe, threshold), Vec::<u64>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_hidden_cell_of_a_larger_table_can_be_computed(
        counts in prop::collection::vec(prop_oneof![2 => Just(0usize), 3 => 1usize..6, 4 => 6usize..20], 60),
        sizes in prop_oneof![Just(vec![5, 4, 3]), Just(vec![10, 6]), Just(vec![3, 3, 3])],
    ) {
        let report = counted(&sizes, &counts, 5);
        prop_assert_eq!(attack::determined(&report), Vec::<usize>::new());
        prop_assert_eq!(attack::small_groups(&report, 5), Vec::<u64>::new());
    }
}
