//! Who holds, checks, queues, moves and confirms: each fault by itself.

use super::*;

#[test]
fn records_are_held_by_institutions_of_a_kind_that_exists() {
    let held = "kind = \"guest\"\nwhere = { field = \"email\", present = true }";
    let home = "where = { field = \"email\", present = true }";
    only(
        VOYAGE,
        "kind = \"guest\"",
        "kind = \"military\"",
        "held_by[#1].kind",
        "there is no kind of institution `military`",
    );
    only(
        VOYAGE,
        held,
        "kind = \"guest\"\nwhere = { field = \"depth\", present = true }",
        "held_by[#1].where.field",
        "there is no field `depth`",
    );
    only(
        VOYAGE,
        home,
        "where = { field = \"kind\", is = \"pirate\" }",
        "held_by[#1].where.is",
        "`pirate` is not a code of `harbour_kind`",
    );
    only(VOYAGE, home, "where = { field = \"email\" }", "held_by[#1].where", "a condition asks one thing");
    let found =
        faults(&changed(HARBOUR, "[[section]]", "[[held_by]]\nkind = \"guest\"\nclause = \"§ 4\"\n\n[[section]]"));
    let found: Vec<&str> = found.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(found, ["an institution is held by itself"]);
}

#[test]
fn clauses_that_repeat_a_list_exist_and_are_others() {
    let head = "repeated_in = [\"§ 12\"]\npurposes";
    for (to, message) in [("[\"§ 99\"]", "the statute has no clause `§ 99`"), ("[\"§ 13\"]", "`§ 13` is there twice")]
    {
        only(VOYAGE, head, &format!("repeated_in = {to}\npurposes"), "repeated_in[#1]", message);
    }
    let field = "repeated_in = [\"§ 12\"]\nsection";
    only(
        VOYAGE,
        field,
        "repeated_in = [\"§ 12\", \"§ 12\"]\nsection",
        "field[crew].repeated_in[#2]",
        "`§ 12` is there twice",
    );
}

#[test]
fn a_check_can_find_what_it_looks_for() {
    for (from, to, path, message) in [
        (
            "fields = [\"crew\"]",
            "fields = []",
            "crowd",
            ".fields: `group_size` looks at 0 fields, but at least 1 is what it needs",
        ),
        ("fields = [\"crew\"]", "fields = [\"colour\"]", "crowd", ".fields[#1]: `colour` names no field of voyage"),
        (
            "fields = [\"crew\"]",
            "fields = [\"stops/until\"]",
            "crowd",
            ".fields[#1]: `stops/until` has many values, as `stops` is a list",
        ),
        ("limit = \"4\"", "limit = \"4.5\"", "crowd", ".limit: `4.5` is not a number that could be exceeded"),
        ("limit = \"4\"", "limit = \"-4\"", "crowd", ".limit: `-4` is not a number that could be exceeded"),
        ("limit = \"4\"\n", "", "crowd", ".limit: `group_size` needs `limit`"),
        ("is = \"gale\" }", "is = \"sun\" }", "crowd", ".when.is: `sun` is not a code of `wind`"),
        (
            "fields = [\"miles\"]",
            "fields = [\"crew\"]",
            "tired",
            ".fields[#1]: `crew` is of type text, but integer or decimal or money or percentage or load is needed",
        ),
        ("limit = \"1000.5\"", "limit = \"many\"", "tired", ".limit: `many` is not a number that could be exceeded"),
        (
            "fields = [\"lands_on\"]",
            "fields = [\"landing\"]",
            "overdue",
            ".fields[#1]: `landing` is of type code, but date is needed",
        ),
        (
            "fields = [\"lands_on\"]",
            "fields = [\"lands_on\"]\nlimit = \"3\"",
            "overdue",
            ".limit: `expired` does not use `limit`",
        ),
        (
            "fields = [\"lands_on\", \"landing\"]",
            "fields = [\"lands_on\"]",
            "half_told",
            ".fields: `unpaired` looks at 1 fields, but 2 is what it needs",
        ),
        (
            "fields = [\"crew\", \"stops\"]",
            "fields = [\"crew\", \"stops/until\"]",
            "alone",
            ".fields[#2]: `stops/until` has many values, as `stops` is a list",
        ),
        (
            "warns = true",
            "warns = true\nfields = [\"crew\"]",
            "two_helms",
            ".fields: `held_elsewhere` looks at 1 fields, but none is what it needs",
        ),
    ] {
        let (key, message) = message.split_once(": ").unwrap();
        only(VOYAGE, from, to, &format!("check[{path}]{key}"), message);
    }
}

