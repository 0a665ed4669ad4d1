//! Which key does what, in each place. It does none of it.

use super::stream::Motion;
use super::text_field::Edit;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The lists of sessions and messages.
    Lists,
    /// The filter is being typed.
    Filter,
    /// A thread.
    Thread,
    /// A message is being written.
    Form,
    /// The help.
    Help,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// End.
    Quit,
    /// Show the help.
    Help,
    /// Leave what is open, or end the filters.
    Close,
    /// Open the thread of the message, narrow to the session, keep the filter.
    Open,
    /// Go somewhere in the list or the thread.
    Go(Motion),
    /// On to the next list, message or field; `false`: back.
    Next(bool),
    /// Type a filter.
    Filter,
    /// Write a message.
    Write,
    /// Answer the selected message.
    Reply,
    /// Change the text under the cursor.
    Edit(Edit),
    /// Send what was written.
    Send,
}

/// What a key does; `None` for nothing.
pub(super) fn action(place: Place, key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control && key.code == KeyCode::Char('c') {
        return Some(Action::Quit);
    }
    match place {
        Place::Lists | Place::Thread if control => None,
        Place::Lists | Place::Thread => looking(key.code),
        Place::Help => match key.code {
            KeyCode::Char('q') => Some(Action::Quit),
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('?') => Some(Action::Close),
            _ => None,
        },
        Place::Filter if key.code == KeyCode::Enter => Some(Action::Open),
        Place::Filter => writing(key, control),
        Place::Form => in_form(key, control),
    }
}

const fn looking(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Char('q') => Action::Quit,
        KeyCode::Char('?') => Action::Help,
        KeyCode::Char('/') => Action::Filter,
        KeyCode::Char('n') => Action::Write,
        KeyCode::Char('r') => Action::Reply,
        KeyCode::Esc => Action::Close,
        KeyCode::Enter => Action::Open,
        KeyCode::Tab => Action::Next(true),
        KeyCode::BackTab => Action::Next(false),
        KeyCode::Up | KeyCode::Char('k') => Action::Go(Motion::Up),
        KeyCode::Down | KeyCode::Char('j') => Action::Go(Motion::Down),
        KeyCode::PageUp => Action::Go(Motion::PageUp),
        KeyCode::PageDown | KeyCode::Char(' ') => Action::Go(Motion::PageDown),
        KeyCode::Home | KeyCode::Char('g') => Action::Go(Motion::First),
        KeyCode::End | KeyCode::Char('G') => Action::Go(Motion::Last),
        _ => return None,
    })
}

fn in_form(key: KeyEvent, control: bool) -> Option<Action> {
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Char('s') if control => Some(Action::Send),
        KeyCode::Enter if alt => Some(Action::Send),
        KeyCode::Enter => Some(Action::Edit(Edit::Newline)),
        KeyCode::Tab => Some(Action::Next(true)),
        KeyCode::BackTab => Some(Action::Next(false)),
        _ => writing(key, control),
    }
}

const fn writing(key: KeyEvent, control: bool) -> Option<Action> {
    Some(Action::Edit(match key.code {
        KeyCode::Esc => return Some(Action::Close),
        KeyCode::Char('u') if control => Edit::Clear,
        KeyCode::Char('a') if control => Edit::Home,
        KeyCode::Char('e') if control => Edit::End,
        KeyCode::Char('h') if control => Edit::Backspace,
        // Some terminals give AltGr as both; only with one of them it is a command that we do not have.
        KeyCode::Char(_) if control != key.modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char(char) => Edit::Insert(char),
        KeyCode::Backspace => Edit::Backspace,
        KeyCode::Delete => Edit::Delete,
        KeyCode::Left => Edit::Left,
        KeyCode::Right => Edit::Right,
        KeyCode::Up => Edit::Up,
        KeyCode::Down => Edit::Down,
        KeyCode::Home => Edit::Home,
        KeyCode::End => Edit::End,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::{Action, Place, action};
    use crate::cmd::top::stream::Motion;
    use crate::cmd::top::text_field::Edit;
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

    const ALL: [Place; 5] = [Place::Lists, Place::Filter, Place::Thread, Place::Form, Place::Help];

    fn pressed(place: Place, code: KeyCode, with: KeyModifiers) -> Option<Action> {
        action(place, KeyEvent::new(code, with))
    }

    fn plain(place: Place, char: char) -> Option<Action> {
        pressed(place, KeyCode::Char(char), KeyModifiers::NONE)
    }

    #[test]
    fn ctrl_c_quits_everywhere_and_q_where_nothing_is_typed() {
        for place in ALL {
            assert_eq!(pressed(place, KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
            let typed = matches!(place, Place::Filter | Place::Form);
            let expected = if typed { Action::Edit(Edit::Insert('q')) } else { Action::Quit };
            assert_eq!(plain(place, 'q'), Some(expected));
            assert_eq!(pressed(place, KeyCode::Esc, KeyModifiers::NONE), Some(Action::Close));
        }
    }

    #[test]
    fn arrows_and_letters_move() {
        for (char, motion) in
            [('j', Motion::Down), ('k', Motion::Up), ('g', Motion::First), ('G', Motion::Last)]
        {
            assert_eq!(plain(Place::Lists, char), Some(Action::Go(motion)));
            assert_eq!(plain(Place::Form, char), Some(Action::Edit(Edit::Insert(char))));
        }
        let page = pressed(Place::Thread, KeyCode::PageUp, KeyModifiers::NONE);
        assert_eq!(page, Some(Action::Go(Motion::PageUp)));
    }

    #[test]
    fn enter_writes_a_line_and_sends_with_alt() {
        let enter = |with| pressed(Place::Form, KeyCode::Enter, with);
        assert_eq!(enter(KeyModifiers::NONE), Some(Action::Edit(Edit::Newline)));
        assert_eq!(enter(KeyModifiers::ALT), Some(Action::Send));
        assert_eq!(pressed(Place::Form, KeyCode::Char('s'), KeyModifiers::CONTROL), Some(Action::Send));
        assert_eq!(plain(Place::Form, 's'), Some(Action::Edit(Edit::Insert('s'))));
        assert_eq!(pressed(Place::Form, KeyCode::Char('x'), KeyModifiers::CONTROL), None);
    }

    #[test]
    fn a_key_that_is_let_go_does_nothing() {
        let key = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(action(Place::Lists, key), None);
    }
}
