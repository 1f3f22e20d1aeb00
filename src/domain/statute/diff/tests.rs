//! A register of boats that nobody knows, changed in one respect after the other: each change is told once, as a lawyer
//! would ask about it, and backwards it is the opposite.

use super::super::definition::Sources;
use super::super::parse::parse;
use super::*;

macro_rules! file {
    ($path:literal) => {
        ($path.to_owned(), include_str!(concat!("../../../../tests/registers/paadisadam/", $path)).to_owned())
    };
}

fn sources() -> Sources {
    [
        file!("register.toml"),
        file!("records/boat.toml"),
        file!("records/harbour.toml"),
        file!("codelists.toml"),
        file!("documents.toml"),
        file!("cases.toml"),
        file!("clauses.toml"),
        file!("access.cedar"),
    ]
    .into()
}

fn of(sources: &Sources) -> Definition {
    parse(sources).unwrap()
}

/// The definition with `from` in `file` replaced by `to`; `from` must stand there once.
fn changed(file: &str, from: &str, to: &str) -> Definition {
    let mut sources = sources();
    let text = sources.get_mut(file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "`{from}` in {file}");
    *text = text.replace(from, to);
    of(&sources)
}

/// The only change, after a replacement.
fn one(file: &str, from: &str, to: &str) -> Change {
    let difference = diff(&of(&sources()), &changed(file, from, to)).unwrap();
    assert_eq!(difference.changes.len(), 1, "{difference}");
    difference.changes.into_iter().next().unwrap()
}

const REGISTER: &str = "register.toml";
const BOAT: &str = "records/boat.toml";
const HARBOUR: &str = "records/harbour.toml";
const POLICIES: &str = "access.cedar";