#[test]
fn checks_on_a_person_need_the_person_found() {
    let found = faults(&changed(VOYAGE, "retention = \"while_open\"\nindex = \"code\"", "retention = \"while_open\""));
    let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
    let message = "`captain` is not indexed";
    assert_eq!(found, [("check[two_helms].kind", message), ("check[tired].kind", message)]);
    let miles = "index = \"filter\"\n\n[[field]]\nname = \"weather\"";
    let message = "`miles` is not indexed";
    only(VOYAGE, miles, "\n[[field]]\nname = \"weather\"", "check[tired].fields[#1]", message);
    let found = faults(&changed(VOYAGE, "[subject]\npersonal_code = \"captain\"\n", ""));
    let about = "nothing says who a record of `voyage` is about, which";
    assert!(found.iter().any(|f| f.message == format!("{about} `held_elsewhere` asks")), "{found:?}");
    assert!(found.iter().any(|f| f.message == format!("{about} `sum_per_subject` asks")), "{found:?}");
}

#[test]
fn a_queue_orders_by_what_there_is() {
    for (from, to, path, message) in [
        (
            "institution = \"stops/harbour\"",
            "institution = \"crew\"",
            "institution",
            "`crew` is of type text, but reference is needed",
        ),
        (
            "institution = \"stops/harbour\"",
            "institution = \"fellows/record\"",
            "institution",
            "`record` refers to voyage, but a reference to harbour is needed",
        ),
        ("basis = \"§ 13\"", "basis = \" \"", "key[fleeing].basis", "nothing is written here"),
        ("one_of = [\"gale\"]", "one_of = [\"sun\"]", "key[fleeing].when.one_of[#1]", "`sun` is not a code of `wind`"),
        ("when = { field = \"weather\", one_of = [\"gale\"] }", "", "key[fleeing].when", "`holds` needs `when`"),
        ("field = \"sails_on\"", "field = \"crew\"", "key[first].field", "`crew` is of type text, but date is needed"),
        ("field = \"sails_on\"", "", "key[first].field", "`earlier` needs `field`"),
        (
            "field = \"sails_on\"",
            "field = \"sails_on\"\nwhen = { field = \"crew\", present = true }",
            "key[first].when",
            "`earlier` does not use `when`",
        ),
        ("field = \"fellows\"", "field = \"stops\"", "key[company].field", "`stops` does not hold relations"),
        ("name = \"company\"", "name = \"first\"", "key[first]", "the key `first` is there twice, first on line 231"),
    ] {
        let found = faults(&changed(VOYAGE, from, to));
        let told: Vec<_> =
            found.iter().map(|f| (f.path.as_str(), f.message.split(", first on").next().unwrap())).collect();
        let expected = message.split(", first on").next().unwrap();
        assert_eq!(told, [(format!("queue.{path}").as_str(), expected)], "{to}");
    }
    let life = "[lifecycle]\nbegins = \"sails_on\"\nends = \"lands_on\"\nground = \"landing\"\nclause = \"§ 13\"\n";
    let found = faults(&changed(VOYAGE, life, ""));
    let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
    let messages = [
        ("queue", "a record of `voyage` never ends, so nobody ever leaves the queue"),
        ("move[next_leg].ends", "a record of `voyage` never ends"),
    ];
    assert_eq!(found, messages);
}

