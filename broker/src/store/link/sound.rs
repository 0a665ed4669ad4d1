//! What another node may say: no more than what a session here may.

use super::content::{Carried, CarriedReceipt, Reference};
use c2c_proto::limits::{BODY_MAX_BYTES, CALL_KEY_MAX_BYTES, RECIPIENTS_MAX, TAG_MAX_CHARS};
use c2c_proto::name::{EVERYONE, follows_rule};

/// Ids that a store may have had.
const STORES_MAX: usize = 100;

/// Whether a message could have been sent by a session; else why not.
pub(super) fn message(carried: &Carried) -> Result<(), &'static str> {
    let everyone = matches!(&carried.to[..], [all] if all == EVERYONE);
    let whom = everyone || carried.to.iter().all(|name| follows_rule(name));
    let references = std::iter::once(&carried.id).chain(&carried.reply_to);
    let tag_fits = |tag: &String| !tag.is_empty() && tag.chars().count() <= TAG_MAX_CHARS;
    for (holds, fault) in [
        (follows_rule(&carried.from_name), "its sender has no name"),
        (carried.from_session.len() <= CALL_KEY_MAX_BYTES, "its sender's session is too long"),
        (whom && (1..=RECIPIENTS_MAX).contains(&carried.to.len()), "its recipients are none"),
        ((1..=BODY_MAX_BYTES).contains(&carried.body.len()), "its body is none, or too long"),
        (carried.tag.as_ref().is_none_or(tag_fits), "its tag is none, or too long"),
        (references.into_iter().all(reference), "its references are too long"),
    ] {
        if !holds {
            return Err(fault);
        }
    }
    Ok(())
}

fn reference(reference: &Reference) -> bool {
    // Keys are made of them, with colons between.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let sound = |store: &String| store.len() <= CALL_KEY_MAX_BYTES && store.bytes().all(plain);
    reference.id > 0 && reference.stores.len() <= STORES_MAX && reference.stores.iter().all(sound)
}

/// Whether a receipt can be one.
pub(super) fn receipt(receipt: &CarriedReceipt) -> bool {
    (receipt.name == EVERYONE || follows_rule(&receipt.name))
        && receipt.read_by.as_ref().is_none_or(|by| follows_rule(by))
}