/// File, what is replaced by what, the sentence, whether somebody sees more or less.
const MUTATIONS: &[(&str, &str, &str, &str, bool)] = &[
    (REGISTER, "number = \"7\"", "number = \"8\"", "`act.number`: `8`, before `7`", false),
    (
        REGISTER,
        "in_force_from = \"2021-04-01\"",
        "in_force_from = \"2021-04-01\"\nin_force_until = \"2026-12-31\"",
        "`act.in_force_until`: `2026-12-31`, before nothing was said",
        false,
    ),
    (
        REGISTER,
        "legal_basis = [\"näidisseadus § 1\"]",
        "legal_basis = [\"näidisseadus § 1\", \"§ 2\"]",
        "`act.legal_basis`: now with `§ 2`",
        false,
    ),
    (
        REGISTER,
        "name = \"Näidisvalla Valitsus\"",
        "name = \"Näidislinna Valitsus\"",
        "`controller.name`: `Näidislinna Valitsus`, before `Näidisvalla Valitsus`",
        false,
    ),
    (REGISTER, "class = \"K0T1S1\"", "class = \"K0T0S1\"", "`security.class`: `K0T0S1`, before `K0T1S1`", false),
    (
        REGISTER,
        "period = \"P1Y\"",
        "period = \"P6M\"",
        "retention rule `while_moored`: `period`: `P6M`, before `P1Y` (shorter)",
        false,
    ),
    (
        REGISTER,
        "period = \"P1Y\"",
        "period = \"P18M\"",
        "retention rule `while_moored`: `period`: `P18M`, before `P1Y` (longer)",
        false,
    ),
    (
        REGISTER,
        "then = \"destroy\"",
        "then = \"archive\"",
        "retention rule `while_moored`: `then`: `archive`, before `destroy`",
        false,
    ),
    (
        REGISTER,
        "grounds = [\"found_boat\"]",
        "grounds = [\"found_boat\"]\naggregates_only = true",
        "class of recipients `finder`: `aggregates_only`: yes, before no",
        true,
    ),
    (
        REGISTER,
        "fields = [\"owner_code\"]",
        "fields = [\"owner_code\", \"owner_name\"]",
        "what is withheld: `boat`: `fields`: now with `owner_name`",
        true,
    ),
    (
        REGISTER,
        "[[contact]]",
        "[[publication]]\nrecord_type = \"boat\"\nfields = [\"boat_name\"]\nclause = \"§ 6\"\n\n[[contact]]",
        "publication of `boat` is new",
        true,
    ),
    (
        REGISTER,
        "must_be = true",
        "must_be = false",
        "question `really_found` of ground of release `found_boat`: `must_be`: no, before yes",
        true,
    ),
    (
        REGISTER,
        "[[retention]]\nname = \"kept\"",
        "[[confirmation]]\nname = \"spring\"\nlabel = { et = \"kevadine\", en = \"spring\", fi = \"kevät\", sv = \"vår\" }\n\
         institution_kind = \"sea\"\nrecord_types = [\"boat\"]\ndue_on = [\"05-01\"]\nclause = \"§ 5\"\n\
         responsible_clause = \"§ 5\"\nstatement = { et = \"õige\", en = \"right\", fi = \"oikein\", sv = \"rätt\" }\n\n\
         [[retention]]\nname = \"kept\"",
        "duty to confirm `spring` is new: “kevadine”",
        false,
    ),
    (
        REGISTER,
        "clause = \"§ 9\"\nbasis",
        "clause = \"§ 9\"\nneeds_until = true\nbasis",
        "role `coast_guard`: `needs_until`: yes, before no",
        false,
    ),
    (
        BOAT,
        "max = \"40.00\"",
        "max = \"30.00\"",
        "field `length_m` of record type `boat`: `max`: `30.00`, before `40.00`",
        false,
    ),
    (BOAT, "required = true\nmin", "min", "field `length_m` of record type `boat` need not be there any more", false),
    (
        BOAT,
        "label = { et = \"paadi nimi\"",
        "label = { et = \"aluse nimi\"",
        "field `boat_name` of record type `boat` is now worded “aluse nimi”, before “paadi nimi”",
        false,
    ),
    (
        BOAT,
        "en = \"name of the boat\"",
        "en = \"the boat's name\"",
        "field `boat_name` of record type `boat`: a translation of “paadi nimi” is another one",
        false,
    ),
    (
        BOAT,
        "name = \"length_m\"\ntype = \"decimal\"",
        "name = \"length_m\"\ntype = \"integer\"",
        "field `length_m` of record type `boat` takes another kind of value: `integer`, before `decimal`",
        false,
    ),
    (
        BOAT,
        "clause = \"§ 6 p 2\"\nsection = \"boat\"",
        "clause = \"§ 6 p 2\"\nsection = \"owner\"",
        "field `length_m` of record type `boat` moves from section `boat` to section `owner`",
        true,
    ),
    (
        BOAT,
        "[[rule]]",
        "[[field]]\nname = \"colour\"\ntype = \"text\"\nlabel = { et = \"värv\", en = \"colour\", fi = \"väri\", sv = \"färg\" }\n\
         clause = \"§ 6 p 2\"\nsection = \"boat\"\nretention = \"while_moored\"\n\n[[rule]]",
        "field `colour` of record type `boat` is new: “värv”",
        true,
    ),
    (
        BOAT,
        "[[rule]]\nkind = \"order\"\nfrom = \"moored_from\"\nto = \"moored_until\"\nclause = \"§ 6 p 4\"\n",
        "",
        "rule between fields `order` of record type `boat` is gone",
        false,
    ),
    (
        BOAT,
        "unless_ended = true",
        "unless_ended = false",
        "combination that must not repeat: `boat_name` of record type `boat`: `unless_ended`: no, before yes",
        false,
    ),
    (
        HARBOUR,
        "name = \"metres\"",
        "name = \"metres_in_all\"",
        "field `metres_in_all` of record type `harbour`: its name was `metres`",
        false,
    ),
    (
        "codelists.toml",
        "\n    { code = \"lake\", label = { et = \"järvesadam\", en = \"lake harbour\", fi = \"järvisatama\", sv = \"insjöhamn\" } },",
        "",
        "code `lake` of code list `harbour_kind` is gone: “järvesadam”",
        false,
    ),
    (
        "codelists.toml",
        "sv = \"insjöhamn\" } }",
        "sv = \"insjöhamn\" }, valid_until = \"2026-01-01\" }",
        "code `lake` of code list `harbour_kind`: `valid_until`: `2026-01-01`, before nothing was said",
        false,
    ),
    (
        "documents.toml",
        "clause = \"§ 7 p 2\"",
        "clause = \"§ 7 p 2\"\nneeds_explanation = true",
        "kind of base document `mooring_contract`: `needs_explanation`: yes, before no",
        false,
    ),
    (
        "cases.toml",
        "term = \"P30D\"",
        "term = \"P2W\"",
        "kind of case `grievance`: `term`: `P2W`, before `P30D` (shorter)",
        false,
    ),
    (
        "cases.toml",
        "term = \"20 working days\"",
        "term = \"25 working days\"",
        "kind of case `inquiry_of_owner`: `extension.term`: `25 working days`, before `20 working days` (longer)",
        false,
    ),
    (
        "cases.toml",
        "term = \"P30D\"",
        "term = \"P30D\"\nhides = [\"harbour_master\"]",
        "kind of case `grievance`: `hides`: now with `harbour_master`",
        true,
    ),
    (
        "clauses.toml",
        "gist = \"Security class.\"",
        "gist = \"How safe it is.\"",
        "clause `§ 4`: `gist`: `How safe it is.`, before `Security class.`",
        false,
    ),
    (
        "clauses.toml",
        "[[clause]]\nid = \"§ 2\"",
        "[[clause]]\nid = \"§ 1 lg 2\"\ngist = \"More.\"\nreason = \"States a fact.\"\n\n[[clause]]\nid = \"§ 2\"",
        "clause `§ 1 lg 2` is new: `More.`",
        false,
    ),
    // Rights, asked of the policies themselves.
    (
        POLICIES,
        "forbid (principal in Role::\"coast_guard\", action in Action::\"view\", resource == Section::\"boat.owner\")",
        "forbid (principal in Role::\"coast_guard\", action in Action::\"view\", resource == Section::\"harbour.general\")\n\
         unless { context.in_scope }",
        "`coast_guard` may do more",
        true,
    ),
    (
        POLICIES,
        "[Action::\"record.read\", Action::\"record.list\"], resource)\nwhen { context.in_scope };",
        "[Action::\"record.list\"], resource)\nwhen { context.in_scope };",
        "`coast_guard` may do less",
        true,
    ),
    (
        POLICIES,
        "@id(\"auditor\") @clause(\"§ 10\")",
        "@id(\"auditor\") @clause(\"§ 9\")",
        "`auditor` may do the same on another clause",
        false,
    ),
    (
        POLICIES,
        "@id(\"auditor\")",
        "// Those who look on.\n@id(\"auditor\")",
        "the policies are written otherwise; nobody's rights change",
        false,
    ),
];

