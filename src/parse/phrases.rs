//! Phrases that say something, and how the beginning of a text is compared with them.
//!
//! A phrase is compared word by word, in any case. Words end where a field, a path, a quoted or a
//! bracketed text begins, so that nothing in there can be taken for a phrase.
//!
//! ```text
//! a|b        one of these words; `is|has+been` has two words in the second place
//! a?         the word may be missing
//! {token}    any name of what a client shows
//! {user}     any name of whom it is about
//! *          any word
//! #          a number
//! ""  "exp"  a quoted text: any, or this one
//! $          the words end here
//! ```

use std::collections::HashMap;

use super::quoted;

/// What a client shows to be let in.
const TOKEN: &str = "token|jwt|jwt+token|access+token|bearer+token|id+token|auth+token|\
    authentication+token|authorization+token|session+token|refresh+token|api+token|\
    oauth+token|oidc+token|security+token|bearer|bearer+authentication|authorization|\
    authorization+header|auth+header|authentication+header|bearer+header|session|session+cookie|\
    session+id|cookie|auth+cookie|authentication|auth|credentials|access+credentials|\
    authentication+credentials|auth+credentials|api+key|authentication+session|assertion";

/// Whom it says it is.
const USER: &str = "user|account|subject|principal|user+account|username";

/// Words that may stand before a phrase and say nothing.
const FILLERS: [&[u8]; 9] = [
    b"the",
    b"a",
    b"an",
    b"your",
    b"this",
    b"provided",
    b"supplied",
    b"given",
    b"presented",
];

/// The longest word of a phrase.
const MAX_WORD: usize = 16;

/// Phrases and what each means.
#[derive(Debug)]
pub(super) struct Lexicon<M> {
    phrases: Vec<(Vec<Part>, M)>,
    /// Phrases by the first word of what they match.
    by_word: HashMap<&'static str, Vec<usize>>,
    /// Phrases that begin with a quoted text.
    quoted: Vec<usize>,
    /// The names of what a client shows.
    token: Vec<Choice>,
}

/// One word or more.
type Choice = Vec<&'static str>;

