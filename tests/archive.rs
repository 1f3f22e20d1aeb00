//! What is handed over to an archive opens in the archive's own tools, can be checked without us, and binds what it says;
//! and the acts drawn up over it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use andmekogu::archive::{
    self, ArchiveError, Basis, DefinitionInForce, PackageHead, PackagedDocument, PackagedEntry, PackagedFile,
    PackagedProof, PackagedRecord, Recipient, Source, SourceError,
};
use andmekogu::domain::audit::canonical::canonical_value;
use andmekogu::domain::audit::checkpoint::{Checkpoint, NoteSigner};
use andmekogu::domain::audit::leaf::{self, Leaf};
use andmekogu::domain::audit::tree::{Frontier, Subtree, inclusion_proof};
use andmekogu::domain::audit::{Hash, Kind};
use andmekogu::domain::hex;
use andmekogu::domain::record::entry::content_digest;
use andmekogu::domain::statute::Definition;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const ORIGIN: &str = "register.example/test";
const PDF: &[u8] = b"%PDF-1.7\nkaskkiri\n";

/// A register's content, with a real log behind it.
#[derive(Clone)]
struct Content {
    head: PackageHead,
    pages: Vec<Vec<PackagedRecord>>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Source for Content {
    fn head(&self) -> &PackageHead {
        &self.head
    }

    fn records(&mut self) -> Result<Vec<PackagedRecord>, SourceError> {
        if self.pages.is_empty() { Ok(Vec::new()) } else { Ok(self.pages.remove(0)) }
    }

    fn file(&mut self, sha256: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.files.get(sha256).cloned())
    }
}

fn instant() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2031, 3, 1, 8, 30, 0).unwrap()
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x01a1_fd8c_6900_7000_8000_0000_0000_0000 + n)
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn definition() -> Arc<Definition> {
    let all =
        andmekogu::config::registers::read_any(Path::new("config/registers/75025973-persona")).unwrap().definitions;
    Arc::new(all.into_iter().next_back().unwrap())
}

