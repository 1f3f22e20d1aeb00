//! What people call records to which others refer: for a whole page of references at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use uuid::Uuid;

use crate::domain::access::rights::Ruling;
use crate::domain::access::{Action, Coordinates, SectionRights};
use crate::domain::record::index::Status;
use crate::domain::refusal::Refusal;
use crate::domain::statute::RecordType;
use crate::domain::statute::path::FieldPath;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::Sealed;
use crate::store::tx::Tx;

/// Most records asked about at once.
pub const MOST_TITLES: usize = 500;

/// The sections in which the title fields of a kind stand.
fn title_sections(kind: &RecordType) -> BTreeSet<&str> {
    let first = |path: &String| Some(FieldPath::parse(path).ok()?.steps().first()?.name.clone());
    let names: Vec<String> = kind.title.iter().filter_map(first).collect();
    kind.fields.iter().filter(|f| names.contains(&f.name)).filter_map(|f| f.section.as_deref()).collect()
}

impl<'tx> Tx<'tx> {
    /// What the records of `ids` are called today, as far as the caller may read them; of what they may not read,
    /// nothing. Reading a title is reading the record: the log names each.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for more than [`MOST_TITLES`]; a purpose where the register asks for one.
    pub fn record_titles(
        &mut self,
        register: &str,
        ids: &[Uuid],
    ) -> Result<Sealed<'tx, BTreeMap<Uuid, String>>, Error> {
        let register = self.register(register)?;
        if ids.len() > MOST_TITLES {
            let detail = format!("at most {MOST_TITLES} at once");
            return Err(Refusal::invalid("/ids", "too_many", detail, None).into());
        }
        let actor = self.actor(&register)?;
        let today = self.today(&register);
        let found = facts::load_many(self.conn, register.name(), ids, today)?;
        let mut rights: HashMap<(String, Uuid, Status, bool), SectionRights> = HashMap::new();
        let mut titles = BTreeMap::new();
        let mut sections: BTreeSet<String> = BTreeSet::new();
        let mut leading: Option<Ruling> = None;
        for facts in found.into_values() {
            let Some(kind) = register.record_type(&facts.record_type) else { continue };
            let about_self = Self::about_self(&actor, kind, &facts.data);
            let purpose_given = self.purpose(&register, about_self)?;
            let key = (facts.record_type.clone(), facts.institution_id, facts.status, about_self);
            let seen = rights.entry(key).or_insert_with(|| {
                let at = Coordinates {
                    institution_id: Some(facts.institution_id),
                    about_self,
                    status: facts.status,
                    purpose_given,
                };
                actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at)
            });
            let needed = title_sections(kind);
            if !needed.iter().all(|s| seen.permitted.contains_key(*s)) {
                continue;
            }
            if let Some(title) = kind.title_of(&facts.data) {
                titles.insert(facts.id, title);
                sections.extend(needed.into_iter().map(str::to_owned));
                leading = leading.or_else(|| seen.leading().cloned());
            }
        }
        let Some(ruling) = leading else {
            return Ok(Sealed::unlogged(titles));
        };
        let mut event = self.event(&register, Action::RecordRead, &actor, &ruling);
        event.record_ids = titles.keys().copied().collect();
        event.sections = sections.into_iter().collect();
        event.detail = Some(json!({ "titles": titles.len() }));
        Ok(Sealed::new(titles, Some(event)))
    }
}
