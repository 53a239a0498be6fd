//! Every line of unsafe code and every direct libc call of alived. Elsewhere `unsafe_code` is denied.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Borrows the descriptor of a type that only offers [`AsRawFd`].
pub fn borrow_fd<T: AsRawFd>(owner: &T) -> BorrowedFd<'_> {
    // SAFETY: the descriptor belongs to `owner`, which the result borrows.
    unsafe { BorrowedFd::borrow_raw(owner.as_raw_fd()) }
}

/// The full name of a host as the resolver gives it (getaddrinfo(3), `AI_CANONNAME`); `None` when it does not resolve.
/// May take as long as name servers do.
pub fn canonical_name(host: &str) -> Option<String> {
    let host = CString::new(host).ok()?;
    // SAFETY: every field of addrinfo may be zero; that is how hints are made.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = libc::AI_CANONNAME;
    let mut results = std::ptr::null_mut();
    // SAFETY: `host` is a C string, `hints` lives through the call, and `results` is written only on success.
    if unsafe { libc::getaddrinfo(host.as_ptr(), std::ptr::null(), &hints, &mut results) } != 0 || results.is_null() {
        return None;
    }
    // SAFETY: success gives at least one entry; the first one has the name, as a C string, or null.
    let name = unsafe {
        let name = (*results).ai_canonname;
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    };
    // SAFETY: the list comes from getaddrinfo and is freed once; `name` is a copy.
    unsafe { libc::freeaddrinfo(results) };
    name
}
