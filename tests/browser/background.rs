//! Processes beside the suite that end with it, however it ends, and leave no file behind.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Runs its arguments with a folder of their own, `$TMPDIR`, until the standard input closes: when the suite is gone,
/// killed too, so are they, their children, and the folder.
const WATCH: &str = r#"
folder=$(mktemp -d) && export TMPDIR="$folder" || exit 1
$(command -v setsid) "$@" < /dev/null 2> "$folder/errors" &
cat > /dev/null
kill -TERM -$! 2> /dev/null || kill $! 2> /dev/null
wait 2> /dev/null
rm -rf "$folder"
"#;

/// A process in the background.
pub struct Background {
    /// Closing it ends the process.
    _input: ChildStdin,
    _watch: Child,
}

impl Background {
    /// Starts a command and waits until a line of its output is what `ready` looks for.
    pub fn start<T: Send + 'static>(
        command: &[&str],
        variables: &[(&str, &str)],
        ready: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> (Self, T) {
        let mut watch = Command::new("sh")
            .args(["-c", WATCH, "watch"])
            .args(command)
            .envs(variables.iter().copied())
            .env_remove("ANDMEKOGU_DATABASE_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, receiver) = mpsc::channel();
        let output = watch.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(found) = ready(&line) {
                    // Nobody waits any more after the first; the rest is only read so that the process can write on.
                    drop(sender.send(found));
                }
            }
        });
        let input = watch.stdin.take().unwrap();
        let found = receiver.recv_timeout(Duration::from_secs(120));
        let found = found.unwrap_or_else(|e| panic!("{command:?} says that it is ready: {e}"));
        (Self { _input: input, _watch: watch }, found)
    }
}
