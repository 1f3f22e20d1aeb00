//! Which reminder of a deadline is due: the definition says how many days before, and once when it has passed.

use chrono::{DateTime, Days, Utc};

use super::CaseFile;
use crate::domain::registers::Register;
use crate::domain::statute::procedures::CaseKind;

/// What there is to remind of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The due day is at most so many days away.
    Soon(u32),
    /// It has passed.
    Overdue,
}

impl Stage {
    /// The reminder that is due at `now`, if any is. Of several that were missed only the nearest is left.
    pub fn of(register: &Register, kind: &CaseKind, case: &CaseFile, now: DateTime<Utc>) -> Option<Self> {
        let deadline = case.deadline.as_ref().filter(|_| !case.state.is_over())?;
        if deadline.is_past(now) {
            return Some(Self::Overdue);
        }
        let today = register.day(now);
        let near = |days: u32| today.checked_add_days(Days::new(days.into())).is_none_or(|day| day >= deadline.due);
        kind.reminders.iter().copied().filter(|days| near(*days)).min().map(Self::Soon)
    }

    /// The letter that is written.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Soon(_) => "case-due-soon",
            Self::Overdue => "case-overdue",
        }
    }

    /// What tells this reminder to `whom` from every other one of the register.
    pub fn key(self, case: &CaseFile, whom: &str) -> String {
        let due = case.deadline.as_ref().map(|d| d.due.to_string()).unwrap_or_default();
        let stage = match self {
            Self::Soon(days) => days.to_string(),
            Self::Overdue => "overdue".to_owned(),
        };
        format!("{}/{due}/{stage}/{whom}", case.id)
    }
}

/// Who is reminded of a case: whoever is told of its opening, and the controller.
pub(crate) fn reminded(kind: &CaseKind) -> Vec<&str> {
    let mut whom: Vec<&str> = kind.tells.iter().map(String::as_str).chain(["controller"]).collect();
    whom.sort_unstable();
    whom.dedup();
    whom
}
