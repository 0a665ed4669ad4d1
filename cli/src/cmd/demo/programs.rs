//! Where the other two programs are: beside this one. It knows nothing else of them.

use anyhow::{Context, bail};
use std::env::{self, consts::EXE_SUFFIX};
use std::path::PathBuf;

/// The programs that the demonstration runs.
pub(in crate::cmd) struct Programs {
    /// `c2c-shim`; it starts the broker, which lies beside it too.
    pub(in crate::cmd) shim: PathBuf,
}

impl Programs {
    /// Finds both, or says what to build.
    pub(in crate::cmd) fn beside_this_one() -> anyhow::Result<Self> {
        let own = env::current_exe().context("failed to find this program's own path")?;
        let folder = own.parent().context("this program lies in no folder")?;
        let shim = folder.join(format!("c2c-shim{EXE_SUFFIX}"));
        let broker = folder.join(format!("c2c-broker{EXE_SUFFIX}"));
        for program in [&shim, &broker] {
            if !program.is_file() {
                bail!(
                    "{} does not exist; the demonstration needs all three programs in one folder \
                     (`cargo build --release --locked` puts them there)",
                    program.display()
                );
            }
        }
        Ok(Self { shim })
    }
}
