//! The snapshot: what binds a confirmation to exactly those records in exactly that state.
//!
//! It is an RFC 6962 tree over one leaf for each record, in the order of record type and id. A leaf commits to the
//! record with a salt, so that its hash tells nothing of the data and proves nothing of them once the salt is gone;
//! whoever has record and salt can prove that the record was confirmed as it stands, without any other record.

use chrono::NaiveDate;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::audit::canonical::{CanonicalError, canonical};
use crate::domain::audit::tree;

pub use crate::domain::audit::tree::Hash;

/// One record of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The record.
    pub record_id: Uuid,
    /// Its type.
    pub record_type: String,
    /// Its version: the number of its last entry.
    pub version: i64,
    /// [`leaf_hash`] of its [`leaf_text`].
    pub hash: Hash,
}

/// What a leaf says: which record of what type, in which version, and its data as of a day, as canonical JSON (RFC
/// 8785).
///
/// # Errors
/// [`CanonicalError`]: the data hold a number that JSON does not keep exact. No valid record does.
pub fn leaf_text(
    record_id: Uuid,
    record_type: &str,
    version: i64,
    as_of: NaiveDate,
    data: &Value,
) -> Result<String, CanonicalError> {
    canonical(&json!({
        "v": 1,
        "record_id": record_id,
        "record_type": record_type,
        "version": version,
        "as_of": as_of,
        "data": data,
    }))
}

/// The hash of a leaf: HMAC-SHA256 (RFC 2104) of its text under `salt`, hashed as a leaf of an RFC 6962 tree.
#[must_use]
pub fn leaf_hash(salt: &[u8], text: &str) -> Hash {
    tree::leaf_hash(&hmac(salt, text.as_bytes()))
}

/// The salt of one record, from the `secret` of a snapshot. With it the record can be shown to have been confirmed
/// while the secret stays here: under one salt for all, whoever has a proof could try out guesses on the other leaves.
#[must_use]
pub fn salt_of(secret: &[u8], record_id: Uuid) -> [u8; 32] {
    hmac(secret, record_id.as_bytes())
}

