//! One broker makes room for another.

use super::scenarios::to;
use super::world::{Gone, World, message};
use crate::trace::Traced;
use c2c_harness::{Broker, PATIENCE};

/// A service asks for the place.
pub fn give_way(world: &mut World, traced: &Traced) -> Result<(), Gone> {
    world.call("alice", message(to("bob"), "just before"))?;
    let mut command = Broker::command(&world.sandbox);
    command.arg("--service");
    let service = Broker::start_through(&world.sandbox, command);
    let ended = traced.wait(PATIENCE);
    world.other = Some(service);
    assert!(ended.is_some(), "the old one stays");
    Ok(())
}

/// A broker that a session started.
pub fn incumbent(world: &mut World) {
    let mut command = Broker::command(&world.sandbox);
    command.arg("--on-demand");
    world.other = Some(Broker::start_through(&world.sandbox, command));
    world.connect_all().expect("it answers");
    world.call("alice", message(to("bob"), "to the old one")).expect("it answers");
}

/// The service takes the place.
pub fn take_over(world: &mut World, traced: &Traced) -> Result<(), Gone> {
    world.until_serving(traced)?;
    world.connect("alice")?;
    world.call("alice", message(to("bob"), "to the service"))
}
