//! A permit does not outlive its transaction.
use std::sync::Arc;

use andmekogu::store::guard::RecordRead;
use andmekogu::store::{ActContext, Permit, Store};

async fn keep(store: Arc<Store>, cx: ActContext, id: uuid::Uuid) {
    let mut kept: Option<Permit<'_, RecordRead>> = None;
    let _ = store
        .disclose(cx, |tx| {
            kept = Some(tx.authorize_record::<RecordRead>("r", "t", id, None, None)?);
            tx.me()
        })
        .await;
    drop(kept);
}

fn main() {
    let _ = keep;
}
