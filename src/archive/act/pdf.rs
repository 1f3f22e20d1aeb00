//! An act as PDF/A-2b. The Estonian text is the act; in another language it bears the mark of a translation.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use thiserror::Error;

use super::{Act, ActError, ActKind, LogAt, Method, Official};
use crate::files::pdf::{Typeset, breakable, printable, typeset};
use crate::files::{Cell, Lang, PdfError};

const TEMPLATE: &str = include_str!("../../../templates/act.typ");
/// The width of a line beside its label, in ems.
const LINE: f64 = 34.0;
/// The width of the first column of a table, in ems.
const FIRST: f64 = 20.0;
/// Longest time that a layout may take.
const TIME: Duration = Duration::from_secs(20);

/// Why there is no PDF of an act.
#[derive(Debug, Error)]
pub enum ActPdfError {
    /// There is no act.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The pages could not be set.
    #[error(transparent)]
    Pdf(#[from] PdfError),
}

mod words {
    use crate::files::Words;

    pub const TRANSFER: Words = ["Üleandmisakt", "Act of transfer", "Luovutuspöytäkirja", "Överlämnandeprotokoll"];
    pub const DESTRUCTION: Words =
        ["Hävitamisakt", "Act of destruction", "Hävittämispöytäkirja", "Förstöringsprotokoll"];
    pub const UNOFFICIAL: Words = [
        "",
        "Unofficial translation. The Estonian text is the act.",
        "Epävirallinen käännös. Vironkielinen teksti on pöytäkirja.",
        "Inofficiell översättning. Den estniska texten är protokollet.",
    ];
    pub const NUMBER: Words = ["Number", "Number", "Numero", "Nummer"];
    pub const DATE: Words = ["Kuupäev", "Date", "Päivämäärä", "Datum"];
    pub const INSTITUTION: Words = ["Asutus", "Institution", "Laitos", "Institution"];
    pub const REGISTER: Words = ["Andmekogu", "Register", "Rekisteri", "Register"];
    pub const STATUTE: Words = ["Põhimäärus", "Statute", "Säädös", "Författning"];
    pub const RECIPIENT: Words = ["Vastuvõtja", "Recipient", "Vastaanottaja", "Mottagare"];
    pub const BATCH: Words = ["Partii", "Batch", "Erä", "Parti"];
    pub const BASIS: Words = ["Alus", "Basis", "Peruste", "Grund"];
    pub const SERIES: Words = ["sari", "series", "sarja", "serie"];
    pub const APPRAISAL: Words = ["hindamisotsus", "appraisal decision", "arvonmäärityspäätös", "värderingsbeslut"];
    pub const CONSENT: Words =
        ["arhiivi nõusolek", "the archive's consent", "arkiston suostumus", "arkivets medgivande"];
    pub const EXECUTED: Words = ["Täidetud", "Carried out", "Toteutettu", "Utfört"];
    pub const METHOD: Words = ["Hävitamise viis", "Method", "Hävittämistapa", "Metod"];
    pub const OVERWRITTEN: Words = [
        "read kustutatud ja üle kirjutatud",
        "rows deleted and overwritten",
        "rivit poistettu ja ylikirjoitettu",
        "rader raderade och överskrivna",
    ];
    pub const BOTH: Words = [
        "read kustutatud ja üle kirjutatud, logi kirjete võtmed hävitatud",
        "rows deleted and overwritten, keys of the log's events destroyed",
        "rivit poistettu ja ylikirjoitettu, lokin tapahtumien avaimet tuhottu",
        "rader raderade och överskrivna, nycklarna till loggens händelser förstörda",
    ];
    pub const KEYS: Words = ["võtmed hävitatud", "keys destroyed", "avaimet tuhottu", "nycklar förstörda"];
    pub const MEDIUM: Words = ["Andmekandja", "Medium", "Tietoväline", "Databärare"];
    pub const PACKAGE: Words = ["Arhiivipakett", "Package", "Arkistopaketti", "Arkivpaket"];
    pub const FORMAT: Words = ["Vorming", "Format", "Muoto", "Format"];
    pub const MANIFEST: Words =
        ["Paketi loendi SHA-256", "SHA-256 of the manifest", "Luettelon SHA-256", "Förteckningens SHA-256"];
    pub const FILE: Words = ["Paketi faili SHA-256", "SHA-256 of the file", "Tiedoston SHA-256", "Filens SHA-256"];
    pub const SIZE: Words = ["Paketi maht", "Size of the package", "Paketin koko", "Paketets storlek"];
    pub const FILES: Words = ["faili", "files", "tiedostoa", "filer"];
    pub const BYTES: Words = ["baiti", "bytes", "tavua", "byte"];
    pub const RESTRICTION: Words =
        ["Juurdepääsupiirang", "Restriction on access", "Käyttörajoitus", "Åtkomstbegränsning"];
    pub const BEFORE: Words = ["Logi enne", "Log before", "Loki ennen", "Loggen före"];
    pub const AFTER: Words = ["Logi pärast", "Log after", "Loki jälkeen", "Loggen efter"];
    pub const EVENTS: Words = ["Logikirjed", "Events in the log", "Lokin tapahtumat", "Händelser i loggen"];
    pub const HOLDS: Words =
        ["Takistuste puudumine kontrollitud", "Holds checked", "Esteet tarkistettu", "Hinder kontrollerade"];
    pub const PREPARED: Words = ["Koostas", "Prepared by", "Laatinut", "Upprättad av"];
    pub const APPROVED: Words = ["Kinnitas", "Approved by", "Hyväksynyt", "Godkänd av"];
    pub const EXECUTOR: Words = ["Täitis", "Carried out by", "Toteuttanut", "Utförd av"];
    pub const BACKUPS: Words = [
        "Viimane varukoopia lõpeb",
        "Last backup lapses on",
        "Viimeinen varmuuskopio päättyy",
        "Sista säkerhetskopian upphör",
    ];
    pub const RECORDS_DIGEST: Words = [
        "Kirjete tunnuste SHA-256",
        "SHA-256 of the record ids",
        "Tietueiden tunnusten SHA-256",
        "Posternas id, SHA-256",
    ];
    pub const DIGEST: Words =
        ["Akti andmete SHA-256", "SHA-256 of this act's data", "Pöytäkirjan SHA-256", "Protokollets SHA-256"];
    pub const CLASS: Words = ["Andmed", "Data", "Tiedot", "Uppgifter"];
    pub const PERIOD: Words = ["Ajavahemik", "Period", "Ajanjakso", "Period"];
    pub const ENDED: Words = ["Tähtaeg lõppes", "Term ended", "Määräaika päättyi", "Tiden löpte ut"];
    pub const SUBJECTS: Words = ["Isikuid", "Persons", "Henkilöitä", "Personer"];
    pub const RECORDS: Words = ["Kirjeid", "Records", "Tietueita", "Poster"];
    pub const DOCUMENTS: Words = ["Dokumente", "Documents", "Asiakirjoja", "Handlingar"];
    pub const VOLUME: Words = ["Baite", "Bytes", "Tavuja", "Byte"];
    pub const EXCLUDED: Words = ["Välja jäetud", "Excluded", "Jätetty pois", "Undantagna"];
    pub const PAGE: Words = ["Lehekülg", "Page", "Sivu", "Sida"];
}

/// The act as PDF/A-2b, in `lang` and with moments in `time_zone`. The same act gives the same bytes.
///
/// # Errors
/// [`ActPdfError`]: an act that contradicts itself is not printed.
pub fn act_pdf(act: &Act, lang: Lang, time_zone: Tz) -> Result<Vec<u8>, ActPdfError> {
    let (_, digest) = act.canonical()?;
    Ok(typeset(Typeset {
        template: ("act.typ", TEMPLATE),
        data: ("act.json", data(act, &digest, lang, time_zone)),
        ident: format!("{} {} {digest}", act.register.short_name, act.number),
        at: act.executed_at,
        time: TIME,
    })?)
}

fn data(act: &Act, digest: &str, lang: Lang, time_zone: Tz) -> Value {
    let word = |words| lang.pick(words);
    let day = |day: NaiveDate| day.format(lang.day_format()).to_string();
    let days = |[first, last]: [NaiveDate; 2]| {
        if first == last { day(first) } else { format!("{}–{}", day(first), day(last)) }
    };
    let at = |at: DateTime<Utc>| format!("{} ({time_zone})", Cell::Instant(at.with_timezone(&time_zone)).to_text(lang));
    let official = |o: &Official| format!("{}, {}, {}", o.name, o.role, at(o.at));
    let coded = |name: &str, code: &Option<String>| match code {
        Some(code) => format!("{name} ({code})"),
        None => name.to_owned(),
    };
    let log = |log: &LogAt| format!("{}, {}, {}", log.origin, log.size, log.root);
    let title = word(match act.kind {
        ActKind::Transfer => words::TRANSFER,
        ActKind::Destruction => words::DESTRUCTION,
    });

    let mut frame = vec![
        (words::NUMBER, act.number.clone()),
        (words::DATE, day(act.drawn_up_on)),
        (words::INSTITUTION, coded(&act.institution.name, &act.institution.code)),
        (words::REGISTER, format!("{} ({})", act.register.name, act.register.short_name)),
        (words::STATUTE, act.register.statute.clone()),
        (words::BATCH, act.batch.clone()),
    ];
    if let Some(recipient) = &act.recipient {
        frame.push((words::RECIPIENT, coded(&recipient.name, &recipient.code)));
    }
    for basis in &act.basis {
        let mut told = format!("{}, {} ({})", basis.label, basis.clause, basis.rule);
        for (what, value) in
            [(words::SERIES, &basis.series), (words::APPRAISAL, &basis.appraisal), (words::CONSENT, &basis.consent)]
        {
            if let Some(value) = value {
                told += &format!("; {} {value}", word(what));
            }
        }
        frame.push((words::BASIS, told));
    }
    frame.push((words::MEDIUM, act.medium.clone()));
    if let Some(method) = act.method {
        let told = match method {
            Method::Overwritten => words::OVERWRITTEN,
            Method::OverwrittenAndKeysDestroyed => words::BOTH,
            Method::KeysDestroyed => words::KEYS,
        };
        frame.push((words::METHOD, word(told).to_owned()));
    }
    if let Some(package) = &act.package {
        let size = format!("{} {}, {} {}", package.files, word(words::FILES), package.bytes, word(words::BYTES));
        frame.push((words::PACKAGE, package.name.clone()));
        frame.push((words::FORMAT, package.format.clone()));
        frame.push((words::SIZE, size));
        frame.push((words::MANIFEST, package.manifest_sha256.clone()));
        frame.extend(package.file_sha256.clone().map(|file| (words::FILE, file)));
    }
    for restriction in &act.restrictions {
        let until = restriction.until.map_or_else(String::new, |until| format!(", –{}", day(until)));
        frame.push((words::RESTRICTION, format!("{}{until}", restriction.basis)));
    }
    let events = act.events.iter().map(
        |[first, last]| {
            if first == last { first.to_string() } else { format!("{first}–{last}") }
        },
    );
    frame.extend([
        (words::EXECUTED, at(act.executed_at)),
        (words::HOLDS, at(act.holds_checked_at)),
        (words::BEFORE, log(&act.checkpoint_before)),
        (words::AFTER, log(&act.checkpoint_after)),
        (words::EVENTS, events.collect::<Vec<_>>().join(", ")),
        (words::RECORDS_DIGEST, act.records_sha256.clone()),
    ]);
    frame.extend(act.backups_lapse_on.map(|on| (words::BACKUPS, day(on))));
    frame.push((words::PREPARED, official(&act.prepared_by)));
    frame.extend(act.approved_by.iter().map(|by| (words::APPROVED, official(by))));
    frame.push((words::EXECUTOR, act.executed_by.clone()));
    frame.push((words::DIGEST, digest.to_owned()));

    let line = |text: &str, width| breakable(&printable(text), width);
    let frame: Vec<(&str, String)> = frame.iter().map(|(label, value)| (word(*label), line(value, LINE))).collect();
    let classes: Vec<Vec<String>> = act
        .classes
        .iter()
        .map(|class| {
            let term = class.term.as_ref().map_or_else(String::new, |term| format!(", {term}"));
            let mut row = vec![line(&format!("{} ({}{term})", class.label, class.rule), FIRST)];
            row.extend([days(class.period), days(class.term_ended_on)]);
            row.extend([class.subjects, class.records, class.documents, class.bytes].map(|n| n.to_string()));
            row
        })
        .collect();
    let heads =
        [words::CLASS, words::PERIOD, words::ENDED, words::SUBJECTS, words::RECORDS, words::DOCUMENTS, words::VOLUME];
    json!({
        "lang": lang.code(),
        "title": format!("{title} {}", printable(&act.number)),
        "register": line(&act.register.name, LINE),
        "heading": title,
        "unofficial": word(words::UNOFFICIAL),
        "frame": frame,
        "heads": heads.map(word),
        "classes": classes,
        "except": word(words::EXCLUDED),
        "excluded": act.excluded.iter().map(|e| (line(&e.reason, LINE), e.records.to_string())).collect::<Vec<_>>(),
        "page": word(words::PAGE),
    })
}
