//! The definition: what it says, how it is checked against the statute, how it changes.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use andmekogu::domain::statute::behaviour::{BEHAVIOURS, find};
use serde_json::json;

use crate::harness::people::School;
use crate::harness::{REGISTER, on_both_databases, shipped};

/// The statute itself, where the operator has put it; says aloud when it is absent, and in CI that is a failure.
pub fn statute(file: &str) -> Option<String> {
    let path = PathBuf::from("../shared/seeds").join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(_) => {
            eprintln!("NOT RUN: {} is absent", path.display());
            assert!(std::env::var("CI").is_err(), "in CI the statutes are there");
            None
        }
    }
}

/// Addresses of every §, lõige and punkt of a statute's published text.
pub fn clauses_of(text: &str) -> BTreeSet<String> {
    let (mut section, mut subsection) = (String::new(), String::new());
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("§ ") {
            let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if rest[number.len()..].starts_with('.') {
                section = format!("§ {number}");
                subsection = section.clone();
                found.insert(section.clone());
                continue;
            }
        }
        if section.is_empty() {
            continue;
        }
        if let Some((number, _)) = line.strip_prefix('(').and_then(|l| l.split_once(')'))
            && number.chars().all(|c| c.is_ascii_digit())
        {
            subsection = format!("{section} lg {number}");
            found.insert(subsection.clone());
            found.remove(&section);
        } else if let Some((number, _)) = line.split_once(')')
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
        {
            found.insert(format!("{subsection} p {number}"));
        }
    }
    found
}

#[test]
fn the_shipped_definition_names_every_clause_of_its_statute_and_no_other() {
    let Some(text) = statute("003_f3fd120634660cc6.txt") else { return };
    let definition = shipped().into_iter().find(|d| d.register.short_name == REGISTER).unwrap();
    let ours: BTreeSet<String> =
        definition.clauses.iter().map(|c| c.id.0.clone()).filter(|c| c.starts_with('§')).collect();
    let theirs = clauses_of(&text);
    assert!(theirs.len() > 100, "the text was read: {}", theirs.len());
    let missing: Vec<_> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "clauses without a word on them: {missing:?}");
    // Beyond the numbered ones only whole sections whose subsections have numbers of their own.
    let invented: Vec<_> =
        ours.difference(&theirs).filter(|c| !theirs.iter().any(|t| t.starts_with(&format!("{c} ")))).collect();
    assert!(invented.is_empty(), "clauses that do not exist: {invented:?}");
}

#[test]
fn names_dates_and_lists_are_those_of_the_statute() {
    let Some(text) = statute("003_f3fd120634660cc6.txt") else { return };
    let definition = shipped().into_iter().find(|d| d.register.short_name == REGISTER).unwrap();
    let source = &definition.register;
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for verbatim in [
        source.name.official(),
        &source.short_name,
        &source.act.title,
        &source.act.publication,
        &source.controller.name,
    ] {
        assert!(flat.contains(verbatim), "{verbatim}");
    }
    assert_eq!((source.act.number.as_str(), source.act.adopted.unwrap().to_string()), ("47", "2019-12-12".into()));
    assert!(flat.contains("Vastu võetud 12.12.2019 nr 47"));
    assert_eq!(source.act.in_force_from.to_string(), "2019-12-20");
    assert!(flat.contains("Redaktsiooni jõustumise kp:20.12.2019"));
    let security = source.security.as_ref().unwrap();
    assert!(flat.contains(&security.class) && security.level == "M");
    for list in [&source.purposes, &source.revocation_grounds] {
        for item in list {
            assert!(
                flat.contains(item.label.official().trim_end_matches(['.', ';'])),
                "{} is verbatim: {}",
                item.name,
                item.label.official()
            );
        }
    }
    assert_eq!(source.revocation_grounds.len(), 5);
    assert_eq!(definition.document_kinds.len(), 8);
    for kind in &definition.document_kinds {
        assert!(flat.contains(kind.label.official()), "{}", kind.label.official());
    }
}

#[test]
fn all_27_points_of_the_data_have_a_field() {
    let definition = shipped().into_iter().find(|d| d.register.short_name == REGISTER).unwrap();
    let employee = definition.record_types.iter().find(|t| t.name == "employee").unwrap();
    let clauses: BTreeSet<String> =
        employee.fields.iter().filter_map(|f| f.clause.as_ref().map(|c| c.0.clone())).collect();
    for point in 1..=27 {
        assert!(clauses.contains(&format!("§ 12 lg 1 p {point}")), "point {point}");
    }
}

#[test]
fn every_clause_has_a_behaviour_a_reason_or_says_what_is_missing() {
    for definition in shipped() {
        for clause in &definition.clauses {
            let said = !clause.behaviours.is_empty() || clause.reason.is_some() || clause.pending.is_some();
            assert!(said, "{} {}", definition.register.short_name, clause.id);
            assert!(clause.behaviours.iter().all(|b| find(b).is_some()), "{}", clause.id);
        }
    }
}

