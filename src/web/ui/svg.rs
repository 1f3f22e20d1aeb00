//! Charts made by the server: inline SVG of presentation attributes and classes, under a policy that knows no inline
//! style. Whoever shows one shows the same data in a table beside it.
//!
//! *Invariants*: whatever is given, every number written is finite and lies within the view box, and every text is
//! escaped; what would not fit is cut, never laid over its neighbour.

use std::fmt::{self, Write as _};

use chrono::{Datelike as _, Days, Months, NaiveDate};

/// A chart, safe to be put into a page as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Svg(String);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Svg {
    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a chart is called. The id is the page's own: no two charts of a page share one.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Id, lower-case letters and hyphens.
    pub id: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What is to be read from it, for those who do not see it.
    pub desc: &'a str,
}

/// What a bar of a time line is about: its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Where somebody stands: codes and references.
    Place,
    /// How much: loads and numbers.
    Amount,
    /// Money.
    Money,
    /// A time away.
    Away,
}

/// A run of days on a lane.
#[derive(Debug, Clone)]
pub struct Span {
    /// First day.
    pub from: NaiveDate,
    /// Last day; open where there is none.
    pub until: Option<NaiveDate>,
    /// What holds then.
    pub text: String,
    /// Its colour.
    pub tone: Tone,
}

/// A lane: one thing that changes over time.
#[derive(Debug, Clone)]
pub struct Lane {
    /// What it is called.
    pub name: String,
    /// Its runs, in any order.
    pub spans: Vec<Span>,
}

/// The days that matter on a time line.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// What begins later than this is still to come.
    pub today: NaiveDate,
    /// The day chosen: a line.
    pub on: NaiveDate,
    /// The day chosen as people read it.
    pub on_text: &'a str,
}

/// Width of the view box of time lines and charts.
const WIDTH: f64 = 1100.0;
/// Where the lanes begin, after their names.
const LEFT: f64 = 196.0;
/// Where the lanes end.
const RIGHT: f64 = 1090.0;
/// Where the first lane begins, below the axis.
const TOP: f64 = 28.0;
/// Height of a bar.
const BAR: f64 = 22.0;
/// Height of a bar with the gap below it.
const ROW: f64 = 27.0;
/// Most bars above one another on a lane; the table has them all.
const DEEPEST: usize = 5;
/// Most bars of a lane.
const MOST_SPANS: usize = 200;
/// Most lanes.
const MOST_LANES: usize = 12;
/// Usual width of a letter of 12 pixels.
const LETTER: f64 = 6.6;
/// Most months to either side of the chosen day.
const MOST_MONTHS: u32 = 720;

/// Swim lanes over the days: what held when. Nothing where there are no spans.
pub fn timeline(named: Named<'_>, lanes: &[Lane], days: Around<'_>) -> Svg {
    let lanes: Vec<&Lane> = lanes.iter().filter(|l| !l.spans.is_empty()).take(MOST_LANES).collect();
    let all = || lanes.iter().flat_map(|l| l.spans.iter());
    let Some(first) = all().map(|s| s.from).min() else { return Svg::default() };
    let least = days.on.checked_sub_months(Months::new(MOST_MONTHS)).unwrap_or(days.on);
    let most = days.on.checked_add_months(Months::new(MOST_MONTHS)).unwrap_or(days.on);
    let first = first.min(days.on).clamp(least, most);
    let known = all().filter_map(|s| s.until).chain(all().map(|s| s.from)).max().unwrap_or(days.on);
    let last = known.max(days.on).max(days.today.min(most)).clamp(least, most);
    // A little room after the last day, so that what goes on is seen to go on.
    let length = (last - first).num_days().max(14);
    let ahead = Days::new(u64::try_from(length / 16 + 7).unwrap_or(7));
    let end = last.checked_add_days(ahead).unwrap_or(last);
    let scale = Scale { first, days: f64_of((end - first).num_days().max(1)) };

    let mut body = String::new();
    let mut y = TOP + 4.0;
    let mut drawn = String::new();
    for lane in &lanes {
        let rows = stacked(&lane.spans);
        let deep = rows.iter().map(|(row, _)| row + 1).max().unwrap_or(1);
        name(&mut drawn, &lane.name, y + 15.0);
        for (row, span) in rows {
            bar(&mut drawn, scale, span, days.today, y + f64_of_usize(row) * ROW);
        }
        y += f64_of_usize(deep) * ROW + 9.0;
    }
    let bottom = y;
    for (day, text) in ticks(first, end) {
        let x = scale.x(day);
        if !(LEFT..=RIGHT - 24.0).contains(&x) {
            continue;
        }
        let _ = write!(
            body,
            r#"<line class="gl" x1="{x:.1}" y1="20" x2="{x:.1}" y2="{bottom:.1}"/><text class="ax" x="{:.1}" y="14">{text}</text>"#,
            x + 3.0,
        );
    }
    body.push_str(&drawn);
    let x = scale.x(days.on);
    let middle = x.clamp(LEFT + 20.0, RIGHT - 40.0);
    let _ = write!(
        body,
        r#"<line class="now" x1="{x:.1}" y1="20" x2="{x:.1}" y2="{bottom:.1}"/><text class="nowt" x="{middle:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
        bottom + 14.0,
        cut(days.on_text, 24),
    );
    wrapped("tl", named, WIDTH, bottom + 20.0, &body)
}

