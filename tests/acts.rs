//! The acts of transfer and destruction: complete, bound to the log, approved by two, and silent about those whose data went.

use andmekogu::archive::act::{
    Act, ActClass, ActError, ActKind, ActPackage, ActPdfError, ActRegister, Excluded, LogAt, Method, Official,
    Restriction, act_pdf, records_digest, runs,
};
use andmekogu::archive::{Basis, Recipient};
use andmekogu::locale::Lang;
use chrono::{NaiveDate, TimeZone, Utc};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::process::Command;
use uuid::Uuid;

fn day(y: i32, m: u32, d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(y, m, d).unwrap()
}

fn official(n: u128, name: &str, role: &str, hour: u32) -> Official {
    Official {
        user_id: Uuid::from_u128(n),
        name: name.to_owned(),
        role: role.to_owned(),
        at: Utc.with_ymd_and_hms(2031, 3, 1, hour, 0, 0).unwrap(),
    }
}

fn destruction() -> Act {
    Act {
        kind: ActKind::Destruction,
        number: "2031-1".to_owned(),
        drawn_up_on: day(2031, 3, 1),
        executed_at: Utc.with_ymd_and_hms(2031, 3, 1, 11, 0, 0).unwrap(),
        institution: Recipient { name: "Näidisvalla Vallavalitsus".to_owned(), code: Some("75000001".to_owned()) },
        register: ActRegister {
            name: "Näidisvalla personali andmekogu".to_owned(),
            short_name: "naidis".to_owned(),
            statute: "Näidisvalla Volikogu 2019-12-12 määrus nr 1 (RT IV, 17.12.2019, 28)".to_owned(),
            definition_digest: "ab".repeat(32),
        },
        recipient: None,
        basis: vec![Basis {
            rule: "personnel".to_owned(),
            label: "Personaliandmed".to_owned(),
            clause: "§ 19".to_owned(),
            series: Some("1-3".to_owned()),
            appraisal: Some("12, 03.02.2030".to_owned()),
            consent: Some("44, 01.02.2031".to_owned()),
        }],
        batch: "2031-3".to_owned(),
        classes: vec![ActClass {
            class: "employee".to_owned(),
            label: "Töötajad".to_owned(),
            rule: "personnel".to_owned(),
            term: Some("P10Y".to_owned()),
            period: [day(2005, 1, 1), day(2020, 12, 31)],
            term_ended_on: [day(2030, 6, 1), day(2031, 2, 28)],
            subjects: 118,
            records: 120,
            documents: 340,
            bytes: 52_428_800,
        }],
        records_sha256: records_digest(&mut [Uuid::from_u128(2), Uuid::from_u128(1)]),
        method: Some(Method::OverwrittenAndKeysDestroyed),
        medium: "andmebaas".to_owned(),
        package: None,
        restrictions: Vec::new(),
        checkpoint_before: LogAt { origin: "register.example/naidis".to_owned(), size: 5000, root: "01".repeat(32) },
        checkpoint_after: LogAt { origin: "register.example/naidis".to_owned(), size: 5123, root: "02".repeat(32) },
        events: runs(&[5001, 5002, 5000, 5010]),
        holds_checked_at: Utc.with_ymd_and_hms(2031, 3, 1, 10, 30, 0).unwrap(),
        prepared_by: official(1, "Mari Maasikas", "arhivaar", 8),
        approved_by: vec![official(2, "Juhan Juurikas", "vastutava töötleja esindaja", 9)],
        executed_by: "retention (andmekogu)".to_owned(),
        excluded: vec![Excluded { reason: "avatud kaebus".to_owned(), records: 2 }],
        backups_lapse_on: Some(day(2032, 3, 1)),
    }
}

