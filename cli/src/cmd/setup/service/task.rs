//! Windows: a task at logon.

use super::super::settings::as_text;
use super::{Daemon, Service, Step};
use std::path::Path;

pub(super) fn service(daemon: Daemon, program: &Path) -> anyhow::Result<Service> {
    let name = daemon.name();
    let argument = daemon.argument().map_or_else(String::new, |argument| format!(" {argument}"));
    let command = format!("\"{}\"{argument}", as_text(program)?);
    let create =
        ["schtasks", "/Create", "/F", "/SC", "ONLOGON", "/RL", "LIMITED", "/TN", name, "/TR", &command];
    let end = Step::new(&["schtasks", "/End", "/TN", name]).that_may_fail();
    // A link that runs goes on with the settings that it read; a broker that runs takes no harm from being told to run.
    let anew = (daemon == Daemon::Link).then(|| end.clone());
    let run = Step::new(&["schtasks", "/Run", "/TN", name]);
    Ok(Service {
        daemon,
        unit: None,
        folders: Vec::new(),
        start: std::iter::once(Step::new(&create)).chain(anew).chain([run]).collect(),
        stop: vec![end],
        forget: vec![Step::new(&["schtasks", "/Delete", "/F", "/TN", name])],
        needs: "it needs the right to make tasks (`schtasks /Query` shows those that there are)",
    })
}

#[cfg(test)]
mod tests {
    use super::super::by_hand;
    use super::{Daemon, service};
    use std::path::Path;

    #[test]
    fn a_task_is_made_and_run() {
        let broker = service(Daemon::Broker, Path::new("/b/c2c-broker")).unwrap();
        assert_eq!(
            by_hand(&broker.start),
            "schtasks /Create /F /SC ONLOGON /RL LIMITED /TN c2c-broker /TR \"/b/c2c-broker\" --service && \
             schtasks /Run /TN c2c-broker"
        );
        let link = service(Daemon::Link, Path::new("/b/c2c-link")).unwrap();
        assert!(by_hand(&link.start).contains("/TN c2c-link /TR \"/b/c2c-link\" && "), "{:?}", link.start);
        assert_eq!(
            (link.start.len(), link.start.get(1)),
            (3, link.stop.first()),
            "one that runs is run anew"
        );
    }
}
