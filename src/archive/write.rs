//! Writes a package, from the first record to the rename that makes it whole.
//!
//! Everything is written below `<name>.part`, file by file and synced; only then is the folder renamed. Whoever dies on the
//! way leaves the `.part`, which the next writing takes away. In memory are one page of records, one stored file, and about
//! 150 bytes for each file of the package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::SecondsFormat;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::package::{PackageHead, PackagedFile, PackagedProof, PackagedRecord, Source};
use super::xml::{self, Group, Heads};
use super::{ArchiveError, Counts, Package, bag, describe};
use crate::domain::audit::canonical::canonical_value;
use crate::domain::audit::checkpoint::{Checkpoint, NoteVerifier};
use crate::domain::audit::tree::{Frontier, leaf_hash, verify_inclusion};
use crate::domain::audit::{Hash, Leaf, leaf};
use crate::domain::hex;
use crate::domain::record::entry::content_digest;
use crate::domain::record::schema::json_schema;

const DATA: &str = "representations/rep1/data";

/// A file of the SIP.
pub(super) struct Listed {
    /// Below the SIP's folder.
    pub path: String,
    pub sha256: [u8; 32],
    pub size: u64,
    pub media: &'static str,
}

/// The name that the package of a head gets: that of its folder, and of its file in a store.
#[must_use]
pub fn name_of(head: &PackageHead) -> String {
    let register = head.definitions.last().map_or("", |newest| newest.definition.register.short_name.as_str());
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    format!("{register}-{}-{}", head.number, head.id.simple()).chars().map(plain).collect()
}

/// Writes the package of a source into the folder `into`, and returns when it lies there whole.
///
/// # Errors
/// [`ArchiveError`]. After [`ArchiveError::Exists`] the package that stands there is as it was; after any other error
/// there is none.
pub fn write(source: &mut dyn Source, into: &Path) -> Result<Package, ArchiveError> {
    let name = name_of(source.head());
    let (whole, part) = (into.join(&name), into.join(format!("{name}.part")));
    if whole.exists() {
        return Err(ArchiveError::Exists { path: whole });
    }
    clear(&part)?;
    let written = fill(source, &part).and_then(|package| {
        fs::rename(&part, &whole).map_err(ArchiveError::at(&whole))?;
        sync_folder(into)?;
        Ok(Package { name, folder: whole, ..package })
    });
    if written.is_err() {
        // The disk may be full: what is of no use goes. The error that is told is the first one.
        let _ = clear(&part);
    }
    written
}

/// Takes away what an earlier writing has left.
fn clear(part: &Path) -> Result<(), ArchiveError> {
    match fs::remove_dir_all(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ArchiveError::at(part)(error)),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> Result<(), ArchiveError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(ArchiveError::at(path))
}

/// A file that is being written: its digest and size come of themselves.
struct Out {
    file: BufWriter<File>,
    hasher: Sha256,
    size: u64,
}

impl Out {
    fn create(path: &Path) -> Result<Self, ArchiveError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(ArchiveError::at(folder))?;
        }
        let file = File::create_new(path).map_err(ArchiveError::at(path))?;
        Ok(Self { file: BufWriter::new(file), hasher: Sha256::new(), size: 0 })
    }

    fn finish(mut self) -> io::Result<([u8; 32], u64)> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok((self.hasher.finalize().into(), self.size))
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..n).unwrap_or_default());
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The SIP's folder and what stands in it so far.
struct Sip {
    root: PathBuf,
    files: Vec<Listed>,
}

impl Sip {
    /// Writes a file in one go.
    fn put(
        &mut self,
        path: &str,
        media: &'static str,
        content: impl FnOnce(&mut Out) -> io::Result<()>,
    ) -> Result<(), ArchiveError> {
        let at = self.root.join(path);
        let mut out = Out::create(&at)?;
        content(&mut out).map_err(ArchiveError::at(&at))?;
        self.close(out, path.to_owned(), media)
    }

    fn open(&self, path: &str) -> Result<Out, ArchiveError> {
        Out::create(&self.root.join(path))
    }

