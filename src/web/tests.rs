//! The web layer over a real store: what clients get whatever they send. Acts have their own tests under `tests/`.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Data;
use actix_web::{App as Application, Error};
use serde_json::{Value, json};

use super::{Settings, Web, configure, routes};
use crate::app::{App, LogKeys, password, tokens};
use crate::clock::SystemClock;
use crate::domain::registers::Registers;
use crate::domain::statute::definition::Sources;
use crate::domain::statute::parse::parse;
use crate::store::{self, DatabaseUrl, Store};

const PASSWORD: &str = "maasikas ja piim";

/// The first definition that is shipped, whichever it is.
fn sources() -> Sources {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/registers");
    let mut folders: Vec<_> = std::fs::read_dir(root).unwrap().map(|f| f.unwrap().path()).collect();
    folders.sort();
    let folder = &folders[0];
    let mut sources = Sources::new();
    for place in [folder.clone(), folder.join("records")] {
        for file in std::fs::read_dir(place).unwrap().map(|f| f.unwrap().path()) {
            if file.is_file() {
                let name = file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                sources.insert(name, std::fs::read_to_string(&file).unwrap());
            }
        }
    }
    sources
}

struct House {
    app: Arc<App>,
    register: String,
    _folder: tempfile::TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    let url = DatabaseUrl::Sqlite(path.to_str().unwrap().to_owned());
    store::migrate::migrate(&url).unwrap();
    let registers = Registers::new(vec![parse(&sources()).unwrap()]).unwrap();
    let register = registers.names().next().unwrap().to_owned();
    let settings = store::Settings { url, readers: 2, writers: 1, queue: 64 };
    let lifetimes = tokens::Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(3600) };
    let key = tokens::NamedKey { kid: "a".into(), seed: [1; 32] };
    let app = App {
        store: Arc::new(Store::open(&settings, registers, Arc::new(SystemClock)).unwrap()),
        tokens: tokens::Tokens::new(&[key], [2; 32], lifetimes).unwrap(),
        log_keys: LogKeys { domain: "andmekogu.example".into(), seed: [3; 32], own: None },
        passwords: password::Policy { shortest: 12, memory_kib: 64, passes: 1 },
        largest_file: 1024,
        hashing: tokio::sync::Semaphore::new(1),
        facts: Default::default(),
        trials: Default::default(),
        keeping: Default::default(),
        backup: Default::default(),
    };
    app.load_definitions().await.unwrap();
    app.add_user("mari".into(), "Mari Maasikas".into(), None, PASSWORD.into()).await.unwrap();
    House { app: Arc::new(app), register, _folder: folder }
}

fn state(house: &House) -> Data<Web> {
    let settings = Settings { body_limit: 64 * 1024, file_limit: 1024, ..Settings::default() };
    Data::new(Web::new(house.app.clone(), settings))
}

struct Got {
    status: u16,
    headers: header::HeaderMap,
    body: Value,
}

