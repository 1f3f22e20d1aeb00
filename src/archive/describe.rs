//! What a reader of a package needs who has nothing but the package: the description of its tables after the Data Package
//! specification, and an overview for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::package::PackageHead;
use super::write::Listed;
use super::xml::escape;
use super::{Counts, bag};
use crate::domain::audit::checkpoint::NoteVerifier;
use crate::domain::hex;
use crate::domain::statute::definition::{Act, Field, FieldType};
use crate::domain::statute::{Definition, RecordType};

/// What stands before the fields in the table of a record type. No field's name begins with `_`.
pub(super) const RECORD_COLUMNS: [&str; 3] = ["_record_id", "_institution_id", "_institution_name"];
/// The last column: what no version of the definition knows, as JSON.
pub(super) const OTHER: &str = "_other";
/// The columns of the table of entries.
pub(super) const ENTRY_COLUMNS: [&str; 12] = [
    "record_id",
    "entry_id",
    "number",
    "kind",
    "effective_on",
    "recorded_at",
    "actor",
    "reason",
    "supersedes",
    "definition_digest",
    "base_documents",
    "data",
];

/// Every field of a record type over all versions of the definition, the newest first, each with the version that says
/// what it means.
pub(super) fn fields<'h>(head: &'h PackageHead, name: &str) -> Vec<(&'h Field, &'h Definition)> {
    let mut found: Vec<(&Field, &Definition)> = Vec::new();
    for version in head.definitions.iter().rev() {
        for field in version.definition.record_types.iter().filter(|t| t.name == name).flat_map(|t| &t.fields) {
            if !found.iter().any(|(known, _)| known.name == field.name) {
                found.push((field, &version.definition));
            }
        }
    }
    found
}

fn record_type<'h>(head: &'h PackageHead, name: &str) -> Option<&'h RecordType> {
    head.definitions.iter().rev().find_map(|v| v.definition.record_types.iter().find(|t| t.name == name))
}

/// The statute in one line: issuer, kind, number, title, where published.
pub(super) fn act_line(act: &Act) -> String {
    let published = Some(act.publication.trim()).filter(|p| !p.is_empty()).map(|p| format!(" ({p})"));
    format!("{} „{}“{}", act.cited(|day| day.to_string()), act.title, published.unwrap_or_default())
}

/// The description of the tables, and what is counted. [`super::check()`] compares the counts.
pub(super) fn datapackage(
    head: &PackageHead,
    counts: &BTreeMap<String, Counts>,
    data: &[&Listed],
    documents: usize,
    proofs: u64,
    made_at: &str,
) -> Value {
    let resource = |name: &str, file: &str, extra: Value| {
        let path = format!("representations/rep1/data/{file}");
        let listed = data.iter().find(|listed| listed.path == path);
        let mut told = json!({
            "name": name,
            "path": format!("../{path}"),
            "bytes": listed.map(|l| l.size),
            "hash": listed.map(|l| format!("sha256:{}", hex(&l.sha256))),
            "encoding": "utf-8",
        });
        if let (Some(told), Value::Object(extra)) = (told.as_object_mut(), extra) {
            told.extend(extra);
        }
        told
    };
    let mut resources = Vec::new();
    for (name, counted) in counts {
        let label = record_type(head, name).map(|t| (&t.label, &t.clause));
        let mut columns: Vec<Value> =
            RECORD_COLUMNS.iter().map(|name| json!({"name": name, "type": "string"})).collect();
        columns.extend(fields(head, name).into_iter().map(|(field, _)| described(field)));
        columns.push(json!({"name": OTHER, "type": "object", "title": "Muu", "x-title-en": "Anything else"}));
        let entry_columns: Vec<Value> =
            ENTRY_COLUMNS.iter().map(|name| json!({"name": name, "type": "string"})).collect();
        let csv = |columns: Vec<Value>, key: &[&str]| {
            json!({
                "mediatype": "text/csv",
                "dialect": {"delimiter": ",", "quoteChar": "\"", "doubleQuote": true, "lineTerminator": "\r\n", "header": true},
                "schema": {"fields": columns, "primaryKey": key, "missingValues": [""]},
            })
        };
        let mut records = csv(columns, &["_record_id"]);
        records["title"] = json!(label.map(|(label, _)| label));
        records["x-clause"] = json!(label.map(|(_, clause)| clause));
        records["x-records"] = json!(counted.records);
        let mut entries = csv(entry_columns, &["entry_id"]);
        entries["x-entries"] = json!(counted.entries);
        let whole = json!({
            "mediatype": "application/x-ndjson",
            "x-schema-of-state": format!("../schemas/{name}.schema.json"),
            "x-records": counted.records,
        });
        resources.push(resource(name, &format!("{name}.csv"), records));
        resources.push(resource(&format!("{name}-entries"), &format!("{name}.entries.csv"), entries));
        resources.push(resource(&format!("{name}-whole"), &format!("{name}.ndjson"), whole));
    }
    resources.push(resource("log-proofs", "log/proofs.ndjson", json!({"mediatype": "application/x-ndjson"})));
    let newest = head.definitions.last().map(|version| &version.definition.register);
    json!({
        "name": newest.map(|r| format!("{}-{}", r.short_name, head.number)),
        "id": format!("uuid-{}", head.id),
        "title": newest.map(|r| r.name.official()),
        "created": made_at,
        "resources": resources,
        "x-codelists": codelists(head, counts),
        "x-basis": head.basis,
        "x-counts": {"types": counts, "documents": documents, "proofs": proofs},
        "x-definitions": head.definitions.iter().map(|version| json!({
            "in_force_from": version.in_force_from,
            "digest": version.definition.digest,
            "act": version.definition.register.act,
        })).collect::<Vec<_>>(),
    })
}

