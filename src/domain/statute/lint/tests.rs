//! A definition without fault, then each fault by itself: some lines changed, one fault told, on its line.

use proptest::prelude::*;

use super::super::definition::Sources;
use super::super::parse::{Fault, parse};
use super::example::{changed, definition, sources};
use super::{lint, lint_with, period};

fn faults(sources: &Sources) -> Vec<Fault> {
    match parse(sources) {
        Ok(definition) => lint(&definition, sources),
        Err(faults) => faults,
    }
}

/// The line of `text` on which `mark` begins for the first time.
fn line_of(text: &str, mark: &str) -> usize {
    let (before, _) = text.split_once(mark).unwrap();
    before.matches('\n').count() + 1
}

/// The example with `from` in `file` replaced by `to` has faults with these `paths` and `messages`, and no
/// others, all on the line of the replacement that has `mark` in it, or else on the first line of the file
/// that has.
fn told(file: &str, from: &str, to: &str, mark: &str, expected: &[(&str, &str)]) {
    let sources = changed(file, from, to);
    let text = &sources[file];
    let line = if to.contains(mark) { line_of(text, to) + line_of(to, mark) - 1 } else { line_of(text, mark) };
    let found = faults(&sources);
    let found: Vec<_> = found.iter().map(|f| (f.file.as_str(), f.line, f.path.as_str(), f.message.as_str())).collect();
    let expected: Vec<_> = expected.iter().map(|(path, message)| (file, line, *path, *message)).collect();
    assert_eq!(found, expected, "after `{from}` became `{to}`");
}

/// As [`told`], of a single fault.
fn one(file: &str, from: &str, to: &str, mark: &str, path: &str, message: &str) {
    told(file, from, to, mark, &[(path, message)]);
}

const REGISTER: &str = "register.toml";
const HARBOUR: &str = "records/harbour.toml";
const SKIPPER: &str = "records/skipper.toml";
const BOAT: &str = "records/boat.toml";
const CODELISTS: &str = "codelists.toml";
const DOCUMENTS: &str = "documents.toml";
const CLAUSES: &str = "clauses.toml";
const POLICIES: &str = "access.cedar";
const CASES: &str = "cases.toml";

const VOYAGE: &str = "records/voyage.toml";
const EXCHANGES: &str = "exchanges.toml";

mod duties;
mod exchanges;
mod procedures;
mod promises;
mod releases;
mod sources;

/// The example with `from` in `file` replaced by `to` has this fault and no other, wherever it stands.
fn only(file: &str, from: &str, to: &str, path: &str, message: &str) {
    let found = faults(&changed(file, from, to));
    let found: Vec<_> = found.iter().map(|f| (f.file.as_str(), f.path.as_str(), f.message.as_str())).collect();
    assert_eq!(found, [(file, path, message)], "after `{from}` became `{to}`");
}

#[test]
fn the_example_is_without_fault() {
    let found: Vec<String> = faults(&sources()).iter().map(ToString::to_string).collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn faults_are_told_in_the_order_of_files_and_lines_with_advice() {
    let mut sources = changed(REGISTER, "short_name = \"boats-1\"", "short_name = \"Boats\"");
    sources.insert(CLAUSES.into(), sources[CLAUSES].replace("\"It binds nobody.\"", "\" \""));
    let found: Vec<String> = faults(&sources).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "clauses.toml:65: clause[§ 13].reason: nothing is written here. Write it, or remove the key if it may be absent.",
            "register.toml:2: short_name: `Boats` cannot be a short name. \
             Write lower-case letters, digits and hyphens, not a hyphen first.",
        ]
    );
}

#[test]
fn faults_of_policies_are_told_among_the_others() {
    let fault = Fault {
        file: POLICIES.into(),
        line: 4,
        path: String::new(),
        message: "there is no role `pirate`".into(),
        advice: "Name a role.".into(),
    };
    assert_eq!(lint_with(&definition(), &sources(), |_| vec![fault.clone()]), [fault]);
}

// Names, labels, clauses, whatever they stand at.

#[test]
fn names_are_machine_names() {
    for (file, from, to, path) in [
        (BOAT, "name = \"built\"", "name = \"Built\"", "field[Built].name"),
        (BOAT, "name = \"number\"", "name = \"2nd\"", "field[checks].part[2nd].name"),
        (REGISTER, "name = \"skipper\"", "name = \"the skipper\"", "role[the skipper].name"),
        (REGISTER, "name = \"ashore\"", "name = \"\"", "revocation_ground[].name"),
        (DOCUMENTS, "name = \"other\"", "name = \"muu-õ\"", "document_kind[muu-õ].name"),
        (CODELISTS, "name = \"leaving\"", "name = \"Leaving\"", "codelist[Leaving].name"),
    ] {
        let sources = changed(file, from, to);
        let line = sources[file].lines().position(|line| line == to).unwrap() + 1;
        let name = to.trim_start_matches("name = ").trim_matches('"');
        let message = format!("`{name}` is not a machine name");
        let found = faults(&sources);
        let fault = found.iter().find(|f| f.message == message).unwrap();
        assert_eq!((fault.file.as_str(), fault.line, fault.path.as_str()), (file, line, path));
    }
}

#[test]
fn a_missing_label_is_a_fault() {
    let from = "label = { et = \"Nimi\", en = \"Name\", fi = \"Nimi\", sv = \"Namn\" }\nclause = \"§ 11\"";
    let without = "label = { et = \"Nimi\", en = \"Name\", fi = \"Nimi\" }\nclause = \"§ 11\"";
    one(BOAT, from, without, "label", "field[name].label.sv", "the text in Swedish is missing");
    let blank = "label = { et = \"Nimi\", en = \"Name\", fi = \" \", sv = \"Namn\" }\nclause = \"§ 11\"";
    one(BOAT, from, blank, "label", "field[name].label.fi", "the text in Finnish is missing");
    one(REGISTER, "sv = \"Båtregistret\"", "", "[name]", "name.sv", "the text in Swedish is missing");
    one(SKIPPER, ", sv = \"Som i passet.\"", "", "help =", "field[surname].help.sv", "the text in Swedish is missing");
}

#[test]
fn a_clause_that_is_not_listed_is_a_fault() {
    let message = "the statute has no clause `§ 99`";
    one(REGISTER, "force_clause = \"§ 1\"", "force_clause = \"§ 99\"", "force_clause", "access.force_clause", message);
    one(BOAT, "clause = \"§ 12\"\nsection", "clause = \"§ 99\"\nsection", "clause", "field[checks].clause", message);
    one(POLICIES, "§ 5", "§ 99", "@clause", "@clause", message);
    one(
        REGISTER,
        "force_clause = \"§ 1\"",
        "force_clause = \" \"",
        "force",
        "access.force_clause",
        "the clause is blank",
    );
}

