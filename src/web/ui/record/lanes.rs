//! What of a record is drawn over time, chosen from the definition alone: references to other records, loads, money,
//! codes that change, and lists of groups that have a first and a last day.

use chrono::NaiveDate;
use serde_json::Value;

use super::Opened;
use super::show::Show;
use crate::domain::calendar::parse_day;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Field, FieldType};
use crate::web::ui::svg::{Lane, Span, Tone};

/// Most lanes of a card.
const MOST: usize = 6;

/// The parts of a group that say from when to when: those that a rule names, else the first two days.
fn days_of<'f>(kind: &'f RecordType, group: &'f Field) -> Option<(&'f str, &'f str)> {
    let ruled = kind.rules.iter().filter(|r| r.of.as_deref() == Some(group.name.as_str()));
    let mut ruled = ruled.filter_map(|r| r.from.as_deref().zip(r.to.as_deref()));
    let mut dates = group.parts.iter().filter(|p| p.kind == FieldType::Date).map(|p| p.name.as_str());
    ruled.next().or_else(|| dates.next().zip(dates.next()))
}

/// The lanes of a record, the weightiest first.
pub fn lanes(opened: &Opened, show: Show<'_>) -> Vec<Lane> {
    let kind = &opened.kind;
    let ends = kind.lifecycle.as_ref().and_then(|l| {
        let path = crate::domain::statute::path::FieldPath::parse(&l.ends).ok()?;
        path.get(&opened.view.data)?.as_str().and_then(parse_day)
    });
    let mut found: Vec<(u8, Lane)> = Vec::new();
    let seen = |f: &&Field| f.section.as_ref().is_none_or(|s| !opened.view.redacted.contains(s));
    for field in kind.fields.iter().filter(seen) {
        let lane = match field.kind {
            FieldType::Group if field.repeats => of_group(opened, show, kind, field),
            _ if field.repeats || field.derived.is_some() => None,
            FieldType::Reference => of_steps(opened, show, field, Tone::Place, 1, ends).map(|lane| (0, lane)),
            FieldType::Load => of_steps(opened, show, field, Tone::Amount, 1, ends).map(|lane| (1, lane)),
            FieldType::Money => of_steps(opened, show, field, Tone::Money, 1, ends).map(|lane| (2, lane)),
            FieldType::Code => of_steps(opened, show, field, Tone::Place, 2, ends).map(|lane| (4, lane)),
            FieldType::Decimal | FieldType::Integer | FieldType::Percentage => {
                of_steps(opened, show, field, Tone::Amount, 2, ends).map(|lane| (5, lane))
            }
            _ => None,
        };
        found.extend(lane);
    }
    found.sort_by_key(|(weight, _)| *weight);
    found.into_iter().map(|(_, lane)| lane).take(MOST).collect()
}

/// A field of its own: a span for each value that held.
fn of_steps(
    opened: &Opened,
    show: Show<'_>,
    field: &Field,
    tone: Tone,
    least: usize,
    ends: Option<NaiveDate>,
) -> Option<Lane> {
    let steps = opened.story.steps.get(&field.name).filter(|s| s.len() >= least)?;
    let spans = steps.iter().filter_map(|step| {
        let text = show.brief(&field.name, field, step.new.as_ref()?);
        let until = match (step.until, ends) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Some(Span { from: step.from, until: until.map(|u| u.max(step.from)), text, tone })
    });
    let spans: Vec<Span> = spans.collect();
    (!spans.is_empty()).then(|| Lane { name: capital(&show.t.label(&field.label).text), spans })
}

/// A list of groups with days: a span for each item.
fn of_group(opened: &Opened, show: Show<'_>, kind: &RecordType, field: &Field) -> Option<(u8, Lane)> {
    let (from, to) = days_of(kind, field)?;
    let items = opened.view.data.get(&field.name)?.as_array()?;
    let said = field.parts.iter().find(|p| p.kind == FieldType::Money).or_else(|| {
        let telling = |k: FieldType| field.parts.iter().find(move |p| p.kind == k);
        telling(FieldType::Reference).or_else(|| telling(FieldType::Code)).or_else(|| telling(FieldType::Text))
    })?;
    let is_money = said.kind == FieldType::Money;
    // Money is what it is paid for too, where there are several kinds at a time.
    let kinds = field.parts.iter().find(|p| p.kind == FieldType::Code).filter(|_| is_money);
    let day = |item: &Value, part: &str| item.get(part).and_then(Value::as_str).and_then(parse_day);
    let mut several: Vec<&Value> =
        kinds.map(|k| items.iter().filter_map(|i| i.get(&k.name)).collect()).unwrap_or_default();
    several.dedup();
    let spans = items.iter().filter_map(|item| {
        let text = show.brief(&field.name, said, item.get(&said.name)?);
        let kind =
            kinds.filter(|_| several.len() > 1).and_then(|k| Some(show.brief(&field.name, k, item.get(&k.name)?)));
        let text = kind.map_or(text.clone(), |kind| format!("{text} · {kind}"));
        let begins = day(item, from)?;
        let until = day(item, to).map(|u| u.max(begins));
        Some(Span { from: begins, until, text, tone: if is_money { Tone::Money } else { Tone::Away } })
    });
    let spans: Vec<Span> = spans.collect();
    let weight = if is_money { 2 } else { 3 };
    (!spans.is_empty()).then(|| (weight, Lane { name: capital(&show.t.label(&field.label).text), spans }))
}

/// With a capital at the beginning: labels of a statute have none.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
