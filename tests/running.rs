//! The registers of another country, run for real: every kind of record with all its content, by whom the source names
//! and by nobody else, in both languages, until it falls due.

use andmekogu::domain::statute::definition::{Field, FieldType};
use andmekogu::domain::statute::{Definition, RecordType};
use serde_json::{Map, Value, json};

use crate::finland::{Register, code, with};
use crate::harness::{Client, named};

/// What the source says of a register: who uses it and enters what, on what document.
struct Line {
    name: &'static str,
    /// Who gives the others their rights, and enters the institution.
    keeper: &'static str,
    /// Document and data on which the institution is entered.
    institution: (&'static str, &'static str),
    /// Role, kinds of records that it enters, document.
    enters: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// Who uses the register and enters nothing.
    others: &'static [&'static str],
    /// Words of a refusal of what is asked for by somebody else: code and clause.
    disclosed: Option<(&'static str, &'static str)>,
    /// Period after the end.
    kept: &'static str,
}

const OPTIMA: (&str, &str) = ("decision", r#"{ "institution_name": "Optima samkommun" }"#);

const LINES: &[Line] = &[
    Line {
        name: "raisio-tyoymparisto",
        keeper: "register_manager",
        institution: (
            "superior_notice",
            r#"{ "organisation_name": "Konsernipalvelut", "organisation_kind": "sector" }"#,
        ),
        enters: &[
            ("superior", &["work_user"], "superior_notice"),
            ("decision_services", &["work_user"], "decision_services_notice"),
            ("host", &["work_user"], "host_notice"),
            ("school_services", &["school_person"], "student_register_extract"),
        ],
        others: &["user"],
        disclosed: Some(("not_disclosed", "Henkilötietojen luovutus")),
        kept: "P9M",
    },
    Line {
        name: "optima-abilitas",
        keeper: "contact_person",
        institution: OPTIMA,
        enters: &[("counsellor", &["student"], "note")],
        others: &["rector"],
        disclosed: None,
        kept: "P1Y",
    },
    Line {
        name: "optima-itslearning",
        keeper: "contact_person",
        institution: OPTIMA,
        enters: &[("staff", &["student"], "note")],
        others: &[],
        disclosed: None,
        kept: "P1Y",
    },
    Line {
        name: "optima-ad-office365",
        keeper: "contact_person",
        institution: OPTIMA,
        enters: &[("staff", &["staff_account", "student_account"], "note")],
        others: &[],
        disclosed: None,
        kept: "P1Y",
    },
    Line {
        name: "optima-primus-wilma-kurre",
        keeper: "contact_person",
        institution: OPTIMA,
        enters: &[("staff", &["student", "staff_member", "workplace_representative"], "note")],
        others: &["rector"],
        disclosed: None,
        kept: "P1Y",
    },
    Line {
        name: "optima-tweb-valmu",
        keeper: "contact_person",
        institution: OPTIMA,
        enters: &[("staff", &["matter", "document", "official_decision"], "note")],
        others: &[],
        disclosed: Some(("withheld", "Registrets datainnehåll 3")),
        kept: "P1Y",
    },
    Line {
        name: "optima-unit4",
        keeper: "contact_person",
        institution: OPTIMA,
        enters: &[("staff", &["customer_or_supplier", "staff_member"], "note")],
        others: &[],
        disclosed: None,
        kept: "P1Y",
    },
    Line {
        name: "optima-webauto",
        keeper: "contact_person",
        institution: OPTIMA,
        enters: &[
            ("traffic_teacher", &["student", "staff_member"], "note"),
            ("customer_manager", &["student", "staff_member"], "note"),
        ],
        others: &[],
        disclosed: None,
        kept: "P1Y",
    },
];

/// A value for every field that people enter: each list with one item, each group with all its parts.
fn whole(definition: &Definition, kind: &RecordType, serial: u16, file: &str) -> Value {
    let ends = kind.lifecycle.as_ref().map(|l| l.ends.clone()).unwrap_or_default();
    let fields = kind.fields.iter().filter(|f| f.derived.is_none() && f.name != ends);
    Value::Object(fields.map(|f| (f.name.clone(), value(definition, kind, f, serial, file))).collect())
}

fn value(definition: &Definition, kind: &RecordType, field: &Field, serial: u16, file: &str) -> Value {
    let account = kind.subject.as_ref().is_some_and(|s| s.account.as_deref() == Some(&field.name));
    let one = match field.kind {
        FieldType::Text | FieldType::Multiline | FieldType::Address => match &field.pattern {
            Some(_) => json!("01234"),
            None if account => json!(format!("maija.meri.{serial}")),
            None => json!(format!("Näyte {serial}")),
        },
        FieldType::Email if account => json!(format!("maija.meri.{serial}@posti.example")),
        FieldType::Email => json!("maija@posti.example"),
        FieldType::Phone => json!("+358401234567"),
        FieldType::Iban => json!("FI2112345600000785"),
        FieldType::Date => json!("2026-02-01"),
        FieldType::Year => json!(2026),
        FieldType::Boolean => json!(true),
        FieldType::Integer => json!(2),
        FieldType::Decimal | FieldType::Load => json!("1.00"),
        FieldType::Money => json!("100.00"),
        FieldType::Percentage => json!("50.00"),
        FieldType::PersonalCode => json!(code(2008, 4, 3, serial)),
        FieldType::Code => {
            let list = definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref()).unwrap();
            json!(list.codes[0].code)
        }
        FieldType::File => json!(file),
        FieldType::Group => {
            let parts = field.parts.iter().map(|p| (p.name.clone(), value(definition, kind, p, serial, file)));
            Value::Object(parts.collect::<Map<_, _>>())
        }
        FieldType::Language => json!("sv"),
        FieldType::Country => json!("FIN"),
        FieldType::RegistryCode => json!("0112038-9"),
        FieldType::Reference => Value::Null,
    };
    if field.repeats { json!([one]) } else { one }
}

