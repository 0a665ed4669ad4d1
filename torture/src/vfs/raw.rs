//! Everything here that speaks SQLite's C interface: the VFS, its files, and nothing that decides.
//!
//! A file of ours is SQLite's own file object with a short head before it. Each method does what [`super::folder`] says
//! and hands the rest to the method of the system's file. Files that hold nothing of the store (temporary ones) are
//! opened as the system's files themselves, in the same memory, and never come by here again.
#![expect(unsafe_code, reason = "SQLite calls a VFS through C function pointers")]
#![expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "C's lengths are never negative"
)]

use super::faults::{Fate, FileKind, Operation};
use super::folder::Tracked;
use super::trace::Change;
use libsqlite3_sys as sys;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

/// Under which SQLite knows it.
const NAME: &CStr = c"c2c-torture";

/// SQLite's view of one of our files; the system's file object follows in the same memory.
#[repr(C)]
struct File {
    /// First, as SQLite demands: the methods.
    base: sys::sqlite3_file,
    /// From `Box::into_raw`, freed by [`close`].
    tracked: *mut Tracked,
}

/// Where the system's file begins behind the head; SQLite aligns file objects to 8 bytes.
const HEAD: usize = size_of::<File>().next_multiple_of(8);

/// The system's VFS, which outlives the process's use of SQLite.
struct System(*mut sys::sqlite3_vfs);
// SAFETY: SQLite allows its VFS objects to be used from any thread; this pointer is only ever read.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

static SYSTEM: OnceLock<System> = OnceLock::new();

/// Puts this VFS under every connection that this process opens from now on.
///
/// # Errors
/// SQLite's result code.
pub fn install() -> Result<(), i32> {
    // SAFETY: both are called before any connection exists; a null name asks for the default VFS.
    let system = unsafe {
        let code = sys::sqlite3_initialize();
        if code != sys::SQLITE_OK {
            return Err(code);
        }
        sys::sqlite3_vfs_find(ptr::null())
    };
    if system.is_null() {
        return Err(sys::SQLITE_ERROR);
    }
    let _first = SYSTEM.set(System(system));
    // SAFETY: the pointer is SQLite's own registered VFS.
    let (size, longest_path) = unsafe { ((*system).szOsFile, (*system).mxPathname) };
    let ours = Box::new(sys::sqlite3_vfs {
        iVersion: 3,
        szOsFile: size + HEAD as c_int,
        mxPathname: longest_path,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        pAppData: ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: Some(dl_open),
        xDlError: Some(dl_error),
        xDlSym: Some(dl_sym),
        xDlClose: Some(dl_close),
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(get_last_error),
        xCurrentTimeInt64: Some(current_time_int64),
        xSetSystemCall: Some(set_system_call),
        xGetSystemCall: Some(get_system_call),
        xNextSystemCall: Some(next_system_call),
    });
    // SAFETY: SQLite keeps the pointer for ever, so the box is leaked; every field is filled in.
    let code = unsafe { sys::sqlite3_vfs_register(Box::into_raw(ours), 1) };
    if code == sys::SQLITE_OK { Ok(()) } else { Err(code) }
}

fn system() -> *mut sys::sqlite3_vfs {
    SYSTEM.get().map_or(ptr::null_mut(), |system| system.0)
}

/// Which of the store's files SQLite opens with these flags; `None` for what does not outlive the process.
fn kind_of(flags: c_int) -> Option<FileKind> {
    match flags {
        flags if flags & sys::SQLITE_OPEN_MAIN_DB != 0 => Some(FileKind::Db),
        flags if flags & sys::SQLITE_OPEN_WAL != 0 => Some(FileKind::Wal),
        flags if flags & (sys::SQLITE_OPEN_MAIN_JOURNAL | sys::SQLITE_OPEN_SUPER_JOURNAL) != 0 => {
            Some(FileKind::Journal)
        }
        _ => None,
    }
}

/// # Safety
/// `name` must be null or a C string that outlives the call's use of the path.
unsafe fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: the caller's promise.
    (!name.is_null()).then(|| Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes())))
}

unsafe extern "C" fn open(
    _: *mut sys::sqlite3_vfs,
    name: *const c_char,
    file: *mut sys::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes null or a path that lives as long as the file.
    let path = unsafe { path_of(name) };
    let tracked = path.zip(kind_of(flags)).and_then(|(path, kind)| Tracked::of(path, kind));
    let Some(tracked) = tracked else {
        // SAFETY: all arguments are SQLite's own; the memory at `file` is larger than the system's file needs.
        return unsafe {
            (*system()).xOpen.map_or(sys::SQLITE_MISUSE, |x| x(system(), name, file, flags, out_flags))
        };
    };
    let new = !path.is_some_and(Path::exists);
    // SAFETY: SQLite gave `szOsFile` bytes at `file`, of which the first `HEAD` are ours and the rest the system's.
    unsafe {
        (*file).pMethods = ptr::null();
        let real = real(file);
        (*real).pMethods = ptr::null();
        let code =
            (*system()).xOpen.map_or(sys::SQLITE_MISUSE, |x| x(system(), name, real, flags, out_flags));
        if code != sys::SQLITE_OK {
            // The system may want its file closed also after a failure: it says so by its methods.
            if let Some(close) = (*real).pMethods.as_ref().and_then(|methods| methods.xClose) {
                close(real);
            }
            return code;
        }
        tracked.opened(new, || content(real));
        (*file.cast::<File>()).tracked = Box::into_raw(Box::new(tracked));
        (*file).pMethods = &raw const METHODS;
    }
    sys::SQLITE_OK
}

