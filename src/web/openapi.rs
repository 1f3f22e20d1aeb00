//! The OpenAPI 3.1 document: paths from the table of routes, schemas from the types that are read and written.

use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use super::api::{
    cases, closing, confirmations, disclosure, documents, exchanges, grants, imports, jobs, moves, publications,
    records, reports, retention, sessions, supervision,
};
use super::query::{Param, ParamKind};
use super::routes::{Gives, ROUTES, Route, Takes, Verb};
use super::schemas;

/// Everything that the schemas of routes name.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "andmekogu",
        description = "Runs a public register from its statute. Errors are RFC 9457 problems; lists are paged; \
                       what is read of people is logged before it is sent.",
        license(name = "EUPL-1.2", identifier = "EUPL-1.2")
    ),
    components(schemas(
        sessions::Login,
        sessions::Refresh,
        sessions::PasswordChange,
        sessions::SessionBody,
        records::RecordBody,
        records::ChangeBody,
        records::CorrectionBody,
        records::EndBody,
        moves::MoveBody,
        moves::AcceptanceBody,
        moves::MoveReasonBody,
        documents::DocumentBody,
        cases::CaseBody,
        cases::CaseStepBody,
        disclosure::DisclosureRequestBody,
        disclosure::DisclosureDecisionBody,
        disclosure::ManualReleaseBody,
        disclosure::DisclosureCheckBody,
        grants::GrantBody,
        grants::GrantChangeBody,
        grants::RevocationBody,
        confirmations::CheckBody,
        confirmations::ReasonBody,
        confirmations::ExceptionBody,
        confirmations::ConfirmBody,
        publications::ApprovalBody,
        publications::WithdrawalBody,
        closing::ClosingBody,
        closing::ClosingDocumentBody,
        closing::DispositionBody,
        closing::OpenMatterBody,
        closing::ClosingStepBody,
        closing::ReceiverBody,
        closing::ClosingApprovalBody,
        closing::ClosingWithdrawalBody,
        retention::BatchBody,
        retention::BatchReviewBody,
        retention::BatchDecisionBody,
        retention::BatchApprovalBody,
        retention::BatchReasonBody,
        retention::RecordHoldBody,
        retention::HoldBody,
        retention::HoldLiftBody,
        reports::DeliveryBody,
        supervision::KeptQueryBody,
        supervision::ReviewBody,
        jobs::ReachBody,
        schemas::ProblemBody,
        schemas::BackupHealth,
        schemas::Me,
        schemas::Record,
        schemas::ValueSource,
        schemas::RecordPage,
        schemas::EntryPage,
        schemas::Move,
        schemas::MovePage,
        schemas::QueuePage,
        schemas::QueuePlace,
        schemas::Document,
        schemas::StoredFile,
        schemas::Grant,
        schemas::GrantPage,
        schemas::GrantLogPage,
        schemas::DisclosureRequest,
        schemas::DisclosureRequestPage,
        schemas::Disclosure,
        schemas::DisclosurePage,
        schemas::ExchangeRun,
        schemas::ExchangeRunPage,
        schemas::Import,
        schemas::ImportPage,
        schemas::ImportRowPage,
        schemas::ImportReport,
        schemas::IncomingReport,
        exchanges::IncomingBody,
        imports::ImportBody,
        imports::BulkChangeBody,
        schemas::DisclosureInFull,
        schemas::DisclosureCheck,
        schemas::MyDisclosurePage,
        schemas::AuditPage,
        schemas::AccessReport,
        schemas::KeptQuery,
        schemas::KeptQueryPage,
        schemas::Signals,
        schemas::Sample,
        schemas::Review,
        schemas::ReviewPage,
        schemas::MyAccessPage,
        schemas::Proof,
        schemas::Case,
        schemas::CasePage,
        schemas::CaseInFull,
        schemas::RegisterPage,
        schemas::Publication,
        schemas::PublicationPage,
        schemas::PublicationDetail,
        schemas::Published,
        schemas::Duty,
        schemas::DutyPage,
        schemas::DutySummary,
        schemas::Feed,
        schemas::Checklist,
        schemas::ConfirmationNote,
        schemas::Receipt,
        schemas::ConfirmationProof,
        schemas::ReportPage,
        schemas::Report,
        schemas::Jobs,
        schemas::Letter,
        schemas::LetterPage,
    ))
)]
struct Schemas;

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn variable(name: &str) -> Value {
    let (kind, about) = match name {
        "r" => (json!({ "type": "string" }), "Short name of the register"),
        "type" => (json!({ "type": "string" }), "Record type of the definition"),
        "publication" => (json!({ "type": "string" }), "Id of a publication; to propose one, the record type"),
        "import" => (json!({ "type": "string" }), "Id of an import; to import a sheet, the record type"),
        "name" => (json!({ "type": "string" }), "Name in the definition"),
        "feed" => (json!({ "type": "string" }), "Id of a secret address"),
        "secret" => (json!({ "type": "string" }), "The secret"),
        "seq" => (json!({ "type": "integer", "format": "int64", "minimum": 0 }), "Place in the tree, from 0"),
        _ => (json!({ "type": "string", "format": "uuid" }), "Id"),
    };
    json!({ "name": name, "in": "path", "required": true, "description": about, "schema": kind })
}

