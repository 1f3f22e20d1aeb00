//! How a definition points at a field: `name`, `group/part`, `list[part=value]/part`.
//!
//! Paths are read once and then used twice: to find the [`Field`] they name ([`FieldPath::resolve`]), which
//! the lint asks, and to find the value in a record's data ([`FieldPath::get`]), which the engine asks.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::definition::{Field, FieldType};

/// A path to a field of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    steps: Vec<PathStep>,
}

/// One step of a path: a name and, where it names a list, which item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathStep {
    /// Name of the field or part.
    pub name: String,
    /// Which item of a list: the first whose part has this value.
    pub chosen: Option<Choice>,
}

/// The item of a list that a path goes on with: `[part=value]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice {
    /// Part of the item.
    pub part: String,
    /// Its value, as text.
    pub value: String,
}

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// A name is missing, at the start, the end, or between two slashes.
    #[error("a name is missing")]
    NameMissing,
    /// A name has other than lower-case letters, digits and underscores.
    #[error("`{0}` is not a machine name")]
    Name(String),
    /// A `[` without its `]`.
    #[error("`[` is not closed")]
    Unclosed,
    /// Between the brackets stands something other than `part=value`.
    #[error("`[{0}]` is not of the form `[part=value]`")]
    Choice(String),
    /// Text follows a `]` that is not a slash.
    #[error("`]` is followed by `{0}`")]
    Trailing(String),
}

impl FieldPath {
    /// Reads a path.
    ///
    /// # Errors
    /// Says what is wrong with the first step that is no step.
    pub fn parse(text: &str) -> Result<Self, PathFault> {
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            let (name, after) = split_before(rest, &['/', '[']);
            if name.is_empty() {
                return Err(PathFault::NameMissing);
            }
            if !is_machine_name(name) {
                return Err(PathFault::Name(name.to_owned()));
            }
            let (chosen, after) = match after.strip_prefix('[') {
                None => (None, after),
                Some(inner) => {
                    let (inner, after) = inner.split_once(']').ok_or(PathFault::Unclosed)?;
                    (Some(Choice::parse(inner)?), after)
                }
            };
            steps.push(PathStep { name: name.to_owned(), chosen });
            if after.is_empty() {
                return Ok(Self { steps });
            }
            rest = after.strip_prefix('/').ok_or_else(|| PathFault::Trailing(after.to_owned()))?;
        }
    }

    /// The steps, at least one.
    pub fn steps(&self) -> &[PathStep] {
        &self.steps
    }

    /// The field that the path names among `fields`, or nothing: when a name is unknown, when a step goes on
    /// from a field without parts, or when it chooses an item of what is not a list.
    pub fn resolve<'a>(&self, fields: &'a [Field]) -> Option<&'a Field> {
        self.along(fields).last().flatten()
    }

    /// Every field that the path passes, the named one last; ends with `None` where it leads nowhere.
    pub fn along<'a, 'p>(&'p self, fields: &'a [Field]) -> impl Iterator<Item = Option<&'a Field>> + use<'a, 'p> {
        let mut here = Some(fields);
        self.steps.iter().map(move |step| {
            let field = here?.iter().find(|f| f.name == step.name).filter(|f| step.fits(f));
            here = field.map(|f| f.parts.as_slice());
            field
        })
    }

    /// The first list on the way of which no item is chosen, so that the path leads to several values.
    pub fn open_list<'a>(&self, fields: &'a [Field]) -> Option<&'a Field> {
        self.steps
            .iter()
            .zip(self.along(fields))
            .find_map(|(step, field)| field.filter(|f| f.repeats && step.chosen.is_none()))
    }

    /// The value at this path in the data of a record; `null` is no value.
    ///
    /// A path that goes through a list without choosing an item has no value there: it would have several.
    pub fn get<'v>(&self, data: &'v Value) -> Option<&'v Value> {
        self.steps.iter().try_fold(data, |here, step| step.get(here)).filter(|value| !value.is_null())
    }
}

impl FieldPath {
    /// Every value at this path: one for each item of the lists that it leads through; `null` is none.
    pub fn values<'v>(&self, data: &'v Value) -> Vec<&'v Value> {
        let flat = |value: &'v Value| match value {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        };
        self.steps
            .iter()
            .fold(vec![data], |here, step| here.into_iter().filter_map(|v| step.get(v)).flat_map(flat).collect())
            .into_iter()
            .filter(|v: &&Value| !v.is_null())
            .collect()
    }
}

impl PathStep {
    fn fits(&self, field: &Field) -> bool {
        self.chosen.as_ref().is_none_or(|choice| {
            field.repeats && field.kind == FieldType::Group && field.parts.iter().any(|p| p.name == choice.part)
        })
    }

    fn get<'v>(&self, here: &'v Value) -> Option<&'v Value> {
        let value = here.get(&self.name)?;
        match &self.chosen {
            None => Some(value),
            Some(choice) => value.as_array()?.iter().find(|item| choice.is_met_by(item)),
        }
    }
}

impl Choice {
    fn parse(text: &str) -> Result<Self, PathFault> {
        match text.split_once('=') {
            Some((part, value)) if is_machine_name(part) && !value.is_empty() && !value.contains('[') => {
                Ok(Self { part: part.to_owned(), value: value.to_owned() })
            }
            _ => Err(PathFault::Choice(text.to_owned())),
        }
    }

