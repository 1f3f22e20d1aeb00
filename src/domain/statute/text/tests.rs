//! Tests of texts: those that nobody published.

use proptest::prelude::*;

use super::compare::{compare, is_about};
use super::draft::Outline;
use super::*;
use crate::domain::access::Policies;
use crate::domain::statute::definition::{Definition, Sources};
use crate::domain::statute::lint::lint;
use crate::domain::statute::parse::{BLANK, parse};

/// A statute with everything that a text can have.
const BOATS: &str = "\u{feff}Merendus\r\n\r\nSaarnaki valla paatide andmekogu põhimäärus\r\n\r\n\
Väljaandja:Saarnaki Vallavolikogu\r\nAkti liik: määrus\r\nTeksti liik:\tterviktekst\r\n\
Redaktsiooni jõustumise kp:01.02.2022\r\nRedaktsiooni kehtivuse lõpp:\r\nHetkel kehtiv\r\n\
Avaldamismärge:RT IV, 28.01.2022, 7\r\n\r\nSaarnaki valla paatide andmekogu põhimäärus\r\n\r\n\
Vastu võetud 10. jaanuaril 2020 nr 5\r\nRT IV, 15.01.2020, 3\r\njõustumine 01.02.2020\r\n\r\n\
Muudetud järgmiste aktidega (näita)\r\n20.01.2022\tRT IV, 28.01.2022, 1\t01.02.2022\r\n\r\n\
Määrus kehtestatakse avaliku teabe seaduse § 43³ lg 1 ning Saarnaki Vallavolikogu 1. detsembri 2019 otsuse nr 8 \
„Paadid ja nende sadamad“ alusel.\r\n\r\n\
1. peatükk\r\nÜLDSÄTTED\u{a0}\r\n\r\n\
§ 1. \u{a0} Nimetus\r\n\r\n\u{a0} (1) Andme\u{ad}kogu ametlik nimetus on\r\nSaarnaki valla paatide andmekogu.\r\n\
[RT IV, 28.01.2022, 1 -\r\njõust. 01.02.2022]\r\n\r\n\u{a0} (1¹) Andmekogu lühinimi on paadid.\r\n\r\n\
\u{a0} (2) [kehtetu – RT IV, 28.01.2022, 1 – jõust. 01.02.2022]\r\n\r\n\
§ 1\u{b9}. \u{a0} Eesmärk\r\n\r\n\u{a0} Andmekogu peetakse päästetööde korraldamiseks.\r\n\r\n\
§ 2. \u{a0} Vastutav töötleja\r\n\r\n\u{a0} Andmekogu vastutav töötleja on Saarnaki Vallavalitsus.\r\n\r\n\
1. jagu Andmed\r\n\r\n\
§ 3. \u{a0} Andmed paadi kohta\r\n\r\n\u{a0} Paadi kohta kantakse andmekogusse järgmised andmed:\r\n\
\u{a0} 1) paadi nimetus;\r\n\u{a0} 2) omaniku ees- ja perekonnanimi;\r\n\u{a0} 3) isikukood;\r\n\
\u{a0} 3¹) mootori andmed:\r\n\u{a0} a) võimsus;\r\n\u{a0} b) ehitusaasta;\r\n\
\u{a0} 4) kaikoha andmise kuupäev.\r\n\r\n\
§ 4. \u{a0} Alusdokumendid\r\n\r\n\u{a0} Andmete alusdokumendid on:\r\n\u{a0} 1) avaldus;\r\n\u{a0} 2) leping.\r\n\r\n\
§ 5. \u{a0} Turvaklass\r\n\r\n\u{a0} Andmekogu turvaklass on K1T1S1, turbeaste on madal (L).\r\n\r\n\
§ 6. \u{a0} Andmete säilitamine\r\n\r\n\u{a0} Andmeid säilitatakse viis aastat. Andmed kinnitatakse iga aasta\r\n\
10. septembril.\r\n\r\nMari Kask\r\nvallavolikogu esimees\r\n\r\n/otsing.json\r\n";

fn boats() -> Statute {
    read(BOATS).unwrap()
}

