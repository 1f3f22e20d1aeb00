//! Duties to confirm: the board, the checklist, what was confirmed, and what has changed since.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::aggregates::renumber;
use super::lists::every;
use crate::domain::access::grant::Basis;
use crate::domain::access::rights::{CLOSED, Ruling};
use crate::domain::access::{Action, Actor, Coordinates, Grant, SectionRights};
use crate::domain::audit::Hash;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::case::CaseFile;
use crate::domain::confirmation::checks::{self, Across, Finding, Subject};
use crate::domain::confirmation::days::{self, Standing};
use crate::domain::confirmation::drift::{self, Change as FieldChange, LeafKey};
use crate::domain::confirmation::snapshot::{self, Leaf};
use crate::domain::hex;
use crate::domain::record::Timeline;
use crate::domain::record::index::Status;
use crate::domain::record::validate::{Validation, Violation};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::duties::{CheckSeverity, ConfirmationDuty};
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::{Clause, Label, RecordType};
use crate::store::conn::{AnyConn, MultiBackend};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Act, ConfirmationRead, Permit, RecordRead, Sealed};
use crate::store::schema::{
    access_grant, app_user, audit_payload, calendar_feed, case_file, confirmation, confirmation_note, confirmed_record,
    entry, record, record_index, record_state,
};
use crate::store::tx::{Tx, nothing};

/// Findings, differences and changed records that one answer names; all are counted.
const MOST: usize = 500;
/// Duties in one export or calendar.
const MOST_DUTIES: i64 = 10_000;
/// Duties of a page up to which newer entries are counted: each stands for hundreds of records to look at.
const DRIFT: i64 = 100;
/// Secret addresses of one user that are shown.
const MOST_FEEDS: i64 = 100;
/// Values in one `IN`.
const PART: usize = 500;

/// The words for where a duty stands.
pub const STANDINGS: &[&str] = &["upcoming", "open", "confirmed", "confirmed_late", "overdue", "cancelled"];

/// A duty as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct DutyView {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Duty of the definition.
    pub duty: String,
    /// What people read of it.
    pub label: Label,
    /// Clause.
    pub clause: Clause,
    /// Institution.
    pub institution_id: Uuid,
    /// Its name.
    pub institution: String,
    /// Its kind on the day.
    pub kind: String,
    /// The day that the statute names.
    pub due_on: NaiveDate,
    /// The last day on which it is in time.
    pub acts_by: NaiveDate,
    /// The day off that moved that day.
    pub moved_by: Option<String>,
    /// From when on it can be confirmed.
    pub opens_on: NaiveDate,
    /// Where it stands: one of [`STANDINGS`].
    pub status: &'static str,
    /// How many days it is, or was confirmed, too late.
    pub days_late: Option<i64>,
    /// Record types to confirm.
    pub parts: usize,
    /// Of them checked by somebody.
    pub parts_checked: usize,
    /// When it was confirmed.
    pub confirmed_at: Option<String>,
    /// Number of the confirmation in the register.
    pub number: Option<i64>,
    /// Records confirmed, by type.
    pub counts: Option<BTreeMap<String, u64>>,
    /// Records confirmed of which there are newer entries; counted on pages of up to 100 duties, and in files.
    pub changed_since: Option<i64>,
    /// Why nothing is to be confirmed.
    pub cancelled: Option<String>,
}

/// A page of the board.
#[derive(Debug, Clone, Serialize)]
pub struct BoardPage {
    /// The duties.
    pub items: Vec<DutyView>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
    /// Last day of the statute, where it is no longer in force: its duties are still reckoned.
    pub statute_ended_on: Option<NaiveDate>,
}

/// How many duties of a day stand where.
#[derive(Debug, Clone, Serialize)]
pub struct DayTotals {
    /// The day that the statute names.
    pub due_on: NaiveDate,
    /// The last day on which it is in time.
    pub acts_by: NaiveDate,
    /// Duties that stand, those cancelled not counted.
    pub total: u64,
    /// By standing.
    pub by_status: BTreeMap<&'static str, u64>,
}

/// How many duties stand where.
#[derive(Debug, Clone, Serialize)]
pub struct SummaryView {
    /// Register.
    pub register: String,
    /// By day.
    pub items: Vec<DayTotals>,
    /// Last day of the statute, where it is no longer in force.
    pub statute_ended_on: Option<NaiveDate>,
}

/// What is asked of the board.
#[derive(Debug, Clone, Default)]
pub struct BoardQuery {
    /// Only this day's.
    pub due_on: Option<NaiveDate>,
    /// Only those that stand so.
    pub status: Option<&'static str>,
    /// Only this institution's.
    pub institution_id: Option<Uuid>,
    /// Only those too late, or (`false`) only the others.
    pub late: Option<bool>,
    /// At most so many.
    pub limit: i64,
    /// From the last page.
    pub cursor: Option<String>,
}

/// Who may confirm.
#[derive(Debug, Clone, Serialize)]
pub struct HeadView {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// On what the role rests.
    pub basis: Basis,
}

/// A fault or warning.
#[derive(Debug, Clone, Serialize)]
pub struct FindingView {
    /// By which reasons and exceptions name it.
    pub key: String,
    /// Check of the definition, or `validation`.
    pub check: String,
    /// Kind of fault.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: CheckSeverity,
    /// Clause.
    pub clause: Clause,
    /// Record.
    pub record_id: Option<Uuid>,
    /// Record type.
    pub record_type: String,
    /// What the record is called, for whoever may see that.
    pub title: Option<String>,
    /// Where in its data.
    pub pointer: Option<String>,
    /// What is wrong.
    pub detail: String,
    /// What the records of a group have in common; only for whoever may see these fields.
    pub group: Vec<Value>,
    /// The reason for confirming over a warning.
    pub reason: Option<SaidView>,
    /// The inquiry under which it is confirmed around.
    pub exception: Option<SaidView>,
    /// Whether nothing can be confirmed while it stands so.
    pub blocks: bool,
}

/// What somebody said on the way.
#[derive(Debug, Clone, Serialize)]
pub struct SaidView {
    /// What.
    pub text: String,
    /// The case that it rests on.
    pub case_id: Option<Uuid>,
    /// Who.
    pub by: String,
    /// When.
    pub at: String,
}

/// A record type of the checklist.
#[derive(Debug, Clone, Serialize)]
pub struct PartView {
    /// Record type.
    pub record_type: String,
    /// What people read of it.
    pub label: Label,
    /// Records to confirm.
    pub records: u64,
    /// Errors among them.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// Who checked it last.
    pub checked: Option<SaidView>,
    /// Whether its records changed after that.
    pub changed_since: bool,
}

/// How a record differs from what was confirmed before.
#[derive(Debug, Clone, Serialize)]
pub struct DifferenceView {
    /// Record.
    pub record_id: Uuid,
    /// Record type.
    pub record_type: String,
    /// What the record is called, for whoever may see that.
    pub title: Option<String>,
    /// `changed`, `added` or `gone`.
    pub what: &'static str,
    /// Field by field; values only of what the asker may see.
    pub changes: Vec<FieldChange>,
}

/// How many records of a type differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
pub struct DriftCounts {
    /// Changed.
    pub changed: u64,
    /// That were not there.
    pub added: u64,
    /// That are no longer there.
    pub gone: u64,
}

/// What is different from a confirmation.
#[derive(Debug, Clone, Serialize, Default)]
pub struct DriftView {
    /// Records changed.
    pub changed: usize,
    /// Records that were not there.
    pub added: usize,
    /// Records that are no longer there.
    pub gone: usize,
    /// The same by record type; those without a difference left out.
    pub by_type: BTreeMap<String, DriftCounts>,
    /// Which, the first 500.
    pub items: Vec<DifferenceView>,
}

/// The confirmation before.
#[derive(Debug, Clone, Serialize)]
pub struct EarlierView {
    /// Id.
    pub id: Uuid,
    /// Number.
    pub number: Option<i64>,
    /// Its day.
    pub due_on: NaiveDate,
    /// What is different now.
    pub differences: DriftView,
}

/// An open inquiry.
#[derive(Debug, Clone, Serialize)]
pub struct InquiryView {
    /// Case.
    pub case_id: Uuid,
    /// Record it is about.
    pub record_id: Option<Uuid>,
    /// When it was opened.
    pub opened_at: String,
    /// By when it must be answered.
    pub due_on: Option<NaiveDate>,
}

/// What a record of a checklist is called.
#[derive(Debug, Clone)]
pub struct NamedRecord {
    /// Record.
    pub record_id: Uuid,
    /// Record type.
    pub record_type: String,
    /// What it is called, for whoever may see that.
    pub title: Option<String>,
}