#[test]
fn a_version_differs_in_nothing_from_itself() {
    let boats = of(&sources());
    let difference = diff(&boats, &boats).unwrap();
    assert_eq!(difference.changes, []);
    assert!(difference.to_string().ends_with("Nothing changes."), "{difference}");
}

#[test]
fn all_changes_together_are_all_told() {
    let boats = of(&sources());
    let mut files = sources();
    let mut told = Vec::new();
    for (file, from, to, says, _) in MUTATIONS {
        let text = files.get_mut(*file).unwrap();
        // Some replace the same lines: the first of them stands.
        if text.matches(from).count() == 1 {
            let after = text.replace(from, to);
            let before = std::mem::replace(text, after);
            if parse(&files).is_err() {
                files.insert((*file).to_owned(), before);
            } else if *file != POLICIES && !says.contains("a translation") {
                told.push(*says);
            }
        }
    }
    let difference = diff(&boats, &of(&files)).unwrap();
    assert!(told.len() > 20, "{told:?}");
    for says in told {
        let found = difference.changes.iter().filter(|c| c.says == says).count();
        assert_eq!(found, 1, "{says}\n{difference}");
    }
}

type Told = (Area, Kind, bool, String, Value, Value, usize);

fn told(c: &Change) -> Told {
    let place = if c.kind == Kind::Renamed { String::new() } else { c.place.clone() };
    (c.area, c.kind, c.star, place, c.from.clone(), c.to.clone(), c.details.len())
}

