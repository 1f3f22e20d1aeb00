//! From a letter in the outbox to a mail: the words in the reader's language, and the relay.

use std::sync::Arc;

use serde_json::Value;

use crate::locale::{COMMON_VARIABLES, LETTERS, Lang, NO_DUE, TEXTS};
use crate::mail::{Failure, Letter, Smtp};
use crate::store::read::letters::DueLetter;

/// Stands where there is nothing to say.
const NOTHING: &str = "–";

/// The relay, and where letters lead.
#[derive(Clone)]
pub struct Post {
    smtp: Arc<Smtp>,
    public_url: String,
}

impl Post {
    /// Sends by `smtp`; links in letters begin with `public_url`.
    pub fn new(smtp: Smtp, public_url: &str) -> Self {
        Self { smtp: Arc::new(smtp), public_url: public_url.trim_end_matches('/').to_owned() }
    }

    /// Sends a letter, on a thread that may block.
    ///
    /// # Errors
    /// [`Failure`], lasting for a letter that we do not know how to write.
    pub async fn send(&self, letter: &DueLetter) -> Result<(), Failure> {
        let mail = written(letter, &self.public_url)?;
        let smtp = self.smtp.clone();
        let sent = tokio::task::spawn_blocking(move || smtp.send(&mail)).await;
        match sent {
            Ok(result) => result.map(|_| ()),
            Err(_) => Err(Failure { lasting: false, code: None, reason: "the sending thread stopped".to_owned() }),
        }
    }
}

/// The letter in its reader's language.
fn written(letter: &DueLetter, public_url: &str) -> Result<Letter, Failure> {
    let known = LETTERS.iter().find(|kind| kind.kind == letter.letter).ok_or_else(|| Failure {
        lasting: true,
        code: None,
        reason: "there are no words for this kind of letter".to_owned(),
    })?;
    let lang: Lang = letter.language.parse().unwrap_or_default();
    let names = COMMON_VARIABLES.iter().chain(known.variables);
    let values: Vec<(&str, String)> = names.map(|name| (*name, value(&letter.words, name, lang, public_url))).collect();
    let args: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let number: Vec<(&str, &str)> = args.iter().filter(|(name, _)| *name == "number").copied().collect();
    Ok(Letter {
        id: letter.id.to_string(),
        to: letter.address.clone(),
        lang,
        // Of the words a subject knows the number alone: it is read on locked screens.
        subject: TEXTS.text(lang, &format!("{}-subject", known.kind), &number),
        body: TEXTS.text(lang, &format!("{}-body", known.kind), &args),
        date: letter.created_at,
    })
}

/// A word: a text, a number, or a label of which the reader's language is taken.
fn value(words: &Value, name: &str, lang: Lang, public_url: &str) -> String {
    if name == "link" {
        return format!("{public_url}{}", words["path"].as_str().unwrap_or("/"));
    }
    match &words[name] {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Value::Object(label) => {
            let text = [lang.code(), Lang::Et.code()].into_iter().find_map(|code| label.get(code)?.as_str());
            text.unwrap_or(NOTHING).to_owned()
        }
        _ if name == "due" => NO_DUE.to_owned(),
        _ => NOTHING.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    fn due(letter: &str, language: &str, words: Value) -> DueLetter {
        DueLetter {
            register: "r".into(),
            id: Uuid::nil(),
            letter: letter.into(),
            address: "a@example.ee".into(),
            language: language.into(),
            words,
            created_at: DateTime::UNIX_EPOCH,
            attempts: 0,
        }
    }

    fn words() -> Value {
        json!({
            "register": { "et": "Paadiregister", "fi": "Venerekisteri" },
            "case_kind": { "et": "kaebus", "en": "complaint", "fi": "kantelu", "sv": "klagomål" },
            "clause": "§ 22 lg 2", "number": "0198", "due": "2026-12-21", "decision": null, "remedies": null,
            "path": "/registers/r/cases/0198",
        })
    }

    #[test]
    fn a_letter_speaks_its_readers_language_and_leads_to_the_case() {
        let letter = written(&due("case-opened", "fi", words()), "https://register.example.ee").unwrap();
        assert!(letter.body.contains("Venerekisteri") && letter.body.contains("kantelu"), "{}", letter.body);
        assert!(letter.body.contains("https://register.example.ee/registers/r/cases/0198"), "{}", letter.body);
        let swedish = written(&due("case-opened", "sv", words()), "").unwrap();
        assert!(swedish.body.contains("Paadiregister"), "what has no Swedish name keeps its Estonian one");
    }

    #[test]
    fn what_is_not_known_is_left_out_or_marked() {
        let mut words = words();
        words["due"] = Value::Null;
        let letter = written(&due("case-opened", "en", words.clone()), "").unwrap();
        assert!(!letter.body.contains("Due date"), "{}", letter.body);
        let letter = written(&due("case-decided", "en", words), "").unwrap();
        assert!(letter.body.contains("How to appeal:\n–"), "{}", letter.body);
    }

    #[test]
    fn a_letter_for_which_there_are_no_words_is_given_up() {
        assert!(written(&due("love-letter", "et", words()), "").unwrap_err().lasting);
    }

    #[test]
    fn every_letter_that_the_cases_write_has_words() {
        for letter in
            ["case-opened", "incident", "prescription-forwarded", "case-decided", "case-due-soon", "case-overdue"]
        {
            assert!(written(&due(letter, "et", words()), "").is_ok(), "{letter}");
        }
    }
}