/// The checklist.
#[derive(Debug, Clone, Serialize)]
pub struct ChecklistView {
    /// The duty.
    #[serde(flatten)]
    pub duty: DutyView,
    /// What is different from the confirmation before, which is what a head looks at first.
    pub since_last: Option<EarlierView>,
    /// Root over what is to be confirmed, in lower-case hexadecimal: send it with the confirmation.
    pub snapshot_root: String,
    /// Records to confirm.
    pub size: usize,
    /// By type.
    pub checklist: Vec<PartView>,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Findings that stand in the way.
    pub blockers: usize,
    /// Findings, what blocks first; the first 500.
    pub findings: Vec<FindingView>,
    /// Inquiries under which faults can be confirmed around.
    pub inquiries: Vec<InquiryView>,
    /// Kind of case that such an inquiry is.
    pub inquiry_kind: Option<String>,
    /// What the head says.
    pub statement: Label,
    /// Clause that makes the head answer for it.
    pub responsible_clause: Clause,
    /// Who may confirm.
    pub responsible: Vec<HeadView>,
    /// The receipt, once it is confirmed.
    pub receipt: Option<ReceiptView>,
    /// What has changed since then.
    pub drift: Option<DriftView>,
    /// Last day of the statute, where it is no longer in force.
    pub statute_ended_on: Option<NaiveDate>,
    /// The records whose names were asked for, as far as they are there.
    #[serde(skip)]
    pub named: Vec<NamedRecord>,
}

/// An exception or a reason, as the receipt has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SaidOf {
    /// Finding.
    pub key: String,
    /// Inquiry, of an exception.
    #[serde(default)]
    pub case_id: Option<Uuid>,
    /// Why.
    pub reason: String,
}

/// Who confirmed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Confirmer {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// What people read of it.
    pub role_label: Label,
    /// The grant.
    pub grant_id: Uuid,
    /// On what the grant rests.
    pub basis: Basis,
}

/// What the receipt says beyond the columns of its row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store) struct ReceiptBody {
    pub label: Label,
    pub institution: String,
    pub counts: BTreeMap<String, u64>,
    pub statement: Label,
    pub clause: Clause,
    pub responsible_clause: Clause,
    pub confirmed_by: Confirmer,
    pub exceptions: Vec<SaidOf>,
    pub reasons: Vec<SaidOf>,
    pub definition: String,
}

/// What a duty's row says beyond its columns.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::store) struct DutyBody {
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptBody>,
}

/// The receipt.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptView {
    /// Id of the duty.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Number in the register, without gaps.
    pub number: i64,
    /// When.
    pub confirmed_at: String,
    /// The day that was, by the register's clock.
    pub confirmed_on: NaiveDate,
    /// The day that the statute names.
    pub due_on: NaiveDate,
    /// The last day on which it was in time.
    pub acts_by: NaiveDate,
    /// The day off that moved that day.
    pub moved_by: Option<String>,
    /// Whether it was in time.
    pub in_time: bool,
    /// How many days it was late.
    pub days_late: Option<i64>,
    /// Duty of the definition.
    pub duty: String,
    /// What people read of it.
    pub label: Label,
    /// Institution.
    pub institution_id: Uuid,
    /// Its name then.
    pub institution: String,
    /// Its kind on the day.
    pub kind: String,
    /// Records confirmed, by type.
    pub counts: BTreeMap<String, u64>,
    /// Records confirmed.
    pub size: i64,
    /// Root over them (RFC 6962), in lower-case hexadecimal.
    pub snapshot_root: String,
    /// What the head said, verbatim.
    pub statement: Label,
    /// Clause of the duty.
    pub clause: Clause,
    /// Clause that makes the head answer for it.
    pub responsible_clause: Clause,
    /// Who confirmed.
    pub confirmed_by: Confirmer,
    /// Known faults under open inquiries.
    pub exceptions: Vec<SaidOf>,
    /// Warnings with their reasons.
    pub reasons: Vec<SaidOf>,
    /// SHA-256 of the definition under which it was confirmed.
    pub definition: String,
    /// Its entry in the log.
    pub audit_id: Uuid,
}

/// A secret address of a calendar that is in force. The address itself is not kept.
#[derive(Debug, Clone, Serialize)]
pub struct FeedLine {
    /// By which it is ended.
    pub id: String,
    /// When it was made.
    pub made_at: String,
}

/// That a record was confirmed in a state.
#[derive(Debug, Clone, Serialize)]
pub struct ProofView {
    /// Id of the duty.
    pub confirmation_id: Uuid,
    /// Number of the confirmation.
    pub number: i64,
    /// Record.
    pub record_id: Uuid,
    /// The leaf's text, exactly: canonical JSON with the record's data.
    pub leaf: String,
    /// The salt of this leaf alone, base64.
    pub salt: String,
    /// SHA-256 of what stands in the tree, in lower-case hexadecimal.
    pub leaf_hash: String,
    /// Place among the leaves, from 0.
    pub index: u64,
    /// Leaves.
    pub size: u64,
    /// Hashes from the leaf to the root (RFC 6962), in lower-case hexadecimal.
    pub path: Vec<String>,
    /// The root.
    pub root: String,
}

/// A row of `confirmation`, in the order of its columns.
#[derive(Queryable)]
struct Row {
    _register: String,
    id: String,
    duty: String,
    institution_id: String,
    due_on: String,
    acts_by: String,
    opens_on: String,
    cancelled_at: Option<i64>,
    confirmed_at: Option<i64>,
    confirmed_on: Option<String>,
    _confirmed_by: Option<String>,
    number: Option<i64>,
    root: Option<String>,
    size: Option<i64>,
    body: String,
    audit_id: String,
}

/// A duty as it is kept.
pub(in crate::store) struct Duty {
    pub id: Uuid,
    pub duty: String,
    pub institution_id: Uuid,
    pub due_on: NaiveDate,
    pub acts_by: NaiveDate,
    pub opens_on: NaiveDate,
    pub cancelled: bool,
    pub confirmed_at: Option<i64>,
    pub confirmed_on: Option<NaiveDate>,
    pub number: Option<i64>,
    pub root: Option<String>,
    pub size: Option<i64>,
    pub body: DutyBody,
    pub audit_id: Uuid,
}

impl Duty {
    fn of(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: facts::id(&row.id)?,
            duty: row.duty,
            institution_id: facts::id(&row.institution_id)?,
            due_on: facts::day(&row.due_on)?,
            acts_by: facts::day(&row.acts_by)?,
            opens_on: facts::day(&row.opens_on)?,
            cancelled: row.cancelled_at.is_some(),
            confirmed_at: row.confirmed_at,
            confirmed_on: row.confirmed_on.as_deref().map(facts::day).transpose()?,
            number: row.number,
            root: row.root,
            size: row.size,
            body: serde_json::from_str(&row.body).map_err(|_| Error::Damaged("a duty cannot be read".into()))?,
            audit_id: facts::id(&row.audit_id)?,
        })
    }

    pub fn standing(&self, today: NaiveDate) -> Standing {
        days::standing((self.opens_on, self.acts_by), self.confirmed_on, self.cancelled, today)
    }

    fn days_late(&self, today: NaiveDate) -> Option<i64> {
        if self.cancelled { None } else { days::days_late(self.acts_by, self.confirmed_on.unwrap_or(today)) }
    }

    /// The receipt, once there is one.
    pub fn receipt(&self, register: &str) -> Option<ReceiptView> {
        let body = self.body.receipt.clone()?;
        let confirmed_on = self.confirmed_on?;
        let days_late = days::days_late(self.acts_by, confirmed_on);
        Some(ReceiptView {
            id: self.id,
            register: register.to_owned(),
            number: self.number?,
            confirmed_at: rfc3339(instant(self.confirmed_at?)),
            confirmed_on,
            due_on: self.due_on,
            acts_by: self.acts_by,
            moved_by: self.body.moved_by.clone(),
            in_time: days_late.is_none(),
            days_late,
            duty: self.duty.clone(),
            label: body.label,
            institution_id: self.institution_id,
            institution: body.institution,
            kind: self.body.kind.clone(),
            counts: body.counts,
            size: self.size?,
            snapshot_root: self.root.clone()?,
            statement: body.statement,
            clause: body.clause,
            responsible_clause: body.responsible_clause,
            confirmed_by: body.confirmed_by,
            exceptions: body.exceptions,
            reasons: body.reasons,
            definition: body.definition,
            audit_id: self.audit_id,
        })
    }
}

/// The duty of the definition called `name`.
pub(in crate::store) fn duty_named<'r>(register: &'r Register, name: &str) -> Result<&'r ConfirmationDuty, Error> {
    let found = register.definition.register.confirmations.iter().find(|d| d.name == name);
    Ok(found.ok_or(Refusal::NotFound { what: "duty to confirm in the definition in force" })?)
}

/// Last day of the statute, where `today` is after it.
pub(in crate::store) fn ended_on(register: &Register, today: NaiveDate) -> Option<NaiveDate> {
    register.definition.register.act.in_force_until.filter(|last| *last < today)
}

/// The value of a path, where it is a text.
pub(in crate::store) fn text_at<'v>(data: &'v Value, path: &str) -> Option<&'v str> {
    FieldPath::parse(path).ok()?.get(data)?.as_str()
}

