//! `bfd_instance` (`bfd/bfd_parser.c`, `bfd/bfd_data.c`).

use std::net::IpAddr;
use std::num::NonZeroU8;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened, walk_all};
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{BfdInstance, BfdInterval, BoundedName, TrackWeight};

/// Longest name of a session (`BFD_INAME_MAX` − 1).
const LONGEST_NAME: usize = 31;
/// TTL, and hop limit, of packets that are sent: all hops, as RFC 5881 §5 wants it, and what keepalived takes for IPv6.
const TTL: (NonZeroU8, NonZeroU8) = (NonZeroU8::MAX, NonZeroU8::new(64).unwrap());

/// The name of a session.
type BfdName = BoundedName<LONGEST_NAME>;

/// What a block says.
pub(in crate::config) struct BfdDraft {
    pub name: Spanned<BfdName>,
    neighbour: Option<IpAddr>,
    source: Option<IpAddr>,
    min_rx: BfdInterval,
    min_tx: BfdInterval,
    idle_tx: BfdInterval,
    multiplier: NonZeroU8,
    passive: bool,
    ttl: Option<NonZeroU8>,
    max_hops: u8,
    multihop: bool,
    weight: TrackWeight,
    vrrp: bool,
    checker: bool,
}

/// Reads one block; `before` are those further up.
pub(super) fn read(context: &mut Context, block: &Line, before: &[BfdDraft]) -> Option<BfdDraft> {
    let word = block.argument()?;
    let text = shortened(&word.text()).into_owned();
    let complain = |context: &mut Context, name, message: String, gist: String| {
        let diagnostic = Diagnostic::warning(name, message).at(word.span).class(ErrorClass::General);
        context.report(diagnostic.gist(gist));
    };
    let Some(name) = BfdName::new(&word.text()) else {
        let message = format!("the name of a BFD session has 1 to {LONGEST_NAME} characters");
        complain(context, Name::INVALID_VALUE, message, format!("BFD name {text} too long"));
        return None;
    };
    if before.iter().any(|session| session.name.value == name) {
        let message = format!("another bfd_instance is called {name}");
        complain(context, Name::DUPLICATE_NAME, message, format!("BFD {name} already specified"));
        return None;
    }
    let mut draft = BfdDraft {
        name: Spanned::new(name, word.span),
        neighbour: None,
        source: None,
        min_rx: BfdInterval::DEFAULT,
        min_tx: BfdInterval::DEFAULT,
        idle_tx: BfdInterval::IDLE,
        multiplier: NonZeroU8::new(5)?,
        passive: false,
        ttl: None,
        max_hops: 0,
        multihop: false,
        weight: TrackWeight::default(),
        vrrp: false,
        checker: false,
    };
    walk_all(context, "bfd_instance", block.body(), &mut |context, line| draft.line(context, &line));
    Some(draft)
}

fn interval(context: &mut Context, line: &Line) -> Option<BfdInterval> {
    values::duration(context, line).and_then(BfdInterval::new)
}

impl BfdDraft {
    /// What `track_bfd` needs to know: the name, and the weight for lines without one.
    pub(super) fn tracked(&self) -> (String, TrackWeight) {
        (self.name.value.as_str().to_owned(), self.weight)
    }

    fn line(&mut self, context: &mut Context, line: &Line) {
        let small = |context: &mut Context| values::unsigned::<u8>(context, line, Garbage::Refused);
        match line.keyword.name.as_str() {
            "neighbor_ip" | "neighbour_ip" => {
                let address = line.argument().and_then(|word| values::host_address(context, word));
                self.neighbour = address.or(self.neighbour);
            }
            "source_ip" => {
                let address = line.argument().and_then(|word| values::host_address(context, word));
                self.source = address.or(self.source);
            }
            "min_rx" => self.min_rx = interval(context, line).unwrap_or(self.min_rx),
            "min_tx" => self.min_tx = interval(context, line).unwrap_or(self.min_tx),
            "idle_tx" => self.idle_tx = interval(context, line).unwrap_or(self.idle_tx),
            "multiplier" => self.multiplier = small(context).and_then(NonZeroU8::new).unwrap_or(self.multiplier),
            "passive" => self.passive = true,
            "ttl" | "hoplimit" => self.ttl = small(context).and_then(NonZeroU8::new).or(self.ttl),
            "max_hops" => {
                let hops = values::integer(context, line, Garbage::Refused);
                self.max_hops = hops.map_or(self.max_hops, |hops| hops as u8); // −1 becomes 255, as in keepalived
            }
            "multihop" => {
                let set = line.argument().map_or(Some(true), |word| values::boolean(context, word));
                self.multihop = set.unwrap_or(self.multihop);
            }
            "weight" => self.weight(context, line),
            "vrrp" => self.vrrp = true,
            "checker" => self.checker = true,
            other => unreachable!("grammar/bfd_instance.conf has '{other}'"),
        }
    }

