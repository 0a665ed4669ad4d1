//! A text that is being written: what stands before the cursor and what after it. It knows nothing of how it is drawn.

/// A change of a text, or of the cursor's place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// A character is typed.
    Insert(char),
    /// A text is pasted.
    Paste(String),
    /// A new line begins.
    Newline,
    /// The character before the cursor goes.
    Backspace,
    /// The character under the cursor goes.
    Delete,
    /// One character back.
    Left,
    /// One character on.
    Right,
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// To the line's begin.
    Home,
    /// To the line's end.
    End,
    /// Everything before the cursor goes, as in a shell.
    Clear,
}

/// A text with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    before: String,
    after: String,
    one_line: bool,
}

impl Text {
    /// One line, with the cursor at its end.
    pub(super) fn one_line(text: &str) -> Self {
        Self { before: text.to_owned(), after: String::new(), one_line: true }
    }

    /// As many lines as there come to be.
    pub(super) fn lines() -> Self {
        Self::default()
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// What stands before the cursor.
    pub(super) fn before(&self) -> &str {
        &self.before
    }

    /// Changes it.
    pub(super) fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Insert(char) => self.before.push(char),
            Edit::Paste(text) => self.paste(&text),
            Edit::Newline if self.one_line => {}
            Edit::Newline => self.before.push('\n'),
            Edit::Backspace => drop(self.before.pop()),
            Edit::Delete => drop(pop_first(&mut self.after)),
            Edit::Left => self.back(1),
            Edit::Right => self.on(1),
            Edit::Up => self.up(),
            Edit::Down => self.down(),
            Edit::Home => self.back(self.column()),
            Edit::End => self.on(first_line(&self.after)),
            Edit::Clear => {
                let begin = self.before.rfind('\n').map_or(0, |at| at + 1);
                self.before.truncate(begin);
            }
        }
    }

    /// Characters between the begin of the line and the cursor.
    fn column(&self) -> usize {
        self.before.chars().rev().take_while(|char| *char != '\n').count()
    }

    fn back(&mut self, chars: usize) {
        for _ in 0..chars {
            let Some(char) = self.before.pop() else { return };
            self.after.insert(0, char);
        }
    }

    fn on(&mut self, chars: usize) {
        for _ in 0..chars {
            let Some(char) = pop_first(&mut self.after) else { return };
            self.before.push(char);
        }
    }

    fn up(&mut self) {
        let column = self.column();
        self.back(column);
        if self.before.is_empty() {
            return;
        }
        self.back(1);
        self.back(self.column().saturating_sub(column));
    }

    fn down(&mut self) {
        let column = self.column();
        if !self.after.contains('\n') {
            return self.on(usize::MAX);
        }
        self.on(first_line(&self.after) + 1);
        self.on(first_line(&self.after).min(column));
    }

    /// Terminals give the ends of lines in a paste as `\r`.
    fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = if self.one_line { text.replace('\n', " ") } else { text };
        self.before.push_str(&text);
    }
}

/// Characters up to the end of the first line.
fn first_line(text: &str) -> usize {
    text.chars().take_while(|char| *char != '\n').count()
}

fn pop_first(text: &mut String) -> Option<char> {
    if text.is_empty() { None } else { Some(text.remove(0)) }
}

#[cfg(test)]
mod tests {
    use super::{Edit, Text};

    fn shown(text: &Text) -> String {
        format!("{}|{}", text.before, text.after)
    }

    fn after(mut text: Text, edits: &[Edit]) -> String {
        edits.iter().for_each(|edit| text.edit(edit.clone()));
        shown(&text)
    }

    fn three() -> Text {
        let mut text = Text::lines();
        text.edit(Edit::Paste("one\r\nlonger\rwö".to_owned()));
        text
    }

    #[test]
    fn the_cursor_goes_where_the_keys_say() {
        assert_eq!(shown(&three()), "one\nlonger\nwö|");
        assert_eq!(after(three(), &[Edit::Up]), "one\nlo|nger\nwö");
        assert_eq!(after(three(), &[Edit::Up, Edit::End, Edit::Up]), "one|\nlonger\nwö");
        assert_eq!(after(three(), &[Edit::Up, Edit::Up, Edit::Home, Edit::Up]), "|one\nlonger\nwö");
        assert_eq!(after(three(), &[Edit::Up, Edit::End, Edit::Down]), "one\nlonger\nwö|");
        assert_eq!(after(three(), &[Edit::Home, Edit::Left]), "one\nlonger|\nwö");
        assert_eq!(after(three(), &[Edit::Home, Edit::Left, Edit::Right]), "one\nlonger\n|wö");
    }

    #[test]
    fn the_text_changes_at_the_cursor() {
        assert_eq!(after(three(), &[Edit::Backspace, Edit::Newline]), "one\nlonger\nw\n|");
        assert_eq!(after(three(), &[Edit::Home, Edit::Backspace]), "one\nlonger|wö");
        assert_eq!(after(three(), &[Edit::Left, Edit::Delete, Edit::Delete]), "one\nlonger\nw|");
        assert_eq!(after(three(), &[Edit::Left, Edit::Clear]), "one\nlonger\n|ö");
        assert_eq!(after(Text::one_line("a"), &[Edit::Newline, Edit::Paste("b\nc".to_owned())]), "ab c|");
    }
}
