//! What a file is, by its content and not by its name.

use sha2::{Digest, Sha256};

use super::Error;
use super::documents::Incoming;
use crate::domain::hex;
use crate::store::acts::documents::Upload;

/// Types that are taken, with the extensions under which they come.
const TAKEN: &[(&str, &[&str])] = &[
    ("application/pdf", &["pdf"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/png", &["png"]),
    ("image/tiff", &["tif", "tiff"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx"]),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx"]),
    ("application/vnd.oasis.opendocument.text", &["odt"]),
    ("application/vnd.oasis.opendocument.spreadsheet", &["ods"]),
    // Signed containers (ASiC-E, BDOC) are ZIP files by their content.
    ("application/zip", &["asice", "sce", "bdoc", "zip"]),
];

/// Establishes what a file is and gives it its digest.
///
/// # Errors
/// [`Error::TooLarge`]; [`Error::WrongType`] for content that is not taken, or that its name or claim denies.
pub fn examine(file: Incoming, largest: usize) -> Result<Upload, Error> {
    if file.bytes.len() > largest {
        return Err(Error::TooLarge { limit: largest });
    }
    let found = infer::get(&file.bytes).map(|t| t.mime_type());
    let taken = found.and_then(|f| TAKEN.iter().find(|(media, _)| *media == f));
    let Some((media_type, extensions)) = taken else {
        let known: Vec<&str> = TAKEN.iter().map(|(media, _)| *media).collect();
        return Err(Error::WrongType(format!(
            "the content is of no type that is taken; taken are {}",
            known.join(", ")
        )));
    };
    let extension = file.name.rsplit_once('.').map(|(_, e)| e.to_lowercase());
    if extension.as_deref().is_some_and(|e| !extensions.contains(&e)) {
        return Err(Error::WrongType(format!("the content is {media_type}, the name says otherwise")));
    }
    let claimed = file.claimed.as_deref().map(|c| c.split(';').next().unwrap_or_default().trim().to_lowercase());
    let vague = |c: &str| c.is_empty() || c == "application/octet-stream";
    // A signed container claims its own type; what it is made of is a ZIP file.
    let container = |c: &str| *media_type == "application/zip" && c.starts_with("application/");
    if claimed.as_deref().is_some_and(|c| !vague(c) && c != *media_type && !container(c)) {
        return Err(Error::WrongType(format!("the content is {media_type}, the request says otherwise")));
    }
    Ok(Upload { name: tidy(&file.name), media_type, sha256: hex(&Sha256::digest(&file.bytes)), bytes: file.bytes })
}

/// A name without folders and control characters, at most 200 characters long.
fn tidy(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    if clean.is_empty() { "file".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d];

    fn file(name: &str, claimed: Option<&str>, bytes: &[u8]) -> Incoming {
        Incoming { name: name.into(), claimed: claimed.map(str::to_owned), bytes: bytes.to_vec() }
    }

    #[test]
    fn a_file_is_what_its_content_says() {
        let taken = examine(file("../../foto.png", Some("image/png"), PNG), 100).unwrap();
        assert_eq!((taken.media_type, taken.name.as_str()), ("image/png", "foto.png"));
        assert_eq!(taken.sha256.len(), 64);
    }

    #[test]
    fn a_file_that_lies_about_its_type_is_refused() {
        for (name, claimed) in [("foto.pdf", None), ("foto", Some("application/pdf"))] {
            assert!(matches!(examine(file(name, claimed, PNG), 100), Err(Error::WrongType(_))), "{name}");
        }
        let script = b"<script>alert(1)</script>";
        assert!(matches!(examine(file("a.pdf", Some("application/pdf"), script), 100), Err(Error::WrongType(_))));
    }

    #[test]
    fn a_file_above_the_limit_is_refused_before_anything_else() {
        assert!(matches!(examine(file("a.png", None, PNG), 3), Err(Error::TooLarge { limit: 3 })));
    }
}
