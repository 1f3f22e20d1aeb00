//! A permit does not outlive its transaction.
use std::sync::Arc;

use andmekogu::store::guard::RecordRead;
use andmekogu::store::{ActContext, Permit, Store};

async fn keep(store: Arc<Store>, cx: ActContext) {
    let mut kept: Option<Permit<'_, RecordRead>> = None;
    let _ = store
        .disclose(cx, |tx| { //~ E0373
            kept = Some(tx.authorize_record::<RecordRead>("r", "t", Default::default(), None, None)?); //~ E0521
            tx.me()
        })
        .await;
    drop(kept); //~ E0505
}

fn main() {
    let _ = keep;
}
