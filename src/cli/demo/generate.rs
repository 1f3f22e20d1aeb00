//! Many fictitious records, made from a description: `seeds/<register>/generate.toml`.
//!
//! The description says in steps what is made: the last step is what `--records` counts, each earlier one makes one
//! record for `every` so many of those (a school for 2,000 employees, a post for 20). Record number `n` of a step is
//! always the same, whoever makes it and in whatever order: each value is drawn by dice that are seeded with the
//! description's seed, the step, the number and the place of the value.
//!
//! A value is described by one of
//!
//! | | |
//! | --- | --- |
//! | `{ fixed = … }` | this value |
//! | `{ text = "Post {n}" }` | a text; `{n}` is the record's number, `{n:7}` the same with seven digits, `{d:4}` four random digits |
//! | `{ pick = "list" }` | an item of a list of the description |
//! | `{ pick_by_sex = { code = "field", male = "list", female = "list" } }` | an item that suits the sex in a personal code |
//! | `{ personal_code = { born = ["1950-01-01", "2007-12-31"] } }` | a code of a person who does not exist, another for each number |
//! | `{ registry_code = 9100 }` | a registry code of a body that does not exist, another for each number from this one on |
//! | `{ date = ["2010-01-01", "2024-12-31"] }` | a day of a range |
//! | `{ integer = [1, 5] }` | a whole number of a range |
//! | `{ decimal = { from = "0.25", to = "1.00", step = "0.25" } }` | a decimal number of a range |
//! | `{ codelist = "name" }` | a code of a code list of the statute |
//! | `{ same = "field" }` | what another field of the record has |
//! | `{ ref = "step" }` | the record of an earlier step to which this one belongs |
//! | `{ group = { … } }` | several parts |
//! | `{ list = { of = …, items = [0, 3] } }` | several values |
//!
//! and `chance = 0.3` beside it lets it be there only in so many of the records.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::identity::{PersonalCode, Sex, check_ee};
use crate::domain::statute::Definition;

/// A description.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// User who enters everything.
    pub by: String,
    /// What the dice are seeded with.
    #[serde(default)]
    pub seed: u64,
    /// Lists to pick from.
    #[serde(default)]
    pub lists: BTreeMap<String, Vec<Value>>,
    /// Documents, entered once for each load; values may be counted from today as in seeds.
    #[serde(default, rename = "document")]
    pub documents: Vec<PlanDocument>,
    /// The steps.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// A base document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanDocument {
    /// Name in the description.
    pub name: String,
    /// What it is.
    pub data: Value,
}

/// A step: records of one type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// Name in the description.
    pub name: String,
    /// Record type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// One for so many records of the last step.
    #[serde(default = "one")]
    pub every: u64,
    /// Step of the institution it is entered for; none for institutions.
    pub institution: Option<String>,
    /// From when it is true.
    pub effective_on: Spec,
    /// Base documents by name.
    pub documents: Vec<String>,
    /// The data.
    pub data: BTreeMap<String, Spec>,
}

fn one() -> u64 {
    1
}

