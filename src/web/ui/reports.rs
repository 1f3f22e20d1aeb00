//! Reports: statistics that are delivered, and overviews for whoever manages. Every chart has its numbers in the table
//! that it stands in.

use actix_web::http::StatusCode;
use askama::Template;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::frame::Fault;
use super::{Form, Frame, Page, Posted, Said, Shown, State, T, Visit, html, html_as, page};
use crate::app::files_of::{Made, Shape};
use crate::domain::publication::overview::{Column, OverviewView, Row};
use crate::domain::publication::report::{ReportView, UNKNOWN};
use crate::domain::registers::Register;
use crate::domain::statute::procedures::Overview;
use crate::store::acts::reports::NewDelivery;
use crate::web::api::reports::file;
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/reports", list, "report.list"),
    page!(Get "/r/{r}/reports/{name:[a-z0-9_]+}", show, "report.run"),
    page!(Get "/r/{r}/reports/{name:[a-z0-9_]+}/file", save, "report.run"),
    page!(Post "/r/{r}/reports/{name:[a-z0-9_]+}/deliver", deliver, "report.run"),
];

/// Width of a chart's longest bar.
const WIDEST: u64 = 1_000;

/// A report of the list.
struct ReportLine {
    label: String,
    clause: String,
    href: String,
    every: bool,
    due: String,
    overdue: bool,
    delivered: String,
}

/// An overview of the list.
struct OverviewLine {
    label: Said,
    of: Said,
    clause: String,
    href: String,
}

#[derive(Template)]
#[template(path = "ui/reports/list.html")]
struct ListPage {
    f: Frame,
    overviews: Vec<OverviewLine>,
    reports: Vec<ReportLine>,
    confirmations: bool,
    may_run: bool,
}

/// The reports and overviews of the register.
///
/// # Errors
/// As the act.
pub async fn list(state: State, visit: Visit) -> Shown {
    let t = visit.t;
    let register = visit.register(&state)?;
    let (name, source) = (register.name().to_owned(), &register.definition.register);
    let base = format!("/{}/r/{name}/reports", t.code());
    let may_run = visit.may("report.run");
    let mut reports = Vec::new();
    if may_run {
        let page = state.app.list_reports(visit.cx(), name.clone(), t.code().to_owned()).await?.into_inner();
        reports.extend(page.items.into_iter().map(|line| ReportLine {
            href: format!("{base}/{}", line.name),
            label: line.label,
            clause: line.clause.to_string(),
            every: line.every.is_some(),
            due: line.next_due.map(|day| t.day(day)).unwrap_or_default(),
            overdue: line.overdue,
            delivered: line.last_as_of.map(|day| t.day(day)).unwrap_or_default(),
        }));
    }
    let listed = |o: &&Overview| visit.signed.facts.lists.contains(&o.record_type);
    let overviews = source
        .overviews
        .iter()
        .filter(listed)
        .map(|o| OverviewLine {
            label: t.label(&o.label),
            of: register.record_type(&o.record_type).map(|k| t.label(&k.label)).unwrap_or_default(),
            clause: o.clause.to_string(),
            href: format!("{base}/{}", o.name),
        })
        .collect();
    html(&ListPage {
        f: visit.frame(&state, t.say("reports-title")),
        overviews,
        reports,
        confirmations: !source.confirmations.is_empty() && visit.may("confirmation.read"),
        may_run,
    })
}

/// A number of a table.
struct Number {
    head: String,
    text: String,
}

/// A line of a table.
struct Line {
    keys: Vec<(String, String)>,
    bar: u64,
    numbers: Vec<Number>,
    total: bool,
}

/// What is filled in to deliver a report.
struct Delivery {
    as_of: String,
    format: String,
    channel: String,
    note: String,
    recipient: String,
}

/// A table, and what is said of it.
struct Sheet {
    about: String,
    clause: String,
    keys: Vec<String>,
    heads: Vec<String>,
    /// What the bars show.
    chart: String,
    lines: Vec<Line>,
    notes: Vec<String>,
}

#[derive(Template)]
#[template(path = "ui/reports/show.html")]
struct ReportPage {
    f: Frame,
    faults: Vec<Fault>,
    sheet: Sheet,
    /// The address of this report, and what of the query goes with its files.
    path: String,
    query: String,
    institution: Option<String>,
    widest: u64,
    /// The day, where one can be chosen.
    day: Option<String>,
    delivery: Option<Delivery>,
}

/// Which of the two a name names.
enum Named {
    Report,
    Overview,
}

fn named(register: &Register, name: &str) -> Result<Named, Problem> {
    let source = &register.definition.register;
    if source.reports.iter().any(|r| r.name == name) {
        return Ok(Named::Report);
    }
    let known = source.overviews.iter().any(|o| o.name == name);
    known.then_some(Named::Overview).ok_or_else(Problem::not_found)
}

/// A report or an overview: its table, with the chart in it.
///
/// # Errors
/// As the act.
pub async fn show(state: State, visit: Visit) -> Shown {
    html(&page_of(&state, &visit, None, Vec::new()).await?)
}