/// Employees and their entries, one event of the log each; every third has a letter with strange characters.
fn content(records: usize) -> Content {
    let definition = definition();
    let letter = digest(PDF);
    let mut leaves: Vec<(Leaf, [u8; 32], Value)> = Vec::new();
    let mut found = Vec::new();
    for n in 0..records {
        let record_id = id(n as u128 * 16);
        let mut entries = Vec::new();
        let mut places = Vec::new();
        for number in 1..=(1 + n % 2) {
            let seq = leaves.len() as u64;
            let entry_id = id(n as u128 * 16 + number as u128);
            let data = json!({
                "last_name": format!("Žukovskaja-Müür \"{n}\", <b>=1+1</b>\n& teine rida"),
                "first_name": "Õie",
                "personal_code": "49001010010",
                "trainings": [{"title": "esmaabi", "hours": n}],
                "fancy": {"unknown": true},
            });
            let reason = (number > 1).then(|| "perekonnanimi muutus".to_owned());
            let recorded_at = format!("2026-11-21T10:00:00.{seq:06}Z");
            let event = json!({
                "id": id(1 << 40 | u128::from(seq)),
                "register": definition.register.short_name,
                "recorded_at": recorded_at,
                "kind": "write",
                "action": "record.change",
                "decision": "permitted",
                "actor": {"name": "mari.maasikas"},
                "record_ids": [record_id],
                "entry_id": entry_id,
                "detail": {
                    "effective_on": "2026-11-21",
                    "number": number,
                    "content_sha256": content_digest(&data.to_string(), reason.as_deref()),
                },
            });
            let salt = <[u8; 32]>::from(Sha256::digest(seq.to_be_bytes()));
            let leaf = Leaf {
                seq,
                recorded_at_micros: Utc.with_ymd_and_hms(2026, 11, 21, 10, 0, 0).unwrap().timestamp_micros()
                    + i64::try_from(seq).unwrap(),
                kind: Kind::Write,
                commitment: leaf::commit(&salt, &canonical_value(&event).unwrap()),
            };
            leaves.push((leaf, salt, event));
            places.push(seq);
            entries.push(PackagedEntry {
                id: entry_id,
                number: number as u64,
                kind: if number == 1 { "create" } else { "change" }.to_owned(),
                effective_on: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap(),
                recorded_at,
                data,
                reason,
                supersedes: None,
                actor: "mari.maasikas".to_owned(),
                definition_digest: definition.digest.clone(),
                base_documents: vec![id(7)],
            });
        }
        let file = PackagedFile {
            sha256: letter.clone(),
            file_name: "../käskkiri.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
        };
        found.push((
            PackagedRecord {
                record_id,
                record_type: "employee".to_owned(),
                institution_id: Some(id(3)),
                institution_name: Some("Kuuse Kool".to_owned()),
                state: entries.last().unwrap().data.clone(),
                entries,
                documents: vec![PackagedDocument {
                    id: id(7),
                    kind: "order".to_owned(),
                    number: Some("1-2/3".to_owned()),
                    date: NaiveDate::from_ymd_opt(2026, 11, 20),
                    title: "Käskkiri".to_owned(),
                    file: (n % 3 == 0).then(|| file.clone()),
                }],
                files: Vec::new(),
                proofs: Vec::new(),
            },
            places,
        ));
    }
    let mut frontier = Frontier::default();
    let mut nodes: HashMap<Subtree, Hash> = HashMap::new();
    for (leaf, _, _) in &leaves {
        nodes.insert(Subtree { level: 0, index: leaf.seq }, leaf.hash());
        frontier.push(leaf.hash(), |subtree, hash| {
            nodes.insert(subtree, hash);
        });
    }
    let size = leaves.len() as u64;
    for (record, places) in &mut found {
        record.proofs = places
            .iter()
            .map(|&seq| {
                let (leaf, salt, event) = &leaves[usize::try_from(seq).unwrap()];
                let path = inclusion_proof(seq, size, &mut |s| nodes.get(&s).copied().ok_or(())).unwrap();
                PackagedProof {
                    seq,
                    leaf: leaf.text(),
                    salt: Some(STANDARD.encode(salt)),
                    event: Some(event.clone()),
                    path: path.iter().map(|hash| hex(hash)).collect(),
                }
            })
            .collect();
    }
    let signer = NoteSigner::new(ORIGIN, &[7; 32]).unwrap();
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: frontier.root() };
    let records: Vec<PackagedRecord> = found.into_iter().map(|(record, _)| record).collect();
    Content {
        head: PackageHead {
            id: id(1),
            number: "2031-3".to_owned(),
            definitions: vec![DefinitionInForce { in_force_from: definition.register.act.in_force_from, definition }],
            basis: vec![Basis {
                rule: "personnel".to_owned(),
                label: "Personaliandmed".to_owned(),
                clause: "§ 19".to_owned(),
                series: Some("1-3".to_owned()),
                appraisal: Some("12, 03.02.2030".to_owned()),
                consent: None,
            }],
            made_at: instant(),
            checkpoint: signer.sign(&checkpoint).unwrap(),
            vkey: signer.vkey(),
            recipient: Recipient { name: "Rahvusarhiiv <RA> & co".to_owned(), code: Some("70005179".to_owned()) },
            submission_agreement: Some("RA-2031/7".to_owned()),
        },
        pages: records.chunks(10).map(<[PackagedRecord]>::to_vec).collect(),
        files: BTreeMap::from([(letter, PDF.to_vec())]),
    }
}

pub fn written(records: usize) -> (tempfile::TempDir, archive::Package) {
    let folder = tempfile::tempdir().unwrap();
    let package = archive::write(&mut content(records), folder.path()).unwrap();
    (folder, package)
}

fn sip(package: &archive::Package) -> PathBuf {
    package.folder.join("data").join(format!("uuid-{}", id(1)))
}