    /// Whether `item` is one that is chosen.
    pub fn is_met_by(&self, item: &Value) -> bool {
        match item.get(&self.part) {
            Some(Value::String(text)) => *text == self.value,
            Some(Value::Number(number)) => number.to_string() == self.value,
            Some(Value::Bool(flag)) => flag.to_string() == self.value,
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
        }
    }
}

impl FromStr for FieldPath {
    type Err = PathFault;

    fn from_str(text: &str) -> Result<Self, PathFault> {
        Self::parse(text)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            if i > 0 {
                f.write_str("/")?;
            }
            f.write_str(&step.name)?;
            if let Some(Choice { part, value }) = &step.chosen {
                write!(f, "[{part}={value}]")?;
            }
        }
        Ok(())
    }
}

/// Whether `text` is a machine name: a lower-case letter, then lower-case letters, digits and underscores.
pub fn is_machine_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn split_before<'t>(text: &'t str, ends: &[char]) -> (&'t str, &'t str) {
    text.find(ends).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> FieldPath {
        FieldPath::parse(text).unwrap()
    }

    fn fields() -> Vec<Field> {
        let label = json!({ "et": "x" });
        serde_json::from_value(json!([
            { "name": "name", "type": "text", "label": label },
            { "name": "mast", "type": "group", "label": label,
              "part": [{ "name": "height", "type": "decimal", "label": label }] },
            { "name": "sails", "type": "group", "label": label, "repeats": true,
              "part": [{ "name": "kind", "type": "code", "label": label },
                       { "name": "area", "type": "decimal", "label": label }] },
        ]))
        .unwrap()
    }

    fn name_at(path: &str) -> Option<String> {
        parsed(path).resolve(&fields()).map(|f| f.name.clone())
    }

    #[test]
    fn a_path_names_a_field_a_part_or_a_part_of_a_chosen_item() {
        assert_eq!(name_at("name").as_deref(), Some("name"));
        assert_eq!(name_at("mast/height").as_deref(), Some("height"));
        assert_eq!(name_at("sails[kind=jib]/area").as_deref(), Some("area"));
        assert_eq!(name_at("sails[kind=jib]").as_deref(), Some("sails"));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for path in ["keel", "mast/keel", "name/height", "mast[height=1]/height", "sails[cut=x]/area", "name[a=b]"] {
            assert_eq!(name_at(path), None, "{path}");
        }
    }

    #[test]
    fn a_list_without_a_chosen_item_is_open() {
        let fields = fields();
        assert_eq!(parsed("sails/area").open_list(&fields).map(|f| f.name.as_str()), Some("sails"));
        assert_eq!(parsed("sails[kind=jib]/area").open_list(&fields), None);
        assert_eq!(parsed("mast/height").open_list(&fields), None);
    }

    #[test]
    fn values_are_found_in_data() {
        let data = json!({
            "name": "Kajakas", "mast": { "height": "9.50", "paint": null },
            "sails": [{ "kind": "main", "area": "20" }, { "kind": "jib", "area": "12" }, { "kind": 7, "area": "1" }],
        });
        let get = |path: &str| parsed(path).get(&data).cloned();
        assert_eq!(get("name"), Some(json!("Kajakas")));
        assert_eq!(get("mast/height"), Some(json!("9.50")));
        assert_eq!(get("sails[kind=jib]/area"), Some(json!("12")));
        assert_eq!(get("sails[kind=7]/area"), Some(json!("1")));
        assert_eq!(get("sails[kind=spinnaker]/area"), None);
        assert_eq!(get("sails/area"), None);
        assert_eq!(get("mast/paint"), None);
        assert_eq!(get("keel/depth"), None);
    }

    #[test]
    fn a_path_through_a_list_has_a_value_for_each_item() {
        let data = json!({ "sails": [{ "area": "20" }, { "area": "12" }, { "area": null }, {}], "tags": ["a", "b"] });
        assert_eq!(parsed("sails/area").values(&data), [&json!("20"), &json!("12")]);
        assert_eq!(parsed("tags").values(&data), [&json!("a"), &json!("b")]);
        assert!(parsed("keel/depth").values(&data).is_empty());
    }

    #[test]
    fn what_is_not_a_path_is_refused_with_a_reason() {
        let fault = |text: &str| FieldPath::parse(text).unwrap_err().to_string();
        assert_eq!(fault(""), "a name is missing");
        assert_eq!(fault("a//b"), "a name is missing");
        assert_eq!(fault("a/"), "a name is missing");
        assert_eq!(fault("Name"), "`Name` is not a machine name");
        assert_eq!(fault("a[b=c"), "`[` is not closed");
        assert_eq!(fault("a[b]"), "`[b]` is not of the form `[part=value]`");
        assert_eq!(fault("a[b=c]d"), "`]` is followed by `d`");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_is_written_alike(text in "[a-c/\\[\\]=ÕA ]{0,12}") {
            if let Ok(path) = FieldPath::parse(&text) {
                prop_assert_eq!(path.to_string(), text);
                prop_assert!(!path.steps().is_empty());
            }
        }
    }
}