/// How a value is made, and how often it is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>")]
pub(super) struct Spec {
    chance: Option<f64>,
    how: How,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Fixed(Value),
    Text(String),
    Pick(String),
    PickBySex(PickBySex),
    PersonalCode(Born),
    RegistryCode(u32),
    Date([NaiveDate; 2]),
    Integer([i64; 2]),
    Decimal(Range),
    Codelist(String),
    Same(String),
    Ref(String),
    Group(BTreeMap<String, Spec>),
    List(Many),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PickBySex {
    code: String,
    male: String,
    female: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Born {
    born: [NaiveDate; 2],
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    #[serde(deserialize_with = "decimal")]
    from: Decimal,
    #[serde(deserialize_with = "decimal")]
    to: Decimal,
    #[serde(deserialize_with = "decimal")]
    step: Decimal,
}

fn decimal<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Decimal, D::Error> {
    String::deserialize(text)?
        .parse()
        .map_err(|_| serde::de::Error::custom("a decimal number is written as a text, \"0.25\""))
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    of: Box<Spec>,
    items: [u64; 2],
}

impl TryFrom<BTreeMap<String, Value>> for Spec {
    type Error = String;

    fn try_from(mut keys: BTreeMap<String, Value>) -> Result<Self, String> {
        let chance = match keys.remove("chance") {
            None => None,
            Some(chance) => {
                Some(chance.as_f64().filter(|c| (0.0..=1.0).contains(c)).ok_or("chance is a number from 0 to 1")?)
            }
        };
        if keys.len() != 1 {
            let names: Vec<&str> = keys.keys().map(String::as_str).collect();
            return Err(format!("a value is described by one key beside chance, not by [{}]", names.join(", ")));
        }
        let how = serde_json::from_value(json!(keys)).map_err(|e| e.to_string())?;
        Ok(Self { chance, how })
    }
}

/// The records made by earlier steps, in the order of their numbers, from the number at which this load began.
pub(super) type Made = HashMap<String, Vec<Uuid>>;

/// Makes the records of a plan.
#[derive(Debug)]
pub(super) struct Generator<'a> {
    plan: &'a Plan,
    definition: &'a Definition,
    /// Number of the first record of the last step in this load.
    start: u64,
}

/// One record about to be made.
struct Making<'a> {
    step: &'a Step,
    at: u64,
    made: &'a Made,
}

impl<'a> Generator<'a> {
    /// A generator that begins at the record number `start` of the last step.
    ///
    /// # Errors
    /// Every fault of the plan that can be seen before anything is made.
    pub(super) fn new(plan: &'a Plan, definition: &'a Definition, start: u64) -> Result<Self, Vec<String>> {
        let generator = Self { plan, definition, start };
        let mut faults = Vec::new();
        for (n, step) in plan.steps.iter().enumerate() {
            generator.check(n, step, &mut faults);
        }
        if plan.steps.last().is_none_or(|last| last.every != 1) {
            faults.push("the last step is what is counted: its `every` is 1".to_owned());
        }
        if faults.is_empty() { Ok(generator) } else { Err(faults) }
    }

    fn check(&self, n: usize, step: &Step, faults: &mut Vec<String>) {
        let mut fault = |what: String| faults.push(format!("step {}: {what}", step.name));
        let earlier = self.plan.steps.get(..n).unwrap_or_default();
        if step.every == 0 || earlier.iter().any(|e| e.every % step.every.max(1) != 0) {
            fault("`every` must divide that of each earlier step".into());
        }
        if !self.definition.record_types.iter().any(|t| t.name == step.record_type) {
            fault(format!("there is no record type {}", step.record_type));
        }
        if let Some(name) = &step.institution
            && !earlier.iter().any(|e| e.name == *name)
        {
            fault(format!("there is no earlier step {name}"));
        }
        for name in &step.documents {
            if !self.plan.documents.iter().any(|d| d.name == *name) {
                fault(format!("there is no document {name}"));
            }
        }
        let specs = step.data.iter().map(|(field, spec)| (field.as_str(), spec));
        for (field, spec) in specs.chain([("effective_on", &step.effective_on)]) {
            let mut found = Vec::new();
            self.check_spec(step, earlier, spec, &mut found);
            for what in found {
                fault(format!("{field}: {what}"));
            }
        }
    }

