//! The shapes of answers, for the OpenAPI document. They mirror the store's views; a test holds them together.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A page of a list: items, and where the next page begins.
macro_rules! page {
    ($name:ident of $item:ty) => {
        /// A page of a list.
        #[derive(ToSchema)]
        pub struct $name {
            /// The items.
            pub items: Vec<$item>,
            /// Where the next page begins; `null` at the end.
            #[schema(required = true)]
            pub next_cursor: Option<String>,
        }
    };
}

/// How the copies of the database are.
#[derive(ToSchema)]
pub struct BackupHealth {
    /// Whether recipients are set, so that copies are made.
    pub configured: bool,
    /// When the newest whole copy was made.
    #[schema(required = true)]
    pub last_ok: Option<DateTime<Utc>>,
    /// When the newest copy that was verified was made.
    #[schema(required = true)]
    pub last_verified: Option<DateTime<Utc>>,
    /// Age of the newest copy that was verified.
    #[schema(required = true)]
    pub age_seconds: Option<i64>,
    /// When the next is due.
    #[schema(required = true)]
    pub next_at: Option<DateTime<Utc>>,
    /// How many there are.
    pub copies: usize,
    /// Files that are called copies and are none.
    pub damaged: usize,
    /// Whether the newest copy that was verified is a quarter older than any statute permits.
    pub overdue: bool,
}

/// What went wrong (RFC 9457).
#[derive(ToSchema)]
pub struct ProblemBody {
    /// `urn:andmekogu:problem:…`.
    #[schema(rename = "type")]
    pub r#type: String,
    /// In the client's language.
    pub title: String,
    /// Status.
    pub status: u16,
    /// For people.
    pub detail: String,
    /// Stable, for programs.
    pub code: String,
    /// Clause of the statute on which a refusal rests.
    pub clause: Option<String>,
    /// Faults of the data.
    #[schema(required = false)]
    pub errors: Vec<Fault>,
    /// Report of an import that was refused.
    #[schema(value_type = Option<ImportReport>)]
    pub report: Option<Value>,
    /// Id of the request.
    pub request_id: Option<String>,
}

/// A fault of the data.
#[derive(ToSchema)]
pub struct Fault {
    /// JSON Pointer.
    pub pointer: String,
    /// Stable, for programs.
    pub code: String,
    /// What is allowed.
    pub detail: String,
    /// Clause that is broken.
    pub clause: Option<String>,
}

/// The caller.
#[derive(ToSchema)]
pub struct Me {
    /// User id.
    pub id: Uuid,
    /// User name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// E-mail address for letters.
    #[schema(required = true)]
    pub email: Option<String>,
    /// Language of letters: `et`, `en`, `fi` or `sv`.
    #[schema(required = true)]
    pub language: Option<String>,
    /// Grants in force today.
    pub grants: Vec<MyGrant>,
    /// Records about the caller that they may open.
    pub records: Vec<MyRecord>,
}

/// A record about the caller.
#[derive(ToSchema)]
pub struct MyRecord {
    /// Register.
    pub register: String,
    /// Record type.
    pub r#type: String,
    /// Id.
    pub id: Uuid,
    /// `guardian`, where it is about a minor for whom the caller stands.
    pub r#as: Option<String>,
}

/// On what a grant rests.
#[derive(ToSchema)]
pub struct Basis {
    /// Kind.
    pub kind: String,
    /// Reference.
    pub reference: String,
}

/// A user's role in a register.
#[derive(ToSchema)]
pub struct Grant {
    /// Id.
    pub id: Uuid,
    /// Who holds it.
    pub user_id: Uuid,
    /// Role.
    pub role: String,
    /// The only institution it reaches; `null`: all of the register.
    #[schema(required = true)]
    pub institution_id: Option<Uuid>,
    /// The only sections it covers; `null`: all.
    #[schema(required = true)]
    pub sections: Option<Vec<String>>,
    /// First day.
    pub from: NaiveDate,
    /// Last day; `null`: open.
    #[schema(required = true)]
    pub until: Option<NaiveDate>,
    /// On what it rests.
    pub basis: Basis,
    /// Whether it was ended before its time.
    pub revoked: bool,
    /// Version, from 1.
    pub version: i64,
}

/// A grant of the caller's.
#[derive(ToSchema)]
pub struct MyGrant {
    /// Register.
    pub register: String,
    /// The grant.
    #[serde(flatten)]
    pub grant: Grant,
}

/// A grant in a list.
#[derive(ToSchema)]
pub struct GrantItem {
    /// The grant.
    #[serde(flatten)]
    pub grant: Grant,
    /// User name of its holder.
    pub username: String,
    /// Whether it may be acted on today.
    pub in_force: bool,
}
page!(GrantPage of GrantItem);

/// One act of the grant log.
#[derive(ToSchema)]
pub struct GrantLogItem {
    /// Id, also of its entry in the audit log.
    pub id: Uuid,
    /// `granted`, `changed` or `revoked`.
    pub act: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// The grant.
    pub grant_id: Uuid,
    /// Whose grant.
    pub user_id: Uuid,
    /// User name of the holder.
    pub username: String,
    /// Who did it.
    pub made_by: String,
    /// The grant before.
    #[schema(value_type = Option<Grant>)]
    pub before: Option<Value>,
    /// The grant after.
    #[schema(value_type = Option<Grant>)]
    pub after: Option<Value>,
    /// Ground of the ending.
    pub ground: Option<String>,
    /// Explanation of the ending.
    pub explanation: Option<String>,
}
page!(GrantLogPage of GrantLogItem);

/// Where a record stands on the day asked about.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum RecordStatus {
    /// Its first day is still to come.
    Pending,
    /// Between its first and its last day.
    Active,
    /// After its last day.
    Ended,
    /// There is no record yet.
    None,
}

/// A record.
#[derive(ToSchema)]
pub struct Record {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Record type.
    pub r#type: String,
    /// Institution that owns it.
    pub institution_id: Uuid,
    /// Where it stands on the day asked about.
    pub status: RecordStatus,
    /// Number of entries; also its `ETag`.
    pub version: i64,
    /// First day of the state shown.
    pub effective_on: NaiveDate,
    /// What the asker may see, by field of the definition.
    #[schema(value_type = Object)]
    pub data: Value,
    /// Sections that the asker may not see.
    pub redacted: Vec<String>,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
    /// When its last entry was made.
    pub updated_at: DateTime<Utc>,
    /// Where the values come from whose source may be elsewhere, by field; only where one record is opened.
    #[schema(required = false)]
    pub sources: BTreeMap<String, ValueSource>,
    /// What is unusual but permitted; only in answers to writes.
    #[schema(required = false)]
    pub warnings: Vec<Fault>,
}
page!(RecordPage of Record);

/// Where a value comes from.
#[derive(ToSchema)]
pub struct ValueSource {
    /// Source of the definition; `null` when it was entered here.
    #[schema(required = true)]
    pub source: Option<String>,
    /// The entry that says so.
    pub entry_id: Uuid,
    /// When that was made.
    pub recorded_at: DateTime<Utc>,
}

