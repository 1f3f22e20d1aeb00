//! Logging in at the screen, staying in, being kept out; the role acted in and the purpose of a piece of work.

use crate::harness::{Harness, PASSWORD, Place, REGISTER, on_both_databases};

#[test]
fn a_clerk_logs_in_and_is_led_where_they_wanted_to_go() {
    on_both_databases(|h| {
        h.staff();
        let visitor = h.visitor();
        let door = visitor.get("/settings").expect(200);
        assert!(door.path.contains("/login?back=%2Fsettings"), "{}", door.path);
        let inside =
            visitor.send(&door.form("/login").set("username", "hr_clerk").set("password", PASSWORD)).expect(200);
        assert_eq!(inside.path, "/et/settings");
        assert_eq!(inside.text_of("h1").unwrap(), "Seaded");
    });
}

#[test]
fn a_wrong_password_keeps_the_name_and_says_what_to_do_and_the_log_knows() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visitor();
    let seen = visitor.login("hr_clerk", "vale parool on see").expect(401);
    assert!(seen.text().contains("Kasutajanimi või parool on vale. Kontrolli mõlemat."));
    assert_eq!(seen.form("/login").value("username"), Some("hr_clerk"), "nothing typed is lost but the password");
    assert_eq!(seen.form("/login").value("password"), Some(""));
    assert!(seen.html.contains("<title>Viga: "), "the title says so first");
    let log = h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?action=login.failed")).expect(200);
    assert_eq!(log.body["items"][0]["actor"]["name"], "hr_clerk");
    let empty = visitor.login("hr_clerk", "").expect(422);
    assert!(empty.text().contains("Sisesta parool."));
}

#[test]
fn the_cookie_is_no_script_s_and_pages_load_nothing_from_elsewhere() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visitor();
    let form = [("username", "hr_clerk"), ("password", PASSWORD)];
    let cookie = visitor.raw("POST", "/login", &form, &[]).expect(303).headers["set-cookie"].clone();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Domain"), "{cookie}");
    let page = visitor.get("/settings").expect(200);
    let policy = &page.headers["content-security-policy"];
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(!page.html.contains(" style=") && !page.html.contains("<style") && !page.html.contains("onclick"));
    for address in page.attributes("link[rel=stylesheet], link[rel=icon]", "href") {
        let file = visitor.get(&address).expect(200);
        assert!(file.headers["cache-control"].contains("immutable"));
    }
}

#[test]
fn a_form_from_another_site_or_of_another_session_does_nothing() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visit_as("hr_clerk");
    let form = visitor.get("/settings").form("/settings").set("theme", "dark");
    let fields: Vec<_> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    visitor.raw("POST", "/settings", &fields, &[("Sec-Fetch-Site", "cross-site")]).expect(403);
    visitor.raw("POST", "/settings", &fields, &[("Origin", "https://else.example")]).expect(403);
    let other = form.clone().set("csrf", "0000");
    let refused = visitor.send(&other).expect(403);
    assert!(refused.text().contains("Ava leht uuesti"), "{}", refused.text());
    assert!(!visitor.get("/settings").html.contains("data-theme"));
    assert!(visitor.send(&form).expect(200).html.contains("data-theme=\"dark\""));
}

#[test]
fn what_was_typed_while_the_session_ended_goes_through_the_login_and_to_nobody_else() {
    on_both_databases(|h| {
        h.staff();
        let visitor = h.visit_as("hr_clerk");
        let form = visitor.get("/settings").form("/settings").set("theme", "dark");
        h.set_clock("2026-11-20T10:16:00Z");
        let door = visitor.send(&form).expect(401);
        assert!(door.text().contains("Sisestatu ei läinud kaotsi"), "{}", door.text());
        let login = door.form("/login");
        let stranger = h.visitor();
        let theirs = stranger.send(&login.clone().set("username", "administrator").set("password", PASSWORD));
        assert!(!theirs.html.contains("name=\"theme\" hidden"), "another user is not given what the clerk typed");
        let resumed = visitor.send(&login.set("username", "hr_clerk").set("password", PASSWORD)).expect(200);
        let again = resumed.form("/settings");
        assert_eq!(again.value("theme"), Some("dark"));
        assert!(visitor.send(&again).expect(200).html.contains("data-theme=\"dark\""));
    });
}

