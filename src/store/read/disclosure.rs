//! Requests for data, what is read for a release, and the ledger of what left.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::aggregates;
use super::records::{Page, bare_view};
use crate::clock::uuid_at;
use crate::domain::access::rights::{CaseCoordinates, Ruling};
use crate::domain::access::{Action, Coordinates, SectionRights};
use crate::domain::audit::Kind;
use crate::domain::audit::event::Who;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::case::{CaseDecision, CaseFile, CaseParty, CaseState, Deadline};
use crate::domain::disclosure::{self, Decision, Format, LedgerBody, Request};
use crate::domain::record::derive;
use crate::domain::record::index::{Status, search_key};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::description::Part;
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::procedures::{CaseKind, Procedure};
use crate::domain::statute::{Clause, RecordType};
use crate::store::acts::cases;
use crate::store::conn::{AnyConn, MultiBackend};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts::{self, RecordFacts};
use crate::store::guard::{CaseRead, DisclosureList, DisclosureRelease, Permit, Sealed};
use crate::store::log;
use crate::store::read::aggregates::renumber;
use crate::store::read::cases::CaseLeave;
use crate::store::read::relations::states_on;
use crate::store::schema::{case_file, disclosure as ledger, disclosure_subject, record};
use crate::store::tx::Tx;

/// Records read at once for a release.
const PAGE: usize = 500;
/// How long a release may take from its id to its entry in the ledger, at the very most.
const SLOWEST: TimeDelta = TimeDelta::hours(1);

/// A request for data as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct RequestView {
    /// Id, also of the case.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Kind of case.
    pub kind: String,
    /// Where it stands.
    pub state: CaseState,
    /// Version, from 1.
    pub version: i64,
    /// Day on which it came in.
    pub received_on: NaiveDate,
    /// When it was entered.
    pub opened_at: String,
    /// By when it must be decided.
    pub deadline: Option<Deadline>,
    /// Who asks.
    pub requester: Option<CaseParty>,
    /// What is asked for.
    #[serde(flatten)]
    pub request: Request,
    /// What was decided.
    pub decision: Option<CaseDecision>,
    /// What was released on it, by id of the ledger, newest first.
    pub disclosures: Vec<Uuid>,
    /// What the screens show beside it.
    #[serde(skip)]
    pub beside: RequestBeside,
}

/// What the screens show beside a request.
#[derive(Debug, Clone, Default)]
pub struct RequestBeside {
    /// What the only institution is called whose records are asked for.
    pub institution: Option<String>,
    /// User name of who decided.
    pub decided_by: Option<String>,
    /// Whether its time has run out without an end.
    pub overdue: bool,
    /// What the reader may do with it.
    pub may: CaseLeave,
    /// How many records match what is asked for; counted for whoever may decide it or release on it.
    pub matching: Option<i64>,
}

/// An entry of the ledger as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct DisclosureView {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// The request on which it was released.
    pub case_id: Option<Uuid>,
    /// When.
    pub released_at: String,
    /// How.
    pub channel: String,
    /// Record type.
    pub record_type: Option<String>,
    /// To whom, what, why, by whom.
    #[serde(flatten)]
    pub body: LedgerBody,
    /// SHA-256 of exactly what left; `None` where nothing was written.
    pub digest: Option<String>,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
}

/// An entry of the ledger with the records whose data left.
#[derive(Debug, Clone, Serialize)]
pub struct DisclosureInFull {
    /// The entry.
    #[serde(flatten)]
    pub entry: DisclosureView,
    /// The records, a page of them.
    pub subjects: Page<Uuid>,
    /// What the records are called, as far as the reader may see it.
    #[serde(skip)]
    pub titles: HashMap<Uuid, String>,
}

/// What of the asker's data left, as they see it.
#[derive(Debug, Clone, Serialize)]
pub struct MyDisclosureView {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// When.
    pub released_at: String,
    /// How.
    pub channel: String,
    /// Name of the recipient.
    pub recipient: Option<String>,
    /// Registry code of the recipient, where it is a body.
    pub registry_code: Option<String>,
    /// Record type.
    pub record_type: Option<String>,
    /// Fields, by path.
    pub fields: Vec<String>,
    /// Sections.
    pub sections: Vec<String>,
    /// Ground.
    pub ground: Option<String>,
    /// Clause of the ground.
    pub clause: Option<Clause>,
    /// What for.
    pub purpose: Option<String>,
    /// Day as of which.
    pub as_of: Option<NaiveDate>,
}

