//! A line of an export, read back.

use c2c_proto::id::MessageId;
use c2c_proto::message::{Priority, Receipt, ReceiptState, To};
use c2c_proto::name::EVERYONE;
use c2c_proto::request::ImportedMessage;
use c2c_proto::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The version of exports that this reads.
const VERSION: u64 = 1;

/// What a line says.
#[derive(Debug)]
pub(super) enum Record {
    /// The first line.
    Export {
        store_id: String,
    },
    Session,
    /// `value` is JSON text.
    State {
        key: String,
        value: String,
        expires_at: Option<Timestamp>,
    },
    Message(Box<ImportedMessage>),
    /// The last line, with how many there are.
    End {
        lines: u64,
    },
}

/// Which kind of line it is. Looked at by itself: whoever tells apart and reads at once loses the spelling of numbers.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Export,
    Session,
    State,
    Message,
    End,
}

#[derive(Deserialize)]
struct Export {
    version: u64,
    store_id: String,
}

#[derive(Deserialize)]
struct State {
    key: String,
    value: Box<RawValue>,
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct End {
    lines: u64,
}

#[derive(Deserialize)]
struct Message {
    id: MessageId,
    from_name: String,
    from_session: String,
    to: Whom,
    body: String,
    tag: Option<String>,
    reply_to: Option<MessageId>,
    priority: Priority,
    created_at: String,
    receipts: Vec<Mark>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Whom {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Mark {
    name: String,
    state: ReceiptState,
    shown_at: Option<String>,
    read_at: Option<String>,
    read_by: Option<String>,
}

/// Why a line cannot be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It ends too early.
    Cut,
    /// It is no line of an export, and why.
    Other(String),
}

impl From<String> for Unreadable {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        if error.is_eof() { Self::Cut } else { Self::Other(error.to_string()) }
    }
}

/// Reads a line.
pub(super) fn parsed(line: &str) -> Result<Record, Unreadable> {
    let Line { kind } = serde_json::from_str(line)?;
    Ok(match kind {
        Kind::Export => match serde_json::from_str(line)? {
            Export { version: VERSION, store_id } => Record::Export { store_id },
            Export { version, .. } => {
                let why = format!("it has version {version}, this c2c reads version {VERSION}");
                return Err(why.into());
            }
        },
        Kind::Session => Record::Session,
        Kind::State => {
            let State { key, value, expires_at } = serde_json::from_str(line)?;
            let expires_at = expires_at.as_deref().map(at).transpose()?;
            Record::State { key, value: value.get().to_owned(), expires_at }
        }
        Kind::Message => {
            let message: Message = serde_json::from_str(line)?;
            Record::Message(Box::new(message.imported()?))
        }
        Kind::End => {
            let End { lines } = serde_json::from_str(line)?;
            Record::End { lines }
        }
    })
}

impl Message {
    fn imported(self) -> Result<ImportedMessage, String> {
        Ok(ImportedMessage {
            origin_id: self.id,
            from_name: self.from_name,
            from_session: self.from_session,
            to: match self.to {
                Whom::One(name) if name == EVERYONE => To::Everyone,
                Whom::One(name) => To::One(name),
                Whom::Many(names) => To::Many(names),
            },
            body: self.body,
            tag: self.tag,
            reply_to: self.reply_to,
            priority: self.priority,
            created_at: at(&self.created_at)?,
            receipts: self.receipts.into_iter().map(Mark::receipt).collect::<Result<_, _>>()?,
        })
    }
}

impl Mark {
    fn receipt(self) -> Result<Receipt, String> {
        Ok(Receipt {
            name: self.name,
            state: self.state,
            shown_at: self.shown_at.as_deref().map(at).transpose()?,
            read_at: self.read_at.as_deref().map(at).transpose()?,
            read_by: self.read_by,
        })
    }
}

fn at(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_no_time| format!("{text:?} is no time"))
}
