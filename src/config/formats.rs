//! The formats that can be named: the built-in ones, and those that the file defines.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::section::Section;
use crate::chain::chain;
use crate::parse::custom::Custom;
use crate::parse::object::{FieldPath, Object};
use crate::parse::{Format, Unit};

/// Formats by name. One that is broken has been reported, and is `None`.
#[derive(Clone, Debug)]
pub(super) struct Formats(BTreeMap<String, Option<Format>>);

impl Formats {
    /// The format of a name, or a message that says which names there are.
    pub(super) fn find(&self, name: &str) -> Result<Option<Format>, String> {
        self.0.get(name).cloned().ok_or_else(|| {
            let names: Vec<_> = self.0.keys().map(|name| format!("`{name}`")).collect();
            format!("`{name}` is no format; there are {}", names.join(", "))
        })
    }

    /// Adds the formats of the file.
    pub(super) fn define(&mut self, mut section: Section<'_>) {
        for (name, value) in section.entries() {
            let before = section.problems();
            let mut fields = section.child(&name, value);
            let format = format(&name, &mut fields, before);
            fields.finish();
            self.0.entry(name).or_insert(format);
        }
    }
}

impl Default for Formats {
    fn default() -> Self {
        let built_in = Format::names().map(|name| (name.to_owned(), Format::built_in(name)));
        Self(built_in.collect())
    }
}

/// Reads a format, and reports what is wrong with it; `before` is how many problems there were.
fn format(name: &str, section: &mut Section<'_>, before: usize) -> Option<Format> {
    let has_object = section.has("json");
    let has_conditions = section.has("match");
    let regex = section.parsed::<String>("regex");
    let object = object(section);
    let unit = section.parsed::<Unit>("duration_unit");
    if section.problems() > before {
        return None;
    }
    let problem = |problem: &str| Err(problem.to_owned());
    let custom = match (regex, has_object) {
        (Some(_), true) => problem("has both `regex` and `json`, but must have one of them"),
        (None, false) => problem("needs one of the keys `regex` and `json`"),
        (Some(_), false) if has_conditions => problem("`match` is for `json` alone"),
        (Some(regex), false) => Custom::new(name, &regex, unit).map_err(|error| chain(&error)),
        (None, true) => Custom::of_object(name, object, unit).map_err(|error| chain(&error)),
    };
    let custom = custom.map_err(|problem| section.report("", problem)).ok()?;
    Some(Format::Custom(Arc::new(custom)))
}

/// Reads `json` and `match`.
fn object(section: &mut Section<'_>) -> Object {
    let mut fields = section.section("json");
    let mut object = Object {
        method: fields.parsed("method"),
        path: fields.parsed("path"),
        status: fields.parsed("status"),
        duration: fields.parsed("duration"),
        client: fields.parsed("client"),
        conditions: Vec::new(),
    };
    fields.finish();
    let mut conditions = section.section("match");
    for (name, value) in conditions.entries() {
        let field = name.parse::<FieldPath>();
        let field = field.map_err(|error| conditions.report(&name, error));
        let values = conditions.parse_list(&name, value);
        object
            .conditions
            .extend(field.ok().map(|field| (field, values)));
    }
    object
}
