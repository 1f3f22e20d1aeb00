//! The end of a register: who decides it and who approves, what is refused from its day, what goes and what stays, what
//! everybody can read of it, and that its package comes back as it went.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use andmekogu::app::bring::Incoming;
use andmekogu::store::verify::verify;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::people::{School, code};
use crate::harness::{Client, Harness, Place, REGISTER, on_both_databases};

pub const CLOSED_FROM: &str = "2026-12-01";
pub const AFTER: &str = "2026-12-02T08:00:00Z";

fn at(rest: &str) -> String {
    format!("/registers/{REGISTER}/closing{rest}")
}

/// A decision that does with every record type what `action` says of it.
pub fn decision(h: &Harness, action: impl Fn(&str) -> &'static str) -> Value {
    let register = h.app.register(REGISTER).unwrap();
    let dispositions: Vec<Value> = register
        .definition
        .record_types
        .iter()
        .map(|t| json!({ "record_type": t.name, "action": action(&t.name), "on": CLOSED_FROM }))
        .collect();
    json!({
        "document": { "kind": "council_decision", "number": "12", "date": "2026-11-19" },
        "closed_from": CLOSED_FROM,
        "dispositions": dispositions,
        "steps": [
            { "name": "archive_appraisal", "reference": "RA 5-1/26, 02.11.2026" },
            { "name": "riha_end", "reference": "RIHA kooskõlastus 17.11.2026" },
            { "name": "destruction_consent", "reason": "avalik arhiiv arhivaale ei tuvastanud" },
        ],
        "receiver": { "name": "Rahvusarhiiv", "code": "70005179" },
    })
}

/// A school with the people who close a register.
pub struct End {
    pub s: School,
    pub controller: Client,
    pub archivist: Client,
}

pub fn open(h: Harness) -> End {
    let s = School::open(h);
    s.h.grant("administrator", "archivist", "archivist", json!({}));
    let (controller, archivist) = (s.h.login("controller"), s.h.login("archivist"));
    End { s, controller, archivist }
}

impl End {
    /// Decided, approved, and the day has come.
    pub fn closed(self, action: impl Fn(&str) -> &'static str) -> Self {
        let body = decision(&self.s.h, action);
        self.controller.post(&at(""), &body).expect(201);
        self.archivist.post(&at("/approval"), &json!({})).expect(200);
        self.after()
    }

    fn after(mut self) -> Self {
        self.s.h.set_clock(AFTER);
        (self.controller, self.archivist) = (self.s.h.login("controller"), self.s.h.login("archivist"));
        self.s.clerk = self.s.h.login("hr_clerk");
        self
    }

    fn execute(&self) -> Value {
        self.controller.post(&at("/execution"), &json!({})).expect(200).body
    }

    fn package(&self, view: &Value, batch: usize) -> PathBuf {
        let name = view["decision"]["batches"][batch]["package"]["name"].as_str().unwrap().to_owned();
        self.s.h.place._folder.path().join("archive").join(format!("{name}.tar"))
    }
}

