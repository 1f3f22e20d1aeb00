//! `andmekogu new-register`: the beginning of a definition, from a statute's text, from flags, or by asking.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::Args;

use super::failure::Failure;
use super::out;
use super::text::text;
use crate::config::Settings;
use crate::domain::statute::Language;
use crate::domain::statute::definition::Sources;
use crate::domain::statute::lint::is_short_name;
use crate::domain::statute::parse::{BLANK, parse};
use crate::domain::statute::text::Statute;
use crate::domain::statute::text::draft::Outline;

/// Begin the definition of a register: files with blanks to fill in.
#[derive(Debug, Args)]
pub(super) struct NewRegister {
    /// The statute's plain text, as Riigi Teataja shows it; without it, say or be asked what follows
    #[arg(long, value_name = "FILE")]
    from_text: Option<PathBuf>,
    /// Short name, which is the folder's name: lower-case letters, digits and hyphens [default: the text's]
    #[arg(long)]
    short_name: Option<String>,
    /// Folder into which the register's folder is written [default: paths.registers_dir]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Official name
    #[arg(long)]
    name: Option<String>,
    /// Language of the source: et, en, fi or sv
    #[arg(long, value_parser = language)]
    language: Option<Language>,
    /// Country whose law applies: EE or FI
    #[arg(long, value_parser = ["EE", "FI"])]
    country: Option<String>,
    /// Who answers for the register
    #[arg(long)]
    controller: Option<String>,
    /// Who issued the act
    #[arg(long)]
    issuer: Option<String>,
    /// Title of the act
    #[arg(long)]
    title: Option<String>,
    /// Kind of the act
    #[arg(long)]
    kind: Option<String>,
    /// Number of the act
    #[arg(long)]
    number: Option<String>,
    /// Publication mark of the act
    #[arg(long)]
    publication: Option<String>,
    /// Day on which the act was adopted, YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    adopted: Option<NaiveDate>,
    /// First day on which the act is in force, YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    in_force_from: Option<NaiveDate>,
    /// What the register holds: a record type; may be said several times
    #[arg(long = "record", value_name = "NAME")]
    records: Vec<String>,
}

fn language(code: &str) -> Result<Language, String> {
    Language::of(code).ok_or_else(|| "write et, en, fi or sv".to_owned())
}

