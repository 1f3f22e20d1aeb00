//! Logging in, staying in, being kept out.

use serde_json::json;

use crate::harness::people::School;
use crate::harness::{PASSWORD, REGISTER, on_both_databases};

#[test]
fn a_wrong_password_and_an_unknown_name_get_the_same_answer_and_are_logged() {
    on_both_databases(|h| {
        h.staff();
        let nobody = h.nobody();
        let wrong = nobody.post("/sessions", &json!({ "username": "hr_clerk", "password": "vale parool on see" }));
        let unknown = nobody.post("/sessions", &json!({ "username": "nobody_here", "password": "vale parool on see" }));
        assert_eq!((wrong.status, unknown.status), (401, 401));
        assert_eq!(wrong.body["detail"], unknown.body["detail"]);
        let log = h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?action=login.failed")).expect(200);
        assert_eq!(log.body["items"][0]["actor"]["name"], "hr_clerk");
        assert_eq!(log.body["items"][0]["decision"], "denied");
        assert!(
            !h.export("installation").iter().any(|l| l.to_string().contains("nobody_here")),
            "what a stranger types is not logged: it may be a password"
        );
    });
}

#[test]
fn guessing_is_slowed_down_and_nobody_is_locked_out_for_good() {
    on_both_databases(|h| {
        h.staff();
        let attempt = |password: &str| {
            h.nobody().post("/sessions", &json!({ "username": "hr_clerk", "password": password })).status
        };
        assert_eq!([1, 2, 3, 4].map(|_| attempt("vale parool on see")), [401, 401, 401, 429]);
        assert_eq!(attempt(PASSWORD), 429, "not even with the right one, for a while");
        h.set_clock("2026-11-20T10:00:05Z");
        assert_eq!(attempt(PASSWORD), 201);
        assert_eq!(attempt("vale parool on see"), 401, "counting begins anew");
    });
}

#[test]
fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
    on_both_databases(|h| {
        h.staff();
        let nobody = h.nobody();
        let session =
            nobody.post("/sessions", &json!({ "username": "hr_clerk", "password": PASSWORD })).expect(201).body;
        assert_eq!(session["token_type"], "Bearer");
        assert_eq!(session["expires_in"], 300);
        let refresh = |token: &serde_json::Value| nobody.post("/sessions/refresh", &json!({ "refresh_token": token }));
        let next = refresh(&session["refresh_token"]).expect(201).body;
        let with = |token: &serde_json::Value| {
            let mut client = nobody.clone();
            client.token = token.as_str().map(str::to_owned);
            client.get("/me").status
        };
        assert_eq!(with(&next["access_token"]), 200);
        assert_eq!(refresh(&session["refresh_token"]).status, 401, "spent");
        assert_eq!(with(&next["access_token"]), 401, "whoever has the other half is out as well");
        assert_eq!(refresh(&next["refresh_token"]).status, 401);
    });
}

#[test]
fn logging_out_and_time_end_a_session() {
    on_both_databases(|h| {
        h.staff();
        let clerk = h.login("hr_clerk");
        clerk.get("/me").expect(200);
        assert_eq!(clerk.send("DELETE", "/sessions/current", None, "application/json").status, 204);
        assert_eq!(clerk.get("/me").status, 401);
        let clerk = h.login("hr_clerk");
        h.set_clock("2026-11-20T10:04:59Z");
        assert_eq!(clerk.get("/me").status, 200);
        h.set_clock("2026-11-20T10:05:00Z");
        assert_eq!(clerk.get("/me").status, 401, "an access token lives five minutes");
    });
}

#[test]
fn a_right_that_ends_ends_at_once() {
    on_both_databases(|h| {
        let s = School::open(h);
        let grant = s.h.grant("administrator", "temp", "hr_clerk", json!({}));
        let temp = s.h.login("temp");
        temp.get(&s.path()).expect(200);
        let path = format!("/registers/{REGISTER}/grants/{}/revocation", grant["id"].as_str().unwrap());
        let end = json!({ "ground": "not_a_duty", "explanation": "tööülesanded muutusid" });
        s.h.login("administrator").post(&path, &end).expect(200);
        assert_eq!(temp.get(&s.path()).status, 401);
    });
}

#[test]
fn tokens_survive_a_restart_and_a_password_change_ends_sessions() {
    on_both_databases(|mut h| {
        h.staff();
        let before = h.login("hr_clerk");
        h.restart(crate::harness::shipped());
        let mut clerk = h.nobody();
        clerk.token = before.token;
        clerk.get("/me").expect(200);
        let change = |old: &str, new: &str| {
            clerk.post("/me/password", &json!({ "old_password": old, "new_password": new })).status
        };
        assert_eq!(change(PASSWORD, "lühike"), 422);
        assert_eq!(change("vale parool on see", "uus ja pikem parool"), 401);
        assert_eq!(change(PASSWORD, "uus ja pikem parool"), 204);
        assert_eq!(clerk.get("/me").status, 401);
        let with = |p: &str| h.nobody().post("/sessions", &json!({ "username": "hr_clerk", "password": p })).status;
        assert_eq!((with(PASSWORD), with("uus ja pikem parool")), (401, 201));
    });
}
