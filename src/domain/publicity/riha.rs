//! The description of a register for RIHA, the Estonian catalogue of state information systems: JSON by its schema
//! (`https://riha.ee/infosystem_schema.json`), and the rules between members that the catalogue checks beside it.

use std::fmt;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::View;
use crate::domain::statute::definition::ActForm;
use crate::domain::statute::description::Part;
use crate::domain::statute::lint::security_level;
use crate::domain::statute::{Label, Language};

/// Most entries of `stored_data`.
pub const MOST_STORED: usize = 10;

/// First day of E-ITS, the successor of ISKE (Government regulation 121 of 9 December 2022): it knows no classes.
const SUCCESSOR: NaiveDate = match NaiveDate::from_ymd_opt(2023, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// Something that the catalogue would refuse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RihaFault {
    /// The member, as a path (`security.class`).
    pub member: &'static str,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for RihaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.member, self.message)
    }
}

/// The description of a register, as the public may know it.
///
/// # Errors
/// What the catalogue would refuse, see [`check`]: mostly that the definition lacks something that the catalogue asks for.
/// A register that is secret as a whole has no description.
pub fn riha(register: View<'_>) -> Result<Value, Vec<RihaFault>> {
    if register.is_secret() {
        let message = "the register is secret as a whole. It is not entered in the catalogue.".to_owned();
        return Err(vec![RihaFault { member: "", message }]);
    }
    let entry = register.catalogue();
    let act = register.act();
    let purposes: Vec<String> = register.purposes().iter().map(|purpose| estonian(&purpose.label)).collect();
    let controller = register.controller();
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| {
        all.insert(key.to_owned(), value);
    };
    put("uuid", json!(entry.uuid.unwrap_or_else(|| named(register.short_name()))));
    put("short_name", json!(register.short_name()));
    put("name", json!(estonian(register.name())));
    put("purpose", json!(purposes.join("; ")));
    put("owner", json!({ "code": controller.registry_code.clone().unwrap_or_default(), "name": controller.name }));
    put("homepage", json!(entry.homepage));
    put("topics", json!(entry.topics));
    let contacts = register.contacts().iter();
    put("contacts", contacts.map(|c| json!({ "name": estonian(&c.label), "email": c.email })).collect());
    let legislations = entry.act_url.iter().map(|url| {
        let kind = match act.form {
            ActForm::Statute => "LEGAL_TYPE_STATUTE",
            ActForm::Description => "LEGAL_TYPE_OTHER",
        };
        json!({ "url": url, "name": act.cited(|day| day.format("%d.%m.%Y").to_string()), "type": kind })
    });
    put("legislations", legislations.collect());
    put("documents", json!([]));
    put("stored_data", json!(stored(register)));
    put("data_files", json!([]));
    if let Some(security) = register.kept().and_then(|definition| definition.register.security.as_ref()) {
        // Acts made before the successor give class and level after ISKE; the catalogue takes neither beside the other.
        let iske = act.in_force_from < SUCCESSOR;
        put(
            "security",
            json!({
                "standard": if iske { "ISKE" } else { "E-ITS" },
                "class": iske.then_some(&security.class),
                "level": iske.then_some(&security.level),
                "latest_audit_date": null,
                "latest_audit_resolution": null,
            }),
        );
    }
    if register.kept().is_some() {
        let since = format!("{}T00:00:00Z", act.in_force_from);
        put(
            "meta",
            json!({
                "creation_timestamp": since,
                "update_timestamp": since,
                "system_status": { "status": "IN_USE", "timestamp": since },
            }),
        );
    }
    let value = Value::Object(all);
    let faults = check(&value);
    if faults.is_empty() { Ok(value) } else { Err(faults) }
}

/// The catalogue is kept in Estonian.
fn estonian(label: &Label) -> String {
    label.in_language(Language::Et.code()).to_owned()
}

