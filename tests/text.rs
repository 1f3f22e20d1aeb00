//! From text to register: the published texts of the Estonian statutes against the definitions that were made from them,
//! and new definitions made from them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use andmekogu::config::versions::{self, Version};
use andmekogu::domain::statute::behaviour::find;
use andmekogu::domain::statute::definition::Field;
use andmekogu::domain::statute::text::compare::{Difference, compare};
use andmekogu::domain::statute::text::{Part, Statute, read};

use crate::definition::statute;

/// The statutes: file of the text, folder of the definition, paragraphs, provisions that say something, lines of a
/// signature.
const STATUTES: [(&str, &str, usize, usize, usize); 2] = [
    ("003_f3fd120634660cc6.txt", "75025973-persona", 23, 135, 2),
    ("004_a5a5693c9133c2a9.txt", "tlnharidus", 21, 259, 4),
];

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_andmekogu")).args(arguments).stdin(std::process::Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn seed(file: &str) -> String {
    Path::new("../shared/seeds").join(file).display().to_string()
}

fn version(register: &str) -> Version {
    versions::read(&Path::new("config/registers").join(register)).unwrap().remove(0)
}

fn differences(version: &Version, text: &Statute) -> Vec<Difference> {
    compare(&version.definition, &version.sources, text)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_clause_of_the_definitions_is_found_in_the_published_text_and_no_line_is_lost() {
    for (file, register, paragraphs, speaking, signed) in STATUTES {
        let Some(text) = statute(file) else { return };
        let read = read(&text).unwrap();
        assert_eq!(read.paragraphs(), paragraphs, "{register}");
        let speak = (0..read.provisions.len()).filter(|at| read.speaks(*at)).count();
        assert_eq!(speak, speaking, "{register}");
        assert_eq!(read.signatures.len(), signed, "{register}");
        assert!(read.remarks.is_empty(), "{:?}", read.remarks);
        for row in &version(register).definition.clauses {
            assert!(read.provision(&row.id).is_some(), "{register}: {}", row.id);
        }
        // What the page added, above the act and below it.
        let first = read.head.issuer.as_ref().unwrap().line;
        let last = read.signatures.last().unwrap().number;
        assert!(read.unplaced.iter().all(|line| line.number < first || line.number > last), "{:?}", read.unplaced);
        let told: usize = read.provisions.iter().filter(|p| p.part == Part::Point).count();
        assert!(told > 60, "{register}: {told} points");
    }
}

// ── Comparing ────────────────────────────────────────────────────────────────────────────────────

#[test]
fn both_statutes_are_said_as_they_were_published() {
    for (file, register, paragraphs, ..) in STATUTES {
        if statute(file).is_none() {
            return;
        }
        let folder = format!("config/registers/{register}");
        let told = program(&["check", &folder, "--against", &seed(file)]);
        assert!(told.status.success(), "{}", said(&told));
        assert!(said(&told).contains("it says what the text says"), "{}", said(&told));
        // Among all registers the one that rests on the text is found by itself.
        let told = program(&["check", "--against", &seed(file), "--format", "json"]);
        assert!(told.status.success(), "{}", said(&told));
        let json: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(json["register"], register);
        assert_eq!(json["text"]["paragraphs"], paragraphs);
        assert_eq!(json["text"]["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(json["differences"], serde_json::json!([]));
    }
}

#[test]
fn a_wrong_date_a_changed_label_a_missing_clause_and_one_that_is_not_there_are_told_with_file_and_line() {
    let (file, register, ..) = STATUTES[0];
    if statute(file).is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join(register);
    copy(&Path::new("config/registers").join(register), &folder);
    edit(&folder.join("register.toml"), "adopted = \"2019-12-12\"", "adopted = \"2019-12-11\"");
    edit(&folder.join("records/employee.toml"), "{ et = \"isikukood\",", "{ et = \"kood\",");
    edit(&folder.join("documents.toml"), "{ et = \"tõend\",", "{ et = \"tõendid\",");
    edit(
        &folder.join("clauses.toml"),
        "[[clause]]\nid = \"§ 4\"",
        "[[clause]]\nid = \"§ 99 lg 1\"\ngist = \"x\"\nreason = \"y\"\n\n[[clause]]\nid = \"§ 4\"",
    );
    let text = fs::read_to_string(folder.join("clauses.toml")).unwrap();
    let row = text.split("[[clause]]\n").find(|row| row.starts_with("id = \"§ 22 lg 3\"")).unwrap();
    let rows = text.replace(&format!("[[clause]]\n{row}"), "");
    fs::write(folder.join("clauses.toml"), rows).unwrap();
    let cases = fs::read_to_string(folder.join("cases.toml")).unwrap().replace("§ 22 lg 3", "§ 22 lg 1");
    fs::write(folder.join("cases.toml"), cases).unwrap();
    let policies = fs::read_to_string(folder.join("access.cedar")).unwrap().replace("§ 22 lg 3", "§ 22 lg 1");
    fs::write(folder.join("access.cedar"), policies).unwrap();
    let told = program(&["check", folder.to_str().unwrap(), "--against", &seed(file)]);
    let text = said(&told);
    assert!(!told.status.success(), "{text}");
    for part in [
        "act.adopted: the text says `2019-12-12`, the definition `2019-12-11`",
        "§ 12 lg 1 p 2 says “isikukood;”, the definition “kood”",
        "§ 16 p 7 says “tõend;”, the definition “tõendid”",
        "the text has no `§ 99 lg 1`",
        "`§ 22 lg 3` is missing: Järelevalvet teinud isiku",
        "Add it after `§ 22 lg 2`.",
        "5 differences",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for line in text.lines().filter(|line| line.contains(".toml:")) {
        let (file, rest) = line.split_once(".toml:").unwrap();
        let number: usize = rest.split(':').next().unwrap().parse().unwrap();
        let file = fs::read_to_string(format!("{file}.toml")).unwrap();
        assert!(file.lines().count() >= number && number > 1, "{line}");
    }
    assert!(text.contains("(line 18 of the text)"), "{text}");
}

/// Every field and part, each with the clause that it rests on.
fn each(fields: &mut [Field], inherited: Option<&str>, what: &mut dyn FnMut(&mut Field, Option<&str>)) {
    for field in fields {
        let clause = field.clause.as_ref().map(|clause| clause.0.clone()).or(inherited.map(str::to_owned));
        what(field, clause.as_deref());
        each(&mut field.parts, clause.as_deref(), what);
    }
}

#[test]
fn whichever_label_that_has_a_points_words_is_changed_it_is_found() {
    for (file, register, ..) in STATUTES {
        let Some(text) = statute(file) else { return };
        let text = read(&text).unwrap();
        let original = version(register);
        let mut tried = 0;
        for at in 0..original.definition.record_types.len() {
            let mut fields = original.definition.record_types[at].fields.clone();
            let mut count = 0;
            each(&mut fields, None, &mut |_, _| count += 1);
            for chosen in 0..count {
                let mut changed = original.clone();
                let (mut seen, mut verbatim) = (0, false);
                each(&mut changed.definition.record_types[at].fields, None, &mut |field, clause| {
                    if seen == chosen {
                        let clause = andmekogu::domain::statute::Clause(clause.unwrap_or_default().to_owned());
                        let words = text.provision(&clause).map(|p| p.text.trim_end_matches([';', '.']).to_owned());
                        verbatim = words.as_deref() == Some(field.label.official());
                        field.label.et = Some(format!("{} x", field.label.official()));
                    }
                    seen += 1;
                });
                if verbatim {
                    tried += 1;
                    // A list that stands in the statute twice tells it of both.
                    let lists = 1 + original.definition.record_types[at].repeated_in.len();
                    assert_eq!(differences(&changed, &text).len(), lists, "{register}: field {chosen} of type {at}");
                }
            }
        }
        assert!(tried > 25, "{register}: {tried}");
    }
}

#[test]
fn whichever_point_of_a_list_is_left_out_it_is_found() {
    for (file, register, ..) in STATUTES {
        let Some(text) = statute(file) else { return };
        let text = read(&text).unwrap();
        let original = version(register);
        for at in 0..original.definition.record_types.len() {
            let list = original.definition.record_types[at].clause.clone();
            for point in text.points(&list) {
                let mut changed = original.clone();
                let elsewhere = Some(andmekogu::domain::statute::Clause("§ 1".to_owned()));
                each(&mut changed.definition.record_types[at].fields, None, &mut |field, clause| {
                    if clause == Some(&point.clause.0) {
                        field.clause = elsewhere.clone();
                    }
                });
                let found = differences(&changed, &text);
                let missing = format!("is `{}`:", point.clause);
                assert!(found.iter().any(|d| d.fault.message.contains(&missing)), "{register}: {}", point.clause);
            }
        }
        let mut changed = original.clone();
        changed.definition.document_kinds.remove(0);
        changed.definition.register.purposes.pop();
        changed.definition.register.recipients.pop();
        assert_eq!(differences(&changed, &text).len(), 3, "{register}");
    }
}

#[test]
fn a_text_of_another_register_or_that_is_no_statute_is_refused_and_what_was_expected_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let large = vec![b'a'; 5 * 1024 * 1024];
    for (path, part) in [
        (write("empty.txt", b""), "the file is empty. Expected the plain text of a statute"),
        (write("page.png", b"\x89PNG\r\n\x1a\n\0\0"), "this is not UTF-8"),
        (write("zeros.txt", b"\0\0\0"), "this is no text"),
        (write("large.txt", &large), "5242880 bytes; at most 2097152 are read"),
        (write("list.txt", "Rekisteri\tKäyttötarkoitus\nVeneet\tVeneet\n".as_bytes()), "the text has no paragraph"),
        (
            write("boats.txt", "§ 1. Nimi\n\nAndmekogu lühinimi on paadid.\n".as_bytes()),
            "none of the registers rests on",
        ),
        (dir.path().join("nothing.txt").display().to_string(), "nothing.txt"),
    ] {
        for arguments in [vec!["check", "--against", &path], vec!["conformance", "--weave", "--against", &path]] {
            let told = program(&arguments);
            assert!(!told.status.success() && said(&told).contains(part), "{part}: {}", said(&told));
        }
    }
    for finnish in ["000_1ee6b3f3850e26b4.txt", "001_34eb80bcb10f4e4c.txt", "002_3958862ea59c8132.txt"] {
        if statute(finnish).is_some() {
            let told = program(&["new-register", "--from-text", &seed(finnish), "--short-name", "x"]);
            assert!(!told.status.success() && said(&told).contains("§ 1.   Heading"), "{}", said(&told));
        }
    }
}

// ── Beginning ────────────────────────────────────────────────────────────────────────────────────

/// Writes something for every blank.
fn fill(folder: &Path) -> usize {
    let mut blanks = 0;
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        blanks += text.lines().filter(|line| !line.starts_with('#') && line.contains("FILL-IN")).count();
        fs::write(&path, text.replace("FILL-IN", "as the controller lays down")).unwrap();
    }
    blanks
}

fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_register_begun_from_a_text_is_sound_and_says_what_the_text_says_once_its_blanks_are_filled() {
    for (file, register, ..) in STATUTES {
        if statute(file).is_none() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let into = dir.path().to_str().unwrap();
        let told = program(&["new-register", "--from-text", &seed(file), "--into", into]);
        assert!(told.status.success(), "{}", said(&told));
        let folder = dir.path().join(register);
        let before = files(&folder);
        let made = program(&["check", folder.to_str().unwrap()]);
        assert!(!made.status.success(), "blanks are left");
        assert!(said(&made).lines().all(|line| line.contains("`FILL-IN` is a blank") || line.ends_with("faults")));
        // Nothing that is there is overwritten.
        let again = program(&["new-register", "--from-text", &seed(file), "--into", into]);
        assert!(!again.status.success() && said(&again).contains("is there already"), "{}", said(&again));
        assert_eq!(files(&folder), before);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no trial is left behind");
        let blanks = fill(&folder);
        assert!(said(&told).contains(&format!("blanks: {blanks}.")), "{blanks}: {}", said(&told));
        let sound = program(&["check", folder.to_str().unwrap()]);
        assert!(sound.status.success(), "{}", said(&sound));
        let same = program(&["check", folder.to_str().unwrap(), "--against", &seed(file)]);
        assert!(same.status.success(), "{}", said(&same));
        // The lists of data are those of the definition that people made by hand.
        let (ours, theirs) = (version(register), versions::read(&folder).unwrap().remove(0));
        for record_type in &ours.definition.record_types {
            let made = theirs.definition.record_types.iter().find(|t| t.clause == record_type.clause);
            assert_eq!(made.unwrap().repeated_in, record_type.repeated_in, "{}", record_type.name);
        }
        let clauses = |version: &Version| version.definition.clauses.len();
        assert!(clauses(&ours).abs_diff(clauses(&theirs)) <= 1, "{} {}", clauses(&ours), clauses(&theirs));
    }
}

#[test]
fn without_a_text_and_nobody_to_ask_what_is_missing_is_named_and_with_flags_a_beginning_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let into = dir.path().to_str().unwrap();
    let told = program(&["new-register", "--into", into, "--name", "Paatide andmekogu"]);
    assert!(!told.status.success());
    for flag in ["--short-name", "--language", "--country", "--controller", "--title", "--record", "--from-text"] {
        assert!(said(&told).contains(flag), "{flag}: {}", said(&told));
    }
    assert!(!said(&told).contains("--name,"), "what was said is not asked for: {}", said(&told));
    let flags = [
        "new-register",
        "--into",
        into,
        "--short-name",
        "paadid",
        "--name",
        "Paatide andmekogu",
        "--language",
        "et",
        "--country",
        "EE",
        "--controller",
        "Saarnaki Vallavalitsus",
        "--title",
        "Paatide andmekogu põhimäärus",
        "--record",
        "paat",
        "--record",
        "kaikoht",
        "--in-force-from",
        "2026-01-01",
    ];
    let told = program(&flags);
    assert!(told.status.success(), "{}", said(&told));
    let folder = dir.path().join("paadid");
    let checked = program(&["check", folder.to_str().unwrap()]);
    let text = said(&checked);
    assert!(text.contains("register.toml:") && text.contains("records/kaikoht.toml:"), "{text}");
    assert!(text.lines().all(|line| line.contains("`FILL-IN` is a blank") || line.ends_with("faults")), "{text}");
    edit(&folder.join("register.toml"), "adopted = \"FILL-IN\"", "adopted = \"2025-12-01\"");
    edit(&folder.join("register.toml"), "class = \"FILL-IN\"", "class = \"K1T1S1\"");
    edit(&folder.join("register.toml"), "level = \"FILL-IN\"", "level = \"L\"");
    fill(&folder);
    let checked = program(&["check", folder.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", said(&checked));
    for wrong in ["../up", "Suur", ""] {
        let mut flags = flags.map(str::to_owned);
        flags[4] = wrong.to_owned();
        let told = program(&flags.each_ref().map(String::as_str));
        assert!(!told.status.success() && said(&told).contains("is no short name"), "{}", said(&told));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

// ── Signing off ──────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_page_that_is_signed_off_has_every_clause_its_words_what_realises_it_and_room_for_a_signature() {
    for (file, register, ..) in STATUTES {
        let Some(text) = statute(file) else { return };
        let told = program(&["conformance", "--register", register, "--weave", "--against", &seed(file)]);
        assert!(told.status.success(), "{}", said(&told));
        let page = String::from_utf8(told.stdout).unwrap();
        let version = version(register);
        let escaped = |text: &str| text.replace('&', "&#38;").replace('"', "&#34;").replace('\'', "&#39;");
        for row in &version.definition.clauses {
            assert!(page.contains(&format!("<th scope=\"row\">{}</th>", row.id)), "{}", row.id);
            assert!(page.contains(&escaped(&row.gist)), "{}", row.gist);
            for behaviour in row.behaviours.iter().filter_map(|name| find(name)) {
                assert!(page.contains(behaviour.test), "{}", behaviour.test);
            }
        }
        for provision in read(&text).unwrap().provisions {
            assert!(page.contains(&escaped(&provision.text)), "{}", provision.clause);
        }
        assert!(page.contains(&version.definition.digest) && page.contains("<html lang=\"et\">"));
        for part in ["Allkiri", "Kuupäev", "Ametikoht", "Kirjeldus ütleb sedasama mis tekst."] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("<script") && !page.contains("href=") && !page.contains("src="), "nothing is fetched");
        if register != STATUTES[0].1 {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("leht.pdf");
        let arguments = ["conformance", "--register", register, "--weave", "--against", &seed(file), "--format", "pdf"];
        let told = program(&[&arguments[..], &["--out", out.to_str().unwrap()]].concat());
        assert!(told.status.success(), "{}", said(&told));
        let bytes = fs::read(&out).unwrap();
        assert!(bytes.starts_with(b"%PDF-1.7") && bytes.len() > 50_000);
        let told = program(&[&arguments[..], &["--out", out.to_str().unwrap()]].concat());
        assert!(!told.status.success() && said(&told).contains("is there already"));
        assert!(said(&program(&arguments)).contains("--out"), "a PDF does not go to the terminal");
    }
}

#[test]
fn what_differs_stands_on_the_page_before_anybody_signs() {
    let (file, register, ..) = STATUTES[1];
    let Some(text) = statute(file) else { return };
    let dir = tempfile::tempdir().unwrap();
    let changed = dir.path().join("muudetud.txt");
    fs::write(&changed, text.replace("Vastu võetud 09.10.2013 nr 165", "Vastu võetud 09.10.2013 nr 166")).unwrap();
    let told = program(&["conformance", "--register", register, "--weave", "--against", changed.to_str().unwrap()]);
    let page = String::from_utf8(told.stdout).unwrap();
    assert!(page.contains("the text says `166`, the definition `165`"));
    assert!(!page.contains("Kirjeldus ütleb sedasama"));
}
