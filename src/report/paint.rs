//! Text for a terminal or a file: width, colours, tables, sparklines.

use super::findings::Severity;

/// Nobody reads longer lines.
const MAX_WIDTH: usize = 100;
const MIN_WIDTH: usize = 50;

/// The signs of a sparkline, the lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) has_colours: bool,
    width: usize,
}

impl Style {
    /// For a terminal of so many columns, or for a file.
    pub(crate) fn new(has_colours: bool, columns: Option<usize>) -> Self {
        let columns = columns.unwrap_or(MAX_WIDTH);
        Self {
            has_colours,
            width: columns.clamp(MIN_WIDTH, MAX_WIDTH),
        }
    }

    pub(super) const fn width(self) -> usize {
        self.width
    }

    /// The name of a severity, in capitals.
    fn severity(self, severity: Severity) -> String {
        let colour = match severity {
            Severity::Ok => "32",
            Severity::Info => "36",
            Severity::Warning => "1;33",
            Severity::Critical => "1;31",
        };
        self.paint(colour, &severity.as_str().to_uppercase())
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.has_colours {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// What is written.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) style: Style,
    text: String,
}

/// A row of a table: a name, numbers, and what is left to be said.
pub(super) type Row = (String, Vec<String>, String);

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Writes a line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str) {
        self.line("");
        self.line(&self.style.paint("1", title));
    }

    /// Writes a text in lines that fit, each with a margin; the first has another one.
    pub(super) fn wrap(&mut self, first: &str, margin: &str, text: &str) {
        let (mut line, mut is_empty) = (first.to_owned(), true);
        for word in text.split_whitespace() {
            let length = line.chars().count() + 1 + word.chars().count();
            if !is_empty && length > self.style.width {
                self.line(&line);
                margin.clone_into(&mut line);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.line(&line);
    }

    /// Writes what is found, after its severity.
    pub(super) fn headline(&mut self, severity: Severity, title: &str) {
        let label = severity.as_str().to_uppercase();
        let start = self.text.len();
        self.wrap(&format!("{label}  "), "  ", title);
        // Colours have no width.
        let end = start + label.len();
        self.text
            .replace_range(start..end, &self.style.severity(severity));
    }

    /// Writes rows below each other: the first column to the left, numbers to the right.
    pub(super) fn table(&mut self, rows: &[Row]) {
        let length = |text: &String| text.chars().count();
        let first = rows.iter().map(|(name, ..)| length(name)).max();
        let first = first.unwrap_or_default();
        let columns = rows.iter().map(|(_, cells, _)| cells.len()).max();
        let widths: Vec<_> = (0..columns.unwrap_or_default())
            .map(|column| {
                let cells = rows.iter().filter_map(|(_, cells, _)| cells.get(column));
                cells.map(length).max().unwrap_or_default()
            })
            .collect();
        for (name, cells, rest) in rows {
            let mut line = format!("  {name:first$}");
            for (cell, width) in cells.iter().zip(&widths) {
                line += "  ";
                line.extend(std::iter::repeat_n(' ', width - length(cell)));
                line += cell;
            }
            self.line(&(line + "  " + rest));
        }
    }
}

/// Draws values, a sign each; the highest bar is `most`.
pub(super) fn sparkline(values: impl Iterator<Item = u64>, most: u64) -> String {
    let sign = |value: u64| match value {
        0 => ' ',
        value => {
            let steps = u64::try_from(BARS.len()).unwrap_or(1);
            let most = most.max(1);
            let bar = (value.min(most) * steps).div_ceil(most);
            let bar = usize::try_from(bar).unwrap_or(1);
            BARS.get(bar.saturating_sub(1)).copied().unwrap_or('█')
        }
    };
    values.map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_the_terminal() {
        let mut page = Page::new(Style::new(false, Some(10)));
        page.wrap("- ", "  ", &"word ".repeat(20));
        let text = page.into_text();
        let fits = |line: &str| line.chars().count() <= MIN_WIDTH;
        assert!(text.lines().all(fits), "{text}");
        assert!(
            text.starts_with("- word") && text.contains("\n  word"),
            "{text}"
        );
        let mut page = Page::new(Style::new(false, Some(10)));
        page.wrap("", "  ", &"x".repeat(200));
        assert_eq!(
            page.into_text().lines().count(),
            1,
            "a long word stays whole"
        );
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        for (has_colours, expected) in [
            (false, "\nx\nCRITICAL  y\n"),
            (true, "\n\x1b[1mx\x1b[0m\n\x1b[1;31mCRITICAL\x1b[0m  y\n"),
        ] {
            let mut page = Page::new(Style::new(has_colours, None));
            page.section("x");
            page.headline(Severity::Critical, "y");
            assert_eq!(page.into_text(), expected);
        }
    }

    #[test]
    fn columns_are_aligned() {
        let row = |name: &str, cells: [&str; 2], rest: &str| {
            let cells = cells.map(str::to_owned).to_vec();
            (name.to_owned(), cells, rest.to_owned())
        };
        let mut page = Page::new(Style::new(false, None));
        page.table(&[
            row("a", ["1", "23 %"], "x"),
            row("long", ["1,000", "5 %"], ""),
        ]);
        assert_eq!(
            page.into_text(),
            "  a         1  23 %  x\n  long  1,000   5 %\n"
        );
    }

    #[test]
    fn bars_grow_with_the_values() {
        assert_eq!(sparkline([0, 1, 50, 100].into_iter(), 100), " ▁▄█");
        assert_eq!(sparkline([7].into_iter(), 0), "█");
    }
}
