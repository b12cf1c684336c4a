//! Where texts go that do not stand in the line as they are meant, such as `\"` in JSON.

use std::ops::Range;

use regex::bytes::{CaptureLocations, Regex};

use super::json::{Text, Value};
use super::quoted;

/// Room for the texts of one line; used again for the next.
#[derive(Debug, Default)]
pub(super) struct Room {
    texts: Vec<u8>,
    groups: Option<CaptureLocations>,
}

/// Where a text is: in the line, or in the room.
#[derive(Clone, Debug)]
pub(super) enum Place<'a> {
    Line(&'a [u8]),
    Room(Range<usize>),
}

impl Room {
    /// Forgets the texts of the line before.
    pub(super) fn clear(&mut self) {
        self.texts.clear();
    }

    /// Returns room for the groups of a regex, the same one in each call.
    pub(super) fn groups(&mut self, regex: &Regex) -> &mut CaptureLocations {
        self.groups.get_or_insert_with(|| regex.capture_locations())
    }

    /// Finds a place for a text.
    pub(super) fn place<'a>(&mut self, text: Text<'a>) -> Place<'a> {
        if let Some(plain) = text.plain() {
            return Place::Line(plain);
        }
        let start = self.texts.len();
        text.decode_into(&mut self.texts);
        Place::Room(start..self.texts.len())
    }

    /// Finds a place for a value if it is a text.
    pub(super) fn place_text<'a>(&mut self, value: Option<Value<'a>>) -> Option<Place<'a>> {
        match value? {
            Value::Text(text) => Some(self.place(text)),
            _ => None,
        }
    }

    /// Finds a place for a text between quotes, and decodes it if that is needed.
    pub(super) fn place_quoted<'a>(&mut self, text: &'a [u8]) -> Place<'a> {
        if !quoted::has_escapes(text) {
            return Place::Line(text);
        }
        let start = self.texts.len();
        quoted::decode_into(text, &mut self.texts);
        Place::Room(start..self.texts.len())
    }

    /// Returns the text at a place.
    pub(super) fn get<'a>(&'a self, place: &Place<'a>) -> &'a [u8] {
        match place {
            Place::Line(text) => text,
            Place::Room(range) => self.texts.get(range.clone()).unwrap_or_default(),
        }
    }
}