/// A field in the words of Table Schema, with our own beside it.
fn described(field: &Field) -> Value {
    let kind = match field.kind {
        _ if field.repeats => "array",
        FieldType::Group => "object",
        FieldType::Integer | FieldType::Year => "integer",
        FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load => "number",
        FieldType::Date => "date",
        FieldType::Boolean => "boolean",
        _ => "string",
    };
    let mut told = json!({
        "name": field.name,
        "title": field.label.official(),
        "type": kind,
        "x-type": field.kind,
        "x-clause": field.clause,
        "x-codelist": field.codelist,
        "x-section": field.section,
        "x-retention": field.retention,
        "x-refers-to": field.refers_to,
        "x-parts": field.parts.iter().map(described).collect::<Vec<_>>(),
    });
    if let Some(members) = told.as_object_mut() {
        members.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    }
    told
}

/// Every code list that a field of an included type names; of several versions of a list, every code.
fn codelists(head: &PackageHead, counts: &BTreeMap<String, Counts>) -> Value {
    fn named<'f>(field: &'f Field, into: &mut Vec<&'f str>) {
        into.extend(field.codelist.as_deref());
        field.parts.iter().for_each(|part| named(part, into));
    }
    let mut names = Vec::new();
    for name in counts.keys() {
        fields(head, name).into_iter().for_each(|(field, _)| named(field, &mut names));
    }
    let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for version in head.definitions.iter().rev() {
        for list in version.definition.codelists.iter().filter(|list| names.contains(&list.name.as_str())) {
            let codes = lists.entry(&list.name).or_default();
            for code in &list.codes {
                let told = json!({
                    "code": code.code, "label": code.label, "valid_from": code.valid_from, "valid_until": code.valid_until,
                });
                if !codes.contains(&told) {
                    codes.push(told);
                }
            }
        }
    }
    json!(lists)
}

