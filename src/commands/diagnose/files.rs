//! Reads a log from a file or a stream, a large file with all cores.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::progress::Progress;
use crate::lines::Lines;
use crate::report::numbers::Numbers;
use crate::report::reader::Reader;

/// How much is read at once: what the processor's cache can hold.
const BUFFER: usize = 256 * 1024;
/// What one thread reads before its numbers are added up.
const CHUNK: u64 = 4 * 1024 * 1024;
/// What is read at once behind the end of a chunk.
const LITTLE: u64 = 4 * 1024;
/// More threads would not be faster: the numbers are added up by one.
const MAX_THREADS: usize = 8;

/// Reads a stream to its end.
pub(super) fn stream(
    input: &mut dyn Read,
    reader: &mut Reader,
    numbers: &mut Numbers,
    progress: &mut Progress,
) -> io::Result<()> {
    let (mut buffer, mut lines, mut since) = (vec![0; BUFFER], Lines::default(), 0);
    while let Some(bytes) = next(input, &mut buffer)? {
        read(&mut lines, bytes, reader);
        progress.add(bytes.len());
        since += as_u64(bytes.len());
        if since >= CHUNK {
            numbers.append(reader.take());
            since = 0;
        }
    }
    finish(&mut lines, reader);
    numbers.append(reader.take());
    Ok(())
}

fn read(lines: &mut Lines, bytes: &[u8], reader: &mut Reader) {
    lines.push(bytes, |line, length| {
        reader.line(line, length);
    });
}

fn finish(lines: &mut Lines, reader: &mut Reader) {
    lines.end(|line, length| {
        reader.line(line, length);
    });
    reader.end();
}

/// Reads a file to its present end: its beginning line by line until envelope and format are known,
/// the rest in chunks by several threads, if no line needs another.
pub(super) fn file(
    file: &File,
    reader: &mut Reader,
    numbers: &mut Numbers,
    progress: &mut Progress,
) -> io::Result<()> {
    let metadata = file.metadata()?;
    let mut input = file;
    if !metadata.is_file() {
        return stream(&mut input, reader, numbers, progress);
    }
    progress.expect(metadata.len());
    let (mut buffer, mut lines, mut at) = (vec![0; BUFFER], Lines::default(), 0);
    while let Some(bytes) = next(&mut input, &mut buffer)? {
        read(&mut lines, bytes, reader);
        progress.add(bytes.len());
        at += as_u64(bytes.len());
        let rest = at - as_u64(lines.pending())..metadata.len();
        if at.is_multiple_of(CHUNK) {
            numbers.append(reader.take());
        }
        if rest.end.saturating_sub(rest.start) > 2 * CHUNK && reader.fork().is_some() {
            reader.end();
            numbers.append(reader.take());
            return parallel(file, rest, reader, numbers, progress);
        }
    }
    finish(&mut lines, reader);
    numbers.append(reader.take());
    Ok(())
}

/// Reads the rest of a file, which begins with a line.
fn parallel(
    file: &File,
    rest: Range<u64>,
    reader: &Reader,
    numbers: &mut Numbers,
    progress: &mut Progress,
) -> io::Result<()> {
    let threads =
        thread::available_parallelism().map_or(1, |threads| threads.get().min(MAX_THREADS));
    let starts = || {
        rest.clone()
            .step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX))
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .filter_map(|worker| {
                let (sender, receiver) = sync_channel(1);
                let (mut reader, chunks) = (reader.fork()?, starts().skip(worker).step_by(threads));
                let (first, end) = (rest.start, rest.end);
                scope.spawn(move || {
                    let mut buffer = vec![0; BUFFER];
                    for start in chunks {
                        let range = start..end.min(start + CHUNK);
                        let result = chunk(file, range, start == first, &mut reader, &mut buffer);
                        let is_well = result.is_ok();
                        // Nobody listens when another thread has failed.
                        if sender.send(result.map(|()| reader.take())).is_err() || !is_well {
                            return;
                        }
                    }
                });
                Some(receiver)
            })
            .collect();
        // In the order of the file, whoever is done first.
        for (start, receiver) in starts().zip(workers.iter().cycle()) {
            let part = receiver.recv().map_err(|_| ErrorKind::BrokenPipe)?;
            numbers.append(part?);
            progress.add(usize::try_from(CHUNK.min(rest.end - start)).unwrap_or(usize::MAX));
        }
        Ok(())
    })
}

/// How far the reading of a chunk is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Before the first request in it: the one before goes on so far.
    Skipping,
    Counting,
    /// Behind its end, up to the next request: what an application says about a request, in several
    /// lines perhaps, is over with the access line, so nothing is cut in two.
    Finishing,
    Done,
}

/// Reads a chunk, from behind the first request in it to the first one behind it. The very first chunk
/// `is_first` and read from its beginning.
fn chunk(
    file: &File,
    range: Range<u64>,
    is_first: bool,
    reader: &mut Reader,
    buffer: &mut [u8],
) -> io::Result<()> {
    let mut lines = Lines::default();
    let (mut at, mut phase, mut is_begun) = (range.start, Phase::Counting, is_first);
    if !is_first {
        phase = Phase::Skipping;
        // A line begins here if the byte before is a line end.
        at -= 1;
        loop {
            let Some(bytes) = read_at(file, at..range.end, buffer)? else {
                return Ok(());
            };
            if let Some(end) = memchr::memchr(b'\n', bytes) {
                at += as_u64(end) + 1;
                break;
            }
            at += as_u64(bytes.len());
        }
    }
    let mut start = at;
    let mut take = |line: &[u8], length: usize| {
        let is_inside = start < range.end;
        start += as_u64(length);
        phase = match phase {
            Phase::Skipping if is_inside => {
                let is_request = reader.line(line, length);
                if is_request {
                    drop(reader.take());
                    is_begun = true;
                    Phase::Counting
                } else {
                    Phase::Skipping
                }
            }
            Phase::Counting if is_inside => {
                reader.line(line, length);
                Phase::Counting
            }
            Phase::Counting | Phase::Finishing => {
                if reader.line(line, length) {
                    Phase::Done
                } else {
                    Phase::Finishing
                }
            }
            Phase::Skipping | Phase::Done => Phase::Done,
        };
        phase
    };
    loop {
        // The next request is near.
        let end = range.end.max(at + LITTLE);
        let Some(bytes) = read_at(file, at..end, buffer)? else {
            lines.end(|line, length| {
                take(line, length);
            });
            break;
        };
        at += as_u64(bytes.len());
        let mut last = Phase::Counting;
        lines.push(bytes, |line, length| last = take(line, length));
        if last == Phase::Done {
            break;
        }
    }
    reader.end();
    if !is_begun {
        drop(reader.take());
    }
    Ok(())
}

/// Reads what comes next of a stream; `None` at its end.
fn next<'a>(input: &mut dyn Read, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
    loop {
        match input.read(buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => return Ok(buffer.get(..read)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads what comes first in a range of a file; `None` if the range is empty or the file has ended.
fn read_at<'a>(
    file: &File,
    range: Range<u64>,
    buffer: &'a mut [u8],
) -> io::Result<Option<&'a [u8]>> {
    let length = range.end.saturating_sub(range.start);
    let length = usize::try_from(length)
        .unwrap_or(usize::MAX)
        .min(buffer.len());
    let buffer = buffer.get_mut(..length).unwrap_or_default();
    loop {
        match file.read_at(buffer, range.start) {
            Ok(0) => return Ok(None),
            Ok(read) => return Ok(buffer.get(..read)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