#[test]
fn the_head_says_who_adopted_what_and_when_it_is_in_force() {
    let head = boats().head;
    let words = |said: &Option<Said<String>>| said.as_ref().map(|said| said.value.clone()).unwrap();
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    assert_eq!(words(&head.issuer), "Saarnaki Vallavolikogu");
    assert_eq!(words(&head.kind), "määrus");
    assert_eq!(words(&head.text_kind), "terviktekst");
    assert_eq!(words(&head.title), "Saarnaki valla paatide andmekogu põhimäärus");
    assert_eq!(words(&head.number), "5");
    assert_eq!(words(&head.publication), "RT IV, 28.01.2022, 7", "that of this text, not of the first");
    assert_eq!(head.adopted.unwrap().value, day("2020-01-10"));
    assert_eq!(head.in_force_from.unwrap().value, day("2022-02-01"));
    assert_eq!(head.in_force_until.unwrap(), Said { value: None, line: 9 + 1 });
    let amendments: Vec<&str> = head.amendments.iter().map(|line| line.text.as_str()).collect();
    assert!(amendments.contains(&"20.01.2022 RT IV, 28.01.2022, 1 01.02.2022"), "{amendments:?}");
}

#[test]
fn every_provision_has_the_address_that_lawyers_cite() {
    let statute = boats();
    let clauses: Vec<&str> = statute.provisions.iter().map(|p| p.clause.0.as_str()).collect();
    let expected = [
        "preambul",
        "§ 1",
        "§ 1 lg 1",
        "§ 1 lg 1¹",
        "§ 1 lg 2",
        "§ 1¹",
        "§ 2",
        "§ 3",
        "§ 3 p 1",
        "§ 3 p 2",
        "§ 3 p 3",
        "§ 3 p 3¹",
        "§ 3 p 3¹ alap a",
        "§ 3 p 3¹ alap b",
        "§ 3 p 4",
        "§ 4",
        "§ 4 p 1",
        "§ 4 p 2",
        "§ 5",
        "§ 6",
    ];
    assert_eq!(clauses, expected);
    let said = |clause: &str| statute.provision(&Clause(clause.to_owned())).unwrap();
    assert_eq!(said("§ 1 lg 1").text, "Andmekogu ametlik nimetus on Saarnaki valla paatide andmekogu.");
    assert_eq!(said("§ 1 lg 1").notes[0].text, "RT IV, 28.01.2022, 1 - jõust. 01.02.2022");
    assert!(said("§ 1 lg 2").is_repealed() && !said("§ 1 lg 1").is_repealed());
    assert_eq!((said("§ 3").heading.as_str(), said("§ 3").part), ("Andmed paadi kohta", Part::Paragraph));
    assert_eq!(said("§ 6").text, "Andmeid säilitatakse viis aastat. Andmed kinnitatakse iga aasta 10. septembril.");
    let chapters: Vec<(&str, &str)> = statute.chapters.iter().map(|c| (c.kind.as_str(), c.heading.as_str())).collect();
    assert_eq!(chapters, [("peatükk", "ÜLDSÄTTED"), ("jagu", "Andmed")]);
    assert_eq!(statute.paragraphs(), 7);
}

#[test]
fn what_has_no_place_is_told_with_its_line_and_signatures_are_none_of_it() {
    let statute = boats();
    let unplaced: Vec<(usize, &str)> = statute.unplaced.iter().map(|line| (line.number, line.text.as_str())).collect();
    let last = BOATS.lines().count();
    assert_eq!(unplaced, [(1, "Merendus"), (last, "/otsing.json")]);
    let signed: Vec<&str> = statute.signatures.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(signed, ["Mari Kask", "vallavolikogu esimees"]);
    let aside = read("§ 1. Üks\n\nEsimene lause.\n\nTeine lõik numbrita.\n\n§ 2. Kaks\n\nTekst.\n").unwrap();
    assert_eq!(aside.unplaced, [Line { number: 5, text: "Teine lõik numbrita.".to_owned() }]);
}

#[test]
fn a_text_without_empty_lines_and_indents_says_the_same() {
    let lines = BOATS.split("\r\n").map(str::trim).filter(|line| !line.is_empty());
    let dense = read(&lines.collect::<Vec<_>>().join("\n")).unwrap();
    let said = |statute: &Statute| -> Vec<_> {
        statute.provisions.iter().map(|p| (p.clause.clone(), p.heading.clone(), p.text.clone())).collect()
    };
    assert_eq!(said(&dense), said(&boats()));
    assert_eq!(dense.head.title.unwrap().value, boats().head.title.unwrap().value);
    assert_eq!(dense.signatures.len(), 2);
    assert_eq!(dense.unplaced.len(), 2, "{:?}", dense.unplaced);
}

