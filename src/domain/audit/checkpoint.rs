//! Checkpoints: a log's size and root at one moment, signed, so that whoever keeps one can later
//! prove whether anything before it was changed, removed or reordered.
//!
//! The formats are C2SP tlog-checkpoint (the text) and C2SP signed-note (the signatures), with
//! Ed25519 keys of signature type 0x01. A log's key has the log's origin as its name. A signature
//! proves who said something about the log, not that the log on disk still is what was signed: that
//! takes an audit.

use super::tree::{Hash, MAX_SIZE, empty_root};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;

/// The signature type of a plain Ed25519 note signature (C2SP signed-note, "Signature types").
const ED25519: u8 = 0x01;

/// The longest note that is read, in bytes: about 100 signatures of the largest kind in use.
pub const MAX_NOTE_BYTES: usize = 1_000_000;

/// What a log says of itself: so many leaves, with this root.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The log's worldwide name, such as `register.example.ee/employees`: not empty, one line, and
    /// for a signed checkpoint also a key name: without white space and `+`.
    pub origin: String,
    /// The number of leaves, at most [`MAX_SIZE`].
    pub size: u64,
    /// The root hash of the tree of the first `size` leaves (RFC 6962 section 2.1).
    pub root: Hash,
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The text isn't three lines, each ended by a newline. (Extension lines, which C2SP advises
    /// against, are refused as well: nobody could audit them.)
    #[error("a checkpoint is three lines")]
    Lines,
    /// The origin is empty or holds a control character.
    #[error("the checkpoint's origin is empty or unprintable")]
    Origin,
    /// The size isn't a decimal number without leading zeroes, or exceeds [`MAX_SIZE`].
    #[error("the checkpoint's size is not a number of entries")]
    Size,
    /// The root isn't 32 bytes in standard Base64.
    #[error("the checkpoint's root is not 32 bytes in Base64")]
    Root,
    /// The log is empty but the root isn't that of the empty tree.
    #[error("an empty log has another root")]
    EmptyRoot,
}

impl Checkpoint {
    /// The text that is signed (C2SP tlog-checkpoint, "Note text"): origin, size in decimal and
    /// root in standard Base64 with padding, each on a line ended by a newline.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads exactly what [`Checkpoint::text`] writes, and nothing else.
    ///
    /// # Errors
    /// [`CheckpointError`], naming the first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Lines);
        };
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(CheckpointError::Origin);
        }
        let number = size.parse().ok().filter(|number: &u64| {
            // Only the one canonical way: no sign, no leading zero.
            *number <= MAX_SIZE && number.to_string() == size
        });
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: number.ok_or(CheckpointError::Size)?,
            root: decode(root).ok_or(CheckpointError::Root)?,
        };
        if checkpoint.size == 0 && checkpoint.root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(checkpoint)
    }
}

/// The bytes of a standard Base64 text of exactly this many bytes, in its only spelling.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Why a note can't be signed or is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteError {
    /// A key name is empty or holds white space, a control character or `+`.
    #[error("a key name has no white space and no plus sign")]
    Name,
    /// A verifier key isn't `name+keyid+key` with an Ed25519 key that has this id, or the key is a
    /// weak one.
    #[error("not an Ed25519 verifier key")]
    Key,
    /// The text is no signed note: too long, without a blank line, or with a malformed signature
    /// line.
    #[error("not a signed note")]
    Malformed,
    /// No signature is by this key.
    #[error("the note is not signed by this key")]
    Unsigned,
    /// A signature claims this key but does not fit the text.
    #[error("the note's signature is not valid")]
    Signature,
    /// The signed text is no checkpoint.
    #[error("the note is not a checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is of another log than the key's.
    #[error("the checkpoint is of another log than its key")]
    Origin,
}

/// Whether a text may name a key (C2SP signed-note, "Format").
fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// The secret key of a log: it signs the log's checkpoints.
///
/// The seed is wiped from memory when this is dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct NoteSigner {
    /// What the public key shows to others.
    public: NoteVerifier,
    /// The secret half.
    key: SigningKey,
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoteSigner").field("vkey", &self.vkey()).finish_non_exhaustive()
    }
}