#[test]
fn a_session_ends_after_a_quarter_of_an_hour_without_work_and_after_a_working_day_in_any_case() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visit_as("hr_clerk");
    for (time, inside) in
        [("2026-11-20T10:14:00Z", true), ("2026-11-20T10:28:00Z", true), ("2026-11-20T10:44:00Z", false)]
    {
        h.set_clock(time);
        assert_eq!(visitor.get("/settings").path == "/et/settings", inside, "{time}");
    }
    let visitor = h.visit_as("hr_clerk");
    let mut minute = 44;
    while minute < 44 + 8 * 60 - 10 {
        minute += 10;
        h.set_clock(&format!("2026-11-20T{:02}:{:02}:00Z", 10 + minute / 60, minute % 60));
        assert_eq!(visitor.get("/settings").path, "/et/settings", "minute {minute}");
    }
    h.set_clock("2026-11-20T18:45:00Z");
    assert!(visitor.get("/settings").path.contains("/login"), "eight hours are enough");
}

#[test]
fn logging_out_ends_the_session_and_everywhere_means_everywhere() {
    on_both_databases(|h| {
        h.staff();
        let (office, home) = (h.visit_as("hr_clerk"), h.visit_as("hr_clerk"));
        let program = h.login("hr_clerk");
        let seen = office.send(&office.get("/settings").form("/logout")).expect(200);
        assert!(seen.text().contains("Oled välja logitud."));
        assert!(office.get("/settings").path.contains("/login"));
        assert_eq!(home.get("/settings").path, "/et/settings");
        let form = home.get("/settings").form("/logout-everywhere");
        home.send(&form).expect(200);
        assert!(home.get("/settings").path.contains("/login"));
        program.get("/me").expect(401);
    });
}

#[test]
fn nobody_is_led_to_another_site_by_the_login() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visitor();
    let page = visitor.get("/login?back=https%3A%2F%2Felse.example%2F").expect(200);
    assert_eq!(page.form("/login").value("back"), Some(""));
    let form = [("username", "hr_clerk"), ("password", PASSWORD), ("back", "//else.example")];
    let to = visitor.raw("POST", "/login", &form, &[]).expect(303).headers["location"].clone();
    assert!(!to.contains("else.example"), "{to}");
}

#[test]
fn a_page_that_is_not_there_is_a_page_and_an_api_problem_is_still_json() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visitor();
    let page = visitor.get("/nothing-here").expect(404);
    assert!(page.text().contains("Seda lehte või kirjet ei ole"));
    let english = visitor.get("/en/nothing-here").expect(404);
    assert!(english.text().contains("There is no such page"));
    assert!(english.html.contains("<html lang=\"en\""));
    assert_eq!(h.nobody().get("/registers/none").expect(401).headers["content-type"], "application/problem+json");
}

#[test]
fn the_purpose_is_asked_from_the_statute_s_own_list_and_stands_in_the_log() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visit_as("hr_clerk");
    let page = visitor.get(&format!("/r/{REGISTER}/purpose?back=%2Fsettings")).expect(200);
    let missing = visitor.send(&page.form("/purpose")).expect(422);
    assert!(missing.text().contains("Vali eesmärk."));
    let choices = page.attributes("input[name=purpose]", "value");
    assert!(choices.len() > 1, "{choices:?}");
    let form = page.form("/purpose").set("purpose", &choices[0]).set("reference", "1-7/22");
    assert_eq!(visitor.send(&form).expect(200).path, "/et/settings");
    let footer = visitor.get(&format!("/r/{REGISTER}/purpose")).text_of("footer").unwrap();
    assert!(footer.contains("· 1-7/22"), "every page says why one is here: {footer}");
}