#[test]
fn names_are_unique_in_their_list() {
    for (file, from, to, mark, path, message) in [
        (
            REGISTER,
            "name = \"skipper\"",
            "name = \"harbour_master\"",
            "[[role]]\nname = \"harbour_master\"\nlabel = { et = \"Kipper\"",
            "role[harbour_master]",
            "the role `harbour_master` is there twice, first on line 58",
        ),
        (
            BOAT,
            "name = \"built\"",
            "name = \"name\"",
            "[[field]]\nname = \"name\"\ntype = \"year\"",
            "field[name]",
            "the field `name` is there twice, first on line 25",
        ),
        (
            BOAT,
            "name = \"number\"\ntype",
            "name = \"kind\"\ntype",
            "[[field.part]]\nname = \"kind\"\ntype = \"text\"",
            "field[checks].part[kind]",
            "the part `kind` is there twice, first on line 178",
        ),
        (
            CLAUSES,
            "id = \"§ 13\"",
            "id = \"§ 12\"",
            "[[clause]]\nid = \"§ 12\"\ngist = \"Thanks",
            "clause[§ 12]",
            "the clause `§ 12` is there twice, first on line 57",
        ),
        (
            DOCUMENTS,
            "name = \"decision\"",
            "name = \"other\"",
            "[[document_kind]]\nname = \"other\"\nlabel = { et = \"muu\"",
            "document_kind[other]",
            "the kind of base document `other` is there twice, first on line 2",
        ),
    ] {
        let sources = changed(file, from, to);
        let line = line_of(&sources[file], mark);
        let found = faults(&sources);
        let found =
            found.iter().find(|f| f.message.contains("twice")).map(|f| (f.line, f.path.as_str(), f.message.as_str()));
        assert_eq!(found, Some((line, path, message)));
    }
}

#[test]
fn two_files_of_the_same_record_type_are_told_apart() {
    let sources = changed(HARBOUR, "name = \"harbour\"", "name = \"boat\"");
    let found = faults(&sources);
    let twice = found.iter().find(|f| f.message.contains("record type `boat` is there twice")).unwrap();
    // The clause of harbours comes first in the statute, so the boats are the second of that name.
    assert_eq!((twice.file.as_str(), twice.line), (BOAT, 2));
    assert!(twice.message.ends_with("first in records/harbour.toml:2"), "{twice}");
}

// register.toml

#[test]
fn the_country_is_a_code_of_one() {
    let message = "`Lv` is no code of a country";
    one(REGISTER, "country = \"FI\"", "country = \"Lv\"", "country", "country", message);
}

#[test]
fn the_days_of_the_act_follow_each_other() {
    let message = "the act is in force from 2020-02-01, before it was adopted on 2021-01-10";
    one(REGISTER, "2020-01-10", "2021-01-10", "in_force_from", "act.in_force_from", message);
    let message = "the act ends on 2020-01-31, before it is in force on 2020-02-01";
    one(REGISTER, "2024-12-31", "2020-01-31", "in_force_until", "act.in_force_until", message);
}

#[test]
fn the_act_says_what_it_is() {
    let message = "nothing is written here";
    one(REGISTER, "kind = \"kord\"", "kind = \"\"", "kind = \"\"", "act.kind", message);
    one(REGISTER, "[\"põhikiri § 2\"]", "[]", "legal_basis", "act.legal_basis", "there is no legal basis");
}

#[test]
fn the_security_level_follows_from_the_class() {
    let message = "level `L` does not follow from class K1T2S1";
    one(REGISTER, "level = \"M\"", "level = \"L\"", "level", "security.level", message);
    for (class, level) in [("K0T1S0", "L"), ("K3T0S1", "H"), ("K0T0S2", "M")] {
        let sources = changed(
            REGISTER,
            "class = \"K1T2S1\"\nlevel = \"M\"",
            &format!("class = \"{class}\"\nlevel = \"{level}\""),
        );
        assert_eq!(faults(&sources), []);
    }
    for class in ["K1T2", "k1t2s1", "K4T0S0", "K1T2S1 "] {
        let message = format!("`{class}` is not a security class");
        one(REGISTER, "class = \"K1T2S1\"", &format!("class = \"{class}\""), "class", "security.class", &message);
    }
}

#[test]
fn institutions_are_records_of_the_kinds_that_are_named() {
    one(
        REGISTER,
        "[[institutions.kind]]\nname = \"home\"",
        "[[institutions.kind]]\nname = \"hidden\"",
        "kind_field",
        "institutions.kind_field",
        "the codes of `harbour_kind` (guest, home) are not the kinds (guest, hidden)",
    );
    one(
        REGISTER,
        "kind_field = \"kind\"",
        "kind_field = \"name\"",
        "kind_field",
        "institutions.kind_field",
        "`name` is of type text, but code is needed",
    );
    one(
        REGISTER,
        "kind_field = \"kind\"",
        "",
        "[institutions]",
        "institutions.kind_field",
        "there are several kinds of institution, but no field says which one is of which kind",
    );
}

#[test]
fn an_implicit_role_has_no_rules_for_grants() {
    let message = "the role is held without a grant, but has rules for grants";
    one(
        REGISTER,
        "implicit = true",
        "implicit = true\nneeds_until = true",
        "implicit",
        "role[skipper].implicit",
        message,
    );
}

#[test]
fn a_required_purpose_needs_its_clause() {
    let message = "a purpose is required, but no clause says so";
    one(REGISTER, "purpose_clause = \"§ 2\"", "", "purpose_required", "access.purpose_required", message);
}

#[test]
fn what_is_published_exists() {
    let path = "publication[boat].fields[#2]";
    one(REGISTER, "checks/kind\"", "checks/colour\"", "fields", path, "`checks/colour` names no field of boat");
    one(REGISTER, "checks/kind\"", "name\"", "fields", path, "`name` is there twice");
    let path = "publication[ship].record_type";
    one(
        REGISTER,
        "record_type = \"boat\"\nfields = [\"name\"",
        "record_type = \"ship\"\nfields = [\"name\"",
        "record_type = \"ship\"",
        path,
        "there is no record type `ship`",
    );
}

