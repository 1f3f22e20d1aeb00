//! Leave to read is no leave to change.
use andmekogu::store::acts::records::Amendment;
use andmekogu::store::guard::RecordRead;
use andmekogu::store::read::records::RecordView;
use andmekogu::store::{Error, Sealed, WriteTx};

fn change<'tx>(tx: &mut WriteTx<'tx>, data: &Amendment) -> Result<Sealed<'tx, RecordView>, Error> {
    let permit = tx.authorize_record::<RecordRead>("r", "t", Default::default(), None, None)?;
    tx.record_change(permit, data) //~ E0308
}

fn main() {
    let _ = change;
}
