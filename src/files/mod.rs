//! Files: a table of released data as CSV, XLSX, PDF/A and HTML.
//!
//! * [`Table`]: typed columns and rows; [`Cell::from_json`] takes what a record holds;
//! * [`Extract`]: the table in the frame of its release, in the four languages of [`Lang`];
//! * [`csv()`], [`xlsx()`], [`pdf()`], [`html()`]: the writers. The same extract gives the same bytes.
//!
//! Nothing here decides what may be released, reads a clock for anything but a time limit, or touches a disk. No
//! error holds a value of the table.

pub mod csv;
pub mod html;
pub mod ics;
pub mod pdf;
pub mod publicity;
pub mod read;
pub mod receipt;
pub mod sheets;
pub mod table;
pub mod weave;
pub mod xlsx;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use csv::{CsvOptions, CsvWriter, Separator, csv};
pub use html::{html, html_table};
pub use pdf::{Limits, PdfError, pdf};
pub use table::{Cell, Column, ColumnKind, Table, WrongWidth, json_row};
pub use xlsx::{xlsx, xlsx_table};

pub use crate::locale::Lang;

impl Lang {
    /// How a day is written, for `chrono`. English takes ISO 8601: its own orders contradict each other.
    pub(crate) const fn day_format(self) -> &'static str {
        match self {
            Self::Et | Self::Fi => "%d.%m.%Y",
            Self::En | Self::Sv => "%Y-%m-%d",
        }
    }

    /// The one of four words that is in this language.
    pub(crate) const fn pick(self, [et, en, fi, sv]: Words) -> &'static str {
        match self {
            Self::Et => et,
            Self::En => en,
            Self::Fi => fi,
            Self::Sv => sv,
        }
    }
}

/// A word in Estonian, English, Finnish and Swedish.
pub(crate) type Words = [&'static str; 4];

/// The words of the frame.
mod words {
    use super::Words;

    pub const REGISTER: Words = ["Andmekogu", "Register", "Rekisteri", "Register"];
    pub const ACT: Words = ["Õigusakt", "Legal act", "Säädös", "Författning"];
    pub const CLAUSE: Words = ["Õiguslik alus", "Legal basis", "Oikeusperuste", "Rättslig grund"];
    pub const LEDGER_NUMBER: Words =
        ["Väljastamise number", "Ledger number", "Luovutuksen numero", "Utlämnandets nummer"];
    pub const RECIPIENT: Words = ["Saaja", "Recipient", "Vastaanottaja", "Mottagare"];
    pub const PURPOSE: Words = ["Eesmärk", "Purpose", "Käyttötarkoitus", "Ändamål"];
    pub const MADE: Words = ["Koostatud", "Made", "Laadittu", "Upprättad"];
    pub const ROWS: Words = ["Ridu", "Rows", "Rivejä", "Rader"];
    pub const NOTE: Words = ["Märkus", "Note", "Huomautus", "Anmärkning"];
    pub const PAGE: Words = ["Lehekülg", "Page", "Sivu", "Sida"];
    pub const OF: Words = ["/", "of", "/", "av"];
    pub const DATA: Words = ["Andmed", "Data", "Tiedot", "Data"];
    pub const RELEASE: Words = ["Väljastamine", "Release", "Luovutus", "Utlämnande"];
    pub const YES: Words = ["jah", "yes", "kyllä", "ja"];
    pub const NO: Words = ["ei", "no", "ei", "nej"];
}

/// The legal act that a register is run under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its title.
    pub title: String,
    /// Where it was published, for instance `RT I, 01.02.2026, 3`.
    pub publication_mark: String,
}

/// Released data in the frame of the release: who got what from whom, on which ground.
#[derive(Debug, Clone, PartialEq)]
pub struct Extract {
    /// The register's name in [`lang`](Self::lang).
    pub register_name: String,
    /// The register's id.
    pub register_id: String,
    /// The act the register is run under.
    pub act: Act,
    /// The clause the release is made under.
    pub clause: String,
    /// The release's number in the ledger of releases.
    pub ledger_number: String,
    /// Who gets it.
    pub recipient_name: String,
    /// What for.
    pub purpose: String,
    /// When the release was made. Files bear this moment, so the same extract gives the same bytes at any time.
    pub made_at: DateTime<Utc>,
    /// The zone in which that moment is shown.
    pub time_zone: Tz,
    /// The language of the frame and of the written values.
    pub lang: Lang,
    /// What the recipient shall know.
    pub note: Option<String>,
    /// The data.
    pub table: Table,
}

