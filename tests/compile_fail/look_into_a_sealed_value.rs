//! What is sealed cannot be looked into before its log entry is durable.
use andmekogu::store::guard::RecordRead;
use andmekogu::store::read::records::RecordView;
use andmekogu::store::{Error, Sealed, Tx};

fn peek<'tx>(tx: &mut Tx<'tx>, id: uuid::Uuid) -> Result<Sealed<'tx, RecordView>, Error> {
    let permit = tx.authorize_record::<RecordRead>("r", "t", id, None, None)?;
    let sealed = tx.record_read(permit, None, None)?;
    println!("{}", sealed.data);
    Ok(sealed)
}

fn main() {
    let _ = peek;
}