#[derive(Debug)]
enum Part {
    Words {
        choices: Vec<Choice>,
        is_optional: bool,
    },
    /// What a client shows.
    Token,
    Any,
    Number,
    /// Any text if it is empty.
    Quoted(&'static str),
    End,
}

impl<M: Copy> Lexicon<M> {
    /// Makes one of a table.
    pub(super) fn new(table: &[(M, &[&'static str])]) -> Self {
        let mut lexicon = Self {
            phrases: Vec::new(),
            by_word: HashMap::new(),
            quoted: Vec::new(),
            token: choices(TOKEN),
        };
        for (meaning, phrases) in table {
            for phrase in *phrases {
                lexicon.add(phrase, *meaning);
            }
        }
        lexicon
    }

    fn add(&mut self, phrase: &'static str, meaning: M) {
        let parts: Vec<_> = phrase.split(' ').map(part).collect();
        let index = self.phrases.len();
        for part in &parts {
            let (choices, is_optional) = match part {
                Part::Words {
                    choices,
                    is_optional,
                } => (choices, *is_optional),
                Part::Token => (&self.token, false),
                _ => {
                    self.quoted.push(index);
                    break;
                }
            };
            for word in choices.iter().filter_map(|words| words.first()) {
                let places = self.by_word.entry(word).or_default();
                if places.last() != Some(&index) {
                    places.push(index);
                }
            }
            if !is_optional {
                break;
            }
        }
        self.phrases.push((parts, meaning));
    }

    /// Finds the longest phrase with which a text begins: what it means, and what follows it.
    pub(super) fn find<'a>(&self, text: &'a [u8]) -> Option<(M, &'a [u8])> {
        let mut text = text;
        loop {
            if let Some(found) = self.find_here(text) {
                return Some(found);
            }
            let (word, rest) = word(text)?;
            if !FILLERS
                .iter()
                .any(|filler| word.eq_ignore_ascii_case(filler))
            {
                return None;
            }
            text = rest;
        }
    }

    fn find_here<'a>(&self, text: &'a [u8]) -> Option<(M, &'a [u8])> {
        let places = match word(text) {
            Some((word, _)) => {
                let mut lower = [0; MAX_WORD];
                let lower = lower.get_mut(..word.len())?;
                lower.copy_from_slice(word);
                lower.make_ascii_lowercase();
                self.by_word.get(std::str::from_utf8(lower).ok()?)?
            }
            None => &self.quoted,
        };
        // Most phrases begin with what a client shows, which has many names.
        let tokens: Vec<_> = after_each(&self.token, text).collect();
        let found = places.iter().filter_map(|&place| {
            let (parts, meaning) = self.phrases.get(place)?;
            let rest = match parts.split_first()? {
                (Part::Token, others) => {
                    let found = tokens
                        .iter()
                        .filter_map(|rest| follow(others, rest, &self.token));
                    found.min_by_key(|rest| rest.len())
                }
                _ => follow(parts, text, &self.token),
            };
            Some((*meaning, rest?))
        });
        // The first of those that are equally long.
        found.reduce(|best, next| {
            if next.1.len() < best.1.len() {
                next
            } else {
                best
            }
        })
    }
}

/// Reads one part of a phrase.
fn part(text: &'static str) -> Part {
    match text {
        "*" => return Part::Any,
        "#" => return Part::Number,
        "$" => return Part::End,
        "{token}" => return Part::Token,
        _ => {}
    }
    if let Some(quoted) = text.strip_prefix('"') {
        return Part::Quoted(quoted.trim_end_matches('"'));
    }
    let (text, is_optional) = match text.strip_suffix('?') {
        Some(text) => (text, true),
        None => (text, false),
    };
    Part::Words {
        choices: choices(if text == "{user}" { USER } else { text }),
        is_optional,
    }
}

fn choices(text: &'static str) -> Vec<Choice> {
    let choices = text.split('|');
    choices.map(|choice| choice.split('+').collect()).collect()
}

/// What follows the parts at the beginning of a text, where they match as much as they can.
fn follow<'a>(parts: &[Part], text: &'a [u8], token: &[Choice]) -> Option<&'a [u8]> {
    let Some((part, others)) = parts.split_first() else {
        return Some(text);
    };
    let longest = |choices| {
        let found = after_each(choices, text).filter_map(|rest| follow(others, rest, token));
        found.min_by_key(|rest| rest.len())
    };
    let next = match part {
        Part::Token => return longest(token),
        Part::Words {
            choices,
            is_optional: false,
        } => return longest(choices),
        Part::Words { choices, .. } => {
            return longest(choices).or_else(|| follow(others, text, token));
        }
        Part::Any => word(text)?.1,
        Part::Number => {
            let (word, rest) = word(text)?;
            word.iter().all(u8::is_ascii_digit).then_some(rest)?
        }
        Part::Quoted(wanted) => {
            let (quoted, rest) = quoted(text)?;
            let is_it = wanted.is_empty() || quoted == wanted.as_bytes();
            is_it.then_some(rest)?
        }
        Part::End => match word(text) {
            None => text,
            Some(_) => return None,
        },
    };
    follow(others, next, token)
}

