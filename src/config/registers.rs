//! The folder of the registers: files in, definitions or every fault of every register out.
//!
//! ```text
//! config/registers/
//!   <short name>/
//!     register.toml …          one version of the statute
//!     versions/2027-01-01/     another, by the first day on which it is in force
//!       register.toml …
//! ```
//!
//! Files that are neither TOML nor Cedar are left alone, so that notes can stand beside a definition. A path that
//! leads out of the folder (a symbolic link) and a file over [`LARGEST`] are refused.

use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::access::Policies;
use crate::domain::statute::Catalogue;
use crate::domain::statute::definition::{Definition, Sources};
use crate::domain::statute::lint::lint_with;
use crate::domain::statute::parse::{Fault, Locator, POLICIES_FILE, Place, REGISTER_FILE, parse};

/// Largest file of a definition in bytes.
pub const LARGEST: u64 = 5 * 1024 * 1024;
/// Folder of further versions.
const VERSIONS: &str = "versions";

/// Reads every register of the folder `dir`.
///
/// # Errors
/// Every fault of every version of every register, each with its real path.
pub fn read(dir: &Path) -> Result<Vec<Definition>, Vec<Fault>> {
    let mut reading = Reading::new(dir);
    for (register, _) in reading.folders(dir) {
        reading.register(&register);
    }
    if reading.definitions.is_empty() && reading.faults.is_empty() {
        reading.fault(
            dir,
            "there is no register here",
            "Add a folder with a register's definition, or correct paths.registers_dir.",
        );
    }
    reading.outcome()
}

/// Reads what stands at `path`: a file of a definition, a version, a register, or a folder of registers.
///
/// # Errors
/// As [`read`].
pub fn read_any(path: &Path) -> Result<Vec<Definition>, Vec<Fault>> {
    let mut path = path.to_owned();
    if path.is_file() {
        path = path.parent().map(Path::to_owned).unwrap_or_default();
        if !path.join(REGISTER_FILE).exists() {
            path = path.parent().map(Path::to_owned).unwrap_or_default();
        }
    }
    let is_register = path.join(REGISTER_FILE).exists() || path.join(VERSIONS).exists();
    if !is_register {
        return read(&path);
    }
    let mut reading = Reading::new(&path);
    if path.parent().and_then(Path::file_name).is_some_and(|n| n == VERSIONS) {
        reading.version(&path, None, path.file_name().and_then(|n| n.to_str()));
    } else {
        reading.register(&path);
    }
    reading.outcome()
}

struct Reading {
    /// Where everything must stay.
    root: Option<PathBuf>,
    definitions: Vec<Definition>,
    /// Folder of each definition.
    places: Vec<PathBuf>,
    faults: Vec<Fault>,
}

impl Reading {
    fn new(dir: &Path) -> Self {
        let mut reading = Self { root: None, definitions: Vec::new(), places: Vec::new(), faults: Vec::new() };
        match dir.canonicalize() {
            Ok(root) => reading.root = Some(root),
            Err(e) => reading.fault(dir, format!("the folder cannot be read: {e}"), "Correct the path."),
        }
        reading
    }

    fn fault(&mut self, path: &Path, message: impl Into<String>, advice: &str) {
        self.faults.push(Fault {
            file: path.display().to_string(),
            line: 1,
            path: String::new(),
            message: message.into(),
            advice: advice.to_owned(),
        });
    }

    /// What stands in a folder, in the order of the names, hidden things aside: paths and whether they are folders.
    fn entries(&mut self, dir: &Path) -> Vec<(PathBuf, bool)> {
        let listed =
            fs::read_dir(dir).and_then(|list| list.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>());
        let mut paths = match listed {
            Ok(paths) => paths,
            Err(e) => {
                if self.root.is_some() {
                    let message = format!("the folder cannot be read: {e}");
                    self.fault(dir, message, "Correct its rights, or remove it.");
                }
                return Vec::new();
            }
        };
        paths.sort();
        let hidden = |p: &Path| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        let mut entries = Vec::new();
        for path in paths.into_iter().filter(|p| !hidden(p)) {
            match path.canonicalize() {
                Ok(real) if self.root.as_ref().is_some_and(|root| real.starts_with(root)) => {
                    entries.push((path, real.is_dir()));
                }
                Ok(_) => self.fault(
                    &path,
                    "it leads out of the folder of the registers",
                    "Put the file itself here instead of a link.",
                ),
                Err(e) => self.fault(&path, format!("it cannot be read: {e}"), "Correct or remove it."),
            }
        }
        entries
    }

    fn folders(&mut self, dir: &Path) -> Vec<(PathBuf, bool)> {
        let mut entries = self.entries(dir);
        entries.retain(|(_, is_folder)| *is_folder);
        entries
    }

