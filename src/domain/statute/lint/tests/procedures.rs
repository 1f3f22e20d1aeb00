//! Kinds of cases and contacts: each fault by itself.

use super::*;

/// The example's kind of case `name` without the line `line`, or with `to` in its place.
fn of(name: &str, line: &str, to: &str) -> (String, String) {
    let text = &sources()[CASES];
    let from = text.split("\n[[case]]\n").find(|kind| kind.starts_with(&format!("name = \"{name}\""))).unwrap();
    assert_eq!(from.matches(line).count(), 1, "`{line}` stands once in {name}");
    (from.to_owned(), from.replace(line, to))
}

/// A fault of the kind of case `name` when `line` becomes `to`.
fn wrong(name: &str, line: &str, to: &str, mark: &str, path: &str, message: &str) {
    let (from, to) = of(name, line, to);
    one(CASES, &from, &to, mark, &format!("case[{name}]{path}"), message);
}

#[test]
fn kinds_of_cases_are_named_once_with_labels_and_clauses() {
    let twice = changed(CASES, "name = \"grumble\"", "name = \"order\"");
    let found = faults(&twice);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.starts_with("the kind of case `order` is there twice, first on line"), "{}", found[0]);
    wrong("cast_off", "clause = \"§ 5\"", "clause = \"§ 99\"", "clause", ".clause", "the statute has no clause `§ 99`");
    let clause = "clause = \"§ 8\" }";
    wrong(
        "request",
        clause,
        "clause = \"§ 99\" }",
        "extension",
        ".extension.clause",
        "the statute has no clause `§ 99`",
    );
    wrong("hail", ", sv = \"rop\"", "", "label", ".label.sv", "the text in Swedish is missing");
    let remedies = ".remedies.fi";
    wrong("request", ", fi = \"Valita.\"", "", "remedies", remedies, "the text in Finnish is missing");
    let message = "`Cast-off` is not a machine name";
    let name = "name = \"cast_off\"";
    one(CASES, name, "name = \"Cast-off\"", "name = \"Cast-off\"", "case[Cast-off].name", message);
}

#[test]
fn a_clock_starts_from_one_thing_and_is_extended_by_a_step() {
    wrong(
        "order",
        "names_due = true",
        "names_due = true\nterm = \"P1M\"",
        "names_due",
        ".names_due",
        "both the statute and whoever opens the case set the time",
    );
    wrong(
        "request",
        "extension = { term = \"15 working days\", clause = \"§ 8\" }\n",
        "",
        "steps",
        ".steps",
        "the step `extend` has no extension to give",
    );
    wrong("request", "\"extend\", ", "", "extension", ".extension", "no step extends the time");
    let (from, to) = of("request", "term = \"5 working days\"\n", "");
    let found = faults(&changed(CASES, &from, &to));
    let found: Vec<&str> = found.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "a clause is named for a time that is not",
            "there is no time that could be extended",
            "nothing falls due of which one could be reminded"
        ]
    );
}

#[test]
fn steps_can_be_taken_and_closing_asks_for_no_other() {
    let twice = "steps = [\"notify\", \"notify\"]";
    wrong("grumble", "steps = [\"notify\"]", twice, "steps", ".steps[#2]", "`notify` is there twice");
    let message = "`close` is a step of every case";
    wrong("grumble", "steps = [\"notify\"]", "steps = [\"notify\", \"close\"]", "steps", ".steps[#2]", message);
    let message = "whoever is asked to clarify cannot do so";
    wrong("request", "\"clarify\", ", "", "steps", ".steps[#1]", message);
    let message = "nobody can be asked to clarify";
    wrong("request", "\"ask_clarification\", ", "", "steps", ".steps[#1]", message);
    let message = "there is nothing that could be decided";
    wrong("order", "\"answer\"]", "\"decide\"]", "steps", ".steps[#2]", message);
    let message = "such a case is closed only after `verify`, which it cannot take";
    let line = "closes_after = [\"forward\"]";
    wrong("order", line, "closes_after = [\"forward\", \"verify\"]", "closes", ".closes_after[#2]", message);
    let message = "such a case is closed only after `decide`, which it cannot take";
    wrong("order", line, "closes_after = [\"forward\", \"decide\"]", "closes", ".closes_after[#2]", message);
    let message = "such a case is closed only after `withdraw`, which it cannot take";
    wrong("order", line, "closes_after = [\"forward\", \"withdraw\"]", "closes", ".closes_after[#2]", message);
}

#[test]
fn outcomes_have_one_meaning() {
    let twice = changed(CASES, "name = \"partly\"", "name = \"granted\"");
    let found = faults(&twice);
    assert!(found.iter().any(|f| f.message.contains("the outcome `granted` is there twice")), "{found:?}");
    one(
        CASES,
        "refuses = true",
        "refuses = true\nin_part = true",
        "in_part = true\n\n[[case]]",
        "case[request].outcome[refused].in_part",
        "what is refused is not granted in part",
    );
}

