//! The log: who did and saw what, and that nothing of it was altered.

use std::process::Command;

use andmekogu::domain::audit::checkpoint::NoteVerifier;
use andmekogu::domain::audit::tree;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::people::{School, code};
use crate::harness::{REGISTER, on_both_databases};

fn hash(text: &Value) -> [u8; 32] {
    STANDARD.decode(text.as_str().unwrap()).unwrap().try_into().unwrap()
}

#[test]
fn a_read_is_logged_with_the_records_served() {
    on_both_databases(|h| {
        let s = School::open(h);
        let second = s.office.hire(&s.clerk, "Kask", &code(1990, 1)).id();
        let list = format!("/registers/{REGISTER}/records/employee");
        s.clerk.with("X-Purpose", "aastaaruanne").get(&list).expect(200);
        let supervisor = s.h.login("supervisor");
        let log = supervisor.get(&format!("/registers/{REGISTER}/audit?actor=hr_clerk&action=record.list")).expect(200);
        let event = &log.body["items"][0];
        let mut served: Vec<_> = event["record_ids"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
        served.sort_unstable();
        let mut expected = [s.employee.as_str(), second.as_str()];
        expected.sort_unstable();
        assert_eq!(served, expected, "one entry for the list, with every record");
        assert_eq!(event["purpose"], "aastaaruanne");
        assert_eq!(event["clause"], "§ 20 lg 2 p 2");
        assert!(event["sections"].as_array().unwrap().contains(&json!("pay")));
        for subject in [&s.employee, &s.personal_code] {
            let about = supervisor.get(&format!("/registers/{REGISTER}/audit?subject={subject}")).expect(200);
            let actions: Vec<_> = about.body["items"].as_array().unwrap().iter().map(|e| e["action"].clone()).collect();
            assert!(
                actions.contains(&json!("record.list")) && actions.contains(&json!("record.create")),
                "{actions:?}"
            );
        }
    });
}

#[test]
fn a_supervisor_reads_who_saw_what_and_is_logged() {
    on_both_databases(|h| {
        let s = School::open(h);
        let supervisor = s.h.login("supervisor");
        supervisor.get(&format!("/registers/{REGISTER}/audit?subject={}", s.personal_code)).expect(200);
        let reviews = supervisor.get(&format!("/registers/{REGISTER}/audit?action=audit.read")).expect(200);
        assert_eq!(reviews.body["items"][0]["actor"]["name"], "supervisor");
        assert_eq!(reviews.body["items"][0]["record_ids"], json!([s.employee]), "whose log was read");
        let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document],
                             "data": { "load_on_post": "0.10" } });
        let refused = supervisor.patch(&s.path(), 1, &change).expect(403);
        assert_eq!(refused.body["clause"], "§ 15", "supervision enters nothing");
        s.clerk.get(&format!("/registers/{REGISTER}/audit")).expect(403);
    });
}

#[test]
fn the_log_is_filtered_by_time_decision_and_person() {
    on_both_databases(|h| {
        let s = School::open(h);
        let supervisor = s.h.login("supervisor");
        let found = |query: &str| {
            let answer = supervisor.get(&format!("/registers/{REGISTER}/audit?limit=500&{query}")).expect(200);
            answer.body["items"].as_array().unwrap().clone()
        };
        assert!(found("to=2026-11-19").is_empty());
        assert!(!found("from=2026-11-20&to=2026-11-20").is_empty());
        assert!(found("from=2026-11-20T11:00:00Z").is_empty());
        assert!(found("actor=nobody_of_that_name").is_empty());
        assert!(!found(&format!("record_id={}", s.employee)).is_empty());
        let all = found("");
        let seqs: Vec<_> = all.iter().filter_map(|e| e["seq"].as_i64()).collect();
        assert!(seqs.windows(2).all(|w| w[0] > w[1]), "newest first");
        let first = supervisor.get(&format!("/registers/{REGISTER}/audit?limit=3")).expect(200).body;
        let next = first["next_cursor"].as_str().unwrap();
        let second = supervisor.get(&format!("/registers/{REGISTER}/audit?limit=3&cursor={next}")).expect(200).body;
        assert_ne!(first["items"][2]["id"], second["items"][0]["id"]);
    });
}

