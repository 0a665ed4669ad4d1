//! An authority of the test's own, for the server's certificate.

use crate::skipped;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// See the module's first lines.
#[derive(Debug)]
pub struct Authority {
    folder: tempfile::TempDir,
}

/// A new key, for an elliptic curve, and not locked by a password.
const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

impl Authority {
    /// A new one. `None`, and a word about it, where there is no `openssl`.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new() -> Option<Self> {
        if !Command::new("openssl").arg("version").output().is_ok_and(|said| said.status.success()) {
            skipped("there is no openssl");
            return None;
        }
        let authority = Self { folder: tempfile::tempdir().expect("a folder") };
        let mut words = vec![
            "req",
            "-x509",
            "-days",
            "2",
            "-subj",
            "/CN=authority",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ];
        words.extend(NEW_KEY);
        authority.openssl(&words);
        Some(authority)
    }

    /// The file to trust.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for a server at this address, and its key.
    pub(super) fn server(&self, host: &str) -> (PathBuf, PathBuf) {
        let path = |name: &str| self.folder.path().join(name);
        let (certificate, key) = (path("cert.pem"), path("key.pem"));
        if !certificate.exists() {
            fs::write(path("names"), format!("subjectAltName = IP:{host}, DNS:localhost\n"))
                .expect("its folder");
            let mut words = vec!["req", "-subj", "/CN=server", "-keyout", "key.pem", "-out", "request.pem"];
            words.extend(NEW_KEY);
            self.openssl(&words);
            self.openssl(&[
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                "request.pem",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-extfile",
                "names",
                "-out",
                "cert.pem",
            ]);
        }
        (certificate, key)
    }

    fn openssl(&self, words: &[&str]) {
        let said = Command::new("openssl")
            .args(words)
            .current_dir(self.folder.path())
            .output()
            .expect("openssl runs");
        assert!(said.status.success(), "openssl {words:?}: {}", String::from_utf8_lossy(&said.stderr));
    }
}

/// Writes a file that only its owner may read.
pub(super) fn private(path: &Path, text: &str) {
    fs::write(path, text).expect("the folder is the test's own");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is the test's own");
    }
}
