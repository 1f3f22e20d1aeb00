//! A permit is for one act.
use andmekogu::store::guard::RecordRead;
use andmekogu::store::{Error, Sealed, Tx};
use andmekogu::store::read::records::RecordView;

fn read<'tx>(tx: &mut Tx<'tx>, id: uuid::Uuid) -> Result<Sealed<'tx, RecordView>, Error> {
    let permit = tx.authorize_record::<RecordRead>("r", "t", id, None, None)?;
    let _first = tx.record_read(permit, None, None)?;
    tx.record_read(permit, None, None)
}

fn main() {
    let _ = read;
}
