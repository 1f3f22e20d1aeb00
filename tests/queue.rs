//! Queues: in what order applicants stand, what each is told of it, and what is never typed.

use serde_json::{Value, json};

use crate::moves::{REGISTER, Town, appoint, child, in_town, path};

fn queue(t: &Town, more: &str) -> Value {
    t.registrar.get(&path(&format!("queues/waiting?institution_id={}{more}", t.kuuse))).expect(200).body
}

fn names(queue: &Value) -> Vec<String> {
    let items = queue["items"].as_array().unwrap();
    items.iter().map(|i| i["record"]["data"]["first_name"].as_str().unwrap_or("–").to_owned()).collect()
}

/// Four applicants: one from out of town, one with a sibling, and two who differ by the day alone.
fn four(t: &Town) -> [String; 4] {
    let town = json!({ "municipality": "Näidislinn", "street": "Kase 1" });
    let mother = json!([{ "personal_code": t.h.personal_code("ema"), "last_name": "Tamm" }]);
    t.stays(&t.kuuse, &child(30), json!({ "guardians": mother, "residence": town })).expect(201);
    [
        t.applies("Aadu", &child(31), json!({ "queued_on": "2026-01-05" })),
        t.applies("Berta", &child(32), json!({ "queued_on": "2026-02-01", "residence": town })),
        t.applies("Card", &child(33), json!({ "queued_on": "2026-01-10", "residence": town })),
        t.applies("Doora", &child(34), json!({ "queued_on": "2026-03-01", "residence": town, "guardians": mother })),
    ]
}

#[test]
fn an_applicant_sees_their_place_and_why() {
    in_town(|t| {
        let [aadu, berta, _, doora] = four(&t);
        let list = queue(&t, "");
        assert_eq!(names(&list), ["Doora", "Card", "Berta", "Aadu"]);
        assert_eq!((&list["items"][2]["number"], &list["items"][2]["of"]), (&json!(3), &json!(4)));

        // Doora's mother asks, in her own right, and learns of nobody else.
        let mother = t.h.login("ema").with("Accept-Language", "en");
        let own = mother.get(&path(&format!("records/waiting/{doora}/queue"))).expect(200);
        assert_eq!((&own.body["number"], &own.body["of"]), (&json!(1), &json!(4)));
        assert_eq!(own.body["sentence"], "Number 1 of 4 in the queue. Nobody is ahead.");
        mother.get(&path(&format!("records/waiting/{berta}/queue"))).expect(404);

        let place = t.registrar.get(&path(&format!("records/waiting/{berta}/queue"))).expect(200).body;
        let because: Vec<_> = place["because"]
            .as_array()
            .unwrap()
            .iter()
            .map(|k| (k["name"].as_str().unwrap(), k["ahead"].as_u64().unwrap(), k["basis"].as_str().unwrap()))
            .collect();
        assert_eq!(
            because,
            [
                ("lives_in_town", 0, "§ 6 lg 4"),
                ("siblings", 1, "§ 6 p 7"),
                ("queued_on", 1, "§ 6 p 5"),
                ("entered", 0, "§ 6 lg 4")
            ]
        );
        assert_eq!(
            (&place["because"][0]["holds"], &place["because"][2]["value"]),
            (&json!(true), &json!("2026-02-01"))
        );
        assert_eq!(place["clause"], "§ 6 lg 4");
        let sentence = place["sentence"].as_str().unwrap();
        assert!(sentence.starts_with("Koht järjekorras: 3, kokku on järjekorras 4."), "{sentence}");
        assert!(sentence.contains("Eespool 1: varasem taotlus."), "{sentence}");
        let text = place.to_string();
        assert!(!text.contains("Doora") && !text.contains(&doora) && !text.contains(&child(34)), "nobody else: {text}");

        // When the first gets a place, those behind move up by one.
        let body = json!({ "move": "placed", "effective_on": "2026-11-20", "base_document_ids": [t.order],
            "data": { "began_on": "2026-11-20", "group_name": "Mesilased" } });
        t.registrar.post(&path(&format!("records/waiting/{doora}/moves")), &body).expect(201);
        let place = |id: &str| {
            t.registrar.get(&path(&format!("records/waiting/{id}/queue"))).expect(200).body["number"].clone()
        };
        assert_eq!((place(&berta), place(&aadu)), (json!(2), json!(3)));
        let gone = t.registrar.get(&path(&format!("records/waiting/{doora}/queue"))).expect(409);
        assert_eq!((&gone.body["code"], &gone.body["clause"]), (&json!("not_queued"), &json!("§ 6 lg 4")));
        assert_eq!(names(&queue(&t, "&as_of=2026-11-19")), ["Doora", "Card", "Berta", "Aadu"], "as it stood then");
    });
}

