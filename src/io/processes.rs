//! Processes of this machine: their names from `/proc` (proc(5)), and the kernel's word when they begin, change and end
//! (the process events connector, linux/cn_proc.h).

use std::io;
use std::os::fd::OwnedFd;

use netlink_sys::protocols::NETLINK_CONNECTOR;
use netlink_sys::{Socket, SocketAddr};
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::unix::AsyncFd;

use super::sys::{borrow_fd, watch_readable};
use crate::track::process::{CommandLine, Event};

/// `CN_IDX_PROC` and `CN_VAL_PROC` of linux/connector.h; the former is also the multicast group.
const CN_IDX_PROC: u32 = 1;
const CN_VAL_PROC: u32 = 1;
/// `PROC_CN_MCAST_LISTEN`
const LISTEN: u32 = 1;
/// `NLMSG_DONE` (netlink(7)).
const NLMSG_DONE: u16 = 3;
/// Octets of `struct nlmsghdr` and `struct cn_msg`.
const NLMSGHDR: usize = 16;
const CN_MSG: usize = 20;
/// Where a `struct proc_event` has its data: after `what`, the CPU and the time.
const EVENT_DATA: usize = 16;
/// `PROC_EVENT_*`
const FORK: u32 = 1;
const EXEC: u32 = 2;
const COMM: u32 = 0x200;
const EXIT: u32 = 0x8000_0000;
/// Room for what happens while the main thread is busy.
const RECEIVE_BUFFER: usize = 1 << 20;

/// Every process that is alive, with its names.
pub fn all() -> Vec<(u32, CommandLine)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, command_line(pid)?))).collect()
}

/// The names of one process; `None` when it is gone, or dead and not yet waited for.
pub fn command_line(pid: u32) -> Option<CommandLine> {
    let mut name = std::fs::read(format!("/proc/{pid}/comm")).ok()?;
    if name.last() == Some(&b'\n') {
        name.pop();
    }
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    // Kernel threads have no words either.
    if words.is_empty() && is_dead(pid) {
        return None;
    }
    Some(CommandLine { name, words })
}

fn is_dead(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_none_or(|rest| matches!(rest.trim_start().chars().next(), Some('Z' | 'X') | None))
}

/// A subscription to process events. Only the machine's own network namespace has it.
pub struct ProcessEvents {
    socket: Socket,
    ready: AsyncFd<OwnedFd>,
}

impl ProcessEvents {
    /// Subscribes. Needs a tokio runtime.
    ///
    /// # Errors
    /// A kernel without process events, another network namespace, or no CAP_NET_ADMIN.
    pub fn open() -> io::Result<ProcessEvents> {
        let mut socket = Socket::new(NETLINK_CONNECTOR)?;
        socket.bind(&SocketAddr::new(0, CN_IDX_PROC))?;
        socket.set_non_blocking(true)?;
        // Without the right to exceed the limit the default has to do; what is then lost is read again.
        let _ = setsockopt(&borrow_fd(&socket), sockopt::RcvBufForce, &RECEIVE_BUFFER);
        socket.send_to(&subscription(), &SocketAddr::new(0, 0), 0)?;
        Ok(ProcessEvents { ready: watch_readable(borrow_fd(&socket).try_clone_to_owned()?)?, socket })
    }

    /// What happened since the last call, in order; everything there is when something was lost. Safe to abandon.
    pub async fn next(&mut self) -> io::Result<Vec<Event>> {
        loop {
            let mut guard = self.ready.readable().await?;
            let mut events = Vec::new();
            let drained = guard.try_io(|_| drain(&self.socket, &mut events));
            if let Ok(Err(error)) = drained {
                return Err(error);
            }
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }
}

fn drain(socket: &Socket, events: &mut Vec<Event>) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(256);
    loop {
        buffer.clear();
        match socket.recv_from(&mut buffer, 0) {
            // Anybody may send to the group; the kernel's port is 0.
            Ok((_, from)) if from.port_number() != 0 => {}
            Ok(_) => events.extend(parse(&buffer)),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => events.push(Event::Snapshot(all())),
            // Told to the caller so that readiness is cleared; what was read is kept.
            Err(error) => return Err(error),
        }
    }
}

/// A message that asks for events: `nlmsghdr`, `cn_msg`, operation.
fn subscription() -> Vec<u8> {
    let length = NLMSGHDR + CN_MSG + size_of::<u32>();
    let mut message = Vec::with_capacity(length);
    message.extend((length as u32).to_ne_bytes());
    message.extend(NLMSG_DONE.to_ne_bytes());
    message.extend([0; 2 + 4 + 4]); // flags, sequence, port
    message.extend(CN_IDX_PROC.to_ne_bytes());
    message.extend(CN_VAL_PROC.to_ne_bytes());
    message.extend([0; 4 + 4]); // sequence, ack
    message.extend((size_of::<u32>() as u16).to_ne_bytes());
    message.extend([0; 2]); // flags
    message.extend(LISTEN.to_ne_bytes());
    message
}

/// One event; `None` for what is not about a process as a whole.
fn parse(message: &[u8]) -> Option<Event> {
    let event = message.get(NLMSGHDR + CN_MSG..)?;
    let word = |at: usize| Some(u32::from_ne_bytes(event.get(at..at + 4)?.try_into().ok()?));
    let data = |index: usize| word(EVENT_DATA + 4 * index);
    match word(0)? {
        // Threads come and go too: their number is not that of their process.
        FORK if data(2)? == data(3)? => Some(Event::Forked { parent: data(1)?, child: data(3)? }),
        EXEC => {
            let pid = data(1)?;
            Some(Event::Executed(pid, command_line(pid)))
        }
        COMM if data(0)? == data(1)? => {
            let name = event.get(EVENT_DATA + 8..EVENT_DATA + 24)?;
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            Some(Event::Renamed(data(1)?, name[..end].to_vec()))
        }
        EXIT if data(0)? == data(1)? => Some(Event::Exited(data(1)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(what: u32, data: &[u32]) -> Vec<u8> {
        let mut message = vec![0; NLMSGHDR + CN_MSG];
        message.extend(what.to_ne_bytes());
        message.extend([0; 12]);
        message.extend(data.iter().flat_map(|word| word.to_ne_bytes()));
        message
    }

    #[test]
    fn processes_count_and_threads_do_not() {
        let fork = |child, child_group| parse(&message(FORK, &[1, 1, child, child_group]));
        assert_eq!(fork(7, 7), Some(Event::Forked { parent: 1, child: 7 }));
        assert_eq!(fork(8, 7), None);
        assert_eq!(parse(&message(EXIT, &[7, 7, 0, 17])), Some(Event::Exited(7)));
        assert_eq!(parse(&message(EXIT, &[8, 7, 0, 17])), None);
        let name = [u32::from_ne_bytes(*b"ngin"), u32::from_ne_bytes(*b"x\0zz"), 0, 0];
        let renamed = parse(&message(COMM, &[7, 7, name[0], name[1], name[2], name[3]]));
        assert_eq!(renamed, Some(Event::Renamed(7, b"nginx".to_vec())));
    }

    #[test]
    fn what_is_cut_short_says_nothing() {
        let whole = message(FORK, &[1, 1, 7, 7]);
        assert!((0..whole.len()).all(|length| parse(&whole[..length]).is_none()));
    }

    #[test]
    fn this_process_is_among_all() {
        let own = std::process::id();
        let (_, command) = all().into_iter().find(|(pid, _)| *pid == own).expect("this process is alive");
        assert!(!command.name.is_empty() && !command.words.is_empty());
        assert_eq!(command_line(u32::MAX), None);
    }
}