async fn call<S, R, B>(service: &S, request: R) -> Got
where
    S: Service<R, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let response = service.call(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = to_bytes(response.into_body()).await.ok().unwrap();
    if status >= 400 {
        assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
    }
    for name in ["content-security-policy", "x-content-type-options", "x-request-id", "cache-control"] {
        assert!(headers.contains_key(name), "{name}");
    }
    assert!(!headers.contains_key("content-encoding"));
    Got { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

macro_rules! service {
    ($house:expr) => {{
        let state = state(&$house);
        init_service(Application::new().configure(move |cfg| configure(cfg, state))).await
    }};
}

fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}
fn post(path: &str, body: &Value) -> TestRequest {
    TestRequest::post().uri(path).set_json(body)
}

async fn login(house: &House) -> String {
    let session = house.app.login(None, "mari", PASSWORD.into()).await.unwrap();
    format!("Bearer {}", session.access_token)
}

#[actix_web::test]
async fn a_session_is_opened_used_refreshed_and_ended() {
    let house = house().await;
    let app = service!(house);
    let body = json!({"username": "mari", "password": PASSWORD});
    let got = call(&app, post("/api/v1/sessions", &body).to_request()).await;
    assert_eq!((got.status, &got.body["token_type"]), (201, &json!("Bearer")));
    let bearer = |body: &Value| format!("Bearer {}", body["access_token"].as_str().unwrap());
    let refresh = json!({"refresh_token": got.body["refresh_token"]});
    let me = get("/api/v1/me").insert_header(("Authorization", bearer(&got.body)));
    let got = call(&app, me.to_request()).await;
    assert_eq!((got.status, &got.body["username"]), (200, &json!("mari")));
    let got = call(&app, post("/api/v1/sessions/refresh", &refresh).to_request()).await;
    assert_eq!(got.status, 201);
    let token = bearer(&got.body);
    let end = TestRequest::delete().uri("/api/v1/sessions/current");
    let got = call(&app, end.insert_header(("Authorization", token.clone())).to_request()).await;
    assert_eq!(got.status, 204);
    let me = get("/api/v1/me").insert_header(("Authorization", token));
    assert_eq!(call(&app, me.to_request()).await.status, 401);
    let wrong = json!({"username": "mari", "password": "x"});
    let got = call(&app, post("/api/v1/sessions", &wrong).to_request()).await;
    assert_eq!(got.status, 401);
    assert_eq!(got.headers.get("www-authenticate").unwrap(), "Bearer");
}

#[actix_web::test]
async fn what_needs_a_login_says_so_before_anything_else() {
    let house = house().await;
    let app = service!(house);
    let id = "01890000-0000-7000-8000-000000000000";
    for route in routes::ROUTES {
        let path = route
            .path
            .replace("{r}", &house.register)
            .replace("{id}", id)
            .replace("{seq}", "0")
            .replace("{type}", "x")
            .replace("{import}", id)
            .replace("{record}", id)
            .replace("{feed}", "x")
            .replace("{name}", "x")
            .replace("{secret}", "x");
        let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
        let request = TestRequest::default().method(method).uri(&path);
        let got = call(&app, request.to_request()).await;
        assert_eq!(got.status == 401, route.login, "{path} gave {}", got.status);
        assert!(got.status < 500, "{path} gave {}", got.status);
    }
}

#[actix_web::test]
async fn addresses_and_methods_that_are_not_there() {
    let house = house().await;
    let app = service!(house);
    for path in [
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/registers/a/records/b/not-an-id",
        "/api/v1/registers/a/audit/-1/inclusion",
        "/api/v1/registers/a%00b",
        "/api/v1/registers/a%0d%0ab",
        "/api/v1/registers/%ff",
        "/api/docs/nothing.js",
        "/api/public/v1/registers/nothing",
        "/metrics",
    ] {
        let token = login(&house).await;
        let request = get(path).insert_header(("Authorization", token));
        assert_eq!(call(&app, request.to_request()).await.status, 404, "{path}");
    }
    let got = call(&app, TestRequest::put().uri("/api/v1/sessions").to_request()).await;
    assert_eq!(got.status, 405);
    assert_eq!(got.headers.get("allow").unwrap(), "POST");
    let got = call(&app, TestRequest::delete().uri("/healthz?x=1").to_request()).await;
    assert_eq!(got.headers.get("allow").unwrap(), "GET, HEAD");
    let head = TestRequest::default().method(Method::HEAD).uri("/healthz");
    assert_eq!(call(&app, head.to_request()).await.status, 200);
}

#[actix_web::test]
async fn bodies_that_cannot_be_read_are_never_our_fault() {
    let house = house().await;
    let app = service!(house);
    let deep = "[".repeat(50_000);
    let large = format!("{{\"username\": \"{}\"}}", "x".repeat(70_000));
    let json = "application/json";
    let cases: [(&str, &[u8], u16); 13] = [
        (json, b"", 400),
        (json, b"{", 400),
        (json, b"\xff\xfe", 400),
        (json, deep.as_bytes(), 400),
        (json, b"{\"username\":1e999}", 400),
        (json, b"{\"username\":\"a\",\"username\":\"b\"}", 400),
        (json, b"[]", 422),
        (json, b"{}", 422),
        (json, b"{\"username\":1,\"password\":[]}", 422),
        (json, b"{\"username\":\"a\\u0000\",\"password\":\"b\"}", 422),
        (json, large.as_bytes(), 413),
        ("text/plain", b"{}", 415),
        ("application/json; charset=latin1", b"{}", 415),
    ];
    for (media, body, status) in cases {
        let request = TestRequest::post()
            .uri("/api/v1/sessions")
            .insert_header(("Content-Type", media))
            .set_payload(body.to_vec());
        let got = call(&app, request.to_request()).await;
        let start = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
        assert_eq!(got.status, status, "{media} {start}");
    }
    let packed = post("/api/v1/sessions", &json!({})).insert_header(("Content-Encoding", "gzip"));
    assert_eq!(call(&app, packed.to_request()).await.status, 415);
    let got = call(&app, post("/api/v1/sessions", &json!({"x": 1})).to_request()).await;
    let pointers: Vec<_> =
        got.body["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/username", "/password", "/x"]);
}

