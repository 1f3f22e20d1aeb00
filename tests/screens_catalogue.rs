//! The public site: a citizen finds, in their language, what an authority holds about whom, why, who decides and how to
//! ask; without logging in, without a cookie, without a script.

use std::collections::{BTreeMap, BTreeSet};

use andmekogu::config::registers::Found;
use andmekogu::domain::publicity::Kind;
use andmekogu::domain::statute::definition::Item;
use andmekogu::domain::statute::description::Statement;
use andmekogu::domain::statute::{Definition, Description, Label};
use serde_json::Value;

use crate::harness::visitor::{Seen, Visitor};
use crate::harness::{Harness, Place, REGISTER, every_register, named, on_both_databases};

/// A register that is only described.
const LIBRARY: &str = "pietarsaari-kirjaston-lainaajarekisteri";
const COUNSELLORS: &str = "optima-abilitas";
const HOST: &str = "register.example.ee";

fn site() -> Harness {
    Harness::found(Place::sqlite(), every_register())
}

fn speaking(h: &Harness, lang: &'static str) -> Visitor {
    let mut visitor = h.visitor();
    visitor.lang = lang;
    visitor
}

/// What a guest gets: no cookie is ever set.
fn guest(visitor: &Visitor, path: &str, status: u16) -> Seen {
    let seen = visitor.get(path).expect(status);
    assert!(!seen.headers.contains_key("set-cookie"), "{path} sets a cookie");
    seen
}

/// The catalogue, in the visitor's language.
fn front(visitor: &Visitor) -> Seen {
    guest(visitor, &format!("/{}/", visitor.lang), 200)
}

/// Short names of the registers in the list.
fn listed(seen: &Seen) -> Vec<String> {
    let hrefs = seen.attributes("tbody th a", "href");
    hrefs.iter().map(|href| href.rsplit('/').next().unwrap().to_owned()).collect()
}

fn search(visitor: &Visitor, words: &str) -> Vec<String> {
    let form = front(visitor).form_with("q").set("q", words);
    let query: Vec<String> = form
        .fields
        .iter()
        .map(|(name, value)| format!("{name}={}", andmekogu::web::context::percent_encoded(value)))
        .collect();
    listed(&guest(visitor, &format!("{}?{}", form.action, query.join("&")), 200))
}