    fn close(&mut self, out: Out, path: String, media: &'static str) -> Result<(), ArchiveError> {
        let (sha256, size) = out.finish().map_err(ArchiveError::at(&self.root.join(&path)))?;
        self.files.push(Listed { path, sha256, size, media });
        Ok(())
    }

    fn below(&self, folder: &str) -> Vec<&Listed> {
        self.files.iter().filter(|file| file.path.starts_with(folder)).collect()
    }

    fn one(&self, path: &str) -> Result<&Listed, ArchiveError> {
        self.files.iter().find(|file| file.path == path).ok_or_else(|| ArchiveError::Unsound(format!("no {path}")))
    }
}

/// The three files of a record type.
struct OfType {
    columns: Vec<String>,
    records: csv::Writer<Out>,
    entries: csv::Writer<Out>,
    whole: Out,
    last: Uuid,
    counts: Counts,
}

/// What is counted over all types.
#[derive(Default)]
struct Seen {
    stored: BTreeSet<[u8; 32]>,
    proofs: u64,
}

fn fill(source: &mut dyn Source, part: &Path) -> Result<Package, ArchiveError> {
    let head = source.head().clone();
    let newest = head.definitions.last().ok_or_else(|| unsound("no definition"))?.definition.clone();
    let object = format!("uuid-{}", head.id);
    let made_at = head.made_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let checkpoint = NoteVerifier::parse(head.vkey.trim())
        .and_then(|key| key.verify(&head.checkpoint))
        .map_err(|why| ArchiveError::Unsound(format!("the checkpoint is not to be believed: {why}")))?;
    let root = part.join("data").join(&object);
    fs::create_dir_all(&root).map_err(ArchiveError::at(&root))?;
    let mut sip = Sip { root, files: Vec::new() };

    let mut types: BTreeMap<String, OfType> = BTreeMap::new();
    let mut seen = Seen::default();
    let proofs_path = format!("{DATA}/log/proofs.ndjson");
    let mut proofs = sip.open(&proofs_path)?;
    loop {
        let page = source.records()?;
        if page.is_empty() {
            break;
        }
        for record in &page {
            if !types.contains_key(&record.record_type) {
                types.insert(record.record_type.clone(), open_type(&sip, &head, &record.record_type)?);
            }
            let Some(of_type) = types.get_mut(&record.record_type) else { continue };
            if of_type.counts.records > 0 && of_type.last >= record.record_id {
                return Err(unsound("records are handed over twice, or not in the order of their ids"));
            }
            of_type.last = record.record_id;
            for file in record.files.iter().chain(record.documents.iter().filter_map(|d| d.file.as_ref())) {
                store(source, &mut sip, &mut seen, file)?;
            }
            for proof in &record.proofs {
                verify(proof, record, &checkpoint)?;
                let line = proof_line(proof, record.record_id);
                writeln!(proofs, "{line}").map_err(ArchiveError::at(&sip.root.join(&proofs_path)))?;
            }
            seen.proofs += record.proofs.len() as u64;
            of_type.push(record).map_err(ArchiveError::at(&sip.root.join(DATA)))?;
        }
    }
    if types.is_empty() {
        return Err(unsound("there is no record in it"));
    }
    sip.close(proofs, proofs_path, "text/plain")?;
    whole_log(source, &mut sip, &checkpoint)?;
    let mut counts = BTreeMap::new();
    for (name, of_type) in types {
        counts.insert(name.clone(), of_type.counts);
        of_type.close(&mut sip, &name)?;
    }
    sip.put(&format!("{DATA}/log/checkpoint.txt"), "text/plain", |out| out.write_all(head.checkpoint.as_bytes()))?;
    sip.put(&format!("{DATA}/log/vkey.txt"), "text/plain", |out| writeln!(out, "{}", head.vkey.trim()))?;

    document(&mut sip, &head, &counts, &seen, &made_at)?;
    let register = &newest.register;
    let act = describe::act_line(&register.act);
    let heads = Heads {
        object: &object,
        made_at: &made_at,
        controller: (&register.controller.name, register.controller.registry_code.as_deref()),
        archive: (&head.recipient.name, head.recipient.code.as_deref()),
        agreement: head.submission_agreement.as_deref(),
        number: &head.number,
        register: (register.name.official(), &register.short_name),
        act: &act,
        basis: &head.basis,
    };
    metadata(&mut sip, &heads, &counts.keys().cloned().collect::<Vec<_>>())?;
    let (manifest_sha256, files, bytes) = wrap(part, &object, &heads, sip)?;
    Ok(Package {
        name: String::new(),
        folder: PathBuf::new(),
        manifest_sha256,
        files,
        bytes,
        counts,
        documents: seen.stored.len() as u64,
        proofs: seen.proofs,
    })
}