    fn check_spec(&self, step: &Step, earlier: &[Step], spec: &Spec, faults: &mut Vec<String>) {
        let list = |name: &String| self.plan.lists.get(name).is_some_and(|l| !l.is_empty());
        match &spec.how {
            How::Fixed(_) | How::Text(_) => {}
            How::Pick(name) if list(name) => {}
            How::Pick(name) => faults.push(format!("there is no list {name}")),
            How::PickBySex(by) => {
                if !(list(&by.male) && list(&by.female)) {
                    faults.push("there are no such lists".into());
                }
                let code = step.data.get(&by.code).map(|s| &s.how);
                if !matches!(code, Some(How::PersonalCode(_))) {
                    faults.push(format!("{} is no personal code", by.code));
                }
            }
            How::PersonalCode(Born { born: [from, to] }) | How::Date([from, to]) if from <= to => {}
            How::Integer([from, to]) if from <= to => {}
            How::Decimal(r) if r.from <= r.to && r.step > Decimal::ZERO => {}
            How::RegistryCode(from) if *from < LAST_BODY => {}
            How::RegistryCode(_) | How::PersonalCode(_) | How::Date(_) | How::Integer(_) | How::Decimal(_) => {
                faults.push("the range is empty".into());
            }
            How::Codelist(name) => {
                if !self.definition.codelists.iter().any(|l| l.name == *name && !l.codes.is_empty()) {
                    faults.push(format!("there is no code list {name}"));
                }
            }
            How::Same(name) => match step.data.get(name).map(|s| &s.how) {
                Some(How::Same(_)) | None => faults.push(format!("{name} cannot be copied")),
                Some(_) => {}
            },
            How::Ref(name) => {
                if !earlier.iter().any(|e| e.name == *name) {
                    faults.push(format!("there is no earlier step {name}"));
                }
            }
            How::Group(parts) => {
                for part in parts.values() {
                    self.check_spec(step, earlier, part, faults);
                }
            }
            How::List(many) => {
                if many.items[0] > many.items[1] {
                    faults.push("the range is empty".into());
                }
                self.check_spec(step, earlier, &many.of, faults);
            }
        }
    }

    /// How many records a step makes when the last one makes `records`.
    pub(super) fn count(step: &Step, records: u64) -> u64 {
        records.div_ceil(step.every.max(1))
    }

    /// Number of the next load's first record, so that no two loads share a record of any step.
    pub(super) fn next_start(&self, records: u64) -> u64 {
        let block = self.plan.steps.iter().map(|s| s.every).max().unwrap_or(1);
        self.start + records.div_ceil(block.max(1)) * block.max(1)
    }

    /// The institution of record `index` of this load's part of a step.
    pub(super) fn institution(&self, step: &Step, index: u64, made: &Made) -> Option<Uuid> {
        let making = Making { step, at: index, made };
        step.institution.as_ref().and_then(|name| self.related(&making, name))
    }