async fn page_of(state: &State, visit: &Visit, form: Option<&Form>, faults: Vec<Fault>) -> Result<ReportPage, Problem> {
    let t = visit.t;
    let register = visit.register(state)?;
    let (name, which) = (register.name().to_owned(), visit.word("name").to_owned());
    let language = t.code().to_owned();
    let frame = |title: &str| {
        let frame = visit.frame(state, title).crumb(t.say("reports-title"), &format!("/r/{name}/reports"));
        if faults.is_empty() { frame } else { frame.faulty() }
    };
    let path = format!("/{}/r/{name}/reports/{which}", t.code());
    match named(&register, &which)? {
        Named::Report => {
            let day = visit.q_day("as_of")?;
            let run = state.app.run_report(visit.cx(), name.clone(), which, day, language).await;
            let view = run.map_err(|e| Problem::from(e).of_query())?.into_inner();
            let value = |n: &str, or: &str| form.map_or_else(|| or.to_owned(), |form| form.value(n).to_owned());
            Ok(ReportPage {
                f: frame(&view.label),
                sheet: report_sheet(t, &view),
                path,
                query: day.map(|day| format!("&as_of={day}")).unwrap_or_default(),
                institution: None,
                widest: WIDEST,
                day: Some(t.day(view.as_of)),
                delivery: Some(Delivery {
                    as_of: value("as_of", &t.day(view.as_of)),
                    format: value("format", "xlsx"),
                    channel: value("channel", ""),
                    note: value("note", ""),
                    recipient: view.recipient.clone(),
                }),
                faults,
            })
        }
        Named::Overview => {
            let only = visit.q_id("institution")?;
            let view = state.app.overview(visit.cx(), name.clone(), which, only, language).await?.into_inner();
            let grants = &visit.signed.facts.grants;
            let own = only.and_then(|id| grants.iter().find(|g| g.institution_id == Some(id)));
            let called = || own.and_then(|g| g.institution.clone()).unwrap_or_else(|| t.say("reports-one-institution"));
            Ok(ReportPage {
                f: frame(&view.label),
                sheet: overview_sheet(t, &view),
                path,
                query: only.map(|id| format!("&institution={id}")).unwrap_or_default(),
                institution: only.map(|_| called()),
                widest: WIDEST,
                day: None,
                delivery: None,
                faults,
            })
        }
    }
}

fn count(t: T, n: u64) -> String {
    t.decimal(&n.to_string())
}

/// How long the bar of `part` is, where `whole` has the longest.
fn bar(part: u64, whole: u64) -> u64 {
    part.saturating_mul(WIDEST).checked_div(whole).unwrap_or(0)
}

/// Thousandths of a number, for a bar.
fn thousandths(value: Option<Decimal>) -> u64 {
    value.and_then(|v| v.checked_mul(Decimal::ONE_THOUSAND)?.to_u64()).unwrap_or(0)
}

fn overview_sheet(t: T, view: &OverviewView) -> Sheet {
    // What a measure says is what the overview is about; without one it is the count.
    let weight = |row: &Row| match row.values.first() {
        Some(value) => thousandths(*value),
        None => row.people.unwrap_or(row.records),
    };
    let longest = view.rows.iter().map(weight).max().unwrap_or(0);
    let counted = if view.counts_people { t.say("reports-people") } else { t.say("reports-records") };
    let mut heads = vec![t.say("reports-records")];
    heads.extend(view.counts_people.then(|| t.say("reports-people")));
    heads.extend(view.measures.iter().map(|m| m.label.clone()));
    let amount = |column: &Column, value: Option<Decimal>| match value {
        None => "–".to_owned(),
        Some(value) if column.money => t.money(&value.to_string()),
        Some(value) => t.decimal(&value.to_string()),
    };
    let line = |row: &Row, total: bool| {
        let mut texts = vec![count(t, row.records)];
        texts.extend(row.people.map(|n| count(t, n)));
        texts.extend(view.measures.iter().zip(&row.values).map(|(column, value)| amount(column, *value)));
        let mut labels = row.labels.clone();
        labels.resize(view.by.len().max(1), String::new());
        Line {
            keys: view.by.iter().map(|c| c.label.clone()).zip(labels).collect(),
            bar: if total { 0 } else { bar(weight(row), longest) },
            numbers: heads.iter().cloned().zip(texts).map(|(head, text)| Number { head, text }).collect(),
            total,
        }
    };
    let mut lines: Vec<Line> = view.rows.iter().map(|row| line(row, false)).collect();
    if !lines.is_empty() {
        lines.push(line(&view.total, true));
    }
    let mut notes = Vec::new();
    if view.hidden > 0 {
        notes.push(t.say_with("reports-hidden", &[("n", &count(t, view.hidden))]));
    }
    if view.cut {
        notes.push(t.say("reports-cut"));
    }
    Sheet {
        about: t.say_with("reports-as-of", &[("day", &t.day(view.as_of))]),
        clause: view.clause.to_string(),
        keys: view.by.iter().map(|c| c.label.clone()).collect(),
        chart: view.measures.first().map_or(counted, |m| m.label.clone()),
        heads,
        lines,
        notes,
    }
}

