//! The Merkle tree of a register's log: roots, inclusion proofs and consistency proofs.
//!
//! The tree is that of RFC 6962 section 2.1 (the same in RFC 9162 section 2.1): SHA-256, leaves
//! hashed with the prefix 0x00, interior nodes with 0x01, a tree of n leaves split at the largest
//! power of two below n. Nothing here keeps the tree. Whoever does hands in a *lookup* from a
//! perfect subtree to its hash, or fetches beforehand what [`needed_for_inclusion`] and
//! [`needed_for_consistency`] name.
//!
//! A store keeps the leaf hashes and every [`STORED_LEVEL_STEP`]th level above them; [`descend`]
//! and [`fold_perfect`] give any other perfect subtree from at most 128 of those.

use sha2::{Digest, Sha256};
use std::ops::Range;
use thiserror::Error;

/// A SHA-256 digest: 32 bytes.
pub type Hash = [u8; 32];

/// The distance between two stored levels. 8 is the height of a C2SP tlog-tiles tile: 256 hashes.
pub const STORED_LEVEL_STEP: u32 = 8;

/// The largest number of leaves a log may have: 2^63 − 1, what a signed 64-bit column can hold.
pub const MAX_SIZE: u64 = i64::MAX.unsigned_abs();

/// Whether a store keeps the interior nodes of this level: 8, 16, 24 … Level 0, the leaf hashes, is
/// kept with the leaves and counts as no interior level.
#[must_use]
pub const fn is_stored(level: u32) -> bool {
    level > 0 && level.is_multiple_of(STORED_LEVEL_STEP)
}

/// The hash of a leaf: SHA-256(0x00 ‖ `entry`) (RFC 6962 section 2.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into()
}

/// The hash of an interior node: SHA-256(0x01 ‖ `left` ‖ `right`) (RFC 6962 section 2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([0x01]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1).
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The name of a perfect subtree: the one over the leaves `index << level` up to, not including,
/// `(index + 1) << level`. Once those leaves exist its hash never changes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subtree {
    /// The height: 0 is a single leaf; a subtree of level n has 2^n leaves.
    pub level: u32,
    /// The zero-based position among the subtrees of that level, from the left.
    pub index: u64,
}

/// The stored nodes that compose a perfect subtree, from left to right: `(stored_level, indices)`,
/// where the level is the nearest stored one at or below (0, the leaf hashes, counts as stored).
/// There are 1, 2, 4 … or 128 of them; [`fold_perfect`] over their hashes is the subtree's hash.
///
/// The names are meaningful for subtrees of a log of at most [`MAX_SIZE`] leaves.
#[must_use]
pub fn descend(subtree: Subtree) -> (u32, Range<u64>) {
    let above = subtree.level % STORED_LEVEL_STEP;
    let width = 1_u64 << above;
    let first = subtree.index.saturating_mul(width);
    (subtree.level - above, first..first.saturating_add(width))
}

/// The hash of the perfect subtree whose equal parts, from left to right, have these hashes. `None`
/// unless their number is a power of two (one is: it is its own hash).
#[must_use]
pub fn fold_perfect(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.pop()
}

/// The perfect subtrees that make up a tree of `size` leaves, from left to right, thus from the
/// largest to the smallest: one for each bit set in `size`.
pub fn peaks(size: u64) -> impl Iterator<Item = Subtree> {
    peaks_from(0, size)
}

/// The perfect subtrees that make up the `count` leaves from `start` on. They are subtrees of the
/// whole only if `start` is a multiple of a power of two not below `count`, as in every part of an
/// RFC 6962 tree.
fn peaks_from(start: u64, count: u64) -> impl Iterator<Item = Subtree> {
    (0..u64::BITS).rev().filter(move |level| (count >> level) & 1 == 1).map(move |level| {
        let before = (count >> level) & !1;
        Subtree { level, index: (start >> level) + before }
    })
}

/// The root over perfect subtrees of falling size, given from left to right; `None` for none.
fn fold_peaks<'a>(peaks: impl DoubleEndedIterator<Item = &'a Hash>) -> Option<Hash> {
    peaks.rev().copied().reduce(|right, left| node_hash(&left, &right))
}

/// Why bytes are no frontier, or a subtree can't be appended to one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrontierError {
    /// The bytes aren't an 8-byte size followed by one 32-byte hash per bit set in it.
    #[error("the frontier is not {expected} bytes long but {found}")]
    Length {
        /// The length that the size field asks for; 8 if there is no size field.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// The tree would exceed [`MAX_SIZE`] leaves.
    #[error("a log holds at most 2^63 - 1 entries")]
    TooLarge,
    /// The tree's size is no multiple of the subtree's, so that the subtree would not be one of the
    /// tree.
    #[error("a subtree of level {level} can't follow {size} leaves")]
    Unaligned {
        /// The level of the subtree.
        level: u32,
        /// The size of the tree, in leaves.
        size: u64,
    },
}

