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

/// What became of a part.
#[derive(Debug)]
pub(crate) enum Added {
    /// With it the parcel is whole.
    Whole(Parcel),
    /// It is the first one, or follows those that came; more is to come.
    Begun,
    /// Those before it have not come.
    Stray,
    /// The parcel is none, with all of its parts.
    Bad,
}

impl Assembly {
    /// Adds a part of a parcel for this node.
    pub(crate) fn add(&mut self, node: &str, part: &Part, bytes: &[u8]) -> Added {
        if part.part == 0 {
            self.content.clear();
        } else if !self.begun.as_ref().is_some_and(|before| follows(before, part)) {
            self.begun = None;
            return Added::Stray;
        }
        if self.content.len() + bytes.len() > CONTENT_MAX_BYTES {
            (self.begun, self.content) = (None, Vec::new());
            tracing::warn!(number = part.number, "a parcel is longer than any can be; it is left out");
            return Added::Bad;
        }
        self.content.extend_from_slice(bytes);
        self.begun = Some(part.clone());
        if part.part + 1 < part.parts {
            return Added::Begun;
        }
        self.begun = None;
        let content = std::mem::take(&mut self.content);
        if hash(&content) != part.hash {
            tracing::warn!(number = part.number, "a parcel was damaged on its way; it comes again");
            return Added::Bad;
        }
        match String::from_utf8(content) {
            Ok(content) => Added::Whole(Parcel {
                node: node.to_owned(),
                number: part.number,
                after: part.after,
                content,
            }),
            Err(_no_text) => Added::Bad,
        }
    }
}

fn follows(before: &Part, part: &Part) -> bool {
    *part == Part { part: before.part + 1, ..before.clone() }
}

#[cfg(test)]
mod tests {
    use super::{Added, Assembly, hash, split};
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
        let mut became = Vec::new();
        for number in [1, 0, 0, 1, 2, 2] {
            became.push(match assembly.add("b", &part(number, 3, content), parts[number]) {
                Added::Whole(parcel) => {
                    assert_eq!((parcel.content.as_str(), parcel.number, parcel.after), (content, 7, 3));
                    "whole"
                }
                Added::Begun => "begun",
                Added::Stray => "stray",
                Added::Bad => "bad",
            });
        }
        assert_eq!(became, ["stray", "begun", "begun", "begun", "whole", "stray"]);
    }

    #[test]
    fn what_was_damaged_is_none() {
        let mut assembly = Assembly::default();
        assert!(matches!(assembly.add("b", &part(0, 1, "right"), b"wrong"), Added::Bad));
        assert!(matches!(assembly.add("b", &part(0, 1, "right"), b"right"), Added::Whole(_)));
        assert_eq!(split(b"", 10).len(), 1);
    }
}
