//! What the client and the broker need to know of a request without knowing what it means.

use super::{
    Ask, Backup, Check, DeleteState, Hook, LinkAsked, LinkTake, MarkRead, Prune, Register, Request, Send,
    SendExpiring, SetState, Traffic, Wait, WatchState,
};
use crate::limits::PRUNE_TIMEOUT_S;

impl Request {
    /// The request's name, for logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Heartbeat(_) => "heartbeat",
            Self::ListSessions(_) => "list_sessions",
            Self::Send(_) => "send",
            Self::Inbox(_) => "inbox",
            Self::ReadMessage(_) => "read_message",
            Self::MarkRead(_) => "mark_read",
            Self::Wait(_) => "wait",
            Self::Ask(_) => "ask",
            Self::SetState(_) => "set_state",
            Self::GetState(_) => "get_state",
            Self::ListState(_) => "list_state",
            Self::WatchState(_) => "watch_state",
            Self::DeleteState(_) => "delete_state",
            Self::Prune(_) => "prune",
            Self::Shown(_) => "shown",
            Self::Status(_) => "status",
            Self::HandOver(_) => "hand_over",
            Self::Hook(_) => "hook",
            Self::Pushed(_) => "pushed",
            Self::PushStatus(_) => "push_status",
            Self::Traffic(_) => "traffic",
            Self::Metrics(_) => "metrics",
            Self::Stop(_) => "stop",
            Self::Backup(_) => "backup",
            Self::Check(_) => "check",
            Self::Import(_) => "import",
            Self::PruneDryRun(_) => "prune_dry_run",
            Self::LinkUp(_) => "link_up",
            Self::LinkTake(_) => "link_take",
            Self::LinkForwarded(_) => "link_forwarded",
            Self::LinkAccepted(_) => "link_accepted",
            Self::LinkBring(_) => "link_bring",
            Self::LinkStatus(_) => "link_status",
            Self::LinkPeers(_) => "link_peers",
            Self::ListEverywhere(_) => "list_everywhere",
            Self::LinkShared(_) => "link_shared",
            Self::LinkAsked(_) => "link_asked",
            Self::LinkAnswer(_) => "link_answer",
            Self::LinkHealth(_) => "link_health",
            Self::SendExpiring(_) => "send_expiring",
        }
    }

    /// The protocol that brought the request: it is sent only on a connection that speaks that one or a later one.
    #[must_use]
    pub const fn since(&self) -> u16 {
        match self {
            Self::Register(_)
            | Self::Heartbeat(_)
            | Self::ListSessions(_)
            | Self::Send(_)
            | Self::Inbox(_)
            | Self::ReadMessage(_)
            | Self::MarkRead(_)
            | Self::Wait(_)
            | Self::Ask(_)
            | Self::SetState(_)
            | Self::GetState(_)
            | Self::ListState(_)
            | Self::WatchState(_)
            | Self::DeleteState(_)
            | Self::Prune(_)
            | Self::Shown(_)
            | Self::Status(_)
            | Self::HandOver(_)
            | Self::Hook(_)
            | Self::Pushed(_)
            | Self::PushStatus(_)
            | Self::Traffic(_)
            | Self::Metrics(_)
            | Self::Stop(_)
            | Self::Backup(_)
            | Self::Check(_)
            | Self::Import(_)
            | Self::PruneDryRun(_)
            | Self::LinkUp(_)
            | Self::LinkTake(_)
            | Self::LinkForwarded(_)
            | Self::LinkAccepted(_)
            | Self::LinkBring(_)
            | Self::LinkStatus(_)
            | Self::LinkPeers(_)
            | Self::ListEverywhere(_)
            | Self::LinkShared(_)
            | Self::LinkAsked(_)
            | Self::LinkAnswer(_)
            | Self::LinkHealth(_)
            | Self::SendExpiring(_) => 1,
        }
    }

    /// How long the request itself asks to wait, in milliseconds; `None` if it is answered at once.
    #[must_use]
    pub const fn wait_ms(&self) -> Option<u64> {
        match self {
            Self::Wait(Wait { timeout_ms, .. })
            | Self::Ask(Ask { timeout_ms, .. })
            | Self::WatchState(WatchState { timeout_ms, .. })
            | Self::Hook(Hook { timeout_ms, .. })
            | Self::Traffic(Traffic { timeout_ms, .. })
            | Self::LinkTake(LinkTake { timeout_ms, .. })
            | Self::LinkAsked(LinkAsked { timeout_ms })
            | Self::Backup(Backup { timeout_ms, .. })
            | Self::Check(Check { timeout_ms }) => Some(*timeout_ms),
            _ => None,
        }
    }

    /// How long the broker may be at work for it, in milliseconds, beyond the time in which every call is answered.
    #[must_use]
    pub const fn work_ms(&self) -> u64 {
        match self {
            Self::Prune(_) | Self::PruneDryRun(_) => PRUNE_TIMEOUT_S * 1_000,
            _ => 0,
        }
    }

    /// Sets how long the request may still wait, before it is sent once more on a new connection.
    pub const fn set_wait_ms(&mut self, left_ms: u64) {
        match self {
            Self::Wait(Wait { timeout_ms, .. })
            | Self::Ask(Ask { timeout_ms, .. })
            | Self::WatchState(WatchState { timeout_ms, .. })
            | Self::Hook(Hook { timeout_ms, .. })
            | Self::Traffic(Traffic { timeout_ms, .. })
            | Self::LinkTake(LinkTake { timeout_ms, .. })
            | Self::LinkAsked(LinkAsked { timeout_ms })
            | Self::Backup(Backup { timeout_ms, .. })
            | Self::Check(Check { timeout_ms }) => *timeout_ms = left_ms,
            _ => {}
        }
    }

    /// The idempotency key, if the request changes something.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Register(Register { key, .. })
            | Self::Send(Send { key, .. })
            | Self::MarkRead(MarkRead { key, .. })
            | Self::Ask(Ask { send: Send { key, .. }, .. })
            | Self::SendExpiring(SendExpiring { send: Send { key, .. }, .. })
            | Self::SetState(SetState { key, .. })
            | Self::DeleteState(DeleteState { key, .. })
            | Self::Prune(Prune { key, .. }) => Some(key),
            _ => None,
        }
    }
}
