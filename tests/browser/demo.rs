//! The demonstration, as whoever tries the program sees it: shared by the tests that only look.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use andmekogu::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::background::Background;
use super::pages::{PEOPLE, SCHOOLS};

pub const PASSWORD: &str = "andmekogu-demo";

/// A running demonstration.
pub struct Demo {
    pub base: String,
    agent: ureq::Agent,
    tokens: Mutex<BTreeMap<String, String>>,
    made: BTreeMap<&'static str, String>,
    _process: Background,
}

/// The demonstration of the suite.
pub fn demo() -> &'static Demo {
    static STARTED: OnceLock<Demo> = OnceLock::new();
    STARTED.get_or_init(|| {
        let program = env!("CARGO_BIN_EXE_andmekogu");
        // The data go where the process's own folder is, and with it when it ends.
        let command = ["sh", "-c", "ANDMEKOGU_DATA_DIR=\"$TMPDIR/data\" exec \"$0\" serve --demo", program];
        let (process, base) = Background::start(&command, &[("ANDMEKOGU_LISTEN", "127.0.0.1:0")], |line| {
            line.split("  ").map(str::trim).find(|part| part.starts_with("http://")).map(str::to_owned)
        });
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut demo = Demo { base, agent, tokens: Mutex::default(), made: BTreeMap::new(), _process: process };
        demo.furnish();
        demo
    })
}

impl Demo {
    /// Something from the interface for programs, as a user.
    pub fn get(&self, user: &str, path: &str) -> Value {
        let address = format!("{}/api/v1{path}", self.base);
        let mut answer =
            self.agent.get(&address).header("Authorization", format!("Bearer {}", self.token(user))).call().unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{user}: {path}");
        answer.body_mut().read_json().unwrap()
    }

    /// Sends something to the interface for programs, as a user.
    pub fn post(&self, user: &str, path: &str, body: &Value) -> Value {
        self.send(user, path, body.to_string().as_bytes(), "application/json")
    }

