//! Forms made of the definition: a record type and a state become sections of controls, and what was typed becomes
//! the data of an act again.
//!
//! 1. [`typed`]: what stands in the controls, in the shape of the definition;
//! 2. [`text`]: one value as text, and back;
//! 3. [`read`]: everything that was typed, as data, with a fault for each text that cannot be understood;
//! 4. [`model`]: the form as templates show it; [`fault`]: what is wrong, beside its control; [`value`]: values as
//!    people read them.
//!
//! *Invariants*: what was typed is never lost, be it understood or not; a form that comes back as it was shown says
//! what it was filled from.

pub mod fault;
pub mod model;
pub mod read;
#[cfg(test)]
mod tests;
pub mod text;
pub mod typed;
pub mod value;
