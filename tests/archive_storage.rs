//! A package counts as stored when the store gave back, byte for byte, what was put; and what is stored stays as it is.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use andmekogu::archive::storage::{Place, S3, Storage, StorageError, file_of, unpack};
use andmekogu::archive::{self, Package};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::archive::{SmallDisk, flip, written};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn folder(path: &Path) -> Storage {
    Storage::open(&Place::Folder(path.to_owned())).unwrap()
}

fn goes_there_and_back(storage: &Storage, package: &Package) {
    let stored = run(storage.put(package)).unwrap();
    assert_eq!(stored.file, file_of(&package.name));
    assert_eq!(run(storage.put(package)).unwrap(), stored, "a second time changes nothing");
    assert_eq!(run(storage.verify(&package.name)).unwrap(), stored);
    let back = tempfile::tempdir().unwrap();
    let tar = run(storage.get(&package.name, back.path())).unwrap();
    let bytes = std::fs::read(&tar).unwrap();
    assert_eq!(andmekogu::domain::hex(&Sha256::digest(&bytes)), stored.sha256);
    assert_eq!(bytes.len() as u64, stored.bytes);
    let found = archive::check(&unpack(&tar, back.path()).unwrap()).unwrap();
    assert_eq!((found.name, found.manifest_sha256), (package.name.clone(), package.manifest_sha256.clone()));
    let told = Command::new("python3").arg("tests/reader/read_package.py").arg(&tar).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn a_folder_keeps_a_package_as_one_file_with_its_digest_beside_it() {
    let (_made, package) = written(12);
    let place = tempfile::tempdir().unwrap();
    goes_there_and_back(&folder(&place.path().join("arhiiv")), &package);
    let sums = Command::new("sha256sum")
        .arg("--check")
        .arg(format!("{}.sha256", file_of(&package.name)))
        .current_dir(place.path().join("arhiiv"))
        .output()
        .unwrap();
    assert!(sums.status.success(), "anybody's sha256sum reads it");
}

#[test]
fn what_was_altered_in_the_store_does_not_count_as_stored_and_is_mended_from_the_package() {
    let (_made, package) = written(3);
    let place = tempfile::tempdir().unwrap();
    let storage = folder(place.path());
    run(storage.put(&package)).unwrap();
    flip(&place.path().join(file_of(&package.name)));
    assert!(matches!(run(storage.verify(&package.name)), Err(StorageError::Altered { .. })));
    let into = tempfile::tempdir().unwrap();
    assert!(matches!(run(storage.get(&package.name, into.path())), Err(StorageError::Altered { .. })));
    assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0, "what is altered is not handed out");
    run(storage.put(&package)).unwrap();
    run(storage.verify(&package.name)).unwrap();
}

#[test]
fn whoever_was_killed_between_claim_and_content_does_it_again() {
    let (_made, package) = written(3);
    let place = tempfile::tempdir().unwrap();
    let storage = folder(place.path());
    run(storage.put(&package)).unwrap();
    std::fs::remove_file(place.path().join(file_of(&package.name))).unwrap();
    assert!(matches!(run(storage.verify(&package.name)), Err(StorageError::Absent { .. })));
    run(storage.put(&package)).unwrap();
}

#[test]
fn a_name_is_never_given_to_another_content() {
    let (_made, package) = written(3);
    let (_other, mut other) = written(4);
    assert_eq!(other.name, package.name);
    other.name.clone_from(&package.name);
    let place = tempfile::tempdir().unwrap();
    let storage = folder(place.path());
    let stored = run(storage.put(&package)).unwrap();
    assert!(matches!(run(storage.put(&other)), Err(StorageError::Taken { .. })));
    assert_eq!(run(storage.verify(&package.name)).unwrap(), stored);
}