/// All that a log has to remember in order to grow: its size and the hashes of its [`peaks`].
///
/// At most 63 hashes. Appending costs one [`node_hash`] on average.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    /// The number of leaves, at most [`MAX_SIZE`] in any log that can be.
    size: u64,
    /// The hashes of `peaks(size)`, in that order.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a log without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// The frontier of the first `size` leaves of a tree kept elsewhere. `lookup` is asked for each
    /// of [`peaks`]`(size)` once, from left to right.
    ///
    /// # Errors
    /// The first error of `lookup`.
    pub fn from_subtrees<E>(size: u64, lookup: &mut impl FnMut(Subtree) -> Result<Hash, E>) -> Result<Self, E> {
        let peaks = peaks(size).map(lookup).collect::<Result<_, _>>()?;
        Ok(Self { size, peaks })
    }

    /// The number of leaves; the zero-based index of the next one.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf, given by its hash ([`leaf_hash`]).
    ///
    /// `on_complete` is called for every perfect subtree of two or more leaves that this leaf
    /// completes, from the lowest level up, with its hash; a store keeps those whose level
    /// [`is_stored`].
    pub fn push(&mut self, leaf_hash: Hash, on_complete: impl FnMut(Subtree, Hash)) {
        self.append(0, leaf_hash, on_complete);
    }

    /// Appends a whole perfect subtree of 2^`level` leaves at once, given by its hash: the same as
    /// pushing its leaves one by one. So several workers can hash the parts of a log side by side.
    ///
    /// # Errors
    /// [`FrontierError::Unaligned`] unless the size is a multiple of 2^`level`;
    /// [`FrontierError::TooLarge`] beyond [`MAX_SIZE`] leaves. The frontier is then unchanged.
    pub fn push_subtree(&mut self, level: u32, hash: Hash) -> Result<(), FrontierError> {
        self.push_subtree_with(level, hash, |_, _| {})
    }

    /// As [`Frontier::push_subtree`], and calls `on_complete` as [`Frontier::push`] does, for every
    /// perfect subtree *above* the one appended.
    ///
    /// # Errors
    /// Those of [`Frontier::push_subtree`].
    pub fn push_subtree_with(
        &mut self,
        level: u32,
        hash: Hash,
        on_complete: impl FnMut(Subtree, Hash),
    ) -> Result<(), FrontierError> {
        let added = 1_u64.checked_shl(level).ok_or(FrontierError::TooLarge)?;
        if !self.size.is_multiple_of(added) {
            return Err(FrontierError::Unaligned { level, size: self.size });
        }
        if self.size.checked_add(added).is_none_or(|size| size > MAX_SIZE) {
            return Err(FrontierError::TooLarge);
        }
        self.append(level, hash, on_complete);
        Ok(())
    }

    /// Appends a subtree that is aligned and fits.
    fn append(&mut self, level: u32, mut hash: Hash, mut on_complete: impl FnMut(Subtree, Hash)) {
        let mut subtree = Subtree { level, index: self.size >> level };
        // A right child completes its parent, whose left child is then the last peak.
        while subtree.index & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = node_hash(&left, &hash);
            subtree = Subtree { level: subtree.level + 1, index: subtree.index >> 1 };
            on_complete(subtree, hash);
        }
        self.peaks.push(hash);
        self.size += 1 << level;
    }

    /// The root hash over all leaves so far (RFC 6962 section 2.1, `MTH`).
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_peaks(self.peaks.iter()).unwrap_or_else(empty_root)
    }

    /// The frontier as bytes: the size as 8 bytes, big end first, then the peaks, 32 bytes each,
    /// from left to right. At most 2,024 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 32 * self.peaks.len());
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(self.peaks.as_flattened());
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote. The hashes themselves can't be checked here:
    /// compare [`Frontier::root`] with a signed checkpoint.
    ///
    /// # Errors
    /// [`FrontierError::Length`] or [`FrontierError::TooLarge`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let found = bytes.len();
        let Some((size, hashes)) = bytes.split_first_chunk() else {
            return Err(FrontierError::Length { expected: 8, found });
        };
        let size = u64::from_be_bytes(*size);
        if size > MAX_SIZE {
            return Err(FrontierError::TooLarge);
        }
        let (hashes, rest) = hashes.as_chunks();
        let expected = 8 + 32 * peaks(size).count();
        if expected != found || !rest.is_empty() {
            return Err(FrontierError::Length { expected, found });
        }
        Ok(Self { size, peaks: hashes.to_vec() })
    }
}

/// The root hash of the first `size` leaves of a tree (RFC 6962 section 2.1, `MTH`). `lookup` is
/// asked for each of [`peaks`]`(size)` once, from left to right; for an empty tree it isn't asked.
///
/// # Errors
/// The first error of `lookup`.
pub fn root_at<E>(size: u64, lookup: &mut impl FnMut(Subtree) -> Result<Hash, E>) -> Result<Hash, E> {
    Ok(Frontier::from_subtrees(size, lookup)?.root())
}

