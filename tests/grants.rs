//! Granting, changing and ending rights, and the log of it.

use serde_json::json;

use crate::harness::people::School;
use crate::harness::{Harness, REGISTER, on_both_databases};

#[test]
fn an_administrator_is_made_only_by_whom_the_statute_names() {
    on_both_databases(|h| {
        h.staff();
        let by_administrator = h.try_grant("administrator", "newcomer", "administrator", json!({}));
        assert_eq!(by_administrator.status, 403, "{}", by_administrator.text);
        assert_eq!(by_administrator.body["clause"], "§ 20 lg 3");
        assert_eq!(h.try_grant("supervisor", "newcomer", "hr_clerk", json!({})).status, 403);
        assert_eq!(h.try_grant("hr_clerk", "newcomer", "hr_clerk", json!({})).status, 403);
        assert_eq!(h.try_grant("administrator", "newcomer", "it_manager", json!({})).status, 403);
        h.grant("it_manager", "newcomer", "administrator", json!({}));
    });
}

#[test]
fn nobody_grants_to_themselves() {
    on_both_databases(|h| {
        h.staff();
        for (who, role) in [("it_manager", "administrator"), ("administrator", "hr_clerk")] {
            let refused = h.try_grant(who, who, role, json!({}));
            assert_eq!(refused.status, 403, "{}", refused.text);
        }
        // Nor do they widen a right that they hold.
        let grants = h.login("supervisor").get(&format!("/registers/{REGISTER}/grants")).expect(200);
        let items = grants.body["items"].as_array().unwrap();
        let own = items.iter().find(|g| g["username"] == "administrator").unwrap();
        let path = format!("/registers/{REGISTER}/grants/{}", own["id"].as_str().unwrap());
        assert_eq!(h.login("administrator").patch(&path, 1, &json!({ "until": null })).status, 403);
    });
}

#[test]
fn a_grant_says_on_what_it_rests_and_for_how_long() {
    on_both_databases(|h| {
        h.staff();
        let wrong = h.try_grant(
            "it_manager",
            "newcomer",
            "administrator",
            json!({ "basis": { "kind": "whim", "reference": "" }, "until": "2025-01-01", "sections": ["nowhere"] }),
        );
        assert_eq!(wrong.status, 422);
        for (pointer, code) in [
            ("/basis/kind", "not_in_codelist"),
            ("/basis/reference", "required"),
            ("/until", "order"),
            ("/sections/0", "not_in_codelist"),
        ] {
            assert!(wrong.has_fault(pointer, code), "{pointer}: {}", wrong.text);
        }
        let endless = h.try_grant("controller", "newcomer", "processor", json!({ "until": null }));
        assert!(endless.has_fault("/until", "required"), "{}", endless.text);
    });
}

#[test]
fn a_grant_ends_only_on_a_listed_ground() {
    on_both_databases(|h| {
        h.staff();
        let grant = h.grant("administrator", "leaver", "hr_clerk", json!({}));
        let leaver = h.login("leaver");
        leaver.get(&format!("/registers/{REGISTER}/records/employee")).expect(200);
        let admin = h.login("administrator");
        let path = format!("/registers/{REGISTER}/grants/{}/revocation", grant["id"].as_str().unwrap());
        let refused = admin.post(&path, &json!({ "ground": "dislike", "explanation": "ei meeldi" })).expect(422);
        assert!(refused.has_fault("/ground", "ground"));
        assert_eq!(refused.body["errors"][0]["clause"], "§ 21 lg 3");
        let said = refused.body["errors"][0]["detail"].as_str().unwrap();
        for ground in ["repeated_breach", "repeated_wrong_data", "account_sharing", "improper_use", "not_a_duty"] {
            assert!(said.contains(ground));
        }
        admin.post(&path, &json!({ "ground": "not_a_duty", "explanation": "uued tööülesanded" })).expect(200);
        assert_eq!(leaver.get("/me").status, 401, "the session died with the right");
        let again = admin.post(&path, &json!({ "ground": "not_a_duty", "explanation": "veel kord" }));
        assert_eq!(again.status, 409);
        // They may still log in, and may do nothing.
        assert_eq!(h.login("leaver").get(&format!("/registers/{REGISTER}/records/employee")).status, 403);
    });
}

