//! Confirmation by the head: the board, the checklist, what is said on the way, the act, its receipt and its proofs;
//! and the calendars in which its days stand.

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::files_of::{Made, Shape, written};
use super::{ActContext, App, Disclosed, Error};
use crate::domain::calendar::instant;
use crate::domain::hex;
use crate::domain::registers::Register;
use crate::files::ics::{Day, ics};
use crate::files::receipt::{Receipt, receipt_pdf};
use crate::files::{Act, Cell, Column, ColumnKind, Extract, Lang, Table, csv, xlsx};
use crate::store::acts::confirmations::{NoteView, Reckoned, Said, Statement};
use crate::store::guard::{ConfirmationCheck, ConfirmationConfirm, ConfirmationRead, RecordRead};
use crate::store::read::confirmations::{
    BoardPage, BoardQuery, ChecklistView, DutyView, FeedLine, ProofView, ReceiptView, SummaryView,
};

/// A secret address of a calendar, shown once.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FeedView {
    /// By which it is revoked: SHA-256 of the secret.
    pub id: String,
    /// The path of the address; whoever knows it sees the calendar.
    pub path: String,
}

impl App {
    /// Duties that the caller may see.
    ///
    /// # Errors
    /// Refusals with their clause; a cursor that is not ours.
    pub async fn list_confirmations(
        &self,
        cx: ActContext,
        register: String,
        query: BoardQuery,
    ) -> Result<Disclosed<BoardPage>, Error> {
        let (name, asked) = (register.clone(), query.clone());
        let page = self.store.disclose(cx.clone(), move |tx| tx.board(&name, &asked)).await?;
        if !page.get().items.is_empty() || query.cursor.is_some() {
            return Ok(page);
        }
        // Nobody waits for the job to see the duties of an institution entered just now.
        if self.reckon(&ActContext::installation("confirmations"), &register).await?.new == 0 {
            return Ok(page);
        }
        Ok(self.store.disclose(cx, move |tx| tx.board(&register, &query)).await?)
    }

    /// The board as a file.
    ///
    /// # Errors
    /// As [`App::list_confirmations`].
    pub async fn export_confirmations(
        &self,
        cx: ActContext,
        register: String,
        query: BoardQuery,
        language: String,
        shape: Shape,
    ) -> Result<Made, Error> {
        let of = self.register(&register)?;
        let name = register.clone();
        let page = self.store.disclose(cx, move |tx| tx.board_export(&name, &query)).await?.into_inner();
        let made_at = self.store.now();
        let stem = format!("{register}-confirmations-{}", of.day(made_at));
        let work = move || board_file(&of, &page, made_at, &language, shape);
        let bytes = tokio::task::spawn_blocking(work).await.map_err(|e| Error::Setup(e.to_string()))?;
        Ok(Made::new(stem, shape, bytes.map_err(Error::Setup)?))
    }