/// The Python with the archive's tools, if `scripts/test` has made it.
fn archivists_python() -> Option<PathBuf> {
    let python = std::env::var_os("ANDMEKOGU_TEST_ARCHIVE_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("NOT RUN with eark-validator and bagit: ANDMEKOGU_TEST_ARCHIVE_PYTHON is not set; use scripts/test");
        assert!(std::env::var("CI").is_err(), "in CI the archive's own tools are there");
    }
    python
}

fn reader(package: &Path, more: &[&str]) -> std::process::Output {
    let mut command = Command::new("python3");
    command.arg("tests/reader/read_package.py").arg(package).args(more).output().expect("python3 runs")
}

pub fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn the_package_opens_in_the_archives_own_tools_and_a_changed_byte_does_not() {
    let (_folder, package) = written(25);
    let Some(python) = archivists_python() else { return };
    let report = Command::new(&python).arg("tests/reader/validate_eark.py").arg(sip(&package)).output().unwrap();
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["structure"], "WellFormed", "{report:#}");
    assert_eq!(report["schema"], "VALID", "{report:#}");
    // SIP14 asks for an attribute without a namespace, which the METS schema refuses: no package can satisfy both.
    let errors: Vec<&str> = report["errors"].as_array().unwrap().iter().filter_map(|e| e["rule"].as_str()).collect();
    assert_eq!(errors, ["SIP14"], "{report:#}");
    eprintln!("warnings of eark-validator: {}", report["warnings"]);

    let bagit = || Command::new(&python).args(["-m", "bagit", "--validate", "--quiet"]).arg(&package.folder).status();
    assert!(bagit().unwrap().success());
    flip(&sip(&package).join("representations/rep1/data/employee.csv"));
    assert!(!bagit().unwrap().success());
    assert!(matches!(archive::check(&package.folder), Err(ArchiveError::Invalid(_))));
}

#[test]
fn what_was_written_is_what_is_found() {
    let (_folder, package) = written(25);
    assert_eq!(archive::check(&package.folder).unwrap(), package);
    let counts = package.counts["employee"];
    assert_eq!((counts.records, counts.entries, package.documents, package.proofs), (25, 37, 1, 37));
}

#[test]
fn the_same_content_gives_the_same_bytes_however_it_is_paged() {
    let (_folder, package) = written(25);
    let mut other = content(25);
    other.pages = other.pages.concat().chunks(3).map(<[PackagedRecord]>::to_vec).collect();
    let folder = tempfile::tempdir().unwrap();
    let again = archive::write(&mut other, folder.path()).unwrap();
    assert_eq!(again.manifest_sha256, package.manifest_sha256);
    let tags = |p: &archive::Package| std::fs::read(p.folder.join("tagmanifest-sha256.txt")).unwrap();
    assert_eq!(tags(&again), tags(&package));
}

#[test]
fn an_outsider_reads_every_record_back_and_proves_its_entries_in_the_log() {
    let (_folder, package) = written(25);
    let expected = tempfile::tempdir().unwrap();
    let lines: Vec<String> = content(25)
        .pages
        .concat()
        .iter()
        .map(|r| {
            let seqs: Vec<u64> = r.proofs.iter().map(|p| p.seq).collect();
            let entries: Vec<Value> = r
                .entries
                .iter()
                .map(|e| {
                    json!({
                        "id": e.id, "number": e.number, "kind": e.kind, "effective_on": "2026-11-21",
                        "recorded_at": e.recorded_at, "data": e.data, "reason": e.reason, "supersedes": null,
                        "actor": "mari.maasikas", "definition_digest": e.definition_digest, "base_documents": [id(7)],
                    })
                })
                .collect();
            json!({
                "record_id": r.record_id, "record_type": "employee", "institution_id": id(3),
                "institution_name": "Kuuse Kool", "state": r.state, "entries": entries, "proofs": seqs,
            })
            .to_string()
        })
        .collect();
    std::fs::write(expected.path().join("employee.ndjson"), lines.join("\n") + "\n").unwrap();
    let vkey = content(1).head.vkey;
    let expected = expected.path().display().to_string();
    let told = reader(&package.folder, &["--expected", &expected, "--vkey", &vkey]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("25 records, 37 entries"), "{told}");
    assert!(told.contains("37 entries are what was logged"), "{told}");

    std::fs::write(Path::new(&expected).join("employee.ndjson"), lines[1..].join("\n") + "\n").unwrap();
    assert!(!reader(&package.folder, &["--expected", &expected]).status.success(), "one record more than expected");
    let stranger = NoteSigner::new(ORIGIN, &[8; 32]).unwrap().vkey();
    assert!(!reader(&package.folder, &["--vkey", &stranger]).status.success(), "another register's key");
}