#[test]
fn confirmations_are_due_on_days_of_every_year() {
    for day in ["02-29", "13-01", "5-1", "1.05", "05-32"] {
        let message = format!("`{day}` is not a day of every year");
        one(REGISTER, "\"05-01\"", &format!("\"{day}\""), "due_on", "confirmation[spring].due_on[#1]", &message);
    }
    let message = "there is no kind of institution `military`";
    let path = "confirmation[spring].institution_kind";
    one(REGISTER, "institution_kind = \"guest\"", "institution_kind = \"military\"", "institution_kind", path, message);
    let path = "confirmation[spring].record_types[#1]";
    one(
        REGISTER,
        "record_types = [\"boat\"]",
        "record_types = [\"ship\"]",
        "record_types",
        path,
        "there is no record type `ship`",
    );
}

#[test]
fn a_retention_rule_says_when_and_what() {
    let path = |key: &str| format!("retention[after_berth].{key}");
    let rule = "trigger = \"leaves_on\"\nperiod = \"P5Y\"\nthen = \"destroy\"";
    let cases = [
        (
            "period = \"P5Y\"\nthen = \"destroy\"",
            "[[retention]]",
            "trigger",
            "without `trigger` nobody knows when to destroy",
        ),
        (
            "trigger = \"leaves_on\"\nthen = \"destroy\"",
            "[[retention]]",
            "period",
            "without `period` nobody knows when to destroy",
        ),
        (
            "trigger = \"leaves_on\"\nperiod = \"P5Y\"\nthen = \"burn\"",
            "then",
            "then",
            "`burn` cannot be done with data",
        ),
        (
            "trigger = \"leaves_on\"\nperiod = \"P5Y\"\nthen = \"keep\"",
            "period",
            "period",
            "what is kept has no period",
        ),
        (
            "trigger = \"leaves_on\"\nperiod = \"5 years\"\nthen = \"review\"",
            "period",
            "period",
            "`5 years` is not a period",
        ),
        (
            "trigger = \"left\"\nperiod = \"P5Y\"\nthen = \"destroy\"",
            "trigger",
            "trigger",
            "`left` names no field of boat",
        ),
        (
            "trigger = \"name\"\nperiod = \"P5Y\"\nthen = \"destroy\"",
            "trigger",
            "trigger",
            "`name` is of type text, but date is needed",
        ),
        (
            "trigger = \"event:\"\nperiod = \"P5Y\"\nthen = \"destroy\"",
            "trigger",
            "trigger",
            "`` is not the name of an event",
        ),
        (
            "trigger = \"checks/ends_on\"\nperiod = \"P5Y\"\nthen = \"destroy\"",
            "trigger",
            "trigger",
            "`checks/ends_on` has many values, as `checks` is a list",
        ),
        (
            "period = \"P5Y\"\nsource = \"x\"\nthen = \"destroy\"",
            "[[retention]]",
            "trigger",
            "a period without `trigger` never begins",
        ),
    ];
    for (to, mark, key, message) in cases {
        let sources = changed(REGISTER, rule, to);
        let found = faults(&sources);
        let [fault] = found.as_slice() else { panic!("{to}: {found:?}") };
        assert_eq!((fault.path.as_str(), fault.message.as_str()), (path(key).as_str(), message));
        let at = sources[REGISTER].lines().nth(fault.line - 1).unwrap();
        assert!(at.contains(mark), "{to}: {fault} is on the line `{at}`");
    }
    for fine in [
        "source = \"x\"\nthen = \"archive\"",
        "trigger = \"checks[kind=hull]/ends_on\"\nperiod = \"P1W\"\nthen = \"review\"",
    ] {
        assert_eq!(faults(&changed(REGISTER, rule, fine)), []);
    }
}

#[test]
fn a_rule_that_no_field_uses_must_still_have_a_trigger_somewhere() {
    let rule = "\n[[retention]]\nname = \"unused\"\nlabel = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" }\nclause = \"§ 9\"\n\
                trigger = \"sunk_on\"\nperiod = \"P1Y\"\nthen = \"review\"\n\n[backup]";
    one(
        REGISTER,
        "[backup]",
        rule,
        "trigger",
        "retention[unused].trigger",
        "`sunk_on` names no field of any record type",
    );
    assert_eq!(faults(&changed(REGISTER, "[backup]", &rule.replace("sunk_on", "moored_on"))), []);
}

#[test]
fn a_code_that_a_path_chooses_by_exists() {
    one(
        REGISTER,
        "trigger = \"leaves_on\"",
        "trigger = \"checks[kind=keel]/ends_on\"",
        "trigger",
        "retention[after_berth].trigger",
        "`keel` is not a code of `check`",
    );
}

#[test]
fn the_backup_rule_can_be_kept() {
    let cases = [
        ("every_hours = 24", "every_hours = 0", "every_hours", "backup.every_hours", "no time lies between two copies"),
        ("[1, 15]", "[1, 32]", "keep_days", "backup.keep_days_of_month[#2]", "no month has a day 32"),
        ("\"P1M\"", "\"month\"", "keep_all", "backup.keep_all", "`month` is not a period"),
        ("\"P1M\"", "\"P2Y\"", "keep_all", "backup.keep_all", "every copy is kept for longer than any copy is kept"),
        ("\"P1M\"", "\"P0D\"", "keep_all", "backup.keep_all", "`P0D` is not a period"),
    ];
    for (from, to, mark, path, message) in cases {
        one(REGISTER, from, to, mark, path, message);
    }
}

#[test]
fn periods_are_iso_8601() {
    for (text, days) in [("P1Y", 365), ("P1Y6M", 545), ("P2W", 14), ("P30D", 30), ("P1Y2M3W4D", 365 + 60 + 21 + 4)] {
        assert_eq!(period(text), Some(days), "{text}");
    }
    for text in [
        "",
        "P",
        "1Y",
        "PY",
        "P1",
        "P-1Y",
        "P+1Y",
        "P1D1Y",
        "PT1H",
        "P1.5Y",
        "p1y",
        "P0Y",
        "P99999999999999999999Y",
        "Põ",
    ] {
        assert_eq!(period(text), None, "{text}");
    }
}

// records/*.toml

#[test]
fn a_record_type_names_what_exists() {
    one(
        BOAT,
        "purposes = [\"berths\"]",
        "purposes = [\"fun\"]",
        "purposes",
        "purposes[#1]",
        "there is no purpose `fun`",
    );
    one(
        BOAT,
        "base_documents = [\"decision\"]",
        "base_documents = [\"rumour\"]",
        "base_documents",
        "base_documents[#1]",
        "there is no kind of base document `rumour`",
    );
    one(
        BOAT,
        "base_documents = [\"decision\"]",
        "base_documents = []",
        "base_documents",
        "base_documents",
        "there is no base document on which it may be entered",
    );
}

#[test]
fn a_section_without_a_field_is_a_fault() {
    let unused = "[[section]]\nname = \"crew\"\nlabel = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" }\n\n[[section]]\nname = \"boat\"";
    one(
        BOAT,
        "[[section]]\nname = \"boat\"",
        unused,
        "[[section]]",
        "section[crew]",
        "no field is in the section `crew`",
    );
}

