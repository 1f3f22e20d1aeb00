//! A user's own desk: how long a browser session lasts, whose drafts are whose, what a page offers to whom.

use andmekogu::app::browser::{Browser, BrowserState};
use andmekogu::app::desk::{Settings, Theme};
use andmekogu::app::{ActContext, App, Caller, Error};
use andmekogu::domain::refusal::Refusal;
use andmekogu::jobs::Jobs;
use andmekogu::store;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::people::School;
use crate::harness::{Harness, PASSWORD, REGISTER, on_both_databases};

fn login(h: &Harness, name: &str) -> String {
    h.user(name);
    h.block_on(h.app.browser_login(None, name, PASSWORD.to_owned())).unwrap()
}

fn seen(h: &Harness, cookie: &str) -> Option<Browser> {
    h.block_on(h.app.browser(cookie)).unwrap()
}

fn cx(browser: &Browser) -> ActContext {
    let caller = Caller::Session { user_id: browser.user_id, session_id: browser.session_id };
    ActContext { caller, acting_as: browser.state.acting_as, ..ActContext::installation("") }
}

/// Somebody at a screen.
fn at_screen(h: &Harness, name: &str) -> ActContext {
    cx(&seen(h, &login(h, name)).unwrap())
}

fn refusal<T>(outcome: Result<T, Error>) -> Refusal {
    match outcome {
        Err(Error::Store(store::Error::Refused(refusal))) => refusal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn end_rights(s: &School, grant: &Value) {
    let path = format!("/registers/{REGISTER}/grants/{}/revocation", grant["id"].as_str().unwrap());
    let end = json!({ "ground": "not_a_duty", "explanation": "tööülesanded muutusid" });
    s.h.login("administrator").post(&path, &end).expect(200);
}

#[test]
fn a_browser_session_ends_without_use_and_after_a_working_day() {
    on_both_databases(|h| {
        h.staff();
        let cookie = login(&h, "hr_clerk");
        assert!(seen(&h, "not our cookie").is_none());
        h.set_clock("2026-11-20T10:14:59Z");
        assert!(seen(&h, &cookie).is_some());
        h.set_clock("2026-11-20T10:29:58Z");
        assert!(seen(&h, &cookie).is_some(), "using it has moved its end");
        h.set_clock("2026-11-20T10:44:58Z");
        assert!(seen(&h, &cookie).is_none(), "a quarter of an hour without use");
        let owner = h.block_on(h.app.browser_owner(&cookie)).unwrap();
        assert_eq!(owner, Some(h.user("hr_clerk")), "whose it was is known, for what they were writing");

        let cookie = login(&h, "hr_clerk");
        for minute in (0..480).step_by(10) {
            h.clock.set(
                "2026-11-20T10:44:58Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
                    + chrono::TimeDelta::minutes(minute),
            );
            assert!(seen(&h, &cookie).is_some(), "in use, minute {minute}");
        }
        h.set_clock("2026-11-20T18:44:58Z");
        assert!(seen(&h, &cookie).is_none(), "eight hours, however much it is used");
    });
}

#[test]
fn not_every_page_moves_the_end_of_a_session_but_the_users_word_does() {
    on_both_databases(|h| {
        h.staff();
        let cookie = login(&h, "hr_clerk");
        let first = seen(&h, &cookie).unwrap();
        h.set_clock("2026-11-20T10:00:59Z");
        assert_eq!(seen(&h, &cookie).unwrap().idle_until, first.idle_until);
        let moved = h.block_on(h.app.browser_extend(&cookie)).unwrap().unwrap();
        assert_eq!(moved.idle_until - first.idle_until, chrono::TimeDelta::seconds(59));
        assert_eq!(moved.csrf, first.csrf);
    });
}

#[test]
fn logging_in_and_out_of_a_browser_stands_in_the_log_and_the_cookie_nowhere() {
    on_both_databases(|h| {
        h.staff();
        let cookie = login(&h, "hr_clerk");
        assert!(h.place.text("SELECT digest FROM browser_session") != cookie);
        let state = BrowserState { purpose: Some("palgaarvestus".into()), ..BrowserState::default() };
        h.block_on(h.app.browser_state(&cookie, state.clone())).unwrap();
        assert_eq!(seen(&h, &cookie).unwrap().state, state);
        h.block_on(h.app.browser_logout(&cookie)).unwrap();
        assert!(seen(&h, &cookie).is_none());
        h.block_on(h.app.browser_logout(&cookie)).expect("twice does no harm");
        let failed = h.block_on(h.app.browser_login(None, "hr_clerk", "vale parool on see".into()));
        assert_eq!(refusal(failed), Refusal::Unauthenticated);
        let log = h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?action=login.failed")).expect(200);
        assert_eq!(log.body["items"][0]["actor"]["name"], "hr_clerk");
        let actions: Vec<String> = h
            .export("installation")
            .iter()
            .filter(|l| l["event"]["actor"]["name"] == "hr_clerk")
            .map(|l| l["event"]["action"].as_str().unwrap().to_owned())
            .collect();
        assert!(actions.contains(&"login".to_owned()) && actions.contains(&"logout".to_owned()), "{actions:?}");
    });
}

#[test]
fn whatever_ends_a_users_sessions_ends_those_of_browsers() {
    on_both_databases(|h| {
        let s = School::open(h);
        let grant = s.h.grant("administrator", "temp", "hr_clerk", json!({}));
        let (first, second) = (login(&s.h, "temp"), login(&s.h, "temp"));
        let api = s.h.login("temp");
        s.h.block_on(s.h.app.logout_everywhere(cx(&seen(&s.h, &first).unwrap()))).unwrap();
        assert!(seen(&s.h, &first).is_none() && seen(&s.h, &second).is_none());
        assert_eq!(api.get("/me").status, 401, "those of other programs too");
        let third = login(&s.h, "temp");
        end_rights(&s, &grant);
        assert!(seen(&s.h, &third).is_none(), "a right has ended");
    });
}

#[test]
fn a_draft_is_its_writers_and_goes_with_their_right() {
    on_both_databases(|h| {
        let s = School::open(h);
        let app: &App = &s.h.app;
        let grant = s.h.grant("administrator", "temp", "hr_clerk", json!({}));
        let temp = at_screen(&s.h, "temp");
        let key = || "employee/new".to_owned();
        let register = || REGISTER.to_owned();
        let save = |who: &ActContext, key: String, body: Value| {
            s.h.block_on(app.save_draft(who.clone(), register(), key, body))
        };
        save(&temp, key(), json!({ "last_name": "Ka" })).unwrap();
        save(&temp, key(), json!({ "last_name": "Kask" })).unwrap();
        let draft = s.h.block_on(app.draft(temp.clone(), register(), key())).unwrap().unwrap();
        assert_eq!(draft.body, json!({ "last_name": "Kask" }), "one for each form, the newest");
        assert_eq!(s.h.block_on(app.drafts(temp.clone(), register())).unwrap().len(), 1);

        let clerk = at_screen(&s.h, "hr_clerk");
        assert_eq!(s.h.block_on(app.draft(clerk.clone(), register(), key())).unwrap(), None, "not another's");
        let stranger = at_screen(&s.h, "stranger");
        let refused = refusal(s.h.block_on(app.save_draft(stranger, register(), key(), json!({}))));
        assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused:?}");
        let large = json!({ "x": "x".repeat(256 << 10) });
        assert!(matches!(save(&clerk, key(), large), Err(Error::TooLarge { .. })));
        for n in 0..100 {
            save(&clerk, format!("post/{n}/change"), json!({})).unwrap();
        }
        let refused = refusal(save(&clerk, key(), json!({})));
        assert!(matches!(refused, Refusal::Conflict { code: "too_many_drafts", .. }), "{refused:?}");
        save(&clerk, "post/7/change".into(), json!({ "a": 1 })).expect("what is there may still be written on");
        s.h.block_on(app.drop_draft(clerk.clone(), register(), "post/7/change".into())).unwrap();
        save(&clerk, key(), json!({})).expect("one has made room");

        // The right ends; the person comes back as one whom the register holds something about.
        end_rights(&s, &grant);
        let code = s.h.personal_code("temp");
        s.office.hire(&s.clerk, "Ajutine", &code);
        let again = at_screen(&s.h, "temp");
        assert_eq!(s.h.block_on(app.draft(again.clone(), register(), key())).unwrap(), None);
        assert!(s.h.block_on(app.drafts(again.clone(), register())).unwrap().is_empty());
        save(&again, "notice/new".into(), json!({ "what": "telefon" })).expect("their own they may write");
        assert!(s.h.block_on(app.draft(again, register(), "notice/new".into())).unwrap().is_some());
    });
}

#[test]
fn searches_are_private_and_those_without_a_name_are_forgotten() {
    on_both_databases(|h| {
        let s = School::open(h);
        let app: &App = &s.h.app;
        let (clerk, other) = (at_screen(&s.h, "hr_clerk"), at_screen(&s.h, "controller"));
        let register = || REGISTER.to_owned();
        let keep = |query: Value| {
            s.h.block_on(app.keep_search(clerk.clone(), register(), Some("employee".into()), query)).unwrap()
        };
        let save = |query: Value| {
            let act = app.save_search(clerk.clone(), register(), "employee".into(), "Minu omad".into(), query);
            s.h.block_on(act).unwrap()
        };
        let found = |who: &ActContext, id: Uuid| s.h.block_on(app.search(who.clone(), register(), id)).unwrap();
        let kept = keep(json!({ "q": "tamm" }));
        assert_eq!(found(&clerk, kept).unwrap().query, json!({ "q": "tamm" }));
        assert_eq!(found(&other, kept), None);
        save(json!({ "status": "ended" }));
        let saved = save(json!({ "status": "active" }));
        let list = s.h.block_on(app.searches(clerk.clone(), register())).unwrap();
        assert_eq!(list.iter().map(|l| l.id).collect::<Vec<_>>(), [saved], "one of each name, and only named ones");
        s.h.block_on(app.forget_search(other.clone(), register(), saved)).unwrap();
        assert!(found(&clerk, saved).is_some(), "nobody forgets what is another's");

        s.h.set_clock("2026-12-25T10:00:00Z");
        let jobs = Jobs::new(s.h.app.clone(), None);
        let ended = s.h.block_on(jobs.run_now("desks")).unwrap().unwrap();
        assert!(ended.detail.contains("1 search(es)"), "{}", ended.detail);
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM browser_session"), 0);
        let clerk = at_screen(&s.h, "hr_clerk");
        assert!(found(&clerk, saved).is_some() && found(&clerk, kept).is_none());
    });
}

#[test]
fn a_page_learns_who_its_user_is_and_what_to_offer() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.school_clerk();
        let facts =
            |who: &ActContext, register: &str| s.h.block_on(s.h.app.facts(who.clone(), Some(register.to_owned())));
        let clerk = at_screen(&s.h, "hr_clerk_school");
        let seen = facts(&clerk, REGISTER).unwrap();
        assert_eq!(seen.display_name, "Kasutaja hr_clerk_school");
        assert_eq!(seen.acting.as_ref().unwrap().institution.as_deref(), Some("Kuuse Kool"));
        assert!(seen.may.contains("record.create") && !seen.may.contains("audit.read"), "{:?}", seen.may);
        assert!(seen.lists.contains("employee") && seen.enters.contains("employee"));
        assert!(!seen.about_me);

        let supervisor = facts(&at_screen(&s.h, "supervisor"), REGISTER).unwrap();
        assert!(supervisor.may.contains("audit.read") && !supervisor.may.contains("record.change"));
        assert!(matches!(refusal(facts(&clerk, "no-such-register")), Refusal::NotFound { .. }));
        let other = facts(&clerk, "tlnharidus").unwrap();
        assert!(other.acting.is_none() && other.lists.is_empty(), "rights of one register are none in another");

        let code = s.h.personal_code("member");
        s.office.hire(&s.clerk, "Liige", &code);
        let member = facts(&at_screen(&s.h, "member"), REGISTER).unwrap();
        assert!(member.about_me && member.grants.is_empty() && member.lists.is_empty(), "{member:?}");
        assert!(!member.may.contains("record.create") && member.may.contains("record.read"), "{:?}", member.may);
    });
}

#[test]
fn settings_are_kept_and_seen_at_once() {
    on_both_databases(|h| {
        h.staff();
        let clerk = at_screen(&h, "hr_clerk");
        let facts = || h.block_on(h.app.facts(clerk.clone(), None)).unwrap();
        assert_eq!(facts().settings, Settings::default());
        assert!(facts().settings.shortcuts);
        let mut settings = Settings { theme: Theme::Dark, shortcuts: false, ..Settings::default() };
        settings.columns.insert(format!("{REGISTER}/employee"), vec!["last_name".into(), "post".into()]);
        h.block_on(h.app.save_settings(clerk.clone(), settings.clone())).unwrap();
        assert_eq!(facts().settings, settings);
        settings.language = Some("xx".into());
        let refused = refusal(h.block_on(h.app.save_settings(clerk.clone(), settings)));
        assert!(matches!(refused, Refusal::Invalid(_)));
    });
}
