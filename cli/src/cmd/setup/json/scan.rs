//! Where the parts of a JSON text lie. It owns no bytes, only their places.

use anyhow::{Context, bail};
use serde_json::Value;
use std::ops::Range;

/// What editors on Windows put before a text.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A value, and where it lies.
#[derive(Debug)]
pub(super) struct Node {
    /// From its first byte to behind its last.
    pub(super) span: Range<usize>,
    pub(super) inner: Inner,
}

/// What is in a value.
#[derive(Debug)]
pub(super) enum Inner {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Scalar,
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: String,
    /// Where the key begins.
    pub(super) start: usize,
    pub(super) value: Node,
}

impl Node {
    /// The value of this key. Where one stands twice the last counts, as for whoever reads the file.
    pub(super) fn member(&self, key: &str) -> Option<&Self> {
        let Inner::Object(members) = &self.inner else { return None };
        members.iter().rev().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The value at a path of keys.
    pub(super) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.member(key))
    }

    /// Where its children lie, with their keys.
    pub(super) fn children(&self) -> Vec<Range<usize>> {
        match &self.inner {
            Inner::Object(members) => members.iter().map(|m| m.start..m.value.span.end).collect(),
            Inner::Array(elements) => elements.iter().map(|element| element.span.clone()).collect(),
            Inner::Scalar => Vec::new(),
        }
    }
}

/// The value that a text holds.
pub(super) fn value(text: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))?)
}

/// Whether nothing is in a text but blanks.
pub(super) fn is_blank(text: &str) -> bool {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim().is_empty()
}

/// The parts of a text that holds one JSON value.
pub(super) fn scan(text: &str) -> anyhow::Result<Node> {
    // Whatever is no JSON is refused by a parser that says where; the scanner below may be simple then.
    value(text)?;
    let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    Scanner { text, at }.node()
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn node(&mut self) -> anyhow::Result<Node> {
        self.skip_blanks();
        let start = self.at;
        let inner = match self.peek() {
            Some(b'{') => Inner::Object(self.list(b'}', Self::member)?),
            Some(b'[') => Inner::Array(self.list(b']', Self::node)?),
            Some(b'"') => self.string().map(|_| Inner::Scalar)?,
            _ => {
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                    self.at += 1;
                }
                Inner::Scalar
            }
        };
        Ok(Node { span: start..self.at, inner })
    }

    fn list<T>(&mut self, close: u8, item: fn(&mut Self) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(byte) if byte == close => break,
                Some(b',') => self.at += 1,
                Some(_) => items.push(item(self)?),
                None => bail!("the text ends within a list"),
            }
        }
        self.at += 1;
        Ok(items)
    }

    fn member(&mut self) -> anyhow::Result<Member> {
        let start = self.at;
        let key = self.string()?;
        self.skip_blanks();
        // The colon.
        self.at += 1;
        Ok(Member { key, start, value: self.node()? })
    }

    fn string(&mut self) -> anyhow::Result<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek().context("the text ends within a string")? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at).context("a string ends within a character")?;
        Ok(serde_json::from_str(quoted)?)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
