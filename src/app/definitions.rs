//! Taking definitions into use: when the program starts, and while it runs. The same act, all or nothing.

use std::sync::Arc;

use super::{ActContext, App, Error};
use crate::domain::registers::{Difference, Registers};

impl App {
    /// Takes every loaded definition into use and says which are new.
    ///
    /// # Errors
    /// Definitions that would orphan what is stored, with the list, and registers that hold records and have no
    /// definition any more; then nothing is taken into use.
    pub async fn load_definitions(&self) -> Result<Vec<String>, Error> {
        let registers = self.store.registers();
        let cx = ActContext::installation("start");
        let fresh = self.store.write(cx, move |tx| tx.definitions_take(&registers, None)).await?;
        Ok(fresh.into_inner())
    }

    /// Takes other definitions into use in place of those in use now, and says what differs. Whatever has begun by
    /// then ends with those it began with.
    ///
    /// # Errors
    /// As [`App::load_definitions`]; then those in use stay in use.
    pub async fn reload_definitions(&self, registers: Registers) -> Result<Vec<Difference>, Error> {
        let (before, after) = (self.store.in_use(), Arc::new(registers));
        let cx = ActContext::installation("reload");
        let (old, new) = (before.clone(), after.clone());
        self.store.write(cx, move |tx| tx.definitions_take(&new, Some(&old))).await?;
        self.store.exchange(after.clone());
        Ok(before.differences(&after))
    }
}
