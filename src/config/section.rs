//! Reads a YAML tree key by key and collects every problem instead of stopping at the first.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde_yaml::Value;

use crate::chain::chain;

/// Something wrong with the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    /// Where: the keys from the root, joined by dots.
    pub(crate) path: String,
    /// What is wrong, and what is allowed.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path, self.message)
    }
}

/// The problems found so far.
pub(super) type Problems = RefCell<Vec<Problem>>;

/// A mapping whose keys are taken one after the other; what is left at the end is unknown.
pub(super) struct Section<'p> {
    path: String,
    entries: Vec<(String, Value)>,
    known: Vec<&'static str>,
    problems: &'p Problems,
}

impl<'p> Section<'p> {
    /// Takes a mapping, or nothing at all, as an empty file or `key:` without a value is read.
    pub(super) fn new(path: String, value: Value, problems: &'p Problems) -> Self {
        let mut section = Self {
            path,
            entries: Vec::new(),
            known: Vec::new(),
            problems,
        };
        match value {
            Value::Null => {}
            Value::Mapping(mapping) => section.entries = mapping.into_iter().map(entry).collect(),
            other => section.report("", format!("is {}, but must be a mapping", kind(&other))),
        }
        section
    }

    /// Adds a problem of a key, or of the section itself if the key is empty.
    pub(super) fn report(&self, key: &str, message: impl fmt::Display) {
        let problem = Problem {
            path: self.path_of(key),
            message: message.to_string(),
        };
        self.problems.borrow_mut().push(problem);
    }

    /// The value of a key, if it is there and not null.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.swap_remove(at).1).filter(|value| !value.is_null())
    }

    /// Tells whether there is a value at a key.
    pub(super) fn has(&self, key: &str) -> bool {
        let is_it = |(name, value): &(String, Value)| name == key && !value.is_null();
        self.entries.iter().any(is_it)
    }

    /// The mapping at a key; empty if there is none.
    pub(super) fn section(&mut self, key: &'static str) -> Self {
        let value = self.take(key).unwrap_or_default();
        Self::new(self.path_of(key), value, self.problems)
    }

    /// A single value, read by its type's rules.
    pub(super) fn parsed<T: FromStr<Err: Error>>(&mut self, key: &'static str) -> Option<T> {
        let value = self.take(key)?;
        self.parse(key, &value)
    }

    /// A list of values, or a single one.
    pub(super) fn list<T: FromStr<Err: Error>>(&mut self, key: &'static str) -> Option<Vec<T>> {
        let value = self.take(key)?;
        Some(self.parse_list(key, value))
    }

    /// All keys of a mapping whose keys the user chooses.
    pub(super) fn entries(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.entries)
    }

    /// The same section one level deeper.
    pub(super) fn child(&self, key: &str, value: Value) -> Self {
        Self::new(self.path_of(key), value, self.problems)
    }

    pub(super) fn parse_list<T: FromStr<Err: Error>>(&self, key: &str, value: Value) -> Vec<T> {
        match value {
            Value::Sequence(values) if values.is_empty() => {
                self.report(key, "must not be empty");
                Vec::new()
            }
            Value::Sequence(values) => {
                let indexed = values.iter().enumerate();
                indexed
                    .filter_map(|(i, value)| self.parse(&format!("{key}[{i}]"), value))
                    .collect()
            }
            single => self.parse(key, &single).into_iter().collect(),
        }
    }

    pub(super) fn parse<T: FromStr<Err: Error>>(&self, key: &str, value: &Value) -> Option<T> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            other => {
                self.report(
                    key,
                    format!("is {}, but must be a single value", kind(other)),
                );
                return None;
            }
        };
        text.parse()
            .map_err(|error| self.report(key, chain(&error)))
            .ok()
    }

    /// How many problems there are in the whole file so far.
    pub(super) fn problems(&self) -> usize {
        self.problems.borrow().len()
    }

    /// Reports the keys that nobody has asked for.
    pub(super) fn finish(self) {
        for (key, _) in &self.entries {
            let allowed = self
                .known
                .iter()
                .map(|key| format!("`{key}`"))
                .collect::<Vec<_>>();
            self.report(
                key,
                format!("is unknown; allowed here: {}", allowed.join(", ")),
            );
        }
    }

    fn path_of(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, true) => "the file".to_owned(),
            (true, false) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }
}

fn entry((key, value): (Value, Value)) -> (String, Value) {
    let name = match key {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        other => kind(&other).to_owned(),
    };
    (name, value)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Tagged(_) => "a tagged value",
    }
}
