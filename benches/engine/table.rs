//! The tables that are printed, with the bounds beside the figures.

use std::fmt::{self, Display};

/// One case.
pub(crate) struct Table {
    title: String,
    columns: &'static [&'static str],
    rows: Vec<Row>,
}

struct Row {
    label: &'static str,
    cells: Vec<String>,
    bound: Option<(String, bool)>,
}

/// What a figure must be.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    None,
    Below(f64),
    AtMost(f64),
    AtLeast(f64),
}

impl Table {
    pub(crate) fn new(title: String, columns: &'static [&'static str]) -> Self {
        Self {
            title,
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row of figures; the bound is for the last one.
    pub(crate) fn row(
        &mut self,
        label: &'static str,
        digits: usize,
        figures: &[Option<f64>],
        bound: Bound,
    ) {
        let cell = |figure: &Option<f64>| figure.map_or("–".to_owned(), |it| number(it, digits));
        let last = figures.last().copied().flatten();
        let keeps = |is_kept: fn(f64, f64) -> bool, limit: f64| {
            last.is_some_and(|figure| is_kept(figure, limit))
        };
        let bound = match bound {
            Bound::None => None,
            Bound::Below(it) => Some((format!("< {}", round(it)), keeps(|a, b| a < b, it))),
            Bound::AtMost(it) => Some((format!("≤ {it}"), keeps(|a, b| a <= b, it))),
            Bound::AtLeast(it) => Some((format!("≥ {it}"), keeps(|a, b| a >= b, it))),
        };
        self.rows.push(Row {
            label,
            cells: figures.iter().map(cell).collect(),
            bound,
        });
    }

    /// Whether every bound is kept.
    pub(crate) fn is_well(&self) -> bool {
        let mut bounds = self.rows.iter().filter_map(|row| row.bound.as_ref());
        bounds.all(|(_, is_kept)| *is_kept)
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        write!(f, "{:44}", "")?;
        for column in self.columns {
            write!(f, "{column:>14}")?;
        }
        writeln!(f, "   bound")?;
        for row in &self.rows {
            write!(f, "  {:42}", row.label)?;
            for cell in &row.cells {
                write!(f, "{cell:>14}")?;
            }
            for _ in row.cells.len()..self.columns.len() {
                write!(f, "{:>14}", "")?;
            }
            match &row.bound {
                Some((bound, true)) => writeln!(f, "   {bound}: kept")?,
                Some((bound, false)) => writeln!(f, "   {bound}: MISSED")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

fn round(bound: f64) -> f64 {
    (100.0 * bound).round() / 100.0
}

/// With a comma between thousands.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        let is_group = index > 0 && left % 3 == 0 && !grouped.ends_with('-');
        if is_group {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}
