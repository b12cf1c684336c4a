//! Bytes to lines, however the bytes come and however long the lines are. Pure.

use memchr::{memchr, memchr_iter};

/// The longest line that is kept, as of a log that the engine keeps.
pub(crate) const MAX_LINE: usize = 256 * 1024;

/// Cuts bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    /// How long that is, with what is not kept.
    length: usize,
}

impl Lines {
    /// Adds bytes, and hands out each line that they complete, with its line end, and how long it
    /// was: longer than what is handed out if its end was not kept.
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&[u8], usize)) {
        if self.length > 0 {
            let Some(end) = memchr(b'\n', bytes) else {
                return self.keep(bytes);
            };
            let (line, next) = bytes.split_at(end + 1);
            self.keep(line);
            self.end(&mut emit);
            bytes = next;
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            let line = bytes.get(start..=end).unwrap_or_default();
            emit(line.get(..MAX_LINE).unwrap_or(line), line.len());
            start = end + 1;
        }
        self.keep(bytes.get(start..).unwrap_or_default());
    }

    /// Hands out the last line, which has no line end.
    pub(crate) fn end(&mut self, mut emit: impl FnMut(&[u8], usize)) {
        if self.length > 0 {
            emit(&self.rest, self.length);
            self.rest.clear();
            self.length = 0;
        }
    }

    /// Returns how many bytes have come of a line whose end has not.
    pub(crate) const fn pending(&self) -> usize {
        self.length
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let room = MAX_LINE.saturating_sub(self.rest.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.rest.extend_from_slice(kept);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<(Vec<u8>, usize)> {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk, |line, length| seen.push((line.to_vec(), length)));
        }
        lines.end(|line, length| seen.push((line.to_vec(), length)));
        seen
    }

    #[test]
    fn keeps_the_beginning_of_what_is_too_long() {
        let long = [vec![b'x'; MAX_LINE + 10], b"\nb".to_vec()].concat();
        let expected = [
            (long[..MAX_LINE].to_vec(), MAX_LINE + 11),
            (b"b".to_vec(), 1),
        ];
        assert_eq!(lines(&[&long]), expected);
        let pieces: Vec<_> = long.chunks(1_000).collect();
        assert_eq!(lines(&pieces), expected);
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200), size in 1..50_usize) {
            let expected: Vec<_> = bytes
                .split_inclusive(|&byte| byte == b'\n')
                .map(|line| (line.to_vec(), line.len()))
                .collect();
            let chunks: Vec<_> = bytes.chunks(size).collect();
            prop_assert_eq!(lines(&chunks), expected);
        }
    }
}