/// An entry of a record.
#[derive(ToSchema)]
pub struct Entry {
    /// Id.
    pub id: Uuid,
    /// Its number within the record.
    pub number: i64,
    /// `create`, `change`, `correction` or `end`.
    pub kind: String,
    /// First day on which it is true.
    pub effective_on: NaiveDate,
    /// What it asserts, as far as the asker may see it.
    #[schema(value_type = Object)]
    pub data: Value,
    /// Sections that it speaks about and the asker may not see.
    pub redacted: Vec<String>,
    /// When it was made.
    pub recorded_at: DateTime<Utc>,
    /// Who made it.
    pub made_by: String,
    /// Base documents it rests on.
    pub base_document_ids: Vec<Uuid>,
    /// Source of the definition from which its values come; `null` when they were entered here.
    #[schema(required = true)]
    pub source: Option<String>,
    /// Why, for corrections.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// The entry it replaces.
    #[schema(required = true)]
    pub supersedes: Option<Uuid>,
    /// The entry that replaced it.
    #[schema(required = true)]
    pub superseded_by: Option<Uuid>,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
    /// Digest of the definition under which it was made.
    pub definition: String,
}
page!(EntryPage of Entry);

/// A stored file.
#[derive(ToSchema)]
pub struct StoredFile {
    /// SHA-256, lower-case hexadecimal; also the value of a field of type `file`.
    pub sha256: String,
    /// Media type by content.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
}

/// A base document.
#[derive(ToSchema)]
pub struct Document {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Kind.
    pub kind: String,
    /// Number.
    pub number: Option<String>,
    /// Day it was made.
    pub date: Option<NaiveDate>,
    /// Who made it.
    pub issuer: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Where it lies.
    pub reference: Option<String>,
    /// What it proves.
    pub explanation: Option<String>,
    /// Last day on which it is valid.
    pub valid_until: Option<NaiveDate>,
    /// Institution it belongs to.
    pub institution_id: Option<Uuid>,
    /// Its file.
    pub file: Option<StoredFile>,
    /// The file's name as it came.
    pub file_name: Option<String>,
    /// When it was entered.
    pub added_at: DateTime<Utc>,
    /// Who entered it.
    pub added_by: String,
}

/// Who asks for data, or receives them.
#[derive(ToSchema)]
pub struct Party {
    /// Name.
    pub name: String,
    /// `person`, `company`, `authority` …
    pub kind: Option<String>,
    /// Registry code of a body.
    pub registry_code: Option<String>,
    /// Personal code of a person.
    pub personal_code: Option<String>,
    /// How to reach them.
    pub contact: String,
}

/// By when something must be done.
#[derive(ToSchema)]
pub struct Deadline {
    /// The day that the period gives.
    pub nominal: NaiveDate,
    /// The day by the end of which it must be done.
    pub due: NaiveDate,
    /// The day off that moved it.
    pub moved_by: Option<String>,
    /// The instant at which that day ends.
    pub at: DateTime<Utc>,
    /// Clause that sets the time.
    pub clause: String,
}

/// What was decided.
#[derive(ToSchema)]
pub struct CaseDecision {
    /// Outcome, of the definition.
    pub outcome: String,
    /// Clause that the decision cites.
    pub clause: String,
    /// Ground.
    #[schema(required = true)]
    pub ground: Option<String>,
    /// Why.
    pub explanation: String,
    /// What else is decided: fields granted, questions answered.
    #[schema(value_type = Object)]
    pub details: Value,
    /// What can be done against it.
    #[schema(required = true)]
    pub remedies: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// User id of who decided.
    pub by: String,
}

/// Where a case stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CaseState {
    /// To be dealt with.
    Open,
    /// Whoever asked is asked to say what they mean.
    Clarifying,
    /// With the one who must act.
    Forwarded,
    /// Decided, not yet closed.
    Decided,
    /// Done.
    Closed,
    /// Taken back.
    Withdrawn,
}

/// A request for data.
#[derive(ToSchema)]
pub struct DisclosureRequest {
    /// Id, also of the case.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Kind of case.
    pub kind: String,
    /// Where it stands.
    pub state: CaseState,
    /// Version, from 1; also its `ETag`.
    pub version: i64,
    /// Day on which it came in.
    pub received_on: NaiveDate,
    /// When it was entered.
    pub opened_at: DateTime<Utc>,
    /// By when it must be decided; `null` where the statute sets no time.
    #[schema(required = true)]
    pub deadline: Option<Deadline>,
    /// Who asks.
    #[schema(required = true)]
    pub requester: Option<Party>,
    /// What it is about.
    pub object: String,
    /// Record type.
    pub record_type: String,
    /// Wanted fields, by path.
    pub fields: Vec<String>,
    /// Exact values of indexed fields.
    #[schema(value_type = Object)]
    pub filter: Value,
    /// Day as of which; `null`: the day of the release.
    #[schema(required = true)]
    pub as_of: Option<NaiveDate>,
    /// What for.
    pub purpose: String,
    /// On what right.
    pub legal_basis: String,
    /// Class of recipients of the definition.
    #[schema(required = true)]
    pub recipient: Option<String>,
    /// What was decided.
    #[schema(required = true)]
    pub decision: Option<CaseDecision>,
    /// What was released on it, by id of the ledger, newest first.
    pub disclosures: Vec<Uuid>,
}
page!(DisclosureRequestPage of DisclosureRequest);

/// An entry of the ledger of what left.
#[derive(ToSchema)]
pub struct Disclosure {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// The request on which it was released; `null` for other releases.
    #[schema(required = true)]
    pub case_id: Option<Uuid>,
    /// When.
    pub released_at: DateTime<Utc>,
    /// How: `file`, `spoken`, `paper` …
    pub channel: String,
    /// Record type.
    #[schema(required = true)]
    pub record_type: Option<String>,
    /// To whom.
    #[schema(required = true)]
    pub recipient: Option<Party>,
    /// Class of recipients.
    #[schema(required = true)]
    pub recipient_class: Option<String>,
    /// Composition: fields, by path.
    pub fields: Vec<String>,
    /// Composition: sections.
    pub sections: Vec<String>,
    /// Number of records.
    pub records: u64,
    /// Ground.
    #[schema(required = true)]
    pub ground: Option<String>,
    /// Clause of the ground.
    #[schema(required = true)]
    pub clause: Option<String>,
    /// The act that gives the public task.
    #[schema(required = true)]
    pub act: Option<String>,
    /// On what the recipient relies.
    #[schema(required = true)]
    pub legal_basis: Option<String>,
    /// What for.
    #[schema(required = true)]
    pub purpose: Option<String>,
    /// Who decided.
    #[schema(required = true)]
    pub decided_by: Option<String>,
    /// Who released.
    #[schema(required = true)]
    pub released_by: Option<String>,
    /// Form of the file.
    #[schema(required = true)]
    pub format: Option<String>,
    /// Day as of which.
    #[schema(required = true)]
    pub as_of: Option<NaiveDate>,
    /// SHA-256 of exactly what left; `null` where nothing was written.
    #[schema(required = true)]
    pub digest: Option<String>,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
}
page!(DisclosurePage of Disclosure);

