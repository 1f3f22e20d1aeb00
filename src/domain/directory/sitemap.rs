//! The map of the public pages, for whoever searches the web for others: <https://www.sitemaps.org/protocol.html>, each
//! page in all its languages (`xhtml:link`, <https://developers.google.com/search/docs/specialty/international>).

use quick_xml::escape::escape;

use crate::domain::statute::Language;

/// Most addresses of one file. The protocol permits 50 000 and 50 MB; an address with its other languages takes about
/// 700 bytes, and a file of 3 MB is still made in the time of a page.
pub const MOST: usize = 5_000;

/// A map, or the list of maps where the pages do not fit into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Map {
    /// All pages.
    Whole(String),
    /// The list of maps.
    Index(String),
}

impl Map {
    /// The file.
    pub fn text(self) -> String {
        match self {
            Self::Whole(text) | Self::Index(text) => text,
        }
    }
}

/// Pages that one file takes.
fn pages_of_a_file(most: usize) -> usize {
    (most / Language::ALL.len()).max(1)
}

/// The map of the pages at `paths` (what follows the language: `/r/x`) under `base` (`https://register.example.ee`).
pub fn whole(base: &str, paths: &[String], most: usize) -> Map {
    let pages = pages_of_a_file(most);
    if paths.len() <= pages {
        return Map::Whole(urls(base, paths));
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str("<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    for n in 1..=paths.len().div_ceil(pages) {
        out.push_str(&format!("<sitemap><loc>{}/sitemap-{n}.xml</loc></sitemap>\n", escape(base)));
    }
    out.push_str("</sitemapindex>\n");
    Map::Index(out)
}

/// The `n`-th file (from 1) of a map that has a list; nothing where there is none.
pub fn part(base: &str, paths: &[String], most: usize, n: usize) -> Option<String> {
    let pages = pages_of_a_file(most);
    if paths.len() <= pages {
        return None;
    }
    paths.chunks(pages).nth(n.checked_sub(1)?).map(|paths| urls(base, paths))
}

fn urls(base: &str, paths: &[String]) -> String {
    let base = escape(base);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(
        "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n",
    );
    for path in paths {
        let path = escape(path.as_str());
        let mut others = String::new();
        for (name, language) in Language::ALL.map(|l| (l.code(), l)).into_iter().chain([("x-default", DEFAULT)]) {
            let code = language.code();
            others
                .push_str(&format!("<xhtml:link rel=\"alternate\" hreflang=\"{name}\" href=\"{base}/{code}{path}\"/>"));
        }
        for language in Language::ALL {
            out.push_str(&format!("<url><loc>{base}/{}{path}</loc>{others}</url>\n", language.code()));
        }
    }
    out.push_str("</urlset>\n");
    out
}

/// The language for whoever speaks none of ours.
pub const DEFAULT: Language = Language::Et;

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("/r/r{i}")).collect()
    }

    #[test]
    fn each_page_stands_in_each_language_and_names_all_of_them() {
        let Map::Whole(text) = whole("https://x.example", &["/r/a&b".to_owned()], MOST) else { panic!("it fits") };
        assert_eq!(text.matches("<loc>").count(), 4);
        assert_eq!(text.matches("hreflang=").count(), 4 * 5);
        assert!(text.contains("<loc>https://x.example/sv/r/a&amp;b</loc>"));
        assert!(text.contains("hreflang=\"x-default\" href=\"https://x.example/et/r/a&amp;b\""));
    }

    #[test]
    fn what_does_not_fit_into_one_file_is_parted_and_nothing_is_lost() {
        let paths = paths(25);
        let Map::Index(index) = whole("https://x.example", &paths, 40) else { panic!("it does not fit") };
        assert_eq!(index.matches("<sitemap>").count(), 3);
        let parts: Vec<String> = (1..=3).map(|n| part("https://x.example", &paths, 40, n).unwrap()).collect();
        assert!(parts.iter().all(|p| p.matches("<loc>").count() <= 40));
        assert_eq!(parts.iter().map(|p| p.matches("<loc>").count()).sum::<usize>(), 100);
        assert_eq!(part("https://x.example", &paths, 40, 0), None);
        assert_eq!(part("https://x.example", &paths, 40, 4), None);
        assert_eq!(part("https://x.example", &paths[..3], 40, 1), None);
    }
}
