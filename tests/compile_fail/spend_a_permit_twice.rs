//! A permit is for one act.
use andmekogu::store::guard::RecordRead;
use andmekogu::store::{Error, Sealed, Tx};
use andmekogu::store::read::records::RecordView;

fn read<'tx>(tx: &mut Tx<'tx>) -> Result<Sealed<'tx, RecordView>, Error> {
    let permit = tx.authorize_record::<RecordRead>("r", "t", Default::default(), None, None)?;
    let _first = tx.record_read(permit, None, None)?;
    tx.record_read(permit, None, None) //~ E0382
}

fn main() {
    let _ = read;
}