/// The data that the register holds, in few words: its record types; the last ones put together, where they are too
/// many. What its source says of its content, where it is only described.
fn stored(register: View<'_>) -> Vec<String> {
    let Some(definition) = register.kept() else {
        let said = register.statements().iter().filter(|s| s.says() == Some(Part::DataContent) && !s.secret);
        return said.map(|s| estonian(&s.label)).take(MOST_STORED).collect();
    };
    let kinds = definition.record_types.iter().filter(|kind| !kind.secret);
    let mut names: Vec<String> = kinds.map(|kind| estonian(&kind.label)).collect();
    if names.len() > MOST_STORED {
        let last = names.split_off(MOST_STORED - 1);
        names.push(last.join("; "));
    }
    names
}

/// An id made from a name, the same for the same name: version 8 of RFC 9562 from its SHA-256.
fn named(short_name: &str) -> Uuid {
    let digest = Sha256::digest(short_name.as_bytes());
    let mut bytes = [0_u8; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What the catalogue would refuse of a description beside the forms of its schema: its own rules between members.
pub fn check(value: &Value) -> Vec<RihaFault> {
    let mut faults = Vec::new();
    let mut fault = |member, message: &str| faults.push(RihaFault { member, message: message.to_owned() });
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    if text("/uuid").is_none_or(|uuid| Uuid::parse_str(uuid).is_err()) {
        fault("uuid", "it must be a UUID. Write `uuid` in `[catalogue]`.");
    }
    match text("/short_name") {
        None | Some("") => fault("short_name", "the short name is missing."),
        Some(name) if Uuid::parse_str(name).is_ok() => {
            fault("short_name", "it looks like a UUID. Choose a name that people can say.");
        }
        Some(name) if !name.chars().all(in_short_name) => {
            fault("short_name", "only letters, digits, `.` and `-` may stand in it. Choose another name.");
        }
        Some(_) => {}
    }
    if text("/name").is_none_or(str::is_empty) {
        fault("name", "the name is missing.");
    }
    if text("/purpose").is_none_or(str::is_empty) {
        fault("purpose", "the purpose is missing.");
    }
    if text("/owner/code").is_none_or(str::is_empty) {
        fault("owner.code", "the registry code of the controller is missing. Write `registry_code` in `[controller]`.");
    }
    if value.pointer("/stored_data").and_then(Value::as_array).is_some_and(|list| list.len() > MOST_STORED) {
        fault("stored_data", "at most 10 kinds of data may be listed. Put some of them together.");
    }
    if let Some(security) = value.get("security").and_then(Value::as_object) {
        security_faults(security, &mut faults);
    }
    faults
}

fn in_short_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "õäöüÕÄÖÜ.-".contains(c)
}

fn security_faults(security: &Map<String, Value>, faults: &mut Vec<RihaFault>) {
    let mut fault = |member, message: String| faults.push(RihaFault { member, message });
    for member in ["standard", "class", "level", "latest_audit_date", "latest_audit_resolution"] {
        if !security.contains_key(member) {
            fault("security", format!("`{member}` is missing. Write it, or null."));
        }
    }
    let text = |member: &str| security.get(member).and_then(Value::as_str);
    let (class, level) = (text("class"), text("level"));
    if text("standard") == Some("ISKE") {
        match (class.map(security_level), level) {
            (None, _) => fault("security.class", "the standard ISKE asks for a class.".to_owned()),
            (Some(None), _) => {
                fault("security.class", "it must be K, T and S with a digit from 0 to 3 each.".to_owned())
            }
            (Some(Some(_)), None) => fault("security.level", "the standard ISKE asks for a level.".to_owned()),
            (Some(Some(computed)), Some(level)) if computed != level => {
                fault("security.level", format!("`{level}` does not follow from the class: write `{computed}`."));
            }
            (Some(Some(_)), Some(_)) => {}
        }
    } else {
        for (member, value) in [("security.class", class), ("security.level", level)] {
            if value.is_some() {
                fault(member, "only the standard ISKE has one: write null.".to_owned());
            }
        }
    }
    if text("latest_audit_date").is_some() != text("latest_audit_resolution").is_some() {
        let message = "the day of the last audit and its result stand together, or neither.";
        fault("security.latest_audit_resolution", message.to_owned());
    }
}
