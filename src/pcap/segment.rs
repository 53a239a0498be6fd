//! The virtual routers of a capture and what happened to each: who spoke, who took over from whom, and why.
//!
//! A capture shows what was said, never what a router thought. So an election is explained by what the listeners must
//! have known: a farewell, a silence of the master-down interval, or a better priority. Two that go on speaking are a
//! conflict.

use std::net::IpAddr;
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use pnet_base::MacAddr;

use super::finding::{Findings, Severity};
use super::judge::{judge, virtual_mac};
use super::packet::{Content, Packet, Vrrp};
use super::story::{Authentication, Happening, Moment, Reason, RouterId, Run, Says};

/// How long announcements may come after the advert they belong to.
const ANNOUNCED_WITHIN: Duration = Duration::from_secs(1);

/// One virtual router and its story.
#[derive(Debug, Clone)]
pub struct Router {
    /// Which one.
    pub id: RouterId,
    /// Its adverts.
    pub runs: Vec<Run>,
    /// What happened, in order.
    pub moments: Vec<Moment>,
    speakers: IndexMap<IpAddr, Speaker>,
    master: Option<IpAddr>,
    contest: Option<Contest>,
    /// The newest mastership, until it has been announced.
    announcing: Option<Announcing>,
    told: IndexSet<(&'static str, IpAddr)>,
}

#[derive(Debug, Clone)]
struct Speaker {
    at: Duration,
    frame: usize,
    says: Says,
    mac: Option<MacAddr>,
    /// Its last sequence number behind AH.
    sequence: Option<u32>,
}

/// Two that both speak as masters.
#[derive(Debug, Clone)]
struct Contest {
    frame: usize,
    since: Duration,
    better: IpAddr,
    worse: IpAddr,
    /// Adverts of the worse one after the better one had spoken.
    adverts: usize,
    last_frame: usize,
    last: Duration,
}

#[derive(Debug, Clone)]
struct Announcing {
    master: IpAddr,
    at: Duration,
    frame: usize,
    /// It became master in this capture, so all of them are due.
    is_new: bool,
    missing: IndexSet<IpAddr>,
    packets: usize,
    first: Option<(usize, Duration)>,
    last_frame: usize,
}

impl Announcing {
    fn of(master: IpAddr, at: Duration, frame: usize, says: &Says, is_new: bool) -> Announcing {
        let missing = says.addresses.iter().copied().collect();
        Announcing { master, at, frame, is_new, missing, packets: 0, first: None, last_frame: frame }
    }
}

/// All virtual routers of a capture.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub routers: IndexMap<RouterId, Router>,
    pub findings: Findings,
    /// Announcements seen, of whatever address.
    pub announcements: usize,
}

impl Segment {
    /// Takes one packet, `at` since the capture's first frame.
    pub fn take(&mut self, at: Duration, packet: &Packet) {
        match &packet.content {
            Content::Vrrp(vrrp) => {
                let id = RouterId { vlan: packet.vlan, ipv6: vrrp.source.is_ipv6(), vrid: vrrp.vrid() };
                if judge(packet, vrrp, id, &mut self.findings) {
                    let router = self.routers.entry(id).or_insert_with(|| Router::new(id));
                    router.advert(at, packet, vrrp, &mut self.findings);
                }
            }
            Content::Announcement { address, station } => {
                self.announcements += 1;
                for router in self.routers.values_mut().filter(|router| router.id.vlan == packet.vlan) {
                    router.announced(at, packet.frame, *address, *station, &mut self.findings);
                }
            }
        }
    }

    /// The capture ends `at`.
    pub fn end(&mut self, at: Duration) {
        for router in self.routers.values_mut() {
            router.end(at, self.announcements > 0, &mut self.findings);
        }
    }
}

impl Router {
    fn new(id: RouterId) -> Router {
        Router {
            id,
            runs: Vec::new(),
            moments: Vec::new(),
            speakers: IndexMap::new(),
            master: None,
            contest: None,
            announcing: None,
            told: IndexSet::new(),
        }
    }

    /// Whoever spoke, in the order of their first advert.
    pub fn speakers(&self) -> impl Iterator<Item = IpAddr> {
        self.speakers.keys().copied()
    }