    fn register(&mut self, dir: &Path) {
        let name = dir.canonicalize().ok().and_then(|d| d.file_name().map(|n| n.to_string_lossy().into_owned()));
        let versions = dir.join(VERSIONS);
        let further = if versions.is_dir() { self.folders(&versions) } else { Vec::new() };
        if further.is_empty() || dir.join(REGISTER_FILE).exists() {
            self.version(dir, name.as_deref(), None);
        }
        for (version, _) in further {
            let day = version.file_name().map(|n| n.to_string_lossy().into_owned());
            self.version(&version, name.as_deref(), day.as_deref());
        }
    }

    /// Reads one version, which must be of the register `name` and in force from `day`.
    fn version(&mut self, dir: &Path, name: Option<&str>, day: Option<&str>) {
        let before = self.faults.len();
        let mut sources = Sources::new();
        self.collect(dir, dir, &mut sources);
        if self.faults.len() > before {
            return;
        }
        let (definition, mut faults) = match parse(&sources) {
            Ok(definition) => {
                let faults = lint_with(&definition, &sources, policy_faults);
                (Some(definition), faults)
            }
            Err(faults) => (None, faults),
        };
        if let Some(definition) = &definition {
            faults.extend(misplaced(definition, &sources, name, day));
        }
        let sound = faults.is_empty();
        for mut fault in faults {
            fault.file = dir.join(&fault.file).display().to_string();
            self.faults.push(fault);
        }
        if let Some(definition) = definition.filter(|_| sound) {
            self.definitions.push(definition);
            self.places.push(dir.to_owned());
        }
    }

    fn collect(&mut self, top: &Path, dir: &Path, sources: &mut Sources) {
        for (path, is_folder) in self.entries(dir) {
            if is_folder {
                if path != top.join(VERSIONS) {
                    self.collect(top, &path, sources);
                }
                continue;
            }
            let ours =
                path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml") || e.eq_ignore_ascii_case("cedar"));
            if !ours {
                continue;
            }
            match text(&path) {
                Ok(text) => {
                    let relative = path.strip_prefix(top).unwrap_or(&path);
                    let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
                    sources.insert(parts.join("/"), text);
                }
                Err((message, advice)) => self.fault(&path, message, advice),
            }
        }
    }

    /// Definitions, once no two versions are in force on the same day.
    fn outcome(mut self) -> Result<Vec<Definition>, Vec<Fault>> {
        if self.faults.is_empty()
            && let Err(sentences) = Catalogue::new(self.definitions.clone())
        {
            for sentence in sentences {
                // The register's name stands in front; its files are where it is mended.
                let named = |d: &Definition| sentence.starts_with(&d.register.short_name);
                let place = self.definitions.iter().position(named);
                let place = place.and_then(|n| self.places.get(n).cloned());
                let file = place.unwrap_or_default().join(REGISTER_FILE);
                self.fault(&file, sentence.trim_end_matches('.'), "");
            }
        }
        if self.faults.is_empty() {
            return Ok(self.definitions);
        }
        self.faults.sort();
        self.faults.dedup();
        Err(self.faults)
    }
}

fn text(path: &Path) -> Result<String, (String, &'static str)> {
    let failed = |e: std::io::Error| (format!("it cannot be read: {e}"), "Correct its rights.");
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST {
        let message = format!("the file has {size} bytes; at most {LARGEST} are read");
        return Err((message, "Divide it, or see what it really is."));
    }
    let bytes = fs::read(path).map_err(failed)?;
    String::from_utf8(bytes).map_err(|_| ("the file is not UTF-8".to_owned(), "Save it as UTF-8."))
}

fn policy_faults(definition: &Definition) -> Vec<Fault> {
    let faults = Policies::new(definition).err().unwrap_or_default();
    faults
        .into_iter()
        .map(|fault| Fault {
            file: POLICIES_FILE.to_owned(),
            line: fault.line.max(1),
            path: String::new(),
            message: fault.message.trim_end_matches('.').to_owned(),
            advice: "Correct the policy.".to_owned(),
        })
        .collect()
}