#[test]
fn a_title_can_be_read() {
    let title = "title = [\"name\", \"checks[kind=hull]/number\"]";
    for (to, path, message) in [
        ("title = []", "title", "there is no field that makes up the title"),
        ("title = [\"colour\"]", "title[#1]", "`colour` names no field of boat"),
        ("title = [\"Name\"]", "title[#1]", "`Name` is not a path: `Name` is not a machine name"),
        ("title = [\"checks/number\"]", "title[#1]", "`checks/number` has many values, as `checks` is a list"),
        ("title = [\"stay\"]", "title[#1]", "`stay` has no text that could stand in a title"),
        ("title = [\"name\", \"name\"]", "title[#2]", "`name` is there twice"),
    ] {
        one(BOAT, title, to, "title", path, message);
    }
}

#[test]
fn the_subject_is_a_personal_code() {
    let from = "\npersonal_code = \"personal_code\"";
    let path = "subject.personal_code";
    let message = "`surname` is of type text, but personal_code is needed";
    one(SKIPPER, from, "\npersonal_code = \"surname\"", "= \"surname\"", path, message);
}

#[test]
fn a_life_has_two_days_and_a_ground() {
    for (from, to, key, message) in [
        ("begins = \"moored_on\"", "begins = \"name\"", "begins", "`name` is of type text, but date is needed"),
        ("ground = \"leaving\"", "ground = \"moored_on\"", "ground", "`moored_on` is of type date, but code is needed"),
        (
            "ends = \"leaves_on\"",
            "ends = \"moored_on\"",
            "ends",
            "a record that ends on the field on which it begins lives one day",
        ),
    ] {
        one(BOAT, from, to, to, &format!("lifecycle.{key}"), message);
    }
}

#[test]
fn what_must_not_repeat_is_indexed_and_ends() {
    let path = "unique[#1].fields[#2]";
    let fields = "fields = [\"name\", \"class\"]";
    let message = "`built` must not repeat, but is not indexed";
    one(BOAT, fields, "fields = [\"name\", \"built\"]", "fields", path, message);
    let message = "a record of this type never ends";
    let to = "within = \"register\"\nunless_ended = true";
    one(SKIPPER, "within = \"register\"", to, "unless_ended", "unique[#1].unless_ended", message);
}

#[test]
fn a_field_of_a_record_has_clause_section_and_retention() {
    let end = "retention = \"after_berth\"\nrequired_when = { field = \"insured\"";
    let field =
        "clause = \"§ 11\"\nsection = \"boat\"\nretention = \"after_berth\"\nrequired_when = { field = \"insured\"";
    let start = "[[field]]\nname = \"policy\"";
    let line = "[[field]]\nname = \"policy\"";
    for (from, to, mark, key, message) in [
        (end, end.replace("retention = \"after_berth\"\n", ""), line, "retention", "the field has no retention rule"),
        (end, end.replace("berth", "dinner"), "after_dinner", "retention", "there is no retention rule `after_dinner`"),
        (field, field.replace("clause = \"§ 11\"\n", ""), line, "clause", "the field has no clause"),
        (field, field.replace("section = \"boat\"\n", ""), line, "section", "the field is in no section"),
        (field, field.replace("\"boat\"", "\"hold\""), "\"hold\"", "section", "there is no section `hold`"),
    ] {
        assert!(start.starts_with("[[field]]"));
        one(BOAT, from, &to, mark, &format!("field[policy].{key}"), message);
    }
}

#[test]
fn a_part_has_neither_section_nor_retention_nor_index() {
    let part = "name = \"number\"\ntype = \"text\"";
    for (key, line) in
        [("section", "section = \"boat\""), ("retention", "retention = \"while_open\""), ("index", "index = \"code\"")]
    {
        let message = format!("a part of a group has no `{key}` of its own");
        one(BOAT, part, &format!("{part}\n{line}"), line, &format!("field[checks].part[number].{key}"), &message);
    }
}

#[test]
fn an_index_fits() {
    let built = "name = \"built\"";
    let message = "a field of type year is not found as a name is";
    one(BOAT, built, &format!("{built}\nindex = \"name\""), "index", "field[built].index", message);
    let message = "a list or group cannot be indexed";
    let stay = "name = \"stay\"";
    one(BOAT, stay, &format!("{stay}\nindex = \"filter\""), "index", "field[stay].index", message);
    let age = "name = \"age\"";
    let message = "the value changes without an entry, so no index can hold it";
    one(SKIPPER, age, &format!("{age}\nindex = \"filter\""), "index", "field[age].index", message);
}

#[test]
fn options_fit_the_type() {
    for (option, key) in [
        ("length = [1, 2]", "length"),
        ("pattern = \"a\"", "pattern"),
        ("warn_above = \"3\"", "warn_above"),
        ("scale = 1", "scale"),
        ("codelist = \"check\"", "codelist"),
        ("country = \"EE\"", "country"),
        ("minor = true", "minor"),
        ("refers_to = \"boat\"", "refers_to"),
        ("media_types = [\"image/png\"]", "media_types"),
    ] {
        let from = "name = \"moored_on\"";
        let message = format!("`{key}` does not fit a field of type date");
        one(BOAT, from, &format!("{from}\n{option}"), option, &format!("field[moored_on].{key}"), &message);
    }
    for (option, key) in [("min = \"1\"", "min"), ("max = \"1\"", "max")] {
        let from = "name = \"insured\"";
        let message = format!("`{key}` does not fit a field of type boolean");
        one(BOAT, from, &format!("{from}\n{option}"), option, &format!("field[insured].{key}"), &message);
    }
    let from = "label = { et = \"Saabus\"";
    let message = "`items` counts the items of a list, and this is none";
    one(BOAT, from, &format!("items = [1, 2]\n{from}"), "items", "field[moored_on].items", message);
    let from = "type = \"group\"\nlabel = { et = \"Nõusolek\"";
    let to = "type = \"text\"\nlabel = { et = \"Nõusolek\"";
    let found = faults(&changed(SKIPPER, from, to));
    assert!(found.iter().any(|f| f.message == "`part` does not fit a field of type text"), "{found:?}");
}