#[test]
fn a_full_store_and_one_that_may_only_be_read_say_so() {
    let (_made, package) = written(60);
    let Some(disk) = SmallDisk::new(64) else { return };
    let why = run(folder(disk.0.path()).put(&package)).unwrap_err();
    assert!(matches!(why, StorageError::Full { .. }), "{why:?}");
    assert!(why.to_string().contains("nothing was erased"), "{why}");
    let left: u64 = std::fs::read_dir(disk.0.path()).unwrap().map(|f| f.unwrap().metadata().unwrap().len()).sum();
    assert!(left < 200, "only the claim is left, not half a package: {left}");

    let Some(disk) = SmallDisk::new(1024) else { return };
    let mounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.0.path()).status().unwrap();
    assert!(mounted.success());
    let why = run(folder(disk.0.path()).put(&package)).unwrap_err();
    assert!(matches!(why, StorageError::Refused { .. }), "{why:?}");
    assert!(why.to_string().contains("nothing was erased"), "{why}");
}

#[test]
fn a_tar_that_leads_elsewhere_is_not_unpacked() {
    let place = tempfile::tempdir().unwrap();
    let into = tempfile::tempdir().unwrap();
    let path = place.path().join("x.tar");
    for (name, kind) in [("../x", tar::EntryType::Regular), ("x/link", tar::EntryType::Symlink)] {
        let mut header = tar::Header::new_ustar();
        header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(0);
        header.set_mode(0o644);
        header.set_entry_type(kind);
        header.set_cksum();
        let mut tar = tar::Builder::new(std::fs::File::create(&path).unwrap());
        tar.append(&header, std::io::empty()).unwrap();
        tar.into_inner().unwrap();
        assert!(unpack(&path, into.path()).is_err(), "{name}");
        assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0);
    }
}

// --- S3 -----------------------------------------------------------------------------------------------------------

/// What a bucket does with requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As Amazon's does.
    Good,
    /// Nobody may write.
    Refusing,
    /// The last part is kept with a bit turned, after its digest was compared.
    Rotten,
    /// The line breaks off in the middle of a part.
    Breaking,
}

#[derive(Default)]
pub struct Bucket {
    pub objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<u32, Vec<u8>>,
    seen: Vec<String>,
}

/// As much of S3 as a package needs: conditional and multipart puts with SHA-256, reads.
pub fn bucket(mood: Mood) -> (Place, Arc<Mutex<Bucket>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let bucket = Arc::new(Mutex::new(Bucket::default()));
    let shared = Arc::clone(&bucket);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, bucket) = (stream.unwrap(), Arc::clone(&shared));
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut writer = stream;
                while let Some((status, headers, body)) = answer(&mut reader, &bucket, mood) {
                    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
                    if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body)).is_err() {
                        break;
                    }
                }
            });
        }
    });
    let place = Place::S3(S3 {
        endpoint: Some(endpoint),
        region: "eu-north-1".to_owned(),
        bucket: "arhiiv".to_owned(),
        prefix: Some("paketid".to_owned()),
        access_key_id: "AKIATEST".to_owned(),
        secret_access_key: "saladus".to_owned(),
        patience: Duration::from_millis(500),
    });
    (place, bucket)
}

