//! Access: who may do what, decided on coordinates and never on payload.
//!
//! A [`Grant`] gives a user a role in a register, bounded by institution, sections and time. The policies of
//! the definition ([`policy`]) say what a role may do; [`rights`] puts both together for one actor. Every
//! answer is a [`Decision`] with the clause that made it.

pub mod action;
pub mod application;
pub mod grant;
mod nesting;
pub mod policy;
pub mod report;
pub mod rights;

pub use action::{Action, Object};
pub use grant::Grant;
pub use policy::{Decision, Policies, Question};
pub use rights::{Abilities, Actor, Coordinates, SectionRights};
