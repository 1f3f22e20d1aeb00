//! Applications for access: an institution's head asks that somebody be given a role, or lose it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Grant;
use crate::domain::record::validate::Violation;
use crate::domain::statute::{Clause, Definition};

/// What is applied for: the `details` of a case of the procedure `access`.
#[doc(alias = "avaldus")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Whether a right is to begin or to end.
    pub wants: Wants,
    /// User concerned, once there is an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
    /// Name of the person concerned.
    pub name: String,
    /// Role of the definition.
    pub role: String,
    /// Only these sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sections: Option<Vec<String>>,
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// What an application wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    /// A right that begins.
    Grant,
    /// A right, or the account, that ends.
    End,
}

impl Application {
    /// Reads the details of a case.
    ///
    /// # Errors
    /// Every fault, with its pointer under `/details`.
    pub fn read(details: &Value, definition: &Definition, clause: &Clause) -> Result<Self, Vec<Violation>> {
        let fault = |pointer: &str, code, detail: String| Violation::error(pointer, code, detail, Some(clause.clone()));
        let application: Self = serde_json::from_value(details.clone()).map_err(|_| {
            let detail = "say what is wanted (`grant` or `end`), for whom (`name`, `user_id`) and in which `role`";
            vec![fault("/details", "type", detail.into())]
        })?;
        let mut faults = Vec::new();
        if application.name.trim().is_empty() {
            faults.push(fault("/details/name", "required", "name the person".into()));
        }
        if !definition.register.roles.iter().any(|r| r.name == application.role && !r.implicit) {
            let detail = "the statute grants no such role".into();
            faults.push(fault("/details/role", "not_in_codelist", detail));
        }
        if let (Some(from), Some(until)) = (application.from, application.until)
            && until < from
        {
            faults.push(fault("/details/until", "order", "the last day cannot be before the first".into()));
        }
        if application.wants == Wants::End && application.user_id.is_none() {
            faults.push(fault("/details/user_id", "required", "name the user whose right is to end".into()));
        }
        if faults.is_empty() { Ok(application) } else { Err(faults) }
    }

    /// Whether `grant` gives no more than was applied for, for `institution`.
    pub fn covers(&self, grant: &Grant, institution: Option<Uuid>) -> bool {
        let sections = match (&self.sections, &grant.sections) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(asked), Some(given)) => given.iter().all(|g| asked.contains(g)),
        };
        self.wants == Wants::Grant
            && self.role == grant.role
            && self.user_id.is_none_or(|user| user == grant.user_id)
            && (institution.is_none() || institution == grant.institution_id)
            && sections
            && self.from.is_none_or(|from| from <= grant.from)
            && self.until.is_none_or(|until| grant.until.is_some_and(|given| given <= until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::grant::Basis;
    use proptest::prelude::*;

    fn day(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::TimeDelta::days(n)
    }

    fn some_sections() -> impl Strategy<Value = Option<Vec<String>>> {
        let names = proptest::sample::subsequence(vec!["basic".to_owned(), "pay".into(), "health".into()], 1..=3);
        proptest::option::of(names)
    }

    proptest! {
        #[test]
        fn what_an_application_covers_reaches_no_further_than_it(
            asked in some_sections(),
            given in some_sections(),
            asked_days in (0_i64..5, proptest::option::of(5_i64..10)),
            given_days in (0_i64..5, proptest::option::of(5_i64..10)),
        ) {
            let application = Application {
                wants: Wants::Grant,
                user_id: None,
                name: "Mari".into(),
                role: "clerk".into(),
                sections: asked.clone(),
                from: Some(day(asked_days.0)),
                until: asked_days.1.map(day),
            };
            let grant = Grant {
                id: Uuid::nil(),
                user_id: Uuid::nil(),
                role: "clerk".into(),
                institution_id: None,
                sections: given.clone(),
                from: day(given_days.0),
                until: given_days.1.map(day),
                basis: Basis { kind: "directive".into(), reference: "1".into() },
                task: None,
                application_id: None,
                revoked: false,
                version: 1,
            };
            // Brute force: every section on every day that the grant opens is one that was asked for.
            let asked_for = |section: &str, on: NaiveDate| {
                asked.as_ref().is_none_or(|a| a.iter().any(|s| s == section))
                    && day(asked_days.0) <= on
                    && asked_days.1.is_none_or(|until| on <= day(until))
            };
            let mut within = true;
            for section in ["basic", "pay", "health", "another"] {
                for on in (0..20).map(day) {
                    within &= !(grant.in_force(on) && grant.covers("employee", section)) || asked_for(section, on);
                }
            }
            prop_assert_eq!(application.covers(&grant, None), within);
        }
    }
}
