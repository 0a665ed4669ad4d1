//! The documented configuration as it is written, certificate included.

use super::machine::{Machine, conversation, two};
use c2c_harness::{Authority, NatsServer};

#[test]
fn what_the_page_shows_works_encrypted() {
    let (Some(server), Some(authority)) = (NatsServer::of(&["laptop", "tower"]), Authority::new()) else {
        return;
    };
    let mut server = server.certified_by(authority);
    server.run();
    let (laptop, tower) = two(&server);
    conversation(&laptop, &tower);
    // Whoever does not know the authority does not hand its password to just any server.
    let settings = server.settings("tower");
    let trusting: Vec<&str> = settings.lines().filter(|line| !line.starts_with("ca ")).collect();
    let stranger = Machine::with_settings(&trusting.join("\n"));
    stranger.until_reports("certificate");
}
