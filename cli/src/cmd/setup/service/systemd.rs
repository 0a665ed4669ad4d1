//! Linux: a unit of the user's systemd.

use super::super::edit::{Edit, Wish};
use super::super::places::Places;
use super::super::settings::as_text;
use super::{Daemon, Service, Step, named_store};
use anyhow::bail;
use std::path::{Path, PathBuf};

/// The units, as they can also be installed by hand.
const BROKER: &str = include_str!("../../../../assets/c2c-broker.service");
const LINK: &str = include_str!("../../../../assets/c2c-link.service");
/// The lines of them that are filled in.
const EXECUTABLE: &str = "ExecStart=%h/.cargo/bin/";
const STORE: &str = "#Environment=CLAUDE_C2C_DB=%h/work/c2c.db";

pub(super) fn service(places: &Places, daemon: Daemon, program: &Path) -> anyhow::Result<Service> {
    let name = format!("{}.service", daemon.name());
    let configuration =
        std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let units = configuration.unwrap_or_else(|| places.home.join(".config")).join("systemd").join("user");
    let user = |words: &[&str]| Step::new(&[&["systemctl", "--user"], words].concat());
    let text = unit(daemon, program, named_store(places)?)?;
    Ok(Service {
        daemon,
        unit: Some(Edit { path: units.join(&name), wish: Wish::Whole(text) }),
        folders: vec![units.join("default.target.wants")],
        // "restart" starts one that does not run, and takes a changed unit to one that does.
        start: vec![user(&["daemon-reload"]), user(&["enable", &name]), user(&["restart", &name])],
        stop: vec![user(&["disable", "--now", &name])],
        forget: vec![user(&["daemon-reload"]), user(&["reset-failed", &name]).that_may_fail()],
        needs: "it needs a systemd that runs for your user (`systemctl --user status` shows it; after su or in a \
                container there is often none)",
    })
}

/// The unit with the paths filled in.
pub(super) fn unit(daemon: Daemon, program: &Path, store: Option<&str>) -> anyhow::Result<String> {
    let text = match daemon {
        Daemon::Broker => BROKER,
        Daemon::Link => LINK,
    };
    let executable = format!("ExecStart={}", word(as_text(program)?).replace('$', "$$"));
    let mut text = replaced(text, &format!("{EXECUTABLE}{}", daemon.name()), &executable)?;
    if let Some(store) = store {
        let line = format!("Environment={}", word(&format!("CLAUDE_C2C_DB={store}")));
        text = replaced(&text, STORE, &line)?;
    }
    Ok(text)
}

fn replaced(text: &str, line: &str, by: &str) -> anyhow::Result<String> {
    match text.split_once(line) {
        Some((before, after)) => Ok(format!("{before}{by}{after}")),
        None => bail!("the unit has no line {line}"),
    }
}

/// A text as one word of a unit: quoted where it must be, and nothing in it expanded.
fn word(text: &str) -> String {
    let text = text.replace('%', "%%");
    if text.chars().all(|char| char.is_alphanumeric() || "/._-+@:=%$".contains(char)) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::{BROKER, Daemon, LINK, unit};
    use std::path::Path;

    #[test]
    fn paths_are_filled_in_and_everything_else_stays() {
        for (daemon, before, line) in [
            (Daemon::Broker, BROKER, "\nExecStart=/home/ada/.local/bin/c2c --service\n"),
            (Daemon::Link, LINK, "\nExecStart=/home/ada/.local/bin/c2c\n"),
        ] {
            let text = unit(daemon, Path::new("/home/ada/.local/bin/c2c"), None).unwrap();
            assert!(text.contains(line), "{text}");
            let changed: Vec<_> = before.lines().zip(text.lines()).filter(|(a, b)| a != b).collect();
            assert_eq!(changed.len(), 1, "{changed:?}");
        }
        let text =
            unit(Daemon::Broker, Path::new("/a b/100%/c2c-broker"), Some("/my \"own\"/$x.db")).unwrap();
        assert!(text.contains("\nExecStart=\"/a b/100%%/c2c-broker\" --service\n"), "{text}");
        assert!(text.contains("\nEnvironment=\"CLAUDE_C2C_DB=/my \\\"own\\\"/$x.db\"\n"), "{text}");
        let text = unit(Daemon::Link, Path::new("/a b/c2c-link"), Some("/my.db")).unwrap();
        assert!(text.contains("\nExecStart=\"/a b/c2c-link\"\n"), "{text}");
        assert!(text.contains("\nEnvironment=CLAUDE_C2C_DB=/my.db\n"), "{text}");
    }

    fn setting<'a>(unit: &'a str, name: &str) -> &'a str {
        unit.lines().find_map(|line| line.strip_prefix(name)).unwrap()
    }

    #[test]
    fn a_failing_broker_is_not_started_for_ever() {
        let setting = |name: &str| setting(BROKER, name);
        assert_eq!(setting("Restart="), "on-failure");
        assert_eq!(setting("Type="), "notify");
        let burst: u64 = setting("StartLimitBurst=").parse().unwrap();
        let interval_s: u64 = setting("StartLimitIntervalSec=").parse().unwrap();
        let pause_ms: u64 = setting("RestartSec=").strip_suffix("ms").unwrap().parse().unwrap();
        assert!(burst * pause_ms < interval_s * 1_000, "the limit would never be reached");
        assert!(setting("TimeoutStopSec=").parse::<u64>().unwrap() > 2);
        assert!(setting("WatchdogSec=").parse::<u64>().unwrap() >= 10);
    }

    #[test]
    fn a_link_is_started_again_and_takes_no_broker_with_it() {
        let setting = |name: &str| setting(LINK, name);
        assert_eq!((setting("Restart="), setting("StartLimitIntervalSec=")), ("on-failure", "0"));
        assert!(setting("RestartSec=").parse::<u64>().unwrap() >= 10, "often, and for ever");
        assert_eq!(setting("KillMode="), "process");
        assert_eq!((setting("Wants="), setting("After=")), ("c2c-broker.service", "c2c-broker.service"));
        assert_eq!(setting("RestrictAddressFamilies="), "AF_UNIX AF_INET AF_INET6");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn systemd_finds_nothing_wrong_with_the_units() {
        for daemon in [Daemon::Broker, Daemon::Link] {
            let folder = tempfile::tempdir().unwrap();
            let program = folder.path().join("a b").join(daemon.name());
            std::fs::create_dir(folder.path().join("a b")).unwrap();
            std::fs::copy("/bin/true", &program).unwrap();
            let path = folder.path().join(format!("{}.service", daemon.name()));
            std::fs::write(&path, unit(daemon, &program, Some("/tmp/my store.db")).unwrap()).unwrap();
            let mut verify = std::process::Command::new("systemd-analyze");
            verify.args(["--user", "verify"]).arg(&path);
            let output = match verify.env("XDG_RUNTIME_DIR", folder.path()).output() {
                Ok(output) => output,
                Err(error) => {
                    assert!(std::env::var_os("C2C_NO_SKIP").is_none(), "systemd-analyze: {error}");
                    println!("skipped: systemd-analyze: {error}");
                    return;
                }
            };
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !said.contains("c2c-"), "{said}");
        }
    }
}
