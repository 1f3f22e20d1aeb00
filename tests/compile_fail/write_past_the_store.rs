//! Tables, connections and changes are the store's own.
use andmekogu::store::change::Change; //~ E0603
use andmekogu::store::schema::audit_event; //~ E0603

fn main() {}