fn report_sheet(t: T, view: &ReportView) -> Sheet {
    // Totals would make all other bars short.
    let whole = |cell: &crate::domain::publication::statistics::Cell| cell.keys.iter().all(Option::is_some);
    let longest = view.cells.iter().filter(|c| whole(c)).filter_map(|c| c.count).max().unwrap_or(0);
    let mut heads = vec![t.say("reports-units")];
    heads.extend(view.measures.iter().map(|m| m.label.clone()));
    let lines = view
        .cells
        .iter()
        .map(|cell| {
            let keys = view.dimensions.iter().zip(&cell.keys).map(|(dimension, key)| {
                let text = match key.as_deref() {
                    None => t.say("reports-total"),
                    Some(code) => match dimension.codes.get(code) {
                        Some(label) => label.clone(),
                        None if code == UNKNOWN => t.say("reports-unknown"),
                        None => code.to_owned(),
                    },
                };
                (dimension.label.clone(), text)
            });
            let withheld = || t.say("reports-withheld");
            let mut texts = vec![cell.count.map_or_else(withheld, |n| count(t, n))];
            texts.extend(cell.values.iter().map(|v| v.map_or_else(|| "–".to_owned(), |v| t.decimal(&v.to_string()))));
            Line {
                keys: keys.collect(),
                bar: if whole(cell) { bar(cell.count.unwrap_or(0), longest) } else { 0 },
                numbers: heads.iter().cloned().zip(texts).map(|(head, text)| Number { head, text }).collect(),
                total: !whole(cell),
            }
        })
        .collect();
    Sheet {
        about: t.say_with("reports-for", &[("recipient", &view.recipient), ("day", &t.day(view.as_of))]),
        clause: view.clause.to_string(),
        keys: view.dimensions.iter().map(|d| d.label.clone()).collect(),
        chart: t.say("reports-units"),
        heads,
        lines,
        notes: vec![t.say_with("reports-threshold", &[("n", &count(t, view.threshold))])],
    }
}

/// A report or an overview as a file.
///
/// # Errors
/// As the act.
pub async fn save(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let (name, which) = (register.name().to_owned(), visit.word("name").to_owned());
    let shape = if visit.q("format") == Some("csv") { Shape::Csv } else { Shape::Xlsx };
    let language = visit.t.code().to_owned();
    let made = match named(&register, &which)? {
        Named::Report => {
            let day = visit.q_day("as_of")?;
            let made = state.app.report_file(visit.cx(), name, which, day, language, shape).await;
            made.map_err(|e| Problem::from(e).of_query())?
        }
        Named::Overview => {
            let only = visit.q_id("institution")?;
            state.app.overview_file(visit.cx(), name, which, only, language, shape).await?
        }
    };
    Ok(file(StatusCode::OK, made))
}

/// Delivers a report: the file comes to be sent on, and the ledger knows its digest.
///
/// # Errors
/// As the act.
pub async fn deliver(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let (name, report) = (visit.word("r").to_owned(), visit.word("name").to_owned());
    let again = async |problem: Problem| {
        let faults = Fault::of(visit.t, &problem, |pointer| Some(pointer.trim_start_matches('/').to_owned()));
        html_as(StatusCode::UNPROCESSABLE_ENTITY, &page_of(&state, visit, Some(form), faults).await?)
    };
    let as_of = match form.day("as_of") {
        Ok(day) => day,
        Err(problem) => return again(problem).await,
    };
    let shape = Shape::parse(form.value("format")).filter(|s| matches!(s, Shape::Csv | Shape::Xlsx | Shape::Json));
    let shape = shape.unwrap_or(Shape::Xlsx);
    let new = NewDelivery {
        report: report.clone(),
        as_of,
        format: shape.as_str().to_owned(),
        channel: form.text("channel").unwrap_or_default().to_owned(),
        note: form.text("note").map(str::to_owned),
        language: visit.t.code().to_owned(),
    };
    match state.app.deliver_report(posted.cx(&state), name, new).await.map_err(Problem::from) {
        Ok(done) => {
            let done = done.into_inner();
            Ok(file(StatusCode::OK, Made::new(format!("{report}-{}", done.as_of), shape, done.bytes)))
        }
        Err(problem) if problem.kind == Kind::Invalid => again(problem).await,
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_whole_and_nothing_has_none() {
        assert_eq!([bar(5, 5), bar(1, 4), bar(0, 4), bar(3, 0)], [WIDEST, 250, 0, 0]);
        assert_eq!(thousandths(Some("1.25".parse().unwrap())), 1_250);
        assert_eq!(thousandths(Some("-1".parse().unwrap())), 0, "what is below nothing has no bar");
    }
}