/// Names of all test functions of the project.
fn tests_there_are() -> BTreeSet<String> {
    fn walk(folder: &Path, names: &mut BTreeSet<String>) {
        for item in std::fs::read_dir(folder).unwrap().flatten() {
            let path = item.path();
            if path.is_dir() {
                walk(&path, names);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let mut lines = text.lines();
                while let Some(line) = lines.next() {
                    if line.trim() == "#[test]"
                        && let Some(name) = lines.find_map(|l| l.trim().strip_prefix("fn "))
                    {
                        names.insert(name.split('(').next().unwrap().to_owned());
                    }
                }
            }
        }
    }
    let mut names = BTreeSet::new();
    walk(Path::new("tests"), &mut names);
    walk(Path::new("src"), &mut names);
    names
}

#[test]
fn every_behaviour_is_shown_by_a_test_that_exists() {
    let tests = tests_there_are();
    let missing: Vec<_> = BEHAVIOURS.iter().filter(|b| !tests.contains(b.test)).map(|b| b.test).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    let mut sorted: Vec<_> = BEHAVIOURS.iter().map(|b| b.name).collect();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), BEHAVIOURS.len(), "each behaviour once");
}

#[test]
fn the_definition_says_who_what_and_why() {
    on_both_databases(|h| {
        h.staff();
        let clerk = h.login("hr_clerk");
        let list = clerk.get("/registers").expect(200);
        let line = list.body["items"].as_array().unwrap().iter().find(|r| r["register"] == REGISTER).unwrap().clone();
        assert_eq!(line["official_name"], "Jõelähtme valla personaliarvestuse andmekogu");
        let whole = clerk.get(&format!("/registers/{REGISTER}")).expect(200).body;
        assert_eq!(whole["controller"]["name"], "Jõelähtme Vallavalitsus");
        assert_eq!(whole["security"]["class"], "K1T1S2");
        assert_eq!(whole["act"]["publication"], "RT IV, 17.12.2019, 28");
        assert_eq!(whole["purpose"].as_array().unwrap().len(), 3);
        let types: Vec<_> = whole["record_types"].as_array().unwrap().iter().map(|t| t["name"].clone()).collect();
        for name in ["institution", "unit", "post", "employee"] {
            assert!(types.contains(&json!(name)));
        }
        assert!(whole["clauses"].as_array().unwrap().len() > 100);
        // Citizens read the description without a login.
        let public = h.nobody().get(&format!("/api/public/v1/registers/{REGISTER}")).expect(200);
        assert!(public.text.contains("Jõelähtme Vallavalitsus"));
        assert!(!public.text.contains("policies") && !public.text.contains("K1T1S2"));
    });
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(item.file_name());
        if item.path().is_dir() {
            copy(&item.path(), &target)
        } else {
            std::fs::copy(item.path(), target).map(|_| ()).unwrap()
        }
    }
}

fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(REGISTER).join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has {from}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn check(folder: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_andmekogu")).arg("check").arg(folder).output().unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn check_names_every_fault_with_file_line_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new("config/registers").join(REGISTER), &folder.path().join(REGISTER));
    let (good, said) = check(folder.path());
    assert!(good, "{said}");
    change(folder.path(), "records/unit.toml", "name = \"unit_name\"", "name = \"unit_name\"\ncolour = \"red\"");
    let (good, said) = check(folder.path());
    assert!(!good && said.lines().any(|l| l.contains("records/unit.toml:") && l.contains("colour")), "{said}");
    change(folder.path(), "records/unit.toml", "\ncolour = \"red\"", "");
    change(folder.path(), "records/employee.toml", "retention = \"pay\"", "retention = \"for_ever_and_a_day\"");
    change(folder.path(), "register.toml", "level = \"M\"", "level = \"H\"");
    change(folder.path(), "access.cedar", "Role::\"processor\"", "Role::\"magician\"");
    let (good, said) = check(folder.path());
    assert!(!good);
    for (file, word) in
        [("records/employee.toml:", "for_ever_and_a_day"), ("register.toml:", "level"), ("access.cedar:", "magician")]
    {
        let line = said.lines().find(|l| l.contains(file) && l.contains(word));
        let line = line.unwrap_or_else(|| panic!("{file} {word} in:\n{said}"));
        let after = line.split(file).nth(1).unwrap();
        let number: String = after.chars().take_while(char::is_ascii_digit).collect();
        assert!(number.parse::<usize>().is_ok_and(|n| n > 0), "a line number: {line}");
    }
    let refused = Command::new(env!("CARGO_BIN_EXE_andmekogu"))
        .arg("serve")
        .env("ANDMEKOGU_REGISTERS_DIR", folder.path())
        .env("ANDMEKOGU_DATA_DIR", folder.path().join("data"))
        .env("ANDMEKOGU_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    assert!(!refused.status.success(), "the server does not start on a faulty definition");
}

#[test]
fn a_field_without_a_retention_rule_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new("config/registers").join(REGISTER), &folder.path().join(REGISTER));
    change(folder.path(), "records/employee.toml", "retention = \"pay\"\n", "");
    let (good, said) = check(folder.path());
    assert!(!good && said.contains("retention"), "{said}");
}

