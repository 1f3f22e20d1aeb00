//! Paths that lead on into another record: through a reference (`post/post_title`), or to the institution that owns the
//! record (`institution/institution_kind`). One step and no further.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::path::{FieldPath, PathStep};
use crate::domain::statute::{Definition, RecordType};

/// First step of a path into the institution that owns the record, where the record has no field of that name.
pub const INSTITUTION: &str = "institution";

/// A path of a record type, and where it leads.
#[derive(Debug)]
pub struct Reach<'d> {
    /// The path as the definition writes it.
    pub text: &'d str,
    /// The field that it names in the end.
    pub field: &'d Field,
    /// Whether it passes a list, so that it leads to several values.
    pub is_open: bool,
    path: FieldPath,
    /// The record that a named reference leads to, for its title.
    titled: Option<&'d RecordType>,
    /// The rest of the path, in another record.
    onward: Option<FieldPath>,
}

impl<'d> Reach<'d> {
    /// Where `text` leads from records of `record_type`; `None` when nowhere, or further than one record on.
    pub fn of(definition: &'d Definition, record_type: &'d RecordType, text: &'d str) -> Option<Self> {
        Self::among(&definition.record_types, &definition.register.institutions.record_type, record_type, text)
    }

    fn among(types: &'d [RecordType], institutions: &str, record_type: &'d RecordType, text: &'d str) -> Option<Self> {
        let path = FieldPath::parse(text).ok()?;
        let type_named = |name: &str| types.iter().find(|t| t.name == name);
        if let Some(field) = path.resolve(&record_type.fields) {
            let titled = field.refers_to.as_deref().and_then(type_named);
            if field.kind == FieldType::Reference && titled.is_none() {
                return None;
            }
            let is_open = path.open_list(&record_type.fields).is_some();
            return Some(Self { text, field, is_open, path, titled, onward: None });
        }
        let (first, rest) = text.split_once('/')?;
        let target = match record_type.fields.iter().find(|f| f.name == first) {
            Some(field) if field.kind == FieldType::Reference && !field.repeats => {
                field.refers_to.as_deref().and_then(type_named)?
            }
            None if first == INSTITUTION => type_named(institutions)?,
            Some(_) | None => return None,
        };
        let onward = FieldPath::parse(rest).ok()?;
        let field = onward.resolve(&target.fields).filter(|f| f.kind != FieldType::Reference)?;
        let is_open = onward.open_list(&target.fields).is_some();
        Some(Self { text, field, is_open, path, titled: None, onward: Some(onward) })
    }

    /// Whether it names a field of another record.
    pub fn leads_on(&self) -> bool {
        self.onward.is_some()
    }

