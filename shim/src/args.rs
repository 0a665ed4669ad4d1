//! Reads a tool's arguments kindly: what is clearly meant is taken, what is not is refused with what was given.
//!
//! Owns the rules of reading. Knows no tool: names, ranges and meanings come from the caller.

use crate::exact::first_changed;
use c2c_proto::Error;
use c2c_proto::limits;
use serde_json::{Map, Value};

/// Integers up to here survive a detour through a floating-point number.
const EXACT_FLOAT_MAX: f64 = 9_007_199_254_740_992.0;
/// Of a value that is not understood, so much is shown.
const SHOWN_MAX_CHARS: usize = 60;

/// The arguments of one call that have not been taken yet.
#[derive(Debug)]
pub struct Args {
    map: Map<String, Value>,
}

impl Args {
    /// Takes the arguments of `tool`, which knows the names in `known`.
    ///
    /// # Errors
    /// `invalid_argument` for a name that the tool does not know; a null is an absent argument, whatever its name.
    pub fn new(
        tool: &str,
        known: &[&'static str],
        arguments: Option<Map<String, Value>>,
    ) -> Result<Self, Error> {
        let map = arguments.unwrap_or_default();
        for (name, value) in &map {
            if !value.is_null() && !known.contains(&name.as_str()) {
                let takes = if known.is_empty() {
                    format!("{tool} takes no arguments")
                } else {
                    format!("{tool} takes: {}", known.join(", "))
                };
                return Err(Error::invalid(format!("{tool} has no argument {}", shown_text(name)), takes));
            }
        }
        Ok(Self { map })
    }

    /// Whether the argument was given and means something (not null, not an empty text).
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.has(name).then(|| self.map.remove(name)).flatten()
    }

    /// Any JSON, exactly as it was given; an explicit null is a value too.
    pub fn json(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name)
    }

    /// A text; a whole number is taken as its digits, an empty text as absent.
    ///
    /// # Errors
    /// `invalid_argument` for anything else.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        self.take(name).map(|value| as_text(name, value)).transpose()
    }

    /// A text that says which things are meant: an empty one would mean all of them, so it is refused.
    ///
    /// # Errors
    /// `invalid_argument` for an empty text, or anything else.
    pub fn filled_text(&mut self, name: &str) -> Result<Option<String>, Error> {
        if self.map.get(name).and_then(Value::as_str) == Some("") {
            return Err(Error::invalid(
                format!("{name} is an empty text"),
                format!("leave {name} out, or say which one is meant"),
            ));
        }
        self.text(name)
    }

    /// A text that must be there, but may be empty. `what`: what to give, for the hint.
    ///
    /// # Errors
    /// `invalid_argument` if it is missing or something else.
    pub fn text_or_empty(&mut self, name: &str, what: &str) -> Result<String, Error> {
        match self.map.remove(name) {
            None | Some(Value::Null) => Err(missing(name, what)),
            Some(value) => as_text(name, value),
        }
    }

    /// A text that must be there and not be empty. `what`: what to give, for the hint.
    ///
    /// # Errors
    /// `invalid_argument` if it is missing or something else.
    pub fn required_text(&mut self, name: &str, what: &str) -> Result<String, Error> {
        self.text(name)?.ok_or_else(|| missing(name, what))
    }

    /// A whole number: `12`, `12.0`, `"12"`.
    ///
    /// # Errors
    /// `invalid_argument` for anything else, or out of the range.
    pub fn integer(&mut self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = as_integer(&value).ok_or_else(|| wrong_type(name, &value, "a whole number"))?;
        if (least..=most).contains(&number) {
            return Ok(Some(number));
        }
        let range =
            if most == i64::MAX { format!("at least {least}") } else { format!("from {least} to {most}") };
        Err(Error::invalid(
            format!("{name} is {number}, allowed is {range}"),
            format!("give {name} as a number {range}"),
        ))
    }

    /// A message's id.
    ///
    /// # Errors
    /// `invalid_argument` for anything but a positive whole number.
    pub fn id(&mut self, name: &str) -> Result<Option<i64>, Error> {
        self.integer(name, 1, i64::MAX)
    }

    /// Seconds, possibly with a fraction, as milliseconds.
    ///
    /// # Errors
    /// `invalid_argument` for anything but a number in the range.
    pub fn seconds_as_ms(&mut self, name: &str, least_ms: u64, most_s: u64) -> Result<Option<u64>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let seconds = as_number(&value).ok_or_else(|| wrong_type(name, &value, "a number of seconds"))?;
        let ms = whole_ms(seconds);
        if let Some(ms) = ms
            && (least_ms..=most_s.saturating_mul(1_000)).contains(&ms)
        {
            return Ok(Some(ms));
        }
        let least = match least_ms {
            whole if whole % 1_000 == 0 => (whole / 1_000).to_string(),
            part => format!("0.{part:03}"),
        };
        Err(Error::invalid(
            format!("{name} is {seconds}, allowed is from {least} to {most_s} seconds"),
            format!("give {name} as a number of seconds from {least} to {most_s}"),
        ))
    }

    /// Yes or no: `true`, `"true"`.
    ///
    /// # Errors
    /// `invalid_argument` for anything else.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let meant = match &value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        meant.map(Some).ok_or_else(|| wrong_type(name, &value, "true or false"))
    }

    /// Texts: a list, a single one, or a list written as JSON in a text. `None` if absent. `wanted`: what the texts
    /// are, for the error.
    ///
    /// # Errors
    /// `invalid_argument` for anything else.
    pub fn texts(&mut self, name: &str, wanted: &str) -> Result<Option<(Vec<String>, Many)>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let (items, many) = as_list(value);
        let text = |item: Value| text_of(item).map_err(|item| wrong_item(name, many, &item, wanted));
        let texts: Result<Vec<String>, Error> = items.into_iter().map(text).collect();
        Ok(Some((texts?, many)))
    }

    /// Message ids: a list, a single one, or a list written as JSON in a text.
    ///
    /// # Errors
    /// `invalid_argument` if missing or anything else.
    pub fn required_ids(&mut self, name: &str) -> Result<Vec<i64>, Error> {
        const WANTED: &str = "a list of message ids, which are whole numbers";
        let Some(value) = self.take(name) else { return Err(missing(name, WANTED)) };
        let (items, many) = as_list(value);
        items
            .iter()
            .map(|item| as_integer(item).ok_or_else(|| wrong_item(name, many, item, WANTED)))
            .collect()
    }

    /// A JSON object, or a text that holds one, as JSON text.
    ///
    /// # Errors
    /// `invalid_argument` for anything else.
    pub fn object(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Value::Object(map).to_string())),
            Some(Value::String(text)) => match serde_json::from_str::<Value>(&text) {
                Ok(value @ Value::Object(_)) => match first_changed(text.as_bytes()) {
                    None => Ok(Some(value.to_string())),
                    Some(number) => Err(not_kept(name, number)),
                },
                _ => Err(wrong_type(name, &Value::String(text), "a JSON object")),
            },
            Some(other) => Err(wrong_type(name, &other, "a JSON object")),
        }
    }
}