#[test]
fn letters_reach_somebody() {
    let message = "there is no contact `pirates`";
    wrong("collision", "\"cloud\"]", "\"pirates\"]", "tells", ".tells[#2]", message);
    wrong("order", "\"cloud\"", "\"pirates\"", "forwards_to", ".forwards_to", message);
    wrong("collision", "\"cloud\"]", "\"office\"]", "tells", ".tells[#2]", "`office` is there twice");
    let mut sources = changed(REGISTER, "email_field = \"email\"\n", "");
    sources.insert(CASES.into(), sources[CASES].replace("\"cloud\"]", "\"institution\"]"));
    let found = faults(&sources);
    let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
    let message = "nothing says where letters to an institution go";
    assert_eq!(found, [("case[collision].tells", message), ("confirmation[spring].reminders", message)]);
    let address = "email = \"kontor@sadam.example\"";
    for (to, told) in [("", "``"), ("kontor", "`kontor`"), ("@sadam.example", "`@sadam.example`")] {
        let to = format!("email = \"{to}\"");
        let message = format!("letters to `office` reach nobody: {told} is not an e-mail address");
        one(REGISTER, address, &to, &to, "contact[office].email", &message);
    }
    let message = "there is no language of letters `la`";
    let line = "language = \"fi\"";
    one(REGISTER, line, "language = \"la\"", "language = \"la\"", "contact[cloud].language", message);
    let sources = changed(REGISTER, "name = \"cloud\"", "name = \"institution\"");
    let message = "`institution` stands for the institution that a case is about";
    assert!(faults(&sources).iter().any(|f| f.message == message));
    let message = "`name` is of type text, but email is needed";
    let line = "email_field = \"email\"";
    one(REGISTER, line, "email_field = \"name\"", "email_field", "institutions.email_field", message);
}

#[test]
fn what_is_hidden_are_the_accesses_of_roles_to_a_record() {
    let message = "there is no role `pirate`";
    wrong("inquest", "\"harbour_master\"", "\"pirate\"", "hides", ".hides[#1]", message);
    let message = "nobody's accesses are hidden, as the case need not be about a record";
    wrong("inquest", "about = \"record\"\n", "", "hides", ".hides", message);
}

#[test]
fn each_procedure_has_what_it_cannot_do_without() {
    for (name, line, mark, path, message) in [
        (
            "collision",
            "tells = [\"office\", \"cloud\"]",
            "[[case]]\nname = \"collision\"",
            "tells",
            "`incident` needs somebody who is told",
        ),
        ("grumble", "term = \"P1M\"", "[[case]]\nname = \"grumble\"", "term", "`complaint` needs a time"),
        (
            "order",
            "names_due = true",
            "[[case]]\nname = \"order\"",
            "names_due",
            "`prescription` needs the day that it sets",
        ),
        (
            "order",
            "forwards_to = \"cloud\"",
            "[[case]]\nname = \"order\"",
            "forwards_to",
            "`prescription` needs somebody to whom it is sent",
        ),
        (
            "order",
            "closes_after = [\"forward\"]",
            "[[case]]\nname = \"order\"",
            "closes_after",
            "`prescription` needs to have been sent",
        ),
        (
            "inquest",
            "hides = [\"harbour_master\"]",
            "[[case]]\nname = \"inquest\"",
            "hides",
            "`investigation` needs roles whose accesses it hides",
        ),
        (
            "hail",
            "closes_after = [\"notify\"]",
            "[[case]]\nname = \"hail\"",
            "closes_after",
            "`recipient_notice` needs a notice to the recipient",
        ),
    ] {
        let (from, to) = of(name, line, "");
        let found = faults(&changed(CASES, &from, &to));
        let found: Vec<_> = found.iter().map(|f| (f.line, f.path.clone(), f.message.clone())).collect();
        let line = line_of(&sources()[CASES], mark);
        let expected = (line, format!("case[{name}].{path}"), format!("a case of the procedure {message}"));
        assert_eq!(found, [expected], "{name} without `{}`", line);
    }
    wrong(
        "grumble",
        "\"decide\", ",
        "",
        "closes_after",
        ".closes_after",
        "a case of the procedure `complaint` needs a decision",
    );
    let message = "a case of the procedure `complaint` needs a notice to whoever complained";
    wrong("grumble", "[\"decide\", \"notify\"]", "[\"decide\"]", "closes_after", ".closes_after", message);
    let message = "a case of the procedure `disclosure` needs an outcome that refuses";
    let found = faults(&changed(CASES, "refuses = true", ""));
    assert_eq!(found.iter().map(|f| f.message.as_str()).collect::<Vec<_>>(), [message]);
    let message = "a case of the procedure `disclosure` needs a recipient who may receive more than aggregates";
    let sources = changed(REGISTER, "grounds = [\"rescue\"]", "grounds = [\"rescue\"]\naggregates_only = true");
    let sent = "`coast_guard` receives aggregates only, and this sends records";
    assert_eq!(faults(&sources).iter().map(|f| f.message.as_str()).collect::<Vec<_>>(), [message, sent]);
}

