//! The receipt of a confirmation as PDF/A-2b: what was confirmed, by whom, when, and the root that binds it.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::pdf::{PdfError, Typeset, breakable, printable, typeset};
use super::table::Cell;
use super::{Act, Lang, Words};

const TEMPLATE: &str = include_str!("../../templates/receipt.typ");
/// The width of a line beside its label, in ems.
const LINE: f64 = 34.0;
/// Longest time that a layout may take: a receipt is a page.
const TIME: Duration = Duration::from_secs(20);

/// What is printed. Every text is in [`lang`](Self::lang) already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The register's name.
    pub register_name: String,
    /// The register's id.
    pub register_id: String,
    /// The act that it is run under.
    pub act: Act,
    /// The language of the frame.
    pub lang: Lang,
    /// The zone in which moments are shown.
    pub time_zone: Tz,
    /// Number of the confirmation.
    pub number: i64,
    /// When. The file bears this moment, so that it is always the same.
    pub confirmed_at: DateTime<Utc>,
    /// The duty.
    pub duty: String,
    /// Its clause.
    pub clause: String,
    /// The clause that makes the head answer for it.
    pub responsible_clause: String,
    /// The institution.
    pub institution: String,
    /// Its kind.
    pub kind: String,
    /// The day that the statute names.
    pub due_on: NaiveDate,
    /// The last day on which it was in time.
    pub acts_by: NaiveDate,
    /// The day off that moved that day.
    pub moved_by: Option<String>,
    /// How many days it was late.
    pub days_late: Option<i64>,
    /// What was confirmed, and how many records of it.
    pub counts: Vec<(String, u64)>,
    /// The root over them, in hexadecimal.
    pub root: String,
    /// What the head said, verbatim.
    pub statement: String,
    /// Who.
    pub name: String,
    /// In which role.
    pub role: String,
    /// On what the role rests.
    pub basis: String,
    /// Known faults under open inquiries: why they could be confirmed around.
    pub exceptions: Vec<String>,
    /// The entry in the log.
    pub audit_id: String,
}

mod words {
    use super::Words;

    pub const TITLE: Words = [
        "Andmete kinnitamise tõend",
        "Receipt of a confirmation",
        "Tietojen vahvistamisen todistus",
        "Bevis om bekräftelse av uppgifter",
    ];
    pub const NUMBER: Words = ["Number", "Number", "Numero", "Nummer"];
    pub const REGISTER: Words = ["Andmekogu", "Register", "Rekisteri", "Register"];
    pub const ACT: Words = ["Õigusakt", "Legal act", "Säädös", "Författning"];
    pub const DUTY: Words = ["Kohustus", "Duty", "Velvollisuus", "Skyldighet"];
    pub const INSTITUTION: Words = ["Asutus", "Institution", "Laitos", "Institution"];
    pub const DUE: Words = ["Kinnitamise kuupäev", "Day of the statute", "Vahvistuspäivä", "Dag för bekräftelse"];
    pub const BY: Words = ["Õigeaegne kuni", "In time until", "Ajoissa viimeistään", "I tid till och med"];
    pub const CONFIRMED: Words = ["Kinnitatud", "Confirmed", "Vahvistettu", "Bekräftad"];
    pub const IN_TIME: Words = ["õigel ajal", "in time", "ajoissa", "i tid"];
    pub const DAYS_LATE: Words = ["päeva hiljem", "days late", "päivää myöhässä", "dagar för sent"];
    pub const WHO: Words = ["Kinnitaja", "Confirmed by", "Vahvistaja", "Bekräftad av"];
    pub const BASIS: Words = ["Volituse alus", "Authority", "Valtuutus", "Behörighet"];
    pub const ROOT: Words =
        ["Andmete räsi (juur)", "Root over the data", "Tietojen tiiviste (juuri)", "Uppgifternas rot"];
    pub const LOG: Words = ["Logikirje", "Entry in the log", "Lokimerkintä", "Loggpost"];
    pub const RECORDS: Words = ["Kirjeid", "Records", "Tietueita", "Poster"];
    pub const WHAT: Words = ["Andmed", "Data", "Tiedot", "Uppgifter"];
    pub const STATEMENT: Words = ["Avaldus", "Statement", "Vakuutus", "Försäkran"];
    pub const EXCEPTIONS: Words = [
        "Teadaolevad vead avatud järelepärimiste all",
        "Known faults under open inquiries",
        "Tunnetut virheet avoimissa selvityspyynnöissä",
        "Kända fel under öppna förfrågningar",
    ];
}

