//! Chance that is the same in every run, and series of promtool that are made by it.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A generator that gives the same numbers everywhere (Knuth's MMIX).
pub struct Chance(pub u64);

impl Chance {
    /// Between 0 and 1.
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }

    /// One of so many, if there are any.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let chance = self.next();
        let mut left = all.len();
        all.iter().find(|_| {
            left -= 1;
            f64::from(u32::try_from(left).unwrap())
                <= chance * f64::from(u32::try_from(all.len()).unwrap())
        })
    }

    /// How many come, of so many expected.
    pub fn arrivals(&mut self, expected: f64) -> u32 {
        let (mut product, mut count) = (self.next(), 0);
        while product > (-expected).exp() {
            product *= self.next();
            count += 1;
        }
        count
    }
}

/// Series by their name and labels, a value or nothing for each step.
#[derive(Default)]
pub struct Series(pub BTreeMap<String, Vec<Option<f64>>>);

impl Series {
    pub fn push(&mut self, name: &str, labels: &str, value: f64) {
        let series = format!(r#"{name}{{job="authtail",instance="a"{labels}}}"#);
        self.0.entry(series).or_default().push(Some(value));
    }

    /// Ends a step: what has got no value is missing in it.
    pub fn end(&mut self, step: usize) {
        for values in self.0.values_mut() {
            values.resize(step + 1, None);
        }
    }

    /// In promtool's notation.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for (series, values) in &self.0 {
            write!(text, "  - {{series: '{series}', values: '").unwrap();
            let mut values = values.iter().peekable();
            let mut before = None;
            while let Some(value) = values.next() {
                let mut again = 0;
                while values.next_if_eq(&value).is_some() {
                    again += 1;
                }
                match (value, again) {
                    (Some(value), 0) => write!(text, "{value} "),
                    (Some(value), again) => write!(text, "{value}x{again} "),
                    // A failed scrape ends the series, which goes on later.
                    (None, 0) => write!(text, "stale "),
                    (None, again) if before.is_some() => write!(text, "stale _x{again} "),
                    (None, again) => write!(text, "_x{} ", again + 1),
                }
                .unwrap();
                before = *value;
            }
            text.push_str("'}\n");
        }
        text
    }
}
