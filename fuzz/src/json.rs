//! A reader of JSON that shares nothing with the product: strict, without a limit on depth, and it does not forgive a
//! name that stands twice in one object.

use std::iter::Peekable;
use std::str::Chars;

/// Any JSON. Numbers stay as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// As written.
    Number(String),
    /// Without its escapes.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// In the order in which they are written.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// Reads a whole text.
    ///
    /// # Panics
    /// If it is no JSON, or an object has two members of one name.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut chars = text.chars().peekable();
        let value = value(&mut chars);
        skip_space(&mut chars);
        assert_eq!(chars.next(), None, "something follows the value");
        value
    }

    /// The member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text that a member is.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Self::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The whole number that a member is.
    #[must_use]
    pub fn whole(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Self::Number(number)) => number.parse().ok(),
            _ => None,
        }
    }

    /// Whether a member is `true`.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Self::Bool(true))
    }

    /// The list that a member is; empty if it is something else.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Self] {
        match self.get(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }
}

fn skip_space(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|char| matches!(char, ' ' | '\t' | '\n' | '\r')).is_some() {}
}

fn value(chars: &mut Peekable<Chars<'_>>) -> Json {
    skip_space(chars);
    match chars.peek() {
        Some('"') => Json::Text(text(chars)),
        Some('{') => object(chars),
        Some('[') => list(chars),
        Some('-' | '0'..='9') => number(chars),
        Some('a'..='z') => word(chars),
        other => panic!("no JSON begins with {other:?}"),
    }
}

fn object(chars: &mut Peekable<Chars<'_>>) -> Json {
    let mut members: Vec<(String, Json)> = Vec::new();
    items(chars, '}', |chars| {
        let name = text(chars);
        assert!(members.iter().all(|(member, _)| *member != name), "{name:?} stands twice in one object");
        skip_space(chars);
        assert_eq!(chars.next(), Some(':'), "no colon after {name:?}");
        let value = value(chars);
        members.push((name, value));
    });
    Json::Object(members)
}

fn list(chars: &mut Peekable<Chars<'_>>) -> Json {
    let mut values = Vec::new();
    items(chars, ']', |chars| values.push(value(chars)));
    Json::List(values)
}

/// What stands between two brackets, with commas between.
fn items(chars: &mut Peekable<Chars<'_>>, end: char, mut item: impl FnMut(&mut Peekable<Chars<'_>>)) {
    chars.next();
    skip_space(chars);
    if chars.next_if_eq(&end).is_some() {
        return;
    }
    loop {
        skip_space(chars);
        item(chars);
        skip_space(chars);
        match chars.next() {
            Some(',') => {}
            Some(char) if char == end => return,
            other => panic!("{other:?} where a comma or {end:?} belongs"),
        }
    }
}

fn number(chars: &mut Peekable<Chars<'_>>) -> Json {
    let mut number = String::new();
    while let Some(char) = chars.next_if(|char| matches!(char, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')) {
        number.push(char);
    }
    number.parse::<f64>().unwrap_or_else(|_| panic!("{number} is no number"));
    Json::Number(number)
}

fn word(chars: &mut Peekable<Chars<'_>>) -> Json {
    let mut word = String::new();
    while let Some(char) = chars.next_if(char::is_ascii_lowercase) {
        word.push(char);
    }
    match word.as_str() {
        "null" => Json::Null,
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        other => panic!("{other} is no JSON"),
    }
}

fn text(chars: &mut Peekable<Chars<'_>>) -> String {
    assert_eq!(chars.next(), Some('"'), "a text begins with a quote");
    let mut units: Vec<u16> = Vec::new();
    loop {
        match chars.next() {
            Some('"') => return String::from_utf16(&units).expect("no half of a pair stands alone"),
            Some('\\') => units.push(escaped(chars)),
            Some(char) if u32::from(char) < 0x20 => panic!("the control character {char:?} stands in a text"),
            Some(char) => units.extend_from_slice(char.encode_utf16(&mut [0; 2])),
            None => panic!("a text has no end"),
        }
    }
}

fn escaped(chars: &mut Peekable<Chars<'_>>) -> u16 {
    let plain = match chars.next() {
        Some(char @ ('"' | '\\' | '/')) => char,
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('u') => {
            let hex: String = chars.by_ref().take(4).collect();
            return u16::from_str_radix(&hex, 16).unwrap_or_else(|_| panic!("\\u{hex} is no escape"));
        }
        other => panic!("{other:?} is no escape"),
    };
    u16::try_from(u32::from(plain)).expect("it is ASCII")
}