#[test]
fn a_level_that_does_not_follow_from_the_class_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new("config/registers").join(REGISTER), &folder.path().join(REGISTER));
    change(folder.path(), "register.toml", "class = \"K1T1S2\"", "class = \"K1T1S1\"");
    let (good, said) = check(folder.path());
    assert!(!good && said.contains("level"), "{said}");
}

#[test]
fn a_changed_definition_is_logged_and_one_that_orphans_data_is_refused() {
    on_both_databases(|h| {
        let mut s = School::open(h);
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new("config/registers").join(REGISTER), &folder.path().join(REGISTER));
        change(folder.path(), "register.toml", "# ", "# Viidud kooskõlla. ");
        s.h.restart(crate::harness::definitions(folder.path()));
        let loads: Vec<_> =
            s.h.export(REGISTER).into_iter().filter(|l| l["event"]["action"] == "definition.load").collect();
        assert_eq!(loads.len(), 2, "the first and the changed one");
        assert_eq!(loads[1]["event"]["detail"]["replaces"], loads[0]["event"]["detail"]["digest"]);

        // A field that employees have data in goes away.
        let text = std::fs::read_to_string(folder.path().join(REGISTER).join("records/employee.toml")).unwrap();
        let start = text.find("[[field]]\nname = \"weekly_hours\"").unwrap();
        let end = start + 5 + text[start + 5..].find("\n[[field]]").unwrap();
        let without = format!("{}{}", &text[..start], &text[end + 1..]);
        std::fs::write(folder.path().join(REGISTER).join("records/employee.toml"), without).unwrap();
        // The report and the overview that speak of it are content with another.
        change(folder.path(), "register.toml", "field = \"weekly_hours\"", "field = \"load_on_post\"");
        change(folder.path(), "register.toml", "field = \"weekly_hours\"", "field = \"load_on_post\"");
        let definitions = crate::harness::definitions(folder.path());
        let app = crate::harness::open(&s.h.place.url, definitions, s.h.clock.clone());
        let refused = s.h.block_on(app.load_definitions()).unwrap_err().to_string();
        assert!(refused.contains("weekly_hours"), "{refused}");
    });
}

#[test]
fn an_entry_is_validated_by_the_version_in_force_on_its_day() {
    on_both_databases(|h| {
        let mut s = School::open(h);
        let folder = tempfile::tempdir().unwrap();
        let register = folder.path().join(REGISTER);
        copy(&Path::new("config/registers").join(REGISTER), &register);
        copy(&Path::new("config/registers").join(REGISTER), &register.join("versions/2026-01-01"));
        change(
            folder.path(),
            "register.toml",
            "in_force_from = \"2019-12-20\"",
            "in_force_from = \"2019-12-20\"\nin_force_until = \"2025-12-31\"",
        );
        let later = "versions/2026-01-01";
        change(
            folder.path(),
            &format!("{later}/register.toml"),
            "in_force_from = \"2019-12-20\"",
            "in_force_from = \"2026-01-01\"",
        );
        change(folder.path(), &format!("{later}/records/employee.toml"), "max = \"1.50\"", "max = \"1.20\"");
        s.h.restart(crate::harness::definitions(folder.path()));
        let clerk = s.h.login("hr_clerk");
        let change = |version: i64, day: &str| {
            let body = json!({ "effective_on": day, "base_document_ids": [s.office.document],
                               "data": { "load_on_post": "1.40" } });
            clerk.patch(&s.path(), version, &body)
        };
        let refused = change(1, "2026-02-01").expect(422);
        assert!(refused.has_fault("/load_on_post", "range"), "{}", refused.text);
        let entered = change(1, "2025-02-01").expect(200);
        assert_eq!(entered.body["version"], 2, "what was lawful then stays so");
        let digests: HashMap<_, _> =
            s.h.app
                .store
                .registers()
                .versions(REGISTER)
                .iter()
                .map(|r| (r.definition.digest.clone(), r.definition.register.act.in_force_from.to_string()))
                .collect();
        let entries = clerk.get(&format!("{}/entries", s.path())).expect(200).body;
        assert_eq!(digests[entries["items"][1]["definition"].as_str().unwrap()], "2019-12-20");
    });
}