    /// The data of record `index` of this load's part of a step, and from when they are true.
    ///
    /// # Errors
    /// A plan that asks for the impossible, such as more codes than there are.
    pub(super) fn record(&self, step: &Step, index: u64, made: &Made) -> Result<(Value, NaiveDate), String> {
        let making = Making { step, at: index, made };
        let mut data = Map::new();
        for (field, spec) in &step.data {
            if let Some(value) = self.value(&making, field, spec)? {
                data.insert(field.clone(), value);
            }
        }
        let on = self
            .value(&making, "effective_on", &step.effective_on)?
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("step {}: effective_on is no day", step.name))?;
        Ok((Value::Object(data), on))
    }

    /// The number of a record within its step, over all loads.
    fn number(&self, making: &Making<'_>) -> u64 {
        self.start / making.step.every.max(1) + making.at
    }

    fn related(&self, making: &Making<'_>, name: &str) -> Option<Uuid> {
        let other = self.plan.steps.iter().find(|s| s.name == name)?;
        let index = making.at * making.step.every / other.every.max(1);
        making.made.get(name)?.get(usize::try_from(index).ok()?).copied()
    }

    fn value(&self, making: &Making<'_>, path: &str, spec: &Spec) -> Result<Option<Value>, String> {
        let number = self.number(making);
        let mut dice = Dice::new(self.plan.seed, &making.step.name, number, path);
        if spec.chance.is_some_and(|chance| !dice.chance(chance)) {
            return Ok(None);
        }
        let lost = |what: &str| format!("step {}: {path}: {what}", making.step.name);
        let value = match &spec.how {
            How::Fixed(value) => value.clone(),
            How::Text(text) => json!(fill(text, number, &mut dice)),
            How::Pick(list) => self.pick(list, &mut dice).ok_or_else(|| lost("nothing to pick"))?,
            How::PickBySex(by) => {
                let list = match self.code(making, &by.code)?.and_then(|c| c.sex()) {
                    Some(Sex::Male) => &by.male,
                    Some(Sex::Female) | None => &by.female,
                };
                self.pick(list, &mut dice).ok_or_else(|| lost("nothing to pick"))?
            }
            How::PersonalCode(_) => match self.code(making, path)? {
                Some(code) => json!(code.as_str()),
                None => return Err(lost("codes have run out")),
            },
            How::RegistryCode(from) => json!(body(*from, number).ok_or_else(|| lost("codes have run out"))?),
            How::Date([from, to]) => {
                let days = u64::try_from(to.signed_duration_since(*from).num_days()).unwrap_or(0);
                json!(*from + Days::new(dice.below(days + 1)))
            }
            How::Integer([from, to]) => {
                let span = to.abs_diff(*from).saturating_add(1);
                json!(from.saturating_add_unsigned(dice.below(span)))
            }
            How::Decimal(range) => {
                let steps = ((range.to - range.from) / range.step).trunc();
                let steps = u64::try_from(steps).unwrap_or(0);
                let value = range.from + range.step * Decimal::from(dice.below(steps + 1));
                json!(value.to_string())
            }
            How::Codelist(name) => {
                let list = self.definition.codelists.iter().find(|l| l.name == *name);
                let codes = list.map(|l| l.codes.as_slice()).unwrap_or_default();
                let at = dice.index(codes.len());
                json!(codes.get(at).ok_or_else(|| lost("no codes"))?.code)
            }
            How::Same(name) => {
                let Some(other) = making.step.data.get(name) else {
                    return Err(lost("there is no such field"));
                };
                return self.value(making, name, other);
            }
            How::Ref(name) => {
                json!(self.related(making, name).ok_or_else(|| lost("nothing to refer to"))?)
            }
            How::Group(parts) => {
                let mut group = Map::new();
                for (name, part) in parts {
                    if let Some(value) = self.value(making, &format!("{path}/{name}"), part)? {
                        group.insert(name.clone(), value);
                    }
                }
                Value::Object(group)
            }
            How::List(many) => {
                let [fewest, most] = many.items;
                let count = fewest + dice.below(most - fewest + 1);
                let mut items = Vec::new();
                for n in 0..count {
                    items.extend(self.value(making, &format!("{path}/{n}"), &many.of)?);
                }
                Value::Array(items)
            }
        };
        Ok(Some(value))
    }

    fn pick(&self, list: &str, dice: &mut Dice) -> Option<Value> {
        let list = self.plan.lists.get(list)?;
        list.get(dice.index(list.len())).cloned()
    }

    /// The personal code in the field `path` of a record: another for each number, as there are only so many for a
    /// birth day.
    fn code(&self, making: &Making<'_>, path: &str) -> Result<Option<PersonalCode>, String> {
        let Some(Spec { how: How::PersonalCode(Born { born }), .. }) = making.step.data.get(path) else {
            return Err(format!(
                "step {}: {path}: a personal code stands in a field of the record itself",
                making.step.name
            ));
        };
        let number = self.number(making);
        let sex = if Dice::new(self.plan.seed, &making.step.name, number, "sex").chance(0.5) {
            Sex::Female
        } else {
            Sex::Male
        };
        Ok(unique_code(*born, sex, number))
    }
}

/// Codes of bodies that do not exist begin with these digits.
const BODIES: &str = "759";
/// One more than the greatest number of such a body.
const LAST_BODY: u32 = 10_000;

/// The registry code of the `number`th body that does not exist, counted from `from`.
fn body(from: u32, number: u64) -> Option<String> {
    let at = u64::from(from).checked_add(number).filter(|n| *n < u64::from(LAST_BODY))?;
    (0..10).map(|check| format!("{BODIES}{at:04}{check}")).find(|code| check_ee(code).is_ok())
}

/// Serial numbers of a birth day that are the generator's own; the rest is for seeds.
const SERIALS: u64 = 500;
/// A prime that scatters consecutive numbers over the birth days.
const SCATTER: u64 = 7919;

/// The `number`th code of people born in a range; none when they have run out.
fn unique_code([from, to]: [NaiveDate; 2], sex: Sex, number: u64) -> Option<PersonalCode> {
    let days = u64::try_from(to.signed_duration_since(from).num_days()).ok()? + 1;
    let serial = number / days;
    if serial >= SERIALS {
        return None;
    }
    // Multiplied by a number without a common divisor, the days of a round are each met once.
    let factor = if days % SCATTER == 0 { 1 } else { SCATTER };
    let day = from.checked_add_days(Days::new((number % days) * factor % days))?;
    PersonalCode::fictitious_ee(day, sex, u16::try_from(serial).ok()?)
}