impl NoteSigner {
    /// The key of the log named `name` (its origin) from a 32-byte Ed25519 seed (RFC 8032 section
    /// 5.1.5), which must be secret and drawn at random.
    ///
    /// # Errors
    /// [`NoteError::Name`] if the name is empty or has white space, a control character or `+`.
    pub fn new(name: impl Into<String>, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let public = NoteVerifier::new(name.into(), key.verifying_key())?;
        Ok(Self { public, key })
    }

    /// The name of the key: the origin of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        self.public.name()
    }

    /// The public key to hand out, `name+keyid+key`; see [`NoteVerifier::vkey`].
    #[must_use]
    pub fn vkey(&self) -> String {
        self.public.vkey()
    }

    /// What checks this key's signatures.
    #[must_use]
    pub const fn verifier(&self) -> &NoteVerifier {
        &self.public
    }

    /// The checkpoint as a signed note (C2SP signed-note): its text, a blank line and one signature
    /// line, `— name base64(keyid ‖ signature)`, ended by a newline. The same input gives the same
    /// note.
    ///
    /// # Errors
    /// [`NoteError::Origin`] if the checkpoint is of another log; [`NoteError::Checkpoint`] if it
    /// is one that [`Checkpoint::parse`] would not read back.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, NoteError> {
        if checkpoint.origin != self.public.name {
            return Err(NoteError::Origin);
        }
        let text = checkpoint.text();
        Checkpoint::parse(&text)?;
        Ok(self.note(&text))
    }

    /// Another text than a checkpoint as a signed note. It is one line, which begins with `{`: no checkpoint reads so, and
    /// a signature of the one can never pass for one of the other.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] for a text that is not one such line, or too long for a note.
    pub fn sign_line(&self, line: &str) -> Result<String, NoteError> {
        if !line.starts_with('{') || line.chars().any(char::is_control) {
            return Err(NoteError::Malformed);
        }
        let note = self.note(&format!("{line}\n"));
        self.public.open_line(&note)?;
        Ok(note)
    }

    fn note(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let line = STANDARD.encode([&self.public.id[..], &signature].concat());
        format!("{text}\n— {} {line}\n", self.public.name)
    }
}

/// The public key of a log: it tells whether a checkpoint was signed by the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteVerifier {
    /// The key's name, which is the log's origin.
    name: String,
    /// The key id: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key).
    id: [u8; 4],
    /// The public key.
    key: VerifyingKey,
}