/// A definition must stand in the folder of its register, and under the day on which it takes force.
fn misplaced(definition: &Definition, sources: &Sources, name: Option<&str>, day: Option<&str>) -> Vec<Fault> {
    let locator = Locator::new(sources);
    let file = Place::file(REGISTER_FILE);
    let mut faults = Vec::new();
    let register = &definition.register;
    if let Some(name) = name.filter(|n| *n != register.short_name) {
        let message = format!("the short name is `{}`, but the folder is called `{name}`", register.short_name);
        let advice = "Give the folder the register's short name.";
        faults.push(locator.fault(&file.key("short_name"), message, advice));
    }
    let from = register.act.in_force_from.to_string();
    if let Some(day) = day.filter(|d| *d != from) {
        let message = format!("the version takes force on {from}, but its folder is called `{day}`");
        let advice = "Give the folder the first day on which the version is in force.";
        faults.push(locator.fault(&file.key("act").key("in_force_from"), message, advice));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("config/registers")
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let target = to.join(path.file_name().unwrap());
            if path.is_dir() {
                copy(&path, &target);
            } else {
                fs::copy(&path, &target).unwrap();
            }
        }
    }

    /// A copy of one shipped register: the folder of registers, and the register in it.
    fn one() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let mut all: Vec<_> = fs::read_dir(shipped()).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        let source = all.remove(0);
        let register = dir.path().join(source.file_name().unwrap());
        copy(&source, &register);
        (dir, register)
    }

    fn edit(file: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(file, text.replacen(from, to, 1)).unwrap();
    }

    fn faults(dir: &Path) -> Vec<String> {
        read(dir).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_shipped_registers_are_sound() {
        let shipped = read(&shipped());
        assert!(shipped.is_ok(), "{:#?}", shipped.err());
    }

    #[test]
    fn faults_of_all_files_and_registers_come_at_once_with_real_paths() {
        let (dir, register) = one();
        let other = dir.path().join("other");
        copy(&register, &other);
        edit(&register.join("register.toml"), "[act]", "[act]\nunheard_of = 1");
        let record = fs::read_dir(register.join("records")).unwrap().next().unwrap().unwrap().path();
        fs::write(&record, "name = 1\n= 2").unwrap();
        edit(&other.join("access.cedar"), "@clause(\"", "@clause(\"none ");
        let faults = faults(dir.path());
        let starts = |path: &Path| faults.iter().any(|f| f.starts_with(&format!("{}:", path.display())));
        assert!(starts(&register.join("register.toml")), "{faults:#?}");
        assert!(starts(&record), "{faults:#?}");
        assert!(starts(&other.join("access.cedar")), "{faults:#?}");
        assert!(starts(&other.join("register.toml")), "named otherwise: {faults:#?}");
    }

    #[test]
    fn versions_stand_in_folders_by_day_and_do_not_overlap() {
        let (dir, register) = one();
        let day = |n: usize| read(dir.path()).unwrap()[n].register.act.in_force_from.to_string();
        let first = day(0);
        let version = register.join("versions/2090-01-01");
        let kept = tempfile::tempdir().unwrap();
        copy(&register, kept.path());
        copy(kept.path(), &version);
        let told = faults(dir.path());
        assert!(told.iter().any(|f| f.contains("2090-01-01") && f.contains(&first)), "{told:#?}");
        let from = format!("in_force_from = \"{first}\"");
        edit(&version.join("register.toml"), &from, "in_force_from = \"2090-01-01\"");
        let told = faults(dir.path());
        assert!(told.iter().any(|f| f.contains("no last day")), "{told:#?}");
        edit(&register.join("register.toml"), &from, &format!("{from}\nin_force_until = \"2089-12-31\""));
        assert_eq!(read(dir.path()).unwrap().len(), 2);
        assert_eq!(read_any(&register).unwrap().len(), 2);
        assert_eq!(read_any(&version).unwrap().len(), 1);
        assert_eq!(read_any(&version.join("register.toml")).unwrap().len(), 1);
    }

    #[test]
    fn large_files_and_foreign_ones_are_refused_and_notes_left_alone() {
        let (dir, register) = one();
        fs::write(register.join("notes.md"), "anything").unwrap();
        fs::write(register.join(".hidden.toml"), "= =").unwrap();
        let digest = read(dir.path()).unwrap()[0].digest.clone();
        let (plain, _) = one();
        assert_eq!(read(plain.path()).unwrap()[0].digest, digest);
        let large = register.join("records/large.toml");
        let size = usize::try_from(LARGEST).unwrap() + 1;
        fs::write(&large, vec![b'#'; size]).unwrap();
        assert!(faults(dir.path())[0].contains("large.toml"));
        fs::write(&large, [0xff, 0xfe]).unwrap();
        assert!(faults(dir.path())[0].contains("not UTF-8"));
        fs::remove_file(&large).unwrap();
        #[cfg(unix)]
        {
            let outside = tempfile::NamedTempFile::new().unwrap();
            std::os::unix::fs::symlink(outside.path(), &large).unwrap();
            assert!(faults(dir.path())[0].contains("leads out of the folder"));
        }
    }

    #[test]
    fn an_absent_or_empty_folder_is_said_to_be_so() {
        let dir = tempfile::tempdir().unwrap();
        assert!(faults(dir.path())[0].contains("no register here"));
        assert!(faults(&dir.path().join("nowhere"))[0].contains("cannot be read"));
    }
}
