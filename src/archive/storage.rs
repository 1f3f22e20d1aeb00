//! Packages as single files in a folder or an object store.
//!
//! A package is stored as `<name>.tar` beside `<name>.tar.sha256`. The second is put first, and only if nothing of that
//! name is there: it claims the name for exactly these bytes, since the TAR of a folder is always the same. The first
//! follows in parts, is read back from the store and compared; only then it counts as stored. Whoever was killed on the
//! way does the same again. Nothing that was stored is ever removed here, and a name is never given to other bytes.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, RetryConfig, WriteMultipart};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::{ArchiveError, Package};
use crate::domain::hex;

/// Bytes of a part; S3 takes no less than 5 MiB.
const PART: usize = 8 << 20;
/// Parts under way at once.
const AT_ONCE: usize = 2;

/// Where packages are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder.
    Folder(PathBuf),
    /// A bucket that speaks S3.
    S3(S3),
}

/// A bucket that speaks S3, on Amazon's or anybody's servers.
#[derive(Clone, PartialEq, Eq)]
pub struct S3 {
    /// Address of the service where it is not Amazon's own; `http:` only if the address says so.
    pub endpoint: Option<String>,
    /// Region.
    pub region: String,
    /// Bucket.
    pub bucket: String,
    /// What stands before every name, if anything.
    pub prefix: Option<String>,
    /// Id of the access key.
    pub access_key_id: String,
    /// The access key itself.
    pub secret_access_key: String,
    /// How long a request may take, with its repetitions.
    pub patience: Duration,
}

/// Hides the key.
impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A package that was read back from the store as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The file's name in the store.
    pub file: String,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
}

/// Why a package is not stored, or not fetched. Until it is stored nothing of it may be erased.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The place can't be used as it is set up.
    #[error("the store of packages cannot be used: {0}")]
    Settings(String),
    /// The store is full.
    #[error("the store of packages is full: make room in {place} and try again; nothing was erased")]
    Full {
        /// Where.
        place: String,
    },
    /// The store refuses.
    #[error("the store of packages at {place} refuses: {source}; mend it and try again; nothing was erased")]
    Refused {
        /// Where.
        place: String,
        /// What it says.
        source: Box<object_store::Error>,
    },
    /// Under this name stands something else.
    #[error(
        "{file} is stored already, with another content: a package is never replaced; find out which of them is right"
    )]
    Taken {
        /// The file's name in the store.
        file: String,
    },
    /// No such package.
    #[error("{file} is not in the store of packages")]
    Absent {
        /// The file's name in the store.
        file: String,
    },
    /// What comes back is not what was stored.
    #[error("{file} came back from the store altered: it does not count as stored")]
    Altered {
        /// The file's name in the store.
        file: String,
    },
    /// The package itself can't be read or written on this machine's disk.
    #[error(transparent)]
    Package(#[from] ArchiveError),
}

/// A store of packages.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Option<String>,
    told: String,
    /// The folder, where it is one.
    folder: Option<PathBuf>,
}

impl Storage {
    /// Opens a store. A folder that is not there is made; a bucket is not asked yet.
    ///
    /// # Errors
    /// [`StorageError::Settings`].
    pub fn open(place: &Place) -> Result<Self, StorageError> {
        let settings = |why: &dyn fmt::Display| StorageError::Settings(why.to_string());
        match place {
            Place::Folder(folder) => {
                let told = folder.display().to_string();
                fs::create_dir_all(folder).map_err(|why| settings(&format!("{told}: {why}")))?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(|why| settings(&why))?.with_fsync(true);
                Ok(Self { store: Arc::new(store), prefix: None, told, folder: Some(folder.clone()) })
            }
            Place::S3(s3) => {
                // A second call finds the provider there, which is as good.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let retry = RetryConfig { max_retries: 5, retry_timeout: s3.patience, ..RetryConfig::default() };
                let mut builder = AmazonS3Builder::new()
                    .with_region(&s3.region)
                    .with_bucket_name(&s3.bucket)
                    .with_access_key_id(&s3.access_key_id)
                    .with_secret_access_key(&s3.secret_access_key)
                    // The server compares what it got with a digest of ours.
                    .with_checksum_algorithm(Checksum::SHA256)
                    .with_retry(retry);
                if let Some(endpoint) = &s3.endpoint {
                    builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http:"));
                }
                let store = builder.build().map_err(|why| settings(&why))?;
                let told = format!("s3://{}", s3.bucket);
                Ok(Self { store: Arc::new(store), prefix: s3.prefix.clone(), told, folder: None })
            }
        }
    }