#[test]
fn types_have_what_they_need() {
    let message = "a field of type code needs `codelist`";
    let found = faults(&changed(BOAT, "codelist = \"leaving\"", ""));
    let fault = found.iter().find(|f| f.file == BOAT).unwrap();
    assert_eq!((fault.path.as_str(), fault.message.as_str()), ("field[leaving].codelist", message));
    let message = "a field of type reference needs `refers_to`";
    let from = "refers_to = \"skipper\"\nlabel = { et = \"Tüürimees\"";
    let found = faults(&changed(SKIPPER, from, "label = { et = \"Tüürimees\""));
    assert!(found.iter().any(|f| f.path == "field[mate].refers_to" && f.message == message), "{found:?}");
    let bare = "[[rule]]\nkind = \"order\"";
    let group = "[[field]]\nname = \"anchor\"\ntype = \"group\"\nlabel = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" }\n\
                 clause = \"§ 11\"\nsection = \"boat\"\nretention = \"after_berth\"\n\n";
    let message = "a field of type group needs `part`";
    one(BOAT, bare, &format!("{group}{bare}"), "[[field]]", "field[anchor].part", message);
}

#[test]
fn ranges_and_bounds_are_in_order_and_of_the_type() {
    let length = "length = [1, 80]";
    one(SKIPPER, length, "length = [80, 1]", "length", "field[surname].length", "nothing is of 80 to 1");
    one(SKIPPER, length, "length = [0, 0]", "length", "field[surname].length", "nothing is of 0 to 0");
    one(BOAT, "items = [0, 20]", "items = [3, 2]", "items", "field[checks].items", "nothing is of 3 to 2");
    let long = |key: &str| format!("field[length_over_all].{key}");
    for (from, to, key, message) in [
        ("min = \"2.5\"", "min = \"25\"", "min", "the least value is above the greatest"),
        ("min = \"2.5\"", "min = \"2.55\"", "min", "`2.55` is not a value of type decimal"),
        ("min = \"2.5\"", "min = \"+2\"", "min", "`+2` is not a value of type decimal"),
        ("max = \"24.0\"", "max = \"1e3\"", "max", "`1e3` is not a value of type decimal"),
        (
            "warn_above = \"18\"",
            "warn_above = \"24\"",
            "warn_above",
            "no value is above this and still allowed, so nobody is ever warned",
        ),
        ("scale = 1", "scale = 99", "scale", "99 digits after the point are more than the engine keeps"),
    ] {
        one(BOAT, from, to, to, &long(key), message);
    }
    one(BOAT, "min = \"1850\"", "min = \"85\"", "min = \"85\"", "field[built].min", "`85` is not a value of type year");
    one(
        BOAT,
        "min = \"1\"\n",
        "min = \"1.5\"\n",
        "min = \"1.5\"",
        "field[stay].part[amount].min",
        "`1.5` is not a value of type integer",
    );
    let day = "min = \"1900-01-01\"";
    let message = "`1900-02-30` is not a value of type date";
    one(SKIPPER, day, "min = \"1900-02-30\"", "min", "field[told_birth_date].min", message);
}

#[test]
fn a_pattern_is_a_regular_expression_that_browsers_know_too() {
    let pattern = "pattern = \"[A-ZÕÄÖÜ][A-Za-zÕÄÖÜõäöü -]*\"";
    let path = "field[surname].pattern";
    let message = "this is not a regular expression: unclosed character class";
    one(SKIPPER, pattern, "pattern = \"[A-Z\"", "pattern", path, message);
    let message = "`(?=` does not mean the same to the engine and to a browser";
    one(SKIPPER, pattern, "pattern = \"(?=a)a\"", "pattern", path, message);
}

#[test]
fn media_types_and_countries_are_known() {
    let path = "field[policy].media_types[#2]";
    one(BOAT, "\"image/png\"", "\"PNG\"", "media_types", path, "`PNG` is not a media type");
    let message = "the engine does not know the codes of `LV`";
    one(SKIPPER, "country = \"FI\"", "country = \"LV\"", "country", "field[personal_code].country", message);
}

#[test]
fn lists_and_record_types_that_fields_name_exist() {
    let found = faults(&changed(BOAT, "codelist = \"leaving\"", "codelist = \"parting\""));
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "codelists.toml:66: codelist[leaving]: no field uses the code list `leaving`. \
         Name it in the `codelist` of a field, or remove it.",
            "records/boat.toml:144: field[leaving].codelist: there is no code list `parting`. \
         Write `harbour_kind`, `sex`, `class`, `rig`, `flag`, `unit`, `leaving`, `check` or `wind`, or define it.",
        ]
    );
    let from = "refers_to = \"skipper\"\nlabel = { et = \"Tüürimees\"";
    let to = "refers_to = \"sailor\"\nlabel = { et = \"Tüürimees\"";
    let found = faults(&changed(SKIPPER, from, to));
    let fault = found.iter().find(|f| f.path == "field[mate].refers_to").unwrap();
    assert_eq!((fault.line, fault.message.as_str()), (86, "there is no record type `sailor`"));
}

#[test]
fn a_dependent_code_has_a_parent() {
    let message = "there is no sibling `classes`";
    let found = faults(&changed(BOAT, "within_code = \"class\"", "within_code = \"classes\""));
    assert_eq!(found.iter().map(|f| f.message.as_str()).collect::<Vec<_>>(), [message]);
    let none = "sv = \"ingen\" }\nparent = \"motor\"";
    let path = "codelist[rig].code[none].parent";
    one(
        CODELISTS,
        none,
        "sv = \"ingen\" }\nparent = \"oars\"",
        "parent = \"oars\"",
        path,
        "`oars` is not a code of `class`",
    );
    let message = "`none` has no parent in `class`, so it can never be chosen";
    one(CODELISTS, none, "sv = \"ingen\" }", "[[codelist.code]]\ncode = \"none\"", path, message);
    let found = faults(&changed(BOAT, "within_code = \"class\"\n", ""));
    assert_eq!(found.len(), 3);
    assert!(
        found
            .iter()
            .all(|f| f.path.ends_with(".parent") && f.message.starts_with("the code has a parent, but no field"))
    );
}