/// Why a proof could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofError<E> {
    /// The leaf isn't in a tree of that size, or the older tree is larger than the newer one.
    #[error("no proof of {first} exists in a log of {size} entries")]
    Range {
        /// The leaf's index, or the size of the older tree.
        first: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The lookup failed for a subtree that the proof needs.
    #[error("a part of the log could not be read")]
    Lookup(#[source] E),
}

/// A run of leaves that RFC 6962's recursion visits: the whole tree, or one side of a part's split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    /// The index of the first leaf.
    start: u64,
    /// The number of leaves, at least 1 in a tree that has any.
    count: u64,
}

impl Part {
    /// The index after the last leaf.
    const fn end(self) -> u64 {
        self.start + self.count
    }

    /// The two sides of the split at the largest power of two below `count`, which must be at least
    /// 2.
    fn halves(self) -> (Self, Self) {
        let left = 1 << (self.count - 1).ilog2();
        (Self { start: self.start, count: left }, Self { start: self.start + left, count: self.count - left })
    }

    /// The perfect subtrees that make it up, from left to right.
    fn peaks(self) -> impl Iterator<Item = Subtree> {
        peaks_from(self.start, self.count)
    }
}

/// The part that each line of an inclusion proof hashes, in the proof's order: from the leaf
/// towards the root (RFC 9162 section 2.1.3.1, `PATH`). `None` unless `index < size`.
fn inclusion_parts(index: u64, size: u64) -> Option<Vec<Part>> {
    if index >= size {
        return None;
    }
    let mut parts = Vec::new();
    let mut tree = Part { start: 0, count: size };
    while tree.count > 1 {
        let (left, right) = tree.halves();
        let (inside, outside) = if index < right.start { (left, right) } else { (right, left) };
        parts.push(outside);
        tree = inside;
    }
    parts.reverse();
    Some(parts)
}

/// The part that each line of a consistency proof hashes, in the proof's order (RFC 9162 section
/// 2.1.4.1, `SUBPROOF`). `None` unless `from <= to`. Trees of equal size and the empty older tree
/// need no proof.
fn consistency_parts(from: u64, to: u64) -> Option<Vec<Part>> {
    if from > to {
        return None;
    }
    let mut parts = Vec::new();
    if from > 0 {
        let mut tree = Part { start: 0, count: to };
        // `tree` holds the last leaf of the older tree, until it also ends with it.
        while tree.end() > from {
            let (left, right) = tree.halves();
            let (inside, outside) = if from <= right.start { (left, right) } else { (right, left) };
            parts.push(outside);
            tree = inside;
        }
        // The verifier knows the hash of the whole older tree, but not that of a part of it.
        if tree.start > 0 {
            parts.push(tree);
        }
    }
    parts.reverse();
    Some(parts)
}

/// The hashes of these parts, or the range error if there are none to be had.
fn prove<E>(
    parts: Option<Vec<Part>>,
    (first, size): (u64, u64),
    lookup: &mut impl FnMut(Subtree) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProofError<E>> {
    let hash = |part: Part| {
        let hashes = part.peaks().map(&mut *lookup).collect::<Result<Vec<_>, E>>()?;
        Ok(fold_peaks(hashes.iter()).unwrap_or_else(empty_root))
    };
    let parts = parts.ok_or(ProofError::Range { first, size })?;
    parts.into_iter().map(hash).collect::<Result<_, _>>().map_err(ProofError::Lookup)
}

/// The proof that the leaf at `index` is in the tree of the first `size` leaves: the hashes beside
/// its path, from the leaf towards the root (RFC 6962 section 2.1.1, RFC 9162 section 2.1.3.1). At
/// most 63 for a log of at most [`MAX_SIZE`] leaves.
///
/// `lookup` is asked for each subtree of [`needed_for_inclusion`] once, in that order.
///
/// # Errors
/// [`ProofError::Range`] unless `index < size`; [`ProofError::Lookup`] with the first error of
/// `lookup`.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    lookup: &mut impl FnMut(Subtree) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProofError<E>> {
    prove(inclusion_parts(index, size), (index, size), lookup)
}