#[test]
fn the_sole_users_right_is_ended_by_whom_the_statute_names() {
    on_both_databases(|h| {
        h.staff();
        let supervisor = h.login("supervisor");
        let grants = supervisor.get(&format!("/registers/{REGISTER}/grants")).expect(200);
        let id = |name: &str| {
            let items = grants.body["items"].as_array().unwrap();
            items.iter().find(|g| g["username"] == name).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let end = |by: &str, whose: &str| {
            let path = format!("/registers/{REGISTER}/grants/{}/revocation", id(whose));
            h.login(by).post(&path, &json!({ "ground": "improper_use", "explanation": "päringud ilma põhjuseta" }))
        };
        assert_eq!(end("municipal_secretary", "administrator").status, 403, "others may still enter data");
        end("administrator", "hr_clerk").expect(200);
        let refused = end("it_manager", "administrator");
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert_eq!(refused.body["clause"], "§ 21 lg 4");
        end("municipal_secretary", "administrator").expect(200);
    });
}

#[test]
fn granting_changing_and_ending_are_in_the_grant_log() {
    on_both_databases(|h| {
        h.staff();
        let grant = h.grant("administrator", "newcomer", "hr_clerk", json!({}));
        let path = format!("/registers/{REGISTER}/grants/{}", grant["id"].as_str().unwrap());
        let admin = h.login("administrator");
        admin.patch(&path, 1, &json!({ "until": "2026-12-31" })).expect(200);
        assert_eq!(admin.patch(&path, 1, &json!({ "until": "2027-01-31" })).status, 412);
        let end = json!({ "ground": "account_sharing", "explanation": "kontot kasutas kolleeg" });
        admin.post(&format!("{path}/revocation"), &end).expect(200);
        let log = h.login("supervisor").get(&format!("/registers/{REGISTER}/grant-log")).expect(200);
        let acts: Vec<_> =
            log.body["items"].as_array().unwrap().iter().filter(|a| a["username"] == "newcomer").cloned().collect();
        let kinds: Vec<_> = acts.iter().map(|a| a["act"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["revoked", "changed", "granted"], "newest first");
        assert_eq!(acts[0]["ground"], "account_sharing");
        assert_eq!(acts[1]["before"]["until"], json!(null));
        assert_eq!(acts[1]["after"]["until"], "2026-12-31");
        assert_eq!(acts[2]["made_by"], "administrator");
        assert_eq!(acts[2]["after"]["basis"]["reference"], "ametijuhend 2/2026");
        // The log only grows, even for whoever holds the database file.
        if h.place.url.is_sqlite() {
            assert!(h.place.sql("UPDATE grant_log SET act = 'granted'").unwrap_err().contains("only grows"));
        } else {
            only_the_runtime_role_is_bound(&h);
        }
    });
}

/// On PostgreSQL the privileges of the run-time role do what triggers do on SQLite.
fn only_the_runtime_role_is_bound(h: &Harness) {
    let role = format!("runtime_{}", uuid::Uuid::now_v7().simple());
    h.place.sql(&format!("CREATE ROLE {role}")).unwrap();
    andmekogu::store::migrate::grant_runtime_role(&h.place.url, &role).unwrap();
    for table in ["audit_event", "audit_leaf", "grant_log", "entry"] {
        for statement in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET register = register")] {
            let refused = h.place.sql(&format!("SET ROLE {role}; {statement}")).unwrap_err();
            assert!(refused.contains("permission denied"), "{statement}: {refused}");
        }
    }
    h.place.sql(&format!("SET ROLE {role}; INSERT INTO lease VALUES ('r', 'n', 'h', 0)")).unwrap();
}

#[test]
fn a_grant_counts_on_its_days_only() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.h.grant("administrator", "temp", "hr_clerk", json!({ "from": "2026-11-21", "until": "2026-11-22" }));
        let read = || s.h.login("temp").get(&s.path()).status;
        assert_eq!(read(), 404, "not yet");
        s.h.set_clock("2026-11-20T22:00:01Z");
        assert_eq!(read(), 200, "a day begins at midnight in Tallinn, two hours before UTC's");
        s.h.set_clock("2026-11-22T21:59:59Z");
        assert_eq!(read(), 200);
        s.h.set_clock("2026-11-22T22:00:00Z");
        assert_eq!(read(), 404, "no longer");
    });
}

#[test]
fn a_grant_that_is_sent_twice_is_made_once() {
    on_both_databases(|h| {
        h.staff();
        let user_id = h.user("newcomer");
        let body = json!({ "user_id": user_id, "role": "hr_clerk", "from": "2026-01-01",
                           "basis": { "kind": "directive", "reference": "käskkiri 9" } });
        let admin = h.login("administrator").with("Idempotency-Key", "grant-1");
        let path = format!("/registers/{REGISTER}/grants");
        let kind = admin.post(&path, &body);
        let mut body = body;
        if kind.status == 422 {
            // The statute's own list says on what the role rests.
            let listed = kind.body["errors"][0]["detail"].as_str().unwrap().rsplit(": ").next().unwrap().to_owned();
            body["basis"]["kind"] = json!(listed.split(", ").next().unwrap());
        }
        let (first, second) = (admin.post(&path, &body).expect(201), admin.post(&path, &body).expect(201));
        assert_eq!(first.body, second.body);
        body["from"] = json!("2026-02-01");
        assert_eq!(admin.post(&path, &body).status, 422, "another body under the same key");
    });
}