#[test]
fn a_condition_asks_one_thing_of_a_sibling() {
    let when = "required_when = { field = \"insured\", is = true }";
    let path = |end: &str| format!("field[policy].required_when{end}");
    for (to, end, message) in [
        ("{ field = \"insured\" }", "", "a condition asks one thing"),
        ("{ field = \"insured\", is = true, present = true }", "", "a condition asks one thing"),
        ("{ field = \"ensured\", is = true }", ".field", "there is no sibling `ensured`"),
        ("{ field = \"policy\", present = true }", ".field", "the field depends on itself"),
        ("{ field = \"insured\", is = \"true\" }", ".is", "`insured` is of type boolean and never \"true\""),
        ("{ field = \"class\", one_of = [\"sail\", \"oar\"] }", ".one_of[#2]", "`oar` is not a code of `class`"),
        ("{ field = \"class\", one_of = [] }", ".one_of", "no value can be one of none"),
        ("{ field = \"built\", is = \"1999\" }", ".is", "`built` is of type year and never \"1999\""),
        ("{ field = \"stay\", is = 1 }", ".is", "`stay` is of type group and never 1"),
        ("{ field = \"stay/amount/x\", is = 1 }", ".field", "there is no sibling `stay/amount/x`"),
    ] {
        one(BOAT, when, &format!("required_when = {to}"), "required_when", &path(end), message);
    }
    for fine in [
        "{ field = \"stay/amount\", is = 1 }",
        "{ field = \"checks/kind\", is = \"hull\" }",
        "{ field = \"checks\", present = true }",
    ] {
        assert_eq!(faults(&changed(BOAT, when, &format!("required_when = {fine}"))), []);
    }
    let message = "the field is required in any case";
    one(BOAT, when, &format!("required = true\n{when}"), "required_when", &path(""), message);
}

#[test]
fn a_consent_is_a_group_with_its_day() {
    let needs = "needs = { kind = \"consent\", field = \"phone_consent\"";
    let path = "field[phone].needs.field";
    let to = "needs = { kind = \"consent\", field = \"surname\"";
    one(SKIPPER, needs, to, "needs", path, "`surname` is of type text, but group is needed");
    let to = "needs = { kind = \"consent\", field = \"silence\"";
    one(SKIPPER, needs, to, "needs", path, "there is no sibling `silence`");
    let given = "name = \"given_on\"";
    let message = "`phone_consent` does not say when consent was given";
    one(SKIPPER, given, "name = \"told_on\"", "needs", path, message);
    let withdrawn = "name = \"withdrawn_on\"\ntype = \"date\"";
    let message = "`withdrawn_on` is of type boolean, but date is needed";
    one(SKIPPER, withdrawn, "name = \"withdrawn_on\"\ntype = \"boolean\"", "needs", path, message);
    let to = "needs = { kind = \"legal_need\", field = \"wish\"";
    let path = "field[health].needs.field";
    one(
        SKIPPER,
        "needs = { kind = \"legal_need\", field = \"health_need\"",
        to,
        to,
        path,
        "there is no sibling `wish`",
    );
}

/// A change in a file, with the path and message of a fault on the line of a `derived` that it makes.
type Case = (&'static str, &'static str, &'static str, String, &'static str);

fn told_where_it_is_computed(cases: impl IntoIterator<Item = Case>) {
    for (file, from, to, path, message) in cases {
        let sources = changed(file, from, to);
        let found = faults(&sources);
        let fault = found.iter().find(|f| f.file == file && f.path == path && f.message == message);
        let line = fault.and_then(|f| sources[file].lines().nth(f.line - 1));
        assert!(line.is_some_and(|line| line.starts_with("derived = {")), "{path}: {message}\n{found:#?}");
    }
}

fn of(field: &str, end: &str) -> String {
    format!("field[{field}].derived{end}")
}

#[test]
fn a_computed_value_has_what_it_is_computed_from() {
    told_where_it_is_computed([
        (
            SKIPPER,
            "{ take = \"sex\", from = \"personal_code\" }",
            "{ take = \"sex\" }",
            of("sex", ".from"),
            "`sex` needs `from`",
        ),
        (
            SKIPPER,
            "{ take = \"sex\", from = \"personal_code\" }",
            "{ take = \"sex\", from = \"surname\" }",
            of("sex", ".from"),
            "`surname` is of type text, but personal_code is needed",
        ),
        (
            SKIPPER,
            "{ take = \"sex\", from = \"personal_code\" }",
            "{ take = \"sex\", from = \"personal_code\", via = \"mate\" }",
            of("sex", ".via"),
            "`sex` does not use `via`",
        ),
        (
            SKIPPER,
            "{ take = \"age\", from = \"personal_code\", otherwise = \"told_birth_date\" }",
            "{ take = \"age\", from = \"personal_code\", otherwise = \"birth_date\" }",
            of("age", ".otherwise"),
            "what stands in must be entered, and this is computed",
        ),
        (
            SKIPPER,
            "{ take = \"age\", from = \"personal_code\", otherwise = \"told_birth_date\" }",
            "{ take = \"age\", from = \"personal_code\", otherwise = \"surname\" }",
            of("age", ".otherwise"),
            "`surname` is of type text, but date is needed",
        ),
        (
            BOAT,
            "from = \"moored_on\", to = \"stay\"",
            "from = \"moored_on\", to = \"checks\"",
            of("leaves_on", ".to"),
            "`checks` has many values",
        ),
        (
            BOAT,
            "from = \"moored_on\", to = \"stay\"",
            "from = \"nights\", to = \"stay\"",
            of("leaves_on", ".from"),
            "`nights` is computed no earlier than this field",
        ),
    ]);
}

#[test]
fn what_counts_other_records_knows_which() {
    told_where_it_is_computed([
        (
            HARBOUR,
            "{ take = \"count\", of = \"boat\" }",
            "{ take = \"count\", of = \"raft\" }",
            of("boats", ".of"),
            "there is no record type `raft`",
        ),
        (HARBOUR, "field = \"owner\"", "field = \"built\"", of("skippers", ".field"), "`built` is not indexed"),
        (
            HARBOUR,
            "take = \"sum\", of = \"boat\", field = \"length_over_all\"",
            "take = \"sum\", of = \"boat\", field = \"class\"",
            of("quay", ".field"),
            "`class` is of type code, but integer or decimal or money or percentage or load is needed",
        ),
        (
            HARBOUR,
            "take = \"sum\", of = \"boat\", field = \"length_over_all\"",
            "take = \"sum\", of = \"boat\"",
            of("quay", ".field"),
            "`sum` needs `field`",
        ),
        (SKIPPER, "via = \"owner\"", "via = \"captain\"", of("fleet", ".via"), "`captain` names no field of boat"),
        (SKIPPER, "via = \"owner\"", "via = \"owner/mate\"", of("fleet", ".via"), "`mate` is not indexed"),
        (
            SKIPPER,
            ", via = \"owner\"",
            "",
            of("fleet", ".via"),
            "nothing says which records of `boat` belong to this one",
        ),
        (
            HARBOUR,
            "{ take = \"count\", of = \"boat\" }",
            "{ take = \"count\", of = \"boat\", via = \"owner\" }",
            of("boats", ".via"),
            "`owner` leads to skipper, not to harbour",
        ),
    ]);
}

