//! Giving people what a register holds about them, on their request.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::leaving::Frame;
use super::{ActContext, App, Disclosed, Error};
use crate::domain::calendar::rfc3339;
use crate::domain::registers::Register;
use crate::domain::statute::{Field, FieldType, Label};
use crate::files::{Cell, Column, ColumnKind, Lang, Table, Words};
use crate::store::acts::own_data::{OwnExtract, OwnRecord};
use crate::store::read::disclosure::Wanted;
use crate::store::{self, Left};

/// The words of an extract, beside those of the definition.
mod words {
    use super::Words;

    pub const ABOUT: Words = ["Mille kohta", "About", "Mistä", "Om vad"];
    pub const WHAT: Words = ["Andmed", "Data", "Tieto", "Uppgift"];
    pub const VALUE: Words = ["Väärtus", "Value", "Arvo", "Värde"];
    pub const CLAUSE: Words = ["Õiguslik alus", "Legal basis", "Oikeusperuste", "Rättslig grund"];
    pub const PURPOSE: Words =
        ["Andmete töötlemise eesmärk", "Purpose of processing", "Käsittelyn tarkoitus", "Ändamålet med behandlingen"];
    pub const CONTROLLER: Words = ["Vastutav töötleja", "Controller", "Rekisterinpitäjä", "Personuppgiftsansvarig"];
    pub const SOURCE: Words = ["Andmete allikas", "Source of the data", "Tietolähde", "Uppgiftskälla"];
    pub const KEPT: Words = ["Säilitamine", "How long it is kept", "Säilytys", "Förvaring"];
    pub const RECEIVED: Words = ["Kellele on väljastatud", "Who received data", "Kenelle luovutettu", "Mottagare"];
    pub const NOBODY: Words = ["ei kellelegi", "nobody", "ei kenellekään", "ingen"];
    pub const REMEDIES: Words = ["Kuhu kaevata", "How to complain", "Muutoksenhaku", "Hur man klagar"];
    pub const HELD_BACK: Words = ["Jäeti välja", "Held back", "Jätettiin pois", "Utelämnat"];
    pub const NOTHING: Words = [
        "Andmekogus teie kohta andmeid ei ole.",
        "The register holds no data about you.",
        "Rekisterissä ei ole teitä koskevia tietoja.",
        "Registret innehåller inga uppgifter om er.",
    ];
    pub const YES: Words = ["jah", "yes", "kyllä", "ja"];
    pub const NO: Words = ["ei", "no", "ei", "nej"];
}

impl App {
    /// Gives out what was granted on a request for one's own data: read, written, entered in the ledger, and only then
    /// let go of.
    ///
    /// # Errors
    /// Refusals with their clause: a role that the register does not name, a request that is undecided, refused or over,
    /// a minor who has come of age.
    pub async fn release_own_data(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        wanted: Wanted,
    ) -> Result<Disclosed<Left>, Error> {
        let again = register.clone();
        let act = self.store.release(
            cx,
            move |tx, disclosure_id| {
                let permit = tx.authorize_own_data(&register, id, false)?;
                tx.own_data_read(permit, disclosure_id, wanted)
            },
            render,
            move |tx, leaving| {
                let permit = tx.authorize_own_data(&again, id, true)?;
                tx.own_data_write(permit, leaving)
            },
        );
        Ok(act.await?)
    }
}

fn render(data: &OwnExtract) -> Result<Vec<u8>, store::Error> {
    let frame = Frame {
        register: &data.register,
        disclosure_id: data.disclosure_id,
        recipient: &data.recipient.name,
        purpose: data.purpose.in_language(data.wanted.language),
        clause: &data.clause,
        made_at: data.made_at,
        wanted: &data.wanted,
    };
    frame.write(|| json(data), || table(data))
}

fn json(data: &OwnExtract) -> Value {
    let source = &data.register.definition.register;
    let said = |label: &Label| label.in_language(data.wanted.language).to_owned();
    json!({
        "disclosure": {
            "id": data.disclosure_id,
            "register": data.register.name(),
            "recipient": data.recipient.name,
            "clause": data.clause,
            "as_of": data.as_of,
            "records": data.records.len(),
            "held_back": data.held_back.iter().map(|(t, s)| format!("{t}/{s}")).collect::<Vec<_>>(),
            "made_at": rfc3339(data.made_at),
        },
        "processing": {
            "purposes": source.purposes.iter().map(|p| said(&p.label)).collect::<Vec<_>>(),
            "controller": source.controller.name,
            "sources": source.sources.iter().map(|s| said(&s.label)).collect::<Vec<_>>(),
            "kept": source.retention_rules.iter().map(|r| said(&r.label)).collect::<Vec<_>>(),
            "received": data.received.iter().map(|r| json!({
                "at": r.at, "recipient": r.recipient, "purpose": r.purpose, "clause": r.clause,
            })).collect::<Vec<_>>(),
            "remedies": data.remedies.as_ref().map(said),
        },
        "records": data.records.iter().map(|r| json!({
            "type": r.record_type, "id": r.id, "status": r.status, "data": r.data,
        })).collect::<Vec<_>>(),
    })
}

