//! A permit is minted by the store alone.
use andmekogu::store::Permit;
use andmekogu::store::guard::RecordRead;

fn main() {
    let _permit: Permit<'_, RecordRead> = Permit { act: std::marker::PhantomData }; //~ private fields
}