    /// The type of the record by whose title it is shown.
    pub fn titled(&self) -> Option<&'d RecordType> {
        self.titled
    }

    /// The id of the record into which the path leads.
    fn other<'v>(&self, data: &'v Value, institution_id: &'v str) -> Option<&'v str> {
        let first = &self.path.steps().first()?.name;
        match data.get(first) {
            Some(value) => value.as_str(),
            None => (first == INSTITUTION).then_some(institution_id),
        }
    }

    /// Ids of the other records whose data it takes.
    pub fn needs(&self, data: &Value, institution_id: &str) -> Vec<String> {
        if self.onward.is_some() {
            return self.other(data, institution_id).map(str::to_owned).into_iter().collect();
        }
        let mut ids = Vec::new();
        if self.titled.is_some() {
            walk(data, self.path.steps(), &mut |value| match value {
                Value::Array(list) => ids.extend(list.iter().filter_map(Value::as_str).map(str::to_owned)),
                one => ids.extend(one.as_str().map(str::to_owned)),
            });
        }
        ids
    }

    /// Puts what it leads to into `out`, nested as in the record; lists keep their order and length.
    pub fn put(
        &self,
        data: &Value,
        institution_id: &str,
        others: &HashMap<String, Value>,
        out: &mut Map<String, Value>,
    ) {
        if let Some(onward) = &self.onward {
            let other = self.other(data, institution_id).and_then(|id| others.get(id));
            let (Some(other), Some(first)) = (other, self.path.steps().first()) else { return };
            if let Value::Object(inner) = out.entry(first.name.clone()).or_insert_with(|| Value::Object(Map::new())) {
                copy(other, onward.steps(), inner, &|value| Some(value.clone()));
            }
            return;
        }
        match self.titled {
            None => copy(data, self.path.steps(), out, &|value| Some(value.clone())),
            Some(kind) => copy(data, self.path.steps(), out, &|value| {
                let title =
                    |id: &Value| others.get(id.as_str()?).and_then(|data| kind.title_of(data)).map(Value::String);
                match value {
                    Value::Array(ids) => Some(Value::Array(ids.iter().filter_map(title).collect())),
                    id => title(id),
                }
            }),
        }
    }

    /// Puts what an earlier row has of it into `out`.
    pub fn keep(&self, row: &Value, out: &mut Map<String, Value>) {
        copy(row, self.path.steps(), out, &|value| Some(value.clone()));
    }

    /// The one value that it leads to; nothing where there are none or several.
    pub fn value<'v>(
        &self,
        data: &'v Value,
        institution_id: &'v str,
        others: &'v HashMap<String, Value>,
    ) -> Option<&'v Value> {
        match &self.onward {
            Some(onward) => onward.get(others.get(self.other(data, institution_id)?)?),
            None => self.path.get(data),
        }
    }

    /// What it has [put](Self::put) into a row: a value, or a list of values where it passes a list.
    pub fn cell(&self, row: &Value) -> Value {
        if !self.is_open {
            let mut found = Value::Null;
            walk(row, self.path.steps(), &mut |value| found = value.clone());
            return found;
        }
        let mut found = Vec::new();
        walk(row, self.path.steps(), &mut |value| match value {
            Value::Array(items) => found.extend(items.iter().cloned()),
            one => found.push(one.clone()),
        });
        Value::Array(found)
    }
}

/// The member under which a step stands in a row. Two choices from one list are two members.
fn member(step: &PathStep) -> String {
    match &step.chosen {
        None => step.name.clone(),
        Some(choice) => format!("{}[{}={}]", step.name, choice.part, choice.value),
    }
}

/// The value of a step in data, or in a row made from them.
fn enter<'v>(here: &'v Value, step: &PathStep) -> Option<&'v Value> {
    if let Some(chosen) = step.chosen.as_ref() {
        if let Some(shown) = here.get(member(step)) {
            return Some(shown);
        }
        let is_it = |item: &&Value| match item.get(&chosen.part) {
            Some(Value::String(text)) => *text == chosen.value,
            Some(Value::Number(number)) => number.to_string() == chosen.value,
            Some(Value::Bool(yes)) => yes.to_string() == chosen.value,
            _ => false,
        };
        return here.get(&step.name)?.as_array()?.iter().find(is_it);
    }
    here.get(&step.name).filter(|v| !v.is_null())
}

/// Visits every value that `steps` lead to.
fn walk(here: &Value, steps: &[PathStep], visit: &mut dyn FnMut(&Value)) {
    let Some((step, rest)) = steps.split_first() else { return visit(here) };
    let Some(value) = enter(here, step) else { return };
    match value {
        Value::Array(items) if !rest.is_empty() => items.iter().for_each(|item| walk(item, rest, visit)),
        one => walk(one, rest, visit),
    }
}

