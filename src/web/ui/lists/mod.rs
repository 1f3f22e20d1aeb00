//! Lists of records: what is found, narrowed by facets, with the columns that their reader chose; and the search over
//! all types.
//!
//! An address of a list holds nothing about anybody: what was searched for is kept by the server and named by an id, and
//! the next page begins after a record that is named by its id too.

mod bulk;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::NaiveDate;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::desk::Search;
use crate::app::files_of::Shape;
use crate::app::imports::Export;
use crate::domain::record::index::Status;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Definition, Field, FieldType, Index};
use crate::store::read::facets::{Count, Facets, STATUS, is_counted};
use crate::store::read::lists::ListQuery;
use crate::store::read::records::RecordView;
use crate::web::context::percent_encoded;
use crate::web::problem::Problem;
use crate::web::ui::frame::{Fault, Frame};
use crate::web::ui::say::{Said, T, masked};
use crate::web::ui::visit::{Posted, Visit, day};
use crate::web::ui::{Page, Shown, State, html, html_as, page};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/records", index, "registers.read: what may be listed"),
    page!(Get "/r/{r}/records/{type}", list, "record.list"),
    page!(Post "/r/{r}/records/{type}/find", find, "search.keep: the visitor's own"),
    page!(Post "/r/{r}/records/{type}/columns", columns, "settings.change: the visitor's own"),
    page!(Post "/r/{r}/records/{type}/keep", keep, "search.keep: the visitor's own"),
    page!(Post "/r/{r}/records/{type}/forget", forget, "search.forget: the visitor's own"),
    page!(Post "/r/{r}/records/{type}/bulk", bulk::bulk, "record.change: many at once"),
    page!(Get "/r/{r}/records/{type}/export", export, "record.list"),
    page!(Post "/r/{r}/search", search, "search.keep: the visitor's own"),
    page!(Get "/r/{r}/search", found, "record.list"),
];

/// Rows of a page.
const ROWS: i64 = 50;
/// Rows of each type that a search over all types shows.
const FOUND: i64 = 10;
/// Columns that a list has until its reader chooses others.
const USUAL_COLUMNS: usize = 5;
/// Most columns of a list.
const MOST_COLUMNS: usize = 30;
/// Longest search, in characters.
const LONGEST_SEARCH: usize = 200;

/// What a list is asked for by its address.
#[derive(Debug, Clone, Default, PartialEq)]
struct Asked {
    status: Option<Status>,
    filters: BTreeMap<String, String>,
    institution: Option<Uuid>,
    sort: Option<String>,
    on: Option<NaiveDate>,
    /// The kept search that holds what is looked for.
    search: Option<Uuid>,
    /// The record after which the page begins.
    after: Option<Uuid>,
}

impl Asked {
    /// What pairs of a query or a form ask for; what a list of this kind does not know is left out.
    fn read(pairs: &[(String, String)], register: &Register, kind: &RecordType) -> Self {
        let mut asked = Self::default();
        for (name, value) in pairs {
            let value = value.trim();
            let id = || Uuid::parse_str(value).ok();
            match name.as_str() {
                "status" => asked.status = Status::parse(value).filter(|s| *s != Status::None),
                "institution" => asked.institution = id(),
                "s" => asked.search = id(),
                "after" => asked.after = id(),
                "on" => asked.on = day(value),
                "sort" => {
                    let field = value.trim_start_matches('-');
                    asked.sort = kind.fields.iter().any(|f| f.name == field && is_sorted(f)).then(|| value.to_owned());
                }
                _ => {
                    let field = name.strip_prefix("f.").and_then(|n| kind.fields.iter().find(|f| f.name == n));
                    if let Some(field) = field.filter(|f| is_counted(register, f)) {
                        asked.filters.insert(field.name.clone(), value.to_owned());
                    }
                }
            }
        }
        asked
    }

