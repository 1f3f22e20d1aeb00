//! Definitions come into use while the server runs: all of them or none, and every request sees one version alone.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::registers::Registers;
use andmekogu::domain::statute::Definition;
use andmekogu::store::acts::grants::NewGrant;
use serde_json::{Value, json};

use crate::harness::folder::copy_as;
use crate::harness::people::{School, code};
use crate::harness::visitor::Visitor;
use crate::harness::{Harness, Place, REGISTER, definitions, no_postgres, on_both_databases, shipped};

const SHIPPED: &str = "config/registers";
const EMPLOYEE: &str = "records/employee.toml";
/// A register that the harness does not know of.
const NEW: &str = "paadisadam";

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{}: {from}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// What the harness runs with, its register changed by `change` in its folder.
fn changed(change: impl Fn(&Path)) -> Vec<Definition> {
    let folder = tempfile::tempdir().unwrap();
    let register = copy_as(&Path::new(SHIPPED).join(REGISTER), folder.path(), REGISTER);
    change(&register);
    let others = shipped().into_iter().filter(|d| d.register.short_name != REGISTER);
    definitions(folder.path()).into_iter().chain(others).collect()
}

/// One version in which nobody may work more than 1.20 of a post; the shipped one says 1.50.
fn stricter() -> Vec<Definition> {
    changed(|register| edit(&register.join(EMPLOYEE), "max = \"1.50\"", "max = \"1.20\""))
}

fn digest(definitions: &[Definition]) -> String {
    definitions.iter().find(|d| d.register.short_name == REGISTER).unwrap().digest.clone()
}

fn reload(h: &Harness, definitions: Vec<Definition>) -> Result<Vec<String>, String> {
    let differences = h.block_on(h.app.reload_definitions(Registers::new(definitions).unwrap()));
    differences.map(|list| list.iter().map(ToString::to_string).collect()).map_err(|e| e.to_string())
}

fn reloads(h: &Harness) -> Vec<Value> {
    let log = h.export("installation").into_iter().map(|line| line["event"].clone());
    log.filter(|event| event["action"] == "definitions.reload").collect()
}

#[test]
fn while_64_write_a_reload_neither_fails_nor_tears_a_request() {
    on_both_databases(|h| {
        let s = School::open(h);
        let (lenient, strict) = (digest(&shipped()), digest(&stricter()));
        let path = format!("/registers/{REGISTER}/records/employee");
        let stop = AtomicBool::new(false);
        let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..64_u16)
                .map(|n| {
                    let (clerk, path, stop, office) = (s.clerk.clone(), &path, &stop, &s.office);
                    scope.spawn(move || {
                        let mut answers = Vec::new();
                        for round in 0..200_u16 {
                            let mut body = office.employee("Kask", &code(1930 + i32::from(n), 300 + round));
                            body["data"]["load_on_post"] = json!("1.40");
                            let answer = clerk.post(path, &body);
                            answers.push((answer.status, answer.body));
                            if n % 16 == 0 {
                                // The definition is asked for twice in one answer: as a whole, and in the list.
                                let register = clerk.get(&format!("/registers/{REGISTER}"));
                                let listed = &register.body["versions"][0]["digest"];
                                assert_eq!(&register.body["digest"], listed, "{}", register.status);
                            }
                            if stop.load(Ordering::SeqCst) {
                                break;
                            }
                        }
                        answers
                    })
                })
                .collect();
            for _ in 0..3 {
                assert_eq!(reload(&s.h, stricter()).unwrap().len(), 1);
                std::thread::sleep(Duration::from_millis(300));
                assert_eq!(reload(&s.h, shipped()).unwrap().len(), 1);
                std::thread::sleep(Duration::from_millis(300));
            }
            reload(&s.h, stricter()).unwrap();
            stop.store(true, Ordering::SeqCst);
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        let statuses: BTreeSet<u16> = answers.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, BTreeSet::from([201, 422]), "entered by the one version, refused by the other");
        for (status, body) in &answers {
            let pointer = body["errors"][0]["pointer"].as_str().unwrap_or_default();
            assert!(*status == 201 || pointer.ends_with("/load_on_post"), "{status} {body}");
        }
        let by = |digest: &str| {
            let entered = s.h.place.count(&format!(
                "SELECT COUNT(*) FROM entry WHERE register = '{REGISTER}' AND data LIKE '%\"1.40\"%' \
                 AND definition = '{digest}'"
            ));
            usize::try_from(entered).unwrap()
        };
        let entered = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!((by(&lenient), by(&strict)), (entered, 0), "what was entered names the version that permits it");
        let mut body = s.office.employee("Kask", &code(1929, 1));
        body["data"]["load_on_post"] = json!("1.40");
        s.clerk.post(&path, &body).expect(422);
    });
}