    /// How many duties stand where.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn summarise_confirmations(
        &self,
        cx: ActContext,
        register: String,
        due_on: Option<NaiveDate>,
    ) -> Result<Disclosed<SummaryView>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.board_summary(&register, due_on)).await?)
    }

    /// The checklist of a duty.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn read_confirmation(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<ChecklistView>, Error> {
        self.read_confirmation_naming(cx, register, id, Vec::new()).await
    }

    /// The checklist of a duty, and what the records `name` of it are called.
    ///
    /// # Errors
    /// As [`App::read_confirmation`].
    pub async fn read_confirmation_naming(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        name: Vec<Uuid>,
    ) -> Result<Disclosed<ChecklistView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            // Counts, findings and root tell of one state, whatever is entered meanwhile.
            tx.freeze()?;
            let permit = tx.authorize_confirmation::<ConfirmationRead>(&register, id)?;
            tx.checklist(permit, id, &name)
        });
        Ok(act.await?)
    }

    /// Notes a part as checked, a reason for a warning, or an exception under an inquiry.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn note_confirmation(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        said: Said,
    ) -> Result<Disclosed<NoteView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_confirmation::<ConfirmationCheck>(&register, id)?;
            tx.confirmation_note(permit, id, &said)
        });
        Ok(act.await?)
    }

    /// Confirms.
    ///
    /// # Errors
    /// Refusals with their clause: outside the window, on data that have changed, with faults in the way.
    pub async fn confirm(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        statement: Statement,
    ) -> Result<Disclosed<ReceiptView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_confirmation::<ConfirmationConfirm>(&register, id)?;
            tx.confirm(permit, id, &statement)
        });
        Ok(act.await?)
    }

    /// The receipt of a confirmation.
    ///
    /// # Errors
    /// [`crate::domain::refusal::Refusal::NotFound`] where nothing has been confirmed.
    pub async fn read_receipt(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<ReceiptView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_confirmation::<ConfirmationRead>(&register, id)?;
            tx.confirmation_receipt(permit, id)
        });
        Ok(act.await?)
    }

    /// The receipt as PDF/A: its file name and its bytes.
    ///
    /// # Errors
    /// As [`App::read_receipt`].
    pub async fn print_receipt(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        language: Lang,
    ) -> Result<(String, Vec<u8>), Error> {
        let of = self.register(&register)?;
        let view = self.read_receipt(cx, register.clone(), id).await?.into_inner();
        let name = format!("{register}-{}.pdf", view.number);
        let work = move || receipt_pdf(&receipt(&of, &view, language));
        let made = tokio::task::spawn_blocking(work).await.map_err(|e| Error::Setup(e.to_string()))?;
        Ok((name, made.map_err(|e| Error::Setup(e.to_string()))?))
    }

    /// What proves that a record was confirmed in a state.
    ///
    /// # Errors
    /// Refusals with their clause: whoever may see a part of the record only gets no proof of the whole.
    pub async fn prove_confirmation(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        record_id: Uuid,
    ) -> Result<Disclosed<ProofView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let (record_type, due_on) = tx.confirmed_as(&register, id, record_id)?;
            let permit = tx.authorize_record::<RecordRead>(&register, &record_type, record_id, Some(due_on), None)?;
            tx.confirmation_proof(permit, id)
        });
        Ok(act.await?)
    }

    /// The caller's calendar of days by which to confirm (RFC 5545).
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn confirmation_calendar(
        &self,
        cx: ActContext,
        register: String,
        language: Lang,
    ) -> Result<String, Error> {
        let of = self.register(&register)?;
        let items = self.store.disclose(cx, move |tx| tx.calendar(&register)).await?.into_inner();
        Ok(calendar(&of, &items, self.store.now(), language))
    }

    /// Makes a secret address of the caller's calendar. It is shown once: what is kept is its digest.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn feed_confirmations(&self, cx: ActContext, register: String) -> Result<Disclosed<FeedView>, Error> {
        use base64::Engine as _;
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(|e| Error::Setup(e.to_string()))?;
        let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random);
        let digest = digest(&secret);
        let view = FeedView { id: digest.clone(), path: format!("/api/public/v1/calendars/{secret}.ics") };
        let act = self.store.write(cx, move |tx| {
            tx.calendar_feed_make(&register, &digest)?;
            Ok(crate::store::Sealed::unlogged(view.clone()))
        });
        Ok(act.await?)
    }

    /// The caller's secret addresses in force.
    ///
    /// # Errors
    /// [`crate::domain::refusal::Refusal::Unauthenticated`].
    pub async fn feeds(&self, cx: ActContext, register: String) -> Result<Disclosed<Vec<FeedLine>>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.calendar_feeds(&register)).await?)
    }

    /// Ends a secret address of the caller's.
    ///
    /// # Errors
    /// [`crate::domain::refusal::Refusal::NotFound`].
    pub async fn end_feed(&self, cx: ActContext, register: String, id: String) -> Result<(), Error> {
        self.store.write(cx, move |tx| tx.calendar_feed_end(&register, &id)).await?;
        Ok(())
    }

    /// The calendar behind a secret address, for whoever knows it.
    ///
    /// # Errors
    /// [`crate::domain::refusal::Refusal::NotFound`] for one that is not in force, or whose user may see no duties any more.
    pub async fn public_calendar(&self, secret: &str, language: Lang) -> Result<String, Error> {
        let digest = digest(secret);
        let cx = ActContext::installation("public");
        let (register, items) = self.store.disclose(cx, move |tx| tx.calendar_feed(&digest)).await?.into_inner();
        let of = self.register(&register)?;
        Ok(calendar(&of, &items, self.store.now(), language))
    }

    /// Reckons the duties of a register anew.
    async fn reckon(&self, cx: &ActContext, register: &str) -> Result<Reckoned, Error> {
        let register = register.to_owned();
        Ok(self.store.write(cx.clone(), move |tx| tx.duties_reckon(&register)).await?.into_inner())
    }

    /// Reckons the duties of every register anew, and reminds of those that are due: duties new, cancelled, taken up
    /// again, and letters.
    ///
    /// # Errors
    /// The first failure, when all other registers have been dealt with.
    pub async fn reckon_confirmations(&self, cx: &ActContext) -> Result<(Reckoned, usize), Error> {
        let names: Vec<String> = self.store.registers().names().map(str::to_owned).collect();
        let (mut done, mut letters, mut failed) = (Reckoned::default(), 0, None);
        for register in names {
            let result = async {
                let reckoned = self.reckon(cx, &register).await?;
                let act = self.store.write(cx.clone(), move |tx| tx.duties_remind(&register));
                Ok::<_, Error>((reckoned, act.await?.into_inner()))
            };
            match result.await {
                Ok((reckoned, reminded)) => {
                    done.new += reckoned.new;
                    done.cancelled += reckoned.cancelled;
                    done.reopened += reckoned.reopened;
                    letters += reminded;
                }
                Err(e) => failed = failed.or(Some(e)),
            }
        }
        failed.map_or(Ok((done, letters)), Err)
    }
}