fn parameter(param: &Param) -> Value {
    let text = |format: &str| json!({ "type": "string", "format": format });
    let kind = match param.kind {
        ParamKind::Text | ParamKind::Moment => json!({ "type": "string" }),
        ParamKind::Id => text("uuid"),
        ParamKind::Day => text("date"),
        ParamKind::Instant => text("date-time"),
        ParamKind::Number if param.name == "limit" => {
            json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 50 })
        }
        ParamKind::Number => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
        ParamKind::OneOf(words) => json!({ "type": "string", "enum": words }),
        ParamKind::Fields => {
            json!({ "type": "object", "additionalProperties": { "type": "string" } })
        }
    };
    let mut out = json!({
        "name": param.name, "in": "query", "required": param.required, "description": param.about, "schema": kind,
    });
    if param.kind == ParamKind::Fields {
        out["style"] = json!("deepObject");
        out["explode"] = json!(true);
    }
    out
}

fn header(name: &str, about: &str, required: bool) -> Value {
    json!({ "name": name, "in": "header", "required": required, "description": about, "schema": { "type": "string" } })
}

fn body(takes: Takes) -> Option<Value> {
    let file = json!({ "type": "string", "format": "binary" });
    let form = |properties: Value, required: &[&str]| json!({ "schema": { "type": "object", "properties": properties, "required": required } });
    let content = match takes {
        Takes::Nothing => return None,
        Takes::Json(name) => json!({ "application/json": { "schema": schema(name) } }),
        Takes::JsonOrForm(name) => json!({
            "application/json": { "schema": schema(name) },
            "multipart/form-data": form(json!({ "metadata": schema(name), "file": file }), &["metadata"]),
        }),
        Takes::File => json!({ "multipart/form-data": form(json!({ "file": file }), &["file"]) }),
    };
    Some(json!({ "required": true, "content": content }))
}

fn answers(route: &Route) -> Value {
    let content = match route.gives {
        Gives::Nothing => None,
        Gives::Json(name) | Gives::Versioned(name) => Some(json!({ "application/json": { "schema": schema(name) } })),
        Gives::Object => Some(json!({ "application/json": { "schema": { "type": "object" } } })),
        Gives::Other(media) => Some(json!({ media: { "schema": { "type": "string" } } })),
    };
    let mut good = json!({ "description": route.summary });
    if let Some(content) = content {
        good["content"] = content;
    }
    let text = json!({ "type": "string" });
    if let Gives::Versioned(_) = route.gives {
        good["headers"]["ETag"] = json!({ "description": "Version, for If-Match", "schema": text });
    }
    if route.status == 201 && !route.path.starts_with("/api/v1/sessions") && route.takes != Takes::File {
        good["headers"]["Location"] = json!({ "description": "Where it is", "schema": text });
    }
    let problem = json!({
        "description": "A problem (RFC 9457)",
        "content": { "application/problem+json": { "schema": schema("ProblemBody") } },
    });
    let mut out = json!({ route.status.to_string(): good });
    for status in problems(route) {
        out[status] = problem.clone();
    }
    out
}