#[test]
fn a_lost_superscript_is_found_by_what_stands_around_it() {
    let text = "§ 5. Viis\n\n(1) a\n\n(11) b\n\n(12) c\n\n(2) d\n\n§ 51. Viis üks\n\nTekst.\n\n§ 6. Kuus\n\nTekst.";
    let statute = read(text).unwrap();
    let clauses: Vec<&str> = statute.provisions.iter().map(|p| p.clause.0.as_str()).collect();
    assert_eq!(clauses, ["§ 5", "§ 5 lg 1", "§ 5 lg 1¹", "§ 5 lg 1²", "§ 5 lg 2", "§ 5¹", "§ 6"]);
    let told: Vec<&str> = statute.remarks.iter().map(|line| line.text.as_str()).collect();
    assert!(told.iter().any(|text| text.contains("`51` after `5` is read as `5¹`")), "{told:?}");
    let eleven: String = (1..=12).map(|n| format!("{n}) sõna;\n")).collect();
    let statute = read(&format!("§ 1. Loetelu\n\nOn:\n{eleven}")).unwrap();
    assert_eq!(statute.points(&Clause("§ 1".to_owned())).len(), 12, "eleven is eleven after ten");
}

#[test]
fn a_broken_line_that_begins_like_a_mark_is_words_and_numbers_that_jump_are_told() {
    let text = "§ 1. Alus\n\n(1) Linnavolikogu\n2009) otsuse alusel.\n\n(4) Neli.\n";
    let statute = read(text).unwrap();
    assert_eq!(statute.provisions[1].text, "Linnavolikogu 2009) otsuse alusel.");
    let told: Vec<&str> = statute.remarks.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(told, ["`2009` cannot follow `0`, so the line is read as words", "the numbers go from 1 to 4"]);
}

#[test]
fn a_text_that_is_no_statute_is_told_what_was_expected() {
    for (text, line) in [
        ("", 1),
        ("\u{feff}\n \n", 1),
        ("Rekisteri\tKäyttötarkoitus\nVenerekisteri\tVeneet\n", 1),
        ("1 § Soveltamisala\nTätä lakia sovelletaan.\n", 1),
        ("PDF\n\0\0\u{1}", 2),
    ] {
        let fault = read(text).unwrap_err();
        assert_eq!(fault.line, line, "{text:?}");
        assert!(fault.to_string().contains("§ 1.   Heading"), "{fault}");
    }
}

// ── Comparing ────────────────────────────────────────────────────────────────────────────────────

/// A definition made from the text of boats, its blanks filled.
fn definition() -> (Definition, Sources) {
    let files = Outline::of(&boats(), None).files();
    let filled: Sources = files.into_iter().map(|(path, text)| (path, text.replace(BLANK, "filled"))).collect();
    (parse(&filled).unwrap(), filled)
}

fn told(definition: &Definition, sources: &Sources, statute: &Statute) -> Vec<String> {
    compare(definition, sources, statute).iter().map(ToString::to_string).collect()
}

#[test]
fn a_definition_begun_from_a_text_says_what_the_text_says() {
    let (definition, sources) = definition();
    assert_eq!(lint(&definition, &sources), []);
    assert!(Policies::new(&definition).is_ok());
    assert_eq!(told(&definition, &sources, &boats()), [""; 0]);
    assert!(is_about(&definition, &boats()));
}

