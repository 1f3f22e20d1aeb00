//! How long definitions take to load: a folder of a thousand registers, read for the first time, and read again while
//! they are in use.
//!
//! ```sh
//! cargo bench --bench definitions
//! cargo bench --bench definitions -- --kept 1000 --described 0 --runs 5
//! ```
//!
//! * `--kept`: registers with records, made of the shipped ones in turn, each under a name of its own;
//! * `--described`: registers that are kept elsewhere, likewise;
//! * `--runs`: how often each figure is taken; the least counts, since others use the machine too.

#[path = "../tests/harness/folder.rs"]
mod folder;

use std::path::Path;
use std::time::{Duration, Instant};

use andmekogu::config::registers::{Found, read_again, read_all};
use folder::{Size, THOUSAND, fill};

fn main() {
    let (mut size, mut runs) = (THOUSAND, 3_usize);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|n| n.parse().ok()).expect("a number");
        match argument.as_str() {
            "--kept" => size.kept = number(),
            "--described" => size.described = number(),
            "--runs" => runs = number(),
            "--bench" => {}
            other => panic!("there is no argument {other}"),
        }
    }
    let Size { kept, described } = size;
    let dir = tempfile::tempdir().expect("a folder");
    fill(Path::new("config/registers"), dir.path(), size);
    let sound = |found: Result<Found, Vec<_>>| found.unwrap_or_else(|faults: Vec<_>| panic!("{faults:?}"));
    let registers = sound(read_all(dir.path())).ready().expect("sound registers");
    println!("{kept} registers kept here, {described} described; {} names", registers.names().count());
    let read = least(runs, || sound(read_all(dir.path())));
    println!("read and checked     {:>8.2} s", read.as_secs_f64());
    let ready = least(runs, || sound(read_all(dir.path())).ready().expect("sound registers"));
    println!("with all made ready  {:>8.2} s", ready.as_secs_f64());
    let again = least(runs, || sound(read_again(dir.path(), &registers)).ready().expect("sound registers"));
    println!("again, none changed  {:>8.2} s", again.as_secs_f64());
}

fn least<T>(runs: usize, work: impl Fn() -> T) -> Duration {
    let once = || {
        let begun = Instant::now();
        drop(std::hint::black_box(work()));
        begun.elapsed()
    };
    (0..runs.max(1)).map(|_| once()).min().unwrap_or_default()
}
