//! Reads a package as an archive would: is everything there, listed, and as it was written?

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use quick_xml::events::Event;
use serde::Deserialize;

use super::{ArchiveError, Counts, Package, bag};
use crate::domain::hex;

/// Recomputes every digest of the package in a folder: the bag is complete and valid (RFC 8493), both METS name every
/// file with its size and digest, and the records are as many as the description says.
///
/// # Errors
/// [`ArchiveError::Invalid`] with the first thing that is wrong; [`ArchiveError::Io`] for what can't be read.
pub fn check(folder: &Path) -> Result<Package, ArchiveError> {
    let text = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::InvalidData => invalid(format!("{name} is missing or no text")),
            _ => ArchiveError::at(&path)(error),
        })
    };
    if text("bagit.txt")? != bag::DECLARATION {
        return Err(invalid("bagit.txt does not say BagIt 1.0"));
    }
    let tags = bag::read(&text(bag::TAG_MANIFEST)?).map_err(invalid)?;
    if !tags.keys().map(String::as_str).eq(bag::TAGS) {
        return Err(invalid("the tag manifest does not list exactly the tag files"));
    }
    compare(folder, &tags)?;
    let manifest = text(bag::MANIFEST)?;
    let listed = bag::read(&manifest).map_err(invalid)?;
    let there = walk(folder)?;
    let expected: BTreeSet<&str> =
        listed.keys().map(String::as_str).chain(bag::TAGS).chain([bag::TAG_MANIFEST]).collect();
    if let Some(extra) = there.iter().find(|path| !expected.contains(path.as_str())) {
        return Err(invalid(format!("{extra} is in the package, but in no manifest")));
    }
    let bytes = compare(folder, &listed)?;
    let oxum = format!("Payload-Oxum: {bytes}.{}", listed.len());
    if !text(bag::INFO)?.lines().any(|line| line == oxum) {
        return Err(invalid("Payload-Oxum is not that of the payload"));
    }

    let object = object(&listed)?;
    let sip = folder.join("data").join(&object);
    let mut named = mets(&sip, "METS.xml", "", &object)?;
    named.append(&mut mets(&sip, "representations/rep1/METS.xml", "representations/rep1/", "rep1")?);
    for (path, digest) in &listed {
        let below = path.strip_prefix(&format!("data/{object}/")).unwrap_or(path);
        match named.get(below) {
            _ if below == "METS.xml" => {}
            Some((told, size)) if told == digest => {
                let real = fs::metadata(folder.join(path)).map_err(ArchiveError::at(&folder.join(path)))?.len();
                if *size != real {
                    return Err(invalid(format!("METS gives another size for {below}")));
                }
            }
            Some(_) => return Err(invalid(format!("METS gives another digest for {below}"))),
            None => return Err(invalid(format!("METS does not name {below}"))),
        }
    }
    let (counts, documents, proofs) = counted(&sip, &listed)?;
    Ok(Package {
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        folder: folder.to_owned(),
        manifest_sha256: tags.get(bag::MANIFEST).cloned().unwrap_or_default(),
        files: listed.len() as u64,
        bytes,
        counts,
        documents,
        proofs,
    })
}

fn invalid(what: impl Into<String>) -> ArchiveError {
    ArchiveError::Invalid(what.into())
}

/// Compares files with their digests. Gives how many bytes they are.
fn compare(folder: &Path, listed: &BTreeMap<String, String>) -> Result<u64, ArchiveError> {
    let mut bytes = 0;
    for (path, told) in listed {
        let at = folder.join(path);
        let (digest, size) = bag::digest(&at).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => invalid(format!("{path} is missing")),
            _ => ArchiveError::at(&at)(error),
        })?;
        if hex(&digest) != *told {
            return Err(invalid(format!("{path} was altered")));
        }
        bytes += size;
    }
    Ok(bytes)
}

/// Every file below a folder. Anything that is neither file nor folder is refused: a link would lead elsewhere.
fn walk(folder: &Path) -> Result<BTreeSet<String>, ArchiveError> {
    let mut found = BTreeSet::new();
    let mut folders = vec![String::new()];
    while let Some(next) = folders.pop() {
        let at = folder.join(&next);
        for item in fs::read_dir(&at).map_err(ArchiveError::at(&at))? {
            let item = item.map_err(ArchiveError::at(&at))?;
            let name = item.file_name();
            let name = name.to_str().ok_or_else(|| invalid("the name of a file is not UTF-8"))?;
            let path = if next.is_empty() { name.to_owned() } else { format!("{next}/{name}") };
            let kind = item.file_type().map_err(ArchiveError::at(&at))?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.insert(path);
            } else {
                return Err(invalid(format!("{path} is neither a file nor a folder")));
            }
        }
    }
    Ok(found)
}