/// Whether brought bytes are among what left.
#[derive(Debug, Clone, Serialize)]
pub struct CheckView {
    /// SHA-256 of what was brought.
    pub sha256: String,
    /// Whether exactly that has left.
    pub found: bool,
    /// The entries of the ledger that say so, newest first.
    pub disclosures: Vec<DisclosureView>,
}

/// What of the ledger is asked for.
#[derive(Debug, Clone, Default)]
pub struct LedgerQuery {
    /// Registry or personal code of the recipient.
    pub recipient_code: Option<String>,
    /// Record whose data left.
    pub record_id: Option<Uuid>,
    /// Not before this instant.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// After this entry.
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// How a release is to be written.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Form.
    pub format: Format,
    /// Language of the frame.
    pub language: &'static str,
}

/// What was read for a release: shown to the renderer, and to nobody else before it stands in the ledger.
pub(crate) struct Extraction {
    /// Id that the entry of the ledger will have.
    pub disclosure_id: Uuid,
    /// When it was read.
    pub made_at: DateTime<Utc>,
    /// Register.
    pub register: Arc<Register>,
    /// Record type.
    pub record_type: String,
    /// Fields granted.
    pub fields: Vec<FieldPath>,
    /// To whom.
    pub recipient: CaseParty,
    /// Clause of the ground.
    pub clause: Clause,
    /// What for.
    pub purpose: String,
    /// Day as of which.
    pub as_of: NaiveDate,
    /// The records: in their own shape for JSON, by path for tables.
    pub rows: Vec<Map<String, Value>>,
    /// How it is to be written.
    pub wanted: Wanted,
    pub(in crate::store) version: i64,
    pub(in crate::store) decision: Decision,
    pub(in crate::store) request: Request,
    pub(in crate::store) sections: Vec<String>,
    pub(in crate::store) pages: Vec<Vec<Uuid>>,
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = Text)]
    institution_id: String,
    #[diesel(sql_type = Text)]
    effective_on: String,
    #[diesel(sql_type = Text)]
    begins_on: String,
    #[diesel(sql_type = Text)]
    ends_on: String,
    #[diesel(sql_type = Text)]
    data: String,
}

type LedgerRow = (String, String, Option<String>, i64, String, Option<String>, String, String, String);

const LEDGER: (
    ledger::register,
    ledger::id,
    ledger::case_id,
    ledger::released_at,
    ledger::channel,
    ledger::record_type,
    ledger::digest,
    ledger::body,
    ledger::audit_id,
) = (
    ledger::register,
    ledger::id,
    ledger::case_id,
    ledger::released_at,
    ledger::channel,
    ledger::record_type,
    ledger::digest,
    ledger::body,
    ledger::audit_id,
);

impl<'tx> Tx<'tx> {
    /// Lets every query of this transaction see one state of the database (SQLite does so anyway).
    pub(crate) fn freeze(&mut self) -> Result<(), Error> {
        if let AnyConn::Pg(pg) = &mut *self.conn {
            diesel::sql_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(pg)?;
        }
        Ok(())
    }

    /// The kind of case that a request for data is: the one named, or the definition's first.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where the statute knows no such procedure, [`Refusal::Invalid`] for another kind.
    pub fn disclosure_kind(&mut self, register: &str, kind: Option<&str>) -> Result<String, Error> {
        let register = self.register(register)?;
        self.actor(&register)?;
        match kind {
            None => match register.case_kind_of(Procedure::Disclosure) {
                Some(kind) => Ok(kind.name.clone()),
                // A register that says what it discloses, and takes no requests, discloses nothing else.
                None => {
                    let statements = &register.definition.register.statements;
                    let says = statements.iter().find(|s| s.name == Part::Disclosures.as_str());
                    let refused = says.map_or(Refusal::NotFound { what: "kind of case" }, |said| Refusal::Conflict {
                        code: "not_disclosed",
                        detail: format!("of disclosure the register says: {}", said.label.official()),
                        clause: Some(said.clause.clone()),
                    });
                    Err(refused.into())
                }
            },
            Some(name) => {
                let known = register.case_kind(name).filter(|k| k.procedure == Procedure::Disclosure);
                let detail = "no request for data is of this kind";
                let known = known.ok_or_else(|| Refusal::invalid("/kind", "not_in_codelist", detail, None))?;
                Ok(known.name.clone())
            }
        }
    }

