//! The registers themselves: their definitions, for whoever may log in. They hold no personal data.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{App, Error};
use crate::domain::record::schema::json_schema;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;

impl App {
    /// The version of a register that is current today.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn register(&self, name: &str) -> Result<Arc<Register>, Error> {
        let registers = self.store.registers();
        let any = registers.versions(name);
        let day = any.first().map(|r| r.day(self.store.now())).ok_or(Refusal::NotFound { what: "register" })?;
        registers.current(name, day).cloned().ok_or_else(|| Refusal::NotFound { what: "register" }.into())
    }

    /// A line for each register.
    pub fn list_registers(&self, language: &str) -> Vec<Value> {
        let registers = self.store.registers();
        registers
            .names()
            .filter_map(|name| self.register(name).ok())
            .map(|r| {
                let source = &r.definition.register;
                let told = r.definition.record_types.iter().filter(|t| !t.secret);
                json!({
                    "register": r.name(),
                    "name": source.name.in_language(language),
                    "official_name": source.name.official(),
                    "country": source.country,
                    "controller": source.controller.name,
                    "in_force_from": source.act.in_force_from,
                    "in_force_until": source.act.in_force_until,
                    "publication": source.act.publication,
                    "record_types": told.map(|t| t.name.as_str()).collect::<Vec<_>>(),
                })
            })
            .collect()
    }

    /// The definition in full.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn describe_register(&self, name: &str) -> Result<Value, Error> {
        let register = self.register(name)?;
        let definition = &register.definition;
        let mut body = serde_json::to_value(&definition.register).map_err(|e| Error::Setup(e.to_string()))?;
        if let Value::Object(map) = &mut body {
            map.insert("register".into(), json!(register.name()));
            map.insert("digest".into(), json!(definition.digest));
            map.insert("record_types".into(), json!(definition.record_types));
            map.insert("codelists".into(), json!(definition.codelists));
            map.insert("document_kinds".into(), json!(definition.document_kinds));
            map.insert("cases".into(), json!(definition.cases));
            map.insert("clauses".into(), json!(definition.clauses));
            map.insert("policies".into(), json!(definition.policies));
            let versions = self.store.registers();
            let versions: Vec<Value> = versions
                .versions(name)
                .iter()
                .map(|r| {
                    let act = &r.definition.register.act;
                    json!({ "digest": r.definition.digest, "in_force_from": act.in_force_from,
                            "in_force_until": act.in_force_until })
                })
                .collect();
            map.insert("versions".into(), json!(versions));
        }
        Ok(body)
    }

    /// JSON Schema of a record type's data, as of today.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn record_schema(&self, name: &str, record_type: &str, language: &str) -> Result<Value, Error> {
        let register = self.register(name)?;
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let today = register.day(self.store.now());
        Ok(json_schema(&register.definition, kind, today, language))
    }
}
