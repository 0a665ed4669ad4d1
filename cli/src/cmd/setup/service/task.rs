//! Windows: a task at logon.

use super::super::settings::as_text;
use super::{Service, Step};
use std::path::Path;

const NAME: &str = "c2c-broker";

pub(super) fn service(broker: &Path) -> anyhow::Result<Service> {
    let command = format!("\"{}\" --service", as_text(broker)?);
    let create =
        ["schtasks", "/Create", "/F", "/SC", "ONLOGON", "/RL", "LIMITED", "/TN", NAME, "/TR", &command];
    Ok(Service {
        start: vec![Step::new(&create), Step::new(&["schtasks", "/Run", "/TN", NAME])],
        stop: vec![Step::new(&["schtasks", "/End", "/TN", NAME]).that_may_fail()],
        forget: vec![Step::new(&["schtasks", "/Delete", "/F", "/TN", NAME])],
        needs: "it needs the right to make tasks (`schtasks /Query` shows those that there are)",
        ..Service::default()
    })
}
