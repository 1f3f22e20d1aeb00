//! Misuses of the guard that must not compile, each for the reason that stands beside its line.
//!
//! A line of `tests/compile_fail/*.rs` that must be refused ends in `//~` with the code of the error, or with words of
//! it where it has no code. A file without such a line must compile, so that a refusal never comes from a fault of the
//! test itself. The compiler is called with the very libraries that these tests are built from: building everything
//! once more only to be refused would take minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::DLL_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// An error: its line, its code and its words.
type Told = (u64, String, String);

/// What these tests are built from, by the names that `use` knows.
fn libraries() -> BTreeMap<String, PathBuf> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        .args(["test", "--locked", "--no-run", "--test", "suite", "--message-format", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let lines = String::from_utf8(built.stdout).unwrap();
    let artifacts = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let library = |artifact: Value| {
        let files = artifact["filenames"].as_array()?.iter().filter_map(Value::as_str);
        let file = files.rev().find(|f| f.ends_with(".rlib") || f.ends_with(DLL_SUFFIX))?.to_owned();
        Some((artifact["target"]["name"].as_str()?.replace('-', "_"), PathBuf::from(file)))
    };
    artifacts.filter_map(library).collect()
}

/// Errors that the compiler finds in `file`.
fn errors(file: &Path, libraries: &BTreeMap<String, PathBuf>, out: &Path) -> BTreeSet<Told> {
    let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()));
    rustc.args(["--edition", "2024", "--emit", "metadata", "--error-format", "json", "--cap-lints", "allow"]);
    rustc.arg("--out-dir").arg(out);
    for name in ["andmekogu", "serde_json"] {
        let library =
            libraries.get(name).unwrap_or_else(|| panic!("{name} is not among what the tests are built from"));
        rustc.arg("--extern").arg(format!("{name}={}", library.display()));
        rustc.arg("-L").arg(format!("dependency={}", library.with_file_name("").display()));
    }
    let deps = std::env::current_exe().unwrap();
    rustc.arg("-L").arg(format!("dependency={}", deps.with_file_name("").display()));
    let told = rustc.arg(file).output().unwrap();
    let lines = String::from_utf8(told.stderr).unwrap();
    let found = lines.lines().filter_map(|line| {
        let told: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{}: {line}", file.display()));
        let span = told["spans"].as_array()?.iter().find(|s| s["is_primary"] == true).cloned();
        let line = span.map_or(0, |span| span["line_start"].as_u64().unwrap());
        let words = told["message"].as_str().unwrap().to_owned();
        let closing = words.starts_with("aborting due to");
        (told["level"] == "error" && !closing)
            .then(|| (line, told["code"]["code"].as_str().unwrap_or_default().to_owned(), words))
    });
    found.collect()
}

/// What stands beside the lines of `text`.
fn expected(text: &str) -> Vec<(u64, &str)> {
    let marked = (1..).zip(text.lines()).filter_map(|(n, line)| Some((n, line.split_once("//~")?.1.trim())));
    marked.collect()
}

#[test]
fn a_write_without_audit_and_a_read_without_log_cannot_be_expressed() {
    let libraries = libraries();
    let out = tempfile::tempdir().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let (mut refused, mut compiled) = (0, 0);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let found = errors(&file, &libraries, out.path());
        let wanted = expected(&text);
        let is = |(line, what): &(u64, &str), (at, code, words): &Told| {
            line == at && (code == what || words.contains(*what))
        };
        let missing: Vec<_> = wanted.iter().filter(|w| !found.iter().any(|f| is(w, f))).collect();
        let other: Vec<_> = found.iter().filter(|f| !wanted.iter().any(|w| is(w, f))).collect();
        assert!(missing.is_empty() && other.is_empty(), "{}: not told: {missing:?}, told: {other:?}", file.display());
        if wanted.is_empty() { compiled += 1 } else { refused += 1 }
    }
    assert!(refused >= 9 && compiled >= 1, "{refused} misuses and {compiled} files that use it as meant");
}