    /// Stores a package, and returns when it was read back. What is stored already, as it is, is left there.
    ///
    /// # Errors
    /// [`StorageError`]: the package does not count as stored.
    pub async fn put(&self, package: &Package) -> Result<Stored, StorageError> {
        let file = file_of(&package.name);
        self.clear(&file)?;
        let folder = package.folder.clone();
        let (sha256, _) = blocking(&folder, {
            let folder = folder.clone();
            move || {
                let mut out = Measure::new(io::sink());
                pack(&folder, &mut out)?;
                Ok(out.finish())
            }
        })
        .await?;
        if self.claim(&file, &sha256).await? {
            self.upload(&file, &folder, &sha256).await?;
        } else {
            // Claimed before by somebody who may have been killed.
            match self.verify(&package.name).await {
                Err(StorageError::Absent { .. } | StorageError::Altered { .. }) => {
                    self.upload(&file, &folder, &sha256).await?;
                }
                settled => return settled,
            }
        }
        self.verify(&package.name).await
    }

    /// Takes away what a writing of this file that was killed left in a folder: it bears the file's name, `#` and a
    /// number, and never counted as stored. (A bucket ends such uploads by its own rule.)
    fn clear(&self, file: &str) -> Result<(), StorageError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let at = |why: io::Error| StorageError::from(ArchiveError::at(folder)(why));
        for found in fs::read_dir(folder).map_err(at)? {
            let found = found.map_err(at)?;
            let name = found.file_name().to_string_lossy().into_owned();
            let number = name.strip_prefix(file).map(|rest| rest.strip_prefix(".sha256").unwrap_or(rest));
            let number = number.and_then(|rest| rest.strip_prefix('#')).unwrap_or_default();
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
                fs::remove_file(found.path()).map_err(at)?;
            }
        }
        Ok(())
    }

    /// Reads a package in the store from end to end and compares it with the digest beside it.
    ///
    /// # Errors
    /// [`StorageError::Absent`], [`StorageError::Altered`], or what the store refuses with.
    pub async fn verify(&self, name: &str) -> Result<Stored, StorageError> {
        self.read(name, &mut io::sink()).await?.map_err(|why| self.local(why))
    }

    /// Fetches a package as the file `<name>.tar` in the folder `into`. It stands there only if it is what was stored.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn get(&self, name: &str, into: &Path) -> Result<PathBuf, StorageError> {
        let whole = into.join(file_of(name));
        let part = into.join(format!("{}.part", file_of(name)));
        let mut out = File::create(&part).map_err(ArchiveError::at(&part))?;
        let fetched = match self.read(name, &mut out).await {
            Ok(read) => read.map_err(|why| ArchiveError::at(&part)(why).into()),
            Err(why) => Err(why),
        };
        let placed = fetched.and_then(|_| {
            let placed = out.sync_all().and_then(|()| fs::rename(&part, &whole));
            placed.map_err(|why| ArchiveError::at(&whole)(why).into())
        });
        if placed.is_err() {
            // The error that is told is the first one.
            let _ = fs::remove_file(&part);
        }
        placed.map(|()| whole)
    }

    /// Puts the digest beside the file that is to come. False if it stands there already.
    async fn claim(&self, file: &str, sha256: &str) -> Result<bool, StorageError> {
        let (key, line) = (self.digest_key(file), PutPayload::from(format!("{sha256}  {file}\n")));
        match self.store.put_opts(&key, line, PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                let there = self.told_digest(file).await?;
                if there == sha256 { Ok(false) } else { Err(StorageError::Taken { file: file.to_owned() }) }
            }
            Err(why) => Err(self.refused(why)),
        }
    }

    /// The digest that stands beside a file.
    async fn told_digest(&self, file: &str) -> Result<String, StorageError> {
        let read = async { self.store.get(&self.digest_key(file)).await?.bytes().await };
        let bytes = read.await.map_err(|why| match why {
            object_store::Error::NotFound { .. } => StorageError::Absent { file: file.to_owned() },
            why => self.refused(why),
        })?;
        let text = String::from_utf8_lossy(&bytes);
        let digest = text.strip_suffix(&format!("  {file}\n")).filter(|digest| digest.len() == 64);
        digest.map(str::to_owned).ok_or_else(|| StorageError::Altered { file: format!("{file}.sha256") })
    }

    async fn upload(&self, file: &str, folder: &Path, sha256: &str) -> Result<(), StorageError> {
        let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(AT_ONCE);
        let packing = blocking(folder, {
            let folder = folder.to_owned();
            move || {
                let mut out = Measure::new(Chunks { sender, chunk: Vec::new() });
                pack(&folder, &mut out)?;
                out.flush()?;
                Ok(out.finish())
            }
        });
        let upload = self.store.put_multipart(&self.key(file)).await.map_err(|why| self.refused(why))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let sending = async {
            let sent = loop {
                let Some(chunk) = receiver.recv().await else { break Ok(()) };
                if let Err(why) = upload.wait_for_capacity(AT_ONCE).await {
                    break Err(why);
                }
                upload.put(chunk.into());
            };
            // Whoever packs must not wait for a sender that has given up.
            receiver.close();
            sent
        };
        let (packed, sent) = futures_util::future::join(packing, sending).await;
        let same = sent.map_err(|why| self.refused(why)).and_then(|()| match packed {
            Ok((digest, _)) if digest == sha256 => Ok(()),
            Ok(_) => Err(StorageError::Altered { file: file.to_owned() }),
            Err(why) => Err(why.into()),
        });
        match same {
            Ok(()) => upload.finish().await.map(|_| ()).map_err(|why| self.refused(why)),
            Err(why) => {
                // The parts that are there cost room; the error that is told is the first one.
                let _ = upload.abort().await;
                Err(why)
            }
        }
    }

    /// Reads a file of the store through a writer. The inner error is the writer's.
    async fn read(&self, name: &str, to: &mut impl Write) -> Result<io::Result<Stored>, StorageError> {
        let file = file_of(name);
        let told = self.told_digest(&file).await?;
        let got = self.store.get(&self.key(&file)).await.map_err(|why| match why {
            object_store::Error::NotFound { .. } => StorageError::Absent { file: file.clone() },
            why => self.refused(why),
        })?;
        let mut out = Measure::new(to);
        let mut stream = got.into_stream();
        while let Some(bytes) = stream.next().await {
            if let Err(why) = out.write_all(&bytes.map_err(|why| self.refused(why))?) {
                return Ok(Err(why));
            }
        }
        let (sha256, bytes) = out.finish();
        if sha256 != told {
            return Err(StorageError::Altered { file });
        }
        Ok(Ok(Stored { file, sha256, bytes }))
    }

    fn key(&self, file: &str) -> Key {
        match &self.prefix {
            Some(prefix) => Key::from(prefix.as_str()).join(file),
            None => Key::from(file),
        }
    }

    fn digest_key(&self, file: &str) -> Key {
        self.key(&format!("{file}.sha256"))
    }

    fn refused(&self, source: object_store::Error) -> StorageError {
        let mut cause = source.source();
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::StorageFull) {
                return StorageError::Full { place: self.told.clone() };
            }
            cause = error.source();
        }
        StorageError::Refused { place: self.told.clone(), source: Box::new(source) }
    }

    fn local(&self, why: io::Error) -> StorageError {
        ArchiveError::at(Path::new(&self.told))(why).into()
    }
}