/// SHA-256 of a secret, in lower-case hexadecimal.
fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Where a duty stands, in a word for people: Estonian, English, Finnish, Swedish.
fn standing(status: &str, language: Lang) -> &'static str {
    let words = match status {
        "upcoming" => ["ees", "upcoming", "tulossa", "kommande"],
        "open" => ["avatud", "open", "avoinna", "öppen"],
        "confirmed" => ["kinnitatud", "confirmed", "vahvistettu", "bekräftad"],
        "confirmed_late" => ["kinnitatud hilinenult", "confirmed late", "vahvistettu myöhässä", "bekräftad för sent"],
        "overdue" => ["tähtaeg möödas", "overdue", "myöhässä", "försenad"],
        _ => ["ära jäänud", "cancelled", "peruttu", "bortfallen"],
    };
    pick(words, language)
}

fn pick([et, en, fi, sv]: [&'static str; 4], language: Lang) -> &'static str {
    match language {
        Lang::Et => et,
        Lang::En => en,
        Lang::Fi => fi,
        Lang::Sv => sv,
    }
}

/// The board as a table, a line for each duty.
fn board_file(
    register: &Register,
    page: &BoardPage,
    made_at: DateTime<Utc>,
    language: &str,
    shape: Shape,
) -> Result<Vec<u8>, String> {
    let lang: Lang = language.parse().unwrap_or_default();
    let source = &register.definition.register;
    let column = |name: &str, words, kind| Column { name: name.to_owned(), label: pick(words, lang).to_owned(), kind };
    let columns = vec![
        column("due_on", ["Kuupäev", "Day", "Päivä", "Dag"], ColumnKind::Date),
        column("acts_by", ["Tähtaeg", "In time until", "Määräaika", "Senast"], ColumnKind::Date),
        column("institution", ["Asutus", "Institution", "Laitos", "Institution"], ColumnKind::Text),
        column("kind", ["Liik", "Kind", "Laji", "Slag"], ColumnKind::Text),
        column("status", ["Seis", "Status", "Tila", "Status"], ColumnKind::Text),
        column("days_late", ["Päevi hilinenud", "Days late", "Päiviä myöhässä", "Dagar för sent"], ColumnKind::Integer),
        column(
            "parts_checked",
            ["Osi kontrollitud", "Parts checked", "Osia tarkistettu", "Delar granskade"],
            ColumnKind::Text,
        ),
        column("confirmed_at", ["Kinnitatud", "Confirmed", "Vahvistettu", "Bekräftad"], ColumnKind::Text),
        column("number", ["Number", "Number", "Numero", "Nummer"], ColumnKind::Integer),
        column("records", ["Kirjeid", "Records", "Tietueita", "Poster"], ColumnKind::Integer),
        column(
            "changed_since",
            ["Hiljem muutunud", "Changed since", "Muuttunut sen jälkeen", "Ändrade därefter"],
            ColumnKind::Integer,
        ),
    ];
    let title = pick(
        ["Andmete kinnitamine", "Confirmation of data", "Tietojen vahvistaminen", "Bekräftelse av uppgifter"],
        lang,
    );
    let kinds: Vec<ColumnKind> = columns.iter().map(|c| c.kind).collect();
    let mut table = Table::new(title.to_owned(), columns);
    for d in &page.items {
        let kind = source.institutions.kinds.iter().find(|k| k.name == d.kind);
        let values = [
            serde_json::json!(d.due_on),
            serde_json::json!(d.acts_by),
            serde_json::json!(d.institution),
            serde_json::json!(kind.map_or(d.kind.as_str(), |k| k.label.in_language(language))),
            serde_json::json!(standing(d.status, lang)),
            serde_json::json!(d.days_late),
            serde_json::json!(format!("{}/{}", d.parts_checked, d.parts)),
            serde_json::json!(d.confirmed_at),
            serde_json::json!(d.number),
            serde_json::json!(d.counts.as_ref().map(|c| c.values().sum::<u64>())),
            serde_json::json!(d.changed_since),
        ];
        let cells =
            values.iter().zip(&kinds).map(|(value, kind)| Cell::from_json(value, *kind, source.time_zone)).collect();
        table.push(cells).map_err(|e| e.to_string())?;
    }
    match shape {
        Shape::Csv => csv(&table, written(language)).map_err(|e| e.to_string()),
        Shape::Xlsx => {
            let clause = source.confirmations.first().map(|d| d.clause.to_string()).unwrap_or_default();
            let extract = Extract {
                register_name: source.name.in_language(language).to_owned(),
                register_id: register.name().to_owned(),
                act: Act { title: source.act.title.clone(), publication_mark: source.act.publication.clone() },
                clause,
                ledger_number: "–".to_owned(),
                recipient_name: "–".to_owned(),
                purpose: title.to_owned(),
                made_at,
                time_zone: source.time_zone,
                lang,
                note: page.statute_ended_on.map(|day| ended(day, lang)),
                table,
            };
            xlsx(&extract).map_err(|e| e.to_string())
        }
        Shape::Json | Shape::Html => Err("the board is not made so".into()),
    }
}

fn ended(day: NaiveDate, lang: Lang) -> String {
    let words = pick(
        [
            "Põhimäärus kehtis kuni",
            "The statute was in force until",
            "Säädös oli voimassa asti",
            "Författningen gällde till",
        ],
        lang,
    );
    format!("{words} {day}")
}

/// The receipt as it is printed.
fn receipt(register: &Register, view: &ReceiptView, lang: Lang) -> Receipt {
    let source = &register.definition.register;
    let code = lang.code();
    let label = |name: &str| {
        register.record_type(name).map_or_else(|| name.to_owned(), |t| t.label.in_language(code).to_owned())
    };
    let kind = source.institutions.kinds.iter().find(|k| k.name == view.kind);
    Receipt {
        register_name: source.name.in_language(code).to_owned(),
        register_id: view.register.clone(),
        act: Act { title: source.act.title.clone(), publication_mark: source.act.publication.clone() },
        lang,
        time_zone: source.time_zone,
        number: view.number,
        confirmed_at: DateTime::parse_from_rfc3339(&view.confirmed_at)
            .map_or_else(|_| instant(0), |at| at.with_timezone(&Utc)),
        duty: view.label.in_language(code).to_owned(),
        clause: view.clause.to_string(),
        responsible_clause: view.responsible_clause.to_string(),
        institution: view.institution.clone(),
        kind: kind.map_or_else(|| view.kind.clone(), |k| k.label.in_language(code).to_owned()),
        due_on: view.due_on,
        acts_by: view.acts_by,
        moved_by: view.moved_by.clone(),
        days_late: view.days_late,
        counts: view.counts.iter().map(|(name, n)| (label(name), *n)).collect(),
        root: view.snapshot_root.clone(),
        statement: view.statement.in_language(code).to_owned(),
        name: view.confirmed_by.name.clone(),
        role: view.confirmed_by.role_label.in_language(code).to_owned(),
        basis: view.confirmed_by.basis.reference.clone(),
        exceptions: view.exceptions.iter().map(|e| e.reason.clone()).collect(),
        audit_id: view.audit_id.to_string(),
    }
}

/// Duties as a calendar.
fn calendar(register: &Register, items: &[DutyView], now: DateTime<Utc>, lang: Lang) -> String {
    let source = &register.definition.register;
    let code = lang.code();
    let days: Vec<Day> = items
        .iter()
        .map(|d| Day {
            uid: format!("{}@{}", d.id, register.name()),
            on: d.due_on,
            summary: format!("{}: {}", d.label.in_language(code), d.institution),
            about: format!("{} · {} · {} {}", d.clause, standing(d.status, lang), until(lang), d.acts_by),
        })
        .collect();
    ics(source.name.in_language(code), &days, now)
}

fn until(lang: Lang) -> &'static str {
    pick(["õigeaegne kuni", "in time until", "ajoissa viimeistään", "i tid till och med"], lang)
}
