//! What may be looked at without a log entry is for the program alone.
use andmekogu::store::Sealed;

fn main() {
    let _ = Sealed::unlogged("a name"); //~ E0624
}