    /// The same as pairs, without where the page begins.
    fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                pairs.push((name.to_owned(), value));
            }
        };
        put("s", self.search.map(|id| id.to_string()));
        put("status", self.status.map(|s| s.as_str().to_owned()));
        put("institution", self.institution.map(|id| id.to_string()));
        put("sort", self.sort.clone());
        put("on", self.on.map(|d| d.to_string()));
        for (field, value) in &self.filters {
            put(&format!("f.{field}"), Some(value.clone()));
        }
        pairs
    }

    /// The address of a list at `path` that is asked for this.
    fn at(&self, path: &str) -> String {
        let mut pairs = self.pairs();
        if let Some(after) = self.after {
            pairs.push(("after".into(), after.to_string()));
        }
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value))).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }

    /// The same with one thing different, from its first page on.
    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = Self { after: None, ..self.clone() };
        change(&mut other);
        other
    }

    /// Whether anything narrows the list.
    fn narrows(&self) -> bool {
        self.status.is_some() || !self.filters.is_empty() || self.institution.is_some() || self.search.is_some()
    }

    fn query(&self, q: Option<String>) -> ListQuery {
        ListQuery {
            institution_id: self.institution,
            q,
            status: self.status,
            sort: self.sort.clone(),
            filters: self.filters.clone(),
            as_of: self.on,
            limit: ROWS,
            cursor: self.after.map(|id| id.to_string()),
        }
    }

    /// What is kept of it under a name.
    fn kept(&self, q: Option<&str>) -> Value {
        let own = Self { search: None, after: None, on: None, ..self.clone() };
        json!({ "q": q, "asked": own.pairs() })
    }

    /// What was kept under a name.
    fn of_kept(search: &Search, register: &Register, kind: &RecordType) -> Self {
        let pairs: Vec<(String, String)> = serde_json::from_value(search.query["asked"].clone()).unwrap_or_default();
        Self { search: Some(search.id), ..Self::read(&pairs, register, kind) }
    }
}

/// What a search looks for.
fn looked_for(search: &Search) -> Option<String> {
    search.query["q"].as_str().map(str::to_owned).filter(|q| !q.is_empty())
}

fn is_sorted(field: &Field) -> bool {
    field.index.is_some() && field.derived.is_none() && field.kind != FieldType::Reference
}

/// Whether a field can be a column: one value, short enough for a cell.
fn is_column(field: &Field) -> bool {
    !matches!(field.kind, FieldType::Group | FieldType::File | FieldType::Multiline)
}

/// The columns of a list: those that its reader chose, else its subject's code and what it is found by.
fn columns_of<'k>(kind: &'k RecordType, chosen: Option<&Vec<String>>) -> Vec<&'k Field> {
    let titled = |f: &Field| kind.title.contains(&f.name);
    match chosen {
        Some(names) => names
            .iter()
            .filter_map(|name| kind.fields.iter().find(|f| f.name == *name && is_column(f)))
            .take(MOST_COLUMNS)
            .collect(),
        None => {
            let subject = |f: &Field| kind.subject.as_ref().is_some_and(|s| s.field() == f.name);
            let shown = |f: &&Field| is_column(f) && !titled(f) && f.index.is_some();
            let first = kind.fields.iter().filter(|f| subject(f) && is_column(f));
            // Other codes are for searching; what is filtered by tells records apart.
            let others = kind.fields.iter().filter(shown).filter(|f| !subject(f) && f.index == Some(Index::Filter));
            first.chain(others).take(USUAL_COLUMNS).collect()
        }
    }
}

/// A cell.
struct Cell {
    label: String,
    text: String,
    lang: Option<&'static str>,
    class: &'static str,
}

/// A row.
struct Row {
    id: Uuid,
    institution_id: Uuid,
    href: String,
    title: String,
    status: &'static str,
    standing: String,
    institution: Option<String>,
    cells: Vec<Cell>,
}

/// The head of a column.
struct Head {
    label: Said,
    href: Option<String>,
    /// `ascending` or `descending`, where the list is sorted by it.
    order: Option<&'static str>,
    is_number: bool,
}

/// What narrows the list, with the way to take it away.
struct Chip {
    text: String,
    href: String,
}

/// A value of a facet.
struct Choice {
    text: Said,
    count: String,
    href: String,
}

/// A facet.
struct Narrowing {
    label: Said,
    choices: Vec<Choice>,
}

/// A field that can be a column.
struct Column {
    name: String,
    label: Said,
    chosen: bool,
}

/// A search that is kept under a name.
struct Kept {
    id: Uuid,
    name: String,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "ui/lists/list.html")]
