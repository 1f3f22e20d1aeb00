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
//! Beside it may stand a folder `calendars` with the days off of countries, `LV.toml` and so on: one that the program knows
//! is replaced, any other is added.
//!
//! Files that are neither TOML nor Cedar are left alone, so that notes can stand beside a definition. A path that
//! leads out of the folder (a symbolic link) or round in it, and a file over [`LARGEST`] are refused.
//!
//! Registers know nothing of each other, so that as many are read at once as there are processors.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Read as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::NaiveDate;

use crate::domain::access::Policies;
use crate::domain::access::policy::PolicyFault;
use crate::domain::calendar::HolidayCalendar;
use crate::domain::registers::{Register, Registers};
use crate::domain::statute::Description;
use crate::domain::statute::catalogue::clashes;
use crate::domain::statute::definition::{Act, Definition, Sources};
use crate::domain::statute::lint::{lint_description, lint_with};
use crate::domain::statute::parse::{
    Fault, Locator, POLICIES_FILE, Place, REGISTER_FILE, digest, is_described, parse, parse_description,
};

/// Largest file of a definition in bytes.
pub const LARGEST: u64 = 5 * 1024 * 1024;
/// Folder of further versions.
const VERSIONS: &str = "versions";

/// What a folder of registers holds.
#[derive(Debug, Default)]
pub struct Found {
    /// Registers that are kept here, a definition for each version.
    pub definitions: Vec<Definition>,
    /// Registers that are kept elsewhere, likewise.
    pub descriptions: Vec<Description>,
    /// Policies of the definitions, by the digest of each: read already, since only so is it known that they are sound.
    pub policies: HashMap<String, Policies>,
    /// Versions that are exactly as they were when the folder was read before: see [`read_again`].
    pub same: Vec<Arc<Register>>,
}

impl Found {
    /// Everything found, ready for use.
    ///
    /// # Errors
    /// As [`Registers::ready`].
    pub fn ready(self) -> Result<Registers, Vec<String>> {
        let registers = Registers::ready(self.definitions, self.policies, self.same)?;
        Ok(registers.with_descriptions(self.descriptions))
    }
}

/// Reads every register of the folder `dir` that is kept here.
///
/// # Errors
/// As [`read_all`].
pub fn read(dir: &Path) -> Result<Vec<Definition>, Vec<Fault>> {
    read_all(dir).map(|found| found.definitions)
}

/// Reads every register of the folder `dir`.
///
/// # Errors
/// Every fault of every version of every register, each with its real path.
pub fn read_all(dir: &Path) -> Result<Found, Vec<Fault>> {
    read_folder(dir, None)
}

/// Reads every register of the folder `dir` once more. What is exactly as in `before` is not read again, and found in
/// [`Found::same`]; where it stands is looked at in any case.
///
/// # Errors
/// As [`read_all`].
pub fn read_again(dir: &Path, before: &Registers) -> Result<Found, Vec<Fault>> {
    read_folder(dir, Some(before))
}