/// A small picture, stored in the register.
fn picture(r: &Register, by: &Client) -> String {
    use base64::Engine as _;
    const PNG: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let mut body = b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"kuva.png\"\r\n\
                     Content-Type: image/png\r\n\r\n"
        .to_vec();
    body.extend(base64::engine::general_purpose::STANDARD.decode(PNG).unwrap());
    body.extend(b"\r\n--edge--\r\n");
    let answer = by.send("POST", &r.path("files"), Some(body), "multipart/form-data; boundary=edge");
    answer.expect(201).body["sha256"].as_str().unwrap().to_owned()
}

fn more(definition: &Definition, role: &str) -> Value {
    let role = definition.register.roles.iter().find(|r| r.name == role).unwrap();
    if role.needs_task { json!({ "task": "tehtävä" }) } else { json!({}) }
}

/// The whole life of every register, line by line.
#[test]
fn every_kind_of_record_is_entered_with_all_its_content_by_whom_the_source_names_and_by_nobody_else() {
    for line in LINES {
        with(line.name, |r| {
            let definition = named(line.name).definitions.remove(0);
            let keeper = r.appointed("pitaja", line.keeper);
            let institution =
                r.institution(&keeper, line.institution.0, serde_json::from_str(line.institution.1).unwrap());
            let mut users: Vec<(&str, Client)> = Vec::new();
            for role in line.enters.iter().map(|e| e.0).chain(line.others.iter().copied()) {
                let by = if role == "rector" {
                    r.appointed("rehtori", role)
                } else {
                    r.given(&keeper, role, role, more(&definition, role))
                };
                users.push((role, by));
            }
            let mut serial = 0;
            for (role, kinds, document) in line.enters {
                let by = &users.iter().find(|(name, _)| name == role).unwrap().1;
                let file = picture(&r, by);
                for kind in *kinds {
                    serial += 1;
                    let record_type = definition.record_types.iter().find(|t| t.name == *kind).unwrap();
                    let data = whole(&definition, record_type, serial, &file);
                    let entered = r.enter(by, kind, &institution, document, data.clone());
                    assert_eq!(entered.status, 201, "{} {role} {kind}: {}", line.name, entered.text);
                    let id = entered.id();
                    let read = r.read(by, kind, &id).expect(200).body;
                    for (field, value) in data.as_object().unwrap() {
                        assert_eq!(&read["data"][field], value, "{} {kind}/{field}", line.name);
                    }
                    // Whoever enters something else, or nothing, enters none of these.
                    for (other, client) in &users {
                        let enters = line.enters.iter().any(|(name, kinds, _)| name == other && kinds.contains(kind));
                        if !enters {
                            let body = json!({ "institution_id": institution, "effective_on": "2026-02-01",
                                               "base_document_ids": [], "data": data });
                            let refused = client.post(&r.path(&format!("records/{kind}")), &body);
                            assert_eq!(refused.status, 403, "{} {other} {kind}: {}", line.name, refused.text);
                            assert!(refused.body["clause"].as_str().is_some_and(|c| !c.is_empty()), "{}", refused.text);
                        }
                    }
                    screens(&r, role, record_type, &id, &data);
                    report(&r, &keeper, role, &id);
                    ended(&r, line, &keeper, by, record_type, &id);
                }
            }
            nothing_else_leaves(&r, line, &keeper);
        });
    }
}