#[actix_web::test]
async fn queries_and_headers_that_cannot_be_read_are_never_our_fault() {
    let house = house().await;
    let app = service!(house);
    let token = login(&house).await;
    let base = format!("/api/v1/registers/{}", house.register);
    for query in [
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=",
        "nothing=1",
        "limit=1&limit=1",
        "q=%ff",
        "as_of=2026-02-30",
        "status=x",
        "institution_id=1",
        "filter=1",
        "filter[]=1",
        "q=%00",
    ] {
        let request = get(&format!("{base}/institutions?{query}")).insert_header(("Authorization", token.clone()));
        let got = call(&app, request.to_request()).await;
        assert_eq!(got.status, 400, "{query}");
    }
    for (name, value, status) in [
        ("X-Purpose", "a%0ab", 400),
        ("If-Match", "5", 400),
        ("If-Match", "W/\"5\"", 412),
        ("Authorization", "Basic x", 400),
    ] {
        let request = get("/api/v1/me").insert_header(("Authorization", token.clone())).append_header((name, value));
        assert_eq!(call(&app, request.to_request()).await.status, status, "{name}: {value}");
    }
}

#[actix_web::test]
async fn problems_speak_the_clients_language_and_carry_the_requests_id() {
    let house = house().await;
    let app = service!(house);
    let request = get("/api/v1/me").insert_header(("Accept-Language", "en")).insert_header(("X-Request-Id", "abc-1"));
    let got = call(&app, request.to_request()).await;
    assert_eq!(got.body["title"], "Log in");
    assert_eq!(got.body["request_id"], "abc-1");
    assert_eq!(got.headers.get("x-request-id").unwrap(), "abc-1");
    let got = call(&app, get("/api/v1/me").to_request()).await;
    assert_eq!(got.body["title"], "Logige sisse");
}

#[actix_web::test]
async fn definitions_are_shown_to_who_is_logged_in_and_little_of_them_to_all() {
    let house = house().await;
    let app = service!(house);
    let token = login(&house).await;
    let path = format!("/api/v1/registers/{}", house.register);
    let request = get(&path).insert_header(("Authorization", token.clone()));
    let got = call(&app, request.to_request()).await;
    assert_eq!(got.body["register"], house.register.as_str());
    let kind = got.body["record_types"][0]["name"].as_str().unwrap().to_owned();
    let request = get(&format!("{path}/schema/{kind}")).insert_header(("Authorization", token));
    assert_eq!(call(&app, request.to_request()).await.status, 200);
    let path = format!("/api/public/v1/registers/{}", house.register);
    let got = call(&app, get(&path).to_request()).await;
    assert_eq!(got.status, 200);
    assert!(got.body["controller"]["name"].is_string());
    assert!(got.body.get("security").is_none());
    let got = call(&app, get("/api/public/v1/registers?limit=1").to_request()).await;
    assert_eq!(got.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(got.body["next_cursor"], Value::Null);
}

#[actix_web::test]
async fn without_a_grant_nothing_is_read_or_done() {
    let house = house().await;
    let app = service!(house);
    let token = login(&house).await;
    let base = format!("/api/v1/registers/{}", house.register);
    for path in ["grants", "grant-log", "audit", "audit/checkpoint", "audit/export", "audit/consistency?from=1"] {
        let request = get(&format!("{base}/{path}")).insert_header(("Authorization", token.clone()));
        let got = call(&app, request.to_request()).await;
        assert_eq!(got.status, 403, "{path}");
        assert!(got.body["clause"].is_string(), "{path}");
    }
    let request = get(&format!("{base}/audit/vkey")).insert_header(("Authorization", token));
    assert_eq!(call(&app, request.to_request()).await.status, 200);
}

#[actix_web::test]
async fn the_documents_pages_come_from_the_program() {
    let house = house().await;
    let app = service!(house);
    let got = call(&app, get("/api/openapi.json").to_request()).await;
    assert!(got.body["openapi"].as_str().unwrap().starts_with("3.1"));
    let got = call(&app, get("/api/docs/").to_request()).await;
    assert_eq!(got.status, 200);
    let csp = got.headers.get("content-security-policy").unwrap().to_str().unwrap();
    assert!(csp.contains("script-src 'self';"));
    for path in ["/readyz", "/healthz"] {
        assert_eq!(call(&app, get(path).to_request()).await.status, 200);
    }
    let near = get("/metrics").peer_addr("127.0.0.1:9".parse().unwrap());
    assert_eq!(call(&app, near.to_request()).await.status, 200);
    let far = get("/metrics").peer_addr("10.0.0.1:9".parse().unwrap());
    assert_eq!(call(&app, far.to_request()).await.status, 404);
}

#[actix_web::test]
async fn a_server_binds_a_free_port_and_stops() {
    let house = house().await;
    let settings = Settings { listen: "127.0.0.1:0".parse().unwrap(), workers: 1, ..Settings::default() };
    let (server, address) = super::bind(house.app.clone(), settings).unwrap();
    assert_ne!(address.port(), 0);
    let handle = server.handle();
    let running = actix_web::rt::spawn(server);
    let fetched = actix_web::web::block(move || {
        let url = format!("http://{address}/healthz");
        ureq::get(&url).call().map(|r| r.status().as_u16())
    });
    assert_eq!(fetched.await.unwrap().unwrap(), 200);
    handle.stop(true).await;
    running.await.unwrap().unwrap();
}
