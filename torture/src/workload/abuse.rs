//! Strangers at the broker's socket: garbage, half frames, frames that promise too much, silence. They get nothing and
//! must cost the sessions nothing.

use super::World;
use crate::history::dice::Dice;
use c2c_harness::{Raw, pause};
use c2c_proto::frame::ClientFrame;
use c2c_proto::hello::Role;
use std::time::Duration;

/// Connections that say nothing and are held.
const SILENT_MAX: usize = 20;

/// Goes on until the world ends; how many connections were made.
#[must_use]
pub fn abuse(world: &World<'_>) -> u64 {
    let mut dice = Dice::for_one(world.seed, 1);
    let mut silent: Vec<Raw> = Vec::new();
    let mut connections = 0;
    while !world.is_over() {
        if let Some(raw) = world.sandbox.try_raw() {
            connections += 1;
            if let Some(raw) = one(&mut dice, raw) {
                silent.push(raw);
            }
        }
        if silent.len() > SILENT_MAX {
            silent.clear();
        }
        // A stranger now and then is enough: what is measured is what the sessions get.
        pause(dice.exponential(Duration::from_millis(60)));
    }
    connections
}

/// One rude client; the connection if it is to be held in silence.
fn one(dice: &mut Dice, mut raw: Raw) -> Option<Raw> {
    let within = Duration::from_secs(2);
    let length = 1 + dice.index(300);
    let garbage: Vec<u8> = (0..length).map(|_| dice.number().to_le_bytes()[0]).collect();
    let hello = Raw::encode(&ClientFrame::Hello(Raw::hello(Role::Control)));
    match dice.below(6) {
        0 => drop(raw.send_bytes(&garbage, within)),
        1 => drop(raw.send_bytes(&hello[..dice.index(hello.len())], within)),
        2 => drop(raw.send_bytes(&[0xff; 16], within)),
        3 => drop(raw.send_bytes(b"GET / HTTP/1.1\r\nHost: c2c\r\n\r\n", within)),
        4 => {
            raw.send_bytes(&hello, within);
            raw.send_bytes(&garbage, within);
        }
        _ => return Some(raw),
    }
    None
}
