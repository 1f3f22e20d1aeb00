//! Only the store discloses.
use andmekogu::store::Disclosed;

fn main() {
    let _ = Disclosed::new("a name"); //~ E0624
}
