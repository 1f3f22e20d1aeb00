//! Leave to read is no leave to change.
use andmekogu::store::acts::records::Amendment;
use andmekogu::store::guard::RecordRead;
use andmekogu::store::read::records::RecordView;
use andmekogu::store::{Error, Sealed, WriteTx};

fn change<'tx>(tx: &mut WriteTx<'tx>, id: uuid::Uuid, data: &Amendment) -> Result<Sealed<'tx, RecordView>, Error> {
    let permit = tx.authorize_record::<RecordRead>("r", "t", id, None, None)?;
    tx.record_change(permit, data)
}

fn main() {
    let _ = change;
}
