//! Sheets that come in, templates and lists that go out, and changes of many records at once.

use std::collections::BTreeMap;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::records::list_query;
use super::reports::file;
use super::{At, State, aside};
use crate::app::files_of::Shape;
use crate::app::imports::{Export, Mended, NewBulk, NewImport, fault_sheet};
use crate::domain::import::{CellFault, Mapping};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::files::read::Encoding;
use crate::store::acts::imports::{BulkChange, ImportReport, Step};
use crate::web::answer::{self, Answer};
use crate::web::context::{Asked, language, percent_encoded};
use crate::web::json::{Sent, body, canonical};
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::upload::Upload;

/// Shapes of sheets.
pub const SHEETS: &[&str] = &["xlsx", "csv"];
/// Shapes of exported lists.
pub const EXPORTS: &[&str] = &["json", "csv", "xlsx"];
/// What columns of an export bear.
pub const NAMES: &[&str] = &["labels", "machine"];

body! {
    /// What is said of a sheet that is imported.
    ImportBody creates true {
        /// Institution whose records they are.
        institution_id: Uuid,
        /// First day on which the rows are true that have no day of their own.
        effective_on: NaiveDate,
        /// Base documents on which all of it rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
        /// Which column is which field (`columns`), how days are written (`dates`: `iso`, `dotted`,
        /// `day_month_slashed`), `decimal_comma`, `separator`; absent: as with the caller's last sheet of the type, or
        /// by the names of the columns.
        #[schema(value_type = Option<Object>)]
        mapping: Option<Value>,
        /// Whether the mapping is kept for the caller's next sheet.
        keep_mapping: Option<bool>,
        /// Sheet of the workbook.
        sheet: Option<String>,
        /// What stands between the cells of a text file; absent: it is recognised.
        delimiter: Option<String>,
        /// Encoding of a text file: `utf-8`, `utf-16le`, `utf-16be` or `windows-1257`; absent: it is recognised.
        encoding: Option<String>,
        /// Row of the names of the columns, from 1; absent: the first that is not empty.
        #[schema(value_type = Option<u32>)]
        header_row: Option<Value>,
        /// Whether records are entered that the register does not know; default yes.
        creates: Option<bool>,
        /// Whether records are changed that it knows; default yes.
        changes: Option<bool>,
    }
}

impl ImportBody {
    fn order(self, record_type: String, dry_run: bool) -> Result<NewImport, Problem> {
        let mut faults = Vec::new();
        let mut wrong = |at: &str, code, detail: &str| faults.push(Violation::error(at, code, detail, None));
        let mapping = match self.mapping.map(serde_json::from_value::<Mapping>).transpose() {
            Ok(mapping) => mapping,
            Err(_) => {
                let detail = "columns by name with their fields, dates, decimal_comma and separator are expected";
                wrong("/mapping", "type", detail);
                None
            }
        };
        let encoding = match self.encoding.as_deref() {
            None => None,
            Some(name) => {
                let known = Encoding::ALL.into_iter().find(|e| e.name().eq_ignore_ascii_case(name));
                if known.is_none() {
                    wrong("/encoding", "not_in_codelist", "utf-8, utf-16le, utf-16be or windows-1257 is expected");
                }
                known
            }
        };
        let delimiter = match self.delimiter.as_deref().map(|d| (d.chars().next(), d.chars().count())) {
            None => None,
            Some((Some(one), 1)) if one.is_ascii() => Some(one),
            Some(_) => {
                wrong("/delimiter", "type", "one ASCII character is expected");
                None
            }
        };
        let header_row = match self.header_row.as_ref().map(|v| v.as_u64().and_then(|n| u32::try_from(n).ok())) {
            None => None,
            Some(Some(row)) if row > 0 => Some(row),
            Some(_) => {
                wrong("/header_row", "type", "the number of a row is expected, from 1");
                None
            }
        };
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        Ok(NewImport {
            record_type,
            institution_id: self.institution_id,
            effective_on: self.effective_on,
            base_document_ids: self.base_document_ids,
            mapping,
            keep_mapping: self.keep_mapping.unwrap_or(false),
            sheet: self.sheet,
            delimiter,
            encoding,
            header_row,
            creates: self.creates.unwrap_or(true),
            changes: self.changes.unwrap_or(true),
            mended: Mended::default(),
            dry_run,
        })
    }
}

body! {
    /// A change of many records at once.
    BulkChangeBody creates true {
        /// Institution whose records they are.
        institution_id: Uuid,
        /// First day on which it is true.
        effective_on: NaiveDate,
        /// Base documents on which all of it rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
        /// Only these records.
        ids: Option<Vec<Uuid>>,
        /// Exact values of indexed fields.
        filter: Option<BTreeMap<String, String>>,
        /// `{"set": merge patch}`, or `{"advance": {"field": …, "by": number or {"from": "to", …}, "unless": [values]}}`.
        #[schema(value_type = Object)]
        change: Value,
        /// Whether nothing is to remain.
        dry_run: Option<bool>,
    }
}

