//! What both databases and the JSON Schemas have in common.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use crate::harness::people::School;
use crate::harness::{REGISTER, on_both_databases};

/// Tables with their columns and keys, without what only one database says.
fn tables(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut steps: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|s| s.path()).collect();
    steps.sort();
    let mut tables = BTreeMap::new();
    for step in steps {
        let text = std::fs::read_to_string(step.join("up.sql")).unwrap();
        let plain = text.replace(" COLLATE \"C\"", "").replace("BYTEA", "BLOB");
        for part in plain.split("CREATE TABLE ").skip(1) {
            let (name, rest) = part.split_once(" (").unwrap();
            let body = rest.split("\n)").next().unwrap();
            let columns =
                body.lines().map(|l| l.trim().trim_end_matches(',').to_owned()).filter(|l| !l.is_empty()).collect();
            tables.insert(name.to_owned(), columns);
        }
        for line in plain.split(';').map(|s| s.split_whitespace().collect::<Vec<_>>().join(" ")) {
            if let Some(at) = line.find("INDEX ") {
                tables.insert(line[at..].to_owned(), Vec::new());
            }
        }
    }
    tables
}

#[test]
fn both_migrations_make_the_same_tables_columns_and_keys() {
    let (sqlite, postgres) = (tables(Path::new("migrations/sqlite")), tables(Path::new("migrations/postgres")));
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    for (name, columns) in &sqlite {
        assert_eq!(columns, &postgres[name], "{name}");
    }
    let steps = |f: &str| {
        let mut names: Vec<_> = std::fs::read_dir(f).unwrap().flatten().map(|s| s.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(steps("migrations/sqlite"), steps("migrations/postgres"));
}

#[test]
fn every_key_leads_with_the_register() {
    for (name, columns) in tables(Path::new("migrations/sqlite")) {
        for line in
            columns.iter().filter(|l| l.contains("PRIMARY KEY") || l.contains("UNIQUE") || l.contains("FOREIGN KEY"))
        {
            assert!(line.contains("(register") || line.starts_with("register "), "{name}: {line}");
        }
    }
}

#[test]
fn everything_that_is_changed_refers_to_its_entry_in_the_log() {
    let tables = tables(Path::new("migrations/sqlite"));
    for name in ["definition", "entry", "stored_file", "base_document", "app_user", "access_grant", "grant_log"] {
        let columns = &tables[name];
        assert!(columns.contains(&"audit_id TEXT NOT NULL".to_owned()), "{name}");
        assert!(columns.iter().any(|c| c.contains("(register, audit_id) REFERENCES audit_event")), "{name}");
    }
    on_both_databases(|h| {
        let s = School::open(h);
        let orphan = s.h.place.sql(&format!(
            "INSERT INTO definition VALUES ('{REGISTER}', 'x', '2020-01-01', '{{}}', 0, 'no-such-event')"
        ));
        assert!(orphan.is_err(), "a change without an entry in the log is not expressible");
    });
}

#[test]
fn the_json_schema_of_a_record_is_served_and_agrees_with_the_validator() {
    on_both_databases(|h| {
        let s = School::open(h);
        let schema = s.clerk.get(&format!("/registers/{REGISTER}/schema/employee")).expect(200).body;
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["properties"]["salary"]["x-clause"], "§ 12 lg 1 p 16");
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let data = s.office.employee("Kask", &s.personal_code)["data"].clone();
        assert!(
            validator.is_valid(&data),
            "{:?}",
            validator.iter_errors(&data).map(|e| e.to_string()).collect::<Vec<_>>()
        );
        let mut wrong = data.clone();
        wrong["employment_type"] = json!("slavery");
        assert!(!validator.is_valid(&wrong));
        s.clerk.get(&format!("/registers/{REGISTER}/schema/dragon")).expect(404);
    });
}

#[test]
fn the_openapi_document_and_the_pages_about_it_need_nothing_from_outside() {
    on_both_databases(|h| {
        let nobody = h.nobody();
        let api = nobody.get("/api/openapi.json").expect(200).body;
        assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
        for path in
            ["/api/v1/sessions", "/api/v1/registers/{register}/records/{type}", "/api/v1/registers/{register}/audit"]
        {
            let known = api["paths"].as_object().unwrap().keys().any(|k| normal(k) == normal(path));
            assert!(known, "{path} in {:?}", api["paths"].as_object().unwrap().keys().collect::<Vec<_>>());
        }
        let page = nobody.get("/api/docs/").expect(200).text;
        assert!(page.contains("swagger"), "{page:.200}");
        assert!(!page.contains("https://"), "nothing is loaded from elsewhere");
        assert_eq!(nobody.get("/healthz").status, 200);
        assert_eq!(nobody.get("/readyz").status, 200);
        let metrics = nobody.get("/metrics").expect(200).text;
        assert!(metrics.contains("andmekogu_"), "{metrics:.300}");
    });
}

fn normal(path: &str) -> String {
    path.split('/').map(|p| if p.starts_with('{') { "{}" } else { p }).collect::<Vec<_>>().join("/")
}
