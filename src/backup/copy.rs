//! The bytes of a copy.
//!
//! ```text
//! "andmekogu-backup/1\n"
//! payload    age ( zstd ( rows ) )
//! manifest   a C2SP signed note of one line of JSON
//! length     of the manifest: 8 bytes, little-endian
//! "\nAKEND1\n"
//! ```
//!
//! Rows are frames: `T` with a table's name and columns, `R` with a row of it, `E` at the end. A text is its length in bytes
//! (4 bytes) and its bytes, a number 8 bytes; all little-endian.
//!
//! Every byte of the file is fixed, signed, or covered by a digest that is signed, so that any change shows before the
//! first row is decrypted.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Take, Write};
use std::path::Path;
use std::str::FromStr as _;

use age::stream::{StreamReader, StreamWriter};
use age::x25519;
use sha2::{Digest as _, Sha256};

use super::Error;
use super::manifest::{Digest, FORMAT, Manifest, opened};
use crate::domain::audit::checkpoint::NoteVerifier;
use crate::domain::hex;
use crate::store;
use crate::store::backup::{Again, Cell, CellKind, Sink, Source, Table};

/// How the file begins.
pub const HEAD: &[u8] = b"andmekogu-backup/1\n";
/// How it ends.
pub const END: &[u8] = b"\nAKEND1\n";
/// The longest manifest.
const LONGEST_NOTE: u64 = 1_000_000;
/// How hard zstd tries: its own default.
const LEVEL: i32 = 3;
/// The longest name or value of a row: what a table of either database can hold.
const LONGEST_VALUE: u32 = 1 << 30;
/// Buffers of files.
const BUFFER: usize = 1 << 18;

/// Digests and counts what passes.
pub(super) struct Digesting<T> {
    inner: T,
    sha256: Sha256,
    bytes: u64,
}