impl Extract {
    /// The frame, label and value, as it stands on the first page and on the second sheet.
    fn frame(&self) -> Vec<(&'static str, String)> {
        let word = |words| self.lang.pick(words);
        let made = Cell::Instant(self.made_at.with_timezone(&self.time_zone));
        let mut frame = vec![
            (word(words::REGISTER), format!("{} ({})", self.register_name, self.register_id)),
            (word(words::ACT), format!("{} ({})", self.act.title, self.act.publication_mark)),
            (word(words::CLAUSE), self.clause.clone()),
            (word(words::LEDGER_NUMBER), self.ledger_number.clone()),
            (word(words::RECIPIENT), self.recipient_name.clone()),
            (word(words::PURPOSE), self.purpose.clone()),
            (word(words::MADE), format!("{} ({})", made.to_text(self.lang), self.time_zone)),
            (word(words::ROWS), self.table.rows().len().to_string()),
        ];
        frame.extend(self.note.clone().map(|note| (word(words::NOTE), note)));
        frame
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use serde_json::json;

    use super::*;

    fn column(name: &str, label: &str, kind: ColumnKind) -> Column {
        Column { name: name.to_owned(), label: label.to_owned(), kind }
    }

    /// An extract of made-up pupils, one a row.
    pub fn extract(rows: usize) -> Extract {
        let columns = vec![
            column("code", "Isikukood", ColumnKind::Text),
            column("name", "Nimi", ColumnKind::Text),
            column("born", "Sünniaeg", ColumnKind::Date),
            column("hours", "Tunde", ColumnKind::Integer),
            column("fee", "Tasu", ColumnKind::Money),
            column("active", "Õpib", ColumnKind::Boolean),
        ];
        let mut table = Table::new("Õpilased".to_owned(), columns);
        for i in 0..rows {
            let row = json!({
                "code": format!("0{i:010}"),
                "name": format!("Õie Žukovskaja-Müür {i}"),
                "born": "2015-03-01",
                "hours": i,
                "fee": "1234.50",
                "active": i % 2 == 0,
            });
            table.push_json(row.as_object().unwrap(), chrono_tz::Europe::Tallinn);
        }
        with_table(table)
    }

    pub fn with_table(table: Table) -> Extract {
        Extract {
            register_name: "Näidiskooli andmekogu".to_owned(),
            register_id: "naidiskool".to_owned(),
            act: Act {
                title: "Näidiskooli andmekogu põhimäärus".to_owned(),
                publication_mark: "RT IV, 01.02.2026, 3".to_owned(),
            },
            clause: "§ 12 lg 3 p 1".to_owned(),
            ledger_number: "2026-000017".to_owned(),
            recipient_name: "Mari Näidis".to_owned(),
            purpose: "Tugiteenuse planeerimine".to_owned(),
            made_at: Utc.with_ymd_and_hms(2026, 6, 30, 21, 30, 15).unwrap(),
            time_zone: chrono_tz::Europe::Tallinn,
            lang: Lang::Et,
            note: Some("Ainult ametialaseks kasutamiseks.".to_owned()),
            table,
        }
    }

    /// A table of one text column.
    pub fn texts(texts: &[&str]) -> Extract {
        let mut table = Table::new("Tekstid".to_owned(), vec![column("t", "Tekst", ColumnKind::Text)]);
        for text in texts {
            table.push(vec![Cell::Text((*text).to_owned())]).unwrap();
        }
        with_table(table)
    }

    #[test]
    fn the_frame_says_who_got_what_from_whom_on_which_ground_and_when_by_the_registers_clock() {
        assert_eq!(
            extract(3).frame().into_iter().map(|(label, value)| format!("{label}: {value}")).collect::<Vec<_>>(),
            [
                "Andmekogu: Näidiskooli andmekogu (naidiskool)",
                "Õigusakt: Näidiskooli andmekogu põhimäärus (RT IV, 01.02.2026, 3)",
                "Õiguslik alus: § 12 lg 3 p 1",
                "Väljastamise number: 2026-000017",
                "Saaja: Mari Näidis",
                "Eesmärk: Tugiteenuse planeerimine",
                "Koostatud: 01.07.2026 00:30:15 (Europe/Tallinn)",
                "Ridu: 3",
                "Märkus: Ainult ametialaseks kasutamiseks.",
            ]
        );
    }

    #[test]
    fn an_extract_without_a_note_has_no_line_for_one_and_speaks_its_language() {
        let finnish = Extract { note: None, lang: Lang::Fi, ..extract(0) };
        let labels: Vec<_> = finnish.frame().into_iter().map(|(label, _)| label).collect();
        assert_eq!(labels.first(), Some(&"Rekisteri"));
        assert_eq!(labels.last(), Some(&"Rivejä"));
    }
}
