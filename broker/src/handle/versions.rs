//! Programs of different versions: which protocol they use, or who is too old and what to run. Owns those words.

use crate::{Broker, platform};
use c2c_proto::hello::{Hello, HelloStart, MAGIC, PROTOCOL, PROTOCOL_MIN, Role, range};
use c2c_proto::{Error, ErrorCode};

/// The highest protocol that both speak.
///
/// # Errors
/// `version_mismatch` naming both and what to run, `invalid_argument` for a hello that is none.
pub(super) fn negotiate(broker: &Broker, hello: &Hello) -> Result<u16, Error> {
    if hello.magic != MAGIC {
        return Err(Error::invalid(
            "the first frame is not a hello of c2c",
            "something else connected to the broker's socket; nothing was done",
        ));
    }
    let common = hello.protocol_max.min(PROTOCOL);
    if common >= hello.protocol_min && common >= PROTOCOL_MIN {
        return Ok(common);
    }
    let client = in_words(&hello.build, hello.protocol_min, hello.protocol_max);
    Err(if hello.protocol_max < PROTOCOL_MIN {
        client_too_old(&client, &hello.role, &Me::of(broker))
    } else {
        broker_too_old(&client, &Me::of(broker))
    })
}

/// For a hello that begins as every hello does, and goes on in a way that only a newer client knows.
pub fn strange_hello(broker: &Broker, start: &HelloStart) -> Error {
    broker_too_old(&in_words(&start.build, start.protocol_min, start.protocol_max), &Me::of(broker))
}

/// For a call that only a newer client makes; it should not have been made on this connection.
pub fn strange_call(broker: &Broker, client: &str) -> Error {
    let me = Me::of(broker);
    Error::new(
        ErrorCode::VersionMismatch,
        format!("client {client} asks what broker {} does not know; it speaks {}", me.version, me.range()),
        me.make_room(),
    )
}

/// The broker as its messages name it.
struct Me<'a> {
    version: &'a str,
    oldest: u16,
    newest: u16,
    pid: u32,
    service: bool,
    on_demand: bool,
}

impl Me<'_> {
    fn of(broker: &Broker) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            oldest: PROTOCOL_MIN,
            newest: PROTOCOL,
            pid: std::process::id(),
            service: broker.service,
            on_demand: broker.on_demand,
        }
    }

    fn range(&self) -> String {
        range(self.oldest, self.newest)
    }

    /// What to run so that a newer broker takes its place.
    fn make_room(&self) -> String {
        let end = platform::end_command(self.pid);
        if self.service {
            let restart = platform::RESTART_SERVICE;
            return format!(
                "install the newer c2c-broker where the service finds it, then run `{restart}`; nothing is lost"
            );
        }
        if self.on_demand {
            return format!(
                "run `{end}` to end the old broker: the next call starts the c2c-broker that was installed with the \
                 client, and nothing is lost"
            );
        }
        format!(
            "end the old broker in its terminal, or with `{end}`: the next call starts the c2c-broker that was \
             installed with the client, and nothing is lost"
        )
    }
}

fn in_words(build: &str, oldest: u16, newest: u16) -> String {
    format!("client {build} speaks {}", range(oldest, newest))
}

fn broker_too_old(client: &str, me: &Me<'_>) -> Error {
    let message = format!("{client}, broker {} speaks {}: the broker is too old", me.version, me.range());
    Error::new(ErrorCode::VersionMismatch, message, me.make_room())
}

fn client_too_old(client: &str, role: &Role, me: &Me<'_>) -> Error {
    let version = me.version;
    let message = format!("{client}, broker {version} speaks {}: the client is too old", me.range());
    let hint = match role {
        Role::Session(_) => format!(
            "end this session and start it again, so that it runs the c2c-shim that was installed with the broker: \
             `c2c-shim --version` must say {version} or newer"
        ),
        Role::Control | Role::Person(_) => format!(
            "run the c2c that was installed with the broker: `c2c --version` must say {version} or newer"
        ),
    };
    Error::new(ErrorCode::VersionMismatch, message, hint)
}

#[cfg(test)]
mod tests {
    use super::{Me, broker_too_old, client_too_old, in_words};
    use c2c_proto::hello::Role;

    /// As it is read: what happened, then what to do.
    fn told(error: &c2c_proto::Error) -> String {
        format!("{error}\n  {}", error.hint)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_is_too_old_and_what_to_run() {
        let me = |service, on_demand| Me {
            version: "0.3.0",
            oldest: 2,
            newest: 3,
            pid: 4_242,
            service,
            on_demand,
        };
        let (older, newer) = (in_words("0.2.0", 1, 1), in_words("0.5.0", 4, 5));
        let texts = [
            told(&client_too_old(&older, &Role::Session(Box::default()), &me(false, true))),
            told(&client_too_old(&older, &Role::Control, &me(false, true))),
            told(&broker_too_old(&newer, &me(false, true))),
            told(&broker_too_old(&newer, &me(true, false))),
            told(&broker_too_old(&newer, &me(false, false))),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }
}