/// What is held, value by value, and what GDPR art. 15(1) has told beside it.
fn table(data: &OwnExtract) -> Table {
    let lang: Lang = data.wanted.language.parse().unwrap_or_default();
    let column = |name: &str, words: Words| Column {
        name: name.to_owned(),
        label: lang.pick(words).to_owned(),
        kind: ColumnKind::Text,
    };
    let columns = vec![
        column("about", words::ABOUT),
        column("what", words::WHAT),
        column("value", words::VALUE),
        column("clause", words::CLAUSE),
    ];
    let said = |label: &Label| label.in_language(lang.code()).to_owned();
    let mut table = Table::new(said(&data.purpose), columns);
    let zone = data.register.definition.register.time_zone;
    let mut row = |about: &str, what: &str, value: String, clause: String| {
        let row: Map<String, Value> =
            [("about", about.to_owned()), ("what", what.to_owned()), ("value", value), ("clause", clause)]
                .into_iter()
                .map(|(name, text)| (name.to_owned(), Value::String(text)))
                .collect();
        table.push_json(&row, zone);
    };
    for record in &data.records {
        for (label, value, clause) in lines(&data.register, record, lang) {
            let kind = data.register.record_type(&record.record_type).map(|k| said(&k.label)).unwrap_or_default();
            row(&kind, &label, value, clause);
        }
    }
    let source = &data.register.definition.register;
    let name = said(&source.name);
    if data.records.is_empty() {
        row(&name, lang.pick(words::WHAT), lang.pick(words::NOTHING).to_owned(), data.clause.0.clone());
    }
    for (kind, section) in &data.held_back {
        let kind = data.register.record_type(kind);
        let section = kind.and_then(|k| k.sections.iter().find(|s| s.name == *section));
        let label = kind.map(|k| said(&k.label)).unwrap_or_default();
        let section = section.map(|s| said(&s.label)).unwrap_or_default();
        row(&label, lang.pick(words::HELD_BACK), section, data.clause.0.clone());
    }
    for purpose in &source.purposes {
        row(&name, lang.pick(words::PURPOSE), said(&purpose.label), purpose.clause.0.clone());
    }
    row(&name, lang.pick(words::CONTROLLER), source.controller.name.clone(), source.controller.clause.0.clone());
    for from in &source.sources {
        row(&name, lang.pick(words::SOURCE), said(&from.label), from.clause.0.clone());
    }
    for rule in &source.retention_rules {
        row(&name, lang.pick(words::KEPT), said(&rule.label), rule.clause.0.clone());
    }
    if data.received.is_empty() {
        row(&name, lang.pick(words::RECEIVED), lang.pick(words::NOBODY).to_owned(), String::new());
    }
    for given in &data.received {
        let at = Cell::from_json(&json!(given.at), ColumnKind::Instant, zone);
        let text = format!("{} · {} · {}", at.to_text(lang), given.recipient, given.purpose);
        row(&name, lang.pick(words::RECEIVED), text, given.clause.as_ref().map(|c| c.0.clone()).unwrap_or_default());
    }
    if let Some(remedies) = &data.remedies {
        row(&name, lang.pick(words::REMEDIES), said(remedies), data.clause.0.clone());
    }
    table
}

/// Label, value and clause of everything that a record holds.
fn lines(register: &Register, record: &OwnRecord, lang: Lang) -> Vec<(String, String, String)> {
    let kind = register.record_type(&record.record_type);
    let fields = kind.map(|k| k.fields.as_slice()).unwrap_or_default();
    let line = |field: &Field| {
        let value = record.data.get(&field.name).filter(|v| !v.is_null())?;
        let label = field.label.in_language(lang.code()).to_owned();
        let clause = field.clause.as_ref().map(|c| c.0.clone()).unwrap_or_default();
        Some((label, said(register, field, value, lang), clause))
    };
    fields.iter().filter_map(line).collect()
}

/// A value as people of `lang` read it.
fn said(register: &Register, field: &Field, value: &Value, lang: Lang) -> String {
    match value {
        Value::Array(items) => {
            items.iter().map(|item| said(register, field, item, lang)).collect::<Vec<_>>().join("; ")
        }
        Value::Object(map) if field.kind == FieldType::Group => {
            let part = |part: &Field| {
                let value = map.get(&part.name).filter(|v| !v.is_null())?;
                Some(format!("{}: {}", part.label.in_language(lang.code()), said(register, part, value, lang)))
            };
            field.parts.iter().filter_map(part).collect::<Vec<_>>().join(", ")
        }
        Value::Bool(yes) => lang.pick(if *yes { words::YES } else { words::NO }).to_owned(),
        Value::String(text) if field.kind == FieldType::Code => {
            let list = register.definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref());
            let code = list.and_then(|l| l.codes.iter().find(|c| c.code == *text));
            code.map_or_else(|| text.clone(), |c| c.label.in_language(lang.code()).to_owned())
        }
        other => {
            let kind = if field.kind == FieldType::Date { ColumnKind::Date } else { ColumnKind::Text };
            let zone = register.definition.register.time_zone;
            Cell::from_json(other, kind, zone).to_text(lang).into_owned()
        }
    }
}
