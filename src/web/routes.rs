//! THE table of routes: what there is, which act it does, how that is audited, what it takes and gives. Handlers are
//! registered from it, the OpenAPI document is made from it, and unknown query parameters are refused by it.

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, LOCATION};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource, guard};

use super::api::{
    audit, cases, closing, confirmations, disclosure, documents, exchanges, grants, imports, institutions, jobs, moves,
    operations, public, publications, queue, records, registers, reports, retention, sessions, supervision,
};
use super::layers;
use super::problem::{Kind, Problem};
use super::query::{Param, ParamKind};

/// A method that some route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// GET, and HEAD with it.
    Get,
    /// POST.
    Post,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Verb {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn takes(self, method: &Method) -> bool {
        method.as_str() == self.as_str() || self == Self::Get && *method == Method::HEAD
    }

    pub(super) fn route(self) -> actix_web::Route {
        match self {
            Self::Get => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
            Self::Post => web::post(),
            Self::Patch => web::patch(),
            Self::Delete => web::delete(),
        }
    }
}

/// What a route takes as its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// JSON of this schema, or a form with parts `metadata` and `file`.
    JsonOrForm(&'static str),
    /// A form with a part `file`.
    File,
}

/// What a route gives when all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// Nothing (204).
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// JSON of this schema, with its version as `ETag`.
    Versioned(&'static str),
    /// Any JSON object.
    Object,
    /// Something else, of this media type.
    Other(&'static str),
}

/// One route.
pub struct Route {
    /// Method.
    pub method: Verb,
    /// Path, with its variable segments in braces.
    pub path: &'static str,
    /// The act, as it stands in the log where it is logged.
    pub act: &'static str,
    /// How it is audited, or why not.
    pub audited: &'static str,
    /// A sentence.
    pub summary: &'static str,
    /// Body taken.
    pub takes: Takes,
    /// Status given when all is well.
    pub status: u16,
    /// Body given.
    pub gives: Gives,
    /// Query parameters.
    pub query: &'static [Param],
    /// Whether it needs a login.
    pub login: bool,
    attach: fn(Resource) -> Resource,
}

impl Route {
    const BASE: Self = Self {
        method: Verb::Get,
        path: "",
        act: "",
        audited: "",
        summary: "",
        takes: Takes::Nothing,
        status: 200,
        gives: Gives::Object,
        query: &[],
        login: true,
        attach: |r| r,
    };

    /// Whether a request with it creates something and may carry an `Idempotency-Key`.
    pub fn creates(&self) -> bool {
        self.method == Verb::Post
            && self.audited == "write"
            && self.status == 201
            && !self.path.ends_with("corrections")
    }
}

macro_rules! route {
    ($method:ident $path:literal, $handler:path, $act:literal, $audited:expr, $summary:literal
     $(, $field:ident: $value:expr)* $(,)?) => {
        Route {
            method: Verb::$method,
            path: $path,
            act: $act,
            audited: $audited,
            summary: $summary,
            attach: |resource| resource.route(Verb::$method.route().to($handler)),
            $($field: $value,)*
            ..Route::BASE
        }
    };
}

const READ: &str = "read";
const WRITE: &str = "write";
const GRANT: &str = "grant";
const LOGIN: &str = "login";
/// A definition is a statute: it holds no personal data.
const LAW: &str = "none: no personal data";
/// What an act that stands in the ledger has made public is everybody's to read.
const PUBLIC: &str = "none: made public by an approved act in the ledger";
/// Imports hold counts, and whose they are, and nothing of what stood in the sheet.
const RUNS: &str = "none: counts only";
/// Days and names of institutions, for whoever knows a secret address that can be revoked.
const SECRET: &str = "none: no personal data, behind a secret address";
/// The program about itself.
const SELF: &str = "none: about the program only";

const LIMIT: Param = Param::new("limit", ParamKind::Number, "Items of a page, 1 to 500; default 50");
const CURSOR: Param = Param::new("cursor", ParamKind::Text, "`next_cursor` of the page before");
const AS_OF: Param = Param::new("as_of", ParamKind::Day, "State on this day; default today");
const PAGE: &[Param] = &[LIMIT, CURSOR];
const RECORD: &[Param] =
    &[AS_OF, Param::new("known_at", ParamKind::Instant, "What the register knew at this instant; default now")];
const RECORDS: &[Param] = &[
    Param::new("institution_id", ParamKind::Id, "Only this institution's"),
    Param::new("q", ParamKind::Text, "Beginnings of names, or a whole code"),
    Param::new("status", ParamKind::OneOf(&["pending", "active", "ended"]), "Only records that stand so on the day"),
    Param::new("sort", ParamKind::Text, "Indexed field; `-` in front for descending"),
    Param::new("filter", ParamKind::Fields, "`filter[field]=value`: exact value of an indexed field"),
    AS_OF,
    LIMIT,
    CURSOR,
];
const MOVES: &[Param] = &[
    Param::new("state", ParamKind::OneOf(moves::STATES), "Only those that stand so"),
    Param::new("institution_id", ParamKind::Id, "Only those from or to this institution"),
    LIMIT,
    Param::new("cursor", ParamKind::Id, "`next_cursor` of the page before"),
];
const QUEUE: &[Param] = &[
    Param { required: true, ..Param::new("institution_id", ParamKind::Id, "Institution applied for") },
    AS_OF,
    LIMIT,
    CURSOR,
];
const PLACE: &[Param] =
    &[Param::new("institution_id", ParamKind::Id, "Institution applied for; may be left out where it is the only one")];
const GRANTS: &[Param] = &[Param::new("user_id", ParamKind::Id, "Only this user's"), LIMIT, CURSOR];
const AUDIT: &[Param] = &[
    Param::new("actor", ParamKind::Text, "User name or user id"),
    Param::new("subject", ParamKind::Text, "Personal code, id of a record, or a name"),
    Param::new("action", ParamKind::Text, "Action, as in `record.read`"),
    Param::new("from", ParamKind::Moment, "Not before this day or instant"),
    Param::new("to", ParamKind::Moment, "Until the end of this day, or before this instant"),
    Param::new("record_id", ParamKind::Id, "Id of a record"),
    Param::new("decision", ParamKind::OneOf(&["permitted", "denied"]), "Outcome"),
    Param::new("purpose", ParamKind::Text, "Exactly this purpose, or `none`; a page looks through 2000 entries"),
    Param::new("role", ParamKind::Text, "In this role, or `none`; a page looks through 2000 entries"),
    LIMIT,
    Param::new("cursor", ParamKind::Id, "`next_cursor` of the page before"),
];
const ENTRIES: &[Param] = &[LIMIT, Param::new("cursor", ParamKind::Id, "`next_cursor` of the page before")];
const ACCESS_REPORT: &[Param] = &[
    Param::new("subject", ParamKind::Text, "Personal code, id of a record, or a name"),
    Param::new("record_id", ParamKind::Id, "Id of a record"),
    Param::new("at", ParamKind::Instant, "The instant that is asked about; default now"),
    LIMIT,
    Param::new("cursor", ParamKind::Id, "`next_cursor` of the page before, for `did`"),
    Param::new("received_cursor", ParamKind::Id, "`next_received_cursor` of the page before, for `received`"),
];
const FROM: Param = Param { required: true, ..Param::new("from", ParamKind::Moment, "Not before this day or instant") };
const TO: Param = Param {
    required: true,
    ..Param::new("to", ParamKind::Moment, "Until the end of this day, or before this instant")
};
const PERIOD: &[Param] = &[FROM, TO];
const SAMPLE: &[Param] = &[
    FROM,
    TO,
    Param::new("n", ParamKind::Number, "Entries to draw, 1 to 500; default 50"),
    Param::new("seed", ParamKind::Text, "`seed` of an earlier sample, to draw it again"),
];
const CASES: &[Param] = &[
    Param::new(
        "state",
        ParamKind::OneOf(&["open", "clarifying", "forwarded", "decided", "closed", "withdrawn"]),
        "Where they stand",
    ),
    Param::new("overdue", ParamKind::OneOf(&["true", "false"]), "Only those whose time has run out"),
    Param::new("due_until", ParamKind::Day, "Only those to be done by the end of this day"),
    Param::new("record_id", ParamKind::Id, "Only those about this record"),
    Param::new("mine", ParamKind::OneOf(&["true", "false"]), "Only those that the caller opened"),
    LIMIT,
    Param::new("cursor", ParamKind::Id, "`next_cursor` of the page before"),
    Param::new("kind", ParamKind::Text, "Only of this kind of the definition"),
];
const PUBLICATIONS: &[Param] = &[
    Param::new("type", ParamKind::Text, "Only this record type's"),
    LIMIT,
    Param::new("cursor", ParamKind::Id, "`next_cursor` of the page before"),
];
const DUE: &[Param] = &[
    Param::new("on", ParamKind::Day, "By which day; today where it is left out"),
    Param::new("rule", ParamKind::Text, "Only what is due under this rule"),
    LIMIT,
    CURSOR,
];
const HOLDS: &[Param] =
    &[Param::new("lifted", ParamKind::OneOf(&["true"]), "Those that were lifted too"), LIMIT, CURSOR];
const BATCH: &[Param] = &[
    Param::new(
        "state",
        ParamKind::OneOf(&["proposed", "excluded", "kept", "erased", "dropped", "failed"]),
        "Only items that stand so",
    ),
    LIMIT,
    CURSOR,
];
const ACT: &[Param] = &[
    Param::new("format", ParamKind::OneOf(&["json", "pdf"]), "JSON or PDF/A"),
    Param::new("kind", ParamKind::OneOf(&["transfer", "destruction"]), "Which act, where there are two"),
];
const WHY: &[Param] = &[Param::new("on", ParamKind::Day, "As on this day; today where it is left out")];
const LIFT: &[Param] = &[Param::new("reason", ParamKind::Text, "Why it is lifted")];

const PUBLIC_ROWS: &[Param] =
    &[Param::new("difference", ParamKind::OneOf(publications::DIFFERENCES), "Only rows that differ so"), LIMIT, CURSOR];
const PUBLISHED: &[Param] = &[
    Param::new("format", ParamKind::OneOf(public::SHAPES), "`json` in pages; `csv` and `html` whole; default `json`"),
    LIMIT,
    CURSOR,
];
const REPORT: &[Param] =
    &[AS_OF, Param::new("format", ParamKind::OneOf(reports::SHAPES), "Shape of the answer; default `json`")];
const LETTERS: &[Param] = &[
    Param::new("state", ParamKind::OneOf(jobs::STATES), "Only letters that stand so"),
    LIMIT,
    Param::new("cursor", ParamKind::Id, "`next_cursor` of the page before"),
];
const REQUESTS: &[Param] = &[
    Param::new(
        "state",
        ParamKind::OneOf(&["open", "clarifying", "forwarded", "decided", "closed", "withdrawn"]),
        "Only those that stand so",
    ),
    LIMIT,
    CURSOR,
];
const RELEASE: &[Param] = &[
    Param::new("format", ParamKind::OneOf(&["json", "csv", "xlsx", "pdf"]), "Form; default JSON"),
    Param::new("for", ParamKind::OneOf(&["excel"]), "CSV as the country's spreadsheet program opens it"),
];
const EXCHANGE: &[Param] = &[
    Param::new("part", ParamKind::Text, "Table of the profile; may be left out where there is one only"),
    Param::new("institution_id", ParamKind::Id, "Only this institution's"),
    AS_OF,
    Param::new("format", ParamKind::OneOf(&["json", "csv", "xlsx", "pdf"]), "Form; default JSON"),
    Param::new("for", ParamKind::OneOf(&["excel"]), "CSV as the country's spreadsheet program opens it"),
];
const LEDGER: &[Param] = &[
    Param::new("recipient_code", ParamKind::Text, "Registry or personal code of the recipient"),
    Param::new("record_id", ParamKind::Id, "Record whose data left"),
    Param::new("from", ParamKind::Moment, "Not before this day or instant"),
    Param::new("to", ParamKind::Moment, "Until the end of this day, or before this instant"),
    LIMIT,
    CURSOR,
];
const BOARD: &[Param] = &[
    Param::new("due_on", ParamKind::Day, "Only duties of this day"),
    Param::new(
        "status",
        ParamKind::OneOf(&["upcoming", "open", "confirmed", "confirmed_late", "overdue", "cancelled"]),
        "Only those that stand so; cancelled ones are shown to nobody who does not ask for them",
    ),
    Param::new("institution_id", ParamKind::Id, "Only this institution's"),
    Param::new(
        "late",
        ParamKind::OneOf(&["true", "false"]),
        "Only those overdue or confirmed late, or only the others",
    ),
    Param::new("format", ParamKind::OneOf(confirmations::SHAPES), "`json` in pages; `csv` and `xlsx` whole"),
    LIMIT,
    CURSOR,
];
const SUMMARY: &[Param] = &[Param::new("due_on", ParamKind::Day, "Only duties of this day")];
const RECEIPT: &[Param] = &[Param::new("format", ParamKind::OneOf(confirmations::RECEIPTS), "Form; default `json`")];
const SIZE: &[Param] = &[Param::new("size", ParamKind::Number, "Size of the tree; default the whole")];
const SIZES: &[Param] = &[
    Param { required: true, ..Param::new("from", ParamKind::Number, "Size of the older tree") },
    Param::new("to", ParamKind::Number, "Size of the newer tree; default the whole"),
];
const RANGE: &[Param] = &[
    Param::new("from", ParamKind::Number, "First leaf; default 0"),
    Param::new("to", ParamKind::Number, "Leaf to stop before; default the end"),
];

const IMPORT: &[Param] = &[
    Param::new("dry_run", ParamKind::OneOf(&["true", "false"]), "Whether nothing is to remain; default no"),
    Param::new("report", ParamKind::OneOf(imports::SHEETS), "Of a dry run, the sheet itself with its faults"),
];
const INCOMING: &[Param] =
    &[Param::new("dry_run", ParamKind::OneOf(&["true", "false"]), "Whether nothing is to remain; default no")];
const IMPORTS: &[Param] = &[
    Param::new("institution_id", ParamKind::Id, "Only this institution's"),
    LIMIT,
    Param::new("cursor", ParamKind::Id, "`next_cursor` of the page before"),
];
const TEMPLATE: &[Param] = &[
    Param::new("format", ParamKind::OneOf(imports::SHEETS), "Shape; default `xlsx`"),
    Param::new("institution_id", ParamKind::Id, "Institution for which it is filled in; stands in the file's name"),
];
const EXPORT: &[Param] = &[
    Param::new("format", ParamKind::OneOf(imports::EXPORTS), "Shape; default `csv`"),
    Param::new(
        "names",
        ParamKind::OneOf(imports::NAMES),
        "What columns are called; default labels in the client's language",
    ),
    Param::new("institution_id", ParamKind::Id, "Only this institution's"),
    Param::new("q", ParamKind::Text, "Beginnings of names, or a whole code"),
    Param::new("status", ParamKind::OneOf(&["pending", "active", "ended"]), "Only records that stand so on the day"),
    Param::new("sort", ParamKind::Text, "Indexed field; `-` in front for descending"),
    Param::new("filter", ParamKind::Fields, "`filter[field]=value`: exact value of an indexed field"),
    AS_OF,
];

/// Every route of the service but the pages under `/api/docs/`.
pub const ROUTES: &[Route] = &[
    route!(Post "/api/v1/sessions", sessions::open, "session.open", LOGIN, "Logs in",
        takes: Takes::Json("Login"), status: 201, gives: Gives::Json("SessionBody"), login: false),
    route!(Post "/api/v1/sessions/refresh", sessions::refresh, "session.refresh", LOGIN, "Spends a refresh token",
        takes: Takes::Json("Refresh"), status: 201, gives: Gives::Json("SessionBody"), login: false),
    route!(Delete "/api/v1/sessions/current", sessions::close, "session.end", LOGIN, "Logs out",
        status: 204, gives: Gives::Nothing),
    route!(Get "/api/v1/me", sessions::me, "me.read", READ, "The caller, their grants and the records about them",
        gives: Gives::Json("Me")),
    route!(Get "/api/v1/me/accesses", sessions::accesses, "me.accesses", READ,
        "Who looked at the records about the caller", gives: Gives::Json("MyAccessPage"), query: ENTRIES),
    route!(Patch "/api/v1/me", jobs::reach, "user.reach", WRITE, "How the caller is reached: e-mail address, language",
        takes: Takes::Json("ReachBody"), gives: Gives::Json("Me")),
    route!(Post "/api/v1/me/password", sessions::password, "password.set", LOGIN,
        "Changes the caller's own password and ends their sessions",
        takes: Takes::Json("PasswordChange"), status: 204, gives: Gives::Nothing),
    route!(Get "/api/v1/registers", registers::list, "register.list", LAW, "The registers",
        gives: Gives::Json("RegisterPage"), query: PAGE),
    route!(Get "/api/v1/registers/{r}", registers::describe, "register.read", LAW, "A definition in full"),
    route!(Get "/api/v1/registers/{r}/schema/{type}", registers::schema, "register.schema", LAW,
        "JSON Schema of a record type's data", gives: Gives::Object),
    route!(Get "/api/v1/registers/{r}/institutions", institutions::list, "record.list", READ, "Lists institutions",
        gives: Gives::Json("RecordPage"), query: RECORDS),
    route!(Post "/api/v1/registers/{r}/institutions", institutions::create, "record.create", WRITE,
        "Enters an institution", takes: Takes::Json("RecordBody"), status: 201, gives: Gives::Versioned("Record")),
    route!(Get "/api/v1/registers/{r}/institutions/{id}", institutions::read, "record.read", READ,
        "Opens an institution", gives: Gives::Versioned("Record"), query: RECORD),
    route!(Patch "/api/v1/registers/{r}/institutions/{id}", institutions::change, "record.change", WRITE,
        "Changes an institution from a day on", takes: Takes::Json("ChangeBody"), gives: Gives::Versioned("Record")),
    route!(Post "/api/v1/registers/{r}/base-documents", documents::create, "document.add", WRITE,
        "Enters a base document", takes: Takes::JsonOrForm("DocumentBody"), status: 201,
        gives: Gives::Json("Document")),
    route!(Get "/api/v1/registers/{r}/base-documents/{id}", documents::read, "document.read", READ,
        "Reads a base document", gives: Gives::Json("Document")),
    route!(Get "/api/v1/registers/{r}/base-documents/{id}/file", documents::file, "document.read", READ,
        "Reads a base document's file", gives: Gives::Other("application/octet-stream")),
    route!(Post "/api/v1/registers/{r}/files", documents::store, "file.store", WRITE,
        "Stores a file for a field of type `file`", takes: Takes::File, status: 201,
        gives: Gives::Json("StoredFile")),
    route!(Get "/api/v1/registers/{r}/records/{type}", records::list, "record.list", READ, "Lists records",
        gives: Gives::Json("RecordPage"), query: RECORDS),
    route!(Post "/api/v1/registers/{r}/records/{type}", records::create, "record.create", WRITE, "Enters a record",
        takes: Takes::Json("RecordBody"), status: 201, gives: Gives::Versioned("Record")),
    route!(Get "/api/v1/registers/{r}/records/{type}/{id}", records::read, "record.read", READ, "Opens a record",
        gives: Gives::Versioned("Record"), query: RECORD),
    route!(Patch "/api/v1/registers/{r}/records/{type}/{id}", records::change, "record.change", WRITE,
        "Changes a record from a day on", takes: Takes::Json("ChangeBody"), gives: Gives::Versioned("Record")),
    route!(Post "/api/v1/registers/{r}/records/{type}/{id}/corrections", records::correct, "record.correct", WRITE,
        "Mends an entry that was never true", takes: Takes::Json("CorrectionBody"), status: 201,
        gives: Gives::Versioned("Record")),
    route!(Get "/api/v1/registers/{r}/records/{type}/{id}/entries", records::entries, "record.history", READ,
        "Every entry ever made", gives: Gives::Json("EntryPage"), query: PAGE),
    route!(Post "/api/v1/registers/{r}/records/{type}/{id}/end", records::end, "record.end", WRITE,
        "Ends a record on a day", takes: Takes::Json("EndBody"), gives: Gives::Versioned("Record")),
    route!(Post "/api/v1/registers/{r}/records/{type}/{id}/moves", moves::begin, "record.move", WRITE,
        "Moves a record: ends it and makes the next, or offers it to another institution",
        takes: Takes::Json("MoveBody"), status: 201, gives: Gives::Json("Move")),
    route!(Get "/api/v1/registers/{r}/records/{type}/{id}/moves", moves::of_record, "record.read", READ,
        "Where a record came from and where it went", gives: Gives::Json("MovePage")),
    route!(Get "/api/v1/registers/{r}/records/{type}/{id}/queue", queue::place, "record.read", READ,
        "An applicant's place in the queue for an institution, and why", gives: Gives::Json("QueuePlace"),
        query: PLACE),
    route!(Get "/api/v1/registers/{r}/queues/{type}", queue::list, "record.list", READ,
        "The queue for an institution, in its order", gives: Gives::Json("QueuePage"), query: QUEUE),
    route!(Get "/api/v1/registers/{r}/moves", moves::list, "move.list", READ,
        "Moves from and to the caller's institutions", gives: Gives::Json("MovePage"), query: MOVES),
    route!(Get "/api/v1/registers/{r}/moves/{id}", moves::read, "record.hand_over", READ,
        "Opens a move; to the receiver of an offer that is the handing over", gives: Gives::Json("Move")),
    route!(Post "/api/v1/registers/{r}/moves/{id}/acceptance", moves::accept, "record.move", WRITE,
        "Accepts an offer: makes the new record", takes: Takes::Json("AcceptanceBody"), status: 201,
        gives: Gives::Json("Move")),
    route!(Post "/api/v1/registers/{r}/moves/{id}/refusal", moves::refuse, "record.move", WRITE,
        "Declines an offer, with a reason", takes: Takes::Json("MoveReasonBody"), gives: Gives::Json("Move")),
    route!(Post "/api/v1/registers/{r}/moves/{id}/withdrawal", moves::withdraw, "record.move", WRITE,
        "Withdraws an offer", takes: Takes::Json("MoveReasonBody"), gives: Gives::Json("Move")),
    route!(Get "/api/v1/registers/{r}/grants", grants::list, "grant.list", READ, "Lists grants",
        gives: Gives::Json("GrantPage"), query: GRANTS),
    route!(Post "/api/v1/registers/{r}/grants", grants::issue, "grant.issue", GRANT, "Grants a role",
        takes: Takes::Json("GrantBody"), status: 201, gives: Gives::Versioned("Grant")),
    route!(Patch "/api/v1/registers/{r}/grants/{id}", grants::change, "grant.change", GRANT, "Changes a grant",
        takes: Takes::Json("GrantChangeBody"), gives: Gives::Versioned("Grant")),
    route!(Post "/api/v1/registers/{r}/grants/{id}/revocation", grants::revoke, "grant.revoke", GRANT,
        "Ends a grant", takes: Takes::Json("RevocationBody"), gives: Gives::Versioned("Grant")),
    route!(Get "/api/v1/registers/{r}/grant-log", grants::log, "grant.log", READ,
        "Every granting, change and ending", gives: Gives::Json("GrantLogPage"), query: PAGE),
    route!(Get "/api/v1/registers/{r}/imports", imports::list, "import.list", RUNS,
        "Imports, newest first, those that run in front", gives: Gives::Json("ImportPage"), query: IMPORTS),
    route!(Post "/api/v1/registers/{r}/imports/{import}", imports::import, "record.import", WRITE,
        "Imports a sheet: all of it, or nothing with every fault of every row; with `dry_run` nothing remains",
        takes: Takes::JsonOrForm("ImportBody"), status: 201, gives: Gives::Json("ImportReport"), query: IMPORT),
    route!(Get "/api/v1/registers/{r}/imports/{import}", imports::read, "import.read", RUNS,
        "An import: how far it is, or what it did", gives: Gives::Json("Import")),
    route!(Get "/api/v1/registers/{r}/imports/{id}/rows", imports::rows, "record.list", READ,
        "What the rows of an import did", gives: Gives::Json("ImportRowPage"), query: PAGE),
    route!(Post "/api/v1/registers/{r}/imports/{id}/cancellation", imports::cancel, "import.cancel", RUNS,
        "Ends an import that runs; nothing of it remains", gives: Gives::Json("Import")),
    route!(Post "/api/v1/registers/{r}/imports/{id}/undo", imports::undo, "record.import_undo", WRITE,
        "Takes an import back within 24 hours, while nothing was built on it", gives: Gives::Json("Import")),
    route!(Get "/api/v1/registers/{r}/imports/{type}/mapping", imports::mapping, "import.mapping", RUNS,
        "How the caller's last sheet of a type named its columns"),
    route!(Get "/api/v1/registers/{r}/templates/{type}", imports::template, "import.template", LAW,
        "A sheet to be filled in", gives: Gives::Other("application/octet-stream"), query: TEMPLATE),
    route!(Get "/api/v1/registers/{r}/exports/{type}", imports::export, "record.list", READ,
        "Every record of a list as a file that can be imported again",
        gives: Gives::Other("application/octet-stream"), query: EXPORT),
    route!(Post "/api/v1/registers/{r}/bulk-changes/{type}", imports::change_many, "record.import", WRITE,
        "Changes many records in one act", takes: Takes::Json("BulkChangeBody"), status: 201,
        gives: Gives::Json("ImportReport")),
    route!(Get "/api/v1/registers/{r}/cases", cases::list, "case.list", READ, "Lists cases that the caller may read",
        gives: Gives::Json("CasePage"), query: CASES),
    route!(Post "/api/v1/registers/{r}/cases", cases::open, "case.open", WRITE, "Opens a case",
        takes: Takes::Json("CaseBody"), status: 201, gives: Gives::Versioned("Case")),
    route!(Get "/api/v1/registers/{r}/cases/{id}", cases::read, "case.read", READ, "Opens the file of a case",
        gives: Gives::Versioned("CaseInFull")),
    route!(Post "/api/v1/registers/{r}/cases/{id}/steps", cases::step, "case.handle", WRITE, "Takes a step of a case",
        takes: Takes::Json("CaseStepBody"), gives: Gives::Versioned("Case")),
    route!(Post "/api/v1/registers/{r}/cases/{id}/release", cases::release, "disclosure.release", WRITE,
        "Gives people what the register holds about them; the ledger has its entry before a byte leaves",
        gives: Gives::Other("application/octet-stream"), query: RELEASE),
    route!(Get "/api/v1/registers/{r}/access-applications", cases::access_applications::list, "case.list", READ, "Lists applications for access",
        gives: Gives::Json("CasePage"), query: CASES),
    route!(Post "/api/v1/registers/{r}/access-applications", cases::access_applications::open, "case.open", WRITE, "Opens an application for access",
        takes: Takes::Json("CaseBody"), status: 201, gives: Gives::Versioned("Case")),
    route!(Get "/api/v1/registers/{r}/complaints", cases::complaints::list, "case.list", READ, "Lists complaints",
        gives: Gives::Json("CasePage"), query: CASES),
    route!(Post "/api/v1/registers/{r}/complaints", cases::complaints::open, "case.open", WRITE, "Opens a complaint",
        takes: Takes::Json("CaseBody"), status: 201, gives: Gives::Versioned("Case")),
    route!(Get "/api/v1/registers/{r}/error-notices", cases::error_notices::list, "case.list", READ, "Lists notices of wrong data",
        gives: Gives::Json("CasePage"), query: CASES),
    route!(Post "/api/v1/registers/{r}/error-notices", cases::error_notices::open, "case.open", WRITE, "Opens a notice of wrong data",
        takes: Takes::Json("CaseBody"), status: 201, gives: Gives::Versioned("Case")),
    route!(Get "/api/v1/registers/{r}/incidents", cases::incidents::list, "case.list", READ, "Lists incidents",
        gives: Gives::Json("CasePage"), query: CASES),
    route!(Post "/api/v1/registers/{r}/incidents", cases::incidents::open, "case.open", WRITE, "Opens an incident",
        takes: Takes::Json("CaseBody"), status: 201, gives: Gives::Versioned("Case")),
    route!(Get "/api/v1/registers/{r}/inquiries", cases::inquiries::list, "case.list", READ, "Lists inquiries",
        gives: Gives::Json("CasePage"), query: CASES),
    route!(Post "/api/v1/registers/{r}/inquiries", cases::inquiries::open, "case.open", WRITE, "Opens an inquiry",
        takes: Takes::Json("CaseBody"), status: 201, gives: Gives::Versioned("Case")),
    route!(Get "/api/v1/registers/{r}/instructions", cases::instructions::list, "case.list", READ, "Lists proposals and instructions",
        gives: Gives::Json("CasePage"), query: CASES),
    route!(Post "/api/v1/registers/{r}/instructions", cases::instructions::open, "case.open", WRITE, "Opens a proposal or an instruction",
        takes: Takes::Json("CaseBody"), status: 201, gives: Gives::Versioned("Case")),
    route!(Get "/api/v1/registers/{r}/prescriptions", cases::prescriptions::list, "case.list", READ, "Lists prescriptions",
        gives: Gives::Json("CasePage"), query: CASES),
    route!(Post "/api/v1/registers/{r}/prescriptions", cases::prescriptions::open, "case.open", WRITE, "Opens a prescription",
        takes: Takes::Json("CaseBody"), status: 201, gives: Gives::Versioned("Case")),
    route!(Get "/api/v1/jobs", jobs::list, "job.list", READ, "The jobs with their last runs", gives: Gives::Json("Jobs")),
    route!(Get "/api/v1/registers/{r}/outbox", jobs::letters, "letter.list", READ, "Letters, newest first",
        gives: Gives::Json("LetterPage"), query: LETTERS),
    route!(Post "/api/v1/registers/{r}/outbox/{id}/retry", jobs::retry, "letter.retry", WRITE,
        "Takes up a letter again that was given up", gives: Gives::Json("Letter")),
    route!(Get "/api/v1/registers/{r}/disclosure-requests", disclosure::requests, "case.read", READ,
        "Lists requests for data", gives: Gives::Json("DisclosureRequestPage"), query: REQUESTS),
    route!(Post "/api/v1/registers/{r}/disclosure-requests", disclosure::request, "case.open", WRITE,
        "Enters a request for data", takes: Takes::Json("DisclosureRequestBody"), status: 201,
        gives: Gives::Versioned("DisclosureRequest")),
    route!(Get "/api/v1/registers/{r}/disclosure-requests/{id}", disclosure::read_request, "case.read", READ,
        "Reads a request for data", gives: Gives::Versioned("DisclosureRequest")),
    route!(Post "/api/v1/registers/{r}/disclosure-requests/{id}/decision", disclosure::decide, "case.decide", WRITE,
        "Decides a request for data", takes: Takes::Json("DisclosureDecisionBody"),
        gives: Gives::Versioned("DisclosureRequest")),
    route!(Post "/api/v1/registers/{r}/disclosure-requests/{id}/release", disclosure::release, "disclosure.release",
        WRITE, "Releases what was granted; the ledger has its entry before a byte leaves",
        gives: Gives::Other("application/octet-stream"), query: RELEASE),
    route!(Get "/api/v1/registers/{r}/disclosures", disclosure::list, "disclosure.list", READ,
        "The ledger of what left, newest first", gives: Gives::Json("DisclosurePage"), query: LEDGER),
    route!(Post "/api/v1/registers/{r}/disclosures", disclosure::enter, "disclosure.release", WRITE,
        "Enters a release made by other means", takes: Takes::Json("ManualReleaseBody"), status: 201,
        gives: Gives::Json("Disclosure")),
    route!(Post "/api/v1/registers/{r}/disclosures/check", disclosure::check, "disclosure.check", READ,
        "Tells whether exactly this has left", takes: Takes::JsonOrForm("DisclosureCheckBody"),
        gives: Gives::Json("DisclosureCheck")),
    route!(Get "/api/v1/registers/{r}/disclosures/{id}", disclosure::read, "disclosure.list", READ,
        "An entry of the ledger, with whose data left", gives: Gives::Json("DisclosureInFull"), query: PAGE),
    route!(Get "/api/v1/registers/{r}/exchanges", exchanges::list, "exchange.list", READ,
        "Exchanges with other registers that were made, newest first", gives: Gives::Json("ExchangeRunPage"),
        query: PAGE),
    route!(Post "/api/v1/registers/{r}/exchanges/{name}/runs", exchanges::send, "exchange.run", READ,
        "Sends out what a profile of the definition says; the same transaction enters it in the ledger",
        gives: Gives::Other("application/octet-stream"), query: EXCHANGE),
    route!(Post "/api/v1/registers/{r}/exchanges/{name}/imports", exchanges::receive, "exchange.run", WRITE,
        "Takes in what came by a profile of the definition, each value marked with its source: all of it, or nothing",
        takes: Takes::JsonOrForm("IncomingBody"), status: 201, gives: Gives::Json("IncomingReport"), query: INCOMING),
    route!(Get "/api/v1/me/disclosures", disclosure::mine, "me.disclosures", READ,
        "What of the caller's own data was released to whom", gives: Gives::Json("MyDisclosurePage"), query: PAGE),
    route!(Get "/api/v1/registers/{r}/audit", audit::list, "audit.read", READ, "Entries of the log, newest first",
        gives: Gives::Json("AuditPage"), query: AUDIT),
    route!(Get "/api/v1/registers/{r}/access-report", supervision::report, "access.report", READ,
        "Who could see somebody's records at an instant, who did and who received them",
        gives: Gives::Json("AccessReport"), query: ACCESS_REPORT),
    route!(Get "/api/v1/registers/{r}/audit/queries", supervision::queries, "audit.query.list", READ,
        "The caller's own queries", gives: Gives::Json("KeptQueryPage")),
    route!(Post "/api/v1/registers/{r}/audit/queries", supervision::keep, "audit.query.keep", WRITE,
        "Keeps a query under a name", takes: Takes::Json("KeptQueryBody"), status: 201,
        gives: Gives::Json("KeptQuery")),
    route!(Delete "/api/v1/registers/{r}/audit/queries/{id}", supervision::forget, "audit.query.forget", WRITE,
        "Forgets one of the caller's own queries", status: 204, gives: Gives::Nothing),
    route!(Get "/api/v1/registers/{r}/audit/signals", supervision::signals, "audit.signals", READ,
        "What there is to ask about in a period, with the evidence", gives: Gives::Json("Signals"), query: PERIOD),
    route!(Get "/api/v1/registers/{r}/audit/sample", supervision::sample, "audit.sample", READ,
        "Entries of a period drawn by a seed", gives: Gives::Json("Sample"), query: SAMPLE),
    route!(Get "/api/v1/registers/{r}/audit/reviews", supervision::reviews, "audit.review.list", READ,
        "Signed reviews, newest first", gives: Gives::Json("ReviewPage"), query: ENTRIES),
    route!(Post "/api/v1/registers/{r}/audit/reviews", supervision::sign, "audit.review", WRITE,
        "Signs what was reviewed", takes: Takes::Json("ReviewBody"), status: 201, gives: Gives::Json("Review")),
    route!(Get "/api/v1/registers/{r}/audit/checkpoint", audit::checkpoint, "audit.checkpoint", READ,
        "A signed tree head (C2SP)", gives: Gives::Other("text/plain")),
    route!(Get "/api/v1/registers/{r}/audit/consistency", audit::consistency, "audit.consistency", READ,
        "A consistency proof (RFC 6962)", gives: Gives::Json("Proof"), query: SIZES),
    route!(Get "/api/v1/registers/{r}/audit/export", audit::export, "audit.export", READ,
        "The log in tree order, a line an entry", gives: Gives::Other("application/x-ndjson"), query: RANGE),
    route!(Get "/api/v1/registers/{r}/audit/vkey", audit::vkey, "audit.vkey", "none: a public key",
        "The verifier key of the checkpoints", gives: Gives::Other("text/plain")),
    route!(Get "/api/v1/registers/{r}/audit/{seq}/inclusion", audit::inclusion, "audit.inclusion", READ,
        "An inclusion proof (RFC 6962)", gives: Gives::Json("Proof"), query: SIZE),
    route!(Get "/api/v1/registers/{r}/confirmations", confirmations::list, "confirmation.list", READ,
        "Duties to confirm: one for each institution and day", gives: Gives::Json("DutyPage"), query: BOARD),
    route!(Get "/api/v1/registers/{r}/confirmations.ics", confirmations::own_calendar, "confirmation.calendar", READ,
        "The days by which the caller's institutions confirm (RFC 5545)", gives: Gives::Other("text/calendar")),
    route!(Get "/api/v1/registers/{r}/confirmations/summary", confirmations::summary, "confirmation.summary", READ,
        "How many duties stand where, by day", gives: Gives::Json("DutySummary"), query: SUMMARY),
    route!(Post "/api/v1/registers/{r}/confirmations/feeds", confirmations::feed, "calendar.feed", GRANT,
        "Makes a secret address of the caller's calendar, shown once", status: 201, gives: Gives::Json("Feed")),
    route!(Delete "/api/v1/registers/{r}/confirmations/feeds/{feed}", confirmations::end_feed, "calendar.feed", GRANT,
        "Ends a secret address", status: 204, gives: Gives::Nothing),
    route!(Get "/api/v1/registers/{r}/confirmations/{id}", confirmations::read, "confirmation.read", READ,
        "The checklist of a duty", gives: Gives::Json("Checklist")),
    route!(Post "/api/v1/registers/{r}/confirmations/{id}/checks", confirmations::check, "confirmation.check", WRITE,
        "Marks a part as checked", takes: Takes::Json("CheckBody"), gives: Gives::Json("ConfirmationNote")),
    route!(Post "/api/v1/registers/{r}/confirmations/{id}/reasons", confirmations::reason, "confirmation.check", WRITE,
        "Gives the reason for a warning", takes: Takes::Json("ReasonBody"), gives: Gives::Json("ConfirmationNote")),
    route!(Post "/api/v1/registers/{r}/confirmations/{id}/exceptions", confirmations::except, "confirmation.check",
        WRITE, "Notes a known fault under an open inquiry", takes: Takes::Json("ExceptionBody"),
        gives: Gives::Json("ConfirmationNote")),
    route!(Post "/api/v1/registers/{r}/confirmations/{id}/confirm", confirmations::confirm, "confirmation.confirm",
        WRITE, "Confirms the data as the head", takes: Takes::Json("ConfirmBody"), gives: Gives::Json("Receipt")),
    route!(Get "/api/v1/registers/{r}/confirmations/{id}/receipt", confirmations::receipt, "confirmation.receipt",
        READ, "The receipt of a confirmation", gives: Gives::Json("Receipt"), query: RECEIPT),
    route!(Get "/api/v1/registers/{r}/confirmations/{id}/records/{record}/proof", confirmations::proof,
        "confirmation.prove", READ, "What proves that a record was confirmed (RFC 6962)",
        gives: Gives::Json("ConfirmationProof")),
    route!(Get "/api/public/v1/calendars/{secret}.ics", confirmations::public_calendar, "calendar.read", SECRET,
        "The calendar behind a secret address", gives: Gives::Other("text/calendar"), login: false),
    route!(Get "/api/v1/registers/{r}/retention/due", retention::due, "retention.read", READ,
        "What falls due by a day, by rule and clause; changes nothing", gives: Gives::Object, query: DUE),
    route!(Get "/api/v1/registers/{r}/retention/forecast", retention::forecast, "retention.read", READ,
        "What falls due in which year; changes nothing", gives: Gives::Object),
    route!(Get "/api/v1/registers/{r}/retention/holds", retention::holds, "retention.read", READ,
        "Legal holds, newest first", gives: Gives::Object, query: HOLDS),
    route!(Post "/api/v1/registers/{r}/retention/holds", retention::hold, "hold.set", WRITE,
        "Keeps a person's records, or those of a query, from being erased", takes: Takes::Json("HoldBody"),
        status: 201, gives: Gives::Object),
    route!(Post "/api/v1/registers/{r}/retention/holds/{id}/lift", retention::lift, "hold.set", WRITE,
        "Lifts a hold", takes: Takes::Json("HoldLiftBody"), status: 204, gives: Gives::Nothing),
    route!(Get "/api/v1/registers/{r}/retention/batches", retention::batches, "retention.read", READ,
        "Batches, newest first", gives: Gives::Object, query: PAGE),
    route!(Post "/api/v1/registers/{r}/retention/batches", retention::propose, "retention.propose", WRITE,
        "Proposes a batch of what is due", takes: Takes::Json("BatchBody"), status: 201, gives: Gives::Object),
    route!(Get "/api/v1/registers/{r}/retention/batches/{id}", retention::batch, "retention.read", READ,
        "A batch with a page of its items", gives: Gives::Object, query: BATCH),
    route!(Post "/api/v1/registers/{r}/retention/batches/{id}/review", retention::review, "retention.propose", WRITE,
        "Reviews items of a batch", takes: Takes::Json("BatchReviewBody"), gives: Gives::Object),
    route!(Post "/api/v1/registers/{r}/retention/batches/{id}/approval", retention::approve, "retention.approve", WRITE,
        "Approves what somebody else proposed", takes: Takes::Json("BatchApprovalBody"), gives: Gives::Object),
    route!(Post "/api/v1/registers/{r}/retention/batches/{id}/cancellation", retention::give_up, "retention.propose",
        WRITE, "Gives a batch up, or back for review", takes: Takes::Json("BatchReasonBody"), gives: Gives::Object),
    route!(Post "/api/v1/registers/{r}/retention/batches/{id}/execution", retention::execute, "retention.execute",
        WRITE, "Writes the package, then erases, then draws up the act; goes on where it was cut short",
        gives: Gives::Object),
    route!(Get "/api/v1/registers/{r}/retention/batches/{id}/package", retention::package, "retention.execute", READ,
        "The archive package", gives: Gives::Other("application/x-tar")),
    route!(Get "/api/v1/registers/{r}/retention/batches/{id}/act", retention::act, "retention.read", READ,
        "The act of transfer or destruction", gives: Gives::Other("application/json"), query: ACT),
    route!(Get "/api/v1/registers/{r}/closing", closing::read, "retention.read", READ,
        "The end of the register: the decision, what stands open, what is left", gives: Gives::Object),
    route!(Post "/api/v1/registers/{r}/closing", closing::decide, "register.close", WRITE,
        "Decides that the register closes, and what becomes of its data", takes: Takes::Json("ClosingBody"), status: 201,
        gives: Gives::Object),
    route!(Post "/api/v1/registers/{r}/closing/approval", closing::approve, "retention.approve", WRITE,
        "Approves the decision that somebody else made", takes: Takes::Json("ClosingApprovalBody"), gives: Gives::Object),
    route!(Post "/api/v1/registers/{r}/closing/withdrawal", closing::withdraw, "register.close", WRITE,
        "Gives the decision up before it is approved", takes: Takes::Json("ClosingWithdrawalBody"),
        gives: Gives::Object),
    route!(Post "/api/v1/registers/{r}/closing/execution", closing::execute, "retention.execute", WRITE,
        "Hands over and destroys what the decision says for today; goes on where it was cut short",
        gives: Gives::Object),
    route!(Get "/api/v1/registers/{r}/records/{type}/{id}/retention", retention::why, "retention.read", READ,
        "How a record stands under the rules of retention, and why", gives: Gives::Object, query: WHY),
    route!(Post "/api/v1/registers/{r}/records/{type}/{id}/hold", retention::hold_record, "hold.set", WRITE,
        "Keeps a record from being erased", takes: Takes::Json("RecordHoldBody"), status: 201, gives: Gives::Object),
    route!(Delete "/api/v1/registers/{r}/records/{type}/{id}/hold", retention::lift_record, "hold.set", WRITE,
        "Lifts the hold on a record", status: 204, gives: Gives::Nothing, query: LIFT),
    route!(Get "/api/v1/registers/{r}/publications", publications::list, "publication.list", READ,
        "What was published when", gives: Gives::Json("PublicationPage"), query: PUBLICATIONS),
    route!(Post "/api/v1/registers/{r}/publications/{publication}", publications::propose, "publication.propose",
        WRITE, "Proposes to make public what the statute names of a record type", status: 201,
        gives: Gives::Json("Publication")),
    route!(Get "/api/v1/registers/{r}/publications/{publication}", publications::read, "publication.read", READ,
        "A publication with its rows and how they differ from what was public before",
        gives: Gives::Json("PublicationDetail"), query: PUBLIC_ROWS),
    route!(Post "/api/v1/registers/{r}/publications/{id}/approval", publications::approve, "publication.approve",
        WRITE, "Makes public what somebody else proposed", takes: Takes::Json("ApprovalBody"),
        gives: Gives::Json("Publication")),
    route!(Post "/api/v1/registers/{r}/publications/{id}/withdrawal", publications::withdraw,
        "publication.withdraw", WRITE, "Withdraws what is public or proposed",
        takes: Takes::Json("WithdrawalBody"), gives: Gives::Json("Publication")),
    route!(Get "/api/v1/registers/{r}/reports", reports::list, "report.list", READ,
        "Statistical reports, and when they are due", gives: Gives::Json("ReportPage")),
    route!(Get "/api/v1/registers/{r}/reports/{name}", reports::run, "report.run", READ,
        "A statistical report as it would be delivered now", gives: Gives::Json("Report"), query: REPORT),
    route!(Post "/api/v1/registers/{r}/reports/{name}/deliveries", reports::deliver, "report.run", WRITE,
        "Delivers a statistical report: its bytes, and their entry in the ledger",
        takes: Takes::Json("DeliveryBody"), status: 201, gives: Gives::Other("application/octet-stream")),
    route!(Get "/api/public/v1/registers/{r}/published/{type}", public::published, "public.data", PUBLIC,
        "What is public of a record type", gives: Gives::Json("Published"), query: PUBLISHED, login: false),
    route!(Get "/api/public/v1/registers", public::list, "public.catalogue", LAW, "The catalogue of registers",
        gives: Gives::Json("RegisterPage"), query: PAGE, login: false),
    route!(Get "/api/public/v1/registers/{r}", public::describe, "public.register", LAW,
        "What everybody may know of a register", login: false),
    route!(Get "/healthz", operations::live, "health.live", SELF, "Whether the process lives", login: false),
    route!(Get "/readyz", operations::ready, "health.ready", SELF, "Whether the database answers and is migrated",
        login: false),
    route!(Get "/healthz/backup", operations::backups, "health.backup", SELF, "How the copies of the database are",
        gives: Gives::Json("BackupHealth"), login: false),
    route!(Get "/metrics", operations::measured, "metrics", SELF, "Counters for Prometheus",
        gives: Gives::Other("text/plain"), login: false),
    route!(Get "/api/openapi.json", operations::openapi, "openapi", SELF, "This document", login: false),
];

/// The route that answers to a method at a pattern.
pub fn find(method: &Method, pattern: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|r| r.path == pattern && r.method.takes(method))
}

