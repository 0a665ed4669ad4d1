//! A broker whose log is full: its first line moves the files of the log on, which are the only renames in the product.
//!
//! Owns what lies there before and where it has to be found again. A log is no mail, but it is looked into after a fault.

use super::world::World;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// What the broker holds for a full file.
const FULL_BYTES: u64 = 5 * 1024 * 1024;
/// How the current file and the two before it begin.
const BEGIN: [&str; 3] = ["the full one\n", "the one before\n", "the oldest one\n"];

/// Puts three files there of which the current one is full.
pub fn put(world: &mut World) {
    for (number, begin) in BEGIN.iter().enumerate() {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(name(world, number))
            .expect("a log");
        file.write_all(begin.as_bytes()).expect("a log");
        if number == 0 {
            file.set_len(FULL_BYTES).expect("a log");
        }
    }
    world.full_log = true;
}

/// After a kill each file is where it was or one further, and nothing but the oldest is gone.
pub fn check_left(world: &World) -> Result<(), String> {
    let there: Vec<Option<usize>> = (0..BEGIN.len()).map(|number| which(world, number)).collect();
    for file in 0..2 {
        if there[file] != Some(file) && there[file + 1] != Some(file) {
            return Err(format!("of the broker's log {:?} is lost: {there:?}", BEGIN[file]));
        }
    }
    Ok(())
}

/// Once another broker has written, all have moved by one, and by one only.
pub fn check_end(world: &World) -> Result<(), String> {
    let there: Vec<Option<usize>> = (0..BEGIN.len()).map(|number| which(world, number)).collect();
    let full = fs::metadata(name(world, 1)).map_or(0, |file| file.len());
    if there == [None, Some(0), Some(1)] && full == FULL_BYTES {
        return Ok(());
    }
    Err(format!("the broker's log was to move on by one, and is {there:?}, the full one {full} bytes"))
}

fn name(world: &World, number: usize) -> PathBuf {
    let log = &world.sandbox.paths().log;
    if number == 0 { log.clone() } else { log.with_file_name(format!("broker.log.{number}")) }
}

/// Which of the files that were put there has this number now.
fn which(world: &World, number: usize) -> Option<usize> {
    let content = fs::read(name(world, number)).ok()?;
    BEGIN.iter().position(|begin| content.starts_with(begin.as_bytes()))
}