    /// Leave to release on a case. `lock` keeps others from taking it further meanwhile.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause, [`Refusal::NotFound`].
    pub fn authorize_release(
        &mut self,
        register: &str,
        case_id: Uuid,
        lock: bool,
    ) -> Result<Permit<'tx, DisclosureRelease>, Error> {
        let found = self.register(register)?;
        self.actor(&found)?;
        if let AnyConn::Pg(pg) = &mut *self.conn
            && lock
        {
            case_file::table
                .find((found.name(), case_id.to_string()))
                .select(case_file::version)
                .for_update()
                .first::<i64>(pg)
                .optional()?;
        }
        let is_request = |c: &CaseFile| found.case_kind(&c.kind).is_some_and(|k| k.procedure == Procedure::Disclosure);
        let case = cases::load(self, &found, case_id)?.filter(is_request);
        // Whoever acts for one institution only releases of that one only.
        let scope = case.as_ref().and_then(|c| Request::of(c).ok()).and_then(|r| r.institution());
        let mut permit = self.authorize_register::<DisclosureRelease>(register, Some(scope))?;
        permit.case = Some(Box::new(case.ok_or(Refusal::NotFound { what: "disclosure request" })?));
        Ok(permit)
    }

    /// Reads what may be released on the permit's case, page by page, all as of one day.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] for a case that permits no release; [`Refusal::Invalid`] for more records than fit.
    pub(crate) fn release_read(
        &mut self,
        permit: Permit<'tx, DisclosureRelease>,
        disclosure_id: Uuid,
        wanted: Wanted,
    ) -> Result<Sealed<'tx, Extraction>, Error> {
        let register = permit.register.clone();
        let case = permit.case.ok_or(Refusal::NotFound { what: "disclosure request" })?;
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "disclosure request" })?;
        let decision = disclosure::releasable(&case, kind, &register)?;
        let request = Request::of(&case)?;
        let record_type =
            register.record_type(&request.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let fields: Vec<FieldPath> = disclosure::paths(&decision.fields)
            .into_iter()
            .filter(|p| p.resolve(&record_type.fields).is_some())
            .collect();
        let sections = disclosure::sections(record_type, &fields);
        // The sections of the composition and no others are even looked at.
        let rights = SectionRights {
            permitted: sections.iter().map(|s| (s.clone(), permit.ruling.clone())).collect(),
            refused: std::collections::BTreeMap::new(),
        };
        let day = request.as_of.unwrap_or_else(|| self.today(&register));
        let counted = derive::aggregates(record_type);
        let counts =
            fields.iter().any(|p| p.steps().first().is_some_and(|step| counted.iter().any(|f| f.name == step.name)));
        let most = wanted.format.most_records();
        let mut after = String::new();
        let (mut rows, mut pages) = (Vec::new(), Vec::new());
        loop {
            let found = self.state_page(&register, record_type, &request, day, &after)?;
            let full = found.len() == PAGE;
            if rows.len() + found.len() > most {
                let detail = format!(
                    "more than {most} records match; ask for fewer, or in a form that takes more: {} in JSON or CSV",
                    disclosure::MOST_RECORDS
                );
                return Err(Refusal::invalid("/format", "too_many_records", detail, Some(kind.clause.clone())).into());
            }
            let mut views = Vec::with_capacity(found.len());
            for row in found {
                after.clone_from(&row.record_id);
                let facts = self.state_facts(row, record_type, day)?;
                views.push(bare_view(&register, record_type, facts, &rights, day));
            }
            if counts {
                aggregates::fill(self.conn, &register, record_type, &rights, &mut views, day)?;
            }
            if !views.is_empty() {
                pages.push(views.iter().map(|v| v.id).collect());
            }
            rows.extend(views.iter().map(|v| match wanted.format {
                Format::Json => disclosure::project(&v.data, &fields),
                Format::Csv { .. } | Format::Xlsx | Format::Pdf => {
                    fields.iter().map(|p| (p.to_string(), disclosure::value_at(&v.data, p))).collect()
                }
            }));
            if !full {
                break;
            }
        }
        let recipient = case.from.clone().ok_or(Refusal::NotFound { what: "requester" })?;
        let extraction = Extraction {
            disclosure_id,
            made_at: self.now,
            record_type: record_type.name.clone(),
            fields,
            recipient,
            clause: decision.release_clause.clone().unwrap_or_else(|| kind.clause.clone()),
            purpose: request.purpose.clone(),
            as_of: day,
            rows,
            wanted,
            version: case.version,
            decision,
            request,
            sections,
            pages,
            register: register.clone(),
        };
        Ok(Sealed::new(extraction, None))
    }

    fn state_facts(&self, row: StateRow, kind: &RecordType, day: NaiveDate) -> Result<RecordFacts, Error> {
        Ok(RecordFacts {
            id: facts::id(&row.record_id)?,
            record_type: kind.name.clone(),
            institution_id: facts::id(&row.institution_id)?,
            version: 0,
            created_at: self.now,
            updated_at: self.now,
            from: facts::day(&row.effective_on)?,
            data: facts::json(&row.data)?,
            status: Status::on(day, facts::bound(&row.begins_on), facts::bound(&row.ends_on)),
            before_first: false,
        })
    }

    /// The states of a page of matching records on `day`, in the order of their ids, after the record `after`.
    fn state_page(
        &mut self,
        register: &Register,
        kind: &RecordType,
        request: &Request,
        day: NaiveDate,
        after: &str,
    ) -> Result<Vec<StateRow>, Error> {
        let mut binds = vec![register.name().to_owned(), kind.name.clone(), day.to_string(), after.to_owned()];
        let (tables, conditions, order) = matching(kind, request, &mut binds);
        let sql = format!(
            "SELECT s.record_id, s.institution_id, s.effective_on, s.begins_on, s.ends_on, s.data FROM {tables} WHERE \
             {conditions} ORDER BY {order} LIMIT {PAGE}"
        );
        let (sql, binds) = renumber(&sql, &binds);
        let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
        for bind in binds {
            query = query.bind::<Text, _>(bind);
        }
        Ok(query.load(self.conn)?)
    }

    /// How many records match a request on `day`, counted up to one more than a release takes.
    fn request_count(
        &mut self,
        register: &Register,
        kind: &RecordType,
        request: &Request,
        day: NaiveDate,
    ) -> Result<i64, Error> {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            n: i64,
        }
        let mut binds = vec![register.name().to_owned(), kind.name.clone(), day.to_string(), String::new()];
        let (tables, conditions, _) = matching(kind, request, &mut binds);
        let most = disclosure::MOST_RECORDS + 1;
        let sql = format!(
            "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM (SELECT s.record_id FROM {tables} WHERE {conditions} LIMIT \
             {most}) x"
        );
        let (sql, binds) = renumber(&sql, &binds);
        let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
        for bind in binds {
            query = query.bind::<Text, _>(bind);
        }
        let counted: Count = query.get_result(self.conn)?;
        Ok(counted.n)
    }

    /// A request as it is shown.
    pub(in crate::store) fn request_view(&mut self, register: &Register, case: CaseFile) -> Result<RequestView, Error> {
        let mut views = self.request_views(register, vec![case])?;
        views.pop().ok_or_else(|| Error::Damaged("a request cannot be read".into()))
    }

    fn request_views(&mut self, register: &Register, cases: Vec<CaseFile>) -> Result<Vec<RequestView>, Error> {
        let ids: Vec<String> = cases.iter().map(|c| c.id.to_string()).collect();
        let released: Vec<(Option<String>, String)> = ledger::table
            .filter(ledger::register.eq(register.name()))
            .filter(ledger::case_id.eq_any(&ids))
            .order(ledger::id.desc())
            .select((ledger::case_id, ledger::id))
            .limit(5_000)
            .load(self.conn)?;
        let mut of_case: HashMap<String, Vec<Uuid>> = HashMap::new();
        for (case, id) in released {
            of_case.entry(case.unwrap_or_default()).or_default().push(facts::id(&id)?);
        }
        let requests: Vec<Request> = cases.iter().map(Request::of).collect::<Result<_, _>>()?;
        let institutions: BTreeSet<Uuid> = requests.iter().filter_map(Request::institution).collect();
        let institutions = self.institution_titles_of(register, &institutions)?;
        let deciders = cases.iter().filter_map(|c| c.decision.as_ref().map(|d| d.by.clone())).collect();
        let names = self.usernames(deciders)?;
        let now = self.now;
        cases
            .into_iter()
            .zip(requests)
            .map(|(case, request)| {
                let decided_by = case.decision.as_ref().map(|d| d.by.clone());
                Ok(RequestView {
                    beside: RequestBeside {
                        institution: request.institution().and_then(|i| institutions.get(&i).cloned()),
                        decided_by: decided_by.map(|by| names.get(&by).cloned().unwrap_or(by)),
                        overdue: case.is_overdue(now),
                        ..RequestBeside::default()
                    },
                    id: case.id,
                    register: register.name().to_owned(),
                    state: case.state,
                    version: case.version,
                    received_on: case.received_on,
                    request,
                    disclosures: of_case.remove(&case.id.to_string()).unwrap_or_default(),
                    kind: case.kind,
                    opened_at: case.opened_at,
                    deadline: case.deadline,
                    requester: case.from,
                    decision: case.decision,
                })
            })
            .collect()
    }

    /// The permit's request.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a case of another procedure.
    pub fn request_read(&mut self, permit: Permit<'tx, CaseRead>) -> Result<Sealed<'tx, RequestView>, Error> {
        let register = permit.register.clone();
        let case = *permit.case.ok_or(Refusal::NotFound { what: "disclosure request" })?;
        let kind = register.case_kind(&case.kind).filter(|k| k.procedure == Procedure::Disclosure);
        let kind = kind.ok_or(Refusal::NotFound { what: "disclosure request" })?;
        let actor = self.actor(&register)?;
        let event = self.case_event(&register, Action::CaseRead, &actor, &permit.ruling, kind, Some(&case));
        let may = self.case_leave(&register, &case, permit.facts.as_ref())?;
        let mut view = self.request_view(&register, case)?;
        view.beside.may = may;
        // Whoever only asks does not learn by counting who is in the register.
        if (may.decide || may.release)
            && let Some(kind) = register.record_type(&view.request.record_type)
        {
            let day = view.request.as_of.unwrap_or_else(|| self.today(&register));
            let count = self.request_count(&register, kind, &view.request, day)?;
            view.beside.matching = Some(count);
        }
        Ok(Sealed::new(view, Some(event)))
    }

    /// Requests, newest first: all of those kinds that the asker may read, and their own of the others.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause for who may read none.
    pub fn request_list(
        &mut self,
        register: &str,
        state: Option<CaseState>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<RequestView>>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        let kinds: Vec<&CaseKind> =
            register.definition.cases.iter().filter(|k| k.procedure == Procedure::Disclosure).collect();
        let first = *kinds.first().ok_or(Refusal::NotFound { what: "kind of case" })?;
        let ask = |kind: &CaseKind, party: bool| {
            let at = CaseCoordinates {
                institution_id: None,
                party,
                about_self: false,
                purpose_given: self.cx.purpose.is_some(),
            };
            actor.case(&register.policies, &register.definition, Action::CaseRead, &kind.name, at)
        };
        let (mut all, mut own, mut ruling): (Vec<String>, Vec<String>, Option<Ruling>) = (vec![], vec![], None);
        for kind in &kinds {
            for (party, list) in [(false, &mut all), (true, &mut own)] {
                let answer = ask(kind, party);
                if answer.decision.permitted {
                    ruling.get_or_insert(answer);
                    list.push(kind.name.clone());
                    break;
                }
            }
        }
        let Some(ruling) = ruling else {
            let refused = ask(first, true);
            let event = self.case_event(&register, Action::CaseRead, &actor, &refused, first, None);
            let detail = "your role does not permit reading requests for data".to_owned();
            return Err(self.refuse(event, Refusal::Forbidden { clause: refused.decision.clause, detail }));
        };
        let opener = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let mut query = case_file::table
            .filter(case_file::register.eq(register.name()))
            .filter(case_file::kind.eq_any(all).or(case_file::kind.eq_any(own).and(case_file::opened_by.eq(opener))))
            .order(case_file::id.desc())
            .limit(limit + 1)
            .select(case_file::body)
            .into_boxed();
        if let Some(state) = state {
            query = query.filter(case_file::state.eq(state.as_str()));
        }
        if let Some(before) = before {
            query = query.filter(case_file::id.lt(before.to_string()));
        }
        let bodies: Vec<String> = query.load(self.conn)?;
        let mut found: Vec<CaseFile> = bodies
            .iter()
            .map(|b| serde_json::from_str(b).map_err(|_| Error::Damaged("a case cannot be read".into())))
            .collect::<Result<_, _>>()?;
        let next_cursor = cut(&mut found, limit, |c| c.id);
        let mut event = self.case_event(&register, Action::CaseRead, &actor, &ruling, first, None);
        event.detail = Some(json!({ "kind": first.name, "cases": found.iter().map(|c| c.id).collect::<Vec<_>>() }));
        let items = self.request_views(&register, found)?;
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// A page of the ledger, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn disclosure_list(
        &mut self,
        permit: Permit<'tx, DisclosureList>,
        wanted: &LedgerQuery,
    ) -> Result<Sealed<'tx, Page<DisclosureView>>, Error> {
        let register = permit.register.clone();
        let mut query = ledger::table
            .filter(ledger::register.eq(register.name()))
            .order(ledger::id.desc())
            .limit(wanted.limit + 1)
            .select(LEDGER)
            .into_boxed();
        if let Some(code) = &wanted.recipient_code {
            query = query.filter(ledger::recipient_code.eq(code));
        }
        if let Some(record) = wanted.record_id {
            let of_record = disclosure_subject::table
                .filter(disclosure_subject::register.eq(register.name()))
                .filter(disclosure_subject::record_id.eq(record.to_string()))
                .select(disclosure_subject::disclosure_id);
            query = query.filter(ledger::id.eq_any(of_record));
        }
        // Ids rise with time, so that they bound the walk; the instants decide.
        if let Some(from) = wanted.from {
            let earliest = uuid_at((from - SLOWEST).timestamp_micros(), [0; 8]);
            query = query.filter(ledger::id.ge(earliest.to_string()));
            query = query.filter(ledger::released_at.ge(from.timestamp_micros()));
        }
        if let Some(to) = wanted.to {
            query = query.filter(ledger::released_at.lt(to.timestamp_micros()));
        }
        if let Some(before) = wanted.before {
            query = query.filter(ledger::id.lt(before.to_string()));
        }
        let mut rows: Vec<LedgerRow> = query.load(self.conn)?;
        let next_cursor = cut(&mut rows, wanted.limit, |r| r.1.clone());
        let items = self.ledger_views(rows)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::DisclosureList, &actor, &permit.ruling);
        event.record_ids = wanted.record_id.into_iter().collect();
        event.detail = Some(json!({ "disclosures": items.iter().map(|i| i.id).collect::<Vec<_>>() }));
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// One entry of the ledger, with a page of the records whose data left.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn disclosure_read(
        &mut self,
        permit: Permit<'tx, DisclosureList>,
        id: Uuid,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, DisclosureInFull>, Error> {
        let register = permit.register.clone();
        let entry = self.ledger_view(&register, id)?;
        let mut query = disclosure_subject::table
            .filter(disclosure_subject::register.eq(register.name()))
            .filter(disclosure_subject::disclosure_id.eq(id.to_string()))
            .order(disclosure_subject::record_id)
            .limit(limit + 1)
            .select(disclosure_subject::record_id)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(disclosure_subject::record_id.gt(after.to_string()));
        }
        let mut ids: Vec<String> = query.load(self.conn)?;
        let next_cursor = cut(&mut ids, limit, Clone::clone);
        let items: Vec<Uuid> = ids.iter().map(|i| facts::id(i)).collect::<Result<_, _>>()?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::DisclosureList, &actor, &permit.ruling);
        event.record_type.clone_from(&entry.record_type);
        event.record_ids.clone_from(&items);
        event.detail = Some(json!({ "disclosure_id": id }));
        let kind = entry.record_type.as_deref().and_then(|t| register.record_type(t));
        let titles = match kind {
            Some(kind) => self.titles_seen(&register, kind, &items)?,
            None => HashMap::new(),
        };
        let view = DisclosureInFull { entry, subjects: Page { items, next_cursor }, titles };
        Ok(Sealed::new(view, Some(event)))
    }

    /// What records are called today, of those whose title the caller may see.
    fn titles_seen(
        &mut self,
        register: &Register,
        kind: &RecordType,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, String>, Error> {
        let sections = disclosure::sections(kind, &disclosure::paths(&kind.title));
        let owners: Vec<(String, String)> = record::table
            .filter(record::register.eq(register.name()))
            .filter(record::id.eq_any(ids.iter().map(Uuid::to_string)))
            .select((record::id, record::institution_id))
            .load(self.conn)?;
        let actor = self.actor(register)?;
        let purpose_given = self.cx.purpose.is_some();
        let sees = |institution: Uuid| {
            [Status::Active, Status::Ended].into_iter().all(|status| {
                let at = Coordinates { institution_id: Some(institution), about_self: false, status, purpose_given };
                let rights = actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at);
                sections.iter().all(|s| rights.permitted.contains_key(s))
            })
        };
        let mut seen = Vec::new();
        for (id, institution) in owners {
            if sees(facts::id(&institution)?) {
                seen.push(facts::id(&id)?);
            }
        }
        let today = self.today(register);
        let states = states_on(self.conn, register.name(), &seen, today)?;
        Ok(states.into_iter().filter_map(|(id, data)| Some((id, kind.title_of(&data)?))).collect())
    }

    /// Which entries of the ledger say that exactly these bytes left.
    ///
    /// # Errors
    /// Those of the database.
    pub fn disclosure_check(
        &mut self,
        permit: Permit<'tx, DisclosureList>,
        sha256: String,
    ) -> Result<Sealed<'tx, CheckView>, Error> {
        let register = permit.register.clone();
        let rows: Vec<LedgerRow> = ledger::table
            .filter(ledger::register.eq(register.name()))
            .filter(ledger::digest.eq(&sha256))
            .order(ledger::id.desc())
            .limit(50)
            .select(LEDGER)
            .load(self.conn)?;
        let disclosures = self.ledger_views(rows)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::DisclosureList, &actor, &permit.ruling);
        "disclosure.check".clone_into(&mut event.action);
        let ids: Vec<Uuid> = disclosures.iter().map(|d| d.id).collect();
        event.detail = Some(json!({ "sha256": sha256, "disclosures": ids }));
        Ok(Sealed::new(CheckView { sha256, found: !disclosures.is_empty(), disclosures }, Some(event)))
    }

    /// One entry of the ledger.
    pub(in crate::store) fn ledger_view(&mut self, register: &Register, id: Uuid) -> Result<DisclosureView, Error> {
        let row: Option<LedgerRow> =
            ledger::table.find((register.name(), id.to_string())).select(LEDGER).first(self.conn).optional()?;
        let mut views = self.ledger_views(row.into_iter().collect())?;
        Ok(views.pop().ok_or(Refusal::NotFound { what: "disclosure" })?)
    }

    fn ledger_views(&mut self, rows: Vec<LedgerRow>) -> Result<Vec<DisclosureView>, Error> {
        let mut views = Vec::with_capacity(rows.len());
        for (register, id, case_id, at, channel, record_type, digest, body, audit) in rows {
            views.push(DisclosureView {
                id: facts::id(&id)?,
                register,
                case_id: case_id.as_deref().map(facts::id).transpose()?,
                released_at: rfc3339(instant(at)),
                channel,
                record_type,
                body: ledger_body(&body)?,
                digest: Some(digest).filter(|d| !d.is_empty()),
                audit_id: facts::id(&audit)?,
            });
        }
        let people = views.iter().flat_map(|v| [v.body.decided_by.clone(), v.body.released_by.clone()]);
        let names = self.usernames(people.flatten().collect())?;
        let name = |id: Option<String>| id.map(|id| names.get(&id).cloned().unwrap_or(id));
        for view in &mut views {
            view.body.decided_by = name(view.body.decided_by.take());
            view.body.released_by = name(view.body.released_by.take());
        }
        Ok(views)
    }

    /// What of the caller's own data was released to whom, across registers, newest first. While an investigation of
    /// a record is open, what was released of it since that began is not shown.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub fn my_disclosures(
        &mut self,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<MyDisclosureView>>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let registers: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let own = self.own_records(&registers, user.personal_code.as_deref(), &user.username)?;
        let ids: Vec<String> = own.iter().map(|r| r.id.to_string()).collect();
        let mut investigations: Vec<String> = registers
            .iter()
            .flat_map(|r| self.registers.versions(r))
            .flat_map(|v| &v.definition.cases)
            .filter(|k| k.procedure == Procedure::Investigation)
            .map(|k| k.name.clone())
            .collect();
        investigations.dedup();
        let hidden = case_file::table
            .filter(case_file::register.eq(disclosure_subject::register))
            .filter(case_file::record_id.eq(disclosure_subject::record_id.nullable()))
            .filter(case_file::closed_at.is_null())
            .filter(case_file::kind.eq_any(investigations))
            .filter(case_file::opened_at.le(ledger::released_at))
            .select(case_file::id);
        let mut query = disclosure_subject::table
            .inner_join(ledger::table.on(
                ledger::register.eq(disclosure_subject::register).and(ledger::id.eq(disclosure_subject::disclosure_id)),
            ))
            .filter(disclosure_subject::register.eq_any(&registers))
            .filter(disclosure_subject::record_id.eq_any(ids))
            .filter(diesel::dsl::not(diesel::dsl::exists(hidden)))
            .order(ledger::id.desc())
            .limit(limit + 1)
            .select(LEDGER)
            .distinct()
            .into_boxed();
        if let Some(before) = before {
            query = query.filter(ledger::id.lt(before.to_string()));
        }
        let mut rows: Vec<LedgerRow> = query.load(self.conn)?;
        let next_cursor = cut(&mut rows, limit, |r| r.1.clone());
        let items = rows
            .into_iter()
            .map(|(register, id, _, at, channel, record_type, _, body, _)| {
                let body = ledger_body(&body)?;
                Ok(MyDisclosureView {
                    id: facts::id(&id)?,
                    register,
                    released_at: rfc3339(instant(at)),
                    channel,
                    registry_code: body.recipient.as_ref().and_then(|r| r.registry_code.clone()),
                    recipient: body.recipient.map(|r| r.name),
                    record_type,
                    fields: body.fields,
                    sections: body.sections,
                    ground: body.ground,
                    clause: body.clause,
                    purpose: body.purpose,
                    as_of: body.as_of,
                })
            })
            .collect::<Result<_, Error>>()?;
        let who = Who { user_id: Some(user.id), name: user.username };
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Read, "me.disclosures", who);
        event.record_ids = own.iter().map(|r| r.id).collect();
        event.purpose.clone_from(&self.cx.purpose);
        event.request_id.clone_from(&self.cx.request_id);
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }
}

