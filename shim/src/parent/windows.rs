//! Windows: the parent's process id is in the system's list of processes; there is no other way to it.

#![expect(unsafe_code, reason = "the list of processes has no safe interface")]

use std::mem::zeroed;
use windows_sys::Win32::Foundation::{CloseHandle, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};

/// The process id; unknown is 0.
pub(super) fn id() -> u32 {
    parent_id().unwrap_or(0)
}

/// Not told; the end of stdin says it.
pub(super) async fn gone() {
    std::future::pending::<()>().await;
}

fn parent_id() -> Option<u32> {
    // SAFETY: takes no pointer; the handle is closed below.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return None;
    }
    // SAFETY: a plain C structure, for which all zeroes is a value.
    let mut entry: PROCESSENTRY32W = unsafe { zeroed() };
    entry.dwSize = u32::try_from(size_of::<PROCESSENTRY32W>()).unwrap_or(0);
    // SAFETY: the handle is open, the entry lives and says its size.
    let mut found = unsafe { Process32FirstW(snapshot, &raw mut entry) } != 0;
    while found && entry.th32ProcessID != std::process::id() {
        // SAFETY: as above.
        found = unsafe { Process32NextW(snapshot, &raw mut entry) } != 0;
    }
    // SAFETY: the handle is open and not used afterwards.
    unsafe { CloseHandle(snapshot) };
    found.then_some(entry.th32ParentProcessID)
}
