//! Definitions that come into use.

use std::collections::HashSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use crate::domain::access::policy::INSTALLATION;
use crate::domain::audit::Kind;
use crate::domain::audit::event::Who;
use crate::domain::refusal::Refusal;
use crate::domain::registers::{Register, Registers};
use crate::domain::statute::Definition;
use crate::domain::statute::catalogue::{Orphan, orphans};
use crate::store::change::Change;
use crate::store::context::{Caller, INSTALLATION_REGISTER};
use crate::store::error::Error;
use crate::store::guard::Sealed;
use crate::store::log;
use crate::store::schema::{access_grant, base_document, definition, record, record_state};
use crate::store::write::WriteTx;

impl<'tx> WriteTx<'tx> {
    /// Takes all of `new` into use, in place of `before` where the program was running with them: notes in the log of
    /// each register the digest of each version that is new. Gives these.
    ///
    /// All in one transaction, although it is about several registers: it is all of them or none.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] with everything that is stored and would be orphaned, in whichever register.
    pub(crate) fn definitions_take(
        &mut self,
        new: &Registers,
        before: Option<&Registers>,
    ) -> Result<Sealed<'tx, Vec<String>>, Error> {
        let known: HashSet<(String, String)> = definition::table
            .select((definition::register, definition::digest))
            .load::<(String, String)>(self.conn)?
            .into_iter()
            .collect();
        let mut standing_in_the_way = self.left_without_definition(new, &known)?;
        let mut fresh = Vec::new();
        for register in new.names().flat_map(|name| new.versions(name)) {
            let (name, of) = (register.name(), &register.definition);
            let from = of.register.act.in_force_from;
            let ran_with = before.and_then(|before| replaced(before, name, from));
            if ran_with.is_some_and(|old| old.digest == of.digest) {
                continue;
            }
            let is_known = known.contains(&(name.to_owned(), of.digest.clone()));
            let stored = if is_known { None } else { self.newest(name, from)? };
            let mut orphaned = Vec::new();
            for old in [stored.as_ref(), ran_with].into_iter().flatten() {
                orphaned.extend(self.in_use(name, old, orphans(old, of))?);
            }
            if !orphaned.is_empty() {
                orphaned.sort();
                orphaned.dedup();
                let list: Vec<String> = orphaned.iter().map(ToString::to_string).collect();
                let list = list.join("; ");
                let sentence = format!("{name}: the changed definition would orphan what is stored: {list}");
                standing_in_the_way.push(sentence);
            }
            let replaces = ran_with.or(stored.as_ref()).map(|old| old.digest.clone());
            fresh.push((register, is_known, replaces));
        }
        if !standing_in_the_way.is_empty() {
            let detail = standing_in_the_way.join("\n");
            return Err(Refusal::Conflict { code: "orphans", detail, clause: None }.into());
        }
        let mut told = Vec::new();
        for (register, is_known, replaces) in fresh {
            if let Some(line) = self.taken(register, is_known, replaces, before.is_some())? {
                told.push(line);
            }
        }
        if let Some(before) = before {
            let event = log::draft(INSTALLATION_REGISTER, Kind::Config, "definitions.reload", self.who());
            let detail = json!({
                "before": before.digest(), "after": new.digest(), "differences": before.differences(new),
            });
            self.note(event, 0, Some(detail))?;
        }
        Ok(Sealed::new(told, None))
    }

    /// Enters one version in the log of its register, and says so; nothing where it was in use before and the program
    /// only starts.
    fn taken(
        &mut self,
        register: &Register,
        is_known: bool,
        replaces: Option<String>,
        running: bool,
    ) -> Result<Option<String>, Error> {
        let (name, new) = (register.name(), &register.definition);
        let in_force_from = new.register.act.in_force_from.to_string();
        if !is_known {
            let event = log::draft(name, Kind::Config, "definition.load", self.who());
            let body = serde_json::to_string(new.as_ref()).map_err(|e| Error::Damaged(e.to_string()))?;
            let change = Change::DefinitionLoaded { digest: new.digest.clone(), in_force_from, body, replaces };
            self.apply(event, 0, change)?;
        } else if running {
            let event = log::draft(name, Kind::Config, "definition.reload", self.who());
            let detail = json!({ "digest": new.digest, "in_force_from": in_force_from, "replaces": replaces });
            self.note(event, 0, Some(detail))?;
        } else {
            return Ok(None);
        }
        Ok(Some(format!("{name} {}", new.digest)))
    }

    fn who(&self) -> Who {
        let name = match &self.cx.caller {
            Caller::Installation { name } if !name.is_empty() => format!("{INSTALLATION}:{name}"),
            _ => INSTALLATION.to_owned(),
        };
        Who { user_id: None, name }
    }

    /// A sentence for each register that has no definition in `new` although it holds records.
    fn left_without_definition(
        &mut self,
        new: &Registers,
        known: &HashSet<(String, String)>,
    ) -> Result<Vec<String>, Error> {
        let here: HashSet<&str> = new.names().collect();
        let mut gone: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).filter(|n| !here.contains(n)).collect();
        gone.sort_unstable();
        gone.dedup();
        let mut sentences = Vec::new();
        for name in gone {
            let any: Option<String> =
                record::table.filter(record::register.eq(name)).select(record::id).first(self.conn).optional()?;
            if any.is_some() {
                sentences.push(format!(
                    "{name}: the register holds records, but its definition is gone; put it back, or close the \
                     register first (docs/closing.md)"
                ));
            }
        }
        Ok(sentences)
    }

    /// Of the versions in force from a day the one that came into use last.
    fn newest(&mut self, register: &str, from: NaiveDate) -> Result<Option<Definition>, Error> {
        let body: Option<String> = definition::table
            .filter(definition::register.eq(register))
            .filter(definition::in_force_from.eq(from.to_string()))
            .order(definition::loaded_at.desc())
            .select(definition::body)
            .first(self.conn)
            .optional()?;
        let damaged = |_| Error::Damaged("a definition cannot be read".into());
        body.map(|body| serde_json::from_str(&body).map_err(damaged)).transpose()
    }

    /// Of what a definition no longer has, what stored data still use.
    fn in_use(&mut self, register: &str, old: &Definition, gone: Vec<Orphan>) -> Result<Vec<Orphan>, Error> {
        if gone.is_empty() {
            return Ok(gone);
        }
        let types: HashSet<String> = record::table
            .filter(record::register.eq(register))
            .select(record::record_type)
            .distinct()
            .load::<String>(self.conn)?
            .into_iter()
            .collect();
        let roles: HashSet<String> = access_grant::table
            .filter(access_grant::register.eq(register))
            .filter(access_grant::revoked_at.is_null())
            .select(access_grant::role)
            .distinct()
            .load::<String>(self.conn)?
            .into_iter()
            .collect();
        let kinds: HashSet<String> = base_document::table
            .filter(base_document::register.eq(register))
            .select(base_document::kind)
            .distinct()
            .load::<String>(self.conn)?
            .into_iter()
            .collect();
        let mut used = Vec::new();
        for orphan in gone {
            let stands = match &orphan {
                Orphan::RecordType(name) => types.contains(name),
                Orphan::Role(name) => roles.contains(name),
                Orphan::DocumentKind(name) => kinds.contains(name),
                Orphan::Section { .. } => false,
                Orphan::Field { record_type, path } => {
                    types.contains(record_type) && self.mentions(register, Some(record_type), last_part(path), None)?
                }
                Orphan::Code { codelist, code } => {
                    let uses = old.record_types.iter().any(|t| {
                        types.contains(&t.name)
                            && t.fields.iter().any(|f| {
                                f.codelist.as_deref() == Some(codelist)
                                    || f.parts.iter().any(|p| p.codelist.as_deref() == Some(codelist))
                            })
                    });
                    uses && self.mentions(register, None, code, Some(()))?
                }
            };
            if stands {
                used.push(orphan);
            }
        }
        Ok(used)
    }

    /// Whether any state mentions a key or a code: a cautious look at the stored text, which may refuse too much
    /// but never too little.
    fn mentions(
        &mut self,
        register: &str,
        record_type: Option<&str>,
        word: &str,
        as_value: Option<()>,
    ) -> Result<bool, Error> {
        let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = if as_value.is_some() { format!("%\"{escaped}\"%") } else { format!("%\"{escaped}\":%") };
        let mut query = record_state::table
            .filter(record_state::register.eq(register))
            .filter(record_state::data.like(pattern).escape('\\'))
            .select(record_state::record_id)
            .limit(1)
            .into_boxed();
        if let Some(record_type) = record_type {
            query = query.filter(record_state::record_type.eq(record_type));
        }
        Ok(query.first::<String>(self.conn).optional()?.is_some())
    }
}

/// The version in force from `day` with which the program was running.
fn replaced<'b>(before: &'b Registers, name: &str, day: NaiveDate) -> Option<&'b Definition> {
    let versions = before.versions(name).into_iter().map(|register| &*register.definition);
    versions.into_iter().find(|definition| definition.register.act.in_force_from == day)
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
