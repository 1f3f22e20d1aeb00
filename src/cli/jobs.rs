//! `andmekogu jobs`: what the installation does by itself.

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Format;
use super::failure::Failure;
use super::out;
use super::start::Installation;
use crate::app::App;
use crate::config::Settings;
use crate::jobs::{self, Outcome};
use crate::store::jobs::Ended;
use crate::store::read::jobs::{JobView, PreviewView};

/// What the installation does by itself. Without a command: the list.
#[derive(Debug, Args)]
pub(super) struct Jobs {
    #[command(subcommand)]
    command: Option<Command>,
    /// In the database of the demonstration
    #[arg(long, global = true)]
    demo: bool,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a job now, or all of them; exit code 1 when one fails
    Run {
        /// Which [default: all]
        name: Option<String>,
    },
    /// What will fall due until a day; changes nothing
    Preview {
        /// The day
        #[arg(long, value_name = "DATE")]
        on: NaiveDate,
    },
}

impl Jobs {
    /// Does it.
    pub(super) async fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let installation = Installation::new(settings, self.demo);
        let app = installation.start().await?;
        match self.command {
            None => list(&app, self.format).await,
            Some(Command::Preview { on }) => preview(&app, on, self.format).await,
            Some(Command::Run { name }) => {
                let post = installation.post()?;
                let jobs = jobs::Jobs::new(app, post);
                let names: Vec<String> = match name {
                    Some(name) => vec![name],
                    None => jobs::plans().iter().map(|plan| plan.name.to_owned()).collect(),
                };
                run(&jobs, &names, self.format).await
            }
        }
    }
}

fn written(value: &impl serde::Serialize) -> Result<(), Failure> {
    out::line(serde_json::to_string_pretty(value).map_err(|e| Failure::other(e.to_string()))?)
}

async fn list(app: &App, format: Format) -> Result<ExitCode, Failure> {
    let items = app.jobs_here(jobs::plans()).await?;
    match format {
        Format::Json => written(&json!({ "items": items }))?,
        Format::Text => items.iter().try_for_each(|job| out::line(line(job)))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn line(job: &JobView) -> String {
    let last = match &job.last_run {
        None => "has never run".to_owned(),
        Some(run) => {
            let outcome = run.outcome.as_deref().unwrap_or("running");
            let took = run.duration_ms.map(|ms| format!(" in {ms} ms")).unwrap_or_default();
            let detail = run.detail.as_deref().map(|d| format!(" ({d})")).unwrap_or_default();
            format!("last {}: {outcome}{took}{detail}", run.due)
        }
    };
    format!("{}: {}, {}; next {}; {last}", job.name, job.does, job.schedule, job.next_due)
}

async fn run(jobs: &jobs::Jobs, names: &[String], format: Format) -> Result<ExitCode, Failure> {
    let mut code = ExitCode::SUCCESS;
    let mut told = Vec::new();
    for name in names {
        let outcome = jobs.run_now(name).await.map_err(|e| Failure::from(e).of(name))?;
        let (ended, detail) = match outcome {
            Some(Outcome { ended, detail, .. }) => {
                if ended == Ended::Failed {
                    code = ExitCode::FAILURE;
                }
                (ended.as_str(), detail)
            }
            None => ("busy", "another node is running it".to_owned()),
        };
        match format {
            Format::Json => told.push(json!({ "name": name, "outcome": ended, "detail": detail })),
            Format::Text => out::line(format_args!("{name}: {ended}: {detail}"))?,
        }
    }
    if format == Format::Json {
        written(&json!({ "items": told }))?;
    }
    Ok(code)
}

async fn preview(app: &App, on: NaiveDate, format: Format) -> Result<ExitCode, Failure> {
    let registers = app.preview_jobs(on).await?;
    match format {
        Format::Json => written(&json!({ "on": on, "registers": registers }))?,
        Format::Text => registers.iter().flat_map(lines).try_for_each(out::line)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(preview: &PreviewView) -> Vec<String> {
    let head = format!(
        "{}: {} cases, {} users who leave, {} letters",
        preview.register,
        preview.cases.len(),
        preview.leavers.len(),
        preview.letters
    );
    let cases = preview.cases.iter().map(|case| format!("  {} {} {}", case.due_on, case.kind, case.id));
    let leavers = preview.leavers.iter().map(|l| format!("  {} rights end, case {}", l.due_on, l.case_id));
    std::iter::once(head).chain(cases).chain(leavers).collect()
}
