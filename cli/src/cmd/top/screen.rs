//! The terminal while `c2c top` has it, and as it was before: given back however the view ends, by a panic too.

use ratatui::DefaultTerminal;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, stdout};

/// The terminal, taken over. Given back when dropped.
pub(super) struct Screen {
    /// What is drawn on.
    pub(super) terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the terminal over. From here on a panic gives it back before it says what happened.
    ///
    /// # Errors
    /// When the terminal cannot be set up; it is as before then.
    pub(super) fn enter() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        set_up().inspect_err(|_| give_back()).map(|terminal| Self { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn set_up() -> io::Result<DefaultTerminal> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    Terminal::new(CrosstermBackend::new(stdout()))
}

/// Nothing is left to do where one of these fails: the terminal may be gone.
fn give_back() {
    let _raw = disable_raw_mode();
    let _left = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
}