struct ListPage {
    f: Frame,
    label: Said,
    clause: String,
    /// Address of the list after the language, without anything asked.
    path: String,
    found: String,
    q: String,
    expired: bool,
    chips: Vec<Chip>,
    narrowings: Vec<Narrowing>,
    institutions: Vec<Choice>,
    heads: Vec<Head>,
    by_institution: bool,
    rows: Vec<Row>,
    columns: Vec<Column>,
    kept: Vec<Kept>,
    hidden: Vec<(String, String)>,
    on: String,
    today: String,
    next: Option<String>,
    first: Option<String>,
    exports: Vec<(&'static str, String)>,
    enter: Option<String>,
    import: Option<String>,
    changes: bool,
    narrowed: bool,
    faults: Vec<Fault>,
}

/// What cells are made with.
struct Cells<'a> {
    t: T,
    definition: &'a Definition,
    titles: &'a BTreeMap<Uuid, String>,
}

impl Cells<'_> {
    fn cell(&self, field: &Field, data: &Value) -> Cell {
        let value = data.get(&field.name).unwrap_or(&Value::Null);
        let items: Vec<Said> = match value {
            Value::Array(items) => items.iter().map(|item| self.said(field, item)).collect(),
            one => vec![self.said(field, one)],
        };
        let text = items.iter().map(|s| s.text.as_str()).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(", ");
        Cell {
            label: self.t.label(&field.label).text,
            text,
            lang: items.iter().find_map(|s| s.lang),
            class: class_of(field),
        }
    }

    fn said(&self, field: &Field, value: &Value) -> Said {
        let plain = |text: String| Said { text, lang: None };
        match value {
            Value::Bool(yes) => plain(self.t.say(if *yes { "lists-yes" } else { "lists-no" })),
            Value::Number(number) if field.kind == FieldType::Year => plain(number.to_string()),
            Value::Number(number) => plain(self.t.decimal(&number.to_string())),
            Value::String(text) => match field.kind {
                FieldType::Date => plain(text.parse().map_or_else(|_| text.clone(), |day| self.t.day(day))),
                FieldType::Money => plain(self.t.money(text)),
                FieldType::Decimal | FieldType::Load => plain(self.t.decimal(text)),
                FieldType::Percentage => plain(format!("{}\u{a0}%", self.t.decimal(text))),
                FieldType::PersonalCode => plain(masked(text)),
                FieldType::Code | FieldType::Language | FieldType::Country => self.code(field, text),
                FieldType::Reference => {
                    let title = Uuid::parse_str(text).ok().and_then(|id| self.titles.get(&id));
                    plain(title.cloned().unwrap_or_else(|| "–".to_owned()))
                }
                _ => plain(text.clone()),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => Said::default(),
        }
    }

    /// What a code of the field's list is called; of one that was renamed, its last name.
    fn code(&self, field: &Field, code: &str) -> Said {
        let list = field.codelist.as_ref().and_then(|n| self.definition.codelists.iter().find(|l| l.name == *n));
        let found = list.and_then(|l| l.codes.iter().rfind(|c| c.code == code));
        found.map_or_else(|| Said { text: code.to_owned(), lang: None }, |c| self.t.label(&c.label))
    }

    /// What a value of a facet is called.
    fn choice(&self, field: &Field, value: &str) -> Said {
        if value.is_empty() {
            return Said { text: self.t.say("lists-without"), lang: None };
        }
        match field.kind {
            FieldType::Boolean => self.said(field, &Value::Bool(value == "true")),
            _ => self.said(field, &Value::String(value.to_owned())),
        }
    }
}

/// How a cell is set: numbers to the right, days and codes on one line.
fn class_of(field: &Field) -> &'static str {
    match field.kind {
        _ if is_number(field) => "num",
        FieldType::Date | FieldType::PersonalCode | FieldType::RegistryCode => "nowrap",
        _ => "",
    }
}

fn is_number(field: &Field) -> bool {
    use FieldType::{Decimal, Integer, Load, Money, Percentage};
    matches!(field.kind, Integer | Decimal | Money | Load | Percentage) && !field.repeats
}

fn standing(t: T, status: Status) -> String {
    t.say(&format!("lists-standing-{}", status.as_str()))
}

fn number(t: T, count: Count) -> String {
    if count.or_more { format!("{}+", t.count(count.number)) } else { t.count(count.number) }
}