/// The proof that the tree of the first `from` leaves is the beginning of the tree of the first
/// `to` leaves (RFC 6962 section 2.1.2, RFC 9162 section 2.1.4.1). It has no line if `from` is 0 or
/// equals `to`.
///
/// `lookup` is asked for each subtree of [`needed_for_consistency`] once, in that order.
///
/// # Errors
/// [`ProofError::Range`] unless `from <= to`; [`ProofError::Lookup`] with the first error of
/// `lookup`.
pub fn consistency_proof<E>(
    from: u64,
    to: u64,
    lookup: &mut impl FnMut(Subtree) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProofError<E>> {
    prove(consistency_parts(from, to), (from, to), lookup)
}

/// The perfect subtrees whose hashes [`inclusion_proof`] looks up, in that order and each once:
/// what to fetch beforehand, at most 126 in all. None if no such proof exists.
#[must_use]
pub fn needed_for_inclusion(index: u64, size: u64) -> Vec<Subtree> {
    inclusion_parts(index, size).into_iter().flatten().flat_map(Part::peaks).collect()
}

/// The perfect subtrees whose hashes [`consistency_proof`] looks up, in that order and each once:
/// what to fetch beforehand, at most 126 in all. None if the proof has no line or doesn't exist.
#[must_use]
pub fn needed_for_consistency(from: u64, to: u64) -> Vec<Subtree> {
    consistency_parts(from, to).into_iter().flatten().flat_map(Part::peaks).collect()
}

/// Why a proof does not prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The leaf isn't in a tree of that size, or the older tree is larger than the newer one.
    #[error("the proof is for something outside the log")]
    Range,
    /// The proof has too few or too many hashes for these sizes.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// The proof leads to another root than the one given (for consistency: the newer one).
    #[error("the proof leads to another root")]
    Root,
    /// The proof leads to another root of the older tree than the one given.
    #[error("the proof leads to another root of the older log")]
    OldRoot,
}

