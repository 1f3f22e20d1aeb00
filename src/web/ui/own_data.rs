//! Asking for everything that a register holds about oneself: the form of whoever asks, and that of the officer who
//! takes in a letter or somebody who has come; the proof of identity; what is given out.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::ask::{self, Asking, Choice, Field, FormPage, Row};
use super::disclosures::day_of;
use super::frame::Fault;
use super::say::{Said, T, masked};
use super::visit::{Form, Posted, Visit};
use super::{Page, Shown, State, page};
use crate::domain::case::own_data::{self, Guardianship, OwnData, Standing};
use crate::domain::case::{CaseFile, CaseParty, NewCase};
use crate::domain::disclosure::Format;
use crate::domain::registers::Register;
use crate::domain::statute::procedures::{CaseKind, OwnDataRule, Procedure, ProofWay, StepKind};
use crate::store::read::disclosure::Wanted;
use crate::web::problem::Problem;

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/own-data", show, "case.open: the form alone"),
    page!(Post "/r/{r}/own-data", send, "case.open"),
    page!(Post "/r/{r}/cases/{id:[0-9a-f-]{36}}/release", release, "disclosure.release"),
];

/// Questions at which the engine's faults are shown.
const ASKED: &[&str] = &[
    "text",
    "details_standing",
    "details_subject_personal_code",
    "details_subject_account",
    "details_subject_birth_date",
    "details_proof_way",
    "details_proof_reference",
    "details_proof_on",
    "details_guardian_document",
    "from_name",
    "from_contact",
    "from_personal_code",
    "received_on",
];

/// Questions of the steps of such a case.
pub const STEP_ASKED: &[&str] =
    &["details_way", "details_reference", "details_on", "details_guardian_document", "details_held_back"];

/// The kind of case by which people ask for the data about themselves, and how they do.
pub fn kind_of(register: &Register) -> Option<(&CaseKind, &OwnDataRule)> {
    let kind = register.case_kind_of(Procedure::OwnData)?;
    Some((kind, kind.own_data.as_ref()?))
}

fn say(t: T, key: &str) -> Said {
    Said { text: t.say(key), lang: None }
}

fn way_label(t: T, way: ProofWay) -> Said {
    say(
        t,
        match way {
            ProofWay::Login => "own-data-way-login",
            ProofWay::SignedLetter => "own-data-way-letter",
            ProofWay::InPerson => "own-data-way-person",
        },
    )
}

/// The ways that an officer enters.
fn seen_ways(t: T, rule: &OwnDataRule) -> Vec<Choice> {
    let ways = rule.proofs.iter().filter(|w| **w != ProofWay::Login);
    ways.map(|w| Choice::new(w.as_str(), way_label(t, *w)).clause(&rule.clause)).collect()
}

/// How the register says that one asks: who decides, how identity is proved, where a signed request is sent.
fn how(t: T, register: &Register, rule: &OwnDataRule) -> Vec<Row> {
    let roles = rule.decides.iter().filter_map(|name| {
        let role = register.definition.register.roles.iter().find(|r| r.name == *name)?;
        Some(t.label(&role.label))
    });
    let mut rows: Vec<Row> =
        roles.map(|role| Row::new(t.say("own-data-decides"), role).clause(Some(&rule.clause))).collect();
    rows.extend(
        rule.proofs.iter().map(|way| Row::new(t.say("own-data-proof"), way_label(t, *way)).clause(Some(&rule.clause))),
    );
    if let Some(place) = &rule.send_to {
        let lang = register.definition.register.language;
        let said = Said { text: place.clone(), lang: (lang.code() != t.code()).then(|| lang.code()) };
        rows.push(Row::new(t.say("own-data-send"), said).clause(Some(&rule.clause)));
    }
    rows
}

/// The form: who asks, about whom, how they proved who they are.
///
/// # Errors
/// 404 where the statute knows no such request.
pub async fn show(state: State, visit: Visit) -> Shown {
    let mut form = Form { pairs: Vec::new(), files: Vec::new() };
    form.pairs.push(("details_standing".to_owned(), "own".to_owned()));
    page(&state, &visit, &form, Vec::new())
}

