//! A rule of the definition, read once.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::Term;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::RetentionRule;
use crate::domain::statute::duties::TriggerSaid;
use crate::domain::statute::path::FieldPath;

const EVENT: &str = "event:";
const RECORD: &str = "record:";
const OWN_END: &str = "lifecycle:ends";

/// What becomes of data whose period is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// They stay until the register closes.
    Keep,
    /// People decide, item by item.
    Review,
    /// They are handed to the archive in a package, and go.
    Archive,
    /// They go.
    Destroy,
    /// What could name somebody goes; what the rule `keeps` stays.
    Anonymise,
}

impl Then {
    /// The word of the definition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Review => "review",
            Self::Archive => "archive",
            Self::Destroy => "destroy",
            Self::Anonymise => "anonymise",
        }
    }

    /// What `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Keep, Self::Review, Self::Archive, Self::Destroy, Self::Anonymise]
            .into_iter()
            .find(|t| t.as_str() == word)
    }
}

/// Where the day comes from that starts a period.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A date of the record; the latest, where the path leads to several.
    Field(FieldPath),
    /// Something that happened to the record (`event:<name>`).
    Event(String),
    /// The record's own end (`lifecycle:ends`).
    OwnEnd,
    /// The end of the records of a type that are linked to this one (`record:<type>`), or a date of theirs
    /// (`record:<type>/<path>`); the latest, when all of them have it.
    Other {
        /// Their type.
        record_type: String,
        /// Path of the date in them; absent: their own end.
        path: Option<FieldPath>,
    },
}

impl Source {
    /// Reads what stands in a definition.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(event) = text.strip_prefix(EVENT) {
            return is_name(event).then(|| Self::Event(event.to_owned()));
        }
        if let Some(other) = text.strip_prefix(RECORD) {
            let (record_type, path) = other.split_once('/').map_or((other, None), |(t, p)| (t, Some(p)));
            let path = path.map(FieldPath::parse).transpose().ok()?;
            return is_name(record_type).then(|| Self::Other { record_type: record_type.to_owned(), path });
        }
        if text == OWN_END {
            return Some(Self::OwnEnd);
        }
        FieldPath::parse(text).ok().map(Self::Field)
    }

    /// Whether it is something that happened at an instant, so that a rule without a period is over the same day.
    pub fn is_event(&self) -> bool {
        matches!(self, Self::Event(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(path) => write!(f, "{path}"),
            Self::Event(name) => write!(f, "{EVENT}{name}"),
            Self::OwnEnd => f.write_str(OWN_END),
            Self::Other { record_type, path: None } => write!(f, "{RECORD}{record_type}"),
            Self::Other { record_type, path: Some(path) } => write!(f, "{RECORD}{record_type}/{path}"),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// From what day a rule counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The first of these that is there.
    First(Vec<Source>),
    /// The latest of those of these that are there.
    Latest(Vec<Source>),
}

impl Trigger {
    /// What it counts from, in the order of the definition.
    pub fn sources(&self) -> &[Source] {
        match self {
            Self::First(sources) | Self::Latest(sources) => sources,
        }
    }
}

/// A rule of the definition, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Machine name, by which fields refer to it.
    pub name: String,
    /// Clause.
    pub clause: Clause,
    /// From what it counts; `None` where the definition names nothing.
    pub trigger: Option<Trigger>,
    /// How long after the trigger data are kept; `None`: until the trigger.
    pub period: Option<Term>,
    /// The period as the definition writes it.
    pub period_text: Option<String>,
    /// Whether the period ends on a working day (TsÜS § 136 lg 8).
    pub working_day: bool,
    /// What then.
    pub then: Then,
    /// Fields that an anonymised record keeps.
    pub keeps: Vec<String>,
    /// Series of the document list.
    pub series: Option<String>,
    /// Where the period comes from, when the statute itself does not say it.
    pub source: Option<String>,
}

/// Why a rule of a definition is none. The lint refuses such a definition first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleUnread {
    /// `then` is not one of the five words.
    Then,
    /// `period` is not an ISO 8601 period in days or longer units.
    Period,
    /// `trigger` names no path, event or record.
    Trigger,
}

impl fmt::Display for RuleUnread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Then => "`then` must be keep, review, archive, destroy or anonymise",
            Self::Period => "`period` must be an ISO 8601 period such as P10Y, P6M, P2W or P30D",
            Self::Trigger => "`trigger` must be the path of a date, event:<name>, lifecycle:ends or record:<type>",
        })
    }
}

impl std::error::Error for RuleUnread {}

impl Rule {
    /// Reads `said`.
    ///
    /// # Errors
    /// [`RuleUnread`] for the first key that cannot be read.
    pub fn read(said: &RetentionRule) -> Result<Self, RuleUnread> {
        let then = Then::parse(&said.then).ok_or(RuleUnread::Then)?;
        let period = said.period.as_deref().map(str::parse::<Term>).transpose().map_err(|_| RuleUnread::Period)?;
        // Years of keeping are counted in days; hours have no place here.
        if period.is_some_and(Term::needs_instant) {
            return Err(RuleUnread::Period);
        }
        let trigger = match &said.trigger {
            None => None,
            Some(trigger) => {
                let sources: Option<Vec<Source>> = trigger.sources().iter().map(|s| Source::parse(s)).collect();
                let sources = sources.filter(|s| !s.is_empty()).ok_or(RuleUnread::Trigger)?;
                Some(match trigger {
                    TriggerSaid::One(_) | TriggerSaid::First { .. } => Trigger::First(sources),
                    TriggerSaid::Latest { .. } => Trigger::Latest(sources),
                })
            }
        };
        Ok(Self {
            name: said.name.clone(),
            clause: said.clause.clone(),
            trigger,
            period,
            period_text: said.period.clone(),
            working_day: said.working_day,
            then,
            keeps: said.keeps.clone(),
            series: said.series.clone(),
            source: said.source.clone(),
        })
    }
}