/// Ids of records to which the columns of these rows refer.
fn referred(columns: &[&Field], rows: &[RecordView]) -> BTreeSet<Uuid> {
    let ids = |value: &Value| -> Vec<Uuid> {
        let one = |v: &Value| v.as_str().and_then(|text| Uuid::parse_str(text).ok());
        match value {
            Value::Array(items) => items.iter().filter_map(one).collect(),
            single => one(single).into_iter().collect(),
        }
    };
    let fields = columns.iter().filter(|f| f.kind == FieldType::Reference);
    fields.flat_map(|f| rows.iter().filter_map(|r| r.data.get(&f.name)).flat_map(ids)).collect()
}

/// The kind of record of the page, where its reader may list it.
fn kind_of<'r>(visit: &Visit, register: &'r Register) -> Result<&'r RecordType, Problem> {
    register.record_type(visit.word("type")).ok_or_else(Problem::not_found)
}

/// Whether the role reaches more than one institution.
fn reaches_several(visit: &Visit) -> bool {
    let facts = &visit.signed.facts;
    let here = |register: &str| register == visit.word("r");
    match &facts.acting {
        Some(held) => held.institution_id.is_none(),
        None => facts.grants.iter().filter(|g| here(&g.register)).count() > 1,
    }
}

#[derive(Template)]
#[template(path = "ui/lists/index.html")]
struct IndexPage {
    f: Frame,
    kinds: Vec<Kind>,
}

/// A record type in the overview.
struct Kind {
    label: Said,
    clause: String,
    fields: String,
    href: String,
    enter: Option<String>,
}

/// What may be listed here.
async fn index(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let facts = &visit.signed.facts;
    let base = format!("/r/{}/records", register.name());
    let kinds = register.definition.record_types.iter().filter(|k| facts.lists.contains(&k.name)).map(|kind| {
        let count = kind.fields.len().to_string();
        Kind {
            label: visit.t.label(&kind.label),
            clause: kind.clause.0.clone(),
            fields: visit.t.say_with("lists-fields", &[("n", &count)]),
            href: visit.href(&format!("{base}/{}", kind.name)),
            enter: facts.enters.contains(&kind.name).then(|| visit.href(&format!("{base}/{}/new", kind.name))),
        }
    });
    let kinds = kinds.collect();
    html(&IndexPage { f: visit.frame(&state, visit.t.say("lists-records")), kinds })
}

/// A list.
async fn list(state: State, visit: Visit) -> Shown {
    listed(&state, &visit, Vec::new(), StatusCode::OK).await
}

