//! Confirmation: the heads of institutions state, on days that the statute fixes, that the data held of them are
//! right.
//!
//! [`days`] are the days of the duties and where one stands; [`checks`] what is wrong with the data and what of it
//! stands in the way; [`snapshot`] binds a statement to exactly the records that it was made of; [`drift`] tells what
//! has changed since. Nothing here is stored or served: see `store` and `app`.

pub mod checks;
pub mod days;
pub mod drift;
pub mod snapshot;

pub use checks::{Across, Finding, Subject, blockers, findings, what_is_needed};
pub use days::{DueDay, Standing, Window, binds, days_late, due_days, standing};
pub use drift::{Change, Drift, LeafKey, differences, drift};
pub use snapshot::{Leaf, inclusion, leaf_hash, leaf_text, root, salt_of, verify_inclusion};