/// Days as places.
#[derive(Clone, Copy)]
struct Scale {
    first: NaiveDate,
    days: f64,
}

impl Scale {
    fn x(self, day: NaiveDate) -> f64 {
        let part = f64_of((day - self.first).num_days()) / self.days;
        LEFT + (RIGHT - LEFT) * part.clamp(0.0, 1.0)
    }
}

/// The name of a lane: one line, or two small ones.
fn name(out: &mut String, text: &str, y: f64) {
    let most = 28;
    if text.chars().count() <= most {
        let _ = write!(out, r#"<text class="lane" x="0" y="{y:.1}">{}</text>"#, cut(text, most));
        return;
    }
    let (mut one, mut two) = (String::new(), String::new());
    for word in text.split_whitespace() {
        let fits = two.is_empty() && one.chars().count() + word.chars().count() < most;
        let line = if fits || one.is_empty() { &mut one } else { &mut two };
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = write!(
        out,
        r#"<text class="lane" x="0" y="{:.1}">{}</text><text class="lane" x="0" y="{:.1}">{}</text>"#,
        y - 6.0,
        cut(&one, most),
        y + 8.0,
        cut(&two, most),
    );
}

fn bar(out: &mut String, scale: Scale, span: &Span, today: NaiveDate, y: f64) {
    let x = scale.x(span.from);
    let after = span.until.and_then(|d| d.succ_opt());
    let end = if span.until.is_some() { after.map_or(RIGHT, |d| scale.x(d)) } else { RIGHT };
    // A line of a pixel between neighbours; a day is still seen.
    let width = (end - x - 1.0).max(2.0).min(WIDTH - x);
    let future = span.from > today;
    let (fill, ink) = match (future, span.tone) {
        (true, _) => ("b4", "futt"),
        (false, Tone::Place) => ("b1", "on"),
        (false, Tone::Amount) => ("b2", "i2"),
        (false, Tone::Money) => ("b3", "i3"),
        (false, Tone::Away) => ("b5", "on"),
    };
    let letters = ((width - 12.0) / LETTER).floor().max(0.0);
    let title = cut(&span.text, 300);
    let _ = write!(
        out,
        r#"<rect class="{fill}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{BAR}" rx="3"><title>{title}</title></rect>"#
    );
    let text = cut(&span.text, usize_of(letters));
    if letters >= 2.0 && !text.is_empty() {
        // A view port of its own cuts what is wider than reckoned.
        let _ = write!(
            out,
            r#"<svg x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{BAR}"><text class="{ink}" x="7" y="15">{text}</text></svg>"#
        );
    }
}

/// Puts spans that overlap above one another.
fn stacked(spans: &[Span]) -> Vec<(usize, &Span)> {
    let mut sorted: Vec<&Span> = spans.iter().collect();
    sorted.sort_by_key(|s| (s.from, s.until.unwrap_or(NaiveDate::MAX)));
    let mut ends: Vec<NaiveDate> = Vec::new();
    let mut rows = Vec::with_capacity(sorted.len().min(MOST_SPANS));
    for span in sorted.into_iter().take(MOST_SPANS) {
        let end = span.until.unwrap_or(NaiveDate::MAX).max(span.from);
        let row = match ends.iter().position(|e| *e < span.from) {
            Some(row) => row,
            None if ends.len() < DEEPEST => {
                ends.push(end);
                ends.len() - 1
            }
            None => continue,
        };
        if let Some(slot) = ends.get_mut(row) {
            *slot = end;
        }
        rows.push((row, span));
    }
    rows
}

/// Where the axis is marked: years, or months where there are few.
fn ticks(first: NaiveDate, end: NaiveDate) -> Vec<(NaiveDate, String)> {
    let months = u32::try_from((end - first).num_days() / 30).unwrap_or(0);
    let step = [1, 3, 6, 12, 24, 60, 120, 240]
        .into_iter()
        .find(|step| months / step <= if *step < 12 { 8 } else { 14 })
        .unwrap_or(360);
    let year = if step <= 12 { first.year() } else { first.year().div_euclid(10) * 10 };
    let mut day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(first);
    let mut out = Vec::new();
    while day <= end && out.len() < 100 {
        if day >= first {
            let text = if step < 12 { day.format("%m.%Y").to_string() } else { day.year().to_string() };
            out.push((day, text));
        }
        match day.checked_add_months(Months::new(step)) {
            Some(next) => day = next,
            None => break,
        }
    }
    // So short a time has no month's beginning: it has its own.
    if out.is_empty() {
        out.push((first, first.format("%d.%m.%Y").to_string()));
    }
    out
}

/// What a part of a bar stands for: its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The usual.
    Usual,
    /// Another kind beside it.
    Other,
    /// What is wrong.
    Bad,
}

impl Part {
    const fn class(self) -> &'static str {
        match self {
            Self::Usual => "v",
            Self::Other => "w",
            Self::Bad => "x",
        }
    }
}

