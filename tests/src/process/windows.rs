//! Windows: processes by their ids.
#![expect(
    unsafe_code,
    reason = "whether a process runs has no safe wrapper, and not every system has the tool for it"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use windows_sys::Win32::Foundation::{CloseHandle, WAIT_TIMEOUT};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleA, GetProcAddress};
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject};

/// Ends a process at once.
pub fn stop(id: u32) {
    let _gone = Command::new("taskkill")
        .args(["/F", "/PID", &id.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Whether the process runs.
#[must_use]
pub fn alive(id: u32) -> bool {
    // SAFETY: the handle is this function's own, is not null where it is used, and is closed once.
    unsafe {
        let process = OpenProcess(PROCESS_SYNCHRONIZE, 0, id);
        if process.is_null() {
            return false;
        }
        let runs = WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
        CloseHandle(process);
        runs
    }
}

/// Not known here.
#[must_use]
pub fn of_store(_store: &Path) -> Vec<(u32, String)> {
    Vec::new()
}

/// Whether this is Wine: its system library says so itself.
#[must_use]
pub fn under_wine() -> bool {
    // SAFETY: both names are texts that end with a zero, and the library is loaded in every process and stays.
    unsafe {
        let library = GetModuleHandleA(c"ntdll.dll".as_ptr().cast());
        !library.is_null() && GetProcAddress(library, c"wine_get_version".as_ptr().cast()).is_some()
    }
}