#[test]
fn a_reload_stands_in_the_log_with_what_was_before_and_after() {
    on_both_databases(|h| {
        h.staff();
        let (one, other) = (digest(&shipped()), digest(&stricter()));
        assert_eq!(reload(&h, shipped()).unwrap(), Vec::<String>::new(), "nothing has changed");
        let told = reload(&h, stricter()).unwrap();
        assert!(told.len() == 1 && told[0].contains(&one) && told[0].contains(&other), "{told:?}");
        reload(&h, shipped()).unwrap();
        let reloads = reloads(&h);
        assert_eq!(reloads.len(), 3);
        assert_eq!(reloads[0]["detail"]["before"], reloads[0]["detail"]["after"]);
        let difference = &reloads[1]["detail"]["differences"][0];
        assert_eq!((&difference["before"], &difference["after"]), (&json!(one), &json!(other)));
        assert_eq!(reloads[1]["detail"]["after"], reloads[2]["detail"]["before"]);
        assert_eq!(reloads[0]["detail"]["after"], reloads[2]["detail"]["after"]);
        assert!(reloads.iter().all(|event| event["actor"]["name"] == "installation:reload"), "{reloads:#?}");
        // In the register's own log too: what came, and what came back.
        let own = h.export(REGISTER).into_iter().map(|line| line["event"].clone());
        let own: Vec<Value> = own.filter(|e| e["action"].as_str().unwrap().starts_with("definition.")).collect();
        let said: Vec<_> = own.iter().map(|e| (e["action"].as_str().unwrap(), e["detail"]["digest"].clone())).collect();
        let (load, again) = ("definition.load", "definition.reload");
        assert_eq!(said, [(load, json!(one)), (load, json!(other)), (again, json!(one))]);
        assert_eq!(own[2]["detail"]["replaces"], json!(other));
    });
}

#[test]
fn what_the_start_would_refuse_the_reload_refuses_in_the_same_words() {
    on_both_databases(|h| {
        let s = School::open(h);
        let before = s.h.app.store.in_use().digest();
        let without_hours = || {
            changed(|register| {
                let file = register.join(EMPLOYEE);
                let text = fs::read_to_string(&file).unwrap();
                let start = text.find("[[field]]\nname = \"weekly_hours\"").unwrap();
                let end = start + 5 + text[start + 5..].find("\n[[field]]").unwrap();
                fs::write(&file, format!("{}{}", &text[..start], &text[end + 1..])).unwrap();
                for _ in 0..2 {
                    let (from, to) = ("field = \"weekly_hours\"", "field = \"load_on_post\"");
                    edit(&register.join("register.toml"), from, to);
                }
            })
        };
        let gone = || shipped().into_iter().filter(|d| d.register.short_name != REGISTER).collect::<Vec<_>>();
        let words = [("weekly_hours", without_hours()), ("its definition is gone", gone())];
        for (word, definitions) in words {
            let app = crate::harness::open(&s.h.place.url, definitions.clone(), s.h.clock.clone());
            let start = s.h.block_on(app.load_definitions()).unwrap_err().to_string();
            assert!(start.contains(REGISTER) && start.contains(word), "{start}");
            assert_eq!(reload(&s.h, definitions).unwrap_err(), start);
        }
        assert_eq!(s.h.app.store.in_use().digest(), before, "the old ones stay in use");
        assert_eq!(reloads(&s.h), Vec::<Value>::new(), "and nothing of it is in the log");
        s.clerk.get(&s.path()).expect(200);

        // Even where the register had once been without the field: what has come in since is what counts.
        let h = s.h;
        reload(&h, changed(|register| edit(&register.join("register.toml"), "# ", "# Once more. "))).unwrap();
        assert!(reload(&h, without_hours()).unwrap_err().contains("weekly_hours"));
    });
}

