//! A folder of very many registers, and of whatever else may lie in it: everything is read, or nothing, and every fault
//! is told with its place.

use std::fs;
use std::path::{Path, PathBuf};

use andmekogu::config::registers::{LARGEST, read_again, read_all};
use andmekogu::domain::registers::Registers;

use crate::harness::folder::{THOUSAND, copy_as, fill};

const SHIPPED: &str = "config/registers";
/// A small register that is kept here, and one that is only described.
const KEPT: &str = "raisio-tyoymparisto";
const DESCRIBED: &str = "pietarsaari-yksityisteiden";

fn one(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let register = copy_as(&Path::new(SHIPPED).join(name), folder.path(), name);
    (folder, register)
}

fn faults(folder: &Path) -> Vec<String> {
    match read_all(folder) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

fn ready(folder: &Path) -> Registers {
    read_all(folder).unwrap_or_else(|faults| panic!("{faults:#?}")).ready().unwrap()
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{}: {from}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn of_a_thousand_registers_with_three_broken_ones_nothing_is_loaded_and_all_faults_are_told() {
    let folder = tempfile::tempdir().unwrap();
    fill(Path::new(SHIPPED), folder.path(), THOUSAND);
    let registers = ready(folder.path());
    let day = "2026-11-20".parse().unwrap();
    assert_eq!(registers.names().count(), THOUSAND.kept);
    assert_eq!(registers.descriptions(day).count(), THOUSAND.described);

    let mut all: Vec<PathBuf> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    let kept: Vec<&PathBuf> = all.iter().filter(|p| p.join("access.cedar").exists()).collect();
    let described: Vec<&PathBuf> = all.iter().filter(|p| !p.join("access.cedar").exists()).collect();
    let broken = [kept[7].join("clauses.toml"), kept[70].join("access.cedar"), described[800].join("register.toml")];
    edit(&broken[0], "[[clause]]", "[[clause]");
    edit(&broken[1], "@clause(\"", "@clause(\"none ");
    edit(&broken[2], "short_name", "shortest_name = 1\nshort_name");
    let told = faults(folder.path());
    for file in &broken {
        let there = format!("{}:", file.display());
        assert!(told.iter().any(|f| f.starts_with(&there)), "{there} {told:#?}");
    }
    let of_the_broken = |f: &String| broken.iter().any(|b| f.starts_with(&format!("{}:", b.display())));
    assert!(told.iter().all(of_the_broken), "and nothing else: {told:#?}");

    // Read again beside what is in force, it is the same three that are looked at, and the same that is told.
    let again = read_again(folder.path(), &registers).map(|_| ()).unwrap_err();
    assert_eq!(again.iter().map(ToString::to_string).collect::<Vec<_>>(), told);
}

#[test]
fn what_has_not_changed_is_not_read_again_and_what_has_is() {
    let folder = tempfile::tempdir().unwrap();
    fill(Path::new(SHIPPED), folder.path(), crate::harness::folder::Size { kept: 3, described: 3 });
    let before = ready(folder.path());
    let again = read_again(folder.path(), &before).unwrap();
    assert_eq!((again.same.len(), again.definitions.len(), again.descriptions.len()), (3, 0, 3));

    let mut kept: Vec<PathBuf> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    kept.retain(|p| p.join("access.cedar").exists());
    edit(&kept[0].join("register.toml"), "# ", "# Re-read. ");
    let again = read_again(folder.path(), &before).unwrap();
    assert_eq!((again.same.len(), again.definitions.len()), (2, 1));
    let after = again.ready().unwrap();
    assert_eq!(after.names().collect::<Vec<_>>(), before.names().collect::<Vec<_>>());

    // The same files under another name are not the same register.
    fs::rename(&kept[1], folder.path().join("elsewhere")).unwrap();
    let told = read_again(folder.path(), &before).map(|_| ()).unwrap_err();
    assert!(told.iter().any(|f| f.message.contains("the folder is called `elsewhere`")), "{told:#?}");
}

#[test]
fn a_file_of_five_megabytes_is_read_and_one_byte_more_is_refused_by_name() {
    let (folder, register) = one(KEPT);
    let file = register.join("clauses.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    let limit = usize::try_from(LARGEST).unwrap();
    while text.len() < limit {
        let left = limit - text.len();
        text.push_str(&"#".repeat(left.min(79).saturating_sub(1)));
        text.push('\n');
    }
    assert_eq!(text.len(), limit);
    fs::write(&file, &text).unwrap();
    ready(folder.path());
    fs::write(&file, text + "#").unwrap();
    let told = faults(folder.path());
    assert_eq!(told.len(), 1, "{told:#?}");
    let (name, bytes) = (file.display(), limit + 1);
    assert!(
        told[0].starts_with(&format!("{name}:1: the file has {bytes} bytes; at most {limit} are read")),
        "{told:?}"
    );
}

#[test]
fn a_list_of_five_megabytes_is_read_in_reasonable_time() {
    use std::fmt::Write as _;
    let (folder, register) = one(KEPT);
    let file = register.join("codelists.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str(
        "\n[[codelist]]\nname = \"very_long\"\n[codelist.label]\net = \"x\"\nfi = \"x\"\nsv = \"x\"\nen = \"x\"\n",
    );
    let mut n = 0;
    while text.len() < usize::try_from(LARGEST).unwrap() - 200 {
        let label = "et = \"x\", fi = \"x\", sv = \"x\", en = \"x\"";
        writeln!(text, "[[codelist.code]]\ncode = \"c{n}\"\nlabel = {{ {label} }}").unwrap();
        n += 1;
    }
    fs::write(&file, &text).unwrap();
    let begun = std::time::Instant::now();
    let told = faults(folder.path());
    assert!(
        told.iter().all(|f| f.contains("very_long")),
        "only that nothing uses it: {:#?}",
        &told[..told.len().min(9)]
    );
    assert!(begun.elapsed().as_secs() < 120, "{n} codes took {:?}", begun.elapsed());

    // The same with one fault on each line: nobody reads a million of them.
    let wrong = "= 1\n".repeat(usize::try_from(LARGEST).unwrap() / 4);
    fs::write(&file, &wrong).unwrap();
    let begun = std::time::Instant::now();
    let told = faults(folder.path());
    assert!((1..=100).contains(&told.len()), "{}", told.len());
    assert!(begun.elapsed().as_secs() < 120, "{:?}", begun.elapsed());
}

#[test]
fn ten_thousand_nested_brackets_are_a_fault_and_not_the_end_of_the_program() {
    let (folder, register) = one(KEPT);
    let file = register.join("clauses.toml");
    let good = fs::read_to_string(&file).unwrap();
    let deep = 10_000;
    for (what, nested) in [
        ("lists", format!("x = {}{}\n", "[".repeat(deep), "]".repeat(deep))),
        ("lists that never end", format!("x = {}\n", "[".repeat(deep))),
        ("tables", format!("x = {}1{}\n", "{ a = ".repeat(deep), " }".repeat(deep))),
        ("tables and lists", format!("x = {}1{}\n", "[{ a = ".repeat(deep), " }]".repeat(deep))),
        ("a dotted key", format!("{} = 1\n", vec!["a"; deep].join("."))),
        ("a dotted key in a table", format!("x = {{ {} = 1 }}\n", vec!["a"; deep].join("."))),
        ("a dotted header", format!("[{}]\nx = 1\n", vec!["a"; deep].join("."))),
        ("a dotted header of a list", format!("[[{}]]\nx = 1\n", vec!["a"; deep].join("."))),
        ("brackets in a header", format!("{}a{}\n", "[".repeat(deep), "]".repeat(deep))),
    ] {
        fs::write(&file, format!("{nested}{good}")).unwrap();
        let told = faults(folder.path());
        assert!(!told.is_empty(), "{what}");
        let there = format!("{}:", file.display());
        assert!(told.iter().any(|f| f.starts_with(&there)), "{what}: {:.300}", told.join("\n"));
        assert!(told.iter().all(|f| f.len() < 2_000), "{what} are not repeated to the reader");
    }
    // In a policy too.
    fs::write(&file, &good).unwrap();
    let policies = register.join("access.cedar");
    let good = fs::read_to_string(&policies).unwrap();
    for (open, close) in [("(", ")"), ("!", ""), ("[", "]"), ("if true then ", " else true")] {
        let nested = format!("{}true{}", open.repeat(deep), close.repeat(deep));
        let policy = format!("\npermit (principal, action, resource) when {{ {nested} }};\n");
        fs::write(&policies, format!("{good}{policy}")).unwrap();
        let told = faults(folder.path());
        assert!(!told.is_empty(), "{open}");
        assert!(told.iter().all(|f| f.len() < 2_000), "{open}: {:.300}", told.join("\n"));
    }
}

#[test]
fn what_is_no_text_no_file_or_not_there_is_told_by_name() {
    let (folder, register) = one(KEPT);
    let file = register.join("documents.toml");
    fs::write(&file, [b'#', b' ', 0xff, 0xfe]).unwrap();
    assert_eq!(faults(folder.path()), [format!("{}:1: the file is not UTF-8. Save it as UTF-8.", file.display())]);
    fs::remove_file(&file).unwrap();
    assert!(faults(folder.path())[0].contains("documents.toml:1: the file is missing"));
    let empty = tempfile::tempdir().unwrap();
    assert!(faults(empty.path())[0].contains("there is no register here"));
    fs::write(empty.path().join("register.toml"), "").unwrap();
    assert!(faults(empty.path())[0].contains("there is no register here"), "a file is no register");
    fs::create_dir(empty.path().join("nothing")).unwrap();
    assert!(faults(empty.path()).iter().any(|f| f.contains("register.toml:1: the file is missing")));
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_of_the_folder_or_round_in_it_are_refused() {
    use std::os::unix::fs::symlink;
    let (folder, register) = one(KEPT);
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.toml");
    fs::write(&secret, "password = \"hush\"").unwrap();
    let link = register.join("records/more.toml");
    symlink(&secret, &link).unwrap();
    let told = faults(folder.path());
    assert!(told.len() == 1 && told[0].contains("more.toml:1: it leads out of the folder"), "{told:#?}");
    assert!(!told[0].contains("hush"));
    fs::remove_file(&link).unwrap();

    // A folder of another: the register, its records, its versions.
    for place in ["records/more", "versions", "versions/2026-01-01"] {
        let link = register.join(place);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(outside.path(), &link).unwrap();
        let told = faults(folder.path());
        assert!(told.iter().any(|f| f.contains("it leads out of the folder")), "{place}: {told:#?}");
        fs::remove_file(&link).unwrap();
    }
    fs::remove_dir_all(register.join("versions")).unwrap();

    // Round and round, and by very many ways: told once, and at once.
    for n in 0..40 {
        symlink("..", register.join(format!("records/round{n}"))).unwrap();
    }
    let begun = std::time::Instant::now();
    let told = faults(folder.path());
    assert_eq!(told.len(), 40, "{told:#?}");
    assert!(told[0].contains("that is read already"), "{told:#?}");
    assert!(begun.elapsed().as_secs() < 10);
    for n in 0..40 {
        fs::remove_file(register.join(format!("records/round{n}"))).unwrap();
    }
    symlink("myself.toml", register.join("myself.toml")).unwrap();
    assert!(faults(folder.path())[0].contains("it cannot be read"));
    fs::remove_file(register.join("myself.toml")).unwrap();

    // A link that stays within is how some systems hand files over.
    fs::create_dir(folder.path().join(".data")).unwrap();
    fs::rename(register.join("clauses.toml"), folder.path().join(".data/clauses.toml")).unwrap();
    symlink("../.data/clauses.toml", register.join("clauses.toml")).unwrap();
    assert!(faults(folder.path()).is_empty());

    // A pipe would be waited for until somebody writes.
    let pipe = register.join("pipe.toml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(faults(folder.path())[0].contains("pipe.toml:1: it is not a file"));
}

#[test]
fn two_registers_of_one_name_are_refused() {
    // A second folder must be called otherwise, and then it is in the wrong one.
    let (folder, register) = one(KEPT);
    let copied = copy_as(&register, folder.path(), "again");
    edit(&copied.join("register.toml"), "short_name = \"again\"", &format!("short_name = \"{KEPT}\""));
    let told = faults(folder.path());
    assert!(told.iter().any(|f| f.contains("the folder is called `again`")), "{told:#?}");
    fs::remove_dir_all(&copied).unwrap();

    // A link to a register is that register twice.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(KEPT, folder.path().join("again")).unwrap();
        let told = faults(folder.path());
        assert!(told.iter().any(|f| f.contains("two versions are in force from")), "{told:#?}");
        fs::remove_file(folder.path().join("again")).unwrap();
        let (folder, _) = one(DESCRIBED);
        std::os::unix::fs::symlink(DESCRIBED, folder.path().join("again")).unwrap();
        let told = faults(folder.path());
        assert!(told.iter().any(|f| f.contains("it is described twice")), "{told:#?}");
    }

    // Kept here and elsewhere on the same day.
    let day = "2030-01-01";
    let version = register.join("versions").join(day);
    fs::create_dir_all(&version).unwrap();
    let description = fs::read_to_string(Path::new(SHIPPED).join(DESCRIBED).join("register.toml")).unwrap();
    let from = description.lines().find(|l| l.starts_with("in_force_from")).unwrap();
    let moved = description
        .replacen(&format!("short_name = \"{DESCRIBED}\""), &format!("short_name = \"{KEPT}\""), 1)
        .replacen(from, &format!("in_force_from = \"{day}\""), 1);
    fs::write(version.join("register.toml"), moved).unwrap();
    let told = faults(folder.path());
    assert!(told.iter().any(|f| f.contains("it is kept elsewhere from 2030-01-01, and kept here from")), "{told:#?}");
    let from = "in_force_from = \"2023-04-06\"";
    edit(&register.join("register.toml"), from, &format!("{from}\nin_force_until = \"2029-12-31\""));
    assert_eq!(faults(folder.path()), Vec::<String>::new(), "one after the other is a register that moves");
}

#[test]
fn what_leads_round_in_a_circle_is_sound_or_told_and_ends_in_either_case() {
    let folder = tempfile::tempdir().unwrap();
    let register = copy_as(Path::new("tests/registers/lastehoid"), folder.path(), "lastehoid");
    let (stay, waiting) = (register.join("records/stay.toml"), register.join("records/waiting.toml"));
    let more = |file: &Path, more: &str| fs::write(file, fs::read_to_string(file).unwrap() + more).unwrap();
    let text = "{ et = \"x\", en = \"x\", fi = \"x\", sv = \"x\" }";
    // Records refer to each other and to their own kind, and moves lead there and back.
    let refers = |name: &str, to: &str, section: &str, rule: &str| {
        format!(
            "\n[[field]]\nname = \"{name}\"\ntype = \"reference\"\nlabel = {text}\nclause = \"§ 6 p 5\"\n\
             section = \"{section}\"\nretention = \"{rule}\"\nrefers_to = \"{to}\"\n"
        )
    };
    let section = fs::read_to_string(&stay).unwrap();
    let section =
        section.lines().find_map(|l| l.strip_prefix("section = \"")).unwrap().trim_end_matches('"').to_owned();
    more(
        &stay,
        &(refers("waited", "waiting", &section, "after_waiting") + &refers("before", "stay", &section, "kept")),
    );
    more(&waiting, &refers("stayed", "stay", "application", "until_placed"));
    more(
        &stay,
        &format!(
            "\n[[move]]\nname = \"back\"\nlabel = {text}\nclause = \"§ 6 lg 7\"\ninto = \"waiting\"\nends = true\n\
             ground = \"moved\"\nbase_documents = [\"order\"]\ncarries = {{ child_code = \"child_code\" }}\n"
        ),
    );
    // Each is kept until the other has ended: both ends are days that somebody enters, so that neither waits for ever.
    let rules = register.join("register.toml");
    edit(&rules, "trigger = \"event:placed\"", "trigger = { latest = [\"event:placed\", \"record:stay\"] }");
    let rule = format!(
        "[[retention]]\nname = \"after_waiting\"\nlabel = {text}\nclause = \"§ 14\"\ntrigger = \"record:waiting\"\n\
         period = \"P1Y\"\nthen = \"destroy\"\n\n[[contact]]"
    );
    edit(&rules, "[[contact]]", &rule);
    let registers = ready(folder.path());
    let register = registers.versions("lastehoid")[0];
    let day = "2026-11-20".parse().unwrap();
    for kind in &register.definition.record_types {
        let schema = andmekogu::domain::record::schema::json_schema(&register.definition, kind, day, "et");
        assert!(schema["properties"].is_object(), "{}", kind.name);
    }

    // What has no end of its own would be waited for in vain.
    edit(&rules, "trigger = \"record:waiting\"", "trigger = \"record:house\"");
    let told = faults(folder.path());
    assert!(told.iter().any(|f| f.contains("a record of `house` has no end of its own")), "{told:#?}");
}