/// The system's file behind ours.
///
/// # Safety
/// `file` must be a file object of this VFS.
unsafe fn real(file: *mut sys::sqlite3_file) -> *mut sys::sqlite3_file {
    // SAFETY: the system's file begins `HEAD` bytes behind ours, in the same memory.
    unsafe { file.byte_add(HEAD) }
}

/// # Safety
/// `file` must be an open file of this VFS.
unsafe fn tracked<'a>(file: *mut sys::sqlite3_file) -> &'a Tracked {
    // SAFETY: set by `open`, freed by `close` only.
    unsafe { &*(*file.cast::<File>()).tracked }
}

/// All that the file holds.
///
/// # Safety
/// `real` must be an open file of the system.
unsafe fn content(real: *mut sys::sqlite3_file) -> Vec<u8> {
    // SAFETY: the methods of an open file are set, and are given the file they belong to and memory of that length.
    unsafe {
        let methods = &*(*real).pMethods;
        let mut length = 0;
        methods.xFileSize.map(|x| x(real, &raw mut length));
        let mut bytes = vec![0; length as usize];
        for (number, part) in bytes.chunks_mut(1 << 20).enumerate() {
            let (at, length) = (part.as_mut_ptr().cast::<c_void>(), part.len() as c_int);
            let code = methods.xRead.map(|x| x(real, at, length, (number << 20) as i64));
            assert_eq!(code, Some(sys::SQLITE_OK), "an opened file can be read");
        }
        bytes
    }
}

/// Calls a method of the system's file.
macro_rules! forward {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let real = real($file);
        (*(*real).pMethods).$method.map_or(sys::SQLITE_IOERR, |x| x(real $(, $argument)*))
    }};
}

/// A method that nothing is to be known of.
macro_rules! passes {
    ($name:ident, $method:ident $(, $argument:ident: $of:ty)*) => {
        unsafe extern "C" fn $name(file: *mut sys::sqlite3_file $(, $argument: $of)*) -> c_int {
            // SAFETY: SQLite passes an open file of ours, and what the system's method of the same name takes.
            unsafe { forward!(file, $method $(, $argument)*) }
        }
    };
}

