//! Registers as data sets: DCAT-AP in Turtle, with the authority codes of the EU vocabularies. What is restricted is
//! described all the same: a description opens no data.

use std::fmt::Write as _;

use super::View;
use crate::domain::statute::definition::ActForm;
use crate::domain::statute::description::Publicity;
use crate::domain::statute::{Label, Language};

/// Who publishes the catalogue, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Address of the installation without a slash at its end (`https://register.example.ee`).
    pub base: String,
    /// What the catalogue is called, by language.
    pub title: Label,
    /// What it is, by language.
    pub description: Label,
    /// Who publishes it.
    pub publisher: String,
}

/// Where what a register publishes openly is had, relative to [`Site::base`].
fn open_data(register: &str, record_type: &str) -> String {
    format!("/api/public/v1/registers/{}/published/{}?format=csv", segment(register), segment(record_type))
}

const PREFIXES: &str = "@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
";
const AUTHORITY: &str = "http://publications.europa.eu/resource/authority";

/// The catalogue of `registers` as Turtle: those that publish such a description and are not secret.
pub fn dcat<'d>(site: &Site, registers: impl IntoIterator<Item = View<'d>>) -> String {
    let registers: Vec<View<'d>> = registers
        .into_iter()
        .filter(|register| !register.is_secret() && super::publishes(*register, Publicity::Dcat))
        .collect();
    let mut out = String::from(PREFIXES);
    let publisher = iri(&format!("{}/org", site.base));
    let mut catalogue = Subject::new(iri(&format!("{}/catalogue", site.base)), "dcat:Catalog");
    catalogue.texts("dct:title", &site.title);
    catalogue.texts("dct:description", &site.description);
    catalogue.is("dct:publisher", &publisher);
    for language in Language::ALL {
        catalogue.is("dct:language", &authority("language", language_code(language)));
    }
    for register in &registers {
        catalogue.is("dcat:dataset", &dataset_iri(site, *register));
    }
    catalogue.write(&mut out);
    let mut agent = Subject::new(publisher, "foaf:Agent");
    agent.is("foaf:name", &literal(&site.publisher, None));
    agent.write(&mut out);
    for register in registers {
        dataset(site, register, &mut out);
    }
    out
}

fn dataset_iri(site: &Site, register: View<'_>) -> String {
    iri(&format!("{}/dataset/{}", site.base, segment(register.short_name())))
}

fn dataset(site: &Site, register: View<'_>, out: &mut String) {
    let entry = register.catalogue();
    let address = dataset_iri(site, register);
    let mut set = Subject::new(address.clone(), "dcat:Dataset");
    set.is("dct:identifier", &literal(register.short_name(), None));
    set.texts("dct:title", register.name());
    for language in Language::ALL {
        let purposes: Vec<&str> = register.purposes().iter().filter_map(|p| p.label.text(language)).collect();
        if !purposes.is_empty() {
            set.is("dct:description", &literal(&purposes.join("; "), Some(language)));
        }
    }
    let controller = register.controller();
    let owner = iri(&format!("{}/dataset/{}/controller", site.base, segment(register.short_name())));
    set.is("dct:publisher", &owner);
    let act = register.act();
    let issued = act.adopted.unwrap_or(act.in_force_from);
    set.is("dct:issued", &format!("\"{issued}\"^^xsd:date"));
    set.is("dct:modified", &format!("\"{}\"^^xsd:date", act.in_force_from));
    let publications: Vec<_> = register
        .kept()
        .into_iter()
        .flat_map(|definition| &definition.register.publications)
        .filter(|publication| is_open(register, &publication.record_type))
        .collect();
    // A part of it is public where something is published; people may ask for the rest.
    let access = if publications.is_empty() { "NON_PUBLIC" } else { "RESTRICTED" };
    set.is("dct:accessRights", &authority("access-right", access));
    for language in register.languages() {
        set.is("dct:language", &authority("language", language_code(language)));
    }
    let spatial = match register.country() {
        "EE" => Some("EST"),
        "FI" => Some("FIN"),
        _ => None,
    };
    if let Some(country) = spatial {
        set.is("dct:spatial", &authority("country", country));
    }
    let themes = if entry.themes.is_empty() { vec!["GOVE".to_owned()] } else { entry.themes.clone() };
    for theme in &themes {
        set.is("dcat:theme", &authority("data-theme", theme));
    }
    for topic in &entry.topics {
        set.is("dcat:keyword", &literal(topic, Some(register.language())));
    }
    for contact in register.contacts() {
        let name = literal(contact.label.official(), Some(contact.label.official));
        let email = iri(&format!("mailto:{}", contact.email));
        set.is("dcat:contactPoint", &format!("[ a vcard:Organization ; vcard:fn {name} ; vcard:hasEmail {email} ]"));
    }
    if let Some(homepage) = &entry.homepage {
        set.is("dcat:landingPage", &iri(homepage));
    }
    if let Some(url) = entry.act_url.as_ref().filter(|_| act.form == ActForm::Statute) {
        set.is("dct:conformsTo", &iri(url));
    }
    let places: Vec<String> = publications.iter().map(|p| open_data(register.short_name(), &p.record_type)).collect();
    for place in &places {
        set.is("dcat:distribution", &iri(&format!("{}{place}", site.base)));
    }
    set.write(out);
    let mut agent = Subject::new(owner, "foaf:Agent");
    agent.is("foaf:name", &literal(&controller.name, Some(register.language())));
    if let Some(code) = &controller.registry_code {
        agent.is("dct:identifier", &literal(code, None));
    }
    agent.write(out);
    for place in &places {
        let address = iri(&format!("{}{place}", site.base));
        let mut distribution = Subject::new(address.clone(), "dcat:Distribution");
        distribution.is("dcat:accessURL", &address);
        distribution.is("dct:format", &authority("file-type", "CSV"));
        distribution.is("dcat:mediaType", &iri("https://www.iana.org/assignments/media-types/text/csv"));
        if let Some(license) = &entry.license {
            distribution.is("dct:license", &iri(license));
        }
        distribution.write(out);
    }
}