fn transfer() -> Act {
    Act {
        kind: ActKind::Transfer,
        recipient: Some(Recipient { name: "Rahvusarhiiv".to_owned(), code: Some("70005179".to_owned()) }),
        method: None,
        backups_lapse_on: None,
        package: Some(ActPackage {
            name: "naidis-2031-3".to_owned(),
            format: "E-ARK SIP 2.1.0, BagIt 1.0".to_owned(),
            manifest_sha256: "cd".repeat(32),
            file_sha256: Some("ef".repeat(32)),
            files: 31,
            bytes: 123_456,
        }),
        restrictions: vec![Restriction { basis: "AvTS § 35 lg 1 p 12".to_owned(), until: Some(day(2106, 1, 1)) }],
        ..destruction()
    }
}

fn text_of(pdf: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("act.pdf");
    std::fs::write(&path, pdf).unwrap();
    let Ok(told) = Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output() else {
        eprintln!("NOT RUN: pdftotext (poppler-utils) is not here");
        return None;
    };
    assert!(told.status.success());
    // A long value is broken over lines: what is compared is the text without its white space.
    Some(String::from_utf8(told.stdout).unwrap().chars().filter(|c| !c.is_whitespace() && *c != '\u{200B}').collect())
}

#[test]
fn the_json_of_an_act_is_canonical_and_its_digest_stands_on_the_paper() {
    let act = destruction();
    let (text, digest) = act.canonical().unwrap();
    assert_eq!(digest, andmekogu::domain::hex(&Sha256::digest(&text)));
    let back: Act = serde_json::from_str(&text).unwrap();
    assert_eq!(back, act);
    assert_eq!(back.canonical().unwrap(), (text, digest.clone()));
    if let Some(paper) = text_of(&act_pdf(&act, Lang::Et, chrono_tz::Europe::Tallinn).unwrap()) {
        assert!(paper.contains(&digest), "{paper}");
    }
}

#[test]
fn the_paper_says_what_went_on_which_ground_how_by_whom_and_when_the_last_backup_lapses() {
    let Some(paper) = text_of(&act_pdf(&destruction(), Lang::Et, chrono_tz::Europe::Tallinn).unwrap()) else { return };
    for part in [
        "Hävitamisakt",
        "2031-1",
        "Näidisvalla personali andmekogu (naidis)",
        "§ 19",
        "sari 1-3",
        "hindamisotsus 12, 03.02.2030",
        "arhiivi nõusolek 44, 01.02.2031",
        "Töötajad",
        "P10Y",
        "118",
        "120",
        "340",
        "52428800",
        "01.01.2005–31.12.2020",
        "võtmed hävitatud",
        "5000–5002, 5010",
        "01.03.2032",
        "Mari Maasikas, arhivaar",
        "Juhan Juurikas",
        "avatud kaebus",
        "01.03.2031 13:00:00",
    ] {
        let part: String = part.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(paper.contains(&part), "{part} in {paper}");
    }
    assert!(!paper.contains("translation"));
}

#[test]
fn a_transfer_names_the_package_and_the_restrictions_that_go_with_it_in_four_languages() {
    for (lang, title, mark) in [
        (Lang::Et, "Üleandmisakt", ""),
        (Lang::En, "Act of transfer", "Unofficial translation"),
        (Lang::Fi, "Luovutuspöytäkirja", "Epävirallinen käännös"),
        (Lang::Sv, "Överlämnandeprotokoll", "Inofficiell översättning"),
    ] {
        let Some(paper) = text_of(&act_pdf(&transfer(), lang, chrono_tz::Europe::Tallinn).unwrap()) else { return };
        for part in
            [title, mark, "Rahvusarhiiv (70005179)", "naidis-2031-3", &"cd".repeat(32), &"ef".repeat(32), "AvTS § 35"]
        {
            let part: String = part.chars().filter(|c| !c.is_whitespace()).collect();
            assert!(paper.contains(&part), "{lang:?}: {part} in {paper}");
        }
    }
}

