//! Reads the values of hosts below the keys that the embedding program declares. Equal values
//! are stored and checked once.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value as Json;

use super::{
    content::{CheckedValue, said},
    path::FieldPath,
    problem::Findings,
    schema::Reader,
    section::{HostKeys, SectionProblem},
    tree::Entry,
};

/// Reads the declared keys of hosts.
pub(super) struct Extras<'a> {
    declared: &'a HostKeys,
    known: HashMap<Arc<CheckedValue>, Vec<SectionProblem>>,
}

impl<'a> Extras<'a> {
    pub(super) fn new(declared: &'a HostKeys) -> Self {
        Self {
            declared,
            known: HashMap::new(),
        }
    }

    pub(super) fn declared(&self) -> &'a HostKeys {
        self.declared
    }

    /// Reads the declared keys of one host, which has at least one of them.
    pub(super) fn read(
        &mut self,
        host: &Entry,
        fields: &[&Entry],
        findings: &mut Findings,
    ) -> Option<Arc<CheckedValue>> {
        let schema = &self.declared.schema;
        let before = findings.errors();
        let value = Json::Object(Reader::new(schema, findings).fields(host.key_id, fields));
        findings.look_for_files();
        if findings.errors() > before {
            return None;
        }
        let content = CheckedValue::new(value, schema);
        let content = match self.known.get_key_value(&content) {
            Some((known, _)) => Arc::clone(known),
            None => {
                let problems = (self.declared.check)(content.value());
                let content = Arc::new(content);
                self.known.insert(Arc::clone(&content), problems);
                content
            }
        };
        if let Some(problems) = self.known.get(&content) {
            said(problems, host, &FieldPath::default(), findings);
        }
        Some(content)
    }
}