fn unsound(what: &str) -> ArchiveError {
    ArchiveError::Unsound(what.to_owned())
}

/// Checks that the log holds what is said to be in it: the leaf at its place, the event behind the leaf, and the entry as it
/// was entered. What does not hold must not be erased on the strength of this package.
fn verify(proof: &PackagedProof, record: &PackagedRecord, checkpoint: &Checkpoint) -> Result<(), ArchiveError> {
    let wrong = |what: &str| ArchiveError::Unsound(format!("record {}, event {}: {what}", record.record_id, proof.seq));
    let leaf = Leaf::parse(&proof.leaf).map_err(|_| wrong("no leaf of the log"))?;
    let path = proof.path.iter().map(|step| unhex(step)).collect::<Option<Vec<Hash>>>();
    let path = path.ok_or_else(|| wrong("the path is not of SHA-256 digests"))?;
    verify_inclusion(&leaf.hash(), proof.seq, checkpoint.size, &path, &checkpoint.root)
        .map_err(|_| wrong("the path does not lead to the checkpoint"))?;
    if leaf.seq != proof.seq {
        return Err(wrong("the leaf has another place"));
    }
    let (salt, event) = match (&proof.salt, &proof.event) {
        (Some(salt), Some(event)) => (salt, event),
        (None, None) => return Ok(()),
        _ => return Err(wrong("salt and event go together")),
    };
    let salt: Option<[u8; 32]> = STANDARD.decode(salt).ok().and_then(|bytes| bytes.try_into().ok());
    let opened = salt.zip(canonical_value(event).ok()).map(|(salt, text)| leaf::commit(&salt, &text));
    if opened != Some(leaf.commitment) {
        return Err(wrong("the event is not the one that the log committed to"));
    }
    let committed = event.pointer("/detail/content_sha256").and_then(Value::as_str);
    let id = event.get("entry_id").and_then(Value::as_str);
    let entry = record.entries.iter().find(|entry| id == Some(entry.id.to_string().as_str()));
    match (entry, committed) {
        (Some(entry), Some(digest)) if content_digest(&entry.data.to_string(), entry.reason.as_deref()) != digest => {
            Err(wrong("the entry is not the one that the log committed to"))
        }
        _ => Ok(()),
    }
}

fn proof_line(proof: &PackagedProof, record: Uuid) -> Value {
    json!({
        "seq": proof.seq,
        "record_id": record,
        "leaf": proof.leaf,
        "salt": proof.salt,
        "event": proof.event,
        "path": proof.path,
    })
}

/// Writes the whole log, if the source hands it over, and checks that it is that of the checkpoint.
fn whole_log(source: &mut dyn Source, sip: &mut Sip, checkpoint: &Checkpoint) -> Result<(), ArchiveError> {
    #[derive(serde::Deserialize)]
    struct Line {
        leaf: String,
    }
    let mut page = source.log()?;
    if page.is_empty() {
        return Ok(());
    }
    let path = format!("{DATA}/log/export.ndjson");
    let at = sip.root.join(&path);
    let mut out = sip.open(&path)?;
    let mut tree = Frontier::default();
    while !page.is_empty() {
        for text in &page {
            let line: Option<Line> = serde_json::from_str(text).ok().filter(|_| !text.contains('\n'));
            let line = line.ok_or_else(|| unsound("what is handed over as the log is no line of its export"))?;
            tree.push(leaf_hash(line.leaf.as_bytes()), |_, _| {});
            writeln!(out, "{text}").map_err(ArchiveError::at(&at))?;
        }
        page = source.log()?;
    }
    if tree.size() != checkpoint.size || tree.root() != checkpoint.root {
        return Err(unsound("the log that is handed over is not that of the checkpoint"));
    }
    sip.close(out, path, "text/plain")?;
    let notes = source.checkpoints()?;
    sip.put(&format!("{DATA}/log/checkpoints.ndjson"), "text/plain", |out| {
        notes.iter().try_for_each(|note| writeln!(out, "{note}"))
    })
}