#[test]
fn what_differs_is_told_with_both_lines_and_what_to_do() {
    let (original, sources) = definition();
    for (from, to, part) in [
        ("nr 5", "nr 6", "act.number: the text says `6`, the definition `5`"),
        ("10. jaanuaril 2020", "11. jaanuaril 2020", "the text says `2020-01-11`, the definition `2020-01-10`"),
        ("Hetkel kehtiv", "31.12.2023", "the text says `2023-12-31`, the definition no day"),
        ("Väljaandja:Saarnaki Vallavolikogu", "Väljaandja:Hiiu Vallavolikogu", "act.issuer"),
        ("§ 43³ lg 1", "§ 43⁵ lg 1", "the text does not rest on `avaliku teabe seaduse § 43³ lg 1`"),
        ("lühinimi on paadid", "lühinimi on laevad", "the text says `laevad`, the definition `paadid`"),
        ("töötleja on Saarnaki Vallavalitsus", "töötleja on Hiiu Vallavalitsus", "does not name `Saarnaki"),
        ("K1T1S1", "K1T2S1", "does not say `K1T1S1`"),
        ("\u{a0} 4) kaikoha", "\u{a0} 4) mootor;\r\n\u{a0} 5) kaikoha", "no field of `paadi` is `§ 3 p 5`"),
        ("3) isikukood;", "3) registrikood;", "§ 3 p 3 says “registrikood;”, the definition “isikukood”"),
        ("2) leping.", "2) leping;\r\n\u{a0} 3) tõend.", "no kind of base document is `§ 4 p 3`: tõend."),
        ("§ 6. \u{a0} Andmete", "§ 7. \u{a0} Andmete", "the text has no `§ 6`"),
    ] {
        let text = BOATS.replace(from, to);
        assert_ne!(text, BOATS, "{from}");
        let told = told(&original, &sources, &read(&text).unwrap());
        let found = told.iter().find(|difference| difference.contains(part));
        assert!(found.is_some(), "{part} is not among {told:#?}");
    }
    let text = BOATS.replace("3) isikukood;", "3) registrikood;");
    let difference = &compare(&original, &sources, &read(&text).unwrap())[0];
    let file = &sources[&difference.fault.file];
    assert!(file.lines().nth(difference.fault.line - 1).unwrap().contains("isikukood"));
    assert!(text.lines().nth(difference.text_line.unwrap() - 1).unwrap().contains("registrikood"));
    assert!(difference.fault.advice.contains("`verbatim`"));
}

#[test]
fn a_point_may_be_divided_or_shortened_when_it_is_said_so() {
    let (mut definition, sources) = definition();
    let fields = &mut definition.record_types.iter_mut().find(|t| t.name == "paadi").unwrap().fields;
    let at = fields.iter().position(|f| f.label.official() == "omaniku ees- ja perekonnanimi").unwrap();
    let mut last = fields[at].clone();
    fields[at].label.et = Some("omaniku eesnimi".to_owned());
    last.label.et = Some("omaniku perekonnanimi".to_owned());
    fields.push(last);
    assert_eq!(told(&definition, &sources, &boats()), [""; 0], "two fields have the words of the point together");
    let fields = &mut definition.record_types.iter_mut().find(|t| t.name == "paadi").unwrap().fields;
    fields.pop();
    assert_eq!(told(&definition, &sources, &boats()).len(), 1, "the last name is gone");
    let fields = &mut definition.record_types.iter_mut().find(|t| t.name == "paadi").unwrap().fields;
    fields[at].label.verbatim = Some("omaniku ees- ja perekonnanimi;".to_owned());
    assert_eq!(told(&definition, &sources, &boats()), [""; 0]);
    let changed = read(&BOATS.replace("ees- ja perekonnanimi", "nimi")).unwrap();
    assert!(told(&definition, &sources, &changed)[0].contains("verbatim"), "what is quoted must be there");
}

#[test]
fn the_words_of_the_source_beside_a_label_are_none_of_its_languages() {
    let (_, mut sources) = definition();
    let file = sources.get_mut("records/paadi.toml").unwrap();
    *file = file.replace("{ et = \"isikukood\" }", "{ verbatim = \"isikukood;\", et = \"kood\" }");
    let definition = parse(&sources).unwrap();
    assert_eq!(lint(&definition, &sources), []);
    assert_eq!(told(&definition, &sources, &boats()), [""; 0]);
    let file = sources.get_mut("records/paadi.toml").unwrap();
    *file = file.replace("verbatim = \"isikukood;\", et = \"kood\"", "verbatim = \"kood\", et = \"kood\"");
    let faults = lint(&parse(&sources).unwrap(), &sources);
    assert!(faults[0].message.contains("has the words of the source already"), "{faults:?}");
}

// ── Beginning ────────────────────────────────────────────────────────────────────────────────────