/// `{n}`, `{n:7}` and `{d:4}` replaced.
fn fill(text: &str, number: u64, dice: &mut Dice) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((what, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        let (kind, width) = what.split_once(':').unwrap_or((what, "1"));
        let width: usize = width.parse().unwrap_or(1);
        match kind {
            "n" => filled.push_str(&format!("{number:0width$}")),
            "d" => (0..width).for_each(|_| filled.push_str(&dice.below(10).to_string())),
            _ => filled.push_str(&format!("{{{what}}}")),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Dice that fall the same way for the same record and place (SplitMix64 over an FNV-1a hash).
struct Dice(u64);

impl Dice {
    fn new(seed: u64, step: &str, number: u64, path: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
        let bytes = step.bytes().chain([0]).chain(number.to_be_bytes()).chain(path.bytes());
        for byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1.
    fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound.max(1));
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap_or(1))).unwrap_or(0)
    }

    fn chance(&mut self, chance: f64) -> bool {
        const PARTS: u32 = 1_000_000;
        let drawn = u32::try_from(self.below(u64::from(PARTS))).unwrap_or(0);
        f64::from(drawn) < chance * f64::from(PARTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::Country;
    use std::collections::HashSet;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_million_codes_are_valid_and_all_different() {
        let born = [day("1950-01-01"), day("2007-12-31")];
        let today = day("2026-01-01");
        let mut seen = HashSet::new();
        for number in 0..1_000_000 {
            let sex = if number % 3 == 0 { Sex::Male } else { Sex::Female };
            let code = unique_code(born, sex, number).unwrap();
            if number % 997 == 0 {
                let read = PersonalCode::parse(Country::Ee, code.as_str(), today).unwrap();
                assert!((born[0]..=born[1]).contains(&read.birth_date()));
                assert_eq!(read.sex(), Some(sex));
            }
            let digits: u64 = code.as_str().parse().unwrap();
            assert!(seen.insert(digits), "{number}");
        }
    }

    #[test]
    fn codes_of_a_short_range_run_out_and_never_repeat() {
        let born = [day("1990-01-01"), day("1990-01-02")];
        let mut seen = HashSet::new();
        for number in 0..2 * SERIALS {
            let code = unique_code(born, Sex::Female, number).unwrap();
            assert!(seen.insert(code.as_str().to_owned()));
        }
        assert!(unique_code(born, Sex::Female, 2 * SERIALS).is_none());
    }

    #[test]
    fn dice_fall_the_same_way_again_and_within_their_bounds() {
        let throw = |path| Dice::new(1, "step", 7, path).below(1_000_000);
        assert_eq!(throw("a"), throw("a"));
        assert_ne!(throw("a"), throw("b"));
        let mut dice = Dice::new(1, "s", 1, "p");
        assert!((0..1000).all(|_| dice.below(3) < 3));
        let hits = (0..10_000).filter(|_| dice.chance(0.25)).count();
        assert!((2_200..2_800).contains(&hits), "{hits}");
        assert!(!dice.chance(0.0) && dice.chance(1.0));
    }

    #[test]
    fn texts_are_filled_in() {
        let mut dice = Dice::new(1, "s", 1, "p");
        assert_eq!(fill("Post {n}, {n:4} {x} {", 12, &mut dice), "Post 12, 0012 {x} {");
        let phone = fill("+3725{d:7}", 12, &mut dice);
        assert_eq!(phone.len(), 12);
        assert!(phone.chars().skip(1).all(|c| c.is_ascii_digit()));
    }

    #[test]
    fn a_description_names_one_way_for_each_value() {
        let read = |text: &str| serde_json::from_str::<Spec>(text).map_err(|e| e.to_string());
        assert!(read(r#"{ "fixed": 1, "chance": 0.5 }"#).is_ok());
        for wrong in [
            r#"{ "fixed": 1, "pick": "x" }"#,
            r#"{ "fxed": 1 }"#,
            r#"{ "chance": 0.5 }"#,
            r#"{ "fixed": 1, "chance": 2 }"#,
            r#"{ "decimal": { "from": "1", "to": "2" } }"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
