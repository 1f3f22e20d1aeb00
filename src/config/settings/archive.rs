//! `[archive]`: where packages for an archive are stored.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Origin, Reader, SettingFault, public_url};
use crate::archive::Recipient;
use crate::archive::storage::{Place, S3};

/// Where packages are stored: in a folder, or in a bucket where one is named.
#[derive(Clone, PartialEq, Eq)]
pub struct Archive {
    /// Folder, if one was set; else `archive` in the data folder.
    pub folder: Option<PathBuf>,
    /// Bucket that speaks S3.
    pub bucket: Option<String>,
    /// Address of its service where it is not Amazon's own.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// What stands before every name in it.
    pub prefix: Option<String>,
    /// Id of the access key.
    pub access_key_id: Option<String>,
    /// The access key.
    pub secret_access_key: Option<String>,
    /// File whose first line is the access key.
    pub secret_access_key_file: Option<PathBuf>,
    /// How long a request may take, with its repetitions.
    pub patience: Duration,
    /// Name of the archive that gets the packages.
    pub recipient: Option<String>,
    /// Its registry code, or the archive's own code for itself.
    pub recipient_code: Option<String>,
    /// The agreement under which it gets them.
    pub agreement: Option<String>,
}

/// Hides the key.
impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("folder", &self.folder)
            .field("bucket", &self.bucket)
            .field("endpoint", &self.endpoint)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Archive {
    /// The archive that gets the packages, where one is named.
    pub fn recipient(&self) -> Option<Recipient> {
        let name = self.recipient.clone()?;
        Some(Recipient { name, code: self.recipient_code.clone() })
    }

    /// The place that is set. Reads the file of the key.
    ///
    /// # Errors
    /// The file of the key cannot be read or has no first line.
    pub fn place(&self, data_dir: &Path) -> Result<Place, SettingFault> {
        let Some(bucket) = &self.bucket else {
            return Ok(Place::Folder(self.folder.clone().unwrap_or_else(|| data_dir.join("archive"))));
        };
        let secret_access_key = match &self.secret_access_key_file {
            None => self.secret_access_key.clone().unwrap_or_default(),
            Some(path) => {
                let fault = |problem: String| SettingFault {
                    setting: "archive.secret_access_key_file".to_owned(),
                    problem,
                    origin: Origin::File { path: path.clone(), line: 1 },
                };
                let text = std::fs::read_to_string(path).map_err(|e| fault(format!("the file cannot be read: {e}")))?;
                let line = text.lines().next().filter(|line| !line.is_empty());
                line.ok_or_else(|| fault("its first line is empty; the key is expected there".to_owned()))?.to_owned()
            }
        };
        Ok(Place::S3(S3 {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: bucket.clone(),
            prefix: self.prefix.clone(),
            access_key_id: self.access_key_id.clone().unwrap_or_default(),
            secret_access_key,
            patience: self.patience,
        }))
    }
}

impl Reader {
    pub(super) fn archive(&mut self) -> Archive {
        let path = |text: &str| Ok(Some(PathBuf::from(text)));
        let text = |text: &str| Ok(Some(text.to_owned()));
        let code_at = self.given.get("archive.recipient_code").map(|given| given.origin.clone());
        let bucket_at = self.given.get("archive.bucket").map(|given| given.origin.clone());
        let archive = Archive {
            folder: self.take("archive.folder", None, path),
            bucket: self.take("archive.bucket", None, text),
            endpoint: self.take("archive.endpoint", None, public_url),
            region: self.take("archive.region", "us-east-1".to_owned(), |text| Ok(text.to_owned())),
            prefix: self.take("archive.prefix", None, text),
            access_key_id: self.take("archive.access_key_id", None, text),
            secret_access_key: self.take("archive.secret_access_key", None, text),
            secret_access_key_file: self.take("archive.secret_access_key_file", None, path),
            patience: Duration::from_secs(self.number("archive.patience_seconds", 180, [1, 3600])),
            recipient: self.take("archive.recipient", None, text),
            recipient_code: self.take("archive.recipient_code", None, text),
            agreement: self.take("archive.agreement", None, text),
        };
        // A code that is refused already is not refused twice.
        if archive.recipient.is_none()
            && archive.recipient_code.is_some()
            && let Some(origin) = code_at
        {
            self.fault("archive.recipient_code", "archive.recipient must be set where its code is", origin);
        }
        if archive.bucket.is_some()
            && let Some(origin) = bucket_at
        {
            let (key, file) = (archive.secret_access_key.is_some(), archive.secret_access_key_file.is_some());
            if archive.folder.is_some() {
                self.fault("archive.folder", "archive.bucket is set too; set one of the two", origin.clone());
            }
            if archive.access_key_id.is_none() {
                self.fault("archive.access_key_id", "it must be set where archive.bucket is", origin.clone());
            }
            if key == file {
                let problem = "set archive.secret_access_key_file or ANDMEKOGU_ARCHIVE_SECRET_ACCESS_KEY, and only one";
                self.fault("archive.secret_access_key_file", problem, origin);
            }
        }
        archive
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> Result<Settings, Vec<SettingFault>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.toml");
        std::fs::write(&path, "").unwrap();
        Settings::load(Some(&path), pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn packages_go_to_a_folder_beside_the_data_where_nothing_is_set() {
        let place = load(&[]).unwrap().archive.place(Path::new("data")).unwrap();
        assert_eq!(place, Place::Folder(PathBuf::from("data/archive")));
    }

    #[test]
    fn a_code_belongs_to_a_named_archive() {
        let code = ("ANDMEKOGU_ARCHIVE_RECIPIENT_CODE", "70000310");
        assert!(load(&[code]).is_err());
        let settings = load(&[code, ("ANDMEKOGU_ARCHIVE_RECIPIENT", "Rahvusarhiiv")]).unwrap();
        let recipient = settings.archive.recipient().unwrap();
        assert_eq!((recipient.name.as_str(), recipient.code.as_deref()), ("Rahvusarhiiv", Some("70000310")));
        assert!(load(&[]).unwrap().archive.recipient().is_none());
    }

    #[test]
    fn a_bucket_needs_its_key_and_never_shows_it() {
        let bucket = ("ANDMEKOGU_ARCHIVE_BUCKET", "arhiiv");
        let faults = load(&[bucket]).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        let id = ("ANDMEKOGU_ARCHIVE_ACCESS_KEY_ID", "AKIA");
        let settings = load(&[bucket, id, ("ANDMEKOGU_ARCHIVE_SECRET_ACCESS_KEY", "saladus")]).unwrap();
        assert!(!format!("{settings:?}").contains("saladus"));
        let place = settings.archive.place(Path::new("data")).unwrap();
        assert!(matches!(&place, Place::S3(s3) if s3.secret_access_key == "saladus"));
        assert!(!format!("{place:?}").contains("saladus"));
    }
}