impl<T> Digesting<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, sha256: Sha256::new(), bytes: 0 }
    }

    fn seen(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }

    pub(super) fn into_parts(self) -> (T, Digest) {
        (self.inner, Digest { bytes: self.bytes, sha256: hex(&self.sha256.finalize()) })
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.seen(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.seen(bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}

fn unavailable(e: impl std::fmt::Display) -> store::Error {
    store::Error::Unavailable(e.to_string())
}

/// Writes rows as frames.
struct Frames<W> {
    out: W,
    rows: Vec<(String, u64)>,
}

impl<W: Write> Frames<W> {
    fn text(&mut self, bytes: &[u8]) -> Result<(), store::Error> {
        let length = u32::try_from(bytes.len()).ok().filter(|n| *n <= LONGEST_VALUE);
        let length = length.ok_or_else(|| store::Error::Damaged("a value is too long for a copy".into()))?;
        self.out.write_all(&length.to_le_bytes()).and_then(|()| self.out.write_all(bytes)).map_err(unavailable)
    }

    fn byte(&mut self, byte: u8) -> Result<(), store::Error> {
        self.out.write_all(&[byte]).map_err(unavailable)
    }

    fn end(mut self) -> Result<(W, Vec<(String, u64)>), store::Error> {
        self.byte(b'E')?;
        Ok((self.out, self.rows))
    }
}

impl<W: Write> Sink for Frames<W> {
    fn table(&mut self, table: &Table) -> Result<(), store::Error> {
        self.byte(b'T')?;
        self.text(table.name.as_bytes())?;
        let count = u32::try_from(table.columns.len()).map_err(unavailable)?;
        self.out.write_all(&count.to_le_bytes()).map_err(unavailable)?;
        for (name, kind) in &table.columns {
            self.text(name.as_bytes())?;
            self.byte(match kind {
                CellKind::Text => b't',
                CellKind::Int => b'i',
                CellKind::Bytes => b'b',
            })?;
        }
        self.rows.push((table.name.clone(), 0));
        Ok(())
    }

    fn row(&mut self, cells: &[Cell]) -> Result<(), store::Error> {
        self.byte(b'R')?;
        for cell in cells {
            match cell {
                Cell::Null => self.byte(0)?,
                Cell::Text(text) => {
                    self.byte(1)?;
                    self.text(text.as_bytes())?;
                }
                Cell::Int(number) => {
                    self.byte(2)?;
                    self.out.write_all(&number.to_le_bytes()).map_err(unavailable)?;
                }
                Cell::Bytes(bytes) => {
                    self.byte(3)?;
                    self.text(bytes)?;
                }
            }
        }
        if let Some((_, rows)) = self.rows.last_mut() {
            *rows += 1;
        }
        Ok(())
    }
}

type Sealing = zstd::stream::write::Encoder<'static, StreamWriter<Digesting<BufWriter<File>>>>;

/// A copy that is being written.
pub(super) struct Writer {
    frames: Frames<Digesting<BufWriter<Sealing>>>,
}

/// What was written, up to the manifest.
pub(super) struct Payload {
    pub file: BufWriter<File>,
    pub payload: Digest,
    pub content: Digest,
    pub rows: Vec<(String, u64)>,
}

impl Writer {
    /// Begins a copy in `file` for these recipients.
    pub(super) fn new(file: File, recipients: &[x25519::Recipient]) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(BUFFER, file);
        file.write_all(HEAD)?;
        let recipients = recipients.iter().map(|r| r as &dyn age::Recipient);
        let age = age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let age = age.wrap_output(Digesting::new(file))?;
        let zstd = BufWriter::with_capacity(BUFFER, zstd::stream::write::Encoder::new(age, LEVEL)?);
        Ok(Self { frames: Frames { out: Digesting::new(zstd), rows: Vec::new() } })
    }

    /// Where rows go.
    pub(super) fn rows(&mut self) -> &mut dyn Sink {
        &mut self.frames
    }

    /// Ends the payload.
    pub(super) fn end(self) -> Result<Payload, store::Error> {
        let (out, rows) = self.frames.end()?;
        let (zstd, content) = out.into_parts();
        let zstd = zstd.into_inner().map_err(unavailable)?;
        let age = zstd.finish().map_err(unavailable)?;
        let (file, payload) = age.finish().map_err(unavailable)?.into_parts();
        Ok(Payload { file, payload, content, rows })
    }
}

/// Ends the file with its manifest, and returns when it is on the disk.
pub(super) fn seal(mut file: BufWriter<File>, note: &str) -> io::Result<()> {
    file.write_all(note.as_bytes())?;
    file.write_all(&u64::try_from(note.len()).unwrap_or(u64::MAX).to_le_bytes())?;
    file.write_all(END)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// A copy whose manifest is signed and whose size is right. Its bytes have not been looked at yet.
#[derive(Debug)]
pub struct Copy {
    file: File,
    /// Name of the file now.
    pub name: String,
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of the signed manifest, in lower-case hexadecimal: it stands for the copy.
    pub digest: String,
    /// Bytes of the file.
    pub bytes: u64,
}

impl Copy {
    /// Opens the copy at `path`, whose manifest `verifier` must have signed.
    ///
    /// # Errors
    /// A file that is not a whole copy, or not signed by that key.
    pub fn open(path: &Path, verifier: &NoteVerifier) -> Result<Self, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut file = File::open(path).map_err(Error::file(path))?;
        let not_whole = || Error::damaged(&name, "it is not a whole copy");
        let bytes = file.metadata().map_err(Error::file(path))?.len();
        let fixed = u64::try_from(8 + END.len()).unwrap_or(u64::MAX);
        let tail_at = bytes.checked_sub(fixed).ok_or_else(not_whole)?;
        let mut head = vec![0_u8; HEAD.len()];
        let mut length = [0_u8; 8];
        let mut end = vec![0_u8; END.len()];
        let read = file.read_exact(&mut head).and_then(|()| file.seek(SeekFrom::Start(tail_at)));
        let read = read.and_then(|_| file.read_exact(&mut length)).and_then(|()| file.read_exact(&mut end));
        if read.is_err() || head != HEAD || end != END {
            return Err(not_whole());
        }
        let length = u64::from_le_bytes(length);
        if length > LONGEST_NOTE {
            return Err(not_whole());
        }
        let start = tail_at.checked_sub(length).ok_or_else(not_whole)?;
        let mut note = vec![0_u8; usize::try_from(length).unwrap_or(usize::MAX)];
        file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut note)).map_err(Error::file(path))?;
        let digest = hex(&Sha256::digest(&note));
        let note = String::from_utf8(note).map_err(|_| not_whole())?;
        let manifest: Manifest = opened(verifier, &note)
            .map_err(|why| Error::damaged(&name, format!("its manifest cannot be believed: {why}")))?;
        let begun = u64::try_from(HEAD.len()).unwrap_or(u64::MAX);
        if manifest.format != FORMAT || start.checked_sub(begun) != Some(manifest.payload.bytes) {
            return Err(not_whole());
        }
        Ok(Self { file, name, manifest, digest, bytes })
    }

    fn payload(&mut self) -> Result<Take<&mut File>, Error> {
        let begun = u64::try_from(HEAD.len()).unwrap_or(u64::MAX);
        let sought = self.file.seek(SeekFrom::Start(begun));
        sought.map_err(|e| Error::damaged(&self.name, format!("it cannot be read: {e}")))?;
        Ok((&mut self.file).take(self.manifest.payload.bytes))
    }

    /// Reads all of it and compares it with the manifest: whatever was altered since it was signed shows.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn check(&mut self) -> Result<(), Error> {
        let mut reader = Digesting::new(BufReader::with_capacity(BUFFER, self.payload()?));
        let copied = io::copy(&mut reader, &mut io::sink());
        let (_, found) = reader.into_parts();
        copied.map_err(|e| Error::damaged(&self.name, format!("it cannot be read: {e}")))?;
        if found == self.manifest.payload {
            Ok(())
        } else {
            Err(Error::damaged(&self.name, "it was altered since it was made, or the disk is failing"))
        }
    }

    /// How many recipients its encryption names, whoever they are.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn stanzas(&mut self) -> Result<usize, Error> {
        let mut start = Vec::new();
        self.payload()?
            .take(64 * 1024)
            .read_to_end(&mut start)
            .map_err(|e| Error::damaged(&self.name, e.to_string()))?;
        let lines = start.split(|b| *b == b'\n').take_while(|line| !line.starts_with(b"---"));
        Ok(lines.filter(|line| line.starts_with(b"-> X25519 ")).count())
    }

    /// Its rows, decrypted by one of these keys.
    ///
    /// # Errors
    /// [`Error::Refused`] where none of the keys opens it.
    pub fn rows<'c>(&'c mut self, identities: &[x25519::Identity]) -> Result<Rows<'c>, Error> {
        let (name, manifest) = (self.name.clone(), self.manifest.clone());
        let age = age::Decryptor::new_buffered(BufReader::with_capacity(BUFFER, self.payload()?))
            .map_err(|e| Error::damaged(&name, format!("its encryption cannot be read: {e}")))?;
        let age = age.decrypt(identities.iter().map(|i| i as &dyn age::Identity)).map_err(|e| match e {
            age::DecryptError::NoMatchingKeys => Error::Refused(format!(
                "{name}: none of the keys given opens it; it was encrypted to {}",
                manifest.recipients.join(", ")
            )),
            other => Error::damaged(&name, format!("it cannot be decrypted: {other}")),
        })?;
        let zstd = zstd::stream::read::Decoder::new(age).map_err(|e| Error::damaged(&name, e.to_string()))?;
        Ok(Rows {
            input: Digesting::new(BufReader::with_capacity(BUFFER, zstd)),
            manifest,
            table: None,
            counted: Vec::new(),
            next: None,
        })
    }
}

