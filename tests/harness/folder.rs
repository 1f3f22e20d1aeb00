//! Folders of very many registers, made of the shipped ones under other names. Used by the suite and by the bench of
//! definitions.

use std::fs;
use std::path::{Path, PathBuf};

/// How many registers a folder is to hold.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Registers that are kept here, as large as the shipped ones.
    pub kept: usize,
    /// Registers that are kept elsewhere and only described.
    pub described: usize,
}

/// A thousand: as many authorities of a country may have, one in ten of them kept here.
pub const THOUSAND: Size = Size { kept: 100, described: 900 };

/// Fills the folder `to` with copies of the registers in `from`, in turn, each under a name of its own.
pub fn fill(from: &Path, to: &Path, size: Size) {
    let (kept, described): (Vec<PathBuf>, Vec<PathBuf>) =
        folders(from).into_iter().partition(|register| register.join("access.cedar").exists());
    for (sources, wanted) in [(kept, size.kept), (described, size.described)] {
        for (n, source) in sources.iter().cycle().take(wanted).enumerate() {
            let name = source.file_name().expect("a name").to_str().expect("a name in UTF-8");
            copy_as(source, to, &format!("{name}-{n:04}"));
        }
    }
}

/// Copies the register `source` into the folder `to` under the short name `name`, and says where it is.
pub fn copy_as(source: &Path, to: &Path, name: &str) -> PathBuf {
    let old = source.file_name().expect("a name").to_str().expect("a name in UTF-8");
    let target = to.join(name);
    copy(source, &target, &|text| {
        text.replacen(&format!("short_name = \"{old}\""), &format!("short_name = \"{name}\""), 1)
    });
    target
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(dir).expect("the shipped registers").map(|e| e.expect("one").path()).collect();
    all.retain(|path| path.is_dir());
    all.sort();
    all
}

fn copy(from: &Path, to: &Path, renamed: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a register") {
        let path = entry.expect("a file of it").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target, renamed);
        } else {
            let text = fs::read_to_string(&path).expect("a text");
            fs::write(&target, renamed(&text)).expect("a copy");
        }
    }
}