#[test]
fn blanks_are_refused_by_name_and_nothing_else_is_wrong_with_a_new_definition() {
    let files = Outline::of(&boats(), None).files();
    let faults = parse(&files).unwrap_err();
    assert!(faults.iter().all(|fault| fault.message.contains("`FILL-IN` is a blank")), "{faults:#?}");
    // A gist for each clause that says something, and where retention is laid down.
    assert_eq!(faults.len(), 18 + 1);
    let names = ["paat".to_owned(), "sadam".to_owned()];
    let blank = Outline::blank("paadid", "Paatide andmekogu", super::super::Language::Et, "EE", &names).files();
    let faults = parse(&blank).unwrap_err();
    assert!(faults.iter().all(|fault| fault.message.contains(BLANK)), "{faults:#?}");
    assert!(blank.contains_key("records/paat.toml") && blank.contains_key("records/sadam.toml"));
}

#[test]
fn what_the_text_says_stands_in_the_new_definition_and_the_rest_is_marked() {
    let (definition, sources) = definition();
    let register = &definition.register;
    assert_eq!(register.short_name, "paadid");
    assert_eq!(register.act.adopted, "2020-01-10".parse().ok());
    assert_eq!(
        register.act.legal_basis,
        [
            "avaliku teabe seaduse § 43³ lg 1",
            "Saarnaki Vallavolikogu 1. detsembri 2019 otsuse nr 8 „Paadid ja nende sadamad“"
        ]
    );
    assert_eq!(register.controller.name, "Saarnaki Vallavalitsus");
    assert_eq!(register.access.document_clause.0, "§ 4");
    let boats = definition.record_types.iter().find(|t| t.name == "paadi").unwrap();
    let kinds: Vec<_> = boats.fields.iter().map(|f| (f.clause.as_ref().unwrap().0.as_str(), f.kind)).collect();
    use crate::domain::statute::FieldType as T;
    let expected = [
        ("§ 3 p 1", T::Text),
        ("§ 3 p 2", T::Text),
        ("§ 3 p 3", T::PersonalCode),
        ("§ 3 p 3¹", T::Text),
        ("§ 3 p 4", T::Date),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(boats.subject.as_ref().unwrap().personal_code.as_deref(), Some("isikukood"));
    let file = &sources["records/paadi.toml"];
    assert!(file.lines().filter(|line| line.starts_with("type = ")).all(|line| line.contains("# a guess")));
}

// ── Any statute ──────────────────────────────────────────────────────────────────────────────────

/// A provision as it is drawn: heading or words, and what stands in it.
#[derive(Debug, Clone)]
struct Drawn {
    heading: String,
    words: String,
    within: Vec<Drawn>,
}

/// How a text is laid out.
#[derive(Debug, Clone, Copy)]
struct Layout {
    crlf: bool,
    mark: bool,
    indent: &'static str,
    blank: bool,
    wrap: usize,
}

fn words(ends: &'static str) -> impl Strategy<Value = String> {
    ("[A-ZÕÄÖÜ][a-zõäöüšž]{1,9}", proptest::collection::vec("[a-zõäöüšž]{2,12}", 0..14))
        .prop_map(move |(first, rest)| std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" ") + ends)
}

fn leaves(ends: &'static str) -> impl Strategy<Value = Vec<Drawn>> {
    let leaf = words(ends).prop_map(|words| Drawn { heading: String::new(), words, within: Vec::new() });
    proptest::collection::vec(leaf, 0..4)
}

fn points() -> impl Strategy<Value = Vec<Drawn>> {
    let point = (words(";"), leaves(";")).prop_map(|(words, within)| Drawn { heading: String::new(), words, within });
    proptest::collection::vec(point, 0..13)
}

fn subsections() -> impl Strategy<Value = Vec<Drawn>> {
    let subsection = (words("."), points()).prop_map(|(words, within)| Drawn { heading: String::new(), words, within });
    proptest::collection::vec(subsection, 1..5)
}

fn paragraphs() -> impl Strategy<Value = Vec<Drawn>> {
    let with_subsections =
        (words(""), subsections()).prop_map(|(heading, within)| Drawn { heading, words: String::new(), within });
    let with_words =
        (words(""), words(":"), points()).prop_map(|(heading, words, within)| Drawn { heading, words, within });
    proptest::collection::vec(prop_oneof![with_subsections, with_words], 1..12)
}