fn page(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Shown {
    let (t, register) = (visit.t, visit.register(state)?);
    let (kind, rule) = kind_of(&register).ok_or_else(Problem::not_found)?;
    let officer = visit.may("case.handle");
    let asking = Asking { t, form, faults: &faults };
    let (codes, accounts) = own_data::known_by(&register);
    let mut fields = Vec::new();
    if officer {
        fields.push(asking.line("from_name", asking.said("own-data-name")));
        fields.push(asking.line("from_contact", asking.said("own-data-contact")));
        fields.push(asking.short("from_personal_code", asking.said("own-data-code")));
        fields
            .push(asking.short("received_on", asking.said("own-data-received")).hint(t.say("own-data-received-hint")));
    }
    if let Some(clause) = &rule.guardians {
        let choices = [("own", "own-data-standing-own"), ("guardian", "own-data-standing-guardian")];
        let choices = choices.map(|(value, key)| Choice::new(value, say(t, key)));
        let label = asking.said("own-data-standing");
        fields.push(asking.radios("details_standing", label, choices.to_vec()).clause(Some(clause)));
    }
    // Whoever asks for themselves is known by their login.
    if officer || rule.guardians.is_some() {
        let hint = t.say(if officer { "own-data-subject-officer" } else { "own-data-subject-hint" });
        if codes {
            let label = asking.said("own-data-subject-code");
            fields.push(asking.short("details_subject_personal_code", label).hint(hint.clone()));
        }
        if accounts {
            let label = asking.said("own-data-subject-account");
            fields.push(asking.short("details_subject_account", label).hint(hint));
        }
        if !codes && rule.guardians.is_some() {
            let label = asking.said("own-data-subject-birth");
            fields.push(asking.short("details_subject_birth_date", label).hint(t.say("own-data-subject-birth-hint")));
        }
    }
    if officer {
        fields.extend(proof_fields(&asking, rule, "details_proof_", rule.guardians.is_some()));
    }
    fields.push(asking.area("text", asking.said("own-data-text")).hint(t.say("own-data-text-hint")));
    let frame = visit.frame(state, t.label(&kind.label).text);
    FormPage {
        intro: t.say(if officer { "own-data-intro-officer" } else { "own-data-intro" }),
        clause: Some(kind.clause.0.clone()),
        rows: how(t, &register, rule),
        faults,
        fields,
        hidden: Vec::new(),
        action: frame.at("/own-data"),
        button: t.say("own-data-send-button"),
        checks: false,
        files: false,
        back: if officer { frame.at("/cases") } else { visit.href("/me") },
        f: frame,
    }
    .shown()
}

/// How identity was proved, as an officer enters it.
fn proof_fields(asking: &Asking<'_>, rule: &OwnDataRule, prefix: &str, guardians: bool) -> Vec<Field> {
    let t = asking.t;
    let mut fields = vec![
        asking.radios(&format!("{prefix}way"), asking.said("own-data-proof"), seen_ways(t, rule)),
        asking
            .line(&format!("{prefix}reference"), asking.said("own-data-reference"))
            .hint(t.say("own-data-reference-hint")),
        asking.short(&format!("{prefix}on"), asking.said("own-data-on")).hint(t.say("own-data-on-hint")),
    ];
    if guardians {
        let label = asking.said("own-data-guardian-document");
        fields.push(asking.line("details_guardian_document", label).hint(t.say("own-data-guardian-document-hint")));
    }
    fields
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(text) = value {
        map.insert(name.to_owned(), json!(text));
    }
}

/// The day as programs write it; what is no day goes as it is, and the engine says so.
fn iso(day: Option<NaiveDate>) -> Option<String> {
    day.map(|d| d.to_string())
}

/// Opens the request.
///
/// # Errors
/// 422 with what is missing or cannot be, and everything as it was typed.
pub async fn send(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let register = visit.register(&state)?;
    let (kind, _) = kind_of(&register).ok_or_else(Problem::not_found)?;
    let officer = visit.may("case.handle");
    let mut faults = Vec::new();
    let received_on = day_of(t, form, "received_on", &mut faults);
    let birth = iso(day_of(t, form, "details_subject_birth_date", &mut faults));
    let proved_on = iso(day_of(t, form, "details_proof_on", &mut faults));
    if !faults.is_empty() {
        return page(&state, visit, form, faults);
    }
    let (mut details, mut subject, mut proof) = (Map::new(), Map::new(), Map::new());
    put(&mut subject, "personal_code", form.text("details_subject_personal_code"));
    put(&mut subject, "account", form.text("details_subject_account"));
    put(&mut subject, "birth_date", birth.as_deref());
    details.insert("subject".into(), Value::Object(subject));
    put(&mut details, "standing", form.text("details_standing"));
    if officer {
        put(&mut proof, "way", form.text("details_proof_way"));
        if !proof.is_empty() {
            put(&mut proof, "reference", form.text("details_proof_reference"));
            put(&mut proof, "on", proved_on.as_deref());
            details.insert("proof".into(), Value::Object(proof));
        }
        put(&mut details, "guardian_document", form.text("details_guardian_document"));
    }
    let said = |name: &str| form.text(name).unwrap_or_default().to_owned();
    let own_request = form.text("from_name").is_none() && form.text("from_contact").is_none();
    let from = (officer && !own_request).then(|| CaseParty {
        name: said("from_name"),
        kind: Some("person".into()),
        registry_code: None,
        personal_code: form.text("from_personal_code").map(str::to_owned),
        contact: said("from_contact"),
    });
    let new = NewCase {
        kind: kind.name.clone(),
        text: said("text"),
        from,
        received_on: received_on.filter(|_| officer),
        details: Value::Object(details),
        ..NewCase::default()
    };
    match state.app.open_case(posted.cx(&state), register.name().to_owned(), new).await {
        Ok(case) => visit.done(&format!("/r/{}/cases/{}", register.name(), case.get().case.id), "case-opened"),
        Err(error) => page(&state, visit, form, ask::faults(t, error.into(), ASKED)?),
    }
}

/// What a case of this kind tells beside what every case does.
pub fn rows(t: T, register: &Register, kind: &CaseKind, case: &CaseFile) -> Vec<Row> {
    let (Some(rule), Ok(own)) = (&kind.own_data, OwnData::of(case)) else { return Vec::new() };
    let mut rows = Vec::new();
    if let Some(code) = &own.subject.personal_code {
        rows.push(Row::new(t.say("own-data-subject-code"), masked(code)));
    }
    if let Some(account) = &own.subject.account {
        rows.push(Row::new(t.say("own-data-subject-account"), account.clone()));
    }
    if own.standing == Standing::Guardian {
        let on = match &own.guardianship {
            Some(Guardianship::Record) => t.say("own-data-guardian-record"),
            Some(Guardianship::Document(text)) => text.clone(),
            None => t.say("own-data-not-shown"),
        };
        rows.push(Row::new(t.say("own-data-standing-guardian"), on).clause(rule.guardians.as_ref()));
    }
    let proof = match &own.proof {
        Some(proof) => {
            let way = way_label(t, proof.way).text;
            let parts = [way, proof.reference.clone(), t.day(proof.on)];
            parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" · ")
        }
        None => t.say("own-data-not-shown"),
    };
    rows.push(Row::new(t.say("own-data-proof"), proof).clause(Some(&rule.clause)));
    if let Some(day) = own.asked_on {
        rows.push(Row::new(t.say("own-data-asked"), t.day(day)).clause(rule.waits_for_identity.as_ref()));
        if case.deadline.is_none() && !case.state.is_over() {
            let stands = Row::new(t.say("own-data-clock"), t.say("own-data-clock-stands"));
            rows.push(stands.clause(rule.waits_for_identity.as_ref()));
        }
    }
    if let Some(day) = case.counted_from {
        rows.push(Row::new(t.say("own-data-counted"), t.day(day)).clause(rule.waits_for_identity.as_ref()));
    }
    rows.extend(how(t, register, rule).into_iter().take(rule.decides.len()));
    rows
}