fn all(action: &'static str) -> impl Fn(&str) -> &'static str {
    move |_| action
}

#[test]
fn a_register_closes_on_a_decision_and_from_its_day_nothing_is_entered() {
    on_both_databases(|h| {
        let e = open(h);
        let body = decision(&e.s.h, all("destruction"));
        e.s.clerk.post(&at(""), &body).expect(403);
        let mut wrong = body.clone();
        wrong["document"]["kind"] = json!("order_of_the_mayor");
        let refused = e.controller.post(&at(""), &wrong).expect(422);
        assert!(refused.has_fault("/document/kind", "code"), "only the council decides: {}", refused.text);
        wrong["document"] = json!({ "kind": "council_decision", "number": " ", "date": "2026-12-24" });
        let refused = e.controller.post(&at(""), &wrong).expect(422);
        assert!(refused.has_fault("/document/number", "required") && refused.has_fault("/document/date", "future"));

        let made = e.controller.post(&at(""), &body).expect(201);
        assert_eq!(made.body["decision"]["state"], "proposed");
        assert_eq!(e.controller.post(&at(""), &body).expect(409).body["code"], "closing_exists");
        let own = e.controller.post(&at("/approval"), &json!({})).expect(403);
        assert_eq!(own.body["clause"], "§ 23 lg 1", "nobody approves their own decision: {}", own.text);
        assert_eq!(e.archivist.post(&at("/approval"), &json!({ "version": 7 })).expect(409).body["code"], "stale");
        assert_eq!(e.controller.post(&at("/execution"), &json!({})).expect(409).body["code"], "closing_state");
        let approved = e.archivist.post(&at("/approval"), &json!({ "version": 1 })).expect(200);
        assert_eq!(approved.body["state"], "approved");
        assert_eq!(e.controller.post(&at("/execution"), &json!({})).expect(409).body["code"], "closing_too_early");
        e.s.office.hire(&e.s.clerk, "Viimane", &code(1990, 3));
        let catalogue = e.s.h.nobody().get("/api/public/v1/registers").expect(200);
        let line = catalogue.body["items"].as_array().unwrap().iter().find(|r| r["register"] == REGISTER).unwrap();
        assert_eq!(line["closed"], Value::Null);

        let e = e.after();
        let path = e.s.path();
        let of = |rest: &str| format!("/registers/{REGISTER}/{rest}");
        let hire = e.s.office.employee("Hiline", &code(1991, 4));
        let change = json!({ "effective_on": "2026-12-02", "base_document_ids": [e.s.office.document],
            "data": { "load_on_post": "0.50" } });
        let document = json!({ "kind": "administrative_act", "number": "1-2/35", "date": "2026-12-01" });
        let end = json!({ "ended_on": "2026-12-02", "ground": "by_employee",
            "base_document_ids": [e.s.office.document], "data": {} });
        let clerk = json!({ "user_id": e.s.h.user("hr_clerk_2"), "role": "hr_clerk", "from": "2026-12-02",
            "basis": { "kind": "job_description", "reference": "ametijuhend 3/2026" } });
        let administrator = e.s.h.login("administrator");
        for (what, answer) in [
            ("an entry", e.s.clerk.post(&of("records/employee"), &hire)),
            ("a change", e.s.clerk.patch(&path, 1, &change)),
            ("an end", e.s.clerk.with("If-Match", "\"1\"").post(&format!("{path}/end"), &end)),
            ("a base document", e.s.clerk.post(&of("base-documents"), &document)),
            ("a right to enter", administrator.post(&of("grants"), &clerk)),
        ] {
            assert_eq!(answer.status, 403, "{what} is refused: {}", answer.text);
            assert_eq!(answer.body["clause"], "§ 23 lg 1", "{what}: {}", answer.text);
            assert!(answer.text.contains("the register is closed"), "{what}: {}", answer.text);
        }
        e.s.clerk.get(&path).expect(200);
        e.archivist.get(&of("retention/due")).expect(200);
        let complaint = json!({ "subject": "Kaebus", "text": "Minu andmeid on vaadatud põhjuseta.",
            "from": { "name": "Kaja Kask", "kind": "person", "contact": "kaja.kask@post.example" },
            "received_on": "2026-12-02" });
        e.controller.post(&of("complaints"), &complaint).expect(201);
        e.s.h.grant("administrator", "archivist_2", "archivist", json!({ "from": "2026-12-02" }));
        let closed =
            e.s.h.nobody().get(&format!("/api/public/v1/registers/{REGISTER}")).expect(200).body["closed"].clone();
        assert_eq!((&closed["since"], &closed["state"]), (&json!(CLOSED_FROM), &json!("closing")));
        assert_eq!(closed["document"]["number"], "12");
    });
}

#[test]
fn a_decision_says_of_every_class_what_becomes_of_it_and_names_what_stands_open() {
    on_both_databases(|h| {
        let e = open(h);
        let mut body = decision(&e.s.h, all("destruction"));
        let whole = body["dispositions"].clone();
        body["dispositions"].as_array_mut().unwrap().retain(|d| d["record_type"] != "employee");
        assert!(e.controller.post(&at(""), &body).expect(422).has_fault("/dispositions", "missing"));
        body["dispositions"] = whole;
        body["dispositions"][0]["on"] = json!("2026-11-25");
        assert!(e.controller.post(&at(""), &body).expect(422).has_fault("/dispositions/0/on", "early"));
        body["dispositions"][0]["on"] = json!(CLOSED_FROM);

        let hold = format!("/registers/{REGISTER}/records/employee/{}/hold", e.s.employee);
        e.controller.post(&hold, &json!({ "basis": "vaidlus" })).expect(201);
        let open = e.controller.post(&at(""), &body).expect(409);
        assert_eq!((&open.body["code"], &open.body["clause"]), (&json!("open_matters"), &json!("§ 23 lg 1")));
        assert!(open.text.contains("hold 1"), "it says what stands open: {}", open.text);
        assert_eq!(e.controller.get(&at("")).expect(200).body["open_now"]["hold"], 1);
        body["open"] = json!([{ "kind": "hold", "count": 1, "how": "" }]);
        assert!(e.controller.post(&at(""), &body).expect(422).has_fault("/open/0/how", "required"));
        body["open"][0]["how"] = json!("Andmed säilivad vaidluse lõpuni.");
        e.controller.post(&at(""), &body).expect(201);
        e.controller.post(&at("/withdrawal"), &json!({ "reason": " " })).expect(422);
        e.controller.post(&at("/withdrawal"), &json!({ "reason": "otsust muudetakse" })).expect(200);
        assert_eq!(e.controller.get(&at("")).expect(200).body["state"], "open");
        e.controller.post(&at(""), &body).expect(201);
    });
}

#[test]
fn the_steps_of_other_law_are_done_or_reasoned() {
    let e = open(Harness::start(Place::sqlite()));
    let mut body = decision(&e.s.h, all("destruction"));
    body["steps"].as_array_mut().unwrap().remove(1);
    let missing = e.controller.post(&at(""), &body).expect(422);
    assert!(missing.has_fault("/steps", "missing") && missing.text.contains("§ 23 lg 2"), "{}", missing.text);
    body["steps"][1] = json!({ "name": "riha_end" });
    assert!(e.controller.post(&at(""), &body).expect(422).has_fault("/steps/1/reference", "required"));
}

#[test]
fn everything_goes_as_decided_and_the_catalogue_says_closed_with_the_acts() {
    on_both_databases(|h| {
        let e = open(h);
        let vkey = e.s.h.app.audit_vkey(REGISTER).unwrap();
        let e = e.closed(|t| if t == "employee" { "transfer" } else { "destruction" });
        let own = e.archivist.post(&at("/execution"), &json!({})).expect(403);
        assert!(own.text.contains("approved"), "whoever approved does not carry it out: {}", own.text);
        let view = e.execute();
        assert_eq!(view["state"], "done", "{view}");
        assert_eq!(view["records"], json!({}), "nothing is left");
        assert_eq!(e.s.h.place.count("SELECT COUNT(*) FROM record"), 0);
        assert_eq!(e.s.h.place.count("SELECT COUNT(*) FROM entry"), 0);

        let public = e.s.h.nobody().get(&format!("/api/public/v1/registers/{REGISTER}")).expect(200).body;
        assert_eq!(public["closed"]["state"], "closed");
        let acts: Vec<(i64, &str)> = public["closed"]["acts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| (a["number"].as_i64().unwrap(), a["kind"].as_str().unwrap()))
            .collect();
        assert_eq!(acts, [(1, "transfer"), (2, "destruction")]);
        let list = e.controller.get("/registers").expect(200).body;
        let line = list["items"].as_array().unwrap().iter().find(|r| r["register"] == REGISTER).unwrap().clone();
        assert_eq!(line["closed"], public["closed"]);

        let batch = view["decision"]["batches"][0]["id"].as_str().unwrap().to_owned();
        let act = format!("/registers/{REGISTER}/retention/batches/{batch}/act?kind=transfer");
        let act = e.archivist.get(&act).expect(200).body;
        assert_eq!(act["recipient"]["name"], "Rahvusarhiiv");
        assert_eq!(act["basis"][0]["clause"], "§ 23 lg 1");
        assert!(act["basis"][0]["label"].as_str().unwrap().contains("Jõelähtme Vallavolikogu otsus nr 12"), "{act}");

        // The key is gone, what it signed still verifies, and nothing more is signed.
        assert!(e.s.h.app.log_keys.signer(REGISTER).is_err());
        assert_eq!(e.s.h.app.audit_vkey(REGISTER).unwrap(), vkey);
        let supervisor = e.s.h.login("supervisor");
        let last = supervisor.get(&format!("/registers/{REGISTER}/audit/checkpoint")).expect(200).text;
        assert_eq!(Some(last.as_str()), view["decision"]["last_checkpoint"].as_str());
        assert_eq!(e.execute()["state"], "done", "again changes nothing");
    });
}

#[test]
fn a_hold_keeps_a_record_and_what_it_refers_to_until_it_is_lifted() {
    on_both_databases(|h| {
        let e = open(h);
        let other = e.s.office.hire(&e.s.clerk, "Teine", &code(1992, 5)).id();
        let e = e.closed(all("destruction"));
        let hold = format!("/registers/{REGISTER}/records/employee/{}/hold", e.s.employee);
        e.controller.post(&hold, &json!({ "basis": "vaidlus töösuhte üle" })).expect(201);
        let view = e.execute();
        assert_eq!(view["state"], "closed", "{view}");
        assert_eq!(view["records"], json!({ "employee": 1, "institution": 1, "post": 1, "unit": 1 }), "{view}");
        e.s.clerk.get(&e.s.path()).expect(200);
        e.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{other}")).expect(404);
        assert_eq!(e.execute()["decision"]["batches"].as_array().unwrap().len(), 1, "nothing is batched for nothing");
        let lift = format!("{hold}?reason=vaidlus%20on%20l%C3%B5ppenud");
        e.controller.send("DELETE", &lift, None, "application/json").expect(204);
        assert_eq!(e.execute()["state"], "done");
    });
}

#[test]
fn what_was_killed_in_the_middle_goes_on_where_it_was() {
    let e = open(Harness::start(Place::sqlite()));
    let e = e.closed(all("transfer"));
    for (name, on) in [
        ("package", "BEFORE UPDATE ON retention_batch WHEN NEW.body LIKE '%manifest_sha256%'"),
        ("erasure", "BEFORE INSERT ON erasure"),
        ("act", "BEFORE INSERT ON retention_act"),
        ("end", "BEFORE UPDATE ON register_closing WHEN NEW.state = 'done'"),
    ] {
        let trigger = format!("CREATE TRIGGER killed {on} BEGIN SELECT RAISE(ABORT, 'killed'); END");
        e.s.h.place.sql(&trigger).unwrap();
        let killed = e.controller.post(&at("/execution"), &json!({}));
        assert!(killed.status >= 500, "killed at the {name}: {}", killed.text);
        assert!(e.s.h.app.log_keys.signer(REGISTER).is_ok(), "the key stays until everything has gone");
        e.s.h.place.sql("DROP TRIGGER killed").unwrap();
    }
    let view = e.execute();
    assert_eq!(view["state"], "done", "{view}");
    assert_eq!(view["decision"]["batches"].as_array().unwrap().len(), 1, "one batch, one package, one act");
    assert_eq!(view["decision"]["batches"][0]["acts"], json!({ "transfer": 1 }));
}

#[test]
fn a_key_of_its_own_is_destroyed_with_the_register() {
    let h = Harness::start(Place::sqlite());
    h.block_on(h.app.own_log_key(REGISTER)).unwrap();
    let e = open(h);
    let vkey = e.s.h.app.audit_vkey(REGISTER).unwrap();
    let seed = e.s.h.place._folder.path().join(format!("log-keys/{REGISTER}.seed"));
    assert!(seed.exists());
    let e = e.closed(all("destruction"));
    assert!(e.s.h.block_on(e.s.h.app.own_log_key(REGISTER)).is_err(), "not twice");
    let view = e.execute();
    assert_eq!((&view["state"], &view["decision"]["key"]), (&json!("done"), &json!("destroyed")));
    assert!(!seed.exists());
    assert_eq!(e.s.h.app.audit_vkey(REGISTER).unwrap(), vkey, "what it signed verifies for ever");
}

/// Brings a package into a new database: its faults, its root, and the place.
fn brought(tar: &Path, vkey: &str, place: &Place) -> (Vec<String>, String, String) {
    let work = tempfile::tempdir().unwrap();
    assert!(Incoming::open(tar, Some("other+00000000+AAAA"), work.path()).is_err(), "another key is not believed");
    let work = tempfile::tempdir().unwrap();
    let incoming = Incoming::open(tar, Some(vkey), work.path()).unwrap();
    andmekogu::store::migrate::migrate(&place.url).unwrap();
    let clock = Arc::new(andmekogu::clock::SystemClock);
    incoming.bring(&place.url, clock.clone()).unwrap();
    assert!(incoming.bring(&place.url, clock).is_err(), "it is brought once");
    let key = incoming.vkey().to_owned();
    let verifier = |_: &str| andmekogu::domain::audit::checkpoint::NoteVerifier::parse(&key).ok();
    let reports = verify(&place.url, Some(&[REGISTER.to_owned()]), &verifier, 2, &|_| {}).unwrap();
    let faults = reports.iter().flat_map(|r| r.faults.clone()).collect();
    (faults, reports[0].root.clone(), STANDARD.encode(incoming.checkpoint().root))
}

#[test]
fn the_package_read_back_has_the_same_root_and_the_same_records() {
    let databases = [Some((Place::sqlite(), Place::sqlite())), Place::postgres().zip(Place::postgres())];
    for (from, into) in databases.into_iter().flatten() {
        let e = open(Harness::start(from));
        let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [e.s.office.document],
            "data": { "load_on_post": "0.80" } });
        e.s.clerk.patch(&e.s.path(), 1, &change).expect(200);
        let checkpoint = format!("/registers/{REGISTER}/audit/checkpoint");
        e.s.h.login("supervisor").get(&checkpoint).expect(200);
        let vkey = e.s.h.app.audit_vkey(REGISTER).unwrap();
        let office = e.s.office.clone();
        let ids = [e.s.employee.clone(), office.institution, office.unit, office.post];
        let states = |place: &Place| -> Vec<String> {
            let of = |id: &String| {
                let first = format!("SELECT data FROM record_state WHERE record_id = '{id}' ORDER BY from_day LIMIT 1");
                let last =
                    format!("SELECT data FROM record_state WHERE record_id = '{id}' ORDER BY from_day DESC LIMIT 1");
                place.text(&first) + &place.text(&last)
            };
            ids.iter().map(of).collect()
        };
        let before = (states(&e.s.h.place), e.s.h.place.count("SELECT COUNT(*) FROM entry"));
        let e = e.closed(all("transfer"));
        let view = e.execute();
        assert_eq!(view["state"], "done", "{view}");
        let (faults, root, told) = brought(&e.package(&view, 0), &vkey, &into);
        assert_eq!(faults, Vec::<String>::new(), "the audit of what came back");
        assert_eq!(root, told, "the tree has the root of the checkpoint in the package");
        let after = (states(&into), into.count("SELECT COUNT(*) FROM entry"));
        assert_eq!(before, after, "record by record, and entry by entry");
        assert_eq!(into.count("SELECT COUNT(*) FROM base_document"), 1);
    }
}

