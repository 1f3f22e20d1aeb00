//! HTML: a page without script that can also be embedded, and its table alone.

use super::Lang;
use super::table::Table;

const STYLE: &str = "body{font-family:sans-serif;margin:1rem}table{border-collapse:collapse}\
caption{font-weight:bold;text-align:start;padding:.25rem 0}\
th,td{border:1px solid #777;padding:.25rem .5rem;text-align:start;vertical-align:top;white-space:pre-line}\
th{background:#eee}.n{text-align:end;white-space:nowrap}";

/// A page of its own with the table and, under it, the note.
pub fn html(table: &Table, lang: Lang, note: Option<&str>) -> String {
    let title = escaped(&table.title);
    let code = lang.code();
    let note = note.map(|note| format!("<p>{}</p>\n", escaped(note))).unwrap_or_default();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n{}{note}</body>\n</html>\n",
        html_table(table, lang)
    )
}

/// The `<table>` alone, to be put into a page.
pub fn html_table(table: &Table, lang: Lang) -> String {
    let mut out =
        format!("<table lang=\"{}\">\n<caption>{}</caption>\n<thead>\n<tr>", lang.code(), escaped(&table.title));
    let class = |index: usize| if table.columns()[index].kind.is_numeric() { " class=\"n\"" } else { "" };
    for (i, column) in table.columns().iter().enumerate() {
        out += &format!("<th scope=\"col\"{}>{}</th>", class(i), escaped(&column.label));
    }
    out += "</tr>\n</thead>\n<tbody>\n";
    for row in table.rows() {
        out += "<tr>";
        for (i, cell) in row.iter().enumerate() {
            out += &format!("<td{}>{}</td>", class(i), escaped(&cell.to_text(lang)));
        }
        out += "</tr>\n";
    }
    out += "</tbody>\n</table>\n";
    out
}

/// A text as character data or attribute value: the five characters of the OWASP *XSS Prevention Cheat Sheet*, and
/// U+FFFD for the control characters that HTML does not allow.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\t' | '\n' | '\r' => out.push(c),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::files::table::{Cell, Column, ColumnKind};

    fn table(title: &str, label: &str, text: &str) -> Table {
        let column = |label: &str, kind| Column { name: "a".to_owned(), label: label.to_owned(), kind };
        let columns = vec![column(label, ColumnKind::Text), column("Arv", ColumnKind::Integer)];
        let mut table = Table::new(title.to_owned(), columns);
        table.push(vec![Cell::Text(text.to_owned()), Cell::Integer(-3)]).unwrap();
        table
    }

    #[test]
    fn a_reader_program_finds_language_caption_and_column_heads() {
        let page = html(&table("Õpilased", "Nimi", "Õie"), Lang::Et, Some("Ainult ametialaseks kasutamiseks."));
        for part in [
            "<html lang=\"et\">",
            "<title>Õpilased</title>",
            "<table lang=\"et\">\n<caption>Õpilased</caption>",
            "<th scope=\"col\">Nimi</th><th scope=\"col\" class=\"n\">Arv</th>",
            "<td>Õie</td><td class=\"n\">-3</td>",
            "<p>Ainult ametialaseks kasutamiseks.</p>",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }

    #[test]
    fn no_text_becomes_markup_wherever_it_stands() {
        let hostile = "<script>alert('x')</script>\" onload=\"&lt;\0";
        let page = html(&table(hostile, hostile, hostile), Lang::En, Some(hostile));
        let plain = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onload=&quot;&amp;lt;\u{FFFD}";
        assert_eq!(page.matches(plain).count(), 5);
        assert!(!page.contains("<script") && !page.contains('\0'));
    }

    proptest! {
        #[test]
        fn any_text_gives_the_same_elements(text in "[<>&\"'/a-z =!\\[\\]-]{0,40}") {
            let tags = |page: &str| (page.matches('<').count(), page.matches('>').count(), page.matches('"').count());
            let page = html_table(&table(&text, &text, &text), Lang::Sv);
            prop_assert_eq!(tags(&page), tags(&html_table(&table("", "", ""), Lang::Sv)));
        }
    }
}
