//! The end of a register: the decision, its approval, carrying it out.

use chrono::NaiveDate;

use super::{At, State};
use crate::domain::closing::{Disposition, Document, OpenMatter, Receiver, StepDone, Terms};
use crate::domain::record::validate::Violation;
use crate::domain::retention::Action;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Sent, body};
use crate::web::problem::Problem;

body! {
    /// A decision to close the register.
    ClosingBody creates true {
        /// Its document.
        document: ClosingDocumentBody,
        /// First day on which nothing is entered any more.
        closed_from: NaiveDate,
        /// What becomes of the data of each record type, and when.
        dispositions: Vec<DispositionBody>,
        /// What stands open, and what becomes of it.
        open: Option<Vec<OpenMatterBody>>,
        /// Steps that other law asks for.
        steps: Option<Vec<ClosingStepBody>>,
        /// Who gets what is handed over; else the archive of the settings.
        receiver: Option<ReceiverBody>,
    }
}

body! {
    /// The document of a decision.
    ClosingDocumentBody {
        /// Kind, as the definition names it.
        kind: String,
        /// Number.
        number: String,
        /// Its day.
        date: NaiveDate,
    }
}

body! {
    /// What becomes of a class of data.
    DispositionBody {
        /// Record type.
        record_type: String,
        /// Only the data under this retention rule.
        rule: Option<String>,
        /// `transfer` or `destruction`.
        action: String,
        /// The day from which it is carried out.
        on: NaiveDate,
    }
}

body! {
    /// Something that stands open.
    OpenMatterBody {
        /// `complaint`, `case`, `disclosure`, `confirmation`, `transfer`, `publication`, `batch` or `hold`.
        kind: String,
        /// How many.
        count: i64,
        /// What becomes of them.
        how: String,
    }
}

body! {
    /// A step of other law.
    ClosingStepBody {
        /// Name, as the definition has it.
        name: String,
        /// Number and day of what shows that it was done.
        reference: Option<String>,
        /// Why it was not needed.
        reason: Option<String>,
    }
}

body! {
    /// Who gets what is handed over.
    ReceiverBody {
        /// Archive or register.
        name: String,
        /// Its code.
        code: Option<String>,
    }
}

body! {
    /// An approval of a decision to close.
    ClosingApprovalBody {
        /// Version that the approver has seen; another one is refused.
        version: Option<i64>,
    }
}

body! {
    /// Why a decision is given up.
    ClosingWithdrawalBody {
        /// Why.
        reason: String,
    }
}

/// How the register stands on its way to its end.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<String>, asked: Asked) -> Answer {
    answer::ok(&state.app.read_closing(asked.cx, at.into_inner()).await?)
}

/// Decides that the register closes.
///
/// # Errors
/// As the act.
pub async fn decide(state: State, at: At<String>, sent: Sent<ClosingBody>) -> Answer {
    let (register, cx, body) = (at.into_inner(), sent.cx, sent.body);
    let mut dispositions = Vec::new();
    for (n, one) in body.dispositions.into_iter().enumerate() {
        let action = match one.action.as_str() {
            "transfer" => Action::Archive,
            "destruction" => Action::Destroy,
            _ => {
                let at = format!("/dispositions/{n}/action");
                let detail = "`transfer` or `destruction` is expected.";
                return Err(Problem::invalid(vec![Violation::error(&at, "code", detail, None)]));
            }
        };
        dispositions.push(Disposition { record_type: one.record_type, rule: one.rule, action, on: one.on });
    }
    let open = body.open.unwrap_or_default().into_iter();
    let steps = body.steps.unwrap_or_default().into_iter();
    let terms = Terms {
        document: Document {
            kind: body.document.kind,
            number: body.document.number.trim().to_owned(),
            date: body.document.date,
        },
        closed_from: body.closed_from,
        dispositions,
        open: open.map(|m| OpenMatter { kind: m.kind, count: m.count, how: m.how }).collect(),
        steps: steps.map(|s| StepDone { name: s.name, reference: s.reference, reason: s.reason }).collect(),
        receiver: body.receiver.map(|r| Receiver { name: r.name, code: r.code }),
    };
    let made = state.app.decide_closing(cx, register.clone(), terms).await?;
    answer::created(&made, &["registers", &register, "closing"])
}

/// Approves the decision.
///
/// # Errors
/// As the act.
pub async fn approve(state: State, at: At<String>, asked: Asked, sent: Sent<ClosingApprovalBody>) -> Answer {
    answer::ok(&state.app.approve_closing(asked.cx, at.into_inner(), sent.body.version).await?)
}

/// Gives the decision up.
///
/// # Errors
/// As the act.
pub async fn withdraw(state: State, at: At<String>, asked: Asked, sent: Sent<ClosingWithdrawalBody>) -> Answer {
    answer::ok(&state.app.withdraw_closing(asked.cx, at.into_inner(), sent.body.reason).await?)
}

/// Carries out what may be carried out today, or goes on where that was cut short.
///
/// # Errors
/// As the act.
pub async fn execute(state: State, at: At<String>, asked: Asked) -> Answer {
    answer::ok(&state.app.execute_closing(asked.cx, at.into_inner()).await?)
}
