//! Stand-in until the web module is merged.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::app::App;

/// How the server listens.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Threads.
    pub workers: usize,
    /// Largest body in bytes.
    pub body_limit: usize,
    /// Largest file in bytes.
    pub file_limit: usize,
    /// Whether anybody may fetch the metrics.
    pub metrics_public: bool,
    /// How long requests may take at a shutdown.
    pub shutdown_seconds: u64,
}

/// Serves until the process is told to stop.
///
/// # Errors
/// An address that cannot be used.
pub async fn serve(
    app: Arc<App>,
    settings: Settings,
    on_ready: impl FnOnce(SocketAddr),
) -> std::io::Result<()> {
    drop(app);
    on_ready(settings.listen);
    std::future::ready(Ok(())).await
}