/// An exchange with another register.
#[derive(ToSchema)]
pub struct ExchangeRun {
    /// Id.
    pub id: Uuid,
    /// Profile of the definition.
    pub exchange: String,
    /// User id of who made it.
    pub made_by: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// SHA-256 of exactly what went out or came in.
    pub sha256: String,
    /// Its entry in the ledger of disclosures, when data went out.
    #[schema(required = true)]
    pub disclosure_id: Option<Uuid>,
    /// Which part, and how many records.
    #[schema(value_type = Object)]
    pub counts: Value,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
}
page!(ExchangeRunPage of ExchangeRun);
page!(SubjectPage of Uuid);

/// An entry of the ledger with the records whose data left.
#[derive(ToSchema)]
pub struct DisclosureInFull {
    /// The entry.
    #[serde(flatten)]
    pub entry: Disclosure,
    /// The records, a page of them.
    pub subjects: SubjectPage,
}

/// Whether brought bytes are among what left.
#[derive(ToSchema)]
pub struct DisclosureCheck {
    /// SHA-256 of what was brought.
    pub sha256: String,
    /// Whether exactly that has left.
    pub found: bool,
    /// The entries of the ledger that say so, newest first.
    pub disclosures: Vec<Disclosure>,
}

/// What of the caller's data left.
#[derive(ToSchema)]
pub struct MyDisclosure {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// When.
    pub released_at: DateTime<Utc>,
    /// How.
    pub channel: String,
    /// Name of the recipient.
    #[schema(required = true)]
    pub recipient: Option<String>,
    /// Registry code of the recipient, where it is a body.
    #[schema(required = true)]
    pub registry_code: Option<String>,
    /// Record type.
    #[schema(required = true)]
    pub record_type: Option<String>,
    /// Fields, by path.
    pub fields: Vec<String>,
    /// Sections.
    pub sections: Vec<String>,
    /// Ground.
    #[schema(required = true)]
    pub ground: Option<String>,
    /// Clause of the ground.
    #[schema(required = true)]
    pub clause: Option<String>,
    /// What for.
    #[schema(required = true)]
    pub purpose: Option<String>,
    /// Day as of which.
    #[schema(required = true)]
    pub as_of: Option<NaiveDate>,
}
page!(MyDisclosurePage of MyDisclosure);

/// An entry of the log. Beside these members it has those of its event, while that is kept.
#[derive(ToSchema)]
pub struct AuditItem {
    /// Its place in the tree; absent until it is integrated.
    pub seq: Option<i64>,
    /// Id.
    pub id: Uuid,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Coarse kind.
    pub kind: String,
    /// What.
    pub action: String,
    /// `permitted` or `denied`.
    pub decision: String,
}

/// A page of the log.
#[derive(ToSchema)]
pub struct AuditPage {
    /// The items.
    pub items: Vec<AuditItem>,
    /// Where the next page begins; `null` at the end.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// Entries looked through for a purpose or a role: a page looks at so many and may be empty although the next
    /// one is not.
    pub scanned: Option<usize>,
}

/// A proof (RFC 6962), its hashes in base64.
#[derive(ToSchema)]
pub struct Proof {
    /// Leaf or old size that it speaks of.
    pub from: u64,
    /// Size of the tree.
    pub size: u64,
    /// Leaf text, for an inclusion proof.
    pub leaf: Option<String>,
    /// Hash of the leaf, for an inclusion proof.
    pub leaf_hash: Option<String>,
    /// Hashes.
    pub proof: Vec<String>,
    /// Root of the tree of `size` leaves.
    pub root: String,
}

/// A register in a list.
#[derive(ToSchema)]
pub struct RegisterItem {
    /// Short name, its id everywhere.
    pub register: String,
    /// Name in the client's language.
    pub name: String,
    /// Official name.
    pub official_name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// Responsible controller.
    pub controller: String,
    /// First day in force.
    pub in_force_from: NaiveDate,
    /// Last day in force.
    #[schema(required = true)]
    pub in_force_until: Option<NaiveDate>,
    /// Publication mark of the act.
    pub publication: String,
    /// Record types.
    pub record_types: Vec<String>,
    /// Its end, where it is closed.
    #[schema(required = true)]
    pub closed: Option<RegisterEnd>,
}
page!(RegisterPage of RegisterItem);

/// The end of a register.
#[derive(ToSchema)]
pub struct RegisterEnd {
    /// First day on which nothing is entered any more.
    pub since: NaiveDate,
    /// `closing` until everything has gone, then `closed`.
    pub state: String,
    /// Clause.
    pub clause: String,
    /// Kind, number and day of the decision.
    pub document: Value,
    /// Acts of transfer and destruction: number, kind, day.
    pub acts: Vec<ActLine>,
}

/// An act, for everybody.
#[derive(ToSchema)]
pub struct ActLine {
    /// Number.
    pub number: i64,
    /// `transfer` or `destruction`.
    pub kind: String,
    /// The day on which it was drawn up.
    pub on: NaiveDate,
}

/// A case.
#[derive(ToSchema)]
pub struct Case {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Kind, of the definition.
    pub kind: String,
    /// Procedure that its kind follows.
    pub procedure: String,
    /// Where it stands.
    pub state: String,
    /// Institution concerned.
    #[schema(required = true)]
    pub institution_id: Option<Uuid>,
    /// Record type concerned.
    #[schema(required = true)]
    pub record_type: Option<String>,
    /// Record concerned.
    #[schema(required = true)]
    pub record_id: Option<Uuid>,
    /// Fields concerned, by path.
    pub fields: Vec<String>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// User id of who opened it, or the name of a job.
    pub opened_by: String,
    /// Day on which it came in: its clock starts there.
    pub received_on: NaiveDate,
    /// By when it must be done: `nominal`, `due`, `moved_by`, `at`, `clause`.
    #[schema(required = true)]
    pub deadline: Option<Value>,
    /// Whether its time has run out without an end.
    pub overdue: bool,
    /// In a line.
    pub subject: String,
    /// In full.
    pub text: String,
    /// Whose it is, when not the opener's own.
    #[schema(required = true)]
    pub from: Option<Value>,
    /// What else the procedure needs.
    pub details: Value,
    /// Files, by SHA-256.
    pub attachments: Vec<String>,
    /// When each kind of step was last made.
    pub made: Value,
    /// The decision: outcome, clause, ground, explanation, remedies, when and by whom.
    #[schema(required = true)]
    pub decision: Option<Value>,
    /// When it was closed.
    #[schema(required = true)]
    pub closed_at: Option<DateTime<Utc>>,
    /// Number of steps, the opening counted.
    pub version: i64,
}
page!(CasePage of Case);

/// A case with everything that was done.
#[derive(ToSchema)]
pub struct CaseInFull {
    /// The case.
    #[serde(flatten)]
    pub view: Case,
    /// Its steps, first to last.
    pub history: Vec<CaseStep>,
}

/// A step of a case.
#[derive(ToSchema)]
pub struct CaseStep {
    /// Number, from 1.
    pub number: i64,
    /// What.
    pub act: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Who.
    pub made_by: String,
    /// What was said and decided.
    pub body: Value,
    /// Its entry in the log.
    pub audit_id: Uuid,
}

