//! The screens in a real browser: Chromium, driven by chromedriver.
//!
//! What a request and a parsed answer can show is tested elsewhere (`tests/screens_*.rs`); here is what only a browser
//! can: that people get their work done with few clicks, with the keyboard alone, with scripts off, in the dark and
//! on a phone, that nothing is lost when something goes wrong, and that axe finds nothing.
//!
//! Where Chromium is missing these tests say so aloud and pass; in CI, or with `ANDMEKOGU_TEST_BROWSER=1`, they fail.
//! `scripts/test` installs what they need.

mod axe;
mod background;
mod contrast;
mod demo;
mod driver;
mod faults;
mod flows;
mod frame;
mod keyboard;
mod languages;
mod pages;
mod screens;
mod weight;

/// Says aloud that something is missing; where the browser is asked for, that is a failure.
pub fn missing(what: &str) {
    eprintln!("NOT RUN in a browser: {what}; use scripts/test");
    let asked = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    assert!(!asked("CI", "true") && !asked("ANDMEKOGU_TEST_BROWSER", "1"), "{what}, and here the browser is asked for");
}