    fn moment(&mut self, frame: usize, at: Duration, happening: Happening) {
        self.moments.push(Moment { frame, at, happening });
    }

    fn advert(&mut self, at: Duration, packet: &Packet, vrrp: &Vrrp, findings: &mut Findings) {
        let (source, frame, says) = (vrrp.source, packet.frame, Says::of(vrrp));
        let before = self.speakers.get(&source).cloned();
        // A copy for another peer: the same advert once more.
        let is_copy = before.as_ref().is_some_and(|before| {
            before.says == says && at.saturating_sub(before.at) < says.interval / 10 && !vrrp.destination.is_multicast()
        }) && self
            .runs
            .last()
            .is_some_and(|run| !run.destinations.contains(&vrrp.destination) || run.destinations.len() > 1);
        self.sequence(frame, vrrp, before.as_ref(), is_copy, findings);
        self.record(at, frame, vrrp, &says, before.as_ref(), is_copy);
        if !is_copy {
            self.agree(frame, source, &says, findings);
            self.elect(at, frame, source, &says, findings);
        }
        let sequence = vrrp.ah.map(|ah| ah.sequence);
        let mac = packet.mac.map(|macs| macs.source);
        let at = if is_copy { before.map_or(at, |before| before.at) } else { at };
        self.speakers.insert(source, Speaker { at, frame, says, mac, sequence });
    }

    fn sequence(&self, frame: usize, vrrp: &Vrrp, before: Option<&Speaker>, is_copy: bool, findings: &mut Findings) {
        let (Some(ah), Some(last)) = (vrrp.ah, before.and_then(|before| before.sequence)) else { return };
        let advances = ah.sequence > last || (is_copy && ah.sequence == last);
        if !advances {
            let text =
                format!("{}: AH sequence number {} after {last}: a replay, or a restart", vrrp.source, ah.sequence);
            findings.add(Severity::Violation, "replay", Some(self.id), frame, text, "RFC 4302 §3.4.3");
        }
    }

    fn record(
        &mut self,
        at: Duration,
        frame: usize,
        vrrp: &Vrrp,
        says: &Says,
        before: Option<&Speaker>,
        is_copy: bool,
    ) {
        match self.runs.last_mut().filter(|run| run.source == vrrp.source && run.says == *says) {
            Some(run) => {
                if !is_copy && let Some(before) = before {
                    run.gaps.push(at.saturating_sub(before.at));
                }
                run.frames.push(frame);
                run.destinations.insert(vrrp.destination);
                run.last = at;
            }
            None => self.runs.push(Run {
                source: vrrp.source,
                destinations: IndexSet::from([vrrp.destination]),
                says: says.clone(),
                frames: vec![frame],
                first: at,
                last: at,
                gaps: Vec::new(),
            }),
        }
    }

    /// What the routers of one virtual router must agree about.
    fn agree(&mut self, frame: usize, source: IpAddr, says: &Says, findings: &mut Findings) {
        let others = self.speakers.iter().filter(|(other, _)| **other != source);
        let mut differences = Vec::new();
        for (other, speaker) in others {
            let theirs = &speaker.says;
            if theirs.version != says.version {
                let text = format!("{source} speaks version {}, and {other} version {}", says.version, theirs.version);
                differences.push((Severity::Violation, "version-mismatch", text, "RFC 9568 §8.4"));
                continue;
            }
            if theirs.interval != says.interval {
                let text = format!("{source} says {:?}, and {other} says {:?}", says.interval, theirs.interval);
                let (severity, standard) = match says.version {
                    2 => (Severity::Violation, "RFC 3768 §7.1"),
                    _ => (Severity::Remark, "RFC 9568 §6.1"),
                };
                differences.push((severity, "interval-mismatch", text, standard));
            }
            if theirs.authentication != says.authentication {
                let text = match (theirs.authentication, says.authentication) {
                    (Authentication::Password(_), Authentication::Password(_)) => {
                        format!("{source} and {other} have two passwords")
                    }
                    (theirs, own) => format!("{source} authenticates with {own}, and {other} with {theirs}"),
                };
                differences.push((Severity::Violation, "authentication-mismatch", text, "RFC 2338 §7.1"));
            }
            let set = |addresses: &[IpAddr]| addresses.iter().copied().collect::<IndexSet<_>>();
            if set(&theirs.addresses) != set(&says.addresses) {
                let text = format!("{source} and {other} do not have the same addresses");
                differences.push((Severity::Violation, "address-mismatch", text, "RFC 9568 §7.1"));
            } else if theirs.addresses != says.addresses {
                let text = format!("{source} and {other} list the addresses in two orders");
                differences.push((Severity::Remark, "address-order", text, "RFC 9568 §7.1"));
            }
        }
        for (severity, name, text, standard) in differences {
            // Told at the first advert after a change of speaker, not with each.
            if self.master != Some(source) || self.told.insert((name, source)) {
                findings.add(severity, name, Some(self.id), frame, text, standard);
            }
        }
    }

