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
use socket2::{SockAddr, SockFilter, Socket};
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

/// Where a packet socket sends: the interface with `index` (packet(7)).
pub fn frame_address(index: u32) -> SockAddr {
    let place = |storage: *mut libc::sockaddr_storage, length: *mut libc::socklen_t| {
        let address = storage.cast::<libc::sockaddr_ll>();
        // SAFETY: the storage is zeroed, aligned for every address and larger than this one; both pointers are valid.
        unsafe {
            (*address).sll_family = libc::AF_PACKET as u16;
            (*address).sll_ifindex = i32::try_from(index).unwrap_or_default();
            *length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        }
        Ok(())
    };
    // SAFETY: the closure has set a family and the length that belongs to it.
    let made: io::Result<((), SockAddr)> =
        unsafe { SockAddr::try_init(|storage, length| place(storage.cast(), length)) };
    made.expect("the closure does not fail").1
}

/// Packets that one call hands to the kernel at most (`UIO_MAXIOV`, linux/uio.h).
const MOST_MESSAGES: usize = 1024;

/// Sends every message to its address, many with one call (sendmmsg(2)). One that fails is left out; the last failure is
/// returned.
pub fn send_all(socket: &Socket, messages: &[(SockAddr, &[u8])], flags: i32) -> io::Result<()> {
    let mut parts: Vec<libc::iovec> = messages
        .iter()
        .map(|(_, bytes)| libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() })
        .collect();
    let headers = messages.iter().zip(&mut parts).map(|((address, _), part)| {
        // SAFETY: all-zero octets are a valid `mmsghdr`.
        let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
        header.msg_hdr.msg_name = address.as_ptr().cast_mut().cast();
        header.msg_hdr.msg_namelen = address.len();
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
        header
    });
    let mut headers: Vec<libc::mmsghdr> = headers.collect();
    let (mut rest, mut outcome) = (headers.as_mut_slice(), Ok(()));
    while !rest.is_empty() {
        let count = rest.len().min(MOST_MESSAGES) as libc::c_uint;
        // SAFETY: the headers, and the addresses, parts and octets they point to, outlive the call; the kernel reads them
        // and writes only the lengths in the headers.
        let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), rest.as_mut_ptr(), count, flags) };
        let done = match usize::try_from(sent) {
            Ok(sent) if sent > 0 => sent,
            _ => {
                let error = io::Error::last_os_error();
                let interrupted = error.kind() == io::ErrorKind::Interrupted;
                if !interrupted {
                    outcome = Err(error);
                }
                usize::from(!interrupted)
            }
        };
        rest = &mut rest[done..];
    }
    outcome
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