#[test]
fn the_paper_claims_pdf_a_and_hides_nothing() {
    let pdf = act_pdf(&destruction(), Lang::Et, chrono_tz::Europe::Tallinn).unwrap();
    assert_eq!(pdf, act_pdf(&destruction(), Lang::Et, chrono_tz::Europe::Tallinn).unwrap());
    assert!(pdf.starts_with(b"%PDF-1.7"));
    let has = |part: &str| pdf.windows(part.len()).any(|window| window == part.as_bytes());
    assert!(has("<pdfaid:part>2</pdfaid:part>") && has("<pdfaid:conformance>B</pdfaid:conformance>"));
    assert!(has("/OutputIntents") || has("/ObjStm"));
    for forbidden in ["/Encrypt", "/JavaScript", "/JS ", "/EmbeddedFiles", "/Launch"] {
        assert!(!has(forbidden), "{forbidden}");
    }
}

#[test]
fn nobody_approves_their_own_act() {
    let mut act = destruction();
    act.approved_by.push(Official { role: "teine roll".to_owned(), ..act.prepared_by.clone() });
    assert_eq!(act.canonical().unwrap_err(), ActError::SamePerson);
    act.approved_by.clear();
    assert_eq!(act.canonical().unwrap_err(), ActError::SamePerson);
    assert!(matches!(act_pdf(&act, Lang::Et, chrono_tz::Europe::Tallinn), Err(ActPdfError::Act(ActError::SamePerson))));
}

#[test]
fn an_act_that_contradicts_itself_is_none() {
    let wrong = |from: Act, change: &dyn Fn(&mut Act)| {
        let mut act = from;
        change(&mut act);
        assert!(matches!(act.canonical(), Err(ActError::Contradiction(_))));
    };
    wrong(destruction(), &|a| a.method = None);
    wrong(destruction(), &|a| a.backups_lapse_on = None);
    wrong(destruction(), &|a| a.events.clear());
    wrong(destruction(), &|a| a.events = vec![[4999, 5000]]);
    wrong(destruction(), &|a| a.events = vec![[5122, 5123]]);
    wrong(destruction(), &|a| a.checkpoint_after.size = 1);
    wrong(destruction(), &|a| a.checkpoint_after.origin = "elsewhere.example/x".to_owned());
    wrong(destruction(), &|a| a.classes.clear());
    wrong(destruction(), &|a| a.classes[0].rule = "other".to_owned());
    wrong(destruction(), &|a| a.approved_by[0].at = Utc.with_ymd_and_hms(2031, 3, 2, 0, 0, 0).unwrap());
    wrong(destruction(), &|a| a.holds_checked_at = Utc.with_ymd_and_hms(2031, 3, 2, 0, 0, 0).unwrap());
    wrong(transfer(), &|a| a.package = None);
    wrong(transfer(), &|a| a.recipient = None);
}

#[test]
fn an_act_takes_no_personal_code_and_does_not_repeat_it_in_its_refusal() {
    for code in ["49001010010", "131052-308T"] {
        let mut act = destruction();
        act.excluded[0].reason = format!("vaidlus, isikukood {code}");
        let why = act.canonical().unwrap_err();
        assert!(matches!(why, ActError::PersonalData(_)));
        assert!(!why.to_string().contains(code));
    }
    let (text, _) = destruction().canonical().unwrap();
    let act: Value = serde_json::from_str(&text).unwrap();
    assert!(act.get("record_ids").is_none() && act.get("subjects").is_none());
}

#[test]
fn who_has_the_ids_can_show_that_a_record_was_in_the_act() {
    let ids = [Uuid::from_u128(3), Uuid::from_u128(1), Uuid::from_u128(2)];
    let mut sorted = ids;
    sorted.sort_unstable();
    let lines: String = sorted.iter().map(|id| format!("{id}\n")).collect();
    assert_eq!(records_digest(&mut ids.clone()), andmekogu::domain::hex(&Sha256::digest(lines)));
}

proptest! {
    #[test]
    fn runs_hold_every_place_once_and_no_other(mut places in prop::collection::vec(0_u64..200, 0..80)) {
        let found: Vec<u64> = runs(&places).into_iter().flat_map(|[first, last]| first..=last).collect();
        places.sort_unstable();
        places.dedup();
        prop_assert_eq!(found, places);
    }
}