/// Registers every handler of the table.
pub fn register(cfg: &mut ServiceConfig) {
    let mut seen: Vec<&str> = Vec::new();
    for route in ROUTES {
        if seen.contains(&route.path) {
            continue;
        }
        seen.push(route.path);
        let here = || ROUTES.iter().filter(|r| r.path == route.path);
        let mut allow: Vec<&str> = here().map(|r| r.method.as_str()).collect();
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        let allow = allow.join(", ");
        let resource = here().fold(Resource::new(route.path), |resource, r| (r.attach)(resource));
        cfg.service(
            resource.default_service(web::to(move || other_method(allow.clone()))).wrap(from_fn(layers::guarded)),
        );
    }
    cfg.service(
        Resource::new("/api/docs/{file:.*}")
            .route(Verb::Get.route().to(operations::docs))
            .default_service(web::to(|| other_method("GET, HEAD".into()))),
    );
    cfg.service(Resource::new("/api/docs").route(
        web::get().to(|| async { HttpResponse::PermanentRedirect().insert_header((LOCATION, "/api/docs/")).finish() }),
    ));
}

async fn other_method(allow: String) -> Result<HttpResponse, Problem> {
    Err(Problem {
        header: Some(Box::new((ALLOW, allow.clone()))),
        ..Problem::new(Kind::MethodNotAllowed, format!("here there are {allow}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_route_stands_once_and_says_how_it_is_audited() {
        let mut seen = HashSet::new();
        for route in ROUTES {
            assert!(seen.insert((route.method, route.path)), "{}", route.path);
            assert!(!route.act.is_empty() && !route.summary.is_empty(), "{}", route.path);
            let known = [READ, WRITE, GRANT, LOGIN].contains(&route.audited);
            assert!(known || route.audited.starts_with("none: "), "{}", route.path);
        }
    }

    #[test]
    fn what_needs_no_login_shows_no_personal_data_but_what_an_act_made_public() {
        for route in ROUTES.iter().filter(|r| !r.login) {
            assert!(route.audited == LOGIN || route.audited.starts_with("none: "), "{}", route.path);
        }
        let public: Vec<_> = ROUTES.iter().filter(|r| r.audited == PUBLIC).map(|r| r.path).collect();
        assert_eq!(public, ["/api/public/v1/registers/{r}/published/{type}"], "one route and no other");
    }

    #[test]
    fn head_is_answered_where_get_is() {
        assert!(find(&Method::HEAD, "/healthz").is_some());
        assert!(find(&Method::POST, "/healthz").is_none());
    }
}
