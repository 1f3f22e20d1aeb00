//! What is sealed cannot be looked into before its log entry is durable.
use andmekogu::store::guard::RecordRead;
use andmekogu::store::read::records::RecordView;
use andmekogu::store::{Error, Sealed, Tx};

fn peek<'tx>(tx: &mut Tx<'tx>) -> Result<Sealed<'tx, RecordView>, Error> {
    let permit = tx.authorize_record::<RecordRead>("r", "t", Default::default(), None, None)?;
    let sealed = tx.record_read(permit, None, None)?;
    println!("{}", sealed.data); //~ E0609
    Ok(sealed)
}

fn main() {
    let _ = peek;
}
