//! Base documents and files.

use serde_json::json;

use crate::harness::people::{Office, School, document};
use crate::harness::{Answer, Client, REGISTER, on_both_databases};

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n";
const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R'];

fn upload(
    by: &Client,
    path: &str,
    metadata: Option<&serde_json::Value>,
    name: &str,
    media: &str,
    bytes: &[u8],
) -> Answer {
    let boundary = "x-boundary-x";
    let mut body = Vec::new();
    if let Some(metadata) = metadata {
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n{metadata}\r\n")
                .as_bytes(),
        );
    }
    body.extend_from_slice(
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media}\r\n\r\n")
            .as_bytes(),
    );
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    by.send("POST", path, Some(body), &format!("multipart/form-data; boundary={boundary}"))
}

#[test]
fn a_document_kind_outside_the_statute_is_refused_with_its_clause() {
    on_both_databases(|h| {
        h.staff();
        let clerk = h.login("hr_clerk");
        let path = format!("/registers/{REGISTER}/base-documents");
        let refused = clerk.post(&path, &json!({ "kind": "rumour", "date": "2026-01-01" })).expect(422);
        assert!(refused.has_fault("/kind", "document_kind"));
        assert_eq!(refused.body["errors"][0]["clause"], "§ 16");
        let listed = refused.body["errors"][0]["detail"].as_str().unwrap();
        for kind in [
            "administrative_act",
            "contract",
            "identity_document",
            "education_document",
            "career_document",
            "application_or_notice",
            "certificate",
            "other_proof",
        ] {
            assert!(listed.contains(kind), "{kind}");
            let body = json!({ "kind": kind, "date": "2026-01-01", "explanation": "mille kohta" });
            clerk.post(&path, &body).expect(201);
        }
        let bare = clerk.post(&path, &json!({ "kind": "other_proof", "date": "2026-01-01" })).expect(422);
        assert!(bare.has_fault("/explanation", "required"));
        let future = clerk.post(&path, &json!({ "kind": "contract", "date": "2026-12-24" })).expect(422);
        assert!(future.has_fault("/date", "range"));
        let undated = clerk.post(&path, &json!({ "kind": "contract" })).expect(422);
        assert!(undated.has_fault("/date", "required"));
    });
}

#[test]
fn a_file_is_stored_once_and_typed_by_its_content() {
    on_both_databases(|h| {
        let s = School::open(h);
        let path = format!("/registers/{REGISTER}/base-documents");
        let metadata = json!({ "kind": "contract", "number": "T-7", "date": "2024-08-15" });
        let first = upload(&s.clerk, &path, Some(&metadata), "leping.pdf", "application/pdf", PDF).expect(201);
        let second = upload(&s.clerk, &path, Some(&metadata), "sama leping.pdf", "application/pdf", PDF).expect(201);
        assert_eq!(first.body["file"]["sha256"], second.body["file"]["sha256"]);
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM stored_file"), 1);
        let file = s.clerk.get(&format!("{path}/{}/file", first.id())).expect(200);
        assert_eq!(file.text.as_bytes(), PDF);
        assert_eq!(file.headers["content-type"], "application/pdf");
        assert!(file.headers["content-disposition"].starts_with("attachment"), "{:?}", file.headers);
        assert_eq!(file.headers["x-content-type-options"], "nosniff");
        for (name, media, bytes) in [
            ("leping.pdf", "application/pdf", PNG),
            ("foto.png", "image/png", b"<html><script>alert(1)</script>".as_slice()),
            ("leping.exe", "application/octet-stream", b"MZ\x90\x00\x03\x00\x00\x00".as_slice()),
        ] {
            let refused = upload(&s.clerk, &path, Some(&metadata), name, media, bytes);
            assert_eq!(refused.status, 415, "{name}: {}", refused.text);
        }
        let large = vec![b'a'; (1 << 20) + 1];
        assert_eq!(upload(&s.clerk, &path, Some(&metadata), "suur.pdf", "application/pdf", &large).status, 413);
        // A field of type file takes what has been stored, of the types that it permits.
        let files = format!("/registers/{REGISTER}/files");
        let photo = upload(&s.clerk, &files, None, "foto.png", "image/png", PNG).expect(201);
        let change = |version: i64, digest: &serde_json::Value| {
            s.clerk.patch(
                &s.path(),
                version,
                &json!({ "effective_on": "2026-11-01",
                "base_document_ids": [s.office.document], "data": { "photo": digest } }),
            )
        };
        let wrong = change(1, &first.body["file"]["sha256"]).expect(422);
        assert!(wrong.has_fault("/photo", "media"), "{}", wrong.text);
        let unknown = change(1, &json!("0".repeat(64))).expect(422);
        assert!(unknown.has_fault("/photo", "not_found"));
        change(1, &photo.body["sha256"]).expect(200);
    });
}

#[test]
fn a_document_of_another_institution_proves_nothing_here() {
    on_both_databases(|h| {
        let s = School::open(h);
        let other = Office::found(&s.clerk, "Kase Kool");
        let foreign = document(&s.clerk, json!({ "institution_id": other.institution }));
        let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [foreign],
                             "data": { "load_on_post": "0.90" } });
        let refused = s.clerk.patch(&s.path(), 1, &change).expect(422);
        assert!(refused.has_fault("/base_document_ids/0", "not_found"), "{}", refused.text);
        let clerk = s.school_clerk();
        clerk.get(&format!("/registers/{REGISTER}/base-documents/{foreign}")).expect(404);
        let own = document(&s.clerk, json!({ "institution_id": s.office.institution }));
        clerk.get(&format!("/registers/{REGISTER}/base-documents/{own}")).expect(200);
    });
}

#[test]
fn reading_a_document_is_reading_about_the_people_it_proves() {
    on_both_databases(|h| {
        let s = School::open(h);
        let supervisor = s.h.login("supervisor");
        supervisor.get(&format!("/registers/{REGISTER}/base-documents/{}", s.office.document)).expect(200);
        let path = format!("/registers/{REGISTER}/audit?subject={}&action=document.read", s.employee);
        let log = supervisor.get(&path).expect(200);
        assert_eq!(log.body["items"][0]["document_ids"], json!([s.office.document]));
    });
}