#[test]
fn a_new_register_is_there_with_its_pages_and_policies_and_an_empty_one_can_go_again() {
    on_both_databases(|h| {
        h.staff();
        let clerk = h.login("hr_clerk");
        let page = format!("/r/{NEW}/statute");
        h.visitor().get(&page).expect(404);
        clerk.get(&format!("/registers/{NEW}")).expect(404);
        let new = || definitions(Path::new("tests/registers")).into_iter().filter(|d| d.register.short_name == NEW);
        assert_eq!(reload(&h, shipped().into_iter().chain(new()).collect()).unwrap().len(), 1);
        h.visitor().get(&page).expect(200);
        assert!(h.visitor().get("/").expect(200).html.contains(&format!("/r/{NEW}")));
        clerk.get(&format!("/registers/{NEW}")).expect(200);

        let document = json!({ "kind": "decision", "number": "1", "date": "2021-04-01" });
        let documents = format!("/registers/{NEW}/base-documents");
        assert!([403, 404].contains(&clerk.post(&documents, &document).status), "nobody has a right in it yet");
        let grant = NewGrant {
            user_id: h.user("kapten"),
            role: "harbour_master".to_owned(),
            institution_id: None,
            sections: None,
            from: "2026-01-01".parse().unwrap(),
            until: None,
            basis: Basis { kind: "directive".into(), reference: "1".into() },
            task: None,
            application_id: None,
        };
        h.block_on(h.app.grant_as_installation(NEW, grant)).unwrap();
        h.login("kapten").post(&documents, &document).expect(201);

        // No record is in it: it may go, and is no longer found.
        assert_eq!(reload(&h, shipped()).unwrap().len(), 1);
        h.visitor().get(&page).expect(404);
        h.login("kapten").post(&documents, &document).expect(404);
        // The log of what was done in it stays, and is looked through at the end of this test.
        reload(&h, shipped().into_iter().chain(new()).collect()).unwrap();
    });
}

/// The program itself, over a folder of registers of its own.
struct Program {
    child: Child,
    base: String,
    folder: tempfile::TempDir,
    database: String,
    /// Kept as long as the program.
    _place: Place,
}

impl Program {
    fn start(place: Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in [REGISTER, "pietarsaari-yksityisteiden"] {
            copy_as(&Path::new(SHIPPED).join(name), &folder.path().join("registers"), name);
        }
        let database = match &place.url {
            andmekogu::store::DatabaseUrl::Sqlite(path) | andmekogu::store::DatabaseUrl::Pg(path) => path.clone(),
        };
        let mut child = Self::command(folder.path(), &database)
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        let base = line.trim().strip_prefix("Serving on ").map(str::to_owned);
        let log = || fs::read_to_string(folder.path().join("log")).unwrap();
        let base = base.unwrap_or_else(|| panic!("{line} {}", log()));
        Self { child, base, folder, database, _place: place }
    }

