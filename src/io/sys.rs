//! Every line of unsafe code and every direct libc call of alived, here and in the files below. Elsewhere `unsafe_code` is
//! denied.
#![allow(unsafe_code)]

pub mod pattern;
pub mod tls;

use std::io;
use std::mem::{MaybeUninit, size_of};

use std::ffi::{CStr, CString, OsString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::SigSet;
use socket2::{SockFilter, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Borrows the descriptor of a type that only offers [`AsRawFd`].
pub fn borrow_fd<T: AsRawFd>(owner: &T) -> BorrowedFd<'_> {
    // SAFETY: the descriptor belongs to `owner`, which the result borrows.
    unsafe { BorrowedFd::borrow_raw(owner.as_raw_fd()) }
}

/// Lets tokio tell when a descriptor is readable. Needs its runtime, with I/O.
pub fn watch_readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` stands for the same descriptor as long as it lives.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(io::Error::from)
}

/// Receives one datagram into `buffer`; returns its length, at most the buffer's.
pub fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: initialised octets may be seen as maybe-uninitialised ones, and recv only writes initialised ones.
    let buffer = unsafe { &mut *(buffer as *mut [u8] as *mut [MaybeUninit<u8>]) };
    socket.recv(buffer)
}

/// `IP_MULTICAST_IF` by interface index, which socket2 offers only by address (ip(7)).
pub fn set_multicast_interface(socket: &Socket, index: u32) -> io::Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: libc::in_addr { s_addr: 0 },
        imr_address: libc::in_addr { s_addr: 0 },
        imr_ifindex: i32::try_from(index).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?,
    };
    // SAFETY: `request` is a whole `ip_mreqn` that outlives the call, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_MULTICAST_IF,
            (&raw const request).cast(),
            size_of::<libc::ip_mreqn>() as libc::socklen_t,
        )
    };
    check(result)
}

/// `IPV6_CHECKSUM`: the kernel fills in and checks a checksum `offset` octets into the payload (ipv6(7), RFC 3542 §3.1).
pub fn set_checksum_offset_v6(socket: &Socket, offset: i32) -> io::Result<()> {
    // SAFETY: the option takes an `int`, which outlives the call and whose size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IPV6,
            libc::IPV6_CHECKSUM,
            (&raw const offset).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    check(result)
}

/// A socket that only sends: the kernel drops what would be received, so that no queue fills (socket(7)
/// `SO_ATTACH_FILTER`).
pub fn drop_everything_received(socket: &Socket) -> io::Result<()> {
    // BPF_RET | BPF_K 0: keep no octet.
    socket.attach_filter(&[SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0)])
}

/// Sends `frame` out of the interface with `index` through a packet socket (packet(7)).
pub fn send_frame(socket: &Socket, index: u32, frame: &[u8]) -> io::Result<()> {
    // SAFETY: all-zero octets are a valid `sockaddr_ll`.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_ifindex = i32::try_from(index).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: buffer and address are valid for the lengths given, and outlive the call.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The process that `command` starts is killed when the thread that starts it ends (prctl(2) `PR_SET_PDEATHSIG`), and
/// hears every signal, whichever that thread has blocked.
pub fn die_with_thread(command: &mut Command) {
    let prepare = || {
        // SAFETY: a system call with plain numbers.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
        Ok(SigSet::empty().thread_set_mask()?)
    };
    // SAFETY: between fork and exec these are two system calls; they allocate nothing and take no lock.
    unsafe { command.pre_exec(prepare) };
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
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

/// The paths that a pattern of glob(7) matches, sorted, directories with a `/` at the end; none for one with a NUL.
pub fn glob(pattern: &Path) -> Vec<PathBuf> {
    let Ok(pattern) = CString::new(pattern.as_os_str().as_bytes()) else { return Vec::new() };
    let mut found = MaybeUninit::<libc::glob_t>::zeroed();
    // SAFETY: the pattern ends in a NUL, there is no error function, and `found` is a zeroed glob_t to be filled in.
    let result = unsafe { libc::glob(pattern.as_ptr(), libc::GLOB_MARK, None, found.as_mut_ptr()) };
    // SAFETY: all bytes zero are a valid glob_t, whether or not glob has filled it in.
    let mut found = unsafe { found.assume_init() };
    let count = if result == 0 { found.gl_pathc } else { 0 };
    let path = |index: usize| {
        // SAFETY: glob has filled in `gl_pathc` pointers to strings, which live until globfree.
        let path = unsafe { CStr::from_ptr(*found.gl_pathv.add(index)) };
        PathBuf::from(OsString::from_vec(path.to_bytes().to_vec()))
    };
    let paths = (0..count).map(path).collect();
    // SAFETY: `found` comes from glob, or is all zeros, and is not used after this.
    unsafe { libc::globfree(&mut found) };
    paths
}
