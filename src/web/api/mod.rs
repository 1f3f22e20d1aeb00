//! Handlers: each reads typed input, calls one act and renders what it gives.

pub mod audit;
pub mod cases;
pub mod closing;
pub mod confirmations;
pub mod disclosure;
pub mod documents;
pub mod exchanges;
pub mod grants;
pub mod imports;
pub mod institutions;
pub mod jobs;
pub mod moves;
pub mod operations;
pub mod public;
pub mod publications;
pub mod queue;
pub mod records;
pub mod registers;
pub mod reports;
pub mod retention;
pub mod sessions;
pub mod supervision;

use actix_web::web::{Data, Path};

use super::Web;
use super::problem::Problem;
use crate::app::Error;
use crate::store::snapshot::carried;

/// The state.
type State = Data<Web>;
/// The segments of a path.
type At<T> = Path<T>;

/// Runs what takes long without waiting for anything on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = actix_web::web::block(carried(work)).await;
    done.map_err(|e| Problem::from(Error::Setup(e.to_string())))
}
