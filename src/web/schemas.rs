//! The shapes of answers, for the OpenAPI document. They mirror the store's views; a test holds them together.

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
    /// What is unusual but permitted; only in answers to writes.
    #[schema(required = false)]
    pub warnings: Vec<Fault>,
}
page!(RecordPage of Record);

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
page!(AuditPage of AuditItem);

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
}
page!(RegisterPage of RegisterItem);
