//! What the others misuse, used as it is meant: this compiles, so that they are refused for what they do.
use andmekogu::store::guard::RecordRead;
use andmekogu::store::read::records::RecordView;
use andmekogu::store::{Disclosed, Error, Sealed, Tx};

fn read<'tx>(tx: &mut Tx<'tx>) -> Result<Sealed<'tx, RecordView>, Error> {
    let permit = tx.authorize_record::<RecordRead>("r", "t", Default::default(), None, None)?;
    tx.record_read(permit, None, None)
}

fn print(disclosed: &Disclosed<RecordView>) -> String {
    serde_json::to_string(&disclosed.get().data).unwrap()
}

fn main() {
    let _ = (read, print);
}