#[test]
fn a_computed_value_fits_its_type() {
    let message = "`age` is of type text, but integer is needed";
    one(
        SKIPPER,
        "name = \"age\"\ntype = \"integer\"",
        "name = \"age\"\ntype = \"text\"",
        "type = \"text\"",
        "field[age].type",
        message,
    );
    let quay = "name = \"quay\"\ntype = \"decimal\"";
    let message = "a sum of values of type decimal is not of type integer";
    let path = "field[quay].derived.field";
    one(HARBOUR, quay, "name = \"quay\"\ntype = \"integer\"", "take = \"sum\"", path, message);
    let found = faults(&changed(CODELISTS, "code = \"male\"", "code = \"man\""));
    assert!(
        found.iter().any(|f| f.path == "field[sex].type" && f.message == "`male` is not a code of `sex`"),
        "{found:?}"
    );
    let found = faults(&changed(CODELISTS, "code = \"month\"", "code = \"moon\""));
    let message = "the engine cannot count in units of `moon`";
    assert!(found.iter().any(|f| f.path == "field[leaves_on].derived.to" && f.message == message), "{found:?}");
    let found = faults(&changed(BOAT, "name = \"amount\"", "name = \"number\""));
    assert!(found.iter().any(|f| f.message == "`stay` has no part `amount`"), "{found:?}");
}

#[test]
fn a_computed_value_is_never_entered() {
    let age = "name = \"age\"";
    for (option, key) in [
        ("required = true", "required"),
        ("required_when = { field = \"surname\", present = true }", "required_when"),
        ("needs = { kind = \"legal_need\", field = \"surname\", clause = \"§ 10\" }", "needs"),
        ("repeats = true", "repeats"),
        ("min = \"3\"", "min"),
        ("max = \"3\"", "max"),
    ] {
        let message = format!("`{key}` is for what is entered, and this is computed");
        one(SKIPPER, age, &format!("{age}\n{option}"), option, &format!("field[age].{key}"), &message);
    }
}

#[test]
fn a_rule_has_what_it_needs() {
    let order = "of = \"checks\"\nfrom = \"begins_on\"\nto = \"ends_on\"\nwarning = true";
    let overlap = "to = \"ends_on\"\nby = \"kind\"";
    let sequence = "by = \"kind\"\nfirst = \"hull\"\nlast = \"rigging\"";
    for (from, to, mark, path, message) in [
        (
            order,
            "of = \"checks\"\nfrom = \"begins_on\"\nwarning = true",
            "[[rule]]\nkind = \"order\"",
            "rule[#1].to",
            "a rule `order` needs `to`",
        ),
        (
            order,
            &order.replace("begins_on", "number"),
            "from",
            "rule[#1].from",
            "`number` is of type text, but date is needed",
        ),
        (
            order,
            &order.replace("begins_on", "began_on"),
            "from",
            "rule[#1].from",
            "`began_on` names no field of checks",
        ),
        (order, &order.replace("begins_on", "ends_on"), "to", "rule[#1].to", "both dates are the same field"),
        (order, &order.replace("\"checks\"", "\"stays\""), "of", "rule[#1].of", "`stays` names no field of boat"),
        (
            order,
            &format!("first = \"hull\"\n{order}"),
            "first",
            "rule[#1].first",
            "a rule `order` does not use `first`",
        ),
        (
            overlap,
            "to = \"ends_on\"\nby = \"number\"",
            "by",
            "rule[#2].by",
            "`number` is of type text, but code is needed",
        ),
        (sequence, "by = \"kind\"\nfirst = \"keel\"", "first", "rule[#4].first", "`keel` is not a code of `check`"),
        (sequence, "by = \"kind\" # alone", "# alone", "rule[#4].by", "`by` says nothing without `first` or `last`"),
        (
            sequence,
            "first = \"hull\"",
            "[[rule]]\nkind = \"sequence\"",
            "rule[#4].by",
            "`first` and `last` are codes of no field",
        ),
    ] {
        one(BOAT, from, to, mark, path, message);
    }
}

#[test]
fn a_rule_of_a_list_names_one_and_a_rule_of_a_life_needs_one() {
    let order = "of = \"checks\"\nfrom = \"begins_on\"\nto = \"ends_on\"\nwarning = true";
    let message = "`ends_on` is of type date, but group is needed";
    let found = faults(&changed(BOAT, order, &order.replace("\"checks\"", "\"checks/ends_on\"")));
    assert_eq!(found.iter().map(|f| f.message.as_str()).collect::<Vec<_>>(), [message]);
    let found = faults(&changed(BOAT, "kind = \"inside\"\nof = \"checks\"", "kind = \"inside\"\nof = \"stay\""));
    assert!(found.iter().any(|f| f.path == "rule[#3].of" && f.message == "`stay` is not a list"), "{found:?}");
    let to =
        "[[rule]]\nkind = \"inside\"\nfrom = \"told_birth_date\"\nclause = \"§ 10\"\n\n[[rule]]\nkind = \"no_cycle\"";
    let message = "a record of type skipper has no life to be inside of";
    one(SKIPPER, "[[rule]]\nkind = \"no_cycle\"", to, "[[rule]]", "rule[#1]", message);
}

#[test]
fn a_chain_leads_back_to_its_own_type() {
    let cycle = "[[rule]]\nkind = \"no_cycle\"\nfrom = \"owner\"\nclause = \"§ 11\"\n\n[[rule]]\nkind = \"order\"";
    let message = "`owner` does not refer to boat, so it makes no chain";
    one(BOAT, "[[rule]]\nkind = \"order\"", cycle, "from", "rule[#1].from", message);
}

// codelists.toml

#[test]
fn a_code_stands_once_on_a_day() {
    let again = "code = \"sloop\"\nlabel = { et = \"kaater\", en = \"sloop\", fi = \"sluuppi\", sv = \"slup\" }\nparent = \"sail\"\n\
                 valid_from = \"2022-01-01\"";
    let mark = "[[codelist.code]]\ncode = \"sloop\"\nlabel = { et = \"kaater\"";
    let message = "the code `sloop` is there twice on the same days";
    let earlier = again.replace("2022-01-01", "2021-12-31");
    one(CODELISTS, again, &earlier, mark, "codelist[rig].code[sloop]", message);
    let message = "`sloop` ends before it begins";
    let path = "codelist[rig].code[sloop].valid_until";
    let ended = format!("{again}\nvalid_until = \"2021-01-01\"");
    one(CODELISTS, again, &ended, "valid_until = \"2021-01-01\"", path, message);
}

#[test]
fn a_code_has_the_form_of_one() {
    let path = "codelist[leaving].code[big storm].code";
    one(CODELISTS, "code = \"storm\"", "code = \"big storm\"", "big storm", path, "`big storm` cannot be a code");
}