/// The name of a package's file in a store.
#[must_use]
pub fn file_of(name: &str) -> String {
    format!("{name}.tar")
}

/// Unpacks the TAR of a package into the folder `into`, and gives the package's folder. Whether it is whole,
/// [`check`](super::check()) says.
///
/// # Errors
/// [`ArchiveError`].
pub fn unpack(tar: &Path, into: &Path) -> Result<PathBuf, ArchiveError> {
    let mut archive = tar::Archive::new(File::open(tar).map_err(ArchiveError::at(tar))?);
    let mut root = None;
    for entry in archive.entries().map_err(ArchiveError::at(tar))? {
        let mut entry = entry.map_err(ArchiveError::at(tar))?;
        let plain = matches!(entry.header().entry_type(), tar::EntryType::Regular);
        let first = entry.path().ok().and_then(|path| path.iter().next().map(PathBuf::from));
        let one = first.is_some() && (root.is_none() || root == first);
        // A path that leads out of the folder is not unpacked, which the answer tells.
        if !plain || !one || !entry.unpack_in(into).map_err(ArchiveError::at(into))? {
            return Err(ArchiveError::Invalid("the TAR is not that of a package".to_owned()));
        }
        root = first;
    }
    root.map(|name| into.join(name)).ok_or_else(|| ArchiveError::Invalid("the TAR is empty".to_owned()))
}

/// Writes a folder as TAR (ustar): its files in the order of their paths, owned by nobody, of no moment. The same folder
/// gives the same bytes.
fn pack(folder: &Path, out: &mut impl Write) -> io::Result<()> {
    let name = folder.file_name().map(PathBuf::from).ok_or(io::ErrorKind::InvalidInput)?;
    let mut files = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(next) = folders.pop() {
        for item in fs::read_dir(folder.join(&next))? {
            let item = item?;
            let path = next.join(item.file_name());
            if item.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.insert(path);
            }
        }
    }
    let mut tar = tar::Builder::new(out);
    for path in files {
        let file = File::open(folder.join(&path))?;
        let mut header = tar::Header::new_ustar();
        header.set_size(file.metadata()?.len());
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, name.join(&path), file)?;
    }
    tar.finish()
}

/// Digest and size of what is written.
struct Measure<W> {
    to: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> Measure<W> {
    fn new(to: W) -> Self {
        Self { to, hasher: Sha256::new(), size: 0 }
    }

    fn finish(self) -> (String, u64) {
        (hex(&self.hasher.finalize()), self.size)
    }
}

impl<W: Write> Write for Measure<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hasher.update(bytes.get(..n).unwrap_or_default());
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Sends what is written in large pieces.
struct Chunks {
    sender: mpsc::Sender<Vec<u8>>,
    chunk: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= PART {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(std::mem::take(&mut self.chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Reads the disk on a thread that may wait.
async fn blocking<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ArchiveError> {
    match spawn_blocking(work).await {
        Ok(result) => result.map_err(ArchiveError::at(folder)),
        Err(broken) => Err(ArchiveError::at(folder)(io::Error::other(broken))),
    }
}