type Opening<'c> = zstd::stream::read::Decoder<'static, BufReader<StreamReader<BufReader<Take<&'c mut File>>>>>;

/// The rows of a copy. Their end is reached only if they are what the manifest says.
pub struct Rows<'c> {
    input: Digesting<BufReader<Opening<'c>>>,
    manifest: Manifest,
    table: Option<Table>,
    counted: Vec<(String, u64)>,
    next: Option<u8>,
}

impl Rows<'_> {
    fn damaged(what: impl Into<String>) -> store::Error {
        store::Error::Damaged(what.into())
    }

    fn exact<const N: usize>(&mut self) -> Result<[u8; N], store::Error> {
        let mut bytes = [0_u8; N];
        self.input.read_exact(&mut bytes).map_err(|e| Self::damaged(format!("the copy breaks off: {e}")))?;
        Ok(bytes)
    }

    fn bytes(&mut self) -> Result<Vec<u8>, store::Error> {
        let length = u32::from_le_bytes(self.exact()?);
        if length > LONGEST_VALUE {
            return Err(Self::damaged("a value of the copy is too long"));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(u64::from(length)).read_to_end(&mut bytes);
        match read {
            Ok(n) if u32::try_from(n) == Ok(length) => Ok(bytes),
            Ok(_) => Err(Self::damaged("the copy breaks off")),
            Err(e) => Err(Self::damaged(format!("the copy breaks off: {e}"))),
        }
    }

    fn text(&mut self) -> Result<String, store::Error> {
        String::from_utf8(self.bytes()?).map_err(|_| Self::damaged("a text of the copy is none"))
    }

    fn frame(&mut self) -> Result<u8, store::Error> {
        match self.next.take() {
            Some(frame) => Ok(frame),
            None => Ok(self.exact::<1>()?[0]),
        }
    }

    /// Nothing may follow, and all of it must be what the manifest says.
    fn end(&mut self) -> Result<(), store::Error> {
        let mut rest = [0_u8; 1];
        let more = self.input.read(&mut rest).map_err(|e| Self::damaged(format!("the copy breaks off: {e}")))?;
        let digest = Digest { bytes: self.input.bytes, sha256: hex(&self.input.sha256.clone().finalize()) };
        if more != 0 || digest != self.manifest.content {
            return Err(Self::damaged("the rows are not what the manifest says"));
        }
        if self.counted.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() != self.manifest.tables {
            return Err(Self::damaged("the tables have not as many rows as the manifest says"));
        }
        Ok(())
    }
}

