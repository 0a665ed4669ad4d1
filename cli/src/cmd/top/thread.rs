//! The thread that is open: its messages, their whole bodies as they arrive, and how it is broken into rows.

use super::stream::{Motion, to_text};
use super::wrap;
use crate::text::visible;
use c2c_proto::id::MessageId;
use c2c_proto::message::{Message, Receipt, ReceiptState};
use std::collections::HashMap;

/// Receipts that are told one by one; of more they are counted.
const RECEIPTS_TOLD: usize = 4;

/// See the module's first lines.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    /// The id of its first message.
    pub(super) id: MessageId,
    /// The message that `r` answers.
    pub(super) marked: MessageId,
    /// Ascending by id; one until the broker has answered.
    messages: Vec<Message>,
    /// Whole bodies of those that are longer than what a list holds.
    bodies: HashMap<MessageId, String>,
    /// Whether there are older ones.
    more: bool,
    rows: Vec<Row>,
    /// For which width the rows are; `None`: they are to be made.
    laid_out: Option<u16>,
    top: usize,
    height: usize,
}

/// One row on the screen. The text is harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A message begins.
    Head(MessageId, String),
    /// What became of its deliveries, or what is to be known besides.
    Note(String),
    /// A part of a body.
    Body(String),
}

impl Thread {
    /// A thread of which one message is known.
    pub(super) fn of(message: &Message) -> Self {
        Self {
            id: message.thread,
            marked: message.id,
            messages: vec![message.clone()],
            bodies: HashMap::new(),
            more: false,
            rows: Vec::new(),
            laid_out: None,
            top: 0,
            height: 0,
        }
    }

    /// The broker's answer.
    pub(super) fn set(&mut self, messages: Vec<Message>, more: bool) {
        if !messages.is_empty() {
            self.messages = messages;
        }
        self.more = more;
        self.laid_out = None;
    }

    /// A whole body.
    pub(super) fn set_body(&mut self, id: MessageId, body: String) {
        self.bodies.insert(id, body);
        self.laid_out = None;
    }

    /// Ids of those whose whole bodies are here.
    pub(super) fn whole(&self) -> Vec<MessageId> {
        self.bodies.keys().copied().collect()
    }

    /// The message that `r` answers.
    pub(super) fn marked(&self) -> Option<&Message> {
        self.messages.iter().find(|message| message.id == self.marked)
    }

    /// How many messages it has.
    pub(super) const fn count(&self) -> usize {
        self.messages.len()
    }

    /// The rows on the screen.
    pub(super) fn on_screen(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().skip(self.top).take(self.height)
    }

    /// Scrolls.
    pub(super) fn go(&mut self, motion: Motion) {
        let most = self.rows.len().saturating_sub(self.height) + 1;
        self.top = motion.from(self.top, most, self.height);
    }

    /// Marks the next message, or the one before, and shows it.
    pub(super) fn mark(&mut self, forward: bool) {
        let at = self.messages.iter().position(|message| message.id == self.marked).unwrap_or(0);
        let to = if forward { at + 1 } else { at.saturating_sub(1) };
        if let Some(message) = self.messages.get(to) {
            self.marked = message.id;
            self.show_marked();
        }
    }

    /// Breaks it into rows, if that is not done for this width.
    pub(super) fn fit(&mut self, width: u16, height: u16) {
        self.height = usize::from(height);
        if self.laid_out != Some(width) {
            let first = self.rows.is_empty() || self.laid_out.is_some();
            self.rows = self.messages.iter().flat_map(|one| self.rows_of(one, usize::from(width))).collect();
            if self.more {
                self.rows.insert(0, Row::Note("older messages of this thread are not shown".to_owned()));
            }
            self.laid_out = Some(width);
            if first || self.top == 0 {
                self.show_marked();
            }
        }
        self.top = self.top.min(self.rows.len().saturating_sub(self.height));
    }

    fn show_marked(&mut self) {
        let head = self.rows.iter().position(|row| matches!(row, Row::Head(id, _) if *id == self.marked));
        self.top = head.unwrap_or(0).min(self.rows.len().saturating_sub(self.height));
    }

    fn rows_of(&self, message: &Message, columns: usize) -> Vec<Row> {
        let columns = columns.saturating_sub(2);
        let tag = message.tag.as_ref().map(|tag| format!("  [{tag}]")).unwrap_or_default();
        let answers = message.reply_to.map(|id| format!("  answers {id}")).unwrap_or_default();
        let head = format!(
            "{}  {}  {} → {}{tag}{answers}",
            message.id,
            message.created_at,
            message.from_name,
            to_text(&message.to)
        );
        let mut rows = vec![Row::Head(message.id, visible(&head))];
        let receipts = visible(&receipts(message));
        rows.extend(wrap::rows(&receipts, columns).into_iter().map(Row::Note));
        let whole = self.bodies.get(&message.id);
        let body = whole.unwrap_or(&message.body);
        for line in body.split('\n') {
            let line = visible(&line.strip_suffix('\r').unwrap_or(line).replace('\t', "    "));
            rows.extend(wrap::rows(&line, columns).into_iter().map(Row::Body));
        }
        if whole.is_none() && is_cut(message) {
            rows.push(Row::Note(format!("the rest of {} characters is being read", message.body_chars)));
        }
        rows.push(Row::Body(String::new()));
        rows
    }
}

/// Whether the list held the beginning of its body only.
pub(super) fn is_cut(message: &Message) -> bool {
    message.body_chars > message.body.chars().count() as u64
}

fn receipts(message: &Message) -> String {
    let told = |receipt: &Receipt| match (receipt.state, receipt.read_at, receipt.shown_at) {
        (ReceiptState::Read, Some(at), _) => format!("{} read it at {at}", receipt.name),
        (ReceiptState::Read, None, _) => format!("{} read it", receipt.name),
        (ReceiptState::Shown, _, Some(at)) => format!("shown to {} at {at}", receipt.name),
        (ReceiptState::Shown, _, None) => format!("shown to {}", receipt.name),
        (ReceiptState::Queued, _, _) => format!("queued for {}", receipt.name),
        (ReceiptState::Forwarded, _, _) => format!("forwarded to {}", receipt.name),
        (ReceiptState::Delivered, _, _) => format!("delivered to {}", receipt.name),
        (ReceiptState::Expired, _, _) => format!("expired before it was with {}", receipt.name),
    };
    match message.receipts.len() {
        0 => "nobody got it".to_owned(),
        1..=RECEIPTS_TOLD => message.receipts.iter().map(told).collect::<Vec<_>>().join("; "),
        _ => {
            let count = |state| message.receipts.iter().filter(|receipt| receipt.state == state).count();
            let (read, shown) = (count(ReceiptState::Read), count(ReceiptState::Shown));
            format!("{} recipients: {read} read it, {shown} were shown it", message.receipts_total)
        }
    }
}