/// What a change is read backwards.
fn backwards(change: &Change) -> Told {
    let (area, kind, star, place, from, to, details) = told(change);
    (area, kind.mirrored(), star, place, to, from, details)
}

#[test]
fn each_change_is_told_once_starred_where_somebody_sees_more_or_less_and_backwards_is_the_opposite() {
    let boats = of(&sources());
    for (file, from, to, says, star) in MUTATIONS {
        let other = changed(file, from, to);
        let there = diff(&boats, &other).unwrap();
        let [change] = there.changes.as_slice() else { panic!("{says}\n{there}") };
        assert_eq!((change.says.as_str(), change.star), (*says, *star));
        assert!(change.place.starts_with(file), "{}: {file}", change.place);
        let back = diff(&other, &boats).unwrap();
        let [opposite] = back.changes.as_slice() else { panic!("{says}\n{back}") };
        assert_eq!(told(opposite), backwards(change), "{says}");
    }
}

#[test]
fn rights_are_told_by_act_thing_and_circumstance_with_the_clause() {
    let more = one(
        POLICIES,
        "@id(\"coast-guard-no-owners\") @clause(\"§ 9\")\nforbid (principal in Role::\"coast_guard\", action in \
         Action::\"view\", resource == Section::\"boat.owner\");\n",
        "",
    );
    assert_eq!(more.details, ["record.read, record.list: boat.owner (in scope) by § 9"]);
    let less = one(
        POLICIES,
        "permit (principal in Role::\"owner\", action == Action::\"record.read\", resource)\nwhen { context.about_self };",
        "permit (principal in Role::\"owner\", action == Action::\"record.read\", resource)\n\
         when { context.about_self && context.status != \"ended\" };",
    );
    assert_eq!(less.kind, Kind::Less);
    assert_eq!(less.details, ["record.read: all of harbour, all of boat (about oneself, ended) by § 11"]);
    let purpose = one(
        POLICIES,
        "action in [Action::\"view\", Action::\"enter\"], resource)\nwhen { context.in_scope };",
        "action in [Action::\"view\", Action::\"enter\"], resource)\n\
         when { context.in_scope && (!(context has purpose_given) || context.purpose_given) };",
    );
    assert_eq!(purpose.kind, Kind::Less);
    assert!(
        purpose.details.iter().all(|d| d.contains("(in scope, without a purpose) by § 8")),
        "{:#?}",
        purpose.details
    );
}

#[test]
fn who_sees_what_is_new_gone_or_moved_is_said() {
    let moved = one(BOAT, "clause = \"§ 6 p 2\"\nsection = \"boat\"", "clause = \"§ 6 p 2\"\nsection = \"owner\"");
    assert_eq!(moved.details, ["no longer seen by coast_guard"]);
    let new = one(
        REGISTER,
        "[[role]]\nname = \"owner\"",
        "[[role]]\nname = \"guest\"\nlabel = { et = \"külaline\", en = \"guest\", fi = \"vieras\", sv = \"gäst\" }\n\
         clause = \"§ 9\"\n\n[[role]]\nname = \"owner\"",
    );
    assert!(new.star && new.details.is_empty(), "the policies give it nothing: {new}");
    let boats = of(&sources());
    let mut files = sources();
    files.get_mut(POLICIES).unwrap().push_str(
        "@id(\"guests\") @clause(\"§ 9\")\n\
         permit (principal in Role::\"guest\", action == Action::\"record.list\", resource == Section::\"boat.boat\");\n",
    );
    let register = files.get_mut(REGISTER).unwrap();
    *register = register.replace(
        "[[role]]\nname = \"owner\"",
        "[[role]]\nname = \"guest\"\nlabel = { et = \"külaline\", en = \"guest\", fi = \"vieras\", sv = \"gäst\" }\n\
         clause = \"§ 9\"\n\n[[role]]\nname = \"owner\"",
    );
    let difference = diff(&boats, &of(&files)).unwrap();
    assert_eq!(difference.changes.len(), 1, "{difference}");
    assert_eq!(difference.changes[0].details, ["may record.list: boat.boat"]);
}