    fn send(&self, user: &str, path: &str, body: &[u8], media: &str) -> Value {
        let address = format!("{}/api/v1{path}", self.base);
        let mut answer = self
            .agent
            .post(&address)
            .header("Authorization", format!("Bearer {}", self.token(user)))
            .header("Content-Type", media)
            .send(body)
            .unwrap();
        let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap());
        assert!((200..300).contains(&status), "{user}: {path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Something of the demonstration, by the name that it got in [`furnish`](Self::furnish).
    pub fn made(&self, name: &str) -> &str {
        self.made.get(name).unwrap_or_else(|| panic!("{name} was made"))
    }

    /// Gives something to look at to the pages that the demonstration leaves empty.
    fn furnish(&mut self) {
        let people = |rest: &str| format!("/registers/{PEOPLE}/{rest}");
        let schools = |rest: &str| format!("/registers/{SCHOOLS}/{rest}");
        let today = SystemClock.now().date_naive();
        let mut made: BTreeMap<&'static str, String> = BTreeMap::new();
        let id = |answer: &Value| {
            answer["id"]
                .as_str()
                .or(answer["import_id"].as_str())
                .unwrap_or_else(|| panic!("no id in {answer}"))
                .to_owned()
        };

        made.insert("employee", self.first("hr_clerk", &people("records/employee?limit=1")));
        made.insert("post", self.first("hr_clerk", &people("records/post?limit=1")));
        let document = json!({ "kind": "contract", "number": "TL-1", "date": today, "title": "Tööleping" });
        made.insert("document", id(&self.post("hr_clerk", &people("base-documents"), &document)));
        let grants = self.get("administrator", &people("grants?limit=50"));
        let of_school =
            grants["items"].as_array().unwrap().iter().find(|g| g["username"] == "hr_clerk_school").unwrap();
        made.insert("grant", id(of_school));
        made.insert("mine", id(&self.get("data_subject", "/me")["records"][0]));

        let asked = |object: &str| {
            let body = json!({
                "requester": { "name": "Näidisamet", "kind": "authority", "contact": "info@naidisamet.example" },
                "object": object, "record_type": "employee",
                "fields": ["first_name", "last_name", "employee_group", "load_on_post", "salary"],
                "filter": { "employee_group": "education_staff", "status": "active" },
                "purpose": "järelevalve töötingimuste üle", "legal_basis": "töölepingu seaduse § 115" });
            id(&self.post("administrator", &people("disclosure-requests"), &body))
        };
        made.insert("request", asked("Õpetajate ametikohad ja palgad"));
        let decided = asked("Õpetajate ametikohad");
        let decision = json!({ "outcome": "partly_granted", "ground": "harm_to_person", "release_ground": "public_task",
            "act": "töölepingu seaduse § 115", "fields": ["last_name", "employee_group", "load_on_post"],
            "explanation": "palk ei ole ülesandeks vajalik" });
        self.post("administrator", &people(&format!("disclosure-requests/{decided}/decision")), &decision);
        self.post("administrator", &people(&format!("disclosure-requests/{decided}/release?format=csv")), &json!({}));
        made.insert("decided", decided);
        made.insert("disclosure", self.first("administrator", &people("disclosures")));
        let published = id(&self.post("administrator", &people("publications/employee"), &json!({})));
        self.post("controller", &people(&format!("publications/{published}/approval")), &json!({}));
        made.insert("publication", published);

        let complaint = json!({ "subject": "Kaebus andmete töötlemise peale", "text": "Minu andmeid on vaadatud põhjuseta.",
            "from": { "name": "Kaja Kask", "contact": "kaja.kask@post.example" } });
        made.insert("complaint", id(&self.post("controller", &people("complaints"), &complaint)));
        let order = json!({ "subject": "Ettekirjutus", "text": "Parandada varundamine.",
            "due_on": today + chrono::Days::new(30) });
        self.post("controller", &people("prescriptions"), &order);
        let notice =
            json!({ "record_id": made["employee"], "fields": ["last_name"], "subject": "Viga", "text": "Kirjaviga." });
        self.post("hr_clerk", &people("error-notices"), &notice);
        let kept = json!({ "name": "Palga vaatamised", "query": { "action": "record.read" } });
        made.insert("query", id(&self.post("supervisor", &people("audit/queries"), &kept)));

        self.furnish_retention(&mut made);

        let pupils = self.get("institution_head", &schools("records/school_study?limit=2"));
        made.insert("pupil", id(&pupils["items"][0]));
        let duties = self.get("education_controller", &schools("confirmations?limit=50"));
        let other =
            duties["items"].as_array().unwrap().iter().find(|d| d["institution"] == "Tammiku Põhikool").unwrap();
        let site = pupils["items"][0]["institution_id"].as_str().unwrap();
        let letter =
            json!({ "kind": "ehis_data", "number": "7-9", "date": today, "title": "Nimekiri", "institution_id": site });
        let letter = id(&self.post("institution_head", &schools("base-documents"), &letter));
        let transfer = json!({ "move": "transfer", "institution_id": other["institution_id"], "effective_on": today,
            "base_document_ids": [letter] });
        let moving = schools(&format!("records/school_study/{}/moves", id(&pupils["items"][1])));
        made.insert("move", id(&self.post("institution_head", &moving, &transfer)));
        made.insert("duty", self.first("institution_head", &schools("confirmations?status=overdue")));
        let sheet = self.sheet();
        let metadata =
            json!({ "institution_id": site, "effective_on": today, "base_document_ids": [letter], "creates": false });
        let (body, media) = crate::harness::city::form(&metadata, "parandused.csv", sheet.as_bytes());
        made.insert("import", id(&self.send("institution_head", &schools("imports/school_study"), &body, &media)));

        let due = self.first("preschool_head", &schools("confirmations?status=overdue"));
        let duty = self.get("preschool_head", &schools(&format!("confirmations/{due}")));
        let confirm = json!({ "snapshot_root": duty["snapshot_root"], "statement": true });
        self.post("preschool_head", &schools(&format!("confirmations/{due}/confirm")), &confirm);
        made.insert("confirmed", due);
        made.insert("child", self.first("preschool_head", &schools("records/kindergarten_attendance?limit=1")));
        made.insert("waiting", self.first("preschool_head", &schools("records/queue_application?limit=1")));
        self.made = made;
    }

    /// People who left long ago, and batches of their data: one under review, one that waits for approval, one that is
    /// approved; and a hold.
    fn furnish_retention(&self, made: &mut BTreeMap<&'static str, String>) {
        let people = |rest: &str| format!("/registers/{PEOPLE}/{rest}");
        let id = |answer: &Value| answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned();
        let like = self.get("hr_clerk", &people(&format!("records/employee/{}", made["employee"])));
        let post = like["data"]["post"].as_str().unwrap();
        for (n, name) in ["batch", "batch-reviewed", "batch-approved"].into_iter().enumerate() {
            let code = crate::harness::people::code(1971, 70 + u16::try_from(n).unwrap());
            let mut data = crate::harness::people::employee(post, "Malle", "Lahkunu", &code);
            data["load_on_post"] = json!("0.10");
            let body = json!({ "institution_id": like["institution_id"], "effective_on": "2024-09-01",
                "base_document_ids": [made["document"]], "data": data });
            let left = id(&self.post("hr_clerk", &people("records/employee"), &body));
            let end = json!({ "ended_on": "2024-10-31", "ground": "by_employee", "base_document_ids": [made["document"]],
                "data": { "termination": { "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85" } } });
            self.post("hr_clerk", &people(&format!("records/employee/{left}/end")), &end);
            let only = json!({ "rules": ["health"], "record_ids": [left] });
            let batch = self.post("archivist", &people("retention/batches"), &only);
            let at = |rest: &str| people(&format!("retention/batches/{}/{rest}", id(&batch)));
            if n > 0 {
                let decision = json!({ "record_id": left, "rule": "health", "decision": "destroy" });
                let review = json!({ "items": [decision], "finish": batch["revision"] });
                self.post("archivist", &at("review"), &review);
            }
            if n > 1 {
                self.post("controller", &at("approval"), &json!({}));
            }
            made.insert(name, id(&batch));
            made.insert("left", left);
        }
        let hold = people(&format!("records/employee/{}/hold", made["employee"]));
        let basis = json!({ "basis": "töövaidlus", "clause": "§ 6 lg 2 p 6" });
        made.insert("hold", id(&self.post("controller", &hold, &basis)));
    }

    /// A sheet that mends one pupil of the demonstration, who came without a curriculum.
    fn sheet(&self) -> String {
        let pupils = std::fs::read_to_string("seeds/tlnharidus/demo/gymnasium.csv").unwrap();
        let without = pupils.lines().find(|line| line.split(';').nth(12) == Some("")).unwrap();
        let code = without.split(';').next().unwrap();
        format!("isikukood;õppekava;õppevorm\n{code};põhikooli riiklik õppekava;statsionaarne õpe\n")
    }

    fn token(&self, user: &str) -> String {
        let mut tokens = self.tokens.lock().unwrap();
        if let Some(token) = tokens.get(user) {
            return token.clone();
        }
        let mut answer = self
            .agent
            .post(format!("{}/api/v1/sessions", self.base))
            .send_json(json!({ "username": user, "password": PASSWORD }))
            .unwrap();
        let body: Value = answer.body_mut().read_json().unwrap();
        let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{user} logs in")).to_owned();
        tokens.insert(user.to_owned(), token.clone());
        token
    }

    /// The id of the first of a list.
    pub fn first(&self, user: &str, path: &str) -> String {
        let list = self.get(user, path);
        let items = list["items"].as_array().or(list.as_array()).unwrap_or_else(|| panic!("{path}: {list}"));
        let id = items.first().and_then(|i| i["id"].as_str());
        id.unwrap_or_else(|| panic!("{path} is empty")).to_owned()
    }
}
