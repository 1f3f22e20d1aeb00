//! `andmekogu conformance`: clause by clause, what the software does for a statute and which test shows it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::failure::Failure;
use super::out;
use super::weave;
use crate::config::{Settings, registers};
use crate::domain::statute::Definition;
use crate::domain::statute::behaviour;

/// What the software does for each clause.
#[derive(Debug, Args)]
pub(super) struct Conformance {
    /// Only this register [default: all]
    #[arg(long)]
    register: Option<String>,
    /// Set it beside the statute's words: the page that a jurist signs off
    #[arg(long, requires = "against")]
    weave: bool,
    /// The published text of the statute
    #[arg(long, value_name = "FILE", requires = "weave")]
    against: Option<PathBuf>,
    /// Where the page goes [default: standard output, for HTML]
    #[arg(long, value_name = "FILE", requires = "weave")]
    out: Option<PathBuf>,
    /// How the answer is written [default: text, of --weave html]
    #[arg(long, value_enum)]
    format: Option<Shape>,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// For people
    Text,
    /// For scripts
    Json,
    /// A page of its own, with --weave
    Html,
    /// PDF/A-2b, with --weave
    Pdf,
}

/// How far a clause is realised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// The software does what the clause demands.
    Done,
    /// The software does some of it; the rest is said under `pending`.
    Partly,
    /// Nothing of it is done yet.
    Pending,
    /// It binds people or states a fact: no software does it.
    Reasoned,
    /// Nobody has said anything.
    Unanswered,
}

#[derive(Debug, Serialize)]
struct Table<'a> {
    register: &'a str,
    in_force_from: chrono::NaiveDate,
    publication: &'a str,
    summary: Summary,
    clauses: Vec<Row<'a>>,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    clauses: usize,
    done: usize,
    partly: usize,
    pending: usize,
    reasoned: usize,
    unanswered: usize,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    clause: &'a str,
    gist: &'a str,
    standing: Standing,
    behaviours: Vec<Does<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Does<'a> {
    name: &'a str,
    does: &'static str,
    test: &'static str,
}

impl Conformance {
    /// Prints the table.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        if let Some(text) = self.against.as_ref().filter(|_| self.weave) {
            return self.woven(settings, text);
        }
        if matches!(self.format, Some(Shape::Html | Shape::Pdf)) {
            return Err(Failure::other("only the page of --weave is written as HTML or PDF"));
        }
        let definitions = registers::read(&settings.paths.registers_dir).map_err(Failure::Registers)?;
        let wanted = |d: &&Definition| self.register.as_ref().is_none_or(|name| *name == d.register.short_name);
        let tables: Vec<Table<'_>> = definitions.iter().filter(wanted).map(table).collect();
        if tables.is_empty() {
            return Err(Failure::other("there is no such register"));
        }
        if self.format == Some(Shape::Json) {
            let text = serde_json::to_string_pretty(&tables).map_err(|e| Failure::other(e.to_string()))?;
            out::line(text)?;
        } else {
            for table in &tables {
                out::line(text(table))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Conformance {
    /// Writes the page on which the statute's words stand beside what realises them.
    fn woven(&self, settings: &Settings, text: &std::path::Path) -> Result<ExitCode, Failure> {
        let shape = match self.format {
            None | Some(Shape::Html) => weave::Shape::Html,
            Some(Shape::Pdf) => weave::Shape::Pdf,
            Some(_) => return Err(Failure::other("the page of --weave is written as HTML or PDF")),
        };
        let registers = &settings.paths.registers_dir;
        let place = self.register.as_ref().map_or_else(|| registers.clone(), |name| registers.join(name));
        weave::run(&[place], text, shape, self.out.as_deref())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn table(definition: &Definition) -> Table<'_> {
    let source = &definition.register;
    let clauses: Vec<Row<'_>> = definition
        .clauses
        .iter()
        .map(|row| {
            let behaviours: Vec<Does<'_>> = row
                .behaviours
                .iter()
                .filter_map(|name| behaviour::find(name).map(|b| Does { name, does: b.does, test: b.test }))
                .collect();
            let standing = match (behaviours.is_empty(), &row.pending, &row.reason) {
                (false, None, _) => Standing::Done,
                (false, Some(_), _) => Standing::Partly,
                (true, Some(_), _) => Standing::Pending,
                (true, None, Some(_)) => Standing::Reasoned,
                (true, None, None) => Standing::Unanswered,
            };
            Row {
                clause: &row.id.0,
                gist: &row.gist,
                standing,
                behaviours,
                reason: row.reason.as_deref(),
                pending: row.pending.as_deref(),
            }
        })
        .collect();
    let mut summary = Summary { clauses: clauses.len(), ..Summary::default() };
    for row in &clauses {
        let count = match row.standing {
            Standing::Done => &mut summary.done,
            Standing::Partly => &mut summary.partly,
            Standing::Pending => &mut summary.pending,
            Standing::Reasoned => &mut summary.reasoned,
            Standing::Unanswered => &mut summary.unanswered,
        };
        *count += 1;
    }
    Table {
        register: &source.short_name,
        in_force_from: source.act.in_force_from,
        publication: &source.act.publication,
        summary,
        clauses,
    }
}

fn text(table: &Table<'_>) -> String {
    let mut lines = vec![
        format!("{}, in force from {} ({})", table.register, table.in_force_from, table.publication),
        String::new(),
    ];
    let width = table.clauses.iter().map(|row| row.clause.chars().count()).max().unwrap_or(0);
    for row in &table.clauses {
        let standing = match row.standing {
            Standing::Done => "done",
            Standing::Partly => "partly",
            Standing::Pending => "pending",
            Standing::Reasoned => "no software",
            Standing::Unanswered => "UNANSWERED",
        };
        lines.push(format!("{:width$}  {standing:11}  {}", row.clause, row.gist));
        let under = " ".repeat(width + 15);
        for does in &row.behaviours {
            lines.push(format!("{under}{} → {}", does.name, does.test));
        }
        for (word, said) in [("reason", row.reason), ("pending", row.pending)] {
            if let Some(said) = said {
                lines.push(format!("{under}{word}: {said}"));
            }
        }
    }
    let s = &table.summary;
    lines.push(String::new());
    lines.push(format!(
        "{} clauses: {} done, {} partly, {} pending, {} no software does, {} unanswered",
        s.clauses, s.done, s.partly, s.pending, s.reasoned, s.unanswered
    ));
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clause_of_the_shipped_statutes_is_answered() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/registers");
        for definition in registers::read(&dir).unwrap() {
            let table = table(&definition);
            assert_eq!(table.summary.unanswered, 0, "{}", table.register);
            assert_eq!(table.summary.clauses, definition.clauses.len());
            let named: usize = definition.clauses.iter().map(|c| c.behaviours.len()).sum();
            let shown: usize = table.clauses.iter().map(|c| c.behaviours.len()).sum();
            assert_eq!(named, shown, "a behaviour that the engine does not know");
            let text = text(&table);
            assert!(definition.clauses.iter().all(|c| text.contains(&c.gist)));
        }
    }
}