fn change(value: Value) -> Result<BulkChange, Problem> {
    let wrong = |at: &str, detail: &str| Problem::from(Refusal::invalid(at, "type", detail, None));
    let Value::Object(mut members) = value else {
        return Err(wrong("/change", "set or advance is expected"));
    };
    match (members.remove("set"), members.remove("advance"), members.is_empty()) {
        (Some(patch), None, true) if patch.is_object() => Ok(BulkChange::Set(patch)),
        (None, Some(Value::Object(mut advance)), true) => {
            let field = match advance.remove("field") {
                Some(Value::String(field)) => field,
                _ => return Err(wrong("/change/advance/field", "the name of a field is expected")),
            };
            let by = match advance.remove("by") {
                Some(Value::Number(n)) => n.as_i64().map(Step::Number),
                Some(Value::Object(map)) => {
                    let pairs = map.into_iter().map(|(from, to)| Some((from, to.as_str()?.to_owned())));
                    pairs.collect::<Option<BTreeMap<_, _>>>().map(Step::Map)
                }
                _ => None,
            };
            let by = by.ok_or_else(|| wrong("/change/advance/by", "a whole number or pairs of values are expected"))?;
            let unless = match advance.remove("unless") {
                None => Some(Vec::new()),
                Some(Value::Array(items)) => {
                    items.into_iter().map(|i| i.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
                }
                Some(_) => None,
            };
            let unless = unless.ok_or_else(|| wrong("/change/advance/unless", "a list of values is expected"))?;
            match advance.keys().next() {
                None => Ok(BulkChange::Advance { field, by, unless }),
                Some(_) => Err(wrong("/change/advance", "field, by and unless are known here")),
            }
        }
        _ => Err(wrong("/change", "either set or advance is expected")),
    }
}

/// The faults of a report as those of a body: each at its row and field.
pub(super) fn errors(faults: &[CellFault]) -> Vec<Violation> {
    let error =
        |f: &CellFault| Violation::error(&format!("/rows/{}{}", f.row, f.field), f.code, &*f.detail, f.clause.clone());
    faults.iter().take(1_000).map(error).collect()
}

/// A report as an answer: with any fault in a real run it is a problem, and nothing has been entered.
fn reported(register: &str, report: ImportReport) -> Answer {
    if report.state != "refused" {
        let made = report.state == "done";
        let place = format!("/api/v1/registers/{}/imports/{}", percent_encoded(register), report.import_id);
        let mut response = answer::open(if made { StatusCode::CREATED } else { StatusCode::OK }, &report.bounded())?;
        if let Ok(place) = header::HeaderValue::from_str(&place).map_err(drop)
            && made
        {
            response.headers_mut().insert(header::LOCATION, place);
        }
        return Ok(response);
    }
    let errors = errors(&report.faults);
    let report = report.bounded();
    Err(Problem { report: Some(Box::new(json!(report))), ..Problem::invalid(errors) })
}

/// The shape in which the sheet itself is wanted back, if it is.
fn wants_sheet(req: &HttpRequest, query: &Query) -> Result<Option<Shape>, Problem> {
    let asked = query.one_of("report", &[("xlsx", Shape::Xlsx), ("csv", Shape::Csv)])?;
    let accepts = |shape: Shape| {
        let media = shape.media_type().split(';').next().unwrap_or_default();
        let accepted = req.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok());
        accepted.is_some_and(|a| a.split(',').any(|m| m.split(';').next().map(str::trim) == Some(media)))
    };
    Ok(asked.or_else(|| [Shape::Xlsx, Shape::Csv].into_iter().find(|s| accepts(*s))))
}

