//! Content that is longer than the server takes at once goes in parts, and is whole again only if its hash says so.

use crate::envelope::Part;
use c2c_proto::limits::BODY_MAX_BYTES;
use c2c_proto::request::Parcel;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Splits content into parts of at most so many bytes.
pub(crate) fn split(content: &[u8], most: usize) -> Vec<&[u8]> {
    if content.is_empty() {
        return vec![content];
    }
    content.chunks(most.max(1)).collect()
}

/// The hash of content, in hex.
pub(crate) fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Content that is longer is none: the longest body, and what is said of it.
const CONTENT_MAX_BYTES: usize = BODY_MAX_BYTES + 256 * 1024;

/// Parts of one parcel, as they come. They come in order; what is out of order begins anew.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    begun: Option<Part>,
    content: Vec<u8>,
}

impl Assembly {
    /// Adds a part. The parcel, for this node, if it is whole now.
    pub(crate) fn add(&mut self, node: &str, part: &Part, bytes: &[u8]) -> Option<Parcel> {
        if part.part == 0 {
            self.content.clear();
        } else if !self.begun.as_ref().is_some_and(|before| follows(before, part)) {
            self.begun = None;
            return None;
        }
        if self.content.len() + bytes.len() > CONTENT_MAX_BYTES {
            (self.begun, self.content) = (None, Vec::new());
            tracing::warn!(number = part.number, "a parcel is longer than any can be; it is left out");
            return None;
        }
        self.content.extend_from_slice(bytes);
        self.begun = Some(part.clone());
        if part.part + 1 < part.parts {
            return None;
        }
        self.begun = None;
        let content = std::mem::take(&mut self.content);
        if hash(&content) != part.hash {
            tracing::warn!(number = part.number, "a parcel was damaged on its way; it comes again");
            return None;
        }
        let content = String::from_utf8(content).ok()?;
        Some(Parcel { node: node.to_owned(), number: part.number, after: part.after, content })
    }
}

fn follows(before: &Part, part: &Part) -> bool {
    *part == Part { part: before.part + 1, ..before.clone() }
}

#[cfg(test)]
mod tests {
    use super::{Assembly, hash, split};
    use crate::envelope::Part;

    fn part(part: usize, parts: usize, content: &str) -> Part {
        Part { store: "s".into(), number: 7, after: 3, part, parts, hash: hash(content.as_bytes()) }
    }

    #[test]
    fn parts_become_whole_in_order_and_only_then() {
        let content = "äöü and more";
        let parts = split(content.as_bytes(), 5);
        assert_eq!(parts.len(), 3);
        let mut assembly = Assembly::default();
        // The second without the first, the first twice, then all of it.
        for (number, whole) in [(1, false), (0, false), (0, false), (1, false), (2, true), (2, false)] {
            let added = assembly.add("b", &part(number, 3, content), parts[number]);
            assert_eq!(added.is_some(), whole, "part {number}");
            if let Some(parcel) = added {
                assert_eq!((parcel.content.as_str(), parcel.number, parcel.after), (content, 7, 3));
            }
        }
    }

    #[test]
    fn what_was_damaged_is_none() {
        let mut assembly = Assembly::default();
        assert!(assembly.add("b", &part(0, 1, "right"), b"wrong").is_none());
        assert!(assembly.add("b", &part(0, 1, "right"), b"right").is_some());
        assert_eq!(split(b"", 10).len(), 1);
    }
}