#[test]
fn a_list_without_codes_is_a_fault() {
    let from =
        "code = [{ code = \"storm\", label = { et = \"torm\", en = \"storm\", fi = \"myrsky\", sv = \"storm\" } }]";
    one(CODELISTS, from, "code = []", "code = []", "codelist[leaving].code", "there is no code");
}

// clauses.toml and access.cedar

#[test]
fn a_clause_says_what_it_is_about_and_what_realises_it() {
    let gist = "gist = \"Thanks the sea.\"";
    let reason = "reason = \"It binds nobody.\"";
    let at = "clause[§ 13]";
    let message = "nothing realises `§ 13`, and nothing says why";
    one(CLAUSES, reason, "", "[[clause]]\nid = \"§ 13\"", at, message);
    one(CLAUSES, gist, "gist = \"\"", "gist = \"\"", &format!("{at}.gist"), "nothing is written here");
    let to = "behaviours = [\"sailing\"]";
    one(CLAUSES, reason, to, to, &format!("{at}.behaviours[#1]"), "the engine has no behaviour `sailing`");
    let to = "behaviours = [\"login_required\", \"login_required\"]";
    one(CLAUSES, reason, to, to, &format!("{at}.behaviours[#2]"), "`login_required` is there twice");
}

#[test]
fn a_definition_without_policies_is_a_fault() {
    let message = "there is no policy, so nobody may do anything";
    one(POLICIES, "@clause(\"§ 5\")\npermit(principal, action, resource);", "", "", "", message);
}

// The same list twice

#[test]
fn two_record_types_of_the_same_fields_are_the_same_list_twice() {
    let mut sources = sources();
    let text = sources[BOAT].replacen("name = \"boat\"", "name = \"ship\"", 1).replacen(
        "clause = \"§ 11\"",
        "clause = \"§ 12\"",
        1,
    );
    sources.insert("records/ship.toml".into(), text);
    let found: Vec<String> = faults(&sources).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "records/ship.toml:2: name: § 11 and § 12 are the same list twice: record type `boat`, in records/boat.toml:2, and \
             record type `ship`. Make one type that carries both clauses.",
        ]
    );
}

#[test]
fn two_groups_of_the_same_parts_are_the_same_list_twice_unless_the_engine_lays_down_their_form() {
    let consents = "[[field]]\nname = \"email\"\ntype = \"email\"\nlabel = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" }\n\
                    clause = \"§ 10\"\nsection = \"contact\"\nretention = \"after_sale\"\n\
                    needs = { kind = \"consent\", field = \"email_consent\", clause = \"§ 10\" }\n\n\
                    [[field]]\nname = \"email_consent\"\ntype = \"group\"\nlabel = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" }\n\
                    clause = \"§ 9\"\nsection = \"contact\"\nretention = \"after_sale\"\n\
                    part = [\n\
                    { name = \"given_on\", type = \"date\", label = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" } },\n\
                    { name = \"withdrawn_on\", type = \"date\", label = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" } },\n\
                    ]\n\n[[rule]]\nkind";
    assert_eq!(faults(&changed(SKIPPER, "[[rule]]\nkind", consents)), []);
    let needless = |text: &str| {
        let kept = text.lines().filter(|line| !line.starts_with("needs = { kind = \"consent\""));
        kept.collect::<Vec<_>>().join("\n")
    };
    let mut sources = changed(SKIPPER, "[[rule]]\nkind", consents);
    sources.insert(SKIPPER.into(), needless(&sources[SKIPPER]));
    let found = faults(&sources);
    let [fault] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(fault.path, "field[email_consent]");
    assert_eq!(
        fault.message,
        "§ 10 and § 9 are the same list twice: `skipper/phone_consent`, on line 108, and `skipper/email_consent`"
    );
}

#[test]
fn two_code_lists_of_the_same_codes_are_a_fault() {
    let storm =
        "code = [{ code = \"storm\", label = { et = \"torm\", en = \"storm\", fi = \"myrsky\", sv = \"storm\" } }]";
    let sex = "code = [\n  { code = \"hull\", label = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" } },\n  \
               { code = \"rigging\", label = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" } },\n]";
    let mark = "[[codelist]]\nname = \"check\"";
    one(CODELISTS, storm, sex, mark, "codelist[check]", "`check` has the same codes as `leaving`");
}

// Anything at all

/// What happens to a line of a file.
#[derive(Debug, Clone)]
enum Mishap {
    Lost,
    Doubled,
    Replaced(String),
    Moved(usize),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        2 => Just(Mishap::Lost),
        2 => Just(Mishap::Doubled),
        2 => "[a-z_]{1,8} = (\"[a-zõ/\\[\\]= ]{0,9}\"|[0-9]{1,3}|true|\\[[0-9, ]{0,6}\\]|\\{ [a-z]{1,4} = [0-9] \\})".prop_map(Mishap::Replaced),
        1 => "[\\[\\]\"'={}a-z\\.õ\\\\]{0,12}".prop_map(Mishap::Replaced),
        1 => any::<prop::sample::Index>().prop_map(|index| Mishap::Moved(index.index(200))),
    ]
}

fn befall(text: &str, at: usize, mishap: &Mishap) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return String::new();
    }
    let at = at % lines.len();
    match mishap {
        Mishap::Lost => drop(lines.remove(at)),
        Mishap::Doubled => lines.insert(at, lines[at].clone()),
        Mishap::Replaced(line) => lines[at].clone_from(line),
        Mishap::Moved(to) => {
            let line = lines.remove(at);
            lines.insert(to % (lines.len() + 1), line);
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_befalls_the_files_faults_are_told_on_lines_that_exist(
        mishaps in prop::collection::vec((any::<prop::sample::Index>(), any::<usize>(), mishap()), 1..5),
    ) {
        let mut sources = sources();
        for (file, at, mishap) in mishaps {
            let file = file.get(&sources.keys().cloned().collect::<Vec<_>>()).clone();
            let text = befall(&sources[&file], at, &mishap);
            sources.insert(file, text);
        }
        for fault in faults(&sources) {
            let lines = sources.get(&fault.file).map_or(1, |text| text.lines().count().max(1));
            prop_assert!((1..=lines + 1).contains(&fault.line), "{fault}");
            prop_assert!(!fault.message.is_empty() && fault.advice.ends_with('.'), "{fault}");
        }
    }

    #[test]
    fn a_definition_with_other_files_than_its_own_is_told_of_without_panic(
        file in any::<prop::sample::Index>(),
    ) {
        let mut others = sources();
        let file = file.get(&others.keys().cloned().collect::<Vec<_>>()).clone();
        others.remove(&file);
        lint(&definition(), &others);
        prop_assert!(!faults(&others).is_empty());
    }
}