fn problems(route: &Route) -> Vec<&'static str> {
    let mut list = vec!["400"];
    if route.login || route.takes != Takes::Nothing {
        list.push("401");
    }
    if route.login {
        list.push("403");
    }
    if route.path.contains('{') || route.path == "/metrics" {
        list.push("404");
    }
    if route.takes != Takes::Nothing {
        list.extend(["408", "409", "413", "415", "422"]);
    } else if route.audited == "read" {
        list.push("422");
    } else if route.method == Verb::Post {
        list.extend(["409", "422"]);
    }
    if route.method == Verb::Patch && matches!(route.gives, Gives::Versioned(_)) {
        list.extend(["412", "428"]);
    }
    if route.audited == "login" && route.takes != Takes::Nothing {
        list.push("429");
    }
    if !route.audited.starts_with("none") || route.path == "/readyz" {
        list.push("503");
    }
    list.sort_unstable();
    list
}

fn tag(path: &str) -> &'static str {
    let rest = path.strip_prefix("/api/v1/").unwrap_or_default();
    let noun = rest.strip_prefix("registers/{r}/").and_then(|r| r.split('/').next());
    match noun {
        Some("institutions" | "records" | "moves" | "queues") => "records",
        Some("base-documents" | "files") => "documents",
        Some("grants" | "grant-log" | "access-report") => "access",
        Some("disclosure-requests" | "disclosures") => "disclosure",
        Some("audit") => "audit",
        Some(noun) if noun.starts_with("confirmations") => "confirmation",
        Some("publications" | "reports") => "disclosure",
        Some("outbox") => "operations",
        Some(_) => "registers",
        None if rest.starts_with("sessions") || rest.starts_with("me") => "login",
        None if rest.starts_with("registers") => "registers",
        None if path.starts_with("/api/public/") => "public",
        None => "operations",
    }
}

fn operation(route: &Route) -> Value {
    let variables = route.path.split(['{', '}']).skip(1).step_by(2).map(variable);
    let mut parameters: Vec<Value> = variables.chain(route.query.iter().map(parameter)).collect();
    if route.login {
        parameters.push(header(
            "X-Purpose",
            "Why personal data are read; 422 purpose_required where it must be given",
            false,
        ));
    }
    if route.login {
        let words = "Id of the grant under which the caller acts, where they hold several";
        parameters.push(header("X-Acting-As", words, false));
    }
    if route.method == Verb::Patch && matches!(route.gives, Gives::Versioned(_)) {
        parameters.push(header("If-Match", "ETag of the version seen", true));
    }
    if route.creates() {
        parameters.push(header("Idempotency-Key", "The same key and body replay the first answer", false));
    }
    let verb = route.method.as_str().to_lowercase();
    let name: String = route.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut out = json!({
        "tags": [tag(route.path)],
        "summary": route.summary,
        "description": format!("Act: `{}`. Audited: {}.", route.act, route.audited),
        "operationId": format!("{verb}{name}"),
        "parameters": parameters,
        "responses": answers(route),
        "security": if route.login { json!([{ "bearer": [] }]) } else { json!([]) },
    });
    if let Some(body) = body(route.takes) {
        out["requestBody"] = body;
    }
    out
}

/// The document.
pub fn document() -> Value {
    let schemas: Document = Schemas::openapi();
    let mut out = serde_json::to_value(&schemas).unwrap_or_else(|_| json!({}));
    out["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    out["servers"] = json!([{ "url": "/" }]);
    out["components"]["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
    });
    out["paths"] = json!({});
    for route in ROUTES {
        out["paths"][route.path][route.method.as_str().to_lowercase()] = operation(route);
    }
    out
}