    fn elect(&mut self, at: Duration, frame: usize, source: IpAddr, says: &Says, findings: &mut Findings) {
        let Some(master) = self.master else {
            self.master = Some(source);
            self.moment(frame, at, Happening::Appears { master: source });
            self.announcing = Some(Announcing::of(source, at, frame, says, false));
            return;
        };
        self.close_contest(at, findings);
        if says.priority == 0 {
            let spoke = self.speakers.get(&source).is_some_and(|before| before.says.priority != 0);
            if spoke && source == master {
                self.moment(frame, at, Happening::Farewell { master });
            }
            return;
        }
        if source == master {
            self.rhythm(at, frame, source, says, findings);
            self.contested(at, frame, source);
            return;
        }
        let Some(old) = self.speakers.get(&master).cloned() else { return };
        let silent = at.saturating_sub(old.at);
        let prescribed = old.says.master_down(says.priority);
        let is_better = (says.priority, source) > (old.says.priority, master);
        let reason = if old.says.priority == 0 {
            Reason::Farewell { after: silent, skew: old.says.skew(says.priority) }
        } else if silent + old.says.interval / 100 >= prescribed {
            Reason::Silence { silent, prescribed }
        } else if self.contested(at, frame, source) {
            return;
        } else if is_better {
            Reason::Better { old: old.says.priority, new: says.priority }
        } else {
            Reason::None
        };
        if matches!(reason, Reason::Better { .. } | Reason::None) {
            let (better, worse) = if is_better { (source, master) } else { (master, source) };
            let adverts = usize::from(!is_better);
            self.contest = Some(Contest { frame, since: at, better, worse, adverts, last_frame: frame, last: at });
        }
        if reason == Reason::None {
            return; // the better one stays; that both speak is told as a conflict
        }
        self.master = Some(source);
        self.told.clear();
        self.moment(frame, at, Happening::Election { from: master, to: source, reason });
        self.close_announcing(findings, false);
        self.announcing = Some(Announcing::of(source, at, frame, says, true));
    }

    /// Counts an advert in a running contest; whether there is one that `source` takes part in.
    fn contested(&mut self, at: Duration, frame: usize, source: IpAddr) -> bool {
        let Some(contest) = &mut self.contest else { return false };
        if contest.worse == source {
            contest.adverts += 1;
            contest.last_frame = frame;
            contest.last = at;
        }
        contest.worse == source || contest.better == source
    }

    /// A contest is over when one of the two has been silent for three of its intervals, or has left.
    fn close_contest(&mut self, at: Duration, findings: &mut Findings) {
        let Some(contest) = &self.contest else { return };
        let is_gone = |source: &IpAddr| {
            self.speakers.get(source).is_none_or(|speaker| {
                speaker.says.priority == 0 || at.saturating_sub(speaker.at) > 3 * speaker.says.interval
            })
        };
        if is_gone(&contest.worse) || is_gone(&contest.better) {
            self.tell_contest(findings);
        }
    }