/// Whether it is no secret that records of this type are held.
fn is_open(register: View<'_>, record_type: &str) -> bool {
    let mut kinds = register.kept().into_iter().flat_map(|definition| &definition.record_types);
    kinds.any(|kind| kind.name == record_type && !kind.secret)
}

fn language_code(language: Language) -> &'static str {
    match language {
        Language::Et => "EST",
        Language::En => "ENG",
        Language::Fi => "FIN",
        Language::Sv => "SWE",
    }
}

fn authority(table: &str, code: &str) -> String {
    iri(&format!("{AUTHORITY}/{table}/{code}"))
}

/// A subject with what is said of it.
struct Subject {
    text: String,
}

impl Subject {
    fn new(subject: String, kind: &str) -> Self {
        Self { text: format!("\n{subject} a {kind}") }
    }

    fn is(&mut self, predicate: &str, object: &str) {
        // Writing into a string does not fail.
        let _ = write!(self.text, " ;\n  {predicate} {object}");
    }

    fn texts(&mut self, predicate: &str, label: &Label) {
        for language in Language::ALL {
            if let Some(text) = label.text(language) {
                self.is(predicate, &literal(text, Some(language)));
            }
        }
    }

    fn write(self, out: &mut String) {
        out.push_str(&self.text);
        out.push_str(" .\n");
    }
}

/// An address as Turtle writes it (`IRIREF`): what may not stand in it is written in per cent (RFC 3987).
fn iri(address: &str) -> String {
    let mut out = String::from("<");
    for c in address.chars() {
        if c <= ' ' || c == '\u{7f}' || "<>\"{}|^`\\".contains(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        } else {
            out.push(c);
        }
    }
    out.push('>');
    out
}

/// A name as one segment of an address (RFC 3986).
fn segment(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A text as Turtle writes it (`STRING_LITERAL_QUOTE`), with its language.
fn literal(text: &str, language: Option<Language>) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    if let Some(language) = language {
        out.push('@');
        out.push_str(language.code());
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_turtle_would_read_otherwise_is_escaped() {
        assert_eq!(literal("a \"b\" \\ c\nd", Some(Language::Sv)), r#""a \"b\" \\ c\nd"@sv"#);
        assert_eq!(iri("https://x.example/a b>c"), "<https://x.example/a%20b%3Ec>");
        assert_eq!(segment("õ/x"), "%C3%B5%2Fx");
    }

    proptest! {
        #[test]
        fn no_text_ends_its_literal_or_its_line(text in "\\PC{0,60}|[\"\\\\\n\r\t\u{1}a]{0,30}") {
            let written = literal(&text, None);
            let inside = &written[1..written.len() - 1];
            let mut escaped = false;
            for c in inside.chars() {
                prop_assert!(!c.is_control());
                prop_assert!(c != '"' || escaped);
                escaped = c == '\\' && !escaped;
            }
            prop_assert!(!escaped);
        }
    }
}