    fn weight(&mut self, context: &mut Context, line: &Line) {
        let Some(value) = values::integer(context, line, Garbage::Dropped) else { return };
        let option = line.arguments.get(1);
        if let Some(other) = option.filter(|word| word.bytes != b"reverse") {
            let (shown, name) = (shortened(&other.text()).into_owned(), &self.name.value);
            let gist = format!("Configuration error: BFD instance {name} unknown weight option {shown}");
            context.report(invalid_value(other.span, format!("'{shown}' is not 'reverse'")).gist(gist));
            return;
        }
        self.weight = TrackWeight::new(value as i64, option.is_some()).unwrap_or(self.weight);
    }
}

/// The sessions that can run.
pub(super) fn finish_all(context: &mut Context, drafts: &[BfdDraft]) -> Vec<BfdInstance> {
    let mut sessions: Vec<BfdInstance> = Vec::new();
    for draft in drafts {
        let session = finish(context, draft, &sessions);
        sessions.extend(session);
    }
    sessions
}

fn finish(context: &mut Context, draft: &BfdDraft, before: &[BfdInstance]) -> Option<BfdInstance> {
    let (name, span) = (&draft.name.value, draft.name.span);
    let complain = |context: &mut Context, kind, message: String, gist: String| {
        let diagnostic = Diagnostic::warning(kind, message).at(span).class_without_line(ErrorClass::General);
        context.report(diagnostic.gist(gist));
    };
    let refuse = |context: &mut Context, kind, message: String, gist: &str| {
        complain(context, kind, message, format!("Configuration error: BFD instance {name} {gist}"));
        None
    };
    let Some(neighbour) = draft.neighbour else {
        let message = format!("bfd_instance {name} has no 'neighbor_ip'");
        return refuse(context, Name::INCOMPLETE_BLOCK, message, "has no neighbor address set, disabling instance");
    };
    if draft.source.is_some_and(|source| source.is_ipv4() != neighbour.is_ipv4()) {
        let message = format!("bfd_instance {name}: 'source_ip' and 'neighbor_ip' are of two families");
        let gist = "source address and neighbor address are not of the same family, disabling instance";
        return refuse(context, Name::ADDRESS_FAMILY_MISMATCH, message, gist);
    }
    if before.iter().any(|session| session.neighbour == neighbour) {
        let message = format!("another bfd_instance has the neighbour {neighbour}");
        let gist = format!("has duplicate neighbor address {neighbour}, ignoring instance");
        return refuse(context, Name::DUPLICATE_NAME, message, &gist);
    }
    let ttl = draft.ttl.unwrap_or(if neighbour.is_ipv4() { TTL.0 } else { TTL.1 });
    if draft.max_hops > ttl.get() {
        let message = format!("bfd_instance {name}: 'max_hops' is more than the TTL; the TTL is used");
        let gist = format!("BFD instance {name}: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit");
        complain(context, Name::INCOMPATIBLE_SETTINGS, message, gist);
    }
    let nobody_named = !draft.vrrp && !draft.checker;
    Some(BfdInstance {
        name: name.as_str().to_owned(),
        neighbour,
        source: draft.source,
        min_rx: draft.min_rx,
        min_tx: draft.min_tx,
        idle_tx: draft.idle_tx,
        multiplier: draft.multiplier,
        passive: draft.passive,
        ttl,
        max_hops: Some(draft.max_hops.min(ttl.get())).filter(|hops| *hops != u8::MAX),
        multihop: draft.multihop,
        weight: draft.weight,
        for_vrrp: draft.vrrp || nobody_named,
        for_checkers: draft.checker || nobody_named,
    })
}
