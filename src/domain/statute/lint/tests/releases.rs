//! What leaves the register, and when rights end: each fault by itself.

use super::*;

#[test]
fn recipients_have_grounds_and_grounds_have_recipients() {
    let path = "recipient[coast_guard].grounds";
    let rescue = "grounds = [\"rescue\"]";
    one(
        REGISTER,
        rescue,
        "grounds = [\"rescue\", \"figures\", \"fun\"]",
        "grounds",
        &format!("{path}[#3]"),
        "there is no ground of release `fun`",
    );
    let found = faults(&changed(REGISTER, rescue, "grounds = []"));
    let found: Vec<&str> = found.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "`coast_guard` receives nothing on the ground `rescue`",
            "there is no ground",
            "nobody may receive data on the ground `rescue`"
        ]
    );
}

#[test]
fn a_question_says_what_the_wrong_answer_means() {
    let path = "release_ground[rescue].question[in_distress].otherwise";
    one(
        REGISTER,
        "otherwise = \"calm\"",
        "otherwise = \"storm\"",
        "otherwise",
        path,
        "there is no ground for refusal `storm`",
    );
}

#[test]
fn what_is_withheld_exists_and_is_not_published() {
    let fields = "fields = [\"phone_consent/withdrawn_on\"]";
    let message = "`phone_consent/colour` names no field of skipper";
    let found = faults(&changed(REGISTER, fields, "fields = [\"phone_consent/colour\"]"));
    assert_eq!(found.iter().map(|f| f.message.as_str()).collect::<Vec<_>>(), [message]);
    assert!(found[0].path.contains("fields"), "{}", found[0].path);
    for (from, to, message) in [
        ("sections = [\"contact\"]", "sections = [\"cargo\"]", "there is no section `cargo`"),
        ("fields = [\"policy\"]", "fields = [\"parrot\"]", "`parrot` names no field of any record type"),
        ("fields = [\"policy\"]", "sections = [\"cargo\"]", "there is no section `cargo`"),
        ("fields = [\"policy\"]", "", "nothing is withheld"),
        ("fields = [\"policy\"]", "fields = [\"name\"]", "`name` is made public, and under § 7 it is never released"),
        (
            "fields = [\"policy\"]",
            "fields = [\"checks\"]",
            "`checks/kind` is made public, and under § 7 it is never released",
        ),
    ] {
        let found = faults(&changed(REGISTER, from, to));
        assert_eq!(found.iter().map(|f| f.message.as_str()).collect::<Vec<_>>(), [message], "{to}");
    }
    let found = faults(&changed(REGISTER, "fields = [\"policy\"]", "sections = [\"boat\"]"));
    assert_eq!(found.len(), 2, "both public fields are in the section: {found:?}");
}

#[test]
fn a_report_holds_aggregates_of_what_can_be_counted() {
    let group = "group_by = [\"class\", \"flag\", \"insured\"]";
    for (from, to, path, message) in [
        (
            "recipient = \"statistics_office\"",
            "recipient = \"pirates\"",
            "recipient",
            "there is no recipient `pirates`",
        ),
        (
            "recipient = \"statistics_office\"",
            "recipient = \"coast_guard\"",
            "recipient",
            "`coast_guard` receives more than aggregates, so a report hides nothing",
        ),
        (
            "threshold = 5",
            "threshold = 1",
            "threshold",
            "cells over a single record are shown, so the report tells of a person",
        ),
        ("every = \"P1Y\"", "every = \"PT24H\"", "every", "`PT24H` runs from an instant, and only a day is known"),
        (
            group,
            "group_by = [\"class\", \"flag\", \"insured\", \"rig\"]",
            "group_by",
            "4 fields are too many to group by",
        ),
        (group, "group_by = [\"class\", \"class\"]", "group_by[#2]", "`class` is there twice"),
        (group, "group_by = [\"colour\"]", "group_by[#1]", "`colour` names no field of boat"),
        (
            group,
            "group_by = [\"name\"]",
            "group_by[#1]",
            "`name` is of type text, but code or boolean or country or language is needed",
        ),
        (group, "group_by = [\"checks/kind\"]", "group_by[#1]", "`checks/kind` has many values, as `checks` is a list"),
        (
            "field = \"length_over_all\"\n\n[[contact]]",
            "field = \"built\"\n\n[[contact]]",
            "measure[length].field",
            "`built` is of type year, but integer or decimal or money or percentage or load is needed",
        ),
    ] {
        let found = faults(&changed(REGISTER, from, to));
        let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
        assert_eq!(found, [(format!("report[fleet].{path}").as_str(), message)], "{to}");
    }
    let skippers = "record_type = \"boat\"\ngroup_by = [\"class\", \"flag\", \"insured\"]";
    let sources = changed(REGISTER, skippers, "record_type = \"skipper\"\ngroup_by = [\"sex\"]");
    let text = sources[REGISTER].replace("field = \"length_over_all\"", "field = \"age\"");
    let sources = Sources::from_iter(sources.into_iter().map(|(file, old)| {
        let new = if file == REGISTER { text.clone() } else { old };
        (file, new)
    }));
    let found = faults(&sources);
    let found: Vec<&str> = found.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(found, ["`age` is computed anew each day (`age`)"], "sex follows from the record itself");
}

