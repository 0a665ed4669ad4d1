//! Keys as the server takes them: letters, digits, `-`, `_` and `/` as they are; any other byte is `=` and two hex digits.

use std::fmt::Write as _;

/// A key as it stands in the bucket.
pub(super) fn encoded(key: &str) -> String {
    key.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/' => text.push(char::from(byte)),
            _ => drop(write!(text, "={byte:02x}")),
        }
        text
    })
}

/// The way back; `None` for what no link has written.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{decoded, encoded};

    #[test]
    fn any_key_is_one_for_the_server_and_comes_back() {
        for key in ["global:deploy/prod", "global:a.b c*>", "global:ü\n=", "global:"] {
            let text = encoded(key);
            let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/=".contains(&byte);
            assert!(text.bytes().all(fine), "{text}");
            assert_eq!(decoded(&text).as_deref(), Some(key));
        }
        assert_eq!(encoded("global:deploy/a-b_1"), "global=3adeploy/a-b_1");
        for wrong in ["=", "=3", "=zz", "=ff"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }
}
