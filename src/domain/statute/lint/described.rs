//! Faults of a description of a register that is kept elsewhere. What it leaves unsaid is no fault: its controller is
//! told (see [`Description::missing`]).

use super::Findings;
use crate::domain::statute::definition::ActForm;
use crate::domain::statute::description::Description;
use crate::domain::statute::parse::{Place, REGISTER_FILE};

impl Findings<'_> {
    pub(super) fn description(&mut self, said: &Description) {
        let root = Place::file(REGISTER_FILE);
        self.known_as(&root, &said.short_name, &said.country);
        self.spoken(&root);
        self.label(&root.key("name"), &said.name);
        self.clause(&root.key("name_clause"), &said.name_clause);
        self.act(&said.act, &root.key("act"));
        if said.act.form != ActForm::Description {
            self.fault(
                &root.key("act").key("form"),
                "a register that is kept elsewhere is described, not founded, by what stands here",
                "Write `form = \"description\"`.",
            );
        }
        self.some(&root, "purpose", "purpose", said.purposes.len());
        self.items("purpose", &root, "purpose", &said.purposes);
        self.parties(&said.controller, &said.processors, &root);
        self.contacts(&said.contacts, &root);
        self.published(&root, &said.statements, said.documents.as_deref(), said.catalogue.as_ref());
    }
}