/// Checks that the tree of `size` leaves with this `root` has the leaf of this hash at `index` (RFC
/// 9162 section 2.1.3.2). `size` and `root` must come from a checkpoint that is trusted.
///
/// # Errors
/// [`VerifyError`]: the proof does not prove it.
pub fn verify_inclusion(
    leaf_hash: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), VerifyError> {
    if index >= size {
        return Err(VerifyError::Range);
    }
    // The node reached so far and the last node, both as indices within their level.
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf_hash;
    for sibling in proof {
        if last == 0 {
            return Err(VerifyError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            (node, last) = skip_lone(node, last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(VerifyError::Length);
    }
    if hash == *root { Ok(()) } else { Err(VerifyError::Root) }
}

/// Climbs from a last node without a right sibling to the level where it is a right child, since
/// such a node passes upward unhashed. A right child stays where it is.
const fn skip_lone(mut node: u64, mut last: u64) -> (u64, u64) {
    while node & 1 == 0 && node != 0 {
        (node, last) = (node >> 1, last >> 1);
    }
    (node, last)
}

/// Checks that the tree of `from` leaves with the root `from_root` is the beginning of the tree of
/// `to` leaves with the root `to_root` (RFC 9162 section 2.1.4.2). Beyond the RFC, an equal size
/// takes an empty proof and equal roots, and the empty tree is the beginning of every tree: an
/// empty proof and [`empty_root`].
///
/// # Errors
/// [`VerifyError`]: the proof does not prove it.
pub fn verify_consistency(
    from: u64,
    to: u64,
    from_root: &Hash,
    to_root: &Hash,
    proof: &[Hash],
) -> Result<(), VerifyError> {
    if from > to {
        return Err(VerifyError::Range);
    }
    if from == 0 && *from_root != empty_root() {
        return Err(VerifyError::OldRoot);
    }
    if from == 0 || from == to {
        return match proof {
            [_, ..] => Err(VerifyError::Length),
            [] if from == to && from_root != to_root => Err(VerifyError::Root),
            [] => Ok(()),
        };
    }
    // An older tree that is a perfect subtree is itself the start; otherwise the proof begins with
    // it.
    let (start, proof) =
        if from.is_power_of_two() { (from_root, proof) } else { proof.split_first().ok_or(VerifyError::Length)? };
    // The node reached so far and the last node, both as indices within their level.
    let climbed = (from - 1).trailing_ones();
    let (mut node, mut last) = ((from - 1) >> climbed, (to - 1) >> climbed);
    let (mut old, mut new) = (*start, *start);
    for sibling in proof {
        if last == 0 {
            return Err(VerifyError::Length);
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            (node, last) = skip_lone(node, last);
        } else {
            new = node_hash(&new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        Err(VerifyError::Length)
    } else if old != *from_root {
        Err(VerifyError::OldRoot)
    } else if new != *to_root {
        Err(VerifyError::Root)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::convert::Infallible;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        assert_eq!(text.len(), 2 * N);
        std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
    }

    fn hashes(text: &[&str]) -> Vec<Hash> {
        text.iter().map(|line| hex(line)).collect()
    }

    /// The eight leaves of Certificate Transparency's reference tests (transparency-dev/merkle,
    /// testonly).
    fn known_leaves() -> Vec<Vec<u8>> {
        vec![
            vec![],
            vec![0x00],
            vec![0x10],
            vec![0x20, 0x21],
            vec![0x30, 0x31],
            (0x40..0x44).collect(),
            (0x50..0x58).collect(),
            (0x60..0x70).collect(),
        ]
    }

    /// The roots of the trees of the first 1, 2 … 8 of [`known_leaves`].
    const KNOWN_ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    /// A tree that keeps everything, as the reader of an archive would.
    struct Kept {
        nodes: HashMap<Subtree, Hash>,
        frontier: Frontier,
    }

    impl Kept {
        fn of(leaves: impl IntoIterator<Item = Hash>) -> Self {
            let mut kept = Self { nodes: HashMap::new(), frontier: Frontier::new() };
            for leaf in leaves {
                kept.nodes.insert(Subtree { level: 0, index: kept.frontier.size() }, leaf);
                kept.frontier.push(leaf, |subtree, hash| {
                    assert!(subtree.level > 0);
                    assert_eq!(kept.nodes.insert(subtree, hash), None);
                });
            }
            kept
        }

        /// `size` leaves that all differ.
        fn numbered(size: u64) -> Self {
            Self::of((0..size).map(numbered_leaf))
        }

        fn lookup(&self) -> impl FnMut(Subtree) -> Result<Hash, String> {
            |subtree| self.nodes.get(&subtree).copied().ok_or_else(|| format!("no {subtree:?}"))
        }

        fn root(&self, size: u64) -> Hash {
            root_at(size, &mut self.lookup()).unwrap()
        }

        fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
            inclusion_proof(index, size, &mut self.lookup()).unwrap()
        }

        fn consistency(&self, from: u64, to: u64) -> Vec<Hash> {
            consistency_proof(from, to, &mut self.lookup()).unwrap()
        }
    }

    fn numbered_leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    fn oracle(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
        let mut tree = MemoryBackedTree::new();
        (0..size).for_each(|index| tree.push(index.to_be_bytes().to_vec()));
        tree
    }

    /// RFC 6962 section 2.1, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => *leaf,
            _ => {
                let mut k = 1;
                while 2 * k < leaves.len() {
                    k *= 2;
                }
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    /// RFC 6962 section 2.1.1, word for word.
    fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return vec![];
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut proof, last) = if index < k {
            (path(index, &leaves[..k]), mth(&leaves[k..]))
        } else {
            (path(index - k, &leaves[k..]), mth(&leaves[..k]))
        };
        proof.push(last);
        proof
    }

    /// RFC 6962 section 2.1.2, word for word.
    fn subproof(from: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if from == leaves.len() {
            return if whole { vec![] } else { vec![mth(leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut proof, last) = if from <= k {
            (subproof(from, &leaves[..k], whole), mth(&leaves[k..]))
        } else {
            (subproof(from - k, &leaves[k..], false), mth(&leaves[..k]))
        };
        proof.push(last);
        proof
    }

    #[test]
    fn known_roots() {
        assert_eq!(empty_root(), hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        let leaves: Vec<Hash> = known_leaves().iter().map(|leaf| leaf_hash(leaf)).collect();
        let kept = Kept::of(leaves.iter().copied());
        let mut frontier = Frontier::new();
        assert_eq!((frontier.size(), frontier.root()), (0, empty_root()));
        for (size, root) in (1..).zip(KNOWN_ROOTS) {
            frontier.push(leaves[size - 1], |_, _| {});
            assert_eq!(frontier.root(), hex(root));
            assert_eq!(kept.root(size as u64), hex(root));
        }
    }

    #[test]
    fn known_inclusion_proofs() {
        let leaves: Vec<Hash> = known_leaves().iter().map(|leaf| leaf_hash(leaf)).collect();
        let kept = Kept::of(leaves.iter().copied());
        let known: [(u64, u64, &[&str]); 6] = [
            (0, 1, &[]),
            (0, 2, &["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"]),
            (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
            (
                1,
                5,
                &[
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
            (
                0,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
        ];
        for (index, size, proof) in known {
            let proof = hashes(proof);
            assert_eq!(kept.inclusion(index, size), proof, "{index} in {size}");
            let root = hex(KNOWN_ROOTS[size as usize - 1]);
            assert_eq!(verify_inclusion(&leaves[index as usize], index, size, &proof, &root), Ok(()));
        }
    }

    #[test]
    fn known_consistency_proofs() {
        let kept = Kept::of(known_leaves().iter().map(|leaf| leaf_hash(leaf)));
        let known: [(u64, u64, &[&str]); 4] = [
            (1, 1, &[]),
            (
                1,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                2,
                5,
                &[
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
            (
                6,
                8,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
        ];
        for (from, to, proof) in known {
            let proof = hashes(proof);
            assert_eq!(kept.consistency(from, to), proof, "{from} to {to}");
            let (old, new) = (hex(KNOWN_ROOTS[from as usize - 1]), hex(KNOWN_ROOTS[to as usize - 1]));
            assert_eq!(verify_consistency(from, to, &old, &new, &proof), Ok(()));
        }
    }

    #[test]
    fn small_trees_follow_the_letter_of_rfc_6962() {
        const SIZE: u64 = 40;
        let leaves: Vec<Hash> = (0..SIZE).map(numbered_leaf).collect();
        let kept = Kept::numbered(SIZE);
        for to in 0..=SIZE {
            let first = &leaves[..to as usize];
            let root = mth(first);
            assert_eq!(kept.root(to), root);
            for index in 0..to {
                let proof = kept.inclusion(index, to);
                assert_eq!(proof, path(index as usize, first), "{index} in {to}");
                assert_eq!(verify_inclusion(&leaves[index as usize], index, to, &proof, &root), Ok(()));
            }
            for from in 1..=to {
                let proof = kept.consistency(from, to);
                assert_eq!(proof, subproof(from as usize, first, true), "{from} to {to}");
                assert_eq!(verify_consistency(from, to, &kept.root(from), &root, &proof), Ok(()));
            }
            assert!(kept.consistency(0, to).is_empty());
            assert_eq!(verify_consistency(0, to, &empty_root(), &root, &[]), Ok(()));
        }
    }

    #[test]
    fn what_is_outside_the_log_has_no_proof() {
        let kept = Kept::numbered(5);
        let range = |first, size| Err(ProofError::Range { first, size });
        assert_eq!(inclusion_proof(5, 5, &mut kept.lookup()), range(5, 5));
        assert_eq!(inclusion_proof(0, 0, &mut kept.lookup()), range(0, 0));
        assert_eq!(consistency_proof(6, 5, &mut kept.lookup()), range(6, 5));
        assert_eq!(
            inclusion_proof(0, 8, &mut kept.lookup()),
            Err(ProofError::Lookup("no Subtree { level: 2, index: 1 }".into()))
        );
        assert!(root_at(6, &mut kept.lookup()).is_err());
        assert!(needed_for_inclusion(5, 5).is_empty());
        assert!(needed_for_consistency(6, 5).is_empty());
        let root = kept.root(5);
        assert_eq!(verify_inclusion(&root, 0, 0, &[], &root), Err(VerifyError::Range));
        assert_eq!(verify_inclusion(&root, 5, 5, &[], &root), Err(VerifyError::Range));
        assert_eq!(verify_consistency(6, 5, &root, &root, &[]), Err(VerifyError::Range));
        assert_eq!(verify_consistency(0, 5, &root, &root, &[]), Err(VerifyError::OldRoot));
        assert_eq!(verify_consistency(0, 5, &empty_root(), &root, &[root]), Err(VerifyError::Length));
        assert_eq!(verify_consistency(5, 5, &root, &root, &[root]), Err(VerifyError::Length));
        assert_eq!(verify_consistency(5, 5, &root, &empty_root(), &[]), Err(VerifyError::Root));
        assert_eq!(verify_consistency(3, 5, &root, &root, &[]), Err(VerifyError::Length));
    }

    #[test]
    fn the_largest_numbers_do_no_harm() {
        for size in [MAX_SIZE, u64::MAX - 1, u64::MAX, 1 << 63] {
            for first in [0, 1, size / 2, size - 1, size, u64::MAX] {
                let mut zero = |_: Subtree| Ok::<Hash, Infallible>([0; 32]);
                assert_eq!(inclusion_proof(first, size, &mut zero).is_ok(), first < size);
                assert_eq!(consistency_proof(first, size, &mut zero).is_ok(), first <= size);
                assert!(needed_for_inclusion(first, size).len() <= 127);
                assert!(needed_for_consistency(first, size).len() <= 127);
                assert!(verify_inclusion(&[0; 32], first, size, &[[0; 32]; 80], &[0; 32]).is_err());
                assert!(verify_consistency(first, size, &[0; 32], &[1; 32], &[[0; 32]; 80]).is_err());
            }
        }
        let widest = Subtree { level: u32::MAX, index: u64::MAX };
        assert!(descend(widest).1.count() <= 128);
    }

    /// Every copy of `hashes` in which one bit differs.
    fn flips(hashes: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
        (0..hashes.len() * 256).map(|bit| {
            let mut copy = hashes.to_vec();
            copy[bit / 256][bit / 8 % 32] ^= 1 << (bit % 8);
            copy
        })
    }

    #[test]
    fn every_flipped_bit_of_an_inclusion_proof_is_refused() {
        let kept = Kept::numbered(37);
        for (index, size) in [(0, 1), (0, 2), (3, 5), (4, 5), (6, 7), (17, 32), (36, 37), (9, 37)] {
            let (leaf, root) = (numbered_leaf(index), kept.root(size));
            let proof = kept.inclusion(index, size);
            for flipped in flips(&proof) {
                let verdict = verify_inclusion(&leaf, index, size, &flipped, &root);
                assert_eq!(verdict, Err(VerifyError::Root));
            }
            for flipped in flips(&[leaf, root]) {
                let (leaf, root) = if flipped[0] == leaf { (leaf, flipped[1]) } else { (flipped[0], root) };
                let verdict = verify_inclusion(&leaf, index, size, &proof, &root);
                assert_eq!(verdict, Err(VerifyError::Root));
            }
            for line in 0..proof.len() {
                let mut short = proof.clone();
                short.remove(line);
                assert!(verify_inclusion(&leaf, index, size, &short, &root).is_err());
            }
            let long = [&proof[..], &[root]].concat();
            assert_eq!(verify_inclusion(&leaf, index, size, &long, &root), Err(VerifyError::Length));
            for other in (0..size).filter(|other| *other != index) {
                assert!(verify_inclusion(&leaf, other, size, &proof, &root).is_err(), "{other}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_of_a_consistency_proof_is_refused() {
        let kept = Kept::numbered(37);
        for (from, to) in [(1, 2), (3, 5), (4, 5), (6, 8), (7, 8), (8, 37), (31, 37), (36, 37)] {
            let (old, new) = (kept.root(from), kept.root(to));
            let proof = kept.consistency(from, to);
            for flipped in flips(&proof) {
                assert!(verify_consistency(from, to, &old, &new, &flipped).is_err());
            }
            for flipped in flips(&[old, new]) {
                assert!(verify_consistency(from, to, &flipped[0], &flipped[1], &proof).is_err());
            }
            for line in 0..proof.len() {
                let mut short = proof.clone();
                short.remove(line);
                assert!(verify_consistency(from, to, &old, &new, &short).is_err());
            }
            let long = [&proof[..], &[new]].concat();
            assert_eq!(verify_consistency(from, to, &old, &new, &long), Err(VerifyError::Length));
        }
    }

    #[test]
    fn a_rewritten_history_is_never_consistent() {
        let honest = Kept::numbered(20);
        for changed in 0..13 {
            let forged = Kept::of((0..20).map(|i| numbered_leaf(if i == changed { 1000 } else { i })));
            let proof = forged.consistency(13, 20);
            assert!(verify_consistency(13, 20, &honest.root(13), &forged.root(20), &proof).is_err(), "{changed}");
        }
    }

    #[test]
    fn stored_levels_compose_every_subtree() {
        assert_eq!((0..=25).filter(|level| is_stored(*level)).collect::<Vec<_>>(), [8, 16, 24]);
        assert_eq!(descend(Subtree { level: 0, index: 9 }), (0, 9..10));
        assert_eq!(descend(Subtree { level: 7, index: 3 }), (0, 384..512));
        assert_eq!(descend(Subtree { level: 8, index: 3 }), (8, 3..4));
        assert_eq!(descend(Subtree { level: 13, index: 2 }), (8, 64..96));
        let kept = Kept::numbered(1 << 11);
        for (subtree, hash) in &kept.nodes {
            let (level, indices) = descend(*subtree);
            assert!(level == 0 || is_stored(level));
            let parts: Vec<Hash> = indices.map(|index| kept.nodes[&Subtree { level, index }]).collect();
            assert!(parts.len() <= 128);
            assert_eq!(fold_perfect(&parts), Some(*hash), "{subtree:?}");
        }
    }

    #[test]
    fn only_powers_of_two_fold() {
        let leaves: Vec<Hash> = (0..17).map(numbered_leaf).collect();
        for count in 0..=17 {
            let expected = matches!(count, 1 | 2 | 4 | 8 | 16).then(|| mth(&leaves[..count]));
            assert_eq!(fold_perfect(&leaves[..count]), expected);
        }
    }

    #[test]
    fn a_frontier_survives_as_bytes() {
        for size in [0, 1, 2, 3, 255, 256, 700] {
            let frontier = Kept::numbered(size).frontier;
            let bytes = frontier.to_bytes();
            assert_eq!(bytes[..8], size.to_be_bytes());
            assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier));
            for length in 0..bytes.len() {
                assert!(Frontier::from_bytes(&bytes[..length]).is_err());
            }
            let long = [&bytes[..], &[0]].concat();
            assert!(matches!(Frontier::from_bytes(&long), Err(FrontierError::Length { .. })));
        }
        let mut large = u64::MAX.to_be_bytes().to_vec();
        large.extend([0; 64 * 32]);
        assert_eq!(Frontier::from_bytes(&large), Err(FrontierError::TooLarge));
        let mut largest = MAX_SIZE.to_be_bytes().to_vec();
        largest.extend([0; 63 * 32]);
        let mut largest = Frontier::from_bytes(&largest).unwrap();
        assert_eq!(largest.to_bytes().len(), 2024);
        assert_eq!(largest.push_subtree(0, [0; 32]), Err(FrontierError::TooLarge));
        largest.push([0; 32], |_, _| {});
        assert_eq!(largest.size(), 1 << 63);
    }

    #[test]
    fn only_aligned_subtrees_are_appended() {
        let mut frontier = Kept::numbered(6).frontier;
        let before = frontier.clone();
        for level in 2..63 {
            assert_eq!(frontier.push_subtree(level, [0; 32]), Err(FrontierError::Unaligned { level, size: 6 }));
        }
        for level in [64, u32::MAX] {
            assert_eq!(frontier.push_subtree(level, [0; 32]), Err(FrontierError::TooLarge));
        }
        assert_eq!(frontier, before);
        assert_eq!(frontier.push_subtree(1, [0; 32]), Ok(()));
        assert_eq!(frontier.size(), 8);
        let mut empty = Frontier::new();
        assert_eq!(empty.push_subtree(63, [0; 32]), Err(FrontierError::TooLarge));
        assert_eq!(empty.push_subtree(62, [0; 32]), Ok(()));
        assert_eq!(empty.push_subtree(62, [0; 32]), Err(FrontierError::TooLarge));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn ct_merkle_agrees(size in 1_u64..600, pick in any::<[prop::sample::Index; 2]>()) {
            let (kept, oracle) = (Kept::numbered(size), oracle(size));
            let root = kept.root(size);
            let theirs: Hash = (*oracle.root().as_bytes()).into();
            prop_assert_eq!(root, theirs);
            prop_assert_eq!(kept.frontier.root(), root);

            let index = pick[0].index(size as usize);
            let theirs = oracle.prove_inclusion(index);
            let ours = kept.inclusion(index as u64, size);
            prop_assert_eq!(ours.as_flattened(), theirs.as_bytes());
            let leaf = numbered_leaf(index as u64);
            let verdict = verify_inclusion(&leaf, index as u64, size, &ours, &root);
            prop_assert_eq!(verdict, Ok(()));
            let ours = InclusionProof::<Sha256>::from_bytes(ours.concat());
            let value = (index as u64).to_be_bytes().to_vec();
            prop_assert!(oracle.root().verify_inclusion(&value, index as u64, &ours).is_ok());

            let from = 1 + pick[1].index(size as usize) as u64;
            let theirs = oracle.prove_consistency((size - from) as usize);
            let ours = kept.consistency(from, size);
            let old = kept.root(from);
            prop_assert_eq!(ours.as_flattened(), theirs.as_bytes());
            prop_assert_eq!(verify_consistency(from, size, &old, &root, &ours), Ok(()));
            let ours = ConsistencyProof::<Sha256>::try_from_bytes(ours.concat()).unwrap();
            let old = RootHash::<Sha256>::new(old.into(), from);
            prop_assert!(oracle.root().verify_consistency(&old, &ours).is_ok());
        }

        #[test]
        fn lookups_are_exactly_those_announced(
            size in 1_u64..5000,
            pick in any::<prop::sample::Index>(),
        ) {
            let first = pick.index(size as usize) as u64;
            let mut asked = Vec::new();
            let mut lookup = |subtree: Subtree| {
                asked.push(subtree);
                Ok::<Hash, Infallible>(numbered_leaf(subtree.index))
            };
            inclusion_proof(first, size, &mut lookup).unwrap();
            prop_assert_eq!(&asked, &needed_for_inclusion(first, size));
            asked.clear();
            let mut lookup = |subtree: Subtree| {
                asked.push(subtree);
                Ok::<Hash, Infallible>(numbered_leaf(subtree.index))
            };
            consistency_proof(first, size, &mut lookup).unwrap();
            prop_assert_eq!(&asked, &needed_for_consistency(first, size));
            for subtree in asked {
                prop_assert!((subtree.index + 1) << subtree.level <= size);
            }
        }

        #[test]
        fn a_frontier_goes_on_from_anywhere(size in 0_u64..400, more in 0_u64..400) {
            let whole = Kept::numbered(size + more);
            let mut frontier = Frontier::from_subtrees(size, &mut whole.lookup()).unwrap();
            prop_assert_eq!(frontier.root(), whole.root(size));
            for index in size..size + more {
                frontier.push(numbered_leaf(index), |subtree, hash| {
                    assert_eq!(whole.nodes[&subtree], hash);
                });
            }
            prop_assert_eq!(&frontier, &whole.frontier);
            prop_assert_eq!(Frontier::from_bytes(&frontier.to_bytes()), Ok(frontier));
        }

        #[test]
        fn workers_side_by_side_equal_one(size in 0_u64..1500, level in 0_u32..9) {
            let whole = Kept::numbered(size);
            let mut frontier = Frontier::new();
            let mut above = Vec::new();
            for index in 0..size >> level {
                let hash = whole.nodes[&Subtree { level, index }];
                let pushed = frontier.push_subtree_with(level, hash, |subtree, hash| {
                    above.push((subtree, hash));
                });
                prop_assert_eq!(pushed, Ok(()));
            }
            for index in (size >> level) << level..size {
                frontier.push(numbered_leaf(index), |_, _| {});
            }
            prop_assert_eq!(frontier, whole.frontier);
            let expected = whole.nodes.keys().filter(|node| node.level > level).count();
            prop_assert_eq!(above.len(), expected);
            for (subtree, hash) in above {
                prop_assert_eq!(whole.nodes[&subtree], hash);
            }
        }
    }
}
