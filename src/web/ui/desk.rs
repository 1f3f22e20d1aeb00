//! The desk: what waits for whoever is there, in the role that they act in, the latest first.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use futures_util::future::join5;
use uuid::Uuid;

use super::frame::Frame;
use super::visit::Visit;
use super::{Page, Said, Shown, State, T, html, page};
use crate::app::desk::DraftLine;
use crate::app::{Disclosed, Error};
use crate::domain::registers::Register;
use crate::domain::statute::procedures::Procedure;
use crate::store::read::cases::{CaseQuery, CaseView};
use crate::store::read::confirmations::{BoardQuery, DutyView};
use crate::store::read::grants::GrantView;
use crate::store::read::imports::ImportView;
use crate::store::read::letters::LetterView;
use crate::store::read::moves::{MoveQuery, MoveView};
use crate::store::read::publications::PublicationView;
use crate::store::read::retention::BatchView;
use crate::store::read::retention_screens::Glance;

/// Pages of this noun.
pub const PAGES: &[Page] = &[page!(Get "/r/{r}/desk", show, "the lists of what waits, each its own act")];

/// Lines of a queue that are shown.
const SHOWN: usize = 5;
/// Items of a queue that are counted.
const COUNTED: i64 = 50;
/// How many days ahead one looks.
const AHEAD: u64 = 30;
/// From so few days on a deadline is close.
const CLOSE: i64 = 3;
/// Newest batches of retention among which is looked for those that wait.
const BATCHES: i64 = 20;
/// Records fallen due that are counted.
const DUE_COUNTED: u64 = 500;
/// Ways to enter a record that are offered.
const OFFERED: usize = 6;

/// By when something must be done.
#[derive(Debug, Clone)]
pub struct Due {
    /// Its day.
    pub day: String,
    /// How many days are left, or have gone.
    pub left: String,
    /// `err`, `warn`, or nothing.
    pub kind: &'static str,
    /// Order of urgency.
    pub days: i64,
}

impl Due {
    /// How a day looks from today.
    pub fn of(t: T, day: NaiveDate, today: NaiveDate) -> Self {
        let days = (day - today).num_days();
        let left = match days {
            0 => t.say("desk-today"),
            1.. => plural(t, "desk-left-", days),
            _ => plural(t, "desk-late-", -days),
        };
        let kind = if days < 0 {
            "err"
        } else if days <= CLOSE {
            "warn"
        } else {
            ""
        };
        Self { day: t.day(day), left, kind, days }
    }
}

/// A text about a number of things: `<beginning>one` for one of them, `<beginning>many` for all other numbers.
pub fn plural(t: T, beginning: &str, n: i64) -> String {
    t.say_with(&format!("{beginning}{}", if n == 1 { "one" } else { "many" }), &[("n", &t.count(n))])
}

/// A day and a time as clocks in the register show them; what is no instant stays as it is.
pub fn moment(t: T, text: &str, zone: Tz) -> String {
    text.parse::<DateTime<Utc>>().map_or_else(|_| text.to_owned(), |at| t.instant(at, zone))
}

/// Something that waits.
#[derive(Debug)]
struct Line {
    text: Said,
    about: String,
    href: String,
    due: Option<Due>,
    clause: Option<String>,
}

/// What waits, of one kind.
#[derive(Debug)]
struct Queue {
    id: &'static str,
    title: String,
    count: String,
    late: bool,
    lines: Vec<Line>,
    more: Option<String>,
}

/// A step of setting up an empty register.
#[derive(Debug)]
struct Step {
    text: String,
    href: String,
}

#[derive(Template)]
#[template(path = "ui/desk/desk.html")]
struct DeskPage {
    f: Frame,
    hello: String,
    today: String,
    late: String,
    queues: Vec<Queue>,
    actions: Vec<(Said, String, &'static str)>,
    steps: Vec<Step>,
}

/// Shows what waits.
///
/// # Errors
/// Those of the acts.
pub async fn show(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let today = register.day(state.app.store.now());
    let desk = Desk { visit: &visit, register: &register, today, zone: register.definition.register.time_zone };
    let waiting = desk.waiting(&state).await?;
    let empty = waiting.is_empty() && desk.is_empty(&state).await;
    let late: usize =
        waiting.iter().map(|q| q.lines.iter().filter(|l| l.due.as_ref().is_some_and(|d| d.days < 0)).count()).sum();
    let frame = visit.frame(&state, visit.t.say("frame-desk"));
    let name = visit.signed.facts.display_name.split_whitespace().next().unwrap_or_default().to_owned();
    html(&DeskPage {
        hello: visit.t.say_with("desk-hello", &[("name", &name)]),
        today: visit.t.say_with("desk-date", &[("day", &visit.t.weekday(today))]),
        late: if late == 0 {
            String::new()
        } else {
            plural(visit.t, "desk-lateness-", i64::try_from(late).unwrap_or(i64::MAX))
        },
        actions: desk.actions(),
        steps: if empty { desk.steps() } else { Vec::new() },
        queues: waiting,
        f: frame,
    })
}

struct Desk<'v> {
    visit: &'v Visit,
    register: &'v Register,
    today: NaiveDate,
    zone: Tz,
}

