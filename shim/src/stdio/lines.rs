//! Lines from a stream of bytes, with a limit: a line that is too long is read to its end but not kept.

use super::id_scan::IdScan;
use serde_json::Value;
use std::io;
use std::ops::Range;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What one read takes from the system at most: enough for most lines.
const READ_BYTES: usize = 4 * 1024;
/// The same in a line that is longer, for as long as that line is read.
const READ_MORE_BYTES: usize = 64 * 1024;

/// One line.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// Longer than the limit; all that is known of it is the id of the request that it was.
    TooLong(Option<Value>),
    /// There are no more.
    End,
}

/// Reads lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    read: R,
    limit: usize,
    /// What was read from the system, and how much of it is not used yet.
    chunk: Vec<u8>,
    unused: Range<usize>,
    kept: Vec<u8>,
    too_long: Option<IdScan>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// `limit`: bytes of a line, without its end.
    pub(super) const fn new(read: R, limit: usize) -> Self {
        Self { read, limit, chunk: Vec::new(), unused: 0..0, kept: Vec::new(), too_long: None }
    }

    /// The next line. Can be dropped and called again without losing a byte.
    ///
    /// # Errors
    /// The stream's own.
    pub(super) async fn next(&mut self) -> io::Result<Line> {
        loop {
            if self.unused.is_empty() {
                self.make_room();
                self.unused = 0..self.read.read(&mut self.chunk).await?;
            }
            let unused = &self.chunk[self.unused.clone()];
            if unused.is_empty() {
                return Ok(self.last());
            }
            let end = unused.iter().position(|byte| *byte == b'\n');
            let part = &unused[..end.unwrap_or(unused.len())];
            self.unused.start += part.len() + usize::from(end.is_some());
            if let Some(scan) = &mut self.too_long {
                scan.feed(part);
            } else if self.kept.len() + part.len() > self.limit {
                let mut scan = IdScan::default();
                scan.feed(&self.kept);
                scan.feed(part);
                self.kept = Vec::new();
                self.too_long = Some(scan);
            } else {
                self.kept.extend_from_slice(part);
            }
            if end.is_some() {
                return Ok(self.finish());
            }
        }
    }

    /// Room for the next read. The larger one is given back with the line, since most sessions wait for most of their life.
    fn make_room(&mut self) {
        let long = self.too_long.is_some() || self.kept.len() >= READ_BYTES;
        let bytes = if long { READ_MORE_BYTES } else { READ_BYTES };
        if self.chunk.len() != bytes {
            self.chunk = vec![0; bytes];
        }
    }

    fn finish(&mut self) -> Line {
        match self.too_long.take() {
            Some(scan) => Line::TooLong(scan.id()),
            None => Line::Whole(std::mem::take(&mut self.kept)),
        }
    }

    /// A line that ends with the stream is a line too.
    fn last(&mut self) -> Line {
        if self.too_long.is_none() && self.kept.is_empty() { Line::End } else { self.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::id_scan::id_in;
    use super::{Line, Lines};
    use proptest::prelude::*;
    use serde_json::json;
    use tokio::io::AsyncReadExt;

    async fn lines(bytes: &[u8], limit: usize) -> Vec<Line> {
        let mut lines = Lines::new(bytes, limit);
        let mut all = Vec::new();
        loop {
            match lines.next().await.unwrap() {
                Line::End => return all,
                line => all.push(line),
            }
        }
    }

    #[tokio::test]
    async fn the_last_line_needs_no_end() {
        let expected = [Line::Whole(b"a".to_vec()), Line::Whole(Vec::new()), Line::Whole(b"b".to_vec())];
        assert_eq!(lines(b"a\n\nb", 10).await, expected);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_leaves_its_id_and_the_next_line() {
        let long = format!("{{\"params\":\"{}\",\"id\":7}}\nshort\n", "x".repeat(100_000));
        let expected = [Line::TooLong(Some(json!(7))), Line::Whole(b"short".to_vec())];
        assert_eq!(lines(long.as_bytes(), 50_000).await, expected);
    }

    #[tokio::test]
    async fn the_limit_is_exact() {
        assert_eq!(lines(b"12345\n", 5).await, [Line::Whole(b"12345".to_vec())]);
        assert_eq!(lines(b"123456\n", 5).await, [Line::TooLong(None)]);
    }

    proptest! {
        #[test]
        fn however_the_bytes_come_the_lines_are_the_same(
            text in "([\n\r]|\"id\":|[{},7x]){0,40}",
            cuts in (0_usize..200, 0_usize..200),
            limit in 0_usize..30,
        ) {
            let bytes = text.as_bytes();
            let (first, rest) = bytes.split_at(cuts.0.min(bytes.len()));
            let (second, third) = rest.split_at(cuts.1.min(rest.len()));
            let mut read = Lines::new(first.chain(second).chain(third), limit);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            for line in whole.split(|byte| *byte == b'\n').filter(|_| !bytes.is_empty()) {
                let expected =
                    if line.len() > limit { Line::TooLong(id_in(line)) } else { Line::Whole(line.to_vec()) };
                prop_assert_eq!(runtime.block_on(read.next()).unwrap(), expected);
            }
            prop_assert_eq!(runtime.block_on(read.next()).unwrap(), Line::End);
        }
    }
}
