//! Reads a mapping: known, unknown and missing fields.

use serde_json::{Map, Value as Json};

use super::{
    super::{
        path::FieldPath,
        problem::Problem,
        redact::{hide, is_name},
        schema_types::follow,
        suggest,
        tree::{Entry, NodeId},
    },
    Reader,
};

impl<'a> Reader<'a> {
    pub(super) fn object(
        &mut self,
        id: NodeId,
        entries: &[&Entry],
        schema: &'a Json,
        path: &FieldPath,
        depth: usize,
    ) -> Map<String, Json> {
        let properties = schema.get("properties").and_then(Json::as_object);
        let additional = schema.get("additionalProperties");
        let mut read = Map::new();
        for entry in entries {
            let at = path.key(&entry.key);
            if let Some(property) = properties.and_then(|known| known.get(&*entry.key)) {
                let before = self.findings.errors();
                let value = self.value(&entry.node, property, &at, depth + 1);
                // A wrong value is left out, so that the plugin can still check the rest.
                let counts = value.is_string() || self.counts_in_part(&value, property);
                if self.findings.errors() == before || counts {
                    read.insert(entry.key.to_string(), value);
                }
            } else if additional == Some(&Json::Bool(false)) {
                // The key may be a misspelt name of a secret, or a secret itself.
                hide(&entry.node, false, self.findings);
                let known = properties.into_iter().flat_map(Map::keys);
                let known: Vec<&str> = known.map(String::as_str).collect();
                let field = entry.key.split_once(':').filter(|_| !self.in_secret);
                let field = field.filter(|(field, _)| known.contains(field));
                let may_be_shown = !self.in_secret && is_name(&entry.key) && !entry.node.is_null();
                if let Some((field, _)) = field {
                    self.findings.secret(entry.key_id, false);
                    let problem = Problem::error("a blank is missing after the colon")
                        .help(format!("write `{field}: …`"));
                    self.problem(entry.key_id, &path.key(field), problem);
                } else if may_be_shown {
                    let help = suggest::help(&entry.key, "fields", known);
                    let problem = Problem::error("unknown field").help(help);
                    self.problem(entry.key_id, &at, problem);
                } else {
                    self.findings.secret(entry.key_id, false);
                    let problem = Problem::error("this is not a field")
                        .help("write the field's name in front of it, and a colon");
                    self.problem(entry.key_id, path, problem);
                }
            } else {
                let value = self.value(
                    &entry.node,
                    additional.unwrap_or(&Json::Bool(true)),
                    &at,
                    depth + 1,
                );
                read.insert(entry.key.to_string(), value);
            }
        }
        let required = schema.get("required").and_then(Json::as_array);
        for name in required.into_iter().flatten().filter_map(Json::as_str) {
            if entries.iter().all(|entry| &*entry.key != name) {
                let about = properties
                    .and_then(|known| known.get(name))
                    .and_then(|property| {
                        follow(self.root, property)
                            .get("description")
                            .or(property.get("description"))
                    })
                    .and_then(Json::as_str);
                let mut problem = Problem::error("this field is missing");
                if let Some(about) = about {
                    // Everything after the first paragraph is for editors.
                    let about = about.split("\n\n").next().unwrap_or_default();
                    let about: Vec<&str> = about.lines().map(str::trim).collect();
                    problem = problem.help(format!("{name}: {}", about.join(" ")));
                }
                self.problem(id, &path.key(name), problem);
            }
        }
        read
    }
}