/// The 32 bytes of a digest in lower-case hexadecimal.
pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (n, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(out)
}

/// Where a stored file lies below the SIP: by its digest and type alone, so that a file that many refer to is there once.
fn stored_path(file: &PackagedFile) -> (String, &'static str) {
    let (media, extension) = match file.media_type.as_str() {
        "application/pdf" => ("application/pdf", "pdf"),
        "image/jpeg" => ("image/jpeg", "jpg"),
        "image/png" => ("image/png", "png"),
        "image/tiff" => ("image/tiff", "tif"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => {
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx")
        }
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => {
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx")
        }
        "application/vnd.oasis.opendocument.text" => ("application/vnd.oasis.opendocument.text", "odt"),
        "application/vnd.oasis.opendocument.spreadsheet" => ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
        "application/zip" if file.file_name.to_lowercase().ends_with(".asice") => {
            ("application/vnd.etsi.asic-e+zip", "asice")
        }
        "application/zip" => ("application/zip", "zip"),
        "text/csv" => ("text/csv", "csv"),
        "text/plain" => ("text/plain", "txt"),
        "application/xml" | "text/xml" => ("application/xml", "xml"),
        "application/json" => ("application/json", "json"),
        _ => ("application/octet-stream", "bin"),
    };
    let folder = file.sha256.get(..2).unwrap_or("00");
    (format!("{DATA}/documents/{folder}/{}.{extension}", file.sha256), media)
}

/// Puts a stored file into the package, unless it is there already.
fn store(source: &mut dyn Source, sip: &mut Sip, seen: &mut Seen, file: &PackagedFile) -> Result<(), ArchiveError> {
    let digest = unhex(&file.sha256).ok_or_else(|| unsound("a file has no SHA-256"))?;
    if !seen.stored.insert(digest) {
        return Ok(());
    }
    let bytes = source.file(&file.sha256)?;
    let bytes = bytes.ok_or_else(|| ArchiveError::Unsound(format!("the stored file {} is missing", file.sha256)))?;
    if <[u8; 32]>::from(Sha256::digest(&bytes)) != digest {
        return Err(ArchiveError::Unsound(format!("the stored file {} was altered", file.sha256)));
    }
    let (path, media) = stored_path(file);
    sip.put(&path, media, |out| out.write_all(&bytes))
}

fn open_type(sip: &Sip, head: &PackageHead, name: &str) -> Result<OfType, ArchiveError> {
    let columns = describe::fields(head, name);
    if columns.is_empty() {
        return Err(ArchiveError::Unsound(format!("no definition knows the record type {name}")));
    }
    // A name of a definition is snake_case; what is not, must not become a path.
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(unsound("the name of a record type is no file name"));
    }
    let columns: Vec<String> = columns.into_iter().map(|(field, _)| field.name.clone()).collect();
    let table = |path: String, heads: &[&str]| -> Result<csv::Writer<Out>, ArchiveError> {
        let mut writer = csv::WriterBuilder::new()
            .quote_style(csv::QuoteStyle::Always)
            .terminator(csv::Terminator::CRLF)
            .from_writer(sip.open(&path)?);
        writer.write_record(heads).map_err(|e| ArchiveError::at(&sip.root.join(&path))(e.into()))?;
        Ok(writer)
    };
    let mut heads = describe::RECORD_COLUMNS.to_vec();
    heads.extend(columns.iter().map(String::as_str));
    heads.push(describe::OTHER);
    Ok(OfType {
        records: table(format!("{DATA}/{name}.csv"), &heads)?,
        entries: table(format!("{DATA}/{name}.entries.csv"), &describe::ENTRY_COLUMNS)?,
        whole: sip.open(&format!("{DATA}/{name}.ndjson"))?,
        columns,
        last: Uuid::nil(),
        counts: Counts::default(),
    })
}

