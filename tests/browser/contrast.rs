//! The colours of the stylesheet: every text can be read, every control can be seen, by day and by night.

use std::collections::{BTreeMap, BTreeSet};

const STYLE: &str = include_str!("../../static/andmekogu.css");

type Palette = BTreeMap<String, [f64; 3]>;

/// Declarations of colours in the block that begins at `start`.
fn block(start: &str) -> Palette {
    let at = STYLE.find(start).unwrap_or_else(|| panic!("the stylesheet has {start}"));
    let body = &STYLE[at + start.len()..];
    let body = &body[..body.find('}').unwrap()];
    let declarations = body.split(';').filter_map(|d| d.split_once(':'));
    declarations
        .filter_map(|(name, value)| Some((name.trim().strip_prefix("--")?.to_owned(), colour(value.trim())?)))
        .collect()
}

/// Red, green and blue, each between 0 and 1, of `#rgb` or `#rrggbb`.
fn colour(text: &str) -> Option<[f64; 3]> {
    let digits = text.strip_prefix('#')?;
    let wide: String =
        if digits.len() == 3 { digits.chars().flat_map(|c| [c, c]).collect() } else { digits.to_owned() };
    let part = |at: usize| Some(f64::from(u8::from_str_radix(wide.get(at..at + 2)?, 16).ok()?) / 255.0);
    Some([part(0)?, part(2)?, part(4)?])
}

/// Relative luminance (WCAG 2.2).
fn luminance(colour: [f64; 3]) -> f64 {
    let part = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    0.2126 * part(colour[0]) + 0.7152 * part(colour[1]) + 0.0722 * part(colour[2])
}

/// Contrast ratio (WCAG 2.2).
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn themes() -> [(&'static str, Palette); 2] {
    let light = block(":root{");
    let mut dark = light.clone();
    dark.extend(block("@media (prefers-color-scheme:dark){:root:not([data-theme=light]){"));
    [("light", light), ("dark", dark)]
}

/// Text, what it stands on.
const TEXTS: &[(&str, &[&str])] = &[
    ("ink", &["bg", "surface", "sunk", "sel", "mark", "info-b", "ok-b", "warn-b", "err-b"]),
    ("ink-2", &["bg", "surface", "sunk", "sel"]),
    ("ink-3", &["bg", "surface", "sunk"]),
    ("link", &["bg", "surface", "sunk", "sel", "info-b", "warn-b", "err-b", "ok-b"]),
    ("link-h", &["bg", "surface", "sunk", "sel"]),
    ("on-brand", &["brand", "brand-2"]),
    ("on-brand-2", &["brand", "brand-2"]),
    ("on-btn", &["btn", "btn-h"]),
    ("ok", &["ok-b", "surface", "sunk"]),
    ("warn", &["warn-b", "surface"]),
    ("err", &["err-b", "surface", "sunk"]),
    ("info", &["info-b", "surface", "sel"]),
    ("fut", &["fut-b", "surface"]),
    ("neu", &["neu-b"]),
    ("t1", &["c1"]),
    ("t2", &["c2"]),
    ("t3", &["c3"]),
];

/// Edges of controls, marks of the focus, parts of charts that carry meaning.
const SHAPES: &[(&str, &[&str])] = &[
    ("ctl", &["surface", "bg"]),
    ("focus", &["surface", "bg", "sunk"]),
    ("btn", &["surface", "bg"]),
    ("c1", &["surface"]),
    ("c4", &["surface"]),
    ("c5", &["surface"]),
];

/// Colours that carry no meaning of their own: lines between rows, the frame.
const QUIET: &[&str] = &["line", "line-2", "brand", "brand-2"];

#[test]
fn every_text_can_be_read_and_every_control_seen_by_day_and_by_night() {
    let mut faults = Vec::new();
    for (theme, palette) in themes() {
        for (pairs, least) in [(TEXTS, 4.5), (SHAPES, 3.0)] {
            for (front, grounds) in pairs {
                for ground in *grounds {
                    let ratio = contrast(palette[*front], palette[*ground]);
                    if ratio < least {
                        faults.push(format!("{theme}: --{front} on --{ground} is {ratio:.2}, less than {least}"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_colour_of_the_stylesheet_escapes_the_measurement() {
    let measured: BTreeSet<&str> = [TEXTS, SHAPES]
        .concat()
        .into_iter()
        .flat_map(|(front, grounds)| std::iter::once(front).chain(grounds.iter().copied()))
        .chain(QUIET.iter().copied())
        .collect();
    for (theme, palette) in themes() {
        for name in palette.keys() {
            assert!(measured.contains(name.as_str()), "{theme}: --{name} is measured on nothing");
        }
    }
}

#[test]
fn who_chooses_the_dark_gets_the_same_dark_as_who_has_a_dark_machine() {
    let machine = block("@media (prefers-color-scheme:dark){:root:not([data-theme=light]){");
    assert_eq!(machine, block(":root[data-theme=dark]{"));
}

#[test]
fn contrast_is_measured_as_the_guidelines_do() {
    let of = |a: &str, b: &str| contrast(colour(a).unwrap(), colour(b).unwrap());
    assert!((of("#000", "#fff") - 21.0).abs() < 0.001);
    assert!((of("#777", "#ffffff") - 4.48).abs() < 0.01, "the known grey that just fails");
}