fn answer(reader: &mut impl BufRead, bucket: &Mutex<Bucket>, mood: Mood) -> Option<(&'static str, String, Vec<u8>)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let (method, target) = line.trim_end().rsplit_once(' ')?.0.split_once(' ')?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |n| n.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let mut bucket = bucket.lock().unwrap();
    bucket.seen.push(format!("{method} {target}"));
    let signed = headers.get("authorization").is_some_and(|a| a.starts_with("AWS4-HMAC-SHA256 Credential=AKIATEST/"));
    let error = |code: &str| format!("<Error><Code>{code}</Code></Error>").into_bytes();
    if !signed || (mood == Mood::Refusing && method != "GET") {
        return Some(("403 Forbidden", String::new(), error("AccessDenied")));
    }
    let digest = STANDARD.encode(Sha256::digest(&body));
    let uploads = method == "PUT" && headers.get("x-amz-checksum-sha256") != Some(&digest);
    let key = path.strip_prefix("/arhiiv/")?.to_owned();
    let tag = format!("etag: \"{}\"\r\n", key.len());
    let upload = query.contains("uploadId=");
    if mood == Mood::Breaking && upload && method == "PUT" {
        return None;
    }
    Some(match method {
        "PUT" if uploads => ("400 Bad Request", String::new(), error("BadDigest")),
        "POST" if query.starts_with("uploads") => {
            bucket.parts.clear();
            let told = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
            ("200 OK", String::new(), told.as_bytes().to_vec())
        }
        "PUT" if upload => {
            let number = query.split('&').find_map(|p| p.strip_prefix("partNumber=")).unwrap().parse().unwrap();
            if mood == Mood::Rotten {
                body[100] ^= 1;
            }
            bucket.parts.insert(number, body);
            ("200 OK", format!("{tag}x-amz-checksum-sha256: {digest}\r\n"), Vec::new())
        }
        "POST" if upload => {
            let whole = bucket.parts.values().flatten().copied().collect();
            bucket.objects.insert(key, whole);
            let told = "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>";
            ("200 OK", tag, told.as_bytes().to_vec())
        }
        "DELETE" if upload => ("204 No Content", String::new(), Vec::new()),
        "PUT" if headers.get("if-none-match").is_some_and(|m| m == "*") && bucket.objects.contains_key(&key) => {
            ("412 Precondition Failed", String::new(), error("PreconditionFailed"))
        }
        "PUT" => {
            bucket.objects.insert(key, body);
            ("200 OK", tag, Vec::new())
        }
        "GET" => match bucket.objects.get(&key) {
            Some(bytes) => {
                let modified = "last-modified: Sat, 01 Mar 2031 08:30:00 GMT\r\n";
                ("200 OK", format!("{tag}{modified}"), bytes.clone())
            }
            None => ("404 Not Found", String::new(), error("NoSuchKey")),
        },
        _ => ("400 Bad Request", String::new(), error("InvalidRequest")),
    })
}

#[test]
fn a_bucket_takes_a_package_in_parts_that_it_compares_itself_and_gives_it_back() {
    let (place, bucket) = bucket(Mood::Good);
    let (_made, package) = written(12);
    goes_there_and_back(&Storage::open(&place).unwrap(), &package);
    let bucket = bucket.lock().unwrap();
    let keys: Vec<&String> = bucket.objects.keys().collect();
    let file = file_of(&package.name);
    assert_eq!(keys, [&format!("paketid/{file}"), &format!("paketid/{file}.sha256")]);
    assert!(bucket.seen.iter().all(|request| !request.starts_with("DELETE")), "nothing is ever removed");
}

#[test]
fn a_bucket_never_gives_a_name_to_another_content() {
    let (place, _bucket) = bucket(Mood::Good);
    let storage = Storage::open(&place).unwrap();
    let (_made, package) = written(3);
    let (_other, other) = written(4);
    run(storage.put(&package)).unwrap();
    assert!(matches!(run(storage.put(&other)), Err(StorageError::Taken { .. })));
}

#[test]
fn a_bucket_that_refuses_says_so_without_the_key() {
    let (place, bucket) = bucket(Mood::Refusing);
    let (_made, package) = written(3);
    let why = run(Storage::open(&place).unwrap().put(&package)).unwrap_err();
    assert!(matches!(why, StorageError::Refused { .. }), "{why:?}");
    assert!(why.to_string().contains("s3://arhiiv"), "{why}");
    assert!(!format!("{why} {why:?} {place:?}").contains("saladus"));
    assert!(bucket.lock().unwrap().objects.is_empty());
}

#[test]
fn a_bucket_that_rots_is_found_out_before_the_package_counts_as_stored() {
    let (place, _bucket) = bucket(Mood::Rotten);
    let (_made, package) = written(3);
    assert!(matches!(run(Storage::open(&place).unwrap().put(&package)), Err(StorageError::Altered { .. })));
}

#[test]
fn a_bucket_that_is_not_there_is_an_error_within_the_patience() {
    let (place, _bucket) = bucket(Mood::Good);
    let Place::S3(s3) = place else { return };
    let place = Place::S3(S3 { endpoint: Some("http://127.0.0.1:9".to_owned()), ..s3 });
    let (_made, package) = written(1);
    let began = std::time::Instant::now();
    assert!(matches!(run(Storage::open(&place).unwrap().put(&package)), Err(StorageError::Refused { .. })));
    assert!(began.elapsed() < Duration::from_secs(20));
}