    fn tell_contest(&mut self, findings: &mut Findings) {
        let Some(contest) = self.contest.take().filter(|contest| contest.adverts > 0) else { return };
        let Contest { frame, since, better, worse, adverts, last_frame, last } = contest;
        let lasted = last.saturating_sub(since);
        let count = if adverts == 1 { "one advert".to_owned() } else { format!("{adverts} adverts") };
        let text = format!("{better} and {worse} were masters at a time: {count} of {worse} in {lasted:.3?}");
        // A loser may have sent one before it could hear the other.
        let severity = if adverts > 1 { Severity::Violation } else { Severity::Remark };
        for frame in [frame, last_frame] {
            findings.add(severity, "two-masters", Some(self.id), frame, text.clone(), "RFC 9568 §6.4.3");
        }
        let happening = Happening::Conflict { better, worse, adverts, last_frame, lasted };
        let place = self.moments.partition_point(|moment| moment.frame <= frame);
        self.moments.insert(place, Moment { frame, at: since, happening });
    }

    fn rhythm(&mut self, at: Duration, frame: usize, source: IpAddr, says: &Says, findings: &mut Findings) {
        let Some(before) = self.speakers.get(&source) else { return };
        let gap = at.saturating_sub(before.at);
        if gap > before.says.interval * 3 / 2 {
            let missed = gap.as_secs_f64() / before.says.interval.as_secs_f64();
            let text =
                format!("{source}: {gap:.3?} since its last advert (frame {}), {missed:.1} intervals", before.frame);
            let severity = if gap > says.master_down(says.priority) { Severity::Violation } else { Severity::Remark };
            findings.add(severity, "late-advert", Some(self.id), frame, text, "RFC 9568 §6.4.3");
        }
    }

    fn announced(&mut self, at: Duration, frame: usize, address: IpAddr, station: MacAddr, findings: &mut Findings) {
        let Some(master) = self.master else { return };
        let Some(speaker) = self.speakers.get(&master).filter(|speaker| speaker.says.addresses.contains(&address))
        else {
            return;
        };
        let own = speaker.mac.is_none_or(|mac| mac == station)
            || station == virtual_mac(!self.id.ipv6, self.id.vrid)
            // Announced before the first advert of a new master.
            || self.speakers.values().any(|speaker| speaker.mac == Some(station));
        if !own {
            let text = format!("{address} is announced by {station}, which is not the master {master}");
            findings.add(Severity::Violation, "foreign-announcement", Some(self.id), frame, text, "RFC 5227 §2.4");
            return;
        }
        if let Some(announcing) = &mut self.announcing {
            announcing.missing.shift_remove(&address);
            announcing.packets += 1;
            announcing.first.get_or_insert((frame, at));
            announcing.last_frame = frame;
        }
    }

    /// The end of what can be said about a mastership's announcements.
    fn close_announcing(&mut self, findings: &mut Findings, is_certain: bool) {
        let Some(announcing) = self.announcing.take() else { return };
        let Announcing { master, at, frame, is_new, missing, packets, first, last_frame } = announcing;
        if let Some((first_frame, first)) = first {
            let after = first.saturating_sub(at);
            let place = self.moments.partition_point(|moment| moment.frame <= first_frame);
            let happening = Happening::Announced { master, packets, last_frame, after };
            self.moments.insert(place, Moment { frame: first_frame, at: first, happening });
        }
        if is_certain && is_new && !missing.is_empty() {
            let list = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let text = format!("{master} became master and did not announce {list}");
            findings.add(Severity::Violation, "not-announced", Some(self.id), frame, text, "RFC 9568 §6.4.2");
        }
    }

    fn end(&mut self, at: Duration, announcements_are_captured: bool, findings: &mut Findings) {
        self.tell_contest(findings);
        let had_time = self.announcing.as_ref().is_some_and(|announcing| at > announcing.at + ANNOUNCED_WITHIN);
        self.close_announcing(findings, had_time && announcements_are_captured);
        let Some((master, speaker)) =
            self.master.and_then(|master| Some((master, self.speakers.get(&master)?.clone())))
        else {
            return;
        };
        let lasted = at.saturating_sub(speaker.at);
        if lasted > speaker.says.master_down(0) {
            self.moment(speaker.frame, speaker.at, Happening::Silence { master, lasted });
            let text = format!("no master for the last {lasted:.3?}: {master} is silent and nobody takes over");
            findings.add(Severity::Violation, "no-master", Some(self.id), speaker.frame, text, "RFC 9568 §6.4.2");
        }
    }
}