passes!(file_size, xFileSize, size: *mut i64);
passes!(lock, xLock, level: c_int);
passes!(unlock, xUnlock, level: c_int);
passes!(check_reserved_lock, xCheckReservedLock, out: *mut c_int);
passes!(file_control, xFileControl, op: c_int, argument: *mut c_void);
passes!(sector_size, xSectorSize);
passes!(device_characteristics, xDeviceCharacteristics);
passes!(shm_map, xShmMap, page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
passes!(shm_lock, xShmLock, offset: c_int, n: c_int, flags: c_int);
passes!(shm_unmap, xShmUnmap, delete: c_int);
passes!(fetch, xFetch, offset: i64, length: c_int, out: *mut *mut c_void);
passes!(unfetch, xUnfetch, offset: i64, page: *mut c_void);

static METHODS: sys::sqlite3_io_methods = sys::sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

unsafe extern "C" fn close(file: *mut sys::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once; the box came from `open`.
    unsafe {
        let code = forward!(file, xClose);
        drop(Box::from_raw((*file.cast::<File>()).tracked));
        (*file).pMethods = ptr::null();
        code
    }
}

unsafe extern "C" fn shm_barrier(file: *mut sys::sqlite3_file) {
    // SAFETY: SQLite passes an open file of ours.
    unsafe {
        let real = real(file);
        if let Some(x) = (*(*real).pMethods).xShmBarrier {
            x(real);
        }
    }
}

/// The result code of an operation that is not done; `None` if it is to be done.
fn refusal(tracked: &Tracked, operation: Operation) -> Option<c_int> {
    match (tracked.fate(operation)?, operation) {
        (Fate::Enospc, _) => Some(sys::SQLITE_FULL),
        (Fate::Eio, Operation::Read) => Some(sys::SQLITE_IOERR_READ),
        (Fate::Eio, Operation::Write) => Some(sys::SQLITE_IOERR_WRITE),
        (Fate::Eio, Operation::Sync) => Some(sys::SQLITE_IOERR_FSYNC),
        (Fate::Eio, Operation::Truncate) => Some(sys::SQLITE_IOERR_TRUNCATE),
        (Fate::Lie, _) => Some(sys::SQLITE_OK),
        (Fate::Kill, _) => None,
    }
}

unsafe extern "C" fn read(
    file: *mut sys::sqlite3_file,
    out: *mut c_void,
    length: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite passes an open file of ours and `length` bytes to fill.
    unsafe {
        refusal(tracked(file), Operation::Read).unwrap_or_else(|| forward!(file, xRead, out, length, offset))
    }
}

unsafe extern "C" fn write(
    file: *mut sys::sqlite3_file,
    data: *const c_void,
    length: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite passes an open file of ours and `length` bytes.
    unsafe {
        let tracked = tracked(file);
        let bytes = || std::slice::from_raw_parts(data.cast::<u8>(), length as usize).to_vec();
        let refusal = refusal(tracked, Operation::Write);
        tracked.change(
            || refusal.unwrap_or_else(|| forward!(file, xWrite, data, length, offset)),
            || Change::Written { offset: offset as u64, data: bytes() },
        )
    }
}

unsafe extern "C" fn truncate(file: *mut sys::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite passes an open file of ours.
    unsafe {
        let tracked = tracked(file);
        let refusal = refusal(tracked, Operation::Truncate);
        tracked.change(
            || refusal.unwrap_or_else(|| forward!(file, xTruncate, size)),
            || Change::Truncated { length: size as u64 },
        )
    }
}

unsafe extern "C" fn sync(file: *mut sys::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite passes an open file of ours.
    unsafe {
        let tracked = tracked(file);
        let refusal = refusal(tracked, Operation::Sync);
        tracked.change(
            || refusal.unwrap_or_else(|| forward!(file, xSync, flags)),
            || if refusal == Some(sys::SQLITE_OK) { Change::SyncLied } else { Change::Synced },
        )
    }
}

unsafe extern "C" fn delete(_: *mut sys::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite passes a path, and the system's method takes the same.
    unsafe {
        let perform = || (*system()).xDelete.map_or(sys::SQLITE_MISUSE, |x| x(system(), name, sync_folder));
        // Only logs and journals are ever deleted by SQLite.
        match path_of(name).and_then(|path| Tracked::of(path, FileKind::Wal)) {
            Some(tracked) => tracked.change(perform, || Change::Deleted),
            None => perform(),
        }
    }
}

/// A method of the VFS itself that nothing is to be known of.
macro_rules! vfs_passes {
    ($name:ident, $method:ident, $fallback:expr, $out:ty $(, $argument:ident: $of:ty)*) => {
        unsafe extern "C" fn $name(_: *mut sys::sqlite3_vfs $(, $argument: $of)*) -> $out {
            // SAFETY: SQLite passes what the system's method of the same name takes, and gets its own VFS passed.
            unsafe { (*system()).$method.map_or($fallback, |x| x(system() $(, $argument)*)) }
        }
    };
}

/// What `xDlSym` finds.
type Symbol = Option<unsafe extern "C" fn(*mut sys::sqlite3_vfs, *mut c_void, *const c_char)>;

vfs_passes!(access, xAccess, sys::SQLITE_IOERR, c_int, name: *const c_char, flags: c_int, out: *mut c_int);
vfs_passes!(full_pathname, xFullPathname, sys::SQLITE_IOERR, c_int, name: *const c_char, n: c_int, out: *mut c_char);
vfs_passes!(dl_open, xDlOpen, ptr::null_mut(), *mut c_void, name: *const c_char);
vfs_passes!(dl_error, xDlError, (), (), n: c_int, out: *mut c_char);
vfs_passes!(dl_sym, xDlSym, None, Symbol, library: *mut c_void, name: *const c_char);
vfs_passes!(dl_close, xDlClose, (), (), library: *mut c_void);
vfs_passes!(randomness, xRandomness, 0, c_int, n: c_int, out: *mut c_char);
vfs_passes!(sleep, xSleep, 0, c_int, microseconds: c_int);
vfs_passes!(current_time, xCurrentTime, sys::SQLITE_ERROR, c_int, out: *mut f64);
vfs_passes!(get_last_error, xGetLastError, 0, c_int, n: c_int, out: *mut c_char);
vfs_passes!(current_time_int64, xCurrentTimeInt64, sys::SQLITE_ERROR, c_int, out: *mut i64);
vfs_passes!(set_system_call, xSetSystemCall, sys::SQLITE_NOTFOUND, c_int, name: *const c_char, call: sys::sqlite3_syscall_ptr);
vfs_passes!(get_system_call, xGetSystemCall, None, sys::sqlite3_syscall_ptr, name: *const c_char);
vfs_passes!(next_system_call, xNextSystemCall, ptr::null(), *const c_char, name: *const c_char);