    fn command(folder: &Path, database: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andmekogu"));
        command
            .env("ANDMEKOGU_DATA_DIR", folder.join("data"))
            .env("ANDMEKOGU_REGISTERS_DIR", folder.join("registers"))
            .env("ANDMEKOGU_DATABASE_URL", database)
            .env("ANDMEKOGU_LISTEN", "127.0.0.1:0")
            .env_remove("RUST_LOG");
        command
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("registers").join(path)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// `andmekogu reload`, and what it printed.
    fn reload(&self) -> (bool, String) {
        let Output { status, stdout, stderr } =
            Self::command(self.folder.path(), &self.database).arg("reload").output().unwrap();
        let said = if stdout.is_empty() { stderr } else { stdout };
        (status.success(), String::from_utf8(said).unwrap())
    }

    fn shows(&self, register: &str) -> bool {
        Visitor::at(&self.base).get(&format!("/r/{register}/statute")).status == 200
    }

    fn sockets(&self) -> usize {
        let entries = fs::read_dir(self.folder.path().join("data")).unwrap();
        entries.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().ends_with(".sock")).count()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn with_the_program(scenario: impl Fn(Program)) {
    scenario(Program::start(Place::sqlite()));
    match Place::postgres() {
        Some(place) => {
            andmekogu::store::migrate::migrate(&place.url).unwrap();
            scenario(Program::start(place));
        }
        None => no_postgres(),
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_command_takes_the_folder_into_use_and_tells_every_fault_where_it_cannot() {
    with_the_program(|program| {
        assert_eq!(program.reload(), (true, "Reloaded: nothing has changed\n".to_owned()));
        assert!(!program.shows(NEW));
        copy_as(&Path::new("tests/registers").join(NEW), &program.file(""), NEW);
        let (good, said) = program.reload();
        assert!(good && said.contains(&format!("{NEW}, in force from")) && said.ends_with("\nReloaded\n"), "{said}");
        assert!(program.shows(NEW));

        // Three files are broken, and one register is not: all the faults, and nothing of it in use.
        fs::remove_dir_all(program.file(NEW)).unwrap();
        edit(&program.file(&format!("{REGISTER}/clauses.toml")), "[[clause]]", "[[clause]");
        edit(&program.file(&format!("{REGISTER}/{EMPLOYEE}")), "required = true", "requried = true");
        let described = "pietarsaari-yksityisteiden/register.toml";
        edit(&program.file(described), "short_name", "shortest_name = 1\nshort_name");
        let (good, said) = program.reload();
        assert!(!good && said.ends_with("Not reloaded: the server goes on with the definitions it had\n"), "{said}");
        for file in [&format!("{REGISTER}/clauses.toml"), &format!("{REGISTER}/{EMPLOYEE}"), described] {
            let there = format!("{}:", program.file(file).display());
            assert!(said.lines().any(|line| line.starts_with(&there)), "{file}: {said}");
            assert!(program.log().contains(&there), "{file} is in the server's log");
        }
        assert!(program.shows(NEW) && program.shows(REGISTER), "the old ones stay in use");
        // A reload that was refused does no harm to the next one.
        for name in [REGISTER, "pietarsaari-yksityisteiden"] {
            fs::remove_dir_all(program.file(name)).unwrap();
            copy_as(&Path::new(SHIPPED).join(name), &program.file(""), name);
        }
        let (good, said) = program.reload();
        assert!(good && said.contains("gone, was"), "{said}");
        assert!(!program.shows(NEW));

        program.signal("-TERM");
        until("the server takes leave", || program.sockets() == 0);
        let (good, said) = program.reload();
        assert!(!good && said.contains("no server answers here"), "{said}");
    });
}

#[test]
fn a_hangup_signal_reloads_and_a_broken_folder_is_told_in_the_log() {
    with_the_program(|program| {
        copy_as(&Path::new("tests/registers").join(NEW), &program.file(""), NEW);
        program.signal("-HUP");
        until("the new register is there", || program.shows(NEW));
        let broken = format!("{NEW}/register.toml");
        edit(&program.file(&broken), "short_name", "shortest_name = 1\nshort_name");
        program.signal("-HUP");
        let there = format!("{}:", program.file(&broken).display());
        until("the fault is told", || program.log().contains(&there));
        until("and that nothing changed", || program.log().contains("the old ones stay in use"));
        assert!(program.shows(NEW));
    });
}

#[test]
fn a_socket_that_a_killed_server_left_behind_is_in_nobodys_way() {
    let mut program = Program::start(Place::sqlite());
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    assert_eq!(program.sockets(), 1);
    let (good, said) = program.reload();
    assert!(!good && said.contains("no server answers here"), "{said}");
    let again = Program::command(program.folder.path(), &program.database)
        .arg("serve")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    program.child = again;
    until("the next server can be asked", || program.reload().0);
    assert_eq!(program.sockets(), 1, "and what the other had left is gone");
}
