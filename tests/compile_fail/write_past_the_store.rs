//! Tables, connections and changes are the store's own.
use andmekogu::store::change::Change;
use andmekogu::store::schema::audit_event;

fn main() {}