#[test]
fn a_move_hands_over_what_fits_on_a_document_of_both() {
    let carries = "carries = { captain = \"captain\", stops = \"stops\" }";
    for (from, to, path, message) in [
        ("into = \"voyage\"", "into = \"cruise\"", "into", "there is no record type `cruise`"),
        (carries, "carries = { captain = \"mate\" }", "carries.captain", "`mate` names no field of voyage"),
        (
            carries,
            "carries = { crew = \"captain\" }",
            "carries.crew",
            "`crew` of voyage does not fit `captain` of voyage: text is not personal_code",
        ),
        (carries, "carries = { fellows = \"stops\" }", "carries.fellows", "`fellows` is computed, not handed over"),
        (
            carries,
            "carries = { \"stops/until\" = \"lands_on\" }",
            "carries.stops/until",
            "`stops/until` has many values, as `stops` is a list",
        ),
        (
            carries,
            "carries = { sails_on = \"lands_on\", lands_on = \"lands_on\" }",
            "carries.sails_on",
            "`lands_on` is handed over twice",
        ),
        ("ground = \"gale\"", "ground = \"sun\"", "ground", "`sun` is not a code of `wind`"),
        ("ground = \"gale\"\n", "", "ground", "nothing says on what ground the record of `voyage` ends"),
        ("ends = true\nground", "ground", "ground", "a ground is named for an end that does not come"),
        ("event = \"landed\"", "event = \"Landed!\"", "event", "`Landed!` is not the name of an event"),
        (
            "base_documents = [\"decision\"]",
            "base_documents = [\"rumour\"]",
            "base_documents[#1]",
            "there is no kind of base document `rumour`",
        ),
        (
            "base_documents = [\"decision\"]",
            "base_documents = []",
            "base_documents",
            "there is no base document on which it rests",
        ),
    ] {
        let found = faults(&changed(VOYAGE, from, to));
        let fault = found.iter().find(|f| f.message == message).unwrap_or_else(|| panic!("{to}: {found:?}"));
        assert_eq!(fault.path, format!("move[next_leg].{path}"), "{to}");
    }
    let into_a_boat = faults(&changed(VOYAGE, "into = \"voyage\"", "into = \"boat\""));
    let told: Vec<&str> = into_a_boat.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(told, ["`captain` names no field of boat", "`stops` names no field of boat"]);
    only(
        VOYAGE,
        "base_documents = [\"decision\", \"other\"]",
        "base_documents = [\"other\"]",
        "move[next_leg].base_documents[#1]",
        "nothing of `voyage` is entered on a `decision`",
    );
    let boat = "[[move]]\nname = \"tow\"\nlabel = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" }\nclause = \"§ 11\"\n\
                into = \"boat\"\nends = true\nground = \"storm\"\nbase_documents = [\"decision\"]\n\n[[held_by]]";
    let message = "the last day, `leaves_on`, is computed, so a move cannot set it";
    only(BOAT, "[[held_by]]", boat, "move[tow].ends", message);
}

#[test]
fn a_period_begins_with_an_event_that_a_move_makes() {
    let message = "no move of `skipper` makes the event `sunk`, so its period never begins";
    only(REGISTER, "event:sold", "event:sunk", "retention[after_sale].trigger", message);
    let message = "no move of `skipper` makes the event `sold`, so its period never begins";
    let found = faults(&changed(SKIPPER, "event = \"sold\"", ""));
    let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
    assert_eq!(found, [("retention[after_sale].trigger", message)]);
}

#[test]
fn confirming_opens_before_it_reminds_and_reaches_somebody() {
    for (from, to, path, message) in [
        ("reminders = [10, 0]", "reminders = [11, 0]", "reminders[#1]", "11 days before, nobody can confirm yet"),
        ("reminders = [10, 0]", "reminders = [3, 3]", "reminders[#2]", "`3` is there twice"),
        ("escalates_to = \"office\"", "escalates_to = \"king\"", "escalates_to", "there is no contact `king`"),
        (
            "inquiry = \"query\"",
            "inquiry = \"grumble\"",
            "inquiry",
            "there is no kind of case that follows the procedure `inquiry` `grumble`",
        ),
        (
            "institution_kind = \"guest\"",
            "institution_kind = \"home\"",
            "record_types[#1]",
            "an institution of the kind `home` holds no `boat`",
        ),
        (
            "responsible_clause = \"§ 8\"",
            "responsible_clause = \"§ 99\"",
            "responsible_clause",
            "the statute has no clause `§ 99`",
        ),
    ] {
        only(REGISTER, from, to, &format!("confirmation[spring].{path}"), message);
    }
}

