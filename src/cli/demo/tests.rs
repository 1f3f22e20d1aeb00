//! The shipped seeds, entered into a new database.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use indicatif::ProgressBar;
use serde_json::Value;

use super::*;
use crate::app::ActContext;
use crate::cli::wait;
use crate::store::read::lists::ListQuery;
use generate::{Generator, Plan};

fn installation(dir: &Path, more: &[(&str, &str)]) -> Installation {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = |p: &str| root.join(p).display().to_string();
    let mut env = vec![
        ("ANDMEKOGU_DATA_DIR".to_owned(), dir.display().to_string()),
        ("ANDMEKOGU_REGISTERS_DIR".to_owned(), path("config/registers")),
        ("ANDMEKOGU_SEEDS_DIR".to_owned(), path("seeds")),
    ];
    env.extend(more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    let file = root.join("config/andmekogu.toml");
    Installation::new(&Settings::load(Some(&file), env).unwrap(), true)
}

/// Everything of a type, page by page.
async fn all(app: &App, user: &str, register: &str, record_type: &str) -> Vec<Value> {
    let user = app.user_named(user).await.unwrap();
    let query = ListQuery { limit: 500, ..ListQuery::default() };
    let page =
        app.list_records(ActContext::user(user), register.to_owned(), record_type.to_owned(), query).await.unwrap();
    let page = serde_json::to_value(page).unwrap();
    page["items"].as_array().unwrap().clone()
}

#[test]
fn the_demonstration_is_complete_and_seeded_once() {
    let dir = tempfile::tempdir().unwrap();
    let installation = installation(dir.path(), &[]);
    wait(async {
        let began = Instant::now();
        let (app, seeded) = prepare(&installation).await.unwrap();
        let took = began.elapsed();
        assert!(took.as_secs() < 10, "seeding took {took:?}");
        let welcome = seeded.welcome(([127, 0, 0, 1], 8080).into());
        assert!(welcome.contains("http://127.0.0.1:8080") && welcome.contains(PASSWORD));

        let expected = [
            "administrator",
            "hr_clerk",
            "hr_clerk_school",
            "it_manager",
            "municipal_secretary",
            "controller",
            "supervisor",
            "processor",
            "data_subject",
            "archivist",
        ];
        for name in expected {
            assert!(welcome.contains(name), "{name}");
            let tokens = app.login(None, name, PASSWORD.to_owned()).await;
            assert!(tokens.is_ok(), "{name} cannot log in");
        }
        let names: Vec<String> = app.store.registers().names().map(str::to_owned).collect();
        let register = &names[0];
        let definition = app.register(register).unwrap().definition.clone();
        let mut seen = 0;
        for kind in &definition.record_types {
            let found = all(&app, "hr_clerk", register, &kind.name).await;
            assert!(found.len() >= 4, "{}: {}", kind.name, found.len());
            seen += found.len();
            // Everything of people that the statute lists, and that somebody enters, is met by somebody.
            let entered = kind.fields.iter().filter(|f| f.derived.is_none() && kind.subject.is_some());
            for field in entered {
                let met = found.iter().any(|e| e["data"].get(&field.name).is_some());
                assert!(met, "nobody has {}", field.name);
            }
        }
        assert!(seen >= 40, "{seen}");

        let people = definition.record_types.iter().find(|t| t.subject.is_some()).unwrap();
        let found = all(&app, "hr_clerk", register, &people.name).await;
        let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
        for person in &found {
            *statuses.entry(person["status"].as_str().unwrap()).or_default() += 1;
        }
        assert!(["pending", "active", "ended"].iter().all(|s| statuses.contains_key(s)), "{statuses:?}");
        assert!(found.iter().any(|e| e["status"] == "active" && e["version"] == 2), "a change is to come");

        let own = all(&app, "hr_clerk_school", register, &people.name).await;
        assert!(!own.is_empty() && own.len() < found.len(), "one institution only");
        assert!(own.iter().all(|e| e["redacted"].as_array().unwrap().len() == 2), "all sections but two");
        let subject = app.user_named("data_subject").await.unwrap();
        let me = serde_json::to_string(&app.me(ActContext::user(subject)).await.unwrap()).unwrap();
        assert!(me.contains(&people.name), "the data subject finds their own record: {me}");

        drop(app);
        let (app, _) = prepare(&installation).await.unwrap();
        let again = all(&app, "hr_clerk", register, &people.name).await;
        assert_eq!(again.len(), found.len(), "seeded once");
    });
}

#[test]
fn a_demonstration_stays_on_this_machine_and_in_its_own_database() {
    let dir = tempfile::tempdir().unwrap();
    let open = installation(dir.path(), &[("ANDMEKOGU_LISTEN", "0.0.0.0:8080")]);
    let own = installation(dir.path(), &[]);
    wait(async {
        let refused = prepare(&open).await.err().unwrap().to_string();
        assert!(refused.contains("0.0.0.0:8080") && refused.contains("127.0.0.1"), "{refused}");

        let app = own.start().await.unwrap();
        app.add_user("somebody".into(), "Somebody".into(), None, "maasikas ja piim".into()).await.unwrap();
        drop(app);
        let refused = prepare(&own).await.err().unwrap().to_string();
        assert!(refused.contains("ANDMEKOGU_DATA_DIR"), "{refused}");
    });
}

#[test]
fn an_interrupted_seeding_is_not_taken_for_a_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let installation = installation(dir.path(), &[]);
    wait(async {
        let app = installation.start().await.unwrap();
        app.add_user("somebody".into(), "Somebody".into(), None, PASSWORD.into()).await.unwrap();
        let mut mark = Mark::new(&installation);
        mark.seeding = Some("a register".into());
        mark.write(&installation).unwrap();
        drop(app);
        let refused = prepare(&installation).await.err().unwrap().to_string();
        assert!(refused.contains("a register was interrupted"), "{refused}");
    });
}

#[test]
fn the_shipped_description_makes_sound_records_twice_over() {
    let dir = tempfile::tempdir().unwrap();
    let installation = installation(dir.path(), &[]);
    wait(async {
        let (app, _) = prepare(&installation).await.unwrap();
        let registers = app.store.registers();
        let mut made = 0;
        for register in registers.names() {
            let path = seeds_of(&installation, register).join("generate.toml");
            // A register without seeds has nothing to make records from.
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            let plan: Plan = toml::from_str(&text).unwrap();
            made += 1;
            let definition = app.register(register).unwrap().definition.clone();
            let user = app.user_named(&plan.by).await.unwrap();
            let last = plan.steps.last().unwrap().record_type.clone();
            let before = all(&app, &plan.by, register, &last).await.len();
            let mut start = 0;
            for records in [60, 20] {
                let generator = Generator::new(&plan, &definition, start).unwrap();
                let bar = ProgressBar::hidden();
                let loading =
                    load::Loading { app: &app, register, user, in_flight: 64, generator: &generator, bar: &bar };
                let others = loading.load(&plan, records).await.unwrap();
                assert!(others >= records / 20, "{others}");
                start = generator.next_start(records);
            }
            let after = all(&app, &plan.by, register, &last).await.len();
            assert_eq!(after, before + 80);
        }
        assert_eq!(made, 2);
    });
}
