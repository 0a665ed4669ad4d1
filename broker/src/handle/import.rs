//! `Import`: messages of an export, for the person.

use super::{Handled, check, traffic};
use crate::Broker;
use crate::hub::Caller;
use c2c_proto::Error;
use c2c_proto::limits::{self, IMPORT_MESSAGES_MAX, IMPORT_RECEIPTS_MAX};
use c2c_proto::request::{Import, ImportedMessage};
use c2c_proto::response::Response;
use std::sync::Arc;

pub(super) async fn import(broker: &Arc<Broker>, caller: &Caller, request: Import) -> Handled {
    traffic::of_person(caller)?;
    if request.messages.len() > IMPORT_MESSAGES_MAX {
        let hint = "import them in several calls";
        let given = request.messages.len();
        return Err(Error::too_large("the list of messages", given, IMPORT_MESSAGES_MAX, "messages", hint));
    }
    let receipts = request.messages.iter().map(|message| message.receipts.len()).sum::<usize>();
    // One message may have more: it was a broadcast to so many.
    if receipts > IMPORT_RECEIPTS_MAX && request.messages.len() > 1 {
        let hint = "import fewer messages in each call";
        return Err(Error::too_large(
            "the list of receipts",
            receipts,
            IMPORT_RECEIPTS_MAX,
            "receipts",
            hint,
        ));
    }
    check::key(&request.store_id)?;
    request.messages.iter().try_for_each(|message| check_message(broker, message))?;
    let imported = broker.store.import(request).await?;
    broker.hub.wake_traffic();
    Ok((Response::Imported(imported), 0))
}

/// What no session could have sent is not stored either.
fn check_message(broker: &Broker, message: &ImportedMessage) -> Result<(), Error> {
    let limits = &broker.config.limits;
    check::body(&message.body, limits.body_max_bytes)?;
    if let Some(tag) = &message.tag {
        check::tag(tag)?;
    }
    let readers = message.receipts.iter().filter_map(|receipt| receipt.read_by.as_ref());
    let recipients = message.receipts.iter().map(|receipt| &receipt.name);
    let nameless = recipients.clone().any(String::is_empty);
    let mut names = recipients.chain(readers).chain([&message.from_name, &message.from_session]);
    if nameless || names.any(|name| name.len() > limits::STATE_KEY_MAX_BYTES) {
        return Err(Error::invalid(
            format!("a name in message {} is empty or too long", message.origin_id),
            "import what `c2c export` printed, as it is",
        ));
    }
    Ok(())
}
