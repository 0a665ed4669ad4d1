//! What `send` and `ask` have in common: whom a message is for, its body, and what is said of its recipients.

use crate::link::Link;
use crate::print;
use crate::text::visible;
use c2c_proto::limits::BODY_MAX_BYTES;
use c2c_proto::message::{Recipient, To};
use c2c_proto::name::{EVERYONE, fold, on_node};
use c2c_proto::request::{LinkHealth, Request};
use c2c_proto::response::{Near, Response};
use c2c_proto::{Error, ErrorCode};
use serde_json::{Value, json};
use std::io::{self, Read};

/// What stands for stdin.
const STDIN: &str = "-";

/// Reads a name, a list of names with commas, or `*`.
///
/// # Errors
/// `invalid_argument` for a list with an empty name in it. Whether the names are any is the broker's to say.
pub(crate) fn to(text: &str) -> Result<To, Error> {
    if text == EVERYONE {
        return Ok(To::Everyone);
    }
    let mut names: Vec<String> = Vec::new();
    for name in text.split(',').map(str::trim) {
        if name.is_empty() {
            return Err(Error::invalid(
                format!("the recipients {text:?} have an empty name among them"),
                "give a name, several with commas between them, or '*' for everyone",
            ));
        }
        if !names.iter().any(|known| fold(known) == fold(name)) {
            names.push(name.to_owned());
        }
    }
    match <[String; 1]>::try_from(names) {
        Ok([name]) => Ok(To::One(name)),
        Err(names) => Ok(To::Many(names)),
    }
}

/// The body: the word itself, or for `-` all of stdin.
///
/// # Errors
/// `too_large` and `invalid_argument` for what no body can be, and whatever keeps stdin from being read.
pub(crate) fn body(word: String) -> anyhow::Result<String> {
    if word != STDIN {
        return Ok(word);
    }
    Ok(text(read_bounded(io::stdin().lock())?)?)
}

/// A little more than a body may have, so that what is too long is seen.
fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(BODY_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String, Error> {
    if bytes.len() > BODY_MAX_BYTES {
        return Err(Error::new(
            ErrorCode::TooLarge,
            format!("stdin has more than {BODY_MAX_BYTES} bytes, the limit of a body"),
            "send the path of the file instead, or send it in parts",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::invalid(
            format!("stdin is no UTF-8 text: byte {at} begins no character"),
            "messages are text; send the path of the file, or its base64",
        )
    })
}

/// One row for each recipient: its name, and what happens there.
pub(crate) fn rows(recipients: &[Recipient], near: &[Near]) -> Vec<Vec<String>> {
    let row =
        |recipient: &Recipient| vec![format!("  {}", visible(&recipient.name)), whereabouts(recipient, near)];
    recipients.iter().map(row).collect()
}

fn whereabouts(recipient: &Recipient, near: &[Near]) -> String {
    if !recipient.known {
        let known = near.iter().find(|near| fold(&near.name) == fold(&recipient.name));
        let names: Vec<String> =
            known.iter().flat_map(|near| &near.known).map(|name| visible(name)).collect();
        let meant =
            if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) };
        return format!("unknown: it is kept for whoever takes that name{meant}");
    }
    if let Some((name, node)) = on_node(&recipient.name) {
        if name == EVERYONE {
            return "everyone there".to_owned();
        }
        return match (recipient.waiting, recipient.online) {
            (true, _) => "waiting there, as was told last".to_owned(),
            (false, true) => "online there, as was told last".to_owned(),
            (false, false) => format!("not known to be online: at {node} it waits for whoever has that name"),
        };
    }
    match (recipient.waiting, recipient.online) {
        (true, _) => "waiting: it gets it now",
        (false, true) => "online",
        (false, false) => "away: it finds it when it is back",
    }
    .to_owned()
}

/// Says so where mail for other machines has to wait here.
///
/// # Errors
/// When stderr cannot be written.
pub(crate) async fn remark_link(link: &Link, recipients: &[Recipient]) -> anyhow::Result<()> {
    if recipients.iter().all(|recipient| on_node(&recipient.name).is_none()) {
        return Ok(());
    }
    // It is sent, whatever becomes of this question.
    if let Ok(Response::LinkHealth(health)) = link.ask(Request::LinkHealth(LinkHealth { told: None })).await
        && health.connected_since.is_none()
    {
        print::remark(
            "c2c-link is not connected: what is for other machines waits here; see `c2c link status`",
        )?;
    }
    Ok(())
}

/// A recipient in JSON.
pub(crate) fn recipient(recipient: &Recipient) -> Value {
    json!({
        "name": recipient.name,
        "known": recipient.known,
        "online": recipient.online,
        "waiting": recipient.waiting,
    })
}

#[cfg(test)]
mod tests {
    use super::{read_bounded, rows, text, to};
    use c2c_proto::ErrorCode;
    use c2c_proto::limits::BODY_MAX_BYTES;
    use c2c_proto::message::{Recipient, To};
    use c2c_proto::response::Near;

    #[test]
    fn names_are_one_several_or_all() {
        assert_eq!(to("api").unwrap(), To::One("api".to_owned()));
        assert_eq!(to("*").unwrap(), To::Everyone);
        assert_eq!(to("api, web,API").unwrap(), To::Many(vec!["api".to_owned(), "web".to_owned()]));
        for bad in ["", ",", "api,", "api,,web"] {
            assert_eq!(to(bad).unwrap_err().code, ErrorCode::InvalidArgument, "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_text_or_too_long_is_refused() {
        let error = text(vec![b'a', 0xff]).unwrap_err();
        assert!(error.message.contains("byte 1 "), "{error}");
        assert_eq!(text(vec![b'a'; BODY_MAX_BYTES]).unwrap().len(), BODY_MAX_BYTES);
        let endless = read_bounded(std::io::repeat(b'a')).unwrap();
        assert_eq!(text(endless).unwrap_err().code, ErrorCode::TooLarge);
    }

    #[test]
    fn each_recipient_is_told_apart() {
        let recipient =
            |name: &str, known, online, waiting| Recipient { name: name.to_owned(), online, waiting, known };
        let near = [Near { name: "wbe".to_owned(), known: vec!["web".to_owned(), "webshop".to_owned()] }];
        let recipients = [
            recipient("api", true, true, true),
            recipient("db", true, true, false),
            recipient("ops", true, false, false),
            recipient("wbe", false, false, false),
            recipient("zebra", false, false, false),
        ];
        insta::assert_snapshot!(crate::print::columns(&rows(&recipients, &near)).join("\n"));
    }
}
