//! Every line of unsafe code and every direct libc call of alived. Elsewhere `unsafe_code` is denied.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};

/// Borrows the descriptor of a type that only offers [`AsRawFd`].
pub fn borrow_fd<T: AsRawFd>(owner: &T) -> BorrowedFd<'_> {
    // SAFETY: the descriptor belongs to `owner`, which the result borrows.
    unsafe { BorrowedFd::borrow_raw(owner.as_raw_fd()) }
}
