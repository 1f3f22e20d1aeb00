//! The definitions in use, and why a request sees one version of them alone.
//!
//! Definitions can be exchanged while the server runs. Whatever has begun by then goes on with those it began with: a
//! request is run within [`Store::with_one_version`], and [`Store::registers`] gives everybody in it the same, however
//! often they ask. Work that is handed to another task or thread takes the version along by [`Store::with_one_version`]
//! or [`carried`]. The last one to end lets go of the old definitions.

use std::future::Future;
use std::sync::Arc;

use super::Store;
use crate::domain::registers::Registers;

tokio::task_local! {
    /// What the request at hand began with.
    static BEGUN_WITH: Arc<Registers>;
}

impl Store {
    /// The registers: those with which the request at hand began, else those in use now.
    pub fn registers(&self) -> Arc<Registers> {
        BEGUN_WITH.try_get().unwrap_or_else(|_| self.in_use())
    }

    /// The registers in use now, whatever a request began with.
    pub fn in_use(&self) -> Arc<Registers> {
        match self.registers.read() {
            Ok(registers) => registers.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// Takes other registers into use, for all that begins from now on. Acts decide whether they may be:
    /// [`crate::app::App::reload_definitions`].
    pub(crate) fn exchange(&self, registers: Arc<Registers>) {
        match self.registers.write() {
            Ok(mut place) => *place = registers,
            Err(poisoned) => *poisoned.into_inner() = registers,
        }
    }

    /// `work` with one version of all definitions from beginning to end: that of the request at hand, else the one in
    /// use when this was called.
    pub fn with_one_version<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        with(self.registers(), work)
    }
}

/// `work` with these definitions from beginning to end.
pub fn with<F: Future>(registers: Arc<Registers>, work: F) -> impl Future<Output = F::Output> + use<F> {
    BEGUN_WITH.scope(registers, work)
}

/// `work` for another thread, with the version of the request at hand.
pub fn carried<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let begun_with = BEGUN_WITH.try_get().ok();
    move || match begun_with {
        Some(registers) => BEGUN_WITH.sync_scope(registers, work),
        None => work(),
    }
}