/// How many rows a publication has, and how they differ from what was public when it was proposed.
#[derive(ToSchema)]
pub struct PublicationCounts {
    /// Rows.
    pub rows: u64,
    /// Of them new.
    pub added: u64,
    /// Of them changed.
    pub changed: u64,
    /// Rows that were public and will not be.
    pub gone: u64,
}

/// A publication.
#[derive(ToSchema)]
pub struct Publication {
    /// Id; that of its entry in the ledger of disclosures too.
    pub id: Uuid,
    /// Record type.
    pub record_type: String,
    /// `proposed`, `public`, `replaced` or `withdrawn`.
    pub state: String,
    /// The day as of which.
    pub as_of: NaiveDate,
    /// Clause.
    pub clause: String,
    /// Paths of the public fields.
    pub fields: Vec<String>,
    /// How many rows, and how they differ.
    pub counts: PublicationCounts,
    /// The publication with which it was compared.
    #[schema(required = true)]
    pub compared_with: Option<Uuid>,
    /// SHA-256 of the rows in canonical form (RFC 8785).
    pub digest: String,
    /// When it was proposed.
    pub proposed_at: DateTime<Utc>,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it.
    #[schema(required = true)]
    pub decided_by: Option<String>,
    /// From when it was public.
    #[schema(required = true)]
    pub public_from: Option<DateTime<Utc>>,
    /// Until when it was public.
    #[schema(required = true)]
    pub public_until: Option<DateTime<Utc>>,
    /// Who withdrew it.
    #[schema(required = true)]
    pub withdrawn_by: Option<String>,
    /// Why.
    #[schema(required = true)]
    pub withdrawn_for: Option<String>,
}
page!(PublicationPage of Publication);

/// A row of a publication.
#[derive(ToSchema)]
pub struct PublicationRow {
    /// Record.
    pub record_id: Uuid,
    /// `added`, `changed`, `same` or `gone`.
    pub difference: String,
    /// What is shown.
    #[schema(value_type = Option<Object>)]
    pub shown: Option<Value>,
    /// What was shown before, where that is something else.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
}

