//! `Import`: messages of an export, for the person.

use super::{Handled, check, traffic};
use crate::Broker;
use crate::hub::Caller;
use c2c_proto::Error;
use c2c_proto::limits::{self, IMPORT_MESSAGES_MAX};
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
    check::key(&request.store_id)?;
    request.messages.iter().try_for_each(|message| check_message(broker, message))?;
    Ok((Response::Imported(broker.store.import(request).await?), 0))
}

/// What no session could have sent is not stored either.
fn check_message(broker: &Broker, message: &ImportedMessage) -> Result<(), Error> {
    let limits = &broker.config.limits;
    check::body(&message.body, limits.body_max_bytes)?;
    if let Some(tag) = &message.tag {
        check::tag(tag)?;
    }
    let names = message.receipts.iter().map(|receipt| &receipt.name).chain([&message.from_name]);
    for name in names {
        if name.is_empty() || name.len() > limits::STATE_KEY_MAX_BYTES {
            return Err(Error::invalid(
                format!("a name in message {} is empty or too long", message.origin_id),
                "import what `c2c export` printed, as it is",
            ));
        }
    }
    Ok(())
}