impl NoteVerifier {
    /// The public key under a name, with its id.
    fn new(name: String, key: VerifyingKey) -> Result<Self, NoteError> {
        if !is_key_name(&name) {
            return Err(NoteError::Name);
        }
        let digest: Hash = Sha256::new()
            .chain_update(&name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        Ok(Self { name, id: [a, b, c, d], key })
    }

    /// Reads a verifier key, in the only way that [`NoteVerifier::vkey`] writes it.
    ///
    /// # Errors
    /// [`NoteError::Key`]: not of that form, not Ed25519, a weak key, or the id is not this key's;
    /// [`NoteError::Name`]: no key may have such a name.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let [ED25519, key @ ..] = decode::<33>(key).ok_or(NoteError::Key)? else {
            return Err(NoteError::Key);
        };
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::Key)?;
        let verifier = Self::new(name.to_owned(), key)?;
        if key.is_weak() || verifier.vkey() != vkey {
            return Err(NoteError::Key);
        }
        Ok(verifier)
    }

    /// The name of the key: the origin of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key as one line to configure elsewhere (C2SP signed-note, "Verifier keys"):
    /// `name+keyid+key`, the id as 8 lower-case hexadecimal digits, the key as standard Base64 of
    /// 0x01 ‖ the 32 bytes of the public key.
    #[must_use]
    pub fn vkey(&self) -> String {
        let id = u32::from_be_bytes(self.id);
        let key = STANDARD.encode([&[ED25519], self.key.as_bytes().as_slice()].concat());
        format!("{}+{id:08x}+{key}", self.name)
    }

    /// The checkpoint in a note, if this key has signed it. Other keys' signatures are ignored, as
    /// C2SP signed-note asks, so that witnesses may add theirs; every one by this key must be
    /// valid.
    ///
    /// # Errors
    /// [`NoteError`]: the note must not be believed. [`NoteError::Signature`],
    /// [`NoteError::Checkpoint`] and [`NoteError::Origin`] are worth an alarm: somebody tampered,
    /// or the key signed what no log says.
    pub fn verify(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let text = self.open(note)?;
        let checkpoint = Checkpoint::parse(text)?;
        if checkpoint.origin != self.name {
            return Err(NoteError::Origin);
        }
        Ok(checkpoint)
    }

    /// The line in a note that this key has signed with [`NoteSigner::sign_line`].
    ///
    /// # Errors
    /// As [`NoteVerifier::verify`].
    pub fn open_line<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        let line = self.open(note)?.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        if line.starts_with('{') && !line.contains('\n') { Ok(line) } else { Err(NoteError::Malformed) }
    }

    /// The text of a note that this key has signed (C2SP signed-note, "Format").
    fn open<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        let is_control = |byte: u8| byte < 0x20 && byte != b'\n';
        if note.len() > MAX_NOTE_BYTES || note.bytes().any(is_control) {
            return Err(NoteError::Malformed);
        }
        // The last blank line ends the text, which keeps its own newline.
        let (text, lines) =
            note.rfind("\n\n").and_then(|end| note.split_at_checked(end + 1)).ok_or(NoteError::Malformed)?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n')).ok_or(NoteError::Malformed)?;
        let mut signed = Err(NoteError::Unsigned);
        for line in lines.split('\n') {
            let (name, id, signature) = parse_signature(line).ok_or(NoteError::Malformed)?;
            if name == self.name && id == self.id {
                let signature = Signature::from_slice(&signature).map_err(|_| NoteError::Signature)?;
                self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| NoteError::Signature)?;
                signed = Ok(text);
            }
        }
        signed
    }
}