/// A list whose right has ended since the page was begun is none; every other fault is one.
fn unless_refused<V>(outcome: Result<Disclosed<V>, Error>) -> Result<Option<V>, Error> {
    match outcome {
        Ok(list) => Ok(Some(list.into_inner())),
        Err(error) if crate::app::jobs::is_refused(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Desk<'_> {
    /// What waits: a bounded number of lists, asked for all at once, and only those that the role may see.
    async fn waiting(&self, state: &State) -> Result<Vec<Queue>, Error> {
        let (app, name) = (&state.app, self.register.name().to_owned());
        let (cx, visit) = (|| self.visit.cx(), self.visit);
        let until = self.today.checked_add_days(Days::new(AHEAD)).unwrap_or(self.today);
        let enters = !visit.signed.facts.enters.is_empty();
        let confirms = !self.register.definition.register.confirmations.is_empty() && visit.may("confirmation.read");
        let moves = enters && self.register.definition.record_types.iter().any(|t| !t.moves.is_empty());
        let drafts = app.drafts(cx(), name.clone());
        let board = |status: &'static str| {
            let query = BoardQuery { status: Some(status), limit: COUNTED, ..BoardQuery::default() };
            let act = app.list_confirmations(cx(), name.clone(), query);
            async move { if confirms { unless_refused(act.await).map(|p| p.map(|p| p.items)) } else { Ok(None) } }
        };
        let cases = |query: CaseQuery| {
            let act = app.list_cases(cx(), name.clone(), query);
            async move {
                if visit.may("case.read") { unless_refused(act.await).map(|p| p.map(|p| p.items)) } else { Ok(None) }
            }
        };
        let due = CaseQuery { due_until: Some(until), limit: COUNTED, ..CaseQuery::default() };
        let open = CaseQuery { state: Some("open".into()), limit: COUNTED, ..CaseQuery::default() };
        let offers = async {
            let query = MoveQuery { state: Some("offered".into()), limit: COUNTED, ..MoveQuery::default() };
            match moves {
                true => unless_refused(app.list_moves(cx(), name.clone(), query).await).map(|p| p.map(|p| p.items)),
                false => Ok(None),
            }
        };
        let ending = async {
            match visit.may("grant.list") {
                true => unless_refused(app.grants_ending(cx(), name.clone(), until, COUNTED).await)
                    .map(|p| p.map(|p| p.items)),
                false => Ok(None),
            }
        };
        let imports = async {
            match enters {
                true => unless_refused(app.list_imports(cx(), name.clone(), None, None, 5).await)
                    .map(|p| p.map(|p| p.items)),
                false => Ok(None),
            }
        };
        let publications = async {
            match visit.may("publication.approve") {
                true => unless_refused(app.list_publications(cx(), name.clone(), None, None, 20).await)
                    .map(|p| p.map(|p| p.items)),
                false => Ok(None),
            }
        };
        let letters = async {
            match visit.may("job.list") {
                true => unless_refused(app.list_letters(cx(), name.clone(), Some("dead"), None, COUNTED).await)
                    .map(|p| p.map(|p| p.items)),
                false => Ok(None),
            }
        };
        let batches = async {
            match visit.may("retention.read") {
                true => unless_refused(app.list_batches(cx(), name.clone(), None, BATCHES).await)
                    .map(|p| p.map(|p| p.items)),
                false => Ok(None),
            }
        };
        let terms = async {
            match visit.may("retention.propose") {
                true => unless_refused(app.retention_glance(cx(), name.clone(), DUE_COUNTED).await),
                false => Ok(None),
            }
        };
        let terms = futures_util::future::join(batches, terms);
        let first = join5(drafts, board("overdue"), board("open"), cases(due), cases(open));
        let second = join5(offers, ending, imports, publications, letters);
        let ((drafts, overdue, opened, due, open), (offers, ending, imports, publications, letters), (batches, terms)) =
            futures_util::future::join3(first, second, terms).await;
        let drafts = match drafts {
            Ok(drafts) => drafts,
            Err(error) if crate::app::jobs::is_refused(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut duties = overdue?.unwrap_or_default();
        duties.extend(opened?.unwrap_or_default());
        let mut queues = vec![self.duties(duties)];
        queues.extend(self.cases(due?.unwrap_or_default(), open?.unwrap_or_default()));
        queues.push(self.offers(offers?.unwrap_or_default()));
        queues.push(self.drafts(drafts));
        queues.push(self.publications(publications?.unwrap_or_default()));
        queues.push(self.retention(batches?.unwrap_or_default(), terms?));
        queues.push(self.grants(ending?.unwrap_or_default()));
        queues.push(self.imports(imports?.unwrap_or_default()));
        queues.push(self.letters(letters?.unwrap_or_default()));
        queues.retain(|q| !q.lines.is_empty());
        // What is late comes first; otherwise the order is the one above.
        queues.sort_by_key(|q| !q.late);
        Ok(queues)
    }

    fn say(&self, key: &str) -> String {
        self.visit.t.say(key)
    }

    fn at(&self, path: &str) -> String {
        self.visit.href(&format!("/r/{}{path}", self.register.name()))
    }

    fn queue(&self, id: &'static str, title: String, mut lines: Vec<Line>, more: Option<String>) -> Queue {
        lines.sort_by_key(|l| l.due.as_ref().map_or(i64::MAX, |d| d.days));
        let all = lines.len();
        let over = i64::try_from(all).is_ok_and(|n| n >= COUNTED);
        let count = if over { format!("{COUNTED}+") } else { all.to_string() };
        let late = lines.iter().any(|l| l.due.as_ref().is_some_and(|d| d.days < 0));
        // What has no list of its own is shown whole.
        lines.truncate(if more.is_some() { SHOWN } else { usize::MAX });
        let more = more.filter(|_| all > SHOWN);
        Queue { id, title, count, late, lines, more }
    }

    fn label_of(&self, record_type: &str) -> Said {
        let kind = self.register.record_type(record_type);
        kind.map_or_else(|| Said { text: record_type.to_owned(), lang: None }, |k| self.visit.t.label(&k.label))
    }

    fn duties(&self, duties: Vec<DutyView>) -> Queue {
        let line = |duty: DutyView| Line {
            text: Said { text: format!("{} · {}", duty.institution, self.visit.t.label(&duty.label)), lang: None },
            about: self
                .visit
                .t
                .say_with("desk-parts", &[("done", &duty.parts_checked.to_string()), ("of", &duty.parts.to_string())]),
            href: self.at(&format!("/confirmations/{}", duty.id)),
            due: Some(Due::of(self.visit.t, duty.acts_by, self.today)),
            clause: Some(duty.clause.to_string()),
        };
        let lines = duties.into_iter().map(line).collect();
        self.queue("duties", self.say("desk-duties"), lines, Some(self.at("/confirmations")))
    }

    /// Cases by what they are: requests for data, applications for access, what the engine opened about rights, and
    /// the rest.
    fn cases(&self, due: Vec<CaseView>, open: Vec<CaseView>) -> Vec<Queue> {
        let mut seen: BTreeSet<Uuid> = BTreeSet::new();
        let mut by: BTreeMap<usize, Vec<Line>> = BTreeMap::new();
        for view in due.into_iter().chain(open) {
            if !seen.insert(view.case.id) {
                continue;
            }
            let (place, noun) = match view.procedure {
                Procedure::Disclosure => (0, "requests"),
                Procedure::Access | Procedure::Leaver | Procedure::Recertification => (1, "cases"),
                _ => (2, "cases"),
            };
            let kind = self.register.case_kind(&view.case.kind);
            let deadline = view.case.deadline.as_ref();
            by.entry(place).or_default().push(Line {
                text: kind.map_or_else(
                    || Said { text: view.case.kind.clone(), lang: None },
                    |k| self.visit.t.label(&k.label),
                ),
                about: view.case.subject.clone(),
                href: self.at(&format!("/{noun}/{}", view.case.id)),
                due: deadline.map(|d| Due::of(self.visit.t, d.due, self.today)),
                clause: deadline.map(|d| d.clause.to_string()).or_else(|| kind.map(|k| k.clause.to_string())),
            });
        }
        let names = [
            ("requests", "desk-requests", "/requests"),
            ("rights", "desk-rights", "/cases"),
            ("cases", "desk-cases", "/cases"),
        ];
        by.into_iter()
            .filter_map(|(place, lines)| {
                let (id, title, more) = names.get(place)?;
                Some(self.queue(id, self.say(title), lines, Some(self.at(more))))
            })
            .collect()
    }

    fn offers(&self, offers: Vec<MoveView>) -> Queue {
        let line = |offer: MoveView| Line {
            text: offer
                .label
                .as_ref()
                .map_or_else(|| self.label_of(&offer.into.record_type), |l| self.visit.t.label(l)),
            about: self.visit.t.say_with("desk-offered-from", &[("day", &self.visit.t.day(offer.effective_on))]),
            href: self.at(&format!("/moves/{}", offer.id)),
            due: None,
            clause: Some(offer.clause.clone()),
        };
        self.queue("offers", self.say("desk-offers"), offers.into_iter().map(line).collect(), Some(self.at("/moves")))
    }

    fn drafts(&self, drafts: Vec<DraftLine>) -> Queue {
        let line = |draft: DraftLine| {
            // The key of a form is its address under the register.
            let parts: Vec<&str> = draft.form_key.split('/').collect();
            let text = match parts.as_slice() {
                ["records", kind, ..] => self.label_of(kind),
                _ => Said { text: self.say("desk-draft"), lang: None },
            };
            let saved = self.visit.t.instant(draft.saved_at, self.zone);
            let new = parts.last() == Some(&"new");
            Line {
                text,
                about: self
                    .visit
                    .t
                    .say_with(if new { "desk-draft-new" } else { "desk-draft-change" }, &[("when", &saved)]),
                href: self.at(&format!("/{}", draft.form_key)),
                due: None,
                clause: None,
            }
        };
        self.queue("drafts", self.say("desk-drafts"), drafts.into_iter().map(line).collect(), None)
    }

    fn publications(&self, publications: Vec<PublicationView>) -> Queue {
        let line = |p: PublicationView| Line {
            text: self.label_of(&p.record_type),
            about: self
                .visit
                .t
                .say_with("desk-proposed", &[("when", &moment(self.visit.t, &p.proposed_at, self.zone))]),
            href: self.at(&format!("/publications/{}", p.id)),
            due: None,
            clause: Some(p.clause.to_string()),
        };
        let lines = publications.into_iter().filter(|p| p.state == "proposed").map(line).collect();
        self.queue("publications", self.say("desk-publications"), lines, Some(self.at("/publications")))
    }

    /// Batches that wait for what the visitor may do, and how much has fallen due.
    fn retention(&self, batches: Vec<BatchView>, terms: Option<Glance>) -> Queue {
        let (t, visit) = (self.visit.t, self.visit);
        let me = &visit.signed.facts.display_name;
        let line = |batch: BatchView| {
            // Whoever proposed it does not approve it, whoever approved it does not carry it out.
            let key = match batch.state.as_str() {
                "proposed" if visit.may("retention.propose") => "desk-batch-review",
                "reviewed" if visit.may("retention.approve") && batch.proposed_by != *me => "desk-batch-approve",
                "approved" | "executing"
                    if visit.may("retention.execute") && batch.approved_by.as_ref() != Some(me) =>
                {
                    "desk-batch-execute"
                }
                _ => return None,
            };
            Some(Line {
                text: Said { text: t.say_with("retention-batch", &[("n", &batch.number.to_string())]), lang: None },
                about: format!("{} · {}", t.say(key), batch.proposed_by),
                href: self.at(&format!("/retention/batches/{}", batch.id)),
                due: None,
                clause: None,
            })
        };
        let mut lines: Vec<Line> = batches.into_iter().filter_map(line).collect();
        if let Some(glance) = terms.filter(|g| g.records > 0) {
            let n = i64::try_from(glance.records).unwrap_or(i64::MAX);
            lines.push(Line {
                text: Said { text: plural(t, "desk-due-", n), lang: None },
                about: if glance.more { t.say("desk-due-more") } else { t.say("desk-due-about") },
                href: self.at("/retention"),
                due: None,
                clause: None,
            });
        }
        self.queue("retention", self.say("desk-retention"), lines, Some(self.at("/retention/batches")))
    }

    fn grants(&self, grants: Vec<GrantView>) -> Queue {
        let roles = &self.register.definition.register.roles;
        let line = |view: GrantView| Line {
            text: Said { text: view.username, lang: None },
            about: roles
                .iter()
                .find(|r| r.name == view.grant.role)
                .map_or_else(|| view.grant.role.clone(), |r| self.visit.t.label(&r.label).text),
            href: self.at("/access"),
            due: view.grant.until.map(|day| Due::of(self.visit.t, day, self.today)),
            clause: Some(self.register.definition.register.access.revocation_clause.to_string()),
        };
        self.queue("grants", self.say("desk-grants"), grants.into_iter().map(line).collect(), Some(self.at("/access")))
    }

    fn imports(&self, imports: Vec<ImportView>) -> Queue {
        let line = |import: ImportView| Line {
            text: self.label_of(&import.record_type),
            about: format!(
                "{} · {}",
                self.visit.t.say_if(&format!("desk-import-{}", import.state)).unwrap_or_else(|| import.state.clone()),
                moment(self.visit.t, &import.made_at, self.zone)
            ),
            href: self.at(&format!("/imports/{}", import.id)),
            due: None,
            clause: None,
        };
        self.queue(
            "imports",
            self.say("desk-imports"),
            imports.into_iter().map(line).collect(),
            Some(self.at("/imports")),
        )
    }

    fn letters(&self, letters: Vec<LetterView>) -> Queue {
        let line = |letter: LetterView| Line {
            text: Said { text: letter.address, lang: None },
            about: moment(self.visit.t, &letter.created_at, self.zone),
            href: self.at("/letters?state=dead"),
            due: None,
            clause: None,
        };
        let lines = letters.into_iter().map(line).collect();
        self.queue("letters", self.say("desk-letters"), lines, Some(self.at("/letters?state=dead")))
    }

    /// What is begun from here most often, each with its key where it has one.
    fn actions(&self) -> Vec<(Said, String, &'static str)> {
        let (visit, definition) = (self.visit, &self.register.definition);
        let mut actions = Vec::new();
        let enters = definition.record_types.iter().filter(|t| visit.signed.facts.enters.contains(&t.name));
        // People are entered daily, what they belong to once a year.
        let mut enters: Vec<_> = enters.collect();
        enters.sort_by_key(|kind| kind.subject.is_none());
        for (n, kind) in enters.into_iter().take(OFFERED).enumerate() {
            let text = visit.t.say_with("desk-add", &[("what", &visit.t.label(&kind.label).text)]);
            let key = if n == 0 { "n" } else { "" };
            actions.push((Said { text, lang: None }, self.at(&format!("/records/{}/new", kind.name)), key));
        }
        let ways = [
            ("desk-do-import", "/imports", !visit.signed.facts.enters.is_empty()),
            ("desk-do-grant", "/access/new", visit.may("grant.issue")),
            ("desk-do-audit", "/audit", visit.may("audit.read")),
            ("desk-do-signals", "/audit/signals", visit.may("audit.review")),
            ("desk-do-report", "/reports", visit.may("report.run")),
            ("desk-do-case", "/cases/new", !visit.signed.facts.opens.is_empty()),
        ];
        for (key, path, _) in ways.into_iter().filter(|w| w.2) {
            actions.push((Said { text: self.say(key), lang: None }, self.at(path), ""));
        }
        actions
    }

    /// Whether there is nothing in the register at all: then a new user is told how to begin.
    async fn is_empty(&self, state: &State) -> bool {
        let kind = &self.register.definition.register.institutions.record_type;
        let begins = self.visit.signed.facts.enters.contains(kind) || self.visit.may("grant.issue");
        begins && state.app.is_begun(self.visit.cx(), self.register.name().to_owned()).await.is_ok_and(|begun| !begun)
    }

    fn steps(&self) -> Vec<Step> {
        let kind = &self.register.definition.register.institutions.record_type;
        let step = |key: &str, path: &str| Step { text: self.say(key), href: self.at(path) };
        vec![
            step("desk-step-read", "/statute"),
            step("desk-step-institution", &format!("/records/{kind}/new")),
            step("desk-step-grants", "/access"),
            step("desk-step-records", "/imports"),
        ]
    }
}