/// What follows each of the choices that a text begins with.
fn after_each<'a, 'c>(
    choices: &'c [Choice],
    text: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> + use<'a, 'c> {
    let first = word(text);
    choices.iter().filter_map(move |words| {
        let (first, rest) = first?;
        let (wanted, more) = words.split_first()?;
        if !first.eq_ignore_ascii_case(wanted.as_bytes()) {
            return None;
        }
        more.iter().try_fold(rest, |rest, &wanted| {
            let (word, rest) = word(rest)?;
            word.eq_ignore_ascii_case(wanted.as_bytes()).then_some(rest)
        })
    })
}

/// Splits off the next word of the application's own: letters and digits, with what joins it to the
/// word before.
pub(super) fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = text.trim_ascii_start();
    if rest.len() == text.len() {
        rest = match text {
            [b',', more @ ..] => more.trim_ascii_start(),
            [b'-' | b'_', more @ ..] => more,
            _ => text,
        };
    }
    let is_part = |at: usize, byte: u8| {
        let joins = byte == b'\'' && rest.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
        byte.is_ascii_alphanumeric() || (joins && at > 0)
    };
    let length = rest
        .iter()
        .enumerate()
        .take_while(|&(at, &byte)| is_part(at, byte))
        .count();
    let (word, after) = rest.split_at(length);
    let is_own = match after {
        // The name of a field, or of something outside.
        [b'=', ..] => false,
        [b'.', next, ..] => !next.is_ascii_alphanumeric(),
        _ => true,
    };
    (length > 0 && is_own).then_some((word, after))
}

/// Splits off the quoted text that comes next.
pub(super) fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    quoted::first(text.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(phrases: &[&'static str], text: &str) -> Option<(usize, String)> {
        let table: Vec<_> = phrases
            .iter()
            .map(std::slice::from_ref)
            .enumerate()
            .collect();
        let (meaning, rest) = Lexicon::new(&table).find(text.as_bytes())?;
        Some((meaning, String::from_utf8(rest.to_vec()).unwrap()))
    }

    fn matches(phrase: &'static str, text: &str) -> bool {
        find(&[phrase], text).is_some()
    }

    #[test]
    fn words_are_compared_in_any_case_and_however_they_are_joined() {
        for text in [
            "token has expired",
            "Token has expired.",
            "  TOKEN  HAS, EXPIRED",
            "token_has_expired: x",
            "Token-has-expired",
            "The provided token has expired",
        ] {
            assert!(matches("token has expired", text), "{text}");
        }
        for text in [
            "token has expire",
            "token has expireds",
            "token has - expired",
            "token has: expired",
            "token \"has expired",
            "token (has) expired",
            "token has expired=1",
            "token has expired.example.org",
            "token /has expired",
            "token | has expired",
            "my token has expired",
            "",
        ] {
            assert!(!matches("token has expired", text), "{text}");
        }
    }

    #[test]
    fn a_phrase_may_leave_a_choice() {
        for (phrase, text, expected) in [
            ("no {token} found|given", "No access token given", true),
            ("no {token} found|given", "no token", false),
            (
                "{token} is|has+been revoked",
                "session has been revoked",
                true,
            ),
            ("{token} is? expired", "jwt expired", true),
            ("{token} is? expired", "jwt is expired", true),
            ("no {token} $", "no token", true),
            ("no {token} $", "no token: x", true),
            ("no {token} $", "no token - x", true),
            ("no {token} $", "no token needed", false),
            ("code # message", "code 400, message Bad", true),
            ("code # message", "code x, message Bad", false),
            ("{user} * not found", "user bob not found", true),
            ("{user} \"\" not found", "user \"a\\\" b\" not found", true),
            ("{user} \"\" not found", "user \"a not found", false),
            ("\"exp\" claim", "\"exp\" claim timestamp", true),
            ("\"exp\" claim", "\"nbf\" claim timestamp", false),
            ("couldn't get", "couldn't get a connection", true),
        ] {
            assert_eq!(matches(phrase, text), expected, "{phrase}: {text}");
        }
    }

    #[test]
    fn the_longest_phrase_is_found_and_what_follows_it() {
        let phrases = ["invalid {token}", "invalid token format", "invalid"];
        for (text, expected) in [
            ("Invalid token: x", (0, ": x")),
            ("Invalid token format", (1, "")),
            ("Invalid access token format", (0, " format")),
            ("Invalid path", (2, " path")),
        ] {
            let expected = Some((expected.0, expected.1.to_owned()));
            assert_eq!(find(&phrases, text), expected, "{text}");
        }
    }
}
