//! The metadata of a package as XML: METS as E-ARK CSIP and SIP 2.1.0 want it, PREMIS 3, Dublin Core.
//!
//! Every rule that the texts below follow is named in the E-ARK specifications; the validator's readings of them are in
//! `docs/archive.md`.

use std::borrow::Cow;
use std::io::{self, Write};

use super::Basis;
use super::write::Listed;
use crate::domain::hex;

/// The name of our own content information type, for want of one in the vocabulary.
const CONTENT: &str = r#"csip:CONTENTINFORMATIONTYPE="OTHER" csip:OTHERCONTENTINFORMATIONTYPE="andmekogu-export""#;
/// Attributes of everything that leads to a file.
const LINK: &str = r#"LOCTYPE="URL" xlink:type="simple""#;

/// What stands at the head of METS, PREMIS and Dublin Core.
pub(super) struct Heads<'a> {
    /// `uuid-…`.
    pub object: &'a str,
    /// RFC 3339.
    pub made_at: &'a str,
    pub controller: (&'a str, Option<&'a str>),
    pub archive: (&'a str, Option<&'a str>),
    pub agreement: Option<&'a str>,
    /// The batch's number.
    pub number: &'a str,
    pub register: (&'a str, &'a str),
    /// The statute in one line.
    pub act: &'a str,
    pub basis: &'a [Basis],
}

/// A file group of METS.
pub(super) struct Group<'a> {
    pub id: &'a str,
    pub usage: &'a str,
    pub files: &'a [&'a Listed],
}

/// Text in an element or an attribute. Characters that XML 1.0 does not know become U+FFFD.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !matches!(c, '<' | '>' | '&' | '"' | '\'') && known(c);
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c if known(c) => out.push(c),
            _ => out.push('\u{FFFD}'),
        }
    }
    Cow::Owned(out)
}

