//! `andmekogu documents`: the documents about a register, from its definition alone, without a database.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};

use super::failure::Failure;
use super::out;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Settings, registers};
use crate::domain::publicity::sheet::sheet;
use crate::domain::publicity::{Audience, Kind, View, current, dcat, document, processing, riha};
use crate::domain::statute::description::Publicity;
use crate::files::publicity::{Spoken, publicity_pdf, site};
use crate::locale::Lang;

/// Write a document about a register: a notice, a description, a record of processing, an entry of a catalogue.
#[derive(Debug, Args)]
pub(super) struct Documents {
    /// Short name of the register
    register: String,
    /// publicity_description, privacy_notice, processing_record, riha or dcat
    #[arg(long, value_parser = kind)]
    kind: Publicity,
    /// Language: et, en, fi or sv [default: that of the register's source]
    #[arg(long, value_parser = language)]
    language: Option<Lang>,
    /// How it is written [default: json; dcat: ttl]
    #[arg(long, value_enum)]
    format: Option<Shape>,
    /// For whom: the controller sees what is missing and what is secret
    #[arg(long, value_enum, default_value_t = For::Public)]
    audience: For,
    /// Day on which it is drawn, YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    on: Option<NaiveDate>,
    /// Address of the installation, for dcat [default: mail.public_url]
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// PDF/A
    Pdf,
    /// For programs
    Json,
    /// A table; the record of processing
    Csv,
    /// Turtle; dcat
    Ttl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum For {
    /// Everybody
    Public,
    /// Who answers for the register
    Controller,
}

fn kind(word: &str) -> Result<Publicity, String> {
    let words = Publicity::ALL.map(Publicity::as_str).join(", ");
    Publicity::of(word).ok_or_else(|| format!("write one of {words}"))
}

fn language(code: &str) -> Result<Lang, String> {
    code.parse().map_err(|_| "write et, en, fi or sv".to_owned())
}

impl Documents {
    /// Writes the document.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let found = registers::read_all(&settings.paths.registers_dir).map_err(Failure::Registers)?;
        let views = found.definitions.iter().map(View::from).chain(found.descriptions.iter().map(View::from));
        let day = self.on.unwrap_or_else(|| SystemClock.now().date_naive());
        let (now, before) =
            current(views, &self.register, day).ok_or_else(|| Failure::other("there is no such register"))?;
        let bytes = self.made(settings, now, before, day)?;
        match &self.out {
            Some(file) => {
                fs::write(file, bytes).map_err(|e| Failure::other(format!("{}: {e}", file.display())))?;
                out::line(file.display())?;
            }
            None => match String::from_utf8(bytes) {
                Ok(text) => out::line(text.trim_end())?,
                Err(_) => return Err(Failure::other("a PDF is no text. Name a file with --out.")),
            },
        }
        Ok(ExitCode::SUCCESS)
    }

    fn made(
        &self,
        settings: &Settings,
        now: View<'_>,
        before: Option<View<'_>>,
        day: NaiveDate,
    ) -> Result<Vec<u8>, Failure> {
        let audience = match self.audience {
            For::Public => Audience::Public,
            For::Controller => Audience::Controller,
        };
        let lang = self.language.unwrap_or_else(|| now.language().into());
        let not_so = || Failure::other("this document is not written in such a format");
        let kind = match self.kind {
            Publicity::PublicityDescription => Kind::PublicityDescription,
            Publicity::PrivacyNotice => Kind::PrivacyNotice,
            Publicity::ProcessingRecord => Kind::ProcessingRecord,
            Publicity::Riha => {
                let entry = riha::riha(now).map_err(|faults| {
                    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
                    Failure::other(told.join("\n"))
                })?;
                return match self.format {
                    None | Some(Shape::Json) => {
                        serde_json::to_vec_pretty(&entry).map_err(|e| Failure::other(e.to_string()))
                    }
                    Some(_) => Err(not_so()),
                };
            }
            Publicity::Dcat => {
                let base = self.base.as_deref().or(settings.mail.public_url.as_deref());
                let base = base.ok_or_else(|| {
                    Failure::other("a catalogue needs its address. Name it with --base, or set mail.public_url.")
                })?;
                return match self.format {
                    None | Some(Shape::Ttl) => Ok(dcat::dcat(&site(base, &now.controller().name), [now]).into_bytes()),
                    Some(_) => Err(not_so()),
                };
            }
        };
        if self.format == Some(Shape::Csv) && kind == Kind::ProcessingRecord {
            let rows = processing::rows(now, audience, lang.into(), &Spoken(lang));
            return processing::csv(&rows).map(String::into_bytes).map_err(|e| Failure::other(e.to_string()));
        }
        let document = document(now, kind, day, audience, before)
            .ok_or_else(|| Failure::other("the register is secret: the public has no document of it"))?;
        let sheet = sheet(&document, lang.into(), &Spoken(lang));
        match self.format {
            None | Some(Shape::Json) => sheet.json().map(String::into_bytes).map_err(|e| Failure::other(e.to_string())),
            Some(Shape::Pdf) => publicity_pdf(&sheet, lang).map_err(|e| Failure::other(e.to_string())),
            Some(Shape::Csv | Shape::Ttl) => Err(not_so()),
        }
    }
}