/// Imports a sheet.
///
/// # Errors
/// As the act; 422 with every fault of every row.
pub async fn import(
    state: State,
    at: At<(String, String)>,
    req: HttpRequest,
    query: Query,
    mut sent: Upload,
) -> Answer {
    let (register, kind) = at.into_inner();
    let dry_run = query.one_of("dry_run", &[("true", true), ("false", false)])?.unwrap_or(false);
    let wanted = wants_sheet(&req, &query)?;
    let new = sent.metadata::<ImportBody>()?.order(kind.clone(), dry_run)?;
    let brought = sent.file()?;
    let later = req.headers().get("prefer").and_then(|v| v.to_str().ok());
    if later.is_some_and(|p| p.split(',').any(|w| w.trim().eq_ignore_ascii_case("respond-async"))) {
        let id = state.app.import_later(sent.cx, register.clone(), new, brought)?;
        let place = format!("/api/v1/registers/{}/imports/{id}", percent_encoded(&register));
        return Ok(HttpResponse::Accepted()
            .insert_header((header::LOCATION, place))
            .insert_header(("preference-applied", "respond-async"))
            .insert_header((header::CONTENT_ENCODING, "identity"))
            .json(json!({ "import_id": id, "state": "running" })));
    }
    let done = state.app.import(sent.cx, register.clone(), new, brought).await?;
    let report = done.report.into_inner();
    if let Some(shape) = wanted.filter(|_| dry_run) {
        let lang = language(req.headers());
        let made = aside(move || fault_sheet(&done.sheet, &report, &kind, shape, lang)).await??;
        return Ok(file(StatusCode::OK, made));
    }
    reported(&register, report)
}

/// Changes many records at once.
///
/// # Errors
/// As the act; 422 with every fault of every record.
pub async fn change_many(state: State, at: At<(String, String)>, sent: Sent<BulkChangeBody>) -> Answer {
    let (register, record_type) = at.into_inner();
    let body = sent.body;
    let asked = json!({
        "institution_id": body.institution_id, "effective_on": body.effective_on, "ids": body.ids,
        "filter": body.filter, "change": body.change, "base_document_ids": body.base_document_ids,
    });
    let new = NewBulk {
        record_type,
        institution_id: body.institution_id,
        effective_on: body.effective_on,
        base_document_ids: body.base_document_ids,
        ids: body.ids,
        filter: body.filter.unwrap_or_default(),
        change: change(body.change)?,
        sha256: crate::domain::hex(&Sha256::digest(canonical(&asked))),
        dry_run: body.dry_run.unwrap_or(false),
    };
    let report = state.app.change_many(sent.cx, register.clone(), new).await?;
    reported(&register, report.into_inner())
}

/// Imports, newest first.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let (institution, cursor, limit) = (query.id("institution_id")?, query.text("cursor"), query.limit()?);
    let page = state.app.list_imports(asked.cx, at.into_inner(), institution, cursor.as_deref(), limit).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// An import.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.read_import(asked.cx, register, id).await?)
}

/// What the rows of an import did.
///
/// # Errors
/// As the act.
pub async fn rows(state: State, at: At<(String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    let (cursor, limit) = (query.text("cursor"), query.limit()?);
    let page = state.app.import_rows(asked.cx, register, id, cursor.as_deref(), limit).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Ends an import that runs.
///
/// # Errors
/// As the act.
pub async fn cancel(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.cancel_import(asked.cx, register, id).await?)
}

/// Takes an import back.
///
/// # Errors
/// As the act.
pub async fn undo(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.undo_import(asked.cx, register, id).await?)
}

/// How the caller's sheets of a type name their columns.
///
/// # Errors
/// As the act.
pub async fn mapping(state: State, at: At<(String, String)>, asked: Asked) -> Answer {
    let (register, kind) = at.into_inner();
    answer::ok(&state.app.read_mapping(asked.cx, register, kind).await?)
}

/// A sheet to be filled in. A definition is a statute: it holds no personal data.
///
/// # Errors
/// As the act.
pub async fn template(state: State, at: At<(String, String)>, asked: Asked, query: Query) -> Answer {
    let (register, kind) = at.into_inner();
    let shapes = [("xlsx", Shape::Xlsx), ("csv", Shape::Csv)];
    let shape = query.one_of("format", &shapes)?.unwrap_or(Shape::Xlsx);
    let mut made = state.app.template(register, kind, asked.language, shape).await?;
    if let Some(institution) = query.id("institution_id")? {
        made.name = format!("{institution}-{}", made.name);
    }
    Ok(file(StatusCode::OK, made))
}

/// Every record that a list would give, as a file.
///
/// # Errors
/// As the act.
pub async fn export(state: State, at: At<(String, String)>, asked: Asked, query: Query) -> Answer {
    let (register, kind) = at.into_inner();
    let shapes = [("json", Shape::Json), ("csv", Shape::Csv), ("xlsx", Shape::Xlsx)];
    let export = Export {
        shape: query.one_of("format", &shapes)?.unwrap_or(Shape::Csv),
        lang: asked.language,
        machine_names: query.one_of("names", &[("labels", false), ("machine", true)])?.unwrap_or(false),
    };
    let wanted = list_query(&query)?;
    let made = state.app.export_records(asked.cx, register, kind, wanted, export).await;
    Ok(file(StatusCode::OK, made.map_err(|e| Problem::from(e).of_query())?.into_inner()))
}