#[test]
fn every_single_file_of_the_package_is_bound() {
    let (_folder, package) = written(4);
    let mut folders = vec![package.folder.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).unwrap().flatten() {
            if item.path().is_dir() { folders.push(item.path()) } else { files.push(item.path()) }
        }
    }
    assert!(files.len() > 15);
    for file in files {
        let before = std::fs::read(&file).unwrap();
        flip(&file);
        assert!(archive::check(&package.folder).is_err(), "changed: {}", file.display());
        std::fs::remove_file(&file).unwrap();
        assert!(archive::check(&package.folder).is_err(), "removed: {}", file.display());
        std::fs::write(&file, before).unwrap();
    }
    archive::check(&package.folder).unwrap();
    std::fs::write(sip(&package).join("lisa.txt"), "x").unwrap();
    assert!(archive::check(&package.folder).is_err(), "a file too many");
}

#[test]
fn a_forger_who_mends_the_manifest_still_meets_the_log() {
    let (_folder, package) = written(4);
    let data = sip(&package).join("representations/rep1/data");
    let reseal = || {
        // Somebody who knows BagIt and METS replaces every digest.
        let told = Command::new("python3").args(["-c", RESEAL]).arg(&package.folder).status().unwrap();
        assert!(told.success());
    };
    reseal();
    assert!(reader(&package.folder, &[]).status.success());
    for name in ["employee.ndjson", "employee.csv", "employee.entries.csv"] {
        let text = std::fs::read_to_string(data.join(name)).unwrap();
        std::fs::write(data.join(name), text.replace("Õie", "Õue")).unwrap();
    }
    reseal();
    archive::check(&package.folder).unwrap();
    let told = reader(&package.folder, &[]);
    assert!(!told.status.success());
    assert!(String::from_utf8_lossy(&told.stderr).contains("is not what was logged"));
}

/// Makes the digests and sizes of a package right again, after a change of as many bytes.
const RESEAL: &str = r#"
import hashlib, os, sys
bag = sys.argv[1]
digest = lambda path: hashlib.sha256(open(path, "rb").read()).hexdigest()
manifest = os.path.join(bag, "manifest-sha256.txt")
old = [line.split("  ", 1) for line in open(manifest, encoding="utf-8").read().splitlines()]
first = [p for _, p in old if p.endswith("/rep1/METS.xml")]
for path in first + [p for _, p in old if p.count("/") == 2 and p.endswith("/METS.xml")]:
    path = os.path.join(bag, path)
    text = open(path, encoding="utf-8").read()
    for d, p in old:
        text = text.replace(d, digest(os.path.join(bag, p)))
    open(path, "w", encoding="utf-8").write(text)
open(manifest, "w", encoding="utf-8").write("".join(f"{digest(os.path.join(bag, p))}  {p}\n" for d, p in old))
tags = os.path.join(bag, "tagmanifest-sha256.txt")
names = [line.split("  ", 1)[1] for line in open(tags).read().splitlines()]
open(tags, "w").write("".join(f"{digest(os.path.join(bag, n))}  {n}\n" for n in names))
"#;