/// A record to be confirmed, in its state on the day.
pub(in crate::store) struct Held {
    pub record_id: Uuid,
    pub record_type: String,
    pub version: i64,
    pub updated_at: i64,
    pub effective_on: NaiveDate,
    pub data: Value,
    pub salt: Vec<u8>,
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = Text)]
    record_type: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
    #[diesel(sql_type = Text)]
    effective_on: String,
    #[diesel(sql_type = Text)]
    data: String,
    #[diesel(sql_type = Nullable<Binary>)]
    salt: Option<Vec<u8>>,
}

/// An institution's records of a duty's types that are active on `day`, as known now, by type and id. One statement, so
/// that whatever is entered at the same time is in it wholly or not at all.
pub(in crate::store) fn held(
    conn: &mut AnyConn,
    register: &Register,
    duty: &ConfirmationDuty,
    institution: Uuid,
    day: NaiveDate,
) -> Result<Vec<Held>, Error> {
    let mut binds = vec![register.name().to_owned(), institution.to_string(), day.to_string()];
    let mut parts = Vec::new();
    for name in &duty.record_types {
        let Some(kind) = register.record_type(name) else { continue };
        binds.push(name.clone());
        let of = binds.len();
        binds.push(every(kind).to_owned());
        let field = binds.len();
        parts.push(format!(
            "SELECT i.record_id, i.record_type, r.version, r.updated_at, s.effective_on, s.data, p.salt \
             FROM record_index i \
             JOIN record_state s ON s.register = i.register AND s.record_id = i.record_id AND s.from_day = i.from_day \
             JOIN record r ON r.register = i.register AND r.id = i.record_id \
             JOIN entry e ON e.register = r.register AND e.record_id = r.id AND e.number = r.version \
             LEFT JOIN audit_payload p ON p.register = e.register AND p.event_id = e.audit_id \
             WHERE i.register = $1 AND i.record_type = ${of} AND i.field = ${field} AND i.institution_id = $2 \
             AND i.from_day <= $3 AND i.until_day > $3 AND i.begins_on <= $3 AND i.ends_on >= $3"
        ));
    }
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let (sql, binds) = renumber(&parts.join(" UNION ALL "), &binds);
    let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
    for bind in binds {
        query = query.bind::<Text, _>(bind);
    }
    let rows: Vec<HeldRow> = query.load(conn)?;
    let mut records = rows
        .into_iter()
        .map(|row| {
            Ok(Held {
                record_id: facts::id(&row.record_id)?,
                record_type: row.record_type,
                version: row.version,
                updated_at: row.updated_at,
                effective_on: facts::day(&row.effective_on)?,
                data: facts::json(&row.data)?,
                salt: row.salt.ok_or_else(|| Error::Damaged("an entry of a record in use has been erased".into()))?,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    records.sort_unstable_by(|a, b| (&a.record_type, a.record_id).cmp(&(&b.record_type, b.record_id)));
    Ok(records)
}

/// The leaves over records in their state on `day`, in their order.
pub(in crate::store) fn leaves(records: &[Held], day: NaiveDate) -> Result<Vec<Leaf>, Error> {
    records
        .iter()
        .map(|r| {
            let text = snapshot::leaf_text(r.record_id, &r.record_type, r.version, day, &r.data)
                .map_err(|_| Error::Damaged("a record's data have no canonical form".into()))?;
            Ok(Leaf {
                record_id: r.record_id,
                record_type: r.record_type.clone(),
                version: r.version,
                hash: snapshot::leaf_hash(&snapshot::salt_of(&r.salt, r.record_id), &text),
            })
        })
        .collect()
}

/// Something said on the way.
pub(in crate::store) struct Note {
    pub kind: String,
    pub subject: String,
    pub made_by: String,
    pub made_at: i64,
    pub body: Value,
}

impl Note {
    fn text(&self) -> String {
        let said = self.body.get("reason").or_else(|| self.body.get("note"));
        said.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub fn case_id(&self) -> Option<Uuid> {
        self.body.get("case_id").and_then(Value::as_str).and_then(|t| Uuid::parse_str(t).ok())
    }

    fn view(&self, names: &HashMap<String, String>) -> SaidView {
        SaidView {
            text: self.text(),
            case_id: self.case_id(),
            by: names.get(&self.made_by).cloned().unwrap_or_else(|| self.made_by.clone()),
            at: rfc3339(instant(self.made_at)),
        }
    }
}

/// Everything that a checklist rests on.
pub(in crate::store) struct Assembled {
    pub held: Vec<Held>,
    pub leaves: Vec<Leaf>,
    pub root: Hash,
    pub findings: Vec<Finding>,
    /// The last note of each kind about each subject.
    pub notes: HashMap<(String, String), Note>,
    pub inquiries: Vec<CaseFile>,
}

impl Assembled {
    /// Keys of findings with a reason.
    pub fn reasons(&self) -> HashSet<String> {
        self.notes.keys().filter(|(kind, _)| kind == "reason").map(|(_, key)| key.clone()).collect()
    }

    /// Keys of findings with an exception under an inquiry that is still open.
    pub fn exceptions(&self) -> HashSet<String> {
        let open: HashSet<Uuid> = self.inquiries.iter().map(|c| c.id).collect();
        let under = |note: &Note| note.case_id().is_some_and(|id| open.contains(&id));
        self.notes
            .iter()
            .filter(|((kind, _), note)| kind == "exception" && under(note))
            .map(|((_, key), _)| key.clone())
            .collect()
    }

    /// The root over the leaves of one type.
    pub fn part_root(&self, record_type: &str) -> String {
        let part: Vec<Leaf> = self.leaves.iter().filter(|l| l.record_type == record_type).cloned().collect();
        hex(&snapshot::root(&part))
    }

    /// Records by type, types without any included.
    pub fn counts(&self, duty: &ConfirmationDuty) -> BTreeMap<String, u64> {
        let mut counts: BTreeMap<String, u64> = duty.record_types.iter().map(|t| (t.clone(), 0)).collect();
        for record in &self.held {
            *counts.entry(record.record_type.clone()).or_default() += 1;
        }
        counts
    }
}

/// What of the duties an actor may see.
struct Reach {
    /// The only institutions; `None`: all.
    only: Option<Vec<String>>,
    ruling: Ruling,
}

/// What `actor` may see, acting in one role; otherwise the ruling that refuses.
fn reach(register: &Register, actor: &Actor, purpose_given: bool) -> Result<Reach, Ruling> {
    let ask = |one: &Actor, at: Option<Uuid>| {
        one.register(&register.policies, &register.definition, Action::ConfirmationRead, Some(at), purpose_given)
    };
    let bare = Actor { grants: Vec::new(), ..actor.clone() };
    let general = ask(&bare, None);
    if general.decision.permitted {
        return Ok(Reach { only: None, ruling: general });
    }
    let mut only = Vec::new();
    let mut leading: Option<Ruling> = None;
    for grant in &actor.grants {
        let one = Actor { grants: vec![grant.clone()], standing_roles: Vec::new(), ..actor.clone() };
        let ruling = ask(&one, grant.institution_id);
        if !ruling.decision.permitted {
            continue;
        }
        match grant.institution_id {
            None => return Ok(Reach { only: None, ruling }),
            Some(institution) if leading.as_ref().is_none_or(|l| l.role == ruling.role) => {
                only.push(institution.to_string());
                leading.get_or_insert(ruling);
            }
            Some(_) => {}
        }
    }
    match leading {
        Some(ruling) => Ok(Reach { only: Some(only), ruling }),
        None => Err(ask(actor, None)),
    }
}

/// The duties that a query asks for, within reach.
macro_rules! duties {
    ($register:expr, $reach:expr) => {{
        let mut query = confirmation::table.filter(confirmation::register.eq($register.to_owned())).into_boxed();
        if let Some(only) = $reach {
            query = query.filter(confirmation::institution_id.eq_any(only));
        }
        query
    }};
}

impl<'tx> Tx<'tx> {
    /// Leave to do `A` with the duty `id`: whoever may not see it does not learn of it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Forbidden`] when it may be seen but this may not be done: confirming is
    /// refused with the clause that makes the head answer for the data; [`Refusal::PurposeRequired`].
    pub fn authorize_confirmation<A: Act>(&mut self, register: &str, id: Uuid) -> Result<Permit<'tx, A>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        let duty = self.duty(&register, id, A::ACTION != Action::ConfirmationRead)?;
        let purpose = self.purpose(&register, false)?;
        let at = Some(Some(duty.institution_id));
        let ask = |action| actor.register(&register.policies, &register.definition, action, at, purpose);
        let (read, ruling) = (ask(Action::ConfirmationRead), ask(A::ACTION));
        if !read.decision.permitted {
            let mut event = self.event(&register, A::ACTION, &actor, &read);
            event.institution_id = Some(duty.institution_id);
            event.detail = Some(json!({ "confirmation_id": id }));
            return Err(self.refuse(event, Refusal::NotFound { what: "duty to confirm" }));
        }
        // Only a person answers for data, under a grant that rests on something.
        let confirms = A::ACTION == Action::ConfirmationConfirm;
        let person = ruling.grant_id.is_some() && actor.user_id.is_some();
        if !ruling.decision.permitted || (confirms && !person) {
            let closed = ruling.decision.policy.as_deref() == Some(CLOSED);
            let clause = match confirms && !closed {
                true => duty_named(&register, &duty.duty)?.responsible_clause.clone(),
                false => ruling.decision.clause.clone(),
            };
            let mut event = self.event(&register, A::ACTION, &actor, &ruling);
            event.institution_id = Some(duty.institution_id);
            event.clause = Some(clause.0.clone());
            event.detail = Some(json!({ "confirmation_id": id }));
            let detail = match confirms && !closed {
                true => {
                    "only the head of the institution, or whoever stands in for them by a document, confirms".into()
                }
                false => ruling.refusal(format!("your role does not permit {}", A::ACTION.as_str())),
            };
            return Err(self.refuse(event, Refusal::Forbidden { clause, detail }));
        }
        let today = self.today(&register);
        let facts = facts::load(self.conn, register.name(), duty.institution_id, today)?;
        let facts = facts.ok_or(Refusal::NotFound { what: "institution" })?;
        Ok(self.permit(register.clone(), ruling, nothing(), nothing(), Some(facts)))
    }

    /// The duty `id`, where `locked` nobody else changes it until this act is over.
    pub(in crate::store) fn duty(&mut self, register: &Register, id: Uuid, locked: bool) -> Result<Duty, Error> {
        let query = confirmation::table.find((register.name(), id.to_string()));
        let row: Option<Row> = match &mut *self.conn {
            AnyConn::Pg(pg) if locked => query.for_update().first(pg).optional()?,
            conn => query.first(conn).optional()?,
        };
        Duty::of(row.ok_or(Refusal::NotFound { what: "duty to confirm" })?)
    }

    fn board_reach(&mut self, register: &Register) -> Result<(std::sync::Arc<Actor>, Reach), Error> {
        let actor = self.actor(register)?;
        match reach(register, &actor, self.cx.purpose.is_some()) {
            Ok(reach) => Ok((actor, reach)),
            Err(ruling) => {
                let event = self.event(register, Action::ConfirmationRead, &actor, &ruling);
                let detail = "your role does not permit seeing duties to confirm".to_owned();
                Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }))
            }
        }
    }

    /// Duties that the caller may see, by day and institution.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause; [`Refusal::Invalid`] for a cursor that is not ours.
    pub fn board(&mut self, register: &str, query: &BoardQuery) -> Result<Sealed<'tx, BoardPage>, Error> {
        let register = self.register(register)?;
        let (actor, reach) = self.board_reach(&register)?;
        let page = self.board_page(&register, reach.only, query)?;
        let mut event = self.event(&register, Action::ConfirmationRead, &actor, &reach.ruling);
        "confirmation.list".clone_into(&mut event.action);
        event.institution_id = query.institution_id;
        event.detail = Some(json!({ "due_on": query.due_on, "status": query.status, "duties": page.items.len() }));
        Ok(Sealed::new(page, Some(event)))
    }

    fn board_page(
        &mut self,
        register: &Register,
        only: Option<Vec<String>>,
        query: &BoardQuery,
    ) -> Result<BoardPage, Error> {
        let today = self.today(register);
        let day = today.to_string();
        let mut rows = duties!(register.name(), only);
        if let Some(due_on) = query.due_on {
            rows = rows.filter(confirmation::due_on.eq(due_on.to_string()));
        }
        if let Some(institution) = query.institution_id {
            rows = rows.filter(confirmation::institution_id.eq(institution.to_string()));
        }
        let in_time = confirmation::confirmed_on.le(confirmation::acts_by.nullable());
        let late = confirmation::confirmed_on.gt(confirmation::acts_by.nullable());
        rows = match query.status {
            Some("cancelled") => rows.filter(confirmation::cancelled_at.is_not_null()),
            _ => rows.filter(confirmation::cancelled_at.is_null()),
        };
        rows = match query.status {
            Some("confirmed") => rows.filter(in_time),
            Some("confirmed_late") => rows.filter(late),
            Some("overdue") => {
                rows.filter(confirmation::confirmed_on.is_null()).filter(confirmation::acts_by.lt(day.clone()))
            }
            Some("open") => rows
                .filter(confirmation::confirmed_on.is_null())
                .filter(confirmation::opens_on.le(day.clone()))
                .filter(confirmation::acts_by.ge(day.clone())),
            Some("upcoming") => {
                rows.filter(confirmation::confirmed_on.is_null()).filter(confirmation::opens_on.gt(day.clone()))
            }
            _ => rows,
        };
        if let Some(wanted) = query.late {
            let overdue = confirmation::confirmed_on.is_null().and(confirmation::acts_by.lt(day.clone()));
            let confirmed = confirmation::confirmed_on
                .is_not_null()
                .and(confirmation::confirmed_on.gt(confirmation::acts_by.nullable()));
            rows = match wanted {
                true => rows.filter(overdue.or(confirmed)),
                false => rows.filter(
                    confirmation::confirmed_on
                        .le(confirmation::acts_by.nullable())
                        .or(confirmation::confirmed_on.is_null().and(confirmation::acts_by.ge(day))),
                ),
            };
        }
        if let Some(cursor) = &query.cursor {
            let (due_on, institution, id) = read_cursor(cursor)?;
            rows = rows.filter(confirmation::due_on.ge(due_on.clone())).filter(
                confirmation::due_on
                    .gt(due_on)
                    .or(confirmation::institution_id.gt(institution.clone()))
                    .or(confirmation::institution_id.eq(institution).and(confirmation::id.gt(id))),
            );
        }
        let found: Vec<Row> = rows
            .order((confirmation::due_on, confirmation::institution_id, confirmation::id))
            .limit(query.limit + 1)
            .select(confirmation::all_columns)
            .load(self.conn)?;
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let more = found.len() > limit;
        let found = found.into_iter().take(limit).map(Duty::of).collect::<Result<Vec<_>, _>>()?;
        let next_cursor =
            more.then(|| found.last().map(|d| format!("{}~{}~{}", d.due_on, d.institution_id, d.id))).flatten();
        let items = self.duty_views(register, &found, query.limit <= DRIFT || query.limit == MOST_DUTIES)?;
        Ok(BoardPage { items, next_cursor, statute_ended_on: ended_on(register, today) })
    }

    /// Every duty of an export or a calendar.
    fn board_whole(
        &mut self,
        register: &Register,
        only: Option<Vec<String>>,
        query: &BoardQuery,
    ) -> Result<BoardPage, Error> {
        self.board_page(register, only, &BoardQuery { limit: MOST_DUTIES, cursor: None, ..query.clone() })
    }

    /// All that the board has for a query, for a file; at most 10,000.
    ///
    /// # Errors
    /// As [`Tx::board`].
    pub fn board_export(&mut self, register: &str, query: &BoardQuery) -> Result<Sealed<'tx, BoardPage>, Error> {
        let register = self.register(register)?;
        let (actor, reach) = self.board_reach(&register)?;
        let page = self.board_whole(&register, reach.only, query)?;
        let mut event = self.event(&register, Action::ConfirmationRead, &actor, &reach.ruling);
        "confirmation.export".clone_into(&mut event.action);
        event.institution_id = query.institution_id;
        event.detail = Some(json!({ "due_on": query.due_on, "status": query.status, "duties": page.items.len() }));
        Ok(Sealed::new(page, Some(event)))
    }

    /// How many duties stand where, by day; without a day those of the last and the next year.
    ///
    /// # Errors
    /// As [`Tx::board`].
    pub fn board_summary(
        &mut self,
        register: &str,
        due_on: Option<NaiveDate>,
    ) -> Result<Sealed<'tx, SummaryView>, Error> {
        type Row = (String, String, String, Option<i64>, Option<String>);
        let register = self.register(register)?;
        let today = self.today(&register);
        let (actor, reach) = self.board_reach(&register)?;
        let year = chrono::Days::new(366);
        let from = due_on.or_else(|| today.checked_sub_days(year)).unwrap_or(today);
        let to = due_on.or_else(|| today.checked_add_days(year)).unwrap_or(today);
        let rows: Vec<Row> = duties!(register.name(), reach.only)
            .filter(confirmation::due_on.between(from.to_string(), to.to_string()))
            .select((
                confirmation::due_on,
                confirmation::acts_by,
                confirmation::opens_on,
                confirmation::cancelled_at,
                confirmation::confirmed_on,
            ))
            .load(self.conn)?;
        let mut days: BTreeMap<NaiveDate, DayTotals> = BTreeMap::new();
        for (due_on, acts_by, opens_on, cancelled, confirmed_on) in rows {
            let (due_on, acts_by) = (facts::day(&due_on)?, facts::day(&acts_by)?);
            let confirmed_on = confirmed_on.as_deref().map(facts::day).transpose()?;
            let standing = days::standing((facts::day(&opens_on)?, acts_by), confirmed_on, cancelled.is_some(), today);
            let totals = days.entry(due_on).or_insert_with(|| DayTotals {
                due_on,
                acts_by,
                total: 0,
                by_status: STANDINGS.iter().map(|s| (*s, 0)).collect(),
            });
            *totals.by_status.entry(standing.as_str()).or_default() += 1;
            totals.total += u64::from(standing != Standing::Cancelled);
        }
        let mut event = self.event(&register, Action::ConfirmationRead, &actor, &reach.ruling);
        "confirmation.summary".clone_into(&mut event.action);
        event.detail = Some(json!({ "due_on": due_on }));
        let view = SummaryView {
            register: register.name().to_owned(),
            items: days.into_values().collect(),
            statute_ended_on: ended_on(&register, today),
        };
        Ok(Sealed::new(view, Some(event)))
    }

    /// Duties as they are shown, with one query for each kind of fact about all of them.
    fn duty_views(&mut self, register: &Register, duties: &[Duty], with_drift: bool) -> Result<Vec<DutyView>, Error> {
        let today = self.today(register);
        let institutions = duties.iter().map(|d| d.institution_id.to_string()).collect();
        let names = self.institution_names(register, institutions, today)?;
        let mut checked: HashMap<String, BTreeSet<String>> = HashMap::new();
        let mut changed: HashMap<String, i64> = HashMap::new();
        let ids: Vec<String> = duties.iter().map(|d| d.id.to_string()).collect();
        for part in ids.chunks(PART) {
            let notes: Vec<(String, String)> = confirmation_note::table
                .filter(confirmation_note::register.eq(register.name()))
                .filter(confirmation_note::confirmation_id.eq_any(part))
                .filter(confirmation_note::kind.eq("check"))
                .select((confirmation_note::confirmation_id, confirmation_note::subject))
                .distinct()
                .load(self.conn)?;
            for (id, subject) in notes {
                checked.entry(id).or_default().insert(subject);
            }
        }
        let confirmed: Vec<String> =
            duties.iter().filter(|d| with_drift && d.confirmed_at.is_some()).map(|d| d.id.to_string()).collect();
        for part in confirmed.chunks(PART) {
            let rows: Vec<(String, i64)> = confirmed_record::table
                .inner_join(record::table.on(
                    record::register.eq(confirmed_record::register).and(record::id.eq(confirmed_record::record_id)),
                ))
                .filter(confirmed_record::register.eq(register.name()))
                .filter(confirmed_record::confirmation_id.eq_any(part))
                .filter(record::version.ne(confirmed_record::version))
                .group_by(confirmed_record::confirmation_id)
                .select((confirmed_record::confirmation_id, diesel::dsl::count_star()))
                .load(self.conn)?;
            changed.extend(rows);
        }
        duties
            .iter()
            .map(|d| {
                let duty = duty_named(register, &d.duty)?;
                let key = d.id.to_string();
                let parts = checked.get(&key);
                Ok(DutyView {
                    id: d.id,
                    register: register.name().to_owned(),
                    duty: d.duty.clone(),
                    label: duty.label.clone(),
                    clause: duty.clause.clone(),
                    institution_id: d.institution_id,
                    institution: names.get(&d.institution_id.to_string()).cloned().unwrap_or_default(),
                    kind: d.body.kind.clone(),
                    due_on: d.due_on,
                    acts_by: d.acts_by,
                    moved_by: d.body.moved_by.clone(),
                    opens_on: d.opens_on,
                    status: d.standing(today).as_str(),
                    days_late: d.days_late(today),
                    parts: duty.record_types.len(),
                    parts_checked: duty.record_types.iter().filter(|t| parts.is_some_and(|p| p.contains(*t))).count(),
                    confirmed_at: d.confirmed_at.map(|at| rfc3339(instant(at))),
                    number: d.number,
                    counts: d.body.receipt.as_ref().map(|r| r.counts.clone()),
                    changed_since: d
                        .confirmed_at
                        .filter(|_| with_drift)
                        .map(|_| changed.get(&key).copied().unwrap_or(0)),
                    cancelled: d.body.cancelled.clone(),
                })
            })
            .collect()
    }

    /// What institutions are called on `day`, by id.
    pub(in crate::store) fn institution_names(
        &mut self,
        register: &Register,
        ids: BTreeSet<String>,
        day: NaiveDate,
    ) -> Result<HashMap<String, String>, Error> {
        let kind = register.record_type(&register.definition.register.institutions.record_type);
        let title: Vec<FieldPath> =
            kind.iter().flat_map(|k| &k.title).filter_map(|path| FieldPath::parse(path).ok()).collect();
        let name =
            |data: &Value| title.iter().filter_map(|path| path.get(data)?.as_str()).collect::<Vec<_>>().join(" ");
        Ok(self.institutions_on(register, ids, day)?.into_iter().map(|(id, data)| (id, name(&data))).collect())
    }

    /// The data of institutions on `day`, by id.
    pub(in crate::store) fn institutions_on(
        &mut self,
        register: &Register,
        ids: BTreeSet<String>,
        day: NaiveDate,
    ) -> Result<HashMap<String, Value>, Error> {
        let day = day.to_string();
        let ids: Vec<String> = ids.into_iter().collect();
        let mut found = HashMap::new();
        for part in ids.chunks(PART) {
            let rows: Vec<(String, String)> = record_state::table
                .filter(record_state::register.eq(register.name()))
                .filter(record_state::record_id.eq_any(part))
                .filter(record_state::from_day.le(&day))
                .filter(record_state::until_day.gt(&day))
                .select((record_state::record_id, record_state::data))
                .load(self.conn)?;
            for (id, data) in rows {
                found.insert(id, facts::json(&data)?);
            }
        }
        Ok(found)
    }

    /// The institution's records with all that is wrong with them, and what was said of that.
    pub(in crate::store) fn assemble(
        &mut self,
        register: &Register,
        duty: &Duty,
        rule: &ConfirmationDuty,
    ) -> Result<Assembled, Error> {
        let held = held(self.conn, register, rule, duty.institution_id, duty.due_on)?;
        let leaves = leaves(&held, duty.due_on)?;
        let root = snapshot::root(&leaves);
        let mut findings = Vec::new();
        for name in &rule.record_types {
            let Some(kind) = register.record_type(name) else { continue };
            let records: Vec<&Held> = held.iter().filter(|r| r.record_type == *name).collect();
            findings.extend(self.find(register, kind, duty, &records)?);
        }
        type Row = (String, String, String, i64, String);
        let rows: Vec<Row> = confirmation_note::table
            .filter(confirmation_note::register.eq(register.name()))
            .filter(confirmation_note::confirmation_id.eq(duty.id.to_string()))
            .order(confirmation_note::id)
            .select((
                confirmation_note::kind,
                confirmation_note::subject,
                confirmation_note::made_by,
                confirmation_note::made_at,
                confirmation_note::body,
            ))
            .load(self.conn)?;
        let mut notes = HashMap::new();
        for (kind, subject, made_by, made_at, body) in rows {
            let body = facts::json(&body)?;
            notes.insert((kind.clone(), subject.clone()), Note { kind, subject, made_by, made_at, body });
        }
        let inquiries = match &rule.inquiry {
            Some(kind) => self.open_inquiries(register, kind, duty.institution_id)?,
            None => Vec::new(),
        };
        Ok(Assembled { held, leaves, root, findings, notes, inquiries })
    }

    fn open_inquiries(&mut self, register: &Register, kind: &str, institution: Uuid) -> Result<Vec<CaseFile>, Error> {
        let bodies: Vec<String> = case_file::table
            .filter(case_file::register.eq(register.name()))
            .filter(case_file::kind.eq(kind))
            .filter(case_file::institution_id.eq(institution.to_string()))
            .filter(case_file::closed_at.is_null())
            .order(case_file::id)
            .select(case_file::body)
            .load(self.conn)?;
        let cases = bodies
            .iter()
            .map(|b| serde_json::from_str(b).map_err(|_| Error::Damaged("a case cannot be read".into())))
            .collect::<Result<Vec<CaseFile>, Error>>()?;
        Ok(cases.into_iter().filter(|c| !c.state.is_over()).collect())
    }

    /// What is wrong with an institution's records of one type, each by itself and across records.
    fn find(
        &mut self,
        register: &Register,
        kind: &RecordType,
        duty: &Duty,
        records: &[&Held],
    ) -> Result<Vec<Finding>, Error> {
        let today = self.today(register);
        let violations: Vec<Vec<Violation>> = records
            .iter()
            .map(|r| {
                let check = Validation {
                    definition: &register.definition,
                    record_type: kind,
                    compiled: &register.compiled,
                    effective_on: r.effective_on,
                    today,
                };
                check.state(&r.data)
            })
            .collect();
        let code = kind.subject.as_ref().map(|s| s.field());
        let subjects: Vec<Subject<'_>> = records
            .iter()
            .zip(&violations)
            .map(|(r, violations)| Subject {
                record_id: r.record_id,
                data: &r.data,
                violations,
                code: code.and_then(|c| r.data.get(c)?.as_str()),
            })
            .collect();
        let across = self.across(register, kind, duty, &subjects)?;
        let country = &register.definition.register.country;
        Ok(checks::findings(kind, country, &subjects, &across, duty.due_on))
    }

    /// What other institutions hold about the same people, as far as the type's checks ask for it.
    fn across(
        &mut self,
        register: &Register,
        kind: &RecordType,
        duty: &Duty,
        subjects: &[Subject<'_>],
    ) -> Result<Across, Error> {
        let (elsewhere, sums) = checks::what_is_needed(kind);
        let mut across = Across::default();
        let Some(field) = kind.subject.as_ref().map(|s| s.field()) else {
            return Ok(across);
        };
        if !elsewhere && sums.is_empty() {
            return Ok(across);
        }
        let sums: Vec<(&str, FieldPath)> =
            sums.into_iter().filter_map(|(check, path)| Some((check, FieldPath::parse(path).ok()?))).collect();
        let codes: BTreeSet<&str> = subjects.iter().filter_map(|s| s.code).collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        let (day, own) = (duty.due_on.to_string(), duty.institution_id.to_string());
        for part in codes.chunks(PART) {
            let rows: Vec<(String, String, String)> = record_index::table
                .inner_join(
                    record_state::table.on(record_state::register
                        .eq(record_index::register)
                        .and(record_state::record_id.eq(record_index::record_id))
                        .and(record_state::from_day.eq(record_index::from_day))),
                )
                .filter(record_index::register.eq(register.name()))
                .filter(record_index::record_type.eq(&kind.name))
                .filter(record_index::field.eq(field))
                .filter(record_index::value.eq_any(part))
                .filter(record_index::from_day.le(&day))
                .filter(record_index::until_day.gt(&day))
                .filter(record_index::begins_on.le(&day))
                .filter(record_index::ends_on.ge(&day))
                .select((record_index::value, record_index::institution_id, record_state::data))
                .load(self.conn)?;
            for (code, institution, data) in rows {
                if elsewhere && institution != own {
                    across.elsewhere.entry(code.clone()).or_default().push(facts::id(&institution)?);
                }
                if sums.is_empty() {
                    continue;
                }
                let data = facts::json(&data)?;
                for (check, path) in &sums {
                    let values = path.values(&data).into_iter();
                    let amount: Decimal = values.filter_map(|v| v.as_str()?.parse::<Decimal>().ok()).sum();
                    *across.sums.entry(((*check).to_owned(), code.clone())).or_default() += amount;
                }
            }
        }
        Ok(across)
    }

    /// The checklist of a duty, which says too what the records `name` are called. It is a read of every record that
    /// it looks at.
    ///
    /// # Errors
    /// Those of the database.
    pub fn checklist(
        &mut self,
        permit: Permit<'tx, ConfirmationRead>,
        id: Uuid,
        name: &[Uuid],
    ) -> Result<Sealed<'tx, ChecklistView>, Error> {
        let register = permit.register.clone();
        let today = self.today(&register);
        let duty = self.duty_of(&permit, id)?;
        let rule = duty_named(&register, &duty.duty)?;
        let state = self.assemble(&register, &duty, rule)?;
        let view = self.duty_views(&register, std::slice::from_ref(&duty), true)?.pop();
        let view = view.ok_or(Refusal::NotFound { what: "duty to confirm" })?;
        let writers = state.notes.values().map(|n| n.made_by.clone()).collect();
        let names = self.usernames(writers)?;
        let (reasons, exceptions) = (state.reasons(), state.exceptions());
        let blocking: HashSet<&str> =
            checks::blockers(&state.findings, &reasons, &exceptions).into_iter().map(|f| f.key.as_str()).collect();
        let said = |kind: &str, key: &str| state.notes.get(&(kind.to_owned(), key.to_owned())).map(|n| n.view(&names));
        let entire = |_: &RecordType, seen: &SectionRights| seen.any() && seen.refused.is_empty();
        let whole = self.seen_where(&register, rule, duty.institution_id, entire)?;
        let named = self.seen_where(&register, rule, duty.institution_id, titled)?;
        let held: HashMap<Uuid, &Held> = state.held.iter().map(|r| (r.record_id, r)).collect();
        let title = |id: Uuid| {
            let record = held.get(&id).filter(|r| named.contains(r.record_type.as_str()))?;
            register.record_type(&record.record_type)?.title_of(&record.data)
        };
        let mut findings: Vec<FindingView> = state
            .findings
            .iter()
            .map(|f| FindingView {
                key: f.key.clone(),
                check: f.check.clone(),
                code: f.code,
                severity: f.severity,
                clause: f.clause.clone(),
                record_id: f.record_id,
                record_type: f.record_type.clone(),
                title: f.record_id.and_then(title),
                pointer: f.pointer.clone(),
                detail: f.detail.clone(),
                group: if whole.contains(f.record_type.as_str()) { f.group.clone() } else { Vec::new() },
                reason: said("reason", &f.key),
                exception: said("exception", &f.key).filter(|_| exceptions.contains(&f.key)),
                blocks: blocking.contains(f.key.as_str()),
            })
            .collect();
        findings.sort_by_key(|f| !f.blocks);
        let of = |record_type: &str, severity: CheckSeverity| {
            state.findings.iter().filter(|f| f.record_type == record_type && f.severity == severity).count() as u64
        };
        let counts = state.counts(rule);
        let checklist = rule
            .record_types
            .iter()
            .filter_map(|name| {
                let note = state.notes.get(&("check".to_owned(), name.clone()));
                Some(PartView {
                    record_type: name.clone(),
                    label: register.record_type(name)?.label.clone(),
                    records: counts.get(name).copied().unwrap_or(0),
                    errors: of(name, CheckSeverity::Error),
                    warnings: of(name, CheckSeverity::Warning),
                    checked: note.map(|n| n.view(&names)),
                    changed_since: note.is_some_and(|n| {
                        n.body.get("root").and_then(Value::as_str) != Some(state.part_root(name).as_str())
                    }),
                })
            })
            .collect();
        let earlier = self.earlier_confirmation(&register, &duty)?;
        let since_last = match earlier {
            Some(before) => {
                let differences = self.differences(&register, &before, &duty, &state.held, true)?;
                Some(EarlierView { id: before.id, number: before.number, due_on: before.due_on, differences })
            }
            None => None,
        };
        let drift = match duty.confirmed_at {
            Some(_) => Some(self.differences(&register, &duty, &duty, &state.held, true)?),
            None => None,
        };
        let total = |severity| state.findings.iter().filter(|f| f.severity == severity).count();
        let (errors, warnings) = (total(CheckSeverity::Error), total(CheckSeverity::Warning));
        let blockers = blocking.len();
        findings.truncate(MOST);
        let inquiries = state
            .inquiries
            .iter()
            .take(MOST)
            .map(|c| InquiryView {
                case_id: c.id,
                record_id: c.record_id,
                opened_at: c.opened_at.clone(),
                due_on: c.deadline.as_ref().map(|d| d.due),
            })
            .collect();
        let root = hex(&state.root);
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::ConfirmationRead, &actor, &permit.ruling);
        event.institution_id = Some(duty.institution_id);
        // The institution first: by it the read is found again when the root has become stale.
        event.record_ids = std::iter::once(duty.institution_id)
            .chain(state.held.iter().map(|r| r.record_id))
            .chain(since_last.iter().flat_map(|e| e.differences.items.iter().map(|d| d.record_id)))
            .chain(drift.iter().flat_map(|d| d.items.iter().map(|d| d.record_id)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        event.detail = Some(json!({ "confirmation_id": id, "snapshot_root": root, "size": state.held.len() }));
        let view = ChecklistView {
            duty: view,
            since_last,
            snapshot_root: root,
            size: state.held.len(),
            checklist,
            errors,
            warnings,
            blockers,
            findings,
            inquiries,
            inquiry_kind: rule.inquiry.clone(),
            statement: rule.statement.clone(),
            responsible_clause: rule.responsible_clause.clone(),
            responsible: self.heads(&register, duty.institution_id)?,
            receipt: duty.receipt(register.name()),
            drift,
            statute_ended_on: ended_on(&register, today),
            named: name
                .iter()
                .filter_map(|id| held.get(id))
                .map(|r| NamedRecord {
                    record_id: r.record_id,
                    record_type: r.record_type.clone(),
                    title: title(r.record_id),
                })
                .collect(),
        };
        Ok(Sealed::new(view, Some(event)))
    }

    /// Record types of a duty of which the caller sees enough in an institution.
    fn seen_where<'r>(
        &mut self,
        register: &Register,
        rule: &'r ConfirmationDuty,
        institution: Uuid,
        enough: impl Fn(&RecordType, &SectionRights) -> bool,
    ) -> Result<HashSet<&'r str>, Error> {
        let actor = self.actor(register)?;
        let at = self.seen_at(institution);
        let seen = |name: &&str| {
            register.record_type(name).is_some_and(|kind| {
                let seen = actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at);
                enough(kind, &seen)
            })
        };
        Ok(rule.record_types.iter().map(String::as_str).filter(seen).collect())
    }

    fn seen_at(&self, institution: Uuid) -> Coordinates {
        Coordinates {
            institution_id: Some(institution),
            about_self: false,
            status: Status::Active,
            purpose_given: self.cx.purpose.is_some(),
        }
    }

    /// The duty of a permit.
    pub(in crate::store) fn duty_of<A: Act>(&mut self, permit: &Permit<'tx, A>, id: Uuid) -> Result<Duty, Error> {
        let duty = self.duty(&permit.register, id, false)?;
        let same = permit.facts.as_ref().is_some_and(|f| f.id == duty.institution_id);
        if same { Ok(duty) } else { Err(Refusal::NotFound { what: "duty to confirm" }.into()) }
    }

    /// Who may confirm in an institution, by today's grants.
    fn heads(&mut self, register: &Register, institution: Uuid) -> Result<Vec<HeadView>, Error> {
        let today = self.today(register);
        let day = today.to_string();
        let rows: Vec<(String, String)> = access_grant::table
            .inner_join(app_user::table.on(app_user::id.eq(access_grant::user_id)))
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(access_grant::register.eq(register.name()))
            .filter(access_grant::revoked_at.is_null())
            .filter(access_grant::from_day.le(&day))
            .filter(access_grant::until_day.ge(&day))
            .filter(access_grant::institution_id.is_null().or(access_grant::institution_id.eq(institution.to_string())))
            .order(access_grant::id)
            .limit(200)
            .select((app_user::display_name, access_grant::body))
            .load(self.conn)?;
        let mut heads = Vec::new();
        for (name, body) in rows {
            let grant: Grant =
                serde_json::from_str(&body).map_err(|_| Error::Damaged("a grant cannot be read".into()))?;
            let one = Actor {
                user_id: Some(grant.user_id),
                name: String::new(),
                personal_code: None,
                grants: vec![grant.clone()],
                standing_roles: Vec::new(),
                closed: None,
            };
            let may = one.register(
                &register.policies,
                &register.definition,
                Action::ConfirmationConfirm,
                Some(Some(institution)),
                true,
            );
            if may.decision.permitted && may.grant_id == Some(grant.id) {
                heads.push(HeadView { name, role: grant.role, basis: grant.basis });
            }
        }
        Ok(heads)
    }

    /// The institution's last confirmation before this one.
    fn earlier_confirmation(&mut self, register: &Register, duty: &Duty) -> Result<Option<Duty>, Error> {
        let row: Option<Row> = confirmation::table
            .filter(confirmation::register.eq(register.name()))
            .filter(confirmation::institution_id.eq(duty.institution_id.to_string()))
            .filter(confirmation::confirmed_at.lt(duty.confirmed_at.unwrap_or(i64::MAX)))
            .order(confirmation::confirmed_at.desc())
            .select(confirmation::all_columns)
            .first(self.conn)
            .optional()?;
        row.map(Duty::of).transpose()
    }

    /// What was confirmed: record, type and version, in the order of the leaves.
    fn confirmed_keys(&mut self, register: &Register, id: Uuid) -> Result<Vec<LeafKey>, Error> {
        let rows: Vec<(String, String, i64)> = confirmed_record::table
            .filter(confirmed_record::register.eq(register.name()))
            .filter(confirmed_record::confirmation_id.eq(id.to_string()))
            .order(confirmed_record::position)
            .select((confirmed_record::record_id, confirmed_record::record_type, confirmed_record::version))
            .load(self.conn)?;
        rows.into_iter()
            .map(|(record_id, record_type, version)| {
                Ok(LeafKey { record_id: facts::id(&record_id)?, record_type, version })
            })
            .collect()
    }

    /// How what an institution holds `now` for the day of `after` differs from what was confirmed in `before`.
    fn differences(
        &mut self,
        register: &Register,
        before: &Duty,
        after: &Duty,
        now: &[Held],
        with_values: bool,
    ) -> Result<DriftView, Error> {
        let then = self.confirmed_keys(register, before.id)?;
        let keys: Vec<LeafKey> = now
            .iter()
            .map(|r| LeafKey { record_id: r.record_id, record_type: r.record_type.clone(), version: r.version })
            .collect();
        let mut found = drift::drift(&then, &keys);
        // With the days, a state entered in advance has come into its own without a new entry.
        if before.due_on != after.due_on {
            let known: HashSet<Uuid> = found.changed.iter().chain(&found.added).copied().collect();
            let later = now.iter().filter(|r| r.effective_on > before.due_on && !known.contains(&r.record_id));
            found.changed.extend(later.map(|r| r.record_id));
        }
        let types: HashMap<Uuid, &str> =
            then.iter().chain(&keys).map(|k| (k.record_id, k.record_type.as_str())).collect();
        let versions: HashMap<Uuid, i64> = then.iter().map(|k| (k.record_id, k.version)).collect();
        let states: HashMap<Uuid, &Value> = now.iter().map(|r| (r.record_id, &r.data)).collect();
        let named: Vec<(Uuid, &'static str)> =
            [("changed", &found.changed), ("added", &found.added), ("gone", &found.gone)]
                .into_iter()
                .flat_map(|(what, ids)| ids.iter().map(move |id| (*id, what)))
                .take(MOST)
                .collect();
        let mut folded: HashMap<Uuid, Value> = HashMap::new();
        if with_values {
            let ids: Vec<Uuid> = named.iter().filter(|(_, what)| *what != "added").map(|(id, _)| *id).collect();
            for (id, entries) in facts::entries_of(self.conn, register.name(), &ids)? {
                let version = versions.get(&id).copied().unwrap_or(0);
                let known: Vec<_> = entries.into_iter().filter(|e| e.number <= version).collect();
                if let Some(segment) = Timeline::fold(&known, None).on(before.due_on) {
                    folded.insert(id, segment.data.clone());
                }
            }
        }
        let actor = self.actor(register)?;
        let at = self.seen_at(after.institution_id);
        let mut rights: HashMap<&str, SectionRights> = HashMap::new();
        let mut items = Vec::new();
        for (id, what) in named {
            let record_type = types.get(&id).copied().unwrap_or_default();
            let Some(kind) = register.record_type(record_type) else { continue };
            let seen = rights.entry(record_type).or_insert_with(|| {
                actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at)
            });
            let visible = |field: &str| {
                let section = kind.fields.iter().find(|f| f.name == field).and_then(|f| f.section.as_deref());
                section.is_some_and(|s| seen.permitted.contains_key(s))
            };
            let mut changes = drift::differences(kind, folded.get(&id), states.get(&id).copied());
            if what != "changed" {
                changes.clear();
            }
            for change in &mut changes {
                let name = change.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
                if !visible(name) {
                    (change.before, change.after) = (None, None);
                }
            }
            let data = states.get(&id).copied().or_else(|| folded.get(&id));
            let title = data.filter(|_| titled(kind, seen)).and_then(|data| kind.title_of(data));
            items.push(DifferenceView { record_id: id, record_type: record_type.to_owned(), title, what, changes });
        }
        let mut by_type: BTreeMap<String, DriftCounts> = BTreeMap::new();
        let mut count = |ids: &[Uuid], one: fn(&mut DriftCounts) -> &mut u64| {
            for record_type in ids.iter().filter_map(|id| types.get(id)) {
                *one(by_type.entry((*record_type).to_owned()).or_default()) += 1;
            }
        };
        count(&found.changed, |c| &mut c.changed);
        count(&found.added, |c| &mut c.added);
        count(&found.gone, |c| &mut c.gone);
        Ok(DriftView { changed: found.changed.len(), added: found.added.len(), gone: found.gone.len(), by_type, items })
    }

    /// The receipt of a confirmation.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where nothing has been confirmed.
    pub fn confirmation_receipt(
        &mut self,
        permit: Permit<'tx, ConfirmationRead>,
        id: Uuid,
    ) -> Result<Sealed<'tx, ReceiptView>, Error> {
        let register = permit.register.clone();
        let duty = self.duty_of(&permit, id)?;
        let view = duty.receipt(register.name()).ok_or(Refusal::NotFound { what: "receipt: it is not confirmed" })?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::ConfirmationRead, &actor, &permit.ruling);
        "confirmation.receipt".clone_into(&mut event.action);
        event.institution_id = Some(duty.institution_id);
        event.detail = Some(json!({ "confirmation_id": id }));
        Ok(Sealed::new(view, Some(event)))
    }

    /// The type of a record that was confirmed in `id`, and the day as of which.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn confirmed_as(&mut self, register: &str, id: Uuid, record_id: Uuid) -> Result<(String, NaiveDate), Error> {
        let register = self.register(register)?;
        self.actor(&register)?;
        let found: Option<(String, String)> = confirmed_record::table
            .inner_join(
                confirmation::table.on(confirmation::register
                    .eq(confirmed_record::register)
                    .and(confirmation::id.eq(confirmed_record::confirmation_id))),
            )
            .filter(confirmed_record::register.eq(register.name()))
            .filter(confirmed_record::confirmation_id.eq(id.to_string()))
            .filter(confirmed_record::record_id.eq(record_id.to_string()))
            .select((confirmed_record::record_type, confirmation::due_on))
            .first(self.conn)
            .optional()?;
        let (record_type, due_on) = found.ok_or(Refusal::NotFound { what: "record in this confirmation" })?;
        Ok((record_type, facts::day(&due_on)?))
    }

    /// That a record was confirmed, in which state: whoever may see all of it gets what proves it.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever may see a part of it only; [`Refusal::Conflict`] where what was confirmed has
    /// been erased since.
    pub fn confirmation_proof(
        &mut self,
        permit: Permit<'tx, RecordRead>,
        id: Uuid,
    ) -> Result<Sealed<'tx, ProofView>, Error> {
        let register = permit.register.clone();
        let record = permit.facts.as_ref().ok_or(Refusal::NotFound { what: "record" })?;
        let (record_id, record_type, institution) = (record.id, record.record_type.clone(), record.institution_id);
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RecordRead, &actor, &permit.ruling);
        "confirmation.prove".clone_into(&mut event.action);
        event.institution_id = Some(institution);
        event.record_type = Some(record_type.clone());
        event.record_ids = vec![record_id];
        event.sections = permit.view.permitted.keys().cloned().collect();
        event.detail = Some(json!({ "confirmation_id": id }));
        if let Some(ruling) = permit.view.refused.values().next() {
            let clause = ruling.decision.clause.clone();
            let detail = "a proof holds the whole record, and your rights cover a part of it".to_owned();
            return Err(self.refuse(event, Refusal::Forbidden { clause, detail }));
        }
        let duty = self.duty(&register, id, false)?;
        let rows: Vec<(String, String, i64, Vec<u8>)> = confirmed_record::table
            .filter(confirmed_record::register.eq(register.name()))
            .filter(confirmed_record::confirmation_id.eq(id.to_string()))
            .order(confirmed_record::position)
            .select((
                confirmed_record::record_id,
                confirmed_record::record_type,
                confirmed_record::version,
                confirmed_record::leaf,
            ))
            .load(self.conn)?;
        let leaves = rows
            .into_iter()
            .map(|(record_id, record_type, version, hash)| {
                let hash = Hash::try_from(hash.as_slice()).map_err(|_| Error::Damaged("a leaf's length".into()))?;
                Ok(Leaf { record_id: facts::id(&record_id)?, record_type, version, hash })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let absent = || Refusal::NotFound { what: "record in this confirmation" };
        let leaf = leaves.iter().find(|l| l.record_id == record_id).ok_or_else(absent)?;
        let entries = facts::entries(self.conn, register.name(), record_id)?;
        let known: Vec<_> = entries.into_iter().filter(|e| e.number <= leaf.version).collect();
        let salt: Option<Vec<u8>> = entry::table
            .inner_join(
                audit_payload::table
                    .on(audit_payload::register.eq(entry::register).and(audit_payload::event_id.eq(entry::audit_id))),
            )
            .filter(entry::register.eq(register.name()))
            .filter(entry::record_id.eq(record_id.to_string()))
            .filter(entry::number.eq(leaf.version))
            .select(audit_payload::salt)
            .first(self.conn)
            .optional()?;
        let timeline = Timeline::fold(&known, None);
        let erased = || Refusal::Conflict {
            code: "erased",
            detail: "what was confirmed of this record has been erased under the statute's retention rules".into(),
            clause: None,
        };
        let (salt, segment) = salt.zip(timeline.on(duty.due_on)).ok_or_else(erased)?;
        let text = snapshot::leaf_text(record_id, &record_type, leaf.version, duty.due_on, &segment.data)
            .map_err(|_| Error::Damaged("a record's data have no canonical form".into()))?;
        let salt = snapshot::salt_of(&salt, record_id);
        if snapshot::leaf_hash(&salt, &text) != leaf.hash {
            return Err(Error::Damaged("a confirmed record is not what was confirmed".into()));
        }
        let (index, path) = snapshot::inclusion(&leaves, record_id).ok_or_else(absent)?;
        use base64::Engine as _;
        let view = ProofView {
            confirmation_id: id,
            number: duty.number.unwrap_or_default(),
            record_id,
            leaf: text,
            salt: base64::engine::general_purpose::STANDARD.encode(salt),
            leaf_hash: hex(&leaf.hash),
            index,
            size: leaves.len() as u64,
            path: path.iter().map(|h| hex(h)).collect(),
            root: duty.root.unwrap_or_default(),
        };
        Ok(Sealed::new(view, Some(event)))
    }

    /// Duties for the caller's calendar: from two months ago on.
    ///
    /// # Errors
    /// As [`Tx::board`].
    pub fn calendar(&mut self, register: &str) -> Result<Sealed<'tx, Vec<DutyView>>, Error> {
        let register = self.register(register)?;
        let (actor, reach) = self.board_reach(&register)?;
        let items = self.calendar_duties(&register, reach.only)?;
        let mut event = self.event(&register, Action::ConfirmationRead, &actor, &reach.ruling);
        "confirmation.calendar".clone_into(&mut event.action);
        Ok(Sealed::new(items, Some(event)))
    }

    fn calendar_duties(&mut self, register: &Register, only: Option<Vec<String>>) -> Result<Vec<DutyView>, Error> {
        let since = self.today(register).checked_sub_days(chrono::Days::new(60)).unwrap_or_default();
        let rows: Vec<Row> = duties!(register.name(), only)
            .filter(confirmation::cancelled_at.is_null())
            .filter(confirmation::due_on.ge(since.to_string()))
            .order((confirmation::due_on, confirmation::institution_id, confirmation::id))
            .limit(MOST_DUTIES)
            .select(confirmation::all_columns)
            .load(self.conn)?;
        let found = rows.into_iter().map(Duty::of).collect::<Result<Vec<_>, _>>()?;
        self.duty_views(register, &found, false)
    }

    /// The caller's own secret addresses that are in force, the newest first. They tell of nobody, so that no entry
    /// stands before it.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub fn calendar_feeds(&mut self, register: &str) -> Result<Sealed<'tx, Vec<FeedLine>>, Error> {
        let register = self.register(register)?;
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let rows: Vec<(String, i64)> = calendar_feed::table
            .filter(calendar_feed::register.eq(register.name()))
            .filter(calendar_feed::user_id.eq(user.id.to_string()))
            .filter(calendar_feed::revoked_at.is_null())
            .order(calendar_feed::made_at.desc())
            .limit(MOST_FEEDS)
            .select((calendar_feed::digest, calendar_feed::made_at))
            .load(self.conn)?;
        let items = rows.into_iter().map(|(id, at)| FeedLine { id, made_at: rfc3339(instant(at)) }).collect();
        Ok(Sealed::new(items, None))
    }

    /// What a secret address shows: the days of the institutions of its user's grants in force now. They are no
    /// personal data, so that no entry stands before it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an address that is not in force, or whose user may see no duties any more.
    pub fn calendar_feed(&mut self, digest: &str) -> Result<Sealed<'tx, (String, Vec<DutyView>)>, Error> {
        let gone = || Refusal::NotFound { what: "calendar" };
        let names: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let found: Option<(String, String)> = calendar_feed::table
            .inner_join(app_user::table.on(app_user::id.eq(calendar_feed::user_id)))
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::blocked.eq(0))
            .filter(calendar_feed::register.eq_any(&names))
            .filter(calendar_feed::digest.eq(digest))
            .filter(calendar_feed::revoked_at.is_null())
            .select((calendar_feed::register, calendar_feed::user_id))
            .first(self.conn)
            .optional()?;
        let (name, user) = found.ok_or_else(gone)?;
        let register = self.register(&name)?;
        let user = facts::id(&user)?;
        let actor = Actor {
            user_id: Some(user),
            name: String::new(),
            personal_code: None,
            grants: self.acting_grants(&register, user)?,
            standing_roles: Vec::new(),
            closed: None,
        };
        let reach = reach(&register, &actor, false).map_err(|_| gone())?;
        let items = self.calendar_duties(&register, reach.only)?;
        Ok(Sealed::new((name, items), None))
    }
}

/// Whether `rights` cover all fields by which records of `kind` are called.
fn titled(kind: &RecordType, rights: &SectionRights) -> bool {
    kind.title.iter().all(|path| {
        let first = path.split(['/', '[']).next().unwrap_or_default();
        let section = kind.fields.iter().find(|f| f.name == first).and_then(|f| f.section.as_ref());
        section.is_some_and(|s| rights.permitted.contains_key(s))
    })
}

/// A cursor: where the last page ended.
fn read_cursor(text: &str) -> Result<(String, String, String), Error> {
    let wrong = || Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None);
    let mut parts = text.split('~').map(str::to_owned);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(institution), Some(id), None) => Ok((day, institution, id)),
        _ => Err(wrong().into()),
    }
}