fn layout() -> impl Strategy<Value = Layout> {
    (any::<bool>(), any::<bool>(), prop_oneof![Just(""), Just("  "), Just("\u{a0} ")], any::<bool>(), 12_usize..200)
        .prop_map(|(crlf, mark, indent, blank, wrap)| Layout { crlf, mark, indent, blank, wrap })
}

/// The text of a tree, and what reading it must give: address, heading, words.
fn rendered(paragraphs: &[Drawn], layout: Layout) -> (String, Vec<[String; 3]>) {
    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    let put = |lines: &mut Vec<String>, mark: String, words: &str, indent: &str| {
        let mut line = format!("{indent}{mark}");
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            if line.chars().count() + word.chars().count() > layout.wrap && !line.trim().is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            line.push_str(word);
            line.push(' ');
        }
        lines.push(line.trim_end_matches(' ').to_owned());
        if layout.blank {
            lines.push(String::new());
        }
    };
    for (n, paragraph) in paragraphs.iter().enumerate() {
        let clause = format!("§ {}", n + 1);
        put(&mut lines, format!("{clause}.   "), &paragraph.heading, "");
        if !layout.blank {
            lines.push(String::new());
        }
        expected.push([clause.clone(), paragraph.heading.clone(), paragraph.words.clone()]);
        let with_subsections = paragraph.words.is_empty();
        if !with_subsections {
            put(&mut lines, String::new(), &paragraph.words, layout.indent);
        }
        for (n, child) in paragraph.within.iter().enumerate() {
            let (word, mark) =
                if with_subsections { ("lg", format!("({}) ", n + 1)) } else { ("p", format!("{}) ", n + 1)) };
            let clause = format!("{clause} {word} {}", n + 1);
            put(&mut lines, mark, &child.words, layout.indent);
            expected.push([clause.clone(), String::new(), child.words.clone()]);
            let mut under = |clause: &str, point: &Drawn, lines: &mut Vec<String>| {
                for (letter, subpoint) in ('a'..='z').zip(&point.within) {
                    put(lines, format!("{letter}) "), &subpoint.words, layout.indent);
                    expected.push([format!("{clause} alap {letter}"), String::new(), subpoint.words.clone()]);
                }
            };
            if with_subsections {
                for (n, point) in child.within.iter().enumerate() {
                    let clause = format!("{clause} p {}", n + 1);
                    put(&mut lines, format!("{}) ", n + 1), &point.words, layout.indent);
                    let row = [clause.clone(), String::new(), point.words.clone()];
                    let mut subpoints = Vec::new();
                    for (letter, subpoint) in ('a'..='z').zip(&point.within) {
                        put(&mut lines, format!("{letter}) "), &subpoint.words, layout.indent);
                        subpoints.push([format!("{clause} alap {letter}"), String::new(), subpoint.words.clone()]);
                    }
                    expected.push(row);
                    expected.extend(subpoints);
                }
            } else {
                under(&clause, child, &mut lines);
            }
        }
    }
    let end = if layout.crlf { "\r\n" } else { "\n" };
    let mark = if layout.mark { "\u{feff}" } else { "" };
    (format!("{mark}{}{end}", lines.join(end)), expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_a_statute_says_is_read_back_however_it_is_laid_out(tree in paragraphs(), layout in layout()) {
        let (text, expected) = rendered(&tree, layout);
        let statute = read(&text).unwrap();
        let read: Vec<[String; 3]> = statute
            .provisions
            .iter()
            .map(|p| [p.clause.0.clone(), p.heading.clone(), p.text.clone()])
            .collect();
        prop_assert_eq!(&read, &expected, "{}", text);
        prop_assert!(statute.unplaced.is_empty() && statute.remarks.is_empty(), "{:?}", statute);
        for (at, provision) in statute.provisions.iter().enumerate() {
            prop_assert_eq!(statute.provision(&provision.clause), Some(provision), "every address is there once");
            prop_assert!(provision.parent.is_none_or(|parent| parent < at));
        }
    }

    #[test]
    fn no_text_makes_the_reader_lose_a_line_or_fall(text in "[§0-9().a-c \\[\\]\nKkuõ:-]{0,400}") {
        if let Ok(statute) = read(&format!("§ 1. Algus\n\nTekst.\n{text}")) {
            let all = format!("{statute:?}");
            for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 3) {
                prop_assert!(all.contains(word), "{} is lost of {:?}", word, text);
            }
        }
    }
}