impl OfType {
    fn push(&mut self, record: &PackagedRecord) -> io::Result<()> {
        let mut value = serde_json::to_value(record)?;
        with_paths(&mut value, record);
        writeln!(self.whole, "{value}")?;

        let text = |id: &Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        self.records.write_field(record.record_id.to_string())?;
        self.records.write_field(text(&record.institution_id))?;
        self.records.write_field(record.institution_name.as_deref().unwrap_or_default())?;
        for column in &self.columns {
            self.records.write_field(cell(record.state.get(column)))?;
        }
        let other: serde_json::Map<String, Value> = record
            .state
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !self.columns.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self.records.write_field(if other.is_empty() { String::new() } else { Value::Object(other).to_string() })?;
        self.records.write_record(None::<&[u8]>)?;

        for entry in &record.entries {
            let documents: Vec<String> = entry.base_documents.iter().map(Uuid::to_string).collect();
            self.entries.write_record([
                record.record_id.to_string().as_str(),
                &entry.id.to_string(),
                &entry.number.to_string(),
                &entry.kind,
                &entry.effective_on.to_string(),
                &entry.recorded_at,
                &entry.actor,
                entry.reason.as_deref().unwrap_or_default(),
                &text(&entry.supersedes),
                &entry.definition_digest,
                &documents.join(" "),
                &entry.data.to_string(),
            ])?;
        }
        self.counts.records += 1;
        self.counts.entries += record.entries.len() as u64;
        Ok(())
    }

    fn close(self, sip: &mut Sip, name: &str) -> Result<(), ArchiveError> {
        for (table, path) in
            [(self.records, format!("{DATA}/{name}.csv")), (self.entries, format!("{DATA}/{name}.entries.csv"))]
        {
            let out = table.into_inner().map_err(|e| ArchiveError::at(&sip.root.join(&path))(e.into_error()))?;
            sip.close(out, path, "text/csv")?;
        }
        sip.close(self.whole, format!("{DATA}/{name}.ndjson"), "text/plain")
    }
}

/// Adds to each file of the record where it lies in the package.
fn with_paths(value: &mut Value, record: &PackagedRecord) {
    let place = |file: &PackagedFile| json!(stored_path(file).0.trim_start_matches(DATA).trim_start_matches('/'));
    for (n, file) in record.files.iter().enumerate() {
        value["files"][n]["path"] = place(file);
    }
    for (n, document) in record.documents.iter().enumerate() {
        if let Some(file) = &document.file {
            value["documents"][n]["file"]["path"] = place(file);
        }
    }
}

/// A value in a cell: a text as it is, everything else as JSON, nothing as nothing.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Schemas, definitions, the description of the data, the overview.
fn document(
    sip: &mut Sip,
    head: &PackageHead,
    counts: &BTreeMap<String, Counts>,
    seen: &Seen,
    made_at: &str,
) -> Result<(), ArchiveError> {
    for name in counts.keys() {
        // The newest version that knows the type describes it.
        let knows = head.definitions.iter().rev().find_map(|version| {
            Some((&version.definition, version.definition.record_types.iter().find(|t| t.name == *name)?))
        });
        let Some((definition, record_type)) = knows else { continue };
        let day = head.made_at.with_timezone(&definition.register.time_zone).date_naive();
        let schema = json_schema(definition, record_type, day, "et");
        sip.put(&format!("schemas/{name}.schema.json"), "application/json", |out| write!(out, "{schema:#}"))?;
    }
    for version in &head.definitions {
        let short = version.definition.digest.get(..12).unwrap_or(&version.definition.digest);
        let path = format!("documentation/definition-{}-{short}.json", version.in_force_from);
        let told = json!({
            "in_force_from": version.in_force_from,
            "digest": version.definition.digest,
            "definition": &*version.definition,
        });
        sip.put(&path, "application/json", |out| write!(out, "{told:#}"))?;
    }
    let package = describe::datapackage(head, counts, &sip.below(DATA), seen.stored.len(), seen.proofs, made_at);
    sip.put("documentation/datapackage.json", "application/json", |out| write!(out, "{package:#}"))?;
    let overview = describe::Overview::new(head, counts, seen.stored.len(), seen.proofs, made_at);
    sip.put("documentation/overview.txt", "text/plain", |out| out.write_all(overview.text().as_bytes()))?;
    sip.put("documentation/overview.html", "text/html", |out| out.write_all(overview.html().as_bytes()))
}

