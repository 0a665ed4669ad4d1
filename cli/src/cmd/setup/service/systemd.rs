//! Linux: a unit of the user's systemd.

use super::super::edit::{Edit, Wish};
use super::super::places::Places;
use super::super::settings::as_text;
use super::{Service, Step, named_store};
use anyhow::bail;
use std::path::{Path, PathBuf};

/// The unit, as it can also be installed by hand.
const UNIT: &str = include_str!("../../../../assets/c2c-broker.service");
const NAME: &str = "c2c-broker.service";
/// The lines of it that are filled in.
const EXECUTABLE: &str = "ExecStart=%h/.cargo/bin/c2c-broker --service";
const STORE: &str = "#Environment=CLAUDE_C2C_DB=%h/work/c2c.db";

pub(super) fn service(places: &Places, broker: &Path) -> anyhow::Result<Service> {
    let configuration =
        std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let units = configuration.unwrap_or_else(|| places.home.join(".config")).join("systemd").join("user");
    let user = |words: &[&str]| Step::new(&[&["systemctl", "--user"], words].concat());
    Ok(Service {
        unit: Some(Edit { path: units.join(NAME), wish: Wish::Whole(unit(broker, named_store(places)?)?) }),
        folders: vec![units.join("default.target.wants")],
        // "restart" starts one that does not run, and takes a changed unit to one that does.
        start: vec![user(&["daemon-reload"]), user(&["enable", NAME]), user(&["restart", NAME])],
        stop: vec![user(&["disable", "--now", NAME])],
        forget: vec![user(&["daemon-reload"]), user(&["reset-failed", NAME]).that_may_fail()],
        needs: "it needs a systemd that runs for your user (`systemctl --user status` shows it; after su or in a \
                container there is often none)",
    })
}

/// The unit with the paths filled in.
pub(super) fn unit(broker: &Path, store: Option<&str>) -> anyhow::Result<String> {
    let executable = format!("ExecStart={} --service", word(as_text(broker)?).replace('$', "$$"));
    let mut text = replaced(UNIT, EXECUTABLE, &executable)?;
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
    use super::{UNIT, unit};
    use std::path::Path;

    #[test]
    fn paths_are_filled_in_and_everything_else_stays() {
        let text = unit(Path::new("/home/ada/.local/bin/c2c-broker"), None).unwrap();
        assert!(text.contains("\nExecStart=/home/ada/.local/bin/c2c-broker --service\n"), "{text}");
        let changed: Vec<_> = UNIT.lines().zip(text.lines()).filter(|(a, b)| a != b).collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        let text = unit(Path::new("/a b/100%/c2c-broker"), Some("/my \"own\"/$x.db")).unwrap();
        assert!(text.contains("\nExecStart=\"/a b/100%%/c2c-broker\" --service\n"), "{text}");
        assert!(text.contains("\nEnvironment=\"CLAUDE_C2C_DB=/my \\\"own\\\"/$x.db\"\n"), "{text}");
    }

    #[test]
    fn a_failing_broker_is_not_started_for_ever() {
        let setting = |name: &str| UNIT.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        assert_eq!(setting("Restart="), "on-failure");
        assert_eq!(setting("Type="), "notify");
        let burst: u64 = setting("StartLimitBurst=").parse().unwrap();
        let interval_s: u64 = setting("StartLimitIntervalSec=").parse().unwrap();
        let pause_ms: u64 = setting("RestartSec=").strip_suffix("ms").unwrap().parse().unwrap();
        assert!(burst * pause_ms < interval_s * 1_000, "the limit would never be reached");
        assert!(setting("TimeoutStopSec=").parse::<u64>().unwrap() > 2);
        assert!(setting("WatchdogSec=").parse::<u64>().unwrap() >= 10);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn systemd_finds_nothing_wrong_with_the_unit() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a b").join("c2c-broker");
        std::fs::create_dir(folder.path().join("a b")).unwrap();
        std::fs::copy("/bin/true", &program).unwrap();
        let path = folder.path().join("c2c-broker.service");
        std::fs::write(&path, unit(&program, Some("/tmp/my store.db")).unwrap()).unwrap();
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
        assert!(output.status.success() && !said.contains("c2c-broker"), "{said}");
    }
}
