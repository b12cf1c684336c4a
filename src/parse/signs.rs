//! Lines that are no access lines: denials and notices.

use super::Reading;

/// Reads a line without colours and line end; `is_access_line` if it holds a request line.
pub(super) fn read(_line: &[u8], _is_access_line: bool) -> Reading<'_> {
    Reading::Other
}
