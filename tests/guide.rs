//! The guide from a statute to a running register, walked exactly as it stands there.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a reader does, in order: files written down piece by piece, and commands.
fn walk() -> String {
    let text = std::fs::read_to_string("docs/adding-a-register.md").unwrap();
    let mut script = String::new();
    let mut file = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(path) = line.strip_prefix("<!-- file: ").and_then(|l| l.strip_suffix(" -->")) {
            file = Some(path.to_owned());
        } else if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            let block = block.join("\n");
            match file.take() {
                Some(path) => {
                    script += &format!(
                        "mkdir -p \"$(dirname {path})\"\ncat >> {path} <<'IN_THE_GUIDE'\n{block}\n\nIN_THE_GUIDE\n"
                    );
                }
                None if line == "```sh" => script += &format!("{block}\n"),
                None => {}
            }
        }
    }
    script
}

#[test]
fn the_guide_takes_a_reader_from_a_statute_to_a_running_register() {
    let script = walk();
    assert!(script.contains("andmekogu serve") && script.contains("IN_THE_GUIDE"), "the walk is there");
    let folder = tempfile::tempdir().unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_andmekogu")).parent().unwrap();
    let mut shell = Command::new("bash")
        // Whatever is started ends with the walk.
        .args(["-euo", "pipefail", "-c", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT; source /dev/stdin"])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()))
        .env_remove("ANDMEKOGU_DATABASE_URL")
        .env_remove("ANDMEKOGU_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let mut rest = out.as_ref();
    for promise in script.lines().filter_map(|l| l.trim().strip_prefix("#→ ")) {
        let at =
            rest.find(promise).unwrap_or_else(|| panic!("{promise:?} does not come after the rest:\n{out}\n{err}"));
        rest = &rest[at + promise.len()..];
    }
}

#[test]
fn the_guide_leads_to_every_part_of_the_reference_by_a_page_that_is_there() {
    let text = std::fs::read_to_string("docs/adding-a-register.md").unwrap();
    for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let path = link.split('#').next().unwrap();
        // What is told elsewhere may come later than the guide.
        let known = path.is_empty() || link.starts_with("http") || path == "from-text.md";
        assert!(known || std::path::Path::new("docs").join(path).exists(), "{link}");
    }
}
