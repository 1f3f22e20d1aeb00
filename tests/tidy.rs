//! What the house promises about itself: layers, names, documents.

use std::path::{Path, PathBuf};

fn files(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(&next).unwrap().flatten() {
            let path = item.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) && !path.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// The code of a file without its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn no_line_of_the_source_knows_any_particular_register() {
    for (path, text) in files("src", "rs") {
        for (n, line) in code(&text).lines().enumerate() {
            let lower = line.to_lowercase();
            for word in
                ["persona\"", "75025973", "tlnharidus", "tallinn\"", "jõelähtme", "raisio", "optima", "pietarsaari"]
            {
                assert!(!lower.contains(word), "{}:{}: {word}", path.display(), n + 1);
            }
        }
    }
}

#[test]
fn layers_point_one_way() {
    let rules: &[(&str, &[&str])] = &[
        (
            "src/domain",
            &[
                "diesel",
                "actix",
                "tokio",
                "crate::store",
                "crate::app",
                "crate::web",
                "crate::cli",
                "crate::config",
                "std::env",
                "std::fs",
            ],
        ),
        ("src/store", &["actix", "crate::app", "crate::web", "crate::cli", "crate::config", "std::env::"]),
        ("src/app", &["diesel", "actix", "crate::web", "crate::cli", "crate::config", "std::env::"]),
        (
            "src/archive",
            &["diesel", "actix", "crate::store", "crate::app", "crate::web", "crate::config", "std::env::", "Utc::now"],
        ),
        ("src/web", &["diesel", "crate::cli", "crate::config", "std::env::"]),
        ("src/jobs", &["diesel", "actix", "crate::web", "crate::cli", "crate::config", "std::env::"]),
        ("src/mail", &["diesel", "actix", "crate::store", "crate::app", "crate::jobs", "crate::web", "std::env::"]),
        (
            "src/backup",
            &[
                "diesel",
                "actix",
                "crate::app",
                "crate::jobs",
                "crate::web",
                "crate::cli",
                "crate::config",
                "std::env::",
            ],
        ),
        ("src/config", &["diesel", "actix", "crate::app::", "crate::web", "crate::store::"]),
    ];
    for (folder, forbidden) in rules {
        for (path, text) in files(folder, "rs") {
            for (n, line) in code(&text).lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
                for word in *forbidden {
                    assert!(!line.contains(word), "{}:{}: {word} has no place here", path.display(), n + 1);
                }
            }
        }
    }
}

#[test]
fn rules_read_no_clock_and_no_randomness() {
    for folder in ["src/domain", "src/app", "src/store"] {
        for (path, text) in files(folder, "rs") {
            for (n, line) in code(&text).lines().enumerate() {
                for word in ["Utc::now", "Local::now", "SystemTime::now", "Instant::now"] {
                    assert!(!line.contains(word), "{}:{}: {word}", path.display(), n + 1);
                }
                if folder == "src/domain" {
                    assert!(!line.contains("getrandom") && !line.contains("rand::"), "{}:{}", path.display(), n + 1);
                }
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in files("src", "rs") {
        assert!(text.starts_with("//!"), "{} begins with what it is for", path.display());
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for folder in ["src", "tests", "benches"] {
        for (path, text) in files(folder, "rs").into_iter().filter(|(p, _)| !p.ends_with("tidy.rs")) {
            for (n, line) in text.lines().enumerate() {
                for word in ["todo!(", "unimplemented!(", "#[ignore", "FIXME", "TODO", "#[allow("] {
                    assert!(!line.contains(word), "{}:{}: {word}", path.display(), n + 1);
                }
            }
        }
    }
}

#[test]
fn every_path_named_in_the_documents_exists() {
    let mut pages = files("docs", "md");
    pages.push(("README.md".into(), std::fs::read_to_string("README.md").unwrap()));
    for (page, text) in pages {
        for quoted in text.split('`').skip(1).step_by(2) {
            let first = quoted.split('/').next().unwrap_or_default();
            let ours = ["src", "tests", "docs", "config", "migrations", "benches", "scripts", "seeds"].contains(&first);
            if ours && quoted.contains('/') && !quoted.contains(['*', '<', '{', ' ', '…']) {
                let path = quoted.trim_end_matches('/').split(':').next().unwrap_or_default();
                assert!(Path::new(path).exists(), "{}: {quoted}", page.display());
            }
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest: toml::Table = std::fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    let page = std::fs::read_to_string("docs/dependencies.md").unwrap();
    for table in ["dependencies", "dev-dependencies"] {
        for name in manifest[table].as_table().unwrap().keys() {
            assert!(page.contains(&format!("`{name}`")), "docs/dependencies.md says why we have {name}");
        }
    }
}
