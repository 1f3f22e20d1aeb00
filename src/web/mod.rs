//! The only place that knows HTTP: the table of routes, the context of a request, thin handlers, problems.
//!
//! A handler extracts an [`crate::app::ActContext`] and typed input, calls one act, and renders what is disclosed. Everything that a
//! client can send wrongly is answered with a problem below 500.

pub mod answer;
pub mod api;
pub mod context;
pub mod json;
mod layers;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod query;
pub mod routes;
pub mod schemas;
#[cfg(test)]
mod tests;
pub mod ui;
pub mod upload;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle, Service as _};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Bytes, Data, PathConfig, ServiceConfig};
use actix_web::{App as Application, HttpServer, rt};
use futures_util::future::{Either, select};

use crate::app::App;
use problem::Problem;

/// How long a client may take to send its headers, and to take leave.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address.
    pub listen: SocketAddr,
    /// Threads that serve.
    pub workers: usize,
    /// Largest JSON body, in bytes.
    pub body_limit: usize,
    /// Largest file, in bytes.
    pub file_limit: usize,
    /// Whether `/metrics` answers to others than this machine.
    pub metrics_public: bool,
    /// How long running requests may go on when the server stops, in seconds.
    pub shutdown_seconds: u64,
    /// Whether browsers reach the server by TLS, so that cookies may be kept for protected ways alone.
    pub secure: bool,
    /// What addresses of public pages begin with (`https://register.example.ee`); as the visitor has it where absent.
    pub public_url: Option<String>,
    /// Whether all people in it are invented; every page then says so.
    pub demo: bool,
    /// Whether texts of pages are drawn out, so that tests find what would not fit.
    pub stretched: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            body_limit: 2 * 1024 * 1024,
            file_limit: 25 * 1024 * 1024,
            metrics_public: false,
            shutdown_seconds: 30,
            secure: false,
            public_url: None,
            demo: false,
            stretched: false,
        }
    }
}

/// What every handler can reach.
pub struct Web {
    /// The acts.
    pub app: Arc<App>,
    /// The settings.
    pub settings: Settings,
    /// The OpenAPI document.
    pub openapi: Bytes,
}

impl Web {
    /// The web layer over `app`.
    pub fn new(app: Arc<App>, settings: Settings) -> Self {
        metrics::handle();
        Self { app, settings, openapi: Bytes::from(openapi::text()) }
    }
}

/// Registers everything: the same for the server and for tests.
pub fn configure(cfg: &mut ServiceConfig, state: Data<Web>) {
    let app = state.app.clone();
    let everything = web::scope("")
        .app_data(state)
        .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
        .configure(routes::register)
        .configure(ui::register)
        .default_service(web::to(layers::nowhere))
        .wrap(Compress::default())
        .wrap(from_fn(layers::outermost))
        .wrap_fn(move |req, next| app.store.with_one_version(next.call(req)));
    cfg.service(everything);
}

/// Binds the server; port 0 takes a free one.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(app: Arc<App>, settings: Settings) -> io::Result<(Server, SocketAddr)> {
    let (listen, workers, shutdown) = (settings.listen, settings.workers.max(1), settings.shutdown_seconds);
    let state = Data::new(Web::new(app, settings));
    let server = HttpServer::new(move || {
        let state = state.clone();
        Application::new().configure(move |cfg| configure(cfg, state))
    })
    .workers(workers)
    .client_request_timeout(PATIENCE)
    .client_disconnect_timeout(PATIENCE)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(shutdown)
    .disable_signals()
    .bind(listen)?;
    let bound = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), bound))
}

/// Serves until SIGTERM or SIGINT; running requests are finished first. A second signal stops at once.
///
/// # Errors
/// When the address cannot be bound, or the server fails.
pub async fn serve(app: Arc<App>, settings: Settings, on_ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let (server, address) = bind(app, settings)?;
    let signals = rt::spawn(stop_on_signal(server.handle()));
    let upkeep = rt::spawn(async {
        loop {
            tokio::time::sleep(metrics::UPKEEP).await;
            metrics::handle().run_upkeep();
        }
    });
    on_ready(address);
    let ended = server.await;
    signals.abort();
    upkeep.abort();
    ended
}

async fn stop_on_signal(server: ServerHandle) {
    if let Err(error) = signal().await {
        // Without signals the process still stops as the system stops it.
        log::error!(target: "andmekogu::web", "signals cannot be received: {error}");
        return;
    }
    log::info!(target: "andmekogu::web", "stopping; running requests are finished first");
    let graceful = Box::pin(server.stop(true));
    if let Either::Right(_) = select(graceful, Box::pin(signal())).await {
        log::warn!(target: "andmekogu::web", "stopping at once");
        server.stop(false).await;
    }
}

#[cfg(unix)]
async fn signal() -> io::Result<()> {
    use rt::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    select(Box::pin(terminate.recv()), Box::pin(interrupt.recv())).await;
    Ok(())
}

#[cfg(not(unix))]
async fn signal() -> io::Result<()> {
    rt::signal::ctrl_c().await
}
