//! BagIt (RFC 8493): the few texts that make a folder a bag, and how they are read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path};

use sha2::{Digest, Sha256};

/// `bagit.txt`, exactly.
pub(super) const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
pub(super) const MANIFEST: &str = "manifest-sha256.txt";
pub(super) const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
pub(super) const INFO: &str = "bag-info.txt";
/// The tag files that the tag manifest lists.
pub(super) const TAGS: [&str; 3] = [INFO, "bagit.txt", MANIFEST];

/// A line of a manifest.
pub(super) fn line(digest: &str, path: &str) -> String {
    let path = path.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!("{digest}  {path}\n")
}

/// The digests of a manifest by path.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn read(manifest: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for (n, line) in manifest.lines().enumerate() {
        let wrong = |what: &str| format!("line {} of a manifest {what}", n + 1);
        let (digest, path) = line.split_once("  ").ok_or_else(|| wrong("is not a digest and a path"))?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_digest {
            return Err(wrong("has no SHA-256"));
        }
        let path = path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%");
        if !inside(&path) {
            return Err(wrong("leads out of the package"));
        }
        if found.insert(path, digest.to_owned()).is_some() {
            return Err(wrong("names a file a second time"));
        }
    }
    Ok(found)
}

/// A relative path that stays below.
pub(super) fn inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The SHA-256 of a file and its size, read through a buffer.
pub(super) fn digest(path: &Path) -> io::Result<([u8; 32], u64)> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0; 1 << 16]);
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((hasher.finalize().into(), size));
        }
        hasher.update(buffer.get(..n).unwrap_or_default());
        size += n as u64;
    }
}