/// What people read first. It tells of the package, not of any record: no personal data.
pub(super) struct Overview {
    title: String,
    frame: Vec<(&'static str, String)>,
    tables: Vec<Table>,
}

struct Table {
    heading: String,
    counts: String,
    rows: Vec<[String; 4]>,
}

/// What is where: the second half of the overview.
const LAYOUT: &[(&str, &str)] = &[
    (
        "representations/rep1/data/<liik>.csv",
        "kirjete viimane teadaolev seis / records as last known; RFC 4180, UTF-8, every field quoted",
    ),
    (
        "representations/rep1/data/<liik>.entries.csv",
        "kõik kanded mõlema ajaga / every entry with both times: true from, known since",
    ),
    (
        "representations/rep1/data/<liik>.ndjson",
        "sama täielikult, kirje real / the same in full, a record a line (JSON, UTF-8); this is the authoritative form",
    ),
    ("representations/rep1/data/documents/", "alusdokumendid / base documents, each under its SHA-256"),
    (
        "representations/rep1/data/log/",
        "logi kontrollpunkt, selle võti ja kannete tõendid / checkpoint of the log, its key, proofs of the entries",
    ),
    ("documentation/definition-*.json", "põhimäärus andmetena / the statute as data, each version"),
    ("documentation/datapackage.json", "tabelite kirjeldus ja loendid / description of the tables, code lists"),
    ("schemas/", "JSON Schema 2020-12 of the data of each record type"),
    ("metadata/", "PREMIS 3, Dublin Core"),
];

impl Overview {
    pub(super) fn new(
        head: &PackageHead,
        counts: &BTreeMap<String, Counts>,
        documents: usize,
        proofs: u64,
        made_at: &str,
    ) -> Self {
        let mut frame = Vec::new();
        let mut title = head.number.clone();
        if let Some(newest) = head.definitions.last() {
            let register = &newest.definition.register;
            title = format!("{} ({}), {}", register.name.official(), register.short_name, head.number);
            let code = |code: &Option<String>| code.as_ref().map_or_else(String::new, |code| format!(" ({code})"));
            frame.push(("Andmekogu / Register", format!("{} ({})", register.name.official(), register.short_name)));
            frame.push((
                "Vastutav töötleja / Controller",
                format!("{}{}", register.controller.name, code(&register.controller.registry_code)),
            ));
            frame.push(("Õigusakt / Statute", act_line(&register.act)));
            frame.push(("Vastuvõtja / Recipient", format!("{}{}", head.recipient.name, code(&head.recipient.code))));
        }
        frame.push(("Partii / Batch", head.number.clone()));
        frame.push(("Koostatud / Made", made_at.to_owned()));
        if let Some(agreement) = &head.submission_agreement {
            frame.push(("Üleandmise kokkulepe / Submission agreement", agreement.clone()));
        }
        for basis in &head.basis {
            let more = [("sari", &basis.series), ("hindamisotsus", &basis.appraisal), ("nõusolek", &basis.consent)];
            let mut told = format!("{} ({}; {})", basis.label, basis.clause, basis.rule);
            for (what, value) in more {
                if let Some(value) = value {
                    let _ = write!(told, ", {what} {value}");
                }
            }
            frame.push(("Alus / Basis", told));
        }
        for version in &head.definitions {
            let told = format!("{}, SHA-256 {}", version.in_force_from, version.definition.digest);
            frame.push(("Põhimääruse redaktsioon / Definition in force from", told));
        }
        if let Ok(checkpoint) = NoteVerifier::parse(head.vkey.trim()).and_then(|key| key.verify(&head.checkpoint)) {
            let told = format!("{}, {}, {}", checkpoint.origin, checkpoint.size, hex(&checkpoint.root));
            frame.push(("Logi kontrollpunkt / Checkpoint of the log", told));
        }
        frame.push(("Dokumente / Documents", documents.to_string()));
        frame.push(("Tõendeid / Proofs", proofs.to_string()));
        let tables = counts.iter().map(|(name, counted)| Table::new(head, name, *counted)).collect();
        Self { title, frame, tables }
    }

    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n\n", self.title);
        for (label, value) in &self.frame {
            let _ = writeln!(out, "{label}: {value}");
        }
        for table in &self.tables {
            let _ = writeln!(out, "\n{}\n{}", table.heading, table.counts);
            for [name, label, clause, kind] in &table.rows {
                let _ = writeln!(out, "  {name}: {label} [{clause}] {kind}");
            }
        }
        out += "\nMis kus on / What is where\n";
        for (path, what) in LAYOUT {
            let _ = writeln!(out, "  {path}: {what}");
        }
        let _ = writeln!(
            out,
            "\nTerviklikkus / Integrity: {} (BagIt, RFC 8493) lists the SHA-256 of every file; METS.xml does so again.",
            bag::MANIFEST
        );
        out
    }

    pub(super) fn html(&self) -> String {
        let title = escape(&self.title);
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"et\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<table>\n"
        );
        for (label, value) in &self.frame {
            let _ = writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(label), escape(value));
        }
        out += "</table>\n";
        for table in &self.tables {
            let _ = writeln!(out, "<h2>{}</h2>\n<p>{}</p>", escape(&table.heading), escape(&table.counts));
            out += "<table>\n<tr><th>Nimi / Name</th><th>Nimetus / Label</th><th>Säte / Clause</th><th>Liik / Type</th></tr>\n";
            for row in &table.rows {
                out += "<tr>";
                for cell in row {
                    let _ = write!(out, "<td>{}</td>", escape(cell));
                }
                out += "</tr>\n";
            }
            out += "</table>\n";
        }
        out += "<h2>Mis kus on / What is where</h2>\n<dl>\n";
        for (path, what) in LAYOUT {
            let _ = writeln!(out, "<dt><code>{}</code></dt><dd>{}</dd>", escape(path), escape(what));
        }
        out += "</dl>\n</body>\n</html>\n";
        out
    }
}

impl Table {
    fn new(head: &PackageHead, name: &str, counted: Counts) -> Self {
        let heading = record_type(head, name)
            .map_or_else(|| name.to_owned(), |t| format!("{} ({name}), {}", t.label.official(), t.clause));
        let counts = format!("Kirjeid / Records: {}; kandeid / entries: {}", counted.records, counted.entries);
        let rows = fields(head, name)
            .into_iter()
            .map(|(field, _)| {
                let told = described(field);
                let text = |member: &str| told.get(member).and_then(Value::as_str).unwrap_or_default();
                let list = field.codelist.as_ref().map_or_else(String::new, |list| format!(" ({list})"));
                let clause = field.clause.as_ref().map(ToString::to_string).unwrap_or_default();
                [field.name.clone(), field.label.official().to_owned(), clause, format!("{}{list}", text("x-type"))]
            })
            .collect();
        Self { heading, counts, rows }
    }
}