/// The receipt as PDF/A-2b. The same receipt gives the same bytes.
///
/// # Errors
/// See [`PdfError`].
pub fn receipt_pdf(receipt: &Receipt) -> Result<Vec<u8>, PdfError> {
    typeset(Typeset {
        template: ("receipt.typ", TEMPLATE),
        data: ("receipt.json", data(receipt)),
        ident: format!("{} {}", receipt.register_id, receipt.number),
        at: receipt.confirmed_at,
        time: TIME,
    })
}

fn data(r: &Receipt) -> Value {
    let word = |words| r.lang.pick(words);
    let line = |text: &str| breakable(&printable(text), LINE);
    let day = |day: NaiveDate| day.format(r.lang.day_format()).to_string();
    let at = Cell::Instant(r.confirmed_at.with_timezone(&r.time_zone));
    let punctual = match r.days_late {
        None => word(words::IN_TIME).to_owned(),
        Some(days) => format!("{days} {}", word(words::DAYS_LATE)),
    };
    let acts_by = match &r.moved_by {
        Some(why) => format!("{} ({why})", day(r.acts_by)),
        None => day(r.acts_by),
    };
    let frame = [
        (words::NUMBER, r.number.to_string()),
        (words::REGISTER, format!("{} ({})", r.register_name, r.register_id)),
        (words::ACT, format!("{} ({})", r.act.title, r.act.publication_mark)),
        (words::DUTY, format!("{} ({})", r.duty, r.clause)),
        (words::INSTITUTION, format!("{} ({})", r.institution, r.kind)),
        (words::DUE, day(r.due_on)),
        (words::BY, acts_by),
        (words::CONFIRMED, format!("{} ({}), {punctual}", at.to_text(r.lang), r.time_zone)),
        (words::WHO, format!("{}, {} ({})", r.name, r.role, r.responsible_clause)),
        (words::BASIS, r.basis.clone()),
        (words::ROOT, r.root.clone()),
        (words::LOG, r.audit_id.clone()),
    ];
    let frame: Vec<(&str, String)> = frame.iter().map(|(label, value)| (word(*label), line(value))).collect();
    let counts: Vec<(String, String)> = r.counts.iter().map(|(what, n)| (line(what), n.to_string())).collect();
    json!({
        "lang": r.lang.code(),
        "title": printable(&r.register_name),
        "register": line(&r.register_name),
        "clause": line(&r.clause),
        "heading": word(words::TITLE),
        "frame": frame,
        "what": word(words::WHAT),
        "records": word(words::RECORDS),
        "counts": counts,
        "said": word(words::STATEMENT),
        "statement": line(&r.statement),
        "except": word(words::EXCEPTIONS),
        "exceptions": r.exceptions.iter().map(|e| line(e)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn receipt() -> Receipt {
        Receipt {
            register_name: "Näidiskoolide andmekogu".into(),
            register_id: "naidis".into(),
            act: Act { title: "Põhimäärus".into(), publication_mark: "RT IV, 01.02.2026, 3".into() },
            lang: Lang::Et,
            time_zone: chrono_tz::Europe::Tallinn,
            number: 7,
            confirmed_at: Utc.with_ymd_and_hms(2026, 9, 11, 6, 0, 0).unwrap(),
            duty: "Andmete kinnitamine".into(),
            clause: "§ 12 lg 1".into(),
            responsible_clause: "§ 13 lg 1".into(),
            institution: "Kuuse Kool".into(),
            kind: "üldhariduskool".into(),
            due_on: NaiveDate::from_ymd_opt(2026, 9, 10).unwrap(),
            acts_by: NaiveDate::from_ymd_opt(2026, 9, 10).unwrap(),
            moved_by: None,
            days_late: Some(1),
            counts: vec![("Õpilased".into(), 1500), ("Töötajad".into(), 120)],
            root: "ab".repeat(32),
            statement: "Kinnitan, et andmed on õiged.".into(),
            name: "Mari Näidis".into(),
            role: "asutuse juht".into(),
            basis: "käskkiri 1/2026".into(),
            exceptions: vec!["#eval(\"1+1\") on tekst".into()],
            audit_id: "0198".into(),
        }
    }

    #[test]
    fn the_receipt_shows_both_days_and_that_it_was_late() {
        let frame = data(&receipt())["frame"].to_string();
        for part in ["10.09.2026", "11.09.2026 09:00:00", "1 päeva hiljem", "Mari Näidis", "käskkiri 1/2026"] {
            assert!(frame.contains(part), "{part} in {frame}");
        }
    }

    #[test]
    fn it_is_pdf_a_and_the_same_whenever_it_is_fetched() {
        let bytes = receipt_pdf(&receipt()).unwrap();
        assert!(bytes.starts_with(b"%PDF-1.7"));
        assert_eq!(bytes, receipt_pdf(&receipt()).unwrap());
    }
}
