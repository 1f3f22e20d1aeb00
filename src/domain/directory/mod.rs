//! The catalogue that everybody reads: every register, kept here or only described, with its name, its purpose and who
//! answers for it. Its texts are prepared once, when the registers are loaded; a question then only looks at them.
//!
//! A word is looked for *within* texts, not at their beginnings: Finnish, Swedish and Estonian put words together
//! (`kirjasto` is meant to find *koulukirjasto*). So there is no index of words: the folded texts of a thousand registers
//! are half a megabyte, which is read faster than any index of parts of words could be kept.

pub mod sitemap;
pub mod words;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::calendar::day_at;
use super::statute::definition::{Act, ActForm, Definition, Item};
use super::statute::{Description, Label, Language};
pub use words::Words;

/// The zone in which a day begins for registers that name none, those kept elsewhere.
const ZONE: Tz = chrono_tz::Europe::Tallinn;

/// The day it is for registers that are kept elsewhere.
pub fn today_elsewhere(now: DateTime<Utc>) -> NaiveDate {
    day_at(now, ZONE)
}

/// One version of one register, as the catalogue tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Short name; the register's id everywhere.
    pub short_name: String,
    /// Name.
    pub name: Label,
    /// Why data are held.
    pub purposes: Vec<Label>,
    /// Who answers for it, verbatim.
    pub controller: String,
    /// Whose it is: who published its description, or the controller that its statute names. What a statute founds
    /// is decreed by one body and kept by another; what is only described is described by whoever keeps it.
    pub authority: String,
    /// Whether another system keeps it.
    pub elsewhere: bool,
    /// Whether even that it exists is secret.
    secret: bool,
    /// First day of the version.
    pub from: NaiveDate,
    /// Last day of the version; absent while it is in force.
    pub until: Option<NaiveDate>,
    zone: Tz,
    /// Everything that is searched, folded; a line for each text.
    text: String,
}

impl Entry {
    fn new(
        short_name: &str,
        (name, purposes, controller, act): (&Label, &[Item], &str, &Act),
        zone: Tz,
        (elsewhere, secret): (bool, bool),
    ) -> Self {
        let authority = match act.form {
            ActForm::Description if !act.issuer.trim().is_empty() => act.issuer.trim(),
            ActForm::Statute | ActForm::Description => controller,
        };
        let labels = std::iter::once(name).chain(purposes.iter().map(|p| &p.label));
        let said = labels.flat_map(|label| Language::ALL.into_iter().filter_map(|language| label.text(language)));
        let all = [short_name, controller, authority].into_iter().chain(said);
        // No word that is looked for holds a line break, so that none is found across two texts.
        let text = all.map(words::folded).collect::<Vec<_>>().join("\n");
        Self {
            short_name: short_name.to_owned(),
            name: name.clone(),
            purposes: purposes.iter().map(|p| p.label.clone()).collect(),
            controller: controller.to_owned(),
            authority: authority.to_owned(),
            elsewhere,
            secret,
            from: act.in_force_from,
            until: act.in_force_until,
            zone,
            text,
        }
    }

    fn of_definition(definition: &Definition) -> Self {
        let source = &definition.register;
        let said = (&source.name, source.purposes.as_slice(), source.controller.name.as_str(), &source.act);
        Self::new(&source.short_name, said, source.time_zone, (false, source.secret))
    }

    fn of_description(description: &Description) -> Self {
        let said = (
            &description.name,
            description.purposes.as_slice(),
            description.controller.name.as_str(),
            &description.act,
        );
        Self::new(&description.short_name, said, ZONE, (true, description.secret))
    }

    /// The day it is there at `now`.
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        day_at(now, self.zone)
    }

    /// Whether its statute is no longer in force at `now`, and since when.
    pub fn ended(&self, now: DateTime<Utc>) -> Option<NaiveDate> {
        self.until.filter(|last| *last < self.today(now))
    }

    /// Whether every one of the words stands in one of its texts.
    pub fn says(&self, words: &Words) -> bool {
        words.stand_in(&self.text)
    }
}