#[test]
fn what_is_destroyed_is_not_in_the_package_of_what_is_handed_over() {
    let e = open(Harness::start(Place::sqlite()));
    let vkey = e.s.h.app.audit_vkey(REGISTER).unwrap();
    e.s.clerk.get(&e.s.path()).expect(200);
    let (code, id) = (e.s.personal_code.clone(), e.s.employee.clone());
    let e = e.closed(|t| if t == "employee" { "destruction" } else { "transfer" });
    let view = e.execute();
    assert_eq!(view["state"], "done", "{view}");
    let tar = e.package(&view, 0);
    let bytes = std::fs::read(&tar).unwrap();
    for canary in ["Tamm", code.as_str(), id.as_str()] {
        assert!(!bytes.windows(canary.len()).any(|w| w == canary.as_bytes()), "{canary} stands in the package");
    }
    let into = Place::sqlite();
    let (faults, root, told) = brought(&tar, &vkey, &into);
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(root, told, "leaves without words lead to the same root");
    assert_eq!(into.count("SELECT COUNT(*) FROM record"), 3);
}

#[test]
fn data_under_one_rule_may_go_another_way_than_the_rest() {
    let e = open(Harness::start(Place::sqlite()));
    let vkey = e.s.h.app.audit_vkey(REGISTER).unwrap();
    let mut body = decision(&e.s.h, all("transfer"));
    body["dispositions"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "record_type": "employee", "rule": "health", "action": "destruction", "on": CLOSED_FROM }));
    for one in body["dispositions"].as_array_mut().unwrap() {
        if one["rule"] != "health" {
            one["on"] = json!("2027-01-10");
        }
    }
    e.controller.post(&at(""), &body).expect(201);
    e.archivist.post(&at("/approval"), &json!({})).expect(200);
    let e = e.after();
    let view = e.execute();
    assert_eq!((&view["state"], &view["records"]["employee"]), (&json!("closed"), &json!(1)), "{view}");
    let record = e.s.clerk.get(&e.s.path()).expect(200).body;
    assert!(record["data"].get("health_checks").is_none_or(Value::is_null), "{}", record["data"]);
    assert_eq!(record["data"]["last_name"], "Tamm", "the rest waits for its day");
    e.s.h.set_clock("2027-01-11T08:00:00Z");
    let e = End { controller: e.s.h.login("controller"), ..e };
    let view = e.execute();
    assert_eq!(view["state"], "done", "{view}");
    let tar = e.package(&view, 1);
    let data = std::fs::read(&tar).unwrap();
    let canary = b"\"fit_for_post\":\"fit\"";
    assert!(!data.windows(canary.len()).any(|w| w == canary), "what was destroyed before is not handed over");
    let (faults, root, told) = brought(&tar, &vkey, &Place::sqlite());
    assert_eq!((faults, root), (Vec::new(), told), "an entry whose event was erased comes back all the same");
}
