//! The list of rights in force is put up for confirmation on the days that the definition names.

use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use serde_json::json;

use crate::domain::access::policy::Decision;
use crate::domain::access::rights::Ruling;
use crate::domain::access::{Action, Grant};
use crate::domain::case::{CaseFile, Deadline, Made, NewCase};
use crate::domain::statute::procedures::Procedure;
use crate::store::change::Change;
use crate::store::error::Error;
use crate::store::guard::Sealed;
use crate::store::schema::{access_grant, case_file};
use crate::store::write::WriteTx;

impl<'tx> WriteTx<'tx> {
    /// Opens the confirmation of the grants in force where its day has come and it is not open yet: 1 or 0.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub(crate) fn recertification_open(&mut self, register: &str) -> Result<Sealed<'tx, usize>, Error> {
        let register = self.register(register)?;
        let today = self.today(&register);
        let nothing = || Ok(Sealed::new(0, None));
        let (Some(rule), Some(kind)) =
            (&register.definition.register.recertification, register.case_kind_of(Procedure::Recertification))
        else {
            return nothing();
        };
        let Some(on) = last_day_of(&rule.on, today) else {
            return nothing();
        };
        let bodies: Vec<String> = case_file::table
            .filter(case_file::register.eq(register.name()))
            .filter(case_file::kind.eq(&kind.name))
            .order(case_file::id.desc())
            .limit(1)
            .select(case_file::body)
            .load(self.conn)?;
        let last: Option<CaseFile> = bodies
            .first()
            .map(|b| serde_json::from_str(b).map_err(|_| Error::Damaged("a case cannot be read".into())))
            .transpose()?;
        let since = last.as_ref().and_then(|c| c.details.get("on")?.as_str().map(str::to_owned));
        if since.is_some_and(|since| since >= on.to_string()) {
            return nothing();
        }
        let day = today.to_string();
        let grants: Vec<String> = access_grant::table
            .filter(access_grant::register.eq(register.name()))
            .filter(access_grant::revoked_at.is_null())
            .filter(access_grant::from_day.le(&day))
            .filter(access_grant::until_day.ge(&day))
            .order(access_grant::id)
            .select(access_grant::body)
            .load(self.conn)?;
        let grants: Vec<Grant> = grants
            .iter()
            .map(|b| serde_json::from_str(b).map_err(|_| Error::Damaged("a grant cannot be read".into())))
            .collect::<Result<_, _>>()?;
        // A register on its first day has nothing to confirm.
        if grants.is_empty() {
            return nothing();
        }
        let now = self.now;
        let mut deadline = Deadline::reckoned(&register, kind, rule.term, on, now)?;
        deadline.clause = rule.clause.clone();
        let ruling = Ruling {
            decision: Decision {
                permitted: true,
                clause: rule.clause.clone(),
                policy: Some("engine.recertification".into()),
            },
            role: None,
            grant_id: None,
        };
        let actor = self.actor(&register)?;
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let list: Vec<_> = grants
            .iter()
            .map(|g| json!({ "grant_id": g.id, "user_id": g.user_id, "role": g.role, "institution_id": g.institution_id }))
            .collect();
        let new = NewCase {
            kind: kind.name.clone(),
            subject: kind.label.official().to_owned(),
            text: kind.label.official().to_owned(),
            details: json!({ "on": on, "grants": list }),
            ..NewCase::default()
        };
        let mut case = CaseFile::open(&register, kind, self.new_id()?, &new, Made { at: now, by: &by })?;
        case.deadline = Some(deadline);
        let letters = self.letters_to(&register, kind, &case, &kind.tells, "recertification-due")?;
        let event = self.case_event(&register, Action::CaseOpen, &actor, &ruling, kind, Some(&case));
        self.apply(event, 0, Change::CaseOpened { case: Box::new(case), letters, idempotency: None })?;
        Ok(Sealed::new(1, None))
    }
}

/// The latest of the yearly days (`MM-DD`) that is not after `today`, within the last year.
fn last_day_of(days: &[String], today: NaiveDate) -> Option<NaiveDate> {
    let day = |year: i32, text: &String| format!("{year:04}-{text}").parse::<NaiveDate>().ok();
    days.iter()
        .flat_map(|text| [day(today.year() - 1, text), day(today.year(), text)])
        .flatten()
        .filter(|day| *day <= today)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_day_that_has_come_counts() {
        let days = ["03-01".to_owned(), "09-01".to_owned()];
        let on = |text: &str| last_day_of(&days, text.parse().unwrap()).unwrap().to_string();
        assert_eq!(on("2026-03-01"), "2026-03-01");
        assert_eq!(on("2026-08-31"), "2026-03-01");
        assert_eq!(on("2026-12-31"), "2026-09-01");
        assert_eq!(on("2026-02-28"), "2025-09-01");
    }
}
