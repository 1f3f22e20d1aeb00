//! Statutes and records to try things on. Invented, but shaped like those that are shipped.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::domain::identity::{PersonalCode, Sex};
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Codelist, Definition, RegisterSource};

/// A definition with these record types and code lists, both in TOML.
pub(in super::super) fn definition(country: &str, types: &[&str], codelists: &str) -> Definition {
    #[derive(serde::Deserialize)]
    struct Lists {
        #[serde(default, rename = "codelist")]
        lists: Vec<Codelist>,
    }
    let lists: Lists = toml::from_str(codelists).unwrap();
    Definition {
        register: register(country),
        record_types: types.iter().map(|text| toml::from_str(text).unwrap()).collect(),
        codelists: lists.lists,
        cases: Vec::new(),
        exchanges: Vec::new(),
        document_kinds: Vec::new(),
        clauses: Vec::new(),
        policies: String::new(),
        digest: "d".repeat(64),
        calendar: None,
    }
}

/// The record type called `name`.
pub(in super::super) fn record_type<'d>(definition: &'d Definition, name: &str) -> &'d RecordType {
    definition.record_types.iter().find(|kind| kind.name == name).unwrap()
}

/// A day.
pub(in super::super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An invented Estonian personal code.
pub(in super::super) fn personal_code(birth: &str, serial: u16) -> String {
    PersonalCode::fictitious_ee(day(birth), Sex::Female, serial).unwrap().as_str().to_owned()
}

/// All definitions to try things on.
pub(crate) fn definitions() -> Vec<Definition> {
    vec![definition("EE", &[EMPLOYEE, INSTITUTION, EVERYTHING], LISTS), definition("FI", &[EVERYTHING, PERSON], LISTS)]
}

/// An employee with something in every field.
pub(in super::super) fn employee() -> Value {
    let unit = "0190163d-8694-739b-aea5-966c26f8ad91";
    let digest = "0a".repeat(32);
    let leave = |from: &str, to: &str| json!({ "kind": "annual", "from": from, "to": to, "act": "12-1/7" });
    json!({
        "given_name": "Mari-Liis", "family_name": "Õunapuu",
        "personal_code": personal_code("1980-01-08", 571), "citizenships": ["EST", "FIN"],
        "address": "Pargi tee 1, Küla, 74201 Harju maakond",
        "phones": ["+3725550000"], "emails": ["mari@example.ee"], "work_phone": "+3726630200",
        "employment_type": "employment_contract", "employment_start": "2020-03-02",
        "probation": { "amount": 4, "unit": "month" },
        "education": [{ "level": "higher", "kind": "master", "speciality": "õigus", "year": 2003 }],
        "competences": [{ "name": "hanked", "level": 4, "assessed_on": "2023-01-10", "assessor": "J. Tamm" }],
        "seniority": [{ "kind": "total", "years": 20, "days": 12, "as_of": "2024-01-01" }],
        "fixed_term": { "is_fixed": true, "until": "2029-12-31", "reason": "asendamine" },
        "load": "1.00", "weekly_hours": "40", "group": "officials", "subgroup": "advisers",
        "post": unit,
        "pay": [
            { "kind": "salary", "amount": "1820.00", "from": "2020-03-02", "to": "2022-12-31" },
            { "kind": "salary", "amount": "2020.00", "from": "2023-01-01" },
            { "kind": "allowance", "amount": "120.00", "from": "2021-01-01" },
        ],
        "health_checks": [{ "on": "2022-05-05", "outcome": "fit" }],
        "trainings": [{
            "name": "Andmekaitse", "from": "2023-04-03", "to": "2023-04-04", "provider": "Akadeemia",
            "hours": "16", "cost": "150.00",
        }],
        "leaves": [
            leave("2021-07-01", "2021-07-28"), leave("2022-07-01", "2022-07-28"),
            leave("2023-07-03", "2023-07-30"), leave("2024-07-01", "2024-07-28"),
        ],
        "transfers": [{ "from_post": unit, "to_post": unit, "on": "2022-02-01", "act": "12-1/8" }],
        "suspensions": [{ "from": "2022-03-01", "to": "2022-03-31", "reason": "lapsehoolduspuhkus" }],
        "sector_consent": { "given_on": "2020-03-02", "version": "1" }, "previous_sector": "private",
        "photo": digest,
        "children": [{ "name": "Juku", "personal_code": personal_code("2015-05-05", 1), "need": "legal_duty" }],
        "items": [{ "name": "sülearvuti", "number": "A-17", "issued_on": "2020-03-02" }],
        "documents": [{ "kind": "diploma", "about": "employee", "file": digest, "on": "2020-02-20" }],
        "notes": "Esimene rida\nTeine rida",
    })
}

fn register(country: &str) -> RegisterSource {
    let label = json!({ "et": "Näidis" });
    let item = json!([{ "name": "x", "label": label, "clause": "§ 1" }]);
    serde_json::from_value(json!({
        "short_name": "naidis", "name": label, "name_clause": "§ 1", "country": country,
        "time_zone": "Europe/Helsinki",
        "act": {
            "issuer": "Vald", "kind": "määrus", "title": "Põhimäärus", "number": "1",
            "adopted": "2020-01-01", "in_force_from": "2020-01-01", "publication": "RT IV",
            "legal_basis": [], "clause": "§ 1",
        },
        "purpose": item, "controller": { "name": "Vald", "clause": "§ 2" },
        "security": { "class": "K1T1S2", "level": "M", "clause": "§ 3" },
        "institutions": { "record_type": "institution", "kind": item },
        "role": [],
        "access": {
            "clause": "§ 4", "scope_clause": "§ 4", "document_clause": "§ 4", "correction_clause": "§ 4",
            "force_clause": "§ 4", "grant_log_clause": "§ 4", "revocation_clause": "§ 4",
        },
    }))
    .unwrap()
}

/// Code lists of the samples.
pub(in super::super) const LISTS: &str = r#"
codelist = [
  { name = "kinds", label.et = "liik", clause = "§ 1", code = [
    { code = "annual", label.et = "a" },
    { code = "study", label.et = "b", valid_from = "2021-01-01" },
    { code = "old", label.et = "c", valid_until = "2019-12-31" } ] },
  { name = "employment", label.et = "x", clause = "§ 1", code = [
    { code = "employment_contract", label.et = "a" }, { code = "civil_service", label.et = "b" } ] },
  { name = "levels", label.et = "x", clause = "§ 1", code = [
    { code = "basic", label.et = "a" }, { code = "higher", label.et = "b" } ] },
  { name = "level_kinds", label.et = "x", clause = "§ 1", code = [
    { code = "primary", label.et = "a", parent = "basic" },
    { code = "bachelor", label.et = "b", parent = "higher" },
    { code = "master", label.et = "c", parent = "higher" },
    { code = "stray", label.et = "d" } ] },
  { name = "groups", label.et = "x", clause = "§ 1", code = [
    { code = "officials", label.et = "a" }, { code = "workers", label.et = "b" } ] },
  { name = "subgroups", label.et = "x", clause = "§ 1", code = [
    { code = "advisers", label.et = "a", parent = "officials" },
    { code = "drivers", label.et = "b", parent = "workers" } ] },
  { name = "pay_kinds", label.et = "x", clause = "§ 1", code = [
    { code = "salary", label.et = "a" }, { code = "allowance", label.et = "b" } ] },
  { name = "outcomes", label.et = "x", clause = "§ 1", code = [
    { code = "fit", label.et = "a" }, { code = "unfit", label.et = "b" } ] },
  { name = "sectors", label.et = "x", clause = "§ 1", code = [
    { code = "public", label.et = "a" }, { code = "private", label.et = "b" } ] },
  { name = "needs", label.et = "x", clause = "§ 1", code = [
    { code = "legal_duty", label.et = "a" }, { code = "bonus", label.et = "b" } ] },
  { name = "units", label.et = "x", clause = "§ 1", code = [
    { code = "day", label.et = "a" }, { code = "month", label.et = "b" }, { code = "year", label.et = "c" } ] },
  { name = "events", label.et = "x", clause = "§ 1", code = [
    { code = "founded", label.et = "a" }, { code = "reorganised", label.et = "b" },
    { code = "closed", label.et = "c" } ] },
  { name = "countries", label.et = "x", clause = "§ 1", code = [
    { code = "EST", label.et = "a" }, { code = "FIN", label.et = "b" }, { code = "XXA", label.et = "c" },
    { code = "SUN", label.et = "d", valid_until = "1991-12-31" } ] },
]
"#;

/// An employee, with all 27 kinds of data that a personnel statute lists.
pub(in super::super) const EMPLOYEE: &str = r#"
name = "employee"
label = { et = "töötaja", en = "employee" }
clause = "§ 12 lg 1"
title = ["family_name", "given_name"]
subject = { personal_code = "personal_code" }
base_documents = []
lifecycle = { begins = "employment_start", ends = "termination/on", clause = "§ 12 lg 2" }
section = [{ name = "main", label.et = "x" }, { name = "pay", label.et = "x" }, { name = "health", label.et = "x" },
  { name = "children", label.et = "x" }]
field = [
  { name = "given_name", type = "text", label = { et = "eesnimi", en = "given name" }, help = { et = "Nagu dokumendis." }, clause = "§ 12 lg 1 p 1", section = "main", required = true, length = [1, 100], pattern = "[\\p{L}' -]+" },
  { name = "family_name", type = "text", label.et = "perekonnanimi", clause = "§ 12 lg 1 p 1", section = "main", required = true, length = [1, 100] },
  { name = "personal_code", type = "personal_code", label.et = "isikukood", clause = "§ 12 lg 1 p 2", section = "main", required = true },
  { name = "sex", type = "text", label.et = "sugu", clause = "§ 12 lg 1 p 3", section = "main", derived = { take = "sex", from = "personal_code" } },
  { name = "citizenships", type = "country", label.et = "kodakondsus", clause = "§ 12 lg 1 p 4", section = "main", required = true, repeats = true, items = [1, 5], codelist = "countries" },
  { name = "address", type = "address", label.et = "aadress", clause = "§ 12 lg 1 p 5", section = "main" },
  { name = "phones", type = "phone", label.et = "telefon", clause = "§ 12 lg 1 p 5", section = "main", repeats = true },
  { name = "emails", type = "email", label.et = "e-post", clause = "§ 12 lg 1 p 5", section = "main", repeats = true, items = [0, 3] },
  { name = "work_phone", type = "phone", label.et = "töötelefon", clause = "§ 12 lg 1 p 5", section = "main" },
  { name = "employment_type", type = "code", codelist = "employment", label.et = "töösuhte tüüp", clause = "§ 12 lg 1 p 6", section = "main", required = true },
  { name = "employment_start", type = "date", label.et = "algus", clause = "§ 12 lg 1 p 7", section = "main", required = true, min = "1950-01-01" },
  { name = "probation", type = "group", label.et = "katseaeg", clause = "§ 12 lg 1 p 8", section = "main", part = [
    { name = "amount", type = "integer", label.et = "kestus", required = true, min = "1", max = "6" },
    { name = "unit", type = "code", codelist = "units", label.et = "ühik", required = true } ] },
  { name = "probation_end", type = "date", label.et = "katseaja lõpp", clause = "§ 12 lg 1 p 8", section = "main", derived = { take = "period_end", from = "employment_start", to = "probation" } },
  { name = "education", type = "group", label.et = "haridus", clause = "§ 12 lg 1 p 9", section = "main", required = true, repeats = true, part = [
    { name = "level", type = "code", codelist = "levels", label.et = "tase", required = true },
    { name = "kind", type = "code", codelist = "level_kinds", within_code = "level", label.et = "liik" },
    { name = "speciality", type = "text", label.et = "eriala", clause = "§ 18 lg 3" },
    { name = "year", type = "year", label.et = "aasta", min = "1940" } ] },
  { name = "competences", type = "group", label.et = "kompetentsid", clause = "§ 12 lg 1 p 10", section = "main", repeats = true, part = [
    { name = "name", type = "text", label.et = "nimi", required = true },
    { name = "level", type = "integer", label.et = "tase", min = "1", max = "5" },
    { name = "assessed_on", type = "date", label.et = "päev" }, { name = "assessor", type = "text", label.et = "hindaja" } ] },
  { name = "seniority", type = "group", label.et = "staaž", clause = "§ 12 lg 1 p 11", section = "main", repeats = true, part = [
    { name = "kind", type = "text", label.et = "liik", required = true }, { name = "years", type = "integer", label.et = "a", min = "0" },
    { name = "days", type = "integer", label.et = "p", min = "0" }, { name = "as_of", type = "date", label.et = "seis", required = true } ] },
  { name = "fixed_term", type = "group", label.et = "tähtajalisus", clause = "§ 12 lg 1 p 12", section = "main", required = true, part = [
    { name = "is_fixed", type = "boolean", label.et = "tähtajaline", required = true },
    { name = "until", type = "date", label.et = "kuni", required_when = { field = "is_fixed", is = true } },
    { name = "reason", type = "text", label.et = "põhjus", required_when = { field = "is_fixed", is = true } } ] },
  { name = "deputy", type = "text", label.et = "asendatav", clause = "§ 12 lg 1 p 12", section = "main", required_when = { field = "fixed_term/reason", one_of = ["asendus", "asendamisel"] } },
  { name = "load", type = "load", label.et = "koormus", clause = "§ 12 lg 1 p 13", section = "main", required = true, min = "0.01", max = "1.5", warn_above = "1" },
  { name = "weekly_hours", type = "decimal", label.et = "tunnid", clause = "§ 12 lg 1 p 14", section = "main", required = true, min = "0", max = "60" },
  { name = "group", type = "code", codelist = "groups", label.et = "grupp", clause = "§ 12 lg 1 p 15", section = "main", required = true },
  { name = "subgroup", type = "code", codelist = "subgroups", within_code = "group", label.et = "alamgrupp", clause = "§ 12 lg 1 p 15", section = "main" },
  { name = "post", type = "reference", refers_to = "post", label.et = "ametikoht", clause = "§ 12 lg 1", section = "main", required = true },
  { name = "pay", type = "group", label.et = "palk", clause = "§ 12 lg 1 p 16", section = "pay", required = true, repeats = true, items = [1, 200], part = [
    { name = "kind", type = "code", codelist = "pay_kinds", label.et = "liik", required = true },
    { name = "amount", type = "money", label.et = "summa", required = true, warn_above = "10000" },
    { name = "from", type = "date", label.et = "alates", required = true }, { name = "to", type = "date", label.et = "kuni" } ] },
  { name = "health_checks", type = "group", label.et = "tervisekontroll", clause = "§ 12 lg 1 p 17", section = "health", repeats = true, part = [
    { name = "on", type = "date", label.et = "päev", required = true }, { name = "outcome", type = "code", codelist = "outcomes", label.et = "vastavus", required = true } ] },
  { name = "trainings", type = "group", label.et = "koolitused", clause = "§ 12 lg 1 p 18", section = "main", repeats = true, part = [
    { name = "name", type = "text", label.et = "nimetus", required = true }, { name = "from", type = "date", label.et = "alates", required = true },
    { name = "to", type = "date", label.et = "kuni" }, { name = "provider", type = "text", label.et = "korraldaja" },
    { name = "hours", type = "decimal", label.et = "maht", scale = 1, min = "0.5" }, { name = "cost", type = "money", label.et = "maksumus" } ] },
  { name = "leaves", type = "group", label.et = "puhkused", clause = "§ 12 lg 1 p 19", section = "main", repeats = true, part = [
    { name = "kind", type = "code", codelist = "kinds", label.et = "liik", required = true },
    { name = "from", type = "date", label.et = "alates", required = true }, { name = "to", type = "date", label.et = "kuni", required = true },
    { name = "days", type = "integer", label.et = "päevi", derived = { take = "days_inclusive", from = "from", to = "to" } },
    { name = "act", type = "text", label.et = "akt" } ] },
  { name = "transfers", type = "group", label.et = "üleviimised", clause = "§ 12 lg 1 p 20", section = "main", repeats = true, part = [
    { name = "from_post", type = "reference", refers_to = "post", label.et = "kust", required = true },
    { name = "to_post", type = "reference", refers_to = "post", label.et = "kuhu", required = true },
    { name = "on", type = "date", label.et = "päev", required = true }, { name = "act", type = "text", label.et = "akt" } ] },
  { name = "suspensions", type = "group", label.et = "peatumised", clause = "§ 12 lg 1 p 21", section = "main", repeats = true, part = [
    { name = "from", type = "date", label.et = "alates", required = true }, { name = "to", type = "date", label.et = "kuni" },
    { name = "reason", type = "text", label.et = "põhjus" } ] },
  { name = "termination", type = "group", label.et = "lõppemine", clause = "§ 12 lg 1 p 22", section = "main", part = [
    { name = "on", type = "date", label.et = "päev", required = true }, { name = "act", type = "text", label.et = "akt", required = true },
    { name = "section", type = "text", label.et = "paragrahv", required = true, pattern = "\\d+(\\^\\d+)?" } ] },
  { name = "sector_consent", type = "group", label.et = "nõusolek", clause = "§ 12 lg 1 p 23", section = "main", part = [
    { name = "given_on", type = "date", label.et = "antud" }, { name = "version", type = "text", label.et = "tekst" },
    { name = "withdrawn_on", type = "date", label.et = "tagasi võetud" } ] },
  { name = "previous_sector", type = "code", codelist = "sectors", label.et = "kust tuli", clause = "§ 12 lg 1 p 23", section = "main", needs = { kind = "consent", field = "sector_consent", clause = "§ 12 lg 1 p 23 l 2" } },
  { name = "photo", type = "file", media_types = ["image/jpeg", "image/png"], label.et = "foto", clause = "§ 12 lg 1 p 24", section = "main" },
  { name = "children", type = "group", label.et = "lapsed", clause = "§ 12 lg 1 p 25", section = "children", repeats = true, part = [
    { name = "name", type = "text", label.et = "nimi", required = true, needs = { kind = "legal_need", field = "need", clause = "§ 12 lg 1 p 25" } },
    { name = "personal_code", type = "personal_code", minor = true, label.et = "isikukood", required = true },
    { name = "need", type = "code", codelist = "needs", label.et = "vajadus" } ] },
  { name = "items", type = "group", label.et = "esemed", clause = "§ 12 lg 1 p 26", section = "main", repeats = true, part = [
    { name = "name", type = "text", label.et = "ese", required = true }, { name = "number", type = "text", label.et = "nr" },
    { name = "issued_on", type = "date", label.et = "väljastatud", required = true }, { name = "returned_on", type = "date", label.et = "tagastatud" } ] },
  { name = "documents", type = "group", label.et = "dokumendid", clause = "§ 12 lg 1 p 27", section = "main", repeats = true, part = [
    { name = "kind", type = "text", label.et = "liik", required = true }, { name = "about", type = "text", label.et = "kelle", required = true },
    { name = "need", type = "text", label.et = "kohustus", required_when = { field = "about", is = "dependant" } },
    { name = "file", type = "file", media_types = ["application/pdf"], label.et = "fail" }, { name = "on", type = "date", label.et = "päev" } ] },
  { name = "notes", type = "multiline", label.et = "märkused", clause = "§ 12 lg 3", section = "main", length = [1, 2000] },
]
rule = [
  { kind = "order", clause = "§ 12 lg 2", from = "employment_start", to = "termination/on" },
  { kind = "order", clause = "§ 12 lg 1 p 18", of = "trainings", from = "from", to = "to" },
  { kind = "order", clause = "§ 12 lg 1 p 19", of = "leaves", from = "from", to = "to" },
  { kind = "no_overlap", clause = "§ 12 lg 1 p 19", of = "leaves", from = "from", to = "to" },
  { kind = "no_overlap", clause = "§ 12 lg 1 p 16", of = "pay", from = "from", to = "to", by = "kind" },
  { kind = "inside", clause = "§ 12 lg 1 p 21", of = "suspensions", from = "from", to = "to" },
  { kind = "inside", clause = "§ 12 lg 1 p 26", of = "items", from = "issued_on", warning = true },
]
"#;

/// An institution, whose life is a list of events.
pub(in super::super) const INSTITUTION: &str = r#"
name = "institution"
label.et = "asutus"
clause = "§ 9"
title = ["name"]
base_documents = []
lifecycle = { begins = "events[kind=founded]/on", ends = "events[kind=closed]/on", clause = "§ 9 p 2" }
section = [{ name = "main", label.et = "x" }]
field = [
  { name = "name", type = "text", label.et = "nimetus", clause = "§ 9 p 1", section = "main", required = true, length = [1, 200] },
  { name = "registry_code", type = "registry_code", label.et = "registrikood", clause = "§ 9 p 1", section = "main" },
  { name = "events", type = "group", label.et = "andmed", clause = "§ 9 p 2", section = "main", required = true, repeats = true, items = [1, 20], part = [
    { name = "kind", type = "code", codelist = "events", label.et = "liik", required = true },
    { name = "on", type = "date", label.et = "päev", required = true }, { name = "act", type = "text", label.et = "akt", required_when = { field = "kind", is = "closed" } } ] },
  { name = "inspections", type = "date", label.et = "kontrollid", clause = "§ 9 p 3", section = "main", repeats = true },
  { name = "opened_on", type = "date", label.et = "avatud", clause = "§ 9 p 4", section = "main" },
  { name = "worker_count", type = "integer", label.et = "töötajate arv", clause = "§ 9 p 6", section = "main", derived = { take = "count_distinct", of = "employee", field = "personal_code" } },
  { name = "load_total", type = "load", label.et = "koormus", clause = "§ 9 p 5", section = "main", derived = { take = "sum", of = "employee", field = "load" } },
]
rule = [
  { kind = "sequence", clause = "§ 9 p 2", of = "events", from = "on", by = "kind", first = "founded", last = "closed" },
  { kind = "order", clause = "§ 9 p 4", from = "events[kind=founded]/on", to = "opened_on" },
  { kind = "order", clause = "§ 9 p 5", from = "opened_on", to = "events[kind=closed]/on" },
  { kind = "inside", clause = "§ 9 p 4", from = "opened_on" },
]
"#;

/// A field of every type with every constraint that it can bear.
pub(in super::super) const EVERYTHING: &str = r#"
name = "everything"
label.et = "kõik"
clause = "§ 1"
title = ["text"]
base_documents = []
section = [{ name = "main", label.et = "x" }]
field = [
  { name = "text", type = "text", label.et = "x", required = true },
  { name = "texts", type = "text", label.et = "x", repeats = true, items = [2, 3], length = [0, 5], pattern = "\\w*( \\w+)?" },
  { name = "multiline", type = "multiline", label.et = "x" },
  { name = "integer", type = "integer", label.et = "x" },
  { name = "integers", type = "integer", label.et = "x", repeats = true, min = "-1.5", max = "2.5" },
  { name = "decimal", type = "decimal", label.et = "x" },
  { name = "signed", type = "decimal", label.et = "x", scale = 3, min = "-12.25", max = "105.5" },
  { name = "below", type = "decimal", label.et = "x", scale = 0, max = "-3" },
  { name = "money", type = "money", label.et = "x" },
  { name = "debt", type = "money", label.et = "x", min = "-500", max = "0", warn_above = "-1" },
  { name = "percentage", type = "percentage", label.et = "x", min = "0", max = "100" },
  { name = "load", type = "load", label.et = "x", min = "0.05", max = "1.20" },
  { name = "date", type = "date", label.et = "x", min = "1991-08-20", max = "2030-12-31" },
  { name = "year", type = "year", label.et = "x", max = "2030" },
  { name = "boolean", type = "boolean", label.et = "x" },
  { name = "code", type = "code", codelist = "levels", label.et = "x" },
  { name = "codes", type = "code", codelist = "level_kinds", within_code = "code", repeats = true, label.et = "x", items = [0, 2] },
  { name = "many", type = "code", codelist = "groups", repeats = true, label.et = "x" },
  { name = "one", type = "code", codelist = "subgroups", within_code = "many", label.et = "x" },
  { name = "dated", type = "code", codelist = "kinds", label.et = "x" },
  { name = "language", type = "language", label.et = "x" },
  { name = "languages", type = "language", label.et = "x", repeats = true, required_when = { field = "language", is = "et" } },
  { name = "country", type = "country", label.et = "x" },
  { name = "listed", type = "country", codelist = "countries", label.et = "x" },
  { name = "personal_code", type = "personal_code", label.et = "x" },
  { name = "finnish_code", type = "personal_code", country = "FI", label.et = "x" },
  { name = "minor", type = "personal_code", country = "EE", minor = true, label.et = "x" },
  { name = "registry_code", type = "registry_code", label.et = "x" },
  { name = "business_id", type = "registry_code", country = "FI", label.et = "x" },
  { name = "email", type = "email", label.et = "x", length = [1, 30] },
  { name = "phone", type = "phone", label.et = "x", pattern = "\\+37[0-9]*" },
  { name = "iban", type = "iban", label.et = "x" },
  { name = "address", type = "address", label.et = "x" },
  { name = "file", type = "file", label.et = "x" },
  { name = "reference", type = "reference", refers_to = "everything", label.et = "x" },
  { name = "references", type = "reference", refers_to = "everything", label.et = "x", repeats = true },
  { name = "agreed", type = "boolean", label.et = "x" },
  { name = "by_agreement", type = "text", label.et = "x", needs = { kind = "legal_need", field = "agreed", clause = "§ 2" } },
  { name = "consents", type = "group", label.et = "x", repeats = true, part = [
    { name = "version", type = "text", label.et = "x" }, { name = "withdrawn_on", type = "date", label.et = "x" } ] },
  { name = "by_consent", type = "text", label.et = "x", repeats = true, needs = { kind = "consent", field = "consents", clause = "§ 3" } },
  { name = "absent", type = "text", label.et = "x", required_when = { field = "text", present = false } },
  { name = "unless_email", type = "text", label.et = "x", required_when = { field = "email", present = false } },
  { name = "with_texts", type = "text", label.et = "x", required_when = { field = "texts", present = true } },
  { name = "with_seven", type = "text", label.et = "x", required_when = { field = "integers", one_of = [1, 2] } },
  { name = "with_deep", type = "text", label.et = "x", required_when = { field = "rows/note", is = "deep" } },
  { name = "with_group", type = "text", label.et = "x", required_when = { field = "outer/flag", present = true } },
  { name = "not_beside", type = "text", label.et = "x", clause = "§ 5", absent_when = { field = "outer/flag", is = true } },
  { name = "none_beside", type = "text", label.et = "x", repeats = true, absent_when = { field = "language", present = true } },
  { name = "outer", type = "group", label.et = "x", clause = "§ 4", part = [
    { name = "flag", type = "boolean", label.et = "x" },
    { name = "sum", type = "integer", label.et = "x", derived = { take = "days_inclusive", from = "flag", to = "flag" } },
    { name = "inner", type = "group", label.et = "x", repeats = true, items = [1, 3], required_when = { field = "flag", is = true }, part = [
      { name = "deepest", type = "text", label.et = "x", required = true, length = [2, 3] } ] } ] },
  { name = "rows", type = "group", label.et = "x", repeats = true, items = [0, 4], part = [
    { name = "note", type = "text", label.et = "x" }, { name = "from", type = "date", label.et = "x" } ] },
]
"#;

/// A person of another country.
pub(in super::super) const PERSON: &str = r#"
name = "person"
label = { et = "isik", fi = "henkilö" }
clause = "1 §"
title = ["code"]
base_documents = []
section = []
field = [
  { name = "code", type = "personal_code", label = { et = "isikukood", fi = "henkilötunnus" }, required = true },
  { name = "sex", type = "text", label.et = "sugu", derived = { take = "sex", from = "code", otherwise = "entered_sex" } },
  { name = "entered_sex", type = "text", label.et = "sugu" },
  { name = "employer", type = "registry_code", label.et = "y" },
]
"#;