#[test]
fn what_contradicts_the_log_is_not_packaged() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut Content)| {
        let mut content = content(5);
        change(&mut content);
        let why = archive::write(&mut content, folder.path()).unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
        assert!(matches!(why, ArchiveError::Unsound(_)), "{why}");
        assert!(!why.to_string().contains("Žukovskaja") && !why.to_string().contains("49001010010"), "{why}");
        why.to_string()
    };
    let entry = |c: &mut Content| c.pages[0][1].entries[0].data["first_name"] = json!("Eha");
    assert!(refused(&entry).contains("the entry is not the one"));
    let event = |c: &mut Content| c.pages[0][1].proofs[0].event.as_mut().unwrap()["role"] = json!("other");
    assert!(refused(&event).contains("the event is not the one"));
    let path = |c: &mut Content| c.pages[0][1].proofs[0].path.swap(0, 1);
    assert!(refused(&path).contains("does not lead to the checkpoint"));
    let note = |c: &mut Content| c.head.checkpoint = c.head.checkpoint.replace("\n7\n", "\n8\n");
    assert!(refused(&note).contains("checkpoint is not to be believed"));
    assert!(refused(&|c| c.files.values_mut().for_each(|f| f.push(b'!'))).contains("was altered"));
    assert!(refused(&|c| c.files.clear()).contains("is missing"));
    assert!(refused(&|c| c.pages[0].swap(0, 1)).contains("order"));
    assert!(refused(&|c| c.pages.clear()).contains("no record"));
    assert!(refused(&|c| c.pages[0][0].record_type = "../x".to_owned()).contains("no definition knows"));
}

