//! Opening cases, taking them forward, and reading them.

use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error};
use crate::domain::case::{NewCase, Step};
use crate::domain::refusal::Refusal;
use crate::domain::statute::procedures::{Procedure, StepKind};
use crate::store::guard::{CaseDecide, CaseHandle, CaseRead, CaseRespond};
use crate::store::read::cases::{CaseInFull, CaseQuery, CaseView};
use crate::store::read::records::Page;

impl App {
    /// The kinds of cases of a register that follow `procedure`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when the register is unknown or its statute has no such procedure.
    pub fn case_kinds(&self, register: &str, procedure: Procedure) -> Result<Vec<String>, Error> {
        let registers = self.store.registers();
        let versions = registers.versions(register);
        let any = versions.last().ok_or(Refusal::NotFound { what: "register" })?;
        let current = registers.current(register, any.day(self.store.now())).unwrap_or(any);
        let mut kinds: Vec<String> =
            current.definition.cases.iter().filter(|c| c.procedure == procedure).map(|c| c.name.clone()).collect();
        if kinds.is_empty() {
            return Err(Refusal::NotFound { what: "procedure in this register's statute" }.into());
        }
        // The kind that bears the procedure's own name stands for it where none is named.
        kinds.sort_by_key(|name| name != procedure.as_str());
        Ok(kinds)
    }

    /// Opens a case.
    ///
    /// # Errors
    /// Refusals with their clause; every fault of the data at once.
    pub async fn open_case(
        &self,
        cx: ActContext,
        register: String,
        new: NewCase,
    ) -> Result<Disclosed<CaseView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_case_open(&register, &new.kind, new.institution_id, new.record_id)?;
            tx.case_open(permit, &new)
        });
        Ok(act.await?)
    }

    /// Takes a step of a case: a decision needs the right to decide, what the ones concerned say that to respond, every
    /// other step the right to handle it.
    ///
    /// # Errors
    /// As [`App::open_case`]; [`Refusal::Conflict`] for what cannot be done any more or not yet.
    pub async fn take_case_step(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        step: Step,
    ) -> Result<Disclosed<CaseView>, Error> {
        let act = self.store.write(cx, move |tx| match step.act {
            StepKind::Decide => {
                let permit = tx.authorize_case::<CaseDecide>(&register, id)?;
                tx.case_step(permit, &step)
            }
            StepKind::Message | StepKind::Clarify | StepKind::Acknowledge | StepKind::Answer | StepKind::Withdraw => {
                let permit = tx.authorize_case::<CaseRespond>(&register, id)?;
                tx.case_step(permit, &step)
            }
            StepKind::AskClarification
            | StepKind::AskIdentity
            | StepKind::Identify
            | StepKind::Extend
            | StepKind::Forward
            | StepKind::Notify
            | StepKind::Verify
            | StepKind::Close => {
                let permit = tx.authorize_case::<CaseHandle>(&register, id)?;
                tx.case_step(permit, &step)
            }
        });
        Ok(act.await?)
    }

    /// Lists the cases that the caller may read, newest first.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown register or kind.
    pub async fn list_cases(
        &self,
        cx: ActContext,
        register: String,
        query: CaseQuery,
    ) -> Result<Disclosed<Page<CaseView>>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.case_list(&register, &query)).await?)
    }

    /// Opens the file of a case.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is none or it may not be read.
    pub async fn read_case(&self, cx: ActContext, register: String, id: Uuid) -> Result<Disclosed<CaseInFull>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_case::<CaseRead>(&register, id)?;
            tx.case_read(permit)
        });
        Ok(act.await?)
    }
}