/// Tables, conditions and order in which the records are found that match a request on the day `$3`: of the register
/// `$1` and the type `$2`, after the record `$4`.
fn matching(kind: &RecordType, request: &Request, binds: &mut Vec<String>) -> (&'static str, String, &'static str) {
    let mut bind = |value: String| {
        binds.push(value);
        format!("${}", binds.len())
    };
    let mut conditions =
        vec!["s.register = $1".to_owned(), "s.from_day <= $3 AND s.until_day > $3 AND s.effective_on <= $3".to_owned()];
    // The first condition leads through the index in the order of the records; the others are looked up.
    let mut from = None;
    for (field, value) in request.conditions(kind) {
        let (name, value) = (bind(field.name.clone()), bind(search_key(field.kind, value)));
        if from.is_none() {
            conditions.push(format!("i.field = {name} AND i.value = {value}"));
            from = Some("i");
        } else {
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM record_index f WHERE f.register = s.register AND f.record_type = \
                 s.record_type AND f.field = {name} AND f.value = {value} AND f.record_id = s.record_id AND \
                 f.from_day = s.from_day)"
            ));
        }
    }
    if let Some(institution) = request.institution() {
        conditions.push(format!("s.institution_id = {}", bind(institution.to_string())));
    }
    conditions.extend(match request.status() {
        Some(Status::Pending) => Some("s.begins_on > $3".to_owned()),
        Some(Status::Active) => Some("s.begins_on <= $3 AND s.ends_on >= $3".to_owned()),
        Some(Status::Ended) => Some("s.ends_on < $3".to_owned()),
        Some(Status::None) | None => None,
    });
    let (tables, key) = match from {
        Some(_) => (
            "record_index i JOIN record_state s ON s.register = i.register AND s.record_id = i.record_id AND \
             s.from_day = i.from_day",
            "i.register = $1 AND i.record_type = $2 AND i.record_id > $4",
        ),
        None => (
            "record r JOIN record_state s ON s.register = r.register AND s.record_id = r.id",
            "r.register = $1 AND r.record_type = $2 AND r.id > $4",
        ),
    };
    conditions.push(key.to_owned());
    (tables, conditions.join(" AND "), if from.is_some() { "i.record_id" } else { "r.id" })
}

/// What the ledger keeps beside its columns.
pub(in crate::store) fn ledger_body(text: &str) -> Result<LedgerBody, Error> {
    serde_json::from_str(text).map_err(|_| Error::Damaged("an entry of the ledger cannot be read".into()))
}

/// Cuts a list that was read one item too far; where the next page begins.
fn cut<T, I: ToString>(rows: &mut Vec<T>, limit: i64, id: impl Fn(&T) -> I) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = rows.len() > limit;
    rows.truncate(limit);
    more.then(|| rows.last().map(|r| id(r).to_string())).flatten()
}