#[test]
fn what_it_does_to_records_is_said() {
    let required = one(
        BOAT,
        "section = \"boat\"\nretention = \"while_moored\"\n\n[[rule]]",
        "section = \"boat\"\nretention = \"while_moored\"\nrequired = true\n\n[[rule]]",
    );
    assert_eq!(required.says, "field `moored_until` of record type `boat` must be there from now on");
    assert!(required.effect.unwrap().starts_with("a new record must have it"));
    let without = Touch::Without { record_type: "boat".into(), field: "moored_until".into() };
    assert_eq!(required.touches, [without]);
    let shorter = one(REGISTER, "period = \"P1Y\"", "period = \"P6M\"");
    assert!(shorter.effect.unwrap().contains("falls due"));
    let falling = Touch::FallDue {
        record_type: "boat".into(),
        trigger: "moored_until".into(),
        before: "P1Y".parse().unwrap(),
        after: "P6M".parse().unwrap(),
    };
    assert_eq!(shorter.touches, [falling]);
    assert_eq!(one(REGISTER, "period = \"P1Y\"", "period = \"P18M\"").touches, []);
    let gone = diff(
        &of(&sources()),
        &changed(
            BOAT,
            "[[field]]\nname = \"length_m\"\ntype = \"decimal\"\nlabel = { et = \"pikkus meetrites\", en = \"length in \
             metres\", fi = \"pituus metreinä\", sv = \"längd i meter\" }\nclause = \"§ 6 p 2\"\nsection = \"boat\"\n\
             retention = \"while_moored\"\nrequired = true\nmin = \"1.00\"\nmax = \"40.00\"\nindex = \"filter\"\n",
            "",
        ),
    )
    .unwrap();
    let [field] = gone.changes.as_slice() else { panic!("{gone}") };
    assert_eq!(field.touches, [Touch::With { record_type: "boat".into(), field: "length_m".into() }]);
    assert_eq!(field.details, ["seen until now by harbour_master, coast_guard, owner (about themselves)"]);
    // In force from the same day, the new version would replace the old one.
    assert_eq!(gone.orphans, ["the field `length_m` of `boat` is gone or takes another kind of value"]);
}

#[test]
fn terms_are_compared_whatever_their_units() {
    let lasts = |text: &str| words::lasts(&Value::from(text));
    assert_eq!(lasts("P1Y"), lasts("P12M"));
    assert_eq!(lasts("P1Y"), lasts("P365D"));
    assert!(lasts("P2W") < lasts("P1M") && lasts("PT72H") < lasts("P4D") && lasts("P1M") < lasts("25 working days"));
    assert_eq!(lasts("5 working days"), lasts("P7D"));
    for wrong in ["", "P", "soon", "P1X", "PY", "P1"] {
        assert!(lasts(wrong).is_none_or(|hours| hours == 0), "{wrong}");
    }
}

#[test]
fn policies_that_are_unsound_cannot_be_compared() {
    let broken = changed(POLICIES, "@id(\"auditor\") @clause(\"§ 10\")", "@id(\"auditor\")");
    let faults = diff(&of(&sources()), &broken).unwrap_err();
    assert!(faults[0].message.contains("no @clause"), "{faults:?}");
}
