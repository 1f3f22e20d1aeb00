//! Faults of what is published of a register: statements that promise what the rules don't keep.

use super::{Findings, Lint, period};
use crate::domain::statute::description::{CatalogueEntry, Part, Publicity, Statement};
use crate::domain::statute::parse::Place;

impl Findings<'_> {
    /// Statements, the documents that are made, and what catalogues want to know.
    pub(super) fn published(
        &mut self,
        root: &Place,
        statements: &[Statement],
        documents: Option<&[Publicity]>,
        catalogue: Option<&CatalogueEntry>,
    ) {
        let names = statements.iter().enumerate();
        self.unique("statement", names.map(|(i, said)| (said.name.as_str(), root.item("statement", i))));
        for (index, said) in statements.iter().enumerate() {
            let place = root.item("statement", index);
            self.machine_name(&place, &said.name);
            self.label(&place.key("label"), &said.label);
            self.clause(&place.key("clause"), &said.clause);
            self.promised_period(&place.key("period"), said);
        }
        let words: Vec<String> = documents.unwrap_or_default().iter().map(|kind| kind.as_str().to_owned()).collect();
        self.once(root, "documents", &words);
        if let Some(entry) = catalogue {
            self.catalogue(&root.key("catalogue"), entry);
        }
    }

    fn promised_period(&mut self, place: &Place, said: &Statement) {
        let Some(promised) = &said.period else { return };
        if period(promised).is_none() {
            let message = format!("`{promised}` is not a period");
            self.fault(place, message, "Write it as ISO 8601 has it: `P9M`, `P10Y`, `P2W`.");
        } else if said.says() != Some(Part::Retention) {
            let message = format!("`{}` does not speak of how long data are kept, but promises a period", said.name);
            self.fault(place, message, "Remove `period`, or say `part = \"retention\"`.");
        }
    }

    fn catalogue(&mut self, place: &Place, entry: &CatalogueEntry) {
        let addresses = [("homepage", &entry.homepage), ("act_url", &entry.act_url), ("license", &entry.license)];
        for (key, address) in addresses {
            if address.as_ref().is_some_and(|url| !is_address(url)) {
                self.fault(
                    &place.key(key),
                    "this is not an address of the web",
                    "Write it as `https://…`, without spaces.",
                );
            }
        }
        for (index, theme) in entry.themes.iter().enumerate() {
            if !THEMES.contains(&theme.as_str()) {
                let message = format!("the EU vocabulary has no theme `{theme}`");
                self.fault(&place.item("themes", index), message, super::choose(THEMES));
            }
        }
        self.once(place, "themes", &entry.themes);
        self.once(place, "topics", &entry.topics);
    }
}

/// Themes of the EU vocabulary of data themes (`http://publications.europa.eu/resource/authority/data-theme`).
const THEMES: &[&str] =
    &["AGRI", "ECON", "EDUC", "ENER", "ENVI", "GOVE", "HEAL", "INTR", "JUST", "REGI", "SOCI", "TECH", "TRAN"];

/// An address that can stand in other documents as it is (RFC 3986: no white space, no characters that delimit it).
fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(plain))
}

impl Lint<'_> {
    /// What is promised of retention must not be less than what the rules do: people would find their data where they were
    /// told that none are left.
    pub(super) fn promises(&mut self, root: &Place) {
        let definition = self.definition;
        let statements = definition.register.statements.iter().enumerate();
        let promised = statements.filter(|(_, said)| said.says() == Some(Part::Retention));
        for (index, said) in promised {
            let Some((text, days)) = said.period.as_ref().and_then(|text| Some((text, period(text)?))) else {
                continue;
            };
            let place = root.item("statement", index).key("period");
            for rule in &definition.register.retention_rules {
                // Only data about people are promised anything.
                let kinds = definition.record_types.iter().filter(|kind| kind.subject.is_some());
                let of_people = kinds.flat_map(|kind| &kind.fields).any(|f| f.retention.as_ref() == Some(&rule.name));
                let kept = rule.period.as_deref().map_or(Some(u64::MAX), period);
                if !of_people || kept.is_none_or(|kept| kept <= days) {
                    continue;
                }
                let longer =
                    rule.period.as_ref().map_or("until the register closes".to_owned(), |p| format!("for `{p}`"));
                let message = format!(
                    "`{}` ({}) promises that data are kept for at most `{text}`, but the rule `{}` ({}) keeps them {longer}",
                    said.name, said.clause, rule.name, rule.clause
                );
                let advice = format!("Correct the period of one of the two: `{text}` here, or that of the rule.");
                self.fault(&place, message, advice);
            }
        }
    }
}
