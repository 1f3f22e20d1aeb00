//! What becomes of copies of the database, in the log; and letters when there is none that is young enough.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::domain::audit::Kind;
use crate::domain::calendar::day_at;
use crate::domain::registers::Register;
use crate::store::change::{Change, LetterWrite};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::guard::Sealed;
use crate::store::log;
use crate::store::schema::outbox;
use crate::store::write::WriteTx;

impl<'tx> WriteTx<'tx> {
    /// Notes what is done with a copy.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) fn backup_noted(&mut self, action: &str, detail: &Value) -> Result<Sealed<'tx, ()>, Error> {
        let event = log::draft(INSTALLATION_REGISTER, Kind::Config, action, self.worker());
        self.note(event, 0, Some(detail.clone()))?;
        Ok(Sealed::new((), None))
    }

    /// Tells the controller of a register (its contact point of that name, else its first) that the newest good copy, made
    /// at `last`, is older than its statute permits: once a day. Says how many letters that is.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub(crate) fn backup_alarm(
        &mut self,
        register: &Register,
        last: Option<DateTime<Utc>>,
        today: NaiveDate,
    ) -> Result<Sealed<'tx, usize>, Error> {
        let source = &register.definition.register;
        let Some(rule) = &source.backup else {
            return Ok(Sealed::new(0, None));
        };
        let controller = source.contacts.iter().find(|c| c.name == "controller").or(source.contacts.first());
        let Some(contact) = controller else {
            return Ok(Sealed::new(0, None));
        };
        let stage = format!("backup-overdue:{today}");
        let queued: i64 = outbox::table
            .filter(outbox::register.eq(register.name()))
            .filter(outbox::stage.eq(&stage))
            .count()
            .get_result(self.conn)?;
        if queued > 0 {
            return Ok(Sealed::new(0, None));
        }
        let last = last.map(|at| day_at(at, source.time_zone).to_string());
        let letter = LetterWrite {
            id: self.new_id()?,
            letter: "backup-overdue".to_owned(),
            address: contact.email.clone(),
            language: contact.language.clone(),
            words: json!({
                "register": source.name,
                "clause": rule.clause,
                "number": today.to_string(),
                "last": last,
                "path": "/healthz/backup",
            }),
            case_id: None,
            stage: Some(stage),
        };
        let event = log::draft(register.name(), Kind::Job, "backup.alarm", self.worker());
        self.apply(event, 0, Change::BackupOverdue { letters: vec![letter] })?;
        Ok(Sealed::new(1, None))
    }
}
