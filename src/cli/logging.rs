//! The server's own log, on standard error: a line for people, or a JSON object a line. Personal data are never
//! handed to it.

use std::io::Write as _;

use env_logger::{Builder, Target, WriteStyle};
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::{Map, json};

use crate::config::settings::{LogFormat, Logging};

/// Starts logging. A second start changes nothing.
pub(super) fn start(logging: Logging) {
    let mut builder = Builder::new();
    builder.filter_level(logging.level).target(Target::Stderr).format_timestamp_millis();
    // What clients send wrongly is no error of ours.
    builder.filter_module("actix_http::h1::dispatcher", log::LevelFilter::Off);
    if logging.format == LogFormat::Json {
        builder.write_style(WriteStyle::Never).format(|out, record| {
            let mut fields = Fields(Map::new());
            fields.0.insert("at".into(), json!(out.timestamp_millis().to_string()));
            fields.0.insert("level".into(), json!(record.level().as_str().to_lowercase()));
            fields.0.insert("target".into(), json!(record.target()));
            fields.0.insert("message".into(), json!(record.args().to_string()));
            if record.key_values().visit(&mut fields).is_err() {
                fields.0.insert("incomplete".into(), json!(true));
            }
            writeln!(out, "{}", serde_json::Value::Object(fields.0))
        });
    }
    if builder.try_init().is_err() {
        log::debug!("logging had been started before");
    }
}

/// Key values as JSON. What a record says of itself is not overwritten.
struct Fields(Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = if let Some(number) = value.to_u64() {
            json!(number)
        } else if let Some(number) = value.to_i64() {
            json!(number)
        } else if let Some(yes) = value.to_bool() {
            json!(yes)
        } else {
            json!(value.to_string())
        };
        self.0.entry(key.to_string()).or_insert(value);
        Ok(())
    }
}