#[test]
fn what_the_engine_opens_has_a_rule_and_a_kind_with_the_same_time() {
    wrong(
        "cast_off",
        "\"1 working day\"",
        "\"P2D\"",
        "term",
        ".term",
        "`[leaver]` of register.toml sets the time 1 working day (§ 13), and this does not",
    );
    for (name, procedure) in [("cast_off", "leaver"), ("muster", "recertification"), ("hail", "recipient_notice")] {
        let text = &sources()[CASES];
        let kind = text.split("\n[[case]]\n").find(|k| k.starts_with(&format!("name = \"{name}\""))).unwrap();
        let without = changed(CASES, &format!("\n[[case]]\n{kind}"), "");
        let found: Vec<String> = faults(&without).iter().map(|f| format!("{}: {}", f.path, f.message)).collect();
        let message = format!("no kind of case follows the procedure `{procedure}`, so nothing is ever due");
        assert_eq!(found, [format!("{procedure}: {message}")]);
        let second = changed(CASES, &format!("\n[[case]]\n{kind}"), &format!("\n[[case]]\n{kind}\n[[case]]\n{kind}"));
        let message = format!("a second kind of case follows the procedure `{procedure}`");
        assert!(faults(&second).iter().any(|f| f.message == message), "{procedure}");
    }
    let rule = "[recipient_notice]\nclause = \"§ 6\"\nterm = \"P5D\"\n";
    let found = faults(&changed(REGISTER, rule, ""));
    let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
    assert_eq!(found, [("case[hail].procedure", "nothing ever opens such a case")]);
}

/// A request for one's own data, beside the other kinds.
const OWN_DATA: &str = r#"
[[case]]
name = "look"
label = { et = "vaade", en = "look", fi = "katse", sv = "blick" }
clause = "§ 7"
procedure = "own_data"
term = "P1M"
closes_after = ["decide"]
[case.own_data]
clause = "§ 7"
decides = ["harbour_master"]
proofs = ["login", "signed_letter"]
guardians = "§ 7"
[case.remedies]
et = "Kaeba."
en = "Complain."
fi = "Valita."
sv = "Klaga."

[[case.outcome]]
name = "shown"
label = { et = "jah", en = "yes", fi = "kyllä", sv = "ja" }
clause = "§ 7"

[[case.outcome]]
name = "not_shown"
label = { et = "ei", en = "no", fi = "ei", sv = "nej" }
clause = "§ 7"
refuses = true
"#;

#[test]
fn a_request_for_ones_own_data_says_who_decides_and_how_identity_is_proved() {
    let with = |old: &str, new: &str| {
        assert!(OWN_DATA.contains(old), "{old}");
        let mut sources = sources();
        sources.insert(CASES.into(), format!("{}{}", sources[CASES], OWN_DATA.replacen(old, new, 1)));
        let found = faults(&sources);
        found.iter().map(|f| (f.path.clone(), f.message.clone())).collect::<Vec<_>>()
    };
    assert_eq!(with("P1M", "P1M"), []);
    for (old, new, path, message) in [
        ("[\"harbour_master\"]", "[\"pirate\"]", ".own_data.decides[#1]", "there is no role `pirate`"),
        ("[\"harbour_master\"]", "[]", ".own_data.decides", "nobody decides such a request"),
        ("[\"login\", \"signed_letter\"]", "[]", ".own_data.proofs", "nobody can prove who they are"),
        (
            "closes_after = [\"decide\"]",
            "steps = [\"identify\"]\ncloses_after = [\"decide\"]",
            ".steps[#1]",
            "`identify` is no step to choose",
        ),
        ("closes_after = [\"decide\"]\n", "", ".closes_after", "a case of the procedure `own_data` needs a decision"),
        ("refuses = true", "", ".outcome", "a case of the procedure `own_data` needs an outcome that refuses"),
        (
            "procedure = \"own_data\"",
            "procedure = \"error_notice\"",
            ".own_data",
            "only a request for the data about oneself is asked so",
        ),
    ] {
        assert_eq!(with(old, new), [(format!("case[look]{path}"), message.to_owned())], "{old} → {new}");
    }
}
