//! Where in a document a value stands. A chain on the stack, so that a sound document costs no text.

use std::fmt;

/// A JSON Pointer (RFC 6901); `Display` writes it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pointer<'p> {
    /// The whole document.
    Root,
    /// A member of an object.
    Key(&'p Pointer<'p>, &'p str),
    /// An item of a list.
    Item(&'p Pointer<'p>, usize),
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, name) => {
                write!(f, "{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Self::Item(parent, at) => write!(f, "{parent}/{at}"),
        }
    }
}

/// A key that sorts pointers as people read documents: row 2 before row 10.
pub(super) fn reading_order(pointer: &str) -> Vec<(usize, &str)> {
    let tokens = pointer.split('/').skip(1);
    tokens.map(|token| (token.parse().unwrap_or(usize::MAX), token)).collect()
}
