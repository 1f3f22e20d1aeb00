//! What is sealed cannot be serialised or printed.
use andmekogu::store::Sealed;
use andmekogu::store::read::records::RecordView;

fn leak(sealed: &Sealed<'_, RecordView>) -> String {
    serde_json::to_string(sealed).unwrap()
}

fn print(sealed: &Sealed<'_, RecordView>) {
    println!("{sealed:?}");
}

fn main() {
    let _ = (leak, print);
}
