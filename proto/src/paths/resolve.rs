//! One spelling for each file: absolute, through no symbolic link, without `.` and `..`. The file itself, and the
//! folders above it, need not exist yet.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A chain of symbolic links that is longer than this is a circle.
const LINKS_MAX: u32 = 40;

/// Resolves what exists, and appends the rest as it is spelled.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..LINKS_MAX {
        let (real, rest) = existing_part(&path)?;
        let Some(first) = rest.first() else { return Ok(real) };
        // A link whose target does not exist yet is still the same file as its target.
        match std::fs::read_link(real.join(first)) {
            Ok(target) => {
                path = real.join(target);
                path.extend(&rest[1..]);
            }
            // `..` may lead back to what exists, where there may be links again.
            Err(_) if rest.iter().any(|part| part == "..") => path = append(real, &rest),
            Err(_) => return Ok(append(real, &rest)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The deepest ancestor that exists, resolved, and the components below it in order.
fn existing_part(path: &Path) -> io::Result<(PathBuf, Vec<OsString>)> {
    let components: Vec<Component<'_>> = path.components().collect();
    for kept in (1..=components.len()).rev() {
        let ancestor: PathBuf = components[..kept].iter().collect();
        match std::fs::canonicalize(&ancestor) {
            Ok(real) => {
                let rest = components[kept..].iter().map(|part| part.as_os_str().to_owned()).collect();
                return Ok((without_verbatim(real), rest));
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Below what exists there are no links, so there `..` just takes back the name before it.
fn append(mut real: PathBuf, rest: &[OsString]) -> PathBuf {
    for part in rest {
        if part == ".." {
            real.pop();
        } else {
            real.push(part);
        }
    }
    real
}

/// Windows resolves to `\\?\C:\…`, a form that other programs and people do not expect.
fn without_verbatim(path: PathBuf) -> PathBuf {
    let plain =
        path.to_str().and_then(|text| text.strip_prefix(r"\\?\")).filter(|rest| rest.get(1..2) == Some(":"));
    match plain {
        Some(plain) if cfg!(windows) => PathBuf::from(plain),
        _ => path,
    }
}
