//! The form in which a message is written: three fields, a cursor in each, and what it is sent as. It sends nothing.

use super::text_field::{Edit, Text};
use c2c_proto::id::{MessageId, new_call_key};
use c2c_proto::message::{Priority, To};
use c2c_proto::name::EVERYONE;
use c2c_proto::request::Send;

/// A message that is being written.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// The message that it answers.
    pub(super) reply_to: Option<MessageId>,
    /// Names, with spaces or commas between them, or `*`.
    pub(super) to: Text,
    /// The tag, or nothing.
    pub(super) tag: Text,
    /// The body.
    pub(super) body: Text,
    /// Where the cursor is.
    pub(super) field: Field,
    /// The same until the text changes: what is sent again after a failure is sent once.
    key: String,
}

/// One field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// For whom.
    To,
    /// Under which tag.
    Tag,
    /// What.
    Body,
}

impl Form {
    /// An empty one, or an answer to a message, addressed already.
    pub(super) fn new(reply_to: Option<MessageId>, to: &str) -> Self {
        let field = if to.is_empty() { Field::To } else { Field::Body };
        let to = Text::one_line(to);
        let tag = Text::one_line("");
        Self { reply_to, to, tag, body: Text::lines(), field, key: new_call_key() }
    }

    /// Changes the field with the cursor.
    pub(super) fn edit(&mut self, edit: Edit) {
        self.key = new_call_key();
        match (self.field, edit) {
            // From a field of one line, Enter goes on to the next.
            (Field::To | Field::Tag, Edit::Newline) => self.next(true),
            (Field::To, edit) => self.to.edit(edit),
            (Field::Tag, edit) => self.tag.edit(edit),
            (Field::Body, edit) => self.body.edit(edit),
        }
    }

    /// Goes to the next field, or to the one before.
    pub(super) const fn next(&mut self, forward: bool) {
        self.field = match (self.field, forward) {
            (Field::To, true) | (Field::Body, false) => Field::Tag,
            (Field::Tag, true) | (Field::To, false) => Field::Body,
            (Field::Body, true) | (Field::Tag, false) => Field::To,
        };
    }

    /// What it is sent as, or what is missing, with the field where it is.
    pub(super) fn message(&self) -> Result<Send, (Field, &'static str)> {
        let text = self.to.text();
        let mut names: Vec<String> = Vec::new();
        for name in text.split([' ', ',']).filter(|name| !name.is_empty()) {
            if !names.iter().any(|other| other == name) {
                names.push(name.to_owned());
            }
        }
        let to = match names.as_slice() {
            [] if self.reply_to.is_some() => None,
            [] => return Err((Field::To, "say for whom it is: a name, several names, or * for everyone")),
            [one] if one == EVERYONE => Some(To::Everyone),
            [one] => Some(To::One(one.clone())),
            _ => Some(To::Many(names)),
        };
        let body = self.body.text();
        if body.trim().is_empty() {
            return Err((Field::Body, "the body is empty: write something first"));
        }
        let tag = Some(self.tag.text().trim().to_owned()).filter(|tag| !tag.is_empty());
        let (reply_to, key) = (self.reply_to, self.key.clone());
        Ok(Send { to, body, tag, reply_to, priority: Priority::Normal, key })
    }

    /// Whether nothing was written into it.
    pub(super) fn is_blank(&self) -> bool {
        self.body.text().trim().is_empty() && self.tag.text().trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::text_field::Edit;
    use super::{Field, Form};
    use c2c_proto::message::To;

    fn form(to: &str, body: &str) -> Form {
        let mut form = Form::new(None, to);
        form.field = Field::Body;
        form.edit(Edit::Paste(body.to_owned()));
        form
    }

    #[test]
    fn whom_it_is_for_can_be_said_in_each_way() {
        let to = |text: &str| form(text, "hello").message().map(|send| send.to);
        assert_eq!(to("api"), Ok(Some(To::One("api".to_owned()))));
        assert_eq!(to(" api, web api"), Ok(Some(To::Many(vec!["api".to_owned(), "web".to_owned()]))));
        assert_eq!(to("*"), Ok(Some(To::Everyone)));
        assert_eq!(to(" ").unwrap_err().0, Field::To);
        assert_eq!(form("api", " \n").message().unwrap_err().0, Field::Body);
    }

    #[test]
    fn an_answer_may_leave_it_to_the_broker_whom_it_is_for() {
        let mut form = Form::new(Some(7), "");
        form.field = Field::Body;
        form.edit(Edit::Insert('x'));
        let send = form.message().unwrap();
        assert_eq!((send.to, send.reply_to, send.tag), (None, Some(7), None));
    }

    #[test]
    fn what_is_sent_again_unchanged_is_the_same_send() {
        let mut form = form("api", "hello");
        let key = form.message().unwrap().key;
        form.next(true);
        assert_eq!(form.message().unwrap().key, key);
        form.edit(Edit::Insert('2'));
        assert_ne!(form.message().unwrap().key, key);
    }
}