#[test]
fn what_must_be_absent_is_not_what_must_be_there() {
    let absent = "absent_when = { field = \"lands_on\", present = false }";
    only(
        VOYAGE,
        absent,
        "absent_when = { field = \"lands_on\", present = true }",
        "field[landing].absent_when",
        "what must be there under this condition must not be there under it",
    );
    only(
        VOYAGE,
        absent,
        "absent_when = { field = \"sinks_on\", present = true }",
        "field[landing].absent_when.field",
        "there is no sibling `sinks_on`",
    );
    let both = "retention = \"while_open\"\nrequired_when = { field = \"lands_on\", present = true }";
    only(
        VOYAGE,
        both,
        "retention = \"while_open\"\nrequired = true",
        "field[landing].absent_when",
        "the field is required in any case",
    );
}

#[test]
fn counted_rows_have_the_parts_by_which_they_are_counted_and_the_number() {
    let derived = "derived = { take = \"count_by\", of = \"boat\", by = [\"class\"] }";
    for (to, path, message) in [
        ("by = [\"colour\"]", "derived.by[#1]", "`colour` names no field of boat"),
        ("by = [\"checks\"]", "derived.by[#1]", "`checks` has many values"),
        ("by = [\"rig\"]", "derived.by[#1]", "`rig` is not indexed"),
    ] {
        let found = faults(&changed(HARBOUR, derived, &derived.replace("by = [\"class\"]", to)));
        let fault = found.iter().find(|f| f.message == message).unwrap_or_else(|| panic!("{to}: {found:?}"));
        assert_eq!(fault.path, format!("field[by_class].{path}"));
        assert!(found.iter().any(|f| f.message == "nothing is counted by `class`"), "{found:?}");
    }
    only(
        HARBOUR,
        "name = \"count\"\ntype = \"integer\"",
        "name = \"count\"\ntype = \"text\"",
        "field[by_class].part[count].type",
        "`count` is of type text, but integer is needed",
    );
    only(
        HARBOUR,
        "[[field.part]]\nname = \"class\"\ntype = \"code\"\ncodelist = \"class\"",
        "[[field.part]]\nname = \"class\"\ntype = \"code\"\ncodelist = \"rig\"",
        "field[by_class].part[class].codelist",
        "`class` has another code list there",
    );
    only(
        HARBOUR,
        "by = [\"class\"] }",
        "by = [\"class\"], via = \"owner\" }",
        "field[by_class].derived.via",
        "`owner` leads to skipper, not to harbour",
    );
}

#[test]
fn relations_share_a_value_and_refer_to_the_other_and_its_institution() {
    let derived = "derived = { take = \"related\", of = \"voyage\", field = \"captain\", via = \"stops/harbour\" }";
    let part = |name: &str| format!("field[fellows].part[{name}]");
    for (from, to, path, message) in [
        (
            derived,
            derived.replace("\"captain\"", "\"mate\""),
            "field[fellows].derived.field".into(),
            "`mate` names no field of voyage",
        ),
        (
            derived,
            derived.replace("stops/harbour", "stops/until"),
            "field[fellows].derived.via".into(),
            "`until` is of type date, but reference is needed",
        ),
        (
            "name = \"record\"\ntype = \"reference\"\nrefers_to = \"voyage\"",
            "name = \"record\"\ntype = \"reference\"\nrefers_to = \"boat\"".to_owned(),
            format!("{}.refers_to", part("record")),
            "`record` refers to boat, but a reference to voyage is needed",
        ),
        (
            "[[field.part]]\nname = \"crew\"\ntype = \"text\"",
            "[[field.part]]\nname = \"crew\"\ntype = \"date\"".to_owned(),
            format!("{}.type", part("crew")),
            "`crew` is of type date, but text is needed",
        ),
        (
            "[[field.part]]\nname = \"crew\"",
            "[[field.part]]\nname = \"parrot\"".to_owned(),
            part("parrot"),
            "`parrot` names no field of voyage",
        ),
    ] {
        only(VOYAGE, from, &to, &path, message);
    }
    let found = faults(&changed(VOYAGE, derived, &derived.replace("of = \"voyage\"", "of = \"boat\"")));
    assert!(found.iter().any(|f| f.message == "`captain` names no field of boat"), "{found:?}");
}
