//! The mark of a demonstration: a note in the secrets folder that says which database is its own, what has been
//! seeded into it, and how many records were generated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::failure::Failure;
use super::super::start::Installation;
use crate::config::secrets;
use crate::store::DatabaseUrl;

const FILE: &str = "demo.json";

/// The mark.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// Digest of where the database is.
    database: String,
    /// Registers whose seeds are entered.
    pub seeded: BTreeSet<String>,
    /// The register whose seeds are being entered, or were when the process ended.
    pub seeding: Option<String>,
    /// For each register, how many numbers of generated records are taken.
    pub generated: BTreeMap<String, u64>,
}

impl Mark {
    /// A mark for the database of `installation`, into which nothing has been entered.
    pub(super) fn new(installation: &Installation) -> Self {
        Self { database: place(installation), ..Self::default() }
    }

    /// The mark of the data folder; an empty one where there is none.
    pub(super) fn read(installation: &Installation) -> Result<Self, Failure> {
        let Some(text) = secrets::read_note(&installation.data_dir, FILE)? else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text).map_err(|e| Failure::other(format!("{FILE} in the secrets folder: {e}")))
    }

    /// Writes the mark.
    pub(super) fn write(&self, installation: &Installation) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|e| Failure::other(e.to_string()))?;
        Ok(secrets::write_note(&installation.data_dir, FILE, &format!("{text}\n"))?)
    }

    /// Whether it is of the database of `installation`.
    pub(super) fn is_of(&self, installation: &Installation) -> bool {
        self.database == place(installation)
    }
}

/// Where the database is, as a digest, since the address may hold a password. A file inside the data folder moves
/// with it.
fn place(installation: &Installation) -> String {
    let text = match &installation.url {
        DatabaseUrl::Pg(url) => url.clone(),
        DatabaseUrl::Sqlite(path) => {
            let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let file = real(Path::new(path));
            match file.strip_prefix(real(&installation.data_dir)) {
                Ok(inside) => format!("inside {}", inside.display()),
                Err(_) => file.display().to_string(),
            }
        }
    };
    crate::domain::hex(&Sha256::digest(text.as_bytes()))
}