async fn listed(state: &State, visit: &Visit, faults: Vec<Fault>, status: StatusCode) -> Shown {
    let register = visit.register(state)?;
    let kind = kind_of(visit, &register)?;
    let asked = Asked::read(visit.query(), &register, kind);
    let name = || register.name().to_owned();
    let search = match asked.search {
        Some(id) => state.app.search(visit.cx(), name(), id).await?,
        None => None,
    };
    let q = search.as_ref().and_then(looked_for);
    let key = format!("{}/{}", register.name(), kind.name);
    let chosen = visit.signed.facts.settings.columns.get(&key);
    let mut columns = columns_of(kind, chosen);
    let narrowing: Vec<String> =
        kind.fields.iter().filter(|f| is_counted(&register, f)).map(|f| f.name.clone()).collect();

    let query = asked.query(q.clone());
    let rows = state.app.list_records(visit.cx(), name(), kind.name.clone(), query.clone());
    let facets = state.app.record_facets(visit.cx(), name(), kind.name.clone(), query, narrowing);
    let (rows, facets) = join(rows, facets).await;
    let (rows, facets) = (rows?.into_inner(), facets?.into_inner());
    let kept = state.app.searches(visit.cx(), name()).await?;

    // A column of a section that no row shows would only say that.
    let hidden = |field: &Field| {
        let section = field.section.as_ref();
        !rows.items.is_empty() && section.is_some_and(|s| rows.items.iter().all(|r| r.redacted.contains(s)))
    };
    columns.retain(|field| !hidden(field));
    let by_institution = reaches_several(visit) && !register.is_institution_type(&kind.name);
    let mut ids = referred(&columns, &rows.items);
    ids.extend(asked.institution);
    if by_institution {
        ids.extend(rows.items.iter().map(|r| r.institution_id));
    }
    ids.extend(facets.facets.iter().flat_map(|f| &f.values).filter_map(|(value, _)| Uuid::parse_str(value).ok()));
    let ids: Vec<Uuid> = ids.into_iter().take(crate::store::read::titles::MOST_TITLES).collect();
    let titles = if ids.is_empty() {
        BTreeMap::new()
    } else {
        state.app.record_titles(visit.cx(), name(), ids).await?.into_inner()
    };

    let t = visit.t;
    let cells = Cells { t, definition: &register.definition, titles: &titles };
    let path = format!("/r/{}/records/{}", register.name(), kind.name);
    let to = |asked: &Asked| visit.href(&asked.at(&path));
    let last = rows.items.last().map(|r| r.id).filter(|_| rows.next_cursor.is_some());
    let today = register.day(state.app.store.now());
    let label = t.label(&kind.label);
    let facts = &visit.signed.facts;
    let page = ListPage {
        clause: kind.clause.0.clone(),
        found: t.say_with("lists-found", &[("n", &number(t, facets.total))]),
        expired: asked.search.is_some() && search.is_none(),
        chips: chips(&cells, kind, &asked, q.as_deref(), &to),
        narrowings: narrowings(&cells, kind, &asked, &facets, &to),
        institutions: if by_institution && asked.institution.is_none() {
            institutions(&rows.items, &titles, &asked, &to)
        } else {
            Vec::new()
        },
        heads: columns.iter().map(|field| head(t, field, &asked, &to)).collect(),
        by_institution,
        rows: rows.items.iter().map(|r| row(visit, &cells, kind, &columns, r, by_institution, &asked)).collect(),
        columns: kind
            .fields
            .iter()
            .filter(|field| is_column(field) && !hidden(field))
            .map(|field| Column {
                name: field.name.clone(),
                label: t.label(&field.label),
                chosen: columns.iter().any(|c| c.name == field.name),
            })
            .collect(),
        kept: kept
            .iter()
            .filter(|s| s.record_type.as_deref() == Some(&kind.name))
            .map(|s| Kept {
                id: s.id,
                name: s.name.clone().unwrap_or_default(),
                href: to(&Asked::of_kept(s, &register, kind)),
                current: asked.search == Some(s.id),
            })
            .collect(),
        hidden: asked.pairs(),
        on: asked.on.map(|d| t.day(d)).unwrap_or_default(),
        today: t.day(today),
        next: last.map(|id| to(&Asked { after: Some(id), ..asked.clone() })),
        first: asked.after.map(|_| to(&asked.with(|_| ()))),
        exports: [("CSV", "csv"), ("XLSX", "xlsx"), ("JSON", "json")]
            .into_iter()
            .map(|(text, word)| {
                let to = asked.with(|_| ()).at(&format!("{path}/export"));
                let join = if to.contains('?') { '&' } else { '?' };
                (text, visit.href(&format!("{to}{join}format={word}")))
            })
            .collect(),
        enter: facts.enters.contains(&kind.name).then(|| visit.href(&format!("{path}/new"))),
        import: (facts.enters.contains(&kind.name)).then(|| visit.href(&format!("/r/{}/imports", register.name()))),
        changes: visit.may("record.change"),
        narrowed: asked.narrows(),
        q: q.unwrap_or_default(),
        f: visit.frame(state, label.text.clone()).under(&format!("/records/{}", kind.name)),
        label,
        path,
        faults,
    };
    html_as(status, &page)
}

fn row(
    visit: &Visit,
    cells: &Cells<'_>,
    kind: &RecordType,
    columns: &[&Field],
    view: &RecordView,
    by_institution: bool,
    asked: &Asked,
) -> Row {
    let on = asked.on.map(|d| format!("?on={d}")).unwrap_or_default();
    Row {
        id: view.id,
        institution_id: view.institution_id,
        href: visit.href(&format!("/r/{}/records/{}/{}{on}", view.register, view.record_type, view.id)),
        title: kind.title_of(&view.data).unwrap_or_else(|| visit.t.say("lists-untitled")),
        status: match view.status {
            Status::Active => "ok",
            Status::Pending => "fut",
            Status::Ended | Status::None => "",
        },
        standing: standing(visit.t, view.status),
        institution: by_institution
            .then(|| cells.titles.get(&view.institution_id).cloned().unwrap_or_else(|| "–".to_owned())),
        cells: columns.iter().map(|field| cells.cell(field, &view.data)).collect(),
    }
}

