//! Documents about a register (see [`crate::domain::publicity`]) in the words of the program, and as PDF/A-2b.

use std::time::Duration;

use chrono::{Datelike, NaiveDate, NaiveTime};
use serde_json::{Value, json};

use super::pdf::{PdfError, Typeset, breakable, printable, typeset};
use crate::domain::publicity::dcat::Site;
use crate::domain::publicity::sheet::{Phrase, Sheet, SheetChange, SheetLine, SheetSection, Words};
use crate::domain::statute::{Label, Language};
use crate::locale::{Lang, TEXTS};

const TEMPLATE: &str = include_str!("../../templates/publicity.typ");
/// The width of a line, and of one some levels down, in ems.
const LINE: f64 = 34.0;
const INDENT: f64 = 2.0;
/// Longest time that a layout may take.
const TIME: Duration = Duration::from_secs(20);

/// The words of the program in a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken(pub Lang);

impl Words for Spoken {
    fn say(&self, key: &str, args: &[(&str, &str)]) -> String {
        TEXTS.text(self.0, key, args).trim_end().to_owned()
    }

    fn day(&self, day: NaiveDate) -> String {
        match self.0 {
            Lang::Et | Lang::Fi | Lang::Sv => format!("{}.{}.{}", day.day(), day.month(), day.year()),
            Lang::En => day.format("%-d %B %Y").to_string(),
        }
    }
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Et => Self::Et,
            Lang::En => Self::En,
            Lang::Fi => Self::Fi,
            Lang::Sv => Self::Sv,
        }
    }
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::Et => Self::Et,
            Language::En => Self::En,
            Language::Fi => Self::Fi,
            Language::Sv => Self::Sv,
        }
    }
}

/// The catalogue of an installation at `base`, as other catalogues call it.
pub fn site(base: &str, publisher: &str) -> Site {
    let label = |key: &str| {
        let text = |lang| Some(TEXTS.text(lang, key, &[]));
        Label {
            official: Language::Et,
            et: text(Lang::Et),
            en: text(Lang::En),
            fi: text(Lang::Fi),
            sv: text(Lang::Sv),
            verbatim: None,
        }
    };
    Site {
        base: base.trim_end_matches('/').to_owned(),
        title: label("publicity-catalogue"),
        description: label("publicity-catalogue-about"),
        publisher: publisher.to_owned(),
    }
}

/// The sheet as PDF/A-2b. The same sheet gives the same bytes: the file bears the day on which the document was drawn.
///
/// # Errors
/// [`PdfError`].
pub fn publicity_pdf(sheet: &Sheet, lang: Lang) -> Result<Vec<u8>, PdfError> {
    typeset(Typeset {
        template: ("publicity.typ", TEMPLATE),
        data: ("publicity.json", data(sheet, lang)),
        ident: format!("{} {} {} {}", sheet.register, sheet.kind.as_str(), sheet.language, sheet.digest),
        at: sheet.drawn_on.and_time(NaiveTime::MIN).and_utc(),
        time: TIME,
    })
}

fn data(sheet: &Sheet, lang: Lang) -> Value {
    let word = |key: &str| Spoken(lang).say(key, &[]);
    let told = |list: &[SheetChange]| list.iter().map(change).collect::<Vec<_>>();
    let changes = sheet.changes.as_ref();
    let lists = changes.map(|changes| {
        [
            (word("publicity-added"), told(&changes.added)),
            (word("publicity-removed"), told(&changes.removed)),
            (word("publicity-reworded"), told(&changes.reworded)),
        ]
    });
    json!({
        "lang": sheet.language,
        "title": format!("{}: {}", printable(&sheet.title), printable(&sheet.name.text)),
        "heading": printable(&sheet.title),
        "register": line(&sheet.register, LINE),
        "name": line(&sheet.name.text, LINE),
        "name_lang": sheet.name.language.unwrap_or(sheet.language),
        "source": line(&sheet.source, LINE),
        "unofficial": sheet.unofficial.as_deref().map(printable).unwrap_or_default(),
        "dated": printable(&sheet.dated),
        "sections": sheet.sections.iter().map(|part| section(part, sheet.language)).collect::<Vec<_>>(),
        "changes": word("publicity-changes"),
        "changed": changes.map(|changes| printable(&changes.since)).unwrap_or_default(),
        "change_lists": lists.map(Vec::from).unwrap_or_default(),
        "digest_label": word("publicity-digest"),
        "digest": line(&sheet.digest, LINE),
        "page": word("publicity-page"),
    })
}

fn line(text: &str, width: f64) -> String {
    breakable(&printable(text), width)
}

fn section(part: &SheetSection, language: &str) -> Value {
    json!({
        "heading": line(&part.heading, LINE),
        "asked": part.asked_by.as_deref().map(printable).unwrap_or_default(),
        "missing": part.missing.as_deref().map(printable).unwrap_or_default(),
        "lines": part.lines.iter().map(|item| self::item(item, language, LINE)).collect::<Vec<_>>(),
        "sections": part.sections.iter().map(|below| section(below, language)).collect::<Vec<_>>(),
    })
}

fn item(item: &SheetLine, language: &str, width: f64) -> Value {
    let below = (width - INDENT).max(INDENT);
    json!({
        "text": line(&item.phrase.text, width),
        "lang": item.phrase.language.unwrap_or(language),
        "clause": item.clause.as_deref().map(|clause| line(clause, width)).unwrap_or_default(),
        "secret": item.secret.as_deref().map(printable).unwrap_or_default(),
        "more": item.more.iter().map(|more| self::item(more, language, below)).collect::<Vec<_>>(),
    })
}

fn change(change: &SheetChange) -> String {
    let text = |phrase: &Option<Phrase>| phrase.as_ref().map(|phrase| phrase.text.clone()).unwrap_or_default();
    let (before, now) = (text(&change.before), text(&change.now));
    let both = match (before.is_empty(), now.is_empty()) {
        (false, false) => format!("{before} → {now}"),
        _ => format!("{before}{now}"),
    };
    line(&format!("{}: {both}", change.heading), LINE)
}