/// Copies what `steps` lead to from `here` into `out`, through `leaf`.
fn copy(here: &Value, steps: &[PathStep], out: &mut Map<String, Value>, leaf: &dyn Fn(&Value) -> Option<Value>) {
    let Some((step, rest)) = steps.split_first() else { return };
    let Some(value) = enter(here, step) else { return };
    let name = member(step);
    if rest.is_empty() {
        out.extend(leaf(value).map(|value| (name, value)));
        return;
    }
    match value {
        Value::Array(items) => {
            let made = || Value::Array(vec![Value::Object(Map::new()); items.len()]);
            if let Value::Array(shown) = out.entry(name).or_insert_with(made) {
                for (item, shown) in items.iter().zip(shown) {
                    if let Value::Object(inner) = shown {
                        copy(item, rest, inner, leaf);
                    }
                }
            }
        }
        group => {
            if let Value::Object(inner) = out.entry(name).or_insert_with(|| Value::Object(Map::new())) {
                copy(group, rest, inner, leaf);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SCHOOL: &str = r#"
      name = "school"
      label.et = "x"
      clause = "§ 1"
      title = ["name"]
      base_documents = []
      section = []
      field = [{ name = "name", type = "text", label.et = "x" }]
    "#;

    const THING: &str = r#"
      name = "thing"
      label.et = "x"
      clause = "§ 1"
      title = ["name", "mark"]
      base_documents = []
      section = []
      field = [
        { name = "name", type = "text", label.et = "x" },
        { name = "mark", type = "text", label.et = "x" },
        { name = "secret", type = "text", label.et = "x" },
        { name = "part_of", type = "reference", refers_to = "thing", label.et = "x" },
        { name = "near", type = "reference", refers_to = "thing", repeats = true, label.et = "x" },
        { name = "sails", type = "group", repeats = true, label.et = "x", part = [
          { name = "kind", type = "text", label.et = "x" },
          { name = "area", type = "decimal", label.et = "x" },
          { name = "cost", type = "money", label.et = "x" } ] },
      ]
    "#;

    fn types() -> Vec<RecordType> {
        [THING, SCHOOL].map(|text| toml::from_str(text).unwrap()).into()
    }

    fn reach<'d>(types: &'d [RecordType], path: &'d str) -> Option<Reach<'d>> {
        Reach::among(types, "school", &types[0], path)
    }

    fn shown(paths: &[&str], data: &Value, others: &HashMap<String, Value>) -> Value {
        let types = types();
        let mut out = Map::new();
        for path in paths {
            reach(&types, path).unwrap().put(data, "i", others, &mut out);
        }
        Value::Object(out)
    }

    #[test]
    fn only_what_is_named_is_shown_and_rows_of_a_list_stay_together() {
        let data = json!({ "name": "Kajakas", "secret": "s", "sails": [
            { "kind": "jib", "cost": "9.00" }, { "kind": "main", "area": "20", "cost": "8.00" }] });
        assert_eq!(
            shown(&["name", "sails/kind", "sails/area"], &data, &HashMap::new()),
            json!({ "name": "Kajakas", "sails": [{ "kind": "jib" }, { "kind": "main", "area": "20" }] })
        );
        assert_eq!(
            shown(&["sails[kind=main]/area"], &data, &HashMap::new()),
            json!({ "sails[kind=main]": { "area": "20" } })
        );
    }

    #[test]
    fn a_reference_is_shown_by_title_and_leads_one_record_on() {
        let data = json!({ "part_of": "b", "near": ["b", "c"] });
        let others: HashMap<String, Value> = [
            ("b".to_owned(), json!({ "name": "Laev", "mark": "II", "secret": "s" })),
            ("i".to_owned(), json!({ "name": "Kool" })),
        ]
        .into();
        assert_eq!(
            shown(&["part_of", "near"], &data, &others),
            json!({ "part_of": "Laev II", "near": ["Laev II"] }),
            "what is not there is not shown, least of all by its id"
        );
        assert_eq!(shown(&["part_of/mark"], &data, &others), json!({ "part_of": { "mark": "II" } }));
        assert_eq!(shown(&["institution/name"], &data, &others), json!({ "institution": { "name": "Kool" } }));
        let types = types();
        for wrong in ["keel", "name/x", "near/mark", "part_of/part_of", "institution/keel", "part_of/part_of/name"] {
            assert!(reach(&types, wrong).is_none(), "{wrong}");
        }
        assert_eq!(reach(&types, "part_of/mark").unwrap().needs(&data, "i"), ["b"]);
        assert_eq!(reach(&types, "institution/name").unwrap().needs(&data, "i"), ["i"]);
        assert_eq!(reach(&types, "near").unwrap().needs(&data, "i"), ["b", "c"]);
    }

    #[test]
    fn a_cell_is_a_value_or_the_values_of_a_list() {
        let types = types();
        let row = json!({ "name": "Kajakas", "sails": [{ "kind": "jib" }, { "kind": "main" }] });
        let cell = |path| reach(&types, path).unwrap().cell(&row);
        assert_eq!(cell("name"), json!("Kajakas"));
        assert_eq!(cell("sails/kind"), json!(["jib", "main"]));
        assert_eq!(cell("mark"), Value::Null);
    }
}