fn head(t: T, field: &Field, asked: &Asked, to: &impl Fn(&Asked) -> String) -> Head {
    let current = asked.sort.as_deref().filter(|s| s.trim_start_matches('-') == field.name);
    let descending = current.is_some_and(|s| s.starts_with('-'));
    let next = if current.is_some() && !descending { format!("-{}", field.name) } else { field.name.clone() };
    Head {
        label: t.label(&field.label),
        href: is_sorted(field).then(|| to(&asked.with(|a| a.sort = Some(next)))),
        order: current.map(|_| if descending { "descending" } else { "ascending" }),
        is_number: is_number(field),
    }
}

fn chips(
    cells: &Cells<'_>,
    kind: &RecordType,
    asked: &Asked,
    q: Option<&str>,
    to: &impl Fn(&Asked) -> String,
) -> Vec<Chip> {
    let t = cells.t;
    let mut chips = Vec::new();
    if asked.search.is_some()
        && let Some(q) = q
    {
        let text = t.say_with("lists-chip", &[("field", &t.say("lists-searched")), ("value", q)]);
        chips.push(Chip { text, href: to(&asked.with(|a| a.search = None)) });
    }
    if let Some(status) = asked.status {
        let value = standing(t, status);
        let text = t.say_with("lists-chip", &[("field", &t.say("lists-status")), ("value", &value)]);
        chips.push(Chip { text, href: to(&asked.with(|a| a.status = None)) });
    }
    if let Some(id) = asked.institution {
        let value = cells.titles.get(&id).cloned().unwrap_or_else(|| "–".to_owned());
        let text = t.say_with("lists-chip", &[("field", &t.say("lists-institution")), ("value", &value)]);
        chips.push(Chip { text, href: to(&asked.with(|a| a.institution = None)) });
    }
    for (name, value) in &asked.filters {
        let Some(field) = kind.fields.iter().find(|f| f.name == *name) else { continue };
        let (label, value) = (t.label(&field.label).text, cells.choice(field, value).text);
        let text = t.say_with("lists-chip", &[("field", &label), ("value", &value)]);
        chips.push(Chip {
            text,
            href: to(&asked.with(|a| {
                a.filters.remove(name);
            })),
        });
    }
    chips
}

fn narrowings(
    cells: &Cells<'_>,
    kind: &RecordType,
    asked: &Asked,
    facets: &Facets,
    to: &impl Fn(&Asked) -> String,
) -> Vec<Narrowing> {
    let t = cells.t;
    facets
        .facets
        .iter()
        .filter_map(|facet| {
            if facet.field == STATUS {
                let choices = facet.values.iter().map(|(value, count)| Choice {
                    text: Said { text: t.say(&format!("lists-standing-{value}")), lang: None },
                    count: number(t, *count),
                    href: to(&asked.with(|a| a.status = Status::parse(value))),
                });
                let label = Said { text: t.say("lists-status"), lang: None };
                return Some(Narrowing { label, choices: choices.collect() });
            }
            let field = kind.fields.iter().find(|f| f.name == facet.field)?;
            let choices = facet.values.iter().map(|(value, count)| Choice {
                text: cells.choice(field, value),
                count: number(t, *count),
                href: to(&asked.with(|a| {
                    a.filters.insert(facet.field.clone(), value.clone());
                })),
            });
            Some(Narrowing { label: t.label(&field.label), choices: choices.collect() })
        })
        .collect()
}

/// The institutions of the rows shown, by name.
fn institutions(
    rows: &[RecordView],
    titles: &BTreeMap<Uuid, String>,
    asked: &Asked,
    to: &impl Fn(&Asked) -> String,
) -> Vec<Choice> {
    let ids: BTreeSet<Uuid> = rows.iter().map(|r| r.institution_id).collect();
    let mut named: Vec<(&String, Uuid)> = ids.into_iter().filter_map(|id| Some((titles.get(&id)?, id))).collect();
    named.sort();
    let choices = named.into_iter().map(|(title, id)| Choice {
        text: Said { text: title.clone(), lang: None },
        count: String::new(),
        href: to(&asked.with(|a| a.institution = Some(id))),
    });
    choices.collect()
}