/// A bar: a day or a category.
#[derive(Debug, Clone)]
pub struct Bar {
    /// What it is called.
    pub label: String,
    /// What it amounts to as people read it; not drawn where it is empty.
    pub said: String,
    /// Its parts, from the foot on.
    pub parts: Vec<(f64, Part)>,
    /// Whether it is shaded: a day off.
    pub off: bool,
}

impl Bar {
    fn total(&self) -> f64 {
        self.parts.iter().map(|(v, _)| sound(*v)).sum()
    }
}

/// Standing bars along an axis, for days and short names.
pub fn bars(named: Named<'_>, bars: &[Bar]) -> Svg {
    let most = bars.iter().map(Bar::total).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let (height, foot, head) = (132.0, 112.0, 16.0);
    let step = WIDTH / f64_of_usize(bars.len().max(1));
    let widest = bars.iter().map(|b| b.label.chars().count()).max().unwrap_or(1).min(14);
    let every = usize_of(((f64_of_usize(widest) * LETTER + 4.0) / step).ceil()).max(1);
    let mut body = String::new();
    for (n, bar) in bars.iter().enumerate() {
        let x = step * f64_of_usize(n);
        let width = (step * 0.62).min(64.0);
        let left = x + (step - width) / 2.0;
        if bar.off {
            let _ = write!(
                body,
                r#"<rect class="we" x="{x:.2}" y="{head}" width="{step:.2}" height="{:.1}"/>"#,
                foot - head
            );
        }
        let _ = write!(body, "<g><title>{}: {}</title>", cut(&bar.label, 200), cut(&bar.said, 60));
        let mut y = foot;
        for (value, part) in &bar.parts {
            let tall = (foot - head) * (sound(*value) / most).clamp(0.0, 1.0);
            if tall <= 0.0 {
                continue;
            }
            y = (y - tall).max(head);
            let class = part.class();
            let _ = write!(
                body,
                r#"<rect class="{class}" x="{left:.2}" y="{y:.1}" width="{width:.2}" height="{tall:.1}" rx="2"/>"#
            );
        }
        body.push_str("</g>");
        let middle = (x + step / 2.0).clamp(0.0, WIDTH);
        if !bar.said.is_empty() && f64_of_usize(bar.said.chars().count()) * LETTER < step {
            let _ = write!(
                body,
                r#"<text x="{middle:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                y - 3.0,
                cut(&bar.said, 20)
            );
        }
        if n % every == 0 {
            let room = usize_of(step * f64_of_usize(every) / LETTER).clamp(1, 24);
            let _ =
                write!(body, r#"<text x="{middle:.1}" y="126" text-anchor="middle">{}</text>"#, cut(&bar.label, room));
        }
    }
    let _ = write!(body, r#"<line x1="0" y1="{foot}" x2="{WIDTH}" y2="{foot}"/>"#);
    wrapped("bars", named, WIDTH, height, &body)
}

/// Lying bars below one another, for categories with long names; of several parts where they have them.
pub fn rows(named: Named<'_>, bars: &[Bar]) -> Svg {
    let most = bars.iter().map(Bar::total).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let (left, right, row) = (330.0, 1000.0, 26.0);
    let mut body = String::new();
    for (n, bar) in bars.iter().enumerate() {
        let y = row * f64_of_usize(n) + 4.0;
        let label = cut(&bar.label, 50);
        let _ = write!(
            body,
            r#"<g><title>{}: {}</title><text x="0" y="{:.1}">{label}</text>"#,
            cut(&bar.label, 200),
            cut(&bar.said, 60),
            y + 13.0
        );
        let mut x = left;
        for (value, part) in &bar.parts {
            let wide = ((right - left) * (sound(*value) / most).clamp(0.0, 1.0)).min(right - x).max(0.0);
            if wide <= 0.0 {
                continue;
            }
            let class = part.class();
            let _ =
                write!(body, r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{wide:.1}" height="18" rx="2"/>"#);
            x += wide;
        }
        let _ = write!(body, r#"<text x="{:.1}" y="{:.1}">{}</text></g>"#, x + 6.0, y + 13.0, cut(&bar.said, 14));
    }
    wrapped("bars", named, WIDTH, row * f64_of_usize(bars.len().max(1)) + 8.0, &body)
}

/// How far something has come: done, and of the rest what is bad.
pub fn progress(label: &str, done: u64, bad: u64, total: u64) -> Svg {
    let total = total.max(1);
    let part = |n: u64| (1000.0 * f64_of_u64(n.min(total)) / f64_of_u64(total)).clamp(0.0, 1000.0);
    let (done, bad) = (part(done), part(bad));
    let bad = bad.min(1000.0 - done);
    Svg(format!(
        r#"<svg class="prog" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{}"><rect class="bg" width="1000" height="10"/><rect class="a" width="{done:.1}" height="10"/><rect class="b" x="{done:.1}" width="{bad:.1}" height="10"/></svg>"#,
        cut(label, 300),
    ))
}

fn wrapped(class: &str, named: Named<'_>, width: f64, height: f64, body: &str) -> Svg {
    let id: String = named.id.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-').collect();
    let (title, desc) = (cut(named.title, 400), cut(named.desc, 2_000));
    Svg(format!(
        r#"<svg class="{class}" viewBox="0 0 {width} {height:.0}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{title}</title><desc id="{id}-d">{desc}</desc>{body}</svg>"#
    ))
}

/// A text of at most so many letters, escaped; what is longer ends in `…`.
fn cut(text: &str, most: usize) -> String {
    let mut out = String::new();
    let plain = |c: &char| {
        !c.is_control() && !matches!(*c, '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut letters = text.chars().filter(plain).peekable();
    for n in 0.. {
        let Some(c) = letters.next() else { break };
        if n + 1 >= most && letters.peek().is_some() || n >= most {
            if most > 0 {
                out.push('…');
            }
            break;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A number that can be drawn.
fn sound(value: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, 1e15) } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn f64_of(n: i64) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn f64_of_u64(n: u64) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn f64_of_usize(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of letters: small, not negative")]
fn usize_of(n: f64) -> usize {
    n.clamp(0.0, 10_000.0) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn named(id: &str) -> Named<'_> {
        Named { id, title: "Käik", desc: "<Read>" }
    }

    fn span(from: &str, until: Option<&str>, text: &str) -> Span {
        Span { from: day(from), until: until.map(day), text: text.to_owned(), tone: Tone::Place }
    }

    fn days(on: &str) -> Around<'static> {
        Around { today: day(on), on: day(on), on_text: "21.11.2026" }
    }

    /// Every coordinate of the chart, whether it lies in the view box, and whether the text is sound XML.
    fn check(svg: &Svg) {
        let text = svg.to_string();
        if text.is_empty() {
            return;
        }
        let tag = |name: &str| -> Vec<String> {
            let mark = format!(" {name}=\"");
            text.split(mark.as_str()).skip(1).map(|p| p.split('"').next().unwrap().to_owned()).collect()
        };
        let view = tag("viewBox").swap_remove(0);
        let size: Vec<f64> = view.split(' ').map(|n| n.parse().unwrap()).collect();
        for name in ["x", "x1", "x2", "width"] {
            for value in tag(name) {
                let value: f64 = value.parse().unwrap();
                assert!(value.is_finite() && (-0.01..=size[2] + 0.11).contains(&value), "{name}={value} of {view}");
            }
        }
        for name in ["y", "y1", "y2", "height"] {
            for value in tag(name) {
                let value: f64 = value.parse().unwrap();
                assert!(value.is_finite() && (-0.01..=size[3] + 0.11).contains(&value), "{name}={value} of {view}");
            }
        }
        assert!(!text.contains("style="));
        let parsed = scraper::Html::parse_fragment(&text);
        let any = scraper::Selector::parse("script, img, a").unwrap();
        assert!(parsed.select(&any).next().is_none(), "what was a text has become an element");
    }

    #[test]
    fn what_is_to_come_is_dashed_and_the_chosen_day_is_a_line() {
        let lanes = [Lane {
            name: "Koormus".into(),
            spans: vec![span("2025-09-01", Some("2026-12-31"), "1,20"), span("2027-01-01", None, "1,00")],
        }];
        let text = timeline(named("tl"), &lanes, days("2026-11-21")).to_string();
        assert_eq!(text.matches(r#"class="b1""#).count(), 1);
        assert_eq!(text.matches(r#"class="b4""#).count(), 1);
        assert_eq!(text.matches(r#"class="now""#).count(), 1);
        assert!(text.contains(r#"aria-labelledby="tl-t tl-d""#) && text.contains("&lt;Read&gt;"));
    }

    #[test]
    fn what_overlaps_stands_above_one_another_and_what_follows_stands_beside() {
        let both =
            [span("2024-01-01", None, "a"), span("2025-01-01", None, "b"), span("2024-06-01", Some("2024-12-31"), "c")];
        let rows: Vec<(usize, &str)> = stacked(&both).into_iter().map(|(row, s)| (row, s.text.as_str())).collect();
        assert_eq!(rows, [(0, "a"), (1, "c"), (1, "b")]);
    }

    #[test]
    fn one_day_and_sixty_years_both_have_an_axis() {
        for (from, until) in [("2026-11-21", "2026-11-21"), ("1966-11-21", "2026-11-21"), ("0001-01-01", "9999-12-31")]
        {
            let lanes = [Lane { name: "x".into(), spans: vec![span(from, Some(until), "Õpetaja")] }];
            let svg = timeline(named("tl"), &lanes, days("2026-11-21"));
            check(&svg);
            let marks = svg.to_string().matches(r#"class="ax""#).count();
            assert!((1..=15).contains(&marks), "{from}: {marks} marks");
        }
    }

    #[test]
    fn nothing_to_show_is_no_chart() {
        assert!(timeline(named("tl"), &[], days("2026-11-21")).is_empty());
        check(&bars(named("b"), &[]));
        check(&rows(named("r"), &[]));
        check(&progress("x", 3, 9, 0));
    }

    prop_compose! {
        fn any_day()(n in -750_000i32..750_000) -> NaiveDate {
            NaiveDate::from_num_days_from_ce_opt(n.max(-90_000_000)).unwrap_or(NaiveDate::MAX)
        }
    }

    prop_compose! {
        fn any_span()(from in any_day(), until in proptest::option::of(any_day()), text in any::<String>(), tone in 0..4) -> Span {
            let tone = [Tone::Place, Tone::Amount, Tone::Money, Tone::Away][usize::try_from(tone).unwrap()];
            Span { from, until, text, tone }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_given_stays_within_the_picture(
            lanes in proptest::collection::vec((any::<String>(), proptest::collection::vec(any_span(), 0..12)), 0..5),
            on in any_day(), today in any_day(), title in any::<String>(),
        ) {
            let lanes: Vec<Lane> = lanes.into_iter().map(|(name, spans)| Lane { name, spans }).collect();
            let named = Named { id: "tl", title: &title, desc: "<script>alert(1)</script> שלום" };
            check(&timeline(named, &lanes, Around { today, on, on_text: &title }));
        }

        #[test]
        fn bars_of_any_numbers_stay_within_the_picture(
            given in proptest::collection::vec((any::<String>(), proptest::collection::vec(any::<f64>(), 0..4), any::<bool>()), 0..80),
        ) {
            let given: Vec<Bar> = given.into_iter().map(|(label, values, off)| {
                let parts = values.iter().map(|v| (*v, Part::Other)).collect();
                Bar { said: label.clone(), label, parts, off }
            }).collect();
            check(&bars(named("b"), &given));
            check(&rows(named("r"), &given));
        }

        #[test]
        fn progress_never_goes_beyond_its_end(done in any::<u64>(), bad in any::<u64>(), total in any::<u64>(), label in any::<String>()) {
            check(&progress(&label, done, bad, total));
        }

        #[test]
        fn a_cut_text_is_no_longer_than_asked(text in any::<String>(), most in 0usize..50) {
            let shown = cut(&text, most).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
            prop_assert!(shown.chars().count() <= most);
        }
    }
}
