//! The OpenAPI 3.1 document: paths from the table of routes, schemas from the types that are read and written.

use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use super::api::{documents, grants, records, sessions};
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
        documents::DocumentBody,
        grants::GrantBody,
        grants::GrantChangeBody,
        grants::RevocationBody,
        schemas::ProblemBody,
        schemas::Me,
        schemas::Record,
        schemas::RecordPage,
        schemas::EntryPage,
        schemas::Document,
        schemas::StoredFile,
        schemas::Grant,
        schemas::GrantPage,
        schemas::GrantLogPage,
        schemas::AuditPage,
        schemas::Proof,
        schemas::RegisterPage,
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
    }
    if route.method == Verb::Patch {
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
        Some("institutions" | "records") => "records",
        Some("base-documents" | "files") => "documents",
        Some("grants" | "grant-log") => "access",
        Some("audit") => "audit",
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
    if route.method == Verb::Patch {
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
    use crate::domain::record::entry::EntryKind;
    use crate::domain::record::index::Status;
    use crate::domain::record::validate::Violation;
    use crate::domain::statute::Clause;
    use crate::store::acts::documents::DocumentData;
    use crate::store::read::audit::{AuditView, ProofView};
    use crate::store::read::documents::{DocumentView, FileView};
    use crate::store::read::grants::{GrantLogView, GrantView};
    use crate::store::read::me::{MeView, MyGrant, MyRecord};
    use crate::store::read::records::{EntryView, Page, RecordView};
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
            revoked: false,
            version: 1,
        };
        agree("Grant", &grant);
        agree("GrantItem", &GrantView { grant: grant.clone(), username: text(), in_force: true });
        let my_grant = MyGrant { register: text(), grant };
        agree("MyGrant", &my_grant);
        let my_record = MyRecord { register: text(), record_type: text(), id };
        agree("MyRecord", &my_record);
        agree("Me", &MeView { id, username: text(), display_name: text(), grants: vec![], records: vec![] });
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
        agree(
            "Proof",
            &ProofView { from: 0, size: 1, leaf: Some(text()), leaf_hash: Some(text()), proof: vec![], root: text() },
        );
    }
}