#[test]
fn rights_end_with_records_that_end_and_are_about_somebody() {
    let rule = "record_type = \"boat\"\nclause = \"§ 5\"\nterm_clause";
    for (from, to, path, messages) in [
        (
            rule,
            "record_type = \"skipper\"\nclause = \"§ 5\"\nterm_clause",
            "record_type",
            vec!["nothing says when a record of `skipper` ends"],
        ),
        (
            rule,
            "record_type = \"harbour\"\nclause = \"§ 5\"\nterm_clause",
            "record_type",
            vec![
                "nothing says when a record of `harbour` ends",
                "nothing says who it is that a record of `harbour` is about",
            ],
        ),
        (
            rule,
            "record_type = \"ship\"\nclause = \"§ 5\"\nterm_clause",
            "record_type",
            vec!["there is no record type `ship`"],
        ),
        (
            "name = \"drifted_off\"",
            "name = \"ashore\"",
            "ground.name",
            vec!["`ashore` is also a ground that somebody may choose"],
        ),
        ("term_clause = \"§ 13\"", "term_clause = \"§ 99\"", "term_clause", vec!["the statute has no clause `§ 99`"]),
    ] {
        let found = faults(&changed(REGISTER, from, to));
        let found: Vec<_> = found.iter().map(|f| (f.path.clone(), f.message.as_str())).collect();
        let expected: Vec<_> = messages.into_iter().map(|m| (format!("leaver.{path}"), m)).collect();
        assert_eq!(found, expected, "{to}");
    }
}

#[test]
fn rights_are_confirmed_on_days_of_every_year() {
    let on = "on = [\"03-01\"]";
    one(
        REGISTER,
        on,
        "on = [\"02-29\"]",
        "on = [\"02-29\"]",
        "recertification.on[#1]",
        "`02-29` is not a day of every year",
    );
    one(REGISTER, on, "on = []", "on = []", "recertification.on", "there is no day on which rights are confirmed");
}

#[test]
fn a_role_within_a_contract_needs_one() {
    let role = "data_role = true\nneeds_until = true";
    let message = "no processor has a contract, so nobody can be given the role `harbour_master`";
    one(
        REGISTER,
        role,
        "data_role = true\nneeds_until = true\nwithin_contract = true",
        "within_contract",
        "role[harbour_master].within_contract",
        message,
    );
    let processor = "name = \"Kaptenite Pilv OÜ\"\nclause = \"§ 3\"";
    let contract = "contract = { reference = \"7\", from = \"2024-01-01\", until = \"2023-12-31\" }";
    let message = "the contract ends on 2023-12-31, before it begins on 2024-01-01";
    let path = "processor[Kaptenite Pilv OÜ].contract.until";
    one(REGISTER, processor, &format!("{processor}\n{contract}"), "contract", path, message);
}