/// Keeps what is looked for, and shows what is found.
async fn find(state: State, posted: Posted) -> Shown {
    let Posted { visit, form } = &posted;
    let register = visit.register(&state)?;
    let kind = kind_of(visit, &register)?;
    let asked = Asked::read(&form.pairs, &register, kind);
    let path = format!("/r/{}/records/{}", register.name(), kind.name);
    let Some(q) = form.text("q") else {
        return visit.see(&asked.with(|a| a.search = None).at(&path));
    };
    let q: String = q.chars().take(LONGEST_SEARCH).collect();
    let kept =
        state.app.keep_search(visit.cx(), register.name().to_owned(), Some(kind.name.clone()), json!({ "q": q }));
    let id = kept.await?;
    visit.see(&asked.with(|a| a.search = Some(id)).at(&path))
}

/// Keeps which columns the visitor wants.
async fn columns(state: State, posted: Posted) -> Shown {
    let Posted { visit, form } = &posted;
    let register = visit.register(&state)?;
    let kind = kind_of(visit, &register)?;
    let wanted: Vec<&str> = form.all("column").collect();
    let known = kind.fields.iter().filter(|f| is_column(f) && wanted.contains(&f.name.as_str()));
    let names: Vec<String> = known.take(MOST_COLUMNS).map(|f| f.name.clone()).collect();
    let mut settings = visit.signed.facts.settings.clone();
    let key = format!("{}/{}", register.name(), kind.name);
    if names.is_empty() || form.has("usual") {
        settings.columns.remove(&key);
    } else {
        settings.columns.insert(key, names);
    }
    state.app.save_settings(visit.cx(), settings).await?;
    let asked = Asked::read(&form.pairs, &register, kind);
    visit.done(&asked.with(|_| ()).at(&format!("/r/{}/records/{}", register.name(), kind.name)), "lists-columns")
}

/// Keeps a search under a name.
async fn keep(state: State, posted: Posted) -> Shown {
    let Posted { visit, form } = &posted;
    let register = visit.register(&state)?;
    let kind = kind_of(visit, &register)?;
    let asked = Asked::read(&form.pairs, &register, kind);
    let path = format!("/r/{}/records/{}", register.name(), kind.name);
    let name = || register.name().to_owned();
    let Some(title) = form.text("name") else {
        return visit.see(&asked.with(|_| ()).at(&path));
    };
    let search = match asked.search {
        Some(id) => state.app.search(visit.cx(), name(), id).await?,
        None => None,
    };
    let query = asked.kept(search.as_ref().and_then(looked_for).as_deref());
    let title: String = title.chars().take(80).collect();
    let id = state.app.save_search(visit.cx(), name(), kind.name.clone(), title, query).await?;
    visit.done(&asked.with(|a| a.search = Some(id)).at(&path), "lists-kept")
}

/// Forgets a search.
async fn forget(state: State, posted: Posted) -> Shown {
    let Posted { visit, form } = &posted;
    let register = visit.register(&state)?;
    let kind = kind_of(visit, &register)?;
    if let Some(id) = form.id("forget")? {
        state.app.forget_search(visit.cx(), register.name().to_owned(), id).await?;
    }
    visit.done(&format!("/r/{}/records/{}", register.name(), kind.name), "lists-forgotten")
}

/// What is found, as a file.
async fn export(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let kind = kind_of(&visit, &register)?;
    let asked = Asked::read(visit.query(), &register, kind);
    let name = || register.name().to_owned();
    let search = match asked.search {
        Some(id) => state.app.search(visit.cx(), name(), id).await?,
        None => None,
    };
    let shape = match visit.q("format") {
        Some("xlsx") => Shape::Xlsx,
        Some("json") => Shape::Json,
        _ => Shape::Csv,
    };
    let export = Export { shape, lang: visit.t.lang, machine_names: shape == Shape::Json };
    let query = asked.query(search.as_ref().and_then(looked_for));
    let made = state.app.export_records(visit.cx(), name(), kind.name.clone(), query, export).await?;
    let answer: HttpResponse = crate::web::api::reports::file(StatusCode::OK, made.into_inner());
    Ok(answer)
}