#[test]
fn a_sibling_is_found_and_not_typed() {
    in_town(|t| {
        let mother = json!([{ "personal_code": t.h.personal_code("ema"), "last_name": "Tamm" }]);
        let residence = json!({ "municipality": "Näidislinn", "street": "Salajane 5" });
        let here =
            t.stays(&t.kuuse, &child(40), json!({ "guardians": mother, "residence": residence })).expect(201).id();
        // In an institution that was not applied for a sibling does not count, nor does the child itself.
        t.stays(&t.kase, &child(41), json!({ "guardians": mother })).expect(201);
        let waiting = t.applies("Juku", &child(42), json!({ "guardians": mother }));
        let record = path(&format!("records/waiting/{waiting}"));
        let siblings = |by: &str| t.h.login(by).get(&record).expect(200).body["data"]["siblings"].clone();
        let row = json!({ "record": here, "institution": t.kuuse, "first_name": "Mari", "residence": residence });
        assert_eq!(siblings("registripidaja"), json!([row]));
        let log = t.log_of(&here);
        assert!(
            log.iter()
                .any(|e| e["action"] == "record.read" && e["record_ids"].as_array().unwrap().contains(&json!(waiting))),
            "who saw the sibling's name is told to the sibling too"
        );
        // A protected address is not shown to whoever may not see addresses, by this way either.
        appoint(&t.h, "abiline", "helper", None);
        let seen = t.h.login("abiline").get(&record).expect(200);
        assert_eq!(
            seen.body["data"]["siblings"],
            json!([{ "record": here, "institution": t.kuuse, "first_name": "Mari" }])
        );
        assert!(!seen.text.contains("Salajane"));
        // Whoever may not see the other record learns only that there is one.
        assert_eq!(siblings("ema"), json!([{}]));
        let typed =
            json!({ "effective_on": "2026-04-01", "base_document_ids": [t.order], "data": { "siblings": [row] } });
        assert!(t.registrar.patch(&record, 1, &typed).expect(422).has_fault("/siblings", "derived"));
        // Once the sibling has left there is none.
        let end = json!({ "ended_on": "2026-10-31", "ground": "closed", "base_document_ids": [t.order] });
        t.registrar.post(&path(&format!("records/stay/{here}/end")), &end).expect(200);
        assert_eq!(siblings("registripidaja"), json!([]));
    });
}

#[test]
fn who_keeps_the_queue_sees_it_in_pages_and_nobody_else_does() {
    in_town(|t| {
        four(&t);
        let first = queue(&t, "&limit=3");
        assert_eq!(names(&first), ["Doora", "Card", "Berta"]);
        let next = first["next_cursor"].as_str().unwrap();
        let second = queue(&t, &format!("&limit=3&cursor={next}"));
        assert_eq!((names(&second), &second["next_cursor"]), (vec!["Aadu".to_owned()], &Value::Null));
        let whole = path(&format!("queues/waiting?institution_id={}", t.kuuse));
        assert_eq!(names(&t.h.login("kuuse").get(&whole).expect(200).body).len(), 4);
        assert_eq!(t.h.login("kase").get(&whole).expect(403).body["clause"], "§ 8");
        t.h.login("ema").get(&whole).expect(403);
        // Whoever sees no addresses is not told by the queue who lives where.
        appoint(&t.h, "abiline", "helper", None);
        let seen = t.h.login("abiline").get(&whole).expect(200).body;
        let key = &seen["items"][0]["because"][0];
        assert_eq!((key.get("holds"), key.get("hidden")), (None, Some(&Value::Null)), "{key}");
        assert!(!seen.to_string().contains("Kase 1"));
        for (query, status) in [("", 400), ("&cursor=x", 400), ("&limit=501", 400), ("&as_of=eile", 400)] {
            let asked = if query.is_empty() { path("queues/waiting") } else { format!("{whole}{query}") };
            t.registrar.get(&asked).expect(status);
        }
        t.registrar.get(&path(&format!("queues/stay?institution_id={}", t.kuuse))).expect(404);
        t.registrar.get(&format!("/registers/{REGISTER}/queues/nothing?institution_id={}", t.kuuse)).expect(404);
    });
}

#[test]
fn an_application_to_two_institutions_has_a_place_in_each() {
    in_town(|t| {
        four(&t);
        let juku = t.applies("Juku", &child(50), json!({ "queued_on": "2025-12-01", "choices": [t.kase, t.kuuse] }));
        let place = |institution: &str| t.registrar.get(&path(&format!("records/waiting/{juku}/queue{institution}")));
        assert!(place("").expect(400).has_fault("/institution_id", "required"));
        let at = |id: &str| place(&format!("?institution_id={id}")).expect(200).body;
        let (kuuse, kase) = (at(&t.kuuse), at(&t.kase));
        assert_eq!((&kuuse["number"], &kuuse["of"]), (&json!(4), &json!(5)));
        assert_eq!((&kase["number"], &kase["of"]), (&json!(1), &json!(1)));
        assert!(
            place(&format!("?institution_id={}", t.school)).expect(400).has_fault("/institution_id", "not_applied")
        );
        // The application is Kuuse's: in Kase's queue its head sees that somebody is there, and no more.
        let list = t.h.login("kase").get(&path(&format!("queues/waiting?institution_id={}", t.kase))).expect(200);
        assert_eq!((&list.body["items"][0]["number"], &list.body["items"][0]["record"]), (&json!(1), &Value::Null));
        assert!(!list.text.contains("Juku"));
    });
}