/// HMAC-SHA256 with a key of any length.
fn hmac(key: &[u8], message: &[u8]) -> Hash {
    // RFC 2104 hashes a key longer than a block and fills up a shorter one with zeroes; a key of a whole block needs
    // no fallible call.
    let hashed = Sha256::digest(key);
    let key = if key.len() > 64 { &*hashed } else { key };
    let mut block = [0; 64];
    for (byte, key) in block.iter_mut().zip(key) {
        *byte = *key;
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The root over `leaves`, in whatever order they are given; that of no leaves is the hash of the empty string.
#[must_use]
pub fn root(leaves: &[Leaf]) -> Hash {
    let mut frontier = tree::Frontier::new();
    for leaf in in_order(leaves) {
        frontier.push(leaf.hash, |_, _| {});
    }
    frontier.root()
}

/// The position of a record among `leaves` in their order, and the hashes that lead from its leaf to their [`root`];
/// nothing where it is not among them.
#[must_use]
pub fn inclusion(leaves: &[Leaf], record_id: Uuid) -> Option<(u64, Vec<Hash>)> {
    let leaves = in_order(leaves);
    let position = leaves.iter().position(|leaf| leaf.record_id == record_id)?;
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf.hash).collect();
    let (index, size) = (u64::try_from(position).ok()?, u64::try_from(hashes.len()).ok()?);
    let mut subtree = |wanted: tree::Subtree| {
        let first = usize::try_from(wanted.index << wanted.level).ok();
        let part = first.and_then(|first| hashes.get(first..first.checked_add(1 << wanted.level)?));
        part.and_then(tree::fold_perfect).ok_or(())
    };
    Some((index, tree::inclusion_proof(index, size, &mut subtree).ok()?))
}

/// Whether the snapshot of `size` records with this `root` has `leaf` at `index`. Root and size are those of the
/// receipt.
#[must_use]
pub fn verify_inclusion(root: &Hash, size: u64, index: u64, leaf: &Hash, proof: &[Hash]) -> bool {
    tree::verify_inclusion(leaf, index, size, proof, root).is_ok()
}

/// The leaves by record type and id.
fn in_order(leaves: &[Leaf]) -> Vec<&Leaf> {
    let mut sorted: Vec<&Leaf> = leaves.iter().collect();
    // Version and hash decide nothing between records, of which there is one leaf each; they make the order total.
    sorted.sort_by_key(|leaf| (&leaf.record_type, leaf.record_id, leaf.version, leaf.hash));
    sorted
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::domain::hex;

    /// A record as it stands, before it is made a leaf.
    #[derive(Debug, Clone)]
    struct Record {
        id: Uuid,
        kind: String,
        version: i64,
        data: Value,
    }

    impl Record {
        fn leaf(&self) -> Leaf {
            let as_of = "2026-09-10".parse().unwrap();
            let text = leaf_text(self.id, &self.kind, self.version, as_of, &self.data).unwrap();
            let hash = leaf_hash(&salt_of(b"secret", self.id), &text);
            Leaf { record_id: self.id, record_type: self.kind.clone(), version: self.version, hash }
        }
    }

    fn leaves(records: &[Record]) -> Vec<Leaf> {
        records.iter().map(Record::leaf).collect()
    }

    fn record() -> impl Strategy<Value = Record> {
        (any::<u128>(), "pupil|employee", 1_i64..9, "[a-z]{0,4}", 0_u8..12).prop_map(
            |(id, kind, version, name, grade)| Record {
                id: Uuid::from_u128(id),
                kind,
                version,
                data: json!({ "name": name, "grade": grade }),
            },
        )
    }

    #[test]
    fn a_leaf_says_the_whole_record_in_one_form() {
        let id = Uuid::from_u128(7);
        let day = "2026-09-10".parse().unwrap();
        let text = leaf_text(id, "pupil", 3, day, &json!({ "b": "õ", "a": [1, null] })).unwrap();
        assert_eq!(
            text,
            r#"{"as_of":"2026-09-10","data":{"a":[1,null],"b":"õ"},"record_id":"00000000-0000-0000-0000-000000000007","record_type":"pupil","v":1,"version":3}"#
        );
        assert!(leaf_text(id, "pupil", 3, day, &json!({ "load": 0.5 })).is_err(), "a float has no one form");
    }

    #[test]
    fn a_salt_of_any_length_is_a_key_of_hmac_sha256() {
        // RFC 4231, test cases 1, 2 and 6: keys of 20, 4 and 131 bytes.
        let long = "Test Using Larger Than Block-Size Key - Hash Key First";
        for (key, message, expected) in [
            (vec![0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (vec![0xaa; 131], long, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        ] {
            assert_eq!(hex(&hmac(&key, message.as_bytes())), expected);
            assert_eq!(leaf_hash(&key, message), tree::leaf_hash(&hmac(&key, message.as_bytes())));
        }
    }

    #[test]
    fn a_snapshot_of_nothing_has_the_hash_of_nothing_and_proves_nothing() {
        assert_eq!(hex(&root(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(inclusion(&[], Uuid::nil()), None);
        assert!(!verify_inclusion(&root(&[]), 0, 0, &[0; 32], &[]));
    }

    #[test]
    fn the_salt_of_one_record_opens_no_other() {
        let [one, other] = [1, 2].map(|id| salt_of(b"secret", Uuid::from_u128(id)));
        assert_ne!(one, other);
        assert_ne!(leaf_hash(&one, "text"), leaf_hash(&other, "text"));
        assert_ne!(salt_of(b"another", Uuid::from_u128(1)), one);
    }

    #[test]
    fn a_school_of_fifteen_hundred_is_sealed_and_any_of_its_records_is_proved() {
        let records: Vec<Record> = (0..1500)
            .map(|id| Record { id: Uuid::from_u128(id), kind: "pupil".into(), version: 1, data: json!({}) })
            .collect();
        let leaves = leaves(&records);
        let root = root(&leaves);
        for id in [0, 1, 767, 1023, 1024, 1498, 1499] {
            let (index, proof) = inclusion(&leaves, Uuid::from_u128(id)).unwrap();
            assert_eq!(u128::from(index), id);
            assert!(
                proof.len() <= 11 && verify_inclusion(&root, 1500, index, &records[id as usize].leaf().hash, &proof)
            );
        }
        assert_eq!(inclusion(&leaves, Uuid::from_u128(1500)), None);
    }

    proptest! {
        #[test]
        fn any_order_of_the_records_has_the_same_root(
            (one, other) in vec(record(), 0..20).prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
        ) {
            prop_assert_eq!(root(&leaves(&one)), root(&leaves(&other)));
        }

        #[test]
        fn whatever_changes_in_the_records_changes_the_root(
            records in vec(record(), 1..20), at in any::<Index>(), another in record(),
        ) {
            let before = root(&leaves(&records));
            let at = at.index(records.len());
            let changed = |change: &dyn Fn(&mut Record)| {
                let mut records = records.clone();
                change(&mut records[at]);
                root(&leaves(&records))
            };
            prop_assert_ne!(changed(&|r| r.id = another.id), before);
            prop_assert_ne!(changed(&|r| r.kind.push('s')), before);
            prop_assert_ne!(changed(&|r| r.version += 1), before);
            prop_assert_ne!(changed(&|r| r.data["grade"] = json!(12)), before);
            prop_assert_ne!(changed(&|r| r.data["more"] = Value::Null), before);
            let mut fewer = records.clone();
            fewer.remove(at);
            prop_assert_ne!(root(&leaves(&fewer)), before);
            let mut more = records;
            more.push(another);
            prop_assert_ne!(root(&leaves(&more)), before);
        }

        #[test]
        fn every_record_is_proved_by_its_own_proof_and_by_no_other(records in vec(record(), 1..24)) {
            let leaves = leaves(&records);
            let (root, size) = (root(&leaves), u64::try_from(leaves.len()).unwrap());
            let proofs: Vec<_> = leaves.iter().map(|leaf| inclusion(&leaves, leaf.record_id).unwrap()).collect();
            for (leaf, (index, proof)) in leaves.iter().zip(&proofs) {
                for (other, (elsewhere, another)) in leaves.iter().zip(&proofs) {
                    let is_itself = other.record_id == leaf.record_id;
                    prop_assert_eq!(verify_inclusion(&root, size, *index, &other.hash, proof), is_itself);
                    prop_assert_eq!(verify_inclusion(&root, size, *elsewhere, &leaf.hash, another), is_itself);
                }
                let mut longer = proof.clone();
                longer.push(leaf.hash);
                prop_assert!(!verify_inclusion(&root, size, *index, &leaf.hash, &longer));
                prop_assert!(!verify_inclusion(&leaf_hash(b"x", "another root"), size, *index, &leaf.hash, proof));
            }
        }
    }
}