/// What is asked of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Words, all of which must be said.
    pub words: &'a Words,
    /// The authority whose registers are meant; all where none is named.
    pub authority: Option<&'a str>,
    /// The language in whose order names stand.
    pub language: Language,
    /// When: which versions are current.
    pub now: DateTime<Utc>,
}

/// What the catalogue answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<'a> {
    /// Registers, in the order of their names.
    pub entries: Vec<&'a Entry>,
    /// Whose registers say the words, and how many each has, those with most first.
    pub authorities: Vec<(&'a str, usize)>,
}

/// The catalogue.
#[derive(Debug, Default)]
pub struct Directory {
    /// Versions, those of one register beside each other, the earliest first.
    entries: Vec<Entry>,
    /// For each language the places of all versions, in the order of their names.
    orders: [Vec<usize>; 4],
}

impl Directory {
    /// Prepares the texts of everything that is loaded.
    pub fn new<'a>(
        definitions: impl Iterator<Item = &'a Definition>,
        descriptions: impl Iterator<Item = &'a Description>,
    ) -> Self {
        let mut entries: Vec<Entry> =
            definitions.map(Entry::of_definition).chain(descriptions.map(Entry::of_description)).collect();
        entries.sort_by(|a, b| (&a.short_name, a.from).cmp(&(&b.short_name, b.from)));
        let orders = Language::ALL.map(|language| {
            let mut order: Vec<usize> = (0..entries.len()).collect();
            order.sort_by_cached_key(|at| words::order(entries[*at].name.in_language(language.code()), language));
            order
        });
        Self { entries, orders }
    }

    /// Whether a version is the one to tell of at `now`: of those of its register the last that has begun, or else the
    /// first to come, as [`Catalogue::current`](super::statute::Catalogue::current); never one that is secret.
    fn is_current(&self, at: usize, now: DateTime<Utc>) -> bool {
        let entry = &self.entries[at];
        let begun = |entry: &Entry| entry.from <= entry.today(now);
        let same = |other: &&Entry| other.short_name == entry.short_name;
        let later = self.entries.get(at + 1).filter(same);
        let is_first = at.checked_sub(1).and_then(|before| self.entries.get(before)).filter(same).is_none();
        !entry.secret && (begun(entry) || is_first) && later.is_none_or(|later| !begun(later))
    }

    /// Every register in its current version, in the order of short names.
    pub fn current(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Entry> {
        (0..self.entries.len()).filter(move |at| self.is_current(*at, now)).map(|at| &self.entries[at])
    }

    /// Whether any register is this authority's.
    pub fn knows_authority(&self, name: &str, now: DateTime<Utc>) -> bool {
        self.current(now).any(|entry| entry.authority == name)
    }

    /// The registers that are asked for.
    pub fn find(&self, asked: Asked<'_>) -> Found<'_> {
        let order = Language::ALL.into_iter().position(|l| l == asked.language).map_or(&[][..], |at| &self.orders[at]);
        let current = order.iter().filter(|at| self.is_current(**at, asked.now)).map(|at| &self.entries[*at]);
        let mut entries: Vec<&Entry> = current.filter(|entry| entry.says(asked.words)).collect();
        let mut names: Vec<&str> = entries.iter().map(|entry| entry.authority.as_str()).collect();
        names.sort_by_cached_key(|name| words::order(name, asked.language));
        let mut authorities: Vec<(&str, usize)> =
            names.chunk_by(|a, b| a == b).filter_map(|one| Some((*one.first()?, one.len()))).collect();
        // The sort is stable: of the same size in the order of names.
        authorities.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        entries.retain(|entry| asked.authority.is_none_or(|name| entry.authority == name));
        Found { entries, authorities }
    }
}

#[cfg(test)]
mod tests;
