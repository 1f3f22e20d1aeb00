//! Faults of what is published: promises that the rules don't keep, texts that contradict each other.

use super::*;

const AFTER: &str = "name = \"Saarnaki Sadamaselts\"\nclause = \"§ 3\"";

/// The example with a statement that promises a period.
fn promising(name: &str, period: &str) -> (String, String) {
    let label = "{ et = \"Ei kauem\", en = \"No longer\", fi = \"Ei pidempään\", sv = \"Inte längre\" }";
    let statement = format!(
        "{AFTER}\n\n[[statement]]\nname = \"{name}\"\nlabel = {label}\nclause = \"§ 2\"\nperiod = \"{period}\"\n"
    );
    (AFTER.to_owned(), statement)
}

#[test]
fn a_promise_of_less_than_the_rules_keep_is_a_fault_that_names_both_clauses() {
    let (from, to) = promising("retention", "P1Y");
    let found = faults(&changed(REGISTER, &from, &to));
    assert!(!found.is_empty());
    for fault in &found {
        assert_eq!((fault.file.as_str(), fault.path.as_str()), (REGISTER, "statement[retention].period"));
        assert!(
            fault.message.starts_with("`retention` (§ 2) promises that data are kept for at most `P1Y`"),
            "{fault}"
        );
        assert!(fault.message.contains("(§ 8)") || fault.message.contains("(§ "), "{fault}");
        assert!(fault.advice.contains("`P1Y`"), "{fault}");
    }
    // Rules that only speak of things are nobody's concern; long enough is long enough.
    let rules: Vec<_> = definition().register.retention_rules;
    let longest = rules.iter().filter_map(|rule| rule.period.as_deref().and_then(period)).max().unwrap();
    let (from, to) = promising("retention", &format!("P{longest}D"));
    let left = faults(&changed(REGISTER, &from, &to));
    assert!(left.iter().all(|fault| fault.message.contains("until the register closes")), "{left:?}");
    assert!(left.len() < found.len());
}

#[test]
fn only_a_statement_on_retention_promises_a_period_and_writes_it_as_one() {
    let (from, to) = promising("hosting", "P1Y");
    let message = "`hosting` does not speak of how long data are kept, but promises a period";
    one(REGISTER, &from, &to, "period", "statement[hosting].period", message);
    let (from, to) = promising("retention", "9 months");
    one(REGISTER, &from, &to, "period", "statement[retention].period", "`9 months` is not a period");
}

#[test]
fn a_text_that_says_a_language_twice_is_told_with_its_line() {
    let from = "et = \"Paatide andmekogu\"";
    let to = "et = \"Paatide andmekogu\"\net = \"Laevade andmekogu\"";
    let sources = changed(REGISTER, from, to);
    let found = faults(&sources);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].file.as_str(), found[0].line), (REGISTER, line_of(&sources[REGISTER], to) + 1));
    assert!(found[0].message.contains("duplicate key"), "{}", found[0]);
}

#[test]
fn what_catalogues_take_is_written_as_they_take_it() {
    let with = |more: &str| (AFTER.to_owned(), format!("{AFTER}\n\n[catalogue]\n{more}\n"));
    let (from, to) = with("homepage = \"www.example.ee\"");
    one(REGISTER, &from, &to, "homepage", "catalogue.homepage", "this is not an address of the web");
    let (from, to) = with("act_url = \"https://x.example/a> <b\"");
    one(REGISTER, &from, &to, "act_url", "catalogue.act_url", "this is not an address of the web");
    let (from, to) = with("themes = [\"GOVE\", \"BOAT\"]");
    one(REGISTER, &from, &to, "themes", "catalogue.themes[#2]", "the EU vocabulary has no theme `BOAT`");
}

#[test]
fn a_document_is_made_once_and_what_is_secret_is_not_made_public() {
    let line = "time_zone = \"Europe/Helsinki\"";
    let to = format!("{line}\ndocuments = [\"privacy_notice\", \"privacy_notice\"]");
    one(REGISTER, line, &to, "documents", "documents[#2]", "`privacy_notice` is there twice");
    let message = "the statute makes public what is secret: `checks/kind`";
    let boat = "name = \"checks\"\n";
    let sources = changed(BOAT, boat, &format!("{boat}secret = true\n"));
    let found = faults(&sources);
    assert_eq!(found.iter().map(|f| f.message.as_str()).collect::<Vec<_>>(), [message]);
}
