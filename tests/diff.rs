//! `andmekogu diff`: what a new version of a statute changes, as whoever has to put it into force reads it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use andmekogu::config::registers;
use andmekogu::domain::statute::diff::Touch;
use andmekogu::domain::statute::diff::{diff, diff_descriptions};
use andmekogu::store::{DatabaseUrl, touched};
use serde_json::Value;

use crate::harness::people::School;
use crate::harness::{REGISTER, on_both_databases};

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_andmekogu"))
        .args(arguments)
        .env_remove("ANDMEKOGU_CONFIG")
        .env_remove("ANDMEKOGU_REGISTERS_DIR")
        .output()
        .unwrap()
}

fn said(arguments: &[&str]) -> String {
    let output = program(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = program(arguments);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn edit(file: PathBuf, from: &str, to: &str) {
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn no_register_differs_from_itself() {
    let found = registers::read_all(Path::new("config/registers")).unwrap();
    assert!(found.definitions.len() >= 10 && found.descriptions.len() >= 29);
    for definition in &found.definitions {
        assert_eq!(diff(definition, definition).unwrap().changes, []);
    }
    for description in &found.descriptions {
        assert_eq!(diff_descriptions(description, description).changes, []);
    }
}

#[test]
fn two_folders_are_compared_whatever_they_are_called() {
    let dir = tempfile::tempdir().unwrap();
    let old = Path::new("tests/registers/paadisadam");
    let new = dir.path().join("draft");
    copy(old, &new);
    edit(new.join("register.toml"), "period = \"P1Y\"", "period = \"P6M\"");
    edit(
        new.join("access.cedar"),
        "@id(\"coast-guard-no-owners\") @clause(\"§ 9\")\nforbid (principal in Role::\"coast_guard\", action in Action::\"view\", resource == Section::\"boat.owner\");",
        "",
    );
    let arguments = ["diff", old.to_str().unwrap(), new.to_str().unwrap()];
    let text = said(&arguments);
    assert!(text.contains("★ + `coast_guard` may do more"), "{text}");
    assert!(text.contains("record.read, record.list: boat.owner (in scope) by § 9"), "{text}");
    assert!(text.contains("retention rule `while_moored`: `period`: `P6M`, before `P1Y` (shorter) (§ 14)"), "{text}");
    assert!(text.contains("falls due"), "{text}");
    assert!(text.trim_end().ends_with("2 changes; ★ 1: somebody may see or do more or less"), "{text}");
    // The same for scripts, from the files themselves.
    let (a, b) = (old.join("register.toml"), new.join("register.toml"));
    let json: Value =
        serde_json::from_str(&said(&["diff", a.to_str().unwrap(), b.to_str().unwrap(), "--format", "json"])).unwrap();
    let changes = json["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert!(changes.iter().any(|c| c["star"] == true && c["kind"] == "more" && c["area"] == "rights"));
    assert!(changes.iter().any(|c| c["from"] == "P1Y" && c["to"] == "P6M" && c["clause"] == "§ 14"));
    assert!(said(&["diff", a.to_str().unwrap(), a.to_str().unwrap()]).contains("Nothing changes."));
}

#[test]
fn two_versions_of_a_register_are_compared_by_their_days() {
    let dir = tempfile::tempdir().unwrap();
    let registers = dir.path().join("registers");
    let register = registers.join("paadisadam");
    copy(Path::new("tests/registers/paadisadam"), &register);
    let version = register.join("versions/2030-01-01");
    let kept = tempfile::tempdir().unwrap();
    copy(&register, kept.path());
    copy(kept.path(), &version);
    edit(version.join("register.toml"), "in_force_from = \"2021-04-01\"", "in_force_from = \"2030-01-01\"");
    edit(
        register.join("register.toml"),
        "in_force_from = \"2021-04-01\"",
        "in_force_from = \"2021-04-01\"\nin_force_until = \"2029-12-31\"",
    );
    edit(version.join("cases.toml"), "term = \"P30D\"", "term = \"P2W\"");
    let run = |old: &str, new: &str| {
        Command::new(env!("CARGO_BIN_EXE_andmekogu"))
            .args(["diff", old, new])
            .env("ANDMEKOGU_REGISTERS_DIR", &registers)
            .output()
            .unwrap()
    };
    let output = run("paadisadam@2029-12-31", "paadisadam@2030-01-01");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("kind of case `grievance`: `term`: `P2W`, before `P30D` (shorter) (§ 15)"), "{text}");
    assert!(text.contains("cases that are open keep the day that they were given"), "{text}");
    assert!(!text.contains('\u{2605}') || text.contains("★ 0"), "{text}");
    let error = |old: &str, new: &str| String::from_utf8(run(old, new).stderr).unwrap();
    assert!(error("paadisadam@2021-03-31", "paadisadam@2030-01-01").contains("they begin on 2021-04-01, 2030-01-01"));
    assert!(error("paadisadam@soon", "paadisadam@2030-01-01").contains("write it as 2026-12-31"));
    assert!(error("laevad@2026-01-01", "paadisadam@2030-01-01").contains("no such register"));
    // A folder of several versions is none of them.
    assert!(error(register.to_str().unwrap(), "paadisadam@2030-01-01").contains("2 versions stand there"));
}

#[test]
fn what_cannot_be_compared_is_said_with_what_to_do() {
    assert!(refused(&["diff", "nowhere", "nowhere"]).contains("write NAME@DAY"));
    let elsewhere = std::fs::read_dir("config/registers")
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| !p.join("access.cedar").exists())
        .unwrap();
    let kept = "tests/registers/paadisadam";
    assert!(refused(&["diff", kept, elsewhere.to_str().unwrap()]).contains("kept here and the other elsewhere"));
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken");
    copy(Path::new(kept), &broken);
    edit(broken.join("cases.toml"), "procedure = \"complaint\"", "procedre = \"complaint\"");
    let told = refused(&["diff", kept, broken.to_str().unwrap()]);
    assert!(told.contains("cases.toml:") && told.contains("procedre: this key is unknown"), "{told}");
}

#[test]
fn what_a_change_touches_is_counted_in_the_store_and_nothing_is_written() {
    on_both_databases(|h| {
        let s = School::open(h);
        let (record_type, today) = ("employee".to_owned(), "2026-11-20".parse().unwrap());
        let with = |field: &str| Touch::With { record_type: record_type.clone(), field: field.into() };
        let without = |field: &str| Touch::Without { record_type: record_type.clone(), field: field.into() };
        let falls = |before: &str, after: &str| Touch::FallDue {
            record_type: record_type.clone(),
            trigger: "employment_start".into(),
            before: before.parse().unwrap(),
            after: after.parse().unwrap(),
        };
        let grants = "SELECT COUNT(*) AS n FROM access_grant WHERE role = 'hr_clerk'";
        let clerks = s.h.place.count(grants);
        let documents = "SELECT COUNT(*) AS n FROM base_document WHERE kind = 'administrative_act'";
        let expected = [
            (Touch::Records { record_type: record_type.clone() }, Some(1)),
            (Touch::Records { record_type: "dragon".into() }, Some(0)),
            (with("salary"), Some(1)),
            (with("fixed_term/is_fixed"), Some(1)),
            (with("work_phone"), Some(0)),
            (without("work_phone"), Some(1)),
            (without("salary"), Some(0)),
            // Employed since September 2024: over by the new period, and not by the old one.
            (falls("P3Y", "P1Y"), Some(1)),
            (falls("P5Y", "P3Y"), Some(0)),
            (falls("P2Y", "P1Y"), Some(0)),
            (falls("P1Y", "5 working days"), None),
            (Touch::Grants { role: "hr_clerk".into() }, Some(clerks)),
            (Touch::Cases { case: "complaint".into() }, Some(0)),
            (Touch::Documents { document_kind: "administrative_act".into() }, Some(s.h.place.count(documents))),
        ];
        let touches: Vec<Touch> = expected.iter().map(|(touch, _)| touch.clone()).collect();
        let counts = touched::count(&s.h.place.url, REGISTER, &touches, today).unwrap();
        for ((touch, expected), count) in expected.iter().zip(counts) {
            assert_eq!(count, *expected, "{touch}");
        }
    });
    let nowhere = tempfile::tempdir().unwrap().path().join("none.sqlite");
    let url = DatabaseUrl::parse(&nowhere.display().to_string());
    assert!(touched::count(&url, REGISTER, &[], "2026-11-20".parse().unwrap()).is_err());
    assert!(!nowhere.exists(), "counting makes no database");
}
