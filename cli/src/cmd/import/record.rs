//! A line of an export, read back.

use c2c_proto::id::MessageId;
use c2c_proto::message::{Priority, Receipt, ReceiptState, To};
use c2c_proto::name::EVERYONE;
use c2c_proto::request::ImportedMessage;
use c2c_proto::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

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

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Export { version: u64, store_id: String },
    Session {},
    State { key: String, value: Value, expires_at: Option<String> },
    Message(Message),
    End { lines: u64 },
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

/// Reads a line.
pub(super) fn parsed(line: &str) -> Result<Record, Unreadable> {
    let read = serde_json::from_str(line);
    match read.map_err(|error| if error.is_eof() { Unreadable::Cut } else { error.to_string().into() })? {
        Line::Export { version: VERSION, store_id } => Ok(Record::Export { store_id }),
        Line::Export { version, .. } => {
            Err(format!("it has version {version}, this c2c reads version {VERSION}").into())
        }
        Line::Session {} => Ok(Record::Session),
        Line::End { lines } => Ok(Record::End { lines }),
        Line::State { key, value, expires_at } => {
            let expires_at = expires_at.as_deref().map(at).transpose()?;
            Ok(Record::State { key, value: value.to_string(), expires_at })
        }
        Line::Message(message) => Ok(Record::Message(Box::new(message.imported()?))),
    }
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
