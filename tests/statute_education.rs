//! The definition of the education register beside the text of its statute: every clause, every point, every name and
//! day.

use std::collections::{BTreeMap, BTreeSet};

use andmekogu::domain::statute::Definition;
use andmekogu::domain::statute::definition::Field;
use chrono::NaiveDate;

use crate::definition::{clauses_of, statute};
use crate::harness::shipped;

const REGISTER: &str = "tlnharidus";
const TEXT: &str = "004_a5a5693c9133c2a9.txt";

fn definition() -> Definition {
    shipped().into_iter().find(|d| d.register.short_name == REGISTER).unwrap()
}

/// The text as one line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Wording of every numbered point, by its address.
fn points_of(text: &str) -> BTreeMap<String, String> {
    let (mut section, mut subsection) = (String::new(), String::new());
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let number = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
        if let Some(rest) = line.strip_prefix("§ ").filter(|rest| rest[number(rest).len()..].starts_with('.')) {
            section = format!("§ {}", number(rest));
            subsection = section.clone();
        } else if let Some((n, _)) = line.strip_prefix('(').and_then(|l| l.split_once(')')) {
            subsection = format!("{section} lg {n}");
        } else if let Some((n, words)) = line.split_once(')').filter(|(n, _)| !n.is_empty() && *n == number(n)) {
            found.insert(format!("{subsection} p {n}"), words.trim().trim_end_matches([';', '.']).to_owned());
        }
    }
    found
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect()
}

/// Labels by clause, of the fields and parts that the statute itself lists; a point repeated elsewhere counts there too.
fn labels(definition: &Definition) -> BTreeMap<String, Vec<String>> {
    fn of<'d>(fields: &'d [Field], into: &mut Vec<&'d Field>) {
        for field in fields {
            into.push(field);
            of(&field.parts, into);
        }
    }
    let mut fields = Vec::new();
    for record_type in &definition.record_types {
        of(&record_type.fields, &mut fields);
    }
    let mut labels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for field in fields.iter().filter(|f| f.basis.is_none()) {
        for clause in field.clause.iter().chain(&field.repeated_in) {
            labels.entry(clause.0.clone()).or_default().push(field.label.official().to_owned());
        }
    }
    labels
}

#[test]
fn the_education_register_names_every_clause_of_its_statute_and_no_other() {
    let Some(text) = statute(TEXT) else { return };
    let ours: BTreeSet<String> =
        definition().clauses.iter().map(|c| c.id.0.clone()).filter(|c| c.starts_with('§')).collect();
    let theirs = clauses_of(&text);
    assert!(theirs.len() > 250, "the text was read: {}", theirs.len());
    let missing: Vec<_> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "clauses without a word on them: {missing:?}");
    let invented: Vec<_> =
        ours.difference(&theirs).filter(|c| !theirs.iter().any(|t| t.starts_with(&format!("{c} ")))).collect();
    assert!(invented.is_empty(), "clauses that do not exist: {invented:?}");
    let order: Vec<_> = definition().clauses.iter().map(|c| c.id.0.clone()).collect();
    let at = |clause: &str| order.iter().position(|c| c == clause).unwrap();
    assert!(at("§ 6 lg 2") < at("§ 6 lg 2 p 1") && at("§ 9 lg 6 p 9") < at("§ 9 lg 6 p 10"), "in its order");
}

#[test]
fn every_point_of_the_lists_has_its_field_in_the_words_of_the_statute() {
    let Some(text) = statute(TEXT) else { return };
    let definition = definition();
    let labels = labels(&definition);
    let points = points_of(&text);
    // § 9 lg 1 lists the lists themselves.
    let listed: Vec<_> = points.iter().filter(|(c, _)| c.starts_with("§ 9 ") && !c.starts_with("§ 9 lg 1 ")).collect();
    assert_eq!(listed.len(), 9 + 18 + 19 + 8 + 42 + 6 + 8 + 38);
    for (clause, wording) in listed {
        let ours = labels.get(clause).unwrap_or_else(|| panic!("{clause} {wording} has no field"));
        let whole = ours.contains(wording);
        // Two things in one point: two fields in its words.
        let divided = ours.len() > 1 && ours.iter().all(|label| words(label).is_subset(&words(wording)));
        assert!(whole || divided, "{clause}: {wording} is not {ours:?}");
    }
    let known: BTreeSet<_> = points.keys().collect();
    let invented: Vec<_> = labels.keys().filter(|c| c.starts_with("§ 9 ") && !known.contains(c)).collect();
    assert!(invented.is_empty(), "fields on points that do not exist: {invented:?}");
}

#[test]
fn what_the_statute_lists_twice_is_one_list_with_both_clauses() {
    let Some(text) = statute(TEXT) else { return };
    let points = points_of(&text);
    let definition = definition();
    let pupils: Vec<_> =
        definition.record_types.iter().filter(|t| t.clause.0 == "§ 9 lg 5" || t.clause.0 == "§ 9 lg 8").collect();
    let [hobby] = pupils.as_slice() else { panic!("one type, not {}", pupils.len()) };
    assert!(hobby.repeated_in.iter().any(|c| c.0 == "§ 9 lg 8"));
    for point in 1..=8 {
        let (one, two) = (format!("§ 9 lg 5 p {point}"), format!("§ 9 lg 8 p {point}"));
        assert_eq!(points[&one], points[&two], "the statute says the same twice");
        let field = hobby.fields.iter().find(|f| f.basis.is_none() && f.clause.as_ref().is_some_and(|c| c.0 == one));
        assert!(field.is_some_and(|f| f.repeated_in.iter().any(|c| c.0 == two)), "{one} is {two}");
    }
}

