//! What comes from elsewhere and goes there: each fault by itself.

use super::*;

#[test]
fn a_source_is_declared_and_something_brings_its_values() {
    let source = "source = \"weather_service\"\nsection";
    let found = faults(&changed(VOYAGE, source, "source = \"gossip\"\nsection"));
    let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (
                "exchange[from_the_weather].part[Reisid].column[Ilm].field",
                "`weather` comes from `gossip`, not from `weather_service`"
            ),
            ("field[weather].source", "there is no source `gossip`"),
        ]
    );
    let part = "name = \"until\"\ntype = \"date\"";
    let message = "a part of a group has no `source` of its own";
    let with = "name = \"until\"\ntype = \"date\"\nsource = \"weather_service\"";
    only(VOYAGE, part, with, "field[stops].part[until].source", message);
    let other = "\n[[source]]\nname = \"stars\"\nlabel = { et = \"a\", en = \"a\", fi = \"a\", sv = \"a\" }\nclause = \"§ 7\"\n\
                 local_change = \"refused\"\n\n[[source]]";
    let message = "values of `stars` are refused here, and no exchange brings them";
    only(REGISTER, "[[source]]", other, "source[stars].local_change", message);
    assert_eq!(faults(&changed(REGISTER, "[[source]]", &other.replace("\"refused\"", "\"marked\""))), []);
}

#[test]
fn what_goes_out_has_a_recipient_and_what_comes_in_a_source() {
    let out = "exchange[to_the_guard]";
    let into = "exchange[from_the_weather]";
    for (from, to, path, message) in [
        (
            "recipient = \"coast_guard\"",
            "recipient = \"pirates\"",
            format!("{out}.recipient"),
            "there is no recipient `pirates`",
        ),
        (
            "ground = \"rescue\"",
            "ground = \"fun\"",
            format!("{out}.ground"),
            "`coast_guard` receives nothing on the ground `fun`",
        ),
        ("ground = \"rescue\"\n", "", format!("{out}.ground"), "what goes out needs `ground`"),
        (
            "ground = \"rescue\"\n",
            "ground = \"rescue\"\nsource = \"weather_service\"\n",
            format!("{out}.source"),
            "what goes out has no `source`",
        ),
        ("partner = \"Rannavalve\"", "partner = \"\"", format!("{out}.partner"), "nothing is written here"),
        (
            "source = \"weather_service\"",
            "source = \"weather_service\"\nrecipient = \"coast_guard\"",
            format!("{into}.recipient"),
            "what comes in has no `recipient`",
        ),
        (
            "name = \"to_the_guard\"",
            "name = \"To The Guard\"",
            "exchange[To The Guard].name".into(),
            "`To The Guard` is not a machine name",
        ),
    ] {
        only(EXCHANGES, from, to, &path, message);
    }
    let aggregates = "recipient = \"statistics_office\"";
    let found = faults(&changed(EXCHANGES, "recipient = \"coast_guard\"", aggregates));
    let message = "`statistics_office` receives aggregates only, and this sends records";
    assert!(found.iter().any(|f| f.message == message), "{found:?}");
}

#[test]
fn a_table_says_whose_rows_they_are_and_on_what_they_are_entered() {
    let out = "exchange[to_the_guard].part[Paadid]";
    let into = "exchange[from_the_weather].part[Reisid]";
    let where_ = "where = { field = \"insured\", is = true }";
    for (from, to, path, message) in [
        (
            "record_type = \"boat\"",
            "record_type = \"ship\"",
            format!("{out}.record_type"),
            "there is no record type `ship`",
        ),
        (
            where_,
            "where = { field = \"afloat\", is = true }",
            format!("{out}.where.field"),
            "there is no field `afloat`",
        ),
        (where_, "creates = true", format!("{out}.creates"), "what goes out has no `creates`"),
        (
            "base_document = \"other\"\n",
            "",
            format!("{into}.base_document"),
            "nothing says on which base document it is entered",
        ),
        (
            "base_document = \"other\"",
            "base_document = \"rumour\"",
            format!("{into}.base_document"),
            "there is no base document of `voyage` called `rumour`",
        ),
        (
            "creates = true",
            "creates = true\nwhere = { field = \"crew\", present = true }",
            format!("{into}.where"),
            "what comes in has no `where`",
        ),
        (
            "  { name = \"Isikukood\", field = \"captain\" },\n",
            "",
            into.into(),
            "no column says whose record of `voyage` a row is",
        ),
    ] {
        only(EXCHANGES, from, to, &path, message);
    }
}

#[test]
fn a_column_names_a_value_that_the_other_can_read() {
    let out = "exchange[to_the_guard].part[Paadid].column";
    let into = "exchange[from_the_weather].part[Reisid].column";
    let code = "{ name = \"Isikukood\", field = \"captain\" },";
    for (from, to, path, message) in [
        (
            "field = \"moored_on\"",
            "field = \"moored\"",
            format!("{out}[Saabus].field"),
            "`moored` names no field of boat",
        ),
        (
            "{ name = \"Nimi\", field = \"name\" }",
            "{ name = \"Nimi\", field = \"stay\" }",
            format!("{out}[Nimi].field"),
            "`stay` does not stand in one cell",
        ),
        (
            "field = \"insured\", form",
            "field = \"name\", form",
            format!("{out}[Kindlustus].form"),
            "`name` is of type text, but boolean is needed",
        ),
        (
            "field = \"moored_on\", form = \"dotted_date\"",
            "field = \"built\", form = \"dotted_date\"",
            format!("{out}[Saabus].form"),
            "`built` is of type year, but date is needed",
        ),
        (
            "codes = { sail = \"P\", motor = \"M\" }",
            "codes = { steam = \"P\" }",
            format!("{out}[Klass].codes.steam"),
            "`steam` is not a code of `class`",
        ),
        (
            "codes = { sail = \"P\", motor = \"M\" }",
            "codes = { sail = \"\" }",
            format!("{out}[Klass].codes.sail"),
            "nothing is written here",
        ),
        (
            "{ name = \"Sadam\", field = \"institution/name\" }",
            "{ name = \"Sadam\", field = \"institution/depth\" }",
            format!("{out}[Sadam].field"),
            "`depth` names no field of harbour",
        ),
        (
            code,
            &format!("{code}\n  {{ name = \"Kaaslane\", field = \"fellows/crew\" }},"),
            format!("{into}[Kaaslane].field"),
            "`fellows/crew` has many values, as `fellows` is a list",
        ),
        (
            code,
            &format!("{code}\n  {{ name = \"Teine\", field = \"captain\" }},"),
            format!("{into}[Teine].field"),
            "two columns bring `captain`",
        ),
    ] {
        only(EXCHANGES, from, to, &path, message);
    }
    let found = faults(&changed(EXCHANGES, "{ name = \"Saabus\"", "{ name = \"Nimi\""));
    assert!(found.iter().any(|f| f.message.starts_with("the column `Nimi` is there twice")), "{found:?}");
}
