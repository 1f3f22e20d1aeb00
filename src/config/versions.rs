//! Versions of registers with the files that they were made from, for whoever shows where something stands in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::registers;
use crate::domain::statute::Definition;
use crate::domain::statute::definition::Sources;
use crate::domain::statute::parse::{Fault, REGISTER_FILE, digest};

/// One version of a register.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its folder.
    pub folder: PathBuf,
    /// Its files, by their paths in the folder.
    pub sources: Sources,
    /// What they say.
    pub definition: Definition,
}

/// Reads the versions of the registers that are kept here and stand at `path`, as [`registers::read_any`] does.
///
/// # Errors
/// Every fault of every file.
pub fn read(path: &Path) -> Result<Vec<Version>, Vec<Fault>> {
    let found = registers::read_any(path)?;
    let mut folders = Vec::new();
    let top = match path.is_file() {
        true => path.ancestors().nth(2).unwrap_or(path),
        false => path,
    };
    find(top, &mut folders);
    let read = folders.into_iter().map(|folder| (sources(&folder), folder));
    let mut by_digest: Vec<_> = read.map(|(sources, folder)| (digest(&sources), sources, folder)).collect();
    let version = |definition: Definition| {
        let at = by_digest.iter().position(|(digest, ..)| *digest == definition.digest)?;
        let (_, sources, folder) = by_digest.swap_remove(at);
        Some(Version { folder, sources, definition })
    };
    Ok(found.definitions.into_iter().filter_map(version).collect())
}

/// The folders of definitions in `dir`, itself among them. What cannot be read was told before.
fn find(dir: &Path, folders: &mut Vec<PathBuf>) {
    if dir.join(REGISTER_FILE).is_file() {
        folders.push(dir.to_owned());
    }
    for path in entries(dir).into_iter().filter(|path| path.is_dir()) {
        find(&path, folders);
    }
}

/// The files of a definition, without those of its other versions.
fn sources(folder: &Path) -> Sources {
    let mut found = Sources::new();
    let mut left = entries(folder);
    while let Some(path) = left.pop() {
        let is_version = path.join(REGISTER_FILE).is_file() || path.file_name().is_some_and(|name| name == "versions");
        if path.is_dir() {
            if !is_version {
                left.extend(entries(&path));
            }
            continue;
        }
        let is_ours =
            path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml") || end.eq_ignore_ascii_case("cedar"));
        if let Ok(text) = fs::read_to_string(&path)
            && is_ours
        {
            let relative = path.strip_prefix(folder).unwrap_or(&path);
            let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            found.insert(parts.join("/"), text);
        }
    }
    found
}

/// What stands in a folder, hidden things aside.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    listed.filter(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))).collect()
}