impl Source for Rows<'_> {
    fn table(&mut self) -> Result<Option<Table>, store::Error> {
        match self.frame()? {
            b'T' => {}
            b'E' => {
                self.end()?;
                return Ok(None);
            }
            _ => return Err(Self::damaged("the rows of the copy are in disorder")),
        }
        let name = self.text()?;
        let count = u32::from_le_bytes(self.exact()?);
        let mut columns = Vec::new();
        for _ in 0..count {
            let column = self.text()?;
            let kind = match self.exact::<1>()? {
                [b't'] => CellKind::Text,
                [b'i'] => CellKind::Int,
                [b'b'] => CellKind::Bytes,
                _ => return Err(Self::damaged("a column of the copy is of no known type")),
            };
            columns.push((column, kind));
        }
        let table = Table { name, columns };
        self.counted.push((table.name.clone(), 0));
        self.table = Some(table.clone());
        Ok(Some(table))
    }

    fn row(&mut self) -> Result<Option<Vec<Cell>>, store::Error> {
        let columns = self.table.as_ref().map_or(0, |table| table.columns.len());
        let frame = self.frame()?;
        if frame != b'R' {
            self.next = Some(frame);
            return Ok(None);
        }
        let mut cells = Vec::with_capacity(columns);
        for _ in 0..columns {
            cells.push(match self.exact::<1>()? {
                [0] => Cell::Null,
                [1] => Cell::Text(self.text()?),
                [2] => Cell::Int(i64::from_le_bytes(self.exact()?)),
                [3] => Cell::Bytes(self.bytes()?),
                _ => return Err(Self::damaged("a value of the copy is of no known type")),
            });
        }
        if let Some((_, rows)) = self.counted.last_mut() {
            *rows += 1;
        }
        Ok(Some(cells))
    }
}

/// Digests the rows of a restored database, to compare them with those of the copy.
pub(super) struct Compared {
    frames: Frames<Digesting<io::Sink>>,
    content: Digest,
}

impl Compared {
    pub(super) fn new(manifest: &Manifest) -> Self {
        let frames = Frames { out: Digesting::new(io::sink()), rows: Vec::new() };
        Self { frames, content: manifest.content.clone() }
    }
}

impl Sink for Compared {
    fn table(&mut self, table: &Table) -> Result<(), store::Error> {
        self.frames.table(table)
    }

    fn row(&mut self, cells: &[Cell]) -> Result<(), store::Error> {
        self.frames.row(cells)
    }
}

impl Again for Compared {
    fn agrees(&mut self) -> Result<(), store::Error> {
        self.frames.byte(b'E')?;
        let found = Digest { bytes: self.frames.out.bytes, sha256: hex(&self.frames.out.sha256.clone().finalize()) };
        if found == self.content {
            Ok(())
        } else {
            Err(store::Error::Damaged("the restored rows are not those of the copy".into()))
        }
    }
}

/// Reads public keys of age.
///
/// # Errors
/// The first that is none.
pub fn recipients(keys: &[String]) -> Result<Vec<x25519::Recipient>, Error> {
    let read = |key: &String| {
        x25519::Recipient::from_str(key).map_err(|e| Error::Refused(format!("`{key}` is no recipient (age1…): {e}")))
    };
    keys.iter().map(read).collect()
}

/// Reads the private keys in a file of age (`age-keygen -o FILE`).
///
/// # Errors
/// A file without such a key. What stands in it is not repeated.
pub fn identities(path: &Path) -> Result<Vec<x25519::Identity>, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let found: Result<Vec<_>, _> = lines.map(x25519::Identity::from_str).collect();
    match found {
        Ok(keys) if !keys.is_empty() => Ok(keys),
        _ => Err(Error::Refused(format!(
            "{}: it is not a file of private keys of age (AGE-SECRET-KEY-1…, as age-keygen makes it)",
            path.display()
        ))),
    }
}
