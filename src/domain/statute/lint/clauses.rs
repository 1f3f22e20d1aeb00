//! Faults of `clauses.toml`, and of the clauses that policies rest on.

use super::Lint;
use crate::domain::statute::Clause;
use crate::domain::statute::behaviour;
use crate::domain::statute::definition::ClauseRow;
use crate::domain::statute::parse::{CLAUSES_FILE, Fault, POLICIES_FILE, Place};

impl Lint<'_> {
    pub(super) fn clauses(&mut self) {
        let rows = &self.definition.clauses;
        let root = Place::file(CLAUSES_FILE);
        self.some(&root, "clause", "clause", rows.len());
        self.unique("clause", rows.iter().enumerate().map(|(i, row)| (row.id.0.as_str(), root.item("clause", i))));
        for (index, row) in rows.iter().enumerate() {
            let place = root.item("clause", index);
            self.text(&place.key("id"), &row.id.0);
            self.text(&place.key("gist"), &row.gist);
            self.realised(row, &place);
        }
    }

    /// What realises a clause, or why nothing does.
    fn realised(&mut self, row: &ClauseRow, place: &Place) {
        for (key, text) in [("reason", &row.reason), ("pending", &row.pending)] {
            if let Some(text) = text {
                self.text(&place.key(key), text);
            }
        }
        if row.behaviours.is_empty() && row.reason.is_none() && row.pending.is_none() {
            self.fault(
                place,
                format!("nothing realises `{}`, and nothing says why", row.id),
                "Name `behaviours`, or say in `reason` why software has no part in it, or in `pending` what is to be done.",
            );
        }
        for (index, name) in row.behaviours.iter().enumerate() {
            if behaviour::find(name).is_none() {
                self.fault(
                    &place.item("behaviours", index),
                    format!("the engine has no behaviour `{name}`"),
                    "Name one that `andmekogu conformance` lists, or say in `pending` what is to be done.",
                );
            }
        }
        self.once(place, "behaviours", &row.behaviours);
    }

    /// The policies as text: that there are some, and that the clauses they carry are clauses.
    pub(super) fn policy_clauses(&mut self) {
        let text = &self.definition.policies;
        let has_policies = text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
        if !has_policies {
            self.fault(
                &Place::file(POLICIES_FILE),
                "there is no policy, so nobody may do anything",
                "Write the policies that the statute's rules of access give.",
            );
        }
        for (index, line) in text.lines().enumerate() {
            if let Some(clause) = clause_of(line).filter(|clause| !self.has_clause(clause)) {
                self.faults.push(Fault {
                    file: POLICIES_FILE.to_owned(),
                    line: index.saturating_add(1),
                    path: "@clause".to_owned(),
                    message: format!("the statute has no clause `{}`", Clause(clause.to_owned())),
                    advice: "Correct the address, or list the clause in clauses.toml.".to_owned(),
                });
            }
        }
    }
}

/// The clause in a line `@clause("§ 1")` of a policy.
fn clause_of(line: &str) -> Option<&str> {
    let code = line.split_once("//").map_or(line, |(code, _)| code);
    let (_, rest) = code.split_once("@clause(\"")?;
    rest.split_once('"').map(|(clause, _)| clause)
}