/// Whether something is still to be shown of who asks.
pub fn lacks_proof(case: &CaseFile) -> bool {
    OwnData::of(case)
        .is_ok_and(|own| own.proof.is_none() || (own.standing == Standing::Guardian && own.guardianship.is_none()))
}

/// What a step of such a case asks beside words.
pub fn step_fields(asking: &Asking<'_>, register: &Register, kind: &CaseKind, act: StepKind) -> Vec<Field> {
    let Some(rule) = &kind.own_data else { return Vec::new() };
    match act {
        StepKind::Identify => proof_fields(asking, rule, "details_", rule.guardians.is_some()),
        StepKind::Decide if kind.outcomes.iter().any(|o| o.in_part) => {
            let sections = own_data::about_people(register).flat_map(|record_type| {
                record_type.sections.iter().enumerate().map(move |(n, section)| Choice {
                    heading: (n == 0).then(|| asking.t.label(&record_type.label)),
                    ..Choice::new(format!("{}/{}", record_type.name, section.name), asking.t.label(&section.label))
                })
            });
            let label = asking.said("own-data-held-back");
            vec![asking.checks("details_held_back", label, sections.collect()).hint(asking.t.say("own-data-held-hint"))]
        }
        _ => Vec::new(),
    }
}

/// What the step says beside words.
pub fn step_details(t: T, form: &Form, kind: &CaseKind, act: StepKind, faults: &mut Vec<Fault>) -> Value {
    if kind.own_data.is_none() {
        return Value::Null;
    }
    let mut details = Map::new();
    match act {
        StepKind::Identify => {
            let on = iso(day_of(t, form, "details_on", faults));
            put(&mut details, "way", form.text("details_way"));
            put(&mut details, "reference", form.text("details_reference"));
            put(&mut details, "on", on.as_deref());
            put(&mut details, "guardian_document", form.text("details_guardian_document"));
        }
        StepKind::Decide => {
            details.insert("held_back".into(), json!(form.all("details_held_back").collect::<Vec<_>>()));
        }
        _ => return Value::Null,
    }
    Value::Object(details)
}

/// Whether the extract can be given out now, as far as it can be told before it is.
pub fn may_give(register: &Register, kind: &CaseKind, case: &CaseFile, today: NaiveDate) -> bool {
    kind.own_data.is_some() && own_data::releasable(case, kind, register, today).is_ok()
}

/// Gives out the extract as a file. It is entered in the ledger before it leaves.
///
/// # Errors
/// As the act.
pub async fn release(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (name, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let format = match posted.form.value("format") {
        "json" => Format::Json,
        "xlsx" => Format::Xlsx,
        _ => Format::Pdf,
    };
    let wanted = Wanted { format, language: visit.t.code() };
    let left = state.app.release_own_data(posted.cx(&state), name.clone(), id, wanted).await?;
    Ok(crate::web::api::disclosure::file(&name, format, left.into_inner()))
}