#[test]
fn an_erased_event_leaves_its_place_and_its_proof() {
    let mut content = content(5);
    let proof = &mut content.pages[0][2].proofs[0];
    (proof.salt, proof.event) = (None, None);
    let folder = tempfile::tempdir().unwrap();
    let package = archive::write(&mut content, folder.path()).unwrap();
    let told = reader(&package.folder, &[]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn a_killed_writing_is_started_over_and_a_finished_package_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let name = archive::name_of(&content(1).head);
    let part = folder.path().join(format!("{name}.part"));
    std::fs::create_dir_all(part.join("data/uuid-old")).unwrap();
    std::fs::write(part.join("data/uuid-old/half"), "x").unwrap();
    let package = archive::write(&mut content(3), folder.path()).unwrap();
    assert_eq!(package.name, name);
    assert!(!part.exists());
    archive::check(&package.folder).unwrap();
    assert!(matches!(archive::write(&mut content(3), folder.path()), Err(ArchiveError::Exists { .. })));
    archive::check(&package.folder).unwrap();
}

#[test]
fn a_source_that_breaks_off_leaves_nothing() {
    struct Breaks(Content);
    impl Source for Breaks {
        fn head(&self) -> &PackageHead {
            &self.0.head
        }
        fn records(&mut self) -> Result<Vec<PackagedRecord>, SourceError> {
            match self.0.records()? {
                page if page.is_empty() => Err(SourceError("the database is gone".to_owned())),
                page => Ok(page),
            }
        }
        fn file(&mut self, sha256: &str) -> Result<Option<Vec<u8>>, SourceError> {
            self.0.file(sha256)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let why = archive::write(&mut Breaks(content(5)), folder.path()).unwrap_err();
    assert!(why.to_string().contains("the database is gone"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_register_that_closes_hands_over_its_whole_log_and_any_verifier_reads_it_in_the_package() {
    struct Closing(Content, Vec<Vec<String>>);
    impl Source for Closing {
        fn head(&self) -> &PackageHead {
            &self.0.head
        }
        fn records(&mut self) -> Result<Vec<PackagedRecord>, SourceError> {
            self.0.records()
        }
        fn file(&mut self, sha256: &str) -> Result<Option<Vec<u8>>, SourceError> {
            self.0.file(sha256)
        }
        fn log(&mut self) -> Result<Vec<String>, SourceError> {
            if self.1.is_empty() { Ok(Vec::new()) } else { Ok(self.1.remove(0)) }
        }
    }
    let content = content(9);
    let lines: Vec<String> = content
        .pages
        .concat()
        .iter()
        .flat_map(|record| &record.proofs)
        .map(|p| json!({"seq": p.seq, "leaf": p.leaf, "salt": p.salt, "event": p.event}).to_string())
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let short = lines[1..].to_vec();
    let why = archive::write(&mut Closing(content.clone(), vec![short]), folder.path()).unwrap_err();
    assert!(why.to_string().contains("is not that of the checkpoint"), "{why}");

    let pages = lines.chunks(4).map(<[String]>::to_vec).collect();
    let package = archive::write(&mut Closing(content.clone(), pages), folder.path()).unwrap();
    archive::check(&package.folder).unwrap();
    let log = sip(&package).join("representations/rep1/data/log");
    let told = Command::new("python3")
        .arg("tests/verifier/verify.py")
        .args(["--vkey", &content.head.vkey, "--checkpoint"])
        .arg(log.join("checkpoint.txt"))
        .arg("--export")
        .arg(log.join("export.ndjson"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

/// A file system of so many kilobytes, if we may make one.
pub struct SmallDisk(pub tempfile::TempDir);

impl SmallDisk {
    pub fn new(kilobytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|told| told.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("NOT RUN on a full disk: a file system of a fixed size can be mounted by root only");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_half_written_stays() {
    for kilobytes in [16, 64, 300] {
        let Some(disk) = SmallDisk::new(kilobytes) else { return };
        let mut content = content(200);
        let why = archive::write(&mut content, disk.0.path()).unwrap_err();
        assert!(matches!(why, ArchiveError::Full { .. }), "{why}");
        assert!(why.to_string().contains("the disk is full"), "{why}");
        assert_eq!(std::fs::read_dir(disk.0.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_overview_is_for_people_without_scripts_and_without_personal_data() {
    let (_folder, package) = written(5);
    let read = |name: &str| std::fs::read_to_string(sip(&package).join("documentation").join(name)).unwrap();
    let (text, html) = (read("overview.txt"), read("overview.html"));
    for overview in [&text, &html] {
        for part in ["§ 19", "1-3", "12, 03.02.2030", "Kirjeid / Records: 5", "first_name"] {
            assert!(overview.contains(part), "{part}");
        }
        for part in ["<script", "javascript", "http://", "Žukovskaja", "49001010010"] {
            assert!(!overview.contains(part), "{part}");
        }
    }
    assert!(html.contains("Rahvusarhiiv &lt;RA&gt; &amp; co"));
}

#[test]
fn the_schema_and_description_in_the_package_fit_its_data() {
    let (_folder, package) = written(3);
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(sip(&package).join(name)).unwrap()).unwrap()
    };
    let schema = read("schemas/employee.schema.json");
    assert!(schema["properties"]["first_name"].is_object());
    let described = read("documentation/datapackage.json");
    let columns: Vec<&str> = described["resources"][0]["schema"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    let csv = std::fs::read(sip(&package).join("representations/rep1/data/employee.csv")).unwrap();
    let mut table = csv::Reader::from_reader(csv.as_slice());
    assert_eq!(table.headers().unwrap().iter().collect::<Vec<_>>(), columns);
    let row: HashMap<String, String> = table.deserialize().next().unwrap().unwrap();
    assert_eq!(row["first_name"], "Õie");
    assert_eq!(row["_other"], r#"{"fancy":{"unknown":true}}"#);
    let citizenship = described["resources"][0]["schema"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["name"] == "citizenship")
        .unwrap();
    assert!(citizenship["x-clause"].as_str().unwrap().starts_with('§'));
    for (list, codes) in described["x-codelists"].as_object().unwrap() {
        assert!(!codes.as_array().unwrap().is_empty(), "{list}");
    }
    assert_eq!(
        read(&format!(
            "documentation/definition-{}-{}.json",
            definition().register.act.in_force_from,
            &definition().digest[..12]
        ))["digest"],
        definition().digest
    );
}
