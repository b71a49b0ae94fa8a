//! The path of a field as people read it: `recipients[1]`, `limits.disk.warning`.

/// The keys and indices of a path, from the top.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldPath(String);

impl FieldPath {
    /// Returns a path that begins at the top level of the file.
    pub(super) fn of(section: &str) -> Self {
        Self(section.to_owned())
    }

    pub(super) fn key(&self, key: &str) -> Self {
        let dot = if self.0.is_empty() { "" } else { "." };
        Self(format!("{}{dot}{key}", self.0))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> Self {
        path.0
    }
}