fn read_folder(dir: &Path, before: Option<&Registers>) -> Result<Found, Vec<Fault>> {
    let mut reading = Reading::new(dir, before);
    let folders: Vec<PathBuf> = reading.folders(dir).into_iter().map(|(folder, _)| folder).collect();
    let next = AtomicUsize::new(0);
    let hands = thread::available_parallelism().map_or(1, NonZero::get).min(folders.len());
    let read_by_one = || {
        let mut mine = Vec::new();
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(folder) = folders.get(at)
        {
            let mut one = reading.empty();
            one.register(folder);
            mine.push((at, one));
        }
        mine
    };
    let mut parts = thread::scope(|scope| {
        let hands: Vec<_> = (0..hands).map(|_| scope.spawn(read_by_one)).collect();
        let read = |hand: thread::ScopedJoinHandle<'_, Vec<_>>| {
            hand.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        hands.into_iter().flat_map(read).collect::<Vec<_>>()
    });
    // Whoever read it: in the order of the folders.
    parts.sort_by_key(|(at, _)| *at);
    for (_, part) in parts {
        reading.add(part);
    }
    if reading.is_empty() && reading.faults.is_empty() {
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
/// As [`read_all`].
pub fn read_any(path: &Path) -> Result<Found, Vec<Fault>> {
    let mut path = path.to_owned();
    if path.is_file() {
        path = path.parent().map(Path::to_owned).unwrap_or_default();
        if !path.join(REGISTER_FILE).exists() {
            path = path.parent().map(Path::to_owned).unwrap_or_default();
        }
    }
    let is_register = path.join(REGISTER_FILE).exists() || path.join(VERSIONS).exists();
    if !is_register {
        return read_all(&path);
    }
    let mut reading = Reading::new(&path, None);
    if path.parent().and_then(Path::file_name).is_some_and(|n| n == VERSIONS) {
        reading.version(&path, None, path.file_name().and_then(|n| n.to_str()));
    } else {
        reading.register(&path);
    }
    reading.outcome()
}

/// Reads what stands at `path`, a version or a register with its versions, whatever its folder is called: a copy that
/// lies beside the registers, to be compared with them.
///
/// # Errors
/// As [`read_all`].
pub fn read_copy(path: &Path) -> Result<Found, Vec<Fault>> {
    let is_register_file = path.file_name().is_some_and(|name| name == REGISTER_FILE);
    let path = if is_register_file { path.parent().unwrap_or(path) } else { path };
    let mut reading = Reading::new(path, None);
    let versions = path.join(VERSIONS);
    if path.join(REGISTER_FILE).exists() || !versions.is_dir() {
        reading.version(path, None, None);
    }
    let further = if versions.is_dir() { reading.folders(&versions) } else { Vec::new() };
    for (version, _) in further {
        reading.version(&version, None, None);
    }
    reading.outcome()
}

/// Folder of calendars, beside that of the registers.
const CALENDARS: &str = "calendars";

#[derive(Default)]
struct Reading<'b> {
    /// Days off, by country.
    calendars: HashMap<String, Arc<HolidayCalendar>>,
    /// Where everything must stay.
    root: Option<PathBuf>,
    /// What was read before.
    before: Option<&'b Registers>,
    found: Found,
    /// Folder of the first version of each register.
    places: HashMap<String, PathBuf>,
    faults: Vec<Fault>,
}

impl<'b> Reading<'b> {
    fn new(dir: &Path, before: Option<&'b Registers>) -> Self {
        let mut reading = Self { before, ..Self::default() };
        match dir.canonicalize() {
            Ok(root) => {
                // A register or a version of one stands deeper than the folder of the registers.
                let beside = root.ancestors().skip(1).take(3).map(|above| above.join(CALENDARS)).find(|f| f.is_dir());
                reading.root = Some(root);
                if let Some(folder) = beside {
                    reading.calendars(&folder);
                }
            }
            Err(e) => reading.fault(dir, format!("the folder cannot be read: {e}"), "Correct the path."),
        }
        reading
    }

    /// Another in the same folder, which has found nothing yet.
    fn empty(&self) -> Self {
        Self { calendars: self.calendars.clone(), root: self.root.clone(), before: self.before, ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.found.definitions.is_empty() && self.found.descriptions.is_empty() && self.found.same.is_empty()
    }

    /// Takes over what another has found.
    fn add(&mut self, other: Self) {
        self.found.definitions.extend(other.found.definitions);
        self.found.descriptions.extend(other.found.descriptions);
        self.found.policies.extend(other.found.policies);
        self.found.same.extend(other.found.same);
        for (register, place) in other.places {
            self.places.entry(register).or_insert(place);
        }
        self.faults.extend(other.faults);
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

    /// The days off of countries, each in a file of its code.
    fn calendars(&mut self, folder: &Path) {
        let listed =
            fs::read_dir(folder).and_then(|list| list.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>());
        let mut paths: Vec<PathBuf> = match listed {
            Ok(paths) => paths,
            Err(e) => {
                let message = format!("the folder cannot be read: {e}");
                return self.fault(folder, message, "Correct its rights, or remove it.");
            }
        };
        paths.retain(|path| path.extension().is_some_and(|e| e == "toml"));
        paths.sort();
        for path in paths {
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(e) => {
                    self.fault(&path, format!("it cannot be read: {e}"), "Correct or remove it.");
                    continue;
                }
            };
            match HolidayCalendar::parse(&text) {
                Ok(calendar) if path.file_stem().is_some_and(|stem| stem == calendar.country()) => {
                    self.calendars.insert(calendar.country().to_owned(), Arc::new(calendar));
                }
                Ok(calendar) => {
                    let message = format!("it holds the days off of {}", calendar.country());
                    self.fault(&path, message, "Name the file by its country, as EE.toml.");
                }
                Err(fault) => self.faults.push(Fault {
                    file: path.display().to_string(),
                    line: fault.line,
                    path: String::new(),
                    message: fault.message,
                    advice: fault.advice,
                }),
            }
        }
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
        // A link to another register is that register once more, and clashes with it.
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
        self.collect(dir, dir, &mut BTreeSet::new(), &mut sources);
        if self.faults.len() > before || self.is_same(dir, name, day, &sources) {
            return;
        }
        if is_described(&sources) {
            self.described(dir, name, day, &sources);
            return;
        }
        let mut policies = None;
        let (definition, mut faults) = match parse(&sources) {
            Ok(definition) => {
                let read = |definition: &Definition| match Policies::new(definition) {
                    Ok(sound) => {
                        policies = Some(sound);
                        Vec::new()
                    }
                    Err(faults) => policy_faults(faults),
                };
                let faults = lint_with(&definition, &sources, read);
                (Some(definition), faults)
            }
            Err(faults) => (None, faults),
        };
        if let Some(definition) = &definition {
            let source = &definition.register;
            faults.extend(misplaced(&source.short_name, source.act.in_force_from, &sources, name, day));
        }
        let sound = faults.is_empty();
        self.faults_of(dir, faults);
        if let Some(mut definition) = definition.filter(|_| sound) {
            self.placed(&definition.register.short_name, dir);
            definition.calendar = self.calendars.get(&definition.register.country).cloned();
            if let Some(policies) = policies {
                self.found.policies.insert(definition.digest.clone(), policies);
            }
            self.found.definitions.push(definition);
        }
    }

    fn placed(&mut self, register: &str, dir: &Path) {
        self.places.entry(register.to_owned()).or_insert_with(|| dir.to_owned());
    }

    /// Whether these files have been read before and are where they belong.
    fn is_same(&mut self, dir: &Path, name: Option<&str>, day: Option<&str>, sources: &Sources) -> bool {
        let Some(before) = self.before else {
            return false;
        };
        let digest = digest(sources);
        let belongs =
            |short_name: &str, act: &Act| misplaced(short_name, act.in_force_from, sources, name, day).is_empty();
        let same_days = |definition: &Definition| {
            definition.calendar.as_deref() == self.calendars.get(&definition.register.country).map(AsRef::as_ref)
        };
        if let Some(register) = before.by_digest(&digest)
            && same_days(&register.definition)
            && belongs(register.name(), &register.definition.register.act)
        {
            self.placed(register.name(), dir);
            self.found.same.push(register.clone());
            return true;
        }
        let described = before.all_descriptions().iter().find(|d| d.digest == digest);
        if let Some(description) = described.filter(|d| belongs(&d.short_name, &d.act)) {
            self.placed(&description.short_name, dir);
            self.found.descriptions.push(Description::clone(description));
            return true;
        }
        false
    }

    /// Reads the description of a register that is kept elsewhere.
    fn described(&mut self, dir: &Path, name: Option<&str>, day: Option<&str>, sources: &Sources) {
        match parse_description(sources) {
            Ok(description) => {
                let mut faults = lint_description(&description, sources);
                let (short_name, from) = (&description.short_name, description.act.in_force_from);
                faults.extend(misplaced(short_name, from, sources, name, day));
                if faults.is_empty() {
                    self.placed(&description.short_name, dir);
                    self.found.descriptions.push(description);
                }
                self.faults_of(dir, faults);
            }
            Err(faults) => self.faults_of(dir, faults),
        }
    }

    fn faults_of(&mut self, dir: &Path, faults: Vec<Fault>) {
        for mut fault in faults {
            fault.file = dir.join(&fault.file).display().to_string();
            self.faults.push(fault);
        }
    }

    /// Collects the files of a version. `seen` are the real folders that were looked into: links could lead round and
    /// round, or to one folder by very many ways.
    fn collect(&mut self, top: &Path, dir: &Path, seen: &mut BTreeSet<PathBuf>, sources: &mut Sources) {
        if dir.canonicalize().is_ok_and(|real| !seen.insert(real)) {
            self.fault(
                dir,
                "it leads to a folder of this definition that is read already",
                "Put the files themselves here instead of a link.",
            );
            return;
        }
        for (path, is_folder) in self.entries(dir) {
            if is_folder {
                if path != top.join(VERSIONS) {
                    self.collect(top, &path, seen, sources);
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
    fn outcome(mut self) -> Result<Found, Vec<Fault>> {
        let kept = self.found.definitions.iter().chain(self.found.same.iter().map(|r| &*r.definition));
        let kept = kept.map(|d| (d.register.short_name.as_str(), &d.register.act));
        let described = self.found.descriptions.iter().map(|d| (d.short_name.as_str(), &d.act));
        for (register, sentence) in clashes(kept, described) {
            let file = self.places.get(&register).cloned().unwrap_or_default().join(REGISTER_FILE);
            self.fault(&file, sentence.trim_end_matches('.'), "");
        }
        if self.faults.is_empty() {
            return Ok(self.found);
        }
        self.faults.sort();
        self.faults.dedup();
        Err(self.faults)
    }
}

fn text(path: &Path) -> Result<String, (String, &'static str)> {
    let failed = |e: std::io::Error| (format!("it cannot be read: {e}"), "Correct its rights.");
    let found = fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        // A pipe would be waited for.
        return Err(("it is not a file".to_owned(), "Put a file here, or remove it."));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|read| read > LARGEST) {
        let message = format!("the file has {} bytes; at most {LARGEST} are read", found.len());
        return Err((message, "Divide it, or see what it really is."));
    }
    String::from_utf8(bytes).map_err(|_| ("the file is not UTF-8".to_owned(), "Save it as UTF-8."))
}

fn policy_faults(faults: Vec<PolicyFault>) -> Vec<Fault> {
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
fn misplaced(
    short_name: &str,
    from: NaiveDate,
    sources: &Sources,
    name: Option<&str>,
    day: Option<&str>,
) -> Vec<Fault> {
    let locator = Locator::new(sources);
    let file = Place::file(REGISTER_FILE);
    let mut faults = Vec::new();
    if let Some(name) = name.filter(|n| *n != short_name) {
        let message = format!("the short name is `{short_name}`, but the folder is called `{name}`");
        let advice = "Give the folder the register's short name.";
        faults.push(locator.fault(&file.key("short_name"), message, advice));
    }
    let from = from.to_string();
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
        assert_eq!(read_any(&register).unwrap().definitions.len(), 2);
        assert_eq!(read_any(&version).unwrap().definitions.len(), 1);
        assert_eq!(read_any(&version.join("register.toml")).unwrap().definitions.len(), 1);
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