#[derive(Template)]
#[template(path = "ui/lists/search.html")]
struct SearchPage {
    f: Frame,
    q: String,
    expired: bool,
    groups: Vec<Group>,
}

/// What a search finds of one type.
struct Group {
    label: Said,
    name: String,
    rows: Vec<Hit>,
    more: Option<String>,
}

/// A record that a search finds.
struct Hit {
    href: String,
    title: String,
    code: String,
    institution: String,
    status: &'static str,
    standing: String,
}

/// Keeps what is looked for in all types, and shows what is found.
async fn search(state: State, posted: Posted) -> Shown {
    let Posted { visit, form } = &posted;
    let register = visit.register(&state)?;
    let base = format!("/r/{}/search", register.name());
    let Some(q) = form.text("q") else {
        return visit.see(&base);
    };
    let q: String = q.chars().take(LONGEST_SEARCH).collect();
    let kept = state.app.keep_search(visit.cx(), register.name().to_owned(), None, json!({ "q": q }));
    let id = kept.await?;
    visit.see(&format!("{base}?s={id}"))
}

/// What a search over all types finds.
async fn found(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let name = || register.name().to_owned();
    let id = visit.q_id("s")?;
    let kept = match id {
        Some(id) => state.app.search(visit.cx(), name(), id).await?,
        None => None,
    };
    let q = kept.as_ref().and_then(looked_for);
    let mut groups = Vec::new();
    if let (Some(id), Some(q)) = (id, &q) {
        let lists = &visit.signed.facts.lists;
        let kinds: Vec<&RecordType> =
            register.definition.record_types.iter().filter(|k| lists.contains(&k.name)).collect();
        let query = || ListQuery { q: Some(q.clone()), limit: FOUND, ..ListQuery::default() };
        let pages =
            join_all(kinds.iter().map(|k| state.app.list_records(visit.cx(), name(), k.name.clone(), query()))).await;
        let mut found = Vec::new();
        for (kind, page) in kinds.into_iter().zip(pages) {
            let page = page?.into_inner();
            if !page.items.is_empty() {
                found.push((kind, page));
            }
        }
        let ids: BTreeSet<Uuid> = found.iter().flat_map(|(_, p)| &p.items).map(|r| r.institution_id).collect();
        let titles = if ids.is_empty() {
            BTreeMap::new()
        } else {
            state.app.record_titles(visit.cx(), name(), ids.into_iter().collect()).await?.into_inner()
        };
        groups = found
            .into_iter()
            .map(|(kind, page)| {
                let path = format!("/r/{}/records/{}", register.name(), kind.name);
                let all = Asked { search: Some(id), ..Asked::default() };
                Group {
                    label: visit.t.label(&kind.label),
                    name: kind.name.clone(),
                    more: page.next_cursor.as_ref().map(|_| visit.href(&all.at(&path))),
                    rows: page.items.iter().map(|view| hit(&visit, &register, kind, view, &titles)).collect(),
                }
            })
            .collect();
    }
    html(&SearchPage {
        f: visit.frame(&state, visit.t.say("lists-search")),
        expired: id.is_some() && kept.is_none(),
        q: q.unwrap_or_default(),
        groups,
    })
}

fn hit(
    visit: &Visit,
    register: &Register,
    kind: &RecordType,
    view: &RecordView,
    titles: &BTreeMap<Uuid, String>,
) -> Hit {
    let code = kind.subject.as_ref().and_then(|s| view.data.get(s.field())?.as_str());
    let own = register.is_institution_type(&kind.name);
    Hit {
        href: visit.href(&format!("/r/{}/records/{}/{}", view.register, view.record_type, view.id)),
        title: kind.title_of(&view.data).unwrap_or_else(|| visit.t.say("lists-untitled")),
        code: code.map(masked).unwrap_or_default(),
        institution: titles.get(&view.institution_id).filter(|_| !own).cloned().unwrap_or_default(),
        status: match view.status {
            Status::Active => "ok",
            Status::Pending => "fut",
            Status::Ended | Status::None => "",
        },
        standing: standing(visit.t, view.status),
    }
}