impl NewRegister {
    /// Writes the files of a definition with blanks, all or none: nothing that is there is overwritten.
    pub(super) fn run(mut self, settings: &Settings) -> Result<ExitCode, Failure> {
        let read = self.from_text.as_deref().map(text).transpose()?;
        if read.is_none() {
            self.ask()?;
        }
        let outline = self.outline(read.as_ref().map(|text| &text.statute))?;
        let into = self.into.unwrap_or_else(|| settings.paths.registers_dir.clone());
        let folder = into.join(&outline.short_name);
        let files = outline.files();
        let blanks = blanks(&files)?;
        write(&files, &into, &folder)?;
        for line in read.iter().flat_map(|text| text.statute.remarks.iter()) {
            out::line(format_args!("line {} of the text: {}", line.number, line.text))?;
        }
        for path in files.keys() {
            out::line(folder.join(path).display())?;
        }
        let fields: usize = outline.records.iter().map(|record| record.fields.len()).sum();
        out::line(format_args!(
            "clauses: {}, record types: {}, fields: {fields}, blanks: {blanks}. Write something for every {BLANK}, look at \
             every guess, then run `andmekogu check {}`; until that is sound, no server starts with this folder.",
            outline.clauses.len(),
            outline.records.len(),
            folder.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Asks for what was not said; where nobody is there to ask, says what is missing.
    fn ask(&mut self) -> Result<(), Failure> {
        let wanted: [(&str, &str, bool); 7] = [
            ("--short-name", "Short name (lower-case letters, digits, hyphens)", self.short_name.is_none()),
            ("--name", "Official name", self.name.is_none()),
            ("--language", "Language of the source (et, en, fi, sv)", self.language.is_none()),
            ("--country", "Country whose law applies (EE, FI)", self.country.is_none()),
            ("--controller", "Who answers for the register", self.controller.is_none()),
            ("--title", "Title of the act that founds it", self.title.is_none()),
            ("--record", "What it holds first: a person, a thing, a case", self.records.is_empty()),
        ];
        let missing: Vec<(&str, &str)> = wanted.into_iter().filter(|w| w.2).map(|w| (w.0, w.1)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            let flags: Vec<&str> = missing.iter().map(|(flag, _)| *flag).collect();
            return Err(Failure::other(format!(
                "nobody is there to be asked. Say {}, or give the statute's text with --from-text.",
                flags.join(", ")
            )));
        }
        for (flag, question) in missing {
            self.answer(flag, question)?;
        }
        Ok(())
    }

    /// Asks until the answer can be used.
    fn answer(&mut self, flag: &str, question: &str) -> Result<(), Failure> {
        let failed = |e: std::io::Error| Failure::other(format!("no answer: {e}"));
        loop {
            let mut terminal = std::io::stderr().lock();
            write!(terminal, "{question}: ").and_then(|()| terminal.flush()).map_err(failed)?;
            drop(terminal);
            let mut line = String::new();
            if std::io::stdin().read_line(&mut line).map_err(failed)? == 0 {
                return Err(Failure::other("the answers ended before all was said"));
            }
            let said = line.trim().to_owned();
            let fits = match flag {
                "--short-name" => is_short_name(&said),
                "--language" => Language::of(&said).is_some(),
                "--country" => ["EE", "FI"].contains(&said.as_str()),
                _ => !said.is_empty(),
            };
            if !fits {
                continue;
            }
            match flag {
                "--short-name" => self.short_name = Some(said),
                "--name" => self.name = Some(said),
                "--language" => self.language = Language::of(&said),
                "--country" => self.country = Some(said),
                "--controller" => self.controller = Some(said),
                "--title" => self.title = Some(said),
                _ => self.records.push(said),
            }
            return Ok(());
        }
    }

    /// What the text says, or else only blanks; then whatever was said on the command line.
    fn outline(&mut self, statute: Option<&Statute>) -> Result<Outline, Failure> {
        let mut outline = match statute {
            Some(statute) => Outline::of(statute, self.short_name.as_deref()),
            None => Outline::blank(
                self.short_name.as_deref().unwrap_or(BLANK),
                self.name.as_deref().unwrap_or(BLANK),
                self.language.unwrap_or_default(),
                self.country.as_deref().unwrap_or("EE"),
                &self.records,
            ),
        };
        if !is_short_name(&outline.short_name) {
            return Err(Failure::other(match &self.short_name {
                Some(name) => format!("`{name}` is no short name. Write lower-case letters, digits and hyphens."),
                None => "the text gives no short name. Say --short-name.".to_owned(),
            }));
        }
        for (said, key) in [
            (self.name.take(), &mut outline.name),
            (self.controller.take(), &mut outline.controller),
            (self.issuer.take(), &mut outline.issuer),
            (self.title.take(), &mut outline.title),
            (self.kind.take(), &mut outline.kind),
            (self.number.take(), &mut outline.number),
            (self.publication.take(), &mut outline.publication),
            (self.country.take(), &mut outline.country),
        ] {
            if let Some(said) = said {
                *key = said;
            }
        }
        outline.language = self.language.unwrap_or(outline.language);
        outline.adopted = self.adopted.or(outline.adopted);
        outline.in_force_from = self.in_force_from.or(outline.in_force_from);
        Ok(outline)
    }
}

/// How many blanks there are. Whatever the text and the arguments are, nothing else may be wrong with the files.
fn blanks(files: &Sources) -> Result<usize, Failure> {
    let faults = parse(files).err().unwrap_or_default();
    let (blanks, others): (Vec<_>, Vec<_>) = faults.into_iter().partition(|fault| fault.message.contains(BLANK));
    if others.is_empty() { Ok(blanks.len()) } else { Err(Failure::Registers(others)) }
}

/// Writes into a hidden folder first, and moves that to its place when all is there.
fn write(files: &Sources, into: &Path, folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        return Err(Failure::other(format!("{} is there already. Nothing was written.", folder.display())));
    }
    let trial = into.join(format!(".new-register-{}", std::process::id()));
    let written = files.iter().try_for_each(|(path, text)| {
        let path = trial.join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&path, text)
    });
    let moved = written.and_then(|()| fs::rename(&trial, folder));
    moved.map_err(|e| {
        // What is left of it is of no use to anybody.
        let left = fs::remove_dir_all(&trial).err().map(|e| format!("; {} is left: {e}", trial.display()));
        Failure::other(format!("{}: {e}{}", into.display(), left.unwrap_or_default()))
    })
}
