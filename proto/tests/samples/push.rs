//! What travels so that a session learns of its mail.

use super::{identity, responses, session, some, text};
use c2c_proto::event::{Announced, Event, Headline, Nudge};
use c2c_proto::push::Way;
use c2c_proto::request::{Hook, HookEvent, PushStatus, Pushed, Request};
use c2c_proto::response::{Hooked, PushOutcome, PushState, PushStates, Response};

pub(crate) fn requests() -> Vec<(&'static str, Request)> {
    let hook = |event| Request::Hook(Hook { event, identity: Box::new(identity()), timeout_ms: 300 });
    let bare = Hook { event: HookEvent::Stop, identity: Box::default(), timeout_ms: 0 };
    vec![
        ("hook.session_start", hook(HookEvent::SessionStart)),
        ("hook.user_prompt_submit", hook(HookEvent::UserPromptSubmit)),
        ("hook.stop", hook(HookEvent::Stop)),
        ("hook.rewake", hook(HookEvent::Rewake)),
        ("hook.bare", Request::Hook(bare)),
        ("pushed", Request::Pushed(Pushed { up_to: 42, failure: None })),
        ("pushed.failed", Request::Pushed(Pushed { up_to: 42, failure: some("nobody listens") })),
        ("push_status", Request::PushStatus(PushStatus {})),
    ]
}

pub(crate) fn responses() -> Vec<(&'static str, Response)> {
    let hooked = Hooked {
        session: Some(session()),
        online: vec![text("db"), text("web")],
        online_count: 14,
        messages: vec![responses::message()],
        count: 3,
        unread: 4,
    };
    let last = Some(PushOutcome { at: responses::AT, outcome: text("delivered") });
    let state = PushState { name: text("api"), choice: text("auto"), way: text("socket"), last };
    let bare = PushState { last: None, ..state.clone() };
    vec![
        ("hooked", Response::Hooked(hooked)),
        ("hooked.bare", Response::Hooked(Hooked::default())),
        ("push_states", Response::PushStates(PushStates { sessions: vec![state, bare] })),
    ]
}

pub(crate) fn events() -> Vec<(&'static str, Event)> {
    let bare = Nudge { way: Way::Channel, headlines: Vec::new(), again: true, ..nudge() };
    vec![
        ("nudge", Event::Nudge(nudge())),
        ("nudge.bare", Event::Nudge(bare)),
        ("announced", Event::Announced(Announced { up_to: 42 })),
    ]
}

pub(crate) fn nudge() -> Nudge {
    let headlines = vec![
        Headline { message_id: 41, from: text("web"), tag: some("review") },
        Headline { message_id: 42, from: text("db"), tag: None },
    ];
    Nudge { way: Way::Socket, headlines, count: 2, unread: 3, up_to: 42, again: false }
}