/// Whether a list was given, or a single value that became a list of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Many {
    /// A list.
    List,
    /// A single value.
    Single,
}

/// `invalid_argument` for an argument that must be there. `what`: what to give.
#[must_use]
pub fn missing(name: &str, what: &str) -> Error {
    Error::invalid(format!("{name} is missing"), format!("give {name}: {what}"))
}

/// `too_large` if a text has more characters than allowed.
///
/// # Errors
/// See above.
pub fn at_most_chars(name: &str, text: &str, limit: usize) -> Result<(), Error> {
    let chars = text.chars().count();
    if chars <= limit {
        return Ok(());
    }
    Err(Error::too_large(name, chars, limit, "characters", &format!("give a shorter {name}")))
}

/// `too_large` if a text has more bytes than allowed.
///
/// # Errors
/// See above.
pub fn at_most_bytes(name: &str, text: &str, limit: usize, hint: &str) -> Result<(), Error> {
    if text.len() <= limit {
        return Ok(());
    }
    Err(Error::too_large(name, text.len(), limit, "bytes", hint))
}

/// Checks a tag.
///
/// # Errors
/// `too_large`.
pub fn check_tag(tag: Option<&str>) -> Result<(), Error> {
    tag.map_or(Ok(()), |tag| at_most_chars("tag", tag, limits::TAG_MAX_CHARS))
}

fn as_text(name: &str, value: Value) -> Result<String, Error> {
    text_of(value).map_err(|other| wrong_type(name, &other, "a text"))
}

fn text_of(value: Value) -> Result<String, Value> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => Err(other),
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number| number.is_finite())
}

fn as_integer(value: &Value) -> Option<i64> {
    let exact = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    exact.or_else(|| as_number(value).and_then(whole))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is whole and within what an i64 holds exactly"
)]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < EXACT_FLOAT_MAX).then_some(number as i64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range before")]
fn whole_ms(seconds: f64) -> Option<u64> {
    let ms = (seconds * 1_000.0).round();
    (0.0..EXACT_FLOAT_MAX).contains(&ms).then_some(ms as u64)
}

fn as_list(value: Value) -> (Vec<Value>, Many) {
    match value {
        Value::Array(items) => (items, Many::List),
        Value::String(text) if text.trim_start().starts_with('[') => {
            match serde_json::from_str::<Vec<Value>>(&text) {
                Ok(items) => (items, Many::List),
                Err(_) => (vec![Value::String(text)], Many::Single),
            }
        }
        single => (vec![single], Many::Single),
    }
}

/// A number that would be another one afterwards.
fn not_kept(name: &str, number: &str) -> Error {
    Error::invalid(
        format!("{name} contains the number {}, which cannot be kept exactly", shown_text(number)),
        "give it as a string",
    )
}

fn wrong_type(name: &str, given: &Value, wanted: &str) -> Error {
    Error::invalid(
        format!("{name} is {}, wanted is {wanted}", describe(given)),
        format!("give {name} as {wanted}"),
    )
}

/// For one item of a list, or for the single value that stands for a list.
fn wrong_item(name: &str, many: Many, item: &Value, wanted: &str) -> Error {
    match many {
        Many::Single => wrong_type(name, item, wanted),
        Many::List => Error::invalid(
            format!("{name} contains {}, wanted is {wanted}", describe(item)),
            format!("give {name} as {wanted}"),
        ),
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => format!("{flag}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {}", shown_text(text)),
        Value::Array(items) if items.len() == 1 => "a list of 1 item".to_owned(),
        Value::Array(items) => format!("a list of {} items", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn shown_text(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(SHOWN_MAX_CHARS).collect();
    if chars.next().is_some() { format!("{start:?}…") } else { format!("{start:?}") }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
