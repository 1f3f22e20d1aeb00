//! What is sealed cannot be serialised or printed.
use andmekogu::store::Sealed;
use andmekogu::store::read::records::RecordView;

fn leak(sealed: &Sealed<'_, RecordView>) -> String {
    serde_json::to_string(sealed).unwrap() //~ E0277
}

fn print(sealed: &Sealed<'_, RecordView>) {
    println!("{sealed:?}"); //~ E0277
}

fn main() {
    let _ = (leak, print);
}