#[test]
fn a_citizen_finds_which_register_an_authority_has_why_who_decides_and_how_to_ask() {
    let h = site();
    // Swedish: who studies at Optima asks about the counsellors' register, whose source is Swedish.
    let swedish = speaking(&h, "sv");
    let list = front(&swedish);
    assert!(list.text().contains("39 register"), "{}", list.text());
    let optima = guest(&swedish, &list.link("Optima samkommun"), 200);
    assert_eq!(listed(&optima).len(), 7);
    let page = guest(&swedish, &optima.link("Abilitas"), 200);
    let definition = named(COUNSELLORS).definitions.remove(0);
    let said = |name: &str| -> String {
        let statement = definition.register.statements.iter().find(|s| s.name == name).unwrap();
        statement.label.official().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let rector = definition.register.roles.iter().find(|role| role.name == "rector").unwrap();
    let decides = format!("beslutar: {}", rector.label.official());
    for told in [&definition.register.purposes[0].label.official().to_owned(), &said("right_of_access"), &decides] {
        assert!(page.text().contains(told.as_str()), "{told}: {}", page.text());
    }
    assert!(page.text().contains("svar inom: 1 månad"), "{}", page.text());
    assert!(!page.text().contains("inofficiell översättning"), "the source speaks Swedish itself");

    // Finnish: the same register in a translation that says so; Pietarsaari's in the words of its list.
    let finnish = speaking(&h, "fi");
    let page = guest(&finnish, &format!("/r/{COUNSELLORS}"), 200);
    assert!(page.text().contains("epävirallinen käännös") && page.text().contains("päättää:"), "{}", page.text());
    let page = guest(&finnish, &format!("/r/{LIBRARY}"), 200);
    for told in
        ["Kirjaston asiakastiedot", "Sivistyslautakunta / Kirjastopalvelut", "pidetään muualla", "Käyttötarkoitus"]
    {
        assert!(page.text().contains(told), "{told}: {}", page.text());
    }

    // Estonian: the municipality's own, and a Finnish text that says it is Finnish.
    let estonian = speaking(&h, "et");
    let page = guest(&estonian, &front(&estonian).link("personaliarvestuse"), 200);
    for told in ["Jõelähtme Vallavalitsus", "otsustab:", "vastatakse: 5 tööpäeva", "§ 18 lg 2 p 1", "Minu andmed"]
    {
        assert!(page.text().contains(told), "{told}: {}", page.text());
    }
    let page = guest(&estonian, &format!("/r/{LIBRARY}"), 200);
    let finnish_words = page.all("[lang=fi]");
    assert!(finnish_words.iter().any(|words| words == "Kirjaston asiakastiedot"), "{finnish_words:?}");
    assert!(page.text().contains("Allikas on soome keeles"));
}

#[test]
fn what_is_looked_for_is_found_with_and_without_its_marks_in_any_language() {
    let h = site();
    for lang in ["et", "en", "fi", "sv"] {
        let visitor = speaking(&h, lang);
        let found = search(&visitor, "ympäristönsuojelu");
        assert!(!found.is_empty());
        for typed in ["ymparistonsuojelu", "YMPÄRISTÖNSUOJELU", " Ymparistonsuojelu "] {
            assert_eq!(search(&visitor, typed), found, "{typed} in {lang}");
        }
    }
    let visitor = h.visitor();
    assert!(search(&visitor, "kirjasto").contains(&LIBRARY.to_owned()));
    assert_eq!(search(&visitor, "personaliarvestuse vallavalitsus"), [REGISTER]);
    assert!(search(&visitor, "haldussüsteem").contains(&"optima-tweb-valmu".to_owned()), "by its Estonian name");
    assert_eq!(search(&visitor, "kirjasto purjelaev"), [""; 0]);
    let nothing = guest(&visitor, "/?q=purjelaev", 200);
    assert!(nothing.text().contains("Andmekogu ei leitud"));
    // Answers to a search are not for search engines.
    assert_eq!(nothing.attributes("meta[name=robots]", "content"), ["noindex, follow"]);
}

#[test]
fn authorities_have_their_counts_and_a_page_holds_no_more_than_fifty() {
    let found = every_register();
    let kept = found.definitions.len();
    let one = found.descriptions[0].clone();
    let many = (0..120).map(|i| Description {
        short_name: format!("kirjeldus-{i:03}"),
        digest: format!("{i:064}"),
        ..one.clone()
    });
    let h = Harness::found(Place::sqlite(), Found { descriptions: many.collect(), ..found });
    let visitor = h.visitor();
    let first = front(&visitor);
    assert_eq!(listed(&first).len(), 50);
    assert!(first.text().contains("leht 1 / 3"), "{}", first.text());
    let count = |name: &str| {
        let all = first.all("nav.fac a");
        all.iter().find_map(|text| text.strip_prefix(name)).map(|n| n.trim().parse::<usize>().unwrap()).unwrap()
    };
    assert_eq!((count("Pietarsaaren kaupunki"), count("Optima samkommun")), (120, 7));
    let mut all: BTreeSet<String> = listed(&first).into_iter().collect();
    let second = guest(&visitor, &first.link("Järgmised"), 200);
    all.extend(listed(&second));
    let third = guest(&visitor, &second.link("Järgmised"), 200);
    all.extend(listed(&third));
    assert_eq!(all.len(), 120 + kept, "every register stands on one of the pages");
    assert_eq!(listed(&guest(&visitor, &third.link("Eelmine"), 200)), listed(&second));
    // Narrowed and searched at once, and on.
    let narrowed = guest(&visitor, &first.link("Pietarsaaren kaupunki"), 200);
    assert!(narrowed.text().contains("120 andmekogu"));
    let further = guest(&visitor, &narrowed.link("Järgmised"), 200);
    assert!(further.text().contains("leht 2 / 3") && further.path.contains("authority="), "{}", further.path);
}

#[test]
fn whatever_is_asked_wrongly_gets_a_page_that_says_what_to_do() {
    let h = site();
    let visitor = h.visitor();
    let long = "õ".repeat(201);
    for (path, status, told) in [
        ("/?page=0".to_owned(), 400, "Lehe number on täisarv alates ühest"),
        ("/?page=-1".to_owned(), 400, "Lehe number"),
        ("/?page=kaks".to_owned(), 400, "Lehe number"),
        (format!("/?page={}", u64::MAX), 404, "Nii palju lehti ei ole"),
        ("/?page=2".to_owned(), 404, "Nii palju lehti ei ole"),
        ("/?authority=Kuu+Amet".to_owned(), 404, "Sellel asutusel andmekogusid ei ole"),
        (format!("/?q={}", andmekogu::web::context::percent_encoded(&long)), 400, "kuni 200 märki"),
        ("/r/ei-ole-olemas".to_owned(), 404, "Seda lehte või kirjet ei ole"),
        (format!("/r/{REGISTER}/documents/horoscope"), 404, "Sellist dokumenti"),
        (format!("/r/{REGISTER}/documents/publicity_description"), 404, "Sellist dokumenti"),
        (format!("/r/{LIBRARY}/riha.json"), 404, "Sellist dokumenti"),
    ] {
        let seen = guest(&visitor, &path, status);
        assert!(seen.text().contains(told), "{path}: {}", seen.text());
        assert!(!seen.headers["cache-control"].contains("public"), "{path}: a fault is not kept");
    }
    let script = guest(&visitor, "/?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E", 200);
    assert!(!script.html.contains("<script>alert"));
    assert!(guest(&visitor, "/?q=%25&q=%27&page=1&x=y", 200).text().contains("39 andmekogu"));
}

#[test]
fn a_register_that_is_only_described_has_no_doors_for_staff() {
    let h = site();
    h.staff();
    let (visitor, clerk) = (h.visitor(), h.visit_as("hr_clerk"));
    for path in ["/desk", "/records", "/statute", "/audit", "/access", "/cases/new", "/requests", "/purpose"] {
        for who in [&visitor, &clerk] {
            let seen = who.get(&format!("/r/{LIBRARY}{path}")).expect(404);
            assert!(seen.text().contains("Seda andmekogu siin ei peeta"), "{path}: {}", seen.text());
        }
    }
    h.login("hr_clerk").get(&format!("/registers/{LIBRARY}/records/employee")).expect(404);
}

#[test]
fn guests_may_keep_what_they_fetched_and_ask_whether_it_is_still_so() {
    let h = site();
    h.staff();
    let paths = [
        "/et/".to_owned(),
        format!("/sv/r/{REGISTER}"),
        format!("/fi/r/{LIBRARY}"),
        format!("/et/r/{REGISTER}/statute"),
        format!("/en/r/{REGISTER}/documents/privacy_notice"),
        format!("/en/r/{REGISTER}/documents/privacy_notice.json"),
        "/sitemap.xml".into(),
        "/robots.txt".into(),
        "/catalogue.json".into(),
        "/catalogue.ttl".into(),
        "/processing.csv".into(),
    ];
    let visitor = h.visitor();
    for path in &paths {
        let seen = guest(&visitor, path, 200);
        assert!(seen.headers["cache-control"].starts_with("public"), "{path}: {:?}", seen.headers);
        let tag = seen.headers["etag"].clone();
        let again = visitor.raw("GET", path, &[], &[("If-None-Match", &tag)]);
        assert_eq!((again.status, again.html.as_str()), (304, ""), "{path}");
        assert_eq!(again.headers.get("etag"), Some(&tag));
        assert_eq!(again.headers.get("content-security-policy"), seen.headers.get("content-security-policy"), "{path}");
        assert_eq!(visitor.raw("GET", path, &[], &[("If-None-Match", "\"other\"")]).status, 200);
        assert_eq!(guest(&visitor, path, 200).html, seen.html, "{path} is the same each time");
    }
    // Whoever is logged in sees their own frame around it, and nobody keeps that.
    let clerk = h.visit_as("hr_clerk");
    for path in &paths[..4] {
        let seen = clerk.get(path).expect(200);
        assert!(seen.headers["cache-control"].contains("private"), "{path}: {:?}", seen.headers);
        assert!(!seen.headers.contains_key("etag"), "{path}");
    }
}

/// The alternates of a page, by their languages.
fn alternates(seen: &Seen) -> BTreeMap<String, String> {
    let links = "link[rel=alternate][hreflang]";
    seen.attributes(links, "hreflang").into_iter().zip(seen.attributes(links, "href")).collect()
}

#[test]
fn each_page_names_itself_and_its_other_languages_and_they_name_it() {
    let h = site();
    let visitor = h.visitor();
    let authority = "?authority=Pietarsaaren%20kaupunki".to_owned();
    let register = format!("r/{LIBRARY}");
    for path in ["", &authority, &register, &format!("r/{REGISTER}/documents/privacy_notice"), "help"] {
        let first = guest(&visitor, &format!("/et/{path}"), 200);
        let all = alternates(&first);
        assert_eq!(all.keys().map(String::as_str).collect::<Vec<_>>(), ["en", "et", "fi", "sv", "x-default"], "{path}");
        assert_eq!(all["x-default"], all["et"]);
        for (lang, address) in all.iter().filter(|(lang, _)| *lang != "x-default") {
            let (_, rest) = address.split_once("://").unwrap();
            let other = guest(&visitor, &rest[rest.find('/').unwrap()..], 200);
            assert_eq!(other.attributes("html", "lang"), std::slice::from_ref(lang));
            assert_eq!(alternates(&other), all, "{path} in {lang}");
            assert_eq!(other.attributes("link[rel=canonical]", "href"), std::slice::from_ref(address));
        }
    }
}

#[test]
fn the_map_names_every_public_page_and_each_answers() {
    let h = site();
    let visitor = h.visitor();
    let seen = visitor.raw("GET", "/sitemap.xml", &[], &[("Host", HOST)]);
    assert_eq!((seen.status, seen.headers["content-type"].as_str()), (200, "application/xml; charset=utf-8"));
    let mut reader = quick_xml::Reader::from_str(&seen.html);
    let (mut pages, mut others, mut in_loc) = (Vec::new(), Vec::new(), false);
    loop {
        use quick_xml::events::Event;
        match reader.read_event().unwrap() {
            Event::Start(e) => in_loc = e.name().as_ref() == "loc",
            Event::Empty(e) if e.name().as_ref() == "xhtml:link" => {
                let href = e.attributes().map(Result::unwrap).find(|a| a.key.as_ref() == "href").unwrap();
                others.push(href.value.into_owned());
            }
            Event::Text(text) if in_loc => pages.push(text.into_inner().into_owned()),
            Event::End(_) => in_loc = false,
            Event::Eof => break,
            _ => {}
        }
    }
    let base = format!("http://{HOST}");
    let known: BTreeSet<&String> = pages.iter().collect();
    assert_eq!(known.len(), pages.len(), "each address stands once");
    assert!(others.iter().all(|other| known.contains(other)), "every alternate is itself a page of the map");
    for lang in ["et", "en", "fi", "sv"] {
        for path in ["/", &format!("/r/{REGISTER}"), &format!("/r/{LIBRARY}"), &format!("/r/{COUNSELLORS}/statute")] {
            assert!(known.contains(&format!("{base}/{lang}{path}")), "{lang}{path}");
        }
    }
    for page in &pages {
        let path = page.strip_prefix(&base).unwrap();
        let seen = guest(&visitor, path, 200);
        assert_eq!(seen.all("h1").len(), 1, "{path}");
    }
    let robots = visitor.raw("GET", "/robots.txt", &[], &[("Host", HOST)]);
    assert!(robots.html.contains(&format!("Sitemap: {base}/sitemap.xml")), "{}", robots.html);
    // A host that is none is not repeated.
    let odd = visitor.raw("GET", "/robots.txt", &[], &[("Host", "a\"b")]);
    assert!(odd.status >= 400 || !odd.html.contains("a\"b"), "{}", odd.html);
    assert_eq!(visitor.raw("GET", "/sitemap-1.xml", &[], &[]).status, 404, "all fit into one file");
}

#[test]
fn documents_are_read_as_pages_and_taken_as_files() {
    let h = site();
    let visitor = h.visitor();
    let page = guest(&visitor, &format!("/r/{COUNSELLORS}"), 200);
    let notice = guest(&visitor, &page.link("Andmekaitsetingimused"), 200);
    assert!(notice.text().contains("Mitteametlik tõlge"), "{}", notice.text());
    let json = guest(&visitor, &notice.link("JSON"), 200);
    let body: Value = serde_json::from_str(&json.html).unwrap();
    assert_eq!((body["register"].as_str(), body["language"].as_str()), (Some(COUNSELLORS), Some("et")));
    for section in body["sections"].as_array().unwrap() {
        assert!(notice.text().contains(section["heading"].as_str().unwrap()), "{section}");
    }
    let pdf = guest(&visitor, &notice.link("PDF"), 200);
    assert!(pdf.html.starts_with("%PDF-") && pdf.headers["content-type"] == "application/pdf");
    for kind in Kind::ALL {
        let seen = visitor.get(&format!("/sv/r/{COUNSELLORS}/documents/{}", kind.as_str())).expect(200);
        assert_eq!(seen.attributes("html", "lang"), ["sv"]);
    }
    let catalogue: Value = serde_json::from_str(&guest(&visitor, "/catalogue.json", 200).html).unwrap();
    assert_eq!(catalogue.as_array().unwrap().len(), 39);
    let turtle = guest(&visitor, "/catalogue.ttl", 200);
    assert!(turtle.headers["content-type"].starts_with("text/turtle") && turtle.html.contains("a dcat:Catalog"));
    let csv = guest(&visitor, "/processing.csv", 200);
    assert!(csv.html.contains(REGISTER) && csv.headers["content-disposition"].contains("processing.csv"));
}

#[test]
fn what_a_description_leaves_unsaid_is_told_to_whoever_answers_for_it_and_to_nobody_else() {
    let h = site();
    h.staff();
    let path = format!("/r/{LIBRARY}");
    for who in [&h.visitor(), &h.visit_as("hr_clerk")] {
        assert!(!who.get(&path).expect(200).text().contains("Kirjeldamata:"));
    }
    let seen = h.visit_as("administrator").get(&path).expect(200);
    assert!(seen.text().contains("Kirjeldamata:"), "{}", seen.text());
    // Of a register that is kept here, its controller is told.
    let own = format!("/r/{REGISTER}");
    let missing = !h.app.register(REGISTER).unwrap().definition.missing().is_empty();
    assert_eq!(h.visit_as("controller").get(&own).expect(200).text().contains("Kirjeldamata:"), missing);
    assert!(!h.visitor().get(&own).expect(200).text().contains("Kirjeldamata:"));
}

/// Everything that a guest can get of the site.
fn everything(visitor: &Visitor, name: &str) -> String {
    let mut all = String::new();
    for lang in ["et", "en", "fi", "sv"] {
        let mut paths = vec![format!("/{lang}/"), format!("/{lang}/r/{name}"), format!("/{lang}/r/{name}/statute")];
        for kind in Kind::ALL {
            paths.push(format!("/{lang}/r/{name}/documents/{}", kind.as_str()));
            paths.push(format!("/{lang}/r/{name}/documents/{}.json", kind.as_str()));
        }
        paths.push(format!("/{lang}/r/{name}/riha.json"));
        for path in paths {
            all.push_str(&visitor.get(&path).html);
        }
    }
    for path in ["/sitemap.xml", "/catalogue.json", "/catalogue.ttl", "/processing.csv"] {
        all.push_str(&visitor.get(path).html);
    }
    all
}

fn in_all(text: &str) -> Label {
    let text = Some(text.to_owned());
    Label { et: text.clone(), en: text.clone(), fi: text.clone(), sv: text, ..Label::default() }
}

#[test]
fn what_is_secret_is_nowhere_in_what_everybody_can_read() {
    let mut found = named(REGISTER);
    let definition: &mut Definition = &mut found.definitions[0];
    let clause = definition.register.name_clause.clone();
    definition.register.statements.push(Statement {
        name: "secret_statement".into(),
        label: in_all("SALALAUSE"),
        clause,
        part: None,
        period: None,
        secret: true,
    });
    let kind = definition.record_types.iter_mut().find(|kind| kind.name == "employee").unwrap();
    let field = kind.fields.iter_mut().find(|field| !field.required).unwrap();
    (field.secret, field.label) = (true, in_all("SALAVÄLI"));
    let mut hidden = every_register().descriptions.remove(0);
    (hidden.short_name, hidden.secret) = ("salajane-kirjeldus".into(), true);
    hidden.name = in_all("SALANIMI");
    hidden.purposes =
        vec![Item { name: "purpose".into(), label: in_all("SALAEESMÄRK"), clause: hidden.name_clause.clone() }];
    found.descriptions.push(hidden);
    let h = Harness::found(Place::sqlite(), found);
    h.staff();
    let visitor = h.visitor();
    visitor.get("/r/salajane-kirjeldus").expect(404);
    let all = everything(&visitor, REGISTER) + &everything(&visitor, "salajane-kirjeldus");
    for word in ["SALALAUSE", "SALAVÄLI", "SALANIMI", "SALAEESMÄRK"] {
        assert!(!all.contains(word), "{word} is read by everybody");
    }
    for path in ["/", "/sitemap.xml", "/catalogue.json", "/catalogue.ttl", "/processing.csv"] {
        assert!(!visitor.get(path).html.contains("salajane-kirjeldus"), "{path}");
    }
    assert!(search(&visitor, "salanimi").is_empty() && search(&visitor, "salaeesmark").is_empty());
    let seen = h.visit_as("controller").get(&format!("/r/{REGISTER}")).expect(200);
    assert!(seen.text().contains("SALALAUSE") && seen.text().contains("SALAVÄLI"), "the controller is told");
}

#[test]
fn the_list_says_which_registers_are_closed() {
    on_both_databases(|h| {
        let e = crate::closing::open(h).closed(|_| "destruction");
        let list = front(&e.s.h.visitor());
        assert!(list.text().contains("suletud alates 01.12.2026"), "{}", list.text());
        assert_eq!(listed(&list).len(), 2);
    });
}
