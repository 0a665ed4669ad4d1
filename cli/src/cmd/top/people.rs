//! The sessions that are known, and which one is selected: by its name, wherever that stands.

use super::stream::Motion;
use c2c_proto::response::SessionInfo;

/// See the module's first lines.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    sessions: Vec<SessionInfo>,
    more: bool,
    selected: String,
    top: usize,
    rows: usize,
}

impl People {
    /// The sessions as they are now: online ones first, each group by name; and whether there are more than these.
    pub(super) fn set(&mut self, mut sessions: Vec<SessionInfo>, more: bool) {
        self.more = more;
        sessions.sort_by_key(|session| !session.online);
        self.sessions = sessions;
        self.clamp();
    }

    /// Those on the screen.
    pub(super) fn on_screen(&self) -> impl Iterator<Item = &SessionInfo> {
        self.sessions.iter().skip(self.top).take(self.rows)
    }

    /// Whether there are more than are known.
    pub(super) const fn has_more(&self) -> bool {
        self.more
    }

    /// How many there are, how many are online, and how many wait.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let online = self.sessions.iter().filter(|session| session.online).count();
        let waiting = self.sessions.iter().filter(|session| session.waiting).count();
        (self.sessions.len(), online, waiting)
    }

    /// The one that is selected.
    pub(super) fn selected(&self) -> Option<&SessionInfo> {
        self.sessions.get(self.place())
    }

    /// Selects another one.
    pub(super) fn go(&mut self, motion: Motion) {
        let to = motion.from(self.place(), self.sessions.len(), self.rows);
        if let Some(session) = self.sessions.get(to) {
            session.name.clone_into(&mut self.selected);
        }
        self.clamp();
    }

    /// So many fit the screen.
    pub(super) fn fit(&mut self, rows: usize) {
        self.rows = rows;
        self.clamp();
    }

    fn place(&self) -> usize {
        self.sessions.iter().position(|session| session.name == self.selected).unwrap_or(0)
    }

    fn clamp(&mut self) {
        let place = self.place();
        let least = (place + 1).saturating_sub(self.rows);
        let most = self.sessions.len().saturating_sub(self.rows);
        self.top = self.top.clamp(least, place.max(least)).min(most);
    }
}
