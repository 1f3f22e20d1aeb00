//! `andmekogu demo load`: many fictitious records, entered by real acts, a bounded number of them at a time.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use uuid::Uuid;

use super::super::Format;
use super::super::failure::Failure;
use super::super::out;
use super::super::start::Installation;
use super::generate::{Generator, Made, Plan, Step};
use super::mark::Mark;
use super::values::{self, Names};
use crate::app::{ActContext, App};
use crate::config::Settings;
use crate::store::acts::documents::DocumentData;
use crate::store::acts::records::NewRecord;

/// File of the description, in the folder of a register's seeds.
const FILE: &str = "generate.toml";
/// Acts under way at most; fewer where the queue is short.
const IN_FLIGHT: usize = 256;

/// Add many fictitious records to the demonstration.
#[derive(Debug, Args)]
pub(in crate::cli) struct Load {
    /// How many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// Into which register [default: the one that has a description]
    #[arg(long)]
    register: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Load {
    /// Seeds the demonstration if need be, then makes the records.
    pub(in crate::cli) async fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let installation = Installation::new(settings, true);
        let (app, _) = super::prepare(&installation).await?;
        let (register, plan) = self.plan(&installation, &app)?;
        // Numbers are taken before anything is made: they are not used again, whatever happens.
        let mut mark = Mark::read(&installation)?;
        let start = mark.generated.get(&register).copied().unwrap_or(0);
        let definition = app.register(&register)?.definition.clone();
        let generator =
            Generator::new(&plan, &definition, start).map_err(|faults| Failure::other(faults.join("\n")).of(FILE))?;
        let next = generator.next_start(self.records);
        mark.generated.insert(register.clone(), next);
        mark.write(&installation)?;

        let began = Instant::now();
        let bar = progress(self.records);
        let loading = Loading {
            app: &app,
            register: &register,
            user: app.user_named(&plan.by).await.map_err(|e| Failure::from(e).of(&plan.by))?,
            in_flight: IN_FLIGHT.min(settings.database.queue / 2),
            generator: &generator,
            bar: &bar,
        };
        let others = loading.load(&plan, self.records).await?;
        bar.finish();
        let seconds = began.elapsed().as_secs_f64();
        let rate = f64::from(u32::try_from(self.records).unwrap_or(u32::MAX)) / seconds.max(0.001);
        match self.format {
            Format::Text => out::line(format_args!(
                "{register}: {} records, and {others} that they refer to, in {seconds:.1} s ({rate:.0} a second)",
                self.records
            ))?,
            Format::Json => out::line(json!({ "register": register, "records": self.records, "others": others,
                                              "seconds": seconds, "per_second": rate }))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn plan(&self, installation: &Installation, app: &App) -> Result<(String, Plan), Failure> {
        let registers = app.store.registers();
        let described: Vec<&str> = registers
            .names()
            .filter(|name| self.register.as_deref().is_none_or(|wanted| wanted == *name))
            .filter(|name| super::seeds_of(installation, name).join(FILE).exists())
            .collect();
        let [register] = described.as_slice() else {
            let sentence = if described.is_empty() {
                format!("no such register has a description ({FILE}) among the seeds")
            } else {
                format!("name one with --register: {}", described.join(", "))
            };
            return Err(Failure::other(sentence));
        };
        let path = super::seeds_of(installation, register).join(FILE);
        let failed = |e: &dyn std::fmt::Display| Failure::other(format!("{}: {e}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|e| failed(&e))?;
        let plan = toml::from_str(&text).map_err(|e| failed(&e))?;
        Ok(((*register).to_owned(), plan))
    }
}

fn progress(records: u64) -> ProgressBar {
    let bar = ProgressBar::new(records);
    if let Ok(style) = ProgressStyle::with_template("{msg:12} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A load under way.
pub(super) struct Loading<'a> {
    pub app: &'a App,
    pub register: &'a str,
    pub user: Uuid,
    pub in_flight: usize,
    pub generator: &'a Generator<'a>,
    pub bar: &'a ProgressBar,
}

impl Loading<'_> {
    /// Makes every step, and says how many records the earlier ones made.
    pub(super) async fn load(&self, plan: &Plan, records: u64) -> Result<u64, Failure> {
        let documents = self.documents(plan).await?;
        let mut made = Made::new();
        let mut others = 0;
        for (n, step) in plan.steps.iter().enumerate() {
            let last = n + 1 == plan.steps.len();
            let count = Generator::count(step, records);
            self.bar.set_message(step.name.clone());
            self.bar.set_length(count);
            self.bar.reset();
            let ids = self.step(step, count, &documents, &made, !last).await?;
            if !last {
                others += count;
                made.insert(step.name.clone(), ids);
            }
        }
        Ok(others)
    }

    async fn documents(&self, plan: &Plan) -> Result<HashMap<String, Uuid>, Failure> {
        let today = self.app.register(self.register)?.day(self.app.store.now());
        let mut documents = HashMap::new();
        for document in &plan.documents {
            let data = values::resolve(&document.data, &Names::default(), today).map_err(Failure::other)?;
            let data: DocumentData = serde_json::from_value(data).map_err(|e| Failure::other(e.to_string()))?;
            let cx = ActContext::user(self.user);
            let register = self.register.to_owned();
            let added = self.app.add_document(cx, register, data, None).await?;
            documents.insert(document.name.clone(), added.get().id);
        }
        Ok(documents)
    }

    /// Makes the records of a step side by side; their ids come back in the order of their numbers, if `keep`.
    async fn step(
        &self,
        step: &Step,
        count: u64,
        documents: &HashMap<String, Uuid>,
        made: &Made,
        keep: bool,
    ) -> Result<Vec<Uuid>, Failure> {
        let documents: Vec<Uuid> = step.documents.iter().filter_map(|name| documents.get(name).copied()).collect();
        let documents = &documents;
        let make = |index: u64| async move {
            let (data, effective_on) = self.generator.record(step, index, made).map_err(Failure::other)?;
            let new = NewRecord {
                record_type: step.record_type.clone(),
                institution_id: self.generator.institution(step, index, made),
                effective_on,
                base_document_ids: documents.clone(),
                data,
            };
            let cx = ActContext::user(self.user);
            let register = self.register.to_owned();
            let entered = self.app.create_record(cx, register, new).await;
            let entered = entered.map_err(|e| Failure::from(e).of(format!("{} number {index}", step.name)))?;
            self.bar.inc(1);
            Ok::<_, Failure>((index, entered.get().id))
        };
        let all = stream::iter(0..count).map(make).buffer_unordered(self.in_flight.max(1));
        let mut ids: Vec<(u64, Uuid)> = all.try_filter(|_| std::future::ready(keep)).try_collect().await?;
        ids.sort_unstable();
        Ok(ids.into_iter().map(|(_, id)| id).collect())
    }
}
