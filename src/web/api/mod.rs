//! Handlers: each reads typed input, calls one act and renders what it gives.

pub mod audit;
pub mod documents;
pub mod grants;
pub mod institutions;
pub mod operations;
pub mod public;
pub mod records;
pub mod registers;
pub mod sessions;

use actix_web::web::{Data, Path};

use super::Web;

/// The state.
type State = Data<Web>;
/// The segments of a path.
type At<T> = Path<T>;