/// PREMIS, Dublin Core and both METS, in the order in which they take each other's digests.
fn metadata(sip: &mut Sip, heads: &Heads<'_>, types: &[String]) -> Result<(), ArchiveError> {
    const DC: &str = "metadata/descriptive/dc.xml";
    const PREMIS: &str = "metadata/preservation/premis.xml";
    const REP: &str = "representations/rep1/METS.xml";
    sip.files.sort_by(|a, b| a.path.cmp(&b.path));
    let files = std::mem::take(&mut sip.files);
    let data: Vec<&Listed> = files.iter().filter(|file| file.path.starts_with(DATA)).collect();
    sip.put(DC, "application/xml", |out| xml::dublin_core(out, heads, types))?;
    sip.put(PREMIS, "application/xml", |out| xml::premis(out, heads, &data))?;
    sip.put(REP, "application/xml", |out| {
        xml::representation_mets(out, heads, &Group { id: "fg-rep1-data", usage: "Data", files: &data })
    })?;
    sip.files.extend(files);
    let root = sip.root.join("METS.xml");
    let mut out = Out::create(&root)?;
    xml::root_mets(
        &mut out,
        heads,
        sip.one(DC)?,
        sip.one(PREMIS)?,
        &[
            Group { id: "fg-doc", usage: "Documentation", files: &sip.below("documentation/") },
            Group { id: "fg-sch", usage: "Schemas", files: &sip.below("schemas/") },
            Group { id: "fg-rep1", usage: "Representations/rep1", files: &[sip.one(REP)?] },
        ],
    )
    .map_err(ArchiveError::at(&root))?;
    sip.close(out, "METS.xml".to_owned(), "application/xml")
}

/// Makes the folder a bag. Gives the manifest's digest, and the number of files and bytes of the payload.
fn wrap(part: &Path, object: &str, heads: &Heads<'_>, mut sip: Sip) -> Result<(String, u64, u64), ArchiveError> {
    sip.files.sort_by(|a, b| a.path.cmp(&b.path));
    let (files, bytes) = (sip.files.len() as u64, sip.files.iter().map(|file| file.size).sum::<u64>());
    let tag = |name: &str, content: &dyn Fn(&mut Out) -> io::Result<()>| {
        let path = part.join(name);
        let mut out = Out::create(&path)?;
        content(&mut out).and_then(|()| out.finish()).map(|(digest, _)| hex(&digest)).map_err(ArchiveError::at(&path))
    };
    let manifest = tag(bag::MANIFEST, &|out| {
        sip.files.iter().try_for_each(|file| {
            out.write_all(bag::line(&hex(&file.sha256), &format!("data/{object}/{}", file.path)).as_bytes())
        })
    })?;
    let one_line = |text: &str| text.replace(['\r', '\n'], " ");
    let info = tag(bag::INFO, &|out| {
        writeln!(out, "Bag-Software-Agent: {} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "Bagging-Date: {}", heads.made_at.get(..10).unwrap_or(heads.made_at))?;
        writeln!(out, "External-Identifier: {object}")?;
        writeln!(out, "Payload-Oxum: {bytes}.{files}")?;
        writeln!(out, "Source-Organization: {}", one_line(heads.controller.0))
    })?;
    let declaration = tag("bagit.txt", &|out| out.write_all(bag::DECLARATION.as_bytes()))?;
    tag(bag::TAG_MANIFEST, &|out| {
        for (name, digest) in bag::TAGS.iter().zip([&info, &declaration, &manifest]) {
            out.write_all(bag::line(digest, name).as_bytes())?;
        }
        Ok(())
    })?;
    // The names of the files must survive a power cut like their content.
    let mut folders: BTreeSet<PathBuf> = BTreeSet::from([part.to_owned(), part.join("data"), sip.root.clone()]);
    for file in &sip.files {
        let mut folder = sip.root.join(&file.path);
        while folder.pop() && folder != sip.root {
            folders.insert(folder.clone());
        }
    }
    folders.iter().try_for_each(|folder| sync_folder(folder))?;
    Ok((manifest, files, bytes))
}
