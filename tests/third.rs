//! A third country costs nothing: its days off, its codes, its languages and its clocks are files.

use std::fs;
use std::path::Path;

use andmekogu::config::registers::read_all;
use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::registers::Registers;
use andmekogu::store::acts::grants::NewGrant;
use chrono::NaiveDate;
use serde_json::json;

use crate::harness::{Harness, Place, definitions, no_postgres};

const REGISTER: &str = "paadisadam";

/// There they rest on Fridays and Saturdays, and on the day of the boats.
const CALENDAR: &str = r#"
country = "QU"

[[weekend]]
day = "friday"
name = { et = "reede", en = "Friday", fi = "perjantai", sv = "fredag" }
source = "Act on rest § 1"

[[weekend]]
day = "saturday"
name = { et = "laupäev", en = "Saturday", fi = "lauantai", sv = "lördag" }
source = "Act on rest § 1"

[[holiday]]
name = { et = "paadipäev", en = "Day of the boats", fi = "venepäivä", sv = "båtarnas dag" }
date = "11-22"
source = "Act on rest § 2"
"#;

/// The boats of a country that the program does not know: the made-up register, moved there by three edits.
fn moved(pattern: bool, calendar: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (Path::new("tests/registers").join(REGISTER), folder.path().join("registers").join(REGISTER));
    fs::create_dir_all(to.join("records")).unwrap();
    for dir in ["", "records"] {
        for entry in fs::read_dir(from.join(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join(dir).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let edit = |file: &str, old: &str, new: &str| {
        let text = fs::read_to_string(to.join(file)).unwrap();
        assert!(text.contains(old), "{file}: {old}");
        fs::write(to.join(file), text.replacen(old, new, 1)).unwrap();
    };
    edit("register.toml", "country = \"EE\"", "language = \"en\"\nlanguages = [\"en\", \"sv\"]\ncountry = \"QU\"");
    edit("register.toml", "Europe/Tallinn", "Asia/Dubai");
    if pattern {
        edit(
            "records/boat.toml",
            "type = \"personal_code\"",
            "type = \"personal_code\"\npattern = \"[A-Z]{2}-[0-9]{6}\"",
        );
    }
    if calendar {
        fs::create_dir(folder.path().join("calendars")).unwrap();
        fs::write(folder.path().join("calendars/QU.toml"), CALENDAR).unwrap();
    }
    folder
}

fn with(harness: impl Fn(Harness)) {
    let folder = moved(true, true);
    let loaded = || definitions(&folder.path().join("registers"));
    harness(Harness::with(Place::sqlite(), loaded()));
    match Place::postgres() {
        Some(place) => harness(Harness::with(place, loaded())),
        None => no_postgres(),
    }
}

#[test]
fn its_days_off_codes_languages_and_time_are_chosen_by_data_alone() {
    with(|h| {
        let new = NewGrant {
            user_id: h.user("kapten"),
            role: "harbour_master".into(),
            institution_id: None,
            sections: None,
            from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
            until: None,
            basis: Basis { kind: "directive".into(), reference: "1".into() },
            task: None,
            application_id: None,
        };
        h.block_on(h.app.grant_as_installation(REGISTER, new)).unwrap();
        let master = h.login("kapten");
        let path = |rest: &str| format!("/registers/{REGISTER}/{rest}");
        let told = master.get(&format!("/registers/{REGISTER}")).expect(200);
        assert_eq!((&told.body["name"]["official"], &told.body["languages"]), (&json!("en"), &json!(["en", "sv"])));

        let document = |kind: &str| {
            let body = json!({ "kind": kind, "number": "1", "date": "2021-04-01" });
            master.post(&path("base-documents"), &body).expect(201).id()
        };
        let harbour = json!({ "effective_on": "2021-04-01", "base_document_ids": [document("decision")],
                              "data": { "harbour_name": "Harbour", "harbour_kind": "lake" } });
        let harbour = master.post(&path("institutions"), &harbour).expect(201).id();
        let contract = document("mooring_contract");
        let boat = |code: &str| {
            let data = json!({ "boat_name": code, "length_m": "6.50", "owner_name": "A. Boatman", "owner_code": code,
                               "moored_from": "2026-05-01" });
            master.post(
                &path("records/boat"),
                &json!({ "institution_id": harbour, "effective_on": "2026-05-01", "base_document_ids": [contract],
                         "data": data }),
            )
        };
        // Codes have the form that the register gives, and no rule of another country is asked.
        boat("QU-123456").expect(201);
        for wrong in ["38001085718", "131052-308T", "QU-12345"] {
            assert!(boat(wrong).expect(422).has_fault("/owner_code", "pattern"), "{wrong}");
        }

        // 30 days from 21 October is a Friday; Saturday is off too, Sunday the day of the boats: Monday, in its zone.
        let complaint = json!({ "kind": "grievance", "subject": "A berth", "text": "Taken.", "received_on": "2026-10-21",
                                "from": { "name": "A. Boatman", "contact": "Quay 1" } });
        let deadline = master.post(&path("cases"), &complaint).expect(201).body["deadline"].clone();
        assert_eq!(
            (&deadline["nominal"], &deadline["due"]),
            (&json!("2026-11-20"), &json!("2026-11-23")),
            "{deadline}"
        );
        assert_eq!(deadline["at"], "2026-11-23T20:00:00.000000Z");
        assert!(deadline["moved_by"].as_str().is_some_and(|m| !m.is_empty()), "{deadline}");
    });
}

#[test]
fn what_is_missing_of_a_country_is_said_with_what_to_do() {
    let folder = moved(true, false);
    let found = read_all(&folder.path().join("registers")).unwrap();
    let faults = Registers::new(found.definitions).unwrap_err().join("\n");
    assert!(faults.contains("paadisadam") && faults.contains("QU.toml") && faults.contains("calendars"), "{faults}");

    let folder = moved(false, true);
    let faults = read_all(&folder.path().join("registers")).unwrap_err();
    let told = faults.iter().find(|f| f.path.contains("owner_code")).unwrap();
    assert!(told.message.contains("codes of `QU`") && told.advice.contains("pattern"), "{told}");

    // A calendar with a fault is told at its line, one under a wrong name by its name.
    let folder = moved(true, true);
    fs::write(folder.path().join("calendars/QU.toml"), CALENDAR.replace("\"11-22\"", "\"11-32\"")).unwrap();
    fs::write(folder.path().join("calendars/QX.toml"), CALENDAR).unwrap();
    let faults = read_all(&folder.path().join("registers")).unwrap_err();
    let of =
        |file: &str| faults.iter().find(|f| f.file.ends_with(file)).unwrap_or_else(|| panic!("{file}: {faults:?}"));
    assert!(of("QU.toml").line > 10, "{}", of("QU.toml"));
    assert!(of("QX.toml").message.contains("QU"), "{}", of("QX.toml"));
}
