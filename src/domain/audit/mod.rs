//! The log: what an event says ([`event`]), how it is committed to ([`canonical`], [`leaf`]), the RFC 6962
//! tree over the leaves ([`tree`]) and the signed checkpoints of it ([`checkpoint`]).
//!
//! No personal data is inside the hashed log: a leaf holds a salted digest of the event. The event and its
//! salt can go; the leaf and every proof stay.

pub mod canonical;
pub mod checkpoint;
pub mod event;
pub mod leaf;
pub mod tree;

pub use event::Event;
pub use leaf::{Kind, Leaf};
pub use tree::Hash;