/// The name of the one SIP in the bag.
fn object(listed: &BTreeMap<String, String>) -> Result<String, ArchiveError> {
    let names: BTreeSet<&str> =
        listed.keys().filter_map(|path| path.strip_prefix("data/")?.split_once('/').map(|(name, _)| name)).collect();
    match (names.first(), names.len()) {
        (Some(name), 1) => Ok((*name).to_owned()),
        _ => Err(invalid("the payload is not one folder")),
    }
}

/// Every file that a METS names with a digest, and its size, by its path below the SIP.
fn mets(sip: &Path, file: &str, base: &str, object: &str) -> Result<BTreeMap<String, (String, u64)>, ArchiveError> {
    let path = sip.join(file);
    let wrong = |what: &str| invalid(format!("{file}: {what}"));
    let mut reader = quick_xml::Reader::from_file(&path).map_err(|_| wrong("is missing or unreadable"))?;
    let mut found = BTreeMap::new();
    let mut waiting: Option<(String, u64)> = None;
    let mut buffer = Vec::new();
    let mut named = false;
    loop {
        let event = reader.read_event_into(&mut buffer).map_err(|_| wrong("is no XML"))?;
        let (Event::Start(tag) | Event::Empty(tag)) = &event else {
            if matches!(event, Event::Eof) {
                break;
            }
            buffer.clear();
            continue;
        };
        let mut attributes = BTreeMap::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| wrong("is no XML"))?;
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            let value = value.map_err(|_| wrong("is no XML"))?;
            attributes.insert(attribute.key.as_ref().to_owned(), value.into_owned());
        }
        let measured = attributes.get("CHECKSUM").cloned().zip(attributes.get("SIZE").and_then(|s| s.parse().ok()));
        let href = attributes.get("xlink:href").map(|href| format!("{base}{href}"));
        match tag.name().as_ref() {
            "mets" => named = attributes.get("OBJID").is_some_and(|id| id == object),
            "file" => waiting = measured,
            "mdRef" => found.extend(href.zip(measured)),
            "FLocat" => found.extend(href.zip(waiting.take())),
            _ => {}
        }
        buffer.clear();
    }
    if !named {
        return Err(wrong("OBJID is not the name of its folder"));
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Described {
    #[serde(rename = "x-counts")]
    counts: Told,
}

#[derive(Deserialize)]
struct Told {
    types: BTreeMap<String, Counts>,
    documents: u64,
    proofs: u64,
}

#[derive(Deserialize)]
struct Line {
    entries: Vec<serde::de::IgnoredAny>,
    proofs: Vec<u64>,
}

/// Counts what is inside, in both forms, and compares it with what the description says.
fn counted(
    sip: &Path,
    listed: &BTreeMap<String, String>,
) -> Result<(BTreeMap<String, Counts>, u64, u64), ArchiveError> {
    let description = sip.join("documentation/datapackage.json");
    let told: Described = File::open(&description).map_err(ArchiveError::at(&description)).and_then(|file| {
        serde_json::from_reader(BufReader::new(file)).map_err(|_| invalid("datapackage.json is no description"))
    })?;
    let told = told.counts;
    let mut proofs = 0;
    for (name, expected) in &told.types {
        let data = sip.join("representations/rep1/data");
        let mut counts = Counts::default();
        let path = data.join(format!("{name}.ndjson"));
        for line in BufReader::new(File::open(&path).map_err(ArchiveError::at(&path))?).lines() {
            let line = line.map_err(ArchiveError::at(&path))?;
            let line: Line = serde_json::from_str(&line).map_err(|_| invalid(format!("{name}.ndjson is no NDJSON")))?;
            counts.records += 1;
            counts.entries += line.entries.len() as u64;
            proofs += line.proofs.len() as u64;
        }
        let rows = |file: String| -> Result<u64, ArchiveError> {
            let mut reader =
                csv::Reader::from_path(data.join(&file)).map_err(|_| invalid(format!("{file} is missing")))?;
            let (mut row, mut n) = (csv::ByteRecord::new(), 0);
            while reader.read_byte_record(&mut row).map_err(|_| invalid(format!("{file} is no table")))? {
                n += 1;
            }
            Ok(n)
        };
        let tables = Counts { records: rows(format!("{name}.csv"))?, entries: rows(format!("{name}.entries.csv"))? };
        if counts != *expected || tables != *expected {
            return Err(invalid(format!("{name}: the records or entries are not as many as the description says")));
        }
    }
    let documents = listed.keys().filter(|path| path.contains("/rep1/data/documents/")).count() as u64;
    if documents != told.documents || proofs != told.proofs {
        return Err(invalid("the documents or proofs are not as many as the description says"));
    }
    Ok((told.types, documents, proofs))
}
