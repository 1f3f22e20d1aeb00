//! The README's walk, run exactly as it stands there.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The commands of the README between its two marks, in order.
fn walk() -> String {
    let text = std::fs::read_to_string("README.md").unwrap();
    let part = text.split("<!-- walk -->").nth(1).expect("the walk begins").split("<!-- /walk -->").next().unwrap();
    part.split("```sh\n").skip(1).map(|b| b.split("```").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// What the README says comes out, line by line: comments of the form `#→ text`.
fn promises(script: &str) -> Vec<String> {
    script.lines().filter_map(|l| l.trim().strip_prefix("#→ ").map(str::to_owned)).collect()
}

#[test]
fn the_walk_of_the_readme_works_from_top_to_bottom() {
    let folder = tempfile::tempdir().unwrap();
    let script = walk();
    assert!(script.contains("curl"), "the walk is there");
    let mut program = Command::new(env!("CARGO_BIN_EXE_andmekogu"))
        .env("ANDMEKOGU_DATA_DIR", folder.path().join("data"))
        .env("ANDMEKOGU_LISTEN", "127.0.0.1:8080")
        .env_remove("ANDMEKOGU_DATABASE_URL")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let up = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(200));
        std::net::TcpStream::connect("127.0.0.1:8080").is_ok()
    });
    assert!(up, "the program listens on the README's address");
    let mut shell = Command::new("bash")
        .args(["-euo", "pipefail", "-s"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("ANDMEKOGU_DATA_DIR", folder.path().join("data"))
        // `andmekogu` in the walk is the program that the suite has built.
        .env(
            "PATH",
            format!(
                "{}:{}",
                std::path::Path::new(env!("CARGO_BIN_EXE_andmekogu")).parent().unwrap().display(),
                std::env::var("PATH").unwrap()
            ),
        )
        .env("TMPDIR", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let mut rest = out.as_ref();
    for promise in promises(&script) {
        let at =
            rest.find(&promise).unwrap_or_else(|| panic!("{promise:?} does not come after the rest:\n{out}\n{err}"));
        rest = &rest[at + promise.len()..];
    }
}