/// The card, the list and the form for a new one, in both languages of the country: what is in another language than
/// the page says so.
fn screens(r: &Register, user: &str, kind: &RecordType, id: &str, data: &Value) {
    for lang in ["fi", "sv"] {
        let mut visitor = r.h.visit_as(user);
        visitor.lang = if lang == "fi" { "fi" } else { "sv" };
        let card = visitor.get(&format!("/r/{}/records/{}/{id}", r.name, kind.name)).expect(200);
        assert_eq!(card.attributes("html", "lang"), [lang]);
        for field in kind.fields.iter().filter(|f| data.get(&f.name).is_some_and(|v| !v.is_null())) {
            let label = field.label.in_language(lang);
            assert!(card.text().contains(label), "{}/{} is told as {label}: {}", kind.name, field.name, card.text());
        }
        // Days as both languages of the country write them.
        assert!(card.text().contains("1.2.2026"), "{lang}: {}", card.text());
        // Headings of the source are in its language, whatever the page's is.
        let source = if r.name.starts_with("raisio") { "fi" } else { "sv" };
        let laws = card.attributes("a.law", "lang");
        assert!(!laws.is_empty() && laws.iter().all(|l| l == source), "{laws:?}");
        visitor.get(&format!("/r/{}/records/{}", r.name, kind.name)).expect(200);
        visitor.get(&format!("/r/{}/records/{}/new", r.name, kind.name)).expect(200);
    }
}

/// The use ends, and the day on which the data fall due follows from it.
fn ended(r: &Register, line: &Line, keeper: &Client, by: &Client, kind: &RecordType, id: &str) {
    let document = r.document(by, line.enters.iter().find(|e| e.1.contains(&kind.name.as_str())).unwrap().2);
    let end = json!({ "ended_on": "2026-11-20", "base_document_ids": [document] });
    by.post(&r.path(&format!("records/{}/{id}/end", kind.name)), &end).expect(200);
    let why = keeper.get(&r.path(&format!("records/{}/{id}/retention", kind.name)));
    // Who keeps the terms need not see the data: the preview of what falls due says no more than that.
    let day = if line.kept == "P9M" { "2027-08-21" } else { "2027-11-21" };
    let before = if line.kept == "P9M" { "2027-08-20" } else { "2027-11-20" };
    if why.status == 200 {
        for part in why.body["parts"].as_array().unwrap() {
            assert_eq!((&part["period"], &part["due_on"]), (&json!(line.kept), &json!(day)), "{}", why.text);
        }
    }
    let due = |on: &str| {
        let list = keeper.get(&r.path(&format!("retention/due?on={on}"))).expect(200).body;
        list["items"].as_array().unwrap().iter().any(|i| i["record_id"] == id)
    };
    assert!(!due(before), "{} {}: not before {day}", line.name, kind.name);
    assert!(due(day), "{} {}: {day}", line.name, kind.name);
}

/// Who could see a record, by which clause.
fn report(r: &Register, keeper: &Client, user: &str, id: &str) {
    let report = keeper.get(&r.path(&format!("access-report?record_id={id}"))).expect(200);
    let could = report.body["could"].as_array().unwrap();
    let entering = could.iter().find(|c| c["username"] == user).unwrap_or_else(|| panic!("{user}: {}", report.text));
    assert!(entering["sections"][0]["clause"].as_str().is_some_and(|c| !c.is_empty()), "{}", report.text);
}

/// Somebody else asks for data; for what is secret, where the register has it.
fn nothing_else_leaves(r: &Register, line: &Line, keeper: &Client) {
    let Some((code, clause)) = line.disclosed else { return };
    if code == "withheld" {
        let asked = json!({ "requester": { "name": "Tidningen", "kind": "company", "contact": "red@tidning.example" },
            "object": "ärenden", "record_type": "matter", "fields": ["diary_number", "secret_data"], "purpose": "artikel",
            "legal_basis": "offentlighetslagen" });
        let refused = keeper.post(&r.path("disclosure-requests"), &asked).expect(422);
        assert!(refused.has_fault("/fields/1", code), "{}", refused.text);
        assert!(refused.body["errors"].as_array().unwrap().iter().any(|e| e["clause"] == clause), "{}", refused.text);
        return;
    }
    let asked = json!({ "requester": { "name": "Toinen", "kind": "company", "contact": "toinen@yritys.example" },
        "object": "osoitteet", "record_type": line.enters[0].1[0], "fields": ["email"], "purpose": "markkinointi",
        "legal_basis": "suostumus" });
    let refused = keeper.post(&r.path("disclosure-requests"), &asked).expect(409);
    assert_eq!((&refused.body["code"], &refused.body["clause"]), (&json!(code), &json!(clause)), "{}", refused.text);
    assert_eq!(keeper.get(&r.path("disclosures")).expect(200).body["items"], json!([]));
}
