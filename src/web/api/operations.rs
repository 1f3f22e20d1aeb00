//! Health, metrics, the OpenAPI document and its pages.

use std::sync::{Arc, LazyLock};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use utoipa_swagger_ui::Config;

use super::{At, State, aside};
use crate::app::Error;
use crate::web::answer::{self, Answer};
use crate::web::metrics;
use crate::web::problem::Problem;

/// Swagger UI styles its own elements; everything it loads comes from here.
const DOCS_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                        connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

static DOCS: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from("/api/openapi.json")));

/// Whether the process lives.
///
/// # Errors
/// None.
pub async fn live() -> Answer {
    answer::open(StatusCode::OK, &json!({ "status": "live" }))
}

/// Whether the database answers and is migrated.
///
/// # Errors
/// 503.
pub async fn ready(state: State) -> Answer {
    let store = state.app.store.clone();
    aside(move || store.ready()).await??;
    answer::open(StatusCode::OK, &json!({ "status": "ready" }))
}

/// How the copies of the database are.
///
/// # Errors
/// 500 where their folder cannot be read.
pub async fn backups(state: State) -> Answer {
    let app = state.app.clone();
    let health = aside(move || app.backup_health()).await??;
    answer::open(StatusCode::OK, &health)
}

/// Counters, for this machine alone unless the settings say otherwise.
///
/// # Errors
/// 404 for everybody else, and through a proxy.
pub async fn measured(state: State, req: HttpRequest) -> Answer {
    let local = req.peer_addr().is_some_and(|p| metrics::is_loopback(p.ip()));
    let proxied = ["forwarded", "x-forwarded-for", "via"].iter().any(|h| req.headers().contains_key(*h));
    if !(state.settings.metrics_public || local && !proxied) {
        return Err(Problem::not_found());
    }
    let (handle, app) = (metrics::handle(), state.app.clone());
    let render = move || {
        if let Ok(health) = app.backup_health() {
            metrics::backups(&health);
        }
        handle.render()
    };
    let text = aside(render).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// The OpenAPI document.
///
/// # Errors
/// None.
pub async fn openapi(state: State) -> Answer {
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(state.openapi.clone()))
}

/// Pages that show the OpenAPI document, all of them from the program itself.
///
/// # Errors
/// 404.
pub async fn docs(at: At<String>) -> Answer {
    let found = utoipa_swagger_ui::serve(&at, DOCS.clone());
    let file = found.map_err(|e| Problem::from(Error::Setup(e.to_string())))?.ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(response
        .content_type(file.content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, DOCS_CSP))
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(file.bytes.into_owned()))
}