/// The key name, key id and signature of a signature line without its newline.
fn parse_signature(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded).ok()?;
    let (id, signature) = decoded.split_first_chunk()?;
    (is_key_name(name) && !signature.is_empty()).then(|| (name, *id, signature.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The key and note of golang.org/x/mod/sumdb/note's own tests and documentation. The private
    // key is published there.
    const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_KEY: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                           then you don't know what your problem is.\n";
    const GO_LINE: &str =
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    // The example of C2SP signed-note.
    const C2SP_VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const C2SP_NOTE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    const NAME: &str = "register.example/personnel";
    // What Python's `cryptography` makes of NAME, the seed [1; 32] and `checkpoint()`.
    const VKEY: &str = "register.example/personnel+321acae9+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    const NOTE: &str = "register.example/personnel\n70000\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n\n— register.example/personnel MhrK6Saqs/fjW+hHOyZyWzvuzDXOqKDuJts2YVBTPtwIy70n+S4RdixDfh/trLG6hX6045n/24AxnQT6RW8sJ/9NUgw=\n";

    fn signer() -> NoteSigner {
        NoteSigner::new(NAME, &[1; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: NAME.into(), size: 70_000, root: [0xab; 32] }
    }

    fn note() -> String {
        signer().sign(&checkpoint()).unwrap()
    }

    #[test]
    fn keys_are_those_of_go() {
        let [_, seed @ ..] = decode::<33>(GO_KEY).unwrap();
        let signer = NoteSigner::new("PeterNeumann", &seed).unwrap();
        assert_eq!(signer.vkey(), GO_VKEY);
        assert_eq!(signer.verifier().id, [0xc7, 0x4f, 0x20, 0xa3]);
        // Ed25519 signatures are deterministic.
        let signature = signer.key.sign(GO_TEXT.as_bytes()).to_bytes();
        let line = STANDARD.encode([&signer.public.id[..], &signature].concat());
        assert_eq!(format!("— PeterNeumann {line}\n"), GO_LINE);
        let note = format!("{GO_TEXT}\n{GO_LINE}");
        assert_eq!(signer.verifier().open(&note), Ok(GO_TEXT));
        assert_eq!(signer.verifier().verify(&note), Err(NoteError::Checkpoint(CheckpointError::Lines)));
    }

    #[test]
    fn the_specification_s_example_opens() {
        let verifier = NoteVerifier::parse(C2SP_VKEY).unwrap();
        assert_eq!(verifier.name(), "example.com/foo");
        assert_eq!(verifier.vkey(), C2SP_VKEY);
        assert_eq!(verifier.open(C2SP_NOTE), Ok("This is an example message.\n"));
    }

    #[test]
    fn the_specification_s_checkpoint_is_read() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse(text).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.root[..2], [0x0a, 0xc5]);
        assert_eq!(checkpoint.text(), text);
    }

    #[test]
    fn a_note_s_shape_is_known() {
        assert_eq!(signer().vkey(), VKEY);
        assert_eq!(note(), NOTE);
        assert_eq!(signer().verifier().verify(&note()), Ok(checkpoint()));
        assert_eq!(NoteVerifier::parse(&signer().vkey()).unwrap().verify(&note()), Ok(checkpoint()));
    }

    #[test]
    fn only_the_one_spelling_is_a_checkpoint() {
        let root = STANDARD.encode([0xab; 32]);
        let empty = STANDARD.encode(empty_root());
        assert!(Checkpoint::parse(&format!("o\n0\n{empty}\n")).is_ok());
        assert!(Checkpoint::parse(&format!("log of the register õ\n1\n{root}\n")).is_ok());
        assert!(Checkpoint::parse(&format!("o\n{MAX_SIZE}\n{root}\n")).is_ok());
        for (text, error) in [
            (String::new(), CheckpointError::Lines),
            ("\n".into(), CheckpointError::Lines),
            (format!("o\n1\n{root}"), CheckpointError::Lines),
            (format!("o\n1\n{root}\n\n"), CheckpointError::Lines),
            (format!("o\n1\n{root}\nmore\n"), CheckpointError::Lines),
            (format!("1\n{root}\n"), CheckpointError::Lines),
            (format!("\n1\n{root}\n"), CheckpointError::Origin),
            (format!("o\t\n1\n{root}\n"), CheckpointError::Origin),
            (format!("o\r\n1\r\n{root}\r\n"), CheckpointError::Origin),
            (format!("o\n01\n{root}\n"), CheckpointError::Size),
            (format!("o\n+1\n{root}\n"), CheckpointError::Size),
            (format!("o\n-1\n{root}\n"), CheckpointError::Size),
            (format!("o\n 1\n{root}\n"), CheckpointError::Size),
            (format!("o\n\n{root}\n"), CheckpointError::Size),
            (format!("o\n1e3\n{root}\n"), CheckpointError::Size),
            (format!("o\n{}\n{root}\n", MAX_SIZE + 1), CheckpointError::Size),
            (format!("o\n18446744073709551616\n{root}\n"), CheckpointError::Size),
            (format!("o\n1\n{root} \n"), CheckpointError::Root),
            (format!("o\n1\n{}\n", &root[..43]), CheckpointError::Root),
            (format!("o\n1\nAAAA{root}\n"), CheckpointError::Root),
            // The same bytes with unused bits set.
            (format!("o\n1\n{}t=\n", &root[..42]), CheckpointError::Root),
            (format!("o\n0\n{root}\n"), CheckpointError::EmptyRoot),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn another_key_is_refused() {
        let other = NoteSigner::new(NAME, &[2; 32]).unwrap();
        assert_ne!(other.vkey(), signer().vkey());
        assert_eq!(other.verifier().verify(&note()), Err(NoteError::Unsigned));
        let renamed = NoteSigner::new("register.example/other", &[1; 32]).unwrap();
        assert_eq!(renamed.verifier().verify(&note()), Err(NoteError::Unsigned));
        // Another key that claims this key's id.
        let claimed = NoteVerifier { id: signer().public.id, ..other.public };
        assert_eq!(claimed.verify(&note()), Err(NoteError::Signature));
    }

    #[test]
    fn only_the_log_s_own_checkpoints_are_signed() {
        let sign = |checkpoint| signer().sign(&checkpoint);
        let foreign = Checkpoint { origin: "register.example/other".into(), ..checkpoint() };
        assert_eq!(sign(foreign), Err(NoteError::Origin));
        let large = Checkpoint { size: u64::MAX, ..checkpoint() };
        assert_eq!(sign(large), Err(NoteError::Checkpoint(CheckpointError::Size)));
        let empty = Checkpoint { size: 0, ..checkpoint() };
        assert_eq!(sign(empty), Err(NoteError::Checkpoint(CheckpointError::EmptyRoot)));
        assert!(sign(Checkpoint { size: 0, root: empty_root(), ..checkpoint() }).is_ok());
    }

    #[test]
    fn a_checkpoint_of_another_log_is_refused_though_signed() {
        let signer = signer();
        let text = Checkpoint { origin: "register.example/other".into(), ..checkpoint() }.text();
        let signature = signer.key.sign(text.as_bytes()).to_bytes();
        let line = STANDARD.encode([&signer.public.id[..], &signature].concat());
        let note = format!("{text}\n— {NAME} {line}\n");
        assert_eq!(signer.verifier().verify(&note), Err(NoteError::Origin));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let (verifier, note) = (signer().public, note());
        for bit in 0..note.len() * 8 {
            let mut other = note.clone().into_bytes();
            other[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = std::str::from_utf8(&other) {
                assert!(verifier.verify(other).is_err(), "{other}");
            }
        }
        for end in (0..note.len()).filter(|end| note.is_char_boundary(*end)) {
            assert!(verifier.verify(&note[..end]).is_err());
        }
    }

    #[test]
    fn every_flipped_bit_of_a_signature_is_refused() {
        let signer = signer();
        let text = checkpoint().text();
        let signature = signer.key.sign(text.as_bytes()).to_bytes();
        for bit in 0..512 {
            let mut other = signature;
            other[bit / 8] ^= 1 << (bit % 8);
            let line = STANDARD.encode([&signer.public.id[..], &other].concat());
            let note = format!("{text}\n— {NAME} {line}\n");
            assert_eq!(signer.verifier().verify(&note), Err(NoteError::Signature));
        }
    }

    #[test]
    fn witnesses_may_sign_too() {
        let (verifier, note) = (signer().public, note());
        let witness = "— witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        let (text, line) = note.split_once("\n\n").unwrap();
        for count in [1, 16, 40] {
            let after = format!("{note}{}", witness.repeat(count));
            assert_eq!(verifier.verify(&after), Ok(checkpoint()));
            let before = format!("{text}\n\n{}{line}", witness.repeat(count));
            assert_eq!(verifier.verify(&before), Ok(checkpoint()));
        }
        assert_eq!(verifier.verify(&format!("{note}{line}")), Ok(checkpoint()));
        assert_eq!(verifier.verify(&format!("{text}\n\n{witness}")), Err(NoteError::Unsigned));
        // The same name with another id, and the same id under another name, are other keys.
        let same_name = witness.replace("witness.example/w1", NAME);
        assert_eq!(verifier.verify(&format!("{note}{same_name}")), Ok(checkpoint()));
        let same_id = line.replace(NAME, "witness.example/w1");
        assert_eq!(verifier.verify(&format!("{note}{same_id}")), Ok(checkpoint()));
        // One valid signature does not excuse an invalid one by the same key.
        let forged = [&signer().public.id[..], &[9; 64]].concat();
        let forged = format!("— {NAME} {}\n", STANDARD.encode(forged));
        assert_eq!(verifier.verify(&format!("{note}{forged}")), Err(NoteError::Signature));
        let short = format!("— {NAME} {}\n", STANDARD.encode([&signer().public.id[..], &[9]].concat()));
        assert_eq!(verifier.verify(&format!("{note}{short}")), Err(NoteError::Signature));
    }

    #[test]
    fn malformed_notes_are_refused() {
        let (verifier, note) = (signer().public, note());
        let (text, line) = note.split_once("\n\n").unwrap();
        // The last blank line ends the text: here the text has one more, which was never signed.
        assert_eq!(verifier.verify(&format!("{text}\n\n\n{line}")), Err(NoteError::Signature));
        for malformed in [
            String::new(),
            "\n\n".into(),
            format!("{text}\n\n"),
            format!("{text}\n{line}"),
            format!("{note}\n"),
            format!("{note}trailing"),
            format!("{note}trailing\n"),
            note.replace("— ", "- "),
            note.replace("— ", "—\u{a0}"),
            note.replace('\n', "\r\n"),
            note.replacen("70000", "70000\u{1b}", 1),
            format!("{note}— witness.example AAAA\n"),
            format!("{note}— witness.example AAAAAA==\n"),
            format!("{note}— witness.example not-base64\n"),
            format!("{note}— witness+example AAAAAAAA\n"),
            format!("{note}—  AAAAAAAA\n"),
            format!("{note}{}", "— w AAAAAAAA\n".repeat(MAX_NOTE_BYTES / 10)),
        ] {
            let start: String = malformed.chars().take(300).collect();
            assert_eq!(verifier.verify(&malformed), Err(NoteError::Malformed), "{start:?}");
        }
    }

    #[test]
    fn only_the_one_spelling_is_a_verifier_key() {
        for end in 0..GO_VKEY.len() {
            assert!(NoteVerifier::parse(&GO_VKEY[..end]).is_err());
            assert!(NoteVerifier::parse(&GO_VKEY[end + 1..]).is_err());
            let mut other = GO_VKEY.as_bytes().to_vec();
            other[end] += 1;
            assert!(NoteVerifier::parse(std::str::from_utf8(&other).unwrap()).is_err());
        }
        assert_eq!(NoteVerifier::parse(&GO_VKEY.replace("c74f", "C74F")), Err(NoteError::Key));
        assert_eq!(NoteVerifier::parse(&GO_VKEY.replace("Peter", "Peter ")), Err(NoteError::Name));
        // golang.org/x/mod's cases: too long a key, and another algorithm, both with a fitting id.
        for vkey in [
            "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
            "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            assert_eq!(NoteVerifier::parse(vkey), Err(NoteError::Key));
        }
        // The neutral element is a public key under which one signature fits every text.
        let mut weak = [0; 32];
        weak[0] = 1;
        let weak = NoteVerifier::new("w".into(), VerifyingKey::from_bytes(&weak).unwrap()).unwrap();
        assert_eq!(NoteVerifier::parse(&weak.vkey()), Err(NoteError::Key));
        for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb", "a\u{7}"] {
            assert!(matches!(NoteSigner::new(name, &[1; 32]), Err(NoteError::Name)), "{name:?}");
        }
    }

    #[test]
    fn the_seed_is_not_shown() {
        let signer = NoteSigner::new(NAME, &[0x5a; 32]).unwrap();
        assert_eq!(format!("{signer:?}"), format!("NoteSigner {{ vkey: {:?}, .. }}", signer.vkey()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_signed_is_read_back(
            name in "[a-z0-9./_õ-]{1,40}",
            seed in any::<[u8; 32]>(),
            size in 1..=MAX_SIZE,
            root in any::<Hash>(),
        ) {
            let signer = NoteSigner::new(name.clone(), &seed).unwrap();
            let checkpoint = Checkpoint { origin: name, size, root };
            prop_assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint.clone()));
            let note = signer.sign(&checkpoint).unwrap();
            let verifier = NoteVerifier::parse(&signer.vkey()).unwrap();
            prop_assert_eq!(&verifier, signer.verifier());
            prop_assert_eq!(verifier.verify(&note), Ok(checkpoint));
        }

        #[test]
        fn no_text_at_all_makes_the_readers_stumble(text in any::<String>(), cut in 0_usize..200) {
            let note = note();
            let cut = (0..=cut).rev().find(|cut| note.is_char_boundary(*cut)).unwrap();
            let text = format!("{}{text}{}", &note[..cut], &note[cut..]);
            let _ = Checkpoint::parse(&text);
            let _ = NoteVerifier::parse(&text);
            if let Ok(read) = signer().public.verify(&text) {
                prop_assert_eq!(read, checkpoint());
            }
        }
    }
}