#[test]
fn every_base_document_of_the_statute_is_a_kind_in_its_words() {
    let Some(text) = statute(TEXT) else { return };
    let definition = definition();
    let points = points_of(&text);
    let kinds: BTreeMap<_, _> = definition.document_kinds.iter().map(|k| (k.clause.0.clone(), k)).collect();
    let listed: Vec<_> = points.iter().filter(|(c, _)| c.starts_with("§ 8 ")).collect();
    assert_eq!(listed.len(), 5 + 2 + 11 + 3);
    for (clause, wording) in listed {
        let kind = kinds.get(clause).unwrap_or_else(|| panic!("{clause} {wording} has no kind"));
        assert_eq!(kind.label.official(), wording, "{clause}");
    }
    let others: Vec<_> = kinds.keys().filter(|c| !c.starts_with("§ 8 ") && !c.starts_with("§ 10 ")).collect();
    assert!(others.is_empty(), "beyond § 8 only what cross-use brings: {others:?}");
}

#[test]
fn names_days_and_bodies_of_the_education_register_are_those_of_the_statute() {
    let Some(text) = statute(TEXT) else { return };
    let definition = definition();
    let (source, flat) = (&definition.register, flat(&text));
    for verbatim in [
        source.name.official(),
        &source.short_name,
        &source.act.title,
        &source.act.publication,
        &source.controller.name,
    ] {
        assert!(flat.contains(verbatim), "{verbatim}");
    }
    let act = &source.act;
    let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
    assert!(flat.contains("Vastu võetud 09.10.2013 nr 165"));
    assert_eq!((act.number.as_str(), act.adopted), ("165", Some(day(2013, 10, 9))));
    assert!(flat.contains("Redaktsiooni jõustumise kp:21.10.2013"));
    assert_eq!(act.in_force_from, day(2013, 10, 21));
    assert!(flat.contains("Redaktsiooni kehtivuse lõpp:04.07.2021"));
    assert_eq!(act.in_force_until, Some(day(2021, 7, 4)));
    for basis in &act.legal_basis {
        assert!(flat.contains(basis.as_str()), "{basis}");
    }
    let security = source.security.as_ref().unwrap();
    assert!(flat.contains(&format!("turvaklass on {}", security.class)) && security.level == "M");
    let purposes = source.purposes.iter().map(|purpose| &purpose.label);
    for label in purposes.chain(source.statements.iter().map(|said| &said.label)) {
        assert!(flat.contains(label.official().trim_end_matches(['.', ';'])), "{}", label.official());
    }
    for recipient in &source.recipients {
        assert!(flat.contains(recipient.label.official()), "{}", recipient.label.official());
    }
    for rule in &source.retention_rules {
        assert!(flat.contains(rule.label.official()), "{}", rule.label.official());
    }
    let kinds: Vec<_> = source.institutions.kinds.iter().map(|k| k.label.official()).collect();
    assert_eq!(kinds, ["koolieelne lasteasutus", "üldhariduskool", "huvikool", "erakool"]);
    assert_eq!(source.retention_rules.len(), 7, "one for each point of § 19 lg 2");
}

#[test]
fn heads_confirm_on_the_days_of_the_statute() {
    let Some(text) = statute(TEXT) else { return };
    let flat = flat(&text);
    let months = [(1, "jaanuaril"), (4, "aprillil"), (9, "septembril"), (10, "oktoobril")];
    let in_words = |day: &str| {
        let (month, day) = day.split_once('-').unwrap();
        let (month, day): (u32, u32) = (month.parse().unwrap(), day.parse().unwrap());
        let name = months.iter().find(|(m, _)| *m == month).unwrap().1;
        format!("{day}. {name}")
    };
    let definition = definition();
    for (kind, clause, says) in [
        ("general_school", "§ 12 lg 1", "Üldhariduskool kinnitab õpilaste ja töötajate andmete õigsust iga aasta"),
        ("preschool", "§ 12 lg 2", "Koolieelne lasteasutus kinnitab laste ja töötajate andmete õigsust iga aasta"),
        ("hobby_school", "§ 12 lg 3", "Huvikool kinnitab õppurite ja töötajate andmete õigsust iga aasta"),
    ] {
        let duty = definition.register.confirmations.iter().find(|d| d.institution_kind == kind).unwrap();
        assert_eq!((duty.clause.0.as_str(), duty.responsible_clause.0.as_str()), (clause, "§ 13 lg 1"));
        let [first, second] = duty.due_on.as_slice() else { panic!("two days a year") };
        let sentence = format!("{says} {} ja {}.", in_words(first), in_words(second));
        assert!(flat.contains(&sentence), "{sentence}");
        assert_eq!(duty.record_types.len(), 2, "those who learn and those who work");
        assert!(duty.inquiry.is_some() && duty.escalates_to.is_some());
    }
    let private = definition.register.confirmations.iter().find(|d| d.institution_kind == "private_school").unwrap();
    assert_eq!(private.record_types, ["school_study"], "§ 9 lg 9 has no employees of private schools");
}
