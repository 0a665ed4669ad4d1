//! Finds the id of a request in a line that cannot be parsed: too long to keep, or no JSON as a whole.
//!
//! Reads byte by byte and keeps only the id; knows just enough of JSON to tell the outermost object's members apart.

use serde_json::Value;

/// A member's name or an id longer than this is none that counts.
const KEPT_MAX_BYTES: usize = 512;

/// Reads a line in pieces.
#[derive(Debug, Default)]
pub(super) struct IdScan {
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// The last string of the outermost object, without its quotes.
    name: Vec<u8>,
    /// The text of the id, once its name was read.
    id: Option<Vec<u8>>,
    done: bool,
}

impl IdScan {
    /// Reads on.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.done {
                return;
            }
            self.step(*byte);
        }
    }

    /// The id, if the line had one that was complete.
    pub(super) fn id(&self) -> Option<Value> {
        let text = self.id.as_ref().filter(|_| self.done)?;
        serde_json::from_slice(text).ok().filter(|id: &Value| id.is_number() || id.is_string())
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if self.id.is_none() {
                    self.name.clear();
                }
                self.keep(byte);
            }
            b'{' | b'[' => self.depth += 1,
            b':' if self.depth == 1 && self.id.is_none() && self.name == b"\"id\"" => {
                self.id = Some(Vec::new());
            }
            b',' | b'}' | b']' => {
                self.done = self.id.is_some() && self.depth <= 1;
                if byte != b',' {
                    self.depth = self.depth.saturating_sub(1);
                }
            }
            other if self.id.is_some() => self.keep(other),
            _ => {}
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth != 1 {
            return;
        }
        let kept = self.id.as_mut().unwrap_or(&mut self.name);
        kept.push(byte);
        if kept.len() > KEPT_MAX_BYTES {
            // Nothing that is cut may look like something else.
            kept.clear();
            kept.push(b'?');
        }
    }
}

/// The id in a whole line.
pub(super) fn id_in(line: &[u8]) -> Option<Value> {
    let mut scan = IdScan::default();
    scan.feed(line);
    scan.id()
}

#[cfg(test)]
mod tests {
    use super::id_in;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn finds_the_id_wherever_it_stands() {
        for (line, id) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"#, Some(json!(7))),
            (r#"{"params":{"id":1,"x":["id",{"id":2}]},"id":"a\"b"}"#, Some(json!("a\"b"))),
            (r#"{"method":"id","id" : 3 , x"#, Some(json!(3))),
            (r#"{"x":"\"id\":9","id":4}"#, Some(json!(4))),
            (r#"{"id":12"#, None),
            (r#"{"id":null,"method":1}"#, None),
            (r#"{"id":{"a":1},"method":1}"#, None),
            (r#"[{"id":1}]"#, None),
            ("not json", None),
            ("", None),
        ] {
            assert_eq!(id_in(line.as_bytes()), id, "{line}");
        }
    }

    proptest! {
        #[test]
        fn never_fails_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            id_in(&bytes);
        }

        #[test]
        fn finds_the_id_of_any_request(id in any::<i64>(), text in any::<String>(), first: bool) {
            let params: Value = json!({"id": text, "list": [text]});
            let request = if first {
                json!({"id": id, "params": params, "method": text})
            } else {
                json!({"params": params, "method": text, "id": id})
            };
            prop_assert_eq!(id_in(request.to_string().as_bytes()), Some(json!(id)));
        }
    }
}