/// A publication with a page of its rows.
#[derive(ToSchema)]
pub struct PublicationDetail {
    /// The publication.
    #[serde(flatten)]
    pub publication: Publication,
    /// Rows.
    pub items: Vec<PublicationRow>,
    /// Where the next page begins; `null` at the end.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A public field.
#[derive(ToSchema)]
pub struct PublishedColumn {
    /// Path in a row.
    pub name: String,
    /// Label.
    pub label: String,
    /// Labels of codes.
    #[schema(required = false, value_type = Object)]
    pub codes: Value,
}

/// What is public of a record type.
#[derive(ToSchema)]
pub struct Published {
    /// Register.
    pub register: String,
    /// Record type.
    pub r#type: String,
    /// Clause that makes it public.
    pub clause: String,
    /// The day as of which.
    pub as_of: NaiveDate,
    /// Since when it is public.
    pub published_at: DateTime<Utc>,
    /// SHA-256 of all rows as they were approved, in canonical form (RFC 8785).
    pub digest: String,
    /// The columns.
    pub columns: Vec<PublishedColumn>,
    /// The rows: the public fields and no other.
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Value>,
    /// Where the next page begins; `null` at the end.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A statistical report of the definition.
#[derive(ToSchema)]
pub struct ReportItem {
    /// Name.
    pub name: String,
    /// Label.
    pub label: String,
    /// Clause.
    pub clause: String,
    /// Class of recipients that gets it.
    pub recipient: String,
    /// Record type that is counted.
    pub record_type: String,
    /// Paths by which it is grouped.
    pub group_by: Vec<String>,
    /// What is computed beside the count.
    pub measures: Vec<String>,
    /// Cells over fewer are hidden.
    pub threshold: u64,
    /// How often it is due.
    #[schema(required = true)]
    pub every: Option<String>,
    /// How often it has been delivered.
    pub deliveries: i64,
    /// When it was delivered last.
    #[schema(required = true)]
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// The day as of which it was delivered last.
    #[schema(required = true)]
    pub last_as_of: Option<NaiveDate>,
    /// The day by which it is due next.
    #[schema(required = true)]
    pub next_due: Option<NaiveDate>,
    /// Whether that day has passed.
    pub overdue: bool,
}
page!(ReportPage of ReportItem);

/// A dimension of a report.
#[derive(ToSchema)]
pub struct ReportDimension {
    /// Path of the field.
    pub name: String,
    /// Label.
    pub label: String,
    /// Labels of the codes; `""` stands for those without a value.
    #[schema(value_type = Object)]
    pub codes: Value,
}

/// A computed column of a report.
#[derive(ToSchema)]
pub struct ReportColumn {
    /// Name.
    pub name: String,
    /// Label.
    pub label: String,
    /// `sum` or `average`.
    pub take: String,
}

/// A cell of a report.
#[derive(ToSchema)]
pub struct ReportCell {
    /// The code in each dimension; `null` for the total over it.
    pub keys: Vec<Option<String>>,
    /// How many; `null` when suppressed.
    #[schema(required = true)]
    pub count: Option<u64>,
    /// The computed columns, as decimal text; `null` when suppressed or empty.
    pub values: Vec<Option<String>>,
    /// Whether it is withheld, since it or another would tell of too few.
    pub suppressed: bool,
}

/// A statistical report.
#[derive(ToSchema)]
pub struct Report {
    /// Register.
    pub register: String,
    /// Name.
    pub report: String,
    /// Label.
    pub label: String,
    /// Clause.
    pub clause: String,
    /// Who gets it.
    pub recipient: String,
    /// Record type that is counted; its active records, or the people whom they are about.
    pub record_type: String,
    /// The day as of which.
    pub as_of: NaiveDate,
    /// Cells over fewer are hidden.
    pub threshold: u64,
    /// By what it is broken down.
    pub dimensions: Vec<ReportDimension>,
    /// What is computed beside the count.
    pub measures: Vec<ReportColumn>,
    /// The cells, totals before codes.
    pub cells: Vec<ReportCell>,
}

/// A record that an access report speaks of.
#[derive(ToSchema)]
pub struct ReportRecord {
    /// Id.
    pub id: Uuid,
    /// Record type.
    pub r#type: String,
    /// Institution that owns it.
    pub institution_id: Uuid,
    /// Where it stood; `none` where it was not yet known.
    pub status: RecordStatus,
}

/// A right under which somebody could have seen a record.
#[derive(ToSchema)]
pub struct CouldItem {
    /// Which record.
    pub record_id: Uuid,
    /// Who; `null` for everybody with an account, and for the installation.
    #[schema(required = true)]
    pub user_id: Option<Uuid>,
    /// User name.
    #[schema(required = true)]
    pub username: Option<String>,
    /// Name for people.
    #[schema(required = true)]
    pub display_name: Option<String>,
    /// `grant`, `subject`, `guardian`, `everybody` or `installation`.
    pub r#as: String,
    /// Role.
    pub role: String,
    /// The grant, where it is one.
    #[schema(required = true)]
    pub grant_id: Option<Uuid>,
    /// The only institution that the grant reaches.
    #[schema(required = true)]
    pub institution_id: Option<Uuid>,
    /// Its first day.
    #[schema(required = true)]
    pub from: Option<NaiveDate>,
    /// Its last day.
    #[schema(required = true)]
    pub until: Option<NaiveDate>,
    /// On what it rested.
    #[schema(required = true)]
    pub basis: Option<Basis>,
    /// The sections that could be seen.
    pub sections: Vec<CouldSection>,
}

/// A section that could be seen, and by which clause and policy.
#[derive(ToSchema)]
pub struct CouldSection {
    /// Section.
    pub section: String,
    /// Clause.
    pub clause: String,
    /// Policy.
    #[schema(required = true)]
    pub policy: Option<String>,
}

/// An access, as the log tells of it.
#[derive(ToSchema)]
pub struct AccessItem {
    /// Id of its entry in the log.
    pub id: Uuid,
    /// Place of the entry in the tree; `null` until it is integrated.
    #[schema(required = true)]
    pub seq: Option<i64>,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Coarse kind.
    pub kind: String,
    /// What.
    pub action: String,
    /// Who: the user.
    #[schema(required = true)]
    pub user_id: Option<Uuid>,
    /// Who: by name. `null` once the entry's words are erased, as for everything below.
    #[schema(required = true)]
    pub actor: Option<String>,
    /// In which role.
    #[schema(required = true)]
    pub role: Option<String>,
    /// Under which grant.
    #[schema(required = true)]
    pub grant_id: Option<Uuid>,
    /// By which clause.
    #[schema(required = true)]
    pub clause: Option<String>,
    /// What for.
    #[schema(required = true)]
    pub purpose: Option<String>,
    /// Which sections.
    pub sections: Vec<String>,
}

/// A disclosure, as the ledger tells of it.
#[derive(ToSchema)]
pub struct ReceivedItem {
    /// Number in the ledger.
    pub id: Uuid,
    /// When.
    pub released_at: DateTime<Utc>,
    /// By what channel.
    pub channel: String,
    /// Registry or personal code of the recipient.
    #[schema(required = true)]
    pub recipient_code: Option<String>,
    /// The case in which it was decided.
    #[schema(required = true)]
    pub case_id: Option<Uuid>,
    /// Digest of exactly what left.
    pub digest: String,
    /// The rest of the entry: recipient, composition, basis, purpose.
    #[schema(value_type = Object)]
    pub ledger: Value,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
}

/// Who could see, who did, who received.
#[derive(ToSchema)]
pub struct AccessReport {
    /// Register.
    pub register: String,
    /// The instant that it speaks of.
    pub at: DateTime<Utc>,
    /// The day that it was then in the register.
    pub day: NaiveDate,
    /// Digest of the definition whose policies decided then.
    pub definition: String,
    /// The records, as they stood then.
    pub records: Vec<ReportRecord>,
    /// Who could have seen them: everybody, by every right that they had.
    pub could: Vec<CouldItem>,
    /// Who did, up to the instant, newest first.
    pub did: Vec<AccessItem>,
    /// How many accesses there are in all; counted up to 10,000.
    pub did_total: i64,
    /// `cursor` of the next page of `did`.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// Who received them, up to the instant, newest first.
    pub received: Vec<ReceivedItem>,
    /// How many disclosures there are in all; counted up to 10,000.
    pub received_total: i64,
    /// `received_cursor` of the next page of `received`.
    #[schema(required = true)]
    pub next_received_cursor: Option<String>,
}

/// One end of a move.
#[derive(ToSchema)]
pub struct MoveSide {
    /// Record type.
    pub r#type: String,
    /// The record; `null` while there is none, and where the asker has no right to it.
    #[schema(required = true)]
    pub id: Option<Uuid>,
    /// Institution.
    pub institution_id: Uuid,
}

/// A move of a record.
#[derive(ToSchema)]
pub struct Move {
    /// Id.
    pub id: Uuid,
    /// Name in the definition.
    pub r#move: String,
    /// What people read, by language.
    #[schema(required = true, value_type = Option<Object>)]
    pub label: Option<Value>,
    /// Clause.
    pub clause: String,
    /// `offered`, `done`, `declined` or `withdrawn`.
    pub state: String,
    /// First day of the new record; as offered while it is only offered.
    pub effective_on: NaiveDate,
    /// Where from.
    pub from: MoveSide,
    /// Where to.
    pub into: MoveSide,
    /// When it was made or offered.
    pub begun_at: DateTime<Utc>,
    /// When it was done, declined or withdrawn.
    #[schema(required = true)]
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was declined or withdrawn.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// What is handed over; only to the receiver who opens an offer.
    #[schema(value_type = Option<Object>)]
    pub carried: Option<Value>,
    /// The new record, where it has just been made.
    pub record: Option<Record>,
}
page!(MovePage of Move);

/// What one key of a queue says of an applicant: one of `holds`, `value` and `hidden`.
#[derive(ToSchema)]
pub struct QueueKeyTold {
    /// Name in the definition; `entered` for the last: when the application was entered.
    pub name: String,
    /// What people read, by language.
    #[schema(value_type = Object)]
    pub label: Value,
    /// Clause, or the basis outside the statute.
    pub basis: String,
    /// Whether the condition holds, or there is a relation.
    pub holds: Option<bool>,
    /// The day; `null` where there is none.
    pub value: Option<NaiveDate>,
    /// There, and `null`, where the asker may not see what the key looks at.
    #[schema(value_type = Option<Object>)]
    pub hidden: Option<Value>,
    /// How many stand ahead because of this key.
    pub ahead: u64,
}

/// A place in a queue.
#[derive(ToSchema)]
pub struct QueueLine {
    /// The place, from 1.
    pub number: u64,
    /// How many stand in the queue.
    pub of: u64,
    /// What decided, the weightiest key first.
    pub because: Vec<QueueKeyTold>,
    /// The application; `null` where the asker may not see it.
    #[schema(required = true)]
    pub record: Option<Record>,
}
page!(QueuePage of QueueLine);

/// An applicant's own place.
#[derive(ToSchema)]
pub struct QueuePlace {
    /// The application.
    pub record_id: Uuid,
    /// Institution applied for.
    pub institution_id: Uuid,
    /// The day.
    pub as_of: NaiveDate,
    /// The place, from 1.
    pub number: u64,
    /// How many stand in the queue.
    pub of: u64,
    /// What decided, the weightiest key first.
    pub because: Vec<QueueKeyTold>,
    /// Clause that makes the queue.
    pub clause: String,
    /// The same in words.
    pub sentence: String,
}

/// A supervisor's query, kept under a name.
#[derive(ToSchema)]
pub struct KeptQuery {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// The parameters of the log's list.
    #[schema(value_type = Object)]
    pub query: Value,
    /// When it was kept.
    pub saved_at: DateTime<Utc>,
}
page!(KeptQueryPage of KeptQuery);

/// A thing to ask about, with its evidence. It proves nothing.
#[derive(ToSchema)]
pub struct SignalItem {
    /// `no_purpose`, `outside_hours`, `own_record`, `same_surname`, `burst` or `before_leaving`.
    pub kind: String,
    /// Who.
    pub user_id: Uuid,
    /// User name.
    pub username: String,
    /// The first reading.
    pub from: DateTime<Utc>,
    /// The last reading.
    pub until: DateTime<Utc>,
    /// Entries of the log, the first 100 of them.
    pub events: Vec<Uuid>,
    /// How many entries there are in all.
    pub count: usize,
    /// How many records they showed.
    pub records: u64,
    /// How soon to look at it.
    pub weight: u32,
    /// What happened.
    pub words: String,
}

/// What there is to ask about in a period.
#[derive(ToSchema)]
pub struct Signals {
    /// Not before.
    pub from: DateTime<Utc>,
    /// Before.
    pub to: DateTime<Utc>,
    /// Readings that were looked through.
    pub readings: usize,
    /// The weightiest first, at most 500.
    pub items: Vec<SignalItem>,
    /// How many there are in all.
    pub total: usize,
}

/// A sample of the log.
#[derive(ToSchema)]
pub struct Sample {
    /// Not before.
    pub from: DateTime<Utc>,
    /// Before.
    pub to: DateTime<Utc>,
    /// With this and the same period the same sample is drawn again.
    pub seed: String,
    /// How many entries there were to draw from.
    pub population: u64,
    /// The entries, in the order of the log.
    pub items: Vec<AuditItem>,
}

/// A signed review.
#[derive(ToSchema)]
pub struct Review {
    /// Id.
    pub id: Uuid,
    /// When it was signed.
    pub signed_at: DateTime<Utc>,
    /// By whom: user name.
    pub signed_by: String,
    /// Not before.
    pub from: DateTime<Utc>,
    /// Before.
    pub to: DateTime<Utc>,
    /// What was looked for.
    #[schema(value_type = Object)]
    pub filter: Value,
    /// Seed of the sample, where it was drawn.
    #[schema(required = true)]
    pub seed: Option<String>,
    /// Entries that were reviewed.
    pub sample: Vec<Uuid>,
    /// `in_order` or `findings`.
    pub verdict: String,
    /// In words.
    pub note: String,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
}
page!(ReviewPage of Review);

/// An access to records about the caller: never by whom, only in which role.
#[derive(ToSchema)]
pub struct MyAccess {
    /// Id of its entry in the log.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// The caller's records that it named.
    pub record_ids: Vec<Uuid>,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Coarse kind.
    pub kind: String,
    /// What.
    pub action: String,
    /// In which role.
    #[schema(required = true)]
    pub role: Option<String>,
    /// What for.
    #[schema(required = true)]
    pub purpose: Option<String>,
    /// Institution of the records served.
    #[schema(required = true)]
    pub institution_id: Option<Uuid>,
    /// By which clause.
    #[schema(required = true)]
    pub clause: Option<String>,
    /// Which sections.
    pub sections: Vec<String>,
    /// Whether it was the caller.
    pub own: bool,
}
page!(MyAccessPage of MyAccess);

/// The jobs of the installation.
#[derive(ToSchema)]
pub struct Jobs {
    /// All of them.
    pub items: Vec<Job>,
}

/// A job.
#[derive(ToSchema)]
pub struct Job {
    /// Name.
    pub name: String,
    /// What it does.
    pub does: String,
    /// When, in words.
    pub schedule: String,
    /// The last run; `null` before the first.
    #[schema(required = true)]
    pub last_run: Option<JobRun>,
    /// The next due moment; one that has passed waits for a node to take it on.
    pub next_due: DateTime<Utc>,
}

/// A run of a job.
#[derive(ToSchema)]
pub struct JobRun {
    /// Due moment.
    pub due: DateTime<Utc>,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended; `null` while it runs.
    #[schema(required = true)]
    pub finished: Option<DateTime<Utc>>,
    /// How long it took.
    #[schema(required = true)]
    pub duration_ms: Option<i64>,
    /// `done` or `failed`; `null` while it runs.
    #[schema(required = true)]
    pub outcome: Option<String>,
    /// What was done, or why not.
    #[schema(required = true)]
    pub detail: Option<String>,
}

/// A letter, of its reader only a hint.
#[derive(ToSchema)]
pub struct Letter {
    /// Id, also in its `Message-ID`.
    pub id: Uuid,
    /// Kind.
    pub letter: String,
    /// `queued`, `sent` or `dead`.
    pub state: String,
    /// The address, all but its first character and the domain hidden.
    pub address: String,
    /// Language.
    pub language: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    #[schema(required = true)]
    pub next_at: Option<DateTime<Utc>>,
    /// Why it was not sent, the last time.
    #[schema(required = true)]
    pub fault: Option<String>,
    /// The case it is about.
    #[schema(required = true)]
    pub case_id: Option<Uuid>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When the relay took it over.
    #[schema(required = true)]
    pub sent_at: Option<DateTime<Utc>>,
}
page!(LetterPage of Letter);

/// A text in the languages we speak; those other than Estonian may be missing.
#[derive(ToSchema)]
pub struct Words {
    /// Estonian.
    pub et: String,
    /// English.
    pub en: Option<String>,
    /// Finnish.
    pub fi: Option<String>,
    /// Swedish.
    pub sv: Option<String>,
}

/// A duty to confirm.
#[derive(ToSchema)]
pub struct Duty {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Duty of the definition.
    pub duty: String,
    /// What people read of it.
    pub label: Words,
    /// Clause.
    pub clause: String,
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
    #[schema(required = true)]
    pub moved_by: Option<String>,
    /// From when on it can be confirmed.
    pub opens_on: NaiveDate,
    /// `upcoming`, `open`, `confirmed`, `confirmed_late`, `overdue` or `cancelled`.
    pub status: String,
    /// How many days it is, or was confirmed, too late.
    #[schema(required = true)]
    pub days_late: Option<i64>,
    /// Record types to confirm.
    pub parts: u64,
    /// Of them checked by somebody.
    pub parts_checked: u64,
    /// When it was confirmed.
    #[schema(required = true)]
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Number of the confirmation in the register.
    #[schema(required = true)]
    pub number: Option<i64>,
    /// Records confirmed, by type.
    #[schema(required = true, value_type = Option<Object>)]
    pub counts: Option<Value>,
    /// Records confirmed of which there are newer entries; counted on pages of up to 100 duties.
    #[schema(required = true)]
    pub changed_since: Option<i64>,
    /// Why nothing is to be confirmed.
    #[schema(required = true)]
    pub cancelled: Option<String>,
}

/// A page of the board.
#[derive(ToSchema)]
pub struct DutyPage {
    /// The duties.
    pub items: Vec<Duty>,
    /// Where the next page begins; `null` at the end.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// Last day of the statute, where it is no longer in force.
    #[schema(required = true)]
    pub statute_ended_on: Option<NaiveDate>,
}

/// How many duties of a day stand where.
#[derive(ToSchema)]
pub struct DayTotals {
    /// The day that the statute names.
    pub due_on: NaiveDate,
    /// The last day on which it is in time.
    pub acts_by: NaiveDate,
    /// Duties, those cancelled not counted.
    pub total: u64,
    /// By where they stand.
    #[schema(value_type = Object)]
    pub by_status: Value,
}

/// How many duties stand where.
#[derive(ToSchema)]
pub struct DutySummary {
    /// Register.
    pub register: String,
    /// By day.
    pub items: Vec<DayTotals>,
    /// Last day of the statute, where it is no longer in force.
    #[schema(required = true)]
    pub statute_ended_on: Option<NaiveDate>,
}

/// A secret address of a calendar, shown once.
#[derive(ToSchema)]
pub struct Feed {
    /// By which it is revoked.
    pub id: String,
    /// The address: whoever knows it sees the calendar.
    pub url: String,
}

/// What somebody said on the way.
#[derive(ToSchema)]
pub struct SaidThere {
    /// What.
    pub text: String,
    /// The case that it rests on.
    #[schema(required = true)]
    pub case_id: Option<Uuid>,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A record type of a checklist.
#[derive(ToSchema)]
pub struct ChecklistPart {
    /// Record type.
    pub record_type: String,
    /// What people read of it.
    pub label: Words,
    /// Records to confirm.
    pub records: u64,
    /// Errors among them.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// Who checked it last.
    #[schema(required = true)]
    pub checked: Option<SaidThere>,
    /// Whether its records changed after that.
    pub changed_since: bool,
}

/// A fault or warning.
#[derive(ToSchema)]
pub struct CheckFinding {
    /// By which reasons and exceptions name it.
    pub key: String,
    /// Check of the definition, or `validation`.
    pub check: String,
    /// Kind of fault.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// Clause.
    pub clause: String,
    /// Record.
    #[schema(required = true)]
    pub record_id: Option<Uuid>,
    /// Record type.
    pub record_type: String,
    /// What the record is called, for whoever may see that.
    #[schema(required = true)]
    pub title: Option<String>,
    /// Where in its data.
    #[schema(required = true)]
    pub pointer: Option<String>,
    /// What is wrong.
    pub detail: String,
    /// What the records of a group have in common.
    #[schema(value_type = Vec<Object>)]
    pub group: Vec<Value>,
    /// The reason for confirming over a warning.
    #[schema(required = true)]
    pub reason: Option<SaidThere>,
    /// The inquiry under which it is confirmed around.
    #[schema(required = true)]
    pub exception: Option<SaidThere>,
    /// Whether nothing can be confirmed while it stands so.
    pub blocks: bool,
}

/// A value in which two states of a record differ.
#[derive(ToSchema)]
pub struct ValueChange {
    /// Where (RFC 6901).
    pub pointer: String,
    /// Machine name of the field.
    pub field: String,
    /// Its label.
    pub label: Option<Words>,
    /// Its clause.
    pub clause: Option<String>,
    /// The value before, for whoever may see it.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    /// The value after, for whoever may see it.
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
}

/// How a record differs from what was confirmed.
#[derive(ToSchema)]
pub struct RecordDifference {
    /// Record.
    pub record_id: Uuid,
    /// Record type.
    pub record_type: String,
    /// What the record is called, for whoever may see that.
    #[schema(required = true)]
    pub title: Option<String>,
    /// `changed`, `added` or `gone`.
    pub what: String,
    /// Field by field.
    pub changes: Vec<ValueChange>,
}

/// What is different from a confirmation.
#[derive(ToSchema)]
pub struct Drift {
    /// Records changed.
    pub changed: u64,
    /// Records that were not there.
    pub added: u64,
    /// Records that are no longer there.
    pub gone: u64,
    /// The same by record type; those without a difference left out.
    #[schema(value_type = Object)]
    pub by_type: Value,
    /// Which, the first 500.
    pub items: Vec<RecordDifference>,
}

/// The confirmation before.
#[derive(ToSchema)]
pub struct SinceLast {
    /// Id.
    pub id: Uuid,
    /// Number.
    #[schema(required = true)]
    pub number: Option<i64>,
    /// Its day.
    pub due_on: NaiveDate,
    /// What is different now.
    pub differences: Drift,
}

/// An open inquiry.
#[derive(ToSchema)]
pub struct OpenInquiry {
    /// Case.
    pub case_id: Uuid,
    /// Record it is about.
    #[schema(required = true)]
    pub record_id: Option<Uuid>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// By when it must be answered.
    #[schema(required = true)]
    pub due_on: Option<NaiveDate>,
}

/// Who may confirm.
#[derive(ToSchema)]
pub struct Head {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// On what the role rests.
    pub basis: Basis,
}

/// A checklist.
#[derive(ToSchema)]
pub struct Checklist {
    /// The duty.
    #[serde(flatten)]
    pub duty: Duty,
    /// What is different from the confirmation before.
    #[schema(required = true)]
    pub since_last: Option<SinceLast>,
    /// Root over what is to be confirmed: send it with the confirmation.
    pub snapshot_root: String,
    /// Records to confirm.
    pub size: u64,
    /// By type.
    pub checklist: Vec<ChecklistPart>,
    /// Errors.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// Findings that stand in the way.
    pub blockers: u64,
    /// Findings, what blocks first; the first 500.
    pub findings: Vec<CheckFinding>,
    /// Inquiries under which faults can be confirmed around.
    pub inquiries: Vec<OpenInquiry>,
    /// Kind of case that such an inquiry is.
    #[schema(required = true)]
    pub inquiry_kind: Option<String>,
    /// What the head says.
    pub statement: Words,
    /// Clause that makes the head answer for it.
    pub responsible_clause: String,
    /// Who may confirm.
    pub responsible: Vec<Head>,
    /// The receipt, once it is confirmed.
    #[schema(required = true)]
    pub receipt: Option<Receipt>,
    /// What has changed since then.
    #[schema(required = true)]
    pub drift: Option<Drift>,
    /// Last day of the statute, where it is no longer in force.
    #[schema(required = true)]
    pub statute_ended_on: Option<NaiveDate>,
}

/// What was noted on the way to a confirmation.
#[derive(ToSchema)]
pub struct ConfirmationNote {
    /// Id.
    pub id: Uuid,
    /// The duty.
    pub confirmation_id: Uuid,
    /// `check`, `reason` or `exception`.
    pub kind: String,
    /// The record type, or the key of the finding.
    pub subject: String,
    /// What was said.
    pub text: String,
    /// The inquiry.
    #[schema(required = true)]
    pub case_id: Option<Uuid>,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Its entry in the log.
    pub audit_id: Uuid,
}

/// An exception or a reason on a receipt.
#[derive(ToSchema)]
pub struct SaidOnReceipt {
    /// Finding.
    pub key: String,
    /// Inquiry, of an exception.
    #[schema(required = true)]
    pub case_id: Option<Uuid>,
    /// Why.
    pub reason: String,
}

/// Who confirmed.
#[derive(ToSchema)]
pub struct Confirmer {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// What people read of it.
    pub role_label: Words,
    /// The grant.
    pub grant_id: Uuid,
    /// On what the grant rests.
    pub basis: Basis,
}

/// The receipt of a confirmation.
#[derive(ToSchema)]
pub struct Receipt {
    /// Id of the duty.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Number in the register, without gaps.
    pub number: i64,
    /// When.
    pub confirmed_at: DateTime<Utc>,
    /// The day that was, by the register's clock.
    pub confirmed_on: NaiveDate,
    /// The day that the statute names.
    pub due_on: NaiveDate,
    /// The last day on which it was in time.
    pub acts_by: NaiveDate,
    /// The day off that moved that day.
    #[schema(required = true)]
    pub moved_by: Option<String>,
    /// Whether it was in time.
    pub in_time: bool,
    /// How many days it was late.
    #[schema(required = true)]
    pub days_late: Option<i64>,
    /// Duty of the definition.
    pub duty: String,
    /// What people read of it.
    pub label: Words,
    /// Institution.
    pub institution_id: Uuid,
    /// Its name then.
    pub institution: String,
    /// Its kind on the day.
    pub kind: String,
    /// Records confirmed, by type.
    #[schema(value_type = Object)]
    pub counts: Value,
    /// Records confirmed.
    pub size: i64,
    /// Root over them (RFC 6962), in lower-case hexadecimal.
    pub snapshot_root: String,
    /// What the head said, verbatim.
    pub statement: Words,
    /// Clause of the duty.
    pub clause: String,
    /// Clause that makes the head answer for it.
    pub responsible_clause: String,
    /// Who confirmed.
    pub confirmed_by: Confirmer,
    /// Known faults under open inquiries.
    pub exceptions: Vec<SaidOnReceipt>,
    /// Warnings with their reasons.
    pub reasons: Vec<SaidOnReceipt>,
    /// SHA-256 of the definition under which it was confirmed.
    pub definition: String,
    /// Its entry in the log.
    pub audit_id: Uuid,
}

/// What proves that a record was confirmed in a state.
#[derive(ToSchema)]
pub struct ConfirmationProof {
    /// Id of the duty.
    pub confirmation_id: Uuid,
    /// Number of the confirmation.
    pub number: i64,
    /// Record.
    pub record_id: Uuid,
    /// The leaf's text, exactly. What stands in the tree is its HMAC-SHA256 under the salt.
    pub leaf: String,
    /// The salt of this leaf alone, base64.
    pub salt: String,
    /// SHA-256(0x00 ‖ HMAC-SHA256(salt, leaf)), in lower-case hexadecimal.
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

/// An import, or one that runs.
#[derive(ToSchema)]
pub struct Import {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Record type.
    pub r#type: String,
    /// Institution.
    pub institution_id: Uuid,
    /// `running`, `checked`, `done`, `undone`, `refused`, `cancelled` or `failed`.
    pub state: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// When it was taken back.
    #[schema(required = true)]
    pub undone_at: Option<DateTime<Utc>>,
    /// What a running one does: `reading`, `checking` or `writing`.
    #[schema(required = true)]
    pub part: Option<String>,
    /// Rows done in that part.
    #[schema(required = true)]
    pub done: Option<u64>,
    /// Rows in all of that part.
    #[schema(required = true)]
    pub of: Option<u64>,
    /// Rows at fault, of one that was refused.
    #[schema(required = true)]
    pub faulty: Option<u64>,
    /// SHA-256 of what was brought.
    #[schema(required = true)]
    pub sha256: Option<String>,
    /// Counts and bases of one that was made.
    #[schema(value_type = Object)]
    pub summary: Value,
}

page!(ImportPage of Import);

/// What a row of an import did.
#[derive(ToSchema)]
pub struct ImportRow {
    /// Number of the row.
    pub row: i64,
    /// `new` or `changed`.
    pub outcome: String,
    /// The record.
    pub record_id: Uuid,
    /// The entry made.
    pub entry_id: Uuid,
}

page!(ImportRowPage of ImportRow);

/// What an import did, or would do.
#[derive(ToSchema)]
pub struct ImportReport {
    /// Id.
    pub import_id: Uuid,
    /// Record type.
    pub r#type: String,
    /// Institution.
    pub institution_id: Uuid,
    /// `checked`, `done` or `refused`.
    pub state: String,
    /// Rows read.
    pub rows: u64,
    /// Rows of records that the register does not know.
    pub new: u64,
    /// Rows that change something.
    pub changed: u64,
    /// Rows that say what is known.
    pub unchanged: u64,
    /// Rows left out.
    pub left_out: u64,
    /// Active records of the institution without a row; they stay as they are.
    pub gone: u64,
    /// Rows at fault.
    pub faulty: u64,
    /// The first rows and what each does.
    pub items: Vec<ImportItem>,
    /// The first faults.
    pub faults: Vec<CellFault>,
    /// What is unusual but permitted.
    pub warnings: Vec<CellFault>,
    /// The columns, and which field each is.
    #[schema(value_type = Vec<Object>)]
    pub columns: Value,
    /// Encoding of a text file.
    #[schema(required = true)]
    pub encoding: Option<String>,
    /// What stands between its cells.
    #[schema(required = true)]
    pub delimiter: Option<String>,
    /// What else is worth saying of the sheet.
    pub notes: Vec<String>,
}

/// What came of a table that another register sent.
#[derive(ToSchema)]
pub struct IncomingReport {
    /// Id of the exchange.
    pub exchange_run: Uuid,
    /// Profile.
    pub exchange: String,
    /// Part.
    pub part: String,
    /// `checked`, `done` or `refused`.
    pub state: String,
    /// Rows read.
    pub rows: u64,
    /// Records entered.
    pub new: u64,
    /// Records changed.
    pub changed: u64,
    /// Records that say already what came.
    pub unchanged: u64,
    /// Rows about nobody whom the register knows.
    pub unknown: u64,
    /// Rows at fault.
    pub faulty: u64,
    /// The first records that were or would be entered or changed.
    pub items: Vec<ImportItem>,
    /// The first faults.
    pub faults: Vec<CellFault>,
}

/// What a row does.
#[derive(ToSchema)]
pub struct ImportItem {
    /// Its number in the sheet; `null` for a record without a row.
    #[schema(required = true)]
    pub row: Option<u32>,
    /// `new`, `changed`, `unchanged`, `left_out`, `faulty` or `gone`.
    pub outcome: String,
    /// The record.
    #[schema(required = true)]
    pub record_id: Option<Uuid>,
    /// In what it differs from what is known.
    pub differences: Vec<ImportDifference>,
}

/// A value that a row changes.
#[derive(ToSchema)]
pub struct ImportDifference {
    /// JSON Pointer.
    pub pointer: String,
    /// What is known.
    #[schema(value_type = Option<Object>, required = true)]
    pub before: Option<Value>,
    /// What the row says.
    #[schema(value_type = Option<Object>, required = true)]
    pub after: Option<Value>,
}

/// What is wrong with a cell.
#[derive(ToSchema)]
pub struct CellFault {
    /// Row, as a spreadsheet program shows it.
    pub row: u32,
    /// Name of the column.
    pub column: String,
    /// JSON Pointer of the field.
    pub field: String,
    /// What the cell holds.
    pub value: String,
    /// Stable, for programs.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// Clause that is broken.
    #[schema(required = true)]
    pub clause: Option<String>,
}