/// XML 1.0, production 2.
const fn known(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn open_mets(out: &mut impl Write, object: &str, heads: &Heads<'_>) -> io::Result<()> {
    let agent = |role: &str, (name, code): (&str, Option<&str>)| {
        let note = code.map_or_else(String::new, |code| {
            format!(r#"<note csip:NOTETYPE="IDENTIFICATIONCODE">{}</note>"#, escape(code))
        });
        format!(r#"  <agent {role} TYPE="ORGANIZATION"><name>{}</name>{note}</agent>"#, escape(name))
    };
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<mets xmlns="http://www.loc.gov/METS/" xmlns:csip="https://DILCIS.eu/XML/METS/CSIPExtensionMETS" xmlns:sip="https://DILCIS.eu/XML/METS/SIPExtensionMETS" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.loc.gov/METS/ http://www.loc.gov/standards/mets/mets.xsd http://www.w3.org/1999/xlink http://www.loc.gov/standards/mets/xlink.xsd https://DILCIS.eu/XML/METS/CSIPExtensionMETS https://earkcsip.dilcis.eu/schema/DILCISExtensionMETS.xsd https://DILCIS.eu/XML/METS/SIPExtensionMETS https://earksip.dilcis.eu/schema/DILCISExtensionSIPMETS.xsd" OBJID="{}" TYPE="Databases" {CONTENT} PROFILE="https://earksip.dilcis.eu/profile/E-ARK-SIP.xml">"#,
        escape(object)
    )?;
    let made = heads.made_at;
    writeln!(
        out,
        r#" <metsHdr CREATEDATE="{made}" LASTMODDATE="{made}" RECORDSTATUS="NEW" csip:OAISPACKAGETYPE="SIP">"#
    )?;
    writeln!(
        out,
        r#"  <agent ROLE="CREATOR" TYPE="OTHER" OTHERTYPE="SOFTWARE"><name>{}</name><note csip:NOTETYPE="SOFTWARE VERSION">{}</note></agent>"#,
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION")
    )?;
    // The submitter is not ROLE=CREATOR: the rules for that role are those for the software.
    writeln!(out, "{}", agent(r#"ROLE="ARCHIVIST""#, heads.controller))?;
    writeln!(out, "{}", agent(r#"ROLE="OTHER" OTHERROLE="SUBMITTER""#, heads.controller))?;
    writeln!(out, "{}", agent(r#"ROLE="PRESERVATION""#, heads.archive))?;
    if let Some(agreement) = heads.agreement {
        writeln!(out, r#"  <altRecordID TYPE="SUBMISSIONAGREEMENT">{}</altRecordID>"#, escape(agreement))?;
    }
    writeln!(out, " </metsHdr>")
}

/// Size, moment and digest of a file, as METS has them everywhere.
fn measures(file: &Listed, made: &str) -> String {
    format!(
        r#"MIMETYPE="{}" SIZE="{}" CREATED="{made}" CHECKSUM="{}" CHECKSUMTYPE="SHA-256""#,
        file.media,
        file.size,
        hex(&file.sha256)
    )
}

fn file_section(out: &mut impl Write, id: &str, groups: &[Group<'_>], base: &str, made: &str) -> io::Result<()> {
    writeln!(out, r#" <fileSec ID="{id}">"#)?;
    for group in groups {
        writeln!(out, r#"  <fileGrp ID="{}" USE="{}" {CONTENT}>"#, group.id, group.usage)?;
        for (n, file) in group.files.iter().enumerate() {
            let path = file.path.strip_prefix(base).unwrap_or(&file.path);
            writeln!(
                out,
                r#"   <file ID="{}-{n}" {}><FLocat {LINK} xlink:href="{}"/></file>"#,
                group.id,
                measures(file, made),
                escape(path)
            )?;
        }
        writeln!(out, "  </fileGrp>")?;
    }
    writeln!(out, " </fileSec>")
}

/// The METS of the package.
pub(super) fn root_mets(
    out: &mut impl Write,
    heads: &Heads<'_>,
    descriptive: &Listed,
    preservation: &Listed,
    groups: &[Group<'_>; 3],
) -> io::Result<()> {
    let made = heads.made_at;
    open_mets(out, heads.object, heads)?;
    writeln!(
        out,
        r#" <dmdSec ID="dmd-1" CREATED="{made}" STATUS="CURRENT"><mdRef {LINK} xlink:href="{}" MDTYPE="DC" {}/></dmdSec>"#,
        descriptive.path,
        measures(descriptive, made)
    )?;
    writeln!(
        out,
        r#" <amdSec><digiprovMD ID="dp-1" STATUS="CURRENT"><mdRef {LINK} xlink:href="{}" MDTYPE="PREMIS" {}/></digiprovMD></amdSec>"#,
        preservation.path,
        measures(preservation, made)
    )?;
    file_section(out, "fs-1", groups, "", made)?;
    let [documentation, schemas, representation] = groups;
    writeln!(
        out,
        r#" <structMap ID="sm-1" TYPE="PHYSICAL" LABEL="CSIP"><div ID="d-1" LABEL="{}">"#,
        escape(heads.object)
    )?;
    writeln!(out, r#"  <div ID="d-md" LABEL="Metadata" DMDID="dmd-1" ADMID="dp-1"/>"#)?;
    for group in [documentation, schemas] {
        writeln!(out, r#"  <div ID="d-{}" LABEL="{}"><fptr FILEID="{}"/></div>"#, group.id, group.usage, group.id)?;
    }
    let (id, usage) = (representation.id, representation.usage);
    writeln!(out, r#"  <div ID="d-reps" LABEL="Representations"><fptr FILEID="{id}"/>"#)?;
    writeln!(
        out,
        r#"   <div ID="d-rep1" LABEL="{usage}"><mptr {LINK} xlink:href="representations/rep1/METS.xml" xlink:title="{id}"/></div></div>"#
    )?;
    writeln!(out, " </div></structMap>\n</mets>")
}

/// The METS of the one representation: every file of data with its digest.
pub(super) fn representation_mets(out: &mut impl Write, heads: &Heads<'_>, data: &Group<'_>) -> io::Result<()> {
    open_mets(out, "rep1", heads)?;
    file_section(out, "fs-rep1", std::slice::from_ref(data), "representations/rep1/", heads.made_at)?;
    writeln!(out, r#" <structMap ID="sm-rep1" TYPE="PHYSICAL" LABEL="CSIP"><div ID="d-rep1" LABEL="rep1">"#)?;
    writeln!(out, r#"  <div ID="d-rep1-md" LABEL="Metadata"/>"#)?;
    writeln!(out, r#"  <div ID="d-rep1-data" LABEL="Data"><fptr FILEID="{}"/></div>"#, data.id)?;
    writeln!(out, " </div></structMap>\n</mets>")
}

/// PREMIS 3: the package, every file of data with its digest and format, what was done, and by what.
pub(super) fn premis(out: &mut impl Write, heads: &Heads<'_>, files: &[&Listed]) -> io::Result<()> {
    let agent = format!("{}-{}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let identifier = |what: &str, value: &str| {
        format!(
            "<premis:{what}Identifier><premis:{what}IdentifierType>local</premis:{what}IdentifierType><premis:{what}IdentifierValue>{}</premis:{what}IdentifierValue></premis:{what}Identifier>",
            escape(value)
        )
    };
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<premis:premis xmlns:premis="http://www.loc.gov/premis/v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="3.0">"#
    )?;
    writeln!(
        out,
        r#" <premis:object xsi:type="premis:intellectualEntity">{}</premis:object>"#,
        identifier("object", heads.object)
    )?;
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        writeln!(out, r#" <premis:object xsi:type="premis:file">{}"#, identifier("object", &file.path))?;
        writeln!(
            out,
            "  <premis:objectCharacteristics><premis:fixity><premis:messageDigestAlgorithm>SHA-256</premis:messageDigestAlgorithm><premis:messageDigest>{}</premis:messageDigest></premis:fixity><premis:size>{}</premis:size><premis:format><premis:formatDesignation><premis:formatName>{}</premis:formatName></premis:formatDesignation>{}</premis:format></premis:objectCharacteristics>",
            hex(&file.sha256),
            file.size,
            escape(file.media),
            pronom(&file.path).map_or_else(String::new, |key| format!(
                "<premis:formatRegistry><premis:formatRegistryName>PRONOM</premis:formatRegistryName><premis:formatRegistryKey>{key}</premis:formatRegistryKey></premis:formatRegistry>"
            ))
        )?;
        writeln!(out, "  <premis:originalName>{}</premis:originalName></premis:object>", escape(name))?;
    }
    let prepared = format!("prepared for transfer to {}, batch {}", heads.archive.0, heads.number);
    let events = [
        ("creation", "records, entries and documents written from the register"),
        ("message digest calculation", "SHA-256 of every file"),
        ("validation", "every proof leads to the signed checkpoint; every stored file has its digest"),
        ("information package creation", prepared.as_str()),
    ];
    for (n, (kind, detail)) in events.iter().enumerate() {
        let id = format!("{}-event-{}", heads.object, n + 1);
        writeln!(
            out,
            " <premis:event>{}<premis:eventType>{kind}</premis:eventType><premis:eventDateTime>{}</premis:eventDateTime><premis:eventDetailInformation><premis:eventDetail>{}</premis:eventDetail></premis:eventDetailInformation><premis:eventOutcomeInformation><premis:eventOutcome>success</premis:eventOutcome></premis:eventOutcomeInformation>{}{}</premis:event>",
            identifier("event", &id),
            heads.made_at,
            escape(detail),
            identifier("linkingAgent", &agent),
            identifier("linkingObject", heads.object),
        )?;
    }
    writeln!(
        out,
        " <premis:agent>{}<premis:agentName>{}</premis:agentName><premis:agentType>software</premis:agentType><premis:agentVersion>{}</premis:agentVersion></premis:agent>",
        identifier("agent", &agent),
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(out, "</premis:premis>")
}

/// The format's key in PRONOM, where the name of the file settles it.
fn pronom(path: &str) -> Option<&'static str> {
    match path.rsplit('.').next()? {
        "csv" => Some("x-fmt/18"),
        "txt" => Some("x-fmt/111"),
        _ => None,
    }
}

/// Simple Dublin Core: what the package is, whose, of when, on which ground.
pub(super) fn dublin_core(out: &mut impl Write, heads: &Heads<'_>, types: &[String]) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">"#
    )?;
    let mut line = |name: &str, text: &str| writeln!(out, " <dc:{name}>{}</dc:{name}>", escape(text));
    let (register, short) = heads.register;
    line("title", &format!("{register} ({short}), {}", heads.number))?;
    line("creator", heads.controller.0)?;
    line("publisher", heads.controller.0)?;
    for kind in types {
        line("subject", kind)?;
    }
    for basis in heads.basis {
        let parts = [Some(&basis.label), Some(&basis.clause), basis.series.as_ref(), basis.appraisal.as_ref()];
        line("description", &parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("; "))?;
    }
    line("date", heads.made_at.get(..10).unwrap_or(heads.made_at))?;
    line("type", "Dataset")?;
    line("identifier", heads.object)?;
    line("language", "et")?;
    line("relation", heads.act)?;
    writeln!(out, "</oai_dc:dc>")
}