#[test]
fn a_checkpoint_proves_that_nothing_was_altered() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.h.integrated();
        let supervisor = s.h.login("supervisor");
        let base = format!("/registers/{REGISTER}/audit");
        let vkey = supervisor.get(&format!("{base}/vkey")).expect(200).text;
        let verifier = NoteVerifier::parse(vkey.trim()).unwrap();
        s.h.integrated();
        let old_note = supervisor.get(&format!("{base}/checkpoint")).expect(200).text;
        let old = verifier.verify(&old_note).unwrap();
        for n in 0..20 {
            s.office.hire(&s.clerk, "Kask", &code(1990, n));
        }
        s.h.integrated();
        let new_note = supervisor.get(&format!("{base}/checkpoint")).expect(200).text;
        let new = verifier.verify(&new_note).unwrap();
        assert!(new.size > old.size);
        let consistency =
            supervisor.get(&format!("{base}/consistency?from={}&to={}", old.size, new.size)).expect(200).body;
        let proof: Vec<_> = consistency["proof"].as_array().unwrap().iter().map(hash).collect();
        tree::verify_consistency(old.size, new.size, &old.root, &new.root, &proof).unwrap();
        let seq = old.size - 1;
        let inclusion = supervisor.get(&format!("{base}/{seq}/inclusion?size={}", new.size)).expect(200).body;
        let proof: Vec<_> = inclusion["proof"].as_array().unwrap().iter().map(hash).collect();
        tree::verify_inclusion(&hash(&inclusion["leaf_hash"]), seq, new.size, &proof, &new.root).unwrap();
        for (path, status) in [
            ("0/inclusion?size=999999", 404),
            ("999999/inclusion", 404),
            ("consistency?from=5&to=2", 404),
            ("x/inclusion", 404),
            ("consistency?from=x", 400),
        ] {
            assert_eq!(supervisor.get(&format!("{base}/{path}")).status, status, "{path}");
        }

        // An outsider's own program, written from the description of the log, comes to the same end.
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let export = supervisor.get(&format!("{base}/export?from=0&to={}", new.size)).expect(200).text;
        let (export, old_note, new_note) = (write("export", &export), write("old", &old_note), write("new", &new_note));
        let verdict = |export: &std::path::Path| {
            Command::new("python3")
                .arg("tests/verifier/verify.py")
                .args(["--vkey", vkey.trim(), "--checkpoint"])
                .arg(&new_note)
                .arg("--export")
                .arg(export)
                .arg("--old-checkpoint")
                .arg(&old_note)
                .output()
                .expect("python3 runs")
        };
        let honest = verdict(&export);
        assert!(honest.status.success(), "{}", String::from_utf8_lossy(&honest.stderr));
        let text = std::fs::read_to_string(&export).unwrap();
        let forged = write("forged", &text.replacen("hr_clerk", "it_clerk", 1));
        assert!(!verdict(&forged).status.success(), "one word changed in one event is found");
        let lines: Vec<&str> = text.lines().collect();
        let dropped = write("dropped", &lines[1..].join("\n"));
        assert!(!verdict(&dropped).status.success(), "a line left out is found");
    });
}

#[test]
fn whoever_changes_the_database_is_found_out() {
    on_both_databases(|h| {
        let s = School::open(h);
        assert_eq!(s.h.audit_faults(), Vec::<String>::new());
        let place = &s.h.place;
        if place.url.is_sqlite() {
            for table in ["audit_event", "audit_leaf", "audit_payload"] {
                let refused = place.sql(&format!("UPDATE {table} SET register = register")).unwrap_err();
                assert!(refused.contains("only grows") || refused.contains("never rewritten"), "{refused}");
            }
            place.sql("DROP TRIGGER audit_payload_no_update").unwrap();
        }
        place.sql("UPDATE audit_payload SET body = REPLACE(body, 'record.create', 'record.change')").unwrap();
        assert!(!s.h.audit_faults().is_empty(), "every rewritten event is found");
        let School { h, .. } = s;
        drop(h.without_final_check());
    });
}

#[test]
fn whoever_changes_what_an_entry_asserts_is_found_out() {
    on_both_databases(|h| {
        let s = School::open(h);
        if s.h.place.url.is_sqlite() {
            s.h.place.sql("DROP TRIGGER entry_no_update").unwrap();
        }
        s.h.place.sql("UPDATE entry SET data = REPLACE(data, '1820.00', '2820.00')").unwrap();
        let faults = s.h.audit_faults();
        assert!(faults.iter().any(|f| f.contains("does not assert")), "{faults:?}");
        let School { h, .. } = s;
        drop(h.without_final_check());
    });
}

#[test]
fn no_personal_data_stand_in_the_hashed_log_or_in_events() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.clerk.get(&format!("/registers/{REGISTER}/records/employee?q={}", s.personal_code)).expect(200);
        s.clerk.get(&format!("/registers/{REGISTER}/records/employee?filter[personal_code]={}", s.personal_code));
        for line in s.h.export(REGISTER) {
            let text = line.to_string();
            for value in [s.personal_code.as_str(), "Tamm", "1820.00"] {
                assert!(!text.contains(value), "{value} stands in {text}");
            }
            let leaf = line["leaf"].as_str().unwrap();
            assert!(!leaf.contains("hr_clerk") && !leaf.contains(&s.employee), "{leaf}");
        }
    });
}