/// The document as it is served.
pub fn text() -> String {
    document().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::grant::Basis;
    use crate::domain::case::CaseFile;
    use crate::domain::case::{CaseDecision, CaseParty, CaseState, Deadline};
    use crate::domain::disclosure::{LedgerBody, Request};
    use crate::domain::record::entry::EntryKind;
    use crate::domain::record::index::Status;
    use crate::domain::record::validate::Violation;
    use crate::domain::statute::Clause;
    use crate::domain::statute::procedures::Procedure;
    use crate::store::acts::documents::DocumentData;
    use crate::store::acts::exchanges::IncomingReport;
    use crate::store::acts::supervision::KeptFilter;
    use crate::store::read::accesses::MyAccess;
    use crate::store::read::audit::{AuditList, AuditView, ProofView};
    use crate::store::read::cases::{CaseInFull, CaseView, StepView};
    use crate::store::read::disclosure::{CheckView, DisclosureInFull, DisclosureView, MyDisclosureView, RequestView};
    use crate::store::read::documents::{DocumentView, FileView};
    use crate::store::read::exchanges::ExchangeRunView;
    use crate::store::read::grants::{GrantLogView, GrantView};
    use crate::store::read::jobs::{JobView, JobsView, RunView};
    use crate::store::read::letters::LetterView;
    use crate::store::read::me::{MeView, MyGrant, MyRecord};
    use crate::store::read::publications::{PublicationDetail, PublicationView, PublishedView};
    use crate::store::read::records::{EntryView, Page, RecordView, SourceTold};
    use crate::store::read::report::{AccessView, CouldSection, CouldView, ReceivedView, ReportRecord, ReportView};
    use crate::store::read::reports::ReportLine;
    use crate::store::read::supervision::{QueryView, ReviewView, SampleView, SignalView, SignalsView};
    use chrono::NaiveDate;
    use serde::Serialize;
    use std::collections::BTreeSet;
    use uuid::Uuid;

    fn refs(value: &Value, out: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(r)) = map.get("$ref") {
                    out.insert(r.clone());
                }
                map.values().for_each(|v| refs(v, out));
            }
            Value::Array(list) => list.iter().for_each(|v| refs(v, out)),
            _ => {}
        }
    }

    #[test]
    fn every_route_is_in_the_document_and_nothing_else() {
        let document = document();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.insert((method.to_uppercase(), path.clone()));
            }
        }
        let routes = ROUTES.iter().map(|r| (r.method.as_str().to_owned(), r.path.to_owned()));
        assert_eq!(described, routes.collect());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut found = BTreeSet::new();
        refs(&document, &mut found);
        assert!(!found.is_empty());
        for pointer in found {
            assert!(document.pointer(&pointer[1..]).is_some(), "{pointer}");
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let ids: BTreeSet<String> = ROUTES.iter().map(|r| operation(r)["operationId"].to_string()).collect();
        assert_eq!(ids.len(), ROUTES.len());
    }

    /// Members of a schema, those of its parts included: all, and those that must be there.
    fn members(document: &Value, schema: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
        let schema = match schema["$ref"].as_str() {
            Some(pointer) => document.pointer(&pointer[1..]).unwrap(),
            None => schema,
        };
        let mut all = BTreeSet::new();
        let mut required = BTreeSet::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let (a, r) = members(document, part);
            all.extend(a);
            required.extend(r);
        }
        all.extend(schema["properties"].as_object().into_iter().flat_map(|p| p.keys().cloned()));
        let names = schema["required"].as_array().into_iter().flatten();
        required.extend(names.filter_map(Value::as_str).map(str::to_owned));
        (all, required)
    }

    fn agree(name: &str, value: &impl Serialize) {
        let document = document();
        let (all, required) = members(&document, &schema(name));
        let value = serde_json::to_value(value).unwrap();
        let is: BTreeSet<String> = value.as_object().unwrap().keys().cloned().collect();
        assert!(is.is_subset(&all), "{name} has {:?}", is.difference(&all));
        assert!(required.is_subset(&is), "{name} lacks {:?}", required.difference(&is));
    }

    #[test]
    fn moves_and_queues_schemas() {
        use crate::domain::record::queue::{KeyTold, Says};
        use crate::domain::statute::Label;
        use crate::store::read::moves::{MoveSide, MoveView};
        use crate::store::read::queue::{QueueLine, QueuePlace};
        use crate::web::api::queue::PlaceTold;
        let id = Uuid::nil();
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let text = || "x".to_owned();
        let label = || Label::estonian(text());
        let side = || MoveSide { record_type: text(), id: None, institution_id: id };
        agree("MoveSide", &side());
        let moved = MoveView {
            id,
            name: text(),
            label: Some(label()),
            clause: text(),
            state: text(),
            effective_on: day,
            from: side(),
            into: side(),
            begun_at: text(),
            ended_at: None,
            reason: None,
            carried: Some(json!({})),
            record: None,
        };
        agree("Move", &moved);
        agree("MovePage", &Page { items: vec![moved], next_cursor: None });
        let told = |says| KeyTold { name: text(), label: label(), basis: text(), says, ahead: 1 };
        for says in [Says::Holds(true), Says::Value(None), Says::Hidden] {
            agree("QueueKeyTold", &told(says));
        }
        let line = QueueLine { number: 1, of: 1, because: vec![told(Says::Hidden)], record: None };
        agree("QueueLine", &line);
        agree("QueuePage", &Page { items: vec![line], next_cursor: None });
        let because = vec![told(Says::Holds(true))];
        let place =
            QueuePlace { record_id: id, institution_id: id, as_of: day, number: 1, of: 1, because, clause: text() };
        agree("QueuePlace", &PlaceTold::new(&place, crate::locale::Lang::Et));
    }

    #[test]
    fn import_schemas() {
        use crate::domain::import::{CellFault, Difference};
        use crate::store::acts::imports::{ImportItem, ImportReport};
        use crate::store::read::imports::{ImportRowView, ImportView};
        let (id, text) = (Uuid::nil(), || "x".to_owned());
        let import = ImportView {
            id,
            register: text(),
            record_type: text(),
            institution_id: id,
            state: text(),
            made_by: text(),
            made_at: text(),
            undone_at: None,
            part: None,
            done: None,
            of: None,
            faulty: None,
            sha256: None,
            summary: json!({}),
        };
        agree("Import", &import);
        agree("ImportPage", &Page { items: vec![import], next_cursor: None });
        let row = ImportRowView { row: 2, outcome: text(), record_id: id, entry_id: id };
        agree("ImportRow", &row);
        agree("ImportRowPage", &Page { items: vec![row], next_cursor: None });
        let difference = Difference { pointer: text(), before: None, after: None };
        agree("ImportDifference", &difference);
        let item = ImportItem { row: None, outcome: "gone", record_id: None, differences: vec![difference] };
        agree("ImportItem", &item);
        let fault = CellFault {
            row: 2,
            column: text(),
            field: text(),
            value: text(),
            code: "range",
            detail: text(),
            clause: None,
        };
        agree("CellFault", &fault);
        let report = ImportReport {
            import_id: id,
            record_type: text(),
            institution_id: id,
            state: "done",
            rows: 1,
            new: 1,
            changed: 0,
            unchanged: 0,
            left_out: 0,
            gone: 0,
            faulty: 0,
            items: vec![item],
            faults: vec![fault.clone()],
            warnings: vec![fault],
            columns: json!([]),
            encoding: None,
            delimiter: None,
            notes: vec![],
        };
        agree("ImportReport", &report);
    }

    #[test]
    fn schemas_are_those_of_what_is_sent() {
        let id = Uuid::nil();
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let text = || "x".to_owned();
        let grant = crate::domain::access::Grant {
            id,
            user_id: id,
            role: text(),
            institution_id: None,
            sections: None,
            from: day,
            until: None,
            basis: Basis { kind: text(), reference: text() },
            task: None,
            application_id: None,
            revoked: false,
            version: 1,
        };
        agree("Grant", &grant);
        agree(
            "GrantItem",
            &GrantView { grant: grant.clone(), username: text(), in_force: true, beside: Default::default() },
        );
        let my_grant = MyGrant { register: text(), grant };
        agree("MyGrant", &my_grant);
        let my_record = MyRecord { register: text(), record_type: text(), id, standing: Some("guardian") };
        agree("MyRecord", &my_record);
        agree(
            "Me",
            &MeView {
                id,
                username: text(),
                display_name: text(),
                email: None,
                language: None,
                grants: vec![],
                records: vec![],
            },
        );
        let run =
            RunView { due: text(), started: text(), finished: None, duration_ms: None, outcome: None, detail: None };
        agree("JobRun", &run);
        let job = JobView { name: text(), does: text(), schedule: text(), last_run: Some(run), next_due: text() };
        agree("Job", &job);
        agree("Jobs", &JobsView { items: vec![job] });
        agree(
            "Letter",
            &LetterView {
                id,
                letter: text(),
                state: text(),
                address: text(),
                language: text(),
                attempts: 1,
                next_at: None,
                fault: None,
                case_id: None,
                created_at: text(),
                sent_at: None,
            },
        );
        let fault = Violation::error("/a", "b", "c", Some(Clause("d".into())));
        agree("Fault", &fault);
        let record = RecordView {
            id,
            register: text(),
            record_type: text(),
            institution_id: id,
            status: Status::Active,
            version: 1,
            effective_on: day,
            data: json!({}),
            redacted: vec![],
            created_at: text(),
            updated_at: text(),
            sources: [(text(), SourceTold { source: None, entry_id: id, recorded_at: text() })].into(),
            warnings: vec![fault],
        };
        agree("Record", &record);
        agree("RecordPage", &Page { items: vec![record], next_cursor: None });
        agree(
            "Entry",
            &EntryView {
                id,
                number: 1,
                kind: EntryKind::Create,
                effective_on: text(),
                data: json!({}),
                redacted: vec![],
                recorded_at: text(),
                made_by: text(),
                source: None,
                base_document_ids: vec![],
                reason: None,
                supersedes: None,
                superseded_by: None,
                audit_id: id,
                definition: text(),
            },
        );
        let file = FileView { sha256: text(), media_type: text(), size: 1 };
        agree("StoredFile", &file);
        let data = DocumentData {
            kind: text(),
            number: Some(text()),
            date: Some(day),
            issuer: Some(text()),
            title: Some(text()),
            reference: Some(text()),
            explanation: Some(text()),
            valid_until: Some(day),
            institution_id: Some(id),
        };
        agree("DocumentBody", &data);
        agree(
            "Document",
            &DocumentView {
                id,
                register: text(),
                data,
                file: Some(file),
                file_name: Some(text()),
                added_at: text(),
                added_by: text(),
            },
        );
        agree(
            "GrantLogItem",
            &GrantLogView {
                id,
                act: text(),
                recorded_at: text(),
                grant_id: id,
                user_id: id,
                username: text(),
                made_by: text(),
                before: Some(json!({})),
                after: Some(json!({})),
                ground: Some(text()),
                explanation: Some(text()),
            },
        );
        let case = CaseView {
            case: CaseFile {
                id,
                kind: text(),
                state: CaseState::Open,
                institution_id: None,
                record_type: None,
                record_id: None,
                fields: vec![],
                opened_at: text(),
                opened_by: text(),
                received_on: day,
                deadline: None,
                counted_from: None,
                subject: text(),
                text: text(),
                from: None,
                details: json!({}),
                attachments: vec![],
                made: std::collections::BTreeMap::new(),
                decision: None,
                closed_at: None,
                version: 1,
            },
            register: text(),
            procedure: Procedure::Complaint,
            overdue: false,
            beside: Default::default(),
        };
        agree("Case", &case);
        agree("CaseInFull", &CaseInFull { view: case, history: vec![], may: Default::default() });
        let step = StepView { number: 1, act: text(), made_at: text(), made_by: text(), body: json!({}), audit_id: id };
        agree("CaseStep", &step);
        let party = CaseParty {
            name: text(),
            kind: Some(text()),
            registry_code: Some(text()),
            personal_code: Some(text()),
            contact: text(),
        };
        agree("Party", &party);
        let deadline =
            Deadline { nominal: day, due: day, moved_by: Some(text()), at: text(), clause: Clause("d".into()) };
        agree("Deadline", &deadline);
        let decision = CaseDecision {
            outcome: text(),
            clause: Clause("d".into()),
            ground: Some(text()),
            explanation: text(),
            details: json!({}),
            remedies: Some(text()),
            at: text(),
            by: text(),
        };
        agree("CaseDecision", &decision);
        let request = Request {
            object: text(),
            record_type: text(),
            fields: vec![],
            filter: std::collections::BTreeMap::new(),
            as_of: None,
            purpose: text(),
            legal_basis: text(),
            recipient: None,
        };
        agree(
            "DisclosureRequest",
            &RequestView {
                id,
                register: text(),
                kind: text(),
                state: CaseState::Open,
                version: 1,
                received_on: day,
                opened_at: text(),
                deadline: Some(deadline),
                requester: Some(party),
                request,
                decision: Some(decision),
                disclosures: vec![],
                beside: Default::default(),
            },
        );
        let entry = DisclosureView {
            id,
            register: text(),
            case_id: None,
            released_at: text(),
            channel: text(),
            record_type: None,
            body: LedgerBody::default(),
            digest: None,
            audit_id: id,
        };
        agree("Disclosure", &entry);
        let run = ExchangeRunView {
            id,
            exchange: text(),
            made_by: text(),
            made_at: text(),
            sha256: text(),
            disclosure_id: None,
            counts: json!({}),
            audit_id: id,
        };
        agree("ExchangeRun", &run);
        let report = IncomingReport {
            exchange_run: id,
            exchange: text(),
            part: text(),
            state: "done",
            rows: 1,
            new: 0,
            changed: 0,
            unchanged: 1,
            unknown: 0,
            faulty: 0,
            items: vec![],
            faults: vec![],
        };
        agree("IncomingReport", &report);
        agree("ExchangeRunPage", &Page { items: vec![run], next_cursor: None });
        let subjects = Page { items: vec![], next_cursor: None };
        agree("DisclosureInFull", &DisclosureInFull { entry: entry.clone(), subjects, titles: Default::default() });
        agree("DisclosureCheck", &CheckView { sha256: text(), found: true, disclosures: vec![entry] });
        agree(
            "MyDisclosure",
            &MyDisclosureView {
                id,
                register: text(),
                released_at: text(),
                channel: text(),
                recipient: None,
                registry_code: None,
                record_type: None,
                fields: vec![],
                sections: vec![],
                ground: None,
                clause: None,
                purpose: None,
                as_of: None,
            },
        );
        agree(
            "AuditItem",
            &AuditView {
                seq: Some(1),
                id,
                recorded_at: text(),
                kind: text(),
                action: text(),
                decision: text(),
                event: None,
            },
        );
        let publication = PublicationView {
            id,
            record_type: text(),
            state: text(),
            as_of: text(),
            clause: Clause(text()),
            fields: vec![],
            counts: crate::domain::publication::Counts::default(),
            compared_with: None,
            digest: text(),
            proposed_at: text(),
            proposed_by: text(),
            decided_by: None,
            public_from: None,
            public_until: None,
            withdrawn_by: None,
            withdrawn_for: None,
        };
        agree("Publication", &publication);
        let rows = Page { items: vec![], next_cursor: None };
        agree("PublicationDetail", &PublicationDetail { publication, rows });
        agree(
            "Published",
            &PublishedView {
                register: text(),
                record_type: text(),
                clause: Clause(text()),
                as_of: text(),
                published_at: text(),
                digest: text(),
                columns: vec![],
                items: vec![],
                next_cursor: None,
            },
        );
        agree(
            "ReportItem",
            &ReportLine {
                name: text(),
                label: text(),
                clause: Clause(text()),
                recipient: text(),
                record_type: text(),
                group_by: vec![],
                measures: vec![],
                threshold: 5,
                every: None,
                deliveries: 0,
                last_delivered_at: None,
                last_as_of: None,
                next_due: None,
                overdue: false,
            },
        );
        agree(
            "Report",
            &crate::domain::publication::report::ReportView {
                register: text(),
                report: text(),
                label: text(),
                clause: Clause(text()),
                recipient: text(),
                record_type: text(),
                as_of: day,
                threshold: 5,
                dimensions: vec![],
                measures: vec![],
                cells: vec![],
            },
        );
        agree("AuditPage", &AuditList { items: vec![], next_cursor: None, scanned: Some(1) });
        supervision_schemas();
        agree(
            "Proof",
            &ProofView { from: 0, size: 1, leaf: Some(text()), leaf_hash: Some(text()), proof: vec![], root: text() },
        );
    }
    fn supervision_schemas() {
        let id = Uuid::nil();
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let text = || "x".to_owned();
        let section = CouldSection { section: text(), clause: Clause(text()), policy: None };
        agree("CouldSection", &section);
        let could = CouldView {
            record_id: id,
            user_id: None,
            username: None,
            display_name: None,
            standing: "grant",
            role: text(),
            grant_id: None,
            institution_id: None,
            from: Some(day),
            until: None,
            basis: None,
            sections: vec![section],
        };
        agree("CouldItem", &could);
        let access = AccessView {
            id,
            seq: None,
            recorded_at: text(),
            kind: text(),
            action: text(),
            user_id: None,
            actor: None,
            role: None,
            grant_id: None,
            clause: None,
            purpose: None,
            sections: vec![],
        };
        agree("AccessItem", &access);
        let received = ReceivedView {
            id,
            released_at: text(),
            channel: text(),
            recipient_code: None,
            case_id: None,
            digest: text(),
            ledger: json!({}),
            audit_id: id,
        };
        agree("ReceivedItem", &received);
        let record = ReportRecord { id, record_type: text(), institution_id: id, status: Status::Active };
        agree("ReportRecord", &record);
        let report = ReportView {
            register: text(),
            at: text(),
            day,
            definition: text(),
            records: vec![record],
            could: vec![could],
            did: vec![access],
            did_total: 1,
            next_cursor: None,
            received: vec![received],
            received_total: 1,
            next_received_cursor: None,
            institutions: Default::default(),
        };
        agree("AccessReport", &report);
        let query = QueryView { id, name: text(), query: KeptFilter::default(), saved_at: text() };
        agree("KeptQuery", &query);
        let signal = SignalView {
            kind: crate::domain::supervision::signals::Kind::Burst,
            user_id: id,
            username: text(),
            from: text(),
            until: text(),
            events: vec![],
            count: 1,
            records: 1,
            weight: 1,
            words: text(),
        };
        agree("SignalItem", &signal);
        agree("Signals", &SignalsView { from: text(), to: text(), readings: 1, items: vec![signal], total: 1 });
        agree("Sample", &SampleView { from: text(), to: text(), seed: text(), population: 1, items: vec![] });
        let review = ReviewView {
            id,
            signed_at: text(),
            signed_by: text(),
            from: text(),
            to: text(),
            filter: KeptFilter::default(),
            seed: None,
            sample: vec![],
            verdict: text(),
            note: text(),
            audit_id: id,
        };
        agree("Review", &review);
        let mine = MyAccess {
            id,
            register: text(),
            record_ids: vec![],
            recorded_at: text(),
            kind: text(),
            action: text(),
            role: None,
            purpose: None,
            institution_id: None,
            clause: None,
            sections: vec![],
            own: true,
        };
        agree("MyAccess", &mine);
    }
}
