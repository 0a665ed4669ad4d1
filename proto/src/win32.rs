//! The few calls of Windows that have no safe wrapper: whose process is it, and which handles a child gets. The only
//! module of this crate with `unsafe` in it; every pointer that it passes lives on its own stack or in its own buffer.
#![expect(unsafe_code, reason = "the system's own functions, with no safe wrapper among the dependencies")]

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use windows_sys::Win32::Foundation::{HANDLE, HANDLE_FLAG_INHERIT, LocalFree, SetHandleInformation};
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{GetTokenInformation, TOKEN_QUERY, TOKEN_USER, TokenUser};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
};

/// Enough for a `TOKEN_USER` and the longest SID behind it (68 bytes), in words so that it is aligned.
const TOKEN_USER_WORDS: usize = 32;

/// This process's user, as text: `S-1-5-21-…`.
pub(crate) fn own_user_sid() -> io::Result<String> {
    // SAFETY: takes nothing, and gives a constant that needs no closing.
    token_user(unsafe { GetCurrentProcess() })
}

/// The user of another process, as text.
pub(crate) fn user_sid_of(pid: u32) -> io::Result<String> {
    // SAFETY: takes plain numbers; the handle is checked before it is owned.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a handle that was just opened, and that nobody else has.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    token_user(process.as_raw_handle())
}

/// Keeps the handle out of the children that are started from now on: whoever reads the other end of a pipe to its end
/// must not wait for them.
pub(crate) fn keep_from_children(handle: &impl AsRawHandle) {
    let handle = handle.as_raw_handle();
    if !handle.is_null() {
        // SAFETY: changes a flag of a handle that the caller holds; a bad one is refused. A failure leaves the flag as
        // it was, which harms nothing but the wait.
        let _ = unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0) };
    }
}

fn token_user(process: HANDLE) -> io::Result<String> {
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: `process` is open, `token` is written before it is read.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a handle that was just opened, and that nobody else has.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut buffer = [0_usize; TOKEN_USER_WORDS];
    let mut used = 0_u32;
    let size = u32::try_from(size_of_val(&buffer)).map_err(io::Error::other)?;
    // SAFETY: the buffer is as large as is said, and aligned for the structure that is written into it.
    let done = unsafe {
        GetTokenInformation(token.as_raw_handle(), TokenUser, buffer.as_mut_ptr().cast(), size, &raw mut used)
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so the buffer begins with a TOKEN_USER whose SID points into the same buffer.
    let sid = unsafe { (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    sid_text(sid)
}

/// `sid` points to a valid SID.
fn sid_text(sid: *mut c_void) -> io::Result<String> {
    let mut text: *mut u16 = ptr::null_mut();
    // SAFETY: the SID is valid; `text` receives an allocation that is freed below.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system's text ends with a NUL, and is read only before it is freed, once.
    let owned = unsafe {
        let length = (0..).take_while(|at| *text.add(*at) != 0).count();
        let owned = String::from_utf16_lossy(std::slice::from_raw_parts(text, length));
        LocalFree(text.cast());
        owned
    };
    Ok(owned)
}
